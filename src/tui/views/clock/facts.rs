//! What the answer rests on: loop, frequency, noise, poll, sources, leap.

use std::time::Duration;

use crate::backend::TargetId;
use crate::model::clock_loop::{Algorithm, ClockLoop, Steers};
use crate::model::status::{SYSTEM_EVENTS, codes};
use crate::model::vars::{Variable, system};
use crate::model::{Value, Values};
use crate::tui::views::clock::answer::{bound, format, nothing_known};
use crate::tui::views::clock::holdover::Growth;
use crate::tui::views::clock::tracked;
use crate::tui::views::columns::Context;
use crate::tui::{rows, verdict, words};
use crate::units::{Leap, NtpDuration, PollExponent, Ppm};

/// A label and a sentence each.
pub fn facts(context: &Context<'_>) -> Vec<(&'static str, String)> {
    let Some(values) = context.daemon.system.latest() else { return Vec::new() };
    let engine = context.daemon.clock_loop.as_deref();
    let mut facts = Vec::new();
    let mut add = |label, fact: Option<String>| {
        if let Some(fact) = fact {
            facts.push((label, fact));
        }
    };
    add("Truth", truth(context));
    add("Error", error(context, values, engine));
    add("Source", Some(source(context, values)));
    add("Loop", engine.map(state).or_else(|| last_event(context)));
    add("Updates", tracked::updates(context, values));
    add("Held", engine.and_then(|engine| engine.held.as_deref().map(str::to_owned)));
    add("Notice", engine.and_then(|engine| engine.notice.as_deref().map(str::to_owned)));
    add("Frequency", frequency(values, engine));
    add("Noise", noise(context, values, engine));
    add("Poll", poll(context, values, engine));
    add("Holdover", holdover(context, engine));
    add("Leap", leap(context, values));
    add("Polled", tracked::polled(values));
    add("Served", tracked::served(values));
    add("Smoothing", tracked::smoothing(context, values));
    add("RTC", tracked::real_time_clock(context, values));
    add("Not told", tracked::not_told(context, values));
    facts
}

/// How wrong the clock is in truth, which only a simulated world knows.
fn truth(context: &Context<'_>) -> Option<String> {
    context.app.world.as_ref()?;
    let now = context.app.shown_now();
    let behind = now.clock - context.daemon.clock_at(now.mono)?;
    let side = words::behind_or_ahead(behind, format(context));
    Some(format!("{side} in truth, which only a simulation knows"))
}

/// Of what the greatest possible error is made.
fn error(context: &Context<'_>, values: &Values, engine: Option<&ClockLoop>) -> Option<String> {
    if nothing_known(context).is_some() {
        return None;
    }
    let span = |span| format(context).span(span, false);
    let half = NtpDuration::from_bits(values.duration(&system::ROOT_DELAY)?.bits() / 2);
    let bound = bound(context)?;
    let left = values.duration(&system::SYSTEM_TIME).map(NtpDuration::abs);
    let dispersion = bound - half - left.unwrap_or_default();
    let left = left.map_or_else(String::new, |left| format!(" + {} left to correct", span(left)));
    let parts =
        format!("half the root delay {} + dispersion {}{left}", span(half), span(dispersion));
    let most = span(bound);
    Some(match engine.map(|engine| (engine.steers, engine.error_bound)) {
        Some((steers, Some(error))) => {
            let whose = if steers == Steers::Virtual { "virtual clock's " } else { "" };
            format!("filter ±{} (3 sigma) · {whose}root distance {most}", span(error))
        }
        _ => format!("at most {most}: {parts}"),
    })
}

