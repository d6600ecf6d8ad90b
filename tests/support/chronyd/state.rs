//! What the scripted chronyd knows: sources whose every value tells whose it is.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use ntpscope::units::{Leap, Mode, PollExponent, Precision, Reach, RefId, Stratum};
use ntpscope::wire::cmdmon::report::{
    Accesses, AuthMode, ClientAccess, InterleavedStats, ManualSample, NtpHeader, NtpSample,
    NtpTests, NtpTotals, NtsStats, SelectOptions, SelectState, SourceMode, SourceState, StampStats,
    StampTotals, StampedBy,
};
use ntpscope::wire::cmdmon::{
    Activity, Address, AuthData, Float, NtpData, PartsPerMillion, RtcReport, Seconds, SelectData,
    ServerStats, Smoothing, SourceData, SourceStats, Tracking, UnixTime,
};

/// All that the daemon can tell.
#[derive(Clone, Debug)]
pub(crate) struct State {
    /// In the order of the daemon's table.
    pub(crate) sources: Vec<Source>,
    pub(crate) tracking: Tracking,
    pub(crate) activity: Activity,
    /// As the newest release has them; what an older one lacks is left out of its replies.
    pub(crate) server_stats: ServerStats,
    /// `None` where no record of them is kept. An address that is unspecified is an empty slot.
    pub(crate) clients: Option<Vec<ClientAccess>>,
    pub(crate) manual: Vec<ManualSample>,
    pub(crate) rtc: Option<RtcReport>,
    pub(crate) smoothing: Option<Smoothing>,
}

/// A source in the reports of every kind.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// The name it was configured by.
    pub(crate) name: String,
    pub(crate) data: SourceData,
    pub(crate) stats: SourceStats,
    pub(crate) selection: SelectData,
    pub(crate) packet: NtpData,
    pub(crate) auth: AuthData,
}

/// The address of the `n`th server.
pub(crate) fn address(n: u8) -> IpAddr {
    Ipv4Addr::new(10, 9, 0, n).into()
}

/// A number that only the `n`th server has: its number, and which field of it this is.
fn own(n: u8, field: u32) -> f64 {
    (f64::from(n) + f64::from(field) / 64.0) / 1024.0
}

impl Source {
    /// The `n`th server, whose every value tells its number.
    pub(crate) fn server(n: u8) -> Self {
        let ip = address(n);
        let letters = RefId::new([10, 9, 0, n]);
        let seconds = |field| Seconds::new(own(n, field));
        let ppm = |field| PartsPerMillion::new(own(n, field));
        let count = |field: u32| u32::from(n) * 100 + field;
        let data = SourceData {
            address: ip.into(),
            poll: PollExponent::new(4 + i8::try_from(n % 6).unwrap_or_default()),
            stratum: Stratum::new(1 + n % 14),
            state: if n == 1 { SourceState::Selected } else { SourceState::Combined },
            mode: SourceMode::Client,
            flags: 0,
            reach: Reach::new(n | 1),
            last_sample: Some(Duration::from_secs(u64::from(n))),
            measured_offset: seconds(1),
            adjusted_offset: seconds(2),
            error_bound: seconds(3),
        };
        let stats = SourceStats {
            reference_id: letters,
            address: ip.into(),
            samples: u32::from(n) + 4,
            runs: u32::from(n) + 2,
            span: Duration::from_secs(u64::from(n) * 60),
            standard_deviation: seconds(4),
            residual_frequency: ppm(5),
            skew: ppm(6),
            estimated_offset: seconds(7),
            offset_error: seconds(8),
        };
        let selection = SelectData {
            reference_id: letters,
            address: ip.into(),
            state: SelectState::from_bits(if n == 1 { b'*' } else { b'+' }),
            authenticated: n % 2,
            leap: Leap::None,
            configured: SelectOptions::from_bits(u16::from(n % 16)),
            effective: SelectOptions::from_bits(u16::from(n % 16) | 4),
            last_sample: Some(Duration::from_secs(u64::from(n) + 1)),
            score: Float::new(f64::from(n) / 8.0),
            low_limit: Seconds::new(-own(n, 9)),
            high_limit: seconds(10),
        };
        let packet = NtpData {
            remote: ip.into(),
            local: Address::Ip(Ipv4Addr::new(10, 8, 0, 1).into()),
            remote_port: 1000 + u16::from(n),
            header: NtpHeader {
                leap: Leap::None,
                version: 4,
                mode: Mode::Server,
                stratum: Stratum::new(1 + n % 14),
                poll: PollExponent::new(6),
                precision: Precision::new(-20),
                root_delay: seconds(11),
                root_dispersion: seconds(12),
                reference_id: RefId::new([192, 0, 2, n]),
                reference_time: UnixTime::new(1_795_218_000 + i64::from(n), 500_000_000),
            },
            sample: NtpSample {
                offset: seconds(13),
                peer_delay: seconds(14),
                peer_dispersion: seconds(15),
                response_time: seconds(16),
                jitter_asymmetry: Float::new(-0.25),
            },
            tests: NtpTests::from_bits(0x3ff),
            sent_by: StampedBy::Kernel,
            received_by: StampedBy::Hardware,
            totals: NtpTotals {
                sent: count(40),
                received: count(30),
                valid: count(20),
                good: Some(count(10)),
            },
            stamps: Some(StampTotals {
                kernel_sent: count(1),
                kernel_received: count(2),
                hardware_sent: count(3),
                hardware_received: count(4),
            }),
        };
        let name = format!("server{n}.example");
        Self { name, data, stats, selection, packet, auth: NO_KEY }
    }

