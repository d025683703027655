//! Do transfers end when nobody waits for them any longer, and does the table forget them?

use ledgerlab_consensus::bft::pbft::Pbft;
use ledgerlab_consensus::{NodeId, Time};

use crate::engine::{GRID, Simulation};
use crate::kernel::queue::Pending;
use crate::probe::Probe;
use crate::scenario::Experiment;

/// Studies of imaging are read by other hospitals over links that take seconds for one; node 2 goes away for 10 s.
const READS: &str = r#"
    schema = 1
    [run]
    start = "monday 10:00"
    warmup = "1 s"
    duration = "39 s"
    [consensus]
    protocol = "pbft"
    nodes = 4
    [network]
    rtt = "constant:40 ms"
    bandwidth = "100 Mbit/s"
    [workload.imaging]
    kind = "img"
    hospitals = 4
    multiplier = 10
    remote_share = 1.0
    [storage]
    variant = "hash-pointer"
"#;

const AWAY: (u64, u64) = (15, 25);

/// When chunks were sent from or to node 2.
#[derive(Default)]
struct Chunks {
    from: Vec<Time>,
    to: Vec<Time>,
}

impl Probe for Chunks {
    fn on_send(&mut self, at: Time, from: NodeId, to: NodeId, kind: &'static str, _bytes: u32) {
        if kind == "chunk" && from == NodeId(2) {
            self.from.push(at);
        }
        if kind == "chunk" && to == NodeId(2) {
            self.to.push(at);
        }
    }
}

fn count(list: &[Time], from: u64, to: u64) -> usize {
    list.iter().filter(|t| (Time(from * GRID.0)..Time(to * GRID.0)).contains(*t)).count()
}

/// Runs a scenario for 40 s; says what was sent, how many reads there were, and how many places the table has.
fn run(fault: &str, overrides: &[String]) -> (Chunks, usize, usize) {
    let text = format!("{READS}{fault}");
    let points = Experiment::from_text("test.toml", &text, overrides).unwrap_or_else(|e| panic!("{e}")).points;
    let mut chunks = Chunks::default();
    let mut sim = Simulation::<Pbft, Pending>::new(&points[0].scenario, 3, Pending::windows(), &mut chunks);
    sim.start();
    for _ in 0..40 {
        sim.run_to_horizon();
        sim.meter.advance(sim.horizon, &sim.blocks, &sim.batches, &sim.txs);
        sim.flows.sweep();
        sim.horizon += GRID;
    }
    let (reads, places) = (sim.reads as usize, sim.flows.capacity());
    drop(sim);
    (chunks, reads, places)
}

fn assert_silent(fault: &str) {
    let (chunks, ..) = run(fault, &[]);
    for list in [&chunks.from, &chunks.to] {
        assert!(count(list, 5, AWAY.0) > 500, "{fault}: only {} chunks before", count(list, 5, AWAY.0));
        // A reader's end is known at the next second, and a chunk may be with the card then.
        let silent = count(list, AWAY.0 + 2, AWAY.1);
        assert_eq!(silent, 0, "{fault}: {silent} chunks to or from a node that is away");
    }
}

#[test]
fn nothing_is_sent_to_or_from_a_node_that_has_crashed() {
    assert_silent("[fault.gone]\nkind = \"crash\"\nnodes = \"2\"\nat = \"15 s\"\nfor = \"10 s\"\n");
}

#[test]
fn nothing_is_sent_on_after_a_part_was_lost_to_a_partition() {
    assert_silent("[fault.gone]\nkind = \"partition\"\nnodes = \"2\"\nat = \"15 s\"\nfor = \"10 s\"\n");
}

#[test]
fn the_table_has_room_for_what_is_under_way_and_not_for_all_that_was() {
    let (chunks, reads, places) = run("", &["network.bandwidth=1 Gbit/s".to_owned()]);
    assert!(count(&chunks.to, 0, 40) > 1_000 && reads > 40, "{reads} reads");
    assert!(places > 0 && places < reads / 4, "{places} places for {reads} reads");
}
