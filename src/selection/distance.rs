//! Root distance and root dispersion: how wrong a source may be, all the way to its reference
//! clock.

use crate::units::{NtpDuration, PollExponent, Precision};

/// The greatest drift of an undisciplined clock, in seconds per second (RFC 5905 PHI).
pub const PHI: f64 = 15e-6;

/// Beyond this root distance a source is not considered (`tos maxdist`).
///
/// Differs: RFC 5905 says 1 s; all shipped code has 1.5 s.
pub const MAXDIST_S: f64 = 1.5;

/// What the way to a source's reference clock is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Path {
    /// Round trip to the source.
    pub delay: NtpDuration,
    /// Round trip from the source to its reference clock.
    pub root_delay: NtpDuration,
    /// The error of the source against its reference clock.
    pub root_dispersion: NtpDuration,
    /// The jitter of its samples.
    pub jitter: NtpDuration,
    /// The resolution of its clock.
    pub source_precision: Precision,
    /// The resolution of the local clock.
    pub precision: Precision,
    /// Since its best sample was taken.
    pub age: NtpDuration,
}

impl Path {
    /// Root distance λ: the true time is within ± this of the source's offset; never less than
    /// `mindist`.
    ///
    /// Differs: RFC 5905 §11.2 has the peer dispersion in place of both precisions; this is ntpd's
    /// formula. The dispersion has its own limit, see [`limit`].
    pub fn root_distance(&self, mindist: NtpDuration) -> NtpDuration {
        let seconds = f64::midpoint(self.delay.seconds(), self.root_delay.seconds())
            + self.source_precision.seconds()
            + self.precision.seconds()
            + PHI * self.age.seconds()
            + self.root_dispersion.seconds()
            + self.jitter.seconds();
        NtpDuration::from_seconds(seconds).max(mindist)
    }
}

/// The limit of TEST11 at a host poll exponent: a source whose root distance reaches it is unfit.
/// So is one whose filter dispersion does, as NTPsec has it: a single sample is not enough.
pub fn limit(maxdist: NtpDuration, host_poll: PollExponent) -> NtpDuration {
    NtpDuration::from_seconds(maxdist.seconds() + PHI * f64::from(host_poll.exponent()).exp2())
}

/// What the root dispersion of this host is made of, once it follows a source.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Dispersion {
    /// The root dispersion of the source.
    pub root_dispersion: NtpDuration,
    /// The dispersion of its samples.
    pub dispersion: NtpDuration,
    /// The system jitter.
    pub jitter: NtpDuration,
    /// Since its best sample was taken.
    pub age: NtpDuration,
    /// The system offset.
    pub offset: NtpDuration,
}

impl Dispersion {
    /// The root dispersion of this host, never less than `mindist`.
    pub fn root_dispersion(&self, mindist: NtpDuration) -> NtpDuration {
        let seconds = self.root_dispersion.seconds()
            + self.dispersion.seconds()
            + self.jitter.seconds()
            + PHI * self.age.seconds()
            + self.offset.seconds().abs();
        NtpDuration::from_seconds(seconds).max(mindist)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(seconds: f64) -> NtpDuration {
        NtpDuration::from_seconds(seconds)
    }

    fn is(left: NtpDuration, right_s: f64) -> bool {
        (left.seconds() - right_s).abs() < 1e-9
    }

    #[test]
    fn the_distances_are_those_of_the_reference() {
        let path = Path {
            delay: s(0.040),
            root_delay: s(0.015),
            root_dispersion: s(0.0123),
            jitter: s(0.0008),
            source_precision: Precision::new(-24),
            precision: Precision::new(-23),
            age: s(100.0),
        };
        assert!(is(path.root_distance(s(0.001)), 0.042_100_178_814));
        let dispersion = Dispersion {
            root_dispersion: s(0.0123),
            dispersion: s(0.0045),
            jitter: s(0.0012),
            age: s(100.0),
            offset: s(-0.0031),
        };
        assert!(is(dispersion.root_dispersion(s(0.001)), 0.0226));
        assert!(is(limit(s(MAXDIST_S), PollExponent::new(10)), 1.515_36));
    }

    #[test]
    fn neither_is_less_than_the_least() {
        let precision = Precision::new(-30);
        let path = Path { precision, source_precision: precision, ..Path::default() };
        assert!(is(path.root_distance(s(0.001)), 0.001));
        assert!(is(Dispersion::default().root_dispersion(s(0.005)), 0.005));
    }
}
