//! Watches when which node made which block of a chain.

use std::collections::BTreeMap;

use ledgerlab_consensus::{Digest, Height, NodeId, Time};
use ledgerlab_sim::probe::Probe;

/// The first adoption of each block: its maker adopts it when it is made.
#[derive(Default)]
pub struct ChainWatch {
    made: BTreeMap<Digest, (Time, NodeId)>,
    height: Height,
    /// For each adoption by another node than the maker, the time since the block was made, ns.
    pub arrivals: Vec<u64>,
}

impl Probe for ChainWatch {
    fn on_adopt(&mut self, at: Time, node: NodeId, height: Height, block: Digest, _roots: &[Digest]) {
        let (made, maker) = *self.made.entry(block).or_insert((at, node));
        if maker != node {
            self.arrivals.push((at - made).0);
        }
        self.height = self.height.max(height);
    }
}

impl ChainWatch {
    /// When blocks were made and by whom, in order of time.
    pub fn blocks(&self) -> Vec<(Time, NodeId)> {
        let mut all: Vec<_> = self.made.values().copied().collect();
        all.sort_unstable();
        all
    }
    /// Blocks that are not on the longest chain.
    pub fn stale(&self) -> usize {
        self.made.len() - self.height as usize
    }
}

/// Asserts that `count` of `n` trials with probability `p` each lies within 4 standard deviations of its mean.
pub fn within_four_sigma(what: &str, count: usize, n: usize, p: f64) {
    let (share, sigma) = (count as f64 / n as f64, (p * (1.0 - p) / n as f64).sqrt());
    println!("{what}: {share:.5}, expected {p:.5}, {:+.2} sigma", (share - p) / sigma);
    assert!((share - p).abs() < 4.0 * sigma, "{what}: {share} of {n} is not {p} within 4 x {sigma}");
}
