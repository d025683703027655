//! Urgent lanes first: one transmission after the other, and whenever the link is free it takes the oldest of the most
//! urgent lane that waits. Nothing is interrupted: what is under way goes on to its end.

use std::collections::BTreeMap;

use ledgerlab_consensus::{LANES, Time};

use super::{Fifo, Parcel};

/// What was begun: when it begins and ends to pass, and what the link was given.
pub type Begun<T> = (Time, Time, Parcel<T>);

/// A link that serves lanes by urgency.
#[derive(Clone, Debug)]
pub struct Lanes<T> {
    fifo: Fifo,
    /// By class: in the order in which they are there, then in which they were handed over. Senders hand over what
    /// leaves when they are done with their step.
    waiting: [BTreeMap<(Time, u64), Parcel<T>>; LANES],
    sequence: u64,
    appointment: (Time, u64),
}

impl<T> Lanes<T> {
    /// An idle link.
    pub fn new(fifo: Fifo) -> Lanes<T> {
        let waiting = std::array::from_fn(|_| BTreeMap::new());
        Lanes { fifo, waiting, sequence: 0, appointment: (Time::NEVER, 0) }
    }
    /// What carries the bytes.
    pub fn fifo(&self) -> &Fifo {
        &self.fifo
    }
    /// Takes something in.
    pub fn push(&mut self, parcel: Parcel<T>) {
        self.sequence += 1;
        self.waiting[usize::from(parcel.class)].insert((parcel.there.1, self.sequence), parcel);
    }
    fn begin(&mut self, parcel: Parcel<T>) -> Begun<T> {
        let (begin, end) = self.fifo.carry(parcel.there.0, parcel.bytes);
        (begin, end, parcel)
    }
    /// When the next can begin, and the number of that appointment, where it is another than before.
    pub fn watch(&mut self) -> Option<(Time, u64)> {
        let there = self.waiting.iter().filter_map(BTreeMap::first_key_value).map(|(key, _)| key.0).min();
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
        let is_there =
            |lane: &&mut BTreeMap<(Time, u64), _>| lane.first_key_value().is_some_and(|(key, _)| key.0 <= at);
        let (_, parcel) = self.waiting.iter_mut().find(is_there)?.pop_first()?;
        Some(self.begin(parcel))
    }
    /// Takes off what waits on a node's connections.
    pub fn forget(&mut self, node: u32) -> Vec<T> {
        let gone = |lane: &mut BTreeMap<_, Parcel<T>>| {
            lane.extract_if(.., |_, p| p.connection.0 == node).map(|(_, p)| p.what).collect::<Vec<T>>()
        };
        self.waiting.iter_mut().flat_map(gone).collect()
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
        l.push(parcel('a', 3, 0));
        let (at, appointment) = l.watch().unwrap();
        assert_eq!((at, l.keep(at, appointment).map(|b| b.1)), (Time(0), Some(Time(800))));
        for (what, class, at) in [('b', 3, 10), ('c', 2, 20), ('d', 0, 30), ('e', 0, 40)] {
            l.push(parcel(what, class, at));
        }
        assert_eq!(rest(&mut l), [(800, 1_600, 'd'), (1_600, 2_400, 'e'), (2_400, 3_200, 'c'), (3_200, 4_000, 'b')]);
        assert_eq!(l.watch(), None);
    }

    #[test]
    fn what_is_not_there_yet_holds_nothing_up() {
        let mut l = link();
        // Handed over early, to leave at 5,000: the link goes on with what is there before.
        for (what, class, at) in [('d', 0, 5_000), ('a', 0, 0), ('b', 0, 500), ('c', 3, 700)] {
            l.push(parcel(what, class, at));
        }
        let all = [(0, 800, 'a'), (800, 1_600, 'b'), (1_600, 2_400, 'c'), (5_000, 5_800, 'd')];
        assert_eq!(rest(&mut l), all);
    }

    #[test]
    fn an_appointment_that_was_replaced_is_void_and_a_crash_takes_its_own() {
        let mut l = link();
        l.push(parcel('b', 3, 900));
        let first = l.watch().unwrap();
        assert_eq!(l.watch(), None, "it has that appointment");
        l.push(parcel('c', 0, 850));
        assert_eq!(l.forget(1), ['b']);
        l.reset(Time(800));
        let second = l.watch().unwrap();
        assert_eq!((second.0, second.1), (Time(850), first.1 + 1));
        assert!(l.keep(first.0, first.1).is_none());
        assert_eq!(l.keep(second.0, second.1).map(|b| (b.0, b.2.what)), Some((Time(850), 'c')));
    }
}
