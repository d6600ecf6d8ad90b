//! `ntpscope set` on the real network.

mod chronyd;

use std::io::{self, IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::time::Duration;

use tokio::task::{JoinHandle, spawn_blocking};

use crate::backend::change::Pending;
use crate::cli::exit::{Exit, printed};
use crate::cli::run::{families, runtime};
use crate::cli::set::{self, SetArguments, keys};
use crate::cli::{settings, setup};
use crate::config::Rejected;
use crate::config::change::{VERBS, Wish, find};
use crate::config::files::Files;
use crate::config::host::HostSpec;
use crate::config::keys::Entry;
use crate::config::ntp_conf::{Placed, include};
use crate::config::target::TargetSpec;
use crate::control::pipeline;
use crate::control::reconfigure::ntpd::{Ntpd, Settings};
use crate::control::reconfigure::way::Way;
use crate::control::reconfigure::{Input, Reconfigure};
use crate::control::timing::Timing;
use crate::model::Daemon;
use crate::model::change::{Course, Phase, Sent, TakenBack};
use crate::model::json::change as json;
use crate::net::book::{self, About, Book, Claim, Keeper};
use crate::net::clock::Clock;
use crate::net::left::{self, Whereabouts};
use crate::net::random;
use crate::net::reconfigure::{Change, Link};
use crate::net::resolver;
use crate::net::signals::{Hangup, Signals};
use crate::net::udp::Socket;
use crate::units::Mono;

/// Changes a daemon, or shows what would be changed.
pub fn run(arguments: &SetArguments) -> Exit {
    let book = Book::open();
    let left = arguments.left;
    if left.pending {
        return list(book.as_ref());
    }
    if let Some(number) = left.forget {
        return forget(book.as_ref(), number);
    }
    warn_of_pending(left.take_back);
    if let Some(host) = &arguments.host {
        warn_of_awaited(&host.to_string());
    }
    let asked = match wanted(arguments, book) {
        Ok(asked) => asked,
        Err(why) => {
            complain(&why);
            return Exit::Usage;
        }
    };
    let outcome = runtime().map(|runtime| {
        let outcome = runtime.block_on(change(arguments, asked));
        // Neither a resolver that hangs nor a line that nobody types is waited for.
        runtime.shutdown_background();
        outcome
    });
    match outcome {
        Ok(Ok(exit)) => exit,
        Ok(Err(Unmade(exit, why))) => {
            complain(&why);
            exit
        }
        Err(error) => {
            complain(&format!("cannot run: {error}"));
            Exit::Failed
        }
    }
}

/// What is wanted, by the kind of daemon.
enum Wanted {
    Ntpd(Asked),
    Chronyd(chronyd::Asked),
}

/// What is wanted, of whom, with which key.
struct Asked {
    book: Option<Book>,
    /// The pending change that is taken back by this.
    taken: Option<Claim>,
    host: HostSpec,
    /// Where it is, where that is known.
    address: Option<SocketAddr>,
    /// Whether it is sent, or only shown.
    is_armed: bool,
    wish: Wish,
    key: Option<Entry>,
    configured: Vec<Placed>,
}

/// Reads what the user wants, before anything is sent to anybody.
fn wanted(arguments: &SetArguments, book: Option<Book>) -> Result<Wanted, String> {
    if let Some(number) = arguments.left.take_back {
        let claim = book.as_ref().map_or(Ok(None), |book| book.claim(number))?;
        let claim = claim.ok_or_else(|| format!("there is no pending change {number}"))?;
        return match left::whereabouts(claim.pending())? {
            Whereabouts::Socket(path) => {
                chronyd::taken_back(book, claim, path).map(Wanted::Chronyd)
            }
            Whereabouts::Address(address) => {
                taken_back(arguments, book, claim, address).map(Wanted::Ntpd)
            }
        };
    }
    match chronyd::place(arguments) {
        Some(place) => chronyd::asked(arguments, book, place).map(Wanted::Chronyd),
        None => asked(arguments, book).map(Wanted::Ntpd),
    }
}

/// The same of a daemon that takes control messages.
fn asked(arguments: &SetArguments, book: Option<Book>) -> Result<Asked, String> {
    let host = arguments.host.as_ref().and_then(|target| target.control_messages());
    let host = host.ok_or(ONLY_CONTROL)?;
    let name = arguments.verb.as_deref().unwrap_or_default();
    let Some(verb) = find(name) else {
        let all: Vec<&str> = VERBS.iter().map(|verb| verb.name).collect();
        let name = name.escape_debug();
        return Err(format!("there is no verb `{name}`\nhint: there are {}", all.join(", ")));
    };
    let wish = verb.wish(&arguments.arguments).map_err(|(line, rejected)| {
        match rejected.position {
            // Where it stands in what was typed says nothing to somebody who typed other words.
            Some((_, column)) => {
                format!("column {column}: {}{}", rejected.reason, set::pointed(&line, column))
            }
            None => rejected.to_string(),
        }
    })?;
    let files = arguments.host.as_ref().map(|target| settings::files(&arguments.files, target));
    let files = files.transpose().map_err(|rejected| rejected.to_string())?.unwrap_or_default();
    let configured = files.config_of.as_ref().map(|file| include::follow(file, setup::found));
    let configured = configured.transpose().map_err(|rejected| rejected.to_string())?;
    // Whoever only looks is asked for no secret, unless the number was typed.
    let is_asked = files.keys.is_some() || arguments.files.key.is_some() || arguments.write;
    let key = is_asked.then(|| keys::chosen(&files, &arguments.key_type)).transpose();
    let key = key.map_err(|rejected| rejected.to_string())?.flatten();
    Ok(Asked {
        book,
        taken: None,
        host: host.clone(),
        address: None,
        is_armed: arguments.write,
        wish,
        key,
        configured: configured.map(|followed| followed.directives).unwrap_or_default(),
    })
}

/// The inverse of a change that was left behind, as a wish: for the daemon at the address that it was
/// made to, for a name may lead to another one by now.
fn taken_back(
    arguments: &SetArguments,
    book: Option<Book>,
    claim: Claim,
    address: SocketAddr,
) -> Result<Asked, String> {
    let Pending { host, key, inverse, .. } = claim.pending().clone();
    let target: TargetSpec = host.parse().map_err(|why: Rejected| why.to_string())?;
    let files = settings::files(&arguments.files, &target).map_err(|why| why.to_string())?;
    // The one that it was made with, unless another is named here.
    let files = Files { key: arguments.files.key.or(key).or(files.key), ..files };
    let host = target.control_messages().ok_or(ONLY_CONTROL)?.clone();
    let key = keys::chosen(&files, &arguments.key_type).map_err(|rejected| rejected.to_string())?;
    Ok(Asked {
        book,
        taken: Some(claim),
        host,
        address: Some(address),
        is_armed: true,
        wish: Wish::Exactly(inverse),
        key,
        configured: Vec::new(),
    })
}

/// Lists what was left behind.
fn list(book: Option<&Book>) -> Exit {
    let pending = book.map(Book::pending).unwrap_or_default();
    let text: String = pending.iter().map(ToString::to_string).collect();
    printed(io::stdout().write_all(text.as_bytes()))
}

/// Forgets what was left behind.
fn forget(book: Option<&Book>, number: u32) -> Exit {
    let forgotten = || {
        let claim = book.map_or(Ok(None), |book| book.claim(number))?;
        let Some((book, claim)) = book.zip(claim) else { return Ok(false) };
        let pending = claim.pending();
        let about = About {
            when: book::wall(&Clock::start()),
            host: pending.host.clone(),
            address: pending.address.map(|address| address.to_string()),
            version: None,
            key: pending.key,
        };
        let entered = book.enter_forgotten(&about, pending);
        entered.and_then(|()| claim.end()).map(|()| true).map_err(|error| error.to_string())
    };
    let forgotten: Result<bool, String> = forgotten();
    match forgotten {
        Ok(true) => Exit::Success,
        Ok(false) => {
            complain(&format!("there is no pending change {number}"));
            Exit::Usage
        }
        Err(why) => {
            complain(&format!("cannot forget change {number}: {why}"));
            Exit::Failed
        }
    }
}

/// Says on stderr which changes were left behind, but for the one that is being taken back.
pub fn warn_of_pending(but: Option<u32>) {
    let pending = Book::open().map(|book| book.pending()).unwrap_or_default();
    for left in pending.iter().filter(|left| !left.is_in_hand && Some(left.number) != but) {
        let Pending { number, host, written, .. } = left;
        complain(&format!(
            "a change of {} of {} was neither confirmed nor taken back\nhint: `ntpscope set \
             --pending` shows it, --take-back {number} takes it back, --forget {number} keeps it",
            host.escape_debug(),
            written.escape_debug()
        ));
    }
}

/// Says on stderr that somebody else changes this daemon at the moment: taking that back may take
/// away what is changed now.
fn warn_of_awaited(host: &str) {
    let pending = Book::open().map(|book| book.pending()).unwrap_or_default();
    for other in pending.iter().filter(|other| other.is_in_hand && other.host == host) {
        let lines: Vec<String> =
            other.inverse.iter().map(|line| line.escape_debug().to_string()).collect();
        complain(&format!(
            "another change of {} still waits for its confirmation; without one this will be sent: \
             {}",
            host.escape_debug(),
            lines.join("; ")
        ));
    }
}

/// Why a daemon was not even read: how the program ends, and why in a sentence.
struct Unmade(Exit, String);

impl Unmade {
    /// This machine did not do its part.
    fn failed(why: &impl ToString) -> Self {
        Self(Exit::Failed, why.to_string())
    }

    /// The daemon is not where it was said to be.
    fn absent(why: &impl ToString) -> Self {
        Self(Exit::NoAnswer, why.to_string())
    }
}

async fn change(arguments: &SetArguments, wanted: Wanted) -> Result<Exit, Unmade> {
    match wanted {
        Wanted::Ntpd(asked) => change_ntpd(arguments, asked).await,
        Wanted::Chronyd(asked) => chronyd::change(arguments, asked).await,
    }
}

async fn change_ntpd(arguments: &SetArguments, asked: Asked) -> Result<Exit, Unmade> {
    let clock = Clock::start();
    let mut signals = Signals::catch(false, Hangup::End).map_err(|why| Unmade::failed(&why))?;
    let address = match asked.address {
        Some(address) => address,
        None => locate(arguments, &asked.host).await?,
    };
    let socket = Socket::connect(address).map_err(|why| Unmade::failed(&why))?;
    let seed = seed()?;
    let timing = Timing::live().with_patience(arguments.timeout);
    let key = asked.key.map(|entry| entry.key);
    let settings = Settings {
        pipeline: pipeline::Settings { key, ..pipeline::Settings::new(timing, seed) },
        patience: arguments.timeout,
        configured: asked.configured,
        has: arguments.has.clone(),
        from: socket.local_address().as_ref().map(SocketAddr::ip),
    };
    let about = About {
        when: book::wall(&clock),
        host: asked.host.to_string(),
        address: Some(address.to_string()),
        version: None,
        key: settings.pipeline.key.as_ref().map(|key| key.id().get()),
    };
    let keeper = Keeper::new(asked.book, asked.taken, about, clock);
    let way = Ntpd::new(asked.wish, settings);
    let machine = Reconfigure::new(clock.now(), way, arguments.commit_confirm);
    let change = Change::new(machine, Link::Udp(socket), clock);
    let teller = Teller {
        arguments,
        is_armed: asked.is_armed,
        change,
        keeper,
        told: Told::default(),
        typed: None,
    };
    Ok(teller.walk(&clock, &mut signals).await)
}

/// Where the host is.
async fn locate(arguments: &SetArguments, host: &HostSpec) -> Result<SocketAddr, Unmade> {
    let found = resolver::addresses(host, families(arguments.look_ups)).await;
    let addresses = found.map_err(|why| Unmade::absent(&format!("cannot find {host}: {why}")))?;
    let address = addresses.first().copied();
    address.ok_or_else(|| Unmade::absent(&format!("{host} has no address")))
}

/// What numbers nobody foresees begin with.
fn seed() -> Result<[u8; 32], Unmade> {
    random::seed().map_err(|error| Unmade::failed(&format!("cannot draw a number: {error}")))
}

/// Tells the course of a change as it goes, and hands over what the user says to it.
struct Teller<'a, W: Way> {
    arguments: &'a SetArguments,
    is_armed: bool,
    change: Change<W>,
    keeper: Keeper,
    told: Told,
    /// The line that is awaited of the user.
    typed: Option<JoinHandle<io::Result<Option<String>>>>,
}

