//! What replies tell of the daemon as a whole: its state, its loop, the kernel's.

use std::net::IpAddr;

use crate::units::NtpTimestamp;
use crate::wire::mode7::fields::{Fields, Fixed, either};

/// Bits of the daemon's flags, as it tells them; to set and clear them others are used (see
/// [`crate::wire::mode7::change::system_flags`]).
pub mod flags {
    /// It takes broadcasts.
    pub const BROADCAST_CLIENT: u8 = 0x01;
    /// Unknown sources need a key.
    pub const AUTHENTICATE: u8 = 0x02;
    /// It steers the clock.
    pub const NTP: u8 = 0x04;
    /// It leaves that to the kernel.
    pub const KERNEL: u8 = 0x08;
    /// It calibrates.
    pub const CALIBRATE: u8 = 0x10;
    /// A pulse per second steers the clock.
    pub const PPS: u8 = 0x20;
    /// It remembers who asks.
    pub const MONITOR: u8 = 0x40;
    /// It writes statistics.
    pub const STATISTICS: u8 = 0x80;
}

/// The daemon's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct System {
    /// Address of its system peer.
    pub peer: IpAddr,
    /// Its mode towards that.
    pub peer_mode: u8,
    /// Leap bits.
    pub leap: u8,
    /// Its stratum.
    pub stratum: u8,
    /// Exponent of its precision, in s.
    pub precision: i8,
    /// Round trip to the primary source, in s.
    pub root_delay: Fixed,
    /// Error to the primary source, in s.
    pub root_dispersion: Fixed,
    /// What it is synchronised to: an address or four letters.
    pub reference_id: [u8; 4],
    /// When its clock was last set.
    pub reference_time: NtpTimestamp,
    /// See [`flags`].
    pub flags: u8,
    /// What is added to the times of broadcasts, in s.
    pub broadcast_delay: Fixed,
    /// Jitter, in s; once the frequency stood here.
    pub jitter: Fixed,
    /// What a digest takes, in s.
    pub authentication_delay: Fixed,
    /// Wander of the frequency, in ppm.
    pub stability: Fixed,
}

impl System {
    /// Reads an item.
    pub fn parse(item: &[u8]) -> Self {
        let mut fields = Fields::new(item);
        let peer = fields.v4();
        let [peer_mode, leap, stratum] = fields.array();
        let precision = fields.i8();
        let root_delay = fields.short();
        let root_dispersion = fields.unsigned_short();
        let reference_id = fields.array();
        let reference_time = fields.timestamp();
        // The poll exponent, in the daemon's own byte order; ntpdc never shows it.
        fields.skip::<4>();
        let flags = fields.u8();
        fields.skip::<3>();
        let broadcast_delay = fields.short();
        let jitter = fields.short();
        let authentication_delay = fields.long();
        let stability = fields.unsigned_short();
        let is_v6 = fields.flag();
        fields.skip::<4>();
        Self {
            peer: either(is_v6, peer, fields.v6()),
            peer_mode,
            leap,
            stratum,
            precision,
            root_delay,
            root_dispersion,
            reference_id,
            reference_time,
            flags,
            broadcast_delay,
            jitter,
            authentication_delay,
            stability,
        }
    }
}

/// The daemon's loop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loop {
    /// The last offset that was used, in s.
    pub offset: Fixed,
    /// What the clock's frequency is corrected by, in ppm.
    pub frequency: Fixed,
    /// Poll adjustment: how far it is from another poll interval.
    pub time_constant: i32,
    /// Since the last update, in s.
    pub watchdog: u32,
}

impl Loop {
    /// Reads an item.
    pub fn parse(item: &[u8]) -> Self {
        let mut fields = Fields::new(item);
        Self {
            offset: fields.long(),
            frequency: fields.long(),
            time_constant: fields.i32(),
            watchdog: fields.u32(),
        }
    }
}

/// The kernel's loop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kernel {
    /// What is left to be corrected, in µs, or in ns where the status says so.
    pub offset: i32,
    /// Frequency, in ppm.
    pub frequency: Fixed,
    /// Maximum error, in µs.
    pub maximum_error: u32,
    /// Estimated error, in µs.
    pub estimated_error: u32,
    /// Bits, as `adjtimex` tells them.
    pub status: u16,
    /// Exponent of the interval between calibrations by a pulse, in s; 0 where there is no pulse.
    pub shift: u16,
    /// Time constant of the loop.
    pub constant: u32,
    /// Precision, in µs.
    pub precision: u32,
    /// What frequency it can be wrong by, in ppm.
    pub tolerance: Fixed,
    /// Frequency by the pulse, in ppm.
    pub pulse_frequency: Fixed,
    /// Jitter of the pulse, in the unit of the offset.
    pub pulse_jitter: u32,
    /// Wander by the pulse, in ppm.
    pub pulse_stability: Fixed,
    /// Pulses with too much jitter.
    pub jitter_exceeded: u32,
    /// Calibrations.
    pub calibrations: u32,
    /// Calibrations that failed.
    pub calibration_errors: u32,
    /// Calibrations with too much wander.
    pub stability_exceeded: u32,
}

impl Kernel {
    /// Reads an item.
    pub fn parse(item: &[u8]) -> Self {
        let mut fields = Fields::new(item);
        Self {
            offset: fields.i32(),
            frequency: fields.short(),
            maximum_error: fields.u32(),
            estimated_error: fields.u32(),
            status: fields.u16(),
            shift: fields.u16(),
            constant: fields.u32(),
            precision: fields.u32(),
            tolerance: fields.short(),
            pulse_frequency: fields.short(),
            pulse_jitter: fields.u32(),
            pulse_stability: fields.short(),
            jitter_exceeded: fields.u32(),
            calibrations: fields.u32(),
            calibration_errors: fields.u32(),
            stability_exceeded: fields.u32(),
        }
    }
}

/// Bits of the kernel's status, as Linux and others have them.
pub mod kernel_status {
    /// Some times are in ns, not µs.
    pub const NANOSECONDS: u16 = 0x2000;
}
