//! The scenarios that are built in.

use crate::config::Rejected;
use crate::sim::scenario::Scenario;

/// A scenario that is built in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shipped {
    /// What it is called.
    pub name: &'static str,
    /// What it says.
    pub text: &'static str,
}

impl Shipped {
    /// The scenario called `name`; `None` where there is none.
    pub fn named(name: &str) -> Option<Self> {
        SHIPPED.iter().copied().find(|shipped| shipped.name == name)
    }

    /// Reads it.
    ///
    /// # Errors
    /// It is malformed; tests hold each to not being so.
    pub fn scenario(&self) -> Result<Scenario, Rejected> {
        Scenario::read(&format!("{}.ron", self.name), self.text)
    }
}

macro_rules! shipped {
    ($name:literal) => {
        Shipped { name: $name, text: include_str!(concat!("scenarios/", $name, ".ron")) }
    };
}

/// All of them: first those in which peers were measured, then starts and troubles.
pub const SHIPPED: [Shipped; 29] = [
    shipped!("lan4"),
    shipped!("wan6"),
    shipped!("rw9p6"),
    shipped!("rw8"),
    shipped!("jit10"),
    shipped!("spike"),
    shipped!("false1of4p6"),
    shipped!("liar1of3"),
    shipped!("asymmetry3"),
    shipped!("asymmetry4"),
    shipped!("cold-offset"),
    shipped!("cold-frequency"),
    shipped!("temperature"),
    shipped!("heavy-tails"),
    shipped!("loss"),
    shipped!("duplicates"),
    shipped!("reroute"),
    shipped!("failover"),
    shipped!("holdover"),
    shipped!("outside-step"),
    shipped!("suspend"),
    shipped!("leap-insert"),
    shipped!("leap-delete"),
    shipped!("era-2036"),
    shipped!("smear"),
    shipped!("false-majority"),
    shipped!("windows"),
    shipped!("rate-limited"),
    shipped!("denied"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reads_and_has_limits() {
        for shipped in SHIPPED {
            let scenario = shipped.scenario().unwrap();
            assert!(!scenario.title.is_empty());
            assert!(shipped.text.contains("limits: ("), "{}", shipped.name);
            assert_eq!(Shipped::named(shipped.name), Some(shipped));
        }
    }
}
