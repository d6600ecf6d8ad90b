use super::*;
use crate::units::{Leap, Raw, RefId};

const SERVER: &str = "192.0.2.1:123";
const OTHER: &str = "[2001:db8::1]:123";

/// A probe in virtual time; the local clock is right.
struct Bench {
    probe: Probe,
    now_s: f64,
    sent_at_s: Vec<f64>,
    to: Vec<SocketAddr>,
    waiting: Option<(Ticket, NtpTimestamp)>,
}

impl Bench {
    fn new(samples: u16, others: &[SocketAddr]) -> Self {
        let plan = Plan {
            samples: NonZero::new(samples).unwrap(),
            // Less than is allowed: the machine keeps its distance all the same.
            interval: Duration::from_millis(1),
            timeout: Duration::from_secs(1),
            precision: Precision::new(-24),
        };
        let addresses = (SERVER.parse().unwrap(), others);
        let probe = Probe::new(plan, 7, [3; 32], addresses, &now(100.0));
        let mut bench =
            Self { probe, now_s: 100.0, sent_at_s: Vec::new(), to: Vec::new(), waiting: None };
        bench.drain();
        bench
    }

    fn drain(&mut self) {
        while let Some(output) = self.probe.poll_output() {
            match output {
                Output::Send(transmission) => {
                    let request = Packet::parse(&transmission.datagram).unwrap().header;
                    assert_eq!((request.mode, request.version), (Mode::Client, 4));
                    assert_eq!(self.waiting, None, "one request at a time");
                    self.waiting = Some((transmission.ticket, request.transmit));
                    self.sent_at_s.push(self.now_s);
                    self.to.push(transmission.to);
                    let (ticket, stamp) = (transmission.ticket, stamp(self.now_s));
                    self.probe.handle(&now(self.now_s), &Input::Sent { ticket, stamp });
                }
                Output::Close(ticket) => {
                    assert_eq!(self.waiting.take().map(|(waiting, _)| waiting), Some(ticket));
                }
                other => panic!("{other:?}"),
            }
        }
    }

    /// A right reply by a server `ahead_s`, after `delay_s` of which the way back takes half.
    fn reply(&self, ahead_s: f64, delay_s: f64) -> Header {
        let (_, nonce) = self.waiting.unwrap();
        let there = clock(self.now_s + delay_s / 2.0 + ahead_s);
        Header {
            mode: Mode::Server,
            stratum: Stratum::new(2),
            precision: Precision::new(-20),
            root_delay: NtpDuration::from_milliseconds(10.0),
            root_dispersion: NtpDuration::from_milliseconds(2.0),
            reference_id: RefId::new([10, 0, 0, 1]),
            reference: clock(self.now_s - 10.0),
            origin: nonce,
            receive: there,
            ..Header::request(there)
        }
    }

    fn arrive(&mut self, delay_s: f64, datagram: &[u8]) {
        self.now_s += delay_s;
        let (ticket, _) = self.waiting.unwrap();
        let stamp = stamp(self.now_s);
        let from = *self.to.last().unwrap();
        let socket = Socket::Request(ticket);
        let received = Received { socket, from, to: None, admitted: None, stamp, datagram };
        self.probe.handle(&now(self.now_s), &Input::Received(received));
        self.drain();
    }

    fn answer(&mut self, ahead_s: f64, delay_s: f64) {
        let reply = self.reply(ahead_s, delay_s);
        self.arrive(delay_s, &reply.emit());
    }

    /// Goes on to when the probe wants to be woken; `false` when it is over.
    fn wake(&mut self) -> bool {
        let Some(at) = self.probe.next_wakeup() else { return false };
        // Waking early changes nothing.
        let before = self.sent_at_s.len();
        self.probe.handle(&now(self.now_s), &Input::Wakeup);
        self.drain();
        assert_eq!(self.sent_at_s.len(), before);
        self.now_s = Duration::from_nanos(at.nanos()).as_secs_f64();
        self.probe.handle(&at_mono(at), &Input::Wakeup);
        self.drain();
        true
    }

    fn finding(&self) -> Finding {
        self.probe.finding(now(self.now_s).mono)
    }
}

fn now(seconds: f64) -> Now {
    let nanos = u64::try_from(Duration::from_secs_f64(seconds).as_nanos()).unwrap();
    at_mono(Mono::from_nanos(nanos))
}

