//! Which command of ntpdc is compared, how and in which cases.
//!
//! A case is a line of arguments, and behind ` <<< ` what is typed.

/// How a command is compared with the real one.
pub(super) enum Compared {
    /// What is printed and what is sent, on these lines.
    Wholly(&'static [&'static str]),
    /// What is printed on these lines; what is sent differs, and why.
    AsPrinted(&'static [&'static str], &'static str),
    /// Not by bytes, and why.
    Not(&'static str),
}

/// A comparison.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case {
    pub(super) line: &'static str,
    pub(super) sends_the_same: bool,
}

impl Case {
    /// One for each line of `lines` that is not empty, compared wholly.
    pub(super) fn all(lines: &'static str) -> Vec<Self> {
        let lines = lines.lines().filter(|line| !line.is_empty());
        lines.map(|line| Self { line, sends_the_same: true }).collect()
    }

    /// The same, of which only what is printed is compared.
    pub(super) fn printed(lines: &'static str) -> Vec<Self> {
        let cases = Self::all(lines).into_iter();
        cases.map(|case| Self { sends_the_same: false, ..case }).collect()
    }
}

impl Compared {
    pub(super) fn cases(&self) -> Vec<Case> {
        let (lines, sends_the_same) = match self {
            Self::Wholly(lines) => (*lines, true),
            Self::AsPrinted(lines, why) => {
                assert!(!why.is_empty());
                (*lines, false)
            }
            Self::Not(why) => {
                assert!(!why.is_empty());
                (&[][..], true)
            }
        };
        lines.iter().map(|line| Case { line, sends_the_same }).collect()
    }
}

/// Signed by the right key.
macro_rules! keyed {
    ($command:literal) => {
        concat!("-n -c 'keyid 1' -c 'passwd secretmd5' -c '", $command, "'")
    };
}

const GARBAGE: &str = "where a field is not used ntpdc sends what happens to be in its memory";

