//! Forks, refusals, one block a slot, restarts and catching up.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Block, Header, env, epochs_of, genesis, keeping_all, message, on_top, settings, solo};
use crate::effect::{Effect, Effects, Gate};
use crate::pos::praos::{Config, Praos, Timer};
use crate::protocol::{Protocol, Validators};
use crate::testkit::solo::Step::{Adopt, Revert};
use crate::testkit::solo::{Solo, fetched, refused, steps};
use crate::testkit::{Fate, Kit};
use crate::types::{Hashing, NodeId, Span, Time, Tip};

const PEER: NodeId = NodeId(1);

struct Bench {
    node: Solo<Praos>,
    issuers: Vec<Solo<Praos>>,
    config: Config,
    validators: Arc<Validators>,
}

impl Bench {
    fn new() -> Bench {
        let validators = Arc::new(Validators::equal(4));
        let config = Praos::configure(&settings(), &validators);
        let mut node = solo(0, &validators, &config);
        let issuers = (0..4).map(|i| solo(i, &validators, &config)).collect();
        node.call(|r, cx| r.on_start(cx));
        // Late enough that no block comes early.
        node.now = Time(1_000_000_000_000_000);
        Bench { node, issuers, config, validators }
    }
    fn chain(&mut self, below: &Block, n: usize, issuer: usize) -> Vec<Arc<Block>> {
        let mut all: Vec<Arc<Block>> = vec![];
        for _ in 0..n {
            let below = all.last().map_or(below, |b| b);
            let b = on_top(&self.config, below, &mut self.issuers[issuer], 0);
            all.push(b);
        }
        all
    }
    fn take(&mut self, b: &Arc<Block>) -> Effects<Praos> {
        self.node.call(|r, cx| r.on_message(PEER, &message(b), cx))
    }
}

#[test]
fn a_longer_chain_reverts_once_and_adopts_each_block() {
    let mut b = Bench::new();
    let trunk = b.chain(&genesis(), 2, 1);
    let (a, c) = (b.chain(&trunk[1], 2, 2), b.chain(&trunk[1], 3, 3));
    for x in trunk.iter().chain(&a) {
        assert_eq!(steps(&b.take(x)), [Adopt(x.header.height, x.id)]);
    }
    assert_eq!(steps(&b.take(&c[0])), []);
    assert_eq!(steps(&b.take(&c[1])), [], "as long, but seen later");
    let out = b.take(&c[2]);
    assert_eq!(steps(&out), [Revert(2), Adopt(3, c[0].id), Adopt(4, c[1].id), Adopt(5, c[2].id)]);
}

#[test]
fn forks_deeper_than_k_are_refused_and_forks_of_k_are_followed() {
    let k = 24;
    for (depth, followed) in [(k, true), (k + 1, false)] {
        let mut b = Bench::new();
        let trunk = b.chain(&genesis(), 60, 1);
        let fork = trunk[60 - depth - 1].clone();
        let branch = b.chain(&fork, depth + 1, 2);
        trunk.iter().for_each(|x| drop(b.take(x)));
        branch[..depth].iter().for_each(|x| assert_eq!(steps(&b.take(x)), []));
        let out = b.take(&branch[depth]);
        if followed {
            assert_eq!(steps(&out)[0], Revert((60 - depth) as u64));
            assert_eq!(steps(&out).len(), depth + 2);
        } else {
            assert_eq!(steps(&out), []);
            assert_eq!(refused(&out), ["a fork deeper than the chain is reorganised"]);
        }
    }
}

#[test]
fn a_branch_whose_ancestors_are_too_deep_is_refused_without_fetching() {
    let mut b = Bench::new();
    let trunk = b.chain(&genesis(), 60, 1);
    let branch = b.chain(&trunk[20], 20, 2);
    trunk.iter().for_each(|x| drop(b.take(x)));
    let out = b.take(&branch[10]);
    assert_eq!((refused(&out), fetched(&out)), (vec!["a fork deeper than the chain is reorganised"], vec![]));
    let out = b.take(&branch[17]);
    assert_eq!((refused(&out), fetched(&out)), (vec![], vec![branch[16].id]), "it may fork off near the tip");
}

#[test]
fn missing_parents_are_fetched() {
    let mut b = Bench::new();
    let c = b.chain(&genesis(), 3, 1);
    assert_eq!(fetched(&b.take(&c[2])), [c[1].id]);
    assert_eq!(fetched(&b.take(&c[1])), [c[0].id]);
    let all: Vec<_> = c.iter().map(|x| Adopt(x.header.height, x.id)).collect();
    assert_eq!(steps(&b.take(&c[0])), all);
}

