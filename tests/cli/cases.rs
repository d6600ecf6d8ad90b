//! What both programs are asked to do: arguments as a shell takes them, a case a line.

/// Tables and lists, with names and without.
pub(crate) const TABLES: &str = r#"
-p
-pn
-pw
-pnw
-c peers -c lpeers -c apeers -c opeers -c lopeers
-n -c peers -c lpeers -c apeers -c opeers -c lopeers
-w -c apeers -c opeers
-c associations -c lassociations -c passociations -c lpassociations
-c passociations -c as -c passo
-c "peers -4" -c "peers -6" -c "apeers -6" -c "opeers -4"
-r hash -p
--refid=ipv4 -c apeers -c "drefid hash" -c peers -c lpeers -c "peers -6" -c drefid
"#;

/// Variables, raw and cooked.
pub(crate) const VARIABLES: &str = r#"
-c rv -c readvar -c rl -c readlist -c "rv 0" -c "rl 0"
-c "rv &1" -c "rv &2" -c "rv &3" -c "rv &4" -c "rv &5" -c "rv &6"
-c "rv &7" -c "rv &8" -c "rl &9" -c "rl &10" -c "rl &11"
-n -c "rv &1" -c "rv &2" -c "rv &3" -c "rv &4" -c "rv &5" -c "rv &6"
-n -c "rv &7" -c "rv &8" -c "rl &9" -c "rl &10" -c "rl &11"
-c raw -c rv -c "rv &1" -c "rv &2" -c "rv &3" -c "rv &4" -c "rv &5"
-c raw -c "rv &7" -c "rv &8" -c cv -c "rv 0 offset" -c cooked -c "rv &5"
-c cv -c clockvar -c cl -c clocklist -c "cv &1" -c "cl &1" -c "cv &2"
-c "cv &1 device" -c "cv &1 timecode,poll" -c raw -c "cv &1"
-c "rv 0 offset,leap" -c "rv 0 offset leap stratum" -c "rv &2 srcadr,offset,reach"
-c "rv &2 filtdelay,filtoffset,filtdisp" -c "rv &3 flash,refid rec reftime"
-c "rv &0 stratum" -c "rv &99 srcadr"
--old-rv -c "rv 0 offset" -c "cv &1 poll"
-c "addvars offset,leap" -c rl -c "rl &2" -c showvars -c "rmvars leap,x" -c rl -c clearvars -c cl
"#;

/// Counters.
pub(crate) const COUNTERS: &str = r#"
-c "pstats &1" -c "pstats &2" -c "pstats &3" -c "pstats &4" -c "pstats &5" -c "pstats &6"
-n -c "pstats &1" -c "pstats &2" -c "pstats &7" -c "pstats &8" -c "pstats &9" -c "pstats &10"
-c sysinfo -c sysstats -c kerninfo -c iostats -c timerstats -c monstats -c authinfo
-n -c sysinfo -c sysstats -c kerninfo -c iostats -c timerstats -c monstats
"#;

/// With a key, with a wrong one, without.
pub(crate) const KEYS: &str = r#"
-c ifstats
-c "keyid 1" -c ifstats
-c "keyid 1" -c "passwd secretmd5" -c ifstats
-n -c "keyid 1" -c "keytype MD5" -c "passwd secretmd5" -c ifstats -c peers
-c "keyid 1" -c "passwd wrong" -c ifstats
-c "keyid 7" -c "passwd secretmd5" -c ifstats
-c "keyid 2" -c "keytype SHA1" -c "passwd SecretSha1" -c ifstats
-c "keyid 1" -c "passwd secretmd5" -c "authenticate yes" -c rv -c peers -c authenticate
-c keyid -c "keyid 5" -c keyid -c "keyid 70000" -c "keyid 0" -c keyid -c "passwd x" -c "passwd"
-c keytype -c "keytype SHA1" -c keytype -c "keytype foo" -c "keytype SHA512" -c "keytype AES128CMAC" -c keytype
"#;

