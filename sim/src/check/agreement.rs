//! Agreement: finalised chains of honest nodes are one chain, its heights rise one by one and its hash links hold.
//!
//! The first block that any honest node finalises at a height is the one of that height; later ones are compared
//! with it. Each node's own chain is followed from its `Adopt`, `Revert` and `Finalize` effects, across restarts
//! and state transfer. With deterministic finality a difference is a violation. With probabilistic finality it is
//! a reversal, counted with its depth, and a violation only where the scenario asks for it.
//!
//! Memory: blocks above what every honest node has finalised, once, and each node's own unfinalised blocks. A node
//! that finalises again, after a restart, what is already forgotten is not compared there; a difference then shows
//! as a broken hash link at the first height that is still known.

use std::collections::VecDeque;

use ledgerlab_consensus::{Digest, Height, NodeId, Time, Tip};

use super::{Outcome, Violation};

/// Finalised blocks that a node's own chain keeps, so that a reversal of a few is followed link by link.
const KEPT: usize = 64;

/// What a reversal of a finalised block means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reversals {
    /// The run fails.
    Fail,
    /// It is counted.
    Count,
}

/// Counts of what probabilistic finality allows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ReversalCounts {
    /// Reverts of at least one block, final or not: forks that a node left.
    pub reverts: u64,
    /// The most blocks that one of them took away.
    pub longest: u64,
    /// Reverts that took away a block which its node held for final.
    pub reversals: u64,
    /// The most blocks that lay on top of such a block, itself not counted.
    pub deepest: u64,
    /// Finalised blocks that differ from the first one finalised at their height.
    pub conflicts: u64,
}

#[derive(Clone, Debug)]
struct Node {
    honest: bool,
    /// Height of the front of `chain`.
    base: Height,
    /// Adopted blocks; the front is at or below the finalised tip. Empty only when a reversal went below it.
    chain: VecDeque<Digest>,
    finalised: Height,
}

impl Node {
    fn next(&self) -> Height {
        self.base + self.chain.len() as Height
    }
    fn block(&self, h: Height) -> Option<Digest> {
        self.chain.get(h.checked_sub(self.base)? as usize).copied()
    }
    fn trim(&mut self) {
        while self.chain.len() > 1 && self.base + (KEPT as Height) < self.finalised {
            self.chain.pop_front();
            self.base += 1;
        }
    }
}

/// The observer of all nodes' chains.
#[derive(Clone, Debug)]
pub struct Agreement {
    reversals: Reversals,
    nodes: Vec<Node>,
    /// Height of the front of `first`; everything below is final at every honest node.
    base: Height,
    /// The first block finalised at each height; `None` where only state transfer went past.
    first: VecDeque<Option<Digest>>,
    /// Honest nodes that have not finalised height `base`.
    behind: usize,
    counts: ReversalCounts,
}

impl Agreement {
    /// An observer of nodes that all start at genesis and of which `honest` are bound by the rules.
    pub fn new(honest: &[bool], reversals: Reversals) -> Agreement {
        let node = |&honest: &bool| Node { honest, base: 0, chain: [Digest::GENESIS].into(), finalised: 0 };
        Agreement {
            reversals,
            nodes: honest.iter().map(node).collect(),
            base: 1,
            first: VecDeque::new(),
            behind: honest.iter().filter(|h| **h).count(),
            counts: ReversalCounts::default(),
        }
    }

    /// A node appends a block to its chain.
    pub fn adopt(&mut self, at: Time, node: NodeId, tip: Tip, parent: Digest) -> Outcome {
        let n = &mut self.nodes[node.0 as usize];
        if n.chain.is_empty() {
            // A reversal went below everything that is remembered: the parent is taken on trust.
            n.chain.push_back(parent);
        }
        let (next, last) = (n.next(), n.chain.back().copied());
        if tip.height != next {
            (n.base, n.chain) = (tip.height, [tip.block].into());
            return if n.honest { Err(fault(at, node, skipped(tip, next))) } else { Ok(()) };
        }
        n.chain.push_back(tip.block);
        if n.honest && last != Some(parent) {
            let what = format!(
                "block {:?} at height {} names parent {parent:?}, but the block at height {} is {:?}",
                tip.block,
                tip.height,
                tip.height - 1,
                last.unwrap_or_default()
            );
            return Err(fault(at, node, what));
        }
        Ok(())
    }

    /// A node takes every block above `height` off its chain.
    pub fn revert(&mut self, at: Time, node: NodeId, height: Height) -> Outcome {
        let n = &mut self.nodes[node.0 as usize];
        let taken = n.next().saturating_sub(height + 1);
        if taken == 0 {
            return Ok(());
        }
        self.counts.reverts += 1;
        self.counts.longest = self.counts.longest.max(taken);
        let finalised = n.finalised;
        if height >= n.base {
            n.chain.truncate((height + 1 - n.base) as usize);
        } else {
            n.base = height;
            n.chain.clear();
        }
        if height >= finalised {
            return Ok(());
        }
        self.lower(node, height);
        self.counts.reversals += 1;
        self.counts.deepest = self.counts.deepest.max(taken - 1);
        if self.reversals == Reversals::Count || !self.nodes[node.0 as usize].honest {
            return Ok(());
        }
        let what = format!("reverts to height {height}, below its finalised height {finalised}");
        Err(fault(at, node, what))
    }

