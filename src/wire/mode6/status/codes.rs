//! The codes inside status words: number, ntpq's word and meaning, a table per field.

use std::borrow::Cow;

/// A number in a status word and what it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// The number, or the bit.
    pub code: u8,
    /// The word that ntpq prints.
    pub word: &'static str,
    /// What it says, in a clause.
    pub meaning: &'static str,
}

/// The entry of `table` for `code`.
pub fn find(table: &'static [Code], code: u8) -> Option<&'static Code> {
    table.iter().find(|entry| entry.code == code)
}

/// The word of `table` for `code`, or as ntpq makes one up: `stem` and the number.
pub(super) fn word(table: &'static [Code], stem: &str, code: u8) -> Cow<'static, str> {
    match find(table, code) {
        Some(entry) => Cow::Borrowed(entry.word),
        None => Cow::Owned(format!("{stem}_{code}")),
    }
}

const fn code(code: u8, word: &'static str, meaning: &'static str) -> Code {
    Code { code, word, meaning }
}

/// The leap indicator.
pub const LEAPS: [Code; 4] = [
    code(0, "leap_none", "no leap second is coming"),
    code(1, "leap_add_sec", "a second will be inserted at the end of the month"),
    code(2, "leap_del_sec", "a second will be left out at the end of the month"),
    code(3, "leap_alarm", "the clock is not synchronised"),
];

/// What the system is synchronised to.
pub const SOURCES: [Code; 10] = [
    code(0, "sync_unspec", "not synchronised yet"),
    code(1, "sync_pps", "a pulse per second"),
    code(2, "sync_lf_radio", "a low-frequency radio such as DCF77 or WWVB"),
    code(3, "sync_hf_radio", "a short-wave radio such as WWV or CHU"),
    code(4, "sync_uhf_radio", "a satellite receiver such as GPS"),
    code(5, "sync_local", "a local clock, perhaps only this machine's own"),
    code(6, "sync_ntp", "a server over NTP"),
    code(7, "sync_other", "another time protocol or source"),
    code(8, "sync_wristwatch", "the operator's wristwatch"),
    code(9, "sync_telephone", "a time service by telephone"),
];

/// Events of the system.
pub const SYSTEM_EVENTS: [Code; 16] = [
    code(0, "unspecified", "nothing has happened yet"),
    code(1, "freq_not_set", "the frequency is not known: there was no drift file"),
    code(2, "freq_set", "the frequency was taken from the drift file"),
    code(3, "spike_detect", "an offset beyond the step threshold is waited out"),
    code(4, "freq_mode", "the frequency is being measured"),
    code(5, "clock_sync", "the clock is synchronised"),
    code(6, "restart", "the daemon started"),
    code(7, "panic_stop", "the offset was beyond the panic threshold: the daemon stops"),
    code(8, "no_sys_peer", "no peer is left to follow"),
    code(9, "leap_armed", "a leap second is coming"),
    code(10, "leap_disarmed", "the leap second is no longer coming"),
    code(11, "leap_event", "a leap second is happening"),
    code(12, "clock_step", "the clock was stepped"),
    code(13, "kern", "the kernel's clock discipline changed its state"),
    code(14, "TAI", "the offset of TAI from UTC was set"),
    code(15, "stale_leapsecond_values", "the table of leap seconds has expired"),
];

/// Flags of a peer, as bits of the upper byte of its word.
pub const PEER_FLAGS: [Code; 5] = [
    code(0x80, "conf", "the association is configured and stays"),
    code(0x40, "authenb", "its packets are to be authenticated"),
    code(0x20, "auth", "its last packet was authentic"),
    code(0x10, "reach", "one of the last eight polls was answered"),
    code(0x08, "bcast", "it broadcasts"),
];

/// Events of a peer; 0, which has no entry, is *none yet*. NTPsec knows the first thirteen.
pub const PEER_EVENTS: [Code; 15] = [
    code(1, "mobilize", "the association was made"),
    code(2, "demobilize", "the association was removed"),
    code(3, "unreachable", "none of the last eight polls was answered"),
    code(4, "reachable", "a poll was answered again"),
    code(5, "restart", "the association started over"),
    code(6, "no_reply", "a measurement on demand found no reply"),
    code(7, "rate_exceeded", "the server told us to ask less often"),
    code(8, "access_denied", "the server refuses us"),
    code(9, "leap_armed", "the server announces a leap second"),
    code(10, "sys_peer", "it became the system peer"),
    code(11, "clock_event", "its reference clock changed its state"),
    code(12, "bad_auth", "a packet failed authentication"),
    code(13, "popcorn", "a sample was dropped as a spike"),
    code(14, "interleave_mode", "it changed to the interleaved mode"),
    code(15, "interleave_error", "the interleaved mode failed"),
];

/// States of a reference clock.
pub const CLOCK_STATES: [Code; 7] = [
    code(0, "clk_unspec", "as it should be"),
    code(1, "clk_no_reply", "the clock does not answer"),
    code(2, "clk_bad_format", "what the clock sends cannot be read"),
    code(3, "clk_fault", "the clock or its device has failed"),
    code(4, "clk_bad_signal", "the clock has lost its signal"),
    code(5, "clk_bad_date", "the clock gives an impossible date"),
    code(6, "clk_bad_time", "the clock gives an impossible time"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_has_one_entry_in_its_place() {
        for table in [&LEAPS[..], &SOURCES, &SYSTEM_EVENTS, &CLOCK_STATES] {
            for (number, entry) in (0..).zip(table) {
                assert_eq!(entry.code, number, "{}", entry.word);
            }
        }
        for (number, entry) in (1..).zip(PEER_EVENTS) {
            assert_eq!(entry.code, number, "{}", entry.word);
        }
    }

    #[test]
    fn a_number_without_a_word_is_made_one() {
        assert_eq!(word(&SOURCES, "sync", 9), "sync_telephone");
        assert_eq!(word(&SOURCES, "sync", 10), "sync_10");
        assert_eq!(find(&PEER_EVENTS, 0), None);
    }
}
