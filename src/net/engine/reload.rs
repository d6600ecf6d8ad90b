//! A configuration that was read anew, applied to an engine that runs.

use std::fmt::Write as _;

use crate::clock::system::kernel::Kernel;
use crate::config::engine::{EngineSetup, Serve};
use crate::config::ntp_conf::Placed;
use crate::config::reload::difference;
use crate::engine::reload::Reloaded as Sources;
use crate::net::engine::leap_file::LeapFile;
use crate::net::engine::marking::Marking;
use crate::net::engine::{Driver, News, Notice, Running};

/// The configuration that is followed.
#[derive(Debug, Default)]
pub(super) struct Configured {
    pub(super) directives: Vec<Placed>,
    pub(super) serve: Serve,
}

/// What came of reading a configuration anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reloaded {
    /// What became of the sources.
    pub sources: Sources,
    /// Whether anything else changed.
    pub has_other_settings: bool,
    /// What changed and is only heeded when the program starts, by keyword.
    pub at_start: Vec<&'static str>,
}

impl Reloaded {
    /// The same, to be told.
    pub(super) fn sentence(&self) -> String {
        let Sources { stay, changed, gone, new } = self.sources;
        let mut text = format!("configuration read anew: of its sources {stay} stay");
        // Writing to a string cannot fail.
        for (count, what) in [(changed, "have other options"), (gone, "are gone"), (new, "are new")]
        {
            if count > 0 {
                let _ = write!(text, ", {count} {what}");
            }
        }
        text.push_str(if self.has_other_settings { "; settings changed" } else { "" });
        for keyword in &self.at_start {
            let _ = write!(text, "; `{keyword}` is heeded when the program starts again");
        }
        text
    }
}

impl Running {
    /// Follows this configuration in place of the one before; [`Notice::Reloaded`] says when that
    /// is done. `false` when the engine has too much to do just now, and all stays as it is.
    ///
    /// What is chosen on the command line alone, as which clock is steered, stays as it was.
    pub fn reload(&self, setup: EngineSetup) -> bool {
        self.news.try_send(News::Reload(setup.into())).is_ok()
    }
}

impl<K: Kernel> Driver<K> {
    pub(super) fn reload(&mut self, setup: EngineSetup) {
        let now = self.now();
        let difference = difference(&self.configured.directives, &setup.directives);
        self.engine.set_keys(setup.keys);
        self.leap_file = LeapFile::of(&setup.directives);
        match setup.leap_table {
            Some(table) => self.take_leap_table(table),
            // One that is of no use just now is no reason to give up what is known.
            None if self.leap_file.is_some() => {}
            None => self.engine.set_leap_table(&now, None),
        }
        self.mark(Marking::of(&setup.directives));
        let (sources, mut refused) = self.engine.reload(&now, &difference);
        refused.extend(self.serving.retake(&setup.directives));
        self.look_ups.abort_all();
        let text = std::mem::replace(&mut self.serving.control.text, setup.text);
        self.serving.control.text.inherit(&text, &setup.directives);
        self.serving.server.share_keys(&self.engine);
        // What the template says holds for those that stay, too.
        for address in self.engine.addresses() {
            self.serving.server.access.add_source(address);
        }
        let serves_otherwise = setup.serve != self.configured.serve;
        // It is another daemon's file where one runs.
        let is_ours = !self.engine.settings().beside_daemon;
        self.drift_file = setup.drift_file.filter(|_| is_ours);
        self.configure_statistics(&now, setup.statistics);
        self.configured = Configured { directives: setup.directives, serve: setup.serve };
        if serves_otherwise {
            self.serving.server.is_serving = false;
            if let Err(failed) = self.begin_to_serve() {
                self.tell(Notice::NotServing(failed.to_string()));
            }
        }
        for (placed, why) in refused {
            self.tell(Notice::NotFollowed { line: Some(placed.line), why });
        }
        let reloaded = Notice::Reloaded(Reloaded {
            sources,
            has_other_settings: difference.has_other_settings,
            at_start: difference.at_start,
        });
        // Somebody waits for this one, so it must not be lost.
        let notices = self.notices.clone();
        self.errands.spawn(async move { drop(notices.send(reloaded).await) });
    }
}
