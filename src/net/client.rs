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
        let mut in_a_row = 0;
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
            // Whatever comes, others have their turn.
            if in_a_row == MOST_IN_A_ROW {
                in_a_row = 0;
                tokio::task::yield_now().await;
            }
            // Where one came, the next is mostly close behind.
            let soon = if in_a_row > 0 { self.socket.receive_soon(&mut buffer) } else { None };
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
            in_a_row = if received.is_some() { in_a_row + 1 } else { 0 };
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

/// Datagrams that are taken in before others have their turn: the most that an honest daemon sends
/// in one go.
const MOST_IN_A_ROW: u32 = 128;

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::control::timing::Timing;

    #[test]
    fn a_flood_leaves_others_their_turn() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let daemon = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = daemon.local_addr().unwrap();
        let has_ended = AtomicBool::new(false);
        let ended = &has_ended;
        let flood = |socket: std::net::UdpSocket, to: SocketAddr| {
            while !ended.load(Ordering::Relaxed) {
                // What does not fit is lost.
                drop(socket.send_to(b"no control message", to));
            }
        };
        let is_first = std::thread::scope(|scope| {
            scope.spawn(move || {
                let (_, to) = daemon.recv_from(&mut [0; 64]).unwrap();
                // One who sends may have to wait for a processor; one of three hardly ever does.
                for _ in 0..2 {
                    let socket = daemon.try_clone().unwrap();
                    scope.spawn(move || flood(socket, to));
                }
                flood(daemon, to);
            });
            let is_first = runtime.block_on(async {
                let mut client = Client::connect(address, Clock::start()).unwrap();
                let settings = Settings::new(Timing::ntpq(), [7; 32]);
                tokio::select! {
                    biased;
                    _ = client.ask(settings, [Question::associations()]) => false,
                    () = tokio::time::sleep(Duration::from_millis(100)) => true,
                }
            });
            has_ended.store(true, Ordering::Relaxed);
            is_first
        });
        assert!(is_first, "the question was given up before anything else had its turn");
    }
}
