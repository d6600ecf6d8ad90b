//! The sockets on the port: which are open, and how what they send is sent.

use std::io;
use std::net::Ipv6Addr;

use socket2::SockRef;

use super::*;

fn port() -> NtpPort {
    NtpPort::new(free_port(), Marking::default())
}

fn at(address: impl Into<IpAddr>, port: &NtpPort) -> SocketAddr {
    SocketAddr::new(address.into(), port.port())
}

/// Sends a datagram of the engine's own by `port`.
fn send(port: &mut NtpPort, to: SocketAddr, ttl: Option<u8>, is_broadcast: bool) -> io::Result<()> {
    let (news, _read) = channel(NEWS);
    let mut sockets = Sockets::new(news);
    let sent = Transmission { socket: Socket::Ntp, ttl, ..transmission(to) };
    port.send(&sent, is_broadcast, sockets.groups()).map(drop)
}

#[test]
fn what_is_sent_is_marked_as_the_configuration_says() {
    let marking = |conf| Marking::of(&crate::config::ntp_conf::read("test", conf).unwrap());
    assert_eq!(marking("server a"), Marking::new(46));
    assert_eq!(marking("dscp 10\nserver a\ndscp 8"), Marking::new(8));
    block_on(async {
        let mut port = port();
        assert!(port.open_all().is_empty());
        let bytes = |port: &NtpPort| {
            let v4 = SockRef::from(port.wildcard(true).unwrap()).tos_v4().unwrap();
            let v6 = port.wildcard(false).map(|v6| SockRef::from(v6).tclass_v6().unwrap());
            (v4, v6.unwrap_or(v4))
        };
        assert_eq!(bytes(&port), (46 << 2, 46 << 2));
        port.mark(Marking::new(10));
        assert_eq!(bytes(&port), (40, 40));
    });
}

#[test]
fn only_what_is_for_everybody_goes_to_everybody() {
    block_on(async {
        let mut port = port();
        assert!(port.open_all().is_empty());
        let everybody = at([127, 255, 255, 255], &port);
        let forged = send(&mut port, everybody, None, false).unwrap_err();
        assert_eq!(forged.kind(), io::ErrorKind::PermissionDenied);
        send(&mut port, everybody, None, true).unwrap();
        assert!(!SockRef::from(port.wildcard(true).unwrap()).broadcast().unwrap());
    });
}

#[test]
fn how_far_a_broadcast_goes_changes_nothing_for_those_who_are_answered() {
    block_on(async {
        let mut port = port();
        assert!(port.open_all().is_empty());
        let ttl = |port: &NtpPort| SockRef::from(port.wildcard(true).unwrap()).ttl_v4().unwrap();
        let usual = ttl(&port);
        let everybody = at([127, 255, 255, 255], &port);
        send(&mut port, everybody, Some(1), true).unwrap();
        assert_eq!(ttl(&port), usual);
    });
}

#[test]
fn where_addresses_are_named_no_others_are_opened() {
    block_on(async {
        let mut port = port();
        let named = at(Ipv4Addr::LOCALHOST, &port);
        port.open_only(&[named]).unwrap();
        let missed = port.open_all();
        let [missed] = &missed[..] else { panic!("{missed:?}") };
        assert!(missed.to_string().ends_with("only the addresses that were named are listened on"));
        assert_eq!(port.addresses().collect::<Vec<_>>(), [named]);
        // From there nobody but this host itself can be reached.
        assert!(port.reaches(Ipv4Addr::LOCALHOST.into()));
        assert!(!port.reaches([192, 0, 2, 1].into()) && !port.reaches(Ipv6Addr::LOCALHOST.into()));
    });
    block_on(async {
        let mut port = port();
        let all = at(Ipv4Addr::UNSPECIFIED, &port);
        port.open_only(&[all]).unwrap();
        assert!(port.open_all().is_empty(), "what comes to everybody is heard");
        assert_eq!(port.addresses().collect::<Vec<_>>(), [all]);
    });
}

#[test]
fn a_datagram_that_cannot_be_sent_gives_none_the_stamp_of_another() {
    block_on(async {
        let mut port = port();
        assert!(port.open_all().is_empty());
        let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
        let too_long = |to| Transmission {
            socket: Socket::Ntp,
            datagram: vec![0; 70_000],
            ..transmission(to)
        };
        let (news, _read) = channel(NEWS);
        let mut sockets = Sockets::new(news);
        let to = peer.local_addr().unwrap();
        port.send(&too_long(to), false, sockets.groups()).unwrap_err();
        // The numbers begin anew, and fit again.
        let before = stamp::system();
        let sent = Transmission { socket: Socket::Ntp, ..transmission(to) };
        let mut stamp = port.send(&sent, false, sockets.groups()).unwrap();
        let asked = async {
            while stamp.is_none() {
                stamp = port.departure(0).map(|departure| departure.stamp);
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), asked).await.unwrap();
        let late_s = (stamp.unwrap() - before).seconds();
        assert!((-1e-3..1.0).contains(&late_s), "{late_s}");
    });
}

#[test]
fn only_what_is_listened_on_is_told() {
    let engine = Engine::new(Settings::default(), [7; 32], &Now::default());
    let interface =
        |(index, address): (u32, &str)| Interface { address: address.parse().unwrap(), index };
    let interfaces = [(1, "127.0.0.1"), (2, "192.0.2.7"), (3, "2001:db8::7")].map(interface);
    let told = |open: &[&str], conf: &str| {
        let open: Vec<SocketAddr> = open.iter().map(|open| open.parse().unwrap()).collect();
        let mut serving = Serving::new().unwrap();
        serving.know_interfaces(&interfaces);
        for placed in crate::config::ntp_conf::read("test", conf).unwrap() {
            serving.apply(&placed.directive, None).unwrap();
        }
        let mut traffic = Traffic::default();
        traffic.know(&interfaces, open.iter().copied(), Mono::default());
        let rows = traffic.rows(&engine, &open, &serving.listening, Mono::default());
        let row = |row: crate::control::responder::books::Interface| {
            format!("{} {}", row.address, if row.is_enabled { "+" } else { "-" })
        };
        rows.into_iter().map(row).collect::<Vec<_>>()
    };
    let all = ["[::]:123 +", "0.0.0.0:123 +", "127.0.0.1:123 +", "192.0.2.7:123 +"];
    let with_v6 = [&all[..], &["[2001:db8::7]:123 +"]].concat();
    assert_eq!(told(&["0.0.0.0:123", "[::]:123"], ""), with_v6);
    assert_eq!(told(&["0.0.0.0:123"], ""), all[1..]);
    assert_eq!(told(&["192.0.2.7:1123"], ""), ["192.0.2.7:1123 +"]);
    assert_eq!(told(&["127.0.0.9:123"], ""), ["127.0.0.9:123 +"]);
    let dropped = "interface listen all\nnic drop 192.0.2.7";
    assert_eq!(told(&["0.0.0.0:123"], dropped)[1..], ["127.0.0.1:123 +", "192.0.2.7:123 -"]);
    let ignored = "interface ignore 192.0.2.7";
    assert_eq!(told(&["0.0.0.0:123"], ignored)[1..], ["127.0.0.1:123 +"]);
}
