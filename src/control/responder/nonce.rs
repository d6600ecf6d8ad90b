//! Nonces: who has one has shown that datagrams sent to its address and port arrive there.
//!
//! A nonce is a time and a code over it, the address and the port, so nothing is kept of whom one
//! was given to.
//!
//! Differs: ntpd's has 64 bits of time and 32 of the code; ours 32 of time, which is enough, and 64
//! of the code. Both are 24 hexadecimal digits.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::units::Mono;

/// Makes nonces and knows its own.
pub(super) struct Nonces {
    secret: Zeroizing<[u8; 32]>,
}

impl fmt::Debug for Nonces {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nonces")
    }
}

impl Nonces {
    /// `secret` must not be guessed.
    pub(super) fn new(secret: [u8; 32]) -> Self {
        Self { secret: Zeroizing::new(secret) }
    }

    /// A nonce for whoever is at `asker`.
    pub(super) fn make(&self, asker: SocketAddr, now: Mono) -> String {
        let time = milliseconds(now);
        format!("{time:08x}{:016x}", self.code(time, asker))
    }

    /// Whether `nonce` was made for `asker`, not long ago.
    pub(super) fn is_valid(&self, nonce: &str, asker: SocketAddr, now: Mono) -> bool {
        let digits = nonce.len() == 24 && nonce.bytes().all(|byte| byte.is_ascii_hexdigit());
        let Some((time, code)) = nonce.split_at_checked(8).filter(|_| digits) else { return false };
        let Ok(time) = u32::from_str_radix(time, 16) else { return false };
        let is_fresh = milliseconds(now).wrapping_sub(time) < LIFETIME_MS;
        // Compared as a whole, which takes as long however much of it is right.
        let difference = u64::from_str_radix(code, 16).map(|code| code ^ self.code(time, asker));
        is_fresh && difference == Ok(0)
    }

    fn code(&self, time: u32, asker: SocketAddr) -> u64 {
        let address = match asker.ip() {
            IpAddr::V4(address) => address.to_ipv6_mapped(),
            IpAddr::V6(address) => address,
        };
        // Cut short, and over a message of one length, so it cannot be extended.
        let digest = Sha256::new()
            .chain_update(self.secret.as_slice())
            .chain_update(time.to_be_bytes())
            .chain_update(address.octets())
            .chain_update(asker.port().to_be_bytes())
            .finalize();
        digest.first_chunk().copied().map_or(0, u64::from_be_bytes)
    }
}

/// Milliseconds of a clock that begins anew after 49 days.
fn milliseconds(now: Mono) -> u32 {
    u32::try_from((now.nanos() / 1_000_000) & u64::from(u32::MAX)).unwrap_or_default()
}

/// As long as ntpd's.
const LIFETIME_MS: u32 = 16_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn nonces() -> Nonces {
        Nonces::new([7; 32])
    }

    fn second(n: u64) -> Mono {
        Mono::from_nanos(n * 1_000_000_000)
    }

    #[test]
    fn a_nonce_is_good_for_its_address_and_port_and_for_a_while() {
        let nonces = nonces();
        let asker: SocketAddr = "192.0.2.7:4000".parse().unwrap();
        let nonce = nonces.make(asker, second(100));
        assert_eq!(nonce.len(), 24);
        assert!(nonces.is_valid(&nonce, asker, second(115)));
        assert!(!nonces.is_valid(&nonce, asker, second(116)));
        assert!(!nonces.is_valid(&nonce, asker, second(99)));
        assert!(!nonces.is_valid(&nonce, "192.0.2.7:4001".parse().unwrap(), second(100)));
        assert!(!nonces.is_valid(&nonce, "192.0.2.8:4000".parse().unwrap(), second(100)));
        assert!(nonces.is_valid(&nonce, "[::ffff:192.0.2.7]:4000".parse().unwrap(), second(100)));
        let others = Nonces::new([8; 32]);
        assert!(!others.is_valid(&nonce, asker, second(100)));
    }

    #[test]
    fn no_other_text_is_a_nonce() {
        let nonces = nonces();
        let asker = "192.0.2.7:4000".parse().unwrap();
        let nonce = nonces.make(asker, second(1));
        for at in 0..nonce.len() {
            let mut other = nonce.clone();
            let digit = if other.as_bytes()[at] == b'0' { "1" } else { "0" };
            other.replace_range(at..=at, digit);
            assert!(!nonces.is_valid(&other, asker, second(1)), "{at}");
            assert!(!nonces.is_valid(&nonce[..at], asker, second(1)));
        }
        assert!(!nonces.is_valid(&format!("{nonce}0"), asker, second(1)));
        assert!(!nonces.is_valid("+0000001+000000000000000", asker, second(1)));
        assert!(!nonces.is_valid("éééééééééééé", asker, second(1)));
    }

    #[test]
    fn the_time_may_begin_anew() {
        let nonces = nonces();
        let asker = "192.0.2.7:4000".parse().unwrap();
        let nonce = nonces.make(asker, Mono::from_nanos(0xffff_ffff * 1_000_000));
        assert!(nonces.is_valid(&nonce, asker, Mono::from_nanos(0x1_0000_0005 * 1_000_000)));
    }
}