/// What was told of a course so far.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a part of the course")]
struct Told {
    preview: bool,
    sent: usize,
    outcome: bool,
    confirming: bool,
    taking_back: bool,
    sent_back: usize,
}

impl<W: Way> Teller<'_, W> {
    async fn walk(mut self, clock: &Clock, signals: &mut Signals) -> Exit {
        loop {
            self.tell();
            match self.change.course().phase {
                Phase::Preview if self.is_armed => {
                    if let Err(why) = self.keep() {
                        complain(&format!("nothing was sent: {why}"));
                        return Exit::Failed;
                    }
                    self.change.input(Input::Arm);
                    continue;
                }
                Phase::Ended | Phase::Preview => break,
                _ => {}
            }
            let ticks = matches!(self.change.course().phase, Phase::Confirming(_));
            tokio::select! {
                () = self.change.news() => {}
                line = typed(&mut self.typed) => self.take_line(&line),
                _ = signals.end() => self.change.input(Input::TakeBack),
                () = tick(ticks && io::stderr().is_terminal()) => self.count_down(clock.now().mono),
            }
        }
        self.conclude()
    }

    /// Writes down what is about to be sent.
    fn keep(&mut self) -> Result<(), String> {
        let identity = self.change.machine().way().daemon().identity.as_ref();
        let version = identity.map(|identity| identity.version.to_string());
        let within = self.arguments.commit_confirm;
        self.keeper
            .begin(version, self.change.course(), within)
            .map_err(|error| format!("what is about to be sent cannot be written down: {error}"))
    }

    /// Tells what is new.
    fn tell(&mut self) {
        let course = self.change.course().clone();
        if matches!(course.phase, Phase::Confirming(_)) && !self.told.confirming {
            self.typed = Some(spawn_blocking(line));
        }
        if !self.arguments.json {
            let daemon = self.change.machine().way().daemon();
            say(&self.told.news(&course, daemon, self.arguments, self.is_armed));
        }
        self.told.take(&course);
    }

    fn take_line(&mut self, typed: &io::Result<Option<String>>) {
        match typed.as_ref().map(|line| line.as_deref().map(str::trim)) {
            Ok(Some("yes")) => self.change.input(Input::Confirm),
            Ok(Some("no")) => self.change.input(Input::TakeBack),
            // Of an input that has ended nothing more comes, but for a terminal's.
            Ok(None) if !io::stdin().is_terminal() => {}
            Err(_) => {}
            // Whoever only pressed Enter still wants to be heard.
            Ok(_) => {
                if !self.arguments.json {
                    say("type yes to keep it, no to take it back\n");
                }
                self.typed = Some(spawn_blocking(line));
            }
        }
    }

    fn count_down(&self, now: Mono) {
        if let Some(left) = self.change.course().left(now) {
            let seconds = left.as_secs_f64().ceil();
            drop(write!(io::stderr(), "\r{seconds:>4} s left to type yes: "));
            drop(io::stderr().flush());
        }
    }

    fn conclude(self) -> Exit {
        let course = self.change.course();
        let mut exit = set::exit(course);
        let kept = if self.is_armed { self.keeper.end(course) } else { Ok(()) };
        if let Err(error) = kept {
            complain(&format!("what became of it cannot be written down: {error}"));
            exit = exit.max(Exit::Failed);
        }
        if let Some(trouble) = &course.trouble {
            complain(&trouble.to_string());
            if let Some(hint) = set::hint(trouble) {
                drop(writeln!(io::stderr(), "hint: {hint}"));
            }
        }
        if self.arguments.json {
            let mut object = json::course(course);
            let host = self.arguments.host.as_ref().map(ToString::to_string);
            object.insert("host".to_owned(), host.into());
            let text = serde_json::Value::Object(object).to_string() + "\n";
            return printed(io::stdout().write_all(text.as_bytes())).max(exit);
        }
        exit
    }
}

