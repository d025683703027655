//! What a week puts on disk, simulated transaction by transaction, against the closed-form projection.

#[path = "physics/lab.rs"]
mod lab;

use lab::{record, scenario};
use ledgerlab_sim::record::{ByteClass, ClassBytes, RunRecord};
use ledgerlab_sim::scenario::Scenario;
use ledgerlab_sim::storage::StorageModel;
use ledgerlab_sim::storage::bytes::{INDEX_BYTES_PER_TX, STATE_BYTES_PER_TX};
use ledgerlab_sim::storage::projection::{BlockRate, Week, after};
use ledgerlab_workloads::expected::expected_between;
use ledgerlab_workloads::{Arrivals, Operation};

const WEEK_S: f64 = 604_800.0;

/// Health records alone, for a day.
const RECORDS: &str = r#"
[run]
start = "tuesday 00:00"
warmup = "0 s"
duration = "24 h"
drain = "60 s"
[consensus]
protocol = "hotstuff"
nodes = 4
block_period = "10 s"
[network]
rtt = "constant:20 ms"
[workload.clinics]
kind = "ehr"
hospitals = 20
"#;

const HOSPITALS: &str = r#"
[run]
start = "monday 00:00"
warmup = "0 s"
drain = "30 s"
[consensus]
protocol = "pbft"
nodes = 4
block_period = "10 s"
[network]
rtt = "constant:20 ms"
[workload.clinics]
kind = "ehr"
hospitals = 20
[workload.imaging]
kind = "img"
hospitals = 20
remote_share = 0.0
[workload.bedside]
kind = "iot"
hospitals = 20
[storage]
variant = "hash-pointer"
"#;

fn simulate(variant: &str, hours: u64, seed: u64) -> (Scenario, RunRecord) {
    let own = [format!("storage.variant={variant}"), format!("run.duration={hours} h")];
    let s = scenario(HOSPITALS, &own.each_ref().map(String::as_str));
    let r = record(&s, seed);
    (s, r)
}

/// Variance of each class's bytes at a node: arrivals are Poisson except for the roots of gateways, so the variance
/// of a sum of sizes is the expected sum of their squares. Estimated from another seed's arrivals.
fn variance(s: &Scenario, seed: u64) -> ClassBytes {
    let end = s.duration.0;
    let arrivals = Arrivals::new(&s.workloads, s.load, seed, s.start.0, end).expect("valid workloads");
    let model = StorageModel::new(&s.storage);
    let mut sum = ClassBytes::default();
    for a in arrivals.filter(|a| a.operation == Operation::Write) {
        let workload = &s.workloads[a.workload as usize];
        if workload.kind.records[a.kind as usize].name == "root" {
            continue;
        }
        let placement = model.placement(&a);
        sum.payload += f64::from(placement.chain_bytes).powi(2);
        sum.state += f64::from(STATE_BYTES_PER_TX).powi(2);
        sum.index += f64::from(INDEX_BYTES_PER_TX).powi(2);
        sum.off_chain += (placement.offchain.map_or(0.0, |o| o.bytes as f64) / f64::from(s.nodes())).powi(2);
    }
    sum
}

/// What the workloads' profiles and a block every 10 s give for the time of the run.
fn projected(s: &Scenario, r: &RunRecord) -> ClassBytes {
    let seconds = s.duration.as_secs_f64();
    let model = StorageModel::new(&s.storage);
    let mut week = Week::default();
    for w in &s.workloads {
        let e = expected_between(w, s.load, s.start.0, s.start.0 + s.duration.0).expect("an open workload");
        week.transactions += e.writes * WEEK_S / seconds;
        week.payload_bytes += e.chain_bytes(model.inline()) * WEEK_S / seconds;
        week.off_chain_bytes += e.off_chain_bytes(model.inline()) * WEEK_S / seconds;
    }
    let per_block = |bytes: f64| bytes / r.blocks.count as f64;
    let window = &r.storage.window_bytes_per_node;
    let blocks = BlockRate {
        blocks_per_s: 0.1,
        header_bytes: per_block(window.headers),
        certificate_bytes: per_block(window.certificates),
    };
    after(seconds, &week, &blocks, s.nodes(), None)
}

