//! Clients and the gateways of their organisations: arrivals, batches, payloads from what has come, answers.
//!
//! Arrivals are planned, so batches can be formed ahead of the clock, on demand: whoever needs to know what happened
//! up to a time ingests up to it. Nothing is an event for each transaction.

mod ingest;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use ledgerlab_consensus::{NodeId, PayloadRef, Protocol, Span, Time, Until};
use ledgerlab_workloads::{Arrival, Arrivals};

use crate::engine::Simulation;
use crate::engine::step::Input;
use crate::engine::task::{ANY_EPOCH, Due, Task};
use crate::kernel::queue::Queue;
use crate::network::Network;
use crate::node::blocks::BlockId;
use crate::node::cost;
use crate::node::mempool::{BatchId, TxId, uncommitted_path};
use crate::scenario::Scenario;

/// In place of a batch that takes in transactions.
const NONE: (BatchId, Time) = (BatchId::MAX, Time::ZERO);

/// Where clients submit, and what has been planned so far.
pub struct Gateway {
    arrivals: Arrivals,
    /// For how long a client waits for a node that does not answer.
    failover: Span,
    /// Room for arrivals that are due.
    due: Vec<Arrival>,
    organisations: Vec<Organisation>,
    /// The node that serves each hospital while it runs.
    homes: Vec<NodeId>,
    /// By region: all nodes, nearest first. Only where nodes fail.
    nearest: Vec<Vec<NodeId>>,
    org_of: Vec<u32>,
    /// For each node the batch that takes in transactions, and until when.
    open: Vec<(BatchId, Time)>,
    /// Transactions whose object is being stored: (when it will be, number, hospital, transaction).
    delayed: BinaryHeap<Reverse<(Time, u64, u32, TxId)>>,
    /// For each node the batch that takes in what is not planned: transactions after a transfer.
    late: Vec<Option<(BatchId, Time)>>,
    /// Transactions for which there is no node that will ever run again.
    stranded: Vec<TxId>,
    number: u64,
    /// Transactions planned so far.
    planned: u64,
    /// When the next of the arrivals or of the delayed is due.
    next: Time,
}

/// Where an organisation's clients submit.
#[derive(Clone, Copy, Debug)]
struct Organisation {
    region: usize,
    /// The first of its nodes, or the node nearest to it where it has none.
    first: NodeId,
    /// Number of its nodes.
    own: u32,
}

impl Organisation {
    fn owns(&self, n: NodeId) -> bool {
        (self.first.0..self.first.0 + self.own).contains(&n.0)
    }
}

/// The node that serves each hospital of any workload: hospitals are dealt to organisations, and an organisation's
/// hospitals to its nodes, round robin.
fn homes(s: &Scenario, organisations: &[Organisation]) -> Vec<NodeId> {
    let orgs = organisations.len() as u32;
    let home = |hospital: u32| {
        let org = &organisations[(hospital % orgs) as usize];
        NodeId(org.first.0 + hospital / orgs % org.own.max(1))
    };
    (0..s.workloads.iter().map(|w| w.hospitals).max().unwrap_or(0)).map(home).collect()
}

/// All nodes by their distance from a region, then by number: the nodes of one region are equally far.
fn by_distance(network: &Network, region: usize, regions: usize) -> Vec<NodeId> {
    let away = |to| network.latency().between_regions(region, to, u64::MAX / 2);
    let away: Vec<Span> = (0..regions).map(away).collect();
    let mut near: Vec<NodeId> = (0..network.nodes()).map(NodeId).collect();
    near.sort_by_key(|n| away[network.region_of(*n)]);
    near
}

impl Gateway {
    pub fn new(s: &Scenario, seed: u64, network: &Network) -> Gateway {
        let end = s.warmup + s.duration + s.drain;
        let arrivals = Arrivals::new(&s.workloads, s.load, seed, s.start.0, end.0);
        let arrivals = arrivals.expect("a validated scenario has valid workloads");
        let mut first = 0;
        let regions = s.network.regions.len();
        let nearest = |region| by_distance(network, region, regions);
        let mut organisations = vec![];
        for o in &s.organisations {
            let own = NodeId(first);
            let first_choice = if o.validators > 0 { own } else { nearest(o.region)[0] };
            organisations.push(Organisation { region: o.region, first: first_choice, own: o.validators });
            first += o.validators;
        }
        let fails = !network.faults().is_empty();
        let mut gateway = Gateway {
            arrivals,
            failover: s.mempool.failover,
            due: vec![],
            homes: homes(s, &organisations),
            organisations,
            nearest: if fails { (0..regions).map(nearest).collect() } else { vec![] },
            org_of: (0..).zip(&s.organisations).flat_map(|(i, o)| (0..o.validators).map(move |_| i)).collect(),
            open: vec![NONE; network.nodes() as usize],
            delayed: BinaryHeap::new(),
            late: vec![None; network.nodes() as usize],
            stranded: vec![],
            number: 0,
            planned: 0,
            next: Time::ZERO,
        };
        gateway.next = gateway.find_next();
        gateway
    }

