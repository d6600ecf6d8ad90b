//! `ntpscope probe` against servers of this test's own: what it prints and how it ends.

use std::net::UdpSocket;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use ntpscope::net::clock::Clock;
use ntpscope::net::stamp;
use ntpscope::units::NtpDuration;

use crate::lab;
use crate::port::Kept;

fn probe(words: &[&str]) -> Output {
    let mut command = Command::new(lab::program());
    command.arg("probe").args(words).stdin(Stdio::null());
    command.output().unwrap()
}

/// A server that answers `requests` times, `ahead_s` ahead, with this first octet, stratum and
/// reference ID; its address.
fn serve(first: u8, stratum: u8, reference_id: [u8; 4], ahead_s: f64, requests: usize) -> String {
    serve_vaguely(first, stratum, reference_id, ahead_s, 0, requests)
}

/// The same with so many seconds of root dispersion, in units of 2⁻¹⁶ s.
fn serve_vaguely(
    first: u8,
    stratum: u8,
    reference_id: [u8; 4],
    ahead_s: f64,
    root_dispersion: u32,
    requests: usize,
) -> String {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap().to_string();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    thread::spawn(move || {
        for _ in 0..requests {
            let mut request = [0; 48];
            let Ok((48, from)) = socket.recv_from(&mut request) else { return };
            let stamp = stamp::system() + NtpDuration::from_seconds(ahead_s);
            let stamp = stamp.bits().to_be_bytes();
            let mut reply = vec![first, stratum, 0, 0xec];
            reply.extend([0; 4]);
            reply.extend(root_dispersion.to_be_bytes());
            reply.extend(reference_id);
            for time in [&stamp[..], &request[40..], &stamp[..], &stamp[..]] {
                reply.extend(time);
            }
            socket.send_to(&reply, from).unwrap();
        }
    });
    address
}

