//! Both programs beside each other on daemons that live: what was captured once may have been
//! captured to suit.

use std::path::Path;

use crate::duel;
use crate::lab::{self, lab};

#[test]
fn living_daemons_are_printed_as_ntpq_prints_them() {
    let real = match duel::peer("ntpq-classic") {
        Ok(real) => real,
        Err(reason) => return lab::skip("peers", &reason),
    };
    if !lab::available("lab", lab::up()) {
        return;
    }
    for node in ["classic", "ntpsec"] {
        let waited = lab(&["wait", "settled", node, "--timeout", "300"]);
        assert!(waited.status.success(), "{}", String::from_utf8_lossy(&waited.stderr));
        let address = String::from_utf8(lab(&["address", node]).stdout).unwrap();
        let table = |program: &Path, setting: &str, subcommand: Option<&str>| {
            let program = program.display().to_string();
            let mut words = vec!["exec", "admin", "env", setting, &program];
            words.extend(subcommand);
            words.extend(["-pn", address.trim()]);
            let output = lab(&words);
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap()
        };
        let libraries = format!("LD_LIBRARY_PATH={}", real.libraries);
        // Whom a source follows may change between two looks, and who is in a pool: whatever differs
        // is looked at again.
        for attempt in 1.. {
            let tables = [
                table(&real.program, &libraries, None),
                table(&lab::program(), "LC_ALL=C", Some("ntpq")),
            ];
            let [real, ours] =
                tables.each_ref().map(|table| table.lines().map(what_stays).collect::<Vec<_>>());
            assert!(real.len() > 8, "{node}: no rows in\n{}", tables[0]);
            if real == ours {
                break;
            }
            assert!(attempt < 5, "{node}\n{}\n{}", tables[0], tables[1]);
        }
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

/// Where the column `when` begins.
const FIRST_NUMBER: usize = 37;
