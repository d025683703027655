//! What HotStuff replicas send and log: blocks, votes, new-views.

use std::sync::{Arc, OnceLock};

use crate::message::{Certificate, Claim, Message, PayloadRef, SharedCertificate, Statement};
use crate::quorum::Signers;
use crate::types::{Digest, Hashing, Height, ValidatorId, View};
use crate::wire::{Wire, WireError};

/// Statement: a leader's only block in a view.
pub const PROPOSE: u8 = 0;
/// Statement: a validator's only vote in a view.
pub const VOTE: u8 = 1;
/// Statement: a validator gives up all views before this one.
pub const NEW_VIEW: u8 = 2;

/// The vote for a block.
pub fn vote(view: View, block: Digest) -> Statement {
    Statement { kind: VOTE, major: view, minor: 0, value: block }
}

/// The wish to enter a view.
pub fn new_view(view: View) -> Statement {
    Statement { kind: NEW_VIEW, major: view, minor: 0, value: Digest::GENESIS }
}

/// The certificate of genesis: view 0, by definition.
pub fn genesis() -> SharedCertificate {
    Arc::new(Certificate { what: vote(0, Digest::GENESIS), signers: Signers::default() })
}

/// What was found when a block was looked at by itself, once for all that share the block: everything that this
/// depends on is the same for all replicas of a process. It is no part of the block: it neither travels nor is it
/// copied.
#[derive(Debug, Default)]
struct Verdict(OnceLock<Result<(), &'static str>>);

impl Clone for Verdict {
    fn clone(&self) -> Self {
        Verdict::default()
    }
}

impl PartialEq for Verdict {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Verdict {}

impl Wire for Verdict {
    fn encode(&self, _: &mut Vec<u8>) {}
    fn decode(_: &mut &[u8]) -> Result<Self, WireError> {
        Ok(Verdict::default())
    }
    fn encoded_len(&self) -> usize {
        0
    }
}

/// A node of the tree. Its parent is the block that its justification certifies.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Block {
    /// Hash of all the rest.
    pub id: Digest,
    /// One more than its parent's.
    pub height: Height,
    /// The view in which it was proposed.
    pub view: View,
    /// The leader of that view.
    pub author: ValidatorId,
    /// What it orders.
    pub payload: Vec<PayloadRef>,
    /// The highest certificate that the leader knew, for the parent.
    pub justify: SharedCertificate,
    verdict: Verdict,
}

crate::wire!(struct Block { id, height, view, author, payload, justify, verdict });

impl Block {
    /// A block with its id.
    pub fn new(
        hashing: Hashing,
        (height, view): (Height, View),
        author: ValidatorId,
        payload: &[PayloadRef],
        justify: SharedCertificate,
    ) -> Block {
        let mut b = Block {
            id: Digest::GENESIS,
            height,
            view,
            author,
            payload: payload.to_vec(),
            justify,
            verdict: Verdict::default(),
        };
        b.id = b.hash(hashing);
        b
    }
    /// What its id must be.
    pub fn hash(&self, hashing: Hashing) -> Digest {
        let mut bytes = Vec::with_capacity(self.encoded_len());
        self.encode(&mut bytes);
        hashing.digest(&bytes[self.id.encoded_len()..])
    }
    /// What an examination of the block finds, made at most once for all that share the block, which must not be
    /// changed afterwards.
    #[inline]
    pub fn verdict(&self, examine: impl FnOnce(&Block) -> Result<(), &'static str>) -> Result<(), &'static str> {
        *self.verdict.0.get_or_init(|| examine(self))
    }
    /// The block below.
    pub fn parent(&self) -> Digest {
        self.justify.what.value
    }
    /// Whether it extends a block of the view just before.
    pub fn follows(&self) -> bool {
        self.view == self.justify.what.major + 1
    }
    /// Whether the chain must go on until it is final: it orders something, or it is the first after a timeout and
    /// settles which branch is the chain.
    pub fn wants_commit(&self) -> bool {
        !self.follows() || self.payload.iter().any(|p| p.count > 0)
    }
    /// Bytes of the header on disk: without the set of signers, which belongs to the proof.
    pub fn header_bytes(&self) -> u32 {
        (self.encoded_len() - self.justify.signers.encoded_len()) as u32
    }
    /// The author's claim.
    pub fn statement(&self) -> Statement {
        Statement { kind: PROPOSE, major: self.view, minor: 0, value: self.id }
    }
}

/// A block on its way from its leader, or from anybody to a replica that misses it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Proposal {
    /// The block.
    pub block: Arc<Block>,
    /// A quorum's new-views for the block's view, where no certificate of the view before leads into it.
    pub entry: Option<SharedCertificate>,
}

crate::wire!(struct Proposal { block, entry });

/// What a replica tells when it has waited too long.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewView {
    /// The view it wants to enter.
    pub view: View,
    /// Who.
    pub by: ValidatorId,
    /// The highest certificate it knows.
    pub high: SharedCertificate,
    /// How it got into its present view, where not by a certificate of the view before.
    pub entry: Option<SharedCertificate>,
}

