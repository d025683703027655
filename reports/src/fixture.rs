//! Synthetic results for tests of this crate: the shape of a comparison of four protocols, no claim about any.

use ledgerlab_sim::record::{
    BlockStats, CheckOutcome, ClassBytes, Cohort, ExperimentHeader, FaultWindow, FinalityRecord, LatencyHistogram,
    MessageCount, NodeUse, PointHeader, ProjectionRow, Provenance, Rates, ReadRecord, ReorgDepth, RunRecord, Series,
    SloOutcome, Stages, StorageRecord, Summary, Verdict, Window, WorkloadRecord,
};
use std::collections::BTreeMap;

const WARMUP_S: f64 = 120.0;
const WINDOW_S: f64 = 300.0;
const RATE: f64 = 150.0;
const PROTOCOLS: [(&str, f64); 4] = [("nakamoto", 62_000.0), ("praos", 41_000.0), ("pbft", 310.0), ("hotstuff", 520.0)];

/// Four protocols, three replications each, an outage in the window.
pub fn comparison() -> (Summary, Vec<RunRecord>) {
    let runs: Vec<_> = (0..PROTOCOLS.len() as u32)
        .flat_map(|point| (0..3).map(move |replication| run(point, replication, PROTOCOLS[point as usize].1, RATE)))
        .collect();
    let points = PROTOCOLS.iter().map(|(protocol, _)| header(&[("consensus.protocol", protocol)], protocol)).collect();
    (Summary::from_runs(experiment("quickstart", &["consensus.protocol"]), points, &runs), runs)
}

/// Two protocols under five loads.
pub fn load_curve() -> (Summary, Vec<RunRecord>) {
    let (mut points, mut runs) = (Vec::new(), Vec::new());
    for (protocol, latency_ms) in &PROTOCOLS[2..] {
        for load in [0.5, 1.0, 2.0, 4.0, 8.0] {
            let slowed_ms = latency_ms / (1.0 - load / 9.0);
            runs.extend((0..2).map(|replication| run(points.len() as u32, replication, slowed_ms, RATE * load)));
            points.push(header(&[("consensus.protocol", protocol), ("load", &load.to_string())], protocol));
        }
    }
    (Summary::from_runs(experiment("throughput-latency", &["consensus.protocol", "load"]), points, &runs), runs)
}

/// One point in which nothing committed, with an objective that it missed.
pub fn stalled() -> (Summary, Vec<RunRecord>) {
    let mut run = run(0, 0, 100.0, RATE);
    let created = run.cohort.created;
    run.cohort = Cohort { created, pending: created, ..Cohort::default() };
    run.latency = LatencyHistogram::default();
    run.client_reply = LatencyHistogram::default();
    run.stages = None;
    run.rates = Rates { offered_tx_per_s: RATE, admitted_tx_per_s: RATE, ..Rates::default() };
    run.series.committed_tx_per_s.fill(0.0);
    run.series.latency_mean_ms.fill(None);
    run.series.latency_p99_ms.fill(None);
    run.verdict = Verdict::Stalled { explained: false, text: "no block after 3.2 s & none <expected>".into() };
    for workload in &mut run.workloads {
        workload.latency = LatencyHistogram::default();
    }
    let mut header = header(&[], "pbft");
    header.slo = vec![SloOutcome { key: "success_rate".into(), limit: 0.99, measured: Some(0.0), met: false }];
    (Summary::from_runs(experiment("stalled", &[]), vec![header], std::slice::from_ref(&run)), vec![run])
}

fn header(labels: &[(&str, &str)], protocol: &str) -> PointHeader {
    let labels: BTreeMap<_, _> = labels.iter().map(|(axis, value)| ((*axis).into(), (*value).into())).collect();
    PointHeader { labels, protocol: protocol.into(), ..PointHeader::default() }
}

