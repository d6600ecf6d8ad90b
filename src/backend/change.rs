//! A change of a daemon on screen: what the user orders, and how it goes.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::config::keys::Entry;
use crate::model::change::Course;

/// What is to be done about a change of a daemon. Only one is under way at a time.
#[derive(Clone, Debug, PartialEq)]
pub enum Order {
    /// Read the daemon and think this through; nothing is sent that changes anything.
    Think(Wish),
    /// Send what was thought through. Sent only by the user's decision, while changes are armed.
    Send {
        /// Even though it cannot be taken back.
        for_good: bool,
    },
    /// Keep it.
    Keep,
    /// Take it back, or send none of it.
    TakeBack,
}

/// What is wanted.
#[derive(Clone, Debug, PartialEq)]
pub struct Wish {
    /// The verb and its arguments, as they were typed.
    pub words: Vec<String>,
    /// The key that signs it; `None` where none was given.
    pub signing: Option<Signing>,
    /// How long there is to confirm it before it is taken back.
    pub confirm: Duration,
}

/// A key that signs changes. Its secret is wiped when the last of these is gone, and never shown.
#[derive(Clone)]
pub struct Signing(Arc<Entry>);

impl Signing {
    /// With this key.
    pub fn with(key: Entry) -> Self {
        Self(Arc::new(key))
    }

    /// The key.
    pub fn key(&self) -> &Entry {
        &self.0
    }
}

impl PartialEq for Signing {
    /// Only its number and where it is kept: whoever may compare secrets could try them out.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for Signing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signing(key {})", self.0.key.id())
    }
}

/// How a change goes.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// All that is known of it.
    pub course: Course,
    /// What the daemon will select after it, in sentences, as far as that can be reckoned.
    pub foreseen: Vec<String>,
}
