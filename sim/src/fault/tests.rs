//! Windows merge, queries agree with a naive reading of the scenario, changes come in order.

use super::*;
use ledgerlab_consensus::types::mix64;
use ledgerlab_consensus::{Span, Stake};

fn fault(kind: FaultKind, at_s: u64, lasts_s: Option<u64>) -> Fault {
    Fault { name: "f".into(), kind, at: Span::secs(at_s), lasts: lasts_s.map(Span::secs) }
}
fn crash(nodes: &[u32], at_s: u64, lasts_s: Option<u64>) -> Fault {
    fault(FaultKind::Crash { nodes: nodes.to_vec() }, at_s, lasts_s)
}
fn partition(nodes: &[u32], at_s: u64, lasts_s: Option<u64>) -> Fault {
    fault(FaultKind::Partition { nodes: nodes.to_vec() }, at_s, lasts_s)
}
fn s(n: u64) -> Time {
    Time::ZERO + Span::secs(n)
}
const N: fn(u32) -> NodeId = NodeId;

#[test]
fn overlapping_and_touching_crashes_of_a_node_are_one() {
    let p = FaultPlan::new(
        &[crash(&[0, 1], 10, Some(10)), crash(&[1], 15, Some(10)), crash(&[1], 25, Some(5)), crash(&[1], 40, None)],
        3,
    );
    assert_eq!(p.down(N(1)), [Window { from: s(10), to: s(30) }, Window { from: s(40), to: Time::NEVER }]);
    assert!(p.down(N(2)).is_empty());
    assert_eq!(p.next_crash(N(1), Time::ZERO), Some(s(10)));
    assert_eq!(p.next_crash(N(1), s(10)), Some(s(10)));
    assert_eq!(p.next_crash(N(1), Time(s(10).0 + 1)), Some(s(40)));
    assert_eq!(p.next_crash(N(1), s(41)), None);
    for (at, up) in [(9, true), (10, false), (29, false), (30, true), (40, false), (1_000_000, false)] {
        assert_eq!(p.is_up(N(1), s(at)), up, "at {at} s");
    }
    let c = Change::Crash;
    let expected = [
        (s(10), c(N(0))),
        (s(10), c(N(1))),
        (s(20), Change::Restart(N(0))),
        (s(30), Change::Restart(N(1))),
        (s(40), c(N(1))),
    ];
    assert_eq!(p.timeline(), expected);
    assert_eq!(p.named().len(), 4);
    assert_eq!((p.named()[3].kind, p.named()[0].nodes), ("crash", 2));
}

#[test]
fn a_partition_cuts_its_members_off_from_others_only() {
    let p = FaultPlan::new(&[partition(&[0, 1], 10, Some(5))], 4);
    let cut = |a, b, t| p.cut_during(N(a), N(b), s(t), s(t));
    assert!(cut(0, 2, 10) && cut(3, 1, 14));
    assert!(!cut(0, 1, 12) && !cut(2, 3, 12));
    assert!(!cut(0, 2, 9) && !cut(0, 2, 15));
    assert!(p.is_up(N(0), s(12)));
    // In flight at any moment of the partition.
    assert!(p.cut_during(N(0), N(2), s(8), s(10)));
    assert!(p.cut_during(N(0), N(2), s(14), s(20)));
    assert!(p.cut_during(N(0), N(2), s(8), s(20)));
    assert!(!p.cut_during(N(0), N(2), s(8), Time(s(10).0 - 1)));
    assert!(!p.cut_during(N(0), N(2), s(15), s(20)));
    assert!(!p.cut_during(N(0), N(1), s(8), s(20)));
}

#[test]
fn who_is_reconnected_when_is_told_once() {
    let p = FaultPlan::new(&[partition(&[0], 10, Some(10)), partition(&[0, 1], 15, Some(10))], 4);
    let list = |it: &mut dyn Iterator<Item = NodeId>| it.map(|n| n.0).collect::<Vec<_>>();
    assert_eq!(p.timeline().iter().map(|c| c.0).collect::<Vec<_>>(), [s(10), s(15), s(20), s(25)]);
    assert_eq!(list(&mut p.disconnected(N(0), s(10))), [1, 2, 3]);
    assert_eq!(list(&mut p.disconnected(N(1), s(15))), [2, 3]);
    assert_eq!(list(&mut p.disconnected(N(0), s(15))), [0_u32; 0]);
    assert_eq!(list(&mut p.reconnected(N(0), s(20))), [1]);
    assert_eq!(list(&mut p.reconnected(N(2), s(25))), [0, 1]);
    assert_eq!(list(&mut p.reconnected(N(0), s(17))), [0_u32; 0]);
}

#[test]
fn an_equal_partition_that_follows_changes_nothing() {
    let p = FaultPlan::new(&[partition(&[2], 10, Some(5)), partition(&[2], 15, Some(5)), partition(&[], 1, None)], 3);
    assert_eq!(p.timeline(), [(s(10), Change::Connections), (s(20), Change::Connections)]);
    assert!(FaultPlan::new(&[crash(&[0], 5, Some(0)), partition(&[0], 5, Some(0))], 2).is_empty());
}

