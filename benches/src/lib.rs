#![forbid(unsafe_code)]
//! What is measured and how: the canonical set, and the functions that criterion's benchmarks share with it.
//!
//! Names are `layer::operation/key=value`. Times on a shared machine are noisy: compare ratios from one run.

pub mod broadcast;
pub mod canonical;
pub mod clock;
pub mod engine;
pub mod measure;
pub mod merkle;
#[cfg(feature = "peers")]
pub mod peers;
pub mod phold;
