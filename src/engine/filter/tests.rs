use super::*;
use crate::units::{AssocId, NtpTimestamp, Raw};

const SYSPREC_S: f64 = 1.0 / 1_048_576.0;

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole and small")]
fn push_row(filter: &mut ClockFilter, [at_s, offset_s, delay_s]: [f64; 3]) -> Filtered {
    push(filter, at_s as u64, offset_s, delay_s)
}

fn second(s: u64) -> Mono {
    Mono::from_nanos(s * 1_000_000_000)
}

fn sample(at_s: u64, offset_s: f64, delay_s: f64) -> Measurement {
    Measurement {
        source: AssocId::new(1),
        number: at_s,
        arrived: second(at_s),
        raw: Raw::from_nanos(at_s * 1_000_000_000),
        source_time: NtpTimestamp::from_unix(1_700_000_000, 0),
        offset: NtpDuration::from_seconds(offset_s),
        delay: NtpDuration::from_seconds(delay_s),
        stamp_error: NtpDuration::ZERO,
        dispersion: NtpDuration::from_seconds(2.0 * SYSPREC_S + 15e-6 * delay_s),
        source_precision: NtpDuration::from_seconds(SYSPREC_S),
    }
}

fn around(now_s: u64) -> Surroundings {
    Surroundings {
        now: second(now_s),
        is_settled: true,
        poll: PollExponent::new(6),
        maxdist: NtpDuration::from_seconds(1.5),
        allan: PollExponent::new(11),
        precision_s: SYSPREC_S,
        phi: 15e-6,
    }
}

fn as_measured(measurement: &Measurement) -> NtpDuration {
    measurement.offset
}

fn push(filter: &mut ClockFilter, at_s: u64, offset_s: f64, delay_s: f64) -> Filtered {
    filter.push(Some(sample(at_s, offset_s, delay_s)), &around(at_s), as_measured)
}

/// Vector V4: eight samples, with what the reference made of each.
const RUN: [Row; 8] = [
    row([64.0, 0.010, 0.050], [0.010, 0.050, 7.937_501_329, 0.000_000_954], Filtered::New),
    row([128.0, 0.012, 0.060], [0.010, 0.050, 3.937_982_031, 0.002_000_000], Filtered::Old),
    row([192.0, 0.009, 0.040], [0.009, 0.040, 1.938_102_269, 0.002_236_068], Filtered::New),
    row([256.0, 0.020, 0.100], [0.009, 0.040, 0.938_942_482, 0.006_608_076], Filtered::Old),
    row([320.0, 0.0095, 0.042], [0.009, 0.040, 0.439_152_502, 0.005_728_220], Filtered::Old),
    row([384.0, 0.0088, 0.039], [0.0088, 0.039, 0.188_792_497, 0.005_246_904], Filtered::New),
    row([448.0, 0.011, 0.055], [0.0088, 0.039, 0.064_640_012, 0.004_873_226], Filtered::Old),
    row([512.0, 0.0091, 0.041], [0.0088, 0.039, 0.002_627_508, 0.004_513_155], Filtered::Old),
];

/// One row of the vector: time, offset and delay of a sample; offset, delay, dispersion and jitter
/// of the filter after it.
struct Row {
    sample: [f64; 3],
    after: [f64; 4],
    verdict: Filtered,
}

const fn row(sample: [f64; 3], after: [f64; 4], verdict: Filtered) -> Row {
    Row { sample, after, verdict }
}

#[test]
fn eight_samples_give_what_the_reference_gives() {
    let mut filter = ClockFilter::default();
    for Row { sample, after, verdict } in RUN {
        assert_eq!(push_row(&mut filter, sample), verdict, "{sample:?}");
        let found = [filter.offset(), filter.delay(), filter.dispersion(), filter.jitter()];
        for (found, expected) in found.iter().zip(after) {
            let off = found.seconds() - expected;
            assert!(off.abs() < 1e-9, "{sample:?}: {found:?} in place of {expected}");
        }
    }
}

fn settled() -> ClockFilter {
    let mut filter = ClockFilter::default();
    for row in RUN {
        push_row(&mut filter, row.sample);
    }
    filter
}

#[test]
fn a_spike_is_held_back_and_a_second_one_is_believed() {
    let mut filter = settled();
    let Filtered::Spike(off) = push(&mut filter, 576, 0.030, 0.0385) else {
        panic!("the spike was let through");
    };
    assert!((off.seconds() - 0.0212).abs() < 1e-9);
    assert!((filter.offset().seconds() - 0.0088).abs() < 1e-9);
    // A sample that is not the best says nothing, and the spike is not believed for it.
    assert_eq!(push(&mut filter, 640, 0.009, 0.070), Filtered::Old);
    assert!((filter.offset().seconds() - 0.0088).abs() < 1e-9);
    assert_eq!(push(&mut filter, 700, 0.0305, 0.038), Filtered::New);
    assert!((filter.offset().seconds() - 0.0305).abs() < 1e-9);
}

#[test]
fn before_the_loop_has_settled_the_newest_sample_comes_first() {
    let mut filter = ClockFilter::default();
    let unsettled = |at_s| Surroundings { is_settled: false, ..around(at_s) };
    for (at_s, offset_s, delay_s) in [(2, 0.01, 0.02), (4, 0.02, 0.05), (6, 0.03, 0.09)] {
        let sample = sample(at_s, offset_s, delay_s);
        assert_eq!(filter.push(Some(sample), &unsettled(at_s), as_measured), Filtered::New);
        assert!((filter.offset().seconds() - offset_s).abs() < 1e-9);
    }
}

#[test]
fn what_is_older_than_the_last_one_used_does_not_come_back_when_the_loop_settles() {
    let mut filter = ClockFilter::default();
    let unsettled = |at_s| Surroundings { is_settled: false, ..around(at_s) };
    filter.push(Some(sample(2, 0.01, 0.020)), &unsettled(2), as_measured);
    let slewed = filter.push(Some(sample(66, 0.0001, 0.021)), &unsettled(66), as_measured);
    assert_eq!(slewed, Filtered::New);
    assert_eq!(push(&mut filter, 130, 0.0002, 0.023), Filtered::Old);
    assert!((filter.offset().seconds() - 0.0001).abs() < 1e-9);
    assert_eq!(push(&mut filter, 194, 0.0002, 0.0205), Filtered::New);
}

#[test]
fn polls_without_an_answer_push_the_samples_out() {
    let mut filter = settled();
    for missed in 1..=7 {
        filter.push(None, &around(512 + 64 * missed), as_measured);
        assert!(filter.best().is_some());
    }
    assert_eq!(filter.push(None, &around(1100), as_measured), Filtered::Nothing);
    assert!(filter.dispersion().seconds() > 15.9);
}

#[test]
fn samples_are_brought_to_the_present() {
    let mut filter = ClockFilter::default();
    push(&mut filter, 64, 0.010, 0.050);
    // The clock was moved forward by 4 ms meanwhile, and the discipline knows.
    let moved = |m: &Measurement| {
        let gone = if m.arrived < second(100) { 0.004 } else { 0.0 };
        m.offset + NtpDuration::from_seconds(-gone)
    };
    filter.push(Some(sample(128, 0.006, 0.060)), &around(128), moved);
    assert!((filter.offset().seconds() - 0.006).abs() < 1e-9);
    assert!(filter.jitter().seconds() < 2e-6, "{:?}", filter.jitter());
}
