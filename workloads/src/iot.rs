//! Bedside monitors: every reading on chain (`raw`), or one Merkle root for each gateway and window (`anchored`).
//!
//! In mode `raw` a reading is on chain in full under every storage variant; in mode `anchored` a root is, and the
//! window's readings are an object outside the chain. Alarms are transactions of their own in both modes: a record
//! or a pointer to it, by the storage variant. Load and multiplier shorten the interval, as more devices would.
//! Limits: alarms and reads do not wait for a gateway's outage; a shorter interval does not make a root's object
//! smaller.

use crate::arrival::Operation;
use crate::error::WorkloadError;
use crate::param::{Param, ParamValue};
use crate::profile::Profile;
use crate::registry::{RecordKind, WorkloadKind};
use crate::size::{Size, Sizes};
use crate::spec::WorkloadSpec;
use crate::stream::{DAY_NS, Devices, Stream, Timing, WEEK_NS};

/// The workload `iot`.
pub const IOT: WorkloadKind = WorkloadKind {
    id: "iot",
    doc: "bedside monitors: periodic readings or their Merkle roots, alarms, and gateway outages with a flush",
    per_hospital: true,
    params: PARAMS,
    records: RECORDS,
    check,
    streams,
};

const READING: u8 = 0;
const ROOT: u8 = 1;
const ALARM: u8 = 2;

const RECORDS: &[RecordKind] = &[
    RecordKind { name: "reading", doc: "one bed's numerics", deadline: None },
    RecordKind { name: "root", doc: "the Merkle root of a gateway's window", deadline: None },
    RecordKind { name: "alarm", doc: "an alarm", deadline: Some("alarm_deadline") },
];

const SECOND: u64 = 1_000_000_000;
const MODES: &[&str] = &["raw", "anchored"];

const PARAMS: &[Param] = &[
    Param::word("mode", 1, MODES, "own design", "whether readings or the roots of windows are on chain"),
    Param::count("beds", 30, 100_000, "assumption", "monitored beds of one hospital"),
    Param::span("interval", 60 * SECOND, (SECOND / 1_000, DAY_NS), "assumption", "time between two readings of a bed"),
    Param::count("gateways", 3, 10_000, "assumption", "gateways of one hospital; beds are dealt to them"),
    Param::span("window", 60 * SECOND, (SECOND / 1_000, DAY_NS), "assumption", "time between two roots of a gateway"),
    Param::span("jitter", 5 * SECOND, (0, DAY_NS), "assumption", "lateness is uniform below this, at most an interval"),
    Param::bytes("record_bytes", 900, 1 << 20, "assumption", "a reading or an alarm"),
    Param::bytes("root_bytes", 200, 1 << 20, "own encoding", "a root on chain, envelope included"),
    Param::bytes("pointer_bytes", 300, 1 << 20, "own encoding", "a pointer to an alarm on chain, envelope included"),
    Param::number("alarms_per_bed_day", 6.0, 1e6, "assumption", "alarms of a bed in a day, Poisson"),
    Param::span(
        "alarm_deadline",
        5 * SECOND,
        (SECOND / 1_000, 3_600 * SECOND),
        "assumption",
        "until when an alarm must be final",
    ),
    Param::number("reads_per_write", 0.05, 1e6, "assumption", "reads for each reading or root"),
    Param::number("outages_per_day", 0.0, 1e4, "assumption: none", "outages of a gateway in a day of uptime, Poisson"),
    Param::span("outage", 1_800 * SECOND, (SECOND, 7 * DAY_NS), "assumption", "length of an outage"),
];

/// Most beds or gateways of all hospitals together: each has a state of its own.
const MAX_DEVICES: u64 = 10_000_000;

fn check(spec: &WorkloadSpec) -> Result<(), WorkloadError> {
    let high = MAX_DEVICES / u64::from(spec.hospitals.max(1));
    for key in ["beds", "gateways"] {
        if spec.integer(key) > high {
            return Err(WorkloadError::OutOfRange {
                workload: spec.name.clone(),
                key,
                value: ParamValue::Count(spec.integer(key)),
                low: ParamValue::Count(1),
                high: ParamValue::Count(high),
            });
        }
    }
    Ok(())
}

fn streams(spec: &WorkloadSpec) -> Vec<Stream> {
    let hospitals = f64::from(spec.hospitals) * spec.multiplier;
    let record_bytes = spec.integer("record_bytes") as u32;
    let main = if spec.word("mode") == "raw" { readings(spec, hospitals) } else { roots(spec, hospitals) };
    let alarm = Size::Fixed(Sizes {
        record_bytes,
        pointer_bytes: spec.integer("pointer_bytes") as u32,
        object_bytes: u64::from(record_bytes),
    });
    let alarms = Stream {
        kind: ALARM,
        per_week: 7.0 * hospitals * spec.integer("beds") as f64 * spec.number("alarms_per_bed_day"),
        timing: Timing::Poisson(Profile::Flat),
        size: alarm,
        ..main
    };
    let reads = Stream {
        operation: Operation::Read,
        per_week: main.per_week * spec.number("reads_per_write"),
        timing: Timing::Poisson(Profile::Flat),
        ..main
    };
    vec![main, alarms, reads]
}

fn readings(spec: &WorkloadSpec, hospitals: f64) -> Stream {
    let record_bytes = spec.integer("record_bytes") as u32;
    let size = Sizes { record_bytes, pointer_bytes: 0, object_bytes: 0 };
    periodic(spec, READING, hospitals, spec.integer("beds"), spec.integer("interval"), size)
}

fn roots(spec: &WorkloadSpec, hospitals: f64) -> Stream {
    let gateways = spec.integer("gateways");
    let readings =
        spec.integer("beds") as f64 / gateways as f64 * spec.integer("window") as f64 / spec.integer("interval") as f64;
    let size = Sizes {
        record_bytes: 0,
        pointer_bytes: spec.integer("root_bytes") as u32,
        object_bytes: (readings * spec.integer("record_bytes") as f64 + 0.5) as u64,
    };
    periodic(spec, ROOT, hospitals, gateways, spec.integer("window"), size)
}

fn periodic(spec: &WorkloadSpec, kind: u8, hospitals: f64, devices: u64, interval_ns: u64, size: Sizes) -> Stream {
    Stream {
        kind,
        operation: Operation::Write,
        per_week: hospitals * devices as f64 * (WEEK_NS as f64 / interval_ns as f64),
        timing: Timing::Devices(Devices {
            per_hospital: devices as u32,
            gateways: spec.integer("gateways") as u32,
            jitter_ns: spec.integer("jitter"),
            outages_per_day: spec.number("outages_per_day"),
            outage_ns: spec.integer("outage"),
        }),
        size: Size::Fixed(size),
        remote_share: 0.0,
    }
}

#[cfg(test)]
mod tests;
