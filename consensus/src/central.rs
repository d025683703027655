//! One database server without consensus: the control group.
//!
//! Paper: none; a primary with group commit and asynchronous log shipping, as any SQL database offers it.
//!
//! Model: the server is trusted and never fails; while it is down nothing commits, and what its disk has lost is
//! lost. A group is final when the server has committed it: the others hold copies, and their failures are nobody's
//! but their clients'. Channels are authenticated, so that nothing is signed.
//!
//! Normal case:
//! 1. the server, validator 0, takes what waits in its pool, at most once in `block_period` or 100 us;
//! 2. it appends the group to its log; when that is durable the group is committed: adopted and final;
//! 3. it pushes the group to every other node, which adopts it as final on arrival.
//!
//! ```text
//! server   build ─ log ─ fsync ─┬─ commit      next group
//! node 1                        ├──▶ commit
//! node 2                        └──▶ commit
//! ```
//!
//! Fork choice: none. A restarted server opens its log and commits again what was durable; a node that missed groups
//! copies the ledger of the server.
//!
//! Costs charged: one synced record a group, n - 1 messages with its payload, 40 bytes of header on disk (parent,
//! height, root).
//!
//! Deviations: none that a paper could tell; empty groups are never made, whatever `empty_blocks` says. Not modelled:
//! SQL, standby servers, failover.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::effect::{Cx, Effect, Gate, Lane, Until};
use crate::info::{Family, FaultBound, Finality, ProtocolInfo, Reply, Rotation};
use crate::knob::{Knob, Settings};
use crate::message::{Claim, Message, PayloadRef};
use crate::protocol::{Env, Peer, Protocol, Records, Role, Status, Validators};
use crate::types::{Digest, Hashing, Height, LogSeq, NodeId, Span, Ticket, Tip, ValidatorId};
use crate::wire::Wire;

/// Parent, height and root of a group.
const HEADER_BYTES: u32 = 40;

/// Groups that a node keeps while it copies the ledger.
const EARLY: usize = 64;

/// The least time between two groups, so that a disk without latency does not commit each transaction by itself: the
/// order of one small write to a fast disk.
const LEAST_PERIOD: Span = Span::micros(100);

/// Time that an fsync is expected to take, for [`Protocol::expected_finality`] alone.
const FSYNC: Span = Span::millis(2);

/// A group of transactions that is committed at once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Group {
    /// Digest of the other fields.
    pub id: Digest,
    /// The group before.
    pub parent: Digest,
    /// One more than the parent's.
    pub height: Height,
    /// The transactions.
    pub payload: Vec<PayloadRef>,
}

crate::wire!(struct Group { id, parent, height, payload });

impl Group {
    fn new(below: Tip, payload: &[PayloadRef], hashing: Hashing) -> Group {
        let (parent, height, payload) = (below.block, below.height + 1, payload.to_vec());
        let mut g = Group { id: Digest::GENESIS, parent, height, payload };
        let mut bytes = vec![];
        g.encode(&mut bytes);
        g.id = hashing.digest(&bytes);
        g
    }
    fn tip(&self) -> Tip {
        Tip { height: self.height, block: self.id }
    }
}

/// A group on its way from the server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shipped {
    /// The group.
    pub group: Arc<Group>,
}

crate::wire!(struct Shipped { group });

