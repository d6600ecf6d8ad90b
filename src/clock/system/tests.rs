//! The rules of steering, on a kernel that is made up.

use std::cell::RefCell;
use std::rc::Rc;

use super::System;
use super::kernel::{Change, Kernel, NOMINAL_TICK_US, Rate, State, StatusBits};
use crate::clock::Clock as _;
use crate::clock::command::{Command, Held, Outcome, Status, Steering};
use crate::units::{Leap, Now, NtpDuration, NtpTimestamp, Ppm, Raw};

/// A kernel's clock in memory, which the test keeps a hand on.
#[derive(Clone)]
struct Fake(Rc<RefCell<Inside>>);

struct Inside {
    state: State,
    changes: Vec<Change>,
    refuses: Option<i32>,
}

impl Fake {
    fn new() -> Self {
        let state = State {
            rate: Rate::from_words(NOMINAL_TICK_US, 65_536),
            status: StatusBits::UNSYNCHRONISED,
        };
        Self(Rc::new(RefCell::new(Inside { state, changes: Vec::new(), refuses: None })))
    }

    fn changes(&self) -> Vec<Change> {
        self.0.borrow().changes.clone()
    }

    fn set(&self, change: impl FnOnce(&mut Inside)) {
        change(&mut self.0.borrow_mut());
    }
}

impl Kernel for Fake {
    fn read(&mut self) -> Result<State, i32> {
        Ok(self.0.borrow().state)
    }

    fn write(&mut self, change: Change) -> Result<State, i32> {
        let mut inside = self.0.borrow_mut();
        if let Some(errno) = inside.refuses {
            return Err(errno);
        }
        inside.changes.push(change);
        match change {
            Change::Rate(rate) => inside.state.rate = rate,
            Change::Status(told) => inside.state.status = told.status,
            Change::Step { .. } => {
                let bits = inside.state.status.bits() | StatusBits::UNSYNCHRONISED.bits();
                inside.state.status = StatusBits::from_bits(bits);
            }
            Change::Quiet => inside.state.status = StatusBits::UNSYNCHRONISED,
        }
        Ok(inside.state)
    }
}

/// Numbers of errors.
const EPERM: i32 = 1;
const EINVAL: i32 = 22;

fn at(seconds: u64) -> Now {
    Now { raw: Raw::from_nanos(seconds * 1_000_000_000), ..Now::default() }
}

fn time(seconds: u32) -> NtpTimestamp {
    NtpTimestamp::from_bits(u64::from(seconds) << 32)
}

fn steering(frequency_ppm: f64, slew_ppm: f64) -> Steering {
    Steering { frequency: Ppm::new(frequency_ppm).unwrap(), slew: Ppm::new(slew_ppm).unwrap() }
}

fn steer(frequency_ppm: f64, slew_ppm: f64) -> Command {
    Command::Steer(steering(frequency_ppm, slew_ppm))
}

fn taken(kernel: &Fake) -> System<Fake> {
    System::take_over(kernel.clone(), at(0).raw, time(1000)).unwrap()
}

fn rate(ppm: f64) -> Change {
    Change::Rate(Rate::from_ppm(Ppm::new(ppm).unwrap()))
}

#[test]
fn taking_over_quiets_the_kernel_and_keeps_its_rate() {
    let kernel = Fake::new();
    let system = taken(&kernel);
    assert_eq!(kernel.changes(), [Change::Quiet]);
    assert!((system.rate().parts_per_million() - 1.0).abs() < 1e-9);
    // A million seconds at 1 ppm fast.
    let ahead = (system.at(at(1_000_000).raw) - time(1_001_000)).seconds();
    assert!((ahead - 1.0).abs() < 1e-6, "{ahead}");
}

#[test]
fn the_rate_is_written_once_and_told_as_finely_as_it_is_taken() {
    let kernel = Fake::new();
    let mut system = taken(&kernel);
    let Outcome::Steered(done) = system.command(&at(1), &steer(-12.3, 20.000_004)) else {
        panic!("not steered")
    };
    let wanted = Rate::from_ppm(Ppm::new(7.700_004).unwrap()).ppm().parts_per_million();
    assert!((done.frequency.parts_per_million() + 12.3).abs() < 1e-12);
    assert!((done.slew.parts_per_million() - (wanted + 12.3)).abs() < 1e-9);
    system.command(&at(2), &steer(-12.3, 20.000_004));
    assert_eq!(kernel.changes(), [Change::Quiet, rate(7.700_004)]);
}

#[test]
fn a_word_that_we_did_not_write_ends_all_writing() {
    let kernel = Fake::new();
    let mut system = taken(&kernel);
    system.command(&at(1), &steer(5.0, 0.0));
    let theirs = Rate::from_ppm(Ppm::new(-3.0).unwrap());
    kernel.set(|inside| inside.state.rate = theirs);
    let outcome = system.command(&at(2), &steer(6.0, 0.0));
    let found = theirs.ppm();
    let expected = Rate::from_ppm(Ppm::new(5.0).unwrap()).ppm();
    assert_eq!(outcome, Outcome::Held(Held::Interference { found, expected }));
    // Not even when all looks well again, and not at the end.
    kernel.set(|inside| inside.state.rate = Rate::from_ppm(Ppm::new(5.0).unwrap()));
    let step = Command::Step { by: NtpDuration::from_seconds(1.0) };
    assert!(matches!(system.command(&at(3), &step), Outcome::Held(Held::Interference { .. })));
    drop(system);
    assert_eq!(kernel.changes(), [Change::Quiet, rate(5.0)]);
}

