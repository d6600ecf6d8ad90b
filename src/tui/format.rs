//! The one place where spans, ages and times become text on screen.
//!
//! In milliseconds, the unit at start, a cell shows the digits that ntpq shows for the same
//! daemon: three decimals for classic ntpd, cut to seven characters; four for NTPsec, rounded to
//! fit eight. A cell never loses digits before the decimal point: what fits no cell changes its
//! unit and says so.

use std::time::Duration;

pub use crate::config::app::Units;
use crate::model::Dialect;
use crate::units::{Mono, Now, NtpDuration, NtpTimestamp};

/// How spans are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Format {
    /// The unit.
    pub units: Units,
    /// Whether the daemon tells nanoseconds, as NTPsec's does: one more decimal is shown.
    pub fine: bool,
    /// Whether only ASCII may be shown: `us` instead of `µs`.
    pub ascii: bool,
}

impl Format {
    /// The same with as many decimals as `dialect` has to tell.
    #[must_use]
    pub fn for_dialect(self, dialect: Option<Dialect>) -> Self {
        Self { fine: dialect.is_some_and(Dialect::is_fine), ..self }
    }

    /// The unit of every cell of a column; empty when each value wears its own.
    pub const fn unit(self) -> &'static str {
        match self.units {
            Units::Milliseconds => "ms",
            Units::Auto => "",
            Units::Microseconds => self.micro(),
            Units::Nanoseconds => "ns",
            Units::Seconds => "s",
        }
    }

    /// `span` as a cell of the peers table, without the column's unit.
    ///
    /// With `signed` a positive span wears its sign.
    pub fn cell(self, span: NtpDuration, signed: bool) -> String {
        let seconds = span.seconds();
        let fine = usize::from(self.fine);
        match self.units {
            Units::Auto => self.scaled(seconds, signed, ""),
            Units::Seconds => number(seconds, 6 + fine, signed),
            Units::Microseconds => number(seconds * 1e6, fine, signed),
            Units::Nanoseconds => number(seconds * 1e9, 0, signed),
            Units::Milliseconds if self.fine => self.fitted(span, signed),
            Units::Milliseconds => {
                let mut text = number(span.milliseconds(), 3, signed);
                let point = text.find('.').unwrap_or(text.len());
                if point > 7 {
                    return self.scaled(seconds, signed, "");
                }
                text.truncate(7);
                text.truncate(text.trim_end_matches('.').len());
                text
            }
        }
    }

    /// Four decimals, fewer where eight characters (nine with a sign) do not suffice.
    fn fitted(self, span: NtpDuration, signed: bool) -> String {
        let room = if signed { 9 } else { 8 };
        (0..=4)
            .rev()
            .map(|decimals| number(span.milliseconds(), decimals, signed))
            .find(|text| text.len() <= room)
            .unwrap_or_else(|| self.scaled(span.seconds(), signed, ""))
    }

    /// `span` with its unit, as sentences have it: `+0.014 ms`.
    pub fn span(self, span: NtpDuration, signed: bool) -> String {
        match self.units {
            Units::Auto => self.scaled(span.seconds(), signed, " "),
            Units::Milliseconds => {
                number(span.milliseconds(), 3 + usize::from(self.fine), signed) + " ms"
            }
            _ => format!("{} {}", self.cell(span, signed), self.unit()),
        }
    }

    /// `seconds` with the unit that leaves one to three digits before the point.
    fn scaled(self, seconds: f64, signed: bool, gap: &str) -> String {
        let (factor, unit) = match seconds.abs() {
            s if s >= 1.0 => (1.0, "s"),
            s if s >= 1e-3 => (1e3, "ms"),
            s if s >= 1e-6 => (1e6, self.micro()),
            _ => (1e9, "ns"),
        };
        let value = seconds * factor;
        let decimals = match value.abs() {
            _ if unit == "ns" => 0,
            v if v >= 100.0 => 1,
            v if v >= 10.0 => 2,
            _ => 3,
        };
        format!("{}{gap}{unit}", number(value, decimals, signed))
    }

    const fn micro(self) -> &'static str {
        if self.ascii { "us" } else { "µs" }
    }
}

/// `value` with `decimals`, never as minus zero.
fn number(value: f64, decimals: usize, signed: bool) -> String {
    let text = format!("{value:.decimals$}");
    let is_zero = text.bytes().all(|b| matches!(b, b'-' | b'0' | b'.'));
    let text = if is_zero { text.trim_start_matches('-') } else { &text };
    let sign = if signed && !text.starts_with('-') { "+" } else { "" };
    format!("{sign}{text}")
}

