//! Changes of a scripted daemon: each line sent once, whatever becomes of its answer; what was done
//! is found out by reading; what is not confirmed is taken back.

use std::collections::VecDeque;
use std::time::Duration;

use ntpscope::config::change::{Wish, find};
use ntpscope::control::pipeline;
use ntpscope::control::reconfigure::ntpd::{Ntpd, Settings};
use ntpscope::control::reconfigure::{self, Input, Reconfigure};
use ntpscope::control::timing::Timing;
use ntpscope::model::change::{
    Answered, Course, KeyRefused, Phase, Refusal, Trouble, Verdict, Why,
};
use ntpscope::model::question::Unreachable;
use ntpscope::units::{Mono, Now};
use ntpscope::wire::mac::Key;
use ntpscope::wire::mode6::{Message, Opcode};

use crate::daemon::{Daemon, Mood, ms};
use crate::line::Line;
use crate::world::{Answerer, Done, Machine, World};

/// What the daemon does when it is told a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    /// What it is told, and it says so.
    Obeys,
    /// What it is told, and its answer is lost.
    ObeysUnheard,
    /// Nothing: what it was told is lost.
    HearsNothing,
    /// Nothing, and it says that it has.
    Lies,
    /// Nothing, and it says this.
    Says(&'static str),
    /// It ends, and nothing listens any more.
    Dies,
    /// It starts anew, as it was configured.
    Restarts,
}

/// A daemon that can be told lines.
struct Told {
    daemon: Daemon,
    fresh: Daemon,
    deeds: VecDeque<Deed>,
    /// What it heard, however often.
    lines: Vec<String>,
    started: Mono,
    next_id: u16,
    /// Keys that it looked up in vain.
    not_found: u32,
    counts_not_found: bool,
}

impl Told {
    fn new(deeds: &[Deed]) -> Self {
        let mut daemon = Daemon::classic([0x0101, 0x0102]);
        daemon.key = Some(Key::from_text(1, "MD5", "secretmd5").unwrap());
        for name in ["ss_reset", "authreset", "iostats_reset", "timerstats_reset"] {
            daemon.system.push((name.to_owned(), "600".to_owned()));
        }
        daemon.system.push(("mru_enabled".to_owned(), "0x1".to_owned()));
        Self {
            fresh: daemon.clone(),
            daemon,
            deeds: deeds.iter().copied().collect(),
            lines: Vec::new(),
            started: Mono::default(),
            next_id: 0x0200,
            not_found: 0,
            counts_not_found: false,
        }
    }

    /// Starts anew, as it is configured.
    fn restart(&mut self, now: Mono) {
        self.daemon = self.fresh.clone();
        self.started = now;
    }

    fn obey(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        let with = |daemon: &Daemon, address: &str| {
            let is = |(name, value): &(String, String)| name == "srcadr" && value == address;
            daemon.associations.iter().find(|(_, a)| a.variables.iter().any(is)).map(|(id, _)| *id)
        };
        match (words[0], with(&self.daemon, words[1])) {
            ("unconfig", Some(id)) => {
                self.daemon.associations.remove(&id);
            }
            ("server", None) => {
                self.next_id += 1;
                self.daemon.mobilise(self.next_id);
                self.daemon.set(self.next_id, "srcadr", words[1]);
                let key = words.iter().position(|word| *word == "key");
                self.daemon.set(self.next_id, "keyid", key.map_or("0", |at| words[at + 1]));
            }
            // As ntpd: what is there already is left as it is, and what is not cannot go.
            _ => {}
        }
    }
}

