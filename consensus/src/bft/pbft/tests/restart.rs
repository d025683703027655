//! What a replica that was opened from its log does, and what it must not do.

use std::sync::Arc;

use super::probe::{Probe, header, proposal, vote};
use crate::bft::pbft::{
    Ballot, COMMIT, Header, Link, NewView, PREPARE, PbftMessage, PbftRecord, PrePrepare, ViewChange,
};
use crate::effect::Effect;
use crate::message::{Certificate, PayloadRef, Statement};
use crate::protocol::{Protocol, Verdict};
use crate::quorum::Signers;
use crate::types::{Digest, Hashing, NodeId, Ticket, Tip, ValidatorId};

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

/// `n` blocks on top of a tip.
fn blocks(below: Tip, n: u64) -> Vec<Header> {
    let next = |end: &Tip| {
        let payload = PayloadRef { root: Digest([end.height, 1]), bytes: 512, count: 1 };
        Some(Header::new(Hashing::Mix, end.height + 1, end.block, payload))
    };
    let first = next(&below);
    std::iter::successors(first, |h| next(&h.tip())).take(n as usize).collect()
}

#[test]
fn slots_above_a_proof_that_outran_the_ledger_survive_a_restart() {
    // The ledger ends at 200 of the 300 that are proven: the window began at 256 before the crash, not at 128.
    let base = Tip { height: 300, block: Digest([300, 7]) };
    let chain = blocks(base, 91);
    let last = chain[90];
    let mut log = vec![PbftRecord::Decided { certificate: certificate(COMMIT, 300, 0, base.block) }];
    log.extend(chain.iter().map(|h| accepted(0, 0, *h)));
    log.push(PbftRecord::Prepared { certificate: certificate(PREPARE, 391, 0, last.block) });
    let mut p = Probe::open_at(log, Tip { height: 200, block: Digest([200, 7]) });
    let rival = Header::new(Hashing::Mix, 391, last.parent, PayloadRef { root: Digest([9, 9]), bytes: 1, count: 1 });
    assert!(p.refusal(0, &proposal(0, 0, rival)).is_some(), "it would vote for another block at height 391");
    let report = view_change(p.call(|r, cx| r.on_timer(crate::bft::pbft::PbftTimer::View, cx)));
    assert_eq!((report.base.height, report.chain.len()), (300, 91));
}

#[test]
fn what_a_vote_stands_on_is_logged_before_it_though_it_came_without_votes() {
    // A new view proposes heights 1 and 2 again, whose payloads are not here; the ledger is copied up to them, before
    // or after that. The first vote is for height 3.
    for copied_first in [false, true] {
        let chain = blocks(Tip::default(), 3);
        let (mut p, mut log) = (Probe::new(), vec![]);
        let mut keep = |effects: Vec<Effect<_>>| {
            log.extend(effects.into_iter().filter_map(|e| match e {
                Effect::Log { record, .. } => Some(record),
                _ => None,
            }));
        };
        let tip = chain[1].tip();
        if copied_first {
            keep(p.call(|r, cx| r.on_state(tip, cx)));
        }
        keep(p.get(2, &new_view(&chain[..2])));
        if !copied_first {
            keep(p.call(|r, cx| r.on_state(tip, cx)));
        }
        keep(p.get(2, &proposal(2, 2, chain[2])));
        for by in [0, 3] {
            let vote = Ballot { kind: PREPARE, by: ValidatorId(by), height: 3, view: 2, block: chain[2].block };
            keep(p.get(by, &vote.message()));
        }
        assert!(p.replica.window.get(3).is_some_and(|s| s.prepared_in(2)), "copied first: {copied_first}");
        let mut again = Probe::open_at(log, tip);
        let report = view_change(again.call(|r, cx| r.on_timer(crate::bft::pbft::PbftTimer::View, cx)));
        assert_eq!((report.base.height, report.chain.len()), (0, 3), "copied first: {copied_first}");
    }
}

#[test]
fn a_ledger_that_outran_the_proof_makes_its_replica_ask_for_it() {
    let chain = blocks(Tip::default(), 2);
    let asks = |e: &Effect<_>| matches!(e, Effect::Send { message: PbftMessage::Status { ask: true, .. }, .. });
    assert!(Probe::new().call(|r, cx| r.on_state(chain[1].tip(), cx)).iter().any(asks));
}

/// The start of view 2 by replica 2, at whose voters this chain is prepared.
fn new_view(chain: &[Header]) -> PbftMessage {
    let link = |h: &Header| Link {
        header: *h,
        leader: ValidatorId(0),
        prepared: Some(certificate(PREPARE, h.height, 0, h.block)),
    };
    let change = |by: u32| {
        let mut c = ViewChange {
            by: ValidatorId(by),
            view: 2,
            base: Tip::default(),
            proof: None,
            chain: chain.iter().map(link).collect(),
            digest: Digest::GENESIS,
        };
        c.digest = c.content(Hashing::Mix);
        Arc::new(c)
    };
    let votes = [0, 2, 3].map(change).to_vec();
    let chain = crate::bft::pbft::selection::select(&votes);
    let mut start = NewView { by: ValidatorId(2), view: 2, votes, chain, digest: Digest::GENESIS };
    start.digest = start.content(Hashing::Mix);
    PbftMessage::NewView { start: Arc::new(start) }
}

#[test]
fn a_new_leader_asks_others_for_what_lies_below_its_view() {
    // Replica 1 leads view 1; another voter proves height 5, and a third has prepared height 6.
    let base = Tip { height: 5, block: Digest([5, 7]) };
    let above = blocks(base, 1);
    let change = |by: u32, chain: Vec<Link>| {
        let proof = Some(certificate(COMMIT, 5, 0, base.block));
        let mut vote = ViewChange { by: ValidatorId(by), view: 1, base, proof, chain, digest: Digest::GENESIS };
        vote.digest = vote.content(Hashing::Mix);
        PbftMessage::ViewChange { vote: Arc::new(vote) }
    };
    let prepared = Some(certificate(PREPARE, 6, 0, above[0].block));
    let link = Link { header: above[0], leader: ValidatorId(0), prepared };
    let mut p = Probe::new();
    let mut effects = p.get(2, &change(2, vec![]));
    effects.extend(p.get(3, &change(3, vec![link])));
    let starts = |e: &Effect<_>| matches!(e, Effect::Send { message: PbftMessage::NewView { .. }, .. });
    assert!(effects.iter().any(starts), "it starts its view");
    let hints: Vec<NodeId> =
        effects.iter().filter_map(|e| if let Effect::Sync { hint, .. } = e { Some(*hint) } else { None }).collect();
    assert_eq!(hints, [NodeId(2)], "the voter that proved the base");
    let fetches = |e: &Effect<_>| matches!(e, Effect::Fetch { key, hint } if *key == above[0].block && hint.0 != 1);
    assert!(effects.iter().any(fetches), "it proposes height 6 again but does not have its payload");
}
