//! The same on real daemons: what the writing commands do to one, and what it says of those that it
//! refuses.
//!
//! Each program has a daemon of its own with the same configuration; after the same commands both
//! daemons must be in the same state, and have said the same on the way.

use std::fmt::Write as _;
use std::fs;

use super::{Side, compare, run};
use crate::duel::peer;

#[test]
fn a_living_daemon_is_changed_as_by_ntpdc() {
    let Some(sides) = Side::both() else { return };
    let Ok(daemon) = peer("ntpd-classic") else { return };
    let scripts = sides.each_ref().map(|side| {
        for (name, text) in [("ntp.conf", CONFIGURATION), ("keys", KEYS)] {
            fs::write(side.place(name), text).unwrap();
        }
        let commands: Vec<&str> = COMMANDS.lines().filter(|line| !line.is_empty()).collect();
        let mut script = format!(
            "set -eu\n\
             LD_LIBRARY_PATH='{}' '{}' -n -c ntp.conf >daemon.log 2>&1 & daemon=$!\n\
             run() {{\n\
             c=$1; shift\n\
             {} \"$@\" </dev/null >$c.out 2>$c.err || echo \"status $?\" >>$c.err\n\
             }}\n\
             n=0\nuntil run up -n -c 'timeout 500' -c loopinfo 127.0.0.1 && grep -q offset up.out; do \
             n=$((n + 1)); [ $n -lt 200 ] || {{ cat daemon.log up.err >&2; exit 1; }}; done\n",
            daemon.libraries,
            daemon.program.display(),
            side.program("TZ=UTC"),
        );
        for (number, command) in commands.iter().enumerate() {
            let permit = side.permit(command);
            writeln!(script, "run {number} -n {permit} {command} 127.0.0.1").unwrap();
        }
        if side.is_ours {
            for (number, command) in OURS.iter().enumerate() {
                writeln!(script, "run ours{number} -n {command} 127.0.0.1").unwrap();
            }
        }
        script.push_str("kill $daemon\nwait $daemon || :\n");
        script
    });
    let Some([real, ours]) = run(&sides, &scripts) else { return };
    let mut report = String::new();
    let commands = COMMANDS.lines().filter(|line| !line.is_empty());
    let mut done = 0;
    for (number, command) in commands.enumerate() {
        for part in ["out", "err"] {
            let [real, ours] = [real, ours].map(|side| {
                let text = fs::read_to_string(side.place(&format!("{number}.{part}"))).unwrap();
                done += text.matches("done!").count();
                still(command, &text)
            });
            compare(&mut report, command, part, real.as_bytes(), ours.as_bytes());
        }
    }
    assert!(report.is_empty(), "{report}");
    assert!(done >= 2 * 20, "only {done} were done");
    for (number, expected) in
        ["done!\n", "done!\n", "***Permission denied\n", "done!\n"].iter().enumerate()
    {
        let text = |part| fs::read_to_string(ours.place(&format!("ours{number}.{part}"))).unwrap();
        let said = text("out") + &text("err");
        assert_eq!(said, *expected, "{}", OURS[number]);
    }
}

/// What does not move from one moment to the next: for tables of numbers, where they stand.
fn still(command: &str, text: &str) -> String {
    let moves = ["reslist", "ifstats", "ifreload", "stat", "peers", "info", "trap"];
    if command.contains("listpeers") || !moves.iter().any(|name| command.contains(name)) {
        return text.to_owned();
    }
    // Links get addresses of their own making a while after they are there.
    let lines = text.lines().filter(|line| !line.contains("fe80:"));
    lines
        .map(|line| line.split_whitespace().map(masked).collect::<Vec<_>>().join(" ") + "\n")
        .collect()
}

/// A word with all its numbers the same: those of one daemon may have more digits than those of the
/// other, which was started a moment later, and another sign.
fn masked(word: &str) -> String {
    let mut masked = String::new();
    for letter in word.strip_prefix('-').unwrap_or(word).chars() {
        if !letter.is_ascii_digit() {
            masked.push(letter);
        } else if !masked.ends_with('0') {
            masked.push('0');
        }
    }
    masked
}

const KEYS: &str = "1 MD5 secretmd5\n2 SHA1 SecretSha1\n5 MD5 another\n";

