//! From state and event to state and effects: all decisions of the screens are taken here.

use std::mem;
use std::time::Duration;

use crossterm::event::KeyEvent;

use crate::backend::{Request, Update};
use crate::model::vars::peer;
use crate::model::{Contact, Daemon, Interest};
use crate::tui::app::{App, Cursor, Overlay, Screen, Tab};
use crate::tui::command::Action;
use crate::tui::event::{Effect, Event};
use crate::tui::rows::{self, PeerKey};
use crate::tui::{keymap, verdict, view};
use crate::units::{AssocId, Mono, Now};

pub mod act;
pub mod change;
pub mod clients;
pub mod console;
pub mod left;
pub mod measure;
pub mod prompt;
pub mod world;

/// Takes `event` in, which came at `now`, and says what is to be done.
pub fn update(app: &mut App, now: Now, event: Event) -> Vec<Effect> {
    app.now = now;
    let mut effects = Vec::new();
    match event {
        Event::Key(key) => handle_key(app, &key, &mut effects),
        Event::Paste(text) if change::paste(app, &text) => {}
        Event::Paste(text) if is_typing(app) => console::paste(app, &text),
        Event::Paste(text) => prompt::paste(app, &text),
        Event::Resize(columns, rows) => {
            app.size = (columns, rows);
            // A terminal that shrank and grew again has lost what stood there.
            effects.push(Effect::Redraw);
        }
        Event::Backend(Update::Change { target, progress }) => {
            change::progress(app, target, progress, &mut effects);
        }
        Event::Backend(Update::Keys { target, keys }) => change::take_keys(app, target, keys),
        Event::Backend(Update::Left { all, trouble }) => left::take(app, all, trouble),
        Event::Backend(update) => {
            handle_update(app, update);
            effects.extend(hopeless(app).map(Effect::GiveUp));
        }
        Event::Stop => act::act(app, Action::Suspend, "", &mut effects),
        Event::Tick => {}
    }
    clients::arrange(app);
    change::expire(app);
    left::offer(app);
    console::open(app, &mut effects);
    for place in 0..app.tabs.len() {
        ask_names(app, place, &mut effects);
        tell_interest(app, place, &mut effects);
        give_key(app, place, &mut effects);
    }
    effects
}

/// What to ask for at the start, before anything happened.
pub fn start(app: &mut App) -> Vec<Effect> {
    let mut effects = Vec::new();
    if let Some(measure) = app.measure.take() {
        measure::start(app, measure, &mut effects);
    }
    let now = app.now;
    effects.extend(update(app, now, Event::Tick));
    effects
}

/// When the screen shows something else though nothing happens: the next second of a countdown
/// on it. `None` while nothing on screen counts.
pub fn next_wakeup(app: &App) -> Option<Mono> {
    [counting(app), change::next_wakeup(app)].into_iter().flatten().min()
}

/// The next second of a countdown of the daemon's.
fn counting(app: &App) -> Option<Mono> {
    if app.frozen.is_some() {
        return None;
    }
    let daemon = app.tab()?.shown();
    let second = 1_000_000_000;
    let since_second = match daemon.clock_at(app.now.mono) {
        // The column *when* counts whole seconds of the daemon's clock.
        Some(clock) if daemon.contact.is_fresh() => (clock.fraction() * second) >> 32,
        _ => app.now.mono.nanos() % second,
    };
    let rest = second - since_second.min(second - 1);
    Some(Mono::from_nanos(app.now.mono.nanos().saturating_add(rest)))
}

/// Why there is nothing to watch, when none of the names that were given has an address: a slip of
/// the pen is told at once and not on a screen. Later it is the resolver that fails, and comes back.
fn hopeless(app: &App) -> Option<String> {
    let mut sentences = Vec::new();
    for tab in &app.tabs {
        let Contact::NoAddress { why } = &tab.latest.contact else { return None };
        sentences.push(format!("{}: no address: {why}", tab.label));
    }
    let is_start = app.now.mono <= Mono::default() + START;
    (is_start && !sentences.is_empty()).then(|| sentences.join("\n"))
}

