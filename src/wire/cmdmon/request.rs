//! Requests: a header, what is asked, and padding as far as the reply goes.

use crate::wire::Malformed;
use crate::wire::cmdmon::{
    Address, Change, Command, LEAST_REQUEST_LEN, REQUEST_HEADER_LEN, VERSION,
};
use crate::wire::reader::Reader;

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// 0 at first, one more each time that it is sent again.
    pub attempt: u16,
    /// Any number; the reply repeats it. It is best not to be foreseen.
    pub sequence: u32,
    /// What is asked.
    pub body: Body,
}

impl Request {
    /// Reads one datagram. What follows its data is padding, and not looked at.
    ///
    /// Any command is read: one that is not known is [`Body::Other`]. Whether the request is long
    /// enough is for [`CommandRow::request_len`](crate::wire::cmdmon::CommandRow::request_len) to
    /// say, and whether it came by a way that may send it for the caller.
    pub fn parse(datagram: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new("command request", datagram);
        let header = RequestHeader::read(&mut reader)?;
        if header.version != VERSION {
            let value = u64::from(header.version);
            return Err(Malformed::Invalid { field: "version", position: 0, value });
        }
        let body = Body::parse(header.command, &mut reader)?;
        Ok(Self { attempt: header.attempt, sequence: header.sequence, body })
    }

    /// The bytes of the request, padded as every version known requires.
    pub fn emit(&self) -> Vec<u8> {
        self.emit_padded(0)
    }

    /// The same with `least` bytes at least: for a daemon that finds the padding too short, which
    /// is one newer than this program. More than
    /// [`MOST_REQUEST_LEN`](crate::wire::cmdmon::MOST_REQUEST_LEN) is not answered.
    pub fn emit_padded(&self, least: usize) -> Vec<u8> {
        let command = self.body.command();
        let len = command.request_len().max(least);
        let mut bytes = Vec::with_capacity(len);
        bytes.extend([VERSION, REQUEST, 0, 0]);
        bytes.extend(command.number().to_be_bytes());
        bytes.extend(self.attempt.to_be_bytes());
        bytes.extend(self.sequence.to_be_bytes());
        bytes.extend([0; 8]);
        self.body.emit(&mut bytes);
        bytes.resize(bytes.len().max(len), 0);
        bytes
    }
}

/// The header of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestHeader {
    /// Version of the protocol.
    pub version: u8,
    /// The command.
    pub command: Command,
    /// 0 at first, one more each time that it is sent again.
    pub attempt: u16,
    /// To be repeated in the reply.
    pub sequence: u32,
}

impl RequestHeader {
    /// Reads the header alone, of any version: a daemon answers also what it cannot read on.
    ///
    /// Malformed is what it drops without an answer.
    pub fn parse(datagram: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new("command request", datagram);
        let header = Self::read(&mut reader)?;
        reader.bytes("padding", LEAST_REQUEST_LEN - REQUEST_HEADER_LEN)?;
        Ok(header)
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let version = reader.u8("version")?;
        let kind = reader.u8("packet type")?;
        if kind != REQUEST {
            let value = u64::from(kind);
            return Err(Malformed::Invalid { field: "packet type", position: 1, value });
        }
        let reserved = reader.u16("reserved bytes")?;
        if reserved != 0 {
            let value = u64::from(reserved);
            return Err(Malformed::Invalid { field: "reserved bytes", position: 2, value });
        }
        let command = Command::new(reader.u16("command")?);
        let attempt = reader.u16("attempt")?;
        let sequence = reader.u32("sequence")?;
        reader.bytes("padding", 8)?;
        Ok(Self { version, command, attempt, sequence })
    }
}

/// What is asked. The indices count from 0 and go with the daemon's table of sources, which may
/// change between two requests.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Body {
    /// Nothing: whether anybody is there. Not known from 4.7 on.
    Null,
    /// How many sources there are.
    SourceCount,
    /// A source by its index.
    SourceData(u32),
    /// The clock.
    Tracking,
    /// The statistics of a source by its index.
    SourceStats(u32),
    /// The real-time clock.
    Rtc,
    /// The times entered by hand.
    ManualList,
    /// Counts of sources by activity.
    Activity,
    /// The smoothing of served time.
    Smoothing,
    /// What was served.
    ServerStats,
    /// The last packet of a source by its address.
    NtpData(Address),
    /// The name of a source by its address, resolved or not.
    SourceName(Address),
    /// The authentication of a source by its address.
    AuthData(Address),
    /// A part of the table of clients.
    ClientAccesses(ClientRange),
    /// The selection of a source by its index.
    SelectData(u32),
    /// Whether an address may ask for time; the status is the answer.
    CheckAccess(Address),
    /// Whether an address may send these commands; the status is the answer.
    CheckCommandAccess(Address),
    /// A change.
    Change(Change),
    /// A command that is not known here.
    Other {
        /// Its number; never one of those known when it was read.
        command: Command,
        /// All that follows the header.
        data: Vec<u8>,
    },
}

