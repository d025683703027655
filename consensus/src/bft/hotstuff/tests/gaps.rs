//! Partitions, loss and delay, and replicas that are behind.

use super::*;

#[test]
fn a_partition_heals_within_the_bound() {
    for seed in 0..12_u64 {
        let n = [4, 7][(seed % 2) as usize];
        let mut net = Net::new(n, term([100, 4][(seed / 2 % 2) as usize]));
        net.run_until(Time(200_000_000 + mix64(seed) % 400_000_000));
        let half = ids(0..n / 2);
        net.split(&half);
        net.run_for(Span::millis(100));
        assert!(!goes_on(&mut net, 1, Span::secs(30 + seed * 10)), "neither half is a quorum");
        net.heal_all();
        assert!(resumes(&mut net, 3), "seed {seed}");
    }
}

#[test]
fn a_long_partition_does_not_make_the_next_crash_longer() {
    let mut net = Net::new(4, |_| {});
    net.run_until(Time(300_000_000));
    net.split(&ids(0..2));
    net.run_for(Span::secs(600));
    // All wish for the same view by now: its leader is gone when the network is back.
    let wish = net.nodes[0].replica.as_ref().map_or(0, |r| r.pace.wish());
    let leader = net.config.terms.leader(wish);
    net.crash(NodeId(leader.0));
    net.heal_all();
    assert!(resumes(&mut net, 3));
}

/// A replica is down while the others make `blocks` blocks and fall silent; nothing happens after its return.
fn return_to_silence(blocks: u64, everybody_restarts: bool) -> Net {
    let mut net = Net::new(4, |_| {});
    net.limit_pools(0);
    net.submit_all(1);
    net.run_for(Span::secs(1));
    net.crash(NodeId(3));
    for _ in 0..blocks / 4 {
        net.submit_all(1);
        net.run_for(Span::secs(1));
    }
    if everybody_restarts {
        ids(0..3).into_iter().for_each(|i| net.crash(i));
        ids(0..3).into_iter().for_each(|i| net.restart(i));
    }
    net.nodes[3].pool.limit(0);
    net.restart(NodeId(3));
    net.run_for(Span::secs(5));
    let behind = net.nodes[0].final_height() - net.nodes[3].final_height();
    assert!(behind <= 1, "{blocks} blocks, restart {everybody_restarts}: {behind} behind");
    assert_eq!(net.traffic.by_kind(Time::ZERO..Time::NEVER).get("new-view"), None, "nobody is to blame");
    assert!(net.is_idle(), "it does not come to rest");
    net
}

#[test]
fn a_replica_that_returns_to_silence_catches_up_without_a_complaint() {
    assert_eq!(return_to_silence(4, false).nodes[3].syncs, 0);
    assert_eq!(return_to_silence(40, false).nodes[3].syncs, 1);
}

#[test]
fn blocks_that_nobody_has_any_more_come_with_the_ledger() {
    assert!(return_to_silence(4, true).nodes[3].syncs > 0);
    assert!(return_to_silence(40, true).nodes[3].syncs > 0);
}

#[test]
fn a_minority_cut_off_does_not_disturb_the_rest_and_comes_back() {
    let mut net = Net::new(7, |_| {});
    net.run_until(Time(300_000_000));
    net.split(&ids(5..7));
    net.run_until(Time(9_000_000_000));
    assert!(net.nodes[0].final_height() > 400);
    net.heal_all();
    assert!(goes_on(&mut net, 5, Span::secs(1)), "they only need the ledger");
    assert!(net.nodes[5].syncs > 0);
}

#[test]
fn a_replica_1000_heights_behind_takes_over_the_ledger() {
    let mut net = Net::new(4, |_| {});
    net.run_until(Time(100_000_000));
    net.crash(NodeId(3));
    assert!(goes_on(&mut net, 1_000, Span::secs(40)));
    let behind = net.nodes[0].final_height() - net.nodes[3].final_height();
    assert!(behind >= 1_000, "{behind}");
    net.restart(NodeId(3));
    assert!(goes_on(&mut net, 1, Span::secs(1)));
    let late = &net.nodes[3];
    assert!(late.syncs >= 1 && late.fetches <= 8, "{} transfers, {} fetches", late.syncs, late.fetches);
    // It counts: with another one gone there is no quorum without it.
    net.crash(NodeId(1));
    assert!(resumes(&mut net, 5));
}

#[test]
fn a_short_gap_is_filled_block_by_block() {
    let mut net = Net::new(4, |_| {});
    net.run_until(Time(100_000_000));
    net.filter = Some(Box::new(|at, _, to, m| {
        let lost = at < Time(160_000_000) && to == NodeId(3) && matches!(m, HotStuffMessage::Propose { .. });
        if lost { Fate::Drop } else { Fate::Pass }
    }));
    net.run_until(Time(400_000_000));
    let late = &net.nodes[3];
    assert!(late.fetches >= 2 && late.syncs == 0, "{} fetches, {} transfers", late.fetches, late.syncs);
    assert!(late.final_height() + 1 >= net.nodes[0].final_height());
}

/// Loss, delay and reordering between lanes at random for two seconds, with crashes between; the host checks
/// agreement and single votes at every step. Afterwards the chain goes on.
fn storm(seed: u64) {
    let mut net = Net::new([4, 5, 7][(seed % 3) as usize], |s| {
        s.set("term", KnobValue::Count([4, 8, 100, 0][(seed / 3 % 4) as usize]));
        s.set("timeout", KnobValue::Span(Span::millis(100)));
    });
    net.fsync = Span::millis(seed % 3);
    let n = net.nodes.len() as u64;
    let mut count = seed << 32;
    net.filter = Some(Box::new(move |at, _, _, _| {
        count += 1;
        let draw = mix64(count);
        match draw % 10 {
            _ if at > Time(2_000_000_000) => Fate::Pass,
            0 => Fate::Drop,
            1..=3 => Fate::Delay(Span((draw >> 20) % 150_000_000)),
            _ => Fate::Pass,
        }
    }));
    for round in 0..8 {
        net.run_for(Span::millis(250));
        let draw = mix64(seed * 100 + round);
        let node = NodeId((draw % n) as u32);
        if draw >> 60 < 6 {
            net.crash(node);
            net.run_for(Span((draw >> 30) % 50_000_000));
            net.restart(node);
        }
    }
    assert!(goes_on(&mut net, 5, Span::secs(20)), "seed {seed}: height {}", final_height(&net));
}

#[test]
fn random_loss_delay_and_crashes_break_nothing() {
    (0..100).for_each(storm);
}
