//! What an engine is started with, from the command line and the files that it names.

use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::config::Rejected;
use crate::config::drift::Drift;
use crate::config::engine::{EngineSetup, Serve};
use crate::config::host::HostSpec;
use crate::config::keys;
use crate::config::leap_file::LeapTable;
use crate::config::ntp_conf::include::{self, Found};
use crate::config::ntp_conf::{self, Association, Directive, Kind, Options, Placed};
use crate::config::statistics::Archive;

/// The setup of the configuration `file` and the `sources` of the command line, and a sentence for
/// each thing of the file that is known and left out, and for a key file that others can read.
///
/// `serve` says from the directives whether others are answered. The directives are in the order in which they are followed.
///
/// # Errors
/// A file that cannot be read or is malformed: then nothing of it is used.
pub fn engine(
    file: Option<&Path>,
    sources: &[HostSpec],
    serve: impl FnOnce(&[Placed]) -> Serve,
) -> Result<(EngineSetup, Vec<String>), Rejected> {
    let mut setup = EngineSetup::default();
    let mut notices = Vec::new();
    if let Some(file) = file {
        let followed = include::follow(file, found)?;
        (setup.directives, setup.text) = (followed.directives, followed.text);
        setup.serve = serve(&setup.directives);
        let is_serving = setup.serve != Serve::Nobody;
        let left_out = ntp_conf::notices(&setup.directives, is_serving);
        notices.extend(left_out.map(|notice| notice.to_string()));
        setup.directives = ntp_conf::in_order(setup.directives);
    } else {
        setup.serve = serve(&[]);
    }
    for placed in &setup.directives {
        match &placed.directive {
            Directive::Keys(path) => {
                let (text, mode) = read(path)?;
                setup.keys = keys::read(&path.display().to_string(), &text)?;
                notices.extend(exposed(path, mode));
            }
            Directive::LeapFile { path, checks_hash } => match leap_table(path, *checks_hash) {
                Ok(table) => setup.leap_table = Some(table),
                // Who is started does not stop for it: the sources tell of leap seconds, too.
                Err(rejected) => notices.push(format!("no leap seconds are known: {rejected}")),
            },
            Directive::DriftFile(path) => {
                setup.drift_file = Some(path.clone());
                setup.drift = drift(path)?;
            }
            _ => {}
        }
    }
    setup.statistics = Archive::of(setup.directives.iter().map(|placed| &placed.directive));
    if let (Some(file), true) = (file, setup.statistics.lacks_folder()) {
        notices.push(format!(
            "{}: no statistics are written: no `statsdir` names a folder",
            file.display()
        ));
    }
    let after = setup.directives.iter().map(|placed| placed.line).max().unwrap_or(0);
    let source: Arc<str> = Arc::from("the command line");
    for (line, host) in (after + 1..).zip(sources) {
        let directive = Directive::Association(Association {
            kind: Kind::Server,
            host: host.clone(),
            family: None,
            // Who names a source waits for its first answers.
            options: Options { iburst: true, ..Options::default() },
        });
        setup.text.tell(&directive);
        setup.directives.push(Placed { source: Arc::clone(&source), line, column: 1, directive });
    }
    Ok((setup, notices))
}

/// What of a configuration this host has at `path`.
///
/// # Errors
/// Why that cannot be had, in words.
pub fn found(path: &Path) -> Result<Found, String> {
    let read = || {
        if !fs::metadata(path)?.is_dir() {
            return fs::read(path).map(Found::File);
        }
        let entries = fs::read_dir(path)?.map(|entry| entry.map(|entry| entry.path()));
        entries.collect::<io::Result<_>>().map(Found::Folder)
    };
    read().map_err(|error| error.to_string())
}

/// What a leap-seconds file says.
fn leap_table(path: &Path, checks_hash: bool) -> Result<LeapTable, Rejected> {
    let text = fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
    LeapTable::read(&path.display().to_string(), &text, checks_hash)
}

/// What a drift file says; `None` when there is none yet.
fn drift(path: &Path) -> Result<Option<Drift>, Rejected> {
    match fs::read_to_string(path) {
        Ok(text) => Drift::read(&path.display().to_string(), &text).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(path, &error)),
    }
}

/// The text of a file of keys, and its permissions as they were when it was opened.
fn read(path: &Path) -> Result<(Zeroizing<String>, u32), Rejected> {
    let read = || {
        let mut file = fs::File::open(path)?;
        let mode = file.metadata()?.permissions().mode();
        let mut text = Zeroizing::new(String::new());
        file.read_to_string(&mut text)?;
        Ok((text, mode))
    };
    read().map_err(|error| unreadable(path, &error))
}

/// A warning when secrets can be read by others than the owner of their file.
fn exposed(path: &Path, mode: u32) -> Option<String> {
    let mode = mode & 0o7777;
    (mode & READ_BY_OTHERS != 0).then(|| {
        format!("{}: others than its owner can read these keys (mode {mode:04o})", path.display())
    })
}

/// The permissions of the group and of everybody to read.
const READ_BY_OTHERS: u32 = 0o044;

