//! A private network between the hospitals of one country. Every figure here is an assumption.

use super::{Spread, Table};

/// The regions of the country.
pub const REGIONS: [&str; 5] = ["north", "east", "south", "west", "centre"];

/// One way between hospitals of one region, milliseconds.
pub const SAME_REGION_MS: f64 = 4.0;
/// One way between regions, milliseconds.
pub const SAME_COUNTRY_MS: f64 = 10.0;
/// The 90th percentile as a multiple of the median.
pub const P90_PER_P50: f64 = 1.15;

/// Uplink by class of hospital, bit/s.
pub const UPLINKS: [(&str, u64); 3] =
    [("rural", 100_000_000), ("reference", 1_000_000_000), ("academic", 10_000_000_000)];

/// The table `hospital-wan`.
pub fn hospital_wan() -> Table {
    let n = REGIONS.len();
    let matrix = |factor: f64| -> Vec<Vec<f64>> {
        let ms = |i, j| if i == j { SAME_REGION_MS } else { SAME_COUNTRY_MS };
        (0..n).map(|i| (0..n).map(|j| ms(i, j) * factor * 1e6).collect()).collect()
    };
    Table {
        name: "hospital-wan".into(),
        source: "assumption: 4 ms one way inside a region, 10 ms inside a country".into(),
        regions: REGIONS.iter().map(|r| (*r).into()).collect(),
        spread: Spread::Quantiles { p50: matrix(1.0), p90: matrix(P90_PER_P50) },
        access: None,
    }
}
