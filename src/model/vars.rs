//! The table of variables: what a daemon can tell about itself, its peers and its clocks.
//!
//! One row a variable, and every use comes from the row: how its text is decoded, which daemons
//! know it (one unknown name costs a whole answer, so none is asked in vain), what it is called in
//! JSON and on screen, how both ntpqs print it, and what it means. A wire name stands nowhere else.

pub mod clock;
pub mod peer;
pub mod system;

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

/// How a variable's text is to be read, and in which unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// A count.
    Unsigned,
    /// A signed number without unit.
    Signed,
    /// A real number without unit.
    Real,
    /// Bits, written in hexadecimal (`0x…`) or decimal.
    Bits,
    /// 0 or 1.
    Flag,
    /// A span in milliseconds.
    Milliseconds,
    /// A span in seconds.
    Seconds,
    /// A frequency in parts per million.
    Ppm,
    /// A poll interval as an exponent of two.
    Poll,
    /// A clock's resolution as an exponent of two.
    Precision,
    /// An NTP timestamp, `0xSSSSSSSS.FFFFFFFF`; zero is never.
    Timestamp,
    /// A calendar date, as text.
    Date,
    /// Leap indicator, 0 to 3.
    Leap,
    /// Association mode, 0 to 7.
    Mode,
    /// Stratum.
    Stratum,
    /// Reachability register, hexadecimal.
    Reach,
    /// Flash bits, hexadecimal.
    Flash,
    /// Association id; 0 is none.
    Association,
    /// Key id; 0 is none.
    Key,
    /// Reference ID: letters or a dotted quad.
    ReferenceId,
    /// An address without port.
    Address,
    /// An address with port.
    AddressPort,
    /// A port.
    Port,
    /// Eight samples in milliseconds, newest first.
    Samples,
    /// Kibibytes.
    Kibibytes,
    /// Text, quoted or not.
    Text,
}

impl Format {
    /// The unit as it ends a JSON name: `offset_ms`; empty for numbers without unit.
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Milliseconds | Self::Samples => "_ms",
            Self::Seconds => "_s",
            Self::Ppm => "_ppm",
            Self::Poll | Self::Precision => "_log2_s",
            Self::Kibibytes => "_kib",
            _ => "",
        }
    }

    /// The unit as people write it after a number; empty where there is none.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Milliseconds | Self::Samples => "ms",
            Self::Seconds => "s",
            Self::Ppm => "ppm",
            Self::Poll | Self::Precision => "log2 s",
            Self::Kibibytes => "KiB",
            _ => "",
        }
    }
}

/// Whether and when a kind of daemon answers with a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Served {
    /// It does not know the name (`.` in the table).
    Never,
    /// Only when asked by name (`a`).
    OnRequest,
    /// In the default reply when it has something to say (`d`); known by name in any case.
    WhenSet,
    /// In every default reply (`D`).
    Default,
}

/// How classic ntpq prints a variable in cooked mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cooked {
    /// As it stands.
    Raw,
    /// With a `+` in front when positive (4.2.8p15).
    Signed,
    /// Leap indicator as two binary digits.
    Leap,
    /// Reach as three octal digits.
    Octal,
    /// Flash as hexadecimal and words.
    Flash,
    /// Timestamp as hexadecimal and date.
    Timestamp,
    /// Eight columns.
    Array,
    /// Reference ID: `LOCAL(0)` for a reference clock's address.
    ReferenceId,
    /// An address that may be a reference clock's.
    Address,
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
    /// How its text is read.
    pub format: Format,
    /// Where some dialect writes another format or unit than the others.
    pub exceptions: &'static [(Dialect, Format)],
    /// Who answers with it, in the order of [`Dialect::ALL`].
    pub served: [Served; 5],
    /// Values that stand for something else.
    pub sentinels: &'static [Sentinel],
    /// How classic ntpq prints it.
    pub cooked: Cooked,
    /// What it is, in a sentence that says unit and sign where they matter.
    pub meaning: &'static str,
}

impl Variable {
    /// Whether `dialect` knows the name.
    pub fn is_known_to(&self, dialect: Dialect) -> bool {
        self.served_by(dialect) != Served::Never
    }

    /// Whether and when `dialect` answers with it.
    pub fn served_by(&self, dialect: Dialect) -> Served {
        let column = Dialect::ALL.iter().position(|d| *d == dialect);
        column.and_then(|c| self.served.get(c)).copied().unwrap_or(Served::Never)
    }

    /// How `dialect` writes it; the common format where the dialect is not known.
    pub fn format_of(&self, dialect: Option<Dialect>) -> Format {
        let exception = self.exceptions.iter().find(|(d, _)| Some(*d) == dialect);
        exception.map_or(self.format, |(_, format)| *format)
    }

    /// Its name in JSON: full name and unit.
    pub fn json_name(&self) -> String {
        format!("{}{}", self.field, self.format.suffix())
    }

    /// What `value` stands for, if it is not to be taken as a number.
    pub fn sentinel(&self, value: f64) -> Option<&'static str> {
        let same =
            |s: &&Sentinel| s.value.to_bits() == value.to_bits() || (s.value - value).abs() < 1e-9;
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

/// The names of those of `rows` that `dialect` knows: what may be asked of it in one question.
pub fn names(rows: &[&'static Variable], dialect: Dialect) -> Vec<&'static str> {
    rows.iter().filter(|row| row.is_known_to(dialect)).map(|row| row.name).collect()
}

/// Reads the five letters that say who answers with a variable; see [`Served`].
#[expect(
    clippy::indexing_slicing,
    clippy::panic,
    reason = "runs when the table is compiled, where a bad letter should stop the build"
)]
const fn served(letters: &str) -> [Served; 5] {
    let mut served = [Served::Never; 5];
    let bytes = letters.as_bytes();
    assert!(bytes.len() == 5, "one letter a dialect");
    let mut i = 0;
    while i < 5 {
        served[i] = match bytes[i] {
            b'.' => Served::Never,
            b'a' => Served::OnRequest,
            b'd' => Served::WhenSet,
            b'D' => Served::Default,
            _ => panic!("one of . a d D"),
        };
        i += 1;
    }
    served
}

/// Makes the rows of one scope: a constant each, and the list of all.
macro_rules! variables {
    ($scope:ident; $(
        $id:ident = $name:literal $(| $alias:literal)*, $field:literal, $format:ident
        $(($($dialect:ident => $other:ident),+))?, $served:literal, $cooked:ident
        $(, [$($sentinel:literal => $means:literal),+ $(,)?])?; $meaning:literal;
    )+) => {
        $(
            #[doc = concat!("`", $name, "`: ", $meaning, ".")]
            pub static $id: $crate::model::vars::Variable = $crate::model::vars::Variable {
                name: $name,
                aliases: &[$($alias),*],
                field: $field,
                scope: $crate::model::vars::Scope::$scope,
                format: $crate::model::vars::Format::$format,
                exceptions: &[$($((
                    $crate::model::identity::Dialect::$dialect,
                    $crate::model::vars::Format::$other,
                )),+)?],
                served: $crate::model::vars::served($served),
                sentinels: &[$($($crate::model::vars::Sentinel {
                    value: $sentinel,
                    means: $means,
                }),+)?],
                cooked: $crate::model::vars::Cooked::$cooked,
                meaning: $meaning,
            };
        )+

        /// Every row, in the order of the table.
        pub static ALL: &[&$crate::model::vars::Variable] = &[$(&$id),+];
    };
}
use variables;
