//! The reference ID that stands for an address: how a loop of two who follow each other is seen.

use std::net::IpAddr;

use md5::{Digest as _, Md5};

use crate::units::RefId;

/// The reference ID of whoever follows a server at `address`: the address itself, or of an IPv6
/// address the first four octets of its MD5 (RFC 5905 §7.3).
pub fn address_id(address: IpAddr) -> RefId {
    match address.to_canonical() {
        IpAddr::V4(v4) => RefId::new(v4.octets()),
        IpAddr::V6(v6) => {
            let digest = Md5::digest(v6.octets());
            RefId::new(digest.first_chunk().copied().unwrap_or_default())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_the_identifiers_that_other_daemons_give_them() {
        for (address, expected) in [
            ("2001:db8::1", 0x39ab_9b37),
            ("::1", 0xcf40_4dc8),
            ("fe80::1", 0x89e5_301f),
            ("192.0.2.1", 0xc000_0201_u32),
        ] {
            let id = address_id(address.parse().unwrap());
            assert_eq!(id.octets(), expected.to_be_bytes(), "{address}");
        }
    }
}
