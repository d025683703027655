//! The contract tests: what every protocol of the registry must do, whichever it is.

use std::cell::RefCell;
use std::fmt::Debug;
use std::rc::Rc;

use ledgerlab_consensus::registry::{Examiner, IDS, Visitor, examine, visit};
use ledgerlab_consensus::testkit::checks::{OwnClaim, claims_of};
use ledgerlab_consensus::testkit::{Fate, Kit, Node};
use ledgerlab_consensus::types::mix64;
use ledgerlab_consensus::{
    Effect, EmptyBlocks, Finality, KnobValue, Message, NodeId, Protocol, Settings, Span, Time, Validators, Wire,
};

/// Later than any protocol here needs for 20 blocks: 20 intervals of 600 s and a wide margin.
const END: Time = Time(1_000_000_000_000_000);

fn for_all<V: Visitor<Output = ()> + Clone>(what: V) {
    assert!(!IDS.is_empty());
    for id in IDS {
        visit(id, what.clone()).expect("the registry knows its own ids");
    }
}

/// The least time between blocks: a round trip, so that no closed form is changed by it, and nothing that takes no
/// time on this host goes on without end at one moment.
const PERIOD: Span = Span::millis(20);

fn full(s: &mut Settings) {
    s.block_period = PERIOD;
    s.empty_blocks = EmptyBlocks::Always;
}

fn busy(s: &mut Settings) {
    s.block_period = PERIOD;
}

/// Runs until every node has so many blocks: final ones where finality is deterministic.
fn run<P: Protocol>(kit: &mut Kit<P>, height: u64) {
    let reached = match P::INFO.finality {
        Finality::Deterministic => kit.run_to_height(height, END),
        Finality::Probabilistic { .. } => {
            kit.run_while(END, |k| k.nodes.iter().any(|n| n.is_up() && n.tip().height < height))
        }
    };
    assert!(reached, "{}: no {height} blocks before the end", P::INFO.id);
}

#[derive(Clone)]
struct TwentyDecisions;
impl Visitor for TwentyDecisions {
    type Output = ();
    fn visit<P: Protocol>(self) {
        let mut kit = Kit::<P>::new(4, full);
        run(&mut kit, 20);
        for n in &kit.nodes {
            assert!(n.rejects.is_empty(), "{}: honest nodes refuse {:?}", P::INFO.id, n.rejects);
            assert!(n.evidence.is_empty(), "{}: honest nodes accuse {:?}", P::INFO.id, n.evidence);
            assert!(n.chain[1..].iter().all(|b| b.header_bytes > 0), "{}: a header of no bytes", P::INFO.id);
            assert!(n.chain[1..].iter().any(|b| b.payloads.iter().any(|p| p.count > 0)), "{}: only empty", P::INFO.id);
        }
    }
}

#[test]
fn four_nodes_make_twenty_blocks_without_a_complaint() {
    for_all(TwentyDecisions);
}

#[derive(Clone)]
struct ClosedForms(u32);
impl Visitor for ClosedForms {
    type Output = ();
    fn visit<P: Protocol>(self) {
        let mut kit = Kit::<P>::new(self.0, busy);
        let n = u64::from(self.0);
        if let Some(delays) = P::INFO.delays {
            run(&mut kit, 11);
            let last = kit.latencies(10).into_iter().flatten().max().expect("the tenth is final");
            assert_eq!(last, kit.delay * delays(n), "{}: delays at n {n}", P::INFO.id);
        }
        if let Some(messages) = P::INFO.messages {
            run(&mut kit, 21);
            let at = |h| kit.proposal(h).expect("it is final").0;
            let sent = kit.traffic.by_kind(at(10)..at(20));
            assert_eq!(sent.values().sum::<u64>(), 10 * messages(n), "{}: {sent:?} at n {n}", P::INFO.id);
        }
    }
}

#[test]
fn delays_and_messages_are_those_of_the_closed_forms() {
    for_all(ClosedForms(4));
    for_all(ClosedForms(7));
}

