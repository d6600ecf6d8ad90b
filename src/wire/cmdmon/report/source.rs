//! `SOURCE_DATA`: a source's state, reach and last measurement.

use std::time::Duration;

use crate::units::{PollExponent, Reach, RefId, Stratum};
use crate::wire::Malformed;
use crate::wire::cmdmon::address::{Address, SourceId};
use crate::wire::cmdmon::float::Seconds;
use crate::wire::cmdmon::narrow;
use crate::wire::cmdmon::time::{emit_age, parse_age};
use crate::wire::reader::Reader;

/// A source as `chronyc sources` shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceData {
    /// Its address. A reference clock's are the letters of its reference ID in the guise of an
    /// IPv4 address; [`SourceData::id`] tells them apart.
    pub address: Address,
    /// The poll interval in use.
    pub poll: PollExponent,
    /// The stratum of its last sample; 0 without one, and of a reference clock unless told
    /// otherwise.
    pub stratum: Stratum,
    /// What the selection made of it.
    pub state: SourceState,
    /// What it is.
    pub mode: SourceMode,
    /// Selection options up to 3.5; always 0 since.
    pub flags: u16,
    /// The reach register.
    pub reach: Reach,
    /// How long ago its last sample was taken, in whole seconds; `None` without one.
    pub last_sample: Option<Duration>,
    /// The offset of the last sample as it was measured. **Positive when the local clock is
    /// ahead** of the source.
    pub measured_offset: Seconds,
    /// The same with what the clock was slewed by since taken off: the offset as it would be
    /// measured now. **Positive when the local clock is ahead** of the source.
    pub adjusted_offset: Seconds,
    /// The greatest error that the last sample may have: its root delay halved, and its root
    /// dispersion. Never negative.
    pub error_bound: Seconds,
}

impl SourceData {
    /// What it is known by in other reports.
    pub fn id(&self) -> SourceId {
        match (self.mode, self.address) {
            (SourceMode::ReferenceClock, Address::Ip(std::net::IpAddr::V4(letters))) => {
                SourceId::ReferenceClock(RefId::new(letters.octets()))
            }
            _ => SourceId::Address(self.address),
        }
    }

    pub(super) fn parse(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            address: Address::parse(reader, "address")?,
            poll: PollExponent::new(narrow(reader, "poll", |reader, field| {
                reader.u16(field).map(u16::cast_signed)
            })?),
            stratum: Stratum::new(narrow(reader, "stratum", Reader::u16)?),
            state: SourceState::from_bits(reader.u16("state")?),
            mode: SourceMode::from_bits(reader.u16("mode")?),
            flags: reader.u16("flags")?,
            reach: Reach::new(narrow(reader, "reach", Reader::u16)?),
            last_sample: parse_age(reader, "age of the last sample")?,
            measured_offset: Seconds::parse(reader, "measured offset")?,
            adjusted_offset: Seconds::parse(reader, "adjusted offset")?,
            error_bound: Seconds::parse(reader, "error bound")?,
        })
    }

    pub(super) fn emit(&self, bytes: &mut Vec<u8>) {
        self.address.emit(bytes);
        bytes.extend(i16::from(self.poll.exponent()).to_be_bytes());
        for word in [
            u16::from(self.stratum.get()),
            self.state.bits(),
            self.mode.bits(),
            self.flags,
            u16::from(self.reach.register()),
        ] {
            bytes.extend(word.to_be_bytes());
        }
        emit_age(self.last_sample, bytes);
        self.measured_offset.emit(bytes);
        self.adjusted_offset.emit(bytes);
        self.error_bound.emit(bytes);
    }
}

/// What the selection made of a source; `SELECT_DATA` says more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SourceState {
    /// 0 `*`: selected; the clock follows it, and others with it.
    Selected,
    /// 1 `?`: cannot be selected: no samples, not synchronised, too far…
    NotSelectable,
    /// 2 `x`: a falseticker, it does not agree with the majority.
    Falseticker,
    /// 3 `~`: too much jitter.
    Jittery,
    /// 4 `+`: combined with the selected one.
    Combined,
    /// 5 `-`: could be selected, but is not combined.
    NotCombined,
    /// A number that is not known here.
    Other(u16),
}

impl SourceState {
    /// From the number on the wire.
    pub const fn from_bits(bits: u16) -> Self {
        match bits {
            0 => Self::Selected,
            1 => Self::NotSelectable,
            2 => Self::Falseticker,
            3 => Self::Jittery,
            4 => Self::Combined,
            5 => Self::NotCombined,
            other => Self::Other(other),
        }
    }

    /// The number on the wire.
    pub const fn bits(self) -> u16 {
        match self {
            Self::Selected => 0,
            Self::NotSelectable => 1,
            Self::Falseticker => 2,
            Self::Jittery => 3,
            Self::Combined => 4,
            Self::NotCombined => 5,
            Self::Other(bits) => bits,
        }
    }