/// Those who asked, in every order, all of them and some.
pub(crate) const CLIENTS: &str = r#"
-n -c mrulist
-c mrulist
-n -c "mrulist sort=lstint" -c "mrulist sort=-lstint" -c "mrulist sort=avgint" -c "mrulist sort=-avgint"
-n -c "mrulist sort=addr" -c "mrulist sort=-addr" -c "mrulist sort=count" -c "mrulist sort=-count"
-n -c "mrulist sort=nosuch" -c "mrulist sort=" -c "mrulist SORT=addr" -c "mru foo limited=1"
-n -c "mrulist limited" -c "mrulist kod" -c "mrulist resall=0x840" -c "mrulist resany=0x800"
-n -c "mrulist mincount=2" -c "mrulist mincount=1000" -c "mrulist mincount=3 sort=count kod"
-n -c "mrulist laddr=127.0.0.1 sort=addr" -c "mrulist limited kod resany=0x1 mincount=1"
-n -c "mrulist maxlstint=999999" -c "mrulist a b c d" -c "mrulist frags=3 limit=5"
-n -c "mrulist mincount=1 > /dev/null" -c "mrulist >"
-n -c raw -c mrulist -c cooked -c "mrulist mincount=5" 127.0.0.1 ::1
-n -c "keyid 1" -c "passwd secretmd5" -c "authenticate yes" -c "mrulist mincount=9"
-n -c "mrulist mincount=00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000001" -c "mrulist"
"#;

/// Restrictions, several associations at once, and what changes a daemon: with a key, with a wrong
/// one, without.
pub(crate) const CHANGES: &str = r#"
-c reslist -c ":config tos minsane 1" -c "saveconfig x" -c "writevar 0 leap=1" -c writelist
-c "keyid 1" -c "passwd secretmd5" -c reslist -c "reslist > /dev/null" -c "keyid 2" -c reslist
-c "keyid 1" -c "passwd wrong" -c reslist -c ":config x" -c "config-from-file lines" -c "saveconfig x"
-c "keyid 1" -c reslist -c ":config x" -c "config-from-file lines"
-c "keyid 1" -c "passwd secretmd5" -c ":config tos minsane 1" -c ":config restrict bogus blah" -c ":config server"
-c "keyid 1" -c "passwd secretmd5" -c ":config tos   minsane x" -c ":config tos minsane x" -c ":config nosuch directive here"
-c "keyid 1" -c "passwd secretmd5" -c ":config enable mode7" -c ":config logfile x" -c ":config" -c ":con includefile x"
-c "keyid 1" -c "passwd secretmd5" -c "config-from-file lines" -c "config-from-file nosuch" -c "config lines" -c config-from-file
-c "keyid 1" -c "passwd secretmd5" -c "saveconfig ../x" -c "saveconfig a/b" -c saveconfig -c "saveconfig a > /dev/null"
-c "keyid 1" -c "passwd secretmd5" -c "writevar 0 leap=1" -c "writevar 0 nosuch=1" -c "writevar &1 leap=1" -c "writevar 0"
-c "keyid 1" -c "passwd secretmd5" -c writelist -c "addvars leap=1,stratum" -c writelist -c "writelist &2" -c "writelist 70000"
-c ":config tos minsane 1" localhost ::1
-c "mreadvar &1 &2 reach" -c "mrl &1 &3" -c "mrl &3 &2" -c "mreadlist &1 &99" -c "mrv &1 &4 offset,delay" -c "mrv &2 &3"
-c "mrl 0 &1" -c "mrl 1 2" -c "mrl 70000 1" -c "mrl &1" -c "mrv &1 &2 nosuch" -c "addvars reach" -c "mrl &1 &4" -c "mrv &1 &4"
-n -c raw -c "mrl &1 &2" -c "mrv &3 &5 srcadr,filtdelay" localhost ::1
--old-rv -c "mrv &1 &2 offset" -c "mrv &2 &1 srcadr srchost"
"#;

/// A file for `config-from-file`.
pub(crate) const LINES: &str = "tos minsane 1 # as it is\n# nothing\n\n  \t\nrestrict bogus blah\t \n\
    server\nenable mode7\nfudge 127.127.9.0 stratum 3\nunconfig 10.77.0.99";

/// A file of keys.
pub(crate) const KEY_FILE: &str = "# number, kind, secret\n1 MD5 secretmd5\n2 SHA1 SecretSha1\n\
    5 AES128CMAC 000102030405060708090a0b0c0d0e0f\n7 MD5 wrong # not the daemon's\n";

/// Several hosts, hosts that are not there.
pub(crate) const HOSTS: &str = r#"
-p 127.0.0.1 ::1
-pn 127.0.0.1 ::1
-pw localhost ::1
-c opeers -c lopeers 127.0.0.1 ::1
-n -c opeers 127.0.0.1 localhost
-c apeers -c peers localhost nowhere.invalid ::1
-c "peers -4" -c "peers -6" localhost 127.0.0.1
-c as -c rv -c "rv 0 offset" -c "rv 1" -c sysinfo -c cv -c foo localhost ::1
-c raw -c rv -c cooked -c rv localhost ::1
-c rv nowhere.invalid
-c rv nowhere.invalid localhost
-4 -c host localhost
-6 -c host localhost
-4 -c host ::1
-6 -c host 127.0.0.1
-c host 127.0.0.1 localhost [::1] nowhere.invalid
-c host -4 localhost -6 localhost
-c "host ::1" -c rv -c "host nowhere.invalid" -c "host -4 localhost" -c host -c "host -9 x"
-p 203.0.113.1
-p 127.0.0.1 203.0.113.1 ::1
"#;

