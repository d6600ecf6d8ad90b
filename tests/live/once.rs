//! The table and the JSON printed once, beside what the real ntpq is told by the same daemons.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Output;

use serde_json::Value as Json;

use crate::lab;

/// A variable as the daemon calls it, and as our JSON does.
type Pair = (&'static str, &'static str);

const SYSTEM: [Pair; 16] = [
    ("version", "version"),
    ("processor", "processor"),
    ("system", "operating_system"),
    ("stratum", "stratum"),
    ("precision", "precision_log2_s"),
    ("rootdelay", "root_delay_ms"),
    ("rootdisp", "root_dispersion_ms"),
    ("refid", "reference_id"),
    ("peer", "system_peer"),
    ("tc", "time_constant_log2_s"),
    ("mintc", "minimum_time_constant_log2_s"),
    ("offset", "offset_ms"),
    ("frequency", "frequency_ppm"),
    ("sys_jitter", "system_jitter_ms"),
    ("clk_jitter", "clock_jitter_ms"),
    ("clk_wander", "clock_wander_ppm"),
];

const PEER: [Pair; 11] = [
    ("srcadr", "source"),
    ("dstadr", "destination"),
    ("stratum", "stratum"),
    ("refid", "reference_id"),
    ("reach", "reach_bits"),
    ("hpoll", "host_poll_log2_s"),
    ("ppoll", "peer_poll_log2_s"),
    ("offset", "offset_ms"),
    ("delay", "delay_ms"),
    ("dispersion", "dispersion_ms"),
    ("jitter", "jitter_ms"),
];

#[test]
fn json_has_the_numbers_that_ntpq_is_told() {
    if !lab::available("lab", lab::up()) {
        return;
    }
    for node in ["classic", "ntpsec"] {
        let settled = lab::lab(&["wait", "settled", node, "--timeout", "300"]);
        assert!(settled.status.success(), "{}", String::from_utf8_lossy(&settled.stderr));
        let json = |output: &Output| -> Json {
            assert_eq!(output.status.code(), Some(0), "{output:?}");
            serde_json::from_slice(&output.stdout).expect("JSON")
        };
        let first = json(&ours(&["--json", node]));
        let ids = first["peers"].as_array().expect("peers").iter();
        let ids: Vec<u64> = ids.map(|peer| peer["association"].as_u64().expect("an id")).collect();
        assert!(ids.len() > 8, "{node}: {ids:?}");

        // What is the same before and after did not move while we asked; what moved is asked again.
        let (mut compared, mut all) = (BTreeSet::new(), 0);
        for _ in 0..MOST_ROUNDS {
            let before = ntpq(node, &ids);
            let daemon = json(&ours(&["--json", node]));
            let after = ntpq(node, &ids);
            assert_eq!(daemon["schema"], "ntpscope/daemon/1");
            assert_eq!(daemon["host"], node);
            assert_eq!(daemon["contact"]["state"], "answering");
            for ((id, name), told) in &before {
                if after.get(&(*id, *name)) != Some(told) {
                    continue;
                }
                let (object, pairs) = match id {
                    0 => (Some(&daemon["system"]), &SYSTEM[..]),
                    id => {
                        let mut peers = daemon["peers"].as_array().expect("peers").iter();
                        (peers.find(|peer| peer["association"] == *id), &PEER[..])
                    }
                };
                // A child of the pool may have come or gone.
                let Some(object) = object else { continue };
                let (_, key) =
                    pairs.iter().find(|(wire, _)| wire == name).expect("it was asked for");
                let value = &object[*key];
                assert!(same(value, told), "{node}, {id}: {key} is {value}, {name} is {told}");
                compared.insert((*id, *name));
            }
            all = before.len();
            if compared.len() * 4 > all * 3 {
                break;
            }
        }
        println!("{node}: {} of {all} values compared", compared.len());
        assert!(compared.len() * 4 > all * 3, "{node}: too much moved");
    }
}

/// How often what moved is asked again: each takes longer on a machine that has much else to do, and
/// more moves meanwhile.
const MOST_ROUNDS: usize = 12;

