//! What a workload amounts to, in closed form: for projections in years and to tell users what is offered.
//!
//! Limits: an outage of gateways delays messages and loses none, so it does not appear here.

use std::ops::AddAssign;

use crate::arrival::Operation;
use crate::closed::shares;
use crate::spec::{ArrivalMode, WorkloadSpec};
use crate::stream::{Stream, Timing, WEEK_NS};

/// Expected numbers and bytes over some time. Bytes are those of writes unless said otherwise.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Expected {
    /// Transactions.
    pub writes: f64,
    /// Reads.
    pub reads: f64,
    /// Reads of an object that another hospital holds.
    pub remote_reads: f64,
    /// Bytes of the records themselves.
    pub record_bytes: f64,
    /// Bytes of the pointers.
    pub pointer_bytes: f64,
    /// Bytes of the objects.
    pub object_bytes: f64,
    /// Bytes of the objects that are read.
    pub read_object_bytes: f64,
    /// Bytes on chain when records are inline and when they are not, envelopes included.
    chain_bytes: [f64; 2],
    /// Bytes outside the chain when records are inline and when they are not.
    off_chain_bytes: [f64; 2],
}

impl Expected {
    /// Bytes on chain, envelopes included and blocks' headers not, when records are kept inline or not.
    pub fn chain_bytes(&self, inline: bool) -> f64 {
        self.chain_bytes[usize::from(!inline)]
    }

    /// Bytes written outside the chain, one copy of each object, when records are kept inline or not.
    pub fn off_chain_bytes(&self, inline: bool) -> f64 {
        self.off_chain_bytes[usize::from(!inline)]
    }

    fn of(stream: &Stream, hospitals: u32, count: f64) -> Expected {
        let mean = stream.size.mean();
        match stream.operation {
            Operation::Write => Expected {
                writes: count,
                record_bytes: count * mean.record_bytes,
                pointer_bytes: count * mean.pointer_bytes,
                object_bytes: count * mean.object_bytes,
                chain_bytes: [true, false].map(|inline| count * mean.chain_bytes(inline)),
                off_chain_bytes: [true, false].map(|inline| count * mean.off_chain_bytes(inline)),
                ..Expected::default()
            },
            Operation::Read => Expected {
                reads: count,
                remote_reads: if hospitals > 1 { count * stream.remote_share } else { 0.0 },
                read_object_bytes: count * mean.object_bytes,
                ..Expected::default()
            },
        }
    }
}

impl AddAssign for Expected {
    fn add_assign(&mut self, other: Expected) {
        self.writes += other.writes;
        self.reads += other.reads;
        self.remote_reads += other.remote_reads;
        self.record_bytes += other.record_bytes;
        self.pointer_bytes += other.pointer_bytes;
        self.object_bytes += other.object_bytes;
        self.read_object_bytes += other.read_object_bytes;
        for i in 0..2 {
            self.chain_bytes[i] += other.chain_bytes[i];
            self.off_chain_bytes[i] += other.off_chain_bytes[i];
        }
    }
}

/// Rates at one moment, 1/s.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Rate {
    /// Transactions.
    pub writes_per_s: f64,
    /// Reads.
    pub reads_per_s: f64,
}

/// Expectation over a week; `None` for a closed loop, whose rate depends on the system. The workload must be valid,
/// here and below.
pub fn expected_per_week(spec: &WorkloadSpec, load: f64) -> Option<Expected> {
    expected_between(spec, load, 0, WEEK_NS)
}

/// Expectation from `from_ns` to `to_ns` since Monday 00:00; `None` for a closed loop.
pub fn expected_between(spec: &WorkloadSpec, load: f64, from_ns: u64, to_ns: u64) -> Option<Expected> {
    let by_record = expected_by_record(spec, load, from_ns, to_ns)?;
    Some(total(by_record.into_iter().map(|(_, _, expected)| expected)))
}

/// The same for each stream of records: index into the kind's records, operation, expectation. A kind of record
/// may come more than once (an emergency's and an outpatient's reads).
pub fn expected_by_record(
    spec: &WorkloadSpec,
    load: f64,
    from_ns: u64,
    to_ns: u64,
) -> Option<Vec<(u8, Operation, Expected)>> {
    if spec.arrival != ArrivalMode::Open {
        return None;
    }
    let one = |s: &Stream| {
        let count = s.per_week * load * weeks(s, from_ns, to_ns);
        (s.kind, s.operation, Expected::of(s, spec.hospitals, count))
    };
    Some(spec.streams().iter().map(one).collect())
}

/// Expectation for one request, open or closed, reads included: times the measured number of requests it projects
/// a closed loop.
pub fn expected_per_request(spec: &WorkloadSpec) -> Expected {
    total(shares(spec).iter().map(|(share, stream)| Expected::of(stream, spec.hospitals, *share)))
}

/// Rates at a time since Monday 00:00, those of periodic records averaged; `None` for a closed loop.
pub fn rate_at(spec: &WorkloadSpec, load: f64, since_monday_ns: u64) -> Option<Rate> {
    if spec.arrival != ArrivalMode::Open {
        return None;
    }
    let mut rate = Rate::default();
    for stream in spec.streams() {
        let per_s = stream.per_week * load * factor(&stream, since_monday_ns) / (WEEK_NS as f64 / 1e9);
        match stream.operation {
            Operation::Write => rate.writes_per_s += per_s,
            Operation::Read => rate.reads_per_s += per_s,
        }
    }
    Some(rate)
}

/// Mean rates from `from_ns` to `to_ns` since Monday 00:00; `None` for a closed loop or where no time lies between.
pub fn mean_rate(spec: &WorkloadSpec, load: f64, from_ns: u64, to_ns: u64) -> Option<Rate> {
    let seconds = to_ns.checked_sub(from_ns).filter(|ns| *ns > 0)? as f64 / 1e9;
    let expected = expected_between(spec, load, from_ns, to_ns)?;
    Some(Rate { writes_per_s: expected.writes / seconds, reads_per_s: expected.reads / seconds })
}

fn total(parts: impl Iterator<Item = Expected>) -> Expected {
    let mut sum = Expected::default();
    parts.for_each(|part| sum += part);
    sum
}

fn weeks(stream: &Stream, from_ns: u64, to_ns: u64) -> f64 {
    match stream.timing {
        Timing::Poisson(profile) => profile.weeks_between(from_ns, to_ns),
        Timing::Spaced | Timing::Devices(_) => (to_ns as f64 - from_ns as f64) / WEEK_NS as f64,
    }
}

fn factor(stream: &Stream, since_monday_ns: u64) -> f64 {
    match stream.timing {
        Timing::Poisson(profile) => profile.factor_at(since_monday_ns),
        Timing::Spaced | Timing::Devices(_) => 1.0,
    }
}

#[cfg(test)]
mod tests;
