//! Delays, messages and quorums are those of the closed forms.

use super::{END, Host, kit};
use crate::bft::pbft::{Pbft, PbftRecord};
use crate::knob::KnobValue;
use crate::protocol::{Protocol, Validators};
use crate::testkit::Kit;
use crate::types::{NodeId, Span, Stake};

/// The tenth decision alone on the network: three delays everywhere, 2n(n-1) messages, kind by kind.
fn tenth_decision(n: u32) {
    let mut k: Host = Kit::new(n, |s| s.block_period = Span::millis(100));
    assert!(k.run_to_height(11, END));
    for latency in k.latencies(10) {
        assert_eq!(latency, Some(k.delay * 3), "n {n}");
    }
    let at = |h| k.proposal(h).expect("it is final").0;
    let sent = k.traffic.by_kind(at(10)..at(11));
    let m = u64::from(n);
    let want = [("commit", m * (m - 1)), ("pre-prepare", m - 1), ("prepare", (m - 1) * (m - 1))];
    assert_eq!(sent.into_iter().collect::<Vec<_>>(), want, "n {n}");
    assert_eq!(want.iter().map(|(_, c)| c).sum::<u64>(), Pbft::INFO.messages.expect("it is stated")(m));
    assert_eq!(Pbft::INFO.delays.expect("it is stated")(m), 3);
}

#[test]
fn four_nodes_decide_in_3_delays_and_24_messages() {
    tenth_decision(4);
}

#[test]
fn seven_nodes_decide_in_3_delays_and_84_messages() {
    tenth_decision(7);
}

#[test]
fn sixteen_nodes_decide_in_3_delays_and_480_messages() {
    tenth_decision(16);
}

#[test]
fn a_hundred_nodes_decide_in_3_delays_and_19800_messages() {
    tenth_decision(100);
}

#[test]
fn a_full_pipeline_keeps_3_delays_and_multiplies_throughput() {
    let mut k = kit(4);
    assert!(k.run_to_height(80, END));
    assert!(k.latencies(40).into_iter().all(|l| l == Some(k.delay * 3)));
    // Eight blocks every three delays.
    assert_eq!(k.now.since(crate::Time::ZERO), k.delay * 30);
}

#[test]
fn a_quorum_of_20_is_14_and_not_13() {
    let run = |crashed: u32| {
        let mut k = kit(20);
        (0..crashed).for_each(|i| k.crash(NodeId(19 - i)));
        k.run_for(Span::millis(400));
        k
    };
    let k = run(6);
    assert!(k.node(NodeId(0)).final_height() > 10);
    let decided = k.node(NodeId(0)).log.iter().filter_map(|r| match r {
        PbftRecord::Decided { certificate } => Some(certificate.signers.len()),
        _ => None,
    });
    let decided: Vec<_> = decided.collect();
    assert!(decided.len() > 10 && decided.iter().all(|s| *s == 14));
    let k = run(7);
    assert_eq!(k.node(NodeId(0)).final_height(), 0, "13 of 20 are no quorum");
}

#[test]
fn the_period_spaces_proposals_and_the_pipeline_bounds_them() {
    let mut k: Host = Kit::new(4, |s| {
        s.block_period = Span::millis(250);
        s.set("pipeline", KnobValue::Count(1));
    });
    assert!(k.run_to_height(5, END));
    let at = |h| k.proposal(h).expect("it is final").0;
    (1..5).for_each(|h| assert_eq!(at(h + 1) - at(h), Span::millis(250)));
    let mut k: Host = Kit::new(4, |s| s.set("pipeline", KnobValue::Count(1)));
    assert!(k.run_to_height(5, END));
    let at = |h| k.proposal(h).expect("it is final").0;
    (1..5).for_each(|h| assert_eq!(at(h + 1) - at(h), k.delay * 3));
}

#[test]
fn one_node_and_two_nodes_decide_too() {
    for n in 1..=3 {
        let mut k: Host = Kit::new(n, |s| s.block_period = Span::millis(100));
        assert!(k.run_to_height(10, END), "n {n}");
    }
}

#[test]
fn quorums_count_stake_and_nodes_without_a_key_follow() {
    // Stake 9 of which 2 may fail: a quorum has 6, and the last two validators have only 2.
    let stake = [3, 2, 2, 1, 1].map(Stake).to_vec();
    let validators = Validators::new(stake, (0..5).map(NodeId).collect());
    let mut k: Host = Kit::with(validators, 7, 1, |_| {});
    k.crash(NodeId(3));
    k.crash(NodeId(4));
    assert!(k.run_to_height(20, END), "the observers are at {}", k.node(NodeId(6)).final_height());
    assert!(k.nodes[5..].iter().all(|n| !n.log.iter().any(|r| matches!(r, PbftRecord::Accepted { .. }))));
    k.crash(NodeId(2));
    k.run_for(Span::secs(1));
    let height = k.node(NodeId(0)).final_height();
    k.run_for(Span::secs(60));
    assert_eq!(k.node(NodeId(0)).final_height(), height, "stake 5 of 9 is no quorum, and two validators are none");
}