/// A part of the table of clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientRange {
    /// Where to begin: 0, then where the last reply says.
    pub first_index: u32,
    /// The most clients wanted; eight fit.
    pub most: u32,
    /// Leave out those with fewer hits of every kind than this.
    pub least_hits: u32,
    /// Whether their counters begin anew: the one thing in here that is no mere reading.
    pub resets: bool,
}

impl ClientRange {
    /// As many as fit, from `index` on, nothing left out and nothing reset.
    pub const fn from_index(index: u32) -> Self {
        Self { first_index: index, most: 8, least_hits: 0, resets: false }
    }
}

impl Body {
    /// The command that asks it.
    pub const fn command(&self) -> Command {
        match self {
            Self::Null => Command::NULL,
            Self::SourceCount => Command::N_SOURCES,
            Self::SourceData(_) => Command::SOURCE_DATA,
            Self::Tracking => Command::TRACKING,
            Self::SourceStats(_) => Command::SOURCESTATS,
            Self::Rtc => Command::RTCREPORT,
            Self::ManualList => Command::MANUAL_LIST,
            Self::Activity => Command::ACTIVITY,
            Self::Smoothing => Command::SMOOTHING,
            Self::ServerStats => Command::SERVER_STATS,
            Self::NtpData(_) => Command::NTP_DATA,
            Self::SourceName(_) => Command::NTP_SOURCE_NAME,
            Self::AuthData(_) => Command::AUTH_DATA,
            Self::ClientAccesses(_) => Command::CLIENT_ACCESSES_BY_INDEX3,
            Self::SelectData(_) => Command::SELECT_DATA,
            Self::CheckAccess(_) => Command::ACCHECK,
            Self::CheckCommandAccess(_) => Command::CMDACCHECK,
            Self::Change(change) => change.command(),
            Self::Other { command, .. } => *command,
        }
    }

    fn parse(command: Command, reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(match command {
            Command::NULL => Self::Null,
            Command::N_SOURCES => Self::SourceCount,
            Command::SOURCE_DATA => Self::SourceData(reader.u32("index")?),
            Command::TRACKING => Self::Tracking,
            Command::SOURCESTATS => Self::SourceStats(reader.u32("index")?),
            Command::RTCREPORT => Self::Rtc,
            Command::MANUAL_LIST => Self::ManualList,
            Command::ACTIVITY => Self::Activity,
            Command::SMOOTHING => Self::Smoothing,
            Command::SERVER_STATS => Self::ServerStats,
            Command::NTP_DATA => Self::NtpData(Address::parse(reader, "address")?),
            Command::NTP_SOURCE_NAME => Self::SourceName(Address::parse(reader, "address")?),
            Command::AUTH_DATA => Self::AuthData(Address::parse(reader, "address")?),
            Command::CLIENT_ACCESSES_BY_INDEX3 => Self::ClientAccesses(ClientRange {
                first_index: reader.u32("first index")?,
                most: reader.u32("most clients")?,
                least_hits: reader.u32("least hits")?,
                resets: reader.u32("reset")? != 0,
            }),
            Command::SELECT_DATA => Self::SelectData(reader.u32("index")?),
            Command::ACCHECK => Self::CheckAccess(Address::parse(reader, "address")?),
            Command::CMDACCHECK => Self::CheckCommandAccess(Address::parse(reader, "address")?),
            command => match Change::parse(command, reader)? {
                Some(change) => Self::Change(change),
                None => Self::Other { command, data: reader.rest().to_vec() },
            },
        })
    }

    fn emit(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Null
            | Self::SourceCount
            | Self::Tracking
            | Self::Rtc
            | Self::ManualList
            | Self::Activity
            | Self::Smoothing
            | Self::ServerStats => {}
            Self::SourceData(index) | Self::SourceStats(index) | Self::SelectData(index) => {
                bytes.extend(index.to_be_bytes());
            }
            Self::NtpData(address)
            | Self::SourceName(address)
            | Self::AuthData(address)
            | Self::CheckAccess(address)
            | Self::CheckCommandAccess(address) => address.emit(bytes),
            Self::ClientAccesses(range) => {
                let resets = u32::from(range.resets);
                for word in [range.first_index, range.most, range.least_hits, resets] {
                    bytes.extend(word.to_be_bytes());
                }
            }
            Self::Change(change) => change.emit(bytes),
            Self::Other { data, .. } => bytes.extend(data),
        }
    }
}

/// The packet type of a request.
const REQUEST: u8 = 1;

#[cfg(test)]
mod tests;
