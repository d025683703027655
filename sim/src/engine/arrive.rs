//! The receiving half: downlink, verification, then the handler, at once or from the agenda.

use ledgerlab_consensus::{Message, NodeId, Protocol, Span, Time};

use crate::engine::Simulation;
use crate::engine::messages::{Cargo, Header};
use crate::engine::shard::{Flow, Frame, Halt, Shard};
use crate::engine::task::{Came, Task};
use crate::kernel::queue::{Event, Queue};
use crate::node::agenda::Agenda;

/// When the first byte of a message is there whose last one has come, and when the last. The receiver takes bytes while
/// they come: a message waits for those before it, but is not carried a second time after its last byte has come.
#[inline(always)]
pub fn there(header: &Header, at: Time) -> (Time, Time) {
    (Time(at.0.saturating_sub(header.upload.0)), at)
}

impl Frame {
    /// Before this a host with such an agenda can go on at once: nothing else that it does, and no client, comes before.
    /// What a later message meets on its way in must not be touched ahead of it; a provider's chunk, say, passes the
    /// same downlink.
    #[inline(always)]
    pub fn ahead_of<T>(&self, agenda: &Agenda<T>) -> Time {
        let ahead = self.horizon.min(self.planned).min(agenda.next_at());
        if self.eager { ahead } else { Time::ZERO }
    }
}

impl<P: Protocol> Shard<'_, P> {
    /// The last byte of a message reaches its receiver's network card; what was due before has been done.
    #[inline(always)]
    pub fn arrive(&mut self, event: Event) -> Flow {
        let (n, handle) = (event.target, event.what);
        let node = &self.nodes[n as usize];
        let host = node.host as usize;
        if node.replica.is_none() {
            self.lose_copy(handle);
            return Ok(());
        }
        let came = Came { at: event.at, origin: event.origin };
        let messages = self.messages;
        let header = messages.header(handle);
        let Some(ready) = self.download(n, host, there(header, event.at), handle, header) else { return Ok(()) };
        let ahead = self.runs_ahead(host);
        if ready < ahead {
            return self.verify_with((n, host), came, (ready, ahead), handle, header);
        }
        self.push_task(n, ready, Task::Received { handle, came });
        Ok(())
    }

    #[inline(always)]
    fn runs_ahead(&self, host: usize) -> Time {
        self.frame.ahead_of(&self.hosts[host].agenda)
    }

    /// A message comes from a node of the same host: no link is between them.
    pub fn arrive_local(&mut self, n: u32, at: Time, handle: u32) -> Flow {
        if self.nodes[n as usize].replica.is_none() {
            self.lose_copy(handle);
            return Ok(());
        }
        self.verify(n, Came { at, origin: self.messages.header(handle).origin }, at, handle)
    }

    /// A message has passed the downlink: its proofs are verified, then its handler runs.
    pub fn verify(&mut self, n: u32, came: Came, ready: Time, handle: u32) -> Flow {
        let (messages, host) = (self.messages, self.host_of(n));
        let ahead = self.runs_ahead(host);
        self.verify_with((n, host), came, (ready, ahead), handle, messages.header(handle))
    }

    #[inline(always)]
    fn verify_with(
        &mut self,
        (n, host): (u32, usize),
        came: Came,
        (ready, ahead): (Time, Time),
        handle: u32,
        header: &Header,
    ) -> Flow {
        let Header { verify, divided, .. } = *header;
        let cpu = &mut self.hosts[host].cpu;
        let mut done = cpu.verify(ready, verify);
        if divided > Span::ZERO {
            done = done.max(cpu.verify_divided(ready, divided));
        }
        // A later message cannot overtake one of the least cost, nor be verified on the state machine's core before
        // the step; anything else waits on the agenda for its end, unless it is known that nothing arrives before that.
        let first = divided == Span::ZERO && verify <= self.scenario.node.crypto.verify && cpu.verifies_apart();
        if (first || done < self.clear) && done < ahead {
            return self.deliver_with((n, host), came, done, handle, header);
        }
        self.push_task(n, done, Task::Job { handle, came });
        Ok(())
    }

    /// Hands a verified message to the replica, or to the host's own part.
    pub fn deliver(&mut self, n: u32, came: Came, ready: Time, handle: u32) -> Flow {
        let messages = self.messages;
        self.deliver_with((n, self.host_of(n)), came, ready, handle, messages.header(handle))
    }

    #[inline(always)]
    fn deliver_with(&mut self, (n, host): (u32, usize), came: Came, ready: Time, handle: u32, header: &Header) -> Flow {
        if header.plain {
            self.desk.out.released.push(handle);
            return self.take_in_message((n, host), came, ready, handle, header);
        }
        self.deliver_loaded(n, came, ready, handle, header)
    }

    /// Hands over a message that carries something, or is for the host.
    #[inline(never)]
    fn deliver_loaded(&mut self, n: u32, came: Came, ready: Time, handle: u32, header: &Header) -> Flow {
        let from = header.sender;
        let messages = self.messages;
        match messages.cargo(handle) {
            Cargo::Protocol => {
                self.desk.out.released.push(handle);
                let mut shown = std::mem::take(&mut self.desk.carried);
                shown.clear();
                if let Some(body) = messages.body(handle) {
                    body.key().into_iter().for_each(|key| self.nodes[n as usize].fetches.arrived::<P>(key));
                    body.carries(&mut |p| shown.push(p));
                }
                for id in shown.iter().filter_map(|p| self.blocks.payload_of(p.root)) {
                    self.hold(n, id);
                }
                self.see_proposed(n, ready, &shown);
                self.desk.carried = shown;
                self.take_in_message((n, self.host_of(n)), came, ready, handle, header)
            }
            Cargo::StateRequest { .. }
            | Cargo::State(_)
            | Cargo::PayloadRequest { .. }
            | Cargo::Payload { .. }
            | Cargo::Chunk { .. }
            | Cargo::ReadRequest { .. } => self.halt(Halt::Deliver { node: n, came, ready, handle }),
            cargo => {
                self.desk.out.released.push(handle);
                self.note_delivery(n, came, ready, header);
                self.take_in_cargo(n, from, ready, cargo)
            }
        }
    }

    /// Hands a message to the host's own part, where that needs no more than the host has.
    fn take_in_cargo(&mut self, n: u32, from: NodeId, at: Time, cargo: &Cargo) -> Flow {
        match *cargo {
            Cargo::Batch(batch) => return self.receive_batch(n, from, at, batch),
            Cargo::Announce { key } => self.receive_announce(n, from, at, key),
            Cargo::Request { key } => self.receive_request(n, from, at, key),
            Cargo::Reply { block } => self.tally(n, from, at, block),
            Cargo::ReplyRequest { block } => self.receive_reply_request(n, from, at, block),
            _ => unreachable!("the host has halted"),
        }
        Ok(())
    }

    /// What the digest takes of a message that is for the host.
    fn note_delivery(&mut self, n: u32, came: Came, ready: Time, header: &Header) {
        self.nodes[n as usize].digest.record(&[came.at.0, ready.0, came.origin.0, header.content]);
    }
}

