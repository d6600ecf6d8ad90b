//! The drift file, replaced whole.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::config::drift::Drift;

/// Puts `drift` in place of what the file at `path` held, whole or not at all.
///
/// # Errors
/// What the system says; the file is as it was.
pub(super) fn write(path: &Path, drift: Drift) -> io::Result<()> {
    let new = beside(path);
    let mut file = File::create(&new)?;
    file.write_all(drift.print().as_bytes())?;
    // Otherwise a loss of power may leave the new name with nothing behind it.
    file.sync_all()?;
    fs::rename(&new, path)
}

/// Whether the file at `path` can be written when there is something to write, so that it is told at
/// the start and not after an hour.
///
/// # Errors
/// What the system says.
pub fn check(path: &Path) -> io::Result<()> {
    let new = beside(path);
    File::options().create(true).append(true).open(&new)?;
    fs::remove_file(new)
}

/// Where a drift file is written before it takes the place of the one before.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Ppm;

    #[test]
    fn a_drift_file_is_replaced_whole() {
        let folder = std::env::temp_dir().join(format!("ntpscope-drift-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("drift");
        fs::write(&path, "an older and much longer text").unwrap();
        let drift = Drift { frequency: Ppm::new(-12.3456).unwrap(), skew: None };
        write(&path, drift).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "-12.346\n");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        check(&path).unwrap();
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        assert!(write(&folder.join("none/drift"), drift).is_err());
        assert!(check(&folder.join("none/drift")).is_err());
        fs::remove_dir_all(&folder).unwrap();
    }
}
