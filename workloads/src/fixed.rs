//! A plain load of equal transactions, for comparisons of protocols.
//!
//! A transaction takes exactly `bytes` on chain under every storage variant, envelope included, and has no object.

use crate::arrival::Operation;
use crate::param::Param;
use crate::profile::Profile;
use crate::registry::{RecordKind, WorkloadKind, no_check};
use crate::size::{Size, Sizes};
use crate::spec::WorkloadSpec;
use crate::stream::{Stream, Timing, WEEK_NS};

/// The workload `fixed`.
pub const FIXED: WorkloadKind = WorkloadKind {
    id: "fixed",
    doc: "a plain load of transactions of one size, Poisson or evenly spaced",
    per_hospital: false,
    params: PARAMS,
    records: RECORDS,
    check: no_check,
    streams,
};

const RECORDS: &[RecordKind] =
    &[RecordKind { name: "transaction", doc: "a transaction of fixed size", deadline: None }];

const PARAMS: &[Param] = &[
    Param::number("rate_tx_per_s", 100.0, 1e9, "assumption", "transactions per second, all hospitals together"),
    Param::transaction_bytes("bytes", 512, 1 << 30, "assumption", "a transaction on chain, envelope included"),
    Param::word(
        "spacing",
        0,
        &["poisson", "constant"],
        "assumption",
        "random times, or equal distances with hospitals in turn",
    ),
    Param::number("reads_per_write", 0.0, 1e6, "assumption: none", "reads for each transaction, with the same spacing"),
];

fn streams(spec: &WorkloadSpec) -> Vec<Stream> {
    let per_week = spec.number("rate_tx_per_s") * spec.multiplier * (WEEK_NS as f64 / 1e9);
    let poisson = spec.word("spacing") == "poisson";
    let write = Stream {
        kind: 0,
        operation: Operation::Write,
        per_week,
        timing: if poisson { Timing::Poisson(Profile::Flat) } else { Timing::Spaced },
        size: Size::Fixed(Sizes { record_bytes: 0, pointer_bytes: spec.integer("bytes") as u32, object_bytes: 0 }),
        remote_share: 0.0,
    };
    let read = Stream { operation: Operation::Read, per_week: per_week * spec.number("reads_per_write"), ..write };
    vec![write, read]
}
