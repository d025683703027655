#![forbid(unsafe_code)]
//! What hospitals send: transactions, sizes and arrival processes as iterators of arrivals.

pub mod arrival;
mod bundle;
pub mod ehr;
pub mod error;
pub mod fixed;
pub mod img;
pub mod iot;
mod normal;
pub mod param;
pub mod profile;
pub mod registry;
pub mod size;
pub mod spec;
pub mod stream;

pub use arrival::{Arrival, INLINE_OVERHEAD_BYTES, Operation};
pub use error::WorkloadError;
pub use param::{Param, ParamValue};
pub use profile::Profile;
pub use registry::{KINDS, RecordKind, WorkloadKind, kind};
pub use size::{MeanSizes, Size, Sizes};
pub use spec::{ArrivalMode, WorkloadSpec};
pub use stream::{Stream, Timing};
