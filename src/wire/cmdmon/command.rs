//! Commands: what can be asked of chronyd, and what each needs.
//!
//! [`COMMANDS`] is the one table of them; which reply types there are stands in [`ReplyType`].

use std::fmt;

use crate::wire::cmdmon::{LEAST_REQUEST_LEN, REPLY_HEADER_LEN, REQUEST_HEADER_LEN};

mod reply_type;
mod table;

pub use reply_type::{REPLY_TYPES, ReplyType, ReplyTypeRow};
pub use table::COMMANDS;

/// A command by its number; those known have a name here and a row in [`COMMANDS`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Command(u16);

impl Command {
    /// Nothing; answered with success up to 4.6.
    pub const NULL: Self = Self(0);
    /// Let sources be asked again.
    pub const ONLINE: Self = Self(1);
    /// Ask sources no longer.
    pub const OFFLINE: Self = Self(2);
    /// Measure a few times in quick succession.
    pub const BURST: Self = Self(3);
    /// Set a source's least poll exponent.
    pub const MODIFY_MINPOLL: Self = Self(4);
    /// Set a source's greatest poll exponent.
    pub const MODIFY_MAXPOLL: Self = Self(5);
    /// Write the measurements of all sources to files.
    pub const DUMP: Self = Self(6);
    /// Set the delay beyond which a source's measurement is dropped.
    pub const MODIFY_MAXDELAY: Self = Self(7);
    /// Set that delay relative to the least seen.
    pub const MODIFY_MAXDELAYRATIO: Self = Self(8);
    /// Set the skew beyond which the frequency is not believed.
    pub const MODIFY_MAXUPDATESKEW: Self = Self(9);
    /// Of the days of passwords; refused up to 4.6, then not known.
    pub const LOGON: Self = Self(10);
    /// Enter the time by hand.
    pub const SETTIME: Self = Self(11);
    /// Turn the manual clock on or off, or forget its samples.
    pub const MANUAL: Self = Self(13);
    /// How many sources there are.
    pub const N_SOURCES: Self = Self(14);
    /// A source: its state, reach and last measurement.
    pub const SOURCE_DATA: Self = Self(15);
    /// Read the key files again.
    pub const REKEY: Self = Self(16);
    /// Let a subnet ask for time, but for what lies within it and is denied.
    pub const ALLOW: Self = Self(17);
    /// Let a subnet ask for time, all of it.
    pub const ALLOWALL: Self = Self(18);
    /// Refuse time to a subnet, but for what lies within it and is allowed.
    pub const DENY: Self = Self(19);
    /// Refuse time to a subnet, all of it.
    pub const DENYALL: Self = Self(20);
    /// As `ALLOW`, for these commands.
    pub const CMDALLOW: Self = Self(21);
    /// As `ALLOWALL`, for these commands.
    pub const CMDALLOWALL: Self = Self(22);
    /// As `DENY`, for these commands.
    pub const CMDDENY: Self = Self(23);
    /// As `DENYALL`, for these commands.
    pub const CMDDENYALL: Self = Self(24);
    /// Whether an address may ask for time.
    pub const ACCHECK: Self = Self(25);
    /// Whether an address may send these commands.
    pub const CMDACCHECK: Self = Self(26);
    /// Remove a source.
    pub const DEL_SOURCE: Self = Self(29);
    /// Write the file of the real-time clock.
    pub const WRITERTC: Self = Self(30);
    /// Change the frequency.
    pub const DFREQ: Self = Self(31);
    /// Change the offset; only 4.0 and before.
    pub const DOFFSET: Self = Self(32);
    /// The clock: what it follows, its offset and frequency.
    pub const TRACKING: Self = Self(33);
    /// The statistics of a source.
    pub const SOURCESTATS: Self = Self(34);
    /// The real-time clock.
    pub const RTCREPORT: Self = Self(35);
    /// Set the real-time clock to the system's.
    pub const TRIMRTC: Self = Self(36);
    /// Close and open the log files.
    pub const CYCLELOGS: Self = Self(37);
    /// The times entered by hand.
    pub const MANUAL_LIST: Self = Self(41);
    /// Forget one of them.
    pub const MANUAL_DELETE: Self = Self(42);
    /// Step the clock by what is left to correct.
    pub const MAKESTEP: Self = Self(43);
    /// How many sources are online, offline, not resolved.
    pub const ACTIVITY: Self = Self(44);
    /// Set the least stratum that a source is given.
    pub const MODIFY_MINSTRATUM: Self = Self(45);
    /// Set how many measurements a source's poll interval aims at.
    pub const MODIFY_POLLTARGET: Self = Self(46);
    /// Set the delay beyond which a measurement is dropped, relative to the deviation.
    pub const MODIFY_MAXDELAYDEVRATIO: Self = Self(47);
    /// Choose the source anew.
    pub const RESELECT: Self = Self(48);
    /// Set how much nearer another source must be to be chosen instead.
    pub const RESELECTDISTANCE: Self = Self(49);
    /// Set when the clock is stepped rather than slewed.
    pub const MODIFY_MAKESTEP: Self = Self(50);
    /// The smoothing of served time.
    pub const SMOOTHING: Self = Self(51);
    /// Start or reset that smoothing.
    pub const SMOOTHTIME: Self = Self(52);
    /// Look the sources' names up again.
    pub const REFRESH: Self = Self(53);
    /// What was served, and what was dropped.
    pub const SERVER_STATS: Self = Self(54);
    /// Serve time without a source; 4.0 to 4.5.
    pub const LOCAL2: Self = Self(56);
    /// The last packet of a source and what was made of it.
    pub const NTP_DATA: Self = Self(57);
    /// Stop the daemon.
    pub const SHUTDOWN: Self = Self(62);
    /// Set sources online or offline as there is a route to them.
    pub const ONOFFLINE: Self = Self(63);
    /// Add a server, a peer or a pool.
    pub const ADD_SOURCE: Self = Self(64);
    /// A source's name as it was configured.
    pub const NTP_SOURCE_NAME: Self = Self(65);
    /// Forget the measurements of all sources.
    pub const RESET_SOURCES: Self = Self(66);
    /// The authentication of a source.
    pub const AUTH_DATA: Self = Self(67);
    /// Clients, up to eight at a time.
    pub const CLIENT_ACCESSES_BY_INDEX3: Self = Self(68);
    /// Why a source is selected or not.
    pub const SELECT_DATA: Self = Self(69);
    /// Read the folders of sources again.
    pub const RELOAD_SOURCES: Self = Self(70);
    /// Change the offset; from 4.1.
    pub const DOFFSET2: Self = Self(71);
    /// Set a source's selection options; from 4.4.
    pub const MODIFY_SELECTOPTS: Self = Self(72);
    /// Set the correction of a source's offset; from 4.6.
    pub const MODIFY_OFFSET: Self = Self(73);
    /// Serve time without a source; from 4.6.
    pub const LOCAL3: Self = Self(74);

