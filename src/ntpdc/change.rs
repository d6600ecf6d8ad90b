//! Commands that change the daemon, but for restrictions (see [`crate::ntpdc::restrictions`]).
//!
//! Each says `done!` when the daemon says that it did it.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};

use crate::ntpdc::line::Line;
use crate::ntpdc::peer::NO_IPV6;
use crate::ntpdc::query::{Inquiry, Shape};
use crate::ntpdc::session::Session;
use crate::ntpdc::verbs::Said;
use crate::ntpq::{fixed, reading};
use crate::wire::mode7::change::{
    self, AssociationForm, KeyForm, NewAssociation, RESET_FLAGS, association_flags, system_flags,
};
use crate::wire::mode7::{Code, Fixed, Implementation, Items, Refusal, Request};

/// `addpeer`, `addserver`, `addrefclock` and `broadcast`.
#[derive(Debug)]
pub struct Configure {
    association: NewAssociation,
    form: AssociationForm,
}

/// Which number comes next among the options of a new association.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    KeyId,
    Version,
    MinPoll,
    MaxPoll,
    ClockMode,
    Nothing,
}

/// Options of a new association, as they are read.
struct Options {
    flags: u8,
    key_id: u32,
    version: u32,
    min_poll: u8,
    max_poll: u8,
    clock_mode: u8,
    /// The last number that was read: what is said of a word that is none depends on it.
    last: i32,
    next: Next,
    text: String,
    complaint: String,
}

impl Options {
    fn take(&mut self, word: &str, is_clock: bool) {
        match word {
            "prefer" => self.flags |= association_flags::PREFER,
            "burst" => self.flags |= association_flags::BURST,
            "iburst" => self.flags |= association_flags::INITIAL_BURST,
            "keyid" if !is_clock => self.next = Next::KeyId,
            "version" if !is_clock => self.next = Next::Version,
            "minpoll" => self.next = Next::MinPoll,
            "maxpoll" => self.next = Next::MaxPoll,
            _ => self.take_number(word),
        }
    }

    /// Cuts the number to the width of its field, as ntpdc does.
    fn take_number(&mut self, word: &str) {
        let number = reading::signed(word.as_bytes());
        self.last = number.unwrap_or(self.last);
        let next = std::mem::replace(&mut self.next, Next::Nothing);
        let bits = number.unwrap_or_default().cast_unsigned();
        let [.., byte] = bits.to_be_bytes();
        // Writing to a string cannot fail.
        match next {
            Next::KeyId if number.is_some() => {
                self.key_id = bits;
                self.next = Next::Version;
            }
            Next::Version if number.is_some() => self.version = bits,
            Next::MinPoll if number.is_some() => self.min_poll = byte,
            Next::MaxPoll if number.is_some() => self.max_poll = byte,
            Next::ClockMode if number.is_some() => self.clock_mode = byte,
            _ => {
                let _ = writeln!(self.text, "*** '{word}' not understood");
            }
        }
        if self.last < 0 {
            let _ = writeln!(self.complaint, "*** Value '{word}' should be unsigned");
        }
    }

    fn check(&mut self) {
        if !(1..=4).contains(&self.version) {
            let _ = writeln!(self.text, "***invalid version number: {}", self.version);
        }
        let polls = MIN_POLL..=MAX_POLL;
        let are_polls = polls.contains(&self.min_poll) && polls.contains(&self.max_poll);
        if !are_polls || self.min_poll > self.max_poll {
            let _ = writeln!(self.text, "***min/max-poll must be within {MIN_POLL}..{MAX_POLL}");
        }
    }
}

impl Configure {
    /// What `line` asks for; what is said when it makes no sense.
    pub fn read(line: &Line, host_mode: u8, is_clock: bool) -> Result<Self, Said> {
        let address = address(line, 0)?;
        let mut options = Options {
            flags: 0,
            key_id: 0,
            version: 3,
            min_poll: 6,
            max_poll: 10,
            clock_mode: 0,
            last: 0,
            next: if is_clock { Next::ClockMode } else { Next::KeyId },
            text: String::new(),
            complaint: String::new(),
        };
        for argument in line.arguments.iter().skip(1) {
            options.take(&argument.text, is_clock);
        }
        options.check();
        if !options.text.is_empty() || !options.complaint.is_empty() {
            return Err(Said::Both(options.text, options.complaint));
        }
        if options.key_id > 0 {
            options.flags |= association_flags::AUTHENTICATED;
        }
        let [.., version] = options.version.to_be_bytes();
        let association = NewAssociation {
            address,
            host_mode,
            version,
            min_poll: options.min_poll,
            max_poll: options.max_poll,
            flags: options.flags,
            ttl: options.clock_mode,
            key_id: options.key_id,
        };
        Ok(Self { association, form: AssociationForm::Usual })
    }
}

impl Inquiry for Configure {
    fn code(&self) -> Code {
        Code::Configure
    }

    fn request(&self, implementation: Implementation) -> Result<Request, String> {
        self.association.request(implementation, self.form).ok_or_else(|| NO_IPV6.to_owned())
    }

