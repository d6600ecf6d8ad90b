//! Finds out on which of several ways a target answers, and stays with it.
//!
//! A way, here a *line*, is a protocol and what carries it: control messages over UDP, chronyd's
//! own protocol over UDP or over a Unix socket. All lines are asked side by side at first. The one
//! that answers first is used, and shown at once; for a moment after that another one that is
//! preferred takes over, so that it does not depend on a race which one a single look shows. Then
//! the others are left to sleep: one that answered as soon as it did, one that never did after its
//! first seconds. They are woken when the one that is used has been lost for some seconds, or when
//! somebody asks for everything anew, and forget what they knew in their sleep.
//!
//! Both lines of chronyd's protocol reach the same daemon, so the Unix socket, over which it tells
//! all, takes the place of UDP whenever it answers. A target that answered by both protocols is one
//! daemon with a choice ([`Daemon::ways`]); after the first moment nobody but the user makes it.
//!
//! While no line is used, the one is shown that says most about why (`trouble`).
//!
//! The shape is that of a [`watcher`], but for lines: a driver says what happened on
//! which, and sends what a line has to send there.

mod line;
mod trouble;

#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore as _, SeedableRng as _};

use line::Line;

use crate::control::watcher;
use crate::model::daemon::Way;
use crate::model::{Daemon, Interest};
use crate::units::{Mono, Now};
use crate::wire::mac::Key;

pub use line::{Kind, Watch, Watcher};

/// Asks one target on its lines.
#[derive(Clone, Debug)]
pub struct Finder<W = Watcher> {
    lines: Vec<Line<W>>,
    /// The line whose daemon is shown, once one has answered. It is awake.
    used: Option<usize>,
    /// Until when one that is preferred may still take over from the one that answered first.
    contest: Option<Mono>,
    hold: Hold,
    /// Since when the used line has not answered.
    lost: Option<Mono>,
    /// The line to show.
    front: usize,
    interest: Interest,
    /// Signs what needs it, once it was given.
    key: Option<Key>,
    seeds: ChaCha20Rng,
    outputs: VecDeque<Output>,
    /// What was shown last: of which line, what was known on it, and with which ways.
    shown: Option<(usize, Arc<Daemon>, Arc<[Way]>)>,
    changed: bool,
    wakeup: Option<Mono>,
}

/// Whether the trouble of one line speaks for those that are still asked, while nobody has answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Hold {
    /// There is no trouble yet.
    #[default]
    None,
    /// Not before then.
    Until(Mono),
    /// It does: all had their time.
    Over,
}

/// What happens to a finder.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Input<'a> {
    /// Something happened on a line: where it leads, what came, or that it leads nowhere. Lines are
    /// counted from 0 in the order in which they were given.
    Line(usize, watcher::Input<'a>),
    /// What is on screen has changed.
    Interest(Interest),
    /// Questions that need it are signed with this key from now on; `None` to ask them no more.
    Key(Option<Key>),
    /// Somebody wants everything on screen asked anew.
    Refresh,
    /// Somebody chose the way at this place of [`Daemon::ways`].
    Choose(usize),
    /// Time has passed.
    Wakeup,
}

/// What a finder wants.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Output {
    /// Send this datagram on this line.
    Send(usize, Vec<u8>),
    /// Nobody answers where this line leads, nor ever did: if it can lead elsewhere, it should.
    Turn(usize),
    /// This is what is now known of the daemon.
    Snapshot(Arc<Daemon>),
}

impl<W: Watch> Finder<W> {
    /// Asks on lines of these kinds, at most one of each, none of which leads anywhere yet. What is
    /// random is drawn from `seed`.
    pub fn new(kinds: &[Kind], seed: [u8; 32]) -> Self {
        Self {
            lines: kinds.iter().copied().map(Line::new).collect(),
            used: None,
            contest: None,
            hold: Hold::default(),
            lost: None,
            front: 0,
            interest: Interest { visible: true, ..Interest::default() },
            key: None,
            seeds: ChaCha20Rng::from_seed(seed),
            outputs: VecDeque::new(),
            shown: None,
            changed: false,
            wakeup: None,
        }
    }

