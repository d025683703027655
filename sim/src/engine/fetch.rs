//! Objects by key: header-first announcements on the overlay, requests, retries with other peers.
//!
//! Announcing is the host's form of gossip: a neighbour hears the header, asks whoever announced it first, and turns
//! to the next if no answer comes. The host never forwards on its own: a replica offers again what it has accepted.

use ledgerlab_consensus::{Digest, Lane, Message, NodeId, Protocol, Span, Time};

use crate::engine::messages::Cargo;
use crate::engine::outbox::Post;
use crate::engine::send::Recipients;
use crate::engine::shard::Shard;
use crate::engine::task::Task;
use crate::node::cost::{self, Cost, SIGNATURE_BYTES};

/// Bytes of a request: a key, and the signature that authenticates it.
const REQUEST_BYTES: u64 = 16 + SIGNATURE_BYTES as u64;
/// How long a node waits for an object before it asks another peer.
const PATIENCE: Span = Span::secs(2);
/// How many peers it asks before it forgets the wish; the protocol may renew it.
const MOST_ATTEMPTS: u32 = 24;

/// What a node knows of an object.
#[derive(Clone, Debug, Default)]
pub struct Fetch {
    /// It has come at least once.
    pub have: bool,
    /// It is being asked for.
    asking: bool,
    /// Numbers the wishes: what was planned for an earlier one is void.
    generation: u32,
    /// Who is known to hold it.
    pub(super) holders: Vec<NodeId>,
}

/// Whom to ask: a node, or the next one in place of the one that asks.
pub(super) fn other_than(n: u32, peer: u32, nodes: u32) -> u32 {
    if peer == n { (n + 1) % nodes } else { peer }
}

/// Objects that a node has, wants or has heard of, by key.
#[derive(Clone, Debug, Default)]
pub struct Fetches(Vec<(Digest, Fetch)>);

impl Fetches {
    fn place(&self, key: Digest) -> Result<usize, usize> {
        let packed = |k: Digest| u128::from(k.0[0]) << 64 | u128::from(k.0[1]);
        self.0.binary_search_by_key(&packed(key), |(k, _)| packed(*k))
    }
    /// What is known of an object, for the first time nothing.
    pub fn entry(&mut self, key: Digest) -> &mut Fetch {
        let i = self.place(key).unwrap_or_else(|i| {
            if self.0.len() == self.0.capacity() {
                self.0.reserve_exact(2 + self.0.len() / 2);
            }
            self.0.insert(i, (key, Fetch::default()));
            i
        });
        &mut self.0[i].1
    }
    /// An object has come, and nobody need be asked for it.
    pub fn arrived<P: Protocol>(&mut self, key: Digest) {
        // Without an overlay nothing is announced, so what has come need not be remembered.
        let known = if P::INFO.overlay { Some(self.entry(key)) } else { self.get_mut(key) };
        if let Some(f) = known {
            (f.have, f.asking) = (true, false);
        }
    }
    /// What is known of an object that was heard of.
    pub fn get_mut(&mut self, key: Digest) -> Option<&mut Fetch> {
        let i = self.place(key).ok()?;
        Some(&mut self.0[i].1)
    }
    /// Forgets an object, unless it is being asked for.
    pub fn forget(&mut self, key: Digest) {
        if let Ok(i) = self.place(key)
            && !self.0[i].1.asking
        {
            self.0.remove(i);
        }
    }
    /// Forgets objects for which `keep` does not hold and that are not being asked for.
    pub fn retain(&mut self, keep: impl Fn(Digest) -> bool) {
        self.0.retain(|(key, f)| f.asking || keep(*key));
    }
    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }
    /// Forgets everything: the node crashed.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

impl<P: Protocol> Shard<'_, P> {
    /// Offers a message to the neighbours that are not known to hold it; `own` as in [`Shard::send`].
    pub fn announce(&mut self, n: u32, at: Time, key: Digest, message: P::Message, cost: Cost, own: bool) {
        let entry = self.nodes[n as usize].fetches.entry(key);
        entry.have = true;
        let mut peers = std::mem::take(&mut self.desk.peers);
        peers.clear();
        peers.extend(self.network.overlay().neighbours(NodeId(n)).iter().filter(|p| !entry.holders.contains(p)));
        let bytes = u64::from(message.body_bytes() + cost.proof_bytes);
        if own {
            self.desk.out.posts.push(Post::Stated { from: n, at, message });
        }
        self.send_cargo_to(n, at, &peers, &Cargo::Announce { key }, bytes, "announce");
        self.desk.peers = peers;
    }

    pub fn receive_announce(&mut self, n: u32, from: NodeId, at: Time, key: Digest) {
        self.fetch(n, at, key, from, false);
    }

    /// Asks `hint` for an object, unless it is being asked for, or `wanted` by announcement only and already here.
    pub fn fetch(&mut self, n: u32, at: Time, key: Digest, hint: NodeId, wanted: bool) {
        let nodes = self.count();
        let entry = self.nodes[n as usize].fetches.entry(key);
        let hint = NodeId(other_than(n, hint.0, nodes));
        if !entry.holders.contains(&hint) {
            entry.holders.push(hint);
        }
        if entry.asking || (entry.have && !wanted) {
            return;
        }
        entry.asking = true;
        entry.have = false;
        entry.generation += 1;
        let generation = u64::from(entry.generation);
        self.request(n, at, key, hint, (0, generation));
    }

    fn request(&mut self, n: u32, at: Time, key: Digest, peer: NodeId, (attempt, generation): (u32, u64)) {
        self.send_cargo(n, at, peer, Cargo::Request { key }, REQUEST_BYTES, "request");
        self.push_task(n, at + PATIENCE, Task::Refetch { key, attempt: attempt + 1, generation });
    }

    /// No answer so far: the next holder, or any other node.
    pub fn refetch(&mut self, n: u32, at: Time, key: Digest, attempt: u32, generation: u64) {
        let nodes = self.count();
        let Some(entry) = self.nodes[n as usize].fetches.get_mut(key) else { return };
        if !entry.asking || u64::from(entry.generation) != generation {
            return;
        }
        if attempt >= MOST_ATTEMPTS {
            entry.asking = false;
            return;
        }
        let holder = entry.holders.get(attempt as usize).copied();
        let peer = holder.unwrap_or(NodeId((n + attempt) % nodes));
        let peer = NodeId(other_than(n, peer.0, nodes));
        self.request(n, at, key, peer, (attempt, generation));
    }

    /// Somebody asks for an object: the replica serves it if it can.
    pub fn receive_request(&mut self, n: u32, from: NodeId, at: Time, key: Digest) {
        let node = &self.nodes[n as usize];
        let Some(message) = node.replica.as_ref().and_then(|r| r.serve(key)) else { return };
        let mut cost = cost::of_message(&message, node.env.key, &self.scenario.node, self.validators.len());
        // An announced header has been verified; what is asked for without one is verified in full anyway.
        cost.sign = Span::ZERO;
        self.send(n, at, &Recipients::One(from), message, Lane::Block, cost, false);
    }
}
