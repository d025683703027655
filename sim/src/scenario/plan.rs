//! What the workloads plan for a run, and which key makes it too much.

use ledgerlab_consensus::Span;
use ledgerlab_workloads::{Expected, WorkloadSpec, expected_between};

use crate::scenario::problem::{Flaw, listed};
use crate::scenario::reader::Reader;
use crate::scenario::run::{DEFAULT_DURATION, DEFAULT_WARMUP};

/// A run keeps about 40 bytes for each planned transaction: more than this many would not fit a usual machine.
pub(crate) const MOST_TRANSACTIONS: f64 = 50e6;

/// The open loops of a run; closed ones plan nothing.
pub(crate) struct Plan<'a> {
    pub(crate) workloads: &'a [WorkloadSpec],
    pub(crate) load: f64,
    /// In the week.
    pub(crate) start: Span,
    pub(crate) warmup: Span,
    pub(crate) duration: Span,
    /// Warm-up, duration, and what follows until the last transaction is final.
    pub(crate) length: Span,
}

/// A key, with how many times more its value plans than its default would.
struct Factor {
    key: Vec<String>,
    times: f64,
}

impl Plan<'_> {
    /// All that is planned.
    pub(crate) fn expected(&self) -> Expected {
        let mut all = Expected::default();
        self.workloads.iter().filter_map(|w| self.of(w)).for_each(|one| all += one);
        all
    }

    fn of(&self, workload: &WorkloadSpec) -> Option<Expected> {
        expected_between(workload, self.load, self.start.0, self.start.0 + self.length.0)
    }

    fn writes(&self, workload: &WorkloadSpec) -> f64 {
        self.of(workload).map_or(0.0, |planned| planned.writes)
    }

    /// Refuses a plan that would not fit into memory, at the key that makes it so large.
    pub(crate) fn check(&self, r: &mut Reader<'_, '_>) {
        let writes = self.expected().writes;
        if writes <= MOST_TRANSACTIONS {
            return;
        }
        let mut factors = self.factors();
        factors.retain(|f| f.times > 1.0 && r.written(&path(&f.key)));
        factors.sort_by(|a, b| b.times.total_cmp(&a.times));
        let flaw = Flaw::new(format!("the workloads plan about {writes:.0} transactions"));
        let flaw = flaw.limit(format!("at most {MOST_TRANSACTIONS:.0} in a run"));
        let others: Vec<String> = factors.iter().skip(1).map(|f| format!("`{}`", f.key.join("."))).collect();
        let hint = match factors.first() {
            Some(_) if others.is_empty() => "lower it".to_owned(),
            Some(_) => format!("lower it, or {}", listed(others.iter().map(String::as_str), 6)),
            None => "shorten run.duration".to_owned(),
        };
        let largest = factors.first().map_or(vec!["workload"], |f| path(&f.key));
        r.report_at(&largest, flaw.hint(hint));
    }

    /// The keys that the plan of the largest workload follows from.
    fn factors(&self) -> Vec<Factor> {
        let Some(largest) = self.workloads.iter().max_by(|a, b| self.writes(a).total_cmp(&self.writes(b))) else {
            return Vec::new();
        };
        let factor = |key: &[&str], times: f64| Factor { key: key.iter().map(|&part| part.into()).collect(), times };
        let without = |written: Span, default: Span| {
            let length_s = self.length.as_secs_f64();
            length_s / (length_s - written.as_secs_f64() + default.as_secs_f64()).max(1e-9)
        };
        let own = |key: &str, times: f64| factor(&["workload", &largest.name, key], times);
        let mut factors = vec![
            factor(&["load"], self.load),
            factor(&["run", "duration"], without(self.duration, DEFAULT_DURATION)),
            factor(&["run", "warmup"], without(self.warmup, DEFAULT_WARMUP)),
            own("multiplier", largest.multiplier),
            own("hospitals", if largest.kind.per_hospital { f64::from(largest.hospitals) } else { 1.0 }),
        ];
        let writes = self.writes(largest);
        factors.extend(largest.kind.params.iter().filter_map(|param| {
            let mut usual = largest.clone();
            usual.set(param.name, param.default).ok()?;
            Some(own(param.name, writes / self.writes(&usual).max(1e-9)))
        }));
        factors
    }
}

fn path(key: &[String]) -> Vec<&str> {
    key.iter().map(String::as_str).collect()
}
