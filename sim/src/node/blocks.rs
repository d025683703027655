//! Every block and payload that anybody has made, once for all nodes.
//!
//! Nodes refer to entries by index. What a node may know of an entry it knows causally: it only looks up blocks that
//! a message named to it, so sharing the table does not leak information between nodes.

use std::collections::BTreeMap;

use ledgerlab_consensus::{Digest, Height, PayloadRef, Time};

use crate::node::mempool::BatchId;

/// Index of a block; 0 is genesis.
pub type BlockId = u32;
/// Index of a payload.
pub type PayloadId = u32;

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
    segments: (u32, u32),
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
    /// Bytes of its header.
    pub header_bytes: u32,
    /// Bytes of the largest certificate that finalised it anywhere, where it has one.
    pub certificate_bytes: u32,
    /// When it was first adopted anywhere.
    pub adopted: Option<Time>,
}

/// The table.
#[derive(Debug)]
pub struct Blocks {
    blocks: Vec<Block>,
    by_digest: BTreeMap<Digest, BlockId>,
    payloads: Vec<Payload>,
    by_root: BTreeMap<Digest, PayloadId>,
    segments: Vec<Segment>,
}

impl Default for Blocks {
    fn default() -> Self {
        let genesis = Block {
            digest: Digest::GENESIS,
            parent: Digest::GENESIS,
            height: 0,
            payloads: vec![],
            header_bytes: 0,
            certificate_bytes: 0,
            adopted: Some(Time::ZERO),
        };
        Blocks {
            blocks: vec![genesis],
            by_digest: BTreeMap::from([(Digest::GENESIS, 0)]),
            payloads: vec![],
            by_root: BTreeMap::new(),
            segments: vec![],
        }
    }
}

impl Blocks {
    /// A block.
    pub fn block(&self, id: BlockId) -> &Block {
        &self.blocks[id as usize]
    }
    /// A block, to complete.
    pub fn block_mut(&mut self, id: BlockId) -> &mut Block {
        &mut self.blocks[id as usize]
    }
    /// All blocks, genesis first.
    pub fn iter(&self) -> impl Iterator<Item = &Block> {
        self.blocks.iter()
    }
    /// The block with a digest.
    pub fn find(&self, digest: Digest) -> Option<BlockId> {
        self.by_digest.get(&digest).copied()
    }
    /// The block with a digest, made known with its parent and payloads if it is new.
    pub fn intern(&mut self, digest: Digest, parent: Digest, payloads: &[PayloadRef]) -> BlockId {
        if let Some(id) = self.find(digest) {
            return id;
        }
        let payloads = payloads.iter().filter_map(|p| self.payload_of(p.root)).collect();
        let id = self.blocks.len() as BlockId;
        self.blocks.push(Block {
            digest,
            parent,
            height: 0,
            payloads,
            header_bytes: 0,
            certificate_bytes: 0,
            adopted: None,
        });
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
        let start = self.segments.len() as u32;
        self.segments.extend_from_slice(segments);
        let id = self.payloads.len() as PayloadId;
        let range = (start, self.segments.len() as u32);
        self.payloads.push(Payload { reference, built, builder, proposed: None, segments: range });
        let fresh = self.by_root.insert(reference.root, id).is_none();
        assert!(fresh, "two payloads with one root");
        id
    }
    /// The payload with a root.
    pub fn payload_of(&self, root: Digest) -> Option<PayloadId> {
        self.by_root.get(&root).copied()
    }
    /// A payload.
    pub fn payload(&self, id: PayloadId) -> &Payload {
        &self.payloads[id as usize]
    }
    /// A payload, to stamp.
    pub fn payload_mut(&mut self, id: PayloadId) -> &mut Payload {
        &mut self.payloads[id as usize]
    }
    /// Number of payloads.
    pub fn payload_count(&self) -> usize {
        self.payloads.len()
    }
    /// The parts of batches in a payload.
    pub fn segments(&self, id: PayloadId) -> &[Segment] {
        let (start, end) = self.payloads[id as usize].segments;
        &self.segments[start as usize..end as usize]
    }
    /// Payload bytes and transactions of a block.
    pub fn content(&self, id: BlockId) -> (u64, u64) {
        let refs = self.block(id).payloads.iter().map(|p| self.payload(*p).reference);
        refs.fold((0, 0), |(b, c), r| (b + u64::from(r.bytes), c + u64::from(r.count)))
    }
}
