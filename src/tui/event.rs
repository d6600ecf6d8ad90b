//! What comes into the state, and what it wants done.

use crossterm::event::KeyEvent;

use crate::backend::{Request, Update};

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// A key was pressed.
    Key(KeyEvent),
    /// The terminal has this many columns and rows.
    Resize(u16, u16),
    /// Text was pasted; it may hold anything.
    Paste(String),
    /// The world told something.
    Backend(Update),
    /// The shell or another program wants us to stop as on Ctrl-Z, and we were not.
    Stop,
    /// Nothing but that time went on.
    Tick,
}

/// Something that only the outside can do.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Ask the world.
    Request(Request),
    /// Give the terminal back and stop until the shell continues us.
    Suspend,
    /// Draw everything anew, whatever the terminal shows.
    Redraw,
    /// End, because there is nothing to show and will be nothing; the sentence says why.
    GiveUp(String),
    /// End as an error in the program would.
    Panic,
    /// End.
    Quit,
}
