//! Exit codes: all of them, listed in `--help`.

use std::io::{self, Write as _};
use std::process::ExitCode;

/// How the program ends. A broken pipe is success: whoever read had enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Exit {
    /// What was asked for was done.
    Success = 0,
    /// This machine did not do its part: a file, a socket, the terminal.
    Failed = 1,
    /// The command line or the settings are wrong; nothing was done.
    Usage = 2,
    /// A host did not answer.
    NoAnswer = 3,
    /// A host answered that it will not.
    Refused = 4,
    /// A simulated run missed a limit of its scenario.
    Missed = 5,
    /// A host that was probed is not synchronised.
    Unsynchronised = 6,
    /// A host that was probed does not answer.
    Unreachable = 7,
    /// A change was not made, or only a part of it.
    NotApplied = 8,
    /// Whether a change was made cannot be seen.
    Unproved = 9,
    /// A change was made and taken back.
    TakenBack = 10,
    /// A change was to be taken back, and nothing proves that it was.
    NotTakenBack = 11,
}

impl Exit {
    /// Every code with its meaning, for `--help` and the manual.
    pub const ALL: [(Self, &'static str); 12] = [
        (Self::Success, "done; also when whoever reads the output stops reading"),
        (Self::Failed, "a file, a socket, the terminal or the clock failed"),
        (Self::Usage, "the command line or the settings are wrong; nothing was done"),
        (Self::NoAnswer, "a host did not answer"),
        (Self::Refused, "a host refused to answer"),
        (Self::Missed, "a simulated run missed a limit of its scenario"),
        (Self::Unsynchronised, "a host that was probed answers, but is not synchronised"),
        (Self::Unreachable, "a host that was probed has no address or does not answer"),
        (Self::NotApplied, "a change was not made, or only a part of it"),
        (Self::Unproved, "a change was sent, and nothing shows whether it was made"),
        (Self::TakenBack, "a change was made and taken back"),
        (Self::NotTakenBack, "a change was to be taken back, and nothing shows that it was"),
    ];

    /// The number.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The list of codes as text for `--help`.
    pub fn help() -> String {
        let lines = Self::ALL.map(|(exit, means)| format!(" {:>2}  {means}", exit.code()));
        format!("Exit codes:\n{}", lines.join("\n"))
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// How to end after printing: a reader that has gone had enough; anything else that went wrong is
/// told on stderr.
pub fn printed(outcome: io::Result<()>) -> Exit {
    match outcome {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            drop(writeln!(io::stderr(), "ntpscope: cannot write to stdout: {error}"));
            Exit::Failed
        }
        _ => Exit::Success,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_listed_in_order() {
        assert!(Exit::ALL.is_sorted_by_key(|(exit, _)| exit.code()));
        assert!(Exit::help().contains("  3  a host did not answer"));
    }
}
