//! A world run against the clock on the wall: the backend of `ntpscope demo`.
//!
//! The machine that the program pretends to run on is one of the world's, and so is what its clocks
//! show: snapshots are dated by the world's time, which may stand still or run 64 times as fast.

use std::collections::VecDeque;
use std::fmt;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Sleep;

use crate::backend::{Backend, Incident, Pace, Request, TargetId, Update, World};
use crate::sim::face::Face;
use crate::sim::host::MONO_START;
use crate::sim::moment::Moment;
use crate::sim::site::{Act, Cue, Stage};
use crate::sim::world::NodeId;
use crate::units::{Boot, Mono, Now, Raw};

/// A stage that time passes on.
pub struct Live {
    stage: Stage,
    /// Reads the clocks of the program.
    clock: Box<dyn Fn() -> Now>,
    pace: Pace,
    /// A reading of the program's monotonic clock, and the moment of the world then.
    since: (Mono, Moment),
    /// Which incidents are happening.
    on: Vec<bool>,
    script: VecDeque<Cue>,
    latest: Option<(Box<str>, Moment)>,
    shown: Vec<Shown>,
    updates: VecDeque<Update>,
    timer: Pin<Box<Sleep>>,
    /// When the screens were last told of what nobody looks at.
    told_all: Option<Mono>,
}

/// A machine that is shown.
#[derive(Debug)]
struct Shown {
    target: TargetId,
    node: NodeId,
    face: Face,
    is_visible: bool,
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stage, pace, since, .. } = self;
        let mut debug = f.debug_struct("Live");
        debug.field("stage", stage).field("pace", pace).field("since", since);
        debug.finish_non_exhaustive()
    }
}

impl Live {
    /// Opens a stage; `clock` reads the clocks of the program. The engine of the stage's own
    /// machine is [`TargetId::OWN`], the machines that are watched are the targets from 0 on.
    pub fn open(stage: Stage, pace: Pace, clock: Box<dyn Fn() -> Now>) -> Self {
        let own = (TargetId::OWN, stage.client);
        let watched = stage.watched.iter().zip(0..);
        let others = watched.map(|(node, place)| (TargetId::new(place), *node));
        let shown = std::iter::once(own).chain(others).map(|(target, node)| Shown {
            target,
            node,
            face: Face::of(&stage.world, node, target == TargetId::OWN),
            is_visible: target == TargetId::OWN,
        });
        let shown = shown.collect();
        let since = (clock().mono, stage.world.at());
        let mut live = Self {
            on: vec![false; stage.incidents.len()],
            script: stage.script.iter().cloned().collect(),
            stage,
            clock,
            pace,
            since,
            latest: None,
            shown,
            updates: VecDeque::new(),
            timer: Box::pin(tokio::time::sleep(Duration::ZERO)),
            told_all: None,
        };
        live.tell_world();
        live
    }

    /// Lets time pass until now.
    fn advance(&mut self) {
        let now = (self.clock)();
        let mut target = self.position(now.mono);
        let most = Duration::from_secs(MOST_AT_ONCE_S) * self.pace.factor();
        if target.since(self.stage.world.at()) > most {
            // The program itself was stopped for a while: the world was, too.
            target = self.stage.world.at() + most;
            self.since = (now.mono, target);
        }
        while self.script.front().is_some_and(|cue| cue.at <= target) {
            let Some(cue) = self.script.pop_front() else { break };
            self.stage.world.run_until(cue.at);
            match cue.what {
                Act::Toggle(place) => self.toggle(place),
                Act::Befall(incident) => {
                    incident.befall(&mut self.stage.world, self.stage.client);
                    self.latest = Some((incident.title().into(), cue.at));
                }
            }
        }
        self.stage.world.run_until(target);
        // What is not on screen gets old by the world's time.
        let behind = BEHIND_EVERY / self.pace.factor().max(1);
        let is_all_due = self.told_all.is_none_or(|told| now.mono.since(told) >= behind);
        if is_all_due {
            self.told_all = Some(now.mono);
            self.tell_world();
        }
        let asked = self.time(now);
        for shown in &mut self.shown {
            if !(shown.is_visible || is_all_due) {
                continue;
            }
            if let Some(daemon) = shown.face.look(&mut self.stage.world, shown.node, &asked) {
                self.updates.push_back(Update::Daemon { target: shown.target, daemon });
            }
        }
    }

    /// The moment of the world when the program's monotonic clock shows `mono`.
    fn position(&self, mono: Mono) -> Moment {
        let (then, moment) = self.since;
        moment + mono.since(then) * self.pace.factor()
    }

    fn set_pace(&mut self, pace: Pace) {
        let mono = (self.clock)().mono;
        self.since = (mono, self.position(mono));
        self.pace = pace;
        self.tell_world();
    }

    /// Lets an incident begin, or end.
    fn toggle(&mut self, place: usize) {
        let (Some(prepared), Some(is_on)) =
            (self.stage.incidents.get(place), self.on.get_mut(place))
        else {
            return;
        };
        let (doing, title) = if *is_on {
            (&prepared.end, format!("over: {}", prepared.title))
        } else {
            (&prepared.begin, prepared.title.clone())
        };
        *is_on = !*is_on && !prepared.end.is_empty();
        for incident in doing {
            incident.befall(&mut self.stage.world, self.stage.client);
        }
        self.latest = Some((title.into(), self.stage.world.at()));
        self.tell_world();
    }

