//! All transactions of a run, one table for all nodes.
//!
//! What every transaction has takes one row of 16 bytes; when its object was stored is a column of its own, as long as
//! there are objects.

use std::ops::Index;

use ledgerlab_consensus::Time;

use crate::node::bits::Bits;
use crate::node::window::Window;

/// Index of a transaction.
pub type TxId = u32;

/// What is known of a transaction when it is submitted.
#[derive(Clone, Copy, Debug)]
pub struct Transaction {
    /// Planned submit time.
    pub planned: Time,
    /// Bytes on chain.
    pub bytes: u32,
    /// Workload of the scenario.
    pub workload: u16,
    /// Kind of record within the workload.
    pub kind: u8,
}

/// All transactions.
#[derive(Debug, Default)]
pub struct Transactions {
    /// What they are: 16 bytes each.
    rows: Window<Transaction>,
    /// When their objects were stored, up to the last one that has an object; time zero for those without.
    stored: Window<Time>,
    /// Whether it may be in more than one batch.
    pub resubmitted: Bits,
}

impl Index<TxId> for Transactions {
    type Output = Transaction;
    #[inline]
    fn index(&self, tx: TxId) -> &Transaction {
        &self.rows[tx]
    }
}

impl Transactions {
    /// Adds one.
    #[inline]
    pub fn push(&mut self, tx: Transaction) -> TxId {
        self.rows.push(tx) as TxId
    }
    /// From this one on, in the order in which they were added.
    pub fn above(&self, tx: TxId) -> impl Iterator<Item = &Transaction> {
        self.rows.above(u64::from(tx))
    }
    /// When its object was stored; the planned time where it has none.
    #[inline]
    pub fn stored(&self, tx: TxId) -> Time {
        let planned = self.rows[tx].planned;
        self.stored.get(u64::from(tx)).map_or(planned, |at| planned.max(*at))
    }
    /// Its object is stored.
    pub fn set_stored(&mut self, tx: TxId, at: Time) {
        if self.stored.end() < self.rows.first() {
            self.stored = Window::starting_at(self.rows.first());
        }
        while self.stored.end() <= u64::from(tx) {
            self.stored.push(Time::ZERO);
        }
        self.stored[tx] = at;
    }
    /// Clients submit these again, elsewhere.
    pub fn mark_resubmitted(&mut self, txs: &[TxId]) {
        for t in txs {
            self.resubmitted.add(*t);
        }
    }
    /// Numbers of the oldest one that is in memory and of the next one.
    pub fn ids(&self) -> (TxId, TxId) {
        (self.rows.first() as TxId, self.rows.end() as TxId)
    }
    /// Nobody asks for what is older than `floor` any more.
    pub fn forget_below(&mut self, floor: TxId) {
        self.rows.forget_below(u64::from(floor));
        self.stored.forget_below(u64::from(floor));
        self.resubmitted.forget_below(floor);
    }
}
