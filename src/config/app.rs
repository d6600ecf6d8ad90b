//! The program's own settings: RON, each file a patch on built-in defaults.
//!
//! A setting comes from the built-in default, the settings file or the command line, the later
//! winning; [`Settings::print`] shows which.

use std::fmt::Write as _;
use std::time::Duration;

use serde::Deserialize;

use crate::config::Rejected;

/// When to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Color {
    /// On a terminal that can, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// In which unit spans of time are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Units {
    /// Milliseconds, as ntpq.
    #[default]
    #[serde(rename = "ms")]
    Milliseconds,
    /// For each value the unit that needs the fewest digits; it stands behind the number.
    #[serde(rename = "auto")]
    Auto,
    /// Microseconds.
    #[serde(rename = "us")]
    Microseconds,
    /// Nanoseconds.
    #[serde(rename = "ns")]
    Nanoseconds,
    /// Seconds.
    #[serde(rename = "s")]
    Seconds,
}

impl Units {
    /// All of them, in the order in which a key steps through them.
    pub const ALL: [Self; 5] =
        [Self::Milliseconds, Self::Auto, Self::Microseconds, Self::Nanoseconds, Self::Seconds];

    /// The one after this.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::Milliseconds => Self::Auto,
            Self::Auto => Self::Microseconds,
            Self::Microseconds => Self::Nanoseconds,
            Self::Nanoseconds => Self::Seconds,
            Self::Seconds => Self::Milliseconds,
        }
    }

    /// Its name in settings and commands, in ASCII.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Milliseconds => "ms",
            Self::Auto => "auto",
            Self::Microseconds => "us",
            Self::Nanoseconds => "ns",
            Self::Seconds => "s",
        }
    }
}

/// Where a setting comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Built in.
    Default,
    /// The settings file of that name.
    File(String),
    /// The command line.
    CommandLine,
}

/// A setting with where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting<T> {
    /// What it is set to.
    pub value: T,
    /// Who set it.
    pub origin: Origin,
}

impl<T> Setting<T> {
    const fn built_in(value: T) -> Self {
        Self { value, origin: Origin::Default }
    }

    /// Sets it, when `value` is given.
    pub fn patch(&mut self, value: Option<T>, origin: &Origin) {
        if let Some(value) = value {
            *self = Self { value, origin: origin.clone() };
        }
    }
}

/// All settings as they are in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Name of the theme.
    pub theme: Setting<String>,
    /// When to colour.
    pub color: Setting<Color>,
    /// Whether to draw with ASCII characters only.
    pub ascii: Setting<bool>,
    /// Whether to look up the names of addresses.
    pub names: Setting<bool>,
    /// In which unit spans of time are shown.
    pub units: Setting<Units>,
    /// How long a batch command waits for an answer.
    pub timeout: Setting<Duration>,
}

/// What a settings file may say; what it does not say stays as it was.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SettingsFile {
    theme: Option<String>,
    color: Option<Color>,
    ascii: Option<bool>,
    names: Option<bool>,
    units: Option<Units>,
    timeout: Option<Span>,
}

/// A duration as people write it: `2s`, `1m 30s`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
struct Span(Duration);

impl TryFrom<String> for Span {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        span(&text).map(Self)
    }
}

/// Reads a time to wait, such as `2s` or `1m 30s`.
///
/// # Errors
/// What is wrong with it, as one line; among it that it is nothing at all.
pub fn span(text: &str) -> Result<Duration, String> {
    let span = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if span.is_zero() { Err("a timeout is longer than nothing".to_owned()) } else { Ok(span) }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            theme: Setting::built_in(AUTO_THEME.to_owned()),
            color: Setting::built_in(Color::Auto),
            ascii: Setting::built_in(false),
            names: Setting::built_in(true),
            units: Setting::built_in(Units::Milliseconds),
            timeout: Setting::built_in(Duration::from_secs(5)),
        }
    }
}

