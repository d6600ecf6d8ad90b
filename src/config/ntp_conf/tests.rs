use super::*;
use crate::config::ntp_conf::clock::ClockAddress;
use crate::config::restrict::{Flags, Restrict, Selector, Whom};
use crate::units::KeyId;

const DEBIAN: &str = include_str!("../../../tests/data/ntp_conf/debian-ntp.conf");
const NTPSEC: &str = include_str!("../../../tests/data/ntp_conf/debian-ntpsec.conf");
const RHEL: &str = include_str!("../../../tests/data/ntp_conf/rhel-ntp.conf");
const APPLIANCE: &str = include_str!("../../../tests/data/ntp_conf/appliance-ntp.conf");

fn directives(text: &str) -> Vec<Directive> {
    let placed = read("ntp.conf", text).unwrap();
    placed.into_iter().map(|placed| placed.directive).collect()
}

fn associations(text: &str) -> Vec<Association> {
    let associations = directives(text).into_iter().filter_map(|directive| match directive {
        Directive::Association(association) => Some(association),
        _ => None,
    });
    associations.collect()
}

fn options(text: &str) -> Options {
    associations(&format!("server a {text}")).remove(0).options
}

fn said(text: &str) -> String {
    read("ntp.conf", text).unwrap_err().to_string()
}

fn left_out(text: &str) -> Vec<String> {
    let directives = read("ntp.conf", text).unwrap();
    notices(&directives, false).map(|notice| notice.keyword.to_owned()).collect()
}

fn exponent(exponent: i8) -> PollExponent {
    PollExponent::new(exponent)
}

#[test]
fn debians_configuration_is_four_pools_and_a_drift_file() {
    let sources = associations(DEBIAN);
    assert_eq!(sources.len(), 4);
    for (place, source) in sources.iter().enumerate() {
        assert_eq!(source.kind, Kind::Pool);
        assert_eq!(source.host, HostSpec::new(format!("{place}.debian.pool.ntp.org")));
        assert_eq!(source.options, Options { iburst: true, ..Options::default() });
    }
    let drift = Directive::DriftFile("/var/lib/ntp/ntp.drift".into());
    assert!(directives(DEBIAN).contains(&drift));
    let rest = left_out(DEBIAN);
    assert_eq!(rest.iter().filter(|keyword| *keyword == "restrict").count(), 5);
    assert_eq!(rest.len(), 5, "{rest:?}");
}

#[test]
fn ntpsecs_configuration_leaves_out_the_source_with_nts() {
    assert!(associations(NTPSEC).iter().all(|source| source.kind == Kind::Pool));
    let tos: Vec<Directive> =
        directives(NTPSEC).into_iter().filter(|d| matches!(d, Directive::Tos(_))).collect();
    assert_eq!(
        tos,
        [
            Directive::Tos(Tos::Maxclock(11)),
            Directive::Tos(Tos::Minclock(4)),
            Directive::Tos(Tos::Minsane(3)),
        ]
    );
    assert!(left_out(NTPSEC).contains(&"server ntp.example.net".to_owned()));
}

#[test]
fn red_hats_configuration_has_keys() {
    assert_eq!(associations(RHEL).len(), 4);
    assert_eq!(associations(RHEL)[3].options.key, KeyId::new(8));
    let ids = [4, 8, 42].iter().filter_map(|id| KeyId::new(*id)).collect();
    assert!(directives(RHEL).contains(&Directive::TrustedKeys(ids)));
    assert!(directives(RHEL).contains(&Directive::Keys("/etc/ntp/keys".into())));
    assert!(left_out(RHEL).contains(&"disable monitor".to_owned()));
}

