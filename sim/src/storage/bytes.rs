//! Bytes by what they are for, and how many of the derived ones a transaction leaves.

use std::ops::{Index, IndexMut};

/// What stored bytes are for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum ByteClass {
    /// Block headers.
    Header,
    /// Certificates of blocks.
    Certificate,
    /// Transactions.
    Payload,
    /// The current version of each record: what a node needs to execute.
    State,
    /// Where each transaction is found.
    Index,
    /// Objects outside the chain, first copies.
    OffChain,
    /// Further copies of them.
    Replica,
}

/// Bytes of a state entry: record 32, hash of its latest version 32, version 8 (assumption).
///
/// Every transaction adds one, as if it were of a new record: an upper bound.
pub const STATE_BYTES_PER_TX: u32 = 72;
/// Bytes of an index entry: transaction 32, height 8, position 4, length 4 (assumption).
pub const INDEX_BYTES_PER_TX: u32 = 48;

impl ByteClass {
    /// All classes, in the order of reports.
    pub const ALL: [ByteClass; 7] = [
        ByteClass::Header,
        ByteClass::Certificate,
        ByteClass::Payload,
        ByteClass::State,
        ByteClass::Index,
        ByteClass::OffChain,
        ByteClass::Replica,
    ];

    /// Its name in results.
    pub const fn name(self) -> &'static str {
        match self {
            ByteClass::Header => "header",
            ByteClass::Certificate => "certificate",
            ByteClass::Payload => "payload",
            ByteClass::State => "state",
            ByteClass::Index => "index",
            ByteClass::OffChain => "off_chain",
            ByteClass::Replica => "replica",
        }
    }

    /// Whether it is part of the chain itself, the same at every node.
    pub const fn on_chain(self) -> bool {
        matches!(self, ByteClass::Header | ByteClass::Certificate | ByteClass::Payload)
    }
}

/// A count of bytes for each class.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct BytesByClass([u64; 7]);

impl BytesByClass {
    /// Adds what a block leaves at a node: header, certificate and payload as given, state and index for its
    /// transactions.
    #[inline]
    pub fn add_block(&mut self, header: u64, certificate: u64, payload: u64, transactions: u64) {
        self[ByteClass::Header] += header;
        self[ByteClass::Certificate] += certificate;
        self[ByteClass::Payload] += payload;
        self[ByteClass::State] += transactions * u64::from(STATE_BYTES_PER_TX);
        self[ByteClass::Index] += transactions * u64::from(INDEX_BYTES_PER_TX);
    }

    /// Bytes of the chain itself: headers, certificates, payload.
    pub fn chain(&self) -> u64 {
        ByteClass::ALL.iter().filter(|c| c.on_chain()).map(|c| self[*c]).sum()
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
