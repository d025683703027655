//! A block: a header, which is the protocol's own, and the header's digest as its id.

use std::fmt::Debug;

use crate::message::{Claim, PayloadRef};
use crate::types::{Digest, Hashing, Height, Tip, ValidatorId};
use crate::wire::{Wire, WireError};

/// What a block's id covers: its place, its payloads and the proof of its author's right to make it.
pub trait Header: Wire + Clone + PartialEq + Eq + Debug + Default + Send + Sync + 'static {
    /// Bytes of a header on disk.
    const BYTES: u32;
    /// Whether an author is bound by its blocks, as where it may make one in a slot.
    const BINDS: bool;
    /// The block below.
    fn parent(&self) -> Digest;
    /// One more than the parent's; genesis has 0.
    fn height(&self) -> Height;
    /// Weight of the chain up to this block.
    fn total(&self) -> u128;
    /// Who made it.
    fn author(&self) -> ValidatorId;
    /// What it orders.
    fn payloads(&self) -> &[PayloadRef];
    /// Shows what the header claims, for the block of this id.
    fn claims(&self, id: Digest, visit: &mut dyn FnMut(Claim<'_>));
}

/// A block with its id.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Block<H> {
    /// Digest of the header.
    pub id: Digest,
    /// The header.
    pub header: H,
}

impl<H: Header> Wire for Block<H> {
    fn encode(&self, out: &mut Vec<u8>) {
        self.id.encode(out);
        self.header.encode(out);
    }
    fn decode(input: &mut &[u8]) -> Result<Self, WireError> {
        Ok(Block { id: Digest::decode(input)?, header: H::decode(input)? })
    }
    fn encoded_len(&self) -> usize {
        self.id.encoded_len() + self.header.encoded_len()
    }
}

impl<H: Header> Block<H> {
    /// The block of a header.
    pub fn new(header: H, hashing: Hashing) -> Block<H> {
        Block { id: digest(&header, hashing), header }
    }
    /// Whether the id is that of the header.
    pub fn is_named_rightly(&self, hashing: Hashing) -> bool {
        self.id == digest(&self.header, hashing)
    }
    /// The block below.
    pub fn parent(&self) -> Digest {
        self.header.parent()
    }
    /// Its height.
    pub fn height(&self) -> Height {
        self.header.height()
    }
    /// Weight of the chain up to it.
    pub fn total(&self) -> u128 {
        self.header.total()
    }
    /// The tip of the chain that ends in it.
    pub fn tip(&self) -> Tip {
        Tip { height: self.height(), block: self.id }
    }
}

fn digest<H: Header>(header: &H, hashing: Hashing) -> Digest {
    let mut bytes = Vec::with_capacity(header.encoded_len());
    header.encode(&mut bytes);
    hashing.digest(&bytes)
}
