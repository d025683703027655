//! One step of a replica: begin when its core is free, run the handler, leave when everything is billed.

use ledgerlab_consensus::{
    Cx, Digest, Effect, Keys, NodeId, PayloadRef, Peer, Protocol, Role, Span, Status, Ticket, Time, Tip, ValidatorId,
    Verdict, Work,
};

use crate::engine::Simulation;
use crate::engine::messages::Header;
use crate::engine::outbox::Post;
use crate::engine::shard::{Flow, Frame, Halted, Shard, Step};
use crate::engine::task::{Came, Task};
use crate::kernel::queue::{Origin, Queue};
use crate::node::cost;
use crate::node::mempool::Pool;

/// What a replica's handler is called with.
#[derive(Clone, Debug)]
pub enum Input<P: Protocol> {
    Start,
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

/// [`Input::number`] of a message, which is handed over where it lies.
pub const MESSAGE: u64 = 2;

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
    /// The words for a step that begins then, with an input of this number.
    #[inline]
    pub fn words(&self, begin: Time, number: u64) -> [u64; 4] {
        [self.arrived.0, begin.0, self.origin.0, number << 56 ^ self.content]
    }
}

/// Keyed hashes in place of cryptography: as unpredictable to the protocols, and free of cost beside the bill.
struct SimulatedKeys<'a> {
    frame: &'a Frame,
    key: Option<ValidatorId>,
}

impl Keys for SimulatedKeys<'_> {
    fn vrf(&self, input: Digest) -> Digest {
        let own = self.frame.vrf.part(self.key.map_or(u64::MAX - 1, |k| u64::from(k.0)));
        Digest([own.at(input.0[0], input.0[1]), own.at(input.0[1], !input.0[0])])
    }
    fn coin(&self, wave: u64, shares: &mut dyn Iterator<Item = ValidatorId>) -> Option<u64> {
        let mut who: Vec<ValidatorId> = shares.collect();
        who.sort_unstable();
        who.dedup();
        let enough = who.len() > self.frame.tolerated as usize;
        enough.then(|| self.frame.vrf.part(u64::MAX).at(wave, 0))
    }
}