impl<P: Protocol, Q: Queue> Simulation<'_, P, Q> {
    /// Hands a message to the host's own part, where that needs more than the host has.
    pub(super) fn deliver(&mut self, n: u32, came: Came, at: Time, handle: u32) {
        let header = *self.messages.header(handle);
        self.shard().note_delivery(n, came, at, &header);
        let cargo = self.messages.cargo(handle).clone();
        self.host_message(n, header.sender, at, cargo);
        self.messages.release(handle);
    }

    fn host_message(&mut self, n: u32, from: NodeId, at: Time, cargo: Cargo) {
        match cargo {
            Cargo::Protocol
            | Cargo::Batch(_)
            | Cargo::Announce { .. }
            | Cargo::Request { .. }
            | Cargo::Reply { .. }
            | Cargo::ReplyRequest { .. } => unreachable!("a host takes it in alone"),
            Cargo::StateRequest { tip, generation } => self.serve_state(n, from, at, tip, generation),
            Cargo::State(a) => self.receive_state(n, from, at, &a.blocks, a.tip, a.generation),
            Cargo::PayloadRequest { root, generation } => self.serve_payload(n, from, at, root, generation),
            Cargo::Payload { id, generation } => self.receive_payload(n, at, id, generation),
            Cargo::Chunk { flow, last } => self.receive_chunk(at, flow, last),
            Cargo::ReadRequest { flow } => self.start_flow(n, flow, at),
        }
    }
}