/// An age in words: `12 s`, `3 min 20 s`, `2 h 05 min`, `3 d 4 h`.
pub fn age(age: Duration) -> String {
    let seconds = age.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match () {
        () if minutes == 0 => format!("{seconds} s"),
        () if hours == 0 => format!("{minutes} min {:02} s", seconds % 60),
        () if days == 0 => format!("{hours} h {:02} min", minutes % 60),
        () => format!("{days} d {} h", hours % 24),
    }
}

/// A short span that was waited for: `0.3 ms`, `12 ms`, `1.4 s`.
pub fn wait(span: Duration) -> String {
    let ms = span.as_secs_f64() * 1e3;
    match ms {
        _ if ms >= 1000.0 => format!("{:.1} s", ms / 1e3),
        _ if ms >= 10.0 => format!("{ms:.0} ms"),
        _ => format!("{ms:.1} ms"),
    }
}

/// An age in few letters: `16 ms`, `1.2 s`, `12 s`, `3 min`, `2 h`, `4 d`.
pub fn brief(age: Duration) -> String {
    let seconds = age.as_secs_f64();
    match seconds {
        s if s < 0.0005 => "0 s".into(),
        s if s < 0.0995 => format!("{:.0} ms", s * 1e3),
        s if s < 9.95 => format!("{s:.1} s"),
        s if s < 99.5 => format!("{s:.0} s"),
        s if s < 5970.0 => format!("{:.0} min", s / 60.0),
        s if s < 171_000.0 => format!("{:.0} h", s / 3600.0),
        s => format!("{:.0} d", s / 86_400.0),
    }
}

/// How quickly something grows: `12.5/s`, `0.25/s`, `1 234/s`.
pub fn rate(per_second: f64) -> String {
    match per_second {
        rate if rate >= 999.5 => {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "positive, and what is too large to be true becomes the largest"
            )]
            let whole = rate.round() as u64;
            format!("{}/s", count(whole))
        }
        rate if rate >= 99.95 => format!("{rate:.0}/s"),
        rate if rate >= 9.995 => format!("{rate:.1}/s"),
        rate if rate > 0.0 => format!("{:.2}/s", rate.max(0.01)),
        _ => "0/s".into(),
    }
}

/// A count with its thousands apart: `12 345`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// What our wall clock showed at `then`: `02:14:07 UTC`, with the date when it was not today.
pub fn moment(then: Mono, now: Now) -> String {
    time(now.clock + -NtpDuration::from(now.mono.since(then)), now)
}

/// A point in time: `02:14:07 UTC`, with the date when that is not today's.
pub fn time(clock: NtpTimestamp, now: Now) -> String {
    let (seconds, _) = clock.to_unix(NEAR);
    let (today, _) = now.clock.to_unix(NEAR);
    if seconds.div_euclid(86_400) == today.div_euclid(86_400) {
        format!("{} UTC", time_of_day(seconds))
    } else {
        date_time(clock)
    }
}

/// A point in time: `2026-11-20 23:59:24.916 UTC`.
pub fn date_time(stamp: NtpTimestamp) -> String {
    let (seconds, nanoseconds) = stamp.to_unix(NEAR);
    let (year, month, day) = civil(seconds.div_euclid(86_400));
    let time = time_of_day(seconds);
    format!("{year:04}-{month:02}-{day:02} {time}.{:03} UTC", nanoseconds / 1_000_000)
}

