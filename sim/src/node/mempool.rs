//! Transactions on their way into a block: one table for all nodes, and each node's pool of batches.
//!
//! Transactions live in columns and travel in batches; nothing happens for each transaction at each node. On a chain
//! a batch is consumed as successive prefixes, so a pool needs to know only how far each batch has been consumed on
//! the chain that it builds on.
//!
//! What is settled everywhere leaves when the host lets it go: see `engine::retention`.

use std::collections::VecDeque;

use ledgerlab_consensus::{Digest, Pending, Time};

use crate::node::bits::Bits;
use crate::node::blocks::{BlockId, Blocks, PayloadId, Segment};
use crate::node::window::Window;

/// Index of a transaction.
pub type TxId = u32;
/// Index of a batch.
pub type BatchId = u32;

/// All transactions, one column for each property.
#[derive(Debug, Default)]
pub struct Transactions {
    /// Planned submit time.
    pub planned: Window<Time>,
    /// Bytes on chain.
    pub bytes: Window<u32>,
    /// Workload of the scenario.
    pub workload: Window<u16>,
    /// Kind of record within the workload.
    pub kind: Window<u8>,
    /// Hospital of the workload.
    pub hospital: Window<u32>,
    /// When its object was stored; the planned time where it has none.
    pub stored: Window<Time>,
    /// Whether it may be in more than one batch.
    pub resubmitted: Bits,
}

impl Transactions {
    /// Adds one.
    pub fn push(&mut self, planned: Time, bytes: u32, workload: u16, kind: u8, hospital: u32) -> TxId {
        let id = self.planned.push(planned) as TxId;
        self.bytes.push(bytes);
        self.workload.push(workload);
        self.kind.push(kind);
        self.hospital.push(hospital);
        self.stored.push(planned);
        id
    }
    /// Clients submit these again, elsewhere.
    pub fn mark_resubmitted(&mut self, txs: &[TxId]) {
        for t in txs {
            self.resubmitted.add(*t);
        }
    }
    /// Numbers of the oldest one that is in memory and of the next one.
    pub fn ids(&self) -> (TxId, TxId) {
        (self.planned.first() as TxId, self.planned.end() as TxId)
    }
    /// Nobody asks for what is older than `floor` any more.
    pub fn forget_below(&mut self, floor: TxId) {
        let to = u64::from(floor);
        self.planned.forget_below(to);
        self.bytes.forget_below(to);
        self.workload.forget_below(to);
        self.kind.forget_below(to);
        self.hospital.forget_below(to);
        self.stored.forget_below(to);
        self.resubmitted.forget_below(floor);
    }
}

/// Transactions that a gateway sends on together.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The gateway's node.
    pub origin: u32,
    /// When the first transaction came.
    pub opened: Time,
    /// Planned submit time of its youngest transaction, from when it is closed: with it the last one expires.
    pub youngest: Time,
    /// When it was closed and handed to the pool.
    pub ready: Time,
    /// Whether it has been closed.
    pub closed: bool,
    /// The batch of a crashed gateway whose transactions it holds again.
    pub again: Option<BatchId>,
    /// Whether its gateway has sent it to everybody.
    pub shared: bool,
    /// Clients of the transactions from this one on have turned to another gateway.
    pub kept: u32,
    /// Its transactions.
    pub txs: Vec<TxId>,
    /// Their bytes.
    pub bytes: u64,
    /// So many of the first ones are in settled payloads.
    settled: u32,
    /// Other payloads that have consumed it, and up to where.
    included: Vec<(PayloadId, u32)>,
    /// The oldest transaction, once it is closed.
    lowest: TxId,
}

impl Batch {
    /// It takes in nothing any more.
    pub fn close(&mut self) {
        self.lowest = self.oldest();
        self.closed = true;
    }
    /// Its oldest transaction; the largest number where it has none.
    pub fn oldest(&self) -> TxId {
        if self.closed { self.lowest } else { self.txs.iter().copied().min().unwrap_or(TxId::MAX) }
    }
    /// Bytes of a part of it.
    fn bytes_of(&self, part: std::ops::Range<usize>, tx_bytes: &Window<u32>) -> u64 {
        if self.closed && part == (0..self.txs.len()) {
            return self.bytes;
        }
        self.txs[part].iter().map(|t| u64::from(tx_bytes[*t])).sum()
    }
}

/// All batches.
#[derive(Debug, Default)]
pub struct Batches {
    list: Window<Batch>,
}

