//! Finds and reads the settings: built in, file, command line.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use crate::cli::args::{Arguments, FileArguments};
use crate::config::Rejected;
use crate::config::app::{Origin, Settings};
use crate::config::files::Files;
use crate::config::target::TargetSpec;

/// The settings in force for `arguments`.
///
/// # Errors
/// A file that was named and cannot be read, or one whose text is wrong.
pub fn load(arguments: &Arguments) -> Result<Settings, Rejected> {
    let mut settings = of_file(arguments.config.as_deref())?;
    let from_line = &Origin::CommandLine;
    settings.theme.patch(arguments.theme.clone(), from_line);
    settings.color.patch(arguments.color, from_line);
    settings.ascii.patch(arguments.ascii.then_some(true), from_line);
    settings.names.patch(arguments.look_ups.numeric.then_some(false), from_line);
    settings.timeout.patch(arguments.timeout, from_line);
    settings.files.patch(arguments.files.files(), from_line);
    Ok(settings)
}

/// What changes of the daemon `target` take from files: as the command line has it in `named`, else as
/// the settings in the configuration folder say.
///
/// # Errors
/// The text of the settings is wrong, or cannot be read.
pub fn files(named: &FileArguments, target: &TargetSpec) -> Result<Files, Rejected> {
    let mut settings = of_file(None)?;
    settings.files.patch(named.files(), &Origin::CommandLine);
    Ok(settings.files_of(target))
}

/// The settings as a file says them: the one that is named, or the one in the configuration folder.
fn of_file(named: Option<&Path>) -> Result<Settings, Rejected> {
    let mut settings = Settings::default();
    match (named, folder()) {
        (Some(file), _) => {
            let text = fs::read_to_string(file).map_err(|e| unreadable(file, &e))?;
            settings.read(&file.display().to_string(), &text)?;
        }
        (None, Some(folder)) => {
            let file = folder.join("config.ron");
            match fs::read_to_string(&file) {
                Ok(text) => settings.read(&file.display().to_string(), &text)?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(unreadable(&file, &error)),
            }
        }
        (None, None) => {}
    }
    if let Ok(base) = etcetera::choose_base_strategy() {
        settings.at_home(base.home_dir());
    }
    Ok(settings)
}

/// The program's folder among the user's configuration; `None` where there is no home.
pub fn folder() -> Option<PathBuf> {
    etcetera::choose_base_strategy().ok().map(|base| base.config_dir().join("ntpscope"))
}

/// A theme of the user's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThemeFile {
    /// The file's name.
    pub origin: String,
    /// What it says.
    pub text: String,
}

/// The theme file called `name` in the themes folder.
///
/// # Errors
/// There is none, or it cannot be read.
pub fn theme_file(name: &str) -> Result<ThemeFile, Rejected> {
    let unknown = |reason: String| Rejected {
        source: format!("theme `{}`", name.escape_debug()),
        position: None,
        reason,
    };
    let Some(folder) = folder() else {
        return Err(unknown("there is none of that name and no home to look in".to_owned()));
    };
    if name.is_empty() || name.contains(['/', '\0']) || name.starts_with('.') {
        return Err(unknown("a theme's name is a file's name without folder".to_owned()));
    }
    let file = folder.join("themes").join(format!("{name}.ron"));
    match fs::read_to_string(&file) {
        Ok(text) => Ok(ThemeFile { origin: file.display().to_string(), text }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(unknown(format!(
            "it is none of auto, dark, light, mono, and there is no {}",
            file.display()
        ))),
        Err(error) => Err(unreadable(&file, &error)),
    }
}

fn unreadable(file: &Path, error: &io::Error) -> Rejected {
    Rejected {
        source: file.display().to_string(),
        position: None,
        reason: format!("cannot be read: {error}"),
    }
}
