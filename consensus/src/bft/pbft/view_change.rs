//! View changes: leaving a view, joining others, starting and installing the next one.

use std::sync::Arc;

use super::message::{Ballot, COMMIT, PbftMessage, PbftRecord, short};
use super::selection::{self, Rules};
use super::view_message::{Link, NewView, ViewChange};
use super::{Digest, Pbft};
use crate::effect::{Cx, Gate, Lane};
use crate::quorum::{Signers, VoteBook};
use crate::types::{NodeId, Stake, ValidatorId, View};

impl Pbft {
    fn rules(&self) -> Rules<'_> {
        Rules {
            validators: &self.env.validators,
            quorum: self.quorum,
            hashing: self.env.hashing,
            window: self.config.window,
        }
    }
    /// The newest view change of a validator.
    pub(super) fn view_change_of(&self, v: ValidatorId) -> Option<&Arc<ViewChange>> {
        self.view_changes.get(v.0 as usize)?.as_ref()
    }
    /// The same, to be written.
    fn view_change_mut(&mut self, v: ValidatorId) -> &mut Option<Arc<ViewChange>> {
        self.view_changes.resize(self.env.validators.len(), None);
        &mut self.view_changes[v.0 as usize]
    }
    fn weight_of(&self, pick: impl Fn(&ViewChange) -> bool) -> Stake {
        let of = |v: ValidatorId| self.view_change_of(v).is_some_and(|c| pick(c));
        Stake(self.env.validators.iter().filter(|v| of(*v)).map(|v| self.env.validators.stake(v).0).sum())
    }
    /// Whether a quorum wants the view that this replica wants, or a later one: its leader may be expected to act.
    pub(super) fn changes_have_quorum(&self) -> bool {
        self.weight_of(|c| c.view >= self.view) >= self.quorum
    }

    /// Stops voting in the present view and asks for another.
    pub(super) fn leave_for(&mut self, view: View, cx: &mut Cx<'_, Self>) {
        if self.env.key.is_none() || view <= self.view || short(view) == u32::MAX {
            return;
        }
        self.view = view;
        self.failures += 1;
        self.building = None;
        self.timers.restart_view = true;
        self.log(PbftRecord::Left { view }, cx);
        self.report(cx);
        self.review(cx);
    }

    /// Says what may have been committed in the views that were left.
    pub(super) fn report(&mut self, cx: &mut Cx<'_, Self>) {
        let Some(by) = self.env.key else { return };
        let mut vote = ViewChange {
            by,
            view: self.view,
            base: self.base,
            proof: self.proof.clone(),
            chain: self.prepared_chain(),
            digest: Digest::GENESIS,
        };
        vote.digest = vote.content(self.env.hashing);
        let vote = Arc::new(vote);
        *self.view_change_mut(by) = Some(vote.clone());
        cx.broadcast(Lane::Vote, self.gate(), PbftMessage::ViewChange { vote });
    }

    /// The proposals on top of the base, up to the highest that is prepared.
    fn prepared_chain(&self) -> Vec<Link> {
        let (mut chain, mut end, mut prepared) = (vec![], self.base, 0);
        while let Some(slot) = self.window.get(end.height + 1) {
            let Some(header) = slot.header().copied().filter(|h| h.parent == end.block) else { break };
            end = header.tip();
            let leader = self.leader_of(slot.prepared.as_ref().map_or(0, |c| c.what.minor));
            chain.push(Link { header, leader, prepared: slot.prepared.clone() });
            if slot.prepared.is_some() {
                prepared = chain.len();
            }
        }
        chain.truncate(prepared);
        chain
    }

    pub(super) fn on_view_change(&mut self, from: NodeId, vote: &Arc<ViewChange>, cx: &mut Cx<'_, Self>) {
        if let Err(why) = selection::check(vote, &self.rules()) {
            return cx.reject(from, why);
        }
        if vote.view < self.installed {
            // Its author sleeps in an old view: this is what wakes it.
            if let Some(start) = self.new_view.clone() {
                cx.send(from, Lane::Block, self.gate(), PbftMessage::NewView { start });
            }
            return;
        }
        let known = self.view_change_mut(vote.by);
        if known.as_ref().is_none_or(|k| k.view < vote.view) {
            *known = Some(vote.clone());
            self.review(cx);
        }
    }

    /// Joins others who left, and starts the view if this replica is to lead it.
    fn review(&mut self, cx: &mut Cx<'_, Self>) {
        let ahead = self.view_changes.iter().flatten().filter(|c| c.view > self.view);
        let lowest = ahead.map(|c| c.view).min();
        if let Some(view) = lowest.filter(|_| self.weight_of(|c| c.view > self.view) >= self.honest) {
            self.leave_for(view, cx);
        }
        let leads = self.env.key == Some(self.leader_of(self.view));
        if leads && self.view > self.installed && self.weight_of(|c| c.view == self.view) >= self.quorum {
            self.start_view(cx);
        }
    }

    fn start_view(&mut self, cx: &mut Cx<'_, Self>) {
        let view = self.view;
        let votes: Vec<_> = self.view_changes.iter().flatten().filter(|c| c.view == view).cloned().collect();
        let chain = selection::select(&votes);
        let by = self.leader_of(view);
        let mut start = NewView { by, view, votes, chain, digest: Digest::GENESIS };
        start.digest = start.content(self.env.hashing);
        let start = Arc::new(start);
        if self.forgets(&start) || !self.fits(&start) {
            return;
        }
        self.install(&start, cx);
        cx.broadcast(Lane::Block, self.gate(), PbftMessage::NewView { start });
        self.accept(cx);
        self.fetch_missing(false, cx);
    }

    /// Whether the window reaches from the last checkpoint at or below the view's base to the end of its chain. It does
    /// unless the base is older than what the voters of the chain's end took for final.
    fn fits(&self, start: &NewView) -> bool {
        let base = selection::base(&start.votes).base.height;
        base % self.config.checkpoint_interval + start.chain.len() as u64 <= self.config.window
    }

    /// Whether a view would start without a block that is known to be final: only with more than f faulty.
    fn forgets(&self, start: &NewView) -> bool {
        let base = selection::base(&start.votes).base;
        let theirs = selection::block_at(base, &start.chain, self.base.height);
        // A block above the chain may have become final in the view itself, but not in an older one.
        let older = self.proof.as_ref().is_some_and(|c| c.what.kind == COMMIT && c.what.minor < start.view);
        match theirs {
            Some(block) => block != self.base.block,
            None => older && self.base.height > base.height,
        }
    }

    pub(super) fn on_new_view(&mut self, from: NodeId, start: &Arc<NewView>, cx: &mut Cx<'_, Self>) {
        if start.view <= self.installed {
            return;
        }
        if let Err(why) = self.check_start(start) {
            return cx.reject(from, why);
        }
        self.install(start, cx);
        self.accept(cx);
        self.fetch_missing(false, cx);
    }

    fn check_start(&self, start: &NewView) -> Result<(), &'static str> {
        let rules = self.rules();
        if start.by != self.leader_of(start.view) || start.digest != start.content(self.env.hashing) {
            return Err("a new view by another than its leader, or that does not match its digest");
        }
        let mut voters = Signers::with_capacity(self.env.validators.len());
        for vote in &start.votes {
            selection::check(vote, &rules)?;
            if vote.view != start.view || !voters.add(vote.by) {
                return Err("a new view with a view change that is not for it");
            }
        }
        if voters.weight(&self.env.validators) < self.quorum {
            return Err("a new view without a quorum of view changes");
        }
        if start.chain != selection::select(&start.votes) {
            return Err("a new view whose blocks do not follow from its view changes");
        }
        if !self.fits(start) {
            return Err("a new view with more blocks than the window has room for");
        }
        if self.forgets(start) { Err("a new view that forgets what is final") } else { Ok(()) }
    }

    /// The view starts: its chain takes the place of what was proposed in older views.
    fn install(&mut self, start: &Arc<NewView>, cx: &mut Cx<'_, Self>) {
        let vote = selection::base(&start.votes);
        if let Some(proof) = &vote.proof {
            // Its ledger reaches further than that of the leader, who may have it from this very vote.
            self.learn(proof, self.node_of(vote.by), cx);
        }
        if vote.base.height + start.chain.len() as u64 > self.high() {
            self.raise_low(vote.base.height);
        }
        self.clear_above(vote.base.height, &start.chain, cx);
        self.enter(start.view);
        self.view = self.view.max(start.view);
        self.new_view = Some(start.clone());
        self.building = None;
        self.reset_books();
        self.top = vote.base;
        let leads = self.leads();
        for header in &start.chain {
            if header.height <= self.low {
                self.top = header.tip();
                continue;
            }
            let final_here = header.height <= self.executed.height;
            let proposal = Arc::new(start.pre_prepare(*header));
            let slot = self.window.open(header.height);
            slot.propose(proposal.clone());
            slot.held |= final_here;
            if leads {
                self.bind(proposal, cx);
            }
        }
        self.log(PbftRecord::Installed { view: start.view }, cx);
        if vote.base.height < self.base.height
            && let Some(certificate) = self.proof.clone()
        {
            // Others need not vote again on what this replica can prove.
            cx.broadcast(Lane::Vote, Gate::Now, PbftMessage::Decided { certificate });
        }
        self.accept(cx);
        self.raise_top();
        self.root(cx);
        self.replay_early(cx);
    }

    fn reset_books(&mut self) {
        let (n, window) = (self.env.validators.len(), self.config.window as usize);
        self.prepares = VoteBook::new(n, window);
        self.commits = VoteBook::new(n, window);
        self.raise_low(self.low);
    }

    /// Keeps a vote of a view that is not installed: a bounded number of each validator.
    pub(super) fn keep_early(&mut self, b: Ballot) {
        self.timers.hinted = true;
        let most = 2 * (self.config.pipeline as usize + 1);
        if self.early.iter().filter(|e| e.by == b.by).count() < most
            && (b.by.0 as usize) < self.env.validators.len()
            && !self.early.contains(&b)
        {
            self.early.push(b);
        }
    }

    fn replay_early(&mut self, cx: &mut Cx<'_, Self>) {
        let installed = self.installed;
        for b in std::mem::take(&mut self.early) {
            match b.view.cmp(&installed) {
                std::cmp::Ordering::Less => {}
                std::cmp::Ordering::Equal => {
                    self.on_ballot(self.node_of(b.by), b, cx);
                }
                std::cmp::Ordering::Greater => self.early.push(b),
            }
        }
    }
}