impl<P: Protocol> Shard<'_, P> {
    /// Hands the replica a message, and then every answer that costs no time.
    #[inline(always)]
    pub fn take_in_message(
        &mut self,
        (n, host): (u32, usize),
        came: Came,
        ready: Time,
        handle: u32,
        header: &Header,
    ) -> Flow {
        let mark = Mark { arrived: came.at, origin: came.origin, content: header.content };
        let (from, handling, messages) = (header.sender, self.scenario.node.handling, self.messages);
        let flow = self.step_with((n, host), ready, mark, (MESSAGE, handling), |replica, _, cx| {
            let body = messages.body(handle).expect("a protocol message has a body");
            replica.on_message(from, body, cx);
        });
        if let Some(left) = flow? { self.drain_local(n, left) } else { Ok(()) }
    }

    /// Runs an input and then every answer that costs no time.
    pub fn step(&mut self, n: u32, ready: Time, mark: Mark, input: Input<P>) -> Flow {
        match self.step_once(n, ready, mark, input)? {
            Some(left) => self.drain_local(n, left),
            None => Ok(()),
        }
    }

    /// Runs the answers that wait, and looks at what the replica now says of itself.
    #[inline(always)]
    pub fn drain_local(&mut self, n: u32, at: Time) -> Flow {
        if !self.nodes[n as usize].local.is_empty() {
            return self.work_off_local(n, at);
        }
        self.look_at_status(n, at);
        Ok(())
    }

    fn work_off_local(&mut self, n: u32, mut at: Time) -> Flow {
        while let Some(next) = self.nodes[n as usize].local.pop_front() {
            let Some(left) = self.step_once(n, at, Mark::own(n, at), next)? else { return Ok(()) };
            at = left;
        }
        self.look_at_status(n, at);
        Ok(())
    }

    /// When everything of it leaves; `None` if the node stops before.
    fn step_once(&mut self, n: u32, ready: Time, mark: Mark, input: Input<P>) -> Result<Option<Time>, Halted> {
        let kind = (input.number(), Span::ZERO);
        self.step_with((n, self.host_of(n)), ready, mark, kind, |replica, pool, cx| call(replica, pool, input, cx))
    }

    /// Runs a handler as an input of this number, for which the host takes so much time beside it.
    #[inline(always)]
    fn step_with(
        &mut self,
        (n, host): (u32, usize),
        ready: Time,
        mark: Mark,
        (number, handling): (u64, Span),
        handler: impl FnOnce(&mut P, &Pool, &mut Cx<'_, P>),
    ) -> Result<Option<Time>, Halted> {
        let (node, cpu) = (&mut self.nodes[n as usize], &mut self.hosts[host].cpu);
        let begin = cpu.step_begin(ready);
        let faults = self.network.faults();
        let crash = if faults.is_empty() { None } else { faults.next_crash(NodeId(n), ready) };
        if crash.is_some_and(|crash| crash <= begin) {
            // It waits for a busy core when the node stops.
            node.local.clear();
            return Ok(None);
        }
        node.digest.record(&mark.words(begin, number));
        if let Some(replica) = node.replica.as_mut() {
            let keys = SimulatedKeys { frame: &self.frame, key: node.env.key };
            let effects = &mut self.desk.step.effects;
            let cx = Cx::new(begin, begin + node.skew, &keys, &mut node.log_seq, effects);
            let mut cx = if node.log.is_some() { cx } else { cx.without_records() };
            handler(replica, &node.pool, &mut cx);
        }
        if self.desk.step.effects.list.is_empty() {
            // Most messages change a count and nothing else.
            let leave = cpu.step(begin, handling);
            if crash.is_some_and(|crash| crash <= leave) {
                node.local.clear();
                return Ok(None);
            }
            return Ok(Some(leave));
        }
        let cost = self.bill_effects(n) + handling;
        let leave = self.hosts[host].cpu.step(begin, cost);
        if crash.is_some_and(|crash| crash <= leave) {
            // The node stops before the step ends: nothing of it leaves.
            self.desk.step.clear();
            self.nodes[n as usize].local.clear();
            return Ok(None);
        }
        self.apply_list(n, leave)?;
        Ok(Some(leave))
    }

    /// Time of the state machine's core that the effects cost: signatures, and what the protocol charges.
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

    #[inline(always)]
    fn look_at_status(&mut self, n: u32, at: Time) {
        let node = &self.nodes[n as usize];
        let Some(Status { view, leader, role, .. }) = node.replica.as_deref().map(Protocol::status) else { return };
        if (node.view, node.leader, node.electing) != (view, leader, role == Role::Electing) {
            self.note_status(n, at);
        }
    }

    #[inline(never)]
    fn note_status(&mut self, n: u32, at: Time) {
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

/// Hands a replica an input.
fn call<P: Protocol>(replica: &mut P, pool: &Pool, input: Input<P>, cx: &mut Cx<'_, P>) {
    match input {
        Input::Start => replica.on_start(cx),
        Input::Timer(t) => replica.on_timer(t, cx),
        Input::Work => replica.on_work(pool.pending(), cx),
        Input::Payload { ticket, payload } => replica.on_payload(ticket, &[payload], cx),
        Input::Judged { ticket, verdict } => replica.on_judged(ticket, verdict, cx),
        Input::Checked { ticket, good } => replica.on_checked(ticket, good, cx),
        Input::Durable(seq) => replica.on_durable(seq, cx),
        Input::Mined(t) => replica.on_mined(t, cx),
        Input::State(tip) => replica.on_state(tip, cx),
        Input::Peer { peer, state } => replica.on_peer(peer, state, cx),
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
