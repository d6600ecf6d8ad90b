//! Key files: ntpd's `ntp.keys` and chrony's.
//!
//! A line of ntpd's is `ID TYPE SECRET [ADDRESS,…]`, where a secret of more than 20 characters is
//! hexadecimal. One of chrony's is `ID [TYPE] SECRET`, where the secret stands for itself unless it
//! begins with `HEX:`. A file is chrony's when some line shows that it can be nothing else: two
//! words, a prefix of a secret, or a comment that begins with `!`, `;` or `%`.

use std::collections::BTreeSet;
use std::net::IpAddr;

use zeroize::Zeroizing;

use crate::config::drift::placed;
use crate::config::{Rejected, shortened};
use crate::units::KeyId;
use crate::wire::mac::{Algorithm, BadKey, Key};

/// A key of a file.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key.
    pub key: Key,
    /// Whose packets it may authenticate; anybody's when there are none.
    pub addresses: Vec<Network>,
}

impl Entry {
    /// Whether packets from `address` may be authenticated with it.
    pub fn serves(&self, address: IpAddr) -> bool {
        self.addresses.is_empty() || self.addresses.iter().any(|network| network.holds(address))
    }
}

/// An address, or all that share its first bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// From the text `ADDRESS` or `ADDRESS/BITS`.
    fn read(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let all = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Some(all), |bits| bits.parse().ok())?;
        (bits <= all).then_some(Self { address, bits })
    }

    /// Whether `address` is one of them.
    pub fn holds(&self, address: IpAddr) -> bool {
        let differing = match (self.address, address) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => {
                (ours.to_bits() ^ theirs.to_bits()).leading_zeros()
            }
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => {
                (ours.to_bits() ^ theirs.to_bits()).leading_zeros()
            }
            _ => return false,
        };
        differing >= u32::from(self.bits)
    }
}

/// Reads the text of the key file called `source`.
///
/// # Errors
/// The first line that is no key, with the place of the word that is wrong. No secret is repeated.
/// Like the classic ntpd, nothing of such a file is used.
pub fn read(source: &str, text: &str) -> Result<Vec<Entry>, Rejected> {
    let is_chronys = lines(text).any(|(_, line)| shows_chrony(line));
    let mut entries: Vec<Entry> = Vec::new();
    let mut known = BTreeSet::new();
    for (number, line) in lines(text) {
        let rejected = |(column, reason): (usize, String)| Rejected {
            source: source.to_owned(),
            position: Some((number, column)),
            reason,
        };
        let words = if is_chronys { words_of_chrony(line) } else { words_of_ntpd(line) };
        if words.is_empty() {
            continue;
        }
        let (column, entry) = entry(&words, is_chronys).map_err(rejected)?;
        if !known.insert(entry.key.id()) {
            let reason = format!("key {} is here twice", entry.key.id());
            return Err(rejected((column, reason)));
        }
        entries.push(entry);
    }
    Ok(entries)
}

/// A key that was typed: its number, the word of its type, and the secret as a file has it.
///
/// # Errors
/// What is wrong with it, without a word of the secret.
pub fn typed(number: u32, kind: &str, secret: &str) -> Result<Entry, Rejected> {
    let key = Key::from_text(number, kind, secret).map_err(|bad| Rejected {
        source: "the key".to_owned(),
        position: None,
        reason: bad.to_string(),
    })?;
    Ok(Entry { key, addresses: Vec::new() })
}

fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..).zip(text.lines())
}

fn words_of_ntpd(line: &str) -> Vec<(usize, &str)> {
    placed(line.split('#').next().unwrap_or_default()).collect()
}

fn words_of_chrony(line: &str) -> Vec<(usize, &str)> {
    if line.trim_start().starts_with(['#', '!', ';', '%']) {
        return Vec::new();
    }
    placed(line).collect()
}

/// Whether a line can be in no file of ntpd's.
fn shows_chrony(line: &str) -> bool {
    let words = words_of_ntpd(line);
    let begins = |place: usize, with: &[&str]| {
        words.get(place).is_some_and(|(_, word)| with.iter().any(|prefix| word.starts_with(prefix)))
    };
    let is_number = words.first().is_some_and(|(_, word)| word.parse::<u32>().is_ok());
    begins(0, &["!", ";", "%"])
        || is_number && (words.len() == 2 || begins(1, &[HEX, ASCII]) || begins(2, &[HEX, ASCII]))
}

