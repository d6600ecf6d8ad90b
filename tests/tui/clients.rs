//! The clients screen.

use std::net::SocketAddr;
use std::time::Duration;

use insta::assert_snapshot;
use ntpscope::backend::{Request, Update};
use ntpscope::model::clients::{ClientRecord, Service};
use ntpscope::model::mru::rows::{MruRows, Neighbours};
use ntpscope::model::mru::{Monitored, MruEntry, Reading};
use ntpscope::model::{Absent, Daemon, Failure, Part};
use ntpscope::tui::app::{App, Screen};
use ntpscope::tui::event::{Effect, Event};
use ntpscope::tui::update::update;
use ntpscope::units::{Mode, NtpDuration, PollExponent};

use crate::fixtures::{self, CLOCK, TARGET, dated, later};
use crate::screens::{press, screen, showing, tell};

/// A client that was heard `last` seconds before the list was read, first `span` seconds before.
fn entry(address: &str, count: u32, last: f64, span: f64) -> MruEntry {
    let end = CLOCK + -NtpDuration::from_seconds(last);
    MruEntry {
        address: SocketAddr::new(address.parse().unwrap(), 41_234),
        last: end,
        first: end + -NtpDuration::from_seconds(span),
        count,
        mode: Mode::Client,
        version: 4,
        restrictions: 0,
        dropped: 0,
        score: 0.0,
    }
}

fn listed(entries: &[MruEntry], reading: Reading) -> Daemon {
    let mut rows = MruRows::default();
    for (place, entry) in (0..).zip(entries) {
        rows.put(place, entry, Neighbours { newer: MruRows::NONE, older: MruRows::NONE });
    }
    let list = Monitored {
        rows,
        count: entries.len(),
        now: Some(CLOCK),
        reading,
        took: Duration::from_millis(412),
        questions: 7,
    };
    Daemon { monitored: Part::answered(list, dated()), ..fixtures::site() }
}

/// A site's clients: most are as they should be.
fn site() -> Vec<MruEntry> {
    let mut all: Vec<_> = (1..=40)
        .map(|n| {
            let n_s = f64::from(n);
            entry(&format!("10.77.1.{n}"), 100 + n, n_s * 3.0, f64::from(99 + n) * 64.0)
        })
        .collect();
    all.push(MruEntry { restrictions: 0x840, ..entry("10.77.9.66", 98_765, 0.04, 40_000.0) });
    all.push(entry("fd77::9:1234:5678:9abc", 200, 0.5, 900.0));
    all.push(MruEntry { mode: Mode::Control, version: 2, ..entry("10.77.0.5", 4000, 0.0, 60.0) });
    all.push(entry("10.77.2.1", 1, 7200.0, 0.0));
    all
}

fn at(size: (u16, u16), reading: Reading) -> App {
    let mut app = showing(listed(&site(), reading), size);
    press(&mut app, "C");
    app
}

#[test]
fn who_asks_too_much_comes_first() {
    assert_snapshot!("clients_80x24", screen(&at((80, 24), Reading::Complete)));
    assert_snapshot!("clients_120x40", screen(&at((120, 40), Reading::Complete)));
    let why = "no answer to 5 requests in 9.1 s".into();
    assert_snapshot!("clients_60x16", screen(&at((60, 16), Reading::Partial { why })));
}

#[test]
fn one_packet_every_so_often_is_told_by_the_gaps_and_as_ntpq_divides() {
    for (count, span, gap, avgint) in
        [(2, 61.0, "61 s", 31), (3, 60.0, "30 s", 20), (5, 10.0, "2.5 s", 2), (1, 0.0, "-", 0)]
    {
        let clients = [entry("10.77.1.1", count, 5.0, span)];
        let mut app = showing(listed(&clients, Reading::Complete), (120, 24));
        press(&mut app, "C");
        let text = screen(&app);
        let row = text.lines().find(|line| line.starts_with("10.77.1.1 ")).unwrap();
        let words: Vec<&str> = row.split("  ").map(str::trim).filter(|w| !w.is_empty()).collect();
        assert!(words[4].starts_with(gap), "{row}");
        let about = text.split_once("10.77.1.1:").map_or("", |(_, about)| about);
        let about = about.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(about.contains(&format!(", avgint {avgint} in ntpq ")), "{text}");
    }
}

