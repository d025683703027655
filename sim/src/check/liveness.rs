//! Does the run commit when it owes to? If not: is that explained, and was it inside the fault model?
//!
//! A run *stalls* if it ends with work that has waited for longer than the protocol's bound without any commit, or
//! if something was submitted and nothing ever committed. Work waits from the last commit that left some, else from
//! the first submission after it; that a pool has dropped it since does not end the wait. A stall is explained by
//! faults beyond what the protocol tolerates, by a change - a crash, a restart, a heal - less than the bound before
//! the end, or by overload. Faults within the tolerated stake explain nothing: the protocol promises to live with
//! them.
//!
//! A *silence* is a stretch longer than the bound without a commit, even if commits resume. It counts from when a
//! node that is up and with the majority takes a transaction into its pool, up to the next commit, the next change
//! of the fault plan (after which the protocol has its bound anew), the end, or when the pool drops the last of them.
//! While more is faulty than is tolerated no node counts. Work that is held elsewhere - by a client, in an object
//! store, by a node that is cut off - begins no silence. One that overload does not explain is a violation, too.
//! Overload explains all of a run that carried less than was offered, and of any other the time for which links of
//! more stake than is tolerated were full.
//!
//! Limits: of transactions taken within a quarter of a second only the first is kept, so a silence may be found so much
//! too short.

mod choked;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;

use ledgerlab_consensus::{NodeId, Span, Stake, Time};

use super::{Outcome, Violation};
use crate::fault::{FaultPlan, Sound, Window};
use choked::Choked;

/// How fine the times are told at which transactions were taken.
const CELL: Span = Span::millis(250);

/// Why nothing committed at the end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    /// More stake was faulty than the protocol tolerates.
    Faults,
    /// The last change of the fault plan was too recent to have recovered from.
    Recovering,
    /// More was offered than the system carries.
    Overload,
    /// Nothing committed, and with so much loss the bound is longer than the run.
    Loss,
}

impl Cause {
    fn words(self) -> &'static str {
        match self {
            Cause::Faults => "explained by faults",
            Cause::Recovering => "still recovering from a fault",
            Cause::Overload => "explained by overload",
            Cause::Loss => "explained by losses: a commit is not owed within the run",
        }
    }
}

/// The verdict on a run's liveness.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Verdict {
    /// Since when nothing committed, where the run stalled.
    pub stalled_since: Option<Time>,
    /// Whether that is so only of what was measured: what came before it went first, and still commits.
    pub starved: bool,
    /// What explains it.
    pub cause: Option<Cause>,
    /// The longest silence that nothing explains.
    pub silence: Option<Window>,
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
    /// Whether the protocol owed a commit that did not come.
    pub fn failed(&self) -> bool {
        (self.stalled() && self.cause.is_none()) || self.silence.is_some()
    }
    /// An unexplained stall or silence is a violation.
    pub fn outcome(&self, end: Time) -> Outcome {
        if !self.failed() {
            return Ok(());
        }
        Err(Violation { check: "liveness", at: end, node: None, what: self.to_string() })
    }
}

/// What happened and why, to stand behind the verdict's word; empty where all is well.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stall = self.stalled_since.map(|since| {
            let cause = self.cause.map_or("unexplained", Cause::words);
            if self.starved {
                return format!("nothing that was measured committed: what came before it went first, {cause}");
            }
            format!("nothing committed since {:.3} s, {cause}", since.as_secs_f64())
        });
        let silence = self.silence.map(|Window { from, to }| {
            let (length, from, to) = (to.since(from).as_secs_f64(), from.as_secs_f64(), to.as_secs_f64());
            format!("nothing committed from {from:.3} s to {to:.3} s, {length:.3} s unexplained")
        });
        let beyond = self
            .outside_fault_model()
            .then(|| format!("stake {} was faulty, {} is tolerated", self.faulty.0, self.tolerated.0));
        f.write_str(&[stall, silence, beyond].into_iter().flatten().collect::<Vec<_>>().join("; "))
    }
}

/// The observer of commits.
#[derive(Clone, Debug)]
pub struct Liveness {
    bound: Span,
    expiry: Span,
    sound: Sound,
    stake: Vec<Stake>,
    tolerated: Stake,
    choked: Choked,
    /// The longest stretch beyond the bound that full links explain.
    jam: Option<Window>,
    commits: u64,
    last: Time,
    waiting_since: Option<Time>,
    /// The first admission at a sound node in each [`CELL`] since the last commit.
    admitted: BTreeMap<u64, Time>,
    /// Stretches longer than the bound, in order of time.
    silences: Vec<Window>,
}

