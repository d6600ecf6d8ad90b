//! What a command needs of the world, and what the world answers.

use std::time::Duration;

use crate::control::private;
use crate::line::{Language, Secret};
use crate::model::Dialect;
use crate::model::question::{Failure, Question};
use crate::model::reply::Reply;
use crate::ntpq::address::NetAddress;
use crate::ntpq::session::Session;
use crate::units::Mono;
use crate::wire::mac::Key;

/// A run of commands, to be driven: of ntpq or of ntpdc.
///
/// Take the outputs until there is none; after a [`Output::Need`] call [`Machine::handle`] with what
/// was found out, and so on until [`Output::End`].
pub trait Machine {
    /// Starts; `now` is the time in seconds since 1970.
    fn start(&mut self, now: i64);

    /// Takes the answer to what was needed; `now` is the time in seconds since 1970.
    fn handle(&mut self, now: i64, answer: Answer);

    /// Leaves the command at work and asks the user for the next, since he wants no more of it; in
    /// a run that does not ask, the end. Whatever was needed is needed no more.
    fn interrupt(&mut self);

    /// The next output; `None` when an answer is awaited, or all is done.
    fn poll_output(&mut self) -> Option<Output>;

    /// How a command is asked for where somebody can type it; `None` while none is awaited.
    fn prompt(&self) -> Option<Prompt>;
}

/// How a command is asked for where somebody can type it.
pub struct Prompt {
    /// What stands before it.
    pub text: &'static str,
    /// Where that is written.
    pub stream: Stream,
    /// What can be typed.
    pub language: Box<dyn Language>,
    /// Whether the machine itself ends the line when there is no more input.
    pub ends_line: bool,
}

/// A command at work in a session `S`.
pub trait Job<S = Session>: Send {
    /// Goes on with the answer to what was needed last, `None` at the start.
    fn resume(&mut self, session: &mut S, answer: Option<Answer>) -> Step;
}

/// Where a job has got to.
#[derive(Debug)]
pub enum Step {
    /// It waits for this.
    Need(Need),
    /// It has printed all that it will.
    Done,
    /// The whole session ends with this exit status.
    Quit(u8),
}

/// Something that the driver has to find out.
#[derive(Clone, Debug)]
pub enum Need {
    /// Talk to another host from now on; answered by [`Answer::Opened`].
    Open {
        /// Its name or address as the user wrote it.
        host: String,
        /// Which addresses of it will do.
        family: Family,
    },
    /// Answers of the current host, by [`Answer::Replies`].
    Ask(Flight),
    /// The current host's answer to a private request (mode 7), by [`Answer::Private`].
    AskPrivately(Box<private::Question>),
    /// A piece of a list, of the host that was asked last and from the same port: once, and with
    /// the beginning of an answer that does not come whole. By [`Answer::Piece`], or by
    /// [`Answer::Interrupted`].
    Piece {
        /// The question.
        question: Question,
        /// How long its answer may take to begin.
        wait: Duration,
        /// Which dialect the daemon speaks, once that is known and was not said yet.
        dialect: Option<Dialect>,
    },
    /// What was printed so far written out, for there is much of it; by [`Answer::Written`].
    Write,
    /// Names of addresses, by [`Answer::Names`] in the same order.
    Names(Vec<NetAddress>),
    /// Addresses of hosts as the user wrote them, by [`Answer::Located`] in the same order.
    Locate(Vec<String>),
    /// A file for [`Stream::File`], by [`Answer::Redirected`].
    Redirect(String),
    /// What is in this file, by [`Answer::Read`].
    Read(String),
    /// The next command from the user, by [`Answer::Typed`] or [`Answer::Line`]; or first of all
    /// [`Answer::WhichAssociations`], and then this is needed again.
    Command,
    /// A line from the user, by [`Answer::Line`].
    Line {
        /// What to write before it, on the terminal or on standard error.
        prompt: String,
        /// Whether it is a secret, not to be shown while it is typed.
        hidden: bool,
    },
}

/// Questions to be in flight together.
#[derive(Clone, Debug)]
pub struct Flight {
    /// The questions, each to be answered in its place.
    pub questions: Vec<Question>,
    /// The key for those that are to be signed.
    pub key: Option<Key>,
    /// The version number to claim.
    pub version: u8,
    /// How long to wait for the first packet of an answer before asking once more.
    pub timeout: Duration,
}

/// What a driver found out.
#[derive(Clone, Debug)]
pub enum Answer {
    /// To [`Need::Open`].
    Opened(Result<Opened, NotOpened>),
    /// To [`Need::Ask`].
    Replies(Vec<Result<Reply, Failure>>),
    /// To [`Need::AskPrivately`].
    Private(private::Outcome),
    /// To [`Need::Piece`].
    Piece {
        /// The answer, or why there is none.
        result: Result<Reply, Failure>,
        /// The beginning of one that did not come whole.
        part: Option<Reply>,
        /// When it came.
        at: Mono,
    },
    /// To [`Need::Piece`]: the user wants no more of it.
    Interrupted,
    /// To [`Need::Write`].
    Written,
    /// To [`Need::Names`].
    Names(Vec<HostName>),
    /// To [`Need::Locate`].
    Located(Vec<Option<Located>>),
    /// To [`Need::Redirect`]; the system's words when the file cannot be written.
    Redirected(Result<(), String>),
    /// To [`Need::Read`]; the system's words when the file cannot be read.
    Read(Result<Vec<u8>, String>),
    /// To [`Need::Command`], where the user sees what he types; `None` at the end of the input.
    Typed(Option<String>),
    /// To [`Need::Line`], and to [`Need::Command`] elsewhere; `None` at the end of the input.
    Line(Option<Secret>),
    /// To [`Need::Command`]: the user wants to know first which associations there are, to name
    /// some of them.
    WhichAssociations,
}

/// A host that can be asked now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// What to call it: its canonical name, or its address when that is what the user wrote.
    pub name: String,
    /// Whether `name` is an address.
    pub numeric: bool,
}

/// Why a host cannot be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotOpened {
    /// It has no address; in the words of the system's resolver.
    Unresolved(String),
    /// The system has no way to it; in the words of the system's error.
    NoWay(String),
}

/// Which addresses of a host will do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Family {
    /// Any.
    #[default]
    Any,
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// The name of an address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum HostName {
    /// It has none.
    #[default]
    None,
    /// It has one, and that name has the address.
    Confirmed(String),
    /// It has one, but that name has other addresses or none.
    Unconfirmed(String),
}

/// Where a host is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// Its first address.
    pub address: NetAddress,
    /// Its canonical name, when it was looked up by name.
    pub canonical: Option<String>,
}

/// What a machine puts out.
#[derive(Clone, Debug)]
pub enum Output {
    /// Text to write.
    Text(Stream, String),
    /// Something to find out; the machine waits.
    Need(Need),
    /// The end, with an exit status.
    End(u8),
}

/// Where text goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Error,
    /// The file that was last asked for.
    File,
}
