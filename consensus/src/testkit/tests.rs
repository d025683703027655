//! The host catches broken protocols: a toy that decides what its only leader says, and its broken variants.

use std::sync::Arc;

use super::Kit;
use crate::effect::{Cx, Effect, Gate, Lane, Until};
use crate::info::{Family, FaultBound, Finality, ProtocolInfo, Reply, Rotation};
use crate::knob::{Knob, Settings};
use crate::message::{Certificate, Claim, Message, PayloadRef, Statement};
use crate::protocol::{Env, Pending, Protocol, Records, Status, Validators};
use crate::quorum::Signers;
use crate::types::{Digest, LogSeq, NodeId, Span, Ticket, Time, Tip, ValidatorId};
use crate::wire::{Wire, WireError};

const SOUND: u8 = 0;
const TWO_VALUES: u8 = 1;
const NOT_DURABLE: u8 = 2;
const FORGETFUL: u8 = 3;
const FORGER: u8 = 4;
const WEAK_QUORUM: u8 = 5;
const DISAGREES: u8 = 6;
const WRONG_LENGTH: u8 = 7;
const LOSSY_WIRE: u8 = 8;
const GAP: u8 = 9;

/// Node 0 decides a payload a second and tells the others.
struct Toy<const FAULT: u8> {
    env: Env,
    tip: Tip,
}

#[derive(Clone, Debug)]
struct Say<const FAULT: u8> {
    by: ValidatorId,
    height: u64,
    payload: Arc<PayloadRef>,
}

impl<const FAULT: u8> Wire for Say<FAULT> {
    fn encode(&self, out: &mut Vec<u8>) {
        (self.by, self.height).encode(out);
        self.payload.encode(out);
    }
    fn decode(input: &mut &[u8]) -> Result<Self, WireError> {
        let ((by, height), payload) = (Wire::decode(input)?, Wire::decode(input)?);
        Ok(Say { by, height: if FAULT == LOSSY_WIRE { 0 } else { height }, payload })
    }
    fn encoded_len(&self) -> usize {
        36 + usize::from(FAULT == WRONG_LENGTH)
    }
}

fn statement(height: u64, payload: &PayloadRef) -> Statement {
    Statement { kind: 0, major: height, minor: 0, value: payload.root }
}

impl<const FAULT: u8> Message for Say<FAULT> {
    fn kind(&self) -> &'static str {
        "say"
    }
    fn claims(&self, visit: &mut dyn FnMut(Claim<'_>)) {
        visit(Claim::Signed { by: self.by, what: statement(self.height, &self.payload) });
    }
    fn carries(&self, visit: &mut dyn FnMut(PayloadRef)) {
        visit(*self.payload);
    }
}

impl<const FAULT: u8> Toy<FAULT> {
    fn build(&self, cx: &mut Cx<'_, Self>) {
        if self.env.me == NodeId(0) {
            cx.push(Effect::Build { ticket: Ticket(0), parent: self.tip.block, limit: 512, until: Until::Some });
        }
    }
    fn decide(&mut self, height: u64, payload: PayloadRef, cx: &mut Cx<'_, Self>) {
        let skip = u64::from(FAULT == GAP && height == 3);
        let twist = u64::from(FAULT == DISAGREES && self.env.me == NodeId(2));
        let block = Digest([payload.root.0[0], payload.root.0[1] ^ twist]);
        cx.adopt(Tip { height: height + skip, block }, self.tip.block, &[payload], 36);
        let signers = if FAULT == WEAK_QUORUM { 2 } else { 0 };
        let mut set = Signers::default();
        (0..signers).map(ValidatorId).for_each(|v| assert!(set.add(v)));
        let proof = Certificate { what: statement(height, &payload), signers: set };
        cx.finalize(height, (signers > 0).then(|| Arc::new(proof)));
        self.tip = Tip { height, block };
    }
    fn say(&self, payload: PayloadRef, gate: Gate, cx: &mut Cx<'_, Self>) {
        let by = ValidatorId(u32::from(FAULT == FORGER));
        cx.broadcast(Lane::Block, gate, Say { by, height: self.tip.height, payload: Arc::new(payload) });
    }
}

impl<const FAULT: u8> Protocol for Toy<FAULT> {
    const INFO: ProtocolInfo = ProtocolInfo {
        id: "toy",
        name: "Toy",
        paper: "",
        family: Family::None,
        faults: FaultBound::Third,
        quorum: "",
        finality: Finality::Deterministic,
        delays: Some(|_| 1),
        messages: Some(|n| n - 1),
        reply: Reply::OwnNode,
        rotation: Rotation::KnownLeader,
        exclusive: &[0],
        overlay: false,
    };
    const TIMERS: usize = 1;
    const KNOBS: &'static [Knob] = &[];
    type Config = ();
    type Message = Say<FAULT>;
    type Record = u64;
    type Timer = ();

