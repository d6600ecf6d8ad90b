//! Changing a daemon: armed first, thought through, then sent, kept or taken back.
//!
//! Nothing that changes anything is sent before a person armed changes of that daemon and then said
//! yes to what was shown.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::backend::change::{Order, Pending, Progress, Signing, Wish};
use crate::backend::{Request, TargetId};
use crate::config::keys;
use crate::model::Dialect;
use crate::model::change::Phase;
use crate::model::vars::peer;
use crate::tui::app::{App, Overlay, Tab};
use crate::tui::arming::{ARMED_FOR, Armed, Arming, CONFIRM, Offered, Secret, Shown, Step};
use crate::tui::event::Effect;
use crate::tui::update::{act, left};
use crate::units::Mono;

/// Asks whether to arm; when it is armed already, disarms, or shows the change under way.
pub fn arm(app: &mut App, effects: &mut Vec<Effect>) {
    let now = app.now.mono;
    let is_simulated = app.world.is_some();
    let Some(tab) = app.tab_mut() else { return };
    if tab.wants_a_look() {
        app.overlay = Some(Overlay::Change);
    } else if tab.armed.take().is_some() {
        let label = tab.label.clone();
        app.message = Some(format!("changes of {label} are disarmed"));
    } else if let Some(why) = unchangeable(tab, is_simulated) {
        app.message = Some(why.into());
    } else {
        // What is typed now is no longer that of a moment ago.
        tab.cursor.since = now;
        let step = if is_signed(tab) == Some(false) {
            Step::Sure
        } else {
            Step::Key(tab.files.key.map(|key| key.to_string()).unwrap_or_default())
        };
        ask(app, step, None, effects);
    }
}

/// Asks whether to arm, and has the file of keys read that was named for the daemon.
fn ask(app: &mut App, step: Step, then: Option<u32>, effects: &mut Vec<Effect>) {
    let Some(tab) = app.tab() else { return };
    let file = tab.files.keys.as_ref().filter(|_| !matches!(step, Step::Sure));
    let offered = file.map(|file| Offered { file: file.display().to_string(), keys: None });
    if offered.is_some() {
        effects.push(Effect::Request(Request::Keys { target: tab.target }));
    }
    app.overlay = Some(Overlay::Arm(Arming { step, trouble: None, offered, then }));
}

/// The keys of the file that was named for a daemon came.
pub fn take_keys(app: &mut App, target: TargetId, keys: Result<Vec<Signing>, Box<str>>) {
    if app.tab().is_none_or(|tab| tab.target != target) {
        return;
    }
    let Some(Overlay::Arm(arming)) = &mut app.overlay else { return };
    let Some(offered) = &mut arming.offered else { return };
    // Whoever has but one key means that.
    if let (Ok([only]), Step::Key(typed)) = (keys.as_deref(), &mut arming.step)
        && typed.is_empty()
    {
        *typed = only.number().to_string();
    }
    offered.keys = Some(keys);
    arming.trouble = None;
}

/// Asks whether to arm, to take back a change that was left behind: with the key that it was made
/// with.
pub fn arm_for(app: &mut App, pending: &Pending, effects: &mut Vec<Effect>) {
    let Some(tab) = app.tab() else { return };
    let step = match (is_signed(tab), pending.key) {
        (Some(false), _) | (None, None) => Step::Sure,
        (_, key) => Step::Key(key.map(|key| key.to_string()).unwrap_or_default()),
    };
    ask(app, step, Some(pending.number), effects);
}

/// Whether changes of a daemon are signed; `None` where it has not told yet what it is.
fn is_signed(tab: &Tab) -> Option<bool> {
    let dialect = tab.latest.identity.as_ref().and_then(|identity| identity.dialect);
    dialect.map(Dialect::is_told_by_signed_requests)
}

/// Why a daemon takes no changes from here.
fn unchangeable(tab: &Tab, is_simulated: bool) -> Option<&'static str> {
    if is_simulated {
        Some("a simulated daemon takes no changes")
    } else if tab.target == TargetId::OWN {
        Some("this program's own engine takes no changes here: `m` measures other sources")
    } else {
        None
    }
}

