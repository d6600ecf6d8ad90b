//! Recognises a daemon's rate limiter, and holds back as far as it asks for.
//!
//! NTPsec keeps a score for each address: every packet adds 1/20, and with a time constant of 20 s
//! the score decays; packets that find it at 1 (where `restrict … limited` has `kod` beside it: at
//! 1.5) fall without a word. That is 20 (30) at once and then a little less than one a second, and
//! since what falls is counted too, one who insists is never heard again. We keep the same score of
//! what we send, which tells how a loss is to be read and when it makes sense to go on.

use std::collections::VecDeque;
use std::time::Duration;

use crate::control::session::Ticket;
use crate::units::Mono;

/// What a daemon's limiter must think of us.
#[derive(Clone, Copy, Debug, Default)]
struct Score {
    value: f64,
    at: Mono,
}

impl Score {
    fn at(self, now: Mono) -> f64 {
        self.value * (-now.since(self.at).as_secs_f64() / DECAY.as_secs_f64()).exp()
    }

    fn count_one(&mut self, now: Mono) {
        *self = Self { value: self.at(now) + STEP, at: now };
    }

    /// When the score will have fallen to `level`.
    fn falls_to(self, level: f64) -> Mono {
        if self.value <= level {
            return self.at;
        }
        let wait = DECAY.as_secs_f64() * (self.value / level).ln();
        self.at + Duration::from_secs_f64(wait)
    }
}

/// How a daemon bears being asked.
#[derive(Clone, Debug)]
pub(super) struct Limiter {
    score: Score,
    state: State,
    requests: VecDeque<Request>,
    /// The highest score at which a request was answered.
    borne: f64,
    /// Whether the kind of daemon is one that may limit its clients by a score.
    suspected: bool,
    recognised: u32,
    /// From one request to the next where it limits us.
    pace: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    /// Nothing tells that it limits us.
    Free {
        trust: Trust,
        /// As much has been sent as trust allows: first let the answers come, or the score fall.
        held: bool,
    },
    /// It lets requests fall.
    Limited {
        /// When the next may go out.
        next: Mono,
        /// When it is forgotten, if the evidence was weak.
        until: Option<Mono>,
    },
}

/// How sure it is that the daemon does not limit us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trust {
    /// So far all is well.
    Untried,
    /// It answered what a limiter would have let fall, or is of a kind that has none.
    Proven,
    /// The line loses much, which may hide a limiter: the score is kept below its limit.
    Cautious,
}

impl Trust {
    /// Up to which score one goes: untried, 36 at once, of which a limiter lets at most 30 pass.
    const fn ceiling(self) -> f64 {
        match self {
            Self::Untried => 1.775,
            Self::Proven => f64::INFINITY,
            Self::Cautious => CAUTIOUS_SCORE,
        }
    }

    /// From which score one goes on, once the ceiling was reached.
    const fn floor(self) -> f64 {
        match self {
            Self::Cautious => CAUTIOUS_SCORE - STEP,
            Self::Untried | Self::Proven => RESUME_SCORE,
        }
    }
}

/// A request that was sent a short while ago.
#[derive(Clone, Copy, Debug)]
struct Request {
    ticket: Ticket,
    sent: Mono,
    /// The score that it found.
    score: f64,
    fate: Fate,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    UnderWay,
    Answered(Mono),
    Overdue,
}

impl Limiter {
    pub(super) const fn new() -> Self {
        Self {
            score: Score { value: 0.0, at: Mono::from_nanos(0) },
            state: State::Free { trust: Trust::Untried, held: false },
            requests: VecDeque::new(),
            borne: 0.0,
            suspected: true,
            recognised: 0,
            pace: PACE,
        }
    }

    /// Of one who asks beside another from the same address: both count, and both together go no
    /// faster than one may. `is_limited` says whether the other is limited.
    pub(super) fn beside(is_limited: bool) -> Self {
        let mut limiter = Self { pace: PACE_BESIDE, ..Self::new() };
        if is_limited {
            limiter.state = State::Limited { next: Mono::default(), until: None };
            limiter.recognised = 1;
        }
        limiter
    }

