//! The kernel: what every simulated thing rests on, and what knows nothing of networks or ledgers.

pub mod digest;
pub mod parallel;
pub mod phold;
pub mod prefetch;
pub mod queue;
pub mod rng;
