//! Tells whoever supervises this program how it fares: `sd_notify(3)`, a few lines in a datagram.
//!
//! Nothing that goes wrong here ends the program, for it may run without a supervisor at all.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use crate::net::stamp;

/// Who supervises this program.
#[derive(Debug)]
pub struct Supervisor {
    socket: UnixDatagram,
    address: SocketAddr,
    watchdog: Option<Duration>,
}

/// What it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State<'a> {
    /// The program does what it was started for; also after a [`State::Reloading`].
    Ready,
    /// The configuration is read anew.
    Reloading,
    /// The program ends.
    Stopping,
    /// It lives.
    Watchdog,
    /// How it fares, in one line.
    Status(&'a str),
}

impl Supervisor {
    /// The one that the environment names, which `variable` reads; `None` when there is none.
    ///
    /// # Errors
    /// There is one that cannot be told anything.
    pub fn named(variable: impl Fn(&str) -> Option<OsString>) -> io::Result<Option<Self>> {
        let Some(name) = variable("NOTIFY_SOCKET").filter(|name| !name.is_empty()) else {
            return Ok(None);
        };
        let address = address(&name)?;
        let socket = UnixDatagram::unbound()?;
        // Who does not listen is not waited for.
        socket.set_nonblocking(true)?;
        let own = variable("WATCHDOG_PID").is_none_or(|pid| {
            pid.to_str().and_then(|pid| pid.parse().ok()) == Some(std::process::id())
        });
        let watchdog = variable("WATCHDOG_USEC").filter(|_| own).and_then(|span| {
            let microseconds: u64 = span.to_str()?.parse().ok()?;
            (microseconds > 0).then(|| Duration::from_micros(microseconds))
        });
        Ok(Some(Self { socket, address, watchdog }))
    }

    /// Tells it.
    ///
    /// # Errors
    /// It does not listen.
    pub fn tell(&self, state: State<'_>) -> io::Result<()> {
        let text = text(state, stamp::monotonic().nanos() / 1000);
        self.socket.send_to_addr(text.as_bytes(), &self.address).map(drop)
    }

    /// How often it is to be told that the program lives: twice as often as it asks for; `None`
    /// when it does not ask.
    pub fn heartbeat(&self) -> Option<Duration> {
        self.watchdog.map(|span| span / 2)
    }
}

/// The socket with this name: a path, or behind an `@` a name that no folder has.
fn address(name: &OsStr) -> io::Result<SocketAddr> {
    match name.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name),
        [b'/', ..] => SocketAddr::from_pathname(name),
        _ => Err(io::Error::new(
            io::ErrorKind::Unsupported,
            format!("NOTIFY_SOCKET is neither a path nor an abstract name: {}", name.display()),
        )),
    }
}

/// The assignments of a datagram; `microseconds` is the monotonic clock.
fn text(state: State<'_>, microseconds: u64) -> String {
    match state {
        State::Ready => "READY=1\n".to_owned(),
        State::Reloading => format!("RELOADING=1\nMONOTONIC_USEC={microseconds}\n"),
        State::Stopping => "STOPPING=1\n".to_owned(),
        State::Watchdog => "WATCHDOG=1\n".to_owned(),
        // A second line would be an assignment of its own.
        State::Status(status) => format!("STATUS={}\n", status.replace(char::is_control, " ")),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn named(variables: &[(&str, &str)]) -> io::Result<Option<Supervisor>> {
        let variables: HashMap<_, _> = variables.iter().copied().collect();
        Supervisor::named(|name| variables.get(name).map(OsString::from))
    }

    fn heard(socket: &UnixDatagram) -> String {
        let mut datagram = [0; 256];
        let length = socket.recv(&mut datagram).unwrap();
        String::from_utf8(datagram[..length].to_vec()).unwrap()
    }

    #[test]
    fn a_supervisor_is_found_by_its_path_and_by_its_abstract_name() {
        let id = std::process::id();
        let path = std::env::temp_dir().join(format!("ntpscope-notify-{id}"));
        let by_path = UnixDatagram::bind(&path).unwrap();
        let supervisor = named(&[("NOTIFY_SOCKET", path.to_str().unwrap())]).unwrap().unwrap();
        supervisor.tell(State::Ready).unwrap();
        assert_eq!(heard(&by_path), "READY=1\n");
        std::fs::remove_file(&path).unwrap();
        assert!(supervisor.tell(State::Ready).is_err());

        let name = format!("ntpscope-notify-{id}");
        let by_name =
            UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        let supervisor = named(&[("NOTIFY_SOCKET", &format!("@{name}"))]).unwrap().unwrap();
        supervisor.tell(State::Status("one\ntwo")).unwrap();
        assert_eq!(heard(&by_name), "STATUS=one two\n");
        supervisor.tell(State::Reloading).unwrap();
        let text = heard(&by_name);
        let microseconds = text.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap();
        let microseconds: u64 = microseconds.trim_end().parse().unwrap();
        let now = stamp::monotonic().nanos() / 1000;
        assert!(microseconds <= now && now - microseconds < 10_000_000, "{microseconds} {now}");
    }

    #[test]
    fn who_has_no_supervisor_tells_nobody_and_a_wrong_name_is_an_error() {
        assert!(named(&[]).unwrap().is_none());
        assert!(named(&[("NOTIFY_SOCKET", "")]).unwrap().is_none());
        assert!(named(&[("NOTIFY_SOCKET", "vsock:2:1234")]).is_err());
    }

    #[test]
    fn a_heartbeat_comes_twice_as_often_as_it_is_asked_for_and_only_for_who_is_asked() {
        let heartbeat = |variables: &[(&str, &str)]| {
            let all = [&[("NOTIFY_SOCKET", "@nobody")], variables].concat();
            named(&all).unwrap().unwrap().heartbeat()
        };
        let own = std::process::id().to_string();
        assert_eq!(heartbeat(&[]), None);
        assert_eq!(heartbeat(&[("WATCHDOG_USEC", "30000000")]), Some(Duration::from_secs(15)));
        let of = |pid| heartbeat(&[("WATCHDOG_USEC", "30000000"), ("WATCHDOG_PID", pid)]);
        assert_eq!(of(&own), Some(Duration::from_secs(15)));
        assert_eq!(of("1"), None);
        for wrong in ["0", "-1", "soon", ""] {
            assert_eq!(heartbeat(&[("WATCHDOG_USEC", wrong)]), None);
        }
    }
}
