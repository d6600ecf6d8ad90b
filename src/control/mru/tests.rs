use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};

use super::*;
use crate::model::Dated;
use crate::units::Mode;
use crate::wire::mode6::varlist;

/// A daemon's list, and how the daemon is about it.
#[derive(Default)]
struct Server {
    /// Oldest first.
    rows: Vec<MruEntry>,
    /// Knows no `frags`.
    is_old: bool,
    /// The questions for pieces that it got.
    questions: Vec<String>,
    nonces: u32,
    now: Mono,
}

fn entry(number: u32, last_s: u32) -> MruEntry {
    MruEntry {
        address: (Ipv4Addr::from_bits(0x0a00_0000 + number), 123).into(),
        last: NtpTimestamp::from_bits(u64::from(last_s) << 32 | 0x8000_0000),
        first: NtpTimestamp::from_bits(1 << 32),
        count: 3,
        mode: Mode::Client,
        version: 4,
        restrictions: 0x40,
        dropped: 0,
        score: 0.0,
    }
}

fn stamp(last: NtpTimestamp) -> String {
    format!("{:#010x}.{:08x}", last.seconds(), last.fraction())
}

impl Server {
    fn of(rows: u32) -> Self {
        Self { rows: (1..=rows).map(|n| entry(n, n)).collect(), ..Self::default() }
    }

    /// Has an address ask again.
    fn touch(&mut self, number: u32, last_s: u32) {
        let fresh = entry(number, last_s);
        self.rows.retain(|row| row.address != fresh.address);
        self.rows.push(fresh);
    }

    fn answer(&mut self, text: &str) -> Result<String, ErrorCode> {
        self.questions.push(text.to_owned());
        let value = |name: &str| {
            let item = varlist::items(text).find(|item| item.name == name)?;
            item.value.map(str::to_owned)
        };
        let number = |name: &str| value(name).and_then(|text| text.parse::<usize>().ok());
        let most = match (number("frags"), number("limit")) {
            (Some(_), _) if self.is_old => return Err(ErrorCode::BadValue),
            (Some(frags), _) => (frags - 1) * 4,
            (None, Some(limit)) => limit,
            (None, None) => return Err(ErrorCode::BadValue),
        };
        let mut from = 0;
        let mut answer = String::new();
        if value("addr.0").is_some() {
            let known = (0..16).find_map(|n| {
                let address: SocketAddr = value(&format!("addr.{n}"))?.parse().ok()?;
                let last = value(&format!("last.{n}"))?;
                let at = self.rows.iter().position(|row| row.address == address)?;
                (stamp(self.rows[at].last) == last).then_some(at)
            });
            let at = known.ok_or(ErrorCode::UnknownVariable)?;
            let row = self.rows[at];
            write!(answer, "last.older={}, addr.older={}, ", stamp(row.last), row.address).unwrap();
            from = at + 1;
        }
        self.nonces += 1;
        write!(answer, "nonce=n{}", self.nonces).unwrap();
        for (n, row) in self.rows[from..].iter().take(most).enumerate() {
            write!(
                answer,
                ", addr.{n}={}, last.{n}={}, first.{n}={}, ct.{n}={}, mv.{n}=35, rs.{n}=0x40, \
                 aBc.{n}=1",
                row.address,
                stamp(row.last),
                stamp(row.first),
                row.count
            )
            .unwrap();
        }
        if from + most >= self.rows.len() {
            answer.push_str(", now=0xffff0000.00000000\r\n");
        }
        Ok(answer)
    }

    fn reply(&self, text: &str) -> Reply {
        let dated = Dated { asked: self.now, answered: self.now, ..Dated::default() };
        Reply::new(0, text.as_bytes(), 1, dated)
    }

    /// Walks to the end; `between` happens to the server after each piece.
    fn walk(&mut self, walk: &mut MruWalk, mut between: impl FnMut(&mut Self, usize)) {
        for piece in 0..200_000 {
            match walk.next_step(self.now) {
                None => return,
                Some(Step::Nonce(_)) => {
                    walk.answered(self.now, Ok(self.reply("nonce=first\r\n")), None);
                }
                Some(Step::Piece(question, _)) => {
                    let text = String::from_utf8(question.data).unwrap();
                    let result = self.answer(&text).map_err(Failure::Refused);
                    let result = result.map(|text| self.reply(&text));
                    walk.answered(self.now, result, None);
                    between(self, piece);
                }
            }
        }
        panic!("the walk does not come to an end");
    }
}

