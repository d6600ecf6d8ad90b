//! Which of this host's addresses are listened on (`interface`, `nic`).
//!
//! The sockets hear all addresses, so what comes to one that is not listened on is passed over.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::config::ntp_conf::{Family, InterfaceAction, InterfacePlace, InterfaceRule};
use crate::config::restrict::Selector;
use crate::net::own_addresses::{self, Interface};

/// The rules, and what they say of the addresses that there are.
#[derive(Debug, Default)]
pub(super) struct Listening {
    rules: Vec<InterfaceRule>,
    /// What is done at each own address; nothing is known while there are no rules.
    actions: BTreeMap<IpAddr, InterfaceAction>,
    interfaces: Vec<Interface>,
}

impl Listening {
    /// Adds a rule, which comes after those before.
    pub(super) fn apply(&mut self, rule: &InterfaceRule) {
        self.rules.push(rule.clone());
        self.decide();
    }

    /// Forgets all rules.
    pub(super) fn forget_rules(&mut self) {
        self.rules.clear();
        self.decide();
    }

    /// Takes over what interfaces there are.
    pub(super) fn know(&mut self, interfaces: &[Interface]) {
        self.interfaces = interfaces.to_vec();
        self.decide();
    }

    /// Whether what comes to this address is heeded. What is sent to many is: the groups were joined
    /// because somebody wanted it.
    pub(super) fn heeds(&self, to: IpAddr) -> bool {
        to.is_multicast() || self.action(to) == InterfaceAction::Listen
    }

    /// What is done at an address.
    pub(super) fn action(&self, at: IpAddr) -> InterfaceAction {
        if self.rules.is_empty() {
            return InterfaceAction::Listen;
        }
        self.actions.get(&at).copied().unwrap_or_else(|| self.action_elsewhere())
    }

    /// What is done at addresses that are none of an interface as far as is known: those for
    /// everybody on a network, and one that has just been added.
    fn action_elsewhere(&self) -> InterfaceAction {
        let is_about = |rule: &&InterfaceRule| rule.place == InterfacePlace::Wildcard;
        let last = self.rules.iter().rev().find(is_about);
        last.map_or(InterfaceAction::Listen, |rule| rule.action)
    }

    fn decide(&mut self) {
        // Where the kernel does not tell, no name fits.
        let links = own_addresses::links().unwrap_or_default();
        let action = |interface: &Interface| {
            let name = links.get(&interface.index).map(|link| link.name.as_str());
            match self.rules.iter().rev().find(|rule| is_about(rule, name, interface)) {
                Some(rule) => rule.action,
                // Who names interfaces wants those alone; the loopback is heard unless it is named.
                None if interface.address.is_loopback() => InterfaceAction::Listen,
                None => InterfaceAction::Ignore,
            }
        };
        self.actions = self.interfaces.iter().map(|one| (one.address, action(one))).collect();
    }
}

/// Whether a rule is about an interface, of this name as far as is known.
fn is_about(rule: &InterfaceRule, name: Option<&str>, interface: &Interface) -> bool {
    let address = interface.address;
    match rule.place {
        // Those who say all do not mean that the host cannot ask itself any more.
        InterfacePlace::All => !address.is_loopback(),
        InterfacePlace::Family(Family::Ipv4) => address.is_ipv4(),
        InterfacePlace::Family(Family::Ipv6) => address.is_ipv6(),
        InterfacePlace::Wildcard => false,
        InterfacePlace::Named(_) => name.is_some_and(|name| rule.place.names(name)),
        InterfacePlace::Addresses(prefix, length) => {
            Selector::prefix(prefix, length).is_some_and(|network| network.matches(address, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ntp_conf;

    /// Which of some addresses are heeded by the rules of `conf`.
    fn heeded(conf: &str) -> Vec<&'static str> {
        let mut listening = Listening::default();
        let addresses = ["127.0.0.1", "192.0.2.7", "198.51.100.7", "2001:db8::7", "192.0.2.255"];
        let interface =
            |(index, address): (u32, &&str)| Interface { address: address.parse().unwrap(), index };
        // The last is no interface's: what is sent to everybody.
        let known: Vec<_> = (1..).zip(&addresses[..4]).map(interface).collect();
        listening.know(&known);
        for placed in ntp_conf::read("test", conf).unwrap() {
            if let ntp_conf::Directive::Interface(rule) = &placed.directive {
                listening.apply(rule);
            }
        }
        addresses.into_iter().filter(|at| listening.heeds(at.parse().unwrap())).collect()
    }

    #[test]
    fn the_last_rule_that_fits_decides() {
        assert_eq!(heeded("").len(), 5);
        let only = heeded("interface listen 192.0.2.0/24");
        assert_eq!(only, ["127.0.0.1", "192.0.2.7", "192.0.2.255"]);
        let but = heeded("interface listen all\ninterface ignore ipv6\nnic drop 192.0.2.7");
        assert_eq!(but, ["127.0.0.1", "198.51.100.7", "192.0.2.255"]);
        assert_eq!(heeded("interface ignore all\ninterface ignore wildcard"), ["127.0.0.1"]);
        let named = heeded("interface listen lo");
        assert_eq!(named, ["127.0.0.1", "192.0.2.255"], "the loopback is the first interface");
        let but = heeded("interface listen all\ninterface ignore ipv6\ninterface drop L[a-o]");
        assert_eq!(but, ["192.0.2.7", "198.51.100.7", "192.0.2.255"]);
    }
}