impl Settings {
    /// Patches the settings with the text of the file called `name`.
    ///
    /// # Errors
    /// Unknown fields, bad values and text that is no RON, with line and column; then nothing of
    /// the file is in force.
    pub fn read(&mut self, name: &str, text: &str) -> Result<(), Rejected> {
        let file: SettingsFile = read_ron(name, text)?;
        let origin = Origin::File(name.to_owned());
        self.theme.patch(file.theme, &origin);
        self.color.patch(file.color, &origin);
        self.ascii.patch(file.ascii, &origin);
        self.names.patch(file.names, &origin);
        self.units.patch(file.units, &origin);
        self.timeout.patch(file.timeout.map(|span| span.0), &origin);
        Ok(())
    }

    /// The settings as a file that would bring them about, with where each comes from.
    pub fn print(&self) -> String {
        let mut text = String::from("(\n");
        let mut line = |name: &str, value: &str, origin: &Origin| {
            let origin = match origin {
                Origin::Default => "built in",
                Origin::File(file) => file,
                Origin::CommandLine => "command line",
            };
            // Writing to a string cannot fail.
            let _ = writeln!(text, "    {:<40}// {origin}", format!("{name}: {value},"));
        };
        let color = format!("{:?}", self.color.value).to_lowercase();
        let timeout = humantime::format_duration(self.timeout.value).to_string();
        line("theme", &format!("{:?}", self.theme.value), &self.theme.origin);
        line("color", &color, &self.color.origin);
        line("ascii", &self.ascii.value.to_string(), &self.ascii.origin);
        line("names", &self.names.value.to_string(), &self.names.origin);
        line("units", self.units.value.name(), &self.units.origin);
        line("timeout", &format!("{timeout:?}"), &self.timeout.origin);
        text.push_str(")\n");
        text
    }
}

/// The theme that fits the terminal, as far as its environment tells.
pub const AUTO_THEME: &str = "auto";

/// Reads RON; absent optional fields need no `Some(…)`.
///
/// # Errors
/// What is wrong with the text, with line and column in the file called `name`.
pub fn read_ron<'a, T: Deserialize<'a>>(name: &str, text: &'a str) -> Result<T, Rejected> {
    let options =
        ron::Options::default().with_default_extension(ron::extensions::Extensions::IMPLICIT_SOME);
    options.from_str(text).map_err(|error| Rejected {
        source: name.to_owned(),
        position: Some((error.span.start.line, error.span.start.col)),
        reason: error.code.to_string().trim_end_matches('.').to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_patches_only_what_it_says() {
        let mut settings = Settings::default();
        settings.read("config.ron", "(theme: \"light\", timeout: \"1500ms\")").unwrap();
        assert_eq!(settings.theme.value, "light");
        assert_eq!(settings.theme.origin, Origin::File("config.ron".into()));
        assert_eq!(settings.timeout.value, Duration::from_millis(1500));
        assert_eq!(settings.names, Settings::default().names);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        let error = |text| Settings::default().read("config.ron", text).unwrap_err().to_string();
        let unknown = error("(\n  colour: auto,\n)");
        assert!(unknown.starts_with("config.ron, line 2, column "), "{unknown}");
        assert!(unknown.contains("colour"), "{unknown}");
        assert!(error("(ascii: maybe)").starts_with("config.ron, line 1"));
        assert!(error("(timeout: \"soon\")").starts_with("config.ron, line 1"));
        assert!(error("(theme: \"dark\"").contains("line 1"));
    }

    #[test]
    fn what_is_printed_reads_back_as_the_same() {
        let mut settings = Settings::default();
        settings.read("a", "(color: never, units: auto, names: false)").unwrap();
        let mut again = Settings::default();
        again.read("b", &settings.print()).unwrap();
        assert_eq!(again.color.value, Color::Never);
        assert_eq!(again.units.value, Units::Auto);
        assert!(!again.names.value);
        assert!(settings.print().contains("// built in"));
    }
}
