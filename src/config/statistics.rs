//! Which statistics are kept, and in which files: what `statsdir`, `statistics`, `filegen` and
//! `disable stats` come to together.

use std::path::PathBuf;

use crate::config::ntp_conf::records::{Cut, FileSet, KINDS, Statistics};
use crate::config::ntp_conf::{Directive, Flag};

/// Kinds of statistics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kinds(u8);

impl Kinds {
    /// None of them.
    pub const NONE: Self = Self(0);

    /// Whether `kind` is among them.
    pub const fn contains(self, kind: Statistics) -> bool {
        self.0 & 1 << kind as u8 != 0
    }

    /// These and `kind`.
    #[must_use]
    pub const fn with(self, kind: Statistics) -> Self {
        Self(self.0 | 1 << kind as u8)
    }
}

impl FromIterator<Statistics> for Kinds {
    fn from_iter<I: IntoIterator<Item = Statistics>>(kinds: I) -> Self {
        kinds.into_iter().fold(Self::NONE, Self::with)
    }
}

/// The files of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    /// Of which kind.
    pub of: Statistics,
    /// Their name below the folder, without what tells them apart.
    pub name: String,
    /// When a new one begins.
    pub cut: Cut,
    /// Whether the current one is linked to by the name alone.
    pub is_linked: bool,
    /// Whether anything is written.
    pub is_enabled: bool,
}

impl Series {
    /// The files of this kind as ntpd has them before anything is configured: one a day, linked,
    /// and nothing written.
    fn new(of: Statistics) -> Self {
        let name = of.word().to_owned();
        Self { of, name, cut: Cut::Day, is_linked: true, is_enabled: false }
    }

    fn change(&mut self, set: &FileSet) {
        // `filegen` names the files anew, and enables them unless it says otherwise.
        self.name = set.file.clone().unwrap_or_else(|| self.of.word().to_owned());
        self.cut = set.cut.unwrap_or(self.cut);
        self.is_linked = set.link.unwrap_or(self.is_linked);
        self.is_enabled = set.is_enabled.unwrap_or(true);
    }
}

/// All that is kept, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archive {
    /// The folder; `None` when none was named, and nothing is written then.
    ///
    /// Differs: ntpd falls back on one that few hosts have.
    folder: Option<PathBuf>,
    series: [Series; KINDS.len()],
    /// `enable stats`: whether anything is written at all.
    is_enabled: bool,
}

impl Default for Archive {
    fn default() -> Self {
        Self { folder: None, series: KINDS.map(|(_, of)| Series::new(of)), is_enabled: true }
    }
}

impl Archive {
    /// What these directives come to; as in ntpd, `filegen` has the last word.
    pub fn of<'a>(directives: impl Iterator<Item = &'a Directive> + Clone) -> Self {
        let mut this = Self::default();
        let is_set = |directive: &&Directive| matches!(directive, Directive::FileSet(_));
        let first = directives.clone().filter(|directive| !is_set(directive));
        for directive in first.chain(directives.filter(is_set)) {
            this.apply(directive);
        }
        this
    }

    /// Follows a directive; whether it was about statistics.
    pub fn apply(&mut self, directive: &Directive) -> bool {
        match directive {
            Directive::StatsDir(folder) => self.folder = Some(folder.clone()),
            Directive::Statistics(kinds) => {
                for series in self.series.iter_mut().filter(|series| kinds.contains(&series.of)) {
                    series.of.word().clone_into(&mut series.name);
                    series.is_enabled = true;
                }
            }
            Directive::FileSet(set) => {
                if let Some(series) = self.series.iter_mut().find(|series| series.of == set.of) {
                    series.change(set);
                }
            }
            Directive::Flag { flag: Flag::Statistics, is_enabled } => self.is_enabled = *is_enabled,
            _ => return false,
        }
        true
    }

    /// Where, and what of it is written; `None` when nothing is.
    pub fn written(&self) -> Option<(&PathBuf, impl Iterator<Item = &Series>)> {
        let folder = self.folder.as_ref().filter(|_| self.is_enabled)?;
        Some((folder, self.series.iter().filter(|series| series.is_enabled)))
    }

    /// The kinds that are written.
    pub fn kinds(&self) -> Kinds {
        let written = self.written().into_iter().flat_map(|(_, series)| series);
        written.map(|series| series.of).collect()
    }

    /// Whether statistics were asked for that have no folder to be written to.
    pub fn lacks_folder(&self) -> bool {
        self.folder.is_none() && self.series.iter().any(|series| series.is_enabled)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::ntp_conf;

    fn archive(text: &str) -> Archive {
        let placed = ntp_conf::read("ntp.conf", text).unwrap();
        Archive::of(placed.iter().map(|placed| &placed.directive))
    }

    fn written(text: &str) -> Vec<(Statistics, String, Cut, bool)> {
        let archive = archive(text);
        let Some((folder, series)) = archive.written() else { return Vec::new() };
        assert_eq!(folder, Path::new("/var/log/ntp"));
        series.map(|each| (each.of, each.name.clone(), each.cut, each.is_linked)).collect()
    }

    #[test]
    fn statistics_are_one_linked_file_a_day_unless_they_are_said_to_be_something_else() {
        let daily = |of: Statistics| (of, of.word().to_owned(), Cut::Day, true);
        assert_eq!(written("statsdir /var/log/ntp"), []);
        assert_eq!(
            written("statsdir /var/log/ntp/\nstatistics peerstats loopstats"),
            [daily(Statistics::Loop), daily(Statistics::Peer)]
        );
        let other = "statsdir /var/log/ntp\nfilegen rawstats file raw type week nolink";
        assert_eq!(written(other), [(Statistics::Raw, "raw".to_owned(), Cut::Week, false)]);
        // The last word, though it stands first.
        let first = "filegen loopstats file l\nstatistics loopstats\nstatsdir /var/log/ntp";
        assert_eq!(written(first), [(Statistics::Loop, "l".to_owned(), Cut::Day, true)]);
        let off = "statsdir /var/log/ntp\nstatistics loopstats\nfilegen loopstats disable";
        assert_eq!(written(off), []);
    }

    #[test]
    fn nothing_is_written_without_a_folder_or_when_it_is_disabled() {
        let homeless = archive("statistics loopstats");
        assert!(homeless.written().is_none() && homeless.lacks_folder());
        let text = "statsdir /var/log/ntp\nstatistics loopstats\ndisable stats";
        let mut archive = archive(text);
        assert_eq!(archive.kinds(), Kinds::NONE);
        assert!(!archive.lacks_folder());
        // Somebody made room on the disk, and says so.
        let enable = Directive::Flag { flag: Flag::Statistics, is_enabled: true };
        assert!(archive.apply(&enable));
        assert_eq!(archive.kinds(), Kinds::NONE.with(Statistics::Loop));
        assert!(!archive.kinds().contains(Statistics::Peer));
        assert!(!archive.apply(&Directive::Ttl(vec![1])));
    }
}
