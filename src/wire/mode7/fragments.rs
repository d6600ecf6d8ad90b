//! Putting the datagrams of a reply together.
//!
//! They come in any order, some twice, some not at all, and some from an earlier question of the
//! same kind, which nothing tells from this one. What a datagram claims is believed only as far as
//! its bytes reach. A reply is whole when the datagram without the more flag is there and all that
//! precede it in sequence.
//!
//! Differs: ntpdc keeps items in the order in which datagrams arrive and counts datagrams to know
//! whether all are there; we go by the sequence numbers.

use crate::wire::mode7::{Code, Implementation, MAX_REPLY_DATA, Message, Refusal};

/// The items of a whole reply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Items {
    item_len: usize,
    count: usize,
    bytes: Vec<u8>,
}

impl Items {
    /// Bytes of each item.
    pub const fn item_len(&self) -> usize {
        self.item_len
    }

    /// How many there are.
    pub const fn count(&self) -> usize {
        self.count
    }

    /// Each item's bytes.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes.chunks_exact(self.item_len.max(1)).take(self.count)
    }
}

/// What a datagram did for the reply that is awaited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Nothing, and why.
    Ignored(Ignored),
    /// It is a part, and others are missing.
    Partial,
    /// The daemon refuses.
    Refused(Refusal),
    /// The reply is whole.
    Complete(Items),
}

/// Why a datagram is no part of the reply that is awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ignored {
    /// It is too short, or of another mode.
    Unreadable,
    /// It claims a version that no daemon of this protocol has.
    Version,
    /// It is signed, which no reply is.
    Signed,
    /// It is a request.
    Request,
    /// Bits that have to be zero are not.
    Reserved,
    /// It answers another question.
    OtherQuestion,
    /// It claims more items than it has bytes for, or items without bytes.
    Overrun,
    /// Its items are of another size than those before.
    OtherSize,
    /// Its place in the sequence is taken.
    Duplicate,
    /// It comes after the last one, or is a second last one.
    BeyondEnd,
}

/// The parts of one reply, as they come in.
#[derive(Clone, Debug)]
pub struct Reassembly {
    implementation: Implementation,
    code: Code,
    parts: Vec<Option<Part>>,
    item_len: Option<u16>,
    /// The sequence number of the last part, once it is known.
    last: Option<u8>,
}

#[derive(Clone, Debug)]
struct Part {
    count: u16,
    bytes: Vec<u8>,
}

impl Reassembly {
    /// Waits for the reply to a request of `implementation` and `code`.
    pub const fn new(implementation: Implementation, code: Code) -> Self {
        Self { implementation, code, parts: Vec::new(), item_len: None, last: None }
    }

    /// Whether any part is there.
    pub const fn has_begun(&self) -> bool {
        self.item_len.is_some()
    }

    /// Takes in one datagram.
    pub fn add(&mut self, datagram: &[u8]) -> Progress {
        self.part_of(datagram).unwrap_or_else(Progress::Ignored)
    }

    fn part_of(&mut self, datagram: &[u8]) -> Result<Progress, Ignored> {
        let message = Message::parse(datagram).map_err(|_| Ignored::Unreadable)?;
        self.check_header(&message)?;
        if let Some(refusal) = message.refusal {
            return Ok(Progress::Refused(refusal));
        }
        let bytes = message.items().map_err(|_| Ignored::Overrun)?;
        // Items of no bytes could be any number, which would all have to be printed.
        if bytes.len() > MAX_REPLY_DATA || message.count > 0 && message.item_len == 0 {
            return Err(Ignored::Overrun);
        }
        if self.item_len.is_some_and(|len| len != message.item_len) {
            return Err(Ignored::OtherSize);
        }
        let place = usize::from(message.sequence);
        if self.parts.get(place).is_some_and(Option::is_some) {
            return Err(Ignored::Duplicate);
        }
        if self.last.is_some_and(|last| message.sequence > last || !message.more) {
            return Err(Ignored::BeyondEnd);
        }
        if !message.more && self.parts.len() > place {
            return Err(Ignored::BeyondEnd);
        }
        self.item_len = Some(message.item_len);
        if !message.more {
            self.last = Some(message.sequence);
        }
        if self.parts.len() <= place {
            self.parts.resize(place + 1, None);
        }
        if let Some(slot) = self.parts.get_mut(place) {
            *slot = Some(Part { count: message.count, bytes: bytes.to_vec() });
        }
        Ok(self.whole().map_or(Progress::Partial, Progress::Complete))
    }

    fn check_header(&self, message: &Message<'_>) -> Result<(), Ignored> {
        if !matches!(message.version, 1..=4) {
            return Err(Ignored::Version);
        }
        if message.authenticated {
            return Err(Ignored::Signed);
        }
        if !message.response {
            return Err(Ignored::Request);
        }
        if message.reserved != 0 {
            return Err(Ignored::Reserved);
        }
        if message.implementation != self.implementation || message.code != self.code {
            return Err(Ignored::OtherQuestion);
        }
        Ok(())
    }

