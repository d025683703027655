//! Bytes at a node after each of ten years, by class.
//!
//! Transactions come from the workloads' expected week, not from the rate of a measured window; headers and
//! certificates from the block rate of the run. Nothing grows: the same week repeats. Bodies older than the
//! retention leave, and their index with them; headers, certificates, state and objects stay. Sizes are logical:
//! the write amplification of a database comes on top.

use ledgerlab_consensus::Span;
use ledgerlab_workloads::{ArrivalMode, Operation, WorkloadSpec};

use super::StorageModel;
use super::bytes::{INDEX_BYTES_PER_TX, STATE_BYTES_PER_TX};
use crate::record::{ClassBytes, ProjectionRow};

/// Years that are projected.
pub const YEARS: u32 = 10;
/// Seconds of a week and of a year of 365.25 days.
const WEEK_S: f64 = 604_800.0;
const YEAR_S: f64 = 31_557_600.0;

/// What a week brings, all hospitals together.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Week {
    /// Transactions.
    pub transactions: f64,
    /// Their bytes on chain.
    pub payload_bytes: f64,
    /// Bytes of objects outside the chain.
    pub off_chain_bytes: f64,
}

impl Week {
    /// The expected week of workloads at a load; closed loops have none, since their rate is the system's.
    pub fn expected(workloads: &[WorkloadSpec], load: f64, storage: &StorageModel) -> Week {
        let mut week = Week::default();
        let open = workloads.iter().filter(|w| w.arrival == ArrivalMode::Open);
        for stream in open.flat_map(WorkloadSpec::streams).filter(|s| s.operation == Operation::Write) {
            let (n, size) = (stream.per_week * load, stream.size.mean());
            week.transactions += n;
            week.payload_bytes += n * size.chain_bytes(storage.inline());
            week.off_chain_bytes += n * size.off_chain_bytes(storage.inline());
        }
        week
    }
}

/// The chain's growth that does not depend on transactions.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct BlockRate {
    /// Blocks per second.
    pub blocks_per_s: f64,
    /// Bytes of a header.
    pub header_bytes: f64,
    /// Bytes of a certificate.
    pub certificate_bytes: f64,
}

/// Bytes after each year at one of `nodes` nodes, and at all nodes and stores together.
pub fn project(week: &Week, blocks: &BlockRate, nodes: u32, retention: Option<Span>) -> Vec<ProjectionRow> {
    (1..=YEARS)
        .map(|year| {
            let bytes = after(f64::from(year) * YEAR_S, week, blocks, nodes, retention);
            ProjectionRow { year, per_node_bytes: bytes, total_bytes: bytes.total() * f64::from(nodes) }
        })
        .collect()
}

/// Bytes at a node after some time; objects are a node's even share, wherever their store is.
pub fn after(seconds: f64, week: &Week, blocks: &BlockRate, nodes: u32, retention: Option<Span>) -> ClassBytes {
    let kept = retention.map_or(seconds, |r| r.as_secs_f64().min(seconds));
    let per_s = |per_week: f64| per_week / WEEK_S;
    ClassBytes {
        headers: blocks.blocks_per_s * seconds * blocks.header_bytes,
        certificates: blocks.blocks_per_s * seconds * blocks.certificate_bytes,
        payload: per_s(week.payload_bytes) * kept,
        state: per_s(week.transactions) * seconds * f64::from(STATE_BYTES_PER_TX),
        index: per_s(week.transactions) * kept * f64::from(INDEX_BYTES_PER_TX),
        off_chain: per_s(week.off_chain_bytes) * seconds / f64::from(nodes.max(1)),
        replicas: 0.0,
    }
}
