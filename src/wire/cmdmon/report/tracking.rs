//! `TRACKING`: the clock and what it follows.

use crate::units::{Leap, RefId, Stratum};
use crate::wire::Malformed;
use crate::wire::cmdmon::address::Address;
use crate::wire::cmdmon::float::{PartsPerMillion, Seconds};
use crate::wire::cmdmon::narrow;
use crate::wire::cmdmon::report::{leap_of, reference_id};
use crate::wire::cmdmon::time::UnixTime;
use crate::wire::reader::Reader;

/// The clock as `chronyc tracking` shows it.
///
/// Not synchronised is: leap alarm, stratum 0, a reference ID of zeros, no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tracking {
    /// What the clock follows; 127.127.1.1 is nothing but itself (`local`).
    pub reference_id: RefId,
    /// The address of the selected source; unspecified for a reference clock and for none.
    pub address: Address,
    /// The daemon's own stratum: its source's and one more.
    pub stratum: Stratum,
    /// The leap indicator.
    pub leap: Leap,
    /// When the clock was last updated from a source.
    pub reference_time: UnixTime,
    /// What is left to slew: chronyc's *System time*, how far the clock that programs read is
    /// from the daemon's own idea of the time. **Positive when the system clock is behind.**
    pub current_correction: Seconds,
    /// The offset at the last update, chronyc's *Last offset*. **Positive when the local clock
    /// was ahead** of the sources.
    pub last_offset: Seconds,
    /// The long-term average of the offset's size. Never negative.
    pub rms_offset: Seconds,
    /// How wrong the clock would run without correction. **Positive when it runs fast.**
    pub frequency: PartsPerMillion,
    /// How far the frequency in use is from what the last measurements say. **Positive when the
    /// corrected clock runs fast.**
    pub residual_frequency: PartsPerMillion,
    /// The estimated error of the frequency. Never negative.
    pub skew: PartsPerMillion,
    /// The sum of the delays to the reference clock.
    pub root_delay: Seconds,
    /// The sum of the dispersions to the reference clock, aged to the moment of the reply.
    pub root_dispersion: Seconds,
    /// The time between the last two updates.
    pub update_interval: Seconds,
}

impl Tracking {
    pub(super) fn parse(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            reference_id: reference_id(reader)?,
            address: Address::parse(reader, "address")?,
            stratum: Stratum::new(narrow(reader, "stratum", Reader::u16)?),
            leap: {
                let position = reader.position();
                leap_of(narrow(reader, "leap", Reader::u16)?, position)?
            },
            reference_time: UnixTime::parse(reader, "reference time")?,
            current_correction: Seconds::parse(reader, "current correction")?,
            last_offset: Seconds::parse(reader, "last offset")?,
            rms_offset: Seconds::parse(reader, "RMS offset")?,
            frequency: PartsPerMillion::parse(reader, "frequency")?,
            residual_frequency: PartsPerMillion::parse(reader, "residual frequency")?,
            skew: PartsPerMillion::parse(reader, "skew")?,
            root_delay: Seconds::parse(reader, "root delay")?,
            root_dispersion: Seconds::parse(reader, "root dispersion")?,
            update_interval: Seconds::parse(reader, "update interval")?,
        })
    }

    pub(super) fn emit(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.reference_id.octets());
        self.address.emit(bytes);
        bytes.extend(u16::from(self.stratum.get()).to_be_bytes());
        bytes.extend(u16::from(self.leap.bits()).to_be_bytes());
        self.reference_time.emit(bytes);
        self.current_correction.emit(bytes);
        self.last_offset.emit(bytes);
        self.rms_offset.emit(bytes);
        self.frequency.emit(bytes);
        self.residual_frequency.emit(bytes);
        self.skew.emit(bytes);
        self.root_delay.emit(bytes);
        self.root_dispersion.emit(bytes);
        self.update_interval.emit(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::cmdmon::report::testing::{assert_layout, read, words};
    use crate::wire::cmdmon::{ReplyType, Report};

    /// Captured from chronyd 4.3.
    fn captured() -> Vec<u8> {
        words(&[
            0x7f00_0002,
            0x7f00_0002,
            0,
            0,
            0,
            0x0001_0000,
            0x0004_0000,
            0,
            0x6b00_de04,
            0x1314_7d91,
            0xdf63_b180,
            0xd150_63c3,
            0xd4ff_a82f,
            0xf53a_caab,
            0xe971_eb0d,
            0xf8d0_702a,
            0xe281_df58,
            0xdeaa_41e7,
            0x0683_c650,
        ])
    }

    fn tracking(data: &[u8]) -> Tracking {
        match read(ReplyType::TRACKING, data) {
            Ok(Report::Tracking(tracking)) => tracking,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_captured_clock_is_taken_apart_and_written_again() {
        let clock = tracking(&captured());
        assert_layout(&captured(), &Report::Tracking(clock));
        assert_eq!(clock.reference_id.address().to_string(), "127.0.0.2");
        assert_eq!(clock.address.to_string(), "127.0.0.2");
        assert_eq!((clock.stratum.get(), clock.leap), (4, Leap::None));
        assert_eq!(clock.reference_time, UnixTime::new(1_795_218_948, 320_109_969));
        let close = |found: f64, expected: f64| (found - expected).abs() < expected.abs() * 1e-12;
        for (found, expected) in [
            (clock.current_correction, -2.329_150_447_621_941_6e-6),
            (clock.last_offset, -2.044_373_026_421_908_4e-8),
            (clock.rms_offset, 1.190_495_524_383_550_2e-7),
            (clock.root_delay, 7.741_000_445_093_96e-6),
            (clock.root_dispersion, 2.537_033_424_232_504_3e-6),
            (clock.update_interval, 2.058_979_034_423_828),
        ] {
            assert!(close(found.seconds(), expected), "{found:?} {expected}");
        }
        for (found, expected) in [
            (clock.frequency, -0.006_018_320_564_180_612_6),
            (clock.residual_frequency, -6.774_989_742_552_862e-5),
            (clock.skew, 0.025_444_108_992_815_018),
        ] {
            assert!(close(found.parts_per_million(), expected), "{found:?} {expected}");
        }
    }

    #[test]
    fn a_clock_that_follows_nothing_is_read() {
        let mut data = captured();
        data[..28].fill(0);
        data[27] = 3;
        let clock = tracking(&data);
        assert_eq!(clock.leap, Leap::Alarm);
        assert_eq!(clock.address, Address::Unspecified);
        assert_eq!(clock.reference_id, RefId::default());
    }

    #[test]
    fn what_does_not_fit_is_malformed() {
        for (place, value, error) in [
            (24, 1, "stratum at byte 24 is not valid: 0x104"),
            (26, 1, "leap at byte 26 is not valid: 0x100"),
            (27, 4, "leap at byte 26 is not valid: 0x4"),
        ] {
            let mut data = captured();
            data[place] = value;
            assert_eq!(read(ReplyType::TRACKING, &data).unwrap_err().to_string(), error);
        }
    }
}
