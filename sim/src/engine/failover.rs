//! Clients and gateways that fail: who takes over which transactions, and who answers for them.

use ledgerlab_consensus::{NodeId, Protocol, Time};

use crate::engine::Simulation;
use crate::kernel::queue::Queue;
use crate::node::blocks::BlockId;
use crate::node::mempool::{BatchId, TxId};

impl<P: Protocol, Q: Queue> Simulation<'_, P, Q> {
    /// The clients of a crashed node turn to the next one with everything that is not on chain.
    pub(super) fn fail_over(&mut self, n: u32, at: Time) {
        let node = &mut self.nodes[n as usize];
        node.rare.own_pending = 0;
        node.rare.taken.clear();
        let own = std::mem::take(&mut node.rare.own);
        for id in own {
            let kept = self.nodes[n as usize].pool.consumed_to(id, &self.batches);
            let batch = self.batches.get_mut(id);
            batch.kept = kept;
            let txs = batch.txs[kept as usize..].to_vec();
            let again = self.resubmit(n, at, txs);
            if let Some(again) = again {
                self.batches.get_mut(again).again = Some(id);
            }
        }
        let unanswered = self.unanswered(n);
        self.resubmit(n, at, unanswered);
    }

    /// The same transactions wait in this node's pool already, in the batch of the node that crashed, and none of them
    /// is on its chain: it answers for that batch from now on.
    pub(super) fn take_over(&mut self, n: u32, id: BatchId) -> Option<BatchId> {
        let first = self.batches.get(id).again?;
        let pool = &self.nodes[n as usize].pool;
        let untouched = self.batches.get(first).kept == 0 && pool.consumed_to(first, &self.batches) == 0;
        if !untouched || !pool.knows(first) {
            return None;
        }
        self.batches.get_mut(id).txs.clear();
        let count = self.batches.get(first).txs.len() as u64;
        let node = &mut self.nodes[n as usize];
        node.rare.own_pending += count;
        node.rare.taken.insert(first);
        node.rare.own.push_back(first);
        Some(first)
    }

    /// Clients of a node that is down turn to the next one.
    pub(super) fn resubmit(&mut self, n: u32, at: Time, txs: Vec<TxId>) -> Option<BatchId> {
        let (node, when) = self.reachable(self.gateway.organisation_of(n), NodeId(n), at);
        let when = when.max(at + self.scenario.mempool.failover);
        self.txs.mark_resubmitted(&txs);
        txs.iter().for_each(|tx| self.client_turned(*tx, node));
        self.batch_at(node, when, txs)
    }

    /// A block is final at a node: its own clients learn it there.
    pub(super) fn answer_clients(&mut self, n: u32, block: BlockId, at: Time) {
        for p in self.blocks.block(block).payloads.clone() {
            for i in 0..self.blocks.segments(p).len() {
                let s = self.blocks.segments(p)[i];
                let batch = self.batches.get(s.batch);
                let upto = match () {
                    () if self.nodes[n as usize].rare.taken.contains(&s.batch) => s.to,
                    () if batch.origin == n => s.to.min(batch.kept),
                    () => continue,
                };
                self.answer(n, s.batch, s.from..upto.max(s.from), at);
            }
        }
    }
}
