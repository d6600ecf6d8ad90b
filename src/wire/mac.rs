//! Symmetric keys and the message authentication codes made with them.
//!
//! RFC 5905 §7.3 and RFC 8573. A code is a key number and a digest; the digest is
//! H(secret ‖ message) for the hashes (not HMAC) and CMAC for AES, over everything before the key
//! number. Digests longer than 20 bytes are cut to 20, as NTPsec does, because nothing longer may
//! follow an NTP packet (RFC 7822 §7.5).

use std::fmt;

use aes::Aes128;
use cmac::{Cmac, KeyInit, Mac as _};
use md5::Md5;
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::units::KeyId;

/// The most bytes of a digest that are sent.
pub const MAX_DIGEST: usize = 20;

/// Bytes of the key number in front of a digest.
pub const KEY_ID_LEN: usize = 4;

/// Lengths that a whole code, key number and digest, can have.
pub const MAC_LENGTHS: [usize; 2] = [KEY_ID_LEN + 16, KEY_ID_LEN + MAX_DIGEST];

/// How a digest is made from a secret and a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// MD5, 16 bytes.
    Md5,
    /// SHA-1, 20 bytes.
    Sha1,
    /// SHA-256, cut to 20 bytes.
    Sha256,
    /// SHA-384, cut to 20 bytes.
    Sha384,
    /// SHA-512, cut to 20 bytes.
    Sha512,
    /// CMAC with AES-128 (RFC 8573), 16 bytes.
    Aes128Cmac,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Md5, Self::Sha1, Self::Sha256, Self::Sha384, Self::Sha512, Self::Aes128Cmac];

    /// From the type word of a keys file, in any case; `None` when it is not known here.
    ///
    /// Like the daemons, takes a word that begins with M and names no other digest for MD5.
    pub fn from_word(word: &str) -> Option<Self> {
        let word = word.to_ascii_uppercase();
        match word.as_str() {
            "SHA" | "SHA1" | "SHA-1" => Some(Self::Sha1),
            "SHA256" | "SHA-256" | "SHA2-256" => Some(Self::Sha256),
            "SHA384" | "SHA-384" | "SHA2-384" => Some(Self::Sha384),
            "SHA512" | "SHA-512" | "SHA2-512" => Some(Self::Sha512),
            "AES" | "AES128" | "AES-128" | "AES128CMAC" | "AES-128-CMAC" => Some(Self::Aes128Cmac),
            "MD2" | "MD4" | "MDC2" | "MD5-SHA1" => None,
            word if word.starts_with('M') => Some(Self::Md5),
            _ => None,
        }
    }

    /// The type word that keys files use.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha384 => "SHA384",
            Self::Sha512 => "SHA512",
            Self::Aes128Cmac => "AES128CMAC",
        }
    }

    /// Bytes of a digest as it is sent: 16 or 20.
    pub const fn digest_len(self) -> usize {
        match self {
            Self::Md5 | Self::Aes128Cmac => 16,
            Self::Sha1 | Self::Sha256 | Self::Sha384 | Self::Sha512 => MAX_DIGEST,
        }
    }

    /// Bytes of a whole code: 20 or 24.
    pub const fn mac_len(self) -> usize {
        KEY_ID_LEN + self.digest_len()
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// A secret shared with a daemon, and how to use it. The secret is wiped from memory when the key
/// is dropped, and never printed.
#[derive(Clone)]
pub struct Key {
    id: KeyId,
    algorithm: Algorithm,
    secret: Zeroizing<Vec<u8>>,
}

/// Why some text is not a key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadKey {
    /// There is no secret.
    Empty,
    /// The number is outside 1 to 65535, the numbers that keys files hold.
    Id(u32),
    /// The type word is not one that is known here.
    Type(String),
    /// A secret of more than 20 characters is hexadecimal, and this one, which is not repeated
    /// here, has another character at this place, counted from 0.
    NotHexadecimal {
        /// Where the first such character stands.
        position: usize,
    },
    /// A hexadecimal secret with an odd number of digits, this one.
    OddDigits(usize),
    /// A hexadecimal secret of more digits than the daemons read, this many.
    TooLong(usize),
}