    /// Takes in what happened.
    pub fn handle(&mut self, now: Now, input: Input<'_>) {
        if self.used.is_none() {
            self.wake_all(now);
        }
        match input {
            Input::Line(place, input) => {
                if let Some(line) = self.lines.get_mut(place) {
                    line.handle(now, input);
                }
            }
            Input::Interest(interest) => {
                self.tell_all(now, &watcher::Input::Interest(interest.clone()));
                self.interest = interest;
            }
            Input::Key(key) => {
                self.tell_all(now, &watcher::Input::Key(key.clone()));
                self.key = key;
            }
            Input::Refresh => {
                self.tell_all(now, &watcher::Input::Refresh);
                self.wake_rested(now);
            }
            Input::Choose(way) => self.choose(now, way),
            Input::Wakeup => self.tell_all(now, &watcher::Input::Wakeup),
        }
        self.settle(now);
    }

    /// The next thing to do; to be called until there is none.
    pub fn poll_output(&mut self) -> Option<Output> {
        if let Some(output) = self.outputs.pop_front() {
            return Some(output);
        }
        if !std::mem::take(&mut self.changed) {
            return None;
        }
        let daemon = self.lines.get(self.front)?.daemon.clone();
        let (known_ways, ways) = match &self.shown {
            Some((.., ways)) => (ways.clone(), self.ways()),
            None => (Arc::default(), self.ways()),
        };
        let ways = if *ways == *known_ways { known_ways } else { ways.into() };
        let shown = (self.front, daemon, ways);
        if self.shown.as_ref().is_some_and(|last| is_same(last, &shown)) {
            return None;
        }
        let (_, daemon, ways) = self.shown.insert(shown);
        // Where there is no choice, the watcher's own snapshot will do.
        if ways.is_empty() {
            return Some(Output::Snapshot(daemon.clone()));
        }
        let whole = Daemon { ways: ways.clone(), ..Daemon::clone(daemon) };
        Some(Output::Snapshot(whole.into()))
    }

    /// When to call [`Finder::handle`] at the latest; `None` while there is nothing to wait for.
    pub const fn next_wakeup(&self) -> Option<Mono> {
        self.wakeup
    }

    /// Whether one look has seen all that there is to see: it is clear which line is used, and what
    /// is known on it is complete; or nobody answers on any. What chronyd's protocol meets over UDP
    /// is waited for a moment only where control messages were turned away.
    pub fn is_settled(&self) -> bool {
        let Some(used) = self.used.and_then(|used| self.lines.get(used)) else {
            let is_needed = |line: &&Line<W>| self.lines.len() == 1 || !line.kind.is_bare();
            return self.hold == Hold::Over
                && self.lines.iter().filter(is_needed).all(Line::is_settled);
        };
        self.contest.is_none() && used.is_settled()
    }

    /// Brings everything up to `now`.
    fn settle(&mut self, now: Now) {
        loop {
            for place in 0..self.lines.len() {
                self.collect(place);
            }
            if !self.judge(now) {
                break;
            }
        }
        let front = self.to_show();
        self.changed |= front != self.front;
        self.front = front;
        self.wakeup = self.find_wakeup();
    }

    /// Takes what the watcher of a line wants.
    fn collect(&mut self, place: usize) {
        let Some(line) = self.lines.get_mut(place) else { return };
        while let Some(output) = line.poll_output() {
            match output {
                watcher::Output::Send(datagram) => {
                    self.outputs.push_back(Output::Send(place, datagram));
                }
                watcher::Output::Snapshot(daemon) => {
                    let turns = daemon.contact.is_lost() && !line.has_answered;
                    line.learn(daemon);
                    self.changed = true;
                    if turns {
                        self.outputs.push_back(Output::Turn(place));
                    }
                }
            }
        }
    }

    /// Judges from what the lines have learned which one is used and which may sleep; whether any
    /// was woken.
    fn judge(&mut self, now: Now) -> bool {
        self.contest = self.contest.filter(|until| *until > now.mono);
        let first = self.used.is_none() || self.lost.is_some();
        if let Some(better) = self.better() {
            self.use_line(better);
            if first {
                self.contest = Some(now.mono + self.moment(better, now.mono));
            }
        }
        let Some(used) = self.used else {
            self.hold_back(now.mono);
            return false;
        };
        let answers = self.lines.get(used).is_some_and(Line::is_answering);
        if answers && first && self.ask_preferred_again(now, used) {
            self.lost = None;
            return true;
        }
        if self.contest.is_some() && !self.is_contested(used) {
            self.contest = None;
        }
        if answers {
            self.lost = None;
            self.send_to_sleep(now.mono, used);
            return false;
        }
        let lost = *self.lost.get_or_insert(now.mono);
        now.mono.since(lost) >= JOIN_AFTER && self.wake_all(now)
    }

