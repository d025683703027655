//! Progress on standard error: one line for each completed replication.

use std::sync::atomic::{AtomicUsize, Ordering};

use ledgerlab_sim::record::RunRecord;
use ledgerlab_sim::scenario::Experiment;

use crate::print;

/// Counts completed replications.
pub struct Progress<'a> {
    experiment: &'a Experiment,
    total: usize,
    done: AtomicUsize,
    quiet: bool,
}

impl<'a> Progress<'a> {
    /// `done` of `total` are completed already.
    pub fn new(experiment: &'a Experiment, total: usize, done: usize, quiet: bool) -> Progress<'a> {
        if done > 0 && !quiet {
            print::err(&format!("{done} of {total} runs are completed already"));
        }
        Progress { experiment, total, done: AtomicUsize::new(done), quiet }
    }

    /// Another one is completed.
    pub fn tell(&self, record: &RunRecord) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        if !self.quiet {
            let (total, point) = (self.total, label(self.experiment, record.point));
            print::err(&format!(
                "{done}/{total}{point}, replication {}: {}",
                record.replication,
                record.verdict.word()
            ));
        }
    }
}

/// ` in key = value, ...` of a swept point, else nothing.
pub fn label(experiment: &Experiment, point: u32) -> String {
    let labels = &experiment.points[point as usize].labels;
    if labels.is_empty() {
        return String::new();
    }
    format!(" {}", labels.iter().map(|(key, value)| format!("{key} = {value}")).collect::<Vec<_>>().join(", "))
}
