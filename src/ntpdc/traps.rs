//! Who is told of events: `traps`.

use std::fmt::Write as _;

use crate::ntpdc::query::{Inquiry, Shape};
use crate::ntpdc::session::Session;
use crate::wire::mode7::trap::Trap;
use crate::wire::mode7::{Code, Items};

/// `traps`.
#[derive(Debug)]
pub struct Traps;

impl Inquiry for Traps {
    fn code(&self) -> Code {
        Code::Traps
    }

    fn shape(&self) -> Shape {
        Shape::Many
    }

    fn print(&self, items: &Items, session: &mut Session) {
        let texts: Vec<_> = items.iter().map(|item| told(&Trap::parse(item))).collect();
        session.print(&texts.join("\n"));
    }
}

fn told(trap: &Trap) -> String {
    let local = if trap.is_wildcard { "wildcard".to_owned() } else { trap.local.to_string() };
    let kind = if trap.is_configured() {
        "configured"
    } else if trap.is_low_priority() {
        "low priority"
    } else {
        "normal priority"
    };
    let mut text = format!("address {}, port {}\n", trap.remote, trap.port);
    // Writing to a string cannot fail.
    let _ = writeln!(text, "interface: {local}, {kind}");
    let _ =
        writeln!(text, "set for {} secs, last set {} secs ago", trap.since_first, trap.since_set);
    let _ = writeln!(text, "sequence {}, number of resets {}", trap.sequence, trap.resets);
    text
}
