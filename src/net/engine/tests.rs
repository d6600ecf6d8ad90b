//! The driver on the loopback: servers that are made up, and one that is not there.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::*;
use crate::backend::Update;
use crate::config::host::HostSpec;
use crate::config::ntp_conf::{Association, Directive, Kind, Options, Placed};
use crate::model::Peer;
use crate::model::clock_loop::Steers;
use crate::model::vars::peer;
use crate::units::{NtpDuration, NtpTimestamp};

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn observing(servers: &[String]) -> Setup {
    let directives = (1..).zip(servers).map(|(line, server)| Placed {
        source: Arc::from("test"),
        line,
        column: 1,
        directive: Directive::Association(Association {
            kind: Kind::Server,
            host: server.parse::<HostSpec>().unwrap(),
            family: None,
            options: Options { iburst: true, ..Options::default() },
        }),
    });
    let engine = EngineSetup { directives: directives.collect(), ..EngineSetup::default() };
    Setup { engine, families: Families::Any, clock: Clock::start(), permit: None, told: None }
}

/// Waits until a notice says `text`.
async fn hear(running: &mut Running, text: &str) {
    let heard = async {
        loop {
            let notice = running.notice().await.expect("the engine runs").to_string();
            if notice.contains(text) {
                return;
            }
        }
    };
    let patience = Duration::from_secs(60);
    assert!(tokio::time::timeout(patience, heard).await.is_ok(), "nothing said: {text}");
}

/// Answers one request as a server of stratum 1 does.
fn answer(server: &UdpSocket) {
    let mut request = [0; 128];
    let (length, from) = server.recv_from(&mut request).unwrap();
    assert_eq!(length, 48);
    let reply = reply(&request, NtpDuration::ZERO);
    server.send_to(&reply, from).unwrap();
}

/// What a server of stratum 1 replies to `request`, so far ahead.
fn reply(request: &[u8], ahead: NtpDuration) -> Vec<u8> {
    let now = (stamp::system() + ahead).bits().to_be_bytes();
    let mut reply = vec![0x24, 1, 6, 0xe9, 0, 0, 0, 0, 0, 0, 0, 1];
    reply.extend(b"TEST");
    reply.extend(now);
    reply.extend(&request[40..48]);
    reply.extend(now);
    reply.extend(now);
    reply
}

#[test]
fn a_server_on_the_loopback_is_asked_and_heard() {
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    server.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let address = server.local_addr().unwrap().to_string();
    let answering = std::thread::spawn(move || answer(&server));
    block_on(async {
        let mut running = start(observing(&[address])).unwrap();
        hear(&mut running, "it answers").await;
    });
    answering.join().unwrap();
}

#[test]
fn what_it_knows_is_a_daemon_like_any_other() {
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    server.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let address = server.local_addr().unwrap();
    let answering = std::thread::spawn(move || answer(&server));
    let mailbox = Mailbox::default();
    let mut setup = observing(&[address.to_string()]);
    setup.told = Some((TargetId::OWN, mailbox.clone()));
    let seen = block_on(async {
        let running = start(setup).unwrap();
        let looked = async {
            loop {
                let update = poll_fn(|context| mailbox.poll(context)).await;
                let Update::Daemon { target: TargetId::OWN, daemon } = update else { continue };
                let is_known = |peer: &Arc<Peer>| peer.duration(&peer::DELAY).is_some();
                if daemon.peers.iter().any(|peer| is_known(peer) && peer.status.is_reachable()) {
                    return daemon;
                }
            }
        };
        let seen = tokio::time::timeout(Duration::from_secs(60), looked).await.unwrap();
        drop(running);
        seen
    });
    answering.join().unwrap();
    let [peer] = &*seen.peers else { panic!("{:?}", seen.peers) };
    let row = peer.row.latest().unwrap();
    assert_eq!(row.address(&peer::SOURCE), Some(address.ip()));
    // Both ends read the same clock: what was measured is wrong by half the delay at most.
    let (offset, delay) = (peer.duration(&peer::OFFSET), peer.duration(&peer::DELAY));
    let (offset, delay) = (offset.unwrap().seconds(), delay.unwrap().seconds());
    assert!(offset.abs() < 1e-3 + delay / 2.0, "{offset} {delay}");
    let clock_loop = seen.clock_loop.as_ref().unwrap();
    assert_eq!(clock_loop.steers, Steers::Virtual);
    // Nothing has been corrected yet, so the virtual clock shows what the system's shows.
    let apart = clock_loop.system_offset.unwrap() - clock_loop.steered_offset;
    assert!(apart.seconds().abs() < 1e-3, "{clock_loop:?}");
}

