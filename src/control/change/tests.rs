use super::*;
use crate::config::ntp_conf;
use crate::model::part::{Dated, Part};
use crate::model::values::Value;
use crate::units::Stratum;
use crate::wire::mode6::status::PeerStatus;
use std::sync::Arc;

/// A daemon that follows 192.0.2.1, called ntp1.example.net, and has 192.0.2.2 and a local clock.
fn daemon() -> Daemon {
    let associations =
        [(11, "192.0.2.1", "ntp1.example.net"), (12, "192.0.2.2", ""), (13, "127.127.1.0", "")];
    let peers = associations.map(|(id, address, name)| {
        let mut there = Peer::new(AssocId::new(id), PeerStatus::from_bits(0x961a));
        let mut row = Values::typed([(&peer::SOURCE, Value::Address(address.parse().unwrap()))]);
        if !name.is_empty() {
            row.insert(&peer::SOURCE_HOST, Ok(Value::Text(name.into())));
        }
        there.row = Part::answered(row, Dated::default());
        if id == 13 {
            let told = Values::typed([
                (&clock::STRATUM, Value::Stratum(Stratum::new(7))),
                (&clock::FLAGS, Value::Unsigned(2)),
            ]);
            *there.detail_mut(Detail::Clock) = Part::answered(told, Dated::default());
        }
        Arc::new(there)
    });
    let told = Values::typed([(&system::PEER, Value::Association(AssocId::new(11)))]);
    Daemon {
        system: Part::answered(told, Dated::default()),
        peers: peers.into(),
        ..Daemon::default()
    }
}

fn line(text: &str) -> Directive {
    ntp_conf::read("the user", text).unwrap().remove(0).directive
}

fn text(lines: &[Directive]) -> Vec<String> {
    lines.iter().map(ToString::to_string).collect()
}

fn thought(
    wanted: &str,
    conf: &str,
    list: Option<&[(Selector, Flags)]>,
) -> Result<Plan, Senseless> {
    let configured = ntp_conf::read("ntp.conf", conf).unwrap();
    let daemon = daemon();
    plan(&line(wanted), Known { daemon: &daemon, restrictions: list, configured: &configured })
}

/// Lines and inverse of a change that makes sense.
fn lines(wanted: &str, conf: &str) -> (Vec<String>, Result<Vec<String>, NoInverse>) {
    let plan = thought(wanted, conf, None).unwrap();
    (text(&plan.lines), plan.inverse.map(|inverse| text(&inverse)))
}

#[test]
fn a_new_association_is_taken_back_by_giving_it_up() {
    let plan = thought("server 192.0.2.9 iburst", "", None).unwrap();
    assert_eq!(text(&plan.lines), ["server 192.0.2.9 iburst"]);
    assert_eq!(text(&plan.inverse.unwrap()), ["unconfig 192.0.2.9"]);
    assert_eq!(plan.effects, [Effect::Begins]);
}

#[test]
fn an_association_that_is_there_is_given_up_first_and_starts_again() {
    let conf = "server ntp1.example.net iburst key 5\nserver 192.0.2.2\n";
    let plan = thought("server ntp1.example.net iburst key 5 noselect", conf, None).unwrap();
    let wanted = "server ntp1.example.net iburst noselect key 5";
    // By its address: after a name ntpd looks for more to give up.
    assert_eq!(text(&plan.lines)[0], "unconfig 192.0.2.1");
    assert_eq!(line(&text(&plan.lines)[1]), line(wanted));
    let inverse = plan.inverse.unwrap();
    assert_eq!(text(&inverse)[0], "unconfig 192.0.2.1");
    assert_eq!(inverse[1], line("server ntp1.example.net iburst key 5"));
    let id = AssocId::new(11);
    assert_eq!(plan.effects, [Effect::StartsAgain(id), Effect::LosesSystemPeer(id)]);
    // Without its line nobody knows what its options were.
    let plan = thought("server 192.0.2.2 prefer", "", None).unwrap();
    assert_eq!(plan.inverse, Err(NoInverse::Options(AssocId::new(12))));
    assert_eq!(plan.effects, [Effect::StartsAgain(AssocId::new(12))]);
}

#[test]
fn what_goes_comes_back_by_its_line_by_whatever_it_was_called() {
    let conf = "server ntp1.example.net minpoll 4\n";
    for wanted in ["unconfig ntp1.example.net", "unconfig 192.0.2.1", "unconfig 11"] {
        let plan = thought(wanted, conf, None).unwrap();
        assert_eq!(text(&plan.lines), [wanted]);
        assert_eq!(plan.inverse.unwrap(), [line("server ntp1.example.net minpoll 4")]);
        let id = AssocId::new(11);
        assert_eq!(plan.effects, [Effect::Ends(id), Effect::LosesSystemPeer(id)]);
    }
    assert_eq!(
        thought("unconfig 192.0.2.77", conf, None),
        Err(Senseless::NoAssociation("with 192.0.2.77".to_owned()))
    );
    assert!(thought("unconfig 99", conf, None).is_err());
}

