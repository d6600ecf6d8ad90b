//! The clock screen, over remote daemons and an engine.

use std::sync::Arc;

use insta::assert_snapshot;
use ntpscope::model::clock_loop::{Algorithm, ClockLoop, Steers};
use ntpscope::model::vars::system;
use ntpscope::model::{Contact, Daemon, Dated, Part, Value};
use ntpscope::tui::app::{App, Screen};
use ntpscope::tui::event::Event;
use ntpscope::tui::update::update;
use ntpscope::units::{NtpDuration, PollExponent, Ppm};

use crate::fixtures::{self, TARGET, later};
use crate::screens::{press, screen, tell};

fn ms(ms: f64) -> NtpDuration {
    NtpDuration::from_milliseconds(ms)
}

/// The site's daemon as it told at `second`: offset in ms, frequency in ppm.
fn at(second: f64, offset: f64, frequency: f64) -> Daemon {
    let mut daemon = fixtures::site();
    let now = later(second);
    let mut values = daemon.system.latest().unwrap().clone();
    values.insert(&system::OFFSET, Ok(Value::Duration(ms(offset))));
    values.insert(&system::FREQUENCY, Ok(Value::Frequency(Ppm::new(frequency).unwrap())));
    values.insert(&system::CLOCK, Ok(Value::Timestamp(now.clock)));
    let corrected = fixtures::CLOCK + NtpDuration::from_seconds((second / 64.0).floor() * 64.0);
    values.insert(&system::REFERENCE_TIME, Ok(Value::Timestamp(corrected)));
    let dated = Dated { asked: now.mono, answered: now.mono, clock: now.clock };
    daemon.system = Part::answered(values, dated);
    let list = daemon.associations.latest().unwrap().clone();
    daemon.associations = Part::answered(list, dated);
    daemon.contact =
        Contact::Answering { last: now.mono, round_trip: std::time::Duration::from_micros(230) };
    daemon
}

/// The clock screen over a daemon that converged in ten minutes, out of sight from the third to
/// the fifth.
fn converged(size: (u16, u16), told: impl Fn(f64) -> Daemon) -> App {
    let mut app = fixtures::app(&["ntp2.example.net"], size);
    press(&mut app, "c");
    assert_eq!(app.screen(), Screen::Clock);
    for second in (0..600).step_by(8).filter(|second| !(180..300).contains(second)) {
        let second = f64::from(second);
        update(&mut app, later(second), Event::Tick);
        tell(&mut app, TARGET, told(second));
    }
    update(&mut app, later(600.0), Event::Tick);
    app
}

/// A remote daemon corrects its clock every 64 s.
fn remote(second: f64) -> Daemon {
    let update = (second / 64.0).floor();
    at(second, 4.0 * (-update / 2.0).exp() * (update * 1.3).cos(), -12.0 + 0.3 * (-update).exp())
}

/// An engine that observes: a virtual clock converges, the system's is off.
pub(crate) fn engine(second: f64) -> Daemon {
    let mut daemon = remote(second);
    let behind = 3.21 + second * 0.0004;
    daemon.clock_loop = Some(Arc::new(ClockLoop {
        algorithm: Algorithm::Kalman,
        steers: Steers::Virtual,
        state: "SYNC",
        is_converged: second > 60.0,
        system_offset: Some(ms(behind)),
        steered_offset: ms(0.2 * (-second / 90.0).exp() * (second / 40.0).cos()),
        error_bound: Some(ms(0.02 + 0.3 * (-second / 100.0).exp())),
        frequency: Ppm::new(-9.8).unwrap(),
        frequency_error: Ppm::new(0.021),
        jitter: ms(0.011),
        wander: Ppm::new(0.0031).unwrap(),
        time_constant: PollExponent::new(6),
        held: None,
        notice: None,
        sources: Vec::new(),
    }));
    daemon
}

#[test]
fn the_clock_of_a_remote_daemon() {
    assert_snapshot!("clock_80x24", screen(&converged((80, 24), remote)));
    assert_snapshot!("clock_120x40", screen(&converged((120, 40), remote)));
    let mut small = converged((60, 16), remote);
    assert_snapshot!("clock_60x16", screen(&small));
    press(&mut small, "pgdn");
    assert_snapshot!("clock_60x16_below", screen(&small));
}

#[test]
fn the_two_clocks_of_an_engine_are_told_apart_by_name() {
    assert_snapshot!("clock_engine_80x24", screen(&converged((80, 24), engine)));
    assert_snapshot!("clock_engine_120x40", screen(&converged((120, 40), engine)));
}

