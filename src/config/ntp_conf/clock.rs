//! Reference clocks: the addresses that stand for them, and what `fudge` says of them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use crate::config::host::HostSpec;
use crate::config::ntp_conf::arguments::Arguments;
use crate::config::ntp_conf::lexer::Word;
use crate::config::ntp_conf::{Association, Directive, Kind, Placed, association, known, tokens};
use crate::config::{Rejected, shown};
use crate::units::{NtpDuration, RefId, Stratum};

/// A reference clock as its address has it, `127.127.t.u`: the driver and which of its clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClockAddress {
    /// The type of the driver.
    pub kind: u8,
    /// Which of those of this type.
    pub unit: u8,
}

impl ClockAddress {
    /// The type of the local clock: this host's own, taken for a reference.
    pub const LOCAL: u8 = 1;

    /// The clock that `address` stands for, if it stands for one.
    pub const fn of(address: IpAddr) -> Option<Self> {
        match address {
            IpAddr::V4(v4) => match v4.octets() {
                [127, 127, kind, unit] => Some(Self { kind, unit }),
                _ => None,
            },
            IpAddr::V6(_) => None,
        }
    }

    /// The address that stands for it.
    pub const fn address(self) -> IpAddr {
        IpAddr::V4(Ipv4Addr::new(127, 127, self.kind, self.unit))
    }

    /// Whether it is the local clock.
    pub const fn is_local(self) -> bool {
        self.kind == Self::LOCAL
    }

    /// The name of its driver, empty for a type that has none.
    pub fn driver(self) -> &'static str {
        known::driver(self.kind)
    }
}

impl fmt::Display for ClockAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.address(), f)
    }
}

/// What is set of a reference clock; what is not named stays as it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fudge {
    /// Of which.
    pub clock: ClockAddress,
    /// `time1`: added to what it tells.
    pub time1: Option<NtpDuration>,
    /// `time2`, of which each driver has a use of its own.
    pub time2: Option<NtpDuration>,
    /// `stratum`: that of the clock; what is served is one more.
    pub stratum: Option<Stratum>,
    /// `refid`: the reference ID at this stratum.
    pub reference_id: Option<RefId>,
    /// `flag1` to `flag4`.
    pub flags: [Option<bool>; 4],
    /// `minjitter`: the least jitter that is believed.
    pub min_jitter: Option<NtpDuration>,
}

impl Fudge {
    /// Of `clock`, with nothing set yet.
    pub const fn new(clock: ClockAddress) -> Self {
        Self {
            clock,
            time1: None,
            time2: None,
            stratum: None,
            reference_id: None,
            flags: [None; 4],
            min_jitter: None,
        }
    }

