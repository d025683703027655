//! Electronic health records: each transaction commits the FHIR bundle of one encounter.
//!
//! Emergency encounters follow the emergency profile, all others the outpatient profile; readers follow the
//! encounters. Limits: patients are not told apart, so an encounter's size does not depend on the patient's history.

use crate::arrival::Operation;
use crate::error::WorkloadError;
use crate::param::{Param, ParamValue};
use crate::profile::Profile;
use crate::registry::{RecordKind, WorkloadKind};
use crate::size::Size;
use crate::spec::WorkloadSpec;
use crate::stream::{Stream, Timing};

/// People served by a reference hospital (300 beds): assumption. Rates below are for as many.
pub(crate) const REFERENCE_PEOPLE: u64 = 100_000;

/// The workload `ehr`.
pub const EHR: WorkloadKind = WorkloadKind {
    id: "ehr",
    doc: "electronic health records: commits of encounters as FHIR bundles, and reads with break-glass access",
    per_hospital: true,
    params: PARAMS,
    records: RECORDS,
    check,
    streams,
};

const EMERGENCY: u8 = 0;
const OUTPATIENT: u8 = 1;
const READ: u8 = 2;
const BREAK_GLASS: u8 = 3;

const RECORDS: &[RecordKind] = &[
    RecordKind { name: "emergency", doc: "an encounter in the emergency department", deadline: None },
    RecordKind { name: "outpatient", doc: "any other encounter", deadline: None },
    RecordKind { name: "read", doc: "a read of an encounter by someone with consent", deadline: None },
    RecordKind {
        name: "break-glass",
        doc: "a read in an emergency without consent",
        deadline: Some("break_glass_deadline"),
    },
];

const PARAMS: &[Param] = &[
    Param::count(
        "people",
        REFERENCE_PEOPLE,
        100_000_000,
        "assumption: reference hospital of 300 beds",
        "people served by one hospital; rates scale with it",
    ),
    Param::number(
        "encounters_per_day",
        718.0,
        1e7,
        "assumption: 2.6 encounters per person and year",
        "encounters of 100,000 people in a day, mean over the week",
    ),
    Param::number(
        "emergency_per_day",
        116.0,
        1e7,
        "assumption: 42 per 100 people and year, near NHAMCS 2021 (42.7)",
        "those of them in the emergency department",
    ),
    Param::bytes("pointer_bytes", 300, 1 << 20, "own encoding", "a pointer on chain, envelope included"),
    Param::number("reads_per_write", 9.0, 1e6, "assumption: 90 % reads", "reads for each encounter"),
    Param::share("break_glass_share", 0.005, "assumption", "share of reads that break the glass"),
    Param::span(
        "break_glass_deadline",
        2_000_000_000,
        (1_000_000, 3_600_000_000_000),
        "assumption",
        "until when a break-glass read must be answered",
    ),
    Param::share("remote_share", 0.15, "assumption", "share of reads of a record that another hospital holds"),
];

fn check(spec: &WorkloadSpec) -> Result<(), WorkloadError> {
    let (emergency, all) = (spec.number("emergency_per_day"), spec.number("encounters_per_day"));
    if emergency <= all {
        return Ok(());
    }
    Err(WorkloadError::OutOfRange {
        workload: spec.name.clone(),
        key: "emergency_per_day",
        value: ParamValue::Number(emergency),
        low: ParamValue::Number(0.0),
        high: ParamValue::Number(all),
    })
}

fn streams(spec: &WorkloadSpec) -> Vec<Stream> {
    let scale = 7.0 * people_scale(spec);
    let emergency = scale * spec.number("emergency_per_day");
    let outpatient = scale * spec.number("encounters_per_day") - emergency;
    let reads = spec.number("reads_per_write");
    let broken = spec.number("break_glass_share");
    let size = Size::Bundle { pointer_bytes: spec.integer("pointer_bytes") as u32 };
    let write = |kind, profile, per_week| Stream {
        kind,
        operation: Operation::Write,
        per_week,
        timing: Timing::Poisson(profile),
        size,
        remote_share: 0.0,
    };
    let read = |kind, profile, per_week| Stream {
        operation: Operation::Read,
        remote_share: spec.number("remote_share"),
        ..write(kind, profile, per_week)
    };
    vec![
        write(EMERGENCY, Profile::Emergency, emergency),
        write(OUTPATIENT, Profile::Outpatient, outpatient),
        read(READ, Profile::Emergency, emergency * reads * (1.0 - broken)),
        read(READ, Profile::Outpatient, outpatient * reads * (1.0 - broken)),
        read(BREAK_GLASS, Profile::Emergency, emergency * reads * broken),
        read(BREAK_GLASS, Profile::Outpatient, outpatient * reads * broken),
    ]
}

/// Reference hospitals that the workload amounts to.
pub(crate) fn people_scale(spec: &WorkloadSpec) -> f64 {
    let people = spec.integer("people") as f64 / REFERENCE_PEOPLE as f64;
    f64::from(spec.hospitals) * spec.multiplier * people
}
