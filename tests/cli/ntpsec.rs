//! `ntpscope ntpq --style ntpsec` beside NTPsec's ntpq 1.2.2, byte for byte.

use ntpscope::ntpq::Style;
use ntpscope::ntpq::command::vocabulary;

use crate::cases;
use crate::duel::{Against, Daemon, Duel, Zone};

/// Tables and lists, with names and without.
const TABLES: &str = r#"
-p
-pn
-pw
-pnw
-u -p -c opeers
-s -p
-S -p
-n -s -c peers -c "rv &2"
-W 60 -p -c apeers -c rpeers
-W 120 -c peers -c opeers -c apeers -c rpeers -c "rv &2"
-nW 90 -w -c peers -c opeers -c apeers
-W 0 -c peers -c rpeers
-uW132 -n -c peers -c units -c peers
-c peers -c lpeers -c apeers -c opeers -c lopeers -c rpeers
-n -c peers -c lpeers -c apeers -c opeers -c lopeers -c rpeers
-w -c apeers -c opeers
-c associations -c lassociations -c passociations -c lpassociations
-c passociations -c as -c passo
-c "peers -4" -c "peers -6" -c "apeers -6" -c "opeers -4"
"#;

/// Variables, raw and cooked.
const VARIABLES: &str = r#"
-c rv -c readvar -c rl -c readlist -c "rv 0" -c "rl 0"
-c "rv &1" -c "rv &2" -c "rv &3" -c "rv &4" -c "rv &5" -c "rv &6"
-c "rv &7" -c "rv &8" -c "rl &9" -c "rl &10" -c "rl &11"
-u -c "rv &1" -c "rv &2" -c "rv &3" -c "rv &4" -c "rv &5" -c "rv &6"
-u -c rv -c "rv &7" -c "rv &8" -c "rl &9" -c "rl &10" -c "cv &1"
-c raw -c rv -c "rv &1" -c "rv &2" -c "rv &3" -c "rv &4" -c "rv &5"
-c raw -c "rv &7" -c "rv &8" -c cv -c "rv 0 offset" -c cooked -c "rv &5"
-c cv -c clockvar -c cl -c clocklist -c "cv &1" -c "cl &1" -c "cv &2"
-c "cv &1 device" -c "cv &1 timecode,poll" -c raw -c "cv &1"
-c "rv 0 offset,leap" -c "rv 0 offset leap stratum" -c "rv &2 srcadr,offset,reach"
-c "rv &2 filtdelay,filtoffset,filtdisp" -c "rv &3 flash,refid rec reftime"
-c "rv &0 stratum" -c "rv &99 srcadr"
-c "mreadvar &1 &2 reach" -c "mrl &1 &3" -c "mrl &3 &2" -c "mreadlist &1 &99" -c "mrv &1 &4 offset,delay" -c "mrv &2 &3"
-c "mrl 0 &1" -c "mrl 1 2" -c "mrl 70000 1" -c "mrl &1" -c "mrv &1 &2 nosuch" -c mrl -c mrv -c mreadvar -c mreadlist
"#;

/// Counters.
const COUNTERS: &str = r#"
-c "pstats &1" -c "pstats &2" -c "pstats &3" -c "pstats &4" -c "pstats &5" -c "pstats &6"
-n -c "pstats &1" -c "pstats &2" -c "pstats &7" -c "pstats &8" -c "pstats &9" -c "pstats &10"
-c pstats -c "pstats 0" -c "pstats 5" -c "pstats &99"
-c sysinfo -c sysstats -c kerninfo
-c iostats -c timerstats -c monstats -c authinfo -c ntsinfo
-u -n -c sysinfo -c sysstats -c kerninfo -c iostats
-u -n -c timerstats -c monstats -c authinfo -c ntsinfo -c "pstats &2"
-4 -c sysinfo -c "pstats &2" -c "pstats &9"
-6 -c sysinfo -c "pstats &2" -c "pstats &9"
-c raw -c sysinfo -c sysstats -c ntsinfo -c "pstats &2"
-c sysinfo -c timerstats localhost ::1
-k keys -a 1 -c authinfo -c keyid
"#;

