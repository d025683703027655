//! What a run remembers: blocks, payloads, batches and transactions leave memory when their fate is settled
//! everywhere, so that memory does not grow with virtual time.
//!
//! Now and then, at a moment that no host has passed, the tables are swept. A height is *settled* if every node holds
//! the same block there for final; nodes that are down count as long as they will come back. Of each chain the blocks
//! below the settled height go, but for a margin. Blocks go that are older than the oldest one left on a chain and to
//! which nothing else refers: no message on its way, no task, no gateway that waits for replies, no report that is
//! still to be decided; payloads go with the blocks that carry them, batches with payloads and pools, transactions
//! with batches and whoever else holds them. So what goes cannot be asked for again, and a run with sweeps is the run
//! without them, to the digest.
//!
//! What stays in memory: as much as is under way, and as much as came since the slowest node's last final block. During
//! an outage or a partition memory grows with its length, since a node that returns copies the ledger from where it
//! stopped; a node that never returns does not count. A chain that is left below what is remembered ends the run
//! with a verdict: only nodes that revert what every one of them held for final, and the margin below, can do that.

use ledgerlab_consensus::{Digest, Height, NodeId, Protocol, Time, Timer};

use crate::engine::Simulation;
use crate::engine::messages::Cargo;
use crate::engine::task::Task;
use crate::kernel::queue::Queue;
use crate::node::blocks::{BlockId, PayloadId};
use crate::node::mempool::{BatchId, TxId};

/// Blocks below the settled height that are kept, beside twice the depth that makes a block final.
const MARGIN: Height = 16;
/// A sweep comes after so much has happened, or as much as it costs if that is more.
const LEAST: u64 = 4_096;
/// An agenda with fewer entries is not looked through for void ones.
const SHORT_AGENDA: usize = 16;

/// How far the tables have been swept.
#[derive(Debug)]
pub struct Retention {
    /// Blocks that joined a chain, at all nodes together.
    pub appended: u64,
    /// The next sweep comes when so much has happened.
    due: u64,
    /// And this much at least after the last one.
    pub least: u64,
    /// Up to this height every chain is the same and final.
    settled: Height,
    /// A chain was left below what is remembered.
    pub lost: bool,
}

impl Default for Retention {
    fn default() -> Self {
        Retention { appended: 0, due: 0, least: LEAST, settled: 0, lost: false }
    }
}

/// The oldest of each kind to which something refers.
#[derive(Debug)]
struct Oldest {
    height: Height,
    block: BlockId,
    payload: PayloadId,
    batch: BatchId,
    tx: TxId,
    /// Entries that were looked at.
    cost: u64,
}

