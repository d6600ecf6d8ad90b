//! Changes that were left behind: offered one after another, nothing is ordered without a decision,
//! and what was put off is kept in mind.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use insta::assert_snapshot;
use ntpscope::backend::change::{Left, Order, Pending};
use ntpscope::backend::{Request, Update};
use ntpscope::tui::app::{App, Overlay};
use ntpscope::tui::event::{Effect, Event};
use ntpscope::tui::update::update;
use ntpscope::units::Now;

use crate::fixtures::{self, TARGET};
use crate::screens::{press, screen, showing};

/// When the clock of the fixtures is an hour on.
const MADE: i64 = 1_795_219_200;

fn pending(number: u32, host: &str) -> Pending {
    Pending {
        number,
        written: "2026-11-21T00:00:00Z".into(),
        when: Some(MADE),
        user: Some("ann".into()),
        host: host.into(),
        address: format!("{host}:123").parse().ok(),
        lines: vec![format!("server 10.9.0.{number} noselect")],
        inverse: vec![format!("unconfig 10.9.0.{number}")],
        within: "1m".into(),
        key: Some(5),
        is_in_hand: false,
    }
}

fn tell(app: &mut App, here: &[u32], elsewhere: &[u32]) -> Vec<Effect> {
    let here = here
        .iter()
        .map(|number| Left { change: pending(*number, "127.0.0.1"), target: Some(TARGET) });
    let elsewhere =
        elsewhere.iter().map(|number| Left { change: pending(*number, "192.0.2.9"), target: None });
    let all = here.chain(elsewhere).collect();
    let now = app.now;
    update(app, now, Event::Backend(Update::Left { all, trouble: None }))
}

fn started(here: &[u32], elsewhere: &[u32]) -> App {
    let mut app = showing(fixtures::captured(), (80, 24));
    let clock = ntpscope::units::NtpTimestamp::from_unix(MADE + 3720, 0);
    let now = Now { clock, ..app.now };
    update(&mut app, now, Event::Tick);
    assert_eq!(orders(&tell(&mut app, here, elsewhere)), []);
    app
}

fn orders(effects: &[Effect]) -> Vec<Order> {
    let order = |effect: &Effect| match effect {
        Effect::Request(Request::Change { target: TARGET, order }) => Some(order.clone()),
        _ => None,
    };
    effects.iter().filter_map(order).collect()
}

fn enter(app: &mut App, text: &str) -> Vec<Order> {
    for letter in text.chars() {
        let (now, key) = (app.now, KeyEvent::new(KeyCode::Char(letter), KeyModifiers::NONE));
        update(app, now, Event::Key(key));
    }
    orders(&press(app, "enter"))
}

#[test]
fn what_was_left_behind_is_offered_and_kept_in_mind() {
    let mut app = started(&[1], &[]);
    assert_snapshot!("left_behind_80x24", screen(&app));
    // A yes is none of the answers.
    assert_eq!(orders(&press(&mut app, "y")), []);
    assert!(screen(&app).contains("t takes it back, K keeps it, n decides later"));
    assert_eq!(orders(&press(&mut app, "n")), []);
    for key in ["c", "D", "p"] {
        press(&mut app, key);
        let said = "a change of 127.0.0.1 was neither kept nor taken back: L shows it";
        assert!(app.overlay.is_none() && screen(&app).contains(said), "{}", screen(&app));
    }
    press(&mut app, "L");
    assert!(matches!(app.overlay, Some(Overlay::Left(1))));
    // To quit the dialogue is to decide later, not to end the program.
    assert!(!press(&mut app, "q").contains(&Effect::Quit));
    assert!(press(&mut app, "q").contains(&Effect::Quit));
}

#[test]
fn taking_it_back_needs_a_key_and_a_yes() {
    let mut app = started(&[3], &[]);
    assert_eq!(orders(&press(&mut app, "t")), []);
    // The key that it was made with is there already.
    assert!(screen(&app).contains("key: 5_"), "{}", screen(&app));
    // Whoever leaves that is asked again what is to become of it.
    press(&mut app, "esc");
    assert!(matches!(app.overlay, Some(Overlay::Left(3))));
    press(&mut app, "t");
    assert_eq!(enter(&mut app, ""), []);
    let ordered = enter(&mut app, "xyzzy");
    let [Order::Restore { number: 3, signing: Some(signing) }] = &ordered[..] else {
        panic!("{ordered:?}")
    };
    assert_eq!(signing.key().key.id().get(), 5);
    assert!(screen(&app).contains("take back change 3"), "{}", screen(&app));
    // Left without a yes, it is offered again; armed already, it is thought through at once.
    assert_eq!(orders(&press(&mut app, "n")), [Order::TakeBack]);
    assert!(matches!(app.overlay, Some(Overlay::Left(3))));
    assert!(matches!(orders(&press(&mut app, "t"))[..], [Order::Restore { number: 3, .. }]));
}

#[test]
fn several_are_offered_one_after_another_and_those_of_others_only_named() {
    let mut app = started(&[1, 4], &[7]);
    let shown = screen(&app);
    assert!(shown.contains("was left behind (1 of 2)") && shown.contains("server 10.9.0.1"));
    assert!(shown.contains("not on these screens: 192.0.2.9"), "{shown}");
    assert!(shown.contains("2 changes were neither kept nor taken back"));
    assert_eq!(orders(&press(&mut app, "K")), [Order::Forget { number: 1 }]);
    assert!(screen(&app).contains("was left behind (2 of 2)"), "{}", screen(&app));
    tell(&mut app, &[4], &[7]);
    press(&mut app, "n");
    assert!(app.overlay.is_none());
    // One that is done with elsewhere is asked about no more.
    press(&mut app, "L");
    tell(&mut app, &[], &[7]);
    assert!(app.overlay.is_none() && !screen(&app).contains("LEFT BEHIND"));
    press(&mut app, "L");
    assert!(screen(&app).contains("192.0.2.9"), "{}", screen(&app));
}

#[test]
fn one_that_cannot_be_forgotten_stays_and_says_why() {
    let mut app = started(&[1], &[]);
    press(&mut app, "K");
    assert!(app.overlay.is_none());
    let (all, now) = (app.left.all.clone(), app.now);
    let trouble = Some("it cannot be forgotten: change 1 is in other hands".into());
    update(&mut app, now, Event::Backend(Update::Left { all, trouble }));
    let shown = screen(&app);
    assert!(shown.contains("in other hands") && shown.contains("LEFT BEHIND"), "{shown}");
}

#[test]
fn the_smallest_terminal_shows_what_can_be_done() {
    let mut app = started(&[1], &[]);
    let now = app.now;
    update(&mut app, now, Event::Resize(60, 16));
    let shown = screen(&app);
    assert!(shown.contains("t take it back   K keep it for good   n later"), "{shown}");
}
