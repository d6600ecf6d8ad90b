//! The words of a line, one after the other.

use std::fmt;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::str::FromStr;

use super::{Host, POLLS, SERVICES};
use crate::control::chrony::change::Senseless;
use crate::units::PollExponent;
use crate::wire::cmdmon::change::{AccessRule, LocalMode};
use crate::wire::cmdmon::report::SelectOptions;
use crate::wire::cmdmon::{Address, Float, Seconds};

/// The words of a line that were not taken yet.
pub(super) struct Words<'a> {
    words: std::iter::Peekable<std::str::SplitWhitespace<'a>>,
    /// The last one taken, to say after which something is missing.
    last: &'a str,
}

impl<'a> Words<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self { words: text.split_whitespace().peekable(), last: "" }
    }

    pub(super) fn next(&mut self) -> Option<&'a str> {
        let word = self.words.next()?;
        self.last = word;
        Some(word)
    }

    pub(super) fn expect(&mut self, what: &str) -> Result<&'a str, Senseless> {
        let last = self.last.escape_debug();
        let missing = format!("after `{last}` {what} is missing");
        self.next().ok_or(Senseless::Syntax(missing))
    }

    /// Takes `word` if it is the next one.
    fn takes(&mut self, word: &str) -> bool {
        let is_it = self.words.peek().is_some_and(|next| next.eq_ignore_ascii_case(word));
        if is_it {
            self.next();
        }
        is_it
    }

    pub(super) fn only(&mut self, word: &str) -> Result<(), Senseless> {
        let found = self.expect(word)?;
        if found.eq_ignore_ascii_case(word) { Ok(()) } else { Err(stray(found, word)) }
    }

    pub(super) fn end(&mut self) -> Result<(), Senseless> {
        self.next().map_or(Ok(()), |word| Err(stray(word, "the end of the line")))
    }

    pub(super) fn host(&mut self) -> Result<Host, Senseless> {
        Host::new(self.expect("the address or name of a source")?)
    }

    pub(super) fn host_or_all(&mut self) -> Result<Option<Host>, Senseless> {
        self.next().map(Host::new).transpose()
    }

    /// A number that is finite.
    pub(super) fn number(&mut self, what: &str) -> Result<f64, Senseless> {
        let what = format!("a number ({what})");
        let word = self.expect(&what)?;
        let number = word.parse::<f64>().ok().filter(|number| number.is_finite());
        number.ok_or_else(|| stray(word, &what))
    }

    /// A whole number within limits.
    pub(super) fn whole<N>(&mut self, within: RangeInclusive<N>) -> Result<N, Senseless>
    where
        N: FromStr + PartialOrd + fmt::Display,
    {
        let what = format!("a number from {} to {}", within.start(), within.end());
        let word = self.expect(&what)?;
        let number = word.parse::<N>().ok().filter(|number| within.contains(number));
        number.ok_or_else(|| stray(word, &what))
    }

    pub(super) fn poll(&mut self) -> Result<PollExponent, Senseless> {
        self.whole(POLLS).map(PollExponent::new)
    }

    /// `+OPTION` and `-OPTION`, at least one: which are touched, and which of them are set.
    pub(super) fn select_options(&mut self) -> Result<(SelectOptions, SelectOptions), Senseless> {
        let (mut mask, mut set) = (0, 0);
        let what = "+ or - and noselect, prefer, trust or require";
        let mut word = Some(self.expect(what)?);
        while let Some(option) = word {
            let named = option.strip_prefix(['+', '-']);
            let bit = named.and_then(option_bit).ok_or_else(|| stray(option, what))?;
            mask |= bit;
            set = if option.starts_with('+') { set | bit } else { set & !bit };
            word = self.next();
        }
        Ok((SelectOptions::from_bits(mask), SelectOptions::from_bits(set)))
    }

    /// What follows one of the access commands.
    pub(super) fn rule(&mut self, name: &str) -> Result<AccessRule, Senseless> {
        let row = SERVICES.iter().find(|(known, ..)| *known == name);
        let (_, service, allows) = row.copied().ok_or_else(|| Senseless::no_command(name))?;
        let all = self.takes("all");
        let (address, prefix) = match self.next() {
            None => (Address::Unspecified, 0),
            Some(word) => subnet(word)?,
        };
        Ok(AccessRule { service, allows, all, address, prefix })
    }

    /// What follows `local`; without anything what chronyc takes by default.
    pub(super) fn local(&mut self) -> Result<LocalMode, Senseless> {
        if self.takes("off") {
            return Ok(LocalMode::default());
        }
        let (on, orphan, timing) = (true, false, None);
        let mut mode = LocalMode { on, stratum: 10, distance: Seconds::new(1.0), orphan, timing };
        while let Some(word) = self.next() {
            match word.to_ascii_lowercase().as_str() {
                "stratum" => mode.stratum = self.whole(1..=15)?,
                "distance" => mode.distance = Seconds::new(self.number("seconds")?),
                "orphan" => mode.orphan = true,
                _ => return Err(stray(word, "stratum, distance, orphan or off")),
            }
        }
        Ok(mode)
    }
}

