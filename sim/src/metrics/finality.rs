//! When enough nodes hold a block for final.
//!
//! Nodes report out of order, since each may run ahead of the clock. A block is decided when everything before the
//! clock has been reported, so the answer is the exact order statistic.

use std::sync::Arc;

use ledgerlab_consensus::{FaultBound, NodeId, Stake, Time, Validators};

use crate::fault::FaultPlan;
use crate::node::bits::Bits;
use crate::node::blocks::BlockId;
use crate::node::window::Window;
use crate::scenario::{FinalityNodes, Scenario};

/// When a block is final at a node, when it was committed there, and which node that is.
type Report = (Time, Time, NodeId);

/// Room for more reports than this is given back: few blocks have so many, and they have them all at once.
const MOST_SPARE: usize = 1_024;

/// Reports of the blocks that are not decided yet.
pub struct Reports {
    nodes: FinalityNodes,
    quorum: Stake,
    total: Stake,
    stake: Vec<Stake>,
    /// Stake as far as it counts for a quorum.
    counted: Vec<Stake>,
    faults: FaultPlan,
    /// By block from the first that may be undecided on: (final at, commit, node).
    open: Window<Vec<Report>>,
    /// The blocks with reports: few of those in memory, which are looked at each second.
    waiting: Vec<BlockId>,
    decided: Bits,
    /// Room for reports.
    spare: Vec<Vec<Report>>,
}

impl Reports {
    /// Nothing is final yet.
    pub fn new(s: &Scenario, validators: &Arc<Validators>, bound: FaultBound) -> Reports {
        let nodes = validators.len() as u32;
        Reports {
            nodes: s.finality.nodes,
            quorum: validators.quorum(bound),
            total: validators.total(),
            stake: validators.iter().map(|v| validators.stake(v)).collect(),
            counted: validators.iter().map(|v| validators.counted(v, bound)).collect(),
            faults: FaultPlan::new(&s.faults, nodes),
            open: Window::default(),
            waiting: vec![],
            decided: Bits::default(),
            spare: vec![],
        }
    }
    /// A node holds a block for final from `at` on.
    pub fn add(&mut self, node: NodeId, block: BlockId, commit: Time, at: Time) {
        if self.decided.has(block) {
            return;
        }
        while self.open.end() <= u64::from(block) {
            self.open.push(vec![]);
        }
        // What is said of a block that was forgotten decides nothing.
        let Some(reports) = self.open.get_mut(u64::from(block)) else { return };
        if reports.is_empty() {
            self.waiting.push(block);
        }
        if reports.capacity() == 0 {
            *reports = self.spare.pop().unwrap_or_default();
        }
        reports.push((at, commit, node));
    }
    /// Whether enough nodes hold a block for final.
    pub fn is_decided(&self, block: BlockId) -> bool {
        self.decided.has(block)
    }
    /// Blocks older than `floor` are decided, or never will be.
    pub fn forget_below(&mut self, floor: BlockId) {
        self.open.forget_below(u64::from(floor));
        self.waiting.retain(|block| *block >= floor);
        self.decided.forget_below(floor);
    }
    /// Blocks that some nodes hold for final, but not enough.
    pub fn undecided(&self) -> impl Iterator<Item = BlockId> + '_ {
        self.waiting.iter().copied()
    }
    /// The blocks that are final by `now`, with the times of commit and finality, in order of time.
    pub fn settle(&mut self, now: Time) -> Vec<(BlockId, Time, Time)> {
        let mut done: Vec<(BlockId, Time, Time)> = vec![];
        let (mut open, mut waiting) = (std::mem::take(&mut self.open), std::mem::take(&mut self.waiting));
        waiting.retain(|&block| {
            let reports = &mut open[block];
            reports.sort_unstable();
            let Some((commit, at)) = self.decide(reports).filter(|(_, at)| *at <= now) else { return true };
            done.push((block, commit, at));
            self.decided.add(block);
            let mut room = std::mem::take(reports);
            room.clear();
            if room.capacity() <= MOST_SPARE {
                self.spare.push(room);
            }
            false
        });
        self.waiting = waiting;
        self.open = open;
        done.sort_unstable_by_key(|(block, _, at)| (*at, *block));
        done
    }
    /// Commit and finality of a block at the node that completes the rule.
    fn decide(&self, reports: &[(Time, Time, NodeId)]) -> Option<(Time, Time)> {
        let (mut weight, mut counted) = (0, 0);
        let mut commit = Time::ZERO;
        let mut seen = Bits::default();
        for (i, (at, committed, node)) in reports.iter().enumerate() {
            // A node that left the block and came back to it reports again: its first report counts.
            if !seen.add(node.0) {
                continue;
            }
            let of = |list: &[Stake]| list.get(node.0 as usize).map_or(0, |s| s.0);
            weight += of(&self.stake);
            counted += of(&self.counted);
            commit = commit.max(*committed);
            let enough = match self.nodes {
                FinalityNodes::First => true,
                FinalityNodes::Quorum => counted >= self.quorum.0,
                FinalityNodes::Fraction(f) => weight as f64 >= f * self.total.0 as f64,
                FinalityNodes::All => self.everybody(&reports[..=i], *at),
            };
            if enough {
                return Some((commit.min(*at), *at));
            }
        }
        None
    }
    fn everybody(&self, reports: &[(Time, Time, NodeId)], at: Time) -> bool {
        (0..self.stake.len() as u32)
            .map(NodeId)
            .all(|n| reports.iter().any(|(.., r)| *r == n) || !self.faults.is_up(n, at))
    }
}