fn time_of_day(unix_seconds: i64) -> String {
    let second = unix_seconds.rem_euclid(86_400);
    format!("{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)
}

/// Year, month and day of a day counted from 1970-01-01 in the Gregorian calendar.
fn civil(day: i64) -> (i64, i8, i8) {
    // Any `i64` day that comes from an NTP timestamp lies within a few centuries.
    let span = jiff::Span::new().try_days(day);
    let date = span.ok().and_then(|s| jiff::civil::date(1970, 1, 1).checked_add(s).ok());
    date.map_or((0, 0, 0), |d| (i64::from(d.year()), d.month(), d.day()))
}

/// Seconds since 1970 near which timestamps are taken to lie (2033): eras 0 and 1 from 1965 on.
const NEAR: i64 = 2_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(value: f64) -> NtpDuration {
        NtpDuration::from_milliseconds(value)
    }

    #[test]
    fn brief_ages_keep_their_unit() {
        let ages = [0.0, 0.0156, 0.25, 9.9, 12.0, 99.0, 100.0, 3600.0, 7200.0, 200_000.0];
        let all = ages.map(|s| brief(Duration::from_secs_f64(s))).join("|");
        assert_eq!(all, "0 s|16 ms|0.2 s|9.9 s|12 s|99 s|2 min|60 min|2 h|2 d");
    }

    #[test]
    fn counts_and_rates_can_be_read() {
        assert_eq!(
            [0, 999, 1000, 12_345, 1_234_567].map(count).join("|"),
            "0|999|1 000|12 345|1 234 567"
        );
        let rates = [0.0, 0.0001, 0.25, 9.99, 12.5, 123.4, 1234.5, 1e30].map(rate);
        assert_eq!(
            rates.get(..7).unwrap().join("|"),
            "0/s|0.01/s|0.25/s|9.99/s|12.5/s|123/s|1 235/s"
        );
    }

    #[test]
    fn cells_of_classic_daemons_are_those_that_ntpq_prints() {
        let format = Format::default();
        assert_eq!(format.cell(ms(0.014), true), "+0.014");
        assert_eq!(format.cell(ms(-0.000_01), true), "+0.000");
        assert_eq!(format.cell(ms(437.695), false), "437.695");
        assert_eq!(format.cell(ms(15_937.5), false), "15937.5");
        assert_eq!(format.cell(ms(-1234.567), true), "-1234.5");
        assert_eq!(format.cell(ms(1_234_567.8), false), "1234567");
    }

    #[test]
    fn cells_of_ntpsec_have_one_decimal_more() {
        let format = Format { fine: true, ..Format::default() };
        assert_eq!(format.cell(ms(0.065_704), false), "0.0657");
        assert_eq!(format.cell(ms(62.5726), false), "62.5726");
        assert_eq!(format.cell(ms(3937.74), false), "3937.740");
        assert_eq!(format.cell(ms(15_937.5), false), "15937.50");
        assert_eq!(format.cell(ms(0.021_084), true), "+0.0211");
    }

    #[test]
    fn a_value_too_great_for_its_cell_changes_its_unit_and_says_so() {
        let huge = NtpDuration::from_seconds(-1_700_000_000.0);
        assert_eq!(Format::default().cell(huge, true), "-1700000000.0s");
    }

    #[test]
    fn units_that_scale_stand_behind_the_number() {
        let auto = Format { units: Units::Auto, ..Format::default() };
        assert_eq!(auto.cell(ms(0.014), true), "+14.00µs");
        assert_eq!(Format { ascii: true, ..auto }.span(ms(0.014), true), "+14.00 us");
        assert_eq!(auto.cell(ms(15_937.5), false), "15.94s");
        assert_eq!(auto.cell(NtpDuration::ZERO, false), "0ns");
        assert_eq!(Format::default().span(ms(-3.25), true), "-3.250 ms");
    }

    #[test]
    fn every_unit_shows_the_same_quantity() {
        let cell = |units| Format { units, ..Format::default() }.cell(ms(1.5), true);
        assert_eq!(cell(Units::Microseconds), "+1500");
        assert_eq!(cell(Units::Nanoseconds), "+1500000");
        assert_eq!(cell(Units::Seconds), "+0.001500");
        let mut units = Units::default();
        for expected in Units::ALL {
            assert_eq!(units, expected);
            units = units.next();
        }
        assert_eq!(units, Units::default());
    }

    #[test]
    fn ages_and_moments_are_words() {
        assert_eq!(age(Duration::from_secs(12)), "12 s");
        assert_eq!(age(Duration::from_secs(200)), "3 min 20 s");
        assert_eq!(age(Duration::from_secs(7500)), "2 h 05 min");
        assert_eq!(age(Duration::from_secs(273_600)), "3 d 4 h");
        let now = Now {
            mono: Mono::from_nanos(60_000_000_000),
            clock: NtpTimestamp::from_unix(1_795_219_164, 0),
            ..Now::default()
        };
        assert_eq!(moment(Mono::from_nanos(53_000_000_000), now), "23:59:17 UTC");
        assert_eq!(date_time(now.clock), "2026-11-20 23:59:24.000 UTC");
    }
}
