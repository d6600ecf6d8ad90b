//! Keeps the house in order: who may import whom, who may touch the machine, how long a file gets.
//!
//! It reads the sources as text, without comments and literals, so paths have to be written
//! `crate::layer::…`; ways around that are refused as well.

#![expect(clippy::unwrap_used, reason = "a test that cannot read the sources should fail")]

use std::fs;
use std::path::{Path, PathBuf};

/// The layers from the bottom up, each with those that it may import besides itself.
const LAYERS: &[(&str, &[&str])] = &[
    ("units", &[]),
    ("wire", &["units"]),
    ("config", &["units", "wire"]),
    ("selection", &["units"]),
    ("model", &["units", "wire", "selection"]),
    ("clock", &["units"]),
    ("engine", &["units", "wire", "config", "selection", "clock"]),
    ("control", &["units", "wire", "config", "model", "selection"]),
    ("line", &[]),
    ("ntpq", &["units", "wire", "model", "control", "line"]),
    ("ntpdc", &["units", "wire", "model", "control", "line", "ntpq"]),
    ("insight", &["units", "model", "selection"]),
    ("fleet", &["units", "config", "model", "selection", "insight"]),
    ("backend", &["units", "config", "model", "line", "insight", "fleet"]),
    ("sim", BELOW_THE_MACHINE),
    ("net", BELOW_THE_MACHINE),
    ("cli", BELOW_THE_SCREEN),
    ("tui", BELOW_THE_SCREEN),
];

const BELOW_THE_MACHINE: &[&str] = &[
    "units",
    "wire",
    "config",
    "model",
    "selection",
    "clock",
    "engine",
    "control",
    "line",
    "ntpq",
    "ntpdc",
    "insight",
    "fleet",
    "backend",
];

const BELOW_THE_SCREEN: &[&str] = &[
    "units",
    "config",
    "model",
    "selection",
    "line",
    "ntpq",
    "ntpdc",
    "insight",
    "fleet",
    "backend",
];

/// Files that may import more than their layer: `(file, what)`.
const EXCEPTIONS: &[(&str, &str)] = &[
    // Engine state becomes what an operator sees in these files alone.
    ("engine/snapshot.rs", "model"),
    ("engine/snapshot/counted.rs", "model"),
    ("engine/snapshot/served.rs", "model"),
    ("engine/snapshot/variables.rs", "model"),
    // Where a screen or a command meets the world.
    ("cli/run.rs", "net"),
    ("cli/run.rs", "sim"),
    ("cli/run/service.rs", "net"),
    ("cli/run/set.rs", "net"),
    ("cli/run/set.rs", "control"),
    ("cli/run/set/chronyd.rs", "net"),
    ("cli/run/set/chronyd.rs", "control"),
    // Nothing but a simulated world and what came of it.
    ("cli/demo.rs", "sim"),
    ("cli/sim.rs", "sim"),
    ("cli/sim/told.rs", "sim"),
    ("tui/run.rs", "net"),
    ("tui/run.rs", "sim"),
];

/// Paths into a layer of which only one module is meant for this importer.
const NARROWED: &[(&str, &str, &str)] = &[("engine", "clock", "crate::clock::command")];

/// Layers that may use the machine: sockets, the time of day, the screen, the log.
const MACHINE_LAYERS: &[&str] = &["sim", "net", "cli", "tui"];

/// Words that only those layers may use.
const MACHINE_WORDS: &[&str] = &[
    "tokio",
    "socket2",
    "libc",
    "crossterm",
    "ratatui",
    "tracing",
    "Instant",
    "SystemTime",
    "UdpSocket",
    "thread_rng",
    "OsRng",
];

/// Files that may use one of those words nevertheless.
const MACHINE_EXCEPTIONS: &[(&str, &str)] = &[
    ("clock/system.rs", "libc"),
    // Keys as data: none is read there.
    ("line/key.rs", "crossterm"),
];

/// The files with unsafe code.
const UNSAFE_FILES: &[&str] =
    &["clock/system.rs", "net/stamp.rs", "net/batch.rs", "cli/privileges.rs"];

