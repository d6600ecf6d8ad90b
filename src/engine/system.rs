//! The system: who is followed, what the clock is worth, and what the discipline is told.
//!
//! RFC 5905 §11.2 and §11.3, from candidates to an update of the clock. Sources are selected when
//! something changed, and at most once a second.

use std::time::Duration;

use crate::clock::command::{Command, Held, Outcome, Status, Steering};
use crate::engine::Engine;
use crate::engine::association::{Association, Scale};
use crate::engine::discipline::{
    Disturbance, Report, Role, Selected, SourceReport, State, SystemEstimate, Verdict,
};
use crate::engine::filter::Surroundings;
use crate::engine::output::{Event, Output};
use crate::engine::poll::{event, flash_bits};
use crate::engine::settings::Algorithm;
use crate::engine::timers::Timer;
use crate::selection::filter::Share;
use crate::selection::{self, Candidate, Limits, Unfit};
use crate::units::{
    AssocId, Leap, Mono, Now, NtpDuration, NtpTimestamp, PollExponent, Ppm, RefId, Stratum, Tally,
};
use crate::wire::kiss::Kiss;
use crate::wire::mode6::flash::Flash;

/// The variables of the system.
#[derive(Clone, Debug)]
pub struct System {
    /// The leap indicator: an alarm until the clock follows somebody.
    pub leap: Leap,
    /// The stratum, 16 until the clock follows somebody.
    pub stratum: Stratum,
    /// Whom the clock follows; before and after that, why nobody.
    pub reference_id: RefId,
    /// When it was last set or corrected, by itself.
    pub reference: NtpTimestamp,
    /// The delay to the reference clock.
    pub root_delay: NtpDuration,
    /// The system peer, while there is one.
    pub peer: Option<AssocId>,
    /// What the survivors said together when they were last asked.
    pub offset: NtpDuration,
    /// How much they differed.
    pub jitter: NtpDuration,
    /// The poll interval that goes with the time constant.
    pub poll: PollExponent,
    /// The offset beyond the panic threshold that the discipline refuses to act on.
    pub panic: Option<NtpDuration>,
    /// When the engine started.
    pub since: Mono,
    /// The last thing that happened to it: its code and how many there were, up to 15.
    pub last_event: (u8, u8),
    /// How often the steered clock was stepped, by us or by others.
    pub steps: u64,
    /// Whether nobody was found for so long that this host pretends to a stratum of its own.
    pub is_orphan: bool,
    /// The state of the discipline when it last acted.
    pub(in crate::engine) state: State,
    pub(in crate::engine) is_settled: bool,
    /// The root dispersion when it was last worked out.
    dispersion: NtpDuration,
    updated: Mono,
}

impl System {
    pub(in crate::engine) fn new(now: &Now) -> Self {
        Self {
            leap: Leap::Alarm,
            stratum: Stratum::UNSYNCHRONISED,
            reference_id: Kiss::Initialising.reference_id(),
            reference: NtpTimestamp::NEVER,
            root_delay: NtpDuration::ZERO,
            peer: None,
            offset: NtpDuration::ZERO,
            jitter: NtpDuration::ZERO,
            poll: PollExponent::new(6),
            panic: None,
            since: now.mono,
            last_event: (0, 0),
            steps: 0,
            is_orphan: false,
            state: State::NotSet,
            is_settled: false,
            dispersion: NtpDuration::ZERO,
            updated: now.mono,
        }
    }

    /// Nobody is followed any more, for this reason.
    pub(in crate::engine) fn reset(&mut self, now: &Now, reason: Kiss) {
        *self = Self {
            reference_id: reason.reference_id(),
            poll: self.poll,
            since: self.since,
            last_event: self.last_event,
            steps: self.steps,
            state: self.state,
            ..Self::new(now)
        };
    }
}

impl Engine {
    /// The root dispersion at `now`: it grows while nobody is heard. An orphan claims none.
    pub fn root_dispersion(&self, now: &Now) -> NtpDuration {
        if self.system.is_orphan {
            return NtpDuration::ZERO;
        }
        let age_s = now.mono.since(self.system.updated).as_secs_f64();
        self.system.dispersion + NtpDuration::from_seconds(self.phi() * age_s)
    }

