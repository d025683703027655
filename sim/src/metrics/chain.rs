//! What the chain did.
//!
//! Blocks are counted when they leave memory, and what is left of them at the end.

use ledgerlab_consensus::Time;

use super::Meter;
use crate::node::blocks::{BlockId, Blocks};

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

/// Blocks that have left memory.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Left {
    /// When the last of those that are final was made.
    last_final: Option<Time>,
    /// Made in the window, and stale ones among them.
    made: (u64, u64),
    /// Those made later than `last_final`, and whether they are stale.
    later: Vec<(Time, bool)>,
}

impl Left {
    fn add(&mut self, at: Time, stale: bool) {
        if !stale {
            self.last_final = self.last_final.max(Some(at));
        }
        self.later.push((at, stale));
        let last = self.last_final;
        for (_, stale) in self.later.extract_if(.., |(at, _)| Some(*at) <= last) {
            self.made.0 += 1;
            self.made.1 += u64::from(stale);
        }
    }
}

/// Views by the node that enters them first. Nodes report out of order, so a view is counted when everything before
/// the clock has been reported.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Views {
    newest: u64,
    /// Views that may still be entered earlier, in order: when each was, and whether by a failure.
    open: Vec<(u64, Time, bool)>,
}

impl Views {
    /// A node enters a view.
    pub(super) fn entered(&mut self, at: Time, view: u64, by_failure: bool) {
        if view <= self.newest {
            return;
        }
        // Nodes nearly always enter one of the last views.
        let later = self.open.iter().rev().take_while(|(v, ..)| *v > view).count();
        let place = self.open.len() - later;
        match self.open[..place].last_mut() {
            Some((v, first, failed)) if *v == view => (*first, *failed) = (*first, *failed).min((at, by_failure)),
            _ => self.open.insert(place, (view, at, by_failure)),
        }
    }
    /// The views first entered before `now`, with time and whether by a failure, in order of time; one that is older
    /// than another that was entered before it is none.
    pub(super) fn settle(&mut self, now: Time) -> Vec<(Time, bool)> {
        let settled = self.open.extract_if(.., |(_, at, _)| *at < now);
        let mut done: Vec<(Time, u64, bool)> = settled.map(|(view, at, by_failure)| (at, view, by_failure)).collect();
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
    /// A block leaves memory: its fate will not change any more.
    pub fn block_left(&mut self, id: BlockId, made: Option<Time>) {
        if let Some(at) = made {
            let stale = !self.reports.is_decided(id);
            if self.in_window(at) {
                self.left.add(at, stale);
            } else if !stale {
                self.left.last_final = self.left.last_final.max(Some(at));
            }
        }
    }

    /// Blocks made in the window whose fate is decided, and those of them that are stale. A block is made when it is
    /// first proposed, else adopted; its fate is decided once a block that was made no earlier is final.
    pub(super) fn count_made(&self, blocks: &Blocks) -> (u64, u64) {
        let mut left = self.left.clone();
        let all = || blocks.iter().filter_map(|(id, b)| Some((self.reports.is_decided(id), blocks.made(b)?)));
        left.last_final = left.last_final.max(all().filter(|(decided, _)| *decided).map(|(_, at)| at).max());
        all().filter(|(_, at)| self.in_window(*at)).for_each(|(decided, at)| left.add(at, !decided));
        left.made
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
