//! Variables of a reference clock, as READCLOCK answers them.

use crate::model::vars::variables;

// The five letters: xntpd, ntpd before 4.2.8p12, ntpd, NTPsec to 1.2.2, NTPsec;
// `.` not known, `a` when asked by name, `d` in the default reply when set, `D` always in it.
variables! { Clock;
    DEVICE = "device", "device", Text, ".DDDD", Raw;
        "what the driver calls the clock";
    NAME = "name", "driver", Text, "...DD", Raw;
        "short name of the driver";
    TIMECODE = "timecode", "timecode", Text, "DDDDD", Raw;
        "the last text that the clock sent";
    POLLS = "poll", "polls", Unsigned, "DDDDD", Raw;
        "times that the clock was polled";
}
