//! How much work a run is: its messages are estimated before it starts, so that nobody waits for days unawares.
//!
//! The estimate takes the normal case: blocks at their period, or as fast as the network answers where there is none,
//! but none without transactions unless the protocol makes empty ones.

use ledgerlab_consensus::{EmptyBlocks, Reply, Span};

use crate::scenario::model::{Dissemination, MempoolSpec, Organisation};
use crate::scenario::network::Network;
use crate::scenario::problem::Flaw;
use crate::scenario::protocol::Consensus;
use crate::scenario::reader::Reader;

/// Most messages of a replication: about half a day of one core.
pub(crate) const MOST_MESSAGES: f64 = 2e10;
/// Messages from which on a warning says how long it takes.
pub(crate) const MANY_MESSAGES: f64 = 1e9;
/// Messages that a core handles in a second: what a release build is measured to do at least.
const MESSAGES_PER_CORE_S: f64 = 500_000.0;
/// What the estimate needs to know.
pub(crate) struct Effort<'a> {
    pub(crate) consensus: &'a Consensus,
    pub(crate) organisations: &'a [Organisation],
    pub(crate) network: &'a Network,
    pub(crate) mempool: &'a MempoolSpec,
}

impl Effort<'_> {
    /// Refuses or warns of a run of `length` with about `writes` transactions, with `step` for a message and its
    /// record.
    pub(crate) fn check(&self, r: &mut Reader<'_, '_>, step: Span, length: Span, writes: f64) {
        let (blocks, batches) = (self.block_messages(step, length, writes), self.batch_messages(length, writes));
        let replies = self.reply_messages(step, length, writes);
        let messages = blocks + batches + replies;
        if messages <= MANY_MESSAGES {
            return;
        }
        let nodes = self.nodes();
        let cause = match () {
            () if replies >= blocks.max(batches) => "the replies to clients",
            () if blocks >= batches => "consensus",
            () => "the spreading of transactions",
        };
        let hours = messages / MESSAGES_PER_CORE_S / 3_600.0;
        let flaw = Flaw::new(format!(
            "about {messages:.1e} messages in one replication, most of them for {cause} among {nodes:.0} nodes: \
             {hours:.1} hours of one core"
        ));
        let flaw = flaw.hint("fewer nodes, a longer consensus.block_period, or a shorter run.duration");
        let short: &[&str] =
            if r.written(&["consensus", "nodes"]) { &["consensus", "nodes"] } else { &["organisation"] };
        if messages > MOST_MESSAGES {
            r.report_at(short, flaw.limit(format!("at most {MOST_MESSAGES:.0e}")));
        } else {
            r.warn_at(short, flaw.limit(format!("a warning above {MANY_MESSAGES:.0e}")));
        }
    }

    fn nodes(&self) -> f64 {
        self.organisations.iter().map(|o| f64::from(o.validators)).sum()
    }

    /// Neighbours of a node on the overlay.
    fn degree(&self) -> f64 {
        let others = (self.nodes() - 1.0).max(0.0);
        match self.network.spec.degree {
            0 => others,
            degree => f64::from(degree).min(others),
        }
    }

    /// Decisions with all their votes; or blocks that each node announces, asks for and hands on once.
    fn block_messages(&self, step: Span, length: Span, writes: f64) -> f64 {
        let nodes = self.nodes();
        let info = self.consensus.facts.info;
        match info.messages {
            Some(messages) => {
                let useful = if self.makes_empty_blocks() { f64::INFINITY } else { writes * self.followers() };
                self.decisions(step, length).min(useful) * messages(nodes as u64) as f64
            }
            None => {
                let depth = self.consensus.own_depth().unwrap_or(0);
                let finality = self.consensus.expected_finality(self.organisations, Some(depth), Span::ZERO);
                let interval_s = finality.as_secs_f64() / (depth.max(1) + 1) as f64;
                length.as_secs_f64() / interval_s * nodes * (self.degree() / 2.0 + 2.0)
            }
        }
    }

    /// Decisions that a transaction alone in its block takes: more than one where they are chained, in which each
    /// takes two delays.
    fn followers(&self) -> f64 {
        let delays = self.consensus.facts.info.delays.map_or(0, |delays| delays(self.nodes() as u64));
        (delays / 2).max(1) as f64
    }

    fn makes_empty_blocks(&self) -> bool {
        self.consensus.settings.empty_blocks == EmptyBlocks::Always
    }

    /// Where clients wait for equal replies, each node replies to every gateway that has transactions in the block.
    fn reply_messages(&self, step: Span, length: Span, writes: f64) -> f64 {
        if self.consensus.facts.info.reply != Reply::Matching {
            return 0.0;
        }
        let nodes = self.nodes();
        nodes * writes.min(nodes * self.decisions(step, length))
    }

    /// By the block period; without one a decision takes two steps, and a pipeline holds several.
    fn decisions(&self, step: Span, length: Span) -> f64 {
        let settings = &self.consensus.settings;
        let pipelined = self.consensus.facts.knobs.iter().any(|k| k.name == "pipeline");
        let at_once = if pipelined { settings.count("pipeline").max(1) as f64 } else { 1.0 };
        let answer_s = (step * 2).as_secs_f64() / at_once;
        length.as_secs_f64() / settings.block_period.as_secs_f64().max(answer_s).max(1e-6)
    }

    /// Batches leave their gateways at the batch delay, or one transaction each where there are few.
    fn batch_messages(&self, length: Span, writes: f64) -> f64 {
        let nodes = self.nodes();
        let delay_s = self.mempool.batch_delay.as_secs_f64().max(1e-3);
        let batches = (nodes * length.as_secs_f64() / delay_s).min(writes);
        let copies = match (self.mempool.dissemination, self.network.spec.degree) {
            (Dissemination::LeaderPush, _) => 1.0,
            (Dissemination::Gossip, 0) => nodes - 1.0,
            (Dissemination::Gossip, _) => nodes * (self.degree() - 1.0) + 1.0,
        };
        batches * copies
    }
}
