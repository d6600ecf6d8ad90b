//! Every command against a daemon gone wild: each program ends by itself, in time and in little
//! memory, and no control character of the daemon's reaches anybody's terminal.
//!
//! `NTPSCOPE_WILD=N` makes as many rounds, each with a seed of its own.

use std::fs;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ntpscope::ntpdc::command as private;
use ntpscope::ntpq::command as control;

use crate::lab;
use crate::untamed::Wild;

/// What a program that only asks may take.
const PEAK_MIB: u64 = 64;

/// How long a program may run, with many others beside it: its questions have short limits, but a
/// walk through a list has many of them.
const PATIENCE: Duration = Duration::from_secs(120);

/// How many run at a time; nearly all of them wait.
const AT_A_TIME: usize = 24;

/// Commands of ntpq that need words to ask anything.
const WORDS: &[&str] = &[
    "rv &1",
    "rv 3 srcadr,offset",
    "rl 1",
    "cv &1",
    "cl 2",
    "mrulist limited",
    "mrulist sort=-count",
    "mrv &1 &3",
    "mrl &1 &2",
    "rv 65535",
    "apeers",
    "lopeers",
    "pstats &1",
];

/// What is run in round `seed`: arguments, with the daemon's address for each `HOST`.
fn rounds(seed: usize) -> Vec<Vec<String>> {
    let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let batch = |first: &[&str], commands: &[&str]| {
        let commands = commands.iter().flat_map(|&command| ["-c", command]);
        let words: Vec<&str> = first.iter().copied().chain(commands).chain(["HOST"]).collect();
        owned(&words)
    };
    // Those that read a line, or end the program, or say how to write to a file.
    let asks = |name: &str| !["quit", "exit", "host", "keyid", "passwd"].contains(&name);
    let names = control::COMMANDS.iter().map(|command| command.name).filter(|name| asks(name));
    let commands: Vec<&str> = names.chain(WORDS.iter().copied()).collect();
    let names = private::COMMANDS.iter().map(|command| command.name).filter(|name| asks(name));
    let old: Vec<&str> = names.collect();
    let mut runs = Vec::new();
    // The raw forms print what came nearly as it came.
    for (number, some) in commands.chunks(4).enumerate() {
        let form = if (number + seed).is_multiple_of(2) { "raw" } else { "cooked" };
        runs.push(batch(&["ntpq", "-n", "-c", "timeout 100", "-c", form], some));
    }
    for some in old.chunks(4) {
        runs.push(batch(&["ntpdc", "-n", "--monlist", "-c", "timeout 100"], some));
    }
    runs.push(owned(&["-n", "--timeout", "2s", "HOST"]));
    runs.push(owned(&["-n", "--json", "--timeout", "2s", "HOST"]));
    runs.push(owned(&["-n", "--json", "--timeout", "2s", "chrony://HOST"]));
    runs.push(owned(&["probe", "-n", "--timeout", "1s", "HOST"]));
    runs
}

#[test]
fn nothing_that_a_daemon_sends_crashes_hangs_or_swells_a_program_or_reaches_the_terminal() {
    let rounds_wanted =
        std::env::var("NTPSCOPE_WILD").ok().and_then(|text| text.parse().ok()).unwrap_or(2);
    let runs: Vec<(usize, Vec<String>)> = (1..=rounds_wanted)
        .flat_map(|seed| rounds(seed).into_iter().map(move |words| (seed, words)))
        .enumerate()
        .map(|(place, (seed, words))| (seed * 1000 + place, words))
        .collect();
    let waiting = Mutex::new(runs.iter());
    let wrong = Mutex::new(Vec::new());
    let asked = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                while let Some((seed, words)) = { waiting.lock().unwrap().next() } {
                    match run(*seed, words) {
                        Ok(questions) => drop(asked.fetch_add(questions, Ordering::Relaxed)),
                        Err(why) => {
                            let why = format!("seed {seed}, {words:?}: {why}");
                            wrong.lock().unwrap().push(why);
                        }
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), runs.len(), wrong.join("\n"));
    let asked = asked.into_inner();
    assert!(asked > 150, "only {asked} questions were asked");
}

/// Runs one program on a daemon of its own; how many questions that was asked.
fn run(seed: usize, words: &[String]) -> Result<u64, String> {
    let wild = Wild::start(seed as u64);
    let words = words.iter().map(|word| word.replace("HOST", &wild.address));
    let mut child = Command::new(lab::program())
        .args(words)
        .env("XDG_CONFIG_HOME", "/nonexistent")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (out, error) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    thread::scope(|scope| {
        let out = scope.spawn(|| clean(out));
        let error = scope.spawn(|| clean(error));
        let ended = ended(&mut child);
        out.join().unwrap()?;
        error.join().unwrap()?;
        ended
    })?;
    Ok(wild.asked.load(Ordering::Relaxed))
}

/// Waits for the end of a program, which has to be one of its own and in time.
fn ended(child: &mut Child) -> Result<(), String> {
    let start = Instant::now();
    let path = format!("/proc/{}/status", child.id());
    let mut peak_mib = 0;
    loop {
        let told = fs::read_to_string(&path).unwrap_or_default();
        let peak = told.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = peak.and_then(|text| text.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        peak_mib = kib.unwrap_or(0).div_ceil(1024).max(peak_mib);
        if let Some(status) = child.try_wait().unwrap() {
            return match status.code() {
                None | Some(101 | 70) => Err(format!("it ended with {status}")),
                Some(_) if peak_mib > PEAK_MIB => Err(format!("it took {peak_mib} MiB")),
                Some(_) => Ok(()),
            };
        }
        if start.elapsed() > PATIENCE {
            child.kill().unwrap();
            child.wait().unwrap();
            return Err(format!("it has not ended after {PATIENCE:?}"));
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// Reads all of `output`, which has no control character but those that lay out lines.
fn clean(mut output: impl Read) -> Result<(), String> {
    let mut bytes = Vec::new();
    output.read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    let text = String::from_utf8(bytes).map_err(|error| error.to_string())?;
    // Marks that turn the direction of a line are none by Unicode's tables, but lie as well.
    let harms = |char: char| {
        (char.is_control() && !['\n', '\t'].contains(&char))
            || ('\u{202a}'..='\u{202e}').contains(&char)
    };
    // How far a list has come is written over itself.
    let counts = |piece: &str| {
        let (rows, rest) = piece.split_once(" (").unwrap_or_default();
        rows.parse::<u32>().is_ok() && rest.contains(" updates) ")
    };
    if let Some(piece) = text.split('\r').skip(1).find(|piece| !counts(piece)) {
        return Err(format!("it went back to the begin of a line and wrote {piece:?}"));
    }
    match text.split('\r').flat_map(str::lines).find(|line| line.chars().any(harms)) {
        Some(line) => Err(format!("it wrote {line:?}")),
        None => Ok(()),
    }
}
