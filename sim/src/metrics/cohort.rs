//! The cohort: transactions planned in the window, their outcomes, latencies and stages, in all and by workload.

use std::ops::Range;

use ledgerlab_consensus::{Span, Time};

use super::latency::Latency;
use crate::record::{Cohort, LatencyHistogram, Stages};
use crate::scenario::Scenario;

/// A transaction that becomes final.
#[derive(Clone, Copy, Debug)]
pub struct Leaving {
    /// When it was planned.
    pub planned: Time,
    /// When its object was stored; the planned time where it has none.
    pub stored: Time,
    /// From then until it is final.
    pub latency: Span,
    /// Workload of the scenario, and kind of record within it.
    pub class: (u16, u8),
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
    /// Transactions of these workloads are planned, within the window.
    pub fn created(&mut self, workloads: impl Iterator<Item = u16>) {
        let (mut last, mut count) = (0, 0);
        for workload in workloads {
            if workload != last {
                self.workloads[last as usize].cohort.created += count;
                (last, count) = (workload, 0);
            }
            count += 1;
        }
        self.workloads[last as usize].cohort.created += count;
    }
    /// It is rejected.
    pub fn rejected(&mut self, sampled: bool, workload: u16) {
        self.workloads[workload as usize].cohort.rejected += u64::from(sampled);
    }
    /// These are final; they are of one workload and kind.
    pub fn committed(&mut self, window: Range<Time>, (workload, kind): (u16, u8), txs: &[Leaving], t: &Times) {
        let deadline = self.deadlines[workload as usize][kind as usize];
        if window.contains(&t.at) {
            let in_time = |tx: &&Leaving| deadline.is_none_or(|d| tx.latency.0 <= d);
            self.committed_in_window += txs.len() as u64;
            self.goodput += txs.iter().filter(in_time).count() as u64;
        }
        let w = &mut self.workloads[workload as usize];
        let (mut count, mut waits) = (0, [0; 2]);
        for tx in txs.iter().filter(|tx| window.contains(&tx.planned)) {
            count += 1;
            w.latency.record(tx.latency);
            waits[0] += u128::from(tx.stored.since(tx.planned).0);
            waits[1] += u128::from(t.ready.since(tx.stored).0);
        }
        w.cohort.committed += count;
        let together = [t.built.since(t.ready), t.commit.since(t.built), t.at.since(t.commit)];
        let [collection, ordering, execution] = together.map(|span| u128::from(span.0) * u128::from(count));
        let passed = [waits[1], collection, ordering, execution, waits[0]];
        self.stages_ns.iter_mut().zip(passed).for_each(|(sum, part)| *sum += part);
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
        Latency::sum(self.workloads.iter().map(|w| &w.latency))
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
