//! Kiss codes: what a reference ID says when it names no source.
//!
//! RFC 5905 §7.4. A packet of stratum 0 carries one; a kiss-o'-death tells the client to change
//! its ways. Daemons also keep them as the reference ID of an association that has no answer yet,
//! so the same letters are met in control messages.

use std::fmt;

use crate::units::RefId;

/// What a kiss code says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kiss {
    /// `ACST`: the association belongs to an anycast server.
    Anycast,
    /// `AUTH`: the server could not authenticate us.
    Authentication,
    /// `AUTO`: the Autokey sequence failed.
    Autokey,
    /// `BCST`: the association belongs to a broadcast server.
    Broadcast,
    /// `CRYP`: cryptographic authentication or identification failed.
    Cryptography,
    /// `DENY`: the server denies access.
    Denied,
    /// `DROP`: the peer was lost while in symmetric mode.
    Lost,
    /// `RSTR`: the server denies access by its local policy.
    Restricted,
    /// `INIT`: the association is not synchronised yet.
    Initialising,
    /// `MCST`: the association belongs to a manycast server.
    Manycast,
    /// `NKEY`: no key was found.
    NoKey,
    /// `NTSN`: the server could not verify or decrypt a request under NTS (RFC 8915).
    NtsNak,
    /// `RATE`: we ask too often.
    Rate,
    /// `RMOT`: someone changes the association from afar with ntpdc.
    Remote,
    /// `STEP`: the clock was stepped and is not synchronised again yet.
    Step,
    /// `XFAC`: the association's network interface changed.
    InterfaceChanged,
    /// `POOL`: the association stands for a pool.
    Pool,
    /// `DNS`: the name is being looked up (NTPsec).
    LookingUp,
    /// `NTS`: keys are being established (NTPsec).
    EstablishingKeys,
    /// `TIME`: the association went too long without an answer.
    TimedOut,
    /// `GONE`: the association is being removed.
    Gone,
    /// `LOOP`: an orphan serves time at stratum 1 for want of any source.
    Orphan,
    /// `DOWN`: the program that steers the clock in the daemon's place has lost it (NTPsec).
    Down,
    /// Letters without a meaning known here.
    Other(RefId),
}

/// A row of [`KISS_CODES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KissCode {
    /// The code.
    pub kiss: Kiss,
    /// Its letters.
    pub letters: &'static str,
    /// What it says, in a clause.
    pub meaning: &'static str,
}

impl Kiss {
    /// From a reference ID that is known to be a kiss code.
    pub fn from_reference_id(id: RefId) -> Self {
        let known = KISS_CODES.iter().find(|row| RefId::from_code(row.letters) == Some(id));
        known.map_or(Self::Other(id), |row| row.kiss)
    }

    /// The reference ID that carries it.
    pub fn reference_id(self) -> RefId {
        match self {
            Self::Other(id) => id,
            known => row(known).and_then(|row| RefId::from_code(row.letters)).unwrap_or_default(),
        }
    }

    /// What it says, in a clause; `None` for letters not known here.
    pub fn meaning(self) -> Option<&'static str> {
        row(self).map(|row| row.meaning)
    }

    /// Whether it tells a client to stop asking this server.
    pub const fn is_refusal(self) -> bool {
        matches!(self, Self::Denied | Self::Restricted)
    }
}

fn row(kiss: Kiss) -> Option<&'static KissCode> {
    KISS_CODES.iter().find(|row| row.kiss == kiss)
}

impl fmt::Display for Kiss {
    /// The letters; what is not printable becomes a dot.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let octets = self.reference_id().octets();
        let end = octets.iter().rposition(|octet| *octet != 0).map_or(0, |last| last + 1);
        let letters: String = octets
            .iter()
            .take(end)
            .map(|octet| if octet.is_ascii_graphic() { char::from(*octet) } else { '.' })
            .collect();
        f.pad(&letters)
    }
}

const fn code(kiss: Kiss, letters: &'static str, meaning: &'static str) -> KissCode {
    KissCode { kiss, letters, meaning }
}

/// Every kiss code that has a meaning, in the order of RFC 5905 figure 13, then later ones.
pub const KISS_CODES: [KissCode; 23] = [
    code(Kiss::Anycast, "ACST", "the association belongs to an anycast server"),
    code(Kiss::Authentication, "AUTH", "the server could not authenticate us"),
    code(Kiss::Autokey, "AUTO", "the Autokey sequence failed"),
    code(Kiss::Broadcast, "BCST", "the association belongs to a broadcast server"),
    code(Kiss::Cryptography, "CRYP", "cryptographic authentication or identification failed"),
    code(Kiss::Denied, "DENY", "the server denies access"),
    code(Kiss::Lost, "DROP", "the peer was lost"),
    code(Kiss::Restricted, "RSTR", "the server denies access by its local policy"),
    code(Kiss::Initialising, "INIT", "not synchronised yet"),
    code(Kiss::Manycast, "MCST", "the association belongs to a manycast server"),
    code(Kiss::NoKey, "NKEY", "no key was found for the packet"),
    code(Kiss::Rate, "RATE", "the server wants to be asked less often"),
    code(Kiss::Remote, "RMOT", "the association is being changed from afar"),
    code(Kiss::Step, "STEP", "the clock was stepped and is not synchronised again yet"),
    code(Kiss::NtsNak, "NTSN", "the server could not verify the NTS request"),
    code(Kiss::InterfaceChanged, "XFAC", "the network interface changed"),
    code(Kiss::Pool, "POOL", "the association stands for a pool"),
    code(Kiss::LookingUp, "DNS", "the name is being looked up"),
    code(Kiss::EstablishingKeys, "NTS", "keys are being established"),
    code(Kiss::TimedOut, "TIME", "too long without an answer"),
    code(Kiss::Gone, "GONE", "the association is being removed"),
    code(Kiss::Orphan, "LOOP", "an orphan server, without a source of its own"),
    code(Kiss::Down, "DOWN", "the program that steers the clock has lost it"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_survives_the_round_trip() {
        for row in KISS_CODES {
            let id = RefId::from_code(row.letters).unwrap();
            assert_eq!(Kiss::from_reference_id(id), row.kiss, "{}", row.letters);
            assert_eq!(row.kiss.reference_id(), id);
            assert_eq!(row.kiss.to_string(), row.letters);
            assert_eq!(row.kiss.meaning(), Some(row.meaning));
        }
    }

    #[test]
    fn unknown_letters_are_kept_and_printed_safely() {
        let id = RefId::new(*b"X\x1b[2");
        let kiss = Kiss::from_reference_id(id);
        assert_eq!(kiss, Kiss::Other(id));
        assert_eq!(kiss.reference_id(), id);
        assert_eq!(kiss.to_string(), "X.[2");
        assert_eq!(kiss.meaning(), None);
        assert_eq!(Kiss::Other(RefId::default()).to_string(), "");
    }
}
