//! Measuring from this program, and simulated worlds: what is asked for, and what is shown.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use insta::assert_snapshot;
use ntpscope::backend::{
    Incident, Measure, Offer, Offered, Pace, Request, TargetId, Update, World,
};
use ntpscope::config::engine::EngineSetup;
use ntpscope::config::host::HostSpec;
use ntpscope::config::ntp_conf::{Association, Directive, Kind, Options};
use ntpscope::model::Contact;
use ntpscope::model::clock_loop::{ClockLoop, Steers};
use ntpscope::model::programs::{Program, ProgramKind};
use ntpscope::model::question::Unreachable;
use ntpscope::tui::app::{App, Overlay, Screen};
use ntpscope::tui::event::{Effect, Event};
use ntpscope::tui::update::{start, update};
use ntpscope::units::{Now, NtpTimestamp};

use crate::fixtures::{self, ANSWERED, TARGET, later};
use crate::screens::{press, screen, showing, tell};

fn source(kind: Kind, host: &str) -> Association {
    Association { kind, host: HostSpec::new(host), family: None, options: Options::default() }
}

fn offer(beside: &[Program]) -> Update {
    let offered =
        |association| Offered { path: PathBuf::from("/etc/ntpsec/ntp.conf"), association };
    Update::Offer(Arc::new(Offer {
        sources: vec![
            offered(source(Kind::Server, "ntp1.example.net")),
            offered(source(Kind::Pool, "2.pool.example.org")),
        ],
        unreadable: Vec::new(),
        beside: beside.into(),
    }))
}

fn hear(app: &mut App, told: Update) {
    let now = app.now;
    update(app, now, Event::Backend(told));
}

/// On this host no daemon answers, and it can be measured from here.
fn alone(size: (u16, u16), beside: &[Program]) -> App {
    let closed = Contact::Unreachable { why: Unreachable::PortClosed, since: ANSWERED, last: None };
    let mut app = showing(fixtures::unheard(closed), size);
    hear(&mut app, offer(beside));
    app
}

fn measured(effects: &[Effect]) -> Vec<(Kind, String)> {
    let directives = effects.iter().filter_map(|effect| match effect {
        Effect::Request(Request::Measure(Measure { setup })) => {
            assert!(!setup.discipline, "no clock is touched");
            Some(&setup.directives)
        }
        _ => None,
    });
    let host = |directive: &Directive| match directive {
        Directive::Association(source) => Some((source.kind, source.host.to_string())),
        _ => None,
    };
    directives.flatten().filter_map(|placed| host(&placed.directive)).collect()
}

#[test]
fn where_no_daemon_answers_the_first_screen_offers_to_measure() {
    let app = alone((80, 24), &[]);
    let text = screen(&app);
    let offer = "◆ m measures the 2 sources in /etc/ntpsec/ntp.conf from this program: it asks";
    assert!(text.lines().any(|line| line.starts_with(offer)), "{text}");
    let mut app = app;
    tell(&mut app, TARGET, fixtures::site());
    assert!(!screen(&app).contains("m measures"), "a daemon answers");
}

#[test]
fn nothing_is_measured_before_a_person_says_yes() {
    let mut app = alone((80, 24), &[]);
    for keys in ["m", "enter", "space", "esc", "m n", "m q", "y", ": y e s enter", "m e esc n"] {
        let effects = press(&mut app, keys);
        assert_eq!(measured(&effects), [], "{keys}");
    }
    assert!(app.overlay.is_none());
    assert_eq!(app.tabs.len(), 1);
    let effects = press(&mut app, "m y");
    assert_eq!(
        measured(&effects),
        [(Kind::Server, "ntp1.example.net".into()), (Kind::Pool, "2.pool.example.org".into())]
    );
    assert_eq!(app.tab().unwrap().target, TargetId::OWN);
    assert!(screen(&app).contains("2 ○ self: starting"), "{}", screen(&app));
    assert!(screen(&app).contains("this host's clock is not touched"), "{}", screen(&app));
}

#[test]
fn the_question_says_what_is_sent_and_what_is_left_alone() {
    let mut app = alone((80, 24), &[]);
    press(&mut app, "m");
    assert_snapshot!("measure_80x24", screen(&app));
    let mut app = alone((60, 16), &[Program { kind: ProgramKind::Chronyd, pid: 612 }]);
    press(&mut app, "m");
    assert_snapshot!("measure_beside_60x16", screen(&app));
}

