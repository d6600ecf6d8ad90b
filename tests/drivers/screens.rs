//! The screens over a made-up daemon, to be looked at: `cargo run --example screens [SCENE]`.
//!
//! Scenes: `site` (at first), `captured`, `silent` (answers for five seconds), `tabs`, `flood`
//! (a thousand updates a second), `restart` (other association ids every five seconds), `alone` (no
//! daemon here; asked to, it measures), `simulated` (a made-up world with pace and incidents).

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a driver of made-up daemons"
)]

#[path = "../tui/fixtures.rs"]
#[allow(dead_code, clippy::allow_attributes, reason = "shared with the tests")]
mod fixtures;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ntpscope::backend::{
    Backend, Incident, Offer, Offered, Pace, Request, TargetId, Update, World,
};
use ntpscope::config::app::Color;
use ntpscope::config::host::HostSpec;
use ntpscope::config::ntp_conf::{self, Association, Kind};
use ntpscope::model::clock_loop::{Algorithm, ClockLoop, Steers};
use ntpscope::model::daemon::Detail;
use ntpscope::model::question::Unreachable;
use ntpscope::model::vars::{peer, system};
use ntpscope::model::{Contact, Daemon, Dated, Part, Peer, Value, Values};
use ntpscope::tui::app::{Options, Target};
use ntpscope::tui::run::run;
use ntpscope::tui::terminal::Capabilities;
use ntpscope::tui::theme::Themes;
use ntpscope::units::{AssocId, Mono, Now, NtpDuration, NtpTimestamp, PollExponent, Ppm};
use tokio::time::{Interval, interval};

struct Made {
    scene: String,
    ticks: Interval,
    tick: u32,
    targets: u16,
    queue: Vec<Update>,
    start: Instant,
    is_measuring: bool,
    pace: Pace,
    incident: Option<u8>,
}

impl Made {
    fn now(&self) -> Now {
        now(self.start)
    }

    /// How the world stands, or what could be measured in it.
    fn tell_world(&mut self) {
        if self.scene == "alone" {
            let source = |host| Offered {
                path: "/etc/ntpsec/ntp.conf".into(),
                association: Association {
                    kind: Kind::Server,
                    host: HostSpec::new(host),
                    family: None,
                    options: ntp_conf::Options::default(),
                },
            };
            let sources = ["ntp1.example.net", "ntp2.example.net"].map(source).into();
            let offer = Offer { sources, ..Offer::default() };
            self.queue.push(Update::Offer(offer.into()));
        }
        if self.scene != "simulated" {
            return;
        }
        let incident = |(title, place): (&str, u8)| Incident {
            title: title.into(),
            is_on: self.incident == Some(place),
        };
        let incidents = [("a server lies by 50 ms", 0), ("the link between the areas is lost", 1)];
        let happened = incidents.iter().find(|(_, place)| self.incident == Some(*place));
        let world = World {
            title: "a site of ten servers".into(),
            pace: self.pace,
            elapsed: Duration::from_secs(self.tick.into()),
            truth: self.now().clock,
            incidents: incidents.map(incident).into(),
            latest: happened.map(|(title, _)| ((*title).into(), Duration::from_secs(4))),
            answers: None,
        };
        self.queue.push(Update::World(world.into()));
    }

    fn snapshot(&self, target: u16) -> Daemon {
        let second = self.tick / if self.scene == "flood" { 1000 } else { 1 };
        let mut daemon = match (self.scene.as_str(), target) {
            ("captured", _) | (_, 1) => fixtures::captured(),
            _ => fixtures::with_details(fixtures::site(), 4002),
        };
        let now = self.now();
        let asked = Mono::from_nanos(now.mono.nanos().saturating_sub(230_000));
        let dated = Dated { asked, answered: now.mono, clock: now.clock };
        daemon.contact =
            Contact::Answering { last: now.mono, round_trip: Duration::from_micros(230) };
        let shift = now.clock - fixtures::CLOCK;
        let clock = fixtures::CLOCK + shift;
        let mut values = daemon.system.latest().unwrap().clone();
        values.insert(&system::CLOCK, Ok(Value::Timestamp(clock)));
        daemon.system = Part::answered(values, dated);
        let told = daemon.associations.latest().unwrap().clone();
        daemon.associations = Part::answered(told, dated);
        let renumber = if self.scene == "restart" { (second / 5) as u16 * 100 } else { 0 };
        daemon.restarts = u32::from(renumber / 100);
        daemon.restarted = (daemon.restarts > 0)
            .then(|| Mono::from_nanos(now.mono.nanos() - u64::from(second % 5) * 1_000_000_000));
        let peers = daemon.peers.iter().map(|old| {
            let mut peer = Peer::clone(old);
            peer.id = AssocId::new(peer.id.get() + renumber);
            peer.row = Part::answered(moved(old, clock, second), dated);
            for detail in Detail::ALL {
                if let Some(values) = peer.detail(detail).latest().cloned() {
                    *peer.detail_mut(detail) = Part::answered(values, dated);
                }
            }
            Arc::new(peer)
        });
        daemon.peers = peers.collect();
        if target == TargetId::OWN.place() {
            daemon.clock_loop = Some(Arc::new(engine(f64::from(second))));
        } else if self.scene == "alone" {
            let since = now.mono;
            let contact = Contact::Unreachable { why: Unreachable::PortClosed, since, last: None };
            return fixtures::unheard(contact);
        }
        if self.scene == "silent" && second > 5 || target == 2 {
            let last = Mono::from_nanos(now.mono.nanos() - u64::from(second) * 1_000_000_000);
            daemon.contact = Contact::Silent { since: last, last: Some(last) };
        }
        daemon
    }
}