    /// A line to use in place of the present one: none is used, the one that is does not answer, or
    /// another is preferred and has the right to take over.
    fn better(&self) -> Option<usize> {
        let answering = self.lines.iter().enumerate().filter(|(_, line)| line.is_answering());
        let (place, best) = answering.min_by_key(|(_, line)| line.kind.preference())?;
        let Some(used) = self.used.and_then(|used| self.lines.get(used)) else {
            return Some(place);
        };
        if !used.is_answering() {
            return Some(place);
        }
        let is_preferred = best.kind.preference() < used.kind.preference();
        let may = self.contest.is_some() || best.kind.is_alike(used.kind);
        (is_preferred && may).then_some(place)
    }

    /// Asks anew on the lines that are preferred to `used` and were in trouble for a while: where
    /// somebody answers at last, they may be just about to. Whether there were any.
    fn ask_preferred_again(&mut self, now: Now, used: usize) -> bool {
        let Some(kind) = self.lines.get(used).map(|line| line.kind) else { return false };
        let mut any = false;
        for place in 0..self.lines.len() {
            let is_stale = self.lines.get(place).is_some_and(|line| {
                line.kind.preference() < kind.preference()
                    && line.is_in_trouble()
                    && now.mono.since(line.asked) >= STALE
            });
            if is_stale {
                self.put_to_sleep(place);
                self.wake(now, place);
                any = true;
            }
        }
        any
    }

    fn use_line(&mut self, place: usize) {
        self.used = Some(place);
        self.hold = Hold::Over;
        self.lost = None;
        self.changed = true;
    }

    /// Whether a line that is preferred to `used` may yet answer.
    fn is_contested(&self, used: usize) -> bool {
        let Some(used) = self.lines.get(used) else { return false };
        let is_preferred = |line: &Line<W>| line.kind.preference() < used.kind.preference();
        self.lines.iter().any(|line| line.is_asking() && is_preferred(line))
    }

    /// How long to wait for the others once something was heard on the line at `place`: about as
    /// long as that took, for all were asked at the same time.
    fn moment(&self, place: usize, now: Mono) -> Duration {
        let took = self.lines.get(place).map(|line| now.since(line.asked)).unwrap_or_default();
        took.clamp(SHORTEST_MOMENT, LONGEST_MOMENT)
    }

    /// Gives those that are still asked a moment before the trouble of another is shown.
    fn hold_back(&mut self, now: Mono) {
        let troubled = self.lines.iter().position(Line::is_in_trouble);
        // A line that leads nowhere yet has its moment before it.
        let have_begun = !self.lines.iter().any(Line::is_resolving);
        if let (Hold::None, Some(place), true) = (self.hold, troubled, have_begun) {
            self.hold = Hold::Until(now + self.moment(place, now));
        }
        if let Hold::Until(until) = self.hold
            && (until <= now || !self.lines.iter().any(Line::is_open))
        {
            self.hold = Hold::Over;
            self.changed = true;
        }
    }

    /// Lets those sleep that are not needed while `used` answers.
    fn send_to_sleep(&mut self, now: Mono, used: usize) {
        let Some(kind) = self.lines.get(used).map(|line| line.kind) else { return };
        for place in (0..self.lines.len()).filter(|place| *place != used) {
            let Some(line) = self.lines.get_mut(place) else { continue };
            let is_preferred = line.kind.preference() < kind.preference();
            // The other line to the same daemon can tell nothing new.
            let is_idle = line.kind.is_alike(kind) && !is_preferred;
            if line.is_awake() && (is_idle || line.is_answering() || line.rests_at() <= now) {
                self.put_to_sleep(place);
            }
        }
    }

    fn put_to_sleep(&mut self, place: usize) {
        if let Some(line) = self.lines.get_mut(place) {
            line.sleep();
        }
        let is_its = |output: &Output| match output {
            Output::Send(of, _) | Output::Turn(of) => *of == place,
            Output::Snapshot(_) => false,
        };
        self.outputs.retain(|output| !is_its(output));
    }

    /// Asks on a way that was chosen.
    fn choose(&mut self, now: Now, way: usize) {
        let choice = self.choices().get(way).copied();
        let Some(place) = choice.filter(|place| self.used != Some(*place)) else { return };
        for other in (0..self.lines.len()).filter(|other| *other != place) {
            self.put_to_sleep(other);
        }
        self.wake(now, place);
        self.use_line(place);
        self.contest = None;
    }

