//! The record itself is the transaction's payload: encrypted, at every node, for as long as the ledger keeps it.
//!
//! Transactions that are never records (anchors) keep their objects in the hospital's own store as with a hash
//! pointer. Erasure is possible only by destroying keys.

use ledgerlab_consensus::Span;

use super::hash_pointer::{self, HashPointer};
use super::{Store, Variant, VariantInfo};
use crate::scenario::StorageVariant;

/// The entry of the list.
pub const INFO: VariantInfo = VariantInfo {
    id: "inline",
    doc: "the record itself is the transaction's payload, at every node",
    default: StorageVariant::Inline,
    open,
};

fn open(spec: &StorageVariant) -> Option<Box<dyn Variant>> {
    let StorageVariant::Inline = spec else { return None };
    HashPointer::new(&hash_pointer::INFO.default).map(|anchored| Box::new(Inline { anchored }) as Box<dyn Variant>)
}

/// The model.
#[derive(Debug)]
struct Inline {
    /// The store of what anchors stand for.
    anchored: HashPointer,
}

impl Variant for Inline {
    fn id(&self) -> &'static str {
        INFO.id
    }
    fn inline(&self) -> bool {
        true
    }
    fn store(&self) -> Store {
        self.anchored.store()
    }
    fn write_ack(&self, bytes: u64, draw: u64) -> Span {
        self.anchored.write_ack(bytes, draw)
    }
    fn first_byte(&self, draw: u64) -> Span {
        self.anchored.first_byte(draw)
    }
    fn stream_bytes_per_s(&self) -> u64 {
        self.anchored.stream_bytes_per_s()
    }
}
