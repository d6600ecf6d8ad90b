//! The daemon screen.

use std::sync::Arc;
use std::time::Duration;

use insta::assert_snapshot;
use ntpscope::model::lists::{self, Interface, Restriction};
use ntpscope::model::statistics::Section;
use ntpscope::model::vars::Scope;
use ntpscope::model::{Absent, Daemon, Dated, Failure, Part, Reply, Values};
use ntpscope::tui::event::Effect;
use ntpscope::units::Mono;

use crate::fixtures::chronyd::{self, Over};
use crate::fixtures::{self, ANSWERED, dated};
use crate::screens::{press, screen, showing};

/// Counters as `text` tells them, `ago` before the last answer.
fn counted(daemon: &mut Daemon, section: Section, text: &str, ago: u64) {
    let dialect = daemon.identity.as_ref().and_then(|identity| identity.dialect);
    let at = Mono::from_nanos(ANSWERED.nanos() - ago * 1_000_000_000);
    let dated = Dated { asked: at, answered: at, ..dated() };
    let reply = Reply::new(0, text.as_bytes(), 1, dated);
    let values = Values::decode(Scope::System, dialect, &[], &reply);
    Arc::make_mut(&mut daemon.statistics).section_mut(section).renew(values, dated);
}

/// A server whose counters were told twice, four seconds apart.
pub(crate) fn busy(limited: [u64; 2]) -> Daemon {
    let mut daemon = fixtures::site();
    let [before, now] = limited;
    let packets = |received: u64, limited: u64| {
        format!(
            "ss_uptime=7261, ss_reset=7261, ss_received={received}, ss_thisver=1000, \
             ss_oldver=12, ss_badformat=0, ss_badauth=3, ss_declined=7, ss_restricted=0, \
             ss_limited={limited}, ss_kodsent=2, ss_processed=812"
        )
    };
    counted(&mut daemon, Section::Packets, &packets(123_000, before), 4);
    counted(&mut daemon, Section::Packets, &packets(123_200, now), 0);
    let network = |sent: u64| {
        format!(
            "iostats_reset=7261, total_rbuf=64, free_rbuf=60, used_rbuf=3, rbuf_lowater=1, \
             io_dropped=0, io_ignored=0, io_received=123400, io_sent={sent}, io_sendfailed=0, \
             io_wakeups=9, io_goodwakeups=8, timer_overruns=0, timer_xmts=44"
        )
    };
    counted(&mut daemon, Section::Network, &network(122_000), 16);
    counted(&mut daemon, Section::Network, &network(122_400), 0);
    let kernel = "koffset=0.014, kfreq=-9.512, kmaxerr=25.1, kesterr=0.02, kstflags=\"pll nano\", \
                  ktimeconst=6, kprecis=0.001, kfreqtol=500, kppsfreq=0, kppsstab=0, \
                  kppsjitter=0, kppscalibdur=4, kppscalibs=0, kppsjitexc=0, kppsstbexc=0, \
                  kppscaliberrs=0";
    counted(&mut daemon, Section::Kernel, kernel, 0);
    let no_key = Absent::Failed(Failure::NoKey);
    let statistics = Arc::make_mut(&mut daemon.statistics);
    statistics.interfaces = Part::not_asked().failed(no_key.clone());
    statistics.restrictions = Part::not_asked().failed(no_key);
    daemon
}

