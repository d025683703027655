//! Random losses, delays, crashes and partitions: the host checks agreement and that nobody contradicts itself; this
//! asserts that progress comes back.

use super::probe::NoKeys;
use super::{Draws, Host, bound, highest_view, least};
use crate::effect::{Cx, Effects};
use crate::knob::KnobValue;
use crate::testkit::{Fate, Kit};
use crate::types::{NodeId, Span};

/// What a seed went through.
struct Story {
    views: u64,
    syncs: u64,
    fetches: u64,
}

fn host(seed: u64, d: &mut Draws) -> Host {
    let n = [4, 4, 5, 7][d.below(4) as usize];
    let mut k: Host = Kit::new(n, |s| {
        s.set("timeout", KnobValue::Span(Span::millis(400)));
        s.set("checkpoint_interval", KnobValue::Count(4));
        s.set("window", KnobValue::Count(16));
        s.set("pipeline", KnobValue::Count(1 + seed % 6));
        s.block_period = Span::millis(20);
    });
    k.fsync = Span::micros([0, 500, 4_000][d.below(3) as usize]);
    let loss = [0, 1, 5, 20][d.below(4) as usize];
    let mut lots = Draws(seed ^ 0xABCD);
    k.filter = Some(Box::new(move |_, _, _, _| match () {
        () if lots.chance(loss) => Fate::Drop,
        () => Fate::Delay(Span::micros(lots.below(20_000))),
    }));
    k
}

/// No handler leaves anything to do: a second [`Pbft::settle`] after it changes nothing.
fn nothing_is_left_to_settle(k: &mut Host) {
    let now = k.now;
    for n in &mut k.nodes {
        let Some(r) = n.replica.as_mut() else { continue };
        let (mut seq, mut out) = (n.log.end(), Effects::default());
        r.settle(&mut Cx::new(now, now, &NoKeys, &mut seq, &mut out));
        assert!(out.list.is_empty(), "at {now:?}, node {}: {:?}", r.env.me.0, out.list);
    }
}

#[test]
fn votes_that_are_only_counted_leave_nothing_to_settle() {
    for seed in 0..12 {
        let mut d = Draws(seed + 1_000);
        let mut k = host(seed, &mut d);
        k.limit_pools(0);
        for _ in 0..6 {
            // Little work, since more would be announced after each block. What was opened now starts.
            k.submit_all(150);
            k.run_for(Span::ZERO);
            let end = k.now + Span::millis(50 + d.below(300));
            while k.now < end && k.step() {
                // A timer that is due at this very time has not fired yet.
                let due = k.nodes.iter().filter_map(|n| n.replica.as_ref()).any(|r| r.next_proposal == k.now);
                if !due {
                    nothing_is_left_to_settle(&mut k);
                }
            }
            fault(&mut k, &mut d);
        }
    }
}

/// One random fault, or the end of one; at most f nodes are down at once.
fn fault(k: &mut Host, d: &mut Draws) {
    let n = k.nodes.len() as u64;
    let node = NodeId(d.below(n) as u32);
    let down = k.nodes.iter().filter(|n| !n.is_up()).count() as u64;
    match d.below(5) {
        0 | 1 if k.node(node).is_up() && down < (n - 1) / 3 => k.crash(node),
        0..=2 if !k.node(node).is_up() => k.restart(node),
        3 => k.split(&[node, NodeId(d.below(n) as u32)]),
        _ => k.heal_all(),
    }
}

fn run(seed: u64) -> Story {
    let mut d = Draws(seed);
    let mut k = host(seed, &mut d);
    for _ in 0..24 {
        k.run_for(Span::millis(50 + d.below(500)));
        fault(&mut k, &mut d);
    }
    k.filter = None;
    k.heal_all();
    for i in 0..k.nodes.len() as u32 {
        if !k.node(NodeId(i)).is_up() {
            k.restart(NodeId(i));
        }
    }
    let tip = k.nodes.iter().map(|n| n.final_height()).max().expect("nodes");
    // Timeouts have grown before the healing, seldom more than 8-fold.
    let limit = k.now + bound(&k) * 8;
    assert!(k.run_to_height(tip + 10, limit), "seed {seed}: at {} of {tip}", least(&k));
    for n in &k.nodes {
        assert!(n.evidence.is_empty(), "seed {seed}: honest nodes accuse {:?}", n.evidence);
        assert!(n.rejects.is_empty(), "seed {seed}: honest nodes refuse {:?}", n.rejects);
    }
    Story {
        views: highest_view(&k),
        syncs: k.nodes.iter().map(|n| n.syncs).sum(),
        fetches: k.nodes.iter().map(|n| n.fetches).sum(),
    }
}

#[test]
fn agreement_and_progress_survive_random_faults() {
    let stories: Vec<Story> = (0..100).map(run).collect();
    let count = |what: fn(&Story) -> u64| stories.iter().filter(|s| what(s) > 0).count();
    let (views, syncs, fetches) = (count(|s| s.views), count(|s| s.syncs), count(|s| s.fetches));
    assert!(
        views >= 50 && syncs >= 50 && fetches >= 5,
        "too tame: {views} view changes, {syncs} syncs, {fetches} fetches"
    );
}
