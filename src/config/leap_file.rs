//! Leap-seconds files: when UTC was and will be set against TAI.
//!
//! The format of the `leap-seconds.list` that IERS and NIST publish and tzdata carries: a line an
//! offset, with the second of the NTP era from which on it holds; `#$` when the file was made, `#@`
//! until when it is good, `#h` the SHA-1 hash of all these numbers.

use sha1::{Digest as _, Sha1};

use crate::config::{Rejected, shown};
use crate::units::{Leap, NtpDuration, NtpTimestamp};

/// What a leap-seconds file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeapTable {
    /// By time, earliest first; never empty.
    offsets: Vec<Offset>,
    updated: Option<u64>,
    expires: u64,
    is_hashed: bool,
}

/// From some second on TAI is ahead of UTC by this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Offset {
    /// Seconds of UTC since 1900, without the leap seconds between.
    from: u64,
    tai_s: i32,
}

/// A leap second that a table tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Announced {
    /// The midnight at whose end it is, in UTC.
    pub at: NtpTimestamp,
    /// Whether a second is inserted or deleted.
    pub kind: Leap,
}

impl LeapTable {
    /// Reads the text of the leap-seconds file called `source`; its hash has to be right where
    /// `checks_hash` says so and there is one.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place: then nothing of the file is to be used.
    pub fn read(source: &str, text: &str, checks_hash: bool) -> Result<Self, Rejected> {
        let mut reading = Reading::default();
        for (number, line) in (1..).zip(text.lines()) {
            reading.line(line).map_err(|(column, reason)| Rejected {
                source: source.to_owned(),
                position: Some((number, column)),
                reason,
            })?;
        }
        reading.end(checks_hash).map_err(|(position, reason)| Rejected {
            source: source.to_owned(),
            position,
            reason,
        })
    }

    /// Until when it is good.
    pub fn expires(&self) -> NtpTimestamp {
        stamp(self.expires)
    }

    /// When it was made, if it tells.
    pub fn updated(&self) -> Option<NtpTimestamp> {
        self.updated.map(stamp)
    }

    /// Whether it has a hash by which a damaged one can be told.
    pub const fn is_hashed(&self) -> bool {
        self.is_hashed
    }

    /// How long it is still good at `now`, negative once it is not.
    pub fn left(&self, now: NtpTimestamp) -> NtpDuration {
        seconds_between(second_of(now), self.expires)
    }

    /// How far TAI is ahead of UTC at `now`, in seconds; `None` before there were leap seconds.
    pub fn tai_offset_s(&self, now: NtpTimestamp) -> Option<i32> {
        let now = second_of(now);
        self.offsets.iter().rev().find(|offset| offset.from <= now).map(|offset| offset.tai_s)
    }

    /// The first leap second after `now`; `None` where the table knows of none.
    pub fn next(&self, now: NtpTimestamp) -> Option<Announced> {
        let now = second_of(now);
        let mut pairs = self.offsets.windows(2);
        pairs.find_map(|pair| match pair {
            [before, after] if after.from > now => Some(announced(*before, *after)),
            _ => None,
        })
    }

    /// The last leap second that the table knows of, whether it is still to come or not.
    pub fn last(&self) -> Option<Announced> {
        match self.offsets.as_slice() {
            [.., before, after] => Some(announced(*before, *after)),
            _ => None,
        }
    }
}

fn announced(before: Offset, after: Offset) -> Announced {
    let kind = if after.tai_s > before.tai_s { Leap::Insert } else { Leap::Delete };
    Announced { at: stamp(after.from), kind }
}

/// What was read so far.
#[derive(Default)]
struct Reading {
    offsets: Vec<Offset>,
    updated: Option<u64>,
    expires: Option<u64>,
    /// The digest that the file names, and the line that does.
    hash: Option<([u8; 20], usize)>,
    hasher: Sha1,
    lines: usize,
}

impl Reading {
    /// Takes a line in; a mistake comes with its column.
    fn line(&mut self, line: &str) -> Result<(), (usize, String)> {
        self.lines += 1;
        if let Some(rest) = line.strip_prefix("#$") {
            self.updated = Some(self.second(rest, 3, "when the file was made")?);
        } else if let Some(rest) = line.strip_prefix("#@") {
            self.expires = Some(self.second(rest, 3, "when the file expires")?);
        } else if let Some(rest) = line.strip_prefix("#h") {
            self.hash = Some((hash(rest)?, self.lines));
        } else {
            let data = line.split_once('#').map_or(line, |(data, _)| data);
            if !data.trim().is_empty() {
                self.offset(data)?;
            }
        }
        Ok(())
    }

    fn second(&mut self, text: &str, column: usize, what: &str) -> Result<u64, (usize, String)> {
        let text = text.split_once('#').map_or(text, |(text, _)| text).trim();
        let second = number(text).filter(|second| SECONDS.contains(second));
        self.hasher.update(text);
        second.ok_or_else(|| {
            let shown = shown(text);
            (column, format!("{what} is a number of seconds since 1900, not `{shown}`"))
        })
    }