#[derive(Clone)]
struct Restart;
impl Visitor for Restart {
    type Output = ();
    fn visit<P: Protocol>(self) {
        let mut kit = Kit::<P>::new(4, full);
        kit.fsync = Span::millis(1);
        run(&mut kit, 5);
        kit.crash(NodeId(3));
        run(&mut kit, 10);
        kit.restart(NodeId(3));
        run(&mut kit, 20);
    }
}

#[test]
fn a_node_that_was_down_catches_up() {
    for_all(Restart);
}

#[derive(Clone)]
struct Mutations;
impl Visitor for Mutations {
    type Output = ();
    fn visit<P: Protocol>(self) {
        let mut kit = Kit::<P>::new(4, full);
        let seen = Rc::new(RefCell::new(Vec::<Vec<u8>>::new()));
        let keep = seen.clone();
        kit.filter = Some(Box::new(move |_, _, to, m| {
            if to == NodeId(3) && keep.borrow().len() < 60 {
                let mut bytes = vec![];
                m.encode(&mut bytes);
                keep.borrow_mut().push(bytes);
            }
            Fate::Pass
        }));
        run(&mut kit, 8);
        let seen = seen.take();
        assert!(!seen.is_empty());
        for (i, bytes) in seen.iter().enumerate() {
            for round in 0..64_u64 {
                let draw = mix64(i as u64 * 1_000 + round);
                let mut bad = bytes.clone();
                let at = draw as usize % bad.len();
                bad[at] ^= (draw >> 40) as u8 | 1;
                if round % 8 == 0 {
                    bad.truncate(at);
                }
                if let Ok(m) = P::Message::decode(&mut &bad[..]) {
                    kit.feed(NodeId(3), NodeId(round as u32 % 3), m);
                }
            }
        }
    }
}

#[test]
fn no_bytes_make_a_replica_panic() {
    for_all(Mutations);
}

#[derive(Clone)]
struct Sizes;
impl Visitor for Sizes {
    type Output = ();
    fn visit<P: Protocol>(self) {
        assert!(size_of::<P::Message>() <= 64, "{}: messages are copied: large variants behind an Arc", P::INFO.id);
        assert!(size_of::<Effect<P>>() <= 64, "{}: {} bytes an effect", P::INFO.id, size_of::<Effect<P>>());
    }
}

#[test]
fn messages_and_effects_are_small() {
    for_all(Sizes);
}

/// What somebody says beside the honest messages: recipient, sender, message.
type Beside<P> = Rc<RefCell<Vec<(NodeId, NodeId, <P as Protocol>::Message)>>>;

/// Nodes on a way through losses, delays, crashes and partitions, on which validators repeat and contradict their votes.
struct Story<P: Protocol> {
    kit: Kit<P>,
    beside: Beside<P>,
    said: u64,
}

/// Short windows and terms and quick timeouts, where the protocol has such settings.
fn eventful<P: Protocol>(s: &mut Settings, seed: u64) {
    let choices = [
        ("term", KnobValue::Count([4, 8, 100][(seed % 3) as usize])),
        ("timeout", KnobValue::Span(Span::millis(400))),
        ("checkpoint_interval", KnobValue::Count(4)),
        ("window", KnobValue::Count(16)),
        ("pipeline", KnobValue::Count(1 + seed % 6)),
    ];
    for (name, value) in choices.into_iter().filter(|c| P::KNOBS.iter().any(|k| k.name == c.0)) {
        s.set(name, value);
    }
    s.block_period = Span::millis([0, 20][(seed / 3 % 2) as usize]);
}

