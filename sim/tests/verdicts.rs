//! Are verdicts and counts of a run what an operator would say happened?

use ledgerlab_consensus::Family;
use ledgerlab_consensus::risk::reversal_at_depth;
use ledgerlab_sim::record::{RunRecord, Verdict};
use ledgerlab_sim::scenario::Experiment;

const BASE: &str = "schema = 1\n[run]\nwarmup = \"5 s\"\nduration = \"20 s\"\n[consensus]\nprotocol = \"pbft\"\n\
    nodes = 4\n[network]\nrtt = \"hospital-wan\"\nregions = [\"north\", \"south\"]\n[workload.w]\nkind = \"fixed\"\n\
    rate_tx_per_s = 50\n";

fn run(set: &[&str]) -> RunRecord {
    let set: Vec<String> = set.iter().map(|s| (*s).to_owned()).collect();
    let experiment = Experiment::from_text("base.toml", BASE, &set).expect("a valid scenario");
    let scenario = &experiment.points[0].scenario;
    ledgerlab_sim::run::run(scenario, scenario.seed)
}

#[test]
fn a_database_server_that_waits_for_gossiped_batches_is_not_stalled() {
    let run = run(&["consensus.protocol=central", "mempool.dissemination=gossip"]);
    assert_eq!((run.verdict, run.cohort.pending), (Verdict::Ok, 0));
}

#[test]
fn transactions_that_no_block_can_hold_are_rejected_and_break_no_law() {
    let base =
        Experiment::from_text("base.toml", BASE, &["workload.w.bytes=2 kB".to_owned()]).expect("a valid scenario");
    let mut scenario = base.points[0].scenario.clone();
    scenario.settings.block_bytes = 1_000;
    let run = ledgerlab_sim::run::run(&scenario, 1);
    assert!(run.verdict.text().contains("larger than a block"), "{:?}", run.verdict);
    assert!(run.checks.iter().all(|c| c.passed || c.name == "liveness"), "{:?}", run.checks);
    assert_eq!((run.cohort.committed, run.cohort.rejected), (0, run.cohort.created));
}

#[test]
fn a_lost_leader_is_one_view_change_however_many_nodes_make_it() {
    for (protocol, leader) in [("pbft", "0"), ("hotstuff", "0")] {
        let (protocol, leader) = (format!("consensus.protocol={protocol}"), format!("fault.a.nodes={leader}"));
        let run = run(&[&protocol, "consensus.hotstuff.term=0", "fault.a.kind=crash", "fault.a.at=10 s", &leader]);
        assert_eq!(run.blocks.view_changes, 1, "{protocol}");
    }
}

#[test]
fn messages_are_those_of_the_window() {
    let run = run(&["mempool.batch_delay=0 s", "load=0.1"]);
    let prepares = run.messages.iter().find(|m| m.kind == "prepare").expect("PBFT prepares").count;
    assert!(prepares.abs_diff(run.blocks.count * 9) <= 9, "{prepares} for {} blocks", run.blocks.count);
}

#[test]
fn only_the_failure_of_its_server_is_outside_a_databases_fault_model() {
    let crash = |nodes: &str| {
        let nodes = format!("fault.a.nodes={nodes}");
        run(&["consensus.protocol=central", "fault.a.kind=crash", "fault.a.at=10 s", &nodes])
    };
    for others in ["3", "1, 2, 3"] {
        let run = crash(others);
        assert_eq!(run.verdict, Verdict::Ok, "crash of {others}");
        assert!(run.cohort.committed > 0 && run.checks.iter().all(|c| c.passed), "crash of {others}: {:?}", run.checks);
    }
    let text = match crash("0").verdict {
        Verdict::OutsideFaultModel { text } | Verdict::Stalled { explained: true, text } => text,
        other => panic!("{other:?} while the server is down"),
    };
    assert!(text.contains("stake 1 was faulty, 0 is tolerated"), "{text}");
    let cut = |nodes: &str| {
        let nodes = format!("fault.a.nodes={nodes}");
        let set =
            ["consensus.protocol=central", "fault.a.kind=partition", "fault.a.at=10 s", "fault.a.for=5 s", &nodes];
        run(&set).verdict
    };
    for others in ["1", "1, 2"] {
        assert_eq!(cut(others), Verdict::Ok, "{others} cut off");
    }
    for alone in ["0", "1, 2, 3"] {
        let verdict = cut(alone);
        assert!(matches!(&verdict, Verdict::OutsideFaultModel { .. }), "the server cut off by {alone}: {verdict:?}");
    }
}

