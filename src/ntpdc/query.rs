//! A command that asks the daemon one thing and prints the answer, or that it is done.
//!
//! What a daemon understands is found out by asking: when it does not know our implementation it is
//! asked in the older one, when it finds the request malformed in the older one too and then with
//! shorter datagrams, and what it was found to understand is kept for the next command. A refusal
//! changes nothing, so asking again is harmless; what may have been done is not asked again.
//!
//! Differs: where no key or no secret is given ntpdc asks for it twice and goes over to the older
//! implementation; we give up at once and keep to what the daemon understands.

use crate::control::private::Outcome;
use crate::ntpdc::session::Session;
use crate::ntpq::address::NetAddress;
use crate::ntpq::job::{Answer, Job, Need, Step};
use crate::ntpq::keys::{KeyPrompt, Prompted};
use crate::wire::mode7::{Code, Implementation, Items, Refusal, Request};

/// What is asked, and what is made of the answer.
pub trait Inquiry: Send {
    /// The request.
    fn code(&self) -> Code;

    /// What is sent; a complaint when the implementation has no way to say it.
    fn request(&self, implementation: Implementation) -> Result<Request, String> {
        Ok(Request::plain(implementation, self.code()))
    }

    /// What is expected.
    fn shape(&self) -> Shape;

    /// The addresses in the answer that are shown as names.
    fn addresses(&self, _items: &Items) -> Vec<NetAddress> {
        Vec::new()
    }

    /// Prints the answer.
    fn print(&self, items: &Items, session: &mut Session);

    /// Whether the question is put in another way that goes with this refusal, before anything else
    /// is tried and without a word.
    fn ask_otherwise(&mut self, _refusal: Refusal, _session: &Session) -> bool {
        false
    }

    /// What is printed before the question is put in a last way, when this refusal has been told;
    /// `None` when there is none.
    fn last_resort(&mut self, _refusal: Refusal) -> Option<&'static str> {
        None
    }

    /// Whether there is another request to be made before all is done.
    fn goes_on(&mut self) -> bool {
        false
    }

    /// Whether a daemon that does not know our implementation is asked in the older one.
    fn has_older_form(&self) -> bool {
        true
    }
}

/// How many items an answer has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// None: it only says that it is done.
    Nothing,
    /// One.
    One,
    /// At least one.
    Many,
}

/// A command that asks.
pub struct Query<I> {
    inquiry: I,
    stage: Stage,
}

/// What is awaited.
enum Stage {
    Nothing,
    Key(KeyPrompt),
    Answer,
    Names(Vec<NetAddress>, Items),
}

impl<I: Inquiry> Query<I> {
    /// Asks this.
    pub const fn new(inquiry: I) -> Self {
        Self { inquiry, stage: Stage::Nothing }
    }

    /// Asks, or finds out first who signs.
    fn ask(&mut self, session: &mut Session) -> Step {
        self.ask_with(KeyPrompt::new(), None, session)
    }

    /// Asks once it is known who signs; goes on asking for that with what was `typed`.
    fn ask_with(
        &mut self,
        mut prompt: KeyPrompt,
        typed: Option<Answer>,
        session: &mut Session,
    ) -> Step {
        let request = match self.inquiry.request(session.implementation) {
            Ok(request) => request,
            Err(complaint) => {
                session.complain(&complaint);
                return Step::Done;
            }
        };
        if session.shell.host.is_none() {
            session.complain("***No host open, use `host' command\n");
            return Step::Done;
        }
        let is_signed =
            self.inquiry.code().is_keyed() && !(session.key_chosen && session.shell.keys.id == 0);
        if is_signed {
            match prompt.go_on(&mut session.shell, typed) {
                Prompted::Ready => {}
                Prompted::Failed => return Step::Done,
                Prompted::Need(need) => {
                    self.stage = Stage::Key(prompt);
                    return Step::Need(need);
                }
            }
        }
        let key = session.shell.keys.current().filter(|_| is_signed).cloned();
        self.stage = Stage::Answer;
        Step::Need(session.ask(request, key))
    }