/// The loop of an engine that observes and converges.
fn engine(second: f64) -> ClockLoop {
    let ms = NtpDuration::from_milliseconds;
    ClockLoop {
        algorithm: Algorithm::Kalman,
        steers: Steers::Virtual,
        state: "SYNC",
        is_converged: second > 30.0,
        system_offset: Some(ms(3.2 + second * 0.0004)),
        steered_offset: ms(0.2 * (-second / 30.0).exp() * (second / 12.0).cos()),
        error_bound: Some(ms(0.02 + 0.3 * (-second / 40.0).exp())),
        frequency: Ppm::new(-9.8 + 0.4 * (-second / 50.0).exp()).unwrap(),
        frequency_error: Ppm::new(0.021),
        jitter: ms(0.011),
        wander: Ppm::new(0.0031).unwrap(),
        time_constant: PollExponent::new(6),
        held: None,
        notice: None,
        sources: Vec::new(),
    }
}

/// The row as it is `second` seconds on: polled every 16 s.
fn moved(peer: &Peer, clock: NtpTimestamp, second: u32) -> Values {
    let mut values = peer.row.latest().unwrap().clone();
    if let Some(offset) = values.duration(&peer::OFFSET)
        && values.timestamp(&peer::RECEIVE).is_some()
    {
        let phase = f64::from(second + u32::from(peer.id.get()) * 7);
        let age = f64::from((second + u32::from(peer.id.get())) % 16);
        let received = clock + -NtpDuration::from_seconds(age);
        let received = NtpTimestamp::from_bits(received.bits() & !0xffff_ffff);
        let wobble = NtpDuration::from_milliseconds(((phase - age) / 9.0).sin() * 0.3);
        values.insert(&peer::OFFSET, Ok(Value::Duration(offset + wobble)));
        values.insert(&peer::RECEIVE, Ok(Value::Timestamp(received)));
        values.insert(&peer::HOST_POLL, Ok(Value::Poll(PollExponent::new(4))));
    }
    values
}

impl Backend for Made {
    fn request(&mut self, request: Request) {
        if let Request::Name(address) = &request
            && address.is_ipv4()
        {
            let name = format!("host-{}.site.example.net", address.to_string().replace('.', "-"));
            let address = *address;
            self.queue.push(Update::Name { address, name: Some(name.into()) });
            return;
        }
        match request {
            Request::Measure(_) => self.is_measuring = true,
            Request::Pace(pace) => self.pace = pace,
            Request::Incident(place) => {
                self.incident = if self.incident == Some(place) { None } else { Some(place) };
            }
            _ => return,
        }
        self.tell_world();
    }

    fn poll_update(&mut self, context: &mut Context<'_>) -> Poll<Update> {
        if let Some(update) = self.queue.pop() {
            return Poll::Ready(update);
        }
        if Pin::new(&mut self.ticks).poll_tick(context).is_pending() {
            return Poll::Pending;
        }
        self.tick += 1;
        for target in (0..self.targets).rev() {
            let daemon = Arc::new(self.snapshot(target));
            self.queue.push(Update::Daemon { target: TargetId::new(target), daemon });
        }
        if self.is_measuring {
            let target = TargetId::OWN;
            let daemon = Arc::new(self.snapshot(target.place()));
            self.queue.push(Update::Daemon { target, daemon });
        }
        self.tell_world();
        self.queue.pop().map_or(Poll::Pending, Poll::Ready)
    }
}

#[expect(clippy::disallowed_methods, reason = "stands where the network would")]
fn now(start: Instant) -> Now {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mono = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
    Now {
        mono: Mono::from_nanos(mono + 1_000_000_000_000),
        clock: NtpTimestamp::from_unix_duration(since_1970),
        ..Now::default()
    }
}

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::disallowed_methods, reason = "stands where the network would")]
async fn main() -> color_eyre::Result<()> {
    color_eyre::install()?;
    let scene = std::env::args().nth(1).unwrap_or_else(|| "site".into());
    let start = Instant::now();
    let targets = if scene == "tabs" { 3 } else { 1 };
    let period = if scene == "flood" { 1 } else { 1000 };
    let made = Made {
        scene,
        ticks: interval(Duration::from_millis(period)),
        tick: 0,
        targets,
        queue: Vec::new(),
        start,
        is_measuring: false,
        pace: Pace::Real,
        incident: None,
    };
    let names = ["127.0.0.1", "ntp2.example.net", "ntp3.example.net"];
    let options = Options {
        targets: (0..targets)
            .zip(names)
            .map(|(place, label)| Target {
                id: TargetId::new(place),
                label: label.into(),
                is_local: place == 0,
                files: ntpscope::config::files::Files::default(),
            })
            .collect(),
        names: true,
        completions: ntpscope::control::completion::completions,
        units: ntpscope::tui::format::Units::default(),
        capabilities: Capabilities::detect(|name| std::env::var(name).ok(), Color::Auto, false),
        themes: Themes::built_in()?,
        variant: None,
        measure: None,
        notice: None,
    };
    run(made, options, || now(start)).await.map(drop)
}
