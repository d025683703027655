//! The node shell: runs one protocol's replicas on the models of network, machines and clients.
//!
//! One pass for each message: when an arrival is popped, downlink and cores say when its verification ends, and if
//! nothing on the host's agenda comes before that, the handler runs at once; else the job is parked on the agenda.
//! A handler's effects leave when its step ends. A node may thus run ahead of the global clock, never past the
//! `horizon`, so that the end of a run does not depend on who ran ahead. Only this shell is generic over the
//! protocol; everything beneath knows message handles.

mod apply;
mod arrive;
mod cards;
mod clients;
mod crash;
mod dissemination;
mod failover;
mod fetch;
mod gateway;
mod host;
mod ledger;
mod messages;
mod offchain;
mod outbox;
mod owed;
mod payloads;
mod replies;
mod retention;
mod send;
mod shard;
mod step;
mod sync;
mod task;
mod turn;
mod window;

use std::collections::VecDeque;
use std::sync::Arc;

use ledgerlab_consensus::{Env, Hashing, NodeId, Protocol, Span, Time, ValidatorId, Validators};

use crate::kernel::digest::RunDigest;
use crate::kernel::queue::{Event, Queue};
use crate::kernel::rng::{Purpose, Stream};
use crate::metrics::Meter;
use crate::metrics::record::Context;
use crate::network::{Connections, Network};
use crate::node::agenda::WAKE;
use crate::node::bits::Bits;
use crate::node::blocks::Blocks;
use crate::node::disk::Disks;
use crate::node::mempool::{Batches, Transactions, TxId};
use crate::node::seldom::Seldom;
use crate::probe::Probe;
use crate::record::RunRecord;
use crate::scenario::Scenario;
use crate::storage::StorageModel;

use clients::Clients;
use gateway::Gateway;
use host::{Host, Node, Rare};
use messages::Messages;
use offchain::flows::{Flow, Flows};
use retention::Retention;
use shard::Desk;
use task::{Due, Task};
pub use window::LEAST_SHARED;
use window::{Batch, Cut};

/// Author of the fault plan's tasks and of the start: they come before everything else of their time.
const FATE: u32 = 0;
/// Author of what clients have planned: it comes after everything else of its time.
const PLAN: u32 = u32::MAX;
/// How far nodes may run ahead: the end of a run is decided at multiples of this.
const GRID: Span = Span::secs(1);
/// How far the clients' plans are taken in ahead: what is handled ahead of time within that need not wait for them.
const PLANNED_AHEAD: Span = Span::millis(1);

/// One replication of a scenario under one protocol.
pub struct Simulation<'s, P: Protocol, Q: Queue> {
    scenario: &'s Scenario,
    seed: u64,
    config: P::Config,
    validators: Arc<Validators>,
    queue: Q,
    hosts: Vec<Host<P>>,
    nodes: Vec<Node<P>>,
    messages: Messages<P::Message>,
    network: Network,
    txs: Transactions,
    batches: Batches,
    blocks: Blocks,
    gateway: Gateway,
    clients: Clients,
    meter: Meter,
    /// Time in which a commit is owed.
    bound: Span,
    probe: &'s mut dyn Probe,
    /// Of the host that acts by itself, and of the shards of a window.
    desk: Desk<P>,
    desks: Vec<Desk<P>>,
    cut: Cut,
    /// Connections of each node.
    connections: Vec<Connections>,
    storage: StorageModel,
    storage_draws: Stream,
    flows: Flows,
    reads: u64,
    /// The weight that faulty validators may have together.
    tolerated: u64,
    horizon: Time,
    /// Whether a message is handled when it arrives, if nothing can come before.
    eager: bool,
    window: Batch,
    /// Who writes down tasks now: [`FATE`], [`PLAN`], or one more than the host that acts.
    author: u32,
    mining: Stream,
    vrf: Stream,
    /// Copies of messages that have arrived.
    arrivals: u64,
    /// Those of them that came in windows which threads can share.
    crowded: u64,
    retention: Retention,
}

