//! An engine with a source of each kind takes any packets on any of its sockets, at any pace: it
//! goes on, and nobody who has no key brings another source in.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use ntpscope::config::{keys, ntp_conf};
use ntpscope::engine::Engine;
use ntpscope::engine::access::Admission;
use ntpscope::engine::input::{Input, Received, Stamp};
use ntpscope::engine::output::{Output, Socket};
use ntpscope::engine::settings::Settings;
use ntpscope::units::NtpDuration;

use super::support::{Taken, at, outputs};

const CONF: &str = "trustedkey 1\nbroadcastclient\nserver 192.0.2.1 iburst\n\
                    server 192.0.2.2 iburst key 1\npeer 192.0.2.3 key 1\n\
                    manycastclient 239.1.2.3 key 1\nserver 127.127.1.0\n\
                    broadcast 192.0.2.255 xleave\nmanycastserver 239.1.2.4\n\
                    leapsmearinterval 7200\n";

/// Packets: whence and whither, seconds since the one before, length, bytes.
pub(crate) fn engine(bytes: &[u8]) {
    let mut nanos = 1_000_000_000_000;
    let mut engine = Engine::new(Settings::default(), [7; 32], &at(nanos));
    engine.set_keys(keys::read("keys", "1 MD5 ntpkey-test\n").unwrap());
    for placed in ntp_conf::read("ntp.conf", CONF).unwrap() {
        engine.apply(&at(nanos), &placed.directive).unwrap();
    }
    let configured = engine.associations().count();
    let mut sockets = vec![Socket::Ntp];
    let drain = |engine: &mut Engine, sockets: &mut Vec<Socket>| {
        let sent = outputs(engine).into_iter().filter_map(|output| match output {
            Output::Send(sent) => Some(sent.socket),
            _ => None,
        });
        sockets.extend(sent);
    };
    let mut taken = Taken::new(bytes);
    while let Some([way, seconds]) = taken.array() {
        let datagram = taken.counted();
        nanos += u64::from(seconds) * 1_000_000_000;
        let now = at(nanos);
        engine.handle(&now, Input::Wakeup);
        drain(&mut engine, &mut sockets);
        let place = usize::from(way >> 3) % sockets.len();
        // The newest sockets are those that still wait.
        let socket = sockets[sockets.len() - 1 - place];
        let from = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, way & 7)), 123);
        let stamp = Stamp { raw: now.raw, clock: now.clock, error: NtpDuration::ZERO };
        let admitted = Some(Admission::default());
        let received = Received { socket, from, to: None, stamp, admitted, datagram };
        engine.handle(&now, Input::Received(received));
        drain(&mut engine, &mut sockets);
        assert_eq!(engine.associations().count(), configured);
        assert!(engine.next_wakeup().is_some_and(|at| at > now.mono));
    }
}
