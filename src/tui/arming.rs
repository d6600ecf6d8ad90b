//! Changes of daemons on screen: who is armed, what is asked before, what is under way, what was left
//! behind.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::backend::change::{self, Progress, Signing};
use crate::model::change::Phase;
use crate::units::Mono;

/// That changes of a daemon may be sent.
#[derive(Clone, Debug)]
pub struct Armed {
    /// The key that signs them; `None` for a daemon that asks for none.
    pub signing: Option<Signing>,
    /// When it ends by itself, unless a key is pressed before.
    pub until: Mono,
}

/// What is asked before changes are armed.
#[derive(Clone, Debug)]
pub struct Arming {
    /// How far it is.
    pub step: Step,
    /// What was wrong with what was typed last.
    pub trouble: Option<String>,
    /// The keys of the file that was named for the daemon; `None` where none was.
    pub offered: Option<Offered>,
    /// The number of the change that was left behind and is to be taken back then.
    pub then: Option<u32>,
}

/// The keys of a file, to choose from. They are wiped when the question is left.
#[derive(Clone, Debug)]
pub struct Offered {
    /// What the file is called.
    pub file: String,
    /// Its keys, or why there are none; `None` while it is being read.
    pub keys: Option<Result<Vec<Signing>, Box<str>>>,
}

impl Offered {
    /// Its keys, as far as they are there.
    pub fn keys(&self) -> &[Signing] {
        match &self.keys {
            Some(Ok(keys)) => keys,
            _ => &[],
        }
    }

    /// Its key of this number.
    pub fn key(&self, number: u32) -> Option<&Signing> {
        self.keys().iter().find(|signing| signing.number() == number)
    }
}

/// Changes that were left behind by programs that died.
#[derive(Clone, Debug, Default)]
pub struct Left {
    /// All of them, by their numbers.
    pub all: Arc<[change::Left]>,
    /// Those about which somebody wants to decide later.
    pub later: BTreeSet<u32>,
    /// Lines that the one on screen is scrolled by.
    pub scroll: usize,
}

/// How far arming is.
#[derive(Clone, Debug)]
pub enum Step {
    /// Whether to arm at all: no key is needed.
    Sure,
    /// The number and type of the key, as far as they are typed.
    Key(String),
    /// Its secret.
    Secret {
        /// The number of the key.
        number: u32,
        /// The word of its type.
        kind: String,
        /// What is typed so far.
        typed: Secret,
    },
}

/// A secret that is being typed: wiped when it is dropped, shown nowhere.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Nothing yet.
    pub fn new() -> Self {
        // With room from the start, for what is moved when it grows is not wiped.
        Self(Zeroizing::new(String::with_capacity(MOST_SECRET)))
    }

    /// One letter more, as long as there is room.
    pub fn push(&mut self, letter: char) {
        if self.0.len() + letter.len_utf8() <= MOST_SECRET {
            self.0.push(letter);
        }
    }

    /// One letter less.
    pub fn pop(&mut self) {
        self.0.pop();
    }

    /// What was typed.
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl Default for Secret {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// A change of a daemon that was asked for last.
#[derive(Clone, Debug)]
pub struct Shown {
    /// What was typed.
    pub words: String,
    /// The number of the change that it takes back, where that was left behind.
    pub left: Option<u32>,
    /// How it goes; `None` until that is told.
    pub progress: Option<Arc<Progress>>,
    /// Lines that it is scrolled by.
    pub scroll: usize,
}

impl Shown {
    /// How far it is.
    pub fn phase(&self) -> Phase {
        self.progress.as_ref().map_or(Phase::Reading, |progress| progress.course.phase)
    }

    /// How long there is to keep it, while that is waited for.
    pub fn left(&self, now: Mono) -> Option<Duration> {
        self.progress.as_ref().and_then(|progress| progress.course.left(now))
    }
}

/// How long changes stay armed while no key is pressed.
pub const ARMED_FOR: Duration = Duration::from_secs(5 * 60);

/// How long there is to keep a change before it is taken back.
pub const CONFIRM: Duration = Duration::from_secs(60);

/// Bytes of a secret at most.
const MOST_SECRET: usize = 256;
