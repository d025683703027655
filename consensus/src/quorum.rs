//! Sets of validators, quorum weights, and a book of votes that does not allocate in steady state.

mod book;

use crate::message::Statement;
use crate::protocol::Validators;
use crate::types::{Stake, ValidatorId};
use crate::wire::{MAX_LIST, Wire, WireError};

pub use book::{Vote, VoteBook};

/// A set of validators as a bitmap.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Signers {
    words: Vec<u64>,
}

impl Signers {
    /// The empty set, with room for `n` validators.
    pub fn with_capacity(n: usize) -> Signers {
        Signers { words: vec![0; n.div_ceil(64)] }
    }
    /// The set of a bitmap's words.
    pub fn from_words(words: &[u64]) -> Signers {
        Signers { words: words.to_vec() }
    }
    /// Adds a validator; says whether it is new.
    pub fn add(&mut self, v: ValidatorId) -> bool {
        let w = v.0 as usize / 64;
        if w >= self.words.len() {
            self.words.resize(w + 1, 0);
        }
        let bit = 1 << (v.0 % 64);
        let fresh = self.words[w] & bit == 0;
        self.words[w] |= bit;
        fresh
    }
    /// Whether the set has a validator.
    pub fn has(&self, v: ValidatorId) -> bool {
        self.words.get(v.0 as usize / 64).is_some_and(|w| w >> (v.0 % 64) & 1 == 1)
    }
    /// Number of validators.
    pub fn len(&self) -> u32 {
        self.words.iter().map(|w| w.count_ones()).sum()
    }
    /// Number of those below `n`.
    fn count_below(&self, n: usize) -> u32 {
        let (whole, rest) = (n / 64, n % 64);
        let below = |(i, w): (usize, &u64)| if i < whole { *w } else { w & ((1 << rest) - 1) };
        self.words.iter().take(n.div_ceil(64)).enumerate().map(below).map(u64::count_ones).sum()
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|w| *w == 0)
    }
    /// In rising order.
    pub fn iter(&self) -> impl Iterator<Item = ValidatorId> + '_ {
        bits(&self.words)
    }
    /// The last one.
    pub fn last(&self) -> Option<ValidatorId> {
        let word = self.words.iter().rposition(|w| *w != 0)?;
        Some(ValidatorId(word as u32 * 64 + self.words[word].ilog2()))
    }
    /// Those that another set does not have.
    pub fn without(&self, other: &Signers) -> Signers {
        let others = other.words.iter().copied().chain(std::iter::repeat(0));
        Signers { words: self.words.iter().zip(others).map(|(own, other)| own & !other).collect() }
    }
    /// Sum of their stake.
    pub fn weight(&self, validators: &Validators) -> Stake {
        match validators.equal_stake() {
            Some(each) => Stake(each.0 * u64::from(self.count_below(validators.len()))),
            None => Stake(self.iter().map(|v| validators.stake(v).0).sum()),
        }
    }
}

fn bits(words: &[u64]) -> impl Iterator<Item = ValidatorId> + '_ {
    words.iter().enumerate().flat_map(|(i, w)| {
        let mut left = *w;
        std::iter::from_fn(move || {
            let lowest = left.trailing_zeros();
            left &= left.wrapping_sub(1);
            (lowest < 64).then(|| ValidatorId(i as u32 * 64 + lowest))
        })
    })
}

impl Wire for Signers {
    fn encode(&self, out: &mut Vec<u8>) {
        self.words.encode(out);
    }
    fn decode(input: &mut &[u8]) -> Result<Self, WireError> {
        let words = Vec::<u64>::decode(input)?;
        if words.len() > MAX_LIST / 64 {
            return Err(WireError::Long(words.len() * 64));
        }
        Ok(Signers { words })
    }
    fn encoded_len(&self) -> usize {
        self.words.encoded_len()
    }
}

