//! One arrival: what a client submits or reads, and when.
//!
//! Limits: an arrival names no patient and no object; `record_bytes` saturates at 4 GiB, more than any block holds.

/// Bytes of the envelope around a record on chain: version 1, kind 1, nonce 8, time 8, sender 32, patient
/// pseudonym 32, signature 64 (own design).
pub const ENVELOPE_BYTES: u32 = 146;
/// Bytes that authenticated encryption adds: a 12-byte nonce and a 16-byte tag (RFC 5116, AES-GCM).
pub const CIPHER_BYTES: u32 = 28;
/// What a record on chain takes beyond its own bytes.
pub const INLINE_OVERHEAD_BYTES: u32 = ENVELOPE_BYTES + CIPHER_BYTES;

/// What a client wants.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Operation {
    /// A transaction.
    Write,
    /// A read that the ledger does not order.
    Read,
}

/// A client's request, planned at a time that does not depend on how the system copes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Arrival {
    /// Planned time since the start of the run, ns.
    pub at_ns: u64,
    /// Bytes of the object outside the chain; 0 where there is none.
    pub object_bytes: u64,
    /// Which hospital of the workload asks, from 0.
    pub hospital: u32,
    /// Which hospital holds the object: `hospital` itself, except for remote reads.
    pub holder: u32,
    /// Bytes of the record itself, without envelope: what an inline variant puts on chain, inside
    /// [`INLINE_OVERHEAD_BYTES`]. 0 where the transaction is the same under every variant.
    pub record_bytes: u32,
    /// Bytes on chain of a pointer to it, envelope included; also those of anchors and of transactions that are
    /// always on chain. 0 where the record itself is always on chain.
    pub pointer_bytes: u32,
    /// Index of the workload in the scenario.
    pub workload: u16,
    /// Index into [`WorkloadKind::records`](crate::WorkloadKind::records), for counts and deadlines.
    pub kind: u8,
    /// Write or read.
    pub operation: Operation,
}

impl Arrival {
    /// Whether the reader sits at another hospital than the one that holds the object.
    pub fn remote(&self) -> bool {
        self.holder != self.hospital
    }

    /// Bytes of the transaction on chain, envelope included, when records are kept inline or not.
    ///
    /// Without a pointer the record is on chain in any case; without a record the pointer (an anchor, or a
    /// transaction of fixed size) is.
    pub fn chain_bytes(&self, inline: bool) -> u32 {
        if self.pointer_bytes == 0 || (inline && self.record_bytes > 0) {
            self.record_bytes.saturating_add(INLINE_OVERHEAD_BYTES)
        } else {
            self.pointer_bytes
        }
    }

    /// Bytes kept outside the chain, when records are kept inline or not.
    pub fn off_chain_bytes(&self, inline: bool) -> u64 {
        if inline && self.record_bytes > 0 { 0 } else { self.object_bytes }
    }
}
