//! What the chain did: blocks, forks, view changes, and the messages it took.

use super::statistics::mean;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Blocks of the measured window, as the nodes saw them.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct BlockStats {
    /// Blocks on the final chain.
    pub count: u64,
    /// Those without a transaction.
    pub empty: u64,
    /// Blocks made in the window whose fate is decided: one that was made no earlier is final.
    pub made: u64,
    /// Those of them that are not on the final chain.
    pub stale: u64,
    /// Blocks that a node adopted and took back, summed over nodes.
    pub reverted: u64,
    /// Mean time between blocks; `None` below two blocks.
    pub interval_mean_s: Option<f64>,
    /// Mean size of a block with its transactions; `None` without blocks.
    pub size_mean_bytes: Option<f64>,
    /// Mean number of transactions in a block; `None` without blocks.
    pub transactions_mean: Option<f64>,
    /// How deep reorganisations went, ascending by depth, summed over nodes.
    pub reorgs: Vec<ReorgDepth>,
    /// Changes of view, term or leader that were forced by a timeout.
    pub view_changes: u64,
    /// Times that a node fetched blocks that it had missed.
    pub catch_ups: u64,
}

/// Reorganisations of one depth.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ReorgDepth {
    /// Blocks taken back at once.
    pub depth: u64,
    /// How often.
    pub count: u64,
}

/// Messages of one kind, counted at the sender's boundary.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct MessageCount {
    /// Name of the kind.
    pub kind: String,
    /// How many were sent, one for each recipient.
    pub count: u64,
    /// Their bytes on the wire.
    pub bytes: u64,
}

impl BlockStats {
    /// Counts summed over replications, means averaged.
    #[must_use]
    pub fn pooled(parts: &[&BlockStats]) -> Self {
        let sum = |field: fn(&BlockStats) -> u64| parts.iter().map(|part| field(part)).sum();
        let average = |field: fn(&BlockStats) -> Option<f64>| mean(parts.iter().filter_map(|part| field(part)));
        let mut reorgs = BTreeMap::new();
        for reorg in parts.iter().flat_map(|part| &part.reorgs) {
            *reorgs.entry(reorg.depth).or_insert(0) += reorg.count;
        }
        Self {
            count: sum(|b| b.count),
            empty: sum(|b| b.empty),
            made: sum(|b| b.made),
            stale: sum(|b| b.stale),
            reverted: sum(|b| b.reverted),
            interval_mean_s: average(|b| b.interval_mean_s),
            size_mean_bytes: average(|b| b.size_mean_bytes),
            transactions_mean: average(|b| b.transactions_mean),
            reorgs: reorgs.into_iter().map(|(depth, count)| ReorgDepth { depth, count }).collect(),
            view_changes: sum(|b| b.view_changes),
            catch_ups: sum(|b| b.catch_ups),
        }
    }
}

impl MessageCount {
    /// Kind by kind the sum over replications, in order of first appearance.
    #[must_use]
    pub fn summed<'a>(parts: impl IntoIterator<Item = &'a MessageCount>) -> Vec<MessageCount> {
        let mut sums: Vec<MessageCount> = Vec::new();
        for part in parts {
            match sums.iter_mut().find(|sum| sum.kind == part.kind) {
                Some(sum) => {
                    sum.count += part.count;
                    sum.bytes += part.bytes;
                }
                None => sums.push(part.clone()),
            }
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pooling_sums_counts_and_averages_means() {
        let a = BlockStats {
            count: 10,
            stale: 1,
            interval_mean_s: Some(2.0),
            reorgs: vec![ReorgDepth { depth: 1, count: 3 }],
            ..BlockStats::default()
        };
        let b = BlockStats {
            count: 5,
            interval_mean_s: Some(4.0),
            reorgs: vec![ReorgDepth { depth: 1, count: 1 }, ReorgDepth { depth: 2, count: 1 }],
            ..BlockStats::default()
        };
        let both = BlockStats::pooled(&[&a, &b, &BlockStats::default()]);
        assert_eq!((both.count, both.stale, both.interval_mean_s, both.size_mean_bytes), (15, 1, Some(3.0), None));
        assert_eq!(both.reorgs, [ReorgDepth { depth: 1, count: 4 }, ReorgDepth { depth: 2, count: 1 }]);
    }

    #[test]
    fn messages_sum_by_kind() {
        let message = |kind: &str, count, bytes| MessageCount { kind: kind.into(), count, bytes };
        let sums = MessageCount::summed(&[message("vote", 3, 30), message("block", 1, 100), message("vote", 2, 20)]);
        assert_eq!(sums, [message("vote", 5, 50), message("block", 1, 100)]);
    }
}
