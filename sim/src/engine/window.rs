//! The fast way through the events: a window at a time, host by host.
//!
//! Nothing that a host does within a window no wider than the least latency reaches another host before the window
//! ends, and messages between nodes of one host go over its agenda, so only the order within each host matters. All
//! of a host's events of a window are handled together: its state is touched once, and its agenda is run to the
//! window's end without a wake for each task.

use std::ops::Range;

use ledgerlab_consensus::{NodeId, Protocol, Span, Time};

use crate::engine::host::{HOST_LINES, NODE_LINES};
use crate::engine::outbox::Outbox;
use crate::engine::shard::{Desk, Flow, Halt, Halted, Part, Shard, Step};
use crate::engine::{FATE, Simulation};
use crate::kernel::parallel::team;
use crate::kernel::prefetch::prefetch_lines;
use crate::kernel::queue::{Event, Queue};
use crate::network::Network;
use crate::node::agenda::WAKE;

/// No window is wider: what it holds should stay in the cache.
const WIDEST: Span = Span::millis(1);

/// About so many events are handled at a desk before it is cleared, so that what is written down stays in the cache.
/// Where there are several desks each shall do a whole window: its hosts are then the same in most windows.
const MOST_ALONE: usize = 1_024;
const MOST_SHARED: usize = 8_192;

/// State is fetched for the event so many places ahead.
const AHEAD: usize = 8;

/// Into how many parts a window is cut that has at least so many arrivals.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    parts: usize,
    least: usize,
}

impl Cut {
    /// No window is cut.
    pub const NONE: Cut = Cut { parts: 1, least: 0 };
}