/// Takes a key while it is asked whether to arm.
pub fn handle_key(app: &mut App, key: &KeyEvent, effects: &mut Vec<Effect>) {
    let Some(Overlay::Arm(arming)) = &mut app.overlay else { return };
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    arming.trouble = None;
    match (key.code, &mut arming.step) {
        (KeyCode::Esc, _) | (KeyCode::Char('n'), Step::Sure) => app.overlay = None,
        (KeyCode::Char('c'), _) if control => app.overlay = None,
        (KeyCode::Char('y'), Step::Sure) => armed(app, None, effects),
        (_, Step::Sure) => {}
        (KeyCode::Enter, Step::Key(typed)) => match key_typed(typed) {
            Ok((number, kind)) => match (&arming.offered, kind) {
                (Some(Offered { keys: None, .. }), None) => {
                    arming.trouble = Some("the file of keys is still being read".into());
                }
                (Some(offered), None) if offered.key(number).is_some() => {
                    let signing = offered.key(number).cloned();
                    armed(app, signing, effects);
                }
                (_, kind) => {
                    let kind = kind.unwrap_or_else(|| "MD5".to_owned());
                    arming.step = Step::Secret { number, kind, typed: Secret::new() };
                }
            },
            Err(why) => arming.trouble = Some(why),
        },
        (KeyCode::Tab | KeyCode::Down, Step::Key(typed)) => {
            choose(typed, arming.offered.as_ref(), 1);
        }
        (KeyCode::BackTab | KeyCode::Up, Step::Key(typed)) => {
            choose(typed, arming.offered.as_ref(), -1);
        }
        (KeyCode::Enter, Step::Secret { number, kind, typed }) => {
            match keys::typed(*number, kind, typed.text()) {
                Ok(entry) => armed(app, Some(Signing::with(entry)), effects),
                Err(why) => {
                    arming.step = Step::Key(format!("{number} {kind}"));
                    arming.trouble = Some(why.reason);
                }
            }
        }
        (KeyCode::Backspace, Step::Key(typed)) => drop(typed.pop()),
        (KeyCode::Backspace, Step::Secret { typed, .. }) => typed.pop(),
        (KeyCode::Char(letter), _) if !control => type_letter(arming, letter),
        _ => {}
    }
}

/// Takes pasted text while it is asked whether to arm; whether it is.
pub fn paste(app: &mut App, text: &str) -> bool {
    let Some(Overlay::Arm(arming)) = &mut app.overlay else { return false };
    for letter in text.chars().filter(|letter| !letter.is_control()) {
        type_letter(arming, letter);
    }
    true
}

fn type_letter(arming: &mut Arming, letter: char) {
    match &mut arming.step {
        Step::Key(typed) if typed.len() < MOST_KEY => typed.push(letter),
        Step::Secret { typed, .. } => typed.push(letter),
        Step::Key(_) | Step::Sure => {}
    }
}

/// Types the number of the key of the file that is so many places behind the one that is typed.
fn choose(typed: &mut String, offered: Option<&Offered>, step: isize) {
    let keys = offered.map_or(&[][..], Offered::keys);
    let at = keys.iter().position(|signing| signing.number().to_string() == typed.trim());
    let last = keys.len().saturating_sub(1);
    let to = match (at, step) {
        (None, 1) => 0,
        (None, _) => last,
        (Some(at), 1) => (at + 1) % keys.len(),
        (Some(at), _) => at.checked_sub(1).unwrap_or(last),
    };
    if let Some(signing) = keys.get(to) {
        *typed = signing.number().to_string();
    }
}

/// The number of a key as it was typed, and its type where one was.
fn key_typed(typed: &str) -> Result<(u32, Option<String>), String> {
    let mut words = typed.split_whitespace();
    let number = words.next().and_then(|word| word.parse::<u32>().ok());
    let number = number.filter(|number| *number > 0);
    let number = number.ok_or("type the number of the key, then its type if it is not MD5")?;
    let kind = words.next().map(str::to_owned);
    match words.next() {
        Some(_) => Err("only a number and a type; the secret is asked for next".to_owned()),
        None => Ok((number, kind)),
    }
}

