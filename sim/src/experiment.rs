//! Many runs: every point of a sweep with its replications, side by side on a thread pool.
//!
//! Each run is a pure function of its scenario and seed, so neither the number of threads nor the order in which runs
//! end reaches a result.

use rayon::prelude::{IntoParallelIterator, ParallelIterator};

use crate::record::RunRecord;
use crate::run::{replication_seed, run};
use crate::scenario::Scenario;

/// One run of an experiment.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Job {
    /// Index of the point.
    pub point: u32,
    /// Index of the replication.
    pub replication: u32,
}

/// Every run of these points, in order.
pub fn jobs(points: &[&Scenario]) -> Vec<Job> {
    let of = |(i, s): (usize, &&Scenario)| {
        let point = i as u32;
        (0..s.replications).map(move |replication| Job { point, replication })
    };
    points.iter().enumerate().flat_map(of).collect()
}

/// Carries out `jobs` on `threads` threads (`None`: one for each core); `done` hears of each record as it is made.
/// Returns the records in the order of `jobs`.
///
/// # Errors
/// If the threads cannot be started, or the first error of `done`, after which no further run is started.
pub fn execute<E: Send>(
    points: &[&Scenario],
    jobs: &[Job],
    threads: Option<usize>,
    done: impl Fn(&RunRecord) -> Result<(), E> + Sync,
) -> Result<Result<Vec<RunRecord>, E>, rayon::ThreadPoolBuildError> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.unwrap_or(0)).build()?;
    let one = |job: &Job| {
        let scenario = points[job.point as usize];
        let mut record = run(scenario, replication_seed(scenario.seed, job.replication));
        record.point = job.point;
        record.replication = job.replication;
        done(&record)?;
        Ok(record)
    };
    Ok(pool.install(|| jobs.into_par_iter().map(one).collect()))
}
