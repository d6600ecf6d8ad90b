//! An engine with a source of each kind takes any packets on any of its sockets, at any pace: it
//! goes on, and nobody who has no key brings another source in.

#![no_main]

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use ntpscope::config::{keys, ntp_conf};
use ntpscope::engine::Engine;
use ntpscope::engine::access::Admission;
use ntpscope::engine::input::{Input, Received, Stamp};
use ntpscope::engine::output::{Output, Socket};
use ntpscope::engine::settings::Settings;
use ntpscope::units::{Boot, Mono, Now, NtpDuration, NtpTimestamp, Raw};

const CONF: &str = "trustedkey 1\nbroadcastclient\nserver 192.0.2.1 iburst\n\
                    server 192.0.2.2 iburst key 1\npeer 192.0.2.3 key 1\n\
                    manycastclient 239.1.2.3 key 1\nserver 127.127.1.0\n\
                    broadcast 192.0.2.255 xleave\nmanycastserver 239.1.2.4\n\
                    leapsmearinterval 7200\n";

fn now(nanos: u64) -> Now {
    let clock = NtpTimestamp::from_unix(1_800_000_000, 0)
        + NtpDuration::from(Duration::from_nanos(nanos));
    let (mono, raw, boot) =
        (Mono::from_nanos(nanos), Raw::from_nanos(nanos), Boot::from_nanos(nanos));
    Now { mono, raw, boot, clock }
}

/// Carries nothing out, and keeps the sockets that there are.
fn drain(engine: &mut Engine, sockets: &mut Vec<Socket>) {
    for _ in 0..10_000 {
        match engine.poll_output() {
            Some(Output::Send(sent)) => sockets.push(sent.socket),
            Some(Output::Fault(fault)) => panic!("{fault}"),
            Some(_) => {}
            None => return,
        }
    }
    panic!("it does not stop putting out");
}

// Each packet: its length, whence and whither, seconds since the last one, its bytes.
fuzz_target!(|bytes: &[u8]| {
    let mut nanos = 1_000_000_000_000;
    let mut engine = Engine::new(Settings::default(), [7; 32], &now(nanos));
    let keys = keys::read("keys", "1 MD5 ntpkey-test\n");
    engine.set_keys(keys.expect("these are well-formed"));
    for placed in ntp_conf::read("ntp.conf", CONF).expect("this is well-formed") {
        engine.apply(&now(nanos), &placed.directive).expect("all of it is followed");
    }
    let configured = engine.associations().count();
    let mut sockets = vec![Socket::Ntp];
    let mut rest = bytes;
    while let Some((&[length, way, seconds], behind)) = rest.split_first_chunk() {
        let (datagram, behind) = behind.split_at(behind.len().min(length.into()));
        rest = behind;
        nanos += u64::from(seconds) * 1_000_000_000;
        let now = now(nanos);
        engine.handle(&now, Input::Wakeup);
        drain(&mut engine, &mut sockets);
        let place = usize::from(way >> 3) % sockets.len();
        let ip = IpAddr::V4(Ipv4Addr::new(192, 0, 2, way & 7));
        let stamp = Stamp { raw: now.raw, clock: now.clock, error: NtpDuration::ZERO };
        // The newest sockets are those that still wait.
        let socket = sockets[sockets.len() - 1 - place];
        let from = SocketAddr::new(ip, 123);
        let admitted = Some(Admission::default());
        let received = Received { socket, from, to: None, stamp, admitted, datagram };
        engine.handle(&now, Input::Received(received));
        drain(&mut engine, &mut sockets);
        assert_eq!(engine.associations().count(), configured);
        assert!(engine.next_wakeup().is_some_and(|at| at > now.mono));
    }
});
