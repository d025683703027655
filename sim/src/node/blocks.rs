//! Every block and payload that anybody has made, once for all nodes.
//!
//! Nodes refer to entries by index. What a node may know of an entry it knows causally: it only looks up blocks that
//! a message named to it, so sharing the table does not leak information between nodes.
//!
//! Entries leave when the host lets them go: see `engine::retention`. Genesis stays.

use std::collections::BTreeMap;

use ledgerlab_consensus::{Digest, Height, PayloadRef, Time};

use crate::node::mempool::BatchId;
use crate::node::window::Window;

/// Index of a block; 0 is genesis.
pub type BlockId = u32;
/// Index of a payload.
pub type PayloadId = u32;

/// Most look-ups are for one of the last so many entries.
const RECENT: usize = 4;

/// A part of a batch: its transactions `from..to`. On any chain a batch is consumed as successive prefixes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Segment {
    /// The batch.
    pub batch: BatchId,
    /// First transaction.
    pub from: u32,
    /// One past the last.
    pub to: u32,
}

/// What a mempool put together.
#[derive(Clone, Debug)]
pub struct Payload {
    /// How protocols refer to it.
    pub reference: PayloadRef,
    /// When it was put together.
    pub built: Time,
    /// By which node.
    pub builder: u32,
    /// When the first message that carries it left.
    pub proposed: Option<Time>,
    /// Whether it is in a block that is settled.
    pub settled: bool,
    segments: Box<[Segment]>,
}

impl Payload {
    /// Its parts of batches.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }
}

/// A block as the ledger sees it.
#[derive(Clone, Debug)]
pub struct Block {
    /// Its id in the protocol.
    pub digest: Digest,
    /// Its parent, once that is known.
    pub parent: Digest,
    /// Its height; 0 until somebody adopts it.
    pub height: Height,
    /// Its payloads.
    pub payloads: Vec<PayloadId>,
    /// Their bytes and transactions.
    pub content: (u64, u64),
    /// Bytes of its header.
    pub header_bytes: u32,
    /// Bytes of the largest certificate that finalised it anywhere, where it has one.
    pub certificate_bytes: u32,
    /// When it was first adopted anywhere.
    pub adopted: Option<Time>,
    /// Whether it is final on the chain of every node that is there or will come back.
    pub settled: bool,
}

/// The table.
#[derive(Debug)]
pub struct Blocks {
    genesis: Block,
    blocks: Window<Block>,
    by_digest: BTreeMap<Digest, BlockId>,
    payloads: Window<Payload>,
    by_root: BTreeMap<Digest, PayloadId>,
}

impl Default for Blocks {
    fn default() -> Self {
        let genesis = Block {
            digest: Digest::GENESIS,
            parent: Digest::GENESIS,
            height: 0,
            payloads: vec![],
            content: (0, 0),
            header_bytes: 0,
            certificate_bytes: 0,
            adopted: Some(Time::ZERO),
            settled: true,
        };
        Blocks {
            genesis,
            blocks: Window::starting_at(1),
            by_digest: BTreeMap::from([(Digest::GENESIS, 0)]),
            payloads: Window::default(),
            by_root: BTreeMap::new(),
        }
    }
}

