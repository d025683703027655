//! What the host answers about payloads and votes that a message only mentions: what is missing is fetched and
//! billed, what nobody has is unavailable, what would execute twice is bad, and a signature that was never made too.

#[path = "common/world.rs"]
mod world;

use std::collections::BTreeMap;
use std::sync::Arc;

use ledgerlab_consensus::{
    Certificate, Claim, Cx, Digest, Effect, Env, Family, FaultBound, Finality, Gate, Knob, Lane, Message, Need, NodeId,
    PayloadRef, Protocol, ProtocolInfo, Records, Reply, Rotation, Settings, SharedCertificate, Signers, Span,
    Statement, Status, Ticket, Tip, Until, ValidatorId, Validators, Verdict, wire,
};
use ledgerlab_sim::record::RunRecord;
use ledgerlab_sim::run::run_protocol;
use world::{Watch, scenario};

/// Statement: node 0 mentions a block.
const MENTION: u8 = 1;
/// After so many blocks node 0 also mentions a payload that was never built, and one that is on chain already.
const TRICKS: u64 = 5;

#[derive(Clone, PartialEq, Eq, Debug)]
struct Block {
    parent: Tip,
    payload: PayloadRef,
}

wire!(struct Block { parent, payload });

impl Block {
    fn tip(&self) -> Tip {
        let root = self.payload.root.0;
        Tip { height: self.parent.height + 1, block: Digest([root[0] ^ self.parent.height, root[1]]) }
    }
    fn statement(&self) -> Statement {
        let tip = self.tip();
        Statement { kind: MENTION, major: tip.height, minor: self.payload.root.0[0], value: tip.block }
    }
}

/// A block by reference: its payload does not travel with it.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Mention {
    block: Arc<Block>,
}

wire!(struct Mention { block });

impl Message for Mention {
    fn kind(&self) -> &'static str {
        "mention"
    }
    fn claims(&self, visit: &mut dyn FnMut(Claim<'_>)) {
        visit(Claim::Signed { by: ValidatorId(0), what: self.block.statement() });
    }
}

/// Node 0 orders, the others follow once they hold what is ordered.
struct Mentions {
    env: Env,
    period: Span,
    tip: Tip,
    asked: BTreeMap<u64, Block>,
    last: Option<PayloadRef>,
}

impl Mentions {
    fn mention(&self, block: Block, cx: &mut Cx<'_, Self>) {
        let message = Mention { block: Arc::new(block) };
        let seq = cx.log(message.clone());
        cx.broadcast(Lane::Vote, Gate::After(seq), message);
    }
    fn follow(&mut self, block: &Block, cx: &mut Cx<'_, Self>) {
        let tip = block.tip();
        if block.parent == self.tip {
            self.tip = tip;
            cx.adopt(tip, block.parent.block, &[block.payload], 40);
            cx.finalize(tip.height, None);
        }
    }
    fn check(ticket: u64, what: Statement, signers: std::ops::Range<u32>, cx: &mut Cx<'_, Self>) {
        let mut set = Signers::default();
        signers.for_each(|v| {
            set.add(ValidatorId(v));
        });
        let certificate = SharedCertificate::new(Certificate { what, signers: set });
        cx.push(Effect::Check { ticket: Ticket(ticket), certificate });
    }
}

impl Protocol for Mentions {
    const INFO: ProtocolInfo = ProtocolInfo {
        id: "mentions",
        name: "Mentions",
        paper: "none",
        family: Family::None,
        faults: FaultBound::Half,
        quorum: "none",
        finality: Finality::Deterministic,
        delays: None,
        messages: None,
        reply: Reply::OwnNode,
        rotation: Rotation::KnownLeader,
        exclusive: &[MENTION],
        overlay: false,
    };
    const TIMERS: usize = 1;
    const KNOBS: &'static [Knob] = &[];
    type Config = Span;
    type Message = Mention;
    type Record = Mention;
    type Timer = ();

