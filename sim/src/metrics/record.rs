//! The meter's figures as a run record.

use ledgerlab_consensus::risk::{USUAL_ADVERSARY, reversal_at_depth};
use ledgerlab_consensus::{Family, NodeId, Span, Time, Validators};

use crate::check::liveness::{Cause, Verdict as Liveness};
use crate::fault::FaultPlan;
use crate::metrics::{MachineUsage, Meter, load};
use crate::record::{
    BlockStats, CheckOutcome, ClassBytes, FaultWindow, FinalityRecord, MessageCount, NodeUse, Rates, ReadRecord,
    RunRecord, StorageRecord, Verdict, Window, WorkloadRecord,
};
use crate::scenario::{FinalityNodes, FinalityRule, Problem, Scenario};
use crate::storage::StorageModel;
use crate::storage::projection::{BlockRate, Week, project};

/// From this utilisation on a machine counts as overloaded.
const OVERLOAD: f64 = 0.95;
/// A warm-up below this share of the median time to finality is worth a warning: at the start of the window commits
/// are then missing that a longer run would have.
const SETTLED: f64 = 0.9;
/// Share of transactions put on chain twice from which a warning says so.
const WORTH_SAYING: f64 = 0.01;
const DAY_S: f64 = 86_400.0;

/// What the record needs beside the meter's own figures.
pub struct Context<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// Its validators.
    pub validators: &'a Validators,
    /// Its faults.
    pub faults: &'a FaultPlan,
    /// For each node the machine on which it runs.
    pub host_of: &'a dyn Fn(NodeId) -> u32,
    /// Time in which the protocol owes a commit.
    pub bound: Span,
    /// Seed of the replication.
    pub seed: u64,
    /// Digest of the run.
    pub digest: String,
}

impl Meter {
    /// Everything that was measured.
    pub fn record(&self, c: &Context<'_>) -> RunRecord {
        let s = c.scenario;
        let seconds = s.duration.as_secs_f64().max(1e-9);
        let cohort = self.cohorts.total();
        let (committed, goodput) = self.cohorts.in_window();
        let liveness = self.liveness(c);
        let workloads = self.cohorts.workloads();
        RunRecord {
            seed: c.seed,
            digest: c.digest.clone(),
            verdict: self.verdict(&liveness),
            window: Window {
                start_s: self.window.0.as_secs_f64(),
                end_s: self.window.1.as_secs_f64(),
                stopped_s: self.end.as_secs_f64(),
            },
            finality: finality(s, self.info.family),
            cohort,
            rates: Rates {
                offered_tx_per_s: cohort.created as f64 / seconds,
                admitted_tx_per_s: (cohort.created - cohort.rejected) as f64 / seconds,
                committed_tx_per_s: cohort.committed as f64 / seconds,
                throughput_tx_per_s: committed as f64 / seconds,
                goodput_tx_per_s: goodput as f64 / seconds,
            },
            latency: self.cohorts.latency(),
            client_reply: self.client.figures(),
            stages: self.cohorts.stages(),
            reads: ReadRecord { created: self.reads.0, answered: self.reads.1, latency: self.reads.2.figures() },
            workloads: workloads
                .map(|(name, cohort, latency)| WorkloadRecord { name: name.into(), cohort, latency })
                .collect(),
            storage: self.storage(s, seconds),
            nodes: self.nodes(c),
            blocks: self.block_stats(),
            messages: self.messages_in_window(),
            series: self.series.series(self.end),
            faults: self.fault_windows(c),
            checks: self.checks(&liveness),
            warnings: self.warnings(s),
            events: self.events,
            deliveries: self.messages.iter().map(|(_, n, _)| n).sum(),
            ..RunRecord::default()
        }
    }

    /// What was sent between the two pictures, by kind.
    fn messages_in_window(&self) -> Vec<MessageCount> {
        let (Some(first), Some(last)) = (self.snapshots.first(), self.snapshots.last()) else { return vec![] };
        let before = |kind| first.messages.iter().find(|m| m.0 == kind).map_or((0, 0), |m| (m.1, m.2));
        let sent = last.messages.iter().map(|(kind, count, bytes)| {
            let (count_before, bytes_before) = before(*kind);
            MessageCount { kind: (*kind).into(), count: count - count_before, bytes: bytes - bytes_before }
        });
        sent.filter(|m| m.count > 0).collect()
    }