    /// Something changed that selection depends on.
    pub(in crate::engine) fn mark_changed(&mut self, now: &Now) {
        if self.timers.at(Timer::Select).is_none() {
            let at = self.selected_at.map_or(now.mono, |last| last + BETWEEN_SELECTIONS);
            self.timers.set(Timer::Select, at.max(now.mono));
        }
    }

    /// Selects among the sources and acts on the result.
    pub(in crate::engine) fn select(&mut self, now: &Now) {
        self.selected_at = Some(now.mono);
        let candidates = self.candidates(now);
        let limits = self.mitigation.limits(self.is_waiting_for_peer(now));
        self.explained = selection::select(&candidates, &limits, &self.memory);
        let clock = self.estimate().filter(|estimate| self.is_local_clock(estimate.peer));
        let verdict = if self.is_steering && clock.is_some() {
            // It says what our clock shows: that is no news to whoever steers it.
            self.discipline.selected(now, &Selected { sources: &[], system: None });
            Verdict::Adjusted
        } else if self.is_steering {
            let roles = self.roles();
            let selected = Selected { sources: &roles, system: self.estimate() };
            let verdict = self.discipline.selected(now, &selected);
            let sources = self.discipline.report(now).sources;
            let shares: Vec<Share> = sources.iter().map(share).collect();
            self.explained = std::mem::take(&mut self.explained).with_filter(&shares);
            verdict
        } else {
            Verdict::Ignored
        };
        self.memory = self.explained.memory;
        self.publish(&candidates);
        let estimate = self.estimate();
        self.change_peer(now, estimate.map(|estimate| estimate.peer));
        let report = self.after_discipline(now);
        let is_unsteered_news =
            !self.is_steering && estimate.is_some_and(|found| self.keeping.is_new(found.epoch));
        if is_unsteered_news || matches!(verdict, Verdict::Adjusted | Verdict::Stepped { .. }) {
            self.record_loop(&report);
        }
        let elected = estimate.map(|_| selection::leap::vote(&candidates, &self.explained));
        self.hear_leap(now, elected);
        self.judge(now, verdict);
        if let Some(estimate) = estimate
            && !matches!(verdict, Verdict::Stepped { .. } | Verdict::Panic { .. })
        {
            self.follow(now, &estimate);
            if verdict == Verdict::Adjusted {
                self.tell_clock(now, &report);
            }
        }
    }

    /// Begins or ends to steer the clock (`enable ntp`, `disable ntp`). Selection goes on.
    ///
    /// A clock that is left alone keeps its frequency; a slew in force ends with one last command,
    /// as nobody would take it back.
    pub(in crate::engine) fn enable_steering(&mut self, now: &Now, is_enabled: bool) {
        if is_enabled == self.is_steering {
            return;
        }
        self.is_steering = is_enabled;
        if is_enabled {
            let span = NtpDuration::from(now.mono.since(self.left_alone));
            self.discipline.disturbed(now, Disturbance::LeftAlone(span));
        } else {
            self.left_alone = now.mono;
            // What is on its way has not reached the clock either.
            let all = self.outputs.len();
            self.outputs.retain(|output| !matches!(output, Output::Clock(_)));
            if self.outputs.len() < all {
                self.discipline.commanded(now, &Outcome::Held(Held::Disabled));
            }
            if self.steering.slew != Ppm::default() {
                let steering = Steering { slew: Ppm::default(), ..self.steering };
                self.outputs.push_back(Output::Clock(Command::Steer(steering)));
            }
        }
        self.after_discipline(now);
        self.mark_changed(now);
    }

    /// The discipline acts because time went by.
    pub(in crate::engine) fn wake_discipline(&mut self, now: &Now) {
        if !self.is_steering {
            return;
        }
        let verdict = self.discipline.wakeup(now);
        let report = self.after_discipline(now);
        // It goes on correcting many times between two updates.
        if matches!(verdict, Verdict::Stepped { .. }) {
            self.record_loop(&report);
        }
        self.judge(now, verdict);
    }

