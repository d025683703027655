//! Progress after faults: crashed leaders, partitions, lost messages, lag; and silence when there is nothing to do.

use super::{Draws, END, Host, bound, config, drained, drop_if, highest_view, kit, least};
use crate::bft::pbft::PbftMessage;
use crate::knob::KnobValue;
use crate::protocol::{Role, Validators};
use crate::testkit::{Fate, Kit};
use crate::types::{NodeId, Span, Stake, Time, Tip};

#[test]
fn commits_resume_within_the_bound_after_a_leader_crash_and_the_leader_rejoins() {
    let (mut changed, mut caught_up, mut carried, mut longest) = (0, 0, 0, Span::ZERO);
    for seed in 0..40 {
        let mut d = Draws(seed);
        let n = [4, 7, 10][d.below(3) as usize];
        let mut k = kit(n);
        k.fsync = Span::micros(d.below(3_000));
        let crash = Time::ZERO + Span::millis(200) + Span::micros(d.below(300_000));
        let mut jitter = Draws(seed ^ 0xFEED);
        // In every other seed the last commits of the view are lost, so that prepared blocks must be carried over.
        let lossy = move |t: Time| seed % 2 == 0 && t + Span::millis(40) > crash;
        k.filter = Some(Box::new(move |t, _, _, m| match m {
            PbftMessage::Commit { view: 0, .. } if lossy(t) => Fate::Drop,
            _ => Fate::Delay(Span::micros(jitter.below(5_000))),
        }));
        k.run_until(crash);
        k.crash(NodeId(0));
        let from = k.now;
        let prepared = prepared_at_a_quorum(&k);
        let height = drained(&mut k);
        carried += u32::from(prepared.iter().any(|b| b.height > height));
        // The delay of the bound is the longest one: link, jitter and the wait for the disk.
        let limit = k.config.recovery_bound(&k.validators, Span::millis(18));
        assert!(k.run_to_height(height + 1, from + limit), "seed {seed}: stalled at {height}, n {n}");
        longest = longest.max(k.now.since(from));
        assert!(k.run_to_height(prepared.last().map_or(0, |b| b.height), END), "seed {seed}");
        let kept = |b: &Tip| k.node(NodeId(1)).chain[b.height as usize].block == b.block;
        assert!(prepared.iter().all(kept), "seed {seed}: a prepared value was lost");
        changed += u32::from(highest_view(&k) > 0);
        k.restart(NodeId(0));
        k.run_for(Span::millis(300));
        let tip = k.node(NodeId(1)).final_height();
        assert!(k.run_to_height(tip + 8, END), "seed {seed}: no progress with the old leader");
        caught_up += u32::from(k.node(NodeId(0)).syncs > 0);
        assert_eq!(k.status(NodeId(0)).view, k.status(NodeId(1)).view, "seed {seed}");
        assert_eq!(k.status(NodeId(0)).role, Role::Follower, "seed {seed}");
    }
    assert_eq!(changed, 40, "a crashed leader of a busy system is always replaced");
    assert!(carried >= 15, "{carried} of 40 seeds had a prepared block that was not final");
    assert!(caught_up >= 2, "{caught_up} of 40 seeds had a catch-up");
    assert!(longest >= config().timeout, "nobody may suspect a leader before the timeout: {longest:?}");
}

/// The blocks above the ledger for which a quorum of running replicas holds a prepared certificate.
fn prepared_at_a_quorum(k: &Host) -> Vec<Tip> {
    let height = least(k);
    let quorum = k.validators.quorum(crate::FaultBound::Third).0;
    let at = |h: u64| {
        let slots = k.nodes.iter().filter_map(|n| n.replica.as_ref()?.window.get(h)).filter(|s| s.prepared.is_some());
        let blocks: Vec<_> = slots.filter_map(|s| s.block()).collect();
        let block = *blocks.first()?;
        (blocks.len() as u64 >= quorum).then_some(Tip { height: h, block })
    };
    (height + 1..=height + 16).filter_map(at).collect()
}

#[test]
fn two_crashed_leaders_in_a_row_cost_a_timeout_each() {
    let mut k = kit(7);
    k.run_for(Span::millis(100));
    k.crash(NodeId(0));
    k.crash(NodeId(1));
    let from = k.now;
    let height = drained(&mut k);
    assert!(k.run_to_height(height + 1, from + bound(&k)));
    assert_eq!(highest_view(&k), 2);
    let took = k.now.since(from);
    // One timeout for each of the two leaders, and the delays of two view changes and of a decision.
    assert!(took >= Span::secs(4) && took <= Span::millis(4_150), "{took:?}");
}

