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
fn observer(plan: &FaultPlan) -> Liveness {
    Liveness::new(BOUND, Span(u64::MAX), plan.sound(&STAKE, Stake(1)), &STAKE, Stake(1))
}
fn new() -> Liveness {
    observer(&FaultPlan::new(&[], 4))
}
/// Submissions every second until 100 s, commits every second until `last`.
fn run_until(last: u64) -> Liveness {
    let mut l = new();
    for t in 0..100 {
        l.submit(s(t));
        if t > 0 && t <= last {
            l.commit(s(t), true);
        }
    }
    l
}
fn verdict(l: &Liveness, plan: &FaultPlan, overload: bool) -> Verdict {
    l.verdict(s(100), overload, plan)
}
/// A transaction for `node` every second until 100 s, commits every second but from `from` to `to`.
fn silent(plan: &FaultPlan, node: u32, (from, to): (u64, u64)) -> Verdict {
    let mut l = observer(plan);
    for t in 0..100 {
        // What comes up to a second later is known before the commit.
        l.submit(s(t + 1));
        l.admit(s(t + 1), NodeId(node));
        if t > 0 && !(from..to).contains(&t) {
            l.commit(s(t), true);
        }
    }
    verdict(&l, plan, false)
}

#[test]
fn a_run_that_commits_to_the_end_is_live() {
    let l = run_until(99);
    let v = verdict(&l, &FaultPlan::new(&[], 4), false);
    assert_eq!((v.stalled(), v.outside_fault_model(), v.to_string().as_str()), (false, false, ""));
    assert_eq!(l.last(), Some(s(99)));
    assert!(v.outcome(s(100)).is_ok());
}

#[test]
fn an_unexplained_stall_fails_the_run() {
    let none = FaultPlan::new(&[], 4);
    let v = verdict(&run_until(50), &none, false);
    assert_eq!(v.stalled_since, Some(s(50)));
    let text = v.outcome(s(100)).unwrap_err().to_string();
    assert!(text.ends_with(": nothing committed since 50.000 s, unexplained"), "{text}");
    assert!(!verdict(&run_until(90), &none, false).stalled(), "10 s is not longer than the bound");
    assert!(verdict(&run_until(89), &none, false).stalled());
}

#[test]
fn nothing_ever_committed_is_a_stall_and_nothing_submitted_is_none() {
    let none = FaultPlan::new(&[], 4);
    let v = new().verdict(s(5), false, &none);
    assert!(!v.stalled());
    let mut l = new();
    l.submit(s(1));
    let v = l.verdict(s(5), false, &none);
    assert_eq!((v.stalled_since, l.last()), (Some(s(1)), None));
    assert!(v.outcome(s(5)).is_err());
}

