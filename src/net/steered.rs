//! The clock that an engine steers, with the readings and stamps that go with it.
//!
//! An engine sees one clock. When observing it is a virtual one, which is computed from the raw
//! clock; with `--discipline` it is the system's, which the kernel stamps datagrams by. Where this
//! host's own clock is all that the engine goes by, the virtual clock follows the system's: who
//! serves by `127.127.1.0` means the clock that everybody else on the host sees.

use crate::clock::Clock as _;
use crate::clock::command::{Command, Outcome};
use crate::clock::observe::Observed;
use crate::clock::system::kernel::{Kernel, Rate};
use crate::clock::system::{Adjtimex, Failed, System};
use crate::engine::input::Stamp;
use crate::net::stamp::Bracket;
use crate::units::{Boot, Leap, Mono, Now, NtpDuration, NtpTimestamp, Ppm};

/// The clock that an engine steers.
#[derive(Debug)]
pub struct Steered<K: Kernel = Adjtimex> {
    hand: Hand<K>,
    /// An earlier reading, to see how fast the system's clock goes, whoever steers it.
    earlier: Bracket,
    system_rate: Ppm,
}

#[derive(Debug)]
enum Hand<K: Kernel> {
    /// A virtual clock, with a watch over the system's while it follows that.
    Virtual(Observed, Option<StepWatch>),
    System {
        clock: System<K>,
        steps: StepWatch,
    },
}

impl Steered {
    /// Lays a virtual clock over the system's, which is never touched.
    pub fn observing(bracket: Bracket) -> Self {
        let hand = Hand::Virtual(Observed::new(bracket.raw, bracket.system), None);
        Self { hand, earlier: bracket, system_rate: Ppm::default() }
    }
}

impl<K: Kernel> Steered<K> {
    /// Takes over the system's clock, through `kernel`.
    ///
    /// # Errors
    /// The kernel refused.
    pub fn disciplining(kernel: K, bracket: Bracket) -> Result<Self, Failed> {
        let clock = System::take_over(kernel, bracket.raw, bracket.system)?;
        let system_rate = clock.rate();
        let hand = Hand::System { clock, steps: StepWatch::default() };
        Ok(Self { hand, earlier: bracket, system_rate })
    }

    /// Whether it is the system's clock.
    pub const fn is_system(&self) -> bool {
        matches!(self.hand, Hand::System { .. })
    }

    /// Whether it goes where the system's clock goes, which others may step.
    pub const fn can_be_stepped(&self) -> bool {
        matches!(self.hand, Hand::System { .. } | Hand::Virtual(_, Some(_)))
    }

    /// Has a virtual clock follow the system's from `bracket` on, or go its own way again; by how
    /// much that moves it at once, positive for forward, where anybody would notice.
    pub fn follow_system(&mut self, follows: bool, bracket: &Bracket) -> Option<NtpDuration> {
        let Hand::Virtual(clock, watch) = &mut self.hand else { return None };
        if follows == watch.is_some() {
            return None;
        }
        *watch = follows.then(StepWatch::default);
        if !follows {
            clock.part_from_system(bracket.raw);
            return None;
        }
        let by = -clock.ahead_of_system(bracket.raw, bracket.system);
        clock.follow_system(bracket.raw, bracket.system, self.system_rate);
        (by.abs().seconds() >= SMALLEST_STEP_S).then_some(by)
    }

    /// What the clocks showed at `bracket`; `mono` and `boot` were read with it.
    pub fn now(&mut self, mono: Mono, boot: Boot, bracket: &Bracket) -> Now {
        let clock = match &mut self.hand {
            Hand::Virtual(clock, watch) => {
                self.system_rate = rate_between(&mut self.earlier, bracket, self.system_rate);
                if watch.is_some() {
                    clock.follow_system(bracket.raw, bracket.system, self.system_rate);
                }
                clock.at(bracket.raw)
            }
            Hand::System { clock, .. } => {
                clock.seen(bracket.raw, bracket.system);
                self.system_rate = clock.rate();
                bracket.system
            }
        };
        Now { mono, raw: bracket.raw, boot, clock }
    }

