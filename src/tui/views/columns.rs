//! The columns of the peers table: their headings, their cells, and which give way first.
//!
//! The cells are those of ntpq, digit by digit. What ntpq leaves to memory stands beside them:
//! the unit of each column, the tally as a word, the reachability register as dots.

use std::time::Duration;

use ratatui::style::Style;

use crate::model::vars::{Variable, peer};
use crate::model::{Absent, Daemon, Value};
use crate::ntpq::interval;
use crate::tui::app::{App, Layout, Order, Tab};
use crate::tui::format::Format;
use crate::tui::rows::{self, PeerKey, Row};
use crate::tui::theme::Theme;
use crate::tui::widgets::reach::dots;
use crate::tui::widgets::sparkline::sparkline;
use crate::tui::widgets::table::Wish;
use crate::tui::widgets::text;
use crate::tui::words;
use crate::units::Tally;
use crate::units::{Mono, NtpDuration, PollExponent};

/// A column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is explained where its cell is made")]
pub enum Column {
    Remote,
    ReferenceId,
    Local,
    Id,
    Stratum,
    Kind,
    When,
    Poll,
    Reach,
    Dots,
    Delay,
    Offset,
    Jitter,
    Dispersion,
    Condition,
    Trend,
}

/// A cell: its text, and its look where that says more than the row's.
pub struct Cell {
    /// The text.
    pub text: String,
    /// The look; `None` for the row's.
    pub style: Option<Style>,
}

impl Cell {
    fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), style: None }
    }
}

/// What cells are made from.
pub struct Context<'a> {
    /// All state.
    pub app: &'a App,
    /// The daemon's tab.
    pub tab: &'a Tab,
    /// The daemon.
    pub daemon: &'a Daemon,
    /// The time that ages are counted to.
    pub now: Mono,
    /// How spans are written.
    pub format: Format,
    /// The styles.
    pub theme: Theme,
}

impl<'a> Context<'a> {
    /// For the daemon of `tab`.
    pub fn new(app: &'a App, tab: &'a Tab) -> Self {
        let (now, format) = (app.shown_now().mono, app.format(tab));
        Self { app, tab, daemon: tab.shown(), now, format, theme: app.theme() }
    }
}

impl Column {
    /// The columns of a layout, from left to right.
    pub fn of(layout: Layout) -> Vec<Self> {
        Self::ALL.into_iter().filter(|column| column.is_in(layout)).collect()
    }

    /// All of them, from left to right.
    const ALL: [Self; 16] = [
        Self::Remote,
        Self::ReferenceId,
        Self::Local,
        Self::Id,
        Self::Stratum,
        Self::Kind,
        Self::When,
        Self::Poll,
        Self::Reach,
        Self::Dots,
        Self::Delay,
        Self::Offset,
        Self::Jitter,
        Self::Dispersion,
        Self::Condition,
        Self::Trend,
    ];

    /// Whether it belongs to `layout`, as most do to all of them.
    fn is_in(self, layout: Layout) -> bool {
        match self {
            Self::Id => layout == Layout::Apeers,
            Self::Local | Self::Dispersion => layout == Layout::Opeers,
            Self::ReferenceId | Self::Jitter => layout != Layout::Opeers,
            _ => true,
        }
    }

    /// Its heading, and the line below it: the unit.
    pub fn heading(self, context: &Context<'_>) -> (&'static str, &'static str) {
        let ascii = context.app.is_ascii();
        let unit = context.format.unit();
        match self {
            Self::Remote => ("remote", ""),
            Self::ReferenceId => ("refid", ""),
            Self::Local => ("local", ""),
            Self::Id => ("assid", ""),
            Self::Stratum => ("st", ""),
            Self::Kind => ("t", ""),
            Self::When => ("when", "s"),
            Self::Poll => ("poll", "s"),
            Self::Reach => ("reach", "octal"),
            Self::Dots if ascii => ("8 polls", "->now"),
            Self::Dots => ("8 polls", "→now"),
            Self::Delay => ("delay", unit),
            Self::Offset => ("offset", unit),
            Self::Jitter => ("jitter", unit),
            Self::Dispersion => ("disp", unit),
            Self::Condition => ("tally", "in words"),
            Self::Trend => ("offset so far", "own scale"),
        }
    }

