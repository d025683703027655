//! A small deterministic host for protocol tests: constant delays, no CPU cost, everything recorded and checked.
//!
//! It obeys the contract and nothing else: one heap of events keyed by (time, sender, sender's sequence), links that
//! are first in, first out for each lane, logs with an fsync delay, crashes that keep the durable prefix. After every
//! handler it checks what must hold for any protocol (see [`checks`]) and panics where it does not, so a test only
//! states what it expects beyond that. No bandwidth, no jitter, no signatures, no cost of computation.

pub mod checks;
pub mod node;
pub mod pool;
pub mod solo;
pub mod traffic;

mod effects;
mod event;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, BinaryHeap};
use std::sync::Arc;

use crate::effect::{Effects, LANES, Lane};
use crate::knob::Settings;
use crate::message::{Message as _, PayloadRef};
use crate::protocol::{Env, Peer, Protocol, Status, Validators, Verdict};
use crate::types::{Hashing, Height, NodeId, Span, Time};

use checks::Checks;
use event::{Event, Input};
pub use node::{Block, Node};
pub use traffic::{Sent, Traffic};

/// What happens to a message on its way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// It arrives after the link's delay.
    Pass,
    /// It is lost.
    Drop,
    /// It arrives so much later, and everything behind it on the same lane not earlier.
    Delay(Span),
}

/// Decides on each copy of a message: time, sender, recipient, message.
pub type Filter<P> = Box<dyn FnMut(Time, NodeId, NodeId, &<P as Protocol>::Message) -> Fate>;

/// The host: all nodes, their links and clocks.
pub struct Kit<P: Protocol> {
    /// Time of the event that is handled.
    pub now: Time,
    /// One-way delay of every link.
    pub delay: Span,
    /// Time until a log record is durable; zero means within the same step.
    pub fsync: Span,
    /// Drops and delays messages.
    pub filter: Option<Filter<P>>,
    /// Answers `Judge`; good by default.
    pub judge: fn(NodeId, &PayloadRef) -> Verdict,
    /// Neighbours on the gossip overlay, by node; everybody where there is none.
    pub neighbours: Option<Vec<Vec<NodeId>>>,
    /// The nodes with all that was recorded of them.
    pub nodes: Vec<Node<P>>,
    /// Every message at its sender's boundary.
    pub traffic: Traffic,
    /// The validators.
    pub validators: Arc<Validators>,
    /// The resolved configuration.
    pub config: P::Config,
    seed: u64,
    checks: Checks,
    heap: BinaryHeap<Event<P>>,
    cuts: BTreeSet<(NodeId, NodeId)>,
    last_arrival: Vec<Time>,
    out: Effects<P>,
}

impl<P: Protocol> Kit<P> {
    /// `n` equal validators on as many nodes, default settings changed by `set`, 10 ms delay, fsync 0, pools that
    /// never run empty.
    pub fn new(n: u32, set: impl FnOnce(&mut Settings)) -> Kit<P> {
        Kit::with(Validators::equal(n), n, 1, set)
    }

    /// Any validators on `nodes` nodes; nodes that no validator names have no key. `seed` is that of draws.
    pub fn with(validators: Validators, nodes: u32, seed: u64, set: impl FnOnce(&mut Settings)) -> Kit<P> {
        let mut settings = Settings::new(P::KNOBS, false);
        set(&mut settings);
        let config = P::configure(&settings, &validators);
        let validators = Arc::new(validators);
        let env = |i| Env {
            me: NodeId(i),
            key: validators.iter().find(|v| validators.endpoint(*v) == NodeId(i)),
            nodes,
            validators: validators.clone(),
            hashing: Hashing::Mix,
            seed,
        };
        let mut kit = Kit {
            now: Time::ZERO,
            delay: Span::millis(10),
            fsync: Span::ZERO,
            filter: None,
            judge: |_, _| Verdict::Good,
            neighbours: None,
            nodes: (0..nodes).map(|i| Node::new(env(i))).collect(),
            traffic: Traffic::default(),
            seed,
            checks: Checks::default(),
            heap: BinaryHeap::new(),
            cuts: BTreeSet::new(),
            last_arrival: vec![Time::ZERO; (nodes * nodes) as usize * LANES],
            out: Effects::default(),
            validators: validators.clone(),
            config,
        };
        for i in 0..nodes {
            kit.open(NodeId(i));
        }
        kit
    }

