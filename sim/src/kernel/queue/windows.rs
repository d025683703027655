//! The fast queue: a ring of time windows, sorted when they open.
//!
//! A push appends to its window without ordering; when the clock reaches a window, one counting sort and one
//! insertion pass order it, and a cursor walks the flat result. Copies of stored messages are 8-byte records beside
//! the 24-byte events; both are merged by key. What is pushed into the open window goes to a small heap, what lies
//! beyond the ring to another one, so no schedule costs more than O(log n). The width of the windows follows the
//! density of events. Related: Steinman's event horizon (PADS 1996), the ladder queue (Tang et al., TOMACS 2005).

mod copy;
mod filled;
mod pace;
mod take;
mod width;

use ledgerlab_consensus::{Span, Time};

use super::pool::{List, Pool};
use super::{Event, Heap, Origin, Queue, sort};
use copy::{Copy8, OFFSET_BITS};
use filled::Filled;
use pace::{FIRST_SHIFT, Pace};

/// Windows in the ring.
const RING: usize = 1 << 12;

/// Events in a chunk: few, because many windows may hold a few.
const EVENTS: usize = 16;
/// So many events may come before the open window until the windows are opened anew; an eighth of those that would be
/// moved then may come beside, so that each pays for a constant share.
const FEW_EARLY: usize = 16;
/// Copies in a chunk.
const COPIES: usize = 64;

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
    ring: Box<[Window; RING]>,
    filled: Filled,
    events: Pool<Event, EVENTS>,
    copies: Pool<Copy8, COPIES>,
    /// Of the messages by slot.
    origins: Vec<Origin>,
    /// Events beyond the ring; some may have come within its reach.
    far: Heap,
    /// Events that came when their window was open, or past.
    late: Heap,
    /// How many came before the open window, since windows were last opened anew.
    early: usize,
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
            ring: Box::new([EMPTY; RING]),
            filled: Filled::default(),
            events: Pool::default(),
            copies: Pool::default(),
            origins: vec![],
            far: Heap::default(),
            late: Heap::default(),
            early: 0,
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

    #[inline(always)]
    fn push_copy(&mut self, event: Event) {
        self.len += 1;
        self.place_copy(event);
    }

    #[inline]
    fn pop(&mut self) -> Option<Event> {
        loop {
            let (copy, event) = (self.copy_run.get(self.copy_next), self.run.get(self.run_next));
            let copy_at = copy.map_or(u64::MAX, |c| self.base + c.offset());
            let event_at = event.map_or(u64::MAX, |e| e.at.0);
            let late_at = self.late.first().map_or(u64::MAX, |e| e.at.0);
            if let Some(copy) = copy
                && copy_at < event_at.min(late_at)
            {
                let event = copy.event(self.base, &self.origins);
                self.copy_next += 1;
                self.len -= 1;
                return Some(event);
            }
            if let Some(&event) = event
                && event_at < copy_at.min(late_at)
            {
                self.run_next += 1;
                self.len -= 1;
                return Some(event);
            }
            if copy.is_some() || event.is_some() || !self.late.is_empty() {
                return Some(self.pop_least());
            }
            if !self.open() {
                return None;
            }
        }
    }

    #[inline]
    fn next_at(&mut self) -> Option<Time> {
        loop {
            let at = self.event_at().min(self.copy_at()).min(self.late_at());
            if at < Time::NEVER || self.is_open() {
                return Some(at);
            }
            if !self.open() {
                return None;
            }
        }
    }

    fn pop_before(&mut self, end: Time, into: &mut Vec<Event>) {
        while let Some(next) = self.next_at().filter(|at| *at < end) {
            // Where windows hold few events most come when theirs is open.
            if self.late.first().is_some_and(|e| e.at == next) && self.runs_begin_after(next) {
                into.extend(self.late.pop());
                self.len -= 1;
                continue;
            }
            let before = into.len();
            self.run_before(end, into);
            self.len -= into.len() - before;
            if into.len() == before {
                into.push(self.pop_least());
            }
        }
    }

    #[inline]
    fn first_at(&mut self) -> Option<Time> {
        self.first()
    }

    fn take_before(&mut self, end: Time, into: &mut Vec<Event>) {
        let before = into.len();
        self.take(end, into);
        let taken = into.len() - before;
        self.len -= taken;
        if let Some(shift) = self.pace.taken(taken) {
            self.redistribute(shift, end.0);
        }
    }

    #[inline]
    fn push_copies(&mut self, message: (Origin, u32), copies: impl Iterator<Item = (u32, Time)>) {
        self.place_copies(message, copies);
    }

    fn expect_windows(&mut self, width: Span) {
        self.fix_width(width);
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
        let ring = size_of_val(&*self.ring) + size_of_val(&self.filled);
        self.events.bytes() + self.copies.bytes() + runs + heaps + tables + ring
    }

    /// Time of the next event of the open window; [`Time::NEVER`] if there is none.
    #[inline]
    fn event_at(&self) -> Time {
        self.run.get(self.run_next).map_or(Time::NEVER, |e| e.at)
    }

    /// The same of the next copy.
    #[inline]
    fn copy_at(&self) -> Time {
        self.copy_run.get(self.copy_next).map_or(Time::NEVER, |c| Time(self.base + c.offset()))
    }

    /// The same of the first late event.
    #[inline]
    fn late_at(&self) -> Time {
        self.late.first().map_or(Time::NEVER, |e| e.at)
    }

    /// Whether anything of the open window is left, or late.
    fn is_open(&self) -> bool {
        self.run_next < self.run.len() || self.copy_next < self.copy_run.len() || !self.late.is_empty()
    }

    #[inline]
    fn place(&mut self, event: Event) {
        let window = event.at.0 >> self.shift;
        if window.wrapping_sub(self.next) < RING as u64 {
            let i = window as usize % RING;
            self.filled.set(i);
            self.events.push(&mut self.ring[i].events, event);
        } else {
            self.place_aside(event, window);
        }
    }

    #[inline(always)]
    fn place_copy(&mut self, event: Event) {
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
    fn place_copies(&mut self, (origin, what): (Origin, u32), copies: impl Iterator<Item = (u32, Time)>) {
        // Had the slot no place, no copy would be looked at again.
        if self.shift <= OFFSET_BITS && Copy8::fits(0, what) {
            self.note_origin(what, origin);
        }
        for (target, at) in copies {
            self.len += 1;
            let window = at.0 >> self.shift;
            let near = window.wrapping_sub(self.next) < RING as u64;
            if near && self.shift <= OFFSET_BITS && Copy8::fits(target, what) {
                self.place_record(window, at.0, target, what);
            } else {
                self.place(Event { at, origin, target, what });
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
        let i = window as usize % RING;
        let list = &mut self.ring[i].copies;
        if list.len() == 0 {
            self.filled.set(i);
        }
        self.copies.push(list, Copy8::pack(at & ((1 << self.shift) - 1), target, slot));
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

    /// Whether nothing of both runs comes at a time or before.
    #[inline]
    fn runs_begin_after(&self, at: Time) -> bool {
        self.run.get(self.run_next).is_none_or(|e| e.at > at)
            && self.copy_run.get(self.copy_next).is_none_or(|c| self.base + c.offset() > at.0)
    }

    /// Takes from both runs what comes before the end, and before anything else that it could be tied with.
    fn run_before(&mut self, end: Time, into: &mut Vec<Event>) {
        let late = self.late_at().min(end);
        loop {
            let bound = self.event_at().min(late);
            let (copies, offset) = (&self.copy_run[self.copy_next..], bound.0.saturating_sub(self.base));
            let first = copies.partition_point(|c| c.offset() < offset);
            into.extend(copies[..first].iter().map(|c| c.event(self.base, &self.origins)));
            self.copy_next += first;
            if bound == late {
                return;
            }
            let (bound, before) = (self.copy_at().min(late), into.len());
            into.extend(self.run[self.run_next..].iter().take_while(|e| e.at < bound));
            self.run_next += into.len() - before;
            if into.len() == before {
                return;
            }
        }
    }

    /// Pops the least of the next event, the next copy and the first late one; there is one.
    #[inline(never)]
    fn pop_least(&mut self) -> Event {
        self.len -= 1;
        let copy = self.copy_run.get(self.copy_next).map(|c| c.event(self.base, &self.origins));
        let event = self.run.get(self.run_next).copied();
        let late = self.late.first().copied();
        let least = lesser(lesser(copy, event), late);
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
            let near = self.filled.first(self.next);
            let Some(window) = near.map_or(far, |near| Some(near.min(far.unwrap_or(near)))) else { return false };
            self.next = window;
            self.fetch_far();
            let i = window as usize % RING;
            let count = self.ring[i].events.len() + self.ring[i].copies.len();
            let start = window << self.shift;
            if self.pace.due(self.len)
                && let Some(shift) = self.better(start)
            {
                self.redistribute(shift, start);
                continue;
            }
            self.pace.opened(count);
            self.load(i, start);
            self.next += 1;
            return true;
        }
    }

    /// Sorts a window's content into the runs.
    fn load(&mut self, i: usize, start: u64) {
        let Window { events, copies } = std::mem::replace(&mut self.ring[i], EMPTY);
        self.filled.unset(i);
        (self.base, self.run_next, self.copy_next) = (start, 0, 0);
        let (shift, counts, origins) = (self.shift, &mut self.counts, &self.origins);
        let digit = |e: Event| e.at.0 - start;
        sort::window(&mut self.run, counts, (&self.events, events), shift, digit, |a, b| a.precedes(&b));
        self.events.release(events);
        let tie = |c: Copy8| (origins[c.slot() as usize], c.target());
        let precedes = |a: Copy8, b: Copy8| a.offset() < b.offset() || (a.offset() == b.offset() && tie(a) < tie(b));
        sort::window(&mut self.copy_run, counts, (&self.copies, copies), shift, Copy8::offset, precedes);
        self.copies.release(copies);
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
}

/// The one that comes first.
#[inline]
fn lesser(a: Option<Event>, b: Option<Event>) -> Option<Event> {
    match (a, b) {
        (Some(a), Some(b)) => Some(if b.precedes(&a) { b } else { a }),
        (a, b) => a.or(b),
    }
}
