//! What a replica that was opened from its log does, and what it must not do.

use std::sync::Arc;

use super::probe::{Probe, header, proposal, vote};
use crate::bft::pbft::{COMMIT, Header, PREPARE, PbftMessage, PbftRecord, PrePrepare};
use crate::effect::Effect;
use crate::message::{Certificate, PayloadRef, Statement};
use crate::protocol::{Protocol, Verdict};
use crate::quorum::Signers;
use crate::types::{Digest, Hashing, Ticket, Tip, ValidatorId};

fn accepted(by: u32, view: u64, header: Header) -> PbftRecord {
    PbftRecord::Accepted { proposal: Arc::new(PrePrepare { by: ValidatorId(by), view, header }) }
}

fn certificate(kind: u8, height: u64, view: u64, value: Digest) -> Arc<Certificate> {
    let what = Statement { kind, major: height, minor: view, value };
    Arc::new(Certificate { what, signers: Signers::from_words(&[0b1101]) })
}

fn view_change(effects: Vec<Effect<crate::bft::pbft::Pbft>>) -> Arc<crate::bft::pbft::ViewChange> {
    let found = effects.into_iter().find_map(|e| match e {
        Effect::Send { message: PbftMessage::ViewChange { vote }, .. } => Some(vote),
        _ => None,
    });
    found.expect("a view change is sent")
}

#[test]
fn a_view_that_was_left_is_not_voted_in_again() {
    let mut p = Probe::open(vec![PbftRecord::Left { view: 1 }]);
    assert_eq!(view_change(p.call(|r, cx| r.on_start(cx))).view, 1, "what may have been lost is sent again");
    assert!(p.sends(0, &proposal(0, 0, header(1))).is_empty());
}

#[test]
fn an_accepted_block_is_voted_for_again_and_no_other() {
    let (a, b) = (header(1), header(2));
    let mut p = Probe::open(vec![accepted(0, 0, a)]);
    assert_eq!(p.refusal(0, &proposal(0, 0, b)), Some("a statement that contradicts an earlier one of its author"));
    // The own prepare counts: with that of another backup the block is prepared.
    assert_eq!(p.sends(2, &vote(PREPARE, 2, a.block)), ["commit"]);
}

#[test]
fn a_prepared_certificate_is_reported_by_the_next_view_change() {
    let a = header(1);
    let prepared = PbftRecord::Prepared { certificate: certificate(PREPARE, 1, 0, a.block) };
    let mut p = Probe::open(vec![accepted(0, 0, a), prepared]);
    let report = view_change(p.call(|r, cx| r.on_timer(crate::bft::pbft::PbftTimer::View, cx)));
    assert_eq!((report.chain.len(), report.chain[0].header), (1, a));
    assert!(report.chain[0].prepared.is_some());
}

#[test]
fn payloads_from_the_log_are_looked_for_before_they_are_adopted() {
    let a = header(1);
    let adopts = |list: &[Effect<_>]| list.iter().any(|e| matches!(e, Effect::Adopt { .. }));
    let mut p = Probe::open(vec![accepted(0, 0, a)]);
    let start = p.call(|r, cx| r.on_start(cx));
    assert!(start.iter().any(|e| matches!(e, Effect::Judge { payload, .. } if *payload == a.payload)));
    for by in [0, 2, 3] {
        assert!(!adopts(&p.get(by, &vote(COMMIT, by, a.block))));
    }
    let missing = p.call(|r, cx| r.on_judged(Ticket(1), Verdict::Unavailable, cx));
    assert!(missing.iter().any(|e| matches!(e, Effect::Fetch { key, .. } if *key == a.block)));
    assert!(adopts(&p.get(3, &proposal(0, 0, a))), "it was fetched");
}

#[test]
fn a_leader_does_not_propose_again_where_others_decided_on_another_chain() {
    let (a, other) = (header(1), header(3));
    let above = Header::new(Hashing::Mix, 2, a.block, PayloadRef::default());
    let log = vec![accepted(1, 1, a), accepted(1, 1, above), PbftRecord::Installed { view: 1 }];
    let mut p = Probe::open(log);
    p.get(2, &PbftMessage::Decided { certificate: certificate(COMMIT, 1, 2, other.block) });
    let after = p.call(|r, cx| r.on_state(Tip { height: 1, block: other.block }, cx));
    assert_eq!(p.replica.status().height, 1);
    assert!(!after.iter().any(|e| matches!(e, Effect::Build { .. })), "height 2 has its proposal in this view");
}

#[test]
fn a_copied_ledger_that_ends_at_a_checkpoint_counts_for_it() {
    // Replicas whose window is full go on only when a quorum has reached the checkpoint, by execution or by copy.
    for (height, announced) in [(127, false), (128, true), (129, false), (256, true)] {
        let effects = Probe::new().call(|r, cx| r.on_state(Tip { height, block: Digest([height, 7]) }, cx));
        let says = |e| matches!(e, &Effect::Send { message: PbftMessage::Checkpoint { .. }, .. });
        assert_eq!(effects.iter().any(says), announced, "height {height}");
    }
}

#[test]
fn what_a_view_change_has_to_tell_makes_no_room_for_later_heights() {
    // The ledger was copied past a block that this replica has prepared, and nothing proves it yet.
    let a = header(1);
    let prepared = PbftRecord::Prepared { certificate: certificate(PREPARE, 1, 0, a.block) };
    let mut p = Probe::open(vec![accepted(0, 0, a), prepared]);
    let asks = |e: &Effect<_>| matches!(e, Effect::Send { message: PbftMessage::Status { ask: true, .. }, .. });
    let copied = p.call(|r, cx| r.on_state(Tip { height: 300, block: Digest([300, 7]) }, cx));
    assert!(copied.iter().any(asks), "it asks for the proof");
    // One window above the block: the same slot of the ring.
    let far = Header::new(Hashing::Mix, 257, Digest([256, 7]), PayloadRef::default());
    p.get(0, &proposal(0, 0, far));
    let told = |p: &mut Probe| view_change(p.call(|r, cx| r.on_timer(crate::bft::pbft::PbftTimer::View, cx)));
    let report = told(&mut p);
    assert_eq!((report.base.height, report.chain.len()), (0, 1));
    // With the proof the window follows the ledger.
    p.get(2, &PbftMessage::Decided { certificate: certificate(COMMIT, 300, 0, Digest([300, 7])) });
    let report = told(&mut p);
    assert_eq!((report.base.height, report.chain.len(), p.replica.high()), (300, 0, 512));
}

#[test]
fn a_stable_checkpoint_proves_what_was_copied_up_to_it() {
    let mut p = Probe::new();
    let tip = Tip { height: 128, block: Digest([128, 7]) };
    p.call(|r, cx| r.on_state(tip, cx));
    for by in [0, 2] {
        let vote = PbftMessage::Checkpoint { by: ValidatorId(by), height: 128, block: tip.block };
        let effects = p.get(by, &vote);
        let frees = effects.iter().any(|e| matches!(e, Effect::Truncate { .. }));
        assert_eq!((p.replica.base == tip, p.replica.low, frees), (by == 2, if by == 2 { 128 } else { 0 }, by == 2));
    }
}
