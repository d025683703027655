//! A growing set of small integers.

/// A bitmap over ids that are handed out from 0.
#[derive(Clone, Debug, Default)]
pub struct Bits {
    words: Vec<u64>,
}

impl Bits {
    /// Whether the set has `id`.
    pub fn has(&self, id: u32) -> bool {
        self.words.get(id as usize / 64).is_some_and(|w| w >> (id % 64) & 1 == 1)
    }
    /// Adds `id`; says whether it is new.
    pub fn add(&mut self, id: u32) -> bool {
        let w = id as usize / 64;
        if w >= self.words.len() {
            self.words.resize(w + 1, 0);
        }
        let fresh = !self.has(id);
        self.words[w] |= 1 << (id % 64);
        fresh
    }
    /// Removes `id`; says whether it was there.
    pub fn remove(&mut self, id: u32) -> bool {
        let had = self.has(id);
        if had {
            self.words[id as usize / 64] &= !(1 << (id % 64));
        }
        had
    }
    /// Removes all.
    pub fn clear(&mut self) {
        self.words.clear();
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
}
