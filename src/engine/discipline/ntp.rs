//! The PLL/FLL discipline, as ntpd behaves (RFC 5905 §11.3).
//!
//! It lives in the frame of the clock that it steers: an offset is what the sources are ahead of
//! that clock, and is taken away at a rate that decays with the time constant while a fraction of
//! it goes into the frequency. A state machine in front of that keeps spikes out, measures the
//! frequency at the first start, and steps where slewing would take too long.
//!
//! On Linux ntpd hands the regular operation over to a loop in the kernel, whose gains are four and
//! sixteen times those of the RFC: it does so when the quick start is over, unless steps are off or
//! their threshold is beyond half a second. Its arithmetic is followed here ([`gains`]); the
//! kernel's own loop is never used, as it can be neither observed nor simulated.

mod amortise;
mod gains;
mod huff_puff;
mod time_constant;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::clock::command::{Command, Outcome, Steering};
use crate::engine::discipline::limits::{LEAST_STEPOUT, Limits, MAXIMUM_FREQUENCY};
use crate::engine::discipline::ntp::amortise::{Amortiser, FirstSlew, Mode};
use crate::engine::discipline::ntp::gains::{Gains, Update};
use crate::engine::discipline::ntp::huff_puff::HuffPuff;
use crate::engine::discipline::ntp::time_constant::TimeConstant;
use crate::engine::discipline::{
    Discipline, Disturbance, Measurement, Report, Role, Selected, State, SystemEstimate, Verdict,
};
use crate::engine::settings::Settings;
use crate::units::{AssocId, Mono, Now, NtpDuration, PollExponent, Ppm};

/// The loop.
#[derive(Clone, Debug)]
pub struct NtpLoop {
    limits: Limits,
    /// The resolution of the clock, in seconds: no jitter is less.
    precision_s: f64,
    state: State,
    /// When the state was last entered; an update that is ignored leaves it.
    epoch: Mono,
    /// When the sample was taken that was acted on last.
    sample_epoch: Option<Mono>,
    amortiser: Amortiser,
    /// What was measured before its end says too much.
    first_slew: Option<FirstSlew>,
    /// When the loop of the kernel last had an update.
    kernel_epoch: Mono,
    /// The time constant that the offset is being taken away with.
    decay: PollExponent,
    /// The correction of the oscillator, in s/s.
    frequency: f64,
    /// The offset of the last update, in seconds.
    last_offset_s: f64,
    jitter_s: f64,
    /// RMS change of frequency from update to update, in s/s.
    wander: f64,
    time_constant: TimeConstant,
    panic_allowed: bool,
    stepped: Option<Mono>,
    huff_puff: Option<HuffPuff>,
    /// Delays by the time of the sample, where the huff-n'-puff filter wants them.
    delays_s: BTreeMap<AssocId, VecDeque<(Mono, f64)>>,
    /// What the clock was last asked for.
    asked: Option<Steering>,
    commands: VecDeque<Command>,
}

impl NtpLoop {
    /// A loop that begins with the frequency of `limits`, else with that of the drift file, else
    /// by measuring it.
    pub fn new(limits: &Limits, settings: &Settings, now: &Now) -> Self {
        let learned = limits.frequency.or_else(|| settings.drift.map(|drift| drift.frequency));
        let frequency = learned.map(s_per_s).filter(|f| f.abs() <= MAXIMUM_FREQUENCY);
        let precision_s = settings.precision.seconds();
        let mut this = Self {
            limits: *limits,
            precision_s,
            state: if frequency.is_some() { State::FrequencySet } else { State::NotSet },
            epoch: now.mono,
            sample_epoch: None,
            amortiser: Amortiser::new(now.mono, LEAST_STEPOUT),
            first_slew: None,
            kernel_epoch: now.mono,
            decay: DEFAULT_POLL,
            frequency: frequency.unwrap_or(0.0),
            last_offset_s: 0.0,
            jitter_s: precision_s,
            wander: 0.0,
            time_constant: TimeConstant::new(DEFAULT_POLL),
            panic_allowed: settings.first_panic_allowed,
            stepped: None,
            huff_puff: limits.huff_puff.map(|window| HuffPuff::new(window, now.mono)),
            delays_s: BTreeMap::new(),
            asked: None,
            commands: VecDeque::new(),
        };
        if this.frequency != 0.0 {
            this.steer();
        }
        this
    }

