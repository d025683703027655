//! What hosts write down for the tables that all share, and how it gets there: messages that leave, copies that are
//! done with, what is said of a node.

use std::ops::Range;
use std::vec::Drain;

use ledgerlab_consensus::{
    Claim, Digest, Height, Message, NodeId, PayloadRef, Protocol, SharedCertificate, Statement, Time, ValidatorId,
};

use crate::check::Violation;
use crate::engine::Simulation;
use crate::engine::messages::{Cargo, Envelope, Header};
use crate::engine::offchain::PROVIDER;
use crate::engine::send::Recipients;
use crate::kernel::queue::{Event, Origin, Queue};
use crate::network::others;
use crate::node::blocks::BlockId;

/// With a host, the author of tasks that follow from its posts: after what it writes down itself.
const POSTED: u32 = 1 << 31;

/// A message on its way to the table of messages.
pub struct Letter<P: Protocol> {
    pub from: u32,
    pub at: Time,
    pub envelope: Envelope,
    pub body: Option<P::Message>,
    pub kind: &'static str,
    /// Whether its sender's own claims are made by its leaving.
    pub own: bool,
}

/// Something to write into a table.
pub enum Post<P: Protocol> {
    /// The next letter's copies have left the card: when they arrive, in the outbox; whether each has a number of its
    /// own.
    Copies(Range<u32>, bool),
    /// The next letter is for a card that says later when its copies leave.
    Cards(Recipients),
    /// A block is proposed.
    Proposed(Box<Proposed>),
    /// A message leaves that only its header will tell of: its sender's own claims are made by that.
    Stated { from: u32, at: Time, message: P::Message },
    /// A node's view has changed.
    View { node: u32, at: Time, view: u64, by_failure: bool },
    /// A node has appended a block that was on a chain already.
    Adopted { node: u32, at: Time, block: BlockId },
    /// A node has declared its chain final, and written the certificate of a block in so many bytes.
    Finalized {
        node: u32,
        at: Time,
        height: Height,
        certificate: Option<SharedCertificate>,
        written: Option<(BlockId, u32)>,
    },
    /// A node counts a block deep enough.
    DeepEnough { node: u32, at: Time, height: Height },
    /// A block is final at a node: by the rule at `commit`, and executed there at `at`.
    Settled { node: u32, block: BlockId, commit: Time, at: Time },
    /// Clients of a node know that a block is final.
    Answered { node: u32, block: BlockId, at: Time },
    /// Something that must not be.
    Violation(Box<Violation>),
}

/// A block is proposed: it is known from now on, and its payloads have left their builder where that is said.
pub struct Proposed {
    pub from: u32,
    pub at: Time,
    /// With its parent, if it is new.
    pub block: Option<(Digest, Digest)>,
    pub carried: Vec<PayloadRef>,
    pub left: bool,
}

/// What posts refer to.
pub struct Parcels<P: Protocol> {
    /// Messages, in order; each is taken out by its post. So many have been.
    letters: Vec<Letter<P>>,
    taken: usize,
    /// Receivers and arrivals of copies; [`Time::NEVER`] where one is lost on its way.
    pub arrivals: Vec<(NodeId, Time)>,
}

impl<P: Protocol> Default for Parcels<P> {
    fn default() -> Self {
        Parcels { letters: vec![], taken: 0, arrivals: vec![] }
    }
}

impl<P: Protocol> Parcels<P> {
    /// The next message, to take out, with the arrivals of copies.
    fn next(&mut self) -> (&mut Letter<P>, &[(NodeId, Time)]) {
        self.taken += 1;
        (&mut self.letters[self.taken - 1], &self.arrivals)
    }
}

/// What has been written down, in order.
pub struct Outbox<P: Protocol> {
    pub posts: Vec<Post<P>>,
    pub copies: Parcels<P>,
    /// Messages of which a copy has been delivered.
    pub released: Vec<u32>,
    /// Messages of which a copy does not come to its receiver.
    pub lost: Vec<u32>,
    /// Wakes of hosts.
    pub wakes: Vec<Event>,
    /// Whether something of it may be needed by the host that acts.
    pub urgent: bool,
}

impl<P: Protocol> Default for Outbox<P> {
    fn default() -> Self {
        Outbox {
            posts: vec![],
            copies: Parcels::default(),
            released: vec![],
            lost: vec![],
            wakes: vec![],
            urgent: false,
        }
    }
}

