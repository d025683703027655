//! HotStuff on the test host: exact delays and counts, and what crashes, partitions and lossy links may not break.

use super::message::HotStuffMessage;
use super::{HotStuff, HotStuffTimer};
use crate::knob::{EmptyBlocks, KnobValue, Settings};
use crate::protocol::{Protocol, Timer};
use crate::testkit::{Fate, Kit};
use crate::types::{Height, NodeId, Span, Time, mix64};

type Net = Kit<HotStuff>;

fn term(views: u64) -> impl FnOnce(&mut Settings) {
    move |s| s.set("term", KnobValue::Count(views))
}

fn final_height(net: &Net) -> Height {
    net.nodes.iter().map(|n| n.final_height()).max().unwrap_or(0)
}

/// Whether all running nodes have finalised `more` blocks on top of what anybody has now, before `limit` passed.
fn goes_on(net: &mut Net, more: Height, limit: Span) -> bool {
    let (goal, end) = (final_height(net) + more, net.now + limit);
    net.run_to_height(goal, end)
}

/// The stated bound less the two timeouts that only a complaint of few costs: here everybody has work.
fn bound(net: &Net) -> Span {
    let stated = HotStuff::recovery_bound(&net.config, &net.validators, net.delay).expect("it states one");
    Span(stated.0 - 2 * (net.config.timeout.0 + net.config.block_period.0 + 2 * net.delay.0))
}

/// Whether commits go on within the bound.
fn resumes(net: &mut Net, more: Height) -> bool {
    let limit = bound(net);
    goes_on(net, more, limit)
}

fn ids(range: std::ops::Range<u32>) -> Vec<NodeId> {
    range.map(NodeId).collect()
}

mod normal_case {
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
}

mod crashes {
    use super::*;

    /// What a seed did to its run.
    struct Outcome {
        view_changes: u64,
        fetches: u64,
        syncs: u64,
    }

    fn leader_crash(seed: u64) -> Outcome {
        let n = [4, 7, 10][(seed % 3) as usize];
        let terms = [100, 8, 4][(seed / 3 % 3) as usize];
        let mut net = Net::new(n, term(terms));
        net.fsync = Span::millis(seed % 2);
        net.run_until(Time(100_000_000 + mix64(seed) % 1_000_000_000));
        let leader = net.status(NodeId(0)).leader.expect("there is always one");
        let at = net.now;
        net.crash(leader);
        assert!(resumes(&mut net, 1), "seed {seed}: no commit within {:?} of {at:?}", bound(&net));
        net.run_for(Span::millis(mix64(seed + 1_000) % 3_000));
        net.restart(leader);
        assert!(resumes(&mut net, 5), "seed {seed}: the old leader does not catch up");
        // It votes again: with f others gone, nothing would become final without it.
        for other in (0..n).map(NodeId).filter(|o| *o != leader).take(((n - 1) / 3) as usize) {
            net.crash(other);
        }
        assert!(resumes(&mut net, 3), "seed {seed}: the old leader does not vote");
        let of = |f: fn(&crate::testkit::Node<HotStuff>) -> u64| net.nodes.iter().map(f).sum();
        let view_changes = net.traffic.by_kind(Time::ZERO..Time::NEVER).get("new-view").copied().unwrap_or(0);
        Outcome { view_changes, fetches: of(|n| n.fetches), syncs: of(|n| n.syncs) }
    }

    #[test]
    fn after_a_crash_of_the_leader_commits_resume_within_the_bound_and_it_rejoins() {
        let outcomes: Vec<Outcome> = (0..40).map(leader_crash).collect();
        let share = |f: fn(&Outcome) -> bool| outcomes.iter().filter(|o| f(o)).count();
        assert!(share(|o| o.view_changes > 0) >= 36, "view changes in {}", share(|o| o.view_changes > 0));
        assert!(share(|o| o.syncs > 0) >= 2, "state transfers in {}", share(|o| o.syncs > 0));
        assert!(share(|o| o.fetches > 0) >= 2, "fetches in {}", share(|o| o.fetches > 0));
    }

