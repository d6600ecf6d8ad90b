//! A walk through a list of whatever is answered: it asks for what can be asked, keeps each address
//! once, and once it has ended it asks no more.

use std::collections::HashSet;
use std::time::Duration;

use ntpscope::control::mru::{MruWalk, Step, list};
use ntpscope::model::{Dated, Failure, Reply};
use ntpscope::units::Mono;
use ntpscope::wire::mode6::{ErrorCode, MAX_DATA, Opcode, varlist};

use super::support::Taken;

/// Answers, each after a byte that says what it is, and its length.
pub(crate) fn mru_walk(bytes: &[u8]) {
    let mut taken = Taken::new(bytes);
    let mut walk = MruWalk::new(vec!["mincount=1".to_owned()]);
    let mut now = Mono::from_nanos(1);
    while let Some(step) = walk.next_step(now) {
        let (question, is_piece) = match step {
            Step::Nonce(question) => (question, false),
            Step::Piece(question, wait) => {
                assert!(wait >= Duration::from_millis(100) && wait <= Duration::from_secs(5));
                (question, true)
            }
        };
        assert!(question.data.len() <= MAX_DATA && !question.signed);
        assert_eq!(is_piece, question.opcode == Opcode::ReadMru);
        let asked = String::from_utf8(question.data).unwrap();
        assert!(asked.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{asked}");
        let Some([kind]) = taken.array() else { break };
        let mut answer = Vec::new();
        if kind & 1 != 0 {
            answer = resumed(&asked);
        }
        answer.extend(taken.counted());
        let dated = Dated { asked: now, answered: now, ..Dated::default() };
        let reply = Reply::new(0, answer, 1, dated);
        let waited = Duration::from_secs(1);
        match kind >> 1 & 7 {
            0..=3 => walk.answered(now, Ok(reply), None),
            4 => walk.answered(now, Err(Failure::Incomplete { attempts: 1 }), Some(&reply)),
            5 => walk.answered(now, Err(Failure::Unanswered { attempts: 1, waited }), None),
            6 => {
                let code = ErrorCode::from_bits(kind >> 4);
                walk.answered(now, Err(Failure::Refused(code)), None);
            }
            _ => walk.answered(now, Err(Failure::TooLong), None),
        }
        now = now + Duration::from_millis(u64::from(kind) * 50);
        let addresses: HashSet<_> =
            walk.list().newest_first().map(|entry| entry.address.ip()).collect();
        // Addresses of one link are told apart by their interface besides.
        assert!(addresses.len() <= walk.list().len());
        assert_eq!(walk.list().newest_first().count(), walk.list().len());
        assert!(walk.list().len() <= list::MOST_ENTRIES);
    }
    let is_ended = walk.ending().is_some();
    assert_eq!(is_ended, walk.next_step(now).is_none());
}

/// What a daemon says first that goes on behind the first entry that was named.
fn resumed(asked: &str) -> Vec<u8> {
    let value = |name| varlist::items(asked).find(|item| item.name == name)?.value;
    match (value("last.0"), value("addr.0")) {
        (Some(last), Some(address)) => {
            format!("last.older={last}, addr.older={address}, ").into_bytes()
        }
        _ => Vec::new(),
    }
}