impl Message for Shipped {
    fn kind(&self) -> &'static str {
        "group"
    }
    fn claims(&self, _: &mut dyn FnMut(Claim<'_>)) {}
    fn carries(&self, visit: &mut dyn FnMut(PayloadRef)) {
        self.group.payload.iter().for_each(|p| visit(*p));
    }
    fn proposes(&self) -> Option<(Digest, Digest)> {
        Some((self.group.id, self.group.parent))
    }
}

/// Resolved settings.
#[derive(Clone, Debug)]
pub struct Config {
    /// Least time between two groups.
    pub period: Span,
    /// Most payload bytes in a group.
    pub block_bytes: u32,
}

/// A replica: the server or one of the others.
#[derive(Debug)]
pub struct Central {
    env: Env,
    config: Config,
    server: NodeId,
    tip: Tip,
    /// At the server: durable or not, but not committed yet.
    open: Vec<(LogSeq, Arc<Group>)>,
    /// At the server: the last committed group, for peers that come back; all that its log has to keep.
    last: Option<Arc<Group>>,
    /// Elsewhere: came before their turn.
    early: BTreeMap<Height, Arc<Group>>,
    syncing: bool,
    /// At the server: whether the period since the last group has passed.
    due: bool,
    /// At the server: number of the last request for a payload, and whether it is unanswered.
    ticket: u64,
    building: bool,
}

impl Central {
    fn is_server(&self) -> bool {
        self.env.me == self.server
    }
    /// Asks for the next group when the last one is committed and its period has passed.
    fn build(&mut self, cx: &mut Cx<'_, Self>) {
        if self.building || !self.due || !self.open.is_empty() {
            return;
        }
        self.building = true;
        self.ticket += 1;
        let (limit, parent) = (self.config.block_bytes, self.tip.block);
        cx.push(Effect::Build { ticket: Ticket(self.ticket), parent, limit, until: Until::Some });
    }
    fn commit(&mut self, g: &Arc<Group>, cx: &mut Cx<'_, Self>) {
        cx.adopt(g.tip(), g.parent, &g.payload, HEADER_BYTES);
        cx.finalize(g.height, None);
        self.tip = g.tip();
    }
    fn ship(&mut self, seq: LogSeq, g: Arc<Group>, cx: &mut Cx<'_, Self>) {
        self.commit(&g, cx);
        cx.truncate(seq);
        cx.broadcast(Lane::Block, Gate::Now, Shipped { group: g.clone() });
        self.last = Some(g);
    }
    /// Commits what has come in order.
    fn follow(&mut self, cx: &mut Cx<'_, Self>) {
        while let Some(g) = self.early.remove(&(self.tip.height + 1)) {
            if g.parent == self.tip.block {
                self.commit(&g, cx);
            }
        }
        self.early = self.early.split_off(&(self.tip.height + 1));
    }
    /// Copies the server's ledger if groups in between are missing.
    fn catch_up(&mut self, cx: &mut Cx<'_, Self>) {
        if let Some(g) = self.early.last_key_value().map(|(_, g)| g.tip()) {
            self.syncing = true;
            cx.push(Effect::Sync { tip: g, hint: self.server });
        }
    }
}

impl Protocol for Central {
    const INFO: ProtocolInfo = ProtocolInfo {
        id: "central",
        name: "Central database",
        paper: "none: one server with group commit and log shipping",
        family: Family::None,
        faults: FaultBound::Server,
        quorum: "none: the server decides",
        finality: Finality::Deterministic,
        delays: Some(|_| 1),
        messages: Some(|n| n.saturating_sub(1)),
        reply: Reply::OwnNode,
        rotation: Rotation::KnownLeader,
        exclusive: &[],
        overlay: false,
    };
    const TIMERS: usize = 1;
    const KNOBS: &'static [Knob] = &[];
    type Config = Config;
    type Message = Shipped;
    type Record = Arc<Group>;
    type Timer = ();

    fn configure(settings: &Settings, _: &Validators) -> Config {
        Config { period: settings.block_period.max(LEAST_PERIOD), block_bytes: settings.block_bytes }
    }
    fn open(env: Env, config: &Config, log: Records<'_, Arc<Group>>, adopted: Tip) -> Self {
        let server = env.validators.endpoint(ValidatorId(0));
        let mut last = None;
        let mut open = vec![];
        for (seq, g) in log {
            if g.height > adopted.height {
                open.push((seq, g));
            } else {
                last = Some(g);
            }
        }
        let early = BTreeMap::new();
        let (due, building, syncing) = (true, false, false);
        let config = config.clone();
        Central { env, config, server, tip: adopted, open, last, early, syncing, due, ticket: 0, building }
    }
    fn expected_finality(config: &Config, delay: Span) -> Span {
        config.period + FSYNC + delay
    }
    fn on_start(&mut self, cx: &mut Cx<'_, Self>) {
        if !self.is_server() {
            return;
        }
        if let Some(group) = self.last.clone() {
            // The copies of the last group may be lost; who misses it, or others below, learns of it.
            cx.broadcast(Lane::Block, Gate::Now, Shipped { group });
        }
        for (seq, g) in std::mem::take(&mut self.open) {
            self.ship(seq, g, cx);
        }
        self.build(cx);
    }
    fn on_payload(&mut self, ticket: Ticket, payload: &[PayloadRef], cx: &mut Cx<'_, Self>) {
        if ticket.0 != self.ticket || !self.building {
            payload.iter().for_each(|p| cx.push(Effect::Drop { root: p.root }));
            return;
        }
        self.building = false;
        let g = Arc::new(Group::new(self.tip, payload, self.env.hashing));
        let seq = cx.log(g.clone());
        self.open.push((seq, g));
        self.due = false;
        cx.set_timer((), self.config.period);
    }
    fn on_durable(&mut self, upto: LogSeq, cx: &mut Cx<'_, Self>) {
        let committed = self.open.iter().take_while(|(seq, _)| *seq <= upto).count();
        let groups: Vec<_> = self.open.drain(..committed).collect();
        for (seq, g) in groups {
            self.ship(seq, g, cx);
        }
        if self.is_server() {
            self.build(cx);
        }
    }
    fn on_timer(&mut self, (): (), cx: &mut Cx<'_, Self>) {
        self.due = true;
        self.build(cx);
    }
    fn on_message(&mut self, from: NodeId, m: &Shipped, cx: &mut Cx<'_, Self>) {
        let g = &m.group;
        if from != self.server {
            return cx.reject(from, "a group from a node that is not the server");
        }
        if g.height <= self.tip.height {
            return;
        }
        self.early.insert(g.height, g.clone());
        if self.early.len() > EARLY {
            self.early.pop_first();
        }
        if self.syncing {
            return;
        }
        self.follow(cx);
        self.catch_up(cx);
    }
    fn on_state(&mut self, tip: Tip, cx: &mut Cx<'_, Self>) {
        self.syncing = false;
        self.tip = tip;
        self.follow(cx);
        self.catch_up(cx);
    }
    fn on_peer(&mut self, peer: NodeId, state: Peer, cx: &mut Cx<'_, Self>) {
        // A peer that missed groups learns of it from the last one.
        if let (Peer::Up, Some(g)) = (state, self.last.clone().filter(|_| self.is_server())) {
            cx.send(peer, Lane::Block, Gate::Now, Shipped { group: g });
        }
    }
    fn status(&self) -> Status {
        let role = if self.is_server() { Role::Leader } else { Role::Follower };
        Status { height: self.tip.height, view: 0, role, leader: Some(self.server), locked: 0 }
    }
}

#[cfg(test)]
mod tests;
