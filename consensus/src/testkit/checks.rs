//! What must hold for every protocol, checked while it happens.
//!
//! - Final prefixes of all nodes agree.
//! - No validator ever signs two values of an exclusive statement, crashes included, and the first signature of one
//!   leaves behind a durable record.
//! - Nobody claims what was not signed: an own claim with the own key, another's only after that one signed it.
//! - A message survives its encoding: the same bytes, length and claims.
//! - A certificate of finality recounts to a quorum of validators that did sign.

use std::collections::{BTreeMap, BTreeSet};

use crate::message::{Certificate, Claim, Message, Statement};
use crate::protocol::{Protocol, Validators};
use crate::quorum::Signers;
use crate::types::{Digest, NodeId, ValidatorId};

/// State of the global checks.
#[derive(Debug, Default)]
pub(super) struct Checks {
    signed: BTreeSet<(ValidatorId, Statement)>,
    exclusive: BTreeMap<(ValidatorId, u8, u64, u64), Digest>,
    shares: BTreeSet<(ValidatorId, u64)>,
    chain: Vec<Digest>,
}

/// A claim with nothing borrowed, to compare and to keep.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum OwnClaim {
    /// [`Claim::Signed`].
    Signed(ValidatorId, Statement),
    /// [`Claim::Quorum`].
    Quorum(Statement, Signers),
    /// [`Claim::Vrf`].
    Vrf(ValidatorId, Digest, Digest),
    /// [`Claim::CoinShare`].
    CoinShare(ValidatorId, u64),
}

/// Every claim of a message.
pub fn claims_of<M: Message>(m: &M) -> Vec<OwnClaim> {
    let mut all = vec![];
    m.claims(&mut |c| {
        all.push(match c {
            Claim::Signed { by, what } => OwnClaim::Signed(by, what),
            Claim::Quorum { what, signers } => OwnClaim::Quorum(what, signers.clone()),
            Claim::Vrf { by, input, output } => OwnClaim::Vrf(by, input, output),
            Claim::CoinShare { by, wave } => OwnClaim::CoinShare(by, wave),
        });
    });
    all
}

/// Asserts that a message survives its encoding, and that what it says of its claims agrees.
pub fn assert_wire<M: Message>(m: &M) {
    let mut bytes = vec![];
    m.encode(&mut bytes);
    assert_eq!(bytes.len(), m.encoded_len(), "encoded_len of {m:?}");
    let mut input = &bytes[..];
    let back = M::decode(&mut input).unwrap_or_else(|e| panic!("{m:?} does not decode: {e}"));
    assert!(input.is_empty(), "{m:?} leaves {} bytes", input.len());
    let mut again = vec![];
    back.encode(&mut again);
    assert_eq!(bytes, again, "another encoding of {m:?}");
    assert_eq!(claims_of(m), claims_of(&back), "other claims of {m:?}");
    let alone = m.signed().map(|(by, what)| vec![OwnClaim::Signed(by, what)]);
    assert!(alone.is_none_or(|claim| claim == claims_of(m)), "not the only claim of {m:?}");
    assert_eq!((m.kind(), m.key()), (back.kind(), back.key()), "another kind or key of {m:?}");
}

impl Checks {
    /// A message leaves the node that owns `key`; `gated` if it waited for a record.
    pub(super) fn sent<P: Protocol>(&mut self, key: Option<ValidatorId>, m: &P::Message, gated: bool) {
        assert_wire(m);
        for c in claims_of(m) {
            match c {
                OwnClaim::Signed(by, what) => self.signature::<P>(key, by, what, gated, m),
                OwnClaim::Quorum(what, signers) => {
                    signers.iter().for_each(|by| self.signature::<P>(key, by, what, gated, m));
                }
                OwnClaim::CoinShare(by, wave) => {
                    let known = self.shares.contains(&(by, wave));
                    assert!(known || Some(by) == key, "a forged coin share of {} in {m:?}", by.0);
                    self.shares.insert((by, wave));
                }
                OwnClaim::Vrf(..) => {}
            }
        }
    }

    fn signature<P: Protocol>(
        &mut self,
        key: Option<ValidatorId>,
        by: ValidatorId,
        what: Statement,
        gated: bool,
        m: &P::Message,
    ) {
        if self.signed.contains(&(by, what)) {
            return;
        }
        assert_eq!(Some(by), key, "a forged signature of {what:?} in {m:?}");
        if P::INFO.exclusive.contains(&what.kind) {
            let slot = (by, what.kind, what.major, what.minor);
            let before = *self.exclusive.entry(slot).or_insert(what.value);
            assert_eq!(before, what.value, "validator {} contradicts itself: {what:?}", by.0);
            assert!(gated, "validator {} signs {what:?} that is not durable", by.0);
        }
        self.signed.insert((by, what));
    }

    /// A certificate of finality at the node that owns `key`, whose own vote need not have left it.
    pub(super) fn recount<P: Protocol>(&self, key: Option<ValidatorId>, c: &Certificate, validators: &Validators) {
        let (weight, quorum) = (c.signers.weight(validators), validators.quorum(P::INFO.faults));
        assert!(weight >= quorum, "a certificate of weight {} below the quorum {}", weight.0, quorum.0);
        for by in c.signers.iter() {
            let known = self.signed.contains(&(by, c.what)) || Some(by) == key;
            assert!(known, "validator {} never signed {:?}", by.0, c.what);
        }
    }

    /// A block became final at a node.
    pub(super) fn finalised(&mut self, node: NodeId, height: usize, block: Digest) {
        if self.chain.is_empty() {
            self.chain.push(Digest::GENESIS);
        }
        match self.chain.get(height) {
            Some(known) => assert_eq!(*known, block, "node {} disagrees at height {height}", node.0),
            None => {
                assert_eq!(self.chain.len(), height, "node {} finalises with a gap", node.0);
                self.chain.push(block);
            }
        }
    }
}
