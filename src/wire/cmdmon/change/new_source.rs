//! `ADD_SOURCE`: a server, a peer or a pool with all of its options.

use crate::units::{KeyId, PollExponent, Stratum};
use crate::wire::Malformed;
use crate::wire::cmdmon::change::setting::{emit_poll, poll};
use crate::wire::cmdmon::change::{ratio, signed};
use crate::wire::cmdmon::report::{SelectOptions, SourceName};
use crate::wire::cmdmon::{Float, Seconds, narrow};
use crate::wire::reader::Reader;

/// A source to be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSource {
    /// What it is.
    pub kind: SourceKind,
    /// Its name or address, of at most 255 bytes.
    pub name: SourceName,
    /// The NTP port.
    pub port: u16,
    /// When it is asked.
    pub polling: Polling,
    /// The least stratum that it is given.
    pub min_stratum: Stratum,
    /// The version of NTP that it is asked with.
    pub version: u32,
    /// The most servers wanted of a pool.
    pub max_sources: u32,
    /// The least and the most samples that are kept; `None` for the daemon's own limit.
    pub samples: (Option<u32>, Option<u32>),
    /// The symmetric key; `None` for none.
    pub key: Option<KeyId>,
    /// The port of NTS key establishment.
    pub nts_port: u16,
    /// What measurements are dropped or corrected.
    pub filtering: Filtering,
    /// What is or is not.
    pub flags: Flags,
    /// Of how many measurements a filter makes one; 0 for no filter.
    pub filter_length: i32,
    /// Which certificates are trusted for NTS; 0 is the default set. From 4.1.
    pub certificate_set: u32,
    /// How many polls without an answer until it is no longer selected; 0 before 4.8.
    pub max_unreachable: i32,
}

/// When a source is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Polling {
    /// The least poll exponent.
    pub min: PollExponent,
    /// The greatest poll exponent.
    pub max: PollExponent,
    /// From which poll exponent on a packet is sent ahead to fill the caches on the way; 100 for
    /// never.
    pub presend_from: PollExponent,
    /// How many measurements the poll interval aims at.
    pub target: u32,
}

/// What measurements are dropped or corrected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filtering {
    /// The delay beyond which one is dropped.
    pub max_delay: Seconds,
    /// The same, as a multiple of the least delay; 0 for no limit.
    pub max_delay_ratio: Float,
    /// The same, as a multiple of the standard deviation beyond the least delay.
    pub max_delay_deviation_ratio: Float,
    /// The same, as a quantile of the delays; 0 for no limit. From 4.3.
    pub max_delay_quantile: Float,
    /// The delay of a path without queues, when it is known; 0 when it is not.
    pub min_delay: Seconds,
    /// How the jitter divides between the two ways, −0.5 to 0.5; 1 to be estimated.
    pub asymmetry: Float,
    /// Added to its offset as NTP defines it: **positive makes the local clock look further
    /// behind.**
    pub offset: Seconds,
}

/// What a new source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SourceKind {
    /// 1: a server.
    Server,
    /// 2: a peer.
    Peer,
    /// 3: a name with many servers behind it.
    Pool,
}

impl NewSource {
    /// A source with the options that one has by default.
    pub fn new(kind: SourceKind, name: SourceName) -> Self {
        Self {
            kind,
            name,
            port: 123,
            polling: Polling {
                min: PollExponent::new(6),
                max: PollExponent::new(10),
                presend_from: PollExponent::new(100),
                target: 8,
            },
            min_stratum: Stratum::new(0),
            version: 4,
            max_sources: 4,
            samples: (None, None),
            key: None,
            nts_port: 4460,
            filtering: Filtering {
                max_delay: Seconds::new(3.0),
                max_delay_ratio: Float::ZERO,
                max_delay_deviation_ratio: Float::new(10.0),
                max_delay_quantile: Float::ZERO,
                min_delay: Seconds::ZERO,
                asymmetry: Float::new(1.0),
                offset: Seconds::ZERO,
            },
            flags: Flags::ONLINE,
            filter_length: 0,
            certificate_set: 0,
            max_unreachable: 0,
        }
    }

    pub(super) fn parse(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let kind = SourceKind::parse(reader)?;
        let name = SourceName::parse(reader)?;
        let port = narrow(reader, "port", Reader::u32)?;
        let (min, max, presend_from) = (poll(reader)?, poll(reader)?, poll(reader)?);
        let min_stratum = Stratum::new(narrow(reader, "stratum", Reader::u32)?);
        let target = reader.u32("poll target")?;
        let version = reader.u32("version")?;
        let max_sources = reader.u32("most servers")?;
        let samples = (limit(reader, "least samples")?, limit(reader, "most samples")?);
        let key = KeyId::new(reader.u32("key ID")?);
        let nts_port = narrow(reader, "NTS port", Reader::u32)?;
        let mut filtering = Filtering {
            max_delay: Seconds::parse(reader, "greatest delay")?,
            max_delay_ratio: ratio(reader, "greatest delay ratio")?,
            max_delay_deviation_ratio: ratio(reader, "greatest delay deviation ratio")?,
            max_delay_quantile: Float::ZERO,
            min_delay: Seconds::parse(reader, "least delay")?,
            asymmetry: ratio(reader, "asymmetry")?,
            offset: Seconds::parse(reader, "offset")?,
        };
        let flags = Flags::from_bits(reader.u32("flags")?);
        let filter_length = signed(reader, "filter length")?;
        let certificate_set = reader.u32("certificate set")?;
        filtering.max_delay_quantile = ratio(reader, "greatest delay quantile")?;
        let max_unreachable = signed(reader, "most polls out of reach")?;
        Ok(Self {
            kind,
            name,
            port,
            polling: Polling { min, max, presend_from, target },
            min_stratum,
            version,
            max_sources,
            samples,
            key,
            nts_port,
            filtering,
            flags,
            filter_length,
            certificate_set,
            max_unreachable,
        })
    }

