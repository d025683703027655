//! Catching up after loss, crash or partition: replicas without progress say where they stand, peers send what lacks.

use super::message::{COMMIT, PREPARE, PbftMessage};
use super::{Ballot, Pbft};
use crate::effect::{Cx, Effect, Gate, Lane};
use crate::protocol::{Need, Verdict};
use crate::types::{Digest, Height, NodeId, Ticket, View};

/// Where a peer stands: the fields of its status message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Standing {
    /// The view it is in, or wants to start.
    pub view: View,
    /// The newest view whose new-view message it has.
    pub installed: View,
    /// Height up to which it has executed.
    pub height: Height,
    /// Height that it can prove to be final.
    pub proven: Height,
    /// Height of its highest accepted proposal.
    pub top: Height,
    /// Its low water mark.
    pub low: Height,
}

impl Pbft {
    /// After `open`: what the log mentions is looked for, a view change under way is sent again, peers are asked.
    pub(super) fn resume(&mut self, cx: &mut Cx<'_, Self>) {
        for height in self.executed.height + 1..=self.high() {
            let Some(slot) = self.window.get(height).filter(|s| !s.held) else { continue };
            let Some(h) = slot.header() else { continue };
            let (payload, parent) = (h.payload, h.parent);
            cx.push(Effect::Judge { ticket: Ticket(height), payload, parent, need: Need::Available });
        }
        if self.view > self.installed {
            self.report(cx);
        }
        if self.env.nodes > 1 {
            cx.broadcast(Lane::Vote, Gate::Now, self.standing(true));
        }
    }

    /// The host has, or has not, the payload of a proposal from the log.
    pub(super) fn on_available(&mut self, ticket: Ticket, verdict: Verdict, cx: &mut Cx<'_, Self>) {
        let height = ticket.0;
        let Some(slot) = self.window.get_mut(height).filter(|s| !s.held) else { return };
        let Some(block) = slot.block() else { return };
        if verdict == Verdict::Good {
            slot.held = true;
            self.accept(cx);
            // The own vote may be a quorum by itself.
            self.check_prepared(height, cx);
            self.check_committed(height, cx);
            self.follow(cx);
        } else {
            self.fetch(block, cx);
        }
    }

    fn fetch(&self, key: Digest, cx: &mut Cx<'_, Self>) {
        let leader = self.node_of(self.leader_of(self.installed));
        let hint = if leader == self.env.me { self.teller } else { leader };
        cx.push(Effect::Fetch { key, hint });
    }

    /// Fetches what is proposed or voted for next, as far as it is not at hand.
    pub(super) fn fetch_missing(&self, hinted: bool, cx: &mut Cx<'_, Self>) {
        let last = self.high().min(self.executed.height + 2 * self.config.pipeline);
        for height in self.executed.height + 1..=last {
            let Some(slot) = self.window.get(height) else { continue };
            match slot.block() {
                Some(block) if !slot.held => self.fetch(block, cx),
                Some(_) => {}
                None => slot.hint.iter().filter(|_| hinted).for_each(|block| self.fetch(*block, cx)),
            }
        }
    }

    /// Fetches the proposal below the lowest one that came out of turn: the leader's connection is first in, first out,
    /// so that one was lost.
    pub(super) fn mend(&self, cx: &mut Cx<'_, Self>) {
        let first = self.top.height + 1;
        for height in first..=self.high().min(first + 2 * self.config.pipeline) {
            let Some(p) = self.window.get(height).and_then(|s| s.proposal.as_ref()) else { continue };
            if p.view == self.installed {
                if height > first {
                    self.fetch(p.header.parent, cx);
                }
                return;
            }
        }
    }

    /// There is no progress: asks for state, proposals, votes and views.
    pub(super) fn ask_peers(&mut self, cx: &mut Cx<'_, Self>) {
        if self.env.nodes > 1 {
            cx.broadcast(Lane::Vote, Gate::Now, self.standing(true));
        }
        self.follow(cx);
        if self.base.height > self.executed.height {
            cx.push(Effect::Sync { tip: self.base, hint: self.teller });
        }
        self.fetch_missing(true, cx);
    }

    /// Says where this replica stands.
    pub(super) fn tell(&self, to: NodeId, ask: bool, cx: &mut Cx<'_, Self>) {
        cx.send(to, Lane::Vote, Gate::Now, self.standing(ask));
    }

    /// A peer says where it stands: it gets what it lacks, and is told if it has what lacks here.
    pub(super) fn on_standing(&mut self, from: NodeId, peer: Standing, ask: bool, cx: &mut Cx<'_, Self>) {
        let lacks = peer.view > self.view
            || peer.installed > self.installed
            || peer.height > self.executed.height
            || peer.proven > self.base.height
            || peer.top > self.top.height;
        if ask && lacks {
            self.tell(from, false, cx);
        }
        if let Some(certificate) = self.proof.clone().filter(|_| self.base.height > peer.proven) {
            cx.send(from, Lane::Vote, Gate::Now, PbftMessage::Decided { certificate });
        }
        if let Some(start) = self.new_view.clone().filter(|_| self.installed > peer.installed) {
            cx.send(from, Lane::Block, self.gate(), PbftMessage::NewView { start });
        }
        let own = self.env.key.and_then(|me| self.view_change_of(me).cloned());
        if let Some(vote) = own.filter(|v| v.view == self.view && self.view > self.installed.max(peer.installed)) {
            cx.send(from, Lane::Vote, self.gate(), PbftMessage::ViewChange { vote });
        }
        let own = self.env.key.map_or(0, |me| self.checkpoint_of(me).height);
        if let Some(m) = self.own_checkpoint().filter(|_| own > peer.low) {
            cx.send(from, Lane::Vote, Gate::Now, m);
        }
        if peer.installed == self.installed {
            self.repeat_votes(from, peer, cx);
        }
    }

    /// Whether a peer that says this stands as this replica does, with nothing under way: neither lacks anything.
    #[inline(never)]
    pub(super) fn stands_alike(&self, m: &PbftMessage, ask: bool) -> bool {
        let told = self.env.key.is_none_or(|me| self.checkpoint_of(me).height <= self.low);
        self.is_settled() && self.top.height <= self.executed.height && told && *m == self.standing(ask)
    }

    /// Sends the own proposals and votes of the installed view above the peer's height again.
    fn repeat_votes(&self, to: NodeId, peer: Standing, cx: &mut Cx<'_, Self>) {
        let (Some(by), view) = (self.voter(), self.installed) else { return };
        let last = self.top.height.min(peer.height + 2 * self.config.pipeline);
        for height in peer.height.max(peer.low).max(self.low) + 1..=last {
            let Some(slot) = self.window.get(height).filter(|s| s.voted) else { continue };
            let Some(proposal) = slot.proposal.clone().filter(|p| p.view == view) else { continue };
            let block = proposal.header.block;
            if proposal.by != by {
                cx.send(to, Lane::Vote, self.gate(), Ballot { kind: PREPARE, by, height, view, block }.message());
            } else if height > peer.top && slot.held {
                cx.send(to, Lane::Block, self.gate(), PbftMessage::PrePrepare { proposal });
            }
            if slot.prepared_in(view) {
                cx.send(to, Lane::Vote, self.gate(), Ballot { kind: COMMIT, by, height, view, block }.message());
            }
        }
    }
}
