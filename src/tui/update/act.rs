//! What each command does.

use std::time::Duration;

use crate::backend::Request;
use crate::tui::app::{App, Layout, Order, Overlay, Plan, Prompt, Purpose, Screen};
use crate::tui::command::Action;
use crate::tui::event::Effect;
use crate::tui::format::Units;
use crate::tui::rows::{self, PeerKey};
use crate::tui::theme::Variant;
use crate::tui::update::{change, clients, follow_cursor, freeze, left, measure, world};
use crate::tui::views::clock::charts::{self, WINDOWS};
use crate::tui::{app, view};

/// Does `action` with what was typed after its name.
pub fn act(app: &mut App, action: Action, argument: &str, effects: &mut Vec<Effect>) {
    if app.place().is_asked && !is_answer(action) {
        return;
    }
    if moves(app, action) {
        return;
    }
    match action {
        Action::Yes if matches!(app.overlay, Some(Overlay::Change)) => change::agree(app, effects),
        Action::No if matches!(app.overlay, Some(Overlay::Change)) => change::refuse(app, effects),
        Action::Quit if matches!(app.overlay, Some(Overlay::Change)) => change::leave(app, effects),
        Action::Quit | Action::No if matches!(app.overlay, Some(Overlay::Left(_))) => {
            left::later(app);
        }
        Action::Quit | Action::No if app.overlay.is_some() => app.overlay = None,
        Action::Quit if !change::may_quit(app) => {}
        Action::Quit => effects.push(Effect::Quit),
        Action::Suspend if app.fixed.stays => {
            let why = "started with --discipline it is not stopped: nobody would steer the clock";
            app.message = Some(why.into());
        }
        Action::Suspend => effects.push(Effect::Suspend),
        Action::Panic => effects.push(Effect::Panic),
        Action::Redraw => effects.push(Effect::Redraw),
        Action::Help => toggle_help(app, argument),
        Action::Prompt => open_prompt(app, Purpose::Command, String::new(), Plan::default()),
        Action::Filter if argument.is_empty() => {
            let before = filter_of(app).clone();
            open_prompt(app, Purpose::Filter, before, Plan::default());
        }
        Action::Filter => set_filter(app, argument.into()),
        Action::Details => open(app, Screen::Association),
        Action::Clock => show_screen(app, Screen::Clock),
        Action::Console => show_screen(app, Screen::Console),
        Action::Selection => show_screen(app, Screen::Selection),
        Action::Daemon => show_screen(app, Screen::Daemon),
        Action::Clients => show_screen(app, Screen::Clients),
        Action::ZoomIn => zoom(app, -1),
        Action::ZoomOut => zoom(app, 1),
        Action::Measure => measure::ask(app, argument),
        Action::Arm => change::arm(app, effects),
        Action::LeftBehind => left::show(app),
        Action::TakeBack => left::take_back(app, effects),
        Action::KeepLeft => left::keep(app, effects),
        Action::Set if argument.is_empty() => {
            open_command(app, "set ");
        }
        Action::Set => change::set(app, argument, effects),
        Action::Prefer => change::set_here(app, "prefer", effects),
        Action::Noselect => change::set_here(app, "noselect", effects),
        Action::Remove => change::set_here(app, "remove", effects),
        Action::Yes if matches!(app.overlay, Some(Overlay::Left(_))) => {
            app.message = Some("t takes it back, K keeps it, n decides later".into());
        }
        Action::Yes => measure::agree(app, effects),
        Action::Edit => {
            if let Some(Overlay::Measure(plan)) = app.overlay.clone() {
                open_prompt(app, Purpose::Sources, measure::line(&plan), plan);
            }
        }
        Action::Choose if matches!(app.overlay, Some(Overlay::Incidents)) => {
            world::incident(app, argument, effects);
        }
        Action::Incident => world::incident(app, argument, effects),
        Action::Pause | Action::Slower | Action::Faster | Action::Pace => {
            world::pace(app, action, argument, effects);
        }
        Action::Back => back(app),
        Action::Freeze => {
            let hold = switch(app.frozen.is_some(), argument);
            freeze(app, hold);
        }
        Action::Refresh => {
            if let Some(tab) = app.tab() {
                effects.push(Effect::Request(Request::Refresh { target: tab.target }));
                app.message = Some("asking again".into());
            }
        }
        Action::NextTab => show_tab(app, app.current + 1),
        Action::PreviousTab => {
            let last = app.tabs.len().saturating_sub(1);
            show_tab(app, app.current.checked_sub(1).unwrap_or(last));
        }
        Action::Way => choose_way(app, argument, effects),
        Action::Tab => match argument.parse::<usize>() {
            Ok(number) if (1..=app.tabs.len()).contains(&number) => show_tab(app, number - 1),
            _ => app.message = Some(format!("there is no daemon number {argument}")),
        },
        Action::Sort | Action::Reverse if app.screen() == Screen::Clients => {
            clients::sort(app, action, argument);
        }
        _ => show(app, action, argument),
    }
}

