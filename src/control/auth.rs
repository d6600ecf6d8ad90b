//! Keyed requests: which key, and where the daemon looks for its code.
//!
//! Daemons disagree on where a request's code begins (see [`crate::wire::mode6::auth`]). Where the
//! length of the data leaves it open, the rule of the daemon's dialect is tried first, the older one
//! while that is not known; a refusal for lack of permission is then answered with the other rule,
//! once, and what worked is remembered. Refused requests change nothing, so this is safe for every
//! opcode.

use crate::model::Dialect;
use crate::wire::mac::Key;
use crate::wire::mode6::Message;
use crate::wire::mode6::auth::{self, Alignment, Authenticity};

/// Signs the requests to one daemon and judges its replies.
#[derive(Clone, Debug)]
pub(super) struct Signer {
    key: Key,
    /// Where daemons of this kind look for the code.
    usual: Alignment,
    /// Where this daemon does, once it has shown it.
    known: Option<Alignment>,
}

impl Signer {
    pub(super) fn new(key: Key) -> Self {
        Self { key, usual: Alignment::default(), known: None }
    }

    /// Learns which kind of daemon it is.
    pub(super) fn set_dialect(&mut self, dialect: Dialect) {
        self.usual = if dialect == Dialect::Ntpsec { Alignment::Four } else { Alignment::Eight };
    }

    /// Forgets what the daemon has shown.
    pub(super) const fn forget(&mut self) {
        self.known = None;
    }

    /// The alignment to try first.
    pub(super) fn first_alignment(&self) -> Alignment {
        self.known.unwrap_or(self.usual)
    }

    /// The alignment to try after a request with `data_len` bytes of data was refused under
    /// `tried`; `None` when the refusal cannot come from that.
    pub(super) const fn other_alignment(
        &self,
        tried: Alignment,
        data_len: usize,
    ) -> Option<Alignment> {
        if self.known.is_some() || Alignment::is_unambiguous(data_len) {
            return None;
        }
        Some(match tried {
            Alignment::Eight => Alignment::Four,
            Alignment::Four => Alignment::Eight,
        })
    }

    /// Remembers that a request was accepted.
    pub(super) const fn accepted(&mut self, tried: Alignment, data_len: usize) {
        if !Alignment::is_unambiguous(data_len) {
            self.known = Some(tried);
        }
    }

    /// The datagram of `request`, signed.
    pub(super) fn sign(&self, request: &Message<'_>, alignment: Alignment) -> Vec<u8> {
        auth::sign_request(request, &self.key, alignment)
    }

    /// Judges the code of a reply.
    pub(super) fn judge(&self, datagram: &[u8], reply: &Message<'_>) -> Authenticity {
        auth::verify_reply(datagram, reply, &self.key)
    }
}

/// Which of two verdicts on fragments of one reply says less for it.
pub(super) const fn weaker(one: Authenticity, other: Authenticity) -> Authenticity {
    const fn strength(verdict: Authenticity) -> u8 {
        match verdict {
            Authenticity::Forged => 0,
            Authenticity::OtherKey(_) => 1,
            Authenticity::Nak => 2,
            Authenticity::Unsigned => 3,
            Authenticity::Verified => 4,
        }
    }
    if strength(one) <= strength(other) { one } else { other }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_alignment_is_tried_only_where_it_could_matter() {
        let mut signer = Signer::new(Key::from_text(1, "MD5", "x").unwrap());
        assert_eq!(signer.other_alignment(Alignment::Eight, 7), Some(Alignment::Four));
        assert_eq!(signer.other_alignment(Alignment::Eight, 1), None);
        assert_eq!(signer.other_alignment(Alignment::Four, 7), Some(Alignment::Eight));
        signer.accepted(Alignment::Four, 7);
        assert_eq!(signer.first_alignment(), Alignment::Four);
        assert_eq!(signer.other_alignment(Alignment::Four, 7), None);
    }

    #[test]
    fn a_dialect_tells_the_alignment_until_the_daemon_shows_another() {
        let mut signer = Signer::new(Key::from_text(1, "MD5", "x").unwrap());
        signer.set_dialect(Dialect::Ntpsec);
        assert_eq!(signer.first_alignment(), Alignment::Four);
        signer.accepted(Alignment::Eight, 7);
        assert_eq!(signer.first_alignment(), Alignment::Eight);
    }
}
