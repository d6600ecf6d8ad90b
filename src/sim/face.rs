//! What a simulated machine looks like to an operator who asks it.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use crate::engine::snapshot::{Snapshots, Steered};
use crate::model::clock_loop::Steers;
use crate::model::daemon::{Associations, Contact, Daemon, Peer};
use crate::model::identity::Identity;
use crate::model::part::{Dated, Part};
use crate::model::values::{Value, Values};
use crate::model::vars::{peer, system};
use crate::sim::host::Host;
use crate::sim::server::{Character, Server};
use crate::sim::world::{NodeId, World};
use crate::units::{
    AssocId, Leap, Mode, Now, NtpDuration, PollExponent, Ppm, Precision, Reach, RefId, Stratum,
};
use crate::wire::mode6::flash::Flash;
use crate::wire::mode6::status::{PeerStatus, SystemStatus};

/// A machine as it was last seen.
#[derive(Debug)]
pub struct Face {
    kind: Kind,
    is_own: bool,
    last: Daemon,
}

/// What answers for a machine.
#[derive(Debug)]
enum Kind {
    /// Its engine.
    Engine(Box<Snapshots>),
    /// What a server with a receiver of its own would say.
    Receiver,
}

impl Face {
    /// The face of a machine that was not asked yet; `is_own` when the program pretends to run
    /// there, and so sees into its engine.
    pub fn of(world: &World, id: NodeId, is_own: bool) -> Self {
        let kind = match world.host(id) {
            Some(_) => Kind::Engine(Box::default()),
            None => Kind::Receiver,
        };
        Self { kind, is_own, last: Daemon::default() }
    }

    /// Looks at it when the clocks of whoever asks show `asked`. A machine that is cut off does not answer, and one that sleeps is not
    /// looked at.
    pub fn look(&mut self, world: &mut World, id: NodeId, asked: &Now) -> Option<Arc<Daemon>> {
        let at = world.at();
        if world.host(id).is_some_and(Host::is_asleep) {
            return None;
        }
        if world.is_cut(id) && !self.is_own {
            let last = self.last.contact.last_answer();
            let since = match self.last.contact {
                Contact::Silent { since, .. } => since,
                _ => asked.mono,
            };
            self.last.contact = Contact::Silent { since, last };
            return Some(Arc::new(self.last.clone()));
        }
        self.last = match &mut self.kind {
            Kind::Engine(snapshots) => {
                let host = world.host_mut(id)?;
                let now = host.now(at);
                let steered = Steered { which: Steers::Simulated, ahead_of_system: None };
                let mut daemon = snapshots.take_at(host.engine(), &now, steered, asked.mono);
                if !self.is_own {
                    // What is asked from afar does not tell so much.
                    daemon.selection = None;
                    daemon.clock_loop = None;
                    daemon.contact = answering(asked);
                }
                daemon
            }
            Kind::Receiver => receiver(world, id, asked)?,
        };
        Some(Arc::new(self.last.clone()))
    }
}

const fn answering(asked: &Now) -> Contact {
    Contact::Answering { last: asked.mono, round_trip: Duration::from_millis(1) }
}

