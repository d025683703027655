//! Global observers: what must hold in every run, whatever the protocol, one property in each file.
//!
//! The host tells them what crosses its boundary - a statement leaves, a block is adopted, a transaction commits, a
//! link transmits - and they never look into a node, so a replica that is wrong about itself is still caught. Each
//! call is amortised O(1) (O(log) in a short window), and memory is bounded as each file says.

pub mod agreement;
pub mod certificate;
pub mod conservation;
pub mod link;
pub mod little;
pub mod liveness;
pub mod statements;

use std::fmt;

use ledgerlab_consensus::{NodeId, Time};

/// What an observer says of one event.
pub type Outcome = Result<(), Violation>;

/// A property that did not hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// The check, by the name of its file.
    pub check: &'static str,
    /// When it was noticed.
    pub at: Time,
    /// At which node, where one is concerned.
    pub node: Option<NodeId>,
    /// What was seen, at which height or slot, and what was expected.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (s, ns) = (self.at.0 / 1_000_000_000, self.at.0 % 1_000_000_000);
        write!(f, "{} violated at {s}.{ns:09} s", self.check)?;
        if let Some(n) = self.node {
            write!(f, " at node {}", n.0)?;
        }
        write!(f, ": {}", self.what)
    }
}

impl std::error::Error for Violation {}

/// The violations of a run: the first few in full, the others counted.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Violations {
    kept: Vec<Violation>,
    count: u64,
}

impl Violations {
    /// The most that are kept in full.
    pub const KEPT: usize = 32;

    /// Notes what an observer said; says whether all was well.
    pub fn note(&mut self, outcome: Outcome) -> bool {
        let Err(v) = outcome else { return true };
        self.count += 1;
        if self.kept.len() < Self::KEPT {
            self.kept.push(v);
        }
        false
    }
    /// The first ones, in the order in which they were noticed.
    pub fn first(&self) -> &[Violation] {
        &self.kept
    }
    /// How many there were.
    pub fn count(&self) -> u64 {
        self.count
    }
    /// Whether there were none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_violation_says_what_when_and_where() {
        let v = Violation { check: "agreement", at: Time(12_000_000_345), node: Some(NodeId(3)), what: "boom".into() };
        assert_eq!(v.to_string(), "agreement violated at 12.000000345 s at node 3: boom");
        let v = Violation { node: None, ..v };
        assert_eq!(v.to_string(), "agreement violated at 12.000000345 s: boom");
    }

    #[test]
    fn the_first_are_kept_and_all_are_counted() {
        let mut all = Violations::default();
        assert!(all.note(Ok(())) && all.is_empty());
        for i in 0..100_u64 {
            assert!(!all.note(Err(Violation { check: "link", at: Time(i), node: None, what: String::new() })));
        }
        assert_eq!(all.count(), 100);
        assert_eq!(all.first().len(), Violations::KEPT);
        assert_eq!(all.first()[0].at, Time(0));
    }
}
