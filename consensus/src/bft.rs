//! Byzantine fault tolerant protocols with votes.

pub mod hotstuff;
pub mod pbft;