    /// Learns what became of a command to the clock.
    pub(in crate::engine) fn commanded(&mut self, now: &Now, outcome: &Outcome) {
        match *outcome {
            Outcome::Stepped { by } => {
                self.system.steps += 1;
                self.held = None;
                self.outputs.push_back(Output::Event(Event::Stepped { by }));
                self.system_event(system_event::STEPPED, format!("by {:+.6} s", by.seconds()));
            }
            Outcome::Held(held) => {
                if self.held != Some(held) {
                    self.held = Some(held);
                    self.outputs.push_back(Output::Event(Event::Held(held)));
                }
            }
            Outcome::Steered(steering) => {
                self.held = None;
                self.steering = steering;
            }
            Outcome::Told => self.held = None,
        }
        self.discipline.commanded(now, outcome);
        self.after_discipline(now);
    }

    /// Somebody else stepped the clock that we steer.
    pub(in crate::engine) fn clock_stepped(&mut self, now: &Now, by: NtpDuration) {
        if self.leap.explains(now.mono, by) {
            return;
        }
        self.system.steps += 1;
        self.system_event(
            system_event::STEPPED,
            format!("by somebody else, by {:+.6} s", by.seconds()),
        );
        if self.has_nothing_but_clocks() {
            self.mark_changed(now);
        } else {
            self.upset(now, Disturbance::ClockStepped(by), self.survives_steps());
        }
    }

    /// The machine was suspended for `span`: phases are unknown.
    pub(in crate::engine) fn suspended(&mut self, now: &Now, span: Duration) {
        self.system.steps += 1;
        self.system_event(
            system_event::RESTARTED,
            format!("after a suspend of {:.0} s", span.as_secs_f64()),
        );
        self.upset(now, Disturbance::Suspended(NtpDuration::from(span)), false);
    }

    fn upset(&mut self, now: &Now, disturbance: Disturbance, keeps_samples: bool) {
        self.discipline.disturbed(now, disturbance);
        self.system.leap = Leap::Alarm;
        if !keeps_samples {
            self.clear_all(now, Kiss::Step);
            self.system.reset(now, Kiss::Step);
            self.lose_peer(now);
        }
        self.ask_all_again(now);
        self.after_discipline(now);
        self.mark_changed(now);
    }

    /// Whether measurements are still good after a step of the steered clock.
    fn survives_steps(&self) -> bool {
        self.settings.algorithm == Algorithm::Kalman
    }

    /// Hands the discipline's commands out and looks how it stands.
    pub(in crate::engine) fn after_discipline(&mut self, now: &Now) -> Report {
        while let Some(command) = self.discipline.poll_command() {
            if self.is_steering {
                self.outputs.push_back(Output::Clock(command));
            } else {
                self.discipline.commanded(now, &Outcome::Held(Held::Disabled));
            }
        }
        match self.discipline.next_wakeup().filter(|_| self.is_steering) {
            Some(at) => self.timers.set(Timer::Discipline, at),
            None => self.timers.cancel(Timer::Discipline),
        }
        let report = self.discipline.report(now);
        self.system.is_settled = report.is_converged;
        if report.state != self.system.state {
            self.system.state = report.state;
            let (code, detail) = state_event(report.state);
            self.system_event(code, detail);
        }
        if report.time_constant != self.system.poll {
            self.system.poll = report.time_constant;
            self.follow_time_constant(now);
        }
        report
    }

    /// The system peer keeps to a new time constant at once, the others at their next poll.
    fn follow_time_constant(&mut self, now: &Now) {
        let Some(id) = self.system.peer else { return };
        let poll = self.system.poll;
        if let Some(association) = self.associations.get_mut(&id) {
            association.poll.host_poll = poll;
            self.schedule(now, id);
        }
    }

