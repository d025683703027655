//! The cores of a host: verification on a pool, the state machine and execution on cores of their own.
//!
//! With three cores or more the state machine has one, execution has one and the others verify; with two, the
//! state machine and execution share one; with one, everything shares it. A core is free from a point in time on,
//! which is all that a first-in-first-out queue in front of it needs.

use ledgerlab_consensus::{Span, Time};

use crate::kernel::prefetch::prefetch;

/// When a core is free, and for how long it was busy.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Core {
    free: Time,
    busy: Span,
}

impl Core {
    /// When work that is ready at `ready` begins.
    #[inline]
    pub fn begin(&self, ready: Time) -> Time {
        self.free.max(ready)
    }
    /// Works until then, which is known to be when it is done.
    #[inline]
    pub fn run_until(&mut self, done: Time, cost: Span) {
        debug_assert!(self.free + cost <= done);
        self.free = done;
        self.busy.0 += cost.0;
    }
    /// Works; returns when it is done.
    #[inline]
    pub fn run(&mut self, ready: Time, cost: Span) -> Time {
        self.free = self.free.max(ready) + cost;
        // Plain, since no run lasts so long.
        self.busy.0 += cost.0;
        self.free
    }
}

/// The core that is free first, of equal ones the first.
#[inline(always)]
pub fn earliest(pool: &mut [Core]) -> Option<&mut Core> {
    fn earlier<'a>(best: &'a mut Core, core: &'a mut Core) -> &'a mut Core {
        if core.free < best.free { core } else { best }
    }
    #[inline(never)]
    fn of_many(pool: &mut [Core]) -> Option<&mut Core> {
        pool.iter_mut().reduce(earlier)
    }
    match pool {
        // Most hosts have these two beside two others.
        [first, second] => Some(earlier(first, second)),
        pool => of_many(pool),
    }
}

/// The cores.
#[derive(Clone, Debug)]
pub struct Cpu {
    /// In place, since every message meets it.
    machine: Core,
    /// Where there are three cores or more.
    execution: Core,
    /// Empty where there is one core, which then verifies, too.
    pool: Box<[Core]>,
    cores: u32,
}

impl Cpu {
    /// Idle cores.
    pub fn new(cores: u32) -> Cpu {
        assert!(cores > 0, "a host without cores");
        let pool = if cores < 3 { cores - 1 } else { cores - 2 };
        let idle = Core::default();
        Cpu { machine: idle, execution: idle, pool: vec![idle; pool as usize].into(), cores }
    }
    /// Asks for the cores that verify, which will be needed soon.
    #[inline]
    pub fn prefetch(&self) {
        prefetch(&self.pool, 0);
    }
    /// Whether the state machine shares no core with verification.
    #[inline]
    pub fn verifies_apart(&self) -> bool {
        self.cores > 1
    }
    /// The core of the state machine, and those that verify beside it.
    #[inline(always)]
    pub fn parts(&mut self) -> (&mut Core, &mut [Core]) {
        (&mut self.machine, &mut self.pool)
    }
    /// Verifies on the earliest free core of the pool; returns when it is done.
    #[inline]
    pub fn verify(&mut self, ready: Time, cost: Span) -> Time {
        let (machine, pool) = self.parts();
        earliest(pool).unwrap_or(machine).run(ready, cost)
    }
    /// Verifies work that divides: an equal part on each core of the pool; returns when the last is done.
    pub fn verify_divided(&mut self, ready: Time, cost: Span) -> Time {
        let parts = self.pool.len().max(1) as u64;
        let part = Span(cost.0.div_ceil(parts));
        // Whoever has got a part is free later than everybody else, so each core gets one.
        if self.pool.iter().all(|core| core.free < ready + part) {
            let last = self.pool.iter_mut().map(|core| core.run(ready, part)).max();
            return last.unwrap_or_else(|| self.machine.run(ready, part));
        }
        (0..parts).map(|_| self.verify(ready, part)).max().unwrap_or(ready)
    }
    /// When a step of the state machine that is ready at `ready` begins.
    #[inline]
    pub fn step_begin(&self, ready: Time) -> Time {
        self.machine.begin(ready)
    }
    /// Runs a step of the state machine.
    #[inline]
    pub fn step(&mut self, begin: Time, cost: Span) -> Time {
        self.machine.run(begin, cost)
    }
    /// Executes transactions, one block after the other.
    pub fn execute(&mut self, ready: Time, cost: Span) -> Time {
        let core = if self.cores < 3 { &mut self.machine } else { &mut self.execution };
        core.run(ready, cost)
    }
    /// Share of all cores' time up to `now` that was billed.
    pub fn utilisation(&self, now: Time) -> f64 {
        self.shares(now).sum::<f64>() / f64::from(self.cores)
    }
    /// The same of the busiest core.
    pub fn busiest(&self, now: Time) -> f64 {
        self.shares(now).fold(0.0, f64::max)
    }
    fn shares(&self, now: Time) -> impl Iterator<Item = f64> + '_ {
        let execution = (self.cores > 2).then_some(&self.execution);
        let all = std::iter::once(&self.machine).chain(execution).chain(&self.pool);
        all.map(move |c| c.busy.0.saturating_sub(c.free.since(now).0) as f64 / now.0.max(1) as f64)
    }
    /// Idle from `now` on: the machine restarted.
    pub fn reset(&mut self, now: Time) {
        for c in [&mut self.machine, &mut self.execution].into_iter().chain(&mut self.pool) {
            c.busy = Span(c.busy.0.saturating_sub(c.free.since(now).0));
            c.free = c.free.min(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_cores_give_each_kind_of_work_its_own() {
        let mut c = Cpu::new(3);
        assert_eq!(c.verify(Time(0), Span(10)), Time(10));
        assert_eq!(c.execute(Time(0), Span(7)), Time(7));
        assert_eq!(c.step(Time(0), Span(5)), Time(5));
        assert_eq!(c.verify(Time(0), Span(10)), Time(20), "the pool has one core");
    }

    #[test]
    fn one_core_serialises_everything() {
        let mut c = Cpu::new(1);
        assert_eq!(c.verify(Time(0), Span(10)), Time(10));
        assert_eq!(c.execute(Time(0), Span(7)), Time(17));
        assert_eq!(c.step_begin(Time(3)), Time(17));
        assert!((c.utilisation(Time(17)) - 1.0).abs() < 1e-9);
        assert!((c.utilisation(Time(10)) - 1.0).abs() < 1e-9, "work behind `now` does not count");
    }

    #[test]
    fn a_part_for_each_core_is_a_part_for_the_earliest_one_by_one() {
        use ledgerlab_consensus::types::mix64;
        for case in 0..2_000 {
            let (mut fast, ready, cost) = (Cpu::new(6), Time(100), Span(mix64(case) % 200));
            fast.pool.iter_mut().zip(0..).for_each(|(core, i)| core.free = Time(mix64(case ^ mix64(i)) % 150));
            let mut plain = fast.clone();
            let part = Span(cost.0.div_ceil(4));
            let last = (0..4).map(|_| plain.verify(ready, part)).max();
            assert_eq!(Some(fast.verify_divided(ready, cost)), last);
            assert_eq!(fast.pool, plain.pool);
        }
    }

    #[test]
    fn divided_work_uses_the_whole_pool() {
        let mut c = Cpu::new(6);
        assert_eq!(c.verify_divided(Time(0), Span(400)), Time(100));
        assert_eq!(c.verify(Time(0), Span(10)), Time(110));
    }
}
