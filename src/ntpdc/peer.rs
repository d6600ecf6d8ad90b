//! All about associations: `showpeer`, `pstats`.

use std::fmt::Write as _;
use std::net::IpAddr;

use crate::ntpdc::line::Line;
use crate::ntpdc::number::{self, Sign};
use crate::ntpdc::peers::net_address;
use crate::ntpdc::query::{Inquiry, Shape};
use crate::ntpdc::session::Session;
use crate::ntpdc::system::{leap, reference_id};
use crate::ntpq::address::NetAddress;
use crate::ntpq::counters::mode;
use crate::ntpq::fixed::print_timestamp;
use crate::ntpq::text::cut;
use crate::units::NtpTimestamp;
use crate::wire::mode7::change;
use crate::wire::mode7::peer::{Details, STAGES, Statistics, flags};
use crate::wire::mode7::{Code, Fixed, Implementation, Items, Request};

/// `showpeer`.
#[derive(Debug)]
pub struct Show {
    line: Line,
}

impl Show {
    /// What `line` says.
    pub const fn new(line: Line) -> Self {
        Self { line }
    }
}

impl Inquiry for Show {
    fn code(&self) -> Code {
        Code::PeerInfo
    }

    fn request(&self, implementation: Implementation) -> Result<Request, String> {
        about(&self.line, implementation, self.code())
    }

    fn shape(&self) -> Shape {
        Shape::Many
    }

    fn print(&self, items: &Items, session: &mut Session) {
        let texts: Vec<_> =
            items.iter().map(|item| details(&Details::parse(item), session)).collect();
        session.print(&texts.join("\n"));
    }
}

fn details(peer: &Details, session: &Session) -> String {
    let when =
        |at: NtpTimestamp| print_timestamp(at.bits(), session.shell.now, &session.shell.zone);
    let five = |value: Fixed| number::fixed(value, 5, Sign::Negative);
    let six = |value: Fixed| number::fixed(value, 6, Sign::Always);
    let is_clock = peer.flags & flags::CLOCK != 0;
    let mut text = format!("remote {}, local {}\n", peer.remote, peer.local);
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "hmode {}, pmode {}, stratum {}, precision {}",
        mode(peer.host_mode.into()),
        mode(peer.peer_mode.into()),
        peer.stratum,
        peer.precision
    );
    let _ = writeln!(
        text,
        "leap {}, refid [{}], rootdistance {}, rootdispersion {}",
        leap(peer.leap),
        reference_id(peer.reference_id, if is_clock { 0 } else { peer.stratum }),
        five(peer.root_delay),
        five(peer.root_dispersion)
    );
    let _ = writeln!(
        text,
        "ppoll {}, hpoll {}, keyid {}, version {}, association {}",
        peer.peer_poll, peer.host_poll, peer.key_id, peer.version, peer.association
    );
    let _ = writeln!(
        text,
        "reach {:03o}, unreach {}, flash 0x{:04x}, boffset {}, ttl/mode {}",
        peer.reach,
        peer.unreach,
        peer.flash,
        five(peer.broadcast_offset),
        peer.ttl
    );
    let _ = writeln!(text, "timer {}s, flags{}", peer.timer, words(peer.flags));
    let _ = writeln!(text, "reference time:      {}", when(peer.reference_time));
    let _ = writeln!(text, "originate timestamp: {}", when(peer.originate));
    let _ = writeln!(text, "receive timestamp:   {}", when(peer.receive));
    let _ = writeln!(text, "transmit timestamp:  {}", when(peer.transmit));
    let _ = writeln!(text, "filter delay: {}", in_two_rows(&peer.filter_delays.map(five)));
    let _ = writeln!(text, "filter offset:{}", in_two_rows(&peer.filter_offsets.map(six)));
    let order = peer.filter_order.map(|place| place.to_string());
    let _ = writeln!(text, "filter order: {}", in_two_rows(&order));
    let _ = writeln!(
        text,
        "offset {}, delay {}, error bound {}, filter error {}",
        six(peer.offset),
        five(peer.delay),
        five(peer.dispersion),
        five(peer.jitter)
    );
    text
}

