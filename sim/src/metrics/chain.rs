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
    pub(super) stale: u64,
    pub(super) catch_ups: u64,
    pub(super) view_changes: u64,
    pub(super) newest_view: u64,
    pub(super) duplicates: u64,
}

impl Meter {
    /// Blocks proposed in the window, before the last one that became final, that did not become final themselves.
    pub(super) fn count_stale(&self, blocks: &Blocks) -> u64 {
        let proposed = |b: &Block| b.payloads.first().and_then(|p| blocks.payload(*p).proposed);
        let all = || (0..).zip(blocks.iter()).filter_map(|(id, b)| Some((id, proposed(b)?)));
        let last = all().filter(|(id, _)| self.reports.is_decided(*id)).map(|(_, at)| at).max();
        let stale =
            |(id, at): &(BlockId, Time)| self.in_window(*at) && Some(*at) < last && !self.reports.is_decided(*id);
        all().filter(stale).count() as u64
    }
}
