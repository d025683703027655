//! The one place where the command line meets the simulator and the reports.

use std::path::Path;

use ledgerlab_sim::scenario::Experiment;
use serde_json::Value;

use crate::error::{Error, Exit};

/// What to run and where to put it.
pub struct Request<'a> {
    /// The validated points.
    pub experiment: &'a Experiment,
    /// The scenario file as the user named it, for the command that reproduces the run.
    pub file: &'a Path,
    /// `key=value` overrides, the seed included.
    pub overrides: &'a [String],
    /// An existing folder: new, or with the completed replications of an interrupted run.
    pub folder: &'a Path,
    /// Threads; `None` for all cores.
    pub jobs: Option<usize>,
    /// Whether to keep progress to itself.
    pub quiet: bool,
}

/// What a run that came to its end has to say.
pub struct Outcome {
    /// By verdicts and SLOs.
    pub exit: Exit,
    /// The content of `summary.json`.
    pub json: Value,
    /// The summary for people.
    pub table: String,
}

/// Runs every point and replication and writes the result into the folder.
///
/// # Errors
/// If files cannot be written or the simulator refuses.
pub fn run(request: &Request<'_>) -> Result<Outcome, Error> {
    Err(Error::failed("this build has no simulator", request.file.display().to_string()))
}

/// The digests of all points and replications, in order, without writing anything.
///
/// # Errors
/// If the simulator refuses.
pub fn digests(experiment: &Experiment, _jobs: usize) -> Result<Vec<String>, Error> {
    Err(Error::failed("this build has no simulator", experiment.name.clone()))
}
