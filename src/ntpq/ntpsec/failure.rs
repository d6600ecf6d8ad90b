//! What NTPsec's ntpq says when a question is not answered.

use crate::model::question::{Failure, Unreachable};
use crate::ntpq::session::Session;
use crate::wire::mode6::ErrorCode;

/// Says why a question was not answered. A daemon that refuses has the key forgotten.
pub fn report(session: &mut Session, failure: &Failure) {
    let text = match failure {
        Failure::Refused(code) => {
            forget_key(session);
            format!("***Server error code {}", word(*code))
        }
        Failure::Unanswered { .. } => "***Request timed out\n".to_owned(),
        Failure::Incomplete { .. } => "***Response from server was incomplete\n".to_owned(),
        Failure::TooLong => "***Buffer size exceeded for returned data\n".to_owned(),
        Failure::Unreachable(
            Unreachable::PortClosed
            | Unreachable::Host
            | Unreachable::Network
            | Unreachable::NotPermitted,
        ) => "***Socket error; probably ntpd is not running\n".to_owned(),
        Failure::NoKey => "***No credentials".to_owned(),
        Failure::Withdrawn if session.host.is_none() => "***No host open\n".to_owned(),
        Failure::Withdrawn => return,
        // Mode 6 has no other failure; the sentence says what it is.
        other => format!("***{other}"),
    };
    session.complain(&format!("{text}\n"));
}

/// Forgets which key signs.
pub fn forget_key(session: &mut Session) {
    (session.keys.id, session.ntpsec.key_id) = (0, None);
}

/// Differs: of a code that it does not know NTPsec's ntpq says nothing, for Python ends it.
fn word(code: ErrorCode) -> String {
    match code {
        ErrorCode::Unspecified => "UNSPEC".to_owned(),
        ErrorCode::Permission => "PERMISSION".to_owned(),
        ErrorCode::BadFormat => "BADFMT".to_owned(),
        ErrorCode::BadOpcode => "BADOP".to_owned(),
        ErrorCode::UnknownAssociation => "BADASSOC".to_owned(),
        ErrorCode::UnknownVariable => "UNKNOWNVAR".to_owned(),
        ErrorCode::BadValue => "BADVALUE".to_owned(),
        ErrorCode::Prohibited => "RESTRICT".to_owned(),
        other => other.bits().to_string(),
    }
}
