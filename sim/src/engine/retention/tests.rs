//! Sweeps change nothing but memory; what is remembered is bounded; what is not remembered is not made up.

use ledgerlab_consensus::registry::{self, Visitor};
use ledgerlab_consensus::{Protocol, Time};

use crate::engine::Simulation;
use crate::kernel::queue::Pending;
use crate::probe::Blind;
use crate::record::{RunRecord, Verdict};
use crate::scenario::{Experiment, Scenario};

const WORLD: &str = r#"
    schema = 1
    [run]
    warmup = "5 s"
    duration = "85 s"
    [consensus]
    protocol = "pbft"
    nodes = 4
    block_period = "200 ms"
    [consensus.nakamoto]
    interval = "1 s"
    [consensus.praos]
    slot = "100 ms"
    f = 0.2
    k = 12
    [network]
    rtt = "hospital-wan"
    [workload.plain]
    kind = "fixed"
    hospitals = 8
    rate_tx_per_s = 50
"#;

const PROTOCOLS: [&str; 4] = ["pbft", "hotstuff", "nakamoto", "praos"];

/// What happens at the end of each second of a run.
type Look<'a> = &'a mut dyn FnMut(Time, [usize; 4]);

struct Run<'a> {
    scenario: &'a Scenario,
    least: u64,
    look: Look<'a>,
}

impl Visitor for Run<'_> {
    type Output = RunRecord;
    fn visit<P: Protocol>(self) -> RunRecord {
        let mut probe = Blind;
        let mut sim = Simulation::<P, Pending>::new(self.scenario, 3, Pending::windows(), &mut probe).in_windows();
        sim.retention.least = self.least;
        sim.start();
        while sim.horizon < Time::ZERO + self.scenario.warmup + self.scenario.duration {
            sim.run_to_horizon();
            sim.meter.advance(sim.horizon, &sim.blocks, &sim.batches, &sim.txs);
            sim.flows.sweep();
            sim.sweep(sim.horizon);
            (self.look)(sim.horizon, sim.kept());
            sim.horizon += crate::engine::GRID;
        }
        sim.finish()
    }
}

fn world(set: &[&str]) -> Scenario {
    let set: Vec<String> = set.iter().map(|s| (*s).to_owned()).collect();
    let points = Experiment::from_text("test.toml", WORLD, &set).unwrap_or_else(|e| panic!("{e}")).points;
    points.into_iter().next().expect("one point").scenario
}

fn run(s: &Scenario, least: u64, look: Look<'_>) -> RunRecord {
    registry::visit(s.protocol, Run { scenario: s, least, look }).expect("registered")
}

/// Runs with sweeps at the end of each second and without any; the records must be equal.
fn same_with_and_without(set: &[&str]) {
    let s = world(set);
    // Wakes for void tasks are events, too, and those tasks leave memory.
    let lines = |r: RunRecord| serde_json::to_string_pretty(&RunRecord { events: 0, ..r }).expect("a record is JSON");
    let (eager, never) = (run(&s, 0, &mut |_, _| {}), run(&s, u64::MAX, &mut |_, _| {}));
    assert!(eager.cohort.committed > 0, "{set:?}: {:?}", eager.verdict);
    let (eager, never) = (lines(eager), lines(never));
    let other = eager.lines().zip(never.lines()).find(|(a, b)| a != b);
    assert_eq!(other, None, "{set:?}");
}

#[test]
fn a_run_is_the_same_with_sweeps_and_without() {
    for protocol in PROTOCOLS {
        let protocol = format!("consensus.protocol={protocol}");
        same_with_and_without(&[&protocol]);
        let crash = ["fault.stop.kind=crash", "fault.stop.nodes=2", "fault.stop.at=20 s"];
        let back: Vec<&str> = crash.iter().copied().chain([protocol.as_str(), "fault.stop.for=30 s"]).collect();
        same_with_and_without(&back);
        let gone: Vec<&str> = crash.iter().copied().chain([protocol.as_str()]).collect();
        same_with_and_without(&gone);
        let cut = ["fault.cut.kind=partition", "fault.cut.nodes=1", "fault.cut.at=20 s", "fault.cut.for=25 s"];
        let cut: Vec<&str> = cut.iter().copied().chain([protocol.as_str()]).collect();
        same_with_and_without(&cut);
    }
}

#[test]
fn a_run_with_expiry_and_too_much_load_is_the_same() {
    for protocol in ["consensus.protocol=pbft", "consensus.protocol=nakamoto"] {
        let narrow = ["mempool.expiry=10 s", "consensus.block_bytes=3 kB", "workload.plain.rate_tx_per_s=80"];
        let set: Vec<&str> = narrow.iter().copied().chain([protocol]).collect();
        same_with_and_without(&set);
    }
}

#[test]
fn what_is_kept_does_not_grow() {
    for protocol in PROTOCOLS {
        let s = world(&[&format!("consensus.protocol={protocol}")]);
        let mut most = [[0; 4]; 2];
        run(&s, 0, &mut |at, kept| {
            let half = usize::from(at > Time(50_000_000_000));
            (0..4).for_each(|i| most[half][i] = most[half][i].max(kept[i]));
        });
        for (early, late) in most[0].iter().zip(&most[1]) {
            assert!(*late <= early + early / 4 + 8, "{protocol}: {most:?}");
        }
        assert!(most[1][3] < 50 * 60, "{protocol} keeps {most:?} of 4500 transactions");
    }
}

#[test]
fn a_node_that_is_down_holds_memory_until_it_has_caught_up() {
    let s = world(&["fault.stop.kind=crash", "fault.stop.nodes=2", "fault.stop.at=20 s", "fault.stop.for=30 s"]);
    let mut blocks = vec![];
    let record = run(&s, 0, &mut |_, kept| blocks.push(kept[0]));
    assert_eq!(record.verdict, Verdict::Ok);
    assert!(blocks[48] > blocks[18] + 100, "5 blocks/s for 30 s: {blocks:?}");
    assert!(blocks[70] < blocks[18] + 20, "{blocks:?}");
    let gone = world(&["fault.stop.kind=crash", "fault.stop.nodes=2", "fault.stop.at=20 s"]);
    let mut blocks = vec![];
    run(&gone, 0, &mut |_, kept| blocks.push(kept[0]));
    assert!(blocks[80] < blocks[18] + 20, "nobody waits for a node that never returns: {blocks:?}");
}

#[test]
fn a_chain_that_is_left_below_what_is_kept_ends_the_run_with_a_verdict() {
    let s = world(&["consensus.protocol=nakamoto"]);
    let mut probe = Blind;
    let mut sim =
        Simulation::<ledgerlab_consensus::pow::nakamoto::Nakamoto, Pending>::new(&s, 3, Pending::heap(), &mut probe);
    sim.retention.least = 0;
    sim.start();
    for _ in 0..80 {
        sim.run_to_horizon();
        sim.meter.advance(sim.horizon, &sim.blocks, &sim.batches, &sim.txs);
        sim.sweep(sim.horizon);
        sim.horizon += crate::engine::GRID;
    }
    let kept = sim.nodes[1].chain.first();
    assert!(kept > 10, "{kept}");
    let top = sim.nodes[1].height();
    sim.revert(1, sim.horizon, kept - 1);
    assert_eq!(sim.nodes[1].height(), top, "nothing is taken off a chain that cannot be followed down");
    let record = sim.finish();
    assert_eq!(record.verdict.word(), "check-failed");
    assert!(record.verdict.text().contains(&format!("below height {kept} every node held")), "{:?}", record.verdict);
}
