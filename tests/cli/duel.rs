//! Runs the real ntpq and ours on the same arguments against the same daemon under the same clock,
//! and compares what they write and how they end.
//!
//! Both run in a namespace of their own (`tests/site/netbox`), where a frozen daemon
//! (`tests/site/frozen.py`) holds port 123 and names come from a list. One script runs all cases of
//! a duel, both programs at the same time.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cases;
use crate::lab;
use crate::random;

/// Whom the programs ask.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Daemon {
    /// A capture, and options of the frozen daemon.
    Frozen(&'static str, &'static [&'static str]),
    /// A daemon with random associations and variables, from this seed, which is frozen too.
    Random(u64),
    /// Nobody listens.
    None,
}

/// Where the clock on the wall hangs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Zone {
    /// At Greenwich.
    Utc,
    /// Where there is summer time.
    NewYork,
}

impl Zone {
    /// Both.
    pub(crate) const ALL: [Self; 2] = [Self::Utc, Self::NewYork];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Utc => "UTC",
            Self::NewYork => "America/New_York",
        }
    }
}

/// A comparison.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Duel {
    /// Whom both ask.
    pub(crate) daemon: Daemon,
    /// Their time zone.
    pub(crate) zone: Zone,
    /// Whom ours is compared with, and how it is started.
    pub(crate) against: Against,
}

/// The program that ours is to be like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Against {
    /// ntpq 4.2.8p15; ours is started through a link called `ntpq`.
    Classic,
    /// The same; ours is started as `ntpscope ntpq`.
    ClassicAsSubcommand,
    /// NTPsec's ntpq 1.2.2.
    Ntpsec,
}

impl Against {
    /// What the peers call it.
    const fn peer(self) -> &'static str {
        match self {
            Self::Classic | Self::ClassicAsSubcommand => "ntpq-classic",
            Self::Ntpsec => "ntpq-ntpsec",
        }
    }

    /// How ours is started.
    const fn ours(self) -> &'static str {
        match self {
            Self::Classic => "ntpq",
            Self::ClassicAsSubcommand => "ntpscope ntpq",
            Self::Ntpsec => "ntpscope ntpq --style ntpsec",
        }
    }
}

impl Duel {
    /// Runs the cases in `groups`, a line each, and fails where the programs differ.
    pub(crate) fn fight(self, groups: &[&str]) {
        let groups: Vec<String> = groups.iter().map(|group| self.in_time(group)).collect();
        let cases: Vec<&str> = groups.iter().flat_map(|group| group.lines()).collect();
        let cases: Vec<&str> = cases.into_iter().filter(|line| !line.is_empty()).collect();
        let real = match real(self.against) {
            Ok(real) => real,
            Err(reason) => return lab::skip("peers", &reason),
        };
        let folder = Folder::new();
        self.lay_out(&folder.0, &real, &cases);
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let output = Command::new(root.join("tests/site/netbox"))
            .arg("--hosts")
            .arg(folder.0.join("hosts"))
            .args(["sh", "script"])
            .current_dir(&folder.0)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        if output.status.code() == Some(SKIPPED) {
            return lab::skip("peers", &said);
        }
        assert!(output.status.success(), "{self:?}: {said}");
        self.judge(&folder.0, &cases);
    }

    /// Cases as they are given: who waits for silence waits briefly, who is answered as long as a
    /// machine that has much else to do may want to answer.
    fn in_time(self, group: &str) -> String {
        let is_answered = |options: &[&str]| !options.contains(&"--silent");
        match self.daemon {
            Daemon::Frozen(_, options) if is_answered(options) => {
                group.replace("\"timeout 200\"", "\"timeout 20000\"")
            }
            _ => group.to_owned(),
        }
    }

