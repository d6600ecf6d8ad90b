//! A clock on its own: every seed owns up to its error, which grows.

use std::time::Duration;

use ntpscope::config::engine::Algorithm;
use ntpscope::sim::moment::Moment;
use ntpscope::sim::run::Plan;
use ntpscope::sim::scenario::Scenario;
use ntpscope::sim::shipped::SHIPPED;
use ntpscope::units::AssocId;

/// When all servers are lost, and how long the clock is then left alone.
const LOST_H: u64 = 6;
const ALONE_H: u64 = 18;

/// How a clock on its own stood at some moment, without signs, in seconds.
#[derive(Clone, Copy, Debug)]
struct Standing {
    error: f64,
    /// What the discipline owns up to.
    bound: f64,
    /// What the system tells others.
    distance: f64,
    peer: Option<AssocId>,
}

/// How it stood every ten minutes.
fn course(scenario: &Scenario, seed: u64) -> Vec<Standing> {
    let (mut world, client) = Plan::new(seed, Algorithm::Kalman).world(scenario).unwrap();
    world.run_until(Moment::from_secs(3600 * LOST_H));
    for event in &scenario.events {
        assert_eq!(event.at.moment(), world.at());
        event.what.befall(&mut world, client);
    }
    let mut look = || {
        let at = world.at() + Duration::from_secs(600);
        world.run_until(at);
        let truth = world.truth().time(at);
        let host = world.host_mut(client).unwrap();
        let now = host.now(at);
        let engine = host.engine();
        let (system, report) = (engine.system(), engine.report(&now));
        // What it believes is still to be taken away is no error of what it knows.
        let error = now.clock - truth + report.offset;
        Standing {
            error: error.seconds().abs(),
            bound: report.error_bound.unwrap().seconds(),
            distance: system.root_delay.seconds() / 2.0 + engine.root_dispersion(&now).seconds(),
            peer: system.peer,
        }
    };
    (0..ALONE_H * 6).map(|_| look()).collect()
}

#[test]
fn the_error_of_a_clock_on_its_own_stays_inside_a_bound_that_grows() {
    let shipped = SHIPPED.iter().find(|shipped| shipped.name == "holdover").unwrap();
    let mut scenario = shipped.scenario().unwrap();
    for (seed, wander) in (1..=12).zip([1e-9, 3e-9, 1e-8].into_iter().cycle()) {
        scenario.client.oscillator.wander = wander;
        let course = course(&scenario, seed);
        for standing in &course {
            assert!(standing.error < standing.bound, "seed {seed}, {wander}: {standing:?}");
            assert!(standing.error < standing.distance, "seed {seed}, {wander}: {standing:?}");
        }
        // Nor is it the 15 ppm that are said of every oscillator.
        let last = course.last().unwrap();
        assert!(last.bound < last.distance / 2.0, "seed {seed}: {last:?}");
        for pair in course.windows(2) {
            let [before, after] = pair else { continue };
            assert!(after.bound > before.bound, "seed {seed}: {pair:?}");
            // Each system peer has a distance of its own, and they are given up one by one.
            if after.peer == before.peer {
                let grown = after.distance - before.distance;
                assert!(grown > 600.0 * 14e-6, "seed {seed}: {pair:?}");
            }
        }
        let given_up = course.iter().skip_while(|standing| standing.peer.is_some());
        assert!(given_up.count() > course.len() / 2, "seed {seed}");
    }
}
