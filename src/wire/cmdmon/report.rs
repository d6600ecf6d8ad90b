//! What replies carry, a layout to a file.

use crate::units::{Leap, RefId};
use crate::wire::Malformed;
use crate::wire::cmdmon::{ReplyType, narrow};
use crate::wire::reader::Reader;

mod activity;
mod auth;
mod clients;
mod manual;
mod name;
mod ntp_data;
mod rtc;
mod selection;
mod server_stats;
mod smoothing;
mod source;
mod statistics;
mod tracking;

pub use activity::Activity;
pub use auth::{AuthData, AuthMode};
pub use clients::{Accesses, ClientAccess, ClientAccesses, MAX_CLIENTS};
pub use manual::{MAX_MANUAL_SAMPLES, ManualList, ManualSample, ManualTimestamp};
pub use name::{NAME_LEN, SourceName};
pub use ntp_data::{
    NTP_TESTS, NtpData, NtpHeader, NtpSample, NtpTest, NtpTests, NtpTotals, StampTotals, StampedBy,
};
pub use rtc::RtcReport;
pub use selection::{SELECT_STATES, SelectCode, SelectData, SelectOptions, SelectState};
pub use server_stats::{InterleavedStats, NtsStats, ServerStats, StampStats};
pub use smoothing::Smoothing;
pub use source::{SourceData, SourceMode, SourceState};
pub use statistics::SourceStats;
pub use tracking::Tracking;

/// The data of a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Report {
    /// None: a change made, a refusal, an access check's answer.
    Nothing,
    /// How many sources there are.
    SourceCount(u32),
    /// A source.
    SourceData(SourceData),
    /// The clock.
    Tracking(Tracking),
    /// Statistics of a source.
    SourceStats(SourceStats),
    /// The real-time clock.
    Rtc(RtcReport),
    /// Counts of sources by activity.
    Activity(Activity),
    /// The smoothing of served time.
    Smoothing(Smoothing),
    /// What was served, in any of its four layouts.
    ServerStats(ServerStats),
    /// A source's last packet, in either of its two layouts.
    NtpData(Box<NtpData>),
    /// What entering a time by hand did.
    ManualTimestamp(ManualTimestamp),
    /// The times entered by hand.
    ManualList(ManualList),
    /// A source's name.
    SourceName(SourceName),
    /// A source's authentication.
    AuthData(AuthData),
    /// Clients.
    ClientAccesses(ClientAccesses),
    /// A source's selection.
    SelectData(SelectData),
    /// A layout not known here: of a version to come, or one that 4.0 had left behind.
    Other {
        /// Its type; never one of those known when it was read.
        reply: ReplyType,
        /// Its data as they came.
        data: Vec<u8>,
    },
}

impl Report {
    /// The type of the reply that carries it.
    pub const fn reply_type(&self) -> ReplyType {
        match self {
            Self::Nothing => ReplyType::NULL,
            Self::SourceCount(_) => ReplyType::N_SOURCES,
            Self::SourceData(_) => ReplyType::SOURCE_DATA,
            Self::Tracking(_) => ReplyType::TRACKING,
            Self::SourceStats(_) => ReplyType::SOURCESTATS,
            Self::Rtc(_) => ReplyType::RTC,
            Self::Activity(_) => ReplyType::ACTIVITY,
            Self::Smoothing(_) => ReplyType::SMOOTHING,
            Self::ServerStats(stats) => stats.reply_type(),
            Self::NtpData(data) => data.reply_type(),
            Self::ManualTimestamp(_) => ReplyType::MANUAL_TIMESTAMP2,
            Self::ManualList(_) => ReplyType::MANUAL_LIST2,
            Self::SourceName(_) => ReplyType::NTP_SOURCE_NAME,
            Self::AuthData(_) => ReplyType::AUTH_DATA,
            Self::ClientAccesses(_) => ReplyType::CLIENT_ACCESSES_BY_INDEX3,
            Self::SelectData(_) => ReplyType::SELECT_DATA,
            Self::Other { reply, .. } => *reply,
        }
    }

