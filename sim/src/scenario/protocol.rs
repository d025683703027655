//! `[consensus]`: the protocol and its settings, for every protocol of the registry.
//!
//! Tables of protocols that are not selected are checked and not used, so that one file can sweep the protocol.

use std::ops::RangeInclusive;

use ledgerlab_consensus::registry::{self, Visitor};
use ledgerlab_consensus::{
    EmptyBlocks, Family, FaultBound, Finality, Knob, KnobValue, Protocol, ProtocolInfo, Settings, Span, Stake,
    Validators,
};

use crate::scenario::model::Organisation;
use crate::scenario::problem::{Flaw, listed};
use crate::scenario::quantity::{SIZE, show_span};
use crate::scenario::reader::Reader;
use crate::scenario::run::{ANY_TIME, LONGEST};
use crate::scenario::scalar;
use crate::scenario::tree::Value;

/// Most nodes of a run.
pub(crate) const MOST_NODES: u64 = 10_000;
/// What to do about more.
const MANY_NODES: &str = "consortia have tens of nodes; to see how a protocol scales, sweep nodes = [4, 16, 64, 256]";
/// Sizes of blocks.
const BLOCK_BYTES: RangeInclusive<u64> = 1_000..=1_000_000_000;
/// Least time between blocks of a BFT protocol under the consortium preset: several blocks a second serve a
/// consortium of hospitals, and an idle chain stays small (assumption).
const CONSORTIUM_BLOCK_PERIOD: Span = Span::millis(500);

/// What a protocol says of itself.
#[derive(Clone, Copy, Debug)]
pub struct ProtocolFacts {
    /// Id, family, bounds, finality.
    pub info: ProtocolInfo,
    /// Its own settings.
    pub knobs: &'static [Knob],
}

struct FactsOf;

impl Visitor for FactsOf {
    type Output = ProtocolFacts;
    fn visit<P: Protocol>(self) -> ProtocolFacts {
        ProtocolFacts { info: P::INFO, knobs: P::KNOBS }
    }
}

/// The facts of the protocol with this id, if there is one.
pub fn protocol_facts(id: &str) -> Option<ProtocolFacts> {
    registry::visit(id, FactsOf)
}

/// The facts of all protocols, in the registry's order.
pub fn protocols() -> Vec<ProtocolFacts> {
    registry::IDS.iter().filter_map(|id| protocol_facts(id)).collect()
}

struct ExpectedFinality<'a> {
    settings: &'a Settings,
    validators: &'a Validators,
    delay: Span,
}

impl Visitor for ExpectedFinality<'_> {
    type Output = Span;
    fn visit<P: Protocol>(self) -> Span {
        P::expected_finality(&P::configure(self.settings, self.validators), self.delay)
    }
}

/// The validators of these organisations, in node order.
pub fn validators(organisations: &[Organisation]) -> Validators {
    let stake: Vec<Stake> = organisations.iter().flat_map(|o| (0..o.validators).map(|_| Stake(o.stake))).collect();
    let endpoints = (0..stake.len() as u32).map(ledgerlab_consensus::NodeId).collect();
    Validators::new(stake, endpoints)
}

/// The section: a protocol with its settings, and the short form of the organisations.
pub(crate) struct Consensus {
    pub(crate) facts: ProtocolFacts,
    pub(crate) settings: Settings,
}

impl Consensus {
    /// Expected time from the proposer's pool to finality when blocks need `depth` others on top.
    pub(crate) fn expected_finality(&self, organisations: &[Organisation], depth: Option<u64>, delay: Span) -> Span {
        let mut settings = self.settings.clone();
        if let (Some(depth), true) = (depth, self.has_knob("k")) {
            settings.set("k", KnobValue::Count(depth.max(1)));
        }
        let validators = &validators(organisations);
        let visitor = ExpectedFinality { settings: &settings, validators, delay };
        registry::visit(self.facts.info.id, visitor).expect("a protocol of the registry")
    }

    /// Blocks on top of one that the protocol itself holds for final; `None` with certificates.
    pub(crate) fn own_depth(&self) -> Option<u64> {
        match self.facts.info.finality {
            Finality::Deterministic => None,
            Finality::Probabilistic { .. } if self.has_knob("k") => Some(self.settings.count("k")),
            Finality::Probabilistic { depth } => Some(depth),
        }
    }

    fn has_knob(&self, name: &str) -> bool {
        self.facts.knobs.iter().any(|k| k.name == name && matches!(k.default, KnobValue::Count(_)))
    }
}