impl<'s, P: Protocol, Q: Queue> Simulation<'s, P, Q> {
    /// Puts the machines together; nothing has run yet.
    pub fn new(scenario: &'s Scenario, seed: u64, queue: Q, probe: &'s mut dyn Probe) -> Self {
        let network = Network::new(scenario, seed);
        let validators = Arc::new(scenario.validators());
        let config = P::configure(&scenario.settings, &validators);
        let skew = Stream::new(seed, Purpose::ClockSkew);
        // Asking the scenario for each key would take a look at every organisation each time.
        let keys = scenario.nodes();
        let rare = Seldom::<Rare>::default();
        let nodes = (0..network.nodes())
            .map(|i| {
                let env = Env {
                    me: NodeId(i),
                    key: (i < keys).then_some(ValidatorId(i)),
                    nodes: network.nodes(),
                    validators: Arc::clone(&validators),
                    hashing: Hashing::Mix,
                    seed,
                };
                let offset = Span(skew.below(u64::from(i), 0, 2 * scenario.node.clock_skew.0 + 1));
                Node::new(
                    env,
                    network.host_of(NodeId(i)),
                    offset,
                    !network.faults().down(NodeId(i)).is_empty(),
                    rare.clone(),
                )
            })
            .collect();
        let tolerated = P::INFO.faults.tolerated(validators.total()).0;
        let storage_draws = Stream::new(seed, Purpose::Storage);
        let bound = owed::within::<P>(scenario, &network, &config, &validators);
        let mut meter = Meter::new(scenario, &validators, P::INFO, bound);
        if probe.follows_transactions() {
            meter.keep_fates();
        }
        let disks = Disks::new(scenario.node.disk, seed);
        let hosts = network.hosts().iter().enumerate().map(|(i, spec)| Host::new(spec, scenario, &disks, i as u32));
        Simulation {
            hosts: hosts.collect(),
            nodes,
            meter,
            bound,
            gateway: Gateway::new(scenario, seed, &network),
            clients: Clients::new(scenario, seed, storage_draws),
            messages: Messages::default(),
            connections: network.connections(),
            network,
            config,
            validators,
            queue,
            scenario,
            seed,
            txs: Transactions::default(),
            batches: Batches::default(),
            blocks: Blocks::default(),
            probe,
            desk: Desk::default(),
            desks: vec![],
            cut: Cut::NONE,
            storage: StorageModel::new(&scenario.storage),
            storage_draws,
            flows: Flows::default(),
            reads: 0,
            tolerated,
            horizon: Time::ZERO + GRID,
            eager: true,
            window: Batch::default(),
            author: FATE,
            mining: Stream::new(seed, Purpose::Mining),
            vrf: Stream::new(seed, Purpose::Vrf),
            arrivals: 0,
            crowded: 0,
            retention: Retention::default(),
        }
    }

    /// Runs to the end: until every transaction of the cohort has an outcome after the window, or the drain ends.
    pub fn run(mut self) -> RunRecord {
        self.start();
        let window_end = Time::ZERO + self.scenario.warmup + self.scenario.duration;
        let last = self.end();
        let mut pictures = VecDeque::from([Time::ZERO + self.scenario.warmup, window_end]);
        loop {
            self.run_to_horizon();
            let now = self.horizon;
            self.show_full_links(now);
            self.meter.advance(now, &self.blocks, &self.batches, &self.txs);
            self.flows.sweep();
            self.sweep(now);
            self.tell_fates();
            while pictures.front().is_some_and(|at| *at <= now) {
                pictures.pop_front();
                self.meter.snapshot(now, self.hosts.iter().map(|h| h.usage(now)).collect(), self.messages.counts());
            }
            if self.retention.lost || now >= last || (now >= window_end && self.meter.cohort_done(now)) {
                break;
            }
            self.horizon = (now + GRID).min(last.max(now + Span(1)));
        }
        self.finish()
    }

    fn show_full_links(&mut self, now: Time) {
        if !self.meter.is_silent(now) {
            return;
        }
        for (n, node) in self.nodes.iter().enumerate() {
            let host = &self.hosts[node.host as usize];
            host.up.full(now).chain(host.down.full(now)).for_each(|w| self.meter.full_link(NodeId(n as u32), w));
        }
    }

    /// When the run ends at the latest.
    fn end(&self) -> Time {
        Time::ZERO + self.scenario.warmup + self.scenario.duration + self.scenario.drain
    }

    fn start(&mut self) {
        for n in 0..self.nodes.len() as u32 {
            self.push_task(n, Time::ZERO, Task::Start);
        }
        for (at, node, task) in crash::plan(&self.network) {
            let host = self.nodes[node as usize].host as usize;
            self.hosts[host].agenda.push(at, self.author, node, Due { epoch: task::ANY_EPOCH, task });
        }
        (0..self.hosts.len()).for_each(|h| self.schedule_wake(h));
        self.start_clients();
    }

