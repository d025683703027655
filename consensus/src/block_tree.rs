//! Blocks above a pruned root, as chain protocols with forks keep them.
//!
//! Nodes lie in a slab and are found by digest, through their places in the digests' order; path operations cost what
//! they walk, which is the length of the reorganisation. There are as many trees as replicas and most hold few blocks,
//! so they grow by small steps. The best tip is the one with the most total weight; of equal ones the first inserted
//! stays. Blocks whose parent is unknown wait in [`Orphans`].

mod orphans;

pub use orphans::{Missing, Orphans};

use crate::types::{Digest, Height};

const NONE: u32 = u32::MAX;

/// What the tree asks of a block.
pub trait Weighed {
    /// Its id.
    fn id(&self) -> Digest;
    /// Weight of the chain from genesis up to it.
    fn total(&self) -> u128;
}

/// A block in the tree.
#[derive(Clone, Debug)]
pub struct Node<B> {
    /// Its height.
    pub height: Height,
    /// The block.
    pub block: B,
    parent: u32,
    child: u32,
    sibling: u32,
}

impl<B: Weighed> Node<B> {
    /// The block's id.
    pub fn id(&self) -> Digest {
        self.block.id()
    }
    /// Weight of the chain from genesis up to it.
    pub fn total(&self) -> u128 {
        self.block.total()
    }
}

/// The tree.
#[derive(Clone, Debug)]
pub struct BlockTree<B> {
    slab: Vec<Option<Node<B>>>,
    free: Vec<u32>,
    /// Places of all nodes, by their digests.
    order: Vec<u32>,
    root: u32,
    best: u32,
}

