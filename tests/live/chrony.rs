//! A real chronyd, number by number: what chronyc prints of it and what we tell are the same.
//!
//! chronyc is asked between two looks of ours. A number that stays has to be what one of the looks
//! saw, to chronyc's last digit; one that goes on by itself has to lie between them. Sources are
//! measured all the time, so that a number may change twice in between: what does not agree is
//! looked at again, a few times.

mod columns;
mod compare;
mod unkind;

use std::collections::BTreeSet;
use std::process::Output;

use serde_json::Value as Json;

use crate::lab;
use columns::{About, REPORTS, Report};
use compare::{Key, Lines, compare};

/// The chronyd of the lab that has sources of every kind.
const NODE: &str = "chrony";
const SOCKET: &str = "/run/chrony-chrony/chronyd.sock";

/// How often what does not agree is looked at again.
const MOST_ROUNDS: usize = 12;

/// One way to the daemon, as we are told it and as chronyc is.
struct Way {
    /// Where both are run.
    from: &'static str,
    ours: &'static str,
    chronyc: &'static str,
    /// Whether everything is told on it.
    is_whole: bool,
}

#[test]
fn over_its_unix_socket_chronyd_says_the_same_to_chronyc_and_to_us() {
    agree(&Way {
        from: NODE,
        ours: "unix:///run/chrony-chrony/chronyd.sock",
        chronyc: SOCKET,
        is_whole: true,
    });
}

#[test]
fn over_udp_chronyd_says_the_same_to_chronyc_and_to_us() {
    agree(&Way { from: NODE, ours: "chrony://127.0.0.1", chronyc: "127.0.0.1", is_whole: false });
}

#[test]
fn from_another_host_chronyd_says_the_same_to_chronyc_and_to_us() {
    agree(&Way {
        from: "admin",
        ours: "chrony://10.77.0.4",
        chronyc: "10.77.0.4",
        is_whole: false,
    });
}

fn agree(way: &Way) {
    if !lab::available("lab", lab::up()) {
        return;
    }
    let synced = lab::lab(&["wait", "synced", NODE, "--timeout", "300"]);
    assert!(synced.status.success(), "{}", String::from_utf8_lossy(&synced.stderr));
    tick_reference_clock();
    be_a_client();
    let told: Vec<&Report> =
        REPORTS.iter().filter(|report| report.is_open || way.is_whole).collect();
    let mut agreed: BTreeSet<Key> = BTreeSet::new();
    let mut known: BTreeSet<(&str, &str)> = BTreeSet::new();
    let mut wrong: Vec<(Key, String)> = Vec::new();
    let mut rounds = 0;
    for _ in 0..MOST_ROUNDS {
        rounds += 1;
        wrong.clear();
        let (looks, printed) = round(way, &told);
        for (place, report) in told.iter().enumerate() {
            let outcome = compare(report, &printed[place], &looks[place], &looks[place + 1]);
            known.extend(outcome.known.iter().map(|name| (report.command, *name)));
            for (key, complaint) in outcome.fields {
                match complaint {
                    None => drop(agreed.insert(key)),
                    Some(complaint) => wrong.push((key, complaint)),
                }
            }
        }
        wrong.retain(|(key, _)| !agreed.contains(key));
        if wrong.is_empty() {
            break;
        }
    }
    let complaints: Vec<&String> = wrong.iter().map(|(_, complaint)| complaint).collect();
    assert!(wrong.is_empty(), "{} do not agree: {complaints:#?}", wrong.len());
    println!("{}: {} numbers agree after {rounds} rounds", way.ours, agreed.len());
    for report in &told {
        let count = agreed.iter().filter(|key| key.command == report.command).count();
        let least = match report.about {
            About::System | About::Clients => 1,
            // As many as the lab's configuration has, without those that have no name.
            About::Sources(_) => 10,
        };
        println!("    {}: {count}", report.command);
        assert!(count >= least * report.columns.len(), "{}: only {count}", report.command);
        for column in report.columns {
            let is_known = known.contains(&(report.command, column.name));
            assert!(
                is_known || column.is_seldom(),
                "{}: {} never had a value",
                report.command,
                column.name
            );
        }
    }
    if !way.is_whole {
        closed(way);
    }
}

