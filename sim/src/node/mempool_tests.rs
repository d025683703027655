//! Tests of the pools: prefixes, forks, limits.

use ledgerlab_consensus::{Digest, PayloadRef, Time};

use super::{Batches, Pool, Transaction, Transactions, uncommitted_path};
use crate::node::blocks::{Blocks, PayloadId};

fn transaction(bytes: u32) -> Transaction {
    Transaction { planned: Time::ZERO, bytes, workload: 0, kind: 0 }
}

fn ten_transactions() -> Transactions {
    let mut txs = Transactions::default();
    (0..10).for_each(|_| {
        txs.push(transaction(100));
    });
    txs
}

fn pool_with_two_batches() -> (Batches, Pool) {
    let mut batches = Batches::default();
    let mut pool = Pool::default();
    for half in [0..5, 5..10] {
        let id = batches.open(0, Time(half.start as u64));
        half.for_each(|t| batches.get_mut(id).add(t, &transaction(100)));
        pool.add(id, &batches, &ten_transactions());
    }
    (batches, pool)
}

fn build(pool: &mut Pool, blocks: &mut Blocks, batches: &mut Batches, path: &[PayloadId], limit: u64) -> PayloadId {
    let c = pool.collect(path, limit, batches, &ten_transactions());
    let root = Digest([u64::from(blocks.payload_ids().1) + 1, 0]);
    let reference = PayloadRef { root, bytes: c.bytes as u32, count: c.count };
    let p = blocks.add_payload(reference, &c.segments, Time::ZERO, 0);
    c.segments.iter().for_each(|s| batches.include(s, p));
    p
}

fn txs(p: PayloadId, blocks: &Blocks, batches: &Batches) -> Vec<u32> {
    let of = |s: &super::Segment| batches.get(s.batch).txs[s.from as usize..s.to as usize].to_vec();
    blocks.segments(p).iter().flat_map(of).collect()
}

#[test]
fn successive_blocks_take_successive_prefixes() {
    let (mut batches, mut pool) = pool_with_two_batches();
    let mut blocks = Blocks::default();
    let a = build(&mut pool, &mut blocks, &mut batches, &[], 350);
    let b = build(&mut pool, &mut blocks, &mut batches, &[a], 450);
    let c = build(&mut pool, &mut blocks, &mut batches, &[a, b], 10_000);
    assert_eq!(txs(a, &blocks, &batches), [0, 1, 2]);
    assert_eq!(txs(b, &blocks, &batches), [3, 4, 5, 6]);
    assert_eq!(txs(c, &blocks, &batches), [7, 8, 9]);
}

#[test]
fn a_fork_takes_again_what_the_other_branch_took() {
    let (mut batches, mut pool) = pool_with_two_batches();
    let mut blocks = Blocks::default();
    let a = build(&mut pool, &mut blocks, &mut batches, &[], 350);
    pool.adopt(a, &blocks, &ten_transactions(), &batches);
    assert_eq!(pool.pending().count, 7);
    pool.revert(a, &blocks, &ten_transactions(), &batches);
    assert_eq!(pool.pending().count, 10);
    let b = build(&mut pool, &mut blocks, &mut batches, &[], 500);
    assert_eq!(txs(b, &blocks, &batches), [0, 1, 2, 3, 4]);
    pool.adopt(b, &blocks, &ten_transactions(), &batches);
    pool.settle(b);
    let c = build(&mut pool, &mut blocks, &mut batches, &[], 10_000);
    assert_eq!(txs(c, &blocks, &batches), [5, 6, 7, 8, 9]);
    assert!(pool.consumed(0, &batches) && !pool.consumed(1, &batches));
}

#[test]
fn a_batch_that_comes_after_its_block_counts_only_what_is_left() {
    let (mut batches, mut proposer) = pool_with_two_batches();
    let mut blocks = Blocks::default();
    let a = build(&mut proposer, &mut blocks, &mut batches, &[], 700);
    let mut late = Pool::default();
    late.adopt(a, &blocks, &ten_transactions(), &batches);
    assert_eq!(late.pending().count, 0);
    late.add(1, &batches, &ten_transactions());
    assert_eq!((late.pending().count, late.pending().bytes), (3, 300));
    assert!(!late.add(1, &batches, &ten_transactions()));
}

#[test]
fn the_path_ends_at_the_own_chain() {
    let mut blocks = Blocks::default();
    let mut parent = Digest::GENESIS;
    for i in 1..=4_u64 {
        let reference = PayloadRef { root: Digest([i, 9]), bytes: 0, count: 0 };
        blocks.add_payload(reference, &[], Time::ZERO, 0);
        let digest = Digest([i, 0]);
        blocks.intern(digest, parent, &[reference]);
        parent = digest;
    }
    assert_eq!(uncommitted_path(&blocks, parent, |b| b <= 2), [3, 2]);
    assert!(uncommitted_path(&blocks, Digest([7, 7]), |_| false).is_empty());
}

#[test]
fn an_expired_batch_leaves_the_pool_and_may_still_come_by_another() {
    let (mut batches, mut pool) = pool_with_two_batches();
    let mut blocks = Blocks::default();
    let mut other = Pool::default();
    other.add(0, &batches, &ten_transactions());
    pool.expire(0, &batches, &ten_transactions());
    assert_eq!((pool.pending().count, pool.pending().bytes), (5, 500));
    let a = build(&mut other, &mut blocks, &mut batches, &[], 10_000);
    pool.adopt(a, &blocks, &ten_transactions(), &batches);
    assert_eq!(pool.pending().count, 5);
    let b = build(&mut pool, &mut blocks, &mut batches, &[], 10_000);
    assert_eq!(txs(b, &blocks, &batches), [5, 6, 7, 8, 9]);
}