/// Names of daemons, of their protocols and of words in their configurations: the screens know a
/// daemon by what it tells. `ntpq` is none of them but the program after which the table of sources
/// is modelled, and a layer of ours.
const NAMES_OF_DAEMONS: &[&str] = &[
    "chrony",
    "chronyc",
    "chronyd",
    "cmdallow",
    "cmdmon",
    "noquery",
    "ntpd",
    "ntpdc",
    "ntpsec",
    "opencommands",
    "openntpd",
    "timesyncd",
    "xntpd",
];

/// The modes of control messages, as they may be written.
const CONTROL_MODES: &[&str] =
    &["mode 6", "mode-6", "mode_6", "mode6", "mode 7", "mode-7", "mode7"];

/// The one file of the screens that may have such a name: the legend for those who know them.
const LEGEND: &str = "tui/legend.rs";

/// Above this a file has outgrown one idea.
const MAX_LINES: usize = 700;

/// One source file: its path below `src`, its layer (empty at the top), its code without comments
/// and literals.
struct Source {
    path: String,
    layer: String,
    code: String,
    /// The same with literals, without the tests at its end.
    said: String,
    lines: usize,
}

impl Source {
    /// Lines of code with their numbers.
    fn code_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code.lines().enumerate().map(|(n, line)| (n + 1, line))
    }
}

#[test]
fn every_top_module_has_its_place() {
    let known = |source: &Source| {
        source.layer.is_empty() || LAYERS.iter().any(|(name, _)| *name == source.layer)
    };
    expect_none(sources().iter().filter(|source| !known(source)).map(|source| {
        format!("{}: {} is no layer; add it to the table in this test", source.path, source.layer)
    }));
}

#[test]
fn modules_import_only_what_lies_below_them() {
    let mut broken = Vec::new();
    for source in sources() {
        for (n, line) in source.code_lines() {
            for path in own_paths(line) {
                if let Some(why) = forbidden(&source, path) {
                    broken.push(format!("{}:{n}: {why}", source.path));
                }
            }
        }
    }
    expect_none(broken);
}

/// Why `source` may not name `path`, a path into this package; `None` when it may.
fn forbidden(source: &Source, path: &str) -> Option<String> {
    let target = path.split("::").nth(1)?;
    let is_layer = LAYERS.iter().any(|(name, _)| *name == target);
    // The top of the package, without a layer, puts the rest together and may name all of it.
    if target == source.layer || source.layer.is_empty() || !is_layer {
        return None;
    }
    if EXCEPTIONS.contains(&(source.path.as_str(), target)) {
        return None;
    }
    let (_, allowed) = LAYERS.iter().find(|(name, _)| *name == source.layer)?;
    if !allowed.contains(&target) {
        return Some(format!("{} imports {target}", source.layer));
    }
    let (.., only) =
        NARROWED.iter().find(|(from, to, _)| *from == source.layer && *to == target)?;
    (!path.starts_with(only)).then(|| format!("{} imports {path}, not {only}", source.layer))
}

#[test]
fn the_machine_is_touched_only_at_the_top() {
    let mut broken = Vec::new();
    for source in sources() {
        if source.layer.is_empty() || MACHINE_LAYERS.contains(&source.layer.as_str()) {
            continue;
        }
        for (n, line) in source.code_lines() {
            for word in MACHINE_WORDS {
                if words(line).any(|w| w == *word)
                    && !MACHINE_EXCEPTIONS.contains(&(source.path.as_str(), word))
                {
                    broken.push(format!("{}:{n}: {} uses {word}", source.path, source.layer));
                }
            }
        }
    }
    expect_none(broken);
}

#[test]
fn unsafe_code_stays_in_its_files() {
    let mut broken = Vec::new();
    for source in sources() {
        for (n, line) in source.code_lines() {
            if words(line).any(|w| w == "unsafe") && !UNSAFE_FILES.contains(&source.path.as_str()) {
                broken.push(format!("{}:{n}: unsafe code", source.path));
            }
        }
    }
    expect_none(broken);
}

