//! The normal case: propose, vote, certify, lock, commit; steps 1 to 4 of the module's head.

use std::sync::Arc;

use super::kept::MANY;
use super::message::{Block, HotStuffMessage, NEW_VIEW, Proposal, Record, VOTE, vote};
use super::tree::Place;
use super::{HotStuff, HotStuffTimer, MOST_PAYLOADS};
use crate::effect::{Cx, Effect, Gate, Lane, Until};
use crate::message::{Certificate, Evidence, PayloadRef, SharedCertificate, Statement};
use crate::protocol::Timer;
use crate::quorum::Vote;
use crate::types::{Digest, Height, NodeId, Stake, Ticket, Time, Tip, ValidatorId, View};

impl HotStuff {
    pub(super) fn high_block(&self) -> Digest {
        self.high.what.value
    }

    pub(super) fn leads(&self, view: View) -> bool {
        self.env.key == Some(self.pace.leader(view))
    }

    /// Whether a certificate is of the kind, of a quorum, or genesis'.
    pub(super) fn is_good(&self, c: &Certificate, kind: u8) -> bool {
        let genesis = c.what == vote(0, Digest::GENESIS) && kind == VOTE;
        let formed = c.what == Statement { minor: 0, kind, ..c.what } && c.what.major > 0;
        genesis || formed && c.signers.weight(&self.env.validators) >= self.config.quorum
    }

    /// Ends a handler: proposes if it is time to, keeps the view timer as it should be.
    pub(super) fn settle(&mut self, cx: &mut Cx<'_, Self>) {
        self.request_payload(cx);
        let waits = self.expects_progress() || self.is_behind();
        if waits {
            if self.progress || !self.waits {
                self.deadline = cx.now() + self.pace.timeout() + self.config.block_period;
            }
            if self.armed.is_none_or(|at| at > self.deadline) {
                self.armed = Some(self.deadline);
                cx.set_timer(HotStuffTimer::View, self.deadline - cx.now());
            }
        } else if self.armed.take().is_some() {
            cx.push(Effect::CancelTimer { kind: HotStuffTimer::View.kind() });
        }
        self.waits = waits;
        self.progress = false;
    }

    /// Whether somebody must propose soon, else the leader is to blame.
    pub(super) fn expects_progress(&self) -> bool {
        self.env.key.is_some() && (self.config.always || self.work || self.alarmed || self.tree.is_open())
    }

    /// Whether this replica has done its part in the present view; most of the time it has.
    pub(super) fn has_voted(&self) -> bool {
        self.voted.0 >= self.pace.view()
    }

    pub(super) fn may_propose(&self) -> bool {
        let view = self.pace.view();
        !self.has_voted()
            && self.leads(view)
            && (self.high.what.major + 1 == view || self.pace.entry().is_some())
            && self.pace.wish() <= view
    }

    /// Asks for a payload if this replica leads and the block period has passed.
    pub(super) fn request_payload(&mut self, cx: &mut Cx<'_, Self>) {
        if !self.may_propose() {
            return;
        }
        let (view, parent) = (self.pace.view(), self.high_block());
        if self.building.is_some_and(|b| (b.1, b.2) == (view, parent)) || self.tree.height(parent).is_none() {
            return;
        }
        let due = self.proposed_at.map_or(Time::ZERO, |t| t + self.config.block_period);
        if cx.now() < due {
            if self.paced < view {
                self.paced = view;
                cx.set_timer(HotStuffTimer::Period, due - cx.now());
            }
            return;
        }
        let at_once = self.config.always || self.untold || self.pace.entry().is_some() || self.tree.is_open();
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        self.building = Some((ticket, view, parent));
        let until = if at_once { Until::Now } else { Until::Some };
        cx.push(Effect::Build { ticket, parent, limit: self.config.block_bytes, until });
    }

    pub(super) fn propose(&mut self, payload: &[PayloadRef], cx: &mut Cx<'_, Self>) {
        let (Some(key), Some(below)) = (self.env.key, self.tree.height(self.high_block())) else { return };
        let at = (below + 1, self.pace.view());
        let block = Arc::new(Block::new(self.env.hashing, at, key, payload, self.high.clone()));
        if self.tree.insert(&block) != Place::Linked {
            return;
        }
        self.proposed_at = Some(cx.now());
        self.untold = false;
        self.progress = true;
        let gate = self.record(&block, cx);
        let proposal = Arc::new(Proposal { block: block.clone(), entry: self.pace.entry().cloned() });
        cx.broadcast(Lane::Block, gate, HotStuffMessage::Propose { proposal });
        self.cast(key, gate, cx);
    }

