//! Transactions on their way into a block: one table for all nodes, and each node's pool of batches.
//!
//! Transactions lie in a table and travel in batches; nothing happens for each transaction at each node. On a chain
//! a batch is consumed as successive prefixes, so a pool needs to know only how far each batch has been consumed on
//! the chain that it builds on.
//!
//! What is settled everywhere leaves when the host lets it go: see `engine::retention`.

pub mod batches;
pub mod transactions;

use std::collections::VecDeque;

use ledgerlab_consensus::{Digest, Pending};

use crate::node::bits::Bits;
use crate::node::blocks::{BlockId, Blocks, PayloadId, Segment};

pub use batches::{Batch, BatchId, Batches};
pub use transactions::{Transaction, Transactions, TxId};

/// What a build found.
#[derive(Clone, Debug, Default)]
pub struct Collected {
    /// Parts of batches.
    pub segments: Vec<Segment>,
    /// Bytes.
    pub bytes: u64,
    /// Transactions.
    pub count: u32,
    /// Whether more waits than fits.
    pub full: bool,
}

/// One node's pool and its view of what its own chain has consumed.
#[derive(Clone, Debug, Default)]
pub struct Pool {
    queue: VecDeque<BatchId>,
    known: Bits,
    adopted: Bits,
    settled: Bits,
    expired: Bits,
    pending: Pending,
}

impl Pool {
    /// Takes in a batch; says whether it is new.
    pub fn add(&mut self, id: BatchId, batches: &Batches, txs: &Transactions) -> bool {
        if !self.known.add(id) {
            return false;
        }
        self.queue.push_back(id);
        let batch = batches.get(id);
        let done = batches.consumed(id, |p| self.adopted.has(p)) as usize;
        self.pending.count += (batch.txs.len() - done) as u64;
        self.pending.bytes += batch.bytes_of(done..batch.txs.len(), txs);
        true
    }
    /// Whether a batch has come.
    pub fn knows(&self, id: BatchId) -> bool {
        self.known.has(id)
    }
    /// What waits, as seen from the node's own chain.
    pub fn pending(&self) -> Pending {
        self.pending
    }
    /// Whether a payload is on the node's chain.
    pub fn has_adopted(&self, p: PayloadId) -> bool {
        self.adopted.has(p)
    }
    /// A payload joins the node's chain.
    pub fn adopt(&mut self, p: PayloadId, blocks: &Blocks, txs: &Transactions, batches: &Batches) {
        if self.adopted.add(p) {
            let (count, bytes) = self.share(p, blocks, txs, batches);
            self.pending.count -= count;
            self.pending.bytes -= bytes;
        }
    }
    /// A payload leaves the node's chain.
    pub fn revert(&mut self, p: PayloadId, blocks: &Blocks, txs: &Transactions, batches: &Batches) {
        if self.adopted.remove(p) {
            let (count, bytes) = self.share(p, blocks, txs, batches);
            self.pending.count += count;
            self.pending.bytes += bytes;
            if self.settled.remove(p) {
                let gone = blocks.segments(p).iter().rev().map(|s| s.batch).filter(|b| self.known.has(*b));
                let gone: Vec<BatchId> = gone.filter(|b| !self.queue.contains(b)).collect();
                gone.into_iter().for_each(|b| self.queue.push_front(b));
            }
        }
    }
    /// A payload is final on the node's chain: its batches are no longer looked at, unless it is reverted all the same.
    pub fn settle(&mut self, p: PayloadId) {
        self.settled.add(p);
    }
    /// Transactions and bytes of a payload that lie in batches known here.
    fn share(&self, p: PayloadId, blocks: &Blocks, txs: &Transactions, batches: &Batches) -> (u64, u64) {
        let waits = |s: &&Segment| self.known.has(s.batch) && !self.expired.has(s.batch);
        let known = blocks.segments(p).iter().filter(waits);
        known.fold((0, 0), |(count, bytes), s| {
            let sum = batches.get(s.batch).bytes_of(s.from as usize..s.to as usize, txs);
            (count + u64::from(s.to - s.from), bytes + sum)
        })
    }
    /// A batch has waited too long: what is left of it is not proposed from here.
    pub fn expire(&mut self, id: BatchId, batches: &Batches, txs: &Transactions) {
        let Some(place) = self.queue.iter().position(|b| *b == id) else { return };
        self.queue.remove(place);
        self.expired.add(id);
        let (batch, from) = (batches.get(id), self.consumed_to(id, batches) as usize);
        self.pending.count -= (batch.txs.len() - from) as u64;
        self.pending.bytes -= batch.bytes_of(from..batch.txs.len(), txs);
    }
    /// How many of a batch's transactions are on the node's own chain.
    pub fn consumed_to(&self, id: BatchId, batches: &Batches) -> u32 {
        batches.consumed(id, |p| self.adopted.has(p))
    }
    /// Whether a batch is wholly on the node's own chain.
    pub fn consumed(&self, id: BatchId, batches: &Batches) -> bool {
        self.consumed_to(id, batches) as usize == batches.get(id).txs.len()
    }
    /// Transactions for a block on top of the own chain and the uncommitted `path`, oldest first, at most `limit`
    /// bytes.
    pub fn collect(&mut self, path: &[PayloadId], limit: u64, batches: &Batches, txs: &Transactions) -> Collected {
        self.drop_settled(batches);
        let mut found = Collected::default();
        for id in &self.queue {
            let batch = batches.get(*id);
            let from = batches.consumed(*id, |p| self.adopted.has(p) || path.contains(&p));
            let (to, bytes) = batch.fitting(from, limit - found.bytes, txs);
            found.bytes += bytes;
            if to > from {
                found.count += to - from;
                found.segments.push(Segment { batch: *id, from, to });
            }
            if (to as usize) < batch.txs.len() {
                found.full = true;
                break;
            }
        }
        found
    }
    /// Lets go of batches at the front that are wholly in settled payloads.
    pub fn drop_settled(&mut self, batches: &Batches) {
        while let Some(id) = self.queue.front() {
            if (batches.consumed(*id, |p| self.settled.has(p)) as usize) < batches.get(*id).txs.len() {
                break;
            }
            self.queue.pop_front();
        }
    }
    /// The batches that wait, consumed ones behind such that are not included.
    pub fn waiting(&self) -> impl ExactSizeIterator<Item = BatchId> + '_ {
        self.queue.iter().copied()
    }
    /// Nobody asks for older batches and payloads any more.
    pub fn forget_below(&mut self, batch: BatchId, payload: PayloadId) {
        self.known.forget_below(batch);
        self.expired.forget_below(batch);
        self.adopted.forget_below(payload);
        self.settled.forget_below(payload);
    }
    /// Forgets the transactions, keeps what the ledger on disk says: the node crashed.
    pub fn crash(&mut self) {
        self.queue.clear();
        self.known.clear();
        self.expired.clear();
        self.pending = Pending::default();
    }
}

/// The payloads of the uncommitted ancestors of `parent`, down to the first block that `is_adopted`.
pub fn uncommitted_path(blocks: &Blocks, parent: Digest, is_adopted: impl Fn(BlockId) -> bool) -> Vec<PayloadId> {
    let mut path = vec![];
    let mut at = blocks.find(parent);
    while let Some(id) = at.filter(|id| *id != 0 && !is_adopted(*id)) {
        let b = blocks.block(id);
        path.extend_from_slice(&b.payloads);
        at = blocks.find(b.parent);
    }
    path
}

#[cfg(test)]
#[path = "mempool_tests.rs"]
mod tests;
