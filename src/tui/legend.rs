//! What the signs of chronyc are called here: for those who know its reports.
//!
//! The only place of the screens where a daemon or a protocol has a name, which a test sees to:
//! everything else goes by what a daemon tells, not by which it is.

/// A sign or word of chronyc's reports and what stands for it here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// As chronyc prints it.
    pub sign: &'static str,
    /// What stands for it here: a letter of the column `t`, a tally code, a column or a line.
    pub here: &'static str,
    /// What it means.
    pub meaning: &'static str,
}

/// The heading of the table.
pub const HEADING: &str = "Signs of chronyc, and what stands for them here";

/// The signs in front of a source in `chronyc sources`: first of its kind, then of its state.
pub const SIGNS: [Entry; 9] = [
    entry("^", "t: u", "a server"),
    entry("=", "t: s", "a peer, which asks us in turn"),
    entry("#", "t: l", "a reference clock on the daemon's host"),
    entry("*", "*", "selected: the clock follows it"),
    entry("+", "+", "combined with the selected one"),
    entry("-", "-", "could be selected, but is not combined; a D, L, P, U or W of selectdata"),
    entry("?", "blank", "cannot be selected; an N, M, s, r, d, w, S, O or T of selectdata"),
    entry("x", "x", "falseticker: it does not agree with the majority"),
    entry("~", "blank", "too jittery"),
];

/// Words of its reports that are called otherwise here.
pub const WORDS: [Entry; 7] = [
    entry("LastRx", "when", "the age of the last good sample, not of the last packet"),
    entry(
        "Last sample",
        "offset",
        "the first number, with the other sign: here positive means that the local clock is slow; \
         the one in [ ] is the measured offset, the one behind +/- the error bound (Enter)",
    ),
    entry("Std Dev", "jitter", "how far samples scatter about their line"),
    entry(
        "System time",
        "headline",
        "what is left to correct; not a source's offset, and not the Last offset, which is what \
         the last update found",
    ),
    entry("NP NR Span", "Enter", "samples, runs and sample span"),
    entry("Frequency", "c", "with the other sign: here it is the correction, not the error"),
    entry("Root delay", "c", "part of the error at most: half of it, and the root dispersion"),
];

const fn entry(sign: &'static str, here: &'static str, meaning: &'static str) -> Entry {
    Entry { sign, here, meaning }
}
