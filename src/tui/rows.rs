//! The rows of the peers table: which, in which order, under which name.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use crate::model::vars::peer;
use crate::model::{Daemon, Peer, Value, Values};
use crate::ntpq::address::NetAddress;
use crate::tui::app::{App, Order, Tab};
use crate::tui::words;
use crate::units::Tally;
use crate::units::{AssocId, Mode, Mono};

pub mod filter;

/// Who a row is about, in terms that outlive the daemon: after its restart all association ids
/// are others, and the cursor should stay on the same server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PeerKey {
    address: Option<IpAddr>,
    host: Option<Box<str>>,
    mode: Option<u8>,
}

impl PeerKey {
    /// Of an association; `None` while nothing but its id is known.
    pub fn of(peer: &Peer) -> Option<Self> {
        let row = peer.row.latest()?;
        let address = row.address(&peer::SOURCE).filter(|address| !address.is_unspecified());
        // Names tell apart only what has no address: pools, names not resolved, clocks.
        let host = match address {
            Some(_) => None,
            None => row.text(&peer::SOURCE_HOST).map(Into::into),
        };
        Some(Self { address, host, mode: row.mode(&peer::HOST_MODE).map(Mode::bits) })
    }
}

/// A row of the table.
#[derive(Clone, Debug)]
pub struct Row<'a> {
    /// The association.
    pub peer: &'a Arc<Peer>,
    /// What it is called on screen.
    pub name: Cow<'a, str>,
    /// Whether it stands below the pool that it came from.
    pub is_pooled: bool,
}

/// The rows of `tab` as they stand on screen: filtered, sorted, pool members below their pool.
pub fn rows<'a>(app: &'a App, tab: &'a Tab) -> Vec<Row<'a>> {
    let daemon = tab.shown();
    let mono = app.shown_now().mono;
    let filter = filter::Filter::read(&app.view.filter);
    let mut rows: Vec<Row<'a>> = daemon
        .peers
        .iter()
        .filter(|peer| !app.view.active_only || peer.status.is_reachable())
        .map(|peer| Row { peer, name: name(app, peer), is_pooled: false })
        .collect();
    tell_apart(app, &mut rows);
    rows.retain(|row| filter.accepts(row, daemon, mono));
    match app.view.order {
        Order::Daemon => gather_pools(&mut rows),
        order => rows.sort_by(|a, b| compare(order, a, b, daemon, mono)),
    }
    if app.view.reverse {
        rows.reverse();
    }
    rows
}

