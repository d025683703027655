//! The rules of one replica, against leaders that lie: messages are made by hand and handed to it.

use std::sync::Arc;

use super::super::message::{Block, NewView, PROPOSE, Proposal, VOTE, genesis, new_view, vote};
use super::super::tree::{Place, Tree};
use super::{HotStuff, HotStuffMessage, NodeId};
use crate::effect::Effect;
use crate::knob::Settings;
use crate::message::{Certificate, PayloadRef, SharedCertificate, Statement};
use crate::protocol::{Env, Protocol};
use crate::quorum::Signers;
use crate::testkit::solo::Solo;
use crate::testkit::{Fate, Kit};
use crate::types::{Digest, Hashing, Height, Span, Time, Tip, ValidatorId, View};

/// The replica under test: neither of the first two leaders.
const ME: NodeId = NodeId(3);

struct Bench(Kit<HotStuff>);

fn signed(what: Statement, signers: u32) -> SharedCertificate {
    let mut set = Signers::with_capacity(4);
    for v in 0..signers {
        set.add(ValidatorId(v));
    }
    Arc::new(Certificate { what, signers: set })
}

fn qc(b: &Block) -> SharedCertificate {
    signed(vote(b.view, b.id), 3)
}

/// A block; `salt` makes blocks of the same place differ.
pub(super) fn block(view: View, height: Height, justify: SharedCertificate, salt: u64) -> Arc<Block> {
    let author = ValidatorId(((view - 1) / 100 % 4) as u32);
    let payload = PayloadRef { root: Digest([view, salt]), bytes: 512, count: 1 };
    Arc::new(Block::new(Hashing::Mix, (height, view), author, &[payload], justify))
}

pub(super) fn child(b: &Block, view: View) -> Arc<Block> {
    block(view, b.height + 1, qc(b), 0)
}

impl Bench {
    fn new() -> Bench {
        let mut kit = Kit::new(4, |_| {});
        kit.run_until(kit.now);
        Bench(kit)
    }
    fn replica(&self) -> &HotStuff {
        self.0.nodes[ME.0 as usize].replica.as_ref().expect("it runs")
    }
    fn propose(&mut self, b: &Arc<Block>, entry: Option<SharedCertificate>) {
        let proposal = Arc::new(Proposal { block: b.clone(), entry });
        self.0.feed(ME, NodeId(b.author.0), HotStuffMessage::Propose { proposal });
    }
    fn voted_for(&self, b: &Block) -> bool {
        self.replica().voted == (b.view, b.id)
    }
    fn committed(&self) -> Height {
        self.replica().tree.committed().height
    }
    /// Proposes a chain from view 1 on; each block is voted for.
    fn chain(&mut self, length: u64) -> Vec<Arc<Block>> {
        let mut chain = vec![block(1, 1, genesis(), 0)];
        for view in 2..=length {
            let next = child(&chain[chain.len() - 1], view);
            chain.push(next);
        }
        for b in &chain {
            self.propose(b, None);
            assert!(self.voted_for(b), "view {}", b.view);
        }
        chain
    }
}

#[test]
fn one_vote_a_view() {
    let mut r = Bench::new();
    let (a, b) = (block(1, 1, genesis(), 1), block(1, 1, genesis(), 2));
    r.propose(&a, None);
    r.propose(&b, None);
    assert!(r.voted_for(&a));
    let next = child(&b, 2);
    r.propose(&next, None);
    assert!(r.voted_for(&next), "a quorum chose the other one: so be it");
    r.propose(&child(&a, 2), None);
    assert!(r.voted_for(&next));
}

#[test]
fn no_vote_against_the_lock() {
    let mut r = Bench::new();
    let chain = r.chain(3);
    assert_eq!(r.replica().locked.what, vote(1, chain[0].id), "the certificate inside the certified block");
    let stale = block(101, 1, genesis(), 0);
    r.propose(&stale, Some(signed(new_view(101), 3)));
    assert_eq!(r.replica().pace.view(), 101);
    assert!(!r.voted_for(&stale), "its certificate is older than the lock");
    let fresh = block(101, 2, qc(&chain[0]), 1);
    r.propose(&fresh, None);
    assert!(r.voted_for(&fresh), "it extends the locked block");
}

#[test]
fn three_certified_blocks_commit_only_in_three_views_in_a_row() {
    let mut r = Bench::new();
    let chain = r.chain(2);
    let three = child(&chain[1], 101);
    r.propose(&three, Some(signed(new_view(101), 3)));
    assert!(r.voted_for(&three));
    let mut last = three;
    for (view, committed) in [(102, 0), (103, 0), (104, 3), (105, 4)] {
        last = child(&last, view);
        r.propose(&last, None);
        assert!(r.voted_for(&last), "view {view}");
        assert_eq!(r.committed(), committed, "view {view}");
    }
}