const CONFIGURATION: &str = "
keys keys
trustedkey 1 2
requestkey 1
controlkey 1
enable mode7
disable ntp
server 127.127.1.0
restrict default nomodify nopeer notrap limited kod
restrict 127.0.0.1
restrict ::1
";

/// A line each: first who is refused, then every change and what came of it.
const COMMANDS: &str = "
-c 'keyid 0' -c readkeys -c 'addserver 10.0.0.9' -c ifstats
-c 'keyid 1' -c 'passwd wrong' -c readkeys -c 'unconfig 127.127.1.0'
-c 'keyid 2' -c 'keytype sha1' -c 'passwd SecretSha1' -c 'reset io'
-c 'keyid 9' -c 'passwd secretmd5' -c 'reset io'
-c 'keyid 1' -c 'passwd secretmd5' -c 'delay 15000' -c 'reset io'
-c 'keyid 1' -c 'passwd secretmd5' -c 'addserver 10.0.0.9 5 4 iburst minpoll 5' -c listpeers
-c 'keyid 1' -c 'passwd secretmd5' -c 'addserver fd00::9' -c 'addpeer 10.0.0.10' -c listpeers
-c 'keyid 1' -c 'passwd secretmd5' -c 'addrefclock 127.127.1.1' -c listpeers
-c 'keyid 1' -c 'passwd secretmd5' -c 'addrefclock 127.127.99.0' -c listpeers
-c peers
-c 'keyid 1' -c 'passwd secretmd5' -c 'unconfig 10.0.0.9 127.127.1.1' -c 'unconfig fd00::9' -c listpeers
-c 'keyid 1' -c 'passwd secretmd5' -c 'unconfig 10.99.99.99'
-c 'keyid 1' -c 'passwd secretmd5' -c 'preset 10.0.0.10' -c 'reset io sys mem timer auth ctl allpeers'
-c 'keyid 1' -c 'passwd secretmd5' -c 'restrict 10.0.0.1 255.255.0.0 noquery limited kod' -c reslist
-c 'keyid 1' -c 'passwd secretmd5' -c 'unrestrict 10.0.0.1 255.255.0.0 kod' -c reslist
-c 'keyid 1' -c 'passwd secretmd5' -c 'delrestrict 10.0.0.1 255.255.0.0' -c reslist
-c 'keyid 1' -c 'passwd secretmd5' -c 'delrestrict 10.0.0.1 255.255.0.0'
-c 'keyid 1' -c 'passwd secretmd5' -c 'disable monitor' -c sysinfo -c 'enable monitor' -c sysinfo
-c 'keyid 1' -c 'passwd secretmd5' -c 'enable stats bclient' -c sysinfo
-c 'keyid 1' -c 'passwd secretmd5' -c 'fudge 127.127.1.0 val1 7' -c 'fudge 127.127.1.0 time1 0.25' -c 'fudge 127.127.1.0 flags 3' -c 'clockstat 127.127.1.0'
-c 'keyid 1' -c 'passwd secretmd5' -c 'fudge 127.127.99.0 val1 7' -c 'clockstat 127.127.99.0'
-c 'keyid 1' -c 'passwd secretmd5' -c 'addtrap 127.0.0.1 5000' -c traps -c 'clrtrap 127.0.0.1 5000' -c traps
-c 'keyid 1' -c 'passwd secretmd5' -c 'trustedkey 5' -c readkeys -c authinfo
-c 'keyid 1' -c 'passwd secretmd5' -c ifstats
-c 'keyid 1' -c 'passwd secretmd5' -c ifreload
-c sysstats -c iostats -c memstats -c timerstats -c ctlstats -c kerninfo -c loopinfo -c monlist
";

/// What ours does and the real one cannot: it makes the daemon take another key. Then the old one is
/// refused, and the new one, trusted before, accepted.
const OURS: [&str; 4] = [
    "-c 'keyid 1' -c 'passwd secretmd5' -c 'controlkey 2'",
    "-c 'keyid 1' -c 'passwd secretmd5' -c 'requestkey 2'",
    "-c 'keyid 1' -c 'passwd secretmd5' -c 'reset io'",
    "-c 'keyid 2' -c 'keytype sha1' -c 'passwd SecretSha1' -c 'reset io'",
];
