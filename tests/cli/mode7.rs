//! The real ntpdc and ours on the same arguments, against the same daemon under the same clock: what
//! they write, how they end, and what they send.
//!
//! Each runs in a namespace of its own (`tests/site/netbox`) with a daemon of its own: a frozen one
//! (`tests/site/private.py`), which says what a real one once said and writes down what it is asked,
//! or a real one. Which command is compared how says the table in [`cases`].

mod cases;
mod living;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::duel::{Folder, Zone, difference, faketime, peer};
use crate::lab;
use cases::{Case, Compared, TABLE};

#[test]
fn every_command_is_in_the_table() {
    for command in ntpscope::ntpdc::command::COMMANDS {
        let rows = TABLE.iter().filter(|(name, _)| *name == command.name).count();
        assert_eq!(rows, 1, "{}", command.name);
    }
    assert_eq!(TABLE.len(), ntpscope::ntpdc::command::COMMANDS.len());
    for (name, compared) in TABLE {
        let (Compared::Wholly(lines) | Compared::AsPrinted(lines, _)) = compared else { continue };
        assert!(lines.iter().any(|line| line.contains(name)), "{name} is in none of its cases");
    }
}

#[test]
fn every_command_does_what_ntpdc_does() {
    let cases: Vec<Case> = TABLE.iter().flat_map(|(_, compared)| compared.cases()).collect();
    for zone in Zone::ALL {
        fight("", zone, &cases);
    }
}

#[test]
fn any_numbers_are_printed_as_ntpdc_prints_them() {
    for daemon in ["--noise 1", "--noise 2", "--noise 3 --only 2", "--noise 4 --only 2"] {
        for zone in Zone::ALL {
            fight(daemon, zone, &Case::printed(cases::NOISE));
        }
    }
}

#[test]
fn names_are_shown_as_ntpdc_shows_them() {
    fight("", Zone::Utc, &Case::all(cases::NAMES));
}

#[test]
fn the_command_line_is_read_as_ntpdc_reads_it() {
    fight("", Zone::Utc, &Case::all(cases::COMMAND_LINE));
}

#[test]
fn a_silent_daemon_is_waited_for_as_ntpdc_does() {
    fight("--silent", Zone::Utc, &Case::all(cases::SILENCE));
}

#[test]
fn every_error_is_told_as_ntpdc_tells_it() {
    for error in ["1", "2", "3", "4", "5", "6", "7", "9"] {
        fight(&format!("--error {error}"), Zone::Utc, &Case::all(cases::TROUBLE));
    }
}

#[test]
fn older_daemons_are_asked_as_ntpdc_asks_them() {
    for daemon in ["--only 2", "--size 160", "--size 48"] {
        fight(daemon, Zone::Utc, &Case::all(cases::OLDER));
    }
}

/// Fails where the programs differ on `cases`, each with a frozen daemon of these options.
fn fight(daemon: &str, zone: Zone, cases: &[Case]) {
    let Some(sides) = Side::both() else { return };
    let scripts = sides.each_ref().map(|side| side.frozen(daemon, zone, cases));
    let Some([real, ours]) = run(&sides, &scripts) else { return };
    let mut report = String::new();
    for (number, case) in cases.iter().enumerate() {
        for part in ["out", "err", "status"] {
            let wrote = |side: &Side| fs::read(side.place(&format!("{number}.{part}"))).unwrap();
            compare(&mut report, case.line, part, &without_path(&wrote(real)), &wrote(ours));
        }
        if case.sends_the_same {
            let [real, ours] = [real, ours].map(|side| side.requests(number));
            compare(&mut report, case.line, "requests", real.as_bytes(), ours.as_bytes());
        }
    }
    let count = report.lines().filter(|line| line.starts_with("ntpdc ")).count();
    assert!(count == 0, "{daemon} {zone:?}: {count} differ\n{report}");
}

fn compare(report: &mut String, case: &str, part: &str, real: &[u8], ours: &[u8]) {
    if real != ours {
        writeln!(report, "ntpdc {case}\n  {part}:").unwrap();
        report.push_str(&difference(real, ours));
    }
}

/// Where ntpdc complains of its options, its option library puts the path in front that it finds the
/// program under.
fn without_path(text: &[u8]) -> Vec<u8> {
    text.strip_prefix(b"bin/").unwrap_or(text).to_vec()
}

/// One of the programs, with a folder to run it in.
struct Side {
    folder: Folder,
    is_ours: bool,
    /// What its libraries are found by, and the one that stops the clock.
    libraries: String,
    faketime: PathBuf,
}

