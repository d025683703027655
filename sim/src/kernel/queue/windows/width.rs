//! Giving the windows another width.

use super::copy::OFFSET_BITS;
use super::pace::MAX_SHIFT;
use super::{EMPTY, RING, Window, Windows};
use crate::kernel::queue::Queue;

impl Windows {
    /// The widest that windows may be, in bits: where there are copies, so that they have a place in a record.
    fn widest(&self) -> u32 {
        if self.origins.is_empty() { MAX_SHIFT } else { OFFSET_BITS }
    }

    /// The width that windows should have, if another one; nothing is pending before `start`.
    pub(super) fn better(&mut self, start: u64) -> Option<u32> {
        let part = self.pace.part();
        let outlook = self.outlook(start, part);
        self.pace.look(self.shift, self.widest(), self.len, outlook)
    }

    /// The nearest 1 / `part` of the events that are not beyond the ring: their number and the time that they take.
    fn outlook(&self, start: u64, part: usize) -> (usize, u64) {
        let (run, copies) = (&self.run[self.run_next..], &self.copy_run[self.copy_next..]);
        let open = run.len() + copies.len() + self.late.len();
        let nearest = (self.len - self.far.len()) / part;
        if open > nearest {
            let copies = copies.iter().map(|c| self.base + c.offset());
            let mut times: Vec<u64> = run.iter().chain(self.late.iter()).map(|e| e.at.0).chain(copies).collect();
            let last = *times.select_nth_unstable(nearest).1;
            return (nearest + 1, (last - start).saturating_add(1));
        }
        let (mut count, mut end) = (open, start);
        for window in self.filled.all(self.next) {
            let Window { events, copies } = self.ring[window as usize % RING];
            count += events.len() + copies.len();
            end = (window << self.shift).saturating_add(1 << self.shift);
            if count > nearest {
                break;
            }
        }
        (count, end - start)
    }

    /// Looks at the width while a window is open.
    pub(super) fn reconsider(&mut self) {
        let Some(now) = self.next_at() else { return };
        if let Some(shift) = self.better(now.0) {
            self.redistribute(shift, now.0);
        }
    }

    /// Gives all windows a new width; nothing is pending before `start`, and no window is open afterwards.
    pub(super) fn redistribute(&mut self, shift: u32, start: u64) {
        let old_shift = self.shift;
        let numbers: Vec<u64> = self.filled.all(self.next).collect();
        let take = |number: &u64| std::mem::replace(&mut self.ring[*number as usize % RING], EMPTY);
        let old: Vec<Window> = numbers.iter().map(take).collect();
        self.filled.clear();
        (self.shift, self.next) = (shift, start >> shift);
        // Wider windows reach further: most far events come into the ring, and need not leave the heap one by one.
        let far = if shift > old_shift { self.far.take() } else { vec![] };
        for event in self.late.take().into_iter().chain(far) {
            self.place(event);
        }
        for event in std::mem::take(&mut self.run).drain(self.run_next..) {
            self.place(event);
        }
        let base = self.base;
        for copy in std::mem::take(&mut self.copy_run).drain(self.copy_next..) {
            self.place_copy(copy.event(base, &self.origins));
        }
        (self.run_next, self.copy_next, self.early) = (0, 0, 0);
        for (number, mut window) in numbers.into_iter().zip(old) {
            while let Some((events, n)) = self.events.take_chunk(&mut window.events) {
                events[..n].iter().for_each(|e| self.place(*e));
            }
            while let Some((copies, n)) = self.copies.take_chunk(&mut window.copies) {
                for copy in &copies[..n] {
                    self.place_copy(copy.event(number << old_shift, &self.origins));
                }
            }
        }
    }
}
