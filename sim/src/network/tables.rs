//! Measured latencies between regions, by name, and the user's own from CSV text.
//!
//! A table knows all of its regions; a scenario chooses some of them, and [`Table::spec`] cuts out the one-way
//! matrix that [`LatencyModel`](super::latency::LatencyModel) draws from.

pub mod cloud;
mod csv;
pub mod hospital;
pub mod internet;
#[cfg(test)]
mod tests;

use thiserror::Error;

use crate::scenario::LatencySpec;

pub use csv::{CsvError, from_csv};

/// Names of the built-in tables.
pub const NAMES: [&str; 4] = ["cloud-2025", "internet-2015", "internet-2019", "hospital-wan"];

/// The built-in table of that name.
pub fn named(name: &str) -> Option<Table> {
    match name {
        "cloud-2025" => Some(cloud::cloud_2025()),
        "internet-2015" => Some(internet::internet_2015()),
        "internet-2019" => Some(internet::internet_2019()),
        "hospital-wan" => Some(hospital::hospital_wan()),
        _ => None,
    }
}

/// Latencies between regions.
#[derive(Clone, PartialEq, Debug)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Where the figures come from.
    pub source: String,
    /// The regions, in the order of the matrices.
    pub regions: Vec<String>,
    /// One-way latencies.
    pub spread: Spread,
    /// Access of a typical node in each region, where the source gives it.
    pub access: Option<Vec<Access>>,
}

/// One-way latencies in nanoseconds, sender first, with what is known of their distribution.
#[derive(Clone, PartialEq, Debug)]
pub enum Spread {
    /// Median and 90th percentile.
    Quantiles {
        /// Median.
        p50: Vec<Vec<f64>>,
        /// 90th percentile.
        p90: Vec<Vec<f64>>,
    },
    /// Means, to be spread by a Pareto distribution.
    Pareto(Vec<Vec<f64>>),
    /// Exact values.
    Fixed(Vec<Vec<f64>>),
}

/// Access bandwidth of a typical node, bit/s.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Access {
    /// From the node.
    pub uplink: u64,
    /// To the node.
    pub downlink: u64,
}

/// A region that the table does not have.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("region \"{name}\" is not in table \"{table}\"; it has {}", valid.join(", "))]
pub struct UnknownRegion {
    /// What was asked for.
    pub name: String,
    /// The table.
    pub table: String,
    /// What the table has.
    pub valid: Vec<String>,
}

impl Table {
    /// Position of a region.
    pub fn region(&self, name: &str) -> Result<usize, UnknownRegion> {
        self.regions.iter().position(|r| r == name).ok_or_else(|| UnknownRegion {
            name: name.into(),
            table: self.name.clone(),
            valid: self.regions.clone(),
        })
    }

    /// Latencies between the chosen regions, in their order.
    pub fn spec(&self, chosen: &[String]) -> Result<LatencySpec, UnknownRegion> {
        let index = chosen.iter().map(|name| self.region(name)).collect::<Result<Vec<_>, _>>()?;
        let cut = |m: &[Vec<f64>]| index.iter().map(|&i| index.iter().map(|&j| m[i][j]).collect()).collect();
        Ok(match &self.spread {
            Spread::Quantiles { p50, p90 } => LatencySpec::Quantiles { p50: cut(p50), p90: cut(p90) },
            Spread::Pareto(mean) => LatencySpec::Pareto { mean: cut(mean) },
            Spread::Fixed(mean) => LatencySpec::Fixed { mean: cut(mean) },
        })
    }

    /// Access of a typical node in a region, where the source gives it.
    pub fn access(&self, region: &str) -> Result<Option<Access>, UnknownRegion> {
        let i = self.region(region)?;
        Ok(self.access.as_ref().map(|a| a[i]))
    }
}

/// A matrix of milliseconds as nanoseconds times `share` (0.5 makes one way of a round trip), with another
/// diagonal if one is given.
fn one_way_ns<const N: usize>(ms: &[[f64; N]; N], diagonal: Option<f64>, share: f64) -> Vec<Vec<f64>> {
    let at = |i: usize, j: usize| match diagonal {
        Some(d) if i == j => d,
        _ => ms[i][j],
    };
    (0..N).map(|i| (0..N).map(|j| at(i, j) * share * 1e6).collect()).collect()
}
