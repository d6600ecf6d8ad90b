//! Where consoles leave their news. It is bounded: who prints more than is read waits.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::sync::Notify;

use crate::backend::console::News;
use crate::backend::{TargetId, Update};

/// News of all consoles, shared between those who leave it and the one who reads.
#[derive(Clone, Debug, Default)]
pub(super) struct Outbox {
    news: Arc<Mutex<Waiting>>,
    room: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Waiting {
    news: VecDeque<(TargetId, News)>,
    bytes: usize,
    reader: Option<Waker>,
}

impl Outbox {
    /// Leaves news.
    pub(super) fn leave(&self, target: TargetId, news: News) {
        let mut waiting = self.open();
        if let News::Text { text, .. } = &news {
            waiting.bytes += text.len();
        }
        waiting.news.push_back((target, news));
        if let Some(reader) = waiting.reader.take() {
            reader.wake();
        }
    }

    /// Waits until there is room for more text.
    pub(super) async fn room(&self) {
        loop {
            let mut room = pin!(self.room.notified());
            room.as_mut().enable();
            if self.open().bytes < MOST_BYTES {
                return;
            }
            room.await;
        }
    }

    /// The next news; the reader is woken when there is some.
    pub(super) fn poll(&self, context: &mut Context<'_>) -> Poll<Update> {
        let mut waiting = self.open();
        let Some((target, news)) = waiting.news.pop_front() else {
            waiting.reader = Some(context.waker().clone());
            return Poll::Pending;
        };
        if let News::Text { text, .. } = &news {
            waiting.bytes = waiting.bytes.saturating_sub(text.len());
            self.room.notify_waiters();
        }
        Poll::Ready(Update::Console { target, news })
    }

    /// The news is whole after every change, so a writer that panicked leaves nothing half done.
    fn open(&self) -> MutexGuard<'_, Waiting> {
        self.news.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Bytes of text that wait before a console waits in turn.
const MOST_BYTES: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_prints_more_than_is_read_waits() {
        let outbox = Outbox::default();
        let text = || News::Text { text: "x".repeat(MOST_BYTES), is_complaint: false };
        outbox.room().await;
        outbox.leave(TargetId::new(0), text());
        let mut room = Box::pin(outbox.room());
        let mut context = Context::from_waker(Waker::noop());
        assert!(room.as_mut().poll(&mut context).is_pending());
        assert!(outbox.poll(&mut context).is_ready());
        room.await;
        assert!(outbox.poll(&mut context).is_pending());
    }
}
