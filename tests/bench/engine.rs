//! What an engine costs: `cargo bench --bench engine` prints the share of a core that 1000
//! associations at poll 6 take, with replies made up on the spot.

#![expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]
#![expect(clippy::print_stdout, reason = "what it prints is what it is for")]
#![expect(clippy::unwrap_used, reason = "a measurement that cannot be made should fail")]

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use ntpscope::clock::command::{Command, Outcome};
use ntpscope::config::host::HostSpec;
use ntpscope::config::ntp_conf::{Association, Kind, Options};
use ntpscope::engine::Engine;
use ntpscope::engine::input::{Input, Received, Stamp};
use ntpscope::engine::output::{Output, Socket};
use ntpscope::engine::settings::{Algorithm, Settings};
use ntpscope::units::{
    Boot, Leap, Mode, Mono, Now, NtpDuration, NtpTimestamp, PollExponent, Precision, Raw, Stratum,
};
use ntpscope::wire::packet::{Header, Packet};

const HOURS: u64 = 2;

fn main() {
    println!("associations  algorithm  replies  core share (%)");
    for algorithm in [Algorithm::Ntp, Algorithm::Kalman] {
        for count in [4, 100, 1000] {
            let (replies, share) = measure(algorithm, count);
            println!("{count:>12}  {algorithm:>9?}  {replies:>7}  {:>14.3}", share * 100.0);
        }
    }
}

fn measure(algorithm: Algorithm, count: u32) -> (u64, f64) {
    let mut now_ns = 1_000_000_000_000;
    let settings = Settings { algorithm, ..Settings::default() };
    let mut engine = Engine::new(settings, [7; 32], &now(now_ns));
    let poll = PollExponent::new(6);
    let options = Options { minpoll: poll, maxpoll: poll, ..Options::default() };
    for number in 0..count {
        let host = HostSpec::new(Ipv4Addr::from_bits(0x0a00_0001 + number).to_string());
        let kind = Kind::Server;
        let wanted = Association { kind, host, family: None, options: options.clone() };
        engine.add(&now(now_ns), &wanted).unwrap();
    }
    let end = now_ns + HOURS * 3_600_000_000_000;
    let mut arrivals = BTreeMap::new();
    let mut replies = 0;
    let started = Instant::now();
    while now_ns < end {
        let wakeup = engine.next_wakeup().map_or(u64::MAX, Mono::nanos);
        let arrival = arrivals.keys().next().map_or(u64::MAX, |(at, _)| *at);
        now_ns = wakeup.min(arrival).max(now_ns);
        if arrival <= wakeup {
            let (_, (socket, from, datagram)): (_, (Socket, SocketAddr, Vec<u8>)) =
                arrivals.pop_first().unwrap();
            let received = Received {
                socket,
                from,
                to: None,
                admitted: None,
                stamp: stamp(now_ns),
                datagram: &datagram,
            };
            engine.handle(&now(now_ns), Input::Received(received));
            replies += 1;
        } else {
            engine.handle(&now(now_ns), Input::Wakeup);
        }
        while let Some(output) = engine.poll_output() {
            match output {
                Output::Send(sent) => {
                    let delay_ns = 5_000_000 + nonce_of(&sent.to) % 20_000_000;
                    let reply = reply(&sent.datagram, now_ns + delay_ns / 2);
                    let due = (now_ns + delay_ns, sent.ticket);
                    arrivals.insert(due, (sent.socket, sent.to, reply));
                }
                Output::Clock(command) => {
                    let outcome = match command {
                        Command::Steer(steering) => Outcome::Steered(steering),
                        Command::Step { by } => Outcome::Stepped { by },
                        _ => Outcome::Told,
                    };
                    engine.handle(&now(now_ns), Input::Clock(outcome));
                }
                _ => {}
            }
        }
    }
    let spent = started.elapsed().as_secs_f64();
    (replies, spent / Duration::from_secs(HOURS * 3600).as_secs_f64())
}

fn nonce_of(to: &SocketAddr) -> u64 {
    match to.ip() {
        IpAddr::V4(v4) => u64::from(v4.to_bits()).wrapping_mul(2_654_435_761),
        IpAddr::V6(_) => 0,
    }
}

fn reply(request: &[u8], at_ns: u64) -> Vec<u8> {
    let asked = Packet::parse(request).unwrap().header;
    let at = truth(at_ns);
    let header = Header {
        leap: Leap::None,
        mode: Mode::Server,
        stratum: Stratum::new(2),
        precision: Precision::new(-24),
        root_dispersion: NtpDuration::from_seconds(0.001),
        reference: at + NtpDuration::from_seconds(-16.0),
        origin: asked.transmit,
        receive: at,
        transmit: at,
        ..asked
    };
    header.emit()
}

fn now(ns: u64) -> Now {
    Now {
        mono: Mono::from_nanos(ns),
        raw: Raw::from_nanos(ns),
        boot: Boot::from_nanos(ns),
        clock: truth(ns),
    }
}

fn stamp(ns: u64) -> Stamp {
    let Now { raw, clock, .. } = now(ns);
    Stamp { raw, clock, error: NtpDuration::from_seconds(1e-6) }
}

fn truth(ns: u64) -> NtpTimestamp {
    NtpTimestamp::from_unix(1_700_000_000, 0) + NtpDuration::from(Duration::from_nanos(ns))
}
