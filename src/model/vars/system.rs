//! Variables of the daemon, as READVAR with association 0 answers them.

mod authentication;
mod autokey;
mod io;
mod kernel;
mod monitor;
mod mssntp;
mod nts;
mod tracking;
mod traffic;

pub use authentication::*;
pub use autokey::*;
pub use io::*;
pub use kernel::*;
pub use monitor::*;
pub use mssntp::*;
pub use nts::*;
pub use tracking::*;
pub use traffic::*;

use crate::model::vars::{Variable, joined, variables};

/// Every row about the daemon.
pub static ALL: &[&Variable] = &joined::<
    {
        MAIN.len()
            + TRAFFIC_ROWS.len()
            + MONITOR_ROWS.len()
            + AUTHENTICATION_ROWS.len()
            + KERNEL_ROWS.len()
            + IO_ROWS.len()
            + NTS_ROWS.len()
            + MSSNTP_ROWS.len()
            + AUTOKEY_ROWS.len()
            + TRACKING_ROWS.len()
            + ACTIVITY_ROWS.len()
            + SERVICE_ROWS.len()
            + SMOOTHING_ROWS.len()
            + RTC_ROWS.len()
    },
>(&[
    MAIN,
    TRAFFIC_ROWS,
    MONITOR_ROWS,
    AUTHENTICATION_ROWS,
    KERNEL_ROWS,
    IO_ROWS,
    NTS_ROWS,
    MSSNTP_ROWS,
    AUTOKEY_ROWS,
    TRACKING_ROWS,
    ACTIVITY_ROWS,
    SERVICE_ROWS,
    SMOOTHING_ROWS,
    RTC_ROWS,
]);

