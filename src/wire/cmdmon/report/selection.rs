//! `SELECT_DATA`: why a source is selected or not, in the daemon's own words.

use std::fmt;
use std::time::Duration;

use crate::units::{Leap, RefId};
use crate::wire::Malformed;
use crate::wire::cmdmon::address::{Address, SourceId};
use crate::wire::cmdmon::float::{Float, Seconds};
use crate::wire::cmdmon::report::{leap_of, reference_id};
use crate::wire::cmdmon::time::{emit_age, parse_age};
use crate::wire::reader::Reader;

/// The selection of a source as `chronyc selectdata` shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SelectData {
    /// Its reference ID: a reference clock's letters, a server's address or a hash of it.
    pub reference_id: RefId,
    /// Its address; unspecified for a reference clock.
    pub address: Address,
    /// What the selection made of it, and why.
    pub state: SelectState,
    /// Whether its packets are authenticated: 0 for no.
    pub authenticated: u8,
    /// Its leap indicator.
    pub leap: Leap,
    /// Options that it was given.
    pub configured: SelectOptions,
    /// Options in effect: those given and those that follow from how others are authenticated.
    pub effective: SelectOptions,
    /// How old its last sample was at the last selection, in whole seconds; 0 also before the
    /// first.
    pub last_sample: Option<Duration>,
    /// Its score against the selected source: above 10 it is selected in its place. 1 is where it
    /// begins.
    pub score: Float,
    /// The lower end of the interval in which the truth lies by this source, as an offset.
    /// **Positive when the local clock is ahead** of the source. Both ends are 0 when none is
    /// known.
    pub low_limit: Seconds,
    /// The upper end of that interval. **Positive when the local clock is ahead.**
    pub high_limit: Seconds,
}

impl SelectData {
    /// What it is known by in other reports.
    pub const fn id(&self) -> SourceId {
        SourceId::of(self.address, self.reference_id)
    }

    pub(super) fn parse(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let reference_id = reference_id(reader)?;
        let address = Address::parse(reader, "address")?;
        let state = SelectState::from_bits(reader.u8("state")?);
        let authenticated = reader.u8("authenticated")?;
        let position = reader.position();
        let leap = leap_of(reader.u8("leap")?, position)?;
        reader.u8("padding")?;
        Ok(Self {
            reference_id,
            address,
            state,
            authenticated,
            leap,
            configured: SelectOptions::from_bits(reader.u16("configured options")?),
            effective: SelectOptions::from_bits(reader.u16("effective options")?),
            last_sample: parse_age(reader, "age of the last sample")?,
            score: Float::parse(reader, "score")?,
            low_limit: Seconds::parse(reader, "low limit")?,
            high_limit: Seconds::parse(reader, "high limit")?,
        })
    }

    pub(super) fn emit(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.reference_id.octets());
        self.address.emit(bytes);
        bytes.extend([self.state.bits(), self.authenticated, self.leap.bits(), 0]);
        bytes.extend(self.configured.bits().to_be_bytes());
        bytes.extend(self.effective.bits().to_be_bytes());
        emit_age(self.last_sample, bytes);
        self.score.emit(bytes);
        self.low_limit.emit(bytes);
        self.high_limit.emit(bytes);
    }
}

/// What the selection made of a source: a letter. Later versions may have others, which are kept.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SelectState(u8);

impl SelectState {
    /// From the byte on the wire.
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// The byte on the wire.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// The letter; `?` for a byte that cannot be shown.
    pub fn letter(self) -> char {
        if self.0.is_ascii_graphic() { char::from(self.0) } else { '?' }
    }

    /// What is known of it; `None` for a letter not known here.
    pub fn code(self) -> Option<&'static SelectCode> {
        SELECT_STATES.iter().find(|code| code.letter == char::from(self.0))
    }
}

impl fmt::Debug for SelectState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&char::from(self.0), f)
    }
}

impl fmt::Display for SelectState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.letter(), f)
    }
}

/// A letter and what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SelectCode {
    /// The letter that chronyc prints.
    pub letter: char,
    /// A word or two for it.
    pub word: &'static str,
    /// What it says, in a clause.
    pub meaning: &'static str,
}

const fn code(letter: char, word: &'static str, meaning: &'static str) -> SelectCode {
    SelectCode { letter, word, meaning }
}

