//! A control message is read or refused, and what is read is emitted again.

use ntpscope::wire::mac::Key;
use ntpscope::wire::mode6::auth::{request_mac, verify_reply};
use ntpscope::wire::mode6::{Message, association_list};

pub(crate) fn control_message(bytes: &[u8]) {
    let Ok(message) = Message::parse(bytes) else { return };
    assert!(message.emit().starts_with(bytes));
    assert!(association_list(message.data).count() <= bytes.len() / 4);
    for word in ["MD5", "SHA1"] {
        let key = Key::from_text(1, word, "secret").unwrap();
        let _ = verify_reply(bytes, &message, &key);
    }
    let _ = request_mac(bytes, &message, |id| (id % 2 == 0).then_some(20));
}
