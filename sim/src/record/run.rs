//! One replication: everything that was measured, in the units of the report.
//!
//! Whoever measures fills the public fields; what a run did not measure stays at its default.

use super::block::{BlockStats, MessageCount};
use super::latency::{LatencyHistogram, Stages};
use super::node::NodeUse;
use super::series::Series;
use super::storage::StorageRecord;
use super::verdict::Verdict;
use serde::{Deserialize, Serialize};

/// Result of one replication of one point.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct RunRecord {
    /// Index of the sweep point; 0 without a sweep.
    pub point: u32,
    /// Index of the replication, from 0.
    pub replication: u32,
    /// Seed that the replication ran with.
    pub seed: u64,
    /// RunDigest, hexadecimal.
    pub digest: String,
    /// Whether the run is worth believing.
    pub verdict: Verdict,
    /// Warm-up, window and drain as they were.
    pub window: Window,
    /// When a transaction was final.
    pub finality: FinalityRecord,
    /// Outcome of every transaction whose planned submit time lies in the window.
    pub cohort: Cohort,
    /// Transactions per second in the window.
    pub rates: Rates,
    /// Planned submit time to finality, of the cohort's committed transactions.
    pub latency: LatencyHistogram,
    /// Planned submit time until the client has its reply, of the same.
    pub client_reply: LatencyHistogram,
    /// Means of the stages, which sum to the mean of `latency`; `None` where nothing committed.
    pub stages: Option<Stages>,
    /// Reads, apart from transactions.
    pub reads: ReadRecord,
    /// One row a workload, in the scenario's order.
    pub workloads: Vec<WorkloadRecord>,
    /// Bytes by class.
    pub storage: StorageRecord,
    /// One row a node.
    pub nodes: Vec<NodeUse>,
    /// What the chain did.
    pub blocks: BlockStats,
    /// Messages by kind.
    pub messages: Vec<MessageCount>,
    /// What happened over time.
    pub series: Series,
    /// When which fault acted.
    pub faults: Vec<FaultWindow>,
    /// Checks that ran, with their outcome.
    pub checks: Vec<CheckOutcome>,
    /// What a reader should know before believing a figure.
    pub warnings: Vec<String>,
    /// Events that the kernel handled: arrivals of messages, and what hosts do by themselves.
    pub events: u64,
    /// Arrivals in windows so crowded that threads can share them.
    #[serde(default)]
    pub crowded: u64,
    /// Messages delivered to a replica.
    pub deliveries: u64,
}

/// The parts of a run, seconds since its start.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Window {
    /// Start of the measured window: the length of the warm-up.
    pub start_s: f64,
    /// End of the measured window.
    pub end_s: f64,
    /// End of the drain: when the run stopped.
    pub stopped_s: f64,
}

/// The cohort by outcome.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Cohort {
    /// Planned submissions in the window.
    pub created: u64,
    /// Final by the rule before the drain ended.
    pub committed: u64,
    /// Refused by a full mempool.
    pub rejected: u64,
    /// Dropped after waiting too long.
    pub expired: u64,
    /// Without an outcome when the drain ended.
    pub pending: u64,
}

/// Rates over the measured window.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Rates {
    /// Planned submissions.
    pub offered_tx_per_s: f64,
    /// Those that a gateway took into its mempool.
    pub admitted_tx_per_s: f64,
    /// Cohort transactions that became final, whenever that was.
    pub committed_tx_per_s: f64,
    /// Valid transactions that became final within the window, whenever they were submitted.
    pub throughput_tx_per_s: f64,
    /// The same without those that missed their deadline.
    pub goodput_tx_per_s: f64,
}

/// Reads, which take no part in consensus.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ReadRecord {
    /// Reads planned in the window.
    pub created: u64,
    /// Answered before the drain ended.
    pub answered: u64,
    /// Planned time to last byte.
    pub latency: LatencyHistogram,
}

/// One workload's share of the cohort.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct WorkloadRecord {
    /// The user's name for it.
    pub name: String,
    /// Outcomes.
    pub cohort: Cohort,
    /// Time to finality.
    pub latency: LatencyHistogram,
}

/// When a transaction counts as final, resolved; without it latencies of two protocol families do not compare.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct FinalityRecord {
    /// How many nodes must agree, as the scenario says it: `quorum`, `all`, `0.67`.
    pub nodes: String,
    /// The rule as the scenario says it: `protocol`, `depth:6`, `risk:0.1/1e-3`.
    pub rule: String,
    /// Blocks on top that the rule asks for; `None` for a certificate.
    pub depth: Option<u64>,
    /// Share of power of the adversary against whom a depth is judged: the rule's, else a tenth; `None` for a
    /// certificate.
    pub adversary: Option<f64>,
    /// Bound on the probability that such an adversary reverses a final block under that many; nothing below 1e-30 is
    /// told apart. 0 for a certificate within the fault model. What a rule of risk allows stands in `rule`.
    pub reversal: Option<f64>,
}

/// A fault as it acted, seconds since the start of the run.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct FaultWindow {
    /// The user's name for it.
    pub name: String,
    /// What went wrong: `crash`, `partition`.
    pub kind: String,
    /// Start.
    pub from_s: f64,
    /// End; the run's end where it never ended.
    pub to_s: f64,
}

/// A check that ran, with both sides where it compares two figures.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct CheckOutcome {
    /// Its name: `safety`, `conservation`, `littles-law`, `link-rate`.
    pub name: String,
    /// Whether it held.
    pub passed: bool,
    /// What was measured.
    pub measured: Option<f64>,
    /// What was expected of it, or its bound.
    pub expected: Option<f64>,
    /// In words: what was compared, how often, and what broke.
    pub detail: String,
}

impl Cohort {
    /// Whether the four classes account for everything created.
    #[must_use]
    pub fn is_conserved(&self) -> bool {
        self.created == self.committed + self.rejected + self.expired + self.pending
    }

    /// Committed over created; `None` where nothing was created.
    #[must_use]
    pub fn success_rate(&self) -> Option<f64> {
        (self.created > 0).then(|| self.committed as f64 / self.created as f64)
    }

    /// Sum of several.
    #[must_use]
    pub fn summed<'a>(parts: impl IntoIterator<Item = &'a Cohort>) -> Self {
        parts.into_iter().fold(Self::default(), |sum, part| Self {
            created: sum.created + part.created,
            committed: sum.committed + part.committed,
            rejected: sum.rejected + part.rejected,
            expired: sum.expired + part.expired,
            pending: sum.pending + part.pending,
        })
    }
}

impl Window {
    /// Length of the measured window.
    #[must_use]
    pub fn length_s(&self) -> f64 {
        self.end_s - self.start_s
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cohort_adds_up_or_not() {
        let cohort = Cohort { created: 10, committed: 6, rejected: 1, expired: 2, pending: 1 };
        assert!(cohort.is_conserved());
        assert_eq!(cohort.success_rate(), Some(0.6));
        let sum = Cohort::summed(&[cohort, cohort]);
        assert_eq!((sum.created, sum.committed, sum.is_conserved()), (20, 12, true));
        assert!(!Cohort { pending: 0, ..cohort }.is_conserved());
        assert_eq!(Cohort::default().success_rate(), None);
    }
}