impl fmt::Display for BadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the key has no secret"),
            Self::Id(id) => write!(f, "key number {id} is not within 1 to {MAX_KEY_ID}"),
            Self::Type(word) => write!(f, "key type {word:?} is not known"),
            Self::NotHexadecimal { position } => write!(
                f,
                "a key of more than {MAX_LITERAL} characters is hexadecimal, and character {} is \
                 no hexadecimal digit",
                position + 1
            ),
            Self::OddDigits(digits) => {
                write!(f, "a hexadecimal key has two digits per byte, and this one has {digits}")
            }
            Self::TooLong(digits) => write!(
                f,
                "a hexadecimal key has at most {MAX_HEX_DIGITS} digits, and this one has {digits}"
            ),
        }
    }
}

impl std::error::Error for BadKey {}

impl Key {
    /// A key from the bytes of its secret, with any number (chrony's go beyond 65535).
    ///
    /// An AES key is cut or filled with zeros to 16 bytes when it is used, as by the daemons.
    pub fn new(id: KeyId, algorithm: Algorithm, secret: &[u8]) -> Result<Self, BadKey> {
        if secret.is_empty() {
            return Err(BadKey::Empty);
        }
        Ok(Self { id, algorithm, secret: Zeroizing::new(secret.to_vec()) })
    }

    /// A key from the words of a keys file: a secret of up to 20 characters stands for itself, a
    /// longer one is hexadecimal, at most 64 digits.
    pub fn from_text(id: u32, type_word: &str, text: &str) -> Result<Self, BadKey> {
        if text.len() <= MAX_LITERAL {
            return Self::from_literal(id, type_word, text);
        }
        let (id, algorithm) = Self::checked(id, type_word)?;
        let mut secret = Zeroizing::new(Vec::with_capacity(text.len() / 2));
        if let Some(position) = text.bytes().position(|byte| !byte.is_ascii_hexdigit()) {
            return Err(BadKey::NotHexadecimal { position });
        }
        if text.len() > MAX_HEX_DIGITS {
            return Err(BadKey::TooLong(text.len()));
        }
        let (pairs, odd) = text.as_bytes().as_chunks::<2>();
        if !odd.is_empty() {
            return Err(BadKey::OddDigits(text.len()));
        }
        secret.extend(pairs.iter().map(|[high, low]| hex_digit(*high) << 4 | hex_digit(*low)));
        Self::new(id, algorithm, &secret)
    }

    /// A key whose text stands for itself at any length, as what is typed after `passwd` in the
    /// classic ntpq and ntpdc.
    pub fn from_literal(id: u32, type_word: &str, text: &str) -> Result<Self, BadKey> {
        let (id, algorithm) = Self::checked(id, type_word)?;
        Self::new(id, algorithm, text.as_bytes())
    }

    fn checked(id: u32, type_word: &str) -> Result<(KeyId, Algorithm), BadKey> {
        let key_id = KeyId::new(id).filter(|_| id <= MAX_KEY_ID).ok_or(BadKey::Id(id))?;
        let algorithm =
            Algorithm::from_word(type_word).ok_or_else(|| BadKey::Type(type_word.to_owned()))?;
        Ok((key_id, algorithm))
    }

    /// The key's number.
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// How it is used.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The digest of `message` with this key.
    pub fn digest(&self, message: &[u8]) -> Digest {
        match self.algorithm {
            Algorithm::Md5 => Digest::cut(&self.hash::<Md5>(message)),
            Algorithm::Sha1 => Digest::cut(&self.hash::<Sha1>(message)),
            Algorithm::Sha256 => Digest::cut(&self.hash::<Sha256>(message)),
            Algorithm::Sha384 => Digest::cut(&self.hash::<Sha384>(message)),
            Algorithm::Sha512 => Digest::cut(&self.hash::<Sha512>(message)),
            Algorithm::Aes128Cmac => Digest::cut(&self.cmac(message)),
        }
    }

    fn hash<H: sha2::Digest>(&self, message: &[u8]) -> impl AsRef<[u8]> + use<H> {
        H::new().chain_update(self.secret.as_slice()).chain_update(message).finalize()
    }

    fn cmac(&self, message: &[u8]) -> impl AsRef<[u8]> + use<> {
        let mut secret = Zeroizing::new([0; 16]);
        for (to, from) in secret.iter_mut().zip(self.secret.iter()) {
            *to = *from;
        }
        Cmac::<Aes128>::new((&*secret).into()).chain_update(message).finalize().into_bytes()
    }

    /// `message` with its code appended.
    pub fn seal(&self, mut message: Vec<u8>) -> Vec<u8> {
        self.append_to(&mut message);
        message
    }

    /// Appends the code of `message` to it.
    pub fn append_to(&self, message: &mut Vec<u8>) {
        let digest = self.digest(message);
        message.extend(self.id.get().to_be_bytes());
        message.extend(digest.as_bytes());
    }
}

