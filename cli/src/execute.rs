//! The one place where the command line meets the simulator and the reports.

use std::path::Path;
use std::sync::Mutex;
use std::time::Instant;

use ledgerlab_reports::{self as reports, Checkpoint};
use ledgerlab_sim::experiment::{self, Job};
use ledgerlab_sim::record::{ExperimentHeader, PointHeader, RunRecord, SloOutcome, Summary, Verdict};
use ledgerlab_sim::scenario::{Experiment, Point, Scenario};
use serde_json::Value;

use crate::error::{Error, Exit};
use crate::progress::Progress;
use crate::provenance::provenance;

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
    /// What is wrong with which point, with the command that reproduces it.
    pub complaints: Vec<String>,
}

/// Runs every point and replication and writes the result into the folder. Replications that the folder holds
/// already are kept.
///
/// # Errors
/// If files cannot be written, the folder belongs to another experiment, or nothing was submitted in any run.
pub fn run(request: &Request<'_>) -> Result<Outcome, Error> {
    let started = Instant::now();
    let points: Vec<&Scenario> = request.experiment.points.iter().map(|p| &p.scenario).collect();
    let (checkpoint, mut runs) = Checkpoint::open(request.folder, &request.experiment.identity()).map_err(of_report)?;
    let known = |j: &Job| runs.iter().any(|r| (r.point, r.replication) == (j.point, j.replication));
    let jobs: Vec<Job> = experiment::jobs(&points).into_iter().filter(|j| !known(j)).collect();
    let progress = Progress::new(request.quiet, jobs.len() + runs.len(), runs.len());
    let checkpoint = Mutex::new(checkpoint);
    let done = |record: &RunRecord| {
        progress.done(&label(&request.experiment.points[record.point as usize]), record);
        let mut open = checkpoint.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        open.add(record).map_err(of_report)
    };
    let fresh = experiment::execute(&points, &jobs, request.jobs, done)
        .map_err(|e| Error::failed(format!("cannot start threads: {e}"), "--jobs"))??;
    runs.extend(fresh);
    runs.sort_by_key(|r| (r.point, r.replication));
    if runs.iter().all(|r| r.cohort.created == 0) {
        let error = Error::failed("nothing was submitted in the measured window", request.file.display().to_string());
        return Err(error.hint("lengthen run.duration, or raise `load` or a workload's multiplier"));
    }
    let summary = summarise(request, &runs, started);
    reports::fill(&summary, &runs, request.folder).map_err(of_report)?;
    Ok(Outcome {
        exit: exit(&summary),
        json: serde_json::to_value(&summary).map_err(|e| Error::failed(e.to_string(), "summary.json"))?,
        table: reports::table(&summary),
        complaints: complaints(request, &summary),
    })
}

/// The digests of all points and replications, in order, without writing anything.
///
/// # Errors
/// If threads cannot be started.
pub fn digests(experiment: &Experiment, jobs: usize) -> Result<Vec<String>, Error> {
    let points: Vec<&Scenario> = experiment.points.iter().map(|p| &p.scenario).collect();
    let all = experiment::jobs(&points);
    let runs = experiment::execute(&points, &all, Some(jobs), |_| Ok::<(), Error>(()))
        .map_err(|e| Error::failed(format!("cannot start threads: {e}"), "--jobs"))??;
    Ok(runs.into_iter().map(|r| r.digest).collect())
}

fn summarise(request: &Request<'_>, runs: &[RunRecord], started: Instant) -> Summary {
    let e = request.experiment;
    let first = &e.points[0].scenario;
    let scenario = toml::from_str(&first.effective.to_toml()).unwrap_or_default();
    let header = ExperimentHeader {
        name: e.name.clone(),
        provenance: provenance(request.file, request.overrides, started.elapsed()),
        axes: e.axes.iter().map(|a| a.key.clone()).collect(),
        scenario,
    };
    let point = |(i, p): (usize, &Point)| {
        let own: Vec<&RunRecord> = runs.iter().filter(|r| r.point as usize == i).collect();
        PointHeader {
            labels: p.labels.clone(),
            protocol: p.scenario.protocol.to_owned(),
            error: None,
            slo: objectives(&p.scenario, &own),
        }
    };
    Summary::from_runs(header, e.points.iter().enumerate().map(point).collect(), runs)
}

