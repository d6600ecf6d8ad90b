//! Whoever gives commands: asked for lines, and heard when he interrupts.
//!
//! At a terminal that can do it a line is edited, with history and completion; the terminal is in raw
//! mode only for as long, and is given back on every way out: when the line is done, before a panic is
//! told, before a signal ends the program. From a pipe, a file or a terminal that can do little, lines
//! are read as they come.

mod terminal;

use std::io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::spawn_blocking;
use zeroize::Zeroizing;

use crate::line::{Editor, Hidden, History, Key, Language, NoLanguage, Secret, Typed};
use crate::net::signals::{Hangup, Signals, end_by};
use crate::ntpq::Stream;
use terminal::{Pressed, Terminal};

/// Whoever gives commands.
pub(super) struct User {
    /// Whether there is a terminal to ask and to answer on.
    is_terminal: bool,
    /// Whether lines can be edited there.
    edits: bool,
    history: History,
    /// A line that waits for the associations to be known.
    begun: Option<Editor>,
    caught: Option<Caught>,
    terminal: Terminal,
}

/// Signals that are caught, once they are for good: then it is on us to follow them.
struct Caught {
    interrupt: Signal,
    /// Those that end the program; where lines are edited only.
    ends: Option<Signals>,
}

/// What the user says.
pub(super) enum Said<T> {
    /// This.
    Line(T),
    /// Nothing more: the input is at its end.
    End,
    /// That he wants no more of what is at work.
    Interrupted,
    /// That he wants to know which associations there are.
    WhichAssociations,
}

impl User {
    pub(super) fn new() -> Self {
        let is_terminal = io::stdin().is_terminal() && io::stderr().is_terminal();
        let term = std::env::var("TERM").unwrap_or_default();
        let can = !matches!(term.as_str(), "" | "dumb");
        Self {
            is_terminal,
            edits: is_terminal && io::stdout().is_terminal() && can,
            history: History::default(),
            begun: None,
            caught: None,
            terminal: Terminal::default(),
        }
    }

    /// Whether there is a terminal to ask and to answer on.
    pub(super) const fn is_at_terminal(&self) -> bool {
        self.is_terminal
    }

    /// Whether lines are edited: then nothing but what is typed ends them.
    pub(super) const fn edits(&self) -> bool {
        self.edits
    }

    /// The next command. Where lines cannot be edited `prompt` is written to `stream` at a terminal.
    pub(super) async fn command(
        &mut self,
        prompt: &str,
        stream: Stream,
        language: &dyn Language,
    ) -> io::Result<Said<String>> {
        if self.edits {
            return self.edit(prompt, language).await;
        }
        let mut typed = spawn_blocking(next_line);
        loop {
            if self.is_terminal {
                match stream {
                    Stream::Error => io::stderr().write_all(prompt.as_bytes())?,
                    _ => io::stdout().write_all(prompt.as_bytes())?,
                }
                io::stdout().flush()?;
                self.catch_interrupt()?;
            }
            tokio::select! {
                line = &mut typed => {
                    let line = line.map_err(io::Error::other)??;
                    return Ok(line.map_or(Said::End, |line| Said::Line(line.as_str().to_owned())));
                }
                () = interrupted(&mut self.caught) => {
                    if !self.is_terminal {
                        return Ok(Said::End);
                    }
                    // The terminal has thrown away what stood on the line; the reading goes on.
                    io::stdout().write_all(b"\n")?;
                }
            }
        }
    }

    /// A line beside commands: what a command wants to know. A secret is not shown where there is a
    /// terminal.
    pub(super) async fn line(&mut self, prompt: &str, hidden: bool) -> io::Result<Said<Secret>> {
        if self.edits && hidden {
            return self.hide(prompt).await;
        }
        if self.edits {
            // What is typed here is no command, and the history is one of commands.
            let history = std::mem::take(&mut self.history);
            let said = self.edit(prompt, &NoLanguage).await;
            self.history = history;
            return Ok(match said? {
                Said::Line(line) => Said::Line(line.into()),
                Said::End => {
                    terminal::write("\n")?;
                    Said::End
                }
                Said::Interrupted | Said::WhichAssociations => Said::Interrupted,
            });
        }
        let prompt = prompt.to_owned();
        let mut reading = spawn_blocking(move || read_line(&prompt, hidden));
        let mut was_interrupted = false;
        let line = loop {
            tokio::select! {
                line = &mut reading => break line.map_err(io::Error::other)??,
                // Who reads cannot be stopped, and would take the next line.
                () = interrupted(&mut self.caught) => was_interrupted = true,
            }
        };
        Ok(match line {
            _ if was_interrupted => Said::Interrupted,
            Some(line) => Said::Line(line),
            None => Said::End,
        })
    }