impl<P: Protocol> Outbox<P> {
    /// A message whose copies, the outbox's from `first` on, have left the card.
    #[inline(always)]
    pub fn post_copies(&mut self, letter: Letter<P>, first: u32, numbered: bool) {
        self.copies.letters.push(letter);
        self.posts.push(Post::Copies(first..self.copies.arrivals.len() as u32, numbered));
    }
    /// A message for a card.
    pub fn post_to_card(&mut self, letter: Letter<P>, to: Recipients) {
        self.copies.letters.push(letter);
        self.posts.push(Post::Cards(to));
        self.urgent = true;
    }
}

impl<P: Protocol, Q: Queue> Simulation<'_, P, Q> {
    /// Carries out what has been written down on the own desk.
    pub(super) fn flush(&mut self) {
        let out = &self.desk.out;
        if out.posts.is_empty() && out.released.is_empty() && out.lost.is_empty() && out.wakes.is_empty() {
            return;
        }
        let mut out = std::mem::take(&mut self.desk.out);
        out.urgent = false;
        self.carry_out_all(&mut out);
        self.desk.out = out;
    }

    /// Carries out what has been written down.
    pub(super) fn carry_out_all(&mut self, out: &mut Outbox<P>) {
        let Outbox { posts, copies, .. } = out;
        self.carry_out(&mut posts.drain(..), usize::MAX, copies);
        self.clear_out(out);
    }

    /// What is not in order: copies that are done with, and wakes.
    pub(super) fn clear_out(&mut self, out: &mut Outbox<P>) {
        let Outbox { released, lost, wakes, copies: Parcels { letters, taken, arrivals }, .. } = out;
        released.iter().for_each(|handle| self.messages.release(*handle));
        released.clear();
        lost.iter().for_each(|handle| self.lose_copy(*handle));
        lost.clear();
        wakes.iter().for_each(|e| self.queue.push(*e));
        wakes.clear();
        assert_eq!(letters.len(), std::mem::take(taken), "every letter has its post");
        letters.clear();
        arrivals.clear();
    }

    /// Writes so many posts to where they belong.
    pub(super) fn carry_out(&mut self, posts: &mut Drain<'_, Post<P>>, count: usize, parcels: &mut Parcels<P>) {
        for post in posts.take(count) {
            match post {
                Post::Copies(range, numbered) => {
                    let (letter, arrivals) = parcels.next();
                    self.send_off(letter, &arrivals[range.start as usize..range.end as usize], numbered);
                }
                Post::Cards(to) => {
                    let (letter, _) = parcels.next();
                    self.in_the_name_of(letter.from, |s| s.hand_out(letter, &to));
                }
                Post::Proposed(p) => self.note_proposed(&p),
                Post::Stated { from, at, message } => self.state_claims(from, at, &message),
                Post::View { node, at, view, by_failure } => {
                    self.probe.on_view(at, NodeId(node), view);
                    self.meter.view_changed(at, view, by_failure);
                }
                Post::Adopted { node, at, block } => self.note_adopted(node, at, block),
                Post::Finalized { node, at, height, certificate, written } => {
                    self.note_finalized(node, at, height, certificate.as_ref(), written);
                }
                Post::DeepEnough { node, at, height } => self.meter.deep_enough(at, NodeId(node), height),
                Post::Settled { node, block, commit, at } => self.meter.settled_at(NodeId(node), block, commit, at),
                Post::Answered { node, block, at } => {
                    self.in_the_name_of(node, |s| s.answer_clients(node, block, at));
                }
                Post::Violation(v) => self.meter.violation(*v),
            }
        }
    }

    fn note_proposed(&mut self, p: &Proposed) {
        if let Some((block, parent)) = p.block {
            self.blocks.intern(block, parent, &p.carried);
        }
        if p.left {
            p.carried.iter().for_each(|payload| self.stamp_proposal(p.from, p.at, payload));
        }
    }

    /// Does something that a host has posted: when that happens, between what else the host writes down, is not the
    /// host's choice, so the tasks that follow from it have an author of their own.
    fn in_the_name_of(&mut self, node: u32, act: impl FnOnce(&mut Self)) {
        let author = POSTED | (self.nodes[node as usize].host + 1);
        let author = std::mem::replace(&mut self.author, author);
        act(self);
        self.author = author;
    }

    /// A payload's first message has left.
    fn stamp_proposal(&mut self, n: u32, at: Time, p: &PayloadRef) {
        let Some(id) = self.blocks.payload_of(p.root) else { return };
        let payload = self.blocks.payload_mut(id);
        if payload.proposed.is_none() {
            payload.proposed = Some(at);
            self.probe.on_proposal(at, NodeId(n), p.root);
        }
    }

    /// A message's own claims are made by its leaving; a served object repeats old ones.
    fn state_claims(&mut self, from: u32, at: Time, message: &P::Message) {
        let (n, key) = (NodeId(from), self.nodes[from as usize].env.key);
        let mut state = |by: ValidatorId, what: Statement| {
            if Some(by) == key {
                self.meter.stated(at, n, by, &what);
                self.probe.on_statement(at, n, &what);
            }
        };
        if let Some((by, what)) = message.signed() {
            return state(by, what);
        }
        message.claims(&mut |claim| {
            if let Claim::Signed { by, what } = claim {
                state(by, what);
            }
        });
    }

    fn state_claims_of(&mut self, letter: &Letter<P>) {
        if let (Some(message), true) = (&letter.body, letter.own) {
            self.state_claims(letter.from, letter.at, message);
        }
    }

    /// Copies that have left their card go on their way.
    fn send_off(&mut self, letter: &mut Letter<P>, copies: &[(NodeId, Time)], numbered: bool) {
        self.state_claims_of(letter);
        if copies.is_empty() {
            return;
        }
        let Letter { from, at, kind, .. } = *letter;
        let Header { bytes, origin, .. } = letter.envelope.header;
        self.messages.count(kind, bytes, copies.len() as u32);
        letter.envelope.left = copies.len() as u32;
        let handle = self.store(letter);
        self.probe.on_sends(at, NodeId(from), copies, kind, bytes);
        let before = self.queue.len();
        let comes = |copy: &&(NodeId, Time)| copy.1 < Time::NEVER;
        if numbered {
            let numbers = copies.iter().zip(origin.sequence()..).filter(|(copy, _)| comes(copy));
            for (&(to, at), sequence) in numbers {
                self.queue.push(Event { at, origin: Origin::new(from, sequence), target: to.0, what: handle });
            }
        } else {
            self.queue.push_copies((origin, handle), copies.iter().filter(comes).map(|&(to, at)| (to.0, at)));
        }
        let lost = copies.len() - (self.queue.len() - before);
        (0..lost).for_each(|_| self.lose_copy(handle));
    }

    /// Moves a letter's message to the table.
    #[inline(always)]
    fn store(&mut self, letter: &mut Letter<P>) -> u32 {
        let Envelope { header, cargo, left } = &mut letter.envelope;
        let cargo = std::mem::replace(cargo, Cargo::Protocol);
        self.messages.insert(Envelope { header: *header, cargo, left: *left }, letter.body.take())
    }

    /// Copies go to the card of their sender's host, one by one.
    fn hand_out(&mut self, letter: &mut Letter<P>, to: &Recipients) {
        self.state_claims_of(letter);
        let Letter { from: n, at, kind, .. } = *letter;
        // The sender's own reference keeps the message while copies are made.
        let handle = self.store(letter);
        match to {
            Recipients::One(peer) => self.send_copy(n, at, *peer, handle, kind),
            Recipients::Set(list) => list.iter().for_each(|peer| self.send_copy(n, at, *peer, handle, kind)),
            Recipients::All => {
                let nodes = self.nodes.len() as u32;
                others(NodeId(n), nodes).for_each(|peer| self.send_copy(n, at, peer, handle, kind));
            }
            Recipients::Overlay => unreachable!("gossip is announced"),
        }
        self.messages.release(handle);
    }

    fn send_copy(&mut self, n: u32, at: Time, to: NodeId, handle: u32, kind: &'static str) {
        if to.0 == n || (to != PROVIDER && to.0 as usize >= self.nodes.len()) {
            return;
        }
        let bytes = self.messages.header(handle).bytes;
        self.messages.count(kind, bytes, 1);
        self.probe.on_send(at, NodeId(n), to, kind, bytes);
        self.messages.retain(handle);
        let host = self.nodes[n as usize].host as usize;
        if to != PROVIDER && self.nodes[to.0 as usize].host as usize == host {
            return self.travel(NodeId(n), to, (at, at), handle);
        }
        self.hand_over(n, at, to, handle);
    }

    /// A copy does not come to its receiver. Without the request nothing of an object will be sent.
    pub(super) fn lose_copy(&mut self, handle: u32) {
        if let Cargo::ReadRequest { flow } = *self.messages.cargo(handle) {
            self.flows.cut(flow);
        }
        self.messages.release(handle);
    }
}
