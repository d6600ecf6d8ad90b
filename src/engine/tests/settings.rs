//! What lines of ntp.conf change, from their text to what the engine does.

use super::pair::{Pair, Server, iburst, seconds};
use crate::config::ntp_conf::{self, Options};
use crate::engine::mobilize::{Applied, Refused};
use crate::engine::settings::{Algorithm, Settings};
use crate::selection::Reason;
use crate::units::{AssocId, PollExponent, Tally};

/// An engine that was told these lines.
fn told(seed: u8, algorithm: Algorithm, conf: &str) -> Pair {
    let mut pair = Pair::with(Settings { algorithm, ..Settings::default() }, seed);
    tell(&mut pair, conf);
    pair
}

fn tell(pair: &mut Pair, conf: &str) {
    let now = pair.now();
    for placed in ntp_conf::read("ntp.conf", conf).unwrap() {
        pair.engine.apply(&now, &placed.directive).unwrap();
    }
    pair.handle(crate::engine::input::Input::Wakeup);
}

fn tallies(pair: &Pair, ids: &[AssocId]) -> String {
    ids.iter().map(|id| pair.association(*id).standing.tally.character()).collect()
}

fn serve(pair: &mut Pair, count: u8) -> Vec<AssocId> {
    let server = |number| Server { ahead_s: f64::from(number) * 1e-4, ..Server::default() };
    (1..=count).map(|number| pair.serve(number, server(number), iburst())).collect()
}

#[test]
fn minsane_asks_for_so_many_survivors() {
    for (minsane, follows) in [(1, true), (2, true), (3, false)] {
        let mut pair = told(1, Algorithm::Ntp, &format!("tos minsane {minsane}"));
        let ids = serve(&mut pair, 2);
        pair.run(seconds(1000));
        assert_eq!(pair.engine.system().peer.is_some(), follows, "{minsane}");
        let too_few = ids.iter().all(|id| {
            pair.association(*id).standing.reason == Some(Reason::TooFew { survivors: 2 })
        });
        assert_eq!(too_few, !follows, "{minsane}");
    }
}

#[test]
fn minclock_and_maxclock_bound_the_survivors() {
    let marks = |conf: &str| {
        let mut pair = told(2, Algorithm::Ntp, conf);
        let spread = |number: u8| Server { ahead_s: f64::from(number) * 2e-3, ..Server::default() };
        let ids: Vec<AssocId> =
            (1..=6).map(|number| pair.serve(number, spread(number), iburst())).collect();
        // Until the clock rests, and with it what the sources seem to vary by.
        pair.run(seconds(60_000));
        let mut marks: Vec<char> = tallies(&pair, &ids).chars().collect();
        marks.sort_unstable();
        marks.into_iter().collect::<String>()
    };
    assert_eq!(marks("tos minclock 3"), "*++---");
    assert_eq!(marks("tos minclock 5"), "*++++-");
    assert_eq!(marks("tos minclock 2 maxclock 4"), "##*+--");
}

#[test]
fn mindist_is_the_least_distance_and_maxdist_the_greatest() {
    let mut pair = told(3, Algorithm::Ntp, "tos mindist 0.05");
    let ids = serve(&mut pair, 2);
    // So far apart that only a wide interval has a point in common.
    pair.server(2).ahead_s = 0.06;
    pair.run(seconds(1000));
    let distance_s = pair.association(ids[0]).standing.distance.seconds();
    assert!((distance_s - 0.05).abs() < 1e-6, "{distance_s}");
    assert!(!tallies(&pair, &ids).contains('x'), "{}", tallies(&pair, &ids));
    let mut strict = told(3, Algorithm::Ntp, "tos maxdist 0.2");
    let near = strict.serve(1, Server::default(), iburst());
    let far = Server { root_dispersion_s: 0.3, ..Server::default() };
    let far = strict.serve(2, far, iburst());
    strict.run(seconds(2000));
    assert_eq!(tallies(&strict, &[near, far]), "* ");
    assert_eq!(strict.association(far).flash.bits() & 0x0400, 0x0400);
    tell(&mut strict, "tos maxdist 1.5");
    strict.run(seconds(200));
    assert!(strict.association(far).standing.tally >= Tally::Candidate);
}

#[test]
fn strata_from_the_floor_to_below_the_ceiling_are_accepted() {
    let mut pair = told(4, Algorithm::Ntp, "tos floor 2 ceiling 5");
    let ids: Vec<AssocId> = [1, 2, 4, 5]
        .into_iter()
        .map(|stratum| pair.serve(stratum, Server { stratum, ..Server::default() }, iburst()))
        .collect();
    pair.run(seconds(1000));
    let samples: Vec<bool> = ids.iter().map(|id| pair.association(*id).samples > 0).collect();
    assert_eq!(samples, [false, true, true, false]);
    assert_eq!(pair.association(ids[0]).flash.bits() & 0x0220, 0x0220);
    tell(&mut pair, "tos floor 0 ceiling 15");
    pair.run(seconds(2000));
    assert!(ids.iter().all(|id| pair.association(*id).samples > 0));
}