#[test]
fn paths_are_written_so_that_this_test_sees_them() {
    let mut broken = Vec::new();
    for source in sources() {
        for (n, line) in source.code_lines() {
            for way_around in ["crate::{", "crate::*", "super::super::", "use crate as"] {
                if line.contains(way_around) {
                    broken.push(format!("{}:{n}: {way_around}", source.path));
                }
            }
        }
    }
    expect_none(broken);
}

#[test]
fn no_file_outgrows_one_idea() {
    expect_none(
        sources().iter().filter(|source| source.lines > MAX_LINES).map(|source| {
            format!("{}: {} lines, more than {MAX_LINES}", source.path, source.lines)
        }),
    );
}

#[test]
fn the_screens_know_a_daemon_and_not_a_protocol() {
    let mut broken = Vec::new();
    for source in sources().iter().filter(|source| source.layer == "tui") {
        let found =
            source.said.lines().zip(1..).flat_map(|(line, n)| {
                names_of_daemons(line).into_iter().map(move |name| (n, name))
            });
        let found: Vec<_> = found.collect();
        if source.path == LEGEND {
            assert!(!found.is_empty(), "the legend says nothing, or this test sees nothing");
        } else {
            let broke = |(n, name)| format!("{}:{n}: names {name}", source.path);
            broken.extend(found.into_iter().map(broke));
        }
    }
    expect_none(broken);
}

#[test]
fn a_daemon_is_named_in_code_and_literals_and_not_in_comments() {
    let named =
        |text: &str| without_comments(text).lines().flat_map(names_of_daemons).collect::<Vec<_>>();
    assert_eq!(named("if dialect == Dialect::Chronyd { is_ntpsec() }"), ["chronyd", "ntpsec"]);
    assert_eq!(named("let s = \"over Mode 6, as NTPsec\";"), ["ntpsec", "mode 6"]);
    assert_eq!(named("const R: &str = r#\"chronyc -n\"#; use crate::mode6;"), ["chronyc", "mode6"]);
    assert_eq!(
        named("let a = NtpDuration::ZERO; // chronyd\n/* ntpd */ let ntpq = mode == 6;"),
        [""; 0]
    );
}

/// The names of daemons and protocols in a line, as they stand in the lists.
fn names_of_daemons(line: &str) -> Vec<&'static str> {
    let mut words = Vec::new();
    for word in line.split(|c: char| !c.is_alphanumeric()) {
        // `NtpDuration` is two words, `NTPsec` is one.
        let mut start = 0;
        let letters = word.char_indices().zip(word.chars().skip(1));
        for ((at, letter), next) in letters {
            if letter.is_lowercase() && next.is_uppercase() {
                let end = at + letter.len_utf8();
                words.push(word[start..end].to_lowercase());
                start = end;
            }
        }
        words.push(word[start..].to_lowercase());
    }
    let line = line.to_lowercase();
    let is_there = |name: &&&str| words.iter().any(|word| word == **name);
    let by_word = NAMES_OF_DAEMONS.iter().filter(is_there).copied();
    let by_phrase = CONTROL_MODES.iter().filter(|phrase| line.contains(**phrase)).copied();
    by_word.chain(by_phrase).collect()
}

#[test]
fn comments_and_literals_are_no_code() {
    let text = concat!(
        "//! [`crate::net`]\n",
        "use crate::units::Ppm; // unsafe\n",
        "const A: &str = \"tokio // \\\" tokio\"; const B: char = '\"';\n",
        "/* crate::sim /* tokio */ libc */ fn f<'a>(x: &'a str) {}\n",
        "const C: &str = r#\"SystemTime \" \"#; const D: u8 = b'\\'';\n",
    );
    let code = without_comments_and_literals(text);
    assert_eq!(code.lines().count(), 5, "lines keep their numbers");
    let found: Vec<_> = words(&code).filter(|w| MACHINE_WORDS.contains(w)).collect();
    assert!(found.is_empty(), "{found:?} in {code}");
    assert!(!code.contains("unsafe"));
    assert!(words(&code).any(|w| w == "fn") && words(&code).any(|w| w == "D"));
    assert_eq!(own_paths(&code).collect::<Vec<_>>(), ["crate::units::Ppm"]);
}

