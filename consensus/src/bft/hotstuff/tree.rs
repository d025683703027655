//! The blocks that a replica keeps: a window around the committed tip, and those whose parent is missing.
//!
//! Every block of the tree descends from the committed tip, or is one of its last ancestors, kept for others to
//! fetch. Blocks are a few, so they lie in a list, parents before children. Nearly always those above the tip are one
//! chain: then a block's height says where it lies, and the lowest becomes final without a look at the others.

use std::collections::VecDeque;
use std::sync::Arc;

use super::message::Block;
use crate::types::{Digest, Height, Tip, View};

/// Committed blocks that are kept for replicas which miss them.
pub const KEPT: Height = 16;
/// Most blocks above the committed tip, on all branches.
const MOST_OPEN: usize = 512;
/// Most blocks whose parent is missing.
const MOST_ORPHANS: usize = 64;

/// The tree.
#[derive(Debug)]
pub struct Tree {
    committed: Tip,
    blocks: VecDeque<Arc<Block>>,
    /// So many of them are committed: they come first, in their order.
    settled: usize,
    /// Places of the blocks on a path above the committed tip, lowest first.
    path: Vec<u32>,
    orphans: Vec<Arc<Block>>,
    /// No block of the tree is of a later view.
    newest: View,
}

/// Where a block went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// Into the tree.
    Linked,
    /// It was there.
    Known,
    /// Its parent is missing: it waits.
    Orphan,
    /// It is not above the committed tip.
    Old,
    /// Its height or view does not follow its parent's, or there is no room.
    Refused,
}

