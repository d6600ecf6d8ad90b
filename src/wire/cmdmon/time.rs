//! Points in time and ages.

use std::time::Duration;

use crate::units::NtpTimestamp;
use crate::wire::Malformed;
use crate::wire::reader::Reader;

/// A point in time: seconds since 1970, in 64 bits, and nanoseconds. Zero is *never*.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime {
    seconds: i64,
    nanoseconds: u32,
}

impl UnixTime {
    /// The value that means *never* or *not known*.
    pub const NEVER: Self = Self { seconds: 0, nanoseconds: 0 };

    /// From seconds since 1970 and nanoseconds, of which at most 999 999 999 count.
    pub const fn new(seconds: i64, nanoseconds: u32) -> Self {
        let nanoseconds = if nanoseconds > LAST_NANOSECOND { LAST_NANOSECOND } else { nanoseconds };
        Self { seconds, nanoseconds }
    }

    /// Whole seconds since 1970.
    pub const fn seconds(self) -> i64 {
        self.seconds
    }

    /// Nanoseconds of the second, below a thousand million.
    pub const fn nanoseconds(self) -> u32 {
        self.nanoseconds
    }

    /// Whether it stands for no time.
    pub const fn is_never(self) -> bool {
        self.seconds == 0 && self.nanoseconds == 0
    }

    /// As the protocol of time writes it, which knows no era; *never* stays never.
    pub const fn timestamp(self) -> NtpTimestamp {
        if self.is_never() {
            NtpTimestamp::NEVER
        } else {
            NtpTimestamp::from_unix(self.seconds, self.nanoseconds)
        }
    }

    /// Reads the twelve bytes. A sender whose own time has 32 bits says so in the upper word.
    pub(super) fn parse(reader: &mut Reader<'_>, field: &'static str) -> Result<Self, Malformed> {
        let seconds = reader.u64(field)?;
        let nanoseconds = reader.u32(field)?;
        let seconds = if seconds >> 32 == NO_UPPER_WORD { seconds & 0xffff_ffff } else { seconds };
        Ok(Self::new(seconds.cast_signed(), nanoseconds))
    }

    pub(super) fn emit(self, bytes: &mut Vec<u8>) {
        bytes.extend(self.seconds.to_be_bytes());
        bytes.extend(self.nanoseconds.to_be_bytes());
    }
}

/// Reads an age in whole seconds; `None` is *never*.
pub(super) fn parse_age(
    reader: &mut Reader<'_>,
    field: &'static str,
) -> Result<Option<Duration>, Malformed> {
    let seconds = reader.u32(field)?;
    Ok((seconds != NEVER).then(|| Duration::from_secs(u64::from(seconds))))
}

/// Writes an age; what is less than a second is dropped, what is too old for the field becomes
/// the oldest that is not *never*.
pub(super) fn emit_age(age: Option<Duration>, bytes: &mut Vec<u8>) {
    let seconds =
        age.map_or(NEVER, |age| u32::try_from(age.as_secs()).unwrap_or(NEVER).min(NEVER - 1));
    bytes.extend(seconds.to_be_bytes());
}

const LAST_NANOSECOND: u32 = 999_999_999;
const NO_UPPER_WORD: u64 = 0x7fff_ffff;
const NEVER: u32 = u32::MAX;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<UnixTime, Malformed> {
        UnixTime::parse(&mut Reader::new("test", bytes), "time")
    }

    fn written(time: UnixTime) -> Vec<u8> {
        let mut bytes = Vec::new();
        time.emit(&mut bytes);
        bytes
    }

    #[test]
    fn a_captured_time_reads_as_chronyc_printed_it() {
        let bytes = b"\0\0\0\0\x6b\0\xde\x04\x13\x14\x7d\x91";
        let time = read(bytes).unwrap();
        assert_eq!((time.seconds(), time.nanoseconds()), (1_795_218_948, 320_109_969));
        assert_eq!(written(time), bytes);
        assert_eq!(time.timestamp().to_unix(1_700_000_000).0, 1_795_218_948);
    }

    #[test]
    fn a_sender_with_short_time_is_understood() {
        let time = read(b"\x7f\xff\xff\xff\x6b\0\xde\x04\0\0\0\x05").unwrap();
        assert_eq!(time, UnixTime::new(1_795_218_948, 5));
    }

    #[test]
    fn times_beyond_32_bits_and_before_1970_are_kept() {
        for seconds in [-1, i64::MIN, 1 << 33] {
            let time = UnixTime::new(seconds, 7);
            assert_eq!(read(&written(time)), Ok(time));
        }
    }

    #[test]
    fn there_are_no_more_nanoseconds_than_in_a_second() {
        let time = read(b"\0\0\0\0\0\0\0\x01\xff\xff\xff\xff").unwrap();
        assert_eq!(time.nanoseconds(), 999_999_999);
    }

    #[test]
    fn never_is_never_in_either_form() {
        assert_eq!(read(&[0; 12]), Ok(UnixTime::NEVER));
        assert!(UnixTime::NEVER.timestamp().is_never());
        assert!(!UnixTime::new(0, 1).is_never());
    }

    #[test]
    fn every_length_short_is_malformed() {
        for len in 0..12 {
            assert!(read(&vec![0; len]).is_err(), "{len}");
        }
    }

    #[test]
    fn ages_are_whole_seconds_or_never() {
        let age = |bytes: &[u8]| parse_age(&mut Reader::new("test", bytes), "age");
        assert_eq!(age(&[0, 0, 0, 9]), Ok(Some(Duration::from_secs(9))));
        assert_eq!(age(&[0xff; 4]), Ok(None));
        assert!(age(&[0xff; 3]).is_err());
        for (given, expected) in [
            (Some(Duration::from_millis(9_900)), 9),
            (None, u32::MAX),
            (Some(Duration::from_secs(u64::from(u32::MAX))), u32::MAX - 1),
            (Some(Duration::MAX), u32::MAX - 1),
        ] {
            let mut bytes = Vec::new();
            emit_age(given, &mut bytes);
            assert_eq!(bytes, expected.to_be_bytes(), "{given:?}");
        }
    }
}
