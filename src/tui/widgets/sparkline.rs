//! A series as a line of little bars; a gap is drawn as a gap.

use crate::units::NtpDuration;

/// `values`, oldest first, each one column: the lowest is the lowest bar, the highest the highest,
/// so each line has a scale of its own. Where all are equal, all stand in the middle.
pub fn sparkline(values: &[Option<NtpDuration>], ascii: bool) -> String {
    let bars: &[char] = if ascii {
        &['_', '.', '-', '=', '^']
    } else {
        &['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█']
    };
    let known = || values.iter().flatten().map(|value| value.seconds());
    let low = known().fold(f64::INFINITY, f64::min);
    let span = known().fold(f64::NEG_INFINITY, f64::max) - low;
    let bar = |value: &NtpDuration| {
        let height = if span > 0.0 { (value.seconds() - low) / span } else { 0.5 };
        bars.get(step(height, bars.len())).copied().unwrap_or(' ')
    };
    values.iter().map(|value| value.as_ref().map_or(' ', bar)).collect()
}

/// Which of `count` steps the part `height` (0 to 1) of the whole falls on.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a handful of steps"
)]
fn step(height: f64, count: usize) -> usize {
    ((height * count as f64) as usize).min(count.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_series_is_scaled_to_itself_and_gaps_stay_open() {
        let ms = |ms| Some(NtpDuration::from_milliseconds(ms));
        assert_eq!(sparkline(&[ms(-1.0), ms(0.0), None, ms(1.0)], false), "▁▅ █");
        assert_eq!(sparkline(&[ms(2.0), ms(2.0)], false), "▅▅");
        assert_eq!(sparkline(&[ms(-1.0), ms(1.0)], true), "_^");
        assert_eq!(sparkline(&[None], true), " ");
    }
}