fn armed(app: &mut App, signing: Option<Signing>, effects: &mut Vec<Effect>) {
    let then = match app.overlay.take() {
        Some(Overlay::Arm(arming)) => arming.then,
        _ => None,
    };
    let until = app.now.mono + ARMED_FOR;
    let Some(tab) = app.tab_mut() else { return };
    tab.armed = Some(Armed { signing, until });
    let label = tab.label.clone();
    app.message = Some(format!("changes of {label} are ARMED: `:set VERB ...` makes one"));
    if let Some(number) = then {
        left::restore(app, number, effects);
    }
}

/// Has a change thought through, as it was typed.
pub fn set(app: &mut App, typed: &str, effects: &mut Vec<Effect>) {
    let is_simulated = app.world.is_some();
    let Some(tab) = app.tab_mut() else { return };
    if let Some(why) = unchangeable(tab, is_simulated) {
        app.message = Some(why.into());
        return;
    }
    let Some(armed) = &tab.armed else {
        app.message = Some(format!("changes of {} are not armed: ! arms them", tab.label));
        return;
    };
    if tab.wants_a_look() {
        app.message = Some(look_first(tab).into());
        app.overlay = Some(Overlay::Change);
        return;
    }
    let words: Vec<String> = typed.split_whitespace().map(str::to_owned).collect();
    if words.is_empty() {
        app.message = Some("say what to set, as `:set prefer 192.0.2.1`".into());
        return;
    }
    let wish = Wish { words, signing: armed.signing.clone(), confirm: CONFIRM };
    let words = typed.trim().to_owned();
    tab.change = Some(Shown { words, left: None, progress: None, scroll: 0 });
    effects.push(ordered(tab, Order::Think(wish)));
    app.overlay = Some(Overlay::Change);
}

/// Has a verb thought through for the association under the cursor.
pub fn set_here(app: &mut App, verb: &str, effects: &mut Vec<Effect>) {
    let Some(selected) = app.tab().and_then(Tab::selected) else {
        app.message = Some("no association is selected".into());
        return;
    };
    let row = selected.row.latest();
    let address = row.and_then(|row| row.address(&peer::SOURCE));
    let address = address.filter(|address| !address.is_unspecified());
    let name = row.and_then(|row| row.text(&peer::SOURCE_HOST)).map(str::to_owned);
    let whom = address.map(|address| address.to_string()).or(name);
    let whom = whom.unwrap_or_else(|| selected.id.to_string());
    let is_known = app.tab().is_some_and(|tab| tab.files.config_of.is_some());
    let is_made_again = !is_known && app.tab().and_then(is_signed) != Some(false);
    if verb != "remove" && is_made_again && app.tab().is_some_and(|tab| tab.armed.is_some()) {
        // Its options are not told: whoever knows them says them.
        act::open_command(app, &format!("set {verb} {whom} --has "));
        app.message = Some("after --has: the options it has now, such as iburst key 5".into());
    } else {
        set(app, &format!("{verb} {whom}"), effects);
    }
}

/// The answer to the change on screen is yes.
pub fn agree(app: &mut App, effects: &mut Vec<Effect>) {
    let Some(tab) = app.tab_mut() else { return };
    let Some(change) = &tab.change else { return };
    match change.phase() {
        Phase::Preview if tab.armed.is_none() => {
            app.message = Some("changes are not armed any more: nothing is sent".into());
        }
        Phase::Preview => {
            let preview = change.progress.as_ref().and_then(|told| told.course.preview.as_ref());
            let for_good = preview.is_some_and(|preview| preview.inverse.is_err());
            effects.push(ordered(tab, Order::Send { for_good }));
        }
        Phase::Confirming(_) => effects.push(ordered(tab, Order::Keep)),
        Phase::Ended => close(app),
        _ => {}
    }
}

