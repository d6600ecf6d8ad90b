//! The screens over a chronyd: the same ones, by what it tells.

use std::sync::Arc;
use std::time::Duration;

use insta::assert_snapshot;
use ntpscope::backend::{Request, Update};
use ntpscope::model::daemon::Way;
use ntpscope::model::vars::{Variable, peer, system};
use ntpscope::model::{Absent, Contact, Daemon, Dated, Part, Peer, Value};
use ntpscope::tui::app::App;
use ntpscope::tui::event::{Effect, Event};
use ntpscope::tui::update::update;
use ntpscope::units::{Leap, NtpDuration, Ppm, Stratum};

use crate::fixtures::chronyd::{self, Over};
use crate::fixtures::{self, TARGET, later};
use crate::screens::{press, screen, showing, tell};

/// The screens that `keys` lead to, at each size.
fn at_sizes(over: Over, keys: &str) -> [String; 3] {
    [(80, 24), (120, 40), (60, 16)].map(|size| {
        let mut app = showing(chronyd::lab(over), size);
        press(&mut app, keys);
        screen(&app)
    })
}

macro_rules! snapshots {
    ($name:literal, $over:expr, $keys:literal) => {
        let [small, large, tiny] = at_sizes($over, $keys);
        assert_snapshot!(concat!($name, "_80x24"), small);
        assert_snapshot!(concat!($name, "_120x40"), large);
        assert_snapshot!(concat!($name, "_60x16"), tiny);
    };
}

#[test]
fn its_sources_over_the_unix_socket() {
    snapshots!("unix_peers", Over::Unix, "");
}

#[test]
fn its_sources_over_udp() {
    snapshots!("udp_peers", Over::Udp, "");
}

#[test]
fn all_of_a_source_stands_under_its_subject() {
    let mut app = showing(chronyd::lab(Over::Unix), (80, 24));
    press(&mut app, "enter");
    assert_snapshot!("unix_association_80x24", screen(&app));
    press(&mut app, "pgdn");
    assert_snapshot!("unix_association_80x24_below", screen(&app));
    press(&mut app, "g");
    app.size = (120, 60);
    assert_snapshot!("unix_association_120x60", screen(&app));
    app.size = (60, 16);
    assert_snapshot!("unix_association_60x16", screen(&app));
}

#[test]
fn what_is_closed_is_said_once_with_how_to_have_it() {
    let mut app = showing(chronyd::lab(Over::Udp), (80, 50));
    press(&mut app, "enter");
    let text = screen(&app);
    assert_eq!(text.matches("opencommands").count(), 1, "{text}");
    assert_snapshot!("udp_association_80x50", text);
}

/// The daemon as it told at `second`: what is left to correct, in microseconds, and the frequency.
fn tracked(over: Over, second: f64, left_us: f64, frequency: f64) -> Daemon {
    let mut daemon = chronyd::lab(over);
    let now = later(second);
    let mut values = daemon.system.latest().unwrap().clone();
    let left = NtpDuration::from_seconds(left_us * 1e-6);
    values.insert(&system::SYSTEM_TIME, Ok(Value::Duration(left)));
    values.insert(&system::FREQUENCY, Ok(Value::Frequency(Ppm::new(frequency).unwrap())));
    let dated = Dated { asked: now.mono, answered: now.mono, clock: now.clock };
    daemon.system = Part::answered(values, dated);
    let list = daemon.associations.latest().unwrap().clone();
    daemon.associations = Part::answered(list, dated);
    let round_trip = Duration::from_micros(230);
    daemon.contact = Contact::Answering { last: now.mono, round_trip };
    daemon
}

/// Two minutes in which the clock is slewed back.
fn slewed(over: Over, size: (u16, u16)) -> App {
    let mut app = fixtures::app(&["127.0.0.1"], size);
    press(&mut app, "c");
    for second in (0..120).step_by(2).map(f64::from) {
        update(&mut app, later(second), Event::Tick);
        let left = 900.0 * (-second / 20.0).exp() + 8.743;
        tell(&mut app, TARGET, tracked(over, second, left, 0.783 + 0.2 * (-second / 40.0).exp()));
    }
    update(&mut app, later(119.0), Event::Tick);
    app
}

