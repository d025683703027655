//! The tree against a plain one, which searches wherever the tree knows without.

use std::sync::Arc;

use super::super::message::{Block, genesis};
use super::super::tree::{KEPT, Place, Tree};
use super::rules::{block, child};
use crate::types::{Digest, Tip, View, mix64};

/// All blocks that there ever were, parents before children, and the committed tip.
#[derive(Default)]
struct Plain {
    all: Vec<Arc<Block>>,
    tip: Tip,
}

impl Plain {
    fn find(&self, id: Digest) -> Option<&Arc<Block>> {
        self.all.iter().find(|b| b.id == id)
    }
    /// A block and its ancestors above `tip`, lowest first; nothing where they do not lead there.
    fn path(&self, tip: Tip, top: &Arc<Block>) -> Vec<Digest> {
        let line: Vec<&Arc<Block>> =
            std::iter::successors(Some(top), |b| self.find(b.parent())).take_while(|b| b.height > tip.height).collect();
        let meets = line.last().is_some_and(|b| b.parent() == tip.block);
        if meets { line.iter().rev().map(|b| b.id).collect() } else { vec![] }
    }
    fn open(&self) -> Vec<Arc<Block>> {
        self.all.iter().filter(|b| !self.path(self.tip, b).is_empty()).cloned().collect()
    }
    /// The committed blocks that are kept for others.
    fn settled(&self) -> Vec<Arc<Block>> {
        std::iter::successors(self.find(self.tip.block), |b| self.find(b.parent()))
            .take_while(|b| b.height + KEPT > self.tip.height)
            .cloned()
            .collect()
    }
}

/// Both must hold the same blocks, and see the same rivals.
fn compare(tree: &Tree, plain: &Plain) {
    let (open, settled) = (plain.open(), plain.settled());
    let kept = |id: Digest| open.iter().chain(&settled).any(|b| b.id == id);
    assert_eq!(tree.committed(), plain.tip);
    for b in &plain.all {
        assert_eq!(tree.get(b.id).is_some(), kept(b.id), "a block of height {} at {:?}", b.height, plain.tip);
        let rivals = |x: &&Arc<Block>| x.view == b.view && x.id != b.id;
        assert_eq!(tree.rival(b), settled.iter().find(rivals).or_else(|| open.iter().find(rivals)));
        let below = tree.get(b.id).and_then(|b| tree.below(b)).map(|below| below.id);
        assert_eq!(below, Some(b.parent()).filter(|id| kept(b.id) && kept(*id)));
    }
}

/// Grows both at random, a branch in `forks` of a hundred blocks, and commits now and then.
fn grow(seed: u64, forks: u64) {
    let (mut tree, mut plain) = (Tree::new(Tip::default()), Plain::default());
    let mut draws = (0_u64..).map(|i| mix64(seed << 32 | i));
    let mut draw = |n: u64| draws.next().expect("it never ends") % n;
    for view in 1..=120 as View {
        let open = plain.open();
        let fork = draw(100) < forks;
        let pick = if fork { draw(open.len() as u64 + 1) as usize } else { open.len() };
        let below = pick.checked_sub(1).map(|i| open[i].clone()).or_else(|| plain.find(plain.tip.block).cloned());
        // Some branches begin in a view that is taken.
        let view = below.as_ref().map_or(0, |b| b.view).max(view - u64::from(fork)) + 1;
        let b = below.map_or_else(|| block(view, 1, genesis(), seed), |below| child(&below, view));
        let place = if plain.find(b.id).is_some() { Place::Known } else { Place::Linked };
        assert_eq!(tree.insert(&b), place);
        if place == Place::Linked {
            plain.all.push(b);
        }
        compare(&tree, &plain);
        let open = plain.open();
        if draw(3) == 0 && open.len() > 2 {
            let top = &open[draw(open.len() as u64 - 1) as usize];
            let path = plain.path(plain.tip, top);
            let mut dead = vec![];
            match tree.commit_next(top.id) {
                Some(b) => assert_eq!(path, [b.id]),
                None => {
                    tree.find_path(top.id);
                    assert_eq!(tree.path().map(|b| b.id).collect::<Vec<_>>(), path);
                    tree.commit(&mut |b| dead.push(b.id));
                }
            }
            plain.tip = Tip { height: top.height, block: top.id };
            let alive = plain.open();
            let gone = |b: &&Arc<Block>| !path.contains(&b.id) && !alive.iter().any(|a| a.id == b.id);
            assert_eq!(dead, open.iter().filter(gone).map(|b| b.id).collect::<Vec<_>>());
            compare(&tree, &plain);
        }
    }
}

#[test]
fn a_tree_holds_what_a_plain_one_does_with_branches_and_without() {
    for seed in 0..6 {
        grow(seed, 0);
        grow(seed, 5);
        grow(seed, 40);
    }
}
