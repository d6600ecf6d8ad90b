//! Both programs beside each other on daemons that live: what was captured once may have been
//! captured to suit.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::duel;

#[test]
fn living_daemons_are_printed_as_ntpq_prints_them() {
    let real = match duel::real() {
        Ok(real) => real,
        Err(reason) => return duel::skipped("peers", &reason),
    };
    let up = lab(&["up"]);
    if !up.status.success() {
        let said = String::from_utf8_lossy(&up.stderr);
        return duel::skipped("lab", said.lines().last().unwrap_or("it does not come up"));
    }
    for node in ["classic", "ntpsec"] {
        let waited = lab(&["wait", "settled", node, "--timeout", "180"]);
        assert!(waited.status.success(), "{}", String::from_utf8_lossy(&waited.stderr));
        let tables = [
            (&real.program, format!("LD_LIBRARY_PATH={}", real.libraries), None),
            (&duel::ours(), "LC_ALL=C".to_owned(), Some("ntpq")),
        ]
        .map(|(program, setting, subcommand)| {
            let program = program.display().to_string();
            let address = String::from_utf8(lab(&["address", node]).stdout).unwrap();
            let mut words = vec!["exec", "admin", "env", &setting, &program];
            words.extend(subcommand);
            words.extend(["-pn", address.trim()]);
            let output = lab(&words);
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap()
        });
        let [real, ours] =
            tables.each_ref().map(|table| table.lines().map(what_stays).collect::<Vec<_>>());
        assert!(real.len() > 8, "{node}: no rows in\n{}", tables[0]);
        assert_eq!(real, ours, "{node}\n{}\n{}", tables[0], tables[1]);
    }
}

/// A row without its tally and the numbers that move from one second to the next; what moves is
/// replaced letter by letter, so that columns still have to stand where they stood.
fn what_stays(line: &str) -> String {
    let moves = |place: usize| place == 0 || place >= FIRST_NUMBER;
    let is_digit =
        |c: char| c.is_ascii_digit() || matches!(c, ' ' | '-' | '+' | 'x' | '*' | '#' | 'o');
    let masked = |(place, c)| if moves(place) && is_digit(c) { '0' } else { c };
    line.chars().enumerate().map(masked).collect()
}

fn lab(words: &[&str]) -> Output {
    let folder = std::env::var_os("NTPSCOPE_LAB_DIR");
    let folder = folder.map_or_else(|| duel::target().join("lab-tests"), PathBuf::from);
    Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab"))
        .args(words)
        .env("NTPSCOPE_LAB_DIR", folder)
        .output()
        .unwrap()
}

/// Where the column `when` begins.
const FIRST_NUMBER: usize = 37;
