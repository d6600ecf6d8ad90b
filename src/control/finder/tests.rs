//! Lines whose watchers do as the test says, in virtual time.

use proptest::prelude::*;

use super::*;
use crate::control::chrony::Transport;
use crate::control::watcher::Input as On;
use crate::model::question::Unreachable;
use crate::model::{Absent, Contact, Failure};
use crate::wire::Malformed;
use crate::wire::mode6::ErrorCode;

const UNIX: Kind = Kind::Chronyd(Transport::Unix);
const MODE_6: Kind = Kind::ControlMessages;
const UDP: Kind = Kind::Chronyd(Transport::Udp);

/// Asks once a second; its contact is what the last datagram says by its first letter.
#[derive(Clone, Debug)]
struct Fake {
    kind: Kind,
    contact: Contact,
    due: Option<Mono>,
    outputs: VecDeque<watcher::Output>,
}

impl Fake {
    fn ask(&mut self, now: Mono) {
        self.due = Some(now + ms(1000));
        self.outputs.push_back(watcher::Output::Send(vec![self.kind.preference()]));
    }

    fn tell(&mut self, contact: Contact) {
        self.contact = contact.clone();
        let restarts = u32::from(self.kind.preference());
        let daemon = Daemon { contact, restarts, ..Daemon::default() };
        self.outputs.push_back(watcher::Output::Snapshot(daemon.into()));
    }
}

impl Watch for Fake {
    fn open(kind: Kind, _: [u8; 32]) -> Self {
        Self { kind, contact: Contact::Resolving, due: None, outputs: VecDeque::new() }
    }

    fn handle(&mut self, now: Now, input: On<'_>) {
        let (since, last) = (now.mono, self.contact.last_answer());
        match input {
            On::Address(_) | On::Connected => {
                self.tell(Contact::Asking { since });
                self.ask(now.mono);
            }
            On::NoAddress(why) => {
                self.due = None;
                self.tell(Contact::NoAddress { why });
            }
            On::Datagram(b"a") => {
                self.tell(Contact::Answering { last: now.mono, round_trip: ms(1) });
                self.ask(now.mono);
            }
            On::Datagram(b"r") => {
                let why = Failure::Refused(ErrorCode::Prohibited);
                self.tell(Contact::Refusing { why, since, last });
            }
            On::Datagram(b"g") => {
                let why = Malformed::Invalid { field: "x", position: 0, value: 0 };
                self.tell(Contact::Garbage { why, since, last });
            }
            // Stands for so long a time without any.
            On::Datagram(_) => self.tell(Contact::Silent { since, last }),
            On::Unreachable(why) => self.tell(Contact::Unreachable { why, since, last }),
            On::Wakeup if self.due.is_some_and(|due| due <= now.mono) => self.ask(now.mono),
            On::Refresh => self.ask(now.mono),
            _ => {}
        }
    }

    fn poll_output(&mut self) -> Option<watcher::Output> {
        self.outputs.pop_front()
    }

    fn next_wakeup(&self) -> Option<Mono> {
        self.due
    }

    fn is_settled(&self) -> bool {
        !matches!(self.contact, Contact::Resolving | Contact::Asking { .. })
    }
}

const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// A finder, its time and what came out of it.
struct Bench {
    finder: Finder<Fake>,
    kinds: Vec<Kind>,
    now: Now,
    shown: Option<Arc<Daemon>>,
    sent: Vec<Kind>,
    turned: Vec<Kind>,
}

impl Bench {
    /// All lines lead somewhere.
    fn new(kinds: &[Kind]) -> Self {
        let mut bench = Self::nowhere(kinds);
        for kind in kinds {
            bench.place(*kind);
        }
        bench
    }

    fn nowhere(kinds: &[Kind]) -> Self {
        let now = Now { mono: Mono::from_nanos(1_000_000_000_000), ..Now::default() };
        Self {
            finder: Finder::new(kinds, [7; 32]),
            kinds: kinds.to_vec(),
            now,
            shown: None,
            sent: Vec::new(),
            turned: Vec::new(),
        }
    }