/// Gives sources that share the name they were configured with, as those of a pool do where each
/// has it, names of their own: what their address is called, or their address.
fn tell_apart(app: &App, rows: &mut [Row<'_>]) {
    let is_shared = |row: &Row<'_>| has_statistics(row.peer) && !is_reference_clock(row.peer);
    let mut seen: HashMap<String, usize> = HashMap::new();
    for row in rows.iter().filter(|row| is_shared(row)) {
        *seen.entry(row.name.to_string()).or_default() += 1;
    }
    for row in rows.iter_mut().filter(|row| is_shared(row)) {
        let address = row.peer.row.latest().and_then(|values| values.address(&peer::SOURCE));
        let (Some(address), true) = (address, seen.get(&*row.name).is_some_and(|n| *n > 1)) else {
            continue;
        };
        let found = app.names.of(address).filter(|_| app.view.names).map(str::to_owned);
        row.name = Cow::Owned(found.unwrap_or_else(|| address.to_string()));
    }
}

/// What a source is called: its name when names are wanted and one came, else its address, else
/// the name it was configured with, else its association id.
pub fn name<'a>(app: &'a App, peer: &'a Peer) -> Cow<'a, str> {
    let Some(row) = peer.row.latest() else {
        return Cow::Owned(format!("association {}", peer.id));
    };
    let host = row.text(&peer::SOURCE_HOST).filter(|host| !host.is_empty());
    let address = row.address(&peer::SOURCE).filter(|address| !address.is_unspecified());
    match (address, host) {
        // NTPsec names a reference clock itself: `NMEA(0)`.
        (_, Some(host)) if host.contains('(') => Cow::Borrowed(host),
        (Some(address), _) if app.view.names && is_reference_clock(peer) => {
            let clock = NetAddress { ip: address, ..NetAddress::UNSPECIFIED };
            Cow::Owned(clock.clock_name().unwrap_or_else(|| address.to_string()))
        }
        (Some(address), host) => {
            let found = app.view.names.then(|| host.or_else(|| app.names.of(address))).flatten();
            let shown = || match row.get(&peer::SOURCE) {
                Ok(Value::AddressInZone { zone, .. }) => format!("{address}%{zone}"),
                _ => address.to_string(),
            };
            found.map_or_else(|| Cow::Owned(shown()), Cow::Borrowed)
        }
        (None, Some(host)) => Cow::Borrowed(host),
        (None, None) if row.get(&peer::SOURCE).is_ok() => Cow::Borrowed("0.0.0.0"),
        (None, None) => Cow::Owned(format!("association {}", peer.id)),
    }
}

/// The letter of the column *t*, as ntpq has it.
pub fn kind(peer: &Peer) -> char {
    let Some(row) = peer.row.latest() else { return ' ' };
    let source = row.address(&peer::SOURCE);
    match row.mode(&peer::HOST_MODE) {
        _ if is_told_clock(row) => 'l',
        Some(Mode::Control) => 'b',
        Some(Mode::Broadcast) if source.is_some_and(|a| a.is_multicast()) => 'M',
        Some(Mode::Broadcast) => 'B',
        Some(Mode::SymmetricActive) => 's',
        Some(Mode::SymmetricPassive) => 'S',
        Some(Mode::Client) => match source {
            _ if is_reference_clock(peer) => 'l',
            Some(address) if address.is_unspecified() => 'p',
            Some(address) if address.is_multicast() => 'a',
            _ if is_pool(peer) => 'p',
            _ => 'u',
        },
        _ => '?',
    }
}

/// What the letter stands for.
pub const fn kind_word(kind: char) -> &'static str {
    match kind {
        'b' => "broadcast client",
        'M' => "multicast server",
        'B' => "broadcast server",
        's' => "symmetric, active",
        'S' => "symmetric, passive",
        'l' => "reference clock",
        'p' => "pool",
        'a' => "manycast",
        'u' => "unicast",
        _ => "not known",
    }
}

/// Whether the association is a clock attached to the daemon's host.
pub fn is_reference_clock(peer: &Peer) -> bool {
    let Some(row) = peer.row.latest() else { return false };
    let driver = match row.address(&peer::SOURCE) {
        Some(IpAddr::V4(address)) => matches!(address.octets(), [127, 127, ..]),
        _ => false,
    };
    driver
        || is_told_clock(row)
        || row.text(&peer::SOURCE_HOST).is_some_and(|host| host.contains('('))
}

/// Whether a daemon that names no drivers says that a source is a clock.
fn is_told_clock(row: &Values) -> bool {
    matches!(row.get(&peer::IS_REFERENCE_CLOCK), Ok(Value::Flag(true)))
}

/// What its last packet failed in, where that is told in words; empty when in nothing.
pub fn failed_tests(peer: &Peer) -> Option<&str> {
    match peer.value(&peer::FAILED_TESTS) {
        Ok((Value::Text(failed), _)) if &**failed == "none" => Some(""),
        Ok((Value::Text(failed), _)) => Some(failed),
        _ => None,
    }
}

/// Whether the daemon keeps samples of the source and draws a line through them, rather than a
/// filter of eight with its flash bits and a status word.
pub fn has_statistics(peer: &Peer) -> bool {
    peer.row.latest().is_some_and(|row| row.covers(&peer::SAMPLES))
}

/// Whether the source is the undisciplined local clock, 127.127.1.u or what NTPsec calls it: the
/// daemon compares its clock with itself, and always finds it right.
pub fn is_own_clock(peer: &Peer) -> bool {
    let Some(row) = peer.row.latest() else { return false };
    let driver = match row.address(&peer::SOURCE) {
        Some(IpAddr::V4(address)) => matches!(address.octets(), [127, 127, 1, _]),
        _ => false,
    };
    driver || row.text(&peer::SOURCE_HOST).is_some_and(|host| host.starts_with("LOCAL("))
}

/// What its tally means, in a sentence: the daemon's own reason where it gives one.
pub fn tally(peer: &Peer) -> &str {
    let told = peer.row.latest().and_then(|row| row.text(&peer::SELECTION_REASON));
    match (peer.status.tally(), told) {
        (_, Some(reason)) => reason,
        (Tally::Reject, _) if is_own_clock(peer) => {
            "not used: not consulted while there are other sources"
        }
        (selection, _) => words::tally(selection, peer.status.is_reachable()),
    }
}

