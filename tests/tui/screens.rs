//! Whole screens as text.

use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use insta::assert_snapshot;
use ntpscope::backend::{TargetId, Update};
use ntpscope::model::programs::{Program, ProgramKind};
use ntpscope::model::question::Unreachable;
use ntpscope::model::{Absent, Contact, Daemon, Dated, Failure, Part};
use ntpscope::tui::app::App;
use ntpscope::tui::event::Event;
use ntpscope::tui::update::update;
use ntpscope::tui::view;
use ntpscope::units::{Mono, NtpDuration};
use ntpscope::wire::Malformed;
use ntpscope::wire::mode6::ErrorCode;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use crate::fixtures::{self, ANSWERED, TARGET, later};

pub(crate) fn screen(app: &App) -> String {
    let (columns, rows) = app.size;
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    terminal.draw(|frame| view::render(app, frame.area(), frame.buffer_mut())).unwrap();
    let text = terminal.backend().to_string();
    let lines = text.lines().map(|line| line.trim_matches('"').trim_end());
    lines.collect::<Vec<_>>().join("\n")
}

/// The screens over `daemon`, four seconds after it answered.
pub(crate) fn showing(daemon: Daemon, size: (u16, u16)) -> App {
    let mut app = fixtures::app(&["127.0.0.1"], size);
    tell(&mut app, TARGET, daemon);
    update(&mut app, later(0.3), Event::Tick);
    app
}

pub(crate) fn tell(app: &mut App, target: TargetId, daemon: Daemon) {
    let told = Event::Backend(Update::Daemon { target, daemon: Arc::new(daemon) });
    let now = app.now;
    update(app, now, told);
}

pub(crate) fn press(app: &mut App, keys: &str) -> Vec<ntpscope::tui::event::Effect> {
    let mut effects = Vec::new();
    for key in keys.split(' ').filter(|key| !key.is_empty()) {
        let code = match key {
            "enter" => KeyCode::Enter,
            "esc" => KeyCode::Esc,
            "tab" => KeyCode::Tab,
            "space" => KeyCode::Char(' '),
            "pgdn" => KeyCode::PageDown,
            "up" => KeyCode::Up,
            "down" => KeyCode::Down,
            _ => KeyCode::Char(key.chars().next().unwrap()),
        };
        let now = app.now;
        let event = Event::Key(KeyEvent::new(code, KeyModifiers::NONE));
        effects.extend(update(app, now, event));
    }
    effects
}

#[test]
fn peers_of_the_captured_daemon_are_those_that_ntpq_printed() {
    let mut app = showing(fixtures::captured(), (80, 24));
    press(&mut app, "n");
    assert_snapshot!(screen(&app));
}

#[test]
fn peers_of_a_site() {
    assert_snapshot!("site_80x24", screen(&showing(fixtures::site(), (80, 24))));
    assert_snapshot!("site_120x40", screen(&showing(fixtures::site(), (120, 40))));
    assert_snapshot!("site_60x16", screen(&showing(fixtures::site(), (60, 16))));
}

#[test]
fn an_association_with_all_its_details() {
    let daemon = fixtures::with_details(fixtures::site(), 4002);
    let mut app = showing(daemon, (80, 24));
    press(&mut app, "j enter");
    assert_snapshot!("association_80x24", screen(&app));
    press(&mut app, "pgdn");
    assert_snapshot!("association_80x24_below", screen(&app));
    app.size = (120, 40);
    assert_snapshot!("association_120x40", screen(&app));
    app.size = (60, 16);
    press(&mut app, "g");
    assert_snapshot!("association_60x16", screen(&app));
}

#[test]
fn help_lists_what_works_here() {
    let mut app = showing(fixtures::site(), (80, 24));
    press(&mut app, "?");
    assert_snapshot!("help_80x24", screen(&app));
    press(&mut app, "G");
    assert_snapshot!("help_80x24_end", screen(&app));
}

/// The first lines of the screen: what is said of the conversation.
fn head(contact: Contact, mut daemon: Daemon) -> String {
    daemon.contact = contact;
    let app = showing(daemon, (80, 24));
    let mut app = app;
    update(&mut app, later(12.4), Event::Tick);
    screen(&app).lines().take(6).collect::<Vec<_>>().join("\n")
}