impl Answerer for Told {
    fn answer(&mut self, now: Mono, request: &[u8]) -> Vec<(Duration, Vec<u8>)> {
        let message = Message::parse(request).unwrap();
        let uptime = 600 + now.since(self.started).as_secs();
        let uptime = if self.started == Mono::default() { uptime } else { uptime - 600 };
        self.daemon.system.retain(|(name, _)| name != "ss_uptime" && name != "authknotfound");
        self.daemon.system.push(("ss_uptime".to_owned(), uptime.to_string()));
        self.daemon.system.push(("authknotfound".to_owned(), self.not_found.to_string()));
        let at_once = |replies: Vec<Vec<u8>>| {
            replies.into_iter().map(|reply| (Duration::ZERO, reply)).collect()
        };
        if message.opcode == Opcode::ReadOrderedList && self.counts_not_found {
            self.not_found += 1;
        }
        if message.opcode != Opcode::Configure {
            return at_once(self.daemon.answer(now, request));
        }
        let line = String::from_utf8(message.data.to_vec()).unwrap().trim_start().to_owned();
        assert!(matches!(message.data.len() % 8, 1..=4), "every daemon finds the code");
        self.lines.push(line.clone());
        let deed = self.deeds.pop_front().unwrap_or(Deed::Obeys);
        match deed {
            Deed::Obeys | Deed::ObeysUnheard => self.obey(&line),
            Deed::HearsNothing | Deed::Lies | Deed::Says(_) => {}
            Deed::Dies => self.daemon.mood = Mood::Closed,
            Deed::Restarts => self.restart(now),
        }
        at_once(match deed {
            Deed::Obeys | Deed::Lies => self.daemon.say(request, "Config Succeeded\r\n"),
            Deed::Says(text) => self.daemon.say(request, text),
            _ => Vec::new(),
        })
    }

    fn is_closed(&self) -> bool {
        self.daemon.mood == Mood::Closed
    }
}

impl Machine for Reconfigure<Ntpd> {
    type Event = Course;
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
        0
    }
    fn poll(&mut self) -> Option<Done<Course>> {
        Some(match self.poll_output()? {
            reconfigure::Output::Send(bytes) => Done::Send(bytes),
            reconfigure::Output::Course => Done::Event(self.course().clone()),
            other => panic!("{other:?} is new"),
        })
    }
    fn words(event: &Course) -> String {
        format!("{:?}, {} sent", event.phase, event.sent.len())
    }
}

/// What somebody wants, and how.
struct Wanted<'a> {
    words: &'a [&'a str],
    has: Option<&'a str>,
    confirm: Option<Duration>,
    key: Option<(u32, &'a str)>,
}

const fn wanted<'a>(words: &'a [&'a str]) -> Wanted<'a> {
    Wanted { words, has: None, confirm: None, key: Some((1, "secretmd5")) }
}

/// Options that the association has, and how long there is to confirm.
const fn with<'a>(words: &'a [&'a str], has: &'a str, confirm: Duration) -> Wanted<'a> {
    Wanted { has: Some(has), confirm: Some(confirm), ..wanted(words) }
}

type Tried = World<Reconfigure<Ntpd>, Told>;

impl Wanted<'_> {
    /// A world in which it was read.
    fn world(&self, deeds: &[Deed]) -> Tried {
        let world = self.on(Told::new(deeds), Line::perfect(ms(5)));
        self.read(world)
    }

    fn read(&self, mut world: Tried) -> Tried {
        world.input(|_, _| ());
        let ready = |world: &Tried| world.machine.course().phase != Phase::Reading;
        world.run_until(Duration::from_secs(30), ready);
        assert_eq!(configured(&world), 0, "reading changes nothing: {:?}", self.words);
        world
    }

    fn on(&self, daemon: Told, line: Line) -> Tried {
        let (verb, arguments) = self.words.split_first().unwrap();
        let arguments: Vec<String> = arguments.iter().map(|word| (*word).to_owned()).collect();
        let wish = find(verb).unwrap().wish(&arguments).unwrap();
        let key = self.key.map(|(id, secret)| Key::from_text(id, "MD5", secret).unwrap());
        let settings = Settings {
            pipeline: pipeline::Settings {
                key,
                ..pipeline::Settings::new(Timing::live(), [7; 32])
            },
            patience: Duration::from_secs(2),
            configured: Vec::new(),
            has: self.has.map(str::to_owned),
            from: None,
        };
        let machine = Reconfigure::new(Now::default(), Ntpd::new(wish, settings), self.confirm);
        World::new(0, machine, daemon, line)
    }

    /// Armed, and run until it is over.
    fn run(&self, deeds: &[Deed]) -> (Course, Vec<String>) {
        let mut world = self.world(deeds);
        arm(&mut world);
        (world.machine.course().clone(), world.daemon.lines.clone())
    }
}

fn arm(world: &mut Tried) {
    world.input(|machine, now| machine.handle(now, Input::Arm));
    to_the_end(world);
}

fn to_the_end(world: &mut Tried) {
    let over = |world: &Tried| world.machine.course().phase == Phase::Ended;
    world.run_until(Duration::from_secs(600), over);
}

