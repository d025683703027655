//! What a message costs: bytes on the wire and time on a core, from the claims that it declares.

use ledgerlab_consensus::{Claim, Message, Signers, Span, ValidatorId};

use crate::scenario::{NodeSpec, SignatureScheme};

/// Bytes of the envelope: version 1, chain 4, sender 4, lane 1, sequence 8, length 4.
pub const ENVELOPE_BYTES: u32 = 22;
/// An ed25519 signature (RFC 8032).
pub const SIGNATURE_BYTES: u32 = 64;
/// A compressed BLS12-381 signature in G2.
pub const BLS_SIGNATURE_BYTES: u32 = 96;
/// An ECVRF-ED25519 proof (RFC 9381).
pub const VRF_PROOF_BYTES: u32 = 80;
/// A share of a common coin: a compressed BLS12-381 point in G1.
pub const COIN_SHARE_BYTES: u32 = 48;
/// Signatures are verified as a batch from this many on.
const BATCH: u32 = 16;

/// Costs of one message, found once when it is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Cost {
    /// Bytes of its proofs.
    pub proof_bytes: u32,
    /// Verification at each receiver.
    pub verify: Span,
    /// Signing at the sender.
    pub sign: Span,
}

impl Cost {
    /// Adds a validator's signature.
    #[inline]
    fn add_signature(&mut self, own: bool, spec: &NodeSpec) {
        let c = &spec.crypto;
        let (bytes, sign, verify) = match spec.signatures {
            SignatureScheme::Ed25519 => (SIGNATURE_BYTES, c.sign, c.verify),
            SignatureScheme::Bls => (BLS_SIGNATURE_BYTES, c.bls_sign, c.bls_verify),
        };
        self.proof_bytes += bytes;
        self.verify += verify;
        if own {
            self.sign += sign;
        }
    }
}

/// Bytes of a certificate with these signers.
pub fn certificate_bytes(scheme: SignatureScheme, signers: &Signers, validators: usize) -> u32 {
    let bitmap = validators.div_ceil(8) as u32;
    match scheme {
        SignatureScheme::Ed25519 => SIGNATURE_BYTES * signers.len() + bitmap,
        SignatureScheme::Bls => BLS_SIGNATURE_BYTES + bitmap,
    }
}

/// Verification of a certificate on one core.
pub fn verify_certificate(spec: &NodeSpec, signers: u32) -> Span {
    let c = &spec.crypto;
    match spec.signatures {
        SignatureScheme::Ed25519 if signers < BATCH => c.verify * u64::from(signers),
        SignatureScheme::Ed25519 => c.verify_batched * u64::from(signers),
        SignatureScheme::Bls => c.bls_verify + c.bls_per_key * u64::from(signers),
    }
}

/// Cost of a message sent with the key `me`. A message without claims of its own pays for the authentication of its
/// channel, billed as one signature.
#[inline]
pub fn of_message<M: Message>(m: &M, me: Option<ValidatorId>, spec: &NodeSpec, validators: usize) -> Cost {
    let mut cost = match m.signed() {
        Some((by, _)) => {
            let mut cost = Cost::default();
            cost.add_signature(me == Some(by), spec);
            cost
        }
        None => of_claims(m, me, spec, validators),
    };
    cost.verify = cost.verify.max(spec.crypto.verify);
    cost
}

/// What all claims of a message cost.
fn of_claims<M: Message>(m: &M, me: Option<ValidatorId>, spec: &NodeSpec, validators: usize) -> Cost {
    let c = &spec.crypto;
    let mut cost = Cost::default();
    m.claims(&mut |claim| match claim {
        Claim::Signed { by, .. } => cost.add_signature(me == Some(by), spec),
        Claim::Quorum { signers, .. } => {
            cost.proof_bytes += certificate_bytes(spec.signatures, signers, validators);
            cost.verify += verify_certificate(spec, signers.len());
        }
        Claim::Vrf { by, .. } => {
            cost.proof_bytes += VRF_PROOF_BYTES;
            cost.verify += c.vrf_verify;
            if me == Some(by) {
                cost.sign += c.vrf_prove;
            }
        }
        Claim::CoinShare { .. } => {
            cost.proof_bytes += COIN_SHARE_BYTES;
            cost.verify += c.bls_verify;
        }
    });
    cost
}

/// Verification of `count` client signatures and hashing of `bytes`.
pub fn of_transactions(spec: &NodeSpec, count: u64, bytes: u64) -> Span {
    spec.crypto.verify_batched * count + hashing(spec, bytes)
}

/// Hashing of `bytes`.
pub fn hashing(spec: &NodeSpec, bytes: u64) -> Span {
    Span((u128::from(spec.crypto.hash_per_kib.0) * u128::from(bytes) / 1_024) as u64)
}
