//! The network: latency between regions, shared links, and the gossip overlay.

pub mod latency;
pub mod overlay;
pub mod tables;