    /// From the number on the wire.
    pub const fn new(number: u16) -> Self {
        Self(number)
    }

    /// The number on the wire.
    pub const fn number(self) -> u16 {
        self.0
    }

    /// What is known of it; `None` of a number not known here.
    pub fn row(self) -> Option<&'static CommandRow> {
        COMMANDS.iter().find(|row| row.command == self)
    }

    /// How long its request has to be for every version known: the data it carries, and padding
    /// as far as the longest reply goes. A daemon that comes later may ask for more.
    pub fn request_len(self) -> usize {
        self.row().map_or(LEAST_REQUEST_LEN, |row| row.request_len(Release::NEWEST))
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Command {
    /// Its name in the protocol, or its number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.row() {
            Some(row) => f.pad(row.name),
            None => f.pad(&format!("command {}", self.0)),
        }
    }
}

/// A row of [`COMMANDS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommandRow {
    /// The command.
    pub command: Command,
    /// Its name in the protocol.
    pub name: &'static str,
    /// Whether it asks or changes.
    pub purpose: Purpose,
    /// Who may send it.
    pub access: Access,
    /// Bytes of data behind the header of its request.
    pub data_len: usize,
    /// Its replies, in the order in which they came into use.
    pub replies: &'static [ReplyType],
    /// The first version that knows it; [`Release::OLDEST`] says that it is older.
    pub since: Release,
    /// The last version that knows it; `None` where the newest does.
    pub until: Option<Release>,
}

impl CommandRow {
    /// How long its request has to be for this version: shorter ones are answered with
    /// [`Status::BadPacketLength`](crate::wire::cmdmon::Status::BadPacketLength).
    pub fn request_len(&self, release: Release) -> usize {
        let known = self.replies.iter().filter_map(|reply| reply.row());
        let replies = known.filter(|row| row.since <= release).map(|row| row.len);
        let longest_reply = replies.max().unwrap_or(REPLY_HEADER_LEN);
        longest_reply.max(REQUEST_HEADER_LEN + self.data_len).max(LEAST_REQUEST_LEN)
    }

    /// Whether this version knows it.
    pub fn is_known_to(&self, release: Release) -> bool {
        self.since <= release && self.until.is_none_or(|last| release <= last)
    }
}

/// What a command is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// It asks and changes nothing.
    Reading,
    /// It changes the daemon, its clock or its files.
    Changing,
}

/// From where a command is heeded. Over the Unix socket every one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// Over UDP as well, unless `opencommands` (from 4.7) leaves out every one of these words.
    Open(&'static [&'static str]),
    /// Over UDP only if `opencommands` (from 4.7) names one of these words.
    OnRequest(&'static [&'static str]),
    /// Over the Unix socket only.
    Local,
}

impl Access {
    /// Whether it is heeded over UDP in a daemon that nobody told otherwise.
    pub const fn is_open_by_default(self) -> bool {
        matches!(self, Self::Open(_))
    }

    /// The words of `opencommands` each of which opens it; none where nothing does.
    pub const fn opened_by(self) -> &'static [&'static str] {
        match self {
            Self::Open(words) | Self::OnRequest(words) => words,
            Self::Local => &[],
        }
    }
}

/// A version of chrony.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Release {
    /// Before the dot.
    pub major: u8,
    /// After it.
    pub minor: u8,
}

