//! What the chain did.

use std::collections::BTreeMap;

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
    pub(super) duplicates: u64,
}

/// Views by the node that enters them first. Nodes report out of order, so a view is counted when everything before
/// the clock has been reported.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Views {
    newest: u64,
    /// By view that may still be entered earlier: when it was, and whether by a failure.
    open: BTreeMap<u64, (Time, bool)>,
}

impl Views {
    /// A node enters a view.
    pub(super) fn entered(&mut self, at: Time, view: u64, by_failure: bool) {
        if view > self.newest {
            let first = self.open.entry(view).or_insert((at, by_failure));
            *first = (*first).min((at, by_failure));
        }
    }
    /// The views first entered before `now`, with time and whether by a failure, in order of time; one that is older
    /// than another that was entered before it is none.
    pub(super) fn settle(&mut self, now: Time) -> Vec<(Time, bool)> {
        let mut done: Vec<(Time, u64, bool)> = vec![];
        self.open.retain(|view, (at, by_failure)| {
            let settled = *at < now;
            if settled {
                done.push((*at, *view, *by_failure));
            }
            !settled
        });
        done.sort_unstable();
        done.retain(|(_, view, _)| {
            let new = *view > self.newest;
            self.newest = self.newest.max(*view);
            new
        });
        done.into_iter().map(|(at, _, by_failure)| (at, by_failure)).collect()
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_is_entered_by_whoever_is_first_in_time_and_not_in_the_order_of_reports() {
        let reports = [(Time(30), 2, true), (Time(20), 2, false), (Time(25), 3, false), (Time(40), 1, true)];
        let count = |order: &[usize]| {
            let mut views = Views::default();
            order.iter().for_each(|i| views.entered(reports[*i].0, reports[*i].1, reports[*i].2));
            (views.settle(Time(26)), views.settle(Time(100)), views.newest)
        };
        let expected = (vec![(Time(20), false), (Time(25), false)], vec![], 3);
        assert_eq!(count(&[0, 1, 2, 3]), expected);
        assert_eq!(count(&[3, 2, 1, 0]), expected, "the last to tell may be the first to enter");
    }
}
