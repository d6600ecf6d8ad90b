//! The sources that this host's own configuration names, whichever program it belongs to.
//!
//! Only what says whom to ask is taken out of chrony's and systemd-timesyncd's files, by options
//! that mean the same here; nothing of them is judged, for it is not ours.

use std::path::{Path, PathBuf};

use crate::config::Rejected;
use crate::config::host::HostSpec;
use crate::config::ntp_conf::include::{self, Found};
use crate::config::ntp_conf::{Association, Directive, Family, Kind, Options, Placed};
use crate::units::{KeyId, NtpDuration, PollExponent};

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// ntpd's and NTPsec's.
    NtpConf,
    /// chrony's, and its files of sources.
    Chrony,
    /// systemd-timesyncd's.
    Timesyncd,
}

/// A file, or a folder of files, that may name sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Where it is.
    pub path: &'static str,
    /// The ending of the files' names where it is a folder.
    pub ending: Option<&'static str>,
    /// How it is written.
    pub format: Format,
}

/// Where to look.
pub const PLACES: [Place; 15] = [
    // NTPsec reads the folder beside its file as well.
    Place::file("/etc/ntpsec/ntp.conf", Format::NtpConf),
    Place::folder("/etc/ntpsec/ntp.d", ".conf", Format::NtpConf),
    Place::file("/etc/ntp.conf", Format::NtpConf),
    Place::folder("/etc/ntp.d", ".conf", Format::NtpConf),
    Place::file("/etc/chrony/chrony.conf", Format::Chrony),
    Place::file("/etc/chrony.conf", Format::Chrony),
    Place::folder("/etc/chrony/conf.d", ".conf", Format::Chrony),
    Place::folder("/etc/chrony.d", ".conf", Format::Chrony),
    Place::folder("/etc/chrony/sources.d", ".sources", Format::Chrony),
    Place::folder("/run/chrony-dhcp", ".sources", Format::Chrony),
    Place::file("/etc/systemd/timesyncd.conf", Format::Timesyncd),
    Place::folder("/usr/lib/systemd/timesyncd.conf.d", ".conf", Format::Timesyncd),
    Place::folder("/usr/local/lib/systemd/timesyncd.conf.d", ".conf", Format::Timesyncd),
    Place::folder("/run/systemd/timesyncd.conf.d", ".conf", Format::Timesyncd),
    Place::folder("/etc/systemd/timesyncd.conf.d", ".conf", Format::Timesyncd),
];

impl Place {
    const fn file(path: &'static str, format: Format) -> Self {
        Self { path, ending: None, format }
    }

    const fn folder(path: &'static str, ending: &'static str, format: Format) -> Self {
        Self { path, ending: Some(ending), format }
    }
}

/// A source that this host's own configuration names.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnSource {
    /// The file that names it.
    pub path: PathBuf,
    /// The source. Its key is not taken along: that is another program's secret.
    pub association: Association,
}

/// The sources that the ntp.conf at `path` and all files that it includes name, in the order of the
/// text; `open` tells what is at a path, or why that cannot be had.
///
/// # Errors
/// What [`include::follow`] refuses: a file that is malformed or cannot be read.
pub fn of_ntp_conf(
    path: &Path,
    open: impl FnMut(&Path) -> Result<Found, String>,
) -> Result<Vec<OwnSource>, Rejected> {
    let source = |placed: Placed| {
        let Directive::Association(association) = placed.directive else { return None };
        let path = PathBuf::from(&*placed.source);
        is_wanted(&association).then_some(OwnSource { path, association })
    };
    let followed = include::follow(path, open)?;
    Ok(followed.directives.into_iter().filter_map(source).collect())
}

/// The sources that the text of chrony's file at `path` names, in its order.
pub fn of_chrony(path: &Path, text: &str) -> Vec<OwnSource> {
    let associations = text.lines().filter_map(chronys).filter(is_wanted);
    associations.map(|association| OwnSource { path: path.to_owned(), association }).collect()
}

/// Whether it is a host that is asked without a secret.
fn is_wanted(association: &Association) -> bool {
    matches!(association.kind, Kind::Server | Kind::Pool | Kind::Peer)
        && association.options.key.is_none()
}

/// Files that a chrony.conf names besides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Besides {
    /// The folder that they are in.
    pub folder: PathBuf,
    /// What their names begin with.
    pub start: String,
    /// What their names end with.
    pub end: String,
}