    fn candidates(&mut self, now: &Now) -> Vec<Candidate> {
        let scale = self.scale();
        let mitigation = self.mitigation;
        let discipline = &self.discipline;
        let own_ids = &self.own_ids;
        let measured = |association: &&mut Association| association.kind.is_measured();
        let candidate = |association: &mut Association| {
            let distance = association.root_distance(now.mono, &scale);
            let unfit = unfit(association, distance, &mitigation, scale.phi, own_ids);
            association.note_unfit(unfit);
            association.standing.distance = distance;
            let offset = match association.filter.best() {
                Some(_) if association.clock.is_some() => NtpDuration::ZERO,
                Some(best) => discipline.offset_now(now, best),
                None => NtpDuration::ZERO,
            };
            Candidate {
                id: association.id,
                offset,
                distance,
                jitter: association.filter.jitter(),
                stratum: association.heard.stratum,
                leap: association.heard.leap,
                unfit,
                is_preferred: association.options.prefer,
                is_trusted: association.options.trust,
                kind: association.selection_kind(mitigation.orphan, own_ids),
            }
        };
        self.associations.values_mut().filter(measured).map(candidate).collect()
    }

    /// Judges an association as the next selection will, so that its flash bits are those of now:
    /// ntpd selects with each sample, we a moment later.
    pub(in crate::engine) fn judge_fitness(&mut self, now: &Now, id: AssocId) {
        let scale = self.scale();
        let Some(association) = self.associations.get_mut(&id) else { return };
        let distance = association.root_distance(now.mono, &scale);
        let unfit = unfit(association, distance, &self.mitigation, scale.phi, &self.own_ids);
        association.note_unfit(unfit);
    }

    /// Lets everybody see what became of the candidates.
    fn publish(&mut self, candidates: &[Candidate]) {
        for (verdict, candidate) in self.explained.verdicts.iter().zip(candidates) {
            let Some(association) = self.associations.get_mut(&verdict.id) else { continue };
            let standing = &mut association.standing;
            standing.tally = verdict.tally;
            standing.reason = Some(verdict.reason);
            standing.weight = verdict.weight;
            if !candidate.unfit.any() {
                association.counters.candidate += 1;
            }
            if verdict.tally >= Tally::Candidate {
                association.poll.unreach = 0;
            }
        }
    }

    fn roles(&self) -> Vec<Role> {
        let role = |verdict: &selection::Verdict| {
            let association = self.associations.get(&verdict.id)?;
            let (minpoll, maxpoll) = self.poll_range(verdict.id);
            Some(Role {
                source: verdict.id,
                tally: verdict.tally,
                is_preferred: association.options.prefer && verdict.tally >= Tally::Candidate,
                samples: association.samples,
                distance: association.standing.distance,
                minpoll,
                maxpoll,
            })
        };
        self.explained.verdicts.iter().filter_map(role).collect()
    }

    fn estimate(&self) -> Option<SystemEstimate> {
        let system = self.explained.system?;
        let epoch = self.associations.get(&system.peer)?.filter.used()?;
        let selection::System { peer, offset, jitter, .. } = system;
        Some(SystemEstimate { peer, offset, jitter, epoch })
    }

    fn change_peer(&mut self, now: &Now, peer: Option<AssocId>) {
        if peer == self.system.peer {
            return;
        }
        self.system.peer = peer;
        if let Some(id) = peer {
            self.peer_event(id, event::SYSTEM_PEER, "the clock follows it");
            self.orphan_since = None;
            if !self.is_local_clock(id) {
                self.alone_since = None;
            }
            self.adopt(now);
        } else {
            self.lose_peer(now);
            self.system_event(system_event::NO_PEER, "nobody is left to follow");
        }
    }

    /// Acts on what the discipline decided.
    fn judge(&mut self, now: &Now, verdict: Verdict) {
        match verdict {
            Verdict::Ignored => {}
            Verdict::Adjusted => {
                self.system.panic = None;
                self.system.leap = self.leap.announced();
            }
            Verdict::Stepped { .. } => {
                self.system.panic = None;
                if !self.survives_steps() {
                    self.clear_all(now, Kiss::Step);
                    self.ask_all_again(now);
                }
                self.system.reset(now, Kiss::Step);
                self.lose_peer(now);
            }
            Verdict::Panic { offset } => {
                if self.system.panic.is_none() {
                    self.system_event(
                        system_event::PANIC,
                        format!("an offset of {:+.3} s: the clock is left alone", offset.seconds()),
                    );
                }
                self.system.panic = Some(offset);
            }
        }
    }

