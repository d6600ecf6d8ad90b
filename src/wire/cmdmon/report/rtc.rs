//! `RTC`: the real-time clock beside the system's.

use std::time::Duration;

use crate::wire::Malformed;
use crate::wire::cmdmon::float::{PartsPerMillion, Seconds};
use crate::wire::cmdmon::time::UnixTime;
use crate::wire::reader::Reader;

/// The real-time clock as `chronyc rtcdata` shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RtcReport {
    /// When it was last measured, by its own time.
    pub reference_time: UnixTime,
    /// Measurements that are kept.
    pub samples: u16,
    /// Runs of residuals of one sign.
    pub runs: u16,
    /// Time between the oldest and the newest measurement.
    pub span: Duration,
    /// How far it is off. **Positive when the real-time clock is ahead** of the system's.
    pub offset: Seconds,
    /// How it runs. **Positive when the real-time clock gains.**
    pub frequency: PartsPerMillion,
}

impl RtcReport {
    pub(super) fn parse(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            reference_time: UnixTime::parse(reader, "reference time")?,
            samples: reader.u16("samples")?,
            runs: reader.u16("runs")?,
            span: Duration::from_secs(u64::from(reader.u32("span")?)),
            offset: Seconds::parse(reader, "offset")?,
            frequency: PartsPerMillion::parse(reader, "frequency")?,
        })
    }

    pub(super) fn emit(&self, bytes: &mut Vec<u8>) {
        self.reference_time.emit(bytes);
        bytes.extend(self.samples.to_be_bytes());
        bytes.extend(self.runs.to_be_bytes());
        let span = u32::try_from(self.span.as_secs()).unwrap_or(u32::MAX);
        bytes.extend(span.to_be_bytes());
        self.offset.emit(bytes);
        self.frequency.emit(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::cmdmon::Report;
    use crate::wire::cmdmon::report::testing::{assert_layout, words};

    #[test]
    fn the_report_is_taken_apart_and_written_again() {
        let report = RtcReport {
            reference_time: UnixTime::new(1_795_218_948, 0),
            samples: 10,
            runs: 5,
            span: Duration::from_secs(600),
            offset: Seconds::new(-1.5),
            frequency: PartsPerMillion::new(3.0),
        };
        let data = words(&[0, 0x6b00_de04, 0, 0x000a_0005, 600, 0x0340_0000, 0x06c0_0000]);
        let data = [&data[..20], &Seconds::new(-1.5).float().bits().to_be_bytes(), &data[24..]];
        assert_layout(&data.concat(), &Report::Rtc(report));
    }
}