/// The least weight any two sets of which share more than the `faulty` weight: ceil((n + f + 1) / 2).
///
/// 2f + 1 is the same only for n = 3f + 1; at n = 20 it would be 13 while two sets of 13 may share 6 = f.
///
/// ```
/// use ledgerlab_consensus::{Stake, quorum::intersecting};
/// assert_eq!(intersecting(Stake(4), Stake(1)), Stake(3));
/// assert_eq!(intersecting(Stake(20), Stake(6)), Stake(14));
/// assert_eq!(intersecting(Stake(128), Stake(42)), Stake(86));
/// ```
pub fn intersecting(total: Stake, faulty: Stake) -> Stake {
    Stake((total.0 + faulty.0 + 1).div_ceil(2))
}

/// Two statements that a validator must not both sign.
pub fn excludes(exclusive: &[u8], a: &Statement, b: &Statement) -> bool {
    a.kind == b.kind && exclusive.contains(&a.kind) && (a.major, a.minor) == (b.major, b.minor) && a.value != b.value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quorums_of_any_size_share_an_honest_member() {
        for n in 1..=300_u64 {
            let f = (n - 1) / 3;
            let q = intersecting(Stake(n), Stake(f)).0;
            assert!(2 * q > n + f, "n {n}: two quorums of {q} share too few");
            assert!(2 * (q - 1) <= n + f, "n {n}: {q} is not the least");
            assert!(q <= n - f, "n {n}: {q} cannot be reached without the faulty");
        }
    }

    #[test]
    fn sets_are_compared_whatever_room_they_have() {
        let set = |list: &[u32]| {
            let mut set = Signers::default();
            list.iter().for_each(|v| assert!(set.add(ValidatorId(*v))));
            set
        };
        let (few, many) = (set(&[3, 64]), set(&[3, 5, 63, 64, 200]));
        assert_eq!(many.without(&few).iter().map(|v| v.0).collect::<Vec<_>>(), [5, 63, 200]);
        assert!(few.without(&many).is_empty() && few.without(&few).last().is_none());
        assert_eq!((few.last(), many.last()), (Some(ValidatorId(64)), Some(ValidatorId(200))));
    }

    #[test]
    fn equal_stakes_weigh_as_others_do() {
        use crate::types::NodeId;
        for n in [1_u32, 5, 63, 64, 65, 127, 128, 130] {
            let mut signers = Signers::default();
            // Some of them are unknown.
            assert!((0..200).filter(|v| v % 3 != 1).all(|v| signers.add(ValidatorId(v))));
            let validators = Validators::new(vec![Stake(7); n as usize], (0..n).map(NodeId).collect());
            let plain: u64 = signers.iter().map(|v| validators.stake(v).0).sum();
            assert_eq!(signers.weight(&validators), Stake(plain), "of {n}");
        }
    }

    #[test]
    fn a_quorum_is_reached_without_the_faulty_under_every_bound() {
        use crate::info::FaultBound;
        for n in 1..=100 {
            let v = Validators::equal(n);
            for bound in [FaultBound::Third, FaultBound::Half] {
                let (quorum, faulty) = (v.quorum(bound).0, bound.tolerated(v.total()).0);
                assert!(quorum <= u64::from(n) - faulty && 2 * quorum > u64::from(n), "n {n}, {bound:?}: {quorum}");
            }
        }
    }

    #[test]
    fn under_a_server_nobody_else_counts() {
        use crate::info::FaultBound;
        let v = Validators::new([3, 5, 7].map(Stake).to_vec(), (0..3).map(crate::types::NodeId).collect());
        let counted = |bound| v.iter().map(|i| v.counted(i, bound).0).collect::<Vec<_>>();
        assert_eq!((counted(FaultBound::Server), v.quorum(FaultBound::Server)), (vec![3, 0, 0], Stake(3)));
        assert_eq!((counted(FaultBound::Third), v.quorum(FaultBound::Third)), (vec![3, 5, 7], Stake(10)));
    }
}
