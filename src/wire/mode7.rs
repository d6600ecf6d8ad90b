//! Mode 7: the private messages of classic ntpd and its forebears, which ntpdc asks with.
//!
//! A request is one datagram of a fixed size; a reply is up to 128 that share implementation and
//! request code and are told apart by a sequence number. There is nothing else to tell one question
//! from another: whoever asks twice at once cannot know which answer is whose. [`Message`] is one
//! datagram, [`Request`] what is asked, [`fragments`] puts replies together, [`auth`] signs. What the
//! items of replies hold is in modules of their own; [`code`] is the table of what can be asked.
//!
//! The items are C structures as a compiler laid them out: padding counts, and a few fields stand in
//! the daemon's own byte order. Those are read as of a little-endian machine, which all that still
//! run such a daemon are; what only has to be told from zero is not read beyond that.

pub mod auth;
pub mod change;
pub mod clock;
pub mod code;
pub mod counters;
mod fields;
pub mod fragments;
pub mod interface;
pub mod monitor;
pub mod peer;
pub mod restrict;
pub mod system;
pub mod trap;

use std::fmt;

use crate::wire::Malformed;
use crate::wire::reader::Reader;

pub use code::{Access, Code};
pub use fields::Fixed;
pub use fragments::{Items, Progress, Reassembly};

/// Bytes before the items.
pub const HEADER_LEN: usize = 8;

/// The most bytes of items in one datagram of a reply.
pub const MAX_REPLY_DATA: usize = 500;

/// The most bytes of items in a request.
pub const MAX_REQUEST_DATA: usize = 176;

/// The version number that ntpdc claims, and the daemon repeats.
pub const VERSION: u8 = 2;

/// Whose request codes and items are meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Implementation {
    /// What all agree on, which is nothing: every code under it is unknown to every daemon.
    Universal,
    /// Before IPv6: items end where it begins.
    Old,
    /// With room for both address families.
    #[default]
    Current,
    /// Somebody else's.
    Other(u8),
}

impl Implementation {
    /// From its number.
    pub const fn from_bits(bits: u8) -> Self {
        match bits {
            0 => Self::Universal,
            2 => Self::Old,
            3 => Self::Current,
            other => Self::Other(other),
        }
    }

    /// Its number.
    pub const fn bits(self) -> u8 {
        match self {
            Self::Universal => 0,
            Self::Old => 2,
            Self::Current => 3,
            Self::Other(number) => number,
        }
    }
}

/// Why a daemon did not do what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// The implementation is not its own.
    Implementation,
    /// It has no such request.
    Request,
    /// Count or size of the items, or the datagram, are not as it wants them.
    Format,
    /// There is nothing of what was asked for.
    NoData,
    /// The key, the time in the request, or the asker's address do not permit it.
    Permission,
    /// A number that has no meaning.
    Other(u8),
}

impl Refusal {
    /// From the number in the header, of which four bits count; `None` for 0, which is none.
    pub const fn from_bits(bits: u8) -> Option<Self> {
        Some(match bits & 0xf {
            0 => return None,
            1 => Self::Implementation,
            2 => Self::Request,
            3 => Self::Format,
            4 => Self::NoData,
            7 => Self::Permission,
            other => Self::Other(other),
        })
    }

    /// Its number.
    pub const fn bits(self) -> u8 {
        match self {
            Self::Implementation => 1,
            Self::Request => 2,
            Self::Format => 3,
            Self::NoData => 4,
            Self::Permission => 7,
            Self::Other(number) => number & 0xf,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Implementation => f.write_str("the implementation is unknown to the daemon"),
            Self::Request => f.write_str("the request is unknown to the daemon"),
            Self::Format => f.write_str("the daemon cannot read the request"),
            Self::NoData => f.write_str("the daemon has no such data"),
            Self::Permission => f.write_str("the daemon does not permit it"),
            Self::Other(number) => write!(f, "refused with error {number}"),
        }
    }
}

/// One datagram: a request, or a part of a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// Whether this is a reply.
    pub response: bool,
    /// Whether more datagrams of the same reply follow in sequence.
    pub more: bool,
    /// Version number, 0 to 7; a reply repeats the request's.
    pub version: u8,
    /// Whether a time and a message authentication code follow the items.
    pub authenticated: bool,
    /// Which datagram of the reply it is, 0 to 127.
    pub sequence: u8,
    /// Whose request codes and items are meant.
    pub implementation: Implementation,
    /// What is asked.
    pub code: Code,
    /// Why the request was not done; `None` in requests.
    pub refusal: Option<Refusal>,
    /// How many items there are, below 4096; of this datagram, not of the whole reply.
    pub count: u16,
    /// Four bits that have to be zero.
    pub reserved: u8,
    /// How many bytes an item has, below 4096.
    pub item_len: u16,
    /// What follows the header: items, padding, perhaps a time and a code.
    pub body: &'a [u8],
}

