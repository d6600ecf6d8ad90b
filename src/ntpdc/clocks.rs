//! Reference clocks: `clockstat`, `clkbug`.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};

use crate::ntpdc::line::Line;
use crate::ntpdc::number::{self, Sign};
use crate::ntpdc::query::{Inquiry, Shape};
use crate::ntpdc::session::Session;
use crate::ntpdc::system::{labelled, reference_id};
use crate::wire::mode7::change;
use crate::wire::mode7::clock::{Clock, Debugging, TIMES, VALUES};
use crate::wire::mode7::{Code, Implementation, Items, Request};

/// `clockstat`.
#[derive(Debug)]
pub struct Status {
    clocks: Vec<Ipv4Addr>,
}

impl Status {
    /// What `line` says.
    pub fn new(line: &Line) -> Self {
        Self { clocks: addresses(line) }
    }
}

impl Inquiry for Status {
    fn code(&self) -> Code {
        Code::ClockInfo
    }

    fn request(&self, implementation: Implementation) -> Result<Request, String> {
        Ok(change::clocks(implementation, self.code(), &self.clocks))
    }

    fn shape(&self) -> Shape {
        Shape::Many
    }

    fn print(&self, items: &Items, session: &mut Session) {
        let texts: Vec<_> = items.iter().map(|item| status(&Clock::parse(item))).collect();
        session.print(&texts.join("\n"));
    }
}

fn status(clock: &Clock) -> String {
    let kind = kind_name(clock.kind)
        .map_or_else(|| format!("unknown type ({})", clock.kind), str::to_owned);
    labelled([
        ("clock address:", clock.address.to_string()),
        ("clock type:", kind),
        ("last event:", clock.last_event.to_string()),
        ("current status:", clock.status.to_string()),
        ("number of polls:", clock.polls.to_string()),
        ("no response to poll:", clock.no_response.to_string()),
        ("bad format responses:", clock.bad_format.to_string()),
        ("bad data responses:", clock.bad_data.to_string()),
        ("running time:", clock.running.to_string()),
        ("fudge time 1:", number::fixed(clock.time1, 6, Sign::Always)),
        ("fudge time 2:", number::fixed(clock.time2, 6, Sign::Always)),
        ("stratum:", clock.stratum.to_string()),
        ("reference ID:", reference_id(clock.reference_id, 0)),
        ("fudge flags:", format!("0x{:x}", clock.flags)),
    ])
}

/// `clkbug`.
#[derive(Debug)]
pub struct Debug {
    clocks: Vec<Ipv4Addr>,
}

impl Debug {
    /// What `line` says.
    pub fn new(line: &Line) -> Self {
        Self { clocks: addresses(line) }
    }
}

impl Inquiry for Debug {
    fn code(&self) -> Code {
        Code::ClockDebug
    }

    fn request(&self, implementation: Implementation) -> Result<Request, String> {
        Ok(change::clocks(implementation, self.code(), &self.clocks))
    }

    fn shape(&self) -> Shape {
        Shape::Many
    }

    fn print(&self, items: &Items, session: &mut Session) {
        let texts: Vec<_> = items.iter().map(|item| debug(&Debugging::parse(item))).collect();
        session.print(&texts.join("\n"));
    }
}

fn debug(clock: &Debugging) -> String {
    // Writing to a string cannot fail.
    let mut text =
        format!("clock address:        {}\nvalues: {}", clock.address, clock.value_count);
    let shown = usize::from(clock.value_count).min(VALUES);
    for (place, value) in clock.values.iter().take(shown).enumerate() {
        if place % 4 == 0 {
            text.push('\n');
        }
        // Those that are signed ntpdc shows without a sign too.
        let _ = write!(text, "{value:12}");
    }
    let _ = write!(text, "\ntimes: {}", clock.time_count);
    let shown = usize::from(clock.time_count).min(TIMES);
    let mut gap = 0;
    for (place, time) in clock.times.iter().take(shown).enumerate() {
        if place % 2 == 0 {
            text.push('\n');
        } else {
            text.push_str(&" ".repeat(gap));
        }
        if clock.signed_times >> place & 1 == 1 {
            let _ = write!(text, "{:>17}", number::fixed(*time, 6, Sign::Always));
            gap = 22;
        } else {
            let _ = write!(text, "{:>37}", number::day_time(*time));
            gap = 2;
        }
    }
    text.push('\n');
    text
}

/// Clocks have IPv4 addresses; what ntpdc makes of others is none.
fn addresses(line: &Line) -> Vec<Ipv4Addr> {
    let of = |address| match address {
        IpAddr::V4(v4) => v4,
        IpAddr::V6(_) => Ipv4Addr::UNSPECIFIED,
    };
    line.addresses().into_iter().map(of).collect()
}

/// What drivers of a type are called.
fn kind_name(kind: u8) -> Option<&'static str> {
    // Types that were given up are not known.
    KINDS.get(usize::from(kind)).copied().filter(|name| !name.is_empty())
}

/// The types of drivers, as `clockstat` calls them.
const KINDS: [&str; 47] = [
    "unspecified type (0)",
    "Undisciplined local clock (1)",
    "TRAK 8810 GPS Receiver (2)",
    "PSTI/Traconex WWV/WWVH Receiver (3)",
    "Spectracom (generic) Receivers (4)",
    "TrueTime (generic) Receivers (5)",
    "IRIG Audio Decoder (6)",
    "CHU Audio Demodulator/Decoder (7)",
    "Generic reference clock driver (8)",
    "Magnavox MX4200 GPS Receiver (9)",
    "Austron 2201A GPS Receiver (10)",
    "Arbiter 1088A/B GPS Receiver (11)",
    "KSI/Odetics TPRO/S IRIG Interface (12)",
    "Leitch CSD 5300 Master Clock Controller (13)",
    "EES M201 MSF Receiver (14)",
    "",
    "Bancomm GPS/IRIG Receiver (16)",
    "Datum Precision Time System (17)",
    "Automated Computer Time Service (18)",
    "Heath WWV/WWVH Receiver (19)",
    "Generic NMEA GPS Receiver (20)",
    "TrueTime GPS-VME Interface (21)",
    "PPS Clock Discipline (22)",
    "",
    "",
    "",
    "HP 58503A GPS Time & Frequency Receiver (26)",
    "ARCRON MSF (and DCF77) Receiver (27)",
    "Clock attached thru shared Memory (28)",
    "Trimble Navigation Palisade GPS (29)",
    "Motorola UT Oncore GPS (30)",
    "Rockwell Jupiter GPS (31)",
    "Chrono-log K (32)",
    "Dumb generic hh:mm:ss local clock (33)",
    "Ultralink M320 WWVB receiver (34)",
    "Conrad parallel port radio clock (35)",
    "WWV/H Audio Demodulator/Decoder (36)",
    "Forum Graphic GPS Dating Station (37)",
    "hopf Elektronic serial line receiver (38)",
    "hopf Elektronic PCI receiver (39)",
    "JJY receiver (40)",
    "TrueTime 560 IRIG-B decoder (41)",
    "Zyfer GPStarplus receiver (42)",
    "RIPE NCC Trimble driver (43)",
    "NeoClock4X DCF77 / TDF receiver (44)",
    "Spectracom TSYNC PCI timing board (45)",
    "GPSD JSON socket (46)",
];
