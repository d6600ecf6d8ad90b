//! Finds out what the ntpdc machine needs: answers of daemons, and what ntpq needs too.

use std::io::{self, Write as _};
use std::net::SocketAddr;

use crate::control::private::{Exchange, Input, Outcome, Output as Asked, Question};
use crate::line::Secret;
use crate::net::client::wake_at;
use crate::net::clock::Clock;
use crate::net::ntpq::{Driver, find_out};
use crate::net::udp::{RECEIVE_BUFFER, Socket};
use crate::net::user::{Said, User};
use crate::ntpdc::batch::PROMPT;
use crate::ntpdc::completion::Commands;
use crate::ntpdc::{Answer, Batch, Need, Output};
use crate::ntpq::{self, Stream};

/// Drives a batch to its end, writing what it prints, and returns its exit status.
///
/// # Errors
/// What is printed cannot be written, or the system has no randomness to give.
pub async fn run(batch: &mut Batch, clock: Clock) -> io::Result<u8> {
    let mut driver = Driver::new(clock);
    let mut user = User::new();
    batch.start(driver.wall());
    loop {
        match batch.poll_output() {
            None => return Ok(0),
            Some(Output::End(status)) => {
                io::stdout().flush()?;
                return Ok(status);
            }
            Some(Output::Text(stream, text)) => driver.write(stream, &text)?,
            Some(Output::Need(need)) => {
                io::stdout().flush()?;
                let answer = match need {
                    Need::World(_) if batch.is_prompting() && user.is_at_terminal() => {
                        command(user.command(PROMPT, Stream::Error, &Commands).await?)
                    }
                    Need::World(need) => {
                        find_out(&mut driver, &mut user, need).await?.map(Answer::World)
                    }
                    Need::Ask(question) => {
                        let asking = ask(driver.address(), &question, clock);
                        user.unless_interrupted(asking).await.map(Answer::Outcome)
                    }
                };
                match answer {
                    Some(answer) => batch.handle(driver.wall(), answer),
                    None => batch.interrupt(),
                }
            }
        }
    }
}

/// What is said where a command is awaited; `None` when he interrupts.
fn command(said: Said<String>) -> Option<Answer> {
    let line = match said {
        Said::Line(line) => Some(Secret::from(line)),
        Said::End => None,
        Said::Interrupted | Said::WhichAssociations => return None,
    };
    Some(Answer::World(ntpq::Answer::Line(line)))
}

/// Asks on a socket of its own: nothing but the port tells the answer from one to an earlier question.
async fn ask(address: Option<SocketAddr>, question: &Question, clock: Clock) -> Outcome {
    let Some(address) = address else { return Outcome::Unanswered };
    let socket = match Socket::connect(address) {
        Ok(socket) => socket,
        Err(failed) => return Outcome::Unreachable(failed.unreachable()),
    };
    let mut exchange = Exchange::new(clock.now(), question);
    let mut buffer = [0; RECEIVE_BUFFER];
    loop {
        while let Some(output) = exchange.poll_output() {
            match output {
                Asked::Ended(outcome) => return outcome,
                Asked::Send(datagram) => {
                    if let Err(why) = socket.send(&datagram) {
                        exchange.handle(clock.now(), Input::Unreachable(why));
                    }
                }
            }
        }
        tokio::select! {
            received = socket.receive(&mut buffer) => {
                let input = match received {
                    Ok(datagram) => Input::Datagram(datagram),
                    Err(why) => Input::Unreachable(why),
                };
                exchange.handle(clock.now(), input);
            }
            () = wake_at(&clock, exchange.next_wakeup()) => {
                exchange.handle(clock.now(), Input::Wakeup);
            }
        }
    }
}