impl<B: Weighed> BlockTree<B> {
    /// A tree of its root alone.
    pub fn new(height: Height, block: B) -> BlockTree<B> {
        let root = Node { height, block, parent: NONE, child: NONE, sibling: NONE };
        BlockTree { slab: vec![Some(root)], free: vec![], order: vec![0], root: 0, best: 0 }
    }
    /// Number of blocks, the root included.
    pub fn len(&self) -> usize {
        self.order.len()
    }
    /// Whether there are none: never.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }
    /// The lowest block.
    pub fn root(&self) -> &Node<B> {
        self.at(self.root)
    }
    /// The heaviest tip, of equal ones the first inserted.
    pub fn best(&self) -> &Node<B> {
        self.at(self.best)
    }
    /// A block.
    pub fn get(&self, id: Digest) -> Option<&Node<B>> {
        self.index(id).map(|i| self.at(i))
    }
    /// The block below; `None` for the root.
    pub fn parent(&self, node: &Node<B>) -> Option<&Node<B>> {
        (node.parent != NONE).then(|| self.at(node.parent))
    }
    /// A block, its parent, and so on down to the root.
    pub fn down_from<'a>(&'a self, node: &'a Node<B>) -> impl Iterator<Item = &'a Node<B>> {
        std::iter::successors(Some(node), |n| self.parent(n))
    }
    /// Height of the highest common ancestor.
    ///
    /// # Panics
    /// If one of the two is not in the tree.
    pub fn fork(&self, a: Digest, b: Digest) -> Height {
        let (mut a, mut b) = (self.known(a), self.known(b));
        while a != b {
            let (x, y) = (self.at(a), self.at(b));
            if x.height >= y.height {
                a = x.parent;
            } else {
                b = y.parent;
            }
        }
        self.at(a).height
    }
    /// The blocks above `height` up to and including `tip`, in rising order.
    ///
    /// # Panics
    /// If the tip is not in the tree.
    pub fn branch(&self, height: Height, tip: Digest) -> Vec<&Node<B>> {
        let mut up: Vec<&Node<B>> =
            self.down_from(self.at(self.known(tip))).take_while(|n| n.height > height).collect();
        up.reverse();
        up
    }
    /// Puts a block on top of `parent`; says whether it is the best tip now. A block that is there stays as it is.
    ///
    /// # Panics
    /// If the parent is not in the tree.
    pub fn insert(&mut self, parent: Digest, block: B) -> bool {
        let (below, total) = (self.known(parent), block.total());
        let Err(place) = self.find(block.id()) else { return false };
        let (height, sibling) = (self.at(below).height + 1, self.at(below).child);
        let i = self.place(place, Node { height, block, parent: below, child: NONE, sibling });
        self.at_mut(below).child = i;
        let heavier = total > self.best().total();
        if heavier {
            self.best = i;
        }
        heavier
    }
    /// Extends the tree downwards: the root's parent becomes the root.
    ///
    /// # Panics
    /// If the root is genesis.
    pub fn lower_root(&mut self, block: B) {
        let (old, height) = (self.root, self.root().height);
        assert!(height > 0, "nothing is below genesis");
        let place = self.find(block.id()).unwrap_or_else(|place| place);
        let i = self.place(place, Node { height: height - 1, block, parent: NONE, child: old, sibling: NONE });
        self.at_mut(old).parent = i;
        self.root = i;
    }
    /// Removes everything that does not descend from the best tip's ancestor at `height`, which becomes the root.
    /// Heights not above the root or above the best tip change nothing.
    pub fn prune(&mut self, height: Height) {
        if height <= self.root().height || height > self.best().height {
            return;
        }
        let mut spine = self.best;
        while self.at(spine).height > height {
            spine = self.at(spine).parent;
        }
        let mut below = self.at(spine).parent;
        let (mut kept, mut doomed) = (spine, vec![]);
        while below != NONE {
            let mut child = self.at(below).child;
            while child != NONE {
                if child != kept {
                    doomed.push(child);
                }
                child = self.at(child).sibling;
            }
            (kept, below) = (below, self.at(below).parent);
        }
        // What hangs beside the spine first, then the spine below the new root.
        doomed.drain(..).for_each(|top| self.remove_subtree(top));
        let mut below = self.at(spine).parent;
        while below != NONE {
            let next = self.at(below).parent;
            self.remove(below);
            below = next;
        }
        let root = self.at_mut(spine);
        (root.parent, root.sibling) = (NONE, NONE);
        self.root = spine;
    }
    fn remove_subtree(&mut self, top: u32) {
        let mut stack = vec![top];
        while let Some(i) = stack.pop() {
            let mut child = self.at(i).child;
            while child != NONE {
                stack.push(child);
                child = self.at(child).sibling;
            }
            self.remove(i);
        }
    }
    fn remove(&mut self, i: u32) {
        let node = self.slab[i as usize].take().expect("a linked node is in the slab");
        let id = |j: &u32| if *j == i { node.id() } else { self.at(*j).id() };
        let gone = self.order.binary_search_by_key(&node.id(), id);
        self.order.remove(gone.expect("a node of the slab is in the order"));
        self.free.push(i);
    }
    /// Keeps a node that comes at this place in the order.
    fn place(&mut self, at: usize, node: Node<B>) -> u32 {
        let i = self.free.pop().unwrap_or(self.slab.len() as u32);
        reserve_little(&mut self.order);
        self.order.insert(at, i);
        if i as usize == self.slab.len() {
            reserve_little(&mut self.slab);
            self.slab.push(Some(node));
        } else {
            self.slab[i as usize] = Some(node);
        }
        i
    }
    fn known(&self, id: Digest) -> u32 {
        self.index(id).unwrap_or_else(|| panic!("block {id:?} is not in the tree"))
    }
    /// Where a block is in the slab. Most questions are about the best tip and the block below it.
    fn index(&self, id: Digest) -> Option<u32> {
        let best = self.best();
        match () {
            () if best.id() == id => Some(self.best),
            () if best.parent != NONE && self.at(best.parent).id() == id => Some(best.parent),
            () => self.find(id).ok().map(|i| self.order[i]),
        }
    }
    /// Where a digest is in the order, or would be.
    fn find(&self, id: Digest) -> Result<usize, usize> {
        let packed = |id: Digest| u128::from(id.0[0]) << 64 | u128::from(id.0[1]);
        self.order.binary_search_by_key(&packed(id), |i| packed(self.at(*i).id()))
    }
    fn at(&self, i: u32) -> &Node<B> {
        self.slab[i as usize].as_ref().expect("a linked node is in the slab")
    }
    fn at_mut(&mut self, i: u32) -> &mut Node<B> {
        self.slab[i as usize].as_mut().expect("a linked node is in the slab")
    }
}

/// Makes room for one more: a quarter more than there is, where a vector takes twice as much.
fn reserve_little<T>(list: &mut Vec<T>) {
    if list.len() == list.capacity() {
        list.reserve_exact(1 + list.len() / 4);
    }
}

#[cfg(test)]
mod tests;
