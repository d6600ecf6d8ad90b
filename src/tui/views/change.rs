//! Changing a daemon: what is asked before it is armed, what a change comes to, how it goes; and the
//! line on every screen that says that changes are armed.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::widgets::{Clear, Widget};

use crate::backend::change::Signing;
use crate::model::change::state::Difference;
use crate::model::change::{
    Answered, Course, Outcome, Phase, Preview, Sent, TakenBack, Trouble, Verdict, Why,
};
use crate::model::values::printable;
use crate::tui::app::{App, Overlay, Screen, Tab};
use crate::tui::arming::{Arming, Offered, Shown, Step};
use crate::tui::widgets::text;

/// Lines that say on every screen that changes are armed, or that one is under way.
pub fn height(app: &App) -> u16 {
    u16::try_from(told(app).count().min(MOST_BANNERS)).unwrap_or(0)
}

/// The daemons that have such a line, the one on screen first.
fn told(app: &App) -> impl Iterator<Item = &Tab> {
    let is_told = |tab: &&Tab| tab.armed.is_some() || is_to_be_seen(app, tab);
    let is_shown = |tab: &&Tab| app.tab().is_some_and(|shown| shown.target == tab.target);
    let others = app.tabs.iter().filter(move |tab| !is_shown(tab));
    app.tab().into_iter().chain(others).filter(is_told)
}

/// Whether a daemon has a change that is under way, or one that has ended behind another screen.
fn is_to_be_seen(app: &App, tab: &Tab) -> bool {
    let is_open = matches!(app.overlay, Some(Overlay::Change));
    let is_seen = is_open && app.tab().is_some_and(|shown| shown.target == tab.target);
    tab.is_changing() || (tab.wants_a_look() && !is_seen)
}

/// Draws those lines.
pub fn render_banners(app: &App, area: Rect, buffer: &mut Buffer) {
    let theme = app.theme();
    for (tab, row) in told(app).zip(0..area.height) {
        let word = if tab.armed.is_some() { " ARMED " } else { " CHANGING " };
        let style = theme.bad.add_modifier(Modifier::REVERSED | Modifier::BOLD);
        let column = text::put(buffer, area, (0, row), word, style);
        let room = usize::from(area.width.saturating_sub(column));
        let said = text::cut(&app.marks(&banner(app, tab)), room, app.is_ascii());
        let is_waiting = tab.change.as_ref().is_some_and(|change| {
            change.left(app.now.mono).is_some() || change.phase() == Phase::Ended
        });
        let style = if is_waiting { style } else { theme.notice };
        text::put(buffer, area, (column, row), &text::pad(&said, room, false), style);
    }
}

fn banner(app: &App, tab: &Tab) -> String {
    let label = &tab.label;
    // There every key is a letter of what is typed.
    let key = if app.screen() == Screen::Console { "Esc and !" } else { "!" };
    let change = tab.change.as_ref().filter(|_| is_to_be_seen(app, tab));
    match change.map(|change| (change, change.left(app.now.mono))) {
        Some((_, Some(left))) => {
            let seconds = left.as_secs_f64().ceil();
            format!(" {label}: taken back in {seconds} s unless you keep it: {key} shows it")
        }
        Some((change, None)) if change.phase() == Phase::Ended => {
            let (_, ending) = headline(app, change);
            format!(" {label}: {key} shows this: {ending}")
        }
        Some((change, None)) => {
            format!(" {label}: {}: {key} shows it", under_way(change.phase()))
        }
        None => format!(" {label}: `:set VERB` makes a change, {key} disarms"),
    }
}

/// What is being done.
const fn under_way(phase: Phase) -> &'static str {
    match phase {
        Phase::Applying => "a change is being sent",
        Phase::ReadingBack => "a change is being read back",
        Phase::TakingBack => "a change is being taken back",
        Phase::ReadingAgain => "it is read whether all is as it was",
        Phase::Reading => "the daemon is being read",
        Phase::Preview | Phase::Confirming(_) | Phase::Ended => "a change waits",
    }
}

