//! The leap-seconds file, which is read anew once a day: whoever puts a new one there need not tell.

use std::path::Path;

use crate::clock::system::kernel::Kernel;
use crate::config::leap_file::LeapTable;
use crate::config::ntp_conf::Directive;
use crate::net::engine::{Driver, News};

impl<K: Kernel> Driver<K> {
    /// Reads the file that the configuration names, if it names one.
    pub(super) fn look_at_leap_file(&mut self) {
        let named =
            self.configured.directives.iter().rev().find_map(|placed| match &placed.directive {
                Directive::LeapFile { path, checks_hash } => Some((path.clone(), *checks_hash)),
                _ => None,
            });
        if let Some((path, checks_hash)) = named {
            self.errand(move || read(&path, checks_hash).map(News::LeapTable));
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

/// What the file says; `None` where it is not there or is of no use just now. That is no reason to
/// give up what is known: when that expires it is told.
fn read(path: &Path, checks_hash: bool) -> Option<LeapTable> {
    let text = std::fs::read_to_string(path).ok()?;
    LeapTable::read(&path.display().to_string(), &text, checks_hash).ok()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_that_is_not_there_or_is_damaged_changes_nothing() {
        let folder = std::env::temp_dir().join(format!("ntpscope-leap-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("leap-seconds.list");
        assert_eq!(read(&path, true), None);
        let good = "#@ 4102444800\n2272060800 36\n3692217600 37\n";
        fs::write(&path, good).unwrap();
        assert_eq!(read(&path, true), LeapTable::read("other", good, true).ok());
        fs::write(&path, format!("{good}#h 1 2 3 4 5\n")).unwrap();
        assert_eq!(read(&path, true), None);
        assert!(read(&path, false).is_some(), "nobody asks for its hash");
        fs::remove_dir_all(&folder).unwrap();
    }
}