/// Its tally in a word or two: the daemon's own where it has some, else that of the status word.
pub fn condition(peer: &Peer) -> &str {
    let told = peer.row.latest().and_then(|row| row.text(&peer::SELECTION));
    told.unwrap_or_else(|| peer.status.tally().condition())
}

/// Sign, word and meaning of its tally: `* sys.peer: used: the clock follows it`.
pub fn tally_line(peer: &Peer) -> String {
    let (sign, word) = (peer.status.tally().character(), condition(peer));
    // A word of the daemon's own may have a colon already.
    let colon = if word.contains(':') { ';' } else { ':' };
    format!("{sign} {word}{colon} {}", tally(peer))
}

/// Whether the association stands for a pool rather than for one server.
pub fn is_pool(peer: &Peer) -> bool {
    let code = match peer.row.latest().map(|row| row.get(&peer::REFERENCE_ID)) {
        Some(Ok(Value::ReferenceCode(code))) => code.code(),
        _ => None,
    };
    code.as_deref() == Some("POOL")
}

/// Puts those that came from a pool below it: associations that nobody configured, in client
/// mode. Where there are several pools, only those that carry the pool's name can be told.
fn gather_pools(rows: &mut Vec<Row<'_>>) {
    let pools: Vec<AssocId> = rows.iter().filter(|r| is_pool(r.peer)).map(|r| r.peer.id).collect();
    if pools.is_empty() {
        return;
    }
    let (members, mut others): (Vec<_>, Vec<_>) = std::mem::take(rows)
        .into_iter()
        .map(|row| (pool_of(&row, &pools), row))
        .partition(|(pool, _)| pool.is_some());
    for (_, row) in others.drain(..) {
        let id = row.peer.id;
        rows.push(row);
        for (_, member) in members.iter().filter(|(pool, _)| *pool == Some(id)) {
            rows.push(Row { is_pooled: true, ..member.clone() });
        }
    }
}

fn pool_of(row: &Row<'_>, pools: &[AssocId]) -> Option<AssocId> {
    let values = row.peer.row.latest()?;
    let ephemeral = !row.peer.status.is_configured()
        && values.mode(&peer::HOST_MODE) == Some(Mode::Client)
        && !is_pool(row.peer);
    match pools {
        [only] if ephemeral => Some(*only),
        _ => None,
    }
}

fn compare(order: Order, a: &Row<'_>, b: &Row<'_>, daemon: &Daemon, now: Mono) -> Ordering {
    let span = |row: &Row<'_>, variable| match row.peer.value(variable) {
        Ok((Value::Duration(span), _)) => Some(span.abs()),
        _ => None,
    };
    let by = |key: fn(&Peer) -> Option<i64>| last_if_none(key(a.peer), key(b.peer));
    let natural = match order {
        Order::Daemon => Ordering::Equal,
        Order::Remote => a.name.cmp(&b.name),
        Order::Tally => rank(b.peer.status.tally()).cmp(&rank(a.peer.status.tally())),
        Order::Stratum => by(|p| p.row.latest()?.stratum(&peer::STRATUM).map(|s| s.get().into())),
        Order::Reach => by(|p| {
            let reach = p.row.latest()?.reach(&peer::REACH)?;
            Some(i64::from(reach.answered()))
        }),
        Order::When => last_if_none(daemon.age(a.peer, now), daemon.age(b.peer, now)),
        Order::Delay => last_if_none(span(a, &peer::DELAY), span(b, &peer::DELAY)),
        Order::Offset => last_if_none(span(a, &peer::OFFSET), span(b, &peer::OFFSET)),
        Order::Jitter => last_if_none(span(a, &peer::JITTER), span(b, &peer::JITTER)),
    };
    natural.then(a.peer.id.cmp(&b.peer.id))
}

/// How much a source matters: the system peer first, then those that take part.
const fn rank(selection: Tally) -> u8 {
    match selection {
        Tally::PpsPeer => 7,
        Tally::SystemPeer => 6,
        Tally::Candidate => 5,
        Tally::Backup => 4,
        Tally::Outlier => 3,
        Tally::Excess => 2,
        Tally::Falseticker => 1,
        Tally::Reject => 0,
    }
}

fn last_if_none<T: Ord>(a: Option<T>, b: Option<T>) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => a.cmp(&b),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    }
}
