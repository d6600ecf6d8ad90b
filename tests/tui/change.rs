//! Changing a daemon: nothing is ordered unless it is armed, each step is shown, and the secret is
//! shown nowhere.

use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use insta::assert_snapshot;
use ntpscope::backend::change::{Order, Progress, Signing};
use ntpscope::backend::console::News;
use ntpscope::backend::{Request, Update, World};
use ntpscope::config::files::Files;
use ntpscope::config::keys::typed;
use ntpscope::model::change::state::{Check, Difference, Entry, Kind, Wanted, Whom};
use ntpscope::model::change::{
    Answered, Course, Outcome, Phase, Preview, Sent, TakenBack, Trouble, Verdict, Why,
};
use ntpscope::tui::app::{App, Screen};
use ntpscope::tui::arming::{ARMED_FOR, CONFIRM};
use ntpscope::tui::event::{Effect, Event};
use ntpscope::tui::update::{next_wakeup, update};

use crate::fixtures::{self, TARGET};
use crate::screens::{press, screen, showing};

const SECRET: &str = "xyzzy-plugh";

/// What was ordered of changes.
fn orders(effects: Vec<Effect>) -> Vec<Order> {
    let order = |effect| match effect {
        Effect::Request(Request::Change { target: TARGET, order }) => Some(order),
        _ => None,
    };
    effects.into_iter().filter_map(order).collect()
}

fn type_in(app: &mut App, text: &str) -> Vec<Order> {
    let mut all = Vec::new();
    for letter in text.chars() {
        let (now, key) = (app.now, KeyEvent::new(KeyCode::Char(letter), KeyModifiers::NONE));
        all.extend(orders(update(app, now, Event::Key(key))));
        assert!(!screen(app).contains(SECRET) && !format!("{app:?}").contains(SECRET));
    }
    all
}

fn enter(app: &mut App, text: &str) -> Vec<Order> {
    let mut all = type_in(app, text);
    all.extend(orders(press(app, "enter")));
    all
}

/// Armed with a key of the captured daemon.
fn armed() -> App {
    let mut app = showing(fixtures::captured(), (80, 24));
    press(&mut app, "!");
    enter(&mut app, "1 SHA1");
    enter(&mut app, SECRET);
    app
}

fn tell(app: &mut App, course: Course, foreseen: &[&str]) -> Vec<Effect> {
    let foreseen = foreseen.iter().map(|sentence| (*sentence).to_owned()).collect();
    let progress = Arc::new(Progress { course, foreseen, unwritten: None });
    let now = app.now;
    update(app, now, Event::Backend(Update::Change { target: TARGET, progress }))
}

fn check(wanted: Wanted) -> Check {
    Check { whom: Whom::Named(Kind::Association, "192.0.2.7".into()), wanted }
}

fn previewed() -> Course {
    Course {
        phase: Phase::Preview,
        preview: Some(Preview {
            lines: vec!["server 192.0.2.7 iburst".into()],
            inverse: Ok(vec!["unconfig 192.0.2.7".into()]),
            effects: Vec::new(),
            touches: Vec::new(),
            roles: Vec::new(),
            words: vec!["an association begins, from reach 0".into()],
            checks: vec![check(Wanted::There)],
            is_so_already: false,
        }),
        ..Course::default()
    }
}

fn confirming(app: &App) -> Course {
    let difference = Difference {
        came: vec![Entry::new(Kind::Association, "192.0.2.7").with("key", "none")],
        ..Difference::default()
    };
    Course {
        phase: Phase::Confirming(app.now.mono + CONFIRM),
        sent: vec![Sent {
            text: "server 192.0.2.7 iburst".into(),
            answer: Some(Answered::Accepted("Config Succeeded".into())),
        }],
        outcome: Some(Outcome {
            verdict: Verdict::Applied,
            checks: vec![(check(Wanted::There), Some(true))],
            difference: Some(difference),
        }),
        ..previewed()
    }
}

const FORESEEN: [&str; 2] = [
    "10.0.0.1 stays the system peer",
    "what 192.0.2.7 will tell is not known before it is measured",
];

#[test]
fn nothing_is_ordered_unless_it_is_armed() {
    let mut app = showing(fixtures::captured(), (80, 24));
    press(&mut app, ":");
    assert_eq!(enter(&mut app, "set add 192.0.2.7"), []);
    assert!(screen(&app).contains("not armed: ! arms them"));
    assert_eq!(orders(press(&mut app, "R F N y")), []);
    // The question is left, and so is the one for a secret.
    press(&mut app, "! esc !");
    assert!(app.tab().unwrap().armed.is_none());
    enter(&mut app, "1");
    press(&mut app, "esc");
    assert!(app.tab().unwrap().armed.is_none() && !screen(&app).contains("ARMED"));
}

