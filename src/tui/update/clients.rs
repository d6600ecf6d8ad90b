//! The clients screen: their order, and the cursor among them.

use crate::tui::app::{App, ClientCursor, Screen};
use crate::tui::clients::{Arranged, ClientOrder, View};
use crate::tui::command::Action;
use crate::tui::update::act::{moved, switch};

/// Puts the clients on screen in order, and the cursor where it was; what is not on screen is
/// forgotten, for it may be much.
pub fn arrange(app: &mut App) {
    let is_shown = app.screen() == Screen::Clients;
    for place in 0..app.tabs.len() {
        let Some(tab) = app.tabs.get_mut(place) else { continue };
        let mut clients = std::mem::take(&mut tab.clients);
        if !(is_shown && place == app.current) {
            continue;
        }
        let Some(tab) = app.tabs.get(place) else { continue };
        let is_new = clients.follow(&View::of(app), tab.shown());
        if let Some(tab) = app.tabs.get_mut(place) {
            if is_new {
                follow_cursor(&mut tab.client_cursor, &clients);
            }
            tab.clients = clients;
        }
    }
}

/// Keeps the cursor on the client it was on, or near its place when that is gone.
fn follow_cursor(cursor: &mut ClientCursor, clients: &Arranged) {
    let found = cursor.address.and_then(|address| clients.find(address));
    let last = clients.len().saturating_sub(1);
    cursor.place = match cursor.address {
        Some(_) => found.unwrap_or_else(|| cursor.place.min(last)),
        None => 0,
    };
}

/// Moves the cursor by `step` rows.
pub fn move_cursor(app: &mut App, step: isize) {
    let Some(tab) = app.tab_mut() else { return };
    let last = tab.clients.len().saturating_sub(1);
    let place = moved(tab.client_cursor.place.min(last), step, last);
    let address = tab.clients.row(place).map(|client| client.address.ip());
    // In the first row one wants to see who comes first, not somebody who was there.
    tab.client_cursor = ClientCursor { address: address.filter(|_| place > 0), place };
}

/// Changes the order.
pub fn sort(app: &mut App, action: Action, argument: &str) {
    let view = &mut app.view;
    if action == Action::Reverse {
        view.client_reverse = switch(view.client_reverse, argument);
    } else {
        match ClientOrder::ALL.into_iter().find(|order| order.name() == argument) {
            Some(order) => view.client_order = order,
            None if argument.is_empty() => view.client_order = view.client_order.next(),
            None => {
                app.message = Some(format!("cannot sort by `{argument}`"));
                return;
            }
        }
    }
    let way = if view.client_reverse { ", reversed" } else { "" };
    app.message = Some(format!("sorted by {}{way}", view.client_order.name()));
}