    /// The clock follows a system peer (RFC 5905 §11.2.4).
    fn follow(&mut self, now: &Now, estimate: &SystemEstimate) {
        let phi = self.phi();
        let Some(association) = self.associations.get(&estimate.peer) else { return };
        let heard = &association.heard;
        let above = heard.stratum.get().saturating_add(1);
        let age = association.filter.updated().map_or(Duration::ZERO, |at| now.mono.since(at));
        // That of a clock is not one that has to be narrowed down first.
        let filtered = match association.clock {
            Some(_) => NtpDuration::ZERO,
            None => association.filter.dispersion(),
        };
        let reference_id = association.told_as();
        let dispersion = heard.root_dispersion
            + filtered
            + estimate.jitter
            + NtpDuration::from_seconds(phi * age.as_secs_f64())
            + estimate.offset.abs();
        let system = &mut self.system;
        system.stratum = Stratum::new(above).min(Stratum::UNSYNCHRONISED);
        system.reference_id = reference_id;
        system.reference = heard.destination;
        system.root_delay = association.filter.delay() + heard.root_delay;
        system.offset = estimate.offset;
        system.jitter = estimate.jitter;
        system.dispersion = dispersion.max(self.mitigation.mindist);
        system.updated = now.mono;
    }

    /// Tells the clock how good it is.
    fn tell_clock(&mut self, now: &Now, report: &Report) {
        let half = self.system.root_delay.seconds() / 2.0;
        let maximum_error = self.root_dispersion(now) + NtpDuration::from_seconds(half);
        let status =
            Status { leap: self.system.leap, maximum_error, estimated_error: report.jitter };
        self.outputs.push_back(Output::Clock(Command::Status(status)));
    }

    /// Keeps the frequency for the next start, if it is worth it.
    pub(in crate::engine) fn keep_drift(&mut self, now: &Now) {
        let report = self.discipline.report(now);
        if let Some(drift) = self.drift.due(now.mono, &report) {
            self.outputs.push_back(Output::Drift(drift));
        }
        self.timers.set(Timer::Drift, self.drift.next_wakeup());
    }

    /// What a clock filter has to know.
    pub(in crate::engine) fn surroundings(&self, now: &Now, id: AssocId) -> Surroundings {
        let poll = self.associations.get(&id).map_or(self.system.poll, |a| a.poll.host_poll);
        Surroundings {
            now: now.mono,
            is_settled: self.system.is_settled || self.survives_steps(),
            poll,
            maxdist: self.mitigation.maxdist,
            allan: self.limits.allan,
            precision_s: self.settings.precision.seconds(),
            phi: self.phi(),
        }
    }

    pub(in crate::engine) fn scale(&self) -> Scale {
        Scale {
            precision_s: self.settings.precision.seconds(),
            phi: self.phi(),
            mindist: self.mitigation.mindist,
        }
    }

    /// `PHI`: how fast the error of a clock left alone may grow, in s/s.
    pub(in crate::engine) fn phi(&self) -> f64 {
        self.limits.dispersion.parts_per_million() / 1e6
    }

    /// Reports what happened to the system.
    pub(in crate::engine) fn system_event(&mut self, code: u8, detail: impl Into<String>) {
        let count = self.system.last_event.1;
        self.system.last_event = (code, (count + 1).min(15));
        let detail = detail.into();
        self.record_system_event(code, &detail);
        self.outputs.push_back(Output::Event(Event::System { code, detail }));
    }
}

impl Association {
    /// Keeps the tests of the association in its flash bits.
    fn note_unfit(&mut self, unfit: Unfit) {
        let mut bits = self.flash.bits() & !flash_bits::ASSOCIATION;
        for (failed, bit) in [
            (unfit.stratum, flash_bits::PEER_STRATUM),
            (unfit.distance, flash_bits::PEER_DISTANCE),
            (unfit.synchronised_to_us, flash_bits::PEER_LOOP),
            (unfit.unreachable || unfit.noselect, flash_bits::PEER_UNREACHABLE),
        ] {
            if failed {
                bits |= bit;
            }
        }
        self.flash = Flash::from_bits(bits);
    }
}

