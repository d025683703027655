//! Are verdicts and counts of a run what an operator would say happened?

use ledgerlab_sim::record::{RunRecord, Verdict};
use ledgerlab_sim::scenario::Experiment;

const BASE: &str = "schema = 1\n[run]\nwarmup = \"5 s\"\nduration = \"20 s\"\n[consensus]\nprotocol = \"pbft\"\n\
    nodes = 4\n[network]\nrtt = \"hospital-wan\"\nregions = [\"north\", \"south\"]\n[workload.w]\nkind = \"fixed\"\n\
    rate_tx_per_s = 50\n";

fn run(set: &[&str]) -> RunRecord {
    let set: Vec<String> = set.iter().map(|s| (*s).to_owned()).collect();
    let experiment = Experiment::from_text("base.toml", BASE, &set).expect("a valid scenario");
    ledgerlab_sim::run::run(&experiment.points[0].scenario, 1)
}

#[test]
fn a_database_server_that_waits_for_gossiped_batches_is_not_stalled() {
    let run = run(&["consensus.protocol=central", "mempool.dissemination=gossip"]);
    assert_eq!((run.verdict, run.cohort.pending), (Verdict::Ok, 0));
}

#[test]
fn transactions_that_no_block_can_hold_are_rejected_and_break_no_law() {
    let run = run(&["workload.w.bytes=2 MB"]);
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
    assert!(text.contains("outside the fault model: stake 1 faulty, 0 tolerated"), "{text}");
    let cut =
        run(&["consensus.protocol=central", "fault.a.kind=partition", "fault.a.at=10 s", "fault.a.nodes=1, 2, 3"]);
    assert_eq!(cut.verdict, Verdict::Ok, "the others are cut off");
}

#[test]
fn what_a_lossy_network_takes_longer_is_no_failure_of_the_protocol() {
    let lossy = ["network.loss=0.9", "run.duration=10 min", "run.drain=10 min", "mempool.client_timeout=1 h"];
    let run = run(&lossy);
    assert!(!run.verdict.failed(), "{:?}", run.verdict);
}

#[test]
fn a_run_ends_when_everything_that_waits_has_expired() {
    let crash = ["fault.a.kind=crash", "fault.a.at=10 s", "fault.a.nodes=0, 1"];
    let run = run(&[&crash[..], &["mempool.expiry=5 s", "run.drain=10 min"]].concat());
    assert!(run.cohort.expired > 0 && run.cohort.pending == 0, "{:?}", run.cohort);
    assert!((30.0..60.0).contains(&run.window.stopped_s), "stopped at {} s", run.window.stopped_s);
}
