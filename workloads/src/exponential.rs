//! Exponential variates of mean 1: `-ln u` through a table of 256 logarithms and a short series.
//!
//! A 64-bit integer is read as `u = m 2^-(k+1)` with m from 1 to 2: its leading zeros give k, its next 8 bits an
//! entry of the table, and the rest r a series for `ln(1 + r)`, |r| < 2^-9. The absolute error is below 1e-15; the
//! largest value is 64 ln 2, about 44.4. The same bits on every platform.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

const ENTRIES: usize = 256;

/// Draws exponential variates.
#[derive(Clone, Debug)]
pub(crate) struct Exponential {
    /// For the centre c of each interval: `ln c` and `1 / c`.
    table: Box<[(f64, f64); ENTRIES]>,
}

impl Exponential {
    pub(crate) fn new() -> Exponential {
        let entry = |i: usize| {
            let centre = 1.0 + (i as f64 + 0.5) / ENTRIES as f64;
            (libm::log(centre), 1.0 / centre)
        };
        Exponential { table: Box::new(std::array::from_fn(entry)) }
    }

    #[inline]
    pub(crate) fn draw(&self, rng: &mut ChaCha8Rng) -> f64 {
        self.at(rng.next_u64())
    }

    /// `-ln(bits / 2^64)`, and never negative.
    #[inline]
    fn at(&self, bits: u64) -> f64 {
        let bits = bits | 1;
        let zeros = bits.leading_zeros();
        let mantissa = bits << zeros;
        let i = (mantissa >> 55) as usize & (ENTRIES - 1);
        // Below 2^53, so that a signed conversion, which is a single instruction, is the same.
        let m = (mantissa >> 11) as i64 as f64 * (1.0 / (1_u64 << 52) as f64);
        let (log, inverse) = self.table[i];
        let r = m * inverse - 1.0;
        let series = r * (1.0 - r * (1.0 / 2.0 - r * (1.0 / 3.0 - r * (1.0 / 4.0 - r * (1.0 / 5.0 - r / 6.0)))));
        let x = f64::from(zeros as i32 + 1) * std::f64::consts::LN_2 - (log + series);
        if x > 0.0 { x } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use rand::Rng;

    use super::Exponential;
    use crate::random::{Purpose, generator};

    #[test]
    fn is_the_negative_logarithm() {
        let exponential = Exponential::new();
        let mut rng = generator(3, 0, 0, Purpose::Times, 0);
        let edges = [0, 1, 2, 3, u64::MAX, u64::MAX - 1, 1 << 63, (1 << 63) - 1, 1 << 40];
        let random = (0..100_000).map(|i| rng.next_u64() >> (i % 60)).collect::<Vec<_>>();
        for bits in edges.into_iter().chain(random) {
            let exact = -libm::log((bits | 1) as f64 / 2.0_f64.powi(64));
            let got = exponential.at(bits);
            assert!(got >= 0.0 && (got - exact.max(0.0)).abs() < 1e-14, "{bits}: {got}, not {exact}");
        }
    }

    /// Kolmogorov and Smirnov: the largest distance to `1 - exp(-x)` stays below the 0.1 % point, 1.95 / sqrt(n).
    #[test]
    fn has_the_exponential_distribution() {
        let exponential = Exponential::new();
        let mut rng = generator(11, 0, 0, Purpose::Times, 0);
        let n = 200_000;
        let mut draws = (0..n).map(|_| exponential.draw(&mut rng)).collect::<Vec<_>>();
        draws.sort_by(f64::total_cmp);
        let distance = |(i, x): (usize, &f64)| (1.0 - libm::exp(-x) - (i as f64 + 0.5) / f64::from(n)).abs();
        let largest = draws.iter().enumerate().map(distance).fold(0.0, f64::max);
        assert!(largest < 1.95 / f64::from(n).sqrt(), "distance {largest}");
    }
}
