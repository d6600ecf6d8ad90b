//! Whose ntpq is followed: which commands there are and what is printed.

/// One of the two ntpqs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// That of the NTP Project, 4.2.8p15.
    #[default]
    Classic,
    /// That of NTPsec, 1.2.2.
    Ntpsec,
}

impl Style {
    /// Both, the usual one first.
    pub const ALL: [Self; 2] = [Self::Classic, Self::Ntpsec];

    /// How it is called in options.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Classic => "classic",
            Self::Ntpsec => "ntpsec",
        }
    }

    /// The one called `word`.
    pub fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|style| style.word() == word)
    }
}
