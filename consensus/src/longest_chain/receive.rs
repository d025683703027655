//! How the tree grows: blocks as they come, their missing ancestors, ledgers that are copied.

use std::sync::Arc;

use super::{Block, Header, LongestChain, OnChain, Rule, Stage};
use crate::block_tree::{BlockTree, Missing, Node};
use crate::effect::{Cx, Effect};
use crate::types::{Digest, NodeId, Tip};

impl<H: Header> LongestChain<H> {
    /// Takes a block from a peer, or an own one from `me`; says whether the head or the stage changed.
    pub fn receive<P: OnChain<H>>(
        &mut self,
        from: NodeId,
        b: &Arc<Block<H>>,
        rule: Rule<'_, H>,
        cx: &mut Cx<'_, P>,
    ) -> bool {
        if !b.is_named_rightly(self.hashing) {
            cx.reject(from, "an id that is not the header's digest");
            return false;
        }
        if self.tree.get(b.id).is_some() || self.orphans.has(b.id) {
            return false;
        }
        if b.height() == 0 {
            cx.reject(from, "a second genesis");
            return false;
        }
        let was = (self.head, self.stage);
        let root = self.tree.root();
        if matches!(self.stage, Stage::Rooting(tip) if tip == b.tip()) {
            self.root_at(b, rule, cx);
        } else if root.height > 0 && b.id == root.block.parent() && root.height - 1 == b.height() {
            self.lower_root(b);
            self.connect(b.id, rule, cx);
            self.refetch(cx);
        } else if let Some(parent) = self.tree.get(b.parent()) {
            match self.admissible(parent, b, rule) {
                Ok(()) => {
                    self.tree.insert(b.parent(), b.clone());
                    self.connect(b.id, rule, cx);
                }
                Err(why) => cx.reject(from, why),
            }
        } else {
            self.wait_for_parent(from, b, cx);
        }
        self.settle(cx);
        was != (self.head, self.stage)
    }
    /// A peer says in what block its chain ends; the block itself says whether that is worth following.
    pub fn announced<P: OnChain<H>>(&self, from: NodeId, tip: Tip, cx: &mut Cx<'_, P>) {
        let known = self.tree.get(tip.block).is_some() || self.orphans.has(tip.block);
        if !known && tip.height >= self.height() && self.stage == Stage::Following {
            cx.push(Effect::Fetch { key: tip.block, hint: from });
        }
    }
    /// The ledger was copied from a peer and ends in `tip`.
    pub fn copied<P: OnChain<H>>(&mut self, tip: Tip, rule: Rule<'_, H>, cx: &mut Cx<'_, P>) {
        let hint = if let Stage::Syncing { hint, .. } = self.stage { hint } else { self.me };
        self.head = tip.block;
        if self.tree.get(tip.block).is_some() {
            self.stage = Stage::Following;
            self.refetch(cx);
            self.settle(cx);
            return;
        }
        self.stage = Stage::Rooting(tip);
        let waiting = self.orphans.get(tip.block).cloned();
        match waiting {
            Some(b) => {
                self.orphans.remove(tip.block);
                self.root_at(&b, rule, cx);
                self.settle(cx);
            }
            None => cx.push(Effect::Fetch { key: tip.block, hint }),
        }
    }
    fn sync<P: OnChain<H>>(&mut self, tip: Tip, hint: NodeId, cx: &mut Cx<'_, P>) {
        self.stage = Stage::Syncing { height: tip.height, hint };
        cx.push(Effect::Sync { tip, hint });
    }
    /// The ledger's tip has come: everything known grows from it.
    fn root_at<P: OnChain<H>>(&mut self, b: &Arc<Block<H>>, rule: Rule<'_, H>, cx: &mut Cx<'_, P>) {
        self.tree = BlockTree::new(b.height(), b.clone());
        self.stage = Stage::Following;
        self.head = b.id;
        self.log(b, cx);
        if b.height() == 1 {
            self.tree.lower_root(self.genesis.clone());
        }
        self.connect(b.id, rule, cx);
        self.refetch(cx);
    }
    fn lower_root(&mut self, b: &Arc<Block<H>>) {
        self.tree.lower_root(b.clone());
        if b.height() == 1 {
            self.tree.lower_root(self.genesis.clone());
        }
    }
    /// Inserts the orphans that descend from a block which is in the tree now.
    fn connect<P: OnChain<H>>(&mut self, from: Digest, rule: Rule<'_, H>, cx: &mut Cx<'_, P>) {
        let mut stack = vec![from];
        while let Some(id) = stack.pop() {
            for (sender, child) in self.orphans.take(id) {
                let Some(parent) = self.tree.get(id) else { continue };
                match self.admissible(parent, &child, rule) {
                    Ok(()) => {
                        self.tree.insert(id, child.clone());
                        stack.push(child.id);
                    }
                    Err(why) => cx.reject(sender, why),
                }
            }
        }
    }
    /// The protocol's rule, and that a heavier chain does not fork off deeper than is followed.
    fn admissible(&self, parent: &Node<Arc<Block<H>>>, b: &Block<H>, rule: Rule<'_, H>) -> Result<(), &'static str> {
        if b.height() != parent.height + 1 {
            return Err("a height that is not its parent's plus one");
        }
        rule(&self.tree, parent, &b.header)?;
        let best = self.tree.best();
        let Some(deepest) = self.limits.reorganise else { return Ok(()) };
        if b.total() > best.total() && parent.id() != best.id() {
            let fork = self.tree.fork(parent.id(), best.id());
            if best.height - fork > deepest {
                return Err("a fork deeper than the chain is reorganised");
            }
        }
        Ok(())
    }
    /// Keeps a block without a known parent, and asks for what is missing or for the whole ledger.
    fn wait_for_parent<P: OnChain<H>>(&mut self, from: NodeId, b: &Arc<Block<H>>, cx: &mut Cx<'_, P>) {
        let far = self.limits.far;
        match self.stage {
            Stage::Syncing { height, .. } if b.height() > height.saturating_add(far) => self.sync(b.tip(), from, cx),
            Stage::Rooting(tip) if b.height() > tip.height.saturating_add(far) => self.sync(b.tip(), from, cx),
            Stage::Following if b.height() > self.height() + far => self.sync(b.tip(), from, cx),
            _ => {}
        }
        let missing = self.orphans.add(b.id, b.parent(), b.height(), from, b.clone());
        if let Stage::Rooting(tip) = self.stage {
            // The host may have given up on it.
            cx.push(Effect::Fetch { key: tip.block, hint: from });
        }
        if self.stage != Stage::Following {
            return;
        }
        let (best, deepest) = (self.tree.best(), self.limits.reorganise.unwrap_or(self.limits.keep));
        if missing.height.saturating_add(deepest) < best.height {
            let heavier = b.total() > best.total();
            self.orphans.forget(missing.id);
            if self.limits.reorganise.is_some() {
                cx.reject(from, "a fork deeper than the chain is reorganised");
            } else if heavier {
                self.sync(b.tip(), from, cx);
            }
            return;
        }
        self.fetch(missing, from, cx);
    }
    fn fetch<P: OnChain<H>>(&self, missing: Missing, from: NodeId, cx: &mut Cx<'_, P>) {
        cx.push(Effect::Fetch { key: missing.id, hint: from });
        let root = self.tree.root();
        let below = root.block.parent();
        if missing.height < root.height && missing.id != below {
            cx.push(Effect::Fetch { key: below, hint: from });
        }
    }
    /// Asks again for whatever orphans still wait for, after the root has moved.
    fn refetch<P: OnChain<H>>(&mut self, cx: &mut Cx<'_, P>) {
        let deepest = self.limits.reorganise.unwrap_or(self.limits.keep);
        for (missing, from) in self.orphans.all_missing() {
            if missing.height.saturating_add(deepest) < self.height() {
                self.orphans.forget(missing.id);
            } else {
                self.fetch(missing, from, cx);
            }
        }
    }
}
