//! The table of commands.

use crate::wire::cmdmon::command::{Access, Command, CommandRow, Purpose, Release, ReplyType};

/// A command that asks, known to every version.
const fn reading(
    command: Command,
    name: &'static str,
    access: Access,
    data_len: usize,
    replies: &'static [ReplyType],
) -> CommandRow {
    CommandRow {
        command,
        name,
        purpose: Purpose::Reading,
        access,
        data_len,
        replies,
        since: Release::OLDEST,
        until: None,
    }
}

/// A command that changes, known to every version.
const fn changing(command: Command, name: &'static str, data_len: usize) -> CommandRow {
    CommandRow {
        purpose: Purpose::Changing,
        ..reading(command, name, Access::Local, data_len, DONE)
    }
}

const fn since(major: u8, minor: u8, row: CommandRow) -> CommandRow {
    CommandRow { since: Release::new(major, minor), ..row }
}

const fn until(major: u8, minor: u8, row: CommandRow) -> CommandRow {
    CommandRow { until: Some(Release::new(major, minor)), ..row }
}

const fn open(words: &'static [&'static str]) -> Access {
    Access::Open(words)
}

const fn on_request(words: &'static [&'static str]) -> Access {
    Access::OnRequest(words)
}

const DONE: &[ReplyType] = &[ReplyType::NULL];

