//! The events of one window, host by host.

use ledgerlab_consensus::Span;

use crate::kernel::queue::{Event, order};

/// No window is wider: what it holds should stay in the cache.
const WIDEST: Span = Span::millis(1);

/// The events of one host: their places in the window.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Group {
    pub host: u32,
    pub from: u32,
    pub to: u32,
}

/// Up to so many events are grouped while they are ordered.
const FEW: usize = 8;

/// The events of the open window.
#[derive(Debug, Default)]
pub struct Batch {
    /// Width of a window; zero if events are handled one by one.
    pub width: Span,
    /// As the queue hands them out, then by host and in the order of their keys.
    pub events: Vec<Event>,
    /// Those of each host that has any, in order.
    pub groups: Vec<Group>,
    sorted: Vec<Event>,
    counts: Vec<u32>,
    /// Host and place of each event, packed so that their order is the integers' order.
    places: Vec<u64>,
}

impl Batch {
    /// Windows as wide as the least latency between two hosts allows.
    pub fn within(least: Span) -> Batch {
        Batch { width: least.min(WIDEST), ..Batch::default() }
    }

    /// Orders the events by host, and those of each by their keys.
    pub fn group(&mut self, hosts: usize, host_of: impl Fn(&Event) -> u32) {
        self.groups.clear();
        let count = self.events.len();
        if count <= FEW {
            return self.insert(host_of);
        }
        if count * 4 < hosts {
            self.sort(host_of);
        } else {
            self.count(hosts, host_of);
        }
        for g in &self.groups {
            order(&mut self.events[g.from as usize..g.to as usize]);
        }
    }

    fn insert(&mut self, host_of: impl Fn(&Event) -> u32) {
        let (mut hosts, events) = ([0; FEW], &mut self.events[..]);
        for i in 0..events.len().min(FEW) {
            let event = events[i];
            let (host, mut place) = (host_of(&event), i);
            while place > 0 {
                let (other, before) = (hosts[place - 1], &events[place - 1]);
                if other < host || (other == host && before.precedes(&event)) {
                    break;
                }
                (hosts[place], events[place]) = (other, *before);
                place -= 1;
            }
            (hosts[place], events[place]) = (host, event);
        }
        (0..events.len() as u32).zip(hosts).for_each(|(i, host)| self.add(i, host));
    }

    /// The event at a place belongs to this host.
    #[inline]
    fn add(&mut self, place: u32, host: u32) {
        match self.groups.last_mut() {
            Some(last) if last.host == host => last.to = place + 1,
            _ => self.groups.push(Group { host, from: place, to: place + 1 }),
        }
    }

    fn sort(&mut self, host_of: impl Fn(&Event) -> u32) {
        let place = |(i, e): (u64, &Event)| u64::from(host_of(e)) << 32 | i;
        self.places.clear();
        self.places.extend((0..).zip(&self.events).map(place));
        self.places.sort_unstable();
        self.sorted.clear();
        for i in 0..self.places.len() {
            let place = self.places[i];
            self.sorted.push(self.events[place as u32 as usize]);
            self.add(i as u32, (place >> 32) as u32);
        }
        std::mem::swap(&mut self.events, &mut self.sorted);
    }

    fn count(&mut self, hosts: usize, host_of: impl Fn(&Event) -> u32) {
        self.counts.clear();
        self.counts.resize(hosts, 0);
        let (counts, mut from) = (self.counts.as_mut_slice(), 0);
        self.events.iter().for_each(|e| counts[host_of(e) as usize] += 1);
        for (host, count) in (0..).zip(counts.iter_mut()) {
            if *count > 0 {
                self.groups.push(Group { host, from, to: from + *count });
                (*count, from) = (from, from + *count);
            }
        }
        self.sorted.resize(self.events.len(), Event::default());
        let sorted = self.sorted.as_mut_slice();
        for e in &self.events {
            let place = &mut counts[host_of(e) as usize];
            sorted[*place as usize] = *e;
            *place += 1;
        }
        std::mem::swap(&mut self.events, &mut self.sorted);
    }
}

#[cfg(test)]
mod tests {
    use ledgerlab_consensus::Time;

    use super::*;
    use crate::kernel::queue::Origin;

    #[test]
    fn few_and_many_events_are_grouped_alike() {
        let event = |i: u32| Event { at: Time(u64::from(i * 5 % 17)), target: i * 7 % 10, what: i, ..Event::default() };
        for (events, hosts) in [(0, 10), (1, 10), (30, 200), (30, 10), (5, 10), (8, 200), (9, 200), (1_000, 10)] {
            let mut batch = Batch { events: (0..events).map(event).collect(), ..Batch::default() };
            batch.events.iter_mut().for_each(|e| e.origin = Origin::new(e.what * 3 % 1_000, 1));
            let mut expected = batch.events.clone();
            expected.sort_by_key(|e| (e.target, e.key()));
            batch.group(hosts, |e| e.target);
            assert_eq!(batch.events, expected, "{events} events of {hosts} hosts");
            let of = |g: &Group| batch.events[g.from as usize..g.to as usize].to_vec();
            assert_eq!(batch.groups.iter().flat_map(of).collect::<Vec<_>>(), expected);
            assert!(batch.groups.iter().all(|g| of(g).iter().all(|e| e.target == g.host)));
            assert!(batch.groups.windows(2).all(|g| g[0].host < g[1].host), "{:?}", batch.groups);
        }
    }
}
