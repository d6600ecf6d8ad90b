//! The system's clock: only ever with `--discipline`.
//!
//! Before each write it is read back: a word that we did not write means that somebody else steers
//! as well, and from then on nothing is written any more. The rate is left without a slew when the
//! program ends, however it ends that can be noticed, and when nobody renews a slew for a while.

use std::fmt;

use crate::clock::Clock;
use crate::clock::command::{Command, Held, Outcome, Steering};
use crate::clock::timescale::Timescale;
use crate::units::{Now, NtpDuration, NtpTimestamp, Ppm, Raw};

pub mod kernel;

use kernel::{Change, FREQUENCY_SCALE, Kernel, Pulses, Rate, Report, State, StatusBits, Told};

/// The system's clock, steered through `K`.
#[derive(Debug)]
pub struct System<K: Kernel> {
    kernel: K,
    /// What the kernel is set to unless somebody else touched it.
    expected: State,
    steering: Steering,
    steered: Raw,
    /// What the rate was before, within what a frequency may be.
    before: Rate,
    /// Whether the frequency in force is better than that.
    is_trusted: bool,
    /// Why nothing is written any more.
    held: Option<Held>,
    scale: Timescale,
}

impl<K: Kernel> System<K> {
    /// Takes the clock over: ends what is left of an `adjtime` and the kernel's own loop, and
    /// keeps its rate. `raw` and `time` are a reading of both clocks just taken.
    ///
    /// # Errors
    /// The kernel refused; nothing is steered.
    pub fn take_over(mut kernel: K, raw: Raw, time: NtpTimestamp) -> Result<Self, Failed> {
        let failed = |operation| move |errno| Failed { operation, errno };
        kernel.read().map_err(failed("read the system's clock"))?;
        let expected = kernel.write(Change::Quiet).map_err(failed("set the system's clock"))?;
        let frequency = clamped(expected.rate.ppm(), MOST_FREQUENCY_PPM);
        let mut system = Self {
            kernel,
            expected,
            steering: Steering { frequency, slew: Ppm::default() },
            steered: raw,
            before: Rate::from_ppm(frequency),
            is_trusted: false,
            held: None,
            scale: Timescale::new(raw, time),
        };
        system.scale.bend(raw, expected.rate.ppm());
        Ok(system)
    }

    /// Learns that the clock showed `time` at `raw`, from which [`Clock::at`] counts on.
    pub fn seen(&mut self, raw: Raw, time: NtpTimestamp) {
        self.scale = Timescale::new(raw, time);
        self.scale.bend(raw, self.expected.rate.ppm());
    }

    /// How much faster than the raw clock it runs.
    pub fn rate(&self) -> Ppm {
        self.expected.rate.ppm()
    }

    /// From now on the frequency of the commands is what the clock needs: it is left at that. Before,
    /// it is left at the rate that it had, for a frequency that was hardly measured may be worse.
    pub const fn trust(&mut self) {
        self.is_trusted = true;
    }

    /// The rate in force, and the one that it is to be left at.
    pub fn rates(&self) -> (Rate, Rate) {
        let base =
            if self.is_trusted { Rate::from_ppm(self.steering.frequency) } else { self.before };
        (self.expected.rate, base)
    }

    /// Ends a slew that has moved the clock further than any may without being told again: whoever
    /// asked for it has forgotten it. `None` when there is nothing to end.
    pub fn end_stale_slew(&mut self, now: &Now) -> Option<Outcome> {
        let elapsed_s = now.raw.seconds_since(self.steered);
        let moved_s = self.steering.slew.parts_per_million() / 1e6 * elapsed_s;
        let is_stale = moved_s.abs() > MOST_MOVED_S;
        (is_stale && self.held.is_none()).then(|| {
            let frequency = self.steering.frequency;
            self.command(now, &Command::Steer(Steering { frequency, slew: Ppm::default() }))
        })
    }

    /// Leaves the clock at the rate that it is to be left at, unless somebody else steers it by now.
    pub fn release(&mut self) {
        if self.held.is_none() && self.untouched(None).is_ok() {
            let (in_force, rate) = self.rates();
            if rate != in_force && self.write(Change::Rate(rate)).is_ok() {
                self.steering.slew = Ppm::default();
            }
        }
    }

    fn steer(&mut self, now: &Now, wanted: Steering) -> Result<Outcome, Held> {
        let frequency = clamped(wanted.frequency, MOST_FREQUENCY_PPM);
        let slew = clamped(wanted.slew, MOST_SLEW_PPM);
        let rate = Rate::from_ppm(Steering { frequency, slew }.rate());
        if rate != self.expected.rate {
            self.write(Change::Rate(rate))?;
        }
        // The words are coarser than what was wanted; what they differ by is slew.
        let in_force = rate.ppm().parts_per_million() - frequency.parts_per_million();
        self.steering = Steering { frequency, slew: Ppm::new(in_force).unwrap_or_default() };
        self.steered = now.raw;
        self.scale.bend(now.raw, rate.ppm());
        Ok(Outcome::Steered(self.steering))
    }

