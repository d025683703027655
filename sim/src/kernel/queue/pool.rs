//! Lists of small values in chunks of one shared pool.
//!
//! A queue has thousands of windows whose peaks come one after the other. A vector per window would keep all of the
//! peaks; chunks go back to a free list instead, so the pool holds what is pending at most, plus a part of a chunk for
//! each list that is not empty.

/// No chunk.
const NONE: u32 = u32::MAX;

/// A list: its last chunk and its length. It means something only to its pool.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct List {
    last: u32,
    len: u32,
}

impl List {
    /// Without values.
    pub const EMPTY: List = List { last: NONE, len: 0 };

    /// Number of values.
    #[inline]
    pub fn len(self) -> usize {
        self.len as usize
    }
}

/// Chunks of `CHUNK` values and the free list.
#[derive(Debug)]
pub struct Pool<T, const CHUNK: usize> {
    chunks: Vec<[T; CHUNK]>,
    /// For each chunk the one before it in its list, or the next free one.
    links: Vec<u32>,
    free: u32,
}

impl<T, const CHUNK: usize> Default for Pool<T, CHUNK> {
    fn default() -> Self {
        Pool { chunks: vec![], links: vec![], free: NONE }
    }
}

impl<T: Copy + Default, const CHUNK: usize> Pool<T, CHUNK> {
    /// Adds a value to a list.
    #[inline]
    pub fn push(&mut self, list: &mut List, value: T) {
        let place = list.len as usize % CHUNK;
        if place == 0 {
            self.extend(list);
        }
        self.chunks[list.last as usize][place] = value;
        list.len += 1;
    }

    #[cold]
    #[inline(never)]
    fn extend(&mut self, list: &mut List) {
        assert!(list.len <= u32::MAX - CHUNK as u32, "a window of more than 2^32 events");
        if self.free == NONE {
            self.grow();
        }
        let chunk = self.free;
        self.free = self.links[chunk as usize];
        self.links[chunk as usize] = list.last;
        list.last = chunk;
    }

    /// Grows by an eighth, not by a factor of two: what is pending is most of a large run's memory.
    fn grow(&mut self) {
        let (old, more) = (self.chunks.len(), (self.chunks.len() / 8).max(16));
        assert!(old + more < NONE as usize, "too many chunks");
        self.chunks.reserve_exact(more);
        self.links.reserve_exact(more);
        for chunk in old..old + more {
            self.chunks.push([T::default(); CHUNK]);
            self.links.push(self.free);
            self.free = chunk as u32;
        }
    }

    /// Visits a list's values by chunks, the last one first.
    #[inline]
    pub fn for_each_chunk(&self, list: List, mut visit: impl FnMut(&[T])) {
        let (mut chunk, mut filled) = (list.last, last_chunk::<CHUNK>(list));
        while chunk != NONE {
            visit(&self.chunks[chunk as usize][..filled]);
            chunk = self.links[chunk as usize];
            filled = CHUNK;
        }
    }

    /// Visits a list's values, the last chunk first.
    #[inline]
    pub fn for_each(&self, list: List, mut visit: impl FnMut(T)) {
        self.for_each_chunk(list, |values| values.iter().for_each(|v| visit(*v)));
    }

    /// Gives a list's chunks back.
    pub fn release(&mut self, list: List) {
        let mut chunk = list.last;
        while chunk != NONE {
            let before = self.links[chunk as usize];
            self.links[chunk as usize] = self.free;
            self.free = chunk;
            chunk = before;
        }
    }

    /// Takes one chunk off a list: its values and their number; none if the list is empty.
    pub fn take_chunk(&mut self, list: &mut List) -> Option<([T; CHUNK], usize)> {
        if list.last == NONE {
            return None;
        }
        let (chunk, filled) = (list.last, last_chunk::<CHUNK>(*list));
        list.len -= filled as u32;
        list.last = self.links[chunk as usize];
        self.links[chunk as usize] = self.free;
        self.free = chunk;
        Some((self.chunks[chunk as usize], filled))
    }

    /// Bytes that the pool holds.
    pub fn bytes(&self) -> usize {
        self.chunks.capacity() * size_of::<[T; CHUNK]>() + self.links.capacity() * size_of::<u32>()
    }
}

/// Values in the last chunk of a list that is not empty.
#[inline]
fn last_chunk<const CHUNK: usize>(list: List) -> usize {
    match list.len as usize % CHUNK {
        0 => CHUNK,
        n => n,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(pool: &Pool<u64, 64>, list: List) -> Vec<u64> {
        let mut all = vec![];
        pool.for_each(list, |v| all.push(v));
        all.sort_unstable();
        all
    }

    #[test]
    fn lists_share_chunks_and_keep_their_values_apart() {
        let mut pool = Pool::default();
        let mut lists = [List::EMPTY; 3];
        for v in 0..1_000_u64 {
            pool.push(&mut lists[v as usize % 3], v);
        }
        for (i, list) in lists.into_iter().enumerate() {
            let expected: Vec<u64> = (0..1_000).filter(|v| v % 3 == i as u64).collect();
            assert_eq!(values(&pool, list), expected);
        }
        let mut taken = vec![];
        while let Some((chunk, filled)) = pool.take_chunk(&mut lists[1]) {
            taken.extend_from_slice(&chunk[..filled]);
        }
        taken.sort_unstable();
        assert_eq!(taken, (0..1_000).filter(|v| v % 3 == 1).collect::<Vec<u64>>());
        assert_eq!(lists[1], List::EMPTY);
    }

    #[test]
    fn chunks_that_were_given_back_are_used_again() {
        let mut pool = Pool::default();
        let fill = |pool: &mut Pool<u64, 64>| {
            let mut list = List::EMPTY;
            (0..10_000).for_each(|v| pool.push(&mut list, v));
            list
        };
        let list = fill(&mut pool);
        let bytes = pool.bytes();
        pool.release(list);
        for _ in 0..10 {
            let mut list = fill(&mut pool);
            while pool.take_chunk(&mut list).is_some() {}
        }
        assert_eq!(pool.bytes(), bytes, "the pool grew");
    }
}