/// How many lines were sent.
fn configured(world: &Tried) -> usize {
    world.asked.iter().filter(|(opcode, ..)| *opcode == 8).count()
}

/// A change that is done in two lines.
const PREFER: &[&str] = &["prefer", "10.9.1.1"];
const PREFER_LINES: [&str; 2] = ["unconfig 10.9.1.1", "server 10.9.1.1 prefer key 5"];
const PREFER_BACK: [&str; 2] = ["unconfig 10.9.1.1", "server 10.9.1.1 key 5"];

fn prefer() -> Wanted<'static> {
    Wanted { has: Some("key 5"), ..wanted(PREFER) }
}

#[test]
fn nothing_is_sent_before_it_is_armed() {
    let mut world = prefer().world(&[]);
    let preview = world.machine.course().preview.clone().unwrap();
    assert_eq!(preview.lines, PREFER_LINES);
    assert_eq!(preview.inverse.unwrap(), PREFER_BACK);
    world.run_for(Duration::from_secs(100));
    assert_eq!((configured(&world), world.machine.course().phase), (0, Phase::Preview));
    world.input(|machine, now| machine.handle(now, Input::Confirm));
    world.input(|machine, now| machine.handle(now, Input::TakeBack));
    assert_eq!((configured(&world), world.machine.course().phase), (0, Phase::Ended));
}

#[test]
fn what_was_done_is_seen() {
    let (course, lines) = wanted(&["add", "192.0.2.7", "key", "5"]).run(&[]);
    assert_eq!(lines, ["server 192.0.2.7 key 5"]);
    assert_eq!(course.verdict(), Some(Verdict::Applied));
    let difference = course.outcome.unwrap().difference.unwrap();
    assert_eq!(difference.came[0].name, "192.0.2.7");
    assert_eq!(difference.came[0].fact("key"), Some("5"));
    let (course, lines) = prefer().run(&[]);
    assert_eq!(lines, PREFER_LINES);
    assert_eq!(course.verdict(), Some(Verdict::Applied));
    let (course, lines) = wanted(&["remove", "10.9.1.2"]).run(&[]);
    assert_eq!((course.verdict(), lines.len()), (Some(Verdict::Applied), 1));
    let (course, _) = wanted(&["tos", "minsane", "2"]).run(&[]);
    assert_eq!(course.verdict(), Some(Verdict::Untold));
}

#[test]
fn what_the_daemon_says_proves_nothing() {
    let (course, lines) = wanted(&["add", "192.0.2.7"]).run(&[Deed::Lies]);
    assert!(matches!(course.sent[0].answer, Some(Answered::Accepted(_))));
    assert_eq!((course.verdict(), lines.len()), (Some(Verdict::NotApplied), 1));
    let (course, _) = prefer().run(&[Deed::Obeys, Deed::Lies]);
    assert_eq!(course.verdict(), Some(Verdict::Partly));
}

#[test]
fn a_lost_answer_is_found_out_about_and_nothing_is_sent_again() {
    use Deed::{HearsNothing, Obeys, ObeysUnheard};
    for (deeds, sent, verdict) in [
        ([ObeysUnheard, Obeys], 2, Verdict::Applied),
        ([Obeys, ObeysUnheard], 2, Verdict::Applied),
        ([ObeysUnheard, ObeysUnheard], 2, Verdict::Applied),
        // What cannot be built upon is not built upon.
        ([HearsNothing, Obeys], 1, Verdict::NotApplied),
        ([Obeys, HearsNothing], 2, Verdict::Partly),
    ] {
        let (course, lines) = prefer().run(&deeds);
        assert_eq!(lines, PREFER_LINES[..sent], "{deeds:?}");
        assert_eq!(course.verdict(), Some(verdict), "{deeds:?}");
        let lost =
            |sent: &ntpscope::model::change::Sent| matches!(sent.answer, Some(Answered::Lost(_)));
        let unheard = deeds[..sent].iter().filter(|deed| **deed != Obeys).count();
        assert_eq!(course.sent.iter().filter(|sent| lost(sent)).count(), unheard, "{deeds:?}");
    }
    let (course, _) = wanted(&["tos", "minsane", "2"]).run(&[ObeysUnheard]);
    assert_eq!(course.verdict(), Some(Verdict::Unknown), "nobody can tell");
}

