//! What a protocol says of itself: bounds, quorums, finality and the closed forms that tests assert.

use crate::types::Stake;

/// The family a protocol is listed under.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Family {
    /// Proof of work.
    Pow,
    /// Proof of stake with probabilistic finality.
    Pos,
    /// Byzantine fault tolerant with votes.
    Bft,
    /// Byzantine fault tolerant on a directed acyclic graph.
    Dag,
    /// Crash fault tolerant.
    Cft,
    /// No consensus: a control group.
    None,
}

impl Family {
    /// The field's word for it.
    pub fn name(self) -> &'static str {
        match self {
            Family::Pow => "PoW",
            Family::Pos => "PoS",
            Family::Bft => "BFT",
            Family::Dag => "DAG",
            Family::Cft => "CFT",
            Family::None => "none",
        }
    }
}

/// Largest weight of faulty validators under which safety and liveness are promised.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FaultBound {
    /// Less than a third.
    Third,
    /// Less than half.
    Half,
    /// The first validator is a server that must not fail; what becomes of the others decides nothing.
    Server,
}

impl FaultBound {
    /// The largest tolerated weight out of `total`, the weight that counts ([`crate::Validators::counted`]): f in
    /// n = 3f + 1, and in n = 2f + 1.
    ///
    /// ```
    /// use ledgerlab_consensus::{FaultBound, Stake};
    /// assert_eq!(FaultBound::Third.tolerated(Stake(20)), Stake(6));
    /// assert_eq!(FaultBound::Half.tolerated(Stake(20)), Stake(9));
    /// ```
    pub fn tolerated(self, total: Stake) -> Stake {
        let t = total.0;
        Stake(match self {
            FaultBound::Third => t.saturating_sub(1) / 3,
            FaultBound::Half => t.saturating_sub(1) / 2,
            FaultBound::Server => 0,
        })
    }
}

/// When a block can no longer be reverted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Finality {
    /// The protocol says so, once and for all.
    Deterministic,
    /// After so many further blocks, with a small probability of reversal; the depth is the default, a knob `k`
    /// overrides it.
    Probabilistic {
        /// Blocks on top.
        depth: u64,
    },
}

/// Whose word a client needs before it takes its transaction for final.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reply {
    /// Its own organisation's node.
    OwnNode,
    /// Nodes of more than the tolerated faulty weight (PBFT: f + 1 equal replies).
    Matching,
}

/// How the transactions reach the proposer where the scenario does not say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rotation {
    /// A known leader: pools push to it.
    KnownLeader,
    /// Anybody may propose: pools gossip.
    Anybody,
}

/// Facts about a protocol; part of its type.
#[derive(Clone, Copy, Debug)]
pub struct ProtocolInfo {
    /// The id in scenarios, lower case.
    pub id: &'static str,
    /// Name for people.
    pub name: &'static str,
    /// The paper that defines it.
    pub paper: &'static str,
    /// Family.
    pub family: Family,
    /// Fault bound.
    pub faults: FaultBound,
    /// How a quorum is counted, for people.
    pub quorum: &'static str,
    /// Finality.
    pub finality: Finality,
    /// One-way message delays from the proposal's send to the commit effect at the last replica in the normal
    /// case, with n validators; `None` where it is a distribution.
    pub delays: Option<fn(u64) -> u64>,
    /// Messages per decision in the normal case, without self-sends, with n validators; `None` where it depends
    /// on an overlay.
    pub messages: Option<fn(u64) -> u64>,
    /// What clients wait for.
    pub reply: Reply,
    /// Who proposes.
    pub rotation: Rotation,
    /// Kinds of statement of which a validator may sign at most one value for each (major, minor); they must be
    /// durable before the signature leaves.
    pub exclusive: &'static [u8],
    /// Whether the protocol gossips on an overlay instead of a full mesh.
    pub overlay: bool,
}
