//! `[finality]`: by which rule and at how many nodes a transaction is final; `[slo]`: what must hold.

use ledgerlab_consensus::Span;
use ledgerlab_consensus::risk::{MAX_DEPTH, depth_for_risk};

use crate::scenario::model::{FinalityNodes, FinalityRule, FinalitySpec, Slo};
use crate::scenario::problem::Flaw;
use crate::scenario::protocol::Consensus;
use crate::scenario::quantity::{TIME, show_span};
use crate::scenario::reader::Reader;
use crate::scenario::run::SOME_TIME;
use crate::scenario::scalar;
use crate::scenario::tree::show_number;

/// Reads `[finality]`. A rule by depth or risk concerns protocols without certificates; one with certificates is
/// final by them under every rule, so that one file can compare both kinds.
pub(crate) fn read(r: &mut Reader<'_, '_>, consensus: Option<&Consensus>) -> FinalitySpec {
    let nodes = r.read("nodes", |node| parse_nodes(&scalar::text(node, "quorum")?));
    let nodes = nodes.unwrap_or(FinalityNodes::Quorum);
    r.note("nodes", show_nodes(nodes));
    let rule = r.read("rule", |node| parse_rule(&scalar::text(node, "protocol")?)).unwrap_or(FinalityRule::Protocol);
    r.note("rule", show_rule(rule));
    let depth = consensus.and_then(|c| resolve(r, c, rule));
    FinalitySpec { nodes, depth, rule }
}

fn parse_nodes(text: &str) -> Result<FinalityNodes, Flaw> {
    match (text, text.parse::<f64>()) {
        ("first", _) => Ok(FinalityNodes::First),
        ("quorum", _) => Ok(FinalityNodes::Quorum),
        ("all", _) => Ok(FinalityNodes::All),
        (_, Ok(share)) if share > 0.0 && share <= 1.0 => Ok(FinalityNodes::Fraction(share)),
        (_, Ok(_)) => {
            Err(Flaw::new("not a share of the nodes").limit("above 0 and at most 1").hint("write it as \"0.67\""))
        }
        _ => {
            let flaw = Flaw::new(format!("`{text}` is no number of nodes")).limit("first, quorum, all or a share");
            Err(flaw.hint("write it as \"quorum\" or \"0.67\""))
        }
    }
}

fn show_nodes(nodes: FinalityNodes) -> String {
    match nodes {
        FinalityNodes::First => "first".into(),
        FinalityNodes::Quorum => "quorum".into(),
        FinalityNodes::All => "all".into(),
        FinalityNodes::Fraction(share) => show_number(share),
    }
}

const RISK: &str = "a risk is written as \"risk:0.1/1e-3\"";

fn parse_rule(text: &str) -> Result<FinalityRule, Flaw> {
    let limit = "protocol, depth:<blocks>, or risk:<adversary's share>/<reversal probability>";
    if text == "protocol" {
        return Ok(FinalityRule::Protocol);
    }
    if let Some(depth) = text.strip_prefix("depth:") {
        return match depth.trim().parse() {
            Ok(depth) if depth <= MAX_DEPTH => Ok(FinalityRule::Depth(depth)),
            _ => {
                let flaw = Flaw::new(format!("`{depth}` is not a depth"));
                Err(flaw.limit(format!("at least 0 and at most {MAX_DEPTH}")).hint("write it as \"depth:6\""))
            }
        };
    }
    let Some((adversary, reversal)) = text.strip_prefix("risk:").and_then(|t| t.split_once('/')) else {
        return Err(Flaw::new(format!("there is no rule `{text}`")).limit(limit).hint(RISK));
    };
    match (adversary.trim().parse::<f64>(), reversal.trim().parse::<f64>()) {
        (Ok(a), _) if !(a > 0.0 && a < 0.5) => {
            Err(Flaw::new(format!("the adversary's share is {adversary}")).limit("above 0 and below 0.5").hint(RISK))
        }
        (_, Ok(p)) if !(p > 0.0 && p < 1.0) => {
            Err(Flaw::new(format!("the reversal probability is {reversal}")).limit("above 0 and below 1").hint(RISK))
        }
        (Ok(adversary), Ok(reversal)) => Ok(FinalityRule::Risk { adversary, reversal }),
        _ => Err(Flaw::new("the risk is not two numbers").limit(limit).hint(RISK)),
    }
}

/// Smaller probabilities are written with an exponent.
const LEAST_PLAIN: f64 = 1e-4;

fn show_rule(rule: FinalityRule) -> String {
    match rule {
        FinalityRule::Protocol => "protocol".into(),
        FinalityRule::Depth(depth) => format!("depth:{depth}"),
        FinalityRule::Risk { adversary, reversal } => {
            let reversal = if reversal < LEAST_PLAIN { format!("{reversal:e}") } else { show_number(reversal) };
            format!("risk:{}/{reversal}", show_number(adversary))
        }
    }
}

/// Blocks on top under the rule; `None` where the protocol's certificate decides.
fn resolve(r: &mut Reader<'_, '_>, consensus: &Consensus, rule: FinalityRule) -> Option<u64> {
    let own = consensus.own_depth()?;
    match rule {
        FinalityRule::Protocol => Some(own),
        FinalityRule::Depth(depth) => Some(depth),
        FinalityRule::Risk { adversary, reversal } => {
            let depth = depth_for_risk(consensus.facts.info.family, adversary, reversal);
            if depth.is_none() {
                let flaw = Flaw::new(format!("no depth up to {MAX_DEPTH} has so small a risk"));
                r.report("rule", flaw.hint("assume a smaller adversary or allow a larger reversal probability"));
            }
            depth
        }
    }
}

/// Reads `[slo]`, if it is there.
pub(crate) fn read_slo(r: &mut Reader<'_, '_>) -> Option<Slo> {
    let there = r.has("slo");
    let slo = r.section("slo", |r| {
        let limits = SOME_TIME.start().0..=SOME_TIME.end().0;
        let latency_p99 = r.read("latency_p99", |node| scalar::quantity(node, &TIME, &limits)).map(Span);
        if let Some(p99) = latency_p99 {
            r.note("latency_p99", show_span(p99));
        }
        Slo {
            latency_p99,
            success_rate: optional_number(r, "success_rate", 0.99, 1.0),
            throughput_tx_per_s: optional_number(r, "throughput_tx_per_s", 100.0, 1e12),
        }
    });
    there.then_some(slo)
}

fn optional_number(r: &mut Reader<'_, '_>, key: &str, example: f64, most: f64) -> Option<f64> {
    let value = r.read(key, |node| scalar::number(node, example, &(0.0..=most)));
    if let Some(value) = value {
        r.note(key, value);
    }
    value
}
