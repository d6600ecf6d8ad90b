//! `NTP_DATA`: a source's last packet and what was made of it, in the two layouts there are.

use crate::units::{Leap, Mode, PollExponent, Precision, RefId, Stratum};
use crate::wire::Malformed;
use crate::wire::cmdmon::ReplyType;
use crate::wire::cmdmon::address::Address;
use crate::wire::cmdmon::float::{Float, Seconds};
use crate::wire::cmdmon::report::{leap_of, reference_id};
use crate::wire::cmdmon::time::UnixTime;
use crate::wire::reader::Reader;

mod verdict;

pub use verdict::{NTP_TESTS, NtpTest, NtpTests};

/// A source's last packet as `chronyc ntpdata` shows it. One that has not answered yet has zeros
/// nearly everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NtpData {
    /// The source's address.
    pub remote: Address,
    /// Our address that it answers to; unspecified before the first answer.
    pub local: Address,
    /// The source's port.
    pub remote_port: u16,
    /// What the packet said.
    pub header: NtpHeader,
    /// What was measured with it.
    pub sample: NtpSample,
    /// Which tests it passed, and how it was exchanged.
    pub tests: NtpTests,
    /// Who stamped our request as it was sent.
    pub sent_by: StampedBy,
    /// Who stamped the packet as it was received.
    pub received_by: StampedBy,
    /// Packets since the source was added.
    pub totals: NtpTotals,
    /// How many of them were stamped by whom: from 4.6.
    pub stamps: Option<StampTotals>,
}

/// What a packet said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NtpHeader {
    /// Leap indicator.
    pub leap: Leap,
    /// Version number; 0 before the first answer.
    pub version: u8,
    /// Association mode.
    pub mode: Mode,
    /// Stratum.
    pub stratum: Stratum,
    /// The poll interval that it gave.
    pub poll: PollExponent,
    /// The precision that it gave.
    pub precision: Precision,
    /// Root delay.
    pub root_delay: Seconds,
    /// Root dispersion.
    pub root_dispersion: Seconds,
    /// Reference ID.
    pub reference_id: RefId,
    /// When the source's clock was last set.
    pub reference_time: UnixTime,
}

/// What was measured with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NtpSample {
    /// The offset as NTP defines it, the source's time less ours. **Positive when the local clock
    /// is behind**: the other way round than every other offset of a source.
    pub offset: Seconds,
    /// The round-trip delay.
    pub peer_delay: Seconds,
    /// The dispersion, mostly of the two precisions.
    pub peer_dispersion: Seconds,
    /// How long the source took to answer.
    pub response_time: Seconds,
    /// How the jitter divides between the two ways, −0.5 to 0.5; negative when there is more of
    /// it on the way to the source than back. Zero while it is not known.
    pub jitter_asymmetry: Float,
}

/// Packets since the source was added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NtpTotals {
    /// Sent.
    pub sent: u32,
    /// Received.
    pub received: u32,
    /// Received and valid: the first two groups of tests passed.
    pub valid: u32,
    /// Received and used: all three groups passed. From 4.3.
    pub good: Option<u32>,
}

/// Packets by who stamped them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StampTotals {
    /// Sent, stamped by the kernel.
    pub kernel_sent: u32,
    /// Received, stamped by the kernel.
    pub kernel_received: u32,
    /// Sent, stamped by the network card.
    pub hardware_sent: u32,
    /// Received, stamped by the network card.
    pub hardware_received: u32,
}

/// Who stamped a packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum StampedBy {
    /// Nobody yet.
    #[default]
    Nobody,
    /// `D`: the daemon itself.
    Daemon,
    /// `K`: the kernel.
    Kernel,
    /// `H`: the network card.
    Hardware,
    /// A letter that is not known here.
    Other(u8),
}

impl StampedBy {
    /// From the byte on the wire.
    pub const fn from_bits(bits: u8) -> Self {
        match bits {
            0 => Self::Nobody,
            b'D' => Self::Daemon,
            b'K' => Self::Kernel,
            b'H' => Self::Hardware,
            other => Self::Other(other),
        }
    }

    /// The byte on the wire.
    pub const fn bits(self) -> u8 {
        match self {
            Self::Nobody => 0,
            Self::Daemon => b'D',
            Self::Kernel => b'K',
            Self::Hardware => b'H',
            Self::Other(bits) => bits,
        }
    }
}

impl NtpData {
    /// The layout that holds all that is there.
    pub const fn reply_type(&self) -> ReplyType {
        if self.stamps.is_some() { ReplyType::NTP_DATA2 } else { ReplyType::NTP_DATA }
    }

