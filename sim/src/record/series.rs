//! What happened over time, in columns with a fixed step.
//!
//! Time counts from the start of the run, warm-up included, so fault windows and series share one axis.

use super::statistics::mean;
use serde::{Deserialize, Serialize};

/// Columns of one length; row `i` covers `[i * step_s, (i + 1) * step_s)`.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Series {
    /// Length of a row in seconds.
    pub step_s: f64,
    /// Transactions whose planned submit time lies in the row, per second.
    pub offered_tx_per_s: Vec<f64>,
    /// Valid transactions that became final in the row, per second.
    pub committed_tx_per_s: Vec<f64>,
    /// Mean time to finality of those; `None` where there were none.
    pub latency_mean_ms: Vec<Option<f64>>,
    /// 99th percentile of the same.
    pub latency_p99_ms: Vec<Option<f64>>,
    /// Transactions submitted and without an outcome at the end of the row.
    pub backlog_tx: Vec<f64>,
    /// Bytes of one node's chain at the end of the row.
    pub chain_bytes: Vec<f64>,
}

impl Series {
    /// Number of rows: that of the shortest column.
    #[must_use]
    pub fn len(&self) -> usize {
        [
            self.offered_tx_per_s.len(),
            self.committed_tx_per_s.len(),
            self.latency_mean_ms.len(),
            self.latency_p99_ms.len(),
            self.backlog_tx.len(),
            self.chain_bytes.len(),
        ]
        .into_iter()
        .min()
        .unwrap_or(0)
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Start of row `row` in seconds.
    #[must_use]
    pub fn t_s(&self, row: usize) -> f64 {
        row as f64 * self.step_s
    }

    /// Row by row the mean over replications, as long as the longest of them (a drain may end early).
    ///
    /// The step is that of the first; replications of one scenario share it.
    #[must_use]
    pub fn mean(parts: &[&Series]) -> Self {
        let rows = parts.iter().map(|part| part.len()).max().unwrap_or(0);
        let plain = |column: fn(&Series) -> &Vec<f64>| -> Vec<f64> {
            (0..rows).map(|row| mean(parts.iter().filter_map(|p| column(p).get(row).copied())).unwrap_or(0.0)).collect()
        };
        let sparse = |column: fn(&Series) -> &Vec<Option<f64>>| -> Vec<Option<f64>> {
            (0..rows).map(|row| mean(parts.iter().filter_map(|p| column(p).get(row).copied().flatten()))).collect()
        };
        Self {
            step_s: parts.first().map_or(0.0, |part| part.step_s),
            offered_tx_per_s: plain(|s| &s.offered_tx_per_s),
            committed_tx_per_s: plain(|s| &s.committed_tx_per_s),
            latency_mean_ms: sparse(|s| &s.latency_mean_ms),
            latency_p99_ms: sparse(|s| &s.latency_p99_ms),
            backlog_tx: plain(|s| &s.backlog_tx),
            chain_bytes: plain(|s| &s.chain_bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(rates: &[f64], latencies: &[Option<f64>]) -> Series {
        Series {
            step_s: 2.0,
            offered_tx_per_s: rates.to_vec(),
            committed_tx_per_s: rates.to_vec(),
            latency_mean_ms: latencies.to_vec(),
            latency_p99_ms: latencies.to_vec(),
            backlog_tx: rates.to_vec(),
            chain_bytes: rates.to_vec(),
        }
    }

    #[test]
    fn the_mean_skips_what_does_not_exist() {
        let long = series(&[2.0, 4.0, 6.0], &[Some(10.0), None, Some(5.0)]);
        let short = series(&[4.0, 8.0], &[Some(30.0), None]);
        let both = Series::mean(&[&long, &short]);
        assert_eq!(both.committed_tx_per_s, [3.0, 6.0, 6.0]);
        assert_eq!(both.latency_p99_ms, [Some(20.0), None, Some(5.0)]);
        assert_eq!((both.len(), both.t_s(2)), (3, 4.0));
    }

    #[test]
    fn the_mean_of_none_is_empty() {
        assert!(Series::mean(&[]).is_empty());
    }
}
