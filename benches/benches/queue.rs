//! The event queue in the hold model: pop the earliest event, push one at a random later time.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ledgerlab_consensus::Time;
use ledgerlab_consensus::types::mix64;
use ledgerlab_sim::kernel::queue::{Event, Heap, Origin, Queue};

fn event(at: u64, number: u64) -> Event {
    Event { at: Time(at), origin: Origin::new((number % 1_000) as u32, number), target: 0, what: 0 }
}

fn hold(c: &mut Criterion) {
    let mut group = c.benchmark_group("kernel::hold");
    group.throughput(Throughput::Elements(1));
    for pending in [1_000_u64, 10_000, 100_000] {
        group.bench_with_input(BenchmarkId::from_parameter(format!("heap/pending={pending}")), &pending, |b, &n| {
            let mut queue = Heap::default();
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
    group.finish();
}

criterion_group!(benches, hold);
criterion_main!(benches);