// The letters, one a dialect: xntpd, ntpd to 4.2.6, ntpd before 4.2.8p12, ntpd, NTPsec before 1.2,
// NTPsec to 1.2.2, NTPsec; `.` not known, `b` known to some versions or builds, `a` when asked by
// name, `d` in the default reply when set, `D` always in it.
variables! { MAIN, System, "clock";
    VERSION = "version", "version", Text, "bDDDDDD", Raw;
        "what the daemon calls itself";
    PROCESSOR = "processor", "processor", Text, "DDDDDDD", Raw;
        "kind of processor it runs on";
    SYSTEM = "system", "operating_system", Text, "DDDDDDD", Raw;
        "operating system it runs on, with its release except in NTPsec from 1.2.3";
    RELEASE = "release", "operating_system_release", Text, "......D", Raw;
        "release of the operating system it runs on";
    LEAP = "leap", "leap", Leap, "DDDDDDD", Leap, [3.0 => "not synchronised"];
        "leap indicator that clients are told: a coming leap second, or not synchronised";
    STRATUM = "stratum", "stratum", Stratum, "DDDDDDD", Raw, [16.0 => "not synchronised"];
        "how many hops it is away from a reference clock: a distance, not a quality";
    PRECISION = "precision", "precision", Precision, "DDDDDDD", Raw;
        "time it takes to read its clock, as an exponent of two seconds";
    ROOT_DELAY = "rootdelay", "root_delay", Milliseconds, "DDDDDDD", Raw / Milliseconds;
        "round trip along the whole chain to the reference clock";
    ROOT_DISPERSION = "rootdisp" | "rootdispersion", "root_dispersion", Milliseconds, "DDDDDDD",
        Raw / Milliseconds;
        "error gathered along the chain to the reference clock, beyond half the root delay";
    ROOT_DISTANCE = "rootdist", "root_distance", Milliseconds, "....baD", Raw / Milliseconds;
        "half the root delay and the root dispersion: how wrong the clock can be";
    REFERENCE_ID = "refid", "reference_id", ReferenceId, "DDDDDDD", ReferenceId;
        "what it follows: an IPv4 address, four octets of a hash for an IPv6 one, the name of a \
         reference clock, or letters that tell a state such as INIT or STEP";
    REFERENCE_TIME = "reftime", "reference_time", Timestamp, "DDDDDDD", Timestamp,
        [0.0 => "never"];
        "when the clock was last set or corrected; a synchronised clock with an old one coasts";
    CLOCK = "clock", "clock", Timestamp, "DDDDDDD", Timestamp;
        "the daemon's clock when it wrote the answer";
    PEER = "peer", "system_peer", Association, "DDDDDDD", Raw, [0.0 => "none"];
        "association that the clock follows";
    STATE = "state", "discipline_state", Unsigned, "D......", Raw;
        "state of the clock discipline as a number";
    TIME_CONSTANT = "tc" | "poll", "time_constant", Poll, "bDDDDDD", Raw;
        "poll interval that the clock discipline is tuned to, as an exponent of two seconds";
    MIN_TIME_CONSTANT = "mintc", "minimum_time_constant", Poll, ".DDDDDD", Raw;
        "shortest headway between packets that clients must keep, as an exponent of two seconds";
    OFFSET = "offset" | "phase", "offset", Milliseconds, "bDDDDDD", Signed / Milliseconds;
        "combined offset of the survivors when the clock was last corrected; positive: the clock \
         is slow. Neither the system peer's offset nor the true error, which root distance bounds";
    FREQUENCY = "frequency" | "freq", "frequency", Ppm, "DDDDDDD", Signed / Ppm;
        "correction of the clock's rate; positive: left alone the clock would lose time";
    SYSTEM_JITTER = "sys_jitter" | "jitter", "system_jitter", Milliseconds, "bDDDDDD",
        Raw / Milliseconds;
        "how far the offsets of survivors and samples scatter";
    CLOCK_JITTER = "clk_jitter" | "noise", "clock_jitter", Milliseconds, "bDDDDDD",
        Raw / Milliseconds;
        "how much the offset changes from one correction to the next";
    CLOCK_WANDER = "clk_wander" | "stability", "clock_wander", Ppm, "bDDDDDD", Raw / Ppm;
        "how much the frequency changes from one correction to the next";
    TAI = "tai", "tai_offset", Seconds, "bdddddD", Raw / Seconds, [0.0 => "not known"];
        "how far TAI is ahead of UTC, as the leap second file tells";
    LEAP_SECOND = "leapsec", "next_leap_second", Date, "bdddddD", Raw;
        "the next leap second, or the last one known";
    LEAP_FILE_EXPIRY = "expire", "leap_file_expiry", Date, "bdddddD", Raw;
        "when the leap second file expires";
    LEAP_SMEAR_INTERVAL = "leapsmearinterval", "leap_smear_interval", Seconds, "..bdbbb", Raw;
        "over how long leap seconds are smeared";
    LEAP_SMEAR_OFFSET = "leapsmearoffset", "leap_smear_offset", Milliseconds, "..bdbbb",
        Raw / Milliseconds;
        "how far the time that clients get is bent by a smeared leap second now";
    PEER_ADDRESS = "peeradr", "system_peer_address", AddressPort, "..aaaaa", Host;
        "address of the system peer";
    PEER_MODE = "peermode", "system_peer_mode", Mode, "..aaaaa", Raw, [0.0 => "no system peer"];
        "the daemon's own mode towards the system peer: 3 client";
    BROADCAST_DELAY = "bcastdelay", "broadcast_delay", Milliseconds, "..aa...", Raw;
        "delay assumed of broadcast servers; -50 stands for measuring it";
    FUZZ = "fuzz", "fuzz", Milliseconds, "..aaaab", Raw / Milliseconds;
        "span below which the clock's digits are filled with noise";
    TICK = "tick", "tick", Milliseconds, "....aab", Raw / Milliseconds;
        "step in which the clock is seen to advance";
    WANDER_THRESHOLD = "clk_wander_threshold", "clock_wander_threshold", Ppm, "..baaaa",
        Raw / Milliseconds;
        "change of frequency from which on the drift file is written; NTPsec from 1.2.3 tells \
         another counter by mistake";
    LOCK_CLOCK = "lockclock", "lock_clock", Flag, "....baa", Raw;
        "whether another program steers the clock and the daemon only serves it";
    VARIABLE_LIST = "sys_var_list", "variable_list", Text, "aaaaaaa", Raw;
        "names of the system's variables; 4.2.8 cuts it short, NTPsec 1.2 sends nothing";
}
