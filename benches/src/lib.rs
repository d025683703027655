#![forbid(unsafe_code)]
//! Criterion benchmarks, one per layer.