/// The program's clock starts with it: how long the names that were given count as just given.
const START: Duration = Duration::from_secs(3);

fn handle_key(app: &mut App, key: &KeyEvent, effects: &mut Vec<Effect>) {
    app.message = None;
    change::stay_armed(app);
    if let Some(Overlay::Arm(_)) = app.overlay {
        change::handle_key(app, key, effects);
        return;
    }
    if let Some(Overlay::Prompt(_)) = app.overlay {
        prompt::handle_key(app, key, effects);
        return;
    }
    if is_typing(app) && console::handle_key(app, key, effects) {
        return;
    }
    if let Some(command) = app.fixed.keymap.command(key, app.place()) {
        let argument = keymap::digit(key).map(|tab| (tab + 1).to_string()).unwrap_or_default();
        act::act(app, command.action, &argument, effects);
    }
}

/// Whether keys are letters of what is typed on a console.
fn is_typing(app: &App) -> bool {
    app.screen() == Screen::Console && app.overlay.is_none()
}

fn handle_update(app: &mut App, update: Update) {
    match update {
        Update::Daemon { target, daemon } => {
            let frozen = app.frozen.is_some();
            let Some(tab) = app.tabs.iter_mut().find(|tab| tab.target == target) else { return };
            tab.history.record(&daemon);
            tab.course.record(&daemon);
            let old = mem::replace(&mut tab.latest, daemon);
            if frozen {
                tab.held.get_or_insert(old);
                tab.behind = tab.behind.saturating_add(1);
            }
        }
        Update::Name { address, name } => app.names.learn(address, name),
        Update::Programs(programs) => app.programs = programs,
        Update::Offer(offer) => app.offer = Some(offer),
        Update::World(world) => app.world = Some(world),
        Update::Console { target, news } => return console::take(app, target, news),
        // Taken before.
        Update::Change { .. } | Update::Left { .. } | Update::Keys { .. } => {}
    }
    for place in 0..app.tabs.len() {
        follow_cursor(app, place);
    }
}

/// Keeps the cursor on the association it was on, whatever its id is now; on one near its old
/// place when it is gone for good; on the first when there was none.
pub fn follow_cursor(app: &mut App, place: usize) {
    let Some(tab) = app.tabs.get(place) else { return };
    let rows = rows::rows(app, tab);
    let found = tab.selected().and_then(|peer| rows.iter().position(|row| row.peer.id == peer.id));
    // After a restart the list of associations comes before the rows that tell which is which.
    let undecided = tab.cursor.key.is_some()
        && tab.shown().peers.iter().any(|peer| PeerKey::of(peer).is_none());
    let row = match found {
        Some(row) => row,
        None if undecided => return,
        None => tab.cursor.place.min(rows.len().saturating_sub(1)),
    };
    let cursor = rows.get(row).map(|found| Cursor {
        id: Some(found.peer.id),
        key: PeerKey::of(found.peer).or_else(|| tab.cursor.key.clone().filter(|_| undecided)),
        place: row,
        since: tab.cursor.since,
    });
    if let (Some(cursor), Some(tab)) = (cursor, app.tabs.get_mut(place)) {
        tab.cursor = cursor;
    }
}

/// Asks for the names of the addresses on screen that were not asked for yet.
fn ask_names(app: &mut App, place: usize, effects: &mut Vec<Effect>) {
    if !app.view.names || place != app.current {
        return;
    }
    let Some(tab) = app.tabs.get(place) else { return };
    if app.screen() == Screen::Clients {
        for client in view::visible_clients(app, tab) {
            if app.names.ask(client.address.ip()) {
                effects.push(Effect::Request(Request::Name(client.address.ip())));
            }
        }
        return;
    }
    let addresses: Vec<_> = tab
        .shown()
        .peers
        .iter()
        .filter(|peer| !rows::is_reference_clock(peer))
        .filter_map(|peer| peer.row.latest()?.address(&peer::SOURCE))
        .filter(|address| !address.is_unspecified())
        .collect();
    for address in addresses {
        if app.names.ask(address) {
            effects.push(Effect::Request(Request::Name(address)));
        }
    }
}

