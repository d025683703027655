//! Messages and log records of PBFT, and what each of them claims.
//!
//! Votes travel inline in 32 bytes, so that an effect fits into a cache line; heights and views are therefore
//! 32 bits wide on the wire: a chain ends at height 2^32 - 1.

use std::sync::Arc;

use crate::message::{Certificate, Claim, Message, PayloadRef, SharedCertificate, Statement};
use crate::quorum::Signers;
use crate::types::{Digest, Hashing, Height, Tip, ValidatorId, View};
use crate::wire::Wire;

/// Statement of a leader: this block at (height, view). It stands for the leader's prepare.
pub const PRE_PREPARE: u8 = 1;
/// Statement of a backup: it accepted this block at (height, view).
pub const PREPARE: u8 = 2;
/// Statement of a replica: it holds a prepared certificate of this block at (height, view).
pub const COMMIT: u8 = 3;
/// Statement of a replica: its chain has this block at the height.
pub const CHECKPOINT: u8 = 4;
/// Statement of a replica: it left all views below this one; the value is the digest of its view-change message.
pub const VIEW_CHANGE: u8 = 5;
/// Statement of a leader: the view starts from here; the value is the digest of its new-view message.
pub const NEW_VIEW: u8 = 6;

/// Bytes of a block's header on disk: height, parent, payload reference, block digest.
pub const HEADER_BYTES: u32 = 8 + 16 + 24 + 16;

/// A block without its payload. The digest covers height, parent and payload, but no view: a block that a later
/// view proposes again stays the same block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// Its height.
    pub height: Height,
    /// The block below it.
    pub parent: Digest,
    /// Its digest.
    pub block: Digest,
    /// Its transactions.
    pub payload: PayloadRef,
}

crate::wire!(struct Header { height, parent, block, payload });

impl Header {
    /// The block of a payload on top of a parent.
    pub fn new(hashing: Hashing, height: Height, parent: Digest, payload: PayloadRef) -> Header {
        let mut bytes = [0; 48];
        bytes[..8].copy_from_slice(&height.to_le_bytes());
        bytes[8..16].copy_from_slice(&parent.0[0].to_le_bytes());
        bytes[16..24].copy_from_slice(&parent.0[1].to_le_bytes());
        bytes[24..32].copy_from_slice(&payload.root.0[0].to_le_bytes());
        bytes[32..40].copy_from_slice(&payload.root.0[1].to_le_bytes());
        bytes[40..44].copy_from_slice(&payload.bytes.to_le_bytes());
        bytes[44..].copy_from_slice(&payload.count.to_le_bytes());
        Header { height, parent, block: hashing.digest(&bytes), payload }
    }
    /// Whether the digest is that of the rest.
    pub fn is_sound(&self, hashing: Hashing) -> bool {
        *self == Header::new(hashing, self.height, self.parent, self.payload)
    }
    /// The chain's end that the block would be.
    pub fn tip(&self) -> Tip {
        Tip { height: self.height, block: self.block }
    }
}

/// A leader's proposal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PrePrepare {
    /// The leader.
    pub by: ValidatorId,
    /// The view it leads.
    pub view: View,
    /// The block.
    pub header: Header,
}

crate::wire!(struct PrePrepare { by, view, header });

impl PrePrepare {
    /// What the leader signs.
    pub fn statement(&self) -> Statement {
        Statement { kind: PRE_PREPARE, major: self.header.height, minor: self.view, value: self.header.block }
    }
}

/// A block of a view-change message, with the newest prepared certificate that the sender holds for it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Link {
    /// The block.
    pub header: Header,
    /// Who led the certificate's view and signed its pre-prepare.
    pub leader: ValidatorId,
    /// The prepares of that view's backups.
    pub prepared: Option<SharedCertificate>,
}

crate::wire!(struct Link { header, leader, prepared });

/// "I leave all views below this one, and this is what may have been committed in them."
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ViewChange {
    /// Its author.
    pub by: ValidatorId,
    /// The view to start.
    pub view: View,
    /// The highest block that the author can prove to be final.
    pub base: Tip,
    /// The proof: commits, or checkpoints, of a quorum; none for genesis.
    pub proof: Option<SharedCertificate>,
    /// The blocks above the base up to the highest prepared one, each on top of the one before it.
    pub chain: Vec<Link>,
    /// Digest of all of the above.
    pub digest: Digest,
}

crate::wire!(struct ViewChange { by, view, base, proof, chain, digest });

