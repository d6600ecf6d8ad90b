use proptest::prelude::*;

use super::*;
use crate::config::ntp_conf::Placed;
use crate::config::ntp_conf::include::{Followed, Found, follow};
use crate::config::ntp_conf::remote;

fn directives(text: &str) -> Vec<Directive> {
    let placed = read("ntp.conf", text).unwrap_or_else(|rejected| panic!("{rejected}: {text}"));
    let said = placed.into_iter().map(|placed| placed.directive);
    said.filter(|directive| !matches!(directive, Directive::Ignored { .. })).collect()
}

fn followed(text: &str) -> Followed {
    follow(Path::new("/etc/ntp.conf"), |path| {
        let is_main = path == Path::new("/etc/ntp.conf");
        // What is included is there and says something.
        let text = if is_main { text } else { "server included.example # by name\n" };
        Ok(Found::File(text.as_bytes().to_vec()))
    })
    .unwrap()
}

fn said(placed: &[Placed]) -> Vec<&Directive> {
    placed.iter().map(|placed| &placed.directive).collect()
}

const FILES: [&str; 13] = [
    include_str!("../../../../tests/data/ntp_conf/appliance-ntp.conf"),
    include_str!("../../../../tests/data/ntp_conf/autokey-ntp.conf"),
    include_str!("../../../../tests/data/ntp_conf/broadcast-ntp.conf"),
    include_str!("../../../../tests/data/ntp_conf/debian-ntp.conf"),
    include_str!("../../../../tests/data/ntp_conf/debian-ntpsec.conf"),
    include_str!("../../../../tests/data/ntp_conf/freebsd-ntp.conf"),
    include_str!("../../../../tests/data/ntp_conf/one-source.conf"),
    include_str!("../../../../tests/data/ntp_conf/orphan-ntp.conf"),
    include_str!("../../../../tests/data/ntp_conf/rhel-ntp.conf"),
    include_str!("../../../../tests/data/ntp_conf/rhel7-ntp.conf"),
    include_str!("../../../../tests/data/ntp_conf/site-ntp.conf"),
    include_str!("../../../../tests/data/ntp_conf/stratum1-ntp.conf"),
    include_str!("../../../../tests/data/ntp_conf/stratum1-ntpsec.conf"),
];

#[test]
fn every_file_is_written_as_it_was_and_says_the_same() {
    for text in FILES {
        let read_once = followed(text);
        let written = read_once.text.to_string();
        let read_again = read("ntp.conf", &written).unwrap();
        assert_eq!(said(&read_again), said(&read_once.directives), "{text}");
        // What is not read, or not again, becomes a comment.
        if !text.contains("includefile") && !text.contains("\nend\n") {
            assert_eq!(written, text);
        }
    }
}

#[test]
fn every_directive_of_every_file_says_the_same_when_it_is_printed() {
    for text in FILES {
        for directive in directives(text) {
            assert_eq!(directives(&directive.to_string()), [directive]);
        }
    }
}

fn tell(written: &mut Written, text: &str) {
    for placed in remote::read("remote config", text.as_bytes()).directives() {
        written.tell(&placed.directive);
    }
}

#[test]
fn what_was_told_is_appended_and_what_was_taken_back_is_gone() {
    let text = "# ours\nserver a.example iburst # the first\n\nserver 192.0.2.1\npool p.example\n";
    let mut written = followed(text).text;
    assert_eq!(written.to_string(), text);
    tell(&mut written, "server b.example key 3 minpoll 4");
    tell(&mut written, "server c.example");
    tell(&mut written, "tos minsane 2\ntos minsane 3\ndisable ntp\nenable ntp\nreset sys");
    tell(
        &mut written,
        "restrict 10.0.0.0 mask 255.0.0.0 kod\nrestrict 10.0.0.0 mask 255.0.0.0 kod",
    );
    tell(&mut written, "setvar place = \"second floor\" default");
    tell(&mut written, "unconfig 192.0.2.1\nunpeer c.example\nunconfig nobody.example");
    assert_eq!(
        written.to_string(),
        "# ours\nserver a.example iburst # the first\n\npool p.example\n\n# Told besides\n\
         server b.example key 3 minpoll 4\ntos minsane 3\nenable ntp\n\
         restrict 10.0.0.0 mask 255.0.0.0 kod\nsetvar place = \"second floor\" default\n"
    );
    written.remove(&"b.example".parse().unwrap());
    written.remove(&"a.example".parse().unwrap());
    assert!(!written.to_string().contains("server"));
    let mut again = followed(&written.to_string()).text;
    tell(&mut again, "tos minclock 2");
    assert_eq!(again.to_string().matches("# Told besides").count(), 1);
}

#[test]
fn sources_that_were_told_outlive_a_file_that_is_read_anew() {
    let mut before = followed("server a.example\n").text;
    tell(&mut before, "server b.example\nserver c.example iburst\ntos minsane 2\nserver d.example");
    tell(&mut before, "unconfig d.example");
    let new = followed("# new\nserver b.example key 3\n");
    let mut written = new.text;
    written.inherit(&before, &new.directives);
    assert_eq!(
        written.to_string(),
        "# new\nserver b.example key 3\n\n# Told besides\nserver c.example iburst\n"
    );
}

#[test]
fn what_is_told_again_and_again_does_not_pile_up() {
    let mut written = Written::default();
    for number in 0..1_000 {
        tell(&mut written, &format!("tos mindist 0.{number:03}\ntinker step {number}\nserver a"));
        tell(&mut written, &format!("setvar count = {number}\nunconfig a"));
        tell(&mut written, &format!("fudge 127.127.1.0 time1 0.{number:03}"));
    }
    assert_eq!(written.to_string().lines().count(), 2 + 4);
}

