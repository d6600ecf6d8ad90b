//! Small worlds for a discipline alone: one oscillator, some sources, no packets and no selection.

#![expect(
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a simulated world: indices are of its own making, spans are days at most"
)]

use std::time::Duration;

use ntpscope::clock::command::{Command, Outcome as Done, Steering};
use ntpscope::engine::discipline::kalman::Kalman;
use ntpscope::engine::discipline::{Discipline, Measurement, Role, Selected};
use ntpscope::engine::settings::Settings;
use ntpscope::units::{
    AssocId, Boot, Mono, Now, NtpDuration, NtpTimestamp, PollExponent, Raw, Tally,
};

/// A source and the way to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    /// The shortest delay to it and from it, in seconds.
    pub(crate) base_s: (f64, f64),
    /// The mean of the exponential part, in seconds.
    pub(crate) jitter_s: f64,
    /// The mean of what is added on the way back in the last ten minutes of each hour.
    pub(crate) spike_s: f64,
    /// How far it is ahead of true time, and how fast that grows from six hours on.
    pub(crate) lie: (f64, f64),
}

impl Link {
    const fn new(base_s: f64, jitter_s: f64) -> Self {
        Self { base_s: (base_s, base_s), jitter_s, spike_s: 0.0, lie: (0.0, 0.0) }
    }
}

/// A world.
#[derive(Clone, Debug)]
pub(crate) struct World {
    /// Its name.
    pub(crate) name: &'static str,
    /// What is to be reached: time in µs, packets, frequency in ppb.
    pub(crate) reach: &'static str,
    /// The random walk of the frequency, in s/s per √s.
    pub(crate) wander: f64,
    /// Its sources.
    pub(crate) links: Vec<Link>,
    /// The range of the poll interval.
    pub(crate) poll: (i8, i8),
    /// How far the clock is behind at first, and how fast it loses.
    pub(crate) start: (f64, f64),
    /// When measurement begins and ends, in seconds.
    pub(crate) span_s: (u32, u32),
}

/// How it went.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Outcome {
    /// RMS of the true time error, in seconds.
    pub(crate) rms_s: f64,
    /// Its maximum.
    pub(crate) max_s: f64,
    /// RMS of the error of the clock's rate.
    pub(crate) frequency: f64,
    /// Packets sent.
    pub(crate) packets: u32,
    /// When the error was above a millisecond for the last time in the first 1000 s.
    pub(crate) millisecond_s: u32,
    /// When the error was above 100 µs for the last time in the first 1000 s.
    pub(crate) tenth_s: u32,
    /// The part of time in which the error was inside the bound reported.
    pub(crate) inside: f64,
}

impl World {
    /// A world with one source, for a day.
    fn one(name: &'static str, link: Link, poll: (i8, i8), reach: &'static str) -> Self {
        let start = (0.01, 1e-5);
        Self { name, reach, wander: 1e-9, links: vec![link], poll, start, span_s: (20_000, 86_400) }
    }