    /// Says whether the daemon is of a kind that limits control messages by a score.
    pub(super) fn suspect(&mut self, suspected: bool) {
        self.suspected = suspected;
        if let State::Free { trust: trust @ (Trust::Untried | Trust::Proven), .. } = &mut self.state
        {
            *trust = if suspected { Trust::Untried } else { Trust::Proven };
            let trust = *trust;
            self.state = State::Free { trust, held: self.score.value >= trust.ceiling() };
        }
    }

    /// Whether the daemon is of a kind that may limit its clients by a score.
    pub(super) const fn is_suspected(&self) -> bool {
        self.suspected
    }

    pub(super) const fn is_limited(&self) -> bool {
        matches!(self.state, State::Limited { .. })
    }

    /// Whether questions may have to wait although there is room in the window.
    pub(super) const fn is_slow(&self) -> bool {
        matches!(self.state, State::Limited { .. } | State::Free { held: true, .. })
    }

    /// Takes back that the daemon limits us: it does not answer at all. When it does again, that
    /// may have been the limiter after all.
    pub(super) fn forget(&mut self) {
        self.release(self.trust_again());
        self.recognised = 0;
    }

    /// How far a daemon is trusted that was taken for one that limits.
    const fn trust_again(&self) -> Trust {
        if self.suspected || self.recognised > 1 { Trust::Cautious } else { Trust::Proven }
    }

    fn release(&mut self, trust: Trust) {
        self.state = State::Free { trust, held: self.score.value >= trust.ceiling() };
        self.requests.clear();
    }

    /// When the next request may go out; in the past when it may now.
    pub(super) fn free_at(&self) -> Mono {
        match self.state {
            State::Limited { next, .. } => next,
            State::Free { held: false, .. } => Mono::default(),
            State::Free { held: true, trust } => self.score.falls_to(trust.floor()),
        }
    }

    /// How many requests may go out at `now`, one after the other.
    pub(super) fn allowance(&self, now: Mono) -> usize {
        match self.state {
            _ if self.free_at() > now => 0,
            State::Limited { .. } => 1,
            State::Free { trust: Trust::Proven, .. } => usize::MAX,
            State::Free { trust, .. } => {
                let mut score = self.score;
                let mut allowed = 0;
                while score.at(now) < trust.ceiling() {
                    score.count_one(now);
                    allowed += 1;
                }
                // Whatever the score, one may go out when there is no reason to hold it.
                allowed.max(1)
            }
        }
    }

    /// A request goes out.
    pub(super) fn sent(&mut self, now: Mono, ticket: Ticket) {
        let score = self.score.at(now);
        self.requests.push_back(Request { ticket, sent: now, score, fate: Fate::UnderWay });
        while self.requests.len() > REMEMBERED
            || self.requests.front().is_some_and(|r| now.since(r.sent) > MEMORY)
        {
            self.requests.pop_front();
        }
        self.score.count_one(now);
        match &mut self.state {
            State::Limited { next, .. } => *next = now + self.pace,
            State::Free { trust, held } => *held = self.score.value >= trust.ceiling(),
        }
    }

    /// The last request for `ticket` was answered.
    pub(super) fn answered(&mut self, now: Mono, ticket: Ticket) {
        let Some(request) = self.requests.iter_mut().rev().find(|r| r.ticket == ticket) else {
            return;
        };
        request.fate = Fate::Answered(now);
        let score = request.score;
        self.borne = self.borne.max(score);
        match self.state {
            State::Free { trust: Trust::Untried, .. } if score > PROVING_SCORE => {
                self.state = State::Free { trust: Trust::Proven, held: false };
            }
            State::Limited { until: Some(until), .. } if until <= now => {
                self.release(self.trust_again());
            }
            State::Limited { .. } if self.looks_like_loss() => self.release(Trust::Cautious),
            State::Free { .. } | State::Limited { .. } => {}
        }
    }

