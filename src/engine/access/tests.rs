use std::net::Ipv4Addr;

use super::*;
use crate::config::restrict::FLAGS;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn net(text: &str) -> Selector {
    let (address, length) = text.split_once('/').unwrap();
    Selector::prefix(ip(address), length.parse().unwrap()).unwrap()
}

const CONFIGURED: Origin = Origin::Configured { line: None };

fn list(entries: &[(Selector, Flags)]) -> AccessList {
    let mut list = AccessList::new();
    for (selector, flags) in entries {
        assert!(list.restrict(*selector, *flags, None, CONFIGURED));
    }
    list
}

#[test]
fn the_most_particular_entry_decides_alone() {
    let mut list = list(&[
        (Selector::ANY_V4, Flags::NOQUERY.with(Flags::LIMITED)),
        (net("10.0.0.0/8"), Flags::NOSERVE),
        (net("10.1.0.0/16"), Flags::NONE),
        (Selector::host(ip("10.1.2.3")), Flags::IGNORE),
        (net("2001:db8::/32"), Flags::NOTRUST),
    ]);
    let mut admit = |address: &str| list.admit(ip(address), 5000);
    assert_eq!(admit("192.0.2.1"), Flags::NOQUERY.with(Flags::LIMITED));
    assert_eq!(admit("10.9.9.9"), Flags::NOSERVE);
    assert_eq!(admit("10.1.9.9"), Flags::NONE);
    assert_eq!(admit("10.1.2.3"), Flags::IGNORE);
    assert_eq!(admit("2001:db8::1"), Flags::NOTRUST);
    assert_eq!(admit("::1"), Flags::NONE, "the default of the other family is another");
    let hits: Vec<_> = list.entries().iter().map(|entry| entry.hits).collect();
    assert_eq!(hits, [1, 1, 1, 1, 1, 1]);
}

#[test]
fn an_entry_for_the_port_goes_before_the_same_for_any() {
    let port = net("10.0.0.0/8").from_ntp_port();
    let mut list = list(&[(net("10.0.0.0/8"), Flags::IGNORE), (port, Flags::NOPEER)]);
    assert_eq!(list.admit(ip("10.0.0.1"), 123), Flags::NOPEER);
    assert_eq!(list.admit(ip("10.0.0.1"), 124), Flags::IGNORE);
}

#[test]
fn masks_with_gaps_are_taken_as_they_are() {
    let odd = Selector::new(ip("10.0.0.7"), ip("255.0.0.255")).unwrap();
    assert_eq!(odd.length(), None);
    let mut list = list(&[(odd, Flags::NOSERVE)]);
    assert_eq!(list.admit(ip("10.4.5.7"), 1), Flags::NOSERVE);
    assert_eq!(list.admit(ip("10.4.5.8"), 1), Flags::NONE);
    assert_eq!(odd.to_string(), "10.0.0.7 mask 255.0.0.255");
    assert_eq!(Selector::new(ip("10.0.0.7"), ip("ffff::")), None);
    assert_eq!(Selector::prefix(ip("10.0.0.7"), 33), None);
}

#[test]
fn the_same_entry_twice_has_the_flags_of_both_and_can_lose_them_again() {
    let mut list = list(&[(net("10.0.0.0/8"), Flags::NOQUERY), (net("10.1.2.3/8"), Flags::KOD)]);
    assert_eq!(list.entries().len(), 3);
    assert_eq!(list.admit(ip("10.0.0.1"), 1), Flags::NOQUERY.with(Flags::KOD));
    assert!(list.unrestrict(net("10.0.0.0/8"), Flags::KOD));
    assert_eq!(list.admit(ip("10.0.0.1"), 1), Flags::NOQUERY);
    assert!(list.remove(net("10.0.0.0/8")));
    assert!(!list.remove(net("10.0.0.0/8")));
    assert!(list.remove(Selector::ANY_V4), "it is there, and stays");
    assert_eq!(list.entries().len(), 2);
}

#[test]
fn sources_get_what_the_template_says_unless_they_have_a_line() {
    let mut list = list(&[(Selector::ANY_V4, Flags::IGNORE)]);
    let own = ip("192.0.2.1");
    list.restrict(Selector::host(own), Flags::NOTRUST, None, CONFIGURED);
    list.add_source(ip("192.0.2.9"));
    assert_eq!(list.admit(ip("192.0.2.9"), 123), Flags::IGNORE, "there is no template yet");
    list.set_template(Flags::NOQUERY, None);
    list.add_source(own);
    list.add_source(ip("192.0.2.2"));
    let mut admit = |address: &str| list.admit(ip(address), 123);
    assert_eq!(admit("192.0.2.1"), Flags::NOTRUST);
    assert_eq!(admit("192.0.2.2"), Flags::NOQUERY);
    list.remove_source(own);
    list.remove_source(ip("192.0.2.2"));
    assert_eq!(list.admit(own, 123), Flags::NOTRUST);
    assert_eq!(list.admit(ip("192.0.2.2"), 123), Flags::IGNORE);
}

#[test]
fn bits_and_words_are_those_of_the_daemons() {
    let flags = Flags::LIMITED.with(Flags::KOD).with(Flags::NOMODIFY).with(Flags::NOQUERY);
    assert_eq!(flags.bits(), 0x9c0);
    assert_eq!(flags.older_bits(), 0x4e0);
    assert_eq!(Flags::from_older_bits(0x4e0), flags);
    assert_eq!(flags.to_string(), "limited noquery nomodify kod");
    assert_eq!(Flags::NOEPEER.older_bits(), 0);
    assert_eq!(Flags::NONE.to_string(), "");
    let all = FLAGS.iter().fold(Flags::NONE, |all, row| all.with(row.flag));
    assert_eq!(all.bits(), u16::MAX);
}

#[test]
fn why_somebody_may_not_ask_names_the_line_and_the_flag() {
    let mut list = AccessList::new();
    let line = Origin::Configured { line: Some(4) };
    list.restrict(net("192.0.2.0/24"), Flags::NOQUERY.with(Flags::LIMITED), None, line);
    assert_eq!(
        why(&list, ip("192.0.2.7"), Question::Control),
        "192.0.2.7 may not ask how we are: line 4, `restrict 192.0.2.0/24`, has `noquery`, its \
         control messages are dropped"
    );
    assert_eq!(
        why(&list, ip("192.0.2.7"), Question::Time),
        "192.0.2.7 may ask for time, but not too often: line 4, `restrict 192.0.2.0/24`, decides, \
         and does not forbid it"
    );
    assert_eq!(
        why(&list, ip("198.51.100.7"), Question::Clients),
        "198.51.100.7 may not ask who else asks: no `restrict` line lets it"
    );
    let stranger = why(&list, ip("198.51.100.7"), Question::Time);
    assert!(stranger.starts_with("198.51.100.7 may ask for time: the default"), "{stranger}");
    assert!(why(&list, ip("::1"), Question::Change).contains("the default entry `-6 default`"));
}

#[test]
fn there_is_an_end_to_it() {
    let mut list = AccessList::new();
    let hosts = (0..20_000_u32).map(|n| Selector::host(Ipv4Addr::from_bits(n).into()));
    let added = hosts.filter(|host| list.restrict(*host, Flags::NONE, None, CONFIGURED)).count();
    assert_eq!((added, list.entries().len()), (MOST_ENTRIES - 2, MOST_ENTRIES));
}
