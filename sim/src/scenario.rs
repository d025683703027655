//! One validated input of a run: everything is resolved, in base units, and checked.
//!
//! A file becomes a tree of values with their lines (`tree`), is laid over what it extends and overridden
//! (`source`), multiplied by its sweep ([`experiment`]), and each point is read section by section (`build`)
//! into plain data ([`model`]). Everything that is wrong is found in one pass ([`problem`]).

mod build;
pub mod effective;
mod effort;
pub mod experiment;
mod fault;
mod finality;
mod mempool;
pub mod model;
mod network;
mod node;
mod organisation;
mod plan;
mod plausible;
pub mod problem;
mod protocol;
mod quantity;
mod reader;
mod run;
mod scalar;
mod source;
mod storage;
mod tree;
mod workload;

pub use effective::Effective;
pub use experiment::{Axis, Experiment, Point};
pub use model::*;
pub use problem::{Problem, ScenarioError};
pub use protocol::{ProtocolFacts, fault_bound, protocol_facts, protocols, show_knob, validators};
pub use workload::show_param;

#[cfg(test)]
mod tests;
