//! What only the driver of an engine knows: the kernel's clock, the machine, the sockets.

use std::fs;
use std::sync::LazyLock;
use std::time::Duration;

use crate::clock::system::{
    self as kernel_clock,
    kernel::{Pulses, Report},
};
use crate::engine::Engine;
use crate::engine::server::Server;
use crate::model::decode::kernel_words;
use crate::model::values::{Value, Values};
use crate::model::vars::{Variable, system};
use crate::net::batch::PLACES;
use crate::net::engine::control::Control;
use crate::net::engine::traffic::Traffic;
use crate::units::{Mono, NtpDuration};

/// The variables of the machine, its kernel and the sockets.
pub(super) fn values(traffic: &Traffic, engine: &Engine, server: &Server) -> Values {
    let mut values = Values::typed([
        (&system::PROCESSOR, Value::Text(std::env::consts::ARCH.into())),
        (&system::SYSTEM, Value::Text(OPERATING_SYSTEM.as_str().into())),
    ]);
    // The kernel is asked where others may want to know: who only measures calls no function of the
    // clock's at all. Where it tells nothing, nothing is told.
    if server.is_serving
        && let Ok(report) = kernel_clock::report()
    {
        values.merge(of_kernel(&report));
    }
    let (received, sent, unsent) = traffic.sums();
    let own = engine.counters().received.saturating_sub(server.counters().handed_on);
    let buffers = PLACES as u64;
    for (variable, count) in [
        (&system::BUFFERS, buffers),
        (&system::BUFFERS_FREE, buffers),
        (&system::BUFFERS_USED, 0),
        (&system::BUFFERS_LOW, 0),
        (&system::IO_DROPPED, 0),
        (&system::IO_IGNORED, traffic.ignored),
        (&system::IO_RECEIVED, received + own),
        (&system::IO_SENT, sent + traffic.transmits),
        (&system::IO_SEND_FAILED, unsent + traffic.not_sent),
        (&system::IO_WAKEUPS, traffic.wakeups),
        (&system::IO_USEFUL_WAKEUPS, traffic.useful_wakeups),
        (&system::TIMER_OVERRUNS, traffic.overruns),
        (&system::TIMER_TRANSMITS, traffic.transmits),
    ] {
        values.insert(variable, Ok(Value::Unsigned(count)));
    }
    values
}

/// How long counters have run that were reset.
pub(super) fn since_reset(traffic: &Traffic, now: Mono) -> Values {
    let mut values = Values::default();
    let begun = &traffic.begun;
    for (variable, since) in [
        (&system::STATISTICS_RESET, begun.system),
        (&system::IO_RESET, begun.io),
        (&system::TIMER_RESET, begun.timer),
        (&system::AUTH_RESET, begun.authentication),
    ] {
        let Some(since) = since else { continue };
        let span = Duration::from_secs(now.since(since).as_secs());
        values.insert(variable, Ok(Value::Duration(span.into())));
    }
    values
}

/// What control messages themselves bring about.
pub(super) fn add_control(values: &mut Values, control: &Control) {
    values.insert(&system::CONTROL_REQUESTS, Ok(Value::Unsigned(control.received())));
}

fn of_kernel(report: &Report) -> Values {
    let status = report.state.status.bits();
    let words = kernel_words(u64::from(status.cast_unsigned()));
    let span = |span: NtpDuration| Value::Duration(span);
    let count = |count: i64| Value::Unsigned(u64::try_from(count).unwrap_or(0));
    let pulses = if report.has_pulses() { report.pulses } else { Pulses::default() };
    let calibration_s = f64::from(pulses.shift.clamp(0, 30)).exp2();
    let rows: [(&'static Variable, Value); 16] = [
        (&system::KERNEL_OFFSET, span(report.offset)),
        (&system::KERNEL_FREQUENCY, Value::Frequency(report.state.rate.ppm())),
        (&system::KERNEL_MAXIMUM_ERROR, span(report.maximum_error)),
        (&system::KERNEL_ESTIMATED_ERROR, span(report.estimated_error)),
        (&system::KERNEL_STATUS, Value::Text(words.into())),
        (&system::KERNEL_TIME_CONSTANT, Value::Signed(report.time_constant)),
        (&system::KERNEL_PRECISION, span(report.precision)),
        (&system::KERNEL_FREQUENCY_TOLERANCE, Value::Frequency(report.tolerance)),
        (&system::PPS_FREQUENCY, Value::Frequency(pulses.frequency)),
        (&system::PPS_STABILITY, Value::Frequency(pulses.stability)),
        (&system::PPS_JITTER, span(pulses.jitter)),
        (
            &system::PPS_CALIBRATION_INTERVAL,
            span(if report.has_pulses() {
                NtpDuration::from_seconds(calibration_s)
            } else {
                NtpDuration::ZERO
            }),
        ),
        (&system::PPS_CALIBRATIONS, count(pulses.calibrations)),
        (&system::PPS_JITTER_EXCEEDED, count(pulses.jitter_exceeded)),
        (&system::PPS_STABILITY_EXCEEDED, count(pulses.stability_exceeded)),
        (&system::PPS_CALIBRATION_ERRORS, count(pulses.errors)),
    ];
    Values::typed(rows)
}

/// The system and its release, which do not change while we run.
static OPERATING_SYSTEM: LazyLock<String> = LazyLock::new(|| {
    let read = |file: &str| fs::read_to_string(format!("/proc/sys/kernel/{file}"));
    let words: Vec<_> =
        ["ostype", "osrelease"].into_iter().filter_map(|file| read(file).ok()).collect();
    let words: Vec<_> = words.iter().map(|word| word.trim()).collect();
    words.join("/")
});