    fn place(&mut self, kind: Kind) {
        match kind {
            UNIX => self.on(kind, On::Connected),
            _ => self.on(kind, On::Address("127.0.0.1:1".parse().unwrap())),
        }
    }

    fn on(&mut self, kind: Kind, input: On<'_>) {
        let line = self.kinds.iter().position(|each| *each == kind).unwrap();
        self.handle(Input::Line(line, input));
    }

    fn answer(&mut self, kind: Kind) {
        self.on(kind, On::Datagram(b"a"));
    }

    fn silence(&mut self, kind: Kind) {
        self.on(kind, On::Datagram(b"s"));
    }

    fn closed(&mut self, kind: Kind) {
        self.on(kind, On::Unreachable(Unreachable::PortClosed));
    }

    fn handle(&mut self, input: Input<'_>) {
        self.finder.handle(self.now, input);
        while let Some(output) = self.finder.poll_output() {
            match output {
                Output::Send(line, datagram) => {
                    let line = &self.finder.lines[line];
                    assert!(line.is_awake(), "{:?} sends in its sleep", line.kind);
                    assert_eq!(datagram, [line.kind.preference()]);
                    self.sent.push(line.kind);
                }
                Output::Turn(line) => self.turned.push(self.kinds[line]),
                Output::Snapshot(daemon) => {
                    let origin = u32::from(self.kinds[self.finder.front].preference());
                    let is_blank = daemon.contact == Contact::Resolving;
                    assert!(daemon.restarts == origin || is_blank, "of another line");
                    self.shown = Some(daemon);
                }
            }
        }
        if let Some(wakeup) = self.finder.next_wakeup() {
            assert!(wakeup > self.now.mono, "what is due is done");
        }
    }

    /// Lets time pass.
    fn pass(&mut self, time: Duration) {
        let end = self.now.mono + time;
        while let Some(next) = self.finder.next_wakeup().filter(|next| *next <= end) {
            self.now.mono = next;
            self.handle(Input::Wakeup);
        }
        self.now.mono = end;
    }

    /// What is sent while time passes.
    fn sent_in(&mut self, time: Duration) -> Vec<Kind> {
        self.sent.clear();
        self.pass(time);
        self.sent.sort_by_key(|kind| kind.preference());
        self.sent.dedup();
        std::mem::take(&mut self.sent)
    }

    fn contact(&self) -> &Contact {
        &self.shown.as_ref().unwrap().contact
    }

    /// The line that is shown.
    fn used(&self) -> Option<Kind> {
        self.finder.used.map(|used| self.kinds[used])
    }

    /// The ways on offer, the one that is used marked.
    fn ways(&self) -> Vec<(bool, bool)> {
        let ways = self.shown.as_ref().unwrap().ways.clone();
        ways.iter().map(|way| (way.is_used, way.answers)).collect()
    }
}

#[test]
fn all_are_asked_at_first_and_then_only_the_one_that_answers() {
    let mut bench = Bench::new(&[MODE_6, UDP]);
    assert_eq!(bench.sent_in(ms(0)), []);
    bench.pass(ms(10));
    bench.closed(UDP);
    assert!(matches!(bench.contact(), Contact::Asking { .. }), "{:?}", bench.contact());
    bench.answer(MODE_6);
    assert!(bench.contact().is_fresh() && bench.finder.is_settled());
    assert_eq!(bench.sent_in(ms(3900)), [MODE_6, UDP]);
    bench.pass(ms(1000));
    assert_eq!(bench.sent_in(ms(600_000)), [MODE_6]);
    assert!(bench.shown.as_ref().unwrap().ways.is_empty());
}

