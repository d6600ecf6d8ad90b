//! Variables of a reference clock, as READCLOCK answers them.

use crate::model::vars::variables;

// The letters, one a dialect: xntpd, ntpd to 4.2.6, ntpd before 4.2.8p12, ntpd, NTPsec before 1.2,
// NTPsec to 1.2.2, NTPsec; `.` not known, `b` known to some versions or builds, `a` when asked by
// name, `d` in the default reply when set, `D` always in it.
variables! { ALL, Clock, "clock";
    DEVICE = "device", "device", Text, "DDDDDDD", Raw;
        "what the driver calls the kind of clock";
    NAME = "name", "driver", Text, "....DDD", Raw;
        "short name of the driver";
    TYPE = "type", "driver_type", Unsigned, "Dddd...", Raw;
        "number of the driver, told by default only where it has no description";
    TIMECODE = "timecode", "timecode", Text, "DDDDDDD", Raw;
        "the last text that the clock sent; each driver has its own";
    POLLS = "poll", "polls", Unsigned, "DDDDDDD", Raw / Seconds;
        "how many times the clock was polled";
    NO_REPLY = "noreply", "no_reply", Unsigned, "DDDDDDD", Raw;
        "polls that the clock did not answer";
    BAD_FORMAT = "badformat", "bad_format", Unsigned, "DDDDDDD", Raw;
        "texts of the clock that could not be read";
    BAD_DATA = "baddata", "bad_data", Unsigned, "DDDDDDD", Raw;
        "texts that could be read but held no valid time";
    FUDGE_TIME1 = "fudgetime1", "fudge_time1", Milliseconds, "ddddddd", Raw / Milliseconds;
        "first configured correction, usually added to the clock's time; told when it is set";
    FUDGE_TIME2 = "fudgetime2", "fudge_time2", Milliseconds, "ddddddd", Raw / Milliseconds;
        "second configured correction, whose use depends on the driver; told when it is set";
    STRATUM = "stratum", "stratum", Stratum, "ddddddd", Raw, [16.0 => "not synchronised"];
        "stratum that the clock was configured to have, 0 where it is none but a real clock";
    REFERENCE_ID = "refid", "reference_id", ReferenceId, "ddddddd", ReferenceId;
        "letters that clients see as the source of this clock's time; NTPsec writes them as a \
         dotted quad when the stratum is above 1";
    FLAGS = "flags", "flags", Unsigned, "DDDDDDD", Raw;
        "the four switches flag1 to flag4 of the driver as bits 1, 2, 4 and 8";
    MINIMUM_JITTER = "minjitter", "minimum_jitter", Milliseconds, "...b...", Raw;
        "least jitter that is assumed of the clock";
    VARIABLE_LIST = "clock_var_list", "variable_list", Text, "aaaaaaa", Raw;
        "names of the clock's variables, those of its driver included";
}
