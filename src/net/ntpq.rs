//! Finds out what the machines of ntpq and ntpdc need: answers of daemons, names, lines of input.

use std::fs::File;
use std::io::{self, Read as _, Write};
use std::time::Duration;

use tokio::task::{JoinSet, yield_now};

use crate::config::Rejected;
use crate::config::host::HostSpec;
use crate::control::pipeline::Settings;
use crate::control::timing::Timing;
use crate::line::Secret;
use crate::model::{Failure, Question};
use crate::net::client::Client;
use crate::net::clock::Clock;
use crate::net::private;
use crate::net::progress::Progress;
use crate::net::random;
use crate::net::resolver::{self, Families};
use crate::net::user::{Said, User};
use crate::ntpq::address::NetAddress;
use crate::ntpq::job::Prompt;
use crate::ntpq::{Answer, Family, Flight, HostName, Located, Machine, Need, NotOpened, Opened};
use crate::ntpq::{Output, Stream};

/// Drives a batch to its end, writing what it prints, and returns its exit status.
///
/// # Errors
/// What is printed cannot be written, or the system has no randomness to give.
pub async fn run(batch: &mut impl Machine, clock: Clock) -> io::Result<u8> {
    let mut driver = Driver { tells: true, ..Driver::new(clock) };
    let mut user = User::new();
    batch.start(driver.wall());
    loop {
        match batch.poll_output() {
            None => return Ok(0),
            Some(Output::End(status)) => {
                io::stdout().flush()?;
                return Ok(status);
            }
            Some(Output::Text(stream, text)) => driver.write(stream, &text)?,
            Some(Output::Need(need)) => {
                io::stdout().flush()?;
                let prompt = batch.prompt().filter(|_| is_for_command(&need, &user));
                let answer = match prompt {
                    Some(prompt) => {
                        let Prompt { text, stream, language, ends_line } = prompt;
                        let said = user.command(text, stream, &*language).await?;
                        if user.edits() && !ends_line && matches!(said, Said::End) {
                            writeln!(io::stdout())?;
                        }
                        command(said, user.is_at_terminal())
                    }
                    None => find_out(&mut driver, &mut user, need).await?,
                };
                match answer {
                    Some(answer) => batch.handle(driver.wall(), answer),
                    None => batch.interrupt(),
                }
            }
        }
    }
}

/// Whether a command is typed, rather than read as any line.
const fn is_for_command(need: &Need, user: &User) -> bool {
    matches!(need, Need::Command) || user.is_at_terminal()
}

/// What is said where a command is awaited; `None` when he interrupts.
fn command(said: Said<String>, is_terminal: bool) -> Option<Answer> {
    let answer = |line: Option<String>| {
        if is_terminal { Answer::Typed(line) } else { Answer::Line(line.map(Secret::from)) }
    };
    match said {
        Said::Line(line) => Some(answer(Some(line))),
        Said::End => Some(answer(None)),
        Said::WhichAssociations => Some(Answer::WhichAssociations),
        Said::Interrupted => None,
    }
}

/// Finds out what is needed, of the user or of the world; `None` when he interrupts it.
async fn find_out(driver: &mut Driver, user: &mut User, need: Need) -> io::Result<Option<Answer>> {
    if let Need::Line { prompt, hidden } = need {
        return Ok(match user.line(&prompt, hidden).await? {
            Said::Line(line) => Some(Answer::Line(Some(line))),
            Said::End => Some(Answer::Line(None)),
            Said::Interrupted | Said::WhichAssociations => None,
        });
    }
    // Of a list there is use in what has come so far.
    let is_piece = matches!(need, Need::Piece { .. });
    if is_piece {
        user.catch_interrupt()?;
    }
    match user.unless_interrupted(driver.find_out(need)).await {
        None if is_piece => Ok(Some(Answer::Interrupted)),
        None => Ok(None),
        Some(answer) => answer.map(Some),
    }
}

/// What finds things out, with what it keeps open.
pub(super) struct Driver {
    clock: Clock,
    client: Option<Client>,
    file: Option<File>,
    /// Whether it tells a terminal how far it is.
    tells: bool,
}

impl Driver {
    pub(super) const fn new(clock: Clock) -> Self {
        Self { clock, client: None, file: None, tells: false }
    }

    /// Seconds since 1970, by the wall clock.
    pub(super) fn wall(&self) -> i64 {
        // Good for 68 years to either side of 2026; the wrapped stamp says which second it is.
        self.clock.now().clock.to_unix(NEAR).0
    }

    pub(super) fn write(&mut self, stream: Stream, text: &str) -> io::Result<()> {
        match (stream, &mut self.file) {
            (Stream::Out, _) => io::stdout().write_all(text.as_bytes()),
            (Stream::Error, _) => {
                io::stdout().flush()?;
                io::stderr().write_all(text.as_bytes())
            }
            (Stream::File, Some(file)) => file.write_all(text.as_bytes()),
            (Stream::File, None) => Ok(()),
        }
    }

