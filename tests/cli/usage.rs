//! What `ntpscope` itself says, where, and how it ends: what is wrong is one clear sentence on
//! stderr, nothing is on stdout, and nothing was asked of anybody.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::duel::{self, Folder};
use crate::lab;

/// Runs our program with a configuration folder of its own.
fn ours(folder: &Folder, words: &[&str]) -> Output {
    let mut command = Command::new(lab::program());
    command.args(words).env("XDG_CONFIG_HOME", &folder.0).stdin(Stdio::null());
    command.output().unwrap()
}

/// Fails unless the program complained in one sentence that begins so.
fn assert_complains(output: &Output, begins: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(output.stdout.is_empty(), "on stdout: {output:?}");
    let mut lines = said.lines();
    let sentence = lines.next().unwrap_or_default();
    assert!(sentence.starts_with(begins), "{said}");
    assert!(!sentence.ends_with('.'), "{said}");
    assert!(lines.all(|line| line.starts_with("hint: ")), "{said}");
}

#[test]
fn options_that_are_wrong_are_told_in_a_sentence() {
    let folder = Folder::new();
    for (words, begins) in [
        (&["--nonsense"][..], "ntpscope: unexpected argument '--nonsense' found"),
        (&["--timeout", "0s"], "ntpscope: invalid value '0s' for '--timeout <SPAN>': a timeout is"),
        (&["--timeout", "soon"], "ntpscope: invalid value 'soon' for '--timeout <SPAN>': "),
        (&["--color", "blue"], "ntpscope: invalid value 'blue' for '--color <WHEN>': it is auto"),
        (
            &["host:99999"],
            "ntpscope: invalid value 'host:99999' for '[HOST]...': host `host:99999`",
        ),
        (&[""], "ntpscope: invalid value '' for '[HOST]...': host ``: the name is empty"),
        (
            &["http://a"],
            "ntpscope: invalid value 'http://a' for '[HOST]...': host `http://a`: `http://`",
        ),
        (
            &["chrony://a/"],
            "ntpscope: invalid value 'chrony://a/' for '[HOST]...': host `chrony://a/`: ",
        ),
        (
            &["unix://run/x"],
            "ntpscope: invalid value 'unix://run/x' for '[HOST]...': host `unix://run/x`",
        ),
        (&["-4", "-6", "host"], "ntpscope: the argument '-4' cannot be used with '-6'"),
        (&["--config"], "ntpscope: a value is required for '--config <FILE>'"),
        (&["--theme", "nosuch"], "ntpscope: theme `nosuch`: it is none of auto, dark, light, mono"),
        (&["--theme", "../secret"], "ntpscope: theme `../secret`: a theme's name is a file's name"),
    ] {
        assert_complains(&ours(&folder, words), begins);
    }
}

#[test]
fn keys_that_the_settings_name_are_used_and_are_no_secret_to_nobody() {
    let folder = Folder::new();
    let own = folder.0.join("ntpscope");
    fs::create_dir_all(&own).unwrap();
    let settings = "(keys: \"keys\", hosts: {\"time1.invalid\": (keys: \"none\")})";
    fs::write(own.join("config.ron"), settings).unwrap();
    let keys = own.join("keys");
    fs::write(&keys, "1 MD5 xyzzy-plugh\n2 MD5 other\n").unwrap();
    let set = |words: &[&str]| {
        let all: Vec<&str> = std::iter::once("set").chain(words.iter().copied()).collect();
        let output = ours(&folder, &all);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.stdout.is_empty() && !said.contains("xyzzy"), "{said}");
        said
    };
    fs::set_permissions(&keys, fs::Permissions::from_mode(0o644)).unwrap();
    let named = keys.display().to_string();
    for words in [&["127.0.0.1:9", "add", "192.0.2.7"][..], &["--keys", &named, "a", "add", "b"]] {
        let said = set(words);
        assert!(said.contains(&format!("{named}: others than its owner can read")), "{said}");
    }
    fs::set_permissions(&keys, fs::Permissions::from_mode(0o600)).unwrap();
    // Which of them is not said, and it is not guessed.
    let said = set(&["127.0.0.1:9", "add", "192.0.2.7"]);
    assert!(said.contains("which key is to sign? it has 1, 2"), "{said}");
    let said = set(&["--key", "3", "127.0.0.1:9", "add", "192.0.2.7"]);
    assert!(said.contains("there is no key 3 in it"), "{said}");
    // A daemon of which something else is said.
    let said = set(&["time1.invalid", "add", "192.0.2.7"]);
    assert!(said.contains("none: cannot be read"), "{said}");
    let printed =
        String::from_utf8(ours(&folder, &["--print-config", "--key", "2"]).stdout).unwrap();
    assert!(
        printed.contains(&format!("keys: {named:?},")) && printed.contains("key: 2,"),
        "{printed}"
    );
}

