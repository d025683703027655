//! What a host has to do by itself: timers, parked jobs, flushes, the end of fsyncs; ordered by time, then by who
//! wrote it down, then by the order in which that one did. Who comes first among several hosts, or between a host and
//! the clients' plans, depends on how far each has run ahead, so it must not decide.
//!
//! The queue holds a wake for a host's earliest entry. It is known of one later wake too, so that a timer far ahead does
//! not get another one each time that something nearer has been done. A message is handled at once
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

/// So many of the earliest tasks are kept in order, beside a heap of the others: most agendas are shorter, and to move a
/// few entries costs less than to sift them.
const AT_HAND: usize = 12;

/// A host's agenda.
#[derive(Clone, Debug)]
pub struct Agenda<T> {
    /// The earliest entries, the last one first.
    soon: Vec<Entry<T>>,
    /// Later ones, if there are any.
    #[expect(clippy::box_collection, reason = "an agenda shall take little, for there may be very many")]
    later: Option<Box<BinaryHeap<Reverse<Entry<T>>>>>,
    /// Time of the earliest entry, so that whoever only asks for it need not look there.
    next: Time,
    number: u64,
    /// The earliest wake that is in the queue.
    pub wake: Time,
    /// One that comes after it.
    later_wake: Time,
}

impl<T> Default for Agenda<T> {
    fn default() -> Self {
        Agenda { soon: vec![], later: None, next: Time::NEVER, number: 0, wake: Time::NEVER, later_wake: Time::NEVER }
    }
}

