//! `ntpscope sim` and `ntpscope demo` as commands: what they print, where, and how they end.

use std::fs;
use std::process::{Command, Output, Stdio};

fn ours(words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ntpscope"));
    command.args(words).stdin(Stdio::null()).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn complained(output: &Output) -> String {
    assert!(output.stdout.is_empty(), "{output:?}");
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn scenarios_are_listed_with_what_they_are_about() {
    let list = said(&ours(&["sim", "--list"]));
    assert_eq!(list, said(&ours(&["demo", "--list"])));
    assert!(list.lines().count() >= 20);
    assert!(list.contains("lan4            A server on the local network, asked every 16 s\n"));
}

#[test]
fn one_run_is_a_table_and_several_are_one() {
    let once = ours(&["sim", "cold-frequency"]);
    let table = said(&once);
    for words in ["true error", "frequency error", "within", "requests", "all limits kept"] {
        assert!(table.contains(words), "{words}: {table}");
    }
    assert_eq!(once.status.code(), Some(0), "{table}");
    assert_eq!(table, said(&ours(&["sim", "cold-frequency"])), "the same seed, the same run");
    let several = said(&ours(&[
        "sim",
        "cold-frequency",
        "--discipline-algorithm",
        "ntp",
        "--seed",
        "3",
        "--seeds",
        "4",
    ]));
    for words in ["4 seeds", "\n  3 ", "\n  6 ", "median", "97.5 %"] {
        assert!(several.contains(words), "{words}: {several}");
    }
}

#[test]
fn json_has_a_schema_and_units_in_its_names() {
    let output = ours(&["sim", "cold-frequency", "--json"]);
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(value["schema"], "ntpscope-sim-1");
    let run = &value["runs"][0];
    assert!(run["error_rms_s"].as_f64().unwrap() < 1e-3, "{run}");
    assert!(run["requests_to"]["a"].as_u64().unwrap() > 10, "{run}");
}

#[test]
fn csv_has_a_row_a_second() {
    let text = said(&ours(&["sim", "cold-frequency", "--csv"]));
    let mut lines = text.lines();
    let columns = lines.next().unwrap().split(',').count();
    assert_eq!(lines.clone().count(), 7200);
    assert!(lines.all(|line| line.split(',').count() == columns));
}

#[test]
fn a_limit_that_is_missed_shows_in_the_status() {
    let folder = std::env::temp_dir().join(format!("ntpscope-sim-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("strict.ron");
    let world = "(title: \"t\", duration: \"10min\", servers: [(name: \"a\")],\n\
        link: (both: (delay: \"1ms\")), limits: (packets_max: 1))\n";
    fs::write(&file, world).unwrap();
    let path = file.to_str().unwrap();
    let missed = ours(&["sim", path]);
    assert_eq!(missed.status.code(), Some(5), "{missed:?}");
    assert!(said(&missed).contains("MISSED") && said(&missed).contains("1 limit missed"));
    fs::write(&file, world.replace("packets_max", "packet_max")).unwrap();
    let wrong = complained(&ours(&["sim", path]));
    assert!(wrong.starts_with(&format!("ntpscope: {path}, line 2, column ")), "{wrong}");
    assert!(wrong.contains("packet_max"), "{wrong}");
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn what_is_wrong_is_said_in_one_sentence() {
    for (words, begins) in [
        (
            &["sim", "nowhere"][..],
            "ntpscope: scenario `nowhere`: it is neither built in nor a file",
        ),
        (&["sim"], "ntpscope: "),
        (&["sim", "lan4", "--discipline-algorithm", "magic"], "ntpscope: invalid value 'magic'"),
        (&["sim", "lan4", "--seeds", "0"], "ntpscope: invalid value '0'"),
        (&["demo"], "ntpscope: a demo draws screens, and stdout is no terminal"),
        (&["demo", "--speed", "7"], "ntpscope: invalid value '7' for '--speed <N>': it is 0, 1"),
    ] {
        let complaint = complained(&ours(words));
        assert!(complaint.starts_with(begins), "{complaint}");
        assert!(complaint.lines().skip(1).all(|line| line.starts_with("hint: ")), "{complaint}");
    }
}