/// The line that says how much of the list there is.
fn how_much(daemon: Daemon) -> String {
    let mut app = showing(daemon, (110, 24));
    press(&mut app, "C");
    screen(&app).lines().nth(2).unwrap().to_owned()
}

#[test]
fn what_is_not_all_is_said_not_to_be() {
    let part = |reading| how_much(listed(&site(), reading));
    assert!(part(Reading::UnderWay).contains("○ 44 clients so far; reading on in 412 ms"));
    assert!(
        part(Reading::Complete).contains("● 44 clients, which is all of its list; read 0 s ago")
    );
    let why: Box<str> = "interrupted".into();
    assert!(
        part(Reading::Partial { why: why.clone() }).contains("NOT all of its list: interrupted")
    );
    assert!(part(Reading::Again { count: 12_400 }).contains("reading again: 12 400 by now"));
    assert!(part(Reading::Kept { why }).contains("could not be read again: interrupted"));
    let none = how_much(listed(&[], Reading::Complete));
    assert!(none.contains("nobody is on its list, or it keeps none"), "{none}");
    let asked = how_much(fixtures::site());
    assert!(asked.contains("asked for; nothing is here yet"), "{asked}");
    let refused = Absent::Failed(Failure::NoKey);
    let failed = Part::not_asked().failed(refused);
    let refused = how_much(Daemon { monitored: failed, ..fixtures::site() });
    assert!(refused.contains("who asks it is not known: needs a key"), "{refused}");
}

/// The clients on screen, from top to bottom.
fn clients(app: &App) -> Vec<String> {
    let text = screen(app);
    let rows = text.lines().skip_while(|line| !line.starts_with("client")).skip(1);
    let rows = rows.take_while(|line| !line.is_empty() && !line.contains(": "));
    rows.map(|row| row.split(' ').next().unwrap().to_owned()).collect()
}

#[test]
fn they_are_sorted_and_filtered_on_a_key() {
    let mut app = at((120, 40), Reading::Complete);
    assert_eq!(clients(&app)[..3], ["10.77.0.5", "10.77.9.66", "fd77::9:1234:5678:9abc"]);
    press(&mut app, "s");
    assert_eq!(clients(&app)[..2], ["10.77.9.66", "10.77.0.5"]);
    assert!(screen(&app).contains("sorted by count"));
    press(&mut app, "S");
    assert_eq!(clients(&app)[..2], ["10.77.2.1", "10.77.1.1"]);
    press(&mut app, "/ a b u s i v e");
    assert_eq!(clients(&app), ["10.77.9.66"], "it acts while it is typed");
    press(&mut app, "enter");
    assert!(screen(&app).contains("filter `abusive`: 1 of 44; Esc drops it"));
    press(&mut app, "p");
    assert_eq!(app.view.filter, "", "the sources have a filter of their own");
    press(&mut app, "C esc");
    assert_eq!((app.screen(), clients(&app).len() > 20), (Screen::Clients, true));
    press(&mut app, "esc");
    assert_eq!(app.screen(), Screen::Peers);
}

#[test]
fn the_cursor_stays_on_its_client_while_the_list_goes_on() {
    let mut app = at((80, 24), Reading::UnderWay);
    press(&mut app, "down down down");
    let row = |app: &App| {
        let tab = app.tab().unwrap();
        tab.clients.row(tab.client_cursor.place).unwrap().address.ip().to_string()
    };
    let before = row(&app);
    let mut more = site();
    more.extend((1..200).map(|n| entry(&format!("10.88.0.{n}"), 5, 0.01, 64.0)));
    tell(&mut app, TARGET, listed(&more, Reading::Complete));
    assert_eq!(row(&app), before);
    tell(&mut app, TARGET, listed(&[], Reading::Complete));
    screen(&app);
    tell(&mut app, TARGET, listed(&site(), Reading::Complete));
    press(&mut app, "G");
    assert_eq!(row(&app), "10.77.2.1");
    press(&mut app, "g");
    assert_eq!(row(&app), "10.77.0.5");
}