    /// Waits for `work` unless the user interrupts it: `None` then.
    pub(super) async fn unless_interrupted<T>(
        &mut self,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        let Some(Caught { interrupt, ends }) = &mut self.caught else { return Some(work.await) };
        let end = async {
            match ends {
                Some(ends) => ends.end().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            kind = end => {
                end_by(kind);
                None
            }
            _ = interrupt.recv() => None,
            done = work => Some(done),
        }
    }

    /// From now on an interrupt ends what is at work and not the program.
    pub(super) fn catch_interrupt(&mut self) -> io::Result<()> {
        if self.caught.is_none() {
            let interrupt = signal(SignalKind::interrupt())?;
            self.caught = Some(Caught { interrupt, ends: None });
        }
        Ok(())
    }

    /// Has the user edit a line. An interrupt throws it away.
    async fn edit(&mut self, prompt: &str, language: &dyn Language) -> io::Result<Said<String>> {
        self.catch_ends()?;
        let _taken = self.terminal.take()?;
        let (mut editor, mut waits) = match self.begun.take() {
            Some(begun) => (begun, true),
            None => (Editor::default(), false),
        };
        loop {
            terminal::draw(prompt, &editor)?;
            let key = if std::mem::take(&mut waits) {
                Key::Complete
            } else {
                match self.press().await? {
                    Pressed::Key(key) => key,
                    Pressed::Resized => continue,
                    Pressed::End => return Ok(Said::End),
                }
            };
            match editor.handle(key, &mut self.history, language) {
                Typed::Entered(line) => {
                    terminal::finish(prompt, &line)?;
                    return Ok(Said::Line(line));
                }
                Typed::Cancelled => terminal::write("^C\r\n")?,
                Typed::Ended => return Ok(Said::End),
                Typed::Offered => terminal::offer(&editor)?,
                Typed::WantsAssociations => {
                    self.begun = Some(editor);
                    return Ok(Said::WhichAssociations);
                }
                Typed::Redraw => terminal::clear()?,
                Typed::Suspend => terminal::suspend()?,
                Typed::Nothing | Typed::Edited | Typed::Left => {}
            }
        }
    }

    /// Has the user type a secret.
    async fn hide(&mut self, prompt: &str) -> io::Result<Said<Secret>> {
        self.catch_ends()?;
        let _taken = self.terminal.take()?;
        let mut hidden = Hidden::default();
        terminal::write(prompt)?;
        loop {
            let key = match self.press().await? {
                Pressed::Key(key) => key,
                Pressed::Resized => continue,
                Pressed::End => return Ok(Said::End),
            };
            match hidden.handle(key) {
                Typed::Entered(_) => {
                    terminal::write("\r\n")?;
                    return Ok(Said::Line(hidden.take()));
                }
                Typed::Cancelled => {
                    terminal::write("\r\n")?;
                    return Ok(Said::Interrupted);
                }
                Typed::Ended => {
                    terminal::write("\r\n")?;
                    return Ok(Said::End);
                }
                Typed::Suspend => {
                    terminal::suspend()?;
                    terminal::write(prompt)?;
                }
                _ => {}
            }
        }
    }

    /// The next key; a signal that ends the program does so, after the terminal was given back.
    async fn press(&mut self) -> io::Result<Pressed> {
        let Some(Caught { interrupt, ends: Some(ends) }) = &mut self.caught else {
            return self.terminal.press().await;
        };
        tokio::select! {
            biased;
            kind = ends.end() => {
                terminal::give_back();
                end_by(kind);
                Ok(Pressed::End)
            }
            _ = interrupt.recv() => Ok(Pressed::Key(Key::Cancel)),
            pressed = self.terminal.press() => pressed,
        }
    }

    /// From now on the signals that end the program are ours to follow, too: the terminal has to be
    /// given back first.
    fn catch_ends(&mut self) -> io::Result<()> {
        self.catch_interrupt()?;
        if let Some(Caught { ends: ends @ None, .. }) = &mut self.caught {
            *ends = Some(Signals::catch(false, Hangup::End)?.but_interrupt());
        }
        Ok(())
    }
}

/// Waits until the program is interrupted; for ever where that is not caught.
async fn interrupted(caught: &mut Option<Caught>) {
    match caught {
        Some(caught) => drop(caught.interrupt.recv().await),
        None => std::future::pending().await,
    }
}

/// Reads a line from the user: a secret from the terminal without echo where there is one.
fn read_line(prompt: &str, hidden: bool) -> io::Result<Option<Secret>> {
    if hidden && let Ok(secret) = rpassword::prompt_password(prompt) {
        return Ok(Some(secret.into()));
    }
    io::stderr().write_all(prompt.as_bytes())?;
    next_line()
}

/// The next line of the input; `None` at its end. Bytes that are no text become signs that say so.
fn next_line() -> io::Result<Option<Secret>> {
    let mut line = Zeroizing::new(Vec::new());
    let read = io::stdin().lock().take(MOST_TYPED).read_until(b'\n', &mut line)?;
    Ok((read > 0).then(|| Secret::from_bytes(&line).without_line_end()))
}

/// Bytes of a line that are read at once: more than any command has.
const MOST_TYPED: u64 = 1 << 16;
