//! The canonical set: the figures that `ledgerlab bench` prints and that CI compares.
//!
//! Every figure is the median of five runs, by CPU time of the thread. A row's floor and reference are measured in the
//! same run, turn by turn with the figure itself, so their ratios survive a noisy machine.

use ledgerlab_consensus::types::mix64;
use ledgerlab_sim::kernel::queue::{Heap, Windows};
use ledgerlab_sim::record::RunRecord;
use ledgerlab_sim::run::Engine;
use ledgerlab_sim::scenario::Scenario;
use serde::Serialize;

use crate::broadcast::Broadcast;
use crate::clock::{REPEATS, median, timed};
use crate::engine::{accounting, hotstuff_64, pbft_128, pbft_1000, pow_8000, run};
use crate::merkle::root;
use crate::phold::{self, Size};

/// One figure.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Row {
    /// What was measured.
    pub name: &'static str,
    /// The figure.
    pub value: f64,
    /// Its unit: something per CPU second, the more the better, or CPU seconds, the less the better.
    pub unit: &'static str,
    /// The same work without what the engine adds.
    pub floor: Option<f64>,
    /// The same work on the reference heap.
    pub reference: Option<f64>,
    /// The same work on the engine with an event for each step of a message.
    pub naive: Option<f64>,
}

/// A benchmark's parts: each gives one figure when called.
struct Bench {
    unit: &'static str,
    value: Box<dyn Fn() -> f64>,
    floor: Option<Box<dyn Fn() -> f64>>,
    reference: Option<Box<dyn Fn() -> f64>>,
}

const EVENTS: &str = "events/s";
const DELIVERIES: &str = "deliveries/s";
const MESSAGES: &str = "messages/s";
const TRANSACTIONS: &str = "tx/s";
const SECONDS: &str = "s";

/// The names of the rows, in order.
pub const NAMES: [&str; 13] = [
    "phold-1k",
    "phold-10k",
    "phold-100k",
    "phold-100k-x16",
    "broadcast-100",
    "broadcast-1000",
    "broadcast-10000",
    "pbft-128",
    "pbft-1000",
    "hotstuff-64",
    "pow-8000",
    "accounting",
    "accounting-sha256",
];

/// All rows.
pub fn canonical() -> Vec<Row> {
    NAMES.iter().filter_map(|name| row(name)).collect()
}

/// The row of a name; `None` if there is none.
pub fn row(name: &str) -> Option<Row> {
    let name = NAMES.into_iter().find(|n| *n == name)?;
    Some(measure(name, &bench(name)))
}

fn bench(name: &'static str) -> Bench {
    match name {
        "phold-1k" => on_queue(Size { entities: 1_000, each: 1, events: 2_000_000 }, true),
        "phold-10k" => on_queue(Size { entities: 10_000, each: 1, events: 2_000_000 }, false),
        "phold-100k" => on_queue(Size { entities: 100_000, each: 1, events: 4_000_000 }, false),
        "phold-100k-x16" => on_queue(Size { entities: 100_000, each: 16, events: 8_000_000 }, false),
        "broadcast-100" => broadcast(100, 100, 200, true),
        "broadcast-1000" => broadcast(1_000, 1_000, 2, true),
        "broadcast-10000" => broadcast(10_000, 500, 2, false),
        "pbft-128" => messages(pbft_128),
        "pbft-1000" => seconds(pbft_1000),
        "hotstuff-64" => Bench { unit: SECONDS, value: Box::new(hotstuff_decisions), floor: None, reference: None },
        "pow-8000" => seconds(pow_8000),
        "accounting" => transactions(|_| 0),
        "accounting-sha256" => transactions(merkle_roots),
        other => unreachable!("no benchmark is called {other}"),
    }
}

fn measure(name: &'static str, bench: &Bench) -> Row {
    let (mut values, mut floors, mut references) = (vec![], vec![], vec![]);
    for _ in 0..REPEATS {
        values.push((bench.value)());
        floors.extend(bench.floor.as_ref().map(|f| f()));
        references.extend(bench.reference.as_ref().map(|f| f()));
    }
    let middle = |v: Vec<f64>| (!v.is_empty()).then(|| median(v));
    let (floor, reference) = (middle(floors), middle(references));
    Row { name, value: median(values), unit: bench.unit, floor, reference, naive: None }
}

