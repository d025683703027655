//! Exact delays and counts without faults, and what happens when there is nothing to do.

use super::*;

fn assert_closed_forms(n: u32, views: u64) {
    let mut net = Net::new(n, term(views));
    assert!(net.run_to_height(21, Time(60_000_000_000)));
    for height in 10..20 {
        // Without a timeout the block of height h is that of view h, and the fourth view on is h + 3.
        let fourth = net.config.terms.leader(height + 3).0 as usize;
        for (i, latency) in net.latencies(height).into_iter().enumerate() {
            let delays = if i == fourth { 6 } else { 7 };
            assert_eq!(latency, Some(net.delay * delays), "n {n}, height {height}, node {i}");
        }
        let at = |h| net.proposal(h).expect("it is final").0;
        let sent = net.traffic.by_kind(at(height)..at(height + 1));
        let each = u64::from(n) - 1;
        assert_eq!(sent.into_iter().collect::<Vec<_>>(), [("propose", each), ("vote", each)]);
    }
}

#[test]
fn a_block_is_final_after_7_delays_and_2n_minus_2_messages() {
    for n in [4, 7, 16, 100] {
        assert_closed_forms(n, 100);
    }
}

#[test]
fn a_regular_change_of_leaders_costs_nothing() {
    assert_closed_forms(4, 4);
    assert_closed_forms(7, 4);
    assert_closed_forms(7, 0);
}

#[test]
fn the_block_period_is_kept_between_proposals() {
    let mut net = Net::new(4, |s| s.block_period = Span::millis(500));
    assert!(net.run_to_height(12, Time(20_000_000_000)));
    let at = |h| net.proposal(h).expect("it is final").0;
    assert_eq!(at(11) - at(10), Span::millis(500));
    assert_eq!(net.latencies(10).into_iter().flatten().max(), Some(Span::millis(1_510)));
    let expected = HotStuff::expected_finality(&net.config, net.delay);
    assert_eq!(expected, Span::millis(2_010), "one period before the proposal, then 3 and a delay");
}

#[test]
fn a_single_transaction_is_closed_by_three_empty_blocks_and_then_there_is_silence() {
    let mut net = Net::new(4, |_| {});
    net.limit_pools(0);
    net.run_for(Span::secs(30));
    assert!(net.traffic.sent.is_empty(), "nothing to do, yet {:?}", net.traffic.sent[0]);
    net.submit_all(1);
    net.run_for(Span::secs(1));
    let all = net.traffic.sent.len();
    assert_eq!(all, 4 * 6, "four blocks");
    for n in &net.nodes {
        // Whoever has the votes for the last block has the next one final as well.
        assert_eq!(n.final_height(), if n.chain.len() == 3 { 2 } else { 1 });
        assert_eq!(n.chain[1].payloads[0].count, 1);
    }
    assert_eq!(net.nodes.iter().filter(|n| n.final_height() == 1).count(), 3);
    net.run_for(Span::secs(60));
    assert_eq!(net.traffic.sent.len(), all, "a timeout without reason");
    assert!(net.is_idle(), "a timer runs for nothing");
}

#[test]
fn empty_blocks_never_stop_where_they_are_wanted() {
    let mut net = Net::new(4, |s| s.empty_blocks = EmptyBlocks::Always);
    net.limit_pools(0);
    assert!(net.run_to_height(50, Time(2_000_000_000)));
}

#[test]
fn votes_wait_for_the_disk() {
    let mut net = Net::new(4, |_| {});
    net.fsync = Span::millis(3);
    assert!(net.run_to_height(11, Time(60_000_000_000)));
    // Three round trips and the last proposal, each of the 7 messages behind an fsync of its sender.
    assert_eq!(net.latencies(10).into_iter().flatten().max(), Some(Span::millis(6 * 13 + 10)));
}

#[test]
fn one_validator_is_its_own_quorum() {
    let mut net = Net::new(1, |_| {});
    net.run_until(Time(1_000_000_000));
    assert!(net.nodes[0].final_height() > 900);
}

#[test]
fn weights_count_instead_of_heads() {
    let stake = [4, 2, 2, 2].map(crate::types::Stake).to_vec();
    let validators = crate::protocol::Validators::new(stake, ids(0..4));
    let mut net = Kit::<HotStuff>::with(validators, 5, 1, |_| {});
    net.run_until(Time(500_000_000));
    assert!(net.nodes.iter().all(|n| n.final_height() > 10), "the fifth follows without a key");
    net.crash(NodeId(1));
    assert!(resumes(&mut net, 10), "8 of 10 is a quorum of 7");
    net.restart(NodeId(1));
    assert!(resumes(&mut net, 10));
    net.crash(NodeId(0));
    assert!(!goes_on(&mut net, 1, Span::secs(60)), "6 of 10 is none");
}

#[test]
fn a_validator_that_is_a_quorum_alone_takes_its_time() {
    let validators = crate::protocol::Validators::new([7, 1, 1, 1].map(crate::types::Stake).to_vec(), ids(0..4));
    let mut net = Kit::<HotStuff>::with(validators, 4, 1, |_| {});
    net.run_until(Time(50_000_000));
    assert!((40..=50).contains(&net.nodes[0].final_height()), "{}", net.nodes[0].final_height());
}

#[test]
fn a_replica_without_a_key_gives_up_old_blocks_as_the_others_do() {
    let mut net = Net::with(crate::protocol::Validators::equal(4), 5, 1, |_| {});
    assert!(net.run_to_height(60, Time(60_000_000_000)));
    for n in &net.nodes {
        let (height, pruned) = (n.final_height(), n.pruned);
        assert!(pruned <= height && height < pruned + 16, "pruned to {pruned} at {height}");
    }
    assert_eq!(net.node(NodeId(4)).log.len(), 0);
}
