//! Bytes at a node after each of ten years, by class.
//!
//! Transactions come from the workloads' expected week, not from the rate of a measured window; headers and
//! certificates from the block rate of the run. Nothing grows: the same week repeats. Bodies older than the
//! retention leave, and their index with them; headers, certificates, state and objects stay. Sizes are logical:
//! what a database adds on disk is [`YearEnd::on_disk`].

use ledgerlab_consensus::Span;
use ledgerlab_workloads::{ArrivalMode, Operation, WorkloadSpec};

use super::StorageModel;
use super::bytes::{ByteClass, BytesByClass, INDEX_BYTES_PER_TX, STATE_BYTES_PER_TX};

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

/// What a node holds at the end of a year.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct YearEnd {
    /// Counted from 1.
    pub year: u32,
    /// Logical bytes. Objects are a node's even share, wherever their store is.
    pub bytes: BytesByClass,
}

impl YearEnd {
    /// Bytes on the node's disk with a database's write `amplification`, without objects.
    pub fn on_disk(&self, amplification: f64) -> f64 {
        let outside = self.bytes[ByteClass::OffChain] + self.bytes[ByteClass::Replica];
        (self.bytes.total() - outside) as f64 * amplification
    }
}

/// Bytes at each of `nodes` nodes after each year.
pub fn project(week: &Week, blocks: &BlockRate, nodes: u32, retention: Option<Span>) -> Vec<YearEnd> {
    (1..=YEARS)
        .map(|year| {
            let seconds = f64::from(year) * YEAR_S;
            YearEnd { year, bytes: after(seconds, week, blocks, nodes, retention) }
        })
        .collect()
}

/// Bytes at a node after some time.
pub fn after(seconds: f64, week: &Week, blocks: &BlockRate, nodes: u32, retention: Option<Span>) -> BytesByClass {
    let kept = retention.map_or(seconds, |r| r.as_secs_f64().min(seconds));
    let (transactions, kept_transactions) = (week.transactions / WEEK_S * seconds, week.transactions / WEEK_S * kept);
    let mut bytes = BytesByClass::default();
    let mut set = |class, value: f64| bytes[class] = (value + 0.5) as u64;
    set(ByteClass::Header, blocks.blocks_per_s * seconds * blocks.header_bytes);
    set(ByteClass::Certificate, blocks.blocks_per_s * seconds * blocks.certificate_bytes);
    set(ByteClass::Payload, week.payload_bytes / WEEK_S * kept);
    set(ByteClass::State, transactions * f64::from(STATE_BYTES_PER_TX));
    set(ByteClass::Index, kept_transactions * f64::from(INDEX_BYTES_PER_TX));
    set(ByteClass::OffChain, week.off_chain_bytes / WEEK_S * seconds / f64::from(nodes.max(1)));
    bytes
}
