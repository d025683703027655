//! What a message declares about itself: claims, payloads, size and key.
//!
//! One declaration yields the wire size, the CPU bill, the real cryptography of the TCP host and the check that
//! nobody forged anything. The protocol itself never sees a signature byte, only who signed what.

use std::fmt::Debug;
use std::sync::Arc;

use crate::quorum::Signers;
use crate::types::{Digest, NodeId, ValidatorId};
use crate::wire::Wire;

/// What a key signs: the same shape for every protocol, so that checkers and evidence are generic.
///
/// Two statements of one validator with equal `kind`, `major` and `minor` but another `value` are an equivocation
/// where the protocol lists the kind as exclusive.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Statement {
    /// The protocol's own number for this kind of statement.
    pub kind: u8,
    /// Height, view, slot or round.
    pub major: u64,
    /// View, committee or author; 0 where there is none.
    pub minor: u64,
    /// The block or set that the statement is about.
    pub value: Digest,
}

crate::wire!(struct Statement { kind, major, minor, value });

/// A quorum's signatures under one statement, as the protocol sees them: the statement and who signed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Certificate {
    /// What was signed.
    pub what: Statement,
    /// By whom.
    pub signers: Signers,
}

crate::wire!(struct Certificate { what, signers });

impl Certificate {
    /// The same as a claim.
    pub fn claim(&self) -> Claim<'_> {
        Claim::Quorum { what: self.what, signers: &self.signers }
    }
}

/// Something that a message asserts and the host can check.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Claim<'a> {
    /// One validator signed a statement.
    Signed {
        /// The validator.
        by: ValidatorId,
        /// The statement.
        what: Statement,
    },
    /// Many validators signed the same statement.
    Quorum {
        /// The statement.
        what: Statement,
        /// The validators.
        signers: &'a Signers,
    },
    /// A verifiable random function's output with its proof.
    Vrf {
        /// Whose key.
        by: ValidatorId,
        /// The input.
        input: Digest,
        /// The output.
        output: Digest,
    },
    /// A share of the common coin of a wave.
    CoinShare {
        /// Whose share.
        by: ValidatorId,
        /// Which coin.
        wave: u64,
    },
}

/// A reference to transactions that the host holds; protocols order references, never bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct PayloadRef {
    /// Root over the transactions; unique for each payload that a host built, empty ones too.
    pub root: Digest,
    /// Bytes of the transactions.
    pub bytes: u32,
    /// Number of transactions.
    pub count: u32,
}

crate::wire!(struct PayloadRef { root, bytes, count });

/// A protocol's message: small inline, large variants behind an `Arc`.
pub trait Message: Wire + Clone + Debug + Send + Sync + 'static {
    /// A short name of this message's kind, for counts and traces; the same few names for every instance.
    fn kind(&self) -> &'static str;
    /// Shows every claim, in a fixed order.
    fn claims(&self, visit: &mut dyn FnMut(Claim<'_>));
    /// The claim of a message with one signature and nothing else to claim, as votes are: a short way for hosts, which
    /// [`Message::claims`] must agree with wherever it is there.
    fn signed(&self) -> Option<(ValidatorId, Statement)> {
        None
    }
    /// Shows every payload that travels with the message; mentioned ones are not shown.
    fn carries(&self, _visit: &mut dyn FnMut(PayloadRef)) {}
    /// The block that this message proposes and that block's parent, where it proposes one: its payloads are those
    /// that the message carries. The mempool skips what a parent's uncommitted ancestors carry.
    fn proposes(&self) -> Option<(Digest, Digest)> {
        None
    }
    /// Bytes without proofs and payloads; the host adds those.
    fn body_bytes(&self) -> u32 {
        self.encoded_len() as u32
    }
    /// What the message is known by in gossip and fetches; `None` where it is neither gossiped nor fetched.
    fn key(&self) -> Option<Digest> {
        None
    }
    /// A validly signed contradiction of this message, for adversaries; `None` where there is none.
    fn conflicting(&self, _salt: u64) -> Option<Self> {
        None
    }
}

/// Evidence that a validator signed two statements that exclude each other.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Evidence {
    /// The validator.
    pub who: ValidatorId,
    /// One statement.
    pub a: Statement,
    /// The other.
    pub b: Statement,
    /// Who delivered the second.
    pub from: NodeId,
}

/// Shared certificate; protocols keep and send them without copying.
pub type SharedCertificate = Arc<Certificate>;