fn unreadable(path: &Path, error: &io::Error) -> Rejected {
    Rejected {
        source: path.display().to_string(),
        position: None,
        reason: format!("cannot be read: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_of_the_command_line_come_after_those_of_the_file() {
        let file = Path::new("tests/data/ntp_conf/rhel-ntp.conf");
        let sources = [HostSpec::new("mine.example")];
        // Its key and drift files are not on this machine.
        let text = fs::read_to_string(file).unwrap();
        let own = text.lines().filter(|line| line.starts_with("server")).collect::<Vec<_>>();
        let copy = std::env::temp_dir().join(format!("ntpscope-setup-{}", std::process::id()));
        fs::write(&copy, own.join("\n")).unwrap();
        let (setup, _) = engine(Some(&copy), &sources, |_| Serve::Nobody).unwrap();
        fs::remove_file(&copy).unwrap();
        let hosts: Vec<_> = setup
            .directives
            .iter()
            .filter_map(|placed| match &placed.directive {
                Directive::Association(source) => Some(source.host.to_string()),
                _ => None,
            })
            .collect();
        assert_eq!(hosts.len(), own.len() + 1);
        assert_eq!(hosts.last().unwrap(), "mine.example");
        // Who saves the configuration saves them, too.
        let text = setup.text.to_string();
        assert!(text.ends_with("\nserver mine.example iburst\n"), "{text}");
        assert!(!setup.discipline);
    }

    #[test]
    fn files_that_are_included_are_followed_from_their_folder() {
        let directory =
            std::env::temp_dir().join(format!("ntpscope-include-{}", std::process::id()));
        fs::create_dir_all(directory.join("conf.d")).unwrap();
        let file = directory.join("ntp.conf");
        fs::write(&file, "server a\nincludefile conf.d\nincludefile more\nserver d\n").unwrap();
        fs::write(directory.join("conf.d/2.conf"), "server c # last\n").unwrap();
        fs::write(directory.join("conf.d/1.conf"), "server b\nlogconfig =all\n").unwrap();
        fs::write(directory.join("conf.d/1.conf~"), "servr").unwrap();
        fs::write(directory.join("more"), "tos minsane 2\n").unwrap();
        let (setup, notices) = engine(Some(&file), &[], |_| Serve::Nobody).unwrap();
        let lines: Vec<String> =
            setup.directives.iter().map(|placed| placed.directive.to_string()).collect();
        assert_eq!(lines, ["tos minsane 2", "", "server a", "server b", "server c", "server d"]);
        let first = directory.join("conf.d/1.conf").display().to_string();
        let expected = format!("{first}, line 2, column 1: `logconfig` is left out: ");
        assert!(notices.iter().any(|notice| notice.starts_with(&expected)), "{notices:?}");
        assert!(setup.text.to_string().contains("\nserver c # last\n"));
        fs::write(directory.join("more"), "server a fast\n").unwrap();
        let rejected = engine(Some(&file), &[], |_| Serve::Nobody).unwrap_err().to_string();
        assert!(rejected.contains("more, line 1, column 10: `fast`"), "{rejected}");
        fs::remove_file(directory.join("more")).unwrap();
        let rejected = engine(Some(&file), &[], |_| Serve::Nobody).unwrap_err().to_string();
        assert!(rejected.contains("ntp.conf, line 3, column 1: "), "{rejected}");
        fs::remove_dir_all(&directory).unwrap();
    }

    #[test]
    fn a_file_that_is_not_there_is_one_clear_error() {
        let rejected =
            engine(Some(Path::new("/nonexistent/ntp.conf")), &[], |_| Serve::Nobody).unwrap_err();
        assert!(rejected.to_string().starts_with("/nonexistent/ntp.conf: cannot be read: "));
    }

    #[test]
    fn keys_that_others_can_read_are_remarked_once_and_trusted_before_they_are_used() {
        let directory = std::env::temp_dir().join(format!("ntpscope-keys-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let at = |name: &str| directory.join(name);
        let (file, keys) = (at("ntp.conf"), at("keys"));
        let text = format!("server a key 1\ntrustedkey 1 # \u{e9}\nkeys {}\n", keys.display());
        // As an older editor wrote it.
        let bytes: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
        fs::write(&file, bytes).unwrap();
        fs::write(&keys, "1 MD5 ntpkey-test\n").unwrap();
        for (mode, is_remarked) in [(0o600, false), (0o640, true), (0o604, true), (0o400, false)] {
            fs::set_permissions(&keys, fs::Permissions::from_mode(mode)).unwrap();
            let (setup, notices) =
                engine(Some(&file), &[HostSpec::new("mine.example")], |_| Serve::Nobody).unwrap();
            assert_eq!(setup.keys.len(), 1);
            assert_eq!(notices.len(), usize::from(is_remarked), "{mode:o}: {notices:?}");
            assert!(notices.iter().all(|notice| notice.ends_with(&format!("(mode {mode:04o})"))));
            let lines: Vec<usize> = setup.directives.iter().map(|placed| placed.line).collect();
            assert_eq!(lines, [2, 3, 1, 4]);
        }
        fs::remove_dir_all(&directory).unwrap();
    }
}
