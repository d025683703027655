//! Urgent lanes first: one transmission after the other, and whenever the link is free it takes the oldest of the most
//! urgent lane that waits. Nothing is interrupted: what is under way goes on to its end.

use std::collections::VecDeque;

use ledgerlab_consensus::{LANES, Time};

use super::{Fifo, Parcel};

/// What was begun: when it begins and ends to pass, and what the link was given.
pub type Begun<T> = (Time, Time, Parcel<T>);

/// A link that serves lanes by urgency.
#[derive(Clone, Debug)]
pub struct Lanes<T> {
    fifo: Fifo,
    /// By class, in the order in which they were handed over.
    waiting: [VecDeque<Parcel<T>>; LANES],
    appointment: (Time, u64),
}

impl<T> Lanes<T> {
    /// An idle link.
    pub fn new(fifo: Fifo) -> Lanes<T> {
        Lanes { fifo, waiting: std::array::from_fn(|_| VecDeque::new()), appointment: (Time::NEVER, 0) }
    }
    /// What carries the bytes.
    pub fn fifo(&self) -> &Fifo {
        &self.fifo
    }
    /// Takes something in; begins it at once if nothing is before it.
    pub fn carry(&mut self, parcel: Parcel<T>) -> Option<Begun<T>> {
        if self.fifo.free() <= parcel.there.1 && self.waiting.iter().all(VecDeque::is_empty) {
            return Some(self.begin(parcel));
        }
        self.waiting[usize::from(parcel.class)].push_back(parcel);
        None
    }
    fn begin(&mut self, parcel: Parcel<T>) -> Begun<T> {
        let (begin, end) = self.fifo.carry(parcel.there.0, parcel.bytes);
        (begin, end, parcel)
    }
    /// When the next can begin, and the number of that appointment, where it is another than before.
    pub fn watch(&mut self) -> Option<(Time, u64)> {
        let there = self.waiting.iter().filter_map(VecDeque::front).map(|p| p.there.1).min();
        let next = there.map_or(Time::NEVER, |there| there.max(self.fifo.free()));
        if next == self.appointment.0 {
            return None;
        }
        self.appointment = (next, self.appointment.1 + 1);
        (next != Time::NEVER).then_some(self.appointment)
    }
    /// Keeps an appointment, unless another one has replaced it: begins the most urgent of what is there at `at`.
    pub fn keep(&mut self, at: Time, appointment: u64) -> Option<Begun<T>> {
        if appointment != self.appointment.1 {
            return None;
        }
        self.appointment.0 = Time::NEVER;
        let lane = self.waiting.iter_mut().find(|lane| lane.front().is_some_and(|p| p.there.1 <= at))?;
        let parcel = lane.pop_front()?;
        Some(self.begin(parcel))
    }
    /// Takes off what waits on a node's connections.
    pub fn forget(&mut self, node: u32) -> Vec<T> {
        let mut lost = vec![];
        for lane in &mut self.waiting {
            let (gone, left) = lane.drain(..).partition(|p| p.connection.0 == node);
            *lane = left;
            lost.extend(VecDeque::into_iter(gone).map(|p: Parcel<T>| p.what));
        }
        lost
    }
    /// Forgets what is under way: the machine crashed.
    pub fn reset(&mut self, now: Time) {
        self.fifo.reset(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::link::Rate;

    /// A byte takes 8 ns.
    fn link() -> Lanes<char> {
        Lanes::new(Fifo::new(Rate::bits_per_s(1_000_000_000)))
    }
    fn parcel(what: char, class: u8, at: u64) -> Parcel<char> {
        Parcel { there: (Time(at), Time(at)), bytes: 100, connection: (u32::from(class) / 2, 9, class), class, what }
    }
    /// All that waits, with when it passes.
    fn rest(l: &mut Lanes<char>) -> Vec<(u64, u64, char)> {
        std::iter::from_fn(|| {
            let (at, appointment) = l.watch()?;
            let (begin, end, p) = l.keep(at, appointment)?;
            Some((begin.0, end.0, p.what))
        })
        .collect()
    }

    #[test]
    fn the_most_urgent_goes_first_and_nothing_is_interrupted() {
        let mut l = link();
        assert_eq!(l.carry(parcel('a', 3, 0)).map(|b| b.1), Some(Time(800)));
        for (what, class, at) in [('b', 3, 10), ('c', 2, 20), ('d', 0, 30), ('e', 0, 40)] {
            assert!(l.carry(parcel(what, class, at)).is_none());
        }
        assert_eq!(rest(&mut l), [(800, 1_600, 'd'), (1_600, 2_400, 'e'), (2_400, 3_200, 'c'), (3_200, 4_000, 'b')]);
        assert_eq!(l.watch(), None);
    }

    #[test]
    fn what_is_not_there_yet_holds_nothing_up() {
        let mut l = link();
        l.carry(parcel('a', 0, 0));
        assert!(l.carry(parcel('b', 0, 500)).is_none());
        // Handed over early, to leave at 5,000: the link idles until then, and 'c' is before it.
        assert!(l.carry(parcel('d', 0, 5_000)).is_none());
        assert!(l.carry(parcel('c', 3, 700)).is_none());
        assert_eq!(rest(&mut l), [(800, 1_600, 'b'), (1_600, 2_400, 'c'), (5_000, 5_800, 'd')]);
    }

    #[test]
    fn an_appointment_that_was_replaced_is_void_and_a_crash_takes_its_own() {
        let mut l = link();
        l.carry(parcel('a', 0, 0));
        l.carry(parcel('b', 3, 900));
        assert!(l.carry(parcel('b', 3, 900)).is_none());
        let first = l.watch().unwrap();
        assert_eq!(l.watch(), None, "it has that appointment");
        assert!(l.carry(parcel('c', 0, 910)).is_none());
        assert_eq!(l.forget(1), ['b']);
        assert_eq!(l.watch(), None, "the same moment");
        l.reset(Time(1_000));
        let second = l.watch().unwrap();
        assert_eq!((second.0, second.1), (Time(1_000), first.1 + 1));
        assert!(l.keep(first.0, first.1).is_none());
        assert_eq!(l.keep(second.0, second.1).map(|b| (b.0, b.2.what)), Some((Time(1_000), 'c')));
    }
}