/// Every command that a version from 4.0 on knows, by number.
pub const COMMANDS: &[CommandRow] = &[
    until(4, 6, reading(Command::NULL, "NULL", open(&[]), 0, DONE)),
    changing(Command::ONLINE, "ONLINE", 40),
    changing(Command::OFFLINE, "OFFLINE", 40),
    changing(Command::BURST, "BURST", 48),
    changing(Command::MODIFY_MINPOLL, "MODIFY_MINPOLL", 24),
    changing(Command::MODIFY_MAXPOLL, "MODIFY_MAXPOLL", 24),
    changing(Command::DUMP, "DUMP", 4),
    changing(Command::MODIFY_MAXDELAY, "MODIFY_MAXDELAY", 24),
    changing(Command::MODIFY_MAXDELAYRATIO, "MODIFY_MAXDELAYRATIO", 24),
    changing(Command::MODIFY_MAXUPDATESKEW, "MODIFY_MAXUPDATESKEW", 4),
    until(4, 6, reading(Command::LOGON, "LOGON", open(&[]), 0, DONE)),
    CommandRow {
        replies: &[ReplyType::MANUAL_TIMESTAMP2],
        ..changing(Command::SETTIME, "SETTIME", 12)
    },
    changing(Command::MANUAL, "MANUAL", 4),
    reading(
        Command::N_SOURCES,
        "N_SOURCES",
        open(&["sources", "sourcestats", "authdata", "ntpdata", "selectdata"]),
        0,
        &[ReplyType::N_SOURCES],
    ),
    reading(Command::SOURCE_DATA, "SOURCE_DATA", open(&["sources"]), 4, &[ReplyType::SOURCE_DATA]),
    changing(Command::REKEY, "REKEY", 0),
    changing(Command::ALLOW, "ALLOW", 24),
    changing(Command::ALLOWALL, "ALLOWALL", 24),
    changing(Command::DENY, "DENY", 24),
    changing(Command::DENYALL, "DENYALL", 24),
    changing(Command::CMDALLOW, "CMDALLOW", 24),
    changing(Command::CMDALLOWALL, "CMDALLOWALL", 24),
    changing(Command::CMDDENY, "CMDDENY", 24),
    changing(Command::CMDDENYALL, "CMDDENYALL", 24),
    reading(Command::ACCHECK, "ACCHECK", Access::Local, 20, DONE),
    reading(Command::CMDACCHECK, "CMDACCHECK", Access::Local, 20, DONE),
    changing(Command::DEL_SOURCE, "DEL_SOURCE", 20),
    changing(Command::WRITERTC, "WRITERTC", 0),
    changing(Command::DFREQ, "DFREQ", 4),
    until(4, 0, changing(Command::DOFFSET, "DOFFSET", 8)),
    reading(Command::TRACKING, "TRACKING", open(&["tracking"]), 0, &[ReplyType::TRACKING]),
    reading(
        Command::SOURCESTATS,
        "SOURCESTATS",
        open(&["sourcestats"]),
        4,
        &[ReplyType::SOURCESTATS],
    ),
    reading(Command::RTCREPORT, "RTCREPORT", open(&["rtcdata"]), 0, &[ReplyType::RTC]),
    changing(Command::TRIMRTC, "TRIMRTC", 0),
    changing(Command::CYCLELOGS, "CYCLELOGS", 0),
    reading(Command::MANUAL_LIST, "MANUAL_LIST", open(&["manual"]), 0, &[ReplyType::MANUAL_LIST2]),
    changing(Command::MANUAL_DELETE, "MANUAL_DELETE", 4),
    changing(Command::MAKESTEP, "MAKESTEP", 0),
    reading(Command::ACTIVITY, "ACTIVITY", open(&["activity"]), 0, &[ReplyType::ACTIVITY]),
    changing(Command::MODIFY_MINSTRATUM, "MODIFY_MINSTRATUM", 24),
    changing(Command::MODIFY_POLLTARGET, "MODIFY_POLLTARGET", 24),
    changing(Command::MODIFY_MAXDELAYDEVRATIO, "MODIFY_MAXDELAYDEVRATIO", 24),
    changing(Command::RESELECT, "RESELECT", 0),
    changing(Command::RESELECTDISTANCE, "RESELECTDISTANCE", 4),
    changing(Command::MODIFY_MAKESTEP, "MODIFY_MAKESTEP", 8),
    reading(Command::SMOOTHING, "SMOOTHING", open(&["smoothing"]), 0, &[ReplyType::SMOOTHING]),
    changing(Command::SMOOTHTIME, "SMOOTHTIME", 4),
    changing(Command::REFRESH, "REFRESH", 0),
    reading(
        Command::SERVER_STATS,
        "SERVER_STATS",
        on_request(&["serverstats"]),
        0,
        &[
            ReplyType::SERVER_STATS,
            ReplyType::SERVER_STATS2,
            ReplyType::SERVER_STATS3,
            ReplyType::SERVER_STATS4,
        ],
    ),
    until(4, 5, changing(Command::LOCAL2, "LOCAL2", 16)),
    reading(
        Command::NTP_DATA,
        "NTP_DATA",
        on_request(&["ntpdata"]),
        20,
        &[ReplyType::NTP_DATA, ReplyType::NTP_DATA2],
    ),
    changing(Command::SHUTDOWN, "SHUTDOWN", 0),
    changing(Command::ONOFFLINE, "ONOFFLINE", 0),
    changing(Command::ADD_SOURCE, "ADD_SOURCE", 352),
    reading(
        Command::NTP_SOURCE_NAME,
        "NTP_SOURCE_NAME",
        open(&["sourcename"]),
        20,
        &[ReplyType::NTP_SOURCE_NAME],
    ),
    changing(Command::RESET_SOURCES, "RESET_SOURCES", 0),
    reading(
        Command::AUTH_DATA,
        "AUTH_DATA",
        on_request(&["authdata"]),
        20,
        &[ReplyType::AUTH_DATA],
    ),
    reading(
        Command::CLIENT_ACCESSES_BY_INDEX3,
        "CLIENT_ACCESSES_BY_INDEX3",
        on_request(&["clients"]),
        16,
        &[ReplyType::CLIENT_ACCESSES_BY_INDEX3],
    ),
    reading(
        Command::SELECT_DATA,
        "SELECT_DATA",
        on_request(&["selectdata"]),
        4,
        &[ReplyType::SELECT_DATA],
    ),
    changing(Command::RELOAD_SOURCES, "RELOAD_SOURCES", 0),
    since(4, 1, changing(Command::DOFFSET2, "DOFFSET2", 4)),
    since(4, 4, changing(Command::MODIFY_SELECTOPTS, "MODIFY_SELECTOPTS", 32)),
    since(4, 6, changing(Command::MODIFY_OFFSET, "MODIFY_OFFSET", 28)),
    since(4, 6, changing(Command::LOCAL3, "LOCAL3", 28)),
];
