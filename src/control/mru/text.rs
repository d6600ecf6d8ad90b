//! What is asked in a walk and what is answered, as text.

use std::fmt::Write as _;
use std::net::SocketAddr;

use crate::model::mru::MruEntry;
use crate::units::{Mode, NtpTimestamp};
use crate::wire::mode6::MAX_DATA;

/// An answer, taken apart.
#[derive(Debug, Default)]
pub(super) struct Piece {
    /// The entry that the daemon went on behind.
    pub(super) older: Option<(SocketAddr, NtpTimestamp)>,
    /// For the next question.
    pub(super) nonce: Option<String>,
    /// Whole rows, oldest first.
    pub(super) entries: Vec<MruEntry>,
    /// The end of the list, where it was reached.
    pub(super) end: Option<End>,
}

/// What stands at the end of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct End {
    /// The daemon's clock.
    pub(super) now: NtpTimestamp,
    /// When the last of the rows in this answer was written, for comparison.
    pub(super) newest: Option<NtpTimestamp>,
}

/// Reads an answer. Rows count from 0 and each is whole before the next begins; what does not fit
/// this, and names that are not known, of which daemons put some in, are passed over. Where a row
/// is missing the end is not believed.
pub(super) fn read(text: &str) -> Piece {
    let mut piece = Piece::default();
    let mut older = (None, None);
    let (mut now, mut newest) = (None, None);
    let mut is_broken = false;
    let mut row = Row::default();
    for (name, value) in items(text) {
        match name {
            "nonce" => piece.nonce = Some(value).filter(|nonce| is_nonce(nonce)).map(str::to_owned),
            "now" => now = stamp(value).or(now),
            "last.newest" => newest = stamp(value),
            "addr.older" => older.0 = value.parse().ok(),
            "last.older" => older.1 = stamp(value),
            name => {
                let Some((tag, number)) = cut(name, b'.') else { continue };
                let Ok(number) = number.parse::<usize>() else { continue };
                if number == piece.entries.len() {
                    if row.take(tag, value)
                        && let Some(entry) = row.entry()
                    {
                        piece.entries.push(entry);
                        row = Row::default();
                    }
                } else if number + 1 == piece.entries.len()
                    && let Some(entry) = piece.entries.last_mut()
                {
                    take_extra(entry, tag, value);
                } else {
                    is_broken |= number > piece.entries.len() && tag == "addr";
                }
            }
        }
    }
    piece.older = older.0.zip(older.1);
    piece.end = now.filter(|_| !is_broken).map(|now| End { now, newest });
    piece
}

/// The items that have a value. Not by the grammar of other replies: nothing is quoted here, and
/// there is so much of it, in items so short, that searches which are made for long texts take a
/// third of the time of a walk.
fn items(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let (item, behind) = match cut(rest?, b',') {
            Some((item, behind)) => (item, Some(behind)),
            None => (rest?, None),
        };
        rest = behind;
        Some(item)
    })
    .filter_map(|item| cut(item.trim_ascii(), b'='))
}

/// What stands before and behind the first of an ASCII character.
fn cut(text: &str, at: u8) -> Option<(&str, &str)> {
    let place = text.bytes().position(|byte| byte == at)?;
    Some((text.get(..place)?, text.get(place + 1..)?))
}

/// The beginning of an answer without the item that it breaks off in.
pub(super) fn whole_items(text: &str) -> &str {
    text.rfind(',').and_then(|end| text.get(..end)).unwrap_or_default()
}

/// A row as far as it was read.
#[derive(Debug, Default)]
struct Row {
    address: Option<SocketAddr>,
    last: Option<NtpTimestamp>,
    first: Option<NtpTimestamp>,
    count: Option<u32>,
    kind: Option<u8>,
    restrictions: Option<u16>,
    dropped: u32,
    score: f32,
}

impl Row {
    /// Takes a value in; whether it is one that a row cannot do without.
    fn take(&mut self, tag: &str, value: &str) -> bool {
        match tag {
            "addr" => self.address = value.parse().ok().or(self.address),
            "last" => self.last = stamp(value).or(self.last),
            "first" => self.first = stamp(value).or(self.first),
            "ct" => self.count = count(value).or(self.count),
            "mv" => self.kind = value.parse().ok().filter(|kind| *kind < 64).or(self.kind),
            "rs" => self.restrictions = bits(value).or(self.restrictions),
            "dr" => self.dropped = count(value).unwrap_or(0),
            "sc" => self.score = score(value),
            _ => return false,
        }
        !matches!(tag, "dr" | "sc")
    }

