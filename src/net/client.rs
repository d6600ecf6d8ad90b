//! Asks one daemon a batch of questions and waits for the answers.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use crate::control::pipeline::{Answer, Input, Output, Pipeline, Settings, Ticket};
use crate::model::{Dialect, Failure, Question, Reply};
use crate::net::clock::Clock;
use crate::net::udp::{Failed, RECEIVE_BUFFER, Socket};
use crate::units::Mono;

/// A daemon to be asked.
#[derive(Debug)]
pub struct Client {
    socket: Socket,
    clock: Clock,
    /// Kept from one batch to the next, for the daemon's limiter counts them all.
    pipeline: Option<Pipeline>,
}

impl Client {
    /// Opens a socket to it; nothing is sent yet.
    ///
    /// # Errors
    /// The system has no way to the address, or no sockets.
    pub fn connect(address: SocketAddr, clock: Clock) -> Result<Self, Failed> {
        Ok(Self { socket: Socket::connect(address)?, clock, pipeline: None })
    }

    /// Whom it asks.
    pub const fn address(&self) -> SocketAddr {
        self.socket.address()
    }

    /// Asks all `questions` together and returns when each is answered or given up, in their order.
    pub async fn ask(
        &mut self,
        settings: Settings,
        questions: impl IntoIterator<Item = Question>,
    ) -> Vec<Result<Reply, Failure>> {
        self.ask_and_tell(settings, questions, |_| {}).await
    }

    /// The same, and tells how many are answered or given up whenever one more is.
    pub async fn ask_and_tell(
        &mut self,
        settings: Settings,
        questions: impl IntoIterator<Item = Question>,
        told: impl FnMut(usize),
    ) -> Vec<Result<Reply, Failure>> {
        let pipeline = match &mut self.pipeline {
            Some(pipeline) => {
                pipeline.renew(settings);
                pipeline
            }
            None => self.pipeline.insert(Pipeline::new(settings)),
        };
        let now = self.clock.now();
        let tickets: Vec<_> =
            questions.into_iter().map(|question| pipeline.ask(now, question)).collect();
        let mut answers = self.settle(told).await;
        let withdrawn = || Err(Failure::Withdrawn);
        let mut result =
            |ticket| answers.remove(ticket).map_or_else(withdrawn, |answer: Answer| answer.result);
        tickets.iter().map(&mut result).collect()
    }

    /// Says which kind of daemon it is, once that is known.
    pub fn set_dialect(&mut self, dialect: Dialect) {
        if let Some(pipeline) = &mut self.pipeline {
            pipeline.set_dialect(dialect);
        }
    }

    /// Asks one more question with the settings of the last batch and from the same port: once, and
    /// for so long. Beside the answer stands the beginning of one that did not come whole.
    ///
    /// Dropping the future leaves the question open; its answer is passed over then.
    pub async fn ask_once(
        &mut self,
        question: Question,
        wait: Duration,
    ) -> (Result<Reply, Failure>, Option<Reply>) {
        let now = self.clock.now();
        let Some(pipeline) = &mut self.pipeline else { return (Err(Failure::Withdrawn), None) };
        let ticket = pipeline.ask_once(now, question, wait);
        let answer = self.settle(|_| {}).await.remove(&ticket);
        answer.map_or((Err(Failure::Withdrawn), None), |answer| (answer.result, answer.part))
    }

    /// Drives the conversation until nothing is asked any more.
    async fn settle(&mut self, mut told: impl FnMut(usize)) -> HashMap<Ticket, Answer> {
        let mut answers = HashMap::new();
        let Some(pipeline) = &mut self.pipeline else { return answers };
        let mut buffer = [0; RECEIVE_BUFFER];
        let mut has_come = false;
        loop {
            while let Some(output) = pipeline.poll_output() {
                match output {
                    Output::Send(datagram) => {
                        if let Err(why) = self.socket.send(&datagram) {
                            pipeline.handle(self.clock.now(), Input::Unreachable(why));
                        }
                    }
                    Output::Answer(answer) => {
                        answers.insert(answer.ticket, answer);
                        told(answers.len());
                    }
                    Output::Garbage(_) => {}
                }
            }
            if pipeline.is_idle() {
                return answers;
            }
            // Where one came, the next is mostly close behind.
            let soon = if has_come { self.socket.receive_soon(&mut buffer) } else { None };
            let received = if soon.is_some() {
                soon
            } else {
                tokio::select! {
                    // In this order: a timer that is looked at is one that the runtime sets.
                    biased;
                    received = self.socket.receive(&mut buffer) => Some(received),
                    () = wake_at(&self.clock, pipeline.next_wakeup()) => None,
                }
            };
            has_come = received.is_some();
            let input = match received {
                Some(Ok(datagram)) => Input::Datagram(datagram),
                Some(Err(why)) => Input::Unreachable(why),
                None => Input::Wakeup,
            };
            pipeline.handle(self.clock.now(), input);
        }
    }
}

/// Waits until `deadline`; for ever when there is none.
pub async fn wake_at(clock: &Clock, deadline: Option<Mono>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(clock.instant(deadline).into()).await,
        None => std::future::pending().await,
    }
}
