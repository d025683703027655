//! What happened over time, second by second while the run lasts, in wider steps in the result.

use ledgerlab_consensus::{Span, Time};

use super::latency::Buckets;
use crate::record::{ReorgDepth, Series};

/// Steps of a result's series.
const STEPS: u64 = 240;

#[derive(Clone, Debug, Default)]
struct Step {
    offered: u64,
    committed: u64,
    left: u64,
    latency_sum_ns: u128,
    /// Latencies in µs while the step lasts.
    latency: Option<Box<Buckets>>,
    /// Their 99th percentile when it is over.
    p99_us: Option<u64>,
    chain_bytes: u64,
}

impl Step {
    fn record(&mut self, latencies: impl Iterator<Item = Span>) {
        debug_assert!(self.p99_us.is_none(), "a commit in a step that is over");
        let buckets = self.latency.get_or_insert_with(|| Box::new(Buckets::new(2)));
        let (mut count, mut sum_ns) = (0, 0);
        for latency in latencies {
            count += 1;
            sum_ns += u128::from(latency.0);
            buckets.record(latency.0 / 1_000);
        }
        self.committed += count;
        self.latency_sum_ns += sum_ns;
    }
    fn p99_us(&self) -> Option<u64> {
        self.latency.as_ref().map(|l| l.histogram().value_at_quantile(0.99)).or(self.p99_us)
    }
}

/// Collects the series.
#[derive(Clone, Debug)]
pub struct SeriesMeter {
    step: Span,
    steps: Vec<Step>,
    /// Steps before this one are over.
    over: usize,
    reorgs: Vec<u64>,
}

impl SeriesMeter {
    /// Of a run of about this length: whole seconds, a few hundred steps.
    pub fn new(length: Span) -> SeriesMeter {
        let seconds = (length.0 / 1_000_000_000).div_ceil(STEPS).max(1);
        SeriesMeter { step: Span::secs(seconds), steps: vec![], over: 0, reorgs: vec![] }
    }
    fn at(&mut self, at: Time) -> &mut Step {
        let i = (at.0 / self.step.0) as usize;
        if i >= self.steps.len() {
            self.steps.resize_with(i + 1, Step::default);
        }
        &mut self.steps[i]
    }
    /// When the step of a time begins.
    fn start_of(&self, at: Time) -> Time {
        Time(at.0 - at.0 % self.step.0)
    }
    /// Transactions are planned.
    pub fn offered(&mut self, times: impl IntoIterator<Item = Time>) {
        let mut times = times.into_iter();
        let Some(first) = times.next() else { return };
        let (mut from, mut count) = (self.start_of(first), 1);
        for at in times {
            if at < from || at.since(from) >= self.step {
                self.at(from).offered += count;
                (from, count) = (self.start_of(at), 0);
            }
            count += 1;
        }
        self.at(from).offered += count;
    }
    /// Transactions leave without commit.
    pub fn left(&mut self, at: Time, count: u64) {
        self.at(at).left += count;
    }
    /// Transactions that took so long are final.
    pub fn committed(&mut self, at: Time, latencies: impl Iterator<Item = Span>) {
        self.at(at).record(latencies);
    }
    /// Nothing before `now` becomes final any more.
    pub fn advance(&mut self, now: Time) {
        let over = ((now.0 / self.step.0) as usize).min(self.steps.len());
        for s in &mut self.steps[self.over.min(over)..over] {
            s.p99_us = s.p99_us();
            s.latency = None;
        }
        self.over = over;
    }
    /// A block is final.
    pub fn chain(&mut self, at: Time, bytes: u64) {
        self.at(at).chain_bytes += bytes;
    }
    /// A node left so many blocks.
    pub fn reorg(&mut self, depth: u64) {
        let d = depth as usize;
        if d >= self.reorgs.len() {
            self.reorgs.resize(d + 1, 0);
        }
        self.reorgs[d] += 1;
    }
    /// Reorganisations by depth.
    pub fn reorgs(&self) -> Vec<ReorgDepth> {
        let some = self.reorgs.iter().enumerate().filter(|(_, n)| **n > 0);
        some.map(|(d, n)| ReorgDepth { depth: d as u64, count: *n }).collect()
    }
    /// Transactions offered and committed in the whole steps up to a time.
    pub fn totals(&self, until: Time) -> (u64, u64) {
        let whole = ((until.0 / self.step.0) as usize).min(self.steps.len());
        self.steps[..whole].iter().fold((0, 0), |(o, c), x| (o + x.offered, c + x.committed))
    }
    /// The columns up to `end`.
    pub fn series(&self, end: Time) -> Series {
        let step_s = self.step.as_secs_f64();
        let rows = (end.0.div_ceil(self.step.0) as usize).min(self.steps.len());
        let mut s = Series { step_s, ..Series::default() };
        let (mut waiting, mut chain) = (0_i64, 0_u64);
        for x in &self.steps[..rows] {
            s.offered_tx_per_s.push(x.offered as f64 / step_s);
            s.committed_tx_per_s.push(x.committed as f64 / step_s);
            let some = x.committed > 0;
            s.latency_mean_ms.push(some.then(|| x.latency_sum_ns as f64 / x.committed as f64 / 1e6));
            s.latency_p99_ms.push(x.p99_us().filter(|_| some).map(|us| us as f64 / 1e3));
            waiting += x.offered as i64 - x.committed as i64 - x.left as i64;
            s.backlog_tx.push(waiting.max(0) as f64);
            chain += x.chain_bytes;
            s.chain_bytes.push(chain as f64);
        }
        s
    }
}
