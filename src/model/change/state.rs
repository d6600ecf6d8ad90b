//! What a daemon told of the things that a change can alter, and how two such pictures differ.
//!
//! Only what stands still by itself is in it: an offset differs from one reading to the next
//! whatever was changed. What counts up by itself is beside it, as the age of counters.

use std::fmt;
use std::time::Duration;

use crate::units::{AssocId, Mono};

/// A daemon as far as changes alter it, at one reading.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// When the reading was complete.
    pub read: Mono,
    /// Its associations, restrictions and settings, each kind in the daemon's order.
    pub entries: Vec<Entry>,
    /// Whether it told its restrictions, which ntpd does only with a key.
    pub tells_restrictions: bool,
    /// How long it has run; `None` where it does not tell.
    pub uptime: Option<Duration>,
    /// How long its counters have run, by the word that resets them.
    pub counters: Vec<(&'static str, Duration)>,
    /// Whom it follows, by name or address; `None` for nobody.
    pub followed: Option<String>,
}

/// One thing that a change can alter.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// What it is.
    pub kind: Kind,
    /// What it is called: an association by its address, or its name where it has no address.
    pub name: String,
    /// The name of an association's host, where it was configured by name.
    pub host: Option<String>,
    /// Its number, where it has one.
    pub id: Option<AssocId>,
    /// Whether it came without being configured, from a pool or by its own packets, and may go so.
    pub is_passing: bool,
    /// What is told of it.
    pub facts: Vec<Fact>,
}

/// Kinds of things that a change can alter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// An association, or a source of chronyd's.
    Association,
    /// Whom it lets do what.
    Restriction,
    /// Anything else that is set.
    Setting,
}

/// Something that is told of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// In a word or two.
    pub name: &'static str,
    /// As text, safe to show.
    pub value: String,
}

impl Entry {
    /// One of which nothing is told yet.
    pub fn new(kind: Kind, name: impl Into<String>) -> Self {
        Self { kind, name: name.into(), host: None, id: None, is_passing: false, facts: Vec::new() }
    }

    /// With something told of it.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.facts.push(Fact { name, value: value.into() });
        self
    }

    /// What is told of it under this name.
    pub fn fact(&self, name: &str) -> Option<&str> {
        self.facts.iter().find(|fact| fact.name == name).map(|fact| fact.value.as_str())
    }

    /// Whether it goes by this name, or its host does.
    pub fn is_called(&self, name: &str) -> bool {
        let host = self.host.as_deref();
        self.name == name || host.is_some_and(|host| host.eq_ignore_ascii_case(name))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Association => "association",
            Self::Restriction => "restriction",
            Self::Setting => "setting",
        })
    }
}

impl fmt::Display for Entry {
    /// What it is and what is told of it: `association 192.0.2.1 (ntp1.example.net), key 5`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)?;
        if let Some(host) = &self.host {
            write!(f, " ({host})")?;
        }
        for fact in &self.facts {
            write!(f, ", {} {}", fact.name, fact.value)?;
        }
        Ok(())
    }
}

/// How a daemon differs from what it was before.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Difference {
    /// What was not there before.
    pub came: Vec<Entry>,
    /// What is there no more.
    pub went: Vec<Entry>,
    /// What was there and is, and differs.
    pub changed: Vec<Changed>,
    /// Whom it followed and whom it follows, where that is another; that changes by itself, too.
    pub followed: Option<(Option<String>, Option<String>)>,
}

/// Something that is told of an entry and is not what it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// What the entry is.
    pub kind: Kind,
    /// What it is called.
    pub name: String,
    /// What is told of it.
    pub fact: &'static str,
    /// What it was; `None` where it was not told.
    pub before: Option<String>,
    /// What it is; `None` where it is not told any more.
    pub after: Option<String>,
}

impl fmt::Display for Changed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = |value: &Option<String>| match value.as_deref() {
            None => "not told".to_owned(),
            Some("") => "nothing".to_owned(),
            Some(value) => value.to_owned(),
        };
        let (before, after) = (word(&self.before), word(&self.after));
        write!(f, "{} {}: {} {before} -> {after}", self.kind, self.name, self.fact)
    }
}

