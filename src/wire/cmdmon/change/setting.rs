//! What can be set of one source, each by a command of its own.

use crate::units::{PollExponent, Stratum};
use crate::wire::Malformed;
use crate::wire::cmdmon::change::{ratio, signed};
use crate::wire::cmdmon::{Command, Float, Seconds, narrow};
use crate::wire::reader::Reader;

/// Something of one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceSetting {
    /// The least poll exponent.
    MinPoll(PollExponent),
    /// The greatest poll exponent.
    MaxPoll(PollExponent),
    /// The delay beyond which a measurement is dropped.
    MaxDelay(Seconds),
    /// The same, as a multiple of the least delay; 0 for no limit.
    MaxDelayRatio(Float),
    /// The same, as a multiple of the standard deviation beyond the least delay.
    MaxDelayDeviationRatio(Float),
    /// The least stratum that it is given.
    MinStratum(Stratum),
    /// How many measurements its poll interval aims at.
    PollTarget(i32),
}

/// How a setting is read.
pub(super) type ReadSetting = fn(&mut Reader<'_>) -> Result<SourceSetting, Malformed>;

impl SourceSetting {
    /// The command that sets it.
    pub const fn command(self) -> Command {
        match self {
            Self::MinPoll(_) => Command::MODIFY_MINPOLL,
            Self::MaxPoll(_) => Command::MODIFY_MAXPOLL,
            Self::MaxDelay(_) => Command::MODIFY_MAXDELAY,
            Self::MaxDelayRatio(_) => Command::MODIFY_MAXDELAYRATIO,
            Self::MaxDelayDeviationRatio(_) => Command::MODIFY_MAXDELAYDEVRATIO,
            Self::MinStratum(_) => Command::MODIFY_MINSTRATUM,
            Self::PollTarget(_) => Command::MODIFY_POLLTARGET,
        }
    }

    /// How to read what this command sets; `None` when it sets nothing of one source.
    pub(super) fn of(command: Command) -> Option<ReadSetting> {
        Some(match command {
            Command::MODIFY_MINPOLL => |reader| poll(reader).map(Self::MinPoll),
            Command::MODIFY_MAXPOLL => |reader| poll(reader).map(Self::MaxPoll),
            Command::MODIFY_MAXDELAY => {
                |reader| Seconds::parse(reader, "greatest delay").map(Self::MaxDelay)
            }
            Command::MODIFY_MAXDELAYRATIO => {
                |reader| ratio(reader, "greatest delay ratio").map(Self::MaxDelayRatio)
            }
            Command::MODIFY_MAXDELAYDEVRATIO => |reader| {
                ratio(reader, "greatest delay deviation ratio").map(Self::MaxDelayDeviationRatio)
            },
            Command::MODIFY_MINSTRATUM => |reader| {
                narrow(reader, "stratum", Reader::u32).map(Stratum::new).map(Self::MinStratum)
            },
            Command::MODIFY_POLLTARGET => {
                |reader| signed(reader, "poll target").map(Self::PollTarget)
            }
            _ => return None,
        })
    }

    pub(super) fn emit(self, bytes: &mut Vec<u8>) {
        match self {
            Self::MinPoll(poll) | Self::MaxPoll(poll) => emit_poll(poll, bytes),
            Self::MaxDelay(span) => span.emit(bytes),
            Self::MaxDelayRatio(ratio) | Self::MaxDelayDeviationRatio(ratio) => ratio.emit(bytes),
            Self::MinStratum(stratum) => bytes.extend(u32::from(stratum.get()).to_be_bytes()),
            Self::PollTarget(target) => bytes.extend(target.to_be_bytes()),
        }
    }
}

/// Reads a poll exponent of four bytes.
pub(super) fn poll(reader: &mut Reader<'_>) -> Result<PollExponent, Malformed> {
    narrow(reader, "poll", signed).map(PollExponent::new)
}

/// Writes a poll exponent of four bytes.
pub(super) fn emit_poll(poll: PollExponent, bytes: &mut Vec<u8>) {
    bytes.extend(i32::from(poll.exponent()).to_be_bytes());
}