    /// Whether its cells stand on the right.
    pub const fn is_right(self) -> bool {
        matches!(
            self,
            Self::Stratum
                | Self::When
                | Self::Poll
                | Self::Reach
                | Self::Delay
                | Self::Offset
                | Self::Jitter
                | Self::Dispersion
        )
    }

    /// The order that it can be sorted in.
    pub const fn order(self) -> Option<Order> {
        Some(match self {
            Self::Remote => Order::Remote,
            Self::Stratum => Order::Stratum,
            Self::When => Order::When,
            Self::Reach => Order::Reach,
            Self::Delay => Order::Delay,
            Self::Offset => Order::Offset,
            Self::Jitter => Order::Jitter,
            Self::Condition => Order::Tally,
            _ => return None,
        })
    }

    /// What it would like, when its widest cell has `widest` columns.
    pub fn wish(self, context: &Context<'_>, widest: usize) -> Wish {
        let (title, unit) = self.heading(context);
        let sorted = usize::from(self.order() == Some(context.app.view.order));
        let whole = widest.max(text::width(title) + sorted).max(text::width(unit));
        let wide = context.app.view.wide;
        let (least, rank) = match self {
            // With its tally in front.
            Self::Remote if wide => (whole.min(60), 0),
            Self::Remote => (whole.clamp(8, 16), 0),
            Self::Offset => (whole.max(8), 1),
            Self::Reach => (whole, 2),
            Self::Delay => (whole.max(7), 3),
            Self::When => (whole.max(4), 4),
            Self::Poll => (whole, 5),
            Self::Jitter | Self::Dispersion => (whole.max(7), 6),
            Self::Stratum => (whole, 7),
            Self::Id => (whole, 8),
            Self::ReferenceId | Self::Local => (whole.min(15), 9),
            Self::Kind => (whole, 10),
            Self::Dots => (8, 11),
            // A daemon's own words may be longer; what is cut off stands below the table.
            Self::Condition => (whole.clamp(9, 14), 12),
            Self::Trend => (12, 13),
        };
        let whole = if self == Self::Trend { TREND } else { whole };
        Wish { least, whole: whole.max(least), rank }
    }

    /// Its cell in `row`.
    pub fn cell(self, context: &Context<'_>, row: &Row<'_>) -> Cell {
        let values = row.peer.row.latest();
        match self {
            Self::Remote => Cell::plain(remote(context, row)),
            Self::ReferenceId => described(context, row, &peer::REFERENCE_ID, words::reference),
            Self::Local => described(context, row, &peer::DESTINATION, |value| match value {
                Value::Address(address) => address.to_string(),
                _ => "?".into(),
            }),
            Self::Id => Cell::plain(row.peer.id.to_string()),
            Self::Stratum => described(context, row, &peer::STRATUM, |value| match value {
                Value::Stratum(stratum) => stratum.to_string(),
                _ => "?".into(),
            }),
            Self::Kind => Cell::plain(rows::kind(row.peer)),
            Self::When => when(context, row),
            Self::Poll => Cell::plain(poll(row).map_or_else(|| "-".into(), interval::print)),
            Self::Reach => described(context, row, &peer::REACH, |value| match value {
                Value::Reach(reach) => reach.to_string(),
                _ => "?".into(),
            }),
            Self::Dots => {
                if let Some(age) = old(context, row) {
                    return Cell::plain(format!("{} old", brief(age)));
                }
                let reach = values.and_then(|values| values.reach(&peer::REACH));
                Cell::plain(reach.map(|r| dots(r, context.app.is_ascii())).unwrap_or_default())
            }
            Self::Delay => span(context, row, &peer::DELAY),
            Self::Offset => span(context, row, &peer::OFFSET),
            Self::Jitter => span(context, row, &peer::JITTER),
            Self::Dispersion => span(context, row, &peer::DISPERSION),
            Self::Condition => Cell::plain(rows::condition(row.peer)),
            Self::Trend => Cell::plain(trend(context, row)),
        }
    }
}

