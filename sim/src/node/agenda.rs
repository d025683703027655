//! What a host has to do by itself: timers, parked jobs, flushes, the end of fsyncs; ordered by time, then by who
//! wrote it down, then by the order in which that one did. Who comes first among several hosts, or between a host and
//! the clients' plans, depends on how far each has run ahead, so it must not decide.
//!
//! The queue holds at most one wake for a host at a time: that of the earliest entry. A message is handled at once
//! only if nothing on the agenda, and nothing that can still arrive, comes before its completion, so the host's order is
//! exact without a second event.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use ledgerlab_consensus::Time;

use crate::kernel::prefetch::prefetch_lines;
use crate::kernel::queue::{Event, Origin};

/// What [`Event::what`] says where a host has something to do by itself.
pub const WAKE: u32 = u32::MAX;

#[derive(Clone, Debug)]
struct Entry<T> {
    at: Time,
    by: u32,
    number: u64,
    node: u32,
    task: T,
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, o: &Self) -> bool {
        (self.at, self.by, self.number) == (o.at, o.by, o.number)
    }
}
impl<T> Eq for Entry<T> {}
impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, o: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(o))
    }
}
impl<T> Ord for Entry<T> {
    fn cmp(&self, o: &Self) -> std::cmp::Ordering {
        (self.at, self.by, self.number).cmp(&(o.at, o.by, o.number))
    }
}

/// A host's agenda.
#[derive(Clone, Debug)]
pub struct Agenda<T> {
    entries: BinaryHeap<Reverse<Entry<T>>>,
    /// Time of the earliest entry, so that whoever only asks for it need not look there.
    next: Time,
    number: u64,
    /// The earliest wake that is in the queue.
    pub wake: Time,
}

impl<T> Default for Agenda<T> {
    fn default() -> Self {
        Agenda { entries: BinaryHeap::new(), next: Time::NEVER, number: 0, wake: Time::NEVER }
    }
}

impl<T> Agenda<T> {
    /// Adds a task of a node, written down by `by`.
    pub fn push(&mut self, at: Time, by: u32, node: u32, task: T) {
        self.number += 1;
        if self.entries.len() == self.entries.capacity() {
            // Most agendas are short, and there may be very many of them.
            self.entries.reserve_exact(1 + self.entries.len() / 2);
        }
        self.next = self.next.min(at);
        self.entries.push(Reverse(Entry { at, by, number: self.number, node, task }));
    }
    /// Asks for the earliest task, which will be taken soon.
    #[inline]
    pub fn prefetch(&self) {
        prefetch_lines(self.entries.as_slice(), 0, 2);
    }
    /// Time of the earliest task.
    #[inline]
    pub fn next_at(&self) -> Time {
        self.next
    }
    /// The wake for the earliest task, unless one is in the queue that is early enough.
    #[inline]
    pub fn wake_up(&mut self, host: u32) -> Option<Event> {
        let next = self.next_at();
        (next < self.wake).then(|| {
            self.wake = next;
            Event { at: next, origin: Origin::WAKE, target: host, what: WAKE }
        })
    }
    /// Removes the earliest task if it is due by `until`.
    pub fn pop(&mut self, until: Time) -> Option<(Time, u32, T)> {
        if self.next_at() > until {
            return None;
        }
        let Reverse(e) = self.entries.pop()?;
        self.look();
        Some((e.at, e.node, e.task))
    }
    fn look(&mut self) {
        self.next = self.entries.peek().map_or(Time::NEVER, |e| e.0.at);
    }
    /// All tasks, in no particular order.
    pub fn tasks(&self) -> impl Iterator<Item = &T> {
        self.entries.iter().map(|e| &e.0.task)
    }
    /// Drops the tasks for which `keep` does not hold, given their node.
    pub fn retain(&mut self, keep: impl Fn(u32, &T) -> bool) {
        self.entries.retain(|e| keep(e.0.node, &e.0.task));
        self.look();
        if self.entries.capacity() > 4 * self.entries.len() {
            self.entries.shrink_to(2 * self.entries.len());
        }
    }
    /// Number of tasks.
    pub fn len(&self) -> usize {
        self.entries.len()
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pops_by_time_then_by_author_then_by_order_of_entry() {
        let mut a = Agenda::default();
        for (at, by, task) in [(5, 2, 'e'), (5, 1, 'c'), (3, 1, 'a'), (5, 1, 'd'), (3, 1, 'b')] {
            a.push(Time(at), by, 0, task);
        }
        let due: Vec<char> = std::iter::from_fn(|| a.pop(Time(4))).map(|(.., t)| t).collect();
        assert_eq!(due, ['a', 'b']);
        assert_eq!(a.next_at(), Time(5));
        let rest: Vec<char> = std::iter::from_fn(|| a.pop(Time(9))).map(|(.., t)| t).collect();
        assert_eq!(rest, ['c', 'd', 'e']);
        assert!(a.is_empty() && a.next_at() == Time::NEVER);
    }
}