/// Every command.
pub(super) const TABLE: &[(&str, Compared)] = &[
    ("?", Compared::Not("its sentences are our own, as those of ntpq's help")),
    ("help", Compared::AsPrinted(&["-c help", "-c 'help foo'", "-c 'help p'"], "nothing is sent")),
    ("timeout", Compared::Wholly(&["-c timeout -c 'timeout 700' -c timeout -c 'timeout -1'"])),
    (
        "delay",
        Compared::Wholly(&[
            "-c delay -c 'delay -5' -c delay -c 'delay 1500' -c delay -c 'delay x'",
        ]),
    ),
    (
        "host",
        Compared::Wholly(&[
            "-n -c host -c 'host ::1' -c host -c sysinfo",
            "-n -c 'host [::1' -c 'host -6 [::1' -c 'host x [::1' -c 'host [::1]' -c sysinfo",
            "-n -c 'host -4 localhost' -c 'host -6 localhost' -c 'host x localhost' -c host",
        ]),
    ),
    (
        "passwd",
        Compared::Wholly(&[
            "-n -c passwd -c readkeys <<< 1\\nsecretmd5\\n",
            "-n -c passwd <<< 0\\n",
            "-n -c 'keyid 1' -c passwd <<< \\n",
        ]),
    ),
    (
        "hostnames",
        Compared::Wholly(&[
            "-c hostnames -c 'hostnames no' -c hostnames -c 'hostnames yes' -c 'hostnames x'",
        ]),
    ),
    (
        "debug",
        Compared::AsPrinted(
            &["-c debug -c 'debug x'"],
            "nothing is sent; with a level above 0 ntpdc tells of its packets, and ours of none",
        ),
    ),
    ("quit", Compared::Wholly(&["-n -c quit -c sysinfo"])),
    ("exit", Compared::Wholly(&["-n -c exit -c sysinfo"])),
    (
        "keyid",
        Compared::Wholly(&["-n -c keyid -c 'keyid 0' -c keyid -c readkeys -c 'keyid 7' -c keyid"]),
    ),
    (
        "keytype",
        Compared::Wholly(&[
            "-c keytype -c 'keytype sha1' -c keytype -c 'keytype sha256' -c 'keytype foo' -c 'keytype aes128cmac' -c keytype",
            "-n -c 'keyid 2' -c 'keytype sha1' -c 'passwd SecretSha1' -c readkeys",
        ]),
    ),
    ("version", Compared::Wholly(&["-c version"])),
    (
        "listpeers",
        Compared::Wholly(&[
            "-n -c listpeers",
            "-n -c 'listpeers -4' -c 'listpeers -6'",
            "-c 'listpeers 4'",
        ]),
    ),
    (
        "peers",
        Compared::Wholly(&["-n -c peers", "-n -c 'peers -4'", "-n -c 'peers -6'", "-c 'peers x'"]),
    ),
    ("dmpeers", Compared::Wholly(&["-n -c dmpeers", "-n -c 'dmpeers -6'"])),
    (
        "showpeer",
        Compared::AsPrinted(
            &[
                "-n -c 'showpeer 10.8.0.2'",
                "-n -c 'showpeer 10.8.0.77 10.9.9.9 fd08::2 10.8.0.255 127.127.1.0'",
                "-n -c 'showpeer -6 fd08::2' -c 'showpeer 127.127.1.0'",
                "-n -c 'showpeer 192.0.2.1'",
                "-c showpeer",
            ],
            GARBAGE,
        ),
    ),
    (
        "pstats",
        Compared::Wholly(&[
            "-n -c 'pstats 10.8.0.2'",
            "-n -c 'pstats 10.8.0.77 10.9.9.9 fd08::2 127.127.1.0'",
            "-n -c 'pstats fd08::2 192.0.2.1'",
            "-n -c 'pstats nowhere.example'",
        ]),
    ),
    (
        "loopinfo",
        Compared::Wholly(&[
            "-n -c loopinfo -c 'loopinfo oneline' -c 'loopinfo multiline' -c 'loopinfo x'",
        ]),
    ),
    ("sysinfo", Compared::Wholly(&["-n -c sysinfo", "-n -c 'sysinfo what ever'"])),
    ("sysstats", Compared::Wholly(&["-n -c sysstats"])),
    ("memstats", Compared::Wholly(&["-n -c memstats"])),
    ("iostats", Compared::Wholly(&["-n -c iostats"])),
    ("timerstats", Compared::Wholly(&["-n -c timerstats"])),
    ("addpeer", Compared::Wholly(&[keyed!("addpeer 10.0.0.9"), keyed!("addpeer -6 fd00::9 5 4")])),
    (
        "addserver",
        Compared::Wholly(&[
            keyed!("addserver fd00::9 5 4 iburst minpoll 5 maxpoll 7 prefer"),
            keyed!("addserver 10.0.0.9 minpoll 2"),
            keyed!("addserver 10.0.0.9 7 9"),
            keyed!("addserver 10.0.0.9 foo"),
            keyed!("addserver 10.0.0.9 minpoll -4 foo"),
            keyed!("addserver 10.0.0.9 keyid 5 version 2 burst maxpoll 300"),
            keyed!("addserver nine.lab"),
            keyed!("addserver nowhere.example"),
            "-n -c 'keyid 1' -c 'passwd wrong' -c 'addserver 10.0.0.9'",
            "-n -c 'keyid 2' -c 'passwd secretmd5' -c 'addserver 10.0.0.9'",
            "-n -c 'keyid 0' -c 'addserver 10.0.0.9'",
        ]),
    ),
    (
        "addrefclock",
        Compared::Wholly(&[
            keyed!("addrefclock 127.127.1.1 3 prefer"),
            "-c 'addrefclock 127.127.1.1 x'",
        ]),
    ),
    ("broadcast", Compared::Wholly(&[keyed!("broadcast 10.0.0.255 1 3 minpoll 4")])),
    (
        "unconfig",
        Compared::AsPrinted(
            &[keyed!("unconfig 10.0.0.9 10.0.0.10"), keyed!("unconfig fd00::9")],
            GARBAGE,
        ),
    ),
    (
        "enable",
        Compared::Wholly(&[
            keyed!("enable monitor stats pps calibrate ntp"),
            "-c 'enable foo bar'",
            "-c enable",
        ]),
    ),
    ("disable", Compared::Wholly(&[keyed!("disable auth bclient kernel"), "-c 'disable foo'"])),
    ("reslist", Compared::Wholly(&["-n -c reslist", "-n -c 'reslist -4' -c 'reslist -6'"])),
    (
        "restrict",
        Compared::AsPrinted(
            &[
                keyed!("restrict 10.0.0.1 255.255.0.0 noquery limited kod"),
                keyed!("restrict fd00::1 ffff:: nomodify"),
                keyed!("restrict 0.0.0.0 255.0.0.0 ntpport ignore"),
                "-c 'restrict 10.0.0.1 255.0.255.0 foo' -c 'restrict 10.0.0.1'",
            ],
            GARBAGE,
        ),
    ),
    (
        "unrestrict",
        Compared::AsPrinted(&[keyed!("unrestrict 10.0.0.1 255.255.0.0 noquery ntpport")], GARBAGE),
    ),
    (
        "delrestrict",
        Compared::AsPrinted(
            &[
                keyed!("delrestrict 10.0.0.1 255.255.0.0 ntpport"),
                "-c 'delrestrict 10.0.0.1 255.255.0.0 noquery'",
            ],
            GARBAGE,
        ),
    ),
    (
        "monlist",
        Compared::Wholly(&[
            "-n -c monlist",
            "-n -c 'monlist 1' -c 'monlist 0' -c 'monlist 2' -c 'monlist x'",
        ]),
    ),
    (
        "reset",
        Compared::Wholly(&[
            keyed!("reset io sys mem timer auth ctl allpeers"),
            "-c 'reset foo io bar'",
        ]),
    ),
    (
        "preset",
        Compared::AsPrinted(
            &[keyed!("preset 10.0.0.9 10.0.0.10"), keyed!("preset fd00::9")],
            GARBAGE,
        ),
    ),
    (
        "readkeys",
        Compared::Wholly(&[
            keyed!("readkeys"),
            "-n -c readkeys <<< 1\\nsecretmd5\\n",
            "-n -c readkeys <<< 1\\nwrong\\n",
        ]),
    ),
    (
        "trustedkey",
        Compared::Wholly(&[keyed!("trustedkey 5"), "-c 'trustedkey x'", "-c trustedkey"]),
    ),
    (
        "untrustedkey",
        Compared::AsPrinted(
            &[keyed!("untrustedkey 5 6 7 8")],
            "of several keys a daemon reads the first and zeros, so ours sends one at a time",
        ),
    ),
    ("authinfo", Compared::Wholly(&["-n -c authinfo"])),
    ("traps", Compared::Wholly(&["-n -c traps"])),
    (
        "addtrap",
        Compared::AsPrinted(
            &[
                keyed!("addtrap 10.0.0.1"),
                keyed!("addtrap fd00::1 5 fd00::2"),
                "-c 'addtrap 10.0.0.1 5 ::1'",
            ],
            GARBAGE,
        ),
    ),
    ("clrtrap", Compared::AsPrinted(&[keyed!("clrtrap 10.0.0.1 70000 10.0.0.2")], GARBAGE)),
    (
        "requestkey",
        Compared::Not(
            "ntpdc sends what every 64-bit daemon refuses; ours is accepted, which a living daemon shows",
        ),
    ),
    ("controlkey", Compared::Not("as requestkey")),
    ("ctlstats", Compared::Wholly(&["-n -c ctlstats"])),
    (
        "clockstat",
        Compared::Wholly(&["-n -c 'clockstat 127.127.1.0'", "-n -c 'clockstat 127.127.8.0'"]),
    ),
    (
        "fudge",
        Compared::Wholly(&[
            keyed!("fudge 127.127.1.0 time1 0.5"),
            keyed!("fudge 127.127.1.0 time2 -1.250001"),
            keyed!("fudge 127.127.1.0 val1 4"),
            keyed!("fudge 127.127.1.0 val2 -5"),
            keyed!("fudge 127.127.1.0 flags f3"),
            "-c 'fudge 127.127.1.0 x 5' -c 'fudge 127.127.1.0 time1 x' -c 'fudge 127.127.1.0 flags x'",
        ]),
    ),
    ("clkbug", Compared::Wholly(&["-n -c 'clkbug 127.127.1.0'", "-n -c 'clkbug 127.127.8.0'"])),
    ("kerninfo", Compared::Wholly(&["-n -c kerninfo"])),
    (
        "ifstats",
        Compared::Wholly(&[
            keyed!("ifstats"),
            "-n -c ifstats",
            "-n -c ifstats <<< 1\\n\\n",
            "-n -c 'keyid 1' -c 'passwd wrong' -c ifstats",
        ]),
    ),
    ("ifreload", Compared::Wholly(&[keyed!("ifreload")])),
];

