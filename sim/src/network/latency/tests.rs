//! The model against its tables, and its bounds against many draws.

use ledgerlab_consensus::{NodeId, Span};

use super::LatencyModel;
use crate::kernel::rng::{Purpose, Stream};
use crate::network::tables::{NAMES, named};
use crate::scenario::LatencySpec;

const LOOPBACK: Span = Span::micros(20);

fn at(p: f64) -> u64 {
    (p * 18_446_744_073_709_551_616.0) as u64
}

/// Two hosts in each region.
fn two_in_each(spec: &LatencySpec, regions: usize) -> LatencyModel {
    let region_of: Vec<usize> = (0..2 * regions).map(|i| i / 2).collect();
    let host_of: Vec<u32> = (0..2 * regions as u32).collect();
    LatencyModel::new(spec, &region_of, LOOPBACK, &host_of)
}

fn near(got: Span, want: f64, within: f64, what: &str) {
    assert!((got.0 as f64 / want - 1.0).abs() < within, "{what}: {} ns, not {want}", got.0);
}

#[test]
fn every_pair_has_the_quantiles_or_the_mean_of_its_table() {
    for name in NAMES {
        let table = named(name).unwrap();
        let spec = table.spec(&table.regions).unwrap();
        let model = two_in_each(&spec, table.regions.len());
        for i in 0..table.regions.len() {
            for j in 0..table.regions.len() {
                let (from, to) = (NodeId(2 * i as u32), NodeId(2 * j as u32 + 1));
                let what = format!("{name} {i} to {j}");
                match &spec {
                    LatencySpec::Quantiles { p50, p90 } => {
                        near(model.median(from, to), p50[i][j], 1e-4, &what);
                        near(model.one_way(from, to, at(0.9)), p90[i][j], 1e-3, &what);
                    }
                    LatencySpec::Pareto { mean } => {
                        let n = 1_u64 << 16;
                        let sum: u64 = (0..n).map(|k| model.one_way(from, to, (k << 48) + (1 << 47)).0).sum();
                        near(Span(sum / n), mean[i][j], 1e-3, &what);
                        near(model.one_way(from, to, 0), 0.8 * mean[i][j], 1e-6, &what);
                    }
                    _ => panic!("{what}: no jitter"),
                }
                assert_eq!(model.between_regions(i, j, at(0.7)), model.one_way(from, to, at(0.7)));
            }
        }
    }
}

#[test]
fn drawn_latencies_follow_the_table() {
    let table = named("cloud-2025").unwrap();
    let chosen = ["us-east-2", "us-west-1"].map(String::from);
    let model = two_in_each(&table.spec(&chosen).unwrap(), 2);
    let stream = Stream::new(3, Purpose::Latency);
    let mut draws: Vec<u64> = (0..20_000).map(|i| model.one_way(NodeId(0), NodeId(2), stream.at(i, 2)).0).collect();
    draws.sort_unstable();
    near(Span(draws[10_000]), 26.6e6, 0.01, "median");
    near(Span(draws[18_000]), 33.4e6, 0.01, "p90");
    assert!(draws[0] >= model.min_between_hosts().0);
}

#[test]
fn a_larger_draw_is_never_faster_and_none_undercuts_the_minimum() {
    for name in NAMES {
        let table = named(name).unwrap();
        let model = two_in_each(&table.spec(&table.regions).unwrap(), table.regions.len());
        let ids = || (0..2 * table.regions.len() as u32).map(NodeId);
        let pairs = ids().flat_map(|a| ids().map(move |b| (a, b))).filter(|(a, b)| a != b);
        let least = pairs.clone().map(|(a, b)| model.one_way(a, b, 0)).min().unwrap();
        assert_eq!(model.min(), least, "{name}");
        let typical = pairs.clone().map(|(a, b)| model.one_way(a, b, at(0.99))).max().unwrap();
        near(model.max_typical(), typical.0 as f64, 1e-3, name);
        for (a, b) in pairs.step_by(7) {
            let mut last = Span::ZERO;
            for i in 0..4_096_u64 {
                let x = model.one_way(a, b, i << 52 | i << 30);
                assert!(x >= last && x >= model.min(), "{name}: {a:?} to {b:?}, draw {i}");
                last = x;
            }
        }
    }
}

#[test]
fn the_middle_of_the_normal_is_monotone_too() {
    let spec = LatencySpec::Quantiles { p50: vec![vec![1e9]], p90: vec![vec![9e9]] };
    let model = two_in_each(&spec, 1);
    let mut last = Span::ZERO;
    for i in 0..2_000_u64 {
        let x = model.one_way(NodeId(0), NodeId(1), ((1_u64 << 63) - (1_000 << 40)).wrapping_add(i << 40));
        assert!(x >= last);
        last = x;
    }
    near(model.one_way(NodeId(0), NodeId(1), at(0.9)), 9e9, 1e-3, "p90 at nine medians");
    assert!(model.one_way(NodeId(0), NodeId(1), u64::MAX) > Span::secs(1_000));
}

#[test]
fn bounds_are_those_of_the_pairs_that_exist() {
    let ms = |m: [[f64; 2]; 2]| m.map(|r| r.map(|x| x * 1e6).to_vec()).to_vec();
    let spec = LatencySpec::Fixed { mean: ms([[1.0, 30.0], [40.0, 2.0]]) };
    let bounds = |regions: &[usize], hosts: &[u32]| {
        let m = LatencyModel::new(&spec, regions, LOOPBACK, hosts);
        (m.min(), m.min_between_hosts(), m.max_typical())
    };
    let never = Span(u64::MAX);
    assert_eq!(bounds(&[0, 1], &[0, 1]), (Span::millis(30), Span::millis(30), Span::millis(40)));
    assert_eq!(bounds(&[0, 1, 1], &[0, 1, 2]), (Span::millis(2), Span::millis(2), Span::millis(40)));
    assert_eq!(bounds(&[0, 1, 1], &[0, 1, 1]), (LOOPBACK, Span::millis(30), Span::millis(40)));
    assert_eq!(bounds(&[0, 0], &[5, 5]), (LOOPBACK, never, Span::ZERO));
    assert_eq!(bounds(&[1], &[0]), (never, never, Span::ZERO));
}

#[test]
fn directions_hosts_and_constants_are_told_apart() {
    let spec = LatencySpec::Fixed { mean: vec![vec![1e6, 3e6], vec![4e6, 2e6]] };
    let model = LatencyModel::new(&spec, &[0, 1, 1], LOOPBACK, &[0, 1, 1]);
    let way = |a, b| model.one_way(NodeId(a), NodeId(b), 9);
    assert_eq!([way(0, 1), way(1, 0), way(1, 2), way(0, 0)], [Span::millis(3), Span::millis(4), LOOPBACK, LOOPBACK]);
    let constant = LatencyModel::new(&LatencySpec::Constant(Span::millis(7)), &[4, 9], LOOPBACK, &[0, 1]);
    assert_eq!(constant.one_way(NodeId(0), NodeId(1), u64::MAX), Span::millis(7));
    assert_eq!(constant.between_regions(9, 4, 0), Span::millis(7));
    assert_eq!((constant.min(), constant.max_typical()), (Span::millis(7), Span::millis(7)));
}

#[test]
#[should_panic(expected = "two regions")]
fn a_host_in_two_regions_is_refused() {
    let spec = LatencySpec::Fixed { mean: vec![vec![1e6; 2]; 2] };
    LatencyModel::new(&spec, &[0, 1], LOOPBACK, &[0, 0]);
}
