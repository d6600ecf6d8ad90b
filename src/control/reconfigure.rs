//! A change of a running daemon, from the wish to the proof.
//!
//! [`Reconfigure`] reads the daemon, thinks the change through and shows what it comes to; nothing
//! that changes anything is sent before it is armed. Then each line is sent once, and never again:
//! where an answer is lost, reading the daemon tells whether the line was followed. What a daemon
//! answers proves nothing ("Config Succeeded" is what ntpd says to a `server` line that it ignores),
//! so in the end it is read again, and what was to be seen is looked for. A change that nobody
//! confirms in time is taken back by its inverse, which was shown before, and that is proved in the
//! same way; a daemon that has started anew meanwhile has forgotten it, and is told nothing.
//!
//! All that is known at any time is the [`Course`]: plain data, for screens, commands and books
//! alike. How a daemon is talked to is a [`Way`]; [`ntpd`] is the one over control messages.
//!
//! The machine has the shape of all of them: hand over what happened ([`Reconfigure::handle`]), take
//! the outputs until there are none ([`Reconfigure::poll_output`]), and wait for a datagram or until
//! [`Reconfigure::next_wakeup`]. Waking early is harmless.

pub mod ntpd;
mod verdict;
pub mod way;

use std::collections::VecDeque;
use std::time::Duration;

use crate::control::reconfigure::way::{News, Step, Thought, Way};
use crate::model::Failure;
use crate::model::change::state::{Check, State};
use crate::model::change::{Answered, Course, Phase, Sent, TakenBack, Trouble, Verdict, Why};
use crate::model::question::Unreachable;
use crate::units::{Mono, Now};

/// A change under way.
#[derive(Debug)]
pub struct Reconfigure<W: Way> {
    way: W,
    confirm: Option<Duration>,
    course: Course,
    thought: Option<Thought<W::Request>>,
    before: Option<State>,
    /// How many lines of the change, or of its inverse, were sent.
    at: usize,
    /// Whether the line that was sent last was not answered, and it is being found out what became
    /// of it.
    is_finding_out: bool,
    /// Whether it is being found out, before it is taken back, if the daemon has started anew.
    is_looking_first: bool,
    /// How many times it was read again because what was to be seen was not there yet.
    rereads: usize,
    /// When to read again.
    reread_at: Option<Mono>,
    /// Whether it is to be taken back as soon as nothing is under way.
    is_unwanted: bool,
    outputs: VecDeque<Output>,
}

/// What happens to a change.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Input<'a> {
    /// A datagram from the daemon.
    Datagram(&'a [u8]),
    /// The network says that a datagram did not get there.
    Unreachable(Unreachable),
    /// The user wants it sent. It is heeded once, after the preview.
    Arm,
    /// The same of one that cannot be taken back: it is not waited for a confirmation then.
    ArmForGood,
    /// The user confirms it, while that is waited for.
    Confirm,
    /// The user does not want it: nothing is sent any more, and what was sent is taken back where
    /// there is a way.
    TakeBack,
    /// Time has passed.
    Wakeup,
}

/// What a change wants.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Output {
    /// Send this datagram to the daemon.
    Send(Vec<u8>),
    /// There is something new in the course of it.
    Course,
}

impl<W: Way> Reconfigure<W> {
    /// Begins with reading the daemon. With `confirm` it is taken back unless it is confirmed within
    /// that time after it was read back.
    pub fn new(now: Now, mut way: W, confirm: Option<Duration>) -> Self {
        way.read(now);
        let mut new = Self {
            way,
            confirm,
            course: Course::default(),
            thought: None,
            before: None,
            at: 0,
            is_finding_out: false,
            is_looking_first: false,
            rereads: 0,
            reread_at: None,
            is_unwanted: false,
            outputs: VecDeque::new(),
        };
        new.drain(now);
        new
    }

    /// All that is known of it.
    pub const fn course(&self) -> &Course {
        &self.course
    }

    /// The way on which the daemon is talked to, with what it has read.
    pub const fn way(&self) -> &W {
        &self.way
    }

    /// What the daemon told before anything was sent.
    pub const fn before(&self) -> Option<&State> {
        self.before.as_ref()
    }

    /// Takes in what happened.
    pub fn handle(&mut self, now: Now, input: Input<'_>) {
        match input {
            Input::Datagram(datagram) => self.way.receive(now, datagram),
            Input::Unreachable(why) => self.way.unreachable(now, why),
            Input::Arm if self.course.phase == Phase::Preview => self.arm(now),
            Input::ArmForGood if self.course.phase == Phase::Preview => {
                if self.thought.as_ref().is_some_and(|thought| thought.inverse.is_err()) {
                    self.confirm = None;
                }
                self.arm(now);
            }
            Input::Confirm if matches!(self.course.phase, Phase::Confirming(_)) => {
                self.course.is_confirmed = true;
                self.end();
            }
            Input::TakeBack => self.leave(now),
            Input::Arm | Input::ArmForGood | Input::Confirm => {}
            Input::Wakeup => self.way.wake(now),
        }
        if self.reread_at.is_some_and(|at| at <= now.mono) {
            self.reread_at = None;
            self.way.read(now);
        }
        if let Phase::Confirming(until) = self.course.phase
            && until <= now.mono
        {
            self.take_back(now, Why::NotConfirmed);
        }
        self.drain(now);
    }

