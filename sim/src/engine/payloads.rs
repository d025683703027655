//! Who has which transactions at hand: a replica's questions about payloads, and the copies that answer them.
//!
//! A node holds what it has built, what came with a message, what is on its chain, and what consists of batches in
//! its pool; a crash leaves it its chain. What a replica asks about and the node lacks is asked of the leader first,
//! then of every other node once.

use ledgerlab_consensus::{Digest, Need, NodeId, PayloadRef, Protocol, SharedCertificate, Span, Ticket, Time, Verdict};

use crate::engine::Simulation;
use crate::engine::messages::Cargo;
use crate::engine::shard::Shard;
use crate::engine::step::Input;
use crate::engine::task::Task;
use crate::kernel::queue::Queue;
use crate::node::blocks::{BlockId, PayloadId};
use crate::node::cost::{self, SIGNATURE_BYTES};
use crate::node::mempool::uncommitted_path;

/// Bytes of a request, and of the answer without the payload: a root and a signature.
const REQUEST_BYTES: u64 = 16 + SIGNATURE_BYTES as u64;
/// How long a node waits for an answer before it asks another peer.
const PATIENCE: Span = Span::secs(2);

/// A question of the replica that waits for a payload.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    ticket: Ticket,
    payload: PayloadRef,
    parent: Digest,
    need: Need,
    /// Peers that have been asked.
    asked: u32,
    /// Whoever led when the question came.
    first: NodeId,
    generation: u64,
}

impl Wanted {
    /// The payload's root.
    pub fn root(&self) -> Digest {
        self.payload.root
    }
    /// The block below.
    pub fn parent(&self) -> Digest {
        self.parent
    }
}

impl<P: Protocol> Shard<'_, P> {
    /// Whether a node has a payload's transactions.
    pub fn holds(&self, n: u32, payload: &PayloadRef) -> bool {
        let pool = &self.nodes[n as usize].pool;
        let Some(id) = self.blocks.payload_of(payload.root) else { return false };
        self.nodes[n as usize].held.has(id)
            || pool.has_adopted(id)
            || self.blocks.segments(id).iter().all(|s| pool.knows(s.batch))
    }

    /// A payload has come: the replica's questions about it are answered.
    pub fn hold(&mut self, n: u32, id: PayloadId) {
        self.nodes[n as usize].held.add(id);
        if self.nodes[n as usize].rare.wanted.is_empty() {
            return;
        }
        let root = self.blocks.payload(id).reference.root;
        let answered: Vec<Wanted> =
            self.nodes[n as usize].rare.wanted.extract_if(.., |w| w.payload.root == root).collect();
        answered.iter().for_each(|w| self.conclude(n, w));
    }

    /// The answer about a payload that is at hand.
    pub fn conclude(&mut self, n: u32, w: &Wanted) {
        let good = w.need == Need::Available || self.valid(n, &w.payload, w.parent);
        let verdict = if good { Verdict::Good } else { Verdict::Bad };
        self.nodes[n as usize].local.push_back(Input::Judged { ticket: w.ticket, verdict });
    }

    /// Whether a payload is what its reference says, and takes up each of its batches where the chain below `parent`
    /// has left it: then nothing executes twice or out of turn. It is executed, and billed, when it is adopted.
    fn valid(&self, n: u32, payload: &PayloadRef, parent: Digest) -> bool {
        let Some(id) = self.blocks.payload_of(payload.root) else { return false };
        let chain = &self.nodes[n as usize].chain;
        let on_chain = |id: BlockId| chain.get(self.blocks.block(id).height).is_some_and(|a| a.block == id);
        let path = uncommitted_path(self.blocks, parent, on_chain);
        let Some(joint) = self.blocks.joint(parent, on_chain) else { return false };
        let above = chain.above(self.blocks.block(joint).height + 1);
        let beside: Vec<PayloadId> = above.flat_map(|a| self.blocks.block(a.block).payloads.iter().copied()).collect();
        let pool = &self.nodes[n as usize].pool;
        let below = |p: PayloadId| (pool.has_adopted(p) && !beside.contains(&p)) || path.contains(&p);
        let segments = self.blocks.segments(id).iter();
        self.blocks.payload(id).reference == *payload
            && segments.clone().all(|s| s.from == self.batches.consumed(s.batch, below))
    }

    pub fn verify_votes(&mut self, n: u32, at: Time, ticket: Ticket, (good, work): (bool, Span)) {
        let host = self.host_of(n);
        let done = self.hosts[host].cpu.verify(at, work);
        self.push_task(n, done, Task::Checked { ticket, good });
    }
}

