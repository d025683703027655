//! An experiment in one document: its provenance, its definitions, and each sweep point over its replications.
//!
//! This is the schema of `summary.json`. A field is added freely; one that changes its meaning or goes needs a higher
//! [`SCHEMA`].

use super::block::{BlockStats, MessageCount};
use super::latency::{LatencyHistogram, LatencySummary, Percentile, Stages};
use super::metric::METRICS;
use super::node::NodeUse;
use super::run::{CheckOutcome, Cohort, FaultWindow, FinalityRecord, RunRecord, Window, WorkloadRecord};
use super::series::Series;
use super::statistics::{Estimate, mean};
use super::storage::StorageRecord;
use super::verdict::Verdict;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Version of the document's schema.
pub const SCHEMA: u32 = 1;

/// Rows of a point's percentile table for each halving of the distance to 100 %.
const TICKS: u32 = 10;

/// A whole experiment.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Summary {
    /// Version of this schema.
    pub schema: u32,
    /// Name of the scenario.
    pub name: String,
    /// Worst verdict of all points.
    pub verdict: Verdict,
    /// How the result came about.
    pub provenance: Provenance,
    /// Names of the sweep's axes in the scenario's order; empty without a sweep.
    pub axes: Vec<String>,
    /// Unit and definition of every metric, by name.
    pub definitions: BTreeMap<String, Definition>,
    /// One a sweep point, in the sweep's order; one without a sweep.
    pub points: Vec<PointSummary>,
    /// The scenario in effect: after `extends`, `--set` and defaults.
    pub scenario: toml::Table,
}

/// What is known before the runs.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct ExperimentHeader {
    /// Name of the scenario.
    pub name: String,
    /// How the result came about.
    pub provenance: Provenance,
    /// Names of the sweep's axes in the scenario's order.
    pub axes: Vec<String>,
    /// The scenario in effect.
    pub scenario: toml::Table,
}

/// What is known of a point before its runs.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct PointHeader {
    /// Value on each axis, by the axis' name.
    pub labels: BTreeMap<String, String>,
    /// Id of the protocol.
    pub protocol: String,
    /// Why the point has no result, if it has none.
    pub error: Option<String>,
    /// Service level objectives with what came of them.
    pub slo: Vec<SloOutcome>,
}

/// Where, when and by what a result was made. None of it reaches a digest.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Provenance {
    /// Version of ledgerlab.
    pub version: String,
    /// Commit that it was built from, if known.
    pub commit: Option<String>,
    /// Processor, cores and operating system.
    pub host: String,
    /// Wall time of the run, seconds; of one that was resumed the sum of its parts, each up to its last replication.
    pub wall_s: f64,
    /// Command that gives the same figures.
    pub command: String,
}

/// A metric's meaning.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Definition {
    /// Unit; empty for a share or a count.
    pub unit: String,
    /// What is measured.
    pub definition: String,
}

/// An objective and whether it was met.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct SloOutcome {
    /// Key in the scenario's `[slo]`.
    pub key: String,
    /// The limit, in the metric's unit.
    pub limit: f64,
    /// What was measured; `None` where the figure does not exist.
    pub measured: Option<f64>,
    /// Whether it was met.
    pub met: bool,
}

/// One sweep point over its replications.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct PointSummary {
    /// Value on each axis, by the axis' name.
    pub labels: BTreeMap<String, String>,
    /// Id of the protocol.
    pub protocol: String,
    /// The worst of its replications, its objectives and its lack of a result.
    pub verdict: Verdict,
    /// Why the point has no result, if it has none.
    pub error: Option<String>,
    /// Service level objectives with what came of them.
    pub slo: Vec<SloOutcome>,
    /// When a transaction was final.
    pub finality: FinalityRecord,
    /// Warm-up, window and the longest drain.
    pub window: Window,
    /// Mean and 95 % confidence interval of every metric; `None` where no replication has the figure.
    pub metrics: BTreeMap<String, Option<Estimate>>,
    /// Outcomes of the cohorts, summed.
    pub cohort: Cohort,
    /// Time to finality, replications pooled.
    pub latency: LatencySummary,
    /// Percentile table of the same.
    pub percentiles: Vec<Percentile>,
    /// Time to the client's reply, pooled.
    pub client_reply: LatencySummary,
    /// Time to a read's last byte, pooled.
    pub reads: LatencySummary,
    /// Means of the stages, averaged over replications.
    pub stages: Option<Stages>,
    /// One row a workload, pooled.
    pub workloads: Vec<WorkloadSummary>,
    /// Bytes by class, averaged.
    pub storage: StorageRecord,
    /// One row a node, averaged.
    pub nodes: Vec<NodeUse>,
    /// Blocks: counts summed, means averaged.
    pub blocks: BlockStats,
    /// Messages by kind, summed.
    pub messages: Vec<MessageCount>,
    /// What happened over time, averaged.
    pub series: Series,
    /// When which fault acted; one that never ended lasts as long as the longest replication.
    pub faults: Vec<FaultWindow>,
    /// What a reader should know, each said once.
    pub warnings: Vec<String>,
    /// Each replication.
    pub replications: Vec<ReplicationSummary>,
}

