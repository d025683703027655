//! Exact delays and counts, the period, outages of the server, nodes that missed groups.

use super::Central;
use crate::knob::EmptyBlocks;
use crate::protocol::{Protocol, Role};
use crate::testkit::{Fate, Kit};
use crate::types::{NodeId, Span, Time};

const SERVER: NodeId = NodeId(0);
const OTHER: NodeId = NodeId(2);

fn ms(n: u64) -> Time {
    Time::ZERO + Span::millis(n)
}

fn kit(n: u32, period_ms: u64) -> Kit<Central> {
    let mut kit = Kit::new(n, |s| {
        s.block_period = Span::millis(period_ms);
        s.empty_blocks = EmptyBlocks::Always;
    });
    kit.fsync = Span::millis(2);
    kit
}

#[test]
fn a_group_commits_at_the_server_after_its_fsync_and_elsewhere_one_delay_later() {
    let mut kit = kit(5, 100);
    kit.run_until(ms(1_000));
    let ends: Vec<Time> = kit.nodes.iter().map(|n| n.finalised[10]).collect();
    assert_eq!(ends[0], ms(902));
    assert!(ends[1..].iter().all(|t| *t == ms(912)));
    assert_eq!(kit.traffic.count(ms(900)..ms(999)), 4);
    assert_eq!(kit.status(SERVER).role, Role::Leader);
    assert_eq!(kit.status(OTHER).leader, Some(SERVER));
}

#[test]
fn without_a_period_groups_follow_each_other_at_the_pace_of_the_disk() {
    let mut kit = kit(3, 0);
    kit.run_until(ms(1_000));
    assert_eq!(kit.node(SERVER).final_height(), 500);
    assert_eq!(kit.node(OTHER).final_height(), 495);
}

#[test]
fn an_idle_server_makes_no_groups() {
    let mut kit = kit(3, 10);
    kit.limit_pools(0);
    kit.run_until(ms(500));
    assert_eq!(kit.node(SERVER).tip().height, 0);
    kit.submit(SERVER, 7);
    kit.run_until(ms(520));
    assert_eq!(kit.nodes.iter().map(|n| n.final_height()).collect::<Vec<_>>(), [1, 1, 1]);
    assert_eq!(kit.node(OTHER).chain[1].payloads[0].count, 7);
    assert_eq!(kit.node(OTHER).finalised[1], ms(512));
}

#[test]
fn nothing_commits_while_the_server_is_down_and_durable_groups_survive() {
    let mut kit = kit(3, 100);
    kit.run_until(ms(502));
    assert_eq!(kit.node(SERVER).final_height(), 6);
    kit.crash(SERVER);
    kit.run_until(ms(5_000));
    assert_eq!(kit.node(OTHER).final_height(), 6);
    kit.restart(SERVER);
    kit.run_until(ms(5_050));
    assert_eq!(kit.node(OTHER).final_height(), 7);
    assert_eq!(kit.node(OTHER).finalised[7], ms(5_012));
}

#[test]
fn what_is_durable_but_not_committed_is_committed_after_a_restart() {
    let mut whole = crate::testkit::solo::Solo::<Central>::open(
        env(),
        &Central::configure(&crate::knob::Settings::new(&[], false), &crate::protocol::Validators::equal(3)),
        vec![],
        crate::types::Tip::default(),
    );
    let asked = whole.call(|r, cx| r.on_start(cx));
    let out = whole.supply(&asked, 1);
    assert!(crate::testkit::solo::steps(&out).is_empty(), "not committed before it is durable");
    let g = whole.log.last().expect("one group").clone();
    let config = whole.replica.config.clone();
    let mut again =
        crate::testkit::solo::Solo::<Central>::open(env(), &config, vec![g.clone()], crate::types::Tip::default());
    let out = again.call(|r, cx| r.on_start(cx));
    assert_eq!(crate::testkit::solo::steps(&out), [crate::testkit::solo::Step::Adopt(1, g.id)]);
    assert!(out.list.iter().any(|e| matches!(e, crate::effect::Effect::Finalize { height: 1, .. })));
}

