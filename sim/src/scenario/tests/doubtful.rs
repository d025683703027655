//! Scenarios that can be run but hardly mean what they say: the warnings, and where there is none.

use super::{BASE, one, read};

/// The warnings that the base with these overrides gets.
fn warnings(overrides: &[&str]) -> String {
    let experiment = read(BASE, overrides).unwrap_or_else(|e| panic!("{e}"));
    let listed: Vec<String> = experiment.warnings.iter().map(ToString::to_string).collect();
    assert!(experiment.warnings.iter().all(|w| w.hint.is_some() && w.limit.is_some()), "{listed:?}");
    listed.join("\n\n")
}

#[test]
fn doubtful_values_are_warned_of() {
    let cases: [(&str, &[&str]); 6] = [
        ("timeout below a round trip", &["consensus.hotstuff.timeout=50 ms"]),
        ("timeout below the disk", &["consensus.protocol=pbft", "node.fsync=10 s"]),
        (
            "overlay that is a full mesh",
            &["consensus.protocol=nakamoto", "consensus.preset=consortium", "network.degree=8"],
        ),
        ("timeout below what loss costs", &["network.loss=0.6"]),
        ("many replies", &["consensus.nodes=1000", "run.duration=1 h", "load=20000", "network.bandwidth=100 Gbit/s"]),
        (
            "an hour of messages",
            &[
                "consensus.protocol=pbft",
                "consensus.nodes=1000",
                "consensus.block_period=100 ms",
                "consensus.empty_blocks=always",
            ],
        ),
    ];
    let told = cases.map(|(name, overrides)| format!("# {name}\n{}\n", warnings(overrides)));
    assert_messages!(told.join("\n"));
}

#[test]
fn usual_values_are_not() {
    let chain = ["consensus.protocol=nakamoto", "consensus.preset=consortium"];
    for overrides in [
        &[][..],
        &["consensus.preset=consortium", "consensus.hotstuff.timeout=50 ms"],
        &["consensus.protocol=pbft", "consensus.hotstuff.timeout=50 ms", "consensus.nodes=100"],
        &[&chain[..], &["network.degree=7"]].concat(),
        &[&chain[..], &["consensus.nodes=200"]].concat(),
    ] {
        assert_eq!(warnings(overrides), "", "{overrides:?}");
    }
}

#[test]
fn messages_are_no_more_than_links_carry() {
    // Full blocks of 1 MB for 49 others take 0.4 s of a link of 1 Gbit/s; of ten times that the blocks are ten times
    // as many.
    let pbft = ["consensus.protocol=pbft", "consensus.nodes=50", "network.rtt=constant:1 ms", "run.duration=100 s"];
    let fixed = ["workload.clinics.kind=fixed", "workload.clinics.rate_tx_per_s=12000"];
    let told = |bandwidth: &str| warnings(&[&pbft[..], &fixed, &["workload.clinics.bytes=1000 B", bandwidth]].concat());
    assert_eq!(told("network.bandwidth=1 Gbit/s"), "");
    assert!(told("network.bandwidth=10 Gbit/s").contains("messages in one replication"));
}

#[test]
fn a_warning_of_one_point_names_it() {
    let text = format!("{BASE}[sweep]\naxes = {{ \"consensus.hotstuff.timeout\" = [\"50 ms\", \"1 s\"] }}\n");
    let warnings = read(&text, &[]).unwrap().warnings;
    let points: Vec<Option<&str>> = warnings.iter().map(|w| w.point.as_deref()).collect();
    assert_eq!(points, [Some("consensus.hotstuff.timeout = 50 ms")]);
}

#[test]
fn the_expected_finality_counts_disk_execution_and_adapter() {
    let expected = |overrides: &[&str]| one(overrides).expected_finality.as_secs_f64();
    let base = expected(&["node.fsync=0 s", "node.execution=0 s"]);
    // A view takes two messages, each after its record; finality takes four views and the last proposal's way.
    assert!((expected(&["node.fsync=1 s", "node.execution=0 s"]) - base - 9.0).abs() < 1e-6);
    assert!((expected(&["node.fsync=0 s", "node.execution=3 s"]) - base - 3.0).abs() < 1e-6);
    assert!((expected(&["node.fsync=0 s", "node.execution=0 s", "mempool.adapter=2 s"]) - base - 2.0).abs() < 1e-6);
}

#[test]
fn the_expected_finality_counts_what_loss_costs() {
    let expected = |loss: &str| one(&["network.rtt=constant:10 ms", loss]).expected_finality.as_secs_f64();
    // 0.5 of all segments wait 200 ms, 0.25 of them 400 ms more, and so on: 100 ms for each of nine doublings up to
    // a minute, then 60 s with probability 2^-9 in all. Nine such delays are in finality.
    let mean = 0.9 + 60.0 / 512.0;
    assert!((expected("network.loss=0.5") - expected("network.loss=0") - 9.0 * mean).abs() < 1e-6);
    let told = read(BASE, &["consensus.protocol=pbft", "network.loss=0.9"]).unwrap_err().to_string();
    assert!(told.contains("nothing can become final"), "{told}");
}
