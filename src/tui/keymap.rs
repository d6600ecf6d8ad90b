//! From keys to the names of commands.

use std::collections::HashMap;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::tui::command::{self, COMMANDS, Command, Place, Scope};

/// A key with what is held down beside it. Shift is in the letter itself, and terminals differ in
/// whether they say it beside, so it does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Chord {
    code: KeyCode,
    modifiers: KeyModifiers,
}

impl Chord {
    fn new(code: KeyCode, modifiers: KeyModifiers) -> Self {
        Self { code, modifiers: modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT) }
    }
}

/// Which command each key stands for, on each screen.
#[derive(Clone, Debug)]
pub struct Keymap {
    bindings: HashMap<Chord, Vec<(&'static Command, &'static str)>>,
}

impl Keymap {
    /// The command of `key` at `place`: what belongs to the place before what works everywhere.
    pub fn command(&self, key: &KeyEvent, place: Place) -> Option<&'static Command> {
        if key.kind == KeyEventKind::Release {
            return None;
        }
        let bound = self.bindings.get(&Chord::new(key.code, key.modifiers))?;
        let is_everywhere = |command: &Command| command.scope == Scope::Everywhere;
        let here = || bound.iter().map(|(command, _)| *command).filter(|c| c.scope.holds(place));
        let own = here().find(|command| !is_everywhere(command));
        own.or_else(|| here().find(|command| is_everywhere(command)))
    }

    /// Every binding: command and key as text.
    pub fn bindings(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.bindings.values().flatten().map(|(command, key)| (command.name, *key))
    }
}

impl Default for Keymap {
    /// As the table of commands says. Of two commands that claim one key at one place the first
    /// has it.
    fn default() -> Self {
        let mut bindings = HashMap::<_, Vec<(&Command, &str)>>::with_capacity(COMMANDS.len() * 2);
        for command in COMMANDS {
            for key in command.keys {
                let Some(chord) = read(key) else { continue };
                let bound = bindings.entry(chord).or_default();
                if bound.iter().all(|(other, _)| other.scope != command.scope) {
                    bound.push((command, key));
                }
            }
        }
        Self { bindings }
    }
}

/// The digit that `key` is, as the number of a tab counted from 0.
pub fn digit(key: &KeyEvent) -> Option<usize> {
    match key.code {
        KeyCode::Char(c) => c.to_digit(10).and_then(|d| usize::try_from(d).ok()?.checked_sub(1)),
        _ => None,
    }
}

/// How help and hints write a key.
pub fn label(key: &str) -> String {
    match key {
        "enter" => "Enter".into(),
        "esc" => "Esc".into(),
        "space" => "Space".into(),
        "tab" => "Tab".into(),
        "backtab" => "Shift-Tab".into(),
        "pagedown" => "PgDn".into(),
        "pageup" => "PgUp".into(),
        "backspace" => "Backspace".into(),
        "home" => "Home".into(),
        "end" => "End".into(),
        "up" => "Up".into(),
        "down" => "Down".into(),
        "left" => "Left".into(),
        "right" => "Right".into(),
        _ => match key.strip_prefix("ctrl-") {
            Some(letter) => format!("Ctrl-{}", letter.to_uppercase()),
            None if key.len() > 1 => key.to_uppercase(),
            None => key.into(),
        },
    }
}

/// Reads a key as the table writes it; `None` when there is no such key.
fn read(text: &str) -> Option<Chord> {
    if let Some(letter) = text.strip_prefix("ctrl-") {
        let plain = read(letter)?;
        return Some(Chord { modifiers: plain.modifiers | KeyModifiers::CONTROL, ..plain });
    }
    let mut letters = text.chars();
    let code = match (letters.next()?, letters.as_str()) {
        (letter, "") => KeyCode::Char(letter),
        ('f', number) if number.parse::<u8>().is_ok() => KeyCode::F(number.parse().ok()?),
        _ => named(text)?,
    };
    Some(Chord::new(code, KeyModifiers::NONE))
}