impl Side {
    /// The real one and ours; `None` where the real one cannot be had, which is told.
    fn both() -> Option<[Self; 2]> {
        let found = peer("ntpdc-classic").and_then(|real| Ok((real, faketime()?)));
        let (real, faketime) = match found {
            Ok(found) => found,
            Err(reason) => {
                lab::skip("peers", &reason);
                return None;
            }
        };
        let side = |program: &Path, is_ours| {
            let folder = Folder::new();
            fs::create_dir(folder.0.join("bin")).unwrap();
            std::os::unix::fs::symlink(program, folder.0.join("bin/ntpdc")).unwrap();
            fs::write(folder.0.join("hosts"), HOSTS).unwrap();
            let libraries = real.libraries.clone();
            Self { folder, is_ours, libraries, faketime: faketime.clone() }
        };
        Some([side(&real.program, false), side(&lab::program(), true)])
    }

    fn place(&self, name: &str) -> PathBuf {
        self.folder.0.join(name)
    }

    /// How the program is started, with `settings` for its environment.
    fn program(&self, settings: &str) -> String {
        let libraries = if self.is_ours { "" } else { &self.libraries };
        format!("setsid -w env -i PATH=bin LC_ALL=C LD_LIBRARY_PATH='{libraries}' {settings} ntpdc")
    }

    /// What has to be said besides `arguments`: ours wants to be told that `monlist` may be sent.
    fn permit(&self, arguments: &str) -> &'static str {
        if self.is_ours && arguments.contains("monlist") { "--monlist" } else { "" }
    }

    /// A script that runs `cases` against a frozen daemon.
    fn frozen(&self, daemon: &str, zone: Zone, cases: &[Case]) -> String {
        let tests = lab::root().join("tests");
        let settings = format!(
            "TZ={} FAKETIME_FMT=%s FAKETIME={NOW} FAKETIME_DONT_FAKE_MONOTONIC=1 LD_PRELOAD='{}'",
            zone.name(),
            self.faketime.display()
        );
        let mut script = format!(
            "set -eu\n\
             ip address add 10.77.0.2/32 dev lo\n\
             ip address add fd77::2/128 dev lo nodad\n\
             python3 '{site}/private.py' serve '{data}' --log log --now {NOW} {daemon} \
             </dev/null >ready 2>frozen.err &\n\
             n=0\nuntil grep -q ready ready; do sleep 0.02; n=$((n + 1)); \
             [ $n -lt 500 ] || {{ cat frozen.err >&2; exit 1; }}; done\n\
             run() {{\n\
             n=$1; shift; s=0; echo \"# $n\" >>log\n\
             {program} \"$@\" >$n.out 2>$n.err || s=$?\n\
             echo $s >$n.status\n\
             }}\n",
            site = tests.join("site").display(),
            data = tests.join("data/frozen/private.json").display(),
            program = self.program(&settings),
        );
        for (number, case) in cases.iter().enumerate() {
            let (arguments, input) = case.line.split_once(" <<< ").unwrap_or((case.line, ""));
            let permit = self.permit(arguments);
            writeln!(script, "printf '{input}' | run {number} {permit} {arguments}").unwrap();
        }
        script
    }

    /// What was sent for a case, a line a request.
    fn requests(&self, number: usize) -> String {
        let log = fs::read_to_string(self.place("log")).unwrap();
        let marker = format!("# {number}");
        let mut lines = log.lines().skip_while(|line| *line != marker);
        lines.next();
        let lines: Vec<&str> = lines.take_while(|line| !line.starts_with('#')).collect();
        lines.join("\n")
    }

    fn start(&self, script: &str) -> Child {
        fs::write(self.place("script"), script).unwrap();
        Command::new(lab::root().join("tests/site/netbox"))
            .arg("--hosts")
            .arg(self.place("hosts"))
            .args(["sh", "script"])
            .current_dir(&self.folder.0)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }
}

/// Runs a script for each side at the same time; `None` where this machine cannot, which is told.
fn run<'a>(sides: &'a [Side; 2], scripts: &[String; 2]) -> Option<[&'a Side; 2]> {
    let [real, ours] = sides;
    let children = [real.start(&scripts[0]), ours.start(&scripts[1])];
    for child in children {
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        if output.status.code() == Some(crate::duel::SKIPPED) {
            lab::skip("peers", &said);
            return None;
        }
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stdout));
    }
    Some([real, ours])
}

/// The time of the duels, a while after the capture: 2026-11-21 20:00:00 UTC.
const NOW: u32 = 1_795_291_200;

/// What the names of addresses are; some are longer than a column.
const HOSTS: &str = "127.0.0.1 localhost
::1 localhost
10.77.0.2 here.lab
10.8.0.2 two.lab
10.8.0.77 a.rather.long.name.of.a.server.lab
fd08::2 six.lab
10.0.0.9 nine.lab
";