#[test]
fn what_waits_too_long_expires_and_is_not_lost() {
    let text = r#"
        schema = 1
        [run]
        warmup = "5 s"
        duration = "10 s"
        [consensus]
        protocol = "pbft"
        nodes = 4
        [network]
        rtt = "constant:20 ms"
        [workload.w]
        kind = "fixed"
        rate_tx_per_s = 100
    "#;
    let cases: [&[&str]; 5] = [
        &["mempool.expiry=110 ms", "consensus.block_period=1 s"],
        &["mempool.expiry=300 ms", "network.rtt=constant:500 ms"],
        &["mempool.expiry=1 s", "network.bandwidth=10 Mbit/s", "workload.w.rate_tx_per_s=3000"],
        &[
            "mempool.expiry=1 s",
            "consensus.protocol=hotstuff",
            "network.bandwidth=2 Mbit/s",
            "workload.w.rate_tx_per_s=600",
        ],
        &[
            "mempool.expiry=300 ms",
            "mempool.dissemination=gossip",
            "mempool.batch_delay=50 ms",
            "consensus.block_period=1 s",
        ],
    ];
    for case in cases {
        let overrides: Vec<String> = case.iter().map(|o| (*o).to_owned()).collect();
        let points = Experiment::from_text("test.toml", text, &overrides).unwrap_or_else(|e| panic!("{e}")).points;
        let r = ledgerlab_sim::run::run(&points[0].scenario, 1);
        let conserved = r.checks.iter().find(|c| c.name == "conservation").expect("the check");
        assert!(conserved.passed, "{case:?}: {}", r.verdict.text());
        let c = r.cohort;
        assert!(c.expired > 0, "{case:?}: {c:?}");
        assert_eq!(c.created, c.committed + c.rejected + c.expired + c.pending, "{case:?}");
    }
}

#[test]
fn what_a_lossy_network_takes_longer_is_no_failure_of_the_protocol() {
    let lossy = ["network.loss=0.9", "run.duration=10 min", "run.drain=10 min", "mempool.client_timeout=1 h"];
    let run = run(&lossy);
    assert!(!run.verdict.failed(), "{:?}", run.verdict);
}

#[test]
fn every_rule_of_finality_says_adversary_and_risk() {
    let finality = |protocol: &str, rule: &str| {
        let (protocol, rule) = (format!("consensus.protocol={protocol}"), format!("finality.rule={rule}"));
        run(&[&protocol, &rule, "consensus.preset=consortium", "load=0.1"]).finality
    };
    let custom = finality("nakamoto", "protocol");
    assert_eq!((custom.depth, custom.adversary), (Some(6), Some(0.1)));
    assert!((custom.reversal.expect("a bound") - 0.000_591).abs() < 5e-7, "{custom:?}");
    let deep = finality("praos", "protocol");
    assert!(deep.adversary == Some(0.1) && deep.reversal.is_some_and(|r| r > 1e-6 && r < 1e-3), "{deep:?}");
    let given = finality("nakamoto", "depth:1");
    assert!((given.reversal.expect("a bound") - 0.2).abs() < 1e-9, "{given:?}");
    let chosen = finality("nakamoto", "risk:0.2/1e-2");
    // The risk of the depth that was chosen, not the limit; a block less would be above it.
    let at_depth = |k: u64| reversal_at_depth(Family::Pow, 0.2, k).expect("a bound");
    let depth = chosen.depth.expect("a depth");
    assert_eq!((chosen.adversary, chosen.reversal), (Some(0.2), Some(at_depth(depth))));
    assert!(at_depth(depth) <= 1e-2 && at_depth(depth - 1) > 1e-2, "{chosen:?}");
    for rule in ["protocol", "risk:0.2/1e-2"] {
        let certified = finality("pbft", rule);
        assert_eq!((certified.depth, certified.adversary, certified.reversal), (None, None, Some(0.0)));
    }
}

#[test]
fn what_is_not_carried_is_said() {
    let warnings = |set: &[&str]| run(set).warnings.join("\n");
    assert_eq!(warnings(&[]), "");
    for protocol in ["pbft", "hotstuff", "praos"] {
        let protocol = format!("consensus.protocol={protocol}");
        let chain = [&protocol, "consensus.preset=consortium", "consensus.praos.k=1", "run.warmup=30 s"];
        let chain = [&chain[..], &["run.duration=90 s", "load=4"]].concat();
        let text = warnings(&[&chain[..], &["consensus.block_bytes=20 kB"]].concat());
        assert!(text.contains("below the") && text.contains("tx/s offered: more was offered"), "{protocol}: {text}");
        for seed in ["run.seed=1", "run.seed=2", "run.seed=3"] {
            // Blocks come by chance: that the last ones are late is no overload.
            assert_eq!(warnings(&[&chain[..], &[seed]].concat()), "", "{protocol}");
        }
    }
    let full = warnings(&["mempool.capacity=1"]);
    assert!(full.contains("were rejected") && full.contains("mempool.capacity = 1"), "{full}");
}

#[test]
fn a_record_in_the_ledger_is_read_at_the_disks_rate() {
    let p50_ms = |bytes: &str| {
        let bytes = format!("workload.w.bytes={bytes}");
        let set = ["load=0.02", "workload.w.reads_per_write=20", "node.disk_bandwidth=10 MB/s", &bytes];
        run(&set).reads.latency.quantile_ms(0.5).expect("reads")
    };
    let (small, large) = (p50_ms("200 B"), p50_ms("500 kB"));
    // A lookup takes 0.1 to 1 ms; 500 kB take 50 ms.
    assert!((0.1..=1.1).contains(&small) && (50.1..=51.1).contains(&large), "{small} ms and {large} ms");
}

#[test]
fn a_run_ends_when_everything_that_waits_has_expired() {
    let crash = ["fault.a.kind=crash", "fault.a.at=10 s", "fault.a.nodes=0, 1"];
    let run = run(&[&crash[..], &["mempool.expiry=5 s", "run.drain=10 min"]].concat());
    assert!(run.cohort.expired > 0 && run.cohort.pending == 0, "{:?}", run.cohort);
    assert!((30.0..60.0).contains(&run.window.stopped_s), "stopped at {} s", run.window.stopped_s);
}