fn on_chain(bytes: &ClassBytes) -> f64 {
    bytes.headers + bytes.certificates + bytes.payload + bytes.state + bytes.index
}

fn grows_as_projected(hours: u64, seed: u64) {
    let (s, r) = simulate("hash-pointer", hours, seed);
    let (simulated, expected) = (r.storage.window_bytes_per_node, projected(&s, &r));
    let total = on_chain(&simulated) / on_chain(&expected);
    println!("{hours} h, seed {seed}: {total:.5} of the projected chain bytes");
    assert!((total - 1.0).abs() < 0.02, "{hours} h, seed {seed}: {total} of the projected chain bytes");
    let variance = variance(&s, seed ^ 0xFFFF);
    for class in ByteClass::ALL {
        let (got, want, sigma) = (simulated.get(class), expected.get(class), variance.get(class).sqrt());
        println!("  {}: {got} of {want}, {:+.2} sigma", class.name(), (got - want) / sigma.max(1.0));
        // Headers and certificates do not spread: a block may be on its way at either end.
        let edge = want * 10.0 / s.duration.as_secs_f64();
        assert!((got - want).abs() <= 4.0 * sigma + edge, "{}: {got}, not {want} within 4 x {sigma}", class.name());
    }
    if hours == 7 * 24 {
        let year = &r.storage.projection[0].per_node_bytes;
        let weeks = 31_557_600.0 / WEEK_S;
        let ratio = on_chain(&simulated) * weeks / on_chain(year);
        assert!((ratio - 1.0).abs() < 0.02, "the report's projection is off by {ratio}");
    }
}

#[test]
fn a_simulated_week_grows_as_projected() {
    grows_as_projected(7 * 24, 1);
}

#[test]
#[ignore = "long: run by scripts/statistics.sh"]
fn many_seeds_days_and_weeks_grow_as_projected() {
    for seed in 0..lab::seeds() {
        grows_as_projected(24, seed);
        grows_as_projected(7 * 24, seed);
    }
}

#[test]
fn a_pointer_cuts_the_payload_of_health_records_by_nine_tenths() {
    let payload = |variant: &str| {
        let own = [format!("storage.variant={variant}"), "workload.clinics.reads_per_write=0".into()];
        let r = record(&scenario(RECORDS, &own.each_ref().map(String::as_str)), 2);
        (r.storage.window_bytes_per_node.payload, r.cohort)
    };
    let ((inline, a), (pointer, b)) = (payload("inline"), payload("hash-pointer"));
    assert_eq!(a.created, b.created, "the same records in both");
    assert!(a.committed == a.created && b.committed == b.created, "{a:?} {b:?}");
    let cut = 1.0 - pointer / inline;
    println!("{inline} bytes inline, {pointer} as pointers: {cut} less");
    assert!((0.90..=0.97).contains(&cut), "{inline} bytes inline, {pointer} as pointers: {cut} less");
}

#[test]
fn what_no_block_can_hold_is_refused_and_holds_nothing_up() {
    let s = scenario(HOSPITALS, &["storage.variant=inline", "run.duration=2 h"]);
    let r = record(&s, 1);
    let workload = |name: &str| r.workloads.iter().find(|w| w.name == name).expect("the workload").cohort;
    let studies = workload("imaging");
    assert!(studies.created > 0 && studies.rejected == studies.created, "{studies:?}");
    assert_eq!(workload("clinics").success_rate(), Some(1.0), "{:?}", workload("clinics"));
    assert!(r.warnings.iter().any(|w| w.contains("larger than a block")), "{:?}", r.warnings);
}
