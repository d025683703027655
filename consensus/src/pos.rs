//! Proof of stake.