impl Told {
    /// What there is to tell of `course` that was not told yet.
    fn news(
        &self,
        course: &Course,
        daemon: &Daemon,
        arguments: &SetArguments,
        is_armed: bool,
    ) -> String {
        let mut text = String::new();
        if let (Some(preview), false) = (&course.preview, self.preview) {
            text.push_str(&set::preview(preview, daemon));
            if !is_armed {
                text.push_str("nothing was sent that changes anything; with --write it is\n");
            }
        }
        for sent in answered(&course.sent).skip(self.sent) {
            text.push_str(&set::sent(sent));
        }
        if let (Some(outcome), false) = (&course.outcome, self.outcome) {
            text.push_str(&set::outcome(outcome));
        }
        if let (Phase::Confirming(_), false) = (course.phase, self.confirming) {
            let confirm = arguments.commit_confirm.map(humantime::format_duration);
            let confirm = confirm.map(|confirm| confirm.to_string()).unwrap_or_default();
            text.extend(["type yes within ", &confirm, " to keep it\n"]);
        }
        if course.is_confirmed {
            text.push_str("confirmed: it stays\n");
        }
        if let Some(back) = &course.back {
            if !self.taking_back {
                text.extend([set::why(back.why), "\n"]);
            }
            for sent in answered(&back.sent).skip(self.sent_back) {
                text.push_str(&set::sent(sent));
            }
            if course.phase == Phase::Ended {
                text.push_str(&set::back(back));
            }
        }
        text
    }