#[test]
fn an_idle_system_is_silent_and_suspects_nobody() {
    let mut k = kit(4);
    k.limit_pools(0);
    k.run_for(Span::secs(3_600));
    assert!(k.is_idle());
    assert_eq!(k.traffic.by_kind(Time::ZERO..END).into_keys().collect::<Vec<_>>(), ["status"]);
    assert_eq!((highest_view(&k), least(&k)), (0, 0));
    k.submit_all(250);
    k.run_for(Span::secs(3_600));
    assert!(k.is_idle(), "a timer runs on after the work is done");
    assert_eq!((highest_view(&k), least(&k)), (0, 3));
}

#[test]
fn a_partitioned_leader_is_replaced_and_follows_after_the_healing() {
    let mut k = kit(4);
    k.run_for(Span::millis(105));
    k.split(&[NodeId(0)]);
    k.run_for(Span::secs(5));
    assert!(k.node(NodeId(0)).final_height() + 100 < k.node(NodeId(1)).final_height());
    assert_eq!(k.status(NodeId(1)).view, 1);
    k.heal_all();
    k.run_for(Span::millis(200));
    let tip = k.node(NodeId(1)).final_height();
    k.run_for(k.delay * 6);
    assert!(k.node(NodeId(0)).final_height() >= tip, "it keeps up");
    assert_eq!(k.status(NodeId(0)).view, 1);
}

#[test]
fn no_side_of_a_partition_without_quorum_decides_and_both_do_after_the_healing() {
    let mut k = kit(7);
    k.run_for(Span::millis(105));
    k.split(&[NodeId(0), NodeId(1), NodeId(2)]);
    k.run_for(Span::millis(100));
    let height = k.nodes.iter().map(|n| n.final_height()).max();
    k.run_for(Span::secs(60));
    assert_eq!(k.nodes.iter().map(|n| n.final_height()).max(), height, "3 and 4 of 7 are no quorum");
    k.heal_all();
    let limit = k.now + bound(&k);
    assert!(k.run_to_height(height.expect("nodes") + 20, limit));
}

#[test]
fn a_backup_that_left_alone_still_follows_and_votes_after_the_next_view_change() {
    let mut k = kit(4);
    k.run_for(Span::millis(105));
    k.split(&[NodeId(3)]);
    k.run_for(Span::secs(10));
    k.heal_all();
    k.run_for(Span::secs(1));
    assert_eq!((k.status(NodeId(3)).role, k.status(NodeId(0)).view), (Role::Electing, 0), "nobody else left");
    let tip = k.node(NodeId(1)).final_height();
    k.run_for(k.delay * 6);
    assert!(k.node(NodeId(3)).final_height() >= tip, "it executes what the others commit");
    k.crash(NodeId(0));
    let limit = k.now + bound(&k);
    assert!(k.run_to_height(tip + 100, limit), "three votes are needed, its own among them");
}

#[test]
fn a_replica_a_thousand_heights_behind_catches_up_by_state_transfer_and_votes() {
    let mut k = kit(4);
    k.run_for(Span::millis(55));
    k.crash(NodeId(3));
    let down = k.node(NodeId(3)).final_height();
    assert!(k.run_to_height(down + 1_000, END));
    k.restart(NodeId(3));
    let tip = least(&k).max(k.node(NodeId(1)).final_height());
    let limit = k.now + Span::millis(200);
    assert!(k.run_to_height(tip, limit), "it is at {} of {tip}", k.node(NodeId(3)).final_height());
    assert!(k.node(NodeId(3)).syncs > 0);
    k.run_for(Span::millis(100));
    k.crash(NodeId(2));
    let tip = k.node(NodeId(1)).final_height();
    let limit = k.now + Span::millis(200);
    assert!(k.run_to_height(tip + 20, limit), "without its vote there is no quorum");
}

#[test]
fn the_tail_is_caught_up_with_though_nothing_follows() {
    // The last commits never reach node 3, and nothing happens after them.
    let mut k = kit(4);
    k.limit_pools(0);
    drop_if(&mut k, |_, to, m| to == NodeId(3) && matches!(m, PbftMessage::Commit { height: 3.., .. }));
    k.submit_all(500);
    k.run_for(Span::millis(200));
    assert_eq!((k.node(NodeId(0)).final_height(), k.node(NodeId(3)).final_height()), (5, 2));
    k.run_for(Span::secs(1));
    assert_eq!(k.node(NodeId(3)).final_height(), 5);
    assert!(k.is_idle() && highest_view(&k) == 0);

    // It was away, and is told that the connection works again.
    k.split(&[NodeId(3)]);
    (0..3).for_each(|i| k.submit(NodeId(i), 300));
    k.run_for(Span::secs(1));
    assert_eq!((least(&k), k.node(NodeId(0)).final_height()), (5, 8));
    k.heal_all();
    k.run_for(Span::millis(100));
    assert_eq!(least(&k), 8);

    // It was down, and asks when it starts.
    k.crash(NodeId(3));
    (0..3).for_each(|i| k.submit(NodeId(i), 300));
    k.run_for(Span::secs(1));
    k.restart(NodeId(3));
    k.run_for(Span::millis(100));
    assert_eq!(least(&k), 11);
}

