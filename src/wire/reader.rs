//! A bounded cursor: reads fields in order and says which one was missing, and where.

use crate::wire::Malformed;

/// Reads big-endian fields from bytes that nobody vouches for.
///
/// Every read names its field, so that what was wrong with a packet can be said in its own terms.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    what: &'static str,
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Reader<'a> {
    /// A cursor at the start of `bytes`, which are taken for a `what`.
    pub const fn new(what: &'static str, bytes: &'a [u8]) -> Self {
        Self { what, bytes, position: 0 }
    }

    /// Bytes read so far.
    pub const fn position(&self) -> usize {
        self.position
    }

    /// Bytes not yet read.
    pub const fn remaining(&self) -> usize {
        self.bytes.len() - self.position
    }

    /// Reads the next `len` bytes as `field`.
    ///
    /// An error leaves the cursor where it was.
    pub fn bytes(&mut self, field: &'static str, len: usize) -> Result<&'a [u8], Malformed> {
        let end = self.position.checked_add(len);
        let Some(taken) = end.and_then(|end| self.bytes.get(self.position..end)) else {
            return Err(self.too_short(field, len));
        };
        self.position += len;
        Ok(taken)
    }

    /// Reads the next `N` bytes as `field`.
    pub fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], Malformed> {
        let rest = self.bytes.get(self.position..).unwrap_or_default();
        let Some(array) = rest.first_chunk::<N>() else {
            return Err(self.too_short(field, N));
        };
        self.position += N;
        Ok(*array)
    }

    /// Reads one byte.
    pub fn u8(&mut self, field: &'static str) -> Result<u8, Malformed> {
        self.array(field).map(u8::from_be_bytes)
    }

    /// Reads one signed byte.
    pub fn i8(&mut self, field: &'static str) -> Result<i8, Malformed> {
        self.array(field).map(i8::from_be_bytes)
    }

    /// Reads two bytes.
    pub fn u16(&mut self, field: &'static str) -> Result<u16, Malformed> {
        self.array(field).map(u16::from_be_bytes)
    }

    /// Reads four bytes.
    pub fn u32(&mut self, field: &'static str) -> Result<u32, Malformed> {
        self.array(field).map(u32::from_be_bytes)
    }

    /// Reads eight bytes.
    pub fn u64(&mut self, field: &'static str) -> Result<u64, Malformed> {
        self.array(field).map(u64::from_be_bytes)
    }

    /// Reads all that is left, perhaps nothing.
    pub fn rest(&mut self) -> &'a [u8] {
        let rest = self.bytes.get(self.position..).unwrap_or_default();
        self.position = self.bytes.len();
        rest
    }

    /// Reads the next `claimed` bytes, a length that the packet itself gave as `field`.
    pub fn claimed(&mut self, field: &'static str, claimed: usize) -> Result<&'a [u8], Malformed> {
        let found = self.remaining();
        if claimed > found {
            return Err(Malformed::Overrun { field, position: self.position, claimed, found });
        }
        self.bytes(field, claimed)
    }

    const fn too_short(&self, field: &'static str, needed: usize) -> Malformed {
        Malformed::TooShort {
            what: self.what,
            field,
            position: self.position,
            needed,
            found: self.remaining(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_in_order_and_big_endian() {
        let mut reader = Reader::new("test", &[1, 0xff, 0, 2, 0, 0, 0, 3, 9, 8]);
        assert_eq!(reader.u8("a"), Ok(1));
        assert_eq!(reader.i8("b"), Ok(-1));
        assert_eq!(reader.u16("c"), Ok(2));
        assert_eq!(reader.u32("d"), Ok(3));
        assert_eq!((reader.position(), reader.remaining()), (8, 2));
        assert_eq!(reader.rest(), [9, 8]);
        assert!(reader.rest().is_empty());
    }

    #[test]
    fn a_missing_field_is_named_with_its_place() {
        let mut reader = Reader::new("test packet", &[0, 1, 2]);
        assert_eq!(reader.u16("first"), Ok(1));
        let error = reader.u64("second").unwrap_err();
        assert_eq!(
            error.to_string(),
            "test packet is too short: second at byte 2 needs 8 bytes, 1 is there"
        );
        assert_eq!(reader.u8("third"), Ok(2), "the cursor did not move");
    }

    #[test]
    fn a_claimed_length_is_not_believed() {
        let mut reader = Reader::new("test", &[1, 2, 3]);
        assert_eq!(
            reader.claimed("count", usize::MAX),
            Err(Malformed::Overrun { field: "count", position: 0, claimed: usize::MAX, found: 3 })
        );
        assert!(reader.bytes("all", usize::MAX).is_err());
        assert_eq!(reader.claimed("count", 3), Ok(&[1, 2, 3][..]));
    }
}
