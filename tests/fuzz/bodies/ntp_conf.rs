//! Any text as a configuration, of a file and told from afar: it is followed as far as it can be,
//! and what is not read has a place in it.

use ntpscope::config::ntp_conf::{self, Placed, remote};
use ntpscope::engine::Engine;
use ntpscope::engine::mobilize::Applied;
use ntpscope::engine::server::Server;
use ntpscope::engine::settings::Settings;

use super::support::{at, outputs, placed};

pub(crate) fn ntp_conf(bytes: &[u8]) {
    if let Ok(text) = ntp_conf::decode("ntp.conf", bytes)
        && let Some(directives) = placed(&text, ntp_conf::read("ntp.conf", &text))
    {
        follow(&ntp_conf::in_order(directives), |_, _| {});
    }
    let mut told = remote::read("request", bytes);
    let directives = told.directives().to_vec();
    follow(&directives, |placed, why| told.refuse(placed, &why));
    let answer = told.answer();
    assert!(!answer.is_empty() && answer.len() <= 32 * (bytes.len() + 1_000));
    assert!(!answer.contains(|letter: char| letter.is_control()), "{answer:?}");
}

/// An engine and a server follow what they can.
fn follow(directives: &[Placed], mut refuse: impl FnMut(&Placed, String)) {
    let now = at(1_000_000_000);
    let mut engine = Engine::new(Settings::default(), [7; 32], &now);
    let mut server = Server::new([7; 32]);
    for placed in directives {
        let followed = match engine.apply(&now, &placed.directive) {
            Ok(Applied::ForServer) => server.apply(&placed.directive, Some(placed.line)),
            Ok(_) => Ok(()),
            Err(refused) => Err(refused),
        };
        if let Err(refused) = followed {
            refuse(placed, refused.to_string());
        }
    }
    server.share_keys(&engine);
    outputs(&mut engine);
    engine.handle(&now, ntpscope::engine::input::Input::Wakeup);
    outputs(&mut engine);
}
