//! What a daemon tells of its clock that tells what is left to correct: three offsets that are
//! easily taken for one another, each with what it is; its sources and its clients in figures.

use crate::model::vars::system;
use crate::model::{Value, Values};
use crate::tui::views::clock::WIDE;
use crate::tui::views::clock::answer::format;
use crate::tui::views::clock::facts::ppm;
use crate::tui::views::closed;
use crate::tui::views::columns::Context;
use crate::tui::words;
use crate::units::{NtpDuration, Ppm};

/// Whether the daemon tells what it has left to correct, rather than the offset it found last.
pub fn is_tracked(values: &Values) -> bool {
    values.covers(&system::SYSTEM_TIME)
}

/// What the clock was found off by, last and on average, and how often that is looked at.
pub fn updates(context: &Context<'_>, values: &Values) -> Option<String> {
    // There is a last one only once there was any.
    values.timestamp(&system::REFERENCE_TIME)?;
    let last = values.duration(&system::LAST_OFFSET)?;
    let side = words::behind_or_ahead(last, format(context));
    let rms = values.duration(&system::RMS_OFFSET).map(|rms| {
        format!(", {} on average over time (RMS offset)", format(context).span(rms, false))
    });
    let every =
        values.duration(&system::UPDATE_INTERVAL).filter(|every| *every > NtpDuration::ZERO);
    let every = every.map(|every| format!("; the last two were {:.1} s apart", every.seconds()));
    Some(format!(
        "the last one found it {side} (last offset), since corrected{}{}",
        rms.unwrap_or_default(),
        every.unwrap_or_default()
    ))
}

/// How well the frequency is known; `None` while nothing is known of it, which is told as zero.
pub fn skew(values: &Values) -> Option<Ppm> {
    values.frequency(&system::SKEW).filter(|skew| skew.parts_per_million() > 0.0)
}

/// How far the frequency in use is from what the samples say.
pub fn residual(values: &Values) -> Option<String> {
    skew(values)?;
    let residual = values.frequency(&system::RESIDUAL_FREQUENCY)?;
    Some(format!("; by the last samples it should be {} more (residual)", ppm(residual, true)))
}

/// How many sources are polled, and how many are not.
pub fn polled(values: &Values) -> Option<String> {
    let online = values.unsigned(&system::ONLINE)?;
    let mut parts = vec![format!("{online} online")];
    for (variable, what) in [
        (&system::OFFLINE, "offline"),
        (&system::BURST_ONLINE, "in a burst"),
        (&system::BURST_OFFLINE, "in a burst, then offline"),
        (&system::UNRESOLVED, "without an address yet"),
    ] {
        let number = values.unsigned(variable).filter(|number| *number > 0);
        parts.extend(number.map(|number| format!("{number} {what}")));
    }
    Some(format!("{} (clocks not counted)", parts.join(" · ")))
}

/// What its clients asked for.
pub fn served(values: &Values) -> Option<String> {
    let count = |variable| values.unsigned(variable);
    let served = format!(
        "{} NTP packets came, {} were dropped · {} commands, {} dropped",
        count(&system::NTP_HITS)?,
        count(&system::NTP_DROPS)?,
        count(&system::COMMAND_HITS)?,
        count(&system::COMMAND_DROPS)?,
    );
    let authentic = count(&system::AUTHENTICATED_HITS).filter(|authentic| *authentic > 0);
    let authentic = authentic.map(|authentic| format!(" · {authentic} packets authenticated"));
    Some(served + &authentic.unwrap_or_default())
}

/// Time that is bent for clients, while it is.
pub fn smoothing(context: &Context<'_>, values: &Values) -> Option<String> {
    if !matches!(values.get(&system::SMOOTHING_ACTIVE), Ok(Value::Flag(true))) {
        return None;
    }
    let offset = values.duration(&system::SMOOTHING_OFFSET)?;
    let left = values.duration(&system::SMOOTHING_REMAINING)?;
    Some(format!(
        "clients get a time that is {} ahead of its own, bent back within {:.0} s",
        format(context).span(offset, true),
        left.seconds()
    ))
}

/// The clock that goes on while the host is off, where it is looked after.
pub fn real_time_clock(context: &Context<'_>, values: &Values) -> Option<String> {
    let samples = values.unsigned(&system::RTC_SAMPLES).filter(|samples| *samples > 0)?;
    let ahead = values.duration(&system::RTC_OFFSET)?;
    let gain = values.frequency(&system::RTC_FREQUENCY)?;
    Some(format!(
        "real-time clock {} ahead, gains {}, by {samples} samples",
        format(context).span(ahead, true),
        ppm(gain, true)
    ))
}

/// What is closed over the transport in use, and how it can be had where there is room for that.
pub fn not_told(context: &Context<'_>, values: &Values) -> Option<String> {
    let closed = closed::gather(values.iter())?;
    let count = closed.variables.len();
    let (columns, rows) = context.app.size;
    if columns >= WIDE && rows >= HIGH {
        return Some(format!("{}: {}", closed.names(2), closed.how));
    }
    // What is so; what could be done about it is told with more room.
    let why = closed.how.split(';').next().unwrap_or_default();
    Some(format!("{count} figures: {why}"))
}

/// Rows from which on there is room for more than how the clock stands.
const HIGH: u16 = 30;
