//! Combinations of values that can be run but hardly mean what they say: warnings, or errors where nothing can work.

use ledgerlab_consensus::{KnobValue, Span, Stake};

use ledgerlab_workloads::WorkloadSpec;

use crate::network::loss;
use crate::scenario::model::Organisation;
use crate::scenario::network::Network;
use crate::scenario::problem::Flaw;
use crate::scenario::protocol::{Consensus, validators};
use crate::scenario::quantity::{SIZE, show_rough};
use crate::scenario::reader::Reader;

/// Warns of an overlay that has so many neighbours that it is none.
pub(crate) fn check_degree(r: &mut Reader<'_, '_>, degree: Option<u32>, nodes: u32) {
    if degree.is_some_and(|degree| degree >= nodes && nodes > 1) {
        let flaw = Flaw::new("the overlay is a full mesh: a node has no more neighbours than there are others");
        let flaw = flaw.limit(format!("at most {} for {nodes} nodes", nodes - 1));
        r.warn_at(&["network", "degree"], flaw.hint("choose fewer neighbours, or 0 for a full mesh"));
    }
}

/// Finds transactions of a fixed size that no block can hold: all of them would be refused.
pub(crate) fn check_transactions(r: &mut Reader<'_, '_>, workloads: &[WorkloadSpec], block_bytes: u64) {
    for w in workloads.iter().filter(|w| w.kind.id == "fixed") {
        let bytes = w.integer("bytes");
        if bytes > block_bytes {
            let flaw = Flaw::new("no block can hold such a transaction");
            let flaw = flaw.limit(format!("at most consensus.block_bytes, {}", SIZE.show(block_bytes)));
            r.report_at(
                &["workload", w.name.as_str(), "bytes"],
                flaw.hint("raise consensus.block_bytes, or lower the size"),
            );
        }
    }
}

/// Finds a view's timeout below the time in which even the best placed leader hears from a quorum and answers it.
///
/// A block period lies in every timeout. Protocols lengthen a timeout that fails, so a short one costs view changes
/// before it costs liveness: a warning, but an error where the scenario turns that off.
pub(crate) fn check_timeout(
    r: &mut Reader<'_, '_>,
    consensus: &Consensus,
    organisations: &[Organisation],
    network: &Network,
    fsync: Span,
) {
    let knob = |name: &str| consensus.facts.knobs.iter().any(|k| k.name == name);
    if !knob("timeout") {
        return;
    }
    let delay = delay_to_quorum(consensus, organisations, network);
    let least = (delay + loss::mean_delay(network.spec.loss, delay) + fsync) * 2;
    let timeout = consensus.settings.span("timeout") + consensus.settings.block_period;
    if timeout >= least {
        return;
    }
    let fixed = knob("timeout_factor") && consensus.settings.value("timeout_factor") == KnobValue::Number(1.0);
    let until = if fixed { "" } else { " until its timeout has grown" };
    let flaw = Flaw::new(format!(
        "every view fails{until}: even the best placed leader is {} from a quorum and back, with a record's way to \
         disk each time",
        show_rough(least)
    ));
    let flaw = flaw.limit(format!("with the block period at least {}", show_rough(least)));
    let flaw = flaw.hint("a usual timeout is ten times that; or shorten node.fsync or the network's latency");
    let path = ["consensus", consensus.facts.info.id, "timeout"];
    if fixed { r.report_at(&path, flaw) } else { r.warn_at(&path, flaw) }
}

/// One-way delay between the region that is nearest to a quorum and the last node of that quorum.
fn delay_to_quorum(consensus: &Consensus, organisations: &[Organisation], network: &Network) -> Span {
    let quorum = validators(organisations).quorum(consensus.facts.info.faults);
    let mut stake = vec![0_u64; network.spec.regions.len()];
    organisations.iter().for_each(|o| stake[o.region] += u64::from(o.validators) * o.stake);
    let from = |leader: usize| {
        let mut others: Vec<(Span, u64)> =
            stake.iter().enumerate().map(|(region, s)| (network.delay_between(leader, region), *s)).collect();
        others.sort_unstable();
        let mut reached = 0;
        others.iter().find_map(|(delay, s)| {
            reached += s;
            (Stake(reached) >= quorum).then_some(*delay)
        })
    };
    (0..stake.len()).filter(|r| stake[*r] > 0).filter_map(from).min().unwrap_or(Span::ZERO)
}