    fn tell_world(&mut self) {
        let at = self.stage.world.at();
        let incidents = self.stage.incidents.iter().zip(&self.on);
        let world = World {
            title: self.stage.title.as_str().into(),
            pace: self.pace,
            elapsed: at.since(Moment::default()),
            truth: self.stage.world.truth().time(at),
            incidents: incidents
                .map(|(prepared, is_on)| Incident {
                    title: prepared.title.as_str().into(),
                    is_on: *is_on,
                })
                .collect(),
            latest: self.latest.as_ref().map(|(what, then)| (what.clone(), at.since(*then))),
            answers: None,
        };
        self.updates.push_back(Update::World(Arc::new(world)));
    }

    fn name(&self, address: IpAddr) -> Option<Arc<str>> {
        self.stage.world.name_at(address).map(Arc::from)
    }
}

impl Backend for Live {
    fn request(&mut self, request: Request) {
        match request {
            Request::Interest { target, interest } => {
                for shown in self.shown.iter_mut().filter(|shown| shown.target == target) {
                    shown.is_visible = interest.visible;
                }
            }
            Request::Name(address) => {
                let name = self.name(address);
                self.updates.push_back(Update::Name { address, name });
            }
            Request::Pace(pace) => self.set_pace(pace),
            Request::Incident(place) => {
                self.advance();
                self.toggle(usize::from(place));
            }
            // All is shown as it is, and the engine measures already.
            _ => {}
        }
    }

    fn poll_update(&mut self, context: &mut Context<'_>) -> Poll<Update> {
        loop {
            if let Some(update) = self.updates.pop_front() {
                return Poll::Ready(update);
            }
            if self.pace == Pace::Paused {
                return Poll::Pending;
            }
            if self.timer.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            self.advance();
            let tick = TICK.min(TICK_OF_WORLD / self.pace.factor().max(1));
            self.timer.set(tokio::time::sleep(tick));
        }
    }

    fn time(&self, now: Now) -> Now {
        let world = &self.stage.world;
        let at = self.position(now.mono);
        let passed = at.since(Moment::default());
        // While a machine sleeps so do its clocks, but one.
        let slept = world.host(self.stage.client).map_or(Duration::ZERO, |host| host.slept(at));
        let boot_ns = u64::try_from(passed.as_nanos()).unwrap_or(u64::MAX);
        let mono = MONO_START + passed.saturating_sub(slept);
        Now {
            mono,
            raw: Raw::from_nanos(mono.nanos()),
            boot: Boot::from_nanos(MONO_START.nanos().saturating_add(boot_ns)),
            clock: world.truth().time(at),
        }
    }
}

/// How often what is on screen is told anew at least.
const TICK: Duration = Duration::from_millis(125);

/// How much of the world's time passes in between at most.
const TICK_OF_WORLD: Duration = Duration::from_secs(4);

/// How often, by the world's time, what is not on screen is told.
const BEHIND_EVERY: Duration = Duration::from_secs(2);

