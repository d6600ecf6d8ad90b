//! What the screens say of a real daemon's counters and clients is what ntpq says of them.

use std::time::Duration;

use crate::lab;
use crate::terminal::Terminal;

/// The classic client daemon of the lab, and NTPsec's.
const DAEMONS: [&str; 2] = ["10.77.0.2", "10.77.0.3"];

/// Labels of `sysstats` and `monstats`, and what the same counters are called on screen.
const COUNTERS: [(&str, &str); 8] = [
    ("packets received:", "packets received"),
    ("current version:", "current version"),
    ("bad length or format:", "bad format"),
    ("authentication failed:", "bad authentication"),
    ("declined:", "declined"),
    ("restricted:", "restricted"),
    ("rate limited:", "rate limited"),
    ("KoD responses:", "kiss of death sent"),
];

fn ntpq(node: &str, commands: &[&str]) -> String {
    let mut words = vec!["exec", "admin", "ntpq-classic", "-n"];
    words.extend(commands.iter().flat_map(|command| ["-c", *command]));
    words.push(node);
    String::from_utf8_lossy(&lab::lab(&words).stdout).into_owned()
}

/// The number behind a label of ntpq's.
fn told(text: &str, label: &str) -> u64 {
    let line = text.lines().find(|line| line.starts_with(label));
    let line = line.unwrap_or_else(|| panic!("{label} is not in\n{text}"));
    line[label.len()..].trim().parse().unwrap_or_else(|_| panic!("{line}"))
}

/// The total of a counter on screen, where thousands stand apart.
fn shown(screen: &str, name: &str) -> u64 {
    let line = screen.lines().find(|line| line.trim_start().starts_with(&format!("{name}  ")));
    let line = line.unwrap_or_else(|| panic!("{name} is not on\n{screen}"));
    let rest = line.trim_start()[name.len()..].trim_start();
    let end = rest.find("  ").unwrap_or(rest.len());
    rest[..end].replace(' ', "").parse().unwrap_or_else(|_| panic!("{line}"))
}

/// The packets of a client's row: they stand below their title, which ends where they do.
fn packets(screen: &str, row: &str) -> u64 {
    const TITLE: &str = "packets";
    let titles = screen.lines().find(|line| line.starts_with("client")).expect("a heading");
    let end = titles.find(TITLE).map_or(0, |at| titles[..at + TITLE.len()].chars().count());
    let cells: String = row.chars().take(end).collect();
    let number = cells.rsplit("  ").next().unwrap_or_default().replace(' ', "");
    number.parse().unwrap_or_else(|_| panic!("{row}"))
}

#[test]
fn counters_and_clients_are_those_of_ntpq() {
    if !lab::available("lab", lab::up()) {
        return;
    }
    let program = lab::program();
    let program = program.to_str().expect("a path in UTF-8");
    for node in DAEMONS {
        let before = ntpq(node, &["sysstats"]);
        let words = ["tests/lab", "exec", "admin", program, "-n", node];
        let mut terminal = Terminal::start(&words, 60, 140);
        terminal.wait_for("the table", |screen| screen.contains("answers in"));
        terminal.keys("D");
        terminal.wait_for("rates", |screen| {
            screen.lines().any(|line| line.contains("packets received") && line.contains("/s"))
        });
        let screen = terminal.screen().contents();
        let after = ntpq(node, &["sysstats"]);
        for (label, name) in COUNTERS {
            let (least, most) = (told(&before, label), told(&after, label));
            let found = shown(&screen, name);
            assert!((least..=most).contains(&found), "{name} of {node}: {least} {found} {most}");
        }
        assert!(screen.contains("needs a key"), "{screen}");

        let before = ntpq(node, &["mrulist"]);
        terminal.keys("C");
        terminal.wait_for("all clients", |screen| screen.contains("which is all of its list"));
        let screen = terminal.screen().contents();
        let after = ntpq(node, &["mrulist"]);
        let count = |text: &str, address: &str| {
            let rows = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
            let mut rows = rows.filter(|words| words.last() == Some(&address));
            rows.next().and_then(|words| words.get(6)?.parse::<u64>().ok())
        };
        let hosts: Vec<&str> = before
            .lines()
            .skip_while(|line| !line.starts_with("==="))
            .skip(1)
            .filter_map(|line| line.split_whitespace().last())
            .collect();
        assert!(hosts.len() >= 2, "{before}");
        for host in hosts {
            let row = screen.lines().find(|line| line.split(' ').next() == Some(host));
            let row = row.unwrap_or_else(|| panic!("{host} of {node} is not on\n{screen}"));
            let found = packets(&screen, row);
            let least = count(&before, host).expect("it was listed");
            let most = count(&after, host).unwrap_or(u64::MAX);
            assert!(
                (least..=most).contains(&found),
                "{host} of {node}: {least} {found} {most}\n{row}"
            );
        }
        terminal.keys("q");
        assert_eq!(terminal.end(), 0);
        terminal.assert_given_back();
    }
}

/// A relay in front of a daemon that loses datagrams until the test is over.
struct Lossy(&'static str);

impl Lossy {
    fn begin(relay: &'static str) -> Self {
        let set = lab::lab(&["relay", relay, "loss", "20%"]);
        assert!(set.status.success(), "{}", String::from_utf8_lossy(&set.stderr));
        Self(relay)
    }
}

impl Drop for Lossy {
    fn drop(&mut self) {
        lab::lab(&["relay", self.0, "loss", "0%"]);
    }
}

#[test]
fn clients_come_whole_over_a_line_that_loses_one_in_five() {
    if !lab::available("lab", lab::up()) {
        return;
    }
    let program = lab::program();
    let program = program.to_str().expect("a path in UTF-8");
    for (relay, from_afar, node) in
        [("far-classic", "10.77.0.32", DAEMONS[0]), ("far-ntpsec", "10.77.0.33", DAEMONS[1])]
    {
        let _lossy = Lossy::begin(relay);
        let words = ["tests/lab", "exec", "admin", program, "-n", from_afar];
        let mut terminal = Terminal::start(&words, 60, 140);
        terminal.wait_within(LONGEST, "the table", |screen| screen.contains("refid"));
        let listed = ntpq(node, &["mrulist"]);
        let hosts = listed.lines().skip_while(|line| !line.starts_with("===")).skip(1);
        let hosts: Vec<_> = hosts.filter_map(|line| line.split_whitespace().last()).collect();
        assert!(!hosts.is_empty(), "{listed}");
        terminal.keys("C");
        terminal.wait_within(LONGEST, "all clients", |screen| {
            let is_shown =
                |host: &&str| screen.lines().any(|line| line.split(' ').next() == Some(*host));
            screen.contains("which is all of its list") && hosts.iter().all(is_shown)
        });
        terminal.keys("q");
        assert_eq!(terminal.end(), 0);
    }
}

/// A list that came in part is read again after a quarter of a minute, and may come in part again.
const LONGEST: Duration = Duration::from_secs(300);
