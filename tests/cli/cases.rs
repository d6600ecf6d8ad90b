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
"#;

/// All but [`TROUBLE`].
pub(crate) const ALL: [&str; 8] =
    [TABLES, VARIABLES, COUNTERS, KEYS, HOSTS, SETTINGS, COMPLAINTS, COMMAND_LINE];