fn experiment(name: &str, axes: &[&str]) -> ExperimentHeader {
    let scenario = "schema = 1\n[run]\nseed = 1\nwarmup = \"120 s\"\nduration = \"300 s\"\n[consensus]\nnodes = 16\n";
    ExperimentHeader {
        name: name.into(),
        provenance: Provenance {
            version: "0.1.0".into(),
            commit: Some("0123abc".into()),
            host: "8 cores, linux x86_64".into(),
            wall_s: 6.4,
            command: format!("ledgerlab run scenarios/{name}.toml --seed 1"),
        },
        axes: axes.iter().map(|axis| (*axis).to_owned()).collect(),
        scenario: scenario.parse().unwrap(),
    }
}

/// A linear congruential generator: uniform numbers in 0 to 1 that are the same everywhere.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

fn run(point: u32, replication: u32, latency_ms: f64, rate: f64) -> RunRecord {
    let mut noise = Noise(u64::from(point * 100 + replication + 1));
    let skewed = |noise: &mut Noise| latency_ms * (0.6 - 0.5 * (1.0 - noise.next()).ln() / 1.2);
    let values: Vec<u64> = (0..4_000).map(|_| (skewed(&mut noise) * 1e6) as u64).collect();
    let latency = LatencyHistogram::from_values(values);
    let created = (rate * WINDOW_S) as u64;
    let cohort = Cohort { created, committed: created - 40, rejected: 10, expired: 10, pending: 20 };
    let mean_ms = latency.mean_ms().unwrap();
    let carried = rate * (0.99 + 0.01 * noise.next());
    RunRecord {
        point,
        replication,
        seed: 1 + u64::from(replication),
        digest: format!("{:032x}", u128::from(point) << 64 | u128::from(replication)),
        verdict: Verdict::Ok,
        window: Window { start_s: WARMUP_S, end_s: WARMUP_S + WINDOW_S, stopped_s: WARMUP_S + WINDOW_S + 60.0 },
        finality: finality(latency_ms),
        cohort,
        rates: Rates {
            offered_tx_per_s: rate,
            admitted_tx_per_s: rate,
            committed_tx_per_s: carried,
            throughput_tx_per_s: carried,
            goodput_tx_per_s: carried * 0.98,
        },
        client_reply: latency.clone(),
        stages: Some(Stages::from_values_ms([0.05, 0.2, 0.6, 0.05, 0.1].map(|share| share * mean_ms))),
        reads: ReadRecord { created: 900, answered: 900, latency: LatencyHistogram::from_values([9_000_000; 900]) },
        workloads: ["clinics", "imaging", "monitors"].map(|name| workload(name, cohort, &latency)).to_vec(),
        storage: storage(rate),
        nodes: (0..16).map(|node| node_use(node, point, &mut noise)).collect(),
        blocks: blocks(latency_ms),
        messages: vec![
            MessageCount { kind: "block".into(), count: 4_500, bytes: 92_000_000 },
            MessageCount { kind: "vote".into(), count: 72_000, bytes: 9_360_000 },
        ],
        series: series(latency_ms, rate, &mut noise),
        faults: vec![FaultWindow { name: "outage".into(), kind: "crash".into(), from_s: 240.0, to_s: 300.0 }],
        checks: vec![
            CheckOutcome {
                name: "safety".into(),
                passed: true,
                detail: "1,204 decisions".into(),
                ..Default::default()
            },
            CheckOutcome {
                name: "littles-law".into(),
                passed: true,
                measured: Some(rate * mean_ms / 1e3),
                expected: Some(rate * mean_ms / 1e3 * 1.001),
                detail: "number in system against rate times latency".into(),
            },
        ],
        warnings: Vec::new(),
        events: 1_200_000,
        crowded: 0,
        deliveries: 800_000,
        latency,
    }
}

fn workload(name: &str, cohort: Cohort, latency: &LatencyHistogram) -> WorkloadRecord {
    WorkloadRecord { name: name.into(), cohort, latency: latency.clone() }
}

