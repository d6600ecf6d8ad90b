//! Sequence numbers that nobody can guess and none of which comes back too soon.
//!
//! A reply is recognised by its sequence number and little else, so a number must not be used
//! again while an answer to its former use may still be under way, and one who cannot see our
//! datagrams must not be able to tell what to forge.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use crate::control::session::Ticket;
use crate::units::Mono;

/// The sequence numbers of one session.
#[derive(Clone, Debug)]
pub(super) struct Sequences {
    generator: ChaCha20Rng,
    uses: HashMap<u16, Use>,
    /// Retired numbers, oldest first, with when they were retired.
    retired: VecDeque<(u16, Mono)>,
}

/// What a number is or was used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// A question that is open.
    Active(Ticket),
    /// A question that was answered under this number.
    Answered,
    /// A question that was given up, taken back, or answered under another number.
    Abandoned,
}

impl Sequences {
    pub(super) fn new(seed: [u8; 32]) -> Self {
        Self {
            generator: ChaCha20Rng::from_seed(seed),
            uses: HashMap::new(),
            retired: VecDeque::new(),
        }
    }

    /// A number that is not in use and was not for a while.
    pub(super) fn assign(&mut self, now: Mono, ticket: Ticket) -> u16 {
        self.forget_old(now);
        loop {
            let [low, high, ..] = self.generator.next_u32().to_le_bytes();
            let sequence = u16::from_le_bytes([low, high]);
            if let Entry::Vacant(free) = self.uses.entry(sequence) {
                free.insert(Use::Active(ticket));
                return sequence;
            }
        }
    }

    /// What `sequence` is used for; `None` when it is not one of ours.
    pub(super) fn find(&self, sequence: u16) -> Option<Use> {
        self.uses.get(&sequence).copied()
    }

    /// Ends the use of `sequence`; it is kept from being used again for a while.
    pub(super) fn retire(&mut self, now: Mono, sequence: u16, answered: bool) {
        let last = if answered { Use::Answered } else { Use::Abandoned };
        self.uses.insert(sequence, last);
        self.retired.push_back((sequence, now));
    }

    /// Frees what was retired long ago, and the oldest when there are very many: open questions
    /// and retired numbers must never fill the whole space.
    fn forget_old(&mut self, now: Mono) {
        while let Some((sequence, at)) = self.retired.front().copied() {
            if now.since(at) < QUARANTINE && self.retired.len() <= MOST_RETIRED {
                break;
            }
            self.retired.pop_front();
            self.uses.remove(&sequence);
        }
    }
}

/// How long a late answer may be under way: IP allows a datagram two minutes (RFC 791 §3.2).
const QUARANTINE: Duration = Duration::from_secs(120);
const MOST_RETIRED: usize = 32_768;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_comes_back_only_after_its_quarantine() {
        let mut sequences = Sequences::new([1; 32]);
        let start = Mono::default();
        let mut seen = std::collections::HashSet::new();
        for n in 0..20_000 {
            let sequence = sequences.assign(start, Ticket::new(n));
            assert!(seen.insert(sequence));
            sequences.retire(start, sequence, n % 2 == 0);
        }
        assert_eq!(sequences.uses.len(), 20_000);
        sequences.assign(start + QUARANTINE, Ticket::new(0));
        assert_eq!(sequences.uses.len(), 1);
    }

    #[test]
    fn retired_numbers_never_fill_the_space() {
        let mut sequences = Sequences::new([2; 32]);
        for n in 0..100_000 {
            let sequence = sequences.assign(Mono::default(), Ticket::new(n));
            sequences.retire(Mono::default(), sequence, true);
        }
        assert!(sequences.uses.len() <= MOST_RETIRED + 1);
    }

    #[test]
    fn seeds_give_sequences_of_their_own() {
        let draw = |seed| {
            let mut sequences = Sequences::new([seed; 32]);
            [(); 4].map(|()| sequences.assign(Mono::default(), Ticket::new(1)))
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }
}