#[test]
fn each_way_of_losing_contact_has_its_words() {
    let last = Some(ANSWERED);
    let since = ANSWERED;
    let asked = later(0.0).mono;
    let refused = Failure::Refused(ErrorCode::Permission);
    let cases = [
        ("resolving", Contact::Resolving, Daemon::default()),
        ("asking", Contact::Asking { since: asked }, Daemon::default()),
        ("no address", Contact::NoAddress { why: "no such host".into() }, Daemon::default()),
        ("never heard", Contact::Silent { since, last: None }, Daemon::default()),
        ("silent", Contact::Silent { since, last }, fixtures::site()),
        (
            "unreachable",
            Contact::Unreachable { why: Unreachable::PortClosed, since, last },
            fixtures::site(),
        ),
        ("refusing", Contact::Refusing { why: refused, since }, Daemon::default()),
        (
            "garbage",
            Contact::Garbage {
                why: Malformed::Invalid { field: "version", position: 0, value: 0x7f },
                since,
                last,
            },
            fixtures::site(),
        ),
        (
            "rate limited",
            Contact::RateLimited {
                last: ANSWERED,
                resume: Mono::from_nanos(ANSWERED.nanos() + 15_000_000_000),
            },
            fixtures::site(),
        ),
        (
            "answering",
            Contact::Answering { last: ANSWERED, round_trip: Duration::from_millis(12) },
            fixtures::site(),
        ),
    ];
    let mut all = String::new();
    for (name, contact, daemon) in cases {
        all.extend(["# ", name, "\n", &head(contact, daemon), "\n"]);
    }
    assert_snapshot!(all);
}

#[test]
fn clocks_that_differ_are_told_when_that_is_more_than_the_error_of_saying_so() {
    let differing = |daemon_ahead_ms: f64, round_trip_ms: u64| {
        let mut daemon = fixtures::site();
        let values = daemon.system.latest().unwrap().clone();
        let clock = fixtures::CLOCK + NtpDuration::from_milliseconds(-daemon_ahead_ms);
        let answered = ANSWERED + Duration::from_millis(round_trip_ms);
        daemon.system = Part::answered(values, Dated { asked: ANSWERED, answered, clock });
        let shown = screen(&showing(daemon, (120, 40)));
        shown.lines().find(|line| line.contains("this host's")).map(str::to_owned)
    };
    assert_eq!(
        differing(1500.0, 4).unwrap(),
        "▲ the daemon's clock is 1.502 s ahead of this host's (±2.200 ms)"
    );
    assert_eq!(
        differing(-90_061_000.0, 0).unwrap(),
        "▲ the daemon's clock is 1 d 1 h behind this host's (±200.0 µs)"
    );
    assert_eq!(differing(-3.0, 8), None, "within the round trip");
}

#[test]
fn who_keeps_this_hosts_time_is_told_where_nothing_answers_here() {
    let silent = Contact::Silent { since: ANSWERED, last: None };
    let mut app = showing(fixtures::unheard(silent), (80, 24));
    let programs = [Program { kind: ProgramKind::Chronyd, pid: 612 }];
    let now = app.now;
    update(&mut app, now, Event::Backend(Update::Programs(programs.into())));
    assert_snapshot!(screen(&app).lines().take(8).collect::<Vec<_>>().join("\n"));
    tell(&mut app, TARGET, fixtures::site());
    assert!(!screen(&app).contains("chronyd"), "it answers, so that is beside the point");
}

#[test]
fn several_daemons_have_tabs_that_say_what_is_the_matter() {
    let mut app = fixtures::app(&["127.0.0.1", "ntp2.example.net", "ntp3.example.net"], (80, 24));
    tell(&mut app, TargetId::new(0), fixtures::site());
    tell(&mut app, TargetId::new(1), fixtures::captured());
    let silent = Contact::Silent { since: ANSWERED, last: None };
    tell(&mut app, TargetId::new(2), fixtures::unheard(silent));
    press(&mut app, "tab");
    assert_snapshot!(screen(&app).lines().take(6).collect::<Vec<_>>().join("\n"));
}

#[test]
fn rows_are_sorted_as_asked_and_what_has_no_value_comes_last() {
    let mut app = showing(fixtures::site(), (120, 40));
    let order = |app: &App| {
        let screen = screen(app);
        let rows = screen.lines().skip(4).take(8);
        rows.map(|row| row.split_whitespace().next().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
    };
    press(&mut app, "s");
    assert_eq!(order(&app)[..2], ["*ntp1.example.net", "+10.77.0.3"], "by tally");
    press(&mut app, ": s o r t space w h e n enter");
    assert_eq!(order(&app)[7], "2.pool.example.org");
    press(&mut app, ": s o r t space o f f s e t enter S");
    assert_eq!(order(&app)[0], "x10.77.0.66");
}

#[test]
fn an_old_row_says_so_while_the_others_are_fresh() {
    let why = Absent::Failed(Failure::Refused(ErrorCode::Permission));
    let mut app = showing(fixtures::with_failed_row(fixtures::site(), 0, why), (80, 24));
    press(&mut app, "enter");
    let screen = screen(&app);
    assert!(screen.contains("the row: refused:"), "{screen}");
    assert!(screen.contains("what is shown\nis 0 s old"), "{screen}");
}
