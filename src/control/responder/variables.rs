//! Variables as they are read.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use crate::control::responder::books::{Books, Extra};
use crate::control::responder::reply::Text;
use crate::model::absent::Absent;
use crate::model::daemon::{Daemon, Detail, Peer};
use crate::model::encode::{defaults, encode, known, quoted};
use crate::model::identity::Dialect;
use crate::model::values::{Value, Values};
use crate::model::vars::{self, Scope, Served, Variable, clock, peer, system};
use crate::units::Now;
use crate::wire::mode6::varlist::{items, text};
use crate::wire::mode6::{ErrorCode, MAX_DATA};

/// Whose variables are read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Of<'a> {
    /// The daemon's, as its clock shows this time.
    System(&'a Daemon, &'a Now),
    /// An association's.
    Peer(&'a Peer),
    /// A reference clock's.
    Clock(&'a Peer),
}

/// The variables that `data` names, or the default ones when it names none.
///
/// They come in the order of the table, each once. Values that follow names are passed over.
///
/// # Errors
/// A name that is not known costs the whole answer. So does one of a variable without a value where
/// more may exist than the picture shows: ntpq 4.2.8 takes silence about what it named for a value,
/// and crashes.
pub(super) fn read(of: Of<'_>, data: &[u8], books: &dyn Books) -> Result<Text, ErrorCode> {
    let data = text(data);
    // A name that stands there often is asked about once.
    let names: BTreeSet<_> = items(&data).map(|item| item.name).collect();
    let others = of.others(books);
    let mut reply = Text::default();
    if names.is_empty() {
        for variable in defaults(of.scope()) {
            of.tell(variable, &mut reply);
        }
        for other in others.iter().filter(|other| other.is_default) {
            reply.item(&other.name, &other.value);
        }
        return Ok(reply);
    }
    if !names.iter().all(|name| of.is_among(name, &others)) {
        return Err(ErrorCode::UnknownVariable);
    }
    for variable in vars::table(of.scope()).iter().filter(|row| names.contains(row.name)) {
        if !of.tell(variable, &mut reply) && !books.are_whole() {
            return Err(ErrorCode::UnknownVariable);
        }
    }
    for other in others.iter().filter(|other| names.contains(other.name.as_str())) {
        reply.item(&other.name, &other.value);
    }
    Ok(reply)
}

impl<'a> Of<'a> {
    const fn scope(self) -> Scope {
        match self {
            Self::System(..) => Scope::System,
            Self::Peer(_) => Scope::Peer,
            Self::Clock(_) => Scope::Clock,
        }
    }

    /// Whether there is a variable of this name.
    pub(super) fn knows(self, name: &str, books: &dyn Books) -> bool {
        self.is_among(name, &self.others(books))
    }

    fn is_among(self, name: &str, others: &[Extra]) -> bool {
        known(self.scope(), name).is_some() || others.iter().any(|other| other.name == name)
    }

    /// Adds a variable, if there is something to tell; whether there is.
    fn tell(self, variable: &'static Variable, reply: &mut Text) -> bool {
        let value = if is_list(variable) {
            Some(list(self.scope()))
        } else if let (Self::System(daemon, now), true) = (self, *variable == system::CLOCK) {
            // A picture may be a while old; its clock went on.
            daemon
                .clock_at(now.mono)
                .and_then(|clock| encode(variable, Ok(&Value::Timestamp(clock))))
        } else if self.has_none_of(variable) {
            Some(NOTHING.to_owned())
        } else {
            encode(variable, self.value(variable).as_ref().copied())
        };
        value.inspect(|value| reply.item(variable.name, value)).is_some()
    }

    /// Whether it is a count of what our own engine does not do.
    fn has_none_of(self, variable: &'static Variable) -> bool {
        let Self::System(daemon, _) = self else { return false };
        let dialect = daemon.identity.as_ref().and_then(|identity| identity.dialect);
        let is_of_nts = || system::NTS_ROWS.contains(&variable);
        dialect == Some(Dialect::Ntpscope) && self.value(variable).is_err() && is_of_nts()
    }

    fn value(self, variable: &'static Variable) -> Result<&'a Value, Absent> {
        match self {
            Self::Peer(peer) => peer.value(variable).map(|(value, _)| value),
            Self::System(..) | Self::Clock(_) => self.values()?.get(variable),
        }
    }

    fn values(self) -> Result<&'a Values, Absent> {
        match self {
            Self::System(daemon, _) => daemon.system.value(),
            Self::Peer(peer) => peer.row.value(),
            Self::Clock(peer) => peer.detail(Detail::Clock).value(),
        }
    }

    /// Variables that are in no table: those of the picture, and those that are configured.
    fn others(self, books: &dyn Books) -> Vec<Extra> {
        let extra = |(name, value): (&str, &str)| Extra {
            name: name.to_owned(),
            value: value.to_owned(),
            is_default: true,
        };
        let mut others: Vec<_> =
            self.values().ok().into_iter().flat_map(Values::others).map(extra).collect();
        if let Self::System(..) = self {
            books.variables(&mut |variable| {
                others.push(variable);
                ControlFlow::Continue(())
            });
        }
        others
    }
}

/// Whether it is the list of all names.
fn is_list(variable: &Variable) -> bool {
    [&system::VARIABLE_LIST, &peer::VARIABLE_LIST, &clock::VARIABLE_LIST].contains(&variable)
}

/// The names of a scope, as many as go into one datagram: classic ntpd tells no more either.
fn list(scope: Scope) -> String {
    let mut names = String::new();
    for row in vars::table(scope) {
        let room = MAX_DATA - row.name.len() - LIST_OVERHEAD;
        if row.served_by(Dialect::Ntpscope) == Served::Never || names.len() > room {
            continue;
        }
        if !names.is_empty() {
            names.push(',');
        }
        names.push_str(row.name);
    }
    quoted(&names)
}

/// What else is in a datagram with a list of names: its own name, quotes, commas, a line end.
const LIST_OVERHEAD: usize = 32;

/// A count of nothing.
const NOTHING: &str = "0";