/// One workload of a point.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct WorkloadSummary {
    /// The user's name for it.
    pub name: String,
    /// Outcomes, summed over replications.
    pub cohort: Cohort,
    /// Time to finality, pooled.
    pub latency: LatencySummary,
}

/// What identifies a replication and says whether to believe it.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct ReplicationSummary {
    /// Its index, from 0.
    pub replication: u32,
    /// Its seed.
    pub seed: u64,
    /// Its RunDigest, hexadecimal.
    pub digest: String,
    /// Its verdict.
    pub verdict: Verdict,
    /// Checks that ran.
    pub checks: Vec<CheckOutcome>,
    /// Events that the kernel handled: arrivals of messages, and what hosts do by themselves.
    pub events: u64,
    /// Messages delivered to a replica.
    pub deliveries: u64,
}

impl Summary {
    /// Summarises the runs, which say by `RunRecord::point` which of `points` they belong to.
    #[must_use]
    pub fn from_runs(header: ExperimentHeader, points: Vec<PointHeader>, runs: &[RunRecord]) -> Self {
        let point = |(index, header): (usize, PointHeader)| {
            let mut own: Vec<_> = runs.iter().filter(|run| run.point as usize == index).collect();
            own.sort_by_key(|run| run.replication);
            PointSummary::from_runs(header, &own)
        };
        let points: Vec<_> = points.into_iter().enumerate().map(point).collect();
        let verdict = worst(points.iter().map(|point| &point.verdict));
        let definition = |unit: &str, definition: &str| Definition { unit: unit.into(), definition: definition.into() };
        let definitions = METRICS.iter().map(|m| (m.name.to_owned(), definition(m.unit, m.definition))).collect();
        let ExperimentHeader { name, provenance, axes, scenario } = header;
        Self { schema: SCHEMA, name, verdict, provenance, axes, definitions, points, scenario }
    }

    /// Enters what came of every point's objectives, which changes verdicts.
    pub fn judge(&mut self, outcomes: impl Fn(usize, &PointSummary) -> Vec<SloOutcome>) {
        for (index, point) in self.points.iter_mut().enumerate() {
            point.slo = outcomes(index, point);
            point.verdict = point.judged();
        }
        self.verdict = worst(self.points.iter().map(|point| &point.verdict));
    }

    /// Number of points that have no result.
    #[must_use]
    pub fn failed_points(&self) -> usize {
        self.points.iter().filter(|point| point.error.is_some()).count()
    }

    /// Whether every objective of every point was met; true without objectives.
    #[must_use]
    pub fn slo_met(&self) -> bool {
        self.points.iter().flat_map(|point| &point.slo).all(|slo| slo.met)
    }
}

impl PointSummary {
    /// Summarises the replications of one point, in the order in which they are to be listed.
    #[must_use]
    pub fn from_runs(header: PointHeader, runs: &[&RunRecord]) -> Self {
        let latency = LatencyHistogram::pooled(runs.iter().map(|run| &run.latency));
        let first = runs.first();
        let mut point = Self {
            labels: header.labels,
            protocol: header.protocol,
            verdict: Verdict::Ok,
            error: header.error,
            slo: header.slo,
            finality: first.map(|run| run.finality.clone()).unwrap_or_default(),
            window: longest_window(runs),
            metrics: METRICS.iter().map(|m| (m.name.to_owned(), estimate(runs, m.of))).collect(),
            cohort: Cohort::summed(runs.iter().map(|run| &run.cohort)),
            latency: latency.summary(),
            percentiles: latency.percentiles(TICKS),
            client_reply: LatencyHistogram::pooled(runs.iter().map(|run| &run.client_reply)).summary(),
            reads: LatencyHistogram::pooled(runs.iter().map(|run| &run.reads.latency)).summary(),
            stages: mean_stages(runs),
            workloads: pooled_workloads(runs),
            storage: StorageRecord::mean(&runs.iter().map(|run| &run.storage).collect::<Vec<_>>()),
            nodes: NodeUse::mean(&runs.iter().map(|run| run.nodes.as_slice()).collect::<Vec<_>>()),
            blocks: BlockStats::pooled(&runs.iter().map(|run| &run.blocks).collect::<Vec<_>>()),
            messages: MessageCount::summed(runs.iter().flat_map(|run| &run.messages)),
            series: Series::mean(&runs.iter().map(|run| &run.series).collect::<Vec<_>>()),
            faults: longest_faults(runs),
            warnings: distinct_warnings(runs),
            replications: runs.iter().map(|run| ReplicationSummary::of(run)).collect(),
        };
        point.verdict = point.judged();
        point
    }

