//! The terminal: taken at the start, given back in any case.

use std::io::{self, BufWriter, Stdout, Write, stdout};
use std::panic;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::cursor::Show;
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::execute;
use crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
    enable_raw_mode, size,
};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;

use crate::tui::app::App;
use crate::tui::view;

/// The terminal while it is ours.
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<BufWriter<Stdout>>>,
    is_ours: Arc<AtomicBool>,
}

impl Screen {
    /// Takes the terminal. From here on a panic gives it back before it is told.
    pub(super) fn open() -> io::Result<Self> {
        let is_ours = Arc::new(AtomicBool::new(true));
        give_back_on_panic(is_ours.clone());
        // Built first, so that it is dropped and the terminal given back if taking it fails.
        let writer = BufWriter::with_capacity(WRITE_AT_ONCE, stdout());
        let terminal = Terminal::new(CrosstermBackend::new(writer))?;
        let screen = Self { terminal, is_ours };
        take()?;
        Ok(screen)
    }

    /// Columns and rows.
    pub(super) fn size(&self) -> io::Result<(u16, u16)> {
        let size = self.terminal.size()?;
        Ok((size.width, size.height))
    }

    /// Draws `app`; only what has changed is written.
    pub(super) fn draw(&mut self, app: &App) -> io::Result<()> {
        self.terminal.draw(|frame| {
            let area = frame.area();
            view::render(app, area, frame.buffer_mut());
            if let Some(position) = view::cursor(app, area) {
                frame.set_cursor_position(position);
            }
        })?;
        Ok(())
    }

    /// Forgets what the terminal shows, so that the next drawing writes all of it.
    pub(super) fn redraw(&mut self) -> io::Result<()> {
        let (columns, rows) = size()?;
        self.terminal.resize(Rect::new(0, 0, columns, rows))
    }

    /// Gives the terminal back, stops as Ctrl-Z does, and takes it again when continued.
    pub(super) fn suspend(&mut self) -> io::Result<()> {
        give_back()?;
        signal_hook::low_level::raise(signal_hook::consts::SIGTSTP)?;
        self.reopen()
    }

    /// Takes the terminal again, whatever was done to it meanwhile.
    pub(super) fn reopen(&mut self) -> io::Result<()> {
        // Raw mode is set only by those who do not believe to have it already.
        disable_raw_mode()?;
        take()?;
        self.redraw()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if self.is_ours.swap(false, Ordering::SeqCst) {
            // When it cannot be given back it is gone, and there is nobody to tell.
            let _ = give_back();
        }
    }
}

fn take() -> io::Result<()> {
    enable_raw_mode()?;
    // Cleared, for a program that was killed leaves what it has drawn on a screen that is entered
    // already.
    execute!(stdout(), EnterAlternateScreen, Clear(ClearType::All), EnableBracketedPaste)
}

fn give_back() -> io::Result<()> {
    let raw = disable_raw_mode();
    execute!(stdout(), DisableBracketedPaste, LeaveAlternateScreen, Show)?;
    stdout().flush()?;
    raw
}

fn give_back_on_panic(is_ours: Arc<AtomicBool>) {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if is_ours.swap(false, Ordering::SeqCst) {
            // The panic is told in any case, on whatever terminal there is.
            let _ = give_back();
        }
        before(info);
    }));
}

/// A full screen of changes in one piece.
const WRITE_AT_ONCE: usize = 16 * 1024;
