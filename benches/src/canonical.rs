//! The canonical set: the figures that `ledgerlab bench` prints and that CI compares.
//!
//! Every figure is the median of five runs by CPU time of the thread, except those that take long
//! ([`crate::measure`]). The set ends within a minute and 2 GiB.

use ledgerlab_consensus::types::mix64;
use ledgerlab_sim::kernel::queue::{Heap, Windows};
use ledgerlab_sim::record::RunRecord;
use ledgerlab_sim::run::Engine;
use ledgerlab_sim::scenario::Scenario;

use crate::broadcast::Broadcast;
use crate::clock::timed;
use crate::engine::{accounting, hotstuff_64, pbft_128, pbft_1000, pow_8000, run};
use crate::measure::{Bench, Part, SECONDS};
use crate::merkle::root;
use crate::phold::{self, Size};

pub use crate::measure::Row;

const EVENTS: &str = "events/s";
const DELIVERIES: &str = "deliveries/s";
const MESSAGES: &str = "messages/s";
const TRANSACTIONS: &str = "tx/s";

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

/// The unit of a row; `None` if there is no such row.
pub fn unit(name: &str) -> Option<&'static str> {
    NAMES.into_iter().find(|n| *n == name).map(|name| bench(name).unit)
}

/// The row of a name; `None` if there is none.
pub fn row(name: &str) -> Option<Row> {
    let name = NAMES.into_iter().find(|n| *n == name)?;
    Some(bench(name).measure(name))
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
        "pbft-1000" => {
            seconds(pbft_1000).reference(on(Engine::Reference, pbft_1000)).naive(on(Engine::Naive, pbft_1000))
        }
        "hotstuff-64" => Bench::new(SECONDS, || hotstuff_decisions(Engine::Fast))
            .reference(Some(Box::new(|| hotstuff_decisions(Engine::Reference)))),
        "pow-8000" => seconds(pow_8000),
        "accounting" => transactions(Some(Engine::Reference), |_| 0),
        "accounting-sha256" => transactions(None, merkle_roots),
        other => unreachable!("no benchmark is called {other}"),
    }
}

/// PHOLD; the reference takes too long where there are many entities.
fn on_queue(size: Size, reference: bool) -> Bench {
    Bench::new(EVENTS, move || phold::on(Windows::default(), size).0)
        .floor(move || phold::floor(size))
        .reference(reference.then(|| -> Part { Box::new(move || phold::on(Heap::default(), size).0) }))
        .queueless(move || phold::queueless(size))
}

fn broadcast(nodes: u32, senders: u32, rounds: u64, reference: bool) -> Bench {
    let rate = move |work: fn(&mut Broadcast, u64) -> u64| {
        let mut model = Broadcast::new(nodes, senders);
        let (s, digest) = timed(|| work(&mut model, rounds));
        std::hint::black_box(digest);
        (model.per_round() * rounds) as f64 / s
    };
    let heap = move || rate(|m, rounds| m.run(rounds, &mut Heap::default()));
    Bench::new(DELIVERIES, move || rate(|m, rounds| m.run(rounds, &mut Windows::default())))
        .floor(move || rate(Broadcast::unordered))
        .reference(reference.then(|| -> Part { Box::new(heap) }))
}

/// Messages delivered for each CPU second.
fn messages(scenario: fn() -> Scenario) -> Bench {
    let rate = move |engine| {
        let (s, record) = run(engine, &scenario());
        record.deliveries as f64 / s
    };
    Bench::new(MESSAGES, move || rate(Engine::Fast))
        .reference(Some(Box::new(move || rate(Engine::Reference))))
        .naive(Some(Box::new(move || rate(Engine::Naive))))
}

/// CPU seconds of a run.
fn seconds(scenario: fn() -> Scenario) -> Bench {
    Bench::new(SECONDS, move || run(Engine::Fast, &scenario()).0)
}

fn on(engine: Engine, scenario: fn() -> Scenario) -> Option<Part> {
    Some(Box::new(move || run(engine, &scenario()).0))
}

/// CPU seconds for 100 decisions of HotStuff, from the difference of a long and a short run, which begin alike.
fn hotstuff_decisions(engine: Engine) -> f64 {
    let (long_s, long) = run(engine, &hotstuff_64(200));
    let (short_s, short) = run(engine, &hotstuff_64(1));
    assert!(long.blocks.count > short.blocks.count + 100, "the long run decides more");
    (long_s - short_s) * 100.0 / (long.blocks.count - short.blocks.count) as f64
}

/// Transactions from their arrival to the histogram for each CPU second, with what else is to be done for a run.
fn transactions(reference: Option<Engine>, besides: fn(&RunRecord) -> u8) -> Bench {
    let rate = move |engine| {
        let scenario = accounting(10);
        let (s, record) = timed(|| {
            let (_, record) = run(engine, &scenario);
            std::hint::black_box(besides(&record));
            record
        });
        assert!(record.cohort.committed * 100 > record.cohort.created * 99, "the load is carried");
        record.cohort.created as f64 / s
    };
    Bench::new(TRANSACTIONS, move || rate(Engine::Fast))
        .reference(reference.map(|engine| -> Part { Box::new(move || rate(engine)) }))
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
}