#[test]
fn what_is_set_of_a_clock_adds_up() {
    let mut written = Written::default();
    tell(&mut written, "fudge 127.127.1.0 time1 0.5 stratum 3 flag1 1 flag2 1");
    tell(&mut written, "fudge 127.127.1.1 refid OTHR");
    tell(&mut written, "fudge 127.127.1.0 stratum 4 flag2 0 minjitter 0.25");
    assert_eq!(
        written.to_string(),
        "\n# Told besides\nfudge 127.127.1.1 refid OTHR\n\
         fudge 127.127.1.0 time1 0.5 stratum 4 flag1 1 flag2 0 minjitter 0.25\n"
    );
}

/// Words that may be a name, a number or an address.
fn line() -> impl Strategy<Value = String> {
    let host = prop_oneof![
        "[a-z]{1,8}\\.example",
        any::<std::net::Ipv4Addr>().prop_map(|address| address.to_string()),
        any::<std::net::Ipv6Addr>().prop_map(|address| format!("[{address}]:1123")),
    ];
    let option = prop_oneof![
        Just("iburst".to_owned()),
        Just("burst noselect".to_owned()),
        Just("prefer true preempt xleave".to_owned()),
        (1..65_536u32).prop_map(|key| format!("key {key}")),
        (3..=17i32, 3..=17i32).prop_map(|(min, max)| format!("minpoll {min} maxpoll {max}")),
        (1..=4u8).prop_map(|version| format!("version {version}")),
        any::<u8>().prop_map(|ttl| format!("ttl {ttl}")),
        (-16.0..16.0f64).prop_map(|bias| format!("bias {bias}")),
    ];
    let source = ("server|pool|peer|broadcast", host.clone(), prop::collection::vec(option, 0..4))
        .prop_map(|(kind, host, options)| format!("{kind} {host} {}", options.join(" ")));
    let flags = "( kod| limited| nomodify| nopeer| noquery| notrap| noserve| ignore| version| \
                 ntpport| serverresponse fuzz| ippeerlimit 3){0,4}";
    let network = (any::<std::net::Ipv4Addr>(), any::<std::net::Ipv4Addr>())
        .prop_map(|(address, mask)| format!("{address} mask {mask}"));
    let whom = prop_oneof![
        "(-4 |-6 )?default",
        Just("source".to_owned()),
        network,
        any::<std::net::Ipv6Addr>().prop_map(|address| format!("{address}/64")),
        "[a-z]{3,6}\\.example",
    ];
    let restrict = ("restrict|unrestrict", whom, flags)
        .prop_map(|(verb, whom, flags)| format!("{verb} {whom}{flags}"));
    let file =
        ("keys|driftfile|statsdir|logfile|pidfile|saveconfigdir|leapfile", "/[ -!$-~]{1,12}")
            .prop_map(|(keyword, path)| format!("{keyword} \"{}\"", path.replace('"', "")));
    let spans = ("tos mindist|tos maxdist|tos orphanwait|tinker step|tinker panic", 0.0..1e9f64)
        .prop_map(|(what, seconds)| format!("{what} {seconds}"));
    let fudge = (any::<u8>(), -1e3..1e3f64, 0..=16u8, "[A-Z!-~]{1,4}", "flag[1-4] [01]").prop_map(
        |(unit, time, stratum, code, flag)| {
            let code = code.replace(['"', '#'], "x");
            format!("fudge 127.127.1.{unit} time1 {time} stratum {stratum} refid {code} {flag}")
        },
    );
    let keys = prop::collection::vec(1..40u32, 1..20).prop_map(|ids| {
        let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
        format!("trustedkey {}", ids.join(" "))
    });
    prop_oneof![
        source,
        restrict,
        file,
        spans,
        fudge,
        keys,
        (-500.0..500.0f64).prop_map(|ppm| format!("tinker freq {ppm}")),
        "setvar [a-z]{1,4} = \"[ -!#-~]{0,9}\"( default)?",
        "filegen (loop|peer|raw)stats( file [a-z]{1,3}(/[a-z])?)?( type (day|age))?( nolink| enable){0,2}",
        "statistics( loopstats| sysstats| protostats){1,3}",
        "(enable|disable)( auth| ntp| monitor| bclient){1,3}",
        "unconfig (-6 )?([a-z]{3}\\.example|[1-9][0-9]{0,3})",
        "interface (listen|ignore|drop) (all|ipv4|ipv6|wildcard|eth0|10\\.0\\.0\\.0/8|fe80::1)",
        "(server 127\\.127\\.1\\.[0-9]|refclock local unit [0-9])( minpoll [3-9])?( stratum [0-9])?",
        "ttl( [0-9]{1,2}){1,8}",
        "(reset( sys| io| mem){1,3}|dscp [0-9]|leapsmearinterval [0-9]{1,5}|controlkey [1-9]{1,4})",
        "mru (maxdepth|maxmem|mindepth|maxage) [0-9]{1,5}",
        "discard (average [0-9]|minimum [0-9]{1,4}|monitor [0-9]{1,4})",
    ]
}

proptest! {
    #[test]
    fn whatever_is_read_is_printed_so_that_it_reads_the_same(lines in prop::collection::vec(line(), 1..6)) {
        for line in &lines {
            for directive in directives(line) {
                prop_assert_eq!(directives(&directive.to_string()), [directive], "{}", line);
            }
        }
        let read_once = followed(&lines.join("\n"));
        let again = read("again", &read_once.text.to_string()).unwrap();
        prop_assert_eq!(said(&again), said(&read_once.directives));
    }
}
