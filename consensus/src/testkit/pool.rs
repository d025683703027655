//! A node's mempool as a count of transactions: enough for when and what to propose, without transactions.
//!
//! Nodes do not share transactions: [`super::Kit::submit_all`] gives everybody the same number, and an adopted
//! payload takes its count from every pool. A payload that was built is reserved until it is adopted or dropped.

use std::collections::BTreeMap;

use crate::effect::Until;
use crate::message::PayloadRef;
use crate::protocol::Pending;
use crate::types::{Digest, Hashing, NodeId, Ticket};

/// Bytes of a transaction.
pub const TRANSACTION_BYTES: u32 = 512;

/// Transactions of a payload from a pool that never runs empty.
pub const ENDLESS_COUNT: u32 = 100;

/// A request that has not been answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    pub number: u64,
    pub ticket: Ticket,
    pub limit: u32,
    pub until: Until,
}

/// The pool of one node.
#[derive(Debug)]
pub struct Pool {
    owner: NodeId,
    /// Transactions that are not adopted; `None` never runs empty.
    left: Option<u64>,
    reserved: BTreeMap<Digest, u32>,
    built: u64,
    requests: u64,
    pub(super) waiting: Option<Waiting>,
}

impl Pool {
    /// A pool that never runs empty.
    pub(super) fn new(owner: NodeId) -> Pool {
        Pool { owner, left: None, reserved: BTreeMap::new(), built: 0, requests: 0, waiting: None }
    }
    /// Leaves so many transactions.
    pub fn limit(&mut self, count: u64) {
        self.left = Some(count);
    }
    /// Adds transactions to a limited pool.
    pub(super) fn add(&mut self, count: u64) {
        self.left = self.left.map(|l| l + count);
    }
    /// What is not adopted yet, payloads under way included.
    pub fn pending(&self) -> Pending {
        let count = self.left.unwrap_or(u64::from(ENDLESS_COUNT));
        Pending { count, bytes: count * u64::from(TRANSACTION_BYTES) }
    }
    fn available(&self) -> u32 {
        let reserved: u64 = self.reserved.values().map(|c| u64::from(*c)).sum();
        self.left.map_or(ENDLESS_COUNT, |l| l.saturating_sub(reserved).min(u64::from(ENDLESS_COUNT)) as u32)
    }
    /// Takes a request in place of an unanswered one; its number.
    pub(super) fn request(&mut self, ticket: Ticket, limit: u32, until: Until) -> u64 {
        self.requests += 1;
        self.waiting = Some(Waiting { number: self.requests, ticket, limit, until });
        self.requests
    }
    /// The answer to the waiting request, if it is due: by what is there, or because its deadline has come.
    pub(super) fn answer(&mut self, deadline: Option<u64>) -> Option<(Ticket, PayloadRef)> {
        let w = self.waiting?;
        let there = self.available();
        let due = match w.until {
            Until::Now => true,
            Until::Some => there > 0,
            Until::Full { .. } => {
                there >= (w.limit / TRANSACTION_BYTES).min(ENDLESS_COUNT) || deadline == Some(w.number)
            }
        };
        if !due {
            return None;
        }
        self.waiting = None;
        Some((w.ticket, self.build(there.min(w.limit / TRANSACTION_BYTES))))
    }
    fn build(&mut self, count: u32) -> PayloadRef {
        self.built += 1;
        let mut name = self.built.to_le_bytes().to_vec();
        name.extend_from_slice(&self.owner.0.to_le_bytes());
        let root = Hashing::Mix.digest(&name);
        self.reserved.insert(root, count);
        PayloadRef { root, bytes: count * TRANSACTION_BYTES, count }
    }
    /// A payload joined the ledger.
    pub(super) fn adopted(&mut self, p: &PayloadRef) {
        self.left = self.left.map(|l| l.saturating_sub(u64::from(p.count)));
        self.reserved.remove(&p.root);
    }
    /// A payload left the ledger.
    pub(super) fn reverted(&mut self, p: &PayloadRef) {
        self.left = self.left.map(|l| l + u64::from(p.count));
    }
    /// A payload may be built again.
    pub(super) fn dropped(&mut self, root: Digest) {
        self.reserved.remove(&root);
    }
    /// The node crashed: requests and reservations are gone, transactions come again.
    pub(super) fn crashed(&mut self) {
        self.reserved.clear();
        self.waiting = None;
    }
}