#[test]
fn the_step_threshold_is_kept_in_each_direction() {
    for algorithm in [Algorithm::Ntp, Algorithm::Kalman] {
        let run = |conf: &str, error_s: f64| {
            let mut pair = told(5, algorithm, conf);
            pair.serve(1, Server::default(), iburst());
            pair.run(seconds(20_000));
            let before = pair.steps.len();
            pair.set_error(error_s);
            pair.run(seconds(3000));
            pair.steps.len() - before
        };
        assert_eq!(run("tinker step 0.128", -0.06), 0, "{algorithm:?}");
        assert_eq!(run("tinker step 0.03", -0.06), 1, "{algorithm:?}");
        assert_eq!(run("tinker stepfwd 0.03", -0.06), 1, "{algorithm:?}");
        assert_eq!(run("tinker stepback 0.03", -0.06), 0, "{algorithm:?}");
        assert_eq!(run("tinker stepback 0.03", 0.06), 1, "{algorithm:?}");
        assert_eq!(run("tinker step 0", -0.6), 0, "{algorithm:?}");
    }
}

#[test]
fn a_step_waits_for_the_stepout() {
    let waited_s = |conf: &str| {
        let mut pair = told(6, Algorithm::Ntp, conf);
        let options = Options { minpoll: PollExponent::new(4), ..iburst() };
        let options = Options { maxpoll: PollExponent::new(4), ..options };
        pair.serve(1, Server::default(), options);
        pair.run(seconds(20_000));
        assert!(pair.steps.is_empty());
        pair.set_error(-0.5);
        let begun = pair.now().mono;
        pair.run(seconds(6000));
        pair.steps[0].0.since(begun).as_secs()
    };
    let (usual, long) = (waited_s("tinker stepout 300"), waited_s("tinker stepout 1500"));
    assert!((290..500).contains(&usual), "{usual}");
    assert!((1490..1700).contains(&long), "{long}");
    // Less than 300 s is raised to that.
    assert!((290..500).contains(&waited_s("tinker stepout 10")));
}

#[test]
fn dispersion_is_how_fast_the_error_grows() {
    let grown_s = |conf: &str| {
        let mut pair = told(7, Algorithm::Ntp, conf);
        pair.serve(1, Server::default(), iburst());
        pair.run(seconds(4000));
        pair.server(1).answers = false;
        pair.run(seconds(10_000));
        let before = pair.engine.root_dispersion(&pair.now());
        pair.run(seconds(10_000));
        (pair.engine.root_dispersion(&pair.now()) + -before).seconds()
    };
    assert!((grown_s("") - 0.15).abs() < 1e-6);
    assert!((grown_s("tinker dispersion 100") - 1.0).abs() < 1e-6);
}

#[test]
fn the_huff_n_puff_filter_is_of_the_classic_loop_alone() {
    let directive = ntp_conf::read("ntp.conf", "tinker huffpuff 7200").unwrap().remove(0).directive;
    let applied = |algorithm| {
        let mut pair = told(8, algorithm, "");
        let now = pair.now();
        pair.engine.apply(&now, &directive).map(drop)
    };
    assert_eq!(applied(Algorithm::Ntp), Ok(()));
    assert_eq!(applied(Algorithm::Kalman), Err(Refused::Meaningless("huffpuff")));
}

#[test]
fn what_is_unconfigured_goes_by_address_name_and_number() {
    let mut pair = told(
        7,
        Algorithm::Ntp,
        "server 192.0.2.1\nserver 2001:db8::1\npeer 192.0.2.2\nserver time.example\n\
         pool many.example\nserver 192.0.2.3:1123\n",
    );
    let hosts = |pair: &Pair| -> Vec<String> {
        pair.engine.associations().map(|association| association.origin.host.to_string()).collect()
    };
    assert_eq!(hosts(&pair).len(), 6);
    let now = pair.now();
    let mut tell = |conf: &str| {
        let directive = ntp_conf::read("ntp.conf", conf).unwrap().remove(0).directive;
        pair.engine.apply(&now, &directive)
    };
    for conf in ["unconfig 192.0.2.9", "unpeer 192.0.2.3", "unpeer nobody.example", "unpeer 60000"]
    {
        assert!(matches!(tell(conf), Err(Refused::Unknown(_))), "{conf}");
    }
    for conf in [
        "unconfig 192.0.2.1",
        "unpeer 2001:db8::1",
        "unconfig 3",
        "unconfig time.example",
        "unpeer many.example",
    ] {
        let gone = tell(conf);
        let was_configured = matches!(gone, Ok(Applied::Unconfigured { was_configured: true, .. }));
        assert!(was_configured, "{conf}: {gone:?}");
        assert!(matches!(tell(conf), Err(Refused::Unknown(_))), "{conf} again");
    }
    assert_eq!(hosts(&pair), ["192.0.2.3:1123"]);
}
