//! A daemon that has much to tell and answers late: whoever waits at a terminal sees how far it is,
//! and what is printed is what it would be otherwise.

use std::collections::HashSet;
use std::fs;

use crate::hostile::{decent, fragments, served};
use crate::lab;
use crate::terminal::Terminal;

/// Associations of the daemon.
const ALL: u16 = 12;

/// Answers the list, and anything else when it is asked for it once more.
fn slow() -> String {
    let mut asked = HashSet::new();
    served(move |request| {
        let id = [request[6], request[7]];
        match request[1] & 0x1f {
            1 => {
                let ids: Vec<u8> =
                    (1..=ALL).flat_map(|id| [id.to_be_bytes(), [0x96, 0x14]].concat()).collect();
                fragments(request, &ids)
            }
            // All but the last: silence at the end would be taken for a limiter.
            2 if id != [0, 0] && id != ALL.to_be_bytes() && asked.insert(id) => Vec::new(),
            _ => decent(request, "10.0.0.1", "10.0.0.9"),
        }
    })
}

#[test]
fn who_waits_for_many_answers_sees_how_far_it_is() {
    let file = std::env::temp_dir().join(format!("ntpscope-slow-{}", std::process::id()));
    let program = lab::program();
    let command = format!("{} ntpq -pn {} > {}", program.display(), slow(), file.display());
    let mut terminal = Terminal::start(&["sh", "-c", &command], 24, 80);
    assert_eq!(terminal.end(), 0);
    let seen = String::from_utf8_lossy(&terminal.raw).into_owned();
    assert!(seen.contains(&format!(" of {ALL} questions answered or given up\r")), "{seen:?}");
    let shown = terminal.screen().contents();
    assert!(!shown.contains("questions"), "it is wiped:\n{shown}");
    let printed = fs::read_to_string(&file).expect("what was printed");
    fs::remove_file(&file).expect("it was there");
    assert_eq!(printed.lines().count(), 2 + usize::from(ALL), "{printed}");
    assert!(!printed.contains('\r') && printed.contains("10.0.0.1"), "{printed}");
}
