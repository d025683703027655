//! Faults inside the engine itself, which no protocol can cause from outside: the checks must find them.

use ledgerlab_consensus::bft::pbft::Pbft;

use crate::engine::{GRID, Simulation};
use crate::kernel::queue::Heap;
use crate::probe::Blind;
use crate::record::{RunRecord, Verdict};
use crate::scenario::Experiment;

const WORLD: &str = r#"
    schema = 1
    [run]
    warmup = "1 s"
    duration = "9 s"
    [consensus]
    protocol = "pbft"
    nodes = 4
    block_period = "200 ms"
    [network]
    rtt = "constant:40 ms"
    [workload.plain]
    kind = "fixed"
    rate_tx_per_s = 200
"#;

/// Runs for a few seconds, does something to the engine, and ends.
fn run_and(harm: impl FnOnce(&mut Simulation<'_, Pbft, Heap>)) -> RunRecord {
    run_with(&[], harm)
}

fn run_with(set: &[&str], harm: impl FnOnce(&mut Simulation<'_, Pbft, Heap>)) -> RunRecord {
    let set: Vec<String> = set.iter().map(|s| (*s).to_owned()).collect();
    let points = Experiment::from_text("test.toml", WORLD, &set).expect("a valid scenario").points;
    let mut probe = Blind;
    let mut sim = Simulation::<Pbft, Heap>::new(&points[0].scenario, 1, Heap::default(), &mut probe);
    sim.start();
    for _ in 0..5 {
        sim.run_to_horizon();
        sim.meter.advance(sim.horizon, &sim.blocks, &sim.batches, &sim.txs);
        sim.horizon += GRID;
    }
    harm(&mut sim);
    sim.finish()
}

#[test]
fn nothing_is_lost_without_a_fault() {
    let record = run_and(|_| {});
    assert_eq!(record.verdict, Verdict::Ok);
    assert!(record.cohort.pending > 0, "something is under way: {:?}", record.cohort);
}

#[test]
fn transactions_that_a_gateway_forgets_are_found_lost() {
    let mut forgotten = 0;
    let record = run_and(|sim| {
        forgotten = sim.nodes[2].own.len();
        sim.nodes[2].own.clear();
    });
    assert!(forgotten > 0, "the gateway of node 2 held nothing");
    assert_eq!(record.verdict.word(), "conservation-violation");
    assert!(record.verdict.text().contains(" lost"), "{}", record.verdict.text());
}

#[test]
fn a_transaction_that_leaves_its_batch_on_the_way_is_found_lost() {
    let record = run_and(|sim| {
        let batch = *sim.nodes[1].own.back().expect("something is under way");
        sim.batches.get_mut(batch).txs.pop().expect("no batch is empty");
    });
    assert!(record.verdict.text().contains("1 lost"), "{}", record.verdict.text());
}

#[test]
fn a_log_that_is_kept_for_a_crash_is_truncated_and_numbered_on_after_it() {
    let set = [
        "consensus.pbft.checkpoint_interval=2",
        "consensus.pbft.window=4",
        "consensus.block_period=20 ms",
        "fault.a.kind=crash",
        "fault.a.nodes=3",
        "fault.a.at=1500 ms",
        "fault.a.for=500 ms",
    ];
    let record = run_with(&set, |sim| {
        let node = &sim.nodes[3];
        let log = node.log.as_ref().expect("the fault plan needs it");
        assert_eq!(log.end(), node.log_seq);
        assert!(log.end().0 > 100 && log.len() < 30, "{} of {} records", log.len(), log.end().0);
        assert!(sim.nodes[0].log.is_none(), "it never crashes");
    });
    assert_eq!(record.verdict, Verdict::Ok);
}