    /// That all of `course` was told.
    fn take(&mut self, course: &Course) {
        self.preview = course.preview.is_some();
        self.sent = answered(&course.sent).count();
        self.outcome = course.outcome.is_some();
        self.confirming |= matches!(course.phase, Phase::Confirming(_));
        self.taking_back = course.back.is_some();
        let back = course.back.as_ref().map_or(&[][..], |TakenBack { sent, .. }| sent);
        self.sent_back = answered(back).count();
    }
}

/// The lines that were answered, or of which it is known that they were not.
fn answered(sent: &[Sent]) -> impl Iterator<Item = &Sent> {
    sent.iter().filter(|sent| sent.answer.is_some())
}

/// The line that is awaited; for ever where none is.
async fn typed(
    line: &mut Option<JoinHandle<io::Result<Option<String>>>>,
) -> io::Result<Option<String>> {
    match line {
        Some(awaited) => {
            let typed = awaited.await;
            *line = None;
            typed.map_err(io::Error::other)?
        }
        None => std::future::pending().await,
    }
}

/// The next line of the input; `None` at its end.
fn line() -> io::Result<Option<String>> {
    let mut line = String::new();
    let length = io::stdin().read_line(&mut line)?;
    Ok((length > 0).then_some(line))
}

/// Waits for a second; for ever where nothing is counted.
async fn tick(counts: bool) {
    if counts {
        tokio::time::sleep(Duration::from_secs(1)).await;
    } else {
        std::future::pending::<()>().await;
    }
}

const ONLY_CONTROL: &str = "only daemons that speak control messages (mode 6) can be changed";

/// Writes to stdout; who reads no more loses nothing that matters to the daemon.
fn say(text: &str) {
    let mut out = io::stdout().lock();
    drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
}

/// Writes to stderr; there is nowhere to say that it cannot be.
fn complain(text: &str) {
    drop(writeln!(io::stderr(), "ntpscope: {text}"));
}
