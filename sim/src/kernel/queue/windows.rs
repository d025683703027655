//! The fast queue: a ring of time windows, sorted when they open.
//!
//! A push appends to its window without ordering; when the clock reaches a window, one counting sort and one
//! insertion pass order it, and a cursor walks the flat result. Copies of stored messages are 8-byte records beside
//! the 24-byte events; both are merged by key. What is pushed into the open window goes to a small heap, what lies
//! beyond the ring to another one, so no schedule costs more than O(log n). The width of the windows follows the
//! density of events. Related: Steinman's event horizon (PADS 1996), the ladder queue (Tang et al., TOMACS 2005).

mod copy;
mod pace;

use ledgerlab_consensus::Time;

use super::pool::{List, Pool};
use super::{Event, Heap, Origin, Queue, sort};
use copy::{Copy8, OFFSET_BITS};
use pace::{FIRST_SHIFT, MAX_SHIFT, Pace};

/// Windows in the ring.
const RING: usize = 1 << 12;

/// What a window holds before it is opened.
#[derive(Clone, Copy, Debug)]
struct Window {
    events: List,
    copies: List,
}

const EMPTY: Window = Window { events: List::EMPTY, copies: List::EMPTY };

/// The window queue.
#[derive(Debug)]
pub struct Windows {
    /// log2 of the width of a window in ns.
    shift: u32,
    /// Number of the first window that was not opened; the ring holds it and those after it.
    next: u64,
    ring: Vec<Window>,
    /// A bit for each window in the ring that is not empty.
    filled: Vec<u64>,
    events: Pool<Event>,
    copies: Pool<Copy8>,
    /// Of the messages by slot.
    origins: Vec<Origin>,
    /// Events beyond the ring; some may have come within its reach.
    far: Heap,
    /// Events that came when their window was open, or past.
    late: Heap,
    /// The open window: its start in ns, what it holds, and how much of it was popped.
    base: u64,
    run: Vec<Event>,
    run_next: usize,
    copy_run: Vec<Copy8>,
    copy_next: usize,
    counts: Vec<u32>,
    len: usize,
    pace: Pace,
}

impl Default for Windows {
    fn default() -> Self {
        Windows {
            shift: FIRST_SHIFT,
            next: 0,
            ring: vec![EMPTY; RING],
            filled: vec![0; RING / 64],
            events: Pool::default(),
            copies: Pool::default(),
            origins: vec![],
            far: Heap::default(),
            late: Heap::default(),
            base: 0,
            run: vec![],
            run_next: 0,
            copy_run: vec![],
            copy_next: 0,
            counts: vec![],
            len: 0,
            pace: Pace::default(),
        }
    }
}

impl Queue for Windows {
    #[inline]
    fn push(&mut self, event: Event) {
        self.len += 1;
        self.place(event);
    }

    #[inline]
    fn push_copy(&mut self, event: Event) {
        self.len += 1;
        self.place_copy(event);
    }

    #[inline]
    fn pop(&mut self) -> Option<Event> {
        loop {
            if self.late.is_empty() {
                // The two common cases: nothing but events, nothing but copies.
                match (self.run.get(self.run_next), self.copy_run.get(self.copy_next)) {
                    (Some(&event), None) => {
                        self.run_next += 1;
                        self.len -= 1;
                        return Some(event);
                    }
                    (None, Some(&copy)) => {
                        self.copy_next += 1;
                        self.len -= 1;
                        return Some(copy.event(self.base, &self.origins));
                    }
                    (Some(_), Some(_)) => return Some(self.pop_least()),
                    (None, None) => {}
                }
                if !self.open() {
                    return None;
                }
            } else {
                return Some(self.pop_least());
            }
        }
    }

    #[inline]
    fn next_at(&mut self) -> Option<Time> {
        loop {
            let event = self.run.get(self.run_next).map(|e| e.at);
            let copy = self.copy_run.get(self.copy_next).map(|c| Time(self.base + c.offset()));
            let late = self.late.first().map(|e| e.at);
            let least = [event, copy, late].into_iter().flatten().min();
            if least.is_some() || !self.open() {
                return least;
            }
        }
    }

    #[inline]
    fn len(&self) -> usize {
        self.len
    }

    #[inline]
    fn upcoming(&self, places: usize) -> Option<(u32, u32)> {
        match self.copy_run.get(self.copy_next + places) {
            Some(copy) => Some((copy.target(), copy.slot())),
            None => self.run.get(self.run_next + places).map(|e| (e.target, e.what)),
        }
    }
}

impl Windows {
    /// Bytes that the queue holds, for pending events and as scratch.
    pub fn bytes(&self) -> usize {
        let runs = self.run.capacity() * size_of::<Event>() + self.copy_run.capacity() * size_of::<Copy8>();
        let heaps = (self.far.capacity() + self.late.capacity()) * size_of::<Event>();
        let tables = self.origins.capacity() * size_of::<Origin>() + self.counts.capacity() * size_of::<u32>();
        let ring = self.ring.capacity() * size_of::<Window>() + self.filled.capacity() * size_of::<u64>();
        self.events.bytes() + self.copies.bytes() + runs + heaps + tables + ring
    }

    #[inline]
    fn place(&mut self, event: Event) {
        let window = event.at.0 >> self.shift;
        if window.wrapping_sub(self.next) < RING as u64 {
            let i = window as usize % RING;
            self.filled[i / 64] |= 1 << (i % 64);
            self.events.push(&mut self.ring[i].events, event);
        } else {
            self.place_aside(event, window);
        }
    }

