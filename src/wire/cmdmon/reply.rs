//! Replies: a header that says which request it answers and how that went, then a report.

use crate::wire::Malformed;
use crate::wire::cmdmon::{
    Command, OLDEST_COMPATIBLE, REPLY_HEADER_LEN, ReplyType, Report, Request, Status, VERSION,
};
use crate::wire::reader::Reader;

/// One reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Version of the protocol: 6, or in the refusal of an older daemon 4 or 5.
    pub version: u8,
    /// The command that it answers.
    pub command: Command,
    /// How it went.
    pub status: Status,
    /// The request's sequence number.
    pub sequence: u32,
    /// What was asked for; nothing where it was refused.
    pub report: Report,
}

impl Reply {
    /// A reply with a report.
    pub const fn success(request: RequestKey, report: Report) -> Self {
        Self::new(request, Status::Success, report)
    }

    /// A reply without a report: a refusal, a change made, an access check's answer.
    pub const fn bare(request: RequestKey, status: Status) -> Self {
        Self::new(request, status, Report::Nothing)
    }

    const fn new(request: RequestKey, status: Status, report: Report) -> Self {
        let (command, sequence) = (request.command, request.sequence);
        Self { version: VERSION, command, status, sequence, report }
    }

    /// Reads one datagram.
    ///
    /// A type that is known but does not belong to the command is malformed, a type that is not
    /// known is [`Report::Other`]: the daemon is newer than this program. What follows a report is
    /// not looked at. Whether it answers one of our requests is for [`Reply::answers`] to say.
    pub fn parse(datagram: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new("command reply", datagram);
        let header = ReplyHeader::read(&mut reader)?;
        let ReplyHeader { version, command, reply, status, sequence } = header;
        let report = if version == VERSION {
            let belongs = |expected: &[ReplyType]| {
                reply == ReplyType::NULL || reply.row().is_none() || expected.contains(&reply)
            };
            if command.row().is_some_and(|row| !belongs(row.replies)) {
                let value = u64::from(reply.number());
                return Err(Malformed::Invalid { field: "reply type", position: 6, value });
            }
            Report::parse(reply, &mut reader)?
        } else {
            Report::Nothing
        };
        Ok(Self { version, command, status, sequence, report })
    }

    /// The bytes of the reply.
    pub fn emit(&self) -> Vec<u8> {
        let header = ReplyHeader {
            version: self.version,
            command: self.command,
            reply: self.report.reply_type(),
            status: self.status,
            sequence: self.sequence,
        };
        let mut bytes = header.emit();
        self.report.emit(&mut bytes);
        bytes
    }

    /// Whether it answers this request: any other is somebody else's, late or forged.
    pub fn answers(&self, request: RequestKey) -> bool {
        (self.command, self.sequence) == (request.command, request.sequence)
    }
}

/// What tells the replies to several requests in flight apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestKey {
    /// The command.
    pub command: Command,
    /// The sequence number.
    pub sequence: u32,
}

impl From<&Request> for RequestKey {
    fn from(request: &Request) -> Self {
        Self { command: request.body.command(), sequence: request.sequence }
    }
}

/// The header of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplyHeader {
    /// Version of the protocol.
    pub version: u8,
    /// The command that it answers.
    pub command: Command,
    /// How its data is laid out.
    pub reply: ReplyType,
    /// How it went.
    pub status: Status,
    /// The request's sequence number.
    pub sequence: u32,
}

impl ReplyHeader {
    /// Reads the header alone, of a datagram whose data may be malformed.
    pub fn parse(datagram: &[u8]) -> Result<Self, Malformed> {
        Self::read(&mut Reader::new("command reply", datagram))
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let version = reader.u8("version")?;
        let kind = reader.u8("packet type")?;
        if kind != REPLY {
            return Err(invalid("packet type", 1, kind));
        }
        let reserved: [u8; 2] = reader.array("reserved bytes")?;
        if reserved != [0; 2] {
            let value = u64::from(u16::from_be_bytes(reserved));
            return Err(Malformed::Invalid { field: "reserved bytes", position: 2, value });
        }
        let command = Command::new(reader.u16("command")?);
        let reply = ReplyType::new(reader.u16("reply type")?);
        let status = Status::from_bits(reader.u16("status")?);
        reader.bytes("padding", 6)?;
        let sequence = reader.u32("sequence")?;
        reader.bytes("padding", 8)?;
        // A daemon of another version says so in its own.
        let refuses_ours =
            (OLDEST_COMPATIBLE..VERSION).contains(&version) && status == Status::BadPacketVersion;
        if version != VERSION && !refuses_ours {
            return Err(invalid("version", 0, version));
        }
        Ok(Self { version, command, reply, status, sequence })
    }

    fn emit(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(REPLY_HEADER_LEN);
        bytes.extend([self.version, REPLY, 0, 0]);
        for word in [self.command.number(), self.reply.number(), self.status.bits(), 0, 0, 0] {
            bytes.extend(word.to_be_bytes());
        }
        bytes.extend(self.sequence.to_be_bytes());
        bytes.extend([0; 8]);
        bytes
    }
}

