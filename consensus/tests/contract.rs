//! The contract tests: what every protocol of the registry must do, whichever it is.

use std::cell::RefCell;
use std::rc::Rc;

use ledgerlab_consensus::registry::{IDS, Visitor, visit};
use ledgerlab_consensus::testkit::{Fate, Kit};
use ledgerlab_consensus::types::mix64;
use ledgerlab_consensus::{Effect, EmptyBlocks, Finality, NodeId, Protocol, Settings, Span, Time, Wire};

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
