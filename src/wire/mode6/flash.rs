//! Flash bits: which tests the last packet of a peer, or the peer itself, failed.

use std::fmt;

use crate::wire::mode6::status::Wording;

/// One of the tests that a packet and its peer must pass before the peer is selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlashBit {
    /// The bit.
    pub mask: u16,
    /// The word that ntpq prints; for [`SLOW`] ours, for ntpq has none.
    pub word: &'static str,
    /// What it says of the peer, in a sentence.
    pub meaning: &'static str,
}

/// The peer variable `flash`: the tests that failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flash(u16);

impl Flash {
    /// From the bits.
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    /// The bits.
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// Whether every test was passed.
    pub const fn is_ok(self) -> bool {
        self.0 == 0
    }

    /// The tests that failed, lowest bit first.
    pub fn failed(self) -> impl Iterator<Item = &'static FlashBit> {
        FLASH_BITS.iter().filter(move |bit| self.0 & bit.mask != 0)
    }
}

impl Flash {
    /// The words that ntpq prints behind the hexadecimal value: `ok`, or those of the tests that
    /// failed. A bit that it has no word for adds nothing.
    pub fn decoded(self, wording: Wording) -> String {
        if self.is_ok() {
            return "ok".to_owned();
        }
        let separator = match wording {
            Wording::Classic => ", ",
            Wording::NtpSec => " ",
        };
        let printed = self.failed().filter(|bit| bit.mask != SLOW);
        printed.map(|bit| bit.word).collect::<Vec<_>>().join(separator)
    }
}

impl fmt::Display for Flash {
    /// The words of all the tests that failed, or `ok`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_ok() {
            return f.write_str("ok");
        }
        for (i, bit) in self.failed().enumerate() {
            if i > 0 {
                f.write_str(" ")?;
            }
            f.write_str(bit.word)?;
        }
        Ok(())
    }
}

/// The bit that only NTPsec sets and no ntpq has a word for.
pub const SLOW: u16 = 0x2000;

/// Every flash bit, lowest first.
pub const FLASH_BITS: [FlashBit; 14] = [
    FlashBit {
        mask: 0x0001,
        word: "pkt_dup",
        meaning: "the packet repeats one that was received before",
    },
    FlashBit {
        mask: 0x0002,
        word: "pkt_bogus",
        meaning: "the packet does not answer the request that was sent",
    },
    FlashBit {
        mask: 0x0004,
        word: "pkt_unsync",
        meaning: "the exchange is not complete: a timestamp is missing",
    },
    FlashBit {
        mask: 0x0008,
        word: "pkt_denied",
        meaning: "access was denied by our restrict list or by the server",
    },
    FlashBit {
        mask: 0x0010,
        word: "pkt_auth",
        meaning: "the packet's authentication is missing or wrong",
    },
    FlashBit {
        mask: 0x0020,
        word: "pkt_stratum",
        meaning: "the server says that it is not synchronised, or its stratum is not valid",
    },
    FlashBit {
        mask: 0x0040,
        word: "pkt_header",
        meaning: "the server's root distance or reference time is not valid",
    },
    FlashBit { mask: 0x0080, word: "pkt_autokey", meaning: "the Autokey sequence does not match" },
    FlashBit {
        mask: 0x0100,
        word: "pkt_crypto",
        meaning: "the Autokey protocol failed or is not finished",
    },
    FlashBit {
        mask: 0x0200,
        word: "peer_stratum",
        meaning: "the server is not synchronised, or its stratum is outside the limits",
    },
    FlashBit {
        mask: 0x0400,
        word: "peer_dist",
        meaning: "the root distance is above the limit, 1.5 s unless configured otherwise",
    },
    FlashBit {
        mask: 0x0800,
        word: "peer_loop",
        meaning: "the server is synchronised to us or to our own source: a timing loop",
    },
    FlashBit {
        mask: 0x1000,
        word: "peer_unreach",
        meaning: "none of the last eight polls was answered, or the peer is marked noselect",
    },
    FlashBit {
        mask: SLOW,
        word: "pkt_slow",
        meaning: "the answer took too long to be of use (NTPsec)",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    // Printed by ntpq 4.2.8p15 and by that of NTPsec 1.2.2 for a daemon that answered with these.
    #[test]
    fn the_words_are_those_of_ntpq() {
        let decoded = |bits, wording| Flash::from_bits(bits).decoded(wording);
        for wording in [Wording::Classic, Wording::NtpSec] {
            assert_eq!(decoded(0, wording), "ok");
            assert_eq!(decoded(0x400, wording), "peer_dist");
            assert_eq!(decoded(0x2000, wording), "");
            assert_eq!(decoded(0x2400, wording), "peer_dist");
        }
        assert_eq!(
            decoded(0x1620, Wording::Classic),
            "pkt_stratum, peer_stratum, peer_dist, peer_unreach"
        );
        assert_eq!(
            decoded(0x1620, Wording::NtpSec),
            "pkt_stratum peer_stratum peer_dist peer_unreach"
        );
    }

    #[test]
    fn every_failed_test_is_named() {
        assert_eq!(Flash::default().to_string(), "ok");
        assert_eq!(Flash::from_bits(0x2400).to_string(), "peer_dist pkt_slow");
    }

    #[test]
    fn each_bit_has_its_own_place() {
        for (place, bit) in FLASH_BITS.iter().enumerate() {
            assert_eq!(bit.mask, 1 << place, "{}", bit.word);
        }
    }
}
