//! Variables of the daemon, as READVAR with association 0 answers them.

use crate::model::vars::variables;

// The five letters: xntpd, ntpd before 4.2.8p12, ntpd, NTPsec to 1.2.2, NTPsec;
// `.` not known, `a` when asked by name, `d` in the default reply when set, `D` always in it.
variables! { System;
    VERSION = "version", "version", Text, "dDDDD", Raw;
        "what the daemon calls itself";
    PROCESSOR = "processor", "processor", Text, "DDDDD", Raw;
        "kind of processor it runs on";
    SYSTEM = "system", "operating_system", Text, "DDDDD", Raw;
        "operating system it runs on";
    LEAP = "leap", "leap", Leap, "DDDDD", Leap, [3.0 => "not synchronised"];
        "leap indicator that its clients are told";
    STRATUM = "stratum", "stratum", Stratum, "DDDDD", Raw, [16.0 => "not synchronised"];
        "distance from a reference clock";
    PRECISION = "precision", "precision", Precision, "DDDDD", Raw;
        "resolution of its clock";
    ROOT_DELAY = "rootdelay", "root_delay", Milliseconds, "DDDDD", Raw;
        "round trip to the reference clock at the root";
    ROOT_DISPERSION = "rootdisp" | "rootdispersion", "root_dispersion", Milliseconds, "DDDDD", Raw;
        "error admitted towards the reference clock at the root, beyond half the root delay";
    REFERENCE_ID = "refid", "reference_id", ReferenceId, "DDDDD", ReferenceId;
        "the system peer, or letters that tell the state";
    REFERENCE_TIME = "reftime", "reference_time", Timestamp, "DDDDD", Timestamp, [0.0 => "never"];
        "when the clock was last set or corrected";
    CLOCK = "clock", "clock", Timestamp, "DDDDD", Timestamp;
        "the daemon's clock when it wrote the answer";
    PEER = "peer", "system_peer", Association, "DDDDD", Raw, [0.0 => "none"];
        "association that the clock follows";
    TIME_CONSTANT = "tc" | "poll", "time_constant", Poll, ".DDDD", Raw;
        "time constant of the clock discipline";
    MIN_TIME_CONSTANT = "mintc", "minimum_time_constant", Poll, ".DDDD", Raw;
        "least time constant of the clock discipline";
    OFFSET = "offset" | "phase", "offset", Milliseconds, ".DDDD", Signed;
        "combined offset of the survivors; positive: the daemon's clock is slow";
    FREQUENCY = "frequency" | "freq", "frequency", Ppm, ".DDDD", Signed;
        "frequency correction; positive: the clock runs slow by itself";
    SYSTEM_JITTER = "sys_jitter", "system_jitter", Milliseconds, ".DDDD", Raw;
        "combined jitter of the survivors";
    CLOCK_JITTER = "clk_jitter", "clock_jitter", Milliseconds, ".DDDD", Raw;
        "jitter of the offset that the discipline sees";
    CLOCK_WANDER = "clk_wander", "clock_wander", Ppm, ".DDDD", Raw;
        "wander of the frequency";
}