#[test]
fn one_that_is_preferred_takes_over_for_a_moment() {
    for (late, taken) in [(50, true), (99, true), (101, false)] {
        let mut bench = Bench::new(&[UNIX, MODE_6, UDP]);
        bench.on(UNIX, On::Unreachable(Unreachable::NoSocket));
        bench.answer(UDP);
        assert_eq!(bench.used(), Some(UDP), "shown at once");
        assert!(!bench.finder.is_settled());
        bench.pass(ms(late));
        assert_eq!(bench.finder.is_settled(), !taken);
        bench.answer(MODE_6);
        assert_eq!(bench.used(), Some(if taken { MODE_6 } else { UDP }), "after {late} ms");
        assert!(bench.finder.is_settled());
        assert_eq!(bench.ways(), [(taken, true), (!taken, true)]);
        bench.pass(ms(10_000));
        let only = bench.sent_in(ms(60_000));
        assert_eq!(only, [if taken { MODE_6 } else { UDP }]);
    }
}

#[test]
fn a_distant_one_is_waited_for_as_long_as_the_first_took() {
    let mut bench = Bench::new(&[MODE_6, UDP]);
    bench.pass(ms(200));
    bench.answer(UDP);
    bench.pass(ms(190));
    assert!(!bench.finder.is_settled());
    bench.pass(ms(20));
    assert!(bench.finder.is_settled());
    let mut bench = Bench::new(&[MODE_6, UDP]);
    bench.pass(ms(900));
    bench.answer(UDP);
    bench.pass(ms(251));
    assert!(bench.finder.is_settled());
}

#[test]
fn nobody_is_waited_for_where_none_is_preferred() {
    let mut bench = Bench::new(&[UNIX, MODE_6, UDP]);
    bench.on(UNIX, On::Unreachable(Unreachable::SocketDenied));
    assert!(!bench.finder.is_settled());
    bench.answer(MODE_6);
    assert!(bench.finder.is_settled());
    let mut bench = Bench::new(&[UNIX, MODE_6, UDP]);
    bench.answer(UNIX);
    assert!(bench.finder.is_settled());
    assert!(!bench.finder.lines[2].is_awake(), "it is the same daemon");
}

#[test]
fn a_socket_takes_the_place_of_udp_whenever_it_answers() {
    let mut bench = Bench::new(&[UNIX, MODE_6, UDP]);
    bench.closed(MODE_6);
    bench.answer(UDP);
    bench.pass(ms(2000));
    assert!(bench.finder.is_settled());
    bench.answer(UNIX);
    assert_eq!(bench.used(), Some(UNIX));
    assert_eq!(bench.ways(), []);
    bench.pass(ms(4000));
    assert_eq!(bench.sent_in(ms(60_000)), [UNIX]);
}

#[test]
fn a_socket_is_tried_again_when_udp_answers_after_a_silence() {
    // One that is held and let go answers what waited longest first.
    let mut bench = Bench::new(&[UNIX, MODE_6, UDP]);
    bench.closed(MODE_6);
    bench.answer(UNIX);
    bench.pass(ms(10_000));
    bench.silence(UNIX);
    bench.pass(ms(10_000));
    bench.sent.clear();
    bench.answer(UDP);
    assert_eq!(bench.used(), Some(UDP));
    assert!(bench.sent.contains(&UNIX), "{:?}", bench.sent);
    assert!(!bench.finder.is_settled());
    bench.pass(ms(300));
    bench.answer(UNIX);
    assert_eq!(bench.used(), Some(UNIX));

    // One that was not there when it was first asked.
    let mut bench = Bench::new(&[UNIX, MODE_6, UDP]);
    bench.on(UNIX, On::Unreachable(Unreachable::NoSocket));
    bench.closed(MODE_6);
    bench.closed(UDP);
    bench.pass(ms(60_000));
    bench.sent.clear();
    bench.answer(UDP);
    assert!(bench.sent.contains(&UNIX) && bench.sent.contains(&MODE_6), "{:?}", bench.sent);
    bench.answer(UNIX);
    assert_eq!(bench.used(), Some(UNIX));
}

