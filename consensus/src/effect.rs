//! What a handler asks of its host, and the context through which it asks.
//!
//! Effects are small values in a reused buffer; lists of nodes and payloads lie in side buffers beside it.
//! All effects of one handler leave together when the handler ends, in the order in which they were pushed.

use crate::message::{Evidence, PayloadRef, SharedCertificate};
use crate::protocol::{Keys, Need, Protocol};
use crate::types::{Digest, Height, LogSeq, NodeId, Span, Ticket, Time, Tip, Topic, ValidatorId};
use crate::wire::Wire;

/// A list of nodes in the side buffer of [`Effects`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NodeList {
    start: u32,
    len: u32,
}

/// A list of payloads in the side buffer of [`Effects`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PayloadList {
    start: u32,
    len: u32,
}

/// Recipients of a message. The sender is never one of them: a replica handles its own votes itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum To {
    /// One node.
    One(NodeId),
    /// Every other node.
    All,
    /// The nodes of a list.
    Set(NodeList),
    /// The neighbours on a gossip overlay that subscribe to the topic; the host relays in its announced form.
    Topic(Topic),
}

/// Messages of different lanes may overtake each other; within a lane a connection is first in, first out.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum Lane {
    /// Votes, certificates and other small messages that progress waits for.
    Vote = 0,
    /// Proposals, blocks and other messages that carry payload.
    Block = 1,
    /// Transactions between mempools, and state transfer.
    Bulk = 2,
    /// Objects outside the chain.
    Offchain = 3,
}

/// Number of lanes.
pub const LANES: usize = 4;

/// When a message may leave.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Gate {
    /// With the handler's other effects.
    Now,
    /// When the log is durable up to and including this record.
    After(LogSeq),
}

/// How durable a log record must become.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Durability {
    /// As soon as possible: [`Protocol::on_durable`] reports it.
    Now,
    /// With the next record that is synced.
    Lazy,
}

/// When a payload request is answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Until {
    /// At once, with what is there, possibly nothing.
    Now,
    /// When `limit` bytes wait, or at the deadline with what is there, possibly nothing.
    Full {
        /// The latest moment.
        deadline: Time,
    },
    /// When at least one transaction waits.
    Some,
}

/// Computation that a protocol wants billed beyond the host's own costs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Work {
    /// A fixed time.
    Time(Span),
    /// Hashing of so many bytes.
    Hash(u64),
}

