//! One step of a replica: begin when its core is free, run the handler, leave when everything is billed.

use ledgerlab_consensus::{
    Cx, Digest, Effect, Keys, NodeId, PayloadRef, Peer, Protocol, Role, Span, Ticket, Time, Tip, ValidatorId, Verdict,
    Work,
};

use crate::engine::Simulation;
use crate::engine::outbox::Post;
use crate::engine::shard::{Flow, Halted, Shard, Step};
use crate::engine::task::Task;
use crate::kernel::queue::{Origin, Queue};
use crate::kernel::rng::Stream;
use crate::node::cost;

/// What a replica's handler is called with.
#[derive(Clone, Debug)]
pub enum Input<P: Protocol> {
    Start,
    Message { from: NodeId, handle: u32 },
    Timer(P::Timer),
    Work,
    Payload { ticket: Ticket, payload: PayloadRef },
    Judged { ticket: Ticket, verdict: Verdict },
    Checked { ticket: Ticket, good: bool },
    Durable(ledgerlab_consensus::LogSeq),
    Mined(Ticket),
    State(Tip),
    Peer { peer: NodeId, state: Peer },
}

impl<P: Protocol> Input<P> {
    fn number(&self) -> u64 {
        match self {
            Input::Start => 1,
            Input::Message { .. } => 2,
            Input::Timer(_) => 3,
            Input::Work => 4,
            Input::Payload { .. } => 5,
            Input::Judged { .. } => 6,
            Input::Checked { .. } => 7,
            Input::Durable(_) => 8,
            Input::Mined(_) => 9,
            Input::State(_) => 10,
            Input::Peer { .. } => 11,
        }
    }
}

/// What the digest takes of an input.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    pub arrived: Time,
    pub origin: Origin,
    pub content: u64,
}

impl Mark {
    /// Of something that the node does by itself.
    pub fn own(n: u32, at: Time) -> Mark {
        Mark { arrived: at, origin: Origin::new(n, 0), content: 0 }
    }
}

/// Keyed hashes in place of cryptography: as unpredictable to the protocols, and free of cost beside the bill.
struct SimulatedKeys {
    vrf: Stream,
    key: u64,
    coin_quorum: usize,
}

impl Keys for SimulatedKeys {
    fn vrf(&self, input: Digest) -> Digest {
        let own = self.vrf.part(self.key);
        Digest([own.at(input.0[0], input.0[1]), own.at(input.0[1], !input.0[0])])
    }
    fn coin(&self, wave: u64, shares: &mut dyn Iterator<Item = ValidatorId>) -> Option<u64> {
        let mut who: Vec<ValidatorId> = shares.collect();
        who.sort_unstable();
        who.dedup();
        (who.len() >= self.coin_quorum).then(|| self.vrf.part(u64::MAX).at(wave, 0))
    }
}

