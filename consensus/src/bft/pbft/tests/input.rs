//! Messages that break the rules are refused with a reason, contradictions become evidence, nothing panics.

use std::sync::Arc;

use super::probe::{Probe, header, proposal, vote};
use crate::bft::pbft::{COMMIT, Header, NewView, PREPARE, Pbft, PbftMessage, ViewChange};
use crate::effect::Effect;
use crate::message::{Certificate, Message, Statement};
use crate::protocol::Protocol;
use crate::quorum::Signers;
use crate::types::{Digest, Hashing, Tip, ValidatorId};

#[test]
fn a_replica_prepares_commits_and_adopts_with_exactly_a_quorum() {
    let (mut p, h) = (Probe::new(), header(1));
    assert_eq!(p.sends(0, &proposal(0, 0, h)), ["prepare"]);
    assert_eq!(p.sends(2, &vote(PREPARE, 2, h.block)), ["commit"], "pre-prepare and two prepares are a quorum");
    assert!(p.sends(3, &vote(PREPARE, 3, h.block)).is_empty());
    let adopted = |list: Vec<Effect<Pbft>>| list.iter().any(|e| matches!(e, Effect::Adopt { height: 1, .. }));
    assert!(!adopted(p.get(2, &vote(COMMIT, 2, h.block))), "two commits are not");
    assert!(!adopted(p.get(3, &vote(COMMIT, 2, h.block))), "a relayed vote counts for its author, once");
    assert!(adopted(p.get(3, &vote(COMMIT, 3, h.block))));
}

#[test]
fn votes_that_arrive_before_the_proposal_count() {
    let (mut p, h) = (Probe::new(), header(1));
    for by in [2, 3] {
        assert!(p.sends(by, &vote(PREPARE, by, h.block)).is_empty());
        assert!(p.sends(by, &vote(COMMIT, by, h.block)).is_empty());
    }
    let effects = p.get(0, &proposal(0, 0, h));
    assert!(effects.iter().any(|e| matches!(e, Effect::Adopt { height: 1, .. })));
}

#[test]
fn contradictions_are_evidence() {
    let (mut p, a, b) = (Probe::new(), header(1), header(2));
    let evidence = |list: Vec<Effect<Pbft>>| {
        list.into_iter().find_map(|e| match e {
            Effect::Evidence(e) => Some((e.who, e.a.value, e.b.value)),
            _ => None,
        })
    };
    assert!(evidence(p.get(2, &vote(PREPARE, 2, a.block))).is_none());
    assert_eq!(evidence(p.get(3, &vote(PREPARE, 2, b.block))), Some((ValidatorId(2), a.block, b.block)));
    assert!(evidence(p.get(0, &proposal(0, 0, a))).is_none());
    assert_eq!(evidence(p.get(0, &proposal(0, 0, b))), Some((ValidatorId(0), a.block, b.block)));
    let lie = vote(COMMIT, 2, a.block).conflicting(7).expect("a vote has a contradiction");
    assert!(evidence(p.get(2, &vote(COMMIT, 2, a.block))).is_none());
    assert!(evidence(p.get(2, &lie)).is_some());
}

#[test]
fn what_breaks_the_rules_is_refused_with_a_reason() {
    let mut p = Probe::new();
    let h = header(1);
    let refused = |p: &mut Probe, m: &PbftMessage, why: &str| {
        let got = p.refusal(2, m).unwrap_or_else(|| panic!("not refused: {m:?}"));
        assert!(got.contains(why), "refused because of {got:?}");
    };
    refused(&mut p, &proposal(2, 0, h), "another than the leader");
    refused(&mut p, &proposal(0, 0, Header { height: 2, ..h }), "does not match its digest");
    refused(&mut p, &vote(PREPARE, 0, h.block), "prepare by the leader");
    let by = ValidatorId(2);
    refused(&mut p, &PbftMessage::Checkpoint { by, height: 5, block: h.block }, "height that is none");
    let by = ValidatorId(9);
    refused(&mut p, &PbftMessage::Checkpoint { by, height: 128, block: h.block }, "by nobody");
    let what = Statement { kind: COMMIT, major: 1, minor: 0, value: h.block };
    let two = Arc::new(Certificate { what, signers: Signers::from_words(&[0b11]) });
    refused(&mut p, &PbftMessage::Decided { certificate: two.clone() }, "proves nothing");
    let mut change =
        ViewChange { by: ValidatorId(2), view: 1, base: h.tip(), proof: Some(two), chain: vec![], digest: h.block };
    refused(&mut p, &PbftMessage::ViewChange { vote: Arc::new(change.clone()) }, "match its digest");
    change.digest = change.content(Hashing::Mix);
    refused(&mut p, &PbftMessage::ViewChange { vote: Arc::new(change.clone()) }, "base is not proven");
    change.base = Tip::default();
    change.proof = None;
    change.digest = change.content(Hashing::Mix);
    let votes = vec![Arc::new(change.clone())];
    let mut start = NewView { by: ValidatorId(1), view: 1, votes, chain: vec![], digest: Digest::GENESIS };
    start.digest = start.content(Hashing::Mix);
    refused(&mut p, &PbftMessage::NewView { start: Arc::new(start.clone()) }, "without a quorum");
    start.votes = (1..4).map(|i| rewrite(&change, i)).collect();
    start.chain = vec![h];
    start.digest = start.content(Hashing::Mix);
    refused(&mut p, &PbftMessage::NewView { start: Arc::new(start.clone()) }, "do not follow");
    start.votes[1] = start.votes[0].clone();
    start.digest = start.content(Hashing::Mix);
    refused(&mut p, &PbftMessage::NewView { start: Arc::new(start) }, "not for it");
}

fn rewrite(change: &ViewChange, by: u32) -> Arc<ViewChange> {
    let mut c = ViewChange { by: ValidatorId(by), ..change.clone() };
    c.digest = c.content(Hashing::Mix);
    Arc::new(c)
}

#[test]
fn more_than_f_view_changes_make_a_replica_join_the_lowest_view() {
    let mut p = Probe::new();
    let of = |by, view| {
        let none = ViewChange {
            by: ValidatorId(by),
            view,
            base: Tip::default(),
            proof: None,
            chain: vec![],
            digest: Digest::GENESIS,
        };
        PbftMessage::ViewChange { vote: rewrite(&none, by) }
    };
    assert!(p.sends(2, &of(2, 7)).is_empty(), "one may be faulty");
    assert_eq!(p.sends(3, &of(3, 5)), ["view-change"]);
    assert_eq!(p.replica.status().view, 5);
    // Replica 1 leads view 5: the third view change for it starts the view.
    assert!(p.sends(2, &of(2, 7)).is_empty(), "a vote for view 7 is none for view 5");
    assert_eq!(p.sends(0, &of(0, 5)), ["new-view"], "replicas 0, 1 and 3 are a quorum for view 5");
}
