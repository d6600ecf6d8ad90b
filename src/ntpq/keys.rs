//! The keys that `keyid`, `keytype` and `passwd` make, and having the user type what is missing.

use crate::line::Secret;
use crate::ntpq::job::{Answer, Need};
use crate::ntpq::session::Session;
use crate::wire::mac::{Algorithm, Key};

/// The key that is current, and the secrets that were given so far.
#[derive(Debug)]
pub struct Keys {
    /// Its number; 0 when none was chosen.
    pub id: u32,
    /// How the next secret that is given will be used.
    pub algorithm: Algorithm,
    known: Vec<Key>,
}

impl Default for Keys {
    fn default() -> Self {
        Self { id: 0, algorithm: Algorithm::Md5, known: Vec::new() }
    }
}

impl Keys {
    /// The key that signs requests now; `None` when no number was chosen or its secret not given.
    pub fn current(&self) -> Option<&Key> {
        self.known.iter().find(|key| key.id().get() == self.id)
    }

    /// Keeps `key`, in place of the one that had its number.
    pub fn set(&mut self, key: Key) {
        self.known.retain(|known| known.id() != key.id());
        self.known.push(key);
    }

    /// Gives the current number its secret, which stands for itself at any length. Says whether
    /// that made a key.
    pub fn set_secret(&mut self, secret: &str) -> bool {
        let Ok(key) = Key::from_literal(self.id, self.algorithm.word(), secret) else {
            return false;
        };
        self.set(key);
        true
    }

    /// Chooses the algorithm called `word`, and says whether it is one.
    ///
    /// Differs: MD4, RIPEMD160 and SHAKE128, which ntpq takes too, are not to be had here.
    pub fn set_algorithm(&mut self, word: &str) -> bool {
        let upper = word.to_ascii_uppercase();
        let by_name = USABLE.into_iter().find(|usable| usable.word() == upper);
        let is_md5 = || Algorithm::from_word(word) == Some(Algorithm::Md5);
        let algorithm = by_name.or_else(|| is_md5().then_some(Algorithm::Md5));
        if let Some(algorithm) = algorithm {
            self.algorithm = algorithm;
        }
        algorithm.is_some()
    }

    /// Asks the user for the secret of the current number.
    pub fn secret_prompt(&self) -> Need {
        Need::Line { prompt: format!("{} Password: ", self.algorithm), hidden: true }
    }
}

/// Has the user give a key before a request that needs one, where none was given.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeyPrompt {
    awaited: Awaited,
}

/// What the user is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Awaited {
    #[default]
    Nothing,
    Number,
    Secret,
}

/// How far asking for a key has come.
#[derive(Debug)]
pub enum Prompted {
    /// This is needed; hand in the answer.
    Need(Need),
    /// There is a key.
    Ready,
    /// There is none, and that was said.
    Failed,
}

impl KeyPrompt {
    /// Nothing was asked yet.
    pub const fn new() -> Self {
        Self { awaited: Awaited::Nothing }
    }

    /// Begins with `None`, goes on with what was typed.
    pub fn go_on(&mut self, session: &mut Session, typed: Option<Answer>) -> Prompted {
        let typed = match typed {
            Some(Answer::Line(line)) => line.unwrap_or_default(),
            _ => Secret::default(),
        };
        let typed = typed.as_str();
        match std::mem::take(&mut self.awaited) {
            Awaited::Nothing => {}
            Awaited::Number => {
                let id = typed_number(typed);
                if id == 0 || id > MAX_KEY_ID {
                    session.complain("Invalid key identifier\n");
                    return Prompted::Failed;
                }
                session.keys.id = id;
            }
            Awaited::Secret => {
                if typed.is_empty() || !session.keys.set_secret(typed) {
                    session.complain("Invalid password\n");
                    return Prompted::Failed;
                }
            }
        }
        if session.keys.id == 0 {
            self.awaited = Awaited::Number;
            Prompted::Need(id_prompt())
        } else if session.keys.current().is_none() {
            self.awaited = Awaited::Secret;
            Prompted::Need(session.keys.secret_prompt())
        } else {
            Prompted::Ready
        }
    }
}

/// Asks the user for a key's number.
pub fn id_prompt() -> Need {
    Need::Line { prompt: "Keyid: ".to_owned(), hidden: false }
}

/// The number that a typed line begins with; 0 when there is none.
pub fn typed_number(line: &str) -> u32 {
    let line = line.trim_start();
    let end = line.find(|c: char| !c.is_ascii_digit()).unwrap_or(line.len());
    line.get(..end).and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

/// Name and octets of a digest that is known and too long to be sent whole.
pub fn too_long(word: &str) -> Option<(&'static str, u32)> {
    let upper = word.to_ascii_uppercase();
    [("SHA224", 28), ("SHA256", 32), ("SHA384", 48), ("SHA512", 64)]
        .into_iter()
        .find(|(name, _)| *name == upper)
}

/// The algorithms whose digests ntpq takes: longer ones it refuses rather than cutting them.
pub const USABLE: [Algorithm; 3] = [Algorithm::Aes128Cmac, Algorithm::Md5, Algorithm::Sha1];

/// Number above which there are no keys.
pub const MAX_KEY_ID: u32 = 65_535;