fn invalid(field: &'static str, position: usize, value: u8) -> Malformed {
    Malformed::Invalid { field, position, value: u64::from(value) }
}

/// The packet type of a reply.
const REPLY: u8 = 2;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::cmdmon::Body;

    /// Captured from chronyd 4.3: five sources.
    const COUNT: [u8; 32] = *b"\x06\x02\0\0\0\x0e\0\x02\0\0\0\0\0\0\0\0\
        \x3a\x41\xe3\xe6\0\0\0\0\0\0\0\0\0\0\0\x05";

    fn with(place: usize, value: u8) -> Vec<u8> {
        let mut bytes = COUNT.to_vec();
        bytes[place] = value;
        bytes
    }

    #[test]
    fn a_captured_reply_is_taken_apart_and_written_again() {
        let reply = Reply::parse(&COUNT).unwrap();
        let expected = Reply {
            version: 6,
            command: Command::N_SOURCES,
            status: Status::Success,
            sequence: 0x3a41_e3e6,
            report: Report::SourceCount(5),
        };
        assert_eq!(reply, expected);
        assert_eq!(reply.emit(), COUNT);
    }

    #[test]
    fn a_reply_belongs_to_one_request() {
        let reply = Reply::parse(&COUNT).unwrap();
        let request = Request { attempt: 3, sequence: 0x3a41_e3e6, body: Body::SourceCount };
        let key = RequestKey::from(&request);
        assert!(reply.answers(key));
        assert!(!reply.answers(RequestKey { sequence: 0x3a41_e3e7, ..key }));
        assert!(!reply.answers(RequestKey { command: Command::TRACKING, ..key }));
        assert_eq!(Reply::success(key, Report::SourceCount(5)), reply);
    }

    #[test]
    fn every_length_short_is_malformed_and_named() {
        for len in 0..COUNT.len() {
            assert!(Reply::parse(&COUNT[..len]).is_err(), "{len}");
        }
        assert_eq!(
            Reply::parse(&COUNT[..30]).unwrap_err().to_string(),
            "command reply is too short: count of sources at byte 28 needs 4 bytes, 2 are there"
        );
    }

    #[test]
    fn headers_that_are_not_a_replys_are_malformed() {
        for (place, value, field) in [
            (0, 5, "version"),
            (0, 7, "version"),
            (0, 0, "version"),
            (1, 1, "packet type"),
            (1, 3, "packet type"),
            (2, 1, "reserved bytes"),
            (3, 0x80, "reserved bytes"),
        ] {
            let error = Reply::parse(&with(place, value)).unwrap_err().to_string();
            assert!(error.starts_with(field), "{error}");
        }
        for padding in (10..16).chain(20..28) {
            assert_eq!(Reply::parse(&with(padding, 0xff)), Reply::parse(&COUNT), "{padding}");
        }
    }

    #[test]
    fn another_version_is_understood_where_it_says_so() {
        for version in [4, 5] {
            let mut bytes = COUNT[..28].to_vec();
            bytes[0] = version;
            bytes[7] = 1;
            bytes[9] = 18;
            let reply = Reply::parse(&bytes).unwrap();
            assert_eq!((reply.version, reply.status), (version, Status::BadPacketVersion));
            assert_eq!(reply.report, Report::Nothing);
            assert_eq!(reply.emit(), bytes);
        }
        for version in [3, 7] {
            let mut bytes = COUNT.to_vec();
            bytes[0] = version;
            bytes[9] = 18;
            assert!(Reply::parse(&bytes).is_err(), "{version}");
        }
    }

    #[test]
    fn a_refusal_has_no_report() {
        let key = RequestKey { command: Command::SELECT_DATA, sequence: 0xa857_7833 };
        let refusal = Reply::bare(key, Status::Unauthorised);
        // Captured from chronyd 4.3 over UDP.
        let bytes = b"\x06\x02\0\0\0\x45\0\x01\0\x02\0\0\0\0\0\0\xa8\x57\x78\x33\0\0\0\0\0\0\0\0";
        assert_eq!(Reply::parse(bytes), Ok(refusal.clone()));
        assert_eq!(refusal.emit(), bytes);
    }

    #[test]
    fn a_type_that_is_not_the_commands_is_malformed() {
        let error = Reply::parse(&with(7, 3)).unwrap_err();
        assert_eq!(error.to_string(), "reply type at byte 6 is not valid: 0x3");
    }

    #[test]
    fn a_type_that_is_not_known_is_kept() {
        let reply = Reply::parse(&with(7, 99)).unwrap();
        let data = vec![0, 0, 0, 5];
        assert_eq!(reply.report, Report::Other { reply: ReplyType::new(99), data });
        assert_eq!(reply.emit(), with(7, 99));
        let mut unknown_command = with(5, 200);
        assert_eq!(Reply::parse(&unknown_command).unwrap().report, Report::SourceCount(5));
        unknown_command[7] = 1;
        assert_eq!(Reply::parse(&unknown_command).unwrap().report, Report::Nothing);
    }
}
