//! What is said of the clients: how much of the list there is, who abuses, and all of one client.

use std::time::Duration;

use ratatui::style::Style;

use crate::model::clients::{Client, ClientList};
use crate::model::mru::Reading;
use crate::model::{Absent, Dialect};
use crate::tui::clients::{Haste, limited};
use crate::tui::format;
use crate::tui::verdict::Severity;
use crate::tui::views::columns::Context;
use crate::tui::views::value;
use crate::units::Mode;

/// The daemon's kind, as far as the meaning of its bits depends on it.
pub fn dialect(context: &Context<'_>) -> Option<Dialect> {
    context.daemon.identity.as_ref().and_then(|identity| identity.dialect)
}

/// What a client is called: its name where names are wanted and one came, else its address.
pub fn name(context: &Context<'_>, client: &Client) -> String {
    let address = client.address.ip();
    let found = context.app.names.of(address).filter(|_| context.app.view.names);
    found.map_or_else(|| address.to_string(), str::to_owned)
}

/// How much of the list there is, and who abuses.
pub fn head(context: &Context<'_>) -> Vec<(Severity, String)> {
    let mut sentences = vec![how_much(context)];
    sentences.extend(hasty(context));
    let (shown, all) = (context.tab.clients.len(), ClientList::of(context.daemon).len());
    let filter = &context.app.view.client_filter;
    if !filter.is_empty() && all > 0 {
        let shown = format::count(shown as u64);
        let sentence =
            format!("filter `{filter}`: {shown} of {}; Esc drops it", format::count(all as u64));
        sentences.push((Severity::Notice, sentence));
    }
    sentences
}

fn how_much(context: &Context<'_>) -> (Severity, String) {
    let daemon = context.daemon;
    let list = ClientList::of(daemon);
    let number = match list.len() {
        1 => "1 client".into(),
        number => format!("{} clients", format::count(number as u64)),
    };
    let ago = |dated: Option<crate::model::Dated>| {
        dated.map_or_else(String::new, |dated| {
            format!("{} ago", format::age(context.now.since(dated.answered)))
        })
    };
    match list {
        ClientList::Monitored(list) => {
            let ago = ago(daemon.monitored.dated());
            // Who keeps the list in this process has no need to read it.
            let in_time = match list.took {
                Duration::ZERO => String::new(),
                took => format!(" in {}", format::wait(took)),
            };
            match &list.reading {
                Reading::UnderWay => {
                    (Severity::Unknown, format!("{number} so far; reading on{in_time}"))
                }
                Reading::Complete if list.count == 0 => (
                    Severity::Notice,
                    format!("nobody is on its list, or it keeps none; read {ago}"),
                ),
                Reading::Complete => (
                    Severity::Good,
                    format!("{number}, which is all of its list; read {ago}{in_time}"),
                ),
                Reading::Partial { why } => (
                    Severity::Warning,
                    format!("{number}, which is NOT all of its list: {why}; read {ago}"),
                ),
                Reading::Again { count } => (
                    Severity::Good,
                    format!(
                        "{number} {ago}; reading again: {} by now",
                        format::count(*count as u64)
                    ),
                ),
                Reading::Kept { why } => (
                    Severity::Warning,
                    format!("{number} {ago}; they could not be read again: {why}"),
                ),
            }
        }
        ClientList::Served(list) if list.is_empty() => (
            Severity::Notice,
            format!("nobody is on its list; read {}", ago(daemon.clients.dated())),
        ),
        ClientList::Served(_) => {
            (Severity::Good, format!("{number}; read {}", ago(daemon.clients.dated())))
        }
        ClientList::Unknown => unknown(context),
    }
}

/// Why nothing is known of its clients.
fn unknown(context: &Context<'_>) -> (Severity, String) {
    let daemon = context.daemon;
    let troubles = [daemon.monitored.trouble(), daemon.clients.trouble()];
    let telling = troubles.into_iter().flatten().find(|why| **why != Absent::NotAskedYet);
    match telling {
        Some(why) => (Severity::Warning, format!("who asks it is not known: {why}")),
        None if context.app.world.is_some() => {
            (Severity::Notice, "simulated daemons keep no account of who asks them".into())
        }
        None if daemon.contact.is_fresh() => {
            (Severity::Unknown, "the list of clients is asked for; nothing is here yet".into())
        }
        None => (Severity::Unknown, "who asks it is not known".into()),
    }
}

