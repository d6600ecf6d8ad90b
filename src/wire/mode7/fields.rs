//! Fields of an item in order, of which the last may not be there.
//!
//! Items grew at their ends: a daemon older than the layout sends fewer bytes, and what it does not
//! send is zero, as ntpdc takes it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::units::NtpTimestamp;

/// A signed number in units of 2⁻³², of what the field says that it counts.
///
/// Kept as it came, for what is printed of it is rounded from these bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fixed(i64);

impl Fixed {
    /// From a count of 2⁻³².
    pub const fn from_bits(bits: i64) -> Self {
        Self(bits)
    }

    /// The count of 2⁻³².
    pub const fn bits(self) -> i64 {
        self.0
    }
}

/// Reads fields of an item; beyond its end everything is zero.
#[derive(Clone, Debug)]
pub(super) struct Fields<'a> {
    bytes: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(super) const fn new(item: &'a [u8]) -> Self {
        Self { bytes: item }
    }

    pub(super) fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut array = [0; N];
        let (taken, rest) = self.bytes.split_at(N.min(self.bytes.len()));
        for (to, from) in array.iter_mut().zip(taken) {
            *to = *from;
        }
        self.bytes = rest;
        array
    }

    pub(super) fn skip<const N: usize>(&mut self) {
        let _ = self.array::<N>();
    }

    pub(super) fn u8(&mut self) -> u8 {
        u8::from_be_bytes(self.array())
    }

    pub(super) fn i8(&mut self) -> i8 {
        i8::from_be_bytes(self.array())
    }

    pub(super) fn u16(&mut self) -> u16 {
        u16::from_be_bytes(self.array())
    }

    pub(super) fn u32(&mut self) -> u32 {
        u32::from_be_bytes(self.array())
    }

    pub(super) fn i32(&mut self) -> i32 {
        i32::from_be_bytes(self.array())
    }

    /// In the daemon's own byte order.
    pub(super) fn native_u16(&mut self) -> u16 {
        u16::from_le_bytes(self.array())
    }

    /// In the daemon's own byte order.
    pub(super) fn native_u32(&mut self) -> u32 {
        u32::from_le_bytes(self.array())
    }

    /// A word that is zero or not, in any byte order.
    pub(super) fn flag(&mut self) -> bool {
        self.array::<4>() != [0; 4]
    }

    pub(super) fn v4(&mut self) -> Ipv4Addr {
        Ipv4Addr::from(self.array::<4>())
    }

    pub(super) fn v6(&mut self) -> Ipv6Addr {
        Ipv6Addr::from(self.array::<16>())
    }

    /// Signed, with 16 bits of fraction.
    pub(super) fn short(&mut self) -> Fixed {
        Fixed(i64::from(self.i32()) << 16)
    }

    /// Unsigned, with 16 bits of fraction.
    pub(super) fn unsigned_short(&mut self) -> Fixed {
        Fixed(i64::from(self.u32()) << 16)
    }

    /// Signed, with 32 bits of fraction.
    pub(super) fn long(&mut self) -> Fixed {
        Fixed(i64::from_be_bytes(self.array()))
    }

    pub(super) fn timestamp(&mut self) -> NtpTimestamp {
        NtpTimestamp::from_bits(u64::from_be_bytes(self.array()))
    }
}

/// An address that stands in an item twice: where IPv4 addresses do, and where there was room for
/// IPv6 ones. What the other place holds is stale.
pub(super) const fn either(is_v6: bool, v4: Ipv4Addr, v6: Ipv6Addr) -> IpAddr {
    if is_v6 { IpAddr::V6(v6) } else { IpAddr::V4(v4) }
}

/// The bytes of an item of `N`, from its fields in order; what is left stays zero.
pub(super) fn item<const N: usize>(fields: &[&[u8]]) -> [u8; N] {
    let mut item = [0; N];
    for (to, from) in item.iter_mut().zip(fields.iter().copied().flatten()) {
        *to = *from;
    }
    item
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_zero() {
        let mut fields = Fields::new(&[1, 2, 3]);
        assert_eq!(fields.u16(), 0x0102);
        assert_eq!(fields.u32(), 0x0300_0000);
        assert!(!fields.flag());
        assert_eq!(fields.v6(), Ipv6Addr::UNSPECIFIED);
    }

    #[test]
    fn numbers_keep_their_sign_and_their_order() {
        let mut fields = Fields::new(&[0xff, 0xff, 0x80, 0, 0xff, 0xff, 0x80, 0, 1, 0, 1, 0, 0, 0]);
        assert_eq!(fields.short(), Fixed::from_bits(-0x8000_0000));
        assert_eq!(fields.unsigned_short(), Fixed::from_bits(0xffff_8000_0000));
        assert_eq!(fields.native_u16(), 1);
        assert_eq!(fields.native_u32(), 1);
    }

    #[test]
    fn an_item_is_filled_up_and_never_overfilled() {
        assert_eq!(item::<4>(&[&[1, 2]]), [1, 2, 0, 0]);
        assert_eq!(item::<2>(&[&[1], &[2, 3]]), [1, 2]);
    }
}
