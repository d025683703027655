//! A pointer with a hash on chain; the object stays in the store of the hospital that wrote it.
//!
//! One copy: the object is unavailable while its hospital is. Times are assumptions for storage on premises.

use ledgerlab_consensus::Span;

use super::spread::{LogNormal, between};
use super::{Store, Variant, VariantInfo};
use crate::scenario::StorageVariant;

/// The entry of the list.
pub const INFO: VariantInfo = VariantInfo {
    id: "hash-pointer",
    doc: "a pointer with a hash; the object stays in the hospital's own store",
    default: StorageVariant::HashPointer {
        write: (Span::millis(2), Span::millis(5)),
        first_byte: Span::millis(5),
        first_byte_sigma: 0.6,
        // The 1 Gbit/s of a hospital's local network (assumption).
        stream_bytes_per_s: 125_000_000,
    },
    open,
};

fn open(spec: &StorageVariant) -> Option<Box<dyn Variant>> {
    HashPointer::new(spec).map(|v| Box::new(v) as Box<dyn Variant>)
}

/// The model: writes uniform between two times, first bytes log-normal.
#[derive(Debug)]
pub(super) struct HashPointer {
    write: (Span, Span),
    first_byte: Span,
    spread: LogNormal,
    stream_bytes_per_s: u64,
}

impl HashPointer {
    pub(super) fn new(spec: &StorageVariant) -> Option<HashPointer> {
        let StorageVariant::HashPointer { write, first_byte, first_byte_sigma, stream_bytes_per_s } = *spec else {
            return None;
        };
        Some(HashPointer { write, first_byte, spread: LogNormal::new(first_byte_sigma), stream_bytes_per_s })
    }
}

impl Variant for HashPointer {
    fn id(&self) -> &'static str {
        INFO.id
    }
    fn inline(&self) -> bool {
        false
    }
    fn store(&self) -> Store {
        Store::Local
    }
    fn write_ack(&self, bytes: u64, draw: u64) -> Span {
        between(self.write.0, self.write.1, draw) + super::transfer(bytes, self.stream_bytes_per_s)
    }
    fn first_byte(&self, draw: u64) -> Span {
        self.spread.times(self.first_byte, draw)
    }
    fn stream_bytes_per_s(&self) -> u64 {
        self.stream_bytes_per_s
    }
}