    /// A reference clock by its four letters.
    pub(crate) fn clock(letters: [u8; 4]) -> Self {
        let mut clock = Self::server(200);
        let id = RefId::new(letters);
        clock.name = String::new();
        clock.data.address = Address::Ip(Ipv4Addr::from(letters).into());
        clock.data.mode = SourceMode::ReferenceClock;
        clock.data.stratum = Stratum::new(0);
        clock.data.state = SourceState::NotCombined;
        clock.stats.reference_id = id;
        clock.stats.address = Address::Unspecified;
        clock.selection.reference_id = id;
        clock.selection.address = Address::Unspecified;
        clock.selection.state = SelectState::from_bits(b'D');
        clock
    }

    /// A source of which nothing has come yet; `address` may be one that stands for a name.
    pub(crate) fn unheard(address: Address, name: &str) -> Self {
        let mut source = Self::server(0);
        name.clone_into(&mut source.name);
        source.data = SourceData {
            address,
            poll: PollExponent::new(6),
            stratum: Stratum::new(0),
            state: SourceState::NotSelectable,
            mode: SourceMode::Client,
            flags: 0,
            reach: Reach::new(0),
            last_sample: None,
            measured_offset: Seconds::ZERO,
            adjusted_offset: Seconds::ZERO,
            error_bound: Seconds::ZERO,
        };
        source.stats = SourceStats {
            reference_id: RefId::new([0; 4]),
            address,
            samples: 0,
            runs: 0,
            span: Duration::ZERO,
            standard_deviation: Seconds::new(4.0),
            residual_frequency: PartsPerMillion::ZERO,
            skew: PartsPerMillion::new(2000.0),
            estimated_offset: Seconds::ZERO,
            offset_error: Seconds::ZERO,
        };
        source.selection = SelectData {
            reference_id: RefId::new([0; 4]),
            address,
            state: SelectState::from_bits(b'M'),
            authenticated: 0,
            leap: Leap::None,
            configured: SelectOptions::default(),
            effective: SelectOptions::default(),
            last_sample: Some(Duration::ZERO),
            score: Float::new(1.0),
            low_limit: Seconds::ZERO,
            high_limit: Seconds::ZERO,
        };
        source.packet.remote = address;
        source.packet.local = Address::Unspecified;
        source.packet.header = NtpHeader {
            leap: Leap::None,
            version: 0,
            mode: Mode::Unspecified,
            stratum: Stratum::new(0),
            poll: PollExponent::new(0),
            precision: Precision::new(0),
            root_delay: Seconds::ZERO,
            root_dispersion: Seconds::ZERO,
            reference_id: RefId::new([0; 4]),
            reference_time: UnixTime::NEVER,
        };
        source.packet.sample = NtpSample {
            offset: Seconds::ZERO,
            peer_delay: Seconds::ZERO,
            peer_dispersion: Seconds::ZERO,
            response_time: Seconds::ZERO,
            jitter_asymmetry: Float::ZERO,
        };
        source.packet.tests = NtpTests::default();
        source.packet.sent_by = StampedBy::Nobody;
        source.packet.received_by = StampedBy::Nobody;
        source.packet.totals = NtpTotals { good: Some(0), ..NtpTotals::default() };
        source.packet.stamps = Some(StampTotals::default());
        source
    }

