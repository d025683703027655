//! Sizes of an encounter's FHIR bundle, from public synthetic patients.
//!
//! Measured on the Synthea R4 sample data set (<https://synthea.mitre.org/downloads>, Apache-2.0): 18,098 encounters
//! of 615 patients, each with the resources that refer to it, as minified JSON without billing resources, and the
//! same compressed with zlib at level 6. The distribution is bimodal, so the quantiles are kept rather than fitted.
//! Limits: both columns are read at the same uniform number, as if size on disk followed size in memory exactly.

/// Mean bytes of the sample's bundles.
pub const MEAN_BYTES: f64 = 6_769.0;
/// Mean bytes of the compressed bundles.
pub const MEAN_ZLIB_BYTES: f64 = 1_218.0;

/// Quantiles: bytes minified and bytes compressed at 0, .01, ... .99, .999 and 1.
const QUANTILES: [(u32, u32); 102] = [
    (724, 421),
    (750, 436),
    (752, 437),
    (752, 438),
    (752, 438),
    (752, 439),
    (758, 441),
    (842, 462),
    (859, 472),
    (1267, 539),
    (1267, 541),
    (1290, 543),
    (1290, 544),
    (1290, 545),
    (1290, 546),
    (1290, 546),
    (1297, 547),
    (1297, 549),
    (1343, 562),
    (1351, 601),
    (1377, 605),
    (1401, 607),
    (1506, 609),
    (1520, 612),
    (1561, 617),
    (1583, 619),
    (1627, 620),
    (1641, 621),
    (1661, 623),
    (1681, 629),
    (1681, 638),
    (1681, 663),
    (1841, 676),
    (1841, 681),
    (1841, 688),
    (1841, 708),
    (1860, 713),
    (1989, 727),
    (2025, 740),
    (2025, 755),
    (2190, 758),
    (2203, 766),
    (2237, 781),
    (2359, 784),
    (2385, 785),
    (2464, 787),
    (2487, 794),
    (2488, 802),
    (2567, 810),
    (2840, 813),
    (2952, 828),
    (2979, 855),
    (3064, 876),
    (3157, 897),
    (3188, 917),
    (3370, 943),
    (3562, 972),
    (3661, 1020),
    (3827, 1067),
    (3954, 1093),
    (4306, 1113),
    (4473, 1158),
    (4761, 1195),
    (5192, 1213),
    (5793, 1250),
    (6290, 1296),
    (6577, 1311),
    (6579, 1314),
    (6580, 1317),
    (6887, 1366),
    (7167, 1408),
    (7169, 1412),
    (7170, 1416),
    (7427, 1430),
    (7833, 1470),
    (8018, 1524),
    (8438, 1593),
    (9982, 1734),
    (11362, 1833),
    (11931, 1887),
    (12965, 1977),
    (14561, 2101),
    (14936, 2143),
    (15526, 2206),
    (16220, 2263),
    (17359, 2334),
    (18071, 2389),
    (18662, 2434),
    (19206, 2455),
    (19692, 2497),
    (20245, 2560),
    (20855, 2625),
    (21458, 2645),
    (21603, 2649),
    (21605, 2653),
    (21607, 2663),
    (22345, 2747),
    (23781, 2937),
    (27269, 3200),
    (31287, 3505),
    (48418, 5054),
    (61700, 6705),
];

/// Between two quantiles the size rises by `(1 - b) x + b x^2` of their distance: linear would put the mean .7 %
/// (.4 % compressed) above that of the sample, since within each interval small sizes are the more frequent ones.
/// b follows from the means above.
const BEND: (f64, f64) =
    (bend(MEAN_BYTES, linear_mean().0, rise().0), bend(MEAN_ZLIB_BYTES, linear_mean().1, rise().1));

/// Bytes minified and compressed at a uniform number from 0 to 1.
pub fn bytes_at(u: f64) -> (f64, f64) {
    let (i, x) = place(u);
    let ((low, low_zlib), (high, high_zlib)) = (QUANTILES[i], QUANTILES[i + 1]);
    (between(low, high, x, BEND.0), between(low_zlib, high_zlib, x, BEND.1))
}

