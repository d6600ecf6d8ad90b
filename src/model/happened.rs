//! Something that happened to an engine, as a person or a program is told of it.

use std::net::SocketAddr;

use crate::units::AssocId;

/// Something that happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Happened {
    /// What it is about, in a word to test: `system`, `source`, `clock`, `config`, `trouble`.
    pub about: &'static str,
    /// Which event it is, by ntpq's word; `None` where that has none.
    pub event: Option<&'static str>,
    /// The association that it happened to, when it is about one.
    pub association: Option<AssocId>,
    /// What that source was called in the configuration.
    pub host: Option<Box<str>>,
    /// Its address, where it has one.
    pub address: Option<SocketAddr>,
    /// What happened, in a sentence without the source's name.
    pub text: String,
}

impl Happened {
    /// The sentence with the source in front: as it was called, with its address; with `numeric`
    /// only that, where it has one.
    pub fn sentence(&self, numeric: bool) -> String {
        let text = &self.text;
        let address = self.address.map(|address| address.ip().to_string());
        match (&self.host, address) {
            (Some(host), Some(address)) if !numeric && !host.contains(&*address) => {
                format!("{host} ({address}): {text}")
            }
            (_, Some(address)) if numeric => format!("{address}: {text}"),
            (Some(host), _) => format!("{host}: {text}"),
            (None, _) => match self.association {
                Some(association) => format!("association {association}: {text}"),
                None => text.clone(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_names_the_source_as_it_is_wanted() {
        let mut happened = Happened {
            association: Some(AssocId::new(7)),
            text: "it answers".into(),
            ..Happened::default()
        };
        assert_eq!(happened.sentence(false), "association 7: it answers");
        happened.host = Some("ntp1.example.net".into());
        assert_eq!(happened.sentence(true), "ntp1.example.net: it answers");
        happened.address = Some("192.0.2.7:123".parse().unwrap());
        assert_eq!(happened.sentence(false), "ntp1.example.net (192.0.2.7): it answers");
        assert_eq!(happened.sentence(true), "192.0.2.7: it answers");
        happened.host = Some("192.0.2.7:123".into());
        assert_eq!(happened.sentence(false), "192.0.2.7:123: it answers");
    }
}
