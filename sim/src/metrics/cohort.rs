//! The cohort: transactions planned in the window, their outcomes, latencies and stages, in all and by workload.

use hdrhistogram::Histogram;
use ledgerlab_consensus::{Span, Time};

use crate::record::{Cohort, LatencyHistogram, Stages};
use crate::scenario::Scenario;

/// A latency distribution with an exact sum.
#[derive(Clone, Debug)]
pub struct Latency {
    histogram: Histogram<u64>,
    sum_ns: u64,
}

impl Default for Latency {
    fn default() -> Self {
        Latency { histogram: Histogram::new(3).expect("three digits are allowed"), sum_ns: 0 }
    }
}

impl Latency {
    /// Adds one.
    pub fn record(&mut self, latency: Span) {
        self.histogram.record(latency.0).expect("an auto-resizing histogram takes any value");
        self.sum_ns = self.sum_ns.saturating_add(latency.0);
    }
    /// Adds those of another.
    fn add(&mut self, other: &Latency) {
        self.histogram.add(&other.histogram).expect("an auto-resizing histogram takes any value");
        self.sum_ns = self.sum_ns.saturating_add(other.sum_ns);
    }
    /// As a figure of results.
    pub fn figures(&self) -> LatencyHistogram {
        LatencyHistogram::from_hdr(&self.histogram, self.sum_ns)
    }
}

/// When the transactions of a part of a batch passed each stage.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// Their batch was verified at the gateway.
    pub ready: Time,
    /// Their payload was put together.
    pub built: Time,
    /// The nodes that the rule asks for had committed.
    pub commit: Time,
    /// They had executed too: the transactions are final.
    pub at: Time,
}

#[derive(Clone, Debug, Default)]
struct Workload {
    cohort: Cohort,
    latency: Latency,
}

/// Counts and latencies of the cohort.
#[derive(Clone, Debug)]
pub struct Cohorts {
    workloads: Vec<Workload>,
    deadlines: Vec<Vec<Option<u64>>>,
    stages_ns: [u128; 5],
    committed_in_window: u64,
    goodput: u64,
    names: Vec<String>,
}

impl Cohorts {
    /// Of a scenario's workloads.
    pub fn new(s: &Scenario) -> Cohorts {
        let deadlines =
            |w: &ledgerlab_workloads::WorkloadSpec| (0..w.kind.records.len() as u8).map(|k| w.deadline_ns(k)).collect();
        Cohorts {
            workloads: vec![Workload::default(); s.workloads.len()],
            deadlines: s.workloads.iter().map(deadlines).collect(),
            stages_ns: [0; 5],
            committed_in_window: 0,
            goodput: 0,
            names: s.workloads.iter().map(|w| w.name.clone()).collect(),
        }
    }
    /// A transaction is planned.
    pub fn created(&mut self, sampled: bool, workload: u16) {
        self.workloads[workload as usize].cohort.created += u64::from(sampled);
    }
    /// It is rejected.
    pub fn rejected(&mut self, sampled: bool, workload: u16) {
        self.workloads[workload as usize].cohort.rejected += u64::from(sampled);
    }
    /// It is final.
    #[expect(clippy::too_many_arguments, reason = "one transaction's columns")]
    pub fn committed(
        &mut self,
        sampled: bool,
        in_window: bool,
        workload: u16,
        kind: u8,
        planned: Time,
        stored: Time,
        t: &Times,
    ) {
        let latency = t.at.since(planned);
        let in_time = self.deadlines[workload as usize][kind as usize].is_none_or(|d| latency.0 <= d);
        self.committed_in_window += u64::from(in_window);
        self.goodput += u64::from(in_window && in_time);
        if !sampled {
            return;
        }
        let w = &mut self.workloads[workload as usize];
        w.cohort.committed += 1;
        w.latency.record(latency);
        let passed = [planned, stored, t.ready, t.built, t.commit, t.at];
        for (i, stage) in [4, 0, 1, 2, 3].into_iter().enumerate() {
            self.stages_ns[stage] += u128::from(passed[i + 1].since(passed[i]).0);
        }
    }
    /// Transactions of the cohort without an outcome.
    pub fn waiting(&self) -> u64 {
        let c = self.total();
        c.created - c.committed - c.rejected - c.expired
    }
    /// The cohort's classes so far; what waits is not classified.
    pub fn total(&self) -> Cohort {
        Cohort::summed(self.workloads.iter().map(|w| &w.cohort))
    }
    /// Every transaction without an outcome becomes pending or expired.
    pub fn close(&mut self, expired: &[u64]) {
        for (w, expired) in self.workloads.iter_mut().zip(expired) {
            let c = &mut w.cohort;
            c.expired = *expired;
            c.pending = c.created - c.committed - c.rejected - c.expired;
        }
    }
    /// (name, classes, latencies) of each workload.
    pub fn workloads(&self) -> impl Iterator<Item = (&str, Cohort, LatencyHistogram)> {
        self.names.iter().zip(&self.workloads).map(|(n, w)| (n.as_str(), w.cohort, w.latency.figures()))
    }
    /// Latencies of the cohort.
    pub fn latency(&self) -> LatencyHistogram {
        let mut all = Latency::default();
        self.workloads.iter().for_each(|w| all.add(&w.latency));
        all.figures()
    }
    /// Mean time in each stage.
    pub fn stages(&self) -> Option<Stages> {
        let n = self.total().committed;
        (n > 0).then(|| Stages::from_values_ms(self.stages_ns.map(|s| s as f64 / n as f64 / 1e6)))
    }
    /// Transactions, and those within their deadline, that became final in the window.
    pub fn in_window(&self) -> (u64, u64) {
        (self.committed_in_window, self.goodput)
    }
}
