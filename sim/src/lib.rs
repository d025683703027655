#![deny(unsafe_code)]
//! The deterministic discrete-event kernel and the models of network, nodes, storage and faults around it.

pub mod check;
pub mod engine;
pub mod experiment;
pub mod fault;
pub mod kernel;
pub mod metrics;
pub mod network;
pub mod node;
pub mod probe;
pub mod record;
pub mod run;
pub mod scenario;
pub mod storage;