    /// Whether the kernel is set to what we set it to. After a long silence of ours (`now` says how
    /// long) it may also be at our base frequency: a guard of ours ended the slew.
    fn untouched(&mut self, now: Option<&Now>) -> Result<(), Held> {
        let found = self.kernel.read().map_err(held)?;
        let is_late =
            now.is_some_and(|now| now.raw.seconds_since(self.steered) > SHORTEST_SILENCE_S);
        let (_, base) = self.rates();
        if is_late && found.rate == base {
            self.expected.rate = base;
        }
        let same_status = found.status.set_by_programs() == self.expected.status.set_by_programs();
        if found.rate == self.expected.rate && same_status {
            return Ok(());
        }
        let expected = self.expected.rate.ppm();
        Err(Held::Interference { found: found.rate.ppm(), expected })
    }

    fn write(&mut self, change: Change) -> Result<(), Held> {
        let state = self.kernel.write(change).map_err(held)?;
        // What was written is what is expected, not what came back: if the two differ, somebody
        // was quicker, and the next reading shows it.
        match change {
            Change::Rate(rate) => self.expected.rate = rate,
            Change::Status(told) => self.expected.status = told.status,
            Change::Step { .. } | Change::Quiet => self.expected.status = state.status,
        }
        Ok(())
    }
}

impl<K: Kernel> Clock for System<K> {
    fn at(&self, raw: Raw) -> NtpTimestamp {
        self.scale.at(raw)
    }

    fn command(&mut self, now: &Now, command: &Command) -> Outcome {
        if let Some(held) = self.held {
            return Outcome::Held(held);
        }
        let done = self.untouched(Some(now)).and_then(|()| match *command {
            Command::Steer(steering) => self.steer(now, steering),
            Command::Step { by } => {
                self.write(Change::step(by))?;
                self.scale.step(by);
                Ok(Outcome::Stepped { by })
            }
            Command::Status(status) => {
                self.write(Change::Status(Told::from(status)))?;
                Ok(Outcome::Told)
            }
        });
        done.unwrap_or_else(|held| {
            // A single refusal may pass; the other two do not.
            if !matches!(held, Held::System { .. }) {
                self.held = Some(held);
            }
            Outcome::Held(held)
        })
    }
}

impl<K: Kernel> Drop for System<K> {
    fn drop(&mut self) {
        self.release();
    }
}

/// The system did not let us at its clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failed {
    /// What was attempted.
    pub operation: &'static str,
    /// The error number.
    pub errno: i32,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = std::io::Error::from_raw_os_error(self.errno);
        write!(f, "cannot {}: {why}", self.operation)?;
        if self.errno == libc::EPERM {
            f.write_str("\nhint: it takes the capability CAP_SYS_TIME")?;
        }
        Ok(())
    }
}

impl std::error::Error for Failed {}

/// The kernel of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Adjtimex;

impl Kernel for Adjtimex {
    fn read(&mut self) -> Result<State, i32> {
        call(&mut words()).map(|words| state(&words))
    }

    fn write(&mut self, change: Change) -> Result<State, i32> {
        // What ends the kernel's own loop has to leave its rate alone.
        let rate = if change == Change::Quiet { self.read()?.rate } else { Rate::NOMINAL };
        let mut after = None;
        for mut request in requests(change, rate) {
            after = Some(call(&mut request)?);
        }
        after.map_or_else(|| self.read(), |words| Ok(state(&words)))
    }
}

/// All that the kernel tells of its clock. Nothing is touched.
///
/// # Errors
/// The error number of the system.
pub fn report() -> Result<Report, i32> {
    call(&mut words()).map(|words| report_of(&words))
}

fn report_of(words: &libc::timex) -> Report {
    let fine = if words.status & libc::STA_NANO != 0 { 1e-9 } else { 1e-6 };
    #[expect(clippy::cast_precision_loss, reason = "the kernel's words are small")]
    let span = |units: i64, unit_s: f64| NtpDuration::from_seconds(units as f64 * unit_s);
    #[expect(clippy::cast_precision_loss, reason = "the kernel's words are small")]
    let frequency = |scaled: i64| Ppm::new(scaled as f64 / FREQUENCY_SCALE).unwrap_or_default();
    Report {
        offset: span(words.offset, fine),
        state: state(words),
        maximum_error: span(words.maxerror, 1e-6),
        estimated_error: span(words.esterror, 1e-6),
        time_constant: words.constant,
        precision: span(words.precision, 1e-6),
        tolerance: frequency(words.tolerance),
        pulses: Pulses {
            frequency: frequency(words.ppsfreq),
            stability: frequency(words.stabil),
            jitter: span(words.jitter, fine),
            shift: words.shift,
            calibrations: words.calcnt,
            errors: words.errcnt,
            jitter_exceeded: words.jitcnt,
            stability_exceeded: words.stbcnt,
        },
    }
}

