//! One validated input of a run: everything is resolved, in base units, and checked.

pub mod model;

pub use model::*;
