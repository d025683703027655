//! What a run yields, as plain data: one [`RunRecord`] a replication, one [`Summary`] an experiment.
//!
//! The simulator fills these in and `reports` writes them out, so neither knows the other. Everything here is serde
//! data without behaviour beyond arithmetic on itself; file formats, charts and tables are not here.
//! A figure that does not exist (a latency where nothing committed) is `None`, never NaN and never zero.

pub mod block;
pub mod latency;
pub mod metric;
pub mod node;
pub mod run;
pub mod series;
pub mod statistics;
pub mod storage;
pub mod summary;
pub mod transaction;
pub mod verdict;

pub use ledgerlab_consensus::Time;
pub use ledgerlab_consensus::risk::LEAST_REVERSAL;

pub use block::{BlockStats, MessageCount, ReorgDepth};
pub use latency::{LatencyHistogram, LatencySummary, Percentile, Stages};
pub use metric::{METRICS, Metric};
pub use node::NodeUse;
pub use run::{
    CheckOutcome, Cohort, FaultWindow, FinalityRecord, Rates, ReadRecord, RunRecord, Window, WorkloadRecord,
};
pub use series::Series;
pub use statistics::Estimate;
pub use storage::{ByteClass, ClassBytes, ProjectionRow, StorageRecord};
pub use summary::{
    Definition, ExperimentHeader, PointHeader, PointSummary, Provenance, ReplicationSummary, SCHEMA, SloOutcome,
    Summary, WorkloadSummary,
};
pub use transaction::{Outcome, Passage, TransactionRow, TransactionSink};
pub use verdict::Verdict;
