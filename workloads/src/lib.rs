#![forbid(unsafe_code)]
//! What hospitals send: transactions, sizes and arrival processes as iterators of arrivals.

pub mod arrival;

pub use arrival::{Arrival, Operation, WorkloadSpec};