#[test]
fn arming_asks_for_a_key_and_shows_no_secret() {
    let mut app = showing(fixtures::captured(), (80, 24));
    press(&mut app, "!");
    enter(&mut app, "five");
    assert!(screen(&app).contains("type the number of the key"));
    press(&mut app, "esc !");
    enter(&mut app, "5 SHA1");
    type_in(&mut app, SECRET);
    assert_snapshot!("arming_80x24", screen(&app));
    press(&mut app, "enter");
    assert_eq!(
        app.tab().unwrap().armed.as_ref().unwrap().signing.as_ref().unwrap().key().key.id().get(),
        5
    );
    assert_snapshot!("armed_80x24", screen(&app));
    // On every screen, without a colour.
    for key in ["c", "v", "D", "o", "?"] {
        press(&mut app, key);
        assert!(screen(&app).contains(" ARMED  127.0.0.1: "), "{key}");
    }
    press(&mut app, "esc !");
    assert!(!screen(&app).contains(" ARMED "), "{}", screen(&app));
}

/// The keys that were given for questions that need one: their numbers.
fn given(effects: Vec<Effect>) -> Vec<Option<u32>> {
    let number = |effect| match effect {
        Effect::Request(Request::Key { target: TARGET, signing }) => {
            Some(signing.map(|signing| signing.key().key.id().get()))
        }
        _ => None,
    };
    effects.into_iter().filter_map(number).collect()
}

#[test]
fn what_needs_a_key_is_asked_while_it_is_armed() {
    let mut app = showing(fixtures::captured(), (80, 24));
    press(&mut app, "!");
    enter(&mut app, "5 SHA1");
    type_in(&mut app, SECRET);
    assert_eq!(given(press(&mut app, "enter")), [Some(5)]);
    assert_eq!(given(press(&mut app, "D c")), []);
    assert_eq!(given(press(&mut app, "!")), [None]);
}

#[test]
fn a_line_of_configuration_on_the_console_is_shown_before_it_is_sent() {
    let mut app = armed();
    press(&mut app, ">");
    let now = app.now;
    update(&mut app, now, Event::Backend(Update::Console { target: TARGET, news: News::Ready }));
    let ordered = enter(&mut app, ":config tos minsane 2");
    let [Order::Think(wish)] = &ordered[..] else { panic!("{ordered:?}") };
    assert_eq!(wish.words, ["config", "tos", "minsane", "2"]);
    assert!(screen(&app).contains("Change of 127.0.0.1: config tos minsane 2"));
}

#[test]
fn a_change_is_seen_sent_after_a_yes_and_kept() {
    let mut app = armed();
    press(&mut app, ":");
    let ordered = enter(&mut app, "set add 192.0.2.7 iburst");
    let [Order::Think(wish)] = &ordered[..] else { panic!("{ordered:?}") };
    assert_eq!(wish.words, ["add", "192.0.2.7", "iburst"]);
    assert!(!format!("{wish:?}").contains(SECRET));
    tell(&mut app, previewed(), &FORESEEN);
    assert_snapshot!("preview_80x24", screen(&app));
    assert_eq!(orders(press(&mut app, "y")), [Order::Send { for_good: false }]);
    let course = confirming(&app);
    tell(&mut app, course, &[]);
    assert_snapshot!("confirming_80x24", screen(&app));
    // It is counted on every screen, and the program does not end over it.
    press(&mut app, "q c");
    assert_eq!(app.screen(), Screen::Clock);
    assert!(screen(&app).contains("taken back in 60 s unless you keep it: ! shows it"));
    assert_eq!(press(&mut app, "q").into_iter().find(|effect| *effect == Effect::Quit), None);
    assert!(next_wakeup(&app).unwrap() <= app.now.mono + Duration::from_secs(1));
    assert_eq!(orders(press(&mut app, "y")), [Order::Keep]);
    let kept = Course { phase: Phase::Ended, ..confirming(&app) };
    let effects = tell(&mut app, kept, &[]);
    assert!(effects.contains(&Effect::Request(Request::Refresh { target: TARGET })));
    press(&mut app, "y");
    assert!(app.overlay.is_none() && app.tab().unwrap().change.is_none());
}

