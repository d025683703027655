//! A set of small integers that are handed out in ascending order; old ones can be let go.

/// A bitmap over ids from a floor on. What is below the floor counts as a member, for ever.
#[derive(Clone, Debug, Default)]
pub struct Bits {
    /// Words below this one are gone.
    first: u32,
    words: Words,
}

/// Words of the bitmap: mostly there is one, and there are very many sets.
#[derive(Clone, Debug)]
enum Words {
    One(u64),
    #[expect(clippy::box_collection, reason = "a set shall take little where it needs none")]
    Many(Box<Vec<u64>>),
}

impl Default for Words {
    fn default() -> Self {
        Words::One(0)
    }
}

impl Words {
    #[inline]
    fn as_slice(&self) -> &[u64] {
        match self {
            Words::One(word) => std::slice::from_ref(word),
            Words::Many(words) => words,
        }
    }
    /// The word of this number, which is added with those before it if it is not there.
    #[inline]
    fn reach(&mut self, number: usize) -> &mut u64 {
        if number >= self.as_slice().len() {
            self.extend(number);
        }
        match self {
            Words::One(word) => word,
            Words::Many(words) => &mut words[number],
        }
    }
    #[cold]
    #[inline(never)]
    fn extend(&mut self, number: usize) {
        let mut words = match std::mem::take(self) {
            Words::One(word) => Box::new(vec![word]),
            Words::Many(words) => words,
        };
        if words.len() < 4 {
            words.reserve_exact(number + 1 - words.len());
        }
        words.resize(number + 1, 0);
        *self = Words::Many(words);
    }
}

impl Bits {
    /// An empty set of ids from about this one on.
    pub fn above(floor: u32) -> Bits {
        Bits { first: floor / 64, words: Words::default() }
    }
    #[inline]
    fn word(&self, id: u32) -> Option<usize> {
        (id / 64).checked_sub(self.first).map(|w| w as usize)
    }
    /// Whether the set has `id`.
    #[inline]
    pub fn has(&self, id: u32) -> bool {
        self.word(id).is_none_or(|w| self.words.as_slice().get(w).is_some_and(|w| w >> (id % 64) & 1 == 1))
    }
    /// Adds `id`; says whether it is new.
    #[inline]
    pub fn add(&mut self, id: u32) -> bool {
        let Some(w) = self.word(id) else { return false };
        let word = self.words.reach(w);
        let fresh = *word >> (id % 64) & 1 == 0;
        *word |= 1 << (id % 64);
        fresh
    }
    /// Removes `id`; says whether it was there. What is below the floor stays.
    pub fn remove(&mut self, id: u32) -> bool {
        let Some(w) = self.word(id) else { return false };
        let had = self.has(id);
        if had {
            *self.words.reach(w) &= !(1 << (id % 64));
        }
        had
    }
    /// Removes all that is above the floor.
    pub fn clear(&mut self) {
        self.words = Words::default();
    }
    /// Nobody asks for ids below `floor` any more, or they are all members.
    pub fn forget_below(&mut self, floor: u32) {
        let gone = (floor / 64).saturating_sub(self.first);
        self.first += gone;
        match &mut self.words {
            Words::One(word) if gone > 0 => *word = 0,
            Words::One(_) => {}
            Words::Many(words) => {
                words.drain(..(gone as usize).min(words.len()));
                if words.len() < 2 {
                    self.words = Words::One(words.first().copied().unwrap_or(0));
                }
            }
        }
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
    fn is_a_plain_set_in_one_word_and_in_many() {
        for spread in [20, 1_000] {
            let (mut b, mut plain) = (Bits::default(), std::collections::BTreeSet::new());
            for i in 0..5_000_u32 {
                let id = i / 4 + i * 37 % spread;
                match i % 7 {
                    0 => b.forget_below(i / 4),
                    1 | 2 => assert_eq!(b.remove(id), plain.remove(&id), "{i}"),
                    _ => assert_eq!(b.add(id), plain.insert(id), "{i}"),
                }
                assert_eq!(b.has(id + 1), plain.contains(&(id + 1)), "{i}");
            }
            assert_eq!(matches!(b.words, Words::One(_)), spread == 20);
        }
    }

    #[test]
    fn what_is_below_the_floor_is_a_member_and_takes_no_room() {
        let mut b = Bits::default();
        b.add(1_000);
        b.forget_below(990);
        assert!(b.has(3) && !b.add(3) && !b.remove(3));
        assert!(b.has(1_000) && !b.has(999) && !b.has(1_001) && matches!(b.words, Words::One(_)));
        b.clear();
        assert!(!b.has(1_000) && b.has(3));
        b.forget_below(1_000_000);
        assert!(b.add(1_000_001) && b.has(1_000_001) && matches!(b.words, Words::One(_)));
        assert!(!Bits::above(640).has(640) && Bits::above(640).has(639));
    }
}
