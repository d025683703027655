//! The header of a mined block.
//!
//! Beyond Bitcoin's fields a header carries its height, the work of its chain and the start of its retarget window,
//! which a Bitcoin node computes from the whole header chain; receivers check them against the parent.

use crate::longest_chain;
use crate::message::{Claim, PayloadRef};
use crate::types::{Digest, Height, Time, ValidatorId};

/// What a block's id covers.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Header {
    /// The block below.
    pub parent: Digest,
    /// One more than the parent's.
    pub height: Height,
    /// Who found it.
    pub miner: ValidatorId,
    /// The miner's wall clock, not before the median of the last eleven blocks.
    pub time: Time,
    /// Expected work of this block, in stake x nanoseconds.
    pub difficulty: u64,
    /// Expected work of the chain up to this block.
    pub work: u128,
    /// From when the next retarget measures.
    pub window: Time,
    /// What it orders.
    pub payload: Vec<PayloadRef>,
}

crate::wire!(struct Header { parent, height, miner, time, difficulty, work, window, payload });

/// A mined block.
pub type Block = longest_chain::Block<Header>;

impl longest_chain::Header for Header {
    /// Bitcoin's header.
    const BYTES: u32 = 80;
    const BINDS: bool = false;
    fn parent(&self) -> Digest {
        self.parent
    }
    fn height(&self) -> Height {
        self.height
    }
    fn total(&self) -> u128 {
        self.work
    }
    fn author(&self) -> ValidatorId {
        self.miner
    }
    fn payloads(&self) -> &[PayloadRef] {
        &self.payload
    }
    /// None: a block proves itself by its work, which the host's race stands for.
    fn claims(&self, _: Digest, _: &mut dyn FnMut(Claim<'_>)) {}
}
