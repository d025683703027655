//! Proof of stake with probabilistic finality.

pub mod praos;