    /// The character that chronyc prints; a blank for what is not known.
    pub const fn character(self) -> char {
        match self {
            Self::Selected => '*',
            Self::NotSelectable => '?',
            Self::Falseticker => 'x',
            Self::Jittery => '~',
            Self::Combined => '+',
            Self::NotCombined => '-',
            Self::Other(_) => ' ',
        }
    }
}

/// What a source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SourceMode {
    /// 0 `^`: a server.
    Client,
    /// 1 `=`: a peer.
    Peer,
    /// 2 `#`: a reference clock.
    ReferenceClock,
    /// A number that is not known here.
    Other(u16),
}

impl SourceMode {
    /// From the number on the wire.
    pub const fn from_bits(bits: u16) -> Self {
        match bits {
            0 => Self::Client,
            1 => Self::Peer,
            2 => Self::ReferenceClock,
            other => Self::Other(other),
        }
    }

    /// The number on the wire.
    pub const fn bits(self) -> u16 {
        match self {
            Self::Client => 0,
            Self::Peer => 1,
            Self::ReferenceClock => 2,
            Self::Other(bits) => bits,
        }
    }

    /// The character that chronyc prints; a blank for what is not known.
    pub const fn character(self) -> char {
        match self {
            Self::Client => '^',
            Self::Peer => '=',
            Self::ReferenceClock => '#',
            Self::Other(_) => ' ',
        }
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
            0,
            0,
            0,
            0x0001_0000,
            0x0001_0003,
            0,
            0xff,
            1,
            0xd569_ad18,
            0xd32b_2849,
            0xe083_d876,
        ])
    }

    fn source(data: &[u8]) -> SourceData {
        match read(ReplyType::SOURCE_DATA, data) {
            Ok(Report::SourceData(source)) => source,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_captured_source_is_taken_apart_and_written_again() {
        let source = source(&captured());
        assert_layout(&captured(), &Report::SourceData(source));
        assert_eq!(source.address.to_string(), "127.0.0.2");
        assert_eq!((source.poll.exponent(), source.stratum.get()), (1, 3));
        assert_eq!(source.state, SourceState::Selected);
        assert_eq!(source.mode, SourceMode::Client);
        assert_eq!(source.reach.register(), 0o377);
        assert_eq!(source.last_sample, Some(Duration::from_secs(1)));
        assert_eq!(format!("{:.12}", source.measured_offset.seconds()), "-0.000000070000");
        assert_eq!(format!("{:.12}", source.adjusted_offset.seconds()), "-0.000000049556");
        assert_eq!(format!("{:.12}", source.error_bound.seconds()), "0.000003929304");
        assert_eq!(source.id(), SourceId::Address(source.address));
    }

    #[test]
    fn a_reference_clock_hides_its_letters_in_an_address() {
        let mut data = captured();
        data[..4].copy_from_slice(b"TST7");
        data[27] = 2;
        assert_eq!(source(&data).id(), SourceId::ReferenceClock(RefId::new(*b"TST7")));
    }

    #[test]
    fn a_source_without_samples_has_no_age() {
        let mut data = captured();
        data[32..36].fill(0xff);
        assert_eq!(source(&data).last_sample, None);
    }

    #[test]
    fn what_has_no_meaning_is_kept_and_what_does_not_fit_is_malformed() {
        let mut data = captured();
        data[24..28].copy_from_slice(&[1, 0, 0, 3]);
        let unknown = source(&data);
        assert_eq!((unknown.state, unknown.mode), (SourceState::Other(256), SourceMode::Other(3)));
        assert_layout(&data, &Report::SourceData(unknown));
        for (place, error) in [
            (20, "poll at byte 20 is not valid: 0x101"),
            (22, "stratum at byte 22 is not valid: 0x103"),
            (30, "reach at byte 30 is not valid: 0x1ff"),
        ] {
            let mut data = captured();
            data[place] = 1;
            let found = read(ReplyType::SOURCE_DATA, &data).unwrap_err();
            assert_eq!(found.to_string(), error);
        }
    }

    #[test]
    fn states_and_modes_have_the_characters_of_chronyc() {
        let states: String = (0..7).map(|bits| SourceState::from_bits(bits).character()).collect();
        assert_eq!(states, "*?x~+- ");
        let modes: String = (0..4).map(|bits| SourceMode::from_bits(bits).character()).collect();
        assert_eq!(modes, "^=# ");
        for bits in 0..=u16::MAX {
            assert_eq!(SourceState::from_bits(bits).bits(), bits);
            assert_eq!(SourceMode::from_bits(bits).bits(), bits);
        }
    }
}