/// Those who asked, in every order, all of them and some.
const CLIENTS: &str = r#"
-n -c mrulist
-c mrulist
-w -c mrulist -c "mru sort=lstint"
-n -c "mrulist sort=-lstint" -c "mrulist sort=avgint" -c "mrulist sort=-avgint"
-n -c "mrulist sort=addr" -c "mrulist sort=-addr" -c "mrulist sort=count" -c "mrulist sort=-count"
-n -c "mrulist sort=nosuch" -c "mrulist SORT=addr" -c "mru foo limited=1" -c "mru sort=5" -c "mru x y=1"
-n -c "mrulist limited" -c "mrulist kod" -c "mrulist resall=0x840" -c "mrulist resany=32"
-n -c "mrulist mincount=2" -c "mrulist mincount=1000" -c "mrulist mincount=3 sort=count kod"
-n -c "mrulist laddr=127.0.0.1 sort=addr" -c "mrulist limited kod resany=0x1 mincount=1"
-n -c "mrulist maxlstint=999999" -c "mrulist frags=3 limit=5" -c "mrulist recent=3"
-n -c direct -c mrulist -c direct -c "mrulist mincount=5"
-n -c raw -c "mrulist mincount=5" -c cooked -c "mrulist mincount=5" 127.0.0.1 ::1
"#;

/// Orders that only a daemon of NTPsec's has entries for: Python ends the real one else.
const SCORES: &str = r#"
-n -c "mrulist sort=score" -c "mrulist sort=-score" -c "mrulist sort=drop" -c "mrulist sort=-drop"
"#;

/// Several hosts, hosts that are not there.
const HOSTS: &str = r#"
-p 127.0.0.1 ::1
-pn 127.0.0.1 ::1
-pw localhost ::1
-c opeers -c rpeers 127.0.0.1 [::1] a.rather.long.name.of.a.server.lab
-c as -c rv -c "rv 0 offset" -c "rv 1" -c cv -c foo localhost ::1
-c raw -c rv -c cooked -c rv localhost ::1
-c rv nowhere.invalid
-c rv nowhere.invalid localhost
-4 -c host localhost
-4 -c host ::1
-c host 127.0.0.1 localhost [::1] nowhere.invalid
-c host -- -4 localhost
-c host localhost -6 localhost ::1
-c "host ::1" -c rv -c "host nowhere.invalid" -c "host -4 localhost" -c host -c "host -9 x" -c "host -4"
-p 203.0.113.1
-p 127.0.0.1 203.0.113.1 ::1
-c passo -c "rv &1" 127.0.0.1 ::1
"#;

/// Settings and their texts.
const SETTINGS: &str = r#"
-c version -c raw -c cooked -c host -c poll -c "poll 3" -c units -c direct -c direct
-c "hostnames no" -c peers -c "hostnames yes" -c peers -c hostnames -c "hostnames x" -c "hostnames hostnum" -c peers -c "hostnames hostname" -c peers
-c debug -c "debug 0" -c delay -c "delay 55" -c delay -c "delay -5" -c delay -c "delay x" -c timeout -c "timeout 300" -c "timeout x"
-c "debug less" -c "debug x" -c "debug no" -c "debug 0x1"
-c "ntpversion 1" -c peers -c as -c "ntpversion 3" -c peers -c "ntpversion 9" -c ntpversion -c "ntpversion x"
-c "rv > /dev/null" -c "rv 0 >"
-c rv -c quit -c rv -c exit -c EOF -c "rv 0 offset"
-c help -c "?"
-c "addvars offset,leap" -c rl -c "rl &2" -c showvars -c "rmvars leap,x" -c rl -c clearvars -c showvars -c cl
-c "addvars a = 1 , b=2=3,,leap" -c showvars -c addvars -c rmvars -c "rmvars  a" -c "mrl &1 &2"
-c keyid -c "keyid 5" -c keyid -c "keyid 70000" -c "keyid x" -c "keyid 0" -c keytype -c "keytype sha1" -c keytype -c "keytype foo" -c "keytype aes" -c keytype
-c logfile -c "logfile <stderr>" -c logfile -c "doflake x" -c "doflake 2" -c "doflake 0"
-c authenticate -c "authenticate x" -c "authenticate no" -c writelist -c "writevar 0 leap=1"
-c rv -c "authenticate yes" -c rv -c peers -c as -c "authenticate no" -c rv
"#;

