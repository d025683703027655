//! The table as the terminal shows it.

use super::*;
use crate::fixture;

#[test]
fn the_comparison_of_four_protocols() {
    insta::assert_snapshot!(table(&fixture::comparison().0), @r"
    protocol  offered tx/s         tx/s  p50 to finality  p99 to finality  chain bytes/day/node       success  verdict
    --------  ------------  -----------  ---------------  ---------------  --------------------  ------------  -------
    nakamoto   150.0 ± 0.0  149.3 ± 0.8     55.3 ± 0.4 s    158.1 ± 9.8 s        5.19 ± 0.00 GB  99.9 ± 0.0 %  ok
    praos      150.0 ± 0.0  149.2 ± 1.5     36.4 ± 0.3 s    103.3 ± 5.5 s        5.19 ± 0.00 GB  99.9 ± 0.0 %  ok
    pbft       150.0 ± 0.0  149.7 ± 0.8   274.1 ± 3.9 ms  779.4 ± 45.7 ms        5.19 ± 0.00 GB  99.9 ± 0.0 %  ok
    hotstuff   150.0 ± 0.0  149.1 ± 0.8   461.0 ± 3.1 ms    1.34 ± 0.04 s        5.19 ± 0.00 GB  99.9 ± 0.0 %  ok

    final: nakamoto: k = 6 blocks on top, adversary 10.0 %, risk of reversal 9.1e-4; nodes: quorum, rule: risk:0.1/1e-3
    final: praos: k = 4 blocks on top, adversary 10.0 %, risk of reversal 9.1e-4; nodes: quorum, rule: risk:0.1/1e-3
    final: pbft, hotstuff: certificate, risk of reversal 0 within the fault model; nodes: quorum, rule: protocol
    ±: 95 % confidence interval from replication means (Student t)
    ");
}

#[test]
fn a_sweep_over_two_axes_has_a_column_for_the_other_axis() {
    let (summary, _) = fixture::load_curve();
    let text = table(&summary);
    let head: Vec<_> = text.lines().next().unwrap().split_whitespace().take(3).collect();
    assert_eq!(head, ["protocol", "load", "offered"]);
    assert_eq!(text.lines().skip(2).take_while(|line| !line.is_empty()).count(), 10);
    assert_eq!(label(&summary, &summary.points[7]), "hotstuff, load 2");
}

#[test]
fn a_stall_shows_no_latency_and_says_why() {
    insta::assert_snapshot!(table(&fixture::stalled().0), @r"
    protocol  offered tx/s  tx/s  p50 to finality  p99 to finality  chain bytes/day/node  success  verdict
    --------  ------------  ----  ---------------  ---------------  --------------------  -------  -------
    pbft             150.0     0                -                -               5.19 GB      0 %  stalled

    final: pbft: certificate, risk of reversal 0 within the fault model; nodes: quorum, rule: protocol
    stalled: pbft: no block after 3.2 s & none <expected>
    slo missed: pbft: success_rate 0 (limit 0.990)
    ");
}

#[test]
fn columns_are_aligned() {
    let text = table(&fixture::comparison().0);
    let starts: Vec<_> =
        text.lines().take(6).map(|line| line.rfind("  ").map(|at| line[..at].chars().count())).collect();
    assert_eq!(starts[0], starts[1]);
    assert!(starts[2..].iter().all(|start| start == &starts[2]), "{text}");
}

#[test]
fn a_failed_point_keeps_its_row() {
    let (mut summary, _) = fixture::comparison();
    summary.points[2] = ledgerlab_sim::record::PointSummary {
        protocol: "pbft".into(),
        error: Some("node 3 has no uplink".into()),
        verdict: Verdict::Failed { text: "node 3 has no uplink".into() },
        ..Default::default()
    };
    let text = table(&summary);
    assert!(text.contains("failed: pbft: node 3 has no uplink"), "{text}");
    assert!(text.lines().any(|line| line.starts_with("pbft") && line.ends_with("failed")), "{text}");
}

#[test]
fn a_label_says_what_tells_a_point_from_the_others() {
    let (mut summary, _) = fixture::load_curve();
    summary.axes =
        ["consensus.protocol", "storage.variant", "network.priority", "network.sharing"].map(str::to_owned).to_vec();
    for (index, point) in summary.points.iter_mut().enumerate() {
        let of = |values: [&str; 2], bit: usize| values[index >> bit & 1].to_owned();
        point.labels = [
            ("storage.variant".to_owned(), "hash-pointer".to_owned()),
            ("network.priority".to_owned(), of(["false", "true"], 0)),
            ("network.sharing".to_owned(), of(["fifo", "fair"], 1)),
        ]
        .into();
        point.protocol = "pbft".into();
    }
    assert_eq!(label(&summary, &summary.points[2]), "priority false, fair");
    assert_eq!(label_without(&summary, &summary.points[2], Some("network.sharing")), "priority false");
    summary.points[0].protocol = "hotstuff".into();
    assert_eq!(label(&summary, &summary.points[3]), "pbft, priority true, fair");
    summary.points.truncate(1);
    assert_eq!(label(&summary, &summary.points[0]), "hotstuff");
}
