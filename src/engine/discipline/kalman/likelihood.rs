//! What one measurement says of the true offset: a window with hard physical edges.
//!
//! Queueing only ever lengthens a path. Of a round trip that took `e` longer than the shortest
//! possible one, any part may have fallen to either direction, so the true offset lies within
//! ± e/2 of the measured one, and for independent exponential queues it lies anywhere in there with
//! the same probability. A Gaussian of variance e²/12 throws the edges away, and they tell most:
//! a long congested round trip says nothing, except where the estimate leaves its window. The edges
//! are softened by what is not known of the shortest round trip and of the timestamps, and a wide
//! second component takes what lies far outside.

use std::f64::consts::{FRAC_1_SQRT_2, TAU};

/// What a measurement allows, around the measured offset.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_field_names, reason = "the postfix is the unit")]
pub(super) struct Window {
    /// Half its width, in seconds.
    pub half_s: f64,
    /// How soft its edges are: one standard deviation, in seconds.
    pub edge_s: f64,
    /// The standard deviation of the wide component, in seconds.
    pub wide_s: f64,
}

/// How a Gaussian prediction changes by a measurement, and how well it had foretold it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Evidence {
    /// The slope of the log-likelihood over the predicted offset: times the prediction's
    /// covariances it is the change of the means.
    pub slope: f64,
    /// Its negative curvature: times the products of covariances it is what these lose.
    pub curvature: f64,
    /// The log-likelihood.
    pub log: f64,
    /// The probability that the measurement lies outside its window.
    pub outside: f64,
}

/// Judges a measurement that lies `residual_s` above a prediction of variance `variance`.
pub(super) fn judge(residual_s: f64, variance: f64, window: &Window) -> Evidence {
    let inside = within(residual_s, variance + window.edge_s * window.edge_s, window.half_s);
    let outside = gaussian(residual_s, variance + window.wide_s.max(residual_s.abs()).powi(2));
    let (log_inside, log_outside) = (inside.log + (1.0 - OUTSIDE).ln(), outside.log + OUTSIDE.ln());
    let most = log_inside.max(log_outside);
    let total = (log_inside - most).exp() + (log_outside - most).exp();
    let share = (log_outside - most).exp() / total;
    let apart = inside.slope - outside.slope;
    Evidence {
        slope: inside.slope + share * (outside.slope - inside.slope),
        curvature: inside.curvature + share * (outside.curvature - inside.curvature)
            - share * (1.0 - share) * apart * apart,
        log: most + total.ln(),
        outside: share,
    }
}

/// A Gaussian likelihood of this variance.
fn gaussian(residual_s: f64, variance: f64) -> Evidence {
    Evidence {
        slope: residual_s / variance,
        curvature: 1.0 / variance,
        log: -0.5 * (residual_s * residual_s / variance + (TAU * variance).ln()),
        outside: 0.0,
    }
}

/// A uniform likelihood on ± `half_s`, seen through Gaussian uncertainty of this variance.
fn within(residual_s: f64, variance: f64, half_s: f64) -> Evidence {
    let deviation = variance.sqrt();
    if half_s < NARROW * deviation {
        return gaussian(residual_s, variance + half_s * half_s / 3.0);
    }
    // Mirrored so that the window's middle lies above the prediction.
    let (middle, half) = (residual_s.abs() / deviation, half_s / deviation);
    let (low, high) = (middle - half, middle + half);
    // The densities at both edges over the probability between them, scaled by the density at the
    // lower edge where that lies in the tail.
    let (at_low, at_high, log) = if low > 0.0 {
        let fall = (0.5 * (low - high) * (low + high)).exp();
        let mass = tail_ratio(low) - fall * tail_ratio(high);
        (1.0 / mass, fall / mass, mass.ln() - 0.5 * (low * low + TAU.ln()))
    } else {
        let (low_density, high_density) = (density(low), density(high));
        let mass = 1.0 - low_density * tail_ratio(-low) - high_density * tail_ratio(high);
        (low_density / mass, high_density / mass, mass.ln())
    };
    let slope = at_low - at_high;
    Evidence {
        slope: slope.copysign(residual_s) / deviation,
        curvature: (slope * slope - (at_low * low - at_high * high)) / variance,
        log: log - (2.0 * half_s).ln(),
        outside: 0.0,
    }
}

/// The standard normal density.
fn density(x: f64) -> f64 {
    (-0.5 * x * x).exp() / TAU.sqrt()
}