    fn shape(&self) -> Shape {
        Shape::Nothing
    }

    fn last_resort(&mut self, refusal: Refusal) -> Option<&'static str> {
        let is_first = self.form == AssociationForm::Usual;
        let has_room = self.association.address.is_ipv4();
        (refusal == Refusal::Format && is_first && has_room).then(|| {
            self.form = AssociationForm::Short;
            "***Retrying command with old conf_peer size\n"
        })
    }

    fn print(&self, _: &Items, session: &mut Session) {
        session.print(DONE);
    }
}

/// `unconfig` and `preset`.
#[derive(Debug)]
pub struct Associations {
    line: Line,
    code: Code,
}

impl Associations {
    /// What `line` asks for by `code`.
    pub const fn new(line: Line, code: Code) -> Self {
        Self { line, code }
    }
}

impl Inquiry for Associations {
    fn code(&self) -> Code {
        self.code
    }

    fn request(&self, implementation: Implementation) -> Result<Request, String> {
        change::associations(implementation, self.code, &self.line.addresses())
            .ok_or_else(|| NO_IPV6.to_owned())
    }

    fn shape(&self) -> Shape {
        Shape::Nothing
    }

    fn print(&self, _: &Items, session: &mut Session) {
        session.print(DONE);
    }
}

/// `enable`, `disable` and `reset`.
#[derive(Debug)]
pub struct Bits {
    code: Code,
    bits: u32,
}

impl Bits {
    /// Switches of the daemon.
    pub fn system_flags(line: &Line, code: Code) -> Result<Self, Said> {
        let (bits, unknown) = bits(line, &system_flags::NAMES);
        let complaints: Vec<_> =
            unknown.iter().map(|word| format!("Unknown flag {word}\n")).collect();
        if unknown.is_empty() {
            Ok(Self { code, bits })
        } else {
            Err(Said::Text(complaints.concat()))
        }
    }

    /// Counters to be set to zero.
    pub fn reset(line: &Line) -> Result<Self, Said> {
        let (bits, unknown) = bits(line, &RESET_FLAGS);
        let complaints: Vec<_> =
            unknown.iter().map(|word| format!("Flag {word} unknown\n")).collect();
        if unknown.is_empty() {
            return Ok(Self { code: Code::ResetStatistics, bits });
        }
        Err(Said::Text(format!("{}Not done due to errors\n", complaints.concat())))
    }
}

/// The bits that the arguments name, and those that name none.
fn bits<'a>(line: &'a Line, names: &[(&str, u32)]) -> (u32, Vec<&'a str>) {
    let mut bits = 0;
    let mut unknown = Vec::new();
    for argument in &line.arguments {
        match names.iter().find(|(name, _)| *name == argument.text) {
            Some((_, bit)) => bits |= bit,
            None => unknown.push(argument.text.as_str()),
        }
    }
    (bits, unknown)
}

impl Inquiry for Bits {
    fn code(&self) -> Code {
        self.code
    }

    fn request(&self, implementation: Implementation) -> Result<Request, String> {
        Ok(change::bits(implementation, self.code, self.bits))
    }

    fn shape(&self) -> Shape {
        Shape::Nothing
    }

    fn print(&self, _: &Items, session: &mut Session) {
        session.print(DONE);
    }
}

/// `readkeys`.
#[derive(Debug)]
pub struct ReadKeys;

impl Inquiry for ReadKeys {
    fn code(&self) -> Code {
        Code::RereadKeys
    }

    fn shape(&self) -> Shape {
        Shape::Nothing
    }

    fn print(&self, _: &Items, session: &mut Session) {
        session.print(DONE);
    }
}

/// `trustedkey` and `untrustedkey`.
///
/// Differs: ntpdc puts all keys in one request, of which a 64-bit daemon reads the first and zeros;
/// we make a request of each.
#[derive(Debug)]
pub struct Trust {
    code: Code,
    keys: Vec<u32>,
}

impl Trust {
    /// What `line` asks for by `code`.
    pub fn new(line: &Line, code: Code) -> Self {
        let mut keys: Vec<_> = (0..line.arguments.len()).filter_map(|n| line.unsigned(n)).collect();
        // The first is asked for first, and is the last of these.
        keys.reverse();
        Self { code, keys }
    }
}

impl Inquiry for Trust {
    fn code(&self) -> Code {
        self.code
    }

    fn request(&self, implementation: Implementation) -> Result<Request, String> {
        let key = self.keys.last().copied().unwrap_or_default();
        Ok(change::trust(implementation, self.code, key))
    }

    fn shape(&self) -> Shape {
        Shape::Nothing
    }

    fn goes_on(&mut self) -> bool {
        self.keys.pop();
        !self.keys.is_empty()
    }

    fn print(&self, _: &Items, session: &mut Session) {
        session.print(DONE);
    }
}

