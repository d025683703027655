//! When so many nodes' links were full that the protocol could not go on whatever it did.
//!
//! A link is full while it is never idle. A protocol lives with as much stake behind full links as it tolerates faulty;
//! behind more, what it waits for stands in a queue, and that is the load's doing.

use ledgerlab_consensus::{NodeId, Span, Stake, Time};

use crate::fault::Window;

/// Stretches in which links were full.
#[derive(Clone, Debug, Default)]
pub(super) struct Choked {
    stretches: Vec<(NodeId, Stake, Window)>,
}

impl Choked {
    /// A link of a node has been full for this long, and may still be.
    pub(super) fn note(&mut self, node: NodeId, stake: Stake, full: Window) {
        let known = self.stretches.iter_mut().find(|(n, _, w)| *n == node && w.from <= full.to && full.from <= w.to);
        match known {
            Some((.., w)) => *w = Window { from: w.from.min(full.from), to: w.to.max(full.to) },
            None => self.stretches.push((node, stake, full)),
        }
    }
    /// Nobody will ask about anything before `now`.
    pub(super) fn forget(&mut self, now: Time) {
        self.stretches.retain(|(.., w)| w.to > now);
    }
    /// For how long within a window more than `tolerated` stake stood behind full links.
    pub(super) fn within(&self, window: Window, tolerated: Stake) -> Span {
        let bounds = |w: &Window| [w.from, w.to].map(|t| t.max(window.from).min(window.to));
        let mut cuts: Vec<Time> = self.stretches.iter().flat_map(|(.., w)| bounds(w)).collect();
        cuts.sort_unstable();
        cuts.dedup();
        let full_at = |t: Time| {
            let mut full: Vec<_> = self.stretches.iter().filter(|(.., w)| w.from <= t && t < w.to).collect();
            full.sort_unstable_by_key(|(n, ..)| *n);
            full.dedup_by_key(|(n, ..)| *n);
            full.iter().map(|(_, stake, _)| stake.0).sum::<u64>()
        };
        let choked = cuts.windows(2).filter(|c| full_at(c[0]) > tolerated.0);
        Span(choked.map(|c| (c[1] - c[0]).0).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(from: u64, to: u64) -> Window {
        Window { from: Time(from), to: Time(to) }
    }

    #[test]
    fn only_more_stake_than_is_tolerated_chokes_a_protocol() {
        let mut c = Choked::default();
        c.note(NodeId(0), Stake(1), window(10, 50));
        c.note(NodeId(1), Stake(1), window(30, 40));
        c.note(NodeId(1), Stake(1), window(30, 70));
        c.note(NodeId(1), Stake(1), window(35, 60));
        assert_eq!(c.within(window(0, 100), Stake(0)), Span(60));
        assert_eq!(c.within(window(0, 100), Stake(1)), Span(20), "the same node counts once");
        assert_eq!(c.within(window(45, 48), Stake(1)), Span(3));
        assert_eq!(c.within(window(0, 100), Stake(2)), Span(0));
        c.forget(Time(50));
        assert_eq!(c.within(window(0, 100), Stake(0)), Span(40));
    }
}