    /// The stamp of a datagram: the kernel's, by the system's clock, carried over by a `bracket`
    /// read soon after; or the time of the bracket itself where the kernel gave none.
    pub fn stamp(&self, kernel: Option<NtpTimestamp>, bracket: &Bracket) -> Stamp {
        let stamp = stamp_by_system(kernel, bracket, self.system_rate);
        match &self.hand {
            Hand::Virtual(clock, _) => Stamp { clock: clock.at(stamp.raw), ..stamp },
            Hand::System { .. } => stamp,
        }
    }

    /// What the clock shows now.
    pub fn reading(&self) -> NtpTimestamp {
        match &self.hand {
            Hand::Virtual(clock, _) => clock.at(crate::net::stamp::raw()),
            Hand::System { .. } => crate::net::stamp::system(),
        }
    }

    /// Carries a command out.
    pub fn command(&mut self, now: &Now, command: &Command) -> Outcome {
        match &mut self.hand {
            Hand::Virtual(clock, _) => clock.command(now, command),
            Hand::System { clock, steps } => {
                let outcome = clock.command(now, command);
                match (outcome, command) {
                    (Outcome::Stepped { by }, _) => steps.expect(by),
                    (Outcome::Told, Command::Status(status)) => steps.leap = status.leap,
                    _ => {}
                }
                outcome
            }
        }
    }

    /// The rate in force and the one that it is to be left at; `None` for a virtual clock.
    pub fn rates(&self) -> Option<(Rate, Rate)> {
        match &self.hand {
            Hand::Virtual(..) => None,
            Hand::System { clock, .. } => Some(clock.rates()),
        }
    }

    /// The engine knows by now what frequency the clock needs: it is left at that.
    pub const fn trust(&mut self) {
        if let Hand::System { clock, .. } = &mut self.hand {
            clock.trust();
        }
    }

    /// Ends a slew that the engine has forgotten; `None` when there is none.
    pub fn end_stale_slew(&mut self, now: &Now) -> Option<Outcome> {
        match &mut self.hand {
            Hand::Virtual(..) => None,
            Hand::System { clock, .. } => clock.end_stale_slew(now),
        }
    }

    /// How far somebody else has stepped the clock since the last look, positive for forward;
    /// `None` when nobody has. `reread` reads the monotonic clock and the system's again.
    pub fn stepped_by_others(
        &mut self,
        mono: Mono,
        system: NtpTimestamp,
        reread: impl FnMut() -> (Mono, NtpTimestamp),
    ) -> Option<NtpDuration> {
        match &mut self.hand {
            Hand::Virtual(_, None) => None,
            Hand::Virtual(_, Some(steps)) | Hand::System { steps, .. } => {
                steps.look(mono, system, reread)
            }
        }
    }

    /// How far the steered clock is ahead of the system's, which is nothing when they are the same.
    pub fn ahead_of_system(&self, bracket: &Bracket) -> NtpDuration {
        match &self.hand {
            Hand::Virtual(clock, _) => clock.ahead_of_system(bracket.raw, bracket.system),
            Hand::System { .. } => NtpDuration::ZERO,
        }
    }
}

/// The stamp of a datagram on the raw clock and on the system's, which runs `rate` faster: the
/// kernel's, carried over by a `bracket` read soon after, or the time of the bracket itself where
/// the kernel gave none.
pub fn stamp_by_system(kernel: Option<NtpTimestamp>, bracket: &Bracket, rate: Ppm) -> Stamp {
    let raw = kernel.and_then(|stamp| bracket.raw_of(stamp, rate));
    let (raw, clock, error) = match (raw, kernel) {
        (Some(raw), Some(stamp)) => (raw, stamp, NtpDuration::from_seconds(KERNEL_ERROR_S)),
        _ => (bracket.raw, bracket.system, NtpDuration::from_seconds(PROGRAM_ERROR_S)),
    };
    Stamp { raw, clock, error: error + bracket.error }
}

/// The kernel's stamp of a datagram that left, unless it is from `before` the kernel was asked to
/// send it.
pub fn left_after(kernel: Option<NtpTimestamp>, before: &Bracket) -> Option<NtpTimestamp> {
    kernel.filter(|stamp| {
        (*stamp - before.system).seconds() > -before.error.seconds() - DEPARTURE_SLACK_S
    })
}

/// Clocks are read through caches, so a stamp may seem this much too early.
pub(super) const DEPARTURE_SLACK_S: f64 = 1e-5;

