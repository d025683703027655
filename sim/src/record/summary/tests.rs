//! Replications into points, points into a summary.

use super::*;

fn run(point: u32, replication: u32, throughput_tx_per_s: f64, latencies_ms: &[u64]) -> RunRecord {
    let latency = LatencyHistogram::from_values(latencies_ms.iter().map(|ms| ms * 1_000_000));
    let committed = latencies_ms.len() as u64;
    let cohort = Cohort { created: committed + 1, committed, pending: 1, ..Cohort::default() };
    let mut run = RunRecord {
        point,
        replication,
        cohort,
        latency: latency.clone(),
        workloads: vec![WorkloadRecord { name: "clinics".into(), cohort, latency }],
        warnings: vec!["the warm-up is short".into()],
        window: Window { start_s: 1.0, end_s: 11.0, stopped_s: 12.0 + f64::from(replication) },
        ..RunRecord::default()
    };
    run.rates.throughput_tx_per_s = throughput_tx_per_s;
    run.stages = latencies_ms.first().map(|_| Stages { commit_ms: throughput_tx_per_s, ..Stages::default() });
    run
}

fn headers(count: u32) -> Vec<PointHeader> {
    (0..count).map(|point| PointHeader { protocol: format!("p{point}"), ..PointHeader::default() }).collect()
}

#[test]
fn runs_go_to_their_points_in_order() {
    let runs = [run(1, 1, 20.0, &[]), run(0, 0, 10.0, &[5]), run(1, 0, 30.0, &[])];
    let summary = Summary::from_runs(ExperimentHeader::default(), headers(2), &runs);
    assert_eq!((summary.schema, summary.points.len(), summary.failed_points()), (SCHEMA, 2, 0));
    let second = &summary.points[1];
    assert_eq!(second.replications.iter().map(|r| r.replication).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(second.metric("throughput_tx_per_s").unwrap().mean, 25.0);
    assert_eq!(second.window.stopped_s, 13.0);
    assert_eq!(summary.definitions.len(), METRICS.len());
}

#[test]
fn the_interval_comes_from_replication_means_and_percentiles_are_pooled() {
    let runs = [run(0, 0, 10.0, &[100, 100]), run(0, 1, 14.0, &[300, 300])];
    let point = &Summary::from_runs(ExperimentHeader::default(), headers(1), &runs).points[0];
    let throughput = point.metric("throughput_tx_per_s").unwrap();
    assert_eq!((throughput.mean, throughput.replications), (12.0, 2));
    assert!((throughput.half_width.unwrap() - 12.706 * 2.0).abs() < 1e-9);
    assert_eq!(point.latency.count, 4);
    assert_eq!(point.latency.mean_ms, Some(200.0));
    assert_eq!((point.cohort.created, point.cohort.committed), (6, 4));
    assert_eq!(point.workloads.len(), 1);
    assert_eq!(point.workloads[0].latency, point.latency);
    assert_eq!(point.stages.unwrap().commit_ms, 12.0);
    assert_eq!(point.warnings, ["the warm-up is short"]);
}

#[test]
fn a_point_in_which_nothing_committed_has_no_latency() {
    let mut stalled = run(0, 0, 0.0, &[]);
    stalled.verdict = Verdict::Stalled { explained: false, text: "no leader".into() };
    let summary = Summary::from_runs(ExperimentHeader::default(), headers(1), &[run(0, 1, 1.0, &[]), stalled]);
    let point = &summary.points[0];
    assert!(summary.verdict.failed());
    assert_eq!(point.metric("latency_p99_ms"), None);
    assert!(point.metrics.contains_key("latency_p99_ms"));
    assert_eq!((point.latency, point.stages), (LatencySummary::default(), None));
    assert!(point.percentiles.is_empty());
}

#[test]
fn a_point_without_runs_keeps_its_error() {
    let mut header = headers(1);
    header[0].error = Some("node 3 has no uplink".into());
    header[0].slo = vec![SloOutcome { key: "success_rate".into(), limit: 0.9, measured: None, met: false }];
    let summary = Summary::from_runs(ExperimentHeader::default(), header, &[]);
    assert_eq!(summary.failed_points(), 1);
    assert!(!summary.slo_met());
    assert_eq!(summary.verdict, Verdict::Failed { text: "node 3 has no uplink".into() });
    assert_eq!(summary.points[0].metric("throughput_tx_per_s"), None);
}

#[test]
fn a_missed_objective_shows_in_the_verdicts_of_its_point_and_of_all() {
    let runs = [run(0, 0, 10.0, &[5]), run(1, 0, 30.0, &[5])];
    let mut summary = Summary::from_runs(ExperimentHeader::default(), headers(2), &runs);
    assert_eq!(summary.verdict, Verdict::Ok);
    summary.judge(|_, point| {
        let measured = point.metric("throughput_tx_per_s").map(|estimate| estimate.mean);
        vec![SloOutcome { key: "throughput_tx_per_s".into(), limit: 20.0, measured, met: measured >= Some(20.0) }]
    });
    let missed = Verdict::SloMissed { text: "throughput_tx_per_s 10 (limit 20)".into() };
    assert_eq!((&summary.points[0].verdict, &summary.points[1].verdict), (&missed, &Verdict::Ok));
    assert_eq!((summary.verdict, summary.points[0].run_verdict()), (missed, Verdict::Ok));
}

#[test]
fn a_fault_that_never_ended_lasts_as_long_as_the_longest_replication() {
    let crashed = |replication, to_s| {
        let faults = vec![FaultWindow { from_s: 3.0, to_s, ..FaultWindow::default() }];
        RunRecord { faults, ..run(0, replication, 10.0, &[5]) }
    };
    let runs = [crashed(0, 12.0), crashed(1, 15.0), crashed(2, 13.0)];
    let summary = Summary::from_runs(ExperimentHeader::default(), headers(1), &runs);
    assert_eq!(summary.points[0].faults[0].to_s, 15.0);
}
