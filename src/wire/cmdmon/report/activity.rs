//! `ACTIVITY`: how many sources are asked, and how many are not.

use crate::wire::Malformed;
use crate::wire::cmdmon::report::count;
use crate::wire::reader::Reader;

/// Sources by activity, as `chronyc activity` counts them. Reference clocks are not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Activity {
    /// Asked as their poll interval says.
    pub online: u32,
    /// Not asked.
    pub offline: u32,
    /// In a burst, online after it.
    pub burst_then_online: u32,
    /// In a burst, offline after it.
    pub burst_then_offline: u32,
    /// Without an address as yet.
    pub unresolved: u32,
}

impl Activity {
    pub(super) fn parse(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            online: count(reader, "online")?,
            offline: count(reader, "offline")?,
            burst_then_online: count(reader, "burst, then online")?,
            burst_then_offline: count(reader, "burst, then offline")?,
            unresolved: count(reader, "unresolved")?,
        })
    }

    pub(super) fn emit(&self, bytes: &mut Vec<u8>) {
        for count in [
            self.online,
            self.offline,
            self.burst_then_online,
            self.burst_then_offline,
            self.unresolved,
        ] {
            bytes.extend(count.to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::cmdmon::report::testing::{assert_layout, read, words};
    use crate::wire::cmdmon::{ReplyType, Report};

    #[test]
    fn counts_are_taken_apart_and_written_again() {
        let activity = Activity {
            online: 3,
            offline: 4,
            burst_then_online: 5,
            burst_then_offline: 6,
            unresolved: 1,
        };
        assert_layout(&words(&[3, 4, 5, 6, 1]), &Report::Activity(activity));
    }

    #[test]
    fn a_negative_count_is_malformed() {
        for place in 0..5 {
            let mut counts = [0; 5];
            counts[place] = 0x8000_0000;
            assert!(read(ReplyType::ACTIVITY, &words(&counts)).is_err(), "{place}");
        }
    }
}