/// Draws what is asked before changes are armed.
pub fn render_arming(app: &App, arming: &Arming, area: Rect, buffer: &mut Buffer) {
    let theme = app.theme();
    let label = app.tab().map_or("", |tab| tab.label.as_str());
    let mut lines = vec![
        (
            theme.text,
            format!(
                "Armed, changes can be sent to {label}, each after you have seen it and said yes. It ends with !, or by itself after five minutes without a key."
            ),
        ),
        (theme.text, String::new()),
    ];
    match &arming.step {
        Step::Sure => lines.push((
            theme.text,
            "This daemon asks for no key: whoever may use its socket may change it.".into(),
        )),
        Step::Key(typed) => {
            let is_offered = arming.offered.as_ref().is_some_and(|keys| !keys.keys().is_empty());
            lines.extend(arming.offered.as_ref().map(|offered| offered_keys(app, offered)));
            let asked = if is_offered {
                "The number of the key that signs changes, and questions that need it. With a type behind it, as MD5, its secret is asked for in place of the file's:"
            } else {
                "The number of the key that signs changes, and questions that need it; then its type if it is not MD5:"
            };
            lines.push((theme.text, asked.into()));
            lines.push((theme.accent, format!("  key: {typed}_")));
        }
        Step::Secret { number, kind, .. } => {
            lines.push((theme.text, format!("The secret of key {number} ({kind}):")));
            lines.push((theme.accent, "  secret (not shown): _".into()));
        }
    }
    if let Some(trouble) = &arming.trouble {
        lines.push((theme.bad, trouble.clone()));
    }
    if arming.then.is_some() {
        let then = "Then what takes the change back is shown, before it is sent.";
        lines.push((theme.text, then.into()));
    }
    lines.push((theme.text, String::new()));
    let keys = match arming.step {
        Step::Sure => "y arm   n leave it",
        Step::Key(_) if arming.offered.as_ref().is_some_and(|keys| keys.keys().len() > 1) => {
            "Enter go on   Tab next key   Esc leave it"
        }
        Step::Key(_) => "Enter go on   Esc leave it",
        Step::Secret { .. } => "Enter arm   Esc leave it",
    };
    let title = format!(" Arm changes of {label}?");
    draw(app, &title, &lines, 0, keys, area, buffer);
}

/// The keys of a file by their numbers and types, or why there are none.
fn offered_keys(app: &App, offered: &Offered) -> (Style, String) {
    let theme = app.theme();
    let file = printable(&offered.file);
    match &offered.keys {
        None => (theme.text, format!("{file} is being read...")),
        Some(Err(why)) => (theme.bad, why.lines().collect::<Vec<_>>().join("; ")),
        Some(Ok(keys)) if keys.is_empty() => (theme.warning, format!("{file} has no key.")),
        Some(Ok(keys)) => {
            let word = |signing: &Signing| {
                format!("{} {}", signing.number(), signing.key().key.algorithm().word())
            };
            let all: Vec<String> = keys.iter().take(MOST_KEYS).map(word).collect();
            let more = keys.len().saturating_sub(MOST_KEYS);
            let more = if more > 0 { format!(", and {more} more") } else { String::new() };
            (theme.notice, format!("Keys of {file}: {}{more}.", all.join(", ")))
        }
    }
}

/// Draws a change and how it goes.
pub fn render(app: &App, tab: &Tab, area: Rect, buffer: &mut Buffer) {
    let Some(change) = &tab.change else { return };
    let title = format!(" Change of {}: {}", tab.label, change.words);
    draw(app, &title, &lines(app, tab, change), change.scroll, &keys(tab, change), area, buffer);
}

/// The most that a change can be scrolled by.
pub fn most_scroll(app: &App, tab: &Tab, area: Rect) -> usize {
    let Some(change) = &tab.change else { return 0 };
    let lines = wrapped(app, &lines(app, tab, change), usize::from(area.width));
    lines.len().saturating_sub(usize::from(area.height.saturating_sub(2)))
}

