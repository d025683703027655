//! The sending half: gates, and what goes to the network card.

use ledgerlab_consensus::types::mix64;
use ledgerlab_consensus::{
    Claim, Digest, Gate, Lane, LogSeq, Message, NodeId, PayloadRef, Protocol, Span, Time, To, Wire,
};

use crate::check::Violation;
use crate::engine::messages::{Cargo, Envelope, Header};
use crate::engine::outbox::{Letter, Post, Proposed};
use crate::engine::shard::Shard;
use crate::kernel::queue::Origin;
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

impl<P: Protocol> Shard<'_, P> {
    /// Sends a message of the step that is being carried out, when its record is durable.
    pub fn send_gated(&mut self, n: u32, at: Time, to: To, message: P::Message, lane: Lane, gate: Gate) {
        let cost = self.desk.step.next_cost();
        let to = match to {
            To::One(peer) => Recipients::One(peer),
            To::All => Recipients::All,
            To::Set(list) => Recipients::Set(self.desk.step.effects.nodes(list).to_vec()),
            To::Topic(_) => Recipients::Overlay,
        };
        if gate == Gate::Now && !P::INFO.exclusive.is_empty() {
            self.check_durability(n, at, &message);
        }
        let node = &mut self.nodes[n as usize];
        match gate {
            Gate::After(after) if after > node.durable => {
                node.gated.push_back(Gated { after, to, message, lane, cost });
                // The own next block may be built on it before it has left.
                if let Some(waiting) = self.nodes[n as usize].gated.back()
                    && let Some(block) = waiting.message.proposes()
                {
                    let mut carried: Vec<PayloadRef> = vec![];
                    waiting.message.carries(&mut |p| carried.push(p));
                    self.post_proposal(n, at, Some(block), carried, false);
                }
            }
            _ => self.send_own(n, at, &to, message, lane, cost),
        }
    }

    /// A message is handed to the host at once: what binds its signer must wait for its record to be durable.
    fn check_durability(&mut self, n: u32, at: Time, message: &P::Message) {
        let key = self.nodes[n as usize].env.key;
        message.claims(&mut |claim| {
            let Claim::Signed { by, what } = claim else { return };
            if Some(by) == key && P::INFO.exclusive.contains(&what.kind) {
                let what = format!("an exclusive statement of kind {} does not wait for its record", what.kind);
                let violation = Violation { check: "durability", at, node: Some(NodeId(n)), what };
                self.desk.out.posts.push(Post::Violation(Box::new(violation)));
            }
        });
    }

    /// The first time that a block is proposed the tables must know it before anybody goes on.
    fn post_proposal(
        &mut self,
        n: u32,
        at: Time,
        block: Option<(Digest, Digest)>,
        carried: Vec<PayloadRef>,
        left: bool,
    ) {
        let block = block.filter(|(block, _)| self.blocks.find(*block).is_none());
        let payloads = carried.iter().filter_map(|p| self.blocks.payload_of(p.root));
        let left = left && payloads.map(|id| self.blocks.payload(id)).any(|p| p.proposed.is_none());
        if block.is_some() || left {
            let proposed = Proposed { from: n, at, block, carried, left };
            self.desk.out.posts.push(Post::Proposed(Box::new(proposed)));
            self.desk.out.urgent = true;
        }
    }

    pub fn release_gated(&mut self, n: u32, at: Time) {
        let durable = self.nodes[n as usize].durable;
        while let Some(g) = self.nodes[n as usize].gated.pop_front_if(|g| g.after <= durable) {
            self.send_own(n, at, &g.to, g.message, g.lane, g.cost);
        }
    }

    /// Sends a message whose own claims are made by leaving; a served object repeats old ones.
    fn send_own(&mut self, n: u32, at: Time, to: &Recipients, message: P::Message, lane: Lane, cost: Cost) {
        self.send(n, at, to, message, lane, cost, true);
    }

    /// Sends a protocol's message; `own` where its sender's claims are made by its leaving.
    #[expect(clippy::too_many_arguments, reason = "the fields of one effect, with its cost")]
    pub fn send(&mut self, n: u32, at: Time, to: &Recipients, message: P::Message, lane: Lane, cost: Cost, own: bool) {
        let mut carried: Vec<PayloadRef> = vec![];
        message.carries(&mut |p| carried.push(p));
        let (mut bytes, mut count) = (0, 0);
        for p in &carried {
            bytes += u64::from(p.bytes);
            count += u64::from(p.count);
        }
        let plain = carried.is_empty() && message.key().is_none();
        let block = message.proposes();
        if block.is_some() || !carried.is_empty() {
            self.post_proposal(n, at, block, carried, true);
        }
        let to = match (to, message.key()) {
            (Recipients::Overlay, Some(key)) => return self.announce(n, at, key, message, cost, own),
            (Recipients::Overlay, None) => &Recipients::Set(self.network.overlay().neighbours(NodeId(n)).to_vec()),
            (to, _) => to,
        };
        let spec = &self.scenario.node;
        let divided = match self.scenario.mempool.dissemination {
            Dissemination::LeaderPush => cost::of_transactions(spec, count, bytes),
            // Client signatures were verified when the batches came by gossip.
            Dissemination::Gossip => cost::hashing(spec, bytes),
        };
        let scratch = &mut self.desk.scratch;
        scratch.clear();
        message.encode(scratch);
        let content = ledgerlab_consensus::Hashing::Mix.digest(scratch).fold();
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
            plain,
            light: plain && divided == Span::ZERO && cost.verify <= spec.crypto.verify,
        };
        let envelope = Envelope { header, cargo: Cargo::Protocol, left: 1 };
        self.send_letter(Letter { from: n, at, envelope, body: Some(message), kind, own }, to);
    }

    /// Sends a host's own message to one node.
    pub fn send_cargo(&mut self, n: u32, at: Time, to: NodeId, cargo: Cargo, bytes: u64, kind: &'static str) {
        let envelope = self.envelope_of(n, cargo, bytes);
        self.send_letter(Letter { from: n, at, envelope, body: None, kind, own: false }, &Recipients::One(to));
    }

    /// Sends a host's own message to these nodes, as one message to each.
    pub fn send_cargo_to(&mut self, n: u32, at: Time, to: &[NodeId], cargo: &Cargo, bytes: u64, kind: &'static str) {
        if to.is_empty() || !self.streams(n, cargo) {
            return to.iter().for_each(|peer| self.send_cargo(n, at, *peer, cargo.clone(), bytes, kind));
        }
        let envelope = self.envelope_of(n, cargo.clone(), bytes);
        self.nodes[n as usize].sequence += to.len() as u64 - 1;
        self.spread(Letter { from: n, at, envelope, body: None, kind, own: false }, to);
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
            light: false,
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

    /// Hands a message to the card: from one that streams it is known when its copies arrive.
    #[inline(always)]
    fn send_letter(&mut self, mut letter: Letter<P>, to: &Recipients) {
        let n = letter.from;
        let header = &mut letter.envelope.header;
        header.upload = self.network.upload_time(self.nodes[n as usize].host, header.bytes);
        if !self.streams(n, &letter.envelope.cargo) {
            return self.desk.out.post_to_card(letter, to.clone());
        }
        let first = self.desk.out.copies.arrivals.len() as u32;
        match to {
            Recipients::All => self.broadcast(&letter),
            Recipients::One(peer) => self.send_copies(&letter, std::slice::from_ref(peer)),
            Recipients::Set(list) => self.send_copies(&letter, list),
            Recipients::Overlay => unreachable!("gossip is announced"),
        }
        self.desk.out.post_copies(letter, first, false);
    }
}
