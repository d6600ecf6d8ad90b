//! What keys do to the state, and what they want done; no terminal.

use std::sync::Arc;

use ntpscope::backend::{Request, Update};
use ntpscope::tui::app::{Layout, Order, Overlay, Screen};
use ntpscope::tui::event::{Effect, Event};
use ntpscope::tui::format::Units;
use ntpscope::tui::update::{next_wakeup, start, update};
use ntpscope::units::AssocId;

use crate::fixtures::{self, TARGET, later};
use crate::screens::{press, screen, showing, tell};

fn interests(effects: &[Effect]) -> Vec<(Vec<u16>, Option<u16>)> {
    let ids = |ids: &[AssocId]| ids.iter().map(|id| id.get()).collect();
    let interest = |effect: &Effect| match effect {
        Effect::Request(Request::Interest { interest, .. }) => {
            Some((ids(&interest.rows), interest.details.map(AssocId::get)))
        }
        _ => None,
    };
    effects.iter().filter_map(interest).collect()
}

#[test]
fn the_backend_is_told_at_the_start_that_the_first_daemon_is_on_screen() {
    let mut app = fixtures::app(&["a", "b"], (80, 24));
    let effects = start(&mut app);
    let visible: Vec<_> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Request(Request::Interest { interest, .. }) => Some(interest.visible),
            _ => None,
        })
        .collect();
    assert_eq!(visible, [true, false]);
}

#[test]
fn the_cursor_goes_round_and_the_details_follow_it() {
    let mut app = showing(fixtures::captured(), (80, 24));
    assert_eq!(interests(&press(&mut app, "enter")), [(vec![29383], Some(29383))]);
    assert_eq!(app.screen(), Screen::Association);
    assert_eq!(interests(&press(&mut app, "j")), [(vec![29384], Some(29384))]);
    assert_eq!(
        interests(&press(&mut app, "k k")),
        [(vec![29383], Some(29383)), (vec![29389], Some(29389))]
    );
    let all = vec![29383, 29384, 29385, 29386, 29387, 29388, 29389];
    assert_eq!(interests(&press(&mut app, "esc")), [(all, None)]);
    assert_eq!(app.screen(), Screen::Peers);
}

#[test]
fn keys_of_ntpmon_do_what_they_do_there() {
    let mut app = showing(fixtures::captured(), (80, 24));
    press(&mut app, "a");
    assert_eq!(app.view.layout, Layout::Apeers);
    press(&mut app, "space");
    assert_eq!(app.view.layout, Layout::Opeers);
    press(&mut app, "o p n u w");
    assert_eq!(app.view.layout, Layout::Peers);
    assert_eq!((app.view.names, app.view.wide), (false, true));
    assert_eq!(app.view.units, Units::Auto);
    press(&mut app, "d");
    assert_eq!(app.screen(), Screen::Association);
    press(&mut app, "d h");
    assert!(matches!(app.overlay, Some(Overlay::Help { .. })));
    assert_eq!(press(&mut app, "q"), [], "q closes help");
    assert_eq!(press(&mut app, "q"), [Effect::Quit]);
    assert_eq!(press(&mut app, "x"), [Effect::Quit]);
}

#[test]
fn the_cursor_stays_on_a_source_when_the_daemon_starts_anew() {
    let mut app = showing(fixtures::site(), (80, 24));
    press(&mut app, "j j");
    assert_eq!(app.tab().unwrap().cursor.id, Some(AssocId::new(4003)));
    // After a restart the list comes first, with ids of which nothing is known.
    let mut anew = fixtures::site();
    let renumbered = |row: bool| {
        let peers = anew.peers.iter().map(|old| {
            let id = AssocId::new(old.id.get() + 1000);
            let mut peer = ntpscope::model::Peer::new(id, old.status);
            if row {
                peer.row = old.row.clone();
            }
            Arc::new(peer)
        });
        peers.rev().collect::<Vec<_>>()
    };
    let (listed, told) = (renumbered(false), renumbered(true));
    anew.peers = listed.into();
    tell(&mut app, TARGET, anew.clone());
    anew.peers = told.into();
    tell(&mut app, TARGET, anew);
    assert_eq!(app.tab().unwrap().cursor.id, Some(AssocId::new(5003)));
}

#[test]
fn a_frozen_display_holds_while_collection_goes_on() {
    let mut app = showing(fixtures::site(), (80, 24));
    press(&mut app, "f");
    let before = screen(&app);
    assert!(before.contains("FROZEN, 0 updates behind"), "{before}");
    tell(&mut app, TARGET, fixtures::captured());
    update(&mut app, later(60.0), Event::Tick);
    let after = screen(&app);
    assert!(after.contains("FROZEN, 1 update behind"), "{after}");
    let above = |screen: &str| screen.lines().take(23).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(above(&after), above(&before));
    assert_eq!(next_wakeup(&app), None, "nothing counts");
    press(&mut app, "f");
    assert!(screen(&app).contains("LOCAL(0)"));
}

