//! What is kept from one command to the next.

use std::borrow::Cow;
use std::cell::LazyCell;
use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use jiff::tz::TimeZone;

use crate::model::identity::{Dialect, Identity};
use crate::model::question::{Failure, Question, Unreachable};
use crate::model::reply::Reply;
use crate::model::vars::system;
use crate::ntpq::address::NetAddress;
use crate::ntpq::job::{Answer, Flight, HostName, Need, NotOpened, Opened, Output, Stream};
use crate::ntpq::keys::Keys;
use crate::ntpq::naming::Sources;
use crate::ntpq::ntpsec;
use crate::ntpq::record::Record;
use crate::ntpq::style::Style;
use crate::ntpq::text::printable;
use crate::units::AssocId;
use crate::wire::mode6::status::PeerStatus;
use crate::wire::mode6::{DEFAULT_VERSION, ErrorCode, association_list};

/// How reference IDs of sources that are no clocks are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RefIds {
    /// As an address.
    #[default]
    Ipv4,
    /// As eight hexadecimal digits, for of an IPv6 source it is a digest.
    Hash,
}

/// What commands have set.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own, as in ntpq")]
pub struct Settings {
    /// Whether addresses are shown as names.
    pub hostnames: bool,
    /// Whether long names stand on a line of their own.
    pub wide: bool,
    /// Whether variables are printed as the daemon wrote them.
    pub raw: bool,
    /// Whether the status line is printed even when variables were named.
    pub old_rv: bool,
    /// Whether the user types the commands, and sees them.
    pub interactive: bool,
    /// How reference IDs are shown.
    pub ref_ids: RefIds,
    /// Whether every request is signed.
    pub always_sign: bool,
    /// The NTP version to claim.
    pub version: u8,
    /// How long to wait for an answer before asking once more.
    pub timeout: Duration,
    /// The delay that mode 7 would add; it is only remembered.
    pub delay_ms: i32,
    /// The level of debugging texts, of which there are none here; it is only remembered.
    pub debug: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            hostnames: true,
            wide: false,
            raw: false,
            old_rv: false,
            interactive: false,
            ref_ids: RefIds::default(),
            always_sign: false,
            version: DEFAULT_VERSION,
            timeout: DEFAULT_TIMEOUT,
            delay_ms: 20,
            debug: 0,
        }
    }
}

/// What is kept from one command to the next.
#[derive(Debug)]
pub struct Session {
    /// What the program calls itself in complaints.
    pub program: String,
    /// Seconds since 1970, by the clock on the wall.
    pub now: i64,
    /// Where dates are shown; found out with the first of them.
    pub zone: LazyCell<TimeZone>,
    /// Whose ntpq is followed.
    pub style: Style,
    /// What commands have set.
    pub settings: Settings,
    /// What commands of NTPsec's ntpq have set besides.
    pub ntpsec: ntpsec::State,
    /// Keys to sign requests with.
    pub keys: Keys,
    /// Variables that `readlist` asks for, each perhaps with a value.
    pub variables: Vec<(String, Option<String>)>,
    /// The hosts named on the command line.
    pub hosts: Vec<String>,
    /// Width of the column that tells hosts apart, once it is known.
    pub host_width: usize,
    /// The host that is asked.
    pub host: Option<Opened>,
    /// Its associations as last listed, by id.
    pub associations: Vec<(AssocId, PeerStatus)>,
    /// What its associations are called, for those who type; `None` when that was not asked yet.
    pub sources: Option<Sources>,
    /// Which dialect it speaks: `None` when it was not asked yet.
    pub dialect: Option<Option<Dialect>>,
    /// Names of addresses that were looked up.
    pub names: HashMap<IpAddr, HostName>,
    /// Whether a command got as far as printing: blank lines separate those that follow.
    pub has_printed: bool,
    /// What is recorded, where answers are not printed.
    pub record: Option<Record>,
    /// Whether the output of the command goes to a file.
    pub redirected: bool,
    outputs: VecDeque<Output>,
}

impl Session {
    /// A session that has set nothing and talks to nobody.
    pub fn new(program: String, zone: fn() -> TimeZone) -> Self {
        Self {
            program,
            now: 0,
            zone: LazyCell::new(zone),
            style: Style::default(),
            settings: Settings::default(),
            ntpsec: ntpsec::State::default(),
            keys: Keys::default(),
            variables: Vec::new(),
            hosts: Vec::new(),
            host_width: 0,
            host: None,
            associations: Vec::new(),
            sources: None,
            dialect: None,
            names: HashMap::new(),
            has_printed: false,
            record: None,
            redirected: false,
            outputs: VecDeque::new(),
        }
    }

    /// Turns to another host, of which nothing is known yet.
    pub fn turn_to(&mut self, host: Opened) {
        self.host = Some(host);
        self.sources = None;
        if self.style == Style::Classic {
            self.associations.clear();
        }
        self.dialect = None;
    }

