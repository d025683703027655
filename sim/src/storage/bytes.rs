//! Counts of bytes by what they are for, and how many of the derived ones a transaction leaves.

use std::ops::{Index, IndexMut};

use crate::record::{ByteClass, ClassBytes};

/// Bytes of a state entry: record 32, hash of its latest version 32, version 8 (assumption).
///
/// Every transaction adds one, as if it were of a new record: an upper bound.
pub const STATE_BYTES_PER_TX: u32 = 72;
/// Bytes of an index entry: transaction 32, height 8, position 4, length 4 (assumption).
pub const INDEX_BYTES_PER_TX: u32 = 48;

/// A count of bytes for each class.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct BytesByClass([u64; 7]);

impl BytesByClass {
    /// Adds what a block leaves at a node: header, certificate and payload as given, state and index for its
    /// transactions.
    #[inline]
    pub fn add_block(&mut self, header: u64, certificate: u64, payload: u64, transactions: u64) {
        self[ByteClass::Headers] += header;
        self[ByteClass::Certificates] += certificate;
        self[ByteClass::Payload] += payload;
        self[ByteClass::State] += transactions * u64::from(STATE_BYTES_PER_TX);
        self[ByteClass::Index] += transactions * u64::from(INDEX_BYTES_PER_TX);
    }

    /// As a figure of results.
    pub fn figures(&self) -> ClassBytes {
        ClassBytes::from_fn(|class| self[class] as f64)
    }

    /// All bytes.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Classes with their bytes.
    pub fn iter(&self) -> impl Iterator<Item = (ByteClass, u64)> + '_ {
        ByteClass::ALL.iter().map(|c| (*c, self[*c]))
    }
}

impl Index<ByteClass> for BytesByClass {
    type Output = u64;
    #[inline]
    fn index(&self, class: ByteClass) -> &u64 {
        &self.0[class as usize]
    }
}
impl IndexMut<ByteClass> for BytesByClass {
    #[inline]
    fn index_mut(&mut self, class: ByteClass) -> &mut u64 {
        &mut self.0[class as usize]
    }
}
