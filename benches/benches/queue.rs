//! The kernel: its queues in the hold model, PHOLD on one and two threads, broadcasts.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ledgerlab_benches::broadcast::Broadcast;
use ledgerlab_benches::phold::{self, Size};
use ledgerlab_consensus::Time;
use ledgerlab_consensus::types::mix64;
use ledgerlab_sim::kernel::phold::parallel;
use ledgerlab_sim::kernel::queue::{Event, Heap, Origin, Pending, Queue, Windows};

fn event(at: u64, number: u64) -> Event {
    Event { at: Time(at), origin: Origin::new((number % 1_000) as u32, number), target: 0, what: 0 }
}

/// Pop the earliest event, push one at a random later time.
fn hold(c: &mut Criterion) {
    let mut group = c.benchmark_group("kernel::hold");
    group.throughput(Throughput::Elements(1));
    for (name, queue) in [("heap", Pending::heap as fn() -> Pending), ("windows", Pending::windows)] {
        for pending in [1_000_u64, 10_000, 100_000] {
            let id = BenchmarkId::from_parameter(format!("queue={name}/pending={pending}"));
            group.bench_with_input(id, &pending, |b, &n| {
                let mut queue = queue();
                (0..n).for_each(|i| queue.push(event(mix64(i) % 1_000_000, i)));
                let mut number = n;
                b.iter(|| {
                    let e = queue.pop().expect("the queue keeps its size");
                    number += 1;
                    queue.push(event(e.at.0 + mix64(number) % 1_000_000, number));
                    black_box(e.at)
                });
            });
        }
    }
    group.finish();
}

/// What criterion makes of a rate that a benchmark of the canonical set gives.
fn as_time(iterations: u64, events: u64, rate: impl Fn() -> f64) -> Duration {
    (0..iterations).map(|_| Duration::from_secs_f64(events as f64 / rate())).sum()
}

fn phold_runs(c: &mut Criterion) {
    let mut group = c.benchmark_group("kernel::phold");
    group.sample_size(10);
    for (entities, each, events) in [(1_000, 1, 2_000_000), (10_000, 1, 2_000_000), (100_000, 1, 4_000_000)] {
        let size = Size { entities, each, events };
        group.throughput(Throughput::Elements(events));
        let id = |way: &str| BenchmarkId::from_parameter(format!("{way}/entities={entities}/each={each}"));
        group.bench_function(id("queue=windows"), |b| {
            b.iter_custom(|n| as_time(n, events, || phold::on(Windows::default(), size).0));
        });
        group.bench_function(id("queue=heap"), |b| {
            b.iter_custom(|n| as_time(n, events, || phold::on(Heap::default(), size).0));
        });
        #[cfg(feature = "peers")]
        group.bench_function(id("peer=simcore"), |b| {
            b.iter_custom(|n| as_time(n, events, || ledgerlab_benches::peers::simcore_phold(size).0));
        });
        group.bench_function(id("floor=sort"), |b| b.iter_custom(|n| as_time(n, events, || phold::floor(size))));
        group.bench_function(id("floor=queueless"), |b| {
            b.iter_custom(|n| as_time(n, events, || phold::queueless(size)))
        });
    }
    group.finish();
}

/// On the wall: two threads pay if both have a core of their own.
fn threads(c: &mut Criterion) {
    let mut group = c.benchmark_group("kernel::parallel");
    group.sample_size(10);
    let size = Size { entities: 100_000, each: 1, events: 4_000_000 };
    group.throughput(Throughput::Elements(size.events));
    for threads in [1, 2] {
        let id = BenchmarkId::from_parameter(format!("entities=100000/threads={threads}"));
        group.bench_function(id, |b| {
            b.iter_custom(|n| {
                let start = Instant::now();
                (0..n).for_each(|_| {
                    black_box(parallel(size.entities, size.each, 1, threads, size.end(), Windows::default));
                });
                start.elapsed()
            });
        });
    }
    group.finish();
}

fn broadcasts(c: &mut Criterion) {
    let mut group = c.benchmark_group("kernel::broadcast");
    group.sample_size(10);
    for (nodes, senders) in [(100, 100), (1_000, 1_000), (10_000, 500)] {
        let mut model = Broadcast::new(nodes, senders);
        group.throughput(Throughput::Elements(model.per_round()));
        group.bench_function(BenchmarkId::from_parameter(format!("nodes={nodes}/senders={senders}")), |b| {
            b.iter(|| model.run(1, &mut Windows::default()));
        });
    }
    group.finish();
}

criterion_group!(benches, hold, phold_runs, threads, broadcasts);
criterion_main!(benches);