    /// Writes to standard output, or to the file that the command's output goes to.
    ///
    /// Nothing where answers are recorded instead.
    pub fn print(&mut self, text: &str) {
        if self.records() {
            return;
        }
        self.write(if self.redirected { Stream::File } else { Stream::Out }, text);
    }

    /// Writes to standard output, wherever the command's output goes otherwise.
    ///
    /// Nothing where answers are recorded instead.
    pub fn print_out(&mut self, text: &str) {
        if !self.records() {
            self.write(Stream::Out, text);
        }
    }

    /// Writes to standard error.
    pub fn complain(&mut self, text: &str) {
        self.write(Stream::Error, text);
    }

    fn write(&mut self, stream: Stream, text: &str) {
        match self.outputs.back_mut() {
            Some(Output::Text(last, before)) if *last == stream => before.push_str(text),
            _ if text.is_empty() => {}
            _ => self.outputs.push_back(Output::Text(stream, text.to_owned())),
        }
    }

    /// Has this found out, once what was written so far is out.
    pub fn need(&mut self, need: Need) {
        self.outputs.push_back(Output::Need(need));
    }

    /// Ends the run, after the document with what was recorded.
    pub fn end(&mut self, status: u8) {
        if let Some(record) = &self.record {
            self.outputs.push_back(Output::Text(Stream::Out, record.document()));
        }
        self.outputs.push_back(Output::End(status));
    }

    /// What is to be done next: written, found out, or nothing any more.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Whoever types wants no more of the command at work.
    pub fn interrupt(&mut self) {
        self.complain("\n");
        self.redirected = false;
    }

    /// Says why a host cannot be asked; whether the program ends for it, as it does where the system
    /// has no way to one.
    pub fn refuse_host(&mut self, why: &NotOpened) -> bool {
        match why {
            NotOpened::Unresolved(why) => {
                self.complain(&format!("{}\n", printable(why.as_bytes())));
                false
            }
            NotOpened::NoWay(why) => {
                self.complain(&format!("{}: connect: {why}\n", self.program));
                true
            }
        }
    }

    /// Takes the answer to the need for `file`: the command's output goes there from now on, or it is
    /// said why not.
    pub fn redirect(&mut self, file: Option<&str>, answer: &Answer) -> bool {
        if let Answer::Redirected(Err(why)) = answer {
            let file = file.unwrap_or_default();
            self.complain(&format!("***Error opening {file}: {why}\n"));
            return false;
        }
        self.redirected = true;
        true
    }

    /// Whether several hosts are asked, so that each line says of which it is.
    pub const fn has_several_hosts(&self) -> bool {
        self.hosts.len() > 1
    }

    /// What the current host is called.
    pub fn host_name(&self) -> String {
        self.host
            .as_ref()
            .map(|host| printable(host.name.as_bytes()).into_owned())
            .unwrap_or_default()
    }

    /// `server=NAME ` when several hosts are asked, else nothing.
    pub fn host_prefix(&self) -> String {
        if self.has_several_hosts() {
            format!("server={} ", self.host_name())
        } else {
            String::new()
        }
    }

    /// Asks the current host these questions together.
    pub fn ask(&mut self, mut questions: Vec<Question>) -> Need {
        self.ask_along(&mut questions);
        if self.settings.always_sign {
            for question in &mut questions {
                question.signed = true;
            }
        }
        self.ntpsec.is_signed = questions.iter().any(|question| question.signed);
        Need::Ask(Flight {
            questions,
            key: self.keys.current().cloned(),
            version: self.settings.version,
            timeout: self.settings.timeout,
        })
    }

    /// The question which daemon answers; `None` when that is known.
    pub fn identity_question(&self) -> Option<Question> {
        self.dialect.is_none().then(|| Question::variables(AssocId::SYSTEM, [system::VERSION.name]))
    }

    /// Takes the answer to [`Session::identity_question`]. A daemon that does not tell, speaks a
    /// dialect that is not known.
    pub fn take_identity(&mut self, answer: &Result<Reply, Failure>) {
        let version = answer.as_ref().ok().and_then(|reply| reply.item(system::VERSION.name));
        self.dialect = Some(version.and_then(|item| Identity::read(item.unquoted()).dialect));
    }

    /// Takes the answer to the question for the list of associations, and says whether there are
    /// any; complains when not.
    pub fn take_associations(&mut self, answer: &Result<Reply, Failure>) -> bool {
        let reply = match answer {
            Ok(reply) => reply,
            Err(failure) => {
                self.report(failure, AssocId::SYSTEM);
                return false;
            }
        };
        if self.style == Style::Ntpsec {
            return ntpsec::associations::take(self, reply);
        }
        if reply.data().is_empty() {
            self.print(&format!("{}No association ID's returned\n", self.host_prefix()));
            return false;
        }
        if !reply.data().len().is_multiple_of(4) {
            self.complain(&format!(
                "{}***Server returned {} octets, should be multiple of 4\n",
                self.host_prefix(),
                reply.data().len()
            ));
            return false;
        }
        self.keep_associations(reply.data());
        true
    }

