//! What an engine is started with, from the command line and the files that it names.

use std::fs;
use std::io;
use std::path::Path;

use crate::config::Rejected;
use crate::config::drift::Drift;
use crate::config::engine::EngineSetup;
use crate::config::host::HostSpec;
use crate::config::keys;
use crate::config::ntp_conf::{self, Association, Directive, Kind, Options, Placed};

/// The setup of the configuration `file` and the `sources` of the command line, and a sentence for
/// each thing of the file that is known and left out.
///
/// # Errors
/// A file that cannot be read or is malformed: then nothing of it is used.
pub fn engine(
    file: Option<&Path>,
    sources: &[HostSpec],
) -> Result<(EngineSetup, Vec<String>), Rejected> {
    let mut setup = EngineSetup::default();
    let mut notices = Vec::new();
    if let Some(file) = file {
        let name = file.display().to_string();
        setup.directives = ntp_conf::read(&name, &read(file)?)?;
        notices
            .extend(ntp_conf::notices(&setup.directives).map(|notice| format!("{name}: {notice}")));
    }
    for placed in &setup.directives {
        match &placed.directive {
            Directive::Keys(path) => {
                setup.keys = keys::read(&path.display().to_string(), &read(path)?)?;
            }
            Directive::DriftFile(path) => {
                setup.drift_file = Some(path.clone());
                setup.drift = drift(path)?;
            }
            _ => {}
        }
    }
    let after = setup.directives.last().map_or(0, |last| last.line);
    setup.directives.extend((after + 1..).zip(sources).map(|(line, host)| Placed {
        line,
        column: 1,
        directive: Directive::Association(Association {
            kind: Kind::Server,
            host: host.clone(),
            family: None,
            // Who names a source waits for its first answers.
            options: Options { iburst: true, ..Options::default() },
        }),
    }));
    Ok((setup, notices))
}

/// What a drift file says; `None` when there is none yet.
fn drift(path: &Path) -> Result<Option<Drift>, Rejected> {
    match fs::read_to_string(path) {
        Ok(text) => Drift::read(&path.display().to_string(), &text).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(path, &error)),
    }
}

fn read(path: &Path) -> Result<String, Rejected> {
    fs::read_to_string(path).map_err(|error| unreadable(path, &error))
}

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
        let (setup, _) = engine(Some(&copy), &sources).unwrap();
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
        assert!(!setup.discipline);
    }

    #[test]
    fn a_file_that_is_not_there_is_one_clear_error() {
        let rejected = engine(Some(Path::new("/nonexistent/ntp.conf")), &[]).unwrap_err();
        assert!(rejected.to_string().starts_with("/nonexistent/ntp.conf: cannot be read: "));
    }
}