impl Blocks {
    /// A block.
    pub fn block(&self, id: BlockId) -> &Block {
        if id == 0 { &self.genesis } else { &self.blocks[id] }
    }
    /// A block, to complete.
    pub fn block_mut(&mut self, id: BlockId) -> &mut Block {
        if id == 0 { &mut self.genesis } else { &mut self.blocks[id] }
    }
    /// Whether a block is in the table.
    pub fn keeps(&self, id: BlockId) -> bool {
        id == 0 || self.blocks.get(u64::from(id)).is_some()
    }
    /// All blocks in the table but genesis, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (BlockId, &Block)> {
        self.blocks.iter().map(|(id, b)| (id as BlockId, b))
    }
    /// When a block was made: first proposed, else adopted.
    pub fn made(&self, b: &Block) -> Option<Time> {
        b.payloads.first().and_then(|p| self.payload(*p).proposed).or(b.adopted)
    }
    /// A block and its payloads are settled.
    pub fn settle(&mut self, id: BlockId) {
        let b = if id == 0 { &mut self.genesis } else { &mut self.blocks[id] };
        b.settled = true;
        b.payloads.iter().for_each(|p| self.payloads[*p].settled = true);
    }
    /// Takes the oldest block out of the table if it is older than `floor`.
    pub fn forget_block(&mut self, floor: BlockId) -> Option<(BlockId, Block)> {
        let id = self.blocks.first() as BlockId;
        let block = if id < floor { self.blocks.take_first()? } else { return None };
        self.by_digest.remove(&block.digest);
        Some((id, block))
    }
    /// Takes the oldest payload out of the table if it is older than `floor` and was built before `cutoff`.
    pub fn forget_payload(&mut self, floor: PayloadId, cutoff: Time) -> Option<(PayloadId, Payload)> {
        let id = self.payloads.first() as PayloadId;
        let old = self.payloads.get(u64::from(id)).is_some_and(|p| id < floor && p.built < cutoff);
        let payload = if old { self.payloads.take_first()? } else { return None };
        self.by_root.remove(&payload.reference.root);
        Some((id, payload))
    }
    /// Numbers of the oldest payload in the table and of the next one.
    pub fn payload_ids(&self) -> (PayloadId, PayloadId) {
        (self.payloads.first() as PayloadId, self.payloads.end() as PayloadId)
    }
    /// The parts of batches in all payloads in the table.
    pub fn all_segments(&self) -> impl Iterator<Item = &Segment> {
        self.payloads.iter().flat_map(|(_, p)| p.segments.iter())
    }
    /// The block with a digest.
    pub fn find(&self, digest: Digest) -> Option<BlockId> {
        let recent = self.blocks.recent(RECENT, |b| b.digest == digest);
        recent.map(|id| id as BlockId).or_else(|| self.by_digest.get(&digest).copied())
    }
    /// The block with a digest, which is likely to be the next one after `before`: blocks of a chain without forks are
    /// numbered in its order.
    #[inline]
    pub fn find_after(&self, before: BlockId, digest: Digest) -> Option<BlockId> {
        let next = self.blocks.get(u64::from(before) + 1).filter(|b| b.digest == digest);
        if next.is_some() { Some(before + 1) } else { self.find(digest) }
    }
    /// The block with a digest, made known with its parent and payloads if it is new.
    pub fn intern(&mut self, digest: Digest, parent: Digest, payloads: &[PayloadRef]) -> BlockId {
        if let Some(id) = self.find(digest) {
            return id;
        }
        let payloads: Vec<PayloadId> = payloads.iter().filter_map(|p| self.payload_of(p.root)).collect();
        let refs = payloads.iter().map(|p| self.payload(*p).reference);
        let content = refs.fold((0, 0), |(b, c), r| (b + u64::from(r.bytes), c + u64::from(r.count)));
        let id = self.blocks.push(Block {
            digest,
            parent,
            height: 0,
            payloads,
            content,
            header_bytes: 0,
            certificate_bytes: 0,
            adopted: None,
            settled: false,
        }) as BlockId;
        self.by_digest.insert(digest, id);
        id
    }
    /// The highest ancestor of a block, or itself, for which `on_chain` holds; `None` where an ancestor is unknown.
    pub fn joint(&self, from: Digest, on_chain: impl Fn(BlockId) -> bool) -> Option<BlockId> {
        let mut id = self.find(from)?;
        while id != 0 && !on_chain(id) {
            id = self.find(self.block(id).parent)?;
        }
        Some(id)
    }
    /// Registers a payload.
    pub fn add_payload(&mut self, reference: PayloadRef, segments: &[Segment], built: Time, builder: u32) -> PayloadId {
        let segments = segments.into();
        let payload = Payload { reference, built, builder, proposed: None, settled: false, segments };
        let id = self.payloads.push(payload) as PayloadId;
        let fresh = self.by_root.insert(reference.root, id).is_none();
        assert!(fresh, "two payloads with one root");
        id
    }
    /// The payload with a root.
    pub fn payload_of(&self, root: Digest) -> Option<PayloadId> {
        let recent = self.payloads.recent(RECENT, |p| p.reference.root == root);
        recent.map(|id| id as PayloadId).or_else(|| self.by_root.get(&root).copied())
    }
    /// A payload.
    pub fn payload(&self, id: PayloadId) -> &Payload {
        &self.payloads[id]
    }
    /// A payload, to stamp.
    pub fn payload_mut(&mut self, id: PayloadId) -> &mut Payload {
        &mut self.payloads[id]
    }
    /// The parts of batches in a payload.
    pub fn segments(&self, id: PayloadId) -> &[Segment] {
        &self.payloads[id].segments
    }
}
