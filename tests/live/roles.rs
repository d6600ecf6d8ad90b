//! Real daemons that follow the program in other ways than by asking it: as peers that speak first,
//! by what it sends to everybody, and by asking a group.
//!
//! What follows whom is asked of the daemons themselves. The program has its own clock for a
//! reference, as the daemons would, so that nobody waits for anybody.

use std::thread;

use serde_json::Value as Json;

use crate::lab;
use crate::two::{self, CHRONY_KEYS, KEYS, OURS, THEIRS, Two};

/// A daemon of a kind, which is told what to do by these lines, asked what became of it.
struct Case {
    name: String,
    daemon: Daemon,
    /// What it is told.
    theirs: String,
    /// What the program is told, besides its keys.
    ours: String,
    /// How long both have.
    seconds: u32,
    /// What a machine that has much else to do is given a minute more for.
    awaits: Awaits,
}

/// What is to come about.
#[derive(Clone, Copy)]
enum Awaits {
    /// The other daemon follows the program.
    BeingFollowed,
    /// The program follows the other daemon.
    Following,
    /// Neither.
    Nothing,
}

#[derive(Clone, Copy, PartialEq)]
enum Daemon {
    Classic,
    Ntpsec,
    Chrony,
}

/// What came of a case.
struct Outcome {
    /// The program's sources, as it knew them last.
    ours: Vec<Json>,
    /// The line about the program that the other daemon's own tool printed.
    theirs: String,
}

impl Case {
    fn run(&self, daemons: &std::path::Path) -> Outcome {
        let two = Two::new(&self.name, daemons);
        let keys = two.file("keys", KEYS);
        let ours = format!("keys {keys}\ntrustedkey 1 2 3\n{}\n", self.ours);
        let theirs = match self.daemon {
            Daemon::Classic | Daemon::Ntpsec => {
                let conf = format!(
                    "keys {keys}\ntrustedkey 1 2 3\ncontrolkey 1\n{}\nrestrict 127.0.0.1\n",
                    self.theirs
                );
                let conf = two.file("theirs.conf", &conf);
                let program = if self.daemon == Daemon::Classic { "classic" } else { "ntpsec" };
                format!("$THERE $BIN/ntpd-{program} -n -g -c {conf} >/dev/null 2>&1 &")
            }
            Daemon::Chrony => {
                let keys = two.file("chrony.keys", CHRONY_KEYS);
                let folder = two.file("folder", "").replace("/folder", "");
                let conf = format!(
                    "keyfile {keys}\n{}\nbindcmdaddress /\npidfile {folder}/chronyd.pid\n\
                     cmdport 3323\nbindcmdaddress 127.0.0.1\n",
                    self.theirs
                );
                let conf = two.file("theirs.conf", &conf);
                format!("$THERE $BIN/chronyd -x -u root -d -f {conf} >/dev/null 2>&1 &")
            }
        };
        let ask = match self.daemon {
            Daemon::Classic => "$THERE $BIN/ntpq-classic -np 127.0.0.1",
            Daemon::Ntpsec => "$THERE $BIN/ntpq-ntpsec -np 127.0.0.1",
            Daemon::Chrony => "$THERE $BIN/chronyc -n -h 127.0.0.1 -p 3323 sources",
        };
        let awaited = match self.awaits {
            Awaits::BeingFollowed => format!(r"{ask} | grep -qE '^([*]|[\^=][*] ){OURS} '"),
            Awaits::Following => format!("{} | grep -qE '\"tally\": ?\"[*]\"'", two.told_last()),
            Awaits::Nothing => "true".to_owned(),
        };
        let then = format!(
            "n=0; until {{ {awaited}; }} || [ $n -ge 60 ]; do n=$((n + 1)); sleep 1; done\n{ask}"
        );
        let said = two.run(&theirs, &ours, self.seconds, &then);
        println!("{}:\n{said}", self.name);
        let (theirs, ours) = said.split_once("--- ours").expect("both were asked");
        let row = theirs.lines().find(|line| line.contains(OURS)).unwrap_or_default();
        let daemon: Json = serde_json::from_str(ours.trim()).expect("JSON");
        let ours = daemon["peers"].as_array().cloned().unwrap_or_default();
        Outcome { ours, theirs: row.to_owned() }
    }
}

impl Outcome {
    /// What the program knows of the other daemon.
    fn of_them(&self) -> Option<&Json> {
        self.ours.iter().find(|peer| peer["source"] == THEIRS)
    }

    /// Whether the other daemon follows the program.
    fn is_followed(&self) -> bool {
        ["*", "^*", "=*"].iter().any(|mark| self.theirs.starts_with(mark))
    }
}

