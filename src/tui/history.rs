//! What the offsets of the sources were: a bounded series of each.

use std::collections::{HashMap, VecDeque};

use crate::model::vars::peer;
use crate::model::{Daemon, Peer};
use crate::tui::rows::PeerKey;
use crate::units::{NtpDuration, NtpTimestamp};

pub mod course;

/// The latest offsets of one source, oldest first; `None` where a poll was not answered.
#[derive(Clone, Debug, Default)]
pub struct Series {
    offsets: VecDeque<Option<NtpDuration>>,
    last_packet: Option<NtpTimestamp>,
}

impl Series {
    /// The latest `count` of them, oldest first.
    pub fn latest(&self, count: usize) -> impl Iterator<Item = Option<NtpDuration>> {
        self.offsets.iter().skip(self.offsets.len().saturating_sub(count)).copied()
    }

    fn push(&mut self, offset: Option<NtpDuration>) {
        if self.offsets.len() == KEPT {
            self.offsets.pop_front();
        }
        self.offsets.push_back(offset);
    }
}

/// The series of all sources of a daemon; they survive its restart.
#[derive(Clone, Debug, Default)]
pub struct History {
    series: HashMap<PeerKey, Series>,
}

impl History {
    /// The series of one source.
    pub fn of(&self, key: &PeerKey) -> Option<&Series> {
        self.series.get(key)
    }

    /// Takes note of what `daemon` tells now: one offset for each packet that arrived since.
    pub fn record(&mut self, daemon: &Daemon) {
        for peer in daemon.peers.iter() {
            let Some(key) = PeerKey::of(peer) else { continue };
            if let Some((stamp, offset)) = latest_sample(peer) {
                self.record_one(key, peer, stamp, offset);
            }
        }
        if self.series.len() > daemon.peers.len().saturating_mul(2) + SPARE {
            let present: Vec<_> = daemon.peers.iter().filter_map(|p| PeerKey::of(p)).collect();
            self.series.retain(|key, _| present.contains(key));
        }
    }

    fn record_one(&mut self, key: PeerKey, peer: &Peer, stamp: NtpTimestamp, offset: NtpDuration) {
        let series = self.series.entry(key).or_default();
        match series.last_packet {
            Some(last) if last == stamp => return,
            Some(last) => {
                let missed = missed(peer, stamp - last);
                (0..missed).for_each(|_| series.push(None));
            }
            None => {}
        }
        series.last_packet = Some(stamp);
        series.push(Some(offset));
    }
}

/// How many polls went unanswered between two packets, at most a handful.
fn missed(peer: &Peer, between: NtpDuration) -> usize {
    let poll = peer.row.latest().and_then(|row| row.poll(&peer::HOST_POLL)?.interval());
    let (Some(poll), Some(between)) = (poll, between.to_std()) else { return 0 };
    let polls = (between.as_secs_f64() / poll.as_secs_f64().max(1.0)).round();
    (1..=8).filter(|n| f64::from(*n) + 0.5 < polls).count()
}

fn latest_sample(peer: &Peer) -> Option<(NtpTimestamp, NtpDuration)> {
    let row = peer.row.latest()?;
    Some((row.timestamp(&peer::RECEIVE)?, row.duration(&peer::OFFSET)?))
}

/// Offsets kept of each source: as many as the widest sparkline shows.
const KEPT: usize = 64;

/// Series kept beyond twice the number of sources that there are.
const SPARE: usize = 32;