/// What the words of a line say, with the column of its number.
fn entry(words: &[(usize, &str)], is_chronys: bool) -> Result<(usize, Entry), (usize, String)> {
    let end = words.last().map_or(1, |(column, word)| column + word.chars().count());
    let missing = |what: &str| (end, format!("{what} is missing"));
    let mut words = words.iter().copied();
    let (id_column, id) = words.next().ok_or_else(|| missing("the key's number"))?;
    let Ok(number) = id.parse::<u32>() else {
        return Err((id_column, format!("a key's number is expected, not `{}`", shown(id))));
    };
    let second = words.next();
    let third = words.next();
    let (kind, secret) = match (second, third) {
        (Some(secret), None) if is_chronys => ((id_column, "MD5"), secret),
        (Some(kind), Some(secret)) => (kind, secret),
        (None, _) => return Err(missing("the key's type")),
        (Some(_), None) => return Err(missing("the secret")),
    };
    let made = if is_chronys {
        chronys(number, kind.1, secret.1)
    } else {
        Key::from_text(number, kind.1, secret.1)
    };
    let key = made.map_err(|bad| {
        let column = match &bad {
            BadKey::Id(_) => id_column,
            BadKey::Type(_) => kind.0,
            BadKey::NotHexadecimal { position } => secret.0 + position,
            _ => secret.0,
        };
        (column, bad.to_string())
    })?;
    let mut addresses = Vec::new();
    match words.next() {
        Some((column, list)) if !is_chronys => {
            let mut column = column;
            for text in list.split(',') {
                let network = Network::read(text).ok_or_else(|| {
                    (column, format!("an address is expected, not `{}`", shown(text)))
                })?;
                addresses.push(network);
                column += text.chars().count() + 1;
            }
        }
        Some((column, _)) => return Err((column, AFTER_SECRET.to_owned())),
        None => {}
    }
    match words.next() {
        Some((column, _)) => Err((column, AFTER_SECRET.to_owned())),
        None => Ok((id_column, Entry { key, addresses })),
    }
}

/// A key as chrony writes it. Its numbers go up to 32 bits.
fn chronys(number: u32, kind: &str, text: &str) -> Result<Key, BadKey> {
    let id = KeyId::new(number).ok_or(BadKey::Id(number))?;
    let algorithm = Algorithm::from_word(kind).ok_or_else(|| BadKey::Type(kind.to_owned()))?;
    let Some(digits) = text.strip_prefix(HEX) else {
        return Key::new(id, algorithm, text.strip_prefix(ASCII).unwrap_or(text).as_bytes());
    };
    if let Some(position) = digits.bytes().position(|byte| !byte.is_ascii_hexdigit()) {
        return Err(BadKey::NotHexadecimal { position: HEX.len() + position });
    }
    if !digits.len().is_multiple_of(2) {
        return Err(BadKey::OddDigits(digits.len()));
    }
    let values = digits.bytes().map(|byte| char::from(byte).to_digit(16).unwrap_or(0));
    let values: Zeroizing<Vec<u8>> =
        Zeroizing::new(values.map(|value| u8::try_from(value).unwrap_or(0)).collect());
    let (pairs, _) = values.as_chunks::<2>();
    let secret: Zeroizing<Vec<u8>> =
        Zeroizing::new(pairs.iter().map(|[high, low]| high << 4 | low).collect());
    Key::new(id, algorithm, &secret)
}

/// A word that is wrong, short and harmless. What stands where no secret belongs may still be one
/// by mistake, so little of it is shown.
fn shown(word: &str) -> String {
    shortened(word, SHOWN)
}

const HEX: &str = "HEX:";
const ASCII: &str = "ASCII:";

/// Characters of a wrong word that a message repeats.
const SHOWN: usize = 8;

const AFTER_SECRET: &str = "nothing more is expected on this line";

#[cfg(test)]
mod tests {
    use super::*;

    fn digests(text: &str) -> Vec<(u32, Algorithm, Vec<u8>)> {
        let entries = read("keys", text).unwrap();
        let digest = |key: &Key| key.digest(b"message").as_bytes().to_vec();
        entries
            .iter()
            .map(|entry| (entry.key.id().get(), entry.key.algorithm(), digest(&entry.key)))
            .collect()
    }