    /// An update by a new sample of the system peer, whose poll interval lies in `range`.
    fn update(&mut self, now: &Now, system: &SystemEstimate, range: Range) -> Verdict {
        if self.limits.is_panic(system.offset) && !self.panic_allowed {
            return Verdict::Panic { offset: system.offset };
        }
        self.panic_allowed = false;
        let offset_s = self.huffed(now.mono, system);
        self.time_constant.keep_within(range.least, range.most);
        self.amortiser.account(now.mono);
        let found = if self.limits.is_step(NtpDuration::from_seconds(offset_s)) {
            self.beyond_step(now.mono, offset_s)
        } else {
            self.within_step(now.mono, offset_s)
        };
        self.decay = self.time_constant.exponent();
        if let Some(frequency) = found.frequency {
            self.wander = smoothed(self.wander, frequency - self.frequency);
            self.frequency = frequency.clamp(-MAXIMUM_FREQUENCY, MAXIMUM_FREQUENCY);
            self.adapt(range);
        }
        self.plan();
        self.steer();
        found.verdict
    }

    /// An offset that slewing would take too long for.
    fn beyond_step(&mut self, now: Mono, offset_s: f64) -> Found {
        let is_over = now.since(self.epoch) >= self.limits.stepout;
        match self.state {
            State::Synchronised => {
                self.state = State::Spike;
                // The kernel goes on with what it has; ntpd itself holds still.
                let mode = if self.gains() == Gains::Kernel { Mode::Decay } else { Mode::Held };
                self.amortiser.begin(self.amortiser.residual_s(), mode);
                return Found::IGNORED;
            }
            State::Frequency | State::Spike if !is_over => return Found::IGNORED,
            State::Frequency => self.measure_frequency(now, offset_s),
            State::NotSet | State::FrequencySet | State::Spike => {}
        }
        let by = NtpDuration::from_seconds(offset_s);
        self.commands.push_back(Command::Step { by });
        self.stepped = Some(now);
        self.time_constant.reset();
        self.kernel_epoch = now;
        self.jitter_s = self.precision_s;
        let verdict = Verdict::Stepped { by };
        if self.state == State::NotSet {
            self.enter(now, State::Frequency, 0.0, Mode::Held);
            return Found { verdict, frequency: None };
        }
        self.enter(now, State::Synchronised, 0.0, Mode::Decay);
        Found { verdict, frequency: Some(self.frequency) }
    }

    /// An offset to be slewed.
    fn within_step(&mut self, now: Mono, offset_s: f64) -> Found {
        let change_s = (offset_s - self.last_offset_s).abs().max(self.precision_s);
        self.jitter_s = smoothed(self.jitter_s, change_s);
        let verdict = Verdict::Adjusted;
        match self.state {
            State::NotSet => {
                self.enter(now, State::Frequency, offset_s, Mode::Straight);
                self.first_slew = Some(FirstSlew { from: now, by_s: offset_s });
                return Found { verdict, frequency: Some(self.frequency) };
            }
            State::Frequency if now.since(self.epoch) < self.limits.stepout => {
                return Found::IGNORED;
            }
            State::Frequency => self.measure_frequency(now, offset_s),
            State::FrequencySet | State::Spike | State::Synchronised => {}
        }
        // While the first offset is being taken away it would only spoil the frequency.
        let was_clamped = self.amortiser.is_clamped();
        let is_clamped = was_clamped && offset_s.abs() >= CLOCK_FLOOR_S;
        let change = match self.gains() {
            Gains::Daemon if !was_clamped => self.frequency_change(now, offset_s, self.epoch),
            Gains::Kernel if !is_clamped => self.frequency_change(now, offset_s, self.kernel_epoch),
            Gains::Daemon | Gains::Kernel => 0.0,
        };
        if !is_clamped {
            self.amortiser.end_clamp();
            self.kernel_epoch = now;
        }
        self.enter(now, State::Synchronised, offset_s, Mode::Decay);
        Found { verdict, frequency: Some(self.frequency + change) }
    }

    /// Whose gains hold. ntpd leaves the kernel alone where steps are rare: it takes no offset
    /// beyond half a second.
    fn gains(&self) -> Gains {
        let is_short = |threshold: Option<NtpDuration>| {
            threshold.is_some_and(|threshold| threshold <= KERNEL_LIMIT)
        };
        if is_short(self.limits.step_forward) && is_short(self.limits.step_back) {
            Gains::Kernel
        } else {
            Gains::Daemon
        }
    }

    fn frequency_change(&self, now: Mono, offset_s: f64, last: Mono) -> f64 {
        self.gains().frequency_change(&Update {
            offset_s,
            residual_s: self.amortiser.residual_s(),
            elapsed_s: now.since(last).as_secs_f64(),
            time_constant: self.time_constant.exponent(),
            allan: self.limits.allan,
        })
    }

    /// Takes the whole offset that has gathered since the first update for a wrong frequency.
    fn measure_frequency(&mut self, now: Mono, offset_s: f64) {
        let elapsed_s = now.since(self.epoch).as_secs_f64();
        if elapsed_s > 0.0 {
            self.frequency = offset_s / elapsed_s;
        }
    }

