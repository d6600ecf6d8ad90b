//! `SMOOTHING`: how served time is kept smooth.

use crate::wire::Malformed;
use crate::wire::cmdmon::float::{PartsPerMillion, Seconds};
use crate::wire::reader::Reader;

/// The smoothing of served time as `chronyc smoothing` shows it.
///
/// The signs here are those of the time that clients get, not of the local clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Smoothing {
    /// All flags: 1 is active, 2 is for leap seconds only.
    pub flags: u32,
    /// What is added to served time. **Positive when clients get time ahead** of the daemon's.
    pub offset: Seconds,
    /// **Positive when served time runs faster** than the daemon's.
    pub frequency: PartsPerMillion,
    /// How that frequency changes, in ppm a second. **Positive when served time speeds up.**
    pub wander: PartsPerMillion,
    /// How long ago the process was last updated; 0 when it is not active.
    pub last_update: Seconds,
    /// How long it will take until nothing is left to smooth; 0 when it is not active.
    pub remaining: Seconds,
}

impl Smoothing {
    /// Whether it has begun.
    pub const fn is_active(&self) -> bool {
        self.flags & 1 != 0
    }

    /// Whether only leap seconds are smoothed.
    pub const fn is_leap_only(&self) -> bool {
        self.flags & 2 != 0
    }

    pub(super) fn parse(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            flags: reader.u32("flags")?,
            offset: Seconds::parse(reader, "offset")?,
            frequency: PartsPerMillion::parse(reader, "frequency")?,
            wander: PartsPerMillion::parse(reader, "wander")?,
            last_update: Seconds::parse(reader, "age of the last update")?,
            remaining: Seconds::parse(reader, "remaining time")?,
        })
    }

    pub(super) fn emit(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.flags.to_be_bytes());
        self.offset.emit(bytes);
        self.frequency.emit(bytes);
        self.wander.emit(bytes);
        self.last_update.emit(bytes);
        self.remaining.emit(bytes);
    }
}

#[cfg(test)]
mod tests {
    use crate::wire::cmdmon::report::testing::{assert_layout, read, words};
    use crate::wire::cmdmon::{ReplyType, Report};

    #[test]
    fn a_captured_report_is_taken_apart_and_written_again() {
        let mut data = words(&[1, 0xe106_839b, 0xfa97_cf45, 0xf083_126f, 0x04b5_50bc, 0x128f_2eaf]);
        let Ok(Report::Smoothing(smoothing)) = read(ReplyType::SMOOTHING, &data) else {
            panic!("not read")
        };
        assert_layout(&data, &Report::Smoothing(smoothing));
        assert!(smoothing.is_active() && !smoothing.is_leap_only());
        assert_eq!(format!("{:.9}", smoothing.offset.seconds()), "-0.000007435");
        assert_eq!(format!("{:.6}", smoothing.frequency.parts_per_million()), "0.037063");
        assert_eq!(format!("{:.6}", smoothing.wander.parts_per_million()), "0.001000");
        assert_eq!(format!("{:.1}", smoothing.last_update.seconds()), "1.4");
        assert_eq!(format!("{:.1}", smoothing.remaining.seconds()), "143.2");
        data[..4].copy_from_slice(&[0x80, 0, 0, 2]);
        let Ok(Report::Smoothing(other)) = read(ReplyType::SMOOTHING, &data) else {
            panic!("not read")
        };
        assert!(!other.is_active() && other.is_leap_only());
        assert_layout(&data, &Report::Smoothing(other));
    }
}
