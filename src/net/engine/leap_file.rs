//! The leap-seconds file, which is read anew once a day: whoever puts a new one there need not tell.

use std::path::PathBuf;

use crate::clock::system::kernel::Kernel;
use crate::config::leap_file::LeapTable;
use crate::config::ntp_conf::{Directive, Placed};
use crate::net::engine::{Driver, News, files};

/// A leap-seconds file as it was named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LeapFile {
    pub(super) path: PathBuf,
    pub(super) checks_hash: bool,
}

impl LeapFile {
    /// The one that a configuration names: the last, if there are several.
    pub(super) fn of(directives: &[Placed]) -> Option<Self> {
        directives.iter().rev().find_map(|placed| match &placed.directive {
            Directive::LeapFile { path, checks_hash } => {
                Some(Self { path: path.clone(), checks_hash: *checks_hash })
            }
            _ => None,
        })
    }

    /// What it says.
    ///
    /// # Errors
    /// Why it is of no use just now, in words, none of which are its own: who asks may have named any
    /// file.
    pub(super) fn read(&self) -> Result<LeapTable, String> {
        let text = files::read(&self.path)?;
        let table = LeapTable::read(&self.path.display().to_string(), &text, self.checks_hash);
        table.map_err(|bad| bad.place())
    }
}

impl<K: Kernel> Driver<K> {
    /// Reads the file that was named last, in the configuration or since, if one was. That it is
    /// not there or is of no use just now is no reason to give up what is known: when that expires
    /// it is told.
    pub(super) fn look_at_leap_file(&mut self) {
        if let Some(file) = self.leap_file.clone() {
            self.errand(move || file.read().ok().map(News::LeapTable));
        }
    }

    /// Goes by what was read, if it is something new.
    pub(super) fn take_leap_table(&mut self, table: LeapTable) {
        if self.engine.leap_table() != Some(&table) {
            let now = self.now();
            self.engine.set_leap_table(&now, Some(table));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_that_is_not_there_or_is_damaged_is_of_no_use() {
        let folder = std::env::temp_dir().join(format!("ntpscope-leap-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("leap-seconds.list");
        let read = |checks_hash| LeapFile { path: path.clone(), checks_hash }.read();
        assert!(read(true).is_err());
        let good = "#@ 4102444800\n2272060800 36\n3692217600 37\n";
        fs::write(&path, good).unwrap();
        assert_eq!(read(true).ok(), LeapTable::read("other", good, true).ok());
        fs::write(&path, format!("{good}#h 1 2 3 4 5\n")).unwrap();
        assert!(read(true).is_err());
        assert!(read(false).is_ok(), "nobody asks for its hash");
        fs::remove_dir_all(&folder).unwrap();
    }
}
