//! Arrivals: how fast planned transactions are drawn.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ledgerlab_workloads::{Arrivals, ParamValue, WorkloadSpec};

const COUNT: usize = 10_000;

fn arrivals(c: &mut Criterion) {
    let mut fixed = WorkloadSpec::new("load", "fixed").expect("a kind");
    fixed.set("rate_tx_per_s", ParamValue::Number(1e5)).expect("a rate");
    let mut ehr = WorkloadSpec::new("clinics", "ehr").expect("a kind");
    (ehr.hospitals, ehr.multiplier) = (20, 1e4);
    let mut group = c.benchmark_group("workloads::arrivals");
    group.throughput(Throughput::Elements(COUNT as u64));
    for (name, specs) in [("fixed", vec![fixed]), ("ehr", vec![ehr])] {
        group.bench_function(name, |b| {
            b.iter(|| {
                let all = Arrivals::new(&specs, 1.0, 1, 36_000_000_000_000, u64::MAX).expect("valid workloads");
                all.take(COUNT).map(|a| black_box(a).at_ns).max()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, arrivals);
criterion_main!(benches);
