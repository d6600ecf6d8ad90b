//! The console: what is typed, what is asked of the world, what is shown.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use insta::assert_snapshot;
use ntpscope::backend::console::{Input, News};
use ntpscope::backend::{Request, TargetId, Update};
use ntpscope::tui::app::{App, Screen};
use ntpscope::tui::console::Stage;
use ntpscope::tui::event::{Effect, Event};
use ntpscope::tui::update::update;
use ntpscope::tui::view;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::fixtures::{self, TARGET, later};
use crate::screens::{press, screen, showing};

/// What consoles were told.
fn inputs(effects: Vec<Effect>) -> Vec<Input> {
    let input = |effect| match effect {
        Effect::Request(Request::Console { target: TARGET, input }) => Some(input),
        _ => None,
    };
    effects.into_iter().filter_map(input).collect()
}

fn news(app: &mut App, news: News) {
    let now = app.now;
    update(app, now, Event::Backend(Update::Console { target: TARGET, news }));
}

fn print(app: &mut App, text: &str) {
    news(app, News::Text { text: text.into(), is_complaint: false });
}

fn key(app: &mut App, code: KeyCode, modifiers: KeyModifiers) -> Vec<Input> {
    let now = app.now;
    inputs(update(app, now, Event::Key(KeyEvent::new(code, modifiers))))
}

fn control(app: &mut App, letter: char) -> Vec<Input> {
    key(app, KeyCode::Char(letter), KeyModifiers::CONTROL)
}

/// Types `text` and enters it.
fn enter(app: &mut App, text: &str) -> Vec<Input> {
    type_in(app, text);
    key(app, KeyCode::Enter, KeyModifiers::NONE)
}

fn type_in(app: &mut App, text: &str) {
    for letter in text.chars() {
        assert_eq!(key(app, KeyCode::Char(letter), KeyModifiers::NONE), []);
    }
}

fn command(line: &str) -> Input {
    Input::Command { line: line.to_owned().into(), may_change: false }
}

/// A console that awaits a command.
fn console(size: (u16, u16)) -> App {
    let mut app = showing(fixtures::site(), size);
    assert_eq!(inputs(press(&mut app, ">")), [Input::Open { numeric: false }]);
    assert_eq!(app.screen(), Screen::Console);
    news(&mut app, News::Ready);
    app
}

const PEERS: &str = "     remote           refid      st t when poll reach   delay   offset  jitter
==============================================================================
*127.127.1.0     .LOCL.           5 l    3    8    3    0.000   +0.000   0.000
";

#[test]
fn a_command_is_typed_run_and_its_answer_shown() {
    let mut app = console((80, 24));
    assert_eq!(enter(&mut app, "peers"), [command("peers")]);
    assert_eq!(app.tab().unwrap().console.stage, Stage::Running("peers".into(), app.now.mono));
    assert_eq!(enter(&mut app, "rv"), [], "one after the other");
    print(&mut app, PEERS);
    news(&mut app, News::Ready);
    type_in(&mut app, "rv qx?>");
    assert_eq!(app.screen(), Screen::Console, "letters are letters");
    assert_snapshot!("console_80x24", screen(&app));
    let cursor = view::cursor(&app, Rect::new(0, 0, 80, 24)).unwrap();
    assert_eq!((cursor.x, cursor.y), (13, 22));
}

#[test]
fn words_are_offered_and_chosen() {
    for (columns, rows) in [(80, 24), (120, 40), (60, 16)] {
        let mut app = console((columns, rows));
        type_in(&mut app, "rv ");
        key(&mut app, KeyCode::Tab, KeyModifiers::NONE);
        key(&mut app, KeyCode::Tab, KeyModifiers::NONE);
        key(&mut app, KeyCode::Tab, KeyModifiers::NONE);
        assert_snapshot!(format!("console_offer_{columns}x{rows}"), screen(&app));
        key(&mut app, KeyCode::BackTab, KeyModifiers::NONE);
        assert_eq!(app.tab().unwrap().console.editor.text(), "rv 0");
        key(&mut app, KeyCode::Esc, KeyModifiers::NONE);
        assert_eq!(app.screen(), Screen::Console, "first what is offered goes");
        key(&mut app, KeyCode::Esc, KeyModifiers::NONE);
        assert_eq!(app.screen(), Screen::Peers);
    }
}

#[test]
fn a_command_at_work_shows_its_time_and_can_be_stopped() {
    for stop in [KeyCode::Esc, KeyCode::Char('c')] {
        let mut app = console((80, 24));
        enter(&mut app, "mrulist");
        news(&mut app, News::Text { text: "\r12 (3 updates) ".into(), is_complaint: true });
        let now = later(75.0);
        update(&mut app, now, Event::Tick);
        let shown = screen(&app);
        assert!(shown.contains("mrulist · running 1 min 14 s · Ctrl-C stops it"), "{shown}");
        assert!(shown.contains("\n12 (3 updates)"), "{shown}");
        news(&mut app, News::Text { text: "\r15 (3 updates) ".into(), is_complaint: true });
        assert!(!screen(&app).contains("\n12 (3"));
        let modifiers =
            if stop == KeyCode::Esc { KeyModifiers::NONE } else { KeyModifiers::CONTROL };
        assert_eq!(key(&mut app, stop, modifiers), [Input::Interrupt]);
        assert_eq!(app.screen(), Screen::Console);
    }
}

