//! How much stake is faulty at any time, for the verdict *outside the fault model*.
//!
//! A crashed node is faulty, and so is every node that the heaviest connected group cannot reach. Where one node has
//! all the stake, a server, the group of most nodes counts as the heaviest: a server that most of its clients' nodes
//! cannot reach is as good as down for them.

use ledgerlab_consensus::{Stake, Time};

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
        let worst = before.max_by_key(|s| (s.1, std::cmp::Reverse(s.0)));
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

impl FaultPlan {
    /// The faulty stake over the run, where node i holds `stake[i]`.
    pub fn faulty_stake(&self, stake: &[Stake]) -> FaultyStake {
        assert_eq!(stake.len(), self.down.len(), "one stake for each node");
        let mut up = vec![true; stake.len()];
        let mut steps = vec![(Time::ZERO, Stake(0))];
        let mut rest = self.timeline();
        while let Some(&(at, _)) = rest.first() {
            let now = rest.partition_point(|c| c.0 == at);
            for (_, change) in &rest[..now] {
                match change {
                    Change::Crash(n) => up[n.0 as usize] = false,
                    Change::Restart(n) => up[n.0 as usize] = true,
                    Change::Connections => {}
                }
            }
            rest = &rest[now..];
            let faulty = self.faulty_at(at, &up, stake);
            match steps.last_mut() {
                Some(last) if last.0 == at => last.1 = faulty,
                _ => steps.push((at, faulty)),
            }
        }
        FaultyStake { steps }
    }

    fn faulty_at(&self, at: Time, up: &[bool], stake: &[Stake]) -> Stake {
        let groups = self.partitions.groups_at(at);
        let served = stake.iter().filter(|s| s.0 > 0).count() == 1;
        // Nodes where there is a server, and stake.
        let mut by_group = vec![(0_u64, 0_u64); stake.len().max(1)];
        for (i, s) in stake.iter().enumerate().filter(|(i, _)| up[*i]) {
            let group = &mut by_group[groups.map_or(0, |g| g[i] as usize)];
            *group = (group.0 + u64::from(served), group.1 + s.0);
        }
        let total: u64 = stake.iter().map(|s| s.0).sum();
        Stake(total - by_group.into_iter().max().unwrap_or((0, 0)).1)
    }
}
