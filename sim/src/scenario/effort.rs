//! How much work a run is: its messages are estimated before it starts, so that nobody waits for days unawares.
//!
//! The estimate takes the normal case: blocks at their period, or as fast as the network answers where there is none,
//! but no faster than a proposer's uplink carries them, and none without transactions unless the protocol makes empty
//! ones.

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
    /// For a message and its record.
    pub(crate) step: Span,
    /// Of the run.
    pub(crate) length: Span,
    /// Transactions.
    pub(crate) writes: f64,
    /// Bytes of them in blocks, as far as they are planned.
    pub(crate) payload_bytes: f64,
}

impl Effort<'_> {
    /// Refuses or warns of a run that takes long.
    pub(crate) fn check(&self, r: &mut Reader<'_, '_>) {
        let (blocks, batches, replies) = (self.block_messages(), self.batch_messages(), self.reply_messages());
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
    fn block_messages(&self) -> f64 {
        let nodes = self.nodes();
        let info = self.consensus.facts.info;
        match info.messages {
            Some(messages) => {
                let useful = if self.makes_empty_blocks() { f64::INFINITY } else { self.writes * self.followers() };
                self.decisions().min(useful) * messages(nodes as u64) as f64
            }
            None => {
                let depth = self.consensus.own_depth().unwrap_or(0);
                let finality = self.consensus.expected_finality(self.organisations, Some(depth), Span::ZERO);
                let interval_s = finality.as_secs_f64() / (depth.max(1) + 1) as f64;
                self.length.as_secs_f64() / interval_s * nodes * (self.degree() / 2.0 + 2.0)
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
    fn reply_messages(&self) -> f64 {
        if self.consensus.facts.info.reply != Reply::Matching {
            return 0.0;
        }
        let nodes = self.nodes();
        nodes * self.writes.min(nodes * self.decisions())
    }

    /// By the block period; without one a decision takes two steps, and a pipeline holds several. Beside that the
    /// proposer's uplink carries what was planned meanwhile to all others, or a full block where it falls behind.
    fn decisions(&self) -> f64 {
        let settings = &self.consensus.settings;
        let pipelined = self.consensus.facts.knobs.iter().any(|k| k.name == "pipeline");
        let at_once = if pipelined { settings.count("pipeline").max(1) as f64 } else { 1.0 };
        let answer_s = (self.step * 2).as_secs_f64() / at_once;
        let alone_s = settings.block_period.as_secs_f64().max(answer_s).max(1e-6);
        let (byte_s, length_s) = (self.broadcast_s_per_byte(), self.length.as_secs_f64());
        let idle = 1.0 - (self.payload_bytes / length_s * byte_s).min(1.0);
        length_s / (alone_s / idle).min(alone_s.max(f64::from(settings.block_bytes) * byte_s))
    }

    /// For the proposer with the fastest uplink; nodes of its own host need none.
    fn broadcast_s_per_byte(&self) -> f64 {
        let others = |o: &Organisation| self.nodes() - if o.share_host { f64::from(o.validators) } else { 1.0 };
        let proposers = self.organisations.iter().filter(|o| o.validators > 0);
        proposers.map(|o| 8.0 * others(o) / o.uplink as f64).fold(f64::INFINITY, f64::min)
    }

    /// Batches leave their gateways at the batch delay, or one transaction each where there are few.
    fn batch_messages(&self) -> f64 {
        let nodes = self.nodes();
        let delay_s = self.mempool.batch_delay.as_secs_f64().max(1e-3);
        let batches = (nodes * self.length.as_secs_f64() / delay_s).min(self.writes);
        let copies = match (self.mempool.dissemination, self.network.spec.degree) {
            (Dissemination::LeaderPush, _) => 1.0,
            (Dissemination::Gossip, 0) => nodes - 1.0,
            (Dissemination::Gossip, _) => nodes * (self.degree() - 1.0) + 1.0,
        };
        batches * copies
    }
}
