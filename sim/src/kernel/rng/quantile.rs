//! A distribution as a table of quantiles: a draw costs one lookup and one multiplication, without floats.
//!
//! 4,096 segments of equal probability, linear in between. The last one, where most distributions are steep, is
//! divided again into 256. Beyond the last of these (probability 2^-20) the table ends at the value that gives
//! the tail its exact mean, so extreme values are cut off while the mean stays: see the tests for the errors.

/// log2 of the number of segments.
const BITS: u32 = 12;
const SEGMENTS: usize = 1 << BITS;
/// log2 of the number of parts of the last segment.
const TAIL_BITS: u32 = 8;
const PARTS: usize = 1 << TAIL_BITS;

/// Quantiles of a distribution of non-negative integers, at most 2^63.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QuantileTable {
    /// At probability i / 4,096.
    body: Box<[u64; SEGMENTS]>,
    /// At probability 1 - 2^-12 + j * 2^-20.
    tail: Box<[u64; PARTS + 1]>,
}

/// A [`QuantileTable`] at hand.
#[derive(Clone, Copy, Debug)]
pub struct Quantiles<'a> {
    body: &'a [u64; SEGMENTS],
    tail: &'a [u64; PARTS + 1],
}

impl Quantiles<'_> {
    /// The same as [`QuantileTable::sample`].
    #[inline(always)]
    pub fn sample(self, u: u64) -> u64 {
        let segment = (u >> (64 - BITS)) as usize;
        if segment + 1 == SEGMENTS {
            let part = (u >> (64 - BITS - TAIL_BITS)) as usize & (PARTS - 1);
            return between(self.tail[part], self.tail[part + 1], u << (BITS + TAIL_BITS));
        }
        between(self.body[segment], self.body[segment + 1], u << BITS)
    }
}

impl QuantileTable {
    /// The table of an inverse distribution function: `quantile` never falls on [0, 1) and is not asked for 1.
    ///
    /// Values are rounded to integers, so choose a unit that is small enough; negative ones become zero.
    ///
    /// # Panics
    /// If `quantile` falls somewhere or is NaN.
    pub fn new(quantile: impl Fn(f64) -> f64) -> QuantileTable {
        let step = 1.0 / SEGMENTS as f64;
        let part = step / PARTS as f64;
        let body = Box::new(std::array::from_fn(|i| integer(quantile(i as f64 * step))));
        let tail = Box::new(std::array::from_fn(|j| match j {
            PARTS => integer(end(&quantile, part)),
            _ => integer(quantile((1.0 - step) + j as f64 * part)),
        }));
        for pair in body.windows(2).chain(tail.windows(2)) {
            assert!(pair[0] <= pair[1], "a quantile function falls from {} to {}", pair[0], pair[1]);
        }
        QuantileTable { body, tail }
    }

    /// The quantile at `u` / 2^64: a draw from the distribution where `u` is 64 uniform bits; monotone in `u`.
    #[inline]
    pub fn sample(&self, u: u64) -> u64 {
        self.view().sample(u)
    }

    /// The table for many draws.
    #[inline]
    pub fn view(&self) -> Quantiles<'_> {
        Quantiles { body: &self.body, tail: &self.tail }
    }

    /// The largest value that is ever drawn.
    pub fn max(&self) -> u64 {
        self.tail[PARTS]
    }

    /// The smallest value that is ever drawn.
    pub fn min(&self) -> u64 {
        self.body[0]
    }
}

/// Linear interpolation: `part` / 2^64 of the way.
#[inline]
fn between(low: u64, high: u64, part: u64) -> u64 {
    low + ((u128::from(high - low) * u128::from(part)) >> 64) as u64
}

fn integer(x: f64) -> u64 {
    assert!(!x.is_nan(), "a quantile is not a number");
    (x + 0.5).clamp(0.0, (1_u64 << 63) as f64) as u64
}

/// Where the last part must end for its mean to be that of the distribution beyond probability 1 - `part`.
///
/// The mean is the integral of quantile(1 - part * exp(-s)) * exp(-s) over s, by the midpoint rule up to s = 12;
/// what lies beyond has a weight of 6e-6.
fn end(quantile: &impl Fn(f64) -> f64, part: f64) -> f64 {
    const STEPS: u32 = 1_200;
    let width = 12.0 / f64::from(STEPS);
    let (mut sum, mut weight) = (0.0, 0.0);
    for i in 0..STEPS {
        let w = libm::exp(-(f64::from(i) + 0.5) * width);
        sum += w * quantile(1.0 - part * w);
        weight += w;
    }
    let start = quantile(1.0 - part);
    (2.0 * sum / weight - start).max(start)
}
