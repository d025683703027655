//! The shipped scenarios: valid, commented, and as loaded as they say.

use std::fs;
use std::path::{Path, PathBuf};

use ledgerlab_consensus::{FaultBound, Stake};
use ledgerlab_sim::scenario::{Experiment, Scenario};
use ledgerlab_workloads::mean_rate;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios")
}

fn load(name: &str) -> Experiment {
    Experiment::load(&folder().join(name), &[]).unwrap_or_else(|e| panic!("{e}"))
}

/// Planned transactions per second in the measured window.
fn load_tx_per_s(s: &Scenario) -> f64 {
    let from = s.start.0 + s.warmup.0;
    let rates = s.workloads.iter().filter_map(|w| mean_rate(w, s.load, from, from + s.duration.0));
    rates.map(|r| r.writes_per_s).sum()
}

#[test]
fn every_scenario_is_valid_and_opens_with_its_question() {
    let mut found = 0;
    let files = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    for path in files.filter(|path| path.extension().is_some_and(|e| e == "toml")) {
        let text = fs::read_to_string(&path).unwrap();
        let opening: String = text.lines().take_while(|l| l.starts_with('#')).collect();
        assert!(opening.contains('?'), "{} opens with a question", path.display());
        load(path.file_name().unwrap().to_str().unwrap());
        found += 1;
    }
    assert!(found >= 5);
}

#[test]
fn the_quick_start_is_a_load_that_every_protocol_can_carry() {
    let experiment = load("quickstart.toml");
    let protocols: Vec<&str> = experiment.points.iter().map(|p| p.scenario.protocol).collect();
    assert_eq!(protocols, ["nakamoto", "praos", "pbft", "hotstuff"]);
    for point in &experiment.points {
        let load = load_tx_per_s(&point.scenario);
        assert!((50.0..=300.0).contains(&load), "{load} tx/s");
        assert!(point.scenario.warmup >= point.scenario.expected_finality);
        assert!(point.scenario.slo.is_none());
    }
}

#[test]
fn the_quick_start_loses_no_more_than_f_with_any_region() {
    for point in load("quickstart.toml").points {
        let s = point.scenario;
        let f = FaultBound::Third.tolerated(Stake(s.organisations.len() as u64)).0 as usize;
        assert!(s.network.regions.len() >= 4);
        for region in 0..s.network.regions.len() {
            assert!(s.organisations.iter().filter(|o| o.region == region).count() <= f);
        }
    }
}
