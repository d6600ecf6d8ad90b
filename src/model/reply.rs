//! A whole reply as the daemon wrote it.

use std::borrow::Cow;

use crate::model::part::Dated;
use crate::wire::mode6::varlist::{self, Item, Items};

/// A reply, put together from its fragments: status word and data in the daemon's own order.
///
/// What ntpq's commands print comes from this text and never from a typed value, so that nothing
/// is lost in translation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The status word of what was asked about.
    pub status: u16,
    /// How many datagrams it came in.
    pub datagrams: u16,
    /// When it was asked and answered.
    pub dated: Dated,
    data: Box<[u8]>,
    text: Box<str>,
}

impl Reply {
    /// From the data of all fragments in order.
    pub fn new(status: u16, data: impl Into<Box<[u8]>>, datagrams: u16, dated: Dated) -> Self {
        let data = data.into();
        let text = match varlist::text(&data) {
            Cow::Borrowed(text) => text.into(),
            Cow::Owned(text) => text.into_boxed_str(),
        };
        Self { status, datagrams, dated, data, text }
    }

    /// The data.
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// The data as text, each byte one character. It is hostile: control characters are in it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The items in the daemon's order.
    pub fn items(&self) -> Items<'_> {
        varlist::items(&self.text)
    }

    /// The first item called `name`.
    pub fn item(&self, name: &str) -> Option<Item<'_>> {
        self.items().find(|item| item.name == name)
    }
}
