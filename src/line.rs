//! A line that somebody types: editing, history, completion. State in, key in, state out; it
//! knows no terminal, no daemon and no language.
//!
//! What is typed at the prompts of the command line and on the screens goes through here alike. What
//! words there are to complete is said by a [`Language`]. A line that holds a secret never enters
//! the history, and a secret that is asked for is typed into a [`Hidden`] line, which is wiped.
//!
//! The history lives as long as the program, and in no file: lines that change a daemon tell of
//! hosts and key numbers, and neither original keeps any.

pub mod beginning;
pub mod completion;
pub mod editor;
pub mod history;
pub mod key;
pub mod secret;

pub use completion::{Candidate, Completion, Language, NoLanguage};
pub use editor::{Editor, Typed};
pub use history::History;
pub use key::Key;
pub use secret::{Hidden, Secret};