    fn offset(&mut self, data: &str) -> Result<(), (usize, String)> {
        let column = |word: &str| word.as_ptr().addr() - data.as_ptr().addr() + 1;
        let mut words = data.split_whitespace();
        let (Some(first), Some(second), None) = (words.next(), words.next(), words.next()) else {
            return Err((1, "a line has a second and the offset from then on".to_owned()));
        };
        let from = number(first).filter(|from| SECONDS.contains(from));
        let tai_s = number(second).and_then(|tai_s| i32::try_from(tai_s).ok());
        let tai_s = tai_s.filter(|tai_s| OFFSETS_S.contains(tai_s));
        let (Some(from), Some(tai_s)) = (from, tai_s) else {
            let word = if from.is_none() { first } else { second };
            let reason = format!("`{}` is no number that can be here", shown(word));
            return Err((column(word), reason));
        };
        if let Some(last) = self.offsets.last() {
            if last.from >= from {
                return Err((column(first), "it is not later than the line before".to_owned()));
            }
            if (tai_s - last.tai_s).abs() != 1 {
                let reason = "the offset changes by one second at a time".to_owned();
                return Err((column(second), reason));
            }
            if from % DAY_S != 0 {
                return Err((column(first), "a leap second is at the end of a day".to_owned()));
            }
        }
        self.hasher.update(first);
        self.hasher.update(second);
        self.offsets.push(Offset { from, tai_s });
        Ok(())
    }

    fn end(self, checks_hash: bool) -> Result<LeapTable, (Option<(usize, usize)>, String)> {
        let Self { offsets, updated, expires, hash, hasher, .. } = self;
        if offsets.is_empty() {
            return Err((None, "there is no offset in it".to_owned()));
        }
        let Some(expires) = expires else {
            return Err((None, "it does not say when it expires".to_owned()));
        };
        let found: [u8; 20] = hasher.finalize().into();
        match hash {
            Some((told, line)) if checks_hash && told != found => {
                let reason = "the hash is not that of the file: it is damaged or was changed";
                Err((Some((line, 3)), reason.to_owned()))
            }
            hash => Ok(LeapTable { offsets, updated, expires, is_hashed: hash.is_some() }),
        }
    }
}

/// The digest in five words of up to eight hexadecimal digits, which may lack leading zeros.
fn hash(text: &str) -> Result<[u8; 20], (usize, String)> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut digest = [0; 20];
    let is_number =
        |word: &str| word.len() <= 8 && word.bytes().all(|digit| digit.is_ascii_hexdigit());
    let number = |word: &str| u32::from_str_radix(word, 16).ok().filter(|_| is_number(word));
    let numbers: Option<Vec<u32>> = words.iter().map(|word| number(word)).collect();
    match numbers {
        Some(numbers) if numbers.len() == 5 => {
            for (bytes, number) in digest.chunks_mut(4).zip(numbers) {
                bytes.copy_from_slice(&number.to_be_bytes());
            }
            Ok(digest)
        }
        _ => Err((3, "a hash is five numbers of up to eight hexadecimal digits".to_owned())),
    }
}

/// A number of nothing but digits.
fn number(word: &str) -> Option<u64> {
    word.parse().ok().filter(|_| word.bytes().all(|digit| digit.is_ascii_digit()))
}

fn stamp(second: u64) -> NtpTimestamp {
    NtpTimestamp::from_unix(second.cast_signed() - UNIX_EPOCH_S, 0)
}

/// The whole seconds since 1900 of a time of our days.
fn second_of(time: NtpTimestamp) -> u64 {
    let (seconds, _) = time.to_unix(IN_2027);
    u64::try_from(seconds + UNIX_EPOCH_S).unwrap_or_default()
}

fn seconds_between(from: u64, to: u64) -> NtpDuration {
    let span_s = i128::from(to) - i128::from(from);
    let most = i128::from(i32::MAX);
    let span_s = i32::try_from(span_s.clamp(-most, most)).unwrap_or(i32::MAX);
    NtpDuration::from_seconds(span_s.into())
}

/// 1970, in seconds since 1900.
const UNIX_EPOCH_S: i64 = 2_208_988_800;

/// A moment of our days, in seconds since 1970, by which the era of a timestamp is told.
const IN_2027: i64 = 1_800_000_000;

const DAY_S: u64 = 86_400;

/// Seconds since 1900 that a file can name: up to the year 2200.
const SECONDS: std::ops::RangeInclusive<u64> = 1..=9_467_000_000;

/// Offsets of TAI that there may ever be.
const OFFSETS_S: std::ops::RangeInclusive<i32> = 0..=1000;

#[cfg(test)]
mod tests;