fn numbers(walk: &MruWalk) -> Vec<u32> {
    let number = |entry: MruEntry| match entry.address.ip() {
        std::net::IpAddr::V4(ip) => ip.to_bits() - 0x0a00_0000,
        std::net::IpAddr::V6(_) => 0,
    };
    walk.list().newest_first().map(number).collect()
}

fn is_complete(walk: &MruWalk) -> bool {
    matches!(walk.ending(), Some(Ending::Complete(_)))
}

#[test]
fn a_list_is_read_whole_in_few_pieces() {
    let mut server = Server::of(5000);
    let mut walk = MruWalk::new(vec!["mincount=2".into()]);
    server.walk(&mut walk, |_, _| {});
    assert!(is_complete(&walk));
    assert_eq!(numbers(&walk), (1..=5000).rev().collect::<Vec<_>>());
    assert_eq!(walk.tally(), Tally { pieces: 12, ..Tally::default() });
    let asked = |n: usize| server.questions[n].clone();
    assert_eq!(asked(0), "nonce=first, frags=32, mincount=2");
    assert!(asked(1).starts_with("nonce=n1, frags=64, mincount=2, addr.0=10.0.0.124:123, last.0="));
    assert!(asked(2).starts_with("nonce=n2, frags=128, "));
    assert!(asked(11).starts_with("nonce=n11, frags=128, "));
    assert_eq!(walk.now().unwrap().seconds(), 0xffff_0000);
}

#[test]
fn an_empty_list_is_complete_too() {
    let mut walk = MruWalk::new(Vec::new());
    Server::of(0).walk(&mut walk, |_, _| {});
    assert!(is_complete(&walk) && walk.list().is_empty());
}

#[test]
fn rows_that_move_while_they_are_read_come_once_and_newest() {
    let mut server = Server::of(3000);
    let mut walk = MruWalk::new(Vec::new());
    // What was just read asks again, the newest that we have among it.
    server.walk(&mut walk, |server, piece| {
        let base = u32::try_from(piece).unwrap();
        if piece < 8 {
            server.touch(124, 10_000 + base * 10);
            server.touch(1 + base, 10_001 + base * 10);
        }
    });
    assert!(is_complete(&walk));
    assert_eq!(walk.list().len(), 3000);
    let as_it_is: Vec<_> = server.rows.iter().rev().map(|row| row.last).collect();
    let as_read: Vec<_> = walk.list().newest_first().map(|entry| entry.last).collect();
    assert_eq!(as_read, as_it_is);
    assert!(walk.tally().updates > 0);
}

#[test]
fn rows_that_the_daemon_has_dropped_meanwhile_are_not_kept() {
    let mut server = Server::of(3000);
    let mut walk = MruWalk::new(Vec::new());
    server.walk(&mut walk, |server, piece| {
        if piece == 1 {
            // All that was read of late, and more than one question can name.
            server.rows.drain(100..372);
        }
    });
    assert!(is_complete(&walk));
    assert_eq!(walk.list().len(), server.rows.len());
    assert!(walk.tally().restarts <= 1);
}

#[test]
fn a_daemon_that_starts_anew_is_read_anew() {
    let mut server = Server::of(3000);
    let mut walk = MruWalk::new(Vec::new());
    server.walk(&mut walk, |server, piece| {
        if piece == 3 {
            server.rows = (5000..5500).map(|n| entry(n, n)).collect();
        }
    });
    assert!(is_complete(&walk));
    assert_eq!(numbers(&walk), (5000..5500).rev().collect::<Vec<_>>());
    assert_eq!(walk.tally().restarts, 1);
}

#[test]
fn a_daemon_that_forgets_all_the_time_is_left() {
    let mut server = Server::of(3000);
    let mut walk = MruWalk::new(Vec::new());
    let mut next = 10_000;
    server.walk(&mut walk, |server, _| {
        server.rows = (next..next + 3000).map(|n| entry(n, n)).collect();
        next += 3000;
    });
    assert_eq!(walk.ending(), Some(&Ending::Partial(Stop::Forgetful)));
}

