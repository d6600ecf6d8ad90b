//! A daemon to watch, as users write it: how it is asked, and where it is.
//!
//! `HOST` alone is asked by either protocol, `ntp://HOST[:PORT]` by control messages (mode 6) only,
//! `chrony://HOST[:PORT]` by chronyd's own protocol over UDP only, `unix:///path` by that protocol
//! over that socket only. A port says by itself which protocol is meant: `HOST:323` is
//! `chrony://HOST`, for that port is registered to nothing else that answers; any other is
//! `ntp://HOST:PORT`, as it was before there was a choice.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::config::Rejected;
use crate::config::host::{HostSpec, NTP_PORT};

/// The port of chronyd's own protocol.
pub const CMDMON_PORT: u16 = 323;

/// Where chronyd has its Unix socket unless its configuration says otherwise; where `/var/run` is
/// the same folder as `/run`, as nearly everywhere, it is the one of older versions too.
pub const CHRONYD_SOCKET: &str = "/run/chrony/chronyd.sock";

/// How a daemon is asked, and where it is: not resolved, for that takes time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TargetSpec {
    /// By whichever protocol it answers, each on its own port.
    Either(HostSpec),
    /// By control messages (mode 6) only.
    ControlMessages(HostSpec),
    /// By chronyd's own protocol over UDP only.
    Chronyd(HostSpec),
    /// By chronyd's own protocol over this socket only.
    Socket(PathBuf),
}

impl TargetSpec {
    /// The daemon on this host, whichever it is.
    pub fn local() -> Self {
        Self::Either(HostSpec::new(LOCAL))
    }

    /// The host, with the port of the protocol that was asked for; `None` of a socket.
    pub const fn host(&self) -> Option<&HostSpec> {
        match self {
            Self::Either(host) | Self::ControlMessages(host) | Self::Chronyd(host) => Some(host),
            Self::Socket(_) => None,
        }
    }

    /// Whether what is said of this daemon is said of `other`, too: of a host alone, however it is
    /// asked.
    pub fn covers(&self, other: &Self) -> bool {
        let same = |host: &HostSpec| other.host().is_some_and(|other| other.host() == host.host());
        match self {
            Self::Either(host) => same(host),
            _ => self == other,
        }
    }

    /// Whether it is on this host as far as that shows from how it is written.
    pub fn is_local(&self) -> bool {
        self.host().is_none_or(|host| {
            host.host() == LOCAL || host.address().is_some_and(|address| address.is_loopback())
        })
    }

    /// The Unix socket to ask on, if there is one to try.
    pub fn socket(&self) -> Option<&Path> {
        match self {
            Self::Socket(path) => Some(path),
            Self::Either(_) if self.is_local() => Some(Path::new(CHRONYD_SOCKET)),
            _ => None,
        }
    }

    /// The host and port to send control messages to, if it may be asked so.
    pub const fn control_messages(&self) -> Option<&HostSpec> {
        match self {
            Self::Either(host) | Self::ControlMessages(host) => Some(host),
            _ => None,
        }
    }

    /// The host and port to ask by chronyd's own protocol over UDP, if it may be asked so.
    pub fn chronyd(&self) -> Option<HostSpec> {
        match self {
            Self::Either(host) => Some(host.clone().on_port(CMDMON_PORT)),
            Self::Chronyd(host) => Some(host.clone()),
            _ => None,
        }
    }

    /// Reads what stands behind the scheme.
    fn of_scheme(scheme: &str, rest: &str) -> Result<Self, String> {
        let host = |port| {
            if rest.contains('/') {
                return Err("nothing may follow the host and its port".to_owned());
            }
            let (host, given) = HostSpec::with_port(rest).map_err(|rejected| rejected.reason)?;
            Ok(host.on_port(given.unwrap_or(port)))
        };
        if scheme.eq_ignore_ascii_case(CONTROL_MESSAGES) {
            host(NTP_PORT).map(Self::ControlMessages)
        } else if scheme.eq_ignore_ascii_case(CHRONYD) {
            host(CMDMON_PORT).map(Self::Chronyd)
        } else if scheme.eq_ignore_ascii_case(SOCKET) {
            socket(rest).map(Self::Socket)
        } else {
            Err(format!("`{}://` is none of ntp://, chrony:// and unix://", scheme.escape_debug()))
        }
    }
}

