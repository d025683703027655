//! Closed loops: clients that submit, wait for their own node's answer, think, and submit again.
//!
//! Everything happens at the time of the node that a client uses, on its host's agenda: what is planned ahead of the
//! clock would depend on answers that are not there yet. Where a client turns to another host it does so at the
//! horizon at the earliest, which no host has passed. What a client asks for, and its object's latencies, depend on
//! the client and the number of its request alone.
//!
//! Limits: the hop between a client and its own node takes no time, and a request's number wraps after 2^32.

use std::ops::Range;

use ledgerlab_consensus::{NodeId, Protocol, Span, Time};
use ledgerlab_workloads::{Arrival, ClosedLoop, Operation};

use crate::engine::Simulation;
use crate::engine::offchain::flows::FlowId;
use crate::engine::task::{ANY_EPOCH, Due, Task};
use crate::kernel::queue::Queue;
use crate::kernel::rng::Stream;
use crate::node::mempool::{BatchId, Transaction, TxId};
use crate::node::window::Window;
use crate::scenario::Scenario;

/// Index of a client, over all closed workloads.
pub type ClientId = u32;

/// No client asks again sooner: time goes on even where nothing in a scenario takes any.
const LEAST_THINK: Span = Span::micros(1);
/// In place of a client, for a transaction that was planned.
const NOBODY: ClientId = u32::MAX;

/// What a client does at present.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Thinking,
    /// Its object is being stored; then the transaction is submitted.
    Storing(TxId),
    Waiting(TxId),
    /// The transfer that it waits for, if there is one, and how much of it had come when it looked the last time.
    Reading(Option<(FlowId, u32)>),
}

#[derive(Clone, Debug)]
struct Client {
    workload: u16,
    /// Number within its workload.
    number: u32,
    /// Requests so far.
    asked: u32,
    /// The node that it uses.
    at: NodeId,
    state: State,
    /// When it was answered the last time.
    answered: Time,
    /// When it asked.
    planned: Time,
}

/// The clients of all closed workloads.
#[derive(Debug)]
pub struct Clients {
    /// By index of the workload; `None` for open ones.
    loops: Vec<Option<ClosedLoop>>,
    list: Vec<Client>,
    /// The client of each transaction; a column only where there are clients.
    of: Window<ClientId>,
    draws: Stream,
}

impl Clients {
    /// The clients of a scenario; nobody has asked yet.
    pub fn new(s: &Scenario, seed: u64, storage_draws: Stream) -> Clients {
        let of = |(i, spec)| ClosedLoop::new(spec, i, seed).expect("a validated scenario has valid workloads");
        let loops: Vec<Option<ClosedLoop>> = (0..).zip(&s.workloads).map(of).collect();
        let mut list = vec![];
        for (workload, l) in (0..).zip(&loops) {
            let client = |number| Client {
                workload,
                number,
                asked: 0,
                at: NodeId(0),
                state: State::Thinking,
                answered: Time::ZERO,
                planned: Time::ZERO,
            };
            list.extend((0..l.as_ref().map_or(0, |l| l.clients)).map(client));
        }
        Clients { loops, list, of: Window::default(), draws: storage_draws.part(u64::MAX) }
    }

    /// How many there are.
    pub fn len(&self) -> u32 {
        self.list.len() as u32
    }

    fn closed_loop(&self, client: ClientId) -> &ClosedLoop {
        let workload = self.list[client as usize].workload;
        self.loops[workload as usize].as_ref().expect("a client belongs to a closed workload")
    }

    /// Time between an answer and the next request.
    fn think(&self, client: ClientId) -> Span {
        Span(self.closed_loop(client).think_ns).max(LEAST_THINK)
    }

    /// The client that waits for this transaction to become final at this node; `None` too where it has given up.
    fn waits_at(&self, tx: TxId, node: NodeId) -> Option<ClientId> {
        let id = self.client_of(tx)?;
        let c = &self.list[id as usize];
        (c.state == State::Waiting(tx) && c.at == node).then_some(id)
    }

    fn client_of(&self, tx: TxId) -> Option<ClientId> {
        self.of.get(u64::from(tx)).copied().filter(|c| *c != NOBODY)
    }

    fn belongs(&mut self, tx: TxId, client: ClientId) {
        while self.of.end() < u64::from(tx) {
            self.of.push(NOBODY);
        }
        self.of.push(client);
    }

    /// Nobody asks for the clients of older transactions any more.
    pub fn forget_below(&mut self, tx: TxId) {
        self.of.forget_below(u64::from(tx));
    }