/// What cannot be done.
const COMPLAINTS: &str = r#"
-c foo -c p -c "rv 0 leap" -c foo -c '#c' -c '' -c RV -c '!x' -c '&1' -c "hot_config" -c "saveconfig x" -c drefid
-c "rv 1" -c "rv 70000" -c "rv x" -c "rv &x" -c "rv -1" -c "rv 0 nosuch" -c "cv 1" -c "cl 70000" -c "rv &-1" -c "rv &70000"
-c "rv 0 a b c d e" -c ""rv" 1" -c "rv "0" "offset"" -c "help foo" -c "help r" -c "hel r" -c "hel foo" -c "? :config" -c "help config"
-c ":configx" -c "readv 0 readv" -c "rv&1" -c "rv  &1   srcadr,leap   reach"
"#;

/// With a key, with a wrong one, without.
const KEYS: &str = r#"
-c ifstats -c reslist -c passwd
-k keys -c ifstats 127.0.0.1
-k keys -c ifstats localhost
-k keys -a 1 -c ifstats -c reslist -c keyid -c keytype
-k keys -a 1 -c raw -c ifstats -c reslist
-k keys -a 2 -c ifstats -c ifstats
-k keys -a 7 -c reslist -c keyid
-k keys -a 9 -c keyid
-k nosuch -c rv
-a x -p
-k keys -a 1 -c passwd -c "authenticate yes" -c rv -c peers
-k keys -a 1 -c "authenticate yes" -c rv -c passwd -c rv
"#;

/// What changes a daemon: with a key, with a wrong one, without.
const CHANGES: &str = r#"
-c ":config tos minsane 1" -c "config-from-file lines" -c "rv 0 leap"
-k keys -a 1 -c ":config tos minsane 1" -c ":config restrict bogus blah" -c ":config server" -c keyid
-k keys -a 1 -c ":config tos   minsane x" -c ":config tos minsane x" -c ":config nosuch directive here"
-k keys -a 1 -c ":config enable mode7" -c ":config logfile x" -c ":config" -c "hot_config includefile x"
-k keys -a 1 -c "config-from-file lines" -c "rv 0 leap"
-k keys -a 1 -c passwd -c "config-from-file lines" -c "config-from-file nosuch" -c "config-from-file"
-k keys -a 7 -c ":config tos minsane 1" -c ":config tos minsane 1" 127.0.0.1
-k keys -a 1 -c ":config tos minsane 1" -c rv -c ":config tos minsane 1" localhost ::1
-k keys -c rv -c "rv 0 leap" -c as
-k keys -c as
-k keys -c "rv &2" -c rv
"#;

/// Options as they are taken.
const COMMAND_LINE: &str = r#"
--peers --numeric
--num --wid --pe
-nchost -c "rv 0 stratum" localhost
--command=host --command host
--units --width 100 -p
--width=90 -wp
-Vp
--version
"#;

/// Without commands: the input has none.
const INPUT: &str = "
localhost
localhost ::1
nowhere.invalid
-n
";

/// For daemons that are made up.
const RANDOM: &str = r#"
-n -p -c rpeers -c opeers -c apeers
-n -w -u -W 110 -p -c opeers -c apeers
-S -p -c as
-nW 40 -p -c rpeers
-n -c "rv &1" -c "rv &2" -c "rv &3" -c "rv &4" -c "rv &5" -c "rv &6" -c "rv &7" -c "rv &8"
-u -c "rv &1" -c "rv &3" -c "rv &5" -c "rv &7" -c "rv &9" -c "rv &10" -c "rv &11" -c "rv &12"
-c raw -c "rv &1" -c "mrv &2 &3 offset,delay"
-c "ntpversion 1" -n -p
"#;

/// Commands of which something is not compared, and why. All others are compared in full.
const NOT_COMPARED: &[(&str, &str)] = &[
    ("help", "what it says of one command is in words of our own; the list is compared"),
    ("mssntpinfo", "the real one has it since 1.2.3; it is printed like ntsinfo"),
    ("noflake", "the real one ends with a Python trace"),
    ("doflake", "no answers are lost here; what it says to a bad share is compared"),
    ("logfile", "there are no debugging texts here, so no file is opened"),
    ("passwd", "what is typed needs a terminal; keys from a file are compared"),
    ("debug", "there are no debugging texts here; the level is compared"),
    ("keytype", "which digests there are is the system library's affair; the usual are compared"),
    ("mrulist", "the time and memory that it took are the program's own; all else is compared"),
];

