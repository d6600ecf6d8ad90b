//! The loop: terminal, signals, backend and clock on one side, state on the other.
//!
//! The only file of the screens that is not pure. Whatever ends the program, the terminal is
//! given back: by the guard on every way out of here, by the panic hook before a panic is told.
//! Nothing is ever asked of the terminal, so one that does not answer cannot hold anything up.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use crossterm::event::{Event as TerminalEvent, EventStream, KeyEventKind};
use futures_util::Stream;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::timeout;

use crate::backend::Backend;
use crate::net::signals::{self, Hangup, Wanted};
use crate::tui::app::{App, Options};
use crate::tui::event::{Effect, Event};
use crate::tui::palette::Depth;
use crate::tui::run::pace::{Cause, Pace};
use crate::tui::run::screen::Screen;
use crate::tui::update::{next_wakeup, start, update};
use crate::units::Now;

mod pace;
mod screen;

/// Shows the screens until the user or a signal ends them.
///
/// `clock` is read whenever something happens; its monotonic part, as [`Backend::time`] has it,
/// must be the one that the backend dates its answers with. Runs on the current thread of a tokio runtime with time and
/// I/O enabled. A panic hook that is in place at the call (color-eyre's) is kept behind ours.
///
/// Returns why nothing can be watched at all, where that shows at the start: then nobody wants a
/// screen that says so.
///
/// # Errors
/// When the terminal cannot be set up, read or written; it is given back before.
pub async fn run(
    backend: impl Backend,
    options: Options,
    mut clock: impl FnMut() -> Now,
) -> color_eyre::Result<Option<String>> {
    crossterm::style::force_color_output(options.capabilities.depth != Depth::Mono);
    let mut screen = Screen::open()?;
    let app = App::new(options, screen.size()?, backend.time(clock()));
    let signals = Signals::new(app.fixed.stays)?;
    let mut program = Program { app, backend, input: EventStream::new(), signals, given_up: None };
    let effects = start(&mut program.app);
    let mut running = program.carry_out(effects, &mut screen)?;
    let mut pace = Pace::default();
    // What has changed since the last drawing, if anything.
    let mut changed = Some(Cause::World);
    while running {
        // Drawing keeps to real time, whatever the time of the world.
        let now = clock();
        let time = program.backend.time(now);
        let draw_at = changed.map(|cause| pace.next(cause, now.mono));
        if let (Some(cause), Some(at)) = (changed, draw_at)
            && at <= now.mono
        {
            program.app.now = time;
            screen.draw(&program.app)?;
            pace.drawn(cause, now.mono);
            changed = None;
            continue;
        }
        let draw_in = draw_at.map(|at| at.since(now.mono));
        let count_in = next_wakeup(&program.app).map(|at| at.since(time.mono));
        let mut next = program.wait([draw_in, count_in].into_iter().flatten().min()).await?;
        // All that is there is taken in before anything is drawn, within reason.
        for _ in 0..MOST_AT_ONCE {
            let (event, cause) = match next {
                Happened::End => return Ok(None),
                Happened::Continued => {
                    screen.reopen()?;
                    (Event::Tick, Cause::User)
                }
                Happened::Nothing => (Event::Tick, Cause::World),
                Happened::Event(event) => {
                    let is_world = matches!(event, Event::Backend(_));
                    (event, if is_world { Cause::World } else { Cause::User })
                }
            };
            let time = program.backend.time(clock());
            let effects = update(&mut program.app, time, event);
            running = program.carry_out(effects, &mut screen)?;
            // Keys come first, so with news at hand there are no more of them.
            let is_answer_due = changed == Some(Cause::User) && cause == Cause::World;
            changed = changed.max(Some(cause));
            if is_answer_due {
                break;
            }
            match program.ready().await? {
                Some(more) if running => next = more,
                _ => break,
            }
        }
    }
    Ok(program.given_up)
}

