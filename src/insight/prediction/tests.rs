//! From replies as daemons write them to what is predicted.

use std::sync::Arc;

use super::*;
use crate::model::status::PeerStatus;
use crate::model::vars::Scope;
use crate::model::{Dated, Part, Reply, Values};
use crate::selection::prospect::Limit;

fn source(id: u16, status: u16, offset_ms: f64) -> Arc<Peer> {
    let mut peer = Peer::new(AssocId::new(id), PeerStatus::from_bits(status));
    let dated = Dated::default();
    let text = format!(
        "srcadr=10.0.0.{id}, srchost=\"good{id}\", leap=0, stratum=2, refid=10.9.9.9, \
         reach=0xff, hmode=3, flash=0x0, offset={offset_ms}, delay=4.000, rootdelay=1.000, \
         rootdisp=2.000, dispersion=1.000, jitter=0.100"
    );
    let reply = Reply::new(0, text.as_bytes(), 1, dated);
    peer.row = Part::answered(Values::decode(Scope::Peer, None, &[], &reply), dated);
    Arc::new(peer)
}

/// Follows good1, has good2 beside it, and good3, which lies by 80 ms.
fn daemon() -> Daemon {
    let peers = vec![source(1, 0x961a, 0.1), source(2, 0x941a, 2.0), source(3, 0x911a, 80.0)];
    Daemon { peers: peers.into(), ..Daemon::default() }
}

fn ends(id: u16) -> Touch {
    Touch::Ends(AssocId::new(id))
}

fn told(touches: &[Touch]) -> Vec<String> {
    predict(&daemon(), &[], touches).sentences()
}

#[test]
fn who_follows_is_said_by_name() {
    assert_eq!(
        told(&[ends(3)]),
        [
            "good1 stays the system peer",
            "2 of 3 sources left: no majority can outvote a falseticker"
        ]
    );
    let prediction = predict(&daemon(), &[], &[ends(1), ends(3)]);
    assert_eq!(prediction.at_first.system_peer, Some(AssocId::new(2)));
    assert_eq!(prediction.before.falsetickers, [AssocId::new(3)]);
    assert!(!prediction.loses_the_clock());
    assert_eq!(
        prediction.to_string(),
        "good2 becomes the system peer\n1 of 3 sources left: nothing would show that it is wrong"
    );
}

#[test]
fn a_clock_left_to_itself_is_said_to_be() {
    assert_eq!(told(&[ends(1), ends(2), ends(3)]), ["no source is left: the clock runs free"]);
    let prediction = predict(&daemon(), &[], &[ends(2)]);
    assert_eq!(prediction.at_first.state, State::NoMajority);
    assert!(prediction.loses_the_clock());
    assert!(prediction.sentences()[0].starts_with("no majority of the 2 sources left agrees"));
    let few = told(&[Touch::Limit(Limit::Minsane(3))]);
    assert!(few[0].starts_with("fewer sources survive than are asked for (2 of 3)"), "{few:?}");
}

#[test]
fn what_starts_again_is_away_at_first() {
    let role = Role { prefer: true, ..Role::default() };
    let again = Touch::StartsAgain { id: AssocId::new(2), role };
    let prediction = predict(&daemon(), &[], &[again]);
    assert_eq!(prediction.at_first.state, State::NoMajority);
    assert_eq!(prediction.later.as_ref().unwrap().system_peer, Some(AssocId::new(2)));
    assert!(prediction.loses_the_clock());
    let sentences = prediction.sentences();
    assert!(sentences[0].starts_with("while good2 is measured anew, no majority"), "{sentences:?}");
    assert!(sentences.iter().any(|sentence| {
        sentence == "after about four answers, if it is as before, good2 becomes the system peer"
    }));
}

#[test]
fn of_a_new_source_nothing_is_known() {
    let begins = |role| Touch::Begins { host: "new".into(), role };
    assert_eq!(
        told(&[begins(Role::default())]),
        ["good1 stays the system peer", "what new will tell is not known before it is measured"]
    );
    let never = told(&[begins(Role { noselect: true, ..Role::default() })]);
    assert_eq!(never[1], "new is measured and never selected (noselect)");
}

#[test]
fn a_daemon_that_follows_another_than_it_tells_makes_it_a_guess() {
    let peers = vec![source(1, 0x941a, 0.1), source(2, 0x961a, 2.0), source(3, 0x911a, 80.0)];
    let daemon = Daemon { peers: peers.into(), ..Daemon::default() };
    let prediction = predict(&daemon, &[], &[ends(3)]);
    let follows = Some(AssocId::new(2));
    assert_eq!(prediction.differs, Some(Differs { follows, reckoned: Some(AssocId::new(1)) }));
    assert!(prediction.sentences().last().unwrap().starts_with("the daemon follows good2 where"));
    // Once it is known that it is preferred, nothing differs.
    let role = Role { prefer: true, ..Role::default() };
    assert_eq!(predict(&daemon, &[(AssocId::new(2), role)], &[ends(3)]).differs, None);
}

#[test]
fn a_daemon_of_which_nothing_is_known_is_no_harm() {
    let prediction = predict(&Daemon::default(), &[], &[ends(7)]);
    assert_eq!(prediction.sentences(), ["still no source is left: the clock runs free"]);
}

#[test]
fn what_is_not_asked_any_more_counts_until_it_is_old() {
    let offline = |id: u16| Touch::GoesOffline(AssocId::new(id));
    assert_eq!(
        told(&[offline(1), offline(2), offline(3)]),
        [
            "at first good1 stays the system peer",
            "once what was measured of good1, good2 and good3 is old, no source is left: the clock \
             runs free"
        ]
    );
}