#[test]
fn an_appliances_configuration_is_read_whatever_its_case() {
    let placed = read("ntp.conf", APPLIANCE).unwrap();
    let at = |line: usize| -> Vec<&Directive> {
        placed.iter().filter(|p| p.line == line).map(|p| &p.directive).collect()
    };
    let seconds = NtpDuration::from_seconds;
    let enabled = |flag| Directive::Flag { flag, is_enabled: true };
    assert_eq!(at(2), [&enabled(Flag::Auth), &enabled(Flag::Ntp)]);
    assert_eq!(
        at(3),
        [
            &Directive::Tinker(Tinker::Panic(NtpDuration::ZERO)),
            &Directive::Tinker(Tinker::Step(seconds(0.5))),
            &Directive::Tinker(Tinker::Stepout(seconds(300.0))),
            &Directive::Tinker(Tinker::Dispersion(Ppm::new(1.0).unwrap())),
        ]
    );
    assert_eq!(at(4).len(), 5);
    let ids = [1, 10, 11, 12, 15].iter().filter_map(|id| KeyId::new(*id)).collect();
    assert_eq!(at(11), [&Directive::TrustedKeys(ids)]);
    assert_eq!(at(10), [&Directive::Keys("/mnt/flash/ntp keys".into())]);
    assert_eq!(at(16), [&Directive::BroadcastClient { volley: false }]);
    let groups = ["224.0.1.1", "ff05::101"].map(HostSpec::new).to_vec();
    assert_eq!(at(17), [&Directive::MulticastClient(groups)]);
    assert_eq!(at(18), [&Directive::BroadcastDelay(seconds(0.004))]);
    let [local, peer, server, many, broadcast] = &associations(APPLIANCE)[..] else {
        panic!("five")
    };
    let address = ClockAddress { kind: ClockAddress::LOCAL, unit: 0 };
    assert_eq!((local.kind, local.clock()), (Kind::Server, Some(address)));
    let stratum = Some(Stratum::new(10));
    assert_eq!(at(8), [&Directive::Fudge(Fudge { stratum, ..Fudge::new(address) })]);

    assert_eq!((peer.kind, peer.family), (Kind::Peer, Some(Family::Ipv6)));
    assert!(peer.options.xleave && peer.options.key == KeyId::new(1));
    assert_eq!((server.kind, server.family), (Kind::Server, Some(Family::Ipv4)));
    let expected = Options {
        burst: true,
        noselect: true,
        trust: true,
        version: 3,
        minpoll: exponent(4),
        maxpoll: exponent(4),
        ..Options::default()
    };
    assert_eq!(server.options, expected);
    assert_eq!((many.kind, many.options.ttl), (Kind::ManycastClient, Some(4)));
    assert_eq!(broadcast.kind, Kind::Broadcast);
    let rest = left_out(APPLIANCE);
    assert!(rest.contains(&"server 127.127.20.0 (NMEA)".to_owned()), "{rest:?}");
    assert!(rest.contains(&"fudge 127.127.20.0 (NMEA)".to_owned()), "{rest:?}");
    assert!(rest.contains(&"refclock 127.127.28.1 (SHM)".to_owned()), "{rest:?}");
    assert!(rest.contains(&"driftfile threshold".to_owned()), "{rest:?}");
}

#[test]
fn poll_limits_give_way_as_in_ntpd() {
    let polls = |text| (options(text).minpoll.exponent(), options(text).maxpoll.exponent());
    assert_eq!(polls(""), (6, 10));
    assert_eq!(polls("minpoll 3 maxpoll 17"), (3, 17));
    assert_eq!(polls("maxpoll 4"), (4, 4));
    assert_eq!(polls("minpoll 12"), (10, 10));
    assert!(left_out("server a maxpoll 4").is_empty());
    assert_eq!(left_out("server a minpoll 12"), ["minpoll"]);
}

#[test]
fn a_notice_says_where_what_and_why() {
    let directives = read("ntp.conf", "server a\n  server b autokey\nlogfile x").unwrap();
    let notices: Vec<String> =
        notices(&directives, false).map(|notice| notice.to_string()).collect();
    assert_eq!(
        notices,
        [
            "ntp.conf, line 2, column 12: `autokey` is left out: Autokey is broken and not spoken",
            "ntp.conf, line 3, column 1: `logfile` is left out: what happens is told on stdout, \
             which systemd has in its journal (`journalctl -u ntpscope`); redirect stdout to have \
             it in a file",
        ]
    );
    assert_eq!(associations("server b autokey").len(), 1);
}