#[test]
fn a_view_is_entered_on_evidence_only() {
    let mut r = Bench::new();
    r.chain(1);
    let far = block(101, 1, genesis(), 0);
    r.propose(&far, None);
    assert_eq!(r.replica().pace.view(), 1);
    r.propose(&far, Some(signed(new_view(101), 2)));
    assert_eq!(r.replica().pace.view(), 1, "two of four are no quorum");
    r.propose(&far, Some(signed(new_view(201), 3)));
    assert_eq!(r.replica().pace.view(), 1, "of another view");
    r.propose(&far, Some(signed(new_view(101), 3)));
    assert_eq!(r.replica().pace.view(), 101);
}

#[test]
fn what_a_complaint_shows_is_learned() {
    let mut r = Bench::new();
    let entry = Some(signed(new_view(101), 3));
    let wish = |view, high, entry| HotStuffMessage::NewView {
        wish: Arc::new(NewView { view, by: ValidatorId(1), high, entry }),
    };
    r.0.feed(ME, NodeId(1), wish(201, genesis(), entry));
    assert_eq!(r.replica().pace.view(), 101);
    r.0.feed(ME, NodeId(1), wish(201, signed(vote(150, Digest([7, 7])), 2), None));
    assert_eq!(r.replica().pace.view(), 101, "no quorum");
    r.0.feed(ME, NodeId(1), wish(201, signed(vote(150, Digest([7, 7])), 3), None));
    assert_eq!((r.replica().pace.view(), r.replica().high.what.major), (151, 150));
}

#[test]
fn blocks_of_others_false_names_and_weak_certificates_are_refused() {
    let mut r = Bench::new();
    let good = block(1, 1, genesis(), 0);
    let change = |f: fn(&mut Block)| {
        let mut b = Block::clone(&good);
        f(&mut b);
        b.id = b.hash(Hashing::Mix);
        Arc::new(b)
    };
    let mut renamed = Block::clone(&good);
    renamed.id = Digest([1, 1]);
    let bad = [
        Arc::new(renamed),
        change(|b| b.author = ValidatorId(1)),
        change(|b| b.height = 2),
        change(|b| b.height = 0),
        change(|b| b.justify = signed(vote(0, Digest([5, 5])), 3)),
        change(|b| b.view = 0),
    ];
    for b in &bad {
        r.propose(b, None);
        assert!(r.replica().voted == (0, Digest::GENESIS), "{b:?}");
    }
    r.propose(&good, None);
    assert!(r.voted_for(&good));
    let weak = block(2, 2, signed(vote(1, good.id), 2), 0);
    r.propose(&weak, None);
    assert!(r.voted_for(&good));
}

#[test]
fn a_replica_that_gave_up_a_view_does_not_vote_in_it() {
    let mut r = Bench::new();
    r.0.filter = Some(Box::new(|_, _, _, _| Fate::Drop));
    r.0.run_until(Time(2_500_000_000));
    assert_eq!((r.replica().pace.view(), r.replica().pace.wish()), (1, 101));
    let late = block(1, 1, genesis(), 0);
    r.propose(&late, None);
    assert!(!r.voted_for(&late));
    let next = child(&late, 2);
    r.propose(&next, None);
    assert!(r.voted_for(&next), "a quorum has not given up: neither does this one");
}

#[test]
fn contradictions_are_reported() {
    let mut r = Bench::new();
    for salt in [1, 2] {
        let proposal = Arc::new(Proposal { block: block(1, 1, genesis(), salt), entry: None });
        r.0.inject(ME, NodeId(0), HotStuffMessage::Propose { proposal });
        let votes = HotStuffMessage::Vote { view: 1, block: Digest([salt, 0]), by: ValidatorId(2) };
        r.0.inject(NodeId(0), NodeId(2), votes);
    }
    r.0.run_until(r.0.now);
    let found = |node: NodeId| {
        r.0.nodes[node.0 as usize].evidence.iter().map(|e| (e.who.0, e.a.kind, e.b.kind)).collect::<Vec<_>>()
    };
    assert_eq!(found(ME), [(0, PROPOSE, PROPOSE)]);
    assert_eq!(found(NodeId(0)), [(2, VOTE, VOTE)]);
}

