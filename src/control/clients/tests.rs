//! What is told while a list is read, and how long it is left alone.

use super::*;

#[test]
fn the_first_rows_are_told_at_once_and_then_ever_more_at_a_time() {
    let at = |ms: u64| Mono::from_nanos(ms * 1_000_000);
    let shown = |rows| Shown { rows, at: at(1000) };
    assert!(shown(0).is_due(1, at(1000)) && !shown(0).is_due(0, at(9000)));
    assert!(!shown(100).is_due(120, at(1500)) && shown(100).is_due(120, at(2000)));
    assert!(!shown(100).is_due(9000, at(1050)) && shown(100).is_due(126, at(1100)));
}

#[test]
fn a_longer_list_is_left_alone_for_longer() {
    assert_eq!(pause(2), Duration::from_secs(15));
    assert_eq!(pause(10), Duration::from_secs(50));
    assert_eq!(pause(u64::MAX), Duration::from_secs(300));
}

#[test]
fn a_list_that_was_whole_is_shown_until_the_next_is() {
    let dated = |ms: u64| {
        let answered = Mono::from_nanos(ms * 1_000_000);
        Dated { answered, ..Dated::default() }
    };
    let list = |count, reading| Monitored { count, reading, ..Monitored::default() };
    let old = Part::answered(list(5, Reading::Complete), dated(1));
    let shown = in_between(&old, list(2, Reading::UnderWay), dated(2));
    assert_eq!(shown.latest().unwrap().reading, Reading::Again { count: 2 });
    assert_eq!((shown.latest().unwrap().count, shown.dated()), (5, Some(dated(1))));
    let partial = Part::answered(list(5, Reading::UnderWay), dated(1));
    let shown = in_between(&partial, list(2, Reading::UnderWay), dated(2));
    assert_eq!((shown.latest().unwrap().count, shown.dated()), (2, Some(dated(2))));
    let long = Part::answered(list(KEPT + 1, Reading::Complete), dated(1));
    let shown = in_between(&long, list(2, Reading::UnderWay), dated(2));
    assert_eq!(shown.latest().unwrap().count, 2);
}