/// The interval that holds u, and where in it u lies.
fn place(u: f64) -> (usize, f64) {
    if u < 0.99 {
        let scaled = u * 100.0;
        let i = (scaled as usize).min(98);
        (i, scaled - i as f64)
    } else if u < 0.999 {
        (99, (u - 0.99) / 0.009)
    } else {
        (100, (u - 0.999) / 0.001)
    }
}

fn between(low: u32, high: u32, x: f64, bend: f64) -> f64 {
    f64::from(low) + f64::from(high - low) * x * (1.0 - bend + bend * x)
}

/// The mean rises by `1/2 - b/6` of each distance.
const fn bend(mean: f64, linear_mean: f64, rise: f64) -> f64 {
    6.0 * (linear_mean - mean) / rise
}

const fn width(i: usize) -> f64 {
    match i {
        99 => 0.009,
        100 => 0.001,
        _ => 0.01,
    }
}

/// Mean of the two columns under linear interpolation.
const fn linear_mean() -> (f64, f64) {
    let (mut mean, mut mean_zlib, mut i) = (0.0, 0.0, 0);
    while i + 1 < QUANTILES.len() {
        mean += width(i) * (QUANTILES[i].0 + QUANTILES[i + 1].0) as f64 / 2.0;
        mean_zlib += width(i) * (QUANTILES[i].1 + QUANTILES[i + 1].1) as f64 / 2.0;
        i += 1;
    }
    (mean, mean_zlib)
}

/// Sum over the intervals of width times distance.
const fn rise() -> (f64, f64) {
    let (mut rise, mut rise_zlib, mut i) = (0.0, 0.0, 0);
    while i + 1 < QUANTILES.len() {
        rise += width(i) * (QUANTILES[i + 1].0 - QUANTILES[i].0) as f64;
        rise_zlib += width(i) * (QUANTILES[i + 1].1 - QUANTILES[i].1) as f64;
        i += 1;
    }
    (rise, rise_zlib)
}

#[cfg(test)]
mod tests {
    use super::{BEND, MEAN_BYTES, MEAN_ZLIB_BYTES, bytes_at};

    #[test]
    fn meets_the_quantiles_of_the_sample() {
        for (u, bytes) in [(0.0, 724.0), (0.5, 2_952.0), (0.95, 21_607.0), (0.99, 31_287.0), (0.999, 48_418.0)] {
            assert!((bytes_at(u).0 - bytes).abs() < 1e-6, "quantile {u} is {}, not {bytes}", bytes_at(u).0);
        }
        assert!((bytes_at(1.0).0 - 61_700.0).abs() < 1e-6);
        assert!((bytes_at(1.0).1 - 6_705.0).abs() < 1e-6);
        assert!((bytes_at(0.5).1 - 828.0).abs() < 1e-6);
    }

    #[test]
    fn means_are_those_of_the_sample() {
        let n = 1_000_000;
        let sum = (0..n).map(|i| bytes_at((f64::from(i) + 0.5) / f64::from(n)));
        let (bytes, zlib) = sum.fold((0.0, 0.0), |s, b| (s.0 + b.0, s.1 + b.1));
        assert!((bytes / f64::from(n) - MEAN_BYTES).abs() < 0.01, "mean is {}", bytes / f64::from(n));
        assert!((zlib / f64::from(n) - MEAN_ZLIB_BYTES).abs() < 0.01, "mean is {}", zlib / f64::from(n));
    }

    #[test]
    fn never_falls() {
        assert!((0.0..=1.0).contains(&BEND.0) && (0.0..=1.0).contains(&BEND.1), "{BEND:?}");
        let sizes = (0..=10_000).map(|i| bytes_at(f64::from(i) / 10_000.0)).collect::<Vec<_>>();
        assert!(sizes.is_sorted_by(|a, b| a.0 <= b.0 && a.1 <= b.1));
    }
}
