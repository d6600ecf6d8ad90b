//! What changes of a daemon take from files: a key that signs them, and the configuration that the
//! daemon follows, for what it does not tell.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};

use crate::config::target::TargetSpec;

/// The files that changes of a daemon take, and which key of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    /// A file of keys.
    pub keys: Option<PathBuf>,
    /// The number of the key that signs.
    pub key: Option<u32>,
    /// The configuration that the daemon follows.
    pub config_of: Option<PathBuf>,
}

impl Files {
    /// What `levels` say together, the first going before the others. The number of a key belongs to
    /// the file of keys that is named beside it or further behind, never to one further in front.
    pub fn of(levels: &[&Self]) -> Self {
        let holds = |level: &&Self| level.keys.is_some();
        let named = levels.iter().position(holds);
        let count = named.map_or(levels.len(), |place| place + 1);
        Self {
            keys: levels.iter().find_map(|level| level.keys.clone()),
            key: levels.iter().take(count).find_map(|level| level.key),
            config_of: levels.iter().find_map(|level| level.config_of.clone()),
        }
    }

    /// The same with paths that are not whole meant from `folder`; one that begins with `~` is left
    /// to whoever knows a home.
    #[must_use]
    fn from(self, folder: &Path) -> Self {
        let whole = |path: PathBuf| if path.starts_with("~") { path } else { folder.join(path) };
        Self { keys: self.keys.map(whole), config_of: self.config_of.map(whole), ..self }
    }

    /// The same with `home` in place of `~` at the beginning of paths.
    #[must_use]
    pub fn at_home(self, home: &Path) -> Self {
        let whole = |path: Option<PathBuf>| path.map(|path| at_home(path, home));
        Self { keys: whole(self.keys), config_of: whole(self.config_of), ..self }
    }
}

/// A path with `home` in place of `~` at its beginning.
pub fn at_home(path: PathBuf, home: &Path) -> PathBuf {
    match path.strip_prefix("~") {
        Ok(rest) => home.join(rest),
        Err(_) => path,
    }
}

/// The same as a settings file has it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FilesText {
    keys: Option<PathText>,
    key: Option<KeyNumber>,
    config_of: Option<PathText>,
}

impl FilesText {
    /// Of fields that stand among others.
    pub const fn new(
        keys: Option<PathText>,
        key: Option<KeyNumber>,
        config_of: Option<PathText>,
    ) -> Self {
        Self { keys, key, config_of }
    }

    /// What it says, in a file in this folder.
    pub fn within(self, folder: &Path) -> Files {
        let path = |text: Option<PathText>| text.map(|text| text.0);
        let key = self.key.map(|key| key.0);
        Files { keys: path(self.keys), key, config_of: path(self.config_of) }.from(folder)
    }
}

/// A path in a settings file.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct PathText(PathBuf);

impl TryFrom<String> for PathText {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.is_empty() { Err("a path is not empty") } else { Ok(Self(text.into())) }
    }
}

/// The number of a key in a settings file.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "i64")]
pub struct KeyNumber(u32);

impl TryFrom<i64> for KeyNumber {
    type Error = String;

    fn try_from(number: i64) -> Result<Self, Self::Error> {
        let fitting = u32::try_from(number).ok().filter(|number| *number > 0);
        fitting.map(Self).ok_or_else(|| format!("{number} is no number of a key: they begin at 1"))
    }
}

/// What a settings file says of single daemons.
#[derive(Clone, Debug, Default)]
pub struct HostsText(Vec<(TargetSpec, FilesText)>);

impl HostsText {
    /// What it says, in a file in this folder.
    pub fn within(self, folder: &Path) -> Vec<(TargetSpec, Files)> {
        self.0.into_iter().map(|(host, files)| (host, files.within(folder))).collect()
    }
}

impl<'de> Deserialize<'de> for HostsText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(HostsVisitor)
    }
}

/// Reads a map of hosts, in its order.
struct HostsVisitor;

impl<'de> Visitor<'de> for HostsVisitor {
    type Value = HostsText;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map from hosts to what changes of them take")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<HostsText, A::Error> {
        let mut all: Vec<(TargetSpec, FilesText)> = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            let host: TargetSpec =
                name.parse().map_err(|why: crate::config::Rejected| A::Error::custom(why))?;
            if all.iter().any(|(other, _)| *other == host) {
                return Err(A::Error::custom(format!("host `{host}` is here twice")));
            }
            all.push((host, map.next_value()?));
        }
        Ok(HostsText(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(keys: &str, key: Option<u32>, config_of: &str) -> Files {
        let path = |text: &str| (!text.is_empty()).then(|| PathBuf::from(text));
        Files { keys: path(keys), key, config_of: path(config_of) }
    }

    #[test]
    fn what_stands_in_front_counts_and_a_keys_number_goes_with_its_file() {
        let (line, host) = (files("", None, "here.conf"), files("host", None, ""));
        let base = files("base", Some(1), "base.conf");
        assert_eq!(Files::of(&[&line, &host, &base]), files("host", None, "here.conf"));
        assert_eq!(Files::of(&[&line, &base]), files("base", Some(1), "here.conf"));
        // A number alone chooses among the keys of the file behind it.
        let five = files("", Some(5), "");
        assert_eq!(Files::of(&[&five, &host, &base]), files("host", Some(5), "base.conf"));
        assert_eq!(Files::of(&[&five]), five);
    }

    #[test]
    fn paths_are_meant_from_the_file_that_names_them_and_from_home() {
        let named = files("keys", None, "~/a.conf").from(Path::new("/etc/x"));
        assert_eq!(named, files("/etc/x/keys", None, "~/a.conf"));
        assert_eq!(
            named.at_home(Path::new("/home/ann")).config_of.unwrap(),
            Path::new("/home/ann/a.conf")
        );
        assert_eq!(files("/k", None, "").from(Path::new("/etc")).keys.unwrap(), Path::new("/k"));
    }
}