#[test]
fn the_table_goes_only_downwards() {
    for (place, (name, allowed)) in LAYERS.iter().enumerate() {
        for below in *allowed {
            let its_place = LAYERS.iter().position(|(other, _)| other == below).unwrap();
            assert!(its_place < place, "{name} may import {below}, which is not below it");
        }
    }
}

#[test]
fn the_readme_has_the_keys_of_the_command_table() {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md"));
    let readme = readme.unwrap();
    let after = readme.split_once("held to it by a test -->\n").unwrap().1;
    let keys = after.split_once("<!-- end of keys -->").unwrap().0;
    let table = ntpscope::tui::command::key_table();
    assert!(keys == table, "the README's keys are not those of the program, which are:\n{table}");
}

fn expect_none(broken: impl IntoIterator<Item = String>) {
    let broken: Vec<_> = broken.into_iter().collect();
    assert!(broken.is_empty(), "not as it should be ({}):\n{}", broken.len(), broken.join("\n"));
}

/// The paths in `line` that begin at this package's root.
fn own_paths(line: &str) -> impl Iterator<Item = &str> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    line.split(move |c| !is_part(c))
        .filter(|path| path.starts_with("crate::") || path.starts_with("ntpscope::"))
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

fn sources() -> Vec<Source> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    find_rust_files(&src, &mut files);
    assert!(!files.is_empty(), "no sources in {}", src.display());
    files.iter().map(|file| read(&src, file)).collect()
}

fn read(src: &Path, file: &Path) -> Source {
    let below = file.strip_prefix(src).unwrap();
    let path = below.to_string_lossy().replace('\\', "/");
    let top = path.split('/').next().unwrap();
    let layer = match top.strip_suffix(".rs").unwrap_or(top) {
        "lib" | "main" | "manual" => String::new(),
        layer => layer.to_owned(),
    };
    let text = fs::read_to_string(file).unwrap();
    let code = without_comments_and_literals(&text);
    let said = without_comments(&text);
    let said = said.split("#[cfg(test)]").next().unwrap_or_default().to_owned();
    Source { path, layer, code, said, lines: text.lines().count() }
}

fn find_rust_files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            find_rust_files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// `text` without what is not code; line ends stay, so that line numbers do.
fn without_comments_and_literals(text: &str) -> String {
    stripped(text, false)
}

/// `text` without its comments.
fn without_comments(text: &str) -> String {
    stripped(text, true)
}

fn stripped(text: &str, keeps_literals: bool) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let after_word = code.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let skipped = match c {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => block_comment_len(rest),
            '"' => string_len(rest),
            '\'' => char_len(rest),
            'r' if !after_word => raw_string_len(rest),
            _ => 0,
        };
        if skipped == 0 {
            code.push(c);
            rest = &rest[c.len_utf8()..];
        } else if keeps_literals && c != '/' {
            code.push_str(&rest[..skipped]);
            rest = &rest[skipped..];
        } else {
            code.extend(rest[..skipped].matches('\n'));
            code.push(' ');
            rest = &rest[skipped..];
        }
    }
    code
}

fn block_comment_len(text: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

fn string_len(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Length of a character literal; 0 for a lifetime.
fn char_len(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => {
            let escaped = chars.next();
            chars
                .find(|(_, c)| *c == '\'')
                .filter(|_| escaped.is_some())
                .map_or(0, |(at, _)| at + 1)
        }
        Some(_) => chars.next().filter(|(_, c)| *c == '\'').map_or(0, |(at, _)| at + 1),
        None => 0,
    }
}

/// Length of a raw string; 0 when none begins here.
fn raw_string_len(text: &str) -> usize {
    let hashes = text[1..].chars().take_while(|c| *c == '#').count();
    if !text[1 + hashes..].starts_with('"') {
        return 0;
    }
    let end = format!("\"{}", "#".repeat(hashes));
    let start = hashes + 2;
    text[start..].find(&end).map_or(text.len(), |at| start + at + end.len())
}