/// Settings and their texts.
pub(crate) const SETTINGS: &str = r#"
-c version -c raw -c cooked -c host -c poll
-c "hostnames no" -c peers -c "hostnames yes" -c "rv &2" -c hostnames -c "hostnames x"
-c debug -c delay -c "delay 55" -c delay -c timeout -c "timeout 300" -c timeout -c drefid
-c "ntpversion 1" -c peers -c as -c "ntpversion 3" -c peers -c "ntpversion 9" -c ntpversion
-c "rv > /dev/null" -c rv -c "rv >" -c "rv > /nonexistent/x" -c rv
-c rv -c quit -c rv
-c rv -c exit -c rv
-c "?" -c help
"#;

/// What cannot be done.
pub(crate) const COMPLAINTS: &str = r#"
-c foo -c p -c rv -c foo -c '#c' -c '' -c RV
-c "rv 1" -c "rv 70000" -c "rv x" -c "rv &x" -c "rv -1" -c "rv 0 nosuch" -c "cv 1" -c "cl 70000"
-c "pstats 0" -c pstats -c "pstats 5" -c "peers 4" -c "peers -5" -c "delay x" -c "timeout -5"
-c "rv 0 a b c d e" -c "\"rv\" 1" -c "rv \"0\" \"offset\"" -c "help foo" -c "help r"
"#;

/// Options as they are taken, and those that are not.
pub(crate) const COMMAND_LINE: &str = r#"
--peers --numeric
--num --wid --pe
-nchost -c "rv 0 stratum" localhost
--command=host --command host
-c host -n localhost -c version
-c host -- -4
--version
--ver
-x
--foo
-4 -6 -p
-c
-pc
--ipv4=3
-r foo -p
"#;

/// For daemons that do not answer, or not as they should.
pub(crate) const TROUBLE: &str = r#"
-c "timeout 200" -c peers -c rv -c "rv 5" -c as -c "pstats 5" -c cv -c sysinfo -c "rv &1"
-n -c "timeout 200" -c opeers -c apeers -c raw -c rv -c "rl 7" localhost
-c "timeout 200" -c peers -c rv -c "rv 5 offset" -c foo 127.0.0.1 ::1
-c "timeout 200" -c "keyid 1" -c "passwd secretmd5" -c ifstats
-c "timeout 200" -c "keyid 1" -c "passwd secretmd5" -c reslist -c ":config tos minsane 1" -c "saveconfig x"
-c "timeout 200" -c "keyid 1" -c "passwd secretmd5" -c "writevar 0 leap=1" -c "writelist 5" -c "config-from-file lines"
-n -c "timeout 200" -c "mrulist sort=addr x" -c "mrl 1 2" localhost ::1
"#;

/// All but [`TROUBLE`].
pub(crate) const ALL: [&str; 10] = [
    TABLES,
    VARIABLES,
    COUNTERS,
    KEYS,
    CLIENTS,
    CHANGES,
    HOSTS,
    SETTINGS,
    COMPLAINTS,
    COMMAND_LINE,
];

/// Commands of which something is not compared, and why. All others are compared in full.
pub(crate) const NOT_COMPARED: &[(&str, &str)] = &[
    (
        "help",
        "what it says of one command is in words of our own; that there is no such command, and the list, are compared",
    ),
    ("?", "as help"),
    ("keytype", "MD4, RIPEMD160 and SHAKE128 are not to be had here; all else is compared"),
    ("debug", "there are no debugging texts here; the level is compared"),
    (
        "config-from-file",
        "a line that is refused is sent once, not three times; what is printed is compared",
    ),
    (
        "mrulist",
        "progress is told by the clock, every five seconds, and raw pieces are cut by the line; the frozen list is too short for either",
    ),
];

/// The commands in the cases, as they stand there.
pub(crate) fn commands() -> impl Iterator<Item = String> {
    commands_in(ALL.iter().chain([&TROUBLE]).copied())
}

/// The commands in the cases of these groups.
pub(crate) fn commands_in<'a>(
    groups: impl Iterator<Item = &'a str>,
) -> impl Iterator<Item = String> {
    groups.flat_map(str::lines).flat_map(|line| {
        let after = line.split("-c ").skip(1);
        after.map(|text| {
            let text = text.trim_start_matches(['"', '\'']);
            let end = text.find([' ', '"', '\'']).unwrap_or(text.len());
            text.get(..end).unwrap_or_default().to_owned()
        })
    })
}
