//! The fast way through the events: a window at a time, host by host.
//!
//! Nothing that a host does within a window no wider than the least latency reaches another host before the window
//! ends, and messages between nodes of one host go over its agenda, so only the order within each host matters. All
//! of a host's events of a window are handled together: its state is touched once, and its agenda is run to the
//! window's end without a wake for each task.

use ledgerlab_consensus::{NodeId, Protocol, Span, Time};

use crate::engine::host::{HOST_LINES, NODE_LINES};
use crate::engine::{Simulation, WAKE};
use crate::kernel::prefetch::prefetch_lines;
use crate::kernel::queue::{Event, Queue};

/// No window is wider: what it holds should stay in the cache.
const WIDEST: Span = Span::millis(1);

/// State is fetched for the event so many places ahead.
const AHEAD: usize = 8;

/// Cache lines of a replica that are fetched with it.
const REPLICA_LINES: usize = 4;

/// The events of the open window.
#[derive(Debug, Default)]
pub struct Batch {
    /// Width of a window; zero if events are handled one by one.
    pub width: Span,
    /// In the order of the queue, then by host.
    events: Vec<Event>,
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
    fn group(&mut self, hosts: usize, host_of: impl Fn(&Event) -> u32) {
        self.sorted.clear();
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
        self.sorted.extend(self.places.iter().map(|p| self.events[*p as u32 as usize]));
    }

    fn count(&mut self, hosts: usize, host_of: impl Fn(&Event) -> u32) {
        self.counts.clear();
        self.counts.resize(hosts + 1, 0);
        self.events.iter().for_each(|e| self.counts[host_of(e) as usize + 1] += 1);
        for h in 0..hosts {
            self.counts[h + 1] += self.counts[h];
        }
        self.sorted.resize(self.events.len(), Event::default());
        for e in &self.events {
            let place = &mut self.counts[host_of(e) as usize];
            self.sorted[*place as usize] = *e;
            *place += 1;
        }
    }
}

impl<P: Protocol, Q: Queue> Simulation<'_, P, Q> {
    /// Handles events in windows from now on.
    pub fn in_windows(mut self) -> Self {
        self.window = Batch::within(self.network.latency().min_between_hosts());
        self
    }

    /// Handles each message in three events: it arrives, it has passed the downlink, it is verified.
    pub fn in_three_events(mut self) -> Self {
        self.eager = false;
        self
    }

    pub(super) fn run_windows(&mut self) {
        loop {
            let next = self.queue.next_at().unwrap_or(Time::NEVER);
            let end = (Time(next.0.min(self.horizon.0)) + self.window.width).min(self.horizon);
            // Clients first: what they submit within the window may wake a host earlier.
            if self.gateway.next_at() < end {
                self.ingest(Time(end.0 - 1));
                continue;
            }
            if next >= self.horizon {
                return;
            }
            self.network.forget_arrivals(next);
            self.run_window(end);
        }
    }

    fn run_window(&mut self, end: Time) {
        let mut batch = std::mem::take(&mut self.window);
        batch.events.clear();
        self.queue.pop_before(end, &mut batch.events);
        self.events += batch.events.len() as u64;
        batch.group(self.hosts.len(), |e| self.host_of(e));
        let mut left = &batch.events[..];
        left.iter().take(AHEAD).for_each(|e| self.fetch_state(e));
        while let Some(first) = left.first() {
            let host = self.host_of(first);
            let count = left.iter().take_while(|e| self.host_of(e) == host).count();
            self.fetch_ahead(left, count);
            self.run_host(host as usize, &left[..count], end);
            left = &left[count..];
        }
        self.window = batch;
    }

    /// Asks for what events meet that come after the first `count` and are another host's than those before them.
    fn fetch_ahead(&self, events: &[Event], count: usize) {
        let first_of_host = |i: &usize| self.host_of(&events[i - 1]) != self.host_of(&events[*i]);
        let next = |from: usize| (from..from + count).take_while(|i| *i < events.len()).filter(first_of_host);
        next(AHEAD).for_each(|i| self.fetch_state(&events[i]));
        next(AHEAD / 2).for_each(|i| self.fetch_parts(&events[i]));
    }

    /// Asks for the state that an event meets.
    fn fetch_state(&self, e: &Event) {
        prefetch_lines(&self.hosts, self.host_of(e) as usize, HOST_LINES);
        if e.what != WAKE {
            prefetch_lines(&self.nodes, e.target as usize, NODE_LINES);
            self.network.prefetch(NodeId(e.target));
            self.messages.prefetch(e.what);
        }
    }

    /// The same for what that state refers to.
    fn fetch_parts(&self, e: &Event) {
        let host = &self.hosts[self.host_of(e) as usize];
        host.cpu.prefetch();
        if e.what == WAKE {
            host.agenda.prefetch();
        } else {
            self.network.prefetch_connections(NodeId(e.target));
            if let Some(replica) = self.nodes[e.target as usize].replica.as_deref() {
                prefetch_lines(std::slice::from_ref(replica), 0, REPLICA_LINES);
            }
        }
    }

    fn host_of(&self, e: &Event) -> u32 {
        if e.what == WAKE { e.target } else { self.network.host_of(NodeId(e.target)) }
    }

    /// Everything that a host does before `end`.
    fn run_host(&mut self, host: usize, events: &[Event], end: Time) {
        // No wakes while the agenda is looked at anyway.
        let wake = std::mem::replace(&mut self.hosts[host].agenda.wake, Time::ZERO);
        let mut events = events.iter().filter(|e| e.what != WAKE).peekable();
        while let Some(e) = events.next() {
            // What is due until then does not know of this event yet.
            self.clear = e.at;
            self.run_agenda(host, e.at);
            self.clear = events.peek().map_or(end, |next| next.at);
            self.arrive(*e);
        }
        self.clear = end;
        self.run_agenda(host, Time(end.0 - 1));
        self.clear = Time::ZERO;
        self.hosts[host].agenda.wake = if wake < end { Time::NEVER } else { wake };
        self.schedule_wake(host);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_and_many_events_are_grouped_alike() {
        let event = |i: u32| Event { target: i * 7 % 10, what: i, ..Event::default() };
        for (events, hosts) in [(0, 10), (1, 10), (30, 200), (30, 10)] {
            let mut batch = Batch { events: (0..events).map(event).collect(), ..Batch::default() };
            let mut expected = batch.events.clone();
            expected.sort_by_key(|e| e.target);
            batch.group(hosts, |e| e.target);
            assert_eq!(batch.events, expected, "{events} events of {hosts} hosts");
        }
    }
}
