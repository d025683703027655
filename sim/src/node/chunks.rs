//! A list that grows by small pieces: nothing is copied, and no more than one piece is allocated ahead of need.

use std::ops::{Index, IndexMut};

use crate::kernel::prefetch::prefetch_lines;

/// log2 of the number of entries in a piece.
const SHIFT: u32 = 9;
const MASK: u32 = (1 << SHIFT) - 1;

/// The list.
#[derive(Clone, Debug)]
pub struct Chunks<T> {
    pieces: Vec<Vec<T>>,
    len: u32,
}

impl<T> Default for Chunks<T> {
    fn default() -> Self {
        Chunks { pieces: vec![], len: 0 }
    }
}

impl<T> Chunks<T> {
    /// Number of entries.
    pub fn len(&self) -> u32 {
        self.len
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
    /// Adds an entry; returns its index.
    pub fn push(&mut self, entry: T) -> u32 {
        if self.len & MASK == 0 {
            self.pieces.push(Vec::with_capacity(1 << SHIFT));
        }
        if let Some(last) = self.pieces.last_mut() {
            last.push(entry);
        }
        self.len += 1;
        self.len - 1
    }
    /// An entry, if there is one.
    #[inline(always)]
    pub fn get(&self, i: u32) -> Option<&T> {
        self.pieces.get((i >> SHIFT) as usize)?.get((i & MASK) as usize)
    }
    /// Asks for an entry that will be read soon.
    #[inline]
    pub fn prefetch(&self, i: u32) {
        if let Some(piece) = self.pieces.get((i >> SHIFT) as usize) {
            prefetch_lines(piece, (i & MASK) as usize, 2);
        }
    }
    /// All entries in order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.pieces.iter().flatten()
    }
}

impl<T> Index<u32> for Chunks<T> {
    type Output = T;
    #[inline]
    fn index(&self, i: u32) -> &T {
        &self.pieces[(i >> SHIFT) as usize][(i & MASK) as usize]
    }
}

impl<T> IndexMut<u32> for Chunks<T> {
    #[inline]
    fn index_mut(&mut self, i: u32) -> &mut T {
        &mut self.pieces[(i >> SHIFT) as usize][(i & MASK) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_found_across_pieces() {
        let mut c = Chunks::default();
        assert!(c.is_empty());
        for i in 0..2_000 {
            assert_eq!(c.push(i * 3), i);
        }
        c[1_999] = 7;
        assert_eq!((c.len(), c[0], c[511], c[512], c[1_999]), (2_000, 0, 1_533, 1_536, 7));
        assert_eq!((c.get(1_999), c.get(2_000), c.get(u32::MAX)), (Some(&7), None, None));
        assert!(c.iter().copied().take(1_999).eq((0..1_999).map(|i| i * 3)));
        assert!(c.pieces.iter().all(|p| p.capacity() == 512));
    }
}
