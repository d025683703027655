//! The public internet between six regions: latencies, access bandwidth, where nodes are, who mines.
//!
//! 2015: Gervais et al., "On the Security and Performance of Proof of Work Blockchains", CCS 2016, as in their
//! Bitcoin-Simulator. 2019: SimBlock (Aoki et al., 2019), `NetworkConfiguration`. The published values are means;
//! both tables spread them by a Pareto distribution of shape 5 (SimBlock itself takes the mean less 5 ms as scale
//! and a shape of a fifth of the mean in milliseconds, which leaves its shortest paths with a far longer tail).

use super::{Access, Spread, Table, one_way_ns};

/// The six regions: North America, Europe, South America, Asia-Pacific, Japan, Australia.
pub const REGIONS: [&str; 6] = ["north-america", "europe", "south-america", "asia-pacific", "japan", "australia"];

/// The table `internet-2015`.
pub fn internet_2015() -> Table {
    table(
        "internet-2015",
        "six world regions, mean one way, Gervais et al., CCS 2016",
        &ONE_WAY_2015_MS,
        &UPLOAD_2015_MBIT,
        &DOWNLOAD_2015_MBIT,
    )
}

/// The table `internet-2019`.
pub fn internet_2019() -> Table {
    table(
        "internet-2019",
        "six world regions, mean one way, SimBlock 2019",
        &ONE_WAY_2019_MS,
        &UPLOAD_2019_MBIT,
        &DOWNLOAD_2019_MBIT,
    )
}

fn table(name: &str, source: &str, ms: &[[f64; 6]; 6], up: &[f64; 6], down: &[f64; 6]) -> Table {
    let bits = |mbit: f64| (mbit * 1e6 + 0.5) as u64;
    Table {
        name: name.into(),
        source: source.into(),
        regions: REGIONS.iter().map(|r| (*r).into()).collect(),
        spread: Spread::Pareto(one_way_ns(ms, None, 1.0)),
        access: Some(up.iter().zip(down).map(|(&u, &d)| Access { uplink: bits(u), downlink: bits(d) }).collect()),
    }
}

/// Share of a network's reachable nodes in each region, in the order of [`REGIONS`].
pub fn node_shares(network: &str) -> Option<[f64; 6]> {
    NODE_SHARES_PERCENT.iter().find(|(name, _)| *name == network).map(|(_, s)| s.map(|x| x / 100.0))
}

/// Share of a network's hash power by pool, largest first; the rest is nobody's.
pub fn hash_power(network: &str) -> Option<&'static [f64]> {
    HASH_POWER.iter().find(|(name, _)| *name == network).map(|(_, s)| *s)
}

/// Uplink and downlink of a mining pool, bit/s (Gervais et al., CCS 2016).
pub const POOL_ACCESS: Access = Access { uplink: 100_000_000, downlink: 100_000_000 };

/// Cumulative share of Bitcoin nodes with at most 1, 2, ... 20 outbound connections, 2015 (Miller et al., as used
/// by Gervais et al. and SimBlock).
pub const OUTBOUND_DEGREE_CDF: [f64; 20] = [
    0.025, 0.05, 0.075, 0.10, 0.20, 0.30, 0.40, 0.50, 0.60, 0.70, 0.80, 0.85, 0.90, 0.95, 0.97, 0.97, 0.98, 0.99,
    0.995, 1.0,
];

const ONE_WAY_2015_MS: [[f64; 6]; 6] = [
    [35.5, 119.49, 254.79, 310.11, 154.36, 207.91],
    [119.49, 11.61, 221.08, 241.9, 266.45, 350.07],
    [254.79, 221.08, 137.09, 346.65, 255.95, 268.91],
    [310.11, 241.9, 346.65, 99.46, 172.24, 277.8],
    [154.36, 266.45, 255.95, 172.24, 8.76, 162.59],
    [207.91, 350.07, 268.91, 277.8, 162.59, 21.72],
];
const ONE_WAY_2019_MS: [[f64; 6]; 6] = [
    [32.0, 124.0, 184.0, 198.0, 151.0, 189.0],
    [124.0, 11.0, 227.0, 237.0, 252.0, 294.0],
    [184.0, 227.0, 88.0, 325.0, 301.0, 322.0],
    [198.0, 237.0, 325.0, 85.0, 58.0, 198.0],
    [151.0, 252.0, 301.0, 58.0, 12.0, 126.0],
    [189.0, 294.0, 322.0, 198.0, 126.0, 16.0],
];
const DOWNLOAD_2015_MBIT: [f64; 6] = [25.0, 24.0, 6.5, 10.0, 17.5, 14.0];
const DOWNLOAD_2019_MBIT: [f64; 6] = [52.0, 40.0, 18.0, 22.8, 22.8, 29.9];
const UPLOAD_2015_MBIT: [f64; 6] = [4.7, 8.1, 1.8, 5.3, 3.4, 5.2];
const UPLOAD_2019_MBIT: [f64; 6] = [19.2, 20.7, 5.8, 15.7, 10.2, 11.3];

const NODE_SHARES_PERCENT: [(&str, [f64; 6]); 5] = [
    ("bitcoin-2015", [38.69, 51.59, 1.13, 5.74, 1.19, 1.66]),
    ("bitcoin-2019", [33.16, 49.98, 0.90, 11.77, 2.24, 1.95]),
    ("litecoin", [36.61, 47.91, 1.49, 10.22, 2.38, 1.39]),
    ("dogecoin", [39.24, 48.79, 2.12, 6.97, 1.06, 1.82]),
    ("ethereum-2020", [35.03, 35.63, 1.00, 23.58, 4.14, 0.62]),
];

const HASH_POWER: [(&str, &[f64]); 3] = [
    (
        "bitcoin-2015",
        &[
            0.289, 0.196, 0.159, 0.133, 0.066, 0.054, 0.029, 0.016, 0.012, 0.012, 0.012, 0.009, 0.005, 0.005, 0.002,
            0.002,
        ],
    ),
    ("litecoin", &[0.366, 0.314, 0.122, 0.072, 0.028, 0.024, 0.022, 0.018, 0.012, 0.01, 0.006, 0.006]),
    ("dogecoin", &[0.33, 0.26, 0.19, 0.09, 0.03, 0.02, 0.02, 0.02, 0.01, 0.01, 0.01, 0.01]),
];