/// The letters, in the order in which a source has to get past them.
pub const SELECT_STATES: [SelectCode; 18] = [
    code('N', "not to be selected", "it has the option noselect"),
    code('M', "too few samples", "not enough measurements are there to judge it by"),
    code('s', "not synchronised", "the source says that it is not synchronised"),
    code('r', "stratum not allowed", "its stratum lies outside minstratum to maxstratum"),
    code('d', "too distant", "its root distance is above maxdistance"),
    code('~', "too jittery", "its jitter is above maxjitter"),
    code('w', "waits for statistics", "another source needs more measurements first"),
    code('S', "stale", "its measurements are older than those of sources in reach"),
    code('O', "orphan", "its stratum is not below that of the orphan mode"),
    code('T', "not trusted", "it does not agree with the sources that are trusted"),
    code('x', "falseticker", "it does not agree with the majority"),
    code('W', "waits for sources", "too few sources, or none that is required, can be selected"),
    code('P', "not preferred", "another source has the option prefer"),
    code('U', "waits for an update", "no new measurement came since another source was selected"),
    code('D', "not combined: distant", "its root distance is too great to be combined"),
    code('L', "not combined: outlier", "its frequency differs too much to be combined"),
    code('+', "combined", "it is combined with the selected source"),
    code('*', "selected", "the clock follows it"),
];

/// Options of a source's selection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SelectOptions(u16);

impl SelectOptions {
    /// From the bits on the wire; those without a meaning are kept.
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    /// The bits on the wire.
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// Whether it is never to be selected.
    pub const fn noselect(self) -> bool {
        self.0 & 1 != 0
    }

    /// Whether it is preferred to those that are not.
    pub const fn prefer(self) -> bool {
        self.0 & 2 != 0
    }

    /// Whether it is taken for right against those that are not.
    pub const fn trust(self) -> bool {
        self.0 & 4 != 0
    }

    /// Whether the clock is updated only while one of its kind can be selected.
    pub const fn require(self) -> bool {
        self.0 & 8 != 0
    }

    /// The words of those set, in the order of chronyc's columns.
    pub fn words(self) -> impl Iterator<Item = &'static str> {
        ["noselect", "prefer", "trust", "require"]
            .into_iter()
            .enumerate()
            .filter_map(move |(bit, word)| (self.0 >> bit & 1 == 1).then_some(word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::cmdmon::report::testing::{assert_layout, read, words};
    use crate::wire::cmdmon::{ReplyType, Report};

    /// Captured from chronyd 4.3.
    fn captured() -> Vec<u8> {
        words(&[
            0x7f00_0002,
            0x7f00_0002,
            0,
            0,
            0,
            0x0001_0000,
            0x2a00_0000,
            0,
            0,
            0x0480_0000,
            0xe179_ce3c,
            0xe081_7f2d,
        ])
    }

    fn selection(data: &[u8]) -> SelectData {
        match read(ReplyType::SELECT_DATA, data) {
            Ok(Report::SelectData(selection)) => selection,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_captured_selection_is_taken_apart_and_written_again() {
        let data = selection(&captured());
        assert_layout(&captured(), &Report::SelectData(data));
        assert_eq!(data.state.code().map(|code| code.word), Some("selected"));
        assert_eq!((data.authenticated, data.leap), (0, Leap::None));
        assert_eq!(data.last_sample, Some(Duration::ZERO));
        assert_eq!(data.score.value().to_bits(), 1.0_f64.to_bits());
        assert_eq!(format!("{:.12}", data.low_limit.seconds()), "-0.000003999305");
        assert_eq!(format!("{:.12}", data.high_limit.seconds()), "0.000003859305");
        assert_eq!(data.id().to_string(), "127.0.0.2");
    }

    #[test]
    fn options_are_told_apart() {
        let mut data = captured();
        data[28..32].copy_from_slice(&[0, 9, 0x80, 6]);
        let selection = selection(&data);
        assert_layout(&data, &Report::SelectData(selection));
        let (given, effective) = (selection.configured, selection.effective);
        assert!(given.noselect() && given.require() && !given.prefer() && !given.trust());
        assert!(effective.prefer() && effective.trust());
        assert_eq!(given.words().collect::<Vec<_>>(), ["noselect", "require"]);
        assert_eq!(effective.words().collect::<Vec<_>>(), ["prefer", "trust"]);
    }

    #[test]
    fn letters_not_known_are_kept_and_never_control_the_screen() {
        for (byte, shown) in [(b'Q', 'Q'), (0x1b, '?'), (0, '?'), (0xff, '?')] {
            let mut data = captured();
            data[24] = byte;
            let selection = selection(&data);
            assert_eq!((selection.state.bits(), selection.state.letter()), (byte, shown));
            assert_eq!(selection.state.code(), None);
            assert_eq!(selection.state.to_string(), shown.to_string());
            assert_layout(&data, &Report::SelectData(selection));
        }
    }

    #[test]
    fn a_leap_indicator_has_two_bits() {
        let mut data = captured();
        data[26] = 4;
        let error = read(ReplyType::SELECT_DATA, &data).unwrap_err();
        assert_eq!(error.to_string(), "leap at byte 26 is not valid: 0x4");
    }

    #[test]
    fn each_letter_has_one_meaning() {
        let letters: String = SELECT_STATES.iter().map(|code| code.letter).collect();
        assert_eq!(letters, "NMsrd~wSOTxWPUDL+*");
        for code in &SELECT_STATES {
            let bits = u8::try_from(code.letter).unwrap();
            assert_eq!(SelectState::from_bits(bits).code(), Some(code));
        }
    }
}
