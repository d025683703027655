//! Medical imaging: each transaction is a pointer to a study in an archive; studies are read many times.
//!
//! Reads follow the same weekly profile as new studies. That most of them fall into a study's first week is not
//! modelled: in a steady state it does not change when they come or how large they are.

use crate::arrival::Operation;
use crate::ehr::{REFERENCE_PEOPLE, people_scale};
use crate::param::Param;
use crate::profile::Profile;
use crate::registry::{RecordKind, WorkloadKind, no_check};
use crate::size::Size;
use crate::spec::WorkloadSpec;
use crate::stream::{Stream, Timing};

/// The workload `img`.
pub const IMG: WorkloadKind = WorkloadKind {
    id: "img",
    doc: "medical imaging: study pointers, and retrievals of large objects within and between hospitals",
    per_hospital: true,
    params: PARAMS,
    records: RECORDS,
    check: no_check,
    streams,
};

/// A modality: its share of studies and the log-normal of a study's bytes. All figures are assumptions in the range
/// of published archive statistics; the closed-form mean of the mix is 74.96 MB.
struct Modality {
    share: f64,
    median_bytes: f64,
    sigma: f64,
}

/// In the order of [`RECORDS`].
const MODALITIES: [Modality; 5] = [
    Modality { share: 0.60, median_bytes: 25e6, sigma: 0.5 },
    Modality { share: 0.20, median_bytes: 40e6, sigma: 0.9 },
    Modality { share: 0.12, median_bytes: 220e6, sigma: 0.8 },
    Modality { share: 0.06, median_bytes: 100e6, sigma: 0.7 },
    Modality { share: 0.02, median_bytes: 90e6, sigma: 0.4 },
];

/// What replaces a mammogram where breasts are imaged in slices.
const TOMOSYNTHESIS: Modality = Modality { share: 0.02, median_bytes: 300e6, sigma: 0.7 };

const MAMMOGRAPHY: usize = 4;

const RECORDS: &[RecordKind] = &[
    RecordKind { name: "radiograph", doc: "computed or digital radiography", deadline: None },
    RecordKind { name: "ultrasound", doc: "ultrasound", deadline: None },
    RecordKind { name: "ct", doc: "computed tomography", deadline: None },
    RecordKind { name: "mr", doc: "magnetic resonance", deadline: None },
    RecordKind { name: "mammogram", doc: "mammography or breast tomosynthesis", deadline: None },
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
        "studies_per_day",
        82.0,
        1e7,
        "assumption: 30,000 studies a year",
        "studies of 100,000 people in a day, mean over the week",
    ),
    Param::bytes("pointer_bytes", 330, 1 << 20, "own encoding", "a pointer on chain, envelope included"),
    Param::number("reads_per_write", 10.0, 1e6, "assumption", "retrievals for each study"),
    Param::share("remote_share", 0.15, "assumption", "share of retrievals from another hospital"),
    Param::flag("tomosynthesis", false, "assumption", "whether mammograms are tomosyntheses"),
];

fn streams(spec: &WorkloadSpec) -> Vec<Stream> {
    let studies = 7.0 * people_scale(spec) * spec.number("studies_per_day");
    let reads = spec.number("reads_per_write");
    let writes = (0..MODALITIES.len()).map(|i| write(spec, i, studies)).collect::<Vec<_>>();
    let read = |w: &Stream| Stream {
        operation: Operation::Read,
        per_week: w.per_week * reads,
        remote_share: spec.number("remote_share"),
        ..*w
    };
    let reads = writes.iter().map(read).collect::<Vec<_>>();
    [writes, reads].concat()
}

fn write(spec: &WorkloadSpec, i: usize, studies_per_week: f64) -> Stream {
    let slices = i == MAMMOGRAPHY && spec.flag("tomosynthesis");
    let modality = if slices { &TOMOSYNTHESIS } else { &MODALITIES[i] };
    Stream {
        kind: i as u8,
        operation: Operation::Write,
        per_week: studies_per_week * modality.share,
        timing: Timing::Poisson(Profile::Outpatient),
        size: Size::LogNormal {
            median_bytes: modality.median_bytes,
            sigma: modality.sigma,
            pointer_bytes: spec.integer("pointer_bytes") as u32,
        },
        remote_share: 0.0,
    }
}
