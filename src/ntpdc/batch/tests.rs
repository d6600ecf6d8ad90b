//! Runs against a daemon that is a function.

use super::*;
use crate::control::private::{Exchange, Input, Outcome, Output as Asked, Question};
use crate::ntpq::address::NetAddress;
use crate::ntpq::{Located as LocatedHost, Opened};
use crate::units::{Mono, Now};
use crate::wire::mode7::{Code, Implementation, Message, Refusal, auth};

/// What a run wrote and sent.
#[derive(Debug, Default)]
struct Ran {
    out: String,
    err: String,
    file: String,
    requests: Vec<Vec<u8>>,
    prompts: Vec<String>,
    status: Option<u8>,
}

/// What a daemon does with a request.
enum Does {
    /// It answers with items of one length.
    Answers(Vec<Vec<u8>>),
    /// It refuses.
    Refuses(Refusal),
    /// Nothing.
    KeepsSilent,
}

fn options(commands: &[&str]) -> Options {
    Options {
        program: "ntpdc".to_owned(),
        commands: commands.iter().map(|command| (*command).to_owned()).collect(),
        hosts: vec![("daemon".to_owned(), Family::Any)],
        numeric: true,
        ..Options::default()
    }
}

/// Runs `options` against `daemon`, with `typed` lines from the user.
fn run(options: Options, typed: &[&str], daemon: impl Fn(&Message<'_>, usize) -> Does) -> Ran {
    let mut ran = Ran::default();
    let mut typed = typed.iter();
    let mut batch = Batch::new(options, || TimeZone::UTC);
    batch.start(0);
    loop {
        let need = match batch.poll_output() {
            Some(Output::Text(Stream::Out, text)) => {
                ran.out.push_str(&text);
                continue;
            }
            Some(Output::Text(Stream::Error, text)) => {
                ran.err.push_str(&text);
                continue;
            }
            Some(Output::Text(Stream::File, text)) => {
                ran.file.push_str(&text);
                continue;
            }
            Some(Output::End(status)) => {
                ran.status = Some(status);
                return ran;
            }
            Some(Output::Need(need)) => need,
            None => panic!("waits for nothing: {ran:?}"),
        };
        let answer = match need {
            Need::AskPrivately(question) => {
                let (request, outcome) = asked(&question, &daemon);
                ran.requests.extend(request);
                Answer::Private(outcome)
            }
            Need::Open { host, .. } => Answer::Opened(Ok(Opened { name: host, numeric: false })),
            Need::Line { prompt, .. } => {
                ran.prompts.push(prompt);
                Answer::Line(typed.next().map(|line| (*line).to_owned().into()))
            }
            Need::Redirect(_) => Answer::Redirected(Ok(())),
            Need::Locate(names) => {
                let known = |name: &String| name == "two.lab";
                Answer::Located(names.iter().map(|name| known(name).then(two)).collect())
            }
            other => panic!("asked for {other:?}"),
        };
        batch.handle(0, answer);
    }
}

fn two() -> LocatedHost {
    let address = NetAddress { ip: "10.8.0.2".parse().unwrap(), scope: 0, port: 123 };
    LocatedHost { address, canonical: None }
}

/// What was sent, and what came of it.
fn asked(
    question: &Question,
    daemon: impl Fn(&Message<'_>, usize) -> Does,
) -> (Option<Vec<u8>>, Outcome) {
    let mut exchange = Exchange::new(Now::default(), question);
    let mut request = None;
    loop {
        match exchange.poll_output() {
            Some(Asked::Ended(outcome)) => return (request, outcome),
            Some(Asked::Send(datagram)) => {
                let message = Message::parse(&datagram).unwrap();
                for reply in replies(&message, daemon(&message, datagram.len())) {
                    exchange.handle(Now::default(), Input::Datagram(&reply));
                }
                request = Some(datagram);
            }
            None => {
                let late = Now { mono: Mono::from_nanos(u64::MAX), ..Now::default() };
                exchange.handle(late, Input::Wakeup);
            }
        }
    }
}

fn replies(request: &Message<'_>, does: Does) -> Vec<Vec<u8>> {
    let reply = |refusal, items: &[u8], count: usize, len: usize| {
        Message {
            response: true,
            authenticated: false,
            refusal,
            count: u16::try_from(count).unwrap(),
            item_len: u16::try_from(len).unwrap(),
            body: items,
            ..request.clone()
        }
        .emit()
    };
    match does {
        Does::KeepsSilent => Vec::new(),
        Does::Refuses(refusal) => vec![reply(Some(refusal), b"", 0, 0)],
        Does::Answers(items) => {
            let len = items.first().map_or(0, Vec::len);
            vec![reply(None, &items.concat(), items.len(), len)]
        }
    }
}

fn done() -> Does {
    Does::Answers(Vec::new())
}

#[test]
fn an_older_daemon_is_asked_in_its_own_way_from_then_on() {
    let ran = run(options(&["loopinfo", "timerstats"]), &[], |request, len| {
        if request.implementation != Implementation::Old {
            return Does::Refuses(Refusal::Implementation);
        }
        assert_eq!(len, 192);
        Does::Answers(vec![vec![0; 16]])
    });
    assert_eq!(ran.err, "");
    assert_eq!(ran.requests.len(), 3, "asked once too often, then never again");
    assert!(ran.out.ends_with("calls to transmit: 0\n"));
}

#[test]
fn datagrams_get_shorter_until_the_daemon_takes_them() {
    let ran = run(options(&["timerstats", "timerstats"]), &[], |_, len| {
        if len == 48 { Does::Answers(vec![vec![0; 16]]) } else { Does::Refuses(Refusal::Format) }
    });
    let lens: Vec<_> = ran.requests.iter().map(Vec::len).collect();
    assert_eq!(lens, [192, 160, 48, 48]);
    assert_eq!(
        ran.err,
        "***Warning changing to older implementation\n\
         ***Warning changing the request packet size from 160 to 48\n"
    );
}

#[test]
fn nothing_is_asked_for_ever() {
    for refusal in (1..16).filter_map(Refusal::from_bits) {
        for command in crate::ntpdc::command::COMMANDS {
            let line = format!("{} 127.127.1.0 127.0.0.1 1", command.name);
            let commands = ["keyid 1", "passwd secret", command.name, &line];
            let options = Options { allows_monlist: true, ..options(&commands) };
            let ran = run(options, &["1", "secret"], |_, _| Does::Refuses(refusal));
            assert!(ran.requests.len() <= 20, "{line}: {} requests", ran.requests.len());
        }
    }
}

#[test]
fn a_change_is_sent_once_and_never_again_by_itself() {
    let commands = ["keyid 1", "passwd secret", "unconfig 10.8.0.2"];
    let ran = run(options(&commands), &[], |_, _| Does::KeepsSilent);
    assert_eq!(ran.requests.len(), 1);
    assert_eq!(ran.err, "daemon: timed out, nothing received\n***Request timed out\n");
}

#[test]
fn a_key_is_asked_for_once_and_signs_from_then_on() {
    let ran = run(options(&["readkeys", "readkeys"]), &["7", "secret"], |request, _| {
        assert!(request.authenticated && request.code == Code::RereadKeys);
        done()
    });
    assert_eq!(ran.prompts, ["Keyid: ", "MD5 Password: "]);
    assert_eq!(ran.out, "done!\ndone!\n");
    assert_eq!(auth::tail(&ran.requests[1]).unwrap().mac.key_id, 7);
    let ran = run(options(&["readkeys"]), &["x"], |_, _| done());
    assert_eq!((ran.err.as_str(), ran.requests.len()), ("Invalid key identifier\n", 0));
    let ran = run(options(&["readkeys"]), &["7", ""], |_, _| done());
    assert_eq!((ran.err.as_str(), ran.requests.len()), ("Invalid password\n", 0));
}

#[test]
fn several_keys_are_trusted_one_at_a_time() {
    let commands = ["keyid 1", "passwd secret", "trustedkey 5 6 7"];
    let ran = run(options(&commands), &[], |_, _| done());
    let asked: Vec<u8> = ran.requests.iter().map(|request| request[8]).collect();
    assert_eq!(asked, [5, 6, 7]);
    assert_eq!(ran.out, "done!\n");
    let ran = run(options(&commands), &[], |_, _| Does::Refuses(Refusal::Permission));
    assert_eq!((ran.requests.len(), ran.out.as_str()), (1, ""));
}

#[test]
fn a_daemon_of_another_width_is_told_its_key_in_its_own_way() {
    let commands = ["keyid 1", "passwd secret", "controlkey 5"];
    let narrow = |request: &Message<'_>, _| match request.item_len {
        4 => done(),
        _ => Does::Refuses(Refusal::Format),
    };
    let ran = run(options(&commands), &[], narrow);
    assert_eq!((ran.requests.len(), ran.out.as_str(), ran.err.as_str()), (2, "done!\n", ""));
}

#[test]
fn a_daemon_before_the_new_flags_is_asked_with_the_old_ones() {
    let commands = ["keyid 1", "passwd secret", "restrict 10.0.0.1 255.0.0.0 noquery"];
    let older = |request: &Message<'_>, _| match request.item_len {
        48 => done(),
        _ => Does::Refuses(Refusal::Format),
    };
    let ran = run(options(&commands), &[], older);
    assert_eq!((ran.requests.len(), ran.out.as_str(), ran.err.as_str()), (2, "done!\n", ""));
    assert_eq!(ran.requests[0][8 + 16..8 + 18], [0, 0x80]);
    assert_eq!(ran.requests[1][8 + 8..8 + 10], [0, 0x40]);
}