    /// The same under another address.
    pub(crate) fn at(mut self, address: Address) -> Self {
        self.data.address = address;
        self.stats.address = address;
        self.selection.address = address;
        self.packet.remote = address;
        self
    }
}

/// Without authentication.
pub(crate) const NO_KEY: AuthData = AuthData {
    mode: AuthMode::None,
    key_type: 0,
    key_id: 0,
    key_bits: 0,
    establishment_attempts: 0,
    last_establishment: None,
    cookies: 0,
    cookie_len: 0,
    naks: 0,
};

impl State {
    /// With servers 1 to `count`, of which the first is selected.
    pub(crate) fn with_servers(count: u8) -> Self {
        let activity = Activity {
            online: count.into(),
            offline: 1,
            burst_then_online: 2,
            burst_then_offline: 3,
            unresolved: 4,
        };
        Self {
            sources: (1..=count).map(Source::server).collect(),
            tracking: tracking(),
            activity,
            server_stats: server_stats(),
            clients: Some((1..=3).map(client).collect()),
            manual: Vec::new(),
            rtc: None,
            smoothing: None,
        }
    }
}

/// A clock that follows the first server.
pub(crate) fn tracking() -> Tracking {
    Tracking {
        reference_id: RefId::new([10, 9, 0, 1]),
        address: address(1).into(),
        stratum: Stratum::new(3),
        leap: Leap::None,
        reference_time: UnixTime::new(1_795_218_948, 320_109_969),
        current_correction: Seconds::new(-2.5e-6),
        last_offset: Seconds::new(3.5e-6),
        rms_offset: Seconds::new(4.5e-6),
        frequency: PartsPerMillion::new(-5.5),
        residual_frequency: PartsPerMillion::new(0.125),
        skew: PartsPerMillion::new(0.25),
        root_delay: Seconds::new(0.0075),
        root_dispersion: Seconds::new(0.00085),
        update_interval: Seconds::new(64.5),
    }
}

/// Counters that are all different.
pub(crate) fn server_stats() -> ServerStats {
    ServerStats {
        ntp_hits: 1001,
        command_hits: 1002,
        ntp_drops: 1003,
        command_drops: 1004,
        log_drops: 1005,
        nts: Some(NtsStats {
            establishment_hits: 1006,
            establishment_drops: 1007,
            authenticated_hits: 1008,
        }),
        interleaved: Some(InterleavedStats {
            hits: 1009,
            stored_timestamps: 1010,
            timestamp_span: Duration::from_secs(1011),
        }),
        stamps: Some(StampStats {
            daemon_received: 1012,
            daemon_sent: 1013,
            kernel_received: 1014,
            kernel_sent: 1015,
            hardware_received: 1016,
            hardware_sent: 1017,
        }),
    }
}

/// The `n`th client.
pub(crate) fn client(n: u8) -> ClientAccess {
    let accesses = |field: u32| Accesses {
        hits: u32::from(n) * 1000 + field,
        drops: u32::from(n) * 100 + field,
        interval: Some(PollExponent::new(i8::try_from(field).unwrap_or_default())),
        last: Some(Duration::from_secs(u64::from(n) * 10 + u64::from(field))),
    };
    ClientAccess {
        address: Address::Ip(Ipv4Addr::new(10, 7, 0, n).into()),
        ntp: accesses(1),
        nts_ke: Accesses::default(),
        commands: accesses(2),
        limited_ntp_interval: None,
    }
}
