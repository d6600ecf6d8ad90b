//! What is abnormal now: which counters grow that should not, and how quickly.

use crate::model::Value;
use crate::model::statistics::{Section, Statistics};
use crate::model::vars::{Variable, system};
use crate::tui::format;
use crate::tui::verdict::Severity;
use crate::tui::views::columns::Context;

/// A counter that should not grow.
#[derive(Clone, Copy, Debug)]
pub struct Abnormal {
    /// The counter.
    pub variable: &'static Variable,
    /// How bad it is when it grows.
    pub severity: Severity,
    /// What the daemon does when it grows, after *it*.
    pub clause: &'static str,
    /// What the counter is of, in a word or two.
    pub word: &'static str,
    /// Of which counter it is a part; `None` where a share would say nothing.
    pub part_of: Option<&'static Variable>,
}

/// How a counter that should not grow does so now.
#[derive(Clone, Copy, Debug)]
pub struct Growth {
    /// How bad that is.
    pub severity: Severity,
    /// How quickly, in counts a second.
    pub rate: f64,
    /// Which part of the whole that is, from 0 to 1.
    pub share: Option<f64>,
}

impl Abnormal {
    /// How it grows now; `None` where it does not, or where that is not known.
    pub fn now(&self, statistics: &Statistics) -> Option<Growth> {
        let rate = statistics.rate(self.variable).filter(|rate| *rate > 0.0)?;
        let share = self.part_of.and_then(|whole| {
            let whole = statistics.rate(whole).filter(|whole| *whole > 0.0)?;
            Some((rate / whole).min(1.0))
        });
        let many = share.is_some_and(|share| share >= MANY);
        let severity = if many { self.severity.max(Severity::Warning) } else { self.severity };
        Some(Growth { severity, rate, share })
    }
}

/// What is to be said first, the worst on top.
pub fn sentences(context: &Context<'_>) -> Vec<(Severity, String)> {
    let statistics = &context.daemon.statistics;
    let is_known = |section: Section| statistics.section(section).part().latest().is_some();
    if !Section::ALL.into_iter().any(is_known) {
        return vec![nothing(context)];
    }
    let mut found: Vec<(Severity, f64, String)> = Vec::new();
    for entry in &ABNORMAL {
        let Some(Growth { severity, rate, share }) = entry.now(statistics) else { continue };
        let share =
            share.map_or_else(String::new, |share| format!(", {} of what comes", percent(share)));
        found.push((severity, rate, format!("it {}: {}{share}", entry.clause, format::rate(rate))));
    }
    found.sort_by(|a, b| b.0.cmp(&a.0).then(b.1.total_cmp(&a.1)));
    let more = found.len().saturating_sub(MOST_SENTENCES);
    let mut sentences: Vec<_> = found
        .into_iter()
        .take(MOST_SENTENCES)
        .map(|(severity, _, sentence)| (severity, sentence))
        .collect();
    if let (Some((_, last)), 1..) = (sentences.last_mut(), more) {
        last.extend(["; and ", &more.to_string(), " more, marked below"]);
    }
    if sentences.is_empty() {
        sentences.push(calm(context));
    }
    sentences
}

/// The counter's entry, if it should not grow.
pub fn find(variable: &Variable) -> Option<&'static Abnormal> {
    ABNORMAL.iter().find(|entry| entry.variable == variable)
}

/// Nothing is abnormal now: what goes on, and what once was.
fn calm(context: &Context<'_>) -> (Severity, String) {
    let statistics = &context.daemon.statistics;
    let comes = [&system::RECEIVED, &system::NTP_HITS, &system::IO_RECEIVED];
    if !comes.iter().any(|variable| statistics.find(variable).is_some()) {
        return (Severity::Unknown, "it does not tell what packets come and go".into());
    }
    let Some(received) = comes.iter().find_map(|variable| statistics.rate(variable)) else {
        let sentence = "whether anything is abnormal now shows with the second answer";
        return (Severity::Unknown, sentence.into());
    };
    let mut sentence =
        format!("nothing is refused, lost or wrong now: {} come in", format::rate(received));
    if let Some(sent) = statistics.rate(&system::IO_SENT) {
        sentence.extend([", ", &format::rate(sent), " go out"]);
    }
    let earlier: Vec<String> = ABNORMAL
        .iter()
        .filter(|entry| entry.severity >= Severity::Warning)
        .filter_map(|entry| match statistics.find(entry.variable) {
            Some((_, Value::Unsigned(count @ 1..))) => Some(format!("{count} {}", entry.word)),
            _ => None,
        })
        .collect();
    if !earlier.is_empty() {
        sentence.extend([" (earlier: ", &earlier.join(", "), ")"]);
    }
    let severity = if context.daemon.contact.is_fresh() { Severity::Good } else { Severity::Old };
    (severity, sentence)
}

