//! Two queues driven by one random schedule, which must pop the same.
//!
//! A schedule is a sequence of phases, each with its own kind of delays, share of pops, bursts and broadcasts, so that
//! one seed meets ties, events at the present time, dense windows, sparse ones, jumps far beyond the ring, and every
//! change between them. Tests run a few hundred seeds; `scripts/fuzz-queue.sh` goes on as long as it is told.

use ledgerlab_consensus::types::mix64;
use ledgerlab_consensus::{Span, Time};

use super::{Event, Origin, Queue, order};

/// How far ahead a phase schedules.
#[derive(Clone, Copy, Debug)]
enum Delays {
    /// At the present time.
    None,
    /// Uniform below the bound.
    Uniform(u64),
    /// Always the same.
    Constant(u64),
    /// Multiples of a tick, below 16 of them: many ties.
    Ticks(u64),
    /// Every order of magnitude equally likely, up to 2^44 ns.
    Any,
    /// Mostly short, now and then never.
    Never(u64),
}

/// One phase of a schedule.
#[derive(Debug)]
struct Phase {
    steps: u64,
    delays: Delays,
    /// Pops for each 256 steps; the others push.
    pops: u64,
    /// Most events of a push.
    burst: u64,
    /// Whether pushes are copies of one message.
    copies: bool,
}

struct Draws {
    seed: u64,
    count: u64,
}

impl Draws {
    fn next(&mut self) -> u64 {
        self.count += 1;
        mix64(self.seed ^ mix64(self.count))
    }
    fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }
    fn power(&mut self, most: u64) -> u64 {
        1 << self.below(most)
    }
    fn phase(&mut self) -> Phase {
        let delays = match self.below(8) {
            0 => Delays::None,
            1 => Delays::Constant(self.power(36)),
            2 => Delays::Ticks(self.power(30)),
            3 => Delays::Any,
            4 => Delays::Never(self.power(24)),
            _ => Delays::Uniform(self.power(40)),
        };
        let (steps, burst) = (1 + self.below(2_000), self.power(7));
        // As many events leave as come, or fewer, or more.
        let balance = 256 * burst / (burst + 2);
        let pops = [balance, 64, 128, 250, 256][self.below(5) as usize];
        Phase { steps, delays, pops, burst, copies: self.below(2) == 0 }
    }
    fn delay(&mut self, delays: Delays) -> u64 {
        match delays {
            Delays::None => 0,
            Delays::Uniform(bound) => self.below(bound),
            Delays::Constant(ns) => ns,
            Delays::Ticks(ns) => ns * self.below(16),
            Delays::Any => {
                let bound = self.power(44);
                self.below(bound)
            }
            Delays::Never(_) if self.below(64) == 0 => u64::MAX,
            Delays::Never(bound) => self.below(bound),
        }
    }
}

/// What both queues have been told.
struct Duel<'q, A, B> {
    a: &'q mut A,
    b: &'q mut B,
    draws: Draws,
    /// Of 256 windows those that are taken without their order.
    unordered: u64,
    now: u64,
    sequence: u64,
    /// Pending copies of each message slot.
    copies: Vec<u32>,
    free: Vec<u32>,
}

/// The bit of `what` that tells plain events from copies.
const PLAIN: u32 = 1 << 31;

