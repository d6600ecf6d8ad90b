//! How often a client may ask: ntpd's bucket.
//!
//! Each packet fills a client's bucket by the average headway it should keep, each second that
//! passes empties it by one. A bucket that would overflow, or packets that come faster than the
//! least headway, mean that this packet is not answered; the first of them may be told so by a kiss.

use std::time::Duration;

/// What clients have to keep to (`discard`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Headway {
    /// `average`: the headway that clients should keep on average, as an exponent of two seconds.
    pub average: u8,
    /// `minimum`: the least headway between two packets, in seconds.
    pub minimum: u32,
}

impl Default for Headway {
    fn default() -> Self {
        Self { average: 3, minimum: 2 }
    }
}

/// A client's bucket, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bucket(u32);

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Judgement {
    /// It may be answered.
    Fair,
    /// It is too much; the client may be told.
    Kiss,
    /// It is too much, and the client was told already.
    TooMuch,
}

impl Bucket {
    /// An empty one.
    pub const fn new() -> Self {
        Self(0)
    }

    /// Takes in a packet that came `elapsed` after the one before it.
    pub fn fill(&mut self, elapsed: Duration, headway: Headway) -> Judgement {
        let seconds = u32::try_from((elapsed + HALF_SECOND).as_secs()).unwrap_or(u32::MAX);
        let left = self.0.saturating_sub(seconds);
        let head = 1 << headway.average.min(MOST_AVERAGE);
        let limit = head * PACKETS;
        let filled = left + head;
        if seconds.saturating_add(1) >= headway.minimum && filled < limit {
            self.0 = filled - TOLERANCE.min(filled);
            return Judgement::Fair;
        }
        if left < limit {
            self.0 = limit + head;
            return Judgement::Kiss;
        }
        self.0 = left;
        Judgement::TooMuch
    }

    /// How full it is, in seconds.
    pub const fn seconds(self) -> u32 {
        self.0
    }
}

const HALF_SECOND: Duration = Duration::from_millis(500);

/// Packets at the average headway that a bucket holds.
const PACKETS: u32 = 8;

/// What is let pass beyond the average, so that clients that keep to it exactly are not limited.
const TOLERANCE: u32 = 2;

/// The greatest exponent of a headway.
const MOST_AVERAGE: u8 = 17;

#[cfg(test)]
mod tests {
    use super::*;

    /// What becomes of packets at `times`, in seconds, the first of which makes the bucket.
    fn judged(times: impl IntoIterator<Item = u64>) -> Vec<(u64, Judgement, u32)> {
        let mut bucket = Bucket::default();
        let mut last = None;
        let mut judged = Vec::new();
        for now in times {
            if let Some(last) = last.replace(now) {
                let elapsed = Duration::from_secs(now - last);
                let judgement = bucket.fill(elapsed, Headway::default());
                judged.push((now, judgement, bucket.seconds()));
            }
        }
        judged
    }

    #[test]
    fn a_client_that_asks_every_two_seconds_fills_its_bucket_slowly() {
        let times = [0, 2, 4, 6, 8, 10, 12, 14, 16, 17, 18, 30];
        let levels: Vec<_> = judged(times).iter().map(|(_, _, level)| *level).collect();
        assert_eq!(levels, [6, 10, 14, 18, 22, 26, 30, 34, 39, 44, 38]);
        assert!(judged(times).iter().all(|(_, judgement, _)| *judgement == Judgement::Fair));
    }

    #[test]
    fn a_packet_a_second_is_limited_from_the_thirteenth_on_and_told_once_in_nine() {
        let judged = judged(0..=31);
        let of = |wanted| {
            let is_it = |(_, judgement, _): &&(u64, Judgement, u32)| *judgement == wanted;
            judged.iter().filter(is_it).map(|(at, ..)| *at).collect::<Vec<_>>()
        };
        assert_eq!(of(Judgement::Fair), (1..=12).collect::<Vec<_>>());
        assert_eq!(of(Judgement::Kiss), [13, 22, 31]);
    }

    #[test]
    fn two_packets_at_once_are_too_much_whatever_the_bucket_holds() {
        let mut bucket = Bucket::default();
        let headway = Headway::default();
        assert_eq!(bucket.fill(Duration::from_millis(400), headway), Judgement::Kiss);
        assert_eq!(bucket.fill(Duration::from_millis(400), headway), Judgement::TooMuch);
        assert_eq!(bucket.fill(Duration::from_secs(1 << 40), headway), Judgement::Fair);
    }
}
