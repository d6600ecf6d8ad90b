//! Changes that were left behind by programs that died: offered one after another, each to be taken
//! back, kept, or left for later.
//!
//! Nothing is sent before a person has said so of that change, armed changes of its daemon, seen what
//! takes it back and said yes.

use std::sync::Arc;

use crate::backend::change::{Left, Order};
use crate::tui::app::{App, Overlay, Tab};
use crate::tui::arming::Shown;
use crate::tui::event::Effect;
use crate::tui::update::change;

/// What was left behind was told.
pub fn take(app: &mut App, all: Arc<[Left]>, trouble: Option<Box<str>>) {
    let is_first = app.left.all.is_empty();
    app.left.all = all;
    let numbers: Vec<u32> = app.left.all.iter().map(|left| left.change.number).collect();
    app.left.later.retain(|number| numbers.contains(number));
    if let Some(Overlay::Left(number)) = app.overlay
        && !numbers.contains(&number)
    {
        app.overlay = None;
    }
    if let Some(trouble) = trouble {
        app.message = Some(trouble.into());
    } else if is_first {
        app.message = elsewhere(app).or_else(|| app.message.take());
    }
}

/// What there is to say of changes of daemons that are not on these screens.
fn elsewhere(app: &App) -> Option<String> {
    let others = app.left.all.iter().filter(|left| left.target.is_none());
    let hosts: Vec<&str> = others.map(|left| left.change.host.as_str()).collect();
    let hosts = match hosts.as_slice() {
        [] => return None,
        [one] => (*one).to_owned(),
        [one, others @ ..] => format!("{one} and {} more", others.len()),
    };
    Some(format!("also left behind, not on these screens: {hosts}; see `ntpscope set --pending`"))
}

/// Offers the next change of a daemon on these screens about which nobody has decided yet, when
/// nothing else is asked and no change is under way.
pub fn offer(app: &mut App) {
    if app.overlay.is_some() || app.tabs.iter().any(Tab::is_changing) {
        return;
    }
    let is_open = |left: &&Left| !app.left.later.contains(&left.change.number);
    let next = here(app).find(is_open).map(|left| left.change.number);
    app.overlay = next.map(Overlay::Left);
}

/// Those of daemons that are on these screens, by their numbers.
pub fn here(app: &App) -> impl Iterator<Item = &Left> {
    let is_here = |left: &&Left| {
        let place = left.target.and_then(|target| app.tabs.iter().find(|tab| tab.target == target));
        place.is_some()
    };
    app.left.all.iter().filter(is_here)
}

/// Offers all of them again.
pub fn show(app: &mut App) {
    app.left.later.clear();
    if here(app).next().is_none() {
        let nothing = || "no change was left behind".to_owned();
        app.message = Some(elsewhere(app).unwrap_or_else(nothing));
    }
    app.overlay = None;
    offer(app);
}

/// The change that is asked about.
fn asked(app: &App) -> Option<Left> {
    let Some(Overlay::Left(number)) = app.overlay else { return None };
    app.left.all.iter().find(|left| left.change.number == number).cloned()
}

/// It is to be taken back: that is thought through, once changes of the daemon are armed.
pub fn take_back(app: &mut App, effects: &mut Vec<Effect>) {
    let Some(left) = asked(app) else { return };
    let place = app.tabs.iter().position(|tab| Some(tab.target) == left.target);
    let Some(place) = place else { return };
    app.current = place;
    if app.tab().is_some_and(|tab| tab.armed.is_some()) {
        restore(app, left.change.number, effects);
    } else {
        change::arm_for(app, &left.change, effects);
    }
}

/// Has it thought through how the change of this number is taken back.
pub fn restore(app: &mut App, number: u32, effects: &mut Vec<Effect>) {
    let Some(tab) = app.tab_mut() else { return };
    let signing = tab.armed.as_ref().and_then(|armed| armed.signing.clone());
    let words = format!("take back change {number}");
    tab.change = Some(Shown { words, left: Some(number), progress: None, scroll: 0 });
    effects.push(change::ordered(tab, Order::Restore { number, signing }));
    app.overlay = Some(Overlay::Change);
}

/// It is to be kept: there is no more to be heard of it.
pub fn keep(app: &mut App, effects: &mut Vec<Effect>) {
    let Some(Left { change, target: Some(target) }) = asked(app) else { return };
    let number = change.number;
    effects.push(Effect::Request(crate::backend::Request::Change {
        target,
        order: Order::Forget { number },
    }));
    app.message = Some(format!("the change of {} stays as it is", change.host));
    later(app);
}

/// Nothing is done about it now; a line keeps it in mind.
pub fn later(app: &mut App) {
    if let Some(Overlay::Left(number)) = app.overlay.take() {
        app.left.later.insert(number);
    }
}
