//! What long absences, partitions and too many faults do to a run, and what its verdict says.
//!
//! Links are short and blocks frequent, so that a node misses a thousand heights within half a minute. Safety is
//! checked in every run, also beyond the fault model; liveness is owed only within it.

#[path = "common/world.rs"]
mod world;

use ledgerlab_sim::record::RunRecord;
use ledgerlab_sim::run::run_probed;
use world::{Watch, held, scenario_with, second};

const SAFETY: [&str; 6] = ["agreement", "statements", "certificate", "durability", "evidence", "conservation"];
const PROTOCOLS: [&str; 5] = ["pbft", "hotstuff", "nakamoto", "praos", "central"];
/// When the load ends, seconds.
const END: u64 = 45;

/// Two against two for ten seconds.
const HALVES: &str = "kind = \"partition\"\nnodes = \"2,3\"\nat = \"10 s\"\nfor = \"10 s\"";

/// Four nodes that make about fifty blocks a second, and one fault.
fn run(protocol: &str, fault: &str) -> (RunRecord, Watch) {
    run_with(protocol, fault, &[])
}

/// The same with overrides.
fn run_with(protocol: &str, fault: &str, overrides: &[&str]) -> (RunRecord, Watch) {
    let text = format!(
        r#"
        schema = 1
        [run]
        warmup = "5 s"
        duration = "{} s"
        drain = "20 s"
        [consensus]
        protocol = "{protocol}"
        preset = "consortium"
        nodes = 4
        block_period = "20 ms"
        [consensus.hotstuff]
        timeout = "500 ms"
        [consensus.nakamoto]
        interval = "20 ms"
        retarget_window = 0
        k = 20
        [consensus.praos]
        slot = "20 ms"
        f = 0.9
        k = 24
        [network]
        rtt = "constant:4 ms"
        [mempool]
        batch_delay = "10 ms"
        [workload.plain]
        kind = "fixed"
        hospitals = 4
        rate_tx_per_s = 200
        [finality]
        rule = "depth:20"
        [fault.one]
        {fault}
        "#,
        END - 5
    );
    let mut watch = Watch::default();
    let record = run_probed(&scenario_with(&text, overrides), 3, &mut watch);
    for check in SAFETY {
        assert!(held(&record, check), "{protocol}: {}", record.verdict.text());
    }
    (record, watch)
}

/// Every node has at the end what node 0 had a second before.
fn all_level(protocol: &str, watch: &Watch) {
    let height = watch.height(0, second(END - 1));
    for node in 0..4 {
        let own = watch.height(node, second(END));
        assert!(own >= height, "{protocol}: node {node} ends at height {own}, node 0 was at {height} before");
    }
}

#[test]
fn a_node_that_missed_a_thousand_heights_catches_up() {
    for protocol in PROTOCOLS {
        let (record, watch) = run(protocol, "kind = \"crash\"\nnodes = \"3\"\nat = \"6 s\"\nfor = \"30 s\"");
        let (own, other) = (watch.height(3, second(36)), watch.height(0, second(36)));
        assert!(other >= own + 1_000, "{protocol}: at height {own} it missed too little of {other}");
        assert_eq!(record.verdict.word(), "ok", "{protocol}: {}", record.verdict.text());
        assert!(record.blocks.catch_ups > 0, "{protocol}");
        assert_eq!(record.cohort.committed, record.cohort.created, "{protocol}: {:?}", record.cohort);
        all_level(protocol, &watch);
        // It takes part again: blocks come one by one, not by transfer.
        let late = watch.adopted.iter().filter(|a| a.node.0 == 3 && a.at > second(END - 2)).count();
        assert!(late > 10, "{protocol}: {late} blocks adopted in the last two seconds");
    }
}

#[test]
fn a_node_that_was_cut_off_comes_back() {
    for protocol in PROTOCOLS {
        let (record, watch) = run(protocol, "kind = \"partition\"\nnodes = \"3\"\nat = \"10 s\"\nfor = \"10 s\"");
        let during = watch.height(0, second(19)) - watch.height(0, second(11));
        assert!(during > 20, "{protocol}: {during} blocks without the node");
        assert_eq!(record.verdict.word(), "ok", "{protocol}: {}", record.verdict.text());
        assert_eq!(record.cohort.committed, record.cohort.created, "{protocol}: {:?}", record.cohort);
        all_level(protocol, &watch);
    }
}

#[test]
fn halves_that_were_cut_apart_join_again() {
    for protocol in PROTOCOLS {
        // Praos refuses forks deeper than k: here they must be allowed.
        let (record, watch) = run_with(protocol, HALVES, &["consensus.praos.k=2000"]);
        let height = |at: u64| watch.height(0, second(at));
        if ["pbft", "hotstuff"].contains(&protocol) {
            assert_eq!(height(19), height(11), "{protocol}: half of the votes decided something");
        }
        assert!(height(END) > height(20) + 20, "{protocol}: nothing after the partition");
        // A database needs its server alone.
        let verdict = if protocol == "central" { "ok" } else { "outside-fault-model" };
        assert_eq!(record.verdict.word(), verdict, "{protocol}: {}", record.verdict.text());
        assert_eq!(record.cohort.committed, record.cohort.created, "{protocol}: {:?}", record.cohort);
        all_level(protocol, &watch);
    }
}

#[test]
fn transactions_of_a_reverted_branch_wait_again_and_count_once() {
    // Anybody's word is enough, so both branches commit; the run goes on, or ends right after one of them is left.
    for (end, drain) in [("run.duration=40 s", "run.drain=20 s"), ("run.duration=16 s", "run.drain=0 s")] {
        let rule = ["finality.nodes=first", "finality.rule=depth:1", "consensus.nakamoto.interval=1 s"];
        let (record, _) = run_with("nakamoto", HALVES, &[&rule[..], &[end, drain]].concat());
        assert_eq!(record.verdict.word(), "outside-fault-model", "{}", record.verdict.text());
        assert!(record.blocks.reverted > 0, "{end}: no branch was left");
        assert!(record.cohort.is_conserved(), "{end}: {:?}", record.cohort);
    }
}

#[test]
fn too_many_crashes_stall_the_run_and_explain_it() {
    for protocol in ["pbft", "hotstuff"] {
        let (record, watch) = run(protocol, "kind = \"crash\"\nnodes = \"1,2\"\nat = \"20 s\"");
        let text = record.verdict.text();
        assert_eq!(record.verdict.word(), "stalled", "{protocol}: {text}");
        assert!(!record.verdict.failed() && held(&record, "liveness"), "{protocol}: {text}");
        assert!(text.contains("explained by faults"), "{protocol}: {text}");
        assert!(text.contains("stake 2 was faulty, 1 is tolerated"), "{protocol}: {text}");
        assert_eq!(watch.height(0, second(60)), watch.height(0, second(21)), "{protocol}: two of four decided");
    }
}

#[test]
fn too_many_crashes_that_pass_are_outside_the_fault_model() {
    for protocol in ["pbft", "hotstuff"] {
        let (record, watch) = run(protocol, "kind = \"crash\"\nnodes = \"1,2\"\nat = \"20 s\"\nfor = \"5 s\"");
        assert_eq!(record.verdict.word(), "outside-fault-model", "{protocol}: {}", record.verdict.text());
        assert!(!record.verdict.failed());
        assert_eq!(record.cohort.committed, record.cohort.created, "{protocol}: {:?}", record.cohort);
        all_level(protocol, &watch);
    }
}