#[test]
fn a_no_takes_it_back_and_a_change_without_a_way_back_says_so() {
    let mut app = armed();
    press(&mut app, ":");
    enter(&mut app, "set add 192.0.2.7 iburst");
    let course = confirming(&app);
    tell(&mut app, course, &[]);
    assert_eq!(orders(press(&mut app, "n")), [Order::TakeBack]);
    let outcome = Outcome { verdict: Verdict::Applied, checks: Vec::new(), difference: None };
    let back = TakenBack { why: Why::Asked, sent: Vec::new(), outcome: Some(outcome) };
    let course = Course { phase: Phase::Ended, back: Some(back), ..confirming(&app) };
    tell(&mut app, course, &[]);
    assert!(screen(&app).contains("Taken back: all is as it was before."));
    press(&mut app, "y :");
    enter(&mut app, "set reset sys");
    let preview =
        Preview { inverse: Err("what was counted is lost".into()), ..previewed().preview.unwrap() };
    tell(&mut app, Course { preview: Some(preview), ..previewed() }, &[]);
    assert!(screen(&app).contains("NOTHING: what was counted is lost"));
    assert!(screen(&app).contains("y SEND it for good"));
    assert_eq!(orders(press(&mut app, "y")), [Order::Send { for_good: true }]);
    let trouble = Some(Trouble::Options("192.0.2.7".into()));
    tell(&mut app, Course { phase: Phase::Ended, trouble, ..Course::default() }, &[]);
    assert!(screen(&app).contains("Say them behind --has"));
}

/// Asked whether to arm, with a file of keys named, of which the number `key` is.
fn asked_with_a_file(key: Option<u32>) -> App {
    let mut app = showing(fixtures::captured(), (80, 24));
    app.tabs[0].files = Files { keys: Some("/etc/ntp.keys".into()), key, config_of: None };
    let read = press(&mut app, "!");
    assert!(read.contains(&Effect::Request(Request::Keys { target: TARGET })));
    app
}

fn tell_keys(app: &mut App, keys: Result<Vec<Signing>, Box<str>>) {
    let now = app.now;
    update(app, now, Event::Backend(Update::Keys { target: TARGET, keys }));
    assert!(!screen(app).contains(SECRET) && !format!("{app:?}").contains(SECRET));
}

fn keys(numbers: &[u32]) -> Vec<Signing> {
    let key = |number: &u32| Signing::with(typed(*number, "SHA1", SECRET).unwrap());
    numbers.iter().map(key).collect()
}

fn armed_with(app: &App) -> Option<u32> {
    app.tab().unwrap().armed.as_ref()?.signing.as_ref().map(Signing::number)
}

#[test]
fn the_keys_of_a_file_are_offered_when_it_is_armed() {
    let mut app = asked_with_a_file(Some(10));
    press(&mut app, "enter");
    assert!(screen(&app).contains("still being read"), "{}", screen(&app));
    tell_keys(&mut app, Ok(keys(&[1, 5, 10])));
    assert_snapshot!("arming_with_a_file_80x24", screen(&app));
    // The one that is named; the next, round about; and the one before.
    for (key, number) in [("tab", "1"), ("down", "5"), ("up", "1"), ("up", "10")] {
        press(&mut app, key);
        assert!(screen(&app).contains(&format!("key: {number}_")), "{}", screen(&app));
    }
    press(&mut app, "up enter");
    assert_eq!(armed_with(&app), Some(5));
    // Of the file nothing is kept but the one key, and that until it is disarmed.
    assert!(app.overlay.is_none());
    assert_eq!(given(press(&mut app, "!")), [None]);
    // Armed again, it is read again.
    assert!(press(&mut app, "!").contains(&Effect::Request(Request::Keys { target: TARGET })));
}

#[test]
fn a_key_can_be_typed_beside_a_file() {
    let mut app = asked_with_a_file(None);
    tell_keys(&mut app, Ok(keys(&[5])));
    // The only one is there already; with a type behind it, its secret is asked for.
    assert!(screen(&app).contains("key: 5_"));
    enter(&mut app, " MD5");
    assert!(screen(&app).contains("The secret of key 5 (MD5)"), "{}", screen(&app));
    let mut app = asked_with_a_file(Some(7));
    tell_keys(&mut app, Ok(keys(&[5])));
    // One that the file has not.
    press(&mut app, "enter");
    assert!(screen(&app).contains("The secret of key 7 (MD5)"), "{}", screen(&app));
    let mut app = asked_with_a_file(None);
    tell_keys(&mut app, Err("/etc/ntp.keys: others than its owner can read it".into()));
    assert!(screen(&app).contains("others than its owner can read it"));
    enter(&mut app, "5");
    assert!(screen(&app).contains("The secret of key 5 (MD5)"), "{}", screen(&app));
    // What comes too late, or for nobody, is dropped.
    press(&mut app, "esc");
    tell_keys(&mut app, Ok(keys(&[5])));
    assert!(app.overlay.is_none() && armed_with(&app).is_none());
}

#[test]
fn with_a_configuration_named_options_are_not_asked_for() {
    let mut app = armed();
    app.tabs[0].files.config_of = Some("/etc/ntp.conf".into());
    let ordered = orders(press(&mut app, "F"));
    let [Order::Think(wish)] = &ordered[..] else { panic!("{ordered:?}") };
    assert_eq!(wish.words, ["prefer", "127.127.1.0"]);
    let trouble = Some(Trouble::Options("127.127.1.0".into()));
    tell(&mut app, Course { phase: Phase::Ended, trouble, ..Course::default() }, &[]);
    assert!(screen(&app).contains("/etc/ntp.conf has no line of it"), "{}", screen(&app));
}

