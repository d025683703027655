//! Do the rows of single transactions say what the record says of all of them?

use ledgerlab_consensus::Time;
use ledgerlab_sim::probe::{Blind, Probe};
use ledgerlab_sim::record::{Cohort, Outcome, Passage, RunRecord, TransactionRow};
use ledgerlab_sim::run::{Engine, run_on};
use ledgerlab_sim::scenario::{Experiment, Scenario};

/// Objects off the chain, so few that fit into the pool and so little time that every outcome occurs.
const MIXED: &str = r#"
    schema = 1
    run = { warmup = "5 s", duration = "20 s", drain = "3 s" }
    consensus = { protocol = "pbft", nodes = 4, block_period = "500 ms", block_bytes = "20 kB" }
    mempool = { capacity = 150, expiry = "6 s" }
    [network]
    rtt = "hospital-wan"
    regions = ["north", "south"]
    [workload.records]
    kind = "fixed"
    rate_tx_per_s = 150
    [workload.studies]
    kind = "img"
    hospitals = 20
    multiplier = 500
    [storage]
    variant = "hash-pointer"
"#;

/// Collects rows, as many at a time as the run shows.
#[derive(Default)]
struct Follower {
    rows: Vec<TransactionRow>,
    most: usize,
}

impl Probe for Follower {
    fn follows_transactions(&self) -> bool {
        true
    }
    fn on_transactions(&mut self, rows: &[TransactionRow]) {
        self.rows.extend_from_slice(rows);
        self.most = self.most.max(rows.len());
    }
}

fn scenario(text: &str, set: &[&str]) -> Scenario {
    let set: Vec<String> = set.iter().map(|s| (*s).to_owned()).collect();
    let mut experiment = Experiment::from_text("transactions.toml", text, &set).expect("a valid scenario");
    experiment.points.remove(0).scenario
}

fn followed(engine: Engine, scenario: &Scenario) -> (RunRecord, Follower) {
    let mut follower = Follower::default();
    let record = run_on(engine, scenario, scenario.seed, &mut follower);
    (record, follower)
}

fn cohort(rows: &[TransactionRow]) -> Cohort {
    let mut sum = Cohort { created: rows.len() as u64, ..Cohort::default() };
    for row in rows {
        let count = match row.outcome {
            Outcome::Committed(_) => &mut sum.committed,
            Outcome::Rejected(_) => &mut sum.rejected,
            Outcome::Expired => &mut sum.expired,
            Outcome::Pending => &mut sum.pending,
        };
        *count += 1;
    }
    sum
}

fn passages(rows: &[TransactionRow]) -> impl Iterator<Item = (Time, Passage)> {
    rows.iter().filter_map(|row| match row.outcome {
        Outcome::Committed(p) => Some((row.planned, p)),
        _ => None,
    })
}

#[test]
fn rows_add_up_to_the_record() {
    let s = scenario(MIXED, &[]);
    let (record, Follower { rows, most }) = followed(Engine::Fast, &s);
    assert_eq!(cohort(&rows), record.cohort);
    let c = record.cohort;
    assert!([c.committed, c.rejected, c.expired, c.pending].iter().all(|n| *n > 0), "every outcome occurs: {c:?}");
    for (i, w) in record.workloads.iter().enumerate() {
        let own: Vec<TransactionRow> = rows.iter().filter(|row| usize::from(row.workload) == i).copied().collect();
        assert_eq!(cohort(&own), w.cohort, "{}", w.name);
    }
    let latencies: u64 = passages(&rows).map(|(planned, p)| p.finalised.since(planned).0).sum();
    assert_eq!(latencies, record.latency.sum_ns);
    for (planned, p) in passages(&rows) {
        let times = [planned, p.stored, p.ready, p.built, p.committed, p.finalised];
        assert!(times.is_sorted(), "{times:?}");
    }
    let stored: f64 = passages(&rows).map(|(planned, p)| p.stored.since(planned).0 as f64 / 1e6).sum();
    let mean = record.stages.expect("something committed").off_chain_ms;
    assert!((stored / c.committed as f64 - mean).abs() < 1e-6 * mean, "{stored} of {mean}");
    let mut numbers: Vec<u32> = rows.iter().map(|row| row.number).collect();
    numbers.sort_unstable();
    assert!(numbers.windows(2).all(|n| n[0] < n[1]), "each has one row");
    assert!(most < rows.len() / 4, "rows leave while the run goes on: {most} of {} at a time", rows.len());
}

#[test]
fn rows_are_the_same_on_any_number_of_threads_and_change_nothing() {
    let s = scenario(MIXED, &[]);
    let (record, alone) = followed(Engine::Fast, &s);
    assert_eq!(run_on(Engine::Fast, &s, s.seed, &mut Blind), record, "following a run does not change it");
    let (_, shared) = followed(Engine::Threads { count: 2, least: 0 }, &s);
    assert_eq!(alone.rows, shared.rows);
}

#[test]
fn what_two_branches_hold_has_one_row() {
    let set = ["consensus.protocol=nakamoto", "consensus.nakamoto.interval=2 s", "finality.rule=depth:1"];
    let long = ["run.duration=300 s", "run.drain=60 s", "mempool.expiry=1000 s", "mempool.capacity=1000000"];
    let s = scenario(MIXED, &[&set[..], &long].concat());
    let (record, Follower { rows, .. }) = followed(Engine::Fast, &s);
    assert!(record.blocks.stale > 0, "there are forks");
    assert_eq!(cohort(&rows), record.cohort);
}
