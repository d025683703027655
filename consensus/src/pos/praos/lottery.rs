//! The private lottery of a slot, and the randomness of an epoch.

use crate::protocol::Validators;
use crate::types::{Digest, Hashing, ValidatorId};
use crate::wire::Wire;

/// Probability that a stakeholder with share `alpha` wins a slot: phi(alpha) = 1 - (1 - f)^alpha (Praos, section 3.3).
///
/// Independent of how stake is split: 1 - phi(a + b) = (1 - phi(a)) (1 - phi(b)).
pub fn phi(f: f64, alpha: f64) -> f64 {
    -libm::expm1(alpha * libm::log1p(-f))
}

/// For each validator the bound below which a uniform 64-bit draw wins a slot.
pub fn thresholds(f: f64, validators: &Validators) -> Vec<u64> {
    let total = validators.total().0 as f64;
    let bound = |v: ValidatorId| (phi(f, validators.stake(v).0 as f64 / total) * 18_446_744_073_709_551_616.0) as u64;
    validators.iter().map(bound).collect()
}

/// Input of the verifiable random function for a slot of the epoch with this nonce.
pub fn input(nonce: Digest, slot: u64) -> Digest {
    Digest([nonce.0[0], nonce.0[1] ^ slot])
}

/// Whether an output wins against a bound of [`thresholds`].
pub fn wins(output: Digest, threshold: u64) -> bool {
    output.0[0] < threshold
}

/// The running randomness of an epoch after a block with this output.
pub fn stir(seed: Digest, output: Digest, hashing: Hashing) -> Digest {
    hash(hashing, &(seed, output))
}

/// Nonce of `epoch` after a block of an earlier epoch with this nonce and randomness. Epochs without a block are
/// passed over.
pub fn next_nonce(nonce: Digest, seed: Digest, epoch: u64, hashing: Hashing) -> Digest {
    hash(hashing, &(nonce, (seed, epoch)))
}

/// Nonce of the first epoch.
pub fn first_nonce(seed: u64, hashing: Hashing) -> Digest {
    hash(hashing, &(seed, Digest::GENESIS))
}

fn hash<T: Wire>(hashing: Hashing, value: &T) -> Digest {
    let mut bytes = Vec::with_capacity(value.encoded_len());
    value.encode(&mut bytes);
    hashing.digest(&bytes)
}
