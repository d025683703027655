//! Latency as a distribution: sparse histogram buckets, the usual percentiles and the stages of the mean.
//!
//! Buckets are those of an HDR histogram with three significant digits, so a percentile is within 0.1 % of the exact
//! one; the mean comes from an exact sum. Sparse pairs merge over replications and survive serialisation as they are.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

const NS_PER_MS: f64 = 1e6;

/// Latencies of one replication, or several pooled.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct LatencyHistogram {
    /// (highest value of the bucket in nanoseconds, count), ascending, counts positive.
    pub buckets: Vec<(u64, u64)>,
    /// Exact sum of all values in nanoseconds; saturates.
    pub sum_ns: u64,
}

/// The usual percentiles of a distribution, milliseconds; every field is `None` where nothing was counted.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct LatencySummary {
    /// Number of observations.
    pub count: u64,
    /// Arithmetic mean, from the exact sum.
    pub mean_ms: Option<f64>,
    /// Median.
    pub p50_ms: Option<f64>,
    /// 90th percentile.
    pub p90_ms: Option<f64>,
    /// 95th percentile.
    pub p95_ms: Option<f64>,
    /// 99th percentile.
    pub p99_ms: Option<f64>,
    /// 99.9th percentile.
    pub p999_ms: Option<f64>,
    /// Largest value, to bucket precision.
    pub max_ms: Option<f64>,
}

/// One row of a percentile table.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Percentile {
    /// Share of the observations that are at most `latency_ms`, 0 to 1.
    pub quantile: f64,
    /// The latency.
    pub latency_ms: f64,
    /// Observations of at most `latency_ms`.
    pub count: u64,
}

/// Where the mean latency goes; the parts sum to it.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Stages {
    /// Adapter, batching and the check of the client's signature, until it is admitted.
    pub gateway_ms: f64,
    /// From admission until a proposal carries it: travel to the proposer, waiting in the mempool.
    pub dissemination_ms: f64,
    /// From proposal until the commit that the finality rule asks for.
    pub commit_ms: f64,
    /// Execution after the commit.
    pub execution_ms: f64,
    /// What the acknowledgement of the off-chain object adds.
    pub off_chain_ms: f64,
}

impl LatencyHistogram {
    /// From an HDR histogram of nanoseconds and the exact sum of what it recorded.
    #[must_use]
    pub fn from_hdr(histogram: &Histogram<u64>, sum_ns: u64) -> Self {
        let buckets = histogram.iter_recorded().map(|step| (step.value_iterated_to(), step.count_at_value())).collect();
        Self { buckets, sum_ns }
    }

    /// Of plain values in nanoseconds, with three significant digits.
    ///
    /// # Panics
    /// Never: three digits are within the histogram's limits and its range grows by itself.
    #[must_use]
    pub fn from_values(values: impl IntoIterator<Item = u64>) -> Self {
        let mut histogram = Histogram::<u64>::new(3).expect("three digits are allowed");
        let mut sum_ns = 0_u64;
        for value in values {
            histogram.record(value).expect("an auto-resizing histogram takes any value");
            sum_ns = sum_ns.saturating_add(value);
        }
        Self::from_hdr(&histogram, sum_ns)
    }

    /// All of them in one.
    #[must_use]
    pub fn pooled<'a>(parts: impl IntoIterator<Item = &'a LatencyHistogram>) -> Self {
        let (mut buckets, mut sum_ns) = (BTreeMap::new(), 0_u64);
        for part in parts {
            sum_ns = sum_ns.saturating_add(part.sum_ns);
            for &(value, count) in &part.buckets {
                *buckets.entry(value).or_insert(0) += count;
            }
        }
        Self { buckets: buckets.into_iter().collect(), sum_ns }
    }

    /// Number of observations.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|&(_, count)| count).sum()
    }

    /// Mean in milliseconds.
    #[must_use]
    pub fn mean_ms(&self) -> Option<f64> {
        let count = self.count();
        (count > 0).then(|| self.sum_ns as f64 / count as f64 / NS_PER_MS)
    }

    /// Standard deviation in milliseconds, from the buckets.
    #[must_use]
    pub fn deviation_ms(&self) -> Option<f64> {
        let mean = self.mean_ms()?;
        let square = |&(value, count): &(u64, u64)| {
            let distance = value as f64 / NS_PER_MS - mean;
            distance * distance * count as f64
        };
        Some((self.buckets.iter().map(square).sum::<f64>() / self.count() as f64).sqrt())
    }

    /// The smallest bucket that at least `quantile` (0 to 1) of the observations do not exceed, in milliseconds.
    #[must_use]
    pub fn quantile_ms(&self, quantile: f64) -> Option<f64> {
        Some(self.at(quantile, self.count())?.latency_ms)
    }

    /// Mean, maximum and the usual percentiles.
    #[must_use]
    pub fn summary(&self) -> LatencySummary {
        LatencySummary {
            count: self.count(),
            mean_ms: self.mean_ms(),
            p50_ms: self.quantile_ms(0.5),
            p90_ms: self.quantile_ms(0.9),
            p95_ms: self.quantile_ms(0.95),
            p99_ms: self.quantile_ms(0.99),
            p999_ms: self.quantile_ms(0.999),
            max_ms: self.quantile_ms(1.0),
        }
    }

    /// Percentile table with `ticks` rows for each halving of the distance to 100 %, as HDR histogram prints it.
    #[must_use]
    pub fn percentiles(&self, ticks: u32) -> Vec<Percentile> {
        let total = self.count();
        let mut rows = Vec::new();
        let mut distance = 1.0;
        while rows.last().is_none_or(|row: &Percentile| row.count < total) {
            for tick in 0..ticks {
                let quantile = 1.0 - distance * (1.0 - f64::from(tick) / (2.0 * f64::from(ticks)));
                let Some(row) = self.at(quantile, total) else { return rows };
                rows.push(row);
            }
            distance /= 2.0;
        }
        let end = rows.iter().position(|row| row.count == total).unwrap_or(rows.len());
        rows.truncate(end);
        rows.extend(self.at(1.0, total));
        rows
    }

    fn at(&self, quantile: f64, total: u64) -> Option<Percentile> {
        let rank = ((quantile * total as f64).ceil() as u64).clamp(1, total.max(1));
        let mut seen = 0;
        self.buckets.iter().find_map(|&(value, count)| {
            seen += count;
            (seen >= rank).then_some(Percentile { quantile, latency_ms: value as f64 / NS_PER_MS, count: seen })
        })
    }
}