    /// Handles every event before the horizon.
    fn run_to_horizon(&mut self) {
        if self.window.width > Span::ZERO {
            return self.run_windows();
        }
        self.run_events();
    }

    /// One event after the other: the plain way.
    fn run_events(&mut self) {
        loop {
            let next = self.queue.next_at().unwrap_or(Time::NEVER);
            self.plan_to(next);
            // What clients have submitted may wake a host earlier.
            if self.queue.next_at().unwrap_or(Time::NEVER) < next {
                continue;
            }
            if next >= self.horizon {
                return;
            }
            let Some(event) = self.queue.pop() else { return };
            self.arrivals += u64::from(event.what != WAKE);
            self.handle(event);
        }
    }

    /// Takes in what clients plan up to a time and somewhat beyond, if something of it comes by then; says whether.
    fn plan_to(&mut self, until: Time) -> bool {
        let last = Time(self.horizon.0 - 1);
        let comes = self.gateway.next_at() <= until.min(last);
        if comes {
            self.ingest((until.min(last) + PLANNED_AHEAD).min(last));
        }
        comes
    }

    fn handle(&mut self, event: Event) {
        if event.what == WAKE {
            let host = event.target as usize;
            // A wake that an earlier one has replaced is void.
            if self.hosts[host].agenda.wake != event.at {
                return;
            }
            self.hosts[host].agenda.wake = Time::NEVER;
            self.run_agenda(host, event.at);
            return self.schedule_wake(host);
        }
        let host = self.nodes[event.target as usize].host as usize;
        self.run_agenda(host, event.at);
        let flow = self.shard().arrive(event);
        self.settle(flow);
        self.schedule_wake(host);
    }

    /// Puts a wake for the host's earliest task into the queue, unless one is there that is early enough.
    #[inline]
    fn schedule_wake(&mut self, host: usize) {
        if let Some(wake) = self.hosts[host].agenda.wake_up(host as u32) {
            self.queue.push(wake);
        }
    }

    /// Transactions that somebody still has to bring on chain: clients, gateways, pools, blocks that are not final.
    fn held(&self) -> Vec<TxId> {
        let mut seen = Bits::above(self.txs.ids().0);
        let mut list = vec![];
        let mut take = |t: TxId| {
            if seen.add(t) {
                list.push(t);
            }
        };
        self.gateway.waiting().chain(self.clients.holding()).for_each(&mut take);
        self.flows.iter().filter_map(Flow::awaited).for_each(&mut take);
        let open = self.batches.iter().filter(|b| !b.closed);
        let own = self.nodes.iter().flat_map(|n| n.rare.own.iter().map(|b| self.batches.get(*b)));
        open.chain(own).flat_map(|b| b.txs.iter().copied()).for_each(&mut take);
        let tops = self.nodes.iter().flat_map(|n| n.unsettled()).filter(|b| self.blocks.keeps(*b));
        for block in tops.chain(self.meter.undecided()) {
            for p in &self.blocks.block(block).payloads {
                let parts = self.blocks.segments(*p).iter();
                parts
                    .flat_map(|s| &self.batches.get(s.batch).txs[s.from as usize..s.to as usize])
                    .copied()
                    .for_each(&mut take);
            }
        }
        list
    }

    /// Shows what has become of transactions, where somebody follows them.
    fn tell_fates(&mut self) {
        let rows = self.meter.take_fates();
        if !rows.is_empty() {
            self.probe.on_transactions(&rows);
        }
    }

    fn finish(mut self) -> RunRecord {
        let digest = RunDigest::of(self.nodes.iter().map(|n| &n.digest));
        let now = self.horizon;
        for host in &self.hosts {
            self.meter.links(host.up.violations().iter().chain(host.down.violations()));
        }
        let held = self.held();
        self.meter.clients_left(now, self.clients.last_answers());
        let tasks: u64 = self.desks.iter().chain([&self.desk]).map(|desk| desk.tasks).sum();
        let events = self.arrivals + tasks;
        self.meter.finish(now, self.messages.counts(), events, &self.txs, &held, &self.blocks);
        self.tell_fates();
        // The record takes their place.
        (self.nodes, self.hosts) = (vec![], vec![]);
        self.messages = Messages::default();
        let context = Context {
            scenario: self.scenario,
            validators: &self.validators,
            faults: self.network.faults(),
            host_of: &|n| self.network.host_of(n),
            bound: self.bound,
            seed: self.seed,
            digest: digest.to_string(),
        };
        RunRecord { crowded: self.crowded, ..self.meter.record(&context) }
    }
}

#[cfg(test)]
mod tests;
