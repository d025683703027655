//! The normal case: propose, accept, prepare, commit.

use std::sync::Arc;

use super::block::{Header, PrePrepare};
use super::message::{Ballot, COMMIT, PREPARE, PbftMessage, PbftRecord, certificate};
use super::{Pbft, drop_payload};
use crate::effect::{Cx, Effect, Gate, Lane, Until};
use crate::knob::EmptyBlocks;
use crate::message::{Evidence, PayloadRef, Statement};
use crate::quorum::Vote;
use crate::types::{Digest, Height, LogSeq, NodeId, Stake, Ticket, ValidatorId, View};

impl Pbft {
    /// Asks for a payload if this replica leads, the period is over and the pipeline and the window have room.
    pub(super) fn propose(&mut self, cx: &mut Cx<'_, Self>) {
        let ready = self.leads() && self.rooted && self.building.is_none();
        let under_way = self.top.height.saturating_sub(self.executed.height);
        let last = self.high().min(u64::from(u32::MAX));
        if !ready
            || self.base.height > self.executed.height
            || under_way >= self.config.pipeline
            || self.top.height >= last
            || self.is_bound(self.top.height + 1)
        {
            return;
        }
        if cx.now() < self.next_proposal {
            self.propose_after(self.next_proposal - cx.now(), cx);
            return;
        }
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        self.building = Some(ticket);
        let until = match self.config.empty_blocks {
            EmptyBlocks::Always => Until::Now,
            EmptyBlocks::Never => Until::Some,
        };
        cx.push(Effect::Build { ticket, parent: self.top.block, limit: self.config.block_bytes, until });
    }

    /// Whether this replica has already proposed or accepted a block at a height of the installed view. That can be so
    /// above the top after others have decided on another chain in a later view.
    fn is_bound(&self, height: Height) -> bool {
        let slot = self.window.get(height).filter(|s| s.voted);
        slot.and_then(|s| s.proposal.as_ref()).is_some_and(|p| p.view == self.installed)
    }

    /// The payload is there: it becomes the next block.
    pub(super) fn on_built(&mut self, ticket: Ticket, payload: &[PayloadRef], cx: &mut Cx<'_, Self>) {
        let current = self.building == Some(ticket);
        // A block has one payload; one that is built too late, or beyond the first, may be built again.
        for p in &payload[usize::from(current).min(payload.len())..] {
            cx.push(Effect::Drop { root: p.root });
        }
        let (true, Some(first), Some(me)) = (current, payload.first(), self.env.key) else { return };
        self.building = None;
        if self.is_bound(self.top.height + 1) {
            return cx.push(Effect::Drop { root: first.root });
        }
        self.next_proposal = cx.now() + self.config.block_period;
        let header = Header::new(self.env.hashing, self.top.height + 1, self.top.block, *first);
        let proposal = Arc::new(PrePrepare { by: me, view: self.installed, header });
        self.top = header.tip();
        let slot = self.window.open(header.height);
        slot.propose(proposal.clone());
        slot.held = true;
        self.bind(proposal.clone(), cx);
        cx.broadcast(Lane::Block, self.gate(), PbftMessage::PrePrepare { proposal });
    }

    /// The leader is bound to a proposal, which stands for its prepare.
    pub(super) fn bind(&mut self, proposal: Arc<PrePrepare>, cx: &mut Cx<'_, Self>) {
        let Statement { kind, major: height, minor: view, value: block } = proposal.statement();
        let ballot = Ballot { kind, by: proposal.by, height, view, block };
        let seq = self.log(PbftRecord::Accepted { proposal }, cx);
        self.window.open(height).bind(seq);
        self.unsynced.push_back((seq, ballot));
    }

    pub(super) fn on_pre_prepare(&mut self, from: NodeId, p: &Arc<PrePrepare>, cx: &mut Cx<'_, Self>) {
        let height = p.header.height;
        if p.by != self.leader_of(p.view) {
            return cx.reject(from, "a proposal by another than the leader of its view");
        }
        if !p.header.is_sound(self.env.hashing) {
            return cx.reject(from, "a block that does not match its digest");
        }
        if height > self.high() || p.view > self.installed {
            self.timers.hinted = true;
            return;
        }
        if height <= self.low {
            return;
        }
        let known = self.window.get(height).and_then(|s| s.proposal.clone());
        match known {
            Some(k) if k.header.block == p.header.block && (k.view == self.installed || p.view < self.installed) => {
                self.window.open(height).held = true;
            }
            Some(k) if k.view == p.view => return self.accuse(from, k.statement(), p.statement(), p.by, cx),
            _ if p.view < self.installed || height <= self.executed.height => return,
            _ => {
                let slot = self.window.open(height);
                slot.propose(p.clone());
                slot.held = true;
            }
        }
        self.accept(cx);
        self.check_committed(height, cx);
        self.follow(cx);
        if height > self.top.height {
            self.mend(cx);
        }
    }

