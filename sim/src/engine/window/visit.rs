//! What one host does in a window, as far as it can go alone.

use std::ops::Range;

use ledgerlab_consensus::{NodeId, Protocol, Time};

use crate::engine::arrive::there;
use crate::engine::host::{HOST_LINES, Host, NODE_LINES};
use crate::engine::shard::{Flow, Halt, Shard, Step};
use crate::engine::step::{MESSAGE, Mark};
use crate::engine::window::batch::{Batch, Group};
use crate::kernel::prefetch::prefetch_lines;
use crate::kernel::queue::Event;
use crate::node::agenda::WAKE;
use crate::node::cpu::earliest;

/// State is fetched for the host so many places ahead.
const AHEAD: usize = 8;

/// The state of so few hosts is in the cache anyway.
const NEAR: usize = 128;

/// Cache lines of a replica that are fetched with it.
const REPLICA_LINES: usize = 6;

/// How far a host has come in a window.
#[derive(Clone, Copy, Debug)]
pub struct Visit {
    pub host: usize,
    /// Its events that are left, by their places in the window.
    next: usize,
    last: usize,
    /// The wake that was in the queue.
    wake: Time,
}

/// A host that has halted.
pub struct Stopped<P: Protocol> {
    pub visit: Visit,
    /// So many posts come before.
    pub posts: usize,
    pub why: Halt<P>,
    pub step: Step<P>,
}

impl<P: Protocol> Shard<'_, P> {
    /// Everything that the hosts of these groups do before `end`, as far as each can go alone.
    pub fn run_hosts(&mut self, batch: &Batch, piece: Range<usize>, end: Time) {
        let groups = &batch.groups[piece];
        let far = self.network.hosts().len() > NEAR;
        groups.iter().take(if far { AHEAD } else { 0 }).for_each(|g| self.fetch_state(g, batch));
        for (i, g) in groups.iter().enumerate() {
            if far {
                groups.get(i + AHEAD).into_iter().for_each(|next| self.fetch_state(next, batch));
                groups.get(i + AHEAD / 2).into_iter().for_each(|next| self.fetch_parts(next, batch));
            }
            let (host, from, last) = (g.host as usize, g.from as usize, g.to as usize);
            let counted = self.count_votes(host, &batch.events[from..last]);
            let agenda = &mut self.hosts[host].agenda;
            if from + counted == last && end.max(agenda.wake) <= agenda.next_at() {
                // Nothing was written down, nor is anything due.
                continue;
            }
            // No wakes while the agenda is looked at anyway.
            let wake = std::mem::replace(&mut agenda.wake, Time::ZERO);
            let mut visit = Visit { host, next: from + counted, last, wake };
            self.author = g.host + 1;
            if self.go_on(&mut visit, &batch.events, end).is_err() {
                self.stop(visit);
            }
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
    pub fn go_on(&mut self, visit: &mut Visit, events: &[Event], end: Time) -> Flow {
        let &mut Visit { host, last, wake, .. } = visit;
        let events = &events[..last];
        while let Some(e) = events.get(visit.next) {
            if e.what == WAKE {
                // What is due is done in time anyway.
                visit.next += 1;
            } else {
                self.meet(visit, events, end)?;
            }
            visit.next += self.count_votes(host, &events[visit.next..]);
        }
        self.clear = end;
        self.run_agenda(host, Time(end.0 - 1))?;
        let agenda = &mut self.hosts[host].agenda;
        agenda.woken_before(wake, end);
        if let Some(event) = agenda.wake_up(host as u32) {
            self.desk.out.wakes.push(event);
        }
        Ok(())
    }

    /// What a host does until a message comes that is next, and that message.
    fn meet(&mut self, visit: &mut Visit, events: &[Event], end: Time) -> Flow {
        let e = events[visit.next];
        // What is due until then does not know of this event yet.
        self.clear = e.at;
        self.run_agenda(visit.host, e.at)?;
        visit.next += 1;
        let message = |e: &&Event| e.what != WAKE;
        self.clear = events[visit.next..].iter().find(message).map_or(end, |next| next.at);
        self.arrive(e)?;
        self.give_way()
    }

    /// Takes in the votes with which a list of a host's events begins, as far as nothing follows from them, just as
    /// [`Shard::arrive`] would; the first event from which anything might follow is left alone. Says how many were
    /// taken in: most messages end here.
    #[inline(always)]
    fn count_votes(&mut self, host: usize, events: &[Event]) -> usize {
        // A leader's message, a wake or nothing at all needs no more than a look.
        let begins = |e: &Event| e.what != WAKE && self.messages.header(e.what).plain;
        if P::TALLIES && events.first().is_some_and(begins) { self.take_in_votes(host, events) } else { 0 }
    }

    #[inline(never)]
    fn take_in_votes(&mut self, host: usize, events: &[Event]) -> usize {
        let Shard { hosts, nodes, messages, desk, scenario, network, frame, .. } = self;
        let (Host { agenda, cpu, down, .. }, handling) = (&mut hosts[host], scenario.node.handling);
        let ahead = frame.ahead_of(agenda);
        if !frame.eager {
            return 0;
        }
        // A node that is going to crash may do so before its step has ended.
        let (faults, planned) = (network.faults(), !network.faults().is_empty());
        let crashes = |n: u32, done, leave| planned && faults.next_crash(NodeId(n), done).is_some_and(|at| at <= leave);
        let Some(mut line) = down.line() else { return 0 };
        let ((machine, pool), mut counted) = (cpu.parts(), 0);
        for e in events {
            // Others cannot overtake a light one.
            let Some((header, body)) = messages.light(e.what) else { break };
            let n = &mut nodes[e.target as usize];
            let (Some(replica), true) = (&mut n.replica, n.local.is_empty()) else { break };
            let passage = line.foresee(there(header, e.at), header.bytes);
            let Some(core) = earliest(pool) else { break };
            let done = core.begin(passage.passed) + header.verify;
            let begin = machine.begin(done);
            if done >= ahead || crashes(e.target, done, begin + handling) || !replica.tally(body) {
                break;
            }
            line.take(passage, header.bytes);
            core.run_until(done, header.verify);
            machine.run(begin, handling);
            let mark = Mark { arrived: e.at, origin: e.origin, content: header.content };
            n.digest.record(&mark.words(begin, MESSAGE));
            counted += 1;
        }
        desk.out.released.extend(events[..counted].iter().map(|e| e.what));
        counted
    }

    /// Asks for the state that the first event of a host meets.
    fn fetch_state(&self, g: &Group, batch: &Batch) {
        self.hosts.prefetch(g.host as usize, HOST_LINES);
        let e = &batch.events[g.from as usize];
        if e.what != WAKE {
            self.nodes.prefetch(e.target as usize, NODE_LINES);
            self.connections.prefetch(e.target as usize, 1);
            self.messages.prefetch(e.what);
        }
    }

    /// The same for what that state refers to.
    fn fetch_parts(&self, g: &Group, batch: &Batch) {
        let host = &self.hosts[g.host as usize];
        host.cpu.prefetch();
        let e = &batch.events[g.from as usize];
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