/// How fast the system's clock went since `earlier`, which moves on; `before` while that cannot be
/// told, or when the clock was stepped.
fn rate_between(earlier: &mut Bracket, bracket: &Bracket, before: Ppm) -> Ppm {
    let elapsed_s = bracket.raw.seconds_since(earlier.raw);
    if elapsed_s < RATE_SPAN_S {
        return before;
    }
    let gained_s = (bracket.system - earlier.system).seconds() - elapsed_s;
    *earlier = *bracket;
    let rate_ppm = gained_s / elapsed_s * 1e6;
    if rate_ppm.abs() > MOST_RATE_PPM { before } else { Ppm::new(rate_ppm).unwrap_or(before) }
}

/// Tells steps of the system's clock by its distance from the monotonic clock, which is slewed as
/// it is but never stepped.
#[derive(Clone, Copy, Debug)]
struct StepWatch {
    distance: Option<NtpTimestamp>,
    /// What we told the kernel: that leap is its own step, and no stranger's.
    leap: Leap,
}

impl Default for StepWatch {
    fn default() -> Self {
        Self { distance: None, leap: Leap::None }
    }
}

impl StepWatch {
    /// We step it ourselves.
    fn expect(&mut self, by: NtpDuration) {
        self.distance = self.distance.map(|distance| distance + by);
    }

    fn look(
        &mut self,
        mono: Mono,
        system: NtpTimestamp,
        mut reread: impl FnMut() -> (Mono, NtpTimestamp),
    ) -> Option<NtpDuration> {
        let known = self.distance.get_or_insert_with(|| distance(mono, system));
        let mut by = distance(mono, system) - *known;
        // An interruption between the two readings looks like a step, but not every time.
        for _ in 0..SECOND_LOOKS {
            if by.abs().seconds() < SMALLEST_STEP_S {
                break;
            }
            let (mono, system) = reread();
            let again = distance(mono, system) - *known;
            if again.abs() < by.abs() {
                by = again;
            }
        }
        // What builds up from readings that were a little apart must not add up to a step.
        *known = *known + by;
        let leap_s = match self.leap {
            Leap::Insert => -1.0,
            Leap::Delete => 1.0,
            Leap::None | Leap::Alarm => 0.0,
        };
        let is_leap = (by.seconds() - leap_s).abs() < SMALLEST_STEP_S;
        (by.abs().seconds() >= SMALLEST_STEP_S && !is_leap).then_some(by)
    }
}

/// Where the origin of the monotonic clock lies on the system's.
fn distance(mono: Mono, system: NtpTimestamp) -> NtpTimestamp {
    system + -NtpDuration::from(mono.since(Mono::default()))
}

/// The error of a stamp of the kernel's, one standard deviation. What an interrupt comes late
/// lengthens the round trip, as the network does, and is not counted here.
const KERNEL_ERROR_S: f64 = 0.5e-6;

/// The error of a stamp taken by the program, one standard deviation.
const PROGRAM_ERROR_S: f64 = 10e-6;

/// How long the system's clock is watched to tell its rate.
const RATE_SPAN_S: f64 = 4.0;

/// A clock that seems to run faster was stepped.
const MOST_RATE_PPM: f64 = 100_000.0;

/// The smallest step that is told.
const SMALLEST_STEP_S: f64 = 1e-4;

