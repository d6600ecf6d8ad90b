//! What is only in the snapshots while somebody looks at it: the lists, which may be long.

use std::ops::ControlFlow;
use std::time::Duration;

use crate::clock::system::kernel::Kernel;
use crate::control::responder::books;
use crate::engine::snapshot::Lists;
use crate::model::Interest;
use crate::model::lists::{Interface, Restriction};
use crate::net::engine::Driver;
use crate::units::{Mono, Now};

/// What is looked at.
#[derive(Debug, Default)]
pub(super) struct Looking {
    pub(super) interest: Interest,
    /// When the lists were last put into a snapshot.
    listed: Option<Mono>,
}

impl<K: Kernel> Driver<K> {
    /// Puts the lists into the next snapshot where somebody looks at them and the last are old.
    pub(super) fn list(&mut self, now: &Now) {
        let looking = &mut self.looking;
        let is_due = looking.listed.is_none_or(|listed| now.mono.since(listed) >= BETWEEN_LISTS);
        if !looking.interest.statistics || !is_due {
            return;
        }
        looking.listed = Some(now.mono);
        let lists = self.with_books(now, |_, books| {
            let mut lists = Lists::default();
            books.interfaces(&mut |row| {
                lists.interfaces.push(interface(&row));
                proceed(lists.interfaces.len())
            });
            books.restrictions(&mut |row| {
                lists.restrictions.push(restriction(&row));
                proceed(lists.restrictions.len())
            });
            lists
        });
        self.snapshots.list(lists);
    }
}

fn interface(row: &books::Interface) -> Interface {
    Interface {
        address: row.address,
        name: row.name.clone(),
        is_enabled: row.is_enabled,
        received: row.received,
        sent: row.sent,
        unsent: row.unsent,
        associations: row.associations as u64,
        up: Duration::from_secs(row.up_s),
    }
}

fn restriction(row: &books::Restriction) -> Restriction {
    Restriction {
        address: row.selector.address(),
        mask: row.selector.mask(),
        hits: row.hits,
        words: row.words().into(),
    }
}

/// Nobody reads more rows than these on a screen.
const fn proceed(rows: usize) -> ControlFlow<()> {
    if rows < MOST_ROWS { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
}

const MOST_ROWS: usize = 10_000;

/// From one look at the lists to the next.
const BETWEEN_LISTS: Duration = Duration::from_secs(4);
