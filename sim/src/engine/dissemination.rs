//! The way of batches from a gateway to whoever may propose them: pushed to the leader, or by gossip to everybody.

use ledgerlab_consensus::{NodeId, PayloadRef, Protocol, Time};

use crate::engine::Simulation;
use crate::engine::host::Push;
use crate::engine::messages::Cargo;
use crate::engine::shard::{Flow, Halt, Shard};
use crate::engine::step::Input;
use crate::engine::task::Task;
use crate::kernel::queue::Queue;
use crate::node::mempool::BatchId;
use crate::scenario::Dissemination;

/// A gateway has at most so many blocks' worth of batches on their way to the leader.
const WINDOW_BLOCKS: u64 = 2;
/// Bytes of a batch beyond its transactions: origin, number, count, root.
const BATCH_HEADER_BYTES: u64 = 4 + 8 + 4 + 16;

impl<P: Protocol> Shard<'_, P> {
    /// The chain has lost a batch of the own clients that the pool has lost in a crash before: they submit it again.
    pub fn submit_again(&mut self, n: u32, at: Time, id: BatchId) {
        self.take_in(n, at, id);
        self.pass_on(n, at, id);
    }

    /// An own batch goes to whoever may propose it, and is looked after from now on.
    pub fn pass_on(&mut self, n: u32, at: Time, id: BatchId) {
        match self.scenario.mempool.dissemination {
            Dissemination::LeaderPush => self.push_on(n, at),
            Dissemination::Gossip => self.gossip_batch(n, None, at, id),
        }
        self.start_retrying(n, at);
    }

    /// Looks after own batches from now on.
    fn start_retrying(&mut self, n: u32, at: Time) {
        if !std::mem::replace(&mut self.nodes[n as usize].rare.retrying, true) {
            self.push_task(n, at + self.scenario.mempool.client_timeout, Task::Retry);
        }
    }

    /// A batch joins the pool: the replica hears of work if there was none, and a build that waits may be answered.
    pub fn take_in(&mut self, n: u32, at: Time, id: BatchId) -> bool {
        let node = &mut self.nodes[n as usize];
        let idle = node.pool.pending().count == 0;
        let fresh = node.pool.add(id, self.batches, self.txs);
        if fresh && idle && node.pool.pending().count > 0 {
            node.local.push_back(Input::Work);
        }
        let expiry = self.scenario.mempool.expiry;
        if fresh && expiry.0 != u64::MAX {
            self.push_task(n, at.max(self.batches.get(id).youngest + expiry), Task::Expire(id));
        }
        fresh
    }

    pub fn send_batch(&mut self, n: u32, to: NodeId, at: Time, id: BatchId) {
        let bytes = self.batches.get(id).bytes + BATCH_HEADER_BYTES;
        self.send_cargo(n, at, to, Cargo::Batch(id), bytes, "batch");
    }

    fn gossip_batch(&mut self, n: u32, from: Option<NodeId>, at: Time, id: BatchId) {
        let bytes = self.batches.get(id).bytes + BATCH_HEADER_BYTES;
        let mut peers = std::mem::take(&mut self.desk.peers);
        peers.clear();
        peers.extend(self.network.overlay().neighbours(NodeId(n)).iter().filter(|p| Some(**p) != from));
        self.send_cargo_to(n, at, &peers, &Cargo::Batch(id), bytes, "batch");
        self.desk.peers = peers;
    }

    pub fn receive_batch(&mut self, n: u32, from: NodeId, at: Time, id: BatchId) -> Flow {
        let fresh = self.take_in(n, at, id);
        let relays = self.scenario.mempool.dissemination == Dissemination::Gossip && self.scenario.network.degree > 0;
        if fresh && relays {
            self.gossip_batch(n, Some(from), at, id);
        }
        if self.nodes[n as usize].rare.build.is_some() {
            return self.halt(Halt::Build { node: n, at, fresh });
        }
        // A batch that is known changes nothing, neither here nor in what the replica says of itself.
        if fresh || !self.nodes[n as usize].local.is_empty() { self.drain_local(n, at) } else { Ok(()) }
    }

    /// The replica names another leader: it gets everything of the own clients that is not on chain.
    pub fn push_to_new_leader(&mut self, n: u32, at: Time) {
        if self.scenario.mempool.dissemination != Dissemination::LeaderPush {
            return;
        }
        self.nodes[n as usize].rare.push = Push::default();
        self.push_on(n, at);
    }

    /// Sends own batches to the leader, oldest first, as long as less than a window of them has not shown up in a
    /// proposal: a leader that has more to order than it can is not flooded.
    pub fn push_on(&mut self, n: u32, at: Time) {
        if self.scenario.mempool.dissemination != Dissemination::LeaderPush {
            return;
        }
        let window = WINDOW_BLOCKS * u64::from(self.scenario.settings.block_bytes);
        loop {
            let node = &mut self.nodes[n as usize];
            let Some(leader) = node.leader.filter(|l| l.0 != n) else { return };
            let Some(id) = node.rare.own.get(node.rare.push.sent).copied().filter(|b| node.pool.knows(*b)) else {
                return;
            };
            if node.rare.push.unseen_bytes >= window {
                return;
            }
            node.rare.push.sent += 1;
            node.rare.push.unseen.insert(id);
            node.rare.push.unseen_bytes += self.batches.get(id).bytes;
            self.send_batch(n, leader, at, id);
        }
    }

    /// A proposal shows these payloads: own batches in them have arrived.
    pub fn see_proposed(&mut self, n: u32, at: Time, payloads: &[PayloadRef]) {
        if self.nodes[n as usize].rare.push.unseen.is_empty() {
            return;
        }
        for p in payloads.iter().filter_map(|p| self.blocks.payload_of(p.root)) {
            for s in self.blocks.segments(p) {
                let whole = s.to as usize == self.batches.get(s.batch).txs.len();
                let push = &mut self.nodes[n as usize].rare.push;
                if whole && push.unseen.remove(&s.batch) {
                    push.unseen_bytes -= self.batches.get(s.batch).bytes;
                }
            }
        }
        self.push_on(n, at);
    }

    /// The oldest own batch is wholly on chain.
    pub fn drop_own(&mut self, n: u32) {
        let node = &mut self.nodes[n as usize];
        let Some(id) = node.rare.own.pop_front() else { return };
        let batch = self.batches.get(id);
        node.rare.own_pending -= batch.txs.len() as u64;
        node.rare.push.sent = node.rare.push.sent.saturating_sub(1);
        if node.rare.push.unseen.remove(&id) {
            node.rare.push.unseen_bytes -= batch.bytes;
        }
    }
}