    /// A node holds everything up to `height` for final.
    pub fn finalize(&mut self, at: Time, node: NodeId, height: Height) -> Outcome {
        let n = &self.nodes[node.0 as usize];
        let (from, top, honest) = (n.finalised, n.next() - 1, n.honest);
        if !honest {
            return Ok(());
        }
        if height < from {
            return Err(fault(at, node, format!("finalises height {height} after height {from}")));
        }
        if height > top {
            let what = format!("finalises height {height}, but has adopted blocks only up to height {top}");
            return Err(fault(at, node, what));
        }
        let mut found = None;
        for h in from + 1..=height {
            if let Some(block) = self.nodes[node.0 as usize].block(h)
                && let Some(first) = self.first_instead(h, block)
            {
                found.get_or_insert((h, block, first));
            }
        }
        self.raise(node, height);
        found.map_or(Ok(()), |(h, block, first)| Err(fault(at, node, differs(h, block, first))))
    }

    /// A node's ledger was replaced up to the finalised `tip` by state transfer.
    pub fn sync(&mut self, at: Time, node: NodeId, tip: Tip) -> Outcome {
        let n = &mut self.nodes[node.0 as usize];
        if !n.honest {
            return Ok(());
        }
        if tip.height < n.finalised {
            let what = format!("state transfer to height {} after height {} was finalised", tip.height, n.finalised);
            return Err(fault(at, node, what));
        }
        (n.base, n.chain) = (tip.height, [tip.block].into());
        let outcome = self.compare(at, node, tip);
        self.raise(node, tip.height);
        outcome
    }

    /// A node restarts with a ledger that ends in `tip`; what it had adopted above is lost.
    pub fn restart(&mut self, at: Time, node: NodeId, tip: Tip) -> Outcome {
        let n = &mut self.nodes[node.0 as usize];
        let known = n.block(tip.height);
        if tip.height >= n.base && tip.height < n.next() {
            n.chain.truncate((tip.height + 1 - n.base) as usize);
        } else {
            (n.base, n.chain) = (tip.height, [tip.block].into());
        }
        let (honest, finalised) = (n.honest, n.finalised);
        self.lower(node, tip.height.min(finalised));
        if honest && known.is_some_and(|b| b != tip.block) {
            let what = format!(
                "restarts with block {:?} at height {}, but had adopted {:?} there",
                tip.block,
                tip.height,
                known.unwrap_or_default()
            );
            return Err(fault(at, node, what));
        }
        if honest && tip.height <= finalised { self.compare(at, node, tip) } else { Ok(()) }
    }

    /// Forks and reversals so far.
    pub fn counts(&self) -> ReversalCounts {
        self.counts
    }
    /// The height that a node holds for final.
    pub fn finalised(&self, node: NodeId) -> Height {
        self.nodes[node.0 as usize].finalised
    }
    /// Block digests in memory.
    pub fn remembered(&self) -> usize {
        self.first.len() + self.nodes.iter().map(|n| n.chain.len()).sum::<usize>()
    }

    fn compare(&mut self, at: Time, node: NodeId, tip: Tip) -> Outcome {
        let first = self.first_instead(tip.height, tip.block);
        first.map_or(Ok(()), |first| Err(fault(at, node, differs(tip.height, tip.block, first))))
    }

    /// The block that was finalised first at a height, where that is another one and must not be.
    #[inline]
    fn first_instead(&mut self, h: Height, block: Digest) -> Option<Digest> {
        let i = h.checked_sub(self.base)? as usize;
        if i >= self.first.len() {
            self.first.resize(i + 1, None);
        }
        let first = *self.first[i].get_or_insert(block);
        if first == block {
            return None;
        }
        self.counts.conflicts += 1;
        (self.reversals == Reversals::Fail).then_some(first)
    }

    #[inline]
    fn raise(&mut self, node: NodeId, height: Height) {
        let n = &mut self.nodes[node.0 as usize];
        let was = n.finalised;
        n.finalised = n.finalised.max(height);
        n.trim();
        if was < self.base && height >= self.base {
            self.behind -= 1;
            if self.behind == 0 {
                self.forget();
            }
        }
    }

    /// Sets a node back; what is forgotten stays forgotten.
    fn lower(&mut self, node: NodeId, height: Height) {
        let n = &mut self.nodes[node.0 as usize];
        n.finalised = n.finalised.min(height);
        self.recount();
    }

    fn recount(&mut self) {
        let base = self.base;
        self.behind = self.nodes.iter().filter(|n| n.honest && n.finalised < base).count();
    }

    /// Drops the heights that every honest node has finalised. It runs once for each advance of the slowest node.
    fn forget(&mut self) {
        let slowest = self.nodes.iter().filter(|n| n.honest).map(|n| n.finalised).min().unwrap_or(0);
        while self.base <= slowest {
            self.first.pop_front();
            self.base += 1;
        }
        self.recount();
    }
}

fn skipped(tip: Tip, next: Height) -> String {
    format!("adopts block {:?} at height {}, but the next height is {next}", tip.block, tip.height)
}

fn differs(h: Height, block: Digest, first: Digest) -> String {
    format!("finalises block {block:?} at height {h}, but {first:?} was finalised there first")
}

fn fault(at: Time, node: NodeId, what: String) -> Violation {
    Violation { check: "agreement", at, node: Some(node), what }
}

#[cfg(test)]
mod tests;