/// `requestkey` and `controlkey`.
///
/// Differs: ntpdc sends the number as a 32-bit daemon wants it, and a 64-bit one refuses it; we begin
/// with the other form.
#[derive(Debug)]
pub struct ChooseKey {
    code: Code,
    key_id: u32,
    form: KeyForm,
}

impl ChooseKey {
    /// What `line` asks for by `code`.
    pub fn new(line: &Line, code: Code) -> Self {
        Self { code, key_id: line.unsigned(0).unwrap_or_default(), form: KeyForm::Wide }
    }
}

impl Inquiry for ChooseKey {
    fn code(&self) -> Code {
        self.code
    }

    fn request(&self, implementation: Implementation) -> Result<Request, String> {
        Ok(change::choose_key(implementation, self.code, self.key_id, self.form))
    }

    fn shape(&self) -> Shape {
        Shape::Nothing
    }

    fn ask_otherwise(&mut self, refusal: Refusal, _: &Session) -> bool {
        let is_worth_it = refusal == Refusal::Format && self.form == KeyForm::Wide;
        self.form = if is_worth_it { KeyForm::Narrow } else { KeyForm::Wide };
        is_worth_it
    }

    fn print(&self, _: &Items, session: &mut Session) {
        session.print(DONE);
    }
}

/// `addtrap` and `clrtrap`.
#[derive(Debug)]
pub struct Trap {
    code: Code,
    remote: IpAddr,
    port: u16,
    local: Option<IpAddr>,
}

impl Trap {
    /// What `line` asks for by `code`; what is said when it makes no sense.
    pub fn read(line: &Line, code: Code) -> Result<Self, Said> {
        let remote = address(line, 0)?;
        let local = line.address(2);
        if local.is_some_and(|local| local.is_ipv4() != remote.is_ipv4()) {
            return Err(Said::Complaint("***Cannot mix IPv4 and IPv6 addresses\n".to_owned()));
        }
        // Cut to its width, as ntpdc does.
        let port = line.unsigned(1).map_or(TRAP_PORT, |port| (port & 0xffff) as u16);
        Ok(Self { code, remote, port, local })
    }
}

impl Inquiry for Trap {
    fn code(&self) -> Code {
        self.code
    }

    fn request(&self, implementation: Implementation) -> Result<Request, String> {
        change::trap(implementation, self.code, self.remote, self.port, self.local)
            .ok_or_else(|| NO_IPV6.to_owned())
    }

    fn shape(&self) -> Shape {
        Shape::Nothing
    }

    fn print(&self, _: &Items, session: &mut Session) {
        session.print(DONE);
    }
}

/// `fudge`.
#[derive(Debug)]
pub struct Fudge {
    clock: Ipv4Addr,
    fudge: change::Fudge,
}

impl Fudge {
    /// What `line` asks for; what is said when it makes no sense.
    pub fn read(line: &Line) -> Result<Self, Said> {
        let clock = match address(line, 0)? {
            IpAddr::V4(clock) => clock,
            IpAddr::V6(_) => Ipv4Addr::UNSPECIFIED,
        };
        let (which, value) = (line.text(1).unwrap_or_default(), line.text(2).unwrap_or_default());
        let seconds = || fixed::seconds(value.as_bytes());
        let time = || seconds().map(|bits| Fixed::from_bits(bits.cast_signed()));
        let number = || reading::signed(value.as_bytes()).map(i32::cast_unsigned);
        let fudge = match which {
            "time1" => time().map(change::Fudge::Time1),
            "time2" => time().map(change::Fudge::Time2),
            "val1" => number().map(change::Fudge::Stratum),
            "val2" => number().map(change::Fudge::ReferenceId),
            "flags" => hexadecimal(value).map(|bits| change::Fudge::Flags(bits & 0xf)),
            _ => return Err(Said::Complaint(format!("What fudge is {which}?\n"))),
        };
        let unknown = || Said::Complaint(format!("Unknown fudge parameter {value}\n"));
        Ok(Self { clock, fudge: fudge.ok_or_else(unknown)? })
    }
}

fn hexadecimal(text: &str) -> Option<u32> {
    let all_digits = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    u32::from_str_radix(text, 16).ok().filter(|_| all_digits)
}

impl Inquiry for Fudge {
    fn code(&self) -> Code {
        Code::SetFudge
    }

    fn request(&self, implementation: Implementation) -> Result<Request, String> {
        Ok(change::fudge(implementation, self.clock, self.fudge))
    }

    fn shape(&self) -> Shape {
        Shape::Nothing
    }

    fn print(&self, _: &Items, session: &mut Session) {
        session.print(DONE);
    }
}

fn address(line: &Line, place: usize) -> Result<IpAddr, Said> {
    line.address(place).ok_or_else(|| Said::Complaint(format!("{}\n", line.command.usage())))
}

const DONE: &str = "done!\n";

/// Where events are told of, unless another port is given.
const TRAP_PORT: u16 = 18447;

/// The least poll exponent.
const MIN_POLL: u8 = 3;

/// The greatest one.
const MAX_POLL: u8 = 17;
