//! A probe watches a run from outside, at the hosts' boundary; it cannot change it.

use ledgerlab_consensus::{Digest, Height, NodeId, Statement, Time};

use crate::record::TransactionRow;

/// What can be watched. Every method defaults to nothing.
pub trait Probe: Send {
    /// A copy of a message left the protocol at its sender, for another node.
    fn on_send(&mut self, _at: Time, _from: NodeId, _to: NodeId, _kind: &'static str, _bytes: u32) {}
    /// Copies of a message left, with the times of their arrival: each an [`on_send`](Probe::on_send).
    fn on_sends(&mut self, at: Time, from: NodeId, copies: &[(NodeId, Time)], kind: &'static str, bytes: u32) {
        copies.iter().for_each(|(to, _)| self.on_send(at, from, *to, kind, bytes));
    }
    /// A statement signed with the node's own key leaves it for the first time, or again in a message of its own.
    fn on_statement(&mut self, _at: Time, _node: NodeId, _what: &Statement) {}
    /// A message that carries the payload with this root left for the first time.
    fn on_proposal(&mut self, _at: Time, _from: NodeId, _root: Digest) {}
    /// A replica adopted a block with these payload roots.
    fn on_adopt(&mut self, _at: Time, _node: NodeId, _height: Height, _block: Digest, _roots: &[Digest]) {}
    /// A replica finalised.
    fn on_finalize(&mut self, _at: Time, _node: NodeId, _height: Height) {}
    /// A node crashed or restarted.
    fn on_life(&mut self, _at: Time, _node: NodeId, _up: bool) {}
    /// A state transfer ended.
    fn on_state(&mut self, _at: Time, _node: NodeId, _height: Height) {}
    /// A replica's view changed.
    fn on_view(&mut self, _at: Time, _node: NodeId, _view: u64) {}
    /// Whether it is to be shown what becomes of transactions; asked once, before the run.
    fn follows_transactions(&self) -> bool {
        false
    }
    /// What became of transactions of the cohort: each is shown once.
    fn on_transactions(&mut self, _rows: &[TransactionRow]) {}
}

/// Watches nothing.
pub struct Blind;

impl Probe for Blind {}