#[test]
fn headers_that_break_a_rule_are_refused() {
    let mut b = Bench::new();
    let first = b.chain(&genesis(), 1, 1).remove(0);
    b.take(&first);
    let good = b.chain(&first, 1, 2).remove(0);
    let with = |change: &dyn Fn(&mut Header)| {
        let mut h = good.header.clone();
        change(&mut h);
        Arc::new(Block::new(h, Hashing::Mix))
    };
    let cases = [
        (with(&|h| h.slot = first.header.slot), "a slot that is not after its parent's"),
        (with(&|h| h.slot = 5_000_026), "a slot more than 5 s ahead"),
        (with(&|h| h.output.0[0] = u64::MAX), "an output that does not win the slot"),
        (with(&|h| h.nonce.0[0] ^= 1), "another nonce than that of the epoch"),
        (with(&|h| h.seed.0[0] ^= 1), "other randomness than the epoch's outputs give"),
        (with(&|h| h.height += 1), "a height that is not its parent's plus one"),
    ];
    for (x, why) in cases {
        assert_eq!(refused(&b.take(&x)), [why]);
    }
    assert_eq!(steps(&b.take(&good)), [Adopt(2, good.id)]);
}

/// The alarm among some effects.
fn alarm(out: &Effects<Praos>) -> Option<(Timer, Time)> {
    out.list.iter().find_map(|e| if let Effect::SetAlarm { timer, wall } = e { Some((*timer, *wall)) } else { None })
}

#[test]
fn one_alarm_leads_to_the_next_slot_that_is_won() {
    let validators = Arc::new(Validators::equal(4));
    let config = Praos::configure(&keeping_all(4_800), &validators);
    let mut node = solo(0, &validators, &config);
    let mut next = alarm(&node.call(|r, cx| r.on_start(cx)));
    let (mut minted, mut last) = (vec![], Timer::Draw(0));
    while let Some((timer, at)) = next.filter(|(_, at)| at.0 < 4_800 * 200_000_000) {
        assert!(at > node.now && timer != last);
        (node.now, last) = (at, timer);
        let out = node.call(|r, cx| r.on_timer(timer, cx));
        next = alarm(&out);
        if let Timer::Win(slot) = timer {
            assert_eq!(at.0, slot * 200_000_000);
            let made = node.supply(&out, slot);
            let gated = made.list.iter().any(|e| matches!(e, Effect::Send { gate: Gate::After(_), .. }));
            assert!(gated, "a block leaves when its record is durable");
            minted.push(slot);
        }
    }
    // phi(1/4) of 4,799 slots is 61: no more alarms than that and the one that ends each look ahead.
    assert!((30..100).contains(&minted.len()), "{} slots won", minted.len());
    // Opened again in the middle of a slot that it has used: the slot is not used twice.
    let slot = minted[10];
    let log: Vec<_> = node.log.iter().take(11).cloned().collect();
    let tip = Tip { height: 11, block: log[10].id };
    let mut again = Solo::<Praos>::open(env(0, &validators), &config, log, tip);
    again.now = Time(slot * 200_000_000 - 1);
    let (timer, _) = alarm(&again.call(|r, cx| r.on_start(cx))).expect("an alarm");
    assert_eq!(timer, Timer::Win(minted[11]));
    assert!(
        again.call(|r, cx| r.on_timer(Timer::Win(slot), cx)).list.iter().all(|e| !matches!(e, Effect::Build { .. }))
    );
}

#[test]
fn a_reorganisation_across_an_epoch_draws_again() {
    let validators = Arc::new(Validators::equal(4));
    let config = Praos::configure(&epochs_of(400), &validators);
    let mut b = Bench { config: config.clone(), ..Bench::new() };
    b.node = solo(0, &b.validators, &config);
    b.node.now = Time::ZERO;
    b.node.call(|r, cx| r.on_start(cx));
    let (a, c) = (b.chain(&genesis(), 1, 1), b.chain(&genesis(), 2, 2));
    assert!(c[1].header.slot < 266, "pinned by the seed: both blocks count for the nonce");
    b.node.now = Time(401 * 200_000_000);
    b.node.call(|r, cx| r.on_timer(Timer::Draw(402), cx));
    let (first, second) = (b.take(&a[0]), b.take(&c[0]));
    assert!(alarm(&first).is_some(), "the first block changes the next epoch's nonce");
    assert!(alarm(&second).is_none(), "a losing branch changes nothing");
    let third = b.take(&c[1]);
    assert_eq!(steps(&third)[0], Revert(0));
    assert!(alarm(&third).is_some());
}

