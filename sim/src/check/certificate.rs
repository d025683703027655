//! A finalisation's certificate recounts to a quorum of distinct validators who really sent that statement.
//!
//! Weight is counted anew from the bitmap, which holds each validator once; keys that do not exist are a violation,
//! not weight zero. Of the signers one may be unknown as a sender: the node that assembles a certificate counts its
//! own vote without sending it. Statements that the observer of statements does not watch, or has forgotten, are
//! not looked up.

use std::sync::Arc;

use ledgerlab_consensus::{
    Certificate, Height, NodeId, SharedCertificate, Signers, Stake, Time, ValidatorId, Validators,
};

use super::statements::Statements;
use super::{Outcome, Violation};

/// The observer of certificates.
#[derive(Clone, Debug)]
pub struct Certificates {
    validators: Arc<Validators>,
    quorum: Stake,
    checked: u64,
    /// Those that were found good last, oldest first: what was sent stays sent, and nodes finalise with equal ones.
    good: Vec<SharedCertificate>,
    /// Who is known to have sent the statement that was recounted last: nodes that prove it by other signers name few
    /// that are not among them.
    known: Option<Certificate>,
}

/// How many signers need not have sent what they signed: whoever assembles a certificate counts its own vote.
pub const SILENT: usize = 1;
/// How many good certificates are remembered.
const REMEMBERED: usize = 4;

impl Certificates {
    /// An observer that asks for at least the weight `quorum`.
    pub fn new(validators: Arc<Validators>, quorum: Stake) -> Certificates {
        Certificates { validators, quorum, checked: 0, good: Vec::with_capacity(REMEMBERED), known: None }
    }

    /// A node finalises `height` with this proof.
    pub fn finalized(
        &mut self,
        at: Time,
        node: NodeId,
        height: Height,
        proof: &SharedCertificate,
        sent: &Statements,
    ) -> Outcome {
        self.checked += 1;
        if self.good.iter().rev().any(|c| c == proof) {
            return Ok(());
        }
        self.recount(at, node, height, proof, sent)?;
        if self.good.len() == REMEMBERED {
            self.good.remove(0);
        }
        self.good.push(Arc::clone(proof));
        Ok(())
    }

    fn recount(&mut self, at: Time, node: NodeId, height: Height, proof: &Certificate, sent: &Statements) -> Outcome {
        let fault = |what| Err(Violation { check: "certificate", at, node: Some(node), what });
        let n = self.validators.len();
        let unknown = |v: &ValidatorId| v.0 as usize >= n;
        if let Some(v) = proof.signers.last().filter(unknown).and_then(|_| proof.signers.iter().find(unknown)) {
            return fault(format!("at height {height} validator {} signed, but there are only {n}", v.0));
        }
        let s = &proof.what;
        if self.known.as_ref().is_none_or(|known| known.what != *s) {
            self.known = Some(Certificate { what: *s, signers: Signers::with_capacity(n) });
        }
        let known = self.known.as_mut().map(|known| &mut known.signers).expect("it is of this statement");
        let asked = proof.signers.without(known);
        let silent: Vec<ValidatorId> = sent.silent(s, &asked).take(SILENT + 1).collect();
        if let Some(v) = silent.get(SILENT) {
            return fault(format!(
                "at height {height} validator {} is named for kind {} at ({}, {}) and never sent it",
                v.0, s.kind, s.major, s.minor
            ));
        }
        asked.iter().filter(|v| !silent.contains(v)).for_each(|v| _ = known.add(v));
        let weight = proof.signers.weight(&self.validators).0;
        if weight < self.quorum.0 {
            let (all, need) = (self.validators.total().0, self.quorum.0);
            return fault(format!("at height {height} signers weigh {weight} of {all}, a quorum is {need}"));
        }
        Ok(())
    }