/// What `change` asks of a kernel that runs at `rate`, call by call.
fn requests(change: Change, rate: Rate) -> Vec<libc::timex> {
    match change {
        Change::Rate(rate) => vec![Request::new(libc::ADJ_TICK | libc::ADJ_FREQUENCY).rate(rate).0],
        Change::Step { seconds, nanoseconds } => {
            let Request(mut request) = Request::new(libc::ADJ_SETOFFSET);
            request.time.tv_sec = seconds;
            // In nanoseconds, because of ADJ_NANO.
            request.time.tv_usec = i64::from(nanoseconds);
            vec![request]
        }
        Change::Status(told) => {
            let modes = libc::ADJ_STATUS | libc::ADJ_MAXERROR | libc::ADJ_ESTERROR;
            let Request(mut request) = Request::new(modes).status(told.status.bits());
            request.maxerror = told.maximum_error_us;
            request.esterror = told.estimated_error_us;
            vec![request]
        }
        Change::Quiet => quiet(rate),
    }
}

/// Ends the rest of an `adjtime` and the kernel's own loop, which holds on to an offset until it is
/// given another.
fn quiet(rate: Rate) -> Vec<libc::timex> {
    let mut adjtime = words();
    // Alone: to the kernel the bit of ADJ_NANO beside it means to look at the rest only.
    adjtime.modes = libc::ADJ_OFFSET_SINGLESHOT;
    let zero = Request::new(libc::ADJ_OFFSET | libc::ADJ_STATUS);
    let off = Request::new(libc::ADJ_STATUS | libc::ADJ_TICK | libc::ADJ_FREQUENCY);
    vec![
        adjtime,
        zero.status(libc::STA_PLL | libc::STA_UNSYNC).0,
        off.status(StatusBits::UNSYNCHRONISED.bits()).rate(rate).0,
    ]
}

/// A call that changes something.
struct Request(libc::timex);

impl Request {
    /// Nanoseconds are asked for every time: the kernel keeps the unit with its status, which others
    /// may have changed, and which a new status without it resets.
    fn new(modes: libc::c_uint) -> Self {
        Self(libc::timex { modes: modes | libc::ADJ_NANO, ..words() })
    }

    fn rate(mut self, rate: Rate) -> Self {
        self.0.tick = rate.tick_us();
        self.0.freq = rate.frequency();
        self
    }

    const fn status(mut self, bits: i32) -> Self {
        self.0.status = bits;
        self
    }
}

const fn state(words: &libc::timex) -> State {
    State {
        rate: Rate::from_words(words.tick, words.freq),
        status: StatusBits::from_bits(words.status),
    }
}

/// A call that changes nothing.
fn words() -> libc::timex {
    // SAFETY: the struct holds integers only, for which all bits zero is a value.
    unsafe { std::mem::zeroed() }
}

/// The one place where the kernel's clock is read or set.
fn call(words: &mut libc::timex) -> Result<libc::timex, i32> {
    // SAFETY: the pointer comes from a reference to a whole `timex`, which the call fills.
    let state = unsafe { libc::clock_adjtime(libc::CLOCK_REALTIME, words) };
    // Any other result is the state of the clock, "not synchronised" among them.
    if state == -1 {
        return Err(std::io::Error::last_os_error().raw_os_error().unwrap_or(0));
    }
    Ok(*words)
}

const fn held(errno: i32) -> Held {
    if errno == libc::EPERM { Held::NotPermitted } else { Held::System { errno } }
}

fn clamped(rate: Ppm, most_ppm: f64) -> Ppm {
    Ppm::new(rate.parts_per_million().clamp(-most_ppm, most_ppm)).unwrap_or_default()
}

/// The greatest frequency correction (RFC 5905 MAXFREQ).
const MOST_FREQUENCY_PPM: f64 = 500.0;

/// The fastest slew: a twelfth.
const MOST_SLEW_PPM: f64 = 83_333.0;

/// The furthest that a slew moves the clock without being told again: more than the greatest offset
/// that is slewed at all.
const MOST_MOVED_S: f64 = 2.0;

/// A guard that ends a slew because we hang has waited longer than this.
const SHORTEST_SILENCE_S: f64 = 2.5;

#[cfg(test)]
mod tests;

/// What the kernel is asked, in its own words; here, as no other file may know them.
#[cfg(test)]
mod words_tests {
    use super::*;
    use crate::clock::command::Status;
    use crate::units::{Leap, NtpDuration};