/// One wish of a replica.
#[derive(Clone, Debug)]
pub enum Effect<P: Protocol> {
    /// Sends a message.
    Send {
        /// Recipients.
        to: To,
        /// The message.
        message: P::Message,
        /// Its lane.
        lane: Lane,
        /// When it may leave.
        gate: Gate,
    },
    /// Starts or replaces the timer of its kind.
    SetTimer {
        /// What [`Protocol::on_timer`] gets.
        timer: P::Timer,
        /// Delay from now.
        after: Span,
    },
    /// As `SetTimer`, at a reading of the skewed wall clock; a reading that has passed fires at once.
    SetAlarm {
        /// What [`Protocol::on_timer`] gets.
        timer: P::Timer,
        /// Reading of the wall clock.
        wall: Time,
    },
    /// Cancels the timer of a kind.
    CancelTimer {
        /// [`crate::Timer::kind`].
        kind: usize,
    },
    /// Asks the mempool for a payload on top of `parent`; answered by [`Protocol::on_payload`].
    /// A later request of the same replica replaces an unanswered one.
    Build {
        /// Returned with the answer.
        ticket: Ticket,
        /// The block whose uncommitted ancestors' transactions are skipped.
        parent: Digest,
        /// Most bytes.
        limit: u32,
        /// When to answer.
        until: Until,
    },
    /// Asks whether a payload is there, or valid on top of `parent`; answered by [`Protocol::on_judged`].
    Judge {
        /// Returned with the answer.
        ticket: Ticket,
        /// The payload.
        payload: PayloadRef,
        /// The block below it.
        parent: Digest,
        /// What is asked.
        need: Need,
    },
    /// The payload will not be ordered through this reference: its transactions may be proposed again.
    Drop {
        /// Root of the payload.
        root: Digest,
    },
    /// Verifies a set of votes that were delivered unchecked; answered by [`Protocol::on_checked`].
    Check {
        /// Returned with the answer.
        ticket: Ticket,
        /// What was signed, and by whom.
        certificate: SharedCertificate,
    },
    /// Appends a record to the replica's durable log.
    Log {
        /// The record.
        record: P::Record,
        /// Its number, from [`Cx::log`].
        seq: LogSeq,
        /// How soon it must be durable.
        durability: Durability,
    },
    /// As `Log`, to a host that keeps no records ([`Cx::without_records`]); durable as soon as possible.
    LogLength {
        /// Length of the record's encoding.
        bytes: u32,
        /// The record's number.
        seq: LogSeq,
    },
    /// [`Protocol::open`] will not need the records below this number any more. Takes effect only when every record
    /// logged, and every block adopted, before this effect is durable: a summary written first is never lost with it.
    Truncate {
        /// The lowest number that is kept.
        below: LogSeq,
    },
    /// Asks other nodes for the message with this key, `hint` first; it arrives through `on_message`.
    Fetch {
        /// [`crate::Message::key`] of the message.
        key: Digest,
        /// Whom to ask first; a replica's own node stands for the next one.
        hint: NodeId,
    },
    /// Asks for the finalised ledger up to `tip`; answered by [`Protocol::on_state`].
    Sync {
        /// What is known to be final.
        tip: Tip,
        /// Whom to ask first; a replica's own node stands for the next one.
        hint: NodeId,
    },
    /// Nothing below this height will be asked for again by this replica.
    Prune {
        /// The lowest height that is kept.
        below: Height,
    },
    /// The block joins this replica's chain at `height`, above everything adopted so far.
    Adopt {
        /// The block.
        block: Digest,
        /// Its parent.
        parent: Digest,
        /// Its height.
        height: u64,
        /// Its payloads, in order of execution.
        payloads: PayloadList,
        /// Bytes of its header on disk, without payload and proofs.
        header_bytes: u32,
    },
    /// Every block above `height` leaves this replica's chain; they are adopted again if they come back.
    Revert {
        /// The highest that stays.
        height: Height,
    },
    /// Everything adopted up to `height` is final by the protocol's own rule, with the proof if there is one.
    Finalize {
        /// The height.
        height: Height,
        /// The certificate.
        certificate: Option<SharedCertificate>,
    },
    /// Joins the mining race; a later one replaces it. [`Protocol::on_mined`] reports a win.
    Mine {
        /// Returned with a win.
        ticket: Ticket,
        /// Expected work to a win, in stake x nanoseconds: a miner of stake w wins after difficulty / w ns in
        /// the mean, the whole network after difficulty / total stake.
        difficulty: u64,
    },
    /// Leaves the mining race.
    StopMining,
    /// Receives a topic from now on.
    Subscribe(Topic),
    /// Receives it no more.
    Unsubscribe(Topic),
    /// Bills computation to this replica's CPU.
    Charge(Work),
    /// Reports a validator that contradicted itself.
    Evidence(Box<Evidence>),
    /// Reports a peer whose message was refused.
    Reject {
        /// The peer.
        from: NodeId,
        /// Why.
        why: &'static str,
    },
}

/// The effects of one handler call, with the side buffers of their lists.
#[derive(Debug)]
pub struct Effects<P: Protocol> {
    /// In the order in which they were pushed.
    pub list: Vec<Effect<P>>,
    nodes: Vec<NodeId>,
    payloads: Vec<PayloadRef>,
}

impl<P: Protocol> Default for Effects<P> {
    fn default() -> Self {
        // An effect is copied several times on its way: large messages belong behind an Arc.
        const { assert!(size_of::<Effect<P>>() <= 64, "an effect must fit into 64 bytes: put large messages in an Arc") };
        Effects { list: vec![], nodes: vec![], payloads: vec![] }
    }
}

impl<P: Protocol> Effects<P> {
    /// Forgets everything, keeps the memory.
    pub fn clear(&mut self) {
        self.list.clear();
        self.nodes.clear();
        self.payloads.clear();
    }
    /// The nodes of a list.
    pub fn nodes(&self, l: NodeList) -> &[NodeId] {
        &self.nodes[l.start as usize..(l.start + l.len) as usize]
    }
    /// The payloads of a list.
    pub fn payloads(&self, l: PayloadList) -> &[PayloadRef] {
        &self.payloads[l.start as usize..(l.start + l.len) as usize]
    }
}

/// What a handler may read and where it puts its effects. Reads are functions of configuration, seed, key and the
/// current input alone, so that a replica can be replayed from its recorded inputs; and of whether the host keeps
/// records, which changes only what is handed over, not what is done.
pub struct Cx<'a, P: Protocol> {
    now: Time,
    wall: Time,
    keys: &'a dyn Keys,
    log_seq: &'a mut LogSeq,
    out: &'a mut Effects<P>,
    keeps_records: bool,
}