    /// Certificates that were shown.
    pub fn checked(&self) -> u64 {
        self.checked
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledgerlab_consensus::{Digest, FaultBound, Statement};

    const WHAT: Statement = Statement { kind: 1, major: 8, minor: 0, value: Digest([8, 8]) };

    fn observer(n: u32) -> Certificates {
        let v = Validators::equal(n);
        let quorum = v.quorum(FaultBound::Third);
        Certificates::new(Arc::new(v), quorum)
    }
    fn votes(n: u32, senders: std::ops::Range<u32>) -> Statements {
        let mut s = Statements::new(&[1], &vec![true; n as usize]);
        senders.for_each(|v| s.sent(Time(1), NodeId(v), ValidatorId(v), &WHAT).unwrap());
        s
    }
    fn proof(signers: impl IntoIterator<Item = u32>) -> SharedCertificate {
        let mut set = Signers::default();
        for v in signers {
            assert!(set.add(ValidatorId(v)));
        }
        Arc::new(Certificate { what: WHAT, signers: set })
    }

    #[test]
    fn a_quorum_passes_and_one_short_is_caught() {
        // n = 20: f = 6, and 2f + 1 = 13 would be one short of the safe 14.
        let mut c = observer(20);
        let sent = votes(20, 0..20);
        c.finalized(Time(2), NodeId(0), 8, &proof(0..14), &sent).unwrap();
        let short = c.finalized(Time(2), NodeId(0), 8, &proof(0..13), &sent).unwrap_err();
        assert_eq!(
            short.to_string(),
            "certificate violated at 0.000000002 s at node 0: at height 8 signers weigh 13 of 20, a quorum is 14"
        );
        assert_eq!(c.checked(), 2);
    }

    #[test]
    fn a_certificate_that_was_good_does_not_vouch_for_another() {
        let mut c = observer(4);
        let sent = votes(4, 0..3);
        for _ in 0..2 {
            c.finalized(Time(2), NodeId(0), 8, &proof(0..3), &sent).unwrap();
        }
        let what = Statement { value: Digest([9, 9]), ..WHAT };
        let other = Arc::new(Certificate { what, signers: proof(0..3).signers.clone() });
        for _ in 0..2 {
            assert!(c.finalized(Time(2), NodeId(0), 8, &proof(0..2), &sent).is_err());
            assert!(c.finalized(Time(2), NodeId(0), 8, &other, &sent).is_err());
        }
        assert_eq!(c.checked(), 6);
    }

    #[test]
    fn who_was_silent_is_asked_for_again() {
        let mut c = observer(4);
        let mut sent = votes(4, 0..2);
        c.finalized(Time(2), NodeId(0), 8, &proof(0..3), &sent).unwrap();
        assert!(c.finalized(Time(2), NodeId(0), 8, &proof(0..4), &sent).is_err(), "two have not sent it");
        c.finalized(Time(2), NodeId(1), 8, &proof([0, 1, 3]), &sent).unwrap();
        assert!(c.finalized(Time(2), NodeId(0), 8, &proof(1..4), &sent).is_err(), "neither is known by now");
        sent.sent(Time(3), NodeId(3), ValidatorId(3), &WHAT).unwrap();
        c.finalized(Time(3), NodeId(0), 8, &proof(1..4), &sent).unwrap();
    }

    #[test]
    fn weight_counts_instead_of_heads() {
        let v = Validators::new([70, 10, 10, 10].map(Stake).into(), (0..4).map(NodeId).collect());
        let quorum = v.quorum(FaultBound::Third);
        let mut c = Certificates::new(Arc::new(v), quorum);
        let sent = votes(4, 0..4);
        c.finalized(Time(2), NodeId(0), 8, &proof([0]), &sent).unwrap();
        assert!(c.finalized(Time(2), NodeId(0), 8, &proof([1, 2, 3]), &sent).is_err());
    }

    #[test]
    fn unknown_keys_and_votes_never_sent_are_caught() {
        let mut c = observer(4);
        assert!(c.finalized(Time(2), NodeId(0), 8, &proof([0, 1, 2, 4]), &votes(4, 0..4)).is_err());
        // The assembler's own vote need not have been sent; a second silent signer must have.
        c.finalized(Time(2), NodeId(0), 8, &proof(0..3), &votes(4, 0..2)).unwrap();
        let forged = observer(4).finalized(Time(2), NodeId(0), 8, &proof(0..3), &votes(4, 0..1)).unwrap_err();
        assert!(forged.what.contains("validator 2 is named for kind 1 at (8, 0) and never sent it"), "{forged}");
    }
}
