//! Operation and error codes.

use std::fmt;

/// What a control message asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Opcode {
    /// 0: nothing; the reply is a header with the system status word.
    Unspecified,
    /// 1: status words: of all associations (binary) or of one with its variables.
    ReadStatus,
    /// 2: variables of the system or of a peer.
    ReadVariables,
    /// 3: set variables. Needs a key.
    WriteVariables,
    /// 4: variables of a reference clock.
    ReadClock,
    /// 5: set variables of a reference clock; no daemon read allows it.
    WriteClock,
    /// 6: have events sent to us.
    SetTrap,
    /// 7: an event, from daemon to trap receiver.
    TrapMessage,
    /// 8: a line of configuration, carried out at once. Needs a key.
    Configure,
    /// 9: have the configuration written to a file. Needs a key.
    SaveConfig,
    /// 10: the list of those who asked the daemon most recently. Needs a nonce.
    ReadMru,
    /// 11: interfaces or access restrictions in order. Needs a key.
    ReadOrderedList,
    /// 12: a nonce, to show that our address is ours.
    RequestNonce,
    /// 31: have events no longer sent.
    UnsetTrap,
    /// 13 to 30: not assigned. Always one of those when made by [`Opcode::from_bits`].
    Unassigned(u8),
}

impl Opcode {
    /// From the lowest five bits.
    pub const fn from_bits(bits: u8) -> Self {
        match bits & 0x1f {
            0 => Self::Unspecified,
            1 => Self::ReadStatus,
            2 => Self::ReadVariables,
            3 => Self::WriteVariables,
            4 => Self::ReadClock,
            5 => Self::WriteClock,
            6 => Self::SetTrap,
            7 => Self::TrapMessage,
            8 => Self::Configure,
            9 => Self::SaveConfig,
            10 => Self::ReadMru,
            11 => Self::ReadOrderedList,
            12 => Self::RequestNonce,
            31 => Self::UnsetTrap,
            other => Self::Unassigned(other),
        }
    }

    /// The five bits.
    pub const fn bits(self) -> u8 {
        match self {
            Self::Unspecified => 0,
            Self::ReadStatus => 1,
            Self::ReadVariables => 2,
            Self::WriteVariables => 3,
            Self::ReadClock => 4,
            Self::WriteClock => 5,
            Self::SetTrap => 6,
            Self::TrapMessage => 7,
            Self::Configure => 8,
            Self::SaveConfig => 9,
            Self::ReadMru => 10,
            Self::ReadOrderedList => 11,
            Self::RequestNonce => 12,
            Self::UnsetTrap => 31,
            Self::Unassigned(bits) => bits & 0x1f,
        }
    }
}

/// Why a daemon refused a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorCode {
    /// 0: no reason given.
    Unspecified,
    /// 1: not authenticated, or not permitted.
    Permission,
    /// 2: message length or format.
    BadFormat,
    /// 3: no such operation here.
    BadOpcode,
    /// 4: no such association; it may have gone since it was listed.
    UnknownAssociation,
    /// 5: one of the variables named is not known; none is answered.
    UnknownVariable,
    /// 6: a variable's value is not acceptable.
    BadValue,
    /// 7: administratively prohibited.
    Prohibited,
    /// 8 to 255: not assigned. Always one of those when made by [`ErrorCode::from_bits`].
    Unassigned(u8),
}

impl ErrorCode {
    /// From the upper byte of an error reply's status word.
    pub const fn from_bits(bits: u8) -> Self {
        match bits {
            0 => Self::Unspecified,
            1 => Self::Permission,
            2 => Self::BadFormat,
            3 => Self::BadOpcode,
            4 => Self::UnknownAssociation,
            5 => Self::UnknownVariable,
            6 => Self::BadValue,
            7 => Self::Prohibited,
            other => Self::Unassigned(other),
        }
    }

    /// The code on the wire.
    pub const fn bits(self) -> u8 {
        match self {
            Self::Unspecified => 0,
            Self::Permission => 1,
            Self::BadFormat => 2,
            Self::BadOpcode => 3,
            Self::UnknownAssociation => 4,
            Self::UnknownVariable => 5,
            Self::BadValue => 6,
            Self::Prohibited => 7,
            Self::Unassigned(bits) => bits,
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unspecified => f.write_str("unspecified error"),
            Self::Permission => f.write_str("not permitted without the daemon's control key"),
            Self::BadFormat => f.write_str("bad message length or format"),
            Self::BadOpcode => f.write_str("operation not known"),
            Self::UnknownAssociation => f.write_str("association not known"),
            Self::UnknownVariable => f.write_str("variable not known"),
            Self::BadValue => f.write_str("value not acceptable"),
            Self::Prohibited => f.write_str("administratively prohibited"),
            Self::Unassigned(code) => write!(f, "error code {code}, which has no meaning"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_survives_the_round_trip() {
        for bits in 0..=0x1f {
            assert_eq!(Opcode::from_bits(bits).bits(), bits);
            assert_eq!(Opcode::from_bits(bits | 0xe0).bits(), bits);
        }
        for bits in 0..=255 {
            assert_eq!(ErrorCode::from_bits(bits).bits(), bits);
        }
    }
}