    pub(super) fn emit(&self, bytes: &mut Vec<u8>) {
        let Filtering {
            max_delay,
            max_delay_ratio,
            max_delay_deviation_ratio,
            max_delay_quantile,
            min_delay,
            asymmetry,
            offset,
        } = self.filtering;
        bytes.extend(self.kind.number().to_be_bytes());
        self.name.emit(bytes);
        bytes.extend(u32::from(self.port).to_be_bytes());
        emit_poll(self.polling.min, bytes);
        emit_poll(self.polling.max, bytes);
        emit_poll(self.polling.presend_from, bytes);
        for word in [
            u32::from(self.min_stratum.get()),
            self.polling.target,
            self.version,
            self.max_sources,
            self.samples.0.unwrap_or(NO_LIMIT),
            self.samples.1.unwrap_or(NO_LIMIT),
            self.key.map_or(0, KeyId::get),
            u32::from(self.nts_port),
        ] {
            bytes.extend(word.to_be_bytes());
        }
        max_delay.emit(bytes);
        max_delay_ratio.emit(bytes);
        max_delay_deviation_ratio.emit(bytes);
        min_delay.emit(bytes);
        asymmetry.emit(bytes);
        offset.emit(bytes);
        bytes.extend(self.flags.bits().to_be_bytes());
        bytes.extend(self.filter_length.to_be_bytes());
        bytes.extend(self.certificate_set.to_be_bytes());
        max_delay_quantile.emit(bytes);
        bytes.extend(self.max_unreachable.to_be_bytes());
    }
}

impl SourceKind {
    const fn number(self) -> u32 {
        match self {
            Self::Server => 1,
            Self::Peer => 2,
            Self::Pool => 3,
        }
    }

    fn parse(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let position = reader.position();
        match reader.u32("kind of source")? {
            1 => Ok(Self::Server),
            2 => Ok(Self::Peer),
            3 => Ok(Self::Pool),
            other => {
                let value = u64::from(other);
                Err(Malformed::Invalid { field: "kind of source", position, value })
            }
        }
    }
}

/// Flags of a source, as bits; those without a name here are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flags(u32);

impl Flags {
    /// It is asked from the beginning.
    pub const ONLINE: Self = Self(0x1);
    /// It goes offline when it cannot be reached.
    pub const AUTO_OFFLINE: Self = Self(0x2);
    /// It is asked a few times in quick succession at first.
    pub const IBURST: Self = Self(0x4);
    /// Preferred to those that are not.
    pub const PREFER: Self = Self(0x8);
    /// Never selected.
    pub const NOSELECT: Self = Self(0x10);
    /// Taken for right against those that are not.
    pub const TRUST: Self = Self(0x20);
    /// The clock is updated only while one of its kind can be selected.
    pub const REQUIRE: Self = Self(0x40);
    /// It is asked in the interleaved mode.
    pub const INTERLEAVED: Self = Self(0x80);
    /// It is asked a few times whenever it is asked.
    pub const BURST: Self = Self(0x100);
    /// Authenticated by NTS.
    pub const NTS: Self = Self(0x200);
    /// Its stratum and reference ID are taken for our own; from 4.1.
    pub const COPY: Self = Self(0x400);
    /// With the extension field of a monotonic root; from 4.2.
    pub const MONOTONIC_ROOT_FIELD: Self = Self(0x800);
    /// With the extension field of network corrections; from 4.5.
    pub const NETWORK_CORRECTION_FIELD: Self = Self(0x1000);
    /// Only its IPv4 addresses; from 4.6.
    pub const IPV4: Self = Self(0x2000);
    /// Only its IPv6 addresses; from 4.6.
    pub const IPV6: Self = Self(0x4000);

    /// From the bits on the wire.
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// The bits on the wire.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// These and the others.
    #[must_use]
    pub const fn with(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Whether all of the others are among these.
    pub const fn contains(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }

    /// Those about the selection, as reports give them: with other bits.
    pub fn selection(self) -> SelectOptions {
        let set = SELECTION.iter().enumerate().filter(|(_, flag)| self.contains(**flag));
        SelectOptions::from_bits(set.fold(0, |bits, (place, _)| bits | 1 << place))
    }

    /// The flags of these selection options.
    pub fn of_selection(options: SelectOptions) -> Self {
        let set =
            SELECTION.iter().enumerate().filter(|(place, _)| options.bits() >> place & 1 == 1);
        set.fold(Self::default(), |flags, (_, flag)| flags.with(*flag))
    }
}

/// The flags about the selection, in the order of their bits in reports.
const SELECTION: [Flags; 4] = [Flags::NOSELECT, Flags::PREFER, Flags::TRUST, Flags::REQUIRE];

/// Reads a limit; −1 is none.
fn limit(reader: &mut Reader<'_>, field: &'static str) -> Result<Option<u32>, Malformed> {
    reader.u32(field).map(|limit| Some(limit).filter(|limit| *limit != NO_LIMIT))
}

const NO_LIMIT: u32 = u32::MAX;
