//! What a run measures, and the checks that every run makes.
//!
//! The meter hears of everything by the time at which it takes effect. Nodes may run ahead of the clock, so finality
//! is decided at the end of each second, when nothing before it can change any more.

mod chain;
mod cohort;
mod commit;
mod fates;
mod finality;
mod forget;
mod latency;
mod load;
mod machine;
pub mod record;
mod series;
mod turns;

use std::sync::Arc;

use ledgerlab_consensus::{
    Certificate, Digest, Evidence, Finality, Height, KnobValue, NodeId, ProtocolInfo, SharedCertificate, Span, Stake,
    Statement, Time, Tip, ValidatorId, Validators,
};

use crate::check::agreement::{Agreement, Reversals};
use crate::check::certificate::{Certificates, SILENT};
use crate::check::conservation::Conservation;
use crate::check::little::Little;
use crate::check::liveness::Liveness;
use crate::check::statements::Statements;
use crate::check::{Violation, Violations};
use crate::fault::{FaultPlan, Window};
use crate::node::blocks::{BlockId, Blocks};
use crate::node::mempool::{Batches, Transaction, Transactions, TxId};
use crate::record::{Outcome, TransactionRow};
use crate::scenario::Scenario;
use crate::storage::BytesByClass;

use chain::{BlockCounts, Left, Views};
use cohort::{Cohorts, Leaving};
use finality::Reports;
use latency::Latency;
use machine::Snapshot;
use series::SeriesMeter;
use turns::Turns;

pub use machine::MachineUsage;

/// Heights over which a validator's statements are remembered: twice the largest window that the protocol is set to.
fn statement_window(s: &Scenario) -> u64 {
    let counts = s.settings.iter().filter_map(|(_, v)| match v {
        KnobValue::Count(c) => Some(c),
        _ => None,
    });
    2 * counts.max().unwrap_or(0).min(1 << 16)
}