impl Difference {
    /// From what was told before to what is told after. An association that was given up and made
    /// again has another number: it went and came.
    ///
    /// What was not told at one of the readings is no difference.
    pub fn between(before: &State, after: &State) -> Self {
        let counts = |entry: &&Entry| {
            entry.kind != Kind::Restriction || before.tells_restrictions && after.tells_restrictions
        };
        let is_same = |one: &Entry, other: &Entry| {
            one.kind == other.kind && one.name == other.name && one.id == other.id
        };
        let mut difference = Self::default();
        for entry in after.entries.iter().filter(counts) {
            match before.entries.iter().find(|old| is_same(old, entry)) {
                None => difference.came.push(entry.clone()),
                Some(old) => difference.compare(old, entry),
            }
        }
        let went = before.entries.iter().filter(counts);
        let went = went.filter(|old| !after.entries.iter().any(|entry| is_same(old, entry)));
        difference.went = went.cloned().collect();
        if before.followed != after.followed {
            difference.followed = Some((before.followed.clone(), after.followed.clone()));
        }
        difference
    }

    fn compare(&mut self, old: &Entry, new: &Entry) {
        let mut names: Vec<_> = old.facts.iter().map(|fact| fact.name).collect();
        names.extend(new.facts.iter().map(|fact| fact.name).filter(|n| old.fact(n).is_none()));
        for fact in names {
            let (before, after) = (old.fact(fact), new.fact(fact));
            if before != after {
                self.changed.push(Changed {
                    kind: new.kind,
                    name: new.name.clone(),
                    fact,
                    before: before.map(str::to_owned),
                    after: after.map(str::to_owned),
                });
            }
        }
    }

    /// Whether nothing differs that a change could have altered: whom the daemon follows, and what
    /// comes and goes unconfigured, is its own affair.
    pub fn is_empty(&self) -> bool {
        let passing = |entries: &[Entry]| entries.iter().all(|entry| entry.is_passing);
        passing(&self.came) && passing(&self.went) && self.changed.is_empty()
    }

    /// Whether nothing differs but the numbers of associations that were given up and made again.
    pub fn is_only_numbers(&self) -> bool {
        let has_twin = |one: &Entry, others: &[Entry]| {
            let is_twin = |other: &Entry| {
                (other.kind, &other.name, &other.facts) == (one.kind, &one.name, &one.facts)
            };
            others.iter().any(is_twin)
        };
        self.changed.is_empty()
            && self.came.iter().all(|entry| entry.is_passing || has_twin(entry, &self.went))
            && self.went.iter().all(|entry| entry.is_passing || has_twin(entry, &self.came))
    }
}

/// Something that a change is to bring about, to be seen in a reading.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// What is looked at.
    pub whom: Whom,
    /// What it is to be.
    pub wanted: Wanted,
}

/// What a check looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whom {
    /// An entry by its name, or by its host's.
    Named(Kind, String),
    /// An association by its number, and what it is called.
    Number(AssocId, String),
}

/// What is to be seen of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Wanted {
    /// It is there.
    There,
    /// It is there and is none of these: an association that was given up and made again.
    Anew(Vec<AssocId>),
    /// It is there no more.
    Gone,
    /// This is told of it.
    Fact(Fact),
    /// These words are all among those told of it under this name.
    Words(&'static str, Vec<&'static str>),
    /// None of these words is.
    NoWords(&'static str, Vec<&'static str>),
    /// Its counters have run no longer than since this moment, when the line was sent at the
    /// earliest.
    Reset(&'static str, Mono),
    /// Nothing that the daemon tells shows it: what this is, in words.
    Untold(String),
}

