//! One arrival: what a client submits or reads, and when.

/// What a client wants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
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
    /// Index of the workload in the scenario.
    pub workload: u16,
    /// Which hospital of the workload, from 0.
    pub hospital: u32,
    /// Write or read.
    pub operation: Operation,
    /// The workload's own number for the kind of record, for counts.
    pub kind: u8,
    /// Bytes of the record itself, without envelope: what an inline variant puts on chain.
    pub record_bytes: u32,
    /// Bytes on chain of a pointer to it, envelope included; also those of anchors and of records that are
    /// always on chain. 0 where only `record_bytes` counts.
    pub pointer_bytes: u32,
    /// Bytes of the object outside the chain; 0 where there is none.
    pub object_bytes: u64,
    /// For reads: whether the reader sits at another hospital than the one that holds the object.
    pub remote: bool,
}

/// A workload of a scenario with its parameters.
#[derive(Clone, PartialEq, Debug)]
pub struct WorkloadSpec {
    /// The user's name for it.
    pub name: String,
}