/// Nothing is known of what it counts.
fn nothing(context: &Context<'_>) -> (Severity, String) {
    let statistics = &context.daemon.statistics;
    let trouble = Section::ALL.into_iter().find_map(|section| {
        statistics.section(section).part().trouble().filter(|why| super::counters::is_telling(why))
    });
    match trouble {
        Some(why) => (Severity::Warning, format!("what it counts is not known: {why}")),
        None if context.daemon.contact.is_fresh() => {
            (Severity::Unknown, "what it counts is asked for; it is not here yet".into())
        }
        None => (Severity::Unknown, "what it counts is not known".into()),
    }
}

/// A share between 0 and 1 in per cent: `24 %`, `0.3 %`.
fn percent(share: f64) -> String {
    if share >= 0.095 {
        format!("{:.0} %", share * 100.0)
    } else {
        format!("{:.1} %", share * 100.0)
    }
}

/// Makes an entry: variable, severity, clause, word, part of.
macro_rules! abnormal {
    ($($variable:ident $severity:ident $clause:literal, $word:literal $(of $whole:ident)?;)+) => {
        [$(Abnormal {
            variable: &system::$variable,
            severity: Severity::$severity,
            clause: $clause,
            word: $word,
            part_of: abnormal!(@whole $($whole)?),
        }),+]
    };
    (@whole) => { None };
    (@whole $whole:ident) => { Some(&system::$whole) };
}

/// Every counter that should not grow, the worst first.
const ABNORMAL: [Abnormal; 22] = abnormal! {
    IO_DROPPED Bad "loses packets, for no buffer is free", "lost for want of a buffer" of IO_RECEIVED;
    IO_SEND_FAILED Bad "cannot send packets: no route, or a firewall", "not sent";
    TIMER_OVERRUNS Bad "is held up: its timer misses seconds", "seconds missed";
    BAD_AUTHENTICATION Warning "gets packets whose authentication fails", "not authentic" of RECEIVED;
    AUTH_DIGEST_FAILS Warning "gets packets with a wrong digest", "wrong digests";
    AUTH_CMAC_FAILS Warning "gets packets with a wrong CMAC", "wrong CMACs";
    AUTH_KEYS_EXPIRED Warning "has keys that expire", "keys expired";
    AUTH_KEYS_NOT_FOUND Notice "is asked with keys that it does not have", "keys not found";
    NTS_CLIENT_BAD Warning "gets answers whose protection is wrong", "wrongly protected";
    NTS_SERVER_BAD Notice "gets requests whose protection is wrong", "wrongly protected";
    NTS_COOKIES_BAD Notice "gets cookies that it cannot read", "unreadable cookies";
    NTS_KE_PROBES_BAD Warning "fails to agree on keys with its servers", "failed key exchanges";
    NTS_KE_FAILED Notice "fails to agree on keys with clients", "failed key exchanges";
    RATE_LIMITED Notice "drops packets of clients that ask too often", "rate limited" of RECEIVED;
    NTP_DROPS Notice "drops packets of clients that ask too often", "rate limited" of NTP_HITS;
    COMMAND_DROPS Notice "drops commands of clients that ask too often", "commands dropped" of COMMAND_HITS;
    KEY_ESTABLISHMENT_DROPS Notice "drops key exchanges of clients that ask too often", "dropped";
    LOG_DROPS Notice "forgets clients for want of memory", "clients forgotten";
    RESTRICTED Notice "turns packets away by its restrict list", "turned away" of RECEIVED;
    BAD_FORMAT Notice "gets malformed packets", "malformed" of RECEIVED;
    DECLINED Notice "declines packets that are of no use to it", "declined" of RECEIVED;
    MRU_NONE Notice "has no room for new clients in its list", "without a place";
};

/// From this share of all on something is worth looking into.
const MANY: f64 = 0.1;

/// Sentences at most.
const MOST_SENTENCES: usize = 3;
