//! What keys mean while a line is typed: as in other programs with such lines.

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use tui_input::InputRequest;
use tui_input::backend::crossterm::to_input_request;

/// A key, by what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// It changes the text or moves the cursor.
    Edit(InputRequest),
    /// The line is done.
    Enter,
    /// Complete the word before the cursor, or take the next of those offered.
    Complete,
    /// The one before of those offered.
    CompleteBack,
    /// An earlier line of the history.
    Earlier,
    /// A later one.
    Later,
    /// Search the history backwards, or on.
    Search,
    /// Leave what is under way: a search, a choice, in the end the line.
    Leave,
    /// Throw the line away.
    Cancel,
    /// The end of the input, on an empty line; on another the letter under the cursor goes.
    End,
    /// Draw anew.
    Redraw,
    /// Stop the program until the shell lets it go on.
    Suspend,
}

impl Key {
    /// What `key` means; `None` when nothing.
    pub fn read(key: &KeyEvent) -> Option<Self> {
        let control = key.modifiers == KeyModifiers::CONTROL;
        let alt = key.modifiers == KeyModifiers::ALT;
        Some(match key.code {
            KeyCode::Enter => Self::Enter,
            KeyCode::Tab => Self::Complete,
            KeyCode::BackTab => Self::CompleteBack,
            KeyCode::Up => Self::Earlier,
            KeyCode::Down => Self::Later,
            KeyCode::Esc => Self::Leave,
            KeyCode::Char('j' | 'm') if control => Self::Enter,
            KeyCode::Char('i') if control => Self::Complete,
            KeyCode::Char('p') if control => Self::Earlier,
            KeyCode::Char('n') if control => Self::Later,
            KeyCode::Char('r') if control => Self::Search,
            KeyCode::Char('g') if control => Self::Leave,
            KeyCode::Char('c') if control => Self::Cancel,
            KeyCode::Char('d') if control => Self::End,
            KeyCode::Char('l') if control => Self::Redraw,
            KeyCode::Char('z') if control => Self::Suspend,
            KeyCode::Char('u') if control => Self::Edit(InputRequest::DeleteFromStart),
            KeyCode::Char('b') if alt => Self::Edit(InputRequest::GoToPrevWord),
            KeyCode::Char('f') if alt => Self::Edit(InputRequest::GoToNextWord),
            KeyCode::Char('d') if alt => Self::Edit(InputRequest::DeleteNextWord),
            _ => return to_input_request(&Event::Key(*key)).and_then(Self::of_request),
        })
    }

    /// A letter that is typed.
    pub const fn letter(letter: char) -> Self {
        Self::Edit(InputRequest::InsertChar(letter))
    }

    fn of_request(request: InputRequest) -> Option<Self> {
        match request {
            InputRequest::InsertChar(letter) if letter.is_control() => None,
            request => Some(Self::Edit(request)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(code: KeyCode, modifiers: KeyModifiers) -> Option<Key> {
        Key::read(&KeyEvent::new(code, modifiers))
    }

    #[test]
    fn keys_mean_what_they_mean_in_a_shell() {
        let control = |letter| read(KeyCode::Char(letter), KeyModifiers::CONTROL);
        let edit = |request| Some(Key::Edit(request));
        assert_eq!(control('a'), edit(InputRequest::GoToStart));
        assert_eq!(control('e'), edit(InputRequest::GoToEnd));
        assert_eq!(control('k'), edit(InputRequest::DeleteTillEnd));
        assert_eq!(control('u'), edit(InputRequest::DeleteFromStart));
        assert_eq!(control('w'), edit(InputRequest::DeletePrevWord));
        assert_eq!((control('p'), control('n')), (Some(Key::Earlier), Some(Key::Later)));
        assert_eq!((control('j'), control('d')), (Some(Key::Enter), Some(Key::End)));
        assert_eq!(read(KeyCode::Char('R'), KeyModifiers::SHIFT), Some(Key::letter('R')));
        assert_eq!(read(KeyCode::Home, KeyModifiers::NONE), edit(InputRequest::GoToStart));
        assert_eq!(read(KeyCode::F(5), KeyModifiers::NONE), None);
    }
}