/// How often a suspected step is looked at again.
const SECOND_LOOKS: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::command::Steering;
    use crate::units::Raw;

    fn bracket(raw_s: f64, system_s: f64) -> Bracket {
        let nanos = std::time::Duration::from_secs_f64(raw_s).as_nanos();
        let system = NtpTimestamp::from_unix(1_700_000_000, 0);
        Bracket {
            raw: Raw::from_nanos(u64::try_from(nanos).unwrap()),
            system: system + NtpDuration::from_seconds(system_s),
            error: NtpDuration::from_seconds(1e-7),
        }
    }

    fn seconds(seconds: u64) -> Mono {
        Mono::from_nanos(seconds * 1_000_000_000)
    }

    #[test]
    fn a_stamp_of_the_kernels_is_carried_to_the_virtual_clock() {
        let mut steered = Steered::observing(bracket(10.0, 0.0));
        let now = steered.now(seconds(0), Boot::default(), &bracket(10.0, 0.0));
        let steering = Steering { frequency: Ppm::new(100.0).unwrap(), slew: Ppm::default() };
        steered.command(&now, &Command::Steer(steering));
        // Ten seconds later; the system's clock has been stepped back a minute by its keeper.
        let later = bracket(20.0, -50.0);
        let now = steered.now(seconds(10), Boot::default(), &later);
        let came = later.system + NtpDuration::from_seconds(-0.5);
        let stamp = steered.stamp(Some(came), &later);
        assert!((now.clock - stamp.clock).seconds() - 0.5 < 1e-4);
        assert_eq!(stamp.raw, Raw::from_nanos(19_500_000_000));
        assert!((steered.ahead_of_system(&later).seconds() - 60.001).abs() < 1e-8);
    }

    #[test]
    fn a_stamp_of_the_programs_says_that_it_is_worse() {
        let steered = Steered::observing(bracket(10.0, 0.0));
        let at = bracket(11.0, 1.0);
        let kernels = steered.stamp(Some(at.system), &at);
        for none in [None, Some(NtpTimestamp::from_unix(0, 0))] {
            let own = steered.stamp(none, &at);
            assert_eq!(own.raw, at.raw);
            assert!(own.error > kernels.error);
        }
    }

    #[test]
    fn stamps_follow_the_rate_at_which_others_steer_the_system() {
        let mut steered = Steered::observing(bracket(10.0, 0.0));
        steered.now(seconds(5), Boot::default(), &bracket(15.0, 5.5));
        let at = bracket(16.0, 6.6);
        let came = at.system + NtpDuration::from_seconds(-1.1);
        let raw = steered.stamp(Some(came), &at).raw;
        assert!(raw.seconds_since(bracket(15.0, 0.0).raw).abs() < 2e-9, "{raw:?}");
        // A step is not taken for a rate.
        steered.now(seconds(12), Boot::default(), &bracket(22.0, 3600.0));
        assert!((steered.system_rate.parts_per_million() - 100_000.0).abs() < 1e-3);
    }

    #[test]
    fn a_clock_that_is_all_there_is_shows_what_the_system_shows() {
        let mut steered = Steered::observing(bracket(10.0, 0.0));
        assert!(!steered.can_be_stepped());
        // Its keeper slews the system's clock by 200 ppm, and has it 0.4 s ahead of ours.
        steered.now(seconds(0), Boot::default(), &bracket(20.0, 10.4));
        steered.now(seconds(10), Boot::default(), &bracket(30.0, 20.402));
        let by = steered.follow_system(true, &bracket(40.0, 30.404)).unwrap();
        assert!((by.seconds() - 0.404).abs() < 1e-8, "{by:?}");
        assert!(steered.can_be_stepped());
        assert_eq!(steered.follow_system(true, &bracket(40.0, 30.404)), None);
        let at = bracket(50.0, 40.406);
        let now = steered.now(seconds(30), Boot::default(), &at);
        assert_eq!(now.clock, at.system);
        let came = at.system + NtpDuration::from_seconds(-0.001);
        assert!((steered.stamp(Some(came), &at).clock - came).abs().seconds() < 1e-9);
        // From here on it goes its own way, at the rate that it is steered at: none.
        assert_eq!(steered.follow_system(false, &at), None);
        let now = steered.now(seconds(40), Boot::default(), &bracket(60.0, 50.5));
        assert!((now.clock - at.system).seconds() - 10.0 < 1e-8, "{now:?}");
    }

    #[test]
    fn steps_of_others_are_told_and_our_own_are_not() {
        let mut watch = StepWatch::default();
        let never = || -> (Mono, NtpTimestamp) { panic!("no second look was needed") };
        let system = |s: f64| bracket(0.0, s).system;
        assert_eq!(watch.look(seconds(1), system(1.0), never), None);
        watch.expect(NtpDuration::from_seconds(3.0));
        assert_eq!(watch.look(seconds(2), system(5.0), never), None);
        // An interruption: the second look finds nothing.
        assert_eq!(watch.look(seconds(3), system(6.01), || (seconds(4), system(7.0))), None);
        let by = watch.look(seconds(5), system(7.75), || (seconds(5), system(7.75))).unwrap();
        assert!((by.seconds() + 0.25).abs() < 1e-8);
        assert_eq!(watch.look(seconds(6), system(8.75), never), None);
        watch.leap = Leap::Insert;
        assert_eq!(watch.look(seconds(8), system(9.75), || (seconds(8), system(9.75))), None);
        assert_eq!(watch.look(seconds(9), system(10.75), never), None);
    }
}
