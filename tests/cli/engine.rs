//! `ntpscope run`: the engine without a screen, on a server of this test's own.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use ntpscope::net::clock::Clock;

use crate::duel::Folder;
use crate::lab;

fn run(words: &[&str]) -> Command {
    // Signals that the tests themselves were started to ignore, as in the background, would be
    // ignored by the program too.
    let mut command = Command::new("env");
    command.arg("--default-signal=HUP,INT,QUIT").arg(lab::program());
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

/// What a true server of stratum 1 replies to `request`.
pub(crate) fn reply(request: &[u8]) -> Vec<u8> {
    let now = Clock::start().now().clock.bits().to_be_bytes();
    let mut reply = vec![0x24, 1, 6, 0xe9, 0, 0, 0, 0, 0, 0, 0, 1];
    reply.extend(b"TEST");
    reply.extend(now);
    reply.extend(request.get(40..48).unwrap());
    reply.extend(now);
    reply.extend(now);
    reply
}

/// A server that answers as a true one of stratum 1, so often.
fn serve(times: usize) -> (String, std::thread::JoinHandle<()>) {
    let server = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    server.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let address = server.local_addr().unwrap().to_string();
    let serving = std::thread::spawn(move || {
        for _ in 0..times {
            let mut request = [0; 128];
            let (length, from) = server.recv_from(&mut request).unwrap();
            assert_eq!((length, request[0]), (48, 0x23));
            server.send_to(&reply(&request), from).unwrap();
        }
    });
    (address, serving)
}

fn kill(signal: &str, child: &std::process::Child) {
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

#[test]
fn it_asks_its_source_and_ends_in_order_on_any_signal_to_end() {
    for signal in ["-TERM", "-HUP", "-INT", "-QUIT"] {
        let (source, serving) = serve(1);
        let mut child = run(&["-n", "--source", &source]).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let first = lines.next().unwrap();
        assert!(first.ends_with("Z started, steering a virtual clock"), "{first}");
        let answers = lines.find(|line| line.contains("it answers"));
        assert!(answers.is_some_and(|line| line.contains("Z 127.0.0.1: it answers")), "{source}");
        serving.join().unwrap();
        kill(signal, &child);
        assert!(child.wait().unwrap().success(), "{signal}");
        assert!(lines.last().unwrap().ends_with("Z ended"), "{signal}");
    }
}

#[test]
fn it_outlives_its_terminal_where_that_was_asked_for() {
    let (source, serving) = serve(1);
    let program = lab::program();
    let words = ["run", "--source", &source];
    let mut command = Command::new("nohup");
    command.arg(program).args(words).stdin(Stdio::null()).stderr(Stdio::null());
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.next().unwrap().contains("started"));
    kill("-HUP", &child);
    // It asks on, and tells of the answer.
    assert!(lines.any(|line| line.contains("it answers")));
    serving.join().unwrap();
    kill("-TERM", &child);
    assert!(child.wait().unwrap().success());
}

#[test]
fn json_has_what_happens_and_all_that_is_known() {
    let (source, serving) = serve(1);
    let mut child = run(&["--json", "--source", &source]).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut objects = lines.map(|line| serde_json::from_str::<serde_json::Value>(&line).unwrap());
    let first = objects.next().unwrap();
    assert_eq!(first["schema"], "ntpscope/event/1");
    assert_eq!(first["about"], "program");
    assert!(first["time"].as_str().unwrap().ends_with('Z'), "{first}");
    let (mut event, mut state) = (None, None);
    while event.is_none() || state.is_none() {
        let object = objects.next().unwrap();
        match object["schema"].as_str() {
            Some("ntpscope/event/1") if object["event"] == "reachable" => event = Some(object),
            // How far the register has been shifted since is a question of time.
            Some("ntpscope/daemon/1") if object["peers"][0]["reach_bits"].as_u64() > Some(0) => {
                state = Some(object);
            }
            Some("ntpscope/daemon/1" | "ntpscope/event/1") => {}
            other => panic!("{other:?}"),
        }
    }
    serving.join().unwrap();
    let (event, state) = (event.unwrap(), state.unwrap());
    assert_eq!((event["about"].as_str(), event["host"].as_str()), (Some("source"), Some(&*source)));
    assert_eq!(event["association"], state["peers"][0]["association"]);
    assert_eq!(state["loop"]["steers"], "virtual_clock");
    assert_eq!(state["loop"]["algorithm"], "kalman");
    assert!(state["time"].is_string() && state["host"] == "self", "{state}");
    kill("-TERM", &child);
    assert!(child.wait().unwrap().success());
}

#[test]
fn names_are_looked_up_in_the_family_that_is_asked_for() {
    let (source, serving) = serve(1);
    let port = source.rsplit_once(':').unwrap().1;
    let words = ["-4", "--source", &format!("localhost:{port}")];
    let mut child = run(&words).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let answers = lines.find(|line| line.contains("it answers")).unwrap();
    assert!(answers.contains(&format!("localhost:{port} (127.0.0.1): it answers")), "{answers}");
    serving.join().unwrap();
    kill("-TERM", &child);
    assert!(child.wait().unwrap().success());
}
