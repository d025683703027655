//! Crashes at any point: of the leader, of several leaders, of everybody.

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
    let ordered = |n: &crate::testkit::Node<HotStuff>| n.chain.iter().flat_map(|b| &b.payloads).any(|p| p.count == 3);
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

/// A crash and restart between the first proposal's arrival at 10 ms and that of the votes for it at 20 ms needs no
/// view change.
fn goes_on_after_a_restart_at_once(net: &mut Net, node: NodeId) {
    net.run_until(Time(15_000_000));
    net.crash(node);
    net.restart(node);
    assert!(goes_on(net, 5, Span::secs(1)));
    assert_eq!(net.traffic.by_kind(Time::ZERO..Time::NEVER).get("new-view"), None);
}

#[test]
fn votes_that_a_crash_of_the_leader_lost_are_sent_again() {
    let mut net = Net::new(4, |_| {});
    goes_on_after_a_restart_at_once(&mut net, NodeId(0));
}

#[test]
fn a_complaint_shows_how_its_sender_got_into_its_view() {
    let mut net = Net::new(4, |_| {});
    let seen = std::rc::Rc::new(std::cell::RefCell::new(vec![]));
    let keep = seen.clone();
    net.filter = Some(Box::new(move |at, from, to, m| {
        if let (HotStuffMessage::NewView { wish }, NodeId(1), NodeId(2)) = (m, from, to) {
            keep.borrow_mut().push((wish.view, wish.entry.as_ref().map(|e| e.what.major)));
        }
        let muted = from == NodeId(1) && at > Time(500_000_000) && matches!(m, HotStuffMessage::Propose { .. });
        if muted { Fate::Drop } else { Fate::Pass }
    }));
    net.run_until(Time(500_000_000));
    net.crash(NodeId(0));
    net.run_for(Span::secs(5));
    assert_eq!(seen.borrow()[0], (201, Some(101)), "the second leader was let in but not heard");
    assert!(resumes(&mut net, 1));
}

#[test]
fn a_restarted_leader_counts_its_own_durable_vote() {
    // Three of four are a quorum, and the fourth is down: the votes of all three are needed.
    let mut net = Net::new(4, |_| {});
    net.crash(NodeId(3));
    goes_on_after_a_restart_at_once(&mut net, NodeId(0));
}

#[test]
fn a_restarted_leader_sends_the_proposal_that_was_lost_again() {
    let mut net = Net::new(4, |_| {});
    net.crash(NodeId(3));
    net.filter = Some(Box::new(|at, _, _, _| if at < Time(5_000_000) { Fate::Drop } else { Fate::Pass }));
    goes_on_after_a_restart_at_once(&mut net, NodeId(0));
}

#[test]
fn a_restarted_replica_sends_its_last_vote_again() {
    // Its vote for the first block, which the leader needs, is lost in its card.
    let mut net = Net::new(4, |_| {});
    net.crash(NodeId(3));
    net.filter = Some(Box::new(|at, from, _, _| match from {
        NodeId(1) if at < Time(15_000_000) => Fate::Drop,
        _ => Fate::Pass,
    }));
    goes_on_after_a_restart_at_once(&mut net, NodeId(1));
}

#[test]
fn many_validators_with_little_stake_may_fail_one_after_the_other_within_the_bound() {
    let stakes = [1, 1, 1, 1, 1, 1, 1, 10].map(crate::Stake).to_vec();
    let validators = crate::protocol::Validators::new(stakes, ids(0..8));
    let mut net = Net::with(validators, 8, 1, |_| {});
    net.run_until(Time(333_000_000));
    ids(0..5).into_iter().for_each(|i| net.crash(i));
    assert!(resumes(&mut net, 1), "five of 17 are tolerated");
}

#[test]
fn one_replica_alone_goes_on_from_any_point_of_its_log() {
    for step in 0..20 {
        let mut net = Net::new(1, |_| {});
        net.fsync = Span::millis(2);
        net.run_for(Span::micros(100_000 + 250 * step));
        net.crash(NodeId(0));
        net.restart(NodeId(0));
        assert!(goes_on(&mut net, 5, Span::secs(1)), "step {step}");
    }
}