impl Stages {
    /// Names of the stages in the order in which a transaction passes them.
    pub const NAMES: [&'static str; 5] = ["gateway", "dissemination", "commit", "execution", "off-chain"];

    /// Milliseconds, in the order of [`Stages::NAMES`].
    #[must_use]
    pub fn values_ms(&self) -> [f64; 5] {
        [self.gateway_ms, self.dissemination_ms, self.commit_ms, self.execution_ms, self.off_chain_ms]
    }

    /// Stages from values in the order of [`Stages::NAMES`].
    #[must_use]
    pub fn from_values_ms(values: [f64; 5]) -> Self {
        let [gateway_ms, dissemination_ms, commit_ms, execution_ms, off_chain_ms] = values;
        Self { gateway_ms, dissemination_ms, commit_ms, execution_ms, off_chain_ms }
    }

    /// Sum of the stages: the mean latency.
    #[must_use]
    pub fn total_ms(&self) -> f64 {
        self.values_ms().iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_within_a_thousandth_and_the_mean_is_exact() {
        let histogram = LatencyHistogram::from_values((1..=10_000).map(|i| i * 1_000_000));
        let summary = histogram.summary();
        assert_eq!((summary.count, summary.mean_ms), (10_000, Some(5_000.5)));
        for (got, exact) in [
            (summary.p50_ms, 5_000.0),
            (summary.p90_ms, 9_000.0),
            (summary.p95_ms, 9_500.0),
            (summary.p99_ms, 9_900.0),
            (summary.p999_ms, 9_990.0),
            (summary.max_ms, 10_000.0),
        ] {
            let got = got.unwrap();
            assert!((got / exact - 1.0).abs() < 0.001, "{got} is not {exact}");
        }
    }

    #[test]
    fn nothing_counted_gives_none() {
        let empty = LatencyHistogram::default();
        assert_eq!(empty.summary(), LatencySummary::default());
        assert_eq!(empty.deviation_ms(), None);
        assert!(empty.percentiles(5).is_empty());
    }

    #[test]
    fn pooling_equals_recording_together() {
        let (a, b): (Vec<u64>, Vec<u64>) = ((1..500).collect(), (300..900).map(|i| i * 7_919).collect());
        let parts = [LatencyHistogram::from_values(a.clone()), LatencyHistogram::from_values(b.clone())];
        assert_eq!(LatencyHistogram::pooled(&parts), LatencyHistogram::from_values(a.into_iter().chain(b)));
    }

    #[test]
    fn the_percentile_table_rises_to_everything() {
        let rows = LatencyHistogram::from_values((1..=1_000).map(|i| i * 1_000_000)).percentiles(5);
        assert!(rows.len() > 30, "only {} rows", rows.len());
        assert!(rows.windows(2).all(|w| w[0].quantile < w[1].quantile && w[0].latency_ms <= w[1].latency_ms));
        let (first, last) = (rows[0], rows[rows.len() - 1]);
        assert_eq!((first.quantile, first.count), (0.0, 1));
        assert_eq!((last.quantile, last.count), (1.0, 1_000));
        assert_eq!(rows.iter().filter(|row| row.count == 1_000).count(), 1);
    }

    #[test]
    fn the_deviation_of_two_values_is_half_their_distance() {
        let histogram = LatencyHistogram::from_values([1_000_000, 3_000_000]);
        assert!((histogram.deviation_ms().unwrap() - 1.0).abs() < 0.01);
    }

    #[test]
    fn stages_sum_to_their_total() {
        let stages = Stages::from_values_ms([1.0, 2.0, 4.0, 8.0, 16.0]);
        assert_eq!(stages.values_ms(), [1.0, 2.0, 4.0, 8.0, 16.0]);
        assert_eq!(stages.total_ms(), 31.0);
    }
}