impl Release {
    /// The oldest whose commands are known here.
    pub const OLDEST: Self = Self::new(4, 0);
    /// The newest whose commands are known here.
    pub const NEWEST: Self = Self::new(4, 8);

    /// From its two numbers.
    pub const fn new(major: u8, minor: u8) -> Self {
        Self { major, minor }
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_names_each_command_once() {
        assert!(COMMANDS.is_sorted_by(|a, b| a.command < b.command));
        for row in COMMANDS {
            assert_eq!(row.command.to_string(), row.name);
            assert!(row.replies.iter().all(|reply| reply.row().is_some()), "{}", row.name);
            assert!(row.until.is_none_or(|last| row.since <= last), "{}", row.name);
            assert!(
                row.replies.contains(&ReplyType::NULL)
                    || row.replies.len() == 1
                    || row.command == Command::SERVER_STATS
                    || row.command == Command::NTP_DATA,
                "{}",
                row.name
            );
        }
        assert_eq!(Command::new(99).to_string(), "command 99");
        assert_eq!(format!("{:?}", Command::TRACKING), "TRACKING");
    }

    // The lengths that a client of 4.8 sends.
    #[test]
    fn requests_are_as_long_as_the_newest_reply() {
        for (command, len) in [
            (Command::N_SOURCES, 32),
            (Command::SOURCE_DATA, 76),
            (Command::TRACKING, 104),
            (Command::SOURCESTATS, 84),
            (Command::RTCREPORT, 56),
            (Command::MANUAL_LIST, 416),
            (Command::ACTIVITY, 48),
            (Command::SMOOTHING, 52),
            (Command::SERVER_STATS, 196),
            (Command::NTP_DATA, 172),
            (Command::NTP_SOURCE_NAME, 284),
            (Command::AUTH_DATA, 52),
            (Command::CLIENT_ACCESSES_BY_INDEX3, 520),
            (Command::SELECT_DATA, 76),
            (Command::ACCHECK, 40),
            (Command::CMDACCHECK, 40),
            (Command::ONLINE, 60),
            (Command::BURST, 68),
            (Command::MODIFY_MINPOLL, 44),
            (Command::MODIFY_MAXUPDATESKEW, 28),
            (Command::SETTIME, 40),
            (Command::ALLOW, 44),
            (Command::DEL_SOURCE, 40),
            (Command::ADD_SOURCE, 372),
            (Command::MODIFY_SELECTOPTS, 52),
            (Command::MODIFY_OFFSET, 48),
            (Command::REKEY, 28),
            (Command::new(999), 28),
        ] {
            assert_eq!(command.request_len(), len, "{command}");
        }
    }

    #[test]
    fn older_versions_are_content_with_less() {
        let stats = Command::SERVER_STATS.row().unwrap();
        for (minor, len) in [(0, 60), (1, 60), (2, 72), (3, 72), (4, 196), (8, 196)] {
            assert_eq!(stats.request_len(Release::new(4, minor)), len, "4.{minor}");
        }
        let ntp_data = Command::NTP_DATA.row().unwrap();
        assert_eq!(ntp_data.request_len(Release::new(4, 5)), 152);
        assert_eq!(ntp_data.request_len(Release::new(4, 6)), 172);
    }

    #[test]
    fn commands_come_and_go() {
        let known =
            |command: Command, minor| command.row().unwrap().is_known_to(Release::new(4, minor));
        assert!(known(Command::NULL, 6) && !known(Command::NULL, 7));
        assert!(known(Command::DOFFSET, 0) && !known(Command::DOFFSET, 1));
        assert!(known(Command::DOFFSET2, 1) && !known(Command::DOFFSET2, 0));
        assert!(known(Command::LOCAL2, 5) && !known(Command::LOCAL2, 6));
        assert!(known(Command::LOCAL3, 6) && !known(Command::LOCAL3, 5));
        assert!(known(Command::TRACKING, 0) && known(Command::TRACKING, 8));
        assert_eq!(Release::new(4, 10).to_string(), "4.10");
        assert!(Release::new(4, 10) > Release::new(4, 9));
    }

    // chrony.conf(5), `opencommands`: those marked as open by default, and the others.
    #[test]
    fn what_is_open_is_what_the_manual_says() {
        let words = |open: bool| {
            let rows = COMMANDS.iter().filter(|row| row.access.is_open_by_default() == open);
            let mut words: Vec<_> = rows.flat_map(|row| row.access.opened_by()).copied().collect();
            words.sort_unstable();
            words.dedup();
            words
        };
        assert_eq!(words(false), ["authdata", "clients", "ntpdata", "selectdata", "serverstats"]);
        let open = words(true);
        for word in [
            "activity",
            "manual",
            "rtcdata",
            "smoothing",
            "sourcename",
            "sources",
            "sourcestats",
            "tracking",
        ] {
            assert!(open.contains(&word), "{word}");
        }
        for row in COMMANDS.iter().filter(|row| row.purpose == Purpose::Changing) {
            assert_eq!(row.access, Access::Local, "{}", row.name);
        }
    }
}
