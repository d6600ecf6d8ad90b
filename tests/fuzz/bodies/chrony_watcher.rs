//! Whatever comes back, the watcher of a chronyd neither breaks nor asks without end.

use std::time::Duration;

use ntpscope::control::chrony::{Transport, Watcher};
use ntpscope::control::watcher::{Input, Output};
use ntpscope::units::{Mono, Now};

use super::support::Taken;

/// The transport, then datagrams: milliseconds since the one before, length, bytes.
pub(crate) fn chrony_watcher(bytes: &[u8]) {
    let mut taken = Taken::new(bytes);
    let Some([way]) = taken.array() else { return };
    let transport = if way & 1 == 1 { Transport::Unix } else { Transport::Udp };
    let mut watcher = Watcher::new(transport, [7; 32]);
    let mut now = Now::default();
    watcher.handle(now, Input::Connected);
    let mut requests: Vec<Vec<u8>> = Vec::new();
    while let Some(milliseconds) = taken.array().map(u16::from_be_bytes) {
        let bytes = taken.counted();
        let sent = requests.len();
        while let Some(output) = watcher.poll_output() {
            if let Output::Send(datagram) = output {
                requests.push(datagram);
            }
        }
        // What one input makes it send is bounded by what it keeps in flight.
        assert!(requests.len() - sent <= 2 * 320, "{} datagrams at once", requests.len() - sent);
        now = Now { mono: now.mono + Duration::from_millis(milliseconds.into()), ..now };
        watcher.handle(now, Input::Wakeup);
        watcher.handle(now, Input::Datagram(bytes));
        // The same as the answer to a request: no stranger could know its number.
        if let (Some(request), Some(choice)) =
            (requests.iter().rev().nth(usize::from(milliseconds) % 64), bytes.first())
        {
            watcher.handle(now, Input::Datagram(&answer(request, *choice, bytes)));
        }
    }
    assert!(watcher.in_flight() <= 320);
    assert!(watcher.next_wakeup() >= Some(Mono::default()));
}

/// A reply to `request` with `data`, of a type near the one that goes with it.
fn answer(request: &[u8], choice: u8, data: &[u8]) -> Vec<u8> {
    let mut reply = vec![6, 2, 0, 0];
    reply.extend(request.get(4..6).unwrap_or(&[0, 0]));
    reply.extend([0, choice & 31, 0, choice >> 5, 0, 0, 0, 0, 0, 0]);
    reply.extend(request.get(8..12).unwrap_or(&[0; 4]));
    reply.extend([0; 8]);
    reply.extend(data);
    reply.resize(reply.len().max(520), 0);
    reply
}
