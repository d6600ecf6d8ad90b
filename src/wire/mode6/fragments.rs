//! Puts the fragments of a reply together.
//!
//! A reply is cut where a datagram is full, perhaps inside a number, and UDP may reorder, repeat or
//! lose its parts. Which datagrams belong to the reply (source, version, sequence, opcode, whole
//! words) is the caller's to say; this is only about where each piece goes.

use crate::wire::mode6::{ErrorCode, Message};

/// The most fragments that one reply may have, as in ntpq.
pub const MAX_FRAGMENTS: usize = 32;

/// The most fragments of a piece of the list of those who asked: those that a daemon lets a client
/// ask for, and one that it may add to close the list.
pub const MAX_LIST_FRAGMENTS: usize = 129;

/// A reply of which some fragments have come.
#[derive(Clone, Debug)]
pub struct Reassembly {
    most: usize,
    /// In order of their offsets, without overlaps.
    fragments: Vec<Fragment>,
    /// Length of the whole reply, known once its last fragment has come.
    end: Option<usize>,
    status: u16,
    finished: bool,
}

#[derive(Clone, Debug)]
struct Fragment {
    offset: usize,
    data: Vec<u8>,
}

impl Fragment {
    const fn end(&self) -> usize {
        self.offset + self.data.len()
    }
}

/// How far a reply is after one more datagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// All of it is there; nothing more is to be added.
    Complete(Reply),
    /// The datagram was kept and others are missing.
    NeedsMore,
    /// The datagram adds nothing, for this reason; the reply stands as before.
    Discarded(Discard),
    /// The daemon refused, perhaps after some fragments; nothing more is to be added.
    Refused(ErrorCode),
    /// The reply has more fragments than a client accepts; nothing more is to be added.
    TooLong,
}

/// A whole reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The data of all fragments in order.
    pub data: Vec<u8>,
    /// Status word of the fragment that came last.
    pub status: u16,
    /// How many fragments it took.
    pub datagrams: usize,
}

/// Why a datagram adds nothing to a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Discard {
    /// It is a request, not a reply.
    NotAReply,
    /// It says that more follow and carries nothing.
    Empty,
    /// A fragment with this offset has come before.
    Duplicate,
    /// It covers bytes that another fragment brought.
    Overlap,
    /// A different last fragment has come before.
    SecondEnd,
    /// It lies beyond the last fragment, or is a last fragment before one that has come.
    BeyondEnd,
    /// The reply was complete, refused or too long already.
    Finished,
}

impl Default for Reassembly {
    fn default() -> Self {
        Self::new()
    }
}

impl Reassembly {
    /// A reply of which nothing has come.
    pub const fn new() -> Self {
        Self::with_most(MAX_FRAGMENTS)
    }

    /// A reply that may have so many fragments.
    pub const fn with_most(most: usize) -> Self {
        Self { most, fragments: Vec::new(), end: None, status: 0, finished: false }
    }

    /// Whether the last fragment has come.
    pub const fn has_end(&self) -> bool {
        self.end.is_some()
    }

    /// What stands before the first gap; `None` when that is nothing.
    pub fn beginning(&self) -> Option<Reply> {
        let mut data: Vec<u8> = Vec::new();
        let mut datagrams = 0;
        for fragment in &self.fragments {
            if fragment.offset != data.len() {
                break;
            }
            data.extend(&fragment.data);
            datagrams += 1;
        }
        (!data.is_empty()).then_some(Reply { data, status: self.status, datagrams })
    }

    /// Fragments kept so far.
    pub const fn datagrams(&self) -> usize {
        self.fragments.len()
    }

    /// Takes in one datagram of the reply.
    pub fn add(&mut self, message: &Message<'_>) -> Progress {
        if self.finished {
            return Progress::Discarded(Discard::Finished);
        }
        if !message.response {
            return Progress::Discarded(Discard::NotAReply);
        }
        if let Some(code) = message.error_code() {
            self.finished = true;
            return Progress::Refused(code);
        }
        let fragment =
            Fragment { offset: usize::from(message.offset), data: message.data.to_vec() };
        let place = match self.place_of(&fragment, message.more) {
            Ok(place) => place,
            Err(reason) => return Progress::Discarded(reason),
        };
        if self.fragments.len() == self.most {
            self.finished = true;
            return Progress::TooLong;
        }
        if !message.more {
            self.end = Some(fragment.end());
        }
        self.fragments.insert(place, fragment);
        self.status = message.status;
        if !self.is_whole() {
            return Progress::NeedsMore;
        }
        self.finished = true;
        let datagrams = self.fragments.len();
        let mut data = Vec::with_capacity(self.end.unwrap_or(0));
        for fragment in self.fragments.drain(..) {
            data.extend_from_slice(&fragment.data);
        }
        Progress::Complete(Reply { data, status: self.status, datagrams })
    }

    /// Where among the fragments `new` belongs, or why nowhere.
    fn place_of(&self, new: &Fragment, more: bool) -> Result<usize, Discard> {
        if more && new.data.is_empty() {
            return Err(Discard::Empty);
        }
        let place = self.fragments.partition_point(|kept| kept.offset < new.offset);
        let (before, after) = self.fragments.split_at_checked(place).unwrap_or_default();
        if after.first().is_some_and(|next| next.offset == new.offset) {
            return Err(Discard::Duplicate);
        }
        match (self.end, more) {
            (Some(_), false) => return Err(Discard::SecondEnd),
            (Some(end), true) if new.end() > end => return Err(Discard::BeyondEnd),
            _ => {}
        }
        if before.last().is_some_and(|previous| previous.end() > new.offset)
            || after.first().is_some_and(|next| new.end() > next.offset)
        {
            return Err(Discard::Overlap);
        }
        if !more && !after.is_empty() {
            return Err(Discard::BeyondEnd);
        }
        Ok(place)
    }