fn finality(latency_ms: f64) -> FinalityRecord {
    let slow = latency_ms > 10_000.0;
    FinalityRecord {
        nodes: "quorum".into(),
        rule: if slow { "risk:0.1/1e-3".into() } else { "protocol".into() },
        depth: slow.then_some((latency_ms / 10_000.0) as u64),
        adversary: slow.then_some(0.1),
        reversal: Some(if slow { 9.1e-4 } else { 0.0 }),
    }
}

fn storage(rate: f64) -> StorageRecord {
    let day = ClassBytes {
        headers: 1.2e6,
        certificates: 2.4e6,
        payload: rate * 86_400.0 * 400.0,
        state: rate * 86_400.0 * 60.0,
        index: rate * 86_400.0 * 30.0,
        off_chain: rate * 86_400.0 * 900.0,
        replicas: 0.0,
    };
    let year = |year: u32| ProjectionRow {
        year,
        per_node_bytes: day.scaled(200.0 * f64::from(year)),
        total_bytes: day.scaled(3_200.0 * f64::from(year)).total(),
    };
    StorageRecord {
        off_chain_at: "own store".into(),
        variant: "hash-pointer".into(),
        window_bytes_per_node: day.scaled(WINDOW_S / 86_400.0),
        bytes_per_day_per_node: day,
        retention_days: None,
        projection: (1..=10).map(year).collect(),
    }
}

fn node_use(node: u32, leader: u32, noise: &mut Noise) -> NodeUse {
    let hot = if node == leader { 4.0 } else { 1.0 };
    let share = 0.04 * hot * (0.8 + 0.4 * noise.next());
    NodeUse {
        node,
        organisation: format!("organisation-{}", node + 1),
        region: ["us-east-1", "us-west-2", "eu-central-1", "ap-northeast-1", "ca-central-1"][node as usize % 5].into(),
        up_bytes: share * 1e9 / 8.0 * WINDOW_S,
        down_bytes: 0.5 * share * 1e9 / 8.0 * WINDOW_S,
        uplink_share: share,
        downlink_share: 0.5 * share,
        uplink_peak_share: 1.5 * share,
        cpu_share: 0.8 * share,
        core_share: 1.2 * share,
        disk_share: 0.1,
    }
}

fn blocks(latency_ms: f64) -> BlockStats {
    let slow = latency_ms > 10_000.0;
    BlockStats {
        count: 300,
        made: if slow { 314 } else { 301 },
        empty: 3,
        stale: if slow { 12 } else { 0 },
        reverted: if slow { 30 } else { 0 },
        interval_mean_s: Some(1.0),
        size_mean_bytes: Some(61_000.0),
        transactions_mean: Some(150.0),
        reorgs: if slow { vec![ReorgDepth { depth: 1, count: 28 }, ReorgDepth { depth: 2, count: 1 }] } else { vec![] },
        view_changes: if slow { 0 } else { 2 },
        catch_ups: 4,
    }
}

fn series(latency_ms: f64, rate: f64, noise: &mut Noise) -> Series {
    let mut series = Series { step_s: 1.0, ..Series::default() };
    for t in 0..480_u32 {
        let (outage, started) = ((240..300).contains(&t), f64::from(t) * 1e3 > latency_ms);
        let carried = if started { rate * if outage { 0.75 } else { 1.0 } * (0.9 + 0.2 * noise.next()) } else { 0.0 };
        let mean_ms = started.then(|| latency_ms * if outage { 1.6 } else { 1.0 } * (0.9 + 0.2 * noise.next()));
        series.offered_tx_per_s.push(rate * (0.9 + 0.2 * noise.next()));
        series.committed_tx_per_s.push(carried);
        series.latency_mean_ms.push(mean_ms);
        series.latency_p99_ms.push(mean_ms.map(|ms| ms * 1.9));
        series.backlog_tx.push(rate * latency_ms / 1e3 * if outage { 1.7 } else { 1.0 });
        series.chain_bytes.push(f64::from(t) * rate * 400.0);
    }
    series
}
