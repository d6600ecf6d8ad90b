//! The directives about serving: who may ask, how often, where is listened.

use std::net::IpAddr;

use crate::config::ntp_conf::arguments::Arguments;
use crate::config::ntp_conf::lexer::Word;
use crate::config::ntp_conf::reader::ignored;
use crate::config::ntp_conf::{
    Directive, Discard, Family, InterfaceAction, InterfacePlace, InterfaceRule, Mru, association,
    tokens,
};
use crate::config::restrict::{FLAGS, Flags, Restrict, Selector, Whom};
use crate::config::{Rejected, shown};

/// `restrict [-4|-6] ADDRESS [mask MASK] | default | source [ippeerlimit N] [FLAG]…`.
pub(super) fn restrict(arguments: &mut Arguments<'_>) -> Result<Vec<Restrict>, Rejected> {
    let mut family = None;
    let word = loop {
        let tokens = if family.is_some() { tokens::TEXT } else { tokens::MANY };
        let word = arguments.expect("the address of `restrict`", tokens)?;
        match word.text.as_str() {
            "-4" => family = Some(Family::Ipv4),
            "-6" => family = Some(Family::Ipv6),
            _ => break word,
        }
    };
    let mut reading = Reading::default();
    let (mut mask, mut mask_word) = (None, None);
    while let Some(word) = arguments.next() {
        if word.text.eq_ignore_ascii_case("mask") {
            mask_word = Some(word);
            mask = Some(arguments.expect("the mask of `restrict`", tokens::TEXT)?);
        } else {
            reading.word(word, arguments)?;
        }
    }
    let whom = match word.text.to_ascii_lowercase().as_str() {
        "default" => Whom::Default(family),
        "source" => Whom::Source,
        _ => addresses(word, mask.take(), family, reading.ntp_port, arguments)?,
    };
    if let (Some(_), Some(mask)) = (mask, mask_word) {
        let reason = format!("`{}` takes no mask", shown(&word.text));
        return Err(arguments.stray(mask, tokens::END, reason));
    }
    // A default for one port only is none, but an entry like others.
    let whom = match whom {
        Whom::Default(_) if reading.ntp_port => {
            let all = whom.selectors().into_iter();
            all.map(|selector| Whom::Addresses(selector.from_ntp_port())).collect()
        }
        whom => vec![whom],
    };
    let Reading { flags, most_peers, .. } = reading;
    Ok(whom.into_iter().map(|whom| Restrict { whom, flags, most_peers }).collect())
}

/// The flags of a line as far as they are read.
#[derive(Default)]
struct Reading {
    flags: Flags,
    most_peers: Option<u32>,
    ntp_port: bool,
}

impl Reading {
    fn word(&mut self, word: &Word, arguments: &mut Arguments<'_>) -> Result<(), Rejected> {
        let name = word.text.to_ascii_lowercase();
        match name.as_str() {
            "ntpport" => self.ntp_port = true,
            // What classic ntpd prints of what is not restricted, and takes back.
            "epeer" => self.flags = self.flags.without(Flags::NOEPEER),
            "ippeerlimit" => {
                let limit = arguments.expect("the number of `ippeerlimit`", tokens::INTEGER)?;
                self.most_peers = match limit.text.as_str() {
                    "-1" => None,
                    text => Some(arguments.integer_in(&name, limit.column, text, 0..=u32::MAX)?),
                };
            }
            "serverresponse" => {
                let fuzz = arguments.expect("the word of `serverresponse`", tokens::FUZZ)?;
                if !fuzz.text.eq_ignore_ascii_case("fuzz") {
                    let reason = format!("`serverresponse` takes no `{}`", shown(&fuzz.text));
                    return Err(arguments.stray(fuzz, tokens::FUZZ, reason));
                }
                self.flags = self.flags.with(Flags::FUZZ);
            }
            name => {
                let Some(row) = FLAGS.iter().find(|row| row.word == name) else {
                    let reason = format!("`restrict` has no flag `{}`", shown(&word.text));
                    return Err(arguments.stray(word, tokens::END, reason));
                };
                self.flags = self.flags.with(row.flag);
            }
        }
        Ok(())
    }
}

/// The addresses at `word`: one, a prefix of NTPsec's, one with a mask, or a name.
fn addresses(
    word: &Word,
    mask: Option<&Word>,
    family: Option<Family>,
    ntp_port: bool,
    arguments: &Arguments<'_>,
) -> Result<Whom, Rejected> {
    let from_port = |selector: Selector| if ntp_port { selector.from_ntp_port() } else { selector };
    let at = |column, reason| arguments.rejected(column, reason);
    let (text, length) = match word.text.split_once('/') {
        Some((text, length)) => (text, Some(length)),
        None => (word.text.as_str(), None),
    };
    let Ok(address) = text.parse::<IpAddr>() else {
        if let (None, None) = (length, mask) {
            let host = association::host(word, family, arguments)?;
            return Ok(Whom::Named { host, family, ntp_port });
        }
        return Err(at(word.column, format!("`{}` is no address", shown(text))));
    };
    let is_other = match family {
        Some(Family::Ipv4) => address.is_ipv6(),
        Some(Family::Ipv6) => address.is_ipv4(),
        None => false,
    };
    if is_other {
        let reason = format!("`{address}` is of the other family");
        return Err(at(word.column, reason));
    }
    if let Some(length) = length {
        let known = length.parse().ok().and_then(|length| Selector::prefix(address, length));
        return match (known, mask) {
            (Some(selector), None) => Ok(Whom::Addresses(from_port(selector))),
            (Some(_), Some(mask)) => {
                Err(at(mask.column, "there is a prefix already, so no mask".to_owned()))
            }
            (None, _) => {
                let most = if address.is_ipv4() { 32 } else { 128 };
                let reason = format!("a prefix has 0 to {most} bits, not `{}`", shown(length));
                Err(at(word.column, reason))
            }
        };
    }
    let Some(mask) = mask else {
        return Ok(Whom::Addresses(from_port(Selector::host(address))));
    };
    let known = mask.text.parse().ok().and_then(|mask| Selector::new(address, mask));
    known.map(|selector| Whom::Addresses(from_port(selector))).ok_or_else(|| {
        let reason = format!("`{}` is no mask for `{address}`", shown(&mask.text));
        at(mask.column, reason)
    })
}

