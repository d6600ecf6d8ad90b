//! Asks a daemon privately (mode 7).

use std::net::SocketAddr;

use crate::control::private::{Exchange, Input, Outcome, Output as Asked, Question};
use crate::net::client::wake_at;
use crate::net::clock::Clock;
use crate::net::udp::{RECEIVE_BUFFER, Socket};

/// Asks on a socket of its own: nothing but the port tells the answer from one to an earlier question.
pub(super) async fn ask(address: Option<SocketAddr>, question: &Question, clock: Clock) -> Outcome {
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