fn common(kit: &Kit<Praos>) -> (u64, u64) {
    let up: Vec<_> = kit.nodes.iter().filter(|n| n.is_up()).collect();
    let lowest = up.iter().map(|n| n.tip().height).min().unwrap_or(0);
    let highest = up.iter().map(|n| n.tip().height).max().unwrap_or(0);
    let same = |h: &u64| up.iter().all(|n| n.chain[*h as usize].block == up[0].chain[*h as usize].block);
    ((0..=lowest).rev().find(same).unwrap_or(0), highest)
}

fn kit(n: u32) -> Kit<Praos> {
    Kit::new(n, |s| *s = settings())
}

#[test]
fn a_ring_agrees_and_a_lost_block_is_fetched() {
    let mut kit = kit(8);
    kit.neighbours = Some((0..8).map(|i| vec![NodeId((i + 1) % 8), NodeId((i + 7) % 8)]).collect());
    kit.filter = Some(Box::new(|_, _, to, m| {
        let third = matches!(m, super::ChainMessage::Block { block } if block.header.height % 3 == 0);
        if to == NodeId(3) && third { Fate::Drop } else { Fate::Pass }
    }));
    kit.run_until(Time(400_000_000_000));
    let (shared, highest) = common(&kit);
    assert!(highest > 60 && highest - shared <= 3, "{shared} of {highest}");
    assert!(kit.node(NodeId(3)).fetches > highest / 6);
}

#[test]
fn skewed_clocks_make_a_chain_all_the_same() {
    let mut kit = kit(6);
    for (i, n) in kit.nodes.iter_mut().enumerate() {
        n.skew_ns = (i as i64 - 3) * 40_000_000;
    }
    kit.run_until(Time(400_000_000_000));
    let (shared, highest) = common(&kit);
    assert!(highest > 60 && highest - shared <= 3, "{shared} of {highest}");
    assert!(kit.nodes.iter().all(|n| n.rejects.is_empty()));
}

#[test]
fn restarts_need_no_help_and_never_use_a_slot_twice() {
    let mut kit = kit(4);
    kit.fsync = Span::millis(5);
    for round in 0..40_u32 {
        kit.run_for(Span::secs(9));
        let node = NodeId(round % 4);
        kit.crash(node);
        kit.restart(node);
    }
    kit.run_for(Span::secs(60));
    let (shared, highest) = common(&kit);
    assert!(highest > 60 && highest - shared <= 3, "{shared} of {highest}");
    for (i, n) in kit.nodes.iter().enumerate() {
        assert_eq!(n.syncs, 0);
        let own = || n.log.iter().filter(|b| b.header.issuer.0 as usize == i);
        let (ids, slots): (BTreeSet<_>, BTreeSet<_>) = own().map(|b| (b.id, b.header.slot)).unzip();
        assert_eq!(ids.len(), slots.len(), "validator {i} minted twice in a slot");
    }
}

#[test]
fn a_node_a_thousand_blocks_behind_catches_up_by_one_copy() {
    let mut kit = kit(4);
    kit.run_until(Time(60_000_000_000));
    kit.crash(NodeId(3));
    let before = kit.node(NodeId(3)).tip().height;
    kit.run_until(Time(6_500_000_000_000));
    let ahead = kit.node(NodeId(0)).tip().height;
    assert!(ahead > before + 1_000, "{ahead} after {before}");
    kit.restart(NodeId(3));
    kit.run_for(Span::secs(1));
    assert_eq!(kit.node(NodeId(3)).syncs, 1);
    assert!(kit.node(NodeId(3)).fetches <= 3, "{} fetches", kit.node(NodeId(3)).fetches);
    kit.run_for(Span::secs(200));
    let (shared, highest) = common(&kit);
    assert!(highest > ahead + 20 && highest - shared <= 2, "{shared} of {highest}");
    let own = kit.nodes[3].log.iter().filter(|b| b.header.issuer.0 == 3 && b.header.height > ahead).count();
    assert!(own > 0, "it mints again");
}
