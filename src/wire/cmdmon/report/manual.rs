//! `MANUAL_LIST` and `MANUAL_TIMESTAMP`: times that somebody entered by hand.

use crate::wire::Malformed;
use crate::wire::cmdmon::float::{PartsPerMillion, Seconds};
use crate::wire::cmdmon::time::UnixTime;
use crate::wire::reader::Reader;

/// The most samples that the daemon keeps.
pub const MAX_MANUAL_SAMPLES: usize = 16;

/// The times entered by hand as `chronyc manual list` shows them, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ManualList {
    /// At most [`MAX_MANUAL_SAMPLES`]; more are not written.
    pub samples: Vec<ManualSample>,
}

/// A time that was entered by hand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ManualSample {
    /// When it was entered, by the local clock.
    pub when: UnixTime,
    /// The offset with what the clock was corrected by since taken off. **Positive when the local
    /// clock is ahead** of the time entered.
    pub slewed_offset: Seconds,
    /// The offset as it was entered. **Positive when the local clock was ahead.**
    pub original_offset: Seconds,
    /// How far it lies from the line through all of them.
    pub residual: Seconds,
}

impl ManualList {
    /// Reads the list; a count beyond the sixteen slots is malformed.
    pub(super) fn parse(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let position = reader.position();
        let claimed = reader.u32("count of samples")?;
        let slots: [ManualSample; MAX_MANUAL_SAMPLES] = parse_slots(reader, ManualSample::parse)?;
        let samples = counted("count of samples", position, claimed, &slots)?;
        Ok(Self { samples })
    }

    pub(super) fn emit(&self, bytes: &mut Vec<u8>) {
        emit_count(self.samples.len(), MAX_MANUAL_SAMPLES, bytes);
        let filled = self.samples.iter().copied().chain(std::iter::repeat(ManualSample::default()));
        for sample in filled.take(MAX_MANUAL_SAMPLES) {
            sample.emit(bytes);
        }
    }
}

/// Reads all slots of a list, of which its count says how many are in use.
pub(super) fn parse_slots<T: Copy + Default, const N: usize>(
    reader: &mut Reader<'_>,
    parse: fn(&mut Reader<'_>) -> Result<T, Malformed>,
) -> Result<[T; N], Malformed> {
    let mut slots = [T::default(); N];
    for slot in &mut slots {
        *slot = parse(reader)?;
    }
    Ok(slots)
}

/// The slots in use; a count beyond them is malformed.
pub(super) fn counted<T: Copy>(
    field: &'static str,
    position: usize,
    claimed: u32,
    slots: &[T],
) -> Result<Vec<T>, Malformed> {
    let used = usize::try_from(claimed).ok().and_then(|claimed| slots.get(..claimed));
    let invalid = Malformed::Invalid { field, position, value: u64::from(claimed) };
    used.map(<[T]>::to_vec).ok_or(invalid)
}

/// Writes how many of `len` fit into `slots`.
pub(super) fn emit_count(len: usize, slots: usize, bytes: &mut Vec<u8>) {
    let count = u32::try_from(len.min(slots)).unwrap_or_default();
    bytes.extend(count.to_be_bytes());
}

impl ManualSample {
    fn parse(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            when: UnixTime::parse(reader, "time of a sample")?,
            slewed_offset: Seconds::parse(reader, "slewed offset of a sample")?,
            original_offset: Seconds::parse(reader, "original offset of a sample")?,
            residual: Seconds::parse(reader, "residual of a sample")?,
        })
    }

    fn emit(self, bytes: &mut Vec<u8>) {
        self.when.emit(bytes);
        self.slewed_offset.emit(bytes);
        self.original_offset.emit(bytes);
        self.residual.emit(bytes);
    }
}

/// What entering a time by hand did: the answer to `SETTIME`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ManualTimestamp {
    /// What the clock is corrected by. **Positive when the local clock was ahead.**
    pub offset: Seconds,
    /// The change of frequency. **Positive when the local clock ran fast.**
    pub frequency_change: PartsPerMillion,
    /// The frequency from now on. **Positive when the local clock runs fast.**
    pub frequency: PartsPerMillion,
}

impl ManualTimestamp {
    pub(super) fn parse(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            offset: Seconds::parse(reader, "offset")?,
            frequency_change: PartsPerMillion::parse(reader, "change of frequency")?,
            frequency: PartsPerMillion::parse(reader, "new frequency")?,
        })
    }

    pub(super) fn emit(&self, bytes: &mut Vec<u8>) {
        self.offset.emit(bytes);
        self.frequency_change.emit(bytes);
        self.frequency.emit(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::cmdmon::report::testing::{assert_layout, read, words, written};
    use crate::wire::cmdmon::{ReplyType, Report};

    /// Captured from chronyd 4.3: one sample of sixteen.
    fn captured() -> Vec<u8> {
        let mut data = words(&[1, 0, 0x6b00_de2f, 0x394f_bbc4, 0x00ec_4d3b, 0x00ec_4d3b, 0]);
        data.resize(388, 0);
        data
    }

    fn list(data: &[u8]) -> Result<ManualList, Malformed> {
        match read(ReplyType::MANUAL_LIST2, data)? {
            Report::ManualList(list) => Ok(list),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_captured_list_is_taken_apart_and_written_again() {
        let list = list(&captured()).unwrap();
        assert_layout(&captured(), &Report::ManualList(list.clone()));
        let [sample] = list.samples[..] else { panic!("{list:?}") };
        assert_eq!(sample.when, UnixTime::new(1_795_218_991, 961_526_724));
        assert_eq!(format!("{:.6}", sample.original_offset.seconds()), "0.461527");
        assert_eq!(sample.slewed_offset, sample.original_offset);
        assert_eq!(sample.residual, Seconds::ZERO);
    }

    #[test]
    fn a_full_list_has_sixteen_and_no_more() {
        let sample = ManualSample { when: UnixTime::new(5, 6), ..ManualSample::default() };
        let full = Report::ManualList(ManualList { samples: vec![sample; 16] });
        assert_layout(&written(&full), &full);
        let overfull = Report::ManualList(ManualList { samples: vec![sample; 17] });
        assert_eq!(written(&overfull), written(&full));
        let empty = Report::ManualList(ManualList::default());
        assert_layout(&[0; 388], &empty);
    }

    #[test]
    fn a_count_beyond_the_slots_is_malformed() {
        for count in [17, 0x7fff_ffff, u32::MAX] {
            let mut data = captured();
            data[..4].copy_from_slice(&count.to_be_bytes());
            let value = u64::from(count);
            let error = Malformed::Invalid { field: "count of samples", position: 0, value };
            assert_eq!(list(&data), Err(error));
        }
    }

    #[test]
    fn what_a_time_by_hand_did_is_taken_apart_and_written_again() {
        // Captured from chronyd 4.3: half a second ahead, −0.6 ppm.
        let data = words(&[0x00ec_4d3b, 0, 0x0098_18ba]);
        let Ok(Report::ManualTimestamp(done)) = read(ReplyType::MANUAL_TIMESTAMP2, &data) else {
            panic!("not read")
        };
        assert_layout(&data, &Report::ManualTimestamp(done));
        assert_eq!(format!("{:.6}", done.offset.seconds()), "0.461527");
        assert_eq!(done.frequency_change, PartsPerMillion::ZERO);
        assert_eq!(format!("{:.6}", done.frequency.parts_per_million()), "0.297064");
    }
}
