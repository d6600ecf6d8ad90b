//! The list of clients as the screens show it: read over a line that loses, repeats and reorders,
//! from a daemon that forgets, and from one that limits us.

use std::collections::BTreeSet;
use std::time::Duration;

use ntpscope::control::clients::{ClientsReader, Input, Output, left};
use ntpscope::control::pipeline::Settings;
use ntpscope::control::timing::Timing;
use ntpscope::control::watcher::{self, Watcher};
use ntpscope::model::mru::{Monitored, Reading};
use ntpscope::model::question::Unreachable;
use ntpscope::model::{Contact, Daemon as Snapshot, Dialect, Interest, Part};
use ntpscope::units::{Mono, Now};
use ntpscope::wire::mode6::{Message, Opcode};

use crate::daemon::{Daemon, Limiter, ms};
use crate::line::Line;
use crate::mru::{Lister, Row};
use crate::watching::{ADDRESS, s};
use crate::world::{Answerer, Done, Machine, World};

impl Machine for ClientsReader {
    type Event = Part<Monitored>;
    fn datagram(&mut self, now: Now, datagram: &[u8]) {
        self.handle(now, Input::Datagram(datagram));
    }
    fn unreachable(&mut self, now: Now, why: Unreachable) {
        self.handle(now, Input::Unreachable(why));
    }
    fn wake(&mut self, now: Now) {
        self.handle(now, Input::Wakeup);
    }
    fn next_wakeup(&self) -> Option<Mono> {
        Self::next_wakeup(self)
    }
    fn in_flight(&self) -> usize {
        Self::in_flight(self)
    }
    fn poll(&mut self) -> Option<Done<Part<Monitored>>> {
        Some(match self.poll_output()? {
            Output::Send(bytes) => Done::Send(bytes),
            Output::News(list) => Done::Event(list),
        })
    }
    fn words(event: &Part<Monitored>) -> String {
        let list = event.latest();
        format!("{:?} {:?}", list.map(|list| (list.count, &list.reading)), event.trouble())
    }
}

type Reads = World<ClientsReader, Lister>;

fn read(seed: u8, dialect: Dialect, lister: Lister, line: Line) -> Reads {
    let reader = ClientsReader::new(dialect, false, Part::not_asked(), [seed; 32]);
    let mut world = World::new(seed.into(), reader, lister, line);
    world.input(Machine::wake);
    world
}

/// The rows of a picture.
fn rows(list: &Monitored) -> BTreeSet<Row> {
    let entries = list.rows.places().filter_map(|place| list.rows.at(place));
    entries.map(|entry| (entry.address, entry.last.bits(), entry.count)).collect()
}

fn reading<M: Machine<Event = Part<Monitored>>, D>(world: &World<M, D>) -> Option<&Reading> {
    world.events.last()?.1.latest().map(|list| &list.reading)
}

/// Whether a first reading has ended, whatever came of it.
fn has_ended(world: &Reads) -> bool {
    let Some((_, list)) = world.events.last() else { return false };
    list.trouble().is_some() || !matches!(reading(world), Some(Reading::UnderWay) | None)
}

/// What holds of all that is told during a first reading.
fn judge(world: &Reads) {
    let mut before = 0;
    for (_, told) in &world.events {
        let Some(list) = told.latest() else {
            assert!(told.trouble().is_some(), "neither rows nor a reason");
            continue;
        };
        let rows = rows(list);
        assert_eq!(rows.len(), list.count, "as many as are counted");
        assert!(rows.is_subset(&world.daemon.ever), "rows that never were");
        match &list.reading {
            Reading::UnderWay => assert!(list.count > 0, "the first news have rows"),
            Reading::Complete => {
                let listed = |(address, ..): &Row| rows.iter().any(|row| row.0 == *address);
                assert!(world.daemon.rows.iter().all(listed), "said to be all, and is not");
            }
            Reading::Partial { why } => assert!(why.len() > 10 && list.count >= before / 2),
            other => panic!("{other:?} of a list that was never read before"),
        }
        before = list.count;
    }
}

/// How a reading of `lister` over lines of this loss ends for each of some seeds: how many are
/// complete.
fn readings(loss: u32, dialect: Dialect, lister: impl Fn() -> Lister) -> usize {
    let mut complete = 0;
    for seed in 0..SEEDS {
        let lister = lister();
        let mut line = Line::bad(seed.into(), loss, ms(40));
        if lister.touches > 0 {
            // A question that arrives twice has two answers that differ, and nothing in the
            // protocol tells their parts from each other.
            line.duplication = 0;
        }
        let mut world = read(seed, dialect, lister, line);
        world.run_until(LONGEST, has_ended);
        judge(&world);
        assert!(world.sent.len() < MOST_DATAGRAMS, "{} datagrams", world.sent.len());
        complete += usize::from(reading(&world) == Some(&Reading::Complete));
    }
    complete
}

