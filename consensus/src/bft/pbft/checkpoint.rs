//! Checkpoints: a quorum that has executed the same block moves the low water mark and frees what is below, in
//! memory and in the log.

use super::Pbft;
use super::message::{CHECKPOINT, PbftMessage, PbftRecord, certificate, short};
use crate::effect::{Cx, Effect, Gate, Lane};
use crate::message::Statement;
use crate::quorum::Signers;
use crate::types::{LogSeq, NodeId, Tip, ValidatorId};

impl Pbft {
    /// The ledger's end is a checkpoint: tells everybody.
    pub(super) fn announce_checkpoint(&mut self, cx: &mut Cx<'_, Self>) {
        let Some(me) = self.env.key else { return self.stabilise(self.executed, self.env.me, cx) };
        self.checkpoints.resize(self.env.validators.len(), Tip::default());
        self.checkpoints[me.0 as usize] = self.executed;
        self.mark(me, self.executed);
        if let Some(m) = self.own_checkpoint() {
            cx.broadcast(Lane::Vote, Gate::Now, m);
        }
        self.stabilise(self.executed, self.env.me, cx);
    }

    /// The newest checkpoint of a validator; genesis if there is none.
    #[inline]
    pub(super) fn checkpoint_of(&self, v: ValidatorId) -> Tip {
        self.checkpoints.get(v.0 as usize).copied().unwrap_or_default()
    }

    /// The last checkpoint that this replica has signed.
    pub(super) fn own_checkpoint(&self) -> Option<PbftMessage> {
        let by = self.env.key?;
        let tip = self.checkpoint_of(by);
        (tip.height > 0).then(|| PbftMessage::Checkpoint { by, height: short(tip.height), block: tip.block })
    }

    pub(super) fn on_checkpoint(&mut self, from: NodeId, by: ValidatorId, tip: Tip, cx: &mut Cx<'_, Self>) {
        if tip.height == 0 || !tip.height.is_multiple_of(self.config.checkpoint_interval) {
            return cx.reject(from, "a checkpoint at a height that is none");
        }
        self.checkpoints.resize(self.env.validators.len(), Tip::default());
        let Some(last) = self.checkpoints.get_mut(by.0 as usize) else {
            return cx.reject(from, "a checkpoint by nobody");
        };
        if tip.height > last.height {
            *last = tip;
            self.mark(by, tip);
            self.stabilise(tip, from, cx);
        }
    }

    /// Counts a checkpoint, as [`Pbft::on_checkpoint`] does, if nothing follows from it; does nothing else. Says whether
    /// it did.
    #[inline(never)]
    pub(super) fn count_checkpoint(&mut self, by: ValidatorId, tip: Tip) -> bool {
        let number = tip.height / self.config.checkpoint_interval;
        let settled = self.is_settled() && number * self.config.checkpoint_interval == tip.height;
        let Pbft { env, checkpoints, marks, low, quorum, .. } = self;
        let Some(last) = checkpoints.get_mut(by.0 as usize).filter(|last| tip.height > last.height) else {
            return false;
        };
        let quiet = settled
            && (tip.height <= *low
                || marks.add_if((number, tip.block), by, &env.validators, |weight| weight < *quorum));
        if quiet {
            *last = tip;
        }
        quiet
    }

    /// Counts a checkpoint, if it is of the window.
    fn mark(&mut self, by: ValidatorId, tip: Tip) {
        self.marks.add(tip.height / self.config.checkpoint_interval, tip.block, by, &self.env.validators);
    }

    /// The low water mark may have moved: counts the checkpoints that were above the window.
    pub(super) fn recount_marks(&mut self) {
        self.marks.advance(self.low / self.config.checkpoint_interval + 1);
        for v in self.env.validators.iter() {
            let tip = self.checkpoint_of(v);
            if tip.height > self.low {
                self.mark(v, tip);
            }
        }
    }

    /// Who has reached a checkpoint: within the window all that said so, above it those that have gone no further.
    fn reached(&self, tip: Tip) -> Signers {
        if tip.height <= self.high() {
            return self.marks.signers(tip.height / self.config.checkpoint_interval, tip.block);
        }
        let mut signers = Signers::with_capacity(self.env.validators.len());
        for v in self.env.validators.iter().filter(|v| self.checkpoint_of(*v) == tip) {
            signers.add(v);
        }
        signers
    }

    /// A checkpoint that a quorum has reached becomes stable here once this replica has reached it, too. One that lies
    /// further ahead than anything under way can is a proof to catch up by.
    fn stabilise(&mut self, tip: Tip, from: NodeId, cx: &mut Cx<'_, Self>) {
        let signers = self.reached(tip);
        if tip.height <= self.low || signers.weight(&self.env.validators) < self.quorum {
            return;
        }
        let reached = tip.height <= self.executed.height;
        if reached || tip.height > self.executed.height + self.config.pipeline {
            let what = Statement { kind: CHECKPOINT, major: tip.height, minor: 0, value: tip.block };
            self.learn(&certificate(what, signers), from, cx);
        }
        if reached {
            self.raise_low(tip.height);
            cx.push(Effect::Prune { below: tip.height });
            self.accept(cx);
        }
    }

    /// Gives up the log below what the slots above the low water mark stand on, once that mark has moved; views and
    /// proof are logged again first. What lies below is told by the proof.
    pub(super) fn compact(&mut self, cx: &mut Cx<'_, Self>) {
        if self.low <= self.compacted {
            return;
        }
        self.compacted = self.low;
        let oldest = cx.log_lazily(PbftRecord::Installed { view: self.installed });
        if self.view > self.installed {
            cx.log_lazily(PbftRecord::Left { view: self.view });
        }
        if let Some(certificate) = self.proof.clone() {
            cx.log_lazily(PbftRecord::Decided { certificate });
        }
        let slots = (self.low + 1..=self.high()).filter_map(|h| self.window.get(h));
        let bound = slots.map(|s| s.since).filter(|since| *since > LogSeq(0));
        cx.truncate(bound.fold(oldest, LogSeq::min));
    }
}
