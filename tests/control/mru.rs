//! The walk through the list of those who asked, through a pipeline and over a line that loses,
//! repeats and reorders.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use ntpscope::control::mru::{Ending, MruWalk, Step, Stop};
use ntpscope::control::pipeline::{Input, Output, Pipeline, Settings, Ticket};
use ntpscope::control::timing::Timing;
use ntpscope::model::question::Unreachable;
use ntpscope::model::{Dialect, Failure};
use ntpscope::units::{Mono, Now};
use ntpscope::wire::mode6::{ErrorCode, MAX_DATA, Message, Opcode, varlist};
use proptest::prelude::*;

use crate::daemon::ms;
use crate::line::Line;
use crate::world::{Answerer, Done, Machine, World};

/// A walk and the pipeline that carries it.
struct Walker {
    pipeline: Pipeline,
    walk: MruWalk,
    asked: Option<Ticket>,
    sends: VecDeque<Vec<u8>>,
    has_told: bool,
}

impl Walker {
    fn new(seed: u8) -> Self {
        let pipeline = Pipeline::new(Settings::new(Timing::ntpq(), [seed; 32]));
        Self {
            pipeline,
            walk: MruWalk::new(Vec::new()),
            asked: None,
            sends: VecDeque::new(),
            has_told: false,
        }
    }

    fn begin(&mut self, now: Now) {
        self.pipeline.set_dialect(Dialect::Classic);
        self.take(now);
    }

    /// Takes what the pipeline puts out, and asks on whenever an answer has come.
    fn take(&mut self, now: Now) {
        loop {
            if self.asked.is_none() {
                self.asked = match self.walk.next_step(now.mono) {
                    None => return,
                    Some(Step::Nonce(question)) => Some(self.pipeline.ask(now, question)),
                    Some(Step::Piece(question, wait)) => {
                        Some(self.pipeline.ask_once(now, question, wait))
                    }
                };
            }
            match self.pipeline.poll_output() {
                None => return,
                Some(Output::Send(datagram)) => self.sends.push_back(datagram),
                Some(Output::Answer(answer)) => {
                    assert_eq!(self.asked.take(), Some(answer.ticket));
                    self.walk.answered(now.mono, answer.result, answer.part.as_ref());
                }
                Some(_) => {}
            }
        }
    }
}

impl Machine for Walker {
    type Event = Ending;
    fn datagram(&mut self, now: Now, datagram: &[u8]) {
        self.pipeline.handle(now, Input::Datagram(datagram));
        self.take(now);
    }
    fn unreachable(&mut self, now: Now, why: Unreachable) {
        self.pipeline.handle(now, Input::Unreachable(why));
        self.take(now);
    }
    fn wake(&mut self, now: Now) {
        self.pipeline.handle(now, Input::Wakeup);
        self.take(now);
    }
    fn next_wakeup(&self) -> Option<Mono> {
        self.pipeline.next_wakeup()
    }
    fn in_flight(&self) -> usize {
        self.pipeline.in_flight()
    }
    fn poll(&mut self) -> Option<Done<Ending>> {
        if let Some(datagram) = self.sends.pop_front() {
            return Some(Done::Send(datagram));
        }
        let ending = self.walk.ending().filter(|_| !self.has_told).cloned()?;
        self.has_told = true;
        Some(Done::Event(ending))
    }
}

/// What a daemon with a list knows of somebody: address, last, count.
pub(crate) type Row = (SocketAddr, u64, u32);

/// A daemon with a list.
pub(crate) struct Lister {
    /// Oldest first.
    pub(crate) rows: Vec<Row>,
    /// One of so many questions has somebody ask again.
    pub(crate) touches: u32,
    /// With each question so many of the oldest are forgotten.
    pub(crate) ages: usize,
    pub(crate) questions: u32,
    /// All rows that ever were.
    pub(crate) ever: BTreeSet<Row>,
    pub(crate) is_closed: bool,
}

