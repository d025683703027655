//! What the chain did.

use ledgerlab_consensus::Time;

use super::Meter;
use crate::node::blocks::{Block, BlockId, Blocks};

/// Counts of what the chain did in the window.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(super) struct BlockCounts {
    pub(super) settled: u64,
    pub(super) empty: u64,
    pub(super) payload_bytes: u64,
    pub(super) header_bytes: u64,
    pub(super) certificate_bytes: u64,
    pub(super) transactions: u64,
    pub(super) first: Option<Time>,
    pub(super) last: Option<Time>,
    pub(super) made: u64,
    pub(super) stale: u64,
    pub(super) catch_ups: u64,
    pub(super) view_changes: u64,
    pub(super) newest_view: u64,
    pub(super) duplicates: u64,
}

impl Meter {
    /// Blocks made in the window whose fate is decided, and those of them that are stale. A block is made when it is
    /// first proposed, else adopted; its fate is decided once a block that was made no earlier is final.
    pub(super) fn count_made(&self, blocks: &Blocks) -> (u64, u64) {
        let proposed = |b: &Block| b.payloads.first().and_then(|p| blocks.payload(*p).proposed);
        let made = |b: &Block| proposed(b).or(b.adopted);
        let all = || (0..).zip(blocks.iter()).skip(1).filter_map(|(id, b)| Some((id, made(b)?)));
        let last = all().filter(|(id, _)| self.reports.is_decided(*id)).map(|(_, at)| at).max();
        let decided = |(_, at): &(BlockId, Time)| self.in_window(*at) && Some(*at) <= last;
        let (mut count, mut stale) = (0, 0);
        for (id, _) in all().filter(decided) {
            count += 1;
            stale += u64::from(!self.reports.is_decided(id));
        }
        (count, stale)
    }
}