/// A title, lines from the one scrolled to, and the keys below them.
pub(super) fn draw(
    app: &App,
    title: &str,
    lines: &[(Style, String)],
    scroll: usize,
    keys: &str,
    area: Rect,
    buffer: &mut Buffer,
) {
    let area = area.intersection(buffer.area);
    Clear.render(area, buffer);
    let theme = app.theme();
    let width = usize::from(area.width);
    let title = text::cut(&app.marks(title), width, app.is_ascii());
    text::put(buffer, area, (0, 0), &text::pad(&title, width, false), theme.bar);
    let wrapped = wrapped(app, lines, width);
    let room = usize::from(area.height.saturating_sub(2));
    let most = wrapped.len().saturating_sub(room);
    let first = scroll.min(most);
    for ((style, line), row) in wrapped.iter().skip(first).take(room).zip(1..) {
        text::put(buffer, area, (0, row), line, *style);
    }
    let hidden = wrapped.len().saturating_sub(first + room);
    let more = match (hidden, first) {
        (0, 0) => String::new(),
        (0, _) => "   k up".to_owned(),
        (hidden, _) => format!("   j down ({hidden} more)"),
    };
    if area.height > 1 {
        let line = format!(" {keys}{more}");
        text::put(buffer, area, (0, area.height - 1), &line, theme.heading);
    }
}

pub(super) fn wrapped(app: &App, lines: &[(Style, String)], width: usize) -> Vec<(Style, String)> {
    let wrap = |(style, line): &(Style, String)| {
        let indent = line.len() - line.trim_start().len();
        let room = width.saturating_sub(2 + indent).max(8);
        let blanks = " ".repeat(indent + 1);
        let style = *style;
        let parts = text::wrap(app.marks(line).trim_start(), room);
        parts.into_iter().map(move |part| (style, format!("{blanks}{part}")))
    };
    lines.iter().flat_map(wrap).collect()
}

/// Which keys there are now.
fn keys(tab: &Tab, change: &Shown) -> String {
    let course = change.progress.as_ref().map(|progress| &progress.course);
    let preview = course.and_then(|course| course.preview.as_ref());
    match change.phase() {
        Phase::Reading => "n leave it".into(),
        Phase::Preview if tab.armed.is_none() => "n leave it (no longer armed)".into(),
        Phase::Preview if change.left.is_some() => "y SEND it: takes it back   n leave it".into(),
        Phase::Preview if preview.is_some_and(|preview| preview.inverse.is_err()) => {
            "y SEND it for good: there is no way back   n leave it".into()
        }
        Phase::Preview => "y SEND it   n leave it".into(),
        Phase::Confirming(_) => "y keep it   n take it back   q other screens meanwhile".into(),
        Phase::Applying | Phase::ReadingBack => "n take it back".into(),
        Phase::TakingBack | Phase::ReadingAgain => "q other screens meanwhile".into(),
        Phase::Ended => "y close".into(),
    }
}

/// All that there is to say of a change now: the latest first, for that is what is waited for.
fn lines(app: &App, tab: &Tab, change: &Shown) -> Vec<(Style, String)> {
    let theme = app.theme();
    let Some(progress) = &change.progress else {
        return vec![(theme.text, format!("{} is being asked...", tab.label))];
    };
    let course = &progress.course;
    let mut lines = vec![headline(app, change)];
    if let Some(trouble) = &course.trouble {
        lines.push((theme.bad, format!("{trouble}")));
        if let Trouble::Options(_) = trouble {
            let hint = match &tab.files.config_of {
                Some(file) => {
                    format!("{} has no line of it. ", printable(&file.display().to_string()))
                }
                None => String::new(),
            };
            let hint = format!(
                "{hint}Say them behind --has, to the end of the line: `:set prefer HOST --has \
                 iburst key 5`, or --has alone for none. With --config-of FILE, or `config_of` in \
                 the settings, they are taken from the daemon's configuration."
            );
            lines.push((theme.notice, hint));
        }
    }
    if let Some(why) = &progress.unwritten {
        let said = format!("What became of it cannot be written down in the log: {why}");
        lines.push((theme.bad, said));
    }
    if let Some(back) = &course.back {
        taken_back(app, back, &mut lines);
    }
    // Once it is being taken back, what it had come to is no longer so.
    if let (Some(outcome), None) = (&course.outcome, &course.back) {
        shown_by(app, outcome, &mut lines);
    }
    if course.sent.is_empty() {
        if let Some(preview) = &course.preview {
            previewed(app, preview, change.left, &progress.foreseen, &mut lines);
        }
    } else {
        sent(app, "Sent:", &course.sent, &mut lines);
        if let (Some(Preview { inverse, .. }), None) = (&course.preview, change.left) {
            way_back(app, inverse, course.phase == Phase::Ended, &mut lines);
        }
    }
    lines
}

