use std::collections::BTreeSet;

use super::*;

const SCOPES: [Scope; 3] = [Scope::System, Scope::Peer, Scope::Clock];

#[test]
fn no_two_rows_of_a_scope_share_a_name_an_alias_or_a_json_name() {
    for scope in SCOPES {
        let (mut names, mut fields) = (BTreeSet::new(), BTreeSet::new());
        for row in table(scope) {
            assert_eq!(row.scope, scope, "{}", row.name);
            for name in std::iter::once(&row.name).chain(row.aliases) {
                assert!(names.insert(*name), "{name} twice in {scope:?}");
            }
            assert!(fields.insert(row.json_name()), "{} twice in {scope:?}", row.field);
        }
    }
}

#[test]
fn every_meaning_is_a_sentence_without_its_full_stop() {
    for row in SCOPES.iter().flat_map(|scope| table(*scope)) {
        let words = row.meaning.split(' ').count();
        assert!(words >= 3 || row.meaning.len() > 12, "{}: {}", row.name, row.meaning);
        assert!(!row.meaning.ends_with('.') && !row.meaning.contains("  "), "{}", row.name);
        assert!(
            row.field.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        );
    }
}

/// What a daemon knows: scope and name, and whether it knows it.
fn known(list: &str) -> Vec<(Scope, &str, bool)> {
    list.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let (known, rest) = line.split_at(1);
            let (scope, name) = rest.trim().split_once(' ').unwrap();
            let scope = match scope {
                "system" => Scope::System,
                "peer" => Scope::Peer,
                "clock" => Scope::Clock,
                other => panic!("scope {other}"),
            };
            (scope, name, known == "+")
        })
        .collect()
}

/// Every list of `tests/data/variables`, and the dialect it belongs to.
const KNOWN: [(Dialect, &str); 8] = [
    (Dialect::ClassicTo4_2_6, include_str!("../../../tests/data/variables/ntpd-4.2.6.txt")),
    (Dialect::ClassicBeforeP12, include_str!("../../../tests/data/variables/ntpd-4.2.8p5.txt")),
    (Dialect::Classic, include_str!("../../../tests/data/variables/ntpd-4.2.8p15.txt")),
    (Dialect::NtpsecBefore1_2, include_str!("../../../tests/data/variables/ntpsec-1.1.3.txt")),
    (Dialect::NtpsecTo1_2_2, include_str!("../../../tests/data/variables/ntpsec-1.2.0.txt")),
    (Dialect::NtpsecTo1_2_2, include_str!("../../../tests/data/variables/ntpsec-1.2.2.txt")),
    (Dialect::Ntpsec, include_str!("../../../tests/data/variables/ntpsec-1.2.3.txt")),
    (Dialect::Ntpsec, include_str!("../../../tests/data/variables/ntpsec-1.2.5.txt")),
];