#[test]
fn a_daemon_without_frags_is_asked_for_rows() {
    let mut server = Server { is_old: true, ..Server::of(1000) };
    let mut walk = MruWalk::new(Vec::new());
    server.walk(&mut walk, |_, _| {});
    assert!(is_complete(&walk) && walk.list().len() == 1000);
    assert!(server.questions[1].starts_with("nonce=first, limit=96"));
}

/// Answers all questions for pieces with what `answer` makes of their number.
fn told(answer: impl Fn(u32) -> String) -> MruWalk {
    let server = Server::default();
    let mut walk = MruWalk::new(Vec::new());
    for piece in 0..2_000_000 {
        let text = match walk.next_step(Mono::default()) {
            None => return walk,
            Some(Step::Nonce(_)) => "nonce=n".to_owned(),
            Some(Step::Piece(question, _)) => {
                let text = String::from_utf8(question.data).unwrap();
                let mut older = String::new();
                for item in varlist::items(&text) {
                    if let (Some(name), Some(value)) = (item.name.strip_suffix(".0"), item.value) {
                        write!(older, "{name}.older={value}, ").unwrap();
                    }
                }
                older + &answer(piece)
            }
        };
        walk.answered(Mono::default(), Ok(server.reply(&text)), None);
    }
    panic!("the walk does not come to an end");
}

fn row(n: usize, number: u32, last: u32) -> String {
    let ip = Ipv4Addr::from_bits(number);
    format!(
        "addr.{n}={ip}:123, last.{n}={last:#010x}.80000000, first.{n}=0x00000001.00000001, \
         ct.{n}=1, mv.{n}=35, rs.{n}=0x0, "
    )
}

#[test]
fn a_daemon_without_end_is_left_in_time() {
    let ending = |walk: &MruWalk| walk.ending().cloned();
    let same = told(|_| row(0, 7, 7));
    assert_eq!(ending(&same), Some(Ending::Partial(Stop::Stalled)));
    let nothing = told(|_| String::new());
    assert_eq!(ending(&nothing), Some(Ending::Partial(Stop::Stalled)));
    let back_and_forth = told(|piece| (0..50).map(|n| row(n, 7, piece % 2 + 1)).collect());
    assert_eq!(ending(&back_and_forth), Some(Ending::Partial(Stop::Busy)));
    let everybody =
        told(|piece| (0..500).map(|n| row(n as usize, piece * 500 + n + 1, piece + 1)).collect());
    assert_eq!(ending(&everybody), Some(Ending::Partial(Stop::Full)));
    assert_eq!(everybody.list().len(), list::MOST_ENTRIES);
}

#[test]
fn a_daemon_that_takes_back_what_it_tells_is_left_in_time() {
    // Goes on behind an older row each time, or knows none, and tells the same again.
    for forgets in [false, true] {
        let server = Server::default();
        let mut walk = MruWalk::new(Vec::new());
        for piece in 0..20_000 {
            let Some(step) = walk.next_step(Mono::default()) else { break };
            let mut text = "nonce=n, ".to_owned();
            if let Step::Piece(question, _) = step {
                let asked = String::from_utf8(question.data).unwrap();
                let value = |name| varlist::items(&asked).find(|item| item.name == name)?.value;
                if forgets && piece % 2 == 0 && asked.contains("addr.0") {
                    let refusal = Failure::Refused(ErrorCode::UnknownVariable);
                    walk.answered(Mono::default(), Err(refusal), None);
                    continue;
                }
                let place = if asked.contains("addr.3") { 3 } else { 0 };
                let (last, address) = (format!("last.{place}"), format!("addr.{place}"));
                if let (Some(last), Some(address)) = (value(&last), value(&address)) {
                    text = format!("last.older={last}, addr.older={address}, nonce=n, ");
                }
                text.extend((0..40).map(|n| row(n, u32::try_from(n).unwrap() + 1, 5)));
            }
            walk.answered(Mono::default(), Ok(server.reply(&text)), None);
        }
        assert!(matches!(walk.ending(), Some(Ending::Partial(_))), "{forgets}");
    }
}