impl ViewChange {
    /// Digest of everything but the digest.
    pub fn content(&self, hashing: Hashing) -> Digest {
        let mut bytes = Vec::with_capacity(self.encoded_len());
        self.by.encode(&mut bytes);
        self.view.encode(&mut bytes);
        self.base.encode(&mut bytes);
        self.proof.encode(&mut bytes);
        self.chain.encode(&mut bytes);
        hashing.digest(&bytes)
    }
    fn claims(&self, visit: &mut dyn FnMut(Claim<'_>)) {
        let what = Statement { kind: VIEW_CHANGE, major: self.view, minor: 0, value: self.digest };
        visit(Claim::Signed { by: self.by, what });
        if let Some(proof) = &self.proof {
            visit(proof.claim());
        }
        for link in &self.chain {
            if let Some(prepared) = &link.prepared {
                let what = Statement { kind: PRE_PREPARE, ..prepared.what };
                visit(Claim::Signed { by: link.leader, what });
                visit(prepared.claim());
            }
        }
    }
}

/// The start of a view: the view changes of a quorum, and the blocks that follow from them, proposed again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewView {
    /// The view's leader.
    pub by: ValidatorId,
    /// The view.
    pub view: View,
    /// The paper's V.
    pub votes: Vec<Arc<ViewChange>>,
    /// The paper's O.
    pub chain: Vec<Header>,
    /// Digest of all of the above.
    pub digest: Digest,
}

crate::wire!(struct NewView { by, view, votes, chain, digest });

impl NewView {
    /// Digest of everything but the digest.
    pub fn content(&self, hashing: Hashing) -> Digest {
        let mut bytes = vec![];
        self.by.encode(&mut bytes);
        self.view.encode(&mut bytes);
        self.votes.iter().for_each(|v| v.digest.encode(&mut bytes));
        self.chain.iter().for_each(|h| h.block.encode(&mut bytes));
        hashing.digest(&bytes)
    }
    /// The leader's proposal of one of the blocks.
    pub fn pre_prepare(&self, header: Header) -> PrePrepare {
        PrePrepare { by: self.by, view: self.view, header }
    }
    fn claims(&self, visit: &mut dyn FnMut(Claim<'_>)) {
        let what = Statement { kind: NEW_VIEW, major: self.view, minor: 0, value: self.digest };
        visit(Claim::Signed { by: self.by, what });
        self.votes.iter().for_each(|v| v.claims(visit));
        for header in &self.chain {
            visit(Claim::Signed { by: self.by, what: self.pre_prepare(*header).statement() });
        }
    }
}

/// A prepare or a commit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ballot {
    /// [`PREPARE`] or [`COMMIT`].
    pub kind: u8,
    /// The voter.
    pub by: ValidatorId,
    /// The block's height.
    pub height: Height,
    /// The view.
    pub view: View,
    /// The block.
    pub block: Digest,
}

impl Ballot {
    /// What the voter signs.
    pub fn statement(&self) -> Statement {
        Statement { kind: self.kind, major: self.height, minor: self.view, value: self.block }
    }
    /// The message that carries it.
    pub fn message(&self) -> PbftMessage {
        let (by, height, view, block) = (self.by, short(self.height), short(self.view), self.block);
        match self.kind {
            PREPARE => PbftMessage::Prepare { by, height, view, block },
            _ => PbftMessage::Commit { by, height, view, block },
        }
    }
}

/// A height or view in 32 bits; what does not fit becomes the largest, which no replica ever reaches.
pub fn short(x: u64) -> u32 {
    u32::try_from(x).unwrap_or(u32::MAX)
}

/// What PBFT's replicas send each other.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PbftMessage {
    /// A proposal with its payload.
    PrePrepare {
        /// The proposal.
        proposal: Arc<PrePrepare>,
    },
    /// A backup accepts a proposal.
    Prepare {
        /// The backup.
        by: ValidatorId,
        /// The block's height.
        height: u32,
        /// The view.
        view: u32,
        /// The block.
        block: Digest,
    },
    /// A replica holds a prepared certificate.
    Commit {
        /// The replica.
        by: ValidatorId,
        /// The block's height.
        height: u32,
        /// The view.
        view: u32,
        /// The block.
        block: Digest,
    },
    /// A replica has executed up to a multiple of the checkpoint interval.
    Checkpoint {
        /// The replica.
        by: ValidatorId,
        /// The height.
        height: u32,
        /// Its block there.
        block: Digest,
    },
    /// A replica leaves its view.
    ViewChange {
        /// Its vote for another.
        vote: Arc<ViewChange>,
    },
    /// A leader starts its view.
    NewView {
        /// The start.
        start: Arc<NewView>,
    },
    /// Where a replica stands; its peers send what it lacks.
    Status {
        /// The view it is in, or wants to start.
        view: u32,
        /// The newest view whose new-view message it has.
        installed: u32,
        /// Height up to which it has executed.
        height: u32,
        /// Height that it can prove to be final.
        proven: u32,
        /// Height of its highest accepted proposal.
        top: u32,
        /// Its low water mark.
        low: u32,
        /// Whether it wants the same in return.
        ask: bool,
    },
    /// Proof that a block is final.
    Decided {
        /// The proof: commits, or checkpoints, of a quorum.
        certificate: SharedCertificate,
    },
}