    /// Reads the data of a reply of this type. What follows them is not looked at.
    pub(super) fn parse(reply: ReplyType, reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(match reply {
            ReplyType::NULL => Self::Nothing,
            ReplyType::N_SOURCES => Self::SourceCount(reader.u32("count of sources")?),
            ReplyType::SOURCE_DATA => Self::SourceData(SourceData::parse(reader)?),
            ReplyType::TRACKING => Self::Tracking(Tracking::parse(reader)?),
            ReplyType::SOURCESTATS => Self::SourceStats(SourceStats::parse(reader)?),
            ReplyType::RTC => Self::Rtc(RtcReport::parse(reader)?),
            ReplyType::ACTIVITY => Self::Activity(Activity::parse(reader)?),
            ReplyType::SMOOTHING => Self::Smoothing(Smoothing::parse(reader)?),
            ReplyType::SERVER_STATS
            | ReplyType::SERVER_STATS2
            | ReplyType::SERVER_STATS3
            | ReplyType::SERVER_STATS4 => Self::ServerStats(ServerStats::parse(reply, reader)?),
            ReplyType::NTP_DATA | ReplyType::NTP_DATA2 => {
                Self::NtpData(Box::new(NtpData::parse(reply, reader)?))
            }
            ReplyType::MANUAL_TIMESTAMP2 => Self::ManualTimestamp(ManualTimestamp::parse(reader)?),
            ReplyType::MANUAL_LIST2 => Self::ManualList(ManualList::parse(reader)?),
            ReplyType::NTP_SOURCE_NAME => Self::SourceName(SourceName::parse(reader)?),
            ReplyType::AUTH_DATA => Self::AuthData(AuthData::parse(reader)?),
            ReplyType::CLIENT_ACCESSES_BY_INDEX3 => {
                Self::ClientAccesses(ClientAccesses::parse(reader)?)
            }
            ReplyType::SELECT_DATA => Self::SelectData(SelectData::parse(reader)?),
            reply => Self::Other { reply, data: reader.rest().to_vec() },
        })
    }

    pub(super) fn emit(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Nothing => {}
            Self::SourceCount(count) => bytes.extend(count.to_be_bytes()),
            Self::SourceData(data) => data.emit(bytes),
            Self::Tracking(tracking) => tracking.emit(bytes),
            Self::SourceStats(stats) => stats.emit(bytes),
            Self::Rtc(rtc) => rtc.emit(bytes),
            Self::Activity(activity) => activity.emit(bytes),
            Self::Smoothing(smoothing) => smoothing.emit(bytes),
            Self::ServerStats(stats) => stats.emit(bytes),
            Self::NtpData(data) => data.emit(bytes),
            Self::ManualTimestamp(manual) => manual.emit(bytes),
            Self::ManualList(list) => list.emit(bytes),
            Self::SourceName(name) => name.emit(bytes),
            Self::AuthData(auth) => auth.emit(bytes),
            Self::ClientAccesses(clients) => clients.emit(bytes),
            Self::SelectData(data) => data.emit(bytes),
            Self::Other { data, .. } => bytes.extend(data),
        }
    }
}

/// Reads a leap indicator of one byte; there are four.
fn leap_of(number: u8, position: usize) -> Result<Leap, Malformed> {
    if number > Leap::Alarm.bits() {
        let value = u64::from(number);
        return Err(Malformed::Invalid { field: "leap", position, value });
    }
    Ok(Leap::from_bits(number))
}

fn reference_id(reader: &mut Reader<'_>) -> Result<RefId, Malformed> {
    reader.array("reference ID").map(RefId::new)
}

/// Reads a count that is signed on the wire and never negative.
fn count(reader: &mut Reader<'_>, field: &'static str) -> Result<u32, Malformed> {
    narrow(reader, field, |reader, field| reader.u32(field).map(u32::cast_signed))
}

/// What each layout's own tests share: they start behind the header.
#[cfg(test)]
mod testing {
    use crate::wire::Malformed;
    use crate::wire::cmdmon::{ReplyType, Report};
    use crate::wire::reader::Reader;

    /// Reads `data` as those of a reply.
    pub(super) fn read(reply: ReplyType, data: &[u8]) -> Result<Report, Malformed> {
        Report::parse(reply, &mut Reader::new("test reply", data))
    }

    /// The data of a report.
    pub(super) fn written(report: &Report) -> Vec<u8> {
        let mut bytes = Vec::new();
        report.emit(&mut bytes);
        bytes
    }

    /// That `data` read as this report, are written again, and are refused with any byte missing.
    pub(super) fn assert_layout(data: &[u8], report: &Report) {
        let reply = report.reply_type();
        assert_eq!(read(reply, data).as_ref(), Ok(report));
        assert_eq!(written(report), data);
        for len in 0..data.len() {
            assert!(read(reply, &data[..len]).is_err(), "{len}");
        }
        let longer = [data, &[0xaa; 9]].concat();
        assert_eq!(read(reply, &longer).as_ref(), Ok(report), "what follows is not looked at");
        let row = reply.row().unwrap();
        assert_eq!(crate::wire::cmdmon::REPLY_HEADER_LEN + data.len(), row.len);
    }

    /// Bytes from words, as they stand in a dump.
    pub(super) fn words(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }
}
