//! `mrulist` of daemons that mean no good: the program ends, in bounded memory, and says that the
//! list is not complete.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{Ipv4Addr, UdpSocket};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use ntpscope::wire::mode6::{MAX_DATA, Message, Opcode, varlist};

use crate::lab;

/// What came of it.
struct Ran {
    rows: usize,
    error: String,
    /// The most memory that was resident, in MiB.
    peak_mib: u64,
}

/// A daemon whose pieces of the list have the rows that `rows` writes, given the number of the first
/// and how many bytes there is room for; its address.
fn serve(rows: impl Fn(&mut String, u32, usize) -> u32 + Send + 'static) -> String {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap().to_string();
    socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    thread::spawn(move || {
        let mut next = 0;
        let mut datagram = [0; 1024];
        while let Ok((length, from)) = socket.recv_from(&mut datagram) {
            let request = Message::parse(datagram.get(..length).unwrap()).unwrap();
            let asked = String::from_utf8(request.data.to_vec()).unwrap();
            let value = |name| varlist::items(&asked).find(|item| item.name == name)?.value;
            let mut text = String::new();
            if request.opcode == Opcode::ReadMru {
                let room = value("frags").map_or(0, |frags| frags.parse::<usize>().unwrap() - 1);
                if let (Some(last), Some(address)) = (value("last.0"), value("addr.0")) {
                    write!(text, "last.older={last}, addr.older={address}, ").unwrap();
                }
                text.push_str("nonce=abc");
                next = rows(&mut text, next, room * MAX_DATA);
            } else {
                text.push_str("nonce=abc");
            }
            let pieces: Vec<_> = text.as_bytes().chunks(MAX_DATA).collect();
            for (number, data) in pieces.iter().enumerate() {
                let more = number + 1 < pieces.len();
                let offset = u16::try_from(number * MAX_DATA).unwrap();
                let reply =
                    Message { response: true, more, offset, data, trailer: &[], ..request.clone() };
                socket.send_to(&reply.emit(), from).unwrap();
            }
        }
    });
    address
}

fn row(text: &mut String, place: usize, number: u32, last: u32) {
    let address = Ipv4Addr::from_bits(0x0100_0000 + number);
    write!(
        text,
        ", addr.{place}={address}:123, last.{place}=0x{last:08x}.80000000, \
         first.{place}=0x00000001.1, ct.{place}=1, mv.{place}=35, rs.{place}=0x0"
    )
    .unwrap();
}

fn list(address: &str) -> Ran {
    let mut child = Command::new(lab::program())
        .args(["ntpq", "-n", "-c", "mrulist sort=addr", address])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut ran = Ran { rows: 0, error: String::new(), peak_mib: 0 };
    // It waits where its output is not taken, so there is always something to be read of it.
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        assert!(line.unwrap().bytes().all(|byte| matches!(byte, b' '..=b'~')));
        if ran.rows.is_multiple_of(1000) {
            let told = fs::read_to_string(&status).unwrap_or_default();
            let peak = told.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let kib = peak.and_then(|text| text.trim().strip_suffix(" kB")?.parse::<u64>().ok());
            ran.peak_mib = ran.peak_mib.max(kib.unwrap_or(0) / 1024);
        }
        ran.rows += 1;
    }
    child.stderr.take().unwrap().read_to_string(&mut ran.error).unwrap();
    assert!(child.wait().unwrap().success());
    ran
}

#[test]
fn a_list_without_end_is_left_where_memory_is_full() {
    let ran = list(&serve(|text, first, room| {
        let mut place = 0;
        while text.len() < room {
            let number = first + place;
            row(text, place as usize, number, number + 1);
            place += 1;
        }
        first + place
    }));
    assert_eq!(ran.rows, 450_000 + 2);
    assert!(
        ran.error.contains("***The list is not complete: no more than 450000 entries are kept")
    );
    assert!((20..=64).contains(&ran.peak_mib), "{} MiB", ran.peak_mib);
}

#[test]
fn entries_that_come_again_and_again_are_not_waited_for() {
    // Always the same; the same with times that jump back and forth.
    for jumps in [false, true] {
        let ran = list(&serve(move |text, first, room| {
            let mut place = 0;
            while text.len() < room {
                let last = if jumps { 1 + (first + place) * 7 % 5 } else { 5 };
                row(text, place as usize, place % 7, last);
                place += 1;
            }
            first + place
        }));
        assert_eq!(ran.rows, 7 + 2);
        assert!(ran.error.contains("***The list is not complete: "), "{}", ran.error);
        assert!(ran.peak_mib <= 64, "{} MiB", ran.peak_mib);
    }
}
