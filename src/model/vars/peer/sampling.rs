//! What chronyd tells of a source and ntpd does not: its measurements and the line through them.
//!
//! Where both tell the same, the row stands in the common table. The wire names are the words of
//! chronyc's reports. Signs are this program's: an offset is positive when the source is ahead.

use crate::model::vars::variables;

variables! { SAMPLING_ROWS, Peer, "measurements";
    IS_REFERENCE_CLOCK = "is_reference_clock", "is_reference_clock", Flag, ".......", Raw;
        "whether it is a clock attached to the daemon's host";
    SAMPLE_AGE = "last_rx", "since_last_sample", Seconds, ".......", Raw;
        "how long ago the last good measurement was taken, in whole seconds";
    MEASURED_OFFSET = "measured_offset", "measured_offset", Milliseconds, ".......", Signed;
        "offset of the last sample as it was measured, before the clock was corrected since; \
         positive: the source is ahead";
    ERROR_BOUND = "error_bound", "error_bound", Milliseconds, ".......", Raw;
        "greatest error that the last sample can have: half its root delay and its root \
         dispersion, its own path among them";
    SAMPLES = "samples", "samples", Unsigned, ".......", Raw;
        "samples that are kept and that the line is drawn through";
    RUNS = "runs", "runs", Unsigned, ".......", Raw;
        "runs of samples on one side of the line; few of them say that a line does not fit";
    SPAN = "span", "sample_span", Seconds, ".......", Raw;
        "time from the oldest sample kept to the newest";
    RESIDUAL_FREQUENCY = "residual_frequency", "residual_frequency", Ppm, ".......", Signed;
        "slope of the line: how much the source gains on the corrected clock; positive: the \
         clock loses time against it";
    SKEW = "skew", "skew", Ppm, ".......", Raw, [2000.0 => "too few samples to tell"];
        "estimated error of that slope";
    ESTIMATED_OFFSET = "estimated_offset", "estimated_offset", Milliseconds, ".......", Signed;
        "offset that the line gives for now, an estimate from all samples; positive: the source \
         is ahead";
    OFFSET_ERROR = "offset_error", "estimated_offset_error", Milliseconds, ".......", Raw,
        [4000.0 => "too few samples to tell"];
        "estimated error of that offset: how well the line is known, not how right the source is";
}

variables! { CHOICE_ROWS, Peer, "selection";
    SELECTION_LETTER = "select_state", "selection_state", Text, ".......", Raw;
        "what the daemon made of the source, as the letter of its own report";
    SELECTION = "state", "selection", Text, ".......", Raw;
        "what the daemon made of the source, in a word or two";
    SELECTION_REASON = "state_reason", "selection_reason", Text, ".......", Raw;
        "why the daemon made that of it";
    AUTHENTICATED = "auth", "is_authenticated", Flag, ".......", Raw;
        "whether the source is authenticated, by a key or by network time security";
    SELECTION_LEAP = "select_leap", "selection_leap", Leap, ".......", Leap;
        "leap indicator that the source had at the last selection";
    CONFIGURED_OPTIONS = "configured_options", "configured_options", Text, ".......", Raw;
        "selection options that it was configured with: noselect, prefer, trust, require";
    EFFECTIVE_OPTIONS = "effective_options", "effective_options", Text, ".......", Raw;
        "selection options in effect: those configured, and what authselectmode adds";
    SELECTION_AGE = "select_last", "selection_sample_age", Seconds, ".......", Raw;
        "how old its last sample was at the last selection, in whole seconds";
    SCORE = "score", "score", Real, ".......", Raw;
        "its score against the selected source: above 10 it takes that one's place";
    LOW_LIMIT = "low_limit", "low_limit", Milliseconds, ".......", Signed;
        "lower end of the interval in which the offset lies by this source; positive: the source \
         is ahead";
    HIGH_LIMIT = "high_limit", "high_limit", Milliseconds, ".......", Signed;
        "upper end of that interval";
}

