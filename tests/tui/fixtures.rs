//! Daemons for the screens to show, made from replies as real daemons wrote them.

#[path = "fixtures/chronyd.rs"]
pub(crate) mod chronyd;

use std::sync::Arc;
use std::time::Duration;

use ntpscope::backend::{Measure, TargetId};
use ntpscope::model::daemon::{Associations, Detail};
use ntpscope::model::vars::{Scope, lists};
use ntpscope::model::{Absent, Contact, Daemon, Dated, Identity, Part, Peer, Reply, Values};
use ntpscope::tui::app::{App, Options, Target};
use ntpscope::tui::format::Units;
use ntpscope::tui::palette::Depth;
use ntpscope::tui::terminal::Capabilities;
use ntpscope::tui::theme::Themes;
use ntpscope::units::{AssocId, Mono, Now, NtpTimestamp};
use ntpscope::wire::mode6::status::{PeerStatus, SystemStatus};

/// When the answers arrived, by our monotonic clock.
pub(crate) const ANSWERED: Mono = Mono::from_nanos(1_000_000_000_000);

/// What both clocks showed then: the daemon's `clock` in every fixture.
pub(crate) const CLOCK: NtpTimestamp = NtpTimestamp::from_bits(0xeeab_5d8c_f000_0000);

/// `seconds` after the answers arrived.
pub(crate) fn later(seconds: f64) -> Now {
    let after = Duration::from_secs_f64(seconds);
    Now { mono: ANSWERED + after, clock: CLOCK + after.into(), ..Now::default() }
}

/// Just answered.
pub(crate) fn dated() -> Dated {
    Dated { asked: ANSWERED, answered: ANSWERED, clock: CLOCK }
}

/// The first daemon named.
pub(crate) const TARGET: TargetId = TargetId::new(0);

/// Screens over `labels` in a terminal of 256 colours.
pub(crate) fn app(labels: &[&str], size: (u16, u16)) -> App {
    started(labels, size, None)
}

/// The same, told to measure from the start on.
pub(crate) fn started(labels: &[&str], size: (u16, u16), measure: Option<Measure>) -> App {
    let targets = labels.iter().zip(0..).map(|(label, place)| Target {
        id: TargetId::new(place),
        label: (*label).into(),
        is_local: *label == "127.0.0.1",
        files: ntpscope::config::files::Files::default(),
    });
    let options = Options {
        targets: targets.collect(),
        names: true,
        units: Units::default(),
        capabilities: Capabilities { depth: Depth::Indexed, ascii: false, light: None },
        themes: Themes::built_in().unwrap(),
        variant: None,
        measure,
        completions: ntpscope::control::completion::completions,
        notice: None,
    };
    App::new(options, size, later(0.0))
}

/// A daemon that answers: its system variables, and a status word and reply for each association.
pub(crate) fn daemon(
    version: &str,
    status: u16,
    system: &str,
    peers: &[(u16, u16, &str)],
) -> Daemon {
    let identity = Identity::read(version);
    let dialect = identity.dialect;
    let decode = |scope, text: &str| {
        let reply = Reply::new(0, text.as_bytes(), 1, dated());
        Values::decode(scope, dialect, &[], &reply)
    };
    let system = format!("clock=0xeeab5d8c.f0000000, {system}");
    let all: Vec<_> = peers
        .iter()
        .map(|(id, status, text)| {
            let mut peer = Peer::new(AssocId::new(*id), PeerStatus::from_bits(*status));
            if !text.is_empty() {
                peer.row = Part::answered(decode(Scope::Peer, text), dated());
            }
            Arc::new(peer)
        })
        .collect();
    let list = all.iter().map(|peer| (peer.id, peer.status)).collect();
    Daemon {
        contact: answering(),
        identity: Some(Arc::new(identity)),
        system: Part::answered(decode(Scope::System, &system), dated()),
        associations: Part::answered(
            Associations { system: SystemStatus::from_bits(status), list },
            dated(),
        ),
        peers: all.into(),
        ..Daemon::default()
    }
}

pub(crate) fn answering() -> Contact {
    Contact::Answering { last: ANSWERED, round_trip: Duration::from_micros(230) }
}

pub(crate) const CLASSIC: &str = "ntpd 4.2.8p15@1.3728-o Wed Sep 23 11:46:38 UTC 2020 (1)";