/// What a server with a receiver of its own says of itself.
fn receiver(world: &World, id: NodeId, asked: &Now) -> Option<Daemon> {
    let (at, truth) = (world.at(), world.truth());
    let server: &Server = world.server(id)?;
    let spec = server.spec();
    let clock = server.time(at, truth);
    let dated = Dated { asked: asked.mono, answered: asked.mono, clock: asked.clock };
    let is_synchronised = spec.character != Character::Unsynchronised;
    let leap = if is_synchronised { truth.announced(at) } else { Leap::Alarm };
    let code = RefId::from_code(&spec.reference).unwrap_or_default();
    let is_pulse = spec.reference == "PPS";
    // A receiver that lies follows its own pulse all the while: it does not know.
    let swing = server.swing(at);
    let jitter = NtpDuration::from_seconds(1.2e-6);
    let stratum =
        if is_synchronised { Stratum::new(spec.stratum) } else { Stratum::UNSYNCHRONISED };
    let list = Associations {
        system: SystemStatus::from_bits(u16::from(leap.bits()) << 14 | SOURCE_RECEIVER << 8 | 0x15),
        list: vec![(RECEIVER, receiver_status(is_pulse, is_synchronised))],
    };
    let seconds = NtpDuration::from_seconds;
    let system = Values::typed([
        (&system::VERSION, Value::Text(VERSION.into())),
        (&system::LEAP, Value::Leap(leap)),
        (&system::STRATUM, Value::Stratum(stratum)),
        (&system::PRECISION, Value::Precision(Precision::new(spec.precision))),
        (&system::ROOT_DELAY, Value::Duration(seconds(spec.root_delay.seconds()))),
        (&system::ROOT_DISPERSION, Value::Duration(seconds(spec.root_dispersion.seconds()))),
        (&system::REFERENCE_ID, Value::ReferenceCode(code)),
        (&system::REFERENCE_TIME, Value::Timestamp(clock + seconds(-8.0))),
        (&system::CLOCK, Value::Timestamp(clock)),
        (&system::PEER, Value::Association(RECEIVER)),
        (&system::TIME_CONSTANT, Value::Poll(PollExponent::new(4))),
        (&system::OFFSET, Value::Duration(-swing)),
        (&system::FREQUENCY, Value::Frequency(Ppm::new(-3.25).unwrap_or_default())),
        (&system::SYSTEM_JITTER, Value::Duration(jitter)),
        (&system::CLOCK_JITTER, Value::Duration(jitter)),
        (&system::CLOCK_WANDER, Value::Frequency(Ppm::new(0.001).unwrap_or_default())),
    ]);
    let reach = if is_synchronised { 0xff } else { 0 };
    let row = Values::typed([
        (&peer::SOURCE, Value::Address(IpAddr::V4(receiver_address(is_pulse)))),
        (&peer::LEAP, Value::Leap(leap)),
        (&peer::STRATUM, Value::Stratum(Stratum::new(0))),
        (&peer::REACH, Value::Reach(Reach::new(reach))),
        (&peer::HOST_MODE, Value::Mode(Mode::Client)),
        (&peer::HOST_POLL, Value::Poll(PollExponent::new(4))),
        (&peer::PEER_POLL, Value::Poll(PollExponent::new(4))),
        (&peer::FLASH, Value::Flash(Flash::default())),
        (&peer::OFFSET, Value::Duration(-swing)),
        (&peer::DELAY, Value::Duration(NtpDuration::ZERO)),
        (&peer::DISPERSION, Value::Duration(seconds(2e-4))),
        (&peer::JITTER, Value::Duration(jitter)),
        (&peer::REFERENCE_ID, Value::ReferenceCode(code)),
        (&peer::REFERENCE_TIME, Value::Timestamp(clock + seconds(-8.0))),
        (&peer::RECEIVE, Value::Timestamp(clock + seconds(-8.0))),
    ]);
    let mut source = Peer::new(RECEIVER, receiver_status(is_pulse, is_synchronised));
    source.row = Part::answered(row, dated);
    Some(Daemon {
        contact: answering(asked),
        identity: Some(Arc::new(Identity::read(VERSION))),
        system: Part::answered(system, dated),
        associations: Part::answered(list, dated),
        peers: [Arc::new(source)].into(),
        ..Daemon::default()
    })
}

/// The status word of a receiver: configured, reachable, and the one that is followed.
const fn receiver_status(is_pulse: bool, is_synchronised: bool) -> PeerStatus {
    let select = match (is_synchronised, is_pulse) {
        (true, true) => 0x97,
        (true, false) => 0x96,
        (false, _) => 0x80,
    };
    PeerStatus::from_bits(select << 8 | 0x1a)
}

/// The address of a receiver's driver.
const fn receiver_address(is_pulse: bool) -> Ipv4Addr {
    if is_pulse { Ipv4Addr::new(127, 127, 22, 0) } else { Ipv4Addr::new(127, 127, 20, 0) }
}

/// The only association of such a server.
const RECEIVER: AssocId = AssocId::new(4711);

/// Of a status word: a receiver on a wire of its own.
const SOURCE_RECEIVER: u16 = 4;

/// What such a server calls itself.
const VERSION: &str = "ntpd 4.2.8p15@1.3728-o (simulated)";
