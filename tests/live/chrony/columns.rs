//! chronyc's columns and what each is called in our JSON: the one table of it, with the signs.
//!
//! Ours is positive when the source is ahead, or the clock has to go forward or faster. chronyc's
//! is the other way round everywhere but in the offset of `ntpdata` and in `tracking`'s system
//! time, which is positive when the system clock is slow.

/// A report of chronyc's.
pub(super) struct Report {
    /// The command, as `chronyc -c` takes it.
    pub(super) command: &'static str,
    /// Where its values are in our JSON.
    pub(super) about: About,
    /// Whether it is answered over UDP by a daemon that nobody told to.
    pub(super) is_open: bool,
    /// How many columns it has.
    pub(super) width: usize,
    /// The columns that are compared.
    pub(super) columns: &'static [Column],
}

/// What the lines of a report are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum About {
    /// One line, about the daemon.
    System,
    /// A line for each source, by the name in this column.
    Sources(usize),
    /// A line for each client, by the address in the first.
    Clients,
}

/// A column.
pub(super) struct Column {
    /// Where it stands, from 0.
    pub(super) place: usize,
    /// What it is called in our JSON; names within another are parted by a stroke.
    pub(super) name: &'static str,
    /// How its text becomes our value.
    pub(super) reading: Reading,
    /// When ours is `null` whatever stands there.
    pub(super) unknown: Unknown,
}