/// Whom the clock follows, and since when nothing corrected it.
fn source(context: &Context<'_>, values: &Values) -> String {
    let peer = verdict::system_peer(context.daemon);
    let is_followed = peer.is_some();
    let followed = match peer {
        Some(peer) => rows::name(context.app, peer).into_owned(),
        None => "none now".into(),
    };
    let is_none =
        |value: &&Value| matches!(value, Value::ReferenceAddress(a) if a.is_unspecified());
    let reference = values.get(&system::REFERENCE_ID).ok().filter(|value| !is_none(value));
    let reference = reference.map(words::reference);
    let parts = [
        Some(followed),
        values.stratum(&system::STRATUM).map(|stratum| match stratum.get() {
            0 => "no stratum of its own".to_owned(),
            stratum => format!("own stratum {stratum}"),
        }),
        reference.filter(|_| !is_followed).map(|reference| format!("refid {reference}")),
        verdict::since_set(context.app, context.tab).map(|set| format!("corrected {set}")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// An engine's loop in words.
fn state(engine: &ClockLoop) -> String {
    let meaning = match engine.state {
        "NSET" => "nothing has set the clock yet",
        "FSET" => "the frequency is the one learned last time; the offset is still to come",
        "SPIK" => "an offset beyond the step threshold is waited out",
        "FREQ" => "the frequency is being measured",
        "SYNC" if engine.is_converged => "in regular operation",
        "SYNC" => "not settled yet, these figures move",
        _ => "a state of its own",
    };
    let algorithm = match engine.algorithm {
        Algorithm::Ntp => "PLL/FLL",
        Algorithm::Kalman => "joint filter",
    };
    let clock = match engine.steers {
        Steers::Virtual => "virtual clock",
        Steers::System => "system clock",
        Steers::Simulated => "simulated clock",
    };
    format!("{}: {meaning} · {algorithm}, {clock}", engine.state)
}

/// What a daemon says of its loop from outside: the last event in its status word.
fn last_event(context: &Context<'_>) -> Option<String> {
    let word = context.daemon.associations.latest()?.system;
    if tracked::is_tracked(context.daemon.system.latest()?) {
        // Its status word is made up from what it tells, and it tells of no events.
        return None;
    }
    let event = codes::find(&SYSTEM_EVENTS, word.event())?;
    Some(format!("last event {}: {}", event.word, event.meaning))
}

fn frequency(values: &Values, engine: Option<&ClockLoop>) -> Option<String> {
    let told = values.frequency(&system::FREQUENCY);
    let frequency = engine.map(|engine| engine.frequency).or(told)?;
    let skew = tracked::skew(values);
    let error = engine.and_then(|engine| engine.frequency_error).or(skew);
    let error = error.map_or_else(String::new, |error| format!(" ±{}", ppm(error, false)));
    // A millionth of a day is 86.4 ms.
    let a_day = frequency.parts_per_million() * 0.0864;
    let is_told = skew.is_some() || told.is_some_and(|told| told.parts_per_million() != 0.0);
    let left_alone = match a_day {
        // A daemon says zero until it knows.
        _ if engine.is_some_and(|engine| matches!(engine.state, "NSET" | "FREQ")) => {
            "not measured yet".into()
        }
        _ if engine.is_none() && !is_told => "not measured yet, by the looks of it".into(),
        a_day if a_day.abs() < 0.0005 => "left alone it would hardly drift".into(),
        a_day if a_day > 0.0 => format!("left alone it would lose {a_day:.3} s a day"),
        a_day => format!("left alone it would gain {:.3} s a day", -a_day),
    };
    // One that tells how well it knows its frequency has no such limit.
    let rail = if skew.is_none() && frequency.parts_per_million().abs() >= RAIL {
        "; AT ITS LIMIT: the loop cannot correct more than 500 ppm"
    } else {
        ""
    };
    let residual = tracked::residual(values).unwrap_or_default();
    Some(format!("{}{error}: {left_alone}{rail}{residual}", ppm(frequency, true)))
}

pub(super) fn ppm(frequency: Ppm, signed: bool) -> String {
    let ppm = frequency.parts_per_million();
    let decimals = if ppm.abs() < 0.1 && !signed { 4 } else { 3 };
    if signed { format!("{ppm:+.decimals$} ppm") } else { format!("{ppm:.decimals$} ppm") }
}

fn noise(context: &Context<'_>, values: &Values, engine: Option<&ClockLoop>) -> Option<String> {
    let span = |span| format(context).span(span, false);
    let told = |variable: &'static Variable| values.duration(variable);
    let jitter = engine.map(|engine| engine.jitter).or_else(|| told(&system::CLOCK_JITTER));
    let wander =
        engine.map(|engine| engine.wander).or_else(|| values.frequency(&system::CLOCK_WANDER));
    let parts = [
        jitter.map(|jitter| format!("clock jitter {}", span(jitter))),
        told(&system::SYSTEM_JITTER).map(|jitter| format!("system jitter {}", span(jitter))),
        wander.map(|wander| format!("wander {}", ppm(wander, false))),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(" · "))
}

fn poll(context: &Context<'_>, values: &Values, engine: Option<&ClockLoop>) -> Option<String> {
    let told = values.poll(&system::TIME_CONSTANT);
    let constant = interval(engine.map(|engine| engine.time_constant).or(told)?);
    let least = values.poll(&system::MIN_TIME_CONSTANT).map(interval);
    let least = least.map_or_else(String::new, |least| format!(" · shortest it allows {least}"));
    let program = match (context.tab.target, &context.app.offer) {
        (TargetId::OWN, Some(offer)) => offer.beside.first(),
        _ => None,
    };
    let polite = program.map_or_else(String::new, |program| {
        format!(" · beside {}: no bursts, at most one in 64 s", program.kind.facts().name)
    });
    Some(format!("time constant {constant}{least}{polite}"))
}

fn interval(poll: PollExponent) -> String {
    let seconds = poll.interval().map_or_else(|| "?".into(), |i| i.as_secs().to_string());
    format!("{seconds} s (2^{})", poll.exponent())
}

/// What becomes of the error without any source.
fn holdover(context: &Context<'_>, engine: Option<&ClockLoop>) -> Option<String> {
    if nothing_known(context).is_some() {
        return None;
    }
    let growth = match engine.and_then(Growth::of) {
        Some(growth) => growth,
        None => Growth::Bound { now: bound(context)? },
    };
    let span = |seconds| format(context).span(growth.after(Duration::from_secs(seconds)), false);
    let kind = match growth {
        Growth::Bound { .. } => "at most",
        Growth::Estimate { .. } => "±",
    };
    let gap = if kind == "±" { "" } else { " " };
    Some(format!(
        "without sources {kind}{gap}{} in 10 min, {} in 1 h, {} in 1 d",
        span(600),
        span(3600),
        span(86_400)
    ))
}

fn leap(context: &Context<'_>, values: &Values) -> Option<String> {
    let mut parts = vec![match values.leap(&system::LEAP)? {
        Leap::None => "none announced".to_owned(),
        Leap::Insert => "a second will be INSERTED at the end of the month".into(),
        Leap::Delete => "a second will be LEFT OUT at the end of the month".into(),
        Leap::Alarm => "not known: not synchronised".into(),
    }];
    if let Some(tai) = values.duration(&system::TAI).filter(|tai| *tai != NtpDuration::ZERO) {
        parts.push(format!("TAI is {} s ahead of UTC", tai.seconds()));
    }
    if let Ok(Value::Date(expiry)) = values.get(&system::LEAP_FILE_EXPIRY) {
        let (now, _) = context.app.shown_now().clock.to_unix(NEAR);
        let past = jiff::civil::DateTime::constant(1970, 1, 1, 0, 0, 0, 0)
            .checked_add(jiff::SignedDuration::from_secs(now))
            .is_ok_and(|now| now > *expiry);
        let verb = if past { "EXPIRED" } else { "expires" };
        parts.push(format!("leap second file {verb} {}", expiry.strftime("%Y-%m-%d")));
    }
    Some(parts.join(" · "))
}

/// From this on a frequency correction, in ppm, is taken to be at its limit.
const RAIL: f64 = 495.0;

/// Seconds since 1970 near which timestamps are taken to lie.
const NEAR: i64 = 2_000_000_000;