crate::wire!(struct NewView { view, by, high, entry });

/// A message of HotStuff.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum HotStuffMessage {
    /// A block.
    Propose {
        /// The block.
        proposal: Arc<Proposal>,
    },
    /// A vote, to the leader of the next view.
    Vote {
        /// View of the block.
        view: View,
        /// The block.
        block: Digest,
        /// The voter.
        by: ValidatorId,
    },
    /// A wish for another view.
    NewView {
        /// The wish.
        wish: Arc<NewView>,
    },
}

crate::wire!(enum HotStuffMessage { 0 => Propose(proposal), 1 => Vote(view, block, by), 2 => NewView(wish) });

fn show(c: &SharedCertificate, visit: &mut dyn FnMut(Claim<'_>)) {
    if c.what.major > 0 {
        visit(c.claim());
    }
}

impl Message for HotStuffMessage {
    #[inline]
    fn kind(&self) -> &'static str {
        match self {
            HotStuffMessage::Propose { .. } => "propose",
            HotStuffMessage::Vote { .. } => "vote",
            HotStuffMessage::NewView { .. } => "new-view",
        }
    }
    #[inline]
    fn claims(&self, visit: &mut dyn FnMut(Claim<'_>)) {
        match self {
            HotStuffMessage::Propose { proposal } => {
                visit(Claim::Signed { by: proposal.block.author, what: proposal.block.statement() });
                show(&proposal.block.justify, visit);
                proposal.entry.iter().for_each(|c| show(c, visit));
            }
            HotStuffMessage::Vote { view, block, by } => visit(Claim::Signed { by: *by, what: vote(*view, *block) }),
            HotStuffMessage::NewView { wish } => {
                visit(Claim::Signed { by: wish.by, what: new_view(wish.view) });
                show(&wish.high, visit);
                wish.entry.iter().for_each(|c| show(c, visit));
            }
        }
    }
    #[inline]
    fn signed(&self) -> Option<(ValidatorId, Statement)> {
        match self {
            HotStuffMessage::Vote { view, block, by } => Some((*by, vote(*view, *block))),
            _ => None,
        }
    }
    #[inline]
    fn carries(&self, visit: &mut dyn FnMut(PayloadRef)) {
        if let HotStuffMessage::Propose { proposal } = self {
            proposal.block.payload.iter().for_each(|p| visit(*p));
        }
    }
    #[inline]
    fn proposes(&self) -> Option<(Digest, Digest)> {
        match self {
            HotStuffMessage::Propose { proposal } => Some((proposal.block.id, proposal.block.justify.what.value)),
            _ => None,
        }
    }
    #[inline]
    fn key(&self) -> Option<Digest> {
        match self {
            HotStuffMessage::Propose { proposal } => Some(proposal.block.id),
            _ => None,
        }
    }
    fn conflicting(&self, salt: u64) -> Option<Self> {
        match self {
            HotStuffMessage::Vote { view, block, by } => {
                let block = Hashing::Mix.digest(&[salt.to_le_bytes(), block.fold().to_le_bytes()].concat());
                Some(HotStuffMessage::Vote { view: *view, block, by: *by })
            }
            _ => None,
        }
    }
}

/// What must survive a crash before a vote or proposal leaves: the block itself, since a certificate of a block that
/// nobody has any more would end the chain, the lock, and how the replica got into the view.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    /// The block voted for; the own one is a proposal too.
    pub block: Arc<Block>,
    /// The lock after it.
    pub locked: SharedCertificate,
    /// A quorum's new-views for the block's view, where these led into it.
    pub entry: Option<SharedCertificate>,
}

crate::wire!(struct Record { block, locked, entry });

impl Record {
    /// Length of the encoding of one with these contents.
    #[inline]
    pub fn length(block: &Block, locked: &Certificate, entry: Option<&SharedCertificate>) -> usize {
        block.encoded_len() + locked.encoded_len() + 1 + entry.map_or(0, Wire::encoded_len)
    }
}