#[test]
fn every_mistake_has_its_place() {
    for (text, expected) in [
        ("\n  servr a", "line 2, column 3: `servr` is no directive of ntp.conf"),
        ("server", "line 1, column 7: the name or address of the source is missing"),
        ("server -4 # x", "line 1, column 10: the name or address of the source is missing"),
        ("server a:0", "line 1, column 8: `a:0` is no host: a port is a number from 1 to 65535"),
        ("server -4 ::1", "line 1, column 11: `::1` is no address of IPv4"),
        ("server a fast", "line 1, column 10: `fast` is no option of a source"),
        (
            "server a minpoll 2",
            "line 1, column 18: `minpoll` is a whole number from 3 to 17, not `2`",
        ),
        (
            "server a maxpoll 1e1",
            "line 1, column 18: `maxpoll` is a whole number from 3 to 17, not `1e1`",
        ),
        (
            "server a version 5",
            "line 1, column 18: `version` is a whole number from 1 to 4, not `5`",
        ),
        ("server a key 0", "line 1, column 14: `key` is a whole number from 1 to 65535, not `0`"),
        (
            "peer a key 65536",
            "line 1, column 12: `key` is a whole number from 1 to 65535, not `65536`",
        ),
        ("server a key", "line 1, column 13: the number of `key` is missing"),
        ("server a ca", "line 1, column 12: what `ca` names is missing"),
        ("server a bias 17", "line 1, column 15: `bias` is from -16 to 16 seconds, not `17`"),
        ("tos", "line 1, column 4: what to set is missing"),
        ("tos minstep 3", "line 1, column 5: `minstep` is nothing that `tos` sets"),
        ("tos floor 17", "line 1, column 11: `floor` is a whole number from 0 to 16, not `17`"),
        ("tinker step -1", "line 1, column 13: `step` is from 0 to 1000000000 seconds, not `-1`"),
        (
            "tinker freq 501",
            "line 1, column 13: `freq` is from -500 to 500 parts per million, not `501`",
        ),
        (
            "tinker panic NaN",
            "line 1, column 14: `panic` is from 0 to 1000000000 seconds, not `NaN`",
        ),
        ("enable ntq", "line 1, column 8: `ntq` is nothing to enable"),
        ("disable", "line 1, column 8: what to disable is missing"),
        ("keys", "line 1, column 5: the file of `keys` is missing"),
        ("keys \"\"", "line 1, column 6: the file of `keys` has no name"),
        ("keys a b", "line 1, column 8: `keys` takes no `b` here"),
        ("keys \"a", "line 1, column 6: a quote that begins here does not end on this line"),
        ("driftfile a b", "line 1, column 13: `driftfile` takes no `b` here"),
        ("trustedkey", "line 1, column 11: a key's number is missing"),
        ("trustedkey 1 ...", "line 1, column 14: the range has no end"),
        ("trustedkey 9 ... 1", "line 1, column 18: the range from 9 to 1 is empty"),
        ("trustedkey (1 ... 9", "line 1, column 12: `(` has no `)`"),
        (
            "trustedkey ... 9",
            "line 1, column 12: `trustedkey` is a whole number from 1 to 65535, not `...`",
        ),
        (
            "trustedkey 1 ... 3 ... 5",
            "line 1, column 20: `trustedkey` is a whole number from 1 to 65535, not `...`",
        ),
        ("multicastclient 10.0.0.1", "line 1, column 17: `10.0.0.1` is no multicast address"),
        ("multicastclient ntp.example", "line 1, column 17: `ntp.example` is no multicast address"),
        ("manycastclient 10.0.0.1", "line 1, column 16: `10.0.0.1` is no multicast address"),
        ("ttl", "line 1, column 4: the hop limit of `ttl` is missing"),
        ("ttl 1 256", "line 1, column 7: `ttl` is a whole number from 0 to 255, not `256`"),
        ("ttl 1 2 3 4 5 6 7 8 9", "line 1, column 21: `ttl` takes at most 8 hop limits"),
        ("broadcastclient x", "line 1, column 17: `broadcastclient` takes no `x` here"),
        (
            "broadcastdelay 17",
            "line 1, column 16: `broadcastdelay` is from 0 to 16 seconds, not `17`",
        ),
        ("\u{1b}[2J", "line 1, column 1: `\\u{1b}[2J` is no directive of ntp.conf"),
    ] {
        assert_eq!(said(text), format!("ntp.conf, {expected}"), "{text}");
    }
}

