use super::*;

/// As IERS published it in July 2016, shortened.
const FILE: &str = "#\tIn the following text, the symbol '#' introduces\n\
                    #$\t 3676924800\n#@\t3707596800\n\
                    2272060800\t10\t# 1 Jan 1972\n2287785600\t11\t# 1 Jul 1972\n\
                    3644697600\t12\t# 1 Jul 2015\n\n3692217600\t13\t# 1 Jan 2017\n";

/// 2016-07-08T00:00:00Z, when that file was made, in seconds since 1970.
const MADE: i64 = 1_467_936_000;

/// 2017-01-01T00:00:00Z.
const LEAP: i64 = 1_483_228_800;

fn at(unix: i64) -> NtpTimestamp {
    NtpTimestamp::from_unix(unix, 0)
}

/// The file with the hash that goes with it.
fn hashed(text: &str) -> String {
    let mut numbers = String::new();
    for line in text.lines() {
        let data = line.trim_start_matches("#$").trim_start_matches("#@");
        let data = data.split('#').next().unwrap();
        numbers.extend(data.chars().filter(char::is_ascii_digit));
    }
    let digest: [u8; 20] = Sha1::digest(numbers).into();
    let words = digest.chunks(4).map(|word| {
        let number = u32::from_be_bytes(word.try_into().unwrap());
        format!(" {number:x}")
    });
    format!("{text}#h{}\n", words.collect::<String>())
}

fn read(text: &str) -> LeapTable {
    LeapTable::read("leap", text, true).unwrap()
}

fn said(text: &str) -> String {
    LeapTable::read("leap", text, true).unwrap_err().to_string()
}

#[test]
fn offsets_expiry_and_leap_seconds_are_told_by_the_time() {
    let table = read(FILE);
    assert_eq!((table.updated(), table.expires()), (Some(at(MADE)), at(1_498_608_000)));
    assert!(!table.is_hashed());
    let tai = |unix| table.tai_offset_s(at(unix));
    assert_eq!(tai(-1), None, "there were no leap seconds then");
    assert_eq!((tai(63_072_000), tai(LEAP - 1), tai(LEAP)), (Some(10), Some(12), Some(13)));
    let next = Some(Announced { at: at(LEAP), kind: Leap::Insert });
    assert_eq!((table.next(at(LEAP - 1)), table.next(at(LEAP))), (next, None));
    assert_eq!(table.last(), next);
    assert!((table.left(at(MADE)).seconds() - 30_672_000.0).abs() < 1e-6);
    assert!(table.left(at(1_498_608_001)).seconds() < 0.0);
}

#[test]
fn a_second_may_be_taken_away() {
    let table = read("#@ 3800000000\n2272060800 10\n3692217600 9\n");
    assert_eq!(table.next(at(MADE)).unwrap().kind, Leap::Delete);
}

#[test]
fn the_times_of_the_next_era_are_told_too() {
    // 2050-07-01T00:00:00Z.
    let table = read("#@ 4750000000\n2272060800 10\n4749148800 11\n");
    let leap = at(2_540_160_000);
    assert_eq!(table.next(at(MADE)).unwrap().at, leap);
    assert_eq!(table.tai_offset_s(leap), Some(11));
}

#[test]
fn a_damaged_file_is_told_by_its_hash() {
    let good = hashed(FILE);
    assert!(read(&good).is_hashed());
    let bad = good.replacen("3692217600", "3660595200", 1);
    let line = good.lines().count();
    assert_eq!(
        said(&bad),
        format!(
            "leap, line {line}, column 3: the hash is not that of the file: it is damaged or was \
             changed"
        )
    );
    assert!(LeapTable::read("leap", &bad, false).is_ok(), "nobody asked");
}

#[test]
fn the_hash_of_a_published_file_is_right() {
    // All numbers of the file of IERS of July 2025, with its own hash.
    let text = "#$ 3960835200\n#@ 3991593600\n2272060800 10\n2287785600 11\n2303683200 12\n\
                2335219200 13\n2366755200 14\n2398291200 15\n2429913600 16\n2461449600 17\n\
                2492985600 18\n2524521600 19\n2571782400 20\n2603318400 21\n2634854400 22\n\
                2698012800 23\n2776982400 24\n2840140800 25\n2871676800 26\n2918937600 27\n\
                2950473600 28\n2982009600 29\n3029443200 30\n3076704000 31\n3124137600 32\n\
                3345062400 33\n3439756800 34\n3550089600 35\n3644697600 36\n3692217600 37\n\
                #h 49db2447 571e5e1b 2f002a53 9c8da8e4 39b8e49e\n";
    assert_eq!(read(text).tai_offset_s(at(LEAP)), Some(37));
}

#[test]
fn every_mistake_has_its_place() {
    for (line, column, what) in [
        ("3700000000", 1, "the offset from then on"),
        ("3700000000 37 38", 1, "the offset from then on"),
        ("x 14", 1, "`x` is no number"),
        ("3723753600 +14", 12, "`+14` is no number"),
        ("3723753600 1001", 12, "`1001` is no number"),
        ("3692217600 14", 1, "not later"),
        ("3723753600 15", 12, "one second at a time"),
        ("3723753600 13", 12, "one second at a time"),
        ("3723753601 14", 1, "end of a day"),
        ("99999999999 14", 1, "no number"),
        ("#@ never", 3, "a number of seconds since 1900, not `never`"),
        ("#$ -1", 3, "not `-1`"),
        ("#h 1 2 3 4", 3, "five numbers"),
        ("#h 1 2 3 4 +5", 3, "five numbers"),
        ("#h 1 2 3 4 123456789", 3, "five numbers"),
    ] {
        let said = said(&format!("{FILE}{line}\n"));
        assert!(said.starts_with(&format!("leap, line 9, column {column}: ")), "{line}: {said}");
        assert!(said.contains(what), "{line}: {said}");
    }
    for long in [format!("{} 1", "1".repeat(65_536)), format!("#@ {}", "x".repeat(65_536))] {
        assert!(said(&long).len() < 200);
    }
    assert!(said("").contains("no offset"));
    assert!(said("2272060800 10\n").contains("when it expires"));
}
