//! Do the protocols take exactly the delays and messages of their papers in the simulator?
//!
//! Links have a constant latency, cores, disks and cards cost nothing, payload goes to the leader beforehand. The
//! tenth decision is looked at, not the first: messages are counted where they leave their senders, the time runs
//! from the first copy of the proposal that leaves to the effect that makes the block final. A transaction's own way
//! to the leader is the host's and counts apart.

#[path = "common/world.rs"]
mod world;

use ledgerlab_consensus::{Span, Time};
use ledgerlab_sim::record::RunRecord;
use ledgerlab_sim::run::run_probed;
use ledgerlab_sim::scenario::protocol_facts;
use world::{Watch, scenario};

/// One-way latency of every link.
const DELAY: Span = Span::millis(100);
/// The decision that is looked at.
const TENTH: u64 = 10;
/// Sizes of the consortium.
const SIZES: [u32; 4] = [4, 7, 16, 100];
/// What bytes at 1 Tbit/s may take on a way of several delays.
const CARRIED: Span = Span::micros(100);

/// A run in which nothing but the links takes time.
fn watch(protocol: &str, nodes: u32, period_ms: u64, settings: &str) -> Watch {
    run(protocol, nodes, period_ms, settings).1
}

fn run(protocol: &str, nodes: u32, period_ms: u64, settings: &str) -> (RunRecord, Watch) {
    let text = format!(
        r#"
        schema = 1
        [run]
        warmup = "1 s"
        duration = "20 s"
        drain = "10 s"
        [consensus]
        protocol = "{protocol}"
        nodes = {nodes}
        block_period = "{period_ms} ms"
        [consensus.{protocol}]
        {settings}
        [network]
        rtt = "constant:200 ms"
        bandwidth = "1000 Gbit/s"
        [node]
        handling = "0 s"
        execution = "0 s"
        fsync = "0 s"
        [node.crypto]
        sign = "0 s"
        verify = "0 s"
        verify_batched = "0 s"
        hash_per_kib = "0 s"
        [mempool]
        dissemination = "leader-push"
        [workload.plain]
        kind = "fixed"
        hospitals = 1
        rate_tx_per_s = 10
        spacing = "constant"
        [finality]
        nodes = "all"
        "#
    );
    let mut watch = Watch::default();
    let record = run_probed(&scenario(&text), 1, &mut watch);
    assert_eq!(record.verdict.word(), "ok", "{}", record.verdict.text());
    (record, watch)
}

/// Whole delays from the tenth proposal to its finality at a node.
fn delays(watch: &Watch, node: u32) -> u64 {
    let (proposed, _) = watch.proposal_at(node, TENTH);
    let took = watch.final_at(node, TENTH).since(proposed);
    let whole = took.0 / DELAY.0;
    let rest = Span(took.0 - whole * DELAY.0);
    assert!(rest < CARRIED, "{whole} delays and {} ns", rest.0);
    whole
}

/// From the tenth proposal up to the eleventh.
fn round(watch: &Watch) -> (Time, Time) {
    (watch.proposal_at(0, TENTH).0, watch.proposal_at(0, TENTH + 1).0)
}

fn stated(protocol: &str, n: u32) -> (u64, u64) {
    let info = protocol_facts(protocol).expect("a protocol of the registry").info;
    let of = |f: Option<fn(u64) -> u64>| f.expect("a closed form")(u64::from(n));
    (of(info.delays), of(info.messages))
}

#[test]
fn pbft_decides_after_3_delays_and_2n_n_minus_1_messages() {
    for n in SIZES {
        // A period of ten delays: no decision overlaps the next one.
        let watch = watch("pbft", n, 1_000, "");
        assert_eq!((0..n).map(|node| delays(&watch, node)).max(), Some(3), "n = {n}");
        let (from, to) = round(&watch);
        let others = u64::from(n) - 1;
        let counts = ["pre-prepare", "prepare", "commit"].map(|kind| watch.count(kind, from, to));
        assert_eq!(counts, [others, others * others, u64::from(n) * others], "n = {n}");
        assert_eq!(counts.iter().sum::<u64>(), 2 * u64::from(n) * others);
        assert_eq!(stated("pbft", n), (3, 2 * u64::from(n) * others));
    }
}

#[test]
fn a_client_of_pbft_has_its_replies_one_delay_after_the_decision() {
    for n in SIZES {
        let (record, watch) = run("pbft", n, 1_000, "");
        let reply = record.client_reply.mean_ms().expect("clients are answered");
        let hop = reply - record.latency.mean_ms().expect("blocks are final");
        assert!((hop - DELAY.as_secs_f64() * 1e3).abs() < 0.1, "n = {n}: {hop} ms");
        // All clients are at one gateway, which is a replica itself.
        let (from, to) = round(&watch);
        assert_eq!(watch.count("reply", from, to), u64::from(n) - 1, "n = {n}");
        assert_eq!(watch.count("reply-request", from, to), 0, "n = {n}");
    }
}

#[test]
fn hotstuff_decides_after_7_delays_and_2_n_minus_1_messages_a_block() {
    for n in SIZES {
        for term in [0, 100, 4] {
            let watch = watch("hotstuff", n, 0, &format!("term = {term}"));
            // The leader of the fourth view puts the last certificate together and knows one delay before the others.
            let (_, fourth) = watch.proposal_at(0, TENTH + 3);
            for node in 0..n {
                let expected = if node == fourth.0 { 6 } else { 7 };
                assert_eq!(delays(&watch, node), expected, "n = {n}, term {term}, node {node}");
            }
            let (from, to) = round(&watch);
            let others = u64::from(n) - 1;
            assert_eq!(watch.count("propose", from, to), others, "n = {n}, term {term}");
            assert_eq!(watch.count("vote", from, to), others, "n = {n}, term {term}");
            assert_eq!(stated("hotstuff", n), (7, 2 * others));
        }
    }
}

#[test]
fn a_database_server_ships_its_log_in_1_delay_and_n_minus_1_messages() {
    for n in SIZES {
        let watch = watch("central", n, 1_000, "");
        assert_eq!((0..n).map(|node| delays(&watch, node)).max(), Some(1), "n = {n}");
        let (from, to) = round(&watch);
        assert_eq!(watch.count("group", from, to), u64::from(n) - 1);
        assert_eq!(stated("central", n), (1, u64::from(n) - 1));
    }
}