    fn to(ppm: f64) -> Change {
        Change::Rate(Rate::from_ppm(Ppm::new(ppm).unwrap()))
    }

    /// Whether Linux takes `words`, by the rules of its `timekeeping_validate_timex` and what it does
    /// with the modes after that.
    fn is_taken(words: &libc::timex) -> bool {
        const ADJTIME: u32 = 0x8000;
        const READ_ONLY: u32 = 0x2000;
        let has = |mode| words.modes & mode == mode;
        if words.modes & ADJTIME != 0 {
            // The rest of an `adjtime`: alone, to be changed and not only read.
            return has(libc::ADJ_OFFSET_SINGLESHOT)
                && words.modes == libc::ADJ_OFFSET_SINGLESHOT
                && words.modes & READ_ONLY == 0;
        }
        let known = libc::ADJ_OFFSET
            | libc::ADJ_FREQUENCY
            | libc::ADJ_MAXERROR
            | libc::ADJ_ESTERROR
            | libc::ADJ_STATUS
            | libc::ADJ_SETOFFSET
            | libc::ADJ_NANO
            | libc::ADJ_TICK;
        // Below 0x100 the bits of the status may be written.
        let status = words.status & !0xff == 0;
        // The phase is taken only with the loop on, and only within half a second.
        let offset = has(libc::ADJ_STATUS)
            && words.status & libc::STA_PLL != 0
            && words.offset.abs() <= 500_000_000;
        words.modes & !known == 0
            && has(libc::ADJ_NANO)
            && (!has(libc::ADJ_TICK) || (9_000..=11_000).contains(&words.tick))
            && (!has(libc::ADJ_FREQUENCY) || words.freq.abs() <= 500 * 65_536)
            && (!has(libc::ADJ_SETOFFSET) || (0..1_000_000_000).contains(&words.time.tv_usec))
            && (!has(libc::ADJ_STATUS) || status)
            && (!has(libc::ADJ_OFFSET) || offset)
            && (!has(libc::ADJ_MAXERROR) || (0..=16_000_000).contains(&words.maxerror))
            && (!has(libc::ADJ_ESTERROR) || (0..=16_000_000).contains(&words.esterror))
    }

    #[test]
    fn a_kernel_takes_all_that_is_asked_of_it() {
        let told = |leap, seconds| {
            let error = NtpDuration::from_seconds(seconds);
            Change::Status(Told::from(Status {
                leap,
                maximum_error: error,
                estimated_error: error,
            }))
        };
        let step = |seconds| Change::step(NtpDuration::from_seconds(seconds));
        let spans = [0.25, -0.25, -1.75, 2.5, 1e-9, -1e-9, -1e-10, 6e8, -6e8, 0.0];
        let rates = [0.0, 1.0, -12.345, 500.0, -83_833.0, 83_833.0, 1e9, -1e9];
        let leaps = [Leap::None, Leap::Insert, Leap::Delete, Leap::Alarm];
        let changes = spans
            .into_iter()
            .map(step)
            .chain(rates.into_iter().map(to))
            .chain(
                leaps
                    .into_iter()
                    .flat_map(|leap| [-1.0, 0.003, 1e6].map(|error| told(leap, error))),
            )
            .chain([Change::Quiet]);
        for change in changes {
            for request in requests(change, Rate::from_words(9_990, -32_768_000)) {
                assert!(is_taken(&request), "{change:?}: modes {:#x}", request.modes);
            }
        }
    }

    #[test]
    fn requests_say_what_was_meant() {
        let any = Rate::from_words(10_000, 0);
        let [step] = requests(Change::step(NtpDuration::from_seconds(-0.25)), any)[..] else {
            panic!("a step is one call")
        };
        assert_eq!(step.modes, libc::ADJ_SETOFFSET | libc::ADJ_NANO);
        assert_eq!((step.time.tv_sec, step.time.tv_usec), (-1, 750_000_000));
        let [rate] = requests(to(-150.0), any)[..] else { panic!("a rate is one call") };
        assert_eq!(rate.modes, libc::ADJ_TICK | libc::ADJ_FREQUENCY | libc::ADJ_NANO);
        assert_eq!((rate.tick, rate.freq), (9_998, 3_276_800));
        let found = Rate::from_words(10_001, -65_536);
        let [adjtime, zero, off] = requests(Change::Quiet, found)[..] else {
            panic!("three calls")
        };
        assert_eq!((adjtime.modes, adjtime.offset), (0x8001, 0));
        assert_eq!(zero.modes, libc::ADJ_OFFSET | libc::ADJ_STATUS | libc::ADJ_NANO);
        assert_eq!((zero.status, zero.offset), (libc::STA_PLL | libc::STA_UNSYNC, 0));
        assert_eq!(off.status, libc::STA_UNSYNC);
        assert_eq!((off.tick, off.freq), (10_001, -65_536));
    }
}
