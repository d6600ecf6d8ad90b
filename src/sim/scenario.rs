//! Scenarios: worlds that people write down, with what is expected of an engine in them.

use serde::Deserialize;

use crate::config::Rejected;
use crate::config::app::read_ron;
use crate::config::engine::Algorithm;
use crate::sim::incident::{Event, Incident};
use crate::sim::link::LinkSpec;
use crate::sim::moment::Span;
use crate::sim::oscillator::OscillatorSpec;
use crate::sim::server::ServerSpec;
use crate::sim::verdict::Limits;

/// A scenario.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What it is about, in a sentence.
    pub title: String,
    /// How long it lasts.
    pub duration: Span,
    /// From when on errors count.
    #[serde(default)]
    pub measure_from: Span,
    /// When the world begins, in RFC 3339.
    #[serde(default = "default_start")]
    pub start: String,
    /// The machine whose engine is tried.
    #[serde(default)]
    pub client: ClientSpec,
    /// The link to each server that names none of its own.
    #[serde(default)]
    pub link: LinkSpec,
    /// The servers.
    pub servers: Vec<SourceSpec>,
    /// A leap second.
    #[serde(default)]
    pub leap: Option<LeapSpec>,
    /// What happens, and when.
    #[serde(default)]
    pub events: Vec<Event>,
    /// What is expected.
    #[serde(default)]
    pub limits: Limits,
    /// What is expected of the `ntp` discipline where that is something else.
    #[serde(default)]
    pub limits_ntp: Option<Limits>,
}

/// The machine whose engine is tried.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClientSpec {
    /// How far its clock is behind at first; negative when it is ahead.
    pub behind: Span,
    /// Its oscillator.
    pub oscillator: OscillatorSpec,
    /// The error of its timestamps (one standard deviation).
    pub stamps: Span,
    /// The frequency in its drift file, in parts per million.
    pub drift_ppm: Option<f64>,
    /// The least poll interval, as an exponent of two.
    pub minpoll: i8,
    /// The greatest.
    pub maxpoll: i8,
    /// Whether servers are asked in a burst at first.
    pub iburst: bool,
    /// Further lines of ntp.conf.
    pub conf: Vec<String>,
}

impl Default for ClientSpec {
    fn default() -> Self {
        Self {
            behind: Span::ZERO,
            oscillator: OscillatorSpec::default(),
            stamps: Span::ZERO,
            drift_ppm: None,
            minpoll: 6,
            maxpoll: 10,
            iburst: true,
            conf: Vec::new(),
        }
    }
}

/// A server, and how the client uses it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceSpec {
    /// What it is called.
    pub name: String,
    /// What it is like.
    #[serde(default)]
    pub server: ServerSpec,
    /// The link to it.
    #[serde(default)]
    pub link: Option<LinkSpec>,
    /// Further options of its line in ntp.conf.
    #[serde(default)]
    pub options: String,
    /// Whether the client has it as a peer, and it answers as one that keeps nothing of the client.
    #[serde(default)]
    pub is_peer: bool,
}

/// A leap second.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeapSpec {
    /// How long after the beginning.
    pub at: Span,
    /// Whether a second comes in; otherwise one is left out.
    pub is_inserted: bool,
}

impl Scenario {
    /// Reads a scenario from the text of a file called `name`.
    ///
    /// # Errors
    /// What is wrong with it, with line and column.
    pub fn read(name: &str, text: &str) -> Result<Self, Rejected> {
        let scenario: Self = read_ron(name, text)?;
        match scenario.flaw() {
            None => Ok(scenario),
            Some(Flaw { reason, quoted }) => Err(Rejected {
                source: name.to_owned(),
                position: Some(position(text, &quoted)),
                reason,
            }),
        }
    }

    /// What is expected of an algorithm.
    pub fn limits(&self, algorithm: Algorithm) -> &Limits {
        match (algorithm, &self.limits_ntp) {
            (Algorithm::Ntp, Some(limits)) => limits,
            _ => &self.limits,
        }
    }

