//! What replies tell of associations.

use std::net::IpAddr;

use crate::units::NtpTimestamp;
use crate::wire::mode7::fields::{Fields, Fixed, either};

/// Bits of the flags of an association.
pub mod flags {
    /// It is configured.
    pub const CONFIGURED: u16 = 0x01;
    /// It is the system peer.
    pub const SYSTEM_PEER: u16 = 0x02;
    /// It asks in bursts.
    pub const BURST: u16 = 0x04;
    /// It is a reference clock.
    pub const CLOCK: u16 = 0x08;
    /// It is preferred.
    pub const PREFER: u16 = 0x10;
    /// Its packets are authenticated.
    pub const AUTHENTICATED: u16 = 0x20;
    /// It survived the intersection.
    pub const CANDIDATE: u16 = 0x40;
    /// It is among those that are clustered.
    pub const SHORT_LIST: u16 = 0x80;
    /// It begins with a burst.
    pub const INITIAL_BURST: u16 = 0x100;
}

/// A row of the list of associations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its address.
    pub remote: IpAddr,
    /// Its port.
    pub port: u16,
    /// Our mode, as the protocol numbers them.
    pub host_mode: u8,
    /// See [`flags`].
    pub flags: u16,
}

impl Listed {
    /// Reads an item.
    pub fn parse(item: &[u8]) -> Self {
        let mut fields = Fields::new(item);
        let v4 = fields.v4();
        let port = fields.u16();
        let host_mode = fields.u8();
        let flags = fields.u8().into();
        let is_v6 = fields.flag();
        fields.skip::<4>();
        Self { remote: either(is_v6, v4, fields.v6()), port, host_mode, flags }
    }
}

/// A row of the table of associations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The address that it is asked from.
    pub local: IpAddr,
    /// Its address.
    pub remote: IpAddr,
    /// Its port.
    pub port: u16,
    /// Its stratum.
    pub stratum: u8,
    /// Our poll exponent.
    pub host_poll: i8,
    /// Its poll exponent.
    pub peer_poll: i8,
    /// The reachability register.
    pub reach: u8,
    /// See [`flags`].
    pub flags: u16,
    /// Our mode, as the protocol numbers them.
    pub host_mode: u8,
    /// Round trip, in s.
    pub delay: Fixed,
    /// Positive when it is ahead, in s.
    pub offset: Fixed,
    /// In s.
    pub dispersion: Fixed,
}

impl Summary {
    /// Reads an item.
    pub fn parse(item: &[u8]) -> Self {
        let mut fields = Fields::new(item);
        let (local, remote) = (fields.v4(), fields.v4());
        let port = fields.u16();
        let stratum = fields.u8();
        let (host_poll, peer_poll) = (fields.i8(), fields.i8());
        let [reach, flags, host_mode] = fields.array();
        let delay = fields.short();
        let offset = fields.long();
        let dispersion = fields.unsigned_short();
        let is_v6 = fields.flag();
        fields.skip::<4>();
        Self {
            local: either(is_v6, local, fields.v6()),
            remote: either(is_v6, remote, fields.v6()),
            port,
            stratum,
            host_poll,
            peer_poll,
            reach,
            flags: flags.into(),
            host_mode,
            delay,
            offset,
            dispersion,
        }
    }
}

/// All that is told of one association.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Details {
    /// The address that it is asked from.
    pub local: IpAddr,
    /// Its address.
    pub remote: IpAddr,
    /// See [`flags`].
    pub flags: u16,
    /// Leap bits of its last packet.
    pub leap: u8,
    /// Our mode.
    pub host_mode: u8,
    /// Its mode.
    pub peer_mode: u8,
    /// Its stratum.
    pub stratum: u8,
    /// Its poll exponent.
    pub peer_poll: u8,
    /// Our poll exponent.
    pub host_poll: u8,
    /// Exponent of its precision, in s.
    pub precision: i8,
    /// NTP version.
    pub version: u8,
    /// The reachability register.
    pub reach: u8,
    /// Polls since it was last reachable.
    pub unreach: u8,
    /// Time to live of packets to a group, or mode of a clock.
    pub ttl: u8,
    /// Which tests its last packet failed.
    pub flash: u16,
    /// Its number in mode 6.
    pub association: u16,
    /// The key of its packets; 0 is none.
    pub key_id: u32,
    /// What it is synchronised to: an address or four letters.
    pub reference_id: [u8; 4],
    /// Until the next poll, in s.
    pub timer: u32,
    /// Round trip to the primary source, in s.
    pub root_delay: Fixed,
    /// Error to the primary source, in s.
    pub root_dispersion: Fixed,
    /// When its clock was last set.
    pub reference_time: NtpTimestamp,
    /// When we sent what it last answered.
    pub originate: NtpTimestamp,
    /// When its last packet came.
    pub receive: NtpTimestamp,
    /// When we last sent.
    pub transmit: NtpTimestamp,
    /// Delays of the last eight samples, in s.
    pub filter_delays: [Fixed; STAGES],
    /// Their offsets, in s.
    pub filter_offsets: [Fixed; STAGES],
    /// Which sample comes in which place, best first.
    pub filter_order: [u8; STAGES],
    /// Round trip, in s.
    pub delay: Fixed,
    /// In s.
    pub dispersion: Fixed,
    /// Positive when it is ahead, in s.
    pub offset: Fixed,
    /// Jitter, in s.
    pub jitter: Fixed,
    /// What is added to the times of its broadcasts, in s.
    pub broadcast_offset: Fixed,
}