    /// Cuts the link between two nodes, messages under way included.
    pub fn cut(&mut self, a: NodeId, b: NodeId) {
        self.cuts.insert((a.min(b), a.max(b)));
    }

    /// Repairs it; both ends are told that the peer is up.
    pub fn heal(&mut self, a: NodeId, b: NodeId) {
        if self.cuts.remove(&(a.min(b), a.max(b))) {
            self.at(self.now, a, b, Input::Peer(a, Peer::Up));
            self.at(self.now, b, a, Input::Peer(b, Peer::Up));
        }
    }

    /// Cuts all links between `group` and the rest.
    pub fn split(&mut self, group: &[NodeId]) {
        for a in 0..self.nodes.len() as u32 {
            for &b in group.iter().filter(|_| !group.contains(&NodeId(a))) {
                self.cut(NodeId(a), b);
            }
        }
    }

    /// Repairs all links.
    pub fn heal_all(&mut self) {
        for (a, b) in self.cuts.clone() {
            self.heal(a, b);
        }
    }

    /// Whether two nodes are connected.
    pub fn connected(&self, a: NodeId, b: NodeId) -> bool {
        !self.cuts.contains(&(a.min(b), a.max(b)))
    }

    /// Stops a node: the log keeps its durable prefix, the ledger what was adopted; all else is gone.
    pub fn crash(&mut self, node: NodeId) {
        self.node_mut(node).crash();
    }

    /// Opens it again from its log and ledger and starts it; its peers are told that it is up. It starts with working
    /// connections, so that nobody tells it of them.
    pub fn restart(&mut self, node: NodeId) {
        assert!(self.node(node).replica.is_none(), "node {} runs already", node.0);
        self.open(node);
        for p in (0..self.nodes.len() as u32).map(NodeId).filter(|p| *p != node) {
            if self.node(p).is_up() && self.connected(node, p) {
                self.at(self.now, node, p, Input::Peer(node, Peer::Up));
            }
        }
    }

    fn open(&mut self, node: NodeId) {
        let config = self.config.clone();
        self.node_mut(node).open(&config);
        self.at(self.now, node, node, Input::Start);
    }

    /// Adds transactions to a node's pool.
    pub fn submit(&mut self, node: NodeId, count: u64) {
        let n = self.node_mut(node);
        let was = n.pool.pending();
        n.pool.add(count);
        if was.count == 0 {
            self.at(self.now, node, node, Input::Work);
        }
        self.at(self.now, node, node, Input::Supply);
    }

    /// Adds the same transactions to every pool, as if they had been pushed to everybody.
    pub fn submit_all(&mut self, count: u64) {
        (0..self.nodes.len() as u32).for_each(|i| self.submit(NodeId(i), count));
    }

    /// Limits every pool to `count` transactions from the start.
    pub fn limit_pools(&mut self, count: u64) {
        self.nodes.iter_mut().for_each(|n| n.pool.limit(count));
    }

    /// A node.
    pub fn node(&self, n: NodeId) -> &Node<P> {
        &self.nodes[n.0 as usize]
    }
    /// A node.
    pub fn node_mut(&mut self, n: NodeId) -> &mut Node<P> {
        &mut self.nodes[n.0 as usize]
    }
    /// State of a running replica.
    pub fn status(&self, n: NodeId) -> Status {
        self.node(n).replica.as_ref().map(Protocol::status).unwrap_or_default()
    }

    /// Hands a message to a replica outside the run: its state changes, its effects are thrown away.
    pub fn feed(&mut self, node: NodeId, from: NodeId, message: P::Message) {
        let (now, mut out) = (self.now, Effects::default());
        self.node_mut(node).dispatch(Input::Message { from, topic: None, message }, now, &mut out);
    }

    /// Delivers a message that nobody sent, at the present time: what an adversary would say.
    pub fn inject(&mut self, node: NodeId, from: NodeId, message: P::Message) {
        self.at(self.now, from, node, Input::Message { from, topic: None, message });
    }

    /// Handles the next event; false if there is none.
    pub fn step(&mut self) -> bool {
        let Some(e) = self.heap.pop() else { return false };
        assert!(e.at >= self.now, "time runs backwards");
        self.now = e.at;
        if self.nodes[e.to.0 as usize].incarnation == e.incarnation {
            self.receive(e);
        }
        true
    }

    /// Handles all events up to and including `end`, and moves on to it.
    pub fn run_until(&mut self, end: Time) {
        while self.heap.peek().is_some_and(|e| e.at <= end) {
            self.step();
        }
        self.now = self.now.max(end);
    }

