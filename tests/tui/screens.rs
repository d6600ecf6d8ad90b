//! Whole screens as text.

use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use insta::assert_snapshot;
use ntpscope::backend::{TargetId, Update};
use ntpscope::model::question::Unreachable;
use ntpscope::model::{Contact, Daemon, Failure};
use ntpscope::tui::app::App;
use ntpscope::tui::event::Event;
use ntpscope::tui::update::update;
use ntpscope::tui::view;
use ntpscope::units::Mono;
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