/// The files that the text of a chrony.conf names besides: `include`, `confdir`, `sourcedir`, in its
/// order.
pub fn besides(text: &str) -> Vec<Besides> {
    let mut files = Vec::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let ending = match words.next().map(str::to_ascii_lowercase).as_deref() {
            Some("confdir") => ".conf",
            Some("sourcedir") => ".sources",
            Some("include") => {
                files.extend(words.next().and_then(pattern));
                continue;
            }
            _ => continue,
        };
        files.extend(words.map(|folder| Besides {
            folder: folder.into(),
            start: String::new(),
            end: ending.to_owned(),
        }));
    }
    files
}

/// The files that a path means, in which a `*` of the last part stands for anything.
fn pattern(path: &str) -> Option<Besides> {
    let (folder, name) = path.rsplit_once('/')?;
    let (start, end) = name.split_once('*').unwrap_or((name, ""));
    Some(Besides { folder: folder.into(), start: start.to_owned(), end: end.to_owned() })
}

impl Besides {
    /// Whether a file of the folder with this name is one of them.
    pub fn is_one(&self, name: &str) -> bool {
        let is_whole = self.end.is_empty() && name == self.start;
        let rest = name.strip_prefix(self.start.as_str());
        let is_of_pattern = rest.is_some_and(|rest| rest.ends_with(self.end.as_str()));
        !name.starts_with('.') && (is_whole || (!self.end.is_empty() && is_of_pattern))
    }
}

/// The sources of systemd-timesyncd's files, the main one first: the servers of `NTP=` in all of
/// them, or those of `FallbackNTP=` where there are none. Later files add to the earlier ones, and an
/// empty value takes back what was listed before.
pub fn of_timesyncd(files: &[(PathBuf, String)]) -> Vec<OwnSource> {
    let (mut servers, mut fallback) = (Vec::new(), Vec::new());
    for (path, text) in files {
        let mut in_section = false;
        for line in text.lines().map(str::trim) {
            if let Some(section) = line.strip_prefix('[') {
                in_section = section.strip_suffix(']') == Some("Time");
            } else if in_section && let Some((key, value)) = line.split_once('=') {
                let list = match key.trim() {
                    "NTP" => &mut servers,
                    "FallbackNTP" => &mut fallback,
                    _ => continue,
                };
                if value.trim().is_empty() {
                    list.clear();
                }
                list.extend(value.split_whitespace().map(|name| (path, name)));
            }
        }
    }
    let names = if servers.is_empty() { fallback } else { servers };
    let source = |(path, name): (&PathBuf, &str)| {
        let host = name.parse().ok()?;
        let options = Options::default();
        let association = Association { kind: Kind::Server, host, family: None, options };
        Some(OwnSource { path: path.clone(), association })
    };
    names.into_iter().filter_map(source).collect()
}

/// The source that a line of chrony's names, if it names one that can be asked.
fn chronys(line: &str) -> Option<Association> {
    if line.trim_start().starts_with(['#', '!', ';', '%']) {
        return None;
    }
    let mut words = line.split_whitespace();
    let kind = match words.next()?.to_ascii_lowercase().as_str() {
        "server" => Kind::Server,
        "pool" => Kind::Pool,
        "peer" => Kind::Peer,
        _ => return None,
    };
    let mut name = words.next()?;
    let mut options = Options::default();
    let mut family = None;
    let mut port = None;
    // chrony's older form has the family in front, its newer one among the options.
    while let Some(wanted) = of_family(name) {
        family = Some(wanted);
        name = words.next()?;
    }
    while let Some(word) = words.next() {
        match word.to_ascii_lowercase().as_str() {
            "iburst" => options.iburst = true,
            "burst" => options.burst = true,
            "prefer" => options.prefer = true,
            "noselect" => options.noselect = true,
            "trust" => options.trust = true,
            "xleave" => options.xleave = true,
            "minpoll" => options.minpoll = exponent(words.next()?)?,
            "maxpoll" => options.maxpoll = exponent(words.next()?)?,
            "version" => {
                options.version = words.next()?.parse().ok().filter(|v| (1..=4).contains(v))?;
            }
            "key" => options.key = KeyId::new(words.next()?.parse().ok()?),
            "port" => port = Some(words.next()?),
            // Added to what is measured, as ours is.
            "offset" => {
                let seconds: f64 = words.next()?.parse().ok()?;
                options.bias = NtpDuration::from_seconds(seconds);
            }
            "ipv4" => family = Some(Family::Ipv4),
            "ipv6" => family = Some(Family::Ipv6),
            // Not asked without what it is to be authenticated by.
            "nts" => return None,
            _ => {}
        }
    }
    options.minpoll = options.minpoll.min(options.maxpoll);
    let host = host(name, port)?;
    Some(Association { kind, host, family, options })
}

