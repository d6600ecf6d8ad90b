//! The command line beside the program that it follows: ntpq 4.2.8p15, byte for byte.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on should fail"
)]

mod cases;
#[expect(clippy::disallowed_methods, reason = "daemons and deadlines in real time")]
mod chronyd;
mod chronyd_set;
mod clients;
mod duel;
mod engine;
#[path = "../support/lab.rs"]
mod lab;
mod live;
mod mode7;
mod ntpsec;
#[path = "../support/port.rs"]
mod port;
mod probe;
mod random;
#[path = "../support/chronyd.rs"]
#[expect(dead_code, unused_imports, reason = "the tests of the asking side use all of it")]
mod scripted;
#[expect(
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should fail, and say how far it came"
)]
mod service;
#[expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::disallowed_methods,
    reason = "a daemon that does anything, in real time"
)]
#[path = "../support/wild.rs"]
mod untamed;
mod usage;
#[expect(clippy::disallowed_methods, reason = "programs and deadlines in real time")]
mod wild;

use duel::{Against, Daemon, Duel, Zone};

#[test]
fn a_classic_daemon_is_printed_as_ntpq_prints_it() {
    for zone in Zone::ALL {
        Duel { daemon: Daemon::Frozen("classic", &[]), zone, against: Against::Classic }
            .fight(&cases::ALL);
    }
}

#[test]
fn an_ntpsec_daemon_is_printed_as_ntpq_prints_it() {
    for zone in Zone::ALL {
        Duel { daemon: Daemon::Frozen("ntpsec", &[]), zone, against: Against::Classic }
            .fight(&cases::ALL);
    }
}

#[test]
fn every_command_is_compared_or_says_why_not() {
    use ntpscope::ntpq::Style;
    use ntpscope::ntpq::command::vocabulary;

    let known = vocabulary(Style::Classic);

    let compared: Vec<&str> = cases::commands()
        .filter_map(|name| known.find(&name).ok())
        .map(|command| command.name)
        .collect();
    let missing: Vec<&str> = known
        .commands()
        .map(|command| command.name)
        .filter(|name| !compared.contains(name))
        .collect();
    assert_eq!(missing, [""; 0], "in no case of tests/cli/cases.rs");
    for (name, why) in cases::NOT_COMPARED {
        assert!(known.commands().any(|command| command.name == *name), "{name}");
        assert!(why.len() > 5, "{name} does not say why");
    }
}

#[test]
fn as_a_subcommand_it_prints_the_same() {
    let duel = Duel {
        daemon: Daemon::Frozen("classic", &[]),
        zone: Zone::Utc,
        against: Against::ClassicAsSubcommand,
    };
    duel.fight(&[cases::TABLES, cases::COMMAND_LINE, cases::COMPLAINTS]);
}

#[test]
fn a_silent_daemon_is_waited_for_as_ntpq_does() {
    let daemon = Daemon::Frozen("classic", &["--silent"]);
    Duel { daemon, zone: Zone::Utc, against: Against::Classic }.fight(&[cases::TROUBLE]);
}

#[test]
fn a_closed_port_is_told_as_ntpq_tells_it() {
    Duel { daemon: Daemon::None, zone: Zone::Utc, against: Against::Classic }
        .fight(&[cases::TROUBLE]);
}

#[test]
fn every_error_is_told_as_ntpq_tells_it() {
    const ERRORS: [&[&str]; 8] = [
        &["--error", "1"],
        &["--error", "2"],
        &["--error", "3"],
        &["--error", "4"],
        &["--error", "5"],
        &["--error", "6"],
        &["--error", "7"],
        &["--error", "200"],
    ];
    for error in ERRORS {
        let daemon = Daemon::Frozen("classic", error);
        Duel { daemon, zone: Zone::Utc, against: Against::Classic }.fight(&[cases::TROUBLE]);
    }
}