    /// The next thing to do; to be called until there is none.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to call [`Reconfigure::handle`] at the latest; `None` while there is nothing to wait for.
    pub fn next_wakeup(&self) -> Option<Mono> {
        let confirmation = match self.course.phase {
            Phase::Confirming(until) => Some(until),
            _ => None,
        };
        [self.way.next_wakeup(), self.reread_at, confirmation].into_iter().flatten().min()
    }

    fn drain(&mut self, now: Now) {
        while let Some(news) = self.way.poll() {
            match news {
                News::Send(datagram) => self.outputs.push_back(Output::Send(datagram)),
                News::Read(state) => self.take_state(now, state),
                News::Answered(answer) => self.take_answer(now, answer),
            }
        }
    }

    fn turn(&mut self, phase: Phase) {
        self.course.phase = phase;
        self.outputs.push_back(Output::Course);
    }

    fn end(&mut self) {
        self.turn(Phase::Ended);
    }

    fn fail(&mut self, trouble: Trouble) {
        self.course.trouble = Some(trouble);
        self.end();
    }

    fn take_state(&mut self, now: Now, state: Result<State, Failure>) {
        match self.course.phase {
            Phase::Reading => match state {
                Err(failure) => self.fail(Trouble::Unread(failure)),
                Ok(state) => match self.way.plan() {
                    Err(trouble) => self.fail(trouble),
                    Ok(thought) => {
                        self.course.preview = Some(verdict::preview(&thought, &state));
                        self.thought = Some(thought);
                        self.before = Some(state);
                        self.turn(Phase::Preview);
                    }
                },
            },
            Phase::Applying | Phase::TakingBack if self.is_finding_out => {
                self.is_finding_out = false;
                let was_done = state.is_ok_and(|state| self.was_done(&state));
                self.go_on(now, was_done);
            }
            Phase::TakingBack if self.is_looking_first => {
                self.is_looking_first = false;
                let state = state.ok().filter(|state| self.has_restarted(state));
                match state {
                    // A change lasts as long as the daemon runs. What is there now its configuration
                    // says, which the inverse would alter.
                    Some(state) => {
                        self.turn(Phase::ReadingAgain);
                        self.judge_back(now, Some(&state));
                    }
                    None => self.send(now),
                }
            }
            Phase::ReadingBack => self.judge(now, state.ok().as_ref()),
            Phase::ReadingAgain => self.judge_back(now, state.ok().as_ref()),
            _ => {}
        }
    }

    /// Whether the line that was sent last and not answered was followed: what was to be seen is
    /// seen, and was not before.
    fn was_done(&self, state: &State) -> bool {
        let steps = self.steps();
        let Some(step) = self.at.checked_sub(1).and_then(|last| steps.get(last)) else {
            return false;
        };
        let is_back = self.course.phase == Phase::TakingBack;
        let holds = |check: &Check| check.holds(state) == Some(true);
        let held = |check: &Check| {
            !is_back && self.before.as_ref().and_then(|before| check.holds(before)) == Some(true)
        };
        !step.checks.is_empty()
            && step.checks.iter().all(|check| check.holds(state) != Some(false))
            && step.checks.iter().any(|check| holds(check) && !held(check))
    }

    /// The lines that are being sent.
    fn steps(&self) -> &[Step<W::Request>] {
        let Some(thought) = &self.thought else { return &[] };
        match self.course.phase {
            Phase::TakingBack => thought.inverse.as_deref().unwrap_or_default(),
            _ => &thought.steps,
        }
    }

    fn sent(&mut self) -> &mut Vec<Sent> {
        match &mut self.course.back {
            Some(back) => &mut back.sent,
            None => &mut self.course.sent,
        }
    }

    fn arm(&mut self, now: Now) {
        if let Err(trouble) = self.way.permit() {
            return self.fail(trouble);
        }
        if let Some(Err(why)) = self.thought.as_ref().map(|thought| &thought.inverse)
            && self.confirm.is_some()
        {
            let why = why.clone();
            return self.fail(Trouble::NoWayBack(why));
        }
        self.at = 0;
        self.turn(Phase::Applying);
        self.send(now);
    }

    /// Sends the next line, or reads what has become of them.
    fn send(&mut self, now: Now) {
        let is_unwanted = self.is_unwanted && self.course.phase == Phase::Applying;
        let step = self.steps().get(self.at).filter(|_| !is_unwanted);
        let Some(Step { text, request, .. }) = step.cloned() else { return self.read_back(now) };
        self.at += 1;
        self.sent().push(Sent { text, answer: None });
        self.outputs.push_back(Output::Course);
        self.way.tell(now, &request);
    }

