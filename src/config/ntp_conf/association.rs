//! The directives that name a source.

use crate::config::host::HostSpec;
use crate::config::ntp_conf::arguments::Arguments;
use crate::config::ntp_conf::clock::{self, ClockAddress};
use crate::config::ntp_conf::lexer::Word;
use crate::config::ntp_conf::{
    Association, Directive, Family, Kind, Options, Placed, known, tokens,
};
use crate::config::{Rejected, shown};
use crate::units::{KeyId, NtpDuration, PollExponent};

/// Reads what follows `keyword`, which names a source of this kind, into `directives`.
pub(super) fn read(
    keyword: &Word,
    kind: Kind,
    arguments: &mut Arguments<'_>,
    directives: &mut Vec<Placed>,
) -> Result<(), Rejected> {
    let (address, family) = address("the name or address of the source", arguments)?;
    let host = host(address, family, arguments)?;
    let is_group = |ip: std::net::IpAddr| ip.is_multicast();
    if kind == Kind::ManycastClient && !host.address().is_some_and(is_group) {
        let reason = format!("`{}` is no multicast address", shown(&address.text));
        return Err(arguments.rejected(address.column, reason));
    }
    if let Some(clock) = host.address().and_then(ClockAddress::of) {
        return clock::read(keyword, clock, arguments, directives);
    }
    let mut notices = Vec::new();
    let mut reading = Reading::default();
    while let Some(word) = arguments.next() {
        reading.option(word, arguments, &mut notices)?;
    }
    if reading.wants_nts {
        let what = format!("{} {}", keyword.text.to_ascii_lowercase(), shown(&address.text));
        directives.push(arguments.ignored(keyword, what, known::NTS));
        return Ok(());
    }
    let options = reading.settle(kind, arguments, &mut notices);
    let association = Association { kind, host, family, options };
    directives.push(arguments.placed(keyword, Directive::Association(association)));
    directives.append(&mut notices);
    Ok(())
}

/// The word of an address, which is `what`, and the family in front of it.
pub(super) fn address<'a>(
    what: &str,
    arguments: &mut Arguments<'a>,
) -> Result<(&'a Word, Option<Family>), Rejected> {
    let mut family = None;
    loop {
        let word = arguments.expect(what, tokens::ADDRESS)?;
        match word.text.as_str() {
            "-4" => family = Some(Family::Ipv4),
            "-6" => family = Some(Family::Ipv6),
            _ => return Ok((word, family)),
        }
    }
}

/// The host at `word`, which is not to be of another family.
pub(super) fn host(
    word: &Word,
    family: Option<Family>,
    arguments: &Arguments<'_>,
) -> Result<HostSpec, Rejected> {
    let host: HostSpec = word.text.parse().map_err(|rejected: Rejected| {
        let reason = format!("`{}` is no host: {}", shown(&word.text), rejected.reason);
        arguments.rejected(word.column, reason)
    })?;
    let other = match (family, host.address()) {
        (Some(Family::Ipv4), None) if host.zone().is_some() => "IPv4",
        (Some(Family::Ipv4), Some(address)) if address.is_ipv6() => "IPv4",
        (Some(Family::Ipv6), Some(address)) if address.is_ipv4() => "IPv6",
        _ => return Ok(host),
    };
    let reason = format!("`{}` is no address of {other}", shown(&word.text));
    Err(arguments.rejected(word.column, reason))
}

/// The options of a line as far as they are read.
#[derive(Default)]
pub(super) struct Reading<'a> {
    options: Options,
    minpoll: Option<&'a Word>,
    maxpoll: Option<&'a Word>,
    wants_nts: bool,
    bursts: Vec<&'a Word>,
}

