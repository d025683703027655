#![deny(unsafe_code)]
//! The deterministic discrete-event kernel and the models of network, nodes, storage and faults around it.

pub mod kernel;
pub mod network;
pub mod scenario;
pub mod storage;