/// The tally and the name, as ntpq has them side by side.
fn remote(context: &Context<'_>, row: &Row<'_>) -> String {
    let tally = row.peer.status.tally().character();
    let branch = match (row.is_pooled, context.app.is_ascii()) {
        (false, _) => "",
        (true, false) => "└ ",
        (true, true) => "` ",
    };
    format!("{tally}{branch}{}", row.name)
}

/// Seconds since the last packet, whole seconds of the daemon's clock as ntpq counts them.
fn when(context: &Context<'_>, row: &Row<'_>) -> Cell {
    // A packet that came since would not be known.
    if old(context, row).is_some() {
        return Cell::plain("old");
    }
    let Some(age) = seconds_since_packet(context, row) else { return Cell::plain("-") };
    // A time of the daemon's that is this second may also be one that its clock was stepped past.
    let is_told = age == 0 && rows::has_statistics(row.peer);
    let text = if is_told { "0".into() } else { interval::print(age) };
    if is_overdue(context, row) {
        return Cell { text: text + "!", style: Some(context.theme.warning) };
    }
    Cell::plain(text)
}

/// Seconds since the last packet.
pub fn seconds_since_packet(context: &Context<'_>, row: &Row<'_>) -> Option<i64> {
    seconds_at(context, row, context.now)
}

fn seconds_at(context: &Context<'_>, row: &Row<'_>, now: Mono) -> Option<i64> {
    // What is told as an age is whole seconds already.
    if row.peer.value(&peer::SAMPLE_AGE).is_ok() {
        let age = context.daemon.age(row.peer, now)?;
        return i64::try_from(age.as_secs()).ok();
    }
    let clock = context.daemon.clock_at(now)?;
    let stamp = [&peer::RECEIVE, &peer::REFERENCE_TIME]
        .into_iter()
        .find_map(|variable| row.peer.row.latest()?.timestamp(variable))?;
    Some(i64::from(clock.seconds().wrapping_sub(stamp.seconds()).cast_signed()))
}

/// Whether a packet was overdue when the row was told: bursts and minutes aside, only more than
/// twice the poll interval says something. The daemon's own clock is not polled while there are
/// others.
pub fn is_overdue(context: &Context<'_>, row: &Row<'_>) -> bool {
    let told = row.peer.row.dated().map(|dated| dated.answered);
    let age = told.and_then(|told| seconds_at(context, row, told));
    let (Some(age), Some(poll)) = (age, poll(row)) else { return false };
    if rows::has_statistics(row.peer) && is_answering(row) {
        // Its answers come, but not each becomes a sample: some are filtered or not good enough.
        return age > poll.max(1).saturating_mul(8);
    }
    age > poll.max(1).saturating_mul(2)
        && !matches!(rows::kind(row.peer), 'B' | 'M' | 'p' | 'a')
        && !rows::is_own_clock(row.peer)
}

/// Whether the last poll was answered.
fn is_answering(row: &Row<'_>) -> bool {
    let reach = row.peer.row.latest().and_then(|values| values.reach(&peer::REACH));
    reach.is_some_and(|reach| reach.register() & 1 == 1)
}

/// How old the values of a row are, where that must be said: its questions came to nothing, or it
/// was not asked for so long that a poll of its source went unseen.
pub fn old(context: &Context<'_>, row: &Row<'_>) -> Option<Duration> {
    let age = context.now.since(row.peer.row.dated()?.answered);
    let polls = poll(row).and_then(|poll| u64::try_from(poll).ok()).unwrap_or_default();
    let most = Duration::from_secs(polls * 2).clamp(LEAST_OLD, MOST_FRESH);
    let failed = row.peer.row.trouble().is_some() && age >= Duration::from_secs(1);
    (failed || age > most).then_some(age)
}