#[test]
fn who_answers_after_the_others_is_a_choice_and_left_alone() {
    let mut bench = Bench::new(&[MODE_6, UDP]);
    bench.answer(MODE_6);
    bench.pass(ms(1000));
    bench.sent.clear();
    bench.answer(UDP);
    assert_eq!(bench.sent, [], "it is not asked on");
    assert_eq!(bench.used(), Some(MODE_6));
    assert_eq!(bench.ways(), [(true, true), (false, true)]);

    bench.handle(Input::Choose(0));
    bench.handle(Input::Choose(7));
    assert_eq!(bench.used(), Some(MODE_6));
    bench.handle(Input::Choose(1));
    assert_eq!(bench.sent, [UDP]);
    assert!(matches!(bench.contact(), Contact::Asking { .. }));
    assert_eq!(bench.ways(), [(false, true), (true, true)]);
    bench.answer(UDP);
    assert!(bench.contact().is_fresh() && bench.used() == Some(UDP));
    assert_eq!(bench.sent_in(ms(60_000)), [UDP]);
}

#[test]
fn a_way_that_was_chosen_and_does_not_answer_is_left_again() {
    let mut bench = Bench::new(&[MODE_6, UDP]);
    bench.answer(UDP);
    bench.answer(MODE_6);
    bench.handle(Input::Choose(1));
    bench.silence(UDP);
    assert_eq!(bench.ways(), [(false, true), (true, false)]);
    assert_eq!(bench.sent_in(ms(2900)), [UDP]);
    assert_eq!(bench.sent_in(ms(200)), [MODE_6, UDP]);
    bench.answer(MODE_6);
    assert_eq!(bench.used(), Some(MODE_6));
    assert_eq!(bench.ways(), [(true, true), (false, false)]);
}

#[test]
fn one_that_is_lost_is_asked_first_and_then_all() {
    let mut bench = Bench::new(&[UNIX, MODE_6, UDP]);
    bench.on(UNIX, On::Unreachable(Unreachable::NoSocket));
    bench.closed(UDP);
    bench.answer(MODE_6);
    bench.pass(ms(10_000));
    bench.silence(MODE_6);
    assert_eq!(bench.sent_in(ms(2900)), [MODE_6]);
    assert_eq!(bench.sent_in(ms(10_000)), [UNIX, MODE_6, UDP]);
    assert!(matches!(bench.contact(), Contact::Silent { last: Some(_), .. }), "it is shown on");
    bench.answer(MODE_6);
    bench.pass(ms(4000));
    assert_eq!(bench.sent_in(ms(60_000)), [MODE_6]);

    // Another daemon in its place.
    bench.closed(MODE_6);
    bench.pass(ms(3100));
    bench.answer(UDP);
    assert_eq!(bench.used(), Some(UDP));
    assert!(!bench.finder.is_settled(), "the socket may answer yet");
    bench.answer(UNIX);
    assert_eq!(bench.used(), Some(UNIX));
}

#[test]
fn a_refresh_wakes_the_others_for_a_while_and_not_too_often() {
    let mut bench = Bench::new(&[MODE_6, UDP]);
    bench.answer(MODE_6);
    bench.pass(ms(10_000));
    bench.sent.clear();
    for _ in 0..5 {
        bench.handle(Input::Refresh);
        bench.answer(UDP);
    }
    assert_eq!(bench.sent.iter().filter(|kind| **kind == UDP).count(), 1);
    assert_eq!(bench.used(), Some(MODE_6));
    assert_eq!(bench.ways(), [(true, true), (false, true)]);
    bench.pass(ms(5000));
    bench.handle(Input::Refresh);
    bench.silence(UDP);
    assert_eq!(bench.ways(), [(true, true), (false, false)]);
}

