//! NTP packets: the header that carries time, and what follows it.
//!
//! RFC 5905 §7.3 for the header, RFC 7822 for telling extension fields from a code behind it.
//! Versions 1 to 4 share the header; only version 4 has extension fields. Which values make sense
//! in which mode is for the engine to judge: here only what cannot be taken apart is an error.

use crate::units::{
    Leap, Mode, NtpDuration, NtpTimestamp, PollExponent, Precision, RefId, Stratum,
};
use crate::wire::Malformed;
use crate::wire::extension::{self, Extension};
use crate::wire::kiss::Kiss;
use crate::wire::mac::{MAC_LENGTHS, Mac};
use crate::wire::reader::Reader;

/// Bytes of the header.
pub const HEADER_LEN: usize = 48;

/// What follows the header where a code could not be verified: the key that there is not.
pub const CRYPTO_NAK: [u8; CRYPTO_NAK_LEN] = [0; CRYPTO_NAK_LEN];

/// The version that we speak.
pub const VERSION: u8 = 4;

/// The header of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Leap indicator.
    pub leap: Leap,
    /// Version number, 0 to 7.
    pub version: u8,
    /// Association mode. Version 1 had none: there it is 0.
    pub mode: Mode,
    /// Stratum as on the wire: 0 is unspecified or a kiss, not synchronised is 0 or 16.
    pub stratum: Stratum,
    /// The sender's poll interval.
    pub poll: PollExponent,
    /// The sender's clock precision.
    pub precision: Precision,
    /// Round-trip delay to the reference clock; never negative.
    pub root_delay: NtpDuration,
    /// Dispersion to the reference clock; never negative.
    pub root_dispersion: NtpDuration,
    /// The sender's source, or a kiss code.
    pub reference_id: RefId,
    /// When the sender's clock was last set or corrected.
    pub reference: NtpTimestamp,
    /// When the request that this answers was sent, by the requester's clock (T1).
    pub origin: NtpTimestamp,
    /// When that request was received (T2).
    pub receive: NtpTimestamp,
    /// When this packet was sent (T3).
    pub transmit: NtpTimestamp,
}

impl Header {
    /// A client's request that tells nothing of the client: all fields zero but `transmit`, which
    /// need not be a time.
    pub const fn request(transmit: NtpTimestamp) -> Self {
        Self {
            leap: Leap::None,
            version: VERSION,
            mode: Mode::Client,
            stratum: Stratum::new(0),
            poll: PollExponent::new(0),
            // What other minimal clients send, so that ours is not told from them.
            precision: Precision::new(32),
            root_delay: NtpDuration::ZERO,
            root_dispersion: NtpDuration::ZERO,
            reference_id: RefId::new([0; 4]),
            reference: NtpTimestamp::NEVER,
            origin: NtpTimestamp::NEVER,
            receive: NtpTimestamp::NEVER,
            transmit,
        }
    }

    /// Reads a header of any version and mode.
    fn parse(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let first = reader.u8("leap, version and mode")?;
        Ok(Self {
            leap: Leap::from_bits(first >> 6),
            version: first >> 3 & 7,
            mode: Mode::from_bits(first),
            stratum: Stratum::new(reader.u8("stratum")?),
            poll: PollExponent::new(reader.i8("poll")?),
            precision: Precision::new(reader.i8("precision")?),
            root_delay: NtpDuration::from_short(reader.u32("root delay")?),
            root_dispersion: NtpDuration::from_short(reader.u32("root dispersion")?),
            reference_id: RefId::new(reader.array("reference ID")?),
            reference: NtpTimestamp::from_bits(reader.u64("reference timestamp")?),
            origin: NtpTimestamp::from_bits(reader.u64("origin timestamp")?),
            receive: NtpTimestamp::from_bits(reader.u64("receive timestamp")?),
            transmit: NtpTimestamp::from_bits(reader.u64("transmit timestamp")?),
        })
    }

    /// The 48 bytes. The root dispersion is rounded up, so that it is never understated.
    pub fn emit(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_LEN);
        self.append_to(&mut bytes);
        bytes
    }

    /// Appends the 48 bytes.
    pub fn append_to(&self, bytes: &mut Vec<u8>) {
        bytes.push(self.leap.bits() << 6 | (self.version & 7) << 3 | self.mode.bits());
        bytes.push(self.stratum.get());
        bytes.extend(self.poll.exponent().to_be_bytes());
        bytes.extend(self.precision.exponent().to_be_bytes());
        bytes.extend(self.root_delay.short().to_be_bytes());
        bytes.extend((self.root_dispersion + ALMOST_SHORT_UNIT).short().to_be_bytes());
        bytes.extend(self.reference_id.octets());
        for stamp in [self.reference, self.origin, self.receive, self.transmit] {
            bytes.extend(stamp.bits().to_be_bytes());
        }
    }

    /// The sender's stratum: 16, not synchronised, where the packet specifies none.
    pub fn sender_stratum(&self) -> Stratum {
        let is_unspecified = self.stratum == Stratum::new(0);
        if is_unspecified { Stratum::UNSYNCHRONISED } else { self.stratum }
    }

    /// The kiss that a server's reply is; `None` in any other packet.
    pub fn kiss(&self) -> Option<Kiss> {
        let is_kiss = self.mode == Mode::Server
            && self.leap == Leap::Alarm
            && self.stratum == Stratum::new(0);
        is_kiss.then(|| Kiss::from_reference_id(self.reference_id))
    }
}

