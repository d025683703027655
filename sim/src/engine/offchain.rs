//! Objects outside the chain: stores, reads, and transfers over the same network cards as consensus.
//!
//! A transfer sends its next chunk when the one before has left the card, so it shares the card with everything else
//! and a more urgent lane acts within one chunk. An external provider's side is a distribution: its PUT and GET
//! times; what passes the node's own card is carried by it. A transfer ends when all has come, when either end has
//! crashed, when a part of it is lost to a partition, or when its reader gives it up; no more of it is sent then.

pub mod flows;

use ledgerlab_consensus::{Lane, NodeId, Protocol, Time};
use ledgerlab_workloads::Arrival;

use crate::engine::Simulation;
use crate::engine::cards::Incoming;
use crate::engine::clients::ClientId;
use crate::engine::messages::Cargo;
use crate::engine::task::{ANY_EPOCH, Due, Task};
use crate::kernel::queue::Queue;
use crate::network::link::Parcel;
use crate::node::mempool::TxId;
use crate::storage::{Offchain, Placement, Store, transfer};

use flows::{Flow, FlowId, Purpose};

/// Largest part of an object that is sent at once.
pub const CHUNK_BYTES: u64 = 64 << 10;
/// Bytes of a request for an object: its hash, the reader, a signature.
const READ_REQUEST_BYTES: u64 = 32 + 32 + 64;
/// The other end of a transfer to or from an external provider.
pub const PROVIDER: NodeId = NodeId(u32::MAX);

