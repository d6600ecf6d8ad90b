//! Which variables are asked together, and what the detail commands of both ntpqs print.
//!
//! Screens and commands ask from the same lists. A list that is one question (not so [`Listing`]s)
//! is asked through [`askable`](crate::model::vars::askable), which leaves out what a daemon may
//! not know.

pub mod classic;
pub mod counted;
pub mod ntpsec;

use crate::model::vars::{Variable, clock, peer, system};

/// What the peers table shows of an association, and what selection is explained from.
///
/// The answer fits one datagram with the longest values there are (a test counts), since whoever
/// watches forty associations asks this forty times. Names of hosts are in it as far as they fit:
/// a daemon sends a second datagram for those beyond some fifty letters.
pub const ROW: &[&Variable] = &[
    &peer::SOURCE,
    &peer::SOURCE_HOST,
    &peer::DESTINATION,
    &peer::LEAP,
    &peer::STRATUM,
    &peer::ROOT_DELAY,
    &peer::ROOT_DISPERSION,
    &peer::REFERENCE_ID,
    &peer::REFERENCE_TIME,
    &peer::RECEIVE,
    &peer::REACH,
    &peer::HOST_MODE,
    &peer::HOST_POLL,
    &peer::PEER_POLL,
    &peer::FLASH,
    &peer::OFFSET,
    &peer::DELAY,
    &peer::DISPERSION,
    &peer::JITTER,
    &peer::NTS_COOKIES,
];

/// The rest of an association that is told in single values.
pub const SCALARS: &[&Variable] = &[
    &peer::SOURCE_PORT,
    &peer::DESTINATION_PORT,
    &peer::PRECISION,
    &peer::TRANSMIT,
    &peer::UNREACH,
    &peer::PEER_MODE,
    &peer::HEADWAY,
    &peer::KEY_ID,
    &peer::TTL,
    &peer::REFERENCE_CLOCK_MODE,
    &peer::XLEAVE,
    &peer::BIAS,
    &peer::BROADCAST_OUT,
    &peer::BROADCAST_IN,
    &peer::CONFIGURED,
    &peer::AUTHENTIC,
];

/// The samples of an association and what it has counted.
pub const COUNTERS: &[&Variable] = &[
    &peer::FILTER_DELAY,
    &peer::FILTER_OFFSET,
    &peer::FILTER_DISPERSION,
    &peer::TIME_RECEIVED,
    &peer::NEXT_POLL,
    &peer::TIME_REACHABLE,
    &peer::SENT,
    &peer::RECEIVED,
    &peer::BAD_AUTHENTICATION,
    &peer::BOGUS_ORIGIN,
    &peer::DUPLICATE,
    &peer::HEADERS_REJECTED,
    &peer::KISSES_RECEIVED,
    &peer::CANDIDATE,
];

/// What a screen's head shows of the daemon, and what ages and states are read from.
///
/// The daemon's default reply has all of it, and the leap file besides, so that is what is asked
/// where nothing else is wanted.
pub const SYSTEM_SUMMARY: &[&Variable] = &[
    &system::LEAP,
    &system::STRATUM,
    &system::PRECISION,
    &system::ROOT_DELAY,
    &system::ROOT_DISPERSION,
    &system::REFERENCE_ID,
    &system::REFERENCE_TIME,
    &system::CLOCK,
    &system::PEER,
    &system::TIME_CONSTANT,
    &system::MIN_TIME_CONSTANT,
    &system::OFFSET,
    &system::FREQUENCY,
    &system::SYSTEM_JITTER,
    &system::CLOCK_JITTER,
    &system::CLOCK_WANDER,
    &system::TAI,
    &system::LEAP_SECOND,
    &system::LEAP_FILE_EXPIRY,
];

/// What there is to know of a reference clock.
pub const CLOCK: &[&Variable] = &[
    &clock::DEVICE,
    &clock::NAME,
    &clock::TIMECODE,
    &clock::POLLS,
    &clock::NO_REPLY,
    &clock::BAD_FORMAT,
    &clock::BAD_DATA,
    &clock::FUDGE_TIME1,
    &clock::FUDGE_TIME2,
    &clock::STRATUM,
    &clock::REFERENCE_ID,
    &clock::FLAGS,
];

/// A detail command of ntpq: `sysinfo`, `sysstats` and the like.
#[derive(Clone, Copy, Debug)]
pub struct Listing {
    /// The command.
    pub command: &'static str,
    /// Whether it begins with the association and its status in words.
    pub with_status: bool,
    /// How wide the column of labels is, without the two blanks after it.
    pub label_width: usize,
    /// What it prints, in its order.
    pub lines: &'static [Line],
}

/// A line of a detail command.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// What ntpq calls the value, with its colon where there is one.
    pub label: &'static str,
    /// The variable that it shows.
    pub variable: &'static Variable,
    /// How the value is printed.
    pub shown: Shown,
}

/// How a detail command prints a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// As it stands, without quotes.
    Text,
    /// An address with its port.
    Socket,
    /// An address that is asked for together with the port of the same side, printed as one.
    Host,
    /// A mode in words.
    Mode,
    /// Leap indicator as two binary digits.
    Leap,
    /// A timestamp as hexadecimal and date.
    Timestamp,
    /// A number, as it was read.
    Number,
    /// Seconds as hours, minutes and seconds.
    Uptime,
    /// A count, with its rate.
    Packets,
}

/// Makes listings: label => variable, how.
macro_rules! listings {
    ($($(#[$doc:meta])* $id:ident = $command:literal, $status:literal, $width:literal: {
        $($label:literal => $scope:ident::$variable:ident, $shown:ident;)+
    })+) => {
        $($(#[$doc])*
        pub const $id: $crate::model::vars::lists::Listing = $crate::model::vars::lists::Listing {
            command: $command,
            with_status: $status,
            label_width: $width,
            lines: &[$($crate::model::vars::lists::Line {
                label: $label,
                variable: &$crate::model::vars::$scope::$variable,
                shown: $crate::model::vars::lists::Shown::$shown,
            }),+],
        };)+

        /// All of them.
        pub const ALL: &[$crate::model::vars::lists::Listing] = &[$($id),+];
    };
}
use listings;

impl Listing {
    /// The variables it shows, in its order.
    pub fn variables(&self) -> impl Iterator<Item = &'static Variable> {
        self.lines.iter().map(|line| line.variable)
    }
}
