//! What clients plan up to a time, taken in at once: each transaction gets its row and its place in a batch, and what is
//! counted for each of them is counted for all of them together.

use std::cmp::Reverse;

use ledgerlab_consensus::{NodeId, Protocol, Time};
use ledgerlab_workloads::{Arrival, Operation};

use super::NONE;
use crate::engine::{PLAN, Simulation};
use crate::kernel::queue::Queue;
use crate::node::mempool::{BatchId, Transaction, TxId};

/// About so many arrivals are taken in at once.
const DUE: usize = 128;

impl<P: Protocol, Q: Queue> Simulation<'_, P, Q> {
    /// Takes in everything that clients plan up to `until`.
    pub(in crate::engine) fn ingest(&mut self, until: Time) {
        let author = std::mem::replace(&mut self.author, PLAN);
        self.ingest_planned(until);
        self.author = author;
    }

    fn ingest_planned(&mut self, until: Time) {
        let (_, first) = self.txs.ids();
        let mut due = std::mem::take(&mut self.gateway.due);
        loop {
            self.gateway.arrivals.take_until(until.0, DUE, &mut due);
            if due.is_empty() {
                break;
            }
            for a in due.drain(..) {
                self.submit_delayed(Time(a.at_ns));
                match a.operation {
                    Operation::Write => self.plan(&a),
                    Operation::Read => self.read(&a),
                }
            }
        }
        self.submit_delayed(Time(until.0.saturating_add(1)));
        self.gateway.due = due;
        self.gateway.next = self.gateway.find_next();
        self.meter.created(first, &self.txs);
    }

    /// Transactions whose objects are stored before `end` go to their gateways.
    #[inline]
    fn submit_delayed(&mut self, end: Time) {
        while self.gateway.delayed.peek().is_some_and(|d| d.0.0 < end) {
            let Some(Reverse((at, _, hospital, tx))) = self.gateway.delayed.pop() else { return };
            self.submit_stored(hospital, at, tx);
        }
    }

    /// A client has a record: its object is stored first, then the transaction is submitted.
    #[inline]
    fn plan(&mut self, a: &Arrival) {
        let planned = Time(a.at_ns);
        let placement = self.storage.placement(a);
        let (bytes, workload, kind) = (placement.chain_bytes, a.workload, a.kind);
        let row = Transaction { planned, bytes, workload, kind };
        let tx = self.txs.push(row);
        let number = self.gateway.planned;
        self.gateway.planned += 1;
        let Some(object) = placement.offchain else { return self.submit(a.hospital, planned, (tx, &row)) };
        let draw = self.storage_draws.at(number, 0);
        match self.store_object(object, tx, (self.gateway.home(a.hospital), planned), draw) {
            Some(ready) if ready == planned => self.submit_stored(a.hospital, planned, tx),
            Some(ready) => {
                self.gateway.number += 1;
                self.gateway.delayed.push(Reverse((ready, self.gateway.number, a.hospital, tx)));
            }
            None => {}
        }
    }

    /// A transaction whose object is stored is submitted.
    fn submit_stored(&mut self, hospital: u32, at: Time, tx: TxId) {
        let row = self.txs[tx];
        self.submit(hospital, at, (tx, &row));
    }

    /// In line, as what follows: a call costs a quarter of what is to be done.
    #[inline(always)]
    fn submit(&mut self, hospital: u32, planned: Time, (tx, row): (TxId, &Transaction)) {
        let home = self.gateway.home(hospital);
        let (node, at) = self.reachable(hospital, home, planned);
        if at == planned {
            self.enqueue(node, at, tx, row);
        } else {
            self.batch_at(node, at, vec![tx]);
        }
    }

    /// Adds a transaction to the node's open batch; a full batch leaves at once.
    #[inline(always)]
    fn enqueue(&mut self, node: NodeId, at: Time, tx: TxId, row: &Transaction) {
        let full = u64::from(self.scenario.mempool.batch_bytes);
        let (id, last) = self.gateway.open[node.0 as usize];
        let open = if at <= last { self.batches.filling(id) } else { None };
        let (id, batch) = match open {
            Some(batch) => (id, batch),
            None => {
                let id = self.open_batch(node, at);
                (id, self.batches.get_mut(id))
            }
        };
        batch.add(tx, row);
        if batch.bytes >= full {
            self.gateway.open[node.0 as usize] = NONE;
            self.push_flush(node.0, at, id);
        }
    }

    fn open_batch(&mut self, node: NodeId, at: Time) -> BatchId {
        let (id, last) = (self.batches.open(node.0, at), at + self.scenario.mempool.batch_delay);
        self.gateway.open[node.0 as usize] = (id, last);
        self.push_flush(node.0, last, id);
        id
    }
}
