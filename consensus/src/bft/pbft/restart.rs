//! Rebuilding a replica from its log and the end of its ledger.
//!
//! The log says which view it is in, what it voted for in each slot and what it holds prepared certificates for, so
//! that it votes for nothing else and reports the same in view changes. Payloads of proposals from the log are looked
//! for through the host before they are voted on again. What was only held in memory (votes of others, view changes,
//! new-view messages, checkpoints) is sent again by the peers.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Pbft;
use super::block::PrePrepare;
use super::config::PbftConfig;
use super::message::PbftRecord;
use crate::message::SharedCertificate;
use crate::protocol::{Env, Records};
use crate::types::{Height, LogSeq, Tip};

/// A slot as the log tells it, with the number of the oldest record about its block.
struct Past {
    since: LogSeq,
    proposal: Arc<PrePrepare>,
    prepared: Option<SharedCertificate>,
}

type Known = BTreeMap<Height, Past>;

/// A replica as its durable records describe it.
pub fn open(env: Env, config: &PbftConfig, log: Records<'_, PbftRecord>, adopted: Tip) -> Pbft {
    let mut r = Pbft::new(env, config, adopted);
    let mut known = Known::new();
    for (seq, record) in log {
        r.last_log = seq;
        r.replay(seq, record, &mut known);
        // What matters lies within one window of the newest: older slots have been final for long.
        while known.len() as u64 > 2 * config.window {
            known.pop_first();
        }
    }
    r.durable = r.last_log;
    r.restore(known);
    r
}

impl Pbft {
    fn replay(&mut self, seq: LogSeq, record: PbftRecord, known: &mut Known) {
        match record {
            PbftRecord::Left { view } => self.view = self.view.max(view),
            PbftRecord::Installed { view } => {
                self.enter(self.installed.max(view));
                self.view = self.view.max(view);
            }
            PbftRecord::Accepted { proposal } => {
                let height = proposal.header.height;
                let same = known.remove(&height).filter(|p| p.proposal.header.block == proposal.header.block);
                let (since, prepared) = same.map_or((seq, None), |p| (p.since, p.prepared));
                known.insert(height, Past { since, proposal, prepared });
            }
            PbftRecord::Prepared { certificate } => {
                if let Some(p) = known.get_mut(&certificate.what.major)
                    && p.proposal.header.block == certificate.what.value
                {
                    p.prepared = Some(certificate);
                }
            }
            PbftRecord::Decided { certificate } => {
                if certificate.what.major > self.base.height {
                    self.base = Tip { height: certificate.what.major, block: certificate.what.value };
                    self.proof = Some(certificate);
                }
            }
        }
    }

    fn restore(&mut self, known: Known) {
        let lowest = self.base.height.min(self.executed.height);
        self.raise_low(lowest);
        // The window may have followed the proof before the ledger did: no record is left out, for what this replica is
        // bound to must be kept, and nothing above the proof's window was ever accepted.
        let highest = known.keys().next_back().copied().unwrap_or(0);
        if self.base.height >= self.high() || highest > self.high() {
            self.raise_low(self.base.height);
        }
        for (height, past) in known.range(self.low + 1..=self.high()) {
            let slot = self.window.open(*height);
            slot.propose(past.proposal.clone());
            slot.held = *height <= self.executed.height;
            slot.bind(past.since);
            slot.prepared = past.prepared.clone();
            slot.logged = self.durable;
        }
        self.compacted = self.low;
        self.rooted = self.is_rooted();
        self.top = self.executed;
        self.raise_top();
        self.restore_votes();
    }

    /// The chain that was accepted in the installed view, and the own votes for it.
    fn restore_votes(&mut self) {
        let view = self.installed;
        // Votes below the end of the ledger still help others, but none of them is needed to go on.
        while let Some(slot) = self.window.get(self.top.height + 1) {
            let Some(p) = slot.proposal.clone().filter(|p| p.view == view) else { break };
            if p.header.parent != self.top.block {
                break;
            }
            let (height, block) = (p.header.height, p.header.block);
            if let Some(me) = self.env.key {
                let validators = self.env.validators.clone();
                if p.by != me {
                    self.prepares.add(height, block, me, &validators);
                }
                if slot.prepared_in(view) {
                    self.commits.add(height, block, me, &validators);
                }
            }
            self.top = p.header.tip();
        }
    }
}
