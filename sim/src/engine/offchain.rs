//! Objects outside the chain: stores, reads, and transfers over the same network cards as consensus.
//!
//! A transfer sends its next chunk when the one before has left the card, so it shares the card with everything else
//! and a more urgent lane acts within one chunk. An external provider's side is a distribution: its PUT and GET
//! times; what passes the node's own card is carried by it.

use ledgerlab_consensus::{NodeId, Protocol, Span, Time};
use ledgerlab_workloads::Arrival;

use crate::engine::Simulation;
use crate::engine::clients::ClientId;
use crate::engine::messages::Cargo;
use crate::engine::task::{ANY_EPOCH, Due, Task};
use crate::kernel::queue::Queue;
use crate::node::mempool::TxId;
use crate::storage::{Offchain, Placement, Store};

/// Largest part of an object that is sent at once.
pub const CHUNK_BYTES: u64 = 64 << 10;
/// Bytes of a request for an object: its hash, the reader, a signature.
const READ_REQUEST_BYTES: u64 = 32 + 32 + 64;
/// The other end of a transfer to or from an external provider.
pub const PROVIDER: NodeId = NodeId(u32::MAX);

/// Why something is transferred.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Purpose {
    /// A transaction waits for its object to be stored.
    Write { tx: TxId, object: Offchain },
    /// A client waits for an object.
    Read { planned: Time, client: Option<ClientId> },
}

/// A transfer of one object.
#[derive(Clone, Debug)]
pub struct Flow {
    from: NodeId,
    to: NodeId,
    left: u64,
    purpose: Purpose,
    /// First byte of the store that is read from, and the draw for the rest.
    delay: Span,
    /// When it began, at the earliest; what the store itself takes counts from here.
    began: Time,
    draw: u64,
    done: bool,
    /// Chunks that have come to a reader.
    came: u32,
}

impl Flow {
    /// The transaction that waits for it.
    pub fn awaited(&self) -> Option<TxId> {
        match self.purpose {
            Purpose::Write { tx, .. } if !self.done => Some(tx),
            _ => None,
        }
    }
}

