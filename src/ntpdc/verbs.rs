//! Which machine does what a command says.

use crate::ntpdc::change::{
    Associations, Bits, ChooseKey, Configure, Fudge, ReadKeys, Trap, Trust,
};
use crate::ntpdc::clocks;
use crate::ntpdc::command::Verb;
use crate::ntpdc::counters::Counters;
use crate::ntpdc::interfaces::Interfaces;
use crate::ntpdc::line::{Line, is_unclosed};
use crate::ntpdc::monitor::{self, MonitorList};
use crate::ntpdc::query::{Inquiry, Query};
use crate::ntpdc::restrictions::{self, Restrict};
use crate::ntpdc::session::Session;
use crate::ntpdc::settings::{SameAsNtpq, Setting};
use crate::ntpdc::system::{KernelInfo, LoopInfo, SystemInfo};
use crate::ntpdc::traps::Traps;
use crate::ntpdc::{peer, peers};
use crate::ntpq::command::Verb as Shared;
use crate::ntpq::job::{Answer, Job, Step};
use crate::ntpq::settings::host_remains;

/// The machine for a line.
pub fn job(line: Line, session: &Session) -> Box<dyn Job<Session>> {
    match line.command.verb {
        Verb::Shared(Shared::Host) if names_bad_host(&line) => {
            said(Said::Both(host_remains(&session.shell), session.bad_host()))
        }
        Verb::Shared(_) => match SameAsNtpq::new(&line) {
            Some(job) => Box::new(job),
            None => Box::new(Setting::new(line)),
        },
        Verb::Help | Verb::KeyId | Verb::KeyType | Verb::Version => Box::new(Setting::new(line)),
        Verb::ListPeers => query(peers::List::new(line)),
        Verb::Peers { by_selection } => query(peers::Table::new(line, by_selection)),
        Verb::ShowPeer => query(peer::Show::new(line)),
        Verb::PeerStatistics => query(peer::Counters::new(line)),
        Verb::LoopInfo => match line.text(0) {
            Some("oneline") => query(LoopInfo { oneline: true }),
            Some("multiline") | None => query(LoopInfo { oneline: false }),
            Some(_) => said(Said::Complaint("How many lines?\n".to_owned())),
        },
        Verb::SystemInfo => query(SystemInfo),
        Verb::KernelInfo => query(KernelInfo),
        Verb::Counters(code) => query(Counters::new(code)),
        Verb::Restrictions => query(restrictions::List::new(line)),
        Verb::MonitorList if session.allows_monlist => query(MonitorList::new(line)),
        Verb::MonitorList => said(Said::Complaint(monitor::NOT_ALLOWED.to_owned())),
        Verb::Traps => query(Traps),
        Verb::ClockInfo => query(clocks::Status::new(&line)),
        Verb::ClockDebug => query(clocks::Debug::new(&line)),
        Verb::Interfaces(code) => query(Interfaces::new(code)),
        Verb::Configure { host_mode, is_clock } => {
            read(Configure::read(&line, host_mode, is_clock))
        }
        Verb::Associations(code) => query(Associations::new(line, code)),
        Verb::SystemFlags(code) => read(Bits::system_flags(&line, code)),
        Verb::Restrict(code) => read(Restrict::read(&line, code).map_err(Said::Text)),
        Verb::Reset => read(Bits::reset(&line)),
        Verb::ReadKeys => query(ReadKeys),
        Verb::Trust(code) => query(Trust::new(&line, code)),
        Verb::Trap(code) => read(Trap::read(&line, code)),
        Verb::ChooseKey(code) => query(ChooseKey::new(&line, code)),
        Verb::Fudge => read(Fudge::read(&line)),
    }
}

/// Whether `host` is to turn to what cannot be a host.
fn names_bad_host(line: &Line) -> bool {
    match (line.text(0), line.text(1)) {
        (Some("-4" | "-6"), Some(host)) | (Some(host), None) => is_unclosed(host),
        _ => false,
    }
}

fn query<I: Inquiry + 'static>(inquiry: I) -> Box<dyn Job<Session>> {
    Box::new(Query::new(inquiry))
}

/// What is asked, or what is said of arguments that make no sense.
fn read<I: Inquiry + 'static>(read: Result<I, Said>) -> Box<dyn Job<Session>> {
    match read {
        Ok(inquiry) => query(inquiry),
        Err(text) => said(text),
    }
}

fn said(text: Said) -> Box<dyn Job<Session>> {
    Box::new(Saying(text))
}

/// What is said instead of asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// On standard output.
    Text(String),
    /// On standard error.
    Complaint(String),
    /// On both, in this order.
    Both(String, String),
}

/// A command that only says something.
struct Saying(Said);

impl Job<Session> for Saying {
    fn resume(&mut self, session: &mut Session, _: Option<Answer>) -> Step {
        match &self.0 {
            Said::Text(text) => session.print(text),
            Said::Complaint(text) => session.complain(text),
            Said::Both(text, complaint) => {
                session.print(text);
                session.complain(complaint);
            }
        }
        Step::Done
    }
}