#[test]
fn settings_that_are_wrong_are_told_with_line_and_column() {
    let folder = Folder::new();
    let own = folder.0.join("ntpscope");
    fs::create_dir_all(own.join("themes")).unwrap();
    let file = own.join("config.ron");
    for (text, place, what) in [
        ("(\n    theme: \"dark\",\n    colour: never,\n)\n", "line 3, column 5", "`colour`"),
        ("(\n    theme: \"dark\"\n    ascii: true,\n)\n", "line 3, column 5", "comma"),
        ("(\n  color: \"blue\")", "line 2, column 10", ""),
        ("(color: blue)", "line 1, column 9", "`blue`"),
        ("(timeout: \"soon\")", "line 1, column 12", ""),
        ("(timeout: \"0s\")", "line 1, column 12", "longer than nothing"),
        ("(\n ascii: 1)", "line 2, column 8", "`ascii`: Expected boolean"),
        ("(\n keys: 5,\n)", "line 2, column 7", "`keys`: Expected string"),
    ] {
        fs::write(&file, text).unwrap();
        let output = ours(&folder, &["127.0.0.1:9"]);
        assert_complains(&output, &format!("ntpscope: {}, {place}: ", file.display()));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(what), "{text}\n{said}");
    }
    fs::write(&file, "(theme: \"mine\")").unwrap();
    let theme = own.join("themes/mine.ron");
    fs::write(&theme, "(\n    rolls: (),\n)\n").unwrap();
    let output = ours(&folder, &["127.0.0.1:9"]);
    assert_complains(&output, &format!("ntpscope: {}, line 2, column 5: ", theme.display()));

    fs::write(&file, b"\xff\xfe").unwrap();
    let output = ours(&folder, &["127.0.0.1:9"]);
    assert_complains(&output, &format!("ntpscope: {}: cannot be read: ", file.display()));
    let missing = folder.0.join("nowhere.ron");
    let output = ours(&folder, &["--config", missing.to_str().unwrap()]);
    assert_complains(&output, &format!("ntpscope: {}: cannot be read: ", missing.display()));
}

#[test]
fn help_and_settings_go_to_stdout() {
    let folder = Folder::new();
    for (words, contains) in [
        (&["--help"][..], "Exit codes:"),
        (&["--version"], env!("CARGO_PKG_VERSION")),
        (&["--print-config", "--timeout", "2s"], "timeout: \"2s\","),
    ] {
        let output = ours(&folder, words);
        assert_eq!(output.status.code(), Some(0));
        assert!(String::from_utf8_lossy(&output.stdout).contains(contains), "{output:?}");
        assert!(output.stderr.is_empty(), "{output:?}");
    }
}

#[test]
fn the_printed_settings_are_a_settings_file() {
    let folder = Folder::new();
    let printed = ours(&folder, &["--print-config", "--timeout", "2s", "-n", "--ascii"]).stdout;
    fs::create_dir(folder.0.join("ntpscope")).unwrap();
    fs::write(folder.0.join("ntpscope/config.ron"), &printed).unwrap();
    let again = ours(&folder, &["--print-config"]);
    assert_eq!(again.status.code(), Some(0), "{again:?}");
    let values = |text: &[u8]| -> Vec<String> {
        let text = String::from_utf8_lossy(text).into_owned();
        text.lines().map(|line| line.split("//").next().unwrap().trim().to_owned()).collect()
    };
    assert_eq!(values(&again.stdout), values(&printed));
}

#[test]
fn output_that_cannot_be_written_is_told_and_a_closed_pipe_is_not() {
    for words in ["--help", "--print-config"] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let full = Command::new(lab::program()).arg(words).stdout(full).output().unwrap();
        assert_eq!(full.status.code(), Some(1), "{full:?}");
        let said = String::from_utf8_lossy(&full.stderr);
        assert!(said.starts_with("ntpscope: cannot write to stdout: No space left"), "{said}");

        // The pipe is closed before anything is written: the reader waits for nothing.
        let gone = Command::new("sh")
            .args(["-c", &format!("{{ sleep 0.2; \"$0\" {words}; echo $? >&2; }} | true")])
            .arg(lab::program())
            .output();
        assert_eq!(String::from_utf8_lossy(&gone.unwrap().stderr), "0\n");
    }
}

/// Runs our program in a network of its own, without daemons; `None` where there are none.
fn alone(words: &[&str]) -> Option<Output> {
    let folder = Folder::new();
    fs::write(folder.0.join("hosts"), "127.0.0.1 localhost\n::1 localhost\n").unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(root.join("tests/site/netbox"))
        .arg("--hosts")
        .arg(folder.0.join("hosts"))
        .arg(lab::program())
        .args(words)
        .env("XDG_CONFIG_HOME", &folder.0)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    if output.status.code() == Some(duel::SKIPPED) {
        lab::skip("lab", &String::from_utf8_lossy(&output.stderr));
        return None;
    }
    Some(output)
}

#[test]
fn without_a_daemon_it_says_what_is_wrong_and_ends_as_such() {
    for (words, says) in [
        (&[][..], "nothing listens on that port"),
        (&["127.0.0.1:9"], "nothing listens on that port"),
        (&["nosuch.example"], "its name has no address"),
        (&["-6", "192.0.2.1"], "Address family for hostname not supported"),
        (&["192.0.2.1"], "network is unreachable"),
    ] {
        let Some(output) = alone(words) else { return };
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{words:?}: {output:?}");
        assert!(text.contains(says), "{words:?}: {text}");
        assert!(output.stdout.is_empty(), "{words:?}: {output:?}");

        let mut words = words.to_vec();
        words.push("--json");
        let Some(output) = alone(&words) else { return };
        assert_eq!(output.status.code(), Some(3), "{words:?}: {output:?}");
        let daemon: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(daemon["schema"], "ntpscope/daemon/1");
        assert!(daemon["contact"]["text"].is_string(), "{daemon}");
        assert_eq!(daemon["peers"], serde_json::json!([]));
    }
}
