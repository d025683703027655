//! Progress on standard error: one line for each completed replication.

use std::sync::atomic::{AtomicUsize, Ordering};

use ledgerlab_sim::record::RunRecord;

use crate::print;

/// Counts what is done.
pub struct Progress {
    quiet: bool,
    all: usize,
    done: AtomicUsize,
}

impl Progress {
    /// Of `all` replications, `done` of which were completed before.
    pub fn new(quiet: bool, all: usize, done: usize) -> Progress {
        if done > 0 && !quiet {
            print::err(&format!("{done} of {all} replications are kept"));
        }
        Progress { quiet, all, done: AtomicUsize::new(done) }
    }

    /// Another one is.
    pub fn done(&self, label: &str, record: &RunRecord) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        if !self.quiet {
            let (replication, verdict) = (record.replication + 1, record.verdict.word());
            print::err(&format!("[{done}/{}] {label}, replication {replication}: {verdict}", self.all));
        }
    }
}
