//! Does the run still commit? If not: is that explained, and was it inside the fault model?
//!
//! A run *stalls* if it ends with work that has waited for longer than the protocol's bound without any commit, or
//! if something was submitted and nothing ever committed. Work waits from the last commit that left some, else from
//! the first submission after it; that a pool has dropped it since does not end the wait. A stall is explained by
//! faults beyond what the protocol tolerates, by a change - a crash, a restart, a heal - less than the bound before
//! the end, or by overload. Faults within the tolerated stake explain nothing: the protocol promises to live with
//! them.

use std::fmt;

use ledgerlab_consensus::{Span, Stake, Time};

use super::{Outcome, Violation};
use crate::fault::FaultPlan;

/// Why nothing committed at the end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    /// More stake was faulty than the protocol tolerates.
    Faults,
    /// The last change of the fault plan was too recent to have recovered from.
    Recovering,
    /// More was offered than the system carries.
    Overload,
}

/// The verdict on a run's liveness.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Verdict {
    /// Since when nothing committed, where the run stalled.
    pub stalled_since: Option<Time>,
    /// What explains it.
    pub cause: Option<Cause>,
    /// The most stake that was faulty at once.
    pub faulty: Stake,
    /// The most that the protocol tolerates.
    pub tolerated: Stake,
}

impl Verdict {
    /// Whether the run stalled.
    pub fn stalled(&self) -> bool {
        self.stalled_since.is_some()
    }
    /// Whether more was faulty than the protocol tolerates: liveness was not promised.
    pub fn outside_fault_model(&self) -> bool {
        self.faulty > self.tolerated
    }
    /// An unexplained stall is a violation.
    pub fn outcome(&self, end: Time) -> Outcome {
        match (self.stalled_since, self.cause) {
            (Some(since), None) => {
                let what = format!("{self}: nothing committed since {:.3} s", since.as_secs_f64());
                Err(Violation { check: "liveness", at: end, node: None, what })
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.stalled() { "stalled" } else { "live" })?;
        match self.cause {
            Some(Cause::Faults) => f.write_str(", explained by faults")?,
            Some(Cause::Recovering) => f.write_str(", still recovering from a fault")?,
            Some(Cause::Overload) => f.write_str(", explained by overload")?,
            None if self.stalled() => f.write_str(", unexplained")?,
            None => {}
        }
        if self.outside_fault_model() {
            write!(f, ", outside the fault model: stake {} faulty, {} tolerated", self.faulty.0, self.tolerated.0)?;
        }
        Ok(())
    }
}

/// The observer of commits.
#[derive(Clone, Debug, Default)]
pub struct Liveness {
    commits: u64,
    last: Time,
    waiting_since: Option<Time>,
}

impl Liveness {
    /// Nothing was submitted, nothing has committed.
    pub fn new() -> Liveness {
        Liveness::default()
    }
    /// A transaction was submitted.
    pub fn submit(&mut self, at: Time) {
        self.waiting_since.get_or_insert(at);
    }
    /// A block with transactions became final, first at any node; `left` says whether others still wait.
    /// Calls come in order of time.
    pub fn commit(&mut self, at: Time, left: bool) {
        self.last = self.last.max(at);
        self.commits += 1;
        self.waiting_since = left.then_some(self.last);
    }
    /// The last commit.
    pub fn last(&self) -> Option<Time> {
        (self.commits > 0).then_some(self.last)
    }

    /// The verdict on a run that ends at `end`. `bound` is the time in which the protocol owes a commit, its
    /// [`ledgerlab_consensus::Protocol::recovery_bound`] where it states one; `stake` is by node; `overload` says
    /// whether more was offered than the system carried.
    pub fn verdict(
        &self,
        end: Time,
        bound: Span,
        overload: bool,
        plan: &FaultPlan,
        stake: &[Stake],
        tolerated: Stake,
    ) -> Verdict {
        let faults = plan.faulty_stake(stake);
        let owed = Time(end.0.saturating_sub(bound.0));
        let stalled_since = self.waiting_since.filter(|since| self.commits == 0 || *since < owed);
        let beyond = || faults.beyond(tolerated).iter().any(|w| w.from < end && w.to > owed);
        let changed = || plan.timeline().iter().any(|c| c.0 >= owed && c.0 < end);
        let cause = stalled_since.and_then(|_| match () {
            () if beyond() => Some(Cause::Faults),
            () if changed() => Some(Cause::Recovering),
            () => overload.then_some(Cause::Overload),
        });
        Verdict { stalled_since, cause, faulty: faults.worst(end).0, tolerated }
    }
}

#[cfg(test)]
mod tests;
