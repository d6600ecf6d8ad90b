//! What the offsets of the sources were: a bounded series of each.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crate::model::vars::peer;
use crate::model::{Daemon, Peer};
use crate::tui::rows::PeerKey;
use crate::units::{Mono, NtpDuration, NtpTimestamp};

pub mod course;

/// The latest offsets of one source, oldest first; `None` where a poll was not answered.
#[derive(Clone, Debug, Default)]
pub struct Series {
    offsets: VecDeque<Option<NtpDuration>>,
    last: Option<Sample>,
}

/// A sample as the daemon tells it.
#[derive(Clone, Copy, Debug)]
struct Sample {
    taken: Taken,
    offset: NtpDuration,
}

/// When a sample was taken.
#[derive(Clone, Copy, Debug)]
enum Taken {
    /// Its packet arrived then by the daemon's clock.
    Stamped(NtpTimestamp),
    /// It was so many whole seconds old when the daemon told; so this is known to a second or two.
    Aged {
        /// The daemon's answer, less the age.
        at: Mono,
        /// Its offset as it was measured, which stays while what is left of it does not.
        measured: Option<NtpDuration>,
    },
}

impl Taken {
    /// How long after `earlier` it was taken; `None` when it is the same sample.
    fn since(self, earlier: Self) -> Option<NtpDuration> {
        match (self, earlier) {
            (Self::Stamped(now), Self::Stamped(before)) => (now != before).then(|| now - before),
            (Self::Aged { at, measured }, Self::Aged { at: before, measured: old }) => {
                let between = at.since(before);
                let is_other = measured != old || between > COARSE;
                is_other.then(|| between.into())
            }
            _ => Some(NtpDuration::ZERO),
        }
    }
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
            if let Some(sample) = latest_sample(peer) {
                self.record_one(key, peer, sample);
            }
        }
        if self.series.len() > daemon.peers.len().saturating_mul(2) + SPARE {
            let present: Vec<_> = daemon.peers.iter().filter_map(|p| PeerKey::of(p)).collect();
            self.series.retain(|key, _| present.contains(key));
        }
    }

    fn record_one(&mut self, key: PeerKey, peer: &Peer, sample: Sample) {
        let series = self.series.entry(key).or_default();
        if let Some(last) = series.last {
            let Some(between) = sample.taken.since(last.taken) else { return };
            let missed = missed(peer, between);
            (0..missed).for_each(|_| series.push(None));
        }
        series.last = Some(sample);
        series.push(Some(sample.offset));
    }
}

/// How many polls went unanswered between two packets, at most a handful.
fn missed(peer: &Peer, between: NtpDuration) -> usize {
    let poll = peer.row.latest().and_then(|row| row.poll(&peer::HOST_POLL)?.interval());
    let (Some(poll), Some(between)) = (poll, between.to_std()) else { return 0 };
    let polls = (between.as_secs_f64() / poll.as_secs_f64().max(1.0)).round();
    (1..=8).filter(|n| f64::from(*n) + 0.5 < polls).count()
}

fn latest_sample(peer: &Peer) -> Option<Sample> {
    let row = peer.row.latest()?;
    let offset = row.duration(&peer::OFFSET)?;
    let taken = if let Some(stamp) = row.timestamp(&peer::RECEIVE) {
        Taken::Stamped(stamp)
    } else {
        let age = row.duration(&peer::SAMPLE_AGE)?.to_std()?;
        let told = peer.row.dated()?.answered.nanos();
        let age = u64::try_from(age.as_nanos()).unwrap_or(u64::MAX);
        let measured = row.duration(&peer::MEASURED_OFFSET);
        Taken::Aged { at: Mono::from_nanos(told.saturating_sub(age)), measured }
    };
    Some(Sample { taken, offset })
}

/// How far apart two readings of one sample's age may place it.
const COARSE: Duration = Duration::from_millis(2500);

/// Offsets kept of each source: as many as the widest sparkline shows.
const KEPT: usize = 64;

/// Series kept beyond twice the number of sources that there are.
const SPARE: usize = 32;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::status::PeerStatus;
    use crate::model::{Dated, Part, Value, Values};
    use crate::units::{AssocId, PollExponent};

    /// A reference clock that a daemon tells of at `second`: the age of its sample, its offset as
    /// measured and what is left of it, in ms.
    fn told(second: f64, age: f64, measured: f64, left: f64) -> Daemon {
        let ms = |ms| Value::Duration(NtpDuration::from_milliseconds(ms));
        let values = Values::typed([
            (&peer::SOURCE_HOST, Value::Text("NMEA".into())),
            (&peer::HOST_POLL, Value::Poll(PollExponent::new(4))),
            (&peer::SAMPLE_AGE, Value::Duration(NtpDuration::from_seconds(age))),
            (&peer::MEASURED_OFFSET, ms(measured)),
            (&peer::OFFSET, ms(left)),
        ]);
        let answered = Mono::default() + Duration::from_secs_f64(second);
        let mut source = Peer::new(AssocId::new(1), PeerStatus::default());
        source.row = Part::answered(values, Dated { answered, ..Dated::default() });
        Daemon { peers: [Arc::new(source)].into(), ..Daemon::default() }
    }

    #[test]
    fn a_sample_told_by_its_age_is_noted_once_and_those_missed_leave_gaps() {
        let mut history = History::default();
        for daemon in [
            told(100.0, 3.0, 2.0, 2.0),
            // The same one: its age is in whole seconds, and the clock was corrected since.
            told(101.9, 4.0, 2.0, 1.5),
            told(103.0, 6.0, 2.0, 1.0),
            told(114.0, 1.0, 3.0, 3.0),
            // Another with the same offset.
            told(130.0, 1.0, 3.0, 3.0),
            // Two polls were missed.
            told(178.0, 1.0, 4.0, 4.0),
        ] {
            history.record(&daemon);
        }
        let key = PeerKey::of(&told(0.0, 0.0, 0.0, 0.0).peers[0]).unwrap();
        let ms = |offset: Option<NtpDuration>| offset.map(|o| o.milliseconds().round());
        let all: Vec<_> = history.of(&key).unwrap().latest(KEPT).map(ms).collect();
        assert_eq!(all, [Some(2.0), Some(3.0), Some(3.0), None, None, Some(4.0)]);
    }
}
