//! How much stake is faulty at any time, for the verdict *outside the fault model*.
//!
//! A crashed node is faulty, and so is every node that the heaviest connected group cannot reach. Where one node has
//! all the stake, a server, the group of most nodes counts as the heaviest: a server that most of its clients' nodes
//! cannot reach is as good as down for them.

use std::cmp::Reverse;

use ledgerlab_consensus::{NodeId, Stake, Time};

use super::{Change, FaultPlan, Window};

/// The faulty stake over a run, as steps.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FaultyStake {
    /// Sorted by time; each value holds until the next. The first is at time zero.
    steps: Vec<(Time, Stake)>,
}

impl FaultyStake {
    /// Faulty stake at a moment.
    pub fn at(&self, at: Time) -> Stake {
        self.steps[self.steps.partition_point(|s| s.0 <= at) - 1].1
    }
    /// The most stake that is faulty at once before `end`, and since when.
    pub fn worst(&self, end: Time) -> (Stake, Time) {
        let before = self.steps.iter().filter(|s| s.0 < end);
        let worst = before.max_by_key(|s| (s.1, Reverse(s.0)));
        worst.map_or((Stake(0), Time::ZERO), |s| (s.1, s.0))
    }
    /// When more than `tolerated` is faulty.
    pub fn beyond(&self, tolerated: Stake) -> Vec<Window> {
        let ends = self.steps.iter().skip(1).map(|s| s.0).chain([Time::NEVER]);
        let mut found: Vec<Window> = vec![];
        for (&(from, stake), to) in self.steps.iter().zip(ends) {
            match found.last_mut() {
                _ if stake <= tolerated => {}
                Some(last) if last.to == from => last.to = to,
                _ => found.push(Window { from, to }),
            }
        }
        found
    }
}

/// Which nodes can bring a transaction on chain, over a run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sound {
    /// Sorted by time, one for each change of the plan: from then on, by node. Before the first all are sound.
    steps: Vec<(Time, Vec<bool>)>,
}

impl Sound {
    /// Whether a node is up and with the heaviest connected group, while no more is faulty than is tolerated.
    pub fn has(&self, node: NodeId, at: Time) -> bool {
        let step = self.steps.partition_point(|s| s.0 <= at).checked_sub(1);
        step.is_none_or(|i| self.steps[i].1.get(node.0 as usize).is_some_and(|sound| *sound))
    }
    /// The first change after `at`.
    pub fn next_change(&self, at: Time) -> Option<Time> {
        self.steps.get(self.steps.partition_point(|s| s.0 <= at)).map(|s| s.0)
    }
}

impl FaultPlan {
    /// Which nodes are sound over the run, where node i holds `stake[i]` and `tolerated` may be faulty.
    pub fn sound(&self, stake: &[Stake], tolerated: Stake) -> Sound {
        let mut steps: Vec<(Time, Vec<bool>)> = vec![];
        self.each_state(stake, |at, up| {
            let (group, faulty) = self.heaviest(at, up, stake);
            let groups = self.partitions.groups_at(at);
            let sound = |i: usize| up[i] && faulty <= tolerated && groups.map_or(0, |g| g[i] as usize) == group;
            steps.push((at, (0..up.len()).map(sound).collect()));
        });
        Sound { steps }
    }

    /// The faulty stake over the run, where node i holds `stake[i]`.
    pub fn faulty_stake(&self, stake: &[Stake]) -> FaultyStake {
        let mut steps = vec![(Time::ZERO, Stake(0))];
        self.each_state(stake, |at, up| {
            let faulty = self.heaviest(at, up, stake).1;
            match steps.last_mut() {
                Some(last) if last.0 == at => last.1 = faulty,
                _ => steps.push((at, faulty)),
            }
        });
        FaultyStake { steps }
    }

    /// Calls `look` after the changes of each moment, with who is up.
    fn each_state(&self, stake: &[Stake], mut look: impl FnMut(Time, &[bool])) {
        assert_eq!(stake.len(), self.down.len(), "one stake for each node");
        let mut up = vec![true; stake.len()];
        for changes in self.timeline().chunk_by(|a, b| a.0 == b.0) {
            for (_, change) in changes {
                match change {
                    Change::Crash(n) => up[n.0 as usize] = false,
                    Change::Restart(n) => up[n.0 as usize] = true,
                    Change::Connections => {}
                }
            }
            look(changes[0].0, &up);
        }
    }

    /// The heaviest connected group of the nodes that are up, and the stake of all others.
    fn heaviest(&self, at: Time, up: &[bool], stake: &[Stake]) -> (usize, Stake) {
        let groups = self.partitions.groups_at(at);
        let served = stake.iter().filter(|s| s.0 > 0).count() == 1;
        // Nodes where there is a server, and stake.
        let mut by_group = vec![(0_u64, 0_u64); stake.len().max(1)];
        for (i, s) in stake.iter().enumerate().filter(|(i, _)| up[*i]) {
            let group = &mut by_group[groups.map_or(0, |g| g[i] as usize)];
            *group = (group.0 + u64::from(served), group.1 + s.0);
        }
        let total: u64 = stake.iter().map(|s| s.0).sum();
        let heaviest = by_group.iter().enumerate().max_by_key(|(i, g)| (**g, Reverse(*i)));
        heaviest.map_or((0, Stake(total)), |(group, g)| (group, Stake(total - g.1)))
    }
}