    /// Finds out what is needed of the world; of the user there is nothing to be had here.
    pub(super) async fn find_out(&mut self, need: Need) -> io::Result<Answer> {
        Ok(match need {
            Need::Open { host, family } => Answer::Opened(self.open(&host, family).await),
            Need::Ask(flight) => Answer::Replies(self.ask(flight).await?),
            Need::Piece { question, wait, dialect } => {
                if let (Some(client), Some(dialect)) = (&mut self.client, dialect) {
                    client.set_dialect(dialect);
                }
                self.ask_piece(question, wait).await
            }
            Need::AskPrivately(question) => {
                let address = self.client.as_ref().map(Client::address);
                Answer::Private(private::ask(address, &question, self.clock).await)
            }
            Need::Write => {
                // What has come of signals and of the network meanwhile is seen to.
                yield_now().await;
                Answer::Written
            }
            Need::Names(addresses) => Answer::Names(names(addresses).await),
            Need::Locate(hosts) => Answer::Located(locate(hosts).await),
            Need::Redirect(file) => Answer::Redirected(match File::create(&file) {
                Ok(opened) => {
                    self.file = Some(opened);
                    Ok(())
                }
                Err(error) => Err(said(&error)),
            }),
            Need::Read(file) => Answer::Read(read(&file).map_err(|error| said(&error))),
            Need::Command | Need::Line { .. } => Answer::Line(None),
        })
    }

    async fn open(&mut self, host: &str, family: Family) -> Result<Opened, NotOpened> {
        let spec: HostSpec = host.parse().map_err(|rejected: Rejected| {
            // ntpq has no such targets, so it has no text for them either.
            let why = if host.contains("://") { rejected.reason } else { UNKNOWN.to_owned() };
            NotOpened::Unresolved(why)
        })?;
        let families = match family {
            Family::Any => Families::Any,
            Family::V4 => Families::V4,
            Family::V6 => Families::V6,
        };
        let found = resolver::locate(&spec, families).await.map_err(NotOpened::Unresolved)?;
        let Some(address) = found.addresses.first() else {
            return Err(NotOpened::Unresolved(UNKNOWN.into()));
        };
        self.client = None;
        let client = Client::connect(*address, self.clock)
            .map_err(|failed| NotOpened::NoWay(said(&failed.source)))?;
        self.client = Some(client);
        Ok(match found.canonical {
            Some(name) => Opened { name, numeric: false },
            None => Opened { name: spec.host().to_owned(), numeric: true },
        })
    }

    async fn ask(
        &mut self,
        flight: Flight,
    ) -> io::Result<Vec<Result<crate::model::Reply, Failure>>> {
        let Some(client) = &mut self.client else {
            let nobody = || Err(Failure::Withdrawn);
            return Ok(flight.questions.iter().map(|_| nobody()).collect());
        };
        let timing = Timing::ntpq().with_patience(flight.timeout);
        let settings = Settings {
            version: flight.version,
            key: flight.key,
            ..Settings::new(timing, random::seed()?)
        };
        let all = flight.questions.len();
        let mut progress = self.tells.then(|| Progress::at_terminal(self.clock, all)).flatten();
        let told = |done| {
            if let Some(progress) = &mut progress {
                progress.tell(done);
            }
        };
        Ok(client.ask_and_tell(settings, flight.questions, told).await)
    }

    /// Asks for a piece of a list.
    async fn ask_piece(&mut self, question: Question, wait: Duration) -> Answer {
        let (result, part) = match &mut self.client {
            Some(client) => client.ask_once(question, wait).await,
            None => (Err(Failure::Withdrawn), None),
        };
        Answer::Piece { result, part, at: self.clock.now().mono }
    }
}

/// The names of `addresses`, looked up side by side.
async fn names(addresses: Vec<NetAddress>) -> Vec<HostName> {
    let mut tasks = JoinSet::new();
    let mut names = vec![HostName::None; addresses.len()];
    for (place, address) in addresses.into_iter().enumerate() {
        tasks.spawn(async move { (place, name(address).await) });
    }
    while let Some(Ok((place, name))) = tasks.join_next().await {
        if let Some(slot) = names.get_mut(place) {
            *slot = name;
        }
    }
    names
}

/// The name of an address, and whether that name has the address: a name that anybody may claim
/// is not to be believed unseen.
async fn name(address: NetAddress) -> HostName {
    let Some(name) = resolver::name(address.ip).await else { return HostName::None };
    let forward = HostSpec::new(&*name);
    let addresses = resolver::addresses(&forward, Families::Any).await.unwrap_or_default();
    if addresses.iter().any(|found| found.ip() == address.ip) {
        HostName::Confirmed(name.to_string())
    } else {
        HostName::Unconfirmed(name.to_string())
    }
}

async fn locate(hosts: Vec<String>) -> Vec<Option<Located>> {
    let mut located = Vec::with_capacity(hosts.len());
    for host in hosts {
        let found = match host.parse() {
            Ok(spec) => resolver::locate(&spec, Families::Any).await.ok(),
            Err(_) => None,
        };
        located.push(found.and_then(|found| {
            let address = NetAddress::from(*found.addresses.first()?);
            Some(Located { address, canonical: found.canonical })
        }));
    }
    located
}

/// What is in a file, as far as a configuration can reach.
fn read(file: &str) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    File::open(file)?.take(MOST_READ).read_to_end(&mut text)?;
    Ok(text)
}

/// The system's own words for an error, as `strerror` has them.
fn said(error: &io::Error) -> String {
    let text = error.to_string();
    let end = text.find(" (os error").unwrap_or(text.len());
    text.get(..end).unwrap_or_default().to_owned()
}

/// Bytes of a file that are read: more than any configuration has.
const MOST_READ: u64 = 1 << 20;

/// A second of this program's time: 2026-11-21.
const NEAR: i64 = 1_795_219_200;

/// The system's words for a name that there is not.
const UNKNOWN: &str = "Name or service not known";
