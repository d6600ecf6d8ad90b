//! Changes: the commands that alter the daemon, its clock or its files. All but one are answered
//! with a status alone, and all are heeded over the Unix socket only.

use crate::units::RefId;
use crate::wire::Malformed;
use crate::wire::cmdmon::report::SelectOptions;
use crate::wire::cmdmon::{Address, Command, Float, PartsPerMillion, Seconds, UnixTime, narrow};
use crate::wire::reader::Reader;

mod access;
mod new_source;
mod setting;

pub use access::{AccessRule, Service};
pub use new_source::{Filtering, Flags, NewSource, Polling, SourceKind};
pub use setting::SourceSetting;

/// A change.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// Ask these sources again.
    Online(Matching),
    /// Ask these sources no longer.
    Offline(Matching),
    /// Measure a few times in quick succession.
    Burst {
        /// Which sources.
        sources: Matching,
        /// Until so many measurements were good,
        good: i32,
        /// or so many were made.
        most: i32,
    },
    /// Set something of one source.
    Source {
        /// Which.
        address: Address,
        /// What.
        setting: SourceSetting,
    },
    /// Write the measurements of all sources to files.
    Dump,
    /// Do not believe a frequency with a greater estimated error than this.
    MaxUpdateSkew(PartsPerMillion),
    /// It is this time now. Answered with [`Report::ManualTimestamp`].
    ///
    /// [`Report::ManualTimestamp`]: crate::wire::cmdmon::Report::ManualTimestamp
    SetTime(UnixTime),
    /// Serve time without a source, or no longer.
    Local(LocalMode),
    /// Take times entered by hand, or no longer.
    Manual(ManualMode),
    /// Read the key files again.
    Rekey,
    /// Let a subnet ask, or not.
    Access(AccessRule),
    /// Remove a source.
    DeleteSource(Address),
    /// Write the file of the real-time clock.
    WriteRtc,
    /// Set the real-time clock to the system's.
    TrimRtc,
    /// Change the frequency. **Positive when the local clock gains** and is to be slowed down.
    AdjustFrequency(PartsPerMillion),
    /// Slew by an offset, from 4.1. **Positive when the local clock is ahead** and is to go back.
    AdjustOffset(Seconds),
    /// The same up to 4.0, as seconds and microseconds of one sign.
    AdjustOffsetMicroseconds {
        /// Whole seconds.
        seconds: i32,
        /// Microseconds to be added.
        microseconds: i32,
    },
    /// Close and open the log files.
    CycleLogs,
    /// Forget the time entered by hand of this index.
    DeleteManual(i32),
    /// Step the clock by what is left to correct.
    MakeStep,
    /// When to step rather than slew.
    StepPolicy {
        /// In how many of the next updates; negative for all.
        updates: i32,
        /// From which size of the offset on.
        threshold: Seconds,
    },
    /// Choose the source anew.
    Reselect,
    /// Choose another source only if it is nearer by this.
    ReselectDistance(Seconds),
    /// Start the smoothing of served time, or reset it.
    SmoothTime(SmoothTime),
    /// Look the sources' names up again.
    Refresh,
    /// Stop the daemon.
    Shutdown,
    /// Set sources online or offline as there is a route to them.
    OnOffline,
    /// Add a server, a peer or a pool.
    AddSource(Box<NewSource>),
    /// Forget the measurements of all sources.
    ResetSources,
    /// Read the folders of sources again.
    ReloadSources,
    /// Set selection options of a source; from 4.4.
    SelectOptions {
        /// Its address; unspecified for a reference clock.
        address: Address,
        /// A reference clock's letters; zeros for any other.
        reference_id: RefId,
        /// Which options to set; the others stay as they are.
        mask: SelectOptions,
        /// To what.
        options: SelectOptions,
    },
    /// Set the correction of a source; from 4.6.
    SourceOffset {
        /// Its address; unspecified for a reference clock.
        address: Address,
        /// A reference clock's letters; zeros for any other.
        reference_id: RefId,
        /// Added to its offset as NTP defines it: **positive makes the local clock look further
        /// behind.**
        offset: Seconds,
    },
}