#[test]
fn monlist_is_not_sent_unless_it_may_be() {
    let ran = run(options(&["monlist"]), &[], |_, _| Does::Refuses(Refusal::NoData));
    assert!(ran.requests.is_empty() && ran.err.contains("--monlist"));
    let options = Options { allows_monlist: true, ..options(&["monlist"]) };
    let ran = run(options, &[], |request, _| match request.code {
        Code::MonitorList1 => Does::Refuses(Refusal::Request),
        _ => Does::Answers(vec![vec![1; 48]]),
    });
    assert_eq!(ran.requests.len(), 2);
    assert!(ran.out.starts_with("     address               port"));
}

#[test]
fn lines_are_read_until_there_are_no_more() {
    let lines = ["host", "", "foo", "keyid 5", "keyid"];
    let asking = Options { prompts: true, ..options(&[]) };
    let ran = run(asking, &lines, |_, _| Does::KeepsSilent);
    assert_eq!(ran.out, "current host is daemon\nkeyid is 5\n");
    assert_eq!(ran.err, "***Command `foo' unknown\n\n");
    assert_eq!(ran.prompts, ["ntpdc> "; 6]);
    let ran = run(options(&[]), &["quit", "host"], |_, _| Does::KeepsSilent);
    assert_eq!((ran.prompts.len(), ran.status, ran.out.as_str()), (1, Some(0), ""));
}

