//! What a replica does when the normal case fails: after a crash, a timeout, a gap or a broken connection.

use std::sync::Arc;

use super::HotStuff;
use super::message::{Block, HotStuffMessage, NEW_VIEW, NewView, Proposal, Record, VOTE};
use super::tree::{KEPT, Place};
use crate::effect::{Cx, Effect, Gate, Lane};
use crate::message::{Evidence, SharedCertificate};
use crate::types::{Digest, Height, LogSeq, NodeId, Tip, View};

/// A replica that misses more final blocks than this asks for the ledger instead of the blocks.
const FAR: Height = 8;

impl HotStuff {
    /// Takes in a record at the start, oldest first.
    pub(super) fn recall(&mut self, seq: LogSeq, r: Record) {
        self.logged = seq;
        self.kept.add(seq, &r.block);
        self.voted = (r.block.view, r.block.id);
        self.locked = r.locked;
        if r.block.justify.what.major >= self.high.what.major {
            self.high = r.block.justify.clone();
        }
        self.pace.certified(r.block.justify.what.major);
        if let Some(entry) = &r.entry {
            self.pace.enter(entry);
        }
        // What is not above the ledger's tip, or not on top of it yet, sorts itself out.
        self.tree.insert(&r.block);
    }

    /// Waited in vain for the leader: asks for the next one.
    pub(super) fn on_timeout(&mut self, cx: &mut Cx<'_, Self>) {
        let wish = self.pace.expired();
        self.wish_for(wish.view, wish.everybody, cx);
    }

    /// Whether blocks are known to exist that are not there.
    pub(super) fn is_behind(&self) -> bool {
        self.tree.has_gap() || self.high.what.major > 0 && self.tree.height(self.high_block()).is_none()
    }

    /// Waited in vain for what is missing: asks again, and for the ledger even if it is not far ahead, since peers
    /// that have restarted no longer have the blocks.
    pub(super) fn search(&mut self, cx: &mut Cx<'_, Self>) {
        self.syncing = None;
        let hint = self.hint();
        match self.tree.final_below_orphans().filter(|t| t.height > self.tree.committed().height) {
            Some(tip) => self.sync(tip, hint, cx),
            None => self.chase(hint, cx),
        }
        self.want_block(self.high_block(), hint, cx);
    }

    fn wish_for(&mut self, view: View, everybody: bool, cx: &mut Cx<'_, Self>) {
        let Some(by) = self.env.key else { return };
        let message = self.new_view(view);
        let leader = self.pace.leader(view);
        if everybody {
            cx.broadcast(Lane::Vote, Gate::After(self.logged), message);
        } else if leader != by {
            cx.send(self.env.validators.endpoint(leader), Lane::Vote, Gate::After(self.logged), message);
        }
        self.pace.heard(by, view);
        self.enter_by_wishes(view);
    }

    fn new_view(&self, view: View) -> HotStuffMessage {
        let by = self.env.key.unwrap_or_default();
        let (high, entry) = (self.high.clone(), self.pace.entry().cloned());
        HotStuffMessage::NewView { wish: Arc::new(NewView { view, by, high, entry }) }
    }

    /// Somebody else gave up: its evidence may be newer, its wish may complete a quorum, or more than f may be ahead.
    pub(super) fn on_new_view(&mut self, from: NodeId, m: &NewView, cx: &mut Cx<'_, Self>) {
        let enters = |c: &SharedCertificate| self.is_good(c, NEW_VIEW);
        if !self.is_good(&m.high, VOTE) || !m.entry.as_ref().is_none_or(enters) {
            return cx.reject(from, "a certificate without a quorum");
        }
        if !self.config.terms.starts(m.view) {
            return cx.reject(from, "a wish for a view inside a term");
        }
        self.note_certificate(&m.high, cx);
        if let Some(entry) = &m.entry {
            self.note_entry(entry);
        }
        self.want_block(m.high.what.value, from, cx);
        self.pace.heard(m.by, m.view);
        if m.view <= self.pace.view() {
            return self.catch_up(from, cx);
        }
        self.alarmed = true;
        self.enter_by_wishes(m.view);
        if let Some(view) = self.pace.outvoted(&self.env.validators, self.config.tolerated) {
            let everybody = !self.leads(view);
            self.wish_for(view, everybody, cx);
        }
    }

    fn enter_by_wishes(&mut self, view: View) {
        if let Some(entry) = self.pace.quorum(view, &self.env.validators, self.config.quorum) {
            self.note_entry(&entry);
        }
    }

    /// Learns of a quorum that wishes for a view: enters it.
    pub(super) fn note_entry(&mut self, entry: &SharedCertificate) {
        if self.pace.enter(entry) {
            self.votes.advance(self.pace.view());
            self.progress = true;
        }
    }