    /// Keeps a list of associations, by id.
    pub fn keep_associations(&mut self, data: &[u8]) {
        let list = association_list(data);
        self.associations = list.map(|(id, word)| (id, PeerStatus::from_bits(word))).collect();
        self.associations.sort_by_key(|(id, _)| *id);
    }

    /// Says why a question about `association` was not answered.
    pub fn report(&mut self, failure: &Failure, association: AssocId) {
        self.record_failure(failure, association);
        if self.style == Style::Ntpsec {
            return ntpsec::failure::report(self, failure);
        }
        let host = self.host_name();
        let text = match failure {
            Failure::Refused(code) => refusal(*code, association),
            Failure::Unanswered { .. } => {
                self.complain(&format!("{host}: timed out, nothing received\n"));
                "Request timed out".to_owned()
            }
            Failure::Incomplete { .. } => {
                self.complain(&format!("{host}: timed out with incomplete data\n"));
                "Response from server was incomplete".to_owned()
            }
            Failure::TooLong => "Buffer size exceeded for returned data".to_owned(),
            Failure::Unreachable(why) => {
                let text = match why {
                    Unreachable::PortClosed => "read: Connection refused".to_owned(),
                    Unreachable::Host => "read: No route to host".to_owned(),
                    Unreachable::Network => {
                        format!("write to {host} failed: Network is unreachable")
                    }
                    Unreachable::NotPermitted => {
                        format!("write to {host} failed: Operation not permitted")
                    }
                    // Mode 6 has none of these: the sentence says what it is.
                    why @ (Unreachable::NoSocket
                    | Unreachable::SocketAbandoned
                    | Unreachable::SocketDenied
                    | Unreachable::SocketUnfit
                    | Unreachable::NoReplyPath) => why.to_string(),
                };
                let text = format!("{}: {text}\n", self.program);
                return self.complain(&text);
            }
            Failure::NoKey => return self.complain("Key not found\n"),
            // Mode 6 has no such failure either.
            failure @ (Failure::Declined(_) | Failure::Unreadable(_)) => failure.to_string(),
            Failure::Withdrawn if self.host.is_none() => {
                return self.complain("***No host open, use `host' command\n");
            }
            Failure::Withdrawn => return,
        };
        self.complain(&format!("{}***{text}\n", self.host_prefix()));
    }

    /// Those of `addresses` whose names are to be shown and not yet known.
    pub fn names_needed(&self, addresses: impl IntoIterator<Item = NetAddress>) -> Vec<NetAddress> {
        let mut needed: Vec<NetAddress> = Vec::new();
        for address in addresses {
            let has_name =
                self.settings.hostnames && !address.is_unspecified() && address.clock().is_none();
            let is_known = self.names.contains_key(&address.ip);
            if has_name && !is_known && !needed.contains(&address) {
                needed.push(address);
            }
        }
        needed
    }

    /// Keeps the names of `addresses`.
    pub fn take_names(&mut self, addresses: &[NetAddress], names: Vec<HostName>) {
        self.names.extend(addresses.iter().map(|address| address.ip).zip(names));
    }

    /// What `address` is called: its name where names are shown.
    pub fn name_of(&self, address: NetAddress) -> String {
        let name = self.known_name(address);
        name.map_or_else(|| address.to_string(), Cow::into_owned)
    }

    /// What `address` is called where that is not the address itself.
    pub fn known_name(&self, address: NetAddress) -> Option<Cow<'_, str>> {
        if !self.settings.hostnames || address.is_unspecified() {
            return None;
        }
        if let Some(clock) = address.clock_name() {
            return Some(clock.into());
        }
        match self.names.get(&address.ip) {
            Some(HostName::Confirmed(name)) => Some(printable(name.as_bytes())),
            Some(HostName::Unconfirmed(name)) => {
                Some(format!("{address} ({})", printable(name.as_bytes())).into())
            }
            Some(HostName::None) | None => None,
        }
    }

    /// What `address` is called, with its port; reference clocks have none.
    pub fn name_with_port(&self, address: NetAddress) -> String {
        if !self.settings.hostnames || address.is_unspecified() {
            return address.with_port();
        }
        if let Some(clock) = address.clock_name() {
            return clock;
        }
        format!("{}:{}", self.name_of(address), address.port)
    }
}

fn refusal(code: ErrorCode, association: AssocId) -> String {
    match code {
        ErrorCode::Unspecified => "Server returned an unspecified error".to_owned(),
        ErrorCode::Permission => "Server disallowed request (authentication?)".to_owned(),
        ErrorCode::BadFormat => "Server reports a bad format request packet".to_owned(),
        ErrorCode::BadOpcode => "Server reports a bad opcode in request".to_owned(),
        ErrorCode::UnknownAssociation => format!("Association ID {association} unknown to server"),
        ErrorCode::UnknownVariable => "A request variable unknown to the server".to_owned(),
        ErrorCode::BadValue => "Server indicates a request variable was bad".to_owned(),
        other => format!("Server returns unknown error code {}", other.bits()),
    }
}

/// How long ntpq waits for the first packet of an answer.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);
