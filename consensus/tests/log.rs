//! The durable log of every registered protocol: bounded, whatever the length of the run, and enough to go on from.

use ledgerlab_consensus::registry::{IDS, Visitor, visit};
use ledgerlab_consensus::testkit::Kit;
use ledgerlab_consensus::types::mix64;
use ledgerlab_consensus::{EmptyBlocks, Family, Finality, KnobValue, NodeId, Protocol, Settings, Span, Time};

/// Blocks of the long run.
const LONG: u64 = 2_400;

/// Most records that a log may keep: Nakamoto's 2 x 288 blocks and a tenth for stale ones.
const MOST: usize = 634;

fn for_all<V: Visitor<Output = ()> + Clone>(what: V) {
    assert!(!IDS.is_empty());
    for id in IDS {
        visit(id, what.clone()).expect("the registry knows its own ids");
    }
}

/// Small windows where there are knobs for them, so that a run has many of them.
fn small<P: Protocol>(s: &mut Settings) {
    s.block_period = Span::millis(20);
    s.empty_blocks = EmptyBlocks::Always;
    for (knob, value) in [("checkpoint_interval", 8), ("window", 16), ("k", 12)] {
        if P::KNOBS.iter().any(|k| k.name == knob) {
            s.set(knob, KnobValue::Count(value));
        }
    }
}

fn kit<P: Protocol>() -> Kit<P> {
    let mut kit = Kit::<P>::new(4, small::<P>);
    kit.fsync = Span::millis(1);
    kit
}

fn highest<P: Protocol>(kit: &Kit<P>) -> u64 {
    kit.nodes.iter().map(|n| n.tip().height).max().expect("nodes")
}

/// Until the longest chain has grown so far.
fn grow<P: Protocol>(kit: &mut Kit<P>, height: u64) {
    let end = Time(kit.now.0 + 10_000_000_000_000_000);
    assert!(kit.run_while(end, |k| highest(k) < height), "{}: no block {height}", P::INFO.id);
}

#[derive(Clone)]
struct Bounded;
impl Bounded {
    /// What is left of the logs is enough to go on from without help.
    fn restart_all<P: Protocol>(&self, kit: &mut Kit<P>) {
        for node in (0..4).map(NodeId) {
            // The record of the tip becomes durable.
            kit.run_for(Span::millis(2));
            let fetches = kit.node(node).fetches;
            kit.crash(node);
            kit.restart(node);
            kit.run_for(Span::micros(100));
            assert_eq!(kit.node(node).fetches, fetches, "{}: it asks for what its log had", P::INFO.id);
            let next = highest(kit) + 5;
            grow(kit, next);
            assert_eq!(kit.node(node).syncs, 0, "{}: it copies what it has", P::INFO.id);
        }
    }
}
impl Visitor for Bounded {
    type Output = ();
    fn visit<P: Protocol>(self) {
        let mut kit = kit::<P>();
        let mut most = 0;
        for height in (LONG / 60..=LONG).step_by(LONG as usize / 60) {
            grow(&mut kit, height);
            most = kit.nodes.iter().map(|n| n.log.len()).max().expect("nodes").max(most);
        }
        let ends: Vec<u64> = kit.nodes.iter().map(|n| n.log.end().0).collect();
        assert!(ends.iter().any(|end| *end >= LONG), "{}: {ends:?} records for {LONG} blocks", P::INFO.id);
        assert!(most <= MOST, "{}: a log of {most} records", P::INFO.id);
        self.restart_all(&mut kit);
        // Where windows are small, so are logs.
        if P::INFO.family != Family::Pow {
            assert!(most <= 128, "{}: a log of {most} records", P::INFO.id);
        }
    }
}

#[test]
fn the_log_does_not_grow_with_the_number_of_decisions() {
    for_all(Bounded);
}

#[derive(Clone)]
struct Restarts(u64);
impl Restarts {
    /// Down and up again at random points, one node at a time, often in the middle of an fsync.
    fn run<P: Protocol>(&self, kit: &mut Kit<P>) {
        for round in 0..60_u64 {
            let draw = mix64(self.0 << 32 | round);
            kit.run_for(Span(draw % (kit_span::<P>(kit).0 * 12)));
            let node = NodeId((draw >> 60) as u32 % 4);
            kit.crash(node);
            kit.run_for(Span((draw >> 20) % (kit_span::<P>(kit).0 * 4)));
            let kept = kit.node(node).log.len();
            assert!(kept <= MOST, "{}: a log of {kept} records", P::INFO.id);
            kit.restart(node);
        }
    }
}

/// About the time of a block.
fn kit_span<P: Protocol>(kit: &Kit<P>) -> Span {
    match P::INFO.finality {
        Finality::Deterministic => Span::millis(40),
        Finality::Probabilistic { .. } => Span(P::expected_finality(&kit.config, kit.delay).0 / 13),
    }
}

impl Visitor for Restarts {
    type Output = ();
    fn visit<P: Protocol>(self) {
        let mut kit = kit::<P>();
        self.run(&mut kit);
        let ends: Vec<u64> = kit.nodes.iter().map(|n| n.log.end().0).collect();
        let freed = kit.nodes.iter().any(|n| n.log.end().0 > n.log.len() as u64);
        assert!(freed || P::INFO.family == Family::Pow, "{}: nothing was truncated in {ends:?}", P::INFO.id);
        let goal = highest(&kit) + 20;
        grow(&mut kit, goal);
        kit.run_for(kit_span::<P>(&kit) * 4);
        for n in &kit.nodes {
            assert!(n.evidence.is_empty(), "{}: honest nodes accuse {:?}", P::INFO.id, n.evidence);
            assert!(n.tip().height + 8 >= goal, "{}: {} of {goal}", P::INFO.id, n.tip().height);
        }
    }
}

#[test]
fn crashes_at_random_points_are_safe_with_a_truncated_log() {
    for seed in 1..=5 {
        for_all(Restarts(seed));
    }
}