#[test]
fn a_name_is_looked_up_and_its_address_asked() {
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    server.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let port = server.local_addr().unwrap().port();
    let answering = std::thread::spawn(move || answer(&server));
    block_on(async {
        let mut setup = observing(&[format!("localhost:{port}")]);
        if let Directive::Association(association) = &mut setup.engine.directives[0].directive {
            association.family = Some(Family::Ipv4);
        }
        let mut running = start(setup).unwrap();
        hear(&mut running, "it answers").await;
    });
    answering.join().unwrap();
}

#[test]
fn a_server_on_the_link_is_asked_by_the_interface_that_its_zone_names() {
    let interfaces = own_addresses::list().unwrap();
    let is_on_link = |ip: IpAddr| matches!(ip, IpAddr::V6(v6) if v6.is_unicast_link_local());
    let Some(own) = interfaces.iter().find(|one| is_on_link(one.address)) else { return };
    let IpAddr::V6(address) = own.address else { return };
    let at = std::net::SocketAddrV6::new(address, 0, 0, own.index);
    let server = UdpSocket::bind(at).unwrap();
    server.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let port = server.local_addr().unwrap().port();
    let answering = std::thread::spawn(move || answer(&server));
    block_on(async {
        let mut running = start(observing(&[format!("[{address}%{}]:{port}", own.index)])).unwrap();
        hear(&mut running, "it answers").await;
    });
    answering.join().unwrap();
}

#[test]
fn a_directive_that_cannot_be_followed_is_told_with_its_line() {
    let twice = ["127.0.0.1:9".to_owned(), "127.0.0.1:9".to_owned()];
    block_on(async {
        let mut running = start(observing(&twice)).unwrap();
        hear(&mut running, "line 2 is not followed").await;
    });
}

/// Listens to anybody on `port`, by lines of ntp.conf.
fn listening(port: u16, conf: &str) -> Setup {
    let directives = crate::config::ntp_conf::read("test", &format!("disable auth\n{conf}"));
    let directives = directives.unwrap();
    let engine = EngineSetup { directives, port: Some(port), ..EngineSetup::default() };
    Setup { engine, clock: Clock::start(), families: Families::Any, permit: None, told: None }
}

/// Sends broadcasts to `to` until it is told to end.
fn broadcast(to: SocketAddr) -> (Arc<AtomicBool>, JoinHandle<()>) {
    let ends = Arc::new(AtomicBool::new(false));
    let ended = Arc::clone(&ends);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_broadcast(true).unwrap();
    socket2::SockRef::from(&socket).set_multicast_if_v4(&Ipv4Addr::LOCALHOST).unwrap();
    let sending = std::thread::spawn(move || {
        while !ended.load(Ordering::Relaxed) {
            let now = stamp::system().bits().to_be_bytes();
            let mut packet = vec![0x25, 1, 3, 0xe9, 0, 0, 0, 0, 0, 0, 0, 1];
            packet.extend(b"TEST");
            packet.extend(now);
            packet.extend([0; 16]);
            packet.extend(now);
            socket.send_to(&packet, to).unwrap();
            std::thread::park_timeout(Duration::from_millis(50));
        }
    });
    (ends, sending)
}

/// A port that nobody has, nor is given by the system when asking for any: those begin higher.
fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let is_free = |port: &u16| {
        let unspecified: [IpAddr; 2] = [Ipv6Addr::UNSPECIFIED.into(), Ipv4Addr::UNSPECIFIED.into()];
        let is_taken = |error: &io::Error| error.kind() == io::ErrorKind::AddrInUse;
        // On some machines there is no IPv6; on others its socket is for both.
        unspecified.iter().all(|any| !UdpSocket::bind((*any, *port)).is_err_and(|e| is_taken(&e)))
    };
    let mut ports = std::iter::repeat_with(|| {
        let number = std::process::id().wrapping_mul(61) + NEXT.fetch_add(1, Ordering::Relaxed);
        u16::try_from(16_384 + number % 16_000).unwrap()
    });
    ports.find(is_free).unwrap()
}