#[test]
fn a_daemon_that_dies_or_starts_anew_is_told_from_one_that_refuses() {
    let (course, lines) = prefer().run(&[Deed::Obeys, Deed::Dies]);
    assert_eq!(lines, PREFER_LINES);
    assert!(matches!(course.sent[0].answer, Some(Answered::Accepted(_))));
    assert!(matches!(course.sent[1].answer, Some(Answered::Lost(_))));
    let outcome = course.outcome.unwrap();
    assert_eq!((outcome.verdict, outcome.difference), (Verdict::Unknown, None));
    // It died of the first: the second is never sent.
    let (course, lines) = prefer().run(&[Deed::Dies]);
    assert_eq!((course.verdict(), lines.len()), (Some(Verdict::Unknown), 1));
    let (course, lines) = prefer().run(&[Deed::Obeys, Deed::Restarts]);
    assert_eq!((course.verdict(), lines.len()), (Some(Verdict::Restarted), 2));
}

#[test]
fn every_refusal_is_told_for_what_it_is_and_ends_the_sending() {
    for (text, refusal) in [
        (
            "runtime configuration prohibited by restrict ... nomodify",
            Refusal::NoModify(
                "runtime configuration prohibited by restrict ... nomodify".to_owned(),
            ),
        ),
        (
            // The daemon counts from 0, and the blank that stands before this line.
            "column 20 syntax error, unexpected T_String, expecting T_EOC\r\n",
            Refusal::Syntax {
                column: Some(20),
                text: "syntax error, unexpected T_String, expecting T_EOC".to_owned(),
            },
        ),
        ("no such luck\r\n", Refusal::Other("no such luck".to_owned())),
    ] {
        let (course, _) = wanted(&["add", "192.0.2.101", "key", "5"]).run(&[Deed::Says(text)]);
        assert_eq!(course.refusal(), Some(&refusal));
        assert_eq!(course.verdict(), Some(Verdict::NotApplied));
        let (course, lines) = prefer().run(&[Deed::Says(text)]);
        assert_eq!((course.verdict(), lines.len()), (Some(Verdict::NotApplied), 1));
    }
}

#[test]
fn a_key_that_is_not_taken_shows_before_anything_is_sent() {
    let add: &[&str] = &["add", "192.0.2.7"];
    for (key, counts, trouble) in [
        (None, false, Trouble::NoKey),
        (Some((1, "wrong")), false, Trouble::Key(KeyRefused::Secret)),
        (Some((9, "secretmd5")), true, Trouble::Key(KeyRefused::Unknown)),
    ] {
        let wish = Wanted { key, ..wanted(add) };
        let mut daemon = Told::new(&[]);
        daemon.counts_not_found = counts;
        let mut world = wish.read(wish.on(daemon, Line::perfect(ms(5))));
        assert!(world.machine.course().preview.is_some(), "it can be looked at");
        arm(&mut world);
        assert_eq!(world.machine.course().trouble, Some(trouble));
        assert_eq!(configured(&world), 0);
    }
}

#[test]
fn what_makes_no_sense_or_is_not_known_is_told_instead() {
    let trouble = |wish: Wanted<'_>| wish.world(&[]).machine.course().trouble.clone().unwrap();
    assert!(matches!(trouble(wanted(&["remove", "192.0.2.99"])), Trouble::Wish(_)));
    assert!(matches!(trouble(wanted(PREFER)), Trouble::Options(_)));
    let long = "x".repeat(480);
    assert!(matches!(trouble(wanted(&["leapfile", &long])), Trouble::TooLong(_)));
    // By its number, too.
    let wish = Wanted { has: Some(""), ..wanted(&["noselect", "257"]) };
    let world = wish.world(&[]);
    let preview = world.machine.course().preview.clone().unwrap();
    assert_eq!(preview.lines[1], "server 10.9.1.1 noselect");
}

#[test]
fn a_silent_daemon_is_not_told_anything() {
    let wish = prefer();
    let mut daemon = Told::new(&[]);
    daemon.daemon.mood = Mood::Silent;
    let world = wish.read(wish.on(daemon, Line::perfect(ms(5))));
    assert!(matches!(world.machine.course().trouble, Some(Trouble::Unread(_))));
}

