//! A value as one reads it: with its unit, and with what it stands for where it is no number.

use crate::model::Value;
use crate::model::vars::{self, Variable};
use crate::tui::format;
use crate::tui::views::columns::Context;
use crate::tui::words;
use crate::units::{Leap, Mode, NtpDuration};

/// `value` of `variable` in words and units.
pub fn print(context: &Context<'_>, variable: &Variable, value: &Value) -> String {
    let text = match value {
        Value::Duration(span) if variable.format == vars::Format::Seconds => seconds(*span),
        Value::Duration(span) => {
            let signed = variable.cooked == vars::Cooked::Signed;
            context.format.span(*span, signed || *span < NtpDuration::ZERO)
        }
        Value::Frequency(ppm) if variable.cooked != vars::Cooked::Signed => {
            format!("{:.3} ppm", ppm.parts_per_million())
        }
        _ => bare(context, value),
    };
    match number(value).and_then(|number| variable.sentinel(number)) {
        Some(means) => format!("{text}: {means}"),
        None => text,
    }
}

fn bare(context: &Context<'_>, value: &Value) -> String {
    match value {
        Value::Unsigned(number) => number.to_string(),
        Value::Signed(number) => number.to_string(),
        Value::Real(number) => number.to_string(),
        Value::Flag(true) => "yes".into(),
        Value::Flag(false) => "no".into(),
        Value::Duration(span) => context.format.span(*span, *span < NtpDuration::ZERO),
        Value::Frequency(ppm) => format!("{:+.3} ppm", ppm.parts_per_million()),
        Value::Poll(poll) => match poll.interval() {
            Some(interval) => format!("{} s (2^{})", interval.as_secs(), poll.exponent()),
            None => poll.exponent().to_string(),
        },
        Value::Precision(precision) => {
            let span = NtpDuration::from_seconds(precision.seconds());
            let auto = format::Format { units: format::Units::Auto, ..context.format };
            format!("{} (2^{})", auto.span(span, false), precision.exponent())
        }
        Value::Timestamp(stamp) => format::date_time(*stamp),
        Value::Leap(leap) => leap_word(*leap).into(),
        Value::Mode(mode) => format!("{} ({})", mode.bits(), mode_word(*mode)),
        Value::Stratum(stratum) => stratum.to_string(),
        Value::Reach(reach) => format!("{reach} octal ({} of 8)", reach.answered()),
        Value::Flash(flash) => format!("{:04x} {flash}", flash.bits()),
        Value::Association(id) => id.to_string(),
        Value::Key(Some(key)) => key.to_string(),
        Value::Key(None) => "none".into(),
        Value::ReferenceAddress(_) | Value::ReferenceCode(_) => words::reference(value),
        Value::Address(address) => address.to_string(),
        Value::AddressInZone { address, zone } => format!("{address}%{zone}"),
        Value::Date(date) => date.strftime("%Y-%m-%d %H:%M UTC").to_string(),
        Value::Socket(socket) => socket.to_string(),
        Value::Samples(samples) => {
            let cells = samples.iter().map(|sample| context.format.cell(*sample, false));
            cells.collect::<Vec<_>>().join(" ")
        }
        Value::Text(text) if text.is_empty() => "none".into(),
        Value::Text(text) => format!("\"{text}\""),
    }
}

/// A span that is told in seconds.
fn seconds(span: NtpDuration) -> String {
    match span.to_std() {
        Some(whole) if whole.subsec_nanos() == 0 && whole.as_secs() >= 120 => {
            format!("{} s = {}", whole.as_secs(), format::age(whole))
        }
        _ => format!("{} s", span.seconds()),
    }
}

/// The value as the number that a sentinel of the table would be.
#[expect(clippy::cast_precision_loss, reason = "sentinels are small")]
fn number(value: &Value) -> Option<f64> {
    Some(match value {
        Value::Unsigned(number) => *number as f64,
        Value::Signed(number) => *number as f64,
        Value::Real(number) => *number,
        Value::Duration(span) => span.milliseconds(),
        Value::Poll(poll) => f64::from(poll.exponent()),
        Value::Stratum(stratum) => f64::from(stratum.get()),
        Value::Key(None) => 0.0,
        _ => return None,
    })
}

const fn leap_word(leap: Leap) -> &'static str {
    match leap {
        Leap::None => "00 none coming",
        Leap::Insert => "01 61 s at month's end",
        Leap::Delete => "10 59 s at month's end",
        Leap::Alarm => "11 not synchronised",
    }
}

/// What a mode is called.
pub const fn mode_word(mode: Mode) -> &'static str {
    match mode {
        Mode::Unspecified => "none yet",
        Mode::SymmetricActive => "symmetric active",
        Mode::SymmetricPassive => "symmetric passive",
        Mode::Client => "client",
        Mode::Server => "server",
        Mode::Broadcast => "broadcast",
        Mode::Control => "broadcast client",
        Mode::Private => "private",
    }
}