/// Has the daemon on screen asked in another way: the one of that number, or the next.
fn choose_way(app: &mut App, argument: &str, effects: &mut Vec<Effect>) {
    let Some(tab) = app.tab() else { return };
    let ways = &tab.latest.ways;
    let used = ways.iter().position(|way| way.is_used).unwrap_or(0);
    let next = || {
        let others = (1..ways.len()).map(|step| (used + step) % ways.len());
        let answers = |place: &usize| ways.get(*place).is_some_and(|way| way.answers);
        others.clone().find(answers).or_else(|| others.clone().next())
    };
    let chosen = match argument.parse::<usize>() {
        Ok(number) => number.checked_sub(1),
        Err(_) => next(),
    };
    let way = chosen.and_then(|place| Some((place, ways.get(place)?)));
    app.message = Some(match way {
        Some((_, way)) if way.is_used => format!("asked by {} already", way.name),
        Some((place, way)) => {
            let request = Request::Way { target: tab.target, way: place };
            effects.push(Effect::Request(request));
            format!("asking by {}", way.name)
        }
        None if ways.len() < 2 => "there is only one way to ask it".into(),
        None => format!("there is no way number {argument}: there are {}", ways.len()),
    });
}

/// Whether a command works while something is asked.
const fn is_answer(action: Action) -> bool {
    matches!(
        action,
        Action::Yes
            | Action::No
            | Action::TakeBack
            | Action::KeepLeft
            | Action::Edit
            | Action::Choose
            | Action::ScrollDown
            | Action::ScrollUp
            | Action::PageDown
            | Action::PageUp
            | Action::First
            | Action::Last
            | Action::Quit
            | Action::Redraw
            | Action::Suspend
    )
}