/// Sources by their addresses: those of which the masked address is this one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Matching {
    /// Which bits count; unspecified for all sources.
    pub mask: Address,
    /// What they have to be; unspecified for all sources.
    pub address: Address,
}

/// How to serve time without a source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LocalMode {
    /// Whether to.
    pub on: bool,
    /// At which stratum.
    pub stratum: i32,
    /// From which root distance on, though there are sources.
    pub distance: Seconds,
    /// Whether servers that do so choose one among them to follow.
    pub orphan: bool,
    /// When to begin and to end: from 4.6. Without them the command is that of 4.0 to 4.5; each of
    /// the two is refused as invalid by the other's versions.
    pub timing: Option<LocalTiming>,
}

/// When to begin serving time without a source, and when to end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LocalTiming {
    /// Not before the root distance was below this once.
    pub activate: Seconds,
    /// How long to wait after the last update; from 4.7.
    pub wait_synced: Seconds,
    /// How long to wait when there was none; from 4.7.
    pub wait_unsynced: Seconds,
}

/// Whether times entered by hand are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ManualMode {
    /// 0: no.
    Off,
    /// 1: yes.
    On,
    /// 2: yes, and those there are are forgotten.
    Reset,
}

/// What to do with the smoothing of served time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SmoothTime {
    /// 0: begin anew without an offset.
    Reset,
    /// 1: begin.
    Activate,
}

impl Change {
    /// The command that makes it.
    pub const fn command(&self) -> Command {
        match self {
            Self::Online(_) => Command::ONLINE,
            Self::Offline(_) => Command::OFFLINE,
            Self::Burst { .. } => Command::BURST,
            Self::Source { setting, .. } => setting.command(),
            Self::Dump => Command::DUMP,
            Self::MaxUpdateSkew(_) => Command::MODIFY_MAXUPDATESKEW,
            Self::SetTime(_) => Command::SETTIME,
            Self::Local(LocalMode { timing: None, .. }) => Command::LOCAL2,
            Self::Local(_) => Command::LOCAL3,
            Self::Manual(_) => Command::MANUAL,
            Self::Rekey => Command::REKEY,
            Self::Access(rule) => rule.command(),
            Self::DeleteSource(_) => Command::DEL_SOURCE,
            Self::WriteRtc => Command::WRITERTC,
            Self::TrimRtc => Command::TRIMRTC,
            Self::AdjustFrequency(_) => Command::DFREQ,
            Self::AdjustOffset(_) => Command::DOFFSET2,
            Self::AdjustOffsetMicroseconds { .. } => Command::DOFFSET,
            Self::CycleLogs => Command::CYCLELOGS,
            Self::DeleteManual(_) => Command::MANUAL_DELETE,
            Self::MakeStep => Command::MAKESTEP,
            Self::StepPolicy { .. } => Command::MODIFY_MAKESTEP,
            Self::Reselect => Command::RESELECT,
            Self::ReselectDistance(_) => Command::RESELECTDISTANCE,
            Self::SmoothTime(_) => Command::SMOOTHTIME,
            Self::Refresh => Command::REFRESH,
            Self::Shutdown => Command::SHUTDOWN,
            Self::OnOffline => Command::ONOFFLINE,
            Self::AddSource(_) => Command::ADD_SOURCE,
            Self::ResetSources => Command::RESET_SOURCES,
            Self::ReloadSources => Command::RELOAD_SOURCES,
            Self::SelectOptions { .. } => Command::MODIFY_SELECTOPTS,
            Self::SourceOffset { .. } => Command::MODIFY_OFFSET,
        }
    }

