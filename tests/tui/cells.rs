//! Cells: their digits, their looks, and that they stay in their columns.

use std::net::IpAddr;

use insta::assert_debug_snapshot;
use ntpscope::backend::Update;
use ntpscope::model::{Absent, Contact, Failure};
use ntpscope::tui::app::{App, Screen};
use ntpscope::tui::event::Event;
use ntpscope::tui::palette::Depth;
use ntpscope::tui::update::update;
use ntpscope::tui::view;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Color;

use crate::fixtures::{self, ANSWERED, later};
use crate::screens::{press, screen, showing};

fn buffer(app: &App) -> Buffer {
    let (columns, rows) = app.size;
    let area = Rect::new(0, 0, columns, rows);
    let mut buffer = Buffer::empty(area);
    view::render(app, area, &mut buffer);
    buffer
}

#[test]
fn the_looks_of_the_peers_screen() {
    assert_debug_snapshot!(buffer(&showing(fixtures::site(), (80, 24))));
}

#[test]
fn old_values_look_old() {
    let mut daemon = fixtures::site();
    daemon.contact = Contact::Silent { since: ANSWERED, last: Some(ANSWERED) };
    let app = showing(daemon, (80, 24));
    let buffer = buffer(&app);
    let row = (0..24).find(|y| buffer[(0, *y)].symbol() == "+").unwrap();
    assert_eq!(buffer[(3, row)].style().fg, Some(Color::DarkGray));
    assert!(screen(&app).contains("values below are old"));
}

#[test]
fn without_colours_every_screen_says_the_same() {
    let mut app = showing(fixtures::site(), (80, 24));
    let colourful = screen(&app);
    app.fixed.capabilities.depth = Depth::Mono;
    assert_eq!(screen(&app), colourful);
    let buffer = buffer(&app);
    assert!(
        buffer.content().iter().all(|cell| { (cell.fg, cell.bg) == (Color::Reset, Color::Reset) })
    );
}

#[test]
fn only_ascii_is_shown_where_the_terminal_has_no_more() {
    for daemon in [fixtures::site(), fixtures::with_details(fixtures::captured(), 29383)] {
        let mut app = showing(daemon, (120, 40));
        app.fixed.capabilities.ascii = true;
        for keys in ["", "u", "s", "enter", "pgdn", "esc ?", "G"] {
            press(&mut app, keys);
            let screen = screen(&app);
            assert!(screen.is_ascii(), "{:?} in\n{screen}", screen.chars().find(|c| !c.is_ascii()));
        }
    }
}

#[test]
fn no_size_and_no_daemon_upsets_a_screen() {
    let failed = Absent::Failed(Failure::TooLong);
    for daemon in [
        fixtures::with_details(fixtures::site(), 4001),
        fixtures::listed(),
        fixtures::unheard(Contact::default()),
        fixtures::with_failed_row(fixtures::site(), 0, failed),
    ] {
        let mut app = showing(daemon, (80, 24));
        for keys in ["", "?", "esc enter", "c", "D", "C", ": a"] {
            app.overlay = None;
            press(&mut app, keys);
            for columns in (0..=200).step_by(7).chain([1, 2, 3, 80]) {
                for rows in [0, 1, 2, 3, 5, 8, 13, 14, 18, 22, 24, 60] {
                    app.size = (columns, rows);
                    buffer(&app);
                    view::cursor(&app, Rect::new(0, 0, columns, rows));
                    press(&mut app, "pgdn up");
                }
            }
            app.size = (80, 24);
        }
    }
}

#[test]
fn wide_and_combining_letters_keep_the_columns_aligned() {
    let mut app = showing(fixtures::site(), (120, 40));
    let plain = screen(&app);
    let column = |screen: &str, text: &str| {
        let line = screen.lines().find(|line| line.contains(text)).unwrap();
        unicode_width::UnicodeWidthStr::width(line.split(text).next().unwrap())
    };
    let before = column(&plain, ".PPS.");
    let name: IpAddr = "10.77.0.3".parse().unwrap();
    for text in ["日本語の時計", "e\u{301}e\u{301}", "zero\u{feff}"] {
        let name = Update::Name { address: name, name: Some(text.into()) };
        update(&mut app, later(0.3), Event::Backend(name));
        assert_eq!(column(&screen(&app), ".PPS."), before, "{text}");
    }
}

#[test]
fn hostile_text_stays_text() {
    let long = "A".repeat(4096);
    let reply = format!(
        "srcadr=0.0.0.0, srchost=\"\u{1b}]0;owned\u{7}\u{1b}[2J{long}\", refid=\u{1b}[31m, \
         offset=1e999, delay=nan, reach=0xfff, hpoll=127, ppoll=-128, flash=zz, \u{1b}[5m=1"
    );
    let version = "ntpd \u{1b}[2J4.2.8p15\u{9b}31m";
    let daemon =
        fixtures::daemon(version, 0xffff, "offset=-1e300, stratum=99", &[(1, 0xffff, &reply)]);
    let mut app = showing(daemon, (80, 24));
    for keys in ["", "enter", "G", "esc", "?"] {
        press(&mut app, keys);
        let screen = screen(&app);
        assert!(!screen.chars().any(|c| c.is_control() && c != '\n'), "{screen:?}");
    }
    assert_eq!(app.screen(), Screen::Peers);
}
