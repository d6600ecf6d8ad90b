//! What an engine and a daemon saw of the same sources, and whether they agree.
//!
//! Offsets agree when their medians are within 50 µs plus the larger jitter. Who is false and who is
//! not has to be the same. Who of the true ones leads (`*`), who counts (`+`) and whom clustering
//! dropped (`-`) follows from the values shown: selection is done again and again, each time with
//! every source as either of both showed it at some time, its offset moved by up to 50 µs. A tally
//! that comes out each time is decided, and both have to show it. Where several come out, what moved
//! from second to second is more than what tells the sources apart.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use ntpscope::model::vars::peer;
use ntpscope::model::{Daemon, Peer};
use ntpscope::selection::distance::Path;
use ntpscope::selection::{self, Candidate, Limits, Memory, Unfit};
use ntpscope::units::{AssocId, Leap, NtpDuration, Stratum};

use crate::engine::{FALSETICKER, SILENT};

/// What both saw, ours first.
pub(crate) struct Record {
    addresses: Vec<IpAddr>,
    sources: BTreeMap<IpAddr, Source>,
}

/// What both saw of one source, in milliseconds.
#[derive(Default)]
struct Source {
    offsets: [Vec<f64>; 2],
    jitters: [Vec<f64>; 2],
    /// In the seconds that are judged.
    tallies: [BTreeMap<char, u32>; 2],
    /// As either showed it in those.
    views: Vec<View>,
}

/// A source as it was shown at one time.
#[derive(Clone, Copy)]
struct View {
    offset: NtpDuration,
    delay: NtpDuration,
    jitter: NtpDuration,
    root_delay: NtpDuration,
    root_dispersion: NtpDuration,
    stratum: Stratum,
}

impl Record {
    pub(crate) fn new(servers: &[&str]) -> Self {
        let addresses = servers.iter().map(|server| server.parse().expect("an address"));
        Self { addresses: addresses.collect(), sources: BTreeMap::new() }
    }

    /// Takes in what ours and theirs show now; `judges` where verdicts count.
    pub(crate) fn see(&mut self, both: [&Daemon; 2], judges: bool) {
        for address in &self.addresses {
            let peers = both.map(|daemon| find(daemon, *address));
            let [Some(ours), Some(theirs)] = peers else { continue };
            let source = self.sources.entry(*address).or_default();
            for (place, peer) in [ours, theirs].into_iter().enumerate() {
                let Some(view) = View::of(peer, ahead(both[place])) else { continue };
                source.offsets[place].push(view.offset.milliseconds());
                source.jitters[place].push(view.jitter.milliseconds());
                if judges {
                    let tally = peer.status.tally().character();
                    *source.tallies[place].entry(tally).or_default() += 1;
                    source.views.push(view);
                }
            }
        }
    }