    fn liveness(&self, c: &Context<'_>) -> Liveness {
        let busy = |m: &MachineUsage| m.uplink.max(m.downlink).max(m.core).max(m.disk) >= OVERLOAD;
        let busiest = self.snapshots.last().is_some_and(|p| p.machines.iter().any(busy));
        let refused = self.cohorts.total().rejected > 0;
        // While commits came: what was offered long enough before the last one, against what was committed by then.
        let last = self.liveness.last().unwrap_or(Time::ZERO);
        let (owed, _) = self.series.totals(Time(last.0.saturating_sub(c.bound.0)));
        let (_, done) = self.series.totals(last);
        let overload = busiest || refused || (done as f64) < OVERLOAD * owed as f64;
        let mut verdict = self.liveness.verdict(self.end, overload, c.faults);
        if verdict.stalled()
            && verdict.cause.is_none()
            && c.scenario.network.loss > 0.0
            && c.bound > self.end.since(Time::ZERO)
        {
            verdict.cause = Some(Cause::Loss);
        }
        let cohort = self.cohorts.total();
        if !verdict.stalled() && cohort.created > 0 && cohort.committed == 0 && cohort.pending > 0 {
            // Nothing of the window became final, and a fault or an overload says why.
            verdict.cause = match () {
                () if verdict.outside_fault_model() => Some(Cause::Faults),
                () => overload.then_some(Cause::Overload),
            };
            verdict.stalled_since = verdict.cause.map(|_| last);
            verdict.starved = last > self.window.0;
        }
        verdict
    }

    fn verdict(&self, liveness: &Liveness) -> Verdict {
        if let Some(v) = self.violations.first().first() {
            let text = v.to_string();
            return match v.check {
                "conservation" => Verdict::ConservationViolation { text },
                "little" | "link" | "retention" => Verdict::CheckFailed { text },
                _ => Verdict::SafetyViolation { text },
            };
        }
        let mut text = liveness.to_string();
        if self.too_large > 0 && liveness.stalled() {
            text = format!("{} transactions were larger than a block and were refused; {text}", self.too_large);
        }
        if liveness.failed() {
            return Verdict::Stalled { explained: false, text };
        }
        if liveness.outside_fault_model() && !liveness.stalled() {
            return Verdict::OutsideFaultModel { text };
        }
        if liveness.stalled() {
            return Verdict::Stalled { explained: true, text };
        }
        Verdict::Ok
    }

    fn checks(&self, liveness: &Liveness) -> Vec<CheckOutcome> {
        let names = ["agreement", "statements", "certificate", "durability", "evidence", "conservation"];
        let mut list: Vec<CheckOutcome> = names.iter().map(|name| self.outcome(name)).collect();
        let mut little = self.outcome("little");
        if let Some(s) = &self.sides {
            little.measured = Some(s.mean_inside);
            little.expected = Some(s.arrivals_per_s * s.mean_sojourn_s);
        }
        list.push(little);
        list.extend(self.interactive());
        let mut links = CheckOutcome { name: "link-rate".into(), ..self.outcome("link") };
        let machines = self.snapshots.last().into_iter().flat_map(|s| &s.machines);
        links.measured = Some(machines.map(|m| m.uplink_peak.max(m.downlink_peak)).fold(0.0, f64::max));
        links.expected = Some(1.0);
        if links.passed {
            links.detail = "the busiest second of any uplink or downlink, as a share of its rate".into();
        }
        list.push(links);
        let passed = !liveness.failed();
        list.push(CheckOutcome {
            name: "liveness".into(),
            passed,
            detail: liveness.to_string(),
            ..CheckOutcome::default()
        });
        list
    }

    fn outcome(&self, name: &str) -> CheckOutcome {
        let found = self.violations.first().iter().find(|v| v.check == name);
        CheckOutcome {
            name: name.into(),
            passed: found.is_none(),
            detail: found.map(ToString::to_string).unwrap_or_default(),
            ..CheckOutcome::default()
        }
    }

    fn storage(&self, s: &Scenario, seconds: f64) -> StorageRecord {
        let nodes = s.nodes();
        let mut window = self.bytes.figures();
        window.off_chain = self.off_chain as f64 / f64::from(nodes);
        let per_day = ClassBytes::from_fn(|class| window.get(class) * DAY_S / seconds);
        let model = StorageModel::new(&s.storage);
        let per_block = |bytes: u64| bytes as f64 / self.blocks.settled.max(1) as f64;
        let blocks = BlockRate {
            blocks_per_s: self.blocks.settled as f64 / seconds,
            header_bytes: per_block(self.blocks.header_bytes),
            certificate_bytes: per_block(self.blocks.certificate_bytes),
        };
        StorageRecord {
            variant: model.id().into(),
            off_chain_at: model.store().place().into(),
            window_bytes_per_node: window,
            bytes_per_day_per_node: per_day,
            retention_days: s.storage.retention.map(|r| r.as_secs_f64() / DAY_S),
            projection: project(&Week::expected(&s.workloads, s.load, &model), &blocks, nodes, s.storage.retention),
        }
    }