/// A window with fewer arrivals is not shared: the threads would wait for each other longer than they work.
pub const LEAST_SHARED: usize = 64;

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

    /// Cuts a window with so many arrivals, or more, into so many parts, for as many threads. Results are the same.
    pub fn in_parts(mut self, parts: usize, least: usize) -> Self {
        self.cut = Cut { parts: parts.max(1), least };
        self
    }

    pub(super) fn run_windows(&mut self) {
        loop {
            let next = self.queue.next_at().unwrap_or(Time::NEVER);
            let end = (Time(next.0.min(self.horizon.0)) + self.window.width).min(self.horizon);
            self.plan_to(Time(end.0 - 1));
            // What clients have submitted may wake a host earlier.
            if self.queue.next_at().unwrap_or(Time::NEVER) < next {
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
        let arrivals = batch.events.iter().filter(|e| e.what != WAKE).count();
        self.arrivals += arrivals as u64;
        self.crowded += if arrivals < LEAST_SHARED { 0 } else { arrivals as u64 };
        let parts = if arrivals < self.cut.least { 1 } else { self.cut.parts };
        let network = &self.network;
        batch.group(self.hosts.len(), |e| host_of(network, e));
        let mut desks = std::mem::take(&mut self.desks);
        let mut from = 0;
        while from < batch.events.len() {
            let pieces = self.pieces(&batch.events, from, parts);
            desks.resize_with(desks.len().max(pieces.len()), Desk::default);
            self.run_pieces(&batch.events, &pieces, end, &mut desks);
            for (desk, piece) in desks.iter_mut().zip(pieces) {
                self.finish_piece(desk, &batch.events, end);
                from = piece.end;
            }
        }
        self.desks = desks;
        self.window = batch;
    }

    /// Parts of about the same size of a window's events from a place on, together no more than fit at the desks. No
    /// host is in two of them.
    fn pieces(&self, events: &[Event], from: usize, parts: usize) -> Vec<Range<usize>> {
        let left = events.len() - from;
        let parts = parts.min(left);
        // A part's hosts shall be the same in most windows, so that they stay in a core's cache.
        let size = left.div_ceil(parts).min(if parts == 1 { MOST_ALONE } else { MOST_SHARED });
        let (mut pieces, mut start) = (Vec::with_capacity(parts), from);
        while pieces.len() < parts && start < events.len() {
            let mut end = (start + size).min(events.len());
            while end < events.len() && self.host_of(&events[end]) == self.host_of(&events[end - 1]) {
                end += 1;
            }
            pieces.push(start..end);
            start = end;
        }
        pieces
    }

    /// Runs the hosts of each piece as far as they can go alone, each piece at a desk of its own.
    fn run_pieces(&mut self, events: &[Event], pieces: &[Range<usize>], end: Time, desks: &mut [Desk<P>]) {
        if let ([piece], [desk, ..]) = (pieces, &mut *desks) {
            return Shard { desk, ..self.shard() }.run_hosts(events, piece.clone(), end);
        }
        let frame = self.frame();
        let mut hosts = Part::whole(&mut self.hosts);
        let mut nodes = Part::whole(&mut self.nodes);
        let mut connections = Part::whole(&mut self.connections);
        let mut shards = Vec::with_capacity(pieces.len());
        for ((i, piece), desk) in pieces.iter().enumerate().zip(desks) {
            // Where the next piece begins.
            let (host, node) = pieces.get(i + 1).map_or((hosts.end(), nodes.end()), |next| {
                let host = host_of(&self.network, &events[next.start]);
                (host as usize, self.network.first_node(host))
            });
            let (own_hosts, own_nodes, own_connections);
            (own_hosts, hosts) = hosts.split(host);
            (own_nodes, nodes) = nodes.split(node);
            (own_connections, connections) = connections.split(node);
            let shard = Shard {
                frame,
                scenario: self.scenario,
                validators: &self.validators,
                network: &self.network,
                messages: &self.messages,
                blocks: &self.blocks,
                batches: &self.batches,
                txs: &self.txs,
                gateway: &self.gateway,
                hosts: own_hosts,
                nodes: own_nodes,
                connections: own_connections,
                desk,
                clear: Time::ZERO,
                author: FATE,
            };
            shards.push((shard, piece.clone()));
        }
        let run = |(mut shard, piece): (Shard<'_, P>, Range<usize>)| shard.run_hosts(events, piece, end);
        team::each(shards, run);
    }

    /// Carries out what the hosts of a piece have written down, and takes up those that have halted: in the order of
    /// hosts.
    fn finish_piece(&mut self, desk: &mut Desk<P>, events: &[Event], end: Time) {
        let Outbox { posts, copies, .. } = &mut desk.out;
        let (mut posts, mut done) = (posts.drain(..), 0);
        for stopped in desk.stopped.drain(..) {
            posts.by_ref().take(stopped.posts - done).for_each(|post| self.carry_out(post, copies));
            done = stopped.posts;
            let room = self.take_up(stopped, events, end);
            desk.spare.push(room);
        }
        posts.for_each(|post| self.carry_out(post, copies));
        self.clear_out(&mut desk.out);
    }

    /// Goes on with a host that has halted, to the window's end; gives back the room of its step.
    fn take_up(&mut self, stopped: Stopped<P>, events: &[Event], end: Time) -> Step<P> {
        let Stopped { mut visit, why, step, .. } = stopped;
        self.author = visit.host as u32 + 1;
        self.desk.halted = Some(why);
        let own = std::mem::replace(&mut self.desk.step, step);
        self.settle(Err(Halted));
        loop {
            let flow = self.shard().go_on(&mut visit, events, end);
            let done = flow.is_ok();
            self.settle(flow);
            if done {
                return std::mem::replace(&mut self.desk.step, own);
            }
        }
    }

    fn host_of(&self, e: &Event) -> u32 {
        host_of(&self.network, e)
    }
}

fn host_of(network: &Network, e: &Event) -> u32 {
    if e.what == WAKE { e.target } else { network.host_of(NodeId(e.target)) }
}

/// Whether two events are for the same node, or both wakes of the same host.
#[inline]
fn same_target(a: &Event, b: &Event) -> bool {
    a.target == b.target && (a.what == WAKE) == (b.what == WAKE)
}

/// How far a host has come in a window.
#[derive(Clone, Copy, Debug)]
pub struct Visit {
    host: usize,
    /// Its events that are left, by their places in the window.
    next: usize,
    last: usize,
    /// The wake that was in the queue.
    wake: Time,
}

/// A host that has halted.
pub struct Stopped<P: Protocol> {
    visit: Visit,
    /// So many posts come before.
    posts: usize,
    why: Halt<P>,
    step: Step<P>,
}

impl<P: Protocol> Shard<'_, P> {
    /// Everything that the hosts of these events do before `end`, as far as each can go alone.
    fn run_hosts(&mut self, events: &[Event], piece: Range<usize>, end: Time) {
        let events = &events[..piece.end];
        let mut from = piece.start;
        events[from..].iter().take(AHEAD).for_each(|e| self.fetch_state(e));
        while from < events.len() {
            let host = host_of(self.network, &events[from]);
            let left = &events[from..];
            let count =
                left.iter().take_while(|e| same_target(e, &left[0]) || host_of(self.network, e) == host).count();
            self.fetch_ahead(left, count);
            // No wakes while the agenda is looked at anyway.
            let wake = std::mem::replace(&mut self.hosts[host as usize].agenda.wake, Time::ZERO);
            let mut visit = Visit { host: host as usize, next: from, last: from + count, wake };
            self.author = host + 1;
            if self.go_on(&mut visit, events, end).is_err() {
                self.stop(visit);
            }
            from += count;
        }
    }

    fn stop(&mut self, visit: Visit) {
        let desk = &mut *self.desk;
        let why = desk.halted.take().expect("a host that halts says why");
        let step = std::mem::replace(&mut desk.step, desk.spare.pop().unwrap_or_default());
        desk.out.urgent = false;
        desk.stopped.push(Stopped { visit, posts: desk.out.posts.len(), why, step });
    }

    /// Everything that a host does before `end`, from where it has come.
    fn go_on(&mut self, visit: &mut Visit, events: &[Event], end: Time) -> Flow {
        let &mut Visit { host, last, wake, .. } = visit;
        while visit.next < last {
            let e = events[visit.next];
            if e.what == WAKE {
                visit.next += 1;
                continue;
            }
            // What is due until then does not know of this event yet.
            self.clear = e.at;
            self.run_agenda(host, e.at)?;
            visit.next += 1;
            let message = |e: &&Event| e.what != WAKE;
            self.clear = events[visit.next..last].iter().find(message).map_or(end, |next| next.at);
            self.arrive(e)?;
            self.give_way()?;
        }
        self.clear = end;
        self.run_agenda(host, Time(end.0 - 1))?;
        let agenda = &mut self.hosts[host].agenda;
        agenda.wake = if wake < end { Time::NEVER } else { wake };
        self.desk.out.wakes.extend(agenda.wake_up(host as u32));
        Ok(())
    }

    /// Asks for what events meet that come after the first `count` and are another host's than those before them.
    fn fetch_ahead(&self, events: &[Event], count: usize) {
        let host_of = |e: &Event| host_of(self.network, e);
        let first_of_host = |e: &&[Event]| !same_target(&e[0], &e[1]) && host_of(&e[0]) != host_of(&e[1]);
        let next =
            |from: usize| events.get(from - 1..).unwrap_or_default().windows(2).take(count).filter(first_of_host);
        next(AHEAD).for_each(|e| self.fetch_state(&e[1]));
        next(AHEAD / 2).for_each(|e| self.fetch_parts(&e[1]));
    }

    /// Asks for the state that an event meets.
    fn fetch_state(&self, e: &Event) {
        self.hosts.prefetch(host_of(self.network, e) as usize, HOST_LINES);
        if e.what != WAKE {
            self.nodes.prefetch(e.target as usize, NODE_LINES);
            self.connections.prefetch(e.target as usize, 1);
            self.messages.prefetch(e.what);
        }
    }

    /// The same for what that state refers to.
    fn fetch_parts(&self, e: &Event) {
        let host = &self.hosts[host_of(self.network, e) as usize];
        host.cpu.prefetch();
        if e.what == WAKE {
            host.agenda.prefetch();
        } else {
            self.connections[e.target as usize].prefetch();
            if let Some(replica) = self.nodes[e.target as usize].replica.as_deref() {
                prefetch_lines(std::slice::from_ref(replica), 0, REPLICA_LINES);
            }
        }
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
