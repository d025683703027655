//! What becomes of the best tip: the adopted chain, the relay, the log.
//!
//! Every adopted block is logged, an own one when it is made. When the tree is pruned, the records of
//! blocks below its root are given up, from the old end on. Where authors are bound by their blocks (at most one in a
//! slot) the newest own one is logged again rather than given up.

use std::sync::Arc;

use super::{BLOCKS, Block, Header, LongestChain, OnChain, Stage};
use crate::effect::{Cx, Effect};
use crate::types::LogSeq;

/// Most blocks of a reorganisation that are relayed, the highest ones: Bitcoin Core's `MAX_BLOCKS_TO_ANNOUNCE`.
const RELAYED: usize = 8;

impl<H: Header> LongestChain<H> {
    /// Names and logs an own block; it may leave when the record is durable.
    pub fn mint<P: OnChain<H>>(&mut self, header: H, cx: &mut Cx<'_, P>) -> (Arc<Block<H>>, LogSeq) {
        let block = Arc::new(Block::new(header, self.hashing));
        let seq = self.log(&block, cx);
        self.own = Some((seq, block.clone()));
        (block, seq)
    }
    pub(super) fn log<P: OnChain<H>>(&mut self, b: &Arc<Block<H>>, cx: &mut Cx<'_, P>) -> LogSeq {
        let seq = cx.log(b.clone());
        if self.logged.len() == self.logged.capacity() {
            // Most logs are short, and there are as many as replicas.
            self.logged.reserve_exact(1 + self.logged.len() / 4);
        }
        self.logged.push_back((seq, b.clone()));
        seq
    }
    fn is_logged(&self, b: &Block<H>) -> bool {
        self.logged.iter().rev().any(|(_, other)| other.id == b.id)
    }
    fn compact<P: OnChain<H>>(&mut self, cx: &mut Cx<'_, P>) {
        let lowest = self.tree.root().height;
        while self.logged.front().is_some_and(|(_, b)| b.height() < lowest) {
            self.logged.pop_front();
        }
        let Some((below, _)) = self.logged.front() else { return };
        let below = *below;
        if let Some((seq, b)) = self.own.as_mut().filter(|(seq, _)| H::BINDS && *seq < below) {
            *seq = cx.log_lazily(b.clone());
            self.logged.push_back((*seq, b.clone()));
        }
        cx.truncate(below);
    }
    /// Brings the ledger to the best tip: one `Revert` to the fork, then an `Adopt` for each block above it.
    pub(super) fn settle<P: OnChain<H>>(&mut self, cx: &mut Cx<'_, P>) {
        if self.stage != Stage::Following {
            return self.shed(cx);
        }
        let best = self.tree.best();
        if best.id() == self.head {
            return;
        }
        let fork = self.tree.fork(self.head, best.id());
        if self.tree.get(self.head).is_some_and(|h| h.height > fork) {
            cx.push(Effect::Revert { height: fork });
        }
        let adopted: Vec<Arc<Block<H>>> = self.tree.branch(fork, best.id()).iter().map(|n| n.block.clone()).collect();
        self.head = best.id();
        for b in &adopted {
            // An own block was logged when it was made, unless a crash has taken the record back.
            if Some(b.header.author()) != self.key || !self.is_logged(b) {
                self.log(b, cx);
            }
            cx.adopt(b.tip(), b.parent(), b.header.payloads(), H::BYTES);
        }
        for b in &adopted[adopted.len().saturating_sub(RELAYED)..] {
            // The author of a block has gossiped it when it made it.
            if Some(b.header.author()) != self.key {
                cx.gossip(BLOCKS, b.clone().into());
            }
        }
        self.shed(cx);
    }
    /// Forgets the tree beyond what is kept, and its records.
    fn shed<P: OnChain<H>>(&mut self, cx: &mut Cx<'_, P>) {
        let (lowest, keep) = (self.tree.root().height, self.limits.keep);
        if self.height() - lowest > 2 * keep {
            self.tree.prune(self.height() - keep);
            cx.push(Effect::Prune { below: self.tree.root().height });
            self.compact(cx);
        }
    }
}
