//! The line that is typed at the bottom: a command or a filter.

use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent, KeyModifiers};
use tui_input::backend::crossterm::EventHandler;
use tui_input::{Input, InputRequest};

use crate::line::beginning;
use crate::tui::app::{App, Overlay, Prompt, Purpose};
use crate::tui::command::{self, Scope};
use crate::tui::event::Effect;
use crate::tui::update::{act, measure};

/// Takes a key while something is typed.
pub fn handle_key(app: &mut App, key: &KeyEvent, effects: &mut Vec<Effect>) {
    let Some(Overlay::Prompt(prompt)) = &mut app.overlay else { return };
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Char('c') if control => close(app),
        KeyCode::Esc => close(app),
        KeyCode::Backspace if prompt.input.value().is_empty() => close(app),
        KeyCode::Enter => enter(app, effects),
        KeyCode::Tab if prompt.purpose == Purpose::Command => {
            let typed = prompt.input.value().to_owned();
            let completed = completed(app, &typed);
            if let Some(Overlay::Prompt(prompt)) = &mut app.overlay {
                prompt.input = Input::new(completed);
            }
        }
        _ => {
            prompt.input.handle_event(&TerminalEvent::Key(*key));
            follow(app);
        }
    }
}

/// What was typed with as much more as is certain: the name of a command, or what a change is about.
fn completed(app: &mut App, typed: &str) -> String {
    let Some(change) = typed.strip_prefix("set ") else { return command::complete(typed) };
    let Some(tab) = app.tab() else { return typed.to_owned() };
    let (before, begun) = change.rsplit_once(' ').unwrap_or(("", change));
    let words: Vec<&str> = before.split_whitespace().collect();
    let all = (app.fixed.completions)(&words, begun, &tab.latest);
    let Some(shared) = beginning::shared(all.iter().map(|word| &**word)) else {
        return typed.to_owned();
    };
    let behind = if all.len() == 1 { " " } else { "" };
    let kept = typed.len() - begun.len();
    let completed = format!("{}{shared}{behind}", typed.get(..kept).unwrap_or_default());
    if completed == typed {
        // Nothing is certain: what it may be.
        app.message = Some(all.join("  "));
    }
    completed
}

/// Takes pasted text: into the line that is typed, nowhere else. Control characters are dropped.
pub fn paste(app: &mut App, text: &str) {
    let Some(Overlay::Prompt(prompt)) = &mut app.overlay else { return };
    for letter in text.chars().filter(|letter| !letter.is_control()).take(MOST_PASTED) {
        prompt.input.handle(InputRequest::InsertChar(letter));
    }
    follow(app);
}

/// A filter acts while it is typed.
fn follow(app: &mut App) {
    if let Some(Overlay::Prompt(Prompt { purpose: Purpose::Filter, input, .. })) = &app.overlay {
        let filter = input.value().to_owned();
        act::set_filter(app, filter);
    }
}

fn close(app: &mut App) {
    let Some(Overlay::Prompt(prompt)) = app.overlay.take() else { return };
    match prompt.purpose {
        Purpose::Filter => act::set_filter(app, prompt.before),
        Purpose::Sources => app.overlay = Some(Overlay::Measure(prompt.plan)),
        Purpose::Command => {}
    }
}

fn enter(app: &mut App, effects: &mut Vec<Effect>) {
    let Some(Overlay::Prompt(prompt)) = app.overlay.take() else { return };
    match prompt.purpose {
        Purpose::Command => run(app, prompt.input.value(), effects),
        Purpose::Sources => {
            measure::take_typed(app, prompt.input.value(), prompt.plan);
        }
        Purpose::Filter => {}
    }
}

/// Runs a command as it was typed: its name, or the beginning of only one, and an argument.
pub fn run(app: &mut App, line: &str, effects: &mut Vec<Effect>) {
    let line = line.trim();
    let (name, argument) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    if name.is_empty() {
        return;
    }
    match command::find(name) {
        Some(command) if !command.scope.holds(app.place()) => {
            app.message = Some(match command.scope {
                Scope::Simulated => format!("`{}` needs a simulated world", command.name),
                Scope::Asked => format!("nothing is asked that `{}` would answer", command.name),
                _ => format!("`{}` does not work on this screen", command.name),
            });
        }
        Some(command) => act::act(app, command.action, argument.trim(), effects),
        None => app.message = Some(format!("no command `{name}`; ? lists them")),
    }
}

/// Letters taken of what is pasted.
const MOST_PASTED: usize = 1000;
