//! Execution in order of height, and what follows from a proof that a block is final.

use super::message::{PbftRecord, short};
use super::{HEADER_BYTES, Pbft};
use crate::effect::{Cx, Effect, Gate, Lane};
use crate::message::SharedCertificate;
use crate::types::{Height, LogSeq, NodeId, Tip};

impl Pbft {
    /// Adopts the blocks on top of the ledger that have a commit certificate or lie at or below `proven`.
    pub(super) fn execute(&mut self, proven: Height, cx: &mut Cx<'_, Self>) {
        let before = self.executed.height;
        while let Some(slot) = self.window.get(self.executed.height + 1) {
            let Some(header) = slot.header().copied() else { break };
            let decided = slot.commits.is_some() || header.height <= proven;
            if !decided || !slot.held || header.parent != self.executed.block {
                break;
            }
            let commits = slot.commits.clone();
            self.executed = header.tip();
            cx.adopt(header.tip(), header.parent, &[header.payload], HEADER_BYTES);
            self.finalise(commits, cx);
            if header.height.is_multiple_of(self.config.checkpoint_interval) {
                self.announce_checkpoint(cx);
            }
        }
        if self.executed.height > before {
            self.failures = 0;
            self.pending = false;
            self.timers.restart_view = true;
            self.raise_top();
            self.root(cx);
        }
    }

    /// The ledger's end is final by its own certificate, or by the proof of the base once that is reached.
    fn finalise(&mut self, commits: Option<SharedCertificate>, cx: &mut Cx<'_, Self>) {
        let height = self.executed.height;
        match commits {
            Some(c) => {
                if height > self.base.height {
                    self.base = self.executed;
                    self.proof = Some(c.clone());
                    cx.log_lazily(PbftRecord::Decided { certificate: c.clone() });
                }
                cx.finalize(height, Some(c));
            }
            None if height == self.base.height => cx.finalize(height, self.proof.clone()),
            None => {}
        }
    }

    pub(super) fn on_decided(&mut self, from: NodeId, c: &SharedCertificate, cx: &mut Cx<'_, Self>) {
        let tip = Tip { height: c.what.major, block: c.what.value };
        if !self.proves(c, tip) || tip.height > u64::from(u32::MAX) {
            return cx.reject(from, "a certificate that proves nothing");
        }
        self.learn(c, from, cx);
    }

    /// A block is final: execute up to it if its chain is at hand, else ask for the ledger. The caller has checked
    /// the certificate.
    pub(super) fn learn(&mut self, c: &SharedCertificate, from: NodeId, cx: &mut Cx<'_, Self>) {
        let tip = Tip { height: c.what.major, block: c.what.value };
        if tip.height <= self.base.height {
            return;
        }
        self.base = tip;
        self.proof = Some(c.clone());
        self.teller = from;
        cx.log_lazily(PbftRecord::Decided { certificate: c.clone() });
        self.follow(cx);
        if self.base.height > self.executed.height {
            cx.push(Effect::Sync { tip, hint: from });
        }
        if tip.height >= self.high() {
            self.raise_low(tip.height);
        }
        self.raise_top();
        self.root(cx);
        self.accept(cx);
    }

    /// Executes up to the base if the proposals down from it reach the ledger's end.
    pub(super) fn follow(&mut self, cx: &mut Cx<'_, Self>) {
        let mut block = self.base.block;
        for height in (self.executed.height + 1..=self.base.height).rev() {
            match self.window.get(height).filter(|s| s.held).and_then(|s| s.header()) {
                Some(h) if h.block == block => block = h.parent,
                _ => return,
            }
        }
        if self.base.height > self.executed.height && block == self.executed.block {
            self.execute(self.base.height, cx);
        }
    }

    /// The ledger's state was transferred up to `tip`.
    pub(super) fn on_transferred(&mut self, tip: Tip, cx: &mut Cx<'_, Self>) {
        if tip.height <= self.executed.height {
            return;
        }
        self.executed = tip;
        self.failures = 0;
        // The host says again if transactions are left.
        self.pending = false;
        self.timers.restart_view = true;
        // Not above the base: slots that a view change has to tell must not make room for others.
        self.raise_low(tip.height.min(self.base.height));
        if tip.height.is_multiple_of(self.config.checkpoint_interval) {
            // Those who executed it wait for a quorum before their windows move on.
            self.announce_checkpoint(cx);
        }
        self.raise_top();
        self.root(cx);
        self.accept(cx);
        self.execute(0, cx);
        self.follow(cx);
        self.mend(cx);
        if (self.executed.height >= self.high() || !self.rooted) && self.env.nodes > 1 {
            // The ledger has outrun the proof: nothing is accepted, or voted for, before that comes, too.
            cx.broadcast(Lane::Vote, Gate::Now, self.standing(true));
        }
    }

    /// Moves the low water mark to the last checkpoint at or below a height that is proven to be final.
    pub(super) fn raise_low(&mut self, height: Height) {
        self.low = self.low.max(height - height % self.config.checkpoint_interval);
        self.prepares.advance(self.low + 1);
        self.commits.advance(self.low + 1);
        self.recount_marks();
    }

    /// Proposals are accepted on top of what is final, whatever was accepted before.
    pub(super) fn raise_top(&mut self) {
        let end = if self.base.height > self.executed.height { self.base } else { self.executed };
        let other = || self.window.get(end.height).and_then(|s| s.block()).is_some_and(|b| b != end.block);
        if self.top.height < end.height || other() {
            self.top = end;
        }
    }

    /// Looks whether a view change could tell everything from the base up; what was accepted without a vote meanwhile
    /// gets it now.
    pub(super) fn root(&mut self, cx: &mut Cx<'_, Self>) {
        let was = self.rooted;
        self.rooted = self.is_rooted();
        if self.rooted && self.env.key.is_some() {
            self.log_root(cx);
        }
        if self.rooted && !was {
            for height in self.executed.height + 1..=self.top.height {
                self.prepare(height, cx);
            }
        }
    }

    /// Logs what votes above the ledger's end stand on, as far as it came without a vote of this replica: after a crash
    /// a view change has to tell it. It is durable before any later vote.
    fn log_root(&mut self, cx: &mut Cx<'_, Self>) {
        for height in self.base.height + 1..=self.executed.height {
            let Some(slot) = self.window.get_mut(height).filter(|s| s.since == LogSeq(0)) else { continue };
            if let Some(proposal) = slot.proposal.clone() {
                slot.since = cx.log_lazily(PbftRecord::Accepted { proposal });
            }
        }
    }

    /// Whether the proposals from the ledger's end down to the base are known.
    pub(super) fn is_rooted(&self) -> bool {
        let mut block = self.executed.block;
        for height in (self.base.height + 1..=self.executed.height).rev() {
            match self.window.get(height).and_then(|s| s.header()) {
                Some(h) if h.block == block => block = h.parent,
                _ => return false,
            }
        }
        self.executed.height <= self.base.height || block == self.base.block
    }

    /// This replica's heights and views, for a peer.
    pub(super) fn standing(&self, ask: bool) -> super::PbftMessage {
        super::PbftMessage::Status {
            view: short(self.view),
            installed: short(self.installed),
            height: short(self.executed.height),
            proven: short(self.base.height),
            top: short(self.top.height),
            low: short(self.low),
            ask,
        }
    }
}
