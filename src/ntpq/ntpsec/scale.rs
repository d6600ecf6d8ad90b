//! Numbers scaled to the unit that shows them best, as `-u` asks for.
//!
//! All is done on the digits as they came, so that none is invented: a number is never shown in a
//! smaller unit than it has digits for.

use crate::ntpq::ntpsec::value;

/// The units of times, each a thousand times the one before.
pub const TIMES: &[&str] = &["ns", "us", "ms", "s", "ks"];

/// The units of rates, each a thousand times the one before.
pub const RATES: &[&str] = &["ppt", "ppb", "ppm", "ppk"];

/// A unit: which group, and its place there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unit {
    group: &'static [&'static str],
    place: i32,
}

impl Unit {
    /// Milliseconds.
    pub const MILLISECOND: Self = Self { group: TIMES, place: 2 };
    /// Seconds.
    pub const SECOND: Self = Self { group: TIMES, place: 3 };
    /// Parts per million.
    pub const PPM: Self = Self { group: RATES, place: 2 };

    /// How it is written.
    fn name(self) -> Option<&'static str> {
        usize::try_from(self.place).ok().and_then(|place| self.group.get(place)).copied()
    }

    const fn larger_by(self, steps: i32) -> Self {
        Self { group: self.group, place: self.place + steps }
    }
}

/// `value` in the unit that leaves one to three digits before the point, cut to `width` with its
/// unit; `None` when it is no number that can be scaled.
pub fn scaled(value: &str, unit: Unit, width: Option<usize>) -> Option<String> {
    let (number, steps) = if is_zero(value) {
        finest_zero(value)?
    } else {
        // Digits below the smallest unit are none.
        let digits = usize::try_from(unit.place * 3).unwrap_or(0);
        scale(cropped(value, digits))?
    };
    let text = match unit.larger_by(steps).name() {
        Some(name) => {
            let room = width.map(|width| width.saturating_sub(name.len()));
            format!("{}{name}", fitted(&number, room)?)
        }
        None => format!("{value}{}", unit.name().unwrap_or_default()),
    };
    Some(if width.is_none() { text.trim().to_owned() } else { text })
}

/// Numbers in milliseconds with blanks between, all in the unit that most of them would have alone.
pub fn scaled_together(text: &str) -> Option<String> {
    let parts: Vec<&str> = value::words(text).collect();
    let mut counts: Vec<(i32, u32)> = Vec::new();
    let mut finest = i32::MIN;
    for part in &parts {
        let (_, steps) = scale(part)?;
        finest = finest.max(finest_steps(part));
        match counts.iter_mut().find(|(known, _)| *known == steps) {
            Some((_, count)) => *count += 1,
            None => counts.push((steps, 1)),
        }
    }
    let mut common = (0, 0);
    for (steps, count) in counts {
        if steps >= finest && count > common.1 {
            common = (steps, count);
        }
    }
    let unit = Unit::MILLISECOND.larger_by(common.0).name()?;
    let columns: Option<Vec<_>> =
        parts.iter().map(|part| fitted(&moved(part, common.0)?, Some(7))).collect();
    Some(format!("{} {unit}", columns?.join(" ")))
}

/// A number's digits before and behind the point, and whether it is negative.
fn parts(value: &str) -> Option<(&str, &str, bool)> {
    let (negative, value) = match value.strip_prefix('-') {
        Some(rest) => (true, rest),
        None if value.is_empty() => return None,
        None => (false, value),
    };
    let (whole, decimals) = value.split_once('.').unwrap_or((value, ""));
    (value.is_ascii() && !decimals.contains('.')).then_some((whole, decimals, negative))
}

fn joined(whole: &str, decimals: &str, negative: bool) -> String {
    let sign = if negative { "-" } else { "" };
    let whole = if whole.is_empty() { "0" } else { whole };
    if decimals.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{decimals}") }
}

fn is_zero(value: &str) -> bool {
    value.chars().all(|sign| matches!(sign, '-' | '.' | '0'))
}

/// How many units smaller the digits allow, as a number that is not positive.
fn finest_steps(value: &str) -> i32 {
    let decimals = value.split('.').nth(1).map_or(0, str::len);
    -i32::try_from(decimals / 3).unwrap_or(0)
}

/// A zero in the smallest unit that its digits allow.
fn finest_zero(value: &str) -> Option<(String, i32)> {
    let steps = finest_steps(value);
    let zero = moved(value, steps)?;
    Some((zero.trim_start_matches('-').to_owned(), steps))
}

