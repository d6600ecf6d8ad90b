//! `--json`: what the commands found, with full names and units, in one document at the end.
//!
//! Complaints go to standard error as ever; what failed is in the document too. Which daemon answers
//! is asked along, since the units of some variables depend on it.

use serde_json::{Map, Value as Json, json};

use crate::model::Absent;
use crate::model::json;
use crate::model::question::{Failure, Question};
use crate::model::reply::Reply;
use crate::model::values::Values;
use crate::model::vars::{Scope, Variable};
use crate::ntpq::session::Session;
use crate::units::AssocId;
use crate::wire::mode6::status::{PeerStatus, SystemStatus};

/// What `schema` says of the document.
pub const SCHEMA: &str = "ntpscope/ntpq/1";

/// What was found so far.
#[derive(Debug, Default)]
pub struct Record {
    /// The command at work.
    pub command: &'static str,
    /// Whether the last flight had a question added to it.
    pub asks_along: bool,
    results: Vec<Json>,
}

impl Record {
    /// The document.
    pub fn document(&self) -> String {
        let document = json!({ "schema": SCHEMA, "results": self.results });
        format!("{document:#}\n")
    }
}

impl Session {
    /// Whether answers are recorded instead of printed.
    pub const fn records(&self) -> bool {
        self.record.is_some()
    }

    /// Records a result of the command at work.
    pub fn record(&mut self, fields: Map<String, Json>) {
        let (host, dialect) = (self.host_name(), self.dialect.flatten());
        if let Some(record) = &mut self.record {
            let mut result = Map::new();
            result.insert("host".into(), host.into());
            result.insert("command".into(), record.command.into());
            if let Some(dialect) = dialect {
                result.insert("dialect".into(), dialect.name().into());
            }
            result.extend(fields);
            record.results.push(Json::Object(result));
        }
    }

    /// Records that a question about `association` was not answered.
    pub fn record_failure(&mut self, failure: &Failure, association: AssocId) {
        let mut fields = about(association);
        fields.insert("failure".into(), json::reason(&Absent::Failed(failure.clone())));
        self.record(fields);
    }

    /// Adds the question which daemon it is to those of a flight, where the answer is wanted.
    pub fn ask_along(&mut self, questions: &mut Vec<Question>) {
        let Some(identity) = self.identity_question() else { return };
        if let Some(record) = &mut self.record
            && !questions.contains(&identity)
        {
            questions.push(identity);
            record.asks_along = true;
        }
    }

    /// Takes the answer to what was added from the answers to a flight.
    pub fn take_along(&mut self, replies: &mut Vec<Result<Reply, Failure>>) {
        let Some(record) = &mut self.record else { return };
        if std::mem::take(&mut record.asks_along)
            && let Some(identity) = replies.pop()
        {
            self.take_identity(&identity);
        }
    }

    /// The variables of a reply, by full names; those `asked` for by name say why they are absent.
    pub fn variables(
        &self,
        scope: Scope,
        asked: &[&'static Variable],
        reply: &Reply,
    ) -> Map<String, Json> {
        let values = Values::decode(scope, self.dialect.flatten(), asked, reply);
        json::variables(&values, &[])
    }

    /// Records the variables of a reply about `association`.
    pub fn record_variables(
        &mut self,
        scope: Scope,
        association: AssocId,
        asked: &[&'static Variable],
        reply: &Reply,
    ) {
        let mut fields = about(association);
        match scope {
            Scope::System => {
                let status = SystemStatus::from_bits(reply.status);
                fields.insert("status".into(), json::system_status(status));
            }
            Scope::Peer => {
                let status = PeerStatus::from_bits(reply.status);
                fields.insert("status".into(), json::peer_status(status));
            }
            Scope::Clock => {}
        }
        let variables = self.variables(scope, asked, reply);
        fields.insert("variables".into(), Json::Object(variables));
        self.record(fields);
    }
}

/// An object that says which association it is about; the daemon has no number.
pub fn about(association: AssocId) -> Map<String, Json> {
    let mut fields = Map::new();
    if association != AssocId::SYSTEM {
        fields.insert("association".into(), association.get().into());
    }
    fields
}

/// An association with its tally and status.
pub fn association(id: AssocId, status: PeerStatus) -> Map<String, Json> {
    let mut fields = about(id);
    fields.insert("tally".into(), status.tally().character().to_string().into());
    fields.insert("status".into(), json::peer_status(status));
    fields
}

#[cfg(test)]
mod tests {
    use serde_json::Value as Json;

    use crate::ntpq::Options;
    use crate::ntpq::batch::tests::{classic, options};

    fn document(commands: &[&str]) -> Json {
        let options = Options { json: true, ..options(commands, &["127.0.0.1"]) };
        let ran = classic().run_with(options);
        let document: Json = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(document["schema"], "ntpscope/ntpq/1");
        document["results"].clone()
    }

    #[test]
    fn tables_have_full_names_and_units() {
        let results = document(&["peers"]);
        let peers = &results[0]["peers"];
        assert_eq!(results[0]["dialect"], "ntpd");
        assert_eq!(peers.as_array().unwrap().len(), 4);
        assert_eq!(peers[0]["tally"], "*");
        assert_eq!(peers[1]["remote"], "server-two.example.org");
        assert_eq!(peers[1]["variables"]["offset_ms"], 0.014);
        assert_eq!(peers[1]["variables"]["source"], "10.8.0.2");
    }

    #[test]
    fn what_failed_is_told_and_settings_are_not() {
        let results = document(&["raw", "rv 0 stratum", "as", "rv 7"]);
        assert_eq!(results.as_array().unwrap().len(), 3);
        assert_eq!(results[0]["variables"]["stratum"], 4);
        assert_eq!(results[1]["associations"][0]["association"], 29383);
        assert_eq!(results[2]["association"], 7);
        assert_eq!(results[2]["failure"]["why"], "refused");
    }
}
