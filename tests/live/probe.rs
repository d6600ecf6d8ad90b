//! Probes of the lab's servers: right ones, one that is 40 ms ahead, one that never answers.

use std::process::Output;

use serde_json::Value as Json;

use crate::lab;

/// Two that know their error well from the start, and one that owns up to 200 ms at first: it alone
/// could not say who of the others is wrong.
const GOOD: [&str; 3] = ["10.77.0.11", "10.77.0.21", "10.77.0.12"];
const FALSETICKER: &str = "10.77.0.14";
const SILENT: &str = "10.77.0.15";

fn probe(words: &[&str]) -> Output {
    let program = lab::program();
    let program = program.to_str().expect("the program's path is text");
    let mut all = vec!["exec", "admin", program, "probe", "-n"];
    all.extend(words);
    lab::lab(&all)
}

#[test]
fn real_servers_are_told_from_a_falseticker_and_a_silent_one() {
    if !lab::available("lab", lab::up()) {
        return;
    }
    let settled = lab::lab(&["wait", "settled", "classic", "--timeout", "300"]);
    assert!(settled.status.success(), "{}", String::from_utf8_lossy(&settled.stderr));
    let [first, second, third] = GOOD;
    let output = probe(&["--json", first, second, third, FALSETICKER, SILENT]);
    assert_eq!(output.status.code(), Some(7), "{output:?}");
    let text = String::from_utf8_lossy(&output.stdout);
    println!("{text}");
    let read = |line: &str| serde_json::from_str::<Json>(line).expect("JSON");
    let all: Vec<Json> = text.lines().map(read).collect();
    assert_eq!(all.len(), 5);
    for (object, host) in all.iter().zip(GOOD) {
        assert_eq!(object["host"], host);
        assert_eq!((&object["standing"], &object["version"]), (&"synchronised".into(), &4.into()));
        let number = |name: &str| object[name].as_f64().expect("a number");
        // All of them are on this machine, so their true offset is nothing.
        assert!(number("offset_ms").abs() < number("error_bound_ms"), "{object}");
        assert_ne!(object["selection"], "falsetick", "{object}");
    }
    let falseticker = &all[3];
    assert_eq!(falseticker["standing"], "synchronised");
    assert_eq!(falseticker["selection"], "falsetick", "{falseticker}");
    let ahead_ms = falseticker["offset_ms"].as_f64().expect("a number");
    assert!((ahead_ms - 40.0).abs() < 5.0, "{falseticker}");
    assert_eq!(all[4]["standing"], "unreachable");
    assert_eq!((&all[4]["requests"], &all[4]["replies"]), (&4.into(), &0.into()));
    let good = probe(&["--samples", "1", first]);
    assert_eq!(good.status.code(), Some(0), "{good:?}");
}