/// Runs cases at the same time, and judges each.
fn all(cases: &[Case], judge: impl Fn(&Case, &Outcome) + Sync) {
    let daemons = two::daemons();
    if !lab::available("peers", daemons.clone().map(drop)) {
        return;
    }
    let daemons = daemons.expect("they are there");
    thread::scope(|scope| {
        for case in cases {
            let (judge, daemons) = (&judge, &daemons);
            scope.spawn(move || judge(case, &case.run(daemons)));
        }
    });
}

/// A clock to follow: a host's own.
const CLOCK: &str = "server 127.127.1.0 minpoll 3 maxpoll 3";

const KINDS: [&str; 3] = ["md5", "sha1", "aes"];

#[test]
fn daemons_that_speak_first_with_a_key_are_peers_and_follow_us() {
    let mut cases = Vec::new();
    for (number, kind) in (1..).zip(KINDS) {
        for (daemon, name, line) in [
            (Daemon::Classic, "classic", format!("peer {OURS} key {number} minpoll 3 maxpoll 3")),
            (Daemon::Chrony, "chrony", format!("peer {OURS} key {number} minpoll 3 maxpoll 3")),
        ] {
            let name = format!("passive-{name}-{kind}");
            let (theirs, ours, awaits) = (line, CLOCK.to_owned(), Awaits::BeingFollowed);
            cases.push(Case { name, daemon, theirs, ours, seconds: 75, awaits });
        }
    }
    all(&cases, |case, outcome| {
        assert!(outcome.is_followed(), "{}: {:?}", case.name, outcome.theirs);
        let seen = outcome.of_them().unwrap_or_else(|| panic!("{}: no association", case.name));
        assert_eq!(seen["host_mode"], "symmetric_passive", "{}: {seen}", case.name);
        assert_eq!((&seen["authentic"], &seen["configured"]), (&true.into(), &false.into()));
        assert_eq!(
            seen["key_id"].as_u64(),
            case.theirs.split(' ').nth(3).and_then(|k| k.parse().ok())
        );
        let offset_ms = seen["offset_ms"].as_f64().expect("a number");
        assert!(offset_ms.abs() < 5.0, "{}: {offset_ms} ms", case.name);
        let reach = seen["reach_bits"].as_u64().expect("a number");
        assert!(reach.count_ones() >= 4, "{}: {reach:o}", case.name);
    });
}

#[test]
fn daemons_that_speak_first_without_a_key_are_answered_and_not_kept() {
    // NTPsec knows no peers: it asks them as servers.
    let case = |name: &str, daemon| Case {
        name: format!("stranger-{name}"),
        daemon,
        theirs: format!("peer {OURS} minpoll 3 maxpoll 3"),
        ours: CLOCK.to_owned(),
        seconds: 60,
        awaits: Awaits::BeingFollowed,
    };
    let cases = vec![
        case("classic", Daemon::Classic),
        case("ntpsec", Daemon::Ntpsec),
        case("chrony", Daemon::Chrony),
    ];
    all(&cases, |case, outcome| {
        assert!(outcome.is_followed(), "{}: {:?}", case.name, outcome.theirs);
        assert!(outcome.of_them().is_none(), "{}: {:?}", case.name, outcome.ours);
    });
}

#[test]
fn what_we_send_to_everybody_is_followed() {
    let case = |name: &str, theirs: &str, ours: &str| Case {
        name: format!("caster-{name}"),
        daemon: Daemon::Classic,
        theirs: theirs.to_owned(),
        ours: format!("{CLOCK}\n{ours}"),
        seconds: 90,
        awaits: Awaits::BeingFollowed,
    };
    let cases = vec![
        case("broadcast", "broadcastclient", "broadcast 10.99.0.255 key 2 minpoll 3"),
        case("xleave", "broadcastclient", "broadcast 10.99.0.255 key 3 minpoll 3 xleave"),
        case("multicast", "multicastclient 224.0.1.1", "broadcast 224.0.1.1 key 1 ttl 1 minpoll 3"),
        case(
            "manycast",
            "manycastclient 239.77.0.1 key 1 minpoll 3 maxpoll 3 iburst",
            "manycastserver 239.77.0.1",
        ),
    ];
    all(&cases, |case, outcome| {
        assert!(outcome.is_followed(), "{}: {:?}", case.name, outcome.theirs);
        let sends = outcome.ours.iter().find(|peer| peer["host_mode"] == "broadcast");
        assert_eq!(sends.is_some(), case.ours.contains("broadcast"), "{:?}", outcome.ours);
    });
}

