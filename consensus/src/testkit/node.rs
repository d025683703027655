//! One node: its replica, log, ledger, timers and pool, and the record of what it did.

use std::collections::{BTreeSet, VecDeque};

use super::event::Input;
use super::pool::Pool;
use crate::effect::{Cx, Effects, Lane, To};
use crate::log::RecordLog;
use crate::message::{Evidence, PayloadRef};
use crate::protocol::{Env, Keys, Pending, Protocol};
use crate::types::{Digest, Hashing, Height, LogSeq, NodeId, Time, Tip, Topic, ValidatorId};
use crate::wire::Wire;

/// A block of a node's ledger.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Block {
    /// When it was adopted here.
    pub time: Time,
    /// Its height, which is its index in the chain.
    pub height: Height,
    /// Its id.
    pub block: Digest,
    /// Its parent.
    pub parent: Digest,
    /// Its payloads.
    pub payloads: Vec<PayloadRef>,
    /// Bytes of its header.
    pub header_bytes: u32,
}

/// A message that waits for its record.
#[derive(Clone, Debug)]
pub(super) struct Gated<P: Protocol> {
    pub after: LogSeq,
    pub to: To,
    pub set: Vec<NodeId>,
    pub message: P::Message,
    pub lane: Lane,
}

/// A node and all that was recorded of it.
pub struct Node<P: Protocol> {
    /// The replica; `None` while crashed.
    pub replica: Option<P>,
    /// Difference of its wall clock to the time, in nanoseconds.
    pub skew_ns: i64,
    /// Its mempool.
    pub pool: Pool,
    /// Its log; after a crash only the durable prefix.
    pub log: RecordLog<P::Record>,
    /// The ledger by height; genesis is the first.
    pub chain: Vec<Block>,
    /// When each height became final, genesis first.
    pub finalised: Vec<Time>,
    /// The heights that stayed when something was reverted, with the time.
    pub reverts: Vec<(Time, Height)>,
    /// Messages that it refused: time, peer, why.
    pub rejects: Vec<(Time, NodeId, &'static str)>,
    /// Contradictions that it reported.
    pub evidence: Vec<Evidence>,
    /// Objects that it asked for.
    pub fetches: u64,
    /// State transfers that ended.
    pub syncs: u64,
    /// Heights below this will not be asked for.
    pub pruned: Height,
    /// Whether messages are offered to [`Protocol::tally`] first.
    pub offers: bool,
    /// How many it took in.
    pub tallied: u64,
    pub(super) env: Env,
    pub(super) keys: PlainKeys,
    pub(super) seq: u64,
    pub(super) incarnation: u32,
    pub(super) gated: Vec<Gated<P>>,
    pub(super) local: VecDeque<Input<P>>,
    pub(super) timers: Vec<u64>,
    pub(super) timers_set: u64,
    pub(super) race: u64,
    pub(super) topics: BTreeSet<Topic>,
    pub(super) seen: BTreeSet<Digest>,
    pub(super) fetching: BTreeSet<Digest>,
}

impl<P: Protocol> Node<P> {
    pub(super) fn new(env: Env) -> Node<P> {
        let genesis = Block {
            time: Time::ZERO,
            height: 0,
            block: Digest::GENESIS,
            parent: Digest::GENESIS,
            payloads: vec![],
            header_bytes: 0,
        };
        Node {
            replica: None,
            skew_ns: 0,
            pool: Pool::new(env.me),
            log: RecordLog::default(),
            chain: vec![genesis],
            finalised: vec![Time::ZERO],
            reverts: vec![],
            rejects: vec![],
            evidence: vec![],
            fetches: 0,
            syncs: 0,
            pruned: 0,
            offers: true,
            tallied: 0,
            keys: PlainKeys::of::<P>(&env),
            seq: 0,
            incarnation: 0,
            gated: vec![],
            local: VecDeque::new(),
            timers: vec![0; P::TIMERS],
            timers_set: 0,
            race: 0,
            topics: BTreeSet::new(),
            seen: BTreeSet::new(),
            fetching: BTreeSet::new(),
            env,
        }
    }
    /// Whether it runs.
    pub fn is_up(&self) -> bool {
        self.replica.is_some()
    }
    /// The last block of its ledger.
    pub fn tip(&self) -> Tip {
        let b = &self.chain[self.chain.len() - 1];
        Tip { height: b.height, block: b.block }
    }
    /// The highest final height.
    pub fn final_height(&self) -> Height {
        self.finalised.len() as Height - 1
    }
    pub(super) fn open(&mut self, config: &P::Config) {
        let tip = self.tip();
        self.replica = Some(P::open(self.env.clone(), config, &mut self.log.numbered(), tip));
    }
    pub(super) fn crash(&mut self) {
        self.replica = None;
        self.incarnation += 1;
        self.log.crash(self.log.durable());
        self.gated.clear();
        self.local.clear();
        self.topics.clear();
        self.seen.clear();
        self.fetching.clear();
        self.pool.crashed();
        self.race += 1;
    }
    /// One handler call.
    pub(super) fn dispatch(&mut self, input: Input<P>, now: Time, out: &mut Effects<P>) {
        let Some(replica) = self.replica.as_mut() else { return };
        let wall = Time(now.0.saturating_add_signed(self.skew_ns));
        let mut log_seq = self.log.end();
        let mut cx = Cx::new(now, wall, &self.keys, &mut log_seq, out);
        match input {
            Input::Start => {
                replica.on_start(&mut cx);
                if self.pool.pending().count > 0 {
                    self.local.push_back(Input::Work);
                }
            }
            Input::Message { from, message, .. } => {
                let before = replica.status();
                if self.offers && replica.tally(&message) {
                    assert_eq!(replica.status(), before, "more than a count has changed with {message:?}");
                    self.tallied += 1;
                    return;
                }
                replica.on_message(from, &message, &mut cx);
            }
            Input::Timer { timer, .. } => replica.on_timer(timer, &mut cx),
            Input::Work => match self.pool.pending() {
                Pending { count: 0, .. } => {}
                pending => replica.on_work(pending, &mut cx),
            },
            Input::Payload(ticket, payload) => replica.on_payload(ticket, &[payload], &mut cx),
            Input::Judged(ticket, verdict) => replica.on_judged(ticket, verdict, &mut cx),
            Input::Checked(ticket) => replica.on_checked(ticket, true, &mut cx),
            Input::Durable { upto } => replica.on_durable(upto, &mut cx),
            Input::Mined { ticket, .. } => replica.on_mined(ticket, &mut cx),
            Input::State(tip) => replica.on_state(tip, &mut cx),
            Input::Peer(peer, state) => replica.on_peer(peer, state, &mut cx),
            Input::Fetch { .. } | Input::Sync { .. } | Input::Deadline { .. } | Input::Supply => {
                unreachable!("an event of the host")
            }
        }
    }
    /// Answers a waiting `Build` if it is due.
    pub(super) fn supply(&mut self, deadline: Option<u64>) {
        if let Some((ticket, payload)) = self.pool.answer(deadline) {
            self.local.push_back(Input::Payload(ticket, payload));
        }
    }
}

/// Keyed hashes in place of cryptography.
#[derive(Clone, Debug)]
pub(super) struct PlainKeys {
    seed: u64,
    owner: NodeId,
    coin_shares: u64,
}

impl PlainKeys {
    /// The keys of an endpoint.
    pub(super) fn of<P: Protocol>(env: &Env) -> PlainKeys {
        let coin_shares = P::INFO.faults.tolerated(env.validators.total()).0 + 1;
        PlainKeys { seed: env.seed, owner: env.me, coin_shares }
    }
}

impl Keys for PlainKeys {
    fn vrf(&self, input: Digest) -> Digest {
        let mut bytes = vec![];
        (self.seed, (self.owner, input)).encode(&mut bytes);
        Hashing::Mix.digest(&bytes)
    }
    fn coin(&self, wave: u64, shares: &mut dyn Iterator<Item = ValidatorId>) -> Option<u64> {
        let distinct: BTreeSet<ValidatorId> = shares.collect();
        let mut bytes = vec![];
        (self.seed, wave).encode(&mut bytes);
        (distinct.len() as u64 >= self.coin_shares).then(|| Hashing::Mix.digest(&bytes).fold())
    }
}
