//! The site of the demo, without a screen: what a newcomer is to see in two minutes happens.

use ntpscope::config::engine::Algorithm;
use ntpscope::sim::moment::Moment;
use ntpscope::sim::sight::sight;
use ntpscope::sim::site::{Act, Stage};
use ntpscope::units::{NtpTimestamp, Tally};

fn stage(seed: u64) -> Stage {
    Stage::site(seed, Algorithm::default(), NtpTimestamp::from_unix(1_790_000_000, 0)).unwrap()
}

/// Lets the world run to `second`, with what its script has happen on the way.
fn run(stage: &mut Stage, second: u64) {
    let until = Moment::from_secs(second);
    while let Some(cue) = stage.script.first().filter(|cue| cue.at <= until).cloned() {
        stage.script.remove(0);
        stage.world.run_until(cue.at);
        let Act::Toggle(place) = cue.what else { continue };
        let prepared = stage.incidents.get_mut(place).unwrap();
        for incident in &prepared.begin {
            incident.befall(&mut stage.world, stage.client);
        }
        std::mem::swap(&mut prepared.begin, &mut prepared.end);
    }
    stage.world.run_until(until);
}

fn tally(stage: &mut Stage, name: &str) -> Option<Tally> {
    let id = stage.world.named(name).unwrap();
    let seen = sight(&mut stage.world, stage.client);
    seen.tallies.iter().find(|(node, _)| *node == id).map(|(_, tally)| *tally)
}

#[test]
fn there_are_ten_servers_in_two_areas() {
    let stage = stage(1);
    let names = stage.names();
    assert_eq!(names.len(), 10);
    assert_eq!(names.iter().filter(|name| name.contains(".north")).count(), 5);
    assert!(stage.script.iter().all(|cue| cue.at <= Moment::from_secs(960)), "two minutes at 8x");
}

#[test]
fn the_script_shows_convergence_a_falseticker_a_loss_and_a_step() {
    for seed in 1..4 {
        let mut stage = stage(seed);
        run(&mut stage, 200);
        let seen = sight(&mut stage.world, stage.client);
        assert!(seen.is_synchronised, "seed {seed}");
        assert!(seen.error.seconds().abs() < 1e-3, "seed {seed}: {:?}", seen.error);
        run(&mut stage, 395);
        assert_eq!(tally(&mut stage, "gps1.south"), Some(Tally::Falseticker), "seed {seed}");
        run(&mut stage, 559);
        let lost = stage.world.named("ntp1.north").unwrap();
        assert!(stage.world.is_cut(lost));
        let before = sight(&mut stage.world, stage.client).error;
        assert!(before.seconds().abs() < 1e-3, "seed {seed}: {before:?}");
        run(&mut stage, 561);
        let stepped = sight(&mut stage.world, stage.client).error;
        run(&mut stage, 960);
        let after = sight(&mut stage.world, stage.client).error;
        assert!(after.seconds().abs() < 2e-3, "seed {seed}: stepped {stepped:?}, left {after:?}");
        assert_ne!(tally(&mut stage, "gps1.south"), Some(Tally::Falseticker), "seed {seed}");
        let faults = &stage.world.host(stage.client).unwrap().diary().faults;
        assert!(faults.is_empty(), "seed {seed}: {faults:?}");
    }
}
