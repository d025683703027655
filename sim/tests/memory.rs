//! Does a run's memory grow with its virtual time, and how much does a node take?
//!
//! Every byte that is allocated is counted, by a global allocator for this test binary alone. Peaks are of whole runs:
//! from the scenario's tables to the record. Bytes that only the allocator sees (rounding, fragments) do not count.

use std::sync::{Mutex, MutexGuard, PoisonError};

use ledgerlab_consensus::Time;
use ledgerlab_sim::kernel::queue::{Event, Origin, Pending, Queue};
use ledgerlab_sim::record::Verdict;
use ledgerlab_sim::run::run;
use ledgerlab_sim::scenario::{Experiment, Scenario};
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

/// One measurement at a time: all threads' bytes are counted.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The most bytes that were allocated at once in a call, above what was there before.
fn peak_of<T>(call: impl FnOnce() -> T) -> (usize, T) {
    ALLOCATED.reset_peak_usage();
    let before = ALLOCATED.current_usage();
    let result = call();
    (ALLOCATED.peak_usage() - before, result)
}

fn scenario(text: &str) -> Scenario {
    let mut points = Experiment::from_text("test.toml", text, &[]).unwrap_or_else(|e| panic!("{e}\n{text}")).points;
    points.remove(0).scenario
}

/// Peak of a run of so many seconds under a constant load, and the transactions that it committed.
fn peak_of_run(consensus: &str, duration_s: u64) -> (usize, u64) {
    let s = scenario(&format!(
        r#"
        schema = 1
        run = {{ warmup = "10 s", duration = "{duration_s} s" }}
        {consensus}
        [network]
        rtt = "constant:20 ms"
        [workload.plain]
        kind = "fixed"
        hospitals = 8
        rate_tx_per_s = 20
        "#
    ));
    let (peak, record) = peak_of(|| run(&s, 1));
    assert_eq!(record.verdict, Verdict::Ok);
    (peak, record.cohort.committed)
}

/// Four times the virtual time at the same load takes no more than a tenth more memory: what the result's time series
/// of at most 240 steps take is in that.
fn does_not_grow(name: &str, consensus: &str, duration_s: u64) {
    let _alone = alone();
    let (short, few) = peak_of_run(consensus, duration_s);
    let (long, many) = peak_of_run(consensus, 4 * duration_s);
    println!("{name}: {short} bytes for {duration_s} s and {few} transactions, {long} for {many}");
    assert!(many > 3 * few, "{few} and {many} transactions");
    assert!(long as f64 <= 1.1 * short as f64, "{name}: {long} bytes after {short}");
}

#[test]
fn memory_does_not_grow_with_virtual_time_under_pbft() {
    let pbft = r#"consensus = { protocol = "pbft", nodes = 4, block_period = "200 ms" }"#;
    // The observer of statements remembers 1,024 heights.
    does_not_grow("pbft", pbft, 300);
}

#[test]
fn memory_does_not_grow_with_virtual_time_under_hotstuff() {
    let hotstuff = r#"consensus = { protocol = "hotstuff", nodes = 4, block_period = "200 ms" }"#;
    does_not_grow("hotstuff", hotstuff, 300);
}

#[test]
fn memory_does_not_grow_with_virtual_time_under_nakamoto() {
    // A replica keeps up to 2 x 288 blocks.
    let nakamoto =
        r#"consensus = { protocol = "nakamoto", nodes = 8, nakamoto = { interval = "1 s", retarget_window = 0 } }"#;
    does_not_grow("nakamoto", nakamoto, 5_200);
}

#[test]
fn memory_does_not_grow_with_virtual_time_under_praos() {
    let praos = r#"consensus = { protocol = "praos", nodes = 8, praos = { slot = "100 ms", f = 0.1, k = 24 } }"#;
    does_not_grow("praos", praos, 1_300);
}

#[test]
fn a_node_of_a_large_overlay_takes_little_all_included() {
    const NODES: usize = 10_000;
    /// A third of it before the first block: node, machine and replica. The rest when a block spreads: announcements on
    /// their way, each replica's tree, what each node knows of recent blocks.
    const MOST_BYTES: usize = 4_096;
    let _alone = alone();
    let s = scenario(&format!(
        r#"
        schema = 1
        run = {{ duration = "3600 s", warmup = "0 s", drain = "7200 s" }}
        consensus = {{ protocol = "nakamoto", nodes = {NODES} }}
        [network]
        regions = ["us-east-1", "us-west-2", "eu-central-1", "ap-northeast-1"]
        rtt = "cloud-2025"
        bandwidth = "1 Gbit/s"
        degree = 8
        [workload.load]
        kind = "fixed"
        rate_tx_per_s = 0.002
        [finality]
        rule = "depth:1"
        "#
    ));
    let (peak, record) = peak_of(|| run(&s, 1));
    println!("{} bytes a node, {} blocks, {} deliveries", peak / NODES, record.blocks.made, record.deliveries);
    assert!(record.cohort.committed > 0 && record.deliveries > 8 * NODES as u64, "{:?}", record.cohort);
    assert!(peak <= MOST_BYTES * NODES, "{} bytes a node", peak / NODES);
}

#[test]
fn an_idle_entity_of_the_kernel_takes_a_hundred_bytes() {
    const ENTITIES: u32 = 100_000;
    let _alone = alone();
    for (name, make) in [("windows", Pending::windows as fn() -> Pending), ("heap", Pending::heap)] {
        let (peak, queue) = peak_of(|| {
            let mut queue = make();
            for target in 0..ENTITIES {
                // Each waits for something between a microsecond and an hour away.
                let at = Time(1_000 + u64::from(target).wrapping_mul(0x9E37_79B9_7F4A_7C15) % 3_600_000_000_000);
                queue.push(Event { at, origin: Origin::new(target, 1), target, what: 0 });
            }
            queue
        });
        println!("{name}: {} bytes an entity", peak / ENTITIES as usize);
        assert!(peak <= 100 * ENTITIES as usize, "{name}: {} bytes an entity", peak / ENTITIES as usize);
        drop(queue);
    }
}
