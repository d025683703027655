//! Proof of work.

pub mod nakamoto;
