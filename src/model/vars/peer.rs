//! Variables of an association, as READVAR with its id answers them.

mod autokey;
mod counters;
mod sampling;

pub use autokey::*;
pub use counters::*;
pub use sampling::*;

use crate::model::vars::{Variable, joined, variables};

/// Every row about an association.
pub static ALL: &[&Variable] =
    &joined::<
        {
            MAIN.len()
                + COUNTER_ROWS.len()
                + AUTOKEY_ROWS.len()
                + SAMPLING_ROWS.len()
                + CHOICE_ROWS.len()
                + PACKET_ROWS.len()
                + AUTH_ROWS.len()
        },
    >(&[MAIN, COUNTER_ROWS, AUTOKEY_ROWS, SAMPLING_ROWS, CHOICE_ROWS, PACKET_ROWS, AUTH_ROWS]);

// The letters, one a dialect: xntpd, ntpd to 4.2.6, ntpd before 4.2.8p12, ntpd, NTPsec before 1.2,
// NTPsec to 1.2.2, NTPsec; `.` not known, `b` known to some versions or builds, `a` when asked by
// name, `d` in the default reply when set, `D` always in it.
variables! { MAIN, Peer, "association";
    SOURCE = "srcadr" | "peeradr", "source", Address, "DDDDDDD", Host;
        "address of the other side; 0.0.0.0 stands for a pool, or a name not yet resolved";
    SOURCE_PORT = "srcport" | "peerport", "source_port", Port, "DDDDDDD", Raw;
        "port of the other side";
    SOURCE_HOST = "srchost", "source_host", Text, "..ddddd", Raw;
        "name that the association was configured with; NTPsec names reference clocks here, too";
    DESTINATION = "dstadr" | "hostadr", "destination", Address, "DDDDDDD", Address;
        "local address that is used towards the source; 0.0.0.0 while there is no way to it";
    DESTINATION_PORT = "dstport" | "hostport", "destination_port", Port, "DDDDDDD", Raw;
        "local port that is used towards the source";
    LEAP = "leap", "leap", Leap, "DDDDDDD", Leap, [3.0 => "the source is not synchronised"];
        "leap indicator in the source's packets: what the source says of itself, not of us";
    STRATUM = "stratum", "stratum", Stratum, "DDDDDDD", Raw,
        [16.0 => "the source is not synchronised"];
        "how many hops the source is away from a reference clock: a distance, not a quality";
    PRECISION = "precision", "precision", Precision, "DDDDDDD", Raw;
        "resolution of the source's clock, as an exponent of two seconds";
    ROOT_DELAY = "rootdelay", "root_delay", Milliseconds, "DDDDDDD", Raw / Milliseconds;
        "round trip from the source to its reference clock, as the source tells it";
    ROOT_DISPERSION = "rootdisp" | "rootdispersion", "root_dispersion", Milliseconds, "DDDDDDD",
        Raw / Milliseconds;
        "error that the source admits towards its reference clock, beyond half its root delay";
    REFERENCE_ID = "refid", "reference_id", ReferenceId, "DDDDDDD", ReferenceId;
        "what the source itself follows, not the source: an IPv4 address, four octets of a hash \
         for an IPv6 one, the name of a reference clock, or letters that tell a state such as \
         INIT, STEP or RATE";
    REFERENCE_TIME = "reftime", "reference_time", Timestamp, "DDDDDDD", Timestamp,
        [0.0 => "never"];
        "when the source's clock was last set or corrected, by its own clock";
    ORIGIN = "org", "origin", Timestamp, "DDaa...", Timestamp, [0.0 => "never"];
        "origin timestamp of the last packet; NTPsec keeps it secret, as a forger could use it";
    RECEIVE = "rec", "receive", Timestamp, "DDDDDDD", Timestamp, [0.0 => "never"];
        "when the last packet arrived, by the daemon's clock";
    TRANSMIT = "xmt", "transmit", Timestamp, "D...DDD", Timestamp, [0.0 => "never"];
        "transmit timestamp of the last packet, by the source's clock";
    REACH = "reach", "reach", Reach, "DDDDDDD", Octal;
        "which of the last eight polls were answered, one bit each, newest lowest, printed in \
         octal: 377 is eight answers, no percentage, and says nothing of their quality";
    UNREACH = "unreach", "unreach", Unsigned, "bDDDDDD", Raw;
        "polls that went unanswered since the source was last reachable";
    HOST_MODE = "hmode", "host_mode", Mode, "DDDDDDD", Raw;
        "the daemon's own mode in this association: 3 client, 5 broadcast, 1 and 2 symmetric";
    PEER_MODE = "pmode", "peer_mode", Mode, "DDDDDDD", Raw, [0.0 => "no packet yet"];
        "mode of the source's packets: 4 for a server";
    HOST_POLL = "hpoll", "host_poll", Poll, "DDDDDDD", Raw;
        "how often the daemon polls the source, as an exponent of two seconds";
    PEER_POLL = "ppoll" | "peerpoll", "peer_poll", Poll, "DDDDDDD", Raw, [99.0 => "not noted"];
        "how often the source says it polls, as an exponent of two seconds; classic keeps to the \
         lesser of both, NTPsec does not note it";
    HEADWAY = "headway", "headway", Seconds, ".DDDDDD", Raw;
        "how long the daemon holds back packets to the source so as not to be rate-limited";
    FLASH = "flash", "flash", Flash, "DDDDDDD", Flash;
        "tests that the last packet or the source failed; any of them keeps the source unused";
    KEY_ID = "keyid", "key_id", Key, "DDDDDDD", Raw, [0.0 => "not authenticated"];
        "key that packets of this association are signed with";
    TTL = "ttl", "ttl", Unsigned, "dddd...", Raw;
        "time to live of broadcasts in hops; for a reference clock the mode of its driver";
    REFERENCE_CLOCK_MODE = "mode", "driver_mode", Unsigned, "....ddd", Raw;
        "mode of a reference clock's driver";
    OFFSET = "offset", "offset", Milliseconds, "DDDDDDD", Signed / Milliseconds;
        "how far the source's clock is ahead of the daemon's; positive: the daemon's clock is \
         slow. Half the root distance is not in it: it is no bound of the error";
    DELAY = "delay", "delay", Milliseconds, "DDDDDDD", Raw / Milliseconds;
        "round trip to the source, less the time it took to answer";
    DISPERSION = "dispersion" | "disp", "dispersion", Milliseconds, "DDDDDDD", Raw / Milliseconds,
        [16000.0 => "no samples", 15937.5 => "no samples"];
        "what age and number of the samples allow the offset to be wrong by";
    JITTER = "jitter", "jitter", Milliseconds, "bDDDDDD", Raw / Milliseconds,
        [4000.0 => "no samples", 16000.0 => "no samples"];
        "root mean square of how far the samples' offsets lie from the best one's; 0.000 before \
         the second sample is no sign of perfection";
    XLEAVE = "xleave", "interleave_delay", Milliseconds, ".ddd...", Raw;
        "time from taking the transmit timestamp to the packet's leaving, in interleaved mode";
    BIAS = "bias", "bias", Milliseconds (
            NtpsecBefore1_2 => Seconds, NtpsecTo1_2_2 => Seconds, Ntpsec => Seconds
        ), ".dddddd", Raw / Milliseconds;
        "correction that was configured for the source's offset";
    BROADCAST_OUT = "out", "broadcast_out", Milliseconds, ".ddd...", Raw / Milliseconds;
        "delay on the way out, as interleaved broadcasts measure it";
    BROADCAST_IN = "in", "broadcast_in", Milliseconds, ".ddd...", Raw / Milliseconds;
        "delay on the way in, as interleaved broadcasts measure it";
    FILTER_DELAY = "filtdelay", "filter_delay", Samples, "DDDDDDD", Array;
        "delays of the last eight samples, newest first";
    FILTER_OFFSET = "filtoffset", "filter_offset", Samples, "DDDDDDD", SignedArray;
        "offsets of the last eight samples, newest first; positive: the daemon's clock is slow";
    FILTER_DISPERSION = "filtdisp" | "filterror", "filter_dispersion", Samples, "DDDDDDD", Array,
        [16000.0 => "empty"];
        "dispersions of the last eight samples, newest first; 16000 marks an empty place";
    NTS_COOKIES = "ntscookies", "nts_cookies", Signed, ".....DD", Raw, [-1.0 => "no NTS"];
        "cookies in stock for network time security; 8 is full, each poll takes one";
}
