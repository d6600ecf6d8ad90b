//! Changes of real daemons, of both families: each verb and each kind of key applied, seen, taken
//! back and seen again; refusals, lost answers and a daemon that dies told for what they are.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use serde_json::Value as Json;

use crate::{lab, two};

/// A family, and what is peculiar to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Classic,
    Ntpsec,
}

impl Family {
    const fn daemon(self) -> &'static str {
        match self {
            Self::Classic => "ntpd-classic",
            Self::Ntpsec => "ntpd-ntpsec",
        }
    }
}

/// What one command came to.
#[derive(Debug)]
struct Step {
    exit: i32,
    text: String,
}

impl Step {
    fn json(&self) -> Json {
        let line = self.text.lines().find(|line| line.starts_with('{'));
        serde_json::from_str(line.unwrap_or("null")).expect("what begins with a brace is JSON")
    }

    fn verdict(&self) -> String {
        self.json()["outcome"]["verdict"].as_str().unwrap_or("none").to_owned()
    }

    fn verdict_back(&self) -> String {
        let json = self.json();
        json["taken_back"]["outcome"]["verdict"].as_str().unwrap_or("none").to_owned()
    }
}

/// What all commands of a script came to, by their names; `None` where the daemons cannot be had.
///
/// In the script `step NAME ARGUMENT…` runs `set --json` with those arguments, `W` are the options
/// of who may write, `$N` is the daemon's process; `answers` waits until that answers.
fn run(name: &str, family: Family, script: &str) -> Option<BTreeMap<String, Step>> {
    let daemons = match two::daemons() {
        Ok(daemons) => daemons,
        Err(reason) => {
            lab::skip("peers", &reason);
            return None;
        }
    };
    let folder =
        std::env::temp_dir().join(format!("ntpscope-{name}-{family:?}-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder of our own");
    for (file, text) in [("keys", KEYS), ("wrong", WRONG), ("ntp.conf", CONFIGURATION)] {
        let text = text.replace("FOLDER", &folder.display().to_string());
        let path = folder.join(file);
        fs::write(&path, text).expect("a file of our own");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("it is ours");
    }
    let script = format!(
        r#"cd {folder}
        ip link set lo up
        ip addr add 10.9.0.1/24 dev lo
        {bin}/{daemon} -n -c ntp.conf >log 2>&1 &
        N=$!
        export XDG_STATE_HOME={folder}/state
        O="{program} set"
        W="--write --keys keys --key 1"
        C="--commit-confirm 100ms"
        step() {{ name=$1; shift; $O --json --timeout ${{T:-10s}} "$@" >out 2>&1 </dev/null
            status=$?; echo "=== $name $status"; cat out; }}
        answers() {{ n=0
            until {bin}/ntpq-classic -nc 'timeout 500' -c 'rv 0 stratum' 127.0.0.1 | grep -q stratum
            do n=$((n + 1)); [ $n -lt 100 ] || exit 1; sleep 0.1; done; }}
        answers
        {script}
        kill $N 2>/dev/null
        true
        "#,
        folder = folder.display(),
        bin = daemons.display(),
        daemon = family.daemon(),
        program = lab::program().display(),
    );
    let output = Command::new("timeout")
        .args(["400", "unshare", "-Urnmpf", "--kill-child", "--mount-proc", "sh", "-c", &script])
        .env("SITE", lab::root().join("tests/site"))
        .stdin(Stdio::null())
        .output()
        .expect("a shell can be started");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    drop(fs::remove_dir_all(&folder));
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    let mut steps = BTreeMap::new();
    for part in said.split("=== ").skip(1) {
        let (head, text) = part.split_once('\n').unwrap_or((part, ""));
        let (name, exit) = head.split_once(' ').unwrap_or((head, "0"));
        let exit = exit.trim().parse().expect("an exit status");
        steps.insert(name.to_owned(), Step { exit, text: text.to_owned() });
    }
    Some(steps)
}

const KEYS: &str = "1 MD5 secretmd5\n2 SHA1 SecretSha1\n\
                    3 SHA1 0123456789abcdef0123456789abcdef01234567\n\
                    4 AES128CMAC 000102030405060708090a0b0c0d0e0f\n5 MD5 untrusted\n\
                    6 SHA256 SecretSha256\n7 SHA512 SecretSha512\n";

const WRONG: &str = "1 MD5 notthesecret\n2 SHA1 SecretSha1\n9 MD5 secretmd5\n";

const CONFIGURATION: &str = "keys FOLDER/keys\ntrustedkey 1 2 3 4 6 7\ncontrolkey 1\n\
                             server 127.127.1.0 minpoll 3 maxpoll 3\n\
                             server 10.9.0.9 iburst minpoll 4\n\
                             tos minsane 1\ntinker step 0.2\n\
                             restrict default\nrestrict 127.0.0.1\n";

/// Verbs whose changes are seen, taken back, and seen to be gone.
const THERE_AND_BACK: &str = r"
    step add $W $C 127.0.0.1 add 10.9.0.2 iburst
    step add-key $W $C 127.0.0.1 add 10.9.0.2 key 2 minpoll 5
    step add-peer $W $C 127.0.0.1 add peer 10.9.0.3 key 4
    step again $W $C --config-of ntp.conf 127.0.0.1 add 10.9.0.9 key 2
    step remove $W $C --has 'iburst minpoll 4' 127.0.0.1 remove 10.9.0.9
    step remove-by-file $W $C --config-of ntp.conf 127.0.0.1 remove 10.9.0.9
    step prefer $W $C --config-of ntp.conf 127.0.0.1 prefer 10.9.0.9
    step noselect $W $C --has 'iburst minpoll 4' 127.0.0.1 noselect 10.9.0.9
    step fudge $W $C 127.0.0.1 fudge 127.127.1.0 stratum 7 refid ABC time1 0.25 flag2 1
    step disable $W $C 127.0.0.1 disable monitor
    step tos $W $C --config-of ntp.conf 127.0.0.1 tos minsane 2
    step tinker $W $C --config-of ntp.conf 127.0.0.1 tinker step 0.3
";

/// Verbs whose changes have no way back.
const THERE: &str = r#"
    step shown 127.0.0.1 add 10.9.0.5
    step enable $W 127.0.0.1 enable monitor
    step reset $W 127.0.0.1 reset sys io timer
    step leapfile $W 127.0.0.1 leapfile /nowhere
    step variable $W 127.0.0.1 config 'setvar site = "second floor" default'
    step options $W 127.0.0.1 prefer 10.9.0.9
    step name $W 127.0.0.1 add no.such.name.invalid
    step key-2 $W 127.0.0.1 config 'controlkey 2'
    step key-3 --write --keys keys --key 2 127.0.0.1 config 'controlkey 3'
    step key-4 --write --keys keys --key 3 127.0.0.1 config 'controlkey 4'
    step by-cmac --write --keys /dev/fd/3 --key 4 127.0.0.1 add 10.9.0.6 3<keys
    step key-6 --write --keys keys --key 4 127.0.0.1 config 'controlkey 6'
    step key-7 --write --keys keys --key 6 127.0.0.1 config 'controlkey 7'
    step by-sha512 --write --keys keys --key 7 127.0.0.1 add 10.9.0.7
"#;

fn walk(family: Family) -> Option<BTreeMap<String, Step>> {
    let restrict = "
        step restrict $W $C 127.0.0.1 restrict 192.0.2.0 mask 255.255.255.0 noquery limited
        step restrict-again $W 127.0.0.1 restrict 192.0.2.0 mask 255.255.255.0 noquery limited
        step unrestrict $W $C 127.0.0.1 unrestrict 192.0.2.0 mask 255.255.255.0 noquery
        step unrestrict-all $W $C 127.0.0.1 unrestrict 192.0.2.0 mask 255.255.255.0";
    let steps = run("verbs", family, &format!("{THERE_AND_BACK}{restrict}{THERE}"))?;
    for name in [
        "add",
        "add-key",
        "add-peer",
        "again",
        "remove",
        "remove-by-file",
        "prefer",
        "noselect",
        "fudge",
        "disable",
    ] {
        let step = &steps[name];
        assert_eq!((step.exit, step.verdict().as_str()), (10, "applied"), "{name}: {step:?}");
        assert_eq!(step.verdict_back(), "applied", "{name}: {step:?}");
    }
    // What the daemon tells nothing of is not said to be done.
    for name in ["tos", "tinker"] {
        let step = &steps[name];
        assert_eq!((step.exit, step.verdict().as_str()), (10, "untold"), "{name}: {step:?}");
    }
    assert_eq!(
        (steps["shown"].exit, steps["shown"].json()["phase"].as_str()),
        (0, Some("preview"))
    );
    for (name, exit, verdict) in [
        ("enable", 0, "applied"),
        ("reset", 0, "applied"),
        ("leapfile", 9, "untold"),
        ("variable", 0, "applied"),
        // Whoever signs with the next key is believed, which proves the one before.
        ("key-2", 9, "untold"),
        ("key-3", 9, "untold"),
        ("key-4", 9, "untold"),
        ("by-cmac", 0, "applied"),
        ("key-6", 9, "untold"),
        ("key-7", 9, "untold"),
        ("by-sha512", 0, "applied"),
    ] {
        let step = &steps[name];
        assert_eq!((step.exit, step.verdict().as_str()), (exit, verdict), "{name}: {step:?}");
    }
    // A name that is never found: one makes an association of it, the other says so and does not.
    let name = match family {
        Family::Classic => (8, "not_applied"),
        Family::Ntpsec => (0, "applied"),
    };
    assert_eq!((steps["name"].exit, steps["name"].verdict().as_str()), name);
    assert_eq!(steps["options"].json()["trouble"]["kind"], "options_not_told");
    Some(steps)
}

#[test]
fn every_verb_and_key_does_on_a_classic_daemon_what_is_said() {
    let Some(steps) = walk(Family::Classic) else { return };
    // It has no word to lift a restriction with, so none is made that is to be taken back.
    assert_eq!(steps["restrict"].json()["trouble"]["kind"], "no_way_back");
    assert_eq!(steps["restrict-again"].verdict(), "applied");
    assert_eq!(steps["unrestrict"].json()["trouble"]["kind"], "wish");
}

#[test]
fn every_verb_and_key_does_on_an_ntpsec_daemon_what_is_said() {
    let Some(steps) = walk(Family::Ntpsec) else { return };
    for name in ["restrict", "unrestrict", "unrestrict-all"] {
        let step = &steps[name];
        assert_eq!((step.exit, step.verdict().as_str()), (10, "applied"), "{name}: {step:?}");
        assert_eq!(step.verdict_back(), "applied", "{name}: {step:?}");
    }
}

/// Refusals of each kind, lost answers, and a daemon that dies.
const TROUBLE: &str = r#"
    step no-key --write 127.0.0.1 add 10.9.0.2
    step wrong --write --keys wrong --key 1 127.0.0.1 add 10.9.0.2
    step unknown --write --keys wrong --key 9 127.0.0.1 add 10.9.0.2
    step other --write --keys wrong --key 2 127.0.0.1 add 10.9.0.2
    step nts $W 127.0.0.1 config 'server 10.9.0.3 nts'
    step nonce $W 127.0.0.1 config 'server 10.9.0.3 xmtnonce'
    chmod 644 wrong; step exposed --write --keys wrong --key 1 127.0.0.1 add 10.9.0.2
    step remade $W --has '' 127.0.0.1 add 10.9.0.4
    python3 $SITE/deaf.py 1123 --lose 1,2 >deaf & D=$!
    until grep -q listens deaf; do sleep 0.05; done
    T=2s; step lost $W --has '' 127.0.0.1:1123 prefer 10.9.0.4; T=10s
    kill $D
    $O $W --commit-confirm 60s 127.0.0.1 add 10.9.0.8 </dev/null >waiting 2>&1 & S=$!
    until grep -q 'type yes' waiting; do sleep 0.05; done
    step awaited --take-back 1 --keys keys
    kill -9 $S; wait $S
    echo "=== listed 0"; $O --pending
    step warned 127.0.0.1 add 10.9.0.5
    step back --take-back 1 --keys keys
    echo "=== after 0"; $O --pending
    echo "=== log 0"; stat -c %a state/ntpscope/audit.jsonl; cat state/ntpscope/audit.jsonl
    step nomodify-set $W 127.0.0.1 config 'restrict 127.0.0.1 nomodify'
    step nomodify $W 127.0.0.1 add 10.9.0.7
    python3 $SITE/deaf.py 1124 --end 2 $N >deaf2 & D=$!
    until grep -q listens deaf2; do sleep 0.05; done
    kill $N; wait $N
    BIN/DAEMON -n -c ntp.conf >log2 2>&1 & N=$!
    kill $D; python3 $SITE/deaf.py 1125 --end 2 $N >deaf3 & D=$!
    until grep -q listens deaf3; do sleep 0.05; done
    answers
    step noquery-set $W 127.0.0.1 config 'restrict 10.9.0.1 noquery'
    T=2s; step noquery $W 10.9.0.1 add 10.9.0.7
    step dies $W --config-of ntp.conf 127.0.0.1:1125 prefer 10.9.0.9
    kill $D
"#;

fn stumble(family: Family) -> Option<BTreeMap<String, Step>> {
    let bin = two::daemons().map(|bin| bin.display().to_string()).unwrap_or_default();
    let script = TROUBLE.replace("BIN/DAEMON", &format!("{bin}/{}", family.daemon()));
    let steps = run("trouble", family, &script)?;
    let trouble = |name: &str| steps[name].json()["trouble"].clone();
    let kind = |name: &str| trouble(name)["kind"].as_str().unwrap_or_default().to_owned();
    assert_eq!((kind("no-key").as_str(), steps["no-key"].exit), ("no_key", 2));
    for (name, said) in [
        ("wrong", "wrong key"),
        ("unknown", "no key of this number"),
        ("other", "not the one for changes"),
    ] {
        let text = trouble(name)["text"].as_str().unwrap_or_default().to_owned();
        assert_eq!((kind(name).as_str(), steps[name].exit), ("key_refused", 4), "{name}");
        assert!(text.contains(said), "{name}: {text}");
        assert_eq!(steps[name].json()["sent"], serde_json::json!([]), "{name}");
    }
    let exposed = &steps["exposed"];
    assert!(exposed.exit == 2 && exposed.text.contains("hint: chmod 600"), "{exposed:?}");
    assert_eq!(steps["remade"].verdict(), "applied");
    // Both answers were lost, and each line was sent once.
    let lost = steps["lost"].json();
    assert_eq!((steps["lost"].exit, steps["lost"].verdict().as_str()), (0, "applied"), "{lost}");
    let answers: Vec<_> = lost["sent"].as_array().into_iter().flatten().collect();
    assert_eq!(answers.len(), 2, "{lost}");
    assert!(answers.iter().all(|sent| sent["answer"] == "lost"), "{lost}");
    pending(&steps);
    assert_eq!(steps["nomodify-set"].verdict(), "applied");
    let refused = steps["nomodify"].json();
    assert_eq!(
        (refused["sent"][0]["answer"].as_str(), steps["nomodify"].exit),
        (Some("nomodify"), 4)
    );
    assert_eq!(steps["nomodify"].verdict(), "not_applied");
    assert_eq!(steps["noquery-set"].verdict(), "applied", "{:?}", steps["noquery-set"]);
    assert_eq!((kind("noquery").as_str(), steps["noquery"].exit), ("unread", 3));
    // It died of the second line, of which nobody can tell; the first was followed.
    let dies = steps["dies"].json();
    assert_eq!((steps["dies"].exit, steps["dies"].verdict().as_str()), (9, "unknown"), "{dies}");
    assert_eq!(dies["sent"][0]["answer"], "accepted", "{dies}");
    assert_eq!(dies["sent"][1]["answer"], "lost", "{dies}");
    Some(steps)
}

/// A program that was killed while it waited for a confirmation leaves behind how it is taken back.
fn pending(steps: &BTreeMap<String, Step>) {
    let awaited = &steps["awaited"];
    assert!(awaited.exit == 2 && awaited.text.contains("somebody waits"), "{awaited:?}");
    let listed = &steps["listed"].text;
    assert!(listed.contains("back  unconfig 10.9.0.8"), "{listed}");
    assert!(steps["warned"].text.contains("--take-back 1"), "{:?}", steps["warned"]);
    let back = &steps["back"];
    assert_eq!((back.exit, back.verdict().as_str()), (0, "applied"), "{back:?}");
    assert!(!steps["after"].text.contains("10.9.0.8"), "{:?}", steps["after"]);
    let log = &steps["log"].text;
    assert!(log.starts_with("600\n"), "{log}");
    assert!(!log.contains("secretmd5") && !log.contains("notthesecret"), "no secret is in {log}");
    let entries: Vec<Json> =
        log.lines().skip(1).map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let refused = entries.iter().any(|entry| entry["trouble"]["kind"] == "key_refused");
    assert!(refused, "what was refused is in it: {log}");
    let done = entries.iter().any(|entry| {
        entry["event"] == "outcome"
            && entry["outcome"]["verdict"] == "applied"
            && entry["key"] == 1
            && entry["preview"]["inverse"][0] == "unconfig 10.9.0.4"
    });
    assert!(done, "{log}");
}

/// The option of the other family is not understood, and the answer says where.
fn misunderstood(step: &Step) {
    let json = step.json();
    assert_eq!(json["sent"][0]["answer"], "syntax", "{json}");
    assert_eq!(json["sent"][0]["column"], 17, "{json}");
    let came =
        json["outcome"]["difference"]["came"].as_array().is_some_and(|came| !came.is_empty());
    // The association is made without it, or not at all; either is told.
    assert_eq!(step.verdict(), if came { "partly" } else { "not_applied" }, "{json}");
}

#[test]
fn what_goes_wrong_with_a_classic_daemon_is_told_for_what_it_is() {
    let Some(steps) = stumble(Family::Classic) else { return };
    misunderstood(&steps["nts"]);
}

#[test]
fn what_goes_wrong_with_an_ntpsec_daemon_is_told_for_what_it_is() {
    let Some(steps) = stumble(Family::Ntpsec) else { return };
    misunderstood(&steps["nonce"]);
}

/// A blank line before the answer; a state folder on a disk that is full before anything is sent, one
/// that has no room for what takes it back, and one that is full only afterwards.
const CARE: &str = r#"
    mkfifo said
    $O $W --commit-confirm 60s 127.0.0.1 add 10.9.0.11 <said >kept 2>&1 & S=$!
    exec 3>said
    until grep -q 'type yes' kept; do sleep 0.05; done
    step beside 127.0.0.1 add 10.9.0.15
    echo >&3; echo yes >&3
    wait $S; echo "=== kept $?"; cat kept; exec 3>&-
    A=$(head -1 state/ntpscope/audit.jsonl | wc -c)
    mkdir full; mount -t tmpfs -o size=8k none full; mkdir full/ntpscope
    export XDG_STATE_HOME=$PWD/full
    blank() { head -c $1 /dev/zero | tr '\000' '\n' >full/ntpscope/audit.jsonl; }
    blank 8100
    step full $W 127.0.0.1 add 10.9.0.12
    blank 0; echo x >full/ntpscope/other
    step unkept $W $C 127.0.0.1 add 10.9.0.13
    echo "=== left 0"; ls full/ntpscope
    rm full/ntpscope/other; blank $((8192 - A - 200))
    step unwritten $W 127.0.0.1 add 10.9.0.14
"#;

#[test]
fn what_cannot_be_written_down_is_told_and_a_blank_line_is_no_answer() {
    let Some(steps) = run("care", Family::Classic, CARE) else { return };
    let kept = &steps["kept"];
    assert!(kept.exit == 0 && kept.text.contains("confirmed: it stays"), "{kept:?}");
    let beside = &steps["beside"];
    assert!(beside.text.contains("will be sent: unconfig 10.9.0.11"), "{beside:?}");
    for name in ["full", "unkept"] {
        let step = &steps[name];
        assert_eq!(step.exit, 1, "{step:?}");
        assert!(step.text.contains("nothing was sent: what is about to be sent"), "{step:?}");
    }
    // What was written by half is not left to keep a number.
    assert_eq!(steps["left"].text, "audit.jsonl\nother\n");
    let unwritten = &steps["unwritten"];
    assert_eq!((unwritten.exit, unwritten.verdict().as_str()), (1, "applied"), "{unwritten:?}");
    assert!(unwritten.text.contains("cannot be written down"), "{unwritten:?}");
}
