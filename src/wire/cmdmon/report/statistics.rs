//! `SOURCESTATS`: the regression over a source's samples.

use std::time::Duration;

use crate::units::RefId;
use crate::wire::Malformed;
use crate::wire::cmdmon::address::{Address, SourceId};
use crate::wire::cmdmon::float::{PartsPerMillion, Seconds};
use crate::wire::cmdmon::report::reference_id;
use crate::wire::reader::Reader;

/// The statistics of a source as `chronyc sourcestats` shows them.
///
/// Without samples the deviation is 4 s and the skew the greatest there is, 2000 ppm up to 4.8:
/// they stand for *nothing known*.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceStats {
    /// Its reference ID: a reference clock's letters, a server's address or a hash of it.
    pub reference_id: RefId,
    /// Its address; unspecified for a reference clock.
    pub address: Address,
    /// Samples that are kept.
    pub samples: u32,
    /// Runs of residuals of one sign: few of them say that a straight line does not fit.
    pub runs: u32,
    /// Time between the oldest and the newest sample.
    pub span: Duration,
    /// The standard deviation of the samples about the line. Never negative.
    pub standard_deviation: Seconds,
    /// How much the local clock gains on the source as it is corrected now. **Positive when the
    /// local clock runs fast.**
    pub residual_frequency: PartsPerMillion,
    /// The estimated error of that frequency. Never negative.
    pub skew: PartsPerMillion,
    /// The offset that the line gives for now. **Positive when the local clock is ahead** of the
    /// source.
    pub estimated_offset: Seconds,
    /// The estimated error of that offset. Never negative.
    pub offset_error: Seconds,
}

impl SourceStats {
    /// What it is known by in other reports.
    pub const fn id(&self) -> SourceId {
        SourceId::of(self.address, self.reference_id)
    }

    pub(super) fn parse(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            reference_id: reference_id(reader)?,
            address: Address::parse(reader, "address")?,
            samples: reader.u32("samples")?,
            runs: reader.u32("runs")?,
            span: Duration::from_secs(u64::from(reader.u32("span")?)),
            standard_deviation: Seconds::parse(reader, "standard deviation")?,
            residual_frequency: PartsPerMillion::parse(reader, "residual frequency")?,
            skew: PartsPerMillion::parse(reader, "skew")?,
            estimated_offset: Seconds::parse(reader, "estimated offset")?,
            offset_error: Seconds::parse(reader, "offset error")?,
        })
    }

    pub(super) fn emit(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.reference_id.octets());
        self.address.emit(bytes);
        let span = u32::try_from(self.span.as_secs()).unwrap_or(u32::MAX);
        for word in [self.samples, self.runs, span] {
            bytes.extend(word.to_be_bytes());
        }
        self.standard_deviation.emit(bytes);
        self.residual_frequency.emit(bytes);
        self.skew.emit(bytes);
        self.estimated_offset.emit(bytes);
        self.offset_error.emit(bytes);
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
            30,
            17,
            43,
            0xda84_9cff,
            0xe971_eb0d,
            0xf8c7_1a09,
            0xc136_3814,
            0xe08a_ff27,
        ])
    }

    fn statistics(data: &[u8]) -> SourceStats {
        match read(ReplyType::SOURCESTATS, data) {
            Ok(Report::SourceStats(statistics)) => statistics,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn captured_statistics_are_taken_apart_and_written_again() {
        let stats = statistics(&captured());
        assert_layout(&captured(), &Report::SourceStats(stats));
        assert_eq!((stats.samples, stats.runs, stats.span), (30, 17, Duration::from_secs(43)));
        assert_eq!(format!("{:.15}", stats.standard_deviation.seconds()), "0.000000494022913");
        assert_eq!(format!("{:.9}", stats.residual_frequency.parts_per_million()), "-0.000067750");
        assert_eq!(format!("{:.9}", stats.skew.parts_per_million()), "0.024304407");
        assert_eq!(format!("{:.15}", stats.estimated_offset.seconds()), "-0.000000000091759");
        assert_eq!(format!("{:.15}", stats.offset_error.seconds()), "0.000004142424132");
    }

    #[test]
    fn a_reference_clock_is_known_by_its_letters() {
        let mut data = captured();
        data[..24].fill(0);
        data[..4].copy_from_slice(b"PPS\0");
        let stats = statistics(&data);
        assert_eq!(stats.id(), SourceId::ReferenceClock(RefId::new(*b"PPS\0")));
        assert_layout(&data, &Report::SourceStats(stats));
    }

    #[test]
    fn any_number_is_held() {
        let data = [captured()[..24].to_vec(), vec![0xff; 32]].concat();
        assert_layout(&data, &Report::SourceStats(statistics(&data)));
    }
}