#[test]
fn queries_agree_with_the_scenario_read_naively() {
    let nodes = 6;
    for seed in 0..50_u64 {
        let draw = |i: u64, n: u64| mix64(seed * 1_000 + i) % n;
        let faults: Vec<Fault> = (0..8)
            .map(|i| {
                let members: Vec<u32> = (0..nodes).filter(|n| draw(100 + i * 10 + u64::from(*n), 3) == 0).collect();
                let (at, lasts) = (draw(i, 20), (draw(50 + i, 6) > 0).then(|| draw(20 + i, 8)));
                if i % 2 == 0 { crash(&members, at, lasts) } else { partition(&members, at, lasts) }
            })
            .collect();
        let p = FaultPlan::new(&faults, nodes);
        let active = |f: &Fault, t: u64| f.at <= Span::secs(t) && f.lasts.is_none_or(|l| Span::secs(t) < f.at + l);
        for t in 0..30 {
            for a in 0..nodes {
                let hit = |f: &Fault| matches!(&f.kind, FaultKind::Crash { nodes } if nodes.contains(&a));
                assert_eq!(p.is_up(N(a), s(t)), !faults.iter().any(|f| active(f, t) && hit(f)), "seed {seed}");
                for b in 0..nodes {
                    let parts = |f: &Fault| match &f.kind {
                        FaultKind::Partition { nodes } => nodes.contains(&a) != nodes.contains(&b),
                        FaultKind::Crash { .. } => false,
                    };
                    let cut = |t| faults.iter().any(|f| active(f, t) && parts(f));
                    assert_eq!(p.cut_during(N(a), N(b), s(t), s(t)), cut(t), "seed {seed}, {a} and {b} at {t} s");
                    // All bounds are whole seconds, so looking at whole seconds misses nothing.
                    assert_eq!(p.cut_during(N(a), N(b), s(t), s(t + 4)), (t..=t + 4).any(cut), "seed {seed}");
                }
            }
        }
    }
}

#[test]
fn faulty_stake_is_what_the_heaviest_connected_group_lacks() {
    let faults = [crash(&[0], 10, Some(20)), partition(&[1, 2], 20, Some(5)), partition(&[0, 1, 2, 3], 40, Some(5))];
    let stake = [1, 2, 3, 4, 5].map(Stake);
    let f = FaultPlan::new(&faults, 5).faulty_stake(&stake);
    // At 20 s: node 0 is down, {1, 2} weigh 5, {3, 4} weigh 9 of 15. At 40 s only node 4 is outside.
    for (at, faulty) in [(0, 0), (9, 0), (10, 1), (20, 6), (25, 1), (30, 0), (40, 5), (45, 0)] {
        assert_eq!(f.at(s(at)), Stake(faulty), "at {at} s");
    }
    assert_eq!(f.worst(Time::NEVER), (Stake(6), s(20)));
    assert_eq!(f.worst(s(20)), (Stake(1), s(10)));
    assert_eq!(f.beyond(Stake(4)), [Window { from: s(20), to: s(25) }, Window { from: s(40), to: s(45) }]);
    assert_eq!(f.beyond(Stake(0))[0], Window { from: s(10), to: s(30) });
    assert!(f.beyond(Stake(6)).is_empty());
    let none = FaultPlan::new(&[], 2).faulty_stake(&[Stake(1); 2]);
    assert_eq!((none.at(s(5)), none.worst(Time::NEVER)), (Stake(0), (Stake(0), Time::ZERO)));
}

#[test]
#[should_panic(expected = "names a node beyond the 3 there are")]
fn a_node_that_does_not_exist_is_refused() {
    FaultPlan::new(&[crash(&[3], 1, None)], 3);
}

#[test]
fn sound_nodes_are_up_and_with_the_majority_while_that_is_enough() {
    let p = FaultPlan::new(&[crash(&[0], 10, Some(10)), partition(&[3], 15, Some(20)), crash(&[2], 30, None)], 4);
    let sound = p.sound(&[Stake(1); 4], Stake(1));
    let at = |t: u64| (0..4).map(|n| sound.has(N(n), s(t))).collect::<Vec<_>>();
    assert_eq!(at(9), [true; 4]);
    assert_eq!(at(10), [false, true, true, true]);
    assert_eq!(at(15), [false; 4], "two are faulty at once");
    assert_eq!(at(20), [true, true, true, false]);
    assert_eq!(at(30), [false; 4]);
    assert_eq!(at(35), [true, true, false, true], "the partition heals");
    let mut changes = vec![];
    let mut next = sound.next_change(Time::ZERO);
    while let Some(change) = next {
        changes.push(change);
        next = sound.next_change(change);
    }
    assert_eq!(changes, [10, 15, 20, 30, 35].map(s));
}
