//! A real chronyd is changed: each verb is applied, proved by reading back, and taken back, with what
//! its own tool tells of it before and after.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value as Json;

use crate::duel::{Folder, peer};
use crate::lab;

/// A change, and what is to come of it.
struct Case {
    /// Behind `ntpscope set … TARGET`.
    words: &'static str,
    /// The verdict after reading back.
    verdict: &'static str,
    /// The line that chronyc has of it once it is applied, and has not once it was taken back; empty
    /// where it tells nothing of it.
    shows: &'static str,
    /// A line that chronyc has no more once it is applied.
    hides: &'static str,
}

const fn case(
    words: &'static str,
    verdict: &'static str,
    shows: &'static str,
    hides: &'static str,
) -> Case {
    Case { words, verdict, shows, hides }
}

/// All verbs that have an inverse.
const CASES: &[Case] = &[
    case("add 10.9.0.5 iburst minpoll 0", "applied", "10.9.0.5 -----", ""),
    case("add server 10.9.0.6 prefer", "applied", "10.9.0.6 -P---", ""),
    case("add peer 10.9.0.7 noselect", "applied", "10.9.0.7 N----", ""),
    case("remove 10.9.0.2", "applied", "", "10.9.0.2 -----"),
    case("add 10.9.0.2 trust", "applied", "10.9.0.2 --T--", "10.9.0.2 -----"),
    case("noselect 10.9.0.4", "applied", "10.9.0.4 N----", "10.9.0.4 -----"),
    case("prefer 10.9.0.4", "applied", "10.9.0.4 -P---", "10.9.0.4 -----"),
    case("config selectopts 10.9.0.3 -prefer", "applied", "10.9.0.3 -----", "10.9.0.3 -P---"),
    case("allow 192.0.2.0/24", "applied", "208 Access allowed", "209 Access denied"),
    case("offline", "applied", "3 sources offline", "3 sources online"),
    case("minpoll 10.9.0.4 3", "untold", "", ""),
    case("local stratum 5", "untold", "", ""),
    case("reselectdist 0.01", "untold", "", ""),
    case("maxupdateskew 10", "untold", "", ""),
];

#[test]
fn every_verb_is_applied_proved_and_taken_back() {
    let Some(site) = Site::new() else { return };
    let mut script = String::new();
    for (number, case) in CASES.iter().enumerate() {
        let set = "--json --write --commit-confirm $patience --config-of client.conf";
        let went = |sign: char, line: &str| match line {
            "" => "true".to_owned(),
            line => format!("grep -qFxe '{sign} {line}' {number}.went"),
        };
        let awaited = match (case.shows, case.hides) {
            ("", "") => "true".to_owned(),
            (shows, hides) => format!("{} && {}", went('>', shows), went('<', hides)),
        };
        // Whoever asks while it waits for a confirmation sees the change. Its own tool reads source by
        // source, so that one look may be half of before and half of after; and where a look takes
        // longer than the wait, the wait is made longer.
        writeln!(
            script,
            "for patience in 1s 5s 20s; do\n\
             tell {number}.before\n\
             ours {number} set {set} -- $target {} & change=$!\n\
             : >{number}.went\n\
             while kill -0 $change 2>/dev/null; do \
             tell {number}.now; diff {number}.before {number}.now >{number}.went || :; \
             if {{ {awaited}; }}; then break; fi; done\n\
             wait $change\n\
             if {{ {awaited}; }}; then break; fi\n\
             done",
            case.words
        )
        .unwrap();
        writeln!(script, "tell {number}.after").unwrap();
    }
    if !site.run(&script) {
        return;
    }
    for (number, case) in CASES.iter().enumerate() {
        let course = site.json(number);
        assert_eq!(course["outcome"]["verdict"], case.verdict, "{}: {course:#}", case.words);
        assert_eq!(course["taken_back"]["why"], "not_confirmed", "{}: {course:#}", case.words);
        let back = &course["taken_back"]["outcome"]["verdict"];
        let word = if case.verdict == "untold" { "untold" } else { "applied" };
        assert_eq!(*back, word, "{}: {course:#}", case.words);
        let [before, after] = ["before", "after"].map(|part| site.text(number, part));
        assert_eq!(before, after, "{}: {course:#}", case.words);
        let went = site.text(number, "went");
        let has = |sign: &str, line: &str| {
            line.is_empty() || went.lines().any(|told| told == format!("{sign} {line}"))
        };
        assert!(has(">", case.shows) && has("<", case.hides), "{}: {went}", case.words);
        let status = site.text(number, "status");
        assert_eq!(status.trim(), "10", "{}", case.words);
    }
}