/// The observer of a run.
pub struct Meter {
    window: (Time, Time),
    depth: Option<u64>,
    expiry: Span,
    info: ProtocolInfo,
    reports: Reports,
    cohorts: Cohorts,
    /// Room for what becomes final together.
    leaving: Vec<Leaving>,
    /// What has become of transactions, where somebody asks.
    fates: Option<Vec<TransactionRow>>,
    client: Latency,
    turns: Turns,
    reads: (u64, u64, Latency),
    /// Transactions that were sent to every node since they had waited too long, and their bytes on the links.
    shared: (u64, u64),
    series: SeriesMeter,
    bytes: BytesByClass,
    off_chain: u64,
    blocks: BlockCounts,
    left: Left,
    given_up: Vec<u64>,
    views: Views,
    rejects: Vec<(&'static str, u64)>,
    too_large: u64,
    snapshots: Vec<Snapshot>,
    end: Time,
    messages: Vec<(&'static str, u64, u64)>,
    events: u64,
    conservation: Conservation,
    little: Little,
    sides: Option<crate::check::little::Sides>,
    liveness: Liveness,
    agreement: Agreement,
    statements: Statements,
    certificates: Certificates,
    violations: Violations,
}

impl Meter {
    /// An observer of a run that has not begun, in which a commit is owed within `bound`.
    pub fn new(s: &Scenario, validators: &Arc<Validators>, info: ProtocolInfo, bound: Span) -> Meter {
        let start = Time::ZERO + s.warmup;
        let honest = vec![true; validators.len()];
        let nodes: Vec<bool> = s.organisations.iter().flat_map(|o| (0..o.validators).map(|_| true)).collect();
        let stake: Vec<Stake> = validators.iter().map(|v| validators.counted(v, info.faults)).collect();
        let plan = FaultPlan::new(&s.faults, nodes.len() as u32);
        let tolerated = info.faults.tolerated(validators.total());
        let sound = plan.sound(&stake, tolerated);
        let reversals = match info.finality {
            Finality::Deterministic => Reversals::Fail,
            Finality::Probabilistic { .. } => Reversals::Count,
        };
        Meter {
            window: (start, start + s.duration),
            depth: s.finality.depth,
            expiry: s.mempool.expiry,
            info,
            reports: Reports::new(s, validators, info.faults),
            cohorts: Cohorts::new(s),
            leaving: vec![],
            fates: None,
            client: Latency::default(),
            turns: Turns::default(),
            reads: (0, 0, Latency::default()),
            shared: (0, 0),
            series: SeriesMeter::new(s.warmup + s.duration),
            bytes: BytesByClass::default(),
            off_chain: 0,
            blocks: BlockCounts::default(),
            left: Left::default(),
            given_up: vec![0; s.workloads.len()],
            views: Views::default(),
            rejects: vec![],
            too_large: 0,
            snapshots: vec![],
            end: Time::ZERO,
            messages: vec![],
            events: 0,
            conservation: Conservation::new(),
            little: Little::new(),
            sides: None,
            liveness: Liveness::new(bound, s.mempool.expiry, sound, &stake, tolerated),
            agreement: Agreement::new(&nodes, reversals),
            statements: Statements::new(info.exclusive, &honest).with_window(statement_window(s)),
            certificates: Certificates::new(Arc::clone(validators), validators.quorum(info.faults)),
            violations: Violations::default(),
        }
    }

    /// Blocks on top that make a block final, where that is the rule.
    pub fn depth(&self) -> Option<u64> {
        self.depth
    }
    /// What was found wrong.
    pub fn violations(&self) -> &Violations {
        &self.violations
    }
    fn in_window(&self, at: Time) -> bool {
        self.window.0 <= at && at < self.window.1
    }

    /// Clients have planned the transactions from this one on.
    pub fn created(&mut self, from: TxId, txs: &Transactions) {
        let Some(first) = txs.above(from).next() else { return };
        let planned = || txs.above(from).map(|tx| tx.planned);
        let count = u64::from(txs.ids().1 - from);
        self.violations.note(self.conservation.create(first.planned, u64::from(from), count));
        self.liveness.submit(first.planned);
        self.little.enter(planned());
        self.series.offered(planned());
        let sampled = txs.above(from).filter(|tx| self.window.0 <= tx.planned && tx.planned < self.window.1);
        self.cohorts.created(sampled.map(|tx| tx.workload));
    }
    /// A node has taken transactions into its pool.
    pub fn admitted(&mut self, at: Time, node: NodeId) {
        self.liveness.admit(at, node);
    }
    /// A gateway has no room for it.
    pub fn rejected(&mut self, at: Time, node: NodeId, number: TxId, tx: &Transaction) {
        self.violations.note(self.conservation.reject(at, node, u64::from(number)));
        self.little.leave(at, [tx.planned]);
        self.series.left(at, 1);
        self.cohorts.rejected(self.in_window(tx.planned), tx.workload);
        self.note_fate(number, tx, Outcome::Rejected(at));
    }
    /// It is larger than any block may be.
    pub fn too_large(&mut self, at: Time, node: NodeId, number: TxId, tx: &Transaction) {
        self.too_large += 1;
        self.rejected(at, node, number, tx);
    }
    /// Clients' own node says that their transactions are final.
    pub fn answered(&mut self, planned: impl IntoIterator<Item = Time>, at: Time) {
        for planned in planned {
            if self.in_window(planned) {
                self.client.record(at.since(planned));
            }
        }
    }
    /// A client plans a read.
    pub fn read_created(&mut self, at: Time) {
        self.reads.0 += u64::from(self.in_window(at));
    }
    /// A read could not be served.
    pub fn read_failed(&mut self, _planned: Time) {}
    /// A read was served.
    pub fn read_done(&mut self, planned: Time, at: Time) {
        if self.in_window(planned) {
            self.reads.1 += 1;
            self.reads.2.record(at.since(planned));
        }
    }
    /// An object is kept outside the chain.
    pub fn stored(&mut self, at: Time, bytes: u64) {
        if self.in_window(at) {
            self.off_chain += bytes;
        }
    }

    /// A node adopts a block.
    pub fn adopted(&mut self, at: Time, node: NodeId, tip: Tip, parent: Digest) {
        self.violations.note(self.agreement.adopt(at, node, tip, parent));
    }
    /// A node leaves blocks.
    pub fn reverted(&mut self, at: Time, node: NodeId, height: Height, from: Height) {
        self.violations.note(self.agreement.revert(at, node, height));
        self.series.reorg(from - height);
    }
    /// A replica finalises.
    pub fn finalized(&mut self, at: Time, node: NodeId, height: Height, certificate: Option<&SharedCertificate>) {
        self.violations.note(self.agreement.finalize(at, node, height));
        if let Some(c) = certificate {
            self.violations.note(self.certificates.finalized(at, node, height, c, &self.statements));
        }
    }
    /// A node counts a block deep enough.
    pub fn deep_enough(&mut self, at: Time, node: NodeId, height: Height) {
        self.violations.note(self.agreement.finalize(at, node, height));
    }
    /// A block is final at a node: by the rule at `commit`, and executed there at `at`.
    pub fn settled_at(&mut self, node: NodeId, block: BlockId, commit: Time, at: Time) {
        self.reports.add(node, block, commit, at);
    }
    /// A node has copied the ledger.
    pub fn catch_up(&mut self, at: Time, node: NodeId, tip: Tip) {
        self.blocks.catch_ups += 1;
        // Where depth decides, the tip of a copied chain is not final yet.
        if self.depth.is_none() {
            self.violations.note(self.agreement.sync(at, node, tip));
        }
    }
    /// A node entered a view. A change counts once, at the first node that makes it.
    pub fn view_changed(&mut self, at: Time, view: u64, by_failure: bool) {
        self.views.entered(at, view, by_failure);
    }
    /// A node starts again.
    pub fn restarted(&mut self, at: Time, node: NodeId, tip: Tip) {
        self.violations.note(self.agreement.restart(at, node, tip));
    }
    /// A replica accuses a validator; all are honest here, so the accusation itself is a violation.
    pub fn evidence(&mut self, at: Time, node: NodeId, e: &Evidence) {
        let what = format!("validator {} is accused of signing both {:?} and {:?}", e.who.0, e.a, e.b);
        self.violations.note(Err(Violation { check: "evidence", at, node: Some(node), what }));
    }
    /// A replica refused a message.
    pub fn reject(&mut self, why: &'static str) {
        match self.rejects.iter_mut().find(|(w, _)| *w == why) {
            Some((_, n)) => *n += 1,
            None => self.rejects.push((why, 1)),
        }
    }

    /// Whether every signature that a certificate names is one: of one signer nothing may have left, as of whoever
    /// counts its own vote.
    pub fn signed(&self, c: &Certificate) -> bool {
        self.statements.silent(&c.what, &c.signers).nth(SILENT).is_none()
    }
    /// Something was seen that must not be.
    pub fn violation(&mut self, v: Violation) {
        self.violations.note(Err(v));
    }

    /// A statement leaves with its author's own message: it is made.
    pub fn stated(&mut self, at: Time, node: NodeId, by: ValidatorId, what: &Statement) {
        let outcome = self.statements.sent(at, node, by, what);
        self.violations.note(outcome);
    }

    /// Whether full links are to be shown, for they may explain why nothing commits.
    pub fn is_silent(&self, now: Time) -> bool {
        self.liveness.is_silent(now)
    }
    /// A link of a node was never idle for this long.
    pub fn full_link(&mut self, node: NodeId, full: Window) {
        self.liveness.full(node, full);
    }
    /// Everything before `now` has happened: blocks that are final by the rule are accounted for.
    pub fn advance(&mut self, now: Time, blocks: &Blocks, batches: &Batches, txs: &Transactions) {
        for (block, commit, at) in self.reports.settle(now) {
            self.settle(block, commit, at, blocks, batches, txs);
        }
        self.series.advance(now);
        for (at, by_failure) in self.views.settle(now) {
            self.blocks.view_changes += u64::from(by_failure && self.in_window(at));
        }
        self.violations.note(self.little.advance(now));
    }

    fn settle(&mut self, id: BlockId, commit: Time, at: Time, blocks: &Blocks, batches: &Batches, txs: &Transactions) {
        let b = blocks.block(id);
        let (payload_bytes, count) = b.content;
        let on_chain = u64::from(b.header_bytes) + u64::from(b.certificate_bytes) + payload_bytes;
        self.series.chain(at, on_chain);
        if self.in_window(at) {
            let c = &mut self.blocks;
            c.settled += 1;
            c.empty += u64::from(count == 0);
            c.payload_bytes += payload_bytes;
            c.header_bytes += u64::from(b.header_bytes);
            c.certificate_bytes += u64::from(b.certificate_bytes);
            c.transactions += count;
            c.first.get_or_insert(at);
            c.last = Some(at);
            let (header, certificate) = (u64::from(b.header_bytes), u64::from(b.certificate_bytes));
            self.bytes.add_block(header, certificate, payload_bytes, count);
        }
        for p in &b.payloads {
            let built = blocks.payload(*p).built;
            for s in blocks.segments(*p) {
                let batch = batches.get(s.batch);
                let times = cohort::Times { ready: batch.ready, built, commit, at };
                self.commit(&batch.txs[s.from as usize..s.to as usize], &times, txs);
            }
        }
        if count > 0 {
            let classes = self.conservation.classes();
            let left = classes.pending + classes.expired > 0;
            self.liveness.commit(at, left);
        }
    }

    /// What was found wrong with a host's links.
    pub fn links<'a>(&mut self, found: impl Iterator<Item = &'a Violation>) {
        found.for_each(|v| {
            self.violations.note(Err(v.clone()));
        });
    }

    /// Blocks that some nodes hold for final, but not enough.
    pub fn undecided(&self) -> impl Iterator<Item = BlockId> + '_ {
        self.reports.undecided()
    }

    /// Whether every transaction of the cohort has an outcome, or has expired for so long that no block can still
    /// bring it on chain: one that was proposed in time is final within the bound.
    pub fn cohort_done(&self, now: Time) -> bool {
        let last = self.window.1.0.saturating_add(self.expiry.0);
        self.cohorts.waiting() == 0 || now.0 > last.saturating_add(self.liveness.bound().0)
    }

    /// Takes a picture of the machines and of the messages sent so far.
    pub fn snapshot(&mut self, at: Time, machines: Vec<MachineUsage>, messages: Vec<(&'static str, u64, u64)>) {
        self.snapshots.push(Snapshot { at, machines, messages });
    }

    /// Time from the last commit to the end of the run.
    pub fn silence(&self) -> Span {
        self.end.since(self.liveness.last().unwrap_or(Time::ZERO))
    }
}
