//! Flash bits: which tests the last packet of a peer, or the peer itself, failed.

use std::fmt;

/// One of the tests that a packet and its peer must pass before the peer is selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlashBit {
    /// The bit.
    pub mask: u16,
    /// The word that ntpq prints.
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

impl fmt::Display for Flash {
    /// As ntpq prints it: the words, or `ok`.
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

/// Every flash bit, lowest first.
pub const FLASH_BITS: [FlashBit; 13] = [
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
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_those_of_ntpq() {
        assert_eq!(Flash::from_bits(0).to_string(), "ok");
        assert_eq!(Flash::from_bits(0x400).to_string(), "peer_dist");
        assert_eq!(
            Flash::from_bits(0x1620).to_string(),
            "pkt_stratum peer_stratum peer_dist peer_unreach"
        );
    }

    #[test]
    fn each_bit_has_its_own_place() {
        let all = FLASH_BITS.iter().fold(0, |all, bit| all | bit.mask);
        assert_eq!(all, 0x1fff);
    }
}