/// Mills' ratio for `x` ≥ 0: the upper tail of the standard normal distribution over its density.
///
/// By the Chebyshev fit of Numerical Recipes (§6.2, `erfcc`), good to 1.2e-7 of the value.
fn tail_ratio(x: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.5 * FRAC_1_SQRT_2 * x);
    let exponent = FIT.iter().rev().fold(0.0, |sum, coefficient| sum * t + coefficient);
    0.5 * TAU.sqrt() * t * exponent.exp()
}

/// Coefficients of the fit, by rising powers.
const FIT: [f64; 10] = [
    -1.265_512_23,
    1.000_023_68,
    0.374_091_96,
    0.096_784_18,
    -0.186_288_06,
    0.278_868_07,
    -1.135_203_98,
    1.488_515_87,
    -0.822_152_23,
    0.170_872_77,
];

/// The probability of a measurement that lies outside its window, whatever the cause.
const OUTSIDE: f64 = 1e-2;

/// A window narrower than this part of the prediction's deviation is as good as a Gaussian.
const NARROW: f64 = 0.02;

#[cfg(test)]
mod tests {
    use super::*;

    /// Posterior moments of a Gaussian of variance `variance` by brute force.
    fn moments(residual_s: f64, variance: f64, window: &Window) -> (f64, f64, f64) {
        let deviation = variance.sqrt();
        let (mut sum, mut first, mut second) = (0.0, 0.0, 0.0);
        let step = deviation / 500.0;
        for index in -5000..=5000 {
            let at = f64::from(index) * step;
            let prior = density(at / deviation) / deviation;
            let upper = (residual_s - at + window.half_s) / window.edge_s;
            let lower = (residual_s - at - window.half_s) / window.edge_s;
            let below = |x: f64| {
                if x > 0.0 { 1.0 - density(x) * tail_ratio(x) } else { density(x) * tail_ratio(-x) }
            };
            let inside = (below(upper) - below(lower)) / (2.0 * window.half_s);
            let wide = density((residual_s - at) / window.wide_s) / window.wide_s;
            let mass = prior * ((1.0 - OUTSIDE) * inside + OUTSIDE * wide) * step;
            sum += mass;
            first += mass * at;
            second += mass * at * at;
        }
        let mean = first / sum;
        (mean, second / sum - mean * mean, sum.ln())
    }

    #[test]
    fn moments_are_those_of_the_product_with_the_window() {
        let window = Window { half_s: 1e-3, edge_s: 5e-5, wide_s: 2e-2 };
        for (residual_s, deviation) in [
            (0.0, 1e-4),
            (9e-4, 2e-4),
            (-1.4e-3, 3e-4),
            (2e-3, 3e-3),
            (3e-3, 1e-4),
            (-2.5e-3, 6e-4),
        ] {
            let variance = deviation * deviation;
            let (mean, spread, log) = moments(residual_s, variance, &window);
            let evidence = judge(residual_s, variance, &window);
            assert!((variance * evidence.slope - mean).abs() < 1e-3 * deviation, "{residual_s}");
            let left = variance - variance * variance * evidence.curvature;
            assert!((left - spread).abs() < 5e-3 * variance, "{residual_s}: {left} {spread}");
            assert!((evidence.log - log).abs() < 1e-3, "{residual_s}: {} {log}", evidence.log);
        }
    }

    #[test]
    fn a_wide_window_around_the_prediction_says_nothing() {
        let window = Window { half_s: 0.05, edge_s: 1e-4, wide_s: 0.1 };
        let evidence = judge(0.02, 1e-8, &window);
        // The estimate, sure to 100 µs, moves by less than a thousandth of that.
        assert!((1e-8 * evidence.slope).abs() < 1e-7, "{evidence:?}");
        assert!((1e-8 * evidence.curvature).abs() < 1e-3, "{evidence:?}");
    }

    #[test]
    fn far_outside_it_is_an_outlier_and_hardly_moves_the_estimate() {
        let window = Window { half_s: 1e-4, edge_s: 1e-5, wide_s: 0.1 };
        let evidence = judge(0.05, 1e-8, &window);
        assert!(evidence.outside > 0.999 && (1e-8 * evidence.slope).abs() < 1e-7, "{evidence:?}");
        assert!(evidence.log.is_finite());
        assert!(judge(1e9, 1e-8, &window).log.is_finite());
    }

    #[test]
    fn the_tail_ratio_is_exact_where_it_is_known() {
        for (x, ratio) in [(0.0, 1.253_314_137), (1.0, 0.655_679_542), (5.0, 0.192_808_105)] {
            assert!((tail_ratio(x) - ratio).abs() < 3e-7, "{x}: {}", tail_ratio(x));
        }
    }
}