/// `value` in a unit larger by so many steps; `None` where digits would have to be invented.
fn moved(value: &str, steps: i32) -> Option<String> {
    let (whole, decimals, negative) = parts(value)?;
    let places = usize::try_from(steps.unsigned_abs()).ok()?.checked_mul(3)?;
    if steps == 0 {
        return Some(joined(whole, decimals, negative));
    }
    let (new_whole, new_decimals) = if steps > 0 {
        match whole.len().checked_sub(places) {
            None => {
                let zeros = "0".repeat(places - whole.len());
                (String::new(), format!("{zeros}{whole}{decimals}"))
            }
            Some(at) => {
                let (kept, rest) = whole.split_at_checked(at)?;
                (kept.to_owned(), format!("{rest}{decimals}"))
            }
        }
    } else {
        let (taken, rest) = decimals.split_at_checked(places)?;
        (format!("{whole}{taken}"), rest.to_owned())
    };
    Some(joined(new_whole.trim_start_matches('0'), &new_decimals, negative))
}

/// `value` with one to three digits before the point, and by how many units it was moved.
fn scale(value: &str) -> Option<(String, i32)> {
    if is_zero(value) {
        return finest_zero(value);
    }
    let (whole, decimals, negative) = parts(value)?;
    if whole.is_empty() || is_zero(whole) {
        let zeros = decimals.chars().take_while(|digit| *digit == '0').count();
        let mut units = zeros / 3 + 1;
        if decimals.len() < units * 3 {
            units = zeros / 3;
        }
        let (taken, rest) = decimals.split_at_checked(units * 3)?;
        let number = joined(taken.trim_start_matches('0'), rest, negative);
        return Some((number, -i32::try_from(units).ok()?));
    }
    let units = (whole.len() - 1) / 3;
    let (kept, rest) = whole.split_at_checked(whole.len() - units * 3)?;
    Some((joined(kept, &format!("{rest}{decimals}"), negative), i32::try_from(units).ok()?))
}

/// `value` with at most so many digits behind the point.
fn cropped(value: &str, digits: usize) -> &str {
    match value.find('.') {
        None => value,
        Some(point) if digits == 0 => value.get(..point).unwrap_or(value),
        Some(point) => value.get(..point + 1 + digits).unwrap_or(value),
    }
}

/// `value` in a field of this width: filled on its left, or rounded behind the point as far as
/// need be.
fn fitted(value: &str, width: Option<usize>) -> Option<String> {
    let Some(width) = width else { return Some(value.to_owned()) };
    let Some(excess) = value.len().checked_sub(width).filter(|excess| *excess > 0) else {
        return Some(format!("{value:>width$}"));
    };
    let Some((_, decimals)) = value.split_once('.') else { return Some(value.to_owned()) };
    let kept = decimals.len() - decimals.len().min(excess);
    let number: f64 = value.parse().ok()?;
    // A point at the end tells that there is more behind it.
    Some(if kept == 0 { format!("{number:.0}.") } else { format!("{number:.kept$}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    // As NTPsec's ntpq 1.2.2 scaled them.
    #[test]
    fn numbers_are_scaled_as_ntpsec_scales_them() {
        let wide = |value| scaled(value, Unit::MILLISECOND, Some(8)).unwrap();
        assert_eq!(wide("0.091812"), "91.812us");
        assert_eq!(wide("0.000431"), "   431ns");
        assert_eq!(wide("0.000000"), "     0ns");
        assert_eq!(wide("0.000"), "     0us");
        assert_eq!(wide("3948.43"), "3.94843s");
        assert_eq!(wide("15937.500000"), "15.9375s");
        assert_eq!(wide("."), "     0ms");
        assert_eq!(wide("-0.579"), "  -579us");
        assert_eq!(wide("-123456.789"), "-123.46s");
        assert_eq!(wide("999.9999999"), "1000.00ms");
        assert_eq!(wide("72.769123"), "72.769ms");
        assert_eq!(wide("?"), "     ?ms");
        let free = |value, unit| scaled(value, unit, None).unwrap();
        assert_eq!(free("37", Unit::SECOND), "37s");
        assert_eq!(free("-12.345678", Unit::PPM), "-12.345678ppm");
        assert_eq!(free("0.075080", Unit::PPM), "75.080ppb");
        assert_eq!(scaled("", Unit::PPM, None), None);
    }

    #[test]
    fn samples_have_one_unit() {
        assert_eq!(
            scaled_together("0.07 0.08 1.00").as_deref(),
            Some("   0.07    0.08    1.00 ms")
        );
        assert_eq!(scaled_together("0.091 0.070").as_deref(), Some("     91      70 us"));
        assert_eq!(scaled_together("x.y.z"), None);
    }
}
