use std::time::Duration;

use super::*;
use crate::model::part::Dated;
use crate::model::question::Failure;
use crate::model::reply::Reply;
use crate::ntpq::address::NetAddress;
use crate::ntpq::job::{HostName, Located, NotOpened, Opened, Stream};
use crate::units::AssocId;
use crate::wire::mode6::{ErrorCode, Opcode};

/// 2026-11-21 00:00:30 UTC.
pub(crate) const NOW: i64 = 1_795_219_230;

/// A world of canned answers.
#[derive(Default)]
pub(crate) struct World {
    /// Status word and text of each association; 0 is the daemon.
    pub(crate) variables: Vec<(u16, u16, &'static str)>,
    /// The order of the list of associations.
    pub(crate) listed: Vec<(u16, u16)>,
    /// Whether questions by name are refused.
    pub(crate) refuses_names: bool,
    /// Associations that do not answer.
    pub(crate) silent: Vec<u16>,
    /// Names of addresses.
    pub(crate) names: Vec<(&'static str, &'static str)>,
    /// Commands that the user types.
    pub(crate) typed: Vec<&'static str>,
    /// Files, by name.
    pub(crate) files: Vec<(&'static str, &'static str)>,
    /// What changes are answered with, in their order; the last for all that follow.
    pub(crate) changes: Vec<Result<&'static str, Failure>>,
    /// What was asked, flight by flight.
    pub(crate) flights: Vec<Vec<(Opcode, u16, String)>>,
}

/// What a run wrote and how it ended.
pub(crate) struct Ran {
    pub(crate) out: String,
    pub(crate) error: String,
    pub(crate) status: u8,
}

impl World {
    /// Runs `commands` on one host, addresses shown as they are.
    pub(crate) fn run(&mut self, commands: &[&str]) -> Ran {
        self.run_with(Options { numeric: true, ..options(commands, &["127.0.0.1"]) })
    }

    pub(crate) fn run_with(&mut self, options: Options) -> Ran {
        let mut batch = Batch::new(options, || TimeZone::UTC);
        let mut ran = Ran { out: String::new(), error: String::new(), status: 99 };
        batch.start(NOW);
        for _ in 0..1000 {
            match batch.poll_output() {
                Some(Output::Text(Stream::Error, text)) => ran.error.push_str(&text),
                Some(Output::Text(_, text)) => ran.out.push_str(&text),
                Some(Output::Need(need)) => batch.handle(NOW, self.answer(need)),
                Some(Output::End(status)) => ran.status = status,
                None => return ran,
            }
        }
        panic!("the machine does not come to an end");
    }

    fn answer(&mut self, need: Need) -> Answer {
        match need {
            Need::Open { host, .. } if host == "nowhere" => {
                Answer::Opened(Err(NotOpened::Unresolved("Name or service not known".into())))
            }
            Need::Open { host, .. } => {
                let numeric = NetAddress::read(host.as_bytes()).is_some();
                Answer::Opened(Ok(Opened { name: host, numeric }))
            }
            Need::Ask(flight) => {
                let words = |q: &Question| {
                    (q.opcode, q.association.get(), String::from_utf8(q.data.clone()).unwrap())
                };
                self.flights.push(flight.questions.iter().map(words).collect());
                Answer::Replies(flight.questions.iter().map(|q| self.reply(q)).collect())
            }
            Need::Names(addresses) => {
                let name = |address: &NetAddress| {
                    let found = self.names.iter().find(|(a, _)| *a == address.to_string());
                    found.map_or(HostName::None, |(_, name)| HostName::Confirmed((*name).into()))
                };
                Answer::Names(addresses.iter().map(name).collect())
            }
            Need::Locate(hosts) => {
                let locate = |host: &String| {
                    let address = NetAddress::read(host.as_bytes())?;
                    Some(Located { address, canonical: None })
                };
                Answer::Located(hosts.iter().map(locate).collect())
            }
            Need::Redirect(_) => Answer::Redirected(Ok(())),
            Need::Piece { .. } | Need::Write | Need::AskPrivately(_) => panic!("no lists here"),
            Need::Command if self.typed.is_empty() => Answer::Typed(None),
            Need::Command => Answer::Typed(Some(self.typed.remove(0).to_owned())),
            Need::Read(file) => {
                Answer::Read(match self.files.iter().find(|(name, _)| *name == file) {
                    Some((_, text)) => Ok(text.as_bytes().to_vec()),
                    None => Err("No such file or directory".into()),
                })
            }
            Need::Line { .. } => Answer::Line(None),
        }
    }

