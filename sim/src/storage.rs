//! Where records and objects are kept: what goes on chain, what beside it, and how long stores take to answer.
//!
//! Pure models without state: links, disks and queues are the nodes'. A variant is one file that implements
//! [`Variant`], its `pub mod` line and its entry in [`VARIANTS`].

pub mod bytes;
pub mod hash_pointer;
pub mod inline;
pub mod object_store;
pub mod projection;
mod spread;
#[cfg(test)]
mod tests;

use std::fmt::Debug;

use ledgerlab_consensus::Span;
use ledgerlab_consensus::types::mix64;
use ledgerlab_workloads::Arrival;

use crate::scenario::{StorageSpec, StorageVariant};

pub use bytes::BytesByClass;

use self::spread::between;

/// A variant in the list.
#[derive(Debug)]
pub struct VariantInfo {
    /// Its id in scenarios.
    pub id: &'static str,
    /// One sentence.
    pub doc: &'static str,
    /// With its default parameters.
    pub default: StorageVariant,
    /// Its model, if the parameters are this variant's.
    open: fn(&StorageVariant) -> Option<Box<dyn Variant>>,
}

/// All variants, in the order of `ledgerlab list`.
pub const VARIANTS: [VariantInfo; 3] = [inline::INFO, hash_pointer::INFO, object_store::INFO];

/// The variant of that id.
pub fn named(id: &str) -> Option<&'static VariantInfo> {
    const LIST: &[VariantInfo] = &VARIANTS;
    LIST.iter().find(|v| v.id == id)
}

/// How a variant stores and answers. A `draw` is 64 uniform bits; times are monotone in it.
pub trait Variant: Debug + Send + Sync {
    /// Its id in scenarios.
    fn id(&self) -> &'static str;
    /// Whether records are put on chain in full.
    fn inline(&self) -> bool;
    /// Where objects go.
    fn store(&self) -> Store;
    /// From the start of a write of `bytes` until the store has acknowledged it, without queueing on the links to
    /// it: the write is through when both this and the transfer are over.
    fn write_ack(&self, bytes: u64, draw: u64) -> Span;
    /// From a request's arrival at the store until its first byte leaves.
    fn first_byte(&self, draw: u64) -> Span;
    /// How fast the store delivers one object, bytes per second.
    fn stream_bytes_per_s(&self) -> u64;
}

/// Who runs the store of an object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Store {
    /// The organisation that holds the object: readers elsewhere load its uplink.
    Local,
    /// A provider outside the consortium: writers load their uplinks, readers their downlinks.
    External,
}

impl Store {
    /// Where that is, as legends say it.
    pub fn place(self) -> &'static str {
        match self {
            Store::Local => "own store",
            Store::External => "provider",
        }
    }
}

/// Where a transaction's bytes go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Placement {
    /// The transaction on chain, envelope included.
    pub chain_bytes: u32,
    /// What is kept outside the chain; for a read, what has to be fetched.
    pub offchain: Option<Offchain>,
}

/// An object outside the chain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Offchain {
    /// Its size.
    pub bytes: u64,
    /// Who keeps it.
    pub store: Store,
}

/// The parts of a read that are the stores'; the way to the object's holder and back is the network's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReadParts {
    /// Lookup of the record or pointer in the reader's own ledger.
    pub lookup: Span,
    /// The store's answer; zero where everything is on chain.
    pub first_byte: Span,
    /// Delivery of the object at the store's rate; links that it crosses may take longer, at the same time.
    pub transfer: Span,
}

/// The storage of a run.
#[derive(Debug)]
pub struct StorageModel {
    variant: Box<dyn Variant>,
    /// What the variant says to each arrival alike.
    inline: bool,
    store: Store,
}

impl StorageModel {
    /// The model of a scenario's storage.
    ///
    /// # Panics
    /// If the list lacks the variant.
    pub fn new(spec: &StorageSpec) -> StorageModel {
        let found = VARIANTS.iter().find_map(|v| (v.open)(&spec.variant));
        let variant = found.unwrap_or_else(|| panic!("the list of storage variants lacks {:?}", spec.variant));
        StorageModel { inline: variant.inline(), store: variant.store(), variant }
    }

    /// Id of the variant.
    pub fn id(&self) -> &'static str {
        self.variant.id()
    }

    /// Where objects beside the chain go.
    pub fn store(&self) -> Store {
        self.store
    }

    /// Whether records are put on chain in full.
    pub fn inline(&self) -> bool {
        self.inline
    }

    /// Where the bytes of an arrival go.
    #[inline]
    pub fn placement(&self, arrival: &Arrival) -> Placement {
        let bytes = arrival.off_chain_bytes(self.inline);
        let offchain = (bytes > 0).then_some(Offchain { bytes, store: self.store });
        Placement { chain_bytes: arrival.chain_bytes(self.inline), offchain }
    }

    /// From the start of a write of an object until its store has acknowledged it: see [`Variant::write_ack`].
    #[inline]
    pub fn write_ack(&self, object: Offchain, draw: u64) -> Span {
        self.variant.write_ack(object.bytes, draw)
    }

    /// The stores' part of a read.
    #[inline]
    pub fn read(&self, placement: &Placement, draw: u64) -> ReadParts {
        let lookup = between(LOOKUP.0, LOOKUP.1, draw);
        let Some(object) = placement.offchain else {
            return ReadParts { lookup, first_byte: Span::ZERO, transfer: Span::ZERO };
        };
        let first_byte = self.variant.first_byte(mix64(draw));
        ReadParts { lookup, first_byte, transfer: transfer(object.bytes, self.variant.stream_bytes_per_s()) }
    }
}

/// Least and largest time of a lookup in a node's own database, uniform in between: an assumption.
const LOOKUP: (Span, Span) = (Span::micros(100), Span::millis(1));

impl StorageModel {
    /// Time for which a store streams so many bytes.
    pub fn stream(&self, bytes: u64) -> Span {
        transfer(bytes, self.variant.stream_bytes_per_s())
    }
}

/// Time of `bytes` at a rate, rounded up.
pub(crate) fn transfer(bytes: u64, bytes_per_s: u64) -> Span {
    let ns = (u128::from(bytes) * 1_000_000_000).div_ceil(u128::from(bytes_per_s.max(1)));
    Span(u64::try_from(ns).unwrap_or(u64::MAX))
}