    /// Takes what came of the question.
    fn take_outcome(&mut self, outcome: Outcome, session: &mut Session) -> Step {
        match outcome {
            Outcome::Done(items) => self.take_items(items, session),
            Outcome::Refused(refusal) => self.take_refusal(refusal, session),
            other => {
                session.report(&other);
                Step::Done
            }
        }
    }

    fn take_refusal(&mut self, refusal: Refusal, session: &mut Session) -> Step {
        if self.inquiry.ask_otherwise(refusal, session) {
            return self.ask(session);
        }
        let is_current = session.implementation == Implementation::Current;
        let mut refusal = refusal;
        if refusal == Refusal::Format
            && let Some(smaller) = session.size.smaller()
        {
            let before = std::mem::replace(&mut session.size, smaller);
            if !is_current {
                session.complain(&format!(
                    "***Warning changing the request packet size from {} to {}\n",
                    before.bytes(),
                    smaller.bytes()
                ));
                return self.ask(session);
            }
            session.complain("***Warning changing to older implementation\n");
            refusal = Refusal::Implementation;
        }
        if refusal == Refusal::Implementation && is_current {
            // Without an older form ntpdc says nothing more.
            if !self.inquiry.has_older_form() {
                return Step::Done;
            }
            session.implementation = Implementation::Old;
            return self.ask(session);
        }
        session.report(&Outcome::Refused(refusal));
        match self.inquiry.last_resort(refusal) {
            Some(text) => {
                session.print(text);
                self.ask(session)
            }
            None => Step::Done,
        }
    }

    fn take_items(&mut self, items: Items, session: &mut Session) -> Step {
        if self.inquiry.goes_on() {
            return self.ask(session);
        }
        if !self.is_as_expected(&items, session) {
            return Step::Done;
        }
        let needed = session.shell.names_needed(self.inquiry.addresses(&items));
        if needed.is_empty() {
            self.inquiry.print(&items, session);
            return Step::Done;
        }
        self.stage = Stage::Names(needed.clone(), items);
        Step::Need(Need::Names(needed))
    }

    /// Whether the answer has the shape that it should; complains when not.
    fn is_as_expected(&self, items: &Items, session: &mut Session) -> bool {
        let shape = self.inquiry.shape();
        if shape == Shape::Nothing {
            return true;
        }
        if items.count() == 0 {
            session.print("No data returned in response to query\n");
            return false;
        }
        if shape == Shape::One && items.count() > 1 {
            session.print(&format!("Expected one item in response, got {}\n", items.count()));
            return false;
        }
        let len = self.inquiry.code().reply_len();
        // Filled up to their full length, many short items would be more than any daemon can send.
        if items.count() * usize::from(len.current) > MOST_DATA {
            session.complain("***Server claims more items than it could send\n");
            return false;
        }
        // Shorter items are those of older daemons.
        let fits = items.item_len() <= usize::from(len.current);
        if !fits {
            session.complain(&wrong_size(items.item_len(), len.current));
            if len.old != len.current && self.inquiry.has_older_form() {
                session.complain(&wrong_size(items.item_len(), len.old));
            }
        }
        fits
    }
}

fn wrong_size(found: usize, expected: u16) -> String {
    format!("***Incorrect item size returned by remote host ({found} should be {expected})\n")
}

/// Bytes that the items of an answer may have when each is filled up: 128 datagrams of 500 bytes, of
/// items that at most grew fivefold.
const MOST_DATA: usize = 128 * 500 * 5;

impl<I: Inquiry> Job<Session> for Query<I> {
    fn resume(&mut self, session: &mut Session, answer: Option<Answer>) -> Step {
        match (std::mem::replace(&mut self.stage, Stage::Nothing), answer) {
            (Stage::Nothing, _) => self.ask(session),
            (Stage::Key(prompt), Some(typed)) => self.ask_with(prompt, Some(typed), session),
            (Stage::Answer, Some(Answer::Private(outcome))) => self.take_outcome(outcome, session),
            (Stage::Names(asked, items), Some(Answer::Names(names))) => {
                session.shell.take_names(&asked, names);
                self.inquiry.print(&items, session);
                Step::Done
            }
            _ => Step::Done,
        }
    }
}
