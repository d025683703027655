//! Statistical tests with pinned seeds: they pass or fail the same way every time.

use super::{Purpose, QuantileTable, Stream, normal_quantile};

const SEEDS: [u64; 4] = [0, 1, 2, 0xDEAD_BEEF];

/// Chi-square of equally likely cells, as a standard normal (Wilson and Hilferty, PNAS 1931).
fn chi_square_z(counts: &[u64]) -> f64 {
    let n: u64 = counts.iter().sum();
    let expected = n as f64 / counts.len() as f64;
    let x: f64 = counts.iter().map(|&c| (c as f64 - expected) * (c as f64 - expected) / expected).sum();
    let k = (counts.len() - 1) as f64;
    (libm::cbrt(x / k) - (1.0 - 2.0 / (9.0 * k))) / libm::sqrt(2.0 / (9.0 * k))
}

#[test]
fn every_byte_is_uniform_along_each_counter() {
    for seed in SEEDS {
        let s = Stream::new(seed, Purpose::Latency);
        let along: [fn(Stream, u64) -> u64; 4] =
            [|s, i| s.at(i, 0), |s, i| s.at(0, i), |s, i| s.at(i, i), |s, i| s.at(i << 32, i % 100)];
        for draw in along {
            for byte in 0..8 {
                let mut counts = [0; 256];
                (0..65_536).for_each(|i| counts[(draw(s, i) >> (8 * byte)) as usize & 255] += 1);
                let z = chi_square_z(&counts);
                assert!(z.abs() < 4.5, "seed {seed}, byte {byte}: z = {z}");
            }
        }
    }
}

#[test]
fn every_input_bit_flips_every_output_bit_half_of_the_time() {
    let s = Stream::new(7, Purpose::Mining);
    const N: u64 = 4_096;
    for bit in 0..128 {
        let mut flips = [0_u64; 64];
        for i in 0..N {
            let (a, b) = (i * 3, i % 64);
            let (c, d) = if bit < 64 { (a ^ 1 << bit, b) } else { (a, b ^ 1 << (bit - 64)) };
            let diff = s.at(a, b) ^ s.at(c, d);
            flips.iter_mut().enumerate().for_each(|(k, f)| *f += diff >> k & 1);
        }
        for (k, f) in flips.iter().enumerate() {
            let z = (*f as f64 - N as f64 / 2.0) / libm::sqrt(N as f64 / 4.0);
            assert!(z.abs() < 5.5, "input bit {bit}, output bit {k}: {f} of {N}");
        }
    }
}