/// Tells the backend what is on screen, when that is not what it was told last.
fn tell_interest(app: &mut App, place: usize, effects: &mut Vec<Effect>) {
    let Some(tab) = app.tabs.get(place) else { return };
    let interest = interest(app, tab, place == app.current);
    let Some(tab) = app.tabs.get_mut(place) else { return };
    if tab.told.as_ref() != Some(&interest) {
        tab.told = Some(interest.clone());
        effects.push(Effect::Request(Request::Interest { target: tab.target, interest }));
    }
}

/// What only signed questions bring is asked while changes are armed, with the key that arms them.
fn give_key(app: &mut App, place: usize, effects: &mut Vec<Effect>) {
    let Some(tab) = app.tabs.get_mut(place) else { return };
    let signing = tab.armed.as_ref().and_then(|armed| armed.signing.clone());
    if tab.given != signing {
        tab.given.clone_from(&signing);
        effects.push(Effect::Request(Request::Key { target: tab.target, signing }));
    }
}

fn interest(app: &App, tab: &Tab, visible: bool) -> Interest {
    if !visible {
        return Interest::default();
    }
    // What is collected goes on while the display is frozen, and then the ids on screen may be
    // those of a daemon that was restarted since.
    let known = |id: &AssocId| tab.latest.peer(*id).is_some();
    match app.screen() {
        Screen::Peers => Interest {
            rows: view::visible_rows(app, tab).into_iter().filter(known).collect(),
            details: strip_details(app, tab).filter(known),
            visible,
            ..Interest::default()
        },
        Screen::Association => {
            let selected = tab.selected().map(|peer| peer.id).filter(known);
            Interest {
                rows: selected.into_iter().collect(),
                details: selected,
                visible,
                ..Interest::default()
            }
        }
        // Who is right depends on all of them, whoever has room on screen.
        Screen::Selection => {
            let rows = rows::rows(app, tab).into_iter().map(|row| row.peer.id).filter(known);
            Interest { rows: rows.collect(), details: None, visible, ..Interest::default() }
        }
        Screen::Console => Interest { visible, ..Interest::default() },
        Screen::Clock => {
            let followed = verdict::system_peer(&tab.latest).map(|peer| peer.id);
            Interest {
                rows: followed.into_iter().collect(),
                details: None,
                visible,
                ..Interest::default()
            }
        }
        Screen::Daemon => {
            let followed = verdict::system_peer(&tab.latest).map(|peer| peer.id);
            let rows = followed.into_iter().collect();
            Interest { rows, visible, statistics: true, ..Interest::default() }
        }
        Screen::Clients => {
            let followed = verdict::system_peer(&tab.latest).map(|peer| peer.id);
            let rows = followed.into_iter().collect();
            Interest { rows, visible, clients: true, ..Interest::default() }
        }
    }
}

/// Whose details the strip below the table shows: those of the row on which the cursor rests, for
/// who runs through the table wants none of them; none while the daemon answers less than it is
/// asked, for then the rows go first.
fn strip_details(app: &App, tab: &Tab) -> Option<AssocId> {
    let is_resting = app.now.mono.since(tab.cursor.since) >= REST;
    let is_answering = matches!(tab.latest.contact, Contact::Answering { .. });
    let is_wanted =
        is_resting && is_answering && has_rows(&tab.latest) && view::has_strip(app, tab);
    tab.selected().map(|peer| peer.id).filter(|_| is_wanted)
}

/// Freezes the display or lets it go on.
fn freeze(app: &mut App, hold: bool) {
    app.frozen = hold.then_some(app.now);
    for tab in &mut app.tabs {
        tab.held = hold.then(|| tab.latest.clone());
        tab.behind = 0;
    }
    for place in 0..app.tabs.len() {
        follow_cursor(app, place);
    }
}

/// Whether every row of `daemon` was told.
fn has_rows(daemon: &Daemon) -> bool {
    daemon.peers.iter().all(|peer| peer.row.latest().is_some())
}

/// How long the cursor must stay on a row before its details are asked for.
const REST: Duration = Duration::from_millis(700);
