//! Messages and log records of PBFT, and what each of them claims.
//!
//! Votes travel inline in 32 bytes, so that an effect fits into a cache line; heights and views are therefore
//! 32 bits wide on the wire: a chain ends at height 2^32 - 1.

use std::sync::Arc;

use super::block::PrePrepare;
use super::view_message::{NewView, ViewChange};
use crate::message::{Certificate, Claim, Message, PayloadRef, SharedCertificate, Statement};
use crate::quorum::Signers;
use crate::types::{Digest, Height, ValidatorId, View};

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
    fn proposes(&self) -> Option<(Digest, Digest)> {
        match self {
            PbftMessage::PrePrepare { proposal } => Some((proposal.header.block, proposal.header.parent)),
            _ => None,
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
    #[inline]
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