/// What the loop waits for.
enum Happened {
    /// An event for the state.
    Event(Event),
    /// The shell let us go on after a stop.
    Continued,
    /// A signal, or the terminal's going away, ends the program.
    End,
    /// The time to wait has passed.
    Nothing,
}

/// All that the loop owns but the terminal.
struct Program<B> {
    app: App,
    backend: B,
    input: EventStream,
    signals: Signals,
    /// Why there is nothing to watch.
    given_up: Option<String>,
}

impl<B: Backend> Program<B> {
    /// Waits for the next thing, at most for `most`.
    async fn wait(&mut self, most: Option<Duration>) -> io::Result<Happened> {
        let next = poll_fn(|context| self.poll(context));
        match most {
            None => next.await,
            Some(most) => timeout(most, next).await.unwrap_or(Ok(Happened::Nothing)),
        }
    }

    /// The next thing if it is there already.
    async fn ready(&mut self) -> io::Result<Option<Happened>> {
        poll_fn(|context| match self.poll(context) {
            Poll::Ready(happened) => Poll::Ready(happened.map(Some)),
            Poll::Pending => Poll::Ready(Ok(None)),
        })
        .await
    }

    /// Signals first, then keys: whatever the network does, these are answered.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Happened>> {
        if let Poll::Ready(happened) = self.signals.poll(context) {
            return Poll::Ready(Ok(happened));
        }
        while let Poll::Ready(input) = Pin::new(&mut self.input).poll_next(context) {
            let Some(input) = input.transpose()? else { return Poll::Ready(Ok(Happened::End)) };
            let event = match input {
                TerminalEvent::Key(key) if key.kind != KeyEventKind::Release => Event::Key(key),
                TerminalEvent::Resize(columns, rows) => Event::Resize(columns, rows),
                TerminalEvent::Paste(text) => Event::Paste(text),
                _ => continue,
            };
            return Poll::Ready(Ok(Happened::Event(event)));
        }
        self.backend.poll_update(context).map(|update| Ok(Happened::Event(Event::Backend(update))))
    }

    /// Does what `update` wants done; `false` when that is to end.
    fn carry_out(&mut self, effects: Vec<Effect>, screen: &mut Screen) -> io::Result<bool> {
        for effect in effects {
            match effect {
                Effect::Request(request) => self.backend.request(request),
                Effect::Suspend => screen.suspend()?,
                Effect::Redraw => screen.redraw()?,
                Effect::GiveUp(why) => {
                    self.given_up = Some(why);
                    return Ok(false);
                }
                Effect::Panic => panic_on_purpose(),
                Effect::Quit => return Ok(false),
            }
        }
        Ok(true)
    }
}

/// Whoever asks for it wants to see how the program ends in an error.
#[expect(clippy::panic, reason = "asked for by name at the prompt")]
fn panic_on_purpose() {
    panic!("this is a panic on purpose: the terminal should be as it was before");
}

/// The signals that are listened to.
///
/// SIGTSTP is not, unless a clock is steered: its default action is what Ctrl-Z wants, and where no
/// shell could continue us the kernel ignores it, which an imitation would not.
struct Signals {
    caught: signals::Signals,
    continued: Signal,
}

impl Signals {
    fn new(is_steering: bool) -> io::Result<Self> {
        Ok(Self {
            caught: signals::Signals::catch(is_steering, Hangup::End)?,
            continued: signal(SignalKind::from_raw(signal_hook::consts::SIGCONT))?,
        })
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Happened> {
        match self.caught.poll(context) {
            // A screen has nothing to read anew: its terminal hung up.
            Poll::Ready(Wanted::End | Wanted::Reload) => Poll::Ready(Happened::End),
            Poll::Ready(Wanted::Stop) => Poll::Ready(Happened::Event(Event::Stop)),
            Poll::Pending => self.continued.poll_recv(context).map(|_| Happened::Continued),
        }
    }
}

/// Events taken in before drawing: more may be waiting when a world floods us, and a screen that
/// never shows them would look frozen.
const MOST_AT_ONCE: usize = 64;