fn env() -> crate::protocol::Env {
    crate::protocol::Env {
        me: SERVER,
        key: Some(crate::types::ValidatorId(0)),
        nodes: 3,
        validators: std::sync::Arc::new(crate::protocol::Validators::equal(3)),
        hashing: crate::types::Hashing::Mix,
        seed: 1,
    }
}

#[test]
fn a_node_that_missed_a_thousand_groups_copies_the_ledger() {
    let mut kit = kit(3, 10);
    kit.run_until(ms(100));
    kit.crash(OTHER);
    kit.run_until(ms(11_000));
    kit.restart(OTHER);
    kit.run_until(ms(11_100));
    assert!(kit.node(SERVER).final_height() > 1_050);
    assert!(kit.node(SERVER).final_height() - kit.node(OTHER).final_height() <= 1);
    assert!((1..=2).contains(&kit.node(OTHER).syncs), "{} copies", kit.node(OTHER).syncs);
}

#[test]
fn a_node_that_was_cut_off_learns_of_it_without_new_load() {
    let mut kit = kit(3, 10);
    kit.limit_pools(0);
    kit.split(&[OTHER]);
    kit.submit_all(500);
    kit.run_until(ms(1_000));
    assert_eq!((kit.node(SERVER).final_height(), kit.node(OTHER).final_height()), (5, 0));
    kit.heal_all();
    kit.run_until(ms(1_100));
    assert_eq!(kit.node(OTHER).final_height(), 5);
}

#[test]
fn a_copy_that_covers_what_came_meanwhile_is_the_last_one() {
    let v = std::sync::Arc::new(crate::protocol::Validators::equal(3));
    let config = Central::configure(&crate::knob::Settings::new(&[], false), &v);
    let other = crate::protocol::Env { me: OTHER, key: Some(crate::types::ValidatorId(2)), ..env() };
    let mut node = crate::testkit::solo::Solo::<Central>::open(other, &config, vec![], Default::default());
    let mut groups: Vec<std::sync::Arc<super::Group>> = vec![];
    for i in 0..6 {
        let below = groups.last().map_or_else(Default::default, |g| g.tip());
        let payload = crate::message::PayloadRef { root: crate::types::Digest([i, 9]), bytes: 1, count: 1 };
        groups.push(std::sync::Arc::new(super::Group::new(below, &[payload], crate::types::Hashing::Mix)));
    }
    let copies = |out: &crate::effect::Effects<Central>| {
        out.list.iter().filter(|e| matches!(e, crate::effect::Effect::Sync { .. })).count()
    };
    let shipped = |i: usize| super::Shipped { group: groups[i].clone() };
    assert_eq!(copies(&node.call(|r, cx| r.on_message(SERVER, &shipped(3), cx))), 1);
    assert_eq!(copies(&node.call(|r, cx| r.on_message(SERVER, &shipped(4), cx))), 0, "one at a time");
    let out = node.call(|r, cx| r.on_state(groups[3].tip(), cx));
    assert_eq!(copies(&out), 0);
    assert_eq!(crate::testkit::solo::steps(&out), [crate::testkit::solo::Step::Adopt(5, groups[4].id)]);
    let out = node.call(|r, cx| r.on_message(SERVER, &shipped(5), cx));
    assert_eq!((copies(&out), crate::testkit::solo::steps(&out).len()), (0, 1));
}

#[test]
fn copies_that_a_crash_of_the_server_lost_are_sent_again_when_it_restarts() {
    let mut kit = kit(3, 10);
    kit.limit_pools(0);
    kit.filter = Some(Box::new(|at, _, _, _| if at < ms(500) { Fate::Drop } else { Fate::Pass }));
    kit.submit(SERVER, 7);
    kit.run_until(ms(400));
    kit.crash(SERVER);
    kit.run_until(ms(600));
    kit.restart(SERVER);
    kit.run_until(ms(700));
    assert_eq!(kit.nodes.iter().map(|n| n.final_height()).collect::<Vec<_>>(), [1, 1, 1]);
}
