//! Lists in order: local addresses and restrictions.

use std::ops::ControlFlow;

use crate::control::responder::books::{Books, Interface, Restriction};
use crate::control::responder::reply::Text;
use crate::model::encode::quoted;
use crate::wire::mode6::{ErrorCode, INTERFACE_LIST, RESTRICTION_LIST};

/// The list that `data` names; without a name the local addresses.
///
/// # Errors
/// There is no such list.
pub(super) fn read(data: &[u8], books: &dyn Books) -> Result<Text, ErrorCode> {
    let mut reply = Text::default();
    let mut row = 0;
    match std::str::from_utf8(data) {
        Ok("" | INTERFACE_LIST) => books.interfaces(&mut |interface| {
            add_interface(&mut reply, row, &interface);
            row += 1;
            proceed(&reply)
        }),
        Ok(RESTRICTION_LIST) => books.restrictions(&mut |restriction| {
            add_restriction(&mut reply, row, &restriction);
            row += 1;
            proceed(&reply)
        }),
        _ => return Err(ErrorCode::UnknownVariable),
    }
    Ok(reply)
}

/// Beyond what offsets can name there is no use in going on.
fn proceed(reply: &Text) -> ControlFlow<()> {
    if reply.len() > usize::from(u16::MAX) {
        ControlFlow::Break(())
    } else {
        ControlFlow::Continue(())
    }
}

fn add_interface(reply: &mut Text, row: usize, interface: &Interface) {
    let broadcast = interface.broadcast.map_or_else(String::new, |address| address.to_string());
    let items = [
        ("addr", interface.address.to_string()),
        ("bcast", broadcast),
        ("en", u8::from(interface.is_enabled).to_string()),
        ("name", quoted(&interface.name)),
        ("flags", format!("{:#x}", interface.flags)),
        ("tl", interface.ttl.to_string()),
        ("mc", interface.groups.to_string()),
        ("rx", interface.received.to_string()),
        ("tx", interface.sent.to_string()),
        ("txerr", interface.unsent.to_string()),
        ("pc", interface.associations.to_string()),
        ("up", interface.up_s.to_string()),
    ];
    for (tag, value) in items {
        reply.row_item(row, tag, &value);
    }
}

fn add_restriction(reply: &mut Text, row: usize, restriction: &Restriction) {
    let Restriction { selector, hits, .. } = restriction;
    let items = [
        ("addr", selector.address().to_string()),
        ("mask", selector.mask().to_string()),
        ("hits", hits.to_string()),
        ("flags", restriction.words()),
    ];
    for (tag, value) in items {
        reply.row_item(row, tag, &value);
    }
}