    /// The leader shows a replica that is behind what it proposed last.
    fn catch_up(&self, peer: NodeId, cx: &mut Cx<'_, Self>) {
        let view = self.pace.view();
        if peer == self.env.me || !self.leads(view) {
            return;
        }
        let last = if self.voted.0 == view { self.voted.1 } else { self.high_block() };
        if let Some(block) = self.tree.get(last).cloned() {
            let entry = self.pace.entry().filter(|e| e.what.major == block.view).cloned();
            let message = HotStuffMessage::Propose { proposal: Arc::new(Proposal { block, entry }) };
            cx.send(peer, Lane::Block, Gate::After(self.logged), message);
        }
    }

    /// What was sent to a peer before its connection broke may be lost: what still matters goes again.
    pub(super) fn on_peer_up(&mut self, peer: NodeId, cx: &mut Cx<'_, Self>) {
        self.pace.reconnected();
        self.catch_up(peer, cx);
        let Some(by) = self.env.key else { return };
        if self.pace.wish() > 0 {
            cx.send(peer, Lane::Vote, Gate::After(self.logged), self.new_view(self.pace.wish()));
            self.progress = true;
        }
        let (view, block) = self.voted;
        let collector = self.pace.leader(view + 1);
        if view >= self.pace.view() && collector != by && self.env.validators.endpoint(collector) == peer {
            cx.send(peer, Lane::Vote, Gate::After(self.logged), HotStuffMessage::Vote { view, block, by });
        }
    }

    /// Links the blocks that waited for one which has come.
    pub(super) fn adopt_orphans(&mut self, cx: &mut Cx<'_, Self>) {
        while let Some(b) = self.tree.adoptable() {
            if self.tree.insert(&b) == Place::Linked {
                self.apply_certificate(&b.justify, None, cx);
                self.linked(&b, cx);
            }
        }
    }

    /// Asks for what is missing below the orphans: for blocks, or for the ledger where it is far ahead.
    pub(super) fn chase(&mut self, hint: NodeId, cx: &mut Cx<'_, Self>) {
        if let Some(tip) = self.tree.final_below_orphans().filter(|t| t.height > self.tree.committed().height + FAR) {
            return self.sync(tip, hint, cx);
        }
        if self.syncing.is_some() {
            return;
        }
        for key in self.tree.missing() {
            cx.push(Effect::Fetch { key, hint });
        }
    }

    /// Asks for a certified block that is not there.
    pub(super) fn want_block(&self, key: Digest, hint: NodeId, cx: &mut Cx<'_, Self>) {
        let wanted = key == self.high_block() && self.high.what.major > 0 && self.syncing.is_none();
        if wanted && self.tree.height(key).is_none() && !self.tree.is_orphan(key) {
            cx.push(Effect::Fetch { key, hint });
        }
    }

    fn sync(&mut self, tip: Tip, hint: NodeId, cx: &mut Cx<'_, Self>) {
        // A transfer that does not end while the chain grows by a window is asked for again.
        if self.syncing.is_none_or(|h| tip.height > h + KEPT) {
            self.syncing = Some(tip.height);
            cx.push(Effect::Sync { tip, hint });
        }
    }

    /// The ledger was brought up to a tip from outside.
    pub(super) fn on_ledger(&mut self, tip: Tip, cx: &mut Cx<'_, Self>) {
        self.syncing = None;
        if tip.height > self.tree.committed().height {
            self.tree.reset(tip, &mut |dead| {
                dead.payload.iter().for_each(|p| cx.push(Effect::Drop { root: p.root }));
            });
            self.give_up(tip.height, cx);
            self.work = false;
            self.pace.committed();
        }
        self.adopt_orphans(cx);
        self.chase(self.hint(), cx);
    }

    /// Who is asked where nobody has shown to know more: the leader of the present view, or the node after the own.
    fn hint(&self) -> NodeId {
        let leader = self.env.validators.endpoint(self.pace.leader(self.pace.view()));
        if leader == self.env.me { NodeId((leader.0 + 1) % self.env.nodes) } else { leader }
    }

    /// After `open`: what was sent last may be lost, and the own vote was not counted where it is for this replica to
    /// count. The records of all that are in the log.
    pub(super) fn repeat(&mut self, cx: &mut Cx<'_, Self>) {
        let (Some(key), (view, block)) = (self.env.key, self.voted) else { return };
        if view == 0 || view < self.pace.view() {
            return;
        }
        if let Some(proposed) = self.tree.get(block).filter(|_| self.leads(view)).cloned() {
            let entry = self.pace.entry().filter(|e| e.what.major == view).cloned();
            let proposal = Arc::new(Proposal { block: proposed, entry });
            cx.broadcast(Lane::Block, Gate::After(self.logged), HotStuffMessage::Propose { proposal });
        }
        if self.leads(view + 1) {
            self.count_vote(self.env.me, (view, block), key, cx);
        } else {
            self.cast(key, Gate::After(self.logged), cx);
        }
    }

    /// Two blocks of one leader in one view are its fault.
    pub(super) fn report_rival(&self, from: NodeId, b: &Block, cx: &mut Cx<'_, Self>) {
        if let Some(other) = self.tree.rival(b) {
            let evidence = Evidence { who: b.author, a: other.statement(), b: b.statement(), from };
            cx.push(Effect::Evidence(Box::new(evidence)));
        }
    }
}