fn objects(output: &Output) -> Vec<serde_json::Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn options_that_are_wrong_are_told_and_nothing_is_sent() {
    for (words, said) in [
        (&[][..], "required arguments were not provided"),
        (&["--interval", "1s", "127.0.0.1"], "it is at least 2s"),
        (&["--samples", "0", "127.0.0.1"], "it is a number from 1 to 100"),
        (&["--samples", "101", "127.0.0.1"], "it is a number from 1 to 100"),
        (&["--timeout", "0s", "127.0.0.1"], "a timeout is longer than nothing"),
        (&["-4", "-6", "127.0.0.1"], "cannot be used with"),
        (&["bad host"], "a name has no blanks"),
    ] {
        let output = probe(words);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{complaint}");
        assert!(complaint.contains(said), "{complaint}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn a_synchronised_server_is_measured_and_the_exit_is_success() {
    let right = serve(0x24, 1, *b"GPS\0", 0.25, 2);
    let old = serve(0x1c, 2, [10, 0, 0, 1], 0.25, 2);
    let clock = Clock::start();
    let begun = clock.mono();
    let others = [0; 3].map(|_| serve(0x24, 1, *b"GPS\0", 0.25, 2));
    let [one, another, third] = &others;
    let output = probe(&["--json", "--samples", "2", &right, &old, one, another, third]);
    let took = clock.mono().since(begun);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    // One after the other they would take ten seconds.
    assert!((2.0..9.0).contains(&took.as_secs_f64()), "all at once, 2 s apart: {took:?}");
    let all = objects(&output);
    for (object, host) in all.iter().zip([&right, &old]) {
        assert_eq!(object["schema"], "ntpscope/probe/1");
        assert_eq!(object["host"], host.as_str());
        assert_eq!(object["standing"], "synchronised");
        assert_eq!((&object["requests"], &object["replies"]), (&2.into(), &2.into()));
        let number = |name: &str| object[name].as_f64().unwrap();
        let (offset, bound) = (number("offset_ms"), number("error_bound_ms"));
        assert!((offset - 250.0).abs() < bound, "{object}");
        assert!(bound < 25.0 + number("delay_ms") / 2.0, "{object}");
        assert!(object["jitter_ms"].is_number() && object["kiss"].is_null());
    }
    let told = |name: &str| all.iter().map(|object| object[name].clone()).collect::<Vec<_>>();
    assert_eq!(told("reference_id")[..2], [".GPS.", "10.0.0.1"]);
    assert_eq!(told("version")[..2], [4, 3]);
    assert_eq!(told("stratum")[..2], [1, 2]);
    assert_eq!(told("is_best").iter().filter(|best| **best == true).count(), 1);
}

#[test]
fn each_trouble_has_its_exit_code_and_the_worst_one_wins() {
    let closed = Kept::new();
    let vacant = closed.address().to_string();
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let quiet = silent.local_addr().unwrap().to_string();
    let once = ["-n", "--samples", "1", "--timeout", "3s"];
    let good = || serve(0x24, 1, *b"GPS\0", 0.0, 1);
    let lost = || serve(0xe4, 16, *b"INIT", 0.0, 1);
    let denied = || serve(0xe4, 0, *b"DENY", 0.0, 1);
    for (hosts, code, says) in [
        (vec![good()], 0, "best: "),
        (vec![good(), denied()], 4, "kiss DENY: the server denies access"),
        (vec![denied(), lost()], 6, "not synchronised"),
        (vec![good(), lost(), quiet], 7, "no answer"),
        (vec![vacant], 7, "nobody listens"),
    ] {
        let words: Vec<&str> = once.into_iter().chain(hosts.iter().map(String::as_str)).collect();
        let output = probe(&words);
        let table = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(code), "{table}");
        assert!(table.contains(says), "{table}");
        assert!(hosts.iter().all(|host| table.contains(host.as_str())), "{table}");
        assert!(output.stderr.is_empty(), "{output:?}");
    }
}

#[test]
fn one_that_lies_among_three_is_named() {
    let hosts = [0.0, 0.0, 5.0].map(|ahead_s| serve(0x24, 2, [10, 0, 0, 1], ahead_s, 1));
    let mut words = vec!["-n", "--samples", "1"];
    words.extend(hosts.iter().map(String::as_str));
    let output = probe(&words);
    let table = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{table}");
    assert!(table.contains(&format!("\nx{}", hosts[2])), "{table}");
    assert!(table.contains(&format!("wrong: {} is ", hosts[2])), "{table}");
}

#[test]
fn nobody_can_tell_whether_one_is_right_that_owns_up_to_more_than_it_differs_by() {
    let half_a_second = 0x8000;
    let host = |ahead_s, vague| serve_vaguely(0x24, 2, [10, 0, 0, 1], ahead_s, vague, 1);
    for json in [false, true] {
        let hosts = [host(0.0, half_a_second), host(0.0, 0x100), host(0.3, half_a_second)];
        let mut words = vec!["-n", "--samples", "1"];
        words.extend(json.then_some("--json"));
        words.extend(hosts.iter().map(String::as_str));
        let output = probe(&words);
        assert_eq!(output.status.code(), Some(0), "each is there and synchronised: {output:?}");
        if json {
            let all = objects(&output);
            let doubts: Vec<_> = all.iter().map(|o| o["is_in_doubt"].as_bool().unwrap()).collect();
            assert_eq!(doubts, [false, false, true]);
            assert_ne!(all[2]["selection"], "falsetick", "{}", all[2]);
            let apart_ms = all[2]["apart_from_most_ms"].as_f64().unwrap();
            // Half the delays is what measuring may be wrong by.
            let delays = all.iter().map(|one| one["delay_ms"].as_f64().unwrap());
            let allowed = 25.0 + delays.sum::<f64>() / 2.0;
            assert!((apart_ms + 300.0).abs() < allowed, "{}", all[2]);
            assert!(all[2]["measured_error_ms"].as_f64().unwrap() < allowed, "{}", all[2]);
            continue;
        }
        let table = String::from_utf8_lossy(&output.stdout);
        assert!(table.contains(&format!("\n?{}", hosts[2])), "{table}");
        assert!(table.contains(&format!("cannot tell: {} is at least ", hosts[2])), "{table}");
        assert!(table.contains(&format!("best: {}", hosts[1])), "{table}");
    }
    let two = [host(0.0, half_a_second), host(0.2, half_a_second)];
    let output = probe(&["-n", "--samples", "1", &two[0], &two[1]]);
    let table = String::from_utf8_lossy(&output.stdout);
    assert!(table.contains("cannot tell: the hosts differ by more than measuring"), "{table}");
}
