#![forbid(unsafe_code)]
//! Result folders: Parquet tables, charts, HTML and terminal tables from run records.
//!
//! [`write()`] makes a folder that is whole or not there, [`render`] makes its report again from `summary.json` alone,
//! [`table`] is what the terminal shows. Nothing here measures: every figure comes from `ledgerlab_sim::record`.

pub mod error;
pub mod folder;
pub mod format;
pub mod frame;
pub mod hgrm;
pub mod json;
pub mod overview;
pub mod transactions;

mod chart;
mod html;

#[cfg(test)]
mod fixture;

pub use error::Error;
pub use folder::{Existing, check_free, render, write};
pub use html::page;
pub use json::{read_summary, to_json};
pub use overview::table;
pub use transactions::{Spill, Spilled};