/// One setting of `discard`.
pub(super) fn discard(
    arguments: &mut Arguments<'_>,
    word: &Word,
    name: &str,
) -> Result<Directive, Rejected> {
    Ok(Directive::Discard(match name {
        "average" => Discard::Average(small(arguments.integer(name, 0..=MOST_AVERAGE)?)),
        "minimum" => Discard::Minimum(arguments.integer(name, 0..=MOST_SECONDS)?),
        "monitor" => Discard::Monitor(arguments.integer(name, 0..=MOST_SECONDS)?),
        _ => return ignored(arguments, word, name, None, "discard"),
    }))
}

/// One setting of NTPsec's `limit`, which limits by another rule.
pub(super) fn limit(
    arguments: &mut Arguments<'_>,
    word: &Word,
    name: &str,
) -> Result<Directive, Rejected> {
    let is_known = matches!(name, "average" | "burst" | "kod");
    let reason = is_known.then_some("clients are limited as `discard` says");
    ignored(arguments, word, name, reason, "limit")
}

/// One setting of `mru`.
pub(super) fn mru(
    arguments: &mut Arguments<'_>,
    word: &Word,
    name: &str,
) -> Result<Directive, Rejected> {
    let is_of_blocks = matches!(name, "initalloc" | "initmem" | "incalloc" | "incmem" | "minage");
    let reason = is_of_blocks.then_some("memory is taken as it is needed, up to what maxmem says");
    Ok(Directive::Mru(match name {
        "maxdepth" => Mru::Most(arguments.count(name, 0)?),
        "maxmem" => Mru::Memory(arguments.count(name, 0)?),
        "mindepth" => Mru::Least(arguments.count(name, 0)?),
        "maxage" => Mru::Age(arguments.integer(name, 0..=MOST_SECONDS)?),
        _ => return ignored(arguments, word, name, reason, "mru"),
    }))
}

/// `interface listen|ignore|drop all|ipv4|ipv6|wildcard|NAME|ADDRESS[/PREFIX]`.
pub(super) fn interface(arguments: &mut Arguments<'_>) -> Result<InterfaceRule, Rejected> {
    let word = arguments.expect("what to do at the interface", tokens::ACTION)?;
    let action = match word.text.to_ascii_lowercase().as_str() {
        "listen" => InterfaceAction::Listen,
        "ignore" => InterfaceAction::Ignore,
        "drop" => InterfaceAction::Drop,
        _ => {
            let reason =
                format!("an interface is to listen, ignore or drop, not `{}`", shown(&word.text));
            return Err(arguments.stray(word, tokens::ACTION, reason));
        }
    };
    let word = arguments.expect("the interface", tokens::MANY)?;
    let place = match word.text.to_ascii_lowercase().as_str() {
        "all" => InterfacePlace::All,
        "ipv4" => InterfacePlace::Family(Family::Ipv4),
        "ipv6" => InterfacePlace::Family(Family::Ipv6),
        "wildcard" => InterfacePlace::Wildcard,
        _ => place(word, arguments)?,
    };
    Ok(InterfaceRule { action, place })
}

/// An interface by name, or addresses.
fn place(word: &Word, arguments: &Arguments<'_>) -> Result<InterfacePlace, Rejected> {
    let (text, length) = match word.text.split_once('/') {
        Some((text, length)) => (text, Some(length)),
        None => (word.text.as_str(), None),
    };
    match (text.parse::<IpAddr>(), length) {
        (Ok(address), length) => {
            let most = if address.is_ipv4() { 32 } else { 128 };
            let bits = match length {
                None => most,
                Some(length) => arguments.integer_in("prefix", word.column, length, 0..=most)?,
            };
            Ok(InterfacePlace::Addresses(address, small(bits)))
        }
        (Err(_), None) if !text.is_empty() && text.len() <= MOST_PATTERN => {
            match glob::Pattern::new(text) {
                Ok(_) => Ok(InterfacePlace::Named(text.to_owned())),
                Err(error) => {
                    let reason = format!("`{}` is no pattern: {}", shown(text), error.msg);
                    Err(arguments.rejected(word.column, reason))
                }
            }
        }
        (Err(_), _) => {
            let reason = format!("`{}` is no interface and no address", shown(&word.text));
            Err(arguments.rejected(word.column, reason))
        }
    }
}

impl InterfacePlace {
    /// Whether the interface of this name is one that the rule names.
    pub fn names(&self, interface: &str) -> bool {
        let Self::Named(pattern) = self else { return false };
        let whatever_case = glob::MatchOptions { case_sensitive: false, ..Default::default() };
        let pattern = glob::Pattern::new(pattern);
        pattern.is_ok_and(|pattern| pattern.matches_with(interface, whatever_case))
    }
}

fn small(number: u32) -> u8 {
    u8::try_from(number).unwrap_or(u8::MAX)
}

/// The greatest exponent of a headway.
const MOST_AVERAGE: u32 = 17;

/// No span is longer: about 30 years.
const MOST_SECONDS: u32 = 1_000_000_000;

/// Characters of a pattern of interface names, which themselves have 15 at most.
const MOST_PATTERN: usize = 64;