    /// The line of each protocol that anybody ever answered by, the best of each; none where that is
    /// one protocol only. Their order stays.
    fn choices(&self) -> Vec<usize> {
        let choice = |is_of: fn(Kind) -> bool| {
            let lines = self.lines.iter().enumerate();
            let answered = lines.filter(|(_, line)| is_of(line.kind) && line.has_answered);
            let order = |(place, line): &(usize, &Line<W>)| {
                (self.used != Some(*place), !line.answers, line.kind.preference())
            };
            answered.min_by_key(order).map(|(place, _)| place)
        };
        let control_messages = choice(|kind| kind == Kind::ControlMessages);
        let chronyd = choice(|kind| kind != Kind::ControlMessages);
        match (control_messages, chronyd) {
            (Some(one), Some(other)) => vec![one, other],
            _ => Vec::new(),
        }
    }

    fn ways(&self) -> Vec<Way> {
        let choices = self.choices();
        let lines = choices.iter().filter_map(|place| Some((place, self.lines.get(*place)?)));
        let ways = lines.map(|(place, line)| Way {
            name: line.kind.name().into(),
            is_used: self.used == Some(*place),
            answers: line.answers,
        });
        ways.collect()
    }

    /// The line to show.
    fn to_show(&self) -> usize {
        if let Some(used) = self.used {
            return used;
        }
        let is_held = self.hold != Hold::Over && self.lines.iter().any(Line::is_open);
        let lines = self.lines.iter().enumerate();
        let lines = lines.filter(|(_, line)| !is_held || line.is_open());
        let telling = |(_, line): &(usize, &Line<W>)| {
            let weight = trouble::weight(line.kind, &line.daemon.contact);
            (weight, Reverse(line.kind.preference()))
        };
        lines.max_by_key(telling).map_or(self.front, |(place, _)| place)
    }
}

impl<W: Watch> Finder<W> {
    fn tell_all(&mut self, now: Now, input: &watcher::Input<'_>) {
        for line in self.lines.iter_mut().filter(|line| line.is_awake()) {
            line.handle(now, input.clone());
        }
    }

    /// Wakes those that sleep; whether any did.
    fn wake_all(&mut self, now: Now) -> bool {
        let asleep = |(place, line): (usize, &Line<W>)| (!line.is_awake()).then_some(place);
        let asleep: Vec<_> = self.lines.iter().enumerate().filter_map(asleep).collect();
        for place in &asleep {
            self.wake(now, *place);
        }
        !asleep.is_empty()
    }

    /// Wakes those that have slept for a while.
    fn wake_rested(&mut self, now: Now) {
        for place in 0..self.lines.len() {
            if self.lines.get(place).is_some_and(|line| line.rests_at() <= now.mono) {
                self.wake(now, place);
            }
        }
    }

    fn wake(&mut self, now: Now, place: usize) {
        let mut seed = [0; 32];
        self.seeds.fill_bytes(&mut seed);
        if let Some(line) = self.lines.get_mut(place) {
            line.wake(now, seed, &self.interest, self.key.as_ref());
        }
    }

    fn find_wakeup(&self) -> Option<Mono> {
        let hold = match self.hold {
            Hold::Until(until) => Some(until),
            Hold::None | Hold::Over => None,
        };
        let answers = self.used.is_some() && self.lost.is_none();
        let awake = || self.lines.iter().enumerate().filter(|(_, line)| line.is_awake());
        let rests = awake().filter(|(place, _)| answers && self.used != Some(*place));
        let rests = rests.map(|(_, line)| line.rests_at()).min();
        let sleeps = self.lines.iter().any(|line| !line.is_awake());
        let join = self.lost.filter(|_| sleeps).map(|lost| lost + JOIN_AFTER);
        let lines = awake().filter_map(|(_, line)| line.next_wakeup()).min();
        [self.contest, hold, join, rests, lines].into_iter().flatten().min()
    }
}

/// Whether two things to show are one.
fn is_same(
    (place, daemon, ways): &(usize, Arc<Daemon>, Arc<[Way]>),
    (other, other_daemon, other_ways): &(usize, Arc<Daemon>, Arc<[Way]>),
) -> bool {
    place == other && Arc::ptr_eq(daemon, other_daemon) && ways == other_ways
}

/// How long the used line is lost before the others are asked as well.
const JOIN_AFTER: Duration = Duration::from_secs(3);

/// Trouble of a line that has lasted so long may be over.
const STALE: Duration = Duration::from_secs(1);

/// How long at least and at most something heard on one line waits for the others.
const SHORTEST_MOMENT: Duration = Duration::from_millis(100);
const LONGEST_MOMENT: Duration = Duration::from_millis(250);
