//! A latency distribution: an HDR histogram that counts what falls into one bucket in a row before it looks for the
//! bucket, and an exact sum.
//!
//! Transactions of a batch become final together and came one after the other, so their latencies hardly differ.

use hdrhistogram::Histogram;
use ledgerlab_consensus::Span;

use crate::record::LatencyHistogram;

/// A histogram whose last bucket is at hand.
#[derive(Clone, Debug)]
pub(super) struct Buckets {
    histogram: Histogram<u64>,
    /// The least value of the last bucket, and how many values it covers.
    low: u64,
    width: u64,
    /// What has come into it since it is the last one.
    last: u64,
}

impl Buckets {
    /// With so many significant digits.
    pub(super) fn new(digits: u8) -> Buckets {
        let histogram = Histogram::new(digits).expect("up to five digits are allowed");
        Buckets { histogram, low: 0, width: 0, last: 0 }
    }
    /// Adds one.
    #[inline]
    pub(super) fn record(&mut self, value: u64) {
        if value.wrapping_sub(self.low) >= self.width {
            self.turn_to(value);
        }
        self.last += 1;
    }
    fn turn_to(&mut self, value: u64) {
        count(&mut self.histogram, self.low, self.last);
        (self.low, self.width) = (self.histogram.lowest_equivalent(value), self.histogram.equivalent_range(value));
        self.last = 0;
    }
    /// All that was recorded.
    pub(super) fn histogram(&self) -> Histogram<u64> {
        let mut all = self.histogram.clone();
        count(&mut all, self.low, self.last);
        all
    }
}

fn count(histogram: &mut Histogram<u64>, value: u64, times: u64) {
    if times > 0 {
        histogram.record_n(value, times).expect("an auto-resizing histogram takes any value");
    }
}

/// A latency distribution with an exact sum.
#[derive(Clone, Debug)]
pub struct Latency {
    buckets: Buckets,
    sum_ns: u64,
}

impl Default for Latency {
    fn default() -> Self {
        Latency { buckets: Buckets::new(3), sum_ns: 0 }
    }
}

impl Latency {
    /// Adds one.
    #[inline]
    pub fn record(&mut self, latency: Span) {
        self.buckets.record(latency.0);
        self.sum_ns = self.sum_ns.saturating_add(latency.0);
    }
    /// Those of several, as a figure of results.
    pub fn sum<'a>(all: impl Iterator<Item = &'a Latency>) -> LatencyHistogram {
        let mut sum = (Latency::default().buckets.histogram, 0_u64);
        for one in all {
            sum.0.add(one.buckets.histogram()).expect("an auto-resizing histogram takes any value");
            sum.1 = sum.1.saturating_add(one.sum_ns);
        }
        LatencyHistogram::from_hdr(&sum.0, sum.1)
    }
    /// As a figure of results.
    pub fn figures(&self) -> LatencyHistogram {
        LatencyHistogram::from_hdr(&self.buckets.histogram(), self.sum_ns)
    }
}

#[cfg(test)]
mod tests {
    use ledgerlab_consensus::types::mix64;

    use super::*;

    #[test]
    fn counting_in_a_row_is_counting_one_by_one() {
        for digits in [2, 3] {
            let mut plain: Histogram<u64> = Histogram::new(digits).unwrap();
            let mut buckets = Buckets::new(digits);
            let falling = (0..50_000).map(|i| 300_000_000 - 5_000 * i);
            let random = (0..50_000).map(|i| mix64(i) >> (mix64(i ^ 77) % 60 + 4));
            for value in falling.chain(random).chain([0, 0, 1, 2, u64::MAX >> 1, 0]) {
                plain.record(value).unwrap();
                buckets.record(value);
            }
            let all = buckets.histogram();
            let steps = |h: &Histogram<u64>| {
                h.iter_recorded().map(|s| (s.value_iterated_to(), s.count_at_value())).collect::<Vec<_>>()
            };
            assert_eq!(steps(&all), steps(&plain));
            for q in [0.0, 0.01, 0.5, 0.99, 0.9999, 1.0] {
                assert_eq!(all.value_at_quantile(q), plain.value_at_quantile(q));
            }
            assert_eq!((all.min(), all.max(), all.len()), (plain.min(), plain.max(), plain.len()));
        }
    }

    #[test]
    fn the_sum_is_exact_and_nothing_at_all_is_no_bucket() {
        let of = |values: &[u64]| {
            let mut l = Latency::default();
            values.iter().for_each(|v| l.record(Span(*v)));
            l
        };
        let (a, b) = (of(&[5_000_001, 5_000_002]), of(&[7]));
        let sum = Latency::sum([&a, &b, &of(&[])].into_iter());
        assert_eq!((sum.sum_ns, sum.buckets.len()), (10_000_010, 2));
        assert_eq!(sum.buckets[0], (7, 1));
        assert!(Latency::default().figures().buckets.is_empty());
    }
}