variables! { PACKET_ROWS, Peer, "last packet";
    PACKET_VERSION = "packet_version", "packet_version", Unsigned, ".......", Raw,
        [0.0 => "no packet yet"];
        "version of NTP in the last packet";
    PACKET_STRATUM = "packet_stratum", "packet_stratum", Stratum, ".......", Raw;
        "stratum in the last packet";
    PACKET_POLL = "packet_poll", "packet_poll", Poll, ".......", Raw;
        "poll interval that the last packet names, as an exponent of two seconds; servers echo \
         what they were asked with";
    PACKET_OFFSET = "packet_offset", "packet_offset", Milliseconds, ".......", Signed;
        "offset by the last packet alone, good or not; positive: the source is ahead";
    PACKET_DISPERSION = "packet_dispersion", "packet_dispersion", Milliseconds, ".......", Raw;
        "error of that offset by the precision of both clocks and their drift in between";
    RESPONSE_TIME = "response_time", "response_time", Milliseconds, ".......", Raw;
        "how long the source took to answer; in interleaved mode until the next poll";
    JITTER_ASYMMETRY = "jitter_asymmetry", "jitter_asymmetry", Real, ".......", Raw;
        "how the jitter divides between the ways, from -0.5 (all of it on the way out) to 0.5 \
         (on the way back)";
    PACKET_TESTS = "ntp_tests", "packet_tests", Text, ".......", Raw;
        "tests that the last packet passed (1) and failed (0): RFC 5905's 1, 2, 3; 5, 6, 7; and \
         the daemon's own of delay and loops";
    FAILED_TESTS = "failed_tests", "failed_tests", Text, ".......", Raw;
        "what the last packet failed in, in words";
    IS_INTERLEAVED = "interleaved", "is_interleaved", Flag, ".......", Raw;
        "whether it was exchanged in the interleaved mode";
    SENT_STAMP = "tx_timestamping", "transmit_timestamping", Text, ".......", Raw;
        "who took the time when the request was sent: daemon, kernel or hardware";
    RECEIVED_STAMP = "rx_timestamping", "receive_timestamping", Text, ".......", Raw;
        "who took the time when the answer came: daemon, kernel or hardware";
    VALID = "total_valid_rx", "packets_valid", Unsigned, ".......", Raw;
        "packets received that answered a request and were authentic and synchronised";
    GOOD = "total_good_rx", "packets_good", Unsigned, ".......", Raw;
        "packets received that became samples";
    KERNEL_SENT = "total_kernel_tx_ts", "kernel_transmit_timestamps", Unsigned, ".......", Raw;
        "packets whose sending the kernel stamped";
    KERNEL_RECEIVED = "total_kernel_rx_ts", "kernel_receive_timestamps", Unsigned, ".......", Raw;
        "packets whose arrival the kernel stamped";
    HARDWARE_SENT = "total_hw_tx_ts", "hardware_transmit_timestamps", Unsigned, ".......", Raw;
        "packets whose sending the network card stamped";
    HARDWARE_RECEIVED = "total_hw_rx_ts", "hardware_receive_timestamps", Unsigned, ".......", Raw;
        "packets whose arrival the network card stamped";
}

variables! { AUTH_ROWS, Peer, "authentication";
    AUTH_MODE = "auth_mode", "authentication", Text, ".......", Raw;
        "how packets are authenticated: none, symmetric key, or NTS";
    KEY_ALGORITHM = "key_type", "key_algorithm", Text, ".......", Raw;
        "algorithm of the key";
    KEY_LENGTH = "key_length", "key_length_bits", Unsigned, ".......", Raw;
        "length of the key in bits";
    NTS_KEY = "nts_key", "nts_key", Unsigned, ".......", Raw;
        "which of the keys that NTS established is in use";
    ESTABLISHMENT_AGE = "last_ke_ago", "since_key_establishment", Seconds, ".......", Raw;
        "how long ago NTS last established keys, in whole seconds";
    ESTABLISHMENT_ATTEMPTS = "ke_attempts", "key_establishment_attempts", Unsigned, ".......", Raw;
        "attempts of NTS at establishing keys since it last succeeded";
    COOKIE_LENGTH = "cookie_length", "nts_cookie_length", Unsigned, ".......", Raw;
        "bytes of an NTS cookie";
    NTS_NAKS = "nak", "nts_naks", Unsigned, ".......", Raw;
        "NTS refusals by the source since keys were established";
}
