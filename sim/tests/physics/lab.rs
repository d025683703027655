//! What the physics tests share: scenarios from text, and the bounds of statistics.
#![allow(dead_code, reason = "each test file uses a part of it")]

use ledgerlab_sim::record::{CheckOutcome, RunRecord};
use ledgerlab_sim::run::run;
use ledgerlab_sim::scenario::{Experiment, Scenario};

/// The scenario of a text without its schema, with keys given as `key=value` set on top.
pub fn scenario(text: &str, overrides: &[&str]) -> Scenario {
    let text = format!("schema = 1\n{text}");
    let overrides: Vec<String> = overrides.iter().map(|o| (*o).to_owned()).collect();
    let experiment = Experiment::from_text("physics.toml", &text, &overrides).unwrap_or_else(|e| panic!("{e}"));
    experiment.points.into_iter().next().expect("a scenario has a point").scenario
}

/// Overrides under which computation and the disk take no time.
pub const FREE: [&str; 12] = [
    "node.handling=0 s",
    "node.execution=0 s",
    "node.fsync=0 s",
    "node.disk_bandwidth=1000000 MB/s",
    "node.crypto.sign=0 s",
    "node.crypto.verify=0 s",
    "node.crypto.verify_batched=0 s",
    "node.crypto.hash_per_kib=0 s",
    "node.crypto.vrf_prove=0 s",
    "node.crypto.vrf_verify=0 s",
    "node.crypto.bls_sign=0 s",
    "node.crypto.bls_verify=0 s",
];

/// Runs it with a seed; whatever it is about, its own checks must hold.
pub fn record(s: &Scenario, seed: u64) -> RunRecord {
    let r = run(s, seed);
    assert!(r.cohort.is_conserved(), "{:?}", r.cohort);
    for c in r.checks.iter().filter(|c| c.name != "liveness") {
        assert!(c.passed, "{}: {} ({:?} of {:?})", c.name, c.detail, c.measured, c.expected);
    }
    r
}

/// A check of a record by name.
pub fn check<'a>(r: &'a RunRecord, name: &str) -> &'a CheckOutcome {
    r.checks.iter().find(|c| c.name == name).unwrap_or_else(|| panic!("no check {name}"))
}

/// Seeds over which a battery of `scripts/statistics.sh` runs.
pub fn seeds() -> u64 {
    option_env!("LEDGERLAB_SEEDS").map_or(20, |n| n.parse().expect("LEDGERLAB_SEEDS is a number"))
}
