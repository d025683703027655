//! The contract: what a protocol is to its host.
//!
//! A protocol is one synchronous state machine. It cannot fail, never blocks and never panics on input; it pushes
//! effects into a reused buffer. The host owns time, network, signatures, payload bytes, mempool and ledger.

use std::fmt::Debug;
use std::sync::Arc;

use crate::effect::Cx;
use crate::info::{FaultBound, ProtocolInfo};
use crate::knob::{Knob, Settings};
use crate::message::{Message, PayloadRef};
use crate::quorum::intersecting;
use crate::types::{Digest, Hashing, Height, LogSeq, NodeId, Span, Stake, Ticket, Tip, ValidatorId, View};
use crate::wire::Wire;

/// The validators of a run, their stake and the endpoints at which they are reached.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Validators {
    stake: Vec<Stake>,
    endpoint: Vec<NodeId>,
    total: Stake,
    /// The stake of each, where all have the same.
    each: Option<Stake>,
}

impl Validators {
    /// Validator i has stake `stake[i]` and is reached at `endpoint[i]`.
    pub fn new(stake: Vec<Stake>, endpoint: Vec<NodeId>) -> Validators {
        assert_eq!(stake.len(), endpoint.len(), "each validator has one endpoint");
        let total = Stake(stake.iter().map(|s| s.0).sum());
        assert!(total.0 > 0, "validators without stake");
        let each = stake.first().copied().filter(|first| stake.iter().all(|s| s == first));
        Validators { stake, endpoint, total, each }
    }
    /// `n` validators of stake 1, validator i at node i.
    pub fn equal(n: u32) -> Validators {
        Validators::new(vec![Stake(1); n as usize], (0..n).map(NodeId).collect())
    }
    /// Number of validators.
    pub fn len(&self) -> usize {
        self.stake.len()
    }
    /// Whether there are none: never.
    pub fn is_empty(&self) -> bool {
        self.stake.is_empty()
    }
    /// Stake of one; zero for an unknown one.
    pub fn stake(&self, v: ValidatorId) -> Stake {
        self.stake.get(v.0 as usize).copied().unwrap_or_default()
    }
    /// Stake of each.
    #[inline]
    pub fn stakes(&self) -> &[Stake] {
        &self.stake
    }
    /// The stake of each, where all have the same.
    pub fn equal_stake(&self) -> Option<Stake> {
        self.each
    }
    /// Where one is reached.
    pub fn endpoint(&self, v: ValidatorId) -> NodeId {
        self.endpoint[v.0 as usize]
    }
    /// Sum of all stake.
    pub fn total(&self) -> Stake {
        self.total
    }
    /// The least weight any two sets of which share an honest validator under the bound. Where nearly half may fail
    /// no set that is sure to be reached does: there any two share somebody.
    pub fn quorum(&self, bound: FaultBound) -> Stake {
        match bound {
            FaultBound::Third => intersecting(self.total, bound.tolerated(self.total)),
            FaultBound::Half => intersecting(self.total, Stake(0)),
            FaultBound::Server => self.stake(ValidatorId(0)),
        }
    }
    /// The most validators that may fail together under the bound: those with the least stake.
    pub fn most_faulty(&self, bound: FaultBound) -> u32 {
        let tolerated = bound.tolerated(self.total).0;
        let mut stakes: Vec<u64> = self.stake.iter().map(|s| s.0).collect();
        stakes.sort_unstable();
        let sums = stakes.iter().scan(0, |sum: &mut u64, stake| {
            *sum += stake;
            Some(*sum)
        });
        sums.take_while(|sum| *sum <= tolerated).count() as u32
    }
    /// Stake of one as far as its failure and its word count under the bound.
    pub fn counted(&self, v: ValidatorId, bound: FaultBound) -> Stake {
        if bound == FaultBound::Server && v.0 > 0 { Stake(0) } else { self.stake(v) }
    }
    /// In order.
    pub fn iter(&self) -> impl Iterator<Item = ValidatorId> + use<> {
        (0..self.stake.len() as u32).map(ValidatorId)
    }
}

/// Who a replica is and with whom it runs.
#[derive(Clone, Debug)]
pub struct Env {
    /// Its endpoint.
    pub me: NodeId,
    /// Its key, if it is a validator.
    pub key: Option<ValidatorId>,
    /// Number of endpoints.
    pub nodes: u32,
    /// All validators.
    pub validators: Arc<Validators>,
    /// How block ids are computed.
    pub hashing: Hashing,
    /// Seed of public randomness, such as a leader order; equal at every node.
    pub seed: u64,
}

/// What only keys can compute: a keyed hash in the simulator, real cryptography in the cluster.
pub trait Keys {
    /// Output of this node's verifiable random function on `input`.
    fn vrf(&self, input: Digest) -> Digest;
    /// The coin of a wave, from the shares of at least f + 1 distinct validators; `None` with fewer.
    fn coin(&self, wave: u64, shares: &mut dyn Iterator<Item = ValidatorId>) -> Option<u64>;
}

/// A timer's content. At most one timer of a kind is live; setting one replaces it.
pub trait Timer: Copy + Debug + Send + 'static {
    /// Its kind, below [`Protocol::TIMERS`].
    fn kind(&self) -> usize;
}

impl Timer for () {
    fn kind(&self) -> usize {
        0
    }
}

/// What waits in the mempool.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Pending {
    /// Transactions.
    pub count: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// What is asked of a payload.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Need {
    /// Its transactions are at hand.
    Available,
    /// They execute without error on top of the given parent.
    Valid,
}