impl Tree {
    /// A tree of nothing but its root.
    pub fn new(committed: Tip) -> Tree {
        Tree { committed, blocks: VecDeque::new(), settled: 0, path: vec![], orphans: vec![], newest: 0 }
    }
    /// The highest committed block.
    pub fn committed(&self) -> Tip {
        self.committed
    }
    /// A block of the tree.
    #[inline]
    pub fn get(&self, id: Digest) -> Option<&Arc<Block>> {
        // It is nearly always the last.
        self.blocks.back().filter(|b| b.id == id).or_else(|| self.blocks.iter().rev().find(|b| b.id == id))
    }
    /// The block below one of the tree.
    #[inline]
    pub fn below(&self, b: &Block) -> Option<&Arc<Block>> {
        let id = b.parent();
        // Its place if the blocks above the committed tip are one chain.
        let place = (self.settled as u64 + b.height).wrapping_sub(self.committed.height + 2);
        match self.blocks.get(place as usize) {
            Some(below) if below.id == id => Some(below),
            _ => self.get(id),
        }
    }
    /// Height of a block that can be extended: one of the tree or the committed tip.
    pub fn height(&self, id: Digest) -> Option<Height> {
        if id == self.committed.block { Some(self.committed.height) } else { self.get(id).map(|b| b.height) }
    }
    /// Whether a block waits for its parent.
    pub fn is_orphan(&self, id: Digest) -> bool {
        self.orphans.iter().any(|o| o.id == id)
    }
    /// Blocks above the committed tip.
    fn open(&self) -> impl Iterator<Item = &Arc<Block>> {
        self.blocks.range(self.settled..)
    }
    /// A block proposed in the same view.
    #[inline]
    pub fn rival(&self, b: &Block) -> Option<&Arc<Block>> {
        if b.view > self.newest { None } else { self.search_rival(b) }
    }
    fn search_rival(&self, b: &Block) -> Option<&Arc<Block>> {
        let rivals = |x: &&Arc<Block>| x.view == b.view && x.id != b.id;
        // Views rise along the chain.
        let settled = self.blocks.range(..self.settled).rev().take_while(|x| x.view >= b.view).find(rivals);
        settled.or_else(|| self.open().find(rivals))
    }
    /// Whether a block above the committed tip must become final.
    pub fn is_open(&self) -> bool {
        self.open().any(|b| b.wants_commit())
    }
    /// Puts a block where it belongs.
    pub fn insert(&mut self, b: &Arc<Block>) -> Place {
        if b.height <= self.committed.height {
            return if self.get(b.id).is_some() { Place::Known } else { Place::Old };
        }
        if b.view <= self.newest && self.open().any(|x| x.id == b.id) {
            return Place::Known;
        }
        let certified = &b.justify.what;
        let (height, view) = match self.get(certified.value) {
            Some(below) => (below.height, below.view),
            None if certified.value == self.committed.block => (self.committed.height, certified.major),
            None => return self.keep_orphan(b),
        };
        let fits = b.height == height + 1 && height >= self.committed.height && view == certified.major;
        if !fits || self.blocks.len() >= MOST_OPEN {
            return Place::Refused;
        }
        self.newest = self.newest.max(b.view);
        self.blocks.push_back(b.clone());
        Place::Linked
    }
    fn keep_orphan(&mut self, b: &Arc<Block>) -> Place {
        if self.is_orphan(b.id) {
            return Place::Orphan;
        }
        if self.orphans.len() >= MOST_ORPHANS {
            // The lowest is the first that a state transfer makes superfluous.
            let lowest = (0..self.orphans.len()).min_by_key(|i| self.orphans[*i].height);
            self.orphans.swap_remove(lowest.unwrap_or(0));
        }
        self.orphans.push(b.clone());
        Place::Orphan
    }
    /// Takes out an orphan whose parent has come; forgets those that are too old.
    pub fn adoptable(&mut self) -> Option<Arc<Block>> {
        let floor = self.committed.height;
        self.orphans.retain(|o| o.height > floor);
        let i = self.orphans.iter().position(|o| self.height(o.parent()).is_some())?;
        Some(self.orphans.swap_remove(i))
    }
    /// Parents that are nowhere.
    pub fn missing(&self) -> impl Iterator<Item = Digest> + '_ {
        let absent = |id: &Digest| self.height(*id).is_none() && !self.is_orphan(*id);
        self.orphans.iter().map(|o| o.parent()).filter(absent)
    }
    /// The highest block that is final by the commit rule as the orphans show it. It need not be there itself: its
    /// child says what it is, and a quorum has voted for the child.
    pub fn final_below_orphans(&self) -> Option<Tip> {
        let find = |id: Digest| self.orphans.iter().find(|o| o.id == id);
        let final_below = |top: &Arc<Block>| {
            let two = find(top.parent())?;
            let one = find(two.parent())?;
            (two.follows() && one.follows()).then(|| Tip { height: one.height - 1, block: one.parent() })
        };
        self.orphans.iter().filter_map(final_below).max_by_key(|t| t.height)
    }
    /// Whether a block waits for its parent.
    pub fn has_gap(&self) -> bool {
        !self.orphans.is_empty()
    }
    /// Makes the block right above the committed tip that tip, if it is `id` and the blocks above it are one chain: then
    /// none dies, and what [`Tree::find_path`] and [`Tree::commit`] do needs no search.
    #[inline]
    pub fn commit_next(&mut self, id: Digest) -> Option<&Arc<Block>> {
        let next = self.blocks.get(self.settled).filter(|b| b.id == id)?;
        let open = (self.blocks.len() - self.settled) as Height;
        // The last block's ancestors are all there, so if it is as far up as there are blocks, there are no others.
        if self.blocks.back()?.height != self.committed.height + open {
            return None;
        }
        self.committed = Tip { height: next.height, block: id };
        self.settled += 1;
        self.forget_old();
        self.blocks.get(self.settled - 1)
    }
    /// Finds the blocks above the committed tip up to and including `id`.
    pub fn find_path(&mut self, id: Digest) {
        self.path.clear();
        let mut next = id;
        while let Some(place) = (self.settled..self.blocks.len()).find(|i| self.blocks[*i].id == next) {
            self.path.push(place as u32);
            next = self.blocks[place].parent();
        }
        self.path.reverse();
    }
    /// The blocks that were found last, lowest first.
    pub fn path(&self) -> impl Iterator<Item = &Arc<Block>> {
        self.path.iter().map(|i| &self.blocks[*i as usize])
    }
    /// Makes the end of the path that was found last the committed tip; shows the blocks on branches that died.
    pub fn commit(&mut self, dead: &mut dyn FnMut(&Block)) {
        let Some(top) = self.path().last() else { return };
        self.committed = Tip { height: top.height, block: top.id };
        let path = std::mem::take(&mut self.path);
        let mut kept = vec![];
        let open = self.blocks.split_off(self.settled);
        for (i, b) in (self.settled as u32..).zip(open) {
            if self.goes_on(&kept, &b) {
                kept.push(b);
            } else if path.contains(&i) {
                self.blocks.push_back(b);
            } else {
                dead(&b);
            }
        }
        self.settled = self.blocks.len();
        self.blocks.extend(kept);
        self.forget_old();
    }
    /// Whether a block is above the committed tip, on it or on one of those `kept`.
    fn goes_on(&self, kept: &[Arc<Block>], b: &Block) -> bool {
        let (tip, parent) = (self.committed, b.parent());
        b.height > tip.height && (parent == tip.block || kept.iter().any(|k| k.id == parent))
    }
    #[inline]
    fn forget_old(&mut self) {
        while self.blocks.front().is_some_and(|b| b.height + KEPT <= self.committed.height) {
            self.blocks.pop_front();
            self.settled -= 1;
        }
    }
    /// The ledger was brought up to `tip` from outside: what is not above it goes. Shows the blocks that are not known
    /// to be in the ledger; where the blocks right below `tip` are missing, that can be some which are.
    pub fn reset(&mut self, tip: Tip, dead: &mut dyn FnMut(&Block)) {
        let before = self.committed.height;
        let find = |id: Digest| self.get(id).or_else(|| self.orphans.iter().find(|o| o.id == id));
        let copied: Vec<Digest> = std::iter::successors(find(tip.block), |b| find(b.parent()))
            .take_while(|b| b.height > before)
            .map(|b| b.id)
            .collect();
        self.committed = tip;
        let mut kept = vec![];
        for b in std::mem::take(&mut self.blocks) {
            if self.goes_on(&kept, &b) {
                kept.push(b);
            } else if b.height > before && !copied.contains(&b.id) {
                dead(&b);
            }
        }
        self.blocks = kept.into();
        self.settled = 0;
    }
}