#[test]
fn a_lost_proposal_is_sent_again_and_one_that_leaves_a_gap_is_fetched() {
    // Three replicas must vote, and one of them lacks the only proposal: it asks when there is no progress.
    let mut k = kit(4);
    k.limit_pools(0);
    let mut first = true;
    drop_if(&mut k, move |_, to, m| {
        matches!(m, PbftMessage::PrePrepare { .. }) && to == NodeId(3) && std::mem::take(&mut first)
    });
    k.crash(NodeId(2));
    k.submit_all(100);
    assert!(k.run_to_height(1, Time::ZERO + config().patience + k.delay * 7));
    assert_eq!((highest_view(&k), k.node(NodeId(3)).fetches), (0, 0));

    // The next proposal shows that one was lost: no timer is needed.
    let mut k = kit(4);
    drop_if(&mut k, |_, to, m| {
        to == NodeId(3) && matches!(m, PbftMessage::PrePrepare { proposal } if proposal.header.height == 20)
    });
    k.run_for(Span::millis(300));
    assert!(k.node(NodeId(3)).fetches > 0);
    assert!(k.node(NodeId(3)).final_height() + 8 >= k.node(NodeId(0)).final_height());
}

#[test]
fn checkpoints_bound_the_log_and_lost_ones_are_made_up_for() {
    let small = |s: &mut crate::Settings| {
        s.set("checkpoint_interval", KnobValue::Count(4));
        s.set("window", KnobValue::Count(8));
    };
    let mut k: Host = Kit::new(4, small);
    assert!(k.run_to_height(100, END));
    for n in &k.nodes {
        let r = n.replica.as_ref().expect("it runs");
        assert!(r.low >= 92 && n.pruned >= 92, "low water mark {} at height {}", r.low, r.executed.height);
        assert!(r.window.used() <= 8 && r.top.height <= r.high());
    }
    let mut k: Host = Kit::new(4, small);
    drop_if(&mut k, |_, _, m| matches!(m, PbftMessage::Checkpoint { .. }));
    k.run_for(Span::millis(400));
    assert_eq!(least(&k), 8, "without a stable checkpoint the window is full");
    k.filter = None;
    k.run_for(Span::secs(2));
    assert!(least(&k) > 20, "at {}", least(&k));
    assert_eq!(highest_view(&k), 0);
}

#[test]
fn many_validators_with_little_stake_may_fail_one_after_the_other_within_the_bound() {
    let stakes = [1, 1, 1, 1, 1, 1, 1, 10].map(Stake).to_vec();
    let mut k: Host = Kit::with(Validators::new(stakes, (0..8).map(NodeId).collect()), 8, 1, |_| {});
    k.run_for(Span::millis(100));
    (0..5).for_each(|i| k.crash(NodeId(i)));
    let from = k.now;
    let height = drained(&mut k);
    assert!(k.run_to_height(height + 1, from + bound(&k)), "five of 17 are tolerated");
    assert!(k.now.since(from) > Span::secs(20), "five leaders in a row: {:?}", k.now.since(from));
}

#[test]
fn checkpoints_at_every_height_do_not_slow_the_pipeline() {
    // Links of different length: a validator's next checkpoint comes before the last one of the same height.
    let height_after = |interval: u64| {
        let mut k: Host = Kit::new(4, |s| {
            s.set("checkpoint_interval", KnobValue::Count(interval));
            s.set("window", KnobValue::Count(16));
            s.set("pipeline", KnobValue::Count(8));
            s.block_period = Span::millis(10);
        });
        let length = |a: NodeId, b: NodeId| Span::micros(Draws(u64::from(a.0 * 100 + b.0)).below(20_000));
        k.filter = Some(Box::new(move |_, a, b, _| Fate::Delay(length(a, b))));
        k.run_for(Span::secs(3));
        least(&k)
    };
    let (every, fourth) = (height_after(1), height_after(4));
    assert_eq!(every, fourth, "blocks with a checkpoint at each height, and with one at every fourth");
}

#[test]
fn one_replica_alone_goes_on_from_any_point_of_its_log() {
    for step in 0..40 {
        let mut k: Host = Kit::new(1, |_| {});
        k.fsync = Span::millis(2);
        k.run_for(Span::micros(100_000 + 250 * step));
        k.crash(NodeId(0));
        let height = k.node(NodeId(0)).final_height();
        k.restart(NodeId(0));
        let limit = k.now + Span::secs(1);
        assert!(k.run_to_height(height + 5, limit), "step {step}: at {} of {height}", least(&k));
    }
}
