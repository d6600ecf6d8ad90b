//! What is told to a daemon that runs, and who may tell it.

use crate::config::host::HostSpec;
use crate::config::ntp_conf::arguments::Arguments;
use crate::config::ntp_conf::clock::{self, ClockAddress};
use crate::config::ntp_conf::{Family, association, known, tokens};
use crate::config::{Rejected, shown};
use crate::units::AssocId;

/// A variable that the system is to have besides its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetVariable {
    /// Its name.
    pub name: String,
    /// Its value, as it is to be told.
    pub value: String,
    /// Whether it is told to who asks for no variable by name.
    pub is_default: bool,
}

/// Which association is to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unwanted {
    /// That of this number.
    Association(AssocId),
    /// That with this host: an address, also a reference clock's, or a name.
    Host {
        /// Which.
        host: HostSpec,
        /// Its family, where one is named.
        family: Option<Family>,
    },
}

/// Counters that begin anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Counters {
    /// `allpeers`: those of all associations.
    AllPeers,
    /// `auth`: of authentication.
    Authentication,
    /// `ctl`: of control messages.
    Control,
    /// `io`: of packets.
    Io,
    /// `mem`: of the memory for associations.
    Memory,
    /// `sys`: of the system.
    System,
    /// `timer`: of timers.
    Timer,
}

/// `setvar NAME=VALUE [default]`, with blanks around `=` or without.
pub(super) fn set_variable(arguments: &mut Arguments<'_>) -> Result<SetVariable, Rejected> {
    let word = arguments.expect("the name of the variable", tokens::TEXT)?;
    let (name, value) = if let Some(parts) = word.text.split_once('=') {
        parts
    } else {
        let sign = arguments.expect("`=` behind the name of the variable", tokens::EQUALS)?;
        let Some(value) = sign.text.strip_prefix('=') else {
            let reason = format!("`=` is expected here, not `{}`", shown(&sign.text));
            return Err(arguments.stray(sign, tokens::EQUALS, reason));
        };
        (word.text.as_str(), value)
    };
    if name.is_empty() || !name.chars().all(is_of_name) {
        let reason = format!("`{}` is no name of a variable", shown(name));
        return Err(arguments.rejected(word.column, reason));
    }
    let value = match value {
        "" => {
            let value = arguments.next().ok_or_else(|| {
                let reason = "the value of the variable is missing".to_owned();
                arguments.ended_after(word.column, tokens::TEXT, reason)
            });
            value?.text.as_str()
        }
        value => value,
    };
    let is_default = arguments.next_is("default");
    Ok(SetVariable { name: name.to_owned(), value: value.to_owned(), is_default })
}

/// Whether a name of a variable may have this character: what a reply can be read by again.
const fn is_of_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '-' | '.')
}

/// `unconfig` and `unpeer`: `ADDRESS`, `NAME`, the number of an association, or NTPsec's
/// `clock NAME [unit N]`.
pub(super) fn unwanted(arguments: &mut Arguments<'_>) -> Result<Unwanted, Rejected> {
    let (word, family) = association::address("which association is to go", arguments)?;
    if word.text.eq_ignore_ascii_case("clock")
        && let Some(name) = arguments.next()
    {
        let Some(kind) = known::driver_called(&name.text) else {
            let reason = format!("`{}` is no driver of a reference clock", shown(&name.text));
            return Err(arguments.rejected(name.column, reason));
        };
        let unit = if arguments.next_is("unit") { clock::unit(arguments)? } else { 0 };
        let host = HostSpec::new(ClockAddress { kind, unit }.to_string());
        return Ok(Unwanted::Host { host, family });
    }
    if word.text.bytes().all(|byte| byte.is_ascii_digit()) {
        let id = arguments.integer_in("association", word.column, &word.text, 1..=65_535)?;
        return Ok(Unwanted::Association(AssocId::new(u16::try_from(id).unwrap_or(u16::MAX))));
    }
    Ok(Unwanted::Host { host: association::host(word, family, arguments)?, family })
}

