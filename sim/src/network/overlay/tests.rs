//! What every overlay must be, over sizes, degrees and seeds.

use ledgerlab_consensus::NodeId;

use super::{Overlay, join_parts, reachable};
use crate::kernel::rng::{Purpose, Stream};

fn degrees(overlay: &Overlay) -> Vec<usize> {
    (0..overlay.len() as u32).map(|i| overlay.neighbours(NodeId(i)).len()).collect()
}

fn assert_sound(overlay: &Overlay, what: &str) {
    let mut seen = vec![false; overlay.len()];
    let mut todo = vec![NodeId(0)];
    while let Some(a) = todo.pop() {
        if std::mem::replace(&mut seen[a.0 as usize], true) {
            continue;
        }
        let list = overlay.neighbours(a);
        assert!(list.is_sorted_by(|x, y| x < y), "{what}: neighbours of {a:?} are not ascending");
        assert!(!list.contains(&a), "{what}: {a:?} is its own neighbour");
        assert!(list.iter().all(|b| overlay.neighbours(*b).contains(&a)), "{what}: {a:?} has a one-way connection");
        todo.extend(list);
    }
    assert!(seen.iter().all(|s| *s), "{what}: not connected");
}

#[test]
fn random_overlays_are_connected_symmetric_and_of_the_degree() {
    for (nodes, degree) in [(3, 1), (4, 2), (16, 4), (40, 3), (100, 8), (500, 2), (1_000, 16)] {
        for seed in 0..20 {
            let overlay = Overlay::new(nodes, degree, seed);
            let what = format!("{nodes} nodes of degree {degree}, seed {seed}");
            assert_sound(&overlay, &what);
            let degrees = degrees(&overlay);
            assert!(degrees.iter().all(|d| *d >= (degree / 2).max(1) as usize), "{what}: {degrees:?}");
            let mean = degrees.iter().sum::<usize>() as f64 / f64::from(nodes);
            // Two dials may meet on one connection; joining parts adds a few.
            let ratio = mean / f64::from(degree);
            assert!(nodes < 16 || (0.8..1.1).contains(&ratio), "{what}: mean degree {mean}");
        }
    }
    let degrees = degrees(&Overlay::new(1_000, 16, 1));
    let largest = *degrees.iter().max().unwrap();
    assert!((20..45).contains(&largest), "8 dialled and 8 +- 2.8 accepted, not {largest}");
}

#[test]
fn the_seed_and_nothing_else_chooses_the_graph() {
    assert_eq!(Overlay::new(200, 8, 7), Overlay::new(200, 8, 7));
    assert_ne!(Overlay::new(200, 8, 7), Overlay::new(200, 8, 8));
}

#[test]
fn degree_zero_or_too_large_is_a_full_mesh() {
    for degree in [0, 9, 10, 500] {
        let overlay = Overlay::new(10, degree, 3);
        assert_sound(&overlay, "full mesh");
        assert_eq!(degrees(&overlay), [9; 10]);
    }
    assert_eq!(degrees(&Overlay::new(1, 4, 0)), [0]);
    assert_eq!(degrees(&Overlay::new(2, 1, 0)), [1, 1]);
    assert!(Overlay::new(0, 8, 0).is_empty());
}

#[test]
fn every_peer_is_dialled_alike() {
    let mut dialled = [0_u32; 50];
    for seed in 0..2_000 {
        let overlay = Overlay::random(50, 6, seed);
        overlay.neighbours(NodeId(20)).iter().for_each(|n| dialled[n.0 as usize] += 1);
    }
    assert_eq!(dialled[20], 0);
    // Expected 2000 * (1 - (1 - 3/49)^2) = 237 each, with a standard deviation of 14.5.
    let rest = || dialled.iter().enumerate().filter(|(i, _)| *i != 20).map(|(_, n)| *n);
    assert!(rest().all(|n| (170..305).contains(&n)), "{dialled:?}");
}

#[test]
fn parts_are_joined_by_one_connection_each() {
    let mut lists = vec![vec![1], vec![0], vec![3], vec![2], vec![]];
    join_parts(&mut lists, Stream::new(1, Purpose::Overlay));
    assert_eq!(reachable(&lists, 0, &mut [false; 5]).len(), 5);
    assert_eq!(lists.iter().map(Vec::len).sum::<usize>(), 4 + 2 * 2);
}
