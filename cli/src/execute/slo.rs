//! Compares what was measured with the scenario's objectives.

use ledgerlab_sim::record::{PointSummary, SloOutcome, Summary};
use ledgerlab_sim::scenario::{Experiment, Slo};

/// Fills in the outcomes of every point that has objectives and a result.
pub fn judge(summary: &mut Summary, experiment: &Experiment) {
    summary.judge(|index, point| {
        let slo = experiment.points[index].scenario.slo.as_ref().filter(|_| point.error.is_none());
        slo.map(|slo| outcomes(point, slo)).unwrap_or_default()
    });
}

/// An objective that has no measurement (a latency where nothing committed) is missed.
fn outcomes(point: &PointSummary, slo: &Slo) -> Vec<SloOutcome> {
    let measured = |name: &str| point.metric(name).map(|estimate| estimate.mean);
    let mut outcomes = Vec::new();
    if let Some(limit) = slo.latency_p99 {
        let (limit, measured) = (limit.as_secs_f64() * 1e3, measured("latency_p99_ms"));
        let met = measured.is_some_and(|m| m <= limit);
        outcomes.push(SloOutcome { key: "latency_p99".to_owned(), limit, measured, met });
    }
    let least = [
        ("success_rate", "success_rate", slo.success_rate),
        ("throughput_tx_per_s", "throughput_tx_per_s", slo.throughput_tx_per_s),
    ];
    for (key, metric, limit) in least {
        if let Some(limit) = limit {
            let measured = measured(metric);
            let met = measured.is_some_and(|m| m >= limit);
            outcomes.push(SloOutcome { key: key.to_owned(), limit, measured, met });
        }
    }
    outcomes
}