impl<P: Protocol, Q: Queue> Simulation<'_, P, Q> {
    /// Stores the object of a transaction from its gateway; says when it may be submitted, `None` where a transfer
    /// says later.
    pub(super) fn store_object(
        &mut self,
        a: &Arrival,
        tx: TxId,
        (home, at): (NodeId, Time),
        draw: u64,
    ) -> Option<Time> {
        let Some(object) = self.storage.placement(a).offchain else { return Some(at) };
        self.meter.stored(at, object.bytes);
        match object.store {
            Store::Local => {
                let ready = at + self.storage.write_ack(object, draw);
                self.txs.stored[tx as usize] = ready;
                Some(ready)
            }
            Store::External => {
                let purpose = Purpose::Write { tx, object };
                let delay = Span::ZERO;
                let flow = Flow {
                    from: home,
                    to: PROVIDER,
                    left: object.bytes,
                    purpose,
                    delay,
                    began: at,
                    draw,
                    done: false,
                    came: 0,
                };
                self.open_flow(home, at, flow);
                None
            }
        }
    }

    fn open_flow(&mut self, on: NodeId, at: Time, flow: Flow) {
        let id = self.flows.len() as u32;
        self.flows.push(flow);
        let host = self.nodes[on.0 as usize].host as usize;
        self.hosts[host].agenda.push(at, self.author, on.0, Due { epoch: ANY_EPOCH, task: Task::Open { flow: id } });
        self.schedule_wake(host);
    }

    /// A client reads: the own database at least, and the object from wherever it lies.
    pub(super) fn read(&mut self, a: &Arrival) {
        self.reads += 1;
        let draw = self.storage_draws.at(self.reads, 1);
        let asked = self.reachable(a.hospital, self.gateway.home(a.hospital), Time(a.at_ns));
        self.read_from(a, asked, draw, None);
    }

    /// The same at a node that is asked at a given time, for a client of a closed loop where there is one.
    pub(super) fn read_from(
        &mut self,
        a: &Arrival,
        (home, asked): (NodeId, Time),
        draw: u64,
        client: Option<ClientId>,
    ) {
        let planned = Time(a.at_ns);
        self.meter.read_created(planned);
        let placement = self.storage.placement(a);
        let parts = self.storage.read(&placement, draw);
        let holder = self.gateway.home(a.holder);
        if asked == Time::NEVER {
            return self.read_ended(planned, client, None, asked);
        }
        let found = asked + parts.lookup;
        let Placement { offchain: Some(object), .. } = placement else {
            return self.read_ended(planned, client, Some(found), found);
        };
        let (from, to) = match object.store {
            Store::Local if holder == home => {
                let done = found + parts.first_byte + parts.transfer;
                return self.read_ended(planned, client, Some(done), done);
            }
            Store::Local => (holder, home),
            Store::External => (PROVIDER, home),
        };
        let purpose = Purpose::Read { planned, client };
        let (left, delay) = (object.bytes, parts.first_byte);
        if from != PROVIDER && !self.network.faults().is_up(from, found) {
            return self.read_ended(planned, client, None, found + self.scenario.mempool.failover);
        }
        let flow = Flow { from, to, left, purpose, delay, began: found, draw, done: false, came: 0 };
        if let Some(client) = client {
            self.client_fetches(client, home, found, self.flows.len() as u32);
        }
        self.open_flow(home, found, flow);
    }

    /// The side that begins a transfer begins it.
    pub(super) fn open_transfer(&mut self, n: u32, flow: u32, at: Time) {
        let f = &self.flows[flow as usize];
        let (from, to, delay) = (f.from, f.to, f.delay);
        if self.nodes[n as usize].replica.is_none() {
            return self.lose_flow(n, flow, at);
        }
        if from == PROVIDER {
            self.push_task(n, at + delay, Task::Chunk { flow });
        } else if to == PROVIDER {
            self.next_chunk(n, flow, at);
        } else {
            self.send_cargo(n, at, from, Cargo::ReadRequest { flow }, READ_REQUEST_BYTES, "read-request");
        }
    }

    /// The holder of an object is asked for it.
    pub(super) fn start_flow(&mut self, n: u32, flow: u32, at: Time) {
        let delay = self.flows[flow as usize].delay;
        self.push_task(n, at + delay, Task::Chunk { flow });
    }

    /// Sends the next chunk, or takes it in from a provider.
    pub(super) fn next_chunk(&mut self, n: u32, flow: u32, at: Time) {
        let f = &mut self.flows[flow as usize];
        let bytes = f.left.min(CHUNK_BYTES);
        f.left -= bytes;
        let (from, to, last) = (f.from, f.to, f.left == 0);
        if from == PROVIDER {
            let host = self.nodes[n as usize].host as usize;
            f.came += 1;
            let came = self.hosts[host].down.carry(at, bytes as u32);
            if last {
                return self.flow_done(n, flow, came);
            }
            let streamed = at + self.storage.stream(bytes);
            return self.push_task(n, came.max(streamed), Task::Chunk { flow });
        }
        self.send_cargo(n, at, to, Cargo::Chunk { flow, last }, bytes, "chunk");
    }

    /// A chunk has left its sender's card.
    pub(super) fn chunk_left(&mut self, from: NodeId, to: NodeId, sent: Time, flow: u32, last: bool) {
        if !last {
            self.push_task(from.0, sent, Task::Chunk { flow });
        } else if to == PROVIDER {
            let f = &self.flows[flow as usize];
            if let Purpose::Write { object, .. } = f.purpose {
                // The provider takes the object in while it comes.
                let stored = sent.max(f.began + self.storage.write_ack(object, f.draw));
                self.push_task(from.0, stored, Task::Stored { flow });
            }
        }
    }

    /// A provider has acknowledged an object: its transaction may be submitted.
    pub(super) fn stored(&mut self, n: u32, flow: u32, at: Time) {
        let f = &mut self.flows[flow as usize];
        f.done = true;
        if let Purpose::Write { tx, .. } = f.purpose {
            self.txs.stored[tx as usize] = at;
            self.client_submits(n, at, tx);
        }
    }

    /// A chunk has come to the reader.
    pub(super) fn receive_chunk(&mut self, n: u32, at: Time, flow: u32, last: bool) {
        self.flows[flow as usize].came += 1;
        if last {
            self.flow_done(n, flow, at);
        }
    }

    /// Chunks of an object that have come to its reader.
    pub(super) fn came(&self, flow: u32) -> u32 {
        self.flows[flow as usize].came
    }

    /// Nobody waits for the object any longer.
    pub(super) fn abandon(&mut self, flow: u32) {
        self.flows[flow as usize].done = true;
    }

    fn flow_done(&mut self, _n: u32, flow: u32, at: Time) {
        let f = &mut self.flows[flow as usize];
        if std::mem::replace(&mut f.done, true) {
            return;
        }
        if let Purpose::Read { planned, client } = f.purpose {
            self.read_ended(planned, client, Some(at), at);
        }
    }

    /// A read is served, or has failed at `at`.
    fn read_ended(&mut self, planned: Time, client: Option<ClientId>, served: Option<Time>, at: Time) {
        match served {
            Some(at) => self.meter.read_done(planned, at),
            None => self.meter.read_failed(planned),
        }
        if let Some(client) = client.filter(|_| at != Time::NEVER) {
            self.client_read(client, at, served.is_some());
        }
    }

    /// A node crashed: its own reads fail, and the clients of its unfinished writes turn elsewhere. Whoever reads from
    /// it learns nothing of that here: its chunks cease to come, and the reader gives up by itself.
    pub(super) fn lose_flows(&mut self, n: u32, at: Time) {
        for flow in 0..self.flows.len() as u32 {
            let f = &self.flows[flow as usize];
            let own = match f.purpose {
                Purpose::Read { .. } => f.to.0 == n,
                Purpose::Write { .. } => f.from.0 == n,
            };
            if own && !f.done {
                self.lose_flow(n, flow, at);
            }
        }
    }

    fn lose_flow(&mut self, n: u32, flow: u32, at: Time) {
        let f = &mut self.flows[flow as usize];
        if std::mem::replace(&mut f.done, true) {
            return;
        }
        match f.purpose {
            Purpose::Read { planned, client } => self.read_ended(planned, client, None, at),
            Purpose::Write { tx, .. } => {
                self.resubmit(n, at, vec![tx]);
            }
        }
    }
}