    /// When the world begins, in seconds since 1970.
    pub fn start_unix(&self) -> Option<i64> {
        self.start.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_second)
    }

    /// The lines of ntp.conf that a client of these servers has; `address` gives the address of
    /// each by its place.
    pub fn conf(&self, address: impl Fn(usize) -> String) -> String {
        let ClientSpec { minpoll, maxpoll, .. } = self.client;
        let iburst = if self.client.iburst { " iburst" } else { "" };
        let servers = self.servers.iter().enumerate().map(|(place, source)| {
            let (address, options) = (address(place), &source.options);
            let line = if source.is_peer {
                format!("peer {address}")
            } else {
                format!("server {address}{iburst}")
            };
            format!("{line} minpoll {minpoll} maxpoll {maxpoll} {options}\n")
        });
        let others = self.client.conf.iter().map(|line| format!("{line}\n"));
        servers.chain(others).collect()
    }

    /// What cannot be, beyond what the form of the text tells.
    fn flaw(&self) -> Option<Flaw> {
        let flaw = |reason: String, quoted: &str| Some(Flaw { reason, quoted: quoted.to_owned() });
        if self.servers.is_empty() {
            return flaw("there is no server".into(), "servers");
        }
        if self.servers.len() > MOST_SERVERS {
            return flaw(format!("more than {MOST_SERVERS} servers"), "servers");
        }
        let duration_s = self.duration.seconds();
        if !(1.0..=LONGEST_S).contains(&duration_s) {
            return flaw("a duration lies between 1s and 100d".into(), "duration");
        }
        if self.measure_from.seconds() >= duration_s {
            return flaw("nothing is left to measure".into(), "measure_from");
        }
        if self.start_unix().is_none() {
            return flaw("this is no moment such as 2026-03-01T00:00:00Z".into(), &self.start);
        }
        if !(3..=17).contains(&self.client.minpoll) || self.client.minpoll > self.client.maxpoll {
            return flaw("minpoll is 3 to 17 and at most maxpoll".into(), "minpoll");
        }
        for (place, source) in self.servers.iter().enumerate() {
            let is_twice = self.servers.iter().take(place).any(|other| other.name == source.name);
            if is_twice || source.name == CLIENT {
                return flaw("this name is taken".into(), &quoted(&source.name));
            }
        }
        let known = |name: &str| self.servers.iter().any(|source| source.name == name);
        let named = self.events.iter().filter_map(|event| event.what.server());
        let limits = [Some(&self.limits), self.limits_ntp.as_ref()];
        let limited = limits.into_iter().flatten().flat_map(Limits::servers);
        if let Some(name) = named.chain(limited).find(|name| !known(name)) {
            return flaw(format!("there is no server `{}`", name.escape_debug()), &quoted(name));
        }
        let chances = self.links().flat_map(LinkSpec::chances).chain(self.event_chances());
        if chances.into_iter().any(|chance| !(0.0..=1.0).contains(&chance)) {
            return flaw("a chance lies between 0 and 1".into(), "loss");
        }
        None
    }

    fn links(&self) -> impl Iterator<Item = &LinkSpec> {
        self.servers.iter().filter_map(|source| source.link.as_ref()).chain([&self.link])
    }

    fn event_chances(&self) -> impl Iterator<Item = f64> {
        self.events.iter().filter_map(|event| match event.what {
            Incident::Loss { chance, .. } => Some(chance),
            _ => None,
        })
    }
}

/// A name as it stands in the text.
fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}

/// What is wrong, and a word of the text near it.
struct Flaw {
    reason: String,
    quoted: String,
}

/// Line and column of the last place where `word` stands, for what uses a name comes after what
/// gives it.
fn position(text: &str, word: &str) -> (usize, usize) {
    let at = text.rfind(word).unwrap_or(0);
    let before = text.get(..at).unwrap_or("");
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    (line, column)
}

fn default_start() -> String {
    "2026-03-01T00:00:00Z".to_owned()
}

/// What the machine is called whose engine is tried.
pub const CLIENT: &str = "self";

const MOST_SERVERS: usize = 1000;

/// 100 days.
const LONGEST_S: f64 = 8_640_000.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn rejected(text: &str) -> String {
        Scenario::read("world.ron", text).unwrap_err().to_string()
    }

    #[test]
    fn a_scenario_becomes_an_ntp_conf() {
        let text = r#"(title: "t", duration: "1h", client: (minpoll: 4, maxpoll: 5),
            servers: [(name: "a"), (name: "b", options: "prefer"), (name: "c", is_peer: true)])"#;
        let scenario = Scenario::read("world.ron", text).unwrap();
        let conf = scenario.conf(|place| format!("10.0.{place}.1"));
        assert_eq!(
            conf,
            "server 10.0.0.1 iburst minpoll 4 maxpoll 5 \n\
             server 10.0.1.1 iburst minpoll 4 maxpoll 5 prefer\n\
             peer 10.0.2.1 minpoll 4 maxpoll 5 \n"
        );
        assert_eq!(scenario.start_unix(), Some(1_772_323_200));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let unknown = rejected("(title: \"t\",\n duration: \"1h\", servers: [], weather: 1)");
        assert!(unknown.starts_with("world.ron, line 2, column "), "{unknown}");
        assert!(unknown.contains("weather"), "{unknown}");
        let span = rejected("(title: \"t\", duration: \"long\", servers: [])");
        assert!(span.contains("line 1") && span.contains("no span of time"), "{span}");
        let nobody = rejected("(title: \"t\", duration: \"1h\",\n servers: [])");
        assert_eq!(nobody, "world.ron, line 2, column 2: there is no server");
        let stranger = rejected(
            "(title: \"t\", duration: \"1h\", servers: [(name: \"a\")],\n\
             events: [(at: \"1s\", what: Lost(\"b\"))])",
        );
        assert_eq!(stranger, "world.ron, line 2, column 32: there is no server `b`");
        let twice =
            rejected("(title: \"t\", duration: \"1h\", servers: [(name: \"a\"), (name: \"a\")])");
        assert!(twice.ends_with("this name is taken"), "{twice}");
        let chance = rejected(
            "(title: \"t\", duration: \"1h\", servers: [(name: \"a\")],\n\
             link: (both: (loss: 1.5)))",
        );
        assert_eq!(chance, "world.ron, line 2, column 15: a chance lies between 0 and 1");
    }
}