#[test]
fn a_list_comes_whole_over_a_line_that_loses_one_in_twenty() {
    for dialect in [Dialect::Classic, Dialect::Ntpsec] {
        assert_eq!(readings(5, dialect, || Lister::of(2000)), usize::from(SEEDS));
    }
}

#[test]
fn over_a_line_that_loses_one_in_five_it_comes_whole_or_is_said_to_be_partial() {
    for dialect in [Dialect::Classic, Dialect::Ntpsec] {
        let complete = readings(20, dialect, || Lister::of(2000));
        assert!(complete * 4 >= usize::from(SEEDS) * 3, "only {complete} of {SEEDS}");
    }
}

#[test]
fn entries_that_change_and_age_while_they_are_read_are_neither_invented_nor_missed() {
    for (loss, touches, ages) in [(0, 1, 1), (5, 1, 3), (5, 2, 40), (20, 1, 3)] {
        let lister = || Lister { touches, ages, ..Lister::of(2000) };
        let complete = readings(loss, Dialect::Classic, lister);
        assert!(complete > usize::from(SEEDS) / 2, "only {complete} of {SEEDS} at {loss} %");
    }
}

#[test]
fn the_list_that_was_whole_stays_in_sight_when_the_line_breaks() {
    let mut world = read(1, Dialect::Classic, Lister::of(900), Line::perfect(ms(20)));
    world.run_until(s(60), has_ended);
    let whole = world.events.last().unwrap().1.clone();
    world.line = Line::bad(3, 20, ms(40));
    world.input(|reader, now| reader.handle(now, Input::Hurry));
    world.run_until(s(600), |world| matches!(reading(world), Some(Reading::Again { .. })));
    let shown = &world.events.last().unwrap().1;
    assert_eq!(
        (rows(shown.latest().unwrap()), shown.dated()),
        (rows(whole.latest().unwrap()), whole.dated())
    );
    world.line.loss = 100;
    world.run_until(s(600), |world| matches!(reading(world), Some(Reading::Kept { .. })));
    let shown = &world.events.last().unwrap().1;
    assert_eq!(
        (rows(shown.latest().unwrap()), shown.dated()),
        (rows(whole.latest().unwrap()), whole.dated())
    );
    world.line.loss = 0;
    world.run_until(s(600), |world| reading(world) == Some(&Reading::Complete));
    assert_ne!(world.events.last().unwrap().1.dated(), whole.dated());
}

#[test]
fn a_list_that_is_left_half_read_is_said_to_be_and_read_again_at_once() {
    let line = Line::bad(1, 5, ms(40));
    let mut world = read(1, Dialect::Classic, Lister::of(2000), line.clone());
    world.run_until(s(60), |world| !world.events.is_empty());
    let half = left(&world.events.last().unwrap().1);
    let list = half.latest().unwrap();
    assert!(matches!(&list.reading, Reading::Partial { why } if why.contains("broken off")));
    assert!(list.count > 0 && list.count < 2000);
    let reader = ClientsReader::new(Dialect::Classic, false, half, [2; 32]);
    let mut world = World::new(2, reader, Lister::of(2000), line);
    world.input(Machine::wake);
    assert!(!world.sent.is_empty(), "it begins at once");
    let whole = {
        world.run_until(s(300), has_ended);
        world.events.last().unwrap().1.clone()
    };
    assert_eq!(whole.latest().unwrap().reading, Reading::Complete);
    let reader = ClientsReader::new(Dialect::Classic, false, left(&whole), [3; 32]);
    let mut world = World::new(3, reader, Lister::of(2000), Line::perfect(ms(20)));
    world.now = whole.dated().unwrap().answered;
    world.input(Machine::wake);
    assert!(world.sent.is_empty(), "what is fresh is left alone");
}

/// Both who ask a daemon while its clients are on screen, from one address.
struct Both {
    watcher: Watcher,
    reader: Option<ClientsReader>,
}

/// What either tells.
enum Told {
    Daemon(Box<Snapshot>),
    List(Part<Monitored>),
}

impl std::fmt::Debug for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Daemon(daemon) => write!(f, "{:?}", daemon.contact),
            Self::List(list) => f.write_str(&ClientsReader::words(list)),
        }
    }
}