/// Seconds of real time that are caught up with at most.
const MOST_AT_ONCE_S: u64 = 2;

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;
    use std::task::Waker;

    use super::*;
    use crate::config::engine::Algorithm;
    use crate::model::{Contact, Daemon, Interest};
    use crate::units::NtpTimestamp;

    /// A demo with the clock on the wall in our hand.
    struct Demo {
        live: Live,
        wall: Rc<Cell<Now>>,
        own: Arc<Daemon>,
        others: Vec<Arc<Daemon>>,
        world: Arc<World>,
        _runtime: tokio::runtime::Runtime,
    }

    impl Demo {
        fn open(pace: Pace) -> Self {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
            let runtime = runtime.unwrap();
            let _inside = runtime.enter();
            let start = NtpTimestamp::from_unix(1_790_000_000, 0);
            let stage = Stage::site(1, Algorithm::default(), start).unwrap();
            let wall = Rc::new(Cell::new(Now::default()));
            let clock = Rc::clone(&wall);
            let live = Live::open(stage, pace, Box::new(move || clock.get()));
            let others = vec![Arc::default(); 10];
            let (own, world) = (Arc::default(), Arc::default());
            let mut demo = Self { live, wall, own, others, world, _runtime: runtime };
            demo.take();
            demo
        }

        /// Lets the clock on the wall go on, a tenth of a second at a time.
        fn pass(&mut self, seconds: u64) {
            for _ in 0..seconds * 10 {
                let now = self.wall.get();
                let mono = now.mono + Duration::from_millis(100);
                self.wall.set(Now { mono, ..now });
                if self.live.pace != Pace::Paused {
                    self.live.advance();
                }
                self.take();
            }
        }

        fn take(&mut self) {
            while let Some(update) = self.live.updates.pop_front() {
                match update {
                    Update::Daemon { target: TargetId::OWN, daemon } => self.own = daemon,
                    Update::Daemon { target, daemon } => {
                        self.others[usize::from(target.place())] = daemon;
                    }
                    Update::World(world) => self.world = world,
                    _ => {}
                }
            }
        }

        fn now(&self) -> Now {
            self.live.time(self.wall.get())
        }
    }

    #[test]
    fn the_world_is_told_first_and_time_runs_at_its_pace() {
        let mut demo = Demo::open(Pace::Eight);
        assert_eq!(demo.world.incidents.len(), demo.live.stage.incidents.len());
        let before = demo.now();
        demo.pass(10);
        assert_eq!(demo.now().mono.since(before.mono), Duration::from_secs(80));
        demo.live.request(Request::Pace(Pace::Paused));
        demo.pass(10);
        assert_eq!(demo.now().mono.since(before.mono), Duration::from_secs(80));
        assert_eq!(demo.world.pace, Pace::Paused);
        demo.live.request(Request::Pace(Pace::SixtyFour));
        demo.pass(1);
        assert_eq!(demo.now().mono.since(before.mono), Duration::from_secs(144));
        assert_eq!(demo.world.elapsed, Duration::from_secs(144));
    }

    #[test]
    fn all_are_daemons_and_answer_by_the_time_of_the_world() {
        let mut demo = Demo::open(Pace::Eight);
        demo.pass(20);
        let now = demo.now();
        for daemon in demo.others.iter().chain([&demo.own]) {
            let Contact::Answering { last, .. } = daemon.contact else { panic!("{daemon:?}") };
            assert!(now.mono.since(last) <= Duration::from_secs(3), "{last:?} of {now:?}");
            assert!(daemon.identity.is_some() && daemon.system.latest().is_some());
            assert!(!daemon.peers.is_empty());
        }
        assert!(demo.own.clock_loop.is_some() && demo.own.selection.is_some());
        assert!(demo.others.iter().all(|daemon| daemon.clock_loop.is_none()));
    }

    #[test]
    fn the_clock_that_is_shown_is_as_wrong_as_it_is_in_truth() {
        let mut demo = Demo::open(Pace::Eight);
        let mut seen = Vec::new();
        for _ in 0..40 {
            demo.pass(1);
            let now = demo.now();
            let shown = demo.own.clock_at(now.mono).unwrap() - now.clock;
            let world = &mut demo.live.stage.world;
            let (at, truth) = (world.at(), *world.truth());
            let host = world.host_mut(demo.live.stage.client).unwrap();
            let is = host.now(at).clock - truth.time(at);
            // A snapshot is a little older than the world, and the clock slews meanwhile.
            assert!((shown - is).abs().seconds() < 20e-6, "{shown:?} instead of {is:?}");
            seen.push(is);
        }
        let spread = *seen.iter().max().unwrap() - *seen.iter().min().unwrap();
        assert!(spread.seconds() > 40e-6, "the clock is slewed all the while: {spread:?}");
    }

    #[test]
    fn a_program_that_was_stopped_does_not_make_up_for_it() {
        let mut demo = Demo::open(Pace::Eight);
        demo.pass(1);
        let now = demo.wall.get();
        demo.wall.set(Now { mono: now.mono + Duration::from_secs(3600), ..now });
        demo.live.advance();
        demo.take();
        assert_eq!(demo.world.elapsed, Duration::from_secs(8 + 16));
    }

    #[test]
    fn an_incident_begins_and_ends_on_its_key() {
        let mut demo = Demo::open(Pace::Eight);
        demo.pass(2);
        let lost = 1;
        demo.live.request(Request::Incident(lost));
        demo.pass(2);
        assert!(demo.world.incidents[usize::from(lost)].is_on);
        let is_silent = |daemon: &&Arc<Daemon>| matches!(daemon.contact, Contact::Silent { .. });
        assert_eq!(demo.others.iter().filter(is_silent).count(), 1);
        demo.live.request(Request::Incident(lost));
        demo.pass(2);
        assert!(!demo.world.incidents[usize::from(lost)].is_on);
        assert_eq!(demo.others.iter().filter(is_silent).count(), 0);
        let (latest, ago) = demo.world.latest.clone().unwrap();
        assert_eq!(&*latest, "over: ntp1.north is cut off");
        assert!(ago >= Duration::from_secs(14) && ago <= Duration::from_secs(16), "{ago:?}");
        // A place without an incident means nothing.
        demo.live.request(Request::Incident(200));
    }

    #[test]
    fn names_are_those_of_the_machines() {
        let mut demo = Demo::open(Pace::Paused);
        let address = demo.live.stage.watched[0].address();
        demo.live.request(Request::Name(address));
        demo.live.request(Request::Interest {
            target: TargetId::new(3),
            interest: Interest { visible: true, ..Interest::default() },
        });
        let mut context = Context::from_waker(Waker::noop());
        let Poll::Ready(Update::Name { name, .. }) = demo.live.poll_update(&mut context) else {
            panic!("no name")
        };
        assert_eq!(name.as_deref(), Some("gps1.north"));
        assert!(demo.live.poll_update(&mut context).is_pending(), "a world that stands still");
        assert!(demo.live.shown[4].is_visible);
    }
}
