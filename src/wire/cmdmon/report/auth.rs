//! `AUTH_DATA`: how a source is authenticated.

use std::time::Duration;

use crate::wire::Malformed;
use crate::wire::cmdmon::time::{emit_age, parse_age};
use crate::wire::reader::Reader;

/// A source's authentication as `chronyc authdata` shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuthData {
    /// The mechanism.
    pub mode: AuthMode,
    /// The algorithm by its number, whose meaning depends on the mechanism; see
    /// [`AuthData::algorithm`].
    pub key_type: u16,
    /// The key's number: of a symmetric key as configured, of NTS keys a count.
    pub key_id: u32,
    /// The key's length in bits.
    pub key_bits: u16,
    /// Attempts at the key establishment (NTS-KE) since it last succeeded.
    pub establishment_attempts: u16,
    /// How long ago keys were last established, in whole seconds; `None` when never.
    pub last_establishment: Option<Duration>,
    /// NTS cookies at hand.
    pub cookies: u16,
    /// Bytes of a cookie.
    pub cookie_len: u16,
    /// NTS refusals since keys were last established.
    pub naks: u16,
}

impl AuthData {
    /// The name of the algorithm; `None` without authentication or for a number not known here.
    pub const fn algorithm(&self) -> Option<&'static str> {
        match self.mode {
            AuthMode::SymmetricKey => Some(match self.key_type {
                1 => "MD5",
                2 => "SHA1",
                3 => "SHA256",
                4 => "SHA384",
                5 => "SHA512",
                6 => "SHA3-224",
                7 => "SHA3-256",
                8 => "SHA3-384",
                9 => "SHA3-512",
                10 => "TIGER",
                11 => "WHIRLPOOL",
                13 => "AES128",
                14 => "AES256",
                _ => return None,
            }),
            AuthMode::Nts => Some(match self.key_type {
                15 => "AES-SIV-CMAC-256",
                30 => "AES-128-GCM-SIV",
                _ => return None,
            }),
            AuthMode::None | AuthMode::Other(_) => None,
        }
    }

    pub(super) fn parse(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let auth = Self {
            mode: AuthMode::from_bits(reader.u16("mode")?),
            key_type: reader.u16("key type")?,
            key_id: reader.u32("key ID")?,
            key_bits: reader.u16("key length")?,
            establishment_attempts: reader.u16("attempts at key establishment")?,
            last_establishment: parse_age(reader, "age of the last key establishment")?,
            cookies: reader.u16("cookies")?,
            cookie_len: reader.u16("cookie length")?,
            naks: reader.u16("NAKs")?,
        };
        reader.u16("padding")?;
        Ok(auth)
    }

    pub(super) fn emit(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.mode.bits().to_be_bytes());
        bytes.extend(self.key_type.to_be_bytes());
        bytes.extend(self.key_id.to_be_bytes());
        bytes.extend(self.key_bits.to_be_bytes());
        bytes.extend(self.establishment_attempts.to_be_bytes());
        emit_age(self.last_establishment, bytes);
        for word in [self.cookies, self.cookie_len, self.naks, 0] {
            bytes.extend(word.to_be_bytes());
        }
    }
}

/// How packets are authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AuthMode {
    /// 0: not at all.
    None,
    /// 1: by a key that both sides were given.
    SymmetricKey,
    /// 2: by Network Time Security (RFC 8915).
    Nts,
    /// A number that is not known here.
    Other(u16),
}

impl AuthMode {
    /// From the number on the wire.
    pub const fn from_bits(bits: u16) -> Self {
        match bits {
            0 => Self::None,
            1 => Self::SymmetricKey,
            2 => Self::Nts,
            other => Self::Other(other),
        }
    }

    /// The number on the wire.
    pub const fn bits(self) -> u16 {
        match self {
            Self::None => 0,
            Self::SymmetricKey => 1,
            Self::Nts => 2,
            Self::Other(bits) => bits,
        }
    }

    /// The word that chronyc prints.
    pub const fn word(self) -> &'static str {
        match self {
            Self::None => "-",
            Self::SymmetricKey => "SK",
            Self::Nts => "NTS",
            Self::Other(_) => "?",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::cmdmon::report::testing::{assert_layout, read, words};
    use crate::wire::cmdmon::{ReplyType, Report};

    fn auth(data: &[u8]) -> AuthData {
        match read(ReplyType::AUTH_DATA, data) {
            Ok(Report::AuthData(auth)) => auth,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_captured_key_is_taken_apart_and_written_again() {
        let data = words(&[0x0001_0001, 1, 0x0080_0000, 0xffff_ffff, 0, 0]);
        let auth = auth(&data);
        assert_layout(&data, &Report::AuthData(auth));
        assert_eq!((auth.mode, auth.algorithm()), (AuthMode::SymmetricKey, Some("MD5")));
        assert_eq!((auth.key_id, auth.key_bits, auth.last_establishment), (1, 128, None));
    }

    #[test]
    fn nts_has_its_own_numbers() {
        let data = words(&[0x0002_000f, 2, 0x0100_0003, 90, 0x0008_0064, 0x0005_0000]);
        let auth = auth(&data);
        assert_layout(&data, &Report::AuthData(auth));
        assert_eq!((auth.mode, auth.algorithm()), (AuthMode::Nts, Some("AES-SIV-CMAC-256")));
        assert_eq!((auth.key_bits, auth.establishment_attempts), (256, 3));
        assert_eq!(auth.last_establishment, Some(Duration::from_secs(90)));
        assert_eq!((auth.cookies, auth.cookie_len, auth.naks), (8, 100, 5));
    }

    #[test]
    fn numbers_without_a_meaning_are_kept() {
        let data = words(&[0x0009_0001, 0, 0, 0, 0, 0]);
        assert_eq!(auth(&data).mode, AuthMode::Other(9));
        assert_eq!(auth(&data).algorithm(), None);
        assert_layout(&data, &Report::AuthData(auth(&data)));
        for number in [0, 12, 15, u16::MAX] {
            let data = words(&[0x0001_0000 | u32::from(number), 0, 0, 0, 0, 0]);
            assert_eq!(auth(&data).algorithm(), None, "{number}");
        }
        for bits in 0..=u16::MAX {
            assert_eq!(AuthMode::from_bits(bits).bits(), bits);
        }
    }

    #[test]
    fn mechanisms_have_the_words_of_chronyc() {
        let words: Vec<_> = (0..4).map(|bits| AuthMode::from_bits(bits).word()).collect();
        assert_eq!(words, ["-", "SK", "NTS", "?"]);
    }
}
