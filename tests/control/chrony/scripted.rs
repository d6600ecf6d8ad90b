//! The scripted chronyd itself: a test against one that is wrong proves nothing.

use std::time::Duration;

use ntpscope::wire::cmdmon::{
    Address, Body, ClientRange, Command, Release, Reply, ReplyType, Report, Request, Status,
};

use crate::chronyd::{Chronyd, Fault, Source, State, address};

const AT_ONCE: Duration = Duration::ZERO;

fn request(body: Body) -> Request {
    Request { attempt: 0, sequence: 0x0102_0304, body }
}

fn ask(daemon: &mut Chronyd, body: Body) -> Option<Reply> {
    ask_at(daemon, AT_ONCE, body)
}

fn ask_at(daemon: &mut Chronyd, at: Duration, body: Body) -> Option<Reply> {
    let request = request(body);
    let mut replies = daemon.answer(at, &request.emit());
    assert!(replies.len() <= 1, "one datagram at most");
    let reply = Reply::parse(&replies.pop()?.1).expect("a reply that can be read");
    assert!(reply.answers((&request).into()), "an answer to what was asked");
    Some(reply)
}

fn status(daemon: &mut Chronyd, body: Body) -> Status {
    ask(daemon, body).expect("an answer").status
}

fn kind(daemon: &mut Chronyd, body: Body) -> ReplyType {
    ask(daemon, body).expect("an answer").report.reply_type()
}

#[test]
fn it_tells_its_sources_by_index_and_by_address() {
    let mut daemon = Chronyd::new(State::with_servers(3));
    let count = ask(&mut daemon, Body::SourceCount).expect("an answer");
    assert_eq!(count.report, Report::SourceCount(3));
    for index in 0..3_u8 {
        let source = Source::server(index + 1);
        for (body, report) in [
            (Body::SourceData(index.into()), Report::SourceData(source.data)),
            (Body::SourceStats(index.into()), Report::SourceStats(source.stats)),
            (Body::SelectData(index.into()), Report::SelectData(source.selection)),
            (Body::AuthData(address(index + 1).into()), Report::AuthData(source.auth)),
        ] {
            assert_eq!(ask(&mut daemon, body).expect("an answer").report, report);
        }
    }
    assert_eq!(status(&mut daemon, Body::SourceData(3)), Status::NoSuchSource);
    assert_eq!(status(&mut daemon, Body::NtpData(address(4).into())), Status::NoSuchSource);
    assert_eq!(status(&mut daemon, Body::NtpData(Address::Unspecified)), Status::NoSuchSource);
    assert_eq!(daemon.count(Command::SOURCE_DATA), 4);
    let name = ask(&mut daemon, Body::SourceName(address(2).into())).expect("an answer").report;
    assert!(matches!(name, Report::SourceName(name) if name.text() == Some("server2.example")));
}

#[test]
fn udp_is_refused_what_is_not_open_and_the_socket_nothing() {
    let closed = [
        Body::SelectData(0),
        Body::ServerStats,
        Body::NtpData(address(1).into()),
        Body::AuthData(address(1).into()),
        Body::ClientAccesses(ClientRange::from_index(0)),
    ];
    let open = [
        Body::SourceCount,
        Body::SourceData(0),
        Body::SourceStats(0),
        Body::Tracking,
        Body::Activity,
        Body::ManualList,
        Body::SourceName(address(1).into()),
    ];
    let mut udp = Chronyd::new(State::with_servers(1)).over_udp();
    let mut unix = Chronyd::new(State::with_servers(1));
    for body in closed.iter().chain(&open) {
        assert_eq!(status(&mut unix, body.clone()), Status::Success, "{body:?}");
    }
    for body in &open {
        assert_eq!(status(&mut udp, body.clone()), Status::Success, "{body:?}");
    }
    for body in &closed {
        assert_eq!(status(&mut udp, body.clone()), Status::Unauthorised, "{body:?}");
    }
    udp.opened = vec!["ntpdata"];
    assert_eq!(status(&mut udp, closed[2].clone()), Status::Unauthorised, "4.3 opens nothing");
    let mut newer = udp.of(4, 7);
    assert_eq!(status(&mut newer, closed[2].clone()), Status::Success);
    assert_eq!(status(&mut newer, closed[3].clone()), Status::Unauthorised);
}