/// Who asks too quickly, of all clients whatever is shown.
fn hasty(context: &Context<'_>) -> Option<(Severity, String)> {
    let hasty = context.tab.clients.hasty();
    let least = if hasty.abusive > 0 { Haste::Abusive } else { Haste::Fast };
    let all = if hasty.abusive > 0 { hasty.abusive } else { hasty.fast };
    let worst: Vec<String> = hasty
        .worst
        .iter()
        .filter(|client| Haste::of(client) >= least)
        .filter_map(|client| Some((client, client.rate()?)))
        .map(|(client, rate)| format!("{} {}", name(context, client), format::rate(rate)))
        .collect();
    let many = |number: usize| match number {
        1 => "1 client asks".to_owned(),
        number => format!("{} clients ask", format::count(number as u64)),
    };
    let more = if all > worst.len() { ", …" } else { "" };
    let worst = worst.join(", ");
    match (hasty.abusive, hasty.fast) {
        (0, 0) => None,
        (0, fast) => Some((
            Severity::Notice,
            format!("{} faster than once in 8 s on average: {worst}{more}", many(fast)),
        )),
        (abusive, _) => Some((
            Severity::Warning,
            format!("{} faster than once in 2 s on average: {worst}{more}", many(abusive)),
        )),
    }
}

/// All that is known of one client.
pub fn about(context: &Context<'_>, client: &Client) -> Vec<(Style, String)> {
    let theme = &context.theme;
    let address = client.address.ip();
    let found = context.app.names.of(address).filter(|_| context.app.view.names);
    let named = found.map_or_else(String::new, |name| format!(" ({name})"));
    let port = match client.address.port() {
        0 => String::new(),
        port => format!(", from port {port}"),
    };
    let mut parts = vec![match client.count {
        1 => "1 packet".to_owned(),
        count => format!("{} packets", format::count(count)),
    }];
    if let (Some(interval), Some(rate)) = (client.interval, client.rate()) {
        let every = format::brief(interval);
        parts.push(format!("one every {every} on average ({})", format::rate(rate)));
    }
    parts.extend(client.first.map(|first| format!("the first {} before", format::age(first))));
    parts.extend(client.last.map(|last| format!("the last {} before{port}", format::age(last))));
    if let (Some(mode), Some(version)) = (client.mode, client.version) {
        parts.push(format!("mode {} ({}), version {version}", mode.bits(), mode_word(mode)));
    }
    parts.extend(client.interval_by_packets.map(|interval| {
        // Rounded as ntpq does, for whoever has its table beside this one.
        format!("avgint {} in ntpq", interval.saturating_add(HALF_A_SECOND).as_secs())
    }));
    let mut lines = vec![(theme.heading, format!("{address}{named}: {}", parts.join(", ")))];
    let haste = match Haste::of(client) {
        Haste::None => None,
        Haste::Fast => Some((
            theme.warning,
            "it asks faster than once in 8 s on average: a server that limits rates drops some of \
             its packets",
        )),
        Haste::Abusive => Some((
            theme.bad,
            "it asks faster than once in 2 s on average: servers call that abuse; `restrict` with \
             `limited` and `kod` slows it down",
        )),
    };
    lines.extend(haste.map(|(style, sentence)| (style, sentence.to_owned())));
    let (is_limited, is_told) = limited(client, dialect(context));
    if is_limited {
        let told = if is_told { ", and it was told so (kiss of death)" } else { "" };
        lines.push((theme.warning, format!("its last packet was dropped to limit its rate{told}")));
    }
    if client.dropped > 0 {
        let dropped = format::count(client.dropped);
        lines.push((
            theme.warning,
            format!("{dropped} of its packets were dropped to limit its rate"),
        ));
    }
    lines
}

const HALF_A_SECOND: Duration = Duration::from_millis(500);

/// What packets of a mode are.
const fn mode_word(mode: Mode) -> &'static str {
    match mode {
        Mode::Control => "a question like this screen's",
        mode => value::mode_word(mode),
    }
}
