//! What a workload sends, as data: independent streams of one kind of record each.
//!
//! Arrivals, expectations and closed loops are computed from this one description, so they cannot disagree.
//! Poisson streams of all hospitals of a workload are superposed into one process, and each arrival's hospital is
//! drawn uniformly: a superposition of independent Poisson processes of equal rate is exactly that.

use crate::arrival::Operation;
use crate::profile::Profile;
use crate::size::Size;

/// Nanoseconds of a day.
pub const DAY_NS: u64 = 86_400_000_000_000;
/// Nanoseconds of a week.
pub const WEEK_NS: u64 = 7 * DAY_NS;

/// Records of one kind, read or written by all hospitals of a workload.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Stream {
    /// Index into the workload kind's records.
    pub kind: u8,
    /// Read or write.
    pub operation: Operation,
    /// Mean number in a week, all hospitals together, with the workload's multiplier and without the load.
    pub per_week: f64,
    /// When they come.
    pub timing: Timing,
    /// How large they are.
    pub size: Size,
    /// Share of them that concern an object of another hospital; without effect where there is only one.
    pub remote_share: f64,
}

/// When the records of a stream come.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Timing {
    /// A Poisson process whose rate follows a weekly profile.
    Poisson(Profile),
    /// At equal distances, hospitals in turn.
    Spaced,
    /// Devices that each send at a fixed interval with jitter, with random phases.
    Devices(Devices),
}

/// Devices of one hospital that send periodically through gateways.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Devices {
    /// Number of devices of one hospital.
    pub per_hospital: u32,
    /// Number of gateways of one hospital; device `d` sends through gateway `d mod gateways`.
    pub gateways: u32,
    /// Each message is late by a uniform time below this, at most one interval, ns.
    pub jitter_ns: u64,
    /// Outages of one gateway in a day of uptime, Poisson; messages wait for their end and leave at once.
    pub outages_per_day: f64,
    /// Length of an outage, ns.
    pub outage_ns: u64,
}