#[test]
fn the_most_telling_trouble_is_shown() {
    let refused = &b"r"[..];
    let unreachable = |why| On::Unreachable(why);
    let closed = || unreachable(Unreachable::PortClosed);
    for (unix, mode_6, udp, shown) in [
        // A host without chronyd looks as it always did.
        (unreachable(Unreachable::NoSocket), closed(), closed(), MODE_6),
        (unreachable(Unreachable::NoSocket), On::Datagram(b"s"), closed(), MODE_6),
        (unreachable(Unreachable::NoSocket), On::Datagram(b"g"), closed(), MODE_6),
        (unreachable(Unreachable::NoSocket), closed(), On::Datagram(b"s"), MODE_6),
        (unreachable(Unreachable::NoSocket), On::NoAddress("?".into()), closed(), MODE_6),
        (unreachable(Unreachable::SocketAbandoned), On::Datagram(b"s"), closed(), MODE_6),
        // One with it.
        (unreachable(Unreachable::SocketDenied), closed(), closed(), UNIX),
        (unreachable(Unreachable::SocketDenied), On::Datagram(b"s"), closed(), UNIX),
        (unreachable(Unreachable::SocketAbandoned), closed(), closed(), UNIX),
        (On::Datagram(b"s"), closed(), closed(), UNIX),
        (unreachable(Unreachable::SocketDenied), closed(), On::Datagram(refused), UDP),
        (unreachable(Unreachable::SocketDenied), closed(), On::Datagram(b"g"), UDP),
        (unreachable(Unreachable::SocketDenied), On::Datagram(refused), closed(), MODE_6),
    ] {
        let mut bench = Bench::new(&[UNIX, MODE_6, UDP]);
        bench.on(UDP, udp.clone());
        bench.on(MODE_6, mode_6.clone());
        bench.on(UNIX, unix.clone());
        let front = bench.kinds[bench.finder.front];
        assert_eq!(front, shown, "{unix:?}, {mode_6:?}, {udp:?}");
        assert!(bench.finder.is_settled());
    }
}

#[test]
fn a_closed_port_of_chronyd_says_nothing_of_a_slow_host() {
    let mut bench = Bench::new(&[MODE_6, UDP]);
    bench.pass(ms(5));
    bench.closed(UDP);
    for _ in 0..30 {
        bench.pass(ms(100));
        assert!(matches!(bench.contact(), Contact::Asking { .. }), "{:?}", bench.contact());
        assert!(!bench.finder.is_settled());
    }
}

#[test]
fn a_closed_port_of_control_messages_waits_a_moment_for_chronyd() {
    let mut bench = Bench::new(&[MODE_6, UDP]);
    bench.pass(ms(5));
    bench.closed(MODE_6);
    assert!(matches!(bench.contact(), Contact::Asking { .. }), "{:?}", bench.contact());
    assert!(!bench.finder.is_settled());
    bench.pass(ms(110));
    assert!(matches!(bench.contact(), Contact::Unreachable { .. }), "{:?}", bench.contact());
    assert!(bench.finder.is_settled());
    bench.answer(UDP);
    assert!(bench.contact().is_fresh());
}

#[test]
fn trouble_before_the_others_lead_anywhere_speaks_for_none_of_them() {
    let mut bench = Bench::nowhere(&[UNIX, MODE_6, UDP]);
    bench.place(UNIX);
    bench.on(UNIX, On::Unreachable(Unreachable::SocketDenied));
    assert_eq!(bench.contact(), &Contact::Resolving);
    bench.pass(ms(3000));
    assert_eq!(bench.contact(), &Contact::Resolving);
    assert!(!bench.finder.is_settled());
    bench.place(MODE_6);
    bench.place(UDP);
    bench.closed(MODE_6);
    assert!(matches!(bench.contact(), Contact::Asking { .. }), "{:?}", bench.contact());
    assert!(!bench.finder.is_settled());
    bench.answer(UDP);
    // That it was denied is seconds old, so it is tried again.
    bench.on(UNIX, On::Unreachable(Unreachable::SocketDenied));
    assert!(bench.contact().is_fresh() && bench.finder.is_settled());
}

