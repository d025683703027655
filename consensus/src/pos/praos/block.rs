//! A minted block and the messages that carry it.
//!
//! A header carries the nonce of its epoch and the randomness that the epoch has gathered so far; receivers check
//! both against the parent, and a node that copied a ledger can go on from its tip.

use std::sync::Arc;

use crate::longest_chain::ChainBlock;
use crate::message::{Claim, Message, PayloadRef, Statement};
use crate::types::{Digest, Hashing, Height, Tip, ValidatorId};
use crate::wire::Wire;

use super::lottery;

/// The statement that a leader signs: at most one block in a slot. Major: slot; value: the block.
pub const MINTED: u8 = 1;

/// What a block's id covers.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Header {
    /// The block below.
    pub parent: Digest,
    /// One more than the parent's.
    pub height: Height,
    /// The slot that its issuer won, later than the parent's.
    pub slot: u64,
    /// Who minted it.
    pub issuer: ValidatorId,
    /// Output of the issuer's verifiable random function for the slot.
    pub output: Digest,
    /// Nonce of the slot's epoch.
    pub nonce: Digest,
    /// Outputs of the epoch's blocks so far, those of its last third excluded.
    pub seed: Digest,
    /// What it orders.
    pub payload: Vec<PayloadRef>,
}

crate::wire!(struct Header { parent, height, slot, issuer, output, nonce, seed, payload });

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
    /// A header of Cardano's Babbage era, proofs included: 448 bytes of key-evolving signature, 80 of VRF proof and
    /// 64 of its output, an operational certificate of about 106, keys, hashes and numbers (its CDDL, rounded).
    const HEADER_BYTES: u32 = 860;
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
        u128::from(self.header.height)
    }
    fn author(&self) -> ValidatorId {
        self.header.issuer
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
    fn claims(&self, visit: &mut dyn FnMut(Claim<'_>)) {
        if let ChainMessage::Block { block } = self {
            let h = &block.header;
            visit(Claim::Vrf { by: h.issuer, input: lottery::input(h.nonce, h.slot), output: h.output });
            let what = Statement { kind: MINTED, major: h.slot, minor: 0, value: block.id };
            visit(Claim::Signed { by: h.issuer, what });
        }
    }
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