    /// No answer to the last request for `ticket` came in time.
    pub(super) fn overdue(&mut self, ticket: Ticket) {
        if let Some(request) = self.requests.iter_mut().rev().find(|r| r.ticket == ticket)
            && request.fate == Fate::UnderWay
        {
            request.fate = Fate::Overdue;
        }
    }

    /// Looks at what fell, once all that is overdue at `now` has been told; whether this is where
    /// the limiter is first recognised.
    pub(super) fn recognise(&mut self, now: Mono) -> bool {
        let State::Free { trust, .. } = self.state else { return false };
        let Some(strong) = self.evidence(trust) else { return false };
        self.recognised += 1;
        // Go on where it was still heard, with room for some more.
        let resume = (self.borne - 2.0 * STEP).clamp(RESUME_SCORE, HIGHEST_RESUME_SCORE);
        let next = self.score.falls_to(resume).max(now + PAUSE);
        self.borne = 0.0;
        let until = (!strong && self.recognised < 3).then_some(next + WEAK_FOR);
        self.state = State::Limited { next, until };
        self.requests.clear();
        true
    }

    /// Whether what fell tells of a limiter, and whether the score agrees.
    fn evidence(&self, trust: Trust) -> Option<bool> {
        let heard = self.requests.iter().rposition(|r| matches!(r.fate, Fate::Answered(_)))?;
        let fallen = self.requests.iter().skip(heard + 1).filter(|r| r.fate == Fate::Overdue);
        let first = fallen.clone().next()?;
        let strong = first.score > EXPLAINING_SCORE;
        let count = fallen.clone().count();
        let questions = fallen.clone().filter(|r| r.ticket != first.ticket).count();
        let needed = if trust == Trust::Cautious { 6 } else { 2 };
        // Two or more questions fell while an earlier one of the same flight was answered.
        let one_flight = self.requests.iter().take(heard + 1).any(|r| match r.fate {
            Fate::Answered(at) => r.sent <= first.sent && first.sent <= at + SAME_FLIGHT,
            _ => false,
        });
        if one_flight && questions > 0 && count >= needed {
            return Some(strong);
        }
        // Requests fell in a row just when the limiter's score was reached; where more than that was
        // answered before, which may be the line's doing, it takes more of them.
        let reached = match trust {
            Trust::Untried => strong && count >= needed,
            Trust::Proven => first.score > DISPROVING_SCORE && count >= 2 * needed,
            Trust::Cautious => false,
        };
        (self.suspected && reached).then_some(true)
    }

    /// Whether requests fall here and there although the score is low: a bad line, no limiter.
    fn looks_like_loss(&self) -> bool {
        let low = self.requests.iter().filter(|r| r.score < EXPLAINING_SCORE);
        let lost = low.clone().filter(|r| r.fate == Fate::Overdue).count();
        lost >= 3 && self.recognised < 2
    }

    /// How many requests at the end fell although the score was too low for a limiter.
    pub(super) fn unexplained(&self) -> usize {
        let recent = self.requests.iter().rev();
        let silent = recent.take_while(|r| !matches!(r.fate, Fate::Answered(_)));
        silent.filter(|r| r.fate == Fate::Overdue && r.score < EXPLAINING_SCORE).count()
    }
}

