//! Messages in flight: stored once for all recipients, referred to by handle.

use ledgerlab_consensus::{Digest, Lane, NodeId, Span, Tip};

use crate::engine::offchain::flows::FlowId;
use crate::kernel::queue::Origin;
use crate::node::blocks::{BlockId, PayloadId};
use crate::node::chunks::Chunks;
use crate::node::mempool::BatchId;

/// What a message is to the host.
#[derive(Clone, Debug)]
pub enum Cargo {
    /// A protocol's message, stored beside the envelope.
    Protocol,
    /// Transactions between pools.
    Batch(BatchId),
    /// The header of an object that the sender holds.
    Announce { key: Digest },
    /// Asks for an object.
    Request { key: Digest },
    /// Asks for the ledger above the requester's chain.
    StateRequest { tip: BlockId, generation: u64 },
    /// A part of the ledger.
    State(Box<Answer>),
    /// Asks for a payload.
    PayloadRequest { root: Digest, generation: u64 },
    /// A payload, or word that it is not at hand.
    Payload { id: Option<PayloadId>, generation: u64 },
    /// The sender holds this block for final and has executed it.
    Reply { block: BlockId },
    /// Asks for that again.
    ReplyRequest { block: BlockId },
    /// A part of an object outside the chain; `last` ends the flow.
    Chunk { flow: FlowId, last: bool },
    /// Asks for an object outside the chain.
    ReadRequest { flow: FlowId },
}

/// An answer to [`Cargo::StateRequest`]: blocks of the ledger, oldest first, each with the bytes of its certificate,
/// and the tip of the sender.
#[derive(Clone, Debug)]
pub struct Answer {
    pub blocks: Vec<(BlockId, u32)>,
    pub tip: Tip,
    pub generation: u64,
}

/// What the way of a message depends on.
#[derive(Clone, Copy, Debug)]
pub struct Header {
    /// Its sender's number for it; of copies with numbers of their own the first.
    pub origin: Origin,
    pub sender: NodeId,
    pub lane: Lane,
    pub bytes: u32,
    /// Time for which its sender's uplink carries it alone.
    pub upload: Span,
    /// Verification on one core, and work that divides over all.
    pub verify: Span,
    pub divided: Span,
    /// For the digest: kind and content.
    pub content: u64,
    /// Whether it is a protocol's message that carries no payload and is not kept by key: a vote.
    pub plain: bool,
    /// Whether it is plain and verified at the least cost, in one piece: nothing overtakes it.
    pub light: bool,
}

/// The part of a message that everything but the shell sees.
#[derive(Clone, Debug)]
pub struct Envelope {
    pub header: Header,
    pub cargo: Cargo,
    /// Copies that are to be delivered, when it is stored.
    pub left: u32,
}

/// A message in the table. What a vote meets comes first.
#[repr(C)]
struct Stored<M> {
    header: Header,
    body: Option<M>,
    cargo: Cargo,
}

/// The table of messages in flight, with counts by kind at the senders' boundary.
pub struct Messages<M> {
    all: Chunks<Stored<M>>,
    /// Copies that are still to be delivered.
    left: Vec<u32>,
    free: Vec<u32>,
    counts: Vec<(&'static str, u64, u64)>,
}

impl<M> Default for Messages<M> {
    fn default() -> Self {
        Messages { all: Chunks::default(), left: vec![], free: vec![], counts: vec![] }
    }
}

impl<M> Messages<M> {
    /// Stores a message; its handle is valid until the last copy is released.
    #[inline(always)]
    pub fn insert(&mut self, envelope: Envelope, body: Option<M>) -> u32 {
        let Envelope { header, cargo, left } = envelope;
        let stored = Stored { header, body, cargo };
        if let Some(h) = self.free.pop() {
            self.left[h as usize] = left;
            self.all[h] = stored;
            return h;
        }
        self.left.push(left);
        self.all.push(stored)
    }
    #[inline]
    pub fn header(&self, handle: u32) -> &Header {
        &self.all[handle].header
    }
    /// Header and body of a [light](Header::light) message; none of another one, or of what is no message.
    #[inline(always)]
    pub fn light(&self, handle: u32) -> Option<(&Header, &M)> {
        let stored = self.all.get(handle).filter(|stored| stored.header.light)?;
        Some((&stored.header, stored.body.as_ref()?))
    }
    /// Asks for a message that will be read soon.
    #[inline]
    pub fn prefetch(&self, handle: u32) {
        self.all.prefetch(handle);
    }
    pub fn cargo(&self, handle: u32) -> &Cargo {
        &self.all[handle].cargo
    }
    #[inline]
    pub fn body(&self, handle: u32) -> Option<&M> {
        self.all[handle].body.as_ref()
    }
    /// What the messages on their way carry.
    pub fn cargos(&self) -> impl Iterator<Item = &Cargo> {
        self.all.iter().zip(&self.left).filter(|(_, left)| **left > 0).map(|(m, _)| &m.cargo)
    }
    /// One more copy will be delivered.
    pub fn retain(&mut self, handle: u32) {
        self.retain_many(handle, 1);
    }
    /// So many more copies will be delivered.
    pub fn retain_many(&mut self, handle: u32, copies: u32) {
        self.left[handle as usize] += copies;
    }
    /// A copy has been delivered or lost.
    #[inline]
    pub fn release(&mut self, handle: u32) {
        let left = &mut self.left[handle as usize];
        assert!(*left > 0, "a copy is released twice");
        *left -= 1;
        if *left == 0 {
            self.forget(handle);
        }
    }
    fn forget(&mut self, handle: u32) {
        let stored = &mut self.all[handle];
        (stored.body, stored.cargo) = (None, Cargo::Protocol);
        self.free.push(handle);
    }
    /// Counts copies that leave their sender.
    pub fn count(&mut self, kind: &'static str, bytes: u32, copies: u32) {
        let (copies, bytes) = (u64::from(copies), u64::from(bytes) * u64::from(copies));
        match self.counts.iter_mut().find(|(k, ..)| std::ptr::eq(*k, kind) || *k == kind) {
            Some((_, n, b)) => {
                *n += copies;
                *b += bytes;
            }
            None => self.counts.push((kind, copies, bytes)),
        }
    }
    /// Copies sent and their bytes, by kind.
    pub fn counts(&self) -> Vec<(&'static str, u64, u64)> {
        self.counts.clone()
    }
}
