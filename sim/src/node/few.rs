//! A queue that mostly holds one entry at most, which lies in place: nothing is allocated for it.

use std::collections::VecDeque;

/// The queue.
#[derive(Clone, Debug)]
pub struct Few<T> {
    first: Option<T>,
    /// What comes after the first; nothing is here without one.
    #[expect(clippy::box_collection, reason = "a queue shall take little where it needs none")]
    rest: Option<Box<VecDeque<T>>>,
}

impl<T> Default for Few<T> {
    fn default() -> Self {
        Few { first: None, rest: None }
    }
}

impl<T> Few<T> {
    /// Whether there are none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.first.is_none()
    }
    /// Adds an entry at the end.
    #[inline]
    pub fn push_back(&mut self, entry: T) {
        if self.first.is_none() {
            self.first = Some(entry);
        } else {
            self.rest.get_or_insert_default().push_back(entry);
        }
    }
    /// Takes the oldest entry.
    #[inline]
    pub fn pop_front(&mut self) -> Option<T> {
        let first = self.first.take()?;
        self.first = self.rest.as_mut().and_then(|r| r.pop_front());
        Some(first)
    }
    /// The newest entry.
    pub fn back(&self) -> Option<&T> {
        self.rest.as_ref().and_then(|r| r.back()).or(self.first.as_ref())
    }
    /// Drops all.
    pub fn clear(&mut self) {
        *self = Few::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_a_plain_queue() {
        let (mut few, mut plain) = (Few::default(), VecDeque::new());
        for i in 0..1_000_u32 {
            if i * i % 7 < 4 {
                few.push_back(i);
                plain.push_back(i);
            } else {
                assert_eq!(few.pop_front(), plain.pop_front(), "{i}");
            }
            if i % 97 == 0 {
                few.clear();
                plain.clear();
            }
            assert_eq!((few.back(), few.is_empty()), (plain.back(), plain.is_empty()), "{i}");
        }
    }
}