#[test]
fn restrictions_go_back_to_the_flags_that_they_had() {
    let net = |text: &str| match line(text) {
        Directive::Restrict(restrict) => (restrict.whom.selectors()[0], restrict.flags),
        other => panic!("{other:?}"),
    };
    let list = [net("restrict 10.0.0.0 mask 255.0.0.0 nomodify kod limited")];
    let inverse = |wanted: &str| {
        let plan = thought(wanted, "", Some(&list)).unwrap();
        plan.inverse.map(|inverse| text(&inverse))
    };
    let same = |told: Result<Vec<String>, NoInverse>, expected: &[&str]| {
        let told: Vec<_> = told.unwrap().iter().map(|text| line(text)).collect();
        assert_eq!(told, expected.iter().map(|text| line(text)).collect::<Vec<_>>());
    };
    same(
        inverse("restrict 10.0.0.0 mask 255.0.0.0 nomodify noquery"),
        &["unrestrict 10.0.0.0 mask 255.0.0.0 noquery"],
    );
    same(inverse("restrict 10.0.0.0 mask 255.0.0.0 nomodify"), &[]);
    same(
        inverse("restrict 192.0.2.0 mask 255.255.255.0 noquery"),
        &["unrestrict 192.0.2.0 mask 255.255.255.0"],
    );
    same(
        inverse("unrestrict 10.0.0.0 mask 255.0.0.0 kod noquery"),
        &["restrict 10.0.0.0 mask 255.0.0.0 kod"],
    );
    same(
        inverse("unrestrict 10.0.0.0 mask 255.0.0.0"),
        &["restrict 10.0.0.0 mask 255.0.0.0 nomodify kod limited"],
    );
    assert!(matches!(
        thought("unrestrict 192.0.2.0 mask 255.255.255.0", "", Some(&list)),
        Err(Senseless::NoRestriction(_))
    ));
    // Nothing is known of restrictions that were not told, nor of what a name stands for.
    assert_eq!(lines("restrict 192.0.2.1 noquery", "").1, Err(NoInverse::Restrictions));
    assert_eq!(inverse("restrict ntp1.example.net noquery"), Err(NoInverse::Setting));
}

#[test]
fn settings_go_back_to_what_the_configuration_says() {
    let conf = "tos minsane 2 maxclock 8\nenable monitor\ntos minsane 3\nleapfile /a\n";
    let back = |wanted: &str| lines(wanted, conf).1;
    assert_eq!(back("tos minsane 5"), Ok(vec!["tos minsane 3".to_owned()]));
    assert_eq!(back("tos minclock 5"), Err(NoInverse::Setting));
    assert_eq!(back("disable monitor"), Ok(vec!["enable monitor".to_owned()]));
    assert_eq!(back("disable auth"), Err(NoInverse::Setting));
    assert_eq!(back("leapfile /b"), Ok(vec!["leapfile /a".to_owned()]));
    assert_eq!(back("reset allpeers"), Err(NoInverse::Counters));
    assert!(matches!(thought("driftfile /c", conf, None), Err(Senseless::NotForRunning(_))));
}

#[test]
fn a_clock_goes_back_to_what_it_tells() {
    let (told, back) = lines("fudge 127.127.1.0 stratum 10 flag2 0 time1 0.5", "");
    assert_eq!(told.len(), 1);
    let back = back.unwrap();
    assert_eq!(line(&back[0]), line("fudge 127.127.1.0 time1 0 stratum 7 flag2 1"));
    // It does not tell its reference ID.
    assert_eq!(lines("fudge 127.127.1.0 refid GPS", "").1, Err(NoInverse::Setting));
    assert!(matches!(
        thought("fudge 127.127.1.3 stratum 3", "", None),
        Err(Senseless::NoAssociation(_))
    ));
}

#[test]
fn what_the_selection_depends_on_is_named() {
    use crate::selection::prospect::{Limit, Role, Touch};
    let daemon = daemon();
    let touches = |wanted: &str| thought(wanted, "", None).unwrap().touches(&daemon);
    let role = Role { noselect: true, ..Role::default() };
    let begins = Touch::Begins { host: "192.0.2.9".into(), role };
    assert_eq!(touches("server 192.0.2.9 noselect"), [begins]);
    let again = Touch::StartsAgain { id: AssocId::new(11), role };
    assert_eq!(touches("server ntp1.example.net noselect"), [again]);
    assert_eq!(touches("unconfig 12"), [Touch::Ends(AssocId::new(12))]);
    assert_eq!(touches("tos minsane 2"), [Touch::Limit(Limit::Minsane(2))]);
    assert_eq!(touches("reset sys"), []);
    let configured = ntp_conf::read("ntp.conf", "server 192.0.2.2 prefer\nserver a.b\n").unwrap();
    let known = Known { daemon: &daemon, restrictions: None, configured: &configured };
    let prefer = Role { prefer: true, ..Role::default() };
    assert_eq!(known.roles(), [(AssocId::new(12), prefer)]);
}