fn stamp(seconds: f64) -> Stamp {
    let error = NtpDuration::from_seconds(1e-6);
    Stamp { raw: now(seconds).raw, clock: clock(seconds), error }
}

fn at_mono(mono: Mono) -> Now {
    let raw = Raw::from_nanos(mono.nanos());
    let seconds = Duration::from_nanos(mono.nanos()).as_secs_f64();
    Now { mono, raw, clock: clock(seconds), ..Now::default() }
}

fn clock(seconds: f64) -> NtpTimestamp {
    NtpTimestamp::from_unix(1_700_000_000, 0) + NtpDuration::from_seconds(seconds)
}

#[test]
fn the_sample_with_the_least_delay_is_taken_and_requests_keep_their_distance() {
    let mut bench = Bench::new(4, &[]);
    for (ahead_s, delay_s) in [(0.020, 0.040), (0.010, 0.008), (0.011, 0.010), (0.012, 0.020)] {
        bench.answer(ahead_s, delay_s);
        bench.wake();
    }
    assert_eq!(bench.probe.next_wakeup(), None);
    let gaps: Vec<f64> = bench.sent_at_s.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(gaps.len(), 3);
    assert!(gaps.iter().all(|gap| (gap - 2.0).abs() < 1e-6), "{gaps:?}");
    let finding = bench.finding();
    assert!(finding.is_synchronised);
    assert_eq!((finding.asked, finding.answered, finding.refused), (4, 4, 0));
    let estimate = finding.estimate.unwrap();
    assert!((estimate.offset.seconds() - 0.010).abs() < 1e-6, "{estimate:?}");
    assert!((estimate.delay.seconds() - 0.008).abs() < 1e-6, "{estimate:?}");
    // √((0.010² + 0.001² + 0.002²) / 3)
    let jitter_s = estimate.jitter.unwrap().seconds();
    assert!((jitter_s - 0.005_916).abs() < 1e-5, "{jitter_s}");
    // Half of both delays, the root dispersion, the jitter and 4 s at 15 ppm. A packet writes the
    // delays to its reference clock in steps of 15 µs, and rounds the dispersion up.
    let bound_s = 0.004 + 0.005 + 0.002 + jitter_s + 60e-6;
    assert!((estimate.bound.seconds() - bound_s).abs() < 20e-6, "{estimate:?} {bound_s}");
}

#[test]
fn who_cannot_see_the_request_changes_nothing_but_a_counter() {
    let mut bench = Bench::new(4, &[]);
    let good = bench.reply(0.0, 0.001);
    let broken = [
        Header { origin: clock(1.0), ..good },
        Header { origin: NtpTimestamp::NEVER, ..good },
        Header { mode: Mode::Client, ..good },
        Header { mode: Mode::Broadcast, ..good },
        // A kiss of somebody who guesses.
        Header {
            origin: clock(2.0),
            leap: Leap::Alarm,
            stratum: Stratum::new(0),
            reference_id: RefId::new(*b"DENY"),
            ..good
        },
    ];
    for header in broken {
        bench.arrive(0.0, &header.emit());
    }
    for length in [0, 1, 47, 49, 51] {
        let bytes: Vec<u8> = good.emit().into_iter().chain([0; 4]).take(length).collect();
        bench.arrive(0.0, &bytes);
    }
    let finding = bench.finding();
    assert_eq!((finding.answered, finding.refused), (0, 10));
    assert_eq!((finding.heard, finding.kiss, finding.estimate), (None, None, None));
    bench.arrive(0.001, &good.emit());
    assert!(bench.finding().is_synchronised, "the right reply still counts");
}

#[test]
fn another_host_and_another_socket_are_not_heard() {
    let mut bench = Bench::new(1, &[]);
    let datagram = bench.reply(0.0, 0.0).emit();
    let (ticket, _) = bench.waiting.unwrap();
    let stamp = Stamp { raw: Raw::default(), clock: clock(1.0), error: NtpDuration::ZERO };
    for (socket, from) in [
        (Socket::Request(ticket), OTHER),
        (Socket::Request(Ticket(0)), SERVER),
        (Socket::Ntp, SERVER),
    ] {
        let from = from.parse().unwrap();
        let received =
            Received { socket, from, to: None, admitted: None, stamp, datagram: &datagram };
        bench.probe.handle(&now(100.0), &Input::Received(received));
    }
    assert_eq!(bench.finding().answered, 0);
    bench.answer(0.0, 0.001);
    assert_eq!(bench.finding().answered, 1);
}

