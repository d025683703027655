//! A toy: nodes propose in turn, everybody votes once for each height and turn, and `QUORUM` votes decide.
//!
//! It has no locks and no catch-up, so it is right only as long as quorums intersect and nothing is lost. With
//! `QUORUM` one short it is what the checkers must catch; with `PROOF` it shows its votes as a certificate.

use std::collections::BTreeMap;
use std::sync::Arc;

use ledgerlab_consensus::{
    Certificate, Claim, Cx, Digest, Effect, Env, Family, FaultBound, Finality, Gate, Hashing, Height, Knob, Lane,
    Message, NodeId, PayloadRef, Protocol, ProtocolInfo, Records, Reply, Rotation, Settings, SharedCertificate,
    Signers, Span, Statement, Status, Ticket, Tip, Until, ValidatorId, Validators, wire,
};

/// Statement: the only vote at (height, turn).
const VOTE: u8 = 1;

/// A proposed block, whose own author votes for it by proposing, or a vote for one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ballot {
    Block { by: ValidatorId, turn: u64, parent: Tip, payload: PayloadRef },
    Vote { by: ValidatorId, turn: u64, tip: Tip },
}

wire!(enum Ballot { 0 => Block(by, turn, parent, payload), 1 => Vote(by, turn, tip) });

impl Ballot {
    fn tip(&self) -> Tip {
        match self {
            Ballot::Vote { tip, .. } => *tip,
            Ballot::Block { parent, payload, .. } => {
                let words = [parent.block.0[0], parent.block.0[1], payload.root.0[0], payload.root.0[1]];
                let bytes: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
                Tip { height: parent.height + 1, block: Hashing::Mix.digest(&bytes) }
            }
        }
    }
    fn statement(&self) -> (ValidatorId, Statement) {
        let (Ballot::Block { by, turn, .. } | Ballot::Vote { by, turn, .. }) = self;
        let Tip { height, block } = self.tip();
        (*by, Statement { kind: VOTE, major: height, minor: *turn, value: block })
    }
}

/// A ballot behind a pointer, as effects are small.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Said {
    ballot: Arc<Ballot>,
}

wire!(struct Said { ballot });

impl Message for Said {
    fn kind(&self) -> &'static str {
        if matches!(*self.ballot, Ballot::Block { .. }) { "block" } else { "vote" }
    }
    fn claims(&self, visit: &mut dyn FnMut(Claim<'_>)) {
        let (by, what) = self.ballot.statement();
        visit(Claim::Signed { by, what });
    }
    fn carries(&self, visit: &mut dyn FnMut(PayloadRef)) {
        if let Ballot::Block { payload, .. } = &*self.ballot {
            visit(*payload);
        }
    }
    fn proposes(&self) -> Option<(Digest, Digest)> {
        let Ballot::Block { parent, .. } = &*self.ballot else { return None };
        Some((self.ballot.tip().block, parent.block))
    }
}

/// Logs a ballot and sends it when that is durable.
fn say<P: Protocol<Message = Said, Record = Said>>(ballot: Ballot, lane: Lane, cx: &mut Cx<'_, P>) {
    let said = Said { ballot: Arc::new(ballot) };
    let seq = cx.log(said.clone());
    cx.broadcast(lane, Gate::After(seq), said);
}

/// A replica.
pub struct Ballots<const QUORUM: u32, const PROOF: bool> {
    env: Env,
    period: Span,
    tip: Tip,
    turn: u64,
    blocks: BTreeMap<(Height, u64), Ballot>,
    votes: BTreeMap<(Height, u64), Signers>,
}

impl<const QUORUM: u32, const PROOF: bool> Ballots<QUORUM, PROOF> {
    fn key(&self) -> ValidatorId {
        self.env.key.expect("all are validators")
    }
    fn accept(&mut self, b: &Ballot, cx: &mut Cx<'_, Self>) {
        let (author, what) = b.statement();
        let at = (what.major, what.minor);
        self.blocks.insert(at, b.clone());
        self.count(author, what, cx);
        if author != self.key() && what.major == self.tip.height + 1 {
            say(Ballot::Vote { by: self.key(), turn: what.minor, tip: b.tip() }, Lane::Vote, cx);
            self.count(self.key(), what, cx);
        }
    }
    fn count(&mut self, by: ValidatorId, what: Statement, cx: &mut Cx<'_, Self>) {
        let at = (what.major, what.minor);
        let signers = self.votes.entry(at).or_default();
        signers.add(by);
        let Some(Ballot::Block { parent, payload, .. }) = self.blocks.get(&at) else { return };
        if signers.len() < QUORUM || *parent != self.tip {
            return;
        }
        let proof = || SharedCertificate::new(Certificate { what, signers: signers.clone() });
        self.tip = Tip { height: what.major, block: what.value };
        cx.adopt(self.tip, parent.block, &[*payload], 40);
        cx.finalize(what.major, PROOF.then(proof));
    }
}

impl<const QUORUM: u32, const PROOF: bool> Protocol for Ballots<QUORUM, PROOF> {
    const INFO: ProtocolInfo = ProtocolInfo {
        id: "ballots",
        name: "Ballots",
        paper: "none",
        family: Family::Bft,
        faults: FaultBound::Third,
        quorum: "as its type says",
        finality: Finality::Deterministic,
        delays: None,
        messages: None,
        reply: Reply::OwnNode,
        rotation: Rotation::Anybody,
        exclusive: &[VOTE],
        overlay: false,
    };
    const TIMERS: usize = 1;
    const KNOBS: &'static [Knob] = &[];
    type Config = Span;
    type Message = Said;
    type Record = Said;
    type Timer = ();

    fn configure(settings: &Settings, _: &Validators) -> Span {
        settings.block_period
    }
    fn open(env: Env, period: &Span, _: Records<'_, Said>, tip: Tip) -> Self {
        Ballots { env, period: *period, tip, turn: 0, blocks: BTreeMap::new(), votes: BTreeMap::new() }
    }
    fn expected_finality(period: &Span, delay: Span) -> Span {
        *period + delay * 2
    }
    fn on_start(&mut self, cx: &mut Cx<'_, Self>) {
        cx.set_timer((), self.period);
    }
    fn on_timer(&mut self, (): (), cx: &mut Cx<'_, Self>) {
        self.turn += 1;
        cx.set_timer((), self.period);
        if self.turn % u64::from(self.env.nodes) == u64::from(self.env.me.0) {
            let (ticket, parent) = (Ticket(self.turn), self.tip.block);
            cx.push(Effect::Build { ticket, parent, limit: 100_000, until: Until::Now });
        }
    }
    fn on_payload(&mut self, ticket: Ticket, payload: &[PayloadRef], cx: &mut Cx<'_, Self>) {
        let block = Ballot::Block { by: self.key(), turn: ticket.0, parent: self.tip, payload: payload[0] };
        say(block.clone(), Lane::Block, cx);
        self.accept(&block, cx);
    }
    fn on_message(&mut self, _: NodeId, m: &Said, cx: &mut Cx<'_, Self>) {
        match &*m.ballot {
            b @ Ballot::Block { .. } => self.accept(b, cx),
            b @ Ballot::Vote { .. } => {
                let (by, what) = b.statement();
                self.count(by, what, cx);
            }
        }
    }
    fn status(&self) -> Status {
        Status { height: self.tip.height, ..Status::default() }
    }
}