/// The answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Yes.
    Good,
    /// No, and it never will be.
    Bad,
    /// Not to be had from anybody for now.
    Unavailable,
}

/// A connection's change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Peer {
    /// It works again; what was sent before may be lost.
    Up,
    /// It broke.
    Down,
}

/// What a replica does at the moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Role {
    /// It may propose now.
    Leader,
    /// It follows.
    #[default]
    Follower,
    /// It changes views or campaigns.
    Electing,
}

/// A replica's state as others may see it; read-only, cheap enough to ask after every handler.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Status {
    /// Height of its chain's tip.
    pub height: Height,
    /// Its view, slot or term; 0 where there is none.
    pub view: View,
    /// What it does.
    pub role: Role,
    /// Who leads, where one does: pools push to it, clients are redirected to it.
    pub leader: Option<NodeId>,
    /// The view in which it is locked, 0 where not.
    pub locked: View,
}

/// A replica's durable records with their numbers, oldest first.
pub type Records<'a, R> = &'a mut dyn Iterator<Item = (LogSeq, R)>;

/// One consensus protocol.
///
/// Rules that hold for every implementation:
/// - no panic on any input: refuse it with [`Cx::reject`]; assert only the replica's own state;
/// - votes are counted by the validator in a claim, never by `from`;
/// - a signature of an exclusive statement leaves only when its record is durable ([`crate::Gate::After`]);
/// - memory is bounded by a window above the finalised tip, and so is the durable log.
pub trait Protocol: Sized + Send + 'static {
    /// What it is.
    const INFO: ProtocolInfo;
    /// Number of timer kinds.
    const TIMERS: usize;
    /// Whether it has a [`Protocol::tally`].
    const TALLIES: bool = false;
    /// Its own settings.
    const KNOBS: &'static [Knob];
    /// Its settings, resolved once for each run.
    type Config: Clone + Debug + Send + Sync + 'static;
    /// Its messages.
    type Message: Message;
    /// Its log records.
    type Record: Wire + Clone + Debug + Send + 'static;
    /// Its timers.
    type Timer: Timer;

    /// Resolves validated settings for a set of validators.
    fn configure(settings: &Settings, validators: &Validators) -> Self::Config;
    /// A replica from its durable records with their numbers, oldest first, and the ledger's tip: at the first start
    /// there are none and the tip is genesis. Records that were truncated ([`crate::Effect::Truncate`]) may or may
    /// not be among them.
    fn open(env: Env, config: &Self::Config, log: Records<'_, Self::Record>, adopted: Tip) -> Self;
    /// Expected time from a transaction's arrival at the proposer to finality with one-way delay `delay`: what
    /// validation and drains are sized by.
    fn expected_finality(config: &Self::Config, delay: Span) -> Span;
    /// Bound on the time without a commit after the network has healed while at most f validators are faulty;
    /// `None` where it is a distribution.
    fn recovery_bound(_config: &Self::Config, _validators: &Validators, _delay: Span) -> Option<Span> {
        None
    }

    /// Once, after `open`.
    fn on_start(&mut self, cx: &mut Cx<'_, Self>);
    /// A message whose claims are verified and whose carried payloads are at hand.
    fn on_message(&mut self, from: NodeId, m: &Self::Message, cx: &mut Cx<'_, Self>);
    /// Takes such a message in if all that follows from it is a count: no effect, and no other [`Protocol::status`].
    /// Where it says no, nothing has changed, and the message goes to [`Protocol::on_message`], which does the same
    /// with any. Hosts may ask or not: most votes change nothing else, and need no more than this.
    #[inline(always)]
    fn tally(&mut self, _m: &Self::Message) -> bool {
        debug_assert!(!Self::TALLIES);
        false
    }
    /// A timer or alarm fired.
    fn on_timer(&mut self, _timer: Self::Timer, _cx: &mut Cx<'_, Self>) {}
    /// Transactions wait in the mempool: when it ceases to be empty, and after an adoption that leaves some.
    fn on_work(&mut self, _pending: Pending, _cx: &mut Cx<'_, Self>) {}
    /// The answer to a `Build`: always at least one reference, of no transactions if nothing waited.
    fn on_payload(&mut self, _ticket: Ticket, _payload: &[PayloadRef], _cx: &mut Cx<'_, Self>) {}
    /// The answer to a `Judge`.
    fn on_judged(&mut self, _ticket: Ticket, _verdict: Verdict, _cx: &mut Cx<'_, Self>) {}
    /// The answer to a `Check`: whether every signature is good.
    fn on_checked(&mut self, _ticket: Ticket, _good: bool, _cx: &mut Cx<'_, Self>) {}
    /// All records up to this one are durable.
    fn on_durable(&mut self, _upto: LogSeq, _cx: &mut Cx<'_, Self>) {}
    /// The mining race was won.
    fn on_mined(&mut self, _ticket: Ticket, _cx: &mut Cx<'_, Self>) {}
    /// The answer to a `Sync`: the ledger now ends in this tip.
    fn on_state(&mut self, _tip: Tip, _cx: &mut Cx<'_, Self>) {}
    /// A connection changed.
    fn on_peer(&mut self, _peer: NodeId, _state: Peer, _cx: &mut Cx<'_, Self>) {}
    /// The object with this key, for another node that fetches it.
    fn serve(&self, _key: Digest) -> Option<Self::Message> {
        None
    }
    /// Its state: cheap, since it is looked at after every handler.
    fn status(&self) -> Status;
}
