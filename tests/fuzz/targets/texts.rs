//! Any text as a configuration, a file of keys, of a frequency, of a scenario: it is read, or
//! refused with a place in it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ntpscope::config::Rejected;
use ntpscope::config::drift::Drift;
use ntpscope::config::{keys, ntp_conf};
use ntpscope::engine::Engine;
use ntpscope::engine::settings::Settings;
use ntpscope::sim::scenario::Scenario;
use ntpscope::units::{Boot, Mono, Now, NtpTimestamp, Raw};

fn placed<T>(text: &str, read: Result<T, Rejected>) -> Option<T> {
    let rejected = match read {
        Ok(value) => return Some(value),
        Err(rejected) => rejected,
    };
    let (line, column) = rejected.position.expect("what is refused has a place");
    assert!(line >= 1 && column >= 1 && line <= text.lines().count() + 1, "{rejected}");
    assert!(!rejected.to_string().contains('\u{1b}'), "it goes to a terminal");
    None
}

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = ntp_conf::decode("ntp.conf", bytes) {
        if let Some(directives) = placed(&text, ntp_conf::read("ntp.conf", &text)) {
            let now = Now {
                mono: Mono::from_nanos(1),
                raw: Raw::from_nanos(1),
                boot: Boot::from_nanos(1),
                clock: NtpTimestamp::from_unix(1_800_000_000, 0),
            };
            let mut engine = Engine::new(Settings::default(), [7; 32], &now);
            for placed in ntp_conf::in_order(directives) {
                let _ = engine.apply(&now, &placed.directive).map_err(|why| why.to_string());
            }
        }
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    placed(text, keys::read("keys", text));
    placed(text, Scenario::read("scenario.ron", text));
    if let Some(drift) = placed(text, Drift::read("drift", text)) {
        assert!(Drift::read("drift", &drift.print()).is_ok());
    }
});