impl fmt::Debug for Key {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("id", &self.id)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

/// What a key makes of a message: at most 20 bytes.
#[derive(Clone, Copy, Debug)]
pub struct Digest {
    bytes: [u8; MAX_DIGEST],
    len: usize,
}

impl Digest {
    /// The first bytes of `whole`, as many as are sent.
    fn cut(whole: &impl AsRef<[u8]>) -> Self {
        let mut bytes = [0; MAX_DIGEST];
        let whole = whole.as_ref();
        for (to, from) in bytes.iter_mut().zip(whole) {
            *to = *from;
        }
        Self { bytes, len: whole.len().min(MAX_DIGEST) }
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    /// Whether it is `other`, in a time that does not tell where they differ.
    pub fn matches(&self, other: &[u8]) -> bool {
        self.as_bytes().ct_eq(other).into()
    }
}

/// A code as it stands at the end of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mac<'a> {
    /// The key's number as sent; 0 is no key.
    pub key_id: u32,
    /// The digest as sent, 16 or 20 bytes from those who keep to the rules.
    pub digest: &'a [u8],
}

impl<'a> Mac<'a> {
    /// Takes the last `len` bytes of `datagram` for a code; returns it and the bytes that it
    /// covers. `None` when there are not so many or `len` leaves no digest.
    pub fn at_end(datagram: &'a [u8], len: usize) -> Option<(&'a [u8], Self)> {
        let (covered, mac) = datagram.split_at_checked(datagram.len().checked_sub(len)?)?;
        Some((covered, Self::parse(mac)?))
    }

    /// Reads a code that fills `bytes`; `None` when they are too few for a digest.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (key_id, digest) = bytes.split_first_chunk::<KEY_ID_LEN>()?;
        (!digest.is_empty()).then_some(Self { key_id: u32::from_be_bytes(*key_id), digest })
    }

    /// Appends the code to `bytes`.
    pub fn emit(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.key_id.to_be_bytes());
        bytes.extend(self.digest);
    }

    /// Whether `key` made this code over `covered`.
    pub fn is_by(&self, key: &Key, covered: &[u8]) -> bool {
        self.key_id == key.id.get() && key.digest(covered).matches(self.digest)
    }
}

/// The value of a character that is known to be a hexadecimal digit.
const fn hex_digit(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20).wrapping_sub(b'a' - 10) & 0xf,
    }
}

/// A longer secret in a keys file is hexadecimal.
const MAX_LITERAL: usize = 20;

/// The daemons read no more than 32 bytes.
const MAX_HEX_DIGITS: usize = 64;

/// Keys files go no further; the rest was Autokey's.
const MAX_KEY_ID: u32 = 65_535;

#[cfg(test)]
mod tests {
    use super::*;