    /// The entry, once nothing is missing.
    fn entry(&self) -> Option<MruEntry> {
        let kind = self.kind?;
        Some(MruEntry {
            address: self.address?,
            last: self.last?,
            first: self.first?,
            count: self.count?,
            mode: Mode::from_bits(kind),
            version: kind >> 3,
            restrictions: self.restrictions?,
            dropped: self.dropped,
            score: self.score,
        })
    }
}

/// Takes in what only some daemons tell, in any place of the row, even its last.
fn take_extra(entry: &mut MruEntry, tag: &str, value: &str) {
    match tag {
        "dr" => entry.dropped = count(value).unwrap_or(0),
        "sc" => entry.score = score(value),
        _ => {}
    }
}

/// A count; one beyond 32 bits stands as the largest.
fn count(value: &str) -> Option<u32> {
    let number: u64 = value.parse().ok()?;
    Some(u32::try_from(number).unwrap_or(u32::MAX))
}

fn score(value: &str) -> f32 {
    value.parse().ok().filter(|score: &f32| score.is_finite()).unwrap_or(0.0)
}

fn bits(value: &str) -> Option<u16> {
    let digits = value.strip_prefix("0x")?;
    u16::from_str_radix(digits, 16).ok()
}

/// A timestamp, `0xSSSSSSSS.FFFFFFFF`.
fn stamp(value: &str) -> Option<NtpTimestamp> {
    let (seconds, fraction) = cut(value.strip_prefix("0x")?, b'.')?;
    let number = |digits: &str| u32::from_str_radix(digits, 16).ok();
    Some(NtpTimestamp::from_bits(u64::from(number(seconds)?) << 32 | u64::from(number(fraction)?)))
}

/// Whether a text can be sent back as a nonce: nothing in it can be taken for something else.
fn is_nonce(text: &str) -> bool {
    (1..=MAX_NONCE).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// How much is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Amount {
    /// So many datagrams.
    Fragments(u32),
    /// So many rows.
    Rows(u32),
}

/// A question: `parameters` are passed on as they are, `known` are entries to go on behind, the one
/// to prefer first, as many as there is room for. Which of them were named, by their number, is
/// returned beside it.
pub(super) fn question(
    nonce: &str,
    amount: Amount,
    parameters: &[String],
    known: &[MruEntry],
) -> (String, usize) {
    let mut text = match amount {
        Amount::Fragments(fragments) => format!("nonce={nonce}, frags={fragments}"),
        Amount::Rows(rows) => format!("nonce={nonce}, limit={rows}"),
    };
    for parameter in parameters {
        // Writing to a string cannot fail.
        let _ = write!(text, ", {parameter}");
    }
    let mut named = 0;
    for entry in known.iter().take(MOST_NAMED) {
        let (last, address) = (entry.last.bits(), entry.address);
        let prior = format!(
            ", addr.{named}={address}, last.{named}=0x{:08x}.{:08x}",
            last >> 32,
            last & 0xffff_ffff
        );
        if text.len() + prior.len() >= MAX_DATA {
            break;
        }
        text.push_str(&prior);
        named += 1;
    }
    (text, named)
}

/// Entries that a daemon lets a question name.
const MOST_NAMED: usize = 16;

/// Letters of a nonce; daemons make 24.
const MAX_NONCE: usize = 96;

#[cfg(test)]
mod tests {
    use super::*;

    // Captured from ntpd 4.2.8p15, with the odd names that it puts in.
    const CLASSIC: &str = "last.older=0xeeab5e19.ea37c1df, addr.older=10.8.0.2:123,\r\n\
        nonce=eeab5e24611dbf61c73bdfa4, addr.0=[fd08::2]:123, rs.0=0x200,\r\n\
        last.0=0xeeab5e1a.ea3398b5, first.0=0xeeab5d3e.e4cf2479, ct.0=28,\r\n\
        mv.0=36, H]S.0=18446744073709543633, now=0xeeab5e24.6124dfcd,\r\n\
        last.newest=0xeeab5e1a.ea3398b5\r\n";

