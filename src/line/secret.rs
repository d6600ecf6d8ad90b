//! Text that is wiped from memory when it is no longer used, and never shown.

use std::fmt;

use tui_input::InputRequest;
use zeroize::Zeroizing;

use crate::line::editor::Typed;
use crate::line::key::Key;

/// A line that may be a secret: wiped when it is dropped, and no text in any message.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads bytes that should be text; those that are none become signs that say so.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(String::from_utf8_lossy(bytes).into_owned()))
    }

    /// The same without what ends a line.
    #[must_use]
    pub fn without_line_end(mut self) -> Self {
        let length = self.0.trim_end_matches(['\r', '\n']).len();
        self.0.truncate(length);
        self
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// A line that is typed and not shown. It has no history and completes nothing.
#[derive(Clone, Debug)]
pub struct Hidden {
    text: Secret,
}

impl Default for Hidden {
    /// All the room that it may take is there from the start: text that moved would leave a copy.
    fn default() -> Self {
        Self { text: Secret::from(String::with_capacity(MOST_BYTES)) }
    }
}

impl Hidden {
    /// Takes a key in. What was entered is handed over once, by [`Hidden::take`].
    pub fn handle(&mut self, key: Key) -> Typed {
        let text = &mut self.text.0;
        match key {
            Key::Edit(InputRequest::InsertChar(letter)) => {
                if text.len() + letter.len_utf8() > MOST_BYTES {
                    return Typed::Nothing;
                }
                text.push(letter);
            }
            Key::Edit(InputRequest::DeletePrevChar) => drop(text.pop()),
            Key::Edit(InputRequest::DeleteFromStart | InputRequest::DeletePrevWord) => {
                *self = Self::default();
            }
            Key::Enter => return Typed::Entered(String::new()),
            Key::Cancel | Key::Leave => {
                *self = Self::default();
                return Typed::Cancelled;
            }
            Key::End if text.is_empty() => return Typed::Ended,
            Key::Redraw => return Typed::Redraw,
            Key::Suspend => return Typed::Suspend,
            _ => return Typed::Nothing,
        }
        Typed::Edited
    }

    /// What was typed, and an empty line in its place.
    pub fn take(&mut self) -> Secret {
        std::mem::take(self).text
    }

    /// Whether nothing was typed.
    pub fn is_empty(&self) -> bool {
        self.text.0.is_empty()
    }
}

/// Bytes of the longest secret that can be typed: longer than any key that a daemon reads.
const MOST_BYTES: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_in_no_message() {
        let mut hidden = Hidden::default();
        for letter in "Swörd1sh".chars() {
            assert_eq!(hidden.handle(Key::letter(letter)), Typed::Edited);
        }
        assert!(
            !format!("{hidden:?}").contains('S') || format!("{hidden:?}").contains("Secret(..)")
        );
        assert!(!format!("{hidden:?}").contains("rd1sh"));
        hidden.handle(Key::Edit(InputRequest::DeletePrevChar));
        assert_eq!(hidden.handle(Key::Enter), Typed::Entered(String::new()));
        assert_eq!(hidden.take().as_str(), "Swörd1s");
        assert!(hidden.is_empty());
    }

    #[test]
    fn a_secret_grows_to_its_room_and_does_not_move() {
        let mut hidden = Hidden::default();
        let place = hidden.text.0.as_ptr();
        for _ in 0..2 * MOST_BYTES {
            hidden.handle(Key::letter('x'));
        }
        assert_eq!((hidden.text.0.len(), hidden.text.0.as_ptr()), (MOST_BYTES, place));
        assert_eq!(hidden.handle(Key::Cancel), Typed::Cancelled);
        assert_eq!(hidden.handle(Key::End), Typed::Ended);
    }

    #[test]
    fn what_ends_a_line_is_no_part_of_it() {
        assert_eq!(Secret::from_bytes(b"abc\r\n").without_line_end().as_str(), "abc");
        assert_eq!(Secret::from_bytes(b"a\xffc").as_str(), "a\u{fffd}c");
    }
}