/// Reads the path of a socket.
fn socket(path: &str) -> Result<PathBuf, String> {
    if !path.starts_with('/') {
        return Err(format!("a socket's path begins with `/`, as in {SOCKET}://{CHRONYD_SOCKET}"));
    }
    if path.ends_with('/') {
        return Err("this is the path of a folder, not of a socket".to_owned());
    }
    if path.chars().any(char::is_control) {
        return Err("a socket's path has no control characters here".to_owned());
    }
    if path.len() > LONGEST_PATH {
        return Err(format!("no socket's path is longer than {LONGEST_PATH} bytes"));
    }
    Ok(path.into())
}

impl FromStr for TargetSpec {
    type Err = Rejected;

    fn from_str(text: &str) -> Result<Self, Rejected> {
        if let Some((scheme, rest)) = text.split_once("://") {
            return Self::of_scheme(scheme, rest).map_err(|reason| Rejected {
                source: format!("host `{}`", text.escape_debug()),
                position: None,
                reason,
            });
        }
        if text.starts_with('/') {
            return Err(Rejected {
                source: format!("host `{}`", text.escape_debug()),
                position: None,
                reason: format!("a socket is written {SOCKET}://{CHRONYD_SOCKET}"),
            });
        }
        Ok(match HostSpec::with_port(text)? {
            (host, None) => Self::Either(host),
            (host, Some(CMDMON_PORT)) => Self::Chronyd(host),
            (host, Some(_)) => Self::ControlMessages(host),
        })
    }
}

impl fmt::Display for TargetSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Either(host) => write!(f, "{host}"),
            Self::ControlMessages(host) if host.port() == CMDMON_PORT => {
                write!(f, "{CONTROL_MESSAGES}://{}", host.with_its_port())
            }
            // The port says it already.
            Self::ControlMessages(host) => write!(f, "{}", host.with_its_port()),
            Self::Chronyd(host) if host.port() == CMDMON_PORT => {
                // Its usual port goes without saying here, which is not NTP's.
                write!(f, "{CHRONYD}://{}", host.clone().on_port(NTP_PORT))
            }
            Self::Chronyd(host) => write!(f, "{CHRONYD}://{}", host.with_its_port()),
            Self::Socket(path) => write!(f, "{SOCKET}://{}", path.display()),
        }
    }
}

/// The schemes.
const CONTROL_MESSAGES: &str = "ntp";
const CHRONYD: &str = "chrony";
const SOCKET: &str = "unix";

/// What this host calls itself.
const LOCAL: &str = "localhost";