/// Reads `[consensus]`; `None` where the protocol is missing or unknown. The number of nodes comes beside it.
pub(crate) fn read(r: &mut Reader<'_, '_>) -> (Option<Consensus>, Option<u32>) {
    let facts = selected(r);
    let consortium = r.word("preset", 0, &["paper", "consortium"]) == 1;
    let nodes = r.read("nodes", |node| {
        scalar::count(node, &(1..=MOST_NODES)).map_err(|flaw| match node.value {
            Value::Whole(nodes) if nodes > i128::from(MOST_NODES) => flaw.hint(MANY_NODES),
            _ => flaw.hint("4 nodes are the least that tolerate a fault"),
        })
    });
    if let Some(nodes) = nodes {
        r.note("nodes", nodes);
    }
    let mut chosen = None;
    for id in registry::IDS {
        let one = protocol_facts(id).expect("an id of the registry");
        if facts.is_some_and(|f| f.info.id == *id) {
            let settings = r.section(id, |r| knobs(r, &one, consortium));
            chosen = Some(Consensus { facts: one, settings });
        } else if r.has(id) {
            r.checked_section(id, |r| knobs(r, &one, consortium));
        }
    }
    shared_settings(r, chosen.as_mut(), consortium);
    (chosen, nodes.map(|n| n as u32))
}

fn selected(r: &mut Reader<'_, '_>) -> Option<ProtocolFacts> {
    let ids = registry::IDS.iter().copied();
    if !r.has("protocol") {
        let flaw = Flaw::new("the protocol is missing").limit(format!("one of {}", listed(ids.clone(), 24)));
        r.report("protocol", flaw.hint("`ledgerlab list` says what each of them is"));
    }
    let facts = r.read("protocol", |node| {
        let id = scalar::text(node, "hotstuff")?;
        protocol_facts(&id).ok_or_else(|| scalar::unknown_word(&id, ids.clone(), "a protocol"))
    })?;
    r.note("protocol", facts.info.id);
    Some(facts)
}

/// What every protocol has; checked even where no protocol is selected.
fn shared_settings(r: &mut Reader<'_, '_>, chosen: Option<&mut Consensus>, consortium: bool) {
    let facts = chosen.as_ref().map(|c| c.facts);
    let mut base = chosen.as_ref().map_or_else(|| Settings::new(&[], consortium), |c| c.settings.clone());
    let voting = facts.is_some_and(|f| matches!(f.info.family, Family::Bft | Family::Dag));
    if consortium && voting {
        base.block_period = CONSORTIUM_BLOCK_PERIOD;
    }
    base.block_bytes = r.quantity("block_bytes", &SIZE, u64::from(base.block_bytes), BLOCK_BYTES) as u32;
    base.block_period = r.span("block_period", base.block_period, ANY_TIME);
    let empty = usize::from(base.empty_blocks == EmptyBlocks::Never);
    base.empty_blocks = match r.word("empty_blocks", empty, &["always", "never"]) {
        0 => EmptyBlocks::Always,
        _ => EmptyBlocks::Never,
    };
    if let Some(chosen) = chosen {
        chosen.settings = base;
    }
}

/// A protocol's own settings, as it declares them.
fn knobs(r: &mut Reader<'_, '_>, facts: &ProtocolFacts, consortium: bool) -> Settings {
    let mut settings = Settings::new(facts.knobs, consortium);
    for knob in facts.knobs {
        let value = knob_value(r, knob, settings.value(knob.name));
        settings.set(knob.name, value);
    }
    settings
}

fn knob_value(r: &mut Reader<'_, '_>, knob: &Knob, default: KnobValue) -> KnobValue {
    use KnobValue::{Bytes, Count, Flag, Number, Span as Time, Word};
    match (default, knob.limits) {
        (Time(d), Some((Time(low), Time(high)))) => Time(r.span(knob.name, d, low..=high)),
        (Time(d), _) => Time(r.span(knob.name, d, Span::ZERO..=LONGEST)),
        (Count(d), Some((Count(low), Count(high)))) => Count(r.count(knob.name, d, low..=high)),
        (Count(d), _) => Count(r.count(knob.name, d, 0..=u64::MAX)),
        (Number(d), Some((Number(low), Number(high)))) => Number(r.number(knob.name, d, low..=high)),
        (Number(d), _) => Number(r.number(knob.name, d, f64::MIN..=f64::MAX)),
        (Bytes(d), Some((Bytes(low), Bytes(high)))) => Bytes(r.quantity(knob.name, &SIZE, d, low..=high)),
        (Bytes(d), _) => Bytes(r.quantity(knob.name, &SIZE, d, 0..=u64::MAX)),
        (Flag(d), _) => Flag(r.flag(knob.name, d)),
        (Word(d), _) => Word(r.word(knob.name, d, knob.words)),
    }
}

/// A setting's value as a scenario writes it.
pub fn show_knob(knob: &Knob, value: KnobValue) -> String {
    match value {
        KnobValue::Span(span) => show_span(span),
        KnobValue::Count(count) => count.to_string(),
        KnobValue::Number(x) => x.to_string(),
        KnobValue::Bytes(bytes) => SIZE.show(bytes),
        KnobValue::Flag(flag) => flag.to_string(),
        KnobValue::Word(i) => knob.words.get(i).copied().unwrap_or("?").to_owned(),
    }
}

/// Largest weight of faulty validators, for people.
pub fn fault_bound(bound: FaultBound) -> &'static str {
    match bound {
        FaultBound::Third => "< 1/3",
        FaultBound::Half => "< 1/2",
        FaultBound::Server => "not the server",
    }
}