fn lose(walk: &mut MruWalk, now: Mono) -> Option<(String, Duration)> {
    match walk.next_step(now)? {
        Step::Nonce(_) => {
            let dated = Dated { asked: now, answered: now, ..Dated::default() };
            walk.answered(now, Ok(Reply::new(0, &b"nonce=n"[..], 1, dated)), None);
            lose(walk, now)
        }
        Step::Piece(question, wait) => {
            let silence = Failure::Unanswered { attempts: 1, waited: wait };
            walk.answered(now + wait, Err(silence), None);
            Some((String::from_utf8(question.data).unwrap(), wait))
        }
    }
}

#[test]
fn silence_is_met_with_less_at_once_and_more_patience() {
    let mut walk = MruWalk::new(Vec::new());
    let mut now = Mono::default();
    let mut asked = Vec::new();
    while let Some((text, wait)) = lose(&mut walk, now) {
        now = now + wait;
        asked.push((text, wait.as_millis()));
    }
    let frags: Vec<_> = asked.iter().map(|(text, _)| text.as_str()).collect();
    assert_eq!(
        frags,
        [32, 16, 8, 4, 2, 2].map(|n| format!("nonce=n, frags={n}")).each_ref().map(String::as_str)
    );
    let waits: Vec<_> = asked.iter().map(|(_, wait)| *wait).collect();
    assert_eq!(waits, [1000, 2000, 4000, 5000, 5000, 5000]);
    let Some(Ending::Partial(Stop::Failed(Failure::Unanswered { .. }))) = walk.ending() else {
        panic!("{:?}", walk.ending());
    };
}

#[test]
fn the_beginning_of_a_broken_answer_is_used() {
    let mut server = Server::of(1000);
    let mut walk = MruWalk::new(Vec::new());
    let mut broken = 0;
    for piece in 0..10_000 {
        match walk.next_step(server.now) {
            None => break,
            Some(Step::Nonce(_)) => {
                walk.answered(server.now, Ok(server.reply("nonce=first")), None);
            }
            Some(Step::Piece(question, _)) => {
                let text = String::from_utf8(question.data).unwrap();
                let whole = server.answer(&text).unwrap();
                if piece % 3 == 0 {
                    walk.answered(server.now, Ok(server.reply(&whole)), None);
                } else {
                    // Even its end is not believed while there is a gap before it.
                    broken += 1;
                    let part = server.reply(&whole[..whole.len() * 2 / 3]);
                    let failure = Failure::Incomplete { attempts: 1 };
                    walk.answered(server.now, Err(failure), Some(&part));
                }
            }
        }
    }
    assert!(is_complete(&walk) && broken > 5);
    assert_eq!(numbers(&walk), (1..=1000).rev().collect::<Vec<_>>());
    assert_eq!(walk.tally().lost, broken);
}

#[test]
fn a_nonce_is_renewed_before_the_daemon_takes_it_no_more() {
    let mut server = Server::of(2000);
    let mut walk = MruWalk::new(Vec::new());
    server.walk(&mut walk, |server, _| server.now = server.now + Duration::from_secs(13));
    assert!(is_complete(&walk));
    assert!(server.questions.iter().all(|text| text.starts_with("nonce=first, ")));
}

#[test]
fn refusals_and_strange_answers_end_it() {
    let mut walk = MruWalk::new(Vec::new());
    let now = Mono::default();
    walk.next_step(now);
    walk.answered(now, Ok(Server::default().reply("version=\"x\"")), None);
    assert_eq!(walk.ending(), Some(&Ending::Partial(Stop::StrangeNonce)));
    for (code, stop) in [
        (ErrorCode::UnknownVariable, Stop::NothingNamed),
        (ErrorCode::Permission, Stop::Failed(Failure::Refused(ErrorCode::Permission))),
    ] {
        let mut walk = MruWalk::new(Vec::new());
        walk.next_step(now);
        walk.answered(now, Ok(Server::default().reply("nonce=n")), None);
        walk.next_step(now);
        walk.answered(now, Err(Failure::Refused(code)), None);
        assert_eq!(walk.ending(), Some(&Ending::Partial(stop)));
        assert_eq!(walk.next_step(now), None);
    }
}
