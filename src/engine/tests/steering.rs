//! When the clock is steered, and how often sources are asked meanwhile.

use super::pair::{Pair, Server, iburst, seconds};
use crate::config::drift::Drift;
use crate::config::ntp_conf::{Directive, Flag, Tinker};
use crate::engine::input::Input;
use crate::engine::settings::{Algorithm, Settings};
use crate::units::{NtpDuration, Ppm, Tally};

const ALL: [Algorithm; 2] = [Algorithm::Ntp, Algorithm::Kalman];

fn with(algorithm: Algorithm, seed: u8) -> Pair {
    Pair::with(Settings { algorithm, ..Settings::default() }, seed)
}

fn steer(pair: &mut Pair, is_enabled: bool) {
    let now = pair.now();
    let directive = Directive::Flag { flag: Flag::Ntp, is_enabled };
    pair.engine.apply(&now, &directive).unwrap();
    pair.handle(Input::Wakeup);
}

fn commands(pair: &Pair) -> Vec<&String> {
    pair.log.iter().filter(|line| line.contains(" Clock(")).collect()
}

#[test]
fn a_clock_that_is_not_to_be_steered_is_left_alone_until_it_is_again() {
    for algorithm in ALL {
        let mut pair = with(algorithm, 1);
        let ids = [1, 2, 3].map(|number| pair.serve(number, Server::default(), iburst()));
        pair.run(seconds(7200));
        // In the midst of an offset that is being taken away.
        pair.set_error(-0.02);
        pair.run(seconds(600));
        let before = commands(&pair).len();
        steer(&mut pair, false);
        let last = commands(&pair);
        assert!(last.len() <= before + 1, "{algorithm:?}");
        // At most the slew was ended, and with it what the clock gains.
        let told = last.len();
        pair.set_error(-0.05);
        let now = pair.now();
        pair.engine.apply(&now, &Directive::Tinker(Tinker::Frequency(Ppm::default()))).unwrap();
        pair.run(seconds(3600));
        pair.handle(Input::ClockStepped { by: NtpDuration::from_seconds(0.01) });
        pair.run(seconds(7200));
        assert_eq!(commands(&pair).len(), told, "{algorithm:?}");
        assert!((pair.error_s() + 0.05).abs() < 0.03, "{algorithm:?}: {}", pair.error_s());
        // Selection went on.
        let is_used = |id| pair.association(id).standing.tally >= Tally::Candidate;
        assert!(ids.into_iter().all(is_used), "{algorithm:?}");
        steer(&mut pair, true);
        pair.run(seconds(57_600));
        assert!(commands(&pair).len() > told, "{algorithm:?}");
        assert!(pair.error_s().abs() < 2e-3, "{algorithm:?}: {}", pair.error_s());
        assert!(pair.steps.is_empty(), "{algorithm:?}: {:?}", pair.steps);
    }
}

#[test]
fn the_slew_in_force_ends_when_steering_does() {
    for algorithm in ALL {
        let mut pair = with(algorithm, 2);
        pair.set_error(-0.1);
        pair.serve(1, Server::default(), iburst());
        while pair.engine.steering.slew == Ppm::default() {
            pair.run(seconds(1));
        }
        steer(&mut pair, false);
        let before_s = pair.error_s();
        pair.run(seconds(3600));
        let gained_s = pair.error_s() - before_s;
        // The raw clock is true: no more is gained than what is believed of its frequency.
        assert!(gained_s.abs() < 0.2, "{algorithm:?}: {gained_s}");
        let steered = commands(&pair).into_iter().rfind(|line| line.contains("Steer(")).unwrap();
        let none = format!("slew: {:?}", Ppm::default());
        assert!(steered.contains(&none), "{algorithm:?}: {steered}");
    }
}

#[test]
fn a_configuration_that_forbids_steering_holds_back_even_the_first_command() {
    for algorithm in ALL {
        let frequency = Ppm::new(20.0).unwrap();
        let drift = Some(Drift { frequency, skew: None });
        let mut pair = Pair::with(Settings { algorithm, drift, ..Settings::default() }, 3);
        let now = pair.now();
        let directive = Directive::Flag { flag: Flag::Ntp, is_enabled: false };
        pair.engine.apply(&now, &directive).unwrap();
        pair.serve(1, Server::default(), iburst());
        pair.run(seconds(3600));
        assert_eq!(commands(&pair), Vec::<&String>::new(), "{algorithm:?}");
    }
}

#[test]
fn the_interval_shown_is_the_one_that_is_waited() {
    let mut pair = with(Algorithm::Kalman, 4);
    let ids = [1, 2].map(|number| pair.serve(number, Server::default(), iburst()));
    let mut differs = 0;
    for _ in 0..1000 {
        let before = pair.sent.len();
        pair.run(seconds(4));
        if pair.sent.len() == before {
            continue;
        }
        for id in ids {
            let poll = &pair.association(id).poll;
            let (Some(last), Some(next)) = (poll.last, poll.next) else { continue };
            if poll.burst_left() > 0 {
                continue;
            }
            let waited_s = next.since(last).as_secs_f64();
            let shown_s = poll.interval().interval().unwrap().as_secs_f64();
            assert!((0.6..1.8).contains(&(waited_s / shown_s)), "{waited_s} as {shown_s}");
            differs += u32::from(poll.interval() != poll.host_poll);
        }
    }
    assert!(differs >= 5, "only {differs}: the wishes of the discipline count for nothing");
}