#[test]
fn how_a_change_ended_behind_another_screen_is_told_until_it_was_seen() {
    let mut app = armed();
    press(&mut app, ":");
    enter(&mut app, "set add 192.0.2.7 iburst");
    let course = confirming(&app);
    tell(&mut app, course, &[]);
    press(&mut app, "q c");
    let outcome = confirming(&app).outcome.map(|outcome| Outcome {
        verdict: Verdict::Unknown,
        difference: None,
        ..outcome
    });
    let back = Some(TakenBack { why: Why::NotConfirmed, sent: Vec::new(), outcome });
    let ended = Course { phase: Phase::Ended, back, ..confirming(&app) };
    tell(&mut app, ended, &[]);
    let told = "! shows this: Not kept in time. PERHAPS taken back";
    assert!(screen(&app).contains(told), "{}", screen(&app));
    // Nor does the program end before, and the key that disarms shows it first.
    assert!(!press(&mut app, "q").contains(&Effect::Quit));
    press(&mut app, "y");
    assert!(!screen(&app).contains(told), "{}", screen(&app));
    assert!(app.overlay.is_none() && app.tab().unwrap().armed.is_some());
    assert!(press(&mut app, "q").contains(&Effect::Quit));
}

#[test]
fn what_cannot_be_written_down_is_told_on_the_screen() {
    let mut app = armed();
    press(&mut app, ":");
    enter(&mut app, "set add 192.0.2.7 iburst");
    let course = Course { phase: Phase::Ended, ..confirming(&app) };
    let unwritten = Some("no space left on device".to_owned());
    let progress = Arc::new(Progress { course, foreseen: Vec::new(), unwritten });
    let now = app.now;
    update(&mut app, now, Event::Backend(Update::Change { target: TARGET, progress }));
    let shown = screen(&app);
    assert!(shown.contains("What became of it cannot be written down"), "{shown}");
}

#[test]
fn it_disarms_by_itself() {
    let mut app = armed();
    let later = ntpscope::units::Now { mono: app.now.mono + ARMED_FOR, ..app.now };
    update(&mut app, later, Event::Tick);
    assert!(screen(&app).contains("disarmed: no key was pressed for long"));
    assert!(app.tab().unwrap().armed.is_none());
    let mut app = armed();
    let soon = ntpscope::units::Now { mono: app.now.mono + ARMED_FOR / 2, ..app.now };
    app.now = soon;
    press(&mut app, "j");
    let later = ntpscope::units::Now { mono: soon.mono + ARMED_FOR / 2, ..soon };
    update(&mut app, later, Event::Tick);
    assert!(app.tab().unwrap().armed.is_some(), "somebody is at work");
}

#[test]
fn the_key_on_an_association_names_it_and_the_daemon_completes() {
    let mut app = armed();
    press(&mut app, "F");
    assert!(screen(&app).contains(":set prefer 127.127.1.0 --has"), "{}", screen(&app));
    press(&mut app, "esc R");
    assert!(screen(&app).contains("Change of 127.0.0.1: remove 127.127.1.0"));
    press(&mut app, "n :");
    type_in(&mut app, "set unr");
    press(&mut app, "tab");
    assert!(screen(&app).contains(":set unrestrict"));
    // Where nothing is certain, what it may be stands behind what is typed.
    press(&mut app, "esc :");
    type_in(&mut app, "set re");
    press(&mut app, "tab");
    assert!(screen(&app).contains(":set re   remove  restrict  reset"), "{}", screen(&app));
}

#[test]
fn only_what_the_daemon_can_do_is_offered() {
    let completed = |typed: &str| {
        let mut app = showing(fixtures::chronyd::lab(fixtures::chronyd::Over::Unix), (120, 40));
        press(&mut app, ":");
        type_in(&mut app, typed);
        press(&mut app, "tab");
        screen(&app)
    };
    assert!(
        completed("set unr").contains(":set unr\n") || completed("set unr").ends_with(":set unr")
    );
    for (typed, expected) in [
        ("set cmda", ":set cmdallow"),
        ("set reset s", ":set reset sources"),
        ("set config refr", ":set config refresh"),
        ("set add server a maxdelayd", ":set add server a maxdelaydevratio"),
    ] {
        assert!(completed(typed).contains(expected), "{typed}");
    }
}

#[test]
fn a_simulated_daemon_takes_none() {
    let mut app = showing(fixtures::captured(), (80, 24));
    let now = app.now;
    update(&mut app, now, Event::Backend(Update::World(Arc::new(World::default()))));
    press(&mut app, "!");
    assert!(screen(&app).contains("a simulated daemon takes no changes"));
}
