//! The events of one window, host by host.

use ledgerlab_consensus::Span;

use crate::kernel::queue::Event;

/// No window is wider: what it holds should stay in the cache.
const WIDEST: Span = Span::millis(1);

/// The events of one host: their places in the window.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Group {
    pub host: u32,
    pub from: u32,
    pub to: u32,
}

/// The events of the open window.
#[derive(Debug, Default)]
pub struct Batch {
    /// Width of a window; zero if events are handled one by one.
    pub width: Span,
    /// In the order of the queue, then by host.
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

    /// Orders the events by host, and keeps their order within each.
    pub fn group(&mut self, hosts: usize, host_of: impl Fn(&Event) -> u32) {
        self.sorted.clear();
        self.groups.clear();
        if self.events.len() * 4 < hosts {
            self.sort(host_of);
        } else {
            self.count(hosts, host_of);
        }
        std::mem::swap(&mut self.events, &mut self.sorted);
    }

    fn sort(&mut self, host_of: impl Fn(&Event) -> u32) {
        let place = |(i, e): (u64, &Event)| u64::from(host_of(e)) << 32 | i;
        self.places.clear();
        self.places.extend((0..).zip(&self.events).map(place));
        self.places.sort_unstable();
        for (i, p) in (0..).zip(&self.places) {
            let host = (p >> 32) as u32;
            self.sorted.push(self.events[*p as u32 as usize]);
            match self.groups.last_mut() {
                Some(last) if last.host == host => last.to = i + 1,
                _ => self.groups.push(Group { host, from: i, to: i + 1 }),
            }
        }
    }

    fn count(&mut self, hosts: usize, host_of: impl Fn(&Event) -> u32) {
        self.counts.clear();
        self.counts.resize(hosts, 0);
        self.events.iter().for_each(|e| self.counts[host_of(e) as usize] += 1);
        let mut from = 0;
        for (host, count) in (0..).zip(&mut self.counts) {
            if *count > 0 {
                self.groups.push(Group { host, from, to: from + *count });
                (*count, from) = (from, from + *count);
            }
        }
        self.sorted.resize(self.events.len(), Event::default());
        for e in &self.events {
            let place = &mut self.counts[host_of(e) as usize];
            self.sorted[*place as usize] = *e;
            *place += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_and_many_events_are_grouped_alike() {
        let event = |i: u32| Event { target: i * 7 % 10, what: i, ..Event::default() };
        for (events, hosts) in [(0, 10), (1, 10), (30, 200), (30, 10), (5, 10)] {
            let mut batch = Batch { events: (0..events).map(event).collect(), ..Batch::default() };
            let mut expected = batch.events.clone();
            expected.sort_by_key(|e| e.target);
            batch.group(hosts, |e| e.target);
            assert_eq!(batch.events, expected, "{events} events of {hosts} hosts");
            let of = |g: &Group| batch.events[g.from as usize..g.to as usize].to_vec();
            assert_eq!(batch.groups.iter().flat_map(of).collect::<Vec<_>>(), expected);
            assert!(batch.groups.iter().all(|g| of(g).iter().all(|e| e.target == g.host)));
            assert!(batch.groups.windows(2).all(|g| g[0].host < g[1].host), "{:?}", batch.groups);
        }
    }
}
