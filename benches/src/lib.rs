#![forbid(unsafe_code)]
//! Criterion benchmarks, one per layer, and the scenarios that they run.
//!
//! Names are `layer::operation/key=value`. Times on a shared machine are noisy: compare ratios from one run.

pub mod broadcast;

use ledgerlab_sim::scenario::{Experiment, Scenario};

/// A protocol on 1 Gbit/s links between four cloud regions, `seconds` long after a second of warm-up.
///
/// # Panics
/// If the text is not a valid scenario: a bug in this crate.
pub fn scenario(protocol: &str, nodes: u32, rate_tx_per_s: u32, seconds: u32) -> Scenario {
    let text = format!(
        r#"
        schema = 1
        run = {{ duration = "{seconds} s", warmup = "1 s", drain = "20 s" }}
        consensus = {{ protocol = "{protocol}", nodes = {nodes}, block_period = "100 ms" }}
        node = {{ cores = 4 }}
        [network]
        regions = ["us-east-1", "us-west-2", "eu-central-1", "ap-northeast-1"]
        rtt = "cloud-2025"
        bandwidth = "1 Gbit/s"
        [workload.load]
        kind = "fixed"
        rate_tx_per_s = {rate_tx_per_s}
        "#
    );
    let mut experiment = Experiment::from_text("benchmark", &text, &[]).unwrap_or_else(|e| panic!("{e}"));
    experiment.points.remove(0).scenario
}