impl<'a> Message<'a> {
    /// Reads one datagram.
    ///
    /// Only what makes the rest unreadable is an error: too few bytes, or another mode. Whether the
    /// items that are claimed are there is for [`Message::items`] to say.
    pub fn parse(datagram: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new("private message", datagram);
        let first = reader.u8("flags, version and mode")?;
        if first & 7 != MODE {
            let value = u64::from(first & 7);
            return Err(Malformed::Invalid { field: "mode", position: 0, value });
        }
        let second = reader.u8("flag and sequence")?;
        let implementation = Implementation::from_bits(reader.u8("implementation")?);
        let code = Code::from_bits(reader.u8("request code")?);
        let counted = reader.u16("error and count")?;
        let sized = reader.u16("reserved and item size")?;
        Ok(Self {
            response: first & RESPONSE != 0,
            more: first & MORE != 0,
            version: first >> 3 & 7,
            authenticated: second & AUTHENTICATED != 0,
            sequence: second & !AUTHENTICATED,
            implementation,
            code,
            refusal: Refusal::from_bits(high_bits(counted)),
            count: counted & LOW_BITS,
            reserved: high_bits(sized),
            item_len: sized & LOW_BITS,
            body: reader.rest(),
        })
    }

    /// The bytes of the message, the body as it stands.
    pub fn emit(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_LEN + self.body.len());
        let flags = [(self.response, RESPONSE), (self.more, MORE)];
        let flags = flags.iter().filter(|(set, _)| *set).fold(0, |all, (_, bit)| all | bit);
        bytes.push(flags | (self.version & 7) << 3 | MODE);
        let flag = if self.authenticated { AUTHENTICATED } else { 0 };
        bytes.push(flag | self.sequence & !AUTHENTICATED);
        bytes.push(self.implementation.bits());
        bytes.push(self.code.bits());
        let error = self.refusal.map_or(0, Refusal::bits);
        bytes.extend((u16::from(error) << 12 | self.count & LOW_BITS).to_be_bytes());
        let reserved = u16::from(self.reserved & 0xf);
        bytes.extend((reserved << 12 | self.item_len & LOW_BITS).to_be_bytes());
        bytes.extend(self.body);
        bytes
    }

    /// The bytes of all items together; an error when fewer are there than the header claims.
    pub fn items(&self) -> Result<&'a [u8], Malformed> {
        let claimed = usize::from(self.count) * usize::from(self.item_len);
        let found = self.body.len();
        self.body.get(..claimed).ok_or(Malformed::Overrun {
            field: "count of items",
            position: HEADER_LEN,
            claimed,
            found,
        })
    }
}

/// What is asked, before it is known how long the datagram will be and who signs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Whose request codes and items are meant.
    pub implementation: Implementation,
    /// What is asked.
    pub code: Code,
    /// How many items it carries.
    pub count: u16,
    /// How many bytes each has.
    pub item_len: u16,
    /// The items, back to back, at most [`MAX_REQUEST_DATA`] bytes.
    pub items: Vec<u8>,
}

impl Request {
    /// A request without items.
    pub const fn plain(implementation: Implementation, code: Code) -> Self {
        Self { implementation, code, count: 0, item_len: 0, items: Vec::new() }
    }

    /// A request with `items`, all of one length; those that there is no room for are left out.
    pub fn with_items<const N: usize>(
        implementation: Implementation,
        code: Code,
        items: &[[u8; N]],
    ) -> Self {
        let room = MAX_REQUEST_DATA.checked_div(N).unwrap_or(0);
        let taken = items.get(..room).unwrap_or(items);
        Self {
            implementation,
            code,
            // Both are at most the room in a request.
            count: u16::try_from(taken.len()).unwrap_or(0),
            item_len: u16::try_from(N).unwrap_or(0),
            items: taken.concat(),
        }
    }

    /// The datagram without a signature.
    pub fn emit(&self, size: RequestSize) -> Vec<u8> {
        let mut bytes = self.message(false);
        bytes.resize(size.bytes(), 0);
        bytes
    }

