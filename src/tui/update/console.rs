//! What is typed on a console, and what comes of it.

use crossterm::event::KeyEvent;

use crate::backend::console::{Input, News};
use crate::backend::{Request, TargetId};
use crate::line::{Hidden, History, Key, Language, NoLanguage, Secret, Typed};
use crate::ntpq::Style;
use crate::ntpq::command::{Verb, vocabulary};
use crate::ntpq::completion::Known;
use crate::tui::app::{App, Screen, Tab};
use crate::tui::console::{Kind, Stage};
use crate::tui::event::Effect;
use crate::tui::rows;
use crate::tui::update::{act, change};
use crate::units::Mono;

/// Opens the session of the console on screen where there is none yet.
pub fn open(app: &mut App, effects: &mut Vec<Effect>) {
    if app.screen() != Screen::Console {
        return;
    }
    let numeric = !app.view.names;
    let Some(tab) = app.tab_mut() else { return };
    if tab.console.stage == Stage::Closed {
        tab.console.stage = Stage::Opening;
        effects.push(request(tab, Input::Open { numeric }));
    }
}

/// Takes a key on the console; whether it meant something there.
pub fn handle_key(app: &mut App, key: &KeyEvent, effects: &mut Vec<Effect>) -> bool {
    let Some(key) = Key::read(key) else { return false };
    // Those are the same on all screens.
    if matches!(key, Key::Redraw | Key::Suspend) {
        return false;
    }
    let known = app.tab().map(|tab| known(app, tab)).unwrap_or_default();
    let now = app.now.mono;
    let Some(tab) = app.tab_mut() else { return true };
    let console = &mut tab.console;
    console.scroll = 0;
    match console.stage.clone() {
        Stage::Asked { prompt, hidden, command } => {
            let typed = if hidden {
                console.secret.handle(key)
            } else {
                let history = &mut History::default();
                console.reply.handle(key, history, &NoLanguage)
            };
            let said = match typed {
                Typed::Entered(_) if hidden => Some(console.secret.take()),
                Typed::Entered(line) => {
                    console.echo(format!("{prompt}{line}"));
                    Some(Secret::from(line))
                }
                Typed::Cancelled | Typed::Ended | Typed::Left => None,
                _ => return true,
            };
            if hidden {
                console.echo(prompt);
            }
            console.stage = Stage::Running(command, now);
            effects.push(request(tab, Input::Line(said)));
        }
        Stage::Over if key == Key::Enter => console.stage = Stage::Closed,
        Stage::Running(..) | Stage::Opening if matches!(key, Key::Cancel | Key::Leave) => {
            effects.push(request(tab, Input::Interrupt));
        }
        Stage::Ready => match console.editor.handle(key, &mut console.history, &known) {
            Typed::Entered(line) => match configuration(tab, &line) {
                Some(line) => {
                    tab.console.echo(format!("{PROMPT}:config {line}"));
                    change::set(app, &format!("config {line}"), effects);
                }
                None => enter(tab, &line, &known, now, effects),
            },
            Typed::Left | Typed::Ended => act::back(app),
            _ => {}
        },
        Stage::Over | Stage::Closed if matches!(key, Key::Leave | Key::End) => act::back(app),
        Stage::Running(..) | Stage::Opening | Stage::Over | Stage::Closed => {}
    }
    true
}

/// Takes pasted text, as far as it is one line.
pub fn paste(app: &mut App, text: &str) {
    let Some(tab) = app.tab_mut() else { return };
    let console = &mut tab.console;
    for letter in text.chars().take_while(|letter| *letter != '\n' && *letter != '\r') {
        if letter.is_control() {
            continue;
        }
        let key = Key::letter(letter);
        match &console.stage {
            Stage::Asked { hidden: true, .. } => drop(console.secret.handle(key)),
            Stage::Asked { .. } => {
                let history = &mut History::default();
                drop(console.reply.handle(key, history, &NoLanguage));
            }
            _ => drop(console.editor.handle(key, &mut console.history, &Known::default())),
        }
    }
}

/// Takes news of the console of a daemon.
pub fn take(app: &mut App, target: TargetId, news: News) {
    let columns = usize::from(app.size.0).max(1);
    let place = app.tabs.iter().position(|tab| tab.target == target);
    let Some(tab) = place.and_then(|place| app.tabs.get_mut(place)) else { return };
    let console = &mut tab.console;
    match news {
        News::Text { text, is_complaint } => {
            let kind = if is_complaint { Kind::Complaint } else { Kind::Printed };
            console.print(&text, kind, columns);
        }
        News::Ready => console.stage = Stage::Ready,
        News::Asks { prompt, hidden } => {
            let command = match &console.stage {
                Stage::Running(command, _) => command.clone(),
                _ => String::new(),
            };
            console.secret = Hidden::default();
            console.stage = Stage::Asked { prompt, hidden, command };
        }
        News::Ended => {
            let was_told = matches!(&console.stage, Stage::Running(command, _) if stands_for(command, Verb::Quit));
            console.stage = if was_told { Stage::Closed } else { Stage::Over };
            if was_told && place == Some(app.current) && app.screen() == Screen::Console {
                act::back(app);
            }
        }
    }
}

/// The line of configuration that is to be told the daemon, where changes of it are armed: it takes
/// the way of all changes, shown before it is sent and proved after it.
fn configuration<'a>(tab: &Tab, line: &'a str) -> Option<&'a str> {
    let (name, rest) = line.trim().split_once(char::is_whitespace)?;
    (stands_for(name, Verb::Configure) && tab.armed.is_some()).then(|| rest.trim())
}

/// Hands a command over.
fn enter(tab: &mut Tab, line: &str, known: &Known, now: Mono, effects: &mut Vec<Effect>) {
    let shown = if known.is_secret(line) {
        let name = line.split_whitespace().next().unwrap_or_default();
        format!("{PROMPT}{name} …")
    } else {
        format!("{PROMPT}{line}")
    };
    tab.console.echo(shown);
    let name = line.split_whitespace().next().unwrap_or_default().to_owned();
    if name.is_empty() {
        return;
    }
    tab.console.stage = Stage::Running(name, now);
    effects.push(request(tab, Input::Command { line: line.to_owned().into(), may_change: false }));
}

/// What is known of the daemon for completing what is typed.
fn known(app: &App, tab: &Tab) -> Known {
    let daemon = &tab.latest;
    let mut associations: Vec<_> = daemon
        .peers
        .iter()
        .map(|peer| {
            let name = peer.row.latest().map(|_| rows::name(app, peer).into_owned());
            (peer.id, name.unwrap_or_default())
        })
        .collect();
    // As the list is numbered that `&1` refers to.
    associations.sort_by_key(|(id, _)| *id);
    Known {
        style: Style::Classic,
        associations: Some(associations),
        dialect: daemon.identity.as_ref().and_then(|identity| identity.dialect),
        listed: Vec::new(),
    }
}

fn request(tab: &Tab, input: Input) -> Effect {
    Effect::Request(Request::Console { target: tab.target, input })
}

/// Whether a command does this.
fn stands_for(name: &str, verb: Verb) -> bool {
    vocabulary(Style::Classic).find(name).is_ok_and(|command| command.verb == verb)
}

/// What stands before a command.
pub const PROMPT: &str = "ntpq> ";