/// How the text of a column becomes our value.
#[derive(Clone, Copy)]
pub(super) enum Reading {
    /// A number that stays until something happens: ours times this, printed to as many digits.
    Number(f64),
    /// A number that goes on by itself: it lies between ours before and after.
    Moving(f64),
    /// Words that stand for words.
    Words(&'static [(&'static str, &'static str)]),
    /// Words for *yes*: a flag.
    Flag(&'static str),
    /// The same text.
    Same,
    /// A register in octal.
    Octal,
    /// An address in hexadecimal.
    Hexadecimal,
    /// Seconds since 1970.
    Time,
    /// Letters of options in this and the following columns, a dash for none.
    Options(&'static [(&'static str, &'static str)]),
    /// Groups of digits in this and the following columns.
    Groups(usize),
}

/// When ours is `null`: the daemon gives a number that means nothing.
#[derive(Clone, Copy)]
pub(super) enum Unknown {
    /// Never.
    Never,
    /// When this column has this text.
    When(usize, &'static str),
    /// When it has another.
    Unless(usize, &'static str),
    /// When both have this text.
    Both(usize, usize, &'static str),
}

use Reading::{Flag, Groups, Hexadecimal, Moving, Number, Octal, Options, Same, Time, Words};
use Unknown::{Both, Never, Unless, When};

const fn column(place: usize, name: &'static str, reading: Reading, unknown: Unknown) -> Column {
    Column { place, name, reading, unknown }
}

/// Seconds there, milliseconds here.
const SECONDS: f64 = 1e-3;
/// The same with the other sign.
const TURNED: f64 = -1e-3;

const LEAPS: &[(&str, &str)] = &[
    ("Normal", "none"),
    ("Insert second", "insert"),
    ("Delete second", "delete"),
    ("Not synchronised", "alarm"),
];

const MODES: &[(&str, &str)] = &[("^", "client"), ("#", "client"), ("=", "symmetric_active")];

/// What chronyc's `sources` shows as a sign, as our tally: it is coarser than `selectdata`.
const STATES: &[(&str, &str)] =
    &[("*", "*"), ("+", "+"), ("-", "-"), ("x", "x"), ("?", " "), ("~", " ")];

const OPTIONS: &[(&str, &str)] =
    &[("N", "noselect"), ("P", "prefer"), ("T", "trust"), ("R", "require")];

const PACKET_MODES: &[(&str, &str)] = &[
    ("Server", "server"),
    ("Symmetric active", "symmetric_active"),
    ("Symmetric passive", "symmetric_passive"),
];

const STAMPS: &[(&str, &str)] =
    &[("Daemon", "daemon"), ("Kernel", "kernel"), ("Hardware", "hardware")];

const NEVER_HEARD: &str = "4294967295";

/// All of them.
pub(super) const REPORTS: &[Report] = &[
    Report {
        command: "sources",
        about: About::Sources(2),
        is_open: true,
        width: 10,
        columns: &[
            column(0, "host_mode", Words(MODES), Never),
            column(1, "tally", Words(STATES), Never),
            column(3, "stratum", Number(1.0), When(6, NEVER_HEARD)),
            column(4, "host_poll_log2_s", Number(1.0), Never),
            column(5, "reach", Octal, Never),
            column(6, "since_last_sample_s", Moving(1.0), When(6, NEVER_HEARD)),
            column(7, "offset_ms", Number(TURNED), When(6, NEVER_HEARD)),
            column(8, "measured_offset_ms", Number(TURNED), When(6, NEVER_HEARD)),
            column(9, "error_bound_ms", Number(SECONDS), When(6, NEVER_HEARD)),
        ],
    },
    Report {
        command: "sourcestats",
        about: About::Sources(0),
        is_open: true,
        width: 8,
        columns: &[
            column(1, "samples", Number(1.0), Never),
            column(2, "runs", Number(1.0), Never),
            column(3, "sample_span_s", Number(1.0), Never),
            column(4, "residual_frequency_ppm", Number(-1.0), When(1, "0")),
            column(5, "skew_ppm", Number(1.0), When(1, "0")),
            column(6, "estimated_offset_ms", Moving(TURNED), When(1, "0")),
            column(7, "jitter_ms", Number(SECONDS), When(1, "0")),
        ],
    },
    Report {
        command: "tracking",
        about: About::System,
        is_open: true,
        width: 14,
        columns: &[
            column(0, "reference_id", Hexadecimal, Never),
            column(1, "reference_address", Same, Never),
            column(2, "stratum", Number(1.0), Never),
            column(3, "reference_time", Time, Never),
            column(4, "system_time_ms", Moving(SECONDS), Never),
            column(5, "last_offset_ms", Number(TURNED), Never),
            column(6, "rms_offset_ms", Number(SECONDS), Never),
            column(7, "frequency_ppm", Number(-1.0), Never),
            column(8, "residual_frequency_ppm", Number(-1.0), Never),
            column(9, "skew_ppm", Number(1.0), Never),
            column(10, "root_delay_ms", Number(SECONDS), Never),
            column(11, "root_dispersion_ms", Moving(SECONDS), Never),
            column(12, "update_interval_s", Number(1.0), Never),
            column(13, "leap", Words(LEAPS), Never),
        ],
    },
    Report {
        command: "activity",
        about: About::System,
        is_open: true,
        width: 5,
        columns: &[
            column(0, "sources_online", Number(1.0), Never),
            column(1, "sources_offline", Number(1.0), Never),
            column(2, "sources_in_burst_then_online", Number(1.0), Never),
            column(3, "sources_in_burst_then_offline", Number(1.0), Never),
            column(4, "sources_unresolved", Number(1.0), Never),
        ],
    },
    Report {
        command: "selectdata",
        about: About::Sources(1),
        is_open: false,
        width: 18,
        columns: &[
            column(0, "selection_state", Same, Never),
            column(2, "is_authenticated", Flag("Y"), Never),
            column(3, "configured_options", Options(OPTIONS), Never),
            column(8, "effective_options", Options(OPTIONS), Never),
            column(13, "selection_sample_age_s", Moving(1.0), Never),
            column(14, "score", Number(1.0), Never),
            // The lower end there is the upper one here.
            column(15, "high_limit_ms", Moving(TURNED), Both(15, 16, "0.000000000")),
            column(16, "low_limit_ms", Moving(TURNED), Both(15, 16, "0.000000000")),
            column(17, "selection_leap", Words(LEAPS), Never),
        ],
    },
    Report {
        command: "ntpdata",
        about: About::Sources(0),
        is_open: false,
        width: 34,
        columns: &[
            column(2, "source_port", Number(1.0), Never),
            column(3, "destination", Same, When(6, "0")),
            column(5, "leap", Words(LEAPS), When(6, "0")),
            column(6, "packet_version", Number(1.0), Never),
            column(7, "peer_mode", Words(PACKET_MODES), When(6, "0")),
            column(8, "packet_stratum", Number(1.0), When(6, "0")),
            column(9, "packet_poll_log2_s", Number(1.0), When(6, "0")),
            column(11, "precision_log2_s", Number(1.0), When(6, "0")),
            column(13, "root_delay_ms", Number(SECONDS), When(6, "0")),
            column(14, "root_dispersion_ms", Number(SECONDS), When(6, "0")),
            column(15, "reference_id", Hexadecimal, When(6, "0")),
            column(17, "reference_time", Time, When(6, "0")),
            column(18, "packet_offset_ms", Number(SECONDS), When(6, "0")),
            column(19, "delay_ms", Number(SECONDS), When(6, "0")),
            column(20, "packet_dispersion_ms", Number(SECONDS), When(6, "0")),
            column(21, "response_time_ms", Number(SECONDS), When(6, "0")),
            column(22, "jitter_asymmetry", Number(1.0), When(6, "0")),
            column(23, "packet_tests", Groups(3), Never),
            column(26, "is_interleaved", Flag("Yes"), Never),
            column(27, "authentic", Flag("Yes"), Never),
            column(28, "transmit_timestamping", Words(STAMPS), When(28, "Invalid")),
            column(29, "receive_timestamping", Words(STAMPS), When(29, "Invalid")),
            column(30, "packets_sent", Moving(1.0), Never),
            column(31, "packets_received", Moving(1.0), Never),
            column(32, "packets_valid", Moving(1.0), Never),
            column(33, "packets_good", Moving(1.0), Never),
        ],
    },
    Report {
        command: "authdata",
        about: About::Sources(0),
        is_open: false,
        width: 10,
        columns: &[
            column(
                1,
                "authentication",
                Words(&[("-", "none"), ("SK", "symmetric key"), ("NTS", "NTS")]),
                Never,
            ),
            column(2, "key_id", Number(1.0), Never),
            column(3, "key_algorithm", Words(&[("1", "MD5")]), When(1, "-")),
            column(4, "key_length_bits", Number(1.0), When(1, "-")),
            column(5, "since_key_establishment_s", Moving(1.0), When(5, NEVER_HEARD)),
            column(6, "key_establishment_attempts", Number(1.0), Unless(1, "NTS")),
            column(7, "nts_naks", Number(1.0), Unless(1, "NTS")),
            column(8, "nts_cookies", Number(1.0), Unless(1, "NTS")),
            column(9, "nts_cookie_length", Number(1.0), Unless(1, "NTS")),
        ],
    },
    Report {
        command: "serverstats",
        about: About::System,
        is_open: false,
        width: 11,
        columns: &[
            column(0, "ntp_packets_received", Moving(1.0), Never),
            column(1, "ntp_packets_dropped", Moving(1.0), Never),
            column(2, "command_packets_received", Moving(1.0), Never),
            column(3, "command_packets_dropped", Moving(1.0), Never),
            column(4, "client_records_dropped", Moving(1.0), Never),
            column(5, "nts_ke_connections_accepted", Moving(1.0), Never),
            column(6, "nts_ke_connections_dropped", Moving(1.0), Never),
            column(7, "authenticated_ntp_packets", Moving(1.0), Never),
            column(8, "interleaved_ntp_packets", Moving(1.0), Never),
            column(9, "ntp_timestamps_held", Moving(1.0), Never),
            column(10, "ntp_timestamp_span_s", Moving(1.0), Never),
        ],
    },
    Report {
        command: "clients",
        about: About::Clients,
        is_open: false,
        width: 10,
        columns: &[
            column(1, "ntp/hits", Moving(1.0), Never),
            column(2, "ntp/drops", Moving(1.0), Never),
            column(3, "ntp/interval_log2_s", Moving(1.0), When(3, "127")),
            column(4, "limited_interval_log2_s", Moving(1.0), When(4, "127")),
            column(5, "ntp/last_age_s", Moving(1.0), When(5, NEVER_HEARD)),
            column(6, "commands/hits", Moving(1.0), Never),
            column(7, "commands/drops", Moving(1.0), Never),
            column(8, "commands/interval_log2_s", Moving(1.0), When(8, "127")),
            column(9, "commands/last_age_s", Moving(1.0), When(9, NEVER_HEARD)),
        ],
    },
];
