//! Sets of validators, quorum weights, and a book of votes that does not allocate in steady state.

use crate::message::Statement;
use crate::protocol::Validators;
use crate::types::{Digest, Stake, ValidatorId};
use crate::wire::{MAX_LIST, Wire, WireError};

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
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|w| *w == 0)
    }
    /// In rising order.
    pub fn iter(&self) -> impl Iterator<Item = ValidatorId> + '_ {
        bits(&self.words)
    }
    /// Sum of their stake.
    pub fn weight(&self, validators: &Validators) -> Stake {
        Stake(self.iter().map(|v| validators.stake(v).0).sum())
    }
}

fn bits(words: &[u64]) -> impl Iterator<Item = ValidatorId> + '_ {
    words
        .iter()
        .enumerate()
        .flat_map(|(i, w)| (0..64).filter(move |b| w >> b & 1 == 1).map(move |b| ValidatorId(i as u32 * 64 + b)))
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

/// What adding a vote did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Vote {
    /// Counted; the weight for its value after it.
    Counted(Stake),
    /// This validator has already voted for this value.
    Known,
    /// This validator has voted for another value: the earlier statement's value.
    Contradicts(Digest),
    /// Outside the window of slots that the book keeps.
    Outside,
}

#[derive(Clone, Debug)]
struct Tally {
    value: Digest,
    weight: u64,
    words: Vec<u64>,
}

#[derive(Clone, Debug, Default)]
struct Slot {
    at: u64,
    used: usize,
    tallies: Vec<Tally>,
}

/// Votes of one kind by slot (view or height): a ring of slots, in each one bitmap for every value voted for.
///
/// A bounded window ahead of the lowest slot is kept, so that a peer cannot fill the memory. Slots are reused: once
/// every slot of the ring has been used, adding a vote allocates nothing.
#[derive(Clone, Debug)]
pub struct VoteBook {
    lowest: u64,
    ring: Vec<Slot>,
    validators: usize,
}

impl VoteBook {
    /// A book for `validators` keys that keeps `window` slots from 0.
    pub fn new(validators: usize, window: usize) -> VoteBook {
        assert!(window > 0, "a book needs a window");
        VoteBook { lowest: 0, ring: vec![Slot::default(); window], validators }
    }
    /// Forgets all slots below `lowest` and opens as many ahead.
    pub fn advance(&mut self, lowest: u64) {
        self.lowest = self.lowest.max(lowest);
    }
    /// Counts the vote of `by` for `value` in `slot`.
    pub fn add(&mut self, slot: u64, value: Digest, by: ValidatorId, validators: &Validators) -> Vote {
        if slot < self.lowest || slot - self.lowest >= self.ring.len() as u64 || by.0 as usize >= self.validators {
            return Vote::Outside;
        }
        let words = self.validators.div_ceil(64);
        let (w, bit) = (by.0 as usize / 64, 1_u64 << (by.0 % 64));
        let s = self.open(slot);
        let mut found = None;
        for (i, t) in s.tallies[..s.used].iter().enumerate() {
            if t.value == value {
                found = Some(i);
            } else if t.words[w] & bit != 0 {
                return Vote::Contradicts(t.value);
            }
        }
        let i = found.unwrap_or_else(|| s.start_tally(value, words));
        let t = &mut s.tallies[i];
        if t.words[w] & bit != 0 {
            return Vote::Known;
        }
        t.words[w] |= bit;
        t.weight += validators.stake(by).0;
        Vote::Counted(Stake(t.weight))
    }
    fn open(&mut self, slot: u64) -> &mut Slot {
        let n = self.ring.len() as u64;
        let s = &mut self.ring[(slot % n) as usize];
        if s.at != slot {
            s.at = slot;
            s.used = 0;
        }
        s
    }
    fn tallies(&self, slot: u64) -> &[Tally] {
        let s = &self.ring[(slot % self.ring.len() as u64) as usize];
        if slot < self.lowest || s.at != slot { &[] } else { &s.tallies[..s.used] }
    }
    /// Weight voted for `value` in `slot`.
    pub fn weight(&self, slot: u64, value: Digest) -> Stake {
        Stake(self.tallies(slot).iter().find(|t| t.value == value).map_or(0, |t| t.weight))
    }
    /// Who voted for `value` in `slot`.
    pub fn signers(&self, slot: u64, value: Digest) -> Signers {
        let found = self.tallies(slot).iter().find(|t| t.value == value);
        found.map_or_else(|| Signers::with_capacity(self.validators), |t| Signers::from_words(&t.words))
    }
}

impl Slot {
    fn start_tally(&mut self, value: Digest, words: usize) -> usize {
        let i = self.used;
        if i == self.tallies.len() {
            self.tallies.push(Tally { value, weight: 0, words: vec![0; words] });
        } else {
            let t = &mut self.tallies[i];
            t.value = value;
            t.weight = 0;
            t.words.fill(0);
        }
        self.used += 1;
        i
    }
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

    #[test]
    fn a_book_counts_each_validator_once_and_notices_contradictions() {
        let v = Validators::equal(130);
        let mut b = VoteBook::new(130, 8);
        let (x, y) = (Digest([1, 1]), Digest([2, 2]));
        assert_eq!(b.add(3, x, ValidatorId(129), &v), Vote::Counted(Stake(1)));
        assert_eq!(b.add(3, x, ValidatorId(129), &v), Vote::Known);
        assert_eq!(b.add(3, y, ValidatorId(129), &v), Vote::Contradicts(x));
        assert_eq!(b.add(3, y, ValidatorId(5), &v), Vote::Counted(Stake(1)));
        assert_eq!((b.weight(3, x), b.weight(3, y)), (Stake(1), Stake(1)));
        assert_eq!(b.signers(3, x).iter().collect::<Vec<_>>(), [ValidatorId(129)]);
        assert_eq!(b.add(8, x, ValidatorId(0), &v), Vote::Outside);
        b.advance(4);
        assert_eq!(b.add(3, x, ValidatorId(0), &v), Vote::Outside);
        assert_eq!(b.add(11, x, ValidatorId(0), &v), Vote::Counted(Stake(1)));
        assert_eq!(b.weight(3, x), Stake(0));
        assert_eq!(b.add(4, x, ValidatorId(130), &v), Vote::Outside);
    }
}
