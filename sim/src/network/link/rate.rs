//! A rate in bit/s.

use ledgerlab_consensus::Span;

/// A rate in bit/s.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rate {
    bits_per_s: u64,
}

/// Nanoseconds in which a link of 1 bit/s carries a byte: bits of a rate for each byte, in bit/s times nanoseconds.
pub(super) const BYTE_NS: u64 = 8_000_000_000;

impl Rate {
    /// A rate in bit/s; `u64::MAX` is unlimited.
    pub fn bits_per_s(rate: u64) -> Rate {
        assert!(rate > 0, "a link without a rate");
        Rate { bits_per_s: rate }
    }
    /// In bit/s.
    pub fn per_s(self) -> u64 {
        self.bits_per_s
    }
    /// Whether bytes take no time.
    pub fn is_unlimited(self) -> bool {
        self.bits_per_s == u64::MAX
    }
    /// Bytes carried in a time, rounded down.
    pub fn bytes_in(self, time: Span) -> u64 {
        (u128::from(time.0) * u128::from(self.bits_per_s) / u128::from(BYTE_NS)).min(u128::from(u64::MAX)) as u64
    }
    /// Time to carry `bytes`, rounded up.
    pub fn carry(self, bytes: u64) -> Span {
        if self.is_unlimited() {
            return Span::ZERO;
        }
        // What fits into 64 bits is divided there: at most 2 GiB, so nearly always.
        match bytes.checked_mul(BYTE_NS) {
            Some(product) => Span(product.div_ceil(self.bits_per_s)),
            None => Span((u128::from(bytes) * u128::from(BYTE_NS)).div_ceil(u128::from(self.bits_per_s)) as u64),
        }
    }
}