/// An age in a few letters: `45 s`, `12 m`, `3 h`.
fn brief(age: Duration) -> String {
    match age.as_secs() {
        seconds @ ..100 => format!("{seconds} s"),
        seconds @ ..6000 => format!("{} m", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}

/// The poll interval in seconds: the lesser of both sides', as ntpq has it.
pub fn poll(row: &Row<'_>) -> Option<i64> {
    let values = row.peer.row.latest()?;
    let interval = |variable| values.poll(variable).and_then(PollExponent::interval);
    let least = [interval(&peer::HOST_POLL), interval(&peer::PEER_POLL)].into_iter().flatten();
    least.min().and_then(|poll| i64::try_from(poll.as_secs()).ok())
}

/// A span in the column's unit; faint where there was no sample yet and ntpq's zero means that.
fn span(context: &Context<'_>, row: &Row<'_>, variable: &'static Variable) -> Cell {
    let signed = variable == &peer::OFFSET;
    match row.peer.value(variable) {
        Ok((Value::Duration(value), _)) => {
            // A number that stands for something else is none to be compared with others.
            let is_sign =
                rows::has_statistics(row.peer) && variable.sentinel(value.milliseconds()).is_some();
            let empty = (is_sign || has_no_sample(row)).then_some(context.theme.faint);
            Cell { text: context.format.cell(*value, signed), style: empty }
        }
        Ok(_) => Cell::plain("?"),
        Err(why) => absent(context, &why),
    }
}

/// Whether there is no sample behind the numbers: they are zero then, which is not a perfect
/// clock, or are not given.
pub fn has_no_sample(row: &Row<'_>) -> bool {
    let none = NtpDuration::from_seconds(15.9);
    rows::is_own_clock(row.peer)
        || matches!(row.peer.value(&peer::OFFSET), Err(Absent::NotGiven))
        || row.peer.duration(&peer::DISPERSION).is_some_and(|dispersion| dispersion >= none)
        || (!row.peer.status.is_reachable()
            && row.peer.duration(&peer::DELAY) == Some(NtpDuration::ZERO))
}

fn described(
    context: &Context<'_>,
    row: &Row<'_>,
    variable: &'static Variable,
    print: impl Fn(&Value) -> String,
) -> Cell {
    match row.peer.value(variable) {
        Ok((value, _)) => Cell::plain(print(value)),
        Err(why) => absent(context, &why),
    }
}

/// Not there: a sign for each reason that matters at a glance.
fn absent(context: &Context<'_>, why: &Absent) -> Cell {
    let text = match why {
        Absent::NotAskedYet if context.app.is_ascii() => "..",
        Absent::NotAskedYet => "…",
        Absent::NotGiven | Absent::NotInFamily => "-",
        Absent::Closed { .. } if context.app.is_ascii() => ".",
        Absent::Closed { .. } => "·",
        _ => "?",
    };
    Cell { text: text.into(), style: Some(context.theme.faint) }
}

fn trend(context: &Context<'_>, row: &Row<'_>) -> String {
    let series = PeerKey::of(row.peer).and_then(|key| context.tab.history.of(&key));
    let values: Vec<_> = series.map(|s| s.latest(TREND).collect()).unwrap_or_default();
    sparkline(&values, context.app.is_ascii())
}

/// How a row looks: by its tally; as old when it is.
pub fn row_style(context: &Context<'_>, row: &Row<'_>) -> Style {
    let theme = &context.theme;
    let is_told = row.peer.row.trouble().is_none();
    if !context.daemon.contact.is_fresh() || !is_told || old(context, row).is_some() {
        return theme.stale;
    }
    match row.peer.status.tally() {
        _ if rows::has_statistics(row.peer) && has_no_sample(row) => theme.faint,
        Tally::SystemPeer | Tally::PpsPeer => theme.good,
        Tally::Candidate => theme.fair,
        Tally::Falseticker => theme.bad,
        Tally::Outlier | Tally::Excess | Tally::Backup => theme.idle,
        Tally::Reject => theme.text,
    }
}

/// Values are not called old sooner, however often their source is polled.
const LEAST_OLD: Duration = Duration::from_secs(32);

/// Values on screen are asked for more often, however seldom their source is polled.
const MOST_FRESH: Duration = Duration::from_secs(150);

/// Columns of the widest sparkline.
const TREND: usize = 32;