#[test]
fn an_idle_system_does_not_stall() {
    let mut l = new();
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
    let text = "nothing committed since 50.000 s, explained by faults; stake 2 was faulty, 1 is tolerated";
    assert_eq!(v.to_string(), text);
    let live = verdict(&run_until(100), &crash(&[0, 1], 50, Some(55)), false);
    assert_eq!(live.to_string(), "stake 2 was faulty, 1 is tolerated");
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

#[test]
fn a_silence_longer_than_the_bound_fails_a_run_that_commits_again() {
    let none = FaultPlan::new(&[], 4);
    let v = silent(&none, 0, (50, 70));
    // The last commit before was at 49 s, the first admission after it at 50 s.
    assert_eq!((v.silence, v.stalled()), (Some(Window { from: s(50), to: s(70) }), false));
    let text = v.outcome(s(100)).unwrap_err().to_string();
    assert!(text.ends_with(": nothing committed from 50.000 s to 70.000 s, 20.000 s unexplained"), "{text}");
    assert!(!silent(&none, 0, (50, 60)).failed(), "10 s is not longer than the bound");
    assert!(silent(&none, 0, (50, 61)).failed());
}

#[test]
fn only_work_that_a_pool_holds_begins_a_silence() {
    let mut l = new();
    for t in [1, 90] {
        l.submit(s(t));
        l.commit(s(t), true);
    }
    assert!(!verdict(&l, &FaultPlan::new(&[], 4), false).failed(), "a client or an object store has it");
    l.admit(s(94), NodeId(0));
    l.admit(s(95), NodeId(0));
    l.commit(s(94), true);
    assert_eq!(l.admitted.values().copied().collect::<Vec<_>>(), [s(95)]);
}

#[test]
fn a_silence_counts_from_the_last_change_and_not_while_too_much_is_faulty() {
    let one = crash(&[3], 50, Some(15));
    assert!(!silent(&one, 0, (50, 60)).failed(), "the bound holds anew from the crash");
    assert!(silent(&one, 0, (50, 62)).failed(), "a tolerated crash explains no more than the bound");
    assert!(!silent(&one, 0, (56, 75)).failed(), "9 s before the restart, 10 s after it");
    assert!(silent(&one, 0, (56, 76)).failed());
    assert!(!silent(&one, 3, (50, 75)).failed(), "nobody can bring on chain what the crashed node was given");
    let two = crash(&[2, 3], 50, Some(30));
    let v = silent(&two, 0, (50, 90));
    assert!(!v.failed() && v.outside_fault_model(), "nothing is promised until 80 s, then 10 s are left");
    assert!(silent(&two, 0, (50, 91)).failed());
}

#[test]
fn overload_explains_a_silence_and_an_explained_stall_is_none() {
    let mut l = new();
    l.admit(s(10), NodeId(0));
    l.submit(s(10));
    l.commit(s(50), true);
    let none = FaultPlan::new(&[], 4);
    let failed = |overload: bool| l.verdict(s(55), overload, &none).failed();
    assert!(failed(false) && !failed(true));
    l.admit(s(51), NodeId(0));
    let v = verdict(&l, &crash(&[0, 1], 51, None), true);
    assert_eq!((v.cause, v.failed()), (Some(Cause::Faults), false));
}

#[test]
fn full_links_of_more_stake_than_is_tolerated_explain_a_silence() {
    let failed = |full: &[(u32, u64, u64)]| {
        let mut l = new();
        l.admit(s(10), NodeId(0));
        l.submit(s(10));
        assert!(!l.is_silent(s(10)) && l.is_silent(s(11)));
        full.iter().for_each(|(n, from, to)| l.full(NodeId(*n), Window { from: s(*from), to: s(*to) }));
        l.commit(s(50), false);
        let failed = l.verdict(s(55), false, &FaultPlan::new(&[], 4)).failed();
        assert_eq!(l.jam_until(s(55)), (!failed).then_some(Window { from: s(10), to: s(50) }));
        failed
    };
    assert!(failed(&[]) && failed(&[(0, 5, 60)]), "one of four may fail");
    assert!(!failed(&[(0, 5, 60), (2, 5, 60)]));
    assert!(!failed(&[(0, 5, 60), (2, 20, 50)]), "10 s are left");
    assert!(failed(&[(0, 5, 60), (2, 21, 50)]));
}

#[test]
fn a_backlog_that_keeps_what_was_measured_waiting_is_not_called_silence() {
    let none = FaultPlan::new(&[], 4);
    let stalled =
        Verdict { stalled_since: Some(s(45)), cause: Some(Cause::Overload), ..verdict(&run_until(99), &none, true) };
    assert_eq!(stalled.to_string(), "nothing committed since 45.000 s, explained by overload");
    let starved = Verdict { starved: true, ..stalled };
    let text = "nothing that was measured committed: what came before it went first, explained by overload";
    assert_eq!(starved.to_string(), text);
}

#[test]
fn what_pools_have_dropped_is_not_owed() {
    let sound = || FaultPlan::new(&[], 4).sound(&STAKE, Stake(1));
    let silences = |expiry: u64, taken: &[u64]| {
        let mut l = Liveness::new(BOUND, Span::secs(expiry), sound(), &STAKE, Stake(1));
        taken.iter().for_each(|t| l.admit(s(*t), NodeId(0)));
        l.silences(s(60))
    };
    assert_eq!(silences(8, &[10, 40]), [], "each is gone within the bound");
    assert_eq!(silences(8, &[10, 17, 40]), [Window { from: s(10), to: s(25) }], "one follows the other");
    assert_eq!(silences(12, &[10, 30]), [(10, 22), (30, 42)].map(|(from, to)| Window { from: s(from), to: s(to) }));
}