#[test]
fn a_kiss_that_asks_for_quiet_ends_the_probe_and_another_does_not() {
    for (code, goes_on) in [(b"RATE", false), (b"DENY", false), (b"RSTR", false), (b"INIT", true)] {
        let mut bench = Bench::new(4, &[OTHER.parse().unwrap()]);
        let kiss = Header {
            leap: Leap::Alarm,
            stratum: Stratum::new(0),
            reference_id: RefId::new(*code),
            ..bench.reply(0.0, 0.0)
        };
        bench.arrive(0.001, &kiss.emit());
        assert_eq!(bench.wake(), goes_on);
        let finding = bench.finding();
        assert_eq!(finding.kiss.map(Kiss::reference_id), Some(RefId::new(*code)));
        assert_eq!((finding.answered, finding.heard, finding.estimate), (1, None, None));
        assert_eq!(bench.to.len(), if goes_on { 2 } else { 1 });
        assert!(bench.to.iter().all(|to| *to == SERVER.parse().unwrap()));
    }
}

#[test]
fn an_answer_in_version_3_is_good_and_its_version_is_told() {
    let mut bench = Bench::new(1, &[]);
    let reply = Header { version: 3, ..bench.reply(0.5, 0.001) };
    bench.arrive(0.001, &reply.emit());
    let finding = bench.finding();
    assert_eq!(finding.heard.map(|heard| heard.version), Some(3));
    assert!(finding.is_synchronised);
    assert_eq!(finding.estimate.and_then(|estimate| estimate.jitter), None);
    assert_eq!(bench.probe.next_wakeup(), None);
}

#[test]
fn what_is_not_synchronised_is_told_and_not_mixed_with_what_is() {
    for wrong in [
        |reply: Header| Header { leap: Leap::Alarm, ..reply },
        |reply: Header| Header { stratum: Stratum::new(16), ..reply },
        |reply: Header| Header { stratum: Stratum::new(0), ..reply },
        |reply: Header| Header { root_dispersion: NtpDuration::from_seconds(20.0), ..reply },
    ] {
        let mut bench = Bench::new(2, &[]);
        let reply = wrong(bench.reply(5.0, 0.001));
        bench.arrive(0.001, &reply.emit());
        assert!(!bench.finding().is_synchronised);
        assert!(bench.finding().heard.is_some());
        bench.wake();
        bench.answer(0.0, 0.002);
        let finding = bench.finding();
        assert!(finding.is_synchronised);
        let estimate = finding.estimate.unwrap();
        assert_eq!(estimate.samples, 1);
        assert!(estimate.offset.seconds().abs() < 1e-6);
    }
}

#[test]
fn times_that_cannot_be_give_no_sample() {
    let mut bench = Bench::new(2, &[]);
    let reply = Header { receive: NtpTimestamp::NEVER, ..bench.reply(0.0, 0.0) };
    bench.arrive(0.0, &reply.emit());
    bench.wake();
    let reply = bench.reply(0.0, 0.0);
    // It claims to have kept the request for a second, though the reply came at once.
    let transmit = reply.receive + NtpDuration::from_seconds(1.0);
    bench.arrive(0.0, &Header { transmit, ..reply }.emit());
    let finding = bench.finding();
    assert_eq!((finding.answered, finding.refused, finding.estimate), (2, 2, None));
}

#[test]
fn a_silent_address_gives_way_to_the_next_and_the_last_is_asked_to_the_end() {
    let other: SocketAddr = OTHER.parse().unwrap();
    let mut bench = Bench::new(3, &[other]);
    while bench.wake() {}
    assert_eq!(bench.to, [SERVER.parse().unwrap(), other, other, other]);
    assert!(bench.sent_at_s.windows(2).all(|pair| pair[1] - pair[0] > 1.999));
    let finding = bench.finding();
    assert_eq!((finding.address, finding.asked, finding.answered), (other, 3, 0));
    assert!(!finding.is_unreachable);
}

#[test]
fn what_the_network_calls_unreachable_is_not_asked_again() {
    let mut bench = Bench::new(4, &[]);
    let (ticket, _) = bench.waiting.unwrap();
    bench.probe.handle(&now(100.1), &Input::Unsent { ticket });
    bench.drain();
    assert_eq!(bench.probe.next_wakeup(), None);
    assert!(bench.finding().is_unreachable);
}
