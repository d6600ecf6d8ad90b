//! The demo at a terminal: it starts, its keys act, and the terminal is given back.

use crate::lab;
use crate::terminal::Terminal;

fn start(words: &[&str], rows: u16, columns: u16) -> Terminal {
    let program = lab::program();
    let mut all = vec![program.to_str().expect("a path in UTF-8"), "demo"];
    all.extend(words);
    Terminal::start(&all, rows, columns)
}

fn top(screen: &str) -> &str {
    screen.lines().next().unwrap_or_default()
}

#[test]
fn a_newcomer_sees_it_converge_and_makes_things_happen() {
    let mut terminal = start(&["--speed", "64"], 24, 80);
    terminal.wait_for("a clock that converged", |screen| {
        top(screen).starts_with(" SIMULATED · 64×") && screen.contains("● synchronised to")
    });
    terminal.keys("P");
    terminal.wait_for("the world to stand still", |screen| top(screen).contains("PAUSED"));
    terminal.keys("P");
    terminal.wait_for("it to go on", |screen| top(screen).contains("1×"));
    terminal.keys("+");
    terminal.wait_for("it to go faster", |screen| top(screen).contains("8×"));
    terminal.keys("i");
    terminal.wait_for("what may happen", |screen| screen.contains("What shall happen"));
    terminal.keys("1");
    terminal.wait_for("it to happen", |screen| {
        !screen.contains("What shall happen") && !screen.contains("nothing happened yet")
    });
    terminal.keys("++");
    terminal.wait_for("it to go fast again", |screen| top(screen).contains("64×"));
    for (key, sign) in [
        ("c", "in truth, which only a simulation knows"),
        ("v", "agreed on by the majority"),
        ("p\r", "Filter samples"),
        ("?", "Help on Association"),
    ] {
        terminal.keys(key);
        terminal.wait_for(sign, |screen| screen.contains(sign));
        assert!(top(&terminal.screen().contents()).starts_with(" SIMULATED"));
    }
    terminal.keys("\x1b");
    terminal.wait_for("no help", |screen| !screen.contains("Help on"));
    terminal.keys("2");
    terminal.wait_for("another machine", |screen| screen.contains(" 2 ● gps1.north"));
    terminal.keys("q");
    assert_eq!(terminal.end(), 0);
    terminal.assert_given_back();
}

#[test]
fn every_machine_of_the_site_is_in_sight_at_any_size() {
    for (rows, columns) in [(24, 80), (40, 120), (16, 60)] {
        let mut terminal = start(&["--speed", "1"], rows, columns);
        terminal.wait_for("all tabs", |screen| {
            let strip = screen.lines().find(|line| line.contains("self: ")).unwrap_or_default();
            (1..=11).all(|number| {
                let number = format!(" {number}");
                strip.split(&number).skip(1).any(|after| !after.starts_with(char::is_numeric))
            })
        });
        terminal.keys("\x03");
        assert_eq!(terminal.end(), 0);
        terminal.assert_given_back();
    }
}

#[test]
fn what_is_no_scenario_is_told_and_no_screen_is_drawn() {
    let mut terminal = start(&["no-such-world"], 24, 80);
    assert_eq!(terminal.end(), 2);
    terminal.assert_given_back();
    let said = String::from_utf8_lossy(&terminal.raw).into_owned();
    assert!(said.contains("no-such-world") && !said.contains("\u{1b}[?1049h"), "{said}");
}