/// Tables of numbers. Texts are not among them: what could upset a terminal ours does not print.
pub(super) const NOISE: &str = "
-n -c listpeers -c peers -c dmpeers
-n -c 'showpeer 10.8.0.2'
-n -c 'pstats 10.8.0.2 10.8.0.77 127.127.1.0'
-n -c loopinfo -c 'loopinfo oneline' -c sysinfo -c kerninfo
-n -c sysstats -c memstats -c iostats -c timerstats -c authinfo -c ctlstats
-n -c reslist -c traps
-n -c 'clockstat 127.127.1.0' -c 'clkbug 127.127.1.0'
";

/// Tables with names in them.
pub(super) const NAMES: &str = "
-c listpeers
-c peers
-c 'dmpeers -6'
-c 'pstats 10.8.0.2 fd08::2 10.8.0.77 127.127.1.0'
-c sysinfo
-c reslist
-c 'pstats localhost two.lab'
-c 'clockstat 127.127.1.0'
";

/// Options, hosts, lines. Those that are typed end with `quit`: at the end of a pipe ntpdc waits for more
/// for ever.
pub(super) const COMMAND_LINE: &str = "
-pn
-lsn localhost
-n -s -p -l 127.0.0.1 ::1
-n -c loopinfo -c timerstats 127.0.0.1 ::1
-n -c loopinfo nowhere.example 127.0.0.1
-n 127.0.0.1 <<< loopinfo\\n\\n  timerstats  \\nfoo\\nquit\\n
-n <<< host\\nloopinfo\\nquit\\nloopinfo\\n
-n -c loopinfo '[::1' 127.0.0.1
-x
--foo
-c
--ipv4=3
-6 -4
-p -c x
-c x -l
-s -p -l -i
-n -c p -c foo
-n -c '' -c ' '
--numeric --command=loopinfo 127.0.0.9
";

/// What is asked of who never answers.
pub(super) const SILENCE: &str = "
-n -c 'timeout 300' -c sysinfo -c 'pstats 10.8.0.2'
-n -c 'timeout 300' -c 'keyid 1' -c 'passwd secretmd5' -c 'reset io' -c ifstats
";

/// What is asked of who refuses.
pub(super) const TROUBLE: &str = "
-n -c sysinfo -c peers
-n -c monlist -c 'monlist 0'
-n -c 'keyid 1' -c 'passwd secretmd5' -c readkeys -c 'addserver 10.0.0.9' -c ifstats
";

/// What is asked of who is old.
pub(super) const OLDER: &str = "
-n -c sysinfo -c peers -c reslist -c listpeers
-n -c 'pstats 10.8.0.2 10.8.0.77' -c 'pstats fd08::2' -c sysstats
-n -c 'keyid 1' -c 'passwd secretmd5' -c 'addserver 10.0.0.9' -c 'addserver fd00::9'
-n -c 'keyid 1' -c 'passwd secretmd5' -c 'enable monitor' -c readkeys -c ifstats
";
