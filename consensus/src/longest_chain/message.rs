//! What nodes of a longest chain send each other: blocks, and where their chains end.

use std::sync::Arc;

use super::{Block, Header};
use crate::message::{Claim, Message, PayloadRef};
use crate::types::{Digest, Tip};
use crate::wire::{Wire, WireError};

/// A message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ChainMessage<H> {
    /// A block, gossiped or fetched.
    Block {
        /// The block.
        block: Arc<Block<H>>,
    },
    /// Where the sender's chain ends, when a connection comes up.
    Head {
        /// The end.
        tip: Tip,
    },
}

impl<H: Header> Wire for ChainMessage<H> {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            ChainMessage::Block { block } => {
                out.push(0);
                block.encode(out);
            }
            ChainMessage::Head { tip } => {
                out.push(1);
                tip.encode(out);
            }
        }
    }
    fn decode(input: &mut &[u8]) -> Result<Self, WireError> {
        match u8::decode(input)? {
            0 => Ok(ChainMessage::Block { block: Wire::decode(input)? }),
            1 => Ok(ChainMessage::Head { tip: Wire::decode(input)? }),
            tag => Err(WireError::Tag(tag)),
        }
    }
    fn encoded_len(&self) -> usize {
        1 + match self {
            ChainMessage::Block { block } => block.encoded_len(),
            ChainMessage::Head { tip } => tip.encoded_len(),
        }
    }
}

impl<H> From<Arc<Block<H>>> for ChainMessage<H> {
    fn from(block: Arc<Block<H>>) -> ChainMessage<H> {
        ChainMessage::Block { block }
    }
}

impl<H> ChainMessage<H> {
    fn block(&self) -> Option<&Block<H>> {
        match self {
            ChainMessage::Block { block } => Some(block),
            ChainMessage::Head { .. } => None,
        }
    }
}

impl<H: Header> Message for ChainMessage<H> {
    fn kind(&self) -> &'static str {
        match self {
            ChainMessage::Block { .. } => "block",
            ChainMessage::Head { .. } => "head",
        }
    }
    fn claims(&self, visit: &mut dyn FnMut(Claim<'_>)) {
        if let Some(b) = self.block() {
            b.header.claims(b.id, visit);
        }
    }
    fn carries(&self, visit: &mut dyn FnMut(PayloadRef)) {
        if let Some(b) = self.block() {
            b.header.payloads().iter().for_each(|p| visit(*p));
        }
    }
    fn proposes(&self) -> Option<(Digest, Digest)> {
        self.block().map(|b| (b.id, b.parent()))
    }
    fn key(&self) -> Option<Digest> {
        self.block().map(|b| b.id)
    }
}