    /// The worst verdict of the replications alone.
    #[must_use]
    pub fn run_verdict(&self) -> Verdict {
        worst(self.replications.iter().map(|run| &run.verdict))
    }

    /// The worst of the replications, the objectives and the lack of a result.
    fn judged(&self) -> Verdict {
        let missed: Vec<_> = self.slo.iter().filter(|slo| !slo.met).map(SloOutcome::words).collect();
        let missed = (!missed.is_empty()).then(|| Verdict::SloMissed { text: missed.join(", ") });
        let failed = self.error.clone().map(|text| Verdict::Failed { text });
        worst([Some(self.run_verdict()), missed, failed].iter().flatten())
    }

    /// Estimate of a metric by name; `None` where the figure does not exist or no metric has that name.
    #[must_use]
    pub fn metric(&self, name: &str) -> Option<Estimate> {
        self.metrics.get(name).copied().flatten()
    }
}

impl SloOutcome {
    /// Key, measurement and limit.
    fn words(&self) -> String {
        let measured = self.measured.map_or_else(|| "not measured".to_owned(), |measured| measured.to_string());
        format!("{} {measured} (limit {})", self.key, self.limit)
    }
}

impl ReplicationSummary {
    fn of(run: &RunRecord) -> Self {
        Self {
            replication: run.replication,
            seed: run.seed,
            digest: run.digest.clone(),
            verdict: run.verdict.clone(),
            checks: run.checks.clone(),
            events: run.events,
            deliveries: run.deliveries,
        }
    }
}

fn worst<'a>(verdicts: impl IntoIterator<Item = &'a Verdict>) -> Verdict {
    verdicts.into_iter().fold(&Verdict::Ok, |worst, verdict| worst.worse(verdict)).clone()
}

fn estimate(runs: &[&RunRecord], of: fn(&RunRecord) -> Option<f64>) -> Option<Estimate> {
    Estimate::of(&runs.iter().filter_map(|run| of(run)).collect::<Vec<_>>())
}

fn longest_window(runs: &[&RunRecord]) -> Window {
    let first = runs.first().map(|run| run.window).unwrap_or_default();
    let stopped_s = runs.iter().map(|run| run.window.stopped_s).fold(first.stopped_s, f64::max);
    Window { stopped_s, ..first }
}

/// The plan is the same in all replications; what a run cut short lasts longer in a longer one.
fn longest_faults(runs: &[&RunRecord]) -> Vec<FaultWindow> {
    let mut faults = runs.first().map(|run| run.faults.clone()).unwrap_or_default();
    for run in runs {
        for (fault, same) in faults.iter_mut().zip(&run.faults) {
            fault.to_s = fault.to_s.max(same.to_s);
        }
    }
    faults
}

fn mean_stages(runs: &[&RunRecord]) -> Option<Stages> {
    let stages: Vec<_> = runs.iter().filter_map(|run| run.stages).map(|stages| stages.values_ms()).collect();
    let average = |index: usize| mean(stages.iter().map(|values| values[index])).unwrap_or(0.0);
    (!stages.is_empty()).then(|| Stages::from_values_ms(std::array::from_fn(average)))
}

fn pooled_workloads(runs: &[&RunRecord]) -> Vec<WorkloadSummary> {
    let mut names: Vec<&str> = Vec::new();
    for workload in runs.iter().flat_map(|run| &run.workloads) {
        if !names.contains(&workload.name.as_str()) {
            names.push(&workload.name);
        }
    }
    let pool = |name: &str| {
        let own = || runs.iter().flat_map(|run| &run.workloads).filter(|w: &&WorkloadRecord| w.name == name);
        WorkloadSummary {
            name: name.to_owned(),
            cohort: Cohort::summed(own().map(|w| &w.cohort)),
            latency: LatencyHistogram::pooled(own().map(|w| &w.latency)).summary(),
        }
    };
    names.into_iter().map(pool).collect()
}

/// Each warning once, with the figures of the first replication that has it.
fn distinct_warnings(runs: &[&RunRecord]) -> Vec<String> {
    let wording = |w: &str| -> String { w.chars().filter(|c| !c.is_ascii_digit() && *c != '.').collect() };
    let mut warnings: Vec<String> = Vec::new();
    for warning in runs.iter().flat_map(|run| &run.warnings) {
        if !warnings.iter().any(|w| wording(w) == wording(warning)) {
            warnings.push(warning.clone());
        }
    }
    warnings
}

#[cfg(test)]
mod tests;