impl<P: Protocol, Q: Queue> Simulation<'_, P, Q> {
    /// Answers whether a payload is at hand, or valid on top of `parent`: at once, or when a peer has sent it.
    pub(super) fn judge(&mut self, n: u32, at: Time, ticket: Ticket, payload: PayloadRef, parent: Digest, need: Need) {
        let node = &mut self.nodes[n as usize];
        let first = node.leader.filter(|l| l.0 != n).unwrap_or(NodeId((n + 1) % node.env.nodes));
        let generation = node.next_generation();
        let w = Wanted { ticket, payload, parent, need, asked: 0, first, generation };
        if self.shard().holds(n, &payload) {
            return self.shard().conclude(n, &w);
        }
        self.nodes[n as usize].rare.wanted.push(w);
        self.ask_for_payload(n, at, generation);
    }

    /// Asks the next peer, or gives up when all have been asked.
    pub(super) fn ask_for_payload(&mut self, n: u32, at: Time, generation: u64) {
        let nodes = self.nodes.len() as u32;
        let list = &mut self.nodes[n as usize].rare.wanted;
        let Some(i) = list.iter().position(|w| w.generation == generation) else { return };
        let w = &mut list[i];
        let mut peer = (w.first.0 + w.asked) % nodes;
        if peer == n {
            w.asked += 1;
            peer = (peer + 1) % nodes;
        }
        if w.asked >= nodes || nodes == 1 {
            let w = list.remove(i);
            let input = Input::Judged { ticket: w.ticket, verdict: Verdict::Unavailable };
            return self.nodes[n as usize].local.push_back(input);
        }
        w.asked += 1;
        let root = w.payload.root;
        self.send_cargo(
            n,
            at,
            NodeId(peer),
            Cargo::PayloadRequest { root, generation },
            REQUEST_BYTES,
            "payload-request",
        );
        self.push_task(n, at + PATIENCE, Task::AskPayload { generation });
    }

    /// Somebody asks for a payload: it goes back if it is at hand, else word that it is not.
    pub(super) fn serve_payload(&mut self, n: u32, from: NodeId, at: Time, root: Digest, generation: u64) {
        let shard = self.shard();
        let held = |id: &PayloadId| shard.holds(n, &shard.blocks.payload(*id).reference);
        let id = shard.blocks.payload_of(root).filter(held);
        let bytes = id.map_or(0, |id| u64::from(self.blocks.payload(id).reference.bytes));
        self.send_cargo(n, at, from, Cargo::Payload { id, generation }, REQUEST_BYTES + bytes, "payload");
    }

    pub(super) fn receive_payload(&mut self, n: u32, at: Time, id: Option<PayloadId>, generation: u64) {
        match id {
            Some(id) => self.shard().hold(n, id),
            None => {
                // The time at which this peer would have been given up is void: the next request has its own.
                let node = &mut self.nodes[n as usize];
                let next = node.next_generation();
                let Some(w) = node.rare.wanted.iter_mut().find(|w| w.generation == generation) else { return };
                w.generation = next;
                self.ask_for_payload(n, at, next);
            }
        }
        self.drain_local(n, at);
    }

    /// A peer has not answered.
    pub(super) fn payload_overdue(&mut self, n: u32, at: Time, generation: u64) {
        self.ask_for_payload(n, at, generation);
        self.drain_local(n, at);
    }

    /// Verifies votes that were delivered unchecked: on the pool's cores, as a certificate.
    pub(super) fn check(&mut self, n: u32, at: Time, ticket: Ticket, certificate: &SharedCertificate) {
        let good = self.meter.signed(certificate);
        let work = cost::verify_certificate(&self.scenario.node, certificate.signers.len());
        // Not at once: what arrives until then goes before.
        self.push_task(n, at, Task::Check { ticket, good, work });
    }
}