/// The captured daemon of the notes: ntpd 4.2.8p15 that follows its own clock.
pub(crate) fn captured() -> Daemon {
    let system = "version=\"ntpd 4.2.8p15\", leap=0, stratum=4, precision=-23, rootdelay=0.000, \
                  rootdisp=447.875, refid=127.127.1.0, reftime=0xeeab5d7c.ea2f75c5, peer=29383, \
                  tc=4, mintc=3, offset=0.000000, frequency=0.000, sys_jitter=0.000000, \
                  clk_jitter=0.000, clk_wander=0.000";
    daemon(
        CLASSIC,
        0x0514,
        system,
        &[
            (
                29383,
                0x961a,
                "srcadr=127.127.1.0, dstadr=127.0.0.1, leap=0, stratum=3, rootdelay=0.000, rootdisp=10.000, refid=LOCL, reftime=0xeeab5d7c.ea2f75c5, rec=0xeeab5d7c.ea2f75c5, reach=0x1f, hmode=3, pmode=4, hpoll=4, ppoll=4, flash=0x0, offset=0.000, delay=0.000, dispersion=437.695, jitter=0.000",
            ),
            (
                29384,
                0xf014,
                "srcadr=10.8.0.2, srcport=123, dstadr=10.8.0.1, dstport=123, leap=0, stratum=6, precision=-24, rootdelay=0.000, rootdisp=3947.906, refid=127.127.1.0, reftime=0xeeab5d7c.e4c877b8, rec=0xeeab5d88.ea3cdc2a, reach=0x1f, unreach=0, hmode=3, pmode=4, hpoll=4, ppoll=4, headway=64, flash=0x400, keyid=1, offset=0.014, delay=0.045, dispersion=0.242, jitter=0.006",
            ),
            (
                29385,
                0x9014,
                "srcadr=fd08::2, dstadr=fd08::1, leap=0, stratum=6, rootdelay=0.000, rootdisp=3947.906, refid=127.127.1.0, reftime=0xeeab5d7c.e4c877b8, rec=0xeeab5d89.ea3cdc2a, reach=0x1f, hmode=3, pmode=4, hpoll=4, ppoll=4, flash=0x400, offset=0.014, delay=0.047, dispersion=0.242, jitter=0.004",
            ),
            (
                29386,
                0x8011,
                "srcadr=10.9.9.9, dstadr=0.0.0.0, leap=3, stratum=16, rootdelay=0.000, rootdisp=0.000, refid=INIT, reftime=0x00000000.00000000, rec=0x00000000.00000000, reach=0x0, hmode=3, pmode=0, hpoll=6, ppoll=10, flash=0x1600, offset=0.000, delay=0.000, dispersion=15937.500, jitter=0.000",
            ),
            (
                29387,
                0x8011,
                "srcadr=10.8.0.77, dstadr=10.8.0.1, leap=3, stratum=16, refid=INIT, rootdelay=0.000, rootdisp=0.000, reach=0x0, hmode=1, pmode=0, hpoll=6, ppoll=10, flash=0x1600, offset=0.000, delay=0.000, dispersion=15937.500, jitter=0.000",
            ),
            (
                29388,
                0x8811,
                "srcadr=0.0.0.0, srchost=\"pool.invalid.example\", dstadr=0.0.0.0, leap=3, stratum=16, refid=POOL, reach=0x0, hmode=3, pmode=0, hpoll=6, ppoll=10, flash=0x1600, offset=0.000, delay=0.000, dispersion=16000.000, jitter=0.000",
            ),
            (
                29389,
                0x8811,
                "srcadr=10.8.0.255, dstadr=10.8.0.1, leap=3, stratum=16, refid=BCST, reach=0x0, hmode=5, pmode=0, hpoll=6, ppoll=10, flash=0x1600, offset=0.000, delay=0.000, dispersion=16000.000, jitter=0.000",
            ),
        ],
    )
}

