//! Status words: what a daemon says of itself, a peer or a reference clock in sixteen bits.
//!
//! The words are those that ntpq prints; users know them by heart. They stand in [`codes`], each
//! with what it means.

use std::fmt::Write as _;

use crate::units::{Leap, Tally};

pub mod codes;

pub use codes::{CLOCK_STATES, Code, LEAPS, PEER_EVENTS, PEER_FLAGS, SOURCES, SYSTEM_EVENTS};

/// A status word of any kind; which it is follows from the operation and the association.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Of association 0.
    System(SystemStatus),
    /// Of another association.
    Peer(PeerStatus),
    /// In a reply to READCLOCK.
    Clock(ClockStatus),
}

/// Whose words to use where the two ntpqs differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Wording {
    /// The ntpq of the NTP Project, 4.2.8.
    #[default]
    Classic,
    /// The ntpq of NTPsec, which knows no interleaved mode.
    NtpSec,
}

impl Status {
    /// What ntpq prints behind `status=XXXX `, but for the comma that ends the line.
    ///
    /// The empty word before the first comma of a peer without flags is ntpq's.
    pub fn decoded(self, wording: Wording) -> String {
        match self {
            Self::System(status) => format!(
                "{}, {}, {}, {}",
                codes::word(&LEAPS, "leap", status.leap().bits()),
                codes::word(&SOURCES, "sync", status.source()),
                events(status.event_count()),
                codes::word(&SYSTEM_EVENTS, "", status.event()),
            ),
            Self::Peer(status) => {
                let flags: Vec<_> = status.flags().map(|flag| flag.word).collect();
                let mut text = format!(
                    "{}, sel_{}, {}",
                    flags.join(", "),
                    status.tally().condition(),
                    events(status.event_count()),
                );
                if status.event() != 0 {
                    let known = match wording {
                        Wording::Classic => PEER_EVENTS.as_slice(),
                        Wording::NtpSec => PEER_EVENTS.split_at(NTPSEC_PEER_EVENTS).0,
                    };
                    // Writing to a string cannot fail.
                    let _ = write!(text, ", {}", codes::word(known, "", status.event()));
                }
                text
            }
            Self::Clock(status) => format!(
                "{}, {}",
                events(status.event_count()),
                codes::word(&CLOCK_STATES, "clk", status.state()),
            ),
        }
    }
}

fn events(count: u8) -> String {
    match count {
        0 => "no events".to_owned(),
        1 => "1 event".to_owned(),
        n => format!("{n} events"),
    }
}

/// NTPsec has no words for those beyond: they are about the interleaved mode, which it dropped.
const NTPSEC_PEER_EVENTS: usize = 13;

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

    /// What the last event was.
    pub fn last_event(self) -> Option<&'static Code> {
        codes::find(&SYSTEM_EVENTS, self.event())
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
    pub const fn tally(self) -> Tally {
        Tally::from_bits((self.0 >> 8) as u8)
    }

    /// Events since the word was last read with a key, at most 15.
    pub const fn event_count(self) -> u8 {
        (self.0 >> 4 & 0xf) as u8
    }

    /// The last event, 0 for none yet; see [`PEER_EVENTS`].
    pub const fn event(self) -> u8 {
        (self.0 & 0xf) as u8
    }

    /// What the last event was; `None` when there was none yet.
    pub fn last_event(self) -> Option<&'static Code> {
        codes::find(&PEER_EVENTS, self.event())
    }

    /// The flags that are set, highest bit first.
    pub fn flags(self) -> impl Iterator<Item = &'static Code> {
        PEER_FLAGS.iter().filter(move |flag| (self.0 >> 8) & u16::from(flag.code) != 0)
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

    /// What ntpq prints as the number of events: the bits that hold the last event, for it takes
    /// the word apart as if it were a system's.
    pub const fn event_count(self) -> u8 {
        self.event()
    }

    /// What the present state is; `None` for a number that has no meaning.
    pub fn present_state(self) -> Option<&'static Code> {
        codes::find(&CLOCK_STATES, self.state())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn system(word: u16) -> String {
        Status::System(SystemStatus::from_bits(word)).decoded(Wording::Classic)
    }

    fn peer(word: u16) -> String {
        Status::Peer(PeerStatus::from_bits(word)).decoded(Wording::Classic)
    }

    fn clock(word: u16) -> String {
        Status::Clock(ClockStatus::from_bits(word)).decoded(Wording::Classic)
    }

    // Printed by ntpq 4.2.8p15 for a daemon that answered with these words.
    #[test]
    fn system_words_read_as_ntpq_prints_them() {
        assert_eq!(system(0x0000), "leap_none, sync_unspec, no events, unspecified");
        assert_eq!(system(0x0514), "leap_none, sync_local, 1 event, freq_mode");
        assert_eq!(system(0x001e), "leap_none, sync_unspec, 1 event, TAI");
        assert_eq!(system(0x8811), "leap_del_sec, sync_wristwatch, 1 event, freq_not_set");
        assert_eq!(system(0xffff), "leap_alarm, sync_63, 15 events, stale_leapsecond_values");
    }

    // Likewise.
    #[test]
    fn peer_words_read_as_ntpq_prints_them() {
        assert_eq!(peer(0xf014), "conf, authenb, auth, reach, sel_reject, 1 event, reachable");
        assert_eq!(peer(0x961a), "conf, reach, sel_sys.peer, 1 event, sys_peer");
        assert_eq!(peer(0x7a00), "authenb, auth, reach, bcast, sel_excess, no events");
        assert_eq!(peer(0x0000), ", sel_reject, no events");
        assert_eq!(peer(0x001e), ", sel_reject, 1 event, interleave_mode");
    }

    #[test]
    fn ntpsec_has_no_word_for_interleaved_events() {
        let status = Status::Peer(PeerStatus::from_bits(0x001e));
        assert_eq!(status.decoded(Wording::NtpSec), ", sel_reject, 1 event, _14");
        let status = Status::Peer(PeerStatus::from_bits(0x001d));
        assert_eq!(status.decoded(Wording::NtpSec), status.decoded(Wording::Classic));
    }

    // Likewise.
    #[test]
    fn clock_words_read_as_ntpq_prints_them() {
        assert_eq!(clock(0x0000), "no events, clk_unspec");
        assert_eq!(clock(0x0514), "1 event, clk_bad_signal");
        assert_eq!(clock(0x003f), "3 events, clk_15");
    }

    #[test]
    fn the_parts_of_a_word_are_typed() {
        let status = SystemStatus::from_bits(0xc016);
        assert_eq!((status.leap(), status.source()), (Leap::Alarm, 0));
        assert_eq!(status.last_event().map(|event| event.word), Some("restart"));
        let status = PeerStatus::from_bits(0xf014);
        assert!(status.is_configured() && status.needs_authentication());
        assert!(status.is_authentic() && status.is_reachable() && !status.is_broadcast());
        assert_eq!(status.tally(), Tally::Reject);
        assert_eq!(PeerStatus::from_bits(0x961a).tally().character(), '*');
        assert_eq!(PeerStatus::from_bits(0x9600).last_event(), None);
        assert_eq!(ClockStatus::from_bits(0x0f).present_state(), None);
    }

    #[test]
    fn selection_codes_keep_their_order() {
        for (bits, selection) in (0..).zip(Tally::ALL) {
            assert_eq!(Tally::from_bits(bits), selection);
            assert_eq!(selection.bits(), bits);
        }
    }
}
