//! The daemon as a whole: `loopinfo`, `sysinfo`, `kerninfo`.

use std::net::Ipv4Addr;

use crate::model::decode::kernel_words;
use crate::ntpdc::number::{self, Sign};
use crate::ntpdc::peers::net_address;
use crate::ntpdc::query::{Inquiry, Shape};
use crate::ntpdc::session::Session;
use crate::ntpq::address::NetAddress;
use crate::ntpq::counters::mode;
use crate::ntpq::fixed::print_timestamp;
use crate::ntpq::text::printable;
use crate::wire::mode7::system::{Kernel, Loop, System, flags, kernel_status};
use crate::wire::mode7::{Code, Items};

/// `loopinfo`.
#[derive(Debug)]
pub struct LoopInfo {
    /// Whether all stands on one line.
    pub oneline: bool,
}

impl Inquiry for LoopInfo {
    fn code(&self) -> Code {
        Code::LoopInfo
    }

    fn shape(&self) -> Shape {
        Shape::One
    }

    fn print(&self, items: &Items, session: &mut Session) {
        let Some(item) = items.iter().next() else { return };
        let Loop { offset, frequency, time_constant, watchdog } = Loop::parse(item);
        let offset = number::fixed(offset, 6, Sign::Always);
        let frequency = number::fixed(frequency, 3, Sign::Always);
        session.print(&if self.oneline {
            format!(
                "offset {offset}, frequency {frequency}, time_const {time_constant}, \
                 watchdog {watchdog}\n"
            )
        } else {
            format!(
                "offset:               {offset} s\n\
                 frequency:            {frequency} ppm\n\
                 poll adjust:          {time_constant}\n\
                 watchdog timer:       {watchdog} s\n"
            )
        });
    }
}

/// `sysinfo`.
#[derive(Debug)]
pub struct SystemInfo;

impl Inquiry for SystemInfo {
    fn code(&self) -> Code {
        Code::SystemInfo
    }

    fn shape(&self) -> Shape {
        Shape::One
    }

    fn addresses(&self, items: &Items) -> Vec<NetAddress> {
        items.iter().map(|item| net_address(System::parse(item).peer)).collect()
    }

    fn print(&self, items: &Items, session: &mut Session) {
        let Some(item) = items.iter().next() else { return };
        let system = System::parse(item);
        let at = system.reference_time.bits();
        let when = print_timestamp(at, session.shell.now, &session.shell.zone);
        let rows = [
            ("system peer:", session.shell.name_of(net_address(system.peer))),
            ("system peer mode:", mode(system.peer_mode.into())),
            ("leap indicator:", leap(system.leap)),
            ("stratum:", system.stratum.to_string()),
            ("precision:", system.precision.to_string()),
            ("root distance:", number::fixed(system.root_delay, 5, Sign::Negative) + " s"),
            ("root dispersion:", number::fixed(system.root_dispersion, 5, Sign::Negative) + " s"),
            ("reference ID:", format!("[{}]", reference_id(system.reference_id, system.stratum))),
            ("reference time:", when),
            ("system flags:", system_flags(system.flags)),
            ("jitter:", number::fixed(system.jitter, 6, Sign::Negative) + " s"),
            ("stability:", number::fixed(system.stability, 3, Sign::Negative) + " ppm"),
            ("broadcastdelay:", number::fixed(system.broadcast_delay, 6, Sign::Negative) + " s"),
            ("authdelay:", number::fixed(system.authentication_delay, 6, Sign::Always) + " s"),
        ];
        session.print(&labelled(rows));
    }
}

/// Each word is followed by a blank.
fn system_flags(bits: u8) -> String {
    const WORDS: [(u8, &str); 8] = [
        (flags::BROADCAST_CLIENT, "bclient "),
        (flags::AUTHENTICATE, "auth "),
        (flags::MONITOR, "monitor "),
        (flags::NTP, "ntp "),
        (flags::KERNEL, "kernel "),
        (flags::STATISTICS, "stats "),
        (flags::CALIBRATE, "calibrate "),
        (flags::PPS, "pps "),
    ];
    if bits == 0 {
        return "none".to_owned();
    }
    WORDS.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, word)| *word).collect()
}

/// `kerninfo`.
#[derive(Debug)]
pub struct KernelInfo;

impl Inquiry for KernelInfo {
    fn code(&self) -> Code {
        Code::KernelInfo
    }

    fn shape(&self) -> Shape {
        Shape::One
    }

    fn print(&self, items: &Items, session: &mut Session) {
        let Some(item) = items.iter().next() else { return };
        let kernel = Kernel::parse(item);
        let unit = if kernel.status & kernel_status::NANOSECONDS == 0 { 1e-6 } else { 1e-9 };
        let span = |count: u32| number::general(f64::from(count) * 1e-6) + " s";
        let ppm = |value| number::fixed(value, 3, Sign::Negative) + " ppm";
        let mut text = labelled([
            ("pll offset:", number::general(f64::from(kernel.offset) * unit) + " s"),
            ("pll frequency:", ppm(kernel.frequency)),
            ("maximum error:", span(kernel.maximum_error)),
            ("estimated error:", span(kernel.estimated_error)),
            ("status:", status(kernel.status)),
            ("pll time constant:", kernel.constant.to_string()),
            ("precision:", span(kernel.precision)),
            ("frequency tolerance:", number::fixed(kernel.tolerance, 0, Sign::Negative) + " ppm"),
        ]);
        if kernel.shift != 0 {
            // As the processor shifts, by as many bits as there are numbers for.
            let interval = 1_i32.wrapping_shl(kernel.shift.into());
            text.push_str(&labelled([
                ("pps frequency:", ppm(kernel.pulse_frequency)),
                ("pps stability:", ppm(kernel.pulse_stability)),
                ("pps jitter:", number::general(f64::from(kernel.pulse_jitter) * unit) + " s"),
                ("calibration interval:", format!("{interval} s")),
                ("calibration cycles:", kernel.calibrations.to_string()),
                ("jitter exceeded:", kernel.jitter_exceeded.to_string()),
                ("stability exceeded:", kernel.stability_exceeded.to_string()),
                ("calibration errors:", kernel.calibration_errors.to_string()),
            ]));
        }
        session.print(&text);
    }
}

/// The kernel's status, in hexadecimal and in words.
fn status(bits: u16) -> String {
    let words = kernel_words(u64::from(bits));
    let between = if words.is_empty() { "" } else { " " };
    format!("{bits:04x} {between}{words}")
}

/// Lines of a label and a value, in the columns of most tables.
pub fn labelled<const N: usize>(rows: [(&str, String); N]) -> String {
    rows.map(|(label, value)| format!("{label:<22}{value}\n")).concat()
}

/// Two bits.
pub fn leap(bits: u8) -> String {
    format!("{:02b}", bits & 3)
}

/// Four letters of those at the top, which end where a zero is; an address of others.
pub fn reference_id(bytes: [u8; 4], stratum: u8) -> String {
    if stratum > 1 {
        return Ipv4Addr::from(bytes).to_string();
    }
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    printable(bytes.get(..end).unwrap_or_default()).into_owned()
}