    #[inline]
    pub(super) fn record(&mut self, block: &Arc<Block>, cx: &mut Cx<'_, Self>) -> Gate {
        let (locked, entry) = (&self.locked, self.pace.entry());
        self.voted = (block.view, block.id);
        self.logged = cx.log_with(Record::length(block, locked, entry), || Record {
            block: block.clone(),
            locked: locked.clone(),
            entry: entry.cloned(),
        });
        self.kept.add(self.logged, block);
        Gate::After(self.logged)
    }

    /// Gives the last vote to the leader of the next view; an own one counts when its record is durable, since a
    /// certificate must not stand on a vote that a crash takes back.
    pub(super) fn cast(&mut self, key: ValidatorId, gate: Gate, cx: &mut Cx<'_, Self>) {
        let (view, block) = self.voted;
        let collector = self.pace.leader(view + 1);
        if collector == key {
            self.own_vote = Some((self.logged, view, block));
        } else {
            let to = self.env.validators.endpoint(collector);
            cx.send(to, Lane::Vote, gate, HotStuffMessage::Vote { view, block, by: key });
        }
    }

    pub(super) fn on_proposal(&mut self, from: NodeId, p: &Proposal, cx: &mut Cx<'_, Self>) {
        let b = &p.block;
        if let Err(why) = self.inspect(p) {
            return cx.reject(from, why);
        }
        self.note_certificate(&b.justify, cx);
        if let Some(entry) = &p.entry {
            self.note_entry(entry);
        }
        self.report_rival(from, b, cx);
        match self.tree.insert(b) {
            Place::Linked => {
                self.linked(b, cx);
                if self.tree.has_gap() {
                    self.adopt_orphans(cx);
                }
            }
            Place::Orphan => {}
            Place::Known => self.try_vote(b, cx),
            Place::Old => return,
            Place::Refused => return cx.reject(from, "a block that does not follow its parent"),
        }
        if self.tree.has_gap() {
            self.chase(from, cx);
        }
    }