    /// Whether the fragments join without a hole from the start to the known end.
    fn is_whole(&self) -> bool {
        let joined = self
            .fragments
            .iter()
            .try_fold(0, |reached, fragment| (fragment.offset == reached).then(|| fragment.end()));
        joined.is_some() && joined == self.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::AssocId;
    use crate::wire::mode6::Opcode;

    fn fragment(offset: u16, data: &[u8], more: bool) -> Message<'_> {
        Message {
            response: true,
            more,
            offset,
            status: 0x0615,
            ..Message::request(Opcode::ReadVariables, AssocId::SYSTEM, 1, data)
        }
    }

    fn complete(data: &[u8], datagrams: usize) -> Progress {
        Progress::Complete(Reply { data: data.to_vec(), status: 0x0615, datagrams })
    }

    #[test]
    fn one_fragment_is_a_whole_reply() {
        let mut reply = Reassembly::new();
        assert_eq!(reply.add(&fragment(0, b"leap=0", false)), complete(b"leap=0", 1));
        assert_eq!(
            reply.add(&fragment(0, b"leap=0", false)),
            Progress::Discarded(Discard::Finished)
        );
    }

    #[test]
    fn a_reply_may_be_empty() {
        assert_eq!(Reassembly::new().add(&fragment(0, b"", false)), complete(b"", 1));
    }

    #[test]
    fn fragments_may_come_in_any_order() {
        let mut reply = Reassembly::new();
        assert_eq!(reply.add(&fragment(6, b"gh", false)), Progress::NeedsMore);
        assert_eq!(reply.add(&fragment(0, b"abc", true)), Progress::NeedsMore);
        assert_eq!(reply.add(&fragment(3, b"def", true)), complete(b"abcdefgh", 3));
    }

    #[test]
    fn what_adds_nothing_is_discarded_with_a_reason() {
        let mut reply = Reassembly::new();
        assert_eq!(reply.add(&fragment(4, b"ef", true)), Progress::NeedsMore);
        for (datagram, reason) in [
            (fragment(0, b"", true), Discard::Empty),
            (fragment(4, b"ef", true), Discard::Duplicate),
            (fragment(5, b"f", true), Discard::Overlap),
            (fragment(2, b"cde", true), Discard::Overlap),
            (fragment(0, b"ab", false), Discard::BeyondEnd),
            (Message { response: false, ..fragment(0, b"abcd", true) }, Discard::NotAReply),
        ] {
            assert_eq!(reply.add(&datagram), Progress::Discarded(reason), "{datagram:?}");
        }
        assert_eq!(reply.add(&fragment(6, b"gh", false)), Progress::NeedsMore);
        for (datagram, reason) in [
            (fragment(8, b"", false), Discard::SecondEnd),
            (fragment(8, b"i", true), Discard::BeyondEnd),
        ] {
            assert_eq!(reply.add(&datagram), Progress::Discarded(reason), "{datagram:?}");
        }
        assert_eq!(reply.add(&fragment(0, b"abcd", true)), complete(b"abcdefgh", 3));
    }

    #[test]
    fn an_error_ends_the_reply_even_in_its_middle() {
        let mut reply = Reassembly::new();
        assert_eq!(reply.add(&fragment(0, b"ab", true)), Progress::NeedsMore);
        let refusal = Message { error: true, status: 0x0500, ..fragment(9, b"", false) };
        assert_eq!(reply.add(&refusal), Progress::Refused(ErrorCode::UnknownVariable));
        assert_eq!(reply.add(&refusal), Progress::Discarded(Discard::Finished));
    }

    #[test]
    fn what_stands_before_a_gap_is_to_be_had() {
        let mut reply = Reassembly::with_most(3);
        assert_eq!(reply.beginning(), None);
        assert_eq!(reply.add(&fragment(3, b"def", true)), Progress::NeedsMore);
        assert_eq!(reply.beginning(), None);
        assert_eq!(reply.add(&fragment(0, b"abc", true)), Progress::NeedsMore);
        let beginning = reply.beginning().unwrap();
        assert_eq!((beginning.data.as_slice(), beginning.datagrams), (&b"abcdef"[..], 2));
        assert_eq!(reply.add(&fragment(9, b"jkl", false)), Progress::NeedsMore);
        assert_eq!(reply.beginning(), Some(beginning));
        assert!(reply.has_end());
        assert_eq!(reply.add(&fragment(6, b"ghi", true)), Progress::TooLong);
    }

    #[test]
    fn thirty_two_fragments_are_taken_and_no_more() {
        let mut reply = Reassembly::new();
        for offset in 1..=32 {
            assert_eq!(reply.add(&fragment(offset, b"x", true)), Progress::NeedsMore);
        }
        assert_eq!(reply.add(&fragment(33, b"x", false)), Progress::TooLong);

        let mut reply = Reassembly::new();
        for offset in 1..32 {
            assert_eq!(reply.add(&fragment(offset, b"x", offset != 31)), Progress::NeedsMore);
        }
        assert_eq!(reply.add(&fragment(0, b"x", true)), complete(&[b'x'; 32], 32));
    }
}