impl Check {
    /// Whether it is so in `state`; `None` where that is not told.
    pub fn holds(&self, state: &State) -> Option<bool> {
        let is_it = |entry: &&Entry| match &self.whom {
            Whom::Named(kind, name) => entry.kind == *kind && entry.is_called(name),
            Whom::Number(id, _) => entry.kind == Kind::Association && entry.id == Some(*id),
        };
        if let Whom::Named(Kind::Restriction, _) = self.whom
            && !state.tells_restrictions
        {
            return None;
        }
        let mut found = state.entries.iter().filter(is_it);
        match &self.wanted {
            Wanted::There => Some(found.next().is_some()),
            Wanted::Anew(than) => {
                Some(found.any(|entry| entry.id.is_none_or(|id| !than.contains(&id))))
            }
            Wanted::Gone => Some(found.next().is_none()),
            Wanted::Fact(fact) => {
                let told = found.next().map(|entry| entry.fact(fact.name));
                told.map_or(Some(false), |told| told.map(|told| told == fact.value))
            }
            Wanted::Words(name, words) => {
                let has = |told: &str| words.iter().all(|word| has_word(told, word));
                Some(found.next().and_then(|entry| entry.fact(name)).is_some_and(has))
            }
            Wanted::NoWords(name, words) => {
                let has = |told: &str| words.iter().any(|word| has_word(told, word));
                Some(!found.next().and_then(|entry| entry.fact(name)).is_some_and(has))
            }
            Wanted::Reset(what, since) => {
                let (_, age) = state.counters.iter().find(|(name, _)| name == what)?;
                // The daemon counts whole seconds.
                Some(*age <= state.read.since(*since) + Duration::from_secs(1))
            }
            Wanted::Untold(_) => None,
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.whom {
            _ if matches!(self.wanted, Wanted::Untold(_) | Wanted::Reset(..)) => {}
            Whom::Named(kind, name) => write!(f, "{kind} {name} ")?,
            Whom::Number(id, name) => write!(f, "association {name}, number {id}, ")?,
        }
        match &self.wanted {
            Wanted::There => f.write_str("is there"),
            Wanted::Anew(than) if than.is_empty() => f.write_str("is there"),
            Wanted::Anew(_) => f.write_str("is there anew"),
            Wanted::Gone => f.write_str("is gone"),
            Wanted::Fact(Fact { name, value }) => write!(f, "has {name} {value}"),
            Wanted::Words(_, words) => write!(f, "has {}", words.join(" ")),
            Wanted::NoWords(_, words) => write!(f, "has no {}", words.join(" ")),
            Wanted::Reset(what, _) => write!(f, "counters of `{what}` run anew"),
            Wanted::Untold(what) => f.write_str(what),
        }
    }
}

fn has_word(words: &str, word: &str) -> bool {
    words.split(' ').any(|one| one == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn association(id: u16, name: &str) -> Entry {
        Entry { id: Some(AssocId::new(id)), ..Entry::new(Kind::Association, name) }
    }

    fn state(entries: Vec<Entry>) -> State {
        State { entries, tells_restrictions: true, ..State::default() }
    }

    #[test]
    fn a_difference_is_what_came_went_and_changed() {
        let rule = |flags: &str| Entry::new(Kind::Restriction, "10.0.0.0/8").with("flags", flags);
        let before = state(vec![association(1, "a"), association(2, "b"), rule("kod")]);
        let after = state(vec![association(1, "a"), association(3, "b"), rule("kod noquery")]);
        let difference = Difference::between(&before, &after);
        assert_eq!(difference.came, [association(3, "b")]);
        assert_eq!(difference.went, [association(2, "b")]);
        let changed: Vec<_> = difference.changed.iter().map(ToString::to_string).collect();
        assert_eq!(changed, ["restriction 10.0.0.0/8: flags kod -> kod noquery"]);
        assert!(!difference.is_only_numbers());
        let anew = state(vec![association(1, "a"), association(3, "b"), rule("kod")]);
        let difference = Difference::between(&before, &anew);
        assert!(!difference.is_empty() && difference.is_only_numbers());
        assert!(Difference::between(&before, &before).is_empty());
    }

    #[test]
    fn what_is_not_told_is_no_difference() {
        let rule = Entry::new(Kind::Restriction, "10.0.0.0/8");
        let (told, mut untold) = (state(vec![rule]), state(Vec::new()));
        untold.tells_restrictions = false;
        assert!(Difference::between(&told, &untold).is_empty());
        let whom = Whom::Named(Kind::Restriction, "10.0.0.0/8".to_owned());
        let gone = Check { whom, wanted: Wanted::Gone };
        assert_eq!((gone.holds(&told), gone.holds(&untold)), (Some(false), None));
    }

    #[test]
    fn checks_see_what_is_told_and_nothing_else() {
        let key = |value: &str| Fact { name: "key", value: value.to_owned() };
        let seen = state(vec![association(7, "192.0.2.1").with("key", "5")]);
        let named = |name: &str, wanted| {
            let whom = Whom::Named(Kind::Association, name.to_owned());
            Check { whom, wanted }.holds(&seen)
        };
        let old = || vec![AssocId::new(7)];
        assert_eq!(named("192.0.2.1", Wanted::There), Some(true));
        assert_eq!(named("192.0.2.1", Wanted::Anew(old())), Some(false));
        assert_eq!(named("192.0.2.1", Wanted::Anew(vec![AssocId::new(6)])), Some(true));
        assert_eq!(named("192.0.2.1", Wanted::Fact(key("5"))), Some(true));
        assert_eq!(named("192.0.2.1", Wanted::Fact(key("6"))), Some(false));
        assert_eq!(named("192.0.2.2", Wanted::Gone), Some(true));
        assert_eq!(named("192.0.2.1", Wanted::Untold("prefer".to_owned())), None);
    }
}
