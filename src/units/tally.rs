//! What the selection algorithm makes of a source.

/// What the selection algorithm made of a peer: its tally.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tally {
    /// 0, blank: not valid for selection.
    #[default]
    Reject,
    /// 1, `x`: outside the interval that the majority agrees on.
    Falseticker,
    /// 2, `.`: more candidates than the daemon keeps.
    Excess,
    /// 3, `-`: right, but discarded by the cluster algorithm.
    Outlier,
    /// 4, `+`: a survivor that takes part in the combination.
    Candidate,
    /// 5, `#`: a survivor beyond the number that takes part.
    Backup,
    /// 6, `*`: the system peer.
    SystemPeer,
    /// 7, `o`: the system peer, steered by its pulse per second.
    PpsPeer,
}

impl Tally {
    /// All of them in order of their codes.
    pub const ALL: [Self; 8] = [
        Self::Reject,
        Self::Falseticker,
        Self::Excess,
        Self::Outlier,
        Self::Candidate,
        Self::Backup,
        Self::SystemPeer,
        Self::PpsPeer,
    ];

    /// From the lowest three bits.
    pub const fn from_bits(bits: u8) -> Self {
        match bits & 7 {
            0 => Self::Reject,
            1 => Self::Falseticker,
            2 => Self::Excess,
            3 => Self::Outlier,
            4 => Self::Candidate,
            5 => Self::Backup,
            6 => Self::SystemPeer,
            _ => Self::PpsPeer,
        }
    }

    /// The code on the wire.
    pub const fn bits(self) -> u8 {
        self as u8
    }

    /// The character in front of a peer's name.
    pub const fn character(self) -> char {
        match self {
            Self::Reject => ' ',
            Self::Falseticker => 'x',
            Self::Excess => '.',
            Self::Outlier => '-',
            Self::Candidate => '+',
            Self::Backup => '#',
            Self::SystemPeer => '*',
            Self::PpsPeer => 'o',
        }
    }

    /// The word that ntpq's `associations` prints for it.
    pub const fn condition(self) -> &'static str {
        match self {
            Self::Reject => "reject",
            Self::Falseticker => "falsetick",
            Self::Excess => "excess",
            Self::Outlier => "outlier",
            Self::Candidate => "candidate",
            Self::Backup => "backup",
            Self::SystemPeer => "sys.peer",
            Self::PpsPeer => "pps.peer",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_kept() {
        for bits in 0..8 {
            assert_eq!(Tally::from_bits(bits).bits(), bits);
        }
        let characters: String = Tally::ALL.iter().map(|tally| tally.character()).collect();
        assert_eq!(characters, " x.-+#*o");
    }
}