    /// Header and items.
    fn message(&self, authenticated: bool) -> Vec<u8> {
        let items = self.items.get(..MAX_REQUEST_DATA).unwrap_or(&self.items);
        Message {
            response: false,
            more: false,
            version: VERSION,
            authenticated,
            sequence: 0,
            implementation: self.implementation,
            code: self.code,
            refusal: None,
            count: self.count,
            reserved: 0,
            item_len: self.item_len,
            body: items,
        }
        .emit()
    }
}

/// How long the datagram of a request is without its key's number and digest. Daemons of different
/// ages take nothing but the one that they know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RequestSize {
    /// 48 bytes, as a packet of time.
    Smallest,
    /// 160 bytes.
    Smaller,
    /// 192 bytes, of today.
    #[default]
    Usual,
}

impl RequestSize {
    /// In bytes.
    pub const fn bytes(self) -> usize {
        match self {
            Self::Smallest => 48,
            Self::Smaller => 160,
            Self::Usual => 192,
        }
    }

    /// The next smaller one; `None` when there is none.
    pub const fn smaller(self) -> Option<Self> {
        match self {
            Self::Usual => Some(Self::Smaller),
            Self::Smaller => Some(Self::Smallest),
            Self::Smallest => None,
        }
    }
}

const fn high_bits(word: u16) -> u8 {
    (word >> 12) as u8
}

const MODE: u8 = 7;
const RESPONSE: u8 = 0x80;
const MORE: u8 = 0x40;
const AUTHENTICATED: u8 = 0x80;
const LOW_BITS: u16 = 0xfff;

#[cfg(test)]
mod tests {
    use super::*;

    fn reply() -> Message<'static> {
        Message {
            response: true,
            more: true,
            version: 2,
            authenticated: false,
            sequence: 5,
            implementation: Implementation::Current,
            code: Code::SystemStatistics,
            refusal: None,
            count: 2,
            reserved: 0,
            item_len: 3,
            body: b"abcdef",
        }
    }

    #[test]
    fn a_message_survives_the_round_trip() {
        let bytes = reply().emit();
        assert_eq!(bytes, b"\xd7\x05\x03\x05\0\x02\0\x03abcdef");
        assert_eq!(Message::parse(&bytes), Ok(reply()));
        assert_eq!(reply().items(), Ok(&b"abcdef"[..]));
    }

    #[test]
    fn every_length_short_is_an_error() {
        let bytes = reply().emit();
        for len in 0..HEADER_LEN {
            assert!(Message::parse(&bytes[..len]).is_err(), "{len}");
        }
        for len in HEADER_LEN..bytes.len() {
            let cut = Message::parse(&bytes[..len]).unwrap();
            assert!(matches!(cut.items(), Err(Malformed::Overrun { claimed: 6, .. })));
        }
    }

    #[test]
    fn other_modes_are_not_taken_for_this_one() {
        for mode in 0..7 {
            let bytes = [0x10 | mode; 12];
            assert!(matches!(Message::parse(&bytes), Err(Malformed::Invalid { .. })));
        }
    }

    #[test]
    fn every_number_stands_for_itself() {
        for bits in 0..=255 {
            assert_eq!(Implementation::from_bits(bits).bits(), bits);
            assert_eq!(Code::from_bits(bits).bits(), bits);
        }
        for bits in 1..16 {
            assert_eq!(Refusal::from_bits(bits).map(Refusal::bits), Some(bits));
        }
        assert_eq!(Refusal::from_bits(0x10), None);
    }

    // The first bytes of what ntpdc 4.2.8p15 sent.
    #[test]
    fn a_request_has_the_size_that_is_asked_for() {
        let request = Request::plain(Implementation::Current, Code::PeerList);
        for size in [RequestSize::Usual, RequestSize::Smaller, RequestSize::Smallest] {
            let bytes = request.emit(size);
            assert_eq!(bytes.len(), size.bytes());
            assert!(bytes.starts_with(b"\x17\0\x03\0\0\0\0\0"));
        }
        let clock = [[127, 127, 1, 0]];
        let request = Request::with_items(Implementation::Current, Code::ClockInfo, &clock);
        assert!(
            request.emit(RequestSize::Usual).starts_with(b"\x17\0\x03\x24\0\x01\0\x04\x7f\x7f")
        );
    }

    #[test]
    fn there_is_room_for_so_many_items_and_no_more() {
        let items = [[1; 24]; 9];
        let request = Request::with_items(Implementation::Current, Code::Unconfigure, &items);
        assert_eq!((request.count, request.items.len()), (7, 168));
    }
}