/// `reset WORD…`.
pub(super) fn reset(arguments: &mut Arguments<'_>) -> Result<Vec<Counters>, Rejected> {
    arguments.all_of("what to reset", tokens::MANY, |word| {
        let row = COUNTERS.iter().find(|row| row.0.eq_ignore_ascii_case(&word.text));
        row.map(|row| row.1).ok_or_else(|| format!("`{}` is nothing to reset", shown(&word.text)))
    })
}

/// The words of `reset`.
pub(super) const COUNTERS: [(&str, Counters); 7] = [
    ("allpeers", Counters::AllPeers),
    ("auth", Counters::Authentication),
    ("ctl", Counters::Control),
    ("io", Counters::Io),
    ("mem", Counters::Memory),
    ("sys", Counters::System),
    ("timer", Counters::Timer),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ntp_conf::{self, Directive};

    fn one(text: &str) -> Directive {
        let mut placed = ntp_conf::read("ntp.conf", text).unwrap();
        assert_eq!(placed.len(), 1, "{text}");
        placed.remove(0).directive
    }

    #[test]
    fn variables_are_set_with_blanks_around_the_sign_or_without() {
        let variable = |name: &str, value: &str, is_default| {
            let (name, value) = (name.to_owned(), value.to_owned());
            Directive::SetVariable(SetVariable { name, value, is_default })
        };
        for text in ["setvar a=b", "setvar a= b", "setvar a =b", "setvar a = b", "setvar a=\"b\""] {
            assert_eq!(one(text), variable("a", "b", false), "{text}");
        }
        let text = "setvar site_name = \"second floor = left\" default";
        assert_eq!(one(text), variable("site_name", "second floor = left", true));
        assert_eq!(one("setvar a=default"), variable("a", "default", false));
    }

    #[test]
    fn what_goes_is_a_host_a_number_or_a_clock() {
        let host = |host: &str, family| {
            let host = host.parse().unwrap();
            Directive::Unconfigure(Unwanted::Host { host, family })
        };
        let number = |id| Directive::Unconfigure(Unwanted::Association(AssocId::new(id)));
        assert_eq!(one("unconfig 192.0.2.1"), host("192.0.2.1", None));
        assert_eq!(one("unpeer -6 time.example"), host("time.example", Some(Family::Ipv6)));
        assert_eq!(one("unconfig 33911"), number(33_911));
        assert_eq!(one("unpeer 127.127.1.0"), host("127.127.1.0", None));
        assert_eq!(one("unpeer clock local unit 3"), host("127.127.1.3", None));
        assert_eq!(one("unpeer clock"), host("clock", None));
        assert_eq!(
            one("reset sys IO allpeers"),
            Directive::Reset(vec![Counters::System, Counters::Io, Counters::AllPeers])
        );
    }

    #[test]
    fn every_mistake_has_its_place() {
        for (text, place, what) in [
            ("setvar", 7, "the name of the variable is missing"),
            ("setvar a", 9, "`=` behind the name"),
            ("setvar a b", 10, "`=` is expected here, not `b`"),
            ("setvar a=", 10, "the value of the variable is missing"),
            ("setvar =b", 8, "no name of a variable"),
            ("setvar a,b=c", 8, "no name of a variable"),
            ("setvar a=b always", 12, "takes no `always` here"),
            ("unconfig", 9, "which association is to go is missing"),
            ("unconfig 0", 10, "1 to 65535"),
            ("unconfig a b", 12, "takes no `b` here"),
            ("unpeer clock sundial", 14, "no driver"),
            ("reset", 6, "what to reset is missing"),
            ("reset sys all", 11, "`all` is nothing to reset"),
            ("controlkey 65536", 12, "0 to 65535"),
            ("dscp 64", 6, "0 to 63"),
            ("leapfile", 9, "the file of `leapfile` is missing"),
            ("leapfile a never", 12, "takes no `never` here"),
            ("leapsmearinterval 1e3", 19, "whole number"),
            ("saveconfigdir \"\"", 15, "has no name"),
        ] {
            let said = ntp_conf::read("c", text).unwrap_err().to_string();
            let expected = format!("c, line 1, column {place}: ");
            assert!(said.starts_with(&expected) && said.contains(what), "{text}: {said}");
        }
    }
}
