//! What somebody may ask of an engine, in words.

use std::net::IpAddr;

use crate::config::engine::{EngineSetup, Serve};
use crate::config::ntp_conf::Directive;
use crate::config::restrict::{Restrict, Whom};
use crate::engine::access::{Question, why};
use crate::engine::server::Server;

/// What `address` may ask of an engine that is started so, a sentence for each thing, with the line
/// that decides. Names are not looked up: lines about them are named after all else.
pub fn access(setup: &EngineSetup, address: IpAddr) -> Vec<String> {
    if setup.serve == Serve::Nobody {
        return vec![format!("{address} is not answered: nobody is served from here")];
    }
    // Nothing that has to do with chance is asked of it.
    let mut server = Server::new([0; 32]);
    let mut named = Vec::new();
    for placed in &setup.directives {
        let line = placed.line;
        if let Err(why) = server.apply(&placed.directive, Some(line)) {
            named.push(format!("line {line} is not followed: {why}"));
        }
        let (Directive::Restrict(restrict) | Directive::Unrestrict(restrict)) = &placed.directive
        else {
            continue;
        };
        if let Restrict { whom: Whom::Named { host, .. }, .. } = restrict {
            named.push(format!("line {line} may say otherwise if {address} is {host}"));
        }
    }
    let list = &server.access;
    let mut sentences = Question::ALL.map(|question| why(list, address, question)).to_vec();
    sentences.extend(named);
    sentences
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ntp_conf;

    #[test]
    fn each_thing_that_somebody_may_want_has_its_line() {
        let conf = "restrict default kod limited noquery\nrestrict 192.0.2.0/24 nomodify\n\
                    restrict ntp.example noserve";
        let directives = ntp_conf::read("test", conf).unwrap();
        let setup = EngineSetup { directives, serve: Serve::Everywhere, ..EngineSetup::default() };
        let [time, control, change, clients, named] =
            access(&setup, "192.0.2.7".parse().unwrap()).try_into().unwrap();
        assert!(time.starts_with("192.0.2.7 may ask for time: line 2"), "{time}");
        assert!(control.starts_with("192.0.2.7 may ask how we are: line 2"), "{control}");
        assert!(change.starts_with("192.0.2.7 may not change anything: line 2"), "{change}");
        assert!(clients.starts_with("192.0.2.7 may ask who else asks: line 2"), "{clients}");
        assert_eq!(named, "line 3 may say otherwise if 192.0.2.7 is ntp.example");
        let nobody = EngineSetup { serve: Serve::Nobody, ..setup };
        assert_eq!(access(&nobody, "::1".parse().unwrap()).len(), 1);
    }
}
