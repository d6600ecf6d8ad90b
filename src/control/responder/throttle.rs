//! How much those are answered whom no line of the configuration names.
//!
//! An answer can be many times as long as its question, and a question can come in another's name.
//! So each address, or each network of 64 bits of IPv6, has a bucket. An empty bucket means
//! silence. When there are too many buckets all others share one, so that neither memory nor what
//! is sent altogether can be driven up.

use std::collections::HashMap;
use std::net::IpAddr;

use crate::units::Mono;

/// The buckets.
#[derive(Debug, Default)]
pub(super) struct Throttle {
    buckets: HashMap<u128, Bucket>,
    common: Option<Bucket>,
    swept: Option<Mono>,
}

/// What one may still get, as it was at a moment.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    answers: f64,
    /// Below zero after a long answer: such a one is paid for afterwards.
    bytes: f64,
    at: Mono,
}

impl Throttle {
    /// Whether `address` may have another answer.
    pub(super) fn admits(&mut self, address: IpAddr, now: Mono) -> bool {
        let bucket = self.bucket(address, now);
        if bucket.answers < 1.0 || bucket.bytes <= 0.0 {
            return false;
        }
        bucket.answers -= 1.0;
        true
    }

    /// `address` was sent so many bytes.
    pub(super) fn charge(&mut self, address: IpAddr, now: Mono, bytes: usize) {
        #[expect(clippy::cast_precision_loss, reason = "an answer is far shorter than 2⁵³ bytes")]
        let bytes = bytes as f64;
        self.bucket(address, now).bytes -= bytes;
    }

    fn bucket(&mut self, address: IpAddr, now: Mono) -> &mut Bucket {
        let key = key(address);
        let has_room = self.buckets.contains_key(&key) || self.make_room(now);
        let bucket = if has_room {
            self.buckets.entry(key).or_insert_with(|| Bucket::full(now))
        } else {
            self.common.get_or_insert_with(|| Bucket::full(now))
        };
        bucket.refill(now);
        bucket
    }

    /// Drops what says nothing any more, at most once a second; whether one more has room.
    fn make_room(&mut self, now: Mono) -> bool {
        if self.buckets.len() < MOST_BUCKETS {
            return true;
        }
        let is_time = self.swept.is_none_or(|swept| now.since(swept).as_secs() >= 1);
        if is_time {
            self.swept = Some(now);
            self.buckets.retain(|_, bucket| {
                bucket.refill(now);
                bucket.answers < ANSWERS || bucket.bytes < BYTES
            });
        }
        self.buckets.len() < MOST_BUCKETS
    }
}

impl Bucket {
    const fn full(now: Mono) -> Self {
        Self { answers: ANSWERS, bytes: BYTES, at: now }
    }

    fn refill(&mut self, now: Mono) {
        let passed_s = now.since(self.at).as_secs_f64();
        self.answers = (self.answers + passed_s * ANSWERS_A_SECOND).min(ANSWERS);
        self.bytes = (self.bytes + passed_s * BYTES_A_SECOND).min(BYTES);
        self.at = self.at.max(now);
    }
}

/// An address of IPv4, or a network of IPv6: its hosts are one.
fn key(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(address) => u128::from(address.to_bits()) | 0xffff << 32,
        IpAddr::V6(address) => address.to_bits() >> 64 << 64,
    }
}

/// Answers that one may have at once, and how many more each second.
const ANSWERS: f64 = 16.0;
const ANSWERS_A_SECOND: f64 = 2.0;

/// Bytes likewise.
const BYTES: f64 = 8192.0;
const BYTES_A_SECOND: f64 = 8192.0;

/// Buckets that there may be.
const MOST_BUCKETS: usize = 4096;

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    fn at(milliseconds: u64) -> Mono {
        Mono::from_nanos(milliseconds * 1_000_000)
    }

    fn answers(throttle: &mut Throttle, address: IpAddr, now: Mono) -> usize {
        (0..100).filter(|_| throttle.admits(address, now)).count()
    }

    #[test]
    fn sixteen_at_once_and_two_a_second() {
        let mut throttle = Throttle::default();
        let address = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));
        assert_eq!(answers(&mut throttle, address, at(0)), 16);
        assert_eq!(answers(&mut throttle, address, at(499)), 0);
        assert_eq!(answers(&mut throttle, address, at(3_000)), 6);
        assert_eq!(answers(&mut throttle, Ipv4Addr::new(192, 0, 2, 8).into(), at(3_000)), 16);
    }

    #[test]
    fn a_long_answer_is_paid_for() {
        let mut throttle = Throttle::default();
        let address = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));
        assert!(throttle.admits(address, at(0)));
        throttle.charge(address, at(0), 15_000);
        assert!(!throttle.admits(address, at(800)));
        assert!(throttle.admits(address, at(900)));
    }

    #[test]
    fn hosts_of_one_network_share() {
        let mut throttle = Throttle::default();
        let host = |n: u16| IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 1, n, 0, 0, n));
        let all: usize = (0..50).map(|n| answers(&mut throttle, host(n), at(0))).sum();
        assert_eq!(all, 16);
        let mapped = Ipv4Addr::new(192, 0, 2, 7).to_ipv6_mapped().into();
        assert_eq!(answers(&mut throttle, mapped, at(0)), 16);
        assert_eq!(answers(&mut throttle, Ipv4Addr::new(192, 0, 2, 7).into(), at(0)), 0);
    }

    #[test]
    fn a_flood_of_addresses_takes_bounded_memory_and_gets_bounded_answers() {
        let mut throttle = Throttle::default();
        let host = |n: u32| IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + n));
        let answered = (0..100_000).filter(|n| throttle.admits(host(*n), at(0))).count();
        assert_eq!(throttle.buckets.len(), MOST_BUCKETS);
        assert_eq!(answered, MOST_BUCKETS + 16);
        // Nobody gets anew what he had, by making others be forgotten.
        assert_eq!(answers(&mut throttle, host(3), at(0)), 15);
        // When all are full again there is room.
        assert!(throttle.admits(host(200_000), at(60_000)));
        assert_eq!(throttle.buckets.len(), 1);
    }
}
