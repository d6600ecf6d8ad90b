//! Any text as a file of keys, of a frequency, of a scenario: it is read, or refused with a place
//! in it.

use ntpscope::config::drift::Drift;
use ntpscope::config::keys;
use ntpscope::sim::scenario::Scenario;

use super::support::placed;

pub(crate) fn texts(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    placed(text, keys::read("keys", text));
    placed(text, Scenario::read("scenario.ron", text));
    if let Some(drift) = placed(text, Drift::read("drift", text)) {
        assert!(Drift::read("drift", &drift.print()).is_ok());
    }
}