/// In columns of eight.
fn in_two_rows(values: &[String; STAGES]) -> String {
    let mut text = String::new();
    for (place, value) in values.iter().enumerate() {
        if place == STAGES / 2 {
            text.push_str("\n              ");
        }
        // Writing to a string cannot fail.
        let _ = write!(text, " {:<8}", cut(value, 8));
    }
    text
}

/// The flags in words.
fn words(bits: u16) -> String {
    const WORDS: [(u16, &str); 9] = [
        (flags::SYSTEM_PEER, "system_peer"),
        (flags::CONFIGURED, "config"),
        (flags::CLOCK, "refclock"),
        (flags::AUTHENTICATED, "auth"),
        (flags::PREFER, "prefer"),
        (flags::INITIAL_BURST, "iburst"),
        (flags::BURST, "burst"),
        (flags::CANDIDATE, "candidate"),
        (flags::SHORT_LIST, "shortlist"),
    ];
    if bits == 0 {
        return " none".to_owned();
    }
    let set = WORDS.iter().filter(|(bit, _)| bits & bit != 0);
    let words: Vec<_> = set.map(|(_, word)| format!(" {word}")).collect();
    words.join(",")
}

/// `pstats`.
#[derive(Debug)]
pub struct Counters {
    line: Line,
}

impl Counters {
    /// What `line` says.
    pub const fn new(line: Line) -> Self {
        Self { line }
    }
}

impl Inquiry for Counters {
    fn code(&self) -> Code {
        Code::PeerStatistics
    }

    fn request(&self, implementation: Implementation) -> Result<Request, String> {
        about(&self.line, implementation, self.code())
    }

    fn shape(&self) -> Shape {
        Shape::Many
    }

    fn addresses(&self, items: &Items) -> Vec<NetAddress> {
        items.iter().map(|item| net_address(Statistics::parse(item).remote)).collect()
    }

    fn print(&self, items: &Items, session: &mut Session) {
        let mut text = String::new();
        for (place, item) in items.iter().enumerate() {
            let is_last = place + 1 == items.count();
            text.push_str(&counters(&Statistics::parse(item), is_last, session));
        }
        session.print(&text);
    }
}

/// Of several the flags stand behind the empty line that parts them, as in ntpdc.
fn counters(peer: &Statistics, is_last: bool, session: &Session) -> String {
    let mut text = format!(
        "remote host:          {}\nlocal interface:      {}\n",
        session.shell.name_of(net_address(peer.remote)),
        peer.local
    );
    for (label, value, unit) in [
        ("time last received:", peer.since_received, "s"),
        ("time until next send:", peer.until_sent, "s"),
        ("reachability change:", peer.since_reachable, "s"),
        ("packets sent:", peer.sent, ""),
        ("packets received:", peer.processed, ""),
        ("bad authentication:", peer.bad_authentication, ""),
        ("bogus origin:", peer.bogus_origin, ""),
        ("duplicate:", peer.duplicate, ""),
        ("bad dispersion:", peer.bad_dispersion, ""),
        ("bad reference time:", peer.bad_reference, ""),
        ("candidate order:", peer.candidate.into(), ""),
    ] {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{label:<22}{value}{unit}");
    }
    let gap = if is_last { "" } else { "\n" };
    let _ = writeln!(text, "{gap}flags:\t{}", words(peer.flags));
    text
}

fn about(line: &Line, implementation: Implementation, code: Code) -> Result<Request, String> {
    let addresses: Vec<IpAddr> = line.addresses();
    change::peers(implementation, code, &addresses, NTP_PORT).ok_or_else(|| NO_IPV6.to_owned())
}

/// What is said of an IPv6 address to a daemon older than that.
pub const NO_IPV6: &str = "***Server doesn't understand IPv6 addresses\n";

/// Where associations are.
const NTP_PORT: u16 = 123;
