//! The list of clients, read piece by piece.
//!
//! Who reads says which rows he had last; the answer goes on behind the newest of those that have
//! not changed since. So nothing is kept of a reader, and a row that moves while he reads comes
//! again at the end.

use std::net::{IpAddr, SocketAddr};
use std::ops::ControlFlow;

use crate::config::restrict::Flags;
use crate::control::responder::books::{Books, Client};
use crate::control::responder::reply::Text;
use crate::model::encode::timestamp;
use crate::units::NtpTimestamp;
use crate::wire::mode6::varlist::{Item, items, text};
use crate::wire::mode6::{ErrorCode, MAX_DATA};

/// What is asked for.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    /// The nonce; empty when there is none.
    pub(super) nonce: String,
    frags: Option<usize>,
    limit: Option<usize>,
    filter: Filter,
    recent: Option<usize>,
    /// Rows that the reader has, the newest first.
    priors: [(Option<SocketAddr>, Option<NtpTimestamp>); MOST_PRIORS],
}

/// Which rows are wanted.
#[derive(Debug, Default)]
struct Filter {
    least_count: u64,
    least_dropped: u64,
    least_score: f64,
    all_of: u16,
    any_of: u16,
    most_age_s: Option<u32>,
    least_age_s: Option<u32>,
    local: Option<IpAddr>,
}

impl Wanted {
    /// Reads a request. What is not known is passed over, as by ntpd.
    pub(super) fn read(data: &[u8]) -> Self {
        let mut wanted = Self::default();
        for item in items(&text(data)) {
            wanted.take(&item);
        }
        wanted
    }

    fn take(&mut self, item: &Item<'_>) {
        let value = item.unquoted();
        let filter = &mut self.filter;
        match item.name {
            "nonce" => value.clone_into(&mut self.nonce),
            "frags" => self.frags = value.parse().ok(),
            "limit" => self.limit = value.parse().ok(),
            "recent" => self.recent = value.parse().ok(),
            "mincount" => filter.least_count = value.parse().unwrap_or(0),
            "mindrop" => filter.least_dropped = value.parse().unwrap_or(0),
            "minscore" => filter.least_score = value.parse().unwrap_or(0.0),
            "resall" => filter.all_of = bits(value).unwrap_or(0),
            "resany" => filter.any_of = bits(value).unwrap_or(0),
            "maxlstint" => filter.most_age_s = value.parse().ok().filter(|age| *age > 0),
            "minlstint" => filter.least_age_s = value.parse().ok(),
            "laddr" => filter.local = value.trim_matches(['[', ']']).parse().ok(),
            name => self.take_prior(name, value),
        }
    }

    fn take_prior(&mut self, name: &str, value: &str) {
        let Some((name, place)) = name.split_once('.') else { return };
        let place = place.parse().ok().and_then(|place: usize| self.priors.get_mut(place));
        let Some((address, last)) = place else { return };
        match name {
            "addr" => *address = socket(value),
            "last" => *last = stamp(value),
            _ => {}
        }
    }

    /// The answer, with `nonce` for the next question; `now` is the daemon's clock.
    ///
    /// # Errors
    /// It is not said how much is wanted, or none of the reader's rows is as he has it.
    pub(super) fn answer(
        &self,
        books: &dyn Books,
        nonce: &str,
        now: NtpTimestamp,
    ) -> Result<Text, ErrorCode> {
        let is_limit = |limit: usize| (1..=MOST_ROWS).contains(&limit);
        let frags = self.frags.unwrap_or(0);
        if frags > MOST_FRAGMENTS || (frags == 0 && !self.limit.is_some_and(is_limit)) {
            return Err(ErrorCode::BadValue);
        }
        let frags = if frags == 0 { MOST_FRAGMENTS } else { frags };
        let limit = self.limit.filter(|limit| *limit > 0).unwrap_or(usize::MAX);
        let mut reply = Text::default();
        let start = self.start(books)?;
        if let Some(start) = &start {
            reply.item("last.older", &timestamp(start.last.bits()));
            reply.item("addr.older", &start.address.to_string());
        }
        reply.item("nonce", nonce);
        let room = (frags - 1) * MAX_DATA;
        let mut rows = Rows { reply, count: 0, newest: None };
        if limit == 1
            && let Some(start) = start
        {
            // Who asks for one row and names it wants that one.
            rows.add(&start);
            return Ok(rows.reply);
        }
        let skipped = self.skipped(books, start.is_some());
        let mut seen = 0;
        let mut is_whole = true;
        books.clients(start.map(|start| start.address.ip()), &mut |client| {
            seen += 1;
            if rows.count >= limit || rows.reply.len() >= room {
                is_whole = false;
                return ControlFlow::Break(());
            }
            if seen > skipped && self.filter.lets_pass(&client, now) {
                rows.add(&client);
            }
            ControlFlow::Continue(())
        });
        if is_whole {
            rows.reply.item("now", &timestamp(now.bits()));
            if let Some(newest) = rows.newest {
                rows.reply.item("last.newest", &timestamp(newest.bits()));
            }
        }
        Ok(rows.reply)
    }