#[test]
fn a_wrong_key_makes_nobody_a_peer() {
    let case = |name: &str, daemon, theirs: String| Case {
        name: format!("wrong-{name}"),
        daemon,
        theirs,
        ours: format!("{CLOCK}\nkeys /dev/null"),
        seconds: 30,
        awaits: Awaits::Nothing,
    };
    let line = || format!("peer {OURS} key 1 minpoll 3 maxpoll 3");
    let cases =
        vec![case("classic", Daemon::Classic, line()), case("chrony", Daemon::Chrony, line())];
    all(&cases, |case, outcome| {
        assert!(!outcome.is_followed(), "{}: {:?}", case.name, outcome.theirs);
        assert!(outcome.of_them().is_none(), "{}: {:?}", case.name, outcome.ours);
    });
}

const DAEMONS: [(Daemon, &str); 3] =
    [(Daemon::Classic, "classic"), (Daemon::Ntpsec, "ntpsec"), (Daemon::Chrony, "chrony")];

/// A case for each daemon without a key and with one of each kind: `theirs` and `ours` are given
/// the words about the key.
fn with_every_key(
    what: &str,
    awaits: Awaits,
    theirs: impl Fn(Daemon, &str) -> String,
    ours: impl Fn(&str) -> String,
) -> Vec<Case> {
    let kinds = ["plain"].into_iter().chain(KINDS);
    let keyed = (0..).zip(kinds).flat_map(|(number, kind)| {
        let key = if number == 0 { String::new() } else { format!("key {number}") };
        DAEMONS.map(|(daemon, name)| Case {
            name: format!("{what}-{name}-{kind}"),
            daemon,
            theirs: theirs(daemon, &key),
            ours: ours(&key),
            seconds: 60,
            awaits,
        })
    });
    keyed.collect()
}

#[test]
fn daemons_that_ask_us_follow_us_with_every_kind_of_key() {
    let theirs = |_, key: &str| format!("server {OURS} {key} iburst minpoll 3 maxpoll 3");
    let cases = with_every_key("client", Awaits::BeingFollowed, theirs, |_| CLOCK.to_owned());
    all(&cases, |case, outcome| {
        assert!(outcome.is_followed(), "{}: {:?}", case.name, outcome.theirs);
    });
}

#[test]
fn we_follow_daemons_that_we_ask_with_every_kind_of_key() {
    let theirs = |daemon, _: &str| match daemon {
        Daemon::Chrony => "local stratum 3\nallow all".to_owned(),
        // NTPsec limits whoever has no line of its own.
        _ => format!("server 127.127.1.0 minpoll 3 maxpoll 3 prefer\nrestrict {OURS}"),
    };
    let ours = |key: &str| format!("server {THEIRS} {key} iburst minpoll 3 maxpoll 3");
    let cases = with_every_key("server", Awaits::Following, theirs, ours);
    all(&cases, |case, outcome| {
        let seen = outcome.of_them().unwrap_or_else(|| panic!("{}: no association", case.name));
        assert_eq!(seen["tally"], "*", "{}: {seen}", case.name);
        let has_key = case.ours.contains("key");
        assert_eq!(seen["authentic"].as_bool(), Some(has_key), "{}: {seen}", case.name);
        let offset_ms = seen["offset_ms"].as_f64().expect("a number");
        assert!(offset_ms.abs() < 5.0, "{}: {offset_ms} ms", case.name);
    });
}

#[test]
fn daemons_that_speak_first_are_followed_by_us() {
    let case = |name: &str, theirs: String, ours: &str| Case {
        name: format!("follow-{name}"),
        daemon: Daemon::Classic,
        theirs: format!("{CLOCK} prefer\nfudge 127.127.1.0 stratum 3\n{theirs}"),
        ours: ours.to_owned(),
        seconds: 90,
        awaits: Awaits::Following,
    };
    // Somebody who waits long for anything else, and serves.
    let alone = "tos orphan 9 orphanwait 3600";
    let cases = [
        case("key", format!("peer {OURS} key 3 minpoll 3 maxpoll 3"), alone),
        case("open", format!("peer {OURS} minpoll 3 maxpoll 3"), &format!("{alone}\ndisable auth")),
    ];
    all(&cases, |case, outcome| {
        let seen = outcome.of_them().unwrap_or_else(|| panic!("{}: no association", case.name));
        assert_eq!(seen["host_mode"], "symmetric_passive", "{}: {seen}", case.name);
        assert_eq!(seen["tally"], "*", "{}: {seen}", case.name);
        assert_eq!(seen["authentic"], case.theirs.contains("key"), "{}: {seen}", case.name);
        // All clocks of this machine are the same.
        let offset_ms = seen["offset_ms"].as_f64().expect("a number");
        assert!(offset_ms.abs() < 5.0, "{}: {offset_ms} ms", case.name);
    });
}