impl<'a> Reading<'a> {
    /// Takes in the option that begins with `word`.
    pub(super) fn option(
        &mut self,
        word: &'a Word,
        arguments: &mut Arguments<'a>,
        notices: &mut Vec<Placed>,
    ) -> Result<(), Rejected> {
        let name = word.text.to_ascii_lowercase();
        let options = &mut self.options;
        match name.as_str() {
            "burst" | "iburst" => {
                let asked = if name == "burst" { &mut options.burst } else { &mut options.iburst };
                *asked = true;
                self.bursts.push(word);
            }
            "prefer" => options.prefer = true,
            "noselect" => options.noselect = true,
            "true" => options.trust = true,
            "preempt" => options.preempt = true,
            "xleave" => options.xleave = true,
            "key" => options.key = KeyId::new(arguments.whole(&name, tokens::OPTION, KEY_IDS)?),
            "version" => options.version = byte(arguments.whole(&name, tokens::OPTION, 1..=4)?),
            "ttl" => options.ttl = Some(byte(arguments.whole(&name, tokens::OPTION, 0..=255)?)),
            "minpoll" => {
                options.minpoll = arguments.exponent(&name, tokens::OPTION)?;
                self.minpoll = Some(word);
            }
            "maxpoll" => {
                options.maxpoll = arguments.exponent(&name, tokens::OPTION)?;
                self.maxpoll = Some(word);
            }
            "bias" => {
                let bias = arguments.real(&name, "seconds", -MAX_BIAS_S..=MAX_BIAS_S)?;
                options.bias = NtpDuration::from_seconds(bias);
            }
            "nts" | "noval" => self.wants_nts = true,
            "ask" | "require" | "ca" | "cert" | "aead" => {
                arguments.expect(&format!("what `{name}` names"), tokens::TEXT)?;
                self.wants_nts = true;
            }
            _ => {
                let Some((reason, count)) = known::option(&name) else {
                    let reason = format!("`{}` is no option of a source", shown(&word.text));
                    return Err(arguments.stray(word, tokens::END, reason));
                };
                for _ in 0..count {
                    let tokens = if name == "ident" { tokens::TEXT } else { tokens::OPTION };
                    arguments.expect(&format!("the value of `{name}`"), tokens)?;
                }
                notices.push(arguments.ignored(word, name, reason));
            }
        }
        Ok(())
    }

    /// The options of an association of this kind, with a notice for each that gives way.
    pub(super) fn settle(
        mut self,
        kind: Kind,
        arguments: &Arguments<'_>,
        notices: &mut Vec<Placed>,
    ) -> Options {
        if let Some(word) = self.settle_polls() {
            let what = word.text.to_ascii_lowercase();
            notices.push(arguments.ignored(word, what, "it is above maxpoll, which holds"));
        }
        for word in self.bursts.iter().filter(|_| kind == Kind::Peer) {
            let reason = "a peer sends when it is its turn, so a burst gains nothing";
            notices.push(arguments.ignored(word, word.text.to_ascii_lowercase(), reason));
            (self.options.burst, self.options.iburst) = (false, false);
        }
        self.options
    }

    /// The same of a reference clock, whose intervals are the shorter ones of a driver.
    pub(super) fn settle_clock(
        mut self,
        arguments: &Arguments<'_>,
        notices: &mut Vec<Placed>,
    ) -> Options {
        if self.maxpoll.is_none() {
            self.options.maxpoll = self.options.minpoll.max(PollExponent::new(CLOCK_POLL));
        }
        self.settle(Kind::Server, arguments, notices)
    }

    /// Lowers the least interval to the greatest, as ntpd does; returns the word that asked for
    /// more.
    fn settle_polls(&mut self) -> Option<&'a Word> {
        let options = &mut self.options;
        if options.minpoll <= options.maxpoll {
            return None;
        }
        options.minpoll = options.maxpoll;
        self.minpoll
    }
}

fn byte(number: u32) -> u8 {
    u8::try_from(number).unwrap_or(u8::MAX)
}

/// The numbers that a key of ntp.conf can have.
pub(super) const KEY_IDS: std::ops::RangeInclusive<u32> = 1..=65_535;

/// The interval of reference clocks, as an exponent, where none is set.
const CLOCK_POLL: i8 = 6;

/// No path is more uneven.
const MAX_BIAS_S: f64 = 16.0;