    fn enter(&mut self, now: Mono, state: State, offset_s: f64, mode: Mode) {
        self.state = state;
        self.epoch = now;
        self.last_offset_s = offset_s;
        self.amortiser.begin(offset_s, mode);
    }

    /// Longer polls while the offset drowns in jitter, shorter ones when it stands out.
    fn adapt(&mut self, range: Range) {
        if self.amortiser.is_clamped() {
            self.time_constant.reset();
            return;
        }
        let is_quiet = self.amortiser.residual_s().abs() < CLOCK_PGATE * self.jitter_s;
        self.time_constant.count(is_quiet, range.least, range.most);
    }

    /// The combined offset after the huff-n'-puff filter, in seconds.
    fn huffed(&mut self, now: Mono, system: &SystemEstimate) -> f64 {
        let offset_s = system.offset.seconds();
        let Some(filter) = &mut self.huff_puff else { return offset_s };
        let past = self.delays_s.get(&system.peer);
        match past.and_then(|past| past.iter().find(|(at, _)| *at == system.epoch)) {
            Some((_, delay_s)) => filter.correct(now, offset_s, *delay_s),
            None => offset_s,
        }
    }

    fn plan(&mut self) {
        self.amortiser.plan(self.decay, self.gains().decay(), self.frequency);
    }

    /// Asks the clock for the rate that was worked out, if it is not the one asked for already.
    fn steer(&mut self) {
        let steering =
            Steering { frequency: ppm(self.frequency), slew: ppm(self.amortiser.slew()) };
        if self.asked.unwrap_or_default() != steering {
            self.asked = Some(steering);
            self.commands.push_back(Command::Steer(steering));
        }
    }
}

impl Discipline for NtpLoop {
    fn limit(&mut self, limits: &Limits) {
        if limits.huff_puff != self.limits.huff_puff {
            let begun = self.epoch;
            self.huff_puff = limits.huff_puff.map(|window| HuffPuff::new(window, begun));
        }
        if let (State::NotSet, Some(frequency)) = (self.state, limits.frequency) {
            self.frequency = s_per_s(frequency).clamp(-MAXIMUM_FREQUENCY, MAXIMUM_FREQUENCY);
            self.state = State::FrequencySet;
            self.steer();
        }
        self.limits = *limits;
    }

    fn measured(&mut self, _now: &Now, measurement: &Measurement) {
        if self.huff_puff.is_none() {
            return;
        }
        let delays_s = self.delays_s.entry(measurement.source).or_default();
        delays_s.push_front((measurement.arrived, measurement.delay.seconds()));
        delays_s.truncate(FILTER_STAGES);
    }

    /// The offset that was measured: that the clock was slewed since is a part of the loop's own
    /// dynamics.
    ///
    /// Differs: the first slew is taken off. To ntpd a source that fell silent during it goes on to
    /// say what it said before, and spoils the frequency that is measured next.
    fn offset_now(&self, now: &Now, measurement: &Measurement) -> NtpDuration {
        let slewed_s = self.first_slew.map(|slew| slew.between(measurement.arrived, now.mono));
        measurement.offset + -NtpDuration::from_seconds(slewed_s.unwrap_or_default())
    }

    fn selected(&mut self, now: &Now, selected: &Selected<'_>) -> Verdict {
        let Some(system) = &selected.system else { return Verdict::Ignored };
        if self.sample_epoch.is_some_and(|epoch| system.epoch <= epoch) {
            return Verdict::Ignored;
        }
        self.sample_epoch = Some(system.epoch);
        let role = selected.sources.iter().find(|role| role.source == system.peer);
        self.update(now, system, role.map_or(Range::DEFAULT, Range::of))
    }

    fn wakeup(&mut self, now: &Now) -> Verdict {
        if self.amortiser.until().is_some_and(|until| until <= now.mono) {
            self.amortiser.account(now.mono);
            self.plan();
            self.steer();
        }
        Verdict::Ignored
    }

    fn next_wakeup(&self) -> Option<Mono> {
        self.amortiser.until()
    }

    fn poll_command(&mut self) -> Option<Command> {
        self.commands.pop_front()
    }

    fn commanded(&mut self, _now: &Now, outcome: &Outcome) {
        match outcome {
            Outcome::Steered(got) => {
                let asked = self.asked.unwrap_or_default();
                let excess = s_per_s(got.frequency) - s_per_s(asked.frequency)
                    + (s_per_s(got.slew) - s_per_s(asked.slew));
                self.amortiser.correct(s_per_s(asked.slew) + excess);
            }
            // Nothing is being taken away, and whatever comes next has to be asked for anew.
            Outcome::Held(_) => {
                self.amortiser.correct(0.0);
                self.first_slew = None;
                self.asked = None;
            }
            Outcome::Stepped { .. } | Outcome::Told => {}
        }
    }

