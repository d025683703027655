//! Random numbers as pure functions of (seed, purpose, counters).
//!
//! A [`Stream`] has no state: the draw for message 7 to node 3 is the same whatever was drawn before, so results
//! do not depend on the order of evaluation, and a scenario that changes one purpose leaves all other draws alone
//! (paired comparisons). Good enough for simulation; not for cryptography.

mod quantile;
#[cfg(test)]
mod tests;

use ledgerlab_consensus::types::mix64;

pub use ledgerlab_workloads::normal::quantile as normal_quantile;
pub use quantile::{QuantileTable, Quantiles};

/// What a stream is for: one key each. The numbers are part of every result, so they never change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u64)]
pub enum Purpose {
    /// Jitter of a message on a link.
    Latency = 1,
    /// How often parts of a message are lost and sent again.
    Loss = 2,
    /// Duration of an fsync.
    Fsync = 3,
    /// Mining races.
    Mining = 4,
    /// Verifiable random functions.
    Vrf = 5,
    /// Common coins.
    Coin = 6,
    /// Choice of neighbours on the gossip overlay.
    Overlay = 7,
    /// Offsets of the nodes' wall clocks.
    ClockSkew = 8,
    /// Latencies of object stores and local stores.
    Storage = 9,
    /// How much of the unsynced log survives a crash.
    Crash = 10,
    /// Content of payloads and transactions.
    Payload = 11,
    /// Clients: think time, choice of node.
    Client = 12,
    /// Arrivals of the workloads.
    Workload = 13,
    /// Faults that are drawn.
    Fault = 14,
    /// Decisions of adversaries.
    Adversary = 15,
    /// Seeds of the replications of a scenario.
    Replication = 16,
    /// Keys of validators.
    Keys = 17,
}

/// One purpose's random numbers: 64 uniform bits for every pair of counters, in two multiplications.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stream(u64);

impl Stream {
    /// The stream of a run's seed for a purpose.
    pub const fn new(seed: u64, purpose: Purpose) -> Stream {
        Stream(mix64(mix64(seed.wrapping_add(0x9E37_79B9_7F4A_7C15)) ^ mix64(purpose as u64)))
    }

    /// A stream of its own for a part (a node, a workload), where two counters are not enough.
    pub const fn part(self, id: u64) -> Stream {
        Stream(mix64(self.0 ^ mix64(id.wrapping_add(0xD1B5_4A32_D192_ED03))))
    }

    /// The draw with counters `a` and `b`: 64 uniform bits.
    ///
    /// Two rounds of the 128-bit multiply-and-fold of wyhash (Wang Yi, 2019), keyed with the stream.
    #[inline]
    pub const fn at(self, a: u64, b: u64) -> u64 {
        let (low, high) = wide(a ^ self.0, b ^ self.0.rotate_left(32) ^ 0xA076_1D64_78BD_642F);
        let (low, high) = wide(low ^ 0xE703_7ED1_A0B4_28DB, high ^ self.0);
        low ^ high
    }

    /// Uniform in [0, 1), a multiple of 2^-53.
    #[inline]
    pub const fn unit(self, a: u64, b: u64) -> f64 {
        (self.at(a, b) >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }

    /// Uniform in 0..n (Lemire's multiply-shift; the bias is below n / 2^64). Zero if `n` is zero.
    #[inline]
    pub const fn below(self, a: u64, b: u64, n: u64) -> u64 {
        wide(self.at(a, b), n).1
    }

    /// True with probability `p`.
    #[inline]
    pub const fn chance(self, a: u64, b: u64, p: f64) -> bool {
        self.unit(a, b) < p
    }

    /// Exponential with mean 1, by inversion.
    pub fn exponential(self, a: u64, b: u64) -> f64 {
        -libm::log1p(-self.unit(a, b))
    }

    /// Standard normal, by inversion: monotone in the draw.
    pub fn normal(self, a: u64, b: u64) -> f64 {
        // The middle of the draw's interval, so that neither 0 nor 1 is reached.
        normal_quantile(self.unit(a, b) + 0.5 / (1_u64 << 53) as f64)
    }

    /// Log-normal with the given median and sigma of its logarithm, in the unit of the median.
    pub fn lognormal(self, a: u64, b: u64, median: f64, sigma: f64) -> f64 {
        median * libm::exp(sigma * self.normal(a, b))
    }
}

/// Low and high half of a product.
#[inline]
const fn wide(a: u64, b: u64) -> (u64, u64) {
    let x = a as u128 * b as u128;
    (x as u64, (x >> 64) as u64)
}
