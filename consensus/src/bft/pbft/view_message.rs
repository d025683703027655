//! The messages of a view change: what a replica reports when it leaves a view, and what starts the next one.

use std::sync::Arc;

use super::block::{Header, PrePrepare};
use super::message::{NEW_VIEW, PRE_PREPARE, VIEW_CHANGE};
use crate::message::{Claim, SharedCertificate, Statement};
use crate::types::{Digest, Hashing, Tip, ValidatorId, View};
use crate::wire::Wire;

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
    /// Shows every claim, in a fixed order.
    pub fn claims(&self, visit: &mut dyn FnMut(Claim<'_>)) {
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
    /// Shows every claim, in a fixed order.
    pub fn claims(&self, visit: &mut dyn FnMut(Claim<'_>)) {
        let what = Statement { kind: NEW_VIEW, major: self.view, minor: 0, value: self.digest };
        visit(Claim::Signed { by: self.by, what });
        self.votes.iter().for_each(|v| v.claims(visit));
        for header in &self.chain {
            visit(Claim::Signed { by: self.by, what: self.pre_prepare(*header).statement() });
        }
    }
}