    #[test]
    fn a_classic_answer_is_read() {
        let piece = read(CLASSIC);
        let older = piece.older.unwrap();
        assert_eq!(older.0, "10.8.0.2:123".parse().unwrap());
        assert_eq!(older.1.bits(), 0xeeab_5e19_ea37_c1df);
        assert_eq!(piece.nonce.as_deref(), Some("eeab5e24611dbf61c73bdfa4"));
        let end = piece.end.unwrap();
        assert_eq!(end.now.bits(), 0xeeab_5e24_6124_dfcd);
        assert_eq!(end.newest, Some(piece.entries[0].last));
        let entry = piece.entries[0];
        assert_eq!(entry.address, "[fd08::2]:123".parse().unwrap());
        assert_eq!((entry.count, entry.mode, entry.version), (28, Mode::Server, 4));
        assert_eq!((entry.restrictions, piece.entries.len()), (0x200, 1));
    }

    // Captured from NTPsec 1.2.2; the first row's score stands after all else of it.
    #[test]
    fn what_only_some_tell_may_stand_anywhere() {
        let row = |n: u32, rest: &str| {
            format!(
                "rs.{n}=0x80, mv.{n}=35, ct.{n}=30, dr.{n}=7, first.{n}=0xeeab5d3d.e4dc421c, \
                 addr.{n}=10.8.0.{n}:123, last.{n}=0xeeab5e2b.ea327c5f{rest}"
            )
        };
        let text = format!("{}, yhn.0=37921, {}", row(0, ", sc.0=0.123"), row(1, ""));
        let piece = read(&text);
        assert_eq!(piece.entries.len(), 2);
        assert_eq!(piece.entries[0].dropped, 7);
        assert!((piece.entries[0].score - 0.123).abs() < 1e-6);
        assert!(piece.entries[1].score.abs() < 1e-6 && piece.end.is_none());
    }

    #[test]
    fn rows_out_of_order_or_incomplete_are_passed_over() {
        let row = "rs.N=0x0, mv.N=35, ct.N=1, first.N=0x1.1, addr.N=10.0.0.1:1, last.N=0x1.1, ";
        let numbered = |n: &str| row.replace('N', n);
        assert_eq!(read(&numbered("1")).entries.len(), 0);
        assert_eq!(read(&numbered("0").replace("ct.0=1", "ct.0=x")).entries.len(), 0);
        assert_eq!(read(&(numbered("0") + &numbered("2"))).entries.len(), 1);
        let end = "now=0x1.1, last.newest=0x1.1";
        assert!(read(&(numbered("0") + &numbered("1") + end)).end.is_some());
        assert!(read(&(numbered("0") + &numbered("2") + end)).end.is_none());
        let cut = numbered("0") + &numbered("1");
        for end in 0..cut.len() {
            let entries = read(whole_items(&cut[..end])).entries;
            assert!(entries.iter().all(|entry| entry.count == 1 && entry.address.port() == 1));
        }
    }

    #[test]
    fn a_nonce_cannot_smuggle_in_a_question() {
        assert_eq!(read("nonce=\"ab, limit=1\"").nonce, None);
        assert_eq!(read(&format!("nonce={}", "a".repeat(97))).nonce, None);
        assert_eq!(read("nonce=").nonce, None);
    }

    #[test]
    fn a_question_names_as_many_entries_as_it_has_room_for() {
        let entry = read(CLASSIC).entries[0];
        let parameters = ["mincount=3".to_owned()];
        let (text, named) = question("abc", Amount::Fragments(32), &parameters, &[entry]);
        assert_eq!(
            text,
            "nonce=abc, frags=32, mincount=3, addr.0=[fd08::2]:123, last.0=0xeeab5e1a.ea3398b5"
        );
        assert_eq!(named, 1);
        let (text, named) = question("abc", Amount::Rows(7), &[], &[entry; 20]);
        assert!(text.starts_with("nonce=abc, limit=7, addr.0=") && text.len() < MAX_DATA);
        assert!((6..=MOST_NAMED).contains(&named), "{named}");
    }
}
