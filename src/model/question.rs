//! What can be asked of a daemon over mode 6, and how asking any daemon can fail.

use std::fmt;
use std::time::Duration;

use crate::units::AssocId;
use crate::wire::Malformed;
use crate::wire::cmdmon::Status;
use crate::wire::mode6::{ErrorCode, Opcode};

/// One request as it will be put into a control message.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    /// What to do.
    pub opcode: Opcode,
    /// About which association; [`AssocId::SYSTEM`] for the daemon.
    pub association: AssocId,
    /// The request's data.
    pub data: Vec<u8>,
    /// Whether it must carry a message authentication code.
    pub signed: bool,
}

impl Question {
    /// The list of associations with their status words (READSTAT of association 0).
    pub const fn associations() -> Self {
        Self {
            opcode: Opcode::ReadStatus,
            association: AssocId::SYSTEM,
            data: Vec::new(),
            signed: false,
        }
    }

    /// The named variables of the system or of a peer; those that the daemon chooses when `names`
    /// is empty. One name that the daemon does not know costs the whole answer.
    pub fn variables<'a>(association: AssocId, names: impl IntoIterator<Item = &'a str>) -> Self {
        Self { opcode: Opcode::ReadVariables, association, data: comma_list(names), signed: false }
    }

    /// The named variables of a reference clock; those that the daemon chooses when `names` is
    /// empty.
    pub fn clock_variables<'a>(
        association: AssocId,
        names: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        Self { opcode: Opcode::ReadClock, association, data: comma_list(names), signed: false }
    }

    /// A line of configuration, to be carried out at once; daemons do so only with a key.
    pub fn configure(line: &[u8]) -> Self {
        Self::change(Opcode::Configure, AssocId::SYSTEM, line)
    }

    /// The configuration written to a file of this name, where the daemon keeps such files; only
    /// with a key.
    pub fn save_configuration(file: &[u8]) -> Self {
        Self::change(Opcode::SaveConfig, AssocId::SYSTEM, file)
    }

    /// Variables set to values, `name=value` between commas; only with a key.
    pub fn write_variables(association: AssocId, values: &[u8]) -> Self {
        Self::change(Opcode::WriteVariables, association, values)
    }

    fn change(opcode: Opcode, association: AssocId, data: &[u8]) -> Self {
        Self { opcode, association, data: data.to_vec(), signed: true }
    }

    /// An ordered list, `ifstats` or `addr_restrictions`; daemons answer only with a key.
    pub fn ordered_list(name: &str) -> Self {
        Self {
            opcode: Opcode::ReadOrderedList,
            association: AssocId::SYSTEM,
            data: name.as_bytes().to_vec(),
            signed: true,
        }
    }
}

fn comma_list<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<u8> {
    let mut data = Vec::new();
    for name in names {
        if !data.is_empty() {
            data.push(b',');
        }
        data.extend(name.as_bytes());
    }
    data
}

/// Why a question has no answer. None of these is exceptional: daemons restart and packets vanish.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// The daemon answered that it will not.
    Refused(ErrorCode),
    /// The same, from a daemon that speaks the protocol of chronyd.
    Declined(Status),
    /// What it answered cannot be read.
    Unreadable(Malformed),
    /// No answer came.
    Unanswered {
        /// How often it was sent.
        attempts: u32,
        /// From the first sending to giving up.
        waited: Duration,
    },
    /// Some fragments of the answer came, others never did.
    Incomplete {
        /// How often it was sent.
        attempts: u32,
    },
    /// The answer has more fragments than any client accepts.
    TooLong,
    /// The network says that nobody listens there, or that there is no way.
    Unreachable(Unreachable),
    /// The question needs a key and none was given.
    NoKey,
    /// It is no longer of interest and was taken back before an answer came.
    Withdrawn,
}

/// What the network says about a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unreachable {
    /// The host is there and nothing listens on the port (ICMP port unreachable).
    PortClosed,
    /// No way to the host.
    Host,
    /// No way to its network, or no network here.
    Network,
    /// The local system does not permit sending there.
    NotPermitted,
    /// There is no socket of that path in the file system.
    NoSocket,
    /// The socket is there and nobody listens on it: whoever made it has ended.
    SocketAbandoned,
    /// The socket, or its directory, is for others than this user.
    SocketDenied,
    /// What has that path is no socket, or one of another kind.
    SocketUnfit,
    /// Nothing can be made beside the socket, where the answers would go.
    NoReplyPath,
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PortClosed => "nothing listens on that port",
            Self::Host => "no route to host",
            Self::Network => "network is unreachable",
            Self::NotPermitted => "this system does not permit sending there",
            Self::NoSocket => {
                "there is no such socket: the daemon does not run, or has it elsewhere"
            }
            Self::SocketAbandoned => "nobody listens on that socket: the daemon has ended",
            Self::SocketDenied => {
                "not permitted to use its socket: that is for root and the daemon's own user"
            }
            Self::SocketUnfit => "what is there is no socket that a daemon takes questions on",
            Self::NoReplyPath => {
                "no socket for its answers can be made beside the daemon's: the folder is read-only \
                 or full, or its path too long"
            }
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(code) => write!(f, "refused: {code}"),
            Self::Declined(status) => write!(f, "refused: {status}"),
            Self::Unreadable(why) => write!(f, "the answer cannot be read: {why}"),
            Self::Unanswered { attempts, waited } => {
                let requests = if *attempts == 1 { "request" } else { "requests" };
                write!(f, "no answer to {attempts} {requests} in {:.1} s", waited.as_secs_f64())
            }
            Self::Incomplete { .. } => f.write_str("part of the answer was lost"),
            Self::TooLong => f.write_str("the answer is longer than the protocol allows"),
            Self::Unreachable(why) => fmt::Display::fmt(why, f),
            Self::NoKey => f.write_str("needs a key"),
            Self::Withdrawn => f.write_str("no longer asked for"),
        }
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_joined_without_blanks() {
        let question = Question::variables(AssocId::new(7), ["srcadr", "offset"]);
        assert_eq!(question.data, b"srcadr,offset");
        assert_eq!(Question::variables(AssocId::SYSTEM, []).data, b"");
    }

    #[test]
    fn failures_say_what_happened() {
        let silent = Failure::Unanswered { attempts: 3, waited: Duration::from_secs(6) };
        assert_eq!(silent.to_string(), "no answer to 3 requests in 6.0 s");
    }
}