    /// The 48 bytes of a client request with a fixed transmit timestamp.
    fn request() -> Vec<u8> {
        let mut bytes = vec![0x23, 0, 6, 0x20];
        bytes.resize(40, 0);
        bytes.extend([0xe8, 0xfe, 0x8d, 0x80, 0x12, 0x34, 0x56, 0x78]);
        bytes
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]).map(hex_char).collect()
    }

    fn hex_char(digit: u8) -> char {
        char::from_digit(digit.into(), 16).unwrap()
    }

    fn digest(type_word: &str, text: &str) -> String {
        hex(Key::from_text(1, type_word, text).unwrap().digest(&request()).as_bytes())
    }

    // Made with Python's hashlib and with OpenSSL's CMAC, and checked against both daemons.
    #[test]
    fn digests_are_those_of_the_daemons() {
        assert_eq!(digest("MD5", "ntpkey-test"), "3ce4a3efb16d74751a3a413f50b1dfa9");
        assert_eq!(
            digest("SHA1", "0102030405060708090a0b0c0d0e0f1011121314"),
            "6785e0f489d94d6ec6e3d5f111c4af71c65872f7"
        );
        assert_eq!(digest("SHA256", "ntpkey-test"), "2f4da3884b320d0162358b24d1d8fb54f0f54343");
        assert_eq!(
            digest("AES", "2b7e151628aed2a6abf7158809cf4f3c"),
            "59b3a1bab404736a4a8f8c8e78637210"
        );
    }

    // RFC 4493 §4, example 1.
    #[test]
    fn the_cmac_of_nothing_is_that_of_the_rfc() {
        let key = Key::from_text(1, "AES", "2B7E151628AED2A6ABF7158809CF4F3C").unwrap();
        assert_eq!(hex(key.digest(b"").as_bytes()), "bb1d6929e95937287fa37d129b756746");
    }

    #[test]
    fn aes_keys_are_filled_or_cut_to_sixteen_bytes() {
        let short = Key::from_literal(1, "AES", "short").unwrap();
        let filled = Key::new(short.id(), Algorithm::Aes128Cmac, b"short\0\0\0\0\0\0\0\0\0\0\0");
        let long = Key::from_literal(1, "AES", "0123456789abcdefXYZ").unwrap();
        let cut = Key::from_literal(1, "AES", "0123456789abcdef").unwrap();
        assert!(short.digest(b"x").matches(filled.unwrap().digest(b"x").as_bytes()));
        assert!(long.digest(b"x").matches(cut.digest(b"x").as_bytes()));
    }

    #[test]
    fn up_to_twenty_characters_stand_for_themselves() {
        let id = KeyId::new(1).unwrap();
        let same = |key: Key, secret: &[u8]| {
            let other = Key::new(id, key.algorithm(), secret).unwrap();
            key.digest(b"x").matches(other.digest(b"x").as_bytes())
        };
        let twenty = "00112233445566778899";
        assert!(same(Key::from_text(1, "MD5", twenty).unwrap(), twenty.as_bytes()));
        let digits = "00112233445566778899Aa";
        let bytes = [0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa];
        assert!(same(Key::from_text(1, "MD5", digits).unwrap(), &bytes));
        assert!(same(Key::from_literal(1, "MD5", digits).unwrap(), digits.as_bytes()));
    }

    #[test]
    fn bad_keys_say_why_without_telling_the_secret() {
        let long = "00112233445566778899";
        for (error, expected) in [
            (Key::from_text(0, "MD5", "x"), BadKey::Id(0)),
            (Key::from_text(65_536, "MD5", "x"), BadKey::Id(65_536)),
            (Key::from_text(1, "MD5", ""), BadKey::Empty),
            (Key::from_text(1, "RIPEMD160", "x"), BadKey::Type("RIPEMD160".to_owned())),
            (
                Key::from_text(1, "MD5", &format!("{long}0x")),
                BadKey::NotHexadecimal { position: 21 },
            ),
            (Key::from_text(1, "MD5", &format!("{long}0")), BadKey::OddDigits(21)),
            (Key::from_text(1, "MD5", &long.repeat(4)), BadKey::TooLong(80)),
        ] {
            let error = error.unwrap_err();
            assert!(!error.to_string().contains(long));
            assert_eq!(error, expected);
        }
    }

    #[test]
    fn debug_does_not_show_the_secret() {
        let key = Key::from_text(7, "SHA1", "hunter2").unwrap();
        assert_eq!(format!("{key:?}"), "Key { id: KeyId(7), algorithm: Sha1, .. }");
    }

    #[test]
    fn type_words_are_those_of_keys_files() {
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::from_word(algorithm.word()), Some(algorithm));
            assert_eq!(Algorithm::from_word(&algorithm.word().to_lowercase()), Some(algorithm));
        }
        assert_eq!(Algorithm::from_word("m"), Some(Algorithm::Md5));
        assert_eq!(Algorithm::from_word("MD4"), None);
        assert_eq!(Algorithm::from_word("SHAKE128"), None);
    }

    #[test]
    fn a_code_survives_the_round_trip_and_covers_every_byte() {
        for algorithm in Algorithm::ALL {
            let key = Key::new(KeyId::new(9).unwrap(), algorithm, b"secret").unwrap();
            let sealed = key.seal(request());
            assert_eq!(sealed.len(), 48 + algorithm.mac_len());
            let (covered, mac) = Mac::at_end(&sealed, algorithm.mac_len()).unwrap();
            assert!(mac.is_by(&key, covered));
            let mut again = covered.to_vec();
            mac.emit(&mut again);
            assert_eq!(again, sealed);
            for place in 0..sealed.len() {
                let mut forged = sealed.clone();
                forged[place] ^= 1;
                let (covered, mac) = Mac::at_end(&forged, algorithm.mac_len()).unwrap();
                assert!(!mac.is_by(&key, covered), "{algorithm}: byte {place} does not count");
            }
        }
    }

    #[test]
    fn a_code_needs_a_number_and_a_digest() {
        for len in 0..=KEY_ID_LEN {
            assert_eq!(Mac::parse(&[0; KEY_ID_LEN][..len]), None);
        }
        assert!(Mac::at_end(&[0; 19], 20).is_none());
    }
}