impl Lister {
    pub(crate) fn of(rows: u32) -> Self {
        let row = |n: u32| {
            let address = (Ipv4Addr::from_bits(0x0a00_0000 + n), 40_000).into();
            (address, u64::from(n) << 32 | 7, 1)
        };
        let rows: Vec<_> = (1..=rows).map(row).collect();
        let ever = rows.iter().copied().collect();
        Self { rows, touches: 0, ages: 0, questions: 0, ever, is_closed: false }
    }

    fn piece(&mut self, text: &str) -> Result<String, ErrorCode> {
        let items: BTreeMap<_, _> =
            varlist::items(text).filter_map(|item| Some((item.name, item.value?))).collect();
        assert_eq!(items["nonce"], "abc");
        let most = (items["frags"].parse::<usize>().unwrap() - 1) * MAX_DATA;
        let mut answer = String::new();
        let mut from = 0;
        if items.contains_key("addr.0") {
            let prior = |n: usize| {
                let address = items.get(format!("addr.{n}").as_str())?;
                let last = items.get(format!("last.{n}").as_str())?;
                self.rows
                    .iter()
                    .position(|(known, at, _)| known.to_string() == *address && stamp(*at) == *last)
            };
            let at = (0..16).find_map(prior).ok_or(ErrorCode::UnknownVariable)?;
            let (address, last, _) = self.rows[at];
            write!(answer, "last.older={}, addr.older={address}, ", stamp(last)).unwrap();
            from = at + 1;
        }
        answer.push_str("nonce=abc");
        let mut whole = true;
        for (n, (address, last, count)) in self.rows[from..].iter().enumerate() {
            if answer.len() >= most {
                whole = false;
                break;
            }
            write!(
                answer,
                ", addr.{n}={address}, last.{n}={}, first.{n}=0x00000001.00000001, ct.{n}={count}, \
                 mv.{n}=35, rs.{n}=0x0",
                stamp(*last)
            )
            .unwrap();
        }
        if whole {
            answer.push_str(", now=0xf0000000.00000000");
            if from < self.rows.len()
                && let Some((_, last, _)) = self.rows.last()
            {
                write!(answer, ", last.newest={}", stamp(*last)).unwrap();
            }
        }
        if self.touches > 0 && self.questions.is_multiple_of(self.touches) {
            let place = self.questions as usize * 31 % self.rows.len();
            let (address, _, count) = self.rows.remove(place);
            let last = u64::from(1_000_000 + self.questions) << 32;
            self.rows.push((address, last, count + 1));
            self.ever.insert((address, last, count + 1));
        }
        self.rows.drain(..self.ages.min(self.rows.len() - 1));
        self.questions += 1;
        Ok(answer)
    }
}

fn stamp(last: u64) -> String {
    format!("0x{:08x}.{:08x}", last >> 32, last & 0xffff_ffff)
}

impl Answerer for Lister {
    fn answer(&mut self, _: Mono, request: &[u8]) -> Vec<(Duration, Vec<u8>)> {
        let request = Message::parse(request).unwrap();
        let text = std::str::from_utf8(request.data).unwrap();
        let answer = match request.opcode {
            Opcode::RequestNonce => Ok("nonce=abc\r\n".to_owned()),
            _ => self.piece(text),
        };
        let reply = Message { response: true, trailer: &[], ..request };
        match answer {
            Err(code) => {
                let refusal = Message {
                    error: true,
                    status: u16::from(code.bits()) << 8,
                    data: &[],
                    ..reply
                };
                vec![(Duration::ZERO, refusal.emit())]
            }
            Ok(text) => {
                let pieces: Vec<_> = text.as_bytes().chunks(MAX_DATA).collect();
                let emit = |(n, data): (usize, &&[u8])| {
                    let offset = u16::try_from(n * MAX_DATA).unwrap();
                    let more = n + 1 < pieces.len();
                    (Duration::ZERO, Message { more, offset, data, ..reply.clone() }.emit())
                };
                pieces.iter().enumerate().map(emit).collect()
            }
        }
    }
    fn is_closed(&self) -> bool {
        self.is_closed
    }
}