    /// All of them.
    pub(crate) fn all() -> Vec<Self> {
        let near = Link::new(1e-3, 1e-4);
        let three = [Link::new(5e-3, 1e-3), Link::new(1e-2, 1e-3), Link::new(15e-3, 1e-3)];
        let liar = |which: usize| {
            let mut links = three.to_vec();
            links[which].lie = (0.0, 1e-6);
            links
        };
        let uneven = |by: [f64; 3]| -> Vec<Link> {
            let shift = |(link, by): (&Link, f64)| {
                let base_s = (link.base_s.0 + by, link.base_s.1 - by);
                Link { base_s, ..*link }
            };
            three.iter().zip(by).map(shift).collect()
        };
        let mut falseticker = three.to_vec();
        falseticker.push(Link { lie: (0.05, 0.0), ..Link::new(8e-3, 1e-3) });
        let many = |name, links: Vec<Link>, poll, reach| {
            let one = Self::one(name, three[0], poll, reach);
            Self { links, ..one }
        };
        let lan = Link::new(1e-4, 1e-5);
        let cold = |name, start| {
            let one = Self::one(name, near, (6, 10), "1 ms in 15 s, 100 us in 90 s");
            Self { start, ..one }
        };
        vec![
            Self::one("lan4", lan, (4, 4), "1.5 5350 80"),
            Self::one("wan6", Link::new(1e-2, 1e-3), (6, 6), "64 1340 450"),
            Self::one("rw9p6", near, (6, 6), "13 1340 133"),
            Self { wander: 1e-8, ..Self::one("rw8", near, (6, 10), "70 320 850") },
            Self::one("jit10", Link::new(2e-2, 1e-2), (6, 10), "1100 (950) 110 300"),
            Self::one("spike", Link { spike_s: 2e-2, ..near }, (6, 10), "80 110 175"),
            many("false1of4p6", falseticker, (6, 6), "43 5360 200"),
            many("liar1of3a", liar(0), (6, 10), "539 (bound 146)"),
            many("liar1of3b", liar(1), (6, 10), "539 (bound 146)"),
            many("liar1of3c", liar(2), (6, 10), "539 (bound 146)"),
            many("uneven3", uneven([3e-4, 0.0, -3e-4]), (6, 10), ""),
            many("uneven2ms", uneven([1e-3, 0.0, -1e-3]), (6, 10), ""),
            cold("cold0.2", (0.2, 0.0)),
            cold("cold50ppm", (0.0, 5e-5)),
            cold("cold0.1", (0.1, 0.0)),
            cold("cold-50", (-0.05, -5e-5)),
            Self { start: (0.2, 5e-5), ..Self::one("coldlan", lan, (4, 10), "") },
            Self { wander: 1e-7, ..Self::one("rw7", near, (6, 10), "") },
            Self { wander: 1e-10, ..Self::one("rw10", near, (6, 10), "") },
            Self::one("oneway", Link { spike_s: -1e-3, ..near }, (6, 10), ""),
        ]
    }

    /// Lives through it.
    pub(crate) fn run(&self, seed: u64) -> Outcome {
        Life::new(self, seed).run()
    }
}

/// A world being lived in.
struct Life<'a> {
    world: &'a World,
    chance: Chance,
    /// How much the raw clock has gained on true time at each full second.
    raw_gain_s: Vec<f64>,
    /// The steered clock: a reading of the raw clock, what it was ahead of that, and the rate.
    anchor: (f64, f64, f64),
    discipline: Kalman,
    pending: Vec<Pending>,
    number: u64,
    samples: Vec<u32>,
    packets: u32,
}

/// A request under way.
#[derive(Clone, Copy, Debug)]
struct Pending {
    sent_s: f64,
    arrived_s: f64,
    served_s: f64,
    left: u32,
}

