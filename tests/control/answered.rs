//! A simulated site whose daemons are asked over sockets.

use std::io;
use std::net::{SocketAddr, UdpSocket as Plain};
use std::time::Duration;

use ntpscope::backend::{Backend as _, Pace, TargetId, Update};
use ntpscope::config::engine::Algorithm;
use ntpscope::net::answered::Answered;
use ntpscope::sim::live::Live;
use ntpscope::sim::site::Stage;
use ntpscope::units::{Now, NtpTimestamp};
use tokio::net::UdpSocket;

/// READVAR of the system, without a key.
const READVAR: [u8; 12] = [0x16, 2, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0];

const TARGETS: [TargetId; 3] = [TargetId::OWN, TargetId::new(0), TargetId::new(1)];

/// The site, answering from `first` on.
fn site(first: &str) -> io::Result<Answered<Live>> {
    let start = NtpTimestamp::from_unix(1_790_000_000, 0);
    let stage = Stage::site(1, Algorithm::default(), start).unwrap();
    let world = Live::open(stage, Pace::Eight, Box::new(Now::default));
    Answered::open(world, TARGETS, first.parse().unwrap(), Box::new(Now::default))
}

async fn update(site: &mut Answered<Live>) -> Update {
    let update = std::future::poll_fn(|context| site.poll_update(context));
    tokio::time::timeout(Duration::from_secs(60), update).await.unwrap()
}

/// The text of the answer that the daemon at `to` gives.
async fn asked(site: &mut Answered<Live>, to: SocketAddr) -> String {
    let client = Plain::bind("127.0.0.1:0").unwrap();
    client.set_nonblocking(true).unwrap();
    client.send_to(&READVAR, to).unwrap();
    let client = UdpSocket::from_std(client).unwrap();
    let mut room = [0; 1024];
    loop {
        tokio::select! {
            told = client.recv(&mut room) => {
                let length = told.unwrap();
                assert!(length > 12 && room[1] & 0x80 != 0, "{:?}", &room[..length]);
                return String::from_utf8_lossy(&room[12..length]).into_owned();
            }
            _ = update(site) => {}
        }
    }
}

#[tokio::test]
async fn each_daemon_of_a_world_answers_at_an_address_of_its_own() {
    // A port that is free on the first of them is most likely free on the others, and a moment later.
    let (mut site, port) = (0..10)
        .find_map(|_| {
            let port = Plain::bind("127.0.0.30:0").unwrap().local_addr().unwrap().port();
            Some((site(&format!("127.0.0.30:{port}")).ok()?, port))
        })
        .expect("three of ten ports are free");
    let (mut words, mut seen) = (None, Vec::new());
    // The pictures come with the first updates.
    while TARGETS.iter().any(|target| !seen.contains(target)) {
        match update(&mut site).await {
            Update::World(world) => words.clone_from(&world.answers),
            Update::Daemon { target, .. } => seen.push(target),
            _ => {}
        }
    }
    let expected = format!("ntpq is answered at 127.0.0.30 to 127.0.0.32, port {port}");
    assert_eq!(words.as_deref(), Some(&*expected));
    let mut texts = Vec::new();
    for last in [30, 31, 32] {
        let text = asked(&mut site, SocketAddr::from(([127, 0, 0, last], port))).await;
        assert!(text.contains("stratum="), "{text}");
        texts.push(text);
    }
    assert_ne!(texts[0], texts[1]);
    assert_ne!(texts[1], texts[2]);
}

#[tokio::test]
async fn others_than_this_host_are_not_listened_to() {
    for (first, why) in [
        ("192.0.2.7:12300", "192.0.2.7 is not of the loopback network"),
        ("[::1]:12300", "no address of the loopback network for each"),
        ("127.255.255.254:12300", "no address of the loopback network for each"),
    ] {
        let error = site(first).unwrap_err().to_string();
        assert!(error.contains(why), "{first}: {error}");
    }
}
