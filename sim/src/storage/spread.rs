//! Times of stores: uniform between two values, or log-normal around a median, in integer arithmetic.

use ledgerlab_consensus::Span;

use crate::kernel::rng::{QuantileTable, normal_quantile};

/// Fraction bits of a factor: the largest sigma of a scenario, 5, stays below 2^63.
const ONE: u32 = 24;

/// A log-normal factor with median 1.
#[derive(Clone, Debug)]
pub(super) struct LogNormal(QuantileTable);

impl LogNormal {
    pub(super) fn new(sigma: f64) -> LogNormal {
        let one = (1_u64 << ONE) as f64;
        // At sigma 0 the product with an infinite quantile would not be a number.
        let factor = |p| if sigma > 0.0 { libm::exp(sigma * normal_quantile(p)) } else { 1.0 };
        LogNormal(QuantileTable::new(|p| one * factor(p)))
    }

    /// `median` times the factor at `draw`.
    #[inline]
    pub(super) fn times(&self, median: Span, draw: u64) -> Span {
        let ns = (u128::from(median.0) * u128::from(self.0.sample(draw))) >> ONE;
        Span(u64::try_from(ns).unwrap_or(u64::MAX))
    }
}

/// Uniform from `low` to `high`, monotone in `draw`; `low` if `high` is smaller.
#[inline]
pub(super) fn between(low: Span, high: Span, draw: u64) -> Span {
    let width = u128::from(high.0.saturating_sub(low.0)) + 1;
    Span(low.0 + ((width * u128::from(draw)) >> 64) as u64)
}