#[test]
fn only_names_of_clients_in_sight_are_looked_up() {
    let mut app = showing(listed(&site(), Reading::Complete), (80, 24));
    let names = |effects: Vec<Effect>| {
        let is_name = |effect: &&Effect| matches!(effect, Effect::Request(Request::Name(_)));
        effects.iter().filter(is_name).count()
    };
    let first = names(press(&mut app, "C"));
    assert!((5..20).contains(&first), "{first}");
    assert!(names(press(&mut app, "pgdn")) > 0);
    let name = Update::Name {
        address: "10.77.9.66".parse().unwrap(),
        name: Some("noisy.example.net".into()),
    };
    update(&mut app, later(0.4), Event::Backend(name));
    press(&mut app, "g");
    assert!(screen(&app).contains("noisy.example.net"));
    press(&mut app, "/ n o i s y enter");
    assert_eq!(clients(&app), ["noisy.example.net"]);
}

#[test]
fn a_frozen_list_stands_still() {
    let mut app = at((80, 24), Reading::Complete);
    press(&mut app, "f");
    let before = clients(&app);
    tell(&mut app, TARGET, listed(&[], Reading::Complete));
    assert_eq!(clients(&app), before);
    press(&mut app, "f");
    assert!(clients(&app).is_empty());
}

#[test]
fn they_are_asked_for_only_while_they_are_looked_at() {
    let mut app = showing(fixtures::site(), (80, 24));
    let wanted = |effects: Vec<Effect>| {
        effects.into_iter().find_map(|effect| match effect {
            Effect::Request(Request::Interest { interest, .. }) => Some(interest.clients),
            _ => None,
        })
    };
    assert_eq!(wanted(press(&mut app, "C")), Some(true));
    assert_eq!(wanted(press(&mut app, "D")), Some(false));
}

#[test]
fn clients_of_a_daemon_that_counts_what_they_asked_look_the_same() {
    let record = |n: u8, interval: i8, drops: u64| ClientRecord {
        address: [10, 77, 1, n].into(),
        ntp: Service {
            hits: 1000,
            drops,
            interval: Some(PollExponent::new(interval)),
            last: Some(Duration::from_secs(n.into())),
        },
        nts_ke: Service::default(),
        commands: Service::default(),
        limited_interval: None,
    };
    let clients = vec![record(1, 6, 0), record(2, -2, 700)];
    let daemon = Daemon { clients: Part::answered(clients, dated()), ..fixtures::site() };
    let mut app = showing(daemon, (80, 24));
    press(&mut app, "C");
    let text = screen(&app);
    assert!(text.contains("1 client asks faster than once in 2 s on average: 10.77.1.2"), "{text}");
    assert!(text.contains("ABUSES, 700 dropped"), "{text}");
}

#[test]
fn no_size_upsets_it_and_ascii_is_enough() {
    for daemon in
        [listed(&site(), Reading::Complete), listed(&[], Reading::UnderWay), Daemon::default()]
    {
        let mut app = showing(daemon, (80, 24));
        press(&mut app, "C");
        for (columns, rows) in (1..70).map(|n| (n * 3, n)).chain([(200, 1), (1, 60), (200, 60)]) {
            app.size = (columns, rows);
            screen(&app);
            press(&mut app, "pgdn down");
        }
        app.size = (80, 24);
        app.fixed.capabilities.ascii = true;
        let text = screen(&app);
        assert!(text.is_ascii(), "{text}");
    }
}
