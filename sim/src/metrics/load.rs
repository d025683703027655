//! Whether a run carried what was offered: the warnings that keep an overloaded system from looking healthy.
//!
//! Percentiles of an overloaded window say as much of its length as of the system, and the success rate counts what
//! commits in the drain. So a throughput behind the offered rate is said, as soon as chance does not explain it.

use ledgerlab_consensus::Time;

use crate::metrics::Meter;
use crate::record::Cohort;
use crate::scenario::{Scenario, Sharing};

/// Share of the offered rate by which throughput may fall behind without a word.
const BEHIND: f64 = 0.05;
/// Share of the window's transactions, or reads, that may fare badly without a word.
const REJECTED: f64 = 0.01;
/// Standard deviations within which a difference counts as chance.
const CHANCE: f64 = 3.0;

impl Meter {
    /// What to say about the load, beyond what is still pending.
    pub(super) fn load_warnings(&self, s: &Scenario) -> Vec<String> {
        let cohort = self.cohorts.total();
        let (committed, _) = self.cohorts.in_window();
        let found = [
            self.behind(s, &cohort, committed),
            self.rejected_warning(s, &cohort),
            self.expired_warning(s, &cohort),
            self.jam_warning(s),
            self.shared_warning(s, &cohort),
            self.view_warning(s),
            self.read_warning(s),
        ];
        found.into_iter().flatten().collect()
    }

    fn expired_warning(&self, s: &Scenario, cohort: &Cohort) -> Option<String> {
        (cohort.expired as f64 > REJECTED * cohort.created as f64).then(|| {
            format!(
                "{} of the {} transactions of the window expired before they were on chain (mempool.expiry = {} s)",
                cohort.expired,
                cohort.created,
                s.mempool.expiry.as_secs_f64()
            )
        })
    }

    fn jam_warning(&self, s: &Scenario) -> Option<String> {
        let fifo = s.network.sharing == Sharing::Fifo && !s.network.priority;
        let way = if fifo {
            "with network.sharing = \"fair\" or network.priority votes need not wait behind everything else"
        } else {
            "offer less, or widen the links"
        };
        self.liveness.jam_until(self.end).map(|w| {
            format!(
                "nothing committed from {:.1} s to {:.1} s: the links of more nodes than the protocol can do without were \
                 full; {way}",
                w.from.as_secs_f64(),
                w.to.as_secs_f64()
            )
        })
    }

    fn shared_warning(&self, s: &Scenario, cohort: &Cohort) -> Option<String> {
        let (count, bytes) = self.shared;
        (s.faults.is_empty() && count as f64 > REJECTED * cohort.created as f64).then(|| {
            format!(
                "{count} transactions of the window waited longer than mempool.client_timeout = {} s, so they were sent to every node, \
                 {:.2} GB in all: that competes with the blocks for the links; offer less, or raise the timeout",
                s.mempool.client_timeout.as_secs_f64(),
                bytes as f64 / 1e9
            )
        })
    }

    /// Leaders that are given up although nothing fails are slow, and a comparison then measures timeouts.
    fn view_warning(&self, s: &Scenario) -> Option<String> {
        let n = self.blocks.view_changes;
        (n > 0 && s.faults.is_empty()).then(|| {
            format!(
                "{n} leaders were given up although no fault was planned: consensus.{}.timeout is too short for this \
                 load and these links",
                self.info.id
            )
        })
    }

    /// Reads fail where faults are planned; elsewhere they come too late.
    fn read_warning(&self, s: &Scenario) -> Option<String> {
        let (created, answered, _) = &self.reads;
        let missing = created.saturating_sub(*answered);
        (s.faults.is_empty() && missing as f64 > REJECTED * *created as f64)
            .then(|| format!("{missing} of the {created} reads of the window were not answered by the end of the run"))
    }

    /// A batch of `opened` that has waited too long goes to `copies` nodes.
    pub fn shared(&mut self, opened: Time, transactions: u64, bytes: u64, copies: u64) {
        if copies == 0 || !self.in_window(opened) {
            return;
        }
        self.shared.0 += transactions;
        self.shared.1 += bytes * copies;
    }

    fn behind(&self, s: &Scenario, cohort: &Cohort, committed: u64) -> Option<String> {
        let (offered, carried) = (cohort.created as f64, committed as f64);
        let missing = offered - carried;
        let seconds = s.duration.as_secs_f64().max(1e-9);
        let age_s = missing / offered.max(1.0) * seconds;
        // Arrivals are Poisson at most; where depth decides, so is the time that so many blocks take, at both ends.
        let chance = missing <= CHANCE * libm::sqrt(offered) || age_s <= CHANCE * self.spread_of_depth_s();
        (missing > BEHIND * offered && !chance).then(|| {
            format!(
                "throughput of {:.0} tx/s is {:.0} % below the {:.0} tx/s offered: {}; latencies grow with the \
                 length of such a window",
                carried / seconds,
                100.0 * missing / offered,
                offered / seconds,
                unserved(s)
            )
        })
    }

    /// Standard deviation of the difference between two waits for the blocks of the finality rule; 0 for a
    /// certificate.
    fn spread_of_depth_s(&self) -> f64 {
        let Some(depth) = self.depth() else { return 0.0 };
        let interval_s = self.block_stats().interval_mean_s.unwrap_or(f64::INFINITY);
        libm::sqrt(2.0 * (depth + 1) as f64) * interval_s
    }

    fn rejected_warning(&self, s: &Scenario, cohort: &Cohort) -> Option<String> {
        let refused = cohort.rejected.saturating_sub(self.too_large);
        (refused as f64 > REJECTED * cohort.created as f64).then(|| {
            format!(
                "{refused} of the {} transactions of the window were rejected: a node had no room for them \
                 (mempool.capacity = {}) or none could be reached",
                cohort.created, s.mempool.capacity
            )
        })
    }
}

/// Why something was not carried, as far as the scenario can say.
pub(super) fn unserved(s: &Scenario) -> &'static str {
    if s.faults.is_empty() { "more was offered than was carried" } else { "a fault, or more load than was carried" }
}
