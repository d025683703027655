//! The blocks that a replica keeps: a window around the committed tip, and those whose parent is missing.
//!
//! Every block of the tree descends from the committed tip, or is one of its last ancestors, kept for others to
//! fetch. Blocks are a few, so they lie in a list, parents before children.

use std::sync::Arc;

use super::message::Block;
use crate::types::{Digest, Height, Tip};

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
    blocks: Vec<Arc<Block>>,
    /// So many of them are committed: they come first, in their order.
    settled: usize,
    /// Places of the blocks on a path above the committed tip, lowest first.
    path: Vec<u32>,
    orphans: Vec<Arc<Block>>,
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
        Tree { committed, blocks: vec![], settled: 0, path: vec![], orphans: vec![] }
    }
    /// The highest committed block.
    pub fn committed(&self) -> Tip {
        self.committed
    }
    /// A block of the tree.
    pub fn get(&self, id: Digest) -> Option<&Arc<Block>> {
        self.blocks.iter().rev().find(|b| b.id == id)
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
    fn open(&self) -> &[Arc<Block>] {
        &self.blocks[self.settled..]
    }
    /// A block proposed in the same view.
    pub fn rival(&self, b: &Block) -> Option<&Arc<Block>> {
        let rivals = |x: &&Arc<Block>| x.view == b.view && x.id != b.id;
        // Views rise along the chain.
        let settled = self.blocks[..self.settled].iter().rev().take_while(|x| x.view >= b.view).find(rivals);
        settled.or_else(|| self.open().iter().find(rivals))
    }
    /// Whether a block above the committed tip must become final.
    pub fn is_open(&self) -> bool {
        self.open().iter().any(|b| b.wants_commit())
    }
    /// Puts a block where it belongs.
    pub fn insert(&mut self, b: &Arc<Block>) -> Place {
        let known = |blocks: &[Arc<Block>]| blocks.iter().any(|x| x.id == b.id);
        if b.height <= self.committed.height {
            return if known(&self.blocks) { Place::Known } else { Place::Old };
        }
        if known(self.open()) {
            return Place::Known;
        }
        let Some(below) = self.height(b.parent()) else {
            return self.keep_orphan(b);
        };
        let view = self.get(b.parent()).map_or(b.justify.what.major, |p| p.view);
        let fits = b.height == below + 1 && below >= self.committed.height && view == b.justify.what.major;
        if !fits || self.blocks.len() >= MOST_OPEN {
            return Place::Refused;
        }
        self.blocks.push(b.clone());
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
    /// Finds the blocks above the committed tip up to and including `id`.
    pub fn find_path(&mut self, id: Digest) {
        self.path.clear();
        let mut next = id;
        while let Some(i) = self.open().iter().rposition(|b| b.id == next) {
            self.path.push((self.settled + i) as u32);
            next = self.open()[i].parent();
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
        let Tip { height, block } = self.committed;
        // Parents come before their children, so those that are kept stand before `kept`.
        let mut kept = self.settled;
        for i in self.settled..self.blocks.len() {
            let b = &self.blocks[i];
            let alive = if b.height > height {
                let child = |k: &Arc<Block>| k.height > height && k.id == b.parent();
                b.parent() == block || self.blocks[self.settled..kept].iter().any(child)
            } else {
                self.path.contains(&(i as u32))
            };
            if alive {
                self.blocks.swap(kept, i);
                kept += 1;
            } else {
                dead(b);
            }
        }
        self.blocks.truncate(kept);
        let settled = self.settled + self.path.len();
        self.path.clear();
        let old = self.blocks[..settled].iter().take_while(|b| b.height + KEPT <= height).count();
        self.blocks.drain(..old);
        self.settled = settled - old;
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
        let mut kept: Vec<Arc<Block>> = vec![];
        for b in self.blocks.drain(..) {
            if b.height > tip.height && (b.parent() == tip.block || kept.iter().any(|k| k.id == b.parent())) {
                kept.push(b);
            } else if b.height > before && !copied.contains(&b.id) {
                dead(&b);
            }
        }
        self.blocks = kept;
        self.settled = 0;
    }
}
