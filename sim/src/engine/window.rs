//! The fast way through the events: a window at a time, host by host.
//!
//! Nothing that a host does within a window no wider than the least latency reaches another host before the window
//! ends, and messages between nodes of one host go over its agenda, so only the order within each host matters. All
//! of a host's events of a window are handled together: its state is touched once, and its agenda is run to the
//! window's end without a wake for each task.

mod batch;
mod visit;

use std::ops::Range;

use ledgerlab_consensus::{NodeId, Protocol, Span, Time};

use crate::engine::Simulation;
use crate::engine::outbox::Outbox;
use crate::engine::shard::{Desk, Halted, Shard, Step};
use crate::kernel::parallel::team;
use crate::kernel::queue::{Event, Queue};
use crate::network::Network;
use crate::node::agenda::WAKE;

pub use batch::Batch;
use batch::Group;
pub use visit::Stopped;

/// About so many events are handled at a desk before it is cleared, so that what is written down stays in the cache.
/// Several desks shall do a window in one round: the hosts of each are then the same in most windows.
const MOST_ALONE: usize = 1_024;
const MOST_SHARED: usize = 8_192;

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

impl<P: Protocol, Q: Queue> Simulation<'_, P, Q> {
    /// Handles events in windows from now on.
    pub fn in_windows(mut self) -> Self {
        self.window = Batch::within(self.network.latency().min_between_hosts());
        if self.window.width > Span::ZERO {
            self.queue.expect_windows(self.window.width);
        }
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
        let (mut batch, mut desks) = (std::mem::take(&mut self.window), std::mem::take(&mut self.desks));
        loop {
            let next = self.queue.first_at().unwrap_or(Time::NEVER);
            let end = (Time(next.0.min(self.horizon.0)) + batch.width).min(self.horizon);
            // What clients have submitted may wake a host earlier.
            if self.plan_to(Time(end.0 - 1)) {
                continue;
            }
            if next >= self.horizon {
                break;
            }
            self.network.forget_arrivals(next);
            self.run_window(&mut batch, &mut desks, end);
        }
        (self.window, self.desks) = (batch, desks);
    }

    fn run_window(&mut self, batch: &mut Batch, desks: &mut Vec<Desk<P>>, end: Time) {
        batch.events.clear();
        self.queue.take_before(end, &mut batch.events);
        let (network, hosts) = (&self.network, self.hosts.len());
        if hosts == self.nodes.len() {
            // Each node has a host of its own, of the same number.
            batch.group(hosts, |e| e.target);
        } else {
            batch.group(hosts, |e| host_of(network, e));
        }
        let arrivals = batch.arrivals;
        self.arrivals += arrivals as u64;
        self.crowded += if arrivals < LEAST_SHARED { 0 } else { arrivals as u64 };
        let parts = if arrivals < self.cut.least { 1 } else { self.cut.parts.clamp(1, batch.groups.len().max(1)) };
        if desks.len() < parts {
            desks.resize_with(parts, Desk::default);
        }
        let mut from = 0;
        while from < batch.groups.len() {
            from = self.run_some(batch, from, parts, end, desks);
        }
    }

    /// Runs hosts from a place on, no more than fit at the desks; says where the others begin.
    fn run_some(&mut self, batch: &Batch, from: usize, parts: usize, end: Time, desks: &mut [Desk<P>]) -> usize {
        if let [desk] = &mut desks[..parts] {
            let to = piece_end(&batch.groups, from, MOST_ALONE);
            Shard { desk, ..self.shard() }.run_hosts(batch, from..to, end);
            self.finish_piece(desk, &batch.events, end);
            return to;
        }
        // A part's hosts shall be the same in most windows, so that they stay in a core's cache.
        let events = (batch.events.len() - batch.groups[from].from as usize).div_ceil(parts);
        let (mut pieces, mut to) = (Vec::with_capacity(parts), from);
        while pieces.len() < parts && to < batch.groups.len() {
            let (start, last) = (to, pieces.len() + 1 == parts);
            to = piece_end(&batch.groups, start, if last { MOST_SHARED } else { events.min(MOST_SHARED) });
            pieces.push(start..to);
        }
        self.run_pieces(batch, &pieces, end, desks);
        desks.iter_mut().for_each(|desk| self.finish_piece(desk, &batch.events, end));
        to
    }

    /// Runs the hosts of each piece as far as they can go alone, each piece at a desk of its own.
    fn run_pieces(&mut self, batch: &Batch, pieces: &[Range<usize>], end: Time, desks: &mut [Desk<P>]) {
        let mut rest = self.shard();
        let mut shards = Vec::with_capacity(pieces.len());
        for ((i, piece), desk) in pieces.iter().enumerate().zip(desks) {
            let next = pieces.get(i + 1).map(|next| batch.groups[next.start].host);
            let shard;
            (shard, rest) = rest.split(next, desk);
            shards.push((shard, piece.clone()));
        }
        let run = |(mut shard, piece): (Shard<'_, P>, Range<usize>)| shard.run_hosts(batch, piece, end);
        team::each(shards, run);
    }

    /// Carries out what the hosts of a piece have written down, and takes up those that have halted: in the order of
    /// hosts.
    fn finish_piece(&mut self, desk: &mut Desk<P>, events: &[Event], end: Time) {
        if desk.stopped.is_empty() {
            return self.carry_out_all(&mut desk.out);
        }
        let Outbox { posts, copies, .. } = &mut desk.out;
        let (mut posts, mut done) = (posts.drain(..), 0);
        for stopped in desk.stopped.drain(..) {
            self.carry_out(&mut posts, stopped.posts - done, copies);
            done = stopped.posts;
            let room = self.take_up(stopped, events, end);
            desk.spare.push(room);
        }
        self.carry_out(&mut posts, usize::MAX, copies);
        drop(posts);
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
}

/// Where the groups end that have so many events together, or one group that has more.
fn piece_end(groups: &[Group], from: usize, events: usize) -> usize {
    let last = groups[from].from as usize + events;
    if groups.last().is_some_and(|g| g.to as usize <= last) {
        return groups.len();
    }
    from + groups[from..].partition_point(|g| g.to as usize <= last).max(1)
}

fn host_of(network: &Network, e: &Event) -> u32 {
    if e.what == WAKE { e.target } else { network.host_of(NodeId(e.target)) }
}
