//! The tree's operations against a plain list of parents, and the bounds of the orphans.

use super::orphans::Missing;
use super::{BlockTree, Orphans, Weighed};
use crate::types::{Digest, NodeId, mix64};

fn d(i: u64) -> Digest {
    Digest([i, 0])
}

/// A block: its number and the weight of its chain.
#[derive(Clone, Copy)]
struct B(u64, u128);

impl Weighed for B {
    fn id(&self) -> Digest {
        d(self.0)
    }
    fn total(&self) -> u128 {
        self.1
    }
}

fn tree() -> BlockTree<B> {
    // 0 - 1 - 2 - 3
    //      \- 4 - 5 - 6
    let mut t = BlockTree::new(0, B(0, 0));
    for (parent, id, total) in [(0, 1, 1), (1, 2, 2), (2, 3, 3), (1, 4, 2), (4, 5, 3), (5, 6, 4)] {
        t.insert(d(parent), B(id, total));
    }
    t
}

#[test]
fn the_heaviest_tip_wins_and_of_equal_ones_the_first() {
    let mut t = BlockTree::new(0, B(0, 0));
    assert!(t.insert(d(0), B(1, 5)));
    assert!(!t.insert(d(0), B(2, 5)), "an equal weight came second");
    assert_eq!(t.best().id(), d(1));
    assert!(!t.insert(d(2), B(1, 9)), "a known block stays where it is");
    assert!(t.insert(d(2), B(3, 6)));
    assert_eq!((t.best().id(), t.best().height, t.len()), (d(3), 2, 4));
}

#[test]
fn forks_and_branches_are_those_of_the_drawing() {
    let t = tree();
    assert_eq!(t.fork(d(3), d(6)), 1);
    assert_eq!(t.fork(d(6), d(3)), 1);
    assert_eq!(t.fork(d(5), d(6)), 3);
    assert_eq!(t.fork(d(0), d(6)), 0);
    let ids: Vec<u64> = t.branch(1, d(6)).iter().map(|n| n.block.0).collect();
    assert_eq!(ids, [4, 5, 6]);
    assert!(t.branch(4, d(6)).is_empty());
}

#[test]
fn pruning_keeps_what_descends_from_the_best_tips_ancestor() {
    let mut t = tree();
    t.insert(d(5), B(7, 4));
    t.prune(2);
    let kept: Vec<bool> = (0..8).map(|i| t.get(d(i)).is_some()).collect();
    assert_eq!(kept, [false, false, false, false, true, true, true, true]);
    assert_eq!((t.root().id(), t.best().id(), t.len()), (d(4), d(6), 4));
    assert!(t.parent(t.root()).is_none());
    t.lower_root(B(1, 1));
    assert_eq!((t.root().id(), t.root().height, t.fork(d(1), d(6))), (d(1), 1, 1));
    t.insert(d(1), B(2, 2));
    assert_eq!(t.fork(d(2), d(6)), 1);
    t.prune(100);
    assert_eq!(t.len(), 6, "a height above the best tip prunes nothing");
}

#[test]
fn a_random_tree_agrees_with_a_list_of_parents_while_slots_are_reused() {
    let mut t = BlockTree::new(0, B(1, 0));
    let mut parent = vec![0_u64, 0];
    for id in 2..2_000_u64 {
        let lowest = t.root().height;
        let below = (1..id).rev().step_by(1 + (mix64(id) % 3) as usize).find(|p| t.get(d(*p)).is_some());
        let below = below.expect("the tree is never empty");
        parent.push(below);
        let height = t.get(d(below)).map_or(0, |n| n.height) + 1;
        t.insert(d(below), B(id, u128::from(height)));
        let best = t.best();
        let mut walked = vec![];
        let mut x = best.block.0;
        while walked.len() as u64 <= best.height - lowest {
            walked.push(x);
            x = parent[x as usize];
        }
        assert_eq!(t.down_from(best).map(|n| n.block.0).collect::<Vec<_>>(), walked);
        if best.height > lowest + 40 {
            t.prune(t.best().height - 20);
            assert_eq!(t.root().height, t.best().height - 20);
        }
    }
    assert!(t.root().height > 100 && t.slab.len() < 400, "{} slots at height {}", t.slab.len(), t.root().height);
}

#[test]
fn orphans_name_their_lowest_unknown_ancestor_and_are_bounded() {
    let mut o = Orphans::new(3);
    assert_eq!(o.add(d(9), d(8), 9, NodeId(1), 9), Missing { id: d(8), height: 8 });
    assert_eq!(o.add(d(8), d(7), 8, NodeId(2), 8), Missing { id: d(7), height: 7 });
    assert_eq!(o.missing(d(9)), Missing { id: d(7), height: 7 });
    assert_eq!(o.all_missing(), [(Missing { id: d(7), height: 7 }, NodeId(2))]);
    assert_eq!(o.take(d(7)), [(NodeId(2), 8)]);
    assert!(!o.has(d(8)) && o.has(d(9)));
    assert_eq!(o.all_missing(), [(Missing { id: d(8), height: 8 }, NodeId(1))]);
    for i in 20..25 {
        o.add(d(i), d(i + 100), 5, NodeId(0), i);
    }
    assert_eq!(o.len(), 3);
    assert!(o.has(d(24)) && !o.has(d(9)) && o.take(d(8)).is_empty(), "the oldest goes first");
    o.add(d(30), d(24), 6, NodeId(0), 30);
    o.forget(d(124));
    assert!(!o.has(d(24)) && !o.has(d(30)) && o.has(d(23)));
}