/// PHOLD; the reference takes too long where there are many entities.
fn on_queue(size: Size, reference: bool) -> Bench {
    Bench {
        unit: EVENTS,
        value: Box::new(move || phold::on(Windows::default(), size).0),
        floor: Some(Box::new(move || phold::floor(size))),
        reference: reference.then(|| -> Box<dyn Fn() -> f64> { Box::new(move || phold::on(Heap::default(), size).0) }),
    }
}

fn broadcast(nodes: u32, senders: u32, rounds: u64, reference: bool) -> Bench {
    let rate = move |work: fn(&mut Broadcast, u64) -> u64| {
        let mut model = Broadcast::new(nodes, senders);
        let (s, digest) = timed(|| work(&mut model, rounds));
        std::hint::black_box(digest);
        (model.per_round() * rounds) as f64 / s
    };
    Bench {
        unit: DELIVERIES,
        value: Box::new(move || rate(|m, rounds| m.run(rounds, &mut Windows::default()))),
        floor: Some(Box::new(move || rate(Broadcast::unordered))),
        reference: reference.then(|| -> Box<dyn Fn() -> f64> {
            Box::new(move || rate(|m, rounds| m.run(rounds, &mut Heap::default())))
        }),
    }
}

/// Messages delivered for each CPU second.
fn messages(scenario: fn() -> Scenario) -> Bench {
    let rate = move |engine| {
        let (s, record) = run(engine, &scenario());
        record.deliveries as f64 / s
    };
    Bench {
        unit: MESSAGES,
        value: Box::new(move || rate(Engine::Fast)),
        floor: None,
        reference: Some(Box::new(move || rate(Engine::Reference))),
    }
}

/// CPU seconds of a run.
fn seconds(scenario: fn() -> Scenario) -> Bench {
    Bench { unit: SECONDS, value: Box::new(move || run(Engine::Fast, &scenario()).0), floor: None, reference: None }
}

/// CPU seconds for 100 decisions of HotStuff, from the difference of a long and a short run, which begin alike.
fn hotstuff_decisions() -> f64 {
    let (long_s, long) = run(Engine::Fast, &hotstuff_64(200));
    let (short_s, short) = run(Engine::Fast, &hotstuff_64(1));
    assert!(long.blocks.count > short.blocks.count + 100, "the long run decides more");
    (long_s - short_s) * 100.0 / (long.blocks.count - short.blocks.count) as f64
}

/// Transactions from their arrival to the histogram for each CPU second, with what else is to be done for a run.
fn transactions(besides: fn(&RunRecord) -> u8) -> Bench {
    let rate = move |engine| {
        let scenario = accounting();
        let (s, record) = timed(|| {
            let (_, record) = run(engine, &scenario);
            std::hint::black_box(besides(&record));
            record
        });
        assert!(record.cohort.committed * 100 > record.cohort.created * 99, "the load is carried");
        record.cohort.created as f64 / s
    };
    Bench { unit: TRANSACTIONS, value: Box::new(move || rate(Engine::Fast)), floor: None, reference: None }
}

/// Merkle roots over the ids of the cohort, in as many blocks as the run had. The simulator itself knows transactions
/// by their numbers, so the ids are made here.
fn merkle_roots(record: &RunRecord) -> u8 {
    let id = |number: u64| {
        let mut id = [0; 32];
        id.chunks_exact_mut(8)
            .zip(1..)
            .for_each(|(part, i)| part.copy_from_slice(&mix64(number ^ mix64(i)).to_le_bytes()));
        id
    };
    let (all, blocks) = (record.cohort.created, record.blocks.count.max(1));
    let block = |b: u64| all * b / blocks..all * (b + 1) / blocks;
    (0..blocks).fold(0, |sum, b| sum ^ root(block(b).map(id))[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_a_benchmark_and_no_other_has() {
        NAMES.into_iter().for_each(|name| drop(bench(name)));
        assert!(row("no-such-row").is_none());
    }

    #[test]
    fn a_row_holds_the_medians_of_its_parts() {
        let count = std::cell::Cell::new(0.0);
        let next = move || {
            count.set(count.get() + 1.0);
            count.get()
        };
        let bench = Bench { unit: SECONDS, value: Box::new(next), floor: Some(Box::new(|| 7.0)), reference: None };
        let row = measure("x", &bench);
        assert_eq!((row.value, row.floor, row.reference), (3.0, Some(7.0), None));
    }
}
