//! The header of a minted block.
//!
//! It carries the nonce of its epoch and the randomness that the epoch has gathered so far; receivers check
//! both against the parent, and a node that copied a ledger can go on from its tip.

use crate::longest_chain;
use crate::message::{Claim, PayloadRef, Statement};
use crate::types::{Digest, Height, ValidatorId};

use super::lottery;

/// The statement that a leader signs: at most one block in a slot. Major: slot; value: the block.
pub const MINTED: u8 = 1;

/// What a block's id covers.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Header {
    /// The block below.
    pub parent: Digest,
    /// One more than the parent's.
    pub height: Height,
    /// The slot that its issuer won, later than the parent's.
    pub slot: u64,
    /// Who minted it.
    pub issuer: ValidatorId,
    /// Output of the issuer's verifiable random function for the slot.
    pub output: Digest,
    /// Nonce of the slot's epoch.
    pub nonce: Digest,
    /// Outputs of the epoch's blocks so far, those of its last third excluded.
    pub seed: Digest,
    /// What it orders.
    pub payload: Vec<PayloadRef>,
}

crate::wire!(struct Header { parent, height, slot, issuer, output, nonce, seed, payload });

/// A minted block.
pub type Block = longest_chain::Block<Header>;

impl longest_chain::Header for Header {
    /// A header of Cardano's Babbage era, proofs included: 448 bytes of key-evolving signature, 80 of VRF proof and
    /// 64 of its output, an operational certificate of about 106, keys, hashes and numbers (its CDDL, rounded).
    const BYTES: u32 = 860;
    /// One block in a slot.
    const BINDS: bool = true;
    fn parent(&self) -> Digest {
        self.parent
    }
    fn height(&self) -> Height {
        self.height
    }
    fn total(&self) -> u128 {
        u128::from(self.height)
    }
    fn author(&self) -> ValidatorId {
        self.issuer
    }
    fn payloads(&self) -> &[PayloadRef] {
        &self.payload
    }
    fn claims(&self, id: Digest, visit: &mut dyn FnMut(Claim<'_>)) {
        visit(Claim::Vrf { by: self.issuer, input: lottery::input(self.nonce, self.slot), output: self.output });
        let what = Statement { kind: MINTED, major: self.slot, minor: 0, value: id };
        visit(Claim::Signed { by: self.issuer, what });
    }
}
