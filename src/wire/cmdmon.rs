//! cmdmon: chronyd's command and monitoring protocol, version 6, as chrony 4.0 to 4.8 speak it.
//!
//! One datagram asks, at most one answers, over UDP or a Unix socket; the two are told to belong
//! together by command and sequence number, so any number of questions may be in flight. A
//! request has to be as long as its longest reply, whence the padding. [`Request`] and [`Reply`]
//! are one datagram each, both read and written: the one side is ours, the other a test's. What
//! can be asked stands in [`COMMANDS`], what comes back is a [`Report`].
//!
//! **Signs are the wire's**, and they differ from report to report; each field says when it is
//! positive. In short: the offsets of [`SourceData`] and [`SourceStats`], the limits of
//! [`SelectData`] and the last offset of [`Tracking`] are positive when the **local clock is
//! ahead**; the offset of [`NtpData`] and the current correction of [`Tracking`] are positive when
//! it is **behind**.

pub mod address;
pub mod change;
pub mod command;
pub mod float;
pub mod reply;
pub mod report;
pub mod request;
pub mod status;
pub mod time;

use crate::wire::Malformed;
use crate::wire::reader::Reader;

pub use address::{Address, SourceId};
pub use change::Change;
pub use command::{
    Access, COMMANDS, Command, CommandRow, Purpose, REPLY_TYPES, Release, ReplyType, ReplyTypeRow,
};
pub use float::{Float, PartsPerMillion, Seconds};
pub use reply::{Reply, ReplyHeader, RequestKey};
pub use report::{
    Activity, AuthData, ClientAccesses, ManualList, ManualTimestamp, NtpData, Report, RtcReport,
    SelectData, ServerStats, Smoothing, SourceData, SourceName, SourceStats, Tracking,
};
pub use request::{Body, ClientRange, Request, RequestHeader};
pub use status::Status;
pub use time::UnixTime;

/// The UDP port.
pub const PORT: u16 = 323;

/// The version of the protocol.
pub const VERSION: u8 = 6;

/// Bytes before the data of a request.
pub const REQUEST_HEADER_LEN: usize = 20;

/// Bytes before the data of a reply.
pub const REPLY_HEADER_LEN: usize = 28;

/// The shortest request that is not dropped without an answer.
pub const LEAST_REQUEST_LEN: usize = REPLY_HEADER_LEN;

/// The longest request that every version takes; padding beyond is dropped without an answer.
pub const MOST_REQUEST_LEN: usize = 860;

/// The longest reply of the versions known.
pub const MOST_REPLY_LEN: usize = 520;

/// The oldest other version whose refusal we understand.
const OLDEST_COMPATIBLE: u8 = 4;

/// Reads a field of the wire into a narrower type; what does not fit is malformed.
fn narrow<'a, W: Copy + Into<i64>, N: TryFrom<W>>(
    reader: &mut Reader<'a>,
    field: &'static str,
    read: impl FnOnce(&mut Reader<'a>, &'static str) -> Result<W, Malformed>,
) -> Result<N, Malformed> {
    let position = reader.position();
    let wide = read(reader, field)?;
    let invalid = |_| Malformed::Invalid { field, position, value: wide.into().cast_unsigned() };
    N::try_from(wide).map_err(invalid)
}