    fn accuse(&mut self, from: NodeId, a: Statement, b: Statement, who: ValidatorId, cx: &mut Cx<'_, Self>) {
        cx.push(Effect::Evidence(Box::new(Evidence { who, a, b, from })));
        cx.reject(from, "a statement that contradicts an earlier one of its author");
    }

    /// Accepts the proposals of the installed view, each on top of the one before it.
    pub(super) fn accept(&mut self, cx: &mut Cx<'_, Self>) {
        loop {
            let height = self.top.height + 1;
            let Some(slot) = self.window.get(height).filter(|_| height <= self.high()) else { return };
            let Some(p) = &slot.proposal else { return };
            if p.view != self.installed || p.header.parent != self.top.block || !(slot.held || slot.voted) {
                return;
            }
            self.top = p.header.tip();
            self.prepare(height, cx);
            self.check_committed(height, cx);
        }
    }

    /// Votes for an accepted proposal, unless that has been done.
    pub(super) fn prepare(&mut self, height: Height, cx: &mut Cx<'_, Self>) {
        let (Some(by), view) = (self.voter(), self.installed) else { return };
        let Some(slot) = self.window.get(height) else { return };
        let Some(proposal) = slot.proposal.clone().filter(|p| p.view == view) else { return };
        if !slot.voted && self.leader_of(view) != by {
            let ballot = Ballot { kind: PREPARE, by, height, view, block: proposal.header.block };
            let seq = self.vote(ballot, PbftRecord::Accepted { proposal }, cx);
            self.window.open(height).bind(seq);
        }
        self.check_prepared(height, cx);
    }

    /// Logs what a vote stands on and sends it when that is durable; only then it counts here, too.
    fn vote(&mut self, ballot: Ballot, record: PbftRecord, cx: &mut Cx<'_, Self>) -> LogSeq {
        let seq = self.log(record, cx);
        cx.broadcast(Lane::Vote, Gate::After(seq), ballot.message());
        self.unsynced.push_back((seq, ballot));
        seq
    }

    /// Records up to `upto` are durable: the own votes that stand on them count.
    pub(super) fn count_own(&mut self, upto: LogSeq, cx: &mut Cx<'_, Self>) {
        self.durable = self.durable.max(upto);
        while self.unsynced.front().is_some_and(|(seq, _)| *seq <= upto) {
            let Some((_, b)) = self.unsynced.pop_front() else { return };
            if b.view == self.installed {
                self.count(b.by, b, self.env.me, cx);
            }
        }
    }

    /// Says whether anything but a tally may have changed.
    pub(super) fn on_ballot(&mut self, from: NodeId, b: Ballot, cx: &mut Cx<'_, Self>) -> bool {
        if b.view < self.installed || b.height <= self.low {
            return false;
        }
        if b.kind == PREPARE && b.by == self.leader_of(b.view) {
            cx.reject(from, "a prepare by the leader of its view");
            return false;
        }
        if b.view > self.installed {
            self.keep_early(b);
        } else if b.height > self.high() {
            self.timers.hinted = true;
        } else {
            return self.count(b.by, b, from, cx);
        }
        true
    }

    /// Counts a vote of the installed view; says whether anything but its tally may have changed.
    #[inline(never)]
    fn count(&mut self, by: ValidatorId, b: Ballot, from: NodeId, cx: &mut Cx<'_, Self>) -> bool {
        let prepare = b.kind == PREPARE;
        let book = match b.kind {
            PREPARE => &mut self.prepares,
            COMMIT => &mut self.commits,
            _ => {
                self.check_prepared(b.height, cx);
                return true;
            }
        };
        match book.add(b.height, b.block, by, &self.env.validators) {
            Vote::Counted(weight) if b.height > self.top.height => self.hint(b.height, b.block, weight),
            // Without a quorum nothing follows from a vote; the leader's proposal stands for its prepare.
            Vote::Counted(weight) if weight.0 + self.heaviest.0 < self.quorum.0 => return false,
            // Nothing follows from a vote beyond the quorum, but the leader looks whether it is time to propose.
            Vote::Counted(_) if self.has_concluded(prepare, b.height) => return self.leads(),
            Vote::Counted(_) => {}
            Vote::Known | Vote::Outside => return false,
            Vote::Contradicts(value) => {
                self.accuse(from, Statement { value, ..b.statement() }, b.statement(), by, cx);
                return true;
            }
        }
        if prepare {
            self.check_prepared(b.height, cx);
        } else {
            self.check_committed(b.height, cx);
        }
        true
    }

