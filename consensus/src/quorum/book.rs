//! Votes of one kind by slot (view or height).
//!
//! A ring of slots; in each one the first value voted for has its bitmap in one flat table, any other value, which
//! only faulty validators or a change of view bring, in a list beside it.

use crate::protocol::Validators;
use crate::types::{Digest, Stake, ValidatorId};

use super::Signers;

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

/// The first value of a slot.
#[derive(Clone, Copy, Debug, Default)]
struct Head {
    at: u64,
    used: bool,
    weight: u64,
    value: Digest,
}

/// Another value of a slot.
#[derive(Clone, Debug)]
struct Tally {
    at: u64,
    value: Digest,
    weight: u64,
    words: Vec<u64>,
}

/// A ring of slots, in each one bitmap for every value voted for.
///
/// A bounded window ahead of the lowest slot is kept, so that a peer cannot fill the memory. Slots are reused: as long
/// as nobody contradicts anybody, adding a vote allocates nothing.
#[derive(Clone, Debug)]
pub struct VoteBook {
    lowest: u64,
    window: u64,
    validators: usize,
    /// Words of a bitmap.
    words: usize,
    /// As many as the next power of two of the window.
    heads: Vec<Head>,
    bits: Vec<u64>,
    others: Vec<Tally>,
}

impl VoteBook {
    /// A book for `validators` keys that keeps `window` slots from 0.
    pub fn new(validators: usize, window: usize) -> VoteBook {
        assert!(window > 0, "a book needs a window");
        let (places, words) = (window.next_power_of_two(), validators.div_ceil(64));
        VoteBook {
            lowest: 0,
            window: window as u64,
            validators,
            words,
            heads: vec![Head::default(); places],
            bits: vec![0; places * words],
            others: vec![],
        }
    }
    /// Forgets all slots below `lowest` and opens as many ahead.
    pub fn advance(&mut self, lowest: u64) {
        self.lowest = self.lowest.max(lowest);
        let lowest = self.lowest;
        self.others.retain(|t| t.at >= lowest);
    }
    /// Counts the vote of `by` for `value` in `slot`.
    #[inline]
    pub fn add(&mut self, slot: u64, value: Digest, by: ValidatorId, validators: &Validators) -> Vote {
        if slot.wrapping_sub(self.lowest) >= self.window || by.0 as usize >= self.validators {
            return Vote::Outside;
        }
        let place = self.place(slot);
        let h = &mut self.heads[place];
        if h.at != slot || !h.used {
            *h = Head { at: slot, used: true, weight: 0, value };
            self.bits[place * self.words..(place + 1) * self.words].fill(0);
        }
        if h.value != value || !self.others.is_empty() {
            return self.add_other(slot, value, by, validators);
        }
        let word = &mut self.bits[place * self.words + by.0 as usize / 64];
        let bit = 1 << (by.0 % 64);
        if *word & bit != 0 {
            return Vote::Known;
        }
        *word |= bit;
        h.weight += validators.stake(by).0;
        Vote::Counted(Stake(h.weight))
    }
    /// The same where a slot has, or gets, more than one value.
    fn add_other(&mut self, slot: u64, value: Digest, by: ValidatorId, validators: &Validators) -> Vote {
        let (w, bit) = (by.0 as usize / 64, 1 << (by.0 % 64));
        let place = self.place(slot);
        let first = (self.heads[place].value, self.bits[place * self.words + w]);
        let others = self.others.iter().filter(|t| t.at == slot).map(|t| (t.value, t.words[w]));
        let mut all = std::iter::once(first).chain(others);
        if let Some((earlier, _)) = all.find(|(_, word)| word & bit != 0) {
            return if earlier == value { Vote::Known } else { Vote::Contradicts(earlier) };
        }
        let stake = validators.stake(by).0;
        if first.0 == value {
            self.bits[place * self.words + w] |= bit;
            self.heads[place].weight += stake;
            return Vote::Counted(Stake(self.heads[place].weight));
        }
        let known = self.others.iter().position(|t| t.at == slot && t.value == value);
        let i = known.unwrap_or_else(|| {
            self.others.push(Tally { at: slot, value, weight: 0, words: vec![0; self.words] });
            self.others.len() - 1
        });
        let t = &mut self.others[i];
        t.words[w] |= bit;
        t.weight += stake;
        Vote::Counted(Stake(t.weight))
    }
    #[inline]
    fn place(&self, slot: u64) -> usize {
        slot as usize & (self.heads.len() - 1)
    }
    /// Weight and bitmap of a value.
    fn tally(&self, slot: u64, value: Digest) -> Option<(u64, &[u64])> {
        if slot < self.lowest {
            return None;
        }
        let place = self.place(slot);
        let h = &self.heads[place];
        if h.at == slot && h.used && h.value == value {
            return Some((h.weight, &self.bits[place * self.words..(place + 1) * self.words]));
        }
        let other = self.others.iter().find(|t| t.at == slot && t.value == value);
        other.map(|t| (t.weight, &t.words[..]))
    }
    /// Weight voted for `value` in `slot`.
    pub fn weight(&self, slot: u64, value: Digest) -> Stake {
        Stake(self.tally(slot, value).map_or(0, |(weight, _)| weight))
    }
    /// Who voted for `value` in `slot`.
    pub fn signers(&self, slot: u64, value: Digest) -> Signers {
        let found = self.tally(slot, value);
        found.map_or_else(|| Signers::with_capacity(self.validators), |(_, words)| Signers::from_words(words))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