#[test]
fn what_is_sent_to_everybody_or_to_a_group_is_heard() {
    for (to, conf) in [
        ("127.255.255.255", "broadcastclient novolley"),
        ("239.77.1.2", "multicastclient 239.77.1.2\nbroadcastdelay 0.001"),
    ] {
        let port = free_port();
        let (ends, sending) = broadcast(SocketAddr::new(to.parse().unwrap(), port));
        block_on(async {
            let mut running = start(listening(port, conf)).unwrap();
            hear(&mut running, "it answers").await;
        });
        ends.store(true, Ordering::Relaxed);
        sending.join().unwrap();
    }
}

#[test]
fn a_port_that_another_has_is_told_with_what_to_do() {
    let other = UdpSocket::bind("0.0.0.0:0").unwrap();
    let port = other.local_addr().unwrap().port();
    block_on(async {
        let mut running = start(listening(port, "broadcastclient")).unwrap();
        let told = format!("cannot listen on 0.0.0.0:{port}: ");
        hear(&mut running, &told).await;
        drop(running);
        let mut running = start(listening(port, "broadcastclient")).unwrap();
        hear(&mut running, "hint: another program has this port").await;
    });
}

#[test]
fn what_is_sent_is_stamped_and_what_nobody_hears_is_refused() {
    let (news, mut read) = channel(NEWS);
    block_on(async {
        // Its socket hears one other port alone, and keeps everybody else from this one.
        let kept = UdpSocket::bind("127.0.0.1:0").unwrap();
        kept.connect("127.0.0.1:9").unwrap();
        let vacant = kept.local_addr().unwrap();
        let mut sockets = Sockets::new(news);
        let transmission = transmission(vacant);
        let before = stamp::system();
        let kernel = sockets.send(&transmission).unwrap();
        let is_late =
            |stamp: NtpTimestamp| (stamp - before).seconds() < -steered::DEPARTURE_SLACK_S;
        assert!(!kernel.is_some_and(is_late), "{kernel:?}");
        let heard = async {
            while let Some(news) = read.recv().await {
                if let News::Socket(sockets::News::Refused(ticket)) = news {
                    return ticket;
                }
            }
            panic!("no word of it")
        };
        let refused = tokio::time::timeout(Duration::from_secs(60), heard).await.unwrap();
        assert_eq!(sockets.refused(refused), Some(transmission.ticket));
        sockets.close(transmission.ticket);
    });
}

/// A request of an engine's, turned to another address: tickets come from engines only.
fn transmission(to: SocketAddr) -> Transmission {
    let setup = observing(&["127.0.0.1:9".to_owned()]);
    let mut now = setup.clock.now();
    let mut engine = Engine::new(Settings::default(), [7; 32], &now);
    engine.apply(&now, &setup.engine.directives[0].directive).unwrap();
    for _ in 0..100 {
        while let Some(output) = engine.poll_output() {
            if let Output::Send(transmission) = output {
                return Transmission { to, ..transmission };
            }
        }
        now.mono = engine.next_wakeup().unwrap();
        engine.handle(&now, Input::Wakeup);
    }
    panic!("it never asks")
}

mod port;
mod steering;
mod told;

/// Asks `server` once as a client; whether it answers in time.
fn is_answered(server: SocketAddr) -> bool {
    let client = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    client.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let mut request = [0; 48];
    (request[0], request[47]) = (0x23, 7);
    client.send_to(&request, server).unwrap();
    let mut reply = [0; 64];
    client.recv_from(&mut reply).is_ok_and(|(length, from)| {
        assert_eq!((length, from), (48, server));
        assert_eq!((reply[0] & 7, &reply[24..32]), (4, &request[40..48]));
        true
    })
}

#[test]
fn whoever_asks_is_answered_until_a_line_about_its_name_says_no() {
    let free = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
    for (conf, is_heard) in [("restrict default", true), ("restrict -4 localhost ignore", false)] {
        let mut setup = listening(free.port(), conf);
        setup.engine.serve = crate::config::engine::Serve::At(vec![free]);
        block_on(async {
            let mut running = start(setup).unwrap();
            hear(&mut running, &format!("answers clients on {free}")).await;
            // The name is looked up by another thread.
            let asked = async {
                while spawn_blocking(move || is_answered(free)).await.unwrap() != is_heard {}
            };
            tokio::time::timeout(Duration::from_secs(60), asked).await.unwrap();
        });
    }
}
