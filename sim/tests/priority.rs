//! Consensus and imaging share uplinks: what waits for what.

#[path = "physics/lab.rs"]
mod lab;

use lab::{record, scenario};

/// Four hospitals whose studies are read by the others over uplinks of 100 Mbit/s, beside a light load of records.
const IMAGING: &str = r#"
[run]
start = "monday 10:00"
warmup = "20 s"
duration = "60 s"
drain = "10 s"
[consensus]
protocol = "pbft"
nodes = 4
block_period = "100 ms"
[network]
rtt = "constant:40 ms"
uplink = "100 Mbit/s"
downlink = "1 Gbit/s"
[mempool]
batch_delay = "100 ms"
[workload.clinics]
kind = "fixed"
hospitals = 4
rate_tx_per_s = 50
[workload.imaging]
kind = "img"
hospitals = 4
multiplier = 0
remote_share = 1.0
[storage]
variant = "hash-pointer"
"#;

/// 99th percentile of the records' time to finality, ms, and the mean share of the uplinks in use.
fn finality_beside_imaging(protocol: &str, imaging: f64, way: &str, seed: u64) -> (f64, f64) {
    let keys = [
        format!("consensus.protocol={protocol}"),
        format!("workload.imaging.multiplier={imaging}"),
        format!("network.{way}"),
    ];
    let r = record(&scenario(IMAGING, &keys.each_ref().map(String::as_str)), seed);
    let records = r.workloads.iter().find(|w| w.name == "clinics").expect("the workload");
    assert!(records.cohort.success_rate() > Some(0.99), "{:?}", records.cohort);
    let used = r.nodes.iter().map(|n| n.uplink_share).sum::<f64>() / r.nodes.len() as f64;
    (records.latency.quantile_ms(0.99).expect("records become final"), used)
}

fn compare_lanes(protocol: &str, seed: u64) {
    let (alone, _) = finality_beside_imaging(protocol, 0.0, "priority=false", seed);
    let (beside, used) = finality_beside_imaging(protocol, 10.0, "priority=false", seed);
    let (urgent, used_too) = finality_beside_imaging(protocol, 10.0, "priority=true", seed);
    let (fair, used_fairly) = finality_beside_imaging(protocol, 10.0, "sharing=fair", seed);
    println!(
        "{protocol} seed {seed}: p99 {alone} ms alone, {beside} beside imaging, {urgent} with priority, {fair} with fair links; {used}"
    );
    let all = [used, used_too, used_fairly];
    assert!(all.iter().all(|u| *u > 0.85), "{protocol}: uplinks are used for {all:?}");
    assert!(beside > 1.05 * alone, "{protocol}: p99 {beside} ms beside imaging, {alone} ms alone");
    assert!(urgent < 1.05 * alone, "{protocol}: p99 {urgent} ms with priority, {alone} ms alone");
    // A vote has a share of its own instead of a place behind the chunks that wait.
    assert!(fair < 1.05 * alone, "{protocol}: p99 {fair} ms with fair links, {alone} ms alone");
}

/// Radiologists read studies that lie at other hospitals, over links as slow in both directions.
const READING: &str = r#"
    [run]
    start = "monday 10:00"
    warmup = "10 s"
    duration = "240 s"
    [consensus]
    protocol = "pbft"
    nodes = 4
    block_period = "100 ms"
    [network]
    rtt = "constant:10 ms"
    bandwidth = "100 Mbit/s"
    [workload.imaging]
    kind = "img"
    hospitals = 4
    remote_share = 0.5
    reads_per_write = 10.0
    [workload.records]
    kind = "fixed"
    rate_tx_per_s = 10
    [storage]
    variant = "hash-pointer"
"#;

#[test]
fn votes_go_first_on_downlinks_too() {
    let p99 = |set: &[&str]| {
        let r = record(&scenario(READING, set), 3);
        let records = r.workloads.iter().find(|w| w.name == "records").expect("the workload");
        assert!(records.cohort.success_rate() > Some(0.99), "{set:?}: {:?}", records.cohort);
        let used = r.nodes.iter().map(|n| n.downlink_share).fold(0.0, f64::max);
        (records.latency.quantile_ms(0.99).expect("records become final"), used)
    };
    let (alone, _) = p99(&["workload.imaging.multiplier=0.01"]);
    let (beside, used) = p99(&["workload.imaging.multiplier=6"]);
    let (urgent, _) = p99(&["workload.imaging.multiplier=6", "network.priority=true"]);
    println!("p99 {alone} ms alone, {beside} beside reading, {urgent} with priority; {used}");
    assert!(used > 0.5, "{used}");
    assert!(beside > 3.0 * alone, "{beside} ms beside reading, {alone} ms alone");
    // Each of three delays may wait for a chunk at either end: 5 ms each.
    assert!(urgent < alone + 30.0, "{urgent} ms with priority, {alone} ms alone");
}

#[test]
fn imaging_slows_consensus_down_unless_votes_go_first() {
    compare_lanes("pbft", 4);
    compare_lanes("hotstuff", 4);
}

#[test]
#[ignore = "long: run by scripts/statistics.sh"]
fn many_seeds_imaging_slows_consensus_down_unless_votes_go_first() {
    (0..lab::seeds()).for_each(|seed| ["pbft", "hotstuff"].iter().for_each(|p| compare_lanes(p, seed)));
}
