//! Network cards: what is handed to one, what has left it, and what has come in through one.
//!
//! On a FIFO link that is known when something is handed over. One with urgent lanes or a fair one says when to look at
//! it again, which is a task on the host's agenda; an appointment that another one has replaced is void.

use ledgerlab_consensus::{Lane, NodeId, Protocol, Time};

use crate::engine::Simulation;
use crate::engine::messages::{Cargo, Header};
use crate::engine::offchain::PROVIDER;
use crate::engine::offchain::flows::FlowId;
use crate::engine::outbox::Letter;
use crate::engine::shard::Shard;
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

impl<P: Protocol> Shard<'_, P> {
    /// Whether everything of this kind that a node sends leaves its card one after the other, for other machines.
    pub fn streams(&self, n: u32, cargo: &Cargo) -> bool {
        let host = self.host_of(n);
        // The next chunk of a transfer follows when the one before has left.
        let alone = self.hosts[host].up.is_fifo() && self.network.stands_alone(host as u32);
        alone && !matches!(cargo, Cargo::Chunk { .. })
    }

    /// Sends a copy to every other node over a card from which they [stream](Self::streams).
    pub fn broadcast(&mut self, letter: &Letter<P>) {
        let Letter { from: n, at, .. } = *letter;
        let Header { lane, bytes, origin, .. } = letter.envelope.header;
        let (nodes, host) = (self.count(), self.host_of(n));
        let (sent, apart) = self.hosts[host].up.stream(at, bytes, nodes - 1);
        let copies = &mut self.desk.out.copies.arrivals;
        let connections = &mut self.connections[n as usize];
        self.network.arrivals((NodeId(n), connections), (lane, bytes), origin, (at, sent, apart), copies);
    }

    /// Sends a copy to each of these nodes over a card from which they [stream](Self::streams).
    #[inline(always)]
    pub fn send_copies(&mut self, letter: &Letter<P>, to: &[NodeId]) {
        let (n, nodes, origin) = (letter.from, self.count(), letter.envelope.header.origin);
        let host = self.host_of(n);
        for &to in to.iter().filter(|to| to.0 != n && to.0 < nodes) {
            let sent = self.hosts[host].up.pass((letter.at, letter.at), letter.envelope.header.bytes);
            self.copy(letter, to, origin, sent.expect("a link that streams knows"));
        }
    }

    /// Sends copies of a message that is stored once to these nodes, over a card from which they
    /// [stream](Self::streams). Each has a number of its own, from the message's on.
    pub fn spread(&mut self, letter: Letter<P>, to: &[NodeId]) {
        let (n, Header { bytes, origin, .. }) = (letter.from, letter.envelope.header);
        let host = self.host_of(n);
        let (mut sent, apart) = self.hosts[host].up.stream(letter.at, bytes, to.len() as u32);
        let first = self.desk.out.copies.arrivals.len() as u32;
        for (&to, sequence) in to.iter().zip(origin.sequence()..) {
            self.copy(&letter, to, Origin::new(n, sequence), sent);
            sent += apart;
        }
        self.desk.out.post_copies(letter, first, true);
    }

    /// A copy has left its card at `sent`.
    fn copy(&mut self, letter: &Letter<P>, to: NodeId, origin: Origin, sent: Time) {
        let (n, Header { lane, bytes, .. }) = (letter.from, letter.envelope.header);
        let connections = &mut self.connections[n as usize];
        let times = (letter.at, sent);
        let arrival = self.network.arrival((NodeId(n), to), connections, (lane, bytes), origin, times);
        self.desk.out.copies.arrivals.push((to, arrival.unwrap_or(Time::NEVER)));
    }

    /// Passes bytes of a message through the downlink, of which the first came at `there.0` and the last at `there.1`:
    /// when they have passed, or `None` where [`Task::Card`] will say.
    #[inline(always)]
    pub fn download(&mut self, n: u32, host: usize, there: (Time, Time), handle: u32, e: &Header) -> Option<Time> {
        let passed = self.hosts[host].down.pass(there, e.bytes);
        if passed.is_some() { passed } else { self.download_shared(n, there, handle, e) }
    }

    /// The same through a link that looks at more than times and sizes.
    #[inline(never)]
    fn download_shared(&mut self, n: u32, there: (Time, Time), handle: u32, e: &Header) -> Option<Time> {
        let connection = (n, e.sender.0, e.lane as u8);
        let what = Incoming::Message { node: n, handle, arrived: there.1 };
        let class = self.class(e.lane);
        self.take_in_parcel(n, Parcel { there, bytes: e.bytes, connection, class, what })
    }

    /// How urgent a lane is to a link.
    pub fn class(&self, lane: Lane) -> u8 {
        if self.scenario.network.priority { lane as u8 } else { 0 }
    }

    /// The same of anything that comes in.
    pub fn take_in_parcel(&mut self, n: u32, parcel: Parcel<Incoming>) -> Option<Time> {
        let host = self.host_of(n);
        let passed = self.hosts[host].down.carry(parcel);
        if passed.is_none() {
            self.watch(n, Way::Down);
        }
        passed
    }

    /// Writes down when a link must be looked at, if that has changed.
    pub fn watch(&mut self, n: u32, way: Way) {
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
}

impl<P: Protocol, Q: Queue> Simulation<'_, P, Q> {
    /// A copy goes to the card of its sender's host.
    pub(super) fn hand_over(&mut self, n: u32, at: Time, to: NodeId, handle: u32) {
        let e = *self.messages.header(handle);
        let lane = e.lane as u8;
        let parcel = Parcel {
            there: (at, at),
            bytes: e.bytes,
            connection: (n, to.0, lane),
            class: self.shard().class(e.lane),
            what: Outgoing { from: NodeId(n), to, handle, queued: at },
        };
        let host = self.nodes[n as usize].host as usize;
        match self.hosts[host].up.carry(parcel) {
            Some(sent) => self.travel(NodeId(n), to, (at, sent), handle),
            None => self.shard().watch(n, Way::Up),
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
        self.shard().watch(n, way);
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
        self.shard().watch(n, Way::Up);
        self.shard().watch(n, Way::Down);
    }

    /// A copy that was handed to the sender's card at `queued` has left it at `sent`: it arrives after the latency,
    /// in the order of its connection, unless its sender crashes before it has left or the network is cut on the way.
    pub(super) fn travel(&mut self, from: NodeId, to: NodeId, (queued, sent): (Time, Time), handle: u32) {
        let Header { lane, bytes, origin, .. } = *self.messages.header(handle);
        if let Cargo::Chunk { flow, last } = *self.messages.cargo(handle) {
            self.chunk_left(from, to, sent, flow, last);
        }
        if to == PROVIDER {
            return self.messages.release(handle);
        }
        let connections = &mut self.connections[from.0 as usize];
        let arrival = self.network.arrival((from, to), connections, (lane, bytes), origin, (queued, sent));
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
