//! When so many nodes' links were full that the protocol could not go on whatever it did.
//!
//! A link is full while it is never idle. A protocol lives with as much stake behind full links as it tolerates faulty;
//! behind more, what it waits for stands in a queue, and that is the load's doing. A single leader behind a full link
//! is no excuse: others take its place within the bound.

use std::collections::BTreeMap;

use ledgerlab_consensus::{NodeId, Span, Stake, Time};

use crate::fault::Window;

/// Stretches in which a link of a node was full, in order of time.
#[derive(Clone, Debug, Default)]
struct Full {
    stake: u64,
    stretches: Vec<Window>,
}

impl Full {
    fn at(&self, t: Time) -> bool {
        let after = self.stretches.partition_point(|w| w.to <= t);
        self.stretches.get(after).is_some_and(|w| w.from <= t)
    }
}

/// When links were full, by node.
#[derive(Clone, Debug, Default)]
pub(super) struct Choked(BTreeMap<NodeId, Full>);

impl Choked {
    /// A link of a node has been full for this long, and may still be.
    pub(super) fn note(&mut self, node: NodeId, stake: Stake, full: Window) {
        let own = self.0.entry(node).or_default();
        own.stake = stake.0;
        // It joins those that it touches.
        let first = own.stretches.partition_point(|w| w.to < full.from);
        let last = own.stretches.partition_point(|w| w.from <= full.to);
        let all = own
            .stretches
            .drain(first..last)
            .fold(full, |all, w| Window { from: all.from.min(w.from), to: all.to.max(w.to) });
        own.stretches.insert(first, all);
    }
    /// Nobody will ask about anything before `now`.
    pub(super) fn forget(&mut self, now: Time) {
        self.0.retain(|_, own| {
            own.stretches.retain(|w| w.to > now);
            !own.stretches.is_empty()
        });
    }
    /// For how long within a window more than `tolerated` stake stood behind full links.
    pub(super) fn within(&self, window: Window, tolerated: Stake) -> Span {
        let bounds = |w: &Window| [w.from, w.to].map(|t| t.max(window.from).min(window.to));
        let mut cuts: Vec<Time> = self.0.values().flat_map(|own| &own.stretches).flat_map(bounds).collect();
        cuts.sort_unstable();
        cuts.dedup();
        let full_at = |t: Time| self.0.values().filter(|own| own.at(t)).map(|own| own.stake).sum::<u64>();
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