    #[inline]
    fn place_copy(&mut self, event: Event) {
        let window = event.at.0 >> self.shift;
        let near = window.wrapping_sub(self.next) < RING as u64;
        if !near || self.shift > OFFSET_BITS || !Copy8::fits(&event) {
            return self.place(event);
        }
        let slot = event.what as usize;
        if slot >= self.origins.len() {
            self.origins.resize(slot + 1, Origin::default());
        }
        self.origins[slot] = event.origin;
        let i = window as usize % RING;
        self.filled[i / 64] |= 1 << (i % 64);
        let offset = event.at.0 & ((1 << self.shift) - 1);
        self.copies.push(&mut self.ring[i].copies, Copy8::pack(&event, offset));
    }

    /// Takes an event for a window that was opened, or that lies beyond the ring.
    #[cold]
    #[inline(never)]
    fn place_aside(&mut self, event: Event, window: u64) {
        if window >= self.next {
            return self.far.push(event);
        }
        self.late.push(event);
        self.pace.late();
        if self.pace.due(self.len) {
            self.reconsider();
        }
    }

    /// Pops the least of the next event, the next copy and the first late one; there is one.
    #[inline(never)]
    fn pop_least(&mut self) -> Event {
        self.len -= 1;
        let copy = self.copy_run.get(self.copy_next).map(|c| c.event(self.base, &self.origins));
        let event = self.run.get(self.run_next).copied();
        let late = self.late.first().copied();
        let least = [copy, event, late].into_iter().flatten().min_by_key(Event::key);
        if least == late {
            self.late.pop();
        } else if least == event {
            self.run_next += 1;
        } else {
            self.copy_next += 1;
        }
        least.expect("an open window or a late event")
    }

    /// Opens the next window that is not empty, unless there is none; the last one must be done with.
    #[cold]
    #[inline(never)]
    fn open(&mut self) -> bool {
        loop {
            let far = self.far.first().map(|e| e.at.0 >> self.shift);
            let Some(window) = [self.first_filled(), far].into_iter().flatten().min() else { return false };
            self.next = window;
            self.fetch_far();
            let i = window as usize % RING;
            let count = self.ring[i].events.len() + self.ring[i].copies.len();
            let start = window << self.shift;
            if self.pace.due(self.len) {
                if let Some(shift) = self.pace.look((self.shift, self.widest()), self.len, start, count) {
                    self.redistribute(shift, start);
                    continue;
                }
            }
            self.pace.opened(count, start);
            self.load(i, start);
            self.next += 1;
            return true;
        }
    }

    /// Sorts a window's content into the runs.
    fn load(&mut self, i: usize, start: u64) {
        let Window { events, copies } = std::mem::replace(&mut self.ring[i], EMPTY);
        self.filled[i / 64] &= !(1 << (i % 64));
        (self.base, self.run_next, self.copy_next) = (start, 0, 0);
        let (shift, counts, origins) = (self.shift, &mut self.counts, &self.origins);
        let digit = |e: Event| e.at.0 - start;
        sort::window(&mut self.run, counts, (&self.events, events), shift, digit, |e| e.key());
        self.events.release(events);
        let key = |c: Copy8| (c.offset(), origins[c.slot() as usize], c.target());
        sort::window(&mut self.copy_run, counts, (&self.copies, copies), shift, Copy8::offset, key);
        self.copies.release(copies);
    }

    /// Number of the first window in the ring that is not empty.
    fn first_filled(&self) -> Option<u64> {
        let start = self.next as usize % RING;
        let words = self.filled.len();
        let masked = |i: usize| match i {
            0 => self.filled[start / 64] & !0 << (start % 64),
            // The first word once more, for what lies before the start.
            i if i == words => self.filled[start / 64] & !(!0 << (start % 64)),
            i => self.filled[(start / 64 + i) % words],
        };
        let i = (0..=words).find(|i| masked(*i) != 0)?;
        let found = (start / 64 + i) % words * 64 + masked(i).trailing_zeros() as usize;
        Some(self.next + (found.wrapping_sub(start) % RING) as u64)
    }

    /// Moves events that are within reach of the ring now into it.
    fn fetch_far(&mut self) {
        while let Some(first) = self.far.first() {
            if first.at.0 >> self.shift >= self.next + RING as u64 {
                break;
            }
            let event = self.far.pop().expect("it has a first one");
            self.place(event);
        }
    }

    /// The widest that windows may be, in bits: where there are copies, so that they have a place in a record.
    fn widest(&self) -> u32 {
        if self.origins.is_empty() { MAX_SHIFT } else { OFFSET_BITS }
    }

    /// Looks at the width while a window is open.
    fn reconsider(&mut self) {
        let Some(now) = self.next_at() else { return };
        // What was opened or came late, and still waits, was not popped.
        let waiting = self.run.len() - self.run_next + self.copy_run.len() - self.copy_next + self.late.len();
        self.pace.waiting(waiting);
        if let Some(shift) = self.pace.look((self.shift, self.widest()), self.len, now.0, 0) {
            self.redistribute(shift, now.0);
        }
    }

    /// Gives all windows a new width; nothing is pending before `start`, and no window is open afterwards.
    fn redistribute(&mut self, shift: u32, start: u64) {
        let (old_shift, old_next) = (self.shift, self.next);
        let old = std::mem::replace(&mut self.ring, vec![EMPTY; RING]);
        self.filled.fill(0);
        (self.shift, self.next) = (shift, start >> shift);
        for event in self.late.take() {
            self.place(event);
        }
        for event in std::mem::take(&mut self.run).drain(self.run_next..) {
            self.place(event);
        }
        let base = self.base;
        for copy in std::mem::take(&mut self.copy_run).drain(self.copy_next..) {
            self.place_copy(copy.event(base, &self.origins));
        }
        (self.run_next, self.copy_next) = (0, 0);
        for (i, mut window) in old.into_iter().enumerate() {
            let number = old_next + ((i as u64).wrapping_sub(old_next) % RING as u64);
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