crate::wire!(enum PbftMessage {
    0 => PrePrepare(proposal),
    1 => Prepare(by, height, view, block),
    2 => Commit(by, height, view, block),
    3 => Checkpoint(by, height, block),
    4 => ViewChange(vote),
    5 => NewView(start),
    6 => Status(view, installed, height, proven, top, low, ask),
    7 => Decided(certificate),
});

/// What a replica must remember through a crash.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PbftRecord {
    /// It left all views below this one.
    Left {
        /// The view.
        view: View,
    },
    /// It has the new-view message of this view.
    Installed {
        /// The view.
        view: View,
    },
    /// It proposed, or accepted, this in the proposal's view.
    Accepted {
        /// The proposal.
        proposal: Arc<PrePrepare>,
    },
    /// A prepared certificate: the backups' prepares.
    Prepared {
        /// The certificate.
        certificate: SharedCertificate,
    },
    /// Proof that a block is final.
    Decided {
        /// The proof.
        certificate: SharedCertificate,
    },
}

crate::wire!(enum PbftRecord {
    0 => Left(view),
    1 => Installed(view),
    2 => Accepted(proposal),
    3 => Prepared(certificate),
    4 => Decided(certificate),
});

impl Message for PbftMessage {
    fn kind(&self) -> &'static str {
        match self {
            PbftMessage::PrePrepare { .. } => "pre-prepare",
            PbftMessage::Prepare { .. } => "prepare",
            PbftMessage::Commit { .. } => "commit",
            PbftMessage::Checkpoint { .. } => "checkpoint",
            PbftMessage::ViewChange { .. } => "view-change",
            PbftMessage::NewView { .. } => "new-view",
            PbftMessage::Status { .. } => "status",
            PbftMessage::Decided { .. } => "decided",
        }
    }
    fn claims(&self, visit: &mut dyn FnMut(Claim<'_>)) {
        match self {
            PbftMessage::PrePrepare { proposal } => {
                visit(Claim::Signed { by: proposal.by, what: proposal.statement() });
            }
            PbftMessage::Prepare { .. } | PbftMessage::Commit { .. } => {
                if let Some(b) = self.ballot() {
                    visit(Claim::Signed { by: b.by, what: b.statement() });
                }
            }
            PbftMessage::Checkpoint { by, height, block } => {
                let what = Statement { kind: CHECKPOINT, major: u64::from(*height), minor: 0, value: *block };
                visit(Claim::Signed { by: *by, what });
            }
            PbftMessage::ViewChange { vote } => vote.claims(visit),
            PbftMessage::NewView { start } => start.claims(visit),
            PbftMessage::Status { .. } => {}
            PbftMessage::Decided { certificate } => visit(certificate.claim()),
        }
    }
    fn carries(&self, visit: &mut dyn FnMut(PayloadRef)) {
        if let PbftMessage::PrePrepare { proposal } = self {
            visit(proposal.header.payload);
        }
    }
    fn key(&self) -> Option<Digest> {
        match self {
            PbftMessage::PrePrepare { proposal } => Some(proposal.header.block),
            _ => None,
        }
    }
    fn conflicting(&self, salt: u64) -> Option<Self> {
        let mut b = self.ballot()?;
        b.block.0[0] ^= salt | 1;
        Some(b.message())
    }
}

impl PbftMessage {
    /// The vote that it carries, if it is a prepare or a commit.
    pub fn ballot(&self) -> Option<Ballot> {
        let of = |kind, by, height: u32, view: u32, block| Ballot {
            kind,
            by,
            height: u64::from(height),
            view: u64::from(view),
            block,
        };
        match *self {
            PbftMessage::Prepare { by, height, view, block } => Some(of(PREPARE, by, height, view, block)),
            PbftMessage::Commit { by, height, view, block } => Some(of(COMMIT, by, height, view, block)),
            _ => None,
        }
    }
}

/// A certificate of a vote's statement.
pub fn certificate(what: Statement, signers: Signers) -> SharedCertificate {
    Arc::new(Certificate { what, signers })
}