impl Machine for Both {
    type Event = Told;
    fn datagram(&mut self, now: Now, datagram: &[u8]) {
        let opcode = Message::parse(datagram).unwrap().opcode;
        match &mut self.reader {
            Some(reader) if matches!(opcode, Opcode::RequestNonce | Opcode::ReadMru) => {
                reader.handle(now, Input::Datagram(datagram));
            }
            _ => self.watcher.handle(now, watcher::Input::Datagram(datagram)),
        }
    }
    fn unreachable(&mut self, now: Now, why: Unreachable) {
        self.watcher.handle(now, watcher::Input::Unreachable(why));
    }
    fn wake(&mut self, now: Now) {
        self.watcher.handle(now, watcher::Input::Wakeup);
        if let Some(reader) = &mut self.reader {
            reader.handle(now, Input::Wakeup);
        }
    }
    fn next_wakeup(&self) -> Option<Mono> {
        let reader = self.reader.as_ref().and_then(ClientsReader::next_wakeup);
        [self.watcher.next_wakeup(), reader].into_iter().flatten().min()
    }
    fn in_flight(&self) -> usize {
        self.reader.as_ref().map_or(0, ClientsReader::in_flight)
    }
    fn poll(&mut self) -> Option<Done<Told>> {
        match self.watcher.poll_output() {
            Some(watcher::Output::Send(bytes)) => return Some(Done::Send(bytes)),
            Some(watcher::Output::Snapshot(daemon)) => {
                return Some(Done::Event(Told::Daemon(Box::new(Snapshot::clone(&daemon)))));
            }
            Some(other) => panic!("{other:?} is new"),
            None => {}
        }
        Some(match self.reader.as_mut()?.poll_output()? {
            Output::Send(bytes) => Done::Send(bytes),
            Output::News(list) => Done::Event(Told::List(list)),
        })
    }
}

/// A daemon with associations and a list, whose limiter counts all that comes.
struct Strict {
    daemon: Daemon,
    lister: Lister,
    limiter: Limiter,
    heard: u32,
    /// Of so many that the limiter would pass, one falls all the same.
    falls: u32,
}

impl Answerer for Strict {
    fn answer(&mut self, now: Mono, request: &[u8]) -> Vec<(Duration, Vec<u8>)> {
        self.heard += 1;
        if !self.limiter.lets_pass(now) || (self.falls > 0 && self.heard.is_multiple_of(self.falls))
        {
            return Vec::new();
        }
        match Message::parse(request).unwrap().opcode {
            Opcode::RequestNonce | Opcode::ReadMru => self.lister.answer(now, request),
            _ => Answerer::answer(&mut self.daemon, now, request),
        }
    }
    fn is_closed(&self) -> bool {
        false
    }
}

#[test]
fn a_daemon_that_limits_us_is_read_slowly_and_neither_conversation_is_lost() {
    for (limiter, falls) in [(Limiter::LIMITED, 0), (Limiter::KOD, 0), (Limiter::KOD, 7)] {
        for seed in 0..4 {
            let watcher = Watcher::new(Settings::new(Timing::live(), [seed; 32]));
            let both = Both { watcher, reader: None };
            let daemon = Strict {
                daemon: Daemon::ntpsec(1..=12),
                lister: Lister { touches: 3, ..Lister::of(4000) },
                limiter,
                heard: 0,
                falls,
            };
            let mut world = World::new(seed.into(), both, daemon, Line::perfect(ms(10)));
            world.input(|both, now| {
                let watcher = &mut both.watcher;
                watcher.handle(now, watcher::Input::Address(ADDRESS.parse().unwrap()));
                let interest = Interest { visible: true, ..Interest::default() };
                watcher.handle(now, watcher::Input::Interest(interest));
            });
            world.run_for(s(30));
            world.input(|both, now| {
                let list = Part::not_asked();
                let mut reader = ClientsReader::new(Dialect::Ntpsec, seed % 2 == 0, list, [9; 32]);
                reader.handle(now, Input::Wakeup);
                both.reader = Some(reader);
            });
            world.run_until(s(900), |world| {
                world.events.iter().any(|(_, told)| match told {
                    Told::List(list) => {
                        let list = list.latest();
                        list.is_some_and(|list| !matches!(list.reading, Reading::UnderWay))
                    }
                    Told::Daemon(_) => false,
                })
            });
            let mut ending = None;
            for (at, told) in &world.events {
                match told {
                    Told::Daemon(daemon) if at.since(Mono::default()) > s(1) => {
                        let contact = &daemon.contact;
                        let is_there = matches!(
                            contact,
                            Contact::Answering { .. } | Contact::RateLimited { .. }
                        );
                        assert!(is_there, "{contact:?} at {at:?}");
                    }
                    Told::List(list) => ending = list.latest(),
                    Told::Daemon(_) => {}
                }
            }
            let list = ending.unwrap();
            assert_eq!((&list.reading, list.count), (&Reading::Complete, 4000));
            assert!(rows(list).is_subset(&world.daemon.lister.ever));
            // Thirty seconds of one conversation, and then what two need of a slow daemon.
            assert!(world.sent.len() < 200, "{} sent", world.sent.len());
        }
    }
}

/// Lines that each is tried on.
const SEEDS: u8 = 12;

/// How long a reading may take, and how many datagrams.
const LONGEST: Duration = Duration::from_secs(900);
const MOST_DATAGRAMS: usize = 1200;