/// For daemons that do not answer, or not as they should.
const TROUBLE: &str = r#"
-c "timeout 200" -c peers -c rv -c "rv 5" -c as -c cv -c "rv &1"
-n -c "timeout 200" -c opeers -c apeers -c raw -c rv -c "rl 7" localhost
-c "timeout 200" -c peers -c rv -c "rv 5 offset" -c foo 127.0.0.1 ::1
-k keys -a 1 -c "timeout 200" -c ifstats
-c "timeout 200" -c kerninfo -c sysstats -c "pstats 5" -c timerstats
-n -c "timeout 200" -c mrulist
-n -c "timeout 200" -c "mrl 1 2" -c authinfo localhost ::1
-k keys -a 1 -c "timeout 200" -c reslist -c ":config tos minsane 1" -c "config-from-file lines"
"#;

fn fight(daemon: Daemon, groups: &[&str]) {
    Duel { daemon, zone: Zone::NewYork, against: Against::Ntpsec }.fight(groups);
}

/// All but [`TROUBLE`].
const ALL: [&str; 10] = [
    TABLES,
    VARIABLES,
    COUNTERS,
    CLIENTS,
    HOSTS,
    SETTINGS,
    COMPLAINTS,
    KEYS,
    CHANGES,
    COMMAND_LINE,
];

#[test]
fn an_ntpsec_daemon_is_printed_as_ntpsec_prints_it() {
    fight(Daemon::Frozen("ntpsec", &[]), &ALL);
    fight(Daemon::Frozen("ntpsec", &[]), &[SCORES]);
}

#[test]
fn a_classic_daemon_is_printed_as_ntpsec_prints_it() {
    fight(Daemon::Frozen("classic", &[]), &ALL);
}

#[test]
fn made_up_daemons_are_printed_as_ntpsec_prints_them() {
    for seed in 1..=4 {
        fight(Daemon::Random(seed), &[RANDOM]);
    }
}

#[test]
fn every_command_of_ntpsec_is_compared_or_says_why_not() {
    let known = vocabulary(Style::Ntpsec);
    let groups = ALL.iter().chain([&TROUBLE, &RANDOM, &SCORES]);
    let compared: Vec<String> = cases::commands_in(groups.copied())
        .filter_map(|name| known.find(&name).ok())
        .map(|command| command.name.to_owned())
        .collect();
    let named = |wanted: &str| NOT_COMPARED.iter().any(|(name, _)| *name == wanted);
    let missing: Vec<&str> = known
        .commands()
        .map(|command| command.name)
        .filter(|name| !compared.iter().any(|known| known == name) && !named(name))
        .collect();
    assert_eq!(missing, [""; 0], "in no case of this file");
    for (name, why) in NOT_COMPARED {
        assert!(known.commands().any(|command| command.name == *name), "{name}");
        assert!(why.len() > 5, "{name} does not say why");
    }
}

#[test]
fn commands_are_read_from_the_input_too() {
    // Neither has a terminal here: nothing prompts, and the end of the input ends the line.
    fight(Daemon::Frozen("ntpsec", &[]), &[INPUT]);
}

#[test]
fn a_silent_daemon_is_waited_for_as_ntpsec_does() {
    fight(Daemon::Frozen("ntpsec", &["--silent"]), &[TROUBLE]);
}

#[test]
fn a_closed_port_is_told_as_ntpsec_tells_it() {
    fight(Daemon::None, &[TROUBLE]);
}

#[test]
fn every_error_is_told_as_ntpsec_tells_it() {
    const ERRORS: [&[&str]; 7] = [
        &["--error", "1"],
        &["--error", "2"],
        &["--error", "3"],
        &["--error", "4"],
        &["--error", "5"],
        &["--error", "6"],
        &["--error", "7"],
    ];
    for error in ERRORS {
        fight(Daemon::Frozen("ntpsec", error), &[TROUBLE]);
    }
}