/// What a discipline that filters all sources makes of one.
const fn share(source: &SourceReport) -> Share {
    let SourceReport { source: id, weight, bias, bias_prior: prior, is_inconsistent, .. } = *source;
    Share { id, weight, bias, prior, is_inconsistent }
}

/// The tests of an association, 10 to 13.
fn unfit(
    association: &Association,
    distance: NtpDuration,
    mitigation: &Mitigation,
    phi: f64,
    own_ids: &[RefId],
) -> Unfit {
    let heard = &association.heard;
    let interval = association.poll.host_poll.interval().unwrap_or_default();
    let most = mitigation.maxdist + NtpDuration::from_seconds(phi * interval.as_secs_f64());
    Unfit {
        stratum: heard.leap == Leap::Alarm
            || heard.stratum < mitigation.floor
            || heard.stratum >= mitigation.ceiling,
        distance: association.clock.is_none()
            && (distance >= most || association.filter.dispersion() >= most),
        synchronised_to_us: heard.stratum > Stratum::new(1)
            && own_ids.contains(&heard.reference_id),
        unreachable: !association.poll.reach.is_reachable(),
        noselect: association.options.noselect,
    }
}

/// What is asked of sources and of the result of selection (`tos` in ntp.conf).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mitigation {
    /// Sources that must be left before the clock is touched.
    pub minsane: usize,
    /// Clustering stops at this many.
    pub minclock: usize,
    /// Beyond this many survivors are backups, and pools ask for no more.
    pub maxclock: usize,
    /// The least root distance.
    pub mindist: NtpDuration,
    /// The root distance that is too far.
    pub maxdist: NtpDuration,
    /// The least stratum that is accepted.
    pub floor: Stratum,
    /// The first stratum that is not.
    pub ceiling: Stratum,
    /// The stratum of orphan mode; 16 and above when it is off.
    pub orphan: Stratum,
    /// How long to be without a peer before being an orphan.
    pub orphan_wait: NtpDuration,
    /// Whether those who ask a group are answered by servers of their own stratum, too.
    pub cohort: bool,
    /// Polls after which manycast begins with its nearest neighbours again.
    pub beacon: u32,
    /// The resolution of the local clock.
    pub precision: crate::units::Precision,
}

impl Mitigation {
    pub(in crate::engine) fn new(precision: crate::units::Precision) -> Self {
        Self {
            minsane: 1,
            minclock: 3,
            maxclock: 10,
            mindist: NtpDuration::from_seconds(0.001),
            maxdist: NtpDuration::from_seconds(1.5),
            floor: Stratum::new(0),
            ceiling: Stratum::new(15),
            orphan: Stratum::new(17),
            orphan_wait: NtpDuration::from_seconds(300.0),
            cohort: false,
            beacon: 7200,
            precision,
        }
    }

    fn limits(&self, reserves_wait: bool) -> Limits {
        Limits {
            minsane: self.minsane,
            minclock: self.minclock,
            maxclock: self.maxclock,
            mindist: self.mindist,
            orphan: self.orphan,
            reserves_wait,
            precision: self.precision,
        }
    }
}

/// Codes of what happens to the system, as in a system status word.
pub(in crate::engine) mod system_event {
    pub(in crate::engine) const RESTARTED: u8 = 6;
    pub(in crate::engine) const PANIC: u8 = 7;
    pub(in crate::engine) const NO_PEER: u8 = 8;
    pub(in crate::engine) const LEAP_ARMED: u8 = 9;
    pub(in crate::engine) const LEAP_DISARMED: u8 = 10;
    pub(in crate::engine) const LEAP: u8 = 11;
    pub(in crate::engine) const STEPPED: u8 = 12;
}

const fn state_event(state: State) -> (u8, &'static str) {
    match state {
        State::NotSet => (1, "the frequency is not known"),
        State::FrequencySet => (2, "the frequency was taken from the drift file"),
        State::Spike => (3, "an offset beyond the step threshold is waited out"),
        State::Frequency => (4, "the frequency is being measured"),
        State::Synchronised => (5, "the clock is synchronised"),
    }
}

/// Sources are selected at most this often.
const BETWEEN_SELECTIONS: Duration = Duration::from_secs(1);
