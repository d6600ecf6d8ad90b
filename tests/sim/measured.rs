//! What an engine measures in a world is what is true there.

use ntpscope::config::engine::Algorithm;
use ntpscope::sim::moment::Moment;
use ntpscope::sim::run::Plan;
use ntpscope::sim::scenario::Scenario;

/// The first measured offset, and how far the clock truly was behind then, in seconds.
fn first_offset(link: &str, server: &str) -> (f64, f64) {
    let text = format!(
        r#"(title: "t", duration: "1min", servers: [(name: "a", server: ({server}))], link: ({link}),
            client: (behind: "10ms", oscillator: (frequency_ppm: 100)))"#
    );
    let scenario = Scenario::read("world.ron", &text).unwrap();
    let (mut world, client) = Plan::new(1, Algorithm::Ntp).world(&scenario).unwrap();
    let at = Moment::from_nanos(100_000_000);
    world.run_until(at);
    let truth = *world.truth();
    let host = world.host_mut(client).unwrap();
    let now = host.now(at);
    let id = host.engine().associations().next().unwrap().id;
    let offset = host.engine().offset_of(&now, id).unwrap();
    (offset.seconds(), (truth.time(at) - now.clock).seconds())
}

#[test]
fn an_even_path_measures_the_error_of_the_clock() {
    let (offset_s, behind_s) = first_offset("both: (delay: \"5ms\")", "");
    // The clock has gained 100 ppm since the middle of the exchange, a tenth of a second ago.
    assert!((behind_s - 0.009_99).abs() < 1e-8, "{behind_s}");
    assert!((offset_s - 0.01).abs() < 2e-6, "{offset_s}");
}

#[test]
fn an_uneven_path_is_wrong_by_half_the_difference() {
    let (offset_s, _) = first_offset("there: (delay: \"5ms\"), back: (delay: \"7ms\")", "");
    assert!((offset_s - 0.009).abs() < 2e-6, "{offset_s}");
}

#[test]
fn a_liar_is_measured_as_far_off_as_it_lies() {
    let (offset_s, _) = first_offset("both: (delay: \"5ms\")", "character: Falseticker(\"50ms\")");
    assert!((offset_s - 0.06).abs() < 2e-6, "{offset_s}");
}
