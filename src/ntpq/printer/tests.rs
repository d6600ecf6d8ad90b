use jiff::tz::TimeZone;

use super::*;
use crate::ntpq::job::HostName;
use crate::ntpq::reading;

fn session() -> Session {
    let mut session = Session::new("ntpq".into(), || TimeZone::UTC);
    session.now = 1_795_219_230;
    session.settings.hostnames = false;
    session
}

fn print_in(text: &str, scope: Scope, session: &Session) -> String {
    let items = reading::items(text.as_bytes(), &mut Vec::new());
    cooked(&items, scope, session)
}

fn print(text: &str) -> String {
    print_in(text, Scope::Peer, &session())
}

// The expected texts of this file were printed by ntpq 4.2.8p15.
#[test]
fn a_peer_is_printed_as_ntpq_does() {
    let text = "srcadr=10.8.0.2, srcport=123, dstadr=10.8.0.1, dstport=123, leap=0, stratum=6, \
                refid=10.8.0.1, rootdelay=0, rootdisp=3947.906, reftime=0xeeab5d7c.e4c877b8, \
                rec=0xeeab5d88.ea3cdc2a, reach=0xff, hmode=3, hpoll=4, ppoll=10, flash=0x1400, \
                offset=0.014, delay=0.045, dispersion=0.242, jitter=0.006";
    assert_eq!(
        print(text),
        "srcadr=10.8.0.2, srcport=123, dstadr=10.8.0.1, dstport=123, leap=00,\n\
         stratum=6, refid=10.8.0.1, rootdelay=0, rootdisp=3947.906,\n\
         reftime=eeab5d7c.e4c877b8  Fri, Nov 20 2026 23:59:56.893,\n\
         rec=eeab5d88.ea3cdc2a  Sat, Nov 21 2026  0:00:08.914, reach=377, hmode=3,\n\
         hpoll=4, ppoll=10, flash=1400 peer_dist, peer_unreach, offset=+0.014,\n\
         delay=0.045, dispersion=0.242, jitter=0.006\n"
    );
}

#[test]
fn what_cannot_be_cooked_is_marked() {
    let text = "leap=4, leap=x, leap=3, leap=, leap, reach=9, reach=10, reach=010, reach=0xfff, \
                reach=x, refid=LOCAL, refid=1.2.3.4, refid=::1, refid=127.127.1.9, refid=abcd, \
                flash=x, flash=0, flash=0xf0000000, flash=0x100000000, rec=0x12345678, rec=0";
    assert_eq!(
        print(text),
        "leap=4?, leap=x?, leap=11, leap=?, leap=?, reach=011, reach=012,\n\
         reach=010, reach=7777, reach=x?, refid=LOCAL?, refid=1.2.3.4, refid=::1,\n\
         refid=LOCAL(9), refid=abcd, flash=x?, flash=00 ok, flash=f0000000,\n\
         flash=0x100000000?, rec=0x12345678?, rec=(no time)\n"
    );
}

#[test]
fn signs_are_put_before_digits_only() {
    assert_eq!(
        print("offset=+1, offset=-1, offset=1, offset=x, offset=, offset=.5, offset=a"),
        "offset=+1, offset=-1, offset=+1, offset=x, offset=, offset=.5, offset=a\n"
    );
    assert_eq!(print("frequency=1.5, frequency=-0"), "frequency=+1.5, frequency=-0\n");
}

#[test]
fn arrays_stand_below_each_other() {
    assert_eq!(
        print("filtdelay= 1 2 3, filtoffset= 0.01 -1, filterror= 1 2, filtdelay=, filtdisp=x"),
        "filtdelay=     1.00    2.00    3.00, filtoffset=   +0.01   -1.00,\n\
         filterror=     1.00    2.00, filtdelay=  , filtdisp=x?\n"
    );
    assert_eq!(
        print("filtdisp= 99999.99 999999.99 123456789.12 -1 0 0 0 0 9"),
        "filtdisp=   99999.9 999999. 1234567 4294967    0.00    0.00    0.00    0.00\n"
    );
}

#[test]
fn a_long_list_of_flash_words_is_cut() {
    let words = "pkt_dup, pkt_bogus, pkt_unsync, pkt_denied, pkt_auth, pkt_stratum, ";
    assert_eq!(print("flash=0x3fff"), format!("flash=3fff {words}pkt_...\n"));
    assert_eq!(print("flash=0xffffffff"), format!("flash=ffffffff {words}...\n"));
}

#[test]
fn a_clocks_reference_id_is_letters() {
    let print = |text: &str| print_in(text, Scope::Clock, &session());
    assert_eq!(print("refid=76.79.67.76, refid=1.2.99.4"), "refid=LOCL, refid=??c?\n");
    assert_eq!(print("refid=::1, refid=LOCL"), "refid=::1, refid=LOCL\n");
}

#[test]
fn the_others_address_is_shown_as_a_name_and_the_own_is_not() {
    let mut session = session();
    session.settings.hostnames = true;
    let address = NetAddress::read(b"10.8.0.2").unwrap();
    session.take_names(&[address], vec![HostName::Confirmed("two.example".into())]);
    assert_eq!(
        print_in(
            "srcadr=10.8.0.2, dstadr=10.8.0.2, peeradr=127.127.8.0:123",
            Scope::Peer,
            &session
        ),
        "srcadr=two.example, dstadr=10.8.0.2, peeradr=GENERIC(0)\n"
    );
}

#[test]
fn hostile_bytes_are_written_out() {
    assert_eq!(print("a=x\u{1}y, b=\u{1b}[2J, c\u{7f}=1"), "a=x^Ay, b=[2J, c^?=1\n");
    assert_eq!(raw(b"a=\x01\x1b[2J,\r\nb=\xff\x80\rx\x00"), "a=^A^[[2J,\nb=M-^?M-^@^Mx^@");
}
