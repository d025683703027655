//! Network cards: what is handed to one, what has left it, and what has come in through one.
//!
//! On a FIFO link that is known when something is handed over. One with urgent lanes or a fair one says when to look at
//! it again, which is a task on the host's agenda; an appointment that another one has replaced is void.

use ledgerlab_consensus::{Lane, NodeId, Protocol, Time};

use crate::engine::Simulation;
use crate::engine::messages::{Cargo, Header};
use crate::engine::offchain::PROVIDER;
use crate::engine::offchain::flows::FlowId;
use crate::engine::task::{ANY_EPOCH, Came, Due, Task};
use crate::kernel::queue::{Event, Origin, Queue};
use crate::network::link::Parcel;

/// A copy on its way out of a card.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing {
    from: NodeId,
    to: NodeId,
    handle: u32,
    /// When it was handed over.
    queued: Time,
}

/// What is on its way into a host.
#[derive(Clone, Copy, Debug)]
pub enum Incoming {
    /// A message to one of its nodes, the last byte of which has arrived.
    Message { node: u32, handle: u32, arrived: Time },
    /// A provider's chunk.
    Chunk { node: u32, flow: FlowId, streamed: Time, last: bool },
}

/// A direction of a card.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    Up,
    Down,
}

impl<P: Protocol, Q: Queue> Simulation<'_, P, Q> {
    /// Whether everything that a node sends leaves its card one after the other.
    pub(super) fn streams(&self, n: u32) -> bool {
        let host = self.nodes[n as usize].host;
        let h = &self.hosts[host as usize];
        h.up.is_fifo() && self.network.stands_alone(host)
    }

    /// Sends a copy to every other node over a card from which they [stream](Self::streams).
    pub(super) fn broadcast(&mut self, n: u32, at: Time, handle: u32, kind: &'static str) {
        let nodes = self.nodes.len() as u32;
        let Header { lane, bytes, origin, .. } = self.messages.header(handle);
        self.messages.count(kind, bytes, nodes - 1);
        self.messages.retain_many(handle, nodes - 1);
        let host = self.nodes[n as usize].host as usize;
        let (sent, apart) = self.hosts[host].up.stream(at, bytes, nodes - 1);
        self.network.arrivals(NodeId(n), (lane, bytes), origin, (at, sent, apart), |to, arrival| {
            self.probe.on_send(at, NodeId(n), to, kind, bytes);
            match arrival {
                Some(at) => self.queue.push_copy(Event { at, origin, target: to.0, what: handle }),
                None => self.messages.release(handle),
            }
        });
    }

    /// Sends copies of a message that is stored once to these nodes, over a card from which they
    /// [stream](Self::streams). Each has a number of its own, from the message's on.
    pub(super) fn spread(&mut self, n: u32, at: Time, to: &[NodeId], handle: u32, kind: &'static str) {
        let Header { lane, bytes, origin, .. } = self.messages.header(handle);
        self.messages.count(kind, bytes, to.len() as u32);
        self.messages.retain_many(handle, to.len() as u32);
        let host = self.nodes[n as usize].host as usize;
        let (mut sent, apart) = self.hosts[host].up.stream(at, bytes, to.len() as u32);
        for (&to, sequence) in to.iter().zip(origin.sequence()..) {
            self.probe.on_send(at, NodeId(n), to, kind, bytes);
            let origin = Origin::new(n, sequence);
            match self.network.arrival((NodeId(n), to), (lane, bytes), origin, (at, sent)) {
                Some(at) => self.queue.push(Event { at, origin, target: to.0, what: handle }),
                None => self.messages.release(handle),
            }
            sent += apart;
        }
    }

    /// A copy goes to the card of its sender's host.
    pub(super) fn hand_over(&mut self, n: u32, at: Time, to: NodeId, handle: u32) {
        let e = self.messages.header(handle);
        let lane = e.lane as u8;
        let parcel = Parcel {
            there: (at, at),
            bytes: e.bytes,
            connection: (n, to.0, lane),
            class: self.class(e.lane),
            what: Outgoing { from: NodeId(n), to, handle, queued: at },
        };
        let host = self.nodes[n as usize].host as usize;
        match self.hosts[host].up.carry(parcel) {
            Some(sent) => self.travel(NodeId(n), to, (at, sent), handle),
            None => self.watch(n, Way::Up),
        }
    }

    /// Passes bytes of a message through the downlink, of which the first came at `there.0` and the last at `there.1`:
    /// when they have passed, or `None` where [`Task::Card`] will say.
    pub(super) fn download(&mut self, n: u32, there: (Time, Time), handle: u32, e: &Header) -> Option<Time> {
        let connection = (n, e.sender.0, e.lane as u8);
        let what = Incoming::Message { node: n, handle, arrived: there.1 };
        let class = self.class(e.lane);
        self.take_in_parcel(n, Parcel { there, bytes: e.bytes, connection, class, what })
    }

    /// How urgent a lane is to a link.
    pub(super) fn class(&self, lane: Lane) -> u8 {
        if self.scenario.network.priority { lane as u8 } else { 0 }
    }

    /// The same of anything that comes in.
    pub(super) fn take_in_parcel(&mut self, n: u32, parcel: Parcel<Incoming>) -> Option<Time> {
        let host = self.nodes[n as usize].host as usize;
        let passed = self.hosts[host].down.carry(parcel);
        if passed.is_none() {
            self.watch(n, Way::Down);
        }
        passed
    }

    /// Writes down when a link must be looked at, if that has changed.
    fn watch(&mut self, n: u32, way: Way) {
        let h = &mut self.hosts[self.nodes[n as usize].host as usize];
        let next = match way {
            Way::Up => h.up.watch(),
            Way::Down => h.down.watch(),
        };
        if let Some((at, appointment)) = next {
            let task = Task::Card { way, appointment };
            h.agenda.push(at, self.author, n, Due { epoch: ANY_EPOCH, task });
        }
    }

    /// A link has an appointment: what has passed goes on.
    pub(super) fn look_at_card(&mut self, n: u32, way: Way, appointment: u64, at: Time) {
        let host = self.nodes[n as usize].host as usize;
        match way {
            Way::Up => {
                for (sent, c) in self.hosts[host].up.advance(at, appointment) {
                    self.travel(c.from, c.to, (c.queued, sent), c.handle);
                }
            }
            Way::Down => {
                for (passed, what) in self.hosts[host].down.advance(at, appointment) {
                    self.come_in(passed, what);
                }
            }
        }
        self.watch(n, way);
    }

    fn come_in(&mut self, at: Time, what: Incoming) {
        match what {
            Incoming::Message { node, handle, arrived } => {
                let came = Came { at: arrived, origin: self.messages.header(handle).origin };
                self.push_task(node, at, Task::Received { handle, came });
            }
            Incoming::Chunk { node, flow, streamed, last } => self.chunk_taken_in(node, flow, at, (streamed, last)),
        }
    }

    /// Copies of a crashed node that wait for its card are lost, and where links share or have lanes those that wait on
    /// their way to it.
    pub(super) fn forget_copies(&mut self, n: u32, at: Time) {
        let h = &mut self.hosts[self.nodes[n as usize].host as usize];
        let mut lost: Vec<u32> = h.up.forget(at, n).into_iter().map(|c| c.handle).collect();
        lost.extend(h.down.forget(at, n).into_iter().filter_map(|what| match what {
            Incoming::Message { handle, .. } => Some(handle),
            Incoming::Chunk { .. } => None,
        }));
        lost.into_iter().for_each(|handle| self.lose_copy(handle));
        self.watch(n, Way::Up);
        self.watch(n, Way::Down);
    }

    /// A copy that was handed to the sender's card at `queued` has left it at `sent`: it arrives after the latency,
    /// in the order of its connection, unless its sender crashes before it has left or the network is cut on the way.
    pub(super) fn travel(&mut self, from: NodeId, to: NodeId, (queued, sent): (Time, Time), handle: u32) {
        let Header { lane, bytes, origin, .. } = self.messages.header(handle);
        if let Cargo::Chunk { flow, last } = *self.messages.cargo(handle) {
            self.chunk_left(from, to, sent, flow, last);
        }
        if to == PROVIDER {
            return self.messages.release(handle);
        }
        let arrival = self.network.arrival((from, to), (lane, bytes), origin, (queued, sent));
        match arrival {
            Some(at) if self.nodes[from.0 as usize].host == self.nodes[to.0 as usize].host => {
                let host = self.nodes[to.0 as usize].host as usize;
                let due = Due { epoch: ANY_EPOCH, task: Task::Local { handle } };
                self.hosts[host].agenda.push(at, self.author, to.0, due);
            }
            Some(at) => self.queue.push_copy(Event { at, origin, target: to.0, what: handle }),
            None => {
                if let Cargo::Chunk { flow, .. } = *self.messages.cargo(handle) {
                    self.flows.cut(flow);
                }
                self.lose_copy(handle);
            }
        }
    }
}
