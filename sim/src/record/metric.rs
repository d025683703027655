//! The figures of a run by name, each with its unit and its one definition.
//!
//! One list serves the JSON summary, the Parquet tables, the report and regression gates. A further metric is one
//! further entry. Definitions follow the Hyperledger Performance and Scale Working Group's *Hyperledger Blockchain
//! Performance Metrics* (2018), with latency taken from the planned submit time.

use super::node::NodeUse;
use super::run::RunRecord;

/// A figure that every replication has, or `None` where it does not exist.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Name with its unit last, as in every file.
    pub name: &'static str,
    /// Unit in words; empty for a share or a count.
    pub unit: &'static str,
    /// What is measured, from when to when, of which transactions.
    pub definition: &'static str,
    /// Reads it from a record.
    pub of: fn(&RunRecord) -> Option<f64>,
}

impl Metric {
    /// The metric of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Metric> {
        METRICS.iter().find(|metric| metric.name == name)
    }
}

const fn metric(
    name: &'static str,
    unit: &'static str,
    definition: &'static str,
    of: fn(&RunRecord) -> Option<f64>,
) -> Metric {
    Metric { name, unit, definition, of }
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// Transactions on their way to a pool, replies to clients, and objects beside the chain.
const NOT_CONSENSUS: [&str; 5] = ["batch", "reply", "reply-request", "read-request", "chunk"];

fn messages_per_transaction(run: &RunRecord) -> Option<f64> {
    let consensus = run.messages.iter().filter(|message| !NOT_CONSENSUS.contains(&message.kind.as_str()));
    share(consensus.map(|message| message.count).sum(), run.cohort.committed)
}

/// Every metric, in the order of the report.
pub const METRICS: &[Metric] = &[
    metric(
        "throughput_tx_per_s",
        "tx/s",
        "Valid transactions that became final by the finality rule within the measured window, per second of it.",
        |r| Some(r.rates.throughput_tx_per_s),
    ),
    metric("goodput_tx_per_s", "tx/s", "Throughput without the transactions that missed their deadline.", |r| {
        Some(r.rates.goodput_tx_per_s)
    }),
    metric(
        "offered_tx_per_s",
        "tx/s",
        "Planned submissions in the measured window, per second of it, whether or not the system took them.",
        |r| Some(r.rates.offered_tx_per_s),
    ),
    metric(
        "admitted_tx_per_s",
        "tx/s",
        "Submissions that a gateway node took into its mempool in the window, per second of it.",
        |r| Some(r.rates.admitted_tx_per_s),
    ),
    metric(
        "committed_tx_per_s",
        "tx/s",
        "Transactions of the cohort (planned submit time in the window) that became final, per second of the window.",
        |r| Some(r.rates.committed_tx_per_s),
    ),
    metric(
        "success_rate",
        "",
        "Committed over created transactions of the cohort; rejected, expired and still pending ones lower it.",
        |r| r.cohort.success_rate(),
    ),
    metric(
        "latency_mean_ms",
        "ms",
        "Mean time from the planned submit time until the transaction is final by the finality rule at the nodes that \
         it names, of the cohort's committed transactions.",
        |r| r.latency.mean_ms(),
    ),
    metric("latency_p50_ms", "ms", "Median of the time to finality.", |r| r.latency.quantile_ms(0.5)),
    metric("latency_p90_ms", "ms", "90th percentile of the time to finality.", |r| r.latency.quantile_ms(0.9)),
    metric("latency_p95_ms", "ms", "95th percentile of the time to finality.", |r| r.latency.quantile_ms(0.95)),
    metric("latency_p99_ms", "ms", "99th percentile of the time to finality.", |r| r.latency.quantile_ms(0.99)),
    metric("latency_p999_ms", "ms", "99.9th percentile of the time to finality.", |r| r.latency.quantile_ms(0.999)),
    metric("latency_max_ms", "ms", "Largest time to finality of the cohort.", |r| r.latency.quantile_ms(1.0)),
    metric(
        "client_reply_p50_ms",
        "ms",
        "Median time from the planned submit time until the client has its reply by the protocol's reply rule.",
        |r| r.client_reply.quantile_ms(0.5),
    ),
    metric("client_reply_p99_ms", "ms", "99th percentile of the time to the client's reply.", |r| {
        r.client_reply.quantile_ms(0.99)
    }),
    metric(
        "stage_gateway_ms",
        "ms",
        "Part of the mean latency spent in the adapter, in batching and in checking the client's signature, until admission.",
        |r| r.stages.map(|s| s.gateway_ms),
    ),
    metric(
        "stage_dissemination_ms",
        "ms",
        "Part of the mean latency from admission until a proposal carries the transaction: the way to the \
         proposer and waiting in the mempool.",
        |r| r.stages.map(|s| s.dissemination_ms),
    ),
    metric(
        "stage_commit_ms",
        "ms",
        "Part of the mean latency from proposal until the commit that the finality rule asks for.",
        |r| r.stages.map(|s| s.commit_ms),
    ),
    metric("stage_execution_ms", "ms", "Part of the mean latency spent in execution after the commit.", |r| {
        r.stages.map(|s| s.execution_ms)
    }),
    metric(
        "stage_off_chain_ms",
        "ms",
        "Part of the mean latency added by the acknowledgement of the object beside the chain.",
        |r| r.stages.map(|s| s.off_chain_ms),
    ),
    metric("read_p50_ms", "ms", "Median time from a planned read to its last byte.", |r| {
        r.reads.latency.quantile_ms(0.5)
    }),
    metric("read_p99_ms", "ms", "99th percentile of the time from a planned read to its last byte.", |r| {
        r.reads.latency.quantile_ms(0.99)
    }),
    metric(
        "read_throughput_per_s",
        "reads/s",
        "Answered reads of those planned in the window, per second of it.",
        |r| (r.window.length_s() > 0.0).then(|| r.reads.answered as f64 / r.window.length_s()),
    ),
    metric(
        "bytes_per_day_per_node",
        "bytes",
        "Bytes gained in the measured window, all classes, mean over nodes, at the window's rate for 24 h: what lies on \
         a node's disk, and its share of the objects beside the chain, which lie in the hospitals' own stores or at a \
         provider. The projection in years uses the workloads' weekly profile instead.",
        |r| Some(r.storage.bytes_per_day_per_node.total()),
    ),
    metric(
        "chain_bytes_per_day_per_node",
        "bytes",
        "Bytes of blocks (headers, certificates and payload) that a node gains in the measured window, at the window's \
         rate for 24 h; objects outside the chain are not among them.",
        |r| Some(r.storage.bytes_per_day_per_node.chain()),
    ),
    metric("uplink_share_max", "", "Largest share of an uplink's capacity in use over the window, of any node.", |r| {
        NodeUse::largest(&r.nodes, |n| n.uplink_share)
    }),
    metric("cpu_share_max", "", "Largest share of a node's cores in use over the window.", |r| {
        NodeUse::largest(&r.nodes, |n| n.cpu_share)
    }),
    metric(
        "core_share_max",
        "",
        "Largest share in use over the window of a single core, the busiest one of any node, whatever runs on it.",
        |r| NodeUse::largest(&r.nodes, |n| n.core_share),
    ),
    metric("block_interval_mean_s", "s", "Mean time between blocks of the final chain in the window.", |r| {
        r.blocks.interval_mean_s
    }),
    metric("block_size_mean_bytes", "bytes", "Mean size of such a block with its transactions.", |r| {
        r.blocks.size_mean_bytes
    }),
    metric(
        "stale_share",
        "",
        "Blocks that did not end on the final chain, over all blocks, both of those made in the window whose fate is \
         decided: a block that was made no earlier is final.",
        |r| share(r.blocks.stale, r.blocks.made),
    ),
    metric("view_changes", "", "Changes of view, term or leader forced by a timeout in the window, each once.", |r| {
        Some(r.blocks.view_changes as f64)
    }),
    metric(
        "catch_ups",
        "",
        "Times that a node copied the ledger from a peer to catch up; longest chains fetch a few missed blocks one by one, and those do not count.",
        |r| Some(r.blocks.catch_ups as f64),
    ),
    metric(
        "messages_per_tx",
        "",
        "Consensus messages sent in the window, one for each recipient, over the cohort's committed transactions.",
        messages_per_transaction,
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Cohort, LatencyHistogram};
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_defined() {
        let names: BTreeSet<_> = METRICS.iter().map(|metric| metric.name).collect();
        assert_eq!(names.len(), METRICS.len());
        assert!(METRICS.iter().all(|metric| metric.definition.ends_with('.')));
    }

    #[test]
    fn an_empty_run_has_no_nan() {
        let run = RunRecord::default();
        for metric in METRICS {
            assert!((metric.of)(&run).is_none_or(f64::is_finite), "{} is not finite", metric.name);
        }
        assert_eq!((Metric::named("latency_p99_ms").unwrap().of)(&run), None);
        assert!(Metric::named("latency").is_none());
    }

    #[test]
    fn figures_come_from_the_record() {
        let mut run = RunRecord {
            cohort: Cohort { created: 4, committed: 3, pending: 1, ..Cohort::default() },
            latency: LatencyHistogram::from_values([2_000_000; 3]),
            ..RunRecord::default()
        };
        run.blocks.count = 7;
        run.blocks.made = 10;
        run.blocks.stale = 1;
        let figure = |name| (Metric::named(name).unwrap().of)(&run).unwrap();
        assert_eq!(figure("success_rate"), 0.75);
        assert_eq!(figure("latency_mean_ms"), 2.0);
        assert_eq!(figure("stale_share"), 0.1);
    }
}
