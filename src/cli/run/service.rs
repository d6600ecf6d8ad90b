//! `ntpscope run`: an engine without a screen, for a terminal as well as for a service manager.

use std::fs;
use std::future::{pending, poll_fn};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::task::{JoinError, JoinHandle, spawn_blocking};
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::backend::{TargetId, Update};
use crate::cli::engine::{RunArguments, Standing, Starts, Telling, state, status};
use crate::cli::exit::{Exit, printed};
use crate::cli::privileges::{self, Right};
use crate::cli::run::{families, permit, runtime};
use crate::cli::setup;
use crate::config::Rejected;
use crate::config::engine::EngineSetup;
use crate::config::ntp_conf::Directive;
use crate::net::clock::Clock;
use crate::net::discipline::Permit;
use crate::net::engine::{self, Notice, Running, StartFailed, drift};
use crate::net::mailbox::Mailbox;
use crate::net::notify::{State, Supervisor};
use crate::net::signals::{Hangup, Signals, Wanted};
use crate::net::{offer, programs};
use crate::units::Mono;

/// Runs an engine until it is told to end.
pub fn run(arguments: &RunArguments) -> Exit {
    let own = || offer::look(setup::found);
    let (mut setup, notices) = match arguments.measured.setup_beside(Starts::Service, own) {
        Ok(read) => read,
        Err(rejected) => {
            complain(&rejected);
            return Exit::Usage;
        }
    };
    for notice in notices {
        complain(&notice);
    }
    if let Some(address) = arguments.why {
        let sentences = engine::access(&setup, address).join("\n");
        return printed(writeln!(io::stdout(), "{sentences}"));
    }
    let permit = match setup.discipline.then(permit).transpose() {
        Ok(permit) => permit,
        Err(why) => {
            complain(&why);
            return Exit::Failed;
        }
    };
    // What root can read was read, and what it alone may write is written; no thread runs yet.
    let pid_file = pid_file(&setup).map(PidFile::write);
    let needed: &[Right] = match permit {
        Some(_) => &[Right::OpenPorts, Right::SetClock],
        None => &[Right::OpenPorts],
    };
    // Without those rights nobody sees in which network other daemons are.
    setup.beside_daemon = Some(!programs::running().is_empty());
    if let Err(failed) = privileges::give_up(arguments.user.as_ref(), needed) {
        complain(&failed);
        return Exit::Failed;
    }
    if let Some(path) = &setup.drift_file
        && let Err(error) = drift::check(path)
    {
        complain(&format!("{} cannot be written by whom this runs as: {error}", path.display()));
    }
    let ended = runtime().map(|runtime| {
        let ended = runtime.block_on(attend(arguments, setup, permit));
        // A resolver that hangs is not waited for. The engine goes here, and its clock is left at
        // its base frequency.
        runtime.shutdown_background();
        ended
    });
    drop(pid_file);
    let failed = match ended {
        Ok(Ok(outcome)) => return printed(outcome),
        Ok(Err(failed)) => failed,
        Err(error) => Ended::System(error),
    };
    match failed {
        Ended::NotStarted(failed) => complain(&failed),
        Ended::System(error) => complain(&format!("cannot run: {error}")),
        Ended::ByItself => complain(&"the engine ended by itself"),
    }
    Exit::Failed
}

/// Why an engine runs no more though nobody told it to end.
enum Ended {
    /// It could not be started.
    NotStarted(StartFailed),
    /// The system gave no runtime or no signals.
    System(io::Error),
    /// It never does.
    ByItself,
}

