//! Real ntpd that send to everybody: broadcast, multicast, and those that answer a group. Found
//! without being named, at the same time from a desk each.

use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use serde_json::Value as Json;

use crate::lab;

/// Sends to 10.77.255.255, answers the group.
const CASTER: &str = "10.77.0.115";

/// Sends to 224.0.1.1, answers the group.
const GROUP_CASTER: &str = "10.77.0.116";

const KEYS: &str = "1 MD5 secretmd5\n2 SHA1 another\n";

/// Enough for six packets eight seconds apart, after those with which the delay is measured.
const SECONDS: &str = "70";

#[test]
fn real_senders_to_everybody_are_found_and_measured_and_only_with_their_key() {
    if !lab::available("lab", lab::up()) {
        return;
    }
    let _desks = crate::desks();
    let _port = crate::port_of_admin();
    // ntpd serves when it has set itself by its own clock, and sends to nobody before.
    for caster in ["caster1", "caster2"] {
        let synced = lab::lab(&["wait", "synced", caster, "--timeout", "300"]);
        assert!(synced.status.success(), "{}", String::from_utf8_lossy(&synced.stderr));
    }
    let group = "manycastclient 239.77.0.1 key 1 iburst minpoll 3 maxpoll 4";
    let confs = [
        ("admin", "trustedkey 1\nbroadcastclient"),
        ("desk1", "trustedkey 1\nmulticastclient"),
        ("desk2", &format!("trustedkey 1\n{group}")),
        ("desk3", "trustedkey 2\nbroadcastclient\nmulticastclient"),
    ];
    let started: Vec<_> = confs.iter().map(|(node, conf)| Client::start(node, conf)).collect();
    let [broadcast, multicast, manycast, keyless] =
        &started.into_iter().map(Client::end).collect::<Vec<_>>()[..]
    else {
        panic!("one of each")
    };
    judge(broadcast, &[CASTER], "broadcast_client");
    // Who listens to groups hears what is sent to all hosts, too.
    judge(multicast, &[CASTER, GROUP_CASTER], "broadcast_client");
    judge(manycast, &[CASTER, GROUP_CASTER], "client");
    assert!(peers(keyless).is_empty(), "{keyless}");
    let prototype = peers(manycast).iter().find(|peer| peer["source"] == "239.77.0.1");
    let prototype = prototype.expect("the group stays");
    assert_eq!((&prototype["host_mode"], &prototype["reach"]), (&"client".into(), &"000".into()));
}

/// Those sources and no others are heard by that mode, and tell the time of this machine.
fn judge(seen: &Json, sources: &[&str], mode: &str) {
    let mut found: Vec<&str> = Vec::new();
    for peer in peers(seen).iter().filter(|peer| peer["reach_bits"] != 0) {
        let source = peer["source"].as_str().expect("an address");
        println!(
            "{source} {mode}: offset {} ms, delay {} ms, jitter {} ms, tally {}",
            peer["offset_ms"], peer["delay_ms"], peer["jitter_ms"], peer["tally"]
        );
        found.push(source);
        assert_eq!((&peer["host_mode"], &peer["authentic"]), (&mode.into(), &true.into()));
        assert_eq!((&peer["key_id"], &peer["configured"]), (&1.into(), &false.into()));
        let number = |name: &str| peer[name].as_f64().expect("a number");
        let allowed = 0.05 + 3.0 * number("jitter_ms") + number("delay_ms");
        assert!(number("offset_ms").abs() < allowed, "{peer}");
        assert!(number("reach_bits") >= 7.0, "{peer}");
    }
    found.sort_unstable();
    assert_eq!(found, sources, "{seen}");
    let is_leader = |peer: &&Json| peer["tally"] == "*";
    assert_eq!(peers(seen).iter().filter(is_leader).count(), 1, "it follows one: {seen}");
}

fn peers(seen: &Json) -> &[Json] {
    seen["peers"].as_array().expect("a list")
}

/// The program in a node of the lab, with a configuration of its own.
struct Client {
    running: std::process::Child,
    folder: std::path::PathBuf,
}

impl Client {
    fn start(node: &str, conf: &str) -> Self {
        let name = format!("ntpscope-broadcast-{node}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).expect("a folder of our own");
        let (keys, file) = (folder.join("keys"), folder.join("ntp.conf"));
        std::fs::write(&keys, KEYS).expect("a file of our own");
        std::fs::set_permissions(&keys, std::fs::Permissions::from_mode(0o600)).expect("ours");
        let conf = format!("keys {}\n{conf}\n", keys.display());
        std::fs::write(&file, conf).expect("a file of our own");
        let running = Command::new(lab::root().join("tests/lab"))
            .args(["exec", node, "timeout", SECONDS])
            .arg(lab::program())
            .args(["run", "--json", "-c"])
            .arg(&file)
            .env("NTPSCOPE_LAB_DIR", lab::folder())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("tests/lab can be started: it is part of this repository");
        Self { running, folder }
    }

    /// What it knew at last, when its time is over.
    fn end(self) -> Json {
        let output = self.running.wait_with_output().expect("it ends by itself");
        std::fs::remove_dir_all(&self.folder).expect("the folder is ours");
        let text = String::from_utf8_lossy(&output.stdout);
        let mut daemons = text.lines().rev().filter(|line| line.contains("\"ntpscope/daemon/"));
        let last = daemons.next().unwrap_or_else(|| panic!("it told nothing: {text}"));
        serde_json::from_str(last).expect("JSON")
    }
}
