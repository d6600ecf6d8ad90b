//! The terminal while a line is edited on it: taken for that time, and the line drawn.

use std::future::poll_fn;
use std::io::{self, Write as _, stdout};
use std::panic;
use std::pin::Pin;

use crossterm::cursor::{MoveTo, MoveToColumn};
use crossterm::event::{Event, EventStream, KeyEventKind};
use crossterm::queue;
use crossterm::style::Print;
use crossterm::terminal::{Clear, ClearType, disable_raw_mode, enable_raw_mode, size};
use futures_util::Stream as _;
use unicode_width::UnicodeWidthStr as _;

use crate::line::{Editor, Key, completion};

/// A terminal on which lines are edited.
#[derive(Default)]
pub(super) struct Terminal {
    keys: Option<EventStream>,
    has_hook: bool,
}

/// What a user did.
pub(super) enum Pressed {
    /// He pressed a key that means something.
    Key(Key),
    /// The terminal has another size now.
    Resized,
    /// It is gone.
    End,
}

/// The terminal while it is in raw mode; dropping this gives it back.
pub(super) struct Taken;

impl Terminal {
    /// Takes the terminal. A panic gives it back before it is told.
    pub(super) fn take(&mut self) -> io::Result<Taken> {
        if !std::mem::replace(&mut self.has_hook, true) {
            let before = panic::take_hook();
            panic::set_hook(Box::new(move |info| {
                give_back();
                before(info);
            }));
        }
        let taken = Taken;
        enable_raw_mode()?;
        Ok(taken)
    }

    /// Waits for the next key.
    pub(super) async fn press(&mut self) -> io::Result<Pressed> {
        let keys = self.keys.get_or_insert_with(EventStream::new);
        loop {
            let event = poll_fn(|context| Pin::new(&mut *keys).poll_next(context)).await;
            match event.transpose()? {
                None => return Ok(Pressed::End),
                Some(Event::Key(key)) if key.kind != KeyEventKind::Release => {
                    if let Some(key) = Key::read(&key) {
                        return Ok(Pressed::Key(key));
                    }
                }
                Some(Event::Resize(..)) => return Ok(Pressed::Resized),
                Some(_) => {}
            }
        }
    }
}

/// Gives the terminal back, stops as Ctrl-Z does, and takes it again when continued.
pub(super) fn suspend() -> io::Result<()> {
    disable_raw_mode()?;
    write("\r\n")?;
    signal_hook::low_level::raise(signal_hook::consts::SIGTSTP)?;
    enable_raw_mode()
}

impl Drop for Taken {
    fn drop(&mut self) {
        give_back();
    }
}

/// Gives the terminal back; nothing where it is not taken.
pub(super) fn give_back() {
    // When it cannot be given back it is gone, and there is nobody to tell.
    drop(disable_raw_mode());
}

/// Draws the line, scrolled so that the cursor is in sight.
pub(super) fn draw(prompt: &str, editor: &Editor) -> io::Result<()> {
    let prompt = editor.label(prompt);
    let input = editor.input();
    let room = columns().saturating_sub(prompt.width() + 1).max(1);
    let scroll = input.visual_scroll(room);
    let typed: String = input.value().chars().skip(scroll).take(room).collect();
    let cursor = prompt.width() + input.visual_cursor().saturating_sub(scroll);
    let cursor = u16::try_from(cursor).unwrap_or(u16::MAX);
    queue!(
        stdout(),
        MoveToColumn(0),
        Print(&prompt),
        Print(typed),
        Clear(ClearType::UntilNewLine),
        MoveToColumn(cursor)
    )?;
    stdout().flush()
}

/// Draws a line that was entered, whole, and goes to the next.
pub(super) fn finish(prompt: &str, line: &str) -> io::Result<()> {
    let line: String = line.chars().filter(|letter| !letter.is_control()).collect();
    queue!(stdout(), MoveToColumn(0), Clear(ClearType::UntilNewLine), Print(prompt), Print(line))?;
    write("\r\n")
}

/// Writes the words that are offered below the line.
pub(super) fn offer(editor: &Editor) -> io::Result<()> {
    let Some(offer) = editor.offer() else { return Ok(()) };
    let rows = size().map_or(ROWS, |(_, rows)| usize::from(rows));
    let most = rows.saturating_sub(2).clamp(1, MOST_OFFERED);
    let lines = completion::lines(&offer.candidates, columns().saturating_sub(1), most);
    write(&format!("\r\n{}\r\n", lines.join("\r\n")))
}

/// Clears the screen.
pub(super) fn clear() -> io::Result<()> {
    queue!(stdout(), Clear(ClearType::All), MoveTo(0, 0))
}

/// Writes `text` as it is.
pub(super) fn write(text: &str) -> io::Result<()> {
    stdout().write_all(text.as_bytes())?;
    stdout().flush()
}

fn columns() -> usize {
    size().map_or(COLUMNS, |(columns, _)| usize::from(columns)).max(2)
}

/// The size of a terminal that does not tell it.
const COLUMNS: usize = 80;
const ROWS: usize = 24;

/// Lines of words that are offered.
const MOST_OFFERED: usize = 40;
