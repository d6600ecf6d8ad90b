//! Reads a daemon's list of clients, again and again, while somebody looks at it.
//!
//! The list may be very long, so it is read piece by piece ([`MruWalk`]) beside the other
//! conversation, and what has come is told while the reading goes on: the list that was whole before
//! stays in sight until the next one is, so that rows do not come and go with each reading. It is
//! read again after a while that fits what it takes, or when somebody wants that: on average no more
//! than one question in five seconds.
//!
//! A daemon that limits us counts these questions with those of the other conversation. So it is
//! told what that has found out, and goes at half its pace; a question is only thought of when it
//! may go out, for the nonce in it is soon stale.

use std::collections::VecDeque;
use std::time::Duration;

use crate::control::mru::{Ending, MruWalk, Step, Stop};
use crate::control::pipeline::{self, Answer, Pipeline, Settings, Ticket};
use crate::control::timing::Timing;
use crate::model::mru::{Monitored, Reading};
use crate::model::question::Unreachable;
use crate::model::{Absent, Dated, Dialect, Failure, Part};
use crate::units::{Mono, Now};

/// Reads the list of one daemon.
#[derive(Debug)]
pub struct ClientsReader {
    pipeline: Pipeline,
    /// What was told last.
    known: Part<Monitored>,
    stage: Stage,
    is_hurried: bool,
    outputs: VecDeque<Output>,
}

#[derive(Debug)]
enum Stage {
    /// The list is left alone until the second of these, in a hurry until the first.
    Resting(Mono, Mono),
    Reading(Box<Course>),
}

/// A reading under way.
#[derive(Debug)]
struct Course {
    walk: MruWalk,
    asked: Option<Ticket>,
    /// What was known when it began.
    before: Part<Monitored>,
    began: Mono,
    questions: u64,
    shown: Shown,
}

/// What happens to a reader.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// A datagram from the daemon.
    Datagram(&'a [u8]),
    /// The network says that a datagram did not get there, or there is no way to send one.
    Unreachable(Unreachable),
    /// Somebody wants the list read again soon.
    Hurry,
    /// Time has passed.
    Wakeup,
}

/// What a reader wants.
#[derive(Clone, Debug)]
pub enum Output {
    /// Send this datagram to the daemon, all of one reading from the same port.
    Send(Vec<u8>),
    /// This is the list now.
    News(Part<Monitored>),
}

impl ClientsReader {
    /// Begins to read at the first [`ClientsReader::handle`], or later where `known`, which was read
    /// before, is fresh. The daemon speaks `dialect`; `is_limited` says whether it is known to limit us.
    pub fn new(dialect: Dialect, is_limited: bool, known: Part<Monitored>, seed: [u8; 32]) -> Self {
        let mut pipeline = Pipeline::beside(Settings::new(Timing::live(), seed), is_limited);
        pipeline.set_dialect(dialect);
        // Somebody who comes back soon sees what he saw, unless that was left half read.
        let fresh = known.latest().zip(known.dated()).filter(|_| known.trouble().is_none());
        let until = fresh.map(|(list, dated)| dated.answered + pause(list.questions));
        let stage = Stage::Resting(Mono::default(), until.unwrap_or_default());
        Self { pipeline, known, stage, is_hurried: false, outputs: VecDeque::new() }
    }

    /// Takes in what happened.
    pub fn handle(&mut self, now: Now, input: Input<'_>) {
        let input = match input {
            Input::Datagram(datagram) => pipeline::Input::Datagram(datagram),
            Input::Unreachable(why) => pipeline::Input::Unreachable(why),
            Input::Hurry | Input::Wakeup => {
                self.is_hurried |= matches!(input, Input::Hurry);
                pipeline::Input::Wakeup
            }
        };
        self.pipeline.handle(now, input);
        self.go_on(now);
    }

