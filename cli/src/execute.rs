//! The one place where the command line meets the simulator and the reports.

pub mod cores;
mod progress;
mod provenance;
mod replications;
mod slo;

pub use provenance::{command, quoted};

use std::path::Path;

use ledgerlab_reports::{Existing, Spill, Spilled, to_json, write};
use ledgerlab_sim::experiment::{Job, Sinks, Workers, execute, gauges, jobs};
use ledgerlab_sim::record::{ExperimentHeader, PointHeader, RunRecord, Summary};
use ledgerlab_sim::scenario::{Axis, Experiment, Scenario};

use crate::error::{Error, Exit};
use crate::folder::{Folder, partial_of};
use crate::print;
use cores::Cores;
use progress::Progress;
use replications::Replications;

/// What to run and where to put it.
pub struct Request<'a> {
    /// The validated points.
    pub experiment: &'a Experiment,
    /// The scenario file as the user named it, for the command that reproduces the run.
    pub file: &'a Path,
    /// `key=value` overrides, the seed included.
    pub overrides: &'a [String],
    /// New, or with the completed replications of an interrupted run.
    pub folder: &'a Folder,
    /// Cores that work.
    pub cores: Cores,
    /// Whether the result has a row for each transaction.
    pub transactions: bool,
    /// Whether to keep progress to itself.
    pub quiet: bool,
}

/// What a run that came to its end has to say.
pub struct Outcome {
    /// By verdicts and SLOs.
    pub exit: Exit,
    /// The content of `summary.json`.
    pub json: String,
    /// The summary for people.
    pub table: String,
}

/// Runs every point and replication that the folder does not have and writes the result.
///
/// # Errors
/// If files cannot be written, another scenario is in the folder, or nothing was submitted at any point.
pub fn run(request: &Request<'_>) -> Result<Outcome, Error> {
    let store = Replications::open(request.folder.partial(), request.experiment, request.transactions)?;
    let records = replications(request, &store)?;
    let empty = empty_points(request, &records);
    if let Some(reason) = empty.iter().flatten().next().filter(|_| empty.iter().all(Option::is_some)) {
        return Err(nothing_to_say(request, reason));
    }
    // A point that says nothing has an error in the place of figures.
    let told: Vec<RunRecord> = records.iter().filter(|r| empty[r.point as usize].is_none()).cloned().collect();
    let mut summary = summarise(request, &told, &empty, store.wall_s());
    slo::judge(&mut summary, request.experiment);
    let existing = if request.folder.replaces() { Existing::Replace } else { Existing::Refuse };
    let target = request.folder.target();
    let spilled = spilled(request, &store, &told);
    if !spilled.is_empty() && !request.quiet {
        let rows: u64 = told.iter().map(|r| r.cohort.created).sum();
        print::err(&format!("writing {rows} rows of transactions"));
    }
    write(&summary, &told, &spilled, target, existing).map_err(|e| not_written(&e, target))?;
    empty.iter().flatten().for_each(|reason| print::err(&nothing_to_say(request, reason).to_string()));
    explain_failures(request, &records);
    let json = to_json(&summary).map_err(|e| not_written(&e, target))?;
    Ok(Outcome { exit: exit(&summary, &records), json, table: ledgerlab_reports::table(&summary) })
}

/// Whether the unfinished run of this result keeps transactions.
pub fn follows_transactions(target: &Path) -> bool {
    Replications::follow_transactions(&partial_of(target))
}

/// What a run that is only verified leaves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verified {
    /// The run's digest.
    pub digest: String,
    /// The promise that it broke, if any.
    pub failure: Option<String>,
}

/// All points and replications, in order, without writing anything.
///
/// # Errors
/// If the threads cannot be started.
pub fn verified(experiment: &Experiment, workers: Workers) -> Result<Vec<Verified>, Error> {
    let points = scenarios(experiment);
    let jobs = jobs(&points);
    let records = execute(&points, &jobs, workers, &gauges(&jobs), &|_: &RunRecord| Ok::<(), Error>(()));
    let records = records.map_err(|e| no_threads(&e))??;
    let failure = |r: &RunRecord| {
        let (word, text) = (r.verdict.word(), r.verdict.text());
        r.verdict.failed().then(|| format!("{word}{}, seed {}: {text}", progress::label(experiment, r.point), r.seed))
    };
    Ok(records.iter().map(|r| Verified { digest: r.digest.clone(), failure: failure(r) }).collect())
}

fn scenarios(experiment: &Experiment) -> Vec<&Scenario> {
    experiment.points.iter().map(|p| &p.scenario).collect()
}

/// All records in order, old and new; each new one is on disk as soon as it is there.
fn replications(request: &Request<'_>, store: &Replications) -> Result<Vec<RunRecord>, Error> {
    let mut records = store.completed()?;
    let points = scenarios(request.experiment);
    let all = jobs(&points);
    let done = |job: &Job| records.iter().any(|r| (r.point, r.replication) == (job.point, job.replication));
    let missing: Vec<Job> = all.iter().copied().filter(|job| !done(job)).collect();
    let gauges = gauges(&missing);
    let progress = Progress::new(request.experiment, all.len(), &missing, &gauges, request.quiet);
    let keeper = Keeper { store, progress: &progress };
    let run = || execute(&points, &missing, request.cores.workers(), &gauges, &keeper);
    let new = progress.shown_while(run).map_err(|e| no_threads(&e))??;
    if let Some(advice) = request.cores.advice(&new).filter(|_| !request.quiet) {
        print::err(&advice);
    }
    records.extend(new);
    records.sort_by_key(|r| (r.point, r.replication));
    Ok(records)
}

