//! What a running engine is told from outside: lines of configuration, and to save them.

use crate::clock::system::kernel::Kernel;
use crate::config::keys;
use crate::config::leap_file::LeapTable;
use crate::config::ntp_conf::{Directive, remote};
use crate::engine::mobilize::Applied;
use crate::net::engine::Driver;

impl<K: Kernel> Driver<K> {
    /// Follows lines of configuration, and says what came of it as ntpd would.
    pub(super) fn configure(&mut self, text: &[u8]) -> String {
        let mut told = remote::read("request", text);
        for placed in told.directives().to_vec() {
            if let Err(why) = self.follow(&placed.directive) {
                told.refuse(&placed, &why);
            }
        }
        self.serving.server.share_keys(&self.engine);
        self.drain();
        told.answer()
    }

    /// Follows one directive.
    ///
    /// # Errors
    /// Why not, in words.
    fn follow(&mut self, directive: &Directive) -> Result<(), String> {
        let now = self.now();
        match self.engine.apply(&now, directive) {
            Ok(
                Applied::Mobilised(_)
                | Applied::Set
                | Applied::Unconfigured { .. }
                | Applied::Ignored { .. },
            ) => Ok(()),
            Ok(Applied::ForServer) => {
                self.serving.apply(directive, None);
                Ok(())
            }
            Ok(Applied::Keys(file)) => {
                let source = file.display().to_string();
                let text = std::fs::read_to_string(&file)
                    .map_err(|error| format!("cannot read {source}: {error}"))?;
                let entries = keys::read(&source, &text).map_err(|bad| bad.to_string())?;
                self.engine.set_keys(entries);
                Ok(())
            }
            Ok(Applied::LeapFile { path, checks_hash }) => {
                let source = path.display().to_string();
                let text = std::fs::read_to_string(&path)
                    .map_err(|error| format!("cannot read {source}: {error}"))?;
                let table = LeapTable::read(&source, &text, checks_hash);
                self.engine.set_leap_table(&now, Some(table.map_err(|bad| bad.to_string())?));
                Ok(())
            }
            Ok(Applied::DriftFile(_)) => Err("driftfile remote config ignored".to_owned()),
            Ok(Applied::ForDriver) => self.follow_as_driver(directive),
            Err(refused) => Err(refused.to_string()),
        }
    }

    fn follow_as_driver(&mut self, directive: &Directive) -> Result<(), String> {
        if self.serving.control.apply(directive) || self.follow_statistics(directive) {
            Ok(())
        } else {
            Err("this is not followed while it runs".to_owned())
        }
    }

    /// Writes the configuration to a file of this name, and says what came of it as ntpd would.
    pub(super) fn save_configuration(&self, name: &str) -> String {
        if self.serving.control.save_folder.is_none() {
            return "saveconfig prohibited, no saveconfigdir configured".to_owned();
        }
        format!("Unable to save configuration to file '{name}': not known how to be written")
    }
}