    /// The next thing to do; to be called until there is none.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to call [`ClientsReader::handle`] at the latest.
    pub fn next_wakeup(&self) -> Option<Mono> {
        let own = match &self.stage {
            Stage::Resting(hurried, _) if self.is_hurried => Some(*hurried),
            Stage::Resting(_, until) => Some(*until),
            Stage::Reading(course) => course.asked.is_none().then(|| self.pipeline.free_at()),
        };
        [own, self.pipeline.next_wakeup()].into_iter().flatten().min()
    }

    /// Whether nothing is read just now: the next reading may be from another port.
    pub const fn is_resting(&self) -> bool {
        matches!(self.stage, Stage::Resting(..))
    }

    /// Questions under way.
    pub fn in_flight(&self) -> usize {
        self.pipeline.in_flight()
    }

    fn go_on(&mut self, now: Now) {
        loop {
            while let Some(output) = self.pipeline.poll_output() {
                match output {
                    pipeline::Output::Send(datagram) => {
                        self.outputs.push_back(Output::Send(datagram));
                    }
                    pipeline::Output::Answer(answer) => self.take(now, answer),
                    pipeline::Output::Garbage(_) => {}
                }
            }
            match &mut self.stage {
                Stage::Resting(hurried, until) => {
                    if now.mono < if self.is_hurried { *hurried } else { *until } {
                        return;
                    }
                    self.is_hurried = false;
                    let before = self.known.clone();
                    self.stage = Stage::Reading(Box::new(Course::new(now.mono, before)));
                }
                Stage::Reading(course) => {
                    if course.asked.is_some() || self.pipeline.room(now) == 0 {
                        return;
                    }
                    course.asked = match course.walk.next_step(now.mono) {
                        Some(Step::Nonce(question)) => Some(self.pipeline.ask(now, question)),
                        Some(Step::Piece(question, wait)) => {
                            Some(self.pipeline.ask_once(now, question, wait))
                        }
                        None => None,
                    };
                    course.questions += 1;
                }
            }
        }
    }

    fn take(&mut self, now: Now, answer: Answer) {
        let Stage::Reading(course) = &mut self.stage else { return };
        if course.asked.take_if(|asked| *asked == answer.ticket).is_none() {
            return;
        }
        course.walk.answered(now.mono, answer.result, answer.part.as_ref());
        if course.walk.list().len() >= MOST_ENTRIES {
            course.walk.interrupt();
        }
        let Some(news) = course.news(now) else { return };
        if course.walk.ending().is_some() {
            let rest = pause(course.questions);
            self.stage = Stage::Resting(now.mono + LEAST_PAUSE, now.mono + rest);
        }
        self.known = news.clone();
        self.outputs.push_back(Output::News(news));
    }
}

impl Course {
    fn new(began: Mono, before: Part<Monitored>) -> Self {
        Self {
            walk: MruWalk::new(Vec::new()),
            asked: None,
            before,
            began,
            questions: 0,
            shown: Shown { rows: 0, at: began },
        }
    }

    /// What is to be told now; `None` when that is not worth it yet.
    fn news(&mut self, now: Now) -> Option<Part<Monitored>> {
        let dated = Dated { asked: self.began, answered: now.mono, clock: now.clock };
        let rows = self.walk.list().len();
        if self.walk.ending().is_some() {
            return Some(at_the_end(&self.before, &self.walk, self.picture(now), dated));
        }
        if !self.shown.is_due(rows, now.mono) {
            return None;
        }
        self.shown = Shown { rows, at: now.mono };
        Some(in_between(&self.before, self.picture(now), dated))
    }

    /// What was read so far, as it is shown.
    fn picture(&self, now: Now) -> Monitored {
        let reading = match self.walk.ending() {
            None => Reading::UnderWay,
            Some(Ending::Complete(_)) => Reading::Complete,
            Some(Ending::Partial(Stop::Interrupted)) => {
                Reading::Partial { why: format!("no more than {MOST_ENTRIES} are kept").into() }
            }
            Some(Ending::Partial(stop)) => Reading::Partial { why: stop.to_string().into() },
        };
        let list = self.walk.list();
        Monitored {
            rows: list.rows(),
            count: list.len(),
            now: self.walk.now(),
            reading,
            took: now.mono.since(self.began),
            questions: self.questions,
        }
    }
}

