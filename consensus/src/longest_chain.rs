//! What chain protocols with a longest-chain rule share: tree, orphans, fetches, catching up, the adopted chain.
//!
//! A protocol brings its block type and its validity rule; this engine keeps the tree, asks for what is missing and
//! emits `Revert`, `Adopt`, `Log` and the relay. Headers carry the weight of their chain, so that the tree can be
//! rooted at any block: after a restart at the ledger's tip, after a state transfer at the tip that was copied. Where
//! a fork starts below the root, the root is lowered block by block until the branches meet.
//!
//! Adopted blocks are logged, synced, so that a restarted node knows what lies below the ledger's tip; the log grows
//! by a header for each block. Heights and weights of blocks without a known parent are taken on trust until their
//! ancestors are there: an adversary that invents them can make a node ask for ledgers that nobody has.
//!
//! A node that is more than `far` blocks behind copies a peer's ledger (`Sync`) instead of fetching each block, and
//! does not take part until its tree is rooted at the copied tip.

use std::sync::Arc;

use crate::block_tree::{BlockTree, Missing, Node, Orphans};
use crate::effect::{Cx, Effect};
use crate::message::PayloadRef;
use crate::protocol::Protocol;
use crate::types::{Digest, Height, NodeId, Tip, Topic, ValidatorId};

/// The topic on which blocks are gossiped.
pub const BLOCKS: Topic = Topic(0);

/// Most blocks of a reorganisation that are relayed, the highest ones: Bitcoin Core's `MAX_BLOCKS_TO_ANNOUNCE`.
const RELAYED: usize = 8;

/// A block as the engine sees it.
pub trait ChainBlock {
    /// Bytes of a header on disk.
    const HEADER_BYTES: u32;
    /// Its id.
    fn id(&self) -> Digest;
    /// Its parent.
    fn parent(&self) -> Digest;
    /// Its height; genesis has 0.
    fn height(&self) -> Height;
    /// Weight of the chain up to it.
    fn total(&self) -> u128;
    /// Who made it.
    fn author(&self) -> ValidatorId;
    /// What it orders.
    fn payloads(&self) -> &[PayloadRef];
    /// The tip of the chain that ends in it.
    fn tip(&self) -> Tip {
        Tip { height: self.height(), block: self.id() }
    }
}

/// Bounds of the engine, in blocks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Kept below the best tip at least; twice as many at most.
    pub keep: u64,
    /// The deepest reorganisation that is followed; `None` follows any, by state transfer beyond `keep`.
    pub reorganise: Option<u64>,
    /// A gap above this is closed by state transfer.
    pub far: u64,
}

/// The tree of blocks, as its nodes are.
pub type Tree<B> = BlockTree<Arc<B>>;

/// A protocol's rule: whether a block may stand on its parent.
pub type Rule<'a, B> = &'a dyn Fn(&Tree<B>, &Node<Arc<B>>, &B) -> Result<(), &'static str>;

/// Whether the replica's tree and its ledger agree.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    /// The ledger ends in `head`.
    Following,
    /// The ledger is being copied from a peer that had this height or more.
    Syncing { height: Height, hint: NodeId },
    /// The ledger ends in a block that is not in the tree: it is fetched.
    Rooting(Tip),
}

/// The engine.
#[derive(Debug)]
pub struct LongestChain<B> {
    tree: Tree<B>,
    orphans: Orphans<Arc<B>>,
    genesis: Arc<B>,
    head: Digest,
    stage: Stage,
    limits: Limits,
    me: NodeId,
    nodes: u32,
    key: Option<ValidatorId>,
}

impl<B: ChainBlock> LongestChain<B> {
    /// The engine at the ledger's tip, with the logged blocks from which its tree is built as deep as it is kept.
    pub fn open(
        env: &crate::protocol::Env,
        genesis: B,
        limits: Limits,
        log: &[Arc<B>],
        adopted: Tip,
    ) -> LongestChain<B> {
        let genesis = Arc::new(genesis);
        let mut spine = vec![];
        let mut at = adopted.block;
        for b in log.iter().rev() {
            if b.id() == at && spine.len() as u64 <= limits.keep {
                at = b.parent();
                spine.push(b.clone());
            }
        }
        let lowest = if at == genesis.id() { Some(genesis.clone()) } else { spine.pop() };
        let root = lowest.clone().unwrap_or_else(|| genesis.clone());
        let mut tree = BlockTree::new(root.id(), root.height(), root.total(), root);
        for b in spine.into_iter().rev() {
            tree.insert(b.parent(), b.id(), b.total(), b);
        }
        LongestChain {
            head: adopted.block,
            stage: if lowest.is_some() { Stage::Following } else { Stage::Rooting(adopted) },
            orphans: Orphans::new(2 * limits.far as usize + 64),
            tree,
            genesis,
            limits,
            me: env.me,
            nodes: env.nodes,
            key: env.key,
        }
    }
    /// The block in which the ledger ends, if the replica takes part.
    pub fn head(&self) -> Option<&Node<Arc<B>>> {
        if self.stage == Stage::Following { self.tree.get(self.head) } else { None }
    }
    /// The tree.
    pub fn tree(&self) -> &Tree<B> {
        &self.tree
    }
    /// Height of the best block that is known with all its ancestors above the root.
    pub fn height(&self) -> Height {
        self.tree.best().height
    }
    /// The block with this id, to be served.
    pub fn serve(&self, key: Digest) -> Option<Arc<B>> {
        self.tree.get(key).filter(|n| n.height > 0).map(|n| n.block.clone())
    }
}