#[test]
fn keys_are_trusted_one_by_one_and_in_ranges() {
    let ids = |text: &str| match directives(text).remove(0) {
        Directive::TrustedKeys(ids) => ids.iter().map(|id| id.get()).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(ids("trustedkey 7 3 3"), [3, 7]);
    assert_eq!(ids("trustedkey 1 ... 4 9"), [1, 2, 3, 4, 9]);
    assert_eq!(ids("trustedkey 3 ... 5 4 1 ... 4 5 7"), [1, 2, 3, 4, 5, 7]);
    assert_eq!(ids("trustedkey (2 ... 3) (8 ... 9)"), [2, 3, 8, 9]);
    assert_eq!(ids("trustedkey ( 65534 ... 65535 )"), [65_534, 65_535]);
}

#[test]
fn the_reaches_of_groups_and_the_volley_are_settings() {
    let one = |text: &str| directives(text).remove(0);
    assert_eq!(one("ttl 4 32 255"), Directive::Ttl(vec![4, 32, 255]));
    assert_eq!(one("broadcastclient"), Directive::BroadcastClient { volley: true });
    assert_eq!(one("broadcastclient NoVolley"), Directive::BroadcastClient { volley: false });
    let group = vec![HostSpec::new("239.1.2.3")];
    assert_eq!(one("multicastclient 239.1.2.3"), Directive::MulticastClient(group));
}

fn restrict(text: &str) -> Restrict {
    match directives(text).remove(0) {
        Directive::Restrict(restrict) | Directive::Unrestrict(restrict) => restrict,
        other => panic!("{other:?}"),
    }
}

#[test]
fn restrictions_say_whom_and_what() {
    let selector = |text: &str, length| Selector::prefix(text.parse().unwrap(), length).unwrap();
    for (text, whom) in [
        ("restrict default kod", Whom::Default(None)),
        ("restrict -6 Default kod", Whom::Default(Some(Family::Ipv6))),
        ("restrict source kod", Whom::Source),
        ("restrict 192.0.2.1 kod", Whom::Addresses(selector("192.0.2.1", 32))),
        ("restrict 10.1.2.3 mask 255.0.0.0 kod", Whom::Addresses(selector("10.0.0.0", 8))),
        ("restrict 10.1.2.3/8 kod", Whom::Addresses(selector("10.0.0.0", 8))),
        ("restrict ::1 ntpport kod", Whom::Addresses(selector("::1", 128).from_ntp_port())),
        ("unrestrict 2001:db8:: mask ffff:ffff:: kod", Whom::Addresses(selector("2001:db8::", 32))),
    ] {
        let read = restrict(text);
        assert_eq!((read.whom, read.flags), (whom, Flags::KOD), "{text}");
    }
    let named = restrict("restrict -4 time.example nopeer ntpport");
    let (host, family) = (HostSpec::new("time.example"), Some(Family::Ipv4));
    assert_eq!(named.whom, Whom::Named { host, family, ntp_port: true });
    let common = restrict("restrict default kod nomodify nopeer noquery limited ippeerlimit 3");
    assert_eq!(common.flags.to_string(), "nopeer limited noquery nomodify kod");
    assert_eq!(common.most_peers, Some(3));
    assert_eq!(restrict("restrict default ippeerlimit -1").most_peers, None);
    assert_eq!(restrict("restrict ::1 serverresponse fuzz").flags, Flags::FUZZ);
}

#[test]
fn what_is_wrong_with_a_restriction_is_said_with_its_place() {
    for (text, place, what) in [
        ("restrict", 9, "the address of `restrict` is missing"),
        ("restrict default nopear", 18, "no flag `nopear`"),
        ("restrict 10.0.0.0 mask ffff::", 24, "`ffff::` is no mask for `10.0.0.0`"),
        ("restrict 10.0.0.0 mask", 23, "the mask of `restrict` is missing"),
        ("restrict 10.0.0.0/33", 10, "0 to 32 bits"),
        ("restrict 10.0.0.0/8 mask 255.0.0.0", 26, "a prefix already"),
        ("restrict default mask 255.0.0.0", 18, "takes no mask"),
        ("restrict -6 10.0.0.1", 13, "of the other family"),
        ("restrict a/b", 10, "no address"),
        ("restrict default ippeerlimit many", 30, "ippeerlimit"),
    ] {
        let said = said(text);
        let expected = format!("line 1, column {place}: ");
        assert!(said.contains(&expected) && said.contains(what), "{text}: {said}");
    }
}

#[test]
fn what_serving_goes_by_is_read_setting_by_setting() {
    assert_eq!(
        directives("discard average 5 minimum 1 monitor 600"),
        [
            Directive::Discard(Discard::Average(5)),
            Directive::Discard(Discard::Minimum(1)),
            Directive::Discard(Discard::Monitor(600)),
        ]
    );
    assert_eq!(
        directives("mru maxdepth 9 maxmem 64 mindepth 3 maxage 60"),
        [
            Directive::Mru(Mru::Most(9)),
            Directive::Mru(Mru::Memory(64)),
            Directive::Mru(Mru::Least(3)),
            Directive::Mru(Mru::Age(60)),
        ]
    );
    assert_eq!(left_out("mru initmem 5"), ["mru initmem"]);
    assert_eq!(left_out("limit average 1 burst 20 kod 2").len(), 3);
    let rule = |text: &str| match directives(text).remove(0) {
        Directive::Interface(rule) => (rule.action, rule.place),
        other => panic!("{other:?}"),
    };
    let (listen, ignore) = (InterfaceAction::Listen, InterfaceAction::Ignore);
    assert_eq!(rule("interface ignore wildcard"), (ignore, InterfacePlace::Wildcard));
    assert_eq!(rule("nic listen eth0"), (listen, InterfacePlace::Named("eth0".into())));
    let (_, pattern) = rule("interface ignore en[op]*");
    let named = ["eno1", "ENP3s0", "ens5", "veno1"].map(|name| pattern.names(name));
    assert_eq!(named, [true, true, false, false]);
    let unclosed = said("interface listen eth[0");
    assert!(unclosed.contains("column 18") && unclosed.contains("no pattern"), "{unclosed}");
    let network = InterfacePlace::Addresses("10.0.0.0".parse().unwrap(), 8);
    assert_eq!(rule("interface listen 10.0.0.0/8"), (listen, network));
    assert!(said("interface lizten all").contains("column 11"));
    assert!(said("interface listen 10.0.0.0/33").contains("0 to 32"));
}

#[test]
fn what_is_about_serving_passes_with_a_notice() {
    for (text, keyword) in [
        ("restrict default", "restrict"),
        ("unrestrict ::1", "unrestrict"),
        ("delrestrict ::1", "unrestrict"),
        ("discard minimum 1", "discard"),
        ("mru maxage 5", "mru"),
        ("nic listen all", "interface"),
        ("manycastserver 239.1.1.1", "manycastserver"),
        ("enable monitor", "enable monitor"),
    ] {
        assert_eq!(left_out(text), [keyword], "{text}");
    }
}

#[test]
fn every_known_directive_passes_with_one_notice() {
    for text in [
        "ntpsigndsocket /run/samba",
        "requestkey 3",
        "trap 192.0.2.1 port 18447 interface 192.0.2.2",
        "logconfig =syncall +clockevents -sysinfo all",
        "phone atdt1 atdt2",
        "nts enable",
        "crypto pw whatever = \"follows in it\"",
        "crypto",
        "keysdir /etc/ntp",
        "automax 12",
        "revoke 17",
        "ident group",
        "rlimit memlock -1 stacksize 50",
        "mdnstries 0",
        "user ntp",
        "pollskewlist default 3|4",
        "device whatever",
        "extra port 123",
        "simulate {",
        "nonvolatile 1e-7",
        "tick 0.01",
        "authdelay 0.001",
        "memlock",
    ] {
        let keyword = text.split(' ').next().unwrap_or_default();
        assert_eq!(left_out(text), [keyword]);
    }
}

#[test]
fn a_mistake_in_what_is_left_out_is_one_all_the_same() {
    for (text, place, what) in [
        ("ntpsigndsocket", 15, "missing"),
        ("requestkey a", 12, "whole number"),
        ("trap", 5, "missing"),
        ("trap 192.0.2.1 port x", 21, "1 to 65535"),
        ("trap 192.0.2.1 loud", 16, "takes no `loud`"),
        ("logconfig =everything", 11, "nothing that is logged"),
        ("phone", 6, "missing"),
        ("keysdir a b", 11, "takes no `b`"),
        ("rlimit memory 3", 8, "nothing to limit"),
        ("rlimit memlock x", 16, "whole number"),
        ("nonvolatile x", 13, "`nonvolatile` is a number, not `x`"),
        ("tos bcpollbstep", 16, "missing"),
    ] {
        let said = said(text);
        let expected = format!("line 1, column {place}: ");
        assert!(said.contains(&expected) && said.contains(what), "{text}: {said}");
    }
}

/// A text of 64 KiB of this over and over.
fn much_of(piece: &str) -> String {
    piece.repeat(65_536 / piece.len())
}

#[test]
fn no_long_text_holds_or_says_more_than_its_length_asks_for() {
    for piece in [
        "x",
        "x\n",
        "\n",
        " ",
        "\"",
        "\"\"",
        "# \n",
        "(",
        "server a\n",
        "server a iburst ",
        "iburst ",
        "restrict default kod\n",
        "kod ",
        "tos minsane 1 ",
        "tos minsane 1\n",
        "trustedkey 1 ... 65535\n",
        "1 ... 65535 ",
        "(1 ... 65535) ",
        "(1 ",
        "enable stats ",
        "filegen loopstats file x type day link\n",
        "setvar a = b\n",
        "= ",
        "1",
        "1e",
        "-",
        "unconfig a\nserver a\n",
        "reset sys ",
        "ttl 1 ",
        "logconfig =all ",
        "224.0.1.1 ",
    ] {
        for start in
            ["", "server a ", "restrict ", "trustedkey ", "tos ", "enable ", "multicastclient "]
        {
            let text = format!("{start}{}", much_of(piece));
            let outcome = read("ntp.conf", &text);
            let told = remote::read("remote config", text.as_bytes());
            let answered = told.answer().len();
            // What grows with the square of the length would take minutes here.
            assert!(answered < 10_000, "{start}{piece:?}: {answered} bytes");
            let ids = |placed: &Placed| match &placed.directive {
                Directive::TrustedKeys(ids) => ids.len(),
                _ => 1,
            };
            let held: usize = outcome.unwrap_or_default().iter().map(ids).sum();
            assert!(held < 300_000, "{start}{piece:?}: {held}");
        }
    }
}

#[test]
fn nothing_behind_the_end_is_read() {
    assert_eq!(directives("server a\nEND\nservr b\nserver c\n").len(), 1);
}

#[test]
fn what_nothing_follows_yet_passes_with_a_notice_where_it_stands() {
    assert_eq!(left_out("logfile /l"), ["logfile"]);
    for text in ["dscp 46", "saveconfigdir /s", "controlkey 3", "setvar a=b", "reset sys"] {
        assert!(left_out(text).is_empty(), "{text}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_is_too_odd(text in "((server|pool|tos|tinker|trustedkey|keys|enable)|minpoll|key|[-0-9.e]{1,5}|[ \t\n#\"()]|\\.\\.\\.|.)*") {
        match read("ntp.conf", &text) {
            Ok(directives) => {
                let lines = text.lines().count();
                proptest::prop_assert!(directives.iter().all(|d| d.line <= lines && d.column > 0));
            }
            Err(rejected) => proptest::prop_assert!(rejected.position.is_some()),
        }
    }
}

#[test]
fn directives_are_followed_in_the_order_of_ntpd_whatever_that_of_the_file() {
    let text = "server a key 1\nbroadcastclient\ndisable auth\npool b\ntinker step 1\n\
                driftfile /d\ntos minsane 2\ntrustedkey 1\ntos minsane 3\nkeys /k\nserver c\n";
    let ordered = in_order(read("ntp.conf", text).unwrap());
    let lines: Vec<usize> = ordered.iter().map(|placed| placed.line).collect();
    assert_eq!(lines, [8, 10, 7, 9, 5, 3, 6, 2, 1, 4, 11]);
    assert_eq!(in_order(ordered.clone()), ordered);
}

#[test]
fn bursts_are_for_servers() {
    let read = read("ntp.conf", "peer a iburst burst minpoll 4\nserver b iburst\n").unwrap();
    let options = |place: usize| match &read[place].directive {
        Directive::Association(association) => association.options.clone(),
        other => panic!("{other:?}"),
    };
    assert!(!options(0).iburst && !options(0).burst);
    assert!(options(3).iburst);
    let notices: Vec<_> =
        notices(&read, false).map(|notice| (notice.column, notice.keyword)).collect();
    assert_eq!(notices, [(8, "iburst"), (15, "burst")]);
}
