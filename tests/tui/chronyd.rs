//! The screens over a chronyd: the same ones, by what it tells.

use insta::assert_snapshot;

use crate::fixtures::chronyd::{self, Over};
use crate::screens::{press, screen, showing};

/// The screens that `keys` lead to, at each size.
fn at_sizes(over: Over, keys: &str) -> [String; 3] {
    [(80, 24), (120, 40), (60, 16)].map(|size| {
        let mut app = showing(chronyd::lab(over), size);
        press(&mut app, keys);
        screen(&app)
    })
}

macro_rules! snapshots {
    ($name:literal, $over:expr, $keys:literal) => {
        let [small, large, tiny] = at_sizes($over, $keys);
        assert_snapshot!(concat!($name, "_80x24"), small);
        assert_snapshot!(concat!($name, "_120x40"), large);
        assert_snapshot!(concat!($name, "_60x16"), tiny);
    };
}

#[test]
fn its_sources_over_the_unix_socket() {
    snapshots!("unix_peers", Over::Unix, "");
}

#[test]
fn its_sources_over_udp() {
    snapshots!("udp_peers", Over::Udp, "");
}

#[test]
fn all_of_a_source_stands_under_its_subject() {
    let mut app = showing(chronyd::lab(Over::Unix), (80, 24));
    press(&mut app, "enter");
    assert_snapshot!("unix_association_80x24", screen(&app));
    press(&mut app, "pgdn");
    assert_snapshot!("unix_association_80x24_below", screen(&app));
    press(&mut app, "g");
    app.size = (120, 60);
    assert_snapshot!("unix_association_120x60", screen(&app));
    app.size = (60, 16);
    assert_snapshot!("unix_association_60x16", screen(&app));
}

#[test]
fn what_is_closed_is_said_once_with_how_to_have_it() {
    let mut app = showing(chronyd::lab(Over::Udp), (80, 50));
    press(&mut app, "enter");
    let text = screen(&app);
    assert_eq!(text.matches("Unix socket").count(), 1, "{text}");
    assert_snapshot!("udp_association_80x50", text);
}
