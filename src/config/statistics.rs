//! Which statistics are kept, and in which files: `statsdir`, `statistics` and `filegen`.

use std::path::{Component, Path, PathBuf};

/// A kind of statistics, each in files of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `loopstats`: each update of the loop.
    Loop,
    /// `peerstats`: each new estimate of a source.
    Peer,
    /// `clockstats`: the time codes of reference clocks.
    Clock,
    /// `rawstats`: the four times of each exchange.
    Raw,
    /// `sysstats`: once an hour, the packets that were counted.
    System,
    /// `protostats`: what happens to the system and to sources.
    Protocol,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Loop, Self::Peer, Self::Clock, Self::Raw, Self::System, Self::Protocol];

    /// Its keyword, which is also the name of its files unless another is given.
    pub const fn keyword(self) -> &'static str {
        match self {
            Self::Loop => "loopstats",
            Self::Peer => "peerstats",
            Self::Clock => "clockstats",
            Self::Raw => "rawstats",
            Self::System => "sysstats",
            Self::Protocol => "protostats",
        }
    }

    /// The one with this keyword; `None` when there is none.
    pub fn named(keyword: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.keyword() == keyword)
    }
}

/// A set of kinds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kinds(u8);

impl Kinds {
    /// None of them.
    pub const NONE: Self = Self(0);

    /// Whether `kind` is among them.
    pub const fn contains(self, kind: Kind) -> bool {
        self.0 & 1 << kind as u8 != 0
    }

    /// These and `kind`.
    #[must_use]
    pub const fn with(self, kind: Kind) -> Self {
        Self(self.0 | 1 << kind as u8)
    }
}

impl FromIterator<Kind> for Kinds {
    fn from_iter<I: IntoIterator<Item = Kind>>(kinds: I) -> Self {
        kinds.into_iter().fold(Self::NONE, Self::with)
    }
}

/// When a new file is begun, and what its name ends with (`type` of `filegen`). Days are those of
/// UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Span {
    /// `none`: never.
    None,
    /// `pid`: with each start of the program, `.#PID`.
    Pid,
    /// `day`: `.YYYYMMDD`.
    #[default]
    Day,
    /// `week`: on Mondays, `.YYYYwWW` as ISO 8601 counts weeks.
    Week,
    /// `month`: `.YYYYMM`.
    Month,
    /// `year`: `.YYYY`.
    Year,
    /// `age`: each 24 hours that the program runs, `.aNNNNNNNN` with the seconds that it ran.
    Age,
}

impl Span {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::None, Self::Pid, Self::Day, Self::Week, Self::Month, Self::Year, Self::Age];

    /// Its keyword.
    pub const fn keyword(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Pid => "pid",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Year => "year",
            Self::Age => "age",
        }
    }

    /// The one with this keyword; `None` when there is none.
    pub fn named(keyword: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|span| span.keyword() == keyword)
    }
}

/// The files of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// Which kind.
    pub kind: Kind,
    /// Their name below the folder, without what tells them apart.
    pub name: PathBuf,
    /// When a new one is begun.
    pub span: Span,
    /// Whether the current one is linked to by the name alone.
    pub is_linked: bool,
    /// Whether anything is written.
    pub is_enabled: bool,
}

impl Files {
    /// Those of `kind` as ntpd has them before anything is configured: one a day, linked, and
    /// nothing written.
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            name: PathBuf::from(kind.keyword()),
            span: Span::default(),
            is_linked: true,
            is_enabled: false,
        }
    }
}

/// All that is kept, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statistics {
    /// The folder (`statsdir`); `None` when none was named, and nothing is written then.
    pub folder: Option<PathBuf>,
    /// The files of each kind, in the order of [`Kind::ALL`].
    files: [Files; Kind::ALL.len()],
}

impl Default for Statistics {
    fn default() -> Self {
        Self { folder: None, files: Kind::ALL.map(Files::new) }
    }
}

impl Statistics {
    /// The same in this folder.
    #[must_use]
    pub fn in_folder(self, folder: impl Into<PathBuf>) -> Self {
        Self { folder: Some(folder.into()), ..self }
    }

    /// The files of all kinds.
    pub fn files(&self) -> impl Iterator<Item = &Files> {
        self.files.iter()
    }

    /// Writes files of `kind` from now on (`statistics`).
    pub fn enable(&mut self, kind: Kind) {
        self.change(kind, |files| {
            files.name = PathBuf::from(kind.keyword());
            files.is_enabled = true;
        });
    }

    /// Changes how files of `kind` are kept.
    pub fn change(&mut self, kind: Kind, change: impl FnOnce(&mut Files)) {
        if let Some(files) = self.files.iter_mut().find(|files| files.kind == kind) {
            change(files);
        }
    }

    /// The kinds that are written.
    pub fn kinds(&self) -> Kinds {
        if self.folder.is_none() {
            return Kinds::NONE;
        }
        self.files.iter().filter(|files| files.is_enabled).map(|files| files.kind).collect()
    }
}

/// Whether files may have this name below their folder: it must not lead out of it.
pub fn is_within(name: &Path) -> bool {
    name.file_name().is_some()
        && name.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_keyword_names_its_kind_and_its_span() {
        for kind in Kind::ALL {
            assert_eq!(Kind::named(kind.keyword()), Some(kind));
        }
        for span in Span::ALL {
            assert_eq!(Span::named(span.keyword()), Some(span));
        }
        assert_eq!(Kind::named("usestats"), None);
        assert_eq!(Span::named("hour"), None);
    }

    #[test]
    fn nothing_is_written_without_a_folder_or_unless_it_is_enabled() {
        let mut statistics = Statistics::default();
        statistics.enable(Kind::Loop);
        assert_eq!(statistics.kinds(), Kinds::NONE);
        statistics.folder = Some("/var/log/ntp".into());
        assert!(statistics.kinds().contains(Kind::Loop));
        assert!(!statistics.kinds().contains(Kind::Peer));
        statistics.change(Kind::Loop, |files| files.is_enabled = false);
        assert_eq!(statistics.kinds(), Kinds::NONE);
    }

    #[test]
    fn a_name_must_not_lead_out_of_its_folder() {
        for name in ["loopstats", "ntp/loopstats", "./loop..stats"] {
            assert!(is_within(Path::new(name)), "{name}");
        }
        for name in ["", "..", "../loopstats", "a/../b", "/etc/passwd", "."] {
            assert!(!is_within(Path::new(name)), "{name}");
        }
    }
}
