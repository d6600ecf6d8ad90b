//! The program's own settings: RON, each file a patch on built-in defaults.
//!
//! A setting comes from the built-in default, the settings file or the command line, the later
//! winning; [`Settings::print`] shows which.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::config::Rejected;
use crate::config::files::{self, Files, FilesText, HostsText, KeyNumber, PathText};
use crate::config::target::TargetSpec;

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
    /// What changes of daemons take from files, of which nothing else is said.
    pub files: FileSettings,
    /// The same of single daemons.
    pub hosts: Setting<Vec<(TargetSpec, Files)>>,
}

/// What changes of daemons take from files, each with where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSettings {
    /// A file of keys.
    pub keys: Setting<Option<PathBuf>>,
    /// The number of the key that signs.
    pub key: Setting<Option<u32>>,
    /// The configuration that a daemon follows.
    pub config_of: Setting<Option<PathBuf>>,
}

impl FileSettings {
    /// Sets what `files` name.
    pub fn patch(&mut self, files: Files, origin: &Origin) {
        self.keys.patch(files.keys.map(Some), origin);
        self.key.patch(files.key.map(Some), origin);
        self.config_of.patch(files.config_of.map(Some), origin);
    }

    /// What the command line says, and what others do.
    fn levels(&self) -> (Files, Files) {
        let level = |is_wanted: fn(&Origin) -> bool| Files {
            keys: self.keys.value.clone().filter(|_| is_wanted(&self.keys.origin)),
            key: self.key.value.filter(|_| is_wanted(&self.key.origin)),
            config_of: self.config_of.value.clone().filter(|_| is_wanted(&self.config_of.origin)),
        };
        (
            level(|origin| *origin == Origin::CommandLine),
            level(|origin| *origin != Origin::CommandLine),
        )
    }
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
    keys: Option<PathText>,
    key: Option<KeyNumber>,
    config_of: Option<PathText>,
    hosts: Option<HostsText>,
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
            files: FileSettings {
                keys: Setting::built_in(None),
                key: Setting::built_in(None),
                config_of: Setting::built_in(None),
            },
            hosts: Setting::built_in(Vec::new()),
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
        let file: SettingsFile = read_ron(name, text).map_err(|why| with_field(why, text))?;
        let origin = Origin::File(name.to_owned());
        self.theme.patch(file.theme, &origin);
        self.color.patch(file.color, &origin);
        self.ascii.patch(file.ascii, &origin);
        self.names.patch(file.names, &origin);
        self.units.patch(file.units, &origin);
        self.timeout.patch(file.timeout.map(|span| span.0), &origin);
        let folder = Path::new(name).parent().unwrap_or_else(|| Path::new(""));
        let files = FilesText::new(file.keys, file.key, file.config_of).within(folder);
        self.files.patch(files, &origin);
        self.hosts.patch(file.hosts.map(|hosts| hosts.within(folder)), &origin);
        Ok(())
    }

    /// What changes of the daemon `target` take from files: as the command line says, else as is said
    /// of this daemon, else of all.
    pub fn files_of(&self, target: &TargetSpec) -> Files {
        let (from_line, base) = self.files.levels();
        let exact = |(host, _): &&(TargetSpec, Files)| host == target;
        let same = |(host, _): &&(TargetSpec, Files)| host.covers(target);
        let hosts = &self.hosts.value;
        let own = hosts.iter().find(exact).or_else(|| hosts.iter().find(same));
        let own = own.map(|(_, files)| files.clone()).unwrap_or_default();
        Files::of(&[&from_line, &own, &base])
    }

    /// Puts `home` in place of `~` at the beginning of paths.
    pub fn at_home(&mut self, home: &Path) {
        for path in [&mut self.files.keys.value, &mut self.files.config_of.value] {
            *path = path.take().map(|path| files::at_home(path, home));
        }
        for (_, files) in &mut self.hosts.value {
            *files = std::mem::take(files).at_home(home);
        }
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
        let FileSettings { keys, key, config_of } = &self.files;
        line("keys", &path_text(keys.value.as_ref()), &keys.origin);
        line("key", &key.value.map_or_else(|| NONE.to_owned(), |key| key.to_string()), &key.origin);
        line("config_of", &path_text(config_of.value.as_ref()), &config_of.origin);
        line("hosts", &hosts_text(&self.hosts.value), &self.hosts.origin);
        text.push_str(")\n");
        text
    }
}

/// A path as a file of settings has it.
fn path_text(path: Option<&PathBuf>) -> String {
    path.map_or_else(|| NONE.to_owned(), |path| format!("{:?}", path.display().to_string()))
}

/// What is said of single daemons, as a file of settings has it.
fn hosts_text(hosts: &[(TargetSpec, Files)]) -> String {
    let entry = |(host, files): &(TargetSpec, Files)| {
        let keys = files.keys.as_ref().map(|keys| format!("keys: {}", path_text(Some(keys))));
        let key = files.key.map(|key| format!("key: {key}"));
        let conf = files.config_of.as_ref();
        let conf = conf.map(|conf| format!("config_of: {}", path_text(Some(conf))));
        let all: Vec<String> = [keys, key, conf].into_iter().flatten().collect();
        format!("\n        {:?}: ({}),", host.to_string(), all.join(", "))
    };
    let all: String = hosts.iter().map(entry).collect();
    if all.is_empty() { "{}".to_owned() } else { format!("{{{all}\n    }}") }
}