#[test]
fn each_release_has_its_own_layouts() {
    for (minor, stats, data) in [
        (0, ReplyType::SERVER_STATS2, ReplyType::NTP_DATA),
        (1, ReplyType::SERVER_STATS2, ReplyType::NTP_DATA),
        (2, ReplyType::SERVER_STATS3, ReplyType::NTP_DATA),
        (3, ReplyType::SERVER_STATS3, ReplyType::NTP_DATA),
        (4, ReplyType::SERVER_STATS4, ReplyType::NTP_DATA),
        (5, ReplyType::SERVER_STATS4, ReplyType::NTP_DATA),
        (6, ReplyType::SERVER_STATS4, ReplyType::NTP_DATA2),
        (8, ReplyType::SERVER_STATS4, ReplyType::NTP_DATA2),
    ] {
        let mut daemon = Chronyd::new(State::with_servers(1)).of(4, minor);
        assert_eq!(kind(&mut daemon, Body::ServerStats), stats, "4.{minor}");
        let body = Body::NtpData(address(1).into());
        assert_eq!(kind(&mut daemon, body.clone()), data, "4.{minor}");
        let Report::NtpData(data) = ask(&mut daemon, body).expect("an answer").report else {
            panic!("not the layout asked for")
        };
        assert_eq!(data.totals.good.is_some(), minor >= 3, "4.{minor}");
        let null = if minor < 7 { Status::Failed } else { Status::Invalid };
        assert_eq!(
            status(&mut daemon, Body::Other { command: Command::LOGON, data: vec![] }),
            null
        );
    }
    let mut old = Chronyd::new(State::with_servers(1));
    old.state.server_stats.nts = None;
    old.state.server_stats.interleaved = None;
    assert_eq!(kind(&mut old, Body::ServerStats), ReplyType::SERVER_STATS);
}

#[test]
fn it_looks_at_length_and_version_before_anything_else() {
    let mut daemon = Chronyd::new(State::with_servers(1));
    let whole = request(Body::Tracking).emit();
    assert!(daemon.answer(AT_ONCE, &whole[..27]).is_empty(), "too short for a header");
    let mut longer = whole.clone();
    longer.resize(860, 0);
    assert_eq!(daemon.answer(AT_ONCE, &longer).len(), 1);
    longer.push(0);
    assert!(daemon.answer(AT_ONCE, &longer).is_empty(), "too long");
    let short = daemon.answer(AT_ONCE, &whole[..103]);
    assert_eq!(Reply::parse(&short[0].1).expect("a reply").status, Status::BadPacketLength);
    for (version, answered) in [(4, 0), (5, 1), (7, 0)] {
        let mut other = whole.clone();
        other[0] = version;
        let replies = daemon.answer(AT_ONCE, &other);
        assert_eq!(replies.len(), answered, "version {version}");
        for (_, reply) in replies {
            assert_eq!(Reply::parse(&reply).expect("a reply").status, Status::BadPacketVersion);
        }
    }
    let unknown = Request {
        body: Body::Other { command: Command::new(999), data: vec![] },
        ..request(Body::Tracking)
    };
    let refused = daemon.answer(AT_ONCE, &unknown.emit());
    assert_eq!(Reply::parse(&refused[0].1).expect("a reply").status, Status::Invalid);
    // What 4.3 asks for is too little for 4.4.
    let stats = request(Body::ServerStats);
    let of_4_3 = Command::SERVER_STATS.row().expect("known").request_len(Release::new(4, 3));
    let replies = daemon.of(4, 4).answer(AT_ONCE, &stats.emit()[..of_4_3]);
    assert_eq!(Reply::parse(&replies[0].1).expect("a reply").status, Status::BadPacketLength);
}

