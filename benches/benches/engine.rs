//! Whole runs with the full network and processor models, by messages delivered.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ledgerlab_benches::engine::scenario;
use ledgerlab_sim::run::run;

fn runs(c: &mut Criterion) {
    let mut group = c.benchmark_group("engine::run");
    group.sample_size(10);
    for (protocol, nodes) in [("pbft", 16), ("pbft", 128), ("hotstuff", 64), ("nakamoto", 64), ("praos", 64)] {
        let s = scenario(protocol, nodes, 100, 2);
        let deliveries = run(&s, 1).deliveries;
        group.throughput(Throughput::Elements(deliveries));
        let id = BenchmarkId::from_parameter(format!("protocol={protocol}/nodes={nodes}"));
        group.bench_function(id, |b| b.iter(|| run(&s, 1)));
    }
    group.finish();
}

fn accounting(c: &mut Criterion) {
    let mut group = c.benchmark_group("engine::accounting");
    group.sample_size(10);
    let s = scenario("hotstuff", 4, 50_000, 4);
    group.throughput(Throughput::Elements(run(&s, 1).cohort.created));
    group.bench_function("transactions", |b| b.iter(|| run(&s, 1)));
    group.finish();
}

criterion_group!(benches, runs, accounting);
criterion_main!(benches);