    pub(crate) fn figures(&self) -> String {
        let decided = self.decided();
        let line = |(address, source): (&IpAddr, &Source)| {
            let [ours, theirs] = source.offsets.each_ref().map(|all| median(all));
            let [jitter, their_jitter] = source.jitters.each_ref().map(|all| median(all));
            let [tallies, their_tallies] = &source.tallies;
            let decided: String = decided.get(address).into_iter().flatten().collect();
            format!(
                "{address}: offset {ours:.4} and {theirs:.4} ms, jitter {jitter:.4} and \
                 {their_jitter:.4} ms, {tallies:?} and {their_tallies:?}, selected again `{decided}`"
            )
        };
        self.sources.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    pub(crate) fn judge(&self) {
        let silent: IpAddr = SILENT.parse().expect("an address");
        let falseticker: IpAddr = FALSETICKER.parse().expect("an address");
        let decided = self.decided();
        for address in &self.addresses {
            let source = self.sources.get(address).expect("both have this source");
            let [ours, theirs] = source.tallies.each_ref().map(usual);
            if *address == silent {
                assert_eq!((ours, theirs), (Some(' '), Some(' ')), "{address}");
                continue;
            }
            let [offset, their_offset] = source.offsets.each_ref().map(|all| median(all));
            let (apart, allowed) = ((offset - their_offset).abs(), source.apart());
            assert!(
                apart < allowed,
                "{address}: {offset} and {their_offset} ms, allowed {allowed}\n{}",
                self.figures()
            );
            let is_false = [ours, theirs].map(|tally| tally == Some('x'));
            assert_eq!(is_false, [*address == falseticker; 2], "{address}\n{}", self.figures());
            let possible: Vec<char> = decided.get(address).into_iter().flatten().copied().collect();
            let allowed = if let [only] = possible[..] { vec![only] } else { TRUE_ONES.into() };
            for tally in [ours, theirs].into_iter().filter(|_| *address != falseticker) {
                let is_allowed = tally.is_some_and(|tally| allowed.contains(&tally));
                assert!(is_allowed, "{address}: {tally:?}, {possible:?}\n{}", self.figures());
            }
        }
        for place in [0, 1] {
            let leaders =
                self.sources.values().filter(|source| usual(&source.tallies[place]) == Some('*'));
            assert_eq!(leaders.count(), 1, "each follows one\n{}", self.figures());
        }
    }

    /// The tallies that selection gives each source, whatever it is shown as.
    fn decided(&self) -> BTreeMap<IpAddr, BTreeSet<char>> {
        let mut found: BTreeMap<IpAddr, BTreeSet<char>> = BTreeMap::new();
        let mut chance = Chance(1);
        let limits = Limits::default();
        for _ in 0..DRAWS {
            let shown = self.sources.iter().filter(|(_, source)| !source.views.is_empty());
            let (addresses, candidates): (Vec<&IpAddr>, Vec<Candidate>) = (1..)
                .zip(shown)
                .map(|(id, (address, source))| {
                    let view = source.views[chance.below(source.views.len())];
                    let moved = NtpDuration::from_milliseconds(chance.between(-GRAIN, GRAIN));
                    (address, view.candidate(AssocId::new(id), moved, &limits))
                })
                .unzip();
            let explained = selection::select(&candidates, &limits, &Memory::default());
            for (address, verdict) in addresses.into_iter().zip(&explained.verdicts) {
                found.entry(*address).or_default().insert(verdict.tally.character());
            }
        }
        found
    }
}

impl Source {
    /// What may lie between the offsets, in milliseconds: 50 µs plus the larger of both jitters.
    fn apart(&self) -> f64 {
        let [ours, theirs] = self.jitters.each_ref().map(|all| median(all));
        GRAIN + ours.max(theirs)
    }
}

impl View {
    /// `peer` as it is shown by a clock that is `ahead` of the system's.
    fn of(peer: &Peer, ahead: NtpDuration) -> Option<Self> {
        Some(Self {
            offset: peer.duration(&peer::OFFSET)? + ahead,
            delay: peer.duration(&peer::DELAY)?,
            jitter: peer.duration(&peer::JITTER)?,
            root_delay: peer.duration(&peer::ROOT_DELAY)?,
            root_dispersion: peer.duration(&peer::ROOT_DISPERSION)?,
            stratum: peer.row.latest()?.stratum(&peer::STRATUM)?,
        })
    }

    fn candidate(&self, id: AssocId, moved: NtpDuration, limits: &Limits) -> Candidate {
        let Self { offset, delay, jitter, root_delay, root_dispersion, stratum } = *self;
        let (precision, age) = (limits.precision, NtpDuration::ZERO);
        let source_precision = precision;
        let path =
            Path { delay, root_delay, root_dispersion, jitter, source_precision, precision, age };
        Candidate {
            id,
            offset: offset + moved,
            distance: path.root_distance(limits.mindist),
            jitter,
            stratum,
            leap: Leap::None,
            unfit: Unfit { stratum: stratum >= Stratum::new(15), ..Unfit::default() },
            is_preferred: false,
            is_trusted: false,
            kind: selection::Kind::Ordinary,
        }
    }
}

/// By how much the clock that a daemon shows offsets by is ahead of the system's: an engine that
/// observes has a virtual one.
fn ahead(daemon: &Daemon) -> NtpDuration {
    let clocks = daemon.clock_loop.as_ref();
    let ahead = clocks.and_then(|clocks| Some(clocks.system_offset? + -clocks.steered_offset));
    ahead.unwrap_or_default()
}

/// Chance that is the same each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, count: usize) -> usize {
        // A 64-bit linear congruence; its upper bits are good enough here.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(self.0 >> 32).unwrap_or_default() % count
    }

    #[expect(clippy::cast_precision_loss, reason = "a million is no great number")]
    fn between(&mut self, least: f64, most: f64) -> f64 {
        least + (most - least) * self.below(1_000_000) as f64 / 1e6
    }
}

/// How often selection is done again.
const DRAWS: u32 = 5000;

/// What offsets may differ by anyhow, in milliseconds.
const GRAIN: f64 = 0.05;

/// What a source may be that is right.
const TRUE_ONES: [char; 3] = ['*', '+', '-'];

fn find(daemon: &Daemon, address: IpAddr) -> Option<&Arc<Peer>> {
    daemon
        .peers
        .iter()
        .find(|peer| peer.row.latest().and_then(|row| row.address(&peer::SOURCE)) == Some(address))
}

/// The tally that was seen most.
fn usual(tallies: &BTreeMap<char, u32>) -> Option<char> {
    tallies.iter().max_by_key(|(_, times)| **times).map(|(tally, _)| *tally)
}

/// The middle one; zero of none.
fn median(all: &[f64]) -> f64 {
    let mut sorted = all.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}
