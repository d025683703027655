//! Messages that break the rules are refused with a reason, contradictions become evidence, nothing panics.

use std::sync::Arc;

use crate::bft::pbft::{Ballot, COMMIT, Header, NewView, PREPARE, Pbft, PbftMessage, PrePrepare, ViewChange};
use crate::effect::{Cx, Effect, Effects, Keys};
use crate::knob::Settings;
use crate::message::{Certificate, Message, PayloadRef, Statement};
use crate::protocol::{Env, Protocol, Validators};
use crate::quorum::Signers;
use crate::types::{Digest, Hashing, LogSeq, NodeId, Time, Tip, ValidatorId};

struct NoKeys;
impl Keys for NoKeys {
    fn vrf(&self, _: Digest) -> Digest {
        Digest::GENESIS
    }
    fn coin(&self, _: u64, _: &mut dyn Iterator<Item = ValidatorId>) -> Option<u64> {
        None
    }
}

/// Replica 1 of 4 outside any host.
struct Probe {
    replica: Pbft,
    seq: LogSeq,
}

impl Probe {
    fn new() -> Probe {
        let validators = Arc::new(Validators::equal(4));
        let config = Pbft::configure(&Settings::new(Pbft::KNOBS, false), &validators);
        let (me, key) = (NodeId(1), Some(ValidatorId(1)));
        let env = Env { me, key, nodes: 4, validators, hashing: Hashing::Mix, seed: 0 };
        Probe { replica: Pbft::open(env, &config, &mut std::iter::empty(), Tip::default()), seq: LogSeq(0) }
    }
    fn get(&mut self, from: u32, m: &PbftMessage) -> Vec<Effect<Pbft>> {
        let mut out = Effects::default();
        let mut cx = Cx::new(Time::ZERO, Time::ZERO, &NoKeys, &mut self.seq, &mut out);
        self.replica.on_message(NodeId(from), m, &mut cx);
        let upto = self.seq;
        let mut cx = Cx::new(Time::ZERO, Time::ZERO, &NoKeys, &mut self.seq, &mut out);
        self.replica.on_durable(upto, &mut cx);
        out.list
    }
    fn refusal(&mut self, from: u32, m: &PbftMessage) -> Option<&'static str> {
        self.get(from, m).iter().find_map(|e| match e {
            Effect::Reject { why, .. } => Some(*why),
            _ => None,
        })
    }
    fn sends(&mut self, from: u32, m: &PbftMessage) -> Vec<&'static str> {
        let kinds = self.get(from, m).into_iter().filter_map(|e| match e {
            Effect::Send { message, .. } => Some(message.kind()),
            _ => None,
        });
        kinds.collect()
    }
}

fn header(name: u64) -> Header {
    let payload = PayloadRef { root: Digest([name, 1]), bytes: 512, count: 1 };
    Header::new(Hashing::Mix, 1, Digest::GENESIS, payload)
}

fn proposal(by: u32, view: u64, header: Header) -> PbftMessage {
    PbftMessage::PrePrepare { proposal: Arc::new(PrePrepare { by: ValidatorId(by), view, header }) }
}

fn vote(kind: u8, by: u32, block: Digest) -> PbftMessage {
    Ballot { kind, by: ValidatorId(by), height: 1, view: 0, block }.message()
}

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