    /// Time of the next arrival or delayed submission.
    #[inline]
    pub fn next_at(&self) -> Time {
        self.next
    }

    #[inline]
    fn find_next(&self) -> Time {
        let delayed = self.delayed.peek().map_or(Time::NEVER, |d| d.0.0);
        Time(self.arrivals.next_at_ns()).min(delayed)
    }

    /// Transactions whose object is being stored, or for which no node is left.
    pub fn waiting(&self) -> impl Iterator<Item = TxId> + '_ {
        self.delayed.iter().map(|d| d.0.3).chain(self.stranded.iter().copied())
    }

    /// The node that serves a hospital while it runs.
    #[inline]
    pub fn home(&self, hospital: u32) -> NodeId {
        self.homes[hospital as usize]
    }

    /// The organisation of a node, as a hospital that is dealt to it.
    pub fn organisation_of(&self, node: u32) -> u32 {
        self.org_of[node as usize]
    }

    /// The node that takes a hospital's request, and when: its own, or while that is down the nearest that runs.
    /// Finding it takes a timeout for each node that does not answer, once: later requests go there directly.
    #[inline]
    pub fn reachable(&self, network: &Network, hospital: u32, home: NodeId, at: Time) -> (NodeId, Time) {
        if network.faults().is_empty() { (home, at) } else { self.running(network, hospital, home, at) }
    }

    fn running(&self, network: &Network, hospital: u32, home: NodeId, at: Time) -> (NodeId, Time) {
        let faults = network.faults();
        let Some(outage) = faults.down(home).iter().find(|w| w.has(at)) else { return (home, at) };
        let org = hospital as usize % self.organisations.len();
        let mut learned = outage.from;
        for next in self.candidates(org).filter(|n| *n != home) {
            learned += self.failover;
            let when = at.max(learned);
            if faults.is_up(next, when) {
                return (next, when);
            }
        }
        (home, outage.to)
    }

    /// The gateway with which the clients of `home` are at a time: by the fault plan alone, so that every node knows.
    #[inline]
    pub fn contact(&self, network: &Network, home: u32, at: Time) -> u32 {
        self.reachable(network, self.organisation_of(home), NodeId(home), at).0.0
    }

    /// The nodes to which an organisation's clients turn, best first: its own, then the others, nearest first.
    fn candidates(&self, org: usize) -> impl Iterator<Item = NodeId> + '_ {
        let org = self.organisations[org];
        let others = self.nearest[org.region].iter().copied().filter(move |n| !org.owns(*n));
        (org.first.0..org.first.0 + org.own).map(NodeId).chain(others)
    }
}