/// Commands that change how things are shown.
fn show(app: &mut App, action: Action, argument: &str) {
    if matches!(action, Action::Peers | Action::Apeers | Action::Opeers) {
        app.screens.truncate(1);
    }
    let view = &mut app.view;
    match action {
        Action::NextLayout => view.layout = view.layout.next(),
        Action::Peers => view.layout = Layout::Peers,
        Action::Apeers => view.layout = Layout::Apeers,
        Action::Opeers => view.layout = Layout::Opeers,
        Action::Names => view.names = switch(view.names, argument),
        Action::Wide => view.wide = switch(view.wide, argument),
        Action::Active => view.active_only = switch(view.active_only, argument),
        Action::Reverse => view.reverse = switch(view.reverse, argument),
        Action::Units => {
            let named = Units::ALL.into_iter().find(|units| units.name() == argument);
            match named {
                Some(units) => view.units = units,
                None if argument.is_empty() => view.units = view.units.next(),
                None => app.message = Some(format!("`{argument}` is not a unit")),
            }
        }
        Action::Sort => match Order::ALL.into_iter().find(|order| order.name() == argument) {
            Some(order) => view.order = order,
            None if argument.is_empty() => view.order = view.order.next(),
            None => app.message = Some(format!("cannot sort by `{argument}`")),
        },
        Action::Theme => match Variant::named(argument) {
            Some(variant) => view.variant = variant,
            None => app.message = Some(format!("there is no theme `{argument}`")),
        },
        _ => {}
    }
    let said = match action {
        Action::NextLayout | Action::Peers | Action::Apeers | Action::Opeers => {
            format!("columns: {}", app.view.layout.name())
        }
        Action::Names if app.view.names => "names, as they come".into(),
        Action::Names => "addresses".into(),
        Action::Units => format!("units: {}", app.view.units.name()),
        Action::Active if app.view.active_only => "only reachable associations".into(),
        Action::Active => "all associations".into(),
        Action::Sort | Action::Reverse => {
            let way = if app.view.reverse { ", reversed" } else { "" };
            format!("sorted by {}{way}", app.view.order.name())
        }
        _ => String::new(),
    };
    if app.message.is_none() && !said.is_empty() {
        app.message = Some(said);
    }
    follow_all(app);
}

/// Commands that move the cursor or scroll; whether `action` is one.
fn moves(app: &mut App, action: Action) -> bool {
    let page = view::page(app);
    let step = match action {
        Action::Down | Action::ScrollDown => 1,
        Action::Up | Action::ScrollUp => -1,
        Action::PageDown => page,
        Action::PageUp => -page,
        Action::First => isize::MIN,
        Action::Last => isize::MAX,
        _ => return false,
    };
    if let Some(Overlay::Help { scroll, text }) = &app.overlay {
        let most = view::help_scroll(app, text);
        let to = moved(*scroll, step, most);
        if let Some(Overlay::Help { scroll, .. }) = &mut app.overlay {
            *scroll = to;
        }
        return true;
    }
    if let Some(Overlay::Change) = app.overlay {
        let most = view::change_scroll(app);
        change::scroll(app, |from| moved(from.min(most), step, most));
        return true;
    }
    if let Some(Overlay::Left(_)) = app.overlay {
        let most = view::left_scroll(app);
        app.left.scroll = moved(app.left.scroll.min(most), step, most);
        return true;
    }
    if app.place().is_asked {
        return true;
    }
    if app.screen() == Screen::Clients {
        clients::move_cursor(app, step);
        return true;
    }
    if app.screen() == Screen::Console {
        let most = view::most_scroll(app);
        if let Some(tab) = app.tab_mut() {
            let console = &mut tab.console;
            console.scroll = moved(console.scroll, step.saturating_neg(), most);
        }
        return true;
    }
    let walks = matches!(action, Action::Down | Action::Up);
    match app.screen() {
        Screen::Association | Screen::Clock | Screen::Daemon if !walks => {
            let most = view::most_scroll(app);
            if let Some(tab) = app.tab_mut() {
                tab.scroll = moved(tab.scroll.min(most), step, most);
            }
        }
        Screen::Association => {
            move_cursor(app, step);
            if let Some(tab) = app.tab_mut() {
                tab.scroll = 0;
            }
        }
        Screen::Console => {}
        Screen::Peers | Screen::Clock | Screen::Selection | Screen::Daemon | Screen::Clients => {
            move_cursor(app, step);
        }
    }
    true
}

pub(super) fn moved(from: usize, step: isize, most: usize) -> usize {
    from.saturating_add_signed(step).min(most)
}

