//! Whole screens as text.

use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use insta::assert_snapshot;
use ntpscope::backend::{TargetId, Update};
use ntpscope::model::daemon::Associations;
use ntpscope::model::programs::{Program, ProgramKind};
use ntpscope::model::question::Unreachable;
use ntpscope::model::{Absent, Contact, Daemon, Dated, Failure, Part, Peer};
use ntpscope::tui::app::{App, Options, Target};
use ntpscope::tui::event::Event;
use ntpscope::tui::format::Units;
use ntpscope::tui::once;
use ntpscope::tui::update::update;
use ntpscope::tui::view;
use ntpscope::units::{AssocId, Mono, NtpDuration};
use ntpscope::wire::Malformed;
use ntpscope::wire::mode6::ErrorCode;
use ntpscope::wire::mode6::status::SystemStatus;
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
        (
            "refusing",
            Contact::Refusing { why: refused.clone(), since, last: None },
            Daemon::default(),
        ),
        ("refusing now", Contact::Refusing { why: refused, since, last }, fixtures::site()),
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

/// `site` with so many sources more that there are `count`.
fn crowd(count: u16) -> Daemon {
    let mut daemon = fixtures::site();
    let mut peers = daemon.peers.to_vec();
    let more = (5000..).take(usize::from(count) - peers.len());
    let like = peers[1].clone();
    peers.extend(more.map(|id| Arc::new(Peer { id: AssocId::new(id), ..Peer::clone(&like) })));
    daemon.peers = peers.into();
    daemon
}

fn rows_on_screen(app: &App) -> usize {
    let tab = app.tab().unwrap();
    let shown = view::visible_rows(app, tab).len();
    let text = screen(app);
    let ends_in_jitter = |line: &&str| {
        line.rsplit(' ').next().is_some_and(|end| end.contains('.') && end.parse::<f64>().is_ok())
    };
    assert_eq!(text.lines().filter(ends_in_jitter).count(), shown, "{text}");
    shown
}

#[test]
fn the_strip_gives_way_before_rows_are_hidden() {
    assert_eq!(rows_on_screen(&showing(crowd(16), (80, 24))), 16);
    let text = screen(&showing(crowd(16), (80, 24)));
    let strip: Vec<_> = text.lines().rev().take(4).collect();
    assert!(strip[3].starts_with("── ntp1.example.net"), "{text}");
    assert!(strip[2].starts_with("* sys.peer: used"), "{text}");
    assert_eq!(rows_on_screen(&showing(crowd(18), (80, 24))), 18);
    let mut app = showing(crowd(18), (80, 24));
    press(&mut app, "j j j j");
    let text = screen(&app);
    let last = text.lines().rev().nth(1).unwrap();
    assert!(last.starts_with("  reject: ") && last.contains("flash peer_"), "{text}");
    assert_eq!(rows_on_screen(&showing(crowd(30), (80, 24))), 16, "the strip is not given up");
}

#[test]
fn a_new_start_is_news_for_a_minute() {
    let daemon = Daemon { restarts: 1, restarted: Some(ANSWERED), ..fixtures::site() };
    let mut app = showing(daemon, (80, 24));
    let news = "▲ started anew 12 s ago: its association ids changed";
    update(&mut app, later(12.4), Event::Tick);
    assert!(screen(&app).lines().any(|line| line == news), "{}", screen(&app));
    update(&mut app, later(60.4), Event::Tick);
    assert!(!screen(&app).contains("started anew"));
    assert!(screen(&app).contains("restarted once"));
}

#[test]
fn a_row_whose_own_answers_fail_shows_its_age_and_is_not_called_overdue() {
    let why = Absent::Failed(Failure::Refused(ErrorCode::Permission));
    for (size, mark) in [((80, 24), " old "), ((60, 16), " old ")] {
        let mut app = showing(fixtures::with_failed_row(fixtures::site(), 0, why.clone()), size);
        update(&mut app, later(20.0), Event::Tick);
        let text = screen(&app);
        let rows =
            |name: &str| text.lines().filter(|row| row.starts_with(name)).collect::<Vec<_>>();
        assert!(rows("*ntp1").iter().all(|row| row.contains(mark) && !row.contains('!')), "{text}");
        assert!(rows("x10.77").iter().all(|row| !row.contains(mark)), "{text}");
        assert!(text.contains("its values are 20 s old: refused"), "{text}");
    }
}

#[test]
fn a_headline_is_not_green_for_longer_than_its_answers_hold() {
    let mut daemon = fixtures::site();
    daemon.system = daemon.system.failed(Absent::Failed(Failure::TooLong));
    let fresh = |seconds| Dated { answered: later(seconds).mono, ..fixtures::dated() };
    let head = |daemon: &Daemon, seconds: f64| {
        let mut daemon = daemon.clone();
        let list = daemon.associations.latest().unwrap().clone();
        daemon.associations = Part::answered(list, fresh(seconds));
        let mut app = showing(daemon, (120, 40));
        update(&mut app, later(seconds), Event::Tick);
        screen(&app).lines().next().unwrap().to_owned()
    };
    assert!(head(&daemon, 16.0).starts_with("● synchronised to ntp1"));
    assert!(
        head(&daemon, 17.0).starts_with("○ last answer on its state 17 s ago ("),
        "{}",
        head(&daemon, 17.0)
    );
    // The list tells of an alarm before the variables do.
    let alarmed = Associations {
        system: SystemStatus::from_bits(0xc016),
        ..daemon.associations.latest().unwrap().clone()
    };
    daemon.associations = Part::answered(alarmed, fresh(1.0));
    assert!(head(&daemon, 2.0).starts_with("✖ NOT SYNCHRONISED"));
}

#[test]
fn the_table_for_no_terminal_names_each_daemon_and_has_no_course_of_offsets() {
    let app = fixtures::app(&["a.example", "b.example"], (80, 24));
    let targets = app.tabs.iter().map(|tab| Target {
        id: tab.target,
        label: tab.label.clone(),
        is_local: false,
        files: ntpscope::config::files::Files::default(),
    });
    let options = Options {
        targets: targets.collect(),
        names: true,
        units: Units::default(),
        capabilities: app.fixed.capabilities,
        themes: app.fixed.themes.clone(),
        variant: None,
        measure: None,
        completions: ntpscope::control::completion::completions,
        notice: None,
    };
    let daemons = [fixtures::site(), fixtures::unheard(Contact::Asking { since: ANSWERED })];
    let text = once::print(options, &daemons.map(Arc::new), &[], later(0.3));
    assert_snapshot!(format!("{}stderr:\n{}", text.tables, text.complaints));
}