#[test]
fn ascii_is_enough_for_the_clock() {
    let mut app = converged((80, 24), engine);
    app.fixed.capabilities.ascii = true;
    let text = screen(&app);
    assert!(text.is_ascii(), "{text}");
    assert_snapshot!("clock_engine_ascii_80x24", text);
}

#[test]
fn nobody_knows_how_wrong_a_clock_is_that_follows_itself_or_nothing() {
    let mut app = fixtures::app(&["127.0.0.1"], (80, 24));
    press(&mut app, "c");
    tell(&mut app, TARGET, fixtures::captured());
    let text = screen(&app);
    assert!(text.contains("Clock: it follows itself, and zeros are no"), "{text}");
    assert!(text.contains("not measured yet"), "{text}");
    assert!(!text.contains("at most"), "{text}");
    assert!(!text.contains("Holdover"), "{text}");
}

#[test]
fn what_was_not_seen_is_a_gap() {
    let app = converged((80, 24), remote);
    let text = screen(&app);
    // Ten minutes are 71 columns, so the two minutes in the middle are fourteen, and known are
    // the seconds up to the last answer before.
    let chart = text.lines().skip_while(|line| !line.starts_with("Offset")).skip(1);
    let chart: Vec<Vec<char>> = chart.take(4).map(|line| line.chars().collect()).collect();
    let is_blank =
        |column: usize| chart.iter().all(|row| matches!(row.get(column), None | Some(' ' | '┄')));
    let blank: Vec<_> = (9..80).filter(|column| is_blank(*column)).collect();
    assert_eq!(blank.len(), 14, "{text}");
    assert!(blank.windows(2).all(|pair| pair[1] == pair[0] + 1), "{text}");
    let readings: Vec<_> = app.tab().unwrap().course.readings().collect();
    let gaps = readings.iter().filter(|reading| reading.is_after_gap).count();
    assert_eq!(gaps, 2, "at the start and in the middle");
}

#[test]
fn the_charts_zoom() {
    let mut app = converged((80, 24), remote);
    assert!(screen(&app).contains("10 min ago"), "{}", screen(&app));
    press(&mut app, "z z");
    assert!(screen(&app).contains("2 min ago"), "{}", screen(&app));
    press(&mut app, "Z Z Z");
    assert!(screen(&app).contains("20 min ago"), "{}", screen(&app));
    for _ in 0..20 {
        press(&mut app, "Z");
    }
    assert!(screen(&app).contains("7 d ago"), "{}", screen(&app));
}

#[test]
fn no_size_upsets_the_clock() {
    for mut app in [converged((80, 24), engine), converged((80, 24), remote)] {
        for columns in (1..=200).step_by(9).chain([2, 3, 80, 110]) {
            for rows in [1, 2, 3, 5, 8, 13, 14, 18, 22, 24, 60] {
                app.size = (columns, rows);
                let shown = screen(&app);
                assert_eq!(shown.split('\n').count(), usize::from(rows), "{shown}");
                press(&mut app, "pgdn up z");
                app.view.window = None;
            }
        }
    }
}

#[test]
fn a_frozen_clock_stands_still_while_its_course_is_recorded() {
    let mut app = converged((80, 24), engine);
    press(&mut app, "f");
    let above = |app: &App| screen(app).lines().take(23).map(str::to_owned).collect::<Vec<_>>();
    let before = above(&app);
    for second in [608, 616, 640] {
        update(&mut app, later(f64::from(second)), Event::Tick);
        let mut daemon = engine(f64::from(second));
        let mut unsure = ClockLoop::clone(daemon.clock_loop.as_ref().unwrap());
        unsure.error_bound = Some(ms(5.0));
        daemon.clock_loop = Some(Arc::new(unsure));
        tell(&mut app, TARGET, daemon);
    }
    assert_eq!(above(&app), before);
    press(&mut app, "f");
    assert_ne!(above(&app), before);
}

#[test]
fn a_virtual_clock_that_differs_from_the_hosts_is_no_warning() {
    let shown = |daemon: Daemon| {
        let mut daemon = daemon;
        let values = daemon.system.latest().unwrap().clone();
        let dated = daemon.system.dated().unwrap();
        let clock = dated.clock + ms(-50.0);
        daemon.system = Part::answered(values, Dated { clock, ..dated });
        let mut app = fixtures::app(&["ntp2.example.net"], (120, 40));
        tell(&mut app, TARGET, daemon);
        screen(&app)
    };
    assert!(shown(remote(0.0)).contains("the daemon's clock is"));
    assert!(!shown(engine(0.0)).contains("the daemon's clock is"));
    assert!(shown(engine(0.0)).contains("system clock 3.210 ms slow"));
}
