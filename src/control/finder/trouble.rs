//! Which of several ways that nobody answers on says most about why.

use crate::control::chrony::Transport;
use crate::control::finder::line::Kind;
use crate::model::Contact;
use crate::model::question::Unreachable;

/// How much `contact`, on a line of `kind`, says about why a target does not answer; the way that
/// says most is shown, and of two that say the same the one that is preferred.
///
/// From the most: somebody refuses; somebody talks nonsense; a socket is there, and for others;
/// a question is under way where somebody may be; nobody has answered there. A socket whose owner
/// has ended says more than a port of control messages that is closed, and less than one that is
/// silent. What chronyd's protocol over UDP met comes after all of these: that nothing listens on
/// its port is no news on a host that is merely slow to answer control messages. That there is no
/// socket says least, for most hosts have none.
pub(super) const fn weight(kind: Kind, contact: &Contact) -> u8 {
    let is_udp = matches!(kind, Kind::Chronyd(Transport::Udp));
    match (contact, kind) {
        (Contact::Refusing { .. }, _) => 12,
        (Contact::Garbage { .. }, _) => 11,
        (Contact::Unreachable { why: Unreachable::SocketDenied, .. }, _) => 10,
        (Contact::Asking { .. }, _) if !is_udp => 9,
        (Contact::Silent { .. }, _) if !is_udp => 8,
        (Contact::Unreachable { why: Unreachable::SocketAbandoned, .. }, _) => 7,
        (_, Kind::ControlMessages) => 6,
        (Contact::Asking { .. }, _) => 4,
        (Contact::Silent { .. }, _) => 3,
        (Contact::Unreachable { why: Unreachable::NoSocket, .. }, _) => 1,
        _ => 2,
    }
}