#[test]
fn a_secret_is_neither_shown_nor_kept() {
    let mut app = console((80, 24));
    enter(&mut app, "rv");
    news(&mut app, News::Asks { prompt: "MD5 Password: ".into(), hidden: true });
    type_in(&mut app, "Sw0rdfish");
    assert!(screen(&app).contains("\nMD5 Password:\n"), "{}", screen(&app));
    let told = key(&mut app, KeyCode::Enter, KeyModifiers::NONE);
    assert_eq!(told, [Input::Line(Some("Sw0rdfish".to_owned().into()))]);
    assert!(!format!("{told:?}").contains("Sw0rd"));
    news(&mut app, News::Ready);
    assert_eq!(enter(&mut app, "passwd Herr1ng"), [command("passwd Herr1ng")]);
    news(&mut app, News::Ready);
    assert!(screen(&app).contains("ntpq> passwd …"), "{}", screen(&app));
    key(&mut app, KeyCode::Up, KeyModifiers::NONE);
    assert_eq!(app.tab().unwrap().console.editor.text(), "rv");
    let all = format!("{:?}", app.tabs);
    assert!(!all.contains("Sw0rd") && !all.contains("Herr1ng"));
}

#[test]
fn a_question_can_be_left_without_an_answer() {
    let mut app = console((80, 24));
    enter(&mut app, "passwd");
    news(&mut app, News::Asks { prompt: "Keyid: ".into(), hidden: false });
    type_in(&mut app, "7");
    assert!(screen(&app).contains("\nKeyid: 7\n"), "{}", screen(&app));
    assert_eq!(
        key(&mut app, KeyCode::Enter, KeyModifiers::NONE),
        [Input::Line(Some("7".to_owned().into()))]
    );
    news(&mut app, News::Asks { prompt: "MD5 Password: ".into(), hidden: true });
    assert_eq!(control(&mut app, 'c'), [Input::Line(None)]);
    assert_eq!(app.screen(), Screen::Console);
}

#[test]
fn what_was_printed_can_be_scrolled_back() {
    let mut app = console((80, 24));
    for number in 0..200 {
        print(&mut app, &format!("line {number}\n"));
    }
    assert!(screen(&app).contains("line 199\nntpq>"), "{}", screen(&app));
    key(&mut app, KeyCode::PageUp, KeyModifiers::NONE);
    let before = screen(&app);
    assert!(before.contains("more lines, PgDn") && !before.contains("line 199"), "{before}");
    print(&mut app, "one more\n");
    let top = |screen: &str| screen.lines().nth(3).map(str::to_owned);
    assert_eq!(top(&before), top(&screen(&app)), "what is seen stays");
    for _ in 0..100 {
        key(&mut app, KeyCode::PageUp, KeyModifiers::NONE);
    }
    assert!(screen(&app).contains("\nline 0\n"), "{}", screen(&app));
    type_in(&mut app, "x");
    assert!(screen(&app).contains("one more\nntpq> x"), "who types sees the end");
}

#[test]
fn each_daemon_has_its_own_session() {
    let mut app = fixtures::app(&["a", "b"], (80, 24));
    let opened = |effects: Vec<Effect>| {
        let open = |effect: &Effect| match effect {
            Effect::Request(Request::Console { target, input: Input::Open { .. } }) => {
                Some(*target)
            }
            _ => None,
        };
        effects.iter().filter_map(open).map(TargetId::place).collect::<Vec<_>>()
    };
    assert_eq!(opened(press(&mut app, ">")), [0]);
    let now = app.now;
    let next = KeyEvent::new(KeyCode::Char('t'), KeyModifiers::CONTROL);
    assert_eq!(opened(update(&mut app, now, Event::Key(next))), [1]);
    assert_eq!(opened(update(&mut app, now, Event::Key(next))), [0; 0], "it is open");
    news(&mut app, News::Ready);
    print(&mut app, "of a\n");
    assert!(screen(&app).contains("of a"));
    update(&mut app, now, Event::Key(next));
    assert!(!screen(&app).contains("of a"));
}

#[test]
fn a_session_that_is_over_says_so_and_begins_again() {
    let mut app = console((80, 24));
    news(&mut app, News::Ended);
    assert!(screen(&app).contains("this session is over: Enter begins another"));
    assert_eq!(key(&mut app, KeyCode::Enter, KeyModifiers::NONE), [Input::Open { numeric: false }]);
    news(&mut app, News::Ready);
    assert_eq!(enter(&mut app, "qui"), [command("qui")]);
    news(&mut app, News::Ended);
    assert_eq!(app.screen(), Screen::Peers, "whoever quits leaves");
    assert_eq!(inputs(press(&mut app, ">")), [Input::Open { numeric: false }]);
}

#[test]
fn pasted_lines_are_one_line_and_never_run() {
    let mut app = console((80, 24));
    let now = app.now;
    let told = inputs(update(&mut app, now, Event::Paste("rv \u{1b}0\nrv 1\n".into())));
    assert_eq!(told, []);
    assert_eq!(app.tab().unwrap().console.editor.text(), "rv 0");
}

#[test]
fn every_size_is_drawn() {
    for rows in 0..30 {
        for columns in [0, 1, 2, 7, 30, 80, 200] {
            let mut app = console((80, 24));
            app.size = (columns, rows);
            print(&mut app, PEERS);
            type_in(&mut app, "rv &");
            key(&mut app, KeyCode::Tab, KeyModifiers::NONE);
            key(&mut app, KeyCode::PageUp, KeyModifiers::NONE);
            let area = Rect::new(0, 0, columns, rows);
            view::render(&app, area, &mut Buffer::empty(area));
            let cursor = view::cursor(&app, area);
            assert!(cursor.is_none_or(|at| at.x < columns && at.y < rows));
        }
    }
}