    fn forget(&mut self, source: AssocId) {
        self.delays_s.remove(&source);
    }

    /// Differs: ntpd does not notice; it takes what it then measures for a spike and waits for
    /// the stepout. The frequency is known, so this is a start with a drift file, quick as that is,
    /// unless the last step is so fresh that another one has to wait.
    fn disturbed(&mut self, now: &Now, disturbance: Disturbance) {
        self.amortiser.account(now.mono);
        if matches!(disturbance, Disturbance::LeftAlone(_)) {
            // What gathered meanwhile says little of the frequency: the slew had ended.
            self.kernel_epoch = now.mono;
        }
        let residual_s = match disturbance {
            Disturbance::Leap(_) => return,
            Disturbance::Suspended(_) | Disturbance::LeftAlone(_) => 0.0,
            Disturbance::ClockStepped(by) => self.amortiser.residual_s() - by.seconds(),
        };
        let is_known = matches!(disturbance, Disturbance::ClockStepped(_))
            && !self.limits.is_step(NtpDuration::from_seconds(residual_s));
        let is_fresh = self.stepped.is_some_and(|at| now.mono.since(at) < self.limits.stepout);
        match self.state {
            State::NotSet | State::FrequencySet => {}
            State::Frequency if is_fresh => {
                self.enter(now.mono, State::Frequency, 0.0, Mode::Held);
            }
            State::Frequency => self.enter(now.mono, State::NotSet, 0.0, Mode::Held),
            _ if is_known => self.enter(now.mono, State::Synchronised, residual_s, Mode::Decay),
            _ if is_fresh => self.amortiser.begin(0.0, Mode::Held),
            _ => {
                self.enter(now.mono, State::FrequencySet, 0.0, Mode::Held);
                self.amortiser.begin_clamp(LEAST_STEPOUT);
                self.time_constant = TimeConstant::new(DEFAULT_POLL);
            }
        }
        self.plan();
        self.steer();
    }

    fn poll_wish(&self, _source: AssocId) -> Option<Duration> {
        None
    }

    fn report(&self, now: &Now) -> Report {
        Report {
            state: self.state,
            offset: NtpDuration::from_seconds(self.amortiser.residual_at(now.mono)),
            error_bound: None,
            frequency: ppm(self.frequency),
            frequency_error: None,
            jitter: NtpDuration::from_seconds(self.jitter_s),
            wander: ppm(self.wander),
            time_constant: self.time_constant.exponent(),
            is_converged: self.state == State::Synchronised
                && !self.amortiser.is_clamped_at(now.mono),
            sources: Vec::new(),
        }
    }
}

/// The poll intervals of the source that is followed.
#[derive(Clone, Copy, Debug)]
struct Range {
    least: PollExponent,
    most: PollExponent,
}

impl Range {
    const DEFAULT: Self = Self { least: DEFAULT_POLL, most: DEFAULT_POLL };

    const fn of(role: &Role) -> Self {
        Self { least: role.minpoll, most: role.maxpoll }
    }
}

/// What came of an update.
#[derive(Clone, Copy, Debug)]
struct Found {
    verdict: Verdict,
    /// What the frequency is to be, in s/s; `None` where the loop is not to run.
    frequency: Option<f64>,
}

impl Found {
    const IGNORED: Self = Self { verdict: Verdict::Ignored, frequency: None };
}

/// A root mean square after one more value.
fn smoothed(mean: f64, value: f64) -> f64 {
    let square = mean.powi(2);
    (square + (value.powi(2) - square) / CLOCK_AVG).sqrt()
}

fn s_per_s(frequency: Ppm) -> f64 {
    frequency.parts_per_million() / 1e6
}

fn ppm(s_per_s: f64) -> Ppm {
    Ppm::new(s_per_s * 1e6).unwrap_or_default()
}

/// `CLOCK_AVG`: over how many updates jitter and wander are averaged.
const CLOCK_AVG: f64 = 8.0;

/// `CLOCK_FLOOR`: an offset below this ends the quick start, in seconds.
const CLOCK_FLOOR_S: f64 = 0.0005;

/// `CLOCK_PGATE`: an offset so many times the jitter stands out.
const CLOCK_PGATE: f64 = 4.0;

/// Beyond this the kernel takes no offset.
const KERNEL_LIMIT: NtpDuration = NtpDuration::from_bits(1 << 31);

/// `NTP_MINDPOLL`: the time constant before a source is followed.
const DEFAULT_POLL: PollExponent = PollExponent::new(6);

/// `NTP_SHIFT`: so old a sample may be chosen.
const FILTER_STAGES: usize = 8;

#[cfg(test)]
mod tests;
