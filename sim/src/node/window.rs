//! A table whose oldest entries leave memory: places are numbered from 0 on, and no number is given twice.
//!
//! Whoever lets entries go has made sure that nobody asks for them again; to index one that has left is a bug and
//! panics, [`Window::get`] finds nothing there.

use std::collections::VecDeque;
use std::ops::{Index, IndexMut};

/// Tables with fewer entries grow by small steps: there may be very many of them.
const SHORT: usize = 32;

/// Entries `first..end` of a table.
#[derive(Clone, Debug)]
pub struct Window<T> {
    first: u64,
    entries: VecDeque<T>,
}

impl<T> Default for Window<T> {
    fn default() -> Self {
        Window::starting_at(0)
    }
}

impl<T> Window<T> {
    /// An empty table whose first entry will have this number.
    pub fn starting_at(first: u64) -> Window<T> {
        Window { first, entries: VecDeque::new() }
    }
    /// Number of the oldest entry that is kept.
    pub fn first(&self) -> u64 {
        self.first
    }
    /// One more than the number of the newest entry.
    pub fn end(&self) -> u64 {
        self.first + self.entries.len() as u64
    }
    /// Adds an entry; returns its number.
    pub fn push(&mut self, entry: T) -> u64 {
        if self.entries.len() == self.entries.capacity() && self.entries.len() < SHORT {
            self.entries.reserve_exact(1 + self.entries.len() / 4);
        }
        self.entries.push_back(entry);
        self.end() - 1
    }
    /// Takes the newest entry off.
    pub fn pop(&mut self) -> Option<T> {
        self.entries.pop_back()
    }
    /// An entry that is kept.
    pub fn get(&self, number: u64) -> Option<&T> {
        self.entries.get(number.checked_sub(self.first)? as usize)
    }
    /// The same, to change it.
    pub fn get_mut(&mut self, number: u64) -> Option<&mut T> {
        self.entries.get_mut(number.checked_sub(self.first)? as usize)
    }
    /// The newest entry.
    pub fn last(&self) -> Option<&T> {
        self.entries.back()
    }
    /// Number of the newest entry of which something holds, among so many.
    pub fn recent(&self, many: usize, is: impl Fn(&T) -> bool) -> Option<u64> {
        let newest = self.entries.iter().rev().take(many);
        (0..self.end()).rev().zip(newest).find(|(_, entry)| is(entry)).map(|(number, _)| number)
    }
    /// Entries from this number on, as far as they are kept.
    pub fn above(&self, number: u64) -> impl Iterator<Item = &T> {
        let skipped = number.saturating_sub(self.first) as usize;
        self.entries.range(skipped.min(self.entries.len())..)
    }
    /// Numbers and entries, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &T)> {
        (self.first..).zip(&self.entries)
    }
    /// Takes the oldest entry out.
    pub fn take_first(&mut self) -> Option<T> {
        let entry = self.entries.pop_front()?;
        self.first += 1;
        Some(entry)
    }
    /// Lets go of entries below a number; room that an outage has filled is given back.
    pub fn forget_below(&mut self, number: u64) {
        let gone = number.min(self.end()).saturating_sub(self.first);
        self.entries.drain(..gone as usize);
        self.first += gone;
        if self.entries.capacity() > 64 && self.entries.capacity() > 8 * self.entries.len() {
            self.entries.shrink_to(2 * self.entries.len());
        }
    }
}

impl<T> Index<u32> for Window<T> {
    type Output = T;
    #[inline]
    fn index(&self, number: u32) -> &T {
        &self.entries[(u64::from(number) - self.first) as usize]
    }
}

impl<T> IndexMut<u32> for Window<T> {
    #[inline]
    fn index_mut(&mut self, number: u32) -> &mut T {
        &mut self.entries[(u64::from(number) - self.first) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_when_old_entries_leave() {
        let mut w = Window::default();
        assert_eq!((0..10).map(|i| w.push(i * i)).last(), Some(9));
        w.forget_below(4);
        assert_eq!((w.first(), w.end(), w[4], w[9], w.get(3)), (4, 10, 16, 81, None));
        w.forget_below(2);
        assert_eq!(w.push(100), 10);
        assert_eq!(w.above(9).copied().collect::<Vec<_>>(), [81, 100]);
        assert_eq!(w.above(0).count(), 7);
        assert_eq!((w.pop(), w.take_first(), w.first()), (Some(100), Some(16), 5));
        w.forget_below(1_000);
        assert_eq!((w.first(), w.end(), w.last()), (10, 10, None));
    }

    #[test]
    fn room_is_given_back() {
        let mut w: Window<u64> = (0..10_000).fold(Window::starting_at(5), |mut w, i| {
            w.push(i);
            w
        });
        w.forget_below(10_000);
        assert!(w.entries.capacity() < 100, "{}", w.entries.capacity());
        assert_eq!(w[10_000], 9_995);
    }
}
