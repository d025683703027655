//! Pending events, popped in the order of their key.
//!
//! The key is (time, sender, sender's sequence), and the recipient among the copies of one message. The sender
//! assigns it, so the order is the same for every queue, partition and thread count; two different events with equal
//! keys are a bug. [`Heap`] is the plain reference; [`Windows`] is the fast one and must pop the same; [`Pending`] is
//! either, so that what runs on a queue is compiled once.

pub mod duel;
mod heap;
mod pool;
mod sort;
#[cfg(test)]
mod tests;
mod windows;

use ledgerlab_consensus::{Span, Time};

pub use heap::Heap;
pub use sort::order;
pub use windows::Windows;

/// Sender and sequence number packed so that their order is the integers' order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Origin(pub u64);

/// Bits of [`Origin`] that hold the sequence number: 24 bits are left for the sender.
const SEQUENCE_BITS: u32 = 40;

impl Origin {
    /// A host's own wake: after everything else of the same time; it never enters a digest.
    pub const WAKE: Origin = Origin(u64::MAX);

    /// The `sequence`-th effect of a sender.
    ///
    /// # Panics
    /// If a sender takes more than 2^40 numbers or there are more than 2^24 senders.
    #[inline]
    pub fn new(sender: u32, sequence: u64) -> Origin {
        assert!(sequence >> SEQUENCE_BITS == 0 && sender >> 24 == 0, "event key overflow: {sender}/{sequence}");
        Origin(u64::from(sender) << SEQUENCE_BITS | sequence)
    }
    /// The sender.
    pub fn sender(self) -> u32 {
        (self.0 >> SEQUENCE_BITS) as u32
    }
    /// The sender's sequence number.
    pub fn sequence(self) -> u64 {
        self.0 & ((1 << SEQUENCE_BITS) - 1)
    }
}

/// One pending event: 24 bytes, copied freely.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Event {
    /// When.
    pub at: Time,
    /// From whom; with `at` the key.
    pub origin: Origin,
    /// To which node or host.
    pub target: u32,
    /// What: a handle that only the target's owner understands.
    pub what: u32,
}

impl Event {
    /// Whether it comes before another one: the order of [`Event::key`], with one comparison where times or origins
    /// differ.
    #[inline]
    pub fn precedes(&self, other: &Event) -> bool {
        let packed = |e: &Event| u128::from(e.at.0) << 64 | u128::from(e.origin.0);
        let (own, others) = (packed(self), packed(other));
        own < others || (own == others && self.target < other.target)
    }
    /// What events are ordered by.
    #[inline]
    pub fn key(&self) -> (Time, Origin, u32) {
        // One broadcast has one origin for all its recipients: the target tells its copies apart.
        (self.at, self.origin, self.target)
    }
}

/// What a kernel needs of a queue.
pub trait Queue {
    /// Adds an event; never earlier than the last one popped.
    fn push(&mut self, event: Event);
    /// Adds a copy of a message that is stored once, in slot `event.what`: the same as [`Queue::push`], but a queue
    /// may keep the origin by slot. So all pending copies of a slot have the same origin; it may change once the last
    /// of them was popped.
    #[inline]
    fn push_copy(&mut self, event: Event) {
        self.push(event);
    }
    /// Removes the event with the least key.
    fn pop(&mut self) -> Option<Event>;
    /// Time of the event that would be popped.
    fn next_at(&mut self) -> Option<Time>;
    /// Pops all events before `end` into a list, in the order of their keys: for those who handle a window at a time.
    fn pop_before(&mut self, end: Time, into: &mut Vec<Event>) {
        while self.next_at().is_some_and(|at| at < end) {
            into.extend(self.pop());
        }
    }
    /// Time of the event that would be popped, as [`Queue::next_at`], for those who take windows: a queue need not
    /// order anything for it.
    fn first_at(&mut self) -> Option<Time> {
        self.next_at()
    }
    /// Removes all events before `end` and adds them to a list, in no order: for those who order them in their own way.
    fn take_before(&mut self, end: Time, into: &mut Vec<Event>) {
        self.pop_before(end, into);
    }
    /// Adds copies of one message, by recipient and time, as [`Queue::push_copy`] does one by one.
    #[inline]
    fn push_copies(&mut self, (origin, what): (Origin, u32), copies: impl Iterator<Item = (u32, Time)>) {
        copies.for_each(|(target, at)| self.push_copy(Event { at, origin, target, what }));
    }
    /// From now on events are taken by [`Queue::take_before`], about so many nanoseconds at a time. Nothing is pending.
    fn expect_windows(&mut self, width: Span) {
        let _ = width;
    }
    /// Number of pending events.
    fn len(&self) -> usize;
    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Target and `what` of an event that comes about `places` after the next one: a hint for fetching its state
    /// ahead, that may be absent or wrong.
    #[inline]
    fn upcoming(&self, places: usize) -> Option<(u32, u32)> {
        let _ = places;
        None
    }
}

