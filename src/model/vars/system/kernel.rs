//! The kernel's own clock loop, as the daemon reads it from `ntp_adjtime`.
//!
//! The pulse-per-second values are 0 while the kernel sees no pulses.

use crate::model::vars::variables;

// The letters: see the head of the table in `system.rs`. NTPsec up to 1.2.2 means to write some
// values in milliseconds and writes seconds.
variables! { KERNEL_ROWS, System, "kernel";
    KERNEL_OFFSET = "koffset", "kernel_offset", Milliseconds, "..aaaaa", Raw / Milliseconds;
        "what the kernel has left to correct; positive: the clock is slow";
    KERNEL_FREQUENCY = "kfreq", "kernel_frequency", Ppm, "..aaaaa", Raw;
        "correction of the clock's rate that the kernel applies";
    KERNEL_MAXIMUM_ERROR = "kmaxerr", "kernel_maximum_error", Milliseconds (
            NtpsecBefore1_2 => Seconds, NtpsecTo1_2_2 => Seconds
        ), "..aaaaa", Raw / Milliseconds,
        [16000.0 => "not synchronised"];
        "bound of the error as programs are told it; it grows until the daemon renews it";
    KERNEL_ESTIMATED_ERROR = "kesterr", "kernel_estimated_error", Milliseconds (
            NtpsecBefore1_2 => Seconds, NtpsecTo1_2_2 => Seconds
        ), "..aaaaa", Raw / Milliseconds,
        [16000.0 => "not synchronised"];
        "expected error as programs are told it";
    KERNEL_STATUS = "kstflags", "kernel_status", KernelStatus, "..aaaaa", Raw;
        "state of the kernel's clock in words; unsync: programs are told the time is not right";
    KERNEL_TIME_CONSTANT = "ktimeconst", "kernel_time_constant", Signed, "..aaaaa", Raw;
        "time constant of the kernel's loop, as an exponent of two";
    KERNEL_PRECISION = "kprecis", "kernel_precision", Milliseconds (
            NtpsecBefore1_2 => Seconds, NtpsecTo1_2_2 => Seconds
        ), "..aaaaa", Raw / Milliseconds;
        "resolution of the kernel's clock";
    KERNEL_FREQUENCY_TOLERANCE = "kfreqtol", "kernel_frequency_tolerance", Ppm, "..aaaaa", Raw;
        "greatest correction of the rate that the kernel accepts";
    PPS_FREQUENCY = "kppsfreq", "pps_frequency", Ppm, "..aaaaa", Raw;
        "correction of the rate as pulses per second demand it";
    PPS_STABILITY = "kppsstab", "pps_stability", Ppm, "..aaaaa", Raw;
        "how much the frequency by pulses changes";
    PPS_JITTER = "kppsjitter", "pps_jitter", Milliseconds, "..aaaaa", Raw / Milliseconds;
        "how much the pulses scatter";
    PPS_CALIBRATION_INTERVAL = "kppscalibdur", "pps_calibration_interval", Seconds (
            Ntpsec => ExponentSeconds
        ), "..aaaaa", Raw;
        "how long one calibration by pulses takes";
    PPS_CALIBRATIONS = "kppscalibs", "pps_calibrations", Unsigned, "..aaaaa", Raw;
        "calibrations by pulses";
    PPS_JITTER_EXCEEDED = "kppsjitexc", "pps_jitter_exceeded", Unsigned, "..aaaaa", Raw;
        "pulses dropped because they scatter too much";
    PPS_STABILITY_EXCEEDED = "kppsstbexc", "pps_stability_exceeded", Unsigned, "..aaaaa", Raw;
        "calibrations whose frequency changed too much";
    PPS_CALIBRATION_ERRORS = "kppscaliberrs", "pps_calibration_errors", Unsigned, "..aaaaa", Raw;
        "calibrations that failed";
}