impl<B: ChainBlock> LongestChain<B> {
    /// Subscribes, and asks for the ledger's tip where the log has lost it.
    pub fn start<P>(&mut self, cx: &mut Cx<'_, P>)
    where
        P: Protocol<Record = Arc<B>>,
        P::Message: From<Arc<B>>,
    {
        cx.push(Effect::Subscribe(BLOCKS));
        if let Stage::Rooting(tip) = self.stage {
            cx.push(Effect::Fetch { key: tip.block, hint: NodeId((self.me.0 + 1) % self.nodes) });
        }
    }
    /// Takes a block from a peer, or an own one from `me`; says whether the head or the stage changed.
    pub fn receive<P>(&mut self, from: NodeId, b: &Arc<B>, rule: Rule<'_, B>, cx: &mut Cx<'_, P>) -> bool
    where
        P: Protocol<Record = Arc<B>>,
        P::Message: From<Arc<B>>,
    {
        if self.tree.get(b.id()).is_some() || self.orphans.has(b.id()) {
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
        } else if root.height > 0 && b.id() == root.block.parent() && root.height - 1 == b.height() {
            self.lower_root(b);
            self.connect(b.id(), rule, cx);
            self.refetch(cx);
        } else if let Some(parent) = self.tree.get(b.parent()) {
            match self.admissible(parent, b, rule) {
                Ok(()) => {
                    self.tree.insert(b.parent(), b.id(), b.total(), b.clone());
                    self.connect(b.id(), rule, cx);
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
    pub fn announced<P: Protocol>(&self, from: NodeId, tip: Tip, cx: &mut Cx<'_, P>) {
        let known = self.tree.get(tip.block).is_some() || self.orphans.has(tip.block);
        if !known && tip.height >= self.height() && self.stage == Stage::Following {
            cx.push(Effect::Fetch { key: tip.block, hint: from });
        }
    }
    /// The ledger was copied from a peer and ends in `tip`.
    pub fn copied<P>(&mut self, tip: Tip, rule: Rule<'_, B>, cx: &mut Cx<'_, P>)
    where
        P: Protocol<Record = Arc<B>>,
        P::Message: From<Arc<B>>,
    {
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
    fn sync<P: Protocol>(&mut self, tip: Tip, hint: NodeId, cx: &mut Cx<'_, P>) {
        self.stage = Stage::Syncing { height: tip.height, hint };
        cx.push(Effect::Sync { tip, hint });
    }
    /// The ledger's tip has come: everything known grows from it.
    fn root_at<P>(&mut self, b: &Arc<B>, rule: Rule<'_, B>, cx: &mut Cx<'_, P>)
    where
        P: Protocol<Record = Arc<B>>,
    {
        self.tree = BlockTree::new(b.id(), b.height(), b.total(), b.clone());
        self.stage = Stage::Following;
        self.head = b.id();
        cx.log(b.clone());
        if b.height() == 1 {
            self.tree.lower_root(self.genesis.id(), 0, self.genesis.clone());
        }
        self.connect(b.id(), rule, cx);
        self.refetch(cx);
    }
    fn lower_root(&mut self, b: &Arc<B>) {
        self.tree.lower_root(b.id(), b.total(), b.clone());
        if b.height() == 1 {
            self.tree.lower_root(self.genesis.id(), 0, self.genesis.clone());
        }
    }
    /// Inserts the orphans that descend from a block which is in the tree now.
    fn connect<P>(&mut self, from: Digest, rule: Rule<'_, B>, cx: &mut Cx<'_, P>)
    where
        P: Protocol<Record = Arc<B>>,
    {
        let mut stack = vec![from];
        while let Some(id) = stack.pop() {
            for (sender, child) in self.orphans.take(id) {
                let Some(parent) = self.tree.get(id) else { continue };
                match self.admissible(parent, &child, rule) {
                    Ok(()) => {
                        self.tree.insert(id, child.id(), child.total(), child.clone());
                        stack.push(child.id());
                    }
                    Err(why) => cx.reject(sender, why),
                }
            }
        }
    }
    /// The protocol's rule, and that a heavier chain does not fork off deeper than is followed.
    fn admissible(&self, parent: &Node<Arc<B>>, b: &B, rule: Rule<'_, B>) -> Result<(), &'static str> {
        if b.height() != parent.height + 1 {
            return Err("a height that is not its parent's plus one");
        }
        rule(&self.tree, parent, b)?;
        let best = self.tree.best();
        let Some(deepest) = self.limits.reorganise else { return Ok(()) };
        if b.total() > best.total && parent.id != best.id {
            let fork = self.tree.fork(parent.id, best.id);
            if best.height - fork > deepest {
                return Err("a fork deeper than the chain is reorganised");
            }
        }
        Ok(())
    }
    /// Keeps a block without a known parent, and asks for what is missing or for the whole ledger.
    fn wait_for_parent<P>(&mut self, from: NodeId, b: &Arc<B>, cx: &mut Cx<'_, P>)
    where
        P: Protocol<Record = Arc<B>>,
    {
        let far = self.limits.far;
        match self.stage {
            Stage::Syncing { height, .. } if b.height() > height.saturating_add(far) => self.sync(b.tip(), from, cx),
            Stage::Rooting(tip) if b.height() > tip.height.saturating_add(far) => self.sync(b.tip(), from, cx),
            Stage::Following if b.height() > self.height() + far => self.sync(b.tip(), from, cx),
            _ => {}
        }
        let missing = self.orphans.add(b.id(), b.parent(), b.height(), from, b.clone());
        if let Stage::Rooting(tip) = self.stage {
            // The host may have given up on it.
            cx.push(Effect::Fetch { key: tip.block, hint: from });
        }
        if self.stage != Stage::Following {
            return;
        }
        let (best, deepest) = (self.tree.best(), self.limits.reorganise.unwrap_or(self.limits.keep));
        if missing.height.saturating_add(deepest) < best.height {
            let heavier = b.total() > best.total;
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
    fn fetch<P: Protocol>(&self, missing: Missing, from: NodeId, cx: &mut Cx<'_, P>) {
        cx.push(Effect::Fetch { key: missing.id, hint: from });
        let root = self.tree.root();
        let below = root.block.parent();
        if missing.height < root.height && missing.id != below {
            cx.push(Effect::Fetch { key: below, hint: from });
        }
    }
    /// Asks again for whatever orphans still wait for, after the root has moved.
    fn refetch<P: Protocol>(&mut self, cx: &mut Cx<'_, P>) {
        let deepest = self.limits.reorganise.unwrap_or(self.limits.keep);
        for (missing, from) in self.orphans.all_missing() {
            if missing.height.saturating_add(deepest) < self.height() {
                self.orphans.forget(missing.id);
            } else {
                self.fetch(missing, from, cx);
            }
        }
    }
    /// Brings the ledger to the best tip: one `Revert` to the fork, then an `Adopt` for each block above it.
    fn settle<P>(&mut self, cx: &mut Cx<'_, P>)
    where
        P: Protocol<Record = Arc<B>>,
        P::Message: From<Arc<B>>,
    {
        if self.stage != Stage::Following {
            return self.shed(cx);
        }
        let best = self.tree.best();
        if best.id == self.head {
            return;
        }
        let fork = self.tree.fork(self.head, best.id);
        if self.tree.get(self.head).is_some_and(|h| h.height > fork) {
            cx.push(Effect::Revert { height: fork });
        }
        let adopted = self.tree.branch(fork, best.id);
        for n in &adopted {
            if Some(n.block.author()) != self.key {
                cx.log(n.block.clone());
            }
            cx.adopt(n.block.tip(), n.block.parent(), n.block.payloads(), B::HEADER_BYTES);
        }
        for n in &adopted[adopted.len().saturating_sub(RELAYED)..] {
            // The author of a block has gossiped it when it made it.
            if Some(n.block.author()) != self.key {
                cx.gossip(BLOCKS, P::Message::from(n.block.clone()));
            }
        }
        self.head = best.id;
        self.shed(cx);
    }
    fn shed<P: Protocol>(&mut self, cx: &mut Cx<'_, P>) {
        let (lowest, keep) = (self.tree.root().height, self.limits.keep);
        if self.height() - lowest > 2 * keep {
            self.tree.prune(self.height() - keep);
            cx.push(Effect::Prune { below: self.tree.root().height });
        }
    }
}