impl Batches {
    /// Opens one.
    pub fn open(&mut self, origin: u32, opened: Time) -> BatchId {
        self.list.push(Batch {
            origin,
            opened,
            youngest: opened,
            ready: opened,
            closed: false,
            again: None,
            shared: false,
            kept: u32::MAX,
            txs: vec![],
            bytes: 0,
            settled: 0,
            included: vec![],
            lowest: TxId::MAX,
        }) as BatchId
    }
    /// A batch.
    pub fn get(&self, id: BatchId) -> &Batch {
        &self.list[id]
    }
    /// Whether it takes in nothing any more.
    pub fn is_closed(&self, id: BatchId) -> bool {
        self.list.get(u64::from(id)).is_none_or(|b| b.closed)
    }
    /// A batch, to fill or stamp.
    pub fn get_mut(&mut self, id: BatchId) -> &mut Batch {
        &mut self.list[id]
    }
    /// Notes that a payload has consumed a batch up to `to`.
    pub fn include(&mut self, s: &Segment, payload: PayloadId) {
        self.list[s.batch].included.push((payload, s.to));
    }
    /// A payload leaves memory: what it has consumed stays so if it is settled, and is as if it had never been else.
    pub fn forget_payload(&mut self, s: &Segment, payload: PayloadId, settled: bool) {
        let Some(batch) = self.list.get_mut(u64::from(s.batch)) else { return };
        batch.included.retain(|(p, _)| *p != payload);
        if settled {
            batch.settled = batch.settled.max(s.to);
        }
    }
    /// All batches in memory.
    pub fn iter(&self) -> impl Iterator<Item = &Batch> {
        self.list.above(0)
    }
    /// Number of the next batch.
    pub fn next_id(&self) -> BatchId {
        self.list.end() as BatchId
    }
    /// Nobody asks for what is older than `floor` any more.
    pub fn forget_below(&mut self, floor: BatchId) {
        self.list.forget_below(u64::from(floor));
    }
    /// How many of a batch's transactions are in the payloads for which `on_chain` holds.
    pub fn consumed(&self, id: BatchId, on_chain: impl Fn(PayloadId) -> bool) -> u32 {
        let batch = &self.list[id];
        let included = batch.included.iter().filter(|(p, _)| on_chain(*p)).map(|(_, to)| *to).max();
        included.unwrap_or(0).max(batch.settled)
    }
}

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
    pub fn add(&mut self, id: BatchId, batches: &Batches, tx_bytes: &Window<u32>) -> bool {
        if !self.known.add(id) {
            return false;
        }
        self.queue.push_back(id);
        let batch = batches.get(id);
        let done = batches.consumed(id, |p| self.adopted.has(p)) as usize;
        self.pending.count += (batch.txs.len() - done) as u64;
        self.pending.bytes += batch.bytes_of(done..batch.txs.len(), tx_bytes);
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
    pub fn adopt(&mut self, p: PayloadId, blocks: &Blocks, tx_bytes: &Window<u32>, batches: &Batches) {
        if self.adopted.add(p) {
            let (count, bytes) = self.share(p, blocks, tx_bytes, batches);
            self.pending.count -= count;
            self.pending.bytes -= bytes;
        }
    }
    /// A payload leaves the node's chain.
    pub fn revert(&mut self, p: PayloadId, blocks: &Blocks, tx_bytes: &Window<u32>, batches: &Batches) {
        if self.adopted.remove(p) {
            let (count, bytes) = self.share(p, blocks, tx_bytes, batches);
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
    fn share(&self, p: PayloadId, blocks: &Blocks, tx_bytes: &Window<u32>, batches: &Batches) -> (u64, u64) {
        let waits = |s: &&Segment| self.known.has(s.batch) && !self.expired.has(s.batch);
        let known = blocks.segments(p).iter().filter(waits);
        known.fold((0, 0), |(count, bytes), s| {
            let sum = batches.get(s.batch).bytes_of(s.from as usize..s.to as usize, tx_bytes);
            (count + u64::from(s.to - s.from), bytes + sum)
        })
    }
    /// A batch has waited too long: what is left of it is not proposed from here.
    pub fn expire(&mut self, id: BatchId, batches: &Batches, tx_bytes: &Window<u32>) {
        let Some(place) = self.queue.iter().position(|b| *b == id) else { return };
        self.queue.remove(place);
        self.expired.add(id);
        let left = &batches.get(id).txs[self.consumed_to(id, batches) as usize..];
        self.pending.count -= left.len() as u64;
        self.pending.bytes -= left.iter().map(|t| u64::from(tx_bytes[*t])).sum::<u64>();
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
    pub fn collect(&mut self, path: &[PayloadId], limit: u64, batches: &Batches, tx_bytes: &Window<u32>) -> Collected {
        self.drop_settled(batches);
        let mut found = Collected::default();
        for id in &self.queue {
            let batch = batches.get(*id);
            let from = batches.consumed(*id, |p| self.adopted.has(p) || path.contains(&p));
            let mut to = from;
            while let Some(t) = batch.txs.get(to as usize) {
                let bytes = u64::from(tx_bytes[*t]);
                if found.bytes + bytes > limit {
                    break;
                }
                found.bytes += bytes;
                to += 1;
            }
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