#[test]
fn several_hosts_are_an_object_a_line_and_end_as_the_worst_of_them() {
    if !lab::available("lab", lab::up()) {
        return;
    }
    let output = ours(&["--json", "--timeout", "10s", "classic", "noquery", "ntpsec"]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let states = text.lines().map(|line| {
        let daemon: Json = serde_json::from_str(line).expect("JSON");
        (daemon["host"].to_string(), daemon["contact"]["state"].to_string())
    });
    let states: Vec<_> = states.collect();
    let expected = [("classic", "answering"), ("noquery", "silent"), ("ntpsec", "answering")];
    let expected = expected.map(|(host, state)| (format!("\"{host}\""), format!("\"{state}\"")));
    assert_eq!(states, expected);
}

#[test]
fn a_table_has_every_row_also_of_a_limited_daemon() {
    if !lab::available("lab", lab::up()) {
        return;
    }
    for (node, rows) in [
        ("classic", &["good1", "good2", "good3", "false1", "silent"][..]),
        ("ntpsec", &["good1", "good2", "good3", "false1", "silent"]),
        ("ntpseclimited", &["LOCAL(0)", "good1", "good2"]),
    ] {
        let output = ours(&[node]);
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert!(output.stderr.is_empty(), "{output:?}");
        for row in rows {
            let is_row = |line: &str| line.get(1..).is_some_and(|line| line.starts_with(row));
            assert!(text.lines().any(is_row), "{node}: no row {row} in\n{text}");
        }
    }
}

#[test]
fn a_daemon_told_not_to_answer_is_told_as_silence() {
    if !lab::available("lab", lab::up()) {
        return;
    }
    let output = ours(&["--timeout", "2s", "noquery"]);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let waited = text.split_once("no answer for ").and_then(|(_, rest)| rest.split_once(" s: "));
    let (seconds, why) = waited.unwrap_or_else(|| panic!("{text}"));
    assert!(seconds.parse::<u32>().is_ok_and(|seconds| seconds >= 2), "{text}");
    assert!(why.starts_with("stopped, filtered"), "{text}");
    assert!(text.contains("(noquery)"), "{text}");
    assert!(output.stdout.is_empty(), "{output:?}");
}

#[test]
fn a_reader_that_has_enough_is_no_failure() {
    if !lab::available("lab", lab::up()) {
        return;
    }
    let program = lab::program();
    for words in ["classic", "--json classic", "ntpq -p classic"] {
        let script = format!(
            "{{ s=0; '{}' {words} || s=$?; echo $s >&3; }} 3>&2 2>/dev/null | head -1",
            program.display()
        );
        let output = lab::lab(&["exec", "admin", "sh", "-c", &script]);
        assert_eq!(String::from_utf8_lossy(&output.stderr), "0\n", "{words}");
    }
}

/// Our program, asking from the lab.
fn ours(words: &[&str]) -> Output {
    let program = lab::program();
    let program = program.to_str().expect("a path in UTF-8");
    let mut all = vec!["exec", "admin", "env", "XDG_CONFIG_HOME=/nonexistent", program];
    all.extend(words);
    lab::lab(&all)
}

/// What the real ntpq is told, word for word, by association (0 is the system) and name.
fn ntpq(node: &str, ids: &[u64]) -> BTreeMap<(u64, &'static str), String> {
    let names = |pairs: &[Pair]| pairs.iter().map(|pair| pair.0).collect::<Vec<_>>().join(",");
    let all: Vec<u64> = std::iter::once(0).chain(ids.iter().copied()).collect();
    let mut words: Vec<String> =
        ["exec", "admin", "ntpq-classic", "-c", "raw"].map(str::to_owned).into();
    for id in &all {
        let names = if *id == 0 { names(&SYSTEM) } else { names(&PEER) };
        words.extend(["-c".to_owned(), format!("rv {id} {names}")]);
    }
    words.push(node.to_owned());
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let output = lab::lab(&words);
    let text = String::from_utf8_lossy(&output.stdout);
    let mut told = BTreeMap::new();
    // A variable of the first pair begins an answer: ntpq says nothing else between them.
    let mut answers = all.iter();
    let mut id = None;
    for item in text.split([',', '\n']).map(str::trim) {
        let Some((name, value)) = item.split_once('=') else { continue };
        if name == SYSTEM[0].0 || name == PEER[0].0 {
            id = answers.next();
        }
        let pairs = if id == Some(&0) { &SYSTEM[..] } else { &PEER[..] };
        if let (Some(id), Some((wire, _))) = (id, pairs.iter().find(|(wire, _)| *wire == name)) {
            told.insert((*id, *wire), value.trim_matches('"').to_owned());
        }
    }
    assert!(told.len() > ids.len() * 8, "{node}: {text}");
    told
}

/// Whether our value is the daemon's: numbers as numbers, text as text.
fn same(value: &Json, told: &str) -> bool {
    let number = match told.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).map(f64::from).ok(),
        None => told.parse().ok(),
    };
    match (value.as_f64(), number) {
        // Both come from the same few digits.
        (Some(ours), Some(theirs)) => (ours - theirs).abs() < 1e-9,
        _ => value.as_str() == Some(told),
    }
}
