//! The table of variables: what a daemon can tell about itself, its peers and its clocks.
//!
//! One row a variable, and every use comes from the row: how its text is decoded, which daemons
//! know it (one unknown name costs a whole answer, so none is asked in vain), what it is called in
//! JSON and on screen, how both ntpqs print it, and what it means. A wire name stands nowhere else.
//!
//! The columns of who answers with a variable come from the daemons themselves: ntpd 4.2.8p15 and
//! NTPsec 1.2.2 were asked for every name singly, the others' tables were read in their sources.

pub mod clock;
mod format;
pub mod lists;
pub mod peer;
pub mod system;

pub use format::{Cooked, CookedNtpsec, Format, Served};

use crate::model::identity::Dialect;

/// What a variable is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// The daemon.
    System,
    /// One of its associations.
    Peer,
    /// A reference clock.
    Clock,
}

/// A value that stands for something other than itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sentinel {
    /// The value as a number (for a timestamp 0 is *never*).
    pub value: f64,
    /// What it stands for.
    pub means: &'static str,
}

/// A row of the table.
#[derive(Debug)]
pub struct Variable {
    /// Its name on the wire.
    pub name: &'static str,
    /// Other names of it, in older daemons or in ntpq.
    pub aliases: &'static [&'static str],
    /// Its full name, in snake case, without unit.
    pub field: &'static str,
    /// What it is about.
    pub scope: Scope,
    /// What it belongs to within its scope, as help lists it.
    pub section: &'static str,
    /// How its text is read.
    pub format: Format,
    /// Where some dialect writes another format or unit than the others.
    pub exceptions: &'static [(Dialect, Format)],
    /// Who answers with it, in the order of [`Dialect::ALL`].
    pub served: [Served; Dialect::ALL.len()],
    /// Values that stand for something else.
    pub sentinels: &'static [Sentinel],
    /// How classic ntpq prints it. Classic ntpq goes by the name, whatever the scope.
    pub cooked: Cooked,
    /// How NTPsec's ntpq prints it; it goes by the name, too.
    pub cooked_ntpsec: CookedNtpsec,
    /// What it is, in a sentence that says unit and sign where they matter.
    pub meaning: &'static str,
}

impl Variable {
    /// Whether every daemon of `dialect` knows the name, so that it can be asked with others.
    pub fn is_known_to(&self, dialect: Dialect) -> bool {
        !matches!(self.served_by(dialect), Served::Never | Served::Sometimes)
    }

    /// Whether and when `dialect` answers with it.
    pub fn served_by(&self, dialect: Dialect) -> Served {
        let column = Dialect::ALL.iter().position(|d| *d == dialect.column());
        column.and_then(|c| self.served.get(c)).copied().unwrap_or(Served::Never)
    }

    /// How `dialect` writes it; the common format where the dialect is not known.
    pub fn format_of(&self, dialect: Option<Dialect>) -> Format {
        let exception =
            self.exceptions.iter().find(|(d, _)| Some(*d) == dialect.map(Dialect::column));
        exception.map_or(self.format, |(_, format)| *format)
    }

    /// The same count over another time, which NTPsec serves under the name with `_r`.
    pub fn twin(&self) -> Option<&'static Self> {
        table(self.scope).iter().find(|row| row.name.strip_suffix("_r") == Some(self.name)).copied()
    }

    /// Its name in JSON: full name and unit.
    pub fn json_name(&self) -> String {
        format!("{}{}", self.field, self.format.suffix())
    }

    /// What `value` stands for, if it is not to be taken as a number.
    pub fn sentinel(&self, value: f64) -> Option<&'static str> {
        let same = |s: &&Sentinel| (s.value - value).abs() < 1e-9;
        self.sentinels.iter().find(same).map(|s| s.means)
    }
}

impl PartialEq for Variable {
    /// Rows are compared by what they are about and their name, which no two share.
    fn eq(&self, other: &Self) -> bool {
        self.scope == other.scope && self.name == other.name
    }
}

