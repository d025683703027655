//! Powers of two in fixed point, for log-normal draws without floats.

use super::ONE;

/// log2 of the number of segments.
const BITS: u32 = 8;
const SEGMENTS: usize = 1 << BITS;

/// 2^x for x in [0, 1], linear between 257 values: within 1e-6 of the true value.
#[derive(Clone, Debug)]
pub(super) struct Exp2(Box<[u64; SEGMENTS + 1]>);

impl Exp2 {
    pub(super) fn new() -> Exp2 {
        let value = |i: usize| libm::exp2(i as f64 / SEGMENTS as f64) * (1_u64 << ONE) as f64 + 0.5;
        Exp2(Box::new(std::array::from_fn(|i| value(i) as u64)))
    }

    /// `n` times 2^`x`, where `x` has [`ONE`] fraction bits and lies below 2^`ONE`; `u64::MAX` if it does not fit.
    #[inline]
    pub(super) fn times(&self, n: u64, x: i64) -> u64 {
        let (mantissa, right) = (self.mantissa(x), i64::from(ONE) - (x >> ONE));
        if let Some(product) = n.checked_mul(mantissa) {
            return product.checked_shr(right.max(0) as u32).unwrap_or(0);
        }
        // The product is below 2^97, so that a shift of 127 leaves nothing of it.
        let product = (u128::from(n) * u128::from(mantissa)) >> right.clamp(0, 127);
        u64::try_from(product).unwrap_or(u64::MAX)
    }

    /// Whether [`Exp2::times_plain`] says the same for all `n` and the sizes of all `x` up to these.
    pub(super) fn is_plain(n: u64, x: u64) -> bool {
        n < 1 << (ONE - 1) && x < u64::from(ONE - 1) << ONE
    }

    /// The same as [`Exp2::times`] where [`Exp2::is_plain`].
    #[inline(always)]
    pub(super) fn times_plain(&self, n: u64, x: i64) -> u64 {
        n.wrapping_mul(self.mantissa(x)) >> (i64::from(ONE) - (x >> ONE) & 63)
    }

    /// 2 to the fraction of `x`, from 1 to 2.
    #[inline(always)]
    fn mantissa(&self, x: i64) -> u64 {
        let fraction = x as u64 & ((1 << ONE) - 1);
        let i = (fraction >> (ONE - BITS)) as usize;
        let (low, high) = (self.0[i], self.0[i + 1]);
        let part = fraction & ((1 << (ONE - BITS)) - 1);
        low + (((high - low) * part) >> (ONE - BITS))
    }
}

#[cfg(test)]
mod tests {
    use super::Exp2;

    #[test]
    fn powers_are_close_over_the_whole_range() {
        let exp2 = Exp2::new();
        for i in -2_000..3_000_i64 {
            let x = i as f64 / 100.0;
            let got = exp2.times(1 << 30, (x * 4_294_967_296.0) as i64) as f64;
            let want = libm::exp2(x) * 1_073_741_824.0;
            assert!((got - want).abs() <= want * 1.1e-6 + 1.0, "2^{x}: {got}, not {want}");
        }
        assert_eq!(exp2.times(1 << 40, -(200 << 32)), 0);
        assert_eq!(exp2.times(u64::MAX, 5 << 32), u64::MAX);
    }
    #[test]
    fn the_plain_way_says_the_same_within_its_bounds() {
        let (exp2, least, most) = (Exp2::new(), -(31 << 32) + 1, (31 << 32) - 1);
        let within = (0..20_000_i64).map(|i| least + (most - least) / 20_000 * i + i * 12_345 % 4_097);
        for x in within.chain([least, -1, 0, 1, most]) {
            for n in [0, 1, 25_000, (1 << 31) - 1] {
                assert!(Exp2::is_plain(n, x.unsigned_abs()));
                assert_eq!(exp2.times_plain(n, x), exp2.times(n, x), "{n} times 2^({x} / 2^32)");
            }
        }
        assert!(!Exp2::is_plain(1 << 31, 0) && !Exp2::is_plain(1, 31 << 32));
    }
}