/// The same, to somebody with a key.
fn with_lists(mut daemon: Daemon) -> Daemon {
    let reply = |text: &str| Reply::new(0, text.as_bytes(), 1, dated());
    let interfaces: Vec<Interface> = lists::interfaces(&reply(
        "addr.0=0.0.0.0:123, en.0=0, name.0=\"v4wildcard\", rx.0=0, tx.0=0, txerr.0=0, pc.0=0, \
         up.0=7261, addr.1=10.77.0.1:123, en.1=1, name.1=\"eth0\", rx.1=123400, tx.1=122400, \
         txerr.1=17, pc.1=9, up.1=7261, addr.2=[fd77::1:2:3:4:5]:123, en.2=1, name.2=\"eth0\", \
         rx.2=5, tx.2=5, txerr.2=0, pc.2=0, up.2=7261",
    ));
    let restrictions: Vec<Restriction> = lists::restrictions(&reply(
        "addr.0=0.0.0.0, mask.0=0.0.0.0, hits.0=123000, flags.0=noquery nomodify notrap nopeer \
         kod limited, addr.1=10.77.0.0, mask.1=255.255.255.0, hits.1=400, flags.1=, addr.2=::1, \
         mask.2=ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff, hits.2=0, flags.2=nomodify",
    ));
    let statistics = Arc::make_mut(&mut daemon.statistics);
    statistics.interfaces = Part::answered(interfaces, dated());
    statistics.restrictions = Part::answered(restrictions, dated());
    daemon
}

#[test]
fn what_is_abnormal_comes_first() {
    let mut app = showing(busy([100, 140]), (80, 24));
    press(&mut app, "D");
    assert_snapshot!("daemon_80x24", screen(&app));
    app.size = (60, 16);
    assert_snapshot!("daemon_60x16", screen(&app));
}

#[test]
fn a_daemon_without_trouble_says_so() {
    let mut app = showing(with_lists(busy([100, 100])), (120, 40));
    press(&mut app, "D");
    assert_snapshot!("daemon_120x40", screen(&app));
    press(&mut app, "G");
    assert_snapshot!("daemon_120x40_end", screen(&app));
}

#[test]
fn a_daemon_that_tells_no_rates_yet_is_not_called_well() {
    let mut daemon = fixtures::site();
    counted(&mut daemon, Section::Packets, "ss_received=5, ss_limited=4", 0);
    let mut app = showing(daemon, (80, 24));
    press(&mut app, "D");
    let text = screen(&app);
    assert!(text.contains("shows with the second answer"), "{text}");
    assert!(!text.contains("nothing is refused"), "{text}");
}

#[test]
fn what_counts_is_asked_for_only_while_it_is_looked_at() {
    let mut app = showing(fixtures::site(), (80, 24));
    let wanted = |effects: Vec<Effect>| {
        effects.into_iter().find_map(|effect| match effect {
            Effect::Request(ntpscope::backend::Request::Interest { interest, .. }) => {
                Some(interest.statistics)
            }
            _ => None,
        })
    };
    assert_eq!(wanted(press(&mut app, "D")), Some(true));
    assert_eq!(wanted(press(&mut app, "esc")), Some(false));
}

#[test]
fn a_refusal_is_said() {
    let mut daemon = fixtures::site();
    let silent = Failure::Unanswered { attempts: 3, waited: Duration::from_secs(6) };
    let statistics = Arc::make_mut(&mut daemon.statistics);
    statistics.section_mut(Section::Packets).fail(Absent::Failed(silent));
    let mut app = showing(daemon, (80, 24));
    press(&mut app, "D");
    let text = screen(&app);
    assert!(text.contains("what it counts is not known: no answer to 3 requests"), "{text}");
}

#[test]
fn no_size_upsets_it() {
    let plain: [Daemon; 4] =
        [with_lists(busy([1, 2])), fixtures::site(), Daemon::default(), chronyd::lab(Over::Unix)];
    for daemon in plain {
        let mut app = showing(daemon, (80, 24));
        press(&mut app, "D");
        for (columns, rows) in (1..70).map(|n| (n * 3, n)).chain([(200, 1), (1, 60), (200, 60)]) {
            app.size = (columns, rows);
            screen(&app);
            press(&mut app, "pgdn down");
        }
    }
}

#[test]
fn without_unicode_it_says_the_same() {
    for size in [(80, 24), (120, 40)] {
        let mut app = showing(with_lists(busy([100, 140])), size);
        app.fixed.capabilities.ascii = true;
        press(&mut app, "D");
        for keys in ["", "pgdn", "pgdn", "G"] {
            press(&mut app, keys);
            let text = screen(&app);
            assert!(text.is_ascii(), "{text}");
        }
    }
}