/// A queue chosen at run time: one well predicted branch, and what runs on it is compiled once.
#[derive(Debug)]
pub enum Pending {
    /// The reference.
    Heap(Heap),
    /// The fast one.
    Windows(Box<Windows>),
}

impl Pending {
    /// The reference queue.
    pub fn heap() -> Pending {
        Pending::Heap(Heap::default())
    }
    /// The fast queue.
    pub fn windows() -> Pending {
        Pending::Windows(Box::default())
    }
}

impl Queue for Pending {
    #[inline]
    fn push(&mut self, event: Event) {
        match self {
            Pending::Heap(q) => q.push(event),
            Pending::Windows(q) => q.push(event),
        }
    }
    #[inline(always)]
    fn push_copy(&mut self, event: Event) {
        match self {
            Pending::Heap(q) => q.push_copy(event),
            Pending::Windows(q) => q.push_copy(event),
        }
    }
    #[inline]
    fn pop(&mut self) -> Option<Event> {
        match self {
            Pending::Heap(q) => q.pop(),
            Pending::Windows(q) => q.pop(),
        }
    }
    #[inline]
    fn next_at(&mut self) -> Option<Time> {
        match self {
            Pending::Heap(q) => q.next_at(),
            Pending::Windows(q) => q.next_at(),
        }
    }
    fn pop_before(&mut self, end: Time, into: &mut Vec<Event>) {
        match self {
            Pending::Heap(q) => q.pop_before(end, into),
            Pending::Windows(q) => q.pop_before(end, into),
        }
    }
    #[inline]
    fn first_at(&mut self) -> Option<Time> {
        match self {
            Pending::Heap(q) => q.first_at(),
            Pending::Windows(q) => q.first_at(),
        }
    }
    fn take_before(&mut self, end: Time, into: &mut Vec<Event>) {
        match self {
            Pending::Heap(q) => q.take_before(end, into),
            Pending::Windows(q) => q.take_before(end, into),
        }
    }
    #[inline]
    fn push_copies(&mut self, message: (Origin, u32), copies: impl Iterator<Item = (u32, Time)>) {
        match self {
            Pending::Heap(q) => q.push_copies(message, copies),
            Pending::Windows(q) => q.push_copies(message, copies),
        }
    }
    fn expect_windows(&mut self, width: Span) {
        match self {
            Pending::Heap(q) => q.expect_windows(width),
            Pending::Windows(q) => q.expect_windows(width),
        }
    }
    #[inline]
    fn len(&self) -> usize {
        match self {
            Pending::Heap(q) => q.len(),
            Pending::Windows(q) => q.len(),
        }
    }
    #[inline]
    fn upcoming(&self, places: usize) -> Option<(u32, u32)> {
        match self {
            Pending::Heap(q) => q.upcoming(places),
            Pending::Windows(q) => q.upcoming(places),
        }
    }
}