#[test]
fn a_line_alone_is_told_as_it_is() {
    let mut bench = Bench::nowhere(&[UDP]);
    bench.handle(Input::Interest(Interest { visible: true, ..Interest::default() }));
    assert!(bench.shown.is_none() && !bench.finder.is_settled());
    bench.on(UDP, On::NoAddress("no such name".into()));
    assert!(matches!(bench.contact(), Contact::NoAddress { .. }));
    assert!(bench.finder.is_settled());
    bench.place(UDP);
    assert!(matches!(bench.contact(), Contact::Asking { .. }));
    bench.closed(UDP);
    assert!(matches!(bench.contact(), Contact::Unreachable { .. }));
    assert_eq!(bench.turned, [UDP]);
    bench.answer(UDP);
    bench.closed(UDP);
    assert_eq!(bench.turned, [UDP], "it leads to the right place");
    assert!(bench.finder.is_settled());
}

#[test]
fn the_name_and_the_choice_are_kept_in_their_places() {
    let mut bench = Bench::new(&[UNIX, MODE_6, UDP]);
    bench.answer(UNIX);
    bench.answer(MODE_6);
    let names = |bench: &Bench| -> Vec<_> {
        let ways = bench.shown.as_ref().unwrap().ways.clone();
        ways.iter().map(|way| way.name.to_string()).collect()
    };
    assert_eq!(names(&bench), [MODE_6.name(), UNIX.name()]);
    bench.on(UNIX, On::Unreachable(Unreachable::SocketAbandoned));
    bench.pass(ms(3100));
    bench.answer(UDP);
    assert_eq!(names(&bench), [MODE_6.name(), UDP.name()]);
    assert_eq!(bench.used(), Some(UDP));
}

/// What may happen, as numbers that proptest can make smaller.
fn happen(bench: &mut Bench, (what, line, time): (u8, u8, u16)) {
    let kind = bench.kinds[usize::from(line) % bench.kinds.len()];
    match what % 16 {
        0 | 1 => bench.answer(kind),
        2 => bench.silence(kind),
        3 => bench.closed(kind),
        4 => bench.on(kind, On::Datagram(b"r")),
        5 => bench.on(kind, On::Datagram(b"g")),
        6 => bench.on(kind, On::Unreachable(Unreachable::SocketDenied)),
        7 => bench.place(kind),
        8 => bench.on(kind, On::NoAddress("?".into())),
        9 => bench.handle(Input::Choose(usize::from(line))),
        10 => bench.handle(Input::Refresh),
        11 => bench.handle(Input::Interest(Interest { visible: line > 1, ..Interest::default() })),
        12 => bench.handle(Input::Wakeup),
        _ => bench.pass(ms(time.into())),
    }
    let shown = bench.shown.as_deref();
    let contact = shown.map(|daemon| daemon.contact.clone()).unwrap_or_default();
    let Some(used) = bench.finder.used else {
        assert!(!contact.is_fresh(), "shown though it is not used");
        return;
    };
    assert_eq!(bench.finder.front, used);
    assert!(bench.finder.lines[used].is_awake());
    let shown = shown.expect("what is used is shown");
    assert_eq!(shown.contact, bench.finder.lines[used].daemon.contact);
    let used = shown.ways.iter().filter(|way| way.is_used).count();
    assert!(used == 1 || shown.ways.is_empty());
    assert_ne!(shown.ways.len(), 1);
    assert_eq!(shown.system.trouble(), Some(&Absent::NotAskedYet));
}

proptest! {
    #[test]
    fn nothing_is_shown_of_a_line_that_is_not_used_nor_sent_on_one_that_sleeps(
        happened in proptest::collection::vec((0_u8..16, 0_u8..3, 0_u16..5000), 0..60),
        lines in 1_usize..=3,
        placed in any::<bool>(),
    ) {
        let kinds = &[MODE_6, UDP, UNIX][..lines];
        let mut bench = if placed { Bench::new(kinds) } else { Bench::nowhere(kinds) };
        for event in happened {
            happen(&mut bench, event);
        }
    }
}
