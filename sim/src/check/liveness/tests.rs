//! Stalls are told from idleness, and explained ones from those that fail a run.

use super::*;
use crate::scenario::{Fault, FaultKind};

const BOUND: Span = Span::secs(10);
const STAKE: [Stake; 4] = [Stake(1); 4];

fn s(n: u64) -> Time {
    Time::ZERO + Span::secs(n)
}
fn crash(nodes: &[u32], at_s: u64, lasts_s: Option<u64>) -> FaultPlan {
    let kind = FaultKind::Crash { nodes: nodes.to_vec() };
    FaultPlan::new(&[Fault { name: "f".into(), kind, at: Span::secs(at_s), lasts: lasts_s.map(Span::secs) }], 4)
}
/// Submissions every second until 100 s, commits every second until `last`.
fn run_until(last: u64) -> Liveness {
    let mut l = Liveness::new();
    for t in 0..100 {
        l.submit(s(t));
        if t > 0 && t <= last {
            l.commit(s(t), true);
        }
    }
    l
}
fn verdict(l: &Liveness, plan: &FaultPlan, overload: bool) -> Verdict {
    l.verdict(s(100), BOUND, overload, plan, &STAKE, Stake(1))
}

#[test]
fn a_run_that_commits_to_the_end_is_live() {
    let l = run_until(99);
    let v = verdict(&l, &FaultPlan::new(&[], 4), false);
    assert_eq!((v.stalled(), v.outside_fault_model(), v.to_string().as_str()), (false, false, "live"));
    assert_eq!(l.last(), Some(s(99)));
    assert!(v.outcome(s(100)).is_ok());
}

#[test]
fn an_unexplained_stall_fails_the_run() {
    let none = FaultPlan::new(&[], 4);
    let v = verdict(&run_until(50), &none, false);
    assert_eq!(v.stalled_since, Some(s(50)));
    let text = v.outcome(s(100)).unwrap_err().to_string();
    assert!(text.contains("stalled, unexplained: nothing committed since 50.000 s"), "{text}");
    assert!(!verdict(&run_until(90), &none, false).stalled(), "10 s is not longer than the bound");
    assert!(verdict(&run_until(89), &none, false).stalled());
}

#[test]
fn nothing_ever_committed_is_a_stall_and_nothing_submitted_is_none() {
    let none = FaultPlan::new(&[], 4);
    let v = Liveness::new().verdict(s(5), BOUND, false, &none, &STAKE, Stake(1));
    assert!(!v.stalled());
    let mut l = Liveness::new();
    l.submit(s(1));
    let v = l.verdict(s(5), BOUND, false, &none, &STAKE, Stake(1));
    assert_eq!((v.stalled_since, l.last()), (Some(s(1)), None));
    assert!(v.outcome(s(5)).is_err());
}

#[test]
fn an_idle_system_does_not_stall() {
    let mut l = Liveness::new();
    l.submit(s(1));
    l.commit(s(2), false);
    assert!(!verdict(&l, &FaultPlan::new(&[], 4), false).stalled());
    l.submit(s(95));
    assert!(!verdict(&l, &FaultPlan::new(&[], 4), false).stalled());
    l.submit(s(99));
    assert_eq!(l.waiting_since, Some(s(95)));
}

#[test]
fn faults_beyond_the_bound_explain_and_are_outside_the_model() {
    let v = verdict(&run_until(50), &crash(&[0, 1], 50, None), false);
    assert_eq!((v.cause, v.faulty, v.outside_fault_model()), (Some(Cause::Faults), Stake(2), true));
    let text = "stalled, explained by faults, outside the fault model: stake 2 faulty, 1 tolerated";
    assert_eq!(v.to_string(), text);
    assert!(v.outcome(s(100)).is_ok());
}

#[test]
fn tolerated_and_long_healed_faults_explain_nothing() {
    assert!(verdict(&run_until(50), &crash(&[0], 50, None), false).outcome(s(100)).is_err());
    let healed = verdict(&run_until(50), &crash(&[0, 1], 50, Some(30)), false);
    assert!(healed.outcome(s(100)).is_err() && healed.outside_fault_model());
    let fresh = verdict(&run_until(50), &crash(&[0, 1], 50, Some(45)), false);
    assert_eq!(fresh.cause, Some(Cause::Faults));
    let tolerated = verdict(&run_until(85), &crash(&[0], 50, Some(45)), false);
    assert_eq!(tolerated.cause, Some(Cause::Recovering));
}

#[test]
fn overload_explains() {
    assert_eq!(verdict(&run_until(50), &FaultPlan::new(&[], 4), true).cause, Some(Cause::Overload));
}
