//! Batches: transactions that a gateway sends on together, one table for all nodes.
//!
//! Nothing is known of a single transaction here but its place: what the pools ask of a whole batch - bytes, oldest,
//! youngest, largest - is kept while it fills.

use ledgerlab_consensus::Time;

use super::transactions::{Transaction, Transactions, TxId};
use crate::node::blocks::{PayloadId, Segment};
use crate::node::window::Window;

/// Index of a batch.
pub type BatchId = u32;

/// Transactions that a gateway sends on together.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The gateway's node.
    pub origin: u32,
    /// When the first transaction came.
    pub opened: Time,
    /// Planned submit time of its youngest transaction, once it is closed: with it the last one expires.
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
    /// The oldest transaction that it ever had.
    lowest: TxId,
    /// Bytes of the largest one.
    largest: u32,
}

impl Batch {
    /// Takes a transaction in.
    #[inline]
    pub fn add(&mut self, id: TxId, tx: &Transaction) {
        self.txs.push(id);
        self.bytes += u64::from(tx.bytes);
        self.youngest = self.youngest.max(tx.planned);
        self.lowest = self.lowest.min(id);
        self.largest = self.largest.max(tx.bytes);
    }
    /// It takes in nothing any more.
    pub fn close(&mut self) {
        if self.txs.is_empty() {
            self.youngest = self.opened;
        }
        self.closed = true;
    }
    /// Its oldest transaction; the largest number where it has none.
    pub fn oldest(&self) -> TxId {
        self.lowest
    }
    /// Takes the transactions out that are larger than `most` bytes, and then those that are more than `room`.
    pub fn cut(&mut self, most: u32, room: usize, txs: &Transactions) -> (Vec<TxId>, Vec<TxId>) {
        let too_large: Vec<TxId> =
            if self.largest > most { self.txs.extract_if(.., |t| txs[*t].bytes > most).collect() } else { vec![] };
        let surplus = if room < self.txs.len() { self.txs.split_off(room) } else { vec![] };
        self.bytes -= too_large.iter().chain(&surplus).map(|t| u64::from(txs[*t].bytes)).sum::<u64>();
        (too_large, surplus)
    }
    /// Up to where its transactions from `from` on fit into so many bytes, and what they take.
    pub(super) fn fitting(&self, from: u32, limit: u64, txs: &Transactions) -> (u32, u64) {
        if self.closed && from == 0 && self.bytes <= limit {
            return (self.txs.len() as u32, self.bytes);
        }
        let (mut to, mut taken) = (from, 0);
        for t in self.txs.iter().skip(from as usize) {
            let bytes = u64::from(txs[*t].bytes);
            if taken + bytes > limit {
                break;
            }
            taken += bytes;
            to += 1;
        }
        (to, taken)
    }
    /// Bytes of a part of it.
    pub(super) fn bytes_of(&self, part: std::ops::Range<usize>, txs: &Transactions) -> u64 {
        if self.closed && part == (0..self.txs.len()) {
            return self.bytes;
        }
        self.txs[part].iter().map(|t| u64::from(txs[*t].bytes)).sum()
    }
}

/// All batches.
#[derive(Debug, Default)]
pub struct Batches {
    list: Window<Batch>,
    /// Room of batches that have left memory, for as many as are in it.
    spare: Vec<Vec<TxId>>,
}

impl Batches {
    /// Opens one.
    pub fn open(&mut self, origin: u32, opened: Time) -> BatchId {
        self.list.push(Batch {
            origin,
            opened,
            youngest: Time::ZERO,
            ready: opened,
            closed: false,
            again: None,
            shared: false,
            kept: u32::MAX,
            txs: self.spare.pop().unwrap_or_default(),
            bytes: 0,
            settled: 0,
            included: vec![],
            lowest: TxId::MAX,
            largest: 0,
        }) as BatchId
    }
    /// A batch.
    pub fn get(&self, id: BatchId) -> &Batch {
        &self.list[id]
    }
    /// A batch that still takes transactions in.
    #[inline]
    pub fn filling(&mut self, id: BatchId) -> Option<&mut Batch> {
        self.list.get_mut(u64::from(id)).filter(|b| !b.closed)
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
        while self.list.first() < u64::from(floor)
            && let Some(mut batch) = self.list.take_first()
        {
            batch.txs.clear();
            self.spare.push(batch.txs);
        }
        self.list.forget_below(u64::from(floor));
        self.spare.truncate(self.list.iter().count());
    }
    /// How many of a batch's transactions are in the payloads for which `on_chain` holds.
    pub fn consumed(&self, id: BatchId, on_chain: impl Fn(PayloadId) -> bool) -> u32 {
        let batch = &self.list[id];
        let included = batch.included.iter().filter(|(p, _)| on_chain(*p)).map(|(_, to)| *to).max();
        included.unwrap_or(0).max(batch.settled)
    }
}