impl<P: Protocol + Debug> Story<P> {
    fn new(seed: u64, offers: bool) -> Story<P> {
        let n = [4, 5, 7, 10][(seed % 4) as usize];
        // One node has no key.
        let mut kit = Kit::<P>::with(Validators::equal(n), n + 1, seed, |s| eventful::<P>(s, seed));
        kit.fsync = Span::micros([0, 500, 4_000][(seed / 4 % 3) as usize]);
        kit.nodes.iter_mut().for_each(|node| node.offers = offers);
        let (loss, mut sent, beside) = ([0, 1, 5, 20][(seed / 2 % 4) as usize], 0, Beside::<P>::default());
        let keep = beside.clone();
        kit.filter = Some(Box::new(move |_, from, to, m| {
            sent += 1;
            let lot = mix64(seed << 32 | sent);
            if matches!(claims_of(m)[..], [] | [OwnClaim::Signed(..)]) && (lot >> 8).is_multiple_of(8) {
                // Each contradiction has a value of its own, so that none gets a quorum.
                let other = if lot >> 16 & 3 > 0 { Some(m.clone()) } else { m.conflicting(lot) };
                let elsewhere = NodeId((lot >> 24) as u32 % (n + 1));
                let to = if elsewhere != from && lot >> 18 & 3 == 0 { elsewhere } else { to };
                keep.borrow_mut().extend(other.map(|m| (to, from, m)));
            }
            if lot % 100 < loss { Fate::Drop } else { Fate::Delay(Span::micros((lot >> 20) % 20_000)) }
        }));
        Story { kit, beside, said: 0 }
    }

    /// Some time, then a fault or the end of one; at most f nodes with a key are down at once.
    fn go_on(&mut self, draw: u64) {
        let kit = &mut self.kit;
        for _ in 0..10 + draw % 50 {
            // Shorter than a link's delay: what is said beside a vote may come before it.
            kit.run_for(Span::millis(8));
            for (to, from, m) in self.beside.take() {
                self.said += 1;
                kit.inject(to, from, m);
            }
        }
        let n = kit.nodes.len() as u64;
        let node = NodeId(((draw >> 16) % n) as u32);
        let down = kit.nodes.iter().filter(|node| !node.is_up()).count() as u64;
        match draw >> 32 & 3 {
            _ if !kit.node(node).is_up() => kit.restart(node),
            0 if down < (n - 2) / 3 => kit.crash(node),
            1 => kit.split(&[node]),
            _ => kit.heal_all(),
        }
    }

    /// All that can be told of the nodes.
    fn state(&self) -> Vec<String> {
        let state = |n: &Node<P>| {
            format!("{:?} {:?} {:?} {:?} {:?} {:?}", n.replica, n.log, n.chain, n.finalised, n.rejects, n.evidence)
        };
        self.kit.nodes.iter().map(state).collect()
    }
}

#[derive(Clone)]
struct Tallies;
impl Examiner for Tallies {
    fn examine<P: Protocol + Debug>(self) {
        if !P::TALLIES {
            return;
        }
        let (mut tallied, mut accused, mut height) = (0, 0, 0);
        for seed in 0..24 {
            let (mut quick, mut plain) = (Story::<P>::new(seed, true), Story::<P>::new(seed, false));
            for round in 0..24 {
                let draw = mix64(seed << 32 | 1 << 63 | round);
                quick.go_on(draw);
                plain.go_on(draw);
                assert!(quick.state() == plain.state(), "{}: seed {seed}, round {round}", P::INFO.id);
            }
            assert!(quick.said > 0 && quick.said == plain.said, "{}: only votes that were sent once", P::INFO.id);
            assert_eq!(plain.kit.nodes.iter().map(|n| n.tallied).sum::<u64>(), 0);
            tallied += quick.kit.nodes.iter().map(|n| n.tallied).sum::<u64>();
            accused += quick.kit.nodes.iter().map(|n| n.evidence.len()).sum::<usize>();
            height += quick.kit.nodes.iter().map(|n| n.final_height()).max().unwrap_or(0);
        }
        assert!(tallied > 1_000, "{}: only {tallied} messages were tallied", P::INFO.id);
        assert!(accused > 0 && height > 240, "{}: {accused} accused, {height} final blocks", P::INFO.id);
    }
}

#[test]
fn messages_that_are_tallied_leave_what_handled_ones_do() {
    examine(Tallies);
}
