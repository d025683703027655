//! HotStuff on the test host: exact delays and counts, and what crashes, partitions and lossy links may not break.

mod crashes;
mod gaps;
mod normal_case;
mod rules;
mod trees;

use super::HotStuff;
use super::message::HotStuffMessage;
use crate::knob::{EmptyBlocks, KnobValue, Settings};
use crate::protocol::Protocol;
use crate::testkit::{Fate, Kit};
use crate::types::{Height, NodeId, Span, Time, mix64};

type Net = Kit<HotStuff>;

fn term(views: u64) -> impl FnOnce(&mut Settings) {
    move |s| s.set("term", KnobValue::Count(views))
}

fn final_height(net: &Net) -> Height {
    net.nodes.iter().map(|n| n.final_height()).max().unwrap_or(0)
}

/// Whether all running nodes have finalised `more` blocks on top of what anybody has now, before `limit` passed.
fn goes_on(net: &mut Net, more: Height, limit: Span) -> bool {
    let (goal, end) = (final_height(net) + more, net.now + limit);
    net.run_to_height(goal, end)
}

/// The stated bound less the two timeouts that only a complaint of few costs: here everybody has work.
fn bound(net: &Net) -> Span {
    let stated = HotStuff::recovery_bound(&net.config, &net.validators, net.delay).expect("it states one");
    Span(stated.0 - 2 * (net.config.timeout.0 + net.config.block_period.0 + 2 * net.delay.0))
}

/// Whether commits go on within the bound.
fn resumes(net: &mut Net, more: Height) -> bool {
    let limit = bound(net);
    goes_on(net, more, limit)
}

fn ids(range: std::ops::Range<u32>) -> Vec<NodeId> {
    range.map(NodeId).collect()
}
