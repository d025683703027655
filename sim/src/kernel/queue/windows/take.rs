//! Taking events out without ordering them: for those who look at a window of their own at a time.
//!
//! Nothing is opened: whole windows of the ring are handed over as they were filled, and of the one in which the end
//! lies what comes after it is put back.

use ledgerlab_consensus::{Span, Time};

use super::copy::{Copy8, OFFSET_BITS};
use super::pace::{MIN_SHIFT, Pace};
use super::{EMPTY, RING, Window, Windows};
use crate::kernel::queue::{Event, Queue};

/// So many powers of two are windows wider than those that are asked for: few events lie beyond the ring then.
const WIDER: u32 = 1;
/// So many are they narrower where crowds are seen: those of one receiver in one window are few then, so that its
/// events are nearly in order, and what must be put back is a small part.
const FINER: u32 = 2;

impl Windows {
    /// Gives windows the width that suits those who take so much at a time.
    pub(super) fn fix_width(&mut self, width: Span) {
        assert!(self.is_empty(), "windows get a fixed width while nothing is pending");
        let bits = width.0.max(1).ilog2();
        self.shift = (bits + WIDER).clamp(MIN_SHIFT, OFFSET_BITS);
        self.next = 0;
        self.pace = Pace::told(bits.saturating_sub(FINER).clamp(MIN_SHIFT, OFFSET_BITS));
    }

    /// Time of the first event of all.
    #[inline]
    pub(super) fn first(&self) -> Option<Time> {
        let far = self.far.first().map_or(Time::NEVER, |e| e.at);
        let first = self.event_at().min(self.copy_at()).min(self.late_at()).min(far);
        match self.filled.first(self.next) {
            Some(window) if window << self.shift < first.0 => Some(first.min(self.first_of(window))),
            _ => (self.len > 0).then_some(first),
        }
    }

    /// Time of the first event of a window.
    fn first_of(&self, window: u64) -> Time {
        let Window { events, copies } = self.ring[window as usize % RING];
        let mut first = Time::NEVER;
        self.events.for_each(events, |e| first = first.min(e.at));
        let mut offset = u64::MAX;
        self.copies.for_each(copies, |c| offset = offset.min(c.offset()));
        first.min(Time((window << self.shift).saturating_add(offset)))
    }

    /// Takes out what comes before the end; the length stays as it was.
    pub(super) fn take(&mut self, end: Time, into: &mut Vec<Event>) {
        if self.is_open() || self.far.first().is_some_and(|e| e.at < end) {
            self.take_aside(end, into);
        }
        while let Some(window) = self.filled.first(self.next).filter(|w| w << self.shift < end.0) {
            let (i, start) = (window as usize % RING, window << self.shift);
            let content = std::mem::replace(&mut self.ring[i], EMPTY);
            self.filled.unset(i);
            self.next = window;
            if (end.0 - start) >> self.shift == 0 {
                return self.take_part((i, start), content, end, into);
            }
            self.take_window(start, content, into);
        }
        self.next = self.next.max(end.0 >> self.shift);
    }

    /// The same of what is open, late or beyond the ring.
    #[cold]
    fn take_aside(&mut self, end: Time, into: &mut Vec<Event>) {
        while self.event_at().min(self.copy_at()).min(self.late_at()) < end {
            // Those who take count the length.
            self.len += 1;
            into.push(self.pop_least());
        }
        while self.far.first().is_some_and(|e| e.at < end) {
            into.extend(self.far.pop());
        }
    }

    /// Takes all that a window has held which begins at `start`.
    #[inline]
    fn take_window(&mut self, start: u64, Window { events, copies }: Window, into: &mut Vec<Event>) {
        self.events.for_each_chunk(events, |chunk| into.extend_from_slice(chunk));
        self.events.release(events);
        let origins = &self.origins[..];
        let event = |c: &Copy8| c.event(start, origins);
        self.copies.for_each_chunk(copies, |chunk| into.extend(chunk.iter().map(event)));
        self.copies.release(copies);
    }

    /// Takes what a window has held that begins at `start` and in which the end lies, and puts back what comes after.
    fn take_part(&mut self, (i, start): (usize, u64), content: Window, end: Time, into: &mut Vec<Event>) {
        let Window { mut events, mut copies } = content;
        while let Some((chunk, n)) = self.events.take_chunk(&mut events) {
            for event in &chunk[..n] {
                if event.at < end { into.push(*event) } else { self.put_event(i, *event) }
            }
        }
        while let Some((chunk, n)) = self.copies.take_chunk(&mut copies) {
            for copy in &chunk[..n] {
                let early = copy.offset() < end.0 - start;
                if early { into.push(copy.event(start, &self.origins)) } else { self.put_copy(i, *copy) }
            }
        }
    }
}