#[test]
fn a_leader_counts_its_own_vote_only_when_a_crash_cannot_take_it_back() {
    let mut kit: Kit<HotStuff> = Kit::new(4, |_| {});
    kit.fsync = Span::secs(1);
    kit.run_until(kit.now);
    let leader = |kit: &Kit<HotStuff>| {
        let r = kit.nodes[0].replica.as_ref().expect("it runs");
        (r.voted, r.high.what.major)
    };
    let ((view, block), certified) = leader(&kit);
    assert_eq!((view, certified), (1, 0), "it has proposed, and its record is not durable");
    for by in [1, 2] {
        kit.feed(NodeId(0), NodeId(by), HotStuffMessage::Vote { view, block, by: ValidatorId(by) });
    }
    assert_eq!(leader(&kit).1, 0, "two of four are no quorum");
    kit.run_until(Time(1_000_000_000));
    assert_eq!(leader(&kit).1, 1);
}

#[test]
fn a_commit_is_proven_by_the_certificate_of_the_grandchild() {
    let validators = Arc::new(crate::protocol::Validators::equal(4));
    let config = HotStuff::configure(&Settings::new(HotStuff::KNOBS, false), &validators);
    let key = Some(ValidatorId(ME.0));
    let env = Env { me: ME, key, nodes: 4, validators, hashing: Hashing::Mix, seed: 0 };
    let mut replica = Solo::<HotStuff>::open(env, &config, vec![], Tip::default());
    let mut chain = vec![block(1, 1, genesis(), 0)];
    (2..=17).for_each(|view| chain.push(child(&chain[chain.len() - 1], view)));
    let mut records = vec![];
    let finals: Vec<(Height, Statement)> = chain
        .iter()
        .flat_map(|b| {
            let m = HotStuffMessage::Propose { proposal: Arc::new(Proposal { block: b.clone(), entry: None }) };
            let list = replica.call(|r, cx| r.on_message(NodeId(0), &m, cx)).list;
            records.push(replica.log.len());
            list
        })
        .filter_map(|e| match e {
            Effect::Finalize { height, certificate } => Some((height, certificate.expect("a proof").what)),
            _ => None,
        })
        .collect();
    let proofs = (1..).zip(&chain[2..16]).map(|(height, b)| (height, vote(height + 2, b.id)));
    assert_eq!(finals, proofs.collect::<Vec<_>>());
    let expected = (1..=16).chain([3]).collect::<Vec<_>>();
    assert_eq!(records, expected, "now and then the log gives up all but what is above the committed tip");
}

#[test]
fn a_copied_ledger_gives_up_only_what_is_not_in_it() {
    let mut chain = vec![block(1, 1, genesis(), 0)];
    (2..=6).for_each(|view| chain.push(child(&chain[chain.len() - 1], view)));
    let rival = child(&chain[2], 101);
    let mut tree = Tree::new(Tip::default());
    for b in chain.iter().chain([&rival]) {
        assert_eq!(tree.insert(b), Place::Linked);
    }
    tree.find_path(chain[1].id);
    tree.commit(&mut |_| panic!("no branch has died"));
    let mut dead = vec![];
    tree.reset(Tip { height: 5, block: chain[4].id }, &mut |b| dead.push(b.id));
    assert_eq!(dead, [rival.id], "blocks 1 and 2 were final, 3 to 5 are in the ledger");
    assert!(tree.get(chain[5].id).is_some());
}

#[test]
fn the_leader_of_its_own_view_asks_others_for_what_it_lacks() {
    // The leader of view 1 hears of a certified block of view 101, and leads it, but does not have the block.
    let validators = Arc::new(crate::protocol::Validators::equal(4));
    let config = HotStuff::configure(&Settings::new(HotStuff::KNOBS, false), &validators);
    let me = NodeId(1);
    let env = Env { me, key: Some(ValidatorId(1)), nodes: 4, validators, hashing: Hashing::Mix, seed: 0 };
    let mut replica = Solo::<HotStuff>::open(env, &config, vec![], Tip::default());
    let high = signed(vote(101, Digest([7, 7])), 3);
    let m = HotStuffMessage::NewView { wish: Arc::new(NewView { view: 201, by: ValidatorId(0), high, entry: None }) };
    replica.call(|r, cx| r.on_message(NodeId(0), &m, cx));
    assert_eq!(replica.replica.pace.view(), 102);
    let out = replica.call(|r, cx| r.search(cx));
    let hints: Vec<u32> =
        out.list.iter().filter_map(|e| if let Effect::Fetch { hint, .. } = e { Some(hint.0) } else { None }).collect();
    assert_eq!(hints, [2], "the next node");
}
