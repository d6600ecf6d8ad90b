//! One part of a daemon with when it was learned, shared between snapshots.

use std::sync::Arc;

use crate::model::absent::Absent;
use crate::units::{Mono, NtpTimestamp};

/// When something was asked and answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dated {
    /// When the question was sent (the attempt that was answered).
    pub asked: Mono,
    /// When the last piece of the answer arrived.
    pub answered: Mono,
    /// Our own wall clock when it arrived.
    pub clock: NtpTimestamp,
}

/// A part of a daemon: the latest that is known of it, and why nothing newer is.
///
/// A failure does not wipe what was known: screens show old values with their age.
#[derive(Clone, Debug)]
pub struct Part<T> {
    known: Option<(Arc<T>, Dated)>,
    trouble: Option<Absent>,
}

impl<T> Part<T> {
    /// Nothing known, nothing asked.
    pub const fn not_asked() -> Self {
        Self { known: None, trouble: Some(Absent::NotAskedYet) }
    }

    /// Just answered.
    pub fn answered(value: T, dated: Dated) -> Self {
        Self { known: Some((Arc::new(value), dated)), trouble: None }
    }

    /// The same part after another answer: an equal value stays shared with older snapshots.
    #[must_use]
    pub fn renewed(&self, value: T, dated: Dated) -> Self
    where
        T: PartialEq,
    {
        match &self.known {
            Some((same, _)) if **same == value => {
                Self { known: Some((Arc::clone(same), dated)), trouble: None }
            }
            _ => Self::answered(value, dated),
        }
    }

    /// The same part after an attempt that brought nothing: what was known stays.
    #[must_use]
    pub fn failed(&self, why: Absent) -> Self {
        Self { known: self.known.clone(), trouble: Some(why) }
    }

    /// The latest value, however old.
    pub fn latest(&self) -> Option<&T> {
        self.known.as_ref().map(|(value, _)| &**value)
    }

    /// The latest value, shared.
    pub fn latest_shared(&self) -> Option<&Arc<T>> {
        self.known.as_ref().map(|(value, _)| value)
    }

    /// When the latest value was learned.
    pub fn dated(&self) -> Option<Dated> {
        self.known.as_ref().map(|(_, dated)| *dated)
    }

    /// Why there is no value, or none newer; `None` when the last question was answered.
    pub const fn trouble(&self) -> Option<&Absent> {
        self.trouble.as_ref()
    }

    /// The latest value, or why there is none.
    pub fn value(&self) -> Result<&T, Absent> {
        self.latest().ok_or_else(|| self.trouble.clone().unwrap_or(Absent::NotAskedYet))
    }
}

impl<T> Default for Part<T> {
    fn default() -> Self {
        Self::not_asked()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_keeps_what_was_known() {
        let part = Part::answered(7, Dated::default()).failed(Absent::NotGiven);
        assert_eq!(part.latest(), Some(&7));
        assert_eq!(part.trouble(), Some(&Absent::NotGiven));
        let again = part.renewed(7, Dated::default());
        assert!(Arc::ptr_eq(again.latest_shared().unwrap(), part.latest_shared().unwrap()));
        assert_eq!(again.trouble(), None);
        let never = Part::<u8>::not_asked().failed(Absent::NotInFamily);
        assert_eq!(never.value(), Err(Absent::NotInFamily));
    }
}
