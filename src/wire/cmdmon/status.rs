//! Status codes: how a request went.

use std::fmt;

/// How a request went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Status {
    /// 0: done.
    Success,
    /// 1: could not be done.
    Failed,
    /// 2: not to be had over this transport.
    Unauthorised,
    /// 3: the command is not known, or not in this version.
    Invalid,
    /// 4: no such source, or no more of them.
    NoSuchSource,
    /// 5: a duplicate or stale logon; no longer used.
    InvalidTimestamp,
    /// 6: what it is about is not turned on.
    NotEnabled,
    /// 7: an address with bits set outside the subnet.
    BadSubnet,
    /// 8: the answer to an access check: allowed.
    AccessAllowed,
    /// 9: the answer to an access check: denied.
    AccessDenied,
    /// 10: this host may not ask; no longer used, there is silence instead.
    NoHostAccess,
    /// 11: the source is there already.
    SourceAlreadyKnown,
    /// 12: there is no room for another source.
    TooManySources,
    /// 13: the real-time clock is not looked after.
    NoRtc,
    /// 14: the file of the real-time clock cannot be written.
    BadRtcFile,
    /// 15: no record of clients is kept.
    Inactive,
    /// 16: no manual sample of that index.
    BadSample,
    /// 17: an address family that is not supported.
    InvalidAddressFamily,
    /// 18: another version of the protocol.
    BadPacketVersion,
    /// 19: the request is shorter than the reply might be.
    BadPacketLength,
    /// 21: a name that cannot be used.
    InvalidName,
    /// Not assigned. Always one of those when made by [`Status::from_bits`].
    Unassigned(u16),
}

impl Status {
    /// From the number on the wire.
    pub const fn from_bits(bits: u16) -> Self {
        match bits {
            0 => Self::Success,
            1 => Self::Failed,
            2 => Self::Unauthorised,
            3 => Self::Invalid,
            4 => Self::NoSuchSource,
            5 => Self::InvalidTimestamp,
            6 => Self::NotEnabled,
            7 => Self::BadSubnet,
            8 => Self::AccessAllowed,
            9 => Self::AccessDenied,
            10 => Self::NoHostAccess,
            11 => Self::SourceAlreadyKnown,
            12 => Self::TooManySources,
            13 => Self::NoRtc,
            14 => Self::BadRtcFile,
            15 => Self::Inactive,
            16 => Self::BadSample,
            17 => Self::InvalidAddressFamily,
            18 => Self::BadPacketVersion,
            19 => Self::BadPacketLength,
            21 => Self::InvalidName,
            other => Self::Unassigned(other),
        }
    }

    /// The number on the wire.
    pub const fn bits(self) -> u16 {
        match self {
            Self::Success => 0,
            Self::Failed => 1,
            Self::Unauthorised => 2,
            Self::Invalid => 3,
            Self::NoSuchSource => 4,
            Self::InvalidTimestamp => 5,
            Self::NotEnabled => 6,
            Self::BadSubnet => 7,
            Self::AccessAllowed => 8,
            Self::AccessDenied => 9,
            Self::NoHostAccess => 10,
            Self::SourceAlreadyKnown => 11,
            Self::TooManySources => 12,
            Self::NoRtc => 13,
            Self::BadRtcFile => 14,
            Self::Inactive => 15,
            Self::BadSample => 16,
            Self::InvalidAddressFamily => 17,
            Self::BadPacketVersion => 18,
            Self::BadPacketLength => 19,
            Self::InvalidName => 21,
            Self::Unassigned(bits) => bits,
        }
    }

    /// Whether the request was answered rather than refused: done, or an access check's answer.
    pub const fn is_answer(self) -> bool {
        matches!(self, Self::Success | Self::AccessAllowed | Self::AccessDenied)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Success => "done",
            Self::Failed => "it could not be done",
            Self::Unauthorised => "not permitted over this transport",
            Self::Invalid => "a command that this version does not know",
            Self::NoSuchSource => "no such source",
            Self::InvalidTimestamp => "a stale or repeated logon",
            Self::NotEnabled => "not turned on in the daemon",
            Self::BadSubnet => "the address has bits outside the subnet",
            Self::AccessAllowed => "access is allowed",
            Self::AccessDenied => "access is denied",
            Self::NoHostAccess => "this host may not ask",
            Self::SourceAlreadyKnown => "the source is there already",
            Self::TooManySources => "no room for another source",
            Self::NoRtc => "the daemon does not look after the real-time clock",
            Self::BadRtcFile => "the file of the real-time clock cannot be written",
            Self::Inactive => "the daemon keeps no record of its clients",
            Self::BadSample => "no manual sample of that index",
            Self::InvalidAddressFamily => "an address family that is not supported",
            Self::BadPacketVersion => "the daemon speaks another version of the protocol",
            Self::BadPacketLength => "the request is shorter than the daemon's reply may be",
            Self::InvalidName => "a name that cannot be used",
            Self::Unassigned(code) => return write!(f, "status {code}, which has no meaning"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_survives_the_round_trip() {
        for bits in 0..=u16::MAX {
            assert_eq!(Status::from_bits(bits).bits(), bits);
        }
        assert_eq!(Status::from_bits(20), Status::Unassigned(20));
    }

    #[test]
    fn refusals_are_told_from_answers() {
        let answers: Vec<_> =
            (0..=30).filter(|bits| Status::from_bits(*bits).is_answer()).collect();
        assert_eq!(answers, [0, 8, 9]);
    }

    #[test]
    fn each_has_words_of_its_own() {
        let mut words: Vec<_> = (0..=22).map(|bits| Status::from_bits(bits).to_string()).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), 23);
        assert_eq!(Status::from_bits(99).to_string(), "status 99, which has no meaning");
    }
}