impl Eq for Variable {}

/// All rows of a scope, in the order of the tables.
pub const fn table(scope: Scope) -> &'static [&'static Variable] {
    match scope {
        Scope::System => system::ALL,
        Scope::Peer => peer::ALL,
        Scope::Clock => clock::ALL,
    }
}

/// The row called `name`, or known by it elsewhere.
pub fn find(scope: Scope, name: &str) -> Option<&'static Variable> {
    let rows = table(scope);
    let exact = rows.iter().find(|row| row.name == name);
    exact.or_else(|| rows.iter().find(|row| row.aliases.contains(&name))).copied()
}

/// Those of `rows` that may be asked of `dialect` by name in one question.
///
/// None for a dialect whose names are not certain: an empty question brings its defaults.
pub fn askable(rows: &[&'static Variable], dialect: Dialect) -> Vec<&'static Variable> {
    if dialect == Dialect::Xntpd {
        return Vec::new();
    }
    rows.iter().copied().filter(|row| row.is_known_to(dialect)).collect()
}

/// The names of those of `rows` that may be asked of `dialect` in one question; see [`askable`].
pub fn names(rows: &[&'static Variable], dialect: Dialect) -> Vec<&'static str> {
    askable(rows, dialect).iter().map(|row| row.name).collect()
}

/// Puts the parts of a scope's table together when it is compiled.
#[expect(clippy::indexing_slicing, reason = "runs when the table is compiled")]
const fn joined<const N: usize>(parts: &[&[&'static Variable]]) -> [&'static Variable; N] {
    let mut all = [parts[0][0]; N];
    let (mut part, mut filled) = (0, 0);
    while part < parts.len() {
        let mut row = 0;
        while row < parts[part].len() {
            all[filled] = parts[part][row];
            filled += 1;
            row += 1;
        }
        part += 1;
    }
    assert!(filled == N, "every row has its place");
    all
}

/// Makes the rows of one section: a constant each, and the list of all.
///
/// A row reads: constant = wire name and aliases, full name, format and exceptions, who serves it,
/// classic's cooked form and NTPsec's where it does not follow, sentinels; meaning.
macro_rules! variables {
    ($list:ident, $scope:ident, $section:literal; $(
        $id:ident = $name:literal $(| $alias:literal)*, $field:literal, $format:ident
        $(($($dialect:ident => $other:ident),+))?, $served:literal,
        $cooked:ident $(/ $ntpsec:ident)?
        $(, [$($sentinel:literal => $means:literal),+ $(,)?])?; $meaning:literal;
    )+) => {
        $(
            #[doc = concat!("`", $name, "`: ", $meaning, ".")]
            pub static $id: $crate::model::vars::Variable = $crate::model::vars::Variable {
                name: $name,
                aliases: &[$($alias),*],
                field: $field,
                scope: $crate::model::vars::Scope::$scope,
                section: $section,
                format: $crate::model::vars::Format::$format,
                exceptions: &[$($((
                    $crate::model::identity::Dialect::$dialect,
                    $crate::model::vars::Format::$other,
                )),+)?],
                served: $crate::model::vars::Served::columns($served),
                sentinels: &[$($($crate::model::vars::Sentinel {
                    value: $sentinel,
                    means: $means,
                }),+)?],
                cooked: $crate::model::vars::Cooked::$cooked,
                cooked_ntpsec: $crate::model::vars::variables!(@ntpsec $cooked $(/ $ntpsec)?),
                meaning: $meaning,
            };
        )+

        /// Every row of this section, in the order of the table.
        pub static $list: &[&$crate::model::vars::Variable] = &[$(&$id),+];
    };
    (@ntpsec $cooked:ident / $ntpsec:ident) => { $crate::model::vars::CookedNtpsec::$ntpsec };
    (@ntpsec $cooked:ident) => {
        $crate::model::vars::CookedNtpsec::like($crate::model::vars::Cooked::$cooked)
    };
}
use variables;

#[cfg(test)]
mod tests;
