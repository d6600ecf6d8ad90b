//! Status words: what a daemon says of itself, a peer or a reference clock in sixteen bits.
//!
//! The texts are those that ntpq prints; users know them by heart.

use crate::units::Leap;

/// The system's status word (association 0).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SystemStatus(u16);

impl SystemStatus {
    /// From the word.
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    /// The word.
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// The leap indicator.
    pub const fn leap(self) -> Leap {
        Leap::from_bits((self.0 >> 14) as u8)
    }

    /// What kind of source the system is synchronised to, as a number; see [`SOURCES`].
    pub const fn source(self) -> u8 {
        (self.0 >> 8 & 0x3f) as u8
    }

    /// Events since the word was last read with a key, at most 15.
    pub const fn event_count(self) -> u8 {
        (self.0 >> 4 & 0xf) as u8
    }

    /// The last event; see [`SYSTEM_EVENTS`].
    pub const fn event(self) -> u8 {
        (self.0 & 0xf) as u8
    }
}

/// A peer's status word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct PeerStatus(u16);

impl PeerStatus {
    /// From the word.
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    /// The word.
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// Whether the daemon was configured to keep this association (conf).
    pub const fn is_configured(self) -> bool {
        self.0 & 0x8000 != 0
    }

    /// Whether packets of this association must be authenticated (authenb).
    pub const fn needs_authentication(self) -> bool {
        self.0 & 0x4000 != 0
    }

    /// Whether the last packet was authentic (auth).
    pub const fn is_authentic(self) -> bool {
        self.0 & 0x2000 != 0
    }

    /// Whether one of the last eight polls was answered (reach).
    pub const fn is_reachable(self) -> bool {
        self.0 & 0x1000 != 0
    }

    /// Whether the association broadcasts (bcast).
    pub const fn is_broadcast(self) -> bool {
        self.0 & 0x0800 != 0
    }

    /// What the selection made of it.
    pub const fn selection(self) -> Selection {
        Selection::from_bits((self.0 >> 8) as u8)
    }

    /// Events since the word was last read with a key, at most 15.
    pub const fn event_count(self) -> u8 {
        (self.0 >> 4 & 0xf) as u8
    }

    /// The last event; see [`PEER_EVENTS`].
    pub const fn event(self) -> u8 {
        (self.0 & 0xf) as u8
    }
}

/// A reference clock's status word, as READCLOCK answers with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ClockStatus(u16);

impl ClockStatus {
    /// From the word.
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    /// The word.
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// The clock's present state; see [`CLOCK_STATES`].
    pub const fn state(self) -> u8 {
        (self.0 & 0xf) as u8
    }

    /// The last event, a state too.
    pub const fn event(self) -> u8 {
        (self.0 >> 4 & 0xf) as u8
    }
}

/// What the selection algorithm made of a peer: its tally.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Selection {
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

impl Selection {
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
    pub const fn tally(self) -> char {
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

/// Words for the leap indicator in a status line, by its bits.
pub const LEAPS: [&str; 4] = ["leap_none", "leap_add_sec", "leap_del_sec", "leap_alarm"];

/// Words for [`SystemStatus::source`]; numbers beyond have none.
pub const SOURCES: [&str; 10] = [
    "sync_unspec",
    "sync_pps",
    "sync_lf_radio",
    "sync_hf_radio",
    "sync_uhf_radio",
    "sync_local",
    "sync_ntp",
    "sync_other",
    "sync_wristwatch",
    "sync_telephone",
];

/// Words for [`SystemStatus::event`].
pub const SYSTEM_EVENTS: [&str; 16] = [
    "unspecified",
    "freq_not_set",
    "freq_set",
    "spike_detect",
    "freq_mode",
    "clock_sync",
    "restart",
    "panic_stop",
    "no_sys_peer",
    "leap_armed",
    "leap_disarmed",
    "leap_event",
    "clock_step",
    "kern",
    "TAI...",
    "stale leapsecond values",
];

/// Words for [`PeerStatus::event`]; 0 is *none yet*.
pub const PEER_EVENTS: [&str; 16] = [
    "",
    "mobilize",
    "demobilize",
    "unreachable",
    "reachable",
    "restart",
    "no_reply",
    "rate_exceeded",
    "access_denied",
    "leap_armed",
    "sys_peer",
    "clock_event",
    "bad_auth",
    "popcorn",
    "interleave_mode",
    "interleave_error",
];

/// Words for [`ClockStatus::state`]; numbers beyond have none.
pub const CLOCK_STATES: [&str; 7] = [
    "clk_unspec",
    "clk_no_reply",
    "clk_bad_format",
    "clk_fault",
    "clk_bad_signal",
    "clk_bad_date",
    "clk_bad_time",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_captured_system_status_word_reads_as_ntpq_printed_it() {
        let status = SystemStatus::from_bits(0x0514);
        assert_eq!(LEAPS[usize::from(status.leap().bits())], "leap_none");
        assert_eq!(SOURCES[usize::from(status.source())], "sync_local");
        assert_eq!(status.event_count(), 1);
        assert_eq!(SYSTEM_EVENTS[usize::from(status.event())], "freq_mode");
    }

    #[test]
    fn a_captured_peer_status_word_reads_as_ntpq_printed_it() {
        let status = PeerStatus::from_bits(0xf014);
        assert!(status.is_configured() && status.needs_authentication());
        assert!(status.is_authentic() && status.is_reachable() && !status.is_broadcast());
        assert_eq!(status.selection(), Selection::Reject);
        assert_eq!(PEER_EVENTS[usize::from(status.event())], "reachable");
        assert_eq!(PeerStatus::from_bits(0x961a).selection().tally(), '*');
    }

    #[test]
    fn selection_codes_keep_their_order() {
        for (bits, selection) in (0..).zip(Selection::ALL) {
            assert_eq!(Selection::from_bits(bits), selection);
            assert_eq!(selection.bits(), bits);
        }
    }
}