    fn reply(&mut self, question: &Question) -> Result<Reply, Failure> {
        let id = question.association.get();
        if matches!(
            question.opcode,
            Opcode::Configure | Opcode::SaveConfig | Opcode::WriteVariables
        ) {
            assert!(question.signed, "a change needs a key");
            let answer = match self.changes.len() {
                0 => return Err(Failure::Refused(ErrorCode::Permission)),
                1 => self.changes[0].clone(),
                _ => self.changes.remove(0),
            };
            return answer.map(|text| Reply::new(0x0615, text.as_bytes(), 1, Dated::default()));
        }
        if question.opcode == Opcode::ReadStatus {
            let pairs = self.listed.iter();
            let data: Vec<u8> = pairs
                .flat_map(|(id, status)| [id.to_be_bytes(), status.to_be_bytes()].concat())
                .collect();
            return Ok(Reply::new(0x0615, data, 1, Dated::default()));
        }
        if self.silent.contains(&id) {
            return Err(Failure::Unanswered { attempts: 2, waited: Duration::from_secs(10) });
        }
        let Some((_, status, text)) = self.variables.iter().find(|(known, ..)| *known == id) else {
            return Err(Failure::Refused(ErrorCode::UnknownAssociation));
        };
        let names = std::str::from_utf8(&question.data).unwrap();
        if !names.is_empty() && self.refuses_names && names != "version" {
            return Err(Failure::Refused(ErrorCode::UnknownVariable));
        }
        let wanted: Vec<_> = names.split(',').collect();
        let items = text.split(", ").filter(|item| {
            names.is_empty() || wanted.contains(&item.split('=').next().unwrap_or_default())
        });
        let text = items.collect::<Vec<_>>().join(", ");
        Ok(Reply::new(*status, text.into_bytes(), 1, Dated::default()))
    }
}

pub(crate) fn options(commands: &[&str], hosts: &[&str]) -> Options {
    Options {
        program: "ntpq".into(),
        commands: commands.iter().map(|command| (*command).to_owned()).collect(),
        hosts: hosts.iter().map(|host| ((*host).to_owned(), Family::Any)).collect(),
        ..Options::default()
    }
}

/// A daemon with a reference clock, two servers and a pool; what ntpq 4.2.8p15 printed of it stands
/// in the tests.
pub(crate) fn classic() -> World {
    World {
        listed: vec![(29388, 0x8811), (29385, 0x9014), (29384, 0xf014), (29383, 0x961a)],
        variables: vec![
            (0, 0x0514, "version=\"ntpd 4.2.8p15@1.3728-o\", stratum=4, offset=1.5"),
            (
                29383,
                0x961a,
                "srcadr=127.127.1.0, srcport=123, dstadr=127.0.0.1, stratum=3, rootdisp=0.000, \
                 refid=LOCL, reftime=0xeeab5d7c.ea2f75c5, rec=0xeeab5d7c.ea2f75c5, reach=0x1f, \
                 hmode=3, hpoll=4, ppoll=4, flash=0x0, offset=0.000, delay=0.000, \
                 dispersion=437.695, jitter=0.000",
            ),
            (
                29384,
                0xf014,
                "srcadr=10.8.0.2, srcport=123, dstadr=10.8.0.1, stratum=6, refid=10.8.0.1, \
                 rootdisp=3947.906, reftime=0xeeab5d7c.e4c877b8, rec=0xeeab5d88.ea3cdc2a, \
                 reach=0xff, hmode=3, hpoll=4, ppoll=10, flash=0x1400, offset=0.014, \
                 delay=0.045, dispersion=0.242, jitter=0.006",
            ),
            (
                29385,
                0x9014,
                "srcadr=fd08::2:3:4:5:6, srcport=123, dstadr=fd08::1:2:3:4:5, stratum=16, \
                 refid=1.2.3.4, rec=0x00000000.00000000, reach=0xff, hmode=1, hpoll=17, ppoll=10, \
                 flash=0x0, offset=-123456.789, delay=12345.678, dispersion=0.242, \
                 jitter=999.9999",
            ),
            (
                29388,
                0x8811,
                "srcadr=0.0.0.0, srchost=\"pool.invalid.example\", dstadr=0.0.0.0, stratum=16, \
                 refid=POOL, rec=0xeeab0d88.ea3cdc2a, reach=0x0, hmode=3, hpoll=6, ppoll=10, \
                 flash=0x0, offset=0.000, delay=1, dispersion=0.000, jitter=1.5",
            ),
        ],
        names: vec![("10.8.0.2", "server-two.example.org")],
        ..World::default()
    }
}

const PEERS: &str = "     remote           refid      st t when poll reach   delay   offset  jitter
==============================================================================
*127.127.1.0     .LOCL.           3 l   34   16   37    0.000   +0.000   0.000
 10.8.0.2        10.8.0.1         6 u   22   16  377    0.045   +0.014   0.006
 fd08::2:3:4:5:6 1.2.3.4         16 s    - 1024  377  12345.6  -123456 1000.00
 pool.invalid.ex .POOL.          16 p   6h   64    0    1.000   +0.000   1.500
";

#[test]
fn peers_are_printed_byte_for_byte_in_two_flights() {
    let mut world = classic();
    let ran = world.run(&["peers"]);
    assert_eq!((ran.out.as_str(), ran.error.as_str(), ran.status), (PEERS, "", 0));
    assert_eq!(world.flights.len(), 2);
    assert_eq!(world.flights[0].len(), 2, "the list and the version");
    assert_eq!(world.flights[1].len(), 4, "all rows together");
    assert!(world.flights[1].iter().all(|(_, _, names)| names.contains("srcadr,")));
}

#[test]
fn a_daemon_that_knows_a_name_less_is_asked_for_its_defaults() {
    let mut world = World { refuses_names: true, ..classic() };
    assert_eq!(world.run(&["peers"]).out, PEERS);
    assert_eq!(world.flights.len(), 3);
    let mut unknown = classic();
    unknown.variables[0].2 = "version=\"a rock\"";
    assert_eq!(unknown.run(&["peers"]).out, PEERS);
    assert_eq!(unknown.flights.len(), 2);
    assert!(unknown.flights[1].iter().all(|(_, _, names)| names.is_empty()));
}

#[test]
fn the_daemon_is_asked_who_it_is_only_once() {
    let mut world = classic();
    let ran = world.run(&["peers", "peers"]);
    assert_eq!(ran.out, format!("{PEERS}\n{PEERS}"));
    assert_eq!(world.flights[2].len(), 1);
}

#[test]
fn names_are_shown_unless_told_otherwise_and_wide_ones_stand_alone() {
    let ran = classic().run_with(Options { wide: true, ..options(&["pe"], &["localhost"]) });
    assert_eq!(
        ran.out,
        "     remote           refid      st t when poll reach   delay   offset  jitter
==============================================================================
*LOCAL(0)        .LOCL.           3 l   34   16   37    0.000   +0.000   0.000
 server-two.example.org
                 10.8.0.1         6 u   22   16  377    0.045   +0.014   0.006
 fd08::2:3:4:5:6 1.2.3.4         16 s    - 1024  377  12345.6  -123456 1000.00
 pool.invalid.example
                 .POOL.          16 p   6h   64    0    1.000   +0.000   1.500
"
    );
}

#[test]
fn the_other_tables_have_other_columns() {
    let ran = classic().run(&["apeers", "opeers"]);
    assert_eq!(
        ran.out,
        "     remote       refid   assid  st t when poll reach   delay   offset  jitter
==============================================================================
*127.127.1.0     .LOCL.   29383   3 l   34   16   37    0.000   +0.000   0.000
 10.8.0.2        a080001  29384   6 u   22   16  377    0.045   +0.014   0.006
 fd08::2:3:4:5:6 1020304  29385  16 s    - 1024  377  12345.6  -123456 1000.00
 pool.invalid.ex .POOL.   29388  16 p   6h   64    0    1.000   +0.000   1.500

     remote           local      st t when poll reach   delay   offset    disp
==============================================================================
*127.127.1.0     127.0.0.1        3 l   34   16   37    0.000   +0.000 437.695
 10.8.0.2        10.8.0.1         6 u   22   16  377    0.045   +0.014   0.242
 fd08::2:3:4:5:6 fd08::1:2:3:4:5 16 s    - 1024  377  12345.6  -123456   0.242
 0.0.0.0         0.0.0.0         16 p   6h   64    0    1.000   +0.000   0.000
"
    );
}

#[test]
fn several_hosts_have_a_column_of_their_own() {
    let mut world = classic();
    world.listed.truncate(2);
    world.listed.push((29384, 0xf014));
    let ran = world.run_with(Options {
        numeric: true,
        ..options(&["peers"], &["127.0.0.1", "nowhere", "fd08::1:2:3"])
    });
    let table = "server (loc      remote           refid      st t when poll reach   delay   \
                 offset  jitter
==========================================================================================
10.8.0.1     10.8.0.2        10.8.0.1         6 u   22   16  377    0.045   +0.014   0.006
_:1:2:3:4:5  fd08::2:3:4:5:6 1.2.3.4         16 s    - 1024  377  12345.6  -123456 1000.00
0.0.0.0      pool.invalid.ex .POOL.          16 p   6h   64    0    1.000   +0.000   1.500
";
    assert_eq!(ran.out, format!("{table}\n{table}"));
    assert_eq!(
        ran.error,
        "***Can't find host nowhere\nName or service not known\n***Can't find host nowhere\n"
    );
    assert_eq!(ran.status, 0);
}

#[test]
fn the_table_ends_where_an_association_does_not_answer() {
    let mut world = World { silent: vec![29384], ..classic() };
    let ran = world.run(&["peers", "rv 7"]);
    let rows: Vec<_> = PEERS.lines().take(3).collect();
    assert_eq!(ran.out, format!("{}\n\n", rows.join("\n")));
    assert_eq!(
        ran.error,
        "127.0.0.1: timed out, nothing received\n***Request timed out\n\
         ***Association ID 7 unknown to server\n"
    );
    assert_eq!(ran.status, 0);
}

#[test]
fn only_one_family_is_shown_when_asked_for() {
    let ran = classic().run(&["peers -6"]);
    assert_eq!(ran.out.lines().count(), 3);
    assert!(ran.out.contains(" fd08::2:3:4:5:6 "));
}

#[test]
fn hostile_names_never_reach_the_terminal() {
    let mut world = classic();
    world.variables[4].2 = "srcadr=0.0.0.0, srchost=\"evil\u{1b}[2Jname\", refid=a\u{1b}[, hmode=3";
    let ran = world.run(&["peers"]);
    assert!(ran.out.contains(" evil?[2Jname    .a^[[."));
    assert!(ran.out.bytes().all(|byte| byte == b'\n' || (b' '..=b'~').contains(&byte)));
}

#[test]
fn associations_are_numbered_and_referred_to() {
    let ran = classic().run(&["as", "rv &2 srcadr,stratum", "rv &9 srcadr", "rv &0 stratum"]);
    assert_eq!(
        ran.out,
        "ind assid status  conf reach auth condition  last_event cnt
===========================================================
  1 29383  961a   yes   yes  none  sys.peer    sys_peer  1
  2 29384  f014   yes   yes   ok     reject   reachable  1
  3 29385  9014   yes   yes  none    reject   reachable  1
  4 29388  8811   yes  none  none    reject    mobilize  1

srcadr=10.8.0.2, stratum=6

srcadr=0.0.0.0

stratum=4
"
    );
}

#[test]
fn a_reference_to_the_list_has_it_listed() {
    let mut world = classic();
    let ran = world.run(&["rv &1 stratum"]);
    assert_eq!(ran.out, "stratum=3\n");
    assert_eq!(world.flights.len(), 2);
    let ran = World::default().run(&["rv &1"]);
    assert_eq!(ran.out, "No association ID's returned\n");
    assert_eq!(ran.error, "***No associations found, `&1' unknown\n");
}

#[test]
fn blank_lines_separate_commands_once_one_was_understood() {
    let ran = classic().run(&["foo", "p", "raw", "foo", "keyid 3", "keyid", "host", "quit", "raw"]);
    assert_eq!(ran.out, "Output set to raw\n\n\n\nkeyid is 3\n\ncurrent host is 127.0.0.1\n\n");
    assert_eq!(
        ran.error,
        "***Command `foo' unknown\n***Command `p' ambiguous\n***Command `foo' unknown\n"
    );
    assert_eq!(ran.status, 0);
}

#[test]
fn variables_are_printed_raw_or_cooked_and_named_ones_without_status() {
    let ran = classic().run(&["rv", "rv 0 offset", "raw", "rv 0 offset", "rv 29384 refid,reach"]);
    assert_eq!(
        ran.out,
        "associd=0 status=0514 leap_none, sync_local, 1 event, freq_mode,
version=\"ntpd 4.2.8p15@1.3728-o\", stratum=4, offset=+1.5

offset=+1.5

Output set to raw

offset=1.5
refid=10.8.0.1, reach=0xff"
    );
}

#[test]
fn commands_are_read_until_there_are_no_more() {
    let mut world = classic();
    world.typed = vec!["version", "", "foo", "rv > file", "host", ":config x"];
    world.changes = vec![Ok("column 3 syntax error\r\n")];
    let interactive = Options { interactive: true, numeric: true, ..options(&[], &["10.0.0.1"]) };
    let ran = world.run_with(interactive.clone());
    assert!(ran.out.starts_with("ntpq 4.2.8p15@1.3728-o"), "{}", ran.out);
    assert!(ran.out.ends_with("current host is 10.0.0.1\n"), "{}", ran.out);
    assert_eq!(ran.error, "***Command `foo' unknown\nInvalid key identifier\n");
    assert_eq!(ran.status, 0);

    world.typed = vec!["keyid 1", "passwd x", ":config xyz", "quit", "version"];
    let ran = world.run_with(interactive);
    assert_eq!(ran.out, "             *___^\ncolumn 3 syntax error\r\n");
}

#[test]
fn an_interrupt_leaves_a_command_and_not_the_session() {
    let options = Options { interactive: true, ..options(&[], &["10.0.0.1"]) };
    let mut batch = Batch::new(options, || TimeZone::UTC);
    batch.start(NOW);
    let need = |batch: &mut Batch| {
        std::iter::from_fn(|| batch.poll_output())
            .find_map(|output| match output {
                Output::Need(need) => Some(need),
                _ => None,
            })
            .unwrap()
    };
    assert!(matches!(need(&mut batch), Need::Open { .. }));
    let opened = Opened { name: "10.0.0.1".into(), numeric: true };
    batch.handle(NOW, Answer::Opened(Ok(opened)));
    assert!(matches!(need(&mut batch), Need::Command));
    batch.handle(NOW, Answer::Line(Some("rv".to_owned().into())));
    assert!(matches!(need(&mut batch), Need::Ask(_)));
    batch.interrupt();
    assert!(matches!(need(&mut batch), Need::Command));
    batch.handle(NOW, Answer::Line(None));
    assert!(matches!(batch.poll_output(), Some(Output::End(0))));
}

#[test]
fn who_types_is_told_what_associations_are_called_and_nothing_is_printed() {
    let mut world = World {
        variables: vec![
            (0, 0x0615, "version=\"ntpd 4.2.8p15\""),
            (7, 0x961a, "srcadr=192.0.2.7, srchost=\"one.example\""),
            (9, 0x1414, "srcadr=192.0.2.9"),
        ],
        listed: vec![(9, 0x1414), (7, 0x961a)],
        ..World::default()
    };
    let options = Options { interactive: true, ..options(&[], &["10.0.0.1"]) };
    let mut batch = Batch::new(options, || TimeZone::UTC);
    batch.start(NOW);
    let mut prompts = 0;
    let mut asked = false;
    while prompts < 3 {
        match batch.poll_output().unwrap() {
            Output::Need(Need::Command) => {
                prompts += 1;
                let known = batch.known().associations;
                let named = |id, name: &str| (AssocId::new(id), name.to_owned());
                let all = vec![named(7, "one.example"), named(9, "192.0.2.9")];
                assert_eq!(known, asked.then_some(all), "prompt {prompts}");
                asked = true;
                batch.handle(NOW, Answer::WhichAssociations);
            }
            Output::Need(need) => batch.handle(NOW, world.answer(need)),
            Output::Text(_, text) => assert_eq!(text, ""),
            Output::End(_) => panic!("it ended"),
        }
    }
    batch.handle(NOW + 100, Answer::Typed(Some("hostnames no".into())));
    assert!(batch.known().associations.is_none(), "what is old is asked for again");
}