#[test]
fn its_clock_with_each_offset_by_its_name() {
    assert_snapshot!("unix_clock_80x24", screen(&slewed(Over::Unix, (80, 24))));
    assert_snapshot!("unix_clock_120x40", screen(&slewed(Over::Unix, (120, 40))));
    assert_snapshot!("unix_clock_60x16", screen(&slewed(Over::Unix, (60, 16))));
}

#[test]
fn its_own_limits_on_one_axis() {
    snapshots!("unix_selection", Over::Unix, "v");
    let mut app = showing(chronyd::lab(Over::Unix), (80, 24));
    press(&mut app, "v j j j");
    assert_snapshot!("unix_selection_80x24_falseticker", screen(&app));
}

#[test]
fn its_last_samples_stand_in_for_limits_that_are_closed() {
    snapshots!("udp_selection", Over::Udp, "v j j j");
}

/// The head of the selection screen over the sources in these states.
fn selection_head(over: Over, states: &[char]) -> String {
    let sources: Vec<_> = chronyd::LAB
        .iter()
        .zip(states)
        .map(|(source, state)| chronyd::Source { state: *state, ..*source })
        .collect();
    let mut app = showing(chronyd::daemon(over, &sources), (120, 24));
    press(&mut app, "v");
    let text = screen(&app);
    let is_head = |line: &&str| !line.is_empty() && !line.starts_with(" source");
    text.lines().skip(2).take_while(is_head).collect::<Vec<_>>().join(
        "
",
    )
}

#[test]
fn the_head_of_its_selection_says_what_matters() {
    let mut all = String::new();
    for over in [Over::Unix, Over::Udp] {
        for states in ["*+", "*", "*+-x", "xx", "MM", "WW", "~~x", ""] {
            let states: Vec<_> = states.replace('-', "D").chars().collect();
            let head = selection_head(over, &states);
            let states: String = states.into_iter().collect();
            all.extend(["# ", &format!("{over:?} {states}"), "\n", &head, "\n\n"]);
        }
    }
    assert_snapshot!(all);
}

#[test]
fn the_legend_comes_first_where_it_applies() {
    let mut app = showing(chronyd::lab(Over::Unix), (80, 24));
    press(&mut app, "?");
    assert_snapshot!("legend_80x24", screen(&app));
    let mut other = showing(fixtures::site(), (80, 24));
    press(&mut other, "?");
    assert!(!screen(&other).contains("chronyc"), "first the keys");
    press(&mut other, "G");
    assert!(screen(&other).contains("System time"), "the legend is there for all");
}

#[test]
fn a_daemon_that_answers_in_two_ways_offers_the_other() {
    let way = |name: &str, is_used| Way { name: name.into(), is_used, answers: true };
    let mut daemon = chronyd::lab(Over::Udp);
    daemon.ways = [way("this protocol over UDP", true), way("that protocol", false)].into();
    let mut app = showing(daemon, (80, 24));
    let head = screen(&app).lines().skip(2).take(2).collect::<Vec<_>>().join(" ");
    let notice = "asked by this protocol over UDP; also answers in another way: that protocol (W)";
    assert!(head.contains(notice), "{head}");
    let asked = |effects: Vec<Effect>| {
        effects.into_iter().find_map(|effect| match effect {
            Effect::Request(Request::Way { target, way }) => Some((target, way)),
            _ => None,
        })
    };
    assert_eq!(asked(press(&mut app, "W")), Some((TARGET, 1)));
    assert!(screen(&app).contains("asking by that protocol"));
    assert_eq!(asked(press(&mut app, ": w a y space 2 enter")), Some((TARGET, 1)));
    assert_eq!(asked(press(&mut app, ": w a y space 1 enter")), None, "it is used already");
    assert_eq!(asked(press(&mut app, ": w a y space 9 enter")), None);
    assert!(screen(&app).contains("there is no way number 9: there are 2"));
    let mut app = showing(chronyd::lab(Over::Udp), (80, 24));
    assert_eq!(asked(press(&mut app, "W")), None);
    assert!(screen(&app).contains("there is only one way"));
}