    /// Reads the data of a command; `None` when it is none of these.
    pub(super) fn parse(
        command: Command,
        reader: &mut Reader<'_>,
    ) -> Result<Option<Self>, Malformed> {
        if let Some(setting) = SourceSetting::of(command) {
            let address = Address::parse(reader, "address")?;
            return Ok(Some(Self::Source { address, setting: setting(reader)? }));
        }
        if let Some(rule) = AccessRule::of(command) {
            let address = Address::parse(reader, "address")?;
            let prefix = signed(reader, "prefix length")?;
            return Ok(Some(Self::Access(AccessRule { address, prefix, ..rule })));
        }
        Ok(Some(match command {
            Command::ONLINE => Self::Online(Matching::parse(reader)?),
            Command::OFFLINE => Self::Offline(Matching::parse(reader)?),
            Command::BURST => Self::Burst {
                sources: Matching::parse(reader)?,
                good: signed(reader, "good measurements")?,
                most: signed(reader, "most measurements")?,
            },
            Command::DUMP => {
                reader.u32("padding")?;
                Self::Dump
            }
            Command::MODIFY_MAXUPDATESKEW => {
                Self::MaxUpdateSkew(PartsPerMillion::parse(reader, "skew")?)
            }
            Command::SETTIME => Self::SetTime(UnixTime::parse(reader, "time")?),
            Command::LOCAL2 | Command::LOCAL3 => Self::Local(LocalMode::parse(command, reader)?),
            Command::MANUAL => Self::Manual(ManualMode::parse(reader)?),
            Command::REKEY => Self::Rekey,
            Command::DEL_SOURCE => Self::DeleteSource(Address::parse(reader, "address")?),
            Command::WRITERTC => Self::WriteRtc,
            Command::TRIMRTC => Self::TrimRtc,
            Command::DFREQ => Self::AdjustFrequency(PartsPerMillion::parse(reader, "frequency")?),
            Command::DOFFSET2 => Self::AdjustOffset(Seconds::parse(reader, "offset")?),
            Command::DOFFSET => Self::AdjustOffsetMicroseconds {
                seconds: signed(reader, "seconds")?,
                microseconds: signed(reader, "microseconds")?,
            },
            Command::CYCLELOGS => Self::CycleLogs,
            Command::MANUAL_DELETE => Self::DeleteManual(signed(reader, "index")?),
            Command::MAKESTEP => Self::MakeStep,
            Command::MODIFY_MAKESTEP => Self::StepPolicy {
                updates: signed(reader, "updates")?,
                threshold: Seconds::parse(reader, "threshold")?,
            },
            Command::RESELECT => Self::Reselect,
            Command::RESELECTDISTANCE => {
                Self::ReselectDistance(Seconds::parse(reader, "distance")?)
            }
            Command::SMOOTHTIME => Self::SmoothTime(SmoothTime::parse(reader)?),
            Command::REFRESH => Self::Refresh,
            Command::SHUTDOWN => Self::Shutdown,
            Command::ONOFFLINE => Self::OnOffline,
            Command::ADD_SOURCE => Self::AddSource(Box::new(NewSource::parse(reader)?)),
            Command::RESET_SOURCES => Self::ResetSources,
            Command::RELOAD_SOURCES => Self::ReloadSources,
            Command::MODIFY_SELECTOPTS => Self::SelectOptions {
                address: Address::parse(reader, "address")?,
                reference_id: reader.array("reference ID").map(RefId::new)?,
                mask: SelectOptions::from_bits(narrow(reader, "mask", Reader::u32)?),
                options: Flags::from_bits(reader.u32("options")?).selection(),
            },
            Command::MODIFY_OFFSET => Self::SourceOffset {
                address: Address::parse(reader, "address")?,
                reference_id: reader.array("reference ID").map(RefId::new)?,
                offset: Seconds::parse(reader, "offset")?,
            },
            _ => return Ok(None),
        }))
    }