    fn take_answer(&mut self, now: Now, answer: Answered) {
        let is_lost = matches!(answer, Answered::Lost(_));
        let is_accepted = matches!(answer, Answered::Accepted(_));
        if let Some(last) = self.sent().last_mut() {
            last.answer = Some(answer);
        }
        self.outputs.push_back(Output::Course);
        // After the last line there is nothing to decide: all is read back in any case.
        if is_lost && self.at < self.steps().len() {
            self.is_finding_out = true;
            self.way.read(now);
        } else {
            self.go_on(now, is_accepted);
        }
    }

    /// Goes on with the next line, if the one before `was_done`. Taking back goes on in any case:
    /// each line of an inverse restores something of its own.
    fn go_on(&mut self, now: Now, was_done: bool) {
        let is_inverse = self.thought.as_ref().is_some_and(|thought| thought.is_inverse);
        if was_done || is_inverse || self.course.phase == Phase::TakingBack {
            self.send(now);
        } else {
            self.read_back(now);
        }
    }

    fn read_back(&mut self, now: Now) {
        let is_back = self.course.phase == Phase::TakingBack;
        self.rereads = 0;
        self.turn(if is_back { Phase::ReadingAgain } else { Phase::ReadingBack });
        self.way.read(now);
    }

    /// Whether it is worth while to look again a little later, and if so does.
    fn looks_again(&mut self, now: Now, is_as_wanted: bool) -> bool {
        let sent = self.course.back.as_ref().map_or(&self.course.sent, |back| &back.sent);
        let refused = |sent: &Sent| matches!(sent.answer, Some(Answered::Refused(_)));
        let is_slow = self.thought.as_ref().is_some_and(|thought| thought.is_slow);
        let delays = if is_slow { SLOW } else { QUICK };
        let Some(delay) = delays.get(self.rereads) else { return false };
        if is_as_wanted || sent.iter().any(refused) {
            return false;
        }
        self.rereads += 1;
        self.reread_at = Some(now.mono + *delay);
        true
    }

    fn judge(&mut self, now: Now, after: Option<&State>) {
        let (Some(before), Some(thought)) = (&self.before, &self.thought) else { return };
        let outcome = verdict::of_change(&self.course.sent, &thought.steps, before, after);
        let unmet = |(_, holds): &(Check, Option<bool>)| *holds == Some(false);
        let is_settled = after.is_none() || !outcome.checks.iter().any(unmet);
        if self.looks_again(now, is_settled) {
            return;
        }
        let verdict = outcome.verdict;
        let has_inverse = self.thought.as_ref().is_some_and(|thought| thought.inverse.is_ok());
        self.course.outcome = Some(outcome);
        let is_over = matches!(verdict, Verdict::NotApplied | Verdict::Restarted);
        match self.confirm {
            _ if is_over => self.end(),
            _ if self.is_unwanted && has_inverse => self.take_back(now, Why::Asked),
            Some(confirm) => self.turn(Phase::Confirming(now.mono + confirm)),
            None => self.end(),
        }
    }

    fn judge_back(&mut self, now: Now, after: Option<&State>) {
        let (Some(before), Some(change)) = (&self.before, &self.course.outcome) else {
            return self.end();
        };
        let sent = self.course.back.as_ref().map_or(&[][..], |back| &back.sent);
        let outcome = verdict::of_inverse(sent, change, before, after);
        let is_settled =
            after.is_none() || matches!(outcome.verdict, Verdict::Applied | Verdict::Untold);
        if self.looks_again(now, is_settled) {
            return;
        }
        if let Some(back) = &mut self.course.back {
            back.outcome = Some(outcome);
        }
        self.end();
    }

    /// The user wants no more of it.
    fn leave(&mut self, now: Now) {
        match self.course.phase {
            Phase::Reading | Phase::Preview => self.end(),
            Phase::Applying | Phase::ReadingBack => self.is_unwanted = true,
            Phase::Confirming(_) => self.take_back(now, Why::Asked),
            Phase::TakingBack | Phase::ReadingAgain | Phase::Ended => {}
        }
    }

    fn take_back(&mut self, now: Now, why: Why) {
        self.at = 0;
        self.course.back = Some(TakenBack { why, sent: Vec::new(), outcome: None });
        self.turn(Phase::TakingBack);
        self.is_looking_first = true;
        self.way.read(now);
    }

    fn has_restarted(&self, state: &State) -> bool {
        self.before.as_ref().is_some_and(|before| verdict::has_restarted(before, state))
    }
}

/// After how long to look again for what was to be seen at once.
const QUICK: &[Duration] = &[Duration::from_millis(250), Duration::from_millis(750)];

/// The same where a name is looked up first.
const SLOW: &[Duration] = &[
    Duration::from_millis(250),
    Duration::from_millis(750),
    Duration::from_millis(1500),
    Duration::from_millis(2500),
];