#[test]
fn each_fault_shows() {
    let well = || Chronyd::new(State::with_servers(4));
    let count = || request(Body::SourceCount).emit();
    let replies = |mut daemon: Chronyd| daemon.answer(AT_ONCE, &count());
    let good = replies(well());
    assert_eq!(good.len(), 1);
    for fault in
        [Fault::Silent, Fault::Closed, Fault::Mute(Command::N_SOURCES), Fault::DropsEvery(1)]
    {
        assert!(replies(well().with(fault.clone())).is_empty(), "{fault:?}");
    }
    assert_eq!(replies(well().with(Fault::Mute(Command::TRACKING))), good);
    assert_eq!(replies(well().with(Fault::DropsEvery(2))), good);
    assert_eq!(replies(well().with(Fault::Twice)), [good.clone(), good.clone()].concat());
    assert_eq!(replies(well().with(Fault::Truncated(30)))[0].1, good[0].1[..30]);
    assert_eq!(replies(well().with(Fault::Garbage(b"no".to_vec())))[0].1, b"no");
    let late = Duration::from_millis(5);
    assert_eq!(replies(well().with(Fault::Slow(Command::N_SOURCES, late)))[0].0, late);
    let mut backwards = well().with(Fault::Backwards(late));
    let first = backwards.answer(AT_ONCE, &count())[0].0;
    assert!(backwards.answer(AT_ONCE, &count())[0].0 < first);

    let parsed = |daemon| Reply::parse(&replies(daemon)[0].1).expect("a reply");
    let key = (&request(Body::SourceCount)).into();
    assert!(parsed(well()).answers(key));
    assert!(!parsed(well().with(Fault::OtherSequence)).answers(key));
    assert!(
        !Reply::parse(&replies(well().with(Fault::OtherCommand))[0].1)
            .is_ok_and(|r| r.answers(key))
    );
    assert_eq!(parsed(well().with(Fault::Claims(u32::MAX))).report, Report::SourceCount(u32::MAX));
    let other = parsed(well().with(Fault::OtherVersion(5)));
    assert_eq!((other.version, other.status), (5, Status::BadPacketVersion));
    assert_eq!(parsed(well().with(Fault::Wants(33))).status, Status::BadPacketLength);
    assert_eq!(parsed(well().with(Fault::Refuses(Status::Failed))).status, Status::Failed);
    let refuses = Fault::RefusesOne(Command::N_SOURCES, Status::Unauthorised);
    assert_eq!(parsed(well().with(refuses)).status, Status::Unauthorised);

    let mut swaps = well().with(Fault::Swaps(Command::SOURCE_DATA, Command::SOURCESTATS));
    let swapped = swaps.answer(AT_ONCE, &request(Body::SourceData(0)).emit());
    assert!(Reply::parse(&swapped[0].1).is_err(), "a report of another kind");
    let mut endless = well().with(Fault::Endless);
    let far = ask(&mut endless, Body::SourceData(1_000_000)).expect("an answer");
    assert!(matches!(far.report, Report::SourceData(data) if data.address.ip().is_some()));
    let mut circle = well().with(Fault::ClientsInACircle);
    let Report::ClientAccesses(part) =
        ask(&mut circle, Body::ClientAccesses(ClientRange::from_index(7)))
            .expect("an answer")
            .report
    else {
        panic!("not the clients")
    };
    assert_eq!(part.goes_on_at(7), Some(8));
}

#[test]
fn its_limiter_answers_a_burst_and_then_one_at_a_time() {
    let limit = Fault::AnswersAtMost { burst: 3, each: Duration::from_secs(1) };
    let mut daemon = Chronyd::new(State::with_servers(1)).with(limit);
    let answers = |daemon: &mut Chronyd, at: u64| {
        ask_at(daemon, Duration::from_millis(at), Body::SourceCount).is_some()
    };
    assert_eq!(
        [0, 0, 0, 0, 0].map(|at| answers(&mut daemon, at)),
        [true, true, true, false, false]
    );
    assert!(!answers(&mut daemon, 900));
    assert!(answers(&mut daemon, 1100));
    assert!(!answers(&mut daemon, 1200));
}

#[test]
fn its_state_turns_after_so_many_requests() {
    let mut daemon = Chronyd::new(State::with_servers(3));
    daemon.turns.push((2, |state| {
        state.sources.remove(0);
    }));
    let counts =
        [(); 3].map(|()| match ask(&mut daemon, Body::SourceCount).expect("an answer").report {
            Report::SourceCount(count) => count,
            other => panic!("{other:?}"),
        });
    assert_eq!(counts, [3, 3, 2]);
}

#[test]
fn its_clients_are_walked_through_in_parts() {
    let mut state = State::with_servers(1);
    let mut clients: Vec<_> = (1..=20).map(crate::chronyd::client).collect();
    clients[3].address = Address::Unspecified;
    state.clients = Some(clients);
    let mut daemon = Chronyd::new(state);
    let mut seen = Vec::new();
    let mut next = Some(0);
    while let Some(index) = next {
        let body = Body::ClientAccesses(ClientRange::from_index(index));
        let Report::ClientAccesses(part) = ask(&mut daemon, body).expect("an answer").report else {
            panic!("not the clients")
        };
        assert!(part.clients.len() <= 8);
        seen.extend(part.clients.iter().map(|client| client.address.ip()));
        next = part.goes_on_at(index);
    }
    assert_eq!(seen.len(), 19);
    daemon.state.clients = None;
    let body = Body::ClientAccesses(ClientRange::from_index(0));
    assert_eq!(status(&mut daemon, body), Status::Inactive);
}
