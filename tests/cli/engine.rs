//! `ntpscope run`: the engine without a screen, on a server of this test's own.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use crate::duel::Folder;
use crate::lab;

fn run(words: &[&str]) -> Command {
    let mut command = Command::new(lab::program());
    command.arg("run").args(words).stdin(Stdio::null());
    command
}

#[test]
fn what_cannot_be_run_is_told_with_its_place() {
    let folder = Folder::new();
    let file = |name: &str, text: &str| {
        let path = folder.0.join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let keys = file("keys", "1 MD5 secret\n2 SHA9 other\n");
    let drift = file("drift", "fast\n");
    for (text, place) in [
        ("server 127.0.0.1\nsevrer b\n".to_owned(), "ntp.conf, line 2, column 1: `sevrer` is no"),
        (format!("server 127.0.0.1\nkeys {keys}\n"), "keys, line 2, column 3: key type \"SHA9\""),
        (
            format!("server 127.0.0.1\ndriftfile {drift}\n"),
            "drift, line 1, column 1: the frequency",
        ),
        ("restrict default\n".to_owned(), "ntp.conf: it names no source to measure"),
    ] {
        let conf = file("ntp.conf", &text);
        let output = run(&["-c", &conf]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(place), "{said}");
        assert!(!said.contains("secret") && !said.contains("other"), "{said}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn it_asks_its_source_and_ends_when_told() {
    let server = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    server.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
    let source = server.local_addr().unwrap().to_string();
    let mut child = run(&["--source", &source]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    let mut request = [0; 128];
    let (length, _) = server.recv_from(&mut request).unwrap();
    let ended = Command::new("kill").arg("-TERM").arg(child.id().to_string()).status().unwrap();
    let status = child.wait().unwrap();
    assert!(ended.success() && status.success(), "{status}");
    assert!(first.ends_with("Z started"), "{first}");
    assert_eq!(length, 48);
    assert_eq!(request.first().copied(), Some(0x23));
    assert!(lines.map(Result::unwrap).last().unwrap().ends_with("Z ended"));
}