    /// Writes the script, the list of names, and links to the programs.
    fn lay_out(self, folder: &Path, real: &Real, cases: &[&str]) {
        for (name, program) in [("real", real.program.clone()), ("ours", lab::program())] {
            fs::create_dir(folder.join(name)).unwrap();
            std::os::unix::fs::symlink(program, folder.join(name).join("ntpq")).unwrap();
        }
        fs::write(folder.join("keys"), cases::KEY_FILE).unwrap();
        std::os::unix::fs::symlink(lab::program(), folder.join("ours/ntpscope")).unwrap();
        fs::write(folder.join("hosts"), HOSTS).unwrap();
        fs::write(folder.join("lines"), cases::LINES).unwrap();
        // Addresses beyond the loopback's, for without them the system's resolver keeps addresses
        // of that family back from ntpq, which asks it to.
        let mut script = String::from(
            "set -eu\n\
             ip address add 10.77.0.2/32 dev lo\n\
             ip address add fd77::2/128 dev lo nodad\n",
        );
        let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
        let program = tests.join("site/frozen.py");
        let capture = |name| tests.join(format!("data/frozen/{name}.json"));
        let frozen = match self.daemon {
            Daemon::Frozen(name, options) => Some((capture(name), options.join(" "))),
            Daemon::Random(seed) => {
                let file = folder.join("random.json");
                let known = fs::read_to_string(capture("ntpsec")).unwrap();
                fs::write(&file, random::capture(&known, seed)).unwrap();
                Some((file, String::new()))
            }
            Daemon::None => None,
        };
        if let Some((file, options)) = frozen {
            writeln!(
                script,
                "python3 '{}' '{}' {options} </dev/null >ready 2>frozen.err &",
                program.display(),
                file.display()
            )
            .unwrap();
            script.push_str(
                "n=0\nuntil grep -q ready ready; do sleep 0.02; n=$((n + 1)); \
                 [ $n -lt 500 ] || { cat frozen.err >&2; exit 1; }; done\n",
            );
        }
        // A script of Python's is an argument of Python, and calls itself by its own name.
        let program = match self.against {
            Against::Ntpsec => format!("'{}' '{}'", real.program.display(), real.script),
            Against::Classic | Against::ClassicAsSubcommand => "ntpq".to_owned(),
        };
        let start = self.against.ours();
        write!(
            script,
            "clock='LC_ALL=C TZ={zone} FAKETIME_FMT=%s FAKETIME={NOW} \
             FAKETIME_DONT_FAKE_MONOTONIC=1 LD_PRELOAD={faketime}'\n\
             both() {{\n\
             n=$1; shift\n\
             {{ s=0; env -i PATH=real $clock {environment} {program} \"$@\" \
             </dev/null >$n.real.out 2>$n.real.err || s=$?; echo $s >$n.real.status; }} & one=$!\n\
             {{ s=0; env -i PATH=ours $clock {start} \"$@\" \
             </dev/null >$n.ours.out 2>$n.ours.err || s=$?; echo $s >$n.ours.status; }} & two=$!\n\
             wait $one $two\n\
             }}\n",
            zone = self.zone.name(),
            faketime = real.faketime.display(),
            environment = real.environment,
        )
        .unwrap();
        for (number, case) in cases.iter().enumerate() {
            writeln!(script, "both {number} {case}").unwrap();
        }
        fs::write(folder.join("script"), script).unwrap();
    }

    fn judge(self, folder: &Path, cases: &[&str]) {
        let mut report = String::new();
        for (number, case) in cases.iter().enumerate() {
            for part in ["out", "err", "status"] {
                let wrote = |who| fs::read(folder.join(format!("{number}.{who}.{part}"))).unwrap();
                let (real, ours) = (without_path(&wrote("real")), wrote("ours"));
                let (real, ours) = match self.against {
                    Against::Ntpsec => (
                        without_usage(&without_figures(&printable(&real))),
                        without_usage(&without_figures(&ours)),
                    ),
                    Against::Classic | Against::ClassicAsSubcommand => (real, ours),
                };
                if real != ours {
                    writeln!(report, "ntpq {case}\n  {part}:").unwrap();
                    report.push_str(&difference(&real, &ours));
                }
            }
        }
        let count = report.lines().filter(|line| line.starts_with("ntpq ")).count();
        assert!(count == 0, "{self:?}: {count} of {} differ\n{report}", cases.len());
    }
}

/// Where ntpq complains of its options, its option library puts the path in front that it finds the
/// program under.
fn without_path(text: &[u8]) -> Vec<u8> {
    text.strip_prefix(b"real/").unwrap_or(text).to_vec()
}

/// The lines from the first that differ, of both.
pub(crate) fn difference(real: &[u8], ours: &[u8]) -> String {
    let lines = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        text.split('\n').map(|line| format!("{line:?}")).collect::<Vec<_>>()
    };
    let (real, ours) = (lines(real), lines(ours));
    let same = real.iter().zip(&ours).take_while(|(one, other)| one == other).count();
    let mut text = format!("  from line {}\n", same + 1);
    for (sign, lines) in [('-', &real), ('+', &ours)] {
        for line in lines.iter().skip(same).take(SHOWN) {
            writeln!(text, "  {sign} {line}").unwrap();
        }
    }
    text
}

/// Where NTPsec's ntpq passes on what is no printable ASCII, we put a `?`.
fn printable(text: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(text);
    let stays = |sign: char| matches!(sign, ' '..='~' | '\n' | '\r' | '\t');
    text.chars().map(|sign| if stays(sign) { sign } else { '?' }).collect::<String>().into_bytes()
}

/// What NTPsec's ntpq says of its options is not for us to repeat.
fn without_usage(text: &[u8]) -> Vec<u8> {
    let is_usage = |line: &&[u8]| line.starts_with(b"USAGE: ") || line.starts_with(b"Usage: ");
    text.split_inclusive(|byte| *byte == b'\n')
        .take_while(|line| !is_usage(line))
        .flatten()
        .copied()
        .collect()
}

