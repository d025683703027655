//! The receiving half: downlink, verification, then the handler, at once or from the agenda.

use ledgerlab_consensus::{Message, Protocol, Span, Time};

use crate::engine::Simulation;
use crate::engine::messages::{Cargo, Header};
use crate::engine::step::{Input, Mark};
use crate::engine::task::{Came, Task};
use crate::kernel::queue::{Event, Queue};

impl<P: Protocol, Q: Queue> Simulation<'_, P, Q> {
    /// The last byte of a message reaches its receiver's network card.
    pub(super) fn arrive(&mut self, event: Event) {
        let (n, handle) = (event.target, event.what);
        let host = self.nodes[n as usize].host as usize;
        self.run_agenda(host, event.at);
        if self.nodes[n as usize].replica.is_none() {
            self.lose_copy(handle);
            return self.schedule_wake(host);
        }
        let came = Came { at: event.at, origin: event.origin };
        let header = self.messages.header(handle);
        let Some(ready) = self.receive(n, event.at, handle, &header) else { return self.schedule_wake(host) };
        if self.may_run_ahead(host, ready) {
            self.verify_with(n, host, came, ready, handle, &header);
        } else {
            self.push_task(n, ready, Task::Received { handle, came });
        }
        self.schedule_wake(host);
    }

    /// Whether a host can go on to `until` at once: nothing else that it does, and no client, comes before. What a
    /// later message meets on its way in must not be touched ahead of it; a provider's chunk, say, passes the same
    /// downlink.
    fn may_run_ahead(&mut self, host: usize, until: Time) -> bool {
        if !self.eager || until >= self.horizon {
            return false;
        }
        if self.gateway.next_at() <= until {
            self.ingest(until);
        }
        self.hosts[host].agenda.next_at() > until
    }

    /// A message comes from a node of the same host: no link is between them.
    pub(super) fn arrive_local(&mut self, n: u32, at: Time, handle: u32) {
        match self.nodes[n as usize].replica {
            None => self.lose_copy(handle),
            Some(_) => self.verify(n, Came { at, origin: self.messages.header(handle).origin }, at, handle),
        }
    }

    /// A message has passed the downlink: its proofs are verified, then its handler runs.
    pub(super) fn verify(&mut self, n: u32, came: Came, ready: Time, handle: u32) {
        let host = self.nodes[n as usize].host as usize;
        self.verify_with(n, host, came, ready, handle, &self.messages.header(handle));
    }

    fn verify_with(&mut self, n: u32, host: usize, came: Came, ready: Time, handle: u32, header: &Header) {
        let Header { verify, divided, .. } = *header;
        let cpu = &mut self.hosts[host].cpu;
        let mut done = cpu.verify(ready, verify);
        if divided > Span::ZERO {
            done = done.max(cpu.verify_divided(ready, divided));
        }
        // A later message cannot overtake one of the least cost, nor be verified on the state machine's core before
        // the step; anything else waits on the agenda for its end, unless it is known that nothing arrives before that.
        let first = divided == Span::ZERO && verify <= self.scenario.node.crypto.verify && cpu.verifies_apart();
        if (first || done < self.clear) && self.may_run_ahead(host, done) {
            self.deliver_with(n, came, done, handle, header);
        } else {
            self.push_task(n, done, Task::Job { handle, came });
        }
    }

    /// Passes bytes through the downlink. The receiver takes them while they come: a message waits for those before
    /// it, but is not carried a second time after its last byte has come.
    fn receive(&mut self, n: u32, at: Time, handle: u32, header: &Header) -> Option<Time> {
        let first_byte = Time(at.0.saturating_sub(header.upload.0));
        self.download(n, (first_byte, at), handle, header)
    }

    /// Hands a verified message to the replica, or to the host's own part.
    pub(super) fn deliver(&mut self, n: u32, came: Came, ready: Time, handle: u32) {
        self.deliver_with(n, came, ready, handle, &self.messages.header(handle));
    }

    fn deliver_with(&mut self, n: u32, came: Came, ready: Time, handle: u32, header: &Header) {
        let mark = Mark { arrived: came.at, origin: came.origin, content: header.content };
        let from = header.sender;
        if header.plain {
            self.step(n, ready, mark, Input::Message { from, handle });
            return self.messages.release(handle);
        }
        match self.messages.cargo(handle).clone() {
            Cargo::Protocol => {
                if let Some(key) = self.messages.body(handle).and_then(Message::key) {
                    self.nodes[n as usize].fetches.entry(key).arrived();
                }
                let mut shown = vec![];
                if let Some(body) = self.messages.body(handle) {
                    body.carries(&mut |p| shown.push(p));
                }
                for id in shown.iter().filter_map(|p| self.blocks.payload_of(p.root)).collect::<Vec<_>>() {
                    self.hold(n, id);
                }
                self.see_proposed(n, ready, &shown);
                self.step(n, ready, mark, Input::Message { from, handle });
            }
            cargo => {
                let node = &mut self.nodes[n as usize];
                node.digest.record(&[came.at.0, ready.0, mark.origin.0, mark.content]);
                self.host_message(n, from, ready, cargo);
            }
        }
        self.messages.release(handle);
    }

    fn host_message(&mut self, n: u32, from: ledgerlab_consensus::NodeId, at: Time, cargo: Cargo) {
        match cargo {
            Cargo::Protocol => unreachable!("a protocol's message is for its replica"),
            Cargo::Batch(batch) => self.receive_batch(n, from, at, batch),
            Cargo::Announce { key } => self.receive_announce(n, from, at, key),
            Cargo::Request { key } => self.receive_request(n, from, at, key),
            Cargo::StateRequest { tip, generation } => self.serve_state(n, from, at, tip, generation),
            Cargo::State(a) => self.receive_state(n, from, at, &a.blocks, a.tip, a.generation),
            Cargo::PayloadRequest { root, generation } => self.serve_payload(n, from, at, root, generation),
            Cargo::Payload { id, generation } => self.receive_payload(n, at, id, generation),
            Cargo::Reply { block } => self.tally(n, from, at, block),
            Cargo::ReplyRequest { block } => self.receive_reply_request(n, from, at, block),
            Cargo::Chunk { flow, last } => self.receive_chunk(at, flow, last),
            Cargo::ReadRequest { flow } => self.start_flow(n, flow, at),
        }
    }
}