/// What stays of a list when whoever read it is gone, perhaps in the middle of it.
pub fn left(list: &Part<Monitored>) -> Part<Monitored> {
    let Some((known, dated)) = list.latest().zip(list.dated()) else { return list.clone() };
    let why = "the reading was broken off".into();
    let reading = match known.reading {
        Reading::UnderWay => Reading::Partial { why },
        Reading::Again { .. } => Reading::Kept { why },
        Reading::Complete | Reading::Partial { .. } | Reading::Kept { .. } => return list.clone(),
    };
    Part::answered(Monitored { reading, ..known.clone() }, dated)
        .failed(Absent::Failed(Failure::Withdrawn))
}

/// What was last told of a reading that goes on.
#[derive(Debug)]
struct Shown {
    rows: usize,
    at: Mono,
}

impl Shown {
    /// Whether so many rows are worth telling: the first at once, then ever more at a time, for
    /// whoever shows them sorts them anew.
    fn is_due(&self, rows: usize, now: Mono) -> bool {
        let since = now.since(self.at);
        match self.rows {
            // A walk that begins anew has none for a moment.
            _ if rows == 0 => false,
            0 => true,
            shown => (rows > shown + shown / 4 && since >= BETWEEN_NEWS) || since >= SLOWEST_NEWS,
        }
    }
}

/// What is shown while the list is read: the one that was whole before, with how far this reading
/// got, so that rows do not come and go with each reading; of a very long one memory would not bear
/// two.
fn in_between(before: &Part<Monitored>, told: Monitored, dated: Dated) -> Part<Monitored> {
    match whole(before) {
        Some((list, dated)) => {
            let reading = Reading::Again { count: told.count };
            Part::answered(Monitored { reading, ..list.clone() }, dated)
        }
        None => Part::answered(told, dated),
    }
}

/// What is shown once the reading has ended.
fn at_the_end(
    before: &Part<Monitored>,
    walk: &MruWalk,
    told: Monitored,
    dated: Dated,
) -> Part<Monitored> {
    let Some(Ending::Partial(stop)) = walk.ending() else { return Part::answered(told, dated) };
    match (whole(before), stop) {
        (Some((list, dated)), stop) => {
            let reading = Reading::Kept { why: stop.to_string().into() };
            Part::answered(Monitored { reading, ..list.clone() }, dated)
        }
        (None, Stop::NoNonce(failure) | Stop::Failed(failure)) if told.count == 0 => {
            before.failed(Absent::Failed(failure.clone()))
        }
        _ => Part::answered(told, dated),
    }
}

/// The list that was whole when it was read last, if it is short enough to be kept beside another.
fn whole(before: &Part<Monitored>) -> Option<(&Monitored, Dated)> {
    let list = before.latest().filter(|list| list.count <= KEPT)?;
    let was_whole =
        matches!(list.reading, Reading::Complete | Reading::Again { .. } | Reading::Kept { .. });
    was_whole.then_some(list).zip(before.dated())
}

/// How long to leave a list alone that took so many questions.
fn pause(questions: u64) -> Duration {
    Duration::from_secs(questions.saturating_mul(5)).clamp(SHORTEST_PAUSE, LONGEST_PAUSE)
}

/// Where reading ends: with its index, and while it is put in order for a screen, so long a list
/// takes some 40 MB, and what a daemon says must not fill more than 64 MiB.
const MOST_ENTRIES: usize = 300_000;

/// The longest list that is kept while it is read again.
const KEPT: usize = 100_000;

/// From one reading to the next: also for one who is in a hurry, and by itself.
const LEAST_PAUSE: Duration = Duration::from_secs(2);
const SHORTEST_PAUSE: Duration = Duration::from_secs(15);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// From one piece of news to the next, at the least and at the most.
const BETWEEN_NEWS: Duration = Duration::from_millis(100);
const SLOWEST_NEWS: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