/// How long NTPsec's ntpq took and how much memory it used: a program's own affair.
fn without_figures(text: &[u8]) -> Vec<u8> {
    let mut lines = Vec::new();
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let is_figures = [&b"# Collected "[..], b"# Processed ", b"# Used "]
            .iter()
            .any(|begin| line.starts_with(begin));
        let words = line.split(|byte| *byte == b' ').map(|word| {
            let is_figure = word.first().is_some_and(u8::is_ascii_digit);
            let is_taken = is_figure && (word.contains(&b'.') || line.starts_with(b"# Used "));
            if is_figures && is_taken { b"N" } else { word }
        });
        lines.extend(words.collect::<Vec<_>>().join(&b' '));
    }
    lines
}

/// The real program and what it needs.
pub(crate) struct Real {
    program: PathBuf,
    /// What the program is to run, where it runs scripts.
    script: String,
    /// Variables of its environment, as a shell takes them.
    environment: String,
    faketime: PathBuf,
}

/// Has the real programs unpacked; why not, where they cannot be had.
fn real(against: Against) -> Result<Real, String> {
    let Peer { program, script, environment, .. } = peer(against.peer())?;
    Ok(Real { program, script, environment, faketime: faketime()? })
}

/// One of the real programs.
pub(crate) struct Peer {
    pub(crate) program: PathBuf,
    pub(crate) libraries: String,
    script: String,
    environment: String,
}

/// The real program called `name`; why not, where it cannot be had.
pub(crate) fn peer(name: &str) -> Result<Peer, String> {
    let list =
        fs::read_to_string(peers()?.join("peers.json")).map_err(|error| error.to_string())?;
    let list: serde_json::Value = serde_json::from_str(&list).map_err(|error| error.to_string())?;
    let text = |place: &str| {
        let place = format!("/{name}/{place}");
        list.pointer(&place).and_then(serde_json::Value::as_str).map(str::to_owned)
    };
    let program = text("argv/0").ok_or_else(|| format!("the peers have no {name}"))?;
    let libraries = text("env/LD_LIBRARY_PATH").unwrap_or_default();
    let script = text("argv/1").unwrap_or_default();
    let environment = list.pointer(&format!("/{name}/env")).and_then(|env| env.as_object());
    let variable = |(name, value): (&String, &serde_json::Value)| {
        Some(format!("{name}='{}'", value.as_str()?))
    };
    let environment: Vec<_> = environment.into_iter().flatten().filter_map(variable).collect();
    Ok(Peer { program: program.into(), libraries, script, environment: environment.join(" ") })
}

/// The library that stops the clock; why not, where it cannot be had.
pub(crate) fn faketime() -> Result<PathBuf, String> {
    let below = peers()?.join("root/libfaketime/usr/lib");
    let places = fs::read_dir(&below).map_err(|error| format!("{}: {error}", below.display()))?;
    places
        .filter_map(|place| Some(place.ok()?.path().join("faketime/libfaketime.so.1")))
        .find(|library| library.is_file())
        .ok_or_else(|| "the peers have no libfaketime".to_owned())
}

/// Where the real programs are, unpacked.
fn peers() -> Result<PathBuf, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let fetched = Command::new(root.join("tests/lab")).arg("fetch").output();
    let fetched = fetched.map_err(|error| error.to_string())?;
    if !fetched.status.success() {
        let said = String::from_utf8_lossy(&fetched.stderr);
        return Err(said.lines().last().unwrap_or("no real daemons here").to_owned());
    }
    Ok(std::env::var_os("NTPSCOPE_PEERS_DIR")
        .map_or_else(|| lab::target().join("peers"), PathBuf::from))
}

/// A folder that goes away.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        use std::sync::atomic::{AtomicU32, Ordering};
        static NEXT: AtomicU32 = AtomicU32::new(0);
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let name = format!("ntpscope-duel-{}-{number}", std::process::id());
            let folder = std::env::temp_dir().join(name);
            let made = fs::create_dir(&folder);
            // An earlier process of this number may have been killed and left its own.
            if made.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::AlreadyExists) {
                continue;
            }
            made.unwrap();
            return Self(folder);
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// The time of the duels, a while after the captures: 2026-11-21 02:00:30 UTC.
const NOW: u32 = 1_795_226_430;

/// What the names of addresses are; some are longer than a column.
const HOSTS: &str = "127.0.0.1 localhost
::1 localhost
10.77.0.2 here.lab
10.77.0.11 eleven.lab
10.77.0.12 a.rather.long.name.of.a.server.lab
fd77::12 six.lab
";

/// Lines of a difference that are shown.
const SHOWN: usize = 6;

/// How a helper says that this machine cannot do it.
pub(crate) const SKIPPED: i32 = 77;