/// Starts an engine and tells what it has to say, until a signal ends it; the outcome is that of
/// the telling.
async fn attend(
    arguments: &RunArguments,
    setup: EngineSetup,
    permit: Option<Permit>,
) -> Result<io::Result<()>, Ended> {
    let clock = Clock::start();
    let hangup = match arguments.measured.sources_of {
        Some(_) => Hangup::Reload,
        None => Hangup::End,
    };
    // Before the engine starts: who ends it while it starts must not leave a clock half taken over.
    let signals = Signals::catch(permit.is_some(), hangup).map_err(Ended::System)?;
    let telling = Telling { json: arguments.json, numeric: arguments.look_ups.numeric };
    let supervisor = supervisor();
    let mailbox = Mailbox::default();
    let is_watched = telling.json || supervisor.is_some();
    let setup = engine::Setup {
        engine: setup,
        families: families(arguments.look_ups),
        clock,
        permit,
        told: is_watched.then(|| (TargetId::OWN, mailbox.clone())),
    };
    let steers = if setup.permit.is_some() { "this host's clock" } else { "a virtual clock" };
    let running = engine::start(setup).map_err(Ended::NotStarted)?;
    let heartbeat = supervisor.as_ref().and_then(Supervisor::heartbeat).map(|every| {
        let mut heartbeat = interval(every);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        heartbeat
    });
    let mut service = Service {
        arguments,
        clock,
        telling,
        running,
        signals,
        supervisor,
        is_unheard: false,
        heartbeat,
        mailbox,
        last: None,
        reading: None,
        reads_again: false,
    };
    service.tell_supervisor(State::Ready);
    let mut told = print(&service.program(&format!("started, steering {steers}")));
    while told.is_ok() {
        told = match service.next().await {
            Some(Turn::Line(line)) => print(&line),
            Some(Turn::Nothing) => Ok(()),
            Some(Turn::End) => break,
            None => return Err(Ended::ByItself),
        };
    }
    service.tell_supervisor(State::Stopping);
    Ok(told.and_then(|()| print(&service.program("ended"))))
}

/// An engine that runs, and those who are told of it.
struct Service<'a> {
    arguments: &'a RunArguments,
    clock: Clock,
    telling: Telling,
    running: Running,
    signals: Signals,
    supervisor: Option<Supervisor>,
    /// Whether it was told that the supervisor does not listen.
    is_unheard: bool,
    heartbeat: Option<Interval>,
    mailbox: Mailbox,
    /// How things stood when that was last told, and when.
    last: Option<(Standing, Mono)>,
    /// The configuration, as it is read anew.
    reading: Option<JoinHandle<Read>>,
    /// Whether that was asked for again meanwhile.
    reads_again: bool,
}

/// A configuration that was read, with what is left out of it.
type Read = Result<(EngineSetup, Vec<String>), Rejected>;

/// What came of waiting.
enum Turn {
    /// This is to be told.
    Line(String),
    /// Nothing that a person has to know.
    Nothing,
    /// The program is to end.
    End,
}

