//! Mode 6: the control messages of RFC 1305 appendix B and RFC 9327, as ntpd and NTPsec speak them.
//!
//! One request is one datagram; a reply is one or more fragments that share sequence number,
//! opcode and association. [`Message`] is one datagram; [`fragments`] puts replies together and
//! [`auth`] signs and verifies. The text inside replies is read by [`varlist`], the status words by
//! [`status`] and the peer flash bits by [`flash`].

pub mod auth;
pub mod flash;
pub mod fragments;
pub mod opcode;
pub mod status;
pub mod varlist;

use crate::units::{AssocId, Leap};
use crate::wire::Malformed;
use crate::wire::reader::Reader;

pub use fragments::{Progress, Reassembly};
pub use opcode::{ErrorCode, Opcode};

/// Bytes before the data.
pub const HEADER_LEN: usize = 12;

/// The most data that one message carries.
pub const MAX_DATA: usize = 468;

/// What daemons call the list of their local addresses.
pub const INTERFACE_LIST: &str = "ifstats";

/// What daemons call the list of their restrictions.
pub const RESTRICTION_LIST: &str = "addr_restrictions";

/// The version number that every ntpq claims unless told otherwise.
pub const DEFAULT_VERSION: u8 = 2;

/// One control message: a request, or one fragment of a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// Leap bits: the daemon's leap indicator in replies, not used in requests.
    pub leap: Leap,
    /// Version number, 0 to 7; a reply repeats the request's.
    pub version: u8,
    /// Whether this is a reply.
    pub response: bool,
    /// Whether the reply is an error; its code stands in the upper byte of `status`.
    pub error: bool,
    /// Whether more fragments follow.
    pub more: bool,
    /// What is asked.
    pub opcode: Opcode,
    /// Chosen by the client and repeated by the daemon.
    pub sequence: u16,
    /// Status word, of the system, peer or clock as the opcode and association say.
    pub status: u16,
    /// What it is about; 0 is the daemon.
    pub association: AssocId,
    /// Where `data` stands in the whole reply, in bytes. Stale in error replies.
    pub offset: u16,
    /// The data, without padding.
    pub data: &'a [u8],
    /// What follows the data: padding, perhaps a message authentication code.
    pub trailer: &'a [u8],
}

impl<'a> Message<'a> {
    /// A request for `opcode` on `association`.
    pub const fn request(
        opcode: Opcode,
        association: AssocId,
        sequence: u16,
        data: &'a [u8],
    ) -> Self {
        Self {
            leap: Leap::None,
            version: DEFAULT_VERSION,
            response: false,
            error: false,
            more: false,
            opcode,
            sequence,
            status: 0,
            association,
            offset: 0,
            data,
            trailer: &[],
        }
    }

    /// Reads one datagram.
    ///
    /// Only what makes the rest unreadable is an error: too few bytes, another mode, or a count
    /// beyond the datagram's end. Which versions, flags and lengths to accept is the caller's rule.
    pub fn parse(datagram: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new("control message", datagram);
        let first = reader.u8("leap, version and mode")?;
        if first & 7 != MODE {
            let value = u64::from(first & 7);
            return Err(Malformed::Invalid { field: "mode", position: 0, value });
        }
        let second = reader.u8("flags and opcode")?;
        let sequence = reader.u16("sequence")?;
        let status = reader.u16("status")?;
        let association = AssocId::new(reader.u16("association")?);
        let offset = reader.u16("offset")?;
        let count = reader.u16("count")?;
        let data = reader.claimed("count", usize::from(count))?;
        Ok(Self {
            leap: Leap::from_bits(first >> 6),
            version: first >> 3 & 7,
            response: second & RESPONSE != 0,
            error: second & ERROR != 0,
            more: second & MORE != 0,
            opcode: Opcode::from_bits(second),
            sequence,
            status,
            association,
            offset,
            data,
            trailer: reader.rest(),
        })
    }

    /// The bytes of the message: header, data and trailer as they stand.
    ///
    /// Data beyond 65 535 bytes is cut, for the count cannot say more. A message without trailer
    /// is padded with zeros to a multiple of four, as receivers require.
    pub fn emit(&self) -> Vec<u8> {
        let count = u16::try_from(self.data.len()).unwrap_or(u16::MAX);
        let data = self.data.get(..usize::from(count)).unwrap_or_default();
        let mut bytes = Vec::with_capacity(HEADER_LEN + data.len() + self.trailer.len() + 3);
        bytes.push(self.leap.bits() << 6 | (self.version & 7) << 3 | MODE);
        let flags = [(self.response, RESPONSE), (self.error, ERROR), (self.more, MORE)];
        let flags = flags.iter().filter(|(set, _)| *set).fold(0, |all, (_, bit)| all | bit);
        bytes.push(flags | self.opcode.bits());
        for word in [self.sequence, self.status, self.association.get(), self.offset, count] {
            bytes.extend(word.to_be_bytes());
        }
        bytes.extend(data);
        if self.trailer.is_empty() {
            bytes.resize(bytes.len().next_multiple_of(4), 0);
        } else {
            bytes.extend(self.trailer);
        }
        bytes
    }

    /// The error that an error reply carries; `None` in any other message.
    pub const fn error_code(&self) -> Option<ErrorCode> {
        if self.response && self.error {
            Some(ErrorCode::from_bits((self.status >> 8) as u8))
        } else {
            None
        }
    }
}

/// Reads the binary list that READSTAT of association 0 answers with: pairs of association id and
/// peer status word, in the daemon's order. Odd bytes at the end are dropped.
pub fn association_list(data: &[u8]) -> impl Iterator<Item = (AssocId, u16)> {
    let (pairs, _) = data.as_chunks::<4>();
    pairs.iter().map(|[a, b, c, d]| {
        (AssocId::new(u16::from_be_bytes([*a, *b])), u16::from_be_bytes([*c, *d]))
    })
}

const MODE: u8 = 6;
const RESPONSE: u8 = 0x80;
const ERROR: u8 = 0x40;
const MORE: u8 = 0x20;
