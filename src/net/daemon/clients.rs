//! Reads a daemon's list of clients while somebody looks at it.
//!
//! The list may be very long, so it is read piece by piece beside the other conversation, from a
//! port of its own, and what has come is told while the reading goes on. It is read again after a
//! while that fits what it takes, or when somebody wants that: on average no more than one question
//! in five seconds.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use crate::control::mru::{Ending, MruWalk, Step, Stop};
use crate::control::pipeline::Settings;
use crate::control::timing::Timing;
use crate::model::mru::{Monitored, Reading};
use crate::model::{Absent, Dated, Dialect, Failure, Part};
use crate::net::client::Client;
use crate::net::clock::Clock;
use crate::net::random;
use crate::units::Mono;

/// Whose list is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Whose {
    pub(super) address: SocketAddr,
    pub(super) dialect: Dialect,
}

/// A list that is read again and again. Dropping it ends that.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) whose: Whose,
    list: watch::Receiver<Part<Monitored>>,
    hurry: Arc<Notify>,
    _task: JoinSet<()>,
}

impl Reader {
    /// Begins to read; `known` is what was read before.
    pub(super) fn start(whose: Whose, clock: Clock, known: Part<Monitored>) -> Self {
        let (told, list) = watch::channel(known);
        let hurry = Arc::new(Notify::new());
        let mut task = JoinSet::new();
        task.spawn(Task { whose, clock, told, hurry: Arc::clone(&hurry) }.run());
        Self { whose, list, hurry, _task: task }
    }

    /// Has the list read again soon.
    pub(super) fn hurry(&self) {
        self.hurry.notify_one();
    }

    /// The list, once more of it was read. Dropping the future loses nothing.
    pub(super) async fn next(&mut self) -> Part<Monitored> {
        if self.list.changed().await.is_err() {
            // The task never ends before this is dropped.
            std::future::pending::<()>().await;
        }
        self.list.borrow_and_update().clone()
    }
}

struct Task {
    whose: Whose,
    clock: Clock,
    told: watch::Sender<Part<Monitored>>,
    hurry: Arc<Notify>,
}

impl Task {
    async fn run(self) {
        // Somebody who comes back soon sees what he saw.
        let known = self.told.borrow().clone();
        if let (Some(list), Some(dated)) = (known.latest(), known.dated()) {
            let age = self.clock.mono().since(dated.answered);
            self.rest(pause(list.questions).saturating_sub(age)).await;
        }
        loop {
            let questions = self.read().await;
            tokio::time::sleep(LEAST_PAUSE).await;
            self.rest(pause(questions).saturating_sub(LEAST_PAUSE)).await;
        }
    }

    /// Waits, unless somebody is in a hurry.
    async fn rest(&self, pause: Duration) {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = self.hurry.notified() => {}
        }
    }

    /// Reads the list once; how many questions that took.
    async fn read(&self) -> u64 {
        let before = self.told.borrow().clone();
        let mut client = match Client::connect(self.whose.address, self.clock) {
            Ok(client) => client,
            Err(failed) => {
                let why = Failure::Unreachable(failed.unreachable());
                self.told.send_replace(before.failed(Absent::Failed(why)));
                return 1;
            }
        };
        let mut walk = MruWalk::new(Vec::new());
        let began = self.clock.mono();
        let mut questions = 0;
        let mut shown = Shown { rows: 0, at: began };
        while let Some(step) = walk.next_step(self.clock.mono()) {
            questions += 1;
            match step {
                Step::Nonce(question) => {
                    let Ok(seed) = random::seed() else { break };
                    let settings = Settings::new(Timing::live(), seed);
                    let answer = client.ask(settings, [question]).await.pop();
                    let answer = answer.unwrap_or(Err(Failure::Withdrawn));
                    walk.answered(self.clock.mono(), answer, None);
                }
                Step::Piece(question, wait) => {
                    client.set_dialect(self.whose.dialect);
                    let (answer, part) = client.ask_once(question, wait).await;
                    walk.answered(self.clock.mono(), answer, part.as_ref());
                }
            }
            if walk.list().len() >= MOST_ENTRIES {
                walk.interrupt();
            }
            let now = self.clock.mono();
            if walk.ending().is_none() && shown.is_due(walk.list().len(), now) {
                shown = Shown { rows: walk.list().len(), at: now };
                let told = picture(&walk, now.since(began), questions);
                self.told.send_replace(in_between(&before, told, self.dated(began)));
            }
        }
        let told = picture(&walk, self.clock.mono().since(began), questions);
        self.told.send_replace(at_the_end(&before, &walk, told, self.dated(began)));
        questions
    }

    fn dated(&self, began: Mono) -> Dated {
        let now = self.clock.now();
        Dated { asked: began, answered: now.mono, clock: now.clock }
    }
}

/// What was last told of a reading that goes on.
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
            0 => rows > 0,
            shown => (rows > shown + shown / 4 && since >= BETWEEN_NEWS) || since >= SLOWEST_NEWS,
        }
    }
}

/// What was read so far, as it is shown.
fn picture(walk: &MruWalk, took: Duration, questions: u64) -> Monitored {
    let reading = match walk.ending() {
        None => Reading::UnderWay,
        Some(Ending::Complete(_)) => Reading::Complete,
        Some(Ending::Partial(Stop::Interrupted)) => {
            Reading::Partial { why: format!("no more than {MOST_ENTRIES} are kept").into() }
        }
        Some(Ending::Partial(stop)) => Reading::Partial { why: stop.to_string().into() },
    };
    let list = walk.list();
    Monitored { rows: list.rows(), count: list.len(), now: walk.now(), reading, took, questions }
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