    /// Counts a vote of the installed view, as [`Pbft::on_ballot`] does, if nothing follows from it; does nothing else.
    /// Says whether it did.
    #[inline(always)]
    pub(super) fn count_quietly(&mut self, b: Ballot) -> bool {
        let Ballot { kind, by, height, view, block } = b;
        let prepare = kind == PREPARE;
        if view != self.installed || prepare && by == self.leader {
            return false;
        }
        let Pbft { env, window, executed, timers, leader, .. } = self;
        let (quorum, heaviest, honest, top) = (self.quorum, self.heaviest, self.honest, self.top.height);
        // One that leads looks whether it is time to propose.
        let leads = || view == self.view && env.key == Some(*leader);
        let book = if prepare { &mut self.prepares } else { &mut self.commits };
        // Slots at or below the low water mark have no votes.
        book.add_if((height, block), by, &env.validators, |weight| {
            let slot = || window.get(height);
            match () {
                () if height > top => {
                    // Known as a hint already, and no proposal waits for votes.
                    let hint = slot().map_or(Some(None), |s| s.proposal.is_none().then_some(s.hint));
                    let known = hint.is_some_and(|hint| weight < honest || hint == Some(block));
                    timers.hinted && known && !leads()
                }
                () if weight.0 + heaviest.0 < quorum.0 => true,
                () if prepare => slot().is_some_and(|s| s.prepared_in(view)) && !leads(),
                () => height <= executed.height && !leads(),
            }
        })
    }

    /// Whether more prepares, or commits, change nothing: a quorum has been seen to, or the block is executed.
    #[inline]
    fn has_concluded(&self, prepare: bool, height: Height) -> bool {
        match prepare {
            true => self.window.get(height).is_some_and(|s| s.prepared_in(self.installed)),
            false => height <= self.executed.height,
        }
    }

    /// Others vote for a block that this replica has not accepted.
    fn hint(&mut self, height: Height, block: Digest, weight: Stake) {
        self.timers.hinted = true;
        if weight >= self.honest {
            self.window.open(height).hint = Some(block);
        }
    }

    /// Whether a slot's proposal is of the installed view.
    fn block_in(&self, height: Height, view: View) -> Option<Digest> {
        self.window.get(height)?.proposal.as_ref().filter(|p| p.view == view).map(|p| p.header.block)
    }

    pub(super) fn check_prepared(&mut self, height: Height, cx: &mut Cx<'_, Self>) {
        let view = self.installed;
        let (Some(by), Some(block)) = (self.voter(), self.block_in(height, view)) else { return };
        let Some(slot) = self.window.get(height) else { return };
        let leader = self.leader_of(view);
        let bound = slot.voted && height <= self.top.height && (leader != by || slot.logged <= self.durable);
        let weight = self.prepares.weight(height, block).0 + self.env.validators.stake(leader).0;
        if !bound || slot.prepared_in(view) || Stake(weight) < self.quorum {
            return;
        }
        let what = Statement { kind: PREPARE, major: height, minor: view, value: block };
        let prepared = certificate(what, self.prepares.signers(height, block));
        self.window.open(height).prepared = Some(prepared.clone());
        let ballot = Ballot { kind: COMMIT, by, height, view, block };
        self.vote(ballot, PbftRecord::Prepared { certificate: prepared }, cx);
    }

    pub(super) fn check_committed(&mut self, height: Height, cx: &mut Cx<'_, Self>) {
        let view = self.installed;
        let Some(block) = self.block_in(height, view).filter(|_| height > self.executed.height) else { return };
        if self.commits.weight(height, block) < self.quorum {
            return;
        }
        let what = Statement { kind: COMMIT, major: height, minor: view, value: block };
        if self.window.get(height).is_some_and(|s| s.commits.is_none()) {
            self.window.open(height).commits = Some(certificate(what, self.commits.signers(height, block)));
        }
        self.execute(0, cx);
    }

    /// The proposals above `height` that are not of the chain `keep` make room; their transactions may come again.
    pub(super) fn clear_above(&mut self, height: Height, keep: &[Header], cx: &mut Cx<'_, Self>) {
        for h in height.max(self.low) + 1..=self.high() {
            let kept = keep.get((h - height - 1) as usize).map(|k| k.block);
            let Some(slot) = self.window.get_mut(h) else { continue };
            slot.hint = None;
            let Some(header) = slot.header().copied().filter(|x| Some(x.block) != kept) else { continue };
            if h > self.executed.height {
                drop_payload(&header, cx);
                self.window.clear(h);
            }
        }
    }
}
