//! What tests of whole runs share: scenarios from TOML text, and a probe that writes down everything it sees.
//!
//! Limits: a watch grows with the run; these runs are short.
#![allow(dead_code, reason = "each test binary uses its part")]

use ledgerlab_consensus::{Digest, Height, NodeId, Statement, Time};
use ledgerlab_sim::probe::Probe;
use ledgerlab_sim::record::RunRecord;
use ledgerlab_sim::scenario::{Experiment, Scenario};

/// The one scenario that a text describes.
pub fn scenario(text: &str) -> Scenario {
    scenario_with(text, &[])
}

/// The same with overrides of the form `key=value`.
pub fn scenario_with(text: &str, overrides: &[&str]) -> Scenario {
    let overrides: Vec<String> = overrides.iter().map(|o| (*o).to_owned()).collect();
    let mut points =
        Experiment::from_text("test.toml", text, &overrides).unwrap_or_else(|e| panic!("{e}\n{text}")).points;
    assert_eq!(points.len(), 1, "one point");
    points.remove(0).scenario
}

/// Seconds of a run as a time.
pub fn second(s: u64) -> Time {
    Time(s * 1_000_000_000)
}

/// Whether a check of a record held.
pub fn held(record: &RunRecord, check: &str) -> bool {
    let found = record.checks.iter().find(|c| c.name == check);
    found.unwrap_or_else(|| panic!("no check is called {check}")).passed
}

/// A copy of a message at its sender's boundary.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sent {
    pub at: Time,
    pub from: NodeId,
    pub to: NodeId,
    pub kind: &'static str,
}

/// A block that joined a node's chain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Adopted {
    pub at: Time,
    pub node: NodeId,
    pub height: Height,
    pub block: Digest,
    pub roots: Vec<Digest>,
}

/// A probe that keeps everything in the order in which it was told.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    pub sent: Vec<Sent>,
    pub statements: Vec<(Time, NodeId, Statement)>,
    pub proposals: Vec<(Time, NodeId, Digest)>,
    pub adopted: Vec<Adopted>,
    pub finals: Vec<(Time, NodeId, Height)>,
    pub states: Vec<(Time, NodeId, Height)>,
    pub views: Vec<(Time, NodeId, u64)>,
}

impl Watch {
    /// Who proposed the payload of the block that `node` adopted at a height, and when.
    pub fn proposal_at(&self, node: u32, height: Height) -> (Time, NodeId) {
        let own = |a: &&Adopted| a.node == NodeId(node) && a.height == height;
        let root = self.adopted.iter().find(own).unwrap_or_else(|| panic!("no block at height {height}")).roots[0];
        let (at, from, _) = self.proposals.iter().find(|p| p.2 == root).expect("an adopted block was proposed");
        (*at, *from)
    }
    /// When a node first held a height for final.
    pub fn final_at(&self, node: u32, height: Height) -> Time {
        let reached = |f: &&(Time, NodeId, Height)| f.1 == NodeId(node) && f.2 >= height;
        self.finals.iter().find(reached).unwrap_or_else(|| panic!("height {height} is not final at {node}")).0
    }
    /// Height of a node's chain at a moment, as its last adoption before says.
    pub fn height(&self, node: u32, at: Time) -> Height {
        let before = self.adopted.iter().filter(|a| a.node == NodeId(node) && a.at <= at);
        let moved = self.states.iter().filter(|s| s.1 == NodeId(node) && s.0 <= at).map(|s| (s.0, s.2));
        before.map(|a| (a.at, a.height)).chain(moved).max().map_or(0, |(_, height)| height)
    }
    /// Copies of a kind sent within `from..to`.
    pub fn count(&self, kind: &str, from: Time, to: Time) -> u64 {
        self.sent.iter().filter(|s| s.kind == kind && (from..to).contains(&s.at)).count() as u64
    }
}

impl Probe for Watch {
    fn on_send(&mut self, at: Time, from: NodeId, to: NodeId, kind: &'static str, _bytes: u32) {
        self.sent.push(Sent { at, from, to, kind });
    }
    fn on_statement(&mut self, at: Time, node: NodeId, what: &Statement) {
        self.statements.push((at, node, *what));
    }
    fn on_proposal(&mut self, at: Time, from: NodeId, root: Digest) {
        self.proposals.push((at, from, root));
    }
    fn on_adopt(&mut self, at: Time, node: NodeId, height: Height, block: Digest, roots: &[Digest]) {
        self.adopted.push(Adopted { at, node, height, block, roots: roots.to_vec() });
    }
    fn on_finalize(&mut self, at: Time, node: NodeId, height: Height) {
        self.finals.push((at, node, height));
    }
    fn on_state(&mut self, at: Time, node: NodeId, height: Height) {
        self.states.push((at, node, height));
    }
    fn on_view(&mut self, at: Time, node: NodeId, view: u64) {
        self.views.push((at, node, view));
    }
}
