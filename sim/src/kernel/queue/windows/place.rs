//! Where events and copies wait: in a window of the ring, or aside.

use ledgerlab_consensus::Time;

use super::copy::{Copy8, OFFSET_BITS};
use super::{RING, Windows};
use crate::kernel::queue::{Event, Origin, Queue};

/// So many events may come before the open window until the windows are opened anew; an eighth of those that would be
/// moved then may come beside, so that each pays for a constant share.
const FEW_EARLY: usize = 16;

impl Windows {
    /// Puts an event where it waits until its window opens or is taken.
    #[inline]
    pub(super) fn place(&mut self, event: Event) {
        let window = event.at.0 >> self.shift;
        if window.wrapping_sub(self.next) < RING as u64 {
            self.put_event(window as usize % RING, event);
        } else {
            self.place_aside(event, window);
        }
    }

    /// The same of a copy.
    #[inline(always)]
    pub(super) fn place_copy(&mut self, event: Event) {
        let window = event.at.0 >> self.shift;
        let near = window.wrapping_sub(self.next) < RING as u64;
        if !near || self.shift > OFFSET_BITS || !Copy8::fits(event.target, event.what) {
            return self.place(event);
        }
        self.note_origin(event.what, event.origin);
        self.place_record(window, event.at.0, event.target, event.what);
    }

    /// The same for copies of one message.
    #[inline]
    pub(super) fn place_copies(&mut self, (origin, what): (Origin, u32), copies: impl Iterator<Item = (u32, Time)>) {
        // No window becomes wider than records allow while there are any.
        let fits = self.shift <= OFFSET_BITS && Copy8::fits(0, what);
        if fits {
            self.note_origin(what, origin);
        }
        let of = |windows: &Windows| (windows.shift, (1 << windows.shift) - 1, windows.next);
        let (mut shift, mut mask, mut next) = of(self);
        for (target, at) in copies {
            self.len += 1;
            let window = at.0 >> shift;
            if window.wrapping_sub(next) < RING as u64 && fits && Copy8::fits(target, 0) {
                self.put_copy(window as usize % RING, Copy8::pack(at.0 & mask, target, what));
            } else {
                self.place(Event { at, origin, target, what });
                // It may have changed the windows.
                (shift, mask, next) = of(self);
            }
        }
    }

    /// All copies of a slot have this origin.
    #[inline]
    fn note_origin(&mut self, slot: u32, origin: Origin) {
        let slot = slot as usize;
        if slot >= self.origins.len() {
            self.origins.resize(slot + 1, Origin::default());
        }
        self.origins[slot] = origin;
    }

    #[inline(always)]
    fn place_record(&mut self, window: u64, at: u64, target: u32, slot: u32) {
        let offset = at & ((1 << self.shift) - 1);
        self.put_copy(window as usize % RING, Copy8::pack(offset, target, slot));
    }

    /// Puts an event into a window of the ring.
    #[inline(always)]
    pub(super) fn put_event(&mut self, i: usize, event: Event) {
        self.events.push(&mut self.ring[i].events, event, || self.filled.set(i));
    }

    /// The same of a copy.
    #[inline(always)]
    pub(super) fn put_copy(&mut self, i: usize, copy: Copy8) {
        self.copies.push(&mut self.ring[i].copies, copy, || self.filled.set(i));
    }

    /// Takes an event for a window that was opened, or that lies beyond the ring.
    #[cold]
    #[inline(never)]
    fn place_aside(&mut self, event: Event, window: u64) {
        if window >= self.next {
            self.pace.far();
            return self.far.push(event);
        }
        self.late.push(event);
        if event.at.0 < self.base {
            return self.push_early();
        }
        self.pace.late();
        if self.pace.due(self.len) {
            self.reconsider();
        }
    }

    /// An event came before the open window, which was the next that held anything: after many such the windows are
    /// opened anew from the first of them on, so that a crowd that fills a pause does not pass through the heap.
    fn push_early(&mut self) {
        self.early += 1;
        if self.early > FEW_EARLY + (self.len - self.far.len()) / 8
            && let Some(start) = self.next_at()
        {
            self.redistribute(self.shift, start.0);
        }
    }
}
