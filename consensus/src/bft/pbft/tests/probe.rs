//! A replica outside any host, one handler call at a time.

use std::sync::Arc;

use crate::bft::pbft::{Ballot, Header, Pbft, PbftMessage, PbftRecord, PrePrepare};
use crate::effect::{Cx, Effect, Effects};
use crate::knob::Settings;
use crate::message::{Message, PayloadRef};
use crate::protocol::{Env, Keys, Protocol, Validators};
use crate::types::{Digest, Hashing, LogSeq, NodeId, Time, Tip, ValidatorId};

pub struct NoKeys;
impl Keys for NoKeys {
    fn vrf(&self, _: Digest) -> Digest {
        Digest::GENESIS
    }
    fn coin(&self, _: u64, _: &mut dyn Iterator<Item = ValidatorId>) -> Option<u64> {
        None
    }
}

/// Replica 1 of 4 outside any host.
pub struct Probe {
    pub replica: Pbft,
    pub seq: LogSeq,
}

impl Probe {
    pub fn new() -> Probe {
        Probe::open(vec![])
    }
    /// From these records, with an empty ledger.
    pub fn open(log: Vec<PbftRecord>) -> Probe {
        Probe::open_at(log, Tip::default())
    }
    /// From these records and the end of a ledger.
    pub fn open_at(log: Vec<PbftRecord>, adopted: Tip) -> Probe {
        let validators = Arc::new(Validators::equal(4));
        let config = Pbft::configure(&Settings::new(Pbft::KNOBS, false), &validators);
        let (me, key) = (NodeId(1), Some(ValidatorId(1)));
        let env = Env { me, key, nodes: 4, validators, hashing: Hashing::Mix, seed: 0 };
        let seq = LogSeq(log.len() as u64);
        let mut numbered = (1..).map(LogSeq).zip(log);
        Probe { replica: Pbft::open(env, &config, &mut numbered, adopted), seq }
    }
    /// The effects of one handler and of its records' becoming durable.
    pub fn call(&mut self, handler: impl FnOnce(&mut Pbft, &mut Cx<'_, Pbft>)) -> Vec<Effect<Pbft>> {
        let mut out = Effects::default();
        handler(&mut self.replica, &mut Cx::new(Time::ZERO, Time::ZERO, &NoKeys, &mut self.seq, &mut out));
        let upto = self.seq;
        self.replica.on_durable(upto, &mut Cx::new(Time::ZERO, Time::ZERO, &NoKeys, &mut self.seq, &mut out));
        out.list
    }
    pub fn get(&mut self, from: u32, m: &PbftMessage) -> Vec<Effect<Pbft>> {
        self.call(|r, cx| r.on_message(NodeId(from), m, cx))
    }
    /// Why a message is refused.
    pub fn refusal(&mut self, from: u32, m: &PbftMessage) -> Option<&'static str> {
        self.get(from, m).iter().find_map(|e| match e {
            Effect::Reject { why, .. } => Some(*why),
            _ => None,
        })
    }
    /// Kinds of the messages that are sent in answer.
    pub fn sends(&mut self, from: u32, m: &PbftMessage) -> Vec<&'static str> {
        let kinds = self.get(from, m).into_iter().filter_map(|e| match e {
            Effect::Send { message, .. } => Some(message.kind()),
            _ => None,
        });
        kinds.collect()
    }
}

pub fn header(name: u64) -> Header {
    let payload = PayloadRef { root: Digest([name, 1]), bytes: 512, count: 1 };
    Header::new(Hashing::Mix, 1, Digest::GENESIS, payload)
}

pub fn proposal(by: u32, view: u64, header: Header) -> PbftMessage {
    PbftMessage::PrePrepare { proposal: Arc::new(PrePrepare { by: ValidatorId(by), view, header }) }
}

pub fn vote(kind: u8, by: u32, block: Digest) -> PbftMessage {
    Ballot { kind, by: ValidatorId(by), height: 1, view: 0, block }.message()
}