/// The bit of a selection option.
fn option_bit(name: &str) -> Option<u16> {
    let mut words = SelectOptions::from_bits(0xf).words().zip(0..);
    words.find(|(word, _)| word.eq_ignore_ascii_case(name)).map(|(_, place)| 1 << place)
}

/// `ADDRESS` or `ADDRESS/BITS`, in which no bit below those is set.
fn subnet(word: &str) -> Result<(Address, i32), Senseless> {
    let unfit = || stray(word, "an address or a subnet such as 192.0.2.0/24");
    let (address, bits) = match word.split_once('/') {
        Some((address, bits)) => (address, Some(bits)),
        None => (word, None),
    };
    let address: IpAddr = address.parse().map_err(|_| unfit())?;
    let width = if address.is_ipv4() { 32 } else { 128 };
    let prefix = bits.map_or(Ok(width), |bits| bits.parse().map_err(|_| unfit()))?;
    if prefix > width {
        return Err(unfit());
    }
    let below = match address {
        IpAddr::V4(v4) => u128::from(v4.to_bits()).checked_shl(96 + prefix),
        IpAddr::V6(v6) => v6.to_bits().checked_shl(prefix),
    };
    if below.unwrap_or(0) != 0 {
        let why = format!("`{word}` has bits set outside the subnet");
        return Err(Senseless::Syntax(why));
    }
    Ok((address.into(), i32::try_from(prefix).unwrap_or(i32::MAX)))
}

/// Writes an access rule as it is read.
pub(super) fn show_rule(rule: &AccessRule, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let is_it = |row: &&(&str, _, bool)| (row.1, row.2) == (rule.service, rule.allows);
    f.write_str(SERVICES.iter().find(is_it).map_or("", |(name, ..)| name))?;
    if rule.all {
        f.write_str(" all")?;
    }
    match rule.address {
        Address::Unspecified => Ok(()),
        Address::Ip(IpAddr::V4(ip)) if rule.prefix == 32 => write!(f, " {ip}"),
        Address::Ip(IpAddr::V6(ip)) if rule.prefix == 128 => write!(f, " {ip}"),
        address => write!(f, " {address}/{}", rule.prefix),
    }
}

/// A number as shortly as it is read again as the same.
pub(super) fn shown(number: Float) -> String {
    let exact = number.value();
    let short = (0..=9).map(|decimals| format!("{exact:.decimals$}"));
    let mut same = short.filter(|text| {
        text.parse::<f64>().is_ok_and(|read| Float::new(read).bits() == number.bits())
    });
    same.next().unwrap_or_else(|| exact.to_string())
}

pub(super) fn stray(word: &str, expected: &str) -> Senseless {
    Senseless::Syntax(format!("`{}` stands where {expected} is expected", word.escape_debug()))
}