impl<P: Protocol> Shard<'_, P> {
    /// Runs an input and then every answer that costs no time.
    pub fn step(&mut self, n: u32, ready: Time, mark: Mark, input: Input<P>) -> Flow {
        match self.step_once(n, ready, mark, input)? {
            Some(left) => self.drain_local(n, left),
            None => Ok(()),
        }
    }

    /// Runs the answers that wait, and looks at what the replica now says of itself.
    pub fn drain_local(&mut self, n: u32, mut at: Time) -> Flow {
        while let Some(next) = self.nodes[n as usize].local.pop_front() {
            let Some(left) = self.step_once(n, at, Mark::own(n, at), next)? else { return Ok(()) };
            at = left;
        }
        self.look_at_status(n, at);
        Ok(())
    }

    /// When everything of it leaves; `None` if the node stops before.
    fn step_once(&mut self, n: u32, ready: Time, mark: Mark, input: Input<P>) -> Result<Option<Time>, Halted> {
        let host = self.host_of(n);
        let begin = self.hosts[host].cpu.step_begin(ready);
        let faults = self.network.faults();
        let crash = if faults.is_empty() { None } else { faults.next_crash(NodeId(n), ready) };
        if crash.is_some_and(|crash| crash <= begin) {
            // It waits for a busy core when the node stops.
            self.nodes[n as usize].local.clear();
            return Ok(None);
        }
        let is_message = matches!(input, Input::Message { .. });
        let node = &mut self.nodes[n as usize];
        node.digest.record(&[mark.arrived.0, begin.0, mark.origin.0, input.number() << 56 ^ mark.content]);
        self.call(n, begin, input);
        let cost = self.bill(n) + if is_message { self.scenario.node.handling } else { Span::ZERO };
        let leave = self.hosts[host].cpu.step(begin, cost);
        if crash.is_some_and(|crash| crash <= leave) {
            // The node stops before the step ends: nothing of it leaves.
            self.desk.step.clear();
            self.nodes[n as usize].local.clear();
            return Ok(None);
        }
        self.apply_all(n, leave)?;
        Ok(Some(leave))
    }

    fn call(&mut self, n: u32, begin: Time, input: Input<P>) {
        let node = &mut self.nodes[n as usize];
        let Some(replica) = node.replica.as_mut() else { return };
        let keys = SimulatedKeys {
            vrf: self.frame.vrf,
            key: node.env.key.map_or(u64::MAX - 1, |k| u64::from(k.0)),
            coin_quorum: self.frame.tolerated as usize + 1,
        };
        let mut cx = Cx::new(begin, begin + node.skew, &keys, &mut node.log_seq, &mut self.desk.step.effects);
        match input {
            Input::Start => replica.on_start(&mut cx),
            Input::Message { from, handle } => {
                let body = self.messages.body(handle).expect("a protocol message has a body");
                replica.on_message(from, body, &mut cx);
            }
            Input::Timer(t) => replica.on_timer(t, &mut cx),
            Input::Work => replica.on_work(node.pool.pending(), &mut cx),
            Input::Payload { ticket, payload } => replica.on_payload(ticket, &[payload], &mut cx),
            Input::Judged { ticket, verdict } => replica.on_judged(ticket, verdict, &mut cx),
            Input::Checked { ticket, good } => replica.on_checked(ticket, good, &mut cx),
            Input::Durable(seq) => replica.on_durable(seq, &mut cx),
            Input::Mined(t) => replica.on_mined(t, &mut cx),
            Input::State(tip) => replica.on_state(tip, &mut cx),
            Input::Peer { peer, state } => replica.on_peer(peer, state, &mut cx),
        }
    }

    /// Time of the state machine's core that the effects cost: signatures, and what the protocol charges.
    #[inline]
    fn bill(&mut self, n: u32) -> Span {
        if self.desk.step.effects.list.is_empty() { Span::ZERO } else { self.bill_effects(n) }
    }

    fn bill_effects(&mut self, n: u32) -> Span {
        let (spec, validators) = (&self.scenario.node, self.validators.len());
        let me = self.nodes[n as usize].env.key;
        let mut sum = Span::ZERO;
        let Step { effects, costs, .. } = &mut self.desk.step;
        for e in &effects.list {
            match e {
                Effect::Send { message, .. } => {
                    let c = cost::of_message(message, me, spec, validators);
                    costs.push(c);
                    sum += c.sign;
                }
                Effect::Charge(Work::Time(t)) => sum += *t,
                Effect::Charge(Work::Hash(bytes)) => sum += cost::hashing(spec, *bytes),
                _ => {}
            }
        }
        sum
    }

    fn look_at_status(&mut self, n: u32, at: Time) {
        let node = &mut self.nodes[n as usize];
        let Some(status) = node.replica.as_deref().map(Protocol::status) else { return };
        // PBFT enters the next view to elect, HotStuff when it has elected.
        let electing = status.role == Role::Electing;
        let by_failure = std::mem::replace(&mut node.electing, electing) || electing;
        if node.view != status.view {
            node.view = status.view;
            let view = status.view;
            self.desk.out.posts.push(Post::View { node: n, at, view, by_failure });
        }
        if node.leader != status.leader {
            node.leader = status.leader;
            self.push_to_new_leader(n, at);
        }
    }
}

impl<P: Protocol, Q: Queue> Simulation<'_, P, Q> {
    /// Does what is due, where a host cannot do it alone.
    pub(super) fn perform(&mut self, n: u32, at: Time, task: Task<P>) {
        match task {
            Task::Local { .. }
            | Task::Received { .. }
            | Task::Job { .. }
            | Task::Timer { .. }
            | Task::Durable
            | Task::Mined { .. }
            | Task::Refetch { .. }
            | Task::Check { .. }
            | Task::Checked { .. }
            | Task::Reply { .. }
            | Task::AskReplies { .. } => unreachable!("a host does it alone"),
            Task::Start => self.start_replica(n, at),
            Task::Deadline { generation } => {
                if self.nodes[n as usize].rare.build.is_some_and(|b| b.generation == generation) {
                    self.try_build(n, at);
                    self.drain_local(n, at);
                }
            }
            Task::Flush(batch) => self.flush_batch(n, at, batch),
            Task::Ready(batch) => self.batch_ready(n, at, batch),
            Task::Expire(batch) => self.expire(n, at, batch),
            Task::Retry => self.retry_batches(n, at),
            Task::AskPayload { generation } => self.payload_overdue(n, at, generation),
            Task::Resync { generation } => self.resync(n, at, generation),
            Task::Crash => self.crash(n, at),
            Task::Restart => self.restart(n, at),
            Task::Peer { peer, state } => {
                self.step(n, at, Mark::own(n, at), Input::Peer { peer, state });
                if state == Peer::Up {
                    self.push_again(n, peer, at);
                }
            }
            Task::Card { way, appointment } => self.look_at_card(n, way, appointment, at),
            Task::Open { flow } => self.open_transfer(n, flow, at),
            Task::Chunk { flow } => self.next_chunk(n, flow, at),
            Task::Stored { flow } => self.stored(n, flow, at),
            Task::Client { client } => self.client_ready(n, client, at),
            Task::Submit { tx } => self.client_submits(n, at, tx),
            Task::GiveUp { client, asked } => self.give_up(n, client, asked, at),
        }
    }
}