impl Liveness {
    /// Nothing was submitted, nothing has committed. A commit is owed within `bound`, the protocol's
    /// [`ledgerlab_consensus::Protocol::recovery_bound`] where it states one, to what `sound` nodes have; a pool
    /// drops a transaction after `expiry`. `stake` is by node.
    pub fn new(bound: Span, expiry: Span, sound: Sound, stake: &[Stake], tolerated: Stake) -> Liveness {
        Liveness {
            bound,
            expiry,
            sound,
            stake: stake.to_vec(),
            tolerated,
            choked: Choked::default(),
            jam: None,
            commits: 0,
            last: Time::ZERO,
            waiting_since: None,
            admitted: BTreeMap::new(),
            silences: vec![],
        }
    }
    /// Time in which a commit is owed.
    pub fn bound(&self) -> Span {
        self.bound
    }
    /// A node has taken a transaction into its pool; calls may come in any order until the next commit.
    pub fn admit(&mut self, at: Time, node: NodeId) {
        let known = self.admitted.get(&(at.0 / CELL.0)).is_some_and(|first| *first <= at);
        if !known && self.sound.has(node, at) {
            self.admitted.insert(at.0 / CELL.0, at);
        }
    }
    /// Whether nothing has committed for longer than the bound, so that full links are to be shown before the next
    /// commit.
    pub fn is_silent(&self, now: Time) -> bool {
        now.since(self.last) > self.bound
    }
    /// A link of a node has been full for this long, and may still be.
    pub fn full(&mut self, node: NodeId, full: Window) {
        let stake = self.stake.get(node.0 as usize).copied().unwrap_or_default();
        self.choked.note(node, stake, full);
    }
    /// A transaction was submitted.
    pub fn submit(&mut self, at: Time) {
        self.waiting_since.get_or_insert(at);
    }
    /// A block with transactions became final, first at any node; `left` says whether others still wait.
    /// Calls come in order of time.
    pub fn commit(&mut self, at: Time, left: bool) {
        self.silences.extend(self.silences_until(at));
        self.jam = self.jam_until(at);
        self.admitted.retain(|_, first| *first > at);
        self.choked.forget(at);
        self.last = self.last.max(at);
        self.commits += 1;
        self.waiting_since = left.then_some(self.last);
    }
    /// The longest stretch up to `end` in which commits were owed and did not come since links were full.
    pub fn jam_until(&self, end: Time) -> Option<Window> {
        let new = self.stretches_until(end).into_iter().filter(|w| self.chokes(*w));
        self.jam.into_iter().chain(new).max_by_key(|w| (w.to.since(w.from), Reverse(w.from)))
    }
    /// Stretches longer than the bound since the last commit, up to `at`, that full links do not explain.
    fn silences_until(&self, at: Time) -> Vec<Window> {
        let mut stretches = self.stretches_until(at);
        stretches.retain(|w| self.is_too_long(*w));
        stretches
    }
    /// Stretches longer than the bound since the last commit, up to `at`.
    fn stretches_until(&self, at: Time) -> Vec<Window> {
        let mut stretches: Vec<Window> = vec![];
        for &from in self.admitted.values().take_while(|first| **first < at) {
            let change = self.sound.next_change(from).unwrap_or(Time::NEVER);
            let to = Time(from.0.saturating_add(self.expiry.0)).min(change).min(at);
            match stretches.last_mut() {
                Some(last) if from < last.to => last.to = last.to.max(to),
                _ => stretches.push(Window { from, to }),
            }
        }
        stretches.retain(|w| w.to.since(w.from) > self.bound);
        stretches
    }
    /// Whether full links explain that nothing commits.
    fn chokes(&self, w: Window) -> bool {
        self.choked.within(w, self.tolerated) > Span::ZERO && !self.is_too_long(w)
    }
    fn is_too_long(&self, w: Window) -> bool {
        w.to.since(w.from) > self.bound + self.choked.within(w, self.tolerated)
    }
    /// Stretches longer than the bound in which work waited and nothing committed, in a run that ends at `end`.
    pub fn silences(&self, end: Time) -> Vec<Window> {
        [self.silences.as_slice(), &self.silences_until(end)].concat()
    }
    /// The last commit.
    pub fn last(&self) -> Option<Time> {
        (self.commits > 0).then_some(self.last)
    }

    /// The verdict on a run that ends at `end`; `overload` says whether more was offered than the system carried.
    pub fn verdict(&self, end: Time, overload: bool, plan: &FaultPlan) -> Verdict {
        let (stake, tolerated) = (&self.stake, self.tolerated);
        let faults = plan.faulty_stake(stake);
        let owed = Time(end.0.saturating_sub(self.bound.0));
        let stalled_since = self.waiting_since.filter(|since| self.commits == 0 || *since < owed);
        let beyond = || faults.beyond(tolerated).iter().any(|w| w.from < end && w.to > owed);
        let changed = || plan.timeline().iter().any(|c| c.0 >= owed && c.0 < end);
        let cause = stalled_since.and_then(|since| match () {
            () if beyond() => Some(Cause::Faults),
            () if changed() => Some(Cause::Recovering),
            () => (overload || self.chokes(Window { from: since, to: end })).then_some(Cause::Overload),
        });
        // What lasts to the end is the stall.
        let ended = |w: &Window| stalled_since.is_none() || w.to <= self.last;
        let silences = self.silences(end).into_iter().filter(|w| ended(w) && !overload);
        let silence = silences.max_by_key(|w| (w.to.since(w.from), Reverse(w.from)));
        Verdict { stalled_since, starved: false, cause, silence, faulty: faults.worst(end).0, tolerated }
    }
}

#[cfg(test)]
mod tests;
