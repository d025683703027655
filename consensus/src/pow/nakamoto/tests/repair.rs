//! Whole networks: overlays, partitions, restarts, nodes far behind.

use super::settings;
use crate::knob::{KnobValue, Settings};
use crate::pow::nakamoto::Nakamoto;
use crate::protocol::Protocol;
use crate::testkit::{Fate, Kit};
use crate::types::{NodeId, Span, Time};

fn ten_seconds(s: &mut Settings) {
    *s = settings();
    s.block_bytes = 1_000_000;
}

/// Highest block that all running nodes share, and the lowest and highest tip.
fn common(kit: &Kit<Nakamoto>) -> (u64, u64, u64) {
    let up: Vec<_> = kit.nodes.iter().filter(|n| n.is_up()).collect();
    let lowest = up.iter().map(|n| n.tip().height).min().unwrap_or(0);
    let highest = up.iter().map(|n| n.tip().height).max().unwrap_or(0);
    let same = |h: &u64| up.iter().all(|n| n.chain[*h as usize].block == up[0].chain[*h as usize].block);
    ((0..=lowest).rev().find(same).unwrap_or(0), lowest, highest)
}

#[test]
fn blocks_cross_a_ring_of_neighbours() {
    let mut kit = Kit::<Nakamoto>::new(8, ten_seconds);
    kit.neighbours = Some((0..8).map(|i| vec![NodeId((i + 1) % 8), NodeId((i + 7) % 8)]).collect());
    kit.run_until(Time(2_000_000_000_000));
    let (shared, lowest, highest) = common(&kit);
    assert!((140..260).contains(&highest), "{highest} blocks in 200 intervals");
    assert!(highest - shared <= 2 && highest - lowest <= 1, "{shared} of {lowest} to {highest}");
    assert!(kit.nodes.iter().all(|n| n.rejects.is_empty()));
}

#[test]
fn halves_agree_on_the_heavier_chain_after_a_partition() {
    let mut kit = Kit::<Nakamoto>::new(6, ten_seconds);
    kit.run_until(Time(200_000_000_000));
    kit.split(&[NodeId(0), NodeId(1)]);
    let before = common(&kit).0;
    kit.run_until(Time(400_000_000_000));
    let (during, ..) = common(&kit);
    assert!(during <= before + 1, "the halves share no block of the partition");
    let heavier = kit.node(NodeId(5)).tip();
    assert!(heavier.height > kit.node(NodeId(0)).tip().height);
    kit.heal_all();
    kit.run_for(Span::secs(2));
    assert_eq!(kit.node(NodeId(0)).chain[heavier.height as usize].block, heavier.block);
    assert!(!kit.node(NodeId(0)).reverts.is_empty());
    kit.run_for(Span::secs(200));
    let (shared, _, highest) = common(&kit);
    assert!(highest > heavier.height + 5 && highest - shared <= 2);
}

#[test]
fn a_lost_block_is_fetched_when_its_child_comes() {
    let mut kit = Kit::<Nakamoto>::new(4, ten_seconds);
    kit.filter = Some(Box::new(|_, _, to, m| {
        let third = matches!(m, super::ChainMessage::Block { block } if block.header.height % 3 == 0);
        if to == NodeId(3) && third { Fate::Drop } else { Fate::Pass }
    }));
    kit.run_until(Time(1_000_000_000_000));
    let (shared, _, highest) = common(&kit);
    assert!(highest > 60 && highest - shared <= 3);
    assert!(kit.node(NodeId(3)).fetches >= highest / 3 / 2, "{} fetches", kit.node(NodeId(3)).fetches);
    assert_eq!(kit.node(NodeId(3)).syncs, 0);
}