    /// Whether it sets nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::new(self.clock)
    }

    /// What is set when it is said after `before`, of the same clock.
    #[must_use]
    pub fn after(self, before: &Self) -> Self {
        let mut flags = before.flags;
        for (flag, said) in flags.iter_mut().zip(self.flags) {
            *flag = said.or(*flag);
        }
        Self {
            clock: self.clock,
            time1: self.time1.or(before.time1),
            time2: self.time2.or(before.time2),
            stratum: self.stratum.or(before.stratum),
            reference_id: self.reference_id.or(before.reference_id),
            flags,
            min_jitter: self.min_jitter.or(before.min_jitter),
        }
    }

    /// Takes in the setting `name` at `word`, if there is one of this name.
    fn set(
        &mut self,
        name: &str,
        word: &Word,
        arguments: &mut Arguments<'_>,
        notices: &mut Vec<Placed>,
    ) -> Result<bool, Rejected> {
        match name {
            "time1" => self.time1 = Some(span(name, arguments)?),
            "time2" => self.time2 = Some(span(name, arguments)?),
            "minjitter" => self.min_jitter = Some(arguments.span(name, MOST_TIME_S)?),
            "stratum" => self.stratum = Some(arguments.stratum(name, 0)?),
            "refid" | "abbrev" => self.reference_id = Some(code(name, word, arguments, notices)?),
            "flag1" | "flag2" | "flag3" | "flag4" => {
                let place = name.bytes().last().map_or(0, |digit| usize::from(digit - b'1'));
                let is_set = arguments.boolean(name)?;
                if let Some(flag) = self.flags.get_mut(place) {
                    *flag = Some(is_set);
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

fn span(name: &str, arguments: &mut Arguments<'_>) -> Result<NtpDuration, Rejected> {
    let seconds = arguments.real(name, "seconds", -MOST_TIME_S..=MOST_TIME_S)?;
    Ok(NtpDuration::from_seconds(seconds))
}

/// A reference ID, of which ntpd takes the first four letters.
fn code(
    name: &str,
    word: &Word,
    arguments: &mut Arguments<'_>,
    notices: &mut Vec<Placed>,
) -> Result<RefId, Rejected> {
    let letters = arguments.expect(&format!("the letters of `{name}`"), tokens::TEXT)?;
    let first: String = letters.text.chars().take(4).collect();
    if first.len() < letters.text.len() {
        let reason = "a reference ID has four letters: the others";
        notices.push(arguments.ignored(word, format!("{name} beyond {first}"), reason));
    }
    RefId::from_code(&first).ok_or_else(|| {
        let reason = format!("`{name}` is one to four letters, not `{}`", shown(&letters.text));
        arguments.rejected(letters.column, reason)
    })
}

/// `fudge 127.127.t.u SETTING…`.
pub(super) fn fudge(
    keyword: &Word,
    arguments: &mut Arguments<'_>,
    directives: &mut Vec<Placed>,
) -> Result<(), Rejected> {
    let (word, family) = association::address("the address of the clock", arguments)?;
    let host = association::host(word, family, arguments)?;
    let Some(clock) = host.address().and_then(ClockAddress::of) else {
        let reason = format!("`{}` is no address of a reference clock", shown(&word.text));
        return Err(arguments.rejected(word.column, reason));
    };
    let mut fudge = Fudge::new(clock);
    let mut notices = Vec::new();
    let mut word = arguments.expect("what to set of the clock", tokens::MANY)?;
    let mut tokens = tokens::MANY;
    loop {
        let name = word.text.to_ascii_lowercase();
        if !fudge.set(&name, word, arguments, &mut notices)? {
            let reason = format!("`{}` is nothing that `fudge` sets", shown(&word.text));
            return Err(arguments.stray(word, tokens, reason));
        }
        tokens = tokens::END;
        match arguments.next() {
            Some(next) => word = next,
            None => break,
        }
    }
    if clock.is_local() {
        directives.push(arguments.placed(keyword, Directive::Fudge(fudge)));
        directives.append(&mut notices);
    } else {
        directives.push(left_out(keyword, "fudge", clock, arguments));
    }
    Ok(())
}

/// NTPsec's `refclock NAME [unit N] OPTION…`: what a server's line and a fudge's say, together.
pub(super) fn refclock(
    keyword: &Word,
    arguments: &mut Arguments<'_>,
    directives: &mut Vec<Placed>,
) -> Result<(), Rejected> {
    let name = arguments.expect("the name of the driver", tokens::TEXT)?;
    let Some(kind) = known::driver_called(&name.text) else {
        let reason = format!("`{}` is no driver of a reference clock", shown(&name.text));
        return Err(arguments.rejected(name.column, reason));
    };
    let unit = if arguments.next_is("unit") { unit(arguments)? } else { 0 };
    let clock = ClockAddress { kind, unit };
    read(keyword, clock, arguments, directives)
}

/// What follows the name or address of a clock: a server's options, and what `fudge` sets, which
/// NTPsec has on the same line.
pub(super) fn read(
    keyword: &Word,
    clock: ClockAddress,
    arguments: &mut Arguments<'_>,
    directives: &mut Vec<Placed>,
) -> Result<(), Rejected> {
    let mut fudge = Fudge::new(clock);
    let mut notices = Vec::new();
    let mut reading = association::Reading::default();
    while let Some(word) = arguments.next() {
        let name = word.text.to_ascii_lowercase();
        if matches!(name.as_str(), "path" | "ppspath" | "baud" | "mode" | "subtype") {
            arguments.expect(&format!("the value of `{name}`"), tokens::OPTION)?;
            notices.push(arguments.ignored(word, name, LOCAL_HAS_NO_DEVICE));
        } else if !fudge.set(&name, word, arguments, &mut notices)? {
            reading.option(word, arguments, &mut notices)?;
        }
    }
    if !clock.is_local() {
        let name = keyword.text.to_ascii_lowercase();
        directives.push(left_out(keyword, &name, clock, arguments));
        return Ok(());
    }
    let options = reading.settle_clock(arguments, &mut notices);
    let host = HostSpec::new(clock.to_string());
    let association = Association { kind: Kind::Server, host, family: None, options };
    directives.push(arguments.placed(keyword, Directive::Association(association)));
    if !fudge.is_empty() {
        directives.push(arguments.placed(keyword, Directive::Fudge(fudge)));
    }
    directives.append(&mut notices);
    Ok(())
}

/// The number behind `unit`.
pub(super) fn unit(arguments: &mut Arguments<'_>) -> Result<u8, Rejected> {
    Ok(u8::try_from(arguments.integer("unit", 0..=255)?).unwrap_or(u8::MAX))
}

/// That a clock's line is left out, for its driver is not here.
fn left_out(keyword: &Word, name: &str, clock: ClockAddress, arguments: &Arguments<'_>) -> Placed {
    let driver = clock.driver();
    let driver = if driver.is_empty() { String::new() } else { format!(" ({driver})") };
    arguments.ignored(keyword, format!("{name} {clock}{driver}"), known::REFERENCE_CLOCKS)
}

impl Association {
    /// The reference clock that it stands for, if it stands for one.
    pub fn clock(&self) -> Option<ClockAddress> {
        self.host.address().and_then(ClockAddress::of)
    }
}

const LOCAL_HAS_NO_DEVICE: &str = "the local clock has no device";

/// No correction is larger; receivers have been off by whole periods of the GPS week, which is 1024
/// weeks long.
const MOST_TIME_S: f64 = 1e9;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ntp_conf;
    use crate::units::PollExponent;

    fn directives(text: &str) -> Vec<Directive> {
        let placed = ntp_conf::read("ntp.conf", text).unwrap();
        placed.into_iter().map(|placed| placed.directive).collect()
    }

    fn said(text: &str) -> String {
        ntp_conf::read("c", text).unwrap_err().to_string()
    }

    const LOCAL: ClockAddress = ClockAddress { kind: 1, unit: 2 };

    #[test]
    fn all_that_fudge_sets_is_read() {
        let seconds = |seconds| Some(NtpDuration::from_seconds(seconds));
        let fudge = Fudge {
            time1: seconds(-0.25),
            time2: seconds(1.5),
            stratum: Some(Stratum::new(0)),
            reference_id: RefId::from_code("LCL"),
            flags: [Some(true), None, Some(false), Some(true)],
            min_jitter: seconds(0.001),
            ..Fudge::new(LOCAL)
        };
        let text = "fudge 127.127.1.2 time1 -0.25 TIME2 1.5 stratum 0 refid LCL flag1 1 flag3 0 \
                    flag4 true minjitter 1e-3";
        assert_eq!(directives(text), [Directive::Fudge(fudge)]);
    }

    #[test]
    fn a_long_reference_id_is_cut_with_a_notice() {
        let read = directives("fudge 127.127.1.2 refid LOCAL stratum 3");
        let [Directive::Fudge(fudge), Directive::Ignored { keyword, .. }] = read.as_slice() else {
            panic!("{read:?}")
        };
        assert_eq!(fudge.reference_id, RefId::from_code("LOCA"));
        assert_eq!(keyword, "refid beyond LOCA");
    }

    #[test]
    fn the_local_clock_is_a_server_in_both_forms() {
        for text in [
            "server 127.127.1.2 prefer minpoll 4 mode 1",
            "peer 127.127.1.2 prefer minpoll 4 baud 9600",
            "refclock local unit 2 prefer minpoll 4 path /dev/null",
        ] {
            let read = directives(text);
            let [Directive::Association(source), Directive::Ignored { .. }] = read.as_slice()
            else {
                panic!("{read:?}")
            };
            assert_eq!((source.kind, source.clock()), (Kind::Server, Some(LOCAL)), "{text}");
            assert!(source.options.prefer);
            let polls = (source.options.minpoll, source.options.maxpoll);
            assert_eq!(polls, (PollExponent::new(4), PollExponent::new(6)));
        }
        let read = directives("refclock LOCAL stratum 7 flag2 1");
        let [Directive::Association(source), Directive::Fudge(fudge)] = read.as_slice() else {
            panic!("{read:?}")
        };
        assert_eq!(source.clock(), Some(fudge.clock));
        assert_eq!((fudge.clock.unit, fudge.stratum), (0, Some(Stratum::new(7))));
        assert_eq!(fudge.flags, [None, Some(true), None, None]);
    }

    #[test]
    fn other_clocks_are_left_out_by_the_names_of_their_drivers() {
        for (text, expected) in [
            ("server 127.127.20.0 mode 17 minpoll 3 prefer", "server 127.127.20.0 (NMEA)"),
            ("refclock gpsd unit 128 time1 0.1 path /dev/x", "refclock 127.127.46.128 (GPSD)"),
            ("fudge 127.127.28.1 refid PPS", "fudge 127.127.28.1 (SHM)"),
            ("server 127.127.200.1", "server 127.127.200.1"),
        ] {
            let read = directives(text);
            let [Directive::Ignored { keyword, reason }] = read.as_slice() else {
                panic!("{read:?}")
            };
            assert_eq!((keyword.as_str(), *reason), (expected, known::REFERENCE_CLOCKS));
        }
    }

    #[test]
    fn every_mistake_about_a_clock_has_its_place() {
        for (text, place, what) in [
            ("fudge", 6, "the address of the clock is missing"),
            ("fudge 192.0.2.1 stratum 3", 7, "no address of a reference clock"),
            ("fudge 127.127.1.0", 18, "what to set of the clock is missing"),
            ("fudge 127.127.1.0 stratum 17", 27, "0 to 16"),
            ("fudge 127.127.1.0 flag5 1", 19, "nothing that `fudge` sets"),
            ("fudge 127.127.20.0 flag1 2", 26, "`flag1` is 0 or 1, not `2`"),
            ("fudge 127.127.1.0 refid \"\"", 25, "one to four letters"),
            ("fudge 127.127.1.0 time1 x", 25, "`time1` is from"),
            ("refclock sundial", 10, "`sundial` is no driver"),
            ("refclock local unit 256", 21, "0 to 255"),
            ("refclock local fast", 16, "no option of a source"),
            ("server 127.127.20.0 fast", 21, "no option of a source"),
        ] {
            let said = said(text);
            let expected = format!("c, line 1, column {place}: ");
            assert!(said.starts_with(&expected) && said.contains(what), "{text}: {said}");
        }
    }
}