impl<P: Protocol, Q: Queue> Simulation<'_, P, Q> {
    /// The node that takes a hospital's request, and when: see [`Gateway::reachable`].
    #[inline]
    pub(super) fn reachable(&self, hospital: u32, home: NodeId, at: Time) -> (NodeId, Time) {
        self.gateway.reachable(&self.network, hospital, home, at)
    }

    fn push_flush(&mut self, n: u32, at: Time, batch: BatchId) {
        let host = self.nodes[n as usize].host as usize;
        self.hosts[host].agenda.push(at, self.author, n, Due { epoch: ANY_EPOCH, task: Task::Flush(batch) });
        self.schedule_wake(host);
    }

    /// Adds a transaction that comes at the node's own time.
    pub(super) fn enqueue_late(&mut self, node: NodeId, at: Time, tx: TxId) {
        let delay = self.scenario.mempool.batch_delay;
        let n = node.0 as usize;
        let open = self.gateway.late[n].filter(|(b, since)| at <= *since + delay && !self.batches.is_closed(*b));
        let id = open.map_or_else(|| self.batches.open(node.0, at), |(id, _)| id);
        if open.is_none() {
            self.gateway.late[n] = Some((id, at));
            self.push_flush(node.0, at + delay, id);
        }
        let batch = self.batches.get_mut(id);
        batch.add(tx, &self.txs[tx]);
        if batch.bytes >= u64::from(self.scenario.mempool.batch_bytes) {
            self.gateway.late[n] = None;
            self.push_flush(node.0, at, id);
        }
    }

    /// Hands transactions to another node, as a batch of their own.
    pub(super) fn batch_at(&mut self, node: NodeId, at: Time, txs: Vec<TxId>) -> Option<BatchId> {
        if txs.is_empty() {
            return None;
        }
        if at == Time::NEVER {
            self.gateway.stranded.extend(txs);
            return None;
        }
        let at = at.max(self.horizon);
        let id = self.batches.open(node.0, at);
        let batch = self.batches.get_mut(id);
        txs.into_iter().for_each(|t| batch.add(t, &self.txs[t]));
        self.push_flush(node.0, at, id);
        Some(id)
    }

    /// A batch leaves the adapter: what the pool has no room for is rejected, the rest is verified.
    pub(super) fn flush_batch(&mut self, n: u32, at: Time, id: BatchId) {
        let batch = self.batches.get_mut(id);
        if batch.closed {
            return;
        }
        batch.close();
        let spec = &self.scenario.mempool;
        let node = &mut self.nodes[n as usize];
        if node.replica.is_none() {
            let txs = std::mem::take(&mut batch.txs);
            self.resubmit(n, at, txs);
            return;
        }
        if let Some(known) = self.take_over(n, id) {
            return self.local(|s| s.pass_on(n, at, known));
        }
        let (batch, node) = (self.batches.get_mut(id), &self.nodes[n as usize]);
        let room = spec.capacity.saturating_sub(node.rare.own_pending) as usize;
        let (too_large, surplus) = batch.cut(self.scenario.settings.block_bytes, room, &self.txs);
        let (count, bytes) = (batch.txs.len() as u64, batch.bytes);
        too_large.into_iter().for_each(|tx| self.refuse_too_large(n, at, tx));
        self.refuse(n, at, surplus);
        if count == 0 {
            return;
        }
        let node = &mut self.nodes[n as usize];
        node.rare.own_pending += count;
        node.rare.own.push_back(id);
        // What was submitted before may be final already.
        if self.batches.get(id).txs.iter().any(|t| !self.txs.resubmitted.has(*t)) {
            self.meter.admitted(at, NodeId(n));
        }
        let work = cost::of_transactions(&self.scenario.node, count, bytes) + spec.adapter * count;
        let ready = self.hosts[node.host as usize].cpu.verify_divided(at, work);
        self.push_task(n, ready, Task::Ready(id));
    }

    /// There is no room for these. What was submitted elsewhere before may still become final there, so its client
    /// tries again instead of taking this for the outcome.
    fn refuse(&mut self, n: u32, at: Time, txs: Vec<TxId>) {
        let (again, new): (Vec<TxId>, Vec<TxId>) = txs.into_iter().partition(|t| self.txs.resubmitted.has(*t));
        self.batch_at(NodeId(n), at + self.scenario.mempool.failover, again);
        for tx in new {
            self.meter.rejected(at, NodeId(n), tx, &self.txs[tx]);
            self.client_rejected(tx, at);
        }
    }

    /// No block will ever hold it, and it would keep all others behind it from being proposed.
    fn refuse_too_large(&mut self, n: u32, at: Time, tx: TxId) {
        self.meter.too_large(at, NodeId(n), tx, &self.txs[tx]);
        self.client_rejected(tx, at);
    }

    /// Answers the replica's request for a payload if its condition is met.
    pub(super) fn try_build(&mut self, n: u32, at: Time) {
        let node = &mut self.nodes[n as usize];
        let Some(b) = node.rare.build else { return };
        let must = match b.until {
            Until::Now => true,
            Until::Full { deadline } => deadline <= at,
            Until::Some => false,
        };
        if !must && node.pool.pending().count == 0 {
            return;
        }
        let chain = &node.chain;
        let on_chain = |id: BlockId| chain.get(self.blocks.block(id).height).is_some_and(|a| a.block == id);
        let path = uncommitted_path(&self.blocks, b.parent, on_chain);
        let found = node.pool.collect(&path, u64::from(b.limit), &self.batches, &self.txs);
        let enough = match b.until {
            Until::Full { .. } => found.full,
            _ => found.count > 0,
        };
        if !must && !enough {
            return;
        }
        node.rare.build = None;
        // The root is of the content, and of who put it together, so that no two payloads share one.
        let mut words = vec![u64::from(n).to_le_bytes(), node.next_sequence().to_le_bytes()];
        for s in &found.segments {
            let batch = self.batches.get(s.batch);
            let part = u64::from(s.from) << 32 | u64::from(s.to);
            words.extend([u64::from(batch.origin), batch.opened.0, part].map(u64::to_le_bytes));
        }
        let root = ledgerlab_consensus::Hashing::Mix.digest(words.as_flattened());
        let reference = PayloadRef { root, bytes: found.bytes as u32, count: found.count };
        let id = self.blocks.add_payload(reference, &found.segments, at, n);
        found.segments.iter().for_each(|s| self.batches.include(s, id));
        node.held.add(id);
        node.local.push_back(Input::Payload { ticket: b.ticket, payload: reference });
    }
}
