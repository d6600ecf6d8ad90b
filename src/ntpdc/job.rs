//! What a command needs of the world, and what the world answers.

use crate::control::private::{Outcome, Question};
use crate::ntpdc::session::Session;
use crate::ntpq::{self, Stream};

/// A command at work.
pub trait Job {
    /// Goes on with the answer to what was needed last, `None` at the start.
    fn resume(&mut self, session: &mut Session, answer: Option<Answer>) -> Step;
}

/// Where a job has got to.
#[derive(Debug)]
pub enum Step {
    /// It waits for this.
    Need(Need),
    /// It has printed all that it will.
    Done,
    /// The whole session ends with this exit status.
    Quit(u8),
}

/// Something that the driver has to find out.
#[derive(Clone, Debug)]
pub enum Need {
    /// The current host's answer, by [`Answer::Outcome`].
    Ask(Box<Question>),
    /// What ntpq needs too, by [`Answer::World`].
    World(ntpq::Need),
}

/// What a driver found out.
#[derive(Clone, Debug)]
pub enum Answer {
    /// To [`Need::Ask`].
    Outcome(Outcome),
    /// To [`Need::World`].
    World(ntpq::Answer),
}

/// What a machine puts out.
#[derive(Clone, Debug)]
pub enum Output {
    /// Text to write.
    Text(Stream, String),
    /// Something to find out; the machine waits.
    Need(Need),
    /// The end, with an exit status.
    End(u8),
}
