//! A change of a daemon on screen: what the user orders, and how it goes.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::backend::TargetId;
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
    /// Read the daemon and think through how the change of this number, which was left behind, is
    /// taken back; nothing is sent that changes anything.
    Restore {
        /// Its number.
        number: u32,
        /// The key that signs it; `None` where none was given.
        signing: Option<Signing>,
    },
    /// Keep the change of this number, which was left behind, and hear no more of it.
    Forget {
        /// Its number.
        number: u32,
    },
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

    /// Its number.
    pub fn number(&self) -> u32 {
        self.0.key.id().get()
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
    /// Why what became of it does not stand in the log, where that could not be written.
    pub unwritten: Option<String>,
}

/// A change that is taken back unless somebody confirms it: one that is waited for, or one that was
/// left behind by a program that died.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Its number.
    pub number: u32,
    /// When it was made, as RFC 3339 text.
    pub written: String,
    /// The same in seconds since 1970; `None` where that text says nothing.
    pub when: Option<i64>,
    /// Who made it, by name; `None` where that is not known.
    pub user: Option<String>,
    /// The daemon, as the user called it.
    pub host: String,
    /// Where the daemon was; `None` of one on a Unix socket.
    pub address: Option<SocketAddr>,
    /// What was to be sent.
    pub lines: Vec<String>,
    /// What takes it back.
    pub inverse: Vec<String>,
    /// How long after it was made it was to be taken back, in words.
    pub within: String,
    /// The number of the key.
    pub key: Option<u32>,
    /// Whether somebody still waits for its confirmation, or is taking it back.
    pub is_in_hand: bool,
}

/// A change that was left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// What is written of it.
    pub change: Pending,
    /// Which of the daemons that are watched was changed; `None` where it is none of them.
    pub target: Option<TargetId>,
}

impl fmt::Display for Pending {
    /// What it is, and what takes it back.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, written, host, within, user, .. } = self;
        let by = user.as_ref().map(|user| format!(" by {user}")).unwrap_or_default();
        writeln!(f, "{number}  {host}, {written}{by}, to be confirmed within {within}")?;
        for (title, lines) in [("sent", &self.lines), ("back", &self.inverse)] {
            lines.iter().try_for_each(|line| writeln!(f, "   {title}  {line}"))?;
        }
        if self.is_in_hand {
            writeln!(f, "   somebody waits for its confirmation, or is taking it back")?;
        }
        Ok(())
    }
}
