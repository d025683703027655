//! The fault plan: what goes wrong in a run, when, and to whom; fixed before the run starts.
//!
//! A plan answers in O(log windows) whether a node is up and whether two nodes can reach each other, and lists its
//! changes in order of time, so that the host turns them into events. Overlapping and touching windows of a node
//! are one. Windows are half open: a crash at 10 s for 5 s has the node up again at exactly 15 s.

mod partition;
mod weight;

use ledgerlab_consensus::{NodeId, Time};

use crate::scenario::{Fault, FaultKind};
use partition::Partitions;
pub use weight::{FaultyStake, Sound};

/// A time from `from` up to but not including `to`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Window {
    /// First moment.
    pub from: Time,
    /// First moment after it; [`Time::NEVER`] where it lasts to the end of the run.
    pub to: Time,
}

impl Window {
    /// Whether the moment lies in it.
    pub fn has(&self, at: Time) -> bool {
        self.from <= at && at < self.to
    }
}

/// What happens to the host at a moment.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Change {
    /// Some pairs of nodes lose or regain their connection: see [`FaultPlan::reconnected`].
    Connections,
    /// The node comes back from its durable log.
    Restart(NodeId),
    /// The node loses everything volatile.
    Crash(NodeId),
}

/// A fault as the user named it, for charts and verdicts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NamedWindow {
    /// The scenario's name for it.
    pub name: String,
    /// "crash" or "partition".
    pub kind: &'static str,
    /// When.
    pub window: Window,
    /// How many nodes it concerns.
    pub nodes: usize,
}

/// All faults of a run, resolved by node.
#[derive(Clone, Debug, Default)]
pub struct FaultPlan {
    /// For each node when it is down: sorted, disjoint, not touching.
    down: Vec<Vec<Window>>,
    partitions: Partitions,
    timeline: Vec<(Time, Change)>,
    named: Vec<NamedWindow>,
}

impl FaultPlan {
    /// The plan of a validated scenario with `nodes` nodes.
    ///
    /// # Panics
    /// If a fault names a node that does not exist.
    pub fn new(faults: &[Fault], nodes: u32) -> FaultPlan {
        let mut down = vec![vec![]; nodes as usize];
        let mut cuts = vec![];
        let mut named = vec![];
        for f in faults {
            let from = Time(f.at.0);
            let window = Window { from, to: f.lasts.map_or(Time::NEVER, |l| from + l) };
            let (kind, members) = match &f.kind {
                FaultKind::Crash { nodes } => ("crash", nodes),
                FaultKind::Partition { nodes } => ("partition", nodes),
            };
            named.push(NamedWindow { name: f.name.clone(), kind, window, nodes: members.len() });
            assert!(members.iter().all(|n| *n < nodes), "fault `{}` names a node beyond the {nodes} there are", f.name);
            if window.from == window.to {
                continue;
            }
            match kind {
                "crash" => members.iter().for_each(|n| down[*n as usize].push(window)),
                _ => cuts.push((window, members.as_slice())),
            }
        }
        down.iter_mut().for_each(merge);
        let partitions = Partitions::new(&cuts, nodes);
        let timeline = timeline(&down, &partitions);
        FaultPlan { down, partitions, timeline, named }
    }

    /// Whether nothing goes wrong.
    pub fn is_empty(&self) -> bool {
        self.timeline.is_empty()
    }
    /// Whether the node runs at `at`.
    pub fn is_up(&self, node: NodeId, at: Time) -> bool {
        let w = &self.down[node.0 as usize];
        w.get(w.partition_point(|w| w.to <= at)).is_none_or(|w| at < w.from)
    }
    /// The node's first crash at or after `from`.
    pub fn next_crash(&self, node: NodeId, from: Time) -> Option<Time> {
        let w = &self.down[node.0 as usize];
        w.get(w.partition_point(|w| w.from < from)).map(|w| w.from)
    }
    /// When the node is down.
    pub fn down(&self, node: NodeId) -> &[Window] {
        &self.down[node.0 as usize]
    }
    /// Whether a partition separates two nodes at any moment from `from` to `to`, both included: a message in flight
    /// then is lost. Crashes do not count.
    pub fn cut_during(&self, a: NodeId, b: NodeId, from: Time, to: Time) -> bool {
        self.partitions.cut(a, b, from, to)
    }
    /// Nodes that `node` reaches again at `at`, and did not the moment before.
    pub fn reconnected(&self, node: NodeId, at: Time) -> impl Iterator<Item = NodeId> + '_ {
        self.partitions.changed(node, at, true)
    }
    /// Nodes that `node` no longer reaches at `at`, and did the moment before.
    pub fn disconnected(&self, node: NodeId, at: Time) -> impl Iterator<Item = NodeId> + '_ {
        self.partitions.changed(node, at, false)
    }
    /// Every change in order of time; at one moment connections first, then restarts, then crashes, by node.
    pub fn timeline(&self) -> &[(Time, Change)] {
        &self.timeline
    }
    /// The faults as the scenario names them, in its order.
    pub fn named(&self) -> &[NamedWindow] {
        &self.named
    }
}

/// Sorts windows and joins those that overlap or touch.
fn merge(list: &mut Vec<Window>) {
    list.sort_unstable();
    list.dedup_by(|next, last| {
        let joins = next.from <= last.to;
        if joins {
            last.to = last.to.max(next.to);
        }
        joins
    });
}

fn timeline(down: &[Vec<Window>], partitions: &Partitions) -> Vec<(Time, Change)> {
    let mut all: Vec<(Time, Change)> = partitions.changes().map(|at| (at, Change::Connections)).collect();
    for (i, windows) in down.iter().enumerate() {
        let node = NodeId(i as u32);
        for w in windows {
            all.push((w.from, Change::Crash(node)));
            if w.to != Time::NEVER {
                all.push((w.to, Change::Restart(node)));
            }
        }
    }
    all.sort_unstable();
    all
}

#[cfg(test)]
mod tests;
