//! A real ntpd changed from the screens: armed with its key, a change seen, sent, kept or taken back,
//! and nothing of the secret anywhere, nor in what is written down.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use crate::terminal::Terminal;
use crate::{lab, two};

const SECRET: &str = "secretmd5";

const CONFIGURATION: &str = "keys FOLDER/keys\ntrustedkey 1\ncontrolkey 1\n\
                             server 127.127.1.0 minpoll 3 maxpoll 3\n\
                             restrict default kod limited nopeer\n\
                             restrict 127.0.0.0 mask 255.0.0.0\n";

/// A folder with a daemon's keys and configuration.
fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("ntpscope-{name}-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder of our own");
    let here = folder.display().to_string();
    for (name, text) in [("keys", format!("1 MD5 {SECRET}\n")), ("conf", CONFIGURATION.into())] {
        let path = folder.join(name);
        fs::write(&path, text.replace("FOLDER", &here)).expect("a file of our own");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("it is ours");
    }
    folder
}

#[test]
fn a_change_left_behind_is_taken_back_from_the_next_screens() {
    let daemons = match two::daemons() {
        Ok(daemons) => daemons,
        Err(reason) => return lab::skip("peers", &reason),
    };
    let folder = folder("left");
    let here = folder.display().to_string();
    // Two programs, one after the other; the first is killed when that is wanted.
    let script = format!(
        "cd {here}; ip link set lo up; ip addr add 10.9.0.1/24 dev lo
        {bin}/ntpd-classic -n -c conf >log 2>&1 </dev/null &
        export XDG_STATE_HOME={here}/state
        (while [ ! -e kill ]; do sleep 0.1; done; kill -9 $(cat pid)) </dev/null >>log 2>&1 &
        sh -c 'echo $$ >pid; exec {program} -n 127.0.0.1'
        {program} -n 127.0.0.1",
        bin = daemons.display(),
        program = lab::program().display(),
    );
    let words = ["unshare", "-Urnmpf", "--kill-child", "--mount-proc", "sh", "-c", &script];
    let mut terminal = Terminal::start(&words, 24, 80);
    terminal.wait_for("the daemon", |screen| screen.contains("127.127.1.0"));
    terminal.keys("!1\r");
    terminal.wait_for("the question for the secret", |screen| screen.contains("not shown"));
    terminal.keys(&format!("{SECRET}\r"));
    terminal.wait_for("that it is armed", |screen| screen.contains(" ARMED  127.0.0.1"));
    terminal.keys(":set add 10.9.0.9 noselect\r");
    terminal.wait_for("the preview", |screen| screen.contains("y SEND it"));
    terminal.keys("y");
    terminal.wait_for("the question", |screen| screen.contains("y keep it"));
    fs::write(folder.join("kill"), "").expect("a file of our own");

    // What the next one offers first of all.
    terminal.wait_for("the offer", |screen| screen.contains("t take it back"));
    terminal.wait_for("what it is about", |screen| {
        screen.contains("server 10.9.0.9 noselect") && screen.contains("unconfig 10.9.0.9")
    });
    terminal.keys("n");
    terminal.wait_for("what is still there, and the line that says so", |screen| {
        screen.contains(" LEFT BEHIND ") && screen.contains(" 10.9.0.9 ")
    });
    terminal.keys("Lt");
    terminal.wait_for("the question for the key", |screen| screen.contains("key: 1_"));
    terminal.keys("\r");
    terminal.wait_for("the question for the secret", |screen| screen.contains("not shown"));
    terminal.keys(&format!("{SECRET}\r"));
    terminal.wait_for("the preview", |screen| screen.contains("y SEND it: takes it back"));
    terminal.keys("y");
    terminal.wait_for("that it was taken back", |screen| {
        screen.contains("Taken back: reading back shows it")
    });
    terminal.keys("y");
    terminal.wait_for("the peers as before", |screen| {
        screen.contains("127.127.1.0")
            && !screen.contains("10.9.0.9")
            && !screen.contains("LEFT BEHIND")
    });
    assert!(!folder.join("state/ntpscope/pending-1.json").exists());
    terminal.keys("q");
    terminal.end();

    let book = fs::read_to_string(folder.join("state/ntpscope/audit.jsonl"));
    let book = book.expect("what was sent is written down");
    // The first change has no end, for nobody was there to see it.
    let events: Vec<bool> = book.lines().map(|line| line.contains(r#""event":"armed""#)).collect();
    assert_eq!(events, [true, true, false], "{book}");
    let drawn = String::from_utf8_lossy(&terminal.raw).into_owned();
    assert!(!drawn.contains(SECRET) && !book.contains(SECRET));
    drop(fs::remove_dir_all(&folder));
}

#[test]
fn keys_and_options_come_from_the_files_that_the_settings_name() {
    let daemons = match two::daemons() {
        Ok(daemons) => daemons,
        Err(reason) => return lab::skip("peers", &reason),
    };
    let folder = folder("named");
    let here = folder.display().to_string();
    let conf = CONFIGURATION.replace("FOLDER", &here) + "server 10.9.0.7 minpoll 5 noselect\n";
    fs::write(folder.join("conf"), conf).expect("a file of our own");
    let keys = format!("7 SHA1 anotherone\n1 MD5 {SECRET}\n");
    fs::write(folder.join("keys"), keys).expect("a file of our own");
    fs::create_dir_all(folder.join("ntpscope")).expect("a folder of our own");
    let settings = "(hosts: {\"127.0.0.1\": (keys: \"../keys\", key: 1, config_of: \"../conf\")})";
    fs::write(folder.join("ntpscope/config.ron"), settings).expect("a file of our own");
    let script = format!(
        "cd {here}; ip link set lo up; ip addr add 10.9.0.1/24 dev lo
        {bin}/ntpd-classic -n -c conf >log 2>&1 </dev/null &
        export XDG_CONFIG_HOME={here} XDG_STATE_HOME={here}/state
        {program} -n 127.0.0.1
        chmod 644 keys
        {program} -n 127.0.0.1",
        bin = daemons.display(),
        program = lab::program().display(),
    );
    let words = ["unshare", "-Urnmpf", "--kill-child", "--mount-proc", "sh", "-c", &script];
    let mut terminal = Terminal::start(&words, 24, 80);
    terminal.wait_for("the association", |screen| screen.contains(" 10.9.0.7 "));
    terminal.keys("!");
    terminal.wait_for("the keys of the file", |screen| {
        screen.contains(": 7 SHA1, 1 MD5.") && screen.contains("key: 1_")
    });
    terminal.keys("\r");
    terminal.wait_for("that it is armed", |screen| screen.contains(" ARMED  127.0.0.1"));
    // What the daemon does not tell is taken from its configuration, and the way back with it.
    terminal.keys(":set prefer 10.9.0.7\r");
    terminal.wait_for("the preview", |screen| {
        screen.contains("server 10.9.0.7 prefer noselect minpoll 5")
            && screen.contains("server 10.9.0.7 noselect minpoll 5")
            && screen.contains("y SEND it")
    });
    terminal.keys("y");
    terminal.wait_for("the question", |screen| screen.contains("y keep it"));
    terminal.keys("n");
    terminal.wait_for("that it was taken back", |screen| screen.contains("y close"));
    terminal.wait_for("that all is as before", |screen| screen.contains("Taken back: all is as"));
    terminal.keys("yq");

    // The next one may not use them, for others can read them now.
    terminal.wait_for("the screens anew", |screen| {
        screen.contains(" 10.9.0.7 ") && !screen.contains("ARMED")
    });
    terminal.keys("!");
    terminal.wait_for("why there are no keys", |screen| {
        screen.contains("others than its owner can read")
    });
    terminal.keys("\u{1b}");
    terminal.wait_for("the screens", |screen| screen.contains(" 10.9.0.7 "));
    terminal.keys("q");
    terminal.end();
    let drawn = String::from_utf8_lossy(&terminal.raw).into_owned();
    assert!(!drawn.contains(SECRET) && !drawn.contains("anotherone"));
    drop(fs::remove_dir_all(&folder));
}

#[test]
fn a_daemon_is_changed_from_its_screens() {
    let daemons = match two::daemons() {
        Ok(daemons) => daemons,
        Err(reason) => return lab::skip("peers", &reason),
    };
    let folder = folder("screens");
    let here = folder.display().to_string();
    let script = format!(
        "cd {here}; ip link set lo up; ip addr add 10.9.0.1/24 dev lo
        {bin}/ntpd-classic -n -c conf >log 2>&1 </dev/null &
        XDG_STATE_HOME={here}/state {program} -n 127.0.0.1",
        bin = daemons.display(),
        program = lab::program().display(),
    );
    let words = ["unshare", "-Urnmpf", "--kill-child", "--mount-proc", "sh", "-c", &script];
    let mut terminal = Terminal::start(&words, 24, 80);
    terminal.wait_for("the daemon", |screen| screen.contains("127.127.1.0"));
    terminal.keys("!1\r");
    terminal.wait_for("the question for the secret", |screen| screen.contains("not shown"));
    terminal.keys(&format!("{SECRET}\r"));
    terminal.wait_for("that it is armed", |screen| screen.contains(" ARMED  127.0.0.1"));

    terminal.keys(":set add 10.9.0.9 noselect\r");
    terminal.wait_for("the preview", |screen| {
        screen.contains("server 10.9.0.9 noselect") && screen.contains("unconfig 10.9.0.9")
    });
    terminal.keys("y");
    terminal.wait_for("what reading back shows", |screen| {
        screen.contains("association 10.9.0.9 is there") && screen.contains("y keep it")
    });
    // It is there, and counted down on every screen.
    terminal.keys("q");
    terminal.wait_for("the new association", |screen| screen.contains(" 10.9.0.9 "));
    terminal.keys("c");
    terminal.wait_for("the countdown", |screen| screen.contains("taken back in "));
    assert!(fs::read_to_string(folder.join("state/ntpscope/pending-1.json")).is_ok());
    terminal.keys("!n");
    terminal.wait_for("that it was taken back", |screen| screen.contains("Taken back: all is as"));
    terminal.keys("yp");
    terminal.wait_for("the peers as before", |screen| {
        screen.contains("127.127.1.0") && !screen.contains("10.9.0.9")
    });

    terminal.keys(":set add 10.9.0.8 noselect\r");
    terminal.wait_for("the preview", |screen| screen.contains("y SEND it"));
    terminal.keys("y");
    terminal.wait_for("the question", |screen| screen.contains("y keep it"));
    terminal.keys("y");
    terminal.wait_for("that it is kept", |screen| screen.contains("y close"));
    terminal.keys("y!");
    terminal.wait_for("that it is disarmed", |screen| !screen.contains(" ARMED "));
    terminal.wait_for("what was kept", |screen| screen.contains(" 10.9.0.8 "));
    terminal.keys("q");
    terminal.end();

    let book = fs::read_to_string(folder.join("state/ntpscope/audit.jsonl"));
    let book = book.expect("what was sent is written down");
    assert_eq!(book.lines().count(), 4, "{book}");
    assert!(book.contains("unconfig 10.9.0.9") && !book.contains(SECRET), "{book}");
    assert!(!folder.join("state/ntpscope/pending-1.json").exists());
    let drawn = String::from_utf8_lossy(&terminal.raw).into_owned();
    assert!(!drawn.contains(SECRET));
    drop(fs::remove_dir_all(&folder));
}
