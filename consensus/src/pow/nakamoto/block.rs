//! A mined block and the messages that carry it.
//!
//! Beyond Bitcoin's fields a header carries its height, the work of its chain and the start of its retarget window,
//! which a Bitcoin node computes from the whole header chain; receivers check them against the parent.

use std::sync::Arc;

use crate::longest_chain::ChainBlock;
use crate::message::{Claim, Message, PayloadRef};
use crate::types::{Digest, Hashing, Height, Time, Tip, ValidatorId};
use crate::wire::Wire;

/// What a block's id covers.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Header {
    /// The block below.
    pub parent: Digest,
    /// One more than the parent's.
    pub height: Height,
    /// Who found it.
    pub miner: ValidatorId,
    /// The miner's wall clock, not before the median of the last eleven blocks.
    pub time: Time,
    /// Expected work of this block, in stake x nanoseconds.
    pub difficulty: u64,
    /// Expected work of the chain up to this block.
    pub work: u128,
    /// From when the next retarget measures.
    pub window: Time,
    /// What it orders.
    pub payload: Vec<PayloadRef>,
}

crate::wire!(struct Header { parent, height, miner, time, difficulty, work, window, payload });

/// A block with its id.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Block {
    /// Digest of the header.
    pub id: Digest,
    /// The header.
    pub header: Header,
}

crate::wire!(struct Block { id, header });

impl Block {
    /// The block of a header.
    pub fn new(header: Header, hashing: Hashing) -> Block {
        Block { id: digest(&header, hashing), header }
    }
    /// Whether the id is that of the header.
    pub fn is_named_rightly(&self, hashing: Hashing) -> bool {
        self.id == digest(&self.header, hashing)
    }
}

fn digest(header: &Header, hashing: Hashing) -> Digest {
    let mut bytes = Vec::with_capacity(header.encoded_len());
    header.encode(&mut bytes);
    hashing.digest(&bytes)
}

impl ChainBlock for Block {
    /// Bitcoin's header.
    const HEADER_BYTES: u32 = 80;
    fn id(&self) -> Digest {
        self.id
    }
    fn parent(&self) -> Digest {
        self.header.parent
    }
    fn height(&self) -> Height {
        self.header.height
    }
    fn total(&self) -> u128 {
        self.header.work
    }
    fn author(&self) -> ValidatorId {
        self.header.miner
    }
    fn payloads(&self) -> &[PayloadRef] {
        &self.header.payload
    }
}

/// What nodes send each other.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ChainMessage {
    /// A block, gossiped or fetched.
    Block {
        /// The block.
        block: Arc<Block>,
    },
    /// Where the sender's chain ends, when a connection comes up.
    Head {
        /// The end.
        tip: Tip,
    },
}

crate::wire!(enum ChainMessage { 0 => Block(block), 1 => Head(tip) });

impl From<Arc<Block>> for ChainMessage {
    fn from(block: Arc<Block>) -> ChainMessage {
        ChainMessage::Block { block }
    }
}

impl Message for ChainMessage {
    fn kind(&self) -> &'static str {
        match self {
            ChainMessage::Block { .. } => "block",
            ChainMessage::Head { .. } => "head",
        }
    }
    /// None: a block proves itself by its work, which the host's race stands for.
    fn claims(&self, _: &mut dyn FnMut(Claim<'_>)) {}
    fn carries(&self, visit: &mut dyn FnMut(PayloadRef)) {
        if let ChainMessage::Block { block } = self {
            block.header.payload.iter().for_each(|p| visit(*p));
        }
    }
    fn proposes(&self) -> Option<(Digest, Digest)> {
        match self {
            ChainMessage::Block { block } => Some((block.id, block.header.parent)),
            ChainMessage::Head { .. } => None,
        }
    }
    fn key(&self) -> Option<Digest> {
        match self {
            ChainMessage::Block { block } => Some(block.id),
            ChainMessage::Head { .. } => None,
        }
    }
}