    /// The newest row that the reader has as it is; `None` when he has none yet.
    fn start(&self, books: &dyn Books) -> Result<Option<Client>, ErrorCode> {
        let mut priors =
            self.priors.iter().map_while(|(address, last)| Some(((*address)?, (*last)?)));
        let Some(first) = priors.next() else { return Ok(None) };
        let same = |(address, last): (SocketAddr, NtpTimestamp)| {
            books.client(address.ip()).filter(|client| client.last == last)
        };
        let found = std::iter::once(first).chain(priors).find_map(same);
        found.map(Some).ok_or(ErrorCode::UnknownVariable)
    }

    /// Rows to pass over, where only the most recent are wanted.
    fn skipped(&self, books: &dyn Books, is_resumed: bool) -> usize {
        let Some(recent) = self.recent.filter(|recent| *recent > 0 && !is_resumed) else {
            return 0;
        };
        let mut all = 0_usize;
        books.clients(None, &mut |_| {
            all += 1;
            ControlFlow::Continue(())
        });
        all.saturating_sub(recent)
    }
}

impl Filter {
    fn lets_pass(&self, client: &Client, now: NtpTimestamp) -> bool {
        let age_s = (now - client.last).seconds();
        let flags = client.flags;
        client.count >= self.least_count
            && client.dropped >= self.least_dropped
            && client.score >= self.least_score
            && flags.bits() & self.all_of == self.all_of
            && (self.any_of == 0 || flags.has(Flags::from_bits(self.any_of)))
            && self.most_age_s.is_none_or(|most| age_s <= f64::from(most))
            && self.least_age_s.is_none_or(|least| age_s >= f64::from(least))
            && self.local.is_none_or(|local| client.local == Some(local))
    }
}

/// The rows of an answer.
struct Rows {
    reply: Text,
    count: usize,
    newest: Option<NtpTimestamp>,
}

impl Rows {
    fn add(&mut self, client: &Client) {
        let row = self.count;
        let kind = client.version << 3 | client.mode.bits();
        let items = [
            ("addr", client.address.to_string()),
            ("last", timestamp(client.last.bits())),
            ("first", timestamp(client.first.bits())),
            ("ct", client.count.to_string()),
            ("mv", kind.to_string()),
            ("rs", format!("{:#x}", client.flags.bits())),
            ("sc", format!("{:.3}", client.score)),
            ("dr", client.dropped.to_string()),
        ];
        for (tag, value) in items {
            self.reply.row_item(row, tag, &value);
        }
        self.count += 1;
        self.newest = Some(client.last);
    }
}

/// Hexadecimal after `0x`.
fn bits(text: &str) -> Option<u16> {
    u16::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

/// An address with or without its port.
fn socket(text: &str) -> Option<SocketAddr> {
    let bare = || text.trim_matches(['[', ']']).parse().ok();
    text.parse().ok().or_else(|| Some(SocketAddr::new(bare()?, 0)))
}

/// `0xSSSSSSSS.FFFFFFFF`.
fn stamp(text: &str) -> Option<NtpTimestamp> {
    let (seconds, fraction) = text.strip_prefix("0x")?.split_once('.')?;
    let number = |digits: &str| u32::from_str_radix(digits, 16).ok();
    let bits = u64::from(number(seconds)?) << 32 | u64::from(number(fraction)?);
    Some(NtpTimestamp::from_bits(bits)).filter(|stamp| !stamp.is_never())
}

/// Rows that a reader can name.
const MOST_PRIORS: usize = 16;

/// The most rows and datagrams of an answer.
const MOST_ROWS: usize = 256;
const MOST_FRAGMENTS: usize = 128;