/// Bytes of the longest path of a socket on Linux, without the zero at its end.
const LONGEST_PATH: usize = 107;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> TargetSpec {
        let spec: TargetSpec = text.parse().unwrap();
        assert_eq!(spec.to_string().parse::<TargetSpec>().unwrap(), spec, "{text}");
        spec
    }

    fn host(text: &str, port: u16) -> HostSpec {
        HostSpec::new(text).on_port(port)
    }

    #[test]
    fn a_scheme_or_a_port_says_which_protocol() {
        for (text, spec) in [
            ("time.example", TargetSpec::Either(host("time.example", 123))),
            ("::1", TargetSpec::Either(host("::1", 123))),
            ("[fe80::1%eth0]", TargetSpec::Either(host("fe80::1%eth0", 123))),
            ("time.example:123", TargetSpec::ControlMessages(host("time.example", 123))),
            ("192.0.2.1:1123", TargetSpec::ControlMessages(host("192.0.2.1", 1123))),
            ("192.0.2.1:323", TargetSpec::Chronyd(host("192.0.2.1", 323))),
            ("[::1]:323", TargetSpec::Chronyd(host("::1", 323))),
            ("ntp://[::1]:323", TargetSpec::ControlMessages(host("::1", 323))),
            ("ntp://a", TargetSpec::ControlMessages(host("a", 123))),
            ("NTP://a:99", TargetSpec::ControlMessages(host("a", 99))),
            ("chrony://a", TargetSpec::Chronyd(host("a", 323))),
            ("chrony://::1", TargetSpec::Chronyd(host("::1", 323))),
            ("chrony://[::1]:123", TargetSpec::Chronyd(host("::1", 123))),
            ("chrony://a:123", TargetSpec::Chronyd(host("a", 123))),
            ("chrony://a:1323", TargetSpec::Chronyd(host("a", 1323))),
            ("unix:///run/x.sock", TargetSpec::Socket("/run/x.sock".into())),
            ("unix:///a b://c", TargetSpec::Socket("/a b://c".into())),
        ] {
            assert_eq!(read(text), spec, "{text}");
        }
    }

    #[test]
    fn labels_are_as_short_as_can_be() {
        for (text, label) in [
            ("a", "a"),
            ("ntp://a", "a:123"),
            ("::1", "::1"),
            ("ntp://::1", "[::1]:123"),
            ("ntp://a:323", "ntp://a:323"),
            ("a:1123", "a:1123"),
            ("a:323", "chrony://a"),
            ("chrony://a:323", "chrony://a"),
            ("chrony://[::1]:323", "chrony://::1"),
            ("chrony://[::1]:123", "chrony://[::1]:123"),
            ("UNIX:///x", "unix:///x"),
        ] {
            assert_eq!(text.parse::<TargetSpec>().unwrap().to_string(), label);
        }
    }

    #[test]
    fn what_cannot_be_asked_says_why() {
        for (text, why) in [
            ("", "the name is empty"),
            ("a:0", "a port is a number"),
            ("http://a", "`http://` is none of ntp://, chrony:// and unix://"),
            ("\u{1b}[2J://a", "is none of"),
            ("chrony://", "the name is empty"),
            ("chrony://a:x", "a port is a number"),
            ("chrony://a/", "nothing may follow"),
            ("ntp://a/b", "nothing may follow"),
            ("unix://", "begins with `/`"),
            ("unix://run/x", "begins with `/`, as in unix:///run/chrony/chronyd.sock"),
            ("unix:///run/", "a folder"),
            ("unix:///run/\u{7}", "control characters"),
            ("/run/chrony/chronyd.sock", "a socket is written unix:///run/chrony/chronyd.sock"),
        ] {
            let error = text.parse::<TargetSpec>().unwrap_err().to_string();
            assert!(error.starts_with("host `") && error.contains(why), "{text}: {error}");
            assert!(!error.contains(char::is_control), "{error:?}");
        }
        let long = format!("unix:///{}", "x".repeat(107));
        assert!(long.parse::<TargetSpec>().unwrap_err().reason.contains("107 bytes"));
        assert!(long.strip_suffix('x').unwrap().parse::<TargetSpec>().is_ok());
    }

    #[test]
    fn what_is_asked_where_follows() {
        let asked = |text: &str| {
            let spec = read(text);
            let place = |host: Option<&HostSpec>| host.map(HostSpec::port);
            let chronyd = spec.chronyd();
            (spec.socket().is_some(), place(spec.control_messages()), place(chronyd.as_ref()))
        };
        assert_eq!(asked("localhost"), (true, Some(123), Some(323)));
        assert_eq!(asked("127.0.0.3"), (true, Some(123), Some(323)));
        assert_eq!(asked("::1"), (true, Some(123), Some(323)));
        assert_eq!(asked("192.0.2.1"), (false, Some(123), Some(323)));
        assert_eq!(asked("ntp://localhost"), (false, Some(123), None));
        assert_eq!(asked("chrony://localhost"), (false, None, Some(323)));
        assert_eq!(asked("unix:///x"), (true, None, None));
        assert!(read("unix:///x").is_local() && read("chrony://::1").is_local());
        assert!(!read("ntp://192.0.2.1").is_local());
    }

    proptest! {
        #[test]
        fn what_is_read_is_printed_so_that_it_is_read_as_the_same(
            text in "(ntp://|chrony://|unix://|)(\\[?[a-z0-9.:%/-]{0,12}\\]?)(:[0-9]{1,5})?"
        ) {
            if let Ok(spec) = text.parse::<TargetSpec>() {
                prop_assert_eq!(spec.to_string().parse::<TargetSpec>().unwrap(), spec);
            }
        }
    }
}