impl<P: Protocol, Q: Queue> Simulation<'_, P, Q> {
    /// A batch is verified: it joins the own pool and goes to whoever may propose it.
    pub(super) fn batch_ready(&mut self, n: u32, at: Time, id: BatchId) {
        self.batches.get_mut(id).ready = at;
        self.local(|s| {
            s.take_in(n, at, id);
            s.pass_on(n, at, id);
        });
        self.try_build(n, at);
        self.drain_local(n, at);
    }

    /// What is left of a batch is given up here; a replica that waits for nothing else is told.
    pub(super) fn expire(&mut self, n: u32, at: Time, id: BatchId) {
        let node = &mut self.nodes[n as usize];
        node.pool.expire(id, &self.batches, &self.txs);
        if node.pool.pending().count == 0 {
            node.local.push_back(Input::Work);
        }
        while let Some(own) = self.nodes[n as usize].rare.own.front().copied() {
            if self.batches.get(own).youngest + self.scenario.mempool.expiry > at {
                break;
            }
            self.shard().drop_own(n);
        }
        self.drain_local(n, at);
    }

    /// A peer is back: what was sent to it may be lost, and what it held of others is, if it crashed. It gets again
    /// what it should have of the own clients.
    pub(super) fn push_again(&mut self, n: u32, peer: NodeId, at: Time) {
        let node = &mut self.nodes[n as usize];
        let leads = node.leader == Some(peer);
        if node.replica.is_none() {
            return;
        }
        let gossips = self.scenario.mempool.dissemination == Dissemination::Gossip;
        if !gossips && leads {
            node.rare.push = Push::default();
            return self.local(|s| s.push_on(n, at));
        }
        let meant = |b: &BatchId| gossips || self.batches.get(*b).shared;
        let own: Vec<BatchId> = node.rare.own.iter().copied().filter(|b| node.pool.knows(*b)).filter(meant).collect();
        if !gossips || self.network.overlay().neighbours(NodeId(n)).contains(&peer) {
            self.local(|s| own.into_iter().for_each(|b| s.send_batch(n, peer, at, b)));
        }
    }

    /// Batches that have waited as long as a client would go to everybody, as a PBFT client's request does.
    pub(super) fn retry_batches(&mut self, n: u32, at: Time) {
        let timeout = self.scenario.mempool.client_timeout;
        let node = &self.nodes[n as usize];
        let late = |b: &&BatchId| node.pool.knows(**b) && self.batches.get(**b).ready + timeout <= at;
        let own: Vec<BatchId> = node.rare.own.iter().take_while(late).copied().collect();
        if self.scenario.mempool.dissemination == Dissemination::LeaderPush {
            let peers: Vec<u32> = (0..self.nodes.len() as u32).filter(|p| *p != n).collect();
            for b in own.iter().filter(|b| !self.batches.get(**b).shared).copied().collect::<Vec<_>>() {
                let batch = self.batches.get_mut(b);
                batch.shared = true;
                self.meter.shared(batch.opened, batch.txs.len() as u64, batch.bytes, peers.len() as u64);
                self.local(|s| peers.iter().for_each(|p| s.send_batch(n, NodeId(*p), at, b)));
            }
        }
        let waits = !self.nodes[n as usize].rare.own.is_empty();
        self.nodes[n as usize].rare.retrying = waits;
        if waits {
            self.push_task(n, at + timeout, Task::Retry);
        }
    }
}