#[test]
fn whoever_answers_anything_is_not_told_anything() {
    for mood in [
        Mood::Echo,
        Mood::Garbage,
        Mood::Lying,
        Mood::Stuttering,
        Mood::Closed,
        Mood::Refusing(1),
        Mood::Refusing(200),
    ] {
        let wish = prefer();
        let mut daemon = Told::new(&[]);
        daemon.daemon.mood = mood;
        let mut world = wish.read(wish.on(daemon, Line::perfect(ms(5))));
        // All that is asked fits the first datagram of an answer, so one that sends no other is read.
        if world.machine.course().phase == Phase::Ended {
            assert!(world.machine.course().trouble.is_some(), "{mood:?}");
            world.input(|machine, now| machine.handle(now, Input::Arm));
            world.run_for(Duration::from_secs(30));
            assert_eq!(configured(&world), 0, "{mood:?}");
        } else {
            assert_eq!(mood, Mood::Stuttering);
        }
    }
}

#[test]
fn what_is_confirmed_stays() {
    let mut world = with(PREFER, "key 5", Duration::from_secs(5)).world(&[]);
    world.input(|machine, now| machine.handle(now, Input::Arm));
    let waits = |world: &Tried| matches!(world.machine.course().phase, Phase::Confirming(_));
    world.run_until(Duration::from_secs(5), waits);
    let left = world.machine.course().left(world.now).unwrap();
    assert_eq!(left, Duration::from_secs(5), "it counts from when it could be seen");
    world.run_for(Duration::from_secs(4));
    assert!(waits(&world));
    world.input(|machine, now| machine.handle(now, Input::Confirm));
    world.run_for(Duration::from_secs(60));
    assert_eq!(world.daemon.lines, PREFER_LINES);
    assert_eq!(world.machine.course().back, None);
    assert!(world.machine.course().is_confirmed);
}

#[test]
fn what_nobody_confirms_is_taken_back_and_that_is_seen() {
    let wish = with(PREFER, "key 5", Duration::from_secs(5));
    let (course, lines) = wish.run(&[]);
    assert_eq!(lines, [PREFER_LINES, PREFER_BACK].concat());
    let back = course.back.unwrap();
    assert_eq!(back.why, Why::NotConfirmed);
    let outcome = back.outcome.unwrap();
    assert_eq!(outcome.verdict, Verdict::Partly, "it had no key before, whatever was said of it");
    // What was said of it is true now.
    let mut daemon = Told::new(&[]);
    daemon.daemon.set(0x0101, "keyid", "5");
    let mut world = wish.read(wish.on(daemon, Line::perfect(ms(5))));
    arm(&mut world);
    let outcome = world.machine.course().back.clone().unwrap().outcome.unwrap();
    assert_eq!(outcome.verdict, Verdict::Applied);
    assert!(outcome.difference.unwrap().is_only_numbers());
}

#[test]
fn an_inverse_that_fails_is_told_and_one_whose_answer_is_lost_is_looked_at() {
    use Deed::{Lies, Obeys, ObeysUnheard, Says};
    let add = with(&["add", "192.0.2.7"], "", Duration::from_secs(5));
    for (deed, verdict) in [
        (Obeys, Verdict::Applied),
        (ObeysUnheard, Verdict::Applied),
        (Lies, Verdict::NotApplied),
        (Says("not now"), Verdict::NotApplied),
        (Deed::HearsNothing, Verdict::NotApplied),
        (Deed::Dies, Verdict::Unknown),
        (Deed::Restarts, Verdict::Applied),
    ] {
        let (course, lines) = add.run(&[Obeys, deed]);
        assert_eq!(lines, ["server 192.0.2.7", "unconfig 192.0.2.7"], "{deed:?}");
        let outcome = course.back.unwrap().outcome.unwrap();
        assert_eq!(outcome.verdict, verdict, "{deed:?}");
    }
}

#[test]
fn a_daemon_that_has_started_anew_meanwhile_is_told_nothing_more() {
    for is_configured in [false, true] {
        let add = with(&["add", "192.0.2.7"], "", Duration::from_secs(20));
        let mut world = add.world(&[]);
        world.input(|machine, now| machine.handle(now, Input::Arm));
        let waits = |world: &Tried| matches!(world.machine.course().phase, Phase::Confirming(_));
        world.run_until(Duration::from_secs(60), waits);
        if is_configured {
            // Somebody has put it into the file meanwhile.
            world.daemon.fresh.mobilise(0x0301);
            world.daemon.fresh.set(0x0301, "srcadr", "192.0.2.7");
        }
        let now = world.now;
        world.daemon.restart(now);
        to_the_end(&mut world);
        assert_eq!(world.daemon.lines, ["server 192.0.2.7"]);
        let back = world.machine.course().back.clone().unwrap();
        assert_eq!(back.sent, []);
        let verdict = back.outcome.unwrap().verdict;
        assert_eq!(verdict, if is_configured { Verdict::Restarted } else { Verdict::Applied });
    }
}