/// Moves the cursor by `step` rows; by one row it goes round at the ends, as in ntpmon.
fn move_cursor(app: &mut App, step: isize) {
    let Some(tab) = app.tab() else { return };
    let rows = rows::rows(app, tab);
    let Some(last) = rows.len().checked_sub(1) else { return };
    let at = tab.selected().and_then(|peer| rows.iter().position(|r| r.peer.id == peer.id));
    let to = match (at, step) {
        (None, _) => tab.cursor.place.min(last),
        (Some(0), -1) => last,
        (Some(at), 1) if at == last => 0,
        (Some(at), _) => moved(at, step, last),
    };
    let cursor = rows.get(to).map(|row| app::Cursor {
        id: Some(row.peer.id),
        key: PeerKey::of(row.peer),
        place: to,
        since: app.now.mono,
    });
    if let (Some(cursor), Some(tab)) = (cursor, app.tab_mut()) {
        tab.cursor = cursor;
    }
}

fn open(app: &mut App, screen: Screen) {
    if app.tab().and_then(|tab| tab.selected()).is_none() {
        app.message = Some("no association is selected".into());
        return;
    }
    if let Some(tab) = app.tab_mut() {
        tab.scroll = 0;
    }
    app.screens.push(screen);
}

/// Shows `screen` above the peers; when it is shown already, the peers.
fn show_screen(app: &mut App, screen: Screen) {
    let is_shown = app.screen() == screen;
    app.screens.truncate(1);
    if !is_shown {
        app.screens.push(screen);
    }
    if let Some(tab) = app.tab_mut() {
        tab.scroll = 0;
    }
}

/// Lets charts show the next shorter or longer span of time.
fn zoom(app: &mut App, step: isize) {
    let Some(now) = app.tab().map(|tab| view::window(app, tab)) else { return };
    let to = now.saturating_add_signed(step).min(WINDOWS.len() - 1);
    app.view.window = Some(to);
    if let Some(seconds) = WINDOWS.get(to) {
        let span = charts::round_age(Duration::from_secs(*seconds));
        app.message = Some(format!("charts show the last {span}"));
    }
}

/// One step back: from what lies over the screen, from the screen, from the filter.
pub(super) fn back(app: &mut App) {
    if app.overlay.take().is_some() {
        return;
    }
    if app.screen() == Screen::Clients && !app.view.client_filter.is_empty() {
        set_filter(app, String::new());
    } else if app.screens.len() > 1 {
        app.screens.pop();
    } else if !app.view.filter.is_empty() {
        set_filter(app, String::new());
    }
}

fn toggle_help(app: &mut App, text: &str) {
    app.overlay = match app.overlay {
        Some(Overlay::Help { .. }) => None,
        _ => Some(Overlay::Help { scroll: 0, text: text.into() }),
    };
}

/// Opens the prompt with the beginning of a command.
pub fn open_command(app: &mut App, begun: &str) {
    open_prompt(app, Purpose::Command, begun.to_owned(), Plan::default());
}

fn open_prompt(app: &mut App, purpose: Purpose, before: String, plan: Plan) {
    let input = before.clone().into();
    app.overlay = Some(Overlay::Prompt(Prompt { purpose, input, before, plan }));
}

/// The filter of the screen shown.
fn filter_of(app: &mut App) -> &mut String {
    match app.screen() {
        Screen::Clients => &mut app.view.client_filter,
        _ => &mut app.view.filter,
    }
}

/// Shows only rows that match, the cursor among them.
pub fn set_filter(app: &mut App, filter: String) {
    *filter_of(app) = filter;
    follow_all(app);
}

fn show_tab(app: &mut App, place: usize) {
    if app.tabs.is_empty() {
        return;
    }
    app.current = place % app.tabs.len();
    if app.screen() == Screen::Association && app.tab().is_none_or(|t| t.selected().is_none()) {
        app.screens.truncate(1);
    }
    follow_all(app);
}

fn follow_all(app: &mut App) {
    for place in 0..app.tabs.len() {
        follow_cursor(app, place);
    }
}

/// What a switch is to be: as said, or the other way.
pub(super) fn switch(is_on: bool, argument: &str) -> bool {
    match argument {
        "on" => true,
        "off" => false,
        _ => !is_on,
    }
}