fn of_family(word: &str) -> Option<Family> {
    match word {
        "-4" => Some(Family::Ipv4),
        "-6" => Some(Family::Ipv6),
        _ => None,
    }
}

/// An interval of chrony's within our limits; its own go below a second and up to half a year.
fn exponent(text: &str) -> Option<PollExponent> {
    text.parse::<i8>().ok().map(|exponent| PollExponent::new(exponent.clamp(3, 17)))
}

fn host(name: &str, port: Option<&str>) -> Option<HostSpec> {
    match port {
        Some(port) => format!("[{name}]:{port}").parse().ok(),
        None => name.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(sources: Vec<OwnSource>) -> Vec<String> {
        let names = sources.into_iter().map(|source| {
            let Association { kind, host, .. } = source.association;
            format!("{kind:?} {host}").to_lowercase()
        });
        names.collect()
    }

    /// The sources of an ntp.conf among these files.
    fn of_files(files: &[(&str, &str)]) -> Result<Vec<OwnSource>, Rejected> {
        of_ntp_conf(Path::new("/etc/ntp.conf"), |path| {
            let file = files.iter().find(|(name, _)| Path::new(name) == path);
            let text = file.map(|(_, text)| text.as_bytes().to_vec());
            text.map(Found::File).ok_or_else(|| "it is not there".to_owned())
        })
    }

    fn ntpds(text: &str) -> Vec<String> {
        names(of_files(&[("/etc/ntp.conf", text)]).unwrap())
    }

    fn timesyncds(text: &str) -> Vec<String> {
        names(of_timesyncd(&[("file".into(), text.to_owned())]))
    }

    #[test]
    fn ntpds_sources_are_found_but_for_clocks_broadcasts_and_keys() {
        let text = include_str!("../../tests/data/ntp_conf/rhel-ntp.conf");
        let files = [("/etc/ntp.conf", text), ("/etc/ntp/crypto/pw", "crypto pw hunter2\n")];
        assert_eq!(
            names(of_files(&files).unwrap()),
            [
                "server 0.rhel.pool.ntp.org",
                "server 1.rhel.pool.ntp.org",
                "server 2.rhel.pool.ntp.org"
            ]
        );
        let text = "server 127.127.28.0\nbroadcast 224.0.1.1\npeer a key 3\n";
        assert!(ntpds(text).is_empty());
    }

    #[test]
    fn chronys_sources_are_found_with_the_options_that_mean_the_same() {
        let text = include_str!("../../tests/data/ntp_conf/debian-chrony.conf");
        let debian = of_chrony(Path::new("/etc/chrony/chrony.conf"), text);
        assert_eq!(names(debian), ["pool 2.debian.pool.ntp.org"]);
        let text = include_str!("../../tests/data/ntp_conf/rhel-chrony.conf");
        let sources = of_chrony(Path::new("/etc/chrony.conf"), text);
        let [pool, peer, port, four] = sources.as_slice() else { panic!("{sources:?}") };
        assert_eq!(pool.path, Path::new("/etc/chrony.conf"));
        assert!(pool.association.options.iburst);
        assert_eq!((peer.association.kind, peer.association.options.version), (Kind::Peer, 3));
        assert_eq!(port.association.host.to_string(), "ntp2.example:1123");
        assert!((port.association.options.bias.seconds() - 0.0005).abs() < 1e-9);
        assert_eq!(four.association.family, Some(Family::Ipv4));
        let polls = chronys("server a minpoll -2 maxpoll 4").unwrap().options;
        assert_eq!((polls.minpoll, polls.maxpoll), (PollExponent::new(3), PollExponent::new(4)));
        assert_eq!(
            chronys("server 2001:db8::1 port 99").unwrap().host.to_string(),
            "[2001:db8::1]:99"
        );
    }

    #[test]
    fn timesyncds_fallback_is_for_want_of_others() {
        let text = include_str!("../../tests/data/ntp_conf/timesyncd.conf");
        assert_eq!(
            timesyncds(text),
            ["server ntp1.example", "server 192.0.2.5", "server 2001:db8::5"]
        );
        let text = "NTP=outside\n[Time]\n#NTP=\nNTP=a\nNTP=\nFallbackNTP=b c\n[Other]\nNTP=d\n";
        assert_eq!(timesyncds(text), ["server b", "server c"]);
        assert!(timesyncds("[Time]\n").is_empty());
    }

    #[test]
    fn timesyncds_files_add_up() {
        let files = [
            (PathBuf::from("main"), "[Time]\nNTP=a b\nFallbackNTP=f\n".to_owned()),
            (PathBuf::from("more"), "[Time]\nNTP=c\n".to_owned()),
        ];
        let found = |files: &[(PathBuf, String)]| -> Vec<String> {
            let sources = of_timesyncd(files).into_iter();
            sources.map(|s| format!("{} {}", s.path.display(), s.association.host)).collect()
        };
        assert_eq!(found(&files), ["main a", "main b", "more c"]);
        let [main, mut more] = files;
        more.1.insert_str(7, "NTP=\n");
        assert_eq!(found(&[main.clone(), more.clone()]), ["more c"]);
        more.1 = "[Time]\nNTP=\n".to_owned();
        assert_eq!(found(&[main, more]), ["main f"]);
    }

    #[test]
    fn what_chrony_reads_besides_is_found() {
        let found = besides(
            "include /etc/chrony.d/*.conf\n#include /x/y\nconfdir /a /b\nSourceDir /run/dhcp\n\
             include /etc/one.conf\ninclude relative\n",
        );
        let shown: Vec<String> = found
            .iter()
            .map(|files| format!("{}/{}*{}", files.folder.display(), files.start, files.end))
            .collect();
        assert_eq!(
            shown,
            [
                "/etc/chrony.d/*.conf",
                "/a/*.conf",
                "/b/*.conf",
                "/run/dhcp/*.sources",
                "/etc/one.conf*"
            ]
        );
        assert!(
            found[0].is_one("x.conf") && !found[0].is_one("x.conf~") && !found[0].is_one(".conf")
        );
        assert!(found[4].is_one("one.conf") && !found[4].is_one("one.conf.bak"));
    }

    #[test]
    fn files_that_an_ntp_conf_includes_name_sources_too() {
        let sources = of_files(&[
            ("/etc/ntp.conf", "server a\nincludefile ntp/more\nserver d # J\u{fc}rgen\n"),
            ("/etc/ntp/more", "server b\nbroadcast 224.0.1.1\nincludefile site\n"),
            ("/etc/ntp/site", "pool c\nserver e key 3\n"),
        ])
        .unwrap();
        let paths: Vec<_> = sources.iter().map(|source| source.path.to_str().unwrap()).collect();
        assert_eq!(paths, ["/etc/ntp.conf", "/etc/ntp/more", "/etc/ntp/site", "/etc/ntp.conf"]);
        assert_eq!(names(sources), ["server a", "server b", "pool c", "server d"]);
    }

    #[test]
    fn an_ntp_conf_that_cannot_be_followed_is_told() {
        let said = |files: &[(&str, &str)]| of_files(files).unwrap_err().to_string();
        let malformed = said(&[("/etc/ntp.conf", "sevrer a")]);
        assert!(malformed.starts_with("/etc/ntp.conf, line 1, column 1: "), "{malformed}");
        assert_eq!(
            said(&[("/etc/ntp.conf", "server a\nincludefile gone\n")]),
            "/etc/ntp.conf, line 2, column 1: `/etc/gone` cannot be read: it is not there"
        );
        let ring = said(&[("/etc/ntp.conf", "includefile b"), ("/etc/b", "includefile ntp.conf")]);
        assert!(ring.contains("the files include each other"), "{ring}");
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_too_odd(text in "(server|pool|[Time]|NTP=|minpoll|key|port|[-0-9.]{1,4}|[ \t\n]|.)*") {
            drop((of_chrony(Path::new("f"), &text), timesyncds(&text)));
        }
    }
}
