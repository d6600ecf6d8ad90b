//! Replies: text put together as ntpd does, cut into datagrams, signed if the request was.

use crate::units::{AssocId, Leap};
use crate::wire::mac::Key;
use crate::wire::mode6::auth::sign_reply;
use crate::wire::mode6::{ErrorCode, HEADER_LEN, MAX_DATA, Message, Opcode};

/// Items of a reply, with ntpd's commas and line ends.
#[derive(Debug, Default)]
pub(super) struct Text {
    bytes: Vec<u8>,
    column: usize,
}

impl Text {
    /// Adds `name=value`.
    pub(super) fn item(&mut self, name: &str, value: &str) {
        let len = name.len() + 1 + value.len();
        if !self.bytes.is_empty() {
            if self.column + 1 + len + 1 >= LINE {
                self.bytes.extend(b",\r\n");
                self.column = 0;
            } else {
                self.bytes.extend(b", ");
                self.column += 2;
            }
        }
        for part in [name, "=", value] {
            self.bytes.extend(part.as_bytes());
        }
        self.column += len;
    }

    /// Adds a value of row `row` of a list.
    pub(super) fn row_item(&mut self, row: usize, tag: &str, value: &str) {
        self.item(&format!("{tag}.{row}"), value);
    }

    /// Bytes so far.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// All of it, with the line end that closes a text which is not empty.
    pub(super) fn finish(mut self) -> Vec<u8> {
        if !self.bytes.is_empty() {
            self.bytes.extend(b"\r\n");
        }
        self.bytes
    }
}

/// What a reply repeats of its request, and how it is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Envelope {
    pub(super) version: u8,
    pub(super) opcode: Opcode,
    pub(super) sequence: u16,
    pub(super) association: AssocId,
    /// The daemon's leap indicator, as the first bits tell it.
    pub(super) leap: Leap,
    pub(super) seal: Seal,
}

/// What follows the data of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seal {
    /// Nothing: the request had no code.
    None,
    /// Four zero bytes: that of the request was wrong.
    Refused,
    /// A code with the key of this number, with which the request was signed.
    Key(u32),
}

impl Envelope {
    /// The datagrams of a reply. Where it does not fit into the 64 KiB that offsets can name, the
    /// last of them says that more follows, so that nobody takes it for the whole.
    pub(super) fn reply(
        &self,
        status: u16,
        data: &[u8],
        key: Option<&Key>,
        replies: &mut Vec<Vec<u8>>,
    ) {
        let fits = data.get(..MOST_DATA).unwrap_or(data);
        let is_cut = fits.len() < data.len();
        let mut chunks = fits.chunks(MAX_DATA).peekable();
        if chunks.peek().is_none() {
            replies.push(self.datagram(&self.message(status, &[]), key));
        }
        let mut offset = 0_u16;
        while let Some(chunk) = chunks.next() {
            let message = Message {
                more: chunks.peek().is_some() || is_cut,
                offset,
                ..self.message(status, chunk)
            };
            replies.push(self.datagram(&message, key));
            offset = offset.saturating_add(u16::try_from(chunk.len()).unwrap_or(u16::MAX));
        }
    }

    /// An error reply. It has no data, and its offset is zero (ntpd leaves there what was there).
    pub(super) fn error(&self, code: ErrorCode, key: Option<&Key>) -> Vec<u8> {
        let message = Message { error: true, ..self.message(u16::from(code.bits()) << 8, &[]) };
        self.datagram(&message, key)
    }

    fn message<'a>(&self, status: u16, data: &'a [u8]) -> Message<'a> {
        Message {
            leap: self.leap,
            version: self.version,
            response: true,
            status,
            ..Message::request(self.opcode, self.association, self.sequence, data)
        }
    }

    fn datagram(&self, message: &Message<'_>, key: Option<&Key>) -> Vec<u8> {
        match (self.seal, key) {
            (Seal::Key(_), Some(key)) => sign_reply(message, key),
            (Seal::Refused, _) => {
                let mut bytes = message.emit();
                let filled =
                    if message.error { HEADER_LEN } else { bytes.len().next_multiple_of(8) };
                bytes.resize(filled + 4, 0);
                bytes
            }
            _ => message.emit(),
        }
    }
}

/// Where ntpd begins a new line.
const LINE: usize = 72;

/// As many whole datagrams as offsets of sixteen bits reach.
const MOST_DATA: usize = (u16::MAX as usize / MAX_DATA) * MAX_DATA;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::mode6::{Progress, Reassembly};

    fn envelope() -> Envelope {
        Envelope {
            version: 2,
            opcode: Opcode::ReadVariables,
            sequence: 7,
            association: AssocId::new(9),
            leap: Leap::Alarm,
            seal: Seal::None,
        }
    }

    fn together(datagrams: &[Vec<u8>]) -> Option<Vec<u8>> {
        let mut whole = Reassembly::default();
        for datagram in datagrams {
            if let Progress::Complete(reply) = whole.add(&Message::parse(datagram).unwrap()) {
                return Some(reply.data);
            }
        }
        None
    }

    // Captured: classic ntpd breaks the line here.
    #[test]
    fn lines_are_broken_where_ntpd_does() {
        let mut text = Text::default();
        text.item("leap", "3");
        text.item("stratum", "16");
        text.item("version", "\"ntpd 4.2.8p15@1.3728-o Wed Sep 23 11:46:38 UTC 2020 (1)\"");
        let text = text.finish();
        assert!(text.starts_with(b"leap=3, stratum=16,\r\nversion="));
        assert_eq!(text.len(), 0x58);
        assert!(Text::default().finish().is_empty());
    }

    #[test]
    fn long_replies_come_in_parts_that_go_together() {
        for len in [0, 1, MAX_DATA - 1, MAX_DATA, MAX_DATA + 1, 10_000] {
            let data: Vec<u8> = (b'a'..=b'z').cycle().take(len).collect();
            let mut replies = Vec::new();
            envelope().reply(0x0618, &data, None, &mut replies);
            assert_eq!(replies.len(), len.div_ceil(MAX_DATA).max(1));
            assert_eq!(together(&replies), Some(data));
            assert!(replies.iter().all(|reply| reply.len() <= 480 && reply.len() % 4 == 0));
        }
    }

    #[test]
    fn what_is_cut_short_never_seems_complete() {
        let mut replies = Vec::new();
        envelope().reply(0, &vec![b'x'; 70_000], None, &mut replies);
        assert!(replies.iter().all(|reply| Message::parse(reply).unwrap().more));
    }

    #[test]
    fn errors_are_a_header_with_zeros() {
        let error = envelope().error(ErrorCode::UnknownVariable, None);
        assert_eq!(error, *b"\xd6\xc2\0\x07\x05\0\0\x09\0\0\0\0");
        let refused = Envelope { seal: Seal::Refused, ..envelope() };
        let error = refused.error(ErrorCode::Permission, None);
        assert_eq!(error, *b"\xd6\xc2\0\x07\x01\0\0\x09\0\0\0\0\0\0\0\0");
        let mut replies = Vec::new();
        refused.reply(0xc006, b"stratum=16\r\n", None, &mut replies);
        assert_eq!(replies.concat().len(), 28);
    }
}