/// How it stands, in one line.
fn headline(app: &App, change: &Shown) -> (Style, String) {
    let theme = app.theme();
    let course = change.progress.as_ref().map(|progress| &progress.course);
    let verdict = course.and_then(Course::verdict);
    let back = course.and_then(|course| course.back.as_ref());
    match (change.phase(), change.left(app.now.mono)) {
        (_, Some(left)) => {
            let seconds = left.as_secs_f64().ceil();
            let done = verdict.map(|verdict| verdict.to_string()).unwrap_or_default();
            let said =
                format!("{}. TAKEN BACK in {seconds} s unless you keep it (y)", capital(&done));
            (theme.warning, said)
        }
        (Phase::Preview, _) => (theme.notice, "Nothing is sent yet.".into()),
        (Phase::Ended, _) => match (back, verdict) {
            (Some(back), _) => ended_back(app, back),
            (None, Some(Verdict::Applied)) if change.left.is_some() => {
                (theme.good, "Taken back: reading back shows it.".into())
            }
            (None, Some(Verdict::NotApplied | Verdict::Partly)) if change.left.is_some() => (
                theme.bad,
                "NOT taken back, or not wholly: it stays among what was left behind.".into(),
            ),
            (None, Some(verdict)) => {
                let is_well = matches!(verdict, Verdict::Applied);
                let kept = course.is_some_and(|course| course.is_confirmed);
                let kept = if kept { "Kept. " } else { "" };
                (
                    if is_well { theme.good } else { theme.warning },
                    format!("{kept}{}", capital(&verdict.to_string())),
                )
            }
            (None, None) => (theme.notice, "Nothing was sent.".into()),
        },
        (phase, _) => (theme.notice, format!("{}...", under_way(phase))),
    }
}

/// A sentence of its own, which begins with a capital.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        format!("{}{}", first.to_ascii_uppercase(), letters.as_str())
    })
}

fn ended_back(app: &App, back: &TakenBack) -> (Style, String) {
    let theme = app.theme();
    let why = match back.why {
        Why::NotConfirmed => "Not kept in time.",
        Why::Asked => "",
    };
    let verdict = back.outcome.as_ref().map(|outcome| outcome.verdict);
    let (style, said) = match verdict {
        Some(Verdict::Applied) => (theme.good, "Taken back: all is as it was before."),
        Some(Verdict::Untold) => {
            (theme.good, "Taken back by the daemon's word; nothing that it tells could prove it.")
        }
        Some(Verdict::Restarted) => {
            (theme.warning, "The daemon has started anew, and follows its configuration again.")
        }
        Some(Verdict::NotApplied | Verdict::Partly) => {
            (theme.bad, "NOT taken back, or not wholly: it is not as it was before.")
        }
        Some(Verdict::Unknown) | None => {
            (theme.bad, "PERHAPS taken back: the daemon cannot be read.")
        }
    };
    (style, format!("{why} {said}").trim_start().to_owned())
}

fn taken_back(app: &App, back: &TakenBack, lines: &mut Vec<(Style, String)>) {
    match back.needless() {
        Some(why) => lines.push((app.theme().text, format!("{}.", capital(why)))),
        None => sent(app, "Sent to take it back:", &back.sent, lines),
    }
    let differs = back.outcome.as_ref().and_then(|outcome| outcome.difference.as_ref());
    if let Some(difference) = differs.filter(|difference| !difference.is_empty()) {
        differs_by(app, difference, lines);
    }
}

fn shown_by(app: &App, outcome: &Outcome, lines: &mut Vec<(Style, String)>) {
    let theme = app.theme();
    if !outcome.checks.is_empty() {
        lines.push((theme.heading, "Read back:".into()));
    }
    for (check, holds) in &outcome.checks {
        let (style, word) = match holds {
            Some(true) => (theme.good, "yes"),
            Some(false) => (theme.bad, "NO "),
            None => (theme.text, "?  "),
        };
        lines.push((style, format!("  {word} {check}")));
    }
    if let Some(difference) = &outcome.difference {
        differs_by(app, difference, lines);
    }
}

