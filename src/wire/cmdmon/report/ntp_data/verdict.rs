//! The tests that chronyd puts a packet to, as bits.

use std::fmt;

/// Which tests a packet passed, with two bits about its exchange.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct NtpTests(u16);

impl NtpTests {
    /// From the bits on the wire; those without a meaning are kept.
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    /// The bits on the wire.
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// Whether it passed this test.
    pub const fn passed(self, test: &NtpTest) -> bool {
        self.0 & test.bit != 0
    }

    /// Whether it passed every test: the measurement is used.
    pub const fn passed_all(self) -> bool {
        self.0 & ALL == ALL
    }

    /// The tests that it failed, in order; all of them before the first packet.
    pub fn failed(self) -> impl Iterator<Item = &'static NtpTest> {
        NTP_TESTS.iter().filter(move |test| !self.passed(test))
    }

    /// Whether it was exchanged in the interleaved mode.
    pub const fn is_interleaved(self) -> bool {
        self.0 & 0x4000 != 0
    }

    /// Whether it was authenticated.
    pub const fn is_authenticated(self) -> bool {
        self.0 & 0x8000 != 0
    }
}

impl fmt::Display for NtpTests {
    /// As chronyc prints them: `111 111 1111`, a zero where a test failed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = self.0 & ALL;
        f.pad(&format!("{:03b} {:03b} {:04b}", bits >> 7, bits >> 4 & 7, bits & 0xf))
    }
}

/// A test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NtpTest {
    /// Its bit.
    pub bit: u16,
    /// Its name: a number of RFC 5905, or a letter of chrony's own.
    pub name: &'static str,
    /// What a packet that fails it is, in a clause.
    pub failure: &'static str,
}

const fn test(bit: u16, name: &'static str, failure: &'static str) -> NtpTest {
    NtpTest { bit, name, failure }
}

/// The tests, in the order in which chronyc prints them.
pub const NTP_TESTS: [NtpTest; 10] = [
    test(0x200, "1", "the packet is a duplicate"),
    test(0x100, "2", "it does not answer our last request"),
    test(0x080, "3", "a timestamp is missing"),
    test(0x040, "5", "its authentication failed"),
    test(0x020, "6", "the source is not synchronised"),
    test(0x010, "7", "its root distance is not acceptable"),
    test(0x008, "A", "the delay is above maxdelay, or the exchange is not usable"),
    test(0x004, "B", "the delay is above maxdelayratio times the least"),
    test(0x002, "C", "the delay is above what maxdelaydevratio or maxdelayquant allows"),
    test(0x001, "D", "the source follows us: a loop"),
];

const ALL: u16 = 0x3ff;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_printed_as_chronyc_prints_them() {
        assert_eq!(NtpTests::from_bits(0x83ff).to_string(), "111 111 1111");
        assert_eq!(NtpTests::from_bits(0).to_string(), "000 000 0000");
        assert_eq!(NtpTests::from_bits(0x3de).to_string(), "111 101 1110");
    }

    #[test]
    fn each_test_has_a_bit_of_its_own() {
        let all = NTP_TESTS.iter().fold(0, |all, test| {
            assert_eq!(all & test.bit, 0, "{}", test.name);
            all | test.bit
        });
        assert_eq!(all, ALL);
    }

    #[test]
    fn failures_are_named() {
        let tests = NtpTests::from_bits(0x3de);
        let failed: Vec<_> = tests.failed().map(|test| test.name).collect();
        assert_eq!(failed, ["6", "D"]);
        assert!(!tests.passed_all() && NtpTests::from_bits(0xffff).passed_all());
        assert_eq!(NtpTests::default().failed().count(), 10);
    }

    #[test]
    fn the_upper_bits_are_about_the_exchange() {
        let tests = NtpTests::from_bits(0x8000);
        assert!(tests.is_authenticated() && !tests.is_interleaved());
        assert!(NtpTests::from_bits(0x4000).is_interleaved());
    }
}