fn named(text: &str) -> Option<KeyCode> {
    Some(match text {
        "enter" => KeyCode::Enter,
        "esc" => KeyCode::Esc,
        "space" => KeyCode::Char(' '),
        "tab" => KeyCode::Tab,
        "backtab" => KeyCode::BackTab,
        "backspace" => KeyCode::Backspace,
        "pagedown" => KeyCode::PageDown,
        "pageup" => KeyCode::PageUp,
        "home" => KeyCode::Home,
        "end" => KeyCode::End,
        "up" => KeyCode::Up,
        "down" => KeyCode::Down,
        "left" => KeyCode::Left,
        "right" => KeyCode::Right,
        _ => return None,
    })
}

/// The key that is shown first for a command at `place`, as text.
pub fn key_of(action: command::Action, place: Place) -> Option<&'static str> {
    let of = |command: &&'static Command| command.action == action;
    command::at(place).find(of).and_then(|command| command.keys.first().copied())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::app::Screen;
    use crate::tui::command::Action;

    const HERE: Place = Place { screen: Screen::Peers, is_asked: false, is_simulated: false };

    fn action_at(code: KeyCode, modifiers: KeyModifiers, place: Place) -> Option<Action> {
        let key = KeyEvent::new(code, modifiers);
        Keymap::default().command(&key, place).map(|command| command.action)
    }

    fn action(code: KeyCode, modifiers: KeyModifiers, screen: Screen) -> Option<Action> {
        action_at(code, modifiers, Place { screen, ..HERE })
    }

    #[test]
    fn answers_are_keys_only_while_something_is_asked() {
        let at = |key, place| action_at(KeyCode::Char(key), KeyModifiers::NONE, place);
        let asked = Place { is_asked: true, ..HERE };
        assert_eq!((at('y', HERE), at('y', asked)), (None, Some(Action::Yes)));
        assert_eq!((at('n', HERE), at('n', asked)), (Some(Action::Names), Some(Action::No)));
        assert_eq!((at('1', HERE), at('1', asked)), (Some(Action::Tab), Some(Action::Choose)));
    }

    #[test]
    fn a_real_world_has_no_keys_that_would_change_it() {
        let at = |key, place| action_at(KeyCode::Char(key), KeyModifiers::NONE, place);
        let simulated = Place { is_simulated: true, ..HERE };
        for (key, action) in [
            ('P', Action::Pause),
            ('+', Action::Faster),
            ('-', Action::Slower),
            ('i', Action::Incident),
        ] {
            assert_eq!((at(key, HERE), at(key, simulated)), (None, Some(action)));
        }
    }

    #[test]
    fn a_screens_own_keys_go_before_those_of_everywhere() {
        let enter = |screen| action(KeyCode::Enter, KeyModifiers::NONE, screen);
        assert_eq!(enter(Screen::Peers), Some(Action::Details));
        assert_eq!(enter(Screen::Association), Some(Action::Back));
        let control = |c| action(KeyCode::Char(c), KeyModifiers::CONTROL, Screen::Peers);
        assert_eq!(control('c'), Some(Action::Quit));
        assert_eq!(control('q'), None);
    }

    #[test]
    fn shift_is_in_the_letter() {
        let upper = action(KeyCode::Char('G'), KeyModifiers::SHIFT, Screen::Peers);
        assert_eq!(upper, Some(Action::Last));
        assert_eq!(
            action(KeyCode::BackTab, KeyModifiers::SHIFT, Screen::Peers),
            Some(Action::PreviousTab)
        );
    }

    #[test]
    fn keys_wear_the_names_on_the_keyboard() {
        assert_eq!(label("ctrl-c"), "Ctrl-C");
        assert_eq!(label("f1"), "F1");
        assert_eq!(label("pagedown"), "PgDn");
        assert_eq!(label("q"), "q");
    }
}
