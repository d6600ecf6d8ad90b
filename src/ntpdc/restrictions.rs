//! The access restrictions: `reslist`, and how `restrict` and its like change them.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};

use crate::ntpdc::line::Line;
use crate::ntpdc::peer::NO_IPV6;
use crate::ntpdc::peers::net_address;
use crate::ntpdc::query::{Inquiry, Shape};
use crate::ntpdc::session::Session;
use crate::ntpq::address::NetAddress;
use crate::ntpq::text::cut;
use crate::wire::mode7::change::{RestrictionChange, RestrictionForm};
use crate::wire::mode7::restrict::{Numbering, Restriction, match_flags};
use crate::wire::mode7::{Code, Implementation, Items, Refusal, Request};

/// `reslist`.
#[derive(Debug)]
pub struct List {
    line: Line,
}

impl List {
    /// What `line` says.
    pub const fn new(line: Line) -> Self {
        Self { line }
    }

    fn rows(&self, items: &Items) -> Vec<Restriction> {
        let rows = items.iter().map(Restriction::parse);
        rows.filter(|row| self.line.wants(row.address.is_ipv6())).collect()
    }
}

/// Whether the row is about one host, which then is called by its name. ntpdc asks so of IPv4 only.
fn is_host(row: &Restriction) -> bool {
    match row.mask {
        IpAddr::V4(mask) => mask == Ipv4Addr::BROADCAST,
        IpAddr::V6(_) => true,
    }
}

impl Inquiry for List {
    fn code(&self) -> Code {
        Code::Restrictions
    }

    fn shape(&self) -> Shape {
        Shape::Many
    }

    fn addresses(&self, items: &Items) -> Vec<NetAddress> {
        let hosts = self.rows(items).into_iter().filter(is_host);
        hosts.map(|row| net_address(row.address)).collect()
    }

    fn print(&self, items: &Items, session: &mut Session) {
        let numbering = match session.implementation {
            Implementation::Old => Numbering::Oldest,
            _ => Numbering::Current,
        };
        let mut text = HEADER.to_owned();
        for row in self.rows(items) {
            let name = if is_host(&row) {
                session.shell.name_of(net_address(row.address))
            } else {
                row.address.to_string()
            };
            let mask = row.mask.to_string();
            let matching =
                match_flags::NAMES.into_iter().filter(|(_, bit)| row.match_flags & bit != 0);
            let flags = numbering.flags().filter(|(_, bit)| row.flags & bit != 0);
            let words: Vec<_> = matching.chain(flags).map(|(name, _)| name).collect();
            let words = if words.is_empty() { "none".to_owned() } else { words.join(", ") };
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "{:<15} {:<15} {:9}  {words}",
                cut(&name, 15),
                cut(&mask, 15),
                row.count
            );
        }
        session.print(&text);
    }
}

/// `restrict`, `unrestrict` and `delrestrict`.
///
/// Daemons from 4.2.8p12 on want a longer form than those before, and number the flags otherwise;
/// who does not take the one is asked in the other.
///
/// Differs: ntpdc of 4.2.8p15 knows only its own form, and of an IPv6 mask it sends what happens to
/// be in memory.
#[derive(Debug)]
pub struct Restrict {
    code: Code,
    wanted: Wanted,
    form: RestrictionForm,
}

/// A change as the user wrote it.
#[derive(Debug)]
struct Wanted {
    address: IpAddr,
    mask: IpAddr,
    flags: Vec<&'static str>,
    match_flags: u16,
}

impl Restrict {
    /// What `line` asks for by `code`; the complaint when it makes no sense.
    pub fn read(line: &Line, code: Code) -> Result<Self, String> {
        let (Some(address), Some(mask)) = (line.address(0), line.address(1)) else {
            return Err(format!("{}\n", line.command.usage()));
        };
        let mut wanted = Wanted { address, mask, flags: Vec::new(), match_flags: 0 };
        let mut complaints = String::new();
        for argument in line.arguments.iter().skip(2) {
            let word = argument.text.as_str();
            let known = Numbering::Current.flags().find(|(name, _)| *name == word);
            // Writing to a string cannot fail.
            match known {
                _ if word == "ntpport" => wanted.match_flags |= match_flags::NTP_PORT,
                Some((name, _)) if code == Code::RemoveRestriction => {
                    let _ = writeln!(complaints, "Flag {name} inappropriate");
                }
                Some((name, _)) => wanted.flags.push(name),
                None => {
                    let _ = writeln!(complaints, "Unknown flag {word}");
                }
            }
        }
        match (address, mask) {
            (IpAddr::V4(v4), _) if v4.is_unspecified() => {
                wanted.mask = Ipv4Addr::UNSPECIFIED.into();
            }
            (IpAddr::V4(_), IpAddr::V4(mask)) => {
                if mask.to_bits().leading_ones() + mask.to_bits().trailing_zeros() < 32 {
                    let _ = writeln!(complaints, "Invalid mask {mask}");
                }
            }
            (IpAddr::V6(_), IpAddr::V6(_)) => {}
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => {
                let _ = writeln!(complaints, "Invalid mask {mask}");
            }
        }
        if !complaints.is_empty() {
            return Err(complaints);
        }
        Ok(Self { code, wanted, form: RestrictionForm::Current })
    }
}

impl Inquiry for Restrict {
    fn code(&self) -> Code {
        self.code
    }

    fn request(&self, implementation: Implementation) -> Result<Request, String> {
        let numbering = match self.form {
            RestrictionForm::Current => Numbering::Current,
            RestrictionForm::Older => Numbering::Older,
        };
        let bits = self.wanted.flags.iter().filter_map(|name| numbering.bit(name));
        let change = RestrictionChange {
            address: self.wanted.address,
            mask: self.wanted.mask,
            flags: bits.fold(0, |all, bit| all | bit),
            match_flags: self.wanted.match_flags,
        };
        change.request(implementation, self.code, self.form).ok_or_else(|| NO_IPV6.to_owned())
    }

    fn shape(&self) -> Shape {
        Shape::Nothing
    }

    fn ask_otherwise(&mut self, refusal: Refusal, _: &Session) -> bool {
        let is_worth_it = refusal == Refusal::Format && self.form == RestrictionForm::Current;
        self.form = if is_worth_it { RestrictionForm::Older } else { RestrictionForm::Current };
        is_worth_it
    }

    fn print(&self, _: &Items, session: &mut Session) {
        session.print("done!\n");
    }
}

const HEADER: &str = "   address          mask            count        flags
=====================================================================
";