/// What is wrong with a text, with the field in which it is.
fn with_field(why: Rejected, text: &str) -> Rejected {
    let field = why.position.and_then(|position| field_at(text, position));
    match field {
        Some(field) if !why.reason.contains(&format!("`{field}`")) => {
            Rejected { reason: format!("`{field}`: {}", why.reason), ..why }
        }
        _ => why,
    }
}

/// The field whose value stands at a place of a text, or ends there: the last one that begins before
/// it, outside of words in quotes and of comments.
fn field_at(text: &str, (line, column): (usize, usize)) -> Option<&str> {
    let rows = text.split_inclusive('\n').take(line.checked_sub(1)?);
    let before: usize = rows.map(str::len).sum();
    let row = text.get(before..)?;
    let within = row.char_indices().nth(column.saturating_sub(1)).map_or(row.len(), |(at, _)| at);
    let mut letters = text.get(..before + within)?.char_indices().peekable();
    let (mut field, mut word) = (None, None::<(usize, usize)>);
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => {
                while let Some((_, within)) = letters.next().filter(|(_, within)| *within != '"') {
                    if within == '\\' {
                        letters.next();
                    }
                }
                word = None;
            }
            '/' if letters.next_if(|(_, next)| *next == '/').is_some() => {
                while letters.next_if(|(_, next)| *next != '\n').is_some() {}
            }
            ':' => field = word.take().and_then(|(from, to)| text.get(from..to)).or(field),
            _ if letter.is_ascii_alphanumeric() || letter == '_' => {
                let end = at + letter.len_utf8();
                word = match word {
                    Some((from, to)) if to == at => Some((from, end)),
                    _ => Some((at, end)),
                };
            }
            _ if letter.is_whitespace() => {}
            _ => word = None,
        }
    }
    field
}

/// How a file of settings says that something is not set.
const NONE: &str = "None";

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
    fn the_field_is_named_beside_its_place() {
        let error = |text| Settings::default().read("config.ron", text).unwrap_err().to_string();
        for (text, line, field) in [
            ("(\n  keys: 5,\n)", 2, "keys"),
            ("(\n  theme: \"a: b\", // key: x\n  key: 0,\n)", 3, "key"),
            ("(\n  key: -1,\n)", 2, "key"),
            ("(\n  key: 4294967296,\n)", 2, "key"),
            ("(\n  config_of: \"\",\n)", 2, "config_of"),
            ("(\n  timeout: \"soon\",\n)", 2, "timeout"),
            ("(\n  hosts: {\n    \"a\": (key: 1),\n    \"b\": (key: \"x\"),\n  },\n)", 4, "key"),
            ("(\n  hosts: {\n    \"a b\": (key: 1),\n  },\n)", 3, "hosts"),
            ("(\n  hosts: {\n    \"a\": (keyz: 1),\n  },\n)", 3, "keyz"),
        ] {
            let said = error(text);
            let place = format!("config.ron, line {line}, column ");
            assert!(said.starts_with(&place) && said.contains(&format!("`{field}`")), "{said}");
        }
        assert!(error("(hosts: {\"a\": (), \"a\": ()})").contains("host `a` is here twice"));
    }

    #[test]
    fn files_are_named_for_all_daemons_and_for_single_ones() {
        let mut settings = Settings::default();
        let text =
            "(keys: \"keys\", key: 1, hosts: {\"time1\": (keys: \"/k1\", config_of: \"~/c\")})";
        settings.read("/etc/x/config.ron", text).unwrap();
        settings.at_home(Path::new("/home/ann"));
        let files = |settings: &Settings, host: &str| settings.files_of(&host.parse().unwrap());
        let base = Files { keys: Some("/etc/x/keys".into()), key: Some(1), config_of: None };
        assert_eq!(files(&settings, "time2"), base);
        let config_of = Some("/home/ann/c".into());
        let own = Files { keys: Some("/k1".into()), key: None, config_of };
        for host in ["time1", "ntp://time1", "time1:1123"] {
            assert_eq!(files(&settings, host), own, "{host}");
        }
        // The command line goes before all of it.
        let five = Files { key: Some(5), ..Files::default() };
        settings.files.patch(five, &Origin::CommandLine);
        assert_eq!(files(&settings, "time1"), Files { key: Some(5), ..own });
        assert_eq!(files(&settings, "time2").keys, base.keys);
    }

    #[test]
    fn what_is_printed_reads_back_as_the_same() {
        let mut settings = Settings::default();
        settings.read("a", "(color: never, units: auto, names: false)").unwrap();
        let files =
            "(keys: \"/k\", key: 7, hosts: {\"a\": (key: 1), \"b:123\": (config_of: \"/c\")})";
        settings.read("/x/b", files).unwrap();
        let mut again = Settings::default();
        again.read("b", &settings.print()).unwrap();
        assert_eq!(again.color.value, Color::Never);
        assert_eq!(again.units.value, Units::Auto);
        assert!(!again.names.value);
        assert!(settings.print().contains("// built in"));
        let values =
            |settings: &Settings| (settings.files.keys.value.clone(), settings.hosts.value.clone());
        assert_eq!(values(&again), values(&settings));
        assert_eq!((again.files.key.value, again.files.config_of.value), (Some(7), None));
    }
}