    pub(super) fn inspect(&self, p: &Proposal) -> Result<(), &'static str> {
        p.block.verdict(|b| self.examine(b))?;
        let enters = |c: &SharedCertificate| c.what.major == p.block.view && self.is_good(c, NEW_VIEW);
        if !p.entry.as_ref().is_none_or(enters) {
            return Err("a certificate without a quorum");
        }
        Ok(())
    }

    /// What every replica finds of a block, whatever its own state.
    fn examine(&self, b: &Block) -> Result<(), &'static str> {
        if b.view <= b.justify.what.major || b.height == 0 || b.author != self.pace.leader(b.view) {
            return Err("a block that is not its leader's");
        }
        if b.payload.len() > MOST_PAYLOADS || b.id != b.hash(self.env.hashing) {
            return Err("a block under another id");
        }
        if !self.is_good(&b.justify, VOTE) {
            return Err("a certificate without a quorum");
        }
        Ok(())
    }

    /// A block, whose certificate has been applied, has joined the tree: one of its own may lock and commit, and it may
    /// be voted for.
    #[inline]
    pub(super) fn linked(&mut self, b: &Arc<Block>, cx: &mut Cx<'_, Self>) {
        if self.high_block() == b.id {
            self.apply_certificate(&self.high.clone(), None, cx);
        }
        if b.view == self.pace.view() {
            self.proposed_at = Some(cx.now());
            self.progress = true;
            self.alarmed = false;
        }
        self.try_vote(b, cx);
    }

    /// Votes if the block is of the present view, nothing was voted for since, and its certificate is not older than
    /// the lock: a block extends exactly what its certificate certifies, so this covers both halves of the paper's
    /// rule (it extends the locked block, or its certificate is newer).
    pub(super) fn try_vote(&mut self, b: &Arc<Block>, cx: &mut Cx<'_, Self>) {
        let Some(key) = self.env.key else { return };
        let fresh = b.view == self.pace.view() && b.view > self.voted.0 && self.pace.wish() <= b.view;
        if fresh && b.justify.what.major >= self.locked.what.major {
            let gate = self.record(b, cx);
            self.cast(key, gate, cx);
        }
    }

    /// Counts a vote; whether it has completed a certificate.
    pub(super) fn count_vote(
        &mut self,
        from: NodeId,
        (view, block): (View, Digest),
        by: ValidatorId,
        cx: &mut Cx<'_, Self>,
    ) -> bool {
        if !self.leads(view.saturating_add(1)) {
            return false;
        }
        let validators = &self.env.validators;
        match self.votes.add(view, block, by, validators) {
            Vote::Counted(weight) => {
                let before = Stake(weight.0 - validators.stake(by).0);
                if before < self.config.quorum && weight >= self.config.quorum {
                    let signers = self.votes.signers(view, block);
                    let qc = SharedCertificate::new(Certificate { what: vote(view, block), signers });
                    self.note_certificate(&qc, cx);
                    self.want_block(block, from, cx);
                    return true;
                }
            }
            Vote::Contradicts(other) => {
                let evidence = Evidence { who: by, a: vote(view, other), b: vote(view, block), from };
                cx.push(Effect::Evidence(Box::new(evidence)));
            }
            Vote::Known | Vote::Outside => {}
        }
        false
    }

    /// Takes in a vote that is late, or one more on the way to a quorum, where that leaves all as the last handler has
    /// settled it; does nothing else. Says whether it did.
    #[inline(always)]
    pub(super) fn count_quietly(&mut self, (view, block): (View, Digest), by: ValidatorId) -> bool {
        if !self.has_voted() {
            return false;
        }
        // The book forgets what lies below the present view.
        let late = view < self.pace.view();
        let few = |weight: Stake| weight < self.config.quorum;
        late || self.leads(view.saturating_add(1)) && self.votes.add_if((view, block), by, &self.env.validators, few)
    }

    /// Learns a certificate of votes: it may be the highest, open the next view, lock and commit.
    pub(super) fn note_certificate(&mut self, qc: &SharedCertificate, cx: &mut Cx<'_, Self>) {
        let newer = qc.what.major > self.high.what.major;
        let before = newer.then(|| std::mem::replace(&mut self.high, qc.clone()));
        if self.pace.certified(qc.what.major) {
            self.votes.advance(self.pace.view());
            self.progress = true;
            self.alarmed = false;
        }
        self.apply_certificate(qc, before, cx);
    }

    /// Locks and commits by a certificate, as far as its block and those below are there. The certificate that was the
    /// highest `before` is given up: most often it is the new lock, and need not be shared once more.
    pub(super) fn apply_certificate(
        &mut self,
        qc: &SharedCertificate,
        before: Option<SharedCertificate>,
        cx: &mut Cx<'_, Self>,
    ) {
        let Some(two) = self.tree.get(qc.what.value) else { return };
        if two.justify.what.major > self.locked.what.major {
            let same = before.filter(|high| Arc::ptr_eq(high, &two.justify));
            self.locked = same.unwrap_or_else(|| two.justify.clone());
        }
        // The grandparent of a block that is less than three above the committed tip is final.
        if two.height < self.tree.committed().height + 3 || !two.follows() {
            return;
        }
        let Some(one) = self.tree.below(two).filter(|one| one.follows()) else { return };
        if let Some(zero) = self.tree.below(one).map(|zero| zero.id) {
            self.commit(zero, qc, cx);
        }
    }

    /// The block and all below it are final: `qc`, of its grandchild, proves it.
    pub(super) fn commit(&mut self, block: Digest, qc: &SharedCertificate, cx: &mut Cx<'_, Self>) {
        if let Some(b) = self.tree.commit_next(block) {
            self.untold |= adopt(b, cx);
        } else {
            self.commit_path(block, cx);
        }
        let height = self.tree.committed().height;
        cx.finalize(height, Some(qc.clone()));
        self.give_up(height, cx);
        self.work = false;
        self.pace.committed();
    }

    /// Everything up to `height` is in the ledger: gives up the records and the blocks that nothing needs, several at a
    /// time. A replica without a key has no records, but blocks.
    pub(super) fn give_up(&mut self, height: Height, cx: &mut Cx<'_, Self>) {
        self.kept.commit(height, cx);
        if height >= self.pruned + MANY as Height {
            self.pruned = height;
            cx.push(Effect::Prune { below: height });
        }
    }

    /// Commits with all that lies below, where that is not just the next block of one chain.
    fn commit_path(&mut self, top: Digest, cx: &mut Cx<'_, Self>) {
        self.tree.find_path(top);
        for b in self.tree.path() {
            self.untold |= adopt(b, cx);
        }
        self.tree.commit(&mut |dead| {
            dead.payload.iter().for_each(|p| cx.push(Effect::Drop { root: p.root }));
        });
    }
}

/// Puts a final block on the chain; whether others wait for it.
#[inline]
fn adopt(b: &Block, cx: &mut Cx<'_, HotStuff>) -> bool {
    cx.adopt(Tip { height: b.height, block: b.id }, b.parent(), &b.payload, b.header_bytes());
    b.wants_commit()
}
