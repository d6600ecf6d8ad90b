//! chronyd's reports as the model has them: names, units and signs of this program.
//!
//! The one place where the wire's signs are turned: here an offset is positive when the other
//! clock is ahead, so the local one slow. Spans are taken to the nanosecond, as chronyc prints
//! them: the daemon's numbers come out as its own tool shows them.

use std::time::Duration;

use crate::model::values::printable;
use crate::model::{Absent, Value, Values, Variable};
use crate::units::{NtpDuration, Ppm, RefId, Stratum};
use crate::wire::cmdmon::{Command, PartsPerMillion, Seconds, UnixTime};

pub(super) mod clients;
pub(super) mod release;
pub(super) mod selection;
pub(super) mod source;
pub(super) mod system;

/// Why what a command tells is not there: not over UDP.
pub(super) const fn closed(command: Command) -> Absent {
    Absent::Closed {
        how: match command {
            Command::SELECT_DATA => {
                "over UDP the daemon keeps it to itself; ask on its host as root, over its Unix \
                 socket, or open it there with `opencommands selectdata` (chrony 4.7 or later)"
            }
            Command::NTP_DATA => {
                "over UDP the daemon keeps it to itself; ask on its host as root, over its Unix \
                 socket, or open it there with `opencommands ntpdata` (chrony 4.7 or later)"
            }
            Command::AUTH_DATA => {
                "over UDP the daemon keeps it to itself; ask on its host as root, over its Unix \
                 socket, or open it there with `opencommands authdata` (chrony 4.7 or later)"
            }
            Command::SERVER_STATS => {
                "over UDP the daemon keeps it to itself; ask on its host as root, over its Unix \
                 socket, or open it there with `opencommands serverstats` (chrony 4.7 or later)"
            }
            Command::CLIENT_ACCESSES_BY_INDEX3 => {
                "over UDP the daemon keeps it to itself; ask on its host as root, over its Unix \
                 socket, or open it there with `opencommands clients` (chrony 4.7 or later)"
            }
            _ => {
                "over UDP its configuration keeps it closed (`opencommands`); ask on its host as \
                 root, over its Unix socket"
            }
        },
    }
}

/// Puts in what there is, and of what there is not that the daemon has none now.
fn insert(values: &mut Values, variable: &'static Variable, value: Option<Value>) {
    values.insert(variable, value.ok_or(Absent::NotGiven));
}

/// Says of all of them why they are not there.
pub(super) fn insert_absent(values: &mut Values, rows: &[&'static Variable], why: &Absent) {
    for row in rows {
        values.insert(row, Err(why.clone()));
    }
}

/// A span to the nanosecond; the sign stays.
fn span(seconds: Seconds) -> Value {
    Value::Duration(to_nanosecond(seconds.seconds()))
}

/// The same with the other sign.
fn turned(seconds: Seconds) -> Value {
    Value::Duration(to_nanosecond(-seconds.seconds()))
}

/// To the nanosecond as C prints it, which rounds the exact value: multiplied first it would be
/// another.
fn to_nanosecond(seconds: f64) -> NtpDuration {
    let printed = format!("{seconds:.9}");
    NtpDuration::from_seconds(printed.parse().unwrap_or(seconds))
}

fn age(age: Option<Duration>) -> Option<Value> {
    age.map(|age| Value::Duration(age.into()))
}

fn frequency(frequency: PartsPerMillion) -> Value {
    Value::Frequency(frequency.ppm())
}

/// A frequency of a clock as the correction of it: with the other sign.
fn correction(frequency: PartsPerMillion) -> Value {
    Value::Frequency(Ppm::new(0.0 - frequency.parts_per_million()).unwrap_or_default())
}

fn count(number: impl Into<u64>) -> Value {
    Value::Unsigned(number.into())
}

fn text(text: &str) -> Value {
    Value::Text(printable(text))
}

fn stamp(time: UnixTime) -> Option<Value> {
    let stamp = time.timestamp();
    (!stamp.is_never()).then_some(Value::Timestamp(stamp))
}

/// A reference ID: letters where the stratum says that it is no address.
fn reference(id: RefId, stratum: Stratum) -> Value {
    let is_address = (2..16).contains(&stratum.get());
    if !is_address && id.code().is_some() {
        Value::ReferenceCode(id)
    } else {
        Value::ReferenceAddress(id.address())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::cmdmon::COMMANDS;

    #[test]
    fn spans_keep_the_nanoseconds_that_are_printed() {
        for number in [0.000_561_084, -0.039_999_351, 1.950_189_233, 1e-9, 2.5e-10, -7.5e-10] {
            let Value::Duration(kept) = span(Seconds::new(number)) else { panic!("no span") };
            let printed = format!("{:.9}", Seconds::new(number).seconds());
            assert_eq!(format!("{:.9}", kept.seconds()).parse(), printed.parse::<f64>());
        }
    }

    #[test]
    fn what_udp_keeps_closed_says_by_which_word_it_is_opened() {
        for row in COMMANDS.iter().filter(|row| !row.access.is_open_by_default()) {
            let Absent::Closed { how } = closed(row.command) else { panic!("not closed") };
            for word in row.access.opened_by() {
                assert!(how.contains(&format!("opencommands {word}`")), "{how}");
            }
        }
    }

    #[test]
    fn letters_are_told_from_addresses_by_the_stratum() {
        let id = RefId::new(*b"GPS\0");
        assert_eq!(reference(id, Stratum::new(1)), Value::ReferenceCode(id));
        assert!(matches!(reference(id, Stratum::new(2)), Value::ReferenceAddress(_)));
        let own = RefId::new([127, 127, 1, 1]);
        assert!(matches!(reference(own, Stratum::new(1)), Value::ReferenceAddress(_)));
    }
}
