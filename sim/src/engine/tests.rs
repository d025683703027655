//! Faults inside the engine itself, which no protocol can cause from outside: the checks must find them.

use ledgerlab_consensus::bft::pbft::{Pbft, PbftRecord};
use ledgerlab_consensus::{Durability, LogSeq, Span, Time, Wire};

use crate::engine::{GRID, Simulation};
use crate::kernel::queue::Pending;
use crate::network::link::Rate;
use crate::probe::Blind;
use crate::record::{RunRecord, Verdict};
use crate::run::Engine;
use crate::scenario::Experiment;

pub(super) const WORLD: &str = r#"
    schema = 1
    [run]
    warmup = "1 s"
    duration = "9 s"
    [consensus]
    protocol = "pbft"
    nodes = 4
    block_period = "200 ms"
    [network]
    rtt = "constant:40 ms"
    [workload.plain]
    kind = "fixed"
    rate_tx_per_s = 200
"#;

/// Runs for a few seconds, does something to the engine, and ends.
fn run_and(harm: impl FnOnce(&mut Simulation<'_, Pbft, Pending>)) -> RunRecord {
    run_with(&[], harm)
}

fn run_with(set: &[&str], harm: impl FnOnce(&mut Simulation<'_, Pbft, Pending>)) -> RunRecord {
    let set: Vec<String> = set.iter().map(|s| (*s).to_owned()).collect();
    let points = Experiment::from_text("test.toml", WORLD, &set).expect("a valid scenario").points;
    let mut probe = Blind;
    let mut sim = Simulation::<Pbft, Pending>::new(&points[0].scenario, 1, Pending::heap(), &mut probe);
    sim.start();
    for _ in 0..5 {
        sim.run_to_horizon();
        sim.meter.advance(sim.horizon, &sim.blocks, &sim.batches, &sim.txs);
        sim.horizon += GRID;
    }
    harm(&mut sim);
    sim.finish()
}

#[test]
fn nothing_is_lost_without_a_fault() {
    let record = run_and(|_| {});
    assert_eq!(record.verdict, Verdict::Ok);
    assert!(record.cohort.pending > 0, "something is under way: {:?}", record.cohort);
}

#[test]
fn transactions_that_a_gateway_forgets_are_found_lost() {
    let mut forgotten = 0;
    let record = run_and(|sim| {
        forgotten = sim.nodes[2].rare.own.len();
        sim.nodes[2].rare.own.clear();
    });
    assert!(forgotten > 0, "the gateway of node 2 held nothing");
    assert_eq!(record.verdict.word(), "conservation-violation");
    assert!(record.verdict.text().contains(" lost"), "{}", record.verdict.text());
}

#[test]
fn a_transaction_that_leaves_its_batch_on_the_way_is_found_lost() {
    let record = run_and(|sim| {
        let batch = *sim.nodes[1].rare.own.back().expect("something is under way");
        sim.batches.get_mut(batch).txs.pop().expect("no batch is empty");
    });
    assert!(record.verdict.text().contains("1 lost"), "{}", record.verdict.text());
}

/// A busy world: studies of imaging are read over links that are never idle for long.
const CROWD: &str = r#"
    [workload.imaging]
    kind = "img"
    hospitals = 4
    multiplier = 30
    remote_share = 1.0
    [storage]
    variant = "hash-pointer"
"#;

const SHARING: [&str; 2] = ["network.sharing=fifo", "network.sharing=fair"];

fn crowd(sharing: &str) -> Experiment {
    let overrides = [sharing, "network.bandwidth=100 Mbit/s", "network.loss=0.001", "run.start=monday 10:00"];
    let text = format!("{WORLD}{CROWD}");
    Experiment::from_text("test.toml", &text, &overrides.map(String::from)).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn a_link_above_its_rate_fails_the_run() {
    for (sharing, up) in SHARING.iter().flat_map(|s| [(s, true), (s, false)]) {
        let points = crowd(sharing).points;
        let mut probe = Blind;
        let mut sim = Simulation::<Pbft, Pending>::new(&points[0].scenario, 1, Pending::heap(), &mut probe);
        let fast = Rate::bits_per_s(110_000_000);
        let name = if up { "uplink of host 2" } else { "downlink of host 2" };
        match up {
            true => sim.hosts[2].up.cheat(fast),
            false => sim.hosts[2].down.cheat(fast),
        }
        let record = sim.run();
        assert_eq!(record.verdict.word(), "check-failed", "{sharing}, {name}");
        assert!(record.verdict.failed() && record.verdict.text().contains(name), "{}", record.verdict.text());
        let check = record.checks.iter().find(|c| c.name == "link-rate").expect("the check");
        assert!(!check.passed && check.detail.contains(name), "{}", check.detail);
    }
}

/// The digest of a run whose hosts may run ahead by so much.
fn digest_ahead(sharing: &str, ahead: Span, engine: Engine) -> String {
    let points = crowd(sharing).points;
    let mut probe = Blind;
    let mut sim = Simulation::<Pbft, Pending>::new(&points[0].scenario, 1, engine.queue(), &mut probe);
    match engine {
        Engine::Threads { .. } | Engine::Parts(_) => unreachable!("not asked for"),
        Engine::Fast => sim = sim.in_windows(),
        Engine::Naive => sim = sim.in_three_events(),
        Engine::Reference => {}
    }
    sim.start();
    sim.horizon = Time::ZERO + ahead;
    while sim.horizon < Time::ZERO + GRID * 6 {
        sim.run_to_horizon();
        sim.meter.advance(sim.horizon, &sim.blocks, &sim.batches, &sim.txs);
        sim.flows.sweep();
        sim.horizon += ahead;
    }
    sim.horizon = Time::ZERO + GRID * 6;
    sim.run_to_horizon();
    let record = sim.finish();
    assert!(record.events > 1_000);
    record.digest
}

#[test]
fn how_far_hosts_run_ahead_decides_nothing() {
    let digests = SHARING.map(|sharing| {
        let own = digest_ahead(sharing, GRID, Engine::Reference);
        for ahead in [GRID, Span::millis(250), Span::millis(10), Span::micros(330)] {
            for engine in [Engine::Naive, Engine::Reference, Engine::Fast] {
                assert_eq!(digest_ahead(sharing, ahead, engine), own, "{sharing}, {} ns, {engine:?}", ahead.0);
            }
        }
        own
    });
    assert_ne!(digests[0], digests[1]);
}

#[test]
fn every_record_is_written_to_disk_whether_anything_waits_for_it_or_not() {
    for fsync in ["node.fsync=300 us", "node.fsync=0 s"] {
        let overrides = [fsync, "node.amplification=1"].map(String::from);
        let points = Experiment::from_text("test.toml", WORLD, &overrides).expect("a valid scenario").points;
        let mut probe = Blind;
        let mut sim = Simulation::<Pbft, Pending>::new(&points[0].scenario, 1, Pending::heap(), &mut probe);
        let record = PbftRecord::Left { view: 3 };
        let bytes = record.encoded_len() as u64;
        for (i, durability) in (1..).zip([Durability::Lazy, Durability::Now, Durability::Now, Durability::Lazy]) {
            sim.local(|s| s.append_log(0, Time(1_000), record.clone(), LogSeq(i), durability));
            assert_eq!(sim.hosts[0].disk.bytes(), i * bytes, "{fsync}, {durability:?}");
        }
    }
}

#[test]
fn a_log_that_is_kept_for_a_crash_is_truncated_and_numbered_on_after_it() {
    let set = [
        "consensus.pbft.checkpoint_interval=2",
        "consensus.pbft.window=4",
        "consensus.block_period=20 ms",
        "fault.a.kind=crash",
        "fault.a.nodes=3",
        "fault.a.at=1500 ms",
        "fault.a.for=500 ms",
    ];
    let record = run_with(&set, |sim| {
        let node = &sim.nodes[3];
        let log = node.log.as_ref().expect("the fault plan needs it");
        assert_eq!(log.end(), node.log_seq);
        assert!(log.end().0 > 100 && log.len() < 30, "{} of {} records", log.len(), log.end().0);
        assert!(sim.nodes[0].log.is_none(), "it never crashes");
    });
    assert_eq!(record.verdict, Verdict::Ok);
}
