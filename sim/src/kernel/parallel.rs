//! One large run on several threads, in conservative windows.
//!
//! Entities are dealt to parts, each with its own queue and thread. Whatever an event causes in another part comes at
//! least the lookahead later, so all parts may run freely from the earliest pending event up to the lookahead after
//! it; then mail is exchanged and the next window begins. Keys are assigned by senders and every part pops in their
//! order, so each entity sees the same events in the same order on any number of threads.
//!
//! It pays where a window holds thousands of events for each thread; below that the threads wait for each other.

mod barrier;
pub mod team;
#[cfg(test)]
mod tests;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use ledgerlab_consensus::{Span, Time};

use super::queue::{Event, Queue};
use barrier::Barrier;

/// How many places ahead a part is told of an event.
const AHEAD: usize = 8;

/// The entities of one part and what their events do.
pub trait Part: Send {
    /// Handles an event of one of the part's entities and sends what follows, at the earliest now; what goes to
    /// another part, at the earliest the lookahead after now.
    fn handle(&mut self, event: Event, send: impl FnMut(Event));
    /// Which part an entity belongs to, by its place in the list of parts.
    fn owner(&self, target: u32) -> usize;
    /// An event of this entity comes soon, or so it seems: its state may be fetched.
    fn soon(&self, target: u32) {
        let _ = target;
    }
}

/// Runs parts and their queues on a thread each until nothing is pending before `end`, and gives them back.
///
/// # Panics
/// If a part sends to another one earlier than the lookahead allows, or the lookahead is zero with several parts.
pub fn run<P: Part, Q: Queue + Send>(parts: Vec<(P, Q)>, lookahead: Span, end: Time) -> Vec<(P, Q)> {
    let threads = parts.len();
    assert!(threads < 2 || lookahead > Span::ZERO, "{threads} threads need a lookahead above zero");
    let shared = Shared::new(threads, lookahead, end);
    let slots: Vec<_> = parts.into_iter().map(|part| Mutex::new(Some(part))).collect();
    let take = |me: usize| slots[me].lock().expect("nobody else").take().expect("taken once");
    let work = |me: usize| {
        let (part, queue) = take(me);
        Worker { me, part, queue, shared: &shared, mail: vec![vec![]; threads], earliest: Time::NEVER }.run()
    };
    if threads < 2 {
        return (0..threads).map(work).collect();
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be started");
    pool.broadcast(|context| work(context.index()))
}

/// What the threads share.
struct Shared {
    lookahead: Span,
    end: Time,
    barrier: Barrier,
    /// Earliest pending event of each part after the last window, for even and odd windows.
    earliest: [Vec<AtomicU64>; 2],
    /// Events by parity of the window, sender's part and receiver's part.
    mail: [Vec<Vec<Mutex<Vec<Event>>>>; 2],
}

impl Shared {
    fn new(threads: usize, lookahead: Span, end: Time) -> Shared {
        let earliest = || (0..threads).map(|_| AtomicU64::new(0)).collect();
        let boxes = || (0..threads).map(|_| (0..threads).map(|_| Mutex::default()).collect()).collect();
        let barrier = Barrier::new(threads);
        Shared { lookahead, end, barrier, earliest: [earliest(), earliest()], mail: [boxes(), boxes()] }
    }
}

/// One thread's work.
struct Worker<'s, P, Q> {
    me: usize,
    part: P,
    queue: Q,
    shared: &'s Shared,
    /// Events for other parts, from this window.
    mail: Vec<Vec<Event>>,
    /// Earliest of them.
    earliest: Time,
}

impl<P: Part, Q: Queue> Worker<'_, P, Q> {
    fn run(mut self) -> (P, Q) {
        let poison = self.shared.barrier.guard();
        for parity in [0, 1].into_iter().cycle() {
            self.publish(parity);
            self.shared.barrier.wait();
            let earliest = self.shared.earliest[parity].iter().map(|t| t.load(Ordering::Acquire)).min();
            let start = Time(earliest.expect("at least one part"));
            if start >= self.shared.end {
                break;
            }
            self.collect(parity);
            let limit = Time(start.0.saturating_add(self.shared.lookahead.0)).min(self.shared.end);
            // A single part needs no windows.
            self.window(if self.mail.len() == 1 { self.shared.end } else { limit });
        }
        poison.done();
        (self.part, self.queue)
    }

    /// Handles the part's events before `limit`.
    fn window(&mut self, limit: Time) {
        let Worker { me, part, queue, mail, earliest, .. } = self;
        *earliest = Time::NEVER;
        while queue.next_at().is_some_and(|at| at < limit) {
            let Some(event) = queue.pop() else { return };
            if let Some((target, _)) = queue.upcoming(AHEAD) {
                part.soon(target);
            }
            // The owners of what is sent are asked for afterwards: the part is busy.
            let mut sent = [None; 1];
            let mut more = vec![];
            part.handle(event, |e| match &mut sent {
                [first @ None] => *first = Some(e),
                _ => more.push(e),
            });
            for e in sent.into_iter().flatten().chain(more) {
                let owner = part.owner(e.target);
                if owner == *me {
                    queue.push(e);
                } else {
                    assert!(e.at >= limit, "an event at {:?} for part {owner} before the window's end {limit:?}", e.at);
                    *earliest = e.at.min(*earliest);
                    mail[owner].push(e);
                }
            }
        }
    }

    /// Puts down the mail of the last window, and the earliest event that is pending here or on its way.
    fn publish(&mut self, parity: usize) {
        for (out, place) in self.mail.iter_mut().zip(&self.shared.mail[parity][self.me]) {
            // The box was emptied by its receiver in the window before the last.
            std::mem::swap(out, &mut *place.lock().expect("no thread panics with it"));
        }
        let pending = self.queue.next_at().unwrap_or(Time::NEVER).min(self.earliest);
        self.shared.earliest[parity][self.me].store(pending.0, Ordering::Release);
    }

    fn collect(&mut self, parity: usize) {
        for from in &self.shared.mail[parity] {
            let mut place = from[self.me].lock().expect("no thread panics with it");
            place.drain(..).for_each(|e| self.queue.push(e));
        }
    }
}