    /// Transactions that only their clients hold.
    pub fn holding(&self) -> impl Iterator<Item = TxId> + '_ {
        self.list.iter().filter_map(|c| match c.state {
            State::Storing(tx) => Some(tx),
            _ => None,
        })
    }

    /// When each client was answered the last time.
    pub fn last_answers(&self) -> impl Iterator<Item = Time> + '_ {
        self.list.iter().map(|c| c.answered)
    }
}

impl<P: Protocol, Q: Queue> Simulation<'_, P, Q> {
    /// The clients begin, evenly spread over their think time or a batch's delay, whichever is longer.
    pub(super) fn start_clients(&mut self) {
        for id in 0..self.clients.len() {
            let c = self.clients.list[id as usize].number;
            let of = self.clients.closed_loop(id).clients;
            let hospital = self.clients.closed_loop(id).hospital_of(c);
            let ramp = self.clients.think(id).max(self.scenario.mempool.batch_delay);
            let at = (2 * u128::from(c) + 1) * u128::from(ramp.0) / (2 * u128::from(of));
            let home = self.gateway.home(hospital);
            self.clients.list[id as usize].at = home;
            self.push_client(home, Time(at as u64), Task::Client { client: id });
        }
    }

    fn push_client(&mut self, node: NodeId, at: Time, task: Task<P>) {
        if at == Time::NEVER {
            return;
        }
        let host = self.nodes[node.0 as usize].host as usize;
        self.hosts[host].agenda.push(at, self.author, node.0, Due { epoch: ANY_EPOCH, task });
        self.schedule_wake(host);
    }

    /// A client has thought and asks again.
    pub(super) fn client_ready(&mut self, n: u32, id: ClientId, at: Time) {
        let c = &self.clients.list[id as usize];
        let a = self.clients.closed_loop(id).draw(c.number, u64::from(c.asked), at.0);
        let draw = self.clients.draws.at(u64::from(id), u64::from(c.asked));
        let (node, asked) = self.reachable(a.hospital, self.gateway.home(a.hospital), at);
        let asked = if node.0 == n { asked } else { asked.max(self.horizon) };
        let c = &mut self.clients.list[id as usize];
        (c.asked, c.at, c.planned) = (c.asked.wrapping_add(1), node, at);
        if a.operation == Operation::Read {
            c.state = State::Reading(None);
            return self.read_from(&a, (node, asked), draw, Some(id));
        }
        self.client_writes(id, &a, (node, asked), draw);
    }

    fn client_writes(&mut self, id: ClientId, a: &Arrival, (node, asked): (NodeId, Time), draw: u64) {
        let planned = Time(a.at_ns);
        let placement = self.storage.placement(a);
        let (bytes, workload, kind) = (placement.chain_bytes, a.workload, a.kind);
        let tx = self.txs.push(Transaction { planned, bytes, workload, kind });
        self.clients.belongs(tx, id);
        self.clients.list[id as usize].state = State::Storing(tx);
        self.meter.created(tx, &self.txs);
        let expiry = self.scenario.mempool.expiry;
        if expiry != Span(u64::MAX) {
            let asked = self.clients.list[id as usize].asked;
            self.push_client(node, (planned + expiry).max(self.horizon), Task::GiveUp { client: id, asked });
        }
        if asked == Time::NEVER {
            return;
        }
        let stored = match placement.offchain {
            Some(object) => self.store_object(object, tx, (node, asked), draw),
            None => Some(asked),
        };
        match stored {
            Some(ready) if ready == planned => self.client_submits(node.0, planned, tx),
            Some(ready) => self.push_client(node, ready, Task::Submit { tx }),
            None => {}
        }
    }

    /// A client's object is stored and its transaction goes to the gateway.
    pub(super) fn client_submits(&mut self, n: u32, at: Time, tx: TxId) {
        if self.nodes[n as usize].replica.is_none() {
            self.resubmit(n, at, vec![tx]);
            return;
        }
        self.client_turned(tx, NodeId(n));
        self.enqueue_late(NodeId(n), at, tx);
    }

    /// A transaction is with another gateway: its client waits for the answer there.
    pub(super) fn client_turned(&mut self, tx: TxId, node: NodeId) {
        let Some(id) = self.clients.client_of(tx) else { return };
        let c = &mut self.clients.list[id as usize];
        if c.state == State::Storing(tx) || c.state == State::Waiting(tx) {
            (c.state, c.at) = (State::Waiting(tx), node);
        }
    }

    /// Transactions of a batch are final at the node that took them in, and their clients hear of it.
    pub(super) fn answer(&mut self, n: u32, batch: BatchId, part: Range<u32>, at: Time) {
        let txs = &self.batches.get(batch).txs[part.start as usize..part.end as usize];
        if self.clients.len() == 0 {
            return self.meter.answered(txs.iter().map(|tx| self.txs[*tx].planned), at);
        }
        let txs = txs.to_vec();
        for tx in txs {
            let (planned, waits) = (self.txs[tx].planned, self.clients.waits_at(tx, NodeId(n)));
            if waits.is_some() || self.clients.client_of(tx).is_none() {
                self.meter.answered([planned], at);
            }
            if let Some(id) = waits {
                self.end_turn(id, at, Span::ZERO);
            }
        }
    }

    /// A gateway had no room: the client backs off as from a node that does not answer.
    pub(super) fn client_rejected(&mut self, tx: TxId, at: Time) {
        let Some(id) = self.clients.client_of(tx) else { return };
        if self.clients.list[id as usize].state == State::Waiting(tx) {
            self.end_turn(id, at, self.scenario.mempool.failover);
        }
    }

    /// A client's read is served or has failed.
    pub(super) fn client_read(&mut self, id: ClientId, at: Time, served: bool) {
        if matches!(self.clients.list[id as usize].state, State::Reading(_)) {
            self.end_turn(id, at, if served { Span::ZERO } else { self.scenario.mempool.failover });
        }
    }

    /// A client's read needs a transfer: it looks after it from time to time, since the network may lose it.
    pub(super) fn client_fetches(&mut self, id: ClientId, node: NodeId, from: Time, flow: FlowId) {
        let c = &mut self.clients.list[id as usize];
        c.state = State::Reading(Some((flow, 0)));
        let again = Task::GiveUp { client: id, asked: c.asked };
        self.push_client(node, from + self.scenario.mempool.client_timeout, again);
    }

    /// A client's transaction has expired, or it has waited for an object without getting more of it.
    pub(super) fn give_up(&mut self, n: u32, id: ClientId, asked: u32, at: Time) {
        let c = &self.clients.list[id as usize];
        if c.asked != asked || c.state == State::Thinking {
            return;
        }
        let again = Task::GiveUp { client: id, asked };
        match c.state {
            State::Waiting(_) if c.at.0 == n => self.end_turn(id, at, Span::ZERO),
            State::Reading(Some((flow, before))) => {
                let came = self.came(flow).unwrap_or(before);
                if came == before {
                    self.abandon(flow);
                    return self.end_turn(id, at, self.scenario.mempool.failover);
                }
                self.clients.list[id as usize].state = State::Reading(Some((flow, came)));
                self.push_client(NodeId(n), at + self.scenario.mempool.client_timeout, again);
            }
            // It uses another node by now, which may be behind this one, or is not done with storing.
            _ => self.push_client(c.at, (at + self.scenario.mempool.failover).max(self.horizon), again),
        }
    }

    /// Transactions of clients of this node that are on its chain, but not final, or of which the clients have not had
    /// enough replies: while it is down they are not told.
    pub(super) fn unanswered(&self, n: u32) -> Vec<TxId> {
        let node = &self.nodes[n as usize];
        let blocks = node.unsettled().chain(node.rare.unreplied.iter().copied());
        let payloads = blocks.flat_map(|b| &self.blocks.block(b).payloads);
        let parts = payloads.flat_map(|p| self.blocks.segments(*p));
        let txs = parts.flat_map(|s| &self.batches.get(s.batch).txs[s.from as usize..s.to as usize]);
        txs.copied().filter(|tx| self.clients.waits_at(*tx, NodeId(n)).is_some()).collect()
    }

    /// A request has its outcome at `at`; the client asks again when it has thought, and not before `pause`.
    fn end_turn(&mut self, id: ClientId, at: Time, pause: Span) {
        let think = self.clients.think(id);
        let c = &mut self.clients.list[id as usize];
        self.meter.turned(at, at.since(c.planned), at.since(c.answered));
        (c.state, c.answered) = (State::Thinking, at);
        let (node, next) = (c.at, at + think.max(pause));
        // Bad news may come from another host.
        let next = if pause > Span::ZERO { next.max(self.horizon) } else { next };
        self.push_client(node, next, Task::Client { client: id });
    }
}