impl Service<'_> {
    /// Waits for the next thing to happen; `None` when the engine is gone.
    async fn next(&mut self) -> Option<Turn> {
        let turn = tokio::select! {
            wanted = self.signals.next() => match wanted {
                Wanted::End => Turn::End,
                Wanted::Stop => {
                    Turn::Line(self.program("not stopped: nobody would steer the clock"))
                }
                Wanted::Reload => self.read_anew(),
            },
            read = finished(&mut self.reading) => self.take_up(read),
            notice = self.running.notice() => self.told_by_engine(&notice?),
            () = beat(&mut self.heartbeat) => {
                self.tell_supervisor(State::Watchdog);
                Turn::Nothing
            }
            update = poll_fn(|context| self.mailbox.poll(context)) => self.seen(&update),
        };
        Some(turn)
    }

    /// Begins to read the configuration anew, on another thread, as a disk may hang.
    fn read_anew(&mut self) -> Turn {
        if self.reading.is_some() {
            // What is being read may be what stood there before.
            self.reads_again = true;
            return Turn::Nothing;
        }
        self.tell_supervisor(State::Reloading);
        let measured = self.arguments.measured.clone();
        self.reading = Some(spawn_blocking(move || measured.setup(Starts::Service)));
        Turn::Nothing
    }

    /// The configuration was read.
    fn take_up(&mut self, read: Result<Read, JoinError>) -> Turn {
        self.reading = None;
        if std::mem::take(&mut self.reads_again) {
            return self.read_anew();
        }
        let why = match read {
            Ok(Ok((setup, notices))) => {
                for notice in notices {
                    complain(&notice);
                }
                if self.running.reload(setup) {
                    // The engine says when it is done.
                    return Turn::Nothing;
                }
                "the engine is too busy".to_owned()
            }
            Ok(Err(rejected)) => rejected.to_string(),
            Err(error) => error.to_string(),
        };
        self.tell_supervisor(State::Ready);
        Turn::Line(self.program(&format!("not reloaded, all stays as it is: {why}")))
    }

    fn told_by_engine(&mut self, notice: &Notice) -> Turn {
        if matches!(notice, Notice::Reloaded(_)) {
            self.tell_supervisor(State::Ready);
        }
        Turn::Line(self.telling.happened(self.clock.now().clock, &notice.happened()))
    }

    /// Tells how things stand when that changed, and from time to time.
    fn seen(&mut self, update: &Update) -> Turn {
        let Update::Daemon { daemon, .. } = update else { return Turn::Nothing };
        let (now, standing) = (self.clock.now(), Standing::of(daemon));
        let is_news = self.last.as_ref().is_none_or(|(known, since)| {
            *known != standing || now.mono.since(*since) >= BETWEEN_STATES
        });
        if !is_news {
            return Turn::Nothing;
        }
        self.last = Some((standing, now.mono));
        self.tell_supervisor(State::Status(&status(daemon)));
        if self.telling.json { Turn::Line(state(daemon, now)) } else { Turn::Nothing }
    }

    /// The line of what happened to the program itself.
    fn program(&self, text: &str) -> String {
        self.telling.program(self.clock.now().clock, text)
    }

    /// Tells it. One that does not listen just now may do so when it is told the next time, and ends
    /// who is silent.
    fn tell_supervisor(&mut self, state: State<'_>) {
        let told = self.supervisor.as_ref().map_or(Ok(()), |supervisor| supervisor.tell(state));
        match told {
            Ok(()) => self.is_unheard = false,
            // The next one will be taken.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => {
                if !std::mem::replace(&mut self.is_unheard, true) {
                    complain(&format!("cannot tell the service manager: {error}"));
                }
            }
        }
    }
}

/// Whoever supervises this program, if somebody does.
fn supervisor() -> Option<Supervisor> {
    Supervisor::named(|name| std::env::var_os(name)).unwrap_or_else(|error| {
        complain(&format!("cannot tell the service manager: {error}"));
        None
    })
}

/// The result of a task, once there is one that has ended.
async fn finished<T>(task: &mut Option<JoinHandle<T>>) -> Result<T, JoinError> {
    match task {
        Some(task) => task.await,
        None => pending().await,
    }
}

async fn beat(heartbeat: &mut Option<Interval>) {
    match heartbeat {
        Some(heartbeat) => drop(heartbeat.tick().await),
        None => pending().await,
    }
}

/// The file that the configuration wants the process's number in.
fn pid_file(setup: &EngineSetup) -> Option<&Path> {
    setup.directives.iter().rev().find_map(|placed| match &placed.directive {
        Directive::PidFile(path) => Some(path.as_path()),
        _ => None,
    })
}

/// A file with the process's number, as long as the program runs.
struct PidFile(PathBuf);

impl PidFile {
    /// Writes it; where that cannot be, it is told, and is no reason not to keep time.
    fn write(path: &Path) -> Self {
        if let Err(error) = fs::write(path, format!("{}\n", std::process::id())) {
            complain(&format!("cannot write {}: {error}", path.display()));
        }
        Self(path.to_owned())
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        let own = fs::read_to_string(&self.0)
            .is_ok_and(|text| text.trim() == std::process::id().to_string());
        if own {
            // In a folder of root's it stays, and holds the number of a process that has ended.
            drop(fs::remove_file(&self.0));
        }
    }
}

/// Prints a line at once, for whoever follows.
fn print(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(line.as_bytes()).and_then(|()| out.flush())
}

/// Writes to stderr; there is nowhere to say that it cannot be.
fn complain(what: &dyn std::fmt::Display) {
    drop(writeln!(io::stderr(), "ntpscope: {what}"));
}

/// How old the state that was told last may become, when nothing much changes.
const BETWEEN_STATES: Duration = Duration::from_secs(16);