#[test]
fn a_restarted_node_goes_on_from_its_log_without_help() {
    let mut kit = Kit::<Nakamoto>::new(4, ten_seconds);
    kit.fsync = Span::millis(1);
    kit.run_until(Time(1_000_000_000_000));
    let tip = kit.node(NodeId(2)).tip();
    kit.crash(NodeId(2));
    kit.restart(NodeId(2));
    kit.run_for(Span(1));
    let status = kit.status(NodeId(2));
    assert_eq!(status.height, tip.height);
    assert_eq!((kit.node(NodeId(2)).fetches, kit.node(NodeId(2)).syncs), (0, 0));
    kit.run_for(Span::secs(600));
    let (shared, _, highest) = common(&kit);
    assert!(highest > tip.height + 30 && highest - shared <= 2);
}

#[test]
fn a_whole_network_restarts() {
    let mut kit = Kit::<Nakamoto>::new(4, ten_seconds);
    kit.fsync = Span::millis(1);
    kit.run_until(Time(500_000_000_000));
    let before = common(&kit).0;
    (0..4).for_each(|i| kit.crash(NodeId(i)));
    kit.run_for(Span::secs(60));
    (0..4).for_each(|i| kit.restart(NodeId(i)));
    kit.run_for(Span::secs(500));
    let (shared, _, highest) = common(&kit);
    assert!(shared > before + 25 && highest - shared <= 2, "{before}, then {shared} of {highest}");
}

#[test]
fn a_node_whose_log_is_lost_fetches_its_tip() {
    let mut kit = Kit::<Nakamoto>::new(4, ten_seconds);
    // Nothing becomes durable: the ledger survives, the log does not.
    kit.fsync = Span::secs(1_000_000);
    kit.run_until(Time(500_000_000_000));
    kit.crash(NodeId(1));
    assert!(kit.node(NodeId(1)).log.is_empty());
    kit.restart(NodeId(1));
    kit.run_for(Span::secs(500));
    let (shared, _, highest) = common(&kit);
    assert!(highest > 70 && highest - shared <= 2);
    assert!(kit.node(NodeId(1)).fetches >= 1);
}

#[test]
fn a_node_a_thousand_blocks_behind_catches_up_by_one_copy() {
    let mut kit = Kit::<Nakamoto>::new(4, ten_seconds);
    kit.run_until(Time(100_000_000_000));
    kit.crash(NodeId(3));
    let before = kit.node(NodeId(3)).tip().height;
    kit.run_until(Time(14_500_000_000_000));
    let ahead = kit.node(NodeId(0)).tip().height;
    assert!(ahead > before + 1_000, "{ahead} after {before}");
    kit.restart(NodeId(3));
    kit.run_for(Span::secs(1));
    assert_eq!(kit.node(NodeId(3)).syncs, 1);
    assert!(kit.node(NodeId(3)).fetches <= 3, "{} fetches", kit.node(NodeId(3)).fetches);
    let (shared, _, highest) = common(&kit);
    assert!(highest - shared <= 1);
    kit.run_for(Span::secs(600));
    let (shared, _, highest) = common(&kit);
    assert!(highest > ahead + 20 && highest - shared <= 2);
    let share = kit.nodes[3].chain[ahead as usize..].iter().filter(|b| b.payloads[0].count > 0).count();
    assert!(share > 0);
}

#[test]
fn the_same_seed_gives_the_same_chain() {
    let tip = |seed| {
        let mut kit = Kit::<Nakamoto>::with(crate::protocol::Validators::equal(4), 4, seed, ten_seconds);
        kit.run_until(Time(500_000_000_000));
        kit.node(NodeId(0)).tip()
    };
    assert_eq!(tip(1), tip(1));
    assert_ne!(tip(1), tip(2));
}

#[test]
fn finality_is_expected_after_k_blocks_on_top() {
    let mut s = Settings::new(Nakamoto::KNOBS, false);
    let v = crate::protocol::Validators::equal(4);
    let at = |s: &Settings| Nakamoto::expected_finality(&Nakamoto::configure(s, &v), Span::ZERO);
    assert_eq!(at(&s), Span::secs(4_200));
    s.set("k", KnobValue::Count(0));
    assert_eq!(at(&s), Span::secs(600));
    assert_eq!(at(&settings()), Span::secs(70));
}
