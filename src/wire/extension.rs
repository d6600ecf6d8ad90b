//! Extension fields: what may stand between an NTP packet's header and its code.
//!
//! RFC 7822. A field is a type, the length of the whole field, and a body. Lengths are multiples
//! of 4 and at least 16; the last field of a packet without a code is at least 28 long, so that
//! what is left at the end can be told from a code, which is at most 24.

use crate::wire::Malformed;
use crate::wire::reader::Reader;

/// Bytes of type and length.
pub const HEADER_LEN: usize = 4;

/// The shortest field.
pub const MIN_LEN: usize = 16;

/// The shortest last field of a packet without a code.
pub const MIN_LAST_LEN: usize = 28;

/// One extension field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extension<'a> {
    /// What it is.
    pub kind: Kind,
    /// Its body with the padding: only the kind says where the content ends.
    pub body: &'a [u8],
}

/// What an extension field is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// 0x0104: the number by which a reply under NTS is matched to its request (RFC 8915).
    NtsUniqueId,
    /// 0x0204: an NTS cookie.
    NtsCookie,
    /// 0x0304: room for a cookie that the server is asked to send.
    NtsCookiePlaceholder,
    /// 0x0404: the NTS authenticator, and fields that it encrypts; the last of its packet.
    NtsAuthenticator,
    /// 0x010a: what network devices add for the time that a packet spent in them.
    NetworkCorrection,
    /// 0x2005: two bytes that keep the UDP checksum when a device changes a timestamp (RFC 7821).
    ChecksumComplement,
    /// 0xf323: chrony's experimental monotonic timestamps and fine root distance.
    ChronyExperimental,
    /// Any other type; never one of the above when made by [`Kind::from_bits`].
    Other(u16),
}

impl Kind {
    /// From the type on the wire.
    pub const fn from_bits(bits: u16) -> Self {
        match bits {
            0x0104 => Self::NtsUniqueId,
            0x0204 => Self::NtsCookie,
            0x0304 => Self::NtsCookiePlaceholder,
            0x0404 => Self::NtsAuthenticator,
            0x010a => Self::NetworkCorrection,
            0x2005 => Self::ChecksumComplement,
            0xf323 => Self::ChronyExperimental,
            other => Self::Other(other),
        }
    }

    /// The type on the wire.
    pub const fn bits(self) -> u16 {
        match self {
            Self::NtsUniqueId => 0x0104,
            Self::NtsCookie => 0x0204,
            Self::NtsCookiePlaceholder => 0x0304,
            Self::NtsAuthenticator => 0x0404,
            Self::NetworkCorrection => 0x010a,
            Self::ChecksumComplement => 0x2005,
            Self::ChronyExperimental => 0xf323,
            Self::Other(bits) => bits,
        }
    }
}

impl<'a> Extension<'a> {
    /// Reads one field.
    pub fn parse(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let kind = Kind::from_bits(reader.u16("extension field type")?);
        let position = reader.position();
        let length = usize::from(reader.u16("extension field length")?);
        if length < MIN_LEN || !length.is_multiple_of(4) {
            return Err(Malformed::Invalid {
                field: "extension field length",
                position,
                value: length as u64,
            });
        }
        let body = reader.claimed("extension field length", length - HEADER_LEN)?;
        Ok(Self { kind, body })
    }

    /// Appends the field to `bytes`, filled with zeros to a whole number of words and to at least
    /// `min_len` bytes in all: [`MIN_LEN`], or [`MIN_LAST_LEN`] where no code follows.
    ///
    /// A body beyond what a length can say, 65 528 bytes, is cut.
    pub fn emit(&self, min_len: usize, bytes: &mut Vec<u8>) {
        let body = self.body.get(..MAX_BODY).unwrap_or(self.body);
        let length = (HEADER_LEN + body.len()).max(min_len).next_multiple_of(4);
        bytes.extend(self.kind.bits().to_be_bytes());
        bytes.extend(u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes());
        bytes.extend(body);
        bytes.resize(bytes.len() + length - HEADER_LEN - body.len(), 0);
    }
}

/// The longest body: the whole field's length is a multiple of 4 that fits sixteen bits.
const MAX_BODY: usize = 0xfffc - HEADER_LEN;

#[cfg(test)]
mod tests {
    use super::*;

    const COOKIE: [u8; 16] = *b"\x02\x04\x00\x10abcdefghijkl";

    fn parse(bytes: &[u8]) -> Result<Extension<'_>, Malformed> {
        Extension::parse(&mut Reader::new("test", bytes))
    }

    fn emit(kind: Kind, body: &[u8], min_len: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        Extension { kind, body }.emit(min_len, &mut bytes);
        bytes
    }

    #[test]
    fn a_field_is_type_length_and_body() {
        let field = parse(&COOKIE).unwrap();
        assert_eq!(field, Extension { kind: Kind::NtsCookie, body: b"abcdefghijkl" });
        assert_eq!(emit(field.kind, field.body, MIN_LEN), COOKIE);
    }

    #[test]
    fn short_bodies_are_filled() {
        assert_eq!(emit(Kind::NtsCookie, b"", MIN_LEN), *b"\x02\x04\0\x10\0\0\0\0\0\0\0\0\0\0\0\0");
        assert_eq!(emit(Kind::NtsCookie, b"abcde", MIN_LAST_LEN).len(), MIN_LAST_LEN);
        assert_eq!(emit(Kind::NtsCookie, &[1; 13], MIN_LEN).len(), 20);
    }

    #[test]
    fn a_body_too_long_is_cut() {
        let bytes = emit(Kind::Other(1), &vec![7; 70_000], MIN_LEN);
        assert_eq!(parse(&bytes).unwrap().body.len(), MAX_BODY);
        assert_eq!(bytes.len(), 0xfffc);
    }

    #[test]
    fn every_length_short_is_malformed() {
        for len in 0..COOKIE.len() {
            assert!(parse(&COOKIE[..len]).is_err(), "{len}");
        }
    }

    #[test]
    fn lengths_that_break_the_rules_are_malformed() {
        for length in [0, 4, 12, 17, 18, 20, 0xffff_u16] {
            let mut bytes = COOKIE;
            bytes[2..4].copy_from_slice(&length.to_be_bytes());
            assert!(parse(&bytes).is_err(), "{length}");
        }
    }

    #[test]
    fn types_survive_the_round_trip() {
        for bits in 0..=u16::MAX {
            assert_eq!(Kind::from_bits(bits).bits(), bits);
        }
    }
}