/// A packet of versions 1 to 4, modes 0 to 5.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// The header.
    pub header: Header,
    /// Extension fields in order; version 4 only.
    pub extensions: Vec<Extension<'a>>,
    /// What ends the packet.
    pub trailer: Trailer<'a>,
}

/// What ends a packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trailer<'a> {
    /// Nothing.
    #[default]
    None,
    /// A crypto-NAK, four zero bytes: the sender could not verify our code. Not proof of anything,
    /// for anyone can send it.
    CryptoNak,
    /// A message authentication code.
    Mac(Mac<'a>),
}

impl<'a> Packet<'a> {
    /// Reads one datagram.
    ///
    /// What follows the header of versions 1 to 3 is a code. In version 4 what is left is a code
    /// when it is 20 or 24 bytes, a crypto-NAK when it is four zeros, an extension field when it
    /// is more than 24, and malformed else.
    pub fn parse(datagram: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new("NTP packet", datagram);
        let header = Header::parse(&mut reader)?;
        if !(1..=VERSION).contains(&header.version) {
            let value = u64::from(header.version);
            return Err(Malformed::Invalid { field: "version", position: 0, value });
        }
        if matches!(header.mode, Mode::Control | Mode::Private) {
            let value = u64::from(header.mode.bits());
            return Err(Malformed::Invalid { field: "mode", position: 0, value });
        }
        if !datagram.len().is_multiple_of(4) {
            let value = datagram.len() as u64;
            return Err(Malformed::Invalid { field: "length", position: HEADER_LEN, value });
        }
        let mut extensions = Vec::new();
        if header.version == VERSION {
            while reader.remaining() > LONGEST_MAC {
                extensions.push(Extension::parse(&mut reader)?);
            }
        }
        let trailer = Trailer::parse(&mut reader, header.version)?;
        Ok(Self { header, extensions, trailer })
    }

    /// The bytes of the packet.
    ///
    /// The trailer is written as it is: a code is made over [`Packet::emit`] without one and
    /// added by [`Key::seal`](crate::wire::mac::Key::seal). Then `sealed` says that it will be,
    /// for the last extension field may be shorter before a code.
    pub fn emit(&self, sealed: bool) -> Vec<u8> {
        let mut bytes = self.header.emit();
        // The last field, with what follows that is no code, has to be longer than a code.
        let min_last_len = match self.trailer {
            Trailer::None | Trailer::CryptoNak if !sealed => {
                extension::MIN_LAST_LEN - self.trailer.len()
            }
            _ => extension::MIN_LEN,
        };
        for (i, field) in self.extensions.iter().enumerate() {
            let is_last = i + 1 == self.extensions.len();
            field.emit(if is_last { min_last_len } else { extension::MIN_LEN }, &mut bytes);
        }
        match self.trailer {
            Trailer::None => {}
            Trailer::CryptoNak => bytes.extend([0; CRYPTO_NAK_LEN]),
            Trailer::Mac(mac) => mac.emit(&mut bytes),
        }
        bytes
    }

    /// The part of the packet's own `datagram` that its code covers: all before it.
    pub fn covered<'d>(&self, datagram: &'d [u8]) -> &'d [u8] {
        let end = datagram.len().saturating_sub(self.trailer.len());
        datagram.get(..end).unwrap_or_default()
    }
}

impl<'a> Trailer<'a> {
    /// Reads what is left as the end of a packet of this version.
    fn parse(reader: &mut Reader<'a>, version: u8) -> Result<Self, Malformed> {
        let position = reader.position();
        let rest = reader.rest();
        if rest.is_empty() {
            return Ok(Self::None);
        }
        if rest == [0; CRYPTO_NAK_LEN] {
            return Ok(Self::CryptoNak);
        }
        let fits = version < VERSION || MAC_LENGTHS.contains(&rest.len());
        match Mac::parse(rest) {
            Some(mac) if fits => Ok(Self::Mac(mac)),
            _ => Err(Malformed::Invalid {
                field: "length of the authentication code",
                position,
                value: rest.len() as u64,
            }),
        }
    }

    /// Bytes that it takes.
    pub const fn len(&self) -> usize {
        match self {
            Self::None => 0,
            Self::CryptoNak => CRYPTO_NAK_LEN,
            Self::Mac(mac) => size_of::<u32>() + mac.digest.len(),
        }
    }

    /// Whether there is nothing.
    pub const fn is_empty(&self) -> bool {
        matches!(self, Self::None)
    }
}

const CRYPTO_NAK_LEN: usize = 4;

/// More than this behind the header of version 4 begins with an extension field.
const LONGEST_MAC: usize = 24;

/// One less than a unit of the short form, to round up with.
const ALMOST_SHORT_UNIT: NtpDuration = NtpDuration::from_bits(0xffff);

#[cfg(test)]
mod tests;
