//! A console: the ntpq language on one daemon, as its screen and the world talk about it.

use crate::line::Secret;

/// Something for the console of a daemon. It is opened with the first, which is [`Input::Open`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Input {
    /// Begin a session; nothing where there is one.
    Open {
        /// Whether addresses are not shown as names.
        numeric: bool,
    },
    /// A command, where one is awaited.
    Command {
        /// The line.
        line: Secret,
        /// Whether it may change the daemon.
        may_change: bool,
    },
    /// A line that was asked for; `None` when the user gives none.
    Line(Option<Secret>),
    /// The user wants no more of the command at work.
    Interrupt,
}

/// News of a console, in the order in which they came about.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum News {
    /// What was printed. It is taken for hostile: it may hold anything.
    Text {
        /// The text, which need not end with a line.
        text: String,
        /// Whether it was a complaint, or a word on how far it is.
        is_complaint: bool,
    },
    /// A command is awaited.
    Ready,
    /// A line is awaited that the command at work wants.
    Asks {
        /// What stands before it.
        prompt: String,
        /// Whether it is a secret, not to be shown while it is typed.
        hidden: bool,
    },
    /// The session is over.
    Ended,
}
