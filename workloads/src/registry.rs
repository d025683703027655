//! The list of workload kinds. A new kind is one file, one `pub mod` line and one line here.

use std::fmt;

use crate::error::WorkloadError;
use crate::param::Param;
use crate::spec::WorkloadSpec;
use crate::stream::Stream;
use crate::{ehr, fixed, img, iot};

/// One kind of record of a workload.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RecordKind {
    /// Its name in results.
    pub name: &'static str,
    /// One sentence.
    pub doc: &'static str,
    /// The parameter that holds its deadline, where it has one.
    pub deadline: Option<&'static str>,
}

/// A kind of workload.
pub struct WorkloadKind {
    /// Its id in scenarios.
    pub id: &'static str,
    /// One sentence.
    pub doc: &'static str,
    /// Whether its rates are per hospital, so that `hospitals` must be given. Otherwise hospitals only divide
    /// the load, and a scenario may default them to one for each organisation.
    pub per_hospital: bool,
    /// Its parameters.
    pub params: &'static [Param],
    /// Its kinds of record; [`Arrival::kind`](crate::Arrival::kind) is an index into it.
    pub records: &'static [RecordKind],
    /// Checks parameters against each other.
    pub check: fn(&WorkloadSpec) -> Result<(), WorkloadError>,
    /// What it sends.
    pub streams: fn(&WorkloadSpec) -> Vec<Stream>,
}

impl PartialEq for WorkloadKind {
    fn eq(&self, other: &WorkloadKind) -> bool {
        self.id == other.id
    }
}

impl fmt::Debug for WorkloadKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id)
    }
}

/// Every kind of workload, in the order of `ledgerlab list`.
pub const KINDS: &[&WorkloadKind] = &[&ehr::EHR, &img::IMG, &iot::IOT, &fixed::FIXED];

/// The kind with this id.
pub fn kind(id: &str) -> Option<&'static WorkloadKind> {
    KINDS.iter().copied().find(|k| k.id == id)
}

/// For kinds whose parameters do not constrain each other.
pub(crate) fn no_check(_: &WorkloadSpec) -> Result<(), WorkloadError> {
    Ok(())
}
