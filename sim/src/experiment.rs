//! Many runs: every point of a sweep with its replications, side by side on a thread pool.
//!
//! Each run is a pure function of its scenario and seed, so neither the number of threads nor the order in which runs
//! end reaches a result.

use std::sync::atomic::{AtomicU64, Ordering};

use ledgerlab_consensus::{Height, NodeId, Time};
use rayon::prelude::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};

use crate::probe::Probe;
use crate::record::{RunRecord, TransactionRow, TransactionSink};
use crate::run::{Engine, replication_seed, run_on};
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

/// How far a run has come, readable from another thread while it goes on.
#[derive(Debug)]
pub struct Gauge(AtomicU64);

impl Gauge {
    const WAITING: u64 = u64::MAX;
    const DONE: u64 = u64::MAX - 1;

    /// The simulated time at which something was last sent or finalised; `None` before the run and after it.
    pub fn at(&self) -> Option<Time> {
        Some(self.0.load(Ordering::Relaxed)).filter(|ns| *ns < Gauge::DONE).map(Time)
    }

    fn set(&self, ns: u64) {
        self.0.store(ns, Ordering::Relaxed);
    }
}

impl Default for Gauge {
    fn default() -> Gauge {
        Gauge(AtomicU64::new(Gauge::WAITING))
    }
}

/// Moves a gauge on with the run, and hands on what becomes of its transactions.
struct Pointer<'a, S> {
    gauge: &'a Gauge,
    latest: Time,
    sink: Option<S>,
}

impl<S> Pointer<'_, S> {
    /// Nodes run ahead of each other by up to a second: the gauge shows who is ahead.
    fn reach(&mut self, at: Time) {
        if at > self.latest {
            self.latest = at;
            self.gauge.set(at.0);
        }
    }
}

impl<S: TransactionSink> Probe for Pointer<'_, S> {
    fn on_send(&mut self, at: Time, _: NodeId, _: NodeId, _: &'static str, _: u32) {
        self.reach(at);
    }
    fn on_sends(&mut self, at: Time, _: NodeId, _: &[(NodeId, Time)], _: &'static str, _: u32) {
        self.reach(at);
    }
    fn on_finalize(&mut self, at: Time, _: NodeId, _: Height) {
        self.reach(at);
    }
    fn follows_transactions(&self) -> bool {
        self.sink.is_some()
    }
    fn on_transactions(&mut self, rows: &[TransactionRow]) {
        self.sink.iter_mut().for_each(|sink| sink.take(rows));
    }
}

/// How a machine's cores are used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Workers {
    /// Runs side by side.
    pub jobs: usize,
    /// What drives each of them.
    pub engine: Engine,
}

impl Workers {
    /// So many runs side by side, one thread each.
    pub fn jobs(jobs: usize) -> Workers {
        Workers { jobs, engine: Engine::Fast }
    }
}

/// Where the transactions of runs go.
pub trait Sinks: Sync {
    /// Takes those of one run.
    type Sink: TransactionSink;
    /// What goes wrong.
    type Error: Send;
    /// For a run that begins; `None` where nobody asks.
    ///
    /// # Errors
    /// If it cannot be made.
    fn open(&self, job: &Job) -> Result<Option<Self::Sink>, Self::Error>;
    /// A run has ended.
    ///
    /// # Errors
    /// If its record or transactions cannot be kept.
    fn close(&self, record: &RunRecord, sink: Option<Self::Sink>) -> Result<(), Self::Error>;
}

/// Nobody asks for transactions: hears of each record as it is made.
impl<E: Send, F: Fn(&RunRecord) -> Result<(), E> + Sync> Sinks for F {
    type Sink = Vec<TransactionRow>;
    type Error = E;
    fn open(&self, _: &Job) -> Result<Option<Self::Sink>, E> {
        Ok(None)
    }
    fn close(&self, record: &RunRecord, _: Option<Self::Sink>) -> Result<(), E> {
        self(record)
    }
}

/// Carries out `jobs` with these workers; `sinks` take what becomes of transactions and hear of each record as it is
/// made, and the gauge of a job moves with its run. Returns the records in the order of `jobs`.
///
/// # Errors
/// If the threads cannot be started, or the first error of `sinks`, after which no further run is started.
///
/// # Panics
/// If there are fewer gauges than jobs.
pub fn execute<S: Sinks>(
    points: &[&Scenario],
    jobs: &[Job],
    workers: Workers,
    gauges: &[Gauge],
    sinks: &S,
) -> Result<Result<Vec<RunRecord>, S::Error>, rayon::ThreadPoolBuildError> {
    assert!(gauges.len() >= jobs.len(), "{} gauges for {} jobs", gauges.len(), jobs.len());
    let pool = rayon::ThreadPoolBuilder::new().num_threads(workers.jobs).build()?;
    let one = |(job, gauge): (&Job, &Gauge)| {
        let scenario = points[job.point as usize];
        gauge.set(0);
        let mut pointer = Pointer { gauge, latest: Time::ZERO, sink: sinks.open(job)? };
        let mut record =
            run_on(workers.engine, scenario, replication_seed(scenario.seed, job.replication), &mut pointer);
        gauge.set(Gauge::DONE);
        record.point = job.point;
        record.replication = job.replication;
        sinks.close(&record, pointer.sink)?;
        Ok(record)
    };
    Ok(pool.install(|| jobs.into_par_iter().zip(gauges).map(one).collect()))
}

/// One gauge for each job.
pub fn gauges(jobs: &[Job]) -> Vec<Gauge> {
    jobs.iter().map(|_| Gauge::default()).collect()
}
