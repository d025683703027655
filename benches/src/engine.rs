//! Whole runs with the full network and processor models.

use ledgerlab_sim::probe::Blind;
use ledgerlab_sim::record::RunRecord;
use ledgerlab_sim::run::{Engine, run_on};
use ledgerlab_sim::scenario::{Experiment, Scenario};

use crate::clock::timed;

/// Machines of 4 cores in four cloud regions with 1 Gbit/s, under a constant load.
fn clouds(run: &str, consensus: &str, rate_tx_per_s: f64, rest: &str) -> Scenario {
    built(&format!(
        r#"
        schema = 1
        run = {{ {run} }}
        consensus = {{ {consensus} }}
        node = {{ cores = 4 }}
        [network]
        regions = ["us-east-1", "us-west-2", "eu-central-1", "ap-northeast-1"]
        rtt = "cloud-2025"
        bandwidth = "1 Gbit/s"
        [workload.load]
        kind = "fixed"
        rate_tx_per_s = {rate_tx_per_s}
        {rest}
        "#
    ))
}

fn built(text: &str) -> Scenario {
    let mut experiment = Experiment::from_text("benchmark", text, &[]).unwrap_or_else(|e| panic!("{e}"));
    experiment.points.remove(0).scenario
}

/// CPU seconds of a run, start-up included, and its record.
pub fn run(engine: Engine, scenario: &Scenario) -> (f64, RunRecord) {
    timed(|| run_on(engine, scenario, 1, &mut Blind))
}

/// A protocol with ten blocks a second, `seconds` long after a second of warm-up.
///
/// # Panics
/// If that is not a valid scenario: a bug in this crate.
pub fn scenario(protocol: &str, nodes: u32, rate_tx_per_s: u32, seconds: u32) -> Scenario {
    let run = format!(r#"duration = "{seconds} s", warmup = "1 s", drain = "20 s""#);
    let consensus = format!(r#"protocol = "{protocol}", nodes = {nodes}, block_period = "100 ms""#);
    clouds(&run, &consensus, f64::from(rate_tx_per_s), "")
}

/// PBFT with ten decisions a second for 4 s.
pub fn pbft_128() -> Scenario {
    scenario("pbft", 128, 100, 3)
}

/// PBFT with 1,000 nodes and a single batch, so that it decides once.
pub fn pbft_1000() -> Scenario {
    let run = r#"duration = "1 s", warmup = "0 s", drain = "20 s""#;
    clouds(run, r#"protocol = "pbft", nodes = 1000, block_period = "5 s""#, 1.0, "")
}

/// Chained HotStuff as fast as it goes.
pub fn hotstuff_64(seconds: u32) -> Scenario {
    let run = format!(r#"duration = "{seconds} s", warmup = "1 s", drain = "20 s""#);
    clouds(&run, r#"protocol = "hotstuff", nodes = 64, empty_blocks = "always""#, 1.0, "")
}

/// A proof-of-work overlay of 8,000 nodes for an hour at Bitcoin's interval; blocks are announced by their
/// headers, and carry next to nothing: transactions would be gossiped too.
pub fn pow_8000() -> Scenario {
    pow(8_000, 3_600)
}

/// The same with other numbers of nodes and seconds.
pub fn pow(nodes: u32, seconds: u32) -> Scenario {
    let run = format!(r#"duration = "{seconds} s", warmup = "0 s", drain = "7200 s""#);
    let consensus = format!(r#"protocol = "nakamoto", nodes = {nodes}"#);
    clouds(&run, &consensus, 0.002, "[finality]\nrule = \"depth:1\"")
}

/// Transactions of a small consortium, so many that consensus costs nothing beside them. All but those of the last
/// second, in which the run waits for the cohort, belong to the cohort.
pub fn accounting(seconds: u32) -> Scenario {
    built(&format!(
        r#"
        schema = 1
        run = {{ duration = "{seconds} s", warmup = "0 s", drain = "20 s" }}
        consensus = {{ protocol = "hotstuff", nodes = 4, block_period = "100 ms", block_bytes = "100 MB" }}
        node = {{ cores = 64, execution = "0 s" }}
        [network]
        regions = ["us-east-1"]
        rtt = "cloud-2025"
        bandwidth = "100 Gbit/s"
        [workload.load]
        kind = "fixed"
        rate_tx_per_s = 400000
        "#
    ))
}