impl<P: Protocol, Q: Queue> Simulation<'_, P, Q> {
    /// Stores the object of a transaction from its gateway; says when it may be submitted, `None` where a transfer
    /// says later.
    pub(super) fn store_object(
        &mut self,
        object: Offchain,
        tx: TxId,
        (home, at): (NodeId, Time),
        draw: u64,
    ) -> Option<Time> {
        self.meter.stored(at, object.bytes);
        match object.store {
            Store::Local => {
                let ready = at + self.storage.write_ack(object, draw);
                self.txs.set_stored(tx, ready);
                Some(ready)
            }
            Store::External => {
                let purpose = Purpose::Write { tx, object };
                let flow = Flow::new((home, PROVIDER), purpose, object.bytes, (at, draw));
                self.open_flow(home, at, flow);
                None
            }
        }
    }

    fn open_flow(&mut self, on: NodeId, at: Time, flow: Flow) -> FlowId {
        let flow = self.flows.open(flow);
        let host = self.nodes[on.0 as usize].host as usize;
        self.hosts[host].agenda.push(at, self.author, on.0, Due { epoch: ANY_EPOCH, task: Task::Open { flow } });
        self.schedule_wake(host);
        flow
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
            // The record is in the ledger: the disk delivers it. Reads neither wait for the disk nor keep it busy.
            let done = found + transfer(u64::from(placement.chain_bytes), self.scenario.node.disk.bytes_per_s);
            return self.read_ended(planned, client, Some(done), done);
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
        if from != PROVIDER && !self.network.faults().is_up(from, found) {
            return self.read_ended(planned, client, None, found + self.scenario.mempool.failover);
        }
        let mut flow = Flow::new((from, to), purpose, object.bytes, (found, draw));
        flow.delay = parts.first_byte;
        let flow = self.open_flow(home, found, flow);
        if let Some(client) = client {
            self.client_fetches(client, home, found, flow);
        }
    }

    /// The side that begins a transfer begins it.
    pub(super) fn open_transfer(&mut self, n: u32, flow: FlowId, at: Time) {
        let Some(f) = self.flows.get(flow) else { return };
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
    pub(super) fn start_flow(&mut self, n: u32, flow: FlowId, at: Time) {
        let Some(delay) = self.flows.get(flow).map(|f| f.delay) else { return };
        self.flows.sending(flow);
        self.push_task(n, at + delay, Task::Chunk { flow });
    }

    /// Sends the next chunk, or takes it in from a provider.
    pub(super) fn next_chunk(&mut self, n: u32, flow: FlowId, at: Time) {
        let Some(f) = self.flows.get_mut(flow).filter(|f| f.goes_on()) else { return };
        let bytes = f.left.min(CHUNK_BYTES);
        f.left -= bytes;
        let (from, to, last) = (f.from, f.to, f.left == 0);
        if from == PROVIDER {
            return self.take_in_chunk(n, flow, at, (bytes as u32, last));
        }
        self.send_cargo(n, at, to, Cargo::Chunk { flow, last }, bytes, "chunk");
    }

    /// A provider's chunk passes the downlink; the next one follows when it has and the provider has streamed it.
    fn take_in_chunk(&mut self, n: u32, flow: FlowId, at: Time, (bytes, last): (u32, bool)) {
        let streamed = at + self.storage.stream(u64::from(bytes));
        let what = Incoming::Chunk { node: n, flow, streamed, last };
        let connection = (n, PROVIDER.0, Lane::Offchain as u8);
        let class = self.shard().class(Lane::Offchain);
        let came = self.shard().take_in_parcel(n, Parcel { there: (at, at), bytes, connection, class, what });
        if let Some(came) = came {
            self.chunk_taken_in(n, flow, came, (streamed, last));
        }
    }

    /// It has passed at `came`.
    pub(super) fn chunk_taken_in(&mut self, n: u32, flow: FlowId, came: Time, (streamed, last): (Time, bool)) {
        let Some(f) = self.flows.get_mut(flow) else { return };
        f.came += 1;
        if last {
            return self.flow_done(flow, came);
        }
        self.push_task(n, came.max(streamed), Task::Chunk { flow });
    }

    /// A chunk has left its sender's card.
    pub(super) fn chunk_left(&mut self, from: NodeId, to: NodeId, sent: Time, flow: FlowId, last: bool) {
        if !last {
            return self.push_task(from.0, sent, Task::Chunk { flow });
        }
        self.flows.sent(flow);
        let Some(f) = self.flows.get(flow).filter(|_| to == PROVIDER) else { return };
        if let Purpose::Write { object, .. } = f.purpose {
            // The provider takes the object in while it comes.
            let stored = sent.max(f.began + self.storage.write_ack(object, f.draw));
            self.push_task(from.0, stored, Task::Stored { flow });
        }
    }

    /// A provider has acknowledged an object: its transaction may be submitted.
    pub(super) fn stored(&mut self, n: u32, flow: FlowId, at: Time) {
        if let Some(Purpose::Write { tx, .. }) = self.flows.end(flow) {
            self.txs.set_stored(tx, at);
            self.client_submits(n, at, tx);
        }
    }

    /// A chunk has come to the reader.
    pub(super) fn receive_chunk(&mut self, at: Time, flow: FlowId, last: bool) {
        let Some(f) = self.flows.get_mut(flow) else { return };
        f.came += 1;
        if last {
            self.flow_done(flow, at);
        }
    }

    /// Chunks of an object that have come to its reader; `None` where it is over.
    pub(super) fn came(&self, flow: FlowId) -> Option<u32> {
        self.flows.get(flow).map(|f| f.came)
    }

    /// Nobody waits for the object any longer.
    pub(super) fn abandon(&mut self, flow: FlowId) {
        self.flows.end(flow);
    }

    fn flow_done(&mut self, flow: FlowId, at: Time) {
        if let Some(Purpose::Read { planned, client }) = self.flows.end(flow) {
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
        self.flows.cut_from(n);
        for flow in self.flows.owned_by(n, at) {
            self.lose_flow(n, flow, at);
        }
    }

    fn lose_flow(&mut self, n: u32, flow: FlowId, at: Time) {
        match self.flows.end(flow) {
            Some(Purpose::Read { planned, client }) => self.read_ended(planned, client, None, at),
            Some(Purpose::Write { tx, .. }) => {
                self.resubmit(n, at, vec![tx]);
            }
            None => {}
        }
    }
}

#[cfg(test)]
mod tests;