#[test]
fn a_filter_acts_while_it_is_typed_and_esc_takes_it_back() {
    let mut app = showing(fixtures::site(), (80, 24));
    press(&mut app, "/ t a l l y : x");
    let rows = |app: &_| screen(app).lines().filter(|line| line.contains("10.77.0.66")).count();
    assert_eq!(rows(&app), 2, "row and strip");
    assert!(!screen(&app).contains("GPS"));
    press(&mut app, "esc");
    assert_eq!(app.view.filter, "");
    press(&mut app, "/ g p s enter");
    assert_eq!(app.view.filter, "gps");
    press(&mut app, "esc");
    assert_eq!(app.view.filter, "");
}

#[test]
fn commands_can_be_typed_and_completed() {
    let mut app = showing(fixtures::site(), (80, 24));
    press(&mut app, ": s o tab");
    let prompt = match &app.overlay {
        Some(Overlay::Prompt(prompt)) => prompt.input.value().to_owned(),
        _ => String::new(),
    };
    assert_eq!(prompt, "sort");
    press(&mut app, "space o f f s e t enter");
    assert_eq!(app.view.order, Order::Offset);
    press(&mut app, ": n o n s e n s e enter");
    assert!(screen(&app).contains("no command `nonsense`"));
    press(&mut app, ": t h e m e space l i g h t enter");
    assert_eq!(app.view.variant.name(), "light");
    assert_eq!(press(&mut app, ": q u i t enter"), [Effect::Quit]);
}

#[test]
fn what_is_pasted_goes_into_a_line_that_is_typed_and_nowhere_else() {
    let mut app = showing(fixtures::site(), (80, 24));
    let now = app.now;
    let effects = update(&mut app, now, Event::Paste("qqq".into()));
    assert_eq!(effects, []);
    press(&mut app, "/");
    update(&mut app, now, Event::Paste("g\u{1b}[2Jps\r\n".into()));
    assert_eq!(app.view.filter, "g[2Jps");
}

#[test]
fn tabs_go_round_and_have_their_numbers() {
    let mut app = fixtures::app(&["a", "b", "c"], (80, 24));
    press(&mut app, "tab tab tab tab");
    assert_eq!(app.current, 1);
    press(&mut app, "3");
    assert_eq!(app.current, 2);
    press(&mut app, "9");
    assert_eq!(app.current, 2);
    assert!(screen(&app).contains("there is no daemon number 9"));
}

#[test]
fn names_are_asked_for_once_and_shown_when_they_come() {
    let mut app = fixtures::app(&["127.0.0.1"], (120, 40));
    let daemon = Arc::new(fixtures::captured());
    let told = Event::Backend(Update::Daemon { target: TARGET, daemon });
    let asked = |effects: Vec<Effect>| {
        let name = |effect| match effect {
            Effect::Request(Request::Name(address)) => Some(address.to_string()),
            _ => None,
        };
        effects.into_iter().filter_map(name).collect::<Vec<_>>()
    };
    let first = asked(update(&mut app, later(0.0), told.clone()));
    assert_eq!(first, ["10.8.0.2", "fd08::2", "10.9.9.9", "10.8.0.77", "10.8.0.255"]);
    assert!(asked(update(&mut app, later(0.1), told)).is_empty());
    assert!(screen(&app).contains("10.8.0.2 "));
    let named =
        Update::Name { address: "10.8.0.2".parse().unwrap(), name: Some("two.example.net".into()) };
    update(&mut app, later(0.2), Event::Backend(named));
    assert!(screen(&app).contains("two.example.net"));
}

#[test]
fn the_next_wakeup_is_the_next_second_of_the_daemons_clock() {
    let mut app = showing(fixtures::site(), (80, 24));
    update(&mut app, later(0.0), Event::Tick);
    // Its clock showed 15/16 of a second.
    let wait = next_wakeup(&app).unwrap().since(app.now.mono);
    assert_eq!(wait.as_millis(), 62);
}

#[test]
fn refresh_asks_the_daemon_on_screen() {
    let mut app = showing(fixtures::site(), (80, 24));
    let effects = press(&mut app, "r");
    assert_eq!(effects, [Effect::Request(Request::Refresh { target: TARGET })]);
}

#[test]
fn the_peers_and_the_clock_are_one_key_away_from_anywhere() {
    let mut app = showing(fixtures::site(), (80, 24));
    for (keys, screen) in [
        ("c", Screen::Clock),
        ("p", Screen::Peers),
        ("enter c", Screen::Clock),
        ("c", Screen::Peers),
        ("enter o", Screen::Peers),
        ("c esc", Screen::Peers),
    ] {
        press(&mut app, keys);
        assert_eq!(app.screen(), screen, "{keys}");
    }
}

#[test]
fn over_the_clock_only_the_source_that_is_followed_is_asked_about() {
    let mut app = showing(fixtures::site(), (80, 24));
    assert_eq!(interests(&press(&mut app, "c")), [(vec![4001], None)]);
}
