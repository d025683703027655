//! Which windows of the ring hold anything: a bit for each.

use super::RING;

/// The bits.
#[derive(Debug)]
pub struct Filled([u64; RING / 64]);

impl Default for Filled {
    fn default() -> Self {
        Filled([0; RING / 64])
    }
}

impl Filled {
    /// A place holds something.
    #[inline]
    pub fn set(&mut self, place: usize) {
        self.0[place % RING / 64] |= 1 << (place % 64);
    }
    /// It holds nothing any more.
    #[inline]
    pub fn unset(&mut self, place: usize) {
        self.0[place % RING / 64] &= !(1 << (place % 64));
    }
    /// No place holds anything.
    pub fn clear(&mut self) {
        self.0.fill(0);
    }
    /// Number of the first window from `next` on that holds something.
    pub fn first(&self, next: u64) -> Option<u64> {
        let start = next as usize % RING;
        let (word, rest) = (start / 64, self.0[start / 64] & !0 << (start % 64));
        if rest != 0 {
            return Some(next + u64::from(rest.trailing_zeros()) - start as u64 % 64);
        }
        let used = |words: &[u64]| words.iter().position(|w| *w != 0);
        // The first word once more, for what lies before the start.
        let word = match used(&self.0[word + 1..]) {
            Some(i) => word + 1 + i,
            None => used(&self.0[..=word])?,
        };
        let place = word * 64 + self.0[word].trailing_zeros() as usize;
        Some(next + (place.wrapping_sub(start) % RING) as u64)
    }
    /// Numbers of all windows from `next` on that hold something, in order.
    pub fn all(&self, next: u64) -> impl Iterator<Item = u64> {
        let after = move |number: &u64| self.first(number + 1).filter(|n| *n < next + RING as u64);
        std::iter::successors(self.first(next), after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledgerlab_consensus::types::mix64;

    #[test]
    fn the_first_and_all_are_found_from_any_window_on() {
        for case in 0..2_000 {
            let (mut filled, next) = (Filled::default(), mix64(case) % 100_000);
            let places: Vec<usize> = (0..case % 5).map(|i| mix64(case ^ mix64(i)) as usize % RING).collect();
            places.iter().for_each(|place| filled.set(*place));
            let holds = |number: &u64| places.contains(&(*number as usize % RING));
            let all: Vec<u64> = (next..next + RING as u64).filter(holds).collect();
            assert_eq!(filled.first(next), all.first().copied(), "from {next}");
            assert!(filled.all(next).eq(all.iter().copied()), "from {next}: {all:?}");
            places.iter().for_each(|place| filled.unset(*place));
            assert_eq!(filled.first(next), None);
        }
    }
}