impl<P: Protocol, Q: Queue> Simulation<'_, P, Q> {
    /// Lets go of what is settled, if enough has happened since the last time.
    pub(super) fn sweep(&mut self, now: Time) {
        self.network.forget_arrivals(now);
        let happened = self.retention.appended + u64::from(self.batches.next_id()) + u64::from(self.txs.ids().1) / 4;
        if happened < self.retention.due {
            return;
        }
        let (cost, least) = (self.sweep_tables(now), self.retention.least);
        self.retention.due = if least == 0 { 0 } else { happened.saturating_add(cost.max(least)) };
    }

    fn sweep_tables(&mut self, now: Time) -> u64 {
        let nodes: Vec<u32> = (0..self.nodes.len() as u32).filter(|n| !self.is_gone(NodeId(*n), now)).collect();
        let Some(first) = nodes.first().copied() else { return 0 };
        self.settle_common(&nodes);
        let mut oldest = Oldest {
            height: self.retention.settled.saturating_sub(MARGIN + 2 * self.meter.depth().unwrap_or(0)),
            block: BlockId::MAX,
            payload: self.blocks.payload_ids().1,
            batch: self.batches.next_id(),
            tx: self.txs.ids().1,
            cost: self.nodes.len() as u64,
        };
        self.roots_on_the_way(&mut oldest);
        self.roots_at_nodes(&nodes, &mut oldest);
        self.roots_in_reports(first, &mut oldest);
        let gone = self.forget_blocks(first, &mut oldest);
        self.forget_transactions(now, &mut oldest);
        self.forget_at_nodes(&gone, &oldest);
        oldest.cost
    }

    /// Whether a node is down and will not come back within the run.
    fn is_gone(&self, n: NodeId, now: Time) -> bool {
        let end = self.end();
        self.network.faults().down(n).iter().any(|w| w.has(now) && w.to > end)
    }

    /// Finds the highest block that is final on every chain: chains are linked, so they are the same below it.
    fn settle_common(&mut self, nodes: &[u32]) {
        let finals = nodes.iter().map(|n| self.nodes[*n as usize].final_height);
        let block = |n: u32, h| self.nodes[n as usize].chain.get(h).map(|a| a.block);
        let same = |h| nodes.iter().all(|n| block(*n, h) == block(nodes[0], h));
        let (mut low, mut high) = (self.retention.settled, finals.min().unwrap_or(0));
        while low < high {
            let middle = (low + high).div_ceil(2);
            if same(middle) { low = middle } else { high = middle - 1 }
        }
        let settled = self.nodes[nodes[0] as usize].chain.above(self.retention.settled + 1);
        settled.take((low - self.retention.settled) as usize).for_each(|a| self.blocks.settle(a.block));
        self.retention.settled = low;
    }

    /// A block to which something refers.
    fn keep_block(&self, id: BlockId, oldest: &mut Oldest) {
        if id == 0 || !self.blocks.keeps(id) {
            return;
        }
        oldest.block = oldest.block.min(id);
        // Nobody knows the height of a block that nobody has adopted.
        let height = self.blocks.block(id).height;
        if height > 0 {
            oldest.height = oldest.height.min(height - 1);
        }
    }

    fn keep_named(&self, digest: Digest, oldest: &mut Oldest) {
        self.blocks.find(digest).into_iter().for_each(|id| self.keep_block(id, oldest));
    }

    fn keep_payload(&self, root: Digest, oldest: &mut Oldest) {
        oldest.payload = self.blocks.payload_of(root).map_or(oldest.payload, |id| oldest.payload.min(id));
    }

    fn keep_batch(&self, id: BatchId, oldest: &mut Oldest) {
        oldest.batch = oldest.batch.min(id).min(self.batches.get(id).again.unwrap_or(id));
    }

    /// Messages, and what hosts have planned.
    fn roots_on_the_way(&self, oldest: &mut Oldest) {
        for cargo in self.messages.cargos() {
            oldest.cost += 1;
            match cargo {
                Cargo::Batch(id) => oldest.batch = oldest.batch.min(*id),
                Cargo::StateRequest { tip: block, .. } | Cargo::Reply { block } | Cargo::ReplyRequest { block } => {
                    self.keep_block(*block, oldest);
                }
                Cargo::State(a) => a.blocks.iter().for_each(|(id, _)| self.keep_block(*id, oldest)),
                Cargo::Payload { id: Some(id), .. } => oldest.payload = oldest.payload.min(*id),
                Cargo::PayloadRequest { root, .. } => self.keep_payload(*root, oldest),
                Cargo::Announce { key } | Cargo::Request { key } => self.keep_named(*key, oldest),
                _ => {}
            }
        }
        for due in self.hosts.iter().flat_map(|h| h.agenda.tasks()) {
            oldest.cost += 1;
            match due.task {
                Task::Flush(id) | Task::Ready(id) => self.keep_batch(id, oldest),
                // A request for replies needs its block as long as the block waits for them, which its node says below.
                Task::Reply { block } => self.keep_block(block, oldest),
                Task::Submit { tx } => oldest.tx = oldest.tx.min(tx),
                _ => {}
            }
        }
        let held = self.gateway.waiting().chain(self.clients.holding());
        let held = held.chain(self.flows.iter().filter_map(crate::engine::offchain::flows::Flow::awaited));
        oldest.tx = held.min().map_or(oldest.tx, |tx| tx.min(oldest.tx));
    }

    /// Nodes: what they wait for, and what waits in their pools.
    fn roots_at_nodes(&mut self, nodes: &[u32], oldest: &mut Oldest) {
        for n in nodes {
            self.nodes[*n as usize].pool.drop_settled(&self.batches);
            let node = &self.nodes[*n as usize];
            node.rare.wanted.iter().for_each(|w| self.keep_payload(w.root(), oldest));
            node.rare.wanted.iter().for_each(|w| self.keep_named(w.parent(), oldest));
            node.rare.build.iter().for_each(|b| self.keep_named(b.parent, oldest));
            node.rare.unreplied.iter().for_each(|b| self.keep_block(*b, oldest));
            let batches = node.rare.own.iter().copied().chain(node.pool.waiting());
            oldest.batch = batches.chain(node.rare.push.unseen.first().copied()).fold(oldest.batch, BatchId::min);
            oldest.cost += (node.rare.own.len() + node.pool.waiting().len()) as u64;
        }
    }

    /// Blocks that are on every chain, and wait for the reports of enough nodes.
    fn roots_in_reports(&self, first: u32, oldest: &mut Oldest) {
        let chain = &self.nodes[first as usize].chain;
        let undecided: Vec<BlockId> = self.meter.undecided().collect();
        for id in undecided {
            let height = self.blocks.block(id).height;
            if chain.get(height).is_some_and(|a| a.block == id) {
                self.keep_block(id, oldest);
            }
        }
        let lowest = chain.get(oldest.height).map_or(0, |a| a.block);
        oldest.block = oldest.block.min(lowest);
    }

    /// Blocks and the payloads that no other block carries; says which blocks were forgotten.
    fn forget_blocks(&mut self, first: u32, oldest: &mut Oldest) -> Vec<Digest> {
        let lowest = self.nodes[first as usize].chain.get(oldest.height).map_or(0, |a| a.block);
        let cutoff = if lowest == 0 { Time::ZERO } else { self.blocks.block(lowest).adopted.unwrap_or(Time::ZERO) };
        let mut gone = vec![];
        while let Some((id, b)) = self.blocks.forget_block(oldest.block) {
            self.meter.block_left(id, self.blocks.made(&b));
            gone.push(b.digest);
        }
        self.meter.forget_blocks(oldest.block);
        let carried = self.blocks.iter().flat_map(|(_, b)| b.payloads.iter().copied()).min();
        oldest.payload = oldest.payload.min(carried.unwrap_or(oldest.payload));
        while let Some((id, p)) = self.blocks.forget_payload(oldest.payload, cutoff) {
            p.segments().iter().for_each(|s| self.batches.forget_payload(s, id, p.settled));
        }
        // Those that are too young stay, and their batches.
        oldest.payload = self.blocks.payload_ids().0;
        gone
    }

    fn forget_transactions(&mut self, now: Time, oldest: &mut Oldest) {
        let parts = self.blocks.all_segments().map(|s| s.batch).min();
        oldest.batch = oldest.batch.min(parts.unwrap_or(oldest.batch));
        self.batches.forget_below(oldest.batch);
        let held = self.batches.iter().map(|b| b.oldest()).min();
        oldest.cost += u64::from(self.batches.next_id() - oldest.batch);
        oldest.tx = oldest.tx.min(held.unwrap_or(oldest.tx));
        oldest.tx = self.meter.forget_transactions(now, oldest.tx, &self.txs);
        self.txs.forget_below(oldest.tx);
        self.clients.forget_below(oldest.tx);
    }

    fn forget_at_nodes(&mut self, gone: &[Digest], oldest: &Oldest) {
        let kept = self.blocks.iter().count();
        for node in &mut self.nodes {
            // A node that never comes back may be below.
            node.chain.forget_below(oldest.height.min(node.height()));
            node.pool.forget_below(oldest.batch, oldest.payload);
            node.held.forget_below(oldest.payload);
            if !node.rare.replies.is_empty() || !node.rare.taken.is_empty() {
                node.rare.replies = node.rare.replies.split_off(&oldest.block);
                node.rare.taken = node.rare.taken.split_off(&oldest.batch);
            }
            gone.iter().for_each(|key| node.fetches.forget(*key));
            // Objects of an overlay that came once more after they were forgotten.
            if node.fetches.len() > 2 * kept + 16 {
                node.fetches.retain(|key| self.blocks.find(key).is_some());
            }
        }
        self.drop_void_tasks();
    }

    /// Timers that were set anew and races that were joined anew leave the agendas before their time.
    fn drop_void_tasks(&mut self) {
        let nodes = &self.nodes;
        for host in self.hosts.iter_mut().filter(|h| h.agenda.len() > SHORT_AGENDA) {
            host.agenda.retain(|n, due| match &due.task {
                Task::Timer { timer, generation } => nodes[n as usize].timers[timer.kind()] == *generation,
                Task::Mined { generation, .. } => nodes[n as usize].mining == *generation,
                _ => true,
            });
        }
    }

    /// A node leaves its chain below what is remembered: nothing joins that chain any more, and the run ends at the
    /// horizon.
    pub(super) fn lose_chain(&mut self, n: u32, at: Time, height: Height) {
        let kept = self.nodes[n as usize].chain.first();
        self.meter.chain_lost(at, NodeId(n), height, kept);
        self.nodes[n as usize].rare.lost = true;
        self.retention.lost = true;
    }

    /// Blocks, payloads, batches and transactions in memory.
    #[cfg(test)]
    pub(super) fn kept(&self) -> [usize; 4] {
        let (payloads, txs) = (self.blocks.payload_ids(), self.txs.ids());
        let span = |(first, next): (u32, u32)| (next - first) as usize;
        [self.blocks.iter().count(), span(payloads), self.batches.iter().count(), span(txs)]
    }
}

#[cfg(test)]
mod tests;