    /// Runs so much longer.
    pub fn run_for(&mut self, span: Span) {
        self.run_until(self.now + span);
    }

    /// Runs until the condition holds after a step; false if it does not before `end`.
    pub fn run_while(&mut self, end: Time, mut more: impl FnMut(&Kit<P>) -> bool) -> bool {
        while more(self) {
            if self.heap.peek().is_none_or(|e| e.at > end) {
                self.now = self.now.max(end);
                return false;
            }
            self.step();
        }
        true
    }

    /// Runs until all running nodes have finalised `height`; false if they have not before `end`.
    pub fn run_to_height(&mut self, height: Height, end: Time) -> bool {
        self.run_while(end, |k| k.nodes.iter().any(|n| n.is_up() && n.final_height() < height))
    }

    /// Whether nothing is under way and no timer is set.
    pub fn is_idle(&self) -> bool {
        let live = |e: &Event<P>| {
            let n = self.node(e.to);
            n.incarnation == e.incarnation
                && !matches!(&e.input, Input::Timer { kind, set, .. } if n.timers[*kind] != *set)
        };
        !self.heap.iter().any(live)
    }

    /// For each node, the time from the first send of the payload of the block at `height` to its finality there.
    pub fn latencies(&self, height: Height) -> Vec<Option<Span>> {
        let one = |n: &Node<P>| {
            let (proposed, _) = self.traffic.proposed.get(&n.chain.get(height as usize)?.payloads.first()?.root)?;
            n.finalised.get(height as usize).map(|at| *at - *proposed)
        };
        self.nodes.iter().map(one).collect()
    }

    /// When the block at `height` was first sent, by whom: as a node that has finalised it knows it.
    pub fn proposal(&self, height: Height) -> Option<(Time, NodeId)> {
        let n = self.nodes.iter().find(|n| n.final_height() >= height)?;
        self.traffic.proposed.get(&n.chain[height as usize].payloads.first()?.root).copied()
    }

    /// Queues an input; `from` numbers it.
    fn at(&mut self, at: Time, from: NodeId, to: NodeId, input: Input<P>) {
        let sender = &mut self.nodes[from.0 as usize];
        sender.seq += 1;
        let seq = sender.seq;
        let incarnation = self.node(to).incarnation;
        self.heap.push(Event { at, from, seq, to, incarnation, input });
    }

    /// Hands one event to its node, then the answers that take no time, in order.
    fn receive(&mut self, e: Event<P>) {
        let i = e.to;
        if self.admit(&e) {
            self.node_mut(i).local.push_back(e.input);
        }
        while let Some(input) = self.node_mut(i).local.pop_front() {
            let mut out = std::mem::take(&mut self.out);
            let now = self.now;
            self.nodes[i.0 as usize].dispatch(input, now, &mut out);
            self.apply(i, &mut out);
            out.clear();
            self.out = out;
        }
    }

    /// Whether the replica gets to see an event: host events end here, or in an answer within the same step.
    fn admit(&mut self, e: &Event<P>) -> bool {
        let i = e.to;
        if !self.node(i).is_up() {
            return false;
        }
        match &e.input {
            Input::Message { from, topic, message } => {
                if !self.connected(*from, i) {
                    return false;
                }
                let key = if topic.is_some() { message.key() } else { None };
                key.is_none_or(|k| self.node_mut(i).seen.insert(k))
            }
            Input::Timer { kind, set, .. } => self.node(i).timers[*kind] == *set,
            Input::Mined { race, .. } => self.node(i).race == *race,
            Input::Peer(p, Peer::Up) => self.connected(*p, i) && self.node(*p).is_up(),
            Input::Fetch { key, hint, tries } => {
                self.fetched(i, *key, *hint, *tries);
                false
            }
            Input::Sync { tip, hint, tries } => {
                self.synced(i, *tip, *hint, *tries);
                false
            }
            Input::Durable { upto } => {
                self.made_durable(i, *upto);
                true
            }
            Input::Deadline { build } => {
                self.node_mut(i).supply(Some(*build));
                false
            }
            Input::Supply => {
                self.node_mut(i).supply(None);
                false
            }
            _ => true,
        }
    }

    fn last_arrival(&mut self, from: NodeId, to: NodeId, lane: Lane) -> &mut Time {
        let pair = from.0 as usize * self.nodes.len() + to.0 as usize;
        &mut self.last_arrival[pair * LANES + lane as usize]
    }
}