impl<'a> Life<'a> {
    fn new(world: &'a World, seed: u64) -> Self {
        let mut chance = Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d);
        // A clock that loses time has a rate below that of true time.
        let mut frequency = -world.start.1;
        let mut gain_s = 0.0;
        let mut raw_gain_s = Vec::new();
        for _ in 0..world.span_s.1 + 3000 {
            raw_gain_s.push(gain_s);
            gain_s += frequency;
            frequency += world.wander * chance.normal();
        }
        let mut life = Self {
            world,
            chance,
            raw_gain_s,
            anchor: (0.0, -world.start.0, 0.0),
            discipline: Kalman::new(&Settings::default()),
            pending: Vec::new(),
            number: 0,
            samples: vec![0; world.links.len()],
            packets: 0,
        };
        for index in 0..world.links.len() {
            let request = life.request(index, 1.0 + 0.3 * index as f64, 6);
            life.pending.push(request);
        }
        life
    }

    fn run(mut self) -> Outcome {
        let (from_s, to_s) = self.world.span_s;
        let (mut sums, mut max_s, mut inside) = ((0.0, 0.0), 0.0_f64, 0_u32);
        let mut outcome = Outcome::default();
        for second in 1..to_s {
            self.pass_until(f64::from(second));
            let now_s = f64::from(second);
            let error_s = self.clock_gain(now_s);
            if second < 1000 && error_s.abs() > 1e-3 {
                outcome.millisecond_s = second + 1;
            }
            if second < 1000 && error_s.abs() > 1e-4 {
                outcome.tenth_s = second + 1;
            }
            if second >= from_s {
                sums.0 += error_s * error_s;
                let index = second as usize;
                let raw_rate = self.raw_gain_s[index + 1] - self.raw_gain_s[index];
                let rate = self.anchor.2 + raw_rate + self.anchor.2 * raw_rate;
                sums.1 += rate * rate;
                max_s = max_s.max(error_s.abs());
                let report = self.discipline.report(&self.now(now_s));
                let bound_s = report.error_bound.map_or(0.0, NtpDuration::seconds);
                inside += u32::from((report.offset.seconds() + error_s).abs() <= bound_s);
            }
        }
        let count = f64::from(to_s - from_s);
        outcome.rms_s = (sums.0 / count).sqrt();
        outcome.frequency = (sums.1 / count).sqrt();
        outcome.max_s = max_s;
        outcome.packets = self.packets;
        outcome.inside = f64::from(inside) / count;
        outcome
    }

    /// Lets replies and wakeups happen until `until_s`.
    fn pass_until(&mut self, until_s: f64) {
        loop {
            let reply = self
                .pending
                .iter()
                .enumerate()
                .min_by(|(_, a), (_, b)| a.arrived_s.total_cmp(&b.arrived_s))
                .map(|(index, pending)| (pending.arrived_s, index));
            let wakeup = self.discipline.next_wakeup().map(|at| at.nanos() as f64 / 1e9);
            match (reply, wakeup) {
                (Some((at_s, index)), _)
                    if at_s <= until_s && wakeup.is_none_or(|wakeup| at_s <= wakeup) =>
                {
                    self.reply(index);
                }
                (_, Some(wakeup)) if wakeup <= until_s => {
                    let now = self.now(wakeup);
                    self.discipline.wakeup(&now);
                    self.obey(wakeup);
                }
                _ => return,
            }
        }
    }

    fn reply(&mut self, index: usize) {
        let pending = self.pending[index];
        let link = self.world.links[index];
        let (sent, arrived) = (self.now(pending.sent_s), self.now(pending.arrived_s));
        let lying_s = (pending.served_s - 21_600.0).max(0.0);
        let server_s = pending.served_s + link.lie.0 + link.lie.1 * lying_s;
        let source_time = EPOCH + NtpDuration::from_seconds(server_s);
        let half = arrived.raw.nanos().midpoint(sent.raw.nanos());
        let delay_s = arrived.raw.seconds_since(sent.raw);
        let shown =
            sent.clock + NtpDuration::from_seconds((arrived.clock - sent.clock).seconds() / 2.0);
        self.number += 1;
        self.samples[index] += 1;
        let measurement = Measurement {
            source: id(index),
            number: self.number,
            arrived: arrived.mono,
            raw: Raw::from_nanos(half),
            source_time,
            offset: source_time - shown,
            delay: NtpDuration::from_seconds(delay_s),
            stamp_error: NtpDuration::ZERO,
            dispersion: NtpDuration::ZERO,
            source_precision: NtpDuration::from_bits(1),
        };
        self.discipline.measured(&arrived, &measurement);
        let roles: Vec<Role> =
            (0..self.world.links.len()).map(|other| self.role(other, pending.arrived_s)).collect();
        self.discipline.selected(&arrived, &Selected { sources: &roles, system: None });
        self.obey(pending.arrived_s);
        let wish = self.discipline.poll_wish(id(index));
        let wish_s = wish.map_or(64.0, |wish| wish.as_secs_f64());
        let interval_s =
            if pending.left > 1 { 2.0 } else { wish_s * (1.0 + self.chance.uniform() / 16.0) };
        let next_s = (pending.sent_s + interval_s).max(pending.arrived_s);
        self.pending[index] = self.request(index, next_s, pending.left.saturating_sub(1));
    }

    fn role(&self, index: usize, now_s: f64) -> Role {
        let link = self.world.links[index];
        // As an intersection of correctness intervals would find it.
        let lie_s = link.lie.0 + link.lie.1 * (now_s - 21_600.0).max(0.0);
        let samples = self.samples[index];
        let tally = match () {
            () if samples == 0 => Tally::Reject,
            () if lie_s.abs() > 2.0 * link.base_s.0.max(5e-3) => Tally::Falseticker,
            () if index == 0 => Tally::SystemPeer,
            () => Tally::Candidate,
        };
        Role {
            source: id(index),
            tally,
            is_preferred: false,
            samples,
            distance: NtpDuration::from_seconds(link.base_s.0),
            minpoll: PollExponent::new(self.world.poll.0),
            maxpoll: PollExponent::new(self.world.poll.1),
        }
    }

    fn request(&mut self, index: usize, sent_s: f64, left: u32) -> Pending {
        let link = self.world.links[index];
        let is_busy = link.spike_s > 0.0 && sent_s % 3600.0 >= 3000.0;
        let out_s = link.base_s.0 + link.jitter_s * self.chance.exponential();
        let served_s = sent_s + out_s;
        let mut back_s = link.base_s.1 + link.jitter_s * self.chance.exponential();
        if is_busy {
            back_s += link.spike_s * self.chance.exponential();
        }
        if link.spike_s < 0.0 {
            back_s += -link.spike_s * self.chance.exponential();
        }
        self.packets += 1;
        Pending { sent_s, arrived_s: served_s + back_s, served_s, left }
    }

    fn obey(&mut self, now_s: f64) {
        while let Some(command) = self.discipline.poll_command() {
            let raw_s = now_s + self.raw_gain(now_s);
            let (anchor_s, ahead_s, rate) = self.anchor;
            let ahead_s = ahead_s + (raw_s - anchor_s) * rate;
            let done = match command {
                Command::Steer(steering) => {
                    let rate = rate_of(&steering);
                    self.anchor = (raw_s, ahead_s, rate);
                    Done::Steered(steering)
                }
                Command::Step { by } => {
                    self.anchor = (raw_s, ahead_s + by.seconds(), rate);
                    Done::Stepped { by }
                }
                _ => Done::Told,
            };
            let now = self.now(now_s);
            self.discipline.commanded(&now, &done);
        }
    }

    /// How much the raw clock has gained on true time.
    fn raw_gain(&self, at_s: f64) -> f64 {
        let index = at_s as usize;
        let (before, after) = (self.raw_gain_s[index], self.raw_gain_s[index + 1]);
        before + (after - before) * (at_s - index as f64)
    }

    /// How much the steered clock is ahead of true time.
    fn clock_gain(&self, at_s: f64) -> f64 {
        let raw_s = at_s + self.raw_gain(at_s);
        let (anchor_s, ahead_s, rate) = self.anchor;
        self.raw_gain(at_s) + ahead_s + (raw_s - anchor_s) * rate
    }

    fn now(&self, at_s: f64) -> Now {
        let raw_s = at_s + self.raw_gain(at_s);
        let (anchor_s, ahead_s, rate) = self.anchor;
        let clock_s = ahead_s + (raw_s - anchor_s) * rate + raw_s;
        Now {
            mono: Mono::default() + Duration::from_secs_f64(at_s.max(0.0)),
            raw: Raw::from_nanos(1_000_000_000_000 + (raw_s * 1e9).round() as u64),
            boot: Boot::default(),
            clock: EPOCH + NtpDuration::from_seconds(clock_s),
        }
    }
}

fn id(index: usize) -> AssocId {
    AssocId::new(100 + index as u16)
}

fn rate_of(steering: &Steering) -> f64 {
    (steering.frequency.parts_per_million() + steering.slew.parts_per_million()) * 1e-6
}

const EPOCH: NtpTimestamp = NtpTimestamp::from_unix(1_790_000_000, 0);

/// A generator, and what is drawn from it.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn uniform(&mut self) -> f64 {
        ((self.next() >> 11) as f64 + 0.5) / 9_007_199_254_740_992.0
    }

    fn exponential(&mut self) -> f64 {
        -self.uniform().ln()
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }
}
