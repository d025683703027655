//! A set of small integers that are handed out in ascending order; old ones can be let go.

/// A bitmap over ids from a floor on. What is below the floor counts as a member, for ever.
#[derive(Clone, Debug, Default)]
pub struct Bits {
    /// Words below this one are gone.
    first: u32,
    words: Vec<u64>,
}

impl Bits {
    /// An empty set of ids from about this one on.
    pub fn above(floor: u32) -> Bits {
        Bits { first: floor / 64, words: vec![] }
    }
    fn word(&self, id: u32) -> Option<usize> {
        (id / 64).checked_sub(self.first).map(|w| w as usize)
    }
    /// Whether the set has `id`.
    pub fn has(&self, id: u32) -> bool {
        self.word(id).is_none_or(|w| self.words.get(w).is_some_and(|w| w >> (id % 64) & 1 == 1))
    }
    /// Adds `id`; says whether it is new.
    pub fn add(&mut self, id: u32) -> bool {
        let Some(w) = self.word(id) else { return false };
        if w >= self.words.len() {
            if self.words.len() < 4 {
                self.words.reserve_exact(w + 1 - self.words.len());
            }
            self.words.resize(w + 1, 0);
        }
        let fresh = self.words[w] >> (id % 64) & 1 == 0;
        self.words[w] |= 1 << (id % 64);
        fresh
    }
    /// Removes `id`; says whether it was there. What is below the floor stays.
    pub fn remove(&mut self, id: u32) -> bool {
        let Some(w) = self.word(id) else { return false };
        let had = self.has(id);
        if had {
            self.words[w] &= !(1 << (id % 64));
        }
        had
    }
    /// Removes all that is above the floor.
    pub fn clear(&mut self) {
        self.words.clear();
    }
    /// Nobody asks for ids below `floor` any more, or they are all members.
    pub fn forget_below(&mut self, floor: u32) {
        let gone = (floor / 64).saturating_sub(self.first);
        self.words.drain(..(gone as usize).min(self.words.len()));
        self.first += gone;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn behaves_as_a_set() {
        let mut b = Bits::default();
        assert!(!b.has(1_000) && b.add(1_000) && b.has(1_000) && !b.add(1_000));
        assert!(!b.has(999) && !b.has(1_001) && !b.remove(999));
        assert!(b.remove(1_000) && !b.has(1_000));
    }

    #[test]
    fn what_is_below_the_floor_is_a_member_and_takes_no_room() {
        let mut b = Bits::default();
        b.add(1_000);
        b.forget_below(990);
        assert!(b.has(3) && !b.add(3) && !b.remove(3));
        assert!(b.has(1_000) && !b.has(999) && !b.has(1_001) && b.words.len() == 1);
        b.clear();
        assert!(!b.has(1_000) && b.has(3));
        b.forget_below(1_000_000);
        assert!(b.words.is_empty() && b.add(1_000_001) && b.words.len() == 1);
        assert!(!Bits::above(640).has(640) && Bits::above(640).has(639));
    }
}