    #[test]
    fn f_leaders_in_a_row_fail_within_the_bound() {
        for (n, f) in [(4, 1), (7, 2), (10, 3), (16, 5)] {
            let mut net = Net::new(n, |_| {});
            net.run_until(Time(333_000_000));
            ids(0..f).into_iter().for_each(|i| net.crash(i));
            let started = net.now;
            assert!(resumes(&mut net, 1), "n {n}");
            let took = net.now - started;
            assert!(took > Span::secs(2) * u64::from(f), "n {n}: {took:?} is less than {f} timeouts");
        }
    }

    #[test]
    fn more_than_f_crashes_stop_the_chain_until_one_is_back() {
        let mut net = Net::new(4, |_| {});
        net.run_until(Time(500_000_000));
        net.crash(NodeId(0));
        net.crash(NodeId(2));
        assert!(!goes_on(&mut net, 1, Span::secs(100)), "two of four are no quorum");
        net.restart(NodeId(2));
        assert!(resumes(&mut net, 3));
    }

    #[test]
    fn a_cluster_that_lost_power_goes_on_from_its_logs() {
        for ms in [207, 213, 400, 777] {
            let mut net = Net::new(4, |_| {});
            net.fsync = Span::millis(2);
            net.run_until(Time(ms * 1_000_000));
            let before = final_height(&net);
            ids(0..4).into_iter().for_each(|i| net.crash(i));
            net.run_for(Span::secs(1));
            ids(0..4).into_iter().for_each(|i| net.restart(i));
            assert!(resumes(&mut net, 3), "at {ms} ms, height {before}");
        }
    }

    #[test]
    fn a_new_leader_is_told_by_n_minus_1_messages() {
        let mut net = Net::new(7, |_| {});
        net.run_until(Time(500_000_000));
        net.crash(NodeId(0));
        assert!(resumes(&mut net, 1));
        assert_eq!(net.traffic.by_kind(Time::ZERO..Time::NEVER)["new-view"], 5, "six others, one of them the leader");
    }

    #[test]
    fn one_replica_with_work_gets_a_dead_leader_replaced() {
        let mut net = Net::new(4, |_| {});
        net.limit_pools(0);
        net.run_for(Span::secs(1));
        net.crash(NodeId(0));
        net.submit(NodeId(3), 3);
        let limit = HotStuff::recovery_bound(&net.config, &net.validators, net.delay).expect("it states one");
        assert!(goes_on(&mut net, 1, limit));
        // The other leaders do not have its transactions, so its own term must come.
        let ordered =
            |n: &crate::testkit::Node<HotStuff>| n.chain.iter().flat_map(|b| &b.payloads).any(|p| p.count == 3);
        let end = net.now + Span::secs(60);
        assert!(net.run_while(end, |net| !net.nodes[1..].iter().all(ordered)));
        net.run_for(Span::secs(10));
        let all = net.traffic.sent.len();
        net.run_for(Span::secs(60));
        assert_eq!(net.traffic.sent.len(), all, "it does not come to rest");
    }

    #[test]
    fn a_restarted_replica_never_votes_twice_in_a_view() {
        // Each restart is at once, before what it had sent can tell it anything: the host panics at a second value.
        let mut net = Net::new(4, term(4));
        net.fsync = Span::millis(1);
        for round in 0..60 {
            net.run_for(Span::micros(1 + mix64(round) % 30_000));
            let node = NodeId((mix64(round + 500) % 4) as u32);
            let voted = net.nodes[node.0 as usize].log.last().map_or(0, |r| r.block.view);
            net.crash(node);
            net.restart(node);
            let view = net.nodes[node.0 as usize].replica.as_ref().map_or(0, |r| r.voted.0);
            let kept = net.nodes[node.0 as usize].log.last().map_or(0, |r| r.block.view);
            assert_eq!(view, kept);
            assert!(kept <= voted);
        }
        assert!(resumes(&mut net, 3));
    }
}

mod gaps {
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
}

#[test]
fn the_two_timers_are_told_apart() {
    assert_eq!([HotStuffTimer::View.kind(), HotStuffTimer::Period.kind()], [0, 1]);
    assert_eq!(HotStuff::TIMERS, 2);
}