fn walk(lister: Lister, line: Line, seed: u8, span: Duration) -> (World<Walker, Lister>, Duration) {
    let mut world = World::new(u64::from(seed), Walker::new(seed), lister, line);
    world.input(Walker::begin);
    let took = world.run_until(span, |world| !world.events.is_empty());
    (world, took)
}

/// What was read must be what the daemon has, row by row and in its order.
fn assert_whole(world: &World<Walker, Lister>) {
    let Some((_, Ending::Complete(_))) = world.events.first() else {
        panic!("{:?}", world.events);
    };
    let list = world.machine.walk.list();
    let read: Vec<_> =
        list.newest_first().map(|entry| (entry.address, entry.last.bits(), entry.count)).collect();
    let known: Vec<_> = world.daemon.rows.iter().rev().copied().collect();
    assert_eq!(read.len(), known.len());
    assert_eq!(read, known);
}

#[test]
fn fifty_thousand_take_little_more_than_a_hundred_round_trips() {
    let line = Line::perfect(ms(25));
    let (world, took) = walk(Lister::of(50_000), line, 1, Duration::from_secs(60));
    assert_whole(&world);
    assert!(took < Duration::from_secs(7), "a third of the 22 s that ntpq takes: {took:?}");
    assert!(world.sent.len() < 130, "{}", world.sent.len());
}

#[test]
fn one_lost_in_twenty_only_slows_it() {
    let mut line = Line::bad(3, 5, ms(3));
    line.duplication = 0;
    let (world, took) = walk(Lister::of(20_000), line, 3, Duration::from_secs(600));
    assert_whole(&world);
    assert!(took < Duration::from_secs(90), "{took:?}");
    assert!(world.machine.walk.tally().lost > 50);
}

#[test]
fn a_daemon_that_goes_away_leaves_what_was_read() {
    let mut world = World::new(4, Walker::new(4), Lister::of(20_000), Line::perfect(ms(5)));
    world.input(Walker::begin);
    world.run_for(ms(100));
    let read = world.machine.walk.list().len();
    assert!(read > 1000, "{read}");
    world.daemon.is_closed = true;
    world.run_until(Duration::from_secs(60), |world| !world.events.is_empty());
    let why = Failure::Unreachable(Unreachable::PortClosed);
    assert_eq!(world.events[0].1, Ending::Partial(Stop::Failed(why)));
    assert!(world.machine.walk.list().len() >= read);
}

#[test]
fn nothing_but_silence_ends_it_in_time() {
    let mut line = Line::perfect(ms(5));
    line.loss = 100;
    let (world, took) = walk(Lister::of(10), line, 5, Duration::from_secs(60));
    let (_, Ending::Partial(Stop::NoNonce(Failure::Unanswered { .. }))) = &world.events[0] else {
        panic!("{:?}", world.events);
    };
    assert!(took <= Duration::from_secs(10), "{took:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn on_any_line_it_reads_what_is_there_or_says_that_it_is_partial(
        seed in any::<u8>(), loss in 0_u32..12, spread in 0_u64..60, touches in 0_u32..5,
    ) {
        let lister = Lister { touches, ..Lister::of(900) };
        let mut line = Line::bad(seed.into(), loss, ms(spread));
        if touches > 0 {
            // A question that arrives twice has two answers that differ, and nothing in the
            // protocol tells their parts from each other.
            line.duplication = 0;
        }
        let (world, _) = walk(lister, line, seed, Duration::from_secs(900));
        match &world.events[0].1 {
            // A row that asked again after the last piece is not in it yet.
            Ending::Complete(_) if touches == 0 => assert_whole(&world),
            Ending::Complete(_) => prop_assert_eq!(world.machine.walk.list().len(), 900),
            Ending::Partial(stop) => {
                prop_assert!(matches!(stop, Stop::Failed(_) | Stop::NoNonce(_)), "{:?}", stop);
                prop_assert!(loss > 0);
            }
        }
    }
}