#[test]
fn it_is_told_when_it_has_no_time_or_only_its_own() {
    let head = |daemon: Daemon, is_local: bool| {
        let mut app =
            fixtures::app(&[if is_local { "127.0.0.1" } else { "far.example" }], (120, 24));
        tell(&mut app, TARGET, daemon);
        screen(&app).lines().take(2).collect::<Vec<_>>().join("\n")
    };
    let with = |sources: &[chronyd::Source], values: &[(&'static Variable, Value)]| {
        let mut daemon = chronyd::daemon(Over::Udp, sources);
        let mut system = chronyd::tracking();
        for (variable, value) in values {
            system.insert(variable, Ok(value.clone()));
        }
        daemon.system = Part::answered(system, fixtures::dated());
        daemon
    };
    let silent = chronyd::Source { state: 's', ..chronyd::LAB[4] };
    let waiting = chronyd::Source { state: 'M', ..chronyd::LAB[0] };
    let alarm = [
        (&system::LEAP, Value::Leap(Leap::Alarm)),
        (&system::STRATUM, Value::Stratum(Stratum::new(0))),
    ];
    let own = [(&system::REFERENCE_ID, Value::ReferenceAddress([127, 127, 1, 1].into()))];
    let cases = [
        ("elsewhere", head(with(&chronyd::LAB, &[]), false)),
        ("silent sources", head(with(&[silent], &alarm), true)),
        ("too few samples", head(with(&[waiting, silent], &alarm), true)),
        ("its own clock", head(with(&[silent], &own), true)),
    ];
    let all: Vec<_> = cases.iter().map(|(name, head)| format!("# {name}\n{head}\n")).collect();
    assert_snapshot!(all.join("\n"));
}

#[test]
fn no_size_upsets_its_screens() {
    for over in [Over::Unix, Over::Udp] {
        for keys in ["", "enter", "c", "v", "?"] {
            let mut app = showing(chronyd::lab(over), (80, 24));
            press(&mut app, keys);
            for (columns, rows) in (1..70).map(|n| (n * 3, n)).chain([(200, 1), (1, 60)]) {
                app.size = (columns, rows);
                screen(&app);
                press(&mut app, "pgdn j");
            }
        }
    }
}

#[test]
fn without_unicode_its_screens_say_the_same() {
    for keys in ["", "enter", "c", "v", "?"] {
        let mut app = showing(chronyd::lab(Over::Udp), (80, 24));
        app.fixed.capabilities.ascii = true;
        press(&mut app, keys);
        let text = screen(&app);
        assert!(text.is_ascii(), "{text}");
    }
}

#[test]
fn what_has_no_address_is_sorted_filtered_and_followed() {
    let mut app = showing(chronyd::lab(Over::Unix), (80, 24));
    press(&mut app, "G");
    let name = |app: &App| app.tab().unwrap().selected().map(|peer| peer.id.get());
    assert_eq!(name(&app), Some(9));
    press(&mut app, ": s o r t space o f f s e t enter");
    assert_eq!(name(&app), Some(9), "the cursor stays on the clock");
    press(&mut app, "/ t : l enter");
    let text = screen(&app);
    assert!(text.contains("NMEA") && !text.contains("10.77.0.12"), "{text}");
    press(&mut app, "esc / j i t t e r y enter");
    assert!(screen(&app).contains("too jittery"), "its own words are found");
}

#[test]
fn members_of_a_pool_are_told_apart_though_all_bear_its_name() {
    let mut daemon = chronyd::lab(Over::Udp);
    let named = daemon.peers.iter().map(|peer| {
        let mut peer = Peer::clone(peer);
        if (6..=8).contains(&peer.id.get()) {
            let mut row = peer.row.latest().unwrap().clone();
            row.insert(&peer::SOURCE_HOST, Ok(Value::Text("pool.example".into())));
            peer.row = Part::answered(row, fixtures::dated());
        }
        Arc::new(peer)
    });
    daemon.peers = named.collect();
    let mut app = showing(daemon, (80, 24));
    let name = Some(Arc::from("ntp9.example"));
    let address = "10.77.0.22".parse().unwrap();
    let now = app.now;
    update(&mut app, now, Event::Backend(Update::Name { address, name }));
    let text = screen(&app);
    for name in ["+fd77::12", "-ntp9.example", "+10.77.0.21"] {
        assert!(text.contains(name), "{name} in\n{text}");
    }
    assert!(!text.contains("pool.example"), "{text}");
}

#[test]
fn an_old_sample_is_overdue_only_while_polls_go_unanswered() {
    let told = |reach, age| {
        let source = chronyd::Source { reach, age: Some(age), ..chronyd::LAB[0] };
        screen(&showing(chronyd::daemon(Over::Udp, &[source]), (80, 24)))
    };
    assert!(!told(0o377, 40).contains("40!"), "answers that are filtered are no silence");
    assert!(told(0o376, 40).contains("40!"));
    assert!(told(0o376, 40).contains("OVERDUE: last good sample 40 s ago"));
    assert!(told(0o377, 70).contains("70!"));
}

#[test]
fn the_clock_says_what_it_is_not_told_without_hiding_its_course() {
    let closed = |size| {
        let mut daemon = chronyd::lab(Over::Udp);
        let mut values = chronyd::tracking();
        let how = "over UDP it keeps that to itself; ask as root";
        for variable in [&system::NTP_HITS, &system::NTP_DROPS, &system::COMMAND_HITS] {
            values.insert(variable, Err(Absent::Closed { how }));
        }
        daemon.system = Part::answered(values, fixtures::dated());
        let mut app = showing(daemon, size);
        press(&mut app, "c");
        screen(&app)
    };
    let small = closed((80, 24));
    assert!(small.contains("Not told   3 figures: over UDP it keeps that to itself\n"), "{small}");
    assert!(small.contains("System time, left to correct"), "{small}");
    let large = closed((120, 40));
    assert!(large.contains("Not told") && large.contains("root"), "{large}");
    assert!(!small.contains("as root"), "{small}");
}

#[test]
fn while_nothing_is_selected_the_head_says_what_is_waited_for() {
    let head = |states: &[char]| {
        let sources: Vec<_> = chronyd::LAB
            .iter()
            .zip(states)
            .map(|(source, state)| chronyd::Source { state: *state, ..*source })
            .collect();
        let mut daemon = chronyd::daemon(Over::Unix, &sources);
        let mut values = chronyd::tracking();
        values.insert(&system::LEAP, Ok(Value::Leap(Leap::Alarm)));
        daemon.system = Part::answered(values, fixtures::dated());
        screen(&showing(daemon, (120, 24))).lines().next().unwrap().to_owned()
    };
    let few = "✖ NOT SYNCHRONISED: 3 of 3 sources answer, none is selected: too few samples";
    assert_eq!(head(&['M', 'N', 'M']), few);
    let waits =
        "✖ NOT SYNCHRONISED: 3 of 3 sources answer (1 false), none is selected: waits for sources";
    assert_eq!(head(&['W', 'W', 'x']), waits);
    let disagree = "✖ NOT SYNCHRONISED: 2 of 2 sources answer, but they disagree (2 false)";
    assert_eq!(head(&['x', 'x']), disagree);
    let found = "✖ NOT SYNCHRONISED: a source was found; its clock is being set";
    assert_eq!(head(&['*', 'M']), found);
}