    fn configure(settings: &Settings, _: &Validators) -> Span {
        settings.block_period
    }
    fn open(env: Env, period: &Span, _: Records<'_, Mention>, tip: Tip) -> Self {
        Mentions { env, period: *period, tip, asked: BTreeMap::new(), last: None }
    }
    fn expected_finality(period: &Span, delay: Span) -> Span {
        *period + delay * 3
    }
    fn on_start(&mut self, cx: &mut Cx<'_, Self>) {
        if self.env.me.0 == 0 {
            cx.set_timer((), self.period);
        }
    }
    fn on_timer(&mut self, (): (), cx: &mut Cx<'_, Self>) {
        cx.set_timer((), self.period);
        let (ticket, parent) = (Ticket(self.tip.height), self.tip.block);
        cx.push(Effect::Build { ticket, parent, limit: 100_000, until: Until::Some });
    }
    fn on_payload(&mut self, _: Ticket, payload: &[PayloadRef], cx: &mut Cx<'_, Self>) {
        let block = Block { parent: self.tip, payload: payload[0] };
        self.follow(&block, cx);
        self.mention(block, cx);
        if self.tip.height == TRICKS {
            let never = PayloadRef { root: Digest([7, 7]), bytes: 512, count: 1 };
            self.mention(Block { parent: self.tip, payload: never }, cx);
            let again = self.last.expect("blocks before");
            self.mention(Block { parent: self.tip, payload: again }, cx);
        }
        self.last = Some(payload[0]);
    }
    fn on_message(&mut self, _: NodeId, m: &Mention, cx: &mut Cx<'_, Self>) {
        let ticket = self.asked.len() as u64;
        let (payload, parent) = (m.block.payload, m.block.parent.block);
        self.asked.insert(ticket, (*m.block).clone());
        cx.push(Effect::Judge { ticket: Ticket(ticket), payload, parent, need: Need::Valid });
        if ticket == 0 {
            let what = m.block.statement();
            Self::check(0, what, 0..1, cx);
            Self::check(1, Statement { value: Digest([1, 1]), ..what }, 0..3, cx);
        }
    }
    fn on_judged(&mut self, ticket: Ticket, verdict: Verdict, cx: &mut Cx<'_, Self>) {
        let block = self.asked[&ticket.0].clone();
        match verdict {
            Verdict::Good => self.follow(&block, cx),
            Verdict::Bad => cx.reject(NodeId(0), "a bad payload"),
            Verdict::Unavailable => cx.reject(NodeId(0), "an unavailable payload"),
        }
    }
    fn on_checked(&mut self, ticket: Ticket, good: bool, cx: &mut Cx<'_, Self>) {
        assert_eq!(good, ticket.0 == 0, "node {:?}, ticket {ticket:?}", self.env.me);
        cx.reject(NodeId(0), if good { "good signatures" } else { "bad signatures" });
    }
    fn status(&self) -> Status {
        Status { height: self.tip.height, leader: Some(NodeId(0)), ..Status::default() }
    }
}

fn run(hospitals: u32) -> (RunRecord, Watch) {
    let text = format!(
        r#"
        schema = 1
        [run]
        warmup = "1 s"
        duration = "9 s"
        [consensus]
        protocol = "central"
        nodes = 4
        block_period = "500 ms"
        [network]
        rtt = "constant:40 ms"
        [workload.plain]
        kind = "fixed"
        hospitals = {hospitals}
        rate_tx_per_s = 20
        spacing = "constant"
        "#
    );
    let mut watch = Watch::default();
    let record = run_protocol::<Mentions>(&scenario(&text), 1, &mut watch);
    assert_eq!(record.verdict.word(), "ok", "{}", record.verdict.text());
    (record, watch)
}

fn refused(record: &RunRecord, why: &str) -> u64 {
    let suffix = format!("messages: {why}");
    let line = record.warnings.iter().find(|w| w.ends_with(&suffix));
    line.map_or(0, |w| w.split(' ').nth(2).and_then(|n| n.parse().ok()).expect("a count"))
}

#[test]
fn a_mentioned_payload_is_fetched_before_it_is_followed() {
    let (record, watch) = run(1);
    let sent = |kind: &str| watch.sent.iter().filter(|s| s.kind == kind).count();
    let blocks = watch.finals.iter().filter(|f| f.1 == NodeId(0)).count();
    assert!(blocks > 15, "{blocks} blocks");
    // Each of three followers asks the leader once for each block; what was never built is asked of everybody.
    assert_eq!(sent("payload-request"), 3 * blocks + 3 * 3);
    assert_eq!(sent("payload"), sent("payload-request"));
    let followers = watch.finals.iter().filter(|f| f.1 != NodeId(0)).count();
    assert!(followers + 3 >= 3 * blocks, "{followers} blocks at followers, {blocks} at the leader");
    assert_eq!(record.cohort.committed, record.cohort.created);
    // A follower is final one mention, one request and one payload after the leader, at the least.
    let behind = watch.final_at(1, 3).since(watch.final_at(0, 3));
    assert!(behind >= Span::millis(60) && behind < Span::millis(65), "{behind:?}");
}

#[test]
fn what_nobody_has_is_unavailable_and_what_is_on_chain_is_bad() {
    let (record, _) = run(1);
    assert_eq!(refused(&record, "an unavailable payload"), 3);
    assert_eq!(refused(&record, "a bad payload"), 3);
}

#[test]
fn votes_that_were_never_sent_are_found_out() {
    let (record, _) = run(1);
    assert_eq!(refused(&record, "good signatures"), 3);
    assert_eq!(refused(&record, "bad signatures"), 3);
}

#[test]
fn batches_in_the_own_pool_are_at_hand() {
    // All transactions come from one organisation, whose own node needs no copy of them.
    let (_, watch) = run(4);
    let own = |kind: &str, n: u32| watch.sent.iter().filter(|s| s.kind == kind && s.from == NodeId(n)).count();
    let blocks = watch.finals.iter().filter(|f| f.1 == NodeId(0)).count();
    assert!((1..4).all(|n| own("payload-request", n) <= blocks + 3), "{blocks} blocks");
}