    fn nodes(&self, c: &Context<'_>) -> Vec<NodeUse> {
        let (Some(first), Some(last)) = (self.snapshots.first(), self.snapshots.last()) else { return vec![] };
        let mut list = vec![];
        for o in &c.scenario.organisations {
            for _ in 0..o.validators {
                let node = list.len() as u32;
                let host = (c.host_of)(NodeId(node)) as usize;
                let (a, b) = (first.machines[host], last.machines[host]);
                let share = |f: fn(&MachineUsage) -> f64| {
                    let (t, u) = (first.at.0 as f64, last.at.0 as f64);
                    ((f(&b) * u - f(&a) * t) / (u - t).max(1.0)).clamp(0.0, 1.0)
                };
                list.push(NodeUse {
                    node,
                    organisation: o.name.clone(),
                    region: c.scenario.network.regions[o.region].clone(),
                    up_bytes: (b.bytes_up - a.bytes_up) as f64,
                    down_bytes: (b.bytes_down - a.bytes_down) as f64,
                    uplink_share: share(|m| m.uplink),
                    downlink_share: share(|m| m.downlink),
                    uplink_peak_share: b.uplink_peak,
                    cpu_share: share(|m| m.cpu),
                    core_share: share(|m| m.core),
                    disk_share: share(|m| m.disk),
                });
            }
        }
        list
    }

    pub(super) fn block_stats(&self) -> BlockStats {
        let b = &self.blocks;
        let n = b.settled;
        let per = |x: u64| (n > 0).then(|| x as f64 / n as f64);
        let between = |(first, last): (Time, Time)| (n > 1).then(|| last.since(first).as_secs_f64() / (n - 1) as f64);
        BlockStats {
            count: n,
            empty: b.empty,
            made: b.made,
            stale: b.stale,
            reverted: self.agreement.counts().reverts,
            interval_mean_s: b.first.zip(b.last).and_then(between),
            size_mean_bytes: per(b.payload_bytes),
            transactions_mean: per(b.transactions),
            reorgs: self.series.reorgs(),
            view_changes: b.view_changes,
            catch_ups: b.catch_ups,
        }
    }

    fn fault_windows(&self, c: &Context<'_>) -> Vec<FaultWindow> {
        let end = self.end.as_secs_f64();
        let window = |f: &crate::fault::NamedWindow| FaultWindow {
            name: f.name.clone(),
            kind: f.kind.into(),
            from_s: f.window.from.as_secs_f64(),
            to_s: f.window.to.as_secs_f64().min(end),
        };
        c.faults.named().iter().map(window).collect()
    }

    fn warnings(&self, s: &Scenario) -> Vec<String> {
        let mut list: Vec<String> = s.warnings.iter().map(Problem::remark).collect();
        let latency = self.cohorts.latency();
        let long = |p50: &f64| s.warmup.as_secs_f64() * 1e3 < SETTLED * p50;
        if let Some(p50) = latency.quantile_ms(0.5).filter(long) {
            list.push(format!(
                "the warm-up of {} s is shorter than {SETTLED} x the median time to finality of {:.1} s: throughput is \
                 too low; raise run.warmup",
                s.warmup.as_secs_f64(),
                p50 / 1e3
            ));
        }
        let cohort = self.cohorts.total();
        if self.blocks.duplicates as f64 > WORTH_SAYING * cohort.committed as f64 {
            list.push(format!(
                "{} transactions were put on chain a second time after their clients failed over or their blocks were \
                 reverted; the second copies had no effect",
                self.blocks.duplicates
            ));
        }
        if cohort.pending as f64 > WORTH_SAYING * cohort.created as f64 {
            list.push(format!(
                "{} of the {} transactions of the window were still pending at the end: {}, or run.drain is too short",
                cohort.pending,
                cohort.created,
                load::unserved(s)
            ));
        }
        list.extend(self.load_warnings(s));
        if self.too_large > 0 {
            list.push(format!(
                "{} transactions were larger than a block (consensus.block_bytes = {} bytes) and were refused",
                self.too_large, s.settings.block_bytes
            ));
        }
        list.extend(self.rejects.iter().map(|(why, n)| format!("replicas refused {n} messages: {why}")));
        list
    }
}

fn finality(s: &Scenario, family: Family) -> FinalityRecord {
    let depth = s.finality.depth;
    // What a scenario does not choose by risk is judged against the usual adversary; a certificate is not reverted
    // within the fault model, whoever attacks.
    let usual = depth.map_or(Some(0.0), |k| reversal_at_depth(family, USUAL_ADVERSARY, k));
    let usual = (depth.map(|_| USUAL_ADVERSARY), usual);
    let (rule, (adversary, reversal)) = match s.finality.rule {
        FinalityRule::Protocol => ("protocol".to_string(), usual),
        FinalityRule::Depth(k) => (format!("depth:{k}"), usual),
        FinalityRule::Risk { adversary, reversal } => {
            let chosen = depth.map(|k| (Some(adversary), reversal_at_depth(family, adversary, k)));
            (format!("risk:{adversary}/{reversal:e}"), chosen.unwrap_or(usual))
        }
    };
    let nodes = match s.finality.nodes {
        FinalityNodes::First => "first".into(),
        FinalityNodes::Quorum => "quorum".into(),
        FinalityNodes::Fraction(f) => f.to_string(),
        FinalityNodes::All => "all".into(),
    };
    FinalityRecord { nodes, rule, depth, adversary, reversal }
}