/// The answer is no: nothing is sent, and what was sent is taken back.
pub fn refuse(app: &mut App, effects: &mut Vec<Effect>) {
    let Some(tab) = app.tab_mut() else { return };
    match tab.change.as_ref().map(Shown::phase) {
        Some(Phase::Reading | Phase::Preview) => {
            effects.push(ordered(tab, Order::TakeBack));
            close(app);
            app.message = Some("nothing was sent".into());
        }
        Some(Phase::Ended) | None => close(app),
        Some(_) => effects.push(ordered(tab, Order::TakeBack)),
    }
}

/// Leaves the dialogue: a change that is under way goes on, and is shown on every screen.
pub fn leave(app: &mut App, effects: &mut Vec<Effect>) {
    if app.tab().is_some_and(Tab::is_changing) {
        app.overlay = None;
    } else {
        refuse(app, effects);
    }
}

fn close(app: &mut App) {
    app.overlay = None;
    if let Some(tab) = app.tab_mut() {
        tab.change = None;
    }
}

pub(super) fn ordered(tab: &Tab, order: Order) -> Effect {
    Effect::Request(Request::Change { target: tab.target, order })
}

/// Whether the program may end now: not while a change waits to be kept or taken back, nor before it
/// was seen how one has ended. It is shown then.
pub fn may_quit(app: &mut App) -> bool {
    let Some(place) = app.tabs.iter().position(Tab::wants_a_look) else { return true };
    app.current = place;
    app.message = app.tab().map(|tab| look_first(tab).into());
    app.overlay = Some(Overlay::Change);
    false
}

/// Why a change is shown in place of what was wanted.
fn look_first(tab: &Tab) -> &'static str {
    if tab.is_changing() { "decide about this change first" } else { "see how this change ended" }
}

/// How a change goes was told.
pub fn progress(
    app: &mut App,
    target: TargetId,
    progress: std::sync::Arc<Progress>,
    effects: &mut Vec<Effect>,
) {
    let Some(tab) = app.tabs.iter_mut().find(|tab| tab.target == target) else { return };
    let Some(change) = &mut tab.change else { return };
    let is_over = progress.course.phase == Phase::Ended && change.phase() != Phase::Ended;
    if change.phase() != progress.course.phase {
        change.scroll = 0;
    }
    change.progress = Some(progress);
    if is_over {
        effects.push(Effect::Request(Request::Refresh { target }));
    }
}

/// Scrolls the dialogue.
pub fn scroll(app: &mut App, to: impl FnOnce(usize) -> usize) {
    if let Some(change) = app.tab_mut().and_then(|tab| tab.change.as_mut()) {
        change.scroll = to(change.scroll);
    }
}

/// A key was pressed: whoever is at work stays armed.
pub fn stay_armed(app: &mut App) {
    let until = app.now.mono + ARMED_FOR;
    for armed in app.tabs.iter_mut().filter_map(|tab| tab.armed.as_mut()) {
        armed.until = until;
    }
}

/// Disarms where no key was pressed for long.
pub fn expire(app: &mut App) {
    let now = app.now.mono;
    let mut expired = None;
    for tab in &mut app.tabs {
        if !tab.is_changing() && tab.armed.as_ref().is_some_and(|armed| armed.until <= now) {
            tab.armed = None;
            expired = Some(tab.label.clone());
        }
    }
    if let Some(label) = expired {
        app.message = Some(format!("changes of {label} are disarmed: no key was pressed for long"));
    }
}

/// When something of this changes by itself: the next second of a countdown, or the end of being
/// armed.
pub fn next_wakeup(app: &App) -> Option<Mono> {
    let now = app.now.mono;
    let ends = |tab: &Tab| tab.armed.as_ref().map(|armed| armed.until);
    let counts = |tab: &Tab| {
        let left = tab.change.as_ref().and_then(|change| change.left(now))?;
        Some(now + std::time::Duration::from_nanos(u64::from(left.subsec_nanos()).max(1)))
    };
    app.tabs.iter().flat_map(|tab| [ends(tab), counts(tab)]).flatten().min()
}

/// Letters of a key's number and type at most.
const MOST_KEY: usize = 40;