impl<A: Queue, B: Queue> Duel<'_, A, B> {
    fn push(&mut self, phase: &Phase) {
        self.sequence += 1;
        let origin = Origin::new(self.draws.below(64) as u32, self.sequence);
        let count = 1 + self.draws.below(phase.burst) as u32;
        let slot = phase.copies.then(|| self.slot(count));
        let (at_once, mut copies) = (self.draws.below(2) == 0, vec![]);
        for i in 0..count {
            let at = Time(self.now.saturating_add(self.draws.delay(phase.delays)));
            if let Some(what) = slot {
                let event = Event { at, origin, target: i * 1_021, what };
                copies.push((event.target, at));
                if !at_once {
                    self.a.push_copy(event);
                    self.b.push_copy(event);
                }
            } else {
                let event = Event { at, origin, target: i, what: PLAIN | i };
                self.a.push(event);
                self.b.push(event);
            }
        }
        if let (Some(what), true) = (slot, at_once) {
            self.a.push_copies((origin, what), copies.iter().copied());
            self.b.push_copies((origin, what), copies.into_iter());
        }
    }

    fn slot(&mut self, copies: u32) -> u32 {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.copies.push(0);
            self.copies.len() as u32 - 1
        });
        self.copies[slot as usize] = copies;
        slot
    }

    /// Pops from both; false if they are empty.
    fn pop(&mut self) -> bool {
        if self.draws.below(4) == 0 {
            assert_eq!(self.a.next_at(), self.b.next_at(), "next time, {}", self.place());
        }
        let (a, b) = (self.a.pop(), self.b.pop());
        assert_eq!(a, b, "popped, {}", self.place());
        assert_eq!(self.a.len(), self.b.len(), "length, {}", self.place());
        a.inspect(|event| self.popped(event)).is_some()
    }

    /// Pops a window from both; returns the number of events.
    fn pop_window(&mut self) -> u64 {
        let width = self.draws.power(34);
        let end = Time(self.now.saturating_add(self.draws.below(width)));
        let (mut a, mut b) = (vec![], vec![]);
        if self.draws.below(256) < self.unordered {
            assert_eq!(self.a.first_at(), self.b.first_at(), "first time, {}", self.place());
            self.a.take_before(end, &mut a);
            self.b.take_before(end, &mut b);
            a.sort_unstable_by_key(Event::key);
            order(&mut b);
        } else {
            self.a.pop_before(end, &mut a);
            self.b.pop_before(end, &mut b);
        }
        assert_eq!(a, b, "window, {}", self.place());
        assert_eq!(self.a.len(), self.b.len(), "length, {}", self.place());
        a.iter().for_each(|event| self.popped(event));
        a.len() as u64
    }

    fn popped(&mut self, event: &Event) {
        // What lies at the end of time ends the schedule's time, but not the schedule.
        if event.at != Time::NEVER {
            self.now = event.at.0;
        }
        if event.what & PLAIN == 0 {
            let left = &mut self.copies[event.what as usize];
            *left -= 1;
            if *left == 0 {
                self.free.push(event.what);
            }
        }
    }

    fn place(&self) -> String {
        format!("seed {} draw {}", self.draws.seed, self.draws.count)
    }
}

/// Drives two empty queues through the schedule of a seed, about 10^5 events, until both are empty again. Returns the
/// number of events.
///
/// # Panics
/// If they differ, with the seed and the place.
pub fn duel(seed: u64, a: &mut impl Queue, b: &mut impl Queue) -> u64 {
    let mut draws = Draws { seed, count: 0 };
    // A third of the schedules takes windows in its own order only, a third expects them, and a third does both.
    let (unordered, windows) = [(0, 64), (256, 2), (128, 64)][draws.below(3) as usize];
    if unordered == 256 {
        let width = Span(draws.power(34));
        a.expect_windows(width);
        b.expect_windows(width);
    }
    let mut duel = Duel { a, b, draws, unordered, now: 0, sequence: 0, copies: vec![], free: vec![] };
    let mut popped = 0;
    for _ in 0..12 {
        let phase = duel.draws.phase();
        for _ in 0..phase.steps {
            if duel.draws.below(256) < phase.pops {
                popped += if duel.draws.below(windows) == 0 { duel.pop_window() } else { u64::from(duel.pop()) };
            } else {
                duel.push(&phase);
            }
        }
        if duel.draws.below(3) == 0 {
            let most = duel.draws.power(16);
            popped += (0..most).take_while(|_| duel.pop()).count() as u64;
        }
    }
    while duel.pop() {
        popped += 1;
    }
    popped
}