fn differs_by(app: &App, difference: &Difference, lines: &mut Vec<(Style, String)>) {
    let theme = app.theme();
    if !difference.is_empty() && difference.is_only_numbers() {
        let only = "Differs from before only in the numbers of what was made again.";
        lines.push((theme.text, only.into()));
        return;
    }
    let before = lines.len();
    lines.push((theme.heading, "Differs from before:".into()));
    for entry in &difference.went {
        lines.push((theme.text, format!("  - {entry}")));
    }
    for entry in &difference.came {
        lines.push((theme.text, format!("  + {entry}")));
    }
    for changed in &difference.changed {
        lines.push((theme.text, format!("  ~ {changed}")));
    }
    if let Some((was, is)) = &difference.followed {
        let name = |whom: &Option<String>| whom.clone().unwrap_or_else(|| "nobody".to_owned());
        lines.push((theme.text, format!("  ~ follows {} → {}", name(was), name(is))));
    }
    if lines.len() == before + 1 {
        lines.truncate(before);
        lines.push((theme.text, "Nothing differs from before.".into()));
    }
}

fn sent(app: &App, title: &str, sent: &[Sent], lines: &mut Vec<(Style, String)>) {
    let theme = app.theme();
    lines.push((theme.heading, title.to_owned()));
    for one in sent {
        lines.push((theme.accent, format!("  {}", one.text)));
        let style = match &one.answer {
            Some(Answered::Accepted(_)) | None => theme.text,
            Some(_) => theme.bad,
        };
        let answer = one.answer.as_ref().map(ToString::to_string);
        lines.push((style, format!("    {}", answer.unwrap_or_else(|| "...".into()))));
    }
}

fn previewed(
    app: &App,
    preview: &Preview,
    left: Option<u32>,
    foreseen: &[String],
    lines: &mut Vec<(Style, String)>,
) {
    let theme = app.theme();
    if preview.is_so_already {
        let said = match left {
            Some(_) => {
                "All of that is so already: there is nothing left to be taken back. n leaves it, \
                 and K then ends it."
            }
            None => "All of that is so already.",
        };
        lines.push((theme.warning, said.into()));
    }
    lines.push((theme.heading, "Would be sent:".into()));
    lines.extend(preview.lines.iter().map(|line| (theme.accent, format!("  {line}"))));
    // What takes back has no way back of its own.
    if left.is_none() {
        way_back(app, &preview.inverse, false, lines);
    }
    if !preview.words.is_empty() {
        lines.push((theme.heading, "What it does:".into()));
        lines.extend(preview.words.iter().map(|word| (theme.text, format!("  {word}"))));
    }
    if !foreseen.is_empty() {
        lines.push((theme.heading, "What the daemon will then select, as reckoned here:".into()));
        lines.extend(foreseen.iter().map(|sentence| (theme.text, format!("  {sentence}"))));
    }
    if !preview.checks.is_empty() {
        lines.push((theme.heading, "Reading back is to show:".into()));
        lines.extend(preview.checks.iter().map(|check| (theme.text, format!("  {check}"))));
    }
}

fn way_back(
    app: &App,
    inverse: &Result<Vec<String>, String>,
    is_over: bool,
    lines: &mut Vec<(Style, String)>,
) {
    let theme = app.theme();
    // Once it is kept, or was taken back, this is only to be known.
    let title = if is_over { "What takes it back:" } else { "Taken back by:" };
    lines.push((theme.heading, title.into()));
    match inverse {
        Ok(inverse) if inverse.is_empty() => {
            lines.push((theme.text, "  nothing: it changes nothing".into()));
        }
        Ok(inverse) => {
            lines.extend(inverse.iter().map(|line| (theme.accent, format!("  {line}"))));
        }
        Err(why) => lines.push((theme.warning, format!("  NOTHING: {why}"))),
    }
}

/// Keys of a file that are listed at most.
const MOST_KEYS: usize = 40;

/// Daemons that have such a line at most.
const MOST_BANNERS: usize = 2;
