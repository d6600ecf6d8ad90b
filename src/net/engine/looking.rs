//! What is only in the snapshots while somebody looks at it: the lists, which may be long.

use std::ops::ControlFlow;
use std::time::Duration;

use crate::clock::system::kernel::Kernel;
use crate::control::responder::books;
use crate::engine::snapshot::Lists;
use crate::model::lists::{Interface, Restriction};
use crate::model::mru::rows::{MruRows, Neighbours};
use crate::model::mru::{Monitored, MruEntry, Reading};
use crate::model::{Dated, Interest, Part};
use crate::net::engine::Driver;
use crate::units::{Mono, Now};

/// What is looked at.
#[derive(Debug, Default)]
pub(super) struct Looking {
    pub(super) interest: Interest,
    /// When the lists were last put into a snapshot.
    listed: Option<Mono>,
    /// When the clients were to be put into one again.
    list_clients: Option<Mono>,
}

impl<K: Kernel> Driver<K> {
    /// Somebody looks at something else.
    pub(super) fn look_at(&mut self, interest: Interest) {
        if !interest.clients {
            // They may be many.
            self.snapshots.list_clients(Part::not_asked());
            self.looking.list_clients = None;
        }
        self.looking.interest = interest;
    }

    /// Puts the clients into the next snapshot where somebody looks at them and the last are old.
    pub(super) fn list_clients(&mut self, now: &Now) {
        let is_due = self.looking.list_clients.is_none_or(|at| at <= now.mono);
        if !self.looking.interest.clients || !is_due {
            return;
        }
        let mut rows = MruRows::default();
        let mut count: u32 = 0;
        self.with_books(now, |_, books| {
            books.clients(None, &mut |client| {
                let alone = Neighbours { newer: MruRows::NONE, older: MruRows::NONE };
                rows.put(count, &entry(&client), alone);
                count += 1;
                if count < MOST_CLIENTS {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            });
        });
        let pause = BETWEEN_LISTS + EACH_CLIENT * count;
        self.looking.list_clients = Some(now.mono + pause);
        let list = Monitored {
            rows,
            count: count as usize,
            now: Some(now.clock),
            reading: Reading::Complete,
            ..Monitored::default()
        };
        let dated = Dated { asked: now.mono, answered: now.mono, clock: now.clock };
        self.snapshots.list_clients(Part::answered(list, dated));
    }

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

fn entry(client: &books::Client) -> MruEntry {
    MruEntry {
        address: client.address,
        last: client.last,
        first: client.first,
        count: u32::try_from(client.count).unwrap_or(u32::MAX),
        mode: client.mode,
        version: client.version,
        restrictions: client.flags.bits(),
        dropped: u32::try_from(client.dropped).unwrap_or(u32::MAX),
        #[expect(clippy::cast_possible_truncation, reason = "a score has few digits")]
        score: client.score as f32,
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

/// The most clients that are listed.
const MOST_CLIENTS: u32 = 450_000;

/// How much longer the clients are left alone for each of them.
const EACH_CLIENT: Duration = Duration::from_micros(200);

const MOST_ROWS: usize = 10_000;

/// From one look at the lists to the next.
const BETWEEN_LISTS: Duration = Duration::from_secs(4);
