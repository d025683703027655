//! The table as the terminal shows it.

use super::*;
use crate::fixture;

#[test]
fn the_comparison_of_four_protocols() {
    insta::assert_snapshot!(table(&fixture::comparison().0), @"");
}

#[test]
fn a_sweep_over_two_axes_has_a_column_for_the_other_axis() {
    let (summary, _) = fixture::load_curve();
    let text = table(&summary);
    let head: Vec<_> = text.lines().next().unwrap().split_whitespace().take(3).collect();
    assert_eq!(head, ["protocol", "load", "tx/s"]);
    assert_eq!(text.lines().skip(2).take_while(|line| !line.is_empty()).count(), 10);
    assert_eq!(label(&summary, &summary.points[7]), "hotstuff, load 2");
}

#[test]
fn a_stall_shows_no_latency_and_says_why() {
    insta::assert_snapshot!(table(&fixture::stalled().0), @"");
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
        ..Default::default()
    };
    let text = table(&summary);
    assert!(text.contains("failed: pbft: node 3 has no uplink"), "{text}");
    assert!(text.lines().any(|line| line.starts_with("pbft") && line.ends_with("failed")), "{text}");
}
