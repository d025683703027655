//! One validated input of a run: everything is resolved, in base units, and checked.

pub mod effective;
pub mod model;
pub mod problem;
mod quantity;

pub use effective::Effective;
pub use model::*;
pub use problem::{Problem, ScenarioError};
