//! What was prepared or committed survives view changes and crashes.

use super::{END, bound, drained, drop_if, highest_view, kit, least, root_at};
use crate::bft::pbft::PbftMessage;
use crate::types::{Digest, NodeId, Span};

/// The payload of the first proposal that anybody sent.
fn first_root(k: &super::Host) -> Digest {
    let first = k.traffic.proposed.iter().min_by_key(|(_, at)| **at).expect("something was proposed");
    *first.0
}

#[test]
fn a_value_prepared_everywhere_survives_the_view_change() {
    let mut k = kit(4);
    drop_if(&mut k, |_, _, m| matches!(m, PbftMessage::Commit { view: 0, .. }));
    k.limit_pools(100);
    k.run_for(Span::millis(100));
    k.crash(NodeId(0));
    let limit = k.now + bound(&k);
    assert!(k.run_to_height(1, limit));
    assert_eq!(root_at(&k, 1, 1), first_root(&k), "the new leader orders its own block in place of a prepared one");
}

#[test]
fn a_value_prepared_at_one_replica_survives_its_crash_and_the_view_change() {
    let mut k = kit(4);
    k.fsync = Span::millis(1);
    // Only node 2 sees enough prepares, and its commit is lost.
    drop_if(&mut k, |_, to, m| match m {
        PbftMessage::Prepare { view: 0, .. } => to != NodeId(2),
        PbftMessage::Commit { view: 0, .. } => true,
        _ => false,
    });
    k.limit_pools(100);
    k.run_for(Span::millis(100));
    k.crash(NodeId(2));
    k.restart(NodeId(2));
    k.crash(NodeId(0));
    let limit = k.now + bound(&k);
    assert!(k.run_to_height(1, limit));
    assert_eq!(root_at(&k, 1, 1), first_root(&k), "the restarted replica forgot its prepared certificate");
    assert!(highest_view(&k) > 0);
}

#[test]
fn a_block_committed_at_one_replica_is_committed_everywhere() {
    let mut k = kit(4);
    drop_if(&mut k, |_, to, m| to != NodeId(3) && matches!(m, PbftMessage::Commit { view: 0, .. }));
    k.run_for(Span::millis(45));
    assert_eq!((k.node(NodeId(3)).final_height(), k.node(NodeId(1)).final_height()), (8, 0));
    k.crash(NodeId(0));
    let limit = k.now + bound(&k);
    assert!(k.run_to_height(20, limit));
}

#[test]
fn a_value_prepared_nowhere_makes_room_and_its_transactions_come_again() {
    let mut k = kit(4);
    drop_if(&mut k, |_, _, m| matches!(m, PbftMessage::Prepare { view: 0, .. }));
    k.limit_pools(100);
    k.run_for(Span::millis(100));
    k.crash(NodeId(0));
    let limit = k.now + bound(&k);
    assert!(k.run_to_height(1, limit));
    assert_ne!(root_at(&k, 1, 1), first_root(&k));
    assert_eq!(k.node(NodeId(1)).pool.pending().count, 0);
}

#[test]
fn a_whole_cluster_goes_on_from_its_logs() {
    for step in 0..40 {
        let mut k = kit(4);
        k.fsync = Span::millis(2);
        k.run_for(Span::millis(100 + 2 * step));
        (0..4).for_each(|i| k.crash(NodeId(i)));
        let tip = k.nodes.iter().map(|n| n.final_height()).max().expect("nodes");
        (0..4).for_each(|i| k.restart(NodeId(i)));
        let limit = k.now + bound(&k);
        assert!(k.run_to_height(tip + 10, limit), "step {step}: at {} of {tip}", least(&k));
    }
}

#[test]
fn leaders_that_crash_one_after_the_other_lose_nothing() {
    let mut k = kit(4);
    k.fsync = Span::millis(1);
    for round in 0..8_u32 {
        k.run_for(Span::millis(150 + 7 * u64::from(round)));
        let leader = k.status(NodeId(round % 4)).leader.expect("there is always one");
        k.crash(leader);
        let tip = drained(&mut k);
        let limit = k.now + bound(&k);
        assert!(k.run_to_height(tip + 5, limit), "round {round}: at {} of {tip}", least(&k));
        k.restart(leader);
        k.run_for(Span::millis(300));
    }
    assert!(k.run_to_height(least(&k) + 50, END));
    assert_eq!(highest_view(&k), 8);
}
