//! What a running engine is told from outside: lines of configuration, and to save them.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use crate::clock::system::kernel::Kernel;
use crate::config::keys;
use crate::config::ntp_conf::control::Counters;
use crate::config::ntp_conf::{Directive, remote};
use crate::engine::mobilize::Applied;
use crate::net::engine::leap_file::LeapFile;
use crate::net::engine::marking::Marking;
use crate::net::engine::{Driver, files};
use crate::net::stamp;
use crate::units::Now;

impl<K: Kernel> Driver<K> {
    /// Follows lines of configuration, and says what came of it as ntpd would.
    pub(super) fn configure(&mut self, text: &[u8]) -> String {
        let mut told = remote::read("request", text);
        for placed in told.directives().to_vec() {
            match self.follow(&placed.directive) {
                Ok(()) if matches!(placed.directive, Directive::Unconfigure(_)) => {}
                Ok(()) => self.serving.control.text.tell(&placed.directive),
                Err(why) => told.refuse(&placed, &why),
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
            Ok(Applied::Mobilised(_) | Applied::Set | Applied::Ignored { .. }) => Ok(()),
            Ok(Applied::Unconfigured { host, was_configured }) => {
                if was_configured {
                    self.serving.control.text.remove(&host);
                }
                Ok(())
            }
            Ok(Applied::ForServer) => {
                self.serving.apply(directive, None).map_err(|why| why.to_string())
            }
            Ok(Applied::Keys(file)) => {
                let text = files::read(&file)?;
                let entries = keys::read(&file.display().to_string(), &text);
                // Any file could be named, and what is answered is no secret.
                self.engine.set_keys(entries.map_err(|bad| bad.place())?);
                Ok(())
            }
            Ok(Applied::LeapFile { path, checks_hash }) => {
                let file = LeapFile { path, checks_hash };
                self.take_leap_table(file.read()?);
                self.leap_file = Some(file);
                Ok(())
            }
            Ok(Applied::DriftFile(_)) => Err("driftfile remote configuration ignored".to_owned()),
            Ok(Applied::ForDriver) => self.follow_as_driver(directive),
            Err(refused) => Err(refused.to_string()),
        }
    }

    fn follow_as_driver(&mut self, directive: &Directive) -> Result<(), String> {
        if let Directive::Reset(counters) = directive {
            self.reset(counters);
            Ok(())
        } else if let Directive::Dscp(code_point) = directive {
            self.mark(Marking::new(*code_point));
            Ok(())
        } else if self.serving.control.apply(directive) || self.follow_statistics(directive) {
            Ok(())
        } else {
            Err("this is not followed while it runs".to_owned())
        }
    }

    /// Lets counters begin anew.
    fn reset(&mut self, counters: &[Counters]) {
        let now = self.now();
        for which in counters {
            match which {
                Counters::AllPeers | Counters::Authentication => self.engine.reset_counters(*which),
                Counters::System => {
                    self.serving.server.reset_counters(&self.engine, &now);
                    self.traffic.begun.system = Some(now.mono);
                }
                Counters::Io => {
                    self.traffic.reset_io();
                    self.traffic.begun.io = Some(now.mono);
                }
                Counters::Timer => {
                    self.traffic.reset_timer();
                    self.traffic.begun.timer = Some(now.mono);
                }
                Counters::Control | Counters::Memory => {}
            }
            if *which == Counters::Authentication {
                self.traffic.begun.authentication = Some(now.mono);
            }
        }
    }

    /// Writes the configuration as it is followed to a file of this name, which may hold what
    /// `strftime` knows, and says what came of it as ntpd would.
    pub(super) fn save_configuration(&mut self, name: &str) -> String {
        let Some(folder) = self.serving.control.save_folder.clone() else {
            return "saveconfig prohibited, no saveconfigdir configured".to_owned();
        };
        if name.len() > LONGEST_NAME {
            let room = LONGEST_NAME + 1;
            return format!("saveconfig exceeded maximum raw name length ({room})");
        }
        let name = dated(name, &self.now());
        if !is_safe(&name) {
            return format!("saveconfig rejects unsafe file name '{name}'");
        }
        let text = self.serving.control.text.to_string();
        match write_new(&folder.join(&name), &text) {
            Ok(()) => format!("Configuration saved to '{name}'"),
            Err(why) => format!("Unable to save configuration to file '{name}': {why}"),
        }
    }
}

/// A name with the time that it asks for in it; as it stands where that cannot be told.
fn dated(name: &str, now: &Now) -> String {
    let (seconds, _) = now.clock.to_unix(stamp::system().to_unix(0).0);
    let zone = jiff::tz::TimeZone::system();
    let time = jiff::Timestamp::from_second(seconds).map(|at| at.to_zoned(zone));
    let name_of = |time: jiff::Zoned| jiff::fmt::strtime::format(name, &time);
    time.and_then(name_of).unwrap_or_else(|_| name.to_owned())
}

/// Whether a name stays in its folder and begins no option.
fn is_safe(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    name.len() <= LONGEST_NAME
        && name.starts_with(is_plain)
        && name.chars().all(|c| is_plain(c) || matches!(c, '-' | '.' | '+'))
}

/// Writes a file that was not there, for its owner's eyes as ntpd does.
fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}

/// As long as ntpd's, which keeps a byte of 128 for the end.
const LONGEST_NAME: usize = 127;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn names_of_files_stay_in_their_folder() {
        for name in ["a", "save-2026.conf", "_x+1", "9"] {
            assert!(is_safe(name), "{name}");
        }
        let long = "a".repeat(LONGEST_NAME + 1);
        for name in ["", ".hidden", "../x", "a/b", "-x", "a b", "\u{e9}", "a\0", &long] {
            assert!(!is_safe(name), "{name}");
        }
    }

    #[test]
    fn what_is_saved_is_for_its_owner_and_replaces_nothing() {
        let path = std::env::temp_dir().join(format!("ntpscope-saved-{}", std::process::id()));
        write_new(&path, "server a\n").unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(write_new(&path, "other\n").is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "server a\n");
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn names_may_ask_for_the_time() {
        let clock = crate::units::NtpTimestamp::from_unix(1_795_226_430, 0);
        let now = Now { clock, ..Now::default() };
        assert_eq!(dated("save-%Y.conf", &now), "save-2026.conf");
        assert_eq!(dated("plain", &now), "plain");
        assert!(!is_safe(&dated("%", &now)));
    }
}