    fn said(text: &str) -> String {
        read("keys", text).unwrap_err().to_string()
    }

    fn secret(kind: Algorithm, bytes: &[u8]) -> Vec<u8> {
        let key = Key::new(KeyId::new(9).unwrap(), kind, bytes).unwrap();
        key.digest(b"message").as_bytes().to_vec()
    }

    #[test]
    fn ntpds_secrets_are_literal_up_to_twenty_characters_and_hexadecimal_beyond() {
        let text = "# keys\n\n 1 MD5 hunter2 # mine\n2\tsha1\t000102030405060708090a0b\n";
        let twelve: Vec<u8> = (0..12).collect();
        assert_eq!(
            digests(text),
            [
                (1, Algorithm::Md5, secret(Algorithm::Md5, b"hunter2")),
                (2, Algorithm::Sha1, secret(Algorithm::Sha1, &twelve)),
            ]
        );
    }

    #[test]
    fn chronys_secrets_are_literal_but_for_a_prefix() {
        let text = "! old\n1 hunter2\n2 SHA1 HEX:0001fF\n70000 SHA256 ASCII:HEX:\n\
                    4 MD5 000102030405060708090a0b\n";
        assert_eq!(
            digests(text),
            [
                (1, Algorithm::Md5, secret(Algorithm::Md5, b"hunter2")),
                (2, Algorithm::Sha1, secret(Algorithm::Sha1, &[0, 1, 255])),
                (70_000, Algorithm::Sha256, secret(Algorithm::Sha256, b"HEX:")),
                (4, Algorithm::Md5, secret(Algorithm::Md5, b"000102030405060708090a0b")),
            ]
        );
    }

    #[test]
    fn a_key_may_be_for_some_addresses_only() {
        let entries = read("keys", "1 MD5 x 192.0.2.1,2001:db8::/32\n2 MD5 y\n").unwrap();
        let [first, second] = entries.as_slice() else { panic!("two keys") };
        for (address, is_served) in [
            ("192.0.2.1", true),
            ("192.0.2.2", false),
            ("2001:db8:1::1", true),
            ("2001:db9::1", false),
        ] {
            let address = address.parse().unwrap();
            assert_eq!(first.serves(address), is_served, "{address}");
            assert!(second.serves(address));
        }
    }

    #[test]
    fn what_is_wrong_has_its_place_and_no_secret() {
        for (text, expected) in [
            ("\n 0 MD5 x", "keys, line 2, column 2: key number 0 is not within 1 to 65535"),
            ("65536 MD5 x", "keys, line 1, column 1: key number 65536 is not within 1 to 65535"),
            ("one MD5 x", "keys, line 1, column 1: a key's number is expected, not `one`"),
            ("1", "keys, line 1, column 2: the key's type is missing"),
            (
                "1 MD5 x\n2 RIPEMD160 x",
                "keys, line 2, column 3: key type \"RIPEMD160\" is not known",
            ),
            (
                "1 MD5 0123456789abcdef0123x5",
                "keys, line 1, column 27: a key of more than 20 characters is hexadecimal, and \
                 character 21 is no hexadecimal digit",
            ),
            (
                "1 MD5 x 10.0.0.1,nobody",
                "keys, line 1, column 18: an address is expected, not `nobody`",
            ),
            (
                "1 MD5 x 10.0.0.1/33",
                "keys, line 1, column 9: an address is expected, not `10.0.0.1…`",
            ),
            (
                "1 MD5 x 10.0.0.1 y",
                "keys, line 1, column 18: nothing more is expected on this line",
            ),
            ("1 x\n1 y", "keys, line 2, column 1: key 1 is here twice"),
            ("1 x y z", "keys, line 1, column 3: key type \"x\" is not known"),
        ] {
            assert_eq!(said(text), expected, "{text}");
        }
        assert!(!said("hunter2hunter2 MD5").contains("hunter2hunter2"));
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_too_odd(text in "([0-9]{1,6}|[ \t#%:;!,/]|MD5|SHA1|HEX:|[a-f0-9]{1,40}|\n|.)*") {
            drop(read("keys", &text));
        }
    }
}