#[test]
fn who_wants_no_more_of_it_has_what_was_done_taken_back_at_once() {
    let mut world = with(&["add", "192.0.2.7"], "", Duration::from_secs(60)).world(&[]);
    world.input(|machine, now| machine.handle(now, Input::Arm));
    // While the answer is on its way.
    world.input(|machine, now| machine.handle(now, Input::TakeBack));
    to_the_end(&mut world);
    assert!(world.now.since(Mono::default()) < Duration::from_secs(30), "nothing is waited for");
    assert_eq!(world.daemon.lines, ["server 192.0.2.7", "unconfig 192.0.2.7"]);
    assert_eq!(world.machine.course().back.clone().unwrap().why, Why::Asked);
}

#[test]
fn what_has_no_inverse_cannot_be_made_to_be_confirmed() {
    let wish = Wanted { confirm: Some(Duration::from_secs(5)), ..wanted(&["reset", "sys"]) };
    let (course, lines) = wish.run(&[]);
    assert!(matches!(course.trouble, Some(Trouble::NoWayBack(_))));
    assert_eq!(lines, [""; 0]);
}

#[test]
fn no_line_is_ever_sent_twice_and_waking_early_changes_nothing() {
    for seed in 0..40 {
        let wish = with(PREFER, "key 5", Duration::from_secs(3));
        let line = Line::bad(seed, 30, ms(40));
        let mut world = wish.on(Told::new(&[]), line);
        world.early = (seed % 2 == 0).then(|| ms(70));
        world.input(|_, _| ());
        let ready = |world: &Tried| world.machine.course().phase != Phase::Reading;
        world.run_until(Duration::from_secs(600), ready);
        arm(&mut world);
        let course = world.machine.course();
        let sent = course.sent.len() + course.back.as_ref().map_or(0, |back| back.sent.len());
        assert_eq!(configured(&world), sent, "seed {seed}");
        assert!(sent <= 4 && course.sent.len() <= 2, "seed {seed}: {sent}");
        // Seen or not, what is said of it is true.
        let is_there = |key: &str| {
            world.daemon.daemon.associations.values().any(|association| {
                let has = |name: &str, value: &str| {
                    association.variables.contains(&(name.to_owned(), value.to_owned()))
                };
                has("srcadr", "10.9.1.1") && has("keyid", key)
            })
        };
        if course.back.is_none() && course.verdict() == Some(Verdict::Applied) {
            assert!(is_there("5"), "seed {seed}");
        }
        if course.verdict() == Some(Verdict::NotApplied) {
            assert!(is_there("0"), "seed {seed}: {:?}", world.daemon.lines);
        }
    }
}

#[test]
fn an_inverse_from_an_earlier_day_is_sent_as_it_was_written() {
    let settings = Settings {
        pipeline: pipeline::Settings {
            key: Some(Key::from_text(1, "MD5", "secretmd5").unwrap()),
            ..pipeline::Settings::new(Timing::live(), [7; 32])
        },
        patience: Duration::from_secs(2),
        configured: Vec::new(),
        has: None,
        from: None,
    };
    let lines = ["unconfig 10.9.1.2", "server 10.9.1.2 key 5"].map(str::to_owned).to_vec();
    let way = Ntpd::new(Wish::Exactly(lines.clone()), settings);
    let machine = Reconfigure::new(Now::default(), way, None);
    let mut world = World::new(0, machine, Told::new(&[]), Line::perfect(ms(5)));
    world.input(|_, _| ());
    let ready = |world: &Tried| world.machine.course().phase == Phase::Preview;
    world.run_until(Duration::from_secs(30), ready);
    arm(&mut world);
    assert_eq!(world.daemon.lines, lines);
    assert_eq!(world.machine.course().verdict(), Some(Verdict::Applied));
}
