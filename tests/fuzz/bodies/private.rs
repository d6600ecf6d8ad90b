//! Whatever a daemon of mode 7 answers, every command of ntpdc comes to an end, prints nothing that
//! could upset a terminal, and no more than a daemon could have had printed.

use jiff::tz::TimeZone;
use ntpscope::control::private::{Exchange, Input, Outcome, Output as Asked, Question};
use ntpscope::ntpdc::{Batch, Options};
use ntpscope::ntpq::{Answer, Family, HostName, Machine as _, Need, Opened, Output};
use ntpscope::units::{Mono, Now};
use ntpscope::wire::mode7::Message;

use super::support::Taken;

/// Commands that bring something to print, each in a way of its own.
pub(crate) const COMMANDS: [&str; 20] = [
    "listpeers",
    "peers",
    "dmpeers",
    "showpeer 127.0.0.1",
    "pstats 127.0.0.1 ::1",
    "loopinfo",
    "sysinfo",
    "sysstats",
    "memstats",
    "iostats",
    "reslist",
    "monlist",
    "monlist 0",
    "traps",
    "clockstat 127.127.1.0",
    "clkbug 127.127.1.0",
    "kerninfo",
    "ifstats",
    "addserver 127.0.0.1",
    "requestkey 5",
];

/// Which command, then datagrams, each after its length.
pub(crate) fn private(bytes: &[u8]) {
    let mut taken = Taken::new(bytes);
    let Some([choice]) = taken.array() else { return };
    let command = COMMANDS[usize::from(choice) % COMMANDS.len()];
    let options = Options {
        commands: vec![command.to_owned()],
        hosts: vec![("daemon".to_owned(), Family::Any)],
        numeric: choice >= 128,
        allows_monlist: true,
        ..Options::default()
    };
    let mut batch = Batch::new(options, || TimeZone::UTC);
    batch.start(0);
    let (mut asked, mut printed) = (0, 0);
    loop {
        let need = match batch.poll_output() {
            Some(Output::Need(need)) => need,
            Some(Output::Text(_, text)) => {
                printed += text.len();
                let is_harmless = |c: char| matches!(c, '\n' | '\t' | ' '..='~');
                assert!(text.chars().all(is_harmless), "{text:?}");
                continue;
            }
            Some(Output::End(_)) => break,
            None => panic!("{command} waits for nothing"),
        };
        let answer = match need {
            Need::AskPrivately(question) => {
                asked += 1;
                Answer::Private(answered(&question, &mut taken))
            }
            need => found(need),
        };
        batch.handle(0, answer);
    }
    assert!(asked <= 12, "{command} asked {asked} times");
    assert!(printed <= 8_000_000, "{command} printed {printed} bytes");
}

/// What comes of a question to a daemon that sends the datagrams that are left, but for their
/// headers, which fit half of the time.
fn answered(question: &Question, taken: &mut Taken<'_>) -> Outcome {
    let mut exchange = Exchange::new(Now::default(), question);
    loop {
        while let Some(output) = exchange.poll_output() {
            if let Asked::Ended(outcome) = output {
                return outcome;
            }
        }
        let datagram = taken.counted();
        if datagram.is_empty() {
            let late = Now { mono: Mono::from_nanos(u64::MAX), ..Now::default() };
            exchange.handle(late, Input::Wakeup);
            continue;
        }
        exchange.handle(Now::default(), Input::Datagram(datagram));
        if let Ok(message) = Message::parse(datagram) {
            let request = &question.request;
            let (implementation, code) = (request.implementation, request.code);
            let fitting = Message { response: true, implementation, code, ..message };
            exchange.handle(Now::default(), Input::Datagram(&fitting.emit()));
        }
    }
}

/// What the world says: names that nobody should have, and a key.
fn found(need: Need) -> Answer {
    let name = || "\u{1b}[2Jname".to_owned();
    match need {
        Need::Open { .. } => Answer::Opened(Ok(Opened { name: name(), numeric: false })),
        Need::Names(addresses) => {
            Answer::Names(addresses.iter().map(|_| HostName::Unconfirmed(name())).collect())
        }
        Need::Line { .. } => Answer::Line(Some("1".to_owned().into())),
        other => panic!("asked for {other:?}"),
    }
}
