//! What a filter over all sources adds to selection.

use std::time::Duration;

use super::pair::{Pair, Server, iburst, seconds};
use crate::clock::command::{Command, Outcome};
use crate::engine::discipline::limits::Limits;
use crate::engine::discipline::{
    Discipline, Disturbance, Measurement, Report, Selected, SourceReport, State, Verdict,
};
use crate::engine::output::Event;
use crate::selection::Reason;
use crate::units::{AssocId, Mono, Now, NtpDuration, PollExponent, Ppm, Tally};

/// A filter with a firm opinion of each source, and no wish to touch the clock.
#[derive(Debug)]
struct Opinion(Vec<SourceReport>);

impl Discipline for Opinion {
    fn limit(&mut self, _: &Limits) {}

    fn measured(&mut self, _: &Now, _: &Measurement) {}

    fn offset_now(&self, _: &Now, measurement: &Measurement) -> NtpDuration {
        measurement.offset
    }

    fn selected(&mut self, _: &Now, _: &Selected<'_>) -> Verdict {
        Verdict::Ignored
    }

    fn wakeup(&mut self, _: &Now) -> Verdict {
        Verdict::Ignored
    }

    fn next_wakeup(&self) -> Option<Mono> {
        None
    }

    fn poll_command(&mut self) -> Option<Command> {
        None
    }

    fn commanded(&mut self, _: &Now, _: &Outcome) {}

    fn forget(&mut self, _: AssocId) {}

    fn disturbed(&mut self, _: &Now, _: Disturbance) {}

    fn poll_wish(&self, _: AssocId) -> Option<Duration> {
        None
    }

    fn report(&self, _: &Now) -> Report {
        Report {
            state: State::Synchronised,
            offset: NtpDuration::ZERO,
            error_bound: None,
            frequency: Ppm::default(),
            frequency_error: None,
            jitter: NtpDuration::ZERO,
            wander: Ppm::default(),
            time_constant: PollExponent::new(6),
            is_converged: true,
            sources: self.0.clone(),
        }
    }
}

fn opinion(source: AssocId, weight: f64, is_inconsistent: bool) -> SourceReport {
    SourceReport {
        source,
        weight,
        bias: NtpDuration::from_seconds(0.02),
        bias_prior: NtpDuration::from_seconds(0.001),
        is_inconsistent,
        asymmetry: 0.0,
        residual: NtpDuration::ZERO,
    }
}

#[test]
fn a_system_peer_whom_the_filter_cannot_explain_is_followed_by_the_next_best() {
    let mut pair = Pair::new(15);
    let near = |stratum| Server { stratum, ..Server::default() };
    let lost = pair.serve(1, near(1), iburst());
    let others = [2, 3].map(|number| pair.serve(number, near(3), iburst()));
    let far = pair.serve(4, Server { ahead_s: 3.0, ..near(1) }, iburst());
    pair.run(seconds(300));
    assert_eq!(pair.engine.system().peer, Some(lost), "the best before the filter speaks");
    // The falseticker has a share in the filter yet; it must have none in what is shown.
    pair.engine.discipline = Box::new(Opinion(vec![
        opinion(lost, 5.0, true),
        opinion(others[0], 3.0, false),
        opinion(others[1], 1.0, false),
        opinion(far, 7.0, true),
    ]));
    pair.events.clear();
    let mut peers = Vec::new();
    for _ in 0..60 {
        pair.run(seconds(65));
        let standing = pair.association(lost).standing;
        let reason = Some(Reason::Inconsistent {
            bias: NtpDuration::from_seconds(0.02),
            prior: NtpDuration::from_seconds(0.001),
        });
        assert_eq!((standing.tally, standing.reason), (Tally::Outlier, reason));
        let weights = [lost, others[0], others[1], far].map(|id| {
            let share = pair.association(id).standing.weight;
            (share * 100.0).round()
        });
        assert_eq!(format!("{weights:?}"), "[0.0, 75.0, 25.0, 0.0]");
        assert_eq!(pair.association(far).standing.tally, Tally::Falseticker);
        let peer = pair.engine.system().peer.unwrap();
        assert_eq!(pair.association(peer).standing.tally, Tally::SystemPeer);
        assert_eq!(pair.engine.explained().system.unwrap().peer, peer);
        assert_eq!(pair.engine.memory.system_peer, Some(peer));
        assert_eq!(pair.engine.system().stratum.get(), 4, "one more than that of the new peer");
        peers.push(peer);
    }
    assert!(peers.iter().all(|peer| others.contains(peer)), "{peers:?}");
    // It stays with whom it found: it does not go back to the lost one before each selection.
    let changes = pair.events.iter().filter(|event| {
        matches!(event, Event::Peer { association, detail, .. }
            if *association == lost || detail.contains("the clock follows it"))
    });
    assert!(changes.count() <= 3, "{:?}", pair.events);
}

#[test]
fn without_an_opinion_the_shares_are_those_of_the_combine_algorithm() {
    let mut pair = Pair::new(16);
    let ids = [1, 2].map(|number| pair.serve(number, Server::default(), iburst()));
    pair.engine.discipline = Box::new(Opinion(Vec::new()));
    pair.run(seconds(300));
    let sum: f64 = ids.iter().map(|id| pair.association(*id).standing.weight).sum();
    assert!((sum - 1.0).abs() < 1e-9, "{sum}");
}