/// The point's objectives, each by the mean over its replications.
fn objectives(s: &Scenario, runs: &[&RunRecord]) -> Vec<SloOutcome> {
    let Some(slo) = &s.slo else { return vec![] };
    let mean = |f: &dyn Fn(&RunRecord) -> Option<f64>| {
        let values: Option<Vec<f64>> = runs.iter().map(|r| f(r)).collect();
        values.filter(|v| !v.is_empty()).map(|v| v.iter().sum::<f64>() / v.len() as f64)
    };
    let mut list = vec![];
    if let Some(limit) = slo.latency_p99 {
        let (limit, measured) = (limit.as_secs_f64() * 1e3, mean(&|r| r.latency.quantile_ms(0.99)));
        let met = measured.is_some_and(|m| m <= limit);
        list.push(SloOutcome { key: "latency_p99".into(), limit, measured, met });
    }
    if let Some(limit) = slo.success_rate {
        let measured = mean(&|r| r.cohort.success_rate());
        let met = measured.is_some_and(|m| m >= limit);
        list.push(SloOutcome { key: "success_rate".into(), limit, measured, met });
    }
    if let Some(limit) = slo.throughput_tx_per_s {
        let measured = mean(&|r| Some(r.rates.throughput_tx_per_s));
        let met = measured.is_some_and(|m| m >= limit);
        list.push(SloOutcome { key: "throughput_tx_per_s".into(), limit, measured, met });
    }
    list
}

fn exit(summary: &Summary) -> Exit {
    let verdicts = summary.points.iter().map(|p| if p.verdict.failed() { Exit::CheckFailed } else { Exit::Fine });
    let points = if summary.failed_points() > 0 { Exit::PointsFailed } else { Exit::Fine };
    let slo = if summary.slo_met() { Exit::Fine } else { Exit::SloMissed };
    verdicts.fold(points.worse(slo), Exit::worse)
}

/// Every failed replication with its seed and the command that shows it again.
fn complaints(request: &Request<'_>, summary: &Summary) -> Vec<String> {
    let mut list = vec![];
    for (p, point) in summary.points.iter().zip(&request.experiment.points) {
        for r in p.replications.iter().filter(|r| r.verdict.failed()) {
            let swept = point.labels.iter().map(|(k, v)| format!("{k}={v}"));
            let sets: Vec<String> = request.overrides.iter().cloned().chain(swept).collect();
            let sets: String = sets.iter().map(|s| format!(" --set '{s}'")).collect();
            list.push(format!(
                "{}: replication {} failed: {}\nhint: reproduce it with ledgerlab run {}{sets} --set sweep.axes={{}} \
                 --set run.replications=1 --seed {}",
                label(point),
                r.replication + 1,
                r.verdict,
                request.file.display(),
                r.seed
            ));
        }
        let missed = p.slo.iter().filter(|s| !s.met);
        list.extend(missed.map(|s| {
            let measured = s.measured.map_or("no value".to_owned(), |m| format!("{m:.4}"));
            format!("{}: slo.{} is missed: limit {}, measured {measured}", label(point), s.key, s.limit)
        }));
        if let Verdict::Stalled { text, .. } | Verdict::OutsideFaultModel { text } = &p.verdict {
            list.push(format!("{}: {text}", label(point)));
        }
    }
    list
}

fn label(point: &Point) -> String {
    if point.labels.is_empty() {
        return point.scenario.protocol.to_owned();
    }
    let parts: Vec<String> = point.labels.values().cloned().collect();
    parts.join(" ")
}

fn of_report(e: reports::Error) -> Error {
    let exit = match e {
        reports::Error::Occupied { .. } | reports::Error::Foreign { .. } | reports::Error::OtherCheckpoint { .. } => {
            Exit::Usage
        }
        _ => Exit::Failed,
    };
    let hint = e.hint().map(str::to_owned);
    let error = Error::new(exit, e.to_string(), "output folder");
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}
