//! Stamps of real datagrams on the loopback.

use std::net::UdpSocket;
use std::os::fd::AsFd as _;
use std::time::Duration;

use super::*;

fn pair() -> (UdpSocket, UdpSocket) {
    let ours = UdpSocket::bind("127.0.0.1:0").unwrap();
    let theirs = UdpSocket::bind("127.0.0.1:0").unwrap();
    ours.connect(theirs.local_addr().unwrap()).unwrap();
    theirs.connect(ours.local_addr().unwrap()).unwrap();
    for socket in [&ours, &theirs] {
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    }
    (ours, theirs)
}

#[test]
fn clocks_go_on_and_agree_with_each_other() {
    let (earlier, before, begun) = (raw(), monotonic(), system());
    let bracket = Bracket::read();
    assert!(raw() >= earlier && monotonic() >= before);
    assert!(boot().nanos() >= before.nanos());
    assert!((bracket.system - begun).seconds() > -1e-3);
    assert!((system() - bracket.system).seconds() > -1e-3);
    assert!(bracket.error >= NtpDuration::ZERO);
    let precision = precision().unwrap().exponent();
    assert!((-30..=-6).contains(&precision), "{precision}");
}

#[test]
fn a_stamp_is_carried_to_the_raw_clock_by_the_rate_between() {
    let bracket = Bracket {
        raw: Raw::from_nanos(10_000_000_000),
        system: NtpTimestamp::from_unix(1000, 0),
        error: NtpDuration::ZERO,
    };
    let raw_of = |seconds: f64, ppm: f64| {
        let stamp = bracket.system + NtpDuration::from_seconds(seconds);
        bracket.raw_of(stamp, Ppm::new(ppm).unwrap()).map(Raw::nanos)
    };
    assert_eq!(raw_of(-0.5, 0.0), Some(9_500_000_000));
    // A clock that runs 10 % fast showed 0.55 s less half a raw second ago.
    assert_eq!(raw_of(-0.55, 100_000.0), Some(9_500_000_000));
    // Ahead by no more than reading clocks explains; a clock that was stepped explains nothing.
    assert_eq!(raw_of(0.000_01, 0.0), Some(10_000_010_000));
    assert_eq!(raw_of(0.01, 0.0), None);
    assert_eq!(raw_of(-3600.0, 0.0), None);
}

#[test]
fn a_datagram_is_stamped_where_it_leaves_and_where_it_arrives() {
    let (ours, theirs) = pair();
    let (sending, receiving) = (request(ours.as_fd()), request(theirs.as_fd()));
    assert!(request_destinations(theirs.as_fd(), true));
    // The kernel takes a moment to begin with it.
    for number in 0.. {
        let before = system();
        send(ours.as_fd(), b"hello", None).unwrap();
        let mut buffer = [0; 64];
        let arrival = receive(theirs.as_fd(), &mut buffer, Queue::Arrivals).unwrap();
        let after = system();
        assert_eq!(buffer.get(..arrival.length), Some(b"hello".as_slice()));
        assert_eq!(arrival.from, Some(ours.local_addr().unwrap()));
        assert_eq!(arrival.to, Some("127.0.0.1".parse().unwrap()));
        let is_between = |stamp: NtpTimestamp| {
            (stamp - before).seconds() > -1e-3 && (after - stamp).seconds() > -1e-3
        };
        assert!(arrival.stamp.is_none_or(is_between), "{before:?} {arrival:?} {after:?}");
        if sending == Stamping::Both {
            let departure = receive(ours.as_fd(), &mut buffer, Queue::Departures).unwrap();
            assert_eq!(departure.sent, Some(number));
            assert!(is_between(departure.stamp.unwrap()), "{before:?} {departure:?} {after:?}");
        }
        if arrival.stamp.is_some() || receiving == Stamping::Nothing {
            break;
        }
        assert!(number < 10_000, "no stamp ever came");
    }
}

#[test]
fn an_empty_queue_says_so_and_an_address_can_be_named() {
    let (ours, theirs) = pair();
    ours.set_nonblocking(true).unwrap();
    for queue in [Queue::Arrivals, Queue::Departures] {
        let error = receive(ours.as_fd(), &mut [0; 8], queue).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    }
    let free = UdpSocket::bind("127.0.0.1:0").unwrap();
    free.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let loose = UdpSocket::bind("127.0.0.1:0").unwrap();
    send(loose.as_fd(), b"to you", free.local_addr().ok()).unwrap();
    let arrival = receive(free.as_fd(), &mut [0; 3], Queue::Arrivals).unwrap();
    assert_eq!((arrival.length, arrival.from), (3, loose.local_addr().ok()));
    drop(theirs);
}
