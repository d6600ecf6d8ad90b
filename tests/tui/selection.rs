//! The selection screen.

use std::sync::Arc;

use insta::assert_snapshot;
use ntpscope::backend::Request;
use ntpscope::model::status::PeerStatus;
use ntpscope::model::{Contact, Daemon, Peer};
use ntpscope::selection::{Candidate, Kind, Limits, Memory, Unfit, select};
use ntpscope::tui::app::Screen;
use ntpscope::tui::event::Effect;
use ntpscope::units::{AssocId, Leap, NtpDuration, Stratum};

use crate::fixtures;
use crate::screens::{press, screen, showing};

#[test]
fn the_sources_of_a_site_on_one_axis() {
    let mut app = showing(fixtures::site(), (80, 24));
    press(&mut app, "v");
    assert_eq!(app.screen(), Screen::Selection);
    assert_snapshot!("selection_80x24", screen(&app));
    press(&mut app, "j j j");
    assert_snapshot!("selection_80x24_falseticker", screen(&app));
    app.size = (120, 40);
    assert_snapshot!("selection_120x40", screen(&app));
    app.size = (60, 16);
    assert_snapshot!("selection_60x16", screen(&app));
    press(&mut app, "v");
    assert_eq!(app.screen(), Screen::Peers);
}

#[test]
fn without_unicode_it_says_the_same() {
    let mut app = showing(fixtures::site(), (80, 24));
    app.fixed.capabilities.ascii = true;
    press(&mut app, "v");
    let text = screen(&app);
    assert!(text.is_ascii(), "{text}");
    assert_snapshot!("selection_ascii_80x24", text);
}

/// A daemon that tells how it selected: five sources of which two were dropped one by one.
fn told() -> Daemon {
    let s = NtpDuration::from_seconds;
    let rows = [
        (4001, 0.0010, 0.0004, 0.020, 2),
        (4002, 0.0012, 0.0003, 0.015, 2),
        (4003, 0.0030, 0.0002, 0.030, 1),
        (4007, 0.0009, 0.0005, 0.012, 3),
        (4008, -0.0020, 0.0002, 0.050, 2),
        (4004, -0.030, 0.0002, 0.005, 2),
    ];
    let candidates = rows.map(|(id, offset, jitter, distance, stratum)| Candidate {
        id: AssocId::new(id),
        offset: s(offset),
        distance: s(distance),
        jitter: s(jitter),
        stratum: Stratum::new(stratum),
        leap: Leap::None,
        unfit: Unfit::default(),
        is_preferred: false,
        is_trusted: false,
        kind: Kind::Ordinary,
    });
    let explained = select(&candidates, &Limits::default(), &Memory::default());
    let mut daemon = fixtures::site();
    let told = daemon.peers.iter().map(|peer| {
        let verdict = explained.verdicts.iter().find(|verdict| verdict.id == peer.id);
        let tally = u16::from(verdict.map_or(0, |verdict| verdict.tally.bits())) << 8;
        let status = PeerStatus::from_bits(peer.status.bits() & !0x0700 | tally);
        Arc::new(Peer { status, ..Peer::clone(peer) })
    });
    daemon.peers = told.collect();
    daemon.selection = Some(Arc::new(explained));
    daemon
}

#[test]
fn the_rounds_are_told_where_there_is_room() {
    let mut app = showing(told(), (120, 40));
    press(&mut app, "v");
    assert_snapshot!("selection_told_120x40", screen(&app));
}

#[test]
fn it_wants_every_row_and_leads_to_the_details() {
    let mut app = showing(fixtures::site(), (80, 10));
    let effects = press(&mut app, "v");
    let rows: Vec<u16> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Request(Request::Interest { interest, .. }) => Some(&interest.rows),
            _ => None,
        })
        .flatten()
        .map(|id| id.get())
        .collect();
    assert_eq!(rows, [4001, 4002, 4003, 4004, 4005, 4006, 4007, 4008], "more than are seen");
    press(&mut app, "j enter");
    assert_eq!(app.screen(), Screen::Association);
    press(&mut app, "esc");
    assert_eq!(app.screen(), Screen::Selection);
}

#[test]
fn no_size_and_no_daemon_upset_it() {
    let daemons = [
        fixtures::site(),
        fixtures::captured(),
        fixtures::listed(),
        fixtures::unheard(Contact::Resolving),
        told(),
    ];
    for daemon in daemons {
        let mut app = showing(daemon, (80, 24));
        press(&mut app, "v");
        for (columns, rows) in (0..70).map(|n| (n * 3, n)).chain([(200, 1), (1, 60), (200, 60)]) {
            app.size = (columns, rows);
            if columns > 0 && rows > 0 {
                screen(&app);
            }
            press(&mut app, "pgdn j");
        }
    }
}