/// A server of a site: a system peer, candidates, an outlier, a falseticker, one overdue, a pool
/// and what came from it.
pub(crate) fn site() -> Daemon {
    let system = "version=\"ntpd 4.2.8p15\", leap=0, stratum=2, precision=-23, rootdelay=0.842, \
                  rootdisp=3.121, refid=10.77.0.2, reftime=0xeeab5d6a.12345678, peer=4001, tc=6, \
                  mintc=3, offset=0.014321, frequency=-12.345, sys_jitter=0.021, clk_jitter=0.011, \
                  clk_wander=0.003";
    daemon(
        CLASSIC,
        0x0615,
        system,
        &[
            (
                4001,
                0x961a,
                "srcadr=10.77.0.2, srchost=\"ntp1.example.net\", dstadr=10.77.0.9, leap=0, stratum=1, rootdelay=0.000, rootdisp=1.060, refid=GPS, reftime=0xeeab5d80.0, rec=0xeeab5d80.ea3cdc2a, reach=0xff, hmode=3, pmode=4, hpoll=6, ppoll=6, flash=0x0, offset=0.014, delay=0.245, dispersion=0.912, jitter=0.021",
            ),
            (
                4002,
                0x941a,
                "srcadr=10.77.0.3, dstadr=10.77.0.9, leap=0, stratum=1, rootdelay=0.000, rootdisp=1.100, refid=PPS, reftime=0xeeab5d80.00000000, rec=0xeeab5d60.ea3cdc2a, reach=0xff, hmode=3, pmode=4, hpoll=6, ppoll=6, flash=0x0, offset=-0.032, delay=0.312, dispersion=1.200, jitter=0.034",
            ),
            (
                4003,
                0x931a,
                "srcadr=192.168.100.200, dstadr=10.77.0.9, leap=0, stratum=2, rootdelay=1.400, rootdisp=12.000, refid=192.168.100.201, reftime=0xeeab5d80.00000000, rec=0xeeab5d70.ea3cdc2a, reach=0xef, hmode=3, pmode=4, hpoll=6, ppoll=6, flash=0x0, offset=1.872, delay=12.004, dispersion=2.300, jitter=0.811",
            ),
            (
                4004,
                0x911a,
                "srcadr=10.77.0.66, dstadr=10.77.0.9, leap=0, stratum=2, rootdelay=0.400, rootdisp=2.000, refid=10.77.0.7, reftime=0xeeab5d80.00000000, rec=0xeeab5d7f.ea3cdc2a, reach=0xff, hmode=3, pmode=4, hpoll=6, ppoll=6, flash=0x0, offset=-493.215, delay=0.402, dispersion=1.300, jitter=0.044",
            ),
            (
                4005,
                0x9013,
                "srcadr=2001:db8:77:1::1234, dstadr=2001:db8:77::9, leap=0, stratum=2, rootdelay=0.400, rootdisp=2.000, refid=143.67.201.9, reftime=0xeeab5d00.00000000, rec=0xeeab5cd0.ea3cdc2a, reach=0xf0, hmode=3, pmode=4, hpoll=6, ppoll=6, flash=0x400, offset=0.102, delay=3.402, dispersion=300.100, jitter=0.044",
            ),
            (
                4006,
                0x8811,
                "srcadr=0.0.0.0, srchost=\"2.pool.example.org\", dstadr=0.0.0.0, leap=3, stratum=16, refid=POOL, reach=0x0, hmode=3, pmode=0, hpoll=6, ppoll=10, flash=0x1600, offset=0.000, delay=0.000, dispersion=16000.000, jitter=0.000",
            ),
            (
                4007,
                0x141a,
                "srcadr=203.0.113.17, dstadr=10.77.0.9, leap=0, stratum=3, rootdelay=14.400, rootdisp=22.000, refid=198.51.100.3, reftime=0xeeab5d80.00000000, rec=0xeeab5d50.ea3cdc2a, reach=0x7, hmode=3, pmode=4, hpoll=6, ppoll=6, flash=0x0, offset=-0.511, delay=18.200, dispersion=7.300, jitter=0.611",
            ),
            (
                4008,
                0x121a,
                "srcadr=203.0.113.99, dstadr=10.77.0.9, leap=0, stratum=3, rootdelay=14.400, rootdisp=22.000, refid=RATE, reftime=0xeeab5d80.00000000, rec=0xeeab5d52.ea3cdc2a, reach=0x1, hmode=3, pmode=4, hpoll=10, ppoll=10, flash=0x0, offset=2.511, delay=28.200, dispersion=17.300, jitter=0.811",
            ),
        ],
    )
}

/// The same with all details of the association `id`.
pub(crate) fn with_details(mut daemon: Daemon, id: u16) -> Daemon {
    let dialect = daemon.identity.as_ref().and_then(|identity| identity.dialect);
    let decode = |text: &str, asked: &[&'static ntpscope::model::Variable]| {
        let reply = Reply::new(0, text.as_bytes(), 1, dated());
        Part::answered(Values::decode(Scope::Peer, dialect, asked, &reply), dated())
    };
    let peers = daemon.peers.iter().map(|peer| {
        let mut peer = Peer::clone(peer);
        if peer.id == AssocId::new(id) {
            *peer.detail_mut(Detail::Scalars) = decode("srcport=123, dstport=123, precision=-24, unreach=0, headway=64, keyid=1, xleave=0.109, newthing=7", &[]);
            *peer.detail_mut(Detail::Counters) = decode("filtdelay=0.31 0.36 0.98 0.25 0.26 0.46 1.85 0.27, filtoffset=0.01 0.02 0.31 0.02 -0.02 0.10 -0.72 0.01, filtdisp=0.00 0.27 0.54 0.81 0.93 0.96 0.99 16000.00, timerec=45, timer=19, timereach=12345, sent=240, received=236, badauth=0, bogusorg=3, oldpkt=1, seldisp=0, selbroken=0, candidate=4", lists::COUNTERS);
        }
        Arc::new(peer)
    });
    daemon.peers = peers.collect();
    daemon
}

/// A daemon of which only the list of associations came.
pub(crate) fn listed() -> Daemon {
    let mut daemon = daemon(CLASSIC, 0x0615, "", &[(7, 0x961a, ""), (8, 0x8011, "")]);
    daemon.system = Part::not_asked();
    daemon
}

/// Nothing known, and why.
pub(crate) fn unheard(contact: Contact) -> Daemon {
    Daemon { contact, ..Daemon::default() }
}

/// One that lets a question fall.
pub(crate) fn with_failed_row(mut daemon: Daemon, place: usize, why: Absent) -> Daemon {
    let mut peers = daemon.peers.to_vec();
    let mut peer = Peer::clone(&peers[place]);
    peer.row = peer.row.failed(why);
    peers[place] = Arc::new(peer);
    daemon.peers = peers.into();
    daemon
}