#[test]
fn a_loop_that_somebody_turned_on_is_interference_but_lost_synchronisation_is_not() {
    let kernel = Fake::new();
    let mut system = taken(&kernel);
    let status = Command::Status(Status {
        leap: Leap::None,
        maximum_error: NtpDuration::from_seconds(0.1),
        estimated_error: NtpDuration::from_seconds(0.001),
    });
    assert_eq!(system.command(&at(1), &status), Outcome::Told);
    kernel.set(|inside| inside.state.status = StatusBits::UNSYNCHRONISED);
    assert_eq!(system.command(&at(2), &status), Outcome::Told);
    kernel.set(|inside| inside.state.status = StatusBits::PLL);
    let outcome = system.command(&at(3), &status);
    assert!(matches!(outcome, Outcome::Held(Held::Interference { .. })), "{outcome:?}");
}

#[test]
fn a_step_is_no_interference_with_what_follows() {
    let kernel = Fake::new();
    let mut system = taken(&kernel);
    let by = NtpDuration::from_seconds(-0.25);
    assert_eq!(system.command(&at(1), &Command::Step { by }), Outcome::Stepped { by });
    assert!(matches!(system.command(&at(2), &steer(2.0, 0.0)), Outcome::Steered(_)));
    assert_eq!(
        kernel.changes(),
        [Change::Quiet, Change::Step { seconds: -1, nanoseconds: 750_000_000 }, rate(2.0)]
    );
}

#[test]
fn the_end_leaves_the_base_frequency_once_that_is_known_and_before_what_was_there() {
    let kernel = Fake::new();
    let mut system = taken(&kernel);
    system.command(&at(1), &steer(-20.0, 400.0));
    drop(system);
    // What `Fake` begins with.
    assert_eq!(kernel.changes(), [Change::Quiet, rate(380.0), rate(1.0)]);
    let kernel = Fake::new();
    let mut system = taken(&kernel);
    system.command(&at(1), &steer(-20.0, 400.0));
    system.trust();
    drop(system);
    assert_eq!(kernel.changes(), [Change::Quiet, rate(380.0), rate(-20.0)]);
}

#[test]
fn a_slew_that_was_forgotten_ends() {
    let kernel = Fake::new();
    let mut system = taken(&kernel);
    system.command(&at(1), &steer(-20.0, 400.0));
    // An hour of 400 ppm are 1.44 s; after 5 000 s it has moved the clock by 2 s.
    assert_eq!(system.end_stale_slew(&at(3_600)), None);
    assert!(matches!(system.end_stale_slew(&at(5_002)), Some(Outcome::Steered(_))));
    assert_eq!(kernel.changes(), [Change::Quiet, rate(380.0), rate(-20.0)]);
    assert_eq!(system.end_stale_slew(&at(100_000)), None);
    system.command(&at(100_001), &steer(-20.0, -83_333.0));
    assert_eq!(system.end_stale_slew(&at(100_020)), None);
    assert!(system.end_stale_slew(&at(100_026)).is_some());
}

#[test]
fn a_slew_that_a_guard_ended_in_our_silence_is_no_interference() {
    let kernel = Fake::new();
    let mut system = taken(&kernel);
    system.trust();
    system.command(&at(1), &steer(-20.0, 400.0));
    kernel.set(|inside| inside.state.rate = Rate::from_ppm(Ppm::new(-20.0).unwrap()));
    assert!(matches!(system.command(&at(60), &steer(-20.0, 100.0)), Outcome::Steered(_)));
    // Without a silence it is somebody else's doing.
    kernel.set(|inside| inside.state.rate = Rate::from_ppm(Ppm::new(-20.0).unwrap()));
    let outcome = system.command(&at(61), &steer(-20.0, 100.0));
    assert!(matches!(outcome, Outcome::Held(Held::Interference { .. })), "{outcome:?}");
}

#[test]
fn rates_stay_within_what_a_clock_may_do() {
    let kernel = Fake::new();
    let mut system = taken(&kernel);
    let Outcome::Steered(done) = system.command(&at(1), &steer(9_999.0, -1e9)) else {
        panic!("not steered")
    };
    assert!((done.frequency.parts_per_million() - 500.0).abs() < 1e-9);
    assert!((done.slew.parts_per_million() + 83_333.0).abs() < 1e-4);
}

#[test]
fn a_missing_right_ends_all_writing_and_another_refusal_does_not() {
    let kernel = Fake::new();
    let mut system = taken(&kernel);
    kernel.set(|inside| inside.refuses = Some(EINVAL));
    let outcome = system.command(&at(1), &steer(3.0, 0.0));
    assert_eq!(outcome, Outcome::Held(Held::System { errno: EINVAL }));
    kernel.set(|inside| inside.refuses = Some(EPERM));
    assert_eq!(system.command(&at(2), &steer(3.0, 0.0)), Outcome::Held(Held::NotPermitted));
    kernel.set(|inside| inside.refuses = None);
    assert_eq!(system.command(&at(3), &steer(3.0, 0.0)), Outcome::Held(Held::NotPermitted));
    assert_eq!(kernel.changes(), [Change::Quiet]);
}
