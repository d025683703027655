#![forbid(unsafe_code)]
//! What hospitals send: transactions, sizes and arrival processes as iterators of arrivals.

pub mod arrival;
pub mod arrivals;
mod bundle;
pub mod closed;
mod devices;
pub mod ehr;
pub mod error;
pub mod expected;
mod exponential;
pub mod fixed;
pub mod img;
pub mod iot;
pub mod normal;
pub mod param;
mod process;
pub mod profile;
mod random;
pub mod registry;
pub mod size;
mod source;
pub mod spec;
pub mod stream;

pub use arrival::{Arrival, INLINE_OVERHEAD_BYTES, Operation};
pub use arrivals::Arrivals;
pub use closed::ClosedLoop;
pub use error::WorkloadError;
pub use expected::{
    Expected, Rate, expected_between, expected_by_record, expected_per_request, expected_per_week, mean_rate, rate_at,
};
pub use param::{Param, ParamValue};
pub use profile::Profile;
pub use registry::{KINDS, RecordKind, WorkloadKind, kind};
pub use size::{MeanSizes, Size, Sizes};
pub use spec::{ArrivalMode, WorkloadSpec};
pub use stream::{Stream, Timing};
