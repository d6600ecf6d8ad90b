//! Files that are named while the engine runs, by whoever may configure it.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

use zeroize::Zeroizing;

/// The text of a file, which may be one of keys.
///
/// # Errors
/// Why it cannot be had, in words. What is no regular file, or no small one, is not read: the engine
/// has nobody to keep time meanwhile.
pub(super) fn read(path: &Path) -> Result<Zeroizing<String>, String> {
    let read = || {
        // Opening a pipe would wait for somebody to write to it.
        if !fs::metadata(path)?.is_file() {
            return Err(io::Error::other("it is no regular file"));
        }
        let mut text = Zeroizing::new(String::new());
        File::open(path)?.take(MOST_BYTES + 1).read_to_string(&mut text)?;
        if text.len() as u64 > MOST_BYTES {
            return Err(io::Error::other("it is too long"));
        }
        Ok(text)
    };
    read().map_err(|error| format!("cannot read {}: {error}", path.display()))
}

/// Ten thousand keys are not as long.
const MOST_BYTES: u64 = 4 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_small_regular_files_are_read() {
        let path = std::env::temp_dir().join(format!("ntpscope-files-{}", std::process::id()));
        fs::write(&path, "some text").unwrap();
        assert_eq!(*read(&path).unwrap(), "some text");
        let file = File::options().write(true).open(&path).unwrap();
        file.set_len(MOST_BYTES + 1).unwrap();
        assert!(read(&path).unwrap_err().ends_with(": it is too long"));
        fs::remove_file(&path).unwrap();
        assert!(read(&path).unwrap_err().starts_with("cannot read "));
        // They have no end, or would have us wait.
        for device in ["/dev/zero", "/dev"] {
            let why = read(Path::new(device)).unwrap_err();
            assert_eq!(why, format!("cannot read {device}: it is no regular file"));
        }
    }
}
