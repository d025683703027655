//! A block without its payload, and the proposal that a leader makes of it.
//!
//! The digest covers height, parent and payload, but no view: a block that a later view proposes again stays the
//! same block, and its ancestors are known by it.

use super::message::PRE_PREPARE;
use crate::message::{PayloadRef, Statement};
use crate::types::{Digest, Hashing, Height, Tip, ValidatorId, View};

/// Bytes of a block's header on disk: height, parent, payload reference, block digest.
pub const HEADER_BYTES: u32 = 8 + 16 + 24 + 16;

/// A block without its payload.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// Its height.
    pub height: Height,
    /// The block below it.
    pub parent: Digest,
    /// Its digest.
    pub block: Digest,
    /// Its transactions.
    pub payload: PayloadRef,
}

crate::wire!(struct Header { height, parent, block, payload });

impl Header {
    /// The block of a payload on top of a parent.
    pub fn new(hashing: Hashing, height: Height, parent: Digest, payload: PayloadRef) -> Header {
        let mut bytes = [0; 48];
        bytes[..8].copy_from_slice(&height.to_le_bytes());
        bytes[8..16].copy_from_slice(&parent.0[0].to_le_bytes());
        bytes[16..24].copy_from_slice(&parent.0[1].to_le_bytes());
        bytes[24..32].copy_from_slice(&payload.root.0[0].to_le_bytes());
        bytes[32..40].copy_from_slice(&payload.root.0[1].to_le_bytes());
        bytes[40..44].copy_from_slice(&payload.bytes.to_le_bytes());
        bytes[44..].copy_from_slice(&payload.count.to_le_bytes());
        Header { height, parent, block: hashing.digest(&bytes), payload }
    }
    /// Whether the digest is that of the rest.
    pub fn is_sound(&self, hashing: Hashing) -> bool {
        *self == Header::new(hashing, self.height, self.parent, self.payload)
    }
    /// The chain's end that the block would be.
    pub fn tip(&self) -> Tip {
        Tip { height: self.height, block: self.block }
    }
}

/// A leader's proposal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PrePrepare {
    /// The leader.
    pub by: ValidatorId,
    /// The view it leads.
    pub view: View,
    /// The block.
    pub header: Header,
}

crate::wire!(struct PrePrepare { by, view, header });

impl PrePrepare {
    /// What the leader signs.
    pub fn statement(&self) -> Statement {
        Statement { kind: PRE_PREPARE, major: self.header.height, minor: self.view, value: self.header.block }
    }
}