/// What chronyc is refused we say is closed, value by value, and how it is opened.
fn closed(way: &Way) {
    let look = look(way);
    let mut count = 0;
    for report in REPORTS.iter().filter(|report| !report.is_open) {
        let said = chronyc(way, report);
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        assert!(said.contains("501 Not authorised"), "{}: {said}", report.command);
        let places: Vec<&Json> = match report.about {
            About::System => vec![&look["system"]],
            About::Sources(_) => {
                let all = look["peers"].as_array().expect("an array of sources");
                all.iter().filter(|peer| peer["is_reference_clock"] == false).collect()
            }
            About::Clients => vec![],
        };
        for place in places {
            for column in report.columns.iter().filter(|column| !column.has_another_source()) {
                assert_eq!(place[column.name], Json::Null, "{} of {place}", column.name);
                let why = &place["absent"][column.name];
                assert_eq!(why["why"], "closed", "{} of {place}", column.name);
                let text = why["text"].as_str().expect("a sentence");
                let word = format!("opencommands {}", report.command);
                assert!(text.contains(&word), "{}: {text}", column.name);
                count += 1;
            }
        }
    }
    println!("{}: {count} values are said to be closed", way.ours);
    assert!(count > 300, "{count}");
}

/// Looks and chronyc's reports in turn, a look before and after each report.
fn round(way: &Way, reports: &[&Report]) -> (Vec<Json>, Vec<Lines>) {
    let program = lab::program();
    let program = program.to_str().expect("a path in UTF-8");
    let ours = format!("{program} --json {}", way.ours);
    let mut script = format!("{ours}\n");
    for report in reports {
        let all =
            if matches!(report.about, About::Sources(_)) && report.is_open { " -a" } else { "" };
        let Report { command, .. } = report;
        let theirs = format!("chronyc -c -n -h {} {command}{all}", way.chronyc);
        let mark = format!("echo '{BETWEEN}'");
        script.extend([&mark, &theirs, &mark, &ours].map(|line| format!("{line}\n")));
    }
    let output = lab::lab(&["exec", way.from, "sh", "-c", &script]);
    let said = String::from_utf8(output.stdout).expect("text in UTF-8");
    let mut looks = Vec::new();
    let mut printed = Vec::new();
    for (place, part) in said.split(&format!("{BETWEEN}\n")).enumerate() {
        if place % 2 == 0 {
            let look = serde_json::from_str(part);
            looks.push(look.unwrap_or_else(|error| {
                panic!("{error} in {part}\n{}", String::from_utf8_lossy(&output.stderr))
            }));
        } else {
            let fields = |line: &str| line.split(',').map(str::to_owned).collect();
            printed.push(part.lines().map(fields).collect());
        }
    }
    assert_eq!((looks.len(), printed.len()), (reports.len() + 1, reports.len()), "{said}");
    (looks, printed)
}

const BETWEEN: &str = "-=- -=- -=-";

fn look(way: &Way) -> Json {
    let program = lab::program();
    let program = program.to_str().expect("a path in UTF-8");
    let output = lab::lab(&["exec", way.from, program, "--json", way.ours]);
    let said = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&said).unwrap_or_else(|error| {
        panic!("{error}: {said}{}", String::from_utf8_lossy(&output.stderr))
    })
}

fn chronyc(way: &Way, report: &Report) -> Output {
    let words = ["exec", way.from, "chronyc", "-c", "-n", "-h", way.chronyc, report.command];
    lab::lab(&words)
}

/// Asks over UDP from another host, so that somebody in the list of clients has sent a command.
fn be_a_client() {
    let output = lab::lab(&["exec", "admin", "chronyc", "-h", "10.77.0.4", "activity"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Gives the daemon's reference clock a few samples: a driver would, of which the lab has none.
fn tick_reference_clock() {
    let script = "import socket, struct, time\n\
        clock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n\
        for beat in range(9):\n\
        \x20   now = time.time()\n\
        \x20   sample = struct.pack('@qqdiiii', int(now), int(now % 1 * 1e6), 0.0125, 0, 0, 0, 0x534f434b)\n\
        \x20   clock.sendto(sample, '/run/chrony-chrony/clock.sock')\n\
        \x20   time.sleep(1)\n";
    let output = lab::lab(&["exec", NODE, "python3", "-c", script]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