impl<'a, P: Protocol> Cx<'a, P> {
    /// For hosts: a context at `now`, with the wall clock's reading, the node's keys, the number of its last log
    /// record and an empty buffer.
    pub fn new(now: Time, wall: Time, keys: &'a dyn Keys, log_seq: &'a mut LogSeq, out: &'a mut Effects<P>) -> Self {
        Cx { now, wall, keys, log_seq, out, keeps_records: true }
    }
    /// For hosts that need not restart the replica: the lengths of its records are enough.
    pub fn without_records(self) -> Self {
        Cx { keeps_records: false, ..self }
    }
    /// Monotone time since this host's start.
    pub fn now(&self) -> Time {
        self.now
    }
    /// Reading of the wall clock, which may be skewed.
    pub fn wall(&self) -> Time {
        self.wall
    }
    /// Output of the own key's verifiable random function.
    pub fn vrf(&self, input: Digest) -> Digest {
        self.keys.vrf(input)
    }
    /// The coin of a wave, if the shares suffice.
    pub fn coin(&self, wave: u64, shares: &mut dyn Iterator<Item = ValidatorId>) -> Option<u64> {
        self.keys.coin(wave, shares)
    }
    /// Pushes any effect.
    pub fn push(&mut self, e: Effect<P>) {
        self.out.list.push(e);
    }
    /// Sends to one node.
    pub fn send(&mut self, to: NodeId, lane: Lane, gate: Gate, message: P::Message) {
        self.push(Effect::Send { to: To::One(to), message, lane, gate });
    }
    /// Sends to every other node.
    pub fn broadcast(&mut self, lane: Lane, gate: Gate, message: P::Message) {
        self.push(Effect::Send { to: To::All, message, lane, gate });
    }
    /// Sends to a list of nodes.
    pub fn multicast(&mut self, to: &[NodeId], lane: Lane, gate: Gate, message: P::Message) {
        let list = NodeList { start: self.out.nodes.len() as u32, len: to.len() as u32 };
        self.out.nodes.extend_from_slice(to);
        self.push(Effect::Send { to: To::Set(list), message, lane, gate });
    }
    /// Offers to the neighbours on a topic.
    pub fn gossip(&mut self, topic: Topic, message: P::Message) {
        self.push(Effect::Send { to: To::Topic(topic), message, lane: Lane::Block, gate: Gate::Now });
    }
    /// Starts or replaces the timer of its kind.
    pub fn set_timer(&mut self, timer: P::Timer, after: Span) {
        self.push(Effect::SetTimer { timer, after });
    }
    /// Appends a record that must become durable soon; the number gates what depends on it.
    pub fn log(&mut self, record: P::Record) -> LogSeq {
        self.append(record, Durability::Now)
    }
    /// As [`Cx::log`], with a record of so many bytes that is made only for hosts which keep it.
    #[inline]
    pub fn log_with(&mut self, bytes: usize, record: impl FnOnce() -> P::Record) -> LogSeq {
        if self.keeps_records {
            let record = record();
            debug_assert_eq!(record.encoded_len(), bytes);
            return self.log(record);
        }
        self.log_seq.0 += 1;
        self.push(Effect::LogLength { bytes: bytes as u32, seq: *self.log_seq });
        *self.log_seq
    }
    /// Appends a record that may wait for the next synced one.
    pub fn log_lazily(&mut self, record: P::Record) -> LogSeq {
        self.append(record, Durability::Lazy)
    }
    fn append(&mut self, record: P::Record, durability: Durability) -> LogSeq {
        self.log_seq.0 += 1;
        let seq = *self.log_seq;
        self.push(Effect::Log { record, seq, durability });
        seq
    }
    /// Gives up the records below this number.
    pub fn truncate(&mut self, below: LogSeq) {
        self.push(Effect::Truncate { below });
    }
    /// Appends a block to this replica's chain.
    #[inline]
    pub fn adopt(&mut self, tip: Tip, parent: Digest, payloads: &[PayloadRef], header_bytes: u32) {
        let list = PayloadList { start: self.out.payloads.len() as u32, len: payloads.len() as u32 };
        self.out.payloads.extend_from_slice(payloads);
        self.push(Effect::Adopt { block: tip.block, parent, height: tip.height, payloads: list, header_bytes });
    }
    /// Declares everything up to `height` final.
    pub fn finalize(&mut self, height: Height, certificate: Option<SharedCertificate>) {
        self.push(Effect::Finalize { height, certificate });
    }
    /// Refuses a message.
    pub fn reject(&mut self, from: NodeId, why: &'static str) {
        self.push(Effect::Reject { from, why });
    }
}
