//! The text of a reply has items, whatever it is.

use ntpscope::wire::mode6::varlist;

pub(crate) fn varlist(bytes: &[u8]) {
    let text = varlist::text(bytes);
    let mut count = 0;
    for item in varlist::items(&text) {
        count += 1;
        assert!(!item.name.is_empty() && !item.name.contains(['=', ',']));
        assert!(item.unquoted().len() <= item.value.unwrap_or_default().len());
    }
    assert!(count <= bytes.len());
}