#[test]
fn names_are_looked_up_before_they_are_asked_about() {
    let ran = run(options(&["pstats two.lab", "pstats nobody"]), &[], |request, _| {
        assert_eq!(request.body[..4], [10, 8, 0, 2]);
        Does::Refuses(Refusal::NoData)
    });
    assert_eq!(ran.requests.len(), 1);
    assert_eq!(ran.err, "***Server reports data not found\n***Can't find host nobody\n");
}

#[test]
fn answers_may_go_to_a_file() {
    let ran = run(options(&["timerstats > file", "timerstats"]), &[], |_, _| {
        Does::Answers(vec![vec![0; 16]])
    });
    assert_eq!(ran.file, ran.out);
    assert!(ran.file.starts_with("time since reset:  0\n"));
}

#[test]
fn answers_of_another_shape_are_not_printed() {
    for (items, out, err) in [
        (vec![], "No data returned in response to query\n", ""),
        (vec![vec![0; 16]; 2], "Expected one item in response, got 2\n", ""),
        (
            vec![vec![0; 20]],
            "",
            "***Incorrect item size returned by remote host (20 should be 16)\n",
        ),
    ] {
        let answer = || Does::Answers(items.clone());
        let ran = run(options(&["timerstats"]), &[], |_, _| answer());
        assert_eq!((ran.out.as_str(), ran.err.as_str()), (out, err));
    }
}

#[test]
fn hosts_are_told_apart() {
    let mut options = options(&["timerstats"]);
    options.hosts.push(("other".to_owned(), Family::Any));
    let ran = run(options, &[], |_, _| Does::Refuses(Refusal::NoData));
    assert_eq!(ran.out, "--- daemon ---\n--- other ---\n");
}