impl<T> Agenda<T> {
    /// Adds a task of a node, written down by `by`.
    pub fn push(&mut self, at: Time, by: u32, node: u32, task: T) {
        self.number += 1;
        self.next = self.next.min(at);
        let entry = Entry { at, by, number: self.number, node, task };
        if let Some(later) = &mut self.later
            && later.peek().is_some_and(|first| first.0 < entry)
        {
            return later.push(Reverse(entry));
        }
        if self.soon.len() == self.soon.capacity() {
            self.soon.reserve_exact(1 + self.soon.len() / 2);
        }
        // A number is larger than all before it, so that time and author decide.
        let after = self.soon.iter().rev().take_while(|e| (e.at, e.by) <= (at, by)).count();
        self.soon.insert(self.soon.len() - after, entry);
        if self.soon.len() > AT_HAND {
            self.put_off();
        }
    }
    /// Moves the later half of what is at hand to the others.
    #[cold]
    fn put_off(&mut self) {
        let later = self.later.get_or_insert_default();
        later.extend(self.soon.drain(..AT_HAND / 2).map(Reverse));
    }
    /// Takes some of the later ones to hand.
    #[cold]
    fn take_up(&mut self) {
        let Some(later) = &mut self.later else { return };
        self.soon.extend(std::iter::from_fn(|| later.pop()).map(|e| e.0).take(AT_HAND / 2));
        self.soon.reverse();
    }
    /// Asks for the earliest task, which will be taken soon.
    #[inline]
    pub fn prefetch(&self) {
        prefetch_lines(&self.soon, self.soon.len().saturating_sub(1), 2);
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
        if next >= self.wake {
            return None;
        }
        if self.later_wake <= next {
            self.wake = std::mem::replace(&mut self.later_wake, Time::NEVER);
            return None;
        }
        self.later_wake = self.later_wake.min(self.wake);
        self.wake = next;
        Some(Event { at: next, origin: Origin::WAKE, target: host, what: WAKE })
    }
    /// A wake comes: says whether it is the earliest. One that another has replaced is void.
    pub fn woken(&mut self, at: Time) -> bool {
        let first = self.wake == at;
        self.woken_before(self.wake, Time(at.0 + 1));
        first
    }
    /// All wakes before a time have come; the earliest in the queue was `first`.
    #[inline]
    pub fn woken_before(&mut self, first: Time, end: Time) {
        self.wake = if first < end { Time::NEVER } else { first };
        self.later_wake = if self.later_wake < end { Time::NEVER } else { self.later_wake };
    }
    /// Removes the earliest task if it is due by `until`.
    pub fn pop(&mut self, until: Time) -> Option<(Time, u32, T)> {
        if self.next_at() > until {
            return None;
        }
        let e = self.soon.pop()?;
        self.look();
        Some((e.at, e.node, e.task))
    }
    #[inline]
    fn look(&mut self) {
        if self.soon.is_empty() {
            self.take_up();
        }
        self.next = self.soon.last().map_or(Time::NEVER, |e| e.at);
    }
    fn entries(&self) -> impl Iterator<Item = &Entry<T>> {
        self.soon.iter().chain(self.later.iter().flat_map(|later| later.iter().map(|e| &e.0)))
    }
    /// All tasks, in no particular order.
    pub fn tasks(&self) -> impl Iterator<Item = &T> {
        self.entries().map(|e| &e.task)
    }
    /// Drops the tasks for which `keep` does not hold, given their node.
    pub fn retain(&mut self, keep: impl Fn(u32, &T) -> bool) {
        self.soon.retain(|e| keep(e.node, &e.task));
        if let Some(later) = &mut self.later {
            later.retain(|e| keep(e.0.node, &e.0.task));
            if later.capacity() > 4 * later.len() {
                later.shrink_to(2 * later.len());
            }
        }
        self.look();
    }
    /// Number of tasks.
    pub fn len(&self) -> usize {
        self.soon.len() + self.later.as_ref().map_or(0, |later| later.len())
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
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

    #[test]
    fn a_far_task_has_one_wake_however_many_nearer_ones_come() {
        let mut a = Agenda::default();
        let mut pushed = vec![];
        a.push(Time(1_000), 1, 0, ());
        pushed.extend(a.wake_up(7).map(|e| e.at));
        for at in [10, 20, 30] {
            a.push(Time(at), 1, 0, ());
            pushed.extend(a.wake_up(7).map(|e| e.at));
            assert!(a.woken(Time(at)));
            assert!(a.pop(Time(at)).is_some() && a.wake_up(7).is_none());
            assert_eq!(a.wake, Time(1_000));
        }
        assert_eq!(pushed, [1_000, 10, 20, 30].map(Time));
        assert!(!a.woken(Time(40)) && a.wake == Time(1_000), "a void one changes nothing");
        assert!(a.woken(Time(1_000)) && a.wake_up(7).is_some(), "what is not done needs another one");
    }

    #[test]
    fn is_a_plain_list_in_order_however_long() {
        use ledgerlab_consensus::{Span, types::mix64};
        for most in [3, 40, 1_000] {
            let (mut a, mut plain, mut number) = (Agenda::default(), vec![], 0);
            for i in 0..20_000_u64 {
                let r = mix64(i ^ most);
                let now = Time(i / 2);
                if r.is_multiple_of(97) {
                    a.retain(|node, _| u64::from(node) != (r >> 8) & 3);
                    plain.retain(|(.., node): &(Time, u32, u64, u32)| u64::from(*node) != (r >> 8) & 3);
                } else if (plain.len() as u64) < (r >> 16 & 0xFFFF) % (2 * most) {
                    number += 1;
                    let (at, by, node) = (now + Span((r >> 40) & 63), (r >> 4) as u32 & 3, (r >> 8) as u32 & 3);
                    a.push(at, by, node, number);
                    plain.push((at, by, number, node));
                } else {
                    plain.sort_unstable();
                    let first = plain.first().copied().filter(|(at, ..)| *at <= now);
                    plain.drain(..usize::from(first.is_some()));
                    assert_eq!(a.pop(now), first.map(|(at, _, number, node)| (at, node, number)));
                }
                let next = plain.iter().map(|(at, ..)| *at).min();
                assert_eq!((a.len(), a.next_at()), (plain.len(), next.unwrap_or(Time::NEVER)));
            }
        }
    }
}