    /// The items, when the last part and all before it are there.
    fn whole(&self) -> Option<Items> {
        let last = usize::from(self.last?);
        let parts: Option<Vec<&Part>> = self.parts.iter().map(Option::as_ref).collect();
        let parts = parts.filter(|parts| parts.len() == last + 1)?;
        Some(Items {
            item_len: usize::from(self.item_len?),
            count: parts.iter().map(|part| usize::from(part.count)).sum(),
            bytes: parts.iter().flat_map(|part| part.bytes.iter().copied()).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(sequence: u8, more: bool, items: &'static [u8]) -> Vec<u8> {
        message(sequence, more, items).emit()
    }

    fn message(sequence: u8, more: bool, items: &'static [u8]) -> Message<'static> {
        Message {
            response: true,
            more,
            version: 2,
            authenticated: false,
            sequence,
            implementation: Implementation::Current,
            code: Code::PeerList,
            refusal: None,
            count: u16::try_from(items.len() / 2).unwrap(),
            reserved: 0,
            item_len: 2,
            body: items,
        }
    }

    fn waiting() -> Reassembly {
        Reassembly::new(Implementation::Current, Code::PeerList)
    }

    #[test]
    fn parts_are_put_in_order_whatever_the_order_they_come_in() {
        let parts = [part(0, true, b"aabb"), part(1, true, b"cc"), part(2, false, b"dd")];
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [2, 0, 1]] {
            let mut waiting = waiting();
            assert_eq!(waiting.add(&parts[order[0]]), Progress::Partial);
            assert_eq!(waiting.add(&parts[order[1]]), Progress::Partial);
            let again = waiting.add(&parts[order[1]]);
            assert_eq!(again, Progress::Ignored(Ignored::Duplicate));
            let Progress::Complete(items) = waiting.add(&parts[order[2]]) else { panic!() };
            assert_eq!(items.iter().collect::<Vec<_>>(), [b"aa", b"bb", b"cc", b"dd"]);
            assert_eq!((items.count(), items.item_len()), (4, 2));
        }
    }

    #[test]
    fn a_part_that_is_missing_is_waited_for() {
        let mut waiting = waiting();
        assert!(!waiting.has_begun());
        assert_eq!(waiting.add(&part(0, true, b"aa")), Progress::Partial);
        assert_eq!(waiting.add(&part(2, false, b"cc")), Progress::Partial);
        assert!(waiting.has_begun());
        assert_eq!(waiting.add(&part(3, true, b"dd")), Progress::Ignored(Ignored::BeyondEnd));
        assert_eq!(waiting.add(&part(1, false, b"bb")), Progress::Ignored(Ignored::BeyondEnd));
        assert!(matches!(waiting.add(&part(1, true, b"bb")), Progress::Complete(_)));
    }

    #[test]
    fn the_last_part_cannot_come_before_one_that_is_there() {
        let mut waiting = waiting();
        waiting.add(&part(5, true, b"aa"));
        assert_eq!(waiting.add(&part(3, false, b"bb")), Progress::Ignored(Ignored::BeyondEnd));
    }

    #[test]
    fn what_is_no_part_changes_nothing() {
        let good = || message(0, false, b"aabb");
        for (message, why) in [
            (Message { version: 0, ..good() }, Ignored::Version),
            (Message { version: 5, ..good() }, Ignored::Version),
            (Message { authenticated: true, ..good() }, Ignored::Signed),
            (Message { response: false, ..good() }, Ignored::Request),
            (Message { reserved: 1, ..good() }, Ignored::Reserved),
            (Message { code: Code::PeerInfo, ..good() }, Ignored::OtherQuestion),
            (Message { implementation: Implementation::Old, ..good() }, Ignored::OtherQuestion),
            (Message { count: 3, ..good() }, Ignored::Overrun),
            (Message { count: 4095, item_len: 4095, ..good() }, Ignored::Overrun),
            (Message { count: 4095, item_len: 0, ..good() }, Ignored::Overrun),
        ] {
            let mut waiting = waiting();
            assert_eq!(waiting.add(&message.emit()), Progress::Ignored(why));
            assert!(matches!(waiting.add(&good().emit()), Progress::Complete(_)));
        }
        assert_eq!(waiting().add(b"\x97\0\x03"), Progress::Ignored(Ignored::Unreadable));
        let mut waiting = waiting();
        waiting.add(&part(0, true, b"aabb"));
        let other = Message { item_len: 1, ..message(1, false, b"cc") };
        assert_eq!(waiting.add(&other.emit()), Progress::Ignored(Ignored::OtherSize));
    }

    #[test]
    fn a_refusal_ends_the_wait() {
        let refused = Message {
            refusal: Some(Refusal::NoData),
            count: 0,
            item_len: 0,
            ..message(0, false, b"")
        };
        assert_eq!(waiting().add(&refused.emit()), Progress::Refused(Refusal::NoData));
    }

    #[test]
    fn nothing_is_an_answer_too() {
        let empty = Message { item_len: 0, ..message(0, false, b"") };
        let Progress::Complete(items) = waiting().add(&empty.emit()) else { panic!() };
        assert_eq!((items.count(), items.iter().count()), (0, 0));
    }
}