impl Details {
    /// Reads an item.
    pub fn parse(item: &[u8]) -> Self {
        let mut fields = Fields::new(item);
        let (local, remote) = (fields.v4(), fields.v4());
        fields.skip::<2>();
        let [flags, leap, host_mode, peer_mode, stratum, peer_poll, host_poll] = fields.array();
        let precision = fields.i8();
        let version = fields.u8();
        fields.skip::<1>();
        let [reach, unreach, _old_flash, ttl] = fields.array();
        let flash = fields.native_u16();
        let association = fields.u16();
        let key_id = fields.native_u32();
        // The number of a key that only Autokey had.
        fields.skip::<4>();
        let reference_id = fields.array();
        let timer = fields.u32();
        let root_delay = fields.short();
        let root_dispersion = fields.unsigned_short();
        let [reference_time, originate, receive, transmit] = [(); 4].map(|()| fields.timestamp());
        let filter_delays = [(); STAGES].map(|()| fields.short());
        let filter_offsets = [(); STAGES].map(|()| fields.long());
        let filter_order = fields.array();
        let delay = fields.short();
        let dispersion = fields.unsigned_short();
        let offset = fields.long();
        let jitter = fields.unsigned_short();
        fields.skip::<28>();
        let broadcast_offset = fields.short();
        let is_v6 = fields.flag();
        fields.skip::<4>();
        Self {
            local: either(is_v6, local, fields.v6()),
            remote: either(is_v6, remote, fields.v6()),
            flags: flags.into(),
            leap,
            host_mode,
            peer_mode,
            stratum,
            peer_poll,
            host_poll,
            precision,
            version,
            reach,
            unreach,
            ttl,
            flash,
            association,
            key_id,
            reference_id,
            timer,
            root_delay,
            root_dispersion,
            reference_time,
            originate,
            receive,
            transmit,
            filter_delays,
            filter_offsets,
            filter_order,
            delay,
            dispersion,
            offset,
            jitter,
            broadcast_offset,
        }
    }
}

/// Counters of one association.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statistics {
    /// The address that it is asked from.
    pub local: IpAddr,
    /// Its address.
    pub remote: IpAddr,
    /// See [`flags`].
    pub flags: u16,
    /// Since its last packet came, in s.
    pub since_received: u32,
    /// Until the next is sent, in s.
    pub until_sent: u32,
    /// Since it became reachable or ceased to be, in s.
    pub since_reachable: u32,
    /// Packets sent.
    pub sent: u32,
    /// Packets received and used.
    pub processed: u32,
    /// Packets with a wrong code.
    pub bad_authentication: u32,
    /// Packets that answer nothing that was sent.
    pub bogus_origin: u32,
    /// Packets that came before.
    pub duplicate: u32,
    /// Packets with too much dispersion.
    pub bad_dispersion: u32,
    /// Packets with an old reference time.
    pub bad_reference: u32,
    /// Its place among the candidates.
    pub candidate: u8,
}

impl Statistics {
    /// Reads an item.
    pub fn parse(item: &[u8]) -> Self {
        let mut fields = Fields::new(item);
        let (local, remote) = (fields.v4(), fields.v4());
        fields.skip::<2>();
        let flags = fields.u16();
        // Since the counters were reset, which is never printed.
        fields.skip::<4>();
        let [since_received, until_sent, since_reachable, sent] = [(); 4].map(|()| fields.u32());
        fields.skip::<4>();
        let processed = fields.u32();
        fields.skip::<4>();
        let [bad_authentication, bogus_origin, duplicate] = [(); 3].map(|()| fields.u32());
        fields.skip::<8>();
        let [bad_dispersion, bad_reference] = [(); 2].map(|()| fields.u32());
        fields.skip::<4>();
        let candidate = fields.u8();
        fields.skip::<3>();
        let is_v6 = fields.flag();
        fields.skip::<4>();
        Self {
            local: either(is_v6, local, fields.v6()),
            remote: either(is_v6, remote, fields.v6()),
            flags,
            since_received,
            until_sent,
            since_reachable,
            sent,
            processed,
            bad_authentication,
            bogus_origin,
            duplicate,
            bad_dispersion,
            bad_reference,
            candidate,
        }
    }
}

/// Samples that the clock filter keeps.
pub const STAGES: usize = 8;
