//! Votes of one kind by slot (view or height).
//!
//! A ring of slots; the first value voted for in each one has its row in one flat table, any other value, which only
//! faulty validators or a change of view bring, is in a list beside it.

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

/// Another value of a slot.
#[derive(Clone, Debug)]
struct Tally {
    at: u64,
    value: Digest,
    weight: u64,
    words: Vec<u64>,
}

/// Words of a row before its bitmap: the slot's complement, so that zero stands for none, weight and the value's two.
const HEAD: usize = 4;

/// Rows of a book at first.
const FIRST: usize = 8;

/// A ring of slots, in each one bitmap for every value voted for.
///
/// A bounded window ahead of the lowest slot is kept, so that a peer cannot fill the memory. Slots are reused: as long
/// as nobody contradicts anybody, adding a vote allocates nothing once the book has grown.
#[derive(Clone, Debug)]
pub struct VoteBook {
    lowest: u64,
    window: u64,
    validators: usize,
    /// Words of a row.
    width: usize,
    /// The number of rows, a power of two, less one.
    mask: u64,
    /// The first value of each slot, row by row: a vote meets one place in memory. As many as slots have been met, up
    /// to the window, which most often are few of it.
    rows: Vec<u64>,
    others: Vec<Tally>,
}

impl VoteBook {
    /// A book for `validators` keys that keeps `window` slots from 0.
    pub fn new(validators: usize, window: usize) -> VoteBook {
        assert!(window > 0, "a book needs a window");
        let (places, width) = (window.next_power_of_two().min(FIRST), HEAD + validators.div_ceil(64));
        VoteBook {
            lowest: 0,
            window: window as u64,
            validators,
            width,
            mask: places as u64 - 1,
            rows: vec![0; places * width],
            others: vec![],
        }
    }
    /// Forgets all slots below `lowest` and opens as many ahead, but never the last of all, which stands for none.
    pub fn advance(&mut self, lowest: u64) {
        let lowest = lowest.clamp(self.lowest, u64::MAX - self.window);
        // No slot is below the lowest so far, so those that go have these places, or all there are.
        for slot in self.lowest..lowest.min(self.lowest.saturating_add(self.mask + 1)) {
            let row = self.row_mut(slot);
            if !row[0] < lowest {
                row[0] = 0;
            }
        }
        self.lowest = lowest;
        self.others.retain(|t| t.at >= lowest);
    }
    /// Counts the vote of `by` for `value` in `slot`.
    #[inline]
    pub fn add(&mut self, slot: u64, value: Digest, by: ValidatorId, validators: &Validators) -> Vote {
        if slot.wrapping_sub(self.lowest) >= self.window || by.0 as usize >= self.validators {
            return Vote::Outside;
        }
        let single = self.others.is_empty();
        if self.row(slot)[0] != !slot {
            self.open(slot, value);
        }
        let row = self.row_mut(slot);
        if [row[2], row[3]] != value.0 || !single {
            return self.add_other(slot, value, by, validators);
        }
        let (word, bit) = (&mut row[HEAD + by.0 as usize / 64], 1 << (by.0 % 64));
        if *word & bit != 0 {
            return Vote::Known;
        }
        *word |= bit;
        row[1] += validators.stake(by).0;
        Vote::Counted(Stake(row[1]))
    }
    /// The row of a slot without votes.
    fn open(&mut self, slot: u64, value: Digest) {
        while self.row(slot)[0] != 0 {
            // Another slot of the window has this place: twice as many, until each has its own.
            let places = 2 * (self.mask as usize + 1);
            let rows = std::mem::replace(&mut self.rows, vec![0; places * self.width]);
            self.mask = places as u64 - 1;
            for row in rows.chunks_exact(self.width).filter(|row| row[0] != 0) {
                self.row_mut(!row[0]).copy_from_slice(row);
            }
        }
        let row = self.row_mut(slot);
        row.fill(0);
        (row[0], row[2], row[3]) = (!slot, value.0[0], value.0[1]);
    }
    /// As [`VoteBook::add`], where that counts a vote for the only value of a slot with votes and `fine` says yes to the
    /// weight after it; does nothing else. Says whether it did.
    #[inline(always)]
    pub fn add_if(
        &mut self,
        (slot, value): (u64, Digest),
        by: ValidatorId,
        validators: &Validators,
        fine: impl FnOnce(Stake) -> bool,
    ) -> bool {
        debug_assert_eq!(validators.len(), self.validators);
        let Some(stake) = validators.stakes().get(by.0 as usize) else { return false };
        let start = self.start(slot);
        let Some((head, words)) = self.rows.get_mut(start..).and_then(<[u64]>::split_first_chunk_mut) else {
            return false;
        };
        let [at, weight, first, second]: &mut [u64; HEAD] = head;
        let Some(word) = words.get_mut(by.0 as usize / 64) else { return false };
        let (bit, after) = (1 << (by.0 % 64), *weight + stake.0);
        let only = *at == !slot && *at != 0 && [*first, *second] == value.0 && self.others.is_empty();
        if !only || *word & bit != 0 || !fine(Stake(after)) {
            return false;
        }
        *word |= bit;
        *weight = after;
        true
    }
    /// The same where a slot has, or gets, more than one value.
    fn add_other(&mut self, slot: u64, value: Digest, by: ValidatorId, validators: &Validators) -> Vote {
        let (w, bit) = (by.0 as usize / 64, 1 << (by.0 % 64));
        let row = self.row(slot);
        let first = (Digest([row[2], row[3]]), row[HEAD + w]);
        let others = self.others.iter().filter(|t| t.at == slot).map(|t| (t.value, t.words[w]));
        let mut all = std::iter::once(first).chain(others);
        if let Some((earlier, _)) = all.find(|(_, word)| word & bit != 0) {
            return if earlier == value { Vote::Known } else { Vote::Contradicts(earlier) };
        }
        let stake = validators.stake(by).0;
        if first.0 == value {
            let row = self.row_mut(slot);
            row[HEAD + w] |= bit;
            row[1] += stake;
            return Vote::Counted(Stake(row[1]));
        }
        let known = self.others.iter().position(|t| t.at == slot && t.value == value);
        let i = known.unwrap_or_else(|| {
            self.others.push(Tally { at: slot, value, weight: 0, words: vec![0; self.width - HEAD] });
            self.others.len() - 1
        });
        let t = &mut self.others[i];
        t.words[w] |= bit;
        t.weight += stake;
        Vote::Counted(Stake(t.weight))
    }
    #[inline]
    fn start(&self, slot: u64) -> usize {
        (slot & self.mask) as usize * self.width
    }
    #[inline]
    fn row(&self, slot: u64) -> &[u64] {
        &self.rows[self.start(slot)..][..self.width]
    }
    #[inline]
    fn row_mut(&mut self, slot: u64) -> &mut [u64] {
        let start = self.start(slot);
        &mut self.rows[start..][..self.width]
    }
    /// Weight and bitmap of a value.
    fn tally(&self, slot: u64, value: Digest) -> Option<(u64, &[u64])> {
        if slot.wrapping_sub(self.lowest) >= self.window {
            return None;
        }
        let row = self.row(slot);
        if row[0] == !slot && [row[2], row[3]] == value.0 {
            return Some((row[1], &row[HEAD..]));
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
mod tests;