#[test]
fn sources_can_be_typed_and_a_slip_keeps_what_was_there() {
    let mut app = alone((80, 24), &[]);
    press(&mut app, "m e");
    let Some(Overlay::Prompt(prompt)) = &app.overlay else { panic!("{:?}", app.overlay) };
    assert_eq!(prompt.input.value(), "ntp1.example.net pool 2.pool.example.org");
    press(&mut app, "space a : 9 9 9 9 9 9 enter");
    assert!(screen(&app).contains("a:999999"), "{}", screen(&app));
    assert_eq!(measured(&press(&mut app, "y")).len(), 2);
    let effects = press(&mut app, ": m e a s u r e space t 1 space t 2 enter");
    assert_eq!(measured(&effects), [], "it still asks");
    assert!(screen(&app).contains("in place of what is measured now"), "{}", screen(&app));
    let effects = press(&mut app, "y");
    assert_eq!(measured(&effects), [(Kind::Server, "t1".into()), (Kind::Server, "t2".into())]);
    assert_eq!(app.tabs.len(), 2, "there is one engine");
}

#[test]
fn a_world_without_an_engine_says_so() {
    let mut app = showing(fixtures::site(), (80, 24));
    press(&mut app, "m");
    assert!(app.overlay.is_none());
    assert!(screen(&app).contains("cannot be measured from here"));
}

#[test]
fn sources_of_the_command_line_are_measured_at_once() {
    let mut app = fixtures::app(&[], (80, 24));
    app.measure = Some(Measure::of([source(Kind::Server, "t1")]));
    let effects = start(&mut app);
    assert_eq!(measured(&effects), [(Kind::Server, "t1".into())]);
    assert_eq!(app.tabs.len(), 1);
    assert_eq!(measured(&start(&mut app)), [], "once");
}

fn world(pace: Pace) -> Update {
    let incident = |title: &str, is_on| Incident { title: title.into(), is_on };
    Update::World(Arc::new(World {
        title: "a site of ten servers".into(),
        pace,
        elapsed: Duration::from_secs(754),
        truth: NtpTimestamp::default(),
        incidents: vec![
            incident("a server of area 1 lies by 50 ms", false),
            incident("the link between the areas is lost", true),
        ],
        latest: Some(("the link between the areas was lost".into(), Duration::from_secs(12))),
        answers: None,
    }))
}

#[test]
fn a_simulated_world_cannot_be_taken_for_a_real_one() {
    let mut app = showing(fixtures::site(), (80, 24));
    let real = screen(&app);
    assert!(!real.contains("SIMULATED") && !real.contains("pause"));
    press(&mut app, "?");
    assert!(!screen(&app).contains("imulated"));
    press(&mut app, "esc");
    for pace in [Pace::Paused, Pace::Eight] {
        hear(&mut app, world(pace));
        for (columns, rows) in [(80, 24), (120, 40), (60, 16), (20, 5)] {
            app.size = (columns, rows);
            for keys in ["", "c", "esc enter", "esc ?", "esc i", "esc"] {
                press(&mut app, keys);
                assert!(screen(&app).starts_with(" SIMULATED"), "{}", screen(&app));
            }
        }
    }
    app.size = (80, 24);
    assert_snapshot!("simulated_80x24", screen(&app));
    press(&mut app, "i");
    assert_snapshot!("incidents_80x24", screen(&app));
}

#[test]
fn only_a_simulated_world_knows_the_truth() {
    let mut app = showing(fixtures::site(), (80, 24));
    press(&mut app, "c");
    assert!(!screen(&app).contains("truth"));
    hear(&mut app, world(Pace::Real));
    let now = app.now;
    let ahead = ntpscope::units::NtpDuration::from_milliseconds(2.5);
    update(&mut app, Now { clock: now.clock + ahead, ..now }, Event::Tick);
    assert!(screen(&app).contains("2.500 ms behind in truth"), "{}", screen(&app));
}

#[test]
fn the_pace_and_what_happens_are_asked_for_by_keys() {
    let asked = |app: &mut App, keys: &str| {
        let of_world = |effect| match effect {
            Effect::Request(request @ (Request::Pace(_) | Request::Incident(_))) => Some(request),
            _ => None,
        };
        press(app, keys).into_iter().filter_map(of_world).collect::<Vec<_>>()
    };
    let mut app = showing(fixtures::site(), (80, 24));
    assert_eq!(asked(&mut app, "P + - i 1 : p a c e space 8 enter"), [], "the world is real");
    press(&mut app, "esc");
    hear(&mut app, world(Pace::Eight));
    assert_eq!(asked(&mut app, "P"), [Request::Pace(Pace::Paused)]);
    assert_eq!(asked(&mut app, "+"), [Request::Pace(Pace::SixtyFour)]);
    assert_eq!(asked(&mut app, "-"), [Request::Pace(Pace::Real)]);
    assert_eq!(asked(&mut app, ": p a c e space 6 4 enter"), [Request::Pace(Pace::SixtyFour)]);
    assert_eq!(asked(&mut app, "i 2"), [Request::Incident(1)]);
    assert!(app.overlay.is_none());
    assert_eq!(asked(&mut app, "i 9 esc"), []);
    hear(&mut app, world(Pace::Paused));
    assert_eq!(asked(&mut app, "P"), [Request::Pace(Pace::Real)]);
    assert_eq!(app.screen(), Screen::Peers);
    assert_eq!(later(0.3), app.now);
}

