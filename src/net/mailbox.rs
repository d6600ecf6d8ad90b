//! Where the network's tasks leave news for whoever looks at them.
//!
//! Of each daemon only the newest snapshot waits: a reader that falls behind loses old ones and
//! nothing else, and nothing here grows without bound.

use std::collections::{BTreeSet, VecDeque};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::backend::change::{Left, Progress, Signing};
use crate::backend::{Offer, TargetId, Update};
use crate::model::Daemon;
use crate::model::programs::Program;

/// News, shared between those who leave it and the one who reads.
#[derive(Clone, Debug, Default)]
pub struct Mailbox {
    news: Arc<Mutex<News>>,
}

#[derive(Debug, Default)]
struct News {
    daemons: VecDeque<(TargetId, Arc<Daemon>)>,
    changes: VecDeque<(TargetId, Arc<Progress>)>,
    names: VecDeque<(IpAddr, Option<Arc<str>>)>,
    keys: Option<Keys>,
    left: Option<LeftBehind>,
    programs: Option<Arc<[Program]>>,
    offer: Option<Arc<Offer>>,
    /// Those of which a first picture is complete.
    settled: BTreeSet<TargetId>,
    reader: Option<Waker>,
}

/// The keys of the file that was named for a daemon, or why there are none.
#[derive(Debug)]
struct Keys {
    target: TargetId,
    keys: Result<Vec<Signing>, Box<str>>,
}

/// The changes that were left behind, and why one of them cannot be forgotten.
#[derive(Debug)]
struct LeftBehind {
    all: Arc<[Left]>,
    trouble: Option<Box<str>>,
}

impl Mailbox {
    /// Leaves a snapshot, in place of an older one that still waits.
    pub fn daemon(&self, target: TargetId, daemon: Arc<Daemon>) {
        let mut news = self.open();
        match news.daemons.iter_mut().find(|(waiting, _)| *waiting == target) {
            Some((_, older)) => *older = daemon,
            None => news.daemons.push_back((target, daemon)),
        }
        news.wake();
    }

    /// Leaves how a change goes, in place of how it went before.
    pub fn change(&self, target: TargetId, progress: Arc<Progress>) {
        let mut news = self.open();
        match news.changes.iter_mut().find(|(waiting, _)| *waiting == target) {
            Some((_, older)) => *older = progress,
            None => news.changes.push_back((target, progress)),
        }
        news.wake();
    }

    /// Leaves the keys of the file that was named for a daemon, or why there are none: in place of
    /// others, for only one question is asked at a time.
    pub fn keys(&self, target: TargetId, keys: Result<Vec<Signing>, Box<str>>) {
        let mut news = self.open();
        news.keys = Some(Keys { target, keys });
        news.wake();
    }

    /// Leaves which changes are left behind now, and why one of them cannot be forgotten.
    pub fn left(&self, all: Arc<[Left]>, trouble: Option<Box<str>>) {
        let mut news = self.open();
        news.left = Some(LeftBehind { all, trouble });
        news.wake();
    }

    /// Leaves word that a first picture of a daemon is complete, or none is to be had. It is no news
    /// by itself: a snapshot has to follow.
    pub fn settled(&self, target: TargetId) {
        self.open().settled.insert(target);
    }

    /// Whether such word was left.
    pub fn is_settled(&self, target: TargetId) -> bool {
        self.open().settled.contains(&target)
    }

    /// Leaves the name of an address.
    pub fn name(&self, address: IpAddr, name: Option<Arc<str>>) {
        let mut news = self.open();
        news.names.push_back((address, name));
        news.wake();
    }

    /// Leaves which programs keep this host's time.
    pub fn programs(&self, programs: Arc<[Program]>) {
        let mut news = self.open();
        news.programs = Some(programs);
        news.wake();
    }

    /// Leaves what could be measured in this process.
    pub fn offer(&self, offer: Arc<Offer>) {
        let mut news = self.open();
        news.offer = Some(offer);
        news.wake();
    }

    /// The next piece of news; the reader is woken when there is one.
    pub fn poll(&self, context: &mut Context<'_>) -> Poll<Update> {
        let mut news = self.open();
        // Before the end of what took one of them back, so that nobody is asked about it again.
        if let Some(LeftBehind { all, trouble }) = news.left.take() {
            return Poll::Ready(Update::Left { all, trouble });
        }
        if let Some(Keys { target, keys }) = news.keys.take() {
            return Poll::Ready(Update::Keys { target, keys });
        }
        if let Some((target, progress)) = news.changes.pop_front() {
            return Poll::Ready(Update::Change { target, progress });
        }
        if let Some((target, daemon)) = news.daemons.pop_front() {
            return Poll::Ready(Update::Daemon { target, daemon });
        }
        if let Some(programs) = news.programs.take() {
            return Poll::Ready(Update::Programs(programs));
        }
        if let Some(offer) = news.offer.take() {
            return Poll::Ready(Update::Offer(offer));
        }
        if let Some((address, name)) = news.names.pop_front() {
            return Poll::Ready(Update::Name { address, name });
        }
        news.reader = Some(context.waker().clone());
        Poll::Pending
    }

    /// The news is whole after every change, so a writer that panicked leaves nothing half done.
    fn open(&self) -> MutexGuard<'_, News> {
        self.news.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl News {
    fn wake(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_newest_snapshot_of_a_daemon_waits() {
        let mailbox = Mailbox::default();
        let target = TargetId::new(0);
        let mut context = Context::from_waker(Waker::noop());
        assert!(mailbox.poll(&mut context).is_pending());
        mailbox.daemon(target, Arc::new(Daemon { restarts: 1, ..Daemon::default() }));
        mailbox.daemon(target, Arc::new(Daemon { restarts: 2, ..Daemon::default() }));
        let Poll::Ready(Update::Daemon { daemon, .. }) = mailbox.poll(&mut context) else {
            panic!("no news")
        };
        assert_eq!(daemon.restarts, 2);
        assert!(mailbox.poll(&mut context).is_pending());
    }
}
