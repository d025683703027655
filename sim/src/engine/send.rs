//! The sending half: gates, and what goes to the network card.

use ledgerlab_consensus::types::mix64;
use ledgerlab_consensus::{
    Claim, Effects, Gate, Lane, LogSeq, Message, NodeId, PayloadRef, Protocol, Span, Time, To, Wire,
};

use crate::engine::Simulation;
use crate::engine::messages::{Cargo, Envelope, Header};
use crate::engine::offchain::PROVIDER;
use crate::kernel::queue::{Origin, Queue};
use crate::network::others;
use crate::node::cost::{self, Cost, ENVELOPE_BYTES};
use crate::scenario::Dissemination;

/// A message that waits for a record to become durable.
#[derive(Clone, Debug)]
pub struct Gated<M> {
    after: LogSeq,
    to: Recipients,
    message: M,
    lane: Lane,
    cost: Cost,
}

/// Recipients with a list of their own.
#[derive(Clone, Debug)]
pub enum Recipients {
    One(NodeId),
    All,
    Set(Vec<NodeId>),
    Overlay,
}

impl<P: Protocol, Q: Queue> Simulation<'_, P, Q> {
    #[expect(clippy::too_many_arguments, reason = "the fields of one effect, with its cost and lists")]
    pub(super) fn send_gated(
        &mut self,
        n: u32,
        at: Time,
        to: To,
        message: P::Message,
        lane: Lane,
        gate: Gate,
        cost: Cost,
        lists: &Effects<P>,
    ) {
        let to = match to {
            To::One(peer) => Recipients::One(peer),
            To::All => Recipients::All,
            To::Set(list) => Recipients::Set(lists.nodes(list).to_vec()),
            To::Topic(_) => Recipients::Overlay,
        };
        let node = &mut self.nodes[n as usize];
        self.meter.check_durability(at, NodeId(n), node.env.key, &message, gate != Gate::Now);
        match gate {
            Gate::After(after) if after > node.durable => {
                // The own next block may be built on it before it has left.
                if let Some((block, parent)) = message.proposes() {
                    let mut carried: Vec<PayloadRef> = vec![];
                    message.carries(&mut |p| carried.push(p));
                    self.blocks.intern(block, parent, &carried);
                }
                node.gated.push_back(Gated { after, to, message, lane, cost });
            }
            _ => self.send_own(n, at, &to, message, lane, cost),
        }
    }

    pub(super) fn release_gated(&mut self, n: u32, at: Time) {
        let durable = self.nodes[n as usize].durable;
        while let Some(g) = self.nodes[n as usize].gated.pop_front_if(|g| g.after <= durable) {
            self.send_own(n, at, &g.to, g.message, g.lane, g.cost);
        }
    }

    /// Sends a message whose own claims are made by leaving; a served object repeats old ones.
    fn send_own(&mut self, n: u32, at: Time, to: &Recipients, message: P::Message, lane: Lane, cost: Cost) {
        let key = self.nodes[n as usize].env.key;
        message.claims(&mut |claim| match claim {
            Claim::Signed { by, what } if Some(by) == key => {
                self.meter.stated(at, NodeId(n), by, &what);
                self.probe.on_statement(at, NodeId(n), &what);
            }
            _ => {}
        });
        self.send(n, at, to, message, lane, cost);
    }

    /// Sends a protocol's message.
    pub(super) fn send(&mut self, n: u32, at: Time, to: &Recipients, message: P::Message, lane: Lane, cost: Cost) {
        let mut carried: Vec<PayloadRef> = vec![];
        message.carries(&mut |p| carried.push(p));
        if let Some((block, parent)) = message.proposes() {
            self.blocks.intern(block, parent, &carried);
        }
        let to = match (to, message.key()) {
            (Recipients::Overlay, Some(key)) => return self.announce(n, at, key, &message, cost),
            (Recipients::Overlay, None) => &Recipients::Set(self.network.overlay().neighbours(NodeId(n)).to_vec()),
            (to, _) => to,
        };
        let (mut bytes, mut count) = (0, 0);
        for p in &carried {
            bytes += u64::from(p.bytes);
            count += u64::from(p.count);
            self.stamp_proposal(n, at, p);
        }
        let spec = &self.scenario.node;
        let divided = match self.scenario.mempool.dissemination {
            Dissemination::LeaderPush => cost::of_transactions(spec, count, bytes),
            // Client signatures were verified when the batches came by gossip.
            Dissemination::Gossip => cost::hashing(spec, bytes),
        };
        self.scratch.clear();
        message.encode(&mut self.scratch);
        let content = ledgerlab_consensus::Hashing::Mix.digest(&self.scratch).fold();
        let kind = message.kind();
        let size = u64::from(ENVELOPE_BYTES + message.body_bytes() + cost.proof_bytes) + bytes;
        let header = Header {
            origin: Origin::new(n, self.nodes[n as usize].next_sequence()),
            sender: NodeId(n),
            lane,
            bytes: u32::try_from(size).expect("a message is smaller than 4 GiB"),
            upload: Span::ZERO,
            verify: cost.verify,
            divided,
            content,
            plain: carried.is_empty() && message.key().is_none(),
        };
        let envelope = Envelope { header, cargo: Cargo::Protocol, left: 1 };
        self.send_envelope(n, at, to, envelope, Some(message), kind);
    }

    pub(super) fn stamp_proposal(&mut self, n: u32, at: Time, p: &PayloadRef) {
        let Some(id) = self.blocks.payload_of(p.root) else { return };
        let payload = self.blocks.payload_mut(id);
        if payload.proposed.is_none() {
            payload.proposed = Some(at);
            self.probe.on_proposal(at, NodeId(n), p.root);
        }
    }

    /// Sends a host's own message to one node.
    pub(super) fn send_cargo(&mut self, n: u32, at: Time, to: NodeId, cargo: Cargo, bytes: u64, kind: &'static str) {
        let envelope = self.envelope_of(n, cargo, bytes);
        self.send_envelope(n, at, &Recipients::One(to), envelope, None, kind);
    }

    /// Sends a host's own message to these nodes, as one message to each.
    pub(super) fn send_cargo_to(
        &mut self,
        n: u32,
        at: Time,
        to: &[NodeId],
        cargo: &Cargo,
        bytes: u64,
        kind: &'static str,
    ) {
        if to.is_empty() || !self.streams(n) {
            return to.iter().for_each(|peer| self.send_cargo(n, at, *peer, cargo.clone(), bytes, kind));
        }
        let envelope = self.envelope_of(n, cargo.clone(), bytes);
        self.nodes[n as usize].sequence += to.len() as u64 - 1;
        let handle = self.messages.insert(envelope, None);
        self.spread(n, at, to, handle, kind);
        self.messages.release(handle);
    }

    /// A host's own message, with the next of its sender's numbers.
    fn envelope_of(&mut self, n: u32, cargo: Cargo, bytes: u64) -> Envelope {
        let divided = match &cargo {
            Cargo::Batch(b) => cost::of_transactions(&self.scenario.node, self.batches.get(*b).txs.len() as u64, bytes),
            Cargo::Payload { id: Some(id), .. } => {
                let count = u64::from(self.blocks.payload(*id).reference.count);
                cost::of_transactions(&self.scenario.node, count, bytes)
            }
            Cargo::State(_) => cost::hashing(&self.scenario.node, bytes),
            _ => Span::ZERO,
        };
        let lane = if matches!(cargo, Cargo::Chunk { .. } | Cargo::ReadRequest { .. }) {
            Lane::Offchain
        } else if matches!(
            cargo,
            Cargo::Announce { .. } | Cargo::Request { .. } | Cargo::StateRequest { .. } | Cargo::PayloadRequest { .. }
        ) {
            Lane::Vote
        } else {
            Lane::Bulk
        };
        // Every message pays for the authentication of its channel. None is cheaper than a vote: see `verify`.
        let verify = self.scenario.node.crypto.verify;
        let sequence = self.nodes[n as usize].next_sequence();
        let size = u64::from(ENVELOPE_BYTES) + bytes;
        let bytes_on_wire = u32::try_from(size).expect("a message is smaller than 4 GiB");
        let header = Header {
            origin: Origin::new(n, sequence),
            sender: NodeId(n),
            lane,
            bytes: bytes_on_wire,
            upload: self.network.upload_time(self.nodes[n as usize].host, bytes_on_wire),
            verify,
            divided,
            content: mix64(bytes ^ mix64(self.cargo_content(&cargo))),
            plain: false,
        };
        Envelope { header, cargo, left: 1 }
    }

    /// What a host's own message says, for the digest.
    fn cargo_content(&self, cargo: &Cargo) -> u64 {
        let (kind, what) = match cargo {
            Cargo::Protocol => (0, 0),
            Cargo::Batch(id) => {
                let batch = self.batches.get(*id);
                (1, mix64(batch.opened.0) ^ u64::from(batch.origin) << 32 ^ batch.txs.len() as u64)
            }
            Cargo::Announce { key } => (2, key.fold()),
            Cargo::Request { key } => (3, key.fold()),
            Cargo::StateRequest { tip, .. } => (4, self.blocks.block(*tip).digest.fold()),
            Cargo::State(a) => (5, a.tip.block.fold() ^ a.blocks.len() as u64),
            Cargo::PayloadRequest { root, .. } => (8, root.fold()),
            Cargo::Payload { id, .. } => (9, id.map_or(0, |id| self.blocks.payload(id).reference.root.fold())),
            Cargo::Reply { block } => (10, self.blocks.block(*block).digest.fold()),
            Cargo::ReplyRequest { block } => (11, self.blocks.block(*block).digest.fold()),
            Cargo::Chunk { last, .. } => (6, u64::from(*last)),
            Cargo::ReadRequest { .. } => (7, 0),
        };
        mix64(kind) ^ what
    }

    fn send_envelope(
        &mut self,
        n: u32,
        at: Time,
        to: &Recipients,
        mut envelope: Envelope,
        body: Option<P::Message>,
        kind: &'static str,
    ) {
        let header = &mut envelope.header;
        header.upload = self.network.upload_time(self.nodes[n as usize].host, header.bytes);
        // The sender's own reference keeps the message while copies are made.
        let handle = self.messages.insert(envelope, body);
        let nodes = self.nodes.len() as u32;
        match to {
            Recipients::One(peer) => self.send_copy(n, at, *peer, handle, kind),
            Recipients::Set(list) => list.iter().for_each(|peer| self.send_copy(n, at, *peer, handle, kind)),
            Recipients::All if self.streams(n) => self.broadcast(n, at, handle, kind),
            Recipients::All => {
                others(NodeId(n), nodes).for_each(|peer| self.send_copy(n, at, peer, handle, kind));
            }
            Recipients::Overlay => unreachable!("gossip is announced"),
        }
        self.messages.release(handle);
    }

    fn send_copy(&mut self, n: u32, at: Time, to: NodeId, handle: u32, kind: &'static str) {
        if to.0 == n || (to != PROVIDER && to.0 as usize >= self.nodes.len()) {
            return;
        }
        let bytes = self.messages.header(handle).bytes;
        self.messages.count(kind, bytes, 1);
        self.probe.on_send(at, NodeId(n), to, kind, bytes);
        self.messages.retain(handle);
        let host = self.nodes[n as usize].host as usize;
        if to != PROVIDER && self.nodes[to.0 as usize].host as usize == host {
            return self.travel(NodeId(n), to, (at, at), handle);
        }
        self.hand_over(n, at, to, handle);
    }
}