#[test]
fn neighbours_in_counter_seed_purpose_and_part_are_independent() {
    let base = Stream::new(1, Purpose::Latency);
    type Other = (&'static str, Box<dyn Fn(u64) -> u64>);
    let others: [Other; 6] = [
        ("next a", Box::new(move |i| base.at(i + 1, 5))),
        ("next b", Box::new(move |i| base.at(i, 6))),
        ("swapped", Box::new(move |i| base.at(5, i))),
        ("next seed", Box::new(|i| Stream::new(2, Purpose::Latency).at(i, 5))),
        ("next purpose", Box::new(|i| Stream::new(1, Purpose::Loss).at(i, 5))),
        ("part", Box::new(move |i| base.part(0).at(i, 5))),
    ];
    for (name, other) in others {
        for shift in [0, 29, 60] {
            let mut counts = [0; 256];
            for i in 100..65_636 {
                counts[(base.at(i, 5) >> shift & 15) as usize * 16 + (other(i) >> shift & 15) as usize] += 1;
            }
            let z = chi_square_z(&counts);
            assert!(z.abs() < 4.5, "{name}, shift {shift}: z = {z}");
        }
    }
}

#[test]
fn the_draws_are_those_of_every_platform() {
    let s = Stream::new(1, Purpose::Latency);
    let draws = [s.at(0, 0), s.at(1, 0), s.at(0, 1), s.part(3).at(1, 2), Stream::new(2, Purpose::Keys).at(9, 9)];
    assert_eq!(draws.map(|d| d >> 32), [2_286_579_014, 1_053_691_421, 3_421_182_697, 2_572_348_143, 1_279_049_558]);
}

/// Mean and variance of n draws.
fn moments(n: u64, draw: impl Fn(u64) -> f64) -> (f64, f64) {
    let (sum, squares) = (0..n).map(draw).fold((0.0, 0.0), |(s, q), x| (s + x, q + x * x));
    let mean = sum / n as f64;
    (mean, squares / n as f64 - mean * mean)
}

#[test]
fn derived_distributions_have_their_moments() {
    let s = Stream::new(42, Purpose::Client);
    let n = 200_000;
    let near = |got: f64, want: f64, within: f64, what: &str| {
        assert!((got - want).abs() < within, "{what}: {got}, expected {want} +- {within}");
    };
    let (mean, variance) = moments(n, |i| s.unit(i, 1));
    near(mean, 0.5, 0.003, "uniform mean");
    near(variance, 1.0 / 12.0, 0.001, "uniform variance");
    let (mean, variance) = moments(n, |i| s.exponential(i, 2));
    near(mean, 1.0, 0.01, "exponential mean");
    near(variance, 1.0, 0.03, "exponential variance");
    let (mean, variance) = moments(n, |i| s.normal(i, 3));
    near(mean, 0.0, 0.01, "normal mean");
    near(variance, 1.0, 0.015, "normal variance");
    let (mean, _) = moments(n, |i| s.lognormal(i, 4, 27.0, 0.62));
    near(mean, 27.0 * libm::exp(0.62 * 0.62 / 2.0), 0.2, "log-normal mean");
}

#[test]
fn below_reaches_every_value_alike_and_never_the_bound() {
    let s = Stream::new(5, Purpose::Overlay);
    let mut counts = [0; 7];
    (0..70_000).for_each(|i| counts[s.below(i, 0, 7) as usize] += 1);
    assert!(chi_square_z(&counts).abs() < 4.0, "{counts:?}");
    assert_eq!(s.below(0, 0, 0), 0);
    assert!(!(0..1_000).any(|i| s.chance(i, 0, 0.0)) && (0..1_000).all(|i| s.chance(i, 0, 1.0)));
}

/// Mean of a table, exactly: the mean of its segments' middles.
fn mean_of(t: &QuantileTable) -> f64 {
    let n = 1_u64 << 21;
    (0..n).map(|i| t.sample((i << 43) + (1 << 42)) as f64).sum::<f64>() / n as f64
}

#[test]
fn tables_keep_mean_median_and_tail() {
    type Case = (&'static str, Box<dyn Fn(f64) -> f64>, f64);
    let unit = 1e9;
    let cases: [Case; 5] = [
        ("exponential", Box::new(move |p| -unit * libm::log1p(-p)), unit),
        ("pareto", Box::new(move |p| 0.8 * unit * libm::pow(1.0 - p, -0.2)), unit),
        (
            "log-normal .62",
            Box::new(move |p| unit * libm::exp(0.62 * normal_quantile(p))),
            unit * libm::exp(0.62 * 0.62 / 2.0),
        ),
        (
            "log-normal 1.4",
            Box::new(move |p| unit * libm::exp(1.4 * normal_quantile(p))),
            unit * libm::exp(1.4 * 1.4 / 2.0),
        ),
        ("uniform", Box::new(move |p| unit * p), unit / 2.0),
    ];
    for (name, quantile, mean) in cases {
        let t = QuantileTable::new(&quantile);
        let error = mean_of(&t) / mean - 1.0;
        assert!(error.abs() < 1e-3, "{name}: the mean is off by {error:e}");
        for p in [0.1, 0.5, 0.9, 0.99, 0.999, 0.999_9, 0.999_99] {
            let u = (p * 18_446_744_073_709_551_616.0) as u64;
            let error = t.sample(u) as f64 / quantile(p) - 1.0;
            assert!(error.abs() < 2e-3, "{name}: the quantile {p} is off by {error:e}");
        }
    }
}

#[test]
fn tables_are_monotone_and_bounded_by_their_ends() {
    let t = QuantileTable::new(|p| 1e6 * -libm::log1p(-p));
    let mut last = 0;
    for i in 0..1_u64 << 16 {
        // Every 2^48, then finely through the end of the body and the last part of the tail.
        let x = t.sample(i << 48);
        assert!(x >= last);
        last = x;
    }
    for start in [0_u64.wrapping_sub(1 << 52), 0_u64.wrapping_sub(1 << 44)] {
        assert!(t.sample(start - 1) <= t.sample(start) && t.sample(start) - t.sample(start - 1) < 10);
    }
    assert_eq!(t.sample(0), t.min());
    assert!(t.sample(u64::MAX) <= t.max() && t.max() > 13_000_000);
}

#[test]
#[should_panic(expected = "falls")]
fn a_falling_quantile_function_is_refused() {
    QuantileTable::new(|p| 1e6 * (1.0 - p));
}
