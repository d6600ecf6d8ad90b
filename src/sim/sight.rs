//! What is seen of an engine beside the truth.

use crate::engine::discipline::State;
use crate::sim::statistics::Sight;
use crate::sim::world::{NodeId, World};
use crate::units::{Leap, NtpDuration};

/// ntpd's number of a state.
const fn number(state: State) -> u8 {
    match state {
        State::NotSet => 1,
        State::FrequencySet => 2,
        State::Spike => 3,
        State::Frequency => 4,
        State::Synchronised => 5,
    }
}

/// What is seen of the engine of a machine now.
pub fn sight(world: &mut World, id: NodeId) -> Sight {
    let (at, truth) = (world.at(), *world.truth());
    let Some(host) = world.host_mut(id) else { return Sight::default() };
    let now = host.now(at);
    let frequency_error = host.frequency_error(at);
    let engine = host.engine();
    let (system, report) = (engine.system(), engine.report(&now));
    let distance_s = system.root_delay.seconds() / 2.0 + engine.root_dispersion(&now).seconds();
    let tallies = engine.associations().filter_map(|association| {
        Some((NodeId::at(association.address?.ip())?, association.standing.tally))
    });
    Sight {
        error: now.clock - truth.time(at),
        frequency_error,
        is_synchronised: system.leap != Leap::Alarm,
        offset: report.offset,
        bound: NtpDuration::from_seconds(distance_s),
        state: number(report.state),
        poll: report.time_constant.exponent(),
        tallies: tallies.collect(),
    }
}