#[test]
fn the_table_says_what_each_daemon_knows() {
    let mut wrong = Vec::new();
    for (dialect, list) in KNOWN {
        for (scope, name, known) in known(list) {
            let row = table(scope).iter().find(|row| row.name == name);
            let agrees = match row.map(|row| row.served_by(dialect)) {
                None => !known,
                Some(Served::Sometimes) => true,
                // NTPsec knows this name and keeps the value to itself.
                Some(Served::Never) => !known || (name == "org" && dialect.is_ntpsec()),
                Some(_) => known,
            };
            if !agrees {
                wrong.push((dialect, scope, name, known));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Whether a row is one of mode 6, and not of another protocol alone.
fn is_of_mode_6(row: &Variable) -> bool {
    row.served.iter().any(|served| *served != Served::Never)
}

#[test]
fn the_table_has_no_name_that_no_daemon_knows() {
    let known = |row: &Variable| {
        let told = |(_, list): &(Dialect, &'static str)| {
            known(list).contains(&(row.scope, row.name, true))
        };
        KNOWN.iter().any(told)
    };
    let unknown: Vec<_> = SCOPES
        .iter()
        .flat_map(|s| table(*s))
        .filter(|r| is_of_mode_6(r) && !known(r))
        .map(|r| r.name)
        .collect();
    // The first is xntpd's; 4.2.8p15 lists the second among a clock's variables.
    assert_eq!(unknown, ["state", "minjitter"]);
}

/// The longest text a value of `format` can have within reason.
fn longest(format: Format) -> &'static str {
    match format {
        Format::Address => "fe80:1111:2222:3333:4444:5555:6666:7777%12",
        Format::Timestamp => "0xeeab5d88.ea3cdc2a",
        Format::Milliseconds => "-15937.500000",
        Format::ReferenceId => "255.255.255.255",
        Format::Flash => "0x1fff",
        Format::Reach => "0xff",
        Format::Stratum | Format::Poll | Format::Signed => "-1",
        Format::Leap | Format::Mode => "7",
        // The rest of the datagram is the name's; it is checked below how much that is.
        Format::Text => "\"\"",
        other => panic!("no row holds {other:?}"),
    }
}

#[test]
fn a_row_of_the_peers_table_fits_one_datagram() {
    for dialect in [Dialect::Classic, Dialect::NtpsecTo1_2_2, Dialect::Ntpsec] {
        let rows = askable(lists::ROW, dialect);
        let item = |row: &&'static Variable| {
            format!("{}={}", row.name, longest(row.format_of(Some(dialect)))).len()
        };
        let lengths: Vec<_> = rows.iter().map(item).collect();
        let total: usize = lengths.iter().sum::<usize>() + 2 * lengths.len();
        // Each line may waste one more byte: a comma, a blank or a line end separates items.
        let lines = total.div_ceil(40);
        let room = 468_usize.checked_sub(total + lines);
        assert!(room.is_some_and(|left| left >= 30), "{dialect:?}: {room:?}");
    }
}

#[test]
fn nothing_uncertain_is_asked_among_others() {
    for dialect in Dialect::ALL {
        for row in askable(lists::ROW, dialect) {
            let served = row.served_by(dialect);
            assert!(!matches!(served, Served::Never | Served::Sometimes), "{}", row.name);
        }
    }
    assert!(names(lists::ROW, Dialect::Xntpd).is_empty());
    assert!(!names(lists::ROW, Dialect::ClassicTo4_2_6).contains(&"srchost"));
    assert!(!names(lists::ROW, Dialect::NtpsecBefore1_2).contains(&"ntscookies"));
    assert!(!names(lists::SCALARS, Dialect::NtpsecTo1_2_2).contains(&"ttl"));
    assert!(!names(lists::SCALARS, Dialect::Classic).contains(&"mode"));
}

#[test]
fn the_lists_of_an_association_share_nothing_and_leave_little_out() {
    let lists = [lists::ROW, lists::SCALARS, lists::COUNTERS].concat();
    let mut seen = BTreeSet::new();
    for row in &lists {
        assert!(seen.insert(row.name), "{} is asked twice", row.name);
    }
    let left_out: Vec<_> = peer::ALL
        .iter()
        .filter(|row| is_of_mode_6(row) && row.section != "autokey" && !seen.contains(row.name))
        .map(|row| row.name)
        .collect();
    assert_eq!(left_out, ["org", "authenable", "peer_var_list"]);
}

#[test]
fn the_default_reply_has_the_summary_of_the_system() {
    for dialect in Dialect::ALL.into_iter().filter(|d| *d != Dialect::Xntpd) {
        for row in lists::SYSTEM_SUMMARY {
            let served = row.served_by(dialect);
            assert!(matches!(served, Served::Default | Served::WhenSet), "{}", row.name);
        }
    }
}

#[test]
fn labels_of_listings_fit_their_column() {
    for listing in lists::classic::ALL.iter().chain(lists::ntpsec::ALL) {
        let widest = listing.lines.iter().map(|line| line.label.len()).max();
        assert!(widest.unwrap() <= listing.label_width, "{}", listing.command);
    }
}

#[test]
fn packet_counts_of_ntpsec_have_their_twins() {
    let lines = lists::ntpsec::SYSSTATS.lines.iter();
    for line in lines.filter(|line| line.shown == lists::Shown::Packets) {
        let twin = line.variable.twin().unwrap();
        assert_eq!(twin.name, format!("{}_r", line.variable.name));
        assert_eq!(twin.format, line.variable.format);
    }
    assert_eq!(system::UPTIME.twin(), None);
}