/// Keeps what runs leave, and tells of it.
struct Keeper<'a> {
    store: &'a Replications,
    progress: &'a Progress<'a>,
}

impl Sinks for Keeper<'_> {
    type Sink = Spill;
    type Error = Error;
    fn open(&self, job: &Job) -> Result<Option<Spill>, Error> {
        self.store.follow(job)
    }
    fn close(&self, record: &RunRecord, transactions: Option<Spill>) -> Result<(), Error> {
        self.store.keep(record, transactions)?;
        self.progress.tell(record);
        Ok(())
    }
}

/// The transactions of these runs, where they were asked for.
fn spilled<'a>(request: &Request<'a>, store: &Replications, records: &[RunRecord]) -> Vec<Spilled<'a>> {
    let of = |r: &RunRecord| Spilled {
        point: r.point,
        replication: r.replication,
        path: store.transactions_of(r.point, r.replication),
        scenario: &request.experiment.points[r.point as usize].scenario,
    };
    if request.transactions { records.iter().map(of).collect() } else { vec![] }
}

fn summarise(request: &Request<'_>, records: &[RunRecord], errors: &[Option<String>], wall_s: f64) -> Summary {
    let experiment = request.experiment;
    let header = ExperimentHeader {
        name: experiment.name.clone(),
        provenance: provenance::of(request.file, request.overrides, request.transactions, wall_s),
        axes: experiment.axes.iter().map(|a| a.key.clone()).collect(),
        scenario: experiment.effective(),
    };
    let point = |(p, error): (&ledgerlab_sim::scenario::Point, &Option<String>)| PointHeader {
        labels: p.labels.clone(),
        protocol: p.scenario.protocol.to_owned(),
        error: error.clone(),
        slo: Vec::new(),
    };
    Summary::from_runs(header, experiment.points.iter().zip(errors).map(point).collect(), records)
}

/// For each point, whether a replication of it had not a single transaction: it has nothing to say.
fn empty_points(request: &Request<'_>, records: &[RunRecord]) -> Vec<Option<String>> {
    let mut points = vec![None; request.experiment.points.len()];
    for record in records.iter().filter(|r| r.cohort.created == 0) {
        let point = progress::label(request.experiment, record.point);
        let point = if point.is_empty() { point } else { format!(" in{point}") };
        points[record.point as usize].get_or_insert_with(|| {
            format!("nothing was submitted in the measured window{point}, seed {}", record.seed)
        });
    }
    points
}

fn nothing_to_say(request: &Request<'_>, reason: &str) -> Error {
    let error = Error::failed(reason, request.file.display().to_string()).limit("at least 1 transaction");
    error.hint("raise `load` or a workload's `multiplier`, or lengthen `run.duration`")
}

/// Says on standard error which run broke a promise, and how to see it again.
fn explain_failures(request: &Request<'_>, records: &[RunRecord]) {
    for record in records.iter().filter(|r| r.verdict.failed()) {
        let point = progress::label(request.experiment, record.point);
        let fixed = ["run.replications=1".to_owned(), format!("run.seed={}", record.seed)];
        let axes = single_point(request.experiment, record.point);
        let overrides: Vec<String> = request.overrides.iter().cloned().chain(axes).chain(fixed).collect();
        let command = provenance::command(request.file, &overrides);
        let (word, text) = (record.verdict.word(), record.verdict.text());
        print::err(&format!("error: {word}{point}, seed {}: {text}\nhint: {command}", record.seed));
    }
}

/// Overrides that leave one point of the sweep.
fn single_point(experiment: &Experiment, point: u32) -> Vec<String> {
    let labels = &experiment.points[point as usize].labels;
    let value = |axis: &Axis| {
        let index = axis.values.iter().position(|v| labels.get(&axis.key) == Some(v))?;
        Some(format!("sweep.axes.\"{}\"=[{}]", axis.key, axis.written[index]))
    };
    experiment.axes.iter().filter_map(value).collect()
}

fn exit(summary: &Summary, records: &[RunRecord]) -> Exit {
    let mut exit = Exit::Fine;
    if records.iter().any(|r| r.verdict.failed()) {
        exit = exit.worse(Exit::CheckFailed);
    }
    if summary.failed_points() > 0 {
        exit = exit.worse(Exit::PointsFailed);
    }
    if !summary.slo_met() {
        exit = exit.worse(Exit::SloMissed);
    }
    exit
}

fn no_threads(error: &impl std::fmt::Display) -> Error {
    Error::failed(format!("threads cannot be started: {error}"), "--jobs").hint("ask for fewer with --jobs")
}

fn not_written(error: &ledgerlab_reports::Error, target: &Path) -> Error {
    let hint = error.hint().unwrap_or("the completed replications are kept: continue with --resume");
    Error::failed(error.to_string(), target.display().to_string()).hint(hint)
}