/// What one packet adds.
const STEP: f64 = 1.0 / 20.0;
/// In which time the score falls to 1/e.
const DECAY: Duration = Duration::from_secs(20);
/// An answer at this score shows that there is no limiter.
const PROVING_SCORE: f64 = 1.56;
/// What falls from here on speaks against such a proof: packets that were lost on the way to the
/// daemon are not in its score.
const DISPROVING_SCORE: f64 = 1.3;
/// From here on a limiter explains what falls.
const EXPLAINING_SCORE: f64 = 0.9;
/// What is never exceeded where there may be a limiter behind other losses: 0.8 a second.
const CAUTIOUS_SCORE: f64 = 0.8;
/// Where to go on after a pause: the next packet does not reach the limit, if it is the lower one
/// or the higher.
const RESUME_SCORE: f64 = 0.85;
const HIGHEST_RESUME_SCORE: f64 = 1.35;
/// The least time to keep quiet once the limiter is recognised.
const PAUSE: Duration = Duration::from_secs(5);
/// From one request to the next thereafter: the score settles at 0.53.
const PACE: Duration = Duration::from_secs(2);
/// The same beside another conversation, which goes on at that pace: both together settle at 0.79.
const PACE_BESIDE: Duration = Duration::from_secs(4);
/// How long a limiter is believed in that the score does not explain.
const WEAK_FOR: Duration = Duration::from_secs(60);
/// What is sent so long after an answer was, at most, went out because of it.
const SAME_FLIGHT: Duration = Duration::from_millis(100);
/// What is remembered of requests: enough for a full window and its retries.
const REMEMBERED: usize = 256;
const MEMORY: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: u64) -> Mono {
        Mono::from_nanos(milliseconds * 1_000_000)
    }

    /// Sends as many as are allowed at once, at most `most`; how many.
    fn burst(limiter: &mut Limiter, now: Mono, most: u64) -> u64 {
        let allowed = (limiter.allowance(now) as u64).min(most);
        for n in 0..allowed {
            assert!(limiter.free_at() <= now);
            limiter.sent(now, Ticket::new(n));
        }
        allowed
    }

    #[test]
    fn untried_one_goes_a_little_beyond_what_a_limiter_bears_and_waits() {
        let mut limiter = Limiter::new();
        assert_eq!(burst(&mut limiter, at(0), 100), 36);
        assert_eq!(limiter.allowance(at(0)), 0);
        for n in 0..35 {
            limiter.answered(at(50), Ticket::new(n));
        }
        assert_eq!(limiter.allowance(at(50)), usize::MAX);
        assert!(!limiter.recognise(at(1000)));
    }

    #[test]
    fn a_tail_that_fell_is_a_limiter_and_the_pause_ends_where_it_is_heard_again() {
        for (bears, seconds) in [(19, 15), (30, 6)] {
            let mut limiter = Limiter::new();
            burst(&mut limiter, at(0), 36);
            for n in 0..bears {
                limiter.answered(at(50), Ticket::new(n));
            }
            for n in bears..36 {
                limiter.overdue(Ticket::new(n));
            }
            assert!(limiter.recognise(at(300)) && limiter.is_limited());
            let pause = limiter.free_at().since(at(300));
            assert!((seconds - 1..=seconds).contains(&pause.as_secs()), "{bears}: {pause:?}");
            limiter.sent(limiter.free_at(), Ticket::new(99));
            assert_eq!(limiter.allowance(at(300) + pause), 0);
        }
    }

    #[test]
    fn one_loss_or_one_in_the_middle_is_none() {
        for lost in [[35, 35], [10, 20]] {
            let mut limiter = Limiter::new();
            burst(&mut limiter, at(0), 36);
            for n in 0..36 {
                if lost.contains(&n) {
                    limiter.overdue(Ticket::new(n));
                } else {
                    limiter.answered(at(50), Ticket::new(n));
                }
            }
            assert!(!limiter.recognise(at(300)));
        }
    }

    #[test]
    fn beside_another_one_goes_at_half_the_pace_where_the_daemon_limits_us() {
        let mut limiter = Limiter::beside(true);
        assert!(limiter.is_limited());
        assert_eq!(limiter.allowance(at(1000)), 1);
        limiter.sent(at(1000), Ticket::new(1));
        assert_eq!((limiter.allowance(at(4999)), limiter.allowance(at(5000))), (0, 1));
        assert_eq!(burst(&mut Limiter::beside(false), at(0), 100), 36, "nothing is known yet");
    }

    #[test]
    fn a_kind_of_daemon_without_limiter_is_not_held() {
        let mut limiter = Limiter::new();
        assert_eq!(burst(&mut limiter, at(0), 100), 36);
        limiter.suspect(false);
        assert_eq!(limiter.allowance(at(0)), usize::MAX);
    }
}