#[test]
fn beside_a_daemon_the_clock_of_self_says_how_polite_it_is() {
    let mut app = alone((120, 40), &[Program { kind: ProgramKind::Chronyd, pid: 612 }]);
    press(&mut app, "m y c");
    tell(&mut app, TargetId::OWN, fixtures::site());
    let text = screen(&app).replace('\n', " ");
    assert!(text.contains("beside chronyd"), "{text}");
    app.current = 0;
    tell(&mut app, TARGET, fixtures::site());
    assert!(!screen(&app).contains("beside chronyd"));
}

/// The engine of this program, told to steer the system's clock.
fn disciplining(size: (u16, u16)) -> App {
    let of = Measure::of([source(Kind::Server, "t1")]);
    let setup = EngineSetup { discipline: true, ..EngineSetup::clone(&of.setup) };
    let measure = Measure { setup: setup.into() };
    let mut app = fixtures::started(&["ntp9.example.net"], size, Some(measure));
    start(&mut app);
    app
}

/// Its snapshot.
fn steered(held: Option<&str>) -> ntpscope::model::Daemon {
    let mut daemon = crate::clock::engine(90.0);
    let engine = daemon.clock_loop.as_deref().unwrap().clone();
    let held = held.map(Into::into);
    daemon.clock_loop = Some(Arc::new(ClockLoop { steers: Steers::System, held, ..engine }));
    daemon
}

#[test]
fn that_the_clock_is_disciplined_is_on_top_of_every_screen() {
    let mut app = disciplining((80, 24));
    let steers = " DISCIPLINES THIS HOST'S CLOCK";
    assert!(screen(&app).starts_with(steers), "{}", screen(&app));
    assert!(!screen(&app).contains("not touched"), "{}", screen(&app));
    tell(&mut app, TargetId::OWN, steered(None));
    for (columns, rows) in [(80, 24), (120, 40), (60, 16), (31, 5)] {
        app.size = (columns, rows);
        for keys in ["", "c", "v", "esc ?", "esc 1", "f", "2"] {
            press(&mut app, keys);
            assert!(screen(&app).starts_with(steers), "{}", screen(&app));
        }
    }
    app.size = (80, 24);
    press(&mut app, "f p");
    let top = screen(&app).lines().next().unwrap().to_owned();
    assert!(top.contains("SYNC") && top.contains("-9.800 ppm") && top.contains("q ends"), "{top}");
    tell(&mut app, TargetId::OWN, steered(Some("something else steers the clock")));
    let top = screen(&app).lines().next().unwrap().to_owned();
    assert!(top.contains("LEAVES THIS HOST'S CLOCK ALONE · something else steers"), "{top}");
    let why = "cannot set the system's clock: not permitted".into();
    let ended = Contact::Ended { why, last: None };
    tell(&mut app, TargetId::OWN, fixtures::unheard(ended));
    let top = screen(&app).lines().next().unwrap().to_owned();
    assert!(top.contains("CLOCK ALONE · cannot set the system's clock"), "{top}");
}

#[test]
fn whoever_steers_is_not_stopped_and_asks_before_it_ends_for_another_measurement() {
    let mut app = disciplining((80, 24));
    hear(&mut app, offer(&[]));
    let ctrl_z = KeyEvent::new(KeyCode::Char('z'), KeyModifiers::CONTROL);
    for event in [Event::Key(ctrl_z), Event::Stop] {
        let now = app.now;
        let effects = update(&mut app, now, event);
        assert!(!effects.contains(&Effect::Suspend), "{effects:?}");
        assert!(screen(&app).contains("it is not stopped"), "{}", screen(&app));
        press(&mut app, "p");
    }
    press(&mut app, "m");
    assert!(screen(&app).contains("DISCIPLINED now. Yes ENDS that"), "{}", screen(&app));
    assert_eq!(measured(&press(&mut app, "y")).len(), 2);
    assert!(!screen(&app).contains("DISCIPLINES"), "{}", screen(&app));
}