    fn configure(_: &Settings, _: &Validators) {}
    fn open(env: Env, _: &(), log: Records<'_, u64>, adopted: Tip) -> Self {
        log.for_each(|(seq, height)| assert!(seq.0 > 0 && height > 0));
        // A sound leader does not speak again about a height of its log: it goes on above.
        Toy { env, tip: if FAULT == FORGETFUL { Tip { height: 0, block: Digest::GENESIS } } else { adopted } }
    }
    fn expected_finality(_: &(), delay: Span) -> Span {
        delay
    }
    fn on_start(&mut self, cx: &mut Cx<'_, Self>) {
        self.build(cx);
    }
    fn on_work(&mut self, _: Pending, cx: &mut Cx<'_, Self>) {
        if self.env.me == NodeId(0) {
            cx.set_timer((), Span::secs(1));
        }
    }
    fn on_timer(&mut self, (): (), cx: &mut Cx<'_, Self>) {
        self.build(cx);
    }
    fn on_payload(&mut self, _: Ticket, payload: &[PayloadRef], cx: &mut Cx<'_, Self>) {
        let height = self.tip.height + 1;
        let seq = cx.log(height);
        if FAULT == FORGETFUL {
            self.tip.height = height;
        } else {
            self.decide(height, payload[0], cx);
        }
        self.say(payload[0], if FAULT == NOT_DURABLE { Gate::Now } else { Gate::After(seq) }, cx);
        if FAULT == TWO_VALUES {
            let other = PayloadRef { root: Digest([9, height]), ..payload[0] };
            self.say(other, Gate::After(seq), cx);
        }
    }
    fn on_message(&mut self, from: NodeId, m: &Say<FAULT>, cx: &mut Cx<'_, Self>) {
        if FAULT == FORGETFUL {
        } else if m.height == self.tip.height + 1 {
            self.decide(m.height, *m.payload, cx);
        } else {
            cx.reject(from, "a gap");
        }
    }
    fn on_durable(&mut self, upto: LogSeq, _: &mut Cx<'_, Self>) {
        assert!(upto.0 > 0);
    }
    fn status(&self) -> Status {
        Status { height: self.tip.height, ..Status::default() }
    }
}

fn run<const FAULT: u8>() -> Kit<Toy<FAULT>> {
    let mut kit = Kit::new(4, |_| {});
    kit.run_until(Time(5_500_000_000));
    kit
}

#[test]
fn a_sound_protocol_passes_and_is_measured() {
    let kit = run::<SOUND>();
    assert!(kit.nodes.iter().all(|n| n.final_height() == 6));
    let late = [0, 1, 1, 1].map(|d| Some(kit.delay * d));
    assert_eq!(kit.latencies(4), late);
    assert_eq!(kit.traffic.count(Time(2_000_000_000)..Time(4_000_000_000)), 6);
    assert_eq!(kit.proposal(4), Some((Time(3_000_000_000), NodeId(0))));
}

#[test]
fn a_crash_keeps_what_is_durable_and_a_cut_loses_what_is_under_way() {
    let mut kit = Kit::<Toy<SOUND>>::new(4, |_| {});
    kit.fsync = Span::millis(500);
    kit.run_until(Time(1_200_000_000));
    assert_eq!(kit.nodes[0].log.len(), 2);
    kit.crash(NodeId(0));
    assert_eq!(kit.nodes[0].log.len(), 1, "the second was not durable");
    assert_eq!(kit.nodes[1].final_height(), 1, "nor was it sent");
    let mut kit = Kit::<Toy<SOUND>>::new(4, |_| {});
    kit.run_until(Time(5_000_000));
    kit.cut(NodeId(0), NodeId(2));
    kit.run_until(Time(500_000_000));
    assert_eq!(kit.nodes.iter().map(|n| n.final_height()).collect::<Vec<_>>(), [1, 1, 0, 1]);
}

#[test]
#[should_panic(expected = "contradicts itself")]
fn two_values_are_caught() {
    run::<TWO_VALUES>();
}

#[test]
#[should_panic(expected = "that is not durable")]
fn a_signature_before_its_record_is_caught() {
    run::<NOT_DURABLE>();
}

#[test]
#[should_panic(expected = "contradicts itself")]
fn a_log_forgotten_in_a_crash_is_caught() {
    let mut kit = run::<FORGETFUL>();
    kit.crash(NodeId(0));
    kit.restart(NodeId(0));
    kit.run_until(Time(9_000_000_000));
}

#[test]
#[should_panic(expected = "a forged signature")]
fn a_forged_signature_is_caught() {
    run::<FORGER>();
}

#[test]
#[should_panic(expected = "a certificate of weight 2 below the quorum 3")]
fn a_quorum_one_short_is_caught() {
    run::<WEAK_QUORUM>();
}

#[test]
#[should_panic(expected = "node 2 disagrees at height 1")]
fn disagreement_is_caught() {
    run::<DISAGREES>();
}

#[test]
#[should_panic(expected = "encoded_len of")]
fn a_wrong_length_is_caught() {
    run::<WRONG_LENGTH>();
}

#[test]
#[should_panic(expected = "another encoding of")]
fn a_field_lost_on_the_wire_is_caught() {
    run::<LOSSY_WIRE>();
}

#[test]
#[should_panic(expected = "adopts off its tip")]
fn a_gap_in_the_ledger_is_caught() {
    run::<GAP>();
}