    pub(super) fn emit(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Online(sources) | Self::Offline(sources) => sources.emit(bytes),
            Self::Burst { sources, good, most } => {
                sources.emit(bytes);
                bytes.extend([good.to_be_bytes(), most.to_be_bytes()].as_flattened());
            }
            Self::Source { address, setting } => {
                address.emit(bytes);
                setting.emit(bytes);
            }
            Self::Dump => bytes.extend([0; 4]),
            Self::MaxUpdateSkew(ppm) | Self::AdjustFrequency(ppm) => ppm.emit(bytes),
            Self::SetTime(time) => time.emit(bytes),
            Self::Local(mode) => mode.emit(bytes),
            Self::Manual(mode) => bytes.extend(mode.number().to_be_bytes()),
            Self::Access(rule) => {
                rule.address.emit(bytes);
                bytes.extend(rule.prefix.to_be_bytes());
            }
            Self::DeleteSource(address) => address.emit(bytes),
            Self::AdjustOffset(span) | Self::ReselectDistance(span) => span.emit(bytes),
            Self::AdjustOffsetMicroseconds { seconds, microseconds } => {
                bytes.extend([seconds.to_be_bytes(), microseconds.to_be_bytes()].as_flattened());
            }
            Self::DeleteManual(index) => bytes.extend(index.to_be_bytes()),
            Self::StepPolicy { updates, threshold } => {
                bytes.extend(updates.to_be_bytes());
                threshold.emit(bytes);
            }
            Self::SmoothTime(option) => bytes.extend(option.number().to_be_bytes()),
            Self::AddSource(source) => source.emit(bytes),
            Self::SelectOptions { address, reference_id, mask, options } => {
                address.emit(bytes);
                bytes.extend(reference_id.octets());
                bytes.extend(u32::from(mask.bits()).to_be_bytes());
                bytes.extend(Flags::of_selection(*options).bits().to_be_bytes());
            }
            Self::SourceOffset { address, reference_id, offset } => {
                address.emit(bytes);
                bytes.extend(reference_id.octets());
                offset.emit(bytes);
            }
            Self::Rekey
            | Self::WriteRtc
            | Self::TrimRtc
            | Self::CycleLogs
            | Self::MakeStep
            | Self::Reselect
            | Self::Refresh
            | Self::Shutdown
            | Self::OnOffline
            | Self::ResetSources
            | Self::ReloadSources => {}
        }
    }
}

impl Matching {
    fn parse(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            mask: Address::parse(reader, "mask")?,
            address: Address::parse(reader, "address")?,
        })
    }

    fn emit(self, bytes: &mut Vec<u8>) {
        self.mask.emit(bytes);
        self.address.emit(bytes);
    }
}

impl LocalMode {
    fn parse(command: Command, reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut mode = Self {
            on: reader.u32("whether on")? != 0,
            stratum: signed(reader, "stratum")?,
            distance: Seconds::parse(reader, "distance")?,
            orphan: reader.u32("whether orphan")? != 0,
            timing: None,
        };
        if command == Command::LOCAL3 {
            mode.timing = Some(LocalTiming {
                activate: Seconds::parse(reader, "activating distance")?,
                wait_synced: Seconds::parse(reader, "wait when synchronised")?,
                wait_unsynced: Seconds::parse(reader, "wait when not synchronised")?,
            });
        }
        Ok(mode)
    }

    fn emit(self, bytes: &mut Vec<u8>) {
        bytes.extend(u32::from(self.on).to_be_bytes());
        bytes.extend(self.stratum.to_be_bytes());
        self.distance.emit(bytes);
        bytes.extend(u32::from(self.orphan).to_be_bytes());
        if let Some(timing) = self.timing {
            timing.activate.emit(bytes);
            timing.wait_synced.emit(bytes);
            timing.wait_unsynced.emit(bytes);
        }
    }
}

impl ManualMode {
    const fn number(self) -> u32 {
        match self {
            Self::Off => 0,
            Self::On => 1,
            Self::Reset => 2,
        }
    }

    fn parse(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        one_of(reader, "manual mode", &[Self::Off, Self::On, Self::Reset])
    }
}

impl SmoothTime {
    const fn number(self) -> u32 {
        match self {
            Self::Reset => 0,
            Self::Activate => 1,
        }
    }

    fn parse(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        one_of(reader, "smoothing option", &[Self::Reset, Self::Activate])
    }
}

/// Reads a number that stands for one of these, counted from 0.
fn one_of<T: Copy>(
    reader: &mut Reader<'_>,
    field: &'static str,
    values: &[T],
) -> Result<T, Malformed> {
    let position = reader.position();
    let number = reader.u32(field)?;
    let value = usize::try_from(number).ok().and_then(|number| values.get(number));
    value.copied().ok_or_else(|| Malformed::Invalid { field, position, value: u64::from(number) })
}

/// Reads a signed number.
fn signed(reader: &mut Reader<'_>, field: &'static str) -> Result<i32, Malformed> {
    reader.u32(field).map(u32::cast_signed)
}

/// Reads a ratio.
fn ratio(reader: &mut Reader<'_>, field: &'static str) -> Result<Float, Malformed> {
    Float::parse(reader, field)
}

#[cfg(test)]
mod tests;