    /// Reads either layout.
    pub(super) fn parse(reply: ReplyType, reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let remote = Address::parse(reader, "remote address")?;
        let local = Address::parse(reader, "local address")?;
        let remote_port = reader.u16("remote port")?;
        let header = NtpHeader::parse(reader)?;
        let sample = NtpSample::parse(reader)?;
        let tests = NtpTests::from_bits(reader.u16("flags")?);
        let sent_by = StampedBy::from_bits(reader.u8("transmit timestamping")?);
        let received_by = StampedBy::from_bits(reader.u8("receive timestamping")?);
        let mut totals = NtpTotals {
            sent: reader.u32("total sent")?,
            received: reader.u32("total received")?,
            valid: reader.u32("total valid")?,
            good: Some(reader.u32("total good")?),
        };
        let stamps = if reply == ReplyType::NTP_DATA2 {
            Some(StampTotals::parse(reader)?)
        } else {
            // Before 4.3 the count was one more reserved word.
            totals.good = totals.good.filter(|good| *good != RESERVED);
            None
        };
        let reserved = if stamps.is_some() { RESERVED_LEN2 } else { RESERVED_LEN };
        reader.bytes("reserved words", reserved)?;
        Ok(Self {
            remote,
            local,
            remote_port,
            header,
            sample,
            tests,
            sent_by,
            received_by,
            totals,
            stamps,
        })
    }

    /// Writes the layout of [`NtpData::reply_type`].
    pub(super) fn emit(&self, bytes: &mut Vec<u8>) {
        self.remote.emit(bytes);
        self.local.emit(bytes);
        bytes.extend(self.remote_port.to_be_bytes());
        self.header.emit(bytes);
        self.sample.emit(bytes);
        bytes.extend(self.tests.bits().to_be_bytes());
        bytes.extend([self.sent_by.bits(), self.received_by.bits()]);
        let NtpTotals { sent, received, valid, good } = self.totals;
        for total in [sent, received, valid, good.unwrap_or(RESERVED)] {
            bytes.extend(total.to_be_bytes());
        }
        match self.stamps {
            Some(stamps) => {
                stamps.emit(bytes);
                bytes.extend([0xff; RESERVED_LEN2]);
            }
            None => bytes.extend([0xff; RESERVED_LEN]),
        }
    }
}

impl NtpHeader {
    fn parse(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let position = reader.position();
        let leap = leap_of(reader.u8("leap")?, position)?;
        let version = reader.u8("version")?;
        let position = reader.position();
        let mode = reader.u8("mode")?;
        if mode > Mode::Private.bits() {
            let value = u64::from(mode);
            return Err(Malformed::Invalid { field: "mode", position, value });
        }
        Ok(Self {
            leap,
            version,
            mode: Mode::from_bits(mode),
            stratum: Stratum::new(reader.u8("stratum")?),
            poll: PollExponent::new(reader.i8("poll")?),
            precision: Precision::new(reader.i8("precision")?),
            root_delay: Seconds::parse(reader, "root delay")?,
            root_dispersion: Seconds::parse(reader, "root dispersion")?,
            reference_id: reference_id(reader)?,
            reference_time: UnixTime::parse(reader, "reference time")?,
        })
    }

    fn emit(&self, bytes: &mut Vec<u8>) {
        bytes.extend([self.leap.bits(), self.version, self.mode.bits(), self.stratum.get()]);
        bytes.extend(self.poll.exponent().to_be_bytes());
        bytes.extend(self.precision.exponent().to_be_bytes());
        self.root_delay.emit(bytes);
        self.root_dispersion.emit(bytes);
        bytes.extend(self.reference_id.octets());
        self.reference_time.emit(bytes);
    }
}

impl NtpSample {
    fn parse(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            offset: Seconds::parse(reader, "offset")?,
            peer_delay: Seconds::parse(reader, "peer delay")?,
            peer_dispersion: Seconds::parse(reader, "peer dispersion")?,
            response_time: Seconds::parse(reader, "response time")?,
            jitter_asymmetry: Float::parse(reader, "jitter asymmetry")?,
        })
    }

    fn emit(&self, bytes: &mut Vec<u8>) {
        self.offset.emit(bytes);
        self.peer_delay.emit(bytes);
        self.peer_dispersion.emit(bytes);
        self.response_time.emit(bytes);
        self.jitter_asymmetry.emit(bytes);
    }
}

impl StampTotals {
    fn parse(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            kernel_sent: reader.u32("total kernel transmit timestamps")?,
            kernel_received: reader.u32("total kernel receive timestamps")?,
            hardware_sent: reader.u32("total hardware transmit timestamps")?,
            hardware_received: reader.u32("total hardware receive timestamps")?,
        })
    }

    fn emit(self, bytes: &mut Vec<u8>) {
        let Self { kernel_sent, kernel_received, hardware_sent, hardware_received } = self;
        for total in [kernel_sent, kernel_received, hardware_sent, hardware_received] {
            bytes.extend(total.to_be_bytes());
        }
    }
}

/// What a word that is not used yet holds.
const RESERVED: u32 = u32::MAX;
/// Bytes of reserved words at the end of the first layout, behind the count of good ones.
const RESERVED_LEN: usize = 12;
/// The same of the second layout.
const RESERVED_LEN2: usize = 16;

#[cfg(test)]
mod tests;
