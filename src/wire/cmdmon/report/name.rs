//! `NTP_SOURCE_NAME`: a source's name as it was configured.

use std::fmt;

use crate::wire::Malformed;
use crate::wire::reader::Reader;

/// Bytes of the field that holds a name.
pub const NAME_LEN: usize = 256;

/// A name of at most 256 bytes, which nobody vouches for.
///
/// It is a host's name or address; every source of a pool has the pool's.
#[derive(Clone, PartialEq, Eq)]
pub struct SourceName(Vec<u8>);

impl SourceName {
    /// From its bytes: up to the first zero, at most [`NAME_LEN`] of them.
    pub fn new(bytes: &[u8]) -> Self {
        let name = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
        Self(name.iter().take(NAME_LEN).copied().collect())
    }

    /// Its bytes as they came.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The name, of graphic ASCII alone; `None` when it is empty or has anything else in it: such
    /// a name is not to be shown, nor looked up.
    pub fn text(&self) -> Option<&str> {
        let is_graphic = self.0.iter().all(u8::is_ascii_graphic) && !self.0.is_empty();
        std::str::from_utf8(&self.0).ok().filter(|_| is_graphic)
    }

    /// Reads a whole field; one without a zero is a name of its full length.
    pub(in crate::wire::cmdmon) fn parse(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        reader.bytes("name", NAME_LEN).map(Self::new)
    }

    pub(in crate::wire::cmdmon) fn emit(&self, bytes: &mut Vec<u8>) {
        let end = bytes.len() + NAME_LEN;
        bytes.extend(&self.0);
        bytes.resize(end, 0);
    }
}

impl fmt::Debug for SourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SourceName({})", self.0.escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::cmdmon::Report;
    use crate::wire::cmdmon::report::testing::assert_layout;

    fn field(name: &[u8]) -> Vec<u8> {
        let mut field = name.to_vec();
        field.resize(NAME_LEN, 0);
        field
    }

    #[test]
    fn names_are_read_and_written_again() {
        for name in [&b"nosuch.invalid"[..], b"2001:db8::1", b"", &[b'x'; 255], &[b'x'; 256]] {
            assert_layout(&field(name), &Report::SourceName(SourceName::new(name)));
        }
    }

    #[test]
    fn what_follows_the_first_zero_is_not_looked_at() {
        let mut bytes = field(b"ntp.example");
        bytes[200] = b'!';
        let name = SourceName::parse(&mut Reader::new("test", &bytes)).unwrap();
        assert_eq!(name.text(), Some("ntp.example"));
    }

    #[test]
    fn only_graphic_names_are_shown() {
        for name in [&b""[..], b"a b", b"\x1b[2J", b"a\r", b"caf\xc3\xa9", b"\xff", b"\x7f"] {
            assert_eq!(SourceName::new(name).text(), None, "{name:?}");
            assert_eq!(SourceName::new(name).bytes(), name);
        }
        assert_eq!(format!("{:?}", SourceName::new(b"a\x1b[2J")), "SourceName(a\\x1b[2J)");
        assert_eq!(SourceName::new(&[b'x'; 300]).text().map(str::len), Some(256));
    }
}
