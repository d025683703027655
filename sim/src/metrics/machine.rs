//! What the machines have carried at the ends of the window.

use ledgerlab_consensus::Time;

/// What a machine's parts have carried up to some time.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct MachineUsage {
    /// Bytes through the uplink.
    pub bytes_up: u64,
    /// Bytes through the downlink.
    pub bytes_down: u64,
    /// Share of the time that the uplink was busy.
    pub uplink: f64,
    /// Share of the time that the downlink was busy.
    pub downlink: f64,
    /// The busiest second of the uplink, as a share of its rate.
    pub uplink_peak: f64,
    /// The same of the downlink.
    pub downlink_peak: f64,
    /// Share of all cores' time that was billed.
    pub cpu: f64,
    /// The same of the busiest core.
    pub core: f64,
    /// Share of the time that the disk wrote.
    pub disk: f64,
    /// Bytes written to disk, amplification included.
    pub disk_bytes: u64,
    /// Number of fsyncs.
    pub fsyncs: u64,
}

/// The machines at one moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Snapshot {
    pub(super) at: Time,
    pub(super) machines: Vec<MachineUsage>,
    /// Kind, copies sent since the start, their bytes.
    pub(super) messages: Vec<(&'static str, u64, u64)>,
}