#[test]
fn what_chronyd_refuses_is_told_as_what_it_is() {
    let Some(site) = Site::new() else { return };
    let cases = [
        ("set --json --write $target config online 10.9.0.99", "there is no source 10.9.0.99"),
        ("set --json --write $target add 10.9.0.9 key 77", ""),
        ("set --json --write chrony://127.0.0.1 remove 10.9.0.2", "over its Unix socket only"),
        ("set --json --write $target noselect 10.9.0.4", "before 4.4"),
        ("set --json --write $target tos minsane 2", "chronyd has no `tos`"),
        ("set --json --write --commit-confirm 9s $target remove 10.9.0.2", "cannot be taken back"),
        ("set --json $target remove 10.9.0.2", ""),
    ];
    let mut script = String::from("tell all.before\n");
    for (number, (words, _)) in cases.iter().enumerate() {
        writeln!(script, "ours {number} {words}").unwrap();
    }
    script.push_str("theirs delete 10.9.0.9 >>deleted || :\ntell all.after\n");
    if !site.run(&script) {
        return;
    }
    for (number, (words, says)) in cases.iter().enumerate() {
        let said = site.text(number, "out") + &site.text(number, "err");
        assert!(said.contains(says), "{words}: {said}");
    }
    let read = |part: &str| fs::read_to_string(site.folder.0.join(format!("all.{part}"))).unwrap();
    assert_eq!(read("before"), read("after"), "nothing that was refused changed anything");
    // Without --write nothing was sent.
    assert_eq!(site.json(6)["sent"], Json::Array(Vec::new()));
    assert_eq!(site.json(6)["preview"]["lines"][0], "delete 10.9.0.2");
}

/// A chronyd with three sources, on its own network.
struct Site {
    folder: Folder,
    daemon: String,
    /// Its own tool.
    tool: String,
}

impl Site {
    /// `None` where there is no chronyd.
    fn new() -> Option<Self> {
        let program = |name: &str| -> Result<String, String> {
            let peer = peer(name)?;
            Ok(format!("env LD_LIBRARY_PATH='{}' '{}'", peer.libraries, peer.program.display()))
        };
        let both = || Ok::<_, String>((program("chronyd")?, program("chronyc")?));
        let programs = both();
        match programs {
            Ok((daemon, tool)) => Some(Self { folder: Folder::new(), daemon, tool }),
            Err(reason) => {
                lab::skip("peers", &reason);
                None
            }
        }
    }

    /// Runs a script beside the daemons; whether there is a network for them.
    fn run(&self, script: &str) -> bool {
        let folder = &self.folder.0;
        for (name, text) in [("server.conf", SERVER), ("client.conf", CLIENT)] {
            let text = text.replace("FOLDER", &folder.display().to_string());
            fs::write(folder.join(name), text).unwrap();
        }
        let script = format!(
            "set -eu\n\
             ip link set lo up\n\
             for n in 2 3 4 5 6 7; do ip address add 10.9.0.$n/32 dev lo; done\n\
             mkdir -m 0750 run\n\
             target=unix://$PWD/run/chronyd.sock\n\
             socket=$PWD/run/chronyd.sock\n\
             theirs() {{ {tool} -n -h $socket \"$@\"; }}\n\
             {daemon} -x -d -u $(id -un) -f $PWD/server.conf >server.log 2>&1 & server=$!\n\
             {daemon} -x -d -u $(id -un) -f $PWD/client.conf >client.log 2>&1 & client=$!\n\
             trap 'kill $server $client; wait' EXIT\n\
             tell() {{ {{ theirs selectdata | awk 'NR > 2 {{ print $2, $4 }}' | sort; \
             theirs -c activity | awk -F, '{{ print $1 + $3 \" sources online\"; \
             print $2 + $4 \" sources offline\" }}'; theirs accheck 192.0.2.0; }} >$1; }}\n\
             ours() {{\n\
             c=$1; shift\n\
             s=0; XDG_STATE_HOME=$PWD {ours} \"$@\" </dev/null >$c.out 2>$c.err || s=$?\n\
             echo $s >$c.status\n\
             }}\n\
             n=0\nuntil theirs selectdata | grep -q '^\\*'; do \
             n=$((n + 1)); [ $n -lt 300 ] || {{ cat client.log >&2; exit 1; }}; sleep 0.1; done\n\
             {script}",
            tool = self.tool,
            daemon = self.daemon,
            ours = lab::program().display(),
        );
        let mut shell = Command::new("unshare");
        shell.args(["-Urnm", "sh", "-c", &script]).current_dir(folder);
        let Output { status, stderr, .. } = shell.output().unwrap();
        let said = String::from_utf8_lossy(&stderr);
        if said.contains("unshare") {
            lab::skip("lab", &said);
            return false;
        }
        assert!(status.success(), "{said}");
        true
    }

    fn text(&self, number: usize, part: &str) -> String {
        let path = self.folder.0.join(Path::new(&format!("{number}.{part}")));
        fs::read_to_string(&path).unwrap_or_else(|error| format!("{}: {error}", path.display()))
    }

    fn json(&self, number: usize) -> Json {
        let said = self.text(number, "out");
        serde_json::from_str(&said).unwrap_or_else(|_| self.text(number, "err").into())
    }
}

const SERVER: &str = "local stratum 1\nallow\nbindcmdaddress /\ncmdport 0\n\
                      pidfile FOLDER/server.pid\n";

const CLIENT: &str = "server 10.9.0.2 iburst minpoll 0 maxpoll 2\n\
                      server 10.9.0.3 iburst minpoll 0 maxpoll 2 prefer\n\
                      server 10.9.0.4 iburst minpoll 0 maxpoll 2\n\
                      port 0\nbindcmdaddress FOLDER/run/chronyd.sock\n\
                      pidfile FOLDER/client.pid\n";
