//! Reading scenarios from text: what is accepted, what it means, and that the effective form reads back.

/// A snapshot of messages, without the expression that made them.
macro_rules! assert_messages {
    ($messages:expr $(,)?) => {
        insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!($messages) })
    };
}

mod bad_input;
mod doubtful;
mod files;

use super::{Experiment, FaultKind, FinalityNodes, LatencySpec, Scenario, ScenarioError};
use ledgerlab_consensus::{EmptyBlocks, Span};

/// A valid scenario; tests change one thing of it.
pub(super) const BASE: &str = r#"schema = 1

[run]
name = "base"
duration = "60 s"

[consensus]
protocol = "hotstuff"
nodes = 8

[network]
regions = ["us-east-1", "eu-west-1"]
rtt = "cloud-2025"

[workload.clinics]
kind = "ehr"
hospitals = 4
"#;

/// Reads a text with overrides.
pub(super) fn read(text: &str, overrides: &[&str]) -> Result<Experiment, ScenarioError> {
    let overrides: Vec<String> = overrides.iter().map(|o| (*o).to_owned()).collect();
    Experiment::from_text("scenario.toml", text, &overrides)
}

/// The base with overrides, which must be valid.
fn one(overrides: &[&str]) -> Scenario {
    match read(BASE, overrides) {
        Ok(experiment) => experiment.points[0].scenario.clone(),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn the_short_form_deals_nodes_to_regions_round_robin() {
    let regions: Vec<usize> = one(&[]).organisations.iter().map(|o| o.region).collect();
    assert_eq!(regions, [0, 1, 0, 1, 0, 1, 0, 1]);
}

#[test]
fn organisations_are_expanded_with_their_class() {
    let text = BASE.replace("nodes = 8\n", "");
    let organisations = "[organisation.north]\nclass = \"rural\"\ncount = 2\nregion = \"eu-west-1\"\nvalidators = 3\n\
                         [organisation.east]\ncores = 2\nuplink = \"20 Mbit/s\"\nshare_host = true\n";
    let s = read(&(text + organisations), &[]).unwrap().points[0].scenario.clone();
    let names: Vec<(&str, u32, u64)> =
        s.organisations.iter().map(|o| (o.name.as_str(), o.validators, o.uplink)).collect();
    assert_eq!(names, [("east", 1, 20_000_000), ("north-1", 3, 100_000_000), ("north-2", 3, 100_000_000)]);
    assert_eq!((s.organisations[0].cores, s.organisations[0].share_host), (2, true));
    assert_eq!(s.organisations[1].region, 1);
}

#[test]
fn presets_and_knobs_reach_the_settings() {
    let s = one(&["consensus.protocol=nakamoto", "consensus.nakamoto.k=3", "run.duration=1 h"]);
    assert_eq!((s.settings.span("interval"), s.settings.count("k")), (Span::secs(600), 3));
    assert_eq!(s.finality.depth, Some(3));
    let s = one(&["consensus.protocol=nakamoto", "consensus.preset=consortium"]);
    assert_eq!((s.settings.span("interval"), s.settings.block_period), (Span::secs(10), Span::ZERO));
    let s = one(&["consensus.preset=consortium", "consensus.empty_blocks=always"]);
    assert_eq!((s.settings.block_period, s.settings.empty_blocks), (Span::millis(500), EmptyBlocks::Always));
    assert_eq!(
        one(&["consensus.preset=consortium", "consensus.block_period=1 s"]).settings.block_period,
        Span::secs(1)
    );
}

#[test]
fn a_scenario_without_a_network_has_the_documented_one() {
    let network = "[network]\nregions = [\"us-east-1\", \"eu-west-1\"]\nrtt = \"cloud-2025\"\n";
    let bare = read(&BASE.replace(network, ""), &[]).unwrap().points[0].scenario.clone();
    assert_eq!(bare.network.regions.len(), 5);
    assert!(matches!(bare.network.latency, LatencySpec::Quantiles { .. }), "{:?}", bare.network.latency);
    let again = read(&bare.effective.to_toml(), &[]).unwrap().points[0].scenario.clone();
    assert_eq!((again.effective, again.network), (bare.effective, bare.network));
}

#[test]
fn a_constant_round_trip_is_halved() {
    let s = one(&["network.rtt=constant:10 ms", "network.regions=[\"here\"]"]);
    assert_eq!(s.network.latency, LatencySpec::Constant(Span::millis(5)));
}

#[test]
fn rules_of_finality_are_resolved_by_family() {
    let s = one(&["finality.rule=risk:0.1/1e-3", "finality.nodes=0.67"]);
    assert_eq!((s.finality.depth, s.finality.nodes), (None, FinalityNodes::Fraction(0.67)));
    // Rosenfeld: 6 confirmations leave 0.059 % against a tenth of the hash power.
    let pow = ["consensus.protocol=nakamoto", "consensus.preset=consortium"];
    assert_eq!(one(&[&pow[..], &["finality.rule=risk:0.1/1e-3"]].concat()).finality.depth, Some(6));
    assert_eq!(one(&[&pow[..], &["finality.rule=depth:2"]].concat()).finality.depth, Some(2));
}

#[test]
fn a_deeper_rule_takes_longer() {
    let at = |k: u32| {
        let rule = format!("finality.rule=depth:{k}");
        one(&["consensus.protocol=nakamoto", "consensus.preset=consortium", &rule]).expected_finality
    };
    assert!(at(12) > at(6) + Span::secs(50) && at(6) > at(1) + Span::secs(40));
}

#[test]
fn fault_selectors_mean_nodes() {
    let nodes = |selector: &str| {
        let set = format!("fault.f.nodes={selector}");
        match &one(&["fault.f.kind=crash", "fault.f.at=20 s", &set]).faults[0].kind {
            FaultKind::Crash { nodes } | FaultKind::Partition { nodes } => nodes.clone(),
        }
    };
    assert_eq!(nodes("3"), [3]);
    assert_eq!(nodes("0-2,7"), [0, 1, 2, 7]);
    assert_eq!(nodes("region:eu-west-1"), [1, 3, 5, 7]);
    assert_eq!(nodes("org:org-2"), [1]);
    assert_eq!(nodes("org:org"), [0, 1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn the_drain_is_bounded_by_finality_and_by_the_window() {
    let s = one(&[]);
    assert_eq!(s.drain, (s.expected_finality * 20).min(s.duration * 10));
    let s = one(&["run.duration=1 s"]);
    assert_eq!(s.drain, (s.expected_finality * 20).min(Span::secs(10)));
    assert_eq!(one(&["run.drain=7 s"]).drain, Span::secs(7));
}

#[test]
fn a_sweep_is_a_grid_with_labels() {
    let text = format!("{BASE}[sweep]\naxes = {{ \"load\" = [1, 2.5], \"consensus.nodes\" = [4, 7, 10] }}\n");
    let experiment = read(&text, &[]).unwrap();
    let points: Vec<(usize, f64)> =
        experiment.points.iter().map(|p| (p.scenario.organisations.len(), p.scenario.load)).collect();
    assert_eq!(points, [(4, 1.0), (4, 2.5), (7, 1.0), (7, 2.5), (10, 1.0), (10, 2.5)]);
    assert_eq!(experiment.axes[0].values, ["4", "7", "10"]);
    assert_eq!(experiment.points[1].labels["load"], "2.5");
}

#[test]
fn tables_of_other_protocols_are_checked_and_change_nothing() {
    let with = one(&["consensus.nakamoto.k=9"]);
    assert_eq!(with.effective.identity(), one(&[]).effective.identity());
    assert!(read(BASE, &["consensus.nakamoto.kk=9"]).is_err());
}

#[test]
fn the_effective_form_reads_back_to_itself() {
    let all = [
        "slo.latency_p99=10 s",
        "storage.variant=object-store",
        "mempool.expiry=30 s",
        "fault.f.kind=partition",
        "fault.f.nodes=0-1",
        "fault.f.at=20 s",
        "finality.rule=risk:0.1/1e-3",
        "storage.retention=30 d",
        "workload.plain.kind=fixed",
        "workload.plain.arrival=closed:5/1 s",
        "network.bandwidth=100 Mbit/s",
    ];
    for overrides in [&all[..], &[]] {
        let first = one(overrides).effective;
        let again = read(&first.to_toml(), &[]).unwrap_or_else(|e| panic!("{e}")).points[0].scenario.effective.clone();
        assert_eq!(first, again);
    }
}

#[test]
fn the_effective_form_of_a_sweep_reads_back_to_the_same_points() {
    let axes = "[sweep]\naxes = { \"consensus.protocol\" = [\"nakamoto\", \"pbft\"], \"load\" = [1, 2.5] }\n";
    let first = read(&format!("{BASE}{axes}"), &["consensus.preset=consortium"]).unwrap();
    let again = read(&first.effective().to_string(), &[]).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!((first.identity(), first.axes), (again.identity(), again.axes));
}

#[test]
fn the_identity_leaves_out_the_name_and_nothing_else() {
    let id = |overrides: &[&str]| one(overrides).effective.identity();
    assert_eq!(id(&[]), id(&["run.name=another"]));
    assert_eq!(id(&[]), id(&["network.loss=0"]), "a default that is written down");
    for other in ["run.seed=2", "load=2", "network.loss=0.1", "workload.clinics.multiplier=2", "node.crypto.sign=1 us"]
    {
        assert_ne!(id(&[]), id(&[other]), "{other}");
    }
}

#[test]
fn defaults_are_in_the_effective_form() {
    let json = one(&[]).effective.to_json();
    for key in ["run", "consensus", "network", "node", "mempool", "workload", "storage", "finality"] {
        assert!(json[key].is_object(), "{key}");
    }
    assert_eq!(json["node"]["crypto"]["verify"], "33 us");
    assert_eq!(json["run"]["start"], "monday 10:00");
}

#[test]
fn a_swept_key_that_is_set_is_not_swept() {
    let text = format!("{BASE}[sweep]\naxes = {{ \"consensus.nodes\" = [4, 7], \"load\" = [1, 2] }}\n");
    let nodes = |overrides: &[&str]| {
        let experiment = read(&text, overrides).unwrap_or_else(|e| panic!("{e}"));
        let axes: Vec<String> = experiment.axes.iter().map(|a| a.key.clone()).collect();
        (axes.join(" "), experiment.points.iter().map(|p| p.scenario.nodes()).collect::<Vec<_>>())
    };
    assert_eq!(nodes(&[]), ("consensus.nodes load".to_owned(), vec![4, 4, 7, 7]));
    assert_eq!(nodes(&["consensus.nodes=10"]), ("load".to_owned(), vec![10, 10]));
    assert_eq!(nodes(&["consensus.nodes=10", "load=3"]), (String::new(), vec![10]));
    let again = ["consensus.nodes=10", "sweep.axes.\"consensus.nodes\"=[4, 16]", "load=3"];
    assert_eq!(nodes(&again), ("consensus.nodes".to_owned(), vec![4, 16]));
}
