//! How long selection takes: `cargo bench --bench selection` prints microseconds a call.
//!
//! The worst case for clustering, all but three sources dropped one by one, and a common one,
//! all agreeing within their jitter.

#![expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]
#![expect(clippy::print_stdout, reason = "what it prints is what it is for")]

use std::hint::black_box;
use std::time::Instant;

use ntpscope::selection::{Candidate, Kind, Limits, Memory, Unfit, select};
use ntpscope::units::{AssocId, Leap, NtpDuration, Stratum};

const RUNS: u32 = 20;

fn main() {
    println!("candidates  one by one  agreeing  (µs a call)");
    for count in [4, 10, 100, 1000] {
        let spread: Vec<_> =
            (1..=count).map(|id| candidate(id, f64::from(id) * 1e-5, 1e-6)).collect();
        let close: Vec<_> =
            (1..=count).map(|id| candidate(id, f64::from(id % 7) * 1e-5, 1e-3)).collect();
        println!("{count:>10}  {:>10.1}  {:>8.1}", measure(&spread), measure(&close));
    }
}

fn candidate(id: u16, offset_s: f64, jitter_s: f64) -> Candidate {
    Candidate {
        id: AssocId::new(id),
        offset: NtpDuration::from_seconds(offset_s),
        distance: NtpDuration::from_seconds(0.05),
        jitter: NtpDuration::from_seconds(jitter_s),
        stratum: Stratum::new(2),
        leap: Leap::None,
        unfit: Unfit::default(),
        is_preferred: false,
        is_trusted: false,
        kind: Kind::Ordinary,
    }
}

/// Microseconds a call.
fn measure(candidates: &[Candidate]) -> f64 {
    let (limits, memory) = (Limits::default(), Memory::default());
    let started = Instant::now();
    for _ in 0..RUNS {
        black_box(select(black_box(candidates), &limits, &memory));
    }
    started.elapsed().as_secs_f64() * 1e6 / f64::from(RUNS)
}
